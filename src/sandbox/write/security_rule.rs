//! What the network service refuses in the rules of a security group.

use serde_json::Value;

use crate::net::{parse_ports, parse_range};
use crate::sandbox::answer::Refusal;

/// Rules of a group.
const MOST_RULES: usize = 1000;
/// Characters of a description.
const DESCRIPTION: usize = 140;
/// Application security groups on one side of a rule.
const MOST_GROUPS: usize = 10;
/// Addresses on one side of a rule.
const MOST_ADDRESSES: usize = 4000;

const PROTOCOLS: &[&str] = &["tcp", "udp", "icmp", "esp", "ah", "*"];

/// Checks the rules of one group: those that `is_written` names alone, and all together.
pub fn check(rules: &[&Value], is_written: impl Fn(&Value) -> bool) -> Result<(), Refusal> {
    if rules.len() > MOST_RULES {
        let message = format!("A security group cannot have more than {MOST_RULES} security rules.");
        return Err(Refusal::bad("SecurityRuleCountLimitReached", message));
    }
    rules
        .iter()
        .filter(|rule| is_written(rule))
        .try_for_each(|rule| Rule(rule).check())?;
    check_priorities(rules)
}

/// No two rules of one direction have the same priority.
fn check_priorities(rules: &[&Value]) -> Result<(), Refusal> {
    let mut taken: Vec<(String, i64, &str)> = Vec::new();
    for rule in rules.iter().map(|rule| Rule(rule)) {
        let (direction, priority) = (
            rule.text("direction").to_ascii_lowercase(),
            rule.priority().unwrap_or(0),
        );
        let before = taken
            .iter()
            .find(|(at, number, _)| *at == direction && *number == priority);
        if let Some((_, _, before)) = before {
            let message = format!(
                "Security rule {} conflicts with rule {before}. Rules cannot have the same Priority and Direction. To \
                 learn more, see aka.ms/nsgrules.",
                rule.name()
            );
            return Err(Refusal::bad("SecurityRuleConflict", message));
        }
        taken.push((direction, priority, rule.name()));
    }
    Ok(())
}

struct Rule<'v>(&'v Value);

