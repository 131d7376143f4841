//! The addresses of service tags: Microsoft's weekly file, the service's own answer, and the effective rules of an
//! interface. Of the last only tags that mean the same everywhere count.

use super::reader::{Reader, Scope};
use crate::model::{Item, ServiceTag, TagName};
use crate::net::AddressRange;
use crate::syntax::Node;

/// `{ "changeNumber": ..., "values": [{ "name": ..., "properties": { "addressPrefixes": [...] } }] }`.
pub(super) fn service_tags(reader: &mut Reader<'_, '_>, scope: Scope<'_, '_>) -> Option<Item> {
    let mut tags = Vec::new();
    for value in reader.scopes(scope, "values") {
        let name = reader.text(value, "name");
        let Some(nodes) = value.get("addressPrefixes").and_then(Node::as_list) else {
            continue;
        };
        tags.extend(name.and_then(|name| tag(reader, &name, nodes)));
    }
    Some(Item::ServiceTags(tags))
}

/// One row of the answer about an interface's effective rules.
pub(super) fn effective_group(reader: &mut Reader<'_, '_>, scope: Scope<'_, '_>) -> Option<Item> {
    let members = scope.get("tagMap").and_then(Node::as_object).unwrap_or_default();
    let mut tags = Vec::new();
    for member in members {
        let nodes = member.node.as_list().unwrap_or_default();
        tags.extend(tag(reader, &member.name, nodes));
    }
    Some(Item::ServiceTags(tags))
}

/// The answer about an interface, recorded under `<interface>/effectiveNetworkSecurityGroups`.
pub(super) fn effective_groups(reader: &mut Reader<'_, '_>, scope: Scope<'_, '_>) -> Option<Item> {
    let mut tags = Vec::new();
    for row in reader.scopes(scope, "value") {
        if let Some(Item::ServiceTags(of_row)) = effective_group(reader, row) {
            tags.extend(of_row);
        }
    }
    Some(Item::ServiceTags(tags))
}

/// A tag with its addresses; `None` for one whose meaning depends on the subnet, and where a prefix cannot be read:
/// a list with a hole is not what the tag means.
fn tag(reader: &mut Reader<'_, '_>, name: &str, nodes: &[Node<'_>]) -> Option<(TagName, Vec<AddressRange>)> {
    let Some(ServiceTag::Named(name)) = ServiceTag::parse(name) else {
        return None;
    };
    let ranges: Result<Vec<AddressRange>, _> = nodes.iter().map(|node| reader.range(node)).collect();
    ranges.ok().map(|ranges| (name, ranges))
}
