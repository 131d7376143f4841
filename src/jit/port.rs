//! A port of an entry as it is typed: `22[:tcp|udp|any][:SOURCE,...][:DURATION]`, and as the service takes it.

use serde_json::{Map, Value, json};

use super::moment;
use crate::net::parse_range;
use crate::remedy::remedies::{duration, set_sources};

/// What was typed of one port; what was not typed is a default or stays as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortSpec {
    pub number: u16,
    /// `TCP`, `UDP` or `*`, as the service spells them.
    pub protocol: Option<&'static str>,
    /// `*` alone for any.
    pub sources: Option<Vec<String>>,
    pub minutes: Option<u32>,
}

/// Shortest and longest opening that a policy may grant, in minutes.
pub const LEAST_MINUTES: u32 = 5;
pub const MOST_MINUTES: u32 = 24 * 60;

const PROTOCOLS: &[(&str, &str)] = &[("tcp", "TCP"), ("udp", "UDP"), ("any", "*"), ("*", "*")];

impl PortSpec {
    pub fn bare(number: u16) -> Self {
        PortSpec {
            number,
            protocol: None,
            sources: None,
            minutes: None,
        }
    }

    /// Reads a port as typed. Addresses of IPv6 have colons of their own, so what is neither protocol nor duration is
    /// one list of sources.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut parts: Vec<&str> = text.split(':').collect();
        let number = parts.remove(0).trim();
        let number: u16 = number.parse().map_err(|_| {
            format!(
                "`{number}` is no port; write it as `22`, `22:tcp`, `22:203.0.113.0/24` or `22:any:203.0.113.0/24:PT2H`"
            )
        })?;
        let mut spec = PortSpec::bare(number);
        if let Some(protocol) = parts.first().and_then(|part| protocol(part)) {
            spec.protocol = Some(protocol);
            parts.remove(0);
        }
        if let Some(minutes) = parts.last().filter(|part| is_duration(part)).map(|part| minutes(part)) {
            spec.minutes = Some(minutes?);
            parts.pop();
        }
        if !parts.is_empty() {
            let list = parts.join(":");
            spec.sources = Some(list.split(',').map(source).collect::<Result<_, _>>()?);
        }
        Ok(spec)
    }

    /// The port as an entry holds it. What was not typed is taken from `present`, else from the defaults.
    pub fn written(&self, present: Option<&Value>, defaults: &Defaults) -> Value {
        let mut port: Map<String, Value> = present.and_then(Value::as_object).cloned().unwrap_or_default();
        let is_new = present.is_none();
        port.insert("number".to_owned(), json!(self.number));
        match self.protocol {
            Some(protocol) => {
                port.insert("protocol".to_owned(), json!(protocol));
            }
            None if is_new => {
                port.insert("protocol".to_owned(), json!("*"));
            }
            None => {}
        }
        match self.sources.as_ref().or(is_new.then_some(&defaults.sources)) {
            Some(sources) if sources.iter().any(|source| source == "*") => set_sources(&mut port, &[]),
            Some(sources) => set_sources(&mut port, sources),
            None => {}
        }
        if let Some(minutes) = self.minutes.or(is_new.then_some(defaults.minutes)) {
            port.insert("maxRequestAccessDuration".to_owned(), json!(duration(minutes)));
        }
        Value::Object(port)
    }
}

/// What a port has of which nothing was typed. No source is any source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Defaults {
    pub sources: Vec<String>,
    pub minutes: u32,
}

impl Default for Defaults {
    fn default() -> Self {
        Defaults {
            sources: Vec::new(),
            minutes: 180,
        }
    }
}

fn protocol(text: &str) -> Option<&'static str> {
    let found = PROTOCOLS.iter().find(|(name, _)| name.eq_ignore_ascii_case(text));
    // A lone `*` is a source as well; any source is the default, so it is taken for the protocol.
    found.map(|(_, spelled)| *spelled)
}

fn is_duration(text: &str) -> bool {
    let starts = text.starts_with(['P', 'p']);
    let friendly = text.starts_with(|first: char| first.is_ascii_digit())
        && text.ends_with(['h', 'm', 'H', 'M', 'd'])
        && !text.contains(['.', '/', ',']);
    starts || friendly
}

/// Minutes of an opening that a policy may grant.
pub fn minutes(text: &str) -> Result<u32, String> {
    let length = moment::length(text)?;
    let seconds = length.as_secs();
    let minutes = u32::try_from(seconds / 60).unwrap_or(u32::MAX);
    if seconds % 60 != 0 || !(LEAST_MINUTES..=MOST_MINUTES).contains(&minutes) {
        return Err(format!(
            "`{text}` is no window that just-in-time access takes: whole minutes from 5m to 24h"
        ));
    }
    Ok(minutes)
}

/// A source as the service takes it.
pub fn source(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text == "*" || text.eq_ignore_ascii_case("any") {
        return Ok("*".to_owned());
    }
    match parse_range(text) {
        Ok((_, false)) if !text.contains('-') => Ok(text.to_owned()),
        Ok((_, true)) => Err(format!(
            "`{text}` has bits set behind its length; write the network's own address"
        )),
        Ok(_) => Err(format!(
            "`{text}` is a range; just-in-time access takes addresses and prefixes"
        )),
        Err(_) => Err(format!(
            "`{text}` is no address or prefix; write `203.0.113.7`, `203.0.113.0/24` or `any`"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_read_as_they_are_typed() {
        let read = |text| PortSpec::parse(text).unwrap();
        assert_eq!(read("22"), PortSpec::bare(22));
        let whole = read("3389:TCP:203.0.113.0/24,198.51.100.7:PT2H");
        assert_eq!(whole.protocol, Some("TCP"));
        assert_eq!(whole.minutes, Some(120));
        assert_eq!(whole.sources.as_ref().map(Vec::len), Some(2));
        assert_eq!(read("22:2001:db8::/32").sources, Some(vec!["2001:db8::/32".to_owned()]));
        assert_eq!(read("22:udp:2001:db8::1,203.0.113.7:90m").minutes, Some(90));
        assert_eq!(read("5986:any:any").sources, Some(vec!["*".to_owned()]));
        for wrong in [
            "",
            "ssh",
            "70000",
            "22:icmp",
            "22:PT1M",
            "22:PT25H",
            "22:203.0.113.7/24",
            "22:10.0.0.1-10.0.0.9",
        ] {
            assert!(PortSpec::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_not_typed_stays() {
        let present = json!({ "number": 22, "protocol": "TCP", "allowedSourceAddressPrefixes": ["10.0.0.0/8", "192.0.2.1"],
                              "maxRequestAccessDuration": "PT3H", "extra": true });
        let spec = PortSpec::parse("22:203.0.113.0/24").unwrap();
        let written = spec.written(Some(&present), &Defaults::default());
        assert_eq!(
            written,
            json!({ "number": 22, "protocol": "TCP", "allowedSourceAddressPrefix": "203.0.113.0/24",
                    "maxRequestAccessDuration": "PT3H", "extra": true })
        );
        let new = PortSpec::bare(3389).written(None, &Defaults::default());
        assert_eq!(
            new,
            json!({ "number": 3389, "protocol": "*", "allowedSourceAddressPrefix": "*", "maxRequestAccessDuration": "PT3H" })
        );
    }
}
