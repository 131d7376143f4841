//! Requests for access: checked against the policy, opened after a moment, remembered, and closed when their time is up.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::{check, firewall, not_found, rule};
use crate::sandbox::activity::{Cause, Stage, note_action};
use crate::sandbox::answer::{Answer, Refusal, Reply};
use crate::sandbox::arm::Address;
use crate::sandbox::call::Call;
use crate::sandbox::clock::azure_time;
use crate::sandbox::state::State;
use crate::sandbox::store::{items, properties_mut};

/// An opening that the sandbox made and will close.
#[derive(Clone, Debug)]
pub struct Opening {
    pub policy: String,
    /// Index of the request in the policy's history.
    pub request: usize,
    /// In lower case.
    pub machine: String,
    pub port: u64,
    protocol: String,
    sources: Vec<String>,
    opens: Timestamp,
    pub ends: Timestamp,
    /// What joins its events with the request.
    cause: Cause,
    /// Ids of the allow rules, once it is open.
    rules: Vec<String>,
    /// The way through a firewall, once it is open.
    published: Option<firewall::Published>,
    opened: bool,
}

fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::bad("InvalidInitiateInput", message)
}

/// `POST .../initiate`. The body is checked before the policy is looked for, as the service does.
pub fn initiate(state: &mut State, call: &Call, address: &Address) -> Reply {
    let body = call.json()?;
    let asked = Asked::read(state, &body)?;
    let policy = address.parent().id();
    let Some(found) = state.store.own(&policy) else {
        return Err(not_found(address));
    };
    let machines: Vec<Value> = items(&found.body, "virtualMachines").cloned().collect();
    let protocols = asked
        .iter()
        .map(|asked| asked.check(&machines))
        .collect::<Result<Vec<_>, _>>()?;
    let request = shown(state, &body, &asked);
    let index = remember(state, &policy, &request);
    let opens = state.now().saturating_add(takes(state)).unwrap_or(Timestamp::MAX);
    let cause = Cause::of(call);
    for (asked, protocol) in asked.iter().zip(protocols) {
        close(
            state,
            &policy,
            &asked.machine,
            asked.port,
            "NewerRequestInitiated",
            &cause,
        );
        state.openings.push(Opening {
            policy: policy.clone(),
            request: index,
            machine: asked.machine.to_ascii_lowercase(),
            port: asked.port,
            protocol,
            sources: asked.sources.clone(),
            opens,
            ends: asked.ends,
            cause: cause.clone(),
            rules: Vec::new(),
            published: None,
            opened: false,
        });
    }
    tell(state, call, &policy, &request);
    Ok(Answer::json(202, request))
}

/// The events of a request beside those of the rules: it started and was accepted at the policy, and it was carried out at
/// each machine. All have one correlation id.
fn tell(state: &mut State, call: &Call, policy: &str, request: &Value) {
    note_action(state, call, policy, Stage::Started, &[]);
    note_action(state, call, policy, Stage::Ended(202), &[]);
    let user = state.options.identity.client.clone();
    let details = json!({ "User": user, "Justification": request.get("justification") }).to_string();
    let machines = request.get("virtualMachines").and_then(Value::as_array);
    for machine in machines.into_iter().flatten() {
        let id = machine.get("id").and_then(Value::as_str).unwrap_or_default();
        note_action(
            state,
            call,
            id,
            Stage::Ended(200),
            &[("eventProperties", details.clone())],
        );
    }
}

fn takes(state: &State) -> SignedDuration {
    SignedDuration::try_from(state.options.operation).unwrap_or(SignedDuration::ZERO)
}

/// One port of one machine that somebody asks for.
struct Asked {
    machine: String,
    port: u64,
    sources: Vec<String>,
    ends: Timestamp,
    lasts: SignedDuration,
}

impl Asked {
    fn read(state: &State, body: &Value) -> Result<Vec<Asked>, Refusal> {
        let machines = body.get("virtualMachines").and_then(Value::as_array);
        let machines = machines.filter(|machines| !machines.is_empty());
        let mut asked = Vec::new();
        for machine in machines.ok_or_else(|| invalid("The field 'virtualMachines' is required."))? {
            let id = machine.get("id").and_then(Value::as_str).unwrap_or_default();
            let ports = machine
                .get("ports")
                .and_then(Value::as_array)
                .filter(|ports| !ports.is_empty());
            for port in ports.ok_or_else(|| invalid("The field 'ports' is required."))? {
                let port = port.as_object().ok_or_else(|| invalid("A port must be an object."))?;
                asked.push(Asked::port(state, id, port)?);
            }
        }
        Ok(asked)
    }

