//! Events of the activity log as rows: those about just-in-time access, and rule changes that the service made.

use jiff::Timestamp;
use serde_json::Value;

use super::row::{EventRow, Kind, bounded, touched};
use crate::jit::history;
use crate::remedy::documents::member;
use crate::rule::facts::JitRuleName;

/// The application of Defender for Cloud that writes rules.
pub const SERVICE_APPLICATION: &str = "8edd93e1-2103-40b4-bd70-6e34e586362d";

const POLICY: &str = "microsoft.security/locations/jitnetworkaccesspolicies/";
const GROUP: &str = "microsoft.network/networksecuritygroups/";

/// Whether an event is one that an audit is made of.
pub fn is_concerned(event: &Value) -> bool {
    kind(event).is_some()
}

/// The row of an event; none where it is about something else, or has no time.
pub fn event(event: &Value) -> Option<EventRow> {
    let kind = kind(event)?;
    let at = text(event, "eventTimestamp").and_then(|time| history::timestamp(&time))?;
    let body = body(event);
    let asked = body.as_ref().filter(|_| kind == Kind::Initiate).map(history::request);
    let status = worded(event, "status").unwrap_or_default();
    let failed = status.to_ascii_lowercase().starts_with("fail");
    Some(EventRow {
        id: text(event, "eventDataId").unwrap_or_else(|| format!("{at}")),
        at,
        kind,
        correlation: text(event, "correlationId").unwrap_or_default(),
        resource: text(event, "resourceId")
            .or_else(|| text(event, "resourceUri"))
            .unwrap_or_default(),
        user: user(event),
        client_address: member(event, "httpRequest").and_then(|http| text(http, "clientIpAddress")),
        justification: asked
            .as_ref()
            .and_then(|asked| asked.justification.as_deref().map(bounded))
            .or_else(|| stated(event, "justification")),
        touched: asked.as_ref().map(touched).unwrap_or_default(),
        error: failed.then(|| refusal(event)).flatten(),
        machine: body.as_ref().and_then(machine),
        status,
    })
}

fn text(value: &Value, name: &str) -> Option<String> {
    let text = member(value, name)?.as_str()?;
    (!text.is_empty()).then(|| bounded(text))
}

/// `{ "value": ..., "localizedValue": ... }`, or the value itself.
fn worded(event: &Value, name: &str) -> Option<String> {
    let value = member(event, name)?;
    text(value, "value").or_else(|| value.as_str().map(bounded))
}

fn kind(event: &Value) -> Option<Kind> {
    let operation = worded(event, "operationName")?.to_ascii_lowercase();
    if let Some(verb) = operation.strip_prefix(POLICY) {
        return match verb {
            "initiate/action" => Some(Kind::Initiate),
            "write" => Some(Kind::PolicyWritten),
            "delete" => Some(Kind::PolicyDeleted),
            _ => None,
        };
    }
    let verb = operation.strip_prefix(GROUP)?;
    let kind = match verb {
        "securityrules/write" | "write" => Kind::RuleWritten,
        "securityrules/delete" | "delete" => Kind::RuleDeleted,
        _ => return None,
    };
    is_of_service(event).then_some(kind)
}

/// Rules are the service's own by who wrote them, or by their names.
fn is_of_service(event: &Value) -> bool {
    let resource = text(event, "resourceId")
        .or_else(|| text(event, "resourceUri"))
        .unwrap_or_default();
    let name = resource.rsplit('/').next().unwrap_or_default();
    let claims = member(event, "claims");
    let application = claims.and_then(|claims| text(claims, "appid"));
    let by = |who: Option<String>| who.is_some_and(|who| who.eq_ignore_ascii_case(SERVICE_APPLICATION));
    by(application) || by(text(event, "caller")) || JitRuleName::parse(name).is_some()
}

/// The user, else the application.
fn user(event: &Value) -> Option<String> {
    let claims = member(event, "claims");
    let claim = |name: &str| claims.and_then(|claims| text(claims, name));
    text(event, "caller")
        .or_else(|| claim("http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn"))
        .or_else(|| claim("name"))
        .or_else(|| claim("appid"))
}

/// A property, or one within the event's own properties where those came as a text.
fn stated(event: &Value, name: &str) -> Option<String> {
    let properties = member(event, "properties")?;
    let inner = member(properties, "eventProperties").and_then(Value::as_str);
    let inner: Option<Value> = inner.and_then(|inner| serde_json::from_str(inner).ok());
    text(properties, name).or_else(|| inner.as_ref().and_then(|inner| text(inner, name)))
}

/// The body of the request that was logged, as JSON.
fn body(event: &Value) -> Option<Value> {
    let properties = member(event, "properties")?;
    let body = member(properties, "requestbody").or_else(|| member(properties, "responseBody"))?;
    match body {
        Value::String(text) => serde_json::from_str(text).ok(),
        other => Some(other.clone()),
    }
}

fn refusal(event: &Value) -> Option<String> {
    let said = stated(event, "statusMessage").or_else(|| stated(event, "statusCode"))?;
    let inner: Option<Value> = serde_json::from_str(&said).ok();
    let error = inner.as_ref().map(|inner| member(inner, "error").unwrap_or(inner));
    let words = error.and_then(|error| {
        let (code, message) = (text(error, "code"), text(error, "message"));
        match (code, message) {
            (Some(code), Some(message)) => Some(format!("{code}: {message}")),
            (one, other) => one.or(other),
        }
    });
    Some(words.unwrap_or(said))
}

/// The machine of a rule, which its description names: `... policy 'P' of VM 'V'.`
fn machine(body: &Value) -> Option<String> {
    let properties = member(body, "properties").unwrap_or(body);
    let description = text(properties, "description")?;
    let (_, behind) = description.split_once("of VM '")?;
    let (name, _) = behind.split_once('\'')?;
    Some(name.to_owned())
}

/// Which day a moment lies in, counted from the epoch in UTC.
pub fn day(at: Timestamp) -> i64 {
    at.as_second().div_euclid(86_400)
}
