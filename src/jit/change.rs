//! Changes of entries as steps of a plan: a machine comes in, its ports change, it goes. Other machines of a policy and
//! the record of requests are not its business; the writing keeps them.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::ask::ports as ports_of;
use super::port::{Defaults, PortSpec};
use crate::model::{Os, ResourceId, Vm};
use crate::remedy::documents::member;
use crate::remedy::effect;
use crate::remedy::given;
use crate::remedy::projection::{self, Kind};
use crate::remedy::remedies::{names_fit, policy_for, policy_named, possible};
use crate::remedy::view::View;

/// The ports that Defender for Cloud recommends to protect.
pub const RECOMMENDED: [u16; 4] = [22, 3389, 5985, 5986];

/// What is asked for.
#[derive(Clone, Debug)]
pub enum Change {
    /// Into a policy; of a machine that is in one, ports that are missing are added and all else stays.
    Enable { ports: Ports, policy: PolicyChoice },
    Edit {
        set: Vec<PortSpec>,
        remove: Vec<u16>,
        /// The name of the policy, where the machine is in several.
        policy: Option<String>,
    },
    /// Out of every policy.
    Disable,
}

#[derive(Clone, Debug)]
pub enum Ports {
    /// 3389 for Windows, 22 for Linux, as the page of a single machine does.
    BySystem,
    Recommended,
    Stated(Vec<PortSpec>),
}

/// Into which policy a machine comes.
#[derive(Clone, Debug)]
pub enum PolicyChoice {
    /// The one of its resource group and region.
    Shared,
    /// One of its own, named after it.
    PerMachine,
    Named(String),
}

/// The policies that hold an entry of a machine, with the entry as plans compare it.
pub fn entries(view: &View, machine: &ResourceId) -> Vec<(ResourceId, Value)> {
    let policies = view.policies_of(machine);
    let entry = |policy: &ResourceId| {
        let document = view.documents.get(policy)?;
        projection::read(Kind::JitEntry, Some(machine.as_str()), Some(&document))
    };
    policies
        .filter_map(|policy| Some((policy.id.clone(), entry(&policy.id)?)))
        .collect()
}

/// What a change of one machine asks of a plan; nothing where it is so already. The error says why it cannot be.
pub fn steps(
    view: &View,
    machine: &ResourceId,
    change: &Change,
    defaults: &Defaults,
) -> Result<Vec<given::Change>, String> {
    let entries = entries(view, machine);
    match change {
        Change::Enable { ports, policy } => match entries.first() {
            None => enable(view, machine, ports, policy, defaults),
            Some(_) => extend(view, machine, ports, &entries, defaults),
        },
        Change::Edit { set, remove, policy } => {
            let entries = chosen(entries, policy.as_deref());
            if entries.is_empty() {
                return Err(absent(view, machine, policy.as_deref()));
            }
            edit(machine, set, remove, &entries, defaults)
        }
        Change::Disable if entries.is_empty() => Err(absent(view, machine, None)),
        Change::Disable => Ok(entries
            .into_iter()
            .map(|(policy, entry)| given::Change {
                name: "disable-jit",
                reason: format!(
                    "just-in-time access no longer shuts port {} of `{}`",
                    spelled(&effect::ports(Some(&entry))),
                    machine.name()
                ),
                target: policy,
                part: Some(machine.clone()),
                after: None,
            })
            .collect()),
    }
}

fn chosen(entries: Vec<(ResourceId, Value)>, policy: Option<&str>) -> Vec<(ResourceId, Value)> {
    let named = |id: &ResourceId| {
        policy.is_none_or(|name| id.name().eq_ignore_ascii_case(name) || *id == ResourceId::new(name))
    };
    entries.into_iter().filter(|(id, _)| named(id)).collect()
}

fn absent(view: &View, machine: &ResourceId, policy: Option<&str>) -> String {
    let inventory = view.inventory();
    let unread = inventory.coverage.missing(
        machine.subscription(),
        "microsoft.security/locations/jitnetworkaccesspolicies",
    );
    match (unread, policy) {
        (Some(why), _) => format!("the just-in-time policies were not read: {why}"),
        (None, Some(policy)) => format!("machine `{}` is in no policy `{policy}`", machine.name()),
        (None, None) => format!(
            "just-in-time access is not enabled for `{}`; `portcullis jit enable` does that",
            machine.name()
        ),
    }
}

fn vm<'v>(view: &'v View, machine: &ResourceId) -> Result<(u32, &'v Vm), String> {
    let inventory = view.inventory();
    let index = inventory.vms.position(machine);
    let found = index.and_then(|index| Some((index, inventory.vms.get(index)?)));
    found.ok_or_else(|| format!("machine `{}` does not exist, or was not read", machine.name()))
}

fn enable(
    view: &View,
    machine: &ResourceId,
    ports: &Ports,
    choice: &PolicyChoice,
    defaults: &Defaults,
) -> Result<Vec<given::Change>, String> {
    let (index, vm) = vm(view, machine)?;
    possible(view, index, vm)?;
    let policy = match choice {
        PolicyChoice::Shared => policy_for(view.inventory(), vm),
        PolicyChoice::PerMachine => policy_named(vm, vm.id.name()),
        PolicyChoice::Named(name) => policy_named(vm, name),
    };
    names_fit(&policy, &vm.id)?;
    let ports = specs(vm, ports)?;
    let written: Vec<Value> = ports.iter().map(|spec| spec.written(None, defaults)).collect();
    let entry = json!({ "ports": sorted(written) });
    Ok(vec![given::Change {
        name: "enable-jit",
        reason: format!(
            "just-in-time access shuts port {} of `{}`",
            spelled(&effect::ports(Some(&entry))),
            vm.id.name()
        ),
        target: policy,
        part: Some(vm.id.clone()),
        after: Some(entry),
    }])
}