    fn port(state: &State, machine: &str, port: &Map<String, Value>) -> Result<Asked, Refusal> {
        let number = port.get("number").and_then(Value::as_u64);
        let number = number.ok_or_else(|| invalid("The field 'number' is required."))?;
        let now = state.now();
        let (end, duration) = (check::text(port, "endTimeUtc"), check::text(port, "duration"));
        let lasts = match (end.is_empty(), duration.is_empty()) {
            (false, true) => {
                let end: Timestamp = end.parse().map_err(|_| invalid(format!("'{end}' is no time.")))?;
                end.duration_since(now)
            }
            (true, false) => duration
                .parse()
                .map_err(|_| invalid(format!("'{duration}' is no duration.")))?,
            _ => return Err(invalid("Only one of fields 'EndTimeUtc' and 'Duration' can be set")),
        };
        if lasts <= SignedDuration::ZERO {
            return Err(invalid("The end of the request must be in the future."));
        }
        // Who leaves the source out gets their own address.
        let stated = check::sources(port);
        let sources = if stated.is_empty() { vec!["127.0.0.1"] } else { stated };
        Ok(Asked {
            machine: machine.to_owned(),
            port: number,
            sources: sources.into_iter().map(str::to_owned).collect(),
            ends: now.saturating_add(lasts).unwrap_or(Timestamp::MAX),
            lasts,
        })
    }

    /// The protocol that the policy has for it; a refusal where it asks for more than the policy grants.
    fn check(&self, machines: &[Value]) -> Result<String, Refusal> {
        let refuse = || Err(invalid("The given access request is not a subset of the policy."));
        let machine = machines.iter().find(|machine| {
            let id = machine.get("id").and_then(Value::as_str);
            id.is_some_and(|id| id.eq_ignore_ascii_case(&self.machine))
        });
        let ports = machine.and_then(|machine| machine.get("ports")?.as_array());
        let granted = ports
            .into_iter()
            .flatten()
            .filter_map(Value::as_object)
            .find(|port| port.get("number").and_then(Value::as_u64) == Some(self.port));
        let Some(granted) = granted else { return refuse() };
        let longest: SignedDuration = check::text(granted, "maxRequestAccessDuration")
            .parse()
            .unwrap_or(SignedDuration::from_hours(3));
        if self.lasts > longest || !is_within(&self.sources, &check::sources(granted)) {
            return refuse();
        }
        // Security groups write protocols in another case.
        Ok(match check::text(granted, "protocol").to_ascii_uppercase().as_str() {
            "TCP" => "Tcp",
            "UDP" => "Udp",
            _ => "*",
        }
        .to_owned())
    }
}

fn is_within(asked: &[String], granted: &[&str]) -> bool {
    let whole = granted
        .iter()
        .filter_map(|source| check::addresses(source))
        .fold(crate::net::AddressSet::empty(), |all, set| all.union(&set));
    asked
        .iter()
        .all(|source| check::addresses(source).is_some_and(|set| whole.is_superset(&set)))
}

fn shown(state: &State, body: &Value, asked: &[Asked]) -> Value {
    let mut machines: Vec<(String, Vec<Value>)> = Vec::new();
    for asked in asked {
        let mut port = json!({
            "number": asked.port,
            "endTimeUtc": azure_time(asked.ends),
            "status": "Initiating",
            "statusReason": "UserRequested",
        });
        if let Some(object) = port.as_object_mut() {
            match asked.sources.as_slice() {
                [one] => object.insert("allowedSourceAddressPrefix".to_owned(), json!(one)),
                many => object.insert("allowedSourceAddressPrefixes".to_owned(), json!(many)),
            };
        }
        match machines.iter_mut().find(|(id, _)| *id == asked.machine) {
            Some((_, ports)) => ports.push(port),
            None => machines.push((asked.machine.clone(), vec![port])),
        }
    }
    let machines: Vec<Value> = machines
        .into_iter()
        .map(|(id, ports)| json!({ "id": id, "ports": ports }))
        .collect();
    json!({
        "virtualMachines": machines,
        "startTimeUtc": azure_time(state.now()),
        "requestor": state.options.identity.client,
        "justification": body.get("justification").cloned().unwrap_or_else(|| json!("")),
    })
}

