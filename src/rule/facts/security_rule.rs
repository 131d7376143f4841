//! Facts of one stated rule of a network security group.

use std::sync::Arc;

use super::exposure::class_name;
use super::jit::{JitRuleName, active_requests};
use super::nsg::{any_source, internet, spelled};
use super::{Estate, known, texts, undeclared};
use crate::exposure::{Alone, Attached, Opening};
use crate::model::{AddressTerm, Direction, Known, Nsg, SecurityRule};
use crate::rule::fact::{Fact, FactSource};

/// One rule, with what only its whole group can tell.
pub struct SecurityRuleFacts<'e, 'i> {
    pub estate: &'e Estate<'i>,
    pub nsg_index: u32,
    pub nsg: &'i Nsg,
    pub rule: &'e SecurityRule,
    /// Names of the rules that decide in its place, where they decide everything it matches.
    pub shadowed_by: Option<Vec<Arc<str>>>,
    /// Names of the rules behind it that would decide the same without it.
    pub redundant_by: Option<Vec<Arc<str>>>,
    pub attached: bool,
    /// A machine of the input stands behind the group.
    pub before_machine: bool,
    /// The group is known by some of its rules only.
    pub partial: bool,
    /// What the group lets in wherever it stands, where that is asked.
    pub alone: Option<&'e Alone>,
}

impl FactSource for SecurityRuleFacts<'_, '_> {
    fn fact(&self, root: &str) -> Fact {
        match root {
            "rule" => self.rule_fact(),
            _ => undeclared(root),
        }
    }
}

impl SecurityRuleFacts<'_, '_> {
    /// A rule of the group in one line, as an engineer would say it.
    pub fn in_words(&self, rule: &SecurityRule) -> String {
        let word = |text: Option<String>| text.unwrap_or_else(|| "?".to_owned());
        let priority = word(rule.priority.known().map(u16::to_string));
        let access = word(rule.access.known().map(|access| access.as_str().to_owned()));
        let protocol = word(rule.protocol.known().map(|protocol| protocol.spelled()));
        let (ports, sources, targets) = (&rule.destination_ports.set, &rule.sources, &rule.destinations);
        let [sources, targets] = [sources, targets].map(|side| or_any(shortened(spelled(side)), "", "any address"));
        let ports = or_any(shortened(ports.spelled()), "port ", "any port");
        let protocol = or_any(protocol.to_string(), "", "any protocol");
        format!(
            "`{}` ({priority}): {access} {protocol} from {sources} to {targets}, {ports}",
            rule.name
        )
    }

    fn rule_fact(&self) -> Fact {
        let rule = self.rule;
        let direction = |direction: &Direction| {
            Fact::text(if *direction == Direction::Inbound {
                "inbound"
            } else {
                "outbound"
            })
        };
        let ports = &rule.destination_ports;
        let analysed = self
            .estate
            .exposures
            .ports
            .iter()
            .filter(|port| ports.set.contains(**port));
        let doubtful = |fact: Fact| ports.unknown.as_ref().map_or(fact, super::unknown);
        let shadowed = self.shadowed_by.iter().flatten();
        let redundant = self.redundant_by.iter().flatten();
        Fact::record([
            (
                "id",
                Fact::Text(self.nsg.id.child("securityRules", &rule.name).text().clone()),
            ),
            ("name", Fact::Text(rule.name.clone())),
            ("nsg", Fact::text(self.nsg.id.name())),
            (
                "priority",
                known(&rule.priority, |priority| Fact::Int((*priority).into())),
            ),
            ("direction", known(&rule.direction, direction)),
            ("access", known(&rule.access, |access| Fact::text(access.as_str()))),
            (
                "protocol",
                known(&rule.protocol, |protocol| Fact::text(protocol.spelled())),
            ),
            ("attached", Fact::Bool(self.attached)),
            ("before_machine", Fact::Bool(self.before_machine)),
            ("partial", Fact::Bool(self.partial)),
            ("machines_elsewhere", Fact::Bool(!self.estate.inventory.coverage.whole)),
            ("openings", self.openings()),
            (
                "any_port",
                if ports.set.is_full() {
                    Fact::Bool(true)
                } else {
                    doubtful(Fact::Bool(false))
                },
            ),
            ("ports", texts(ports.set.spelled())),
            (
                "analysed_ports",
                doubtful(Fact::list(analysed.map(|port| Fact::Int((*port).into())))),
            ),
            ("any_source", any_source(&rule.sources)),
            ("internet", internet(&rule.sources)),
            ("sources", texts(spelled(&rule.sources))),
            ("shadowed", Fact::Bool(self.shadowed_by.is_some())),
            ("shadowed_by", texts(shadowed)),
            ("redundant", Fact::Bool(self.redundant_by.is_some())),
            ("redundant_by", texts(redundant)),
            ("jit_rule", Fact::Bool(JitRuleName::parse(&rule.name).is_some())),
            ("jit_request_active", self.request_active()),
        ])
    }

