//! The only decoder: ARM-shaped resources to the model. A resource type is one function and one line in [`TYPES`].
//! Must not know where the text came from.

mod admin;
mod compute;
mod firewall;
mod hub;
mod load_balancer;
mod network;
mod nsg;
mod reader;
mod security;
mod tags;

use std::sync::Arc;

use crate::model::{Item, ResourceId};
use crate::source::{Diagnostic, Locator};
use crate::syntax::Node;
use reader::{Reader, Scope};

/// What became of one resource.
pub enum Decoded {
    Item(Box<Item>),
    /// A type that no rule needs.
    Unused(Arc<str>),
    /// Not a resource, or one without a usable id.
    Nothing,
}

type Decode = fn(&mut Reader<'_, '_>, Scope<'_, '_>) -> Option<Item>;

/// Resource types in lower case, with their decoders.
const TYPES: &[(&str, Decode)] = &[
    ("microsoft.compute/virtualmachines", compute::vm),
    (
        "microsoft.compute/virtualmachinescalesets/virtualmachines",
        compute::scale_set_instance,
    ),
    ("microsoft.compute/virtualmachinescalesets", compute::scale_set_resource),
    ("microsoft.classiccompute/virtualmachines", compute::classic_vm),
    ("microsoft.network/networkinterfaces", network::nic),
    (
        "microsoft.compute/virtualmachinescalesets/virtualmachines/networkinterfaces",
        network::nic,
    ),
    ("microsoft.network/virtualnetworks", network::virtual_network),
    ("microsoft.network/virtualnetworks/subnets", network::loose_subnet),
    (
        "microsoft.network/virtualnetworks/virtualnetworkpeerings",
        network::loose_peering,
    ),
    ("microsoft.network/networksecuritygroups", nsg::nsg),
    ("microsoft.network/networksecuritygroups/securityrules", nsg::loose_rule),
    (
        "microsoft.network/applicationsecuritygroups",
        network::application_security_group,
    ),
    ("microsoft.network/publicipaddresses", network::public_ip),
    ("microsoft.network/routetables", network::route_table),
    ("microsoft.network/bastionhosts", network::bastion),
    ("microsoft.network/virtualhubs", hub::hub),
    (
        "microsoft.network/virtualhubs/hubvirtualnetworkconnections",
        hub::connection,
    ),
    ("microsoft.network/virtualhubs/routingintent", hub::routing_intent),
    ("microsoft.network/privatelinkservices", hub::private_link_service),
    ("microsoft.network/loadbalancers", load_balancer::load_balancer),
    ("microsoft.network/azurefirewalls", firewall::firewall),
    ("microsoft.network/firewallpolicies", firewall::policy),
    (
        "microsoft.network/firewallpolicies/rulecollectiongroups",
        firewall::rule_collection_group,
    ),
    ("microsoft.network/ipgroups", firewall::ip_group),
    (
        "microsoft.security/locations/jitnetworkaccesspolicies",
        security::jit_policy,
    ),
    ("microsoft.security/pricings", security::pricing),
    ("microsoft.security/assessments", security::assessment),
    (
        "microsoft.network/networkmanagers/securityadminconfigurations/rulecollections",
        admin::collection,
    ),
    (
        "microsoft.network/networkmanagers/securityadminconfigurations/rulecollections/rules",
        admin::rule,
    ),
    (
        "microsoft.network/networkmanagers/securityadminconfigurations",
        admin::configuration,
    ),
    (
        "microsoft.network/networkmanagers/listdeploymentstatus",
        admin::deployments,
    ),
    (
        "microsoft.network/networkmanagers/listactivesecurityadminrules",
        admin::active_rules,
    ),
    (
        "microsoft.network/virtualnetworks/listnetworkmanagereffectivesecurityadminrules",
        admin::effective_rules,
    ),
    ("microsoft.network/networkmanagers/networkgroups", admin::group),
    (
        "microsoft.network/networkmanagers/networkgroups/staticmembers",
        admin::static_member,
    ),
    ("microsoft.network/servicetags", tags::service_tags),
    (
        "microsoft.network/networkinterfaces/effectivenetworksecuritygroups",
        tags::effective_groups,
    ),
    ("microsoft.resources/subscriptions", security::subscription),
];

