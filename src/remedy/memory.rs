//! A service in memory, for rehearsals and tests: the documents of an estate, entity tags, the checks that the real
//! service makes, and what just-in-time access does by itself. Knows only what plans change.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};

use super::documents::{Documents, id_of, member, property};
use super::effect;
use super::projection::{self, Kind};
use super::rules::{RULE_LIMIT, Shape};
use super::service::{Condition, Fault, Found, Progress, Reply, Service};
use crate::exposure::{Attached, analyse};
use crate::model::ResourceId;

/// The estate and what has happened to it.
#[derive(Default)]
struct State {
    documents: Documents,
    /// By resource, in lower case.
    versions: HashMap<String, u64>,
    /// Long operations that have not taken effect.
    running: BTreeMap<String, (ResourceId, Option<Value>)>,
    calls: u64,
}

#[derive(Default)]
pub struct Memory {
    state: Mutex<State>,
    /// Every change is a long operation.
    slow: bool,
}

impl Memory {
    pub fn new(documents: Documents) -> Memory {
        Memory {
            state: Mutex::new(State {
                documents,
                ..State::default()
            }),
            slow: false,
        }
    }

    /// As `new`, with every change as a long operation.
    pub fn slow(documents: Documents) -> Memory {
        Memory {
            slow: true,
            ..Memory::new(documents)
        }
    }

    /// The estate as it is now.
    pub fn documents(&self) -> Documents {
        self.state().documents.clone()
    }

    /// A change by somebody else, who asks nobody.
    pub fn meddle(&self, change: impl FnOnce(&mut Documents)) {
        let mut state = self.state();
        change(&mut state.documents);
        state.versions.values_mut().for_each(|version| *version += 1000);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, id: &ResourceId, body: Option<&Value>, only: Condition<'_>) -> Result<Reply, Fault> {
        let mut state = self.state();
        state.calls += 1;
        let request_id = Some(format!("rehearsal-{}", state.calls));
        let holds = match only {
            Condition::Always => true,
            Condition::Tag(tag) => tag == state.tag(id),
            Condition::Absent => state.documents.get(id).is_none(),
        };
        if !holds {
            return Err(Fault::Changed);
        }
        state.check(id, body)?;
        if self.slow {
            let operation = format!("operation-{}", state.calls);
            state.running.insert(operation.clone(), (id.clone(), body.cloned()));
            let wait = Some(Duration::from_secs(1));
            return Ok(Reply {
                progress: Progress::Running { operation, wait },
                ..Reply::done(request_id)
            });
        }
        state.carry_out(id, body);
        Ok(Reply::done(request_id))
    }
}

impl Service for Memory {
    fn get(&self, id: &ResourceId, _api_version: &str) -> Result<Found, Fault> {
        let mut state = self.state();
        state.calls += 1;
        let document = state.documents.get(id);
        Ok(Found {
            etag: document.is_some().then(|| state.tag(id)),
            document,
            request_id: Some(format!("rehearsal-{}", state.calls)),
        })
    }

    fn put(&self, id: &ResourceId, _api_version: &str, body: &Value, only: Condition<'_>) -> Result<Reply, Fault> {
        self.change(id, Some(body), only)
    }

    fn delete(&self, id: &ResourceId, _api_version: &str, only: Condition<'_>) -> Result<Reply, Fault> {
        self.change(id, None, only)
    }

    fn act(&self, _: &ResourceId, action: &str, _api_version: &str, _: &Value) -> Result<Reply, Fault> {
        Err(refusal(
            400,
            "UnsupportedInMemory",
            format!("in memory there is no `{action}`"),
        ))
    }

    fn poll(&self, operation: &str) -> Result<Reply, Fault> {
        let mut state = self.state();
        state.calls += 1;
        if let Some((id, body)) = state.running.remove(operation) {
            state.carry_out(&id, body.as_ref());
        }
        Ok(Reply::done(Some(format!("rehearsal-{}", state.calls))))
    }
}

impl State {
    /// A rule has the tag of its group: whoever changes one changes the other.
    fn tag(&self, id: &ResourceId) -> String {
        let version = self.versions.get(&holder(id)).copied().unwrap_or_default();
        format!("W/\"{version}\"")
    }

    fn touch(&mut self, id: &ResourceId) {
        *self.versions.entry(holder(id)).or_default() += 1;
    }

    fn check(&self, id: &ResourceId, body: Option<&Value>) -> Result<(), Fault> {
        let Some(kind) = projection::kind(id) else {
            return Err(refusal(
                400,
                "UnsupportedInRehearsal",
                format!("a rehearsal does not change `{}`", id.resource_type()),
            ));
        };
        if !self.documents.can_hold(id) {
            return Err(refusal(
                404,
                "ResourceNotFound",
                format!("there is nothing that could hold `{}`", id.name()),
            ));
        }
        match (kind, body, id.parent()) {
            (Kind::SecurityRule, Some(body), Some(group)) => self.check_rule(&group, id, body),
            _ => Ok(()),
        }
    }

