//! The activity log: an event for each write and action, and `Microsoft.Insights/eventtypes/management/values` to read them.

use axum::http::{Method, StatusCode};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::access::guid;
use super::answer::{Refusal, Reply};
use super::arm::{Address, page};
use super::call::Call;
use super::clock::azure_time;
use super::kind::kind;
use super::state::State;
use super::store::spelled;
use crate::model::ResourceId;

/// Events kept; the oldest go first.
const KEPT: usize = 50_000;

/// The application of Defender for Cloud that changes security groups, "Windows Azure Security Resource Provider".
pub const SERVICE: &str = "8edd93e1-2103-40b4-bd70-6e34e586362d";

/// One event.
#[derive(Clone, Debug)]
pub struct Event {
    pub at: Timestamp,
    /// Such as `Microsoft.Network/networkSecurityGroups/securityRules/write`.
    pub operation: String,
    pub resource: ResourceId,
    pub stage: Stage,
    pub correlation: String,
    pub caller: String,
    pub method: String,
    /// Texts by name, as the service has them.
    pub properties: Map<String, Value>,
}

/// Which part of an operation an event tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    Started,
    /// Ended, with this status of HTTP.
    Ended(u16),
}

impl Stage {
    fn status(self) -> &'static str {
        match self {
            Stage::Started => "Started",
            Stage::Ended(status) if status < 400 => "Succeeded",
            Stage::Ended(_) => "Failed",
        }
    }

    /// As `subStatus` has it: the value and the words for people.
    fn detail(self) -> (String, String) {
        match self {
            Stage::Started => (String::new(), String::new()),
            Stage::Ended(status) => {
                let code = StatusCode::from_u16(status).ok();
                let name = code.and_then(|code| code.canonical_reason()).unwrap_or_default();
                let name = name.replace(' ', "");
                (name.clone(), format!("{name} (HTTP Status Code: {status})"))
            }
        }
    }
}

/// The operation that a call asks for, as roles and the log name it, and what it is about; none for a read.
pub fn operation(call: &Call, address: &Address) -> Option<(String, Address)> {
    let action = match call.method {
        Method::PUT | Method::PATCH => "write",
        Method::DELETE => "delete",
        Method::POST => "action",
        _ => return None,
    };
    let is_action = action == "action";
    let target = if is_action { address.parent() } else { address.clone() };
    let resource_type = target.resource_type();
    let resource_type = kind(&resource_type).map_or(resource_type.as_str(), |kind| kind.name);
    let operation = if is_action {
        format!("{resource_type}/{}/action", address.last())
    } else {
        format!("{resource_type}/{action}")
    };
    Some((operation, target))
}

/// Notes a write that a client asked for and that was taken.
pub fn note(state: &mut State, call: &Call, address: &Address, status: u16) {
    if let Some((operation, target)) = operation(call, address) {
        let event = event(state, call, operation, &target.id(), Stage::Ended(status));
        add(state, event);
    }
}

/// Notes a write or an action that was refused, with the error.
pub fn note_refused(state: &mut State, call: &Call, address: &Address, refusal: &Refusal) {
    let Some((operation, target)) = operation(call, address) else {
        return;
    };
    let mut event = event(state, call, operation, &target.id(), Stage::Ended(refusal.status));
    let message = json!({ "error": refusal.error() }).to_string();
    event
        .properties
        .insert("statusMessage".to_owned(), Value::from(message));
    add(state, event);
}

/// Notes a stage of an action on a resource, with texts about it.
pub fn note_action(state: &mut State, call: &Call, resource: &str, stage: Stage, texts: &[(&str, String)]) {
    let address = Address::parse(&call.path);
    let Some((operation, _)) = operation(call, &address) else {
        return;
    };
    let mut event = event(state, call, operation, resource, stage);
    let texts = texts
        .iter()
        .map(|(name, text)| ((*name).to_owned(), Value::from(text.as_str())));
    event.properties.extend(texts);
    add(state, event);
}

