//! Security admin rules of Azure Virtual Network Manager.

use std::sync::Arc;

use super::nsg::{address_terms, port_terms};
use super::reader::{Reader, Scope};
use crate::model::{
    ActiveAdminRule, Addresses, AdminAccess, AdminConfiguration, AdminEndpoint, AdminGroup, AdminRule,
    AdminRuleCollection, Deployment, Deployments, Direction, EffectiveAdminRules, Item, Known, OnServiceNetworks,
    Ports, ResourceId, StaticMember, Why, WhyKind,
};
use crate::syntax::Node;

pub(super) fn collection(reader: &mut Reader<'_, '_>, scope: Scope<'_, '_>) -> Option<Item> {
    Some(Item::AdminRuleCollection(AdminRuleCollection {
        groups: groups(reader, scope, "appliesToGroups"),
        id: reader.id.clone(),
        origin: reader.origin(scope.node),
    }))
}

fn groups(reader: &mut Reader<'_, '_>, scope: Scope<'_, '_>, name: &str) -> Vec<ResourceId> {
    let groups = reader.scopes(scope, name);
    let ids = groups
        .into_iter()
        .filter_map(|group| reader.text(group, "networkGroupId"));
    ids.map(|id| ResourceId::new(&id)).collect()
}

const ON_SERVICE_NETWORKS: &[(&str, OnServiceNetworks)] = &[
    ("None", OnServiceNetworks::None),
    ("AllowRulesOnly", OnServiceNetworks::AllowRulesOnly),
    ("All", OnServiceNetworks::All),
];

pub(super) fn configuration(reader: &mut Reader<'_, '_>, scope: Scope<'_, '_>) -> Option<Item> {
    let stated = reader.texts(scope, "applyOnNetworkIntentPolicyBasedServices");
    let lost = reader.take_lost();
    let read = |text: &Arc<str>| {
        let known = ON_SERVICE_NETWORKS
            .iter()
            .find(|(word, _)| word.eq_ignore_ascii_case(text));
        known.map(|(_, value)| *value)
    };
    let on_service_networks = match (lost, stated.as_slice()) {
        (Some(why), _) => Known::Unknown(why),
        (None, []) => Known::Known(OnServiceNetworks::None),
        (None, [first, ..]) => read(first).map_or_else(
            || {
                Known::Unknown(Why::new(
                    WhyKind::Unreadable,
                    format!("`{first}` is no way to apply admin rules"),
                ))
            },
            Known::Known,
        ),
    };
    Some(Item::AdminConfiguration(AdminConfiguration {
        id: reader.id.clone(),
        on_service_networks,
        origin: reader.origin(scope.node),
    }))
}

/// The answer of a network manager to `listDeploymentStatus`, recorded under `<manager>/listDeploymentStatus`.
pub(super) fn deployments(reader: &mut Reader<'_, '_>, scope: Scope<'_, '_>) -> Option<Item> {
    reader.take_lost();
    let rows = reader.scopes(scope, "value");
    let rows = rows.into_iter().filter_map(|row| deployment(reader, row)).collect();
    let whole = is_whole(reader, scope) && reader.take_lost().is_none();
    Some(Item::Deployments(Deployments {
        manager: reader.id.parent_of_action(),
        whole,
        rows,
    }))
}

/// One row of such an answer that does not say who was asked.
pub(super) fn loose_deployment(reader: &mut Reader<'_, '_>, scope: Scope<'_, '_>) -> Option<Item> {
    let row = deployment(reader, scope);
    Some(Item::Deployments(Deployments {
        manager: None,
        whole: false,
        rows: row.into_iter().collect(),
    }))
}

/// A row about security admin rules; `None` for one about connectivity or routing.
fn deployment(reader: &mut Reader<'_, '_>, scope: Scope<'_, '_>) -> Option<Deployment> {
    let kind = reader.text(scope, "deploymentType");
    if kind.is_some_and(|kind| !kind.eq_ignore_ascii_case("SecurityAdmin")) {
        return None;
    }
    let before = reader.take_lost();
    let configurations = reader.texts(scope, "configurationIds");
    let lost = reader.take_lost();
    before.into_iter().for_each(|why| reader.lose(why));
    let settled = match lost {
        Some(why) => Known::Unknown(why),
        None => reader.word(scope, "deploymentStatus", STATUSES),
    };
    Some(Deployment {
        region: region(reader, scope)?,
        settled,
        configurations: configurations.iter().map(|id| ResourceId::new(id)).collect(),
    })
}

const STATUSES: &[(&str, bool)] = &[
    ("Deployed", true),
    ("Deploying", false),
    ("NotStarted", false),
    ("Failed", false),
];

fn region(reader: &mut Reader<'_, '_>, scope: Scope<'_, '_>) -> Option<Arc<str>> {
    let region = reader.text(scope, "region");
    if region.is_none() {
        reader.lose(Why::not_in_input("the region of a deployment"));
    }
    region.map(Reader::short_region)
}

/// No further page follows.
fn is_whole(reader: &mut Reader<'_, '_>, scope: Scope<'_, '_>) -> bool {
    let more = ["skipToken", "nextLink"];
    !more.iter().any(|name| reader.text(scope, name).is_some())
}

/// The answer of a network manager to `listActiveSecurityAdminRules`.
pub(super) fn active_rules(reader: &mut Reader<'_, '_>, scope: Scope<'_, '_>) -> Option<Item> {
    let rows = reader.scopes(scope, "value");
    let rules = rows.into_iter().filter_map(|row| active(reader, row)).collect();
    Some(Item::ActiveAdminRules(rules))
}

