//! Which resources use which others: one table of the members that name another resource. It decides what cannot be
//! deleted, and keeps the members that name the users (`subnets` of a group, `virtualMachine` of an interface) true.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{Resource, Store, key, properties_mut};
use crate::model::ResourceId;

/// A member that names another resource.
#[derive(Debug)]
pub struct Link {
    /// The type that has the member, in lower case.
    pub holder: &'static str,
    /// From `properties` down; lists are walked through.
    pub path: &'static [&'static str],
    /// The type that it names.
    pub target: &'static str,
    /// The member of the named resource that names the user in turn, and whether it is a list.
    pub back: Option<(&'static str, Back)>,
    /// Why the named resource cannot be deleted; empty when it can.
    pub blocks: Block,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Back {
    List,
    One,
}

/// The code with which Azure refuses to delete what is in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Block {
    Nothing,
    Code(&'static str),
}

const NSG: Block = Block::Code("InUseNetworkSecurityGroupCannotBeDeleted");
const SUBNET: Block = Block::Code("InUseSubnetCannotBeDeleted");
const ADDRESS: Block = Block::Code("PublicIPAddressCannotBeDeleted");
const ROUTES: Block = Block::Code("InUseRouteTableCannotBeDeleted");
const NIC: Block = Block::Code("NicInUse");
const ASG: Block = Block::Code("ApplicationSecurityGroupInUse");
const FIREWALL_POLICY: Block = Block::Code("FirewallPolicyInUse");

const NICS: &str = "microsoft.network/networkinterfaces";
const GROUPS: &str = "microsoft.network/networksecuritygroups";
const SUBNETS: &str = "microsoft.network/virtualnetworks/subnets";
const ADDRESSES: &str = "microsoft.network/publicipaddresses";
const APPLICATIONS: &str = "microsoft.network/applicationsecuritygroups";
const TABLES: &str = "microsoft.network/routetables";
const POLICIES: &str = "microsoft.network/firewallpolicies";

const fn link(
    holder: &'static str,
    path: &'static [&'static str],
    target: &'static str,
    back: Option<(&'static str, Back)>,
    blocks: Block,
) -> Link {
    Link {
        holder,
        path,
        target,
        back,
        blocks,
    }
}

const IP: Option<(&str, Back)> = Some(("ipConfigurations", Back::List));
const IP_OF_ADDRESS: Option<(&str, Back)> = Some(("ipConfiguration", Back::One));

/// Every member that names another resource of the estate.
pub const LINKS: &[Link] = &[
    link(
        "microsoft.compute/virtualmachines",
        &["networkProfile", "networkInterfaces"],
        NICS,
        Some(("virtualMachine", Back::One)),
        NIC,
    ),
    link(
        "microsoft.network/networkinterfaces",
        &["networkSecurityGroup"],
        GROUPS,
        Some(("networkInterfaces", Back::List)),
        NSG,
    ),
    link(
        "microsoft.network/networkinterfaces",
        &["ipConfigurations", "properties", "subnet"],
        SUBNETS,
        IP,
        SUBNET,
    ),
    link(
        "microsoft.network/networkinterfaces",
        &["ipConfigurations", "properties", "publicIPAddress"],
        ADDRESSES,
        IP_OF_ADDRESS,
        ADDRESS,
    ),
    link(
        "microsoft.network/networkinterfaces",
        &["ipConfigurations", "properties", "applicationSecurityGroups"],
        APPLICATIONS,
        None,
        ASG,
    ),
    link(
        "microsoft.network/virtualnetworks",
        &["subnets", "properties", "networkSecurityGroup"],
        GROUPS,
        Some(("subnets", Back::List)),
        NSG,
    ),
    link(
        "microsoft.network/virtualnetworks",
        &["subnets", "properties", "routeTable"],
        TABLES,
        Some(("subnets", Back::List)),
        ROUTES,
    ),
    link(
        "microsoft.network/loadbalancers",
        &["frontendIPConfigurations", "properties", "subnet"],
        SUBNETS,
        IP,
        SUBNET,
    ),
    link(
        "microsoft.network/loadbalancers",
        &["frontendIPConfigurations", "properties", "publicIPAddress"],
        ADDRESSES,
        IP_OF_ADDRESS,
        ADDRESS,
    ),
    link(
        "microsoft.network/azurefirewalls",
        &["ipConfigurations", "properties", "subnet"],
        SUBNETS,
        IP,
        SUBNET,
    ),
    link(
        "microsoft.network/azurefirewalls",
        &["ipConfigurations", "properties", "publicIPAddress"],
        ADDRESSES,
        IP_OF_ADDRESS,
        ADDRESS,
    ),
    link(
        "microsoft.network/azurefirewalls",
        &["firewallPolicy"],
        POLICIES,
        Some(("firewalls", Back::List)),
        FIREWALL_POLICY,
    ),
    link(
        "microsoft.network/bastionhosts",
        &["ipConfigurations", "properties", "subnet"],
        SUBNETS,
        IP,
        SUBNET,
    ),
    link(
        "microsoft.network/bastionhosts",
        &["ipConfigurations", "properties", "publicIPAddress"],
        ADDRESSES,
        IP_OF_ADDRESS,
        ADDRESS,
    ),
    link(
        "microsoft.network/networksecuritygroups",
        &["securityRules", "properties", "sourceApplicationSecurityGroups"],
        APPLICATIONS,
        None,
        ASG,
    ),
    link(
        "microsoft.network/networksecuritygroups",
        &["securityRules", "properties", "destinationApplicationSecurityGroups"],
        APPLICATIONS,
        None,
        ASG,
    ),
];

/// Who uses a resource.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Referrer {
    /// The id of the object that names it: an IP configuration, a subnet, a machine.
    pub id: String,
    /// Key of the resource that holds the object.
    pub holder: String,
    /// Index in [`LINKS`].
    link: usize,
}

