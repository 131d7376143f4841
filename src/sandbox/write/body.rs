//! The body of a `PUT`: what must be in it, and what the service adds, keeps and settles.

use serde_json::{Map, Value, json};

use super::security_rule;
use crate::model::ResourceId;
use crate::sandbox::answer::Refusal;
use crate::sandbox::arm::Address;
use crate::sandbox::kind::{Home, Kind, kept_in};
use crate::sandbox::state::State;
use crate::sandbox::store::{Block, LINKS, home_of, is_named, items, items_mut, properties_mut, references};

/// Members that only the service writes, kept from before.
const KEPT: &[&str] = &[
    "resourceGuid",
    "defaultSecurityRules",
    "vmId",
    "timeCreated",
    "macAddress",
];

/// The rules that every security group has: name, priority, direction, access, source, destination.
const DEFAULT_RULES: [(&str, u32, &str, &str, &str, &str); 6] = [
    (
        "AllowVnetInBound",
        65000,
        "Inbound",
        "Allow",
        "VirtualNetwork",
        "VirtualNetwork",
    ),
    (
        "AllowAzureLoadBalancerInBound",
        65001,
        "Inbound",
        "Allow",
        "AzureLoadBalancer",
        "*",
    ),
    ("DenyAllInBound", 65500, "Inbound", "Deny", "*", "*"),
    (
        "AllowVnetOutBound",
        65000,
        "Outbound",
        "Allow",
        "VirtualNetwork",
        "VirtualNetwork",
    ),
    ("AllowInternetOutBound", 65001, "Outbound", "Allow", "*", "Internet"),
    ("DenyAllOutBound", 65500, "Outbound", "Deny", "*", "*"),
];

/// Tracked resources state where they are, and stay there.
pub fn check_location(state: &State, address: &Address, kind: &Kind, body: &Value) -> Result<(), Refusal> {
    let is_tracked =
        address.tail.len() == 2 && !["Microsoft.Security", "Microsoft.Authorization"].contains(&kind.namespace());
    if !is_tracked {
        return Ok(());
    }
    let stated = body.get("location").and_then(Value::as_str).unwrap_or_default();
    if stated.is_empty() {
        let message = "The location property is required for this definition.";
        return Err(Refusal::bad("LocationRequired", message));
    }
    let plain = |location: &str| location.replace(' ', "").to_ascii_lowercase();
    let before = state
        .store
        .own(&address.id())
        .and_then(|found| found.body.get("location")?.as_str());
    match before {
        Some(before) if plain(before) != plain(stated) => {
            let message = format!(
                "The resource '{}' already exists in location '{before}' in resource group '{}'. A resource with the \
                 same name cannot be created in location '{stated}'. Please select a new resource name.",
                address.last(),
                address.group
            );
            Err(Refusal::new(409, "InvalidResourceLocation", message))
        }
        _ => Ok(()),
    }
}

/// The resource that a body makes: identity, children with theirs, and what the service keeps.
pub fn made(state: &State, id: &str, kind: &Kind, stated: Value) -> Value {
    let before = state.store.find(id).map(|found| found.body.clone());
    let spelled = before.as_ref().and_then(|body| body.get("id")?.as_str()).unwrap_or(id);
    let mut body = stated;
    identify(&mut body, spelled, kind);
    for (child, member) in kept_in(kind.name) {
        let kept = before
            .as_ref()
            .map(|before| items(before, member).cloned().collect::<Vec<_>>());
        for item in items_mut(&mut body, member) {
            let name = item.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
            identify(item, &format!("{spelled}/{member}/{name}"), child);
            let kept = kept.iter().flatten().find(|kept| is_named(kept, &name));
            keep_users(item, kept, child.name);
            set_provisioning_state(item, "Succeeded");
        }
    }
    keep_users(&mut body, before.as_ref(), kind.name);
    keep_own(&mut body, before.as_ref());
    if kind.name == "Microsoft.Network/networkSecurityGroups" {
        complete_group(&mut body, spelled);
    }
    set_provisioning_state(&mut body, "Updating");
    body
}

fn identify(body: &mut Value, id: &str, kind: &Kind) {
    let Some(object) = body.as_object_mut() else { return };
    object.remove("etag");
    object.insert("id".to_owned(), Value::from(id));
    object.insert("name".to_owned(), Value::from(ResourceId::new(id).name()));
    object.insert("type".to_owned(), Value::from(kind.name));
    object.entry("properties").or_insert_with(|| Value::Object(Map::new()));
}

pub fn set_provisioning_state(body: &mut Value, to: &str) {
    if let Some(properties) = properties_mut(body) {
        properties.insert("provisioningState".to_owned(), Value::from(to));
    }
}

/// Who uses a resource is for the service to say: what the client sends is passed over.
fn keep_users(body: &mut Value, before: Option<&Value>, resource_type: &str) {
    let is_used = |target: &str| target.eq_ignore_ascii_case(resource_type);
    let Some(properties) = properties_mut(body) else {
        return;
    };
    let members = LINKS.iter().filter_map(|link| Some((link.target, link.back?.0)));
    for (_, member) in members.filter(|(target, _)| is_used(target)) {
        let kept = before.and_then(|before| before.get("properties")?.get(member)).cloned();
        match kept {
            Some(kept) => properties.insert(member.to_owned(), kept),
            None => properties.remove(member),
        };
    }
}