/// Rows of answers that have no id of their own, by members that only they have.
const ANSWERS: &[(&[&str], Decode)] = &[
    (&["deploymentStatus", "configurationIds"], admin::loose_deployment),
    (
        &["effectiveSecurityRules", "networkSecurityGroup"],
        tags::effective_group,
    ),
    (&["changeNumber", "values"], tags::service_tags),
];

/// Decodes a row of an answer; `None` where it is none.
fn answer(node: &Node<'_>, locator: &Locator<'_>, diagnostics: &mut Vec<Diagnostic>) -> Option<Decoded> {
    let has = |member: &&str| node.get(member).is_some();
    let (_, decode) = ANSWERS.iter().find(|(members, _)| members.iter().all(has))?;
    let mut reader = Reader::new(ResourceId::new("answer"), locator);
    let scope = reader.scope(node);
    let item = decode(&mut reader, scope);
    diagnostics.append(&mut reader.diagnostics);
    Some(item.map_or(Decoded::Nothing, |item| Decoded::Item(Box::new(item))))
}

/// Whether resources of this type, in lower case, are decoded.
pub fn is_decoded(resource_type: &str) -> bool {
    TYPES.iter().any(|(name, _)| *name == resource_type)
}

/// A decoded type, in lower case as it is given.
pub fn decoded_type(resource_type: &str) -> Option<&'static str> {
    let found = TYPES.iter().find(|(name, _)| *name == resource_type);
    found.map(|(name, _)| *name)
}

/// Every decoded type, in lower case.
pub fn decoded_types() -> impl Iterator<Item = &'static str> {
    TYPES.iter().map(|(name, _)| *name)
}

/// Decodes one resource; problems are appended to `diagnostics`.
pub fn decode(node: &Node<'_>, locator: &Locator<'_>, diagnostics: &mut Vec<Diagnostic>) -> Decoded {
    let scope = Scope::new(node);
    let Some(id) = scope.own("id").and_then(Node::as_text).filter(|id| !id.is_empty()) else {
        if let Some(decoded) = answer(node, locator, diagnostics) {
            return decoded;
        }
        let location = locator.locate(node.span.start, node.span.end);
        let diagnostic = Diagnostic::error("no-id", format!("{} without `id` is not a resource", node.kind()));
        let help = "give resources as `GET`, `az ... list -o json` or Resource Graph return them, with their ids";
        diagnostics.push(diagnostic.at(location).help(help));
        return Decoded::Nothing;
    };
    let id = ResourceId::new(id);
    let Some(resource_type) = type_of(&id, scope) else {
        let location = locator.locate(node.span.start, node.span.end);
        let diagnostic = Diagnostic::error(
            "no-type",
            format!("`{id}` is not the id of an Azure resource, and no `type` is said"),
        );
        diagnostics.push(
            diagnostic
                .about(id.as_str())
                .at(location)
                .help("give resources with the ids that Azure returns"),
        );
        return Decoded::Nothing;
    };
    let Some((_, decode)) = TYPES.iter().find(|(name, _)| *name == resource_type) else {
        return Decoded::Unused(Arc::from(resource_type));
    };
    let mut reader = Reader::new(id, locator);
    let scope = reader.scope(node);
    let item = decode(&mut reader, scope);
    if item.is_none() && reader.diagnostics.is_empty() {
        let message = format!("the record of `{}` leaves out what it is about", reader.id.name());
        reader.problem(node, "incomplete-record", message, "record the resource whole");
    }
    diagnostics.append(&mut reader.diagnostics);
    item.map_or(Decoded::Nothing, |item| Decoded::Item(Box::new(item)))
}

/// The type that the id says; else the stated one. `az account list` gives bare ids without a type.
fn type_of(id: &ResourceId, scope: Scope<'_, '_>) -> Option<String> {
    let by_id = id.resource_type();
    if !by_id.is_empty() {
        return Some(by_id);
    }
    let stated = scope.own("type").and_then(Node::as_text).map(str::to_ascii_lowercase);
    let is_subscription = || scope.own("tenantId").is_some() || scope.own("subscriptionId").is_some();
    match stated {
        Some(stated) => Some(stated),
        None if is_subscription() => Some("microsoft.resources/subscriptions".to_owned()),
        None => None,
    }
}
