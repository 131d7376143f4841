//! Defender for Cloud's plans, and its verdicts, which follow a change after a while.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::answer::{Answer, Refusal, Reply};
use super::arm::{Address, check_read};
use super::call::Call;
use super::clock::azure_time;
use super::jit;
use super::state::State;
use super::store::{Resource, items, key};
use super::write::shown;
use crate::model::ResourceId;
use crate::net::parse_ports;

/// Just-in-time access on virtual machines.
const JIT_ASSESSMENT: &str = "805651bc-6ecd-4c73-9b55-97a19d0582d0";
pub const MANAGEMENT: [u16; 4] = [22, 3389, 5985, 5986];
const MACHINES: &str = "microsoft.compute/virtualmachines";

/// `PUT` of a plan.
pub fn put_pricing(state: &mut State, call: &Call, address: &Address) -> Reply {
    let stated = call.json()?;
    let tier = stated
        .pointer("/properties/pricingTier")
        .and_then(Value::as_str)
        .unwrap_or_default();
    if !["Free", "Standard"].contains(&tier) {
        let message = format!("The pricing tier '{tier}' is not one of Free and Standard.");
        return Err(Refusal::bad("InvalidInputJson", message));
    }
    let id = address.id();
    let status = if state.store.exists(&id) { 200 } else { 201 };
    let mut properties = json!({
        "pricingTier": tier,
        "freeTrialRemainingTime": "PT0S",
        "resourcesCoverageStatus": "FullyCovered",
    });
    let plan = stated.pointer("/properties/subPlan").and_then(Value::as_str);
    if let (Some(object), "Standard") = (properties.as_object_mut(), tier) {
        object.insert("enablementTime".to_owned(), json!(azure_time(state.now())));
        if let Some(plan) = plan {
            object.insert("subPlan".to_owned(), json!(plan));
        }
    }
    let body = json!({
        "id": id, "name": address.last(), "type": "Microsoft.Security/pricings", "properties": properties,
    });
    state.store.put(&id, body);
    state.touched(&address.subscription);
    Ok(shown(state, &id, status))
}

/// The plans of a scope; a machine without one of its own has its subscription's. `$filter=name in (A,B)` is understood.
pub fn pricings(state: &State, call: &Call, address: &Address, own: &[&Resource]) -> Vec<Value> {
    let wanted: Option<Vec<String>> = call.query("$filter").and_then(|filter| {
        let (_, names) = filter.split_once('(')?;
        let names = names.trim_end_matches([')', ' ']).split(',');
        Some(
            names
                .map(|name| name.trim().trim_matches('\'').to_ascii_lowercase())
                .collect(),
        )
    });
    let mut plans: Vec<Value> = own.iter().map(|plan| plan.body.clone()).collect();
    if plans.is_empty() && address.extends_resource() {
        plans.extend(inherited(state, address, "VirtualMachines"));
    }
    plans.retain(|plan| {
        let name = plan
            .get("name")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_ascii_lowercase();
        wanted.as_ref().is_none_or(|wanted| wanted.contains(&name))
    });
    plans
}

/// A plan of a scope.
pub fn get_pricing(state: &mut State, _: &Call, address: &Address) -> Reply {
    check_read(state, address)?;
    let own = state.store.own(&address.id()).map(|plan| plan.body.clone());
    let found = own.or_else(|| inherited(state, address, address.last()).filter(|_| address.extends_resource()));
    found
        .map(Answer::ok)
        .ok_or_else(|| Refusal::resource_not_found("Microsoft.Security/pricings", address.last(), &address.group))
}

/// The subscription's plan as a machine shows it.
fn inherited(state: &State, address: &Address, name: &str) -> Option<Value> {
    if !state.store.exists(&address.scope) {
        return None;
    }
    let subscription = format!("/subscriptions/{}", address.subscription);
    let plan = state
        .store
        .own(&format!("{subscription}/providers/Microsoft.Security/pricings/{name}"))?;
    let mut shown = plan.body.clone();
    let id = format!("{}/providers/Microsoft.Security/pricings/{name}", address.scope);
    shown.as_object_mut()?.insert("id".to_owned(), json!(id));
    let properties = shown.get_mut("properties")?.as_object_mut()?;
    properties.remove("resourcesCoverageStatus");
    properties.insert("inherited".to_owned(), json!("True"));
    properties.insert("inheritedFrom".to_owned(), json!(subscription));
    Some(shown)
}

impl State {
    /// Whether Defender for Servers Plan 2 covers a machine. A plan without a stated part is the whole.
    pub fn has_plan_two(&self, machine: &str) -> bool {
        let subscription = ResourceId::new(machine).subscription().to_owned();
        let at = |scope: &str| {
            let id = format!("{scope}/providers/Microsoft.Security/pricings/VirtualMachines");
            self.store.own(&id)
        };
        let Some(plan) = at(machine).or_else(|| at(&format!("/subscriptions/{subscription}"))) else {
            return false;
        };
        let tier = plan.body.pointer("/properties/pricingTier").and_then(Value::as_str);
        let part = plan.body.pointer("/properties/subPlan").and_then(Value::as_str);
        tier == Some("Standard") && part.is_none_or(|part| part == "P2")
    }