fn keep_own(body: &mut Value, before: Option<&Value>) {
    let Some(properties) = properties_mut(body) else {
        return;
    };
    for member in KEPT {
        if let Some(kept) = before.and_then(|before| before.get("properties")?.get(member)) {
            properties.insert((*member).to_owned(), kept.clone());
        }
    }
}

/// A group that states no rules has none of its own, and always the default ones.
fn complete_group(body: &mut Value, id: &str) {
    let Some(properties) = properties_mut(body) else {
        return;
    };
    properties.entry("securityRules").or_insert_with(|| json!([]));
    if properties.get("defaultSecurityRules").is_some_and(Value::is_array) {
        return;
    }
    let rules = DEFAULT_RULES
        .iter()
        .map(|(name, priority, direction, access, source, destination)| {
            json!({
                "id": format!("{id}/defaultSecurityRules/{name}"),
                "name": name,
                "type": "Microsoft.Network/networkSecurityGroups/defaultSecurityRules",
                "properties": {
                    "provisioningState": "Succeeded", "protocol": "*",
                    "sourcePortRange": "*", "destinationPortRange": "*",
                    "sourceAddressPrefix": source, "destinationAddressPrefix": destination,
                    "access": access, "priority": priority, "direction": direction,
                },
            })
        });
    properties.insert("defaultSecurityRules".to_owned(), rules.collect());
}

/// Checks a made body before it is written.
pub fn check(state: &State, id: &str, kind: &Kind, body: &Value) -> Result<(), Refusal> {
    check_references(state, id, body)?;
    match kind.name {
        "Microsoft.Network/networkSecurityGroups" => {
            let rules: Vec<&Value> = items(body, "securityRules").collect();
            security_rule::check(&rules, |_| true)
        }
        "Microsoft.Network/networkSecurityGroups/securityRules" => check_rule(state, id, body),
        _ => check_dropped(state, id, kind, body),
    }
}

/// A rule among the others of its group.
fn check_rule(state: &State, id: &str, body: &Value) -> Result<(), Refusal> {
    let Some((holder, member, name)) = home_of(id) else {
        return Ok(());
    };
    let others = state.store.own(&holder);
    let mut rules: Vec<&Value> = others
        .iter()
        .flat_map(|holder| items(&holder.body, member))
        .filter(|rule| !is_named(rule, &name))
        .collect();
    rules.push(body);
    security_rule::check(&rules, |rule| is_named(rule, &name))
}

/// What a body names must be there.
fn check_references(state: &State, id: &str, body: &Value) -> Result<(), Refusal> {
    for target in references(id, body) {
        if !state.store.exists(&target) {
            let message = format!(
                "Resource {target} referenced by resource {id} was not found. Please make sure that the referenced \
                 resource exists, and that both resources are in the same region."
            );
            return Err(Refusal::bad("InvalidResourceReference", message));
        }
    }
    Ok(())
}

/// Children that the new body leaves out are deleted, unless they are in use.
fn check_dropped(state: &State, id: &str, kind: &Kind, body: &Value) -> Result<(), Refusal> {
    let Some(before) = state.store.own(id).filter(|_| kind.home == Home::Own) else {
        return Ok(());
    };
    for (_, member) in kept_in(kind.name) {
        for item in items(&before.body, member) {
            let name = item.get("name").and_then(Value::as_str).unwrap_or_default();
            if items(body, member).any(|kept| is_named(kept, name)) {
                continue;
            }
            let child = item.get("id").and_then(Value::as_str).unwrap_or_default();
            check_unused(state, child)?;
        }
    }
    Ok(())
}

/// Refuses to delete what is in use, in the words of the service.
pub fn check_unused(state: &State, id: &str) -> Result<(), Refusal> {
    let user = state
        .store
        .referrers(id)
        .find_map(|user| Some((user, user.link().filter(|link| link.blocks != Block::Nothing)?)));
    let Some((user, link)) = user else { return Ok(()) };
    let (Block::Code(code), by) = (link.blocks, &user.id) else {
        return Ok(());
    };
    let message = match code {
        "InUseNetworkSecurityGroupCannotBeDeleted" => format!(
            "Network security group {id} cannot be deleted because it is in use by the following resources: {by}. In \
             order to delete the Network security group, remove the association with the resource(s). To learn how to \
             do this, see aka.ms/deletensg."
        ),
        "InUseSubnetCannotBeDeleted" => format!(
            "Subnet {} is in use by {by} and cannot be deleted. In order to delete the subnet, delete all the resources \
             within the subnet. See aka.ms/deletesubnet.",
            ResourceId::new(id).name()
        ),
        "PublicIPAddressCannotBeDeleted" => format!(
            "Public IP address {id} can not be deleted since it is still allocated to resource {by}. In order to delete \
             the public IP, disassociate/detach the Public IP address from the resource. To learn how to do this, see \
             aka.ms/deletepublicip."
        ),
        "NicInUse" => format!(
            "Network Interface {id} is used by existing resource {by}. In order to delete the network interface, it \
             must be dissociated from the resource. To learn more, see aka.ms/deletenic."
        ),
        "InUseRouteTableCannotBeDeleted" => {
            format!(
                "Route table {} is in use and cannot be deleted.",
                ResourceId::new(id).name()
            )
        }
        _ => format!("Resource {id} is in use by {by} and cannot be deleted."),
    };
    Err(Refusal::bad(code, message))
}
