//! What Defender for Cloud refuses. Codes of which no recording shows the spelling are listed in `docs/sandbox.md`.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use serde_json::{Map, Value};

use crate::model::ResourceId;
use crate::net::{AddressSet, parse_range};
use crate::sandbox::answer::Refusal;
use crate::sandbox::arm::Address;
use crate::sandbox::state::State;
use crate::sandbox::store::items;

/// Characters that the names of a policy and of a machine may have together.
const NAMES: usize = 56;

fn invalid(message: String) -> Refusal {
    Refusal::bad("InvalidInput", message)
}

/// Display names such as `West US 2` are no locations.
pub fn location(address: &Address) -> Result<(), Refusal> {
    let location = address.tail.get(1).map(String::as_str).unwrap_or_default();
    if location.is_empty() || !location.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err(Refusal::bad("BadRequest", "Invalid location-based request"));
    }
    Ok(())
}

/// The machines of a policy that is to be written. Those in `known`, in lower case, are in it already, and stay there even
/// when the machine is gone.
pub fn policy(state: &State, address: &Address, body: &Value, known: &BTreeSet<String>) -> Result<Vec<Value>, Refusal> {
    if body.get("kind").and_then(Value::as_str).is_none_or(str::is_empty) {
        return Err(invalid("The field 'kind' is required.".to_owned()));
    }
    let machines: Vec<&Value> = items(body, "virtualMachines").collect();
    if machines.is_empty() {
        let message = "The field 'properties.virtualMachines' must name at least one virtual machine.";
        return Err(invalid(message.to_owned()));
    }
    let mut seen = BTreeSet::new();
    for machine in &machines {
        let id = machine.get("id").and_then(Value::as_str).unwrap_or_default();
        if !known.contains(&id.to_ascii_lowercase()) {
            check_machine(state, address, id)?;
        }
        if !seen.insert(id.to_ascii_lowercase()) {
            return Err(invalid(format!("The virtual machine '{id}' is listed twice.")));
        }
        let ports = machine.get("ports").and_then(Value::as_array);
        let ports =
            ports.ok_or_else(|| invalid(format!("The field 'ports' of the virtual machine '{id}' is required.")))?;
        ports.iter().try_for_each(port)?;
    }
    Ok(machines.into_iter().cloned().collect())
}

fn check_machine(state: &State, address: &Address, id: &str) -> Result<(), Refusal> {
    let parsed = ResourceId::new(id);
    if id.to_ascii_lowercase().starts_with("/subscriptions//subscriptions") {
        let message = "The linked subscription 'subscriptions' was not found.";
        return Err(Refusal::new(404, "LinkedSubscriptionNotFound", message));
    }
    let is_machine = parsed.resource_type() == "microsoft.compute/virtualmachines";
    if !is_machine || !state.store.exists(id) {
        let kind = "Microsoft.Compute/virtualMachines";
        return Err(Refusal::resource_not_found(
            kind,
            parsed.name(),
            parsed.resource_group(),
        ));
    }
    if !state.has_plan_two(id) {
        let message = format!(
            "The subscription of '{id}' has no Microsoft Defender for Servers Plan 2, which just-in-time access is part of."
        );
        return Err(Refusal::new(403, "PricingTierUpgradeRequired", message));
    }
    let together = parsed.name().chars().count() + address.last().chars().count();
    if together > NAMES {
        let message = format!(
            "The names of the policy and of the virtual machine have {together} characters together; {NAMES} are allowed."
        );
        return Err(invalid(message));
    }
    Ok(())
}

fn port(port: &Value) -> Result<(), Refusal> {
    let Some(port) = port.as_object() else {
        return Err(invalid("A port must be an object.".to_owned()));
    };
    let number = port.get("number").and_then(Value::as_u64);
    if number.is_none_or(|number| number > 65535) {
        return Err(invalid(
            "The field 'number' of a port must be from 0 to 65535.".to_owned(),
        ));
    }
    match text(port, "protocol").to_ascii_uppercase().as_str() {
        "TCP" | "UDP" | "*" => {}
        // Seen of the real service.
        "" => {
            return Err(Refusal::new(
                500,
                "InternalServerError",
                "Internal server error has occurred",
            ));
        }
        other => return Err(invalid(format!("The protocol '{other}' is not one of TCP, UDP and *."))),
    }
    let (one, many) = (text(port, "allowedSourceAddressPrefix"), prefixes(port));
    if one.is_empty() == many.is_empty() {
        let message = "Exactly one of 'allowedSourceAddressPrefix' and 'allowedSourceAddressPrefixes' must be set.";
        return Err(invalid(message.to_owned()));
    }
    let all = many.iter().copied().chain((!one.is_empty()).then_some(one));
    for source in all {
        addresses(source).ok_or_else(|| invalid(format!("The source '{source}' is no address, prefix or '*'.")))?;
    }
    let longest = text(port, "maxRequestAccessDuration");
    let duration: Option<SignedDuration> = longest.parse().ok();
    let (least, most) = (SignedDuration::from_mins(5), SignedDuration::from_hours(24));
    if duration.is_none_or(|duration| duration < least || duration > most) {
        let message = format!("The duration '{longest}' must be from PT5M to PT24H.");
        return Err(invalid(message));
    }
    Ok(())
}

pub fn text<'v>(object: &'v Map<String, Value>, member: &str) -> &'v str {
    object.get(member).and_then(Value::as_str).unwrap_or_default()
}

/// The sources of a port that may have several.
pub fn prefixes(port: &Map<String, Value>) -> Vec<&str> {
    let list = port.get("allowedSourceAddressPrefixes").and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_str).collect()
}

/// All sources of a port.
pub fn sources(port: &Map<String, Value>) -> Vec<&str> {
    match text(port, "allowedSourceAddressPrefix") {
        "" => prefixes(port),
        one => vec![one],
    }
}

/// The addresses of a source.
pub fn addresses(source: &str) -> Option<AddressSet> {
    if source == "*" {
        return Some(AddressSet::full());
    }
    let (range, has_host_bits) = parse_range(source).ok()?;
    (!has_host_bits && !source.contains('-')).then(|| AddressSet::from_ranges([range]))
}
