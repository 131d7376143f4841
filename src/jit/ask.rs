//! A request for access: what the service is sent, and what of it the policy does not grant.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::history::sources;
use super::moment::{self, lasting};
use crate::model::ResourceId;
use crate::net::{AddressSet, parse_range};
use crate::remedy::documents::{id_of, member, property};

/// From where somebody wants to come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum From {
    /// The address that the service sees the request come from: it is left out of the request, as the service documents.
    Caller,
    /// Addresses and prefixes, or `*` alone.
    Stated(Vec<String>),
}

impl From {
    pub fn shown(&self) -> String {
        match self {
            From::Caller => "the address that Azure sees you come from".to_owned(),
            From::Stated(sources) if sources.iter().any(|source| source == "*") => "any address".to_owned(),
            From::Stated(sources) => sources.join(", "),
        }
    }
}

/// What somebody asks of one policy.
#[derive(Clone, Debug)]
pub struct Ask {
    /// Machines with the ports that are to be opened.
    pub machines: Vec<(ResourceId, Vec<u16>)>,
    pub from: From,
    pub end: Timestamp,
    pub justification: Option<String>,
}

impl Ask {
    /// The body of the call. Only the end is stated: with a duration beside it the service refuses.
    pub fn body(&self) -> Value {
        let machine = |(id, ports): &(ResourceId, Vec<u16>)| {
            let ports: Vec<Value> = ports.iter().map(|port| self.port(*port)).collect();
            json!({ "id": id.as_str(), "ports": ports })
        };
        let mut body = json!({ "virtualMachines": self.machines.iter().map(machine).collect::<Vec<_>>() });
        if let (Some(why), Some(members)) = (&self.justification, body.as_object_mut()) {
            members.insert("justification".to_owned(), json!(why));
        }
        body
    }

    fn port(&self, number: u16) -> Value {
        let end = self.end.strftime("%Y-%m-%dT%H:%M:%S.%7fZ").to_string();
        let mut port = Map::from_iter([
            ("number".to_owned(), json!(number)),
            ("endTimeUtc".to_owned(), json!(end)),
        ]);
        match &self.from {
            From::Caller => None,
            From::Stated(sources) => match sources.as_slice() {
                [one] => port.insert("allowedSourceAddressPrefix".to_owned(), json!(one)),
                many => port.insert("allowedSourceAddressPrefixes".to_owned(), json!(many)),
            },
        };
        Value::Object(port)
    }
}

/// The entry of a machine in a policy.
pub fn entry<'p>(policy: &'p Value, machine: &ResourceId) -> Option<&'p Value> {
    let entries = property(policy, "virtualMachines").and_then(Value::as_array);
    entries
        .into_iter()
        .flatten()
        .find(|entry| id_of(entry).as_ref() == Some(machine))
}

/// The ports of an entry: number, and the port itself.
pub fn ports(entry: &Value) -> Vec<(u16, &Value)> {
    let listed = member(entry, "ports").and_then(Value::as_array);
    let number = |port: &Value| {
        let value = member(port, "number")?;
        let number = value.as_u64().or_else(|| value.as_str()?.parse().ok())?;
        u16::try_from(number).ok()
    };
    listed
        .into_iter()
        .flatten()
        .filter_map(|port| Some((number(port)?, port)))
        .collect()
}

/// Longest opening of a port; `None` where it cannot be read.
pub fn longest(port: &Value) -> Option<SignedDuration> {
    moment::length(member(port, "maxRequestAccessDuration")?.as_str()?).ok()
}

/// Longest opening that all of these ports of an entry grant.
pub fn longest_of(entry: &Value, wanted: &[u16]) -> Option<SignedDuration> {
    let all = ports(entry);
    let granted = all.iter().filter(|(number, _)| wanted.contains(number));
    granted.filter_map(|(_, port)| longest(port)).min()
}

/// What of a request the policy does not grant, one sentence each, with what would fit. Whether a part of a prefix is
/// within the prefix is the service's to say: it is counted as granted here.
pub fn misfits(policy: &Value, ask: &Ask, now: Timestamp) -> Vec<String> {
    let mut misfits = Vec::new();
    for (machine, wanted) in &ask.machines {
        let Some(entry) = entry(policy, machine) else {
            misfits.push(format!("machine `{}` is not in the policy", machine.name()));
            continue;
        };
        let granted = ports(entry);
        for number in wanted {
            match granted.iter().find(|(known, _)| known == number) {
                Some((_, port)) => misfits.extend(port_misfits(machine.name(), *number, port, ask, now)),
                None => misfits.push(format!(
                    "port {number} of `{}` is not in the policy; {}",
                    machine.name(),
                    listed(&granted)
                )),
            }
        }
    }
    misfits
}

