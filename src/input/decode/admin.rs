//! Security admin rules of Azure Virtual Network Manager.

use std::sync::Arc;

use super::nsg::{address_terms, port_terms};
use super::reader::{Reader, Scope};
use crate::model::{
    Addresses, AdminAccess, AdminEndpoint, AdminGroup, AdminRule, AdminRuleCollection, Direction, Item, Ports,
    ResourceId, StaticMember,
};
use crate::syntax::Node;

pub(super) fn collection(reader: &mut Reader<'_, '_>, scope: Scope<'_, '_>) -> Option<Item> {
    let groups = reader.scopes(scope, "appliesToGroups");
    let groups = groups
        .into_iter()
        .filter_map(|group| reader.text(group, "networkGroupId"));
    Some(Item::AdminRuleCollection(AdminRuleCollection {
        groups: groups.map(|id| ResourceId::new(&id)).collect(),
        id: reader.id.clone(),
        origin: reader.origin(scope.node),
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

pub(super) fn rule(reader: &mut Reader<'_, '_>, scope: Scope<'_, '_>) -> Option<Item> {
    Some(Item::AdminRule(AdminRule {
        id: reader.id.clone(),
        priority: reader.needed(scope, "priority"),
        direction: reader.word(scope, "direction", DIRECTIONS),
        access: reader.word(scope, "access", ACCESSES),
        protocol: reader.protocol(scope, "protocol"),
        sources: endpoints(reader, scope, "sources"),
        destinations: endpoints(reader, scope, "destinations"),
        source_ports: ports(reader, scope, "sourcePortRanges"),
        destination_ports: ports(reader, scope, "destinationPortRanges"),
        origin: reader.origin(scope.node),
    }))
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
