//! The proof: the estate before and after, both through the real pipeline. Nothing opens, nothing outside the management
//! ports changes, as equality of sets over every machine, one port of each class that no rule tells apart, and every
//! protocol; and who loses what.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use serde_json::{Value, json};

use super::documents::{Documents, id_of, slot};
use super::plan::Loss;
use super::rules::Shape;
use crate::exposure::{Exposures, PLATFORM, PUBLIC, Passages, PortReach, TargetExposure, Way, admitted, analyse};
use crate::input::Reading;
use crate::model::{ResourceId, ServiceTag};
use crate::net::{AddressSet, parse_ports};

/// What the comparison found.
#[derive(Clone, Debug, Default)]
pub struct Comparison {
    pub losses: Vec<Loss>,
    /// Who gets access to a management port; each is a violation too.
    pub gains: Vec<Loss>,
    pub violations: Vec<Violation>,
    pub port_classes: u64,
    pub protocols: Vec<String>,
}

/// What a plan that mends must not do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    pub machine: ResourceId,
    pub what: String,
    /// A management port opens; else it is something that no plan may do.
    pub opens: bool,
}

/// Ports asked at a time, so that a large estate fits.
const AT_ONCE: usize = 64;
/// Prefixes of a loss that are listed.
const SHOWN: usize = 32;

/// Compares for every protocol. `management` are the ports that may lose sources.
pub fn compare(before: &Documents, after: &Documents, management: &[u16]) -> Comparison {
    let mut comparison = Comparison::default();
    let ports = classes(before, after, management);
    comparison.port_classes = ports.len() as u64;
    let mut ask = |name: &str, before: &Documents, after: &Documents, ports: &[u16], counts: bool| {
        let pair = (before.reading(), after.reading());
        for chunk in ports.chunks(AT_ONCE) {
            compare_ports(&pair, chunk, management, counts, name, &mut comparison);
        }
        comparison.protocols.push(name.to_owned());
    };
    ask("tcp", before, after, &ports, true);
    ask("udp", &as_if(before, "udp"), &as_if(after, "udp"), &ports, false);
    for portless in ["icmp", "esp", "ah"] {
        ask(portless, &as_if(before, portless), &as_if(after, portless), &[1], false);
    }
    comparison.losses.sort();
    comparison.gains.sort();
    comparison
}

/// One port of each class: the bounds of every range of ports that any document states, and the management ports.
fn classes(before: &Documents, after: &Documents, management: &[u16]) -> Vec<u16> {
    let mut bounds = BTreeSet::from([1]);
    for port in management {
        bounds.extend([*port, port.saturating_add(1)]);
    }
    for document in before.iter().chain(after.iter()) {
        note_ports(document, false, &mut bounds);
    }
    bounds.into_iter().collect()
}

fn note_ports(value: &Value, about_ports: bool, bounds: &mut BTreeSet<u16>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                note_ports(value, name.to_ascii_lowercase().contains("port"), bounds);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| note_ports(item, about_ports, bounds)),
        Value::String(text) if about_ports => note_range(text, bounds),
        Value::Number(number) if about_ports => note_range(&number.to_string(), bounds),
        _ => {}
    }
}

fn note_range(text: &str, bounds: &mut BTreeSet<u16>) {
    let Ok((set, _)) = parse_ports(text) else { return };
    for (first, last) in set.ranges() {
        bounds.insert(*first);
        bounds.extend(last.checked_add(1));
    }
}

/// The estate as TCP would see it if it were this protocol. Security admin rules are left out: what is equal without
/// a layer is equal with it.
fn as_if(documents: &Documents, protocol: &str) -> Documents {
    let mut changed = documents.clone();
    let ids: Vec<ResourceId> = documents.iter().filter_map(id_of).collect();
    for id in ids {
        let kind = id.resource_type();
        if kind.starts_with("microsoft.network/networkmanagers") {
            changed.remove(&id);
        } else if kind == "microsoft.network/networksecuritygroups" {
            let Some(mut group) = changed.find(&id).cloned() else {
                continue;
            };
            if let Some(rules) = slot(&mut group, "securityRules").and_then(Value::as_array_mut) {
                rules.iter_mut().for_each(|rule| speak(rule, protocol));
            }
            changed.put(&id, group);
        } else if kind.ends_with("/securityrules") {
            let Some(mut rule) = changed.find(&id).cloned() else {
                continue;
            };
            speak(&mut rule, protocol);
            changed.put(&id, rule);
        }
    }
    changed
}