impl Referrer {
    pub fn link(&self) -> Option<&'static Link> {
        LINKS.get(self.link)
    }
}

/// Users by the key of what they use.
pub type Referrers = BTreeMap<String, BTreeSet<Referrer>>;

/// What a body names: key of the named resource, and the user.
fn named(resource_type: &str, holder: &str, body: &Value) -> BTreeSet<(String, Referrer)> {
    let mut found = BTreeSet::new();
    let own_id = body.get("id").and_then(Value::as_str).unwrap_or(holder);
    let Some(properties) = body.get("properties") else {
        return found;
    };
    for (at, link) in LINKS
        .iter()
        .enumerate()
        .filter(|(_, link)| link.holder == resource_type)
    {
        walk(properties, link.path, own_id, &mut |target, user| {
            let referrer = Referrer {
                id: user.to_owned(),
                holder: holder.to_owned(),
                link: at,
            };
            found.insert((key(target), referrer));
        });
    }
    found
}

/// The resources that a body names, by itself or as a part of its parent.
pub fn references(id: &str, body: &Value) -> Vec<String> {
    let id = ResourceId::new(id);
    let resource_type = id.resource_type();
    let (parent, member) = resource_type.rsplit_once('/').unwrap_or_default();
    let mut found = Vec::new();
    let Some(properties) = body.get("properties") else {
        return found;
    };
    for link in LINKS {
        let path = match link.path {
            path if link.holder == resource_type => path,
            [first, _, rest @ ..] if link.holder == parent && first.eq_ignore_ascii_case(member) => rest,
            _ => continue,
        };
        walk(properties, path, id.as_str(), &mut |target, _| {
            found.push(target.to_owned())
        });
    }
    found
}