/// What a client does to a resource. Bodies of writes are kept as the service keeps them, but not those of machines, which
/// can hold secrets.
fn event(state: &State, call: &Call, operation: String, resource: &str, stage: Stage) -> Event {
    let mut properties = Map::new();
    properties.insert("entity".to_owned(), Value::from(resource));
    properties.insert("message".to_owned(), Value::from(operation.as_str()));
    if let Stage::Ended(_) = stage {
        properties.insert("statusCode".to_owned(), Value::from(stage.detail().0));
    }
    let holds_secrets = operation.to_ascii_lowercase().starts_with("microsoft.compute/");
    if !call.body.is_empty() && !holds_secrets {
        let body = String::from_utf8_lossy(&call.body);
        properties.insert("requestbody".to_owned(), Value::from(body));
    }
    Event {
        at: state.now(),
        operation,
        resource: ResourceId::new(resource),
        stage,
        correlation: call.correlation(),
        caller: state.options.identity.client.clone(),
        method: call.method.to_string(),
        properties,
    }
}

/// Why the service does something by itself: what joins its events with those of the call that it was asked in.
#[derive(Clone, Debug)]
pub struct Cause(String);

impl Cause {
    pub fn of(call: &Call) -> Cause {
        Cause(call.correlation())
    }

    /// The service's own, such as the end of an opening.
    pub fn own(state: &State, about: &str) -> Cause {
        Cause(guid(&format!("{about}|{}", state.now())))
    }
}

/// Notes what the service did by itself, with the body that it wrote.
pub fn note_service(state: &mut State, operation: &str, resource: &str, cause: &Cause, body: Option<&Value>) {
    let stage = Stage::Ended(if body.is_some() { 201 } else { 200 });
    let mut properties = Map::new();
    properties.insert("entity".to_owned(), Value::from(resource));
    properties.insert("message".to_owned(), Value::from(operation));
    properties.insert("statusCode".to_owned(), Value::from(stage.detail().0));
    if let Some(body) = body {
        properties.insert("requestbody".to_owned(), Value::from(body.to_string()));
    }
    let is_removal = operation.ends_with("/delete");
    let event = Event {
        at: state.now(),
        operation: operation.to_owned(),
        resource: ResourceId::new(resource),
        stage,
        correlation: cause.0.clone(),
        caller: SERVICE.to_owned(),
        method: if is_removal { "DELETE" } else { "PUT" }.to_owned(),
        properties,
    };
    add(state, event);
}

fn add(state: &mut State, event: Event) {
    if state.events.len() == KEPT {
        state.events.pop_front();
    }
    state.events.push_back(event);
}

/// Answers `$filter=eventTimestamp ge '...' and eventTimestamp le '...' and resourceUri eq '...'`, newest first.
pub fn list(state: &mut State, call: &Call, address: &Address) -> Reply {
    let filter = Filter::parse(call.query("$filter").unwrap_or_default())?;
    let scope = format!("/subscriptions/{}/", address.subscription).to_ascii_lowercase();
    let found: Vec<&Event> = state
        .events
        .iter()
        .rev()
        .filter(|event| event.resource.as_str().to_ascii_lowercase().starts_with(&scope))
        .filter(|event| filter.holds(event))
        .collect();
    page(state, call, &found, |event| shown(state, event))
}

#[derive(Default)]
struct Filter {
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    /// Member and value, both in lower case.
    equal: Vec<(String, String)>,
}

const MEMBERS: &[&str] = &[
    "resourcegroupname",
    "resourceuri",
    "resourceprovider",
    "correlationid",
    "resourceid",
];