/// A rule that speaks for the protocol becomes one for TCP, any other one for UDP, which nobody asks about.
fn speak(rule: &mut Value, protocol: &str) {
    let shape = Shape::of(rule);
    let stated = super::documents::member(shape.properties(), "protocol")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let named = stated.eq_ignore_ascii_case(protocol);
    let any = stated == "*" && (protocol == "udp" || shape.is_portless());
    let known = stated == "*"
        || ["tcp", "udp", "icmp", "esp", "ah"]
            .iter()
            .any(|name| stated.eq_ignore_ascii_case(name));
    if let Some(slot) = slot(rule, "protocol").filter(|_| known) {
        *slot = json!(if named || any { "Tcp" } else { "Udp" });
    }
}

fn compare_ports(
    (before, after): &(Reading, Reading),
    ports: &[u16],
    management: &[u16],
    counts: bool,
    protocol: &str,
    comparison: &mut Comparison,
) {
    let old = analyse(&before.inventory, &before.sources, ports);
    let new = analyse(&after.inventory, &after.sources, ports);
    let mut known: HashMap<(u32, u32, u16), Arc<Difference>> = HashMap::new();
    let machines = before.inventory.vms.iter().zip(old.machines.iter().zip(&new.machines));
    if old.machines.len() != new.machines.len() {
        comparison.violations.push(Violation {
            machine: ResourceId::new(""),
            what: "the number of machines changes".to_owned(),
            opens: false,
        });
    }
    for (vm, (was, is)) in machines {
        if was.targets.len() != is.targets.len() {
            comparison.violations.push(Violation {
                machine: vm.id.clone(),
                what: "the number of its addresses changes".to_owned(),
                opens: false,
            });
        }
        for (was, is) in was.targets.iter().zip(&is.targets) {
            for port in ports {
                let difference = known
                    .entry((was.stack, is.stack, *port))
                    .or_insert_with(|| Arc::new(Difference::between(&old, was.stack, &new, is.stack, *port)));
                let managed = management.contains(port);
                if let Some(wrong) = difference.wrong(managed).or_else(|| ways(was, is, *port, managed)) {
                    comparison.violations.push(Violation {
                        machine: vm.id.clone(),
                        what: format!("{protocol} port {port} of `{}` {wrong}", was.name),
                        opens: managed && was.ways.len() == is.ways.len(),
                    });
                }
                if counts && managed {
                    let moved = |addresses, tags| moved(&vm.id, was, *port, addresses, tags);
                    comparison.losses.extend(moved(&difference.lost, &difference.lost_tags));
                    comparison
                        .gains
                        .extend(moved(&difference.gained, &difference.gained_tags));
                }
            }
        }
    }
}

/// How the admitted sets of one port differ.
#[derive(Debug, Default)]
struct Difference {
    opened: bool,
    changed: bool,
    lost: AddressSet,
    lost_tags: Vec<String>,
    gained: AddressSet,
    gained_tags: Vec<String>,
}