    /// Assessments of a subscription are computed anew after the lag.
    pub fn touched(&mut self, subscription: &str) {
        let lag = SignedDuration::try_from(self.options.assessment_lag).unwrap_or(SignedDuration::ZERO);
        let due = self.now().saturating_add(lag).unwrap_or(Timestamp::MAX);
        self.assessments_due
            .entry(subscription.to_ascii_lowercase())
            .or_insert(due);
    }
}

/// Computes the assessments whose time has come.
pub fn settle(state: &mut State) {
    let now = state.now();
    let due: Vec<String> = state
        .assessments_due
        .iter()
        .filter(|(_, due)| **due <= now)
        .map(|(subscription, _)| subscription.clone())
        .collect();
    for subscription in due {
        state.assessments_due.remove(&subscription);
        let machines: Vec<String> = state
            .store
            .of_type(&subscription, MACHINES)
            .map(|machine| machine.id.as_str().to_owned())
            .collect();
        machines.iter().for_each(|machine| assess(state, machine));
    }
}

/// The verdict on just-in-time access. Only machines that the plan covers have one.
fn assess(state: &mut State, machine: &str) {
    if !state.has_plan_two(machine) {
        return;
    }
    let (code, cause, description) = verdict(state, machine);
    let id = format!("{machine}/providers/Microsoft.Security/assessments/{JIT_ASSESSMENT}");
    let before = state
        .store
        .own(&id)
        .and_then(|found| found.body.pointer("/properties/status"))
        .cloned();
    let stated = |member: &str| {
        before
            .as_ref()
            .and_then(|status| status.get(member)?.as_str())
            .map(str::to_owned)
    };
    let now = azure_time(state.now());
    let changed = stated("code").as_deref() != Some(code);
    let mut status = json!({
        "code": code,
        "firstEvaluationDate": stated("firstEvaluationDate").unwrap_or_else(|| now.clone()),
        "statusChangeDate": if changed { now } else { stated("statusChangeDate").unwrap_or(now) },
    });
    if let (Some(object), false) = (status.as_object_mut(), cause.is_empty()) {
        object.insert("cause".to_owned(), json!(cause));
        object.insert("description".to_owned(), json!(description));
    }
    let body = json!({
        "id": id,
        "name": JIT_ASSESSMENT,
        "type": "Microsoft.Security/assessments",
        "properties": {
            "resourceDetails": { "source": "Azure", "id": machine },
            "displayName": "Management ports of virtual machines should be protected with just-in-time network access control",
            "status": status,
            "additionalData": {},
        },
    });
    state.store.put(&id, body);
}

/// The service's flow, read by the text of rules: priorities and sources do not count.
fn verdict(state: &State, machine: &str) -> (&'static str, &'static str, &'static str) {
    if is_in_policy(state, machine) {
        return ("Healthy", "JitIsEnabled", "JIT is enabled");
    }
    let placed = jit::place(state, machine);
    let is_guarded = jit::is_guarded(state, machine);
    if placed.groups.is_empty() && is_guarded {
        return match jit::admitted(state, machine).is_empty() {
            true => ("Healthy", "", ""),
            false => ("Unhealthy", "", ""),
        };
    }
    if placed.groups.is_empty() {
        return (
            "NotApplicable",
            "NoNsgOrFwOnVm",
            "There is no NSG or firewall on the VM",
        );
    }
    let opens = placed
        .groups
        .iter()
        .filter_map(|group| state.store.own(group))
        .any(|group| items(&group.body, "securityRules").any(allows_management));
    if opens {
        ("Unhealthy", "", "")
    } else {
        ("Healthy", "", "")
    }
}

fn is_in_policy(state: &State, machine: &str) -> bool {
    let machine = key(machine);
    state.store.of_type_anywhere(jit::TYPE).any(|policy| {
        items(&policy.body, "virtualMachines").any(|listed| {
            let id = listed.get("id").and_then(Value::as_str);
            id.is_some_and(|id| key(id) == machine)
        })
    })
}

fn allows_management(rule: &Value) -> bool {
    let text = |member: &str| rule.pointer(&format!("/properties/{member}")).and_then(Value::as_str);
    let is = |member: &str, value: &str| text(member).is_some_and(|stated| stated.eq_ignore_ascii_case(value));
    let listed = rule
        .pointer("/properties/destinationPortRanges")
        .and_then(Value::as_array);
    let listed = listed.into_iter().flatten().filter_map(Value::as_str);
    let mut ports = text("destinationPortRange").into_iter().chain(listed);
    is("access", "Allow")
        && is("direction", "Inbound")
        && !["Udp", "Icmp"].iter().any(|other| is("protocol", other))
        && ports.any(|range| parse_ports(range).is_ok_and(|(set, _)| MANAGEMENT.iter().any(|port| set.contains(*port))))
}