impl<'v> Rule<'v> {
    fn name(&self) -> &'v str {
        self.0.get("name").and_then(Value::as_str).unwrap_or_default()
    }

    fn member(&self, name: &str) -> Option<&'v Value> {
        self.0.get("properties")?.get(name).filter(|value| !value.is_null())
    }

    fn text(&self, name: &str) -> &'v str {
        self.member(name).and_then(Value::as_str).unwrap_or_default()
    }

    fn texts(&self, name: &str) -> Vec<&'v str> {
        let list = self.member(name).and_then(Value::as_array);
        list.into_iter().flatten().filter_map(Value::as_str).collect()
    }

    fn priority(&self) -> Option<i64> {
        self.member("priority").and_then(Value::as_i64)
    }

    fn check(&self) -> Result<(), Refusal> {
        self.check_enumerations()?;
        self.check_priority()?;
        if self.text("description").chars().count() > DESCRIPTION {
            let message = format!("Security rule description exceeds the maximum of {DESCRIPTION} characters.");
            return Err(Refusal::bad("SecurityRuleDescriptionTooLong", message));
        }
        for side in ["source", "destination"] {
            self.check_ports(side)?;
            self.check_addresses(side)?;
        }
        Ok(())
    }

    fn check_enumerations(&self) -> Result<(), Refusal> {
        let allowed: [(&str, &[&str]); 3] = [
            ("protocol", PROTOCOLS),
            ("access", &["allow", "deny"]),
            ("direction", &["inbound", "outbound"]),
        ];
        for (member, values) in allowed {
            let stated = self.text(member);
            if stated.is_empty() {
                let message = format!(
                    "Required security rule parameters are missing for security rule with Id: {}. Security rule must specify {member}.",
                    self.name()
                );
                return Err(Refusal::bad("SecurityRuleParameterNotSpecified", message));
            }
            if !values.contains(&stated.to_ascii_lowercase().as_str()) {
                let message = format!(
                    "Value '{stated}' is not valid for '{member}' of security rule {}.",
                    self.name()
                );
                return Err(Refusal::bad("InvalidRequestFormat", message));
            }
        }
        Ok(())
    }

    fn check_priority(&self) -> Result<(), Refusal> {
        match self.priority() {
            Some(100..=4096) => Ok(()),
            stated => {
                let stated = stated.map_or_else(|| "none".to_owned(), |priority| priority.to_string());
                let message =
                    format!("Security rule has invalid Priority. Value provided: {stated} Allowed range 100-4096.");
                Err(Refusal::bad("SecurityRuleInvalidPriority", message))
            }
        }
    }

    fn check_ports(&self, side: &str) -> Result<(), Refusal> {
        let (one, many) = (format!("{side}PortRange"), format!("{side}PortRanges"));
        let (stated, listed) = (self.text(&one), self.texts(&many));
        self.check_exclusive(&one, stated, &many, &listed)?;
        if listed.contains(&"*") {
            let message = format!(
                "Security rule parameter {many} of rule {} cannot contain '*'.",
                self.name()
            );
            return Err(Refusal::bad("SecurityRuleParameterContainsInvalidPortRanges", message));
        }
        let all = listed.into_iter().chain((!stated.is_empty()).then_some(stated));
        for ports in all.filter(|ports| *ports != "*") {
            if ports.contains(',') || parse_ports(ports).is_err() {
                let message = format!(
                    "Security rule has invalid Port range. Value provided: {ports}. Value should be an integer OR \
                     integer range with '-' delimiter. Valid range 0-65535."
                );
                return Err(Refusal::bad("SecurityRuleInvalidPortRange", message));
            }
        }
        Ok(())
    }

    fn check_addresses(&self, side: &str) -> Result<(), Refusal> {
        let (one, many) = (format!("{side}AddressPrefix"), format!("{side}AddressPrefixes"));
        let (stated, listed) = (self.text(&one), self.texts(&many));
        let groups = self
            .member(&format!("{side}ApplicationSecurityGroups"))
            .and_then(Value::as_array);
        let groups = groups.map_or(0, Vec::len);
        self.check_exclusive(&one, stated, &many, &listed)?;
        if stated.is_empty() && listed.is_empty() && groups == 0 {
            let message = format!(
                "Required security rule parameters are missing for security rule with Id: {}. Security rule must \
                 specify either {one}, {many} or {side}ApplicationSecurityGroups.",
                self.name()
            );
            return Err(Refusal::bad("SecurityRuleParameterNotSpecified", message));
        }
        if groups > MOST_GROUPS || listed.len() > MOST_ADDRESSES {
            let message = format!(
                "Security rule {} names too many addresses or groups as its {side}.",
                self.name()
            );
            return Err(Refusal::bad("SecurityRuleAddressLimitReached", message));
        }
        for address in &listed {
            if *address == "*" || is_tag(address) {
                let message = format!(
                    "Security rule parameter {one} for rule {} cannot specify existing VIRTUALNETWORK, INTERNET, \
                     AZURELOADBALANCER, '*' or system tags. Unsupported value used: {address}.",
                    self.name()
                );
                return Err(Refusal::bad("SecurityRuleParameterContainsUnsupportedValue", message));
            }
        }
        let all = listed.into_iter().chain((!stated.is_empty()).then_some(stated));
        for address in all.filter(|address| *address != "*" && !is_tag(address)) {
            if !is_prefix(address) {
                let message = format!("Security rule has invalid Address prefix. Value provided: {address}");
                return Err(Refusal::bad("SecurityRuleInvalidAddressPrefix", message));
            }
        }
        Ok(())
    }

    /// The singular and the plural member exclude each other.
    fn check_exclusive(&self, one: &str, stated: &str, many: &str, listed: &[&str]) -> Result<(), Refusal> {
        if stated.is_empty() || listed.is_empty() {
            return Ok(());
        }
        let message = format!("Security rule {} cannot specify both {one} and {many}.", self.name());
        Err(Refusal::bad(
            "SecurityRuleContainsInvalidCombinationOfParameters",
            message,
        ))
    }
}

/// Service tags are words; which of them exist only the service knows.
fn is_tag(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && !text.contains([':', '/'])
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

/// An address, or a network whose host bits are zero.
fn is_prefix(text: &str) -> bool {
    !text.contains('-') && parse_range(text).is_ok_and(|(_, has_host_bits)| !has_host_bits)
}