impl Filter {
    fn parse(text: &str) -> Result<Filter, Refusal> {
        let refuse = |part: &str| {
            let message = format!(
                "The filter '{part}' is not supported. Use eventTimestamp ge and le, and eq with resourceGroupName, \
                 resourceUri, resourceProvider or correlationId."
            );
            Refusal::bad("BadRequest", message)
        };
        let mut filter = Filter::default();
        for part in text.split(" and ").map(str::trim).filter(|part| !part.is_empty()) {
            let mut words = part.splitn(3, ' ');
            let (Some(member), Some(sign), Some(value)) = (words.next(), words.next(), words.next()) else {
                return Err(refuse(part));
            };
            let (member, value) = (member.to_ascii_lowercase(), value.trim().trim_matches('\''));
            match (member.as_str(), sign) {
                ("eventtimestamp", "ge") => filter.from = Some(value.parse().map_err(|_| refuse(part))?),
                ("eventtimestamp", "le") => filter.to = Some(value.parse().map_err(|_| refuse(part))?),
                ("eventchannels" | "levels" | "status", "eq") => {}
                (name, "eq") if MEMBERS.contains(&name) => {
                    filter.equal.push((name.to_owned(), value.to_ascii_lowercase()));
                }
                _ => return Err(refuse(part)),
            }
        }
        if filter.from.is_none() {
            let message = "The $filter parameter must state the start of the period: eventTimestamp ge 'TIME'.";
            return Err(Refusal::bad("BadRequest", message));
        }
        Ok(filter)
    }

    fn holds(&self, event: &Event) -> bool {
        let within = self.from.is_none_or(|from| event.at >= from) && self.to.is_none_or(|to| event.at <= to);
        within
            && self.equal.iter().all(|(member, value)| {
                let stated = match member.as_str() {
                    "resourcegroupname" => event.resource.resource_group(),
                    "resourceprovider" => event.operation.split('/').next().unwrap_or_default(),
                    "correlationid" => &event.correlation,
                    _ => event.resource.as_str(),
                };
                stated.eq_ignore_ascii_case(value)
            })
    }
}

fn shown(state: &State, event: &Event) -> Value {
    let localised = |value: &str| json!({ "value": value, "localizedValue": value });
    let (detail, detail_words) = event.stage.detail();
    let has_failed = matches!(event.stage, Stage::Ended(status) if status >= 400);
    let id = event.resource.as_str();
    let at = azure_time(event.at);
    let data_id = guid(&format!("{}|{}|{id}|{:?}", event.correlation, event.at, event.stage));
    json!({
        "authorization": { "action": event.operation, "scope": id },
        "caller": event.caller,
        "channels": "Operation",
        "claims": {
            "appid": event.caller,
            "http://schemas.microsoft.com/identity/claims/objectidentifier": event.caller,
        },
        "correlationId": event.correlation,
        "description": "",
        "eventDataId": data_id,
        "eventName": match event.stage {
            Stage::Started => json!({ "value": "BeginRequest", "localizedValue": "Begin request" }),
            Stage::Ended(_) => json!({ "value": "EndRequest", "localizedValue": "End request" }),
        },
        "category": localised("Administrative"),
        "httpRequest": { "clientRequestId": event.correlation, "clientIpAddress": "127.0.0.1", "method": event.method },
        "id": format!("{id}/events/{data_id}/ticks/{}", event.at.as_millisecond()),
        "level": if has_failed { "Error" } else { "Informational" },
        "resourceGroupName": event.resource.resource_group(),
        "resourceProviderName": localised(event.operation.split('/').next().unwrap_or_default()),
        "resourceId": id,
        "resourceType": localised(&spelled(&event.resource.resource_type())),
        "operationId": event.correlation,
        "operationName": localised(&event.operation),
        "properties": event.properties,
        "status": localised(event.stage.status()),
        "subStatus": { "value": detail, "localizedValue": detail_words },
        "eventTimestamp": at,
        "submissionTimestamp": at,
        "subscriptionId": event.resource.subscription(),
        "tenantId": state.store.tenant,
    })
}
