//! Which security admin rules are in force on a network, as far as what was recorded of deployments tells.

use std::borrow::Cow;

use super::holds::Holds;
use crate::model::{
    AdminAccess, AdminRule, Deployment, Deployments, Direction, Inventory, Known, OnServiceNetworks, ResourceId,
    StaticMember, VirtualNetwork, choices,
};

/// A rule that is or may be in force.
#[derive(Clone)]
pub struct InForce<'i> {
    pub rule: &'i AdminRule,
    pub holds: Holds<'i>,
}

/// The inbound rules that are or may be in force on a network.
pub fn in_force<'i>(inventory: &'i Inventory, network: Option<&'i VirtualNetwork>) -> Vec<InForce<'i>> {
    let Some(network) = network else { return Vec::new() };
    let all = match answered(inventory, &network.id) {
        Some(rules) => rules.iter().map(surely).collect(),
        None => stated(inventory, network),
    };
    let inbound = |found: &InForce<'_>| found.rule.direction.known() != Some(&Direction::Outbound);
    all.into_iter()
        .filter(|found| inbound(found) && !found.holds.is_no())
        .collect()
}

fn surely(rule: &AdminRule) -> InForce<'_> {
    InForce {
        rule,
        holds: Holds::Yes,
    }
}

/// What the network itself answered, unless it answered twice and not the same.
fn answered<'i>(inventory: &'i Inventory, network: &ResourceId) -> Option<&'i [AdminRule]> {
    let answers: Vec<_> = inventory
        .effective_admin_rules
        .iter()
        .filter(|answer| answer.network == *network)
        .collect();
    let [first, rest @ ..] = answers.as_slice() else {
        return None;
    };
    let rules = first.rules.known()?;
    rest.iter().all(|other| other == first).then_some(rules.as_slice())
}

/// What was committed to the region, and of configurations that are not among that, what their resources say.
fn stated<'i>(inventory: &'i Inventory, network: &'i VirtualNetwork) -> Vec<InForce<'i>> {
    let mut found: Vec<InForce<'i>> = Vec::new();
    for active in &inventory.active_admin_rules {
        let here = !network.location.is_empty() && active.region == network.location;
        if here && !found.iter().any(|known| *known.rule == active.rule) {
            found.push(surely(&active.rule));
        }
    }
    let committed: Vec<Option<ResourceId>> = found.iter().map(|found| found.rule.configuration()).collect();
    for rule in inventory.admin_rules.iter() {
        if !committed.contains(&rule.configuration()) {
            let holds = deployed(inventory, rule, network);
            found.push(InForce { rule, holds });
        }
    }
    for InForce { rule, holds } in &mut found {
        let known = std::mem::replace(holds, Holds::No);
        *holds = known
            .and(|| meant_for(inventory, rule, &network.id))
            .and(|| let_in(inventory, rule, network));
    }
    found
}

fn unsaid<'i>(rule: &AdminRule) -> Holds<'i> {
    Holds::Maybe(Cow::Owned(format!(
        "whether security admin rule `{}` is deployed here is not in the input",
        rule.id.name()
    )))
}

/// Whether the rule's configuration is deployed to the network's region. Answers that differ settle nothing.
fn deployed<'i>(inventory: &'i Inventory, rule: &AdminRule, network: &VirtualNetwork) -> Holds<'i> {
    let Some(configuration) = rule.configuration().filter(|_| !network.location.is_empty()) else {
        return unsaid(rule);
    };
    let told = inventory
        .deployments
        .iter()
        .flat_map(|answer| tells(answer, &configuration, &network.location));
    let told: Vec<Option<bool>> = told.collect();
    match told.split_first() {
        Some((Some(first), rest)) if rest.iter().all(|other| *other == Some(*first)) => Holds::surely(*first),
        _ => unsaid(rule),
    }
}

/// What one answer says of a configuration in a region, row by row; `None` for a row that is not settled.
fn tells(answer: &Deployments, configuration: &ResourceId, region: &str) -> Vec<Option<bool>> {
    let manager = configuration.parent();
    let asked_it = manager.is_some() && answer.manager == manager;
    let of_manager = |row: &&Deployment| asked_it || row.configurations.iter().any(|named| named.parent() == manager);
    let rows = answer
        .rows
        .iter()
        .filter(|row| &*row.region == region)
        .filter(of_manager);
    let mut told: Vec<Option<bool>> = rows
        .map(|row| (row.settled == Known::Known(true)).then(|| row.configurations.contains(configuration)))
        .collect();
    if told.is_empty() && asked_it && answer.whole {
        told.push(Some(false));
    }
    told
}

/// Whether one of the groups that the rule is for holds the network.
fn meant_for<'i>(inventory: &'i Inventory, rule: &'i AdminRule, network: &ResourceId) -> Holds<'i> {
    let collection = rule
        .id
        .parent()
        .and_then(|id| inventory.admin_rule_collections.find(&id));
    match collection {
        Some(collection) => Holds::any(collection.groups.iter().map(|group| member(inventory, group, network))),
        None if rule.groups.is_empty() => unsaid(rule),
        None => Holds::any(rule.groups.iter().map(|group| member(inventory, group, network))),
    }
}

/// A group without static members in the input has members that a policy adds.
fn member<'i>(inventory: &'i Inventory, group: &ResourceId, network: &ResourceId) -> Holds<'i> {
    let of_group = |member: &&StaticMember| member.id.parent().as_ref() == Some(group);
    let members: Vec<&StaticMember> = inventory.static_members.iter().filter(of_group).collect();
    let holds_network =
        |member: &&StaticMember| member.resource == *network || member.resource.parent().as_ref() == Some(network);
    let perhaps_more = members.is_empty() || inventory.choices.is(&choices::GROUP_MEMBERS, "unknown");
    match (members.iter().any(holds_network), perhaps_more) {
        (true, _) => Holds::Yes,
        (false, true) => Holds::Maybe(Cow::Owned(format!(
            "whether network group `{}` has this network is not in the input",
            group.name()
        ))),
        (false, false) => Holds::No,
    }
}

/// Networks of services that manage their own policies take only the rules that the configuration lets in.
fn let_in<'i>(inventory: &'i Inventory, rule: &'i AdminRule, network: &VirtualNetwork) -> Holds<'i> {
    let services = ["Microsoft.Sql/managedInstances", "Microsoft.Databricks/workspaces"];
    let delegations = network.subnets.iter().flat_map(|subnet| &subnet.delegations);
    let mut delegations = delegations.map(|delegation| &**delegation);
    if !delegations.any(|delegation| services.iter().any(|service| delegation.eq_ignore_ascii_case(service))) {
        return Holds::Yes;
    }
    let configuration = rule
        .configuration()
        .and_then(|id| inventory.admin_configurations.find(&id));
    let Some(configuration) = configuration else {
        return Holds::Maybe(Cow::Borrowed(
            "whether security admin rules reach the networks of such a service is not in the input",
        ));
    };
    match &configuration.on_service_networks {
        Known::Unknown(why) => Holds::unknown(why),
        Known::Known(OnServiceNetworks::All) => Holds::Yes,
        Known::Known(OnServiceNetworks::None) => Holds::No,
        Known::Known(OnServiceNetworks::AllowRulesOnly) => {
            Holds::of(&rule.access, |access| *access != AdminAccess::Deny)
        }
    }
}
