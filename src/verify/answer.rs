//! Azure's own answers as they were saved: the effective security rules of a network interface, and the verdict of IP
//! flow verify with the question it was asked. Must not know the inventory or the analysis.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::net::{AddressRange, PortSet, parse_ports, parse_range};

/// What one file holds.
#[derive(Clone, Debug)]
pub enum Answer {
    /// `az network nic list-effective-nsg`, or the REST answer: one entry for each group that applies.
    Effective(Vec<EffectiveGroup>),
    /// A question to IP flow verify with its answer.
    Flow(Box<Flow>),
}

/// The effective rules of one group where it is associated.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EffectiveGroup {
    #[serde(default)]
    pub network_security_group: Option<Reference>,
    #[serde(default)]
    pub association: Association,
    #[serde(default)]
    pub effective_security_rules: Vec<EffectiveRule>,
    #[serde(default)]
    tag_map: Option<BTreeMap<String, Vec<String>>>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Reference {
    pub id: String,
}

/// Where the group is associated: one of the two.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Association {
    #[serde(default)]
    pub subnet: Option<Reference>,
    #[serde(default)]
    pub network_interface: Option<Reference>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EffectiveRule {
    name: String,
    #[serde(default)]
    protocol: String,
    priority: u32,
    direction: String,
    access: String,
    #[serde(default)]
    source_port_range: Option<String>,
    #[serde(default)]
    source_port_ranges: Option<Vec<String>>,
    #[serde(default)]
    destination_port_range: Option<String>,
    #[serde(default)]
    destination_port_ranges: Option<Vec<String>>,
    #[serde(default)]
    source_address_prefix: Option<String>,
    #[serde(default)]
    source_address_prefixes: Option<Vec<String>>,
    #[serde(default)]
    expanded_source_address_prefix: Option<Vec<String>>,
    #[serde(default)]
    destination_address_prefix: Option<String>,
    #[serde(default)]
    destination_address_prefixes: Option<Vec<String>>,
    #[serde(default)]
    expanded_destination_address_prefix: Option<Vec<String>>,
}

/// One packet and what IP flow verify said of it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Flow {
    pub request: FlowRequest,
    pub response: FlowResponse,
}

/// The body of the request, as the REST API takes it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FlowRequest {
    pub target_resource_id: String,
    #[serde(default)]
    pub target_nic_resource_id: Option<String>,
    pub direction: String,
    pub protocol: String,
    pub local_port: String,
    pub remote_port: String,
    #[serde(rename = "localIPAddress")]
    pub local_ip_address: String,
    #[serde(rename = "remoteIPAddress")]
    pub remote_ip_address: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FlowResponse {
    pub access: String,
    pub rule_name: String,
}

/// The endings of names that all surfaces of Azure share, by what they may be called.
const ALIASES: &[(&str, &str)] = &[
    ("defaultinbounddenyall", "denyallinbound"),
    ("defaultoutbounddenyall", "denyalloutbound"),
];

/// A rule's name without what a surface puts around it, in lower case.
pub fn plain_name(name: &str) -> String {
    const PREFIXES: [&str; 4] = ["securityrules/", "defaultsecurityrules/", "userrule_", "defaultrule_"];
    let lower = name.to_ascii_lowercase();
    let plain = PREFIXES.iter().find_map(|prefix| lower.strip_prefix(prefix));
    let plain = plain.unwrap_or(&lower);
    let alias = ALIASES.iter().find(|(alias, _)| *alias == plain);
    alias.map_or(plain, |(_, name)| name).to_owned()
}

/// An inbound rule for TCP, with its sets.
#[derive(Clone, Debug)]
pub struct InboundRule {
    pub name: String,
    pub priority: u32,
    pub allows: bool,
    pub sources: Vec<AddressRange>,
    pub source_ports: PortSet,
    pub destinations: Vec<AddressRange>,
    pub ports: PortSet,
}

impl EffectiveGroup {
    /// The inbound rules for TCP by priority.
    ///
    /// # Errors
    /// What in a rule cannot be read, in one sentence.
    pub fn inbound(&self) -> Result<Vec<InboundRule>, String> {
        let tcp = |rule: &&EffectiveRule| {
            rule.direction.eq_ignore_ascii_case("inbound")
                && ["tcp", "all", "*", ""]
                    .iter()
                    .any(|name| rule.protocol.eq_ignore_ascii_case(name))
        };
        let rules = self.effective_security_rules.iter().filter(tcp);
        let mut rules: Vec<InboundRule> = rules.map(|rule| self.inbound_rule(rule)).collect::<Result<_, _>>()?;
        rules.sort_by_key(|rule| rule.priority);
        Ok(rules)
    }