    fn check_rule(&self, group: &ResourceId, id: &ResourceId, body: &Value) -> Result<(), Fault> {
        let shape = Shape::of(body);
        let rules = self.documents.rules(group);
        let others = || rules.iter().filter(|(name, _)| !name.eq_ignore_ascii_case(id.name()));
        let Some(priority) = shape.priority().filter(|priority| (100..=4096).contains(priority)) else {
            return Err(refusal(
                400,
                "SecurityRuleInvalidPriority",
                "the priority is not within 100 to 4096".to_owned(),
            ));
        };
        if shape.ports().is_none_or(|ports| ports.is_empty()) {
            return Err(refusal(
                400,
                "SecurityRuleInvalidPortRange",
                "the rule names no port".to_owned(),
            ));
        }
        if others().count() >= RULE_LIMIT {
            return Err(refusal(
                400,
                "SecurityRuleCountLimitReached",
                format!("the group holds {RULE_LIMIT} rules"),
            ));
        }
        let direction = |value: &Value| member(Shape::of(value).properties(), "direction").cloned();
        let clash = others()
            .find(|(_, rule)| Shape::of(rule).priority() == Some(priority) && direction(rule) == direction(body));
        match clash {
            Some((name, _)) => {
                let message = format!("rule `{name}` has priority {priority} and the same direction");
                Err(refusal(400, "SecurityRuleConflict", message))
            }
            None => Ok(()),
        }
    }

    fn carry_out(&mut self, id: &ResourceId, body: Option<&Value>) {
        if projection::kind(id) == Some(Kind::JitEntry) {
            self.enforce(id, body);
        }
        match body {
            Some(body) => self.documents.set(id, body),
            None => self.documents.unset(id),
        }
        self.touch(id);
    }

    /// Deny rules come and go with the entries.
    fn enforce(&mut self, policy: &ResourceId, body: Option<&Value>) {
        let current = self.documents.get(policy);
        let (before, after) = (by_machine(current.as_ref()), by_machine(body));
        let machines: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
        let none = BTreeSet::new();
        for machine in machines {
            let (had, has) = (
                before.get(machine).unwrap_or(&none),
                after.get(machine).unwrap_or(&none),
            );
            if had != has {
                let vm = ResourceId::new(machine);
                let paths = paths(&self.documents, &vm);
                effect::enforce(&mut self.documents, policy, &vm, &paths, had, has);
                paths.iter().for_each(|(group, _)| self.touch(group));
            }
        }
    }
}

fn holder(id: &ResourceId) -> String {
    let holder = match projection::kind(id) {
        Some(Kind::SecurityRule) => id.parent(),
        _ => None,
    };
    holder.as_ref().unwrap_or(id).as_str().to_ascii_lowercase()
}

fn refusal(status: u16, code: &str, message: String) -> Fault {
    Fault::Refused {
        status,
        code: code.to_owned(),
        message,
        request_id: None,
    }
}

/// The protected ports of each machine of a policy, by id in lower case.
fn by_machine(policy: Option<&Value>) -> BTreeMap<String, BTreeSet<u16>> {
    let machines = policy
        .and_then(|policy| property(policy, "virtualMachines"))
        .and_then(Value::as_array);
    let entries = machines.into_iter().flatten();
    entries
        .filter_map(|entry| Some((id_of(entry)?.as_str().to_ascii_lowercase(), effect::ports(Some(entry)))))
        .collect()
}

/// The groups before a machine with the addresses that they filter, as the estate is now.
fn paths(documents: &Documents, vm: &ResourceId) -> Vec<(ResourceId, String)> {
    let reading = documents.reading();
    let exposures = analyse(&reading.inventory, &reading.sources, &[22]);
    let position = reading
        .inventory
        .vms
        .position(vm)
        .and_then(|at| exposures.machines.get(at as usize));
    let mut paths = Vec::new();
    for target in position.into_iter().flat_map(|machine| &machine.targets) {
        let Some(address) = target.address.known() else {
            continue;
        };
        for (_, attached) in target.layers() {
            let Attached::Group(index) = attached else { continue };
            let Some(group) = reading.inventory.nsgs.get(*index) else {
                continue;
            };
            let pair = (group.id.clone(), address.to_string());
            if !paths.contains(&pair) {
                paths.push(pair);
            }
        }
    }
    paths
}

/// What plans can change, and nothing else: for comparing estates.
pub fn essence(documents: &Documents) -> Value {
    let mut essence = serde_json::Map::new();
    for document in documents.iter() {
        let Some(id) = id_of(document) else { continue };
        let key = id.as_str().to_ascii_lowercase();
        match id.resource_type().as_str() {
            "microsoft.network/networksecuritygroups" => {
                let mut rules: Vec<(String, Value)> = documents.rules(&id);
                rules.sort_by(|a, b| a.0.cmp(&b.0));
                let rules = rules.into_iter().map(|(name, rule)| (name, projection::rule(&rule)));
                essence.insert(key, Value::Object(rules.collect()));
            }
            "microsoft.security/locations/jitnetworkaccesspolicies" => {
                // The service keeps entries as a set.
                let mut machines = property(document, "virtualMachines")
                    .and_then(Value::as_array)
                    .cloned()
                    .unwrap_or_default();
                machines.sort_by_key(|machine| id_of(machine).map(|id| id.as_str().to_ascii_lowercase()));
                let requests = property(document, "requests").cloned();
                essence.insert(key, json!({ "machines": machines, "requests": requests }));
            }
            _ => {
                let mut said = document.clone();
                if let Some(members) = said.as_object_mut() {
                    // The id says both.
                    members.retain(|name, _| !["name", "type"].contains(&&**name));
                }
                essence.insert(key, said);
            }
        }
    }
    Value::Object(essence)
}