impl Difference {
    fn between(old: &Exposures, was: u32, new: &Exposures, is: u32, port: u16) -> Difference {
        let (Some(was), Some(is)) = (reach(old, was, port), reach(new, is, port)) else {
            return Difference {
                opened: true,
                changed: true,
                ..Difference::default()
            };
        };
        let mut difference = Difference {
            lost: was.certainly_admitted().difference(&is.certainly_admitted()),
            // Who may get in is told too: what opens must not be told too small.
            gained: admitted(is.possible()).difference(&admitted(was.possible())),
            ..Difference::default()
        };
        difference.note(&was.certain, &is.certain);
        difference.note(was.possible(), is.possible());
        let tags: BTreeMap<String, &ServiceTag> = was
            .tags
            .iter()
            .chain(&is.tags)
            .map(|t| (format!("{:?}", t.tag), &t.tag))
            .collect();
        for tag in tags.into_values() {
            let (certain, possible) = members(was, tag);
            let (now_certain, now_possible) = members(is, tag);
            difference.note(certain, now_certain);
            difference.note(possible, now_possible);
            if !admitted(now_certain).is_superset(&admitted(certain)) {
                difference.lost_tags.push(tag.to_string());
            }
            if !admitted(possible).is_superset(&admitted(now_possible)) {
                difference.gained_tags.push(tag.to_string());
            }
        }
        difference
    }

    fn note(&mut self, was: &Passages, is: &Passages) {
        let (was, is) = (admitted(was), admitted(is));
        self.opened |= !was.is_superset(&is);
        self.changed |= was != is;
    }

    fn wrong(&self, managed: bool) -> Option<String> {
        match (managed, self.opened, self.changed) {
            (_, true, _) => Some("would open".to_owned()),
            (false, _, true) => Some("would change".to_owned()),
            _ => None,
        }
    }
}

fn reach(exposures: &Exposures, stack: u32, port: u16) -> Option<&PortReach> {
    exposures.stacks.get(stack as usize).and_then(|stack| stack.reach(port))
}

/// What is admitted among the addresses of a tag; a tag that nothing mentions is like all other addresses.
fn members<'r>(reach: &'r PortReach, tag: &ServiceTag) -> (&'r Passages, &'r Passages) {
    let named = reach.tags.iter().find(|known| known.tag == *tag);
    named.map_or((&reach.certain, reach.possible()), |known| {
        (&known.certain, &known.possible)
    })
}

/// What fronts lead to is filtered under their own addresses, too.
fn ways(was: &TargetExposure, is: &TargetExposure, port: u16, managed: bool) -> Option<String> {
    if was.ways.len() != is.ways.len() {
        return Some("would have other ways in".to_owned());
    }
    for (was, is) in was.ways.iter().zip(&is.ways) {
        let at = |way: &crate::exposure::WayIn| {
            way.exposures
                .iter()
                .filter(|e| e.port == port)
                .cloned()
                .collect::<Vec<_>>()
        };
        let (was, is) = (at(was), at(is));
        if was.len() != is.len() {
            return Some("would have other ways in".to_owned());
        }
        for (was, is) in was.iter().zip(&is) {
            let count = |text: &str| text.parse::<u128>().unwrap_or(u128::MAX);
            let same = was.class == is.class
                && was.addresses == is.addresses
                && was.sources == is.sources
                && was.tags == is.tags
                && was.possible_sources == is.possible_sources;
            if managed && count(&is.addresses) > count(&was.addresses) {
                return Some("would open behind a front".to_owned());
            }
            if !managed && !same {
                return Some("would change behind a front".to_owned());
            }
        }
    }
    None
}

/// Who loses or gets access; public addresses only where a way leads in from them.
fn moved(vm: &ResourceId, target: &TargetExposure, port: u16, addresses: &AddressSet, tags: &[String]) -> Option<Loss> {
    let public = target.ways.iter().any(|way| way.way != Way::Private);
    let moved = addresses.difference(&PLATFORM);
    let moved = if public { moved } else { moved.difference(&PUBLIC) };
    if moved.is_empty() && (tags.is_empty() || !public) {
        return None;
    }
    let sources = moved.cidrs(SHOWN);
    Some(Loss {
        machine: vm.as_str().to_owned(),
        address: target.name.to_string(),
        port,
        count: moved.count().to_string(),
        more: moved.cidr_count().saturating_sub(sources.len()) as u64,
        sources,
        tags: if public { tags.to_vec() } else { Vec::new() },
    })
}