fn listed(granted: &[(u16, &Value)]) -> String {
    let numbers: Vec<String> = granted.iter().map(|(number, _)| number.to_string()).collect();
    match numbers.as_slice() {
        [] => "it has no port".to_owned(),
        numbers => format!("it has {}", numbers.join(", ")),
    }
}

fn port_misfits(machine: &str, number: u16, port: &Value, ask: &Ask, now: Timestamp) -> Vec<String> {
    let mut misfits = Vec::new();
    let asked = ask.end.duration_since(now);
    // The clocks of two machines differ by moments.
    if let Some(longest) = longest(port)
        && asked > longest + SignedDuration::from_secs(30)
    {
        misfits.push(format!(
            "port {number} of `{machine}` may be open for {} at most, and {} were asked for; ask for --for {}m",
            lasting(longest),
            lasting(asked),
            longest.as_mins()
        ));
    }
    let granted = sources(port);
    if let (Some(all), From::Stated(wanted)) = (addresses(&granted), &ask.from) {
        for source in wanted {
            let within = addresses(std::slice::from_ref(source)).is_none_or(|set| all.is_superset(&set));
            if !within {
                misfits.push(format!(
                    "port {number} of `{machine}` may be opened from {} alone, and not from `{source}`",
                    granted.join(", ")
                ));
            }
        }
    }
    misfits
}

/// The addresses of sources; `None` where one is no address, prefix or `*`.
pub fn addresses(sources: &[String]) -> Option<AddressSet> {
    let mut all = AddressSet::empty();
    for source in sources {
        all = match source.as_str() {
            "*" => AddressSet::full(),
            text => all.union(&AddressSet::from_ranges([parse_range(text).ok()?.0])),
        };
    }
    (!sources.is_empty()).then_some(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    const VM: &str = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/vm";

    fn policy() -> Value {
        json!({ "properties": { "virtualMachines": [{ "id": VM.to_uppercase(), "ports": [
            { "number": 22, "protocol": "*", "allowedSourceAddressPrefixes": ["203.0.113.0/24"],
              "maxRequestAccessDuration": "PT2H" }] }] } })
    }

    fn ask(ports: &[u16], from: &[&str], minutes: i64) -> (Ask, Timestamp) {
        let now: Timestamp = "2026-03-29T00:30:00Z".parse().unwrap();
        let from = match from {
            [] => From::Caller,
            stated => From::Stated(stated.iter().map(|text| (*text).to_owned()).collect()),
        };
        let ask = Ask {
            machines: vec![(ResourceId::new(VM), ports.to_vec())],
            from,
            end: now + SignedDuration::from_mins(minutes),
            justification: None,
        };
        (ask, now)
    }

    #[test]
    fn what_the_policy_does_not_grant_is_said() {
        for (ports, from, minutes, said) in [
            (&[22][..], &["203.0.113.7"][..], 120, &[][..]),
            (&[22], &[], 120, &[]),
            (&[22], &["203.0.113.7"], 121, &["2 h at most"]),
            (&[3389], &["203.0.113.7"], 60, &["port 3389", "it has 22"]),
            (
                &[22],
                &["203.0.114.7"],
                60,
                &["from 203.0.113.0/24 alone", "`203.0.114.7`"],
            ),
            (&[22], &["*"], 60, &["`*`"]),
        ] {
            let (ask, now) = ask(ports, from, minutes);
            let misfits = misfits(&policy(), &ask, now).join("\n");
            assert_eq!(misfits.is_empty(), said.is_empty(), "{misfits}");
            said.iter()
                .for_each(|part| assert!(misfits.contains(part), "{misfits}"));
        }
    }

    #[test]
    fn the_body_states_the_end_and_no_duration() {
        let (ask, _) = ask(&[22], &[], 60);
        let body = ask.body();
        assert_eq!(
            body,
            json!({ "virtualMachines": [{ "id": VM, "ports": [{ "number": 22, "endTimeUtc": "2026-03-29T01:30:00.0000000Z" }] }] })
        );
    }
}
