//! Enables just-in-time access for a machine: an entry in the policy of its resource group and region, beside the
//! entries that others have there.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::{Draft, Proposal, Remedy, Sight, owner};
use crate::model::{Inventory, JitPolicy, Known, MachineKind, Os, ResourceId, Vm};
use crate::remedy::effect;
use crate::remedy::view::View;
use crate::rule::Finding;
use crate::rule::facts::{Estate, Standing, VmFacts, standing};

pub const REMEDY: Remedy = Remedy {
    name: "enable-jit",
    phase: 1,
    mends: &["management-ports-jit", "management-port-exposed"],
    about: "an entry in the just-in-time policy of the machine's resource group and region",
    propose,
};

/// Most characters of the policy's and the machine's name together: the service writes both into a description.
const NAMES_LIMIT: usize = 56;

fn propose(sight: &Sight<'_>, finding: &Finding) -> Proposal {
    let Some((index, vm)) = sight.view.machine_of(finding) else {
        return Proposal::Nothing;
    };
    if sight.view.policies_of(&vm.id).next().is_some() {
        return Proposal::Nothing;
    }
    if let Err(reason) = possible(sight.view, index, vm) {
        return Proposal::cannot(owner(vm), reason);
    }
    let policy = policy_for(sight.view.inventory(), vm);
    if let Err(reason) = names_fit(&policy, &vm.id) {
        return Proposal::cannot(owner(vm), reason);
    }
    let ports = ports(sight, vm);
    let entry = json!({ "ports": ports.iter().map(|port| rule(*port, sight)).collect::<Vec<Value>>() });
    let paths = effect::filtered(sight.view, &vm.id);
    let numbers: BTreeSet<u16> = ports.iter().copied().collect();
    Proposal::Steps(vec![Draft {
        remedy: REMEDY.name,
        phase: REMEDY.phase,
        target: policy.clone(),
        part: Some(vm.id.clone()),
        lane: policy,
        before: None,
        after: Some(entry),
        expects: effect::expected(&paths, &numbers),
        reason: format!(
            "just-in-time access shuts port {} of `{}`",
            spelled(&ports),
            vm.id.name()
        ),
        mends: Vec::new(),
    }])
}

/// The error says that the names of a policy and a machine are too long together.
pub fn names_fit(policy: &ResourceId, vm: &ResourceId) -> Result<(), String> {
    if policy.name().chars().count() + vm.name().chars().count() <= NAMES_LIMIT {
        return Ok(());
    }
    Err(format!(
        "the names of policy `{}` and machine `{}` have more than {NAMES_LIMIT} characters together, which \
         just-in-time access refuses; enable it in a policy with a shorter name",
        policy.name(),
        vm.name()
    ))
}

/// The error says why just-in-time access cannot be enabled.
pub fn possible(view: &View, index: u32, vm: &Vm) -> Result<(), String> {
    if vm.kind != MachineKind::Arm {
        return Err("just-in-time access takes no classic machines and no instances of uniform scale sets".to_owned());
    }
    let estate = Estate::new(view.inventory(), &view.exposures, view.now);
    let facts = VmFacts::new(&estate, index).ok_or_else(|| "the machine was not analysed".to_owned())?;
    match standing(&facts) {
        Standing::Unsupported(reason) => return Err(format!("just-in-time access cannot be enabled: {reason}")),
        Standing::Unknown(reason) => {
            return Err(format!(
                "whether just-in-time access can be enabled is unknown: {reason}"
            ));
        }
        Standing::Configured => return Err("it is in a just-in-time policy already".to_owned()),
        Standing::NotConfigured => {}
    }
    let targets = view.targets(index);
    if targets.iter().any(|target| matches!(target.address, Known::Unknown(_))) {
        return Err(
            "a private address of it is not known, so the rules that just-in-time access would write are not"
                .to_owned(),
        );
    }
    if effect::filtered(view, &vm.id).is_empty() {
        return Err(
            "no network security group filters it; just-in-time access through a firewall is not planned".to_owned(),
        );
    }
    Ok(())
}

/// The policy of a machine's resource group and region: the usual one, another that is there, or the one to make.
pub fn policy_for(inventory: &Inventory, vm: &Vm) -> ResourceId {
    let region = region(&vm.location);
    let here = |policy: &&JitPolicy| {
        policy.id.subscription().eq_ignore_ascii_case(vm.id.subscription())
            && policy.id.resource_group().eq_ignore_ascii_case(vm.id.resource_group())
            && policy
                .id
                .segment("locations")
                .is_some_and(|place| self::region(place) == region)
    };
    let policies: Vec<&JitPolicy> = inventory.jit_policies.iter().filter(here).collect();
    let usual = policies
        .iter()
        .find(|policy| policy.id.name().eq_ignore_ascii_case("default"));
    usual
        .or(policies.first())
        .map_or_else(|| policy_named(vm, "default"), |policy| policy.id.clone())
}

/// A policy of a name in a machine's resource group and region.
pub fn policy_named(vm: &Vm, name: &str) -> ResourceId {
    ResourceId::new(&format!(
        "/subscriptions/{}/resourceGroups/{}/providers/Microsoft.Security/locations/{}/jitNetworkAccessPolicies/{name}",
        vm.id.subscription(),
        vm.id.resource_group(),
        region(&vm.location)
    ))
}

/// A region's short name, which alone the service takes.
fn region(name: &str) -> String {
    name.chars()
        .filter(|c| !c.is_whitespace())
        .collect::<String>()
        .to_ascii_lowercase()
}

fn ports(sight: &Sight<'_>, vm: &Vm) -> Vec<u16> {
    match vm.os.known().filter(|_| sight.settings.jit_ports_by_system) {
        Some(Os::Windows) => vec![3389],
        Some(Os::Linux) => vec![22],
        None => sight.ports.to_vec(),
    }
}

/// One port of an entry, with the service's defaults where nothing else was chosen.
pub(super) fn rule(port: u16, sight: &Sight<'_>) -> Value {
    let mut rule = Map::new();
    rule.insert("number".to_owned(), json!(port));
    rule.insert("protocol".to_owned(), json!("*"));
    rule.insert(
        "maxRequestAccessDuration".to_owned(),
        json!(duration(sight.settings.jit_minutes)),
    );
    set_sources(&mut rule, &sight.settings.jit_sources);
    Value::Object(rule)
}

/// The service takes one prefix or a list, never both.
pub fn set_sources(rule: &mut Map<String, Value>, sources: &[String]) {
    rule.retain(|name, _| !name.to_ascii_lowercase().starts_with("allowedsourceaddressprefix"));
    match sources {
        [] => rule.insert("allowedSourceAddressPrefix".to_owned(), json!("*")),
        [one] => rule.insert("allowedSourceAddressPrefix".to_owned(), json!(one)),
        many => rule.insert("allowedSourceAddressPrefixes".to_owned(), json!(many)),
    };
}

/// Minutes as ISO 8601 writes them.
pub fn duration(minutes: u32) -> String {
    match (minutes / 60, minutes % 60) {
        (0, minutes) => format!("PT{minutes}M"),
        (hours, 0) => format!("PT{hours}H"),
        (hours, minutes) => format!("PT{hours}H{minutes}M"),
    }
}

pub(super) fn spelled(ports: &[u16]) -> String {
    ports.iter().map(u16::to_string).collect::<Vec<_>>().join(", ")
}