    fn openings(&self) -> Fact {
        if let Known::Unknown(why) = &self.nsg.rules {
            return super::unknown(why);
        }
        let opening = |opening: Opening| match opening.class {
            Some(class) => Fact::record([
                ("port", Fact::Int(opening.port.into())),
                ("class", Fact::text(class_name(class))),
            ]),
            None => Fact::Unknown(reason(&opening)),
        };
        let openings = self.alone.map(|alone| alone.openings(&self.rule.name));
        Fact::list(openings.unwrap_or_default().into_iter().map(opening))
    }

    /// Whether a request that has not ended explains this rule: one of a machine behind the group, whose address the
    /// rule names, for one of its ports.
    fn request_active(&self) -> Fact {
        if JitRuleName::parse(&self.rule.name).is_none() {
            return Fact::Bool(false);
        }
        let mut unknown = None;
        for machine in self.named_machines() {
            let Some(vm) = self.estate.vm(machine) else { continue };
            match active_requests(self.estate, &vm.id, Some(&self.rule.destination_ports.set)) {
                Fact::Int(0) => unknown = unknown.or_else(|| self.estate.policies_unread(&vm.id)),
                Fact::Unknown(why) => unknown = Some(why),
                _ => return Fact::Bool(true),
            }
        }
        unknown.map_or(Fact::Bool(false), Fact::Unknown)
    }

    fn named_machines(&self) -> Vec<u32> {
        let mut machines: Vec<u32> = Vec::new();
        for term in &self.rule.destinations.terms {
            let AddressTerm::Range(range) = term else { continue };
            // JIT writes single addresses; looking at every machine for each of its rules would be quadratic.
            if let Some(address) = range.single() {
                machines.extend(self.estate.by_address.get(&address).into_iter().flatten());
                continue;
            }
            let by_address = self.estate.by_address.iter();
            let named = by_address.filter(|(address, _)| range.contains(**address));
            machines.extend(named.flat_map(|(_, machines)| machines));
        }
        machines.retain(|machine| self.is_behind(*machine));
        machines.sort_unstable();
        machines.dedup();
        machines
    }

    fn is_behind(&self, machine: u32) -> bool {
        let targets = self
            .estate
            .exposures
            .machines
            .get(machine as usize)
            .map(|machine| machine.targets.as_slice());
        let group = Attached::Group(self.nsg_index);
        targets
            .unwrap_or_default()
            .iter()
            .any(|target| target.subnet_nsg == group || target.nic_nsg == group)
    }
}

fn reason(opening: &Opening) -> Arc<str> {
    match opening.gaps.first() {
        Some(gap) => gap.clone(),
        None => Arc::from(format!("who gets through to port {} is not known", opening.port)),
    }
}

/// `*` in words.
fn or_any(text: String, noun: &str, any: &str) -> String {
    if text == "*" {
        any.to_owned()
    } else {
        format!("{noun}{text}")
    }
}

fn shortened(mut items: Vec<String>) -> String {
    let more = items.len().saturating_sub(6);
    items.truncate(6);
    let list = items.join(", ");
    if more == 0 {
        list
    } else {
        format!("{list} and {more} more")
    }
}