/// Writes a request into the history of its policy; its index.
fn remember(state: &mut State, policy: &str, request: &Value) -> usize {
    let mut index = 0;
    state.store.change(policy, |policy| {
        let Some(properties) = properties_mut(policy) else {
            return;
        };
        let history = properties.entry("requests").or_insert_with(|| json!([]));
        if let Some(history) = history.as_array_mut() {
            index = history.len();
            history.push(request.clone());
        }
    });
    index
}

/// Opens what has waited long enough and closes what has ended.
pub fn expire(state: &mut State) {
    let now = state.now();
    let mut openings = std::mem::take(&mut state.openings);
    for opening in openings
        .iter_mut()
        .filter(|opening| !opening.opened && opening.opens <= now)
    {
        opening.opened = true;
        if opening.ends <= now {
            continue;
        }
        opening.rules = rule::allow(
            state,
            &opening.policy,
            &opening.machine,
            &opening.port.to_string(),
            &opening.protocol,
            &opening.sources,
            &opening.cause,
        );
        let wanted = firewall::Wanted {
            policy: &opening.policy,
            machine: &opening.machine,
            port: opening.port,
            protocol: &opening.protocol,
            sources: &opening.sources,
        };
        opening.published = firewall::publish(state, &wanted, &opening.cause);
        set_status(state, opening, "Initiated", "UserRequested");
    }
    let (ended, open) = openings
        .into_iter()
        .partition(|opening: &Opening| opening.opened && opening.ends <= now);
    state.openings = open;
    for opening in ended {
        let cause = Cause::own(state, &format!("{}|{}", opening.policy, opening.ends));
        end(state, &opening, "Expired", &cause);
    }
}

/// Closes the openings of a port before their time.
fn close(state: &mut State, policy: &str, machine: &str, port: u64, reason: &str, cause: &Cause) {
    let is_it = |opening: &Opening| {
        opening.policy.eq_ignore_ascii_case(policy)
            && opening.machine.eq_ignore_ascii_case(machine)
            && opening.port == port
    };
    let openings = std::mem::take(&mut state.openings);
    let (ended, open) = openings.into_iter().partition(is_it);
    state.openings = open;
    for opening in ended {
        end(state, &opening, reason, cause);
    }
}

/// Closes every opening of a machine that leaves its policy.
pub fn close_all(state: &mut State, policy: &str, machine: &str, cause: &Cause) {
    let ports: Vec<u64> = state.openings.iter().map(|opening| opening.port).collect();
    for port in ports {
        close(state, policy, machine, port, "UserRequested", cause);
    }
}

fn end(state: &mut State, opening: &Opening, reason: &str, cause: &Cause) {
    for id in &opening.rules {
        rule::remove(state, id, cause);
    }
    if let Some(published) = &opening.published {
        firewall::withdraw(state, published, cause);
    }
    set_status(state, opening, "Revoked", reason);
}

fn set_status(state: &mut State, opening: &Opening, status: &str, reason: &str) {
    state.store.change(&opening.policy, |policy| {
        let machines = policy
            .pointer_mut(&format!("/properties/requests/{}/virtualMachines", opening.request))
            .and_then(Value::as_array_mut);
        for machine in machines.into_iter().flatten() {
            let id = machine.get("id").and_then(Value::as_str).unwrap_or_default();
            if !id.eq_ignore_ascii_case(&opening.machine) {
                continue;
            }
            let ports = machine.get_mut("ports").and_then(Value::as_array_mut);
            for port in ports.into_iter().flatten().filter_map(Value::as_object_mut) {
                if port.get("number").and_then(Value::as_u64) == Some(opening.port) {
                    port.insert("status".to_owned(), json!(status));
                    port.insert("statusReason".to_owned(), json!(reason));
                    if let Some(published) = &opening.published {
                        port.insert("mappedPort".to_owned(), json!(published.port));
                    }
                }
            }
        }
        if let Some(published) = &opening.published {
            set_address(policy, &opening.machine, &published.address);
        }
    });
}

/// The policy names the address at which the firewall lets a machine be reached.
fn set_address(policy: &mut Value, machine: &str, address: &str) {
    let machines = properties_mut(policy).and_then(|properties| properties.get_mut("virtualMachines")?.as_array_mut());
    let own = machines.into_iter().flatten().filter(|entry| {
        let id = entry.get("id").and_then(Value::as_str);
        id.is_some_and(|id| id.eq_ignore_ascii_case(machine))
    });
    for entry in own.filter_map(Value::as_object_mut) {
        entry.insert("publicIpAddress".to_owned(), json!(address));
    }
}
