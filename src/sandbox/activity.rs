//! The activity log: an event for each write, and `Microsoft.Insights/eventtypes/management/values` to read them.

use axum::http::Method;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::answer::{Refusal, Reply};
use super::arm::{Address, page};
use super::call::Call;
use super::clock::azure_time;
use super::kind::kind;
use super::state::State;
use crate::model::ResourceId;

/// Events kept; the oldest go first.
const KEPT: usize = 50_000;

/// One event.
#[derive(Clone, Debug)]
pub struct Event {
    pub at: Timestamp,
    /// Such as `Microsoft.Network/networkSecurityGroups/securityRules/write`.
    pub operation: String,
    pub resource: ResourceId,
    pub status: u16,
    pub correlation: String,
    pub caller: String,
    pub method: String,
    pub properties: Value,
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

/// Notes a write that a client asked for, whatever came of it.
pub fn note(state: &mut State, call: &Call, address: &Address, status: u16, properties: Value) {
    let Some((operation, target)) = operation(call, address) else {
        return;
    };
    let event = Event {
        at: state.now(),
        operation,
        resource: ResourceId::new(&target.id()),
        status,
        correlation: call.correlation(),
        caller: state.options.identity.client.clone(),
        method: call.method.to_string(),
        properties,
    };
    add(state, event);
}

/// Notes what the service did by itself.
pub fn note_service(state: &mut State, operation: &str, resource: &str, correlation: &str) {
    let event = Event {
        at: state.now(),
        operation: operation.to_owned(),
        resource: ResourceId::new(resource),
        status: 200,
        correlation: correlation.to_owned(),
        // The application of Defender for Cloud that changes security groups.
        caller: "8edd93e1-2103-40b4-bd70-6e34e586362d".to_owned(),
        method: "PUT".to_owned(),
        properties: json!({}),
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
    let status = if event.status < 400 { "Succeeded" } else { "Failed" };
    let id = event.resource.as_str();
    let at = azure_time(event.at);
    let data_id = format!("{}-{}", event.correlation, event.at.as_nanosecond());
    json!({
        "authorization": { "action": event.operation, "scope": id },
        "caller": event.caller,
        "channels": "Operation",
        "claims": { "appid": event.caller },
        "correlationId": event.correlation,
        "description": "",
        "eventDataId": data_id,
        "eventName": localised("EndRequest"),
        "category": localised("Administrative"),
        "httpRequest": { "clientRequestId": event.correlation, "clientIpAddress": "127.0.0.1", "method": event.method },
        "id": format!("{id}/events/{data_id}/ticks/{}", event.at.as_millisecond()),
        "level": if event.status < 400 { "Informational" } else { "Error" },
        "resourceGroupName": event.resource.resource_group(),
        "resourceProviderName": localised(event.operation.split('/').next().unwrap_or_default()),
        "resourceId": id,
        "resourceType": localised(event.operation.rsplit_once('/').map_or("", |(kind, _)| kind)),
        "operationId": event.correlation,
        "operationName": localised(&event.operation),
        "properties": event.properties,
        "status": localised(status),
        "subStatus": localised(&event.status.to_string()),
        "eventTimestamp": at,
        "submissionTimestamp": at,
        "subscriptionId": event.resource.subscription(),
        "tenantId": state.store.tenant,
    })
}
