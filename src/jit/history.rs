//! What a policy remembers of requests, as the service writes it, read leniently: enumerations are open, times have
//! seven digits of a second, either field for sources may be there.

use jiff::Timestamp;
use serde_json::Value;

use crate::model::ResourceId;
use crate::remedy::documents::{id_of, member, property};

/// One remembered request.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    pub requestor: Option<String>,
    pub start: Option<Timestamp>,
    pub justification: Option<String>,
    pub openings: Vec<Opening>,
}

/// One port of one machine of a request.
#[derive(Clone, Debug, PartialEq)]
pub struct Opening {
    pub machine: ResourceId,
    pub port: Option<u16>,
    /// As stated; empty where nothing is.
    pub sources: Vec<String>,
    pub end: Option<Timestamp>,
    /// `Initiating`, `Initiated`, `Revoked` or what else the service says.
    pub status: String,
    pub reason: Option<String>,
    /// The port of the firewall in front that leads to it.
    pub mapped_port: Option<u16>,
}

/// The requests of a policy, in the order in which it holds them.
pub fn requests(policy: &Value) -> impl Iterator<Item = Request> + '_ {
    let listed = property(policy, "requests").and_then(Value::as_array);
    listed.into_iter().flatten().map(request)
}

/// One request, as a policy holds it or as the answer to a request gives it.
pub fn request(document: &Value) -> Request {
    let machines = member(document, "virtualMachines").and_then(Value::as_array);
    Request {
        requestor: text(document, "requestor"),
        start: time(document, "startTimeUtc"),
        justification: text(document, "justification"),
        openings: machines.into_iter().flatten().flat_map(openings).collect(),
    }
}

fn openings(machine: &Value) -> Vec<Opening> {
    let Some(id) = id_of(machine) else { return Vec::new() };
    let ports = member(machine, "ports").and_then(Value::as_array);
    let opening = |port: &Value| Opening {
        machine: id.clone(),
        port: number(port, "number"),
        sources: sources(port),
        end: time(port, "endTimeUtc"),
        status: text(port, "status").unwrap_or_default(),
        reason: text(port, "statusReason"),
        mapped_port: number(port, "mappedPort"),
    };
    ports.into_iter().flatten().map(opening).collect()
}

/// What a port says of sources, in either field.
pub fn sources(port: &Value) -> Vec<String> {
    let one = member(port, "allowedSourceAddressPrefix").and_then(Value::as_str);
    let many = member(port, "allowedSourceAddressPrefixes").and_then(Value::as_array);
    let listed = many.into_iter().flatten().filter_map(Value::as_str);
    let all = one.into_iter().chain(listed).filter(|source| !source.is_empty());
    all.map(str::to_owned).collect()
}

fn text(document: &Value, name: &str) -> Option<String> {
    let stated = member(document, name)?.as_str()?.trim();
    (!stated.is_empty()).then(|| stated.to_owned())
}

fn number(document: &Value, name: &str) -> Option<u16> {
    let value = member(document, name)?;
    let number = value.as_u64().or_else(|| value.as_str()?.parse().ok())?;
    u16::try_from(number).ok()
}

fn time(document: &Value, name: &str) -> Option<Timestamp> {
    timestamp(member(document, name)?.as_str()?)
}

/// A moment as services write it; without an offset it is UTC.
pub fn timestamp(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let zoned = || text.parse::<jiff::civil::DateTime>().ok();
    text.parse()
        .ok()
        .or_else(|| Some(zoned()?.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp()))
}

impl Opening {
    /// Whether it may let somebody in at `now`.
    pub fn is_active(&self, now: Timestamp) -> bool {
        !self.status.eq_ignore_ascii_case("revoked") && self.end.is_none_or(|end| end > now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_a_policy_remembers_is_read_leniently() {
        let policy = json!({ "properties": { "requests": [{
            "startTimeUtc": "2018-05-17T08:06:45.5691611Z", "requestor": "user@contoso.example",
            "virtualMachines": [{ "id": "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/vm",
                "ports": [
                    { "number": 3389, "allowedSourceAddressPrefix": "192.0.2.1", "endTimeUtc": "2018-05-17T09:06:45.5691611Z",
                      "status": "Initiated", "statusReason": "UserRequested", "mappedPort": 50000 },
                    { "number": "22", "allowedSourceAddressPrefixes": ["192.0.2.0/24", ""], "endTimeUtc": "never" },
                ] }],
        }, 7, null] } });
        let read: Vec<Request> = requests(&policy).collect();
        assert_eq!(read.len(), 3);
        let Some(first) = read.first() else { return };
        assert_eq!(first.start, "2018-05-17T08:06:45.5691611Z".parse().ok());
        let ports: Vec<Option<u16>> = first.openings.iter().map(|opening| opening.port).collect();
        assert_eq!(ports, [Some(3389), Some(22)]);
        let mapped: Vec<Option<u16>> = first.openings.iter().map(|opening| opening.mapped_port).collect();
        assert_eq!(mapped, [Some(50000), None]);
        let now: Timestamp = "2018-05-17T09:00:00Z".parse().unwrap();
        // An end that cannot be read may be to come.
        assert!(first.openings.iter().all(|opening| opening.is_active(now)));
        assert_eq!(
            first.openings.last().map(|opening| opening.sources.clone()),
            Some(vec!["192.0.2.0/24".to_owned()])
        );
    }
}