/// The answer of a network to `listNetworkManagerEffectiveSecurityAdminRules`: all rules in force on it.
pub(super) fn effective_rules(reader: &mut Reader<'_, '_>, scope: Scope<'_, '_>) -> Option<Item> {
    reader.take_lost();
    let rows = reader.scopes(scope, "value");
    let mut rules = Vec::new();
    for row in rows {
        let id = rule_id(reader, row);
        rules.extend(id.map(|id| rule_of(reader, row, id)));
    }
    let whole = is_whole(reader, scope) && scope.get("value").is_some();
    let unread = reader.take_lost().or_else(|| {
        (!whole).then(|| Why::not_in_input(&format!("a page of the admin rules on `{}`", reader.id.name())))
    });
    Some(Item::EffectiveAdminRules(EffectiveAdminRules {
        network: reader.id.parent_of_action()?,
        rules: unread.map_or(Known::Known(rules), Known::Unknown),
    }))
}

pub(super) fn group(reader: &mut Reader<'_, '_>, scope: Scope<'_, '_>) -> Option<Item> {
    Some(Item::AdminGroup(AdminGroup {
        id: reader.id.clone(),
        origin: reader.origin(scope.node),
    }))
}

pub(super) fn static_member(reader: &mut Reader<'_, '_>, scope: Scope<'_, '_>) -> Option<Item> {
    let resource = ResourceId::new(&reader.text(scope, "resourceId")?);
    Some(Item::StaticMember(StaticMember {
        id: reader.id.clone(),
        resource,
        origin: reader.origin(scope.node),
    }))
}

const DIRECTIONS: &[(&str, Direction)] = &[("Inbound", Direction::Inbound), ("Outbound", Direction::Outbound)];
const ACCESSES: &[(&str, AdminAccess)] = &[
    ("Allow", AdminAccess::Allow),
    ("Deny", AdminAccess::Deny),
    ("AlwaysAllow", AdminAccess::AlwaysAllow),
];

/// A rule as a resource; one that says its region is a rule in force.
pub(super) fn rule(reader: &mut Reader<'_, '_>, scope: Scope<'_, '_>) -> Option<Item> {
    if scope.own("region").is_some() {
        return active(reader, scope).map(|rule| Item::ActiveAdminRules(vec![rule]));
    }
    let id = reader.id.clone();
    Some(Item::AdminRule(rule_of(reader, scope, id)))
}

fn active(reader: &mut Reader<'_, '_>, scope: Scope<'_, '_>) -> Option<ActiveAdminRule> {
    let region = region(reader, scope)?;
    let id = rule_id(reader, scope)?;
    Some(ActiveAdminRule {
        region,
        rule: rule_of(reader, scope, id),
    })
}

fn rule_id(reader: &mut Reader<'_, '_>, scope: Scope<'_, '_>) -> Option<ResourceId> {
    let id = scope.own("id").and_then(Node::as_text).map(ResourceId::new);
    if id.is_none() {
        let why = reader.absent(scope.node, "id");
        reader.lose(why);
    }
    id
}

fn rule_of(reader: &mut Reader<'_, '_>, scope: Scope<'_, '_>, id: ResourceId) -> AdminRule {
    AdminRule {
        id,
        priority: reader.needed(scope, "priority"),
        direction: reader.word(scope, "direction", DIRECTIONS),
        access: reader.word(scope, "access", ACCESSES),
        protocol: reader.protocol(scope, "protocol"),
        sources: endpoints(reader, scope, "sources"),
        destinations: endpoints(reader, scope, "destinations"),
        source_ports: ports(reader, scope, "sourcePortRanges"),
        destination_ports: ports(reader, scope, "destinationPortRanges"),
        groups: groups(reader, scope, "ruleCollectionAppliesToGroups"),
        origin: reader.origin(scope.node),
    }
}

fn endpoints(reader: &mut Reader<'_, '_>, scope: Scope<'_, '_>, name: &str) -> Vec<AdminEndpoint> {
    let scopes = reader.scopes(scope, name);
    let mut endpoints: Vec<AdminEndpoint> = scopes.into_iter().map(|scope| endpoint(reader, scope)).collect();
    if endpoints.is_empty() {
        // A rule without sources or destinations applies to all of them.
        endpoints.push(AdminEndpoint::Addresses(Addresses::any()));
    }
    endpoints
}

fn endpoint(reader: &mut Reader<'_, '_>, scope: Scope<'_, '_>) -> AdminEndpoint {
    let kind = scope
        .get("addressPrefixType")
        .and_then(Node::as_text)
        .unwrap_or_default();
    if kind.eq_ignore_ascii_case("NetworkGroup") {
        let id = scope.get("addressPrefix").and_then(Node::as_text).unwrap_or_default();
        return AdminEndpoint::Group(Arc::from(id));
    }
    let mut terms = Vec::new();
    if let Some(node) = scope.get("addressPrefix") {
        address_terms(reader, node, &mut terms);
    }
    AdminEndpoint::Addresses(Addresses { terms })
}

fn ports(reader: &mut Reader<'_, '_>, scope: Scope<'_, '_>, name: &str) -> Ports {
    let Some(node) = scope.get(name) else {
        return Ports::any();
    };
    let mut ports = Ports::default();
    port_terms(reader, node, &mut ports);
    if ports.set.is_empty() && ports.unknown.is_none() {
        Ports::any()
    } else {
        ports
    }
}