/// Visits the ids at the end of a path, each with the id of the innermost object on the way that has one.
fn walk(value: &Value, path: &[&str], user: &str, visit: &mut dyn FnMut(&str, &str)) {
    if let Some(list) = value.as_array() {
        return list.iter().for_each(|item| walk(item, path, user, visit));
    }
    match path.split_first() {
        None => {
            if let Some(target) = value.get("id").and_then(Value::as_str) {
                visit(target, user);
            }
        }
        Some((member, rest)) => {
            let user = value.get("id").and_then(Value::as_str).unwrap_or(user);
            if let Some(value) = value.get(member) {
                walk(value, rest, user, visit);
            }
        }
    }
}

impl Store {
    /// Who uses this resource.
    pub fn referrers(&self, id: &str) -> impl Iterator<Item = &Referrer> {
        self.referrers.get(&key(id)).into_iter().flatten()
    }

    /// Brings the users of what a resource names up to date after a write.
    pub(super) fn relink(&mut self, holder: &str, old: Option<&Value>) {
        let Some(resource) = self.resources.get(holder) else {
            return;
        };
        let now = named(&resource.resource_type, holder, &resource.body);
        let before = old.map_or_else(BTreeSet::new, |old| named(&resource.resource_type, holder, old));
        for (target, referrer) in before.difference(&now) {
            self.forget(target, referrer);
        }
        for (target, referrer) in now.difference(&before) {
            self.remember(target, referrer);
        }
    }

    /// Forgets what a removed resource named.
    pub(super) fn unlink(&mut self, holder: &str, resource: &Resource) {
        for (target, referrer) in named(&resource.resource_type, holder, &resource.body) {
            self.forget(&target, &referrer);
        }
    }

    /// Takes the users in without touching what they use: a recording says for itself what it knows.
    pub(super) fn index(&mut self) {
        let mut referrers = Referrers::new();
        for (holder, resource) in &self.resources {
            for (target, referrer) in named(&resource.resource_type, holder, &resource.body) {
                referrers.entry(target).or_default().insert(referrer);
            }
        }
        self.referrers = referrers;
    }

    fn remember(&mut self, target: &str, referrer: &Referrer) {
        self.referrers
            .entry(target.to_owned())
            .or_default()
            .insert(referrer.clone());
        let back = referrer.link().and_then(|link| link.back);
        if let Some((member, back)) = back {
            let user = json!({ "id": referrer.id });
            self.change_any(target, |body| name_user(body, member, back, user));
        }
    }

    fn forget(&mut self, target: &str, referrer: &Referrer) {
        if let Some(users) = self.referrers.get_mut(target) {
            users.remove(referrer);
        }
        let back = referrer.link().and_then(|link| link.back);
        if let Some((member, back)) = back {
            self.change_any(target, |body| forget_user(body, member, back, &referrer.id));
        }
    }
}

fn name_user(body: &mut Value, member: &str, back: Back, user: Value) {
    let Some(properties) = properties_mut(body) else {
        return;
    };
    match back {
        Back::One => {
            properties.insert(member.to_owned(), user);
        }
        Back::List => {
            let list = properties.entry(member).or_insert_with(|| json!([]));
            let Some(list) = list.as_array_mut() else { return };
            let id = user.get("id").and_then(Value::as_str).unwrap_or_default();
            if !list.iter().any(|item| has_id(item, id)) {
                list.push(user);
            }
        }
    }
}

fn forget_user(body: &mut Value, member: &str, back: Back, id: &str) {
    let Some(properties) = properties_mut(body) else {
        return;
    };
    match back {
        Back::One => {
            if properties.get(member).is_some_and(|user| has_id(user, id)) {
                properties.remove(member);
            }
        }
        Back::List => {
            if let Some(list) = properties.get_mut(member).and_then(Value::as_array_mut) {
                list.retain(|item| !has_id(item, id));
            }
        }
    }
}

fn has_id(value: &Value, id: &str) -> bool {
    let stated = value.get("id").and_then(Value::as_str);
    stated.is_some_and(|stated| stated.eq_ignore_ascii_case(id))
}