/// What is missing comes to the first entry; what is there stays as it is.
fn extend(
    view: &View,
    machine: &ResourceId,
    ports: &Ports,
    entries: &[(ResourceId, Value)],
    defaults: &Defaults,
) -> Result<Vec<given::Change>, String> {
    let covered: BTreeSet<u16> = entries
        .iter()
        .flat_map(|(_, entry)| effect::ports(Some(entry)))
        .collect();
    let (_, vm) = vm(view, machine)?;
    let missing: Vec<PortSpec> = specs(vm, ports)?
        .into_iter()
        .filter(|spec| !covered.contains(&spec.number))
        .collect();
    edit(machine, &missing, &[], entries, defaults)
}

fn edit(
    machine: &ResourceId,
    set: &[PortSpec],
    remove: &[u16],
    entries: &[(ResourceId, Value)],
    defaults: &Defaults,
) -> Result<Vec<given::Change>, String> {
    let holds = |entry: &Value, number: u16| effect::ports(Some(entry)).contains(&number);
    if let Some(number) = remove
        .iter()
        .find(|number| !entries.iter().any(|(_, entry)| holds(entry, **number)))
    {
        return Err(format!("port {number} of `{}` is in no policy", machine.name()));
    }
    let mut steps = Vec::new();
    for (at, (policy, before)) in entries.iter().enumerate() {
        let elsewhere = |number: u16| entries.iter().any(|(_, entry)| holds(entry, number));
        let mine = |spec: &&PortSpec| holds(before, spec.number) || (at == 0 && !elsewhere(spec.number));
        let after = changed(before, set.iter().filter(mine), remove, defaults);
        if effect::ports(Some(&after)).is_empty() {
            return Err(format!(
                "no port of `{}` would be left in policy `{}`; `portcullis jit disable` takes the machine out",
                machine.name(),
                policy.name()
            ));
        }
        if projection::same(Some(before), Some(&after)) {
            continue;
        }
        steps.push(given::Change {
            name: "edit-jit",
            reason: reason(machine, before, &after),
            target: policy.clone(),
            part: Some(machine.clone()),
            after: Some(after),
        });
    }
    Ok(steps)
}

/// The entry with ports set and taken out; whatever else it says stays.
fn changed<'s>(before: &Value, set: impl Iterator<Item = &'s PortSpec>, remove: &[u16], defaults: &Defaults) -> Value {
    let mut ports: Vec<(u16, Value)> = ports_of(before)
        .into_iter()
        .filter(|(number, _)| !remove.contains(number))
        .map(|(number, port)| (number, port.clone()))
        .collect();
    for spec in set {
        match ports.iter_mut().find(|(number, _)| *number == spec.number) {
            Some((_, port)) => *port = spec.written(Some(port), defaults),
            None => ports.push((spec.number, spec.written(None, defaults))),
        }
    }
    let mut after = before.as_object().cloned().unwrap_or_default();
    after.retain(|name, _| !name.eq_ignore_ascii_case("ports"));
    let ports = ports.into_iter().map(|(_, port)| port).collect();
    after.insert("ports".to_owned(), Value::Array(sorted(ports)));
    Value::Object(after)
}

fn sorted(mut ports: Vec<Value>) -> Vec<Value> {
    ports.sort_by_key(|port| member(port, "number").and_then(Value::as_u64));
    ports
}

fn specs(vm: &Vm, ports: &Ports) -> Result<Vec<PortSpec>, String> {
    let mut specs = match (ports, vm.os.known()) {
        (Ports::Stated(stated), _) => stated.clone(),
        (Ports::Recommended, _) => RECOMMENDED.into_iter().map(PortSpec::bare).collect(),
        (Ports::BySystem, Some(Os::Windows)) => vec![PortSpec::bare(3389)],
        (Ports::BySystem, Some(Os::Linux)) => vec![PortSpec::bare(22)],
        (Ports::BySystem, None) => {
            return Err(format!(
                "the system of `{}` is not known; say which ports with --port or --recommended",
                vm.id.name()
            ));
        }
    };
    // What was typed last of a port holds.
    specs.reverse();
    let mut seen = BTreeSet::new();
    specs.retain(|spec| seen.insert(spec.number));
    specs.sort_by_key(|spec| spec.number);
    Ok(specs)
}

fn reason(machine: &ResourceId, before: &Value, after: &Value) -> String {
    let (had, has) = (effect::ports(Some(before)), effect::ports(Some(after)));
    let added: BTreeSet<u16> = has.difference(&had).copied().collect();
    let gone: BTreeSet<u16> = had.difference(&has).copied().collect();
    let old = ports_of(before);
    let differs = |(number, port): &(u16, &Value)| {
        let was = old.iter().find(|(known, _)| known == number).map(|(_, port)| *port);
        was.is_some() && !projection::same(was, Some(port))
    };
    let changed: BTreeSet<u16> = ports_of(after)
        .iter()
        .filter(|port| differs(port))
        .map(|(number, _)| *number)
        .collect();
    let said = [
        (&added, "protects port", "too"),
        (&changed, "grants port", "differently"),
        (&gone, "no longer shuts port", ""),
    ];
    let parts: Vec<String> = said
        .iter()
        .filter(|(ports, ..)| !ports.is_empty())
        .map(|(ports, verb, end)| format!("{verb} {} {end}", spelled(ports)).trim_end().to_owned())
        .collect();
    format!("just-in-time access {} of `{}`", parts.join(" and "), machine.name())
}

fn spelled(ports: &BTreeSet<u16>) -> String {
    ports.iter().map(u16::to_string).collect::<Vec<_>>().join(", ")
}