    fn inbound_rule(&self, rule: &EffectiveRule) -> Result<InboundRule, String> {
        let sources = self.ranges(
            rule,
            rule.expanded_source_address_prefix.as_deref(),
            &stated(
                rule.source_address_prefix.as_ref(),
                rule.source_address_prefixes.as_ref(),
            ),
        )?;
        let destinations = self.ranges(
            rule,
            rule.expanded_destination_address_prefix.as_deref(),
            &stated(
                rule.destination_address_prefix.as_ref(),
                rule.destination_address_prefixes.as_ref(),
            ),
        )?;
        Ok(InboundRule {
            name: rule.name.clone(),
            priority: rule.priority,
            allows: rule.access.eq_ignore_ascii_case("allow"),
            sources,
            source_ports: ports(rule, rule.source_port_range.as_ref(), rule.source_port_ranges.as_ref())?,
            destinations,
            ports: ports(
                rule,
                rule.destination_port_range.as_ref(),
                rule.destination_port_ranges.as_ref(),
            )?,
        })
    }

    /// The expanded prefixes where Azure gives them, else the stated ones with tags looked up in the answer's own map.
    fn ranges(
        &self,
        rule: &EffectiveRule,
        expanded: Option<&[String]>,
        stated: &[String],
    ) -> Result<Vec<AddressRange>, String> {
        let mut ranges = Vec::new();
        for text in expanded.filter(|texts| !texts.is_empty()).unwrap_or(stated) {
            if matches!(text.as_str(), "*" | "0.0.0.0/0" | "::/0") {
                ranges.extend([AddressRange::V4(0, u32::MAX), AddressRange::V6(0, u128::MAX)]);
            } else if let Ok((range, _)) = parse_range(text) {
                ranges.push(range);
            } else {
                let tag = self
                    .tag_map
                    .iter()
                    .flatten()
                    .find(|(tag, _)| tag.eq_ignore_ascii_case(text));
                let (_, prefixes) = tag
                    .ok_or_else(|| format!("rule `{}` names `{text}`, which the answer does not expand", rule.name))?;
                ranges.extend(
                    prefixes
                        .iter()
                        .filter_map(|prefix| parse_range(prefix).ok())
                        .map(|(range, _)| range),
                );
            }
        }
        if ranges.is_empty() {
            return Err(format!("rule `{}` has no addresses on one side", rule.name));
        }
        Ok(ranges)
    }
}

fn stated(one: Option<&String>, many: Option<&Vec<String>>) -> Vec<String> {
    match many.filter(|many| !many.is_empty()) {
        Some(many) => many.clone(),
        None => one.into_iter().cloned().collect(),
    }
}

fn ports(rule: &EffectiveRule, one: Option<&String>, many: Option<&Vec<String>>) -> Result<PortSet, String> {
    let mut all = PortSet::empty();
    for text in stated(one, many) {
        let (set, _) = parse_ports(&text).map_err(|error| format!("rule `{}`: {error}", rule.name))?;
        all = all.union(&set);
    }
    Ok(if all.is_empty() { PortSet::full() } else { all })
}

/// Reads a saved answer.
///
/// # Errors
/// Why the text is none, in one sentence.
pub fn parse(text: &str) -> Result<Answer, String> {
    #[derive(Deserialize)]
    struct Groups {
        value: Vec<EffectiveGroup>,
    }
    let text = text.trim_start_matches('\u{feff}');
    let value: serde_json::Value = serde_json::from_str(text).map_err(|error| format!("not JSON: {error}"))?;
    let effective = value.pointer("/value/0/effectiveSecurityRules").is_some();
    let flow = value.pointer("/response/ruleName").is_some();
    let wrong = |error: serde_json::Error| format!("not as Azure writes it: {error}");
    match (effective, flow) {
        (true, _) => {
            let groups: Groups = serde_json::from_value(value).map_err(wrong)?;
            Ok(Answer::Effective(groups.value))
        }
        (_, true) => serde_json::from_value(value).map(|flow| Answer::Flow(Box::new(flow))).map_err(wrong),
        _ => Err(
            "neither effective security rules (`value[].effectiveSecurityRules`) nor a question to IP flow verify with \
             its answer (`request`, `response`)"
                .to_owned(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_all_surfaces_are_one() {
        for name in ["securityRules/Allow-SSH", "UserRule_allow-ssh", "allow-ssh"] {
            assert_eq!(plain_name(name), "allow-ssh");
        }
        assert_eq!(
            plain_name("DefaultInboundDenyAll"),
            plain_name("defaultSecurityRules/DenyAllInBound")
        );
        assert_eq!(plain_name("DefaultRule_DenyAllInBound"), "denyallinbound");
    }

    #[test]
    fn what_is_no_answer_says_so() {
        assert!(parse("{").unwrap_err().starts_with("not JSON"));
        assert!(parse("{\"value\": []}").unwrap_err().starts_with("neither"));
        let unexpanded = r#"{"value": [{"effectiveSecurityRules": [{"name": "a", "priority": 100, "direction": "Inbound",
            "access": "Allow", "protocol": "Tcp", "sourceAddressPrefix": "Storage", "destinationAddressPrefix": "*"}]}]}"#;
        let Ok(Answer::Effective(groups)) = parse(unexpanded) else {
            unreachable!("the text holds effective rules");
        };
        assert_eq!(
            groups.first().unwrap().inbound().unwrap_err(),
            "rule `a` names `Storage`, which the answer does not expand"
        );
    }
}
