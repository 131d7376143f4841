//! The network security groups of a machine as facts: which there are, and which Allow rules mention analysed ports.

use std::sync::Arc;

use super::jit::JitRuleName;
use super::vm::VmFacts;
use super::{Estate, texts, unknown};
use crate::exposure::{Attached, Layer, PUBLIC, RuleRef, TargetExposure, Truth};
use crate::model::{Access, AddressTerm, Addresses, Direction, Nsg, SecurityRule, ServiceTag};
use crate::net::{AddressSet, Protocol};
use crate::rule::fact::Fact;

/// An inbound TCP Allow rule that mentions an analysed port: what holds for every machine of the group.
pub struct Allow {
    pub port: u16,
    pub index: u16,
    pub default_rule: bool,
    pub jit_rule: bool,
    pub any_source: Fact,
    pub internet: Fact,
    /// Why it may not be such a rule after all.
    pub doubt: Option<Arc<str>>,
}

pub(super) fn of_machine(facts: &VmFacts<'_, '_>) -> Fact {
    Fact::record([
        ("assigned", assigned(facts)),
        ("unfiltered", unfiltered(facts)),
        ("names", names(facts)),
        ("layers", layers(facts)),
    ])
}

/// Both layers of each address.
fn all_layers<'f>(facts: &'f VmFacts<'_, '_>) -> impl Iterator<Item = (&'f TargetExposure, Layer, &'f Attached)> {
    let targets = facts.machine.targets.iter();
    targets.flat_map(|target| {
        target
            .layers()
            .into_iter()
            .map(move |(layer, attached)| (target, layer, attached))
    })
}

fn first_unknown(facts: &VmFacts<'_, '_>) -> Option<Arc<str>> {
    let gap = facts.machine.gap.as_ref().map(|why| why.text.clone());
    gap.or_else(|| {
        all_layers(facts).find_map(|(_, _, attached)| match attached {
            Attached::Unknown(why) => Some(why.clone()),
            _ => None,
        })
    })
}

pub(super) fn assigned(facts: &VmFacts<'_, '_>) -> Fact {
    if all_layers(facts).any(|(_, _, attached)| attached.is_group()) {
        return Fact::Bool(true);
    }
    first_unknown(facts).map_or(Fact::Bool(false), Fact::Unknown)
}

fn unfiltered(facts: &VmFacts<'_, '_>) -> Fact {
    let open = |target: &TargetExposure| target.layers().iter().all(|(_, attached)| **attached == Attached::None);
    if facts.machine.targets.iter().any(open) {
        return Fact::Bool(true);
    }
    if let Some(why) = &facts.machine.gap {
        return unknown(why);
    }
    let filtered = |target: &&TargetExposure| target.layers().iter().any(|(_, attached)| attached.is_group());
    match facts.machine.targets.iter().find(|target| !filtered(target)) {
        Some(_) => first_unknown(facts).map_or(Fact::Bool(false), Fact::Unknown),
        None => Fact::Bool(false),
    }
}

fn names(facts: &VmFacts<'_, '_>) -> Fact {
    if let Some(why) = first_unknown(facts) {
        return Fact::Unknown(why);
    }
    let mut names: Vec<&str> = Vec::new();
    for (_, _, attached) in all_layers(facts) {
        let name = match attached {
            Attached::Group(index) => facts.estate.inventory.nsgs.get(*index).map(|nsg| nsg.id.name()),
            Attached::Unread(name, _) => Some(&**name),
            Attached::None | Attached::Unknown(_) => None,
        };
        names.extend(name.filter(|name| !names.contains(name)));
    }
    texts(names)
}

fn layers(facts: &VmFacts<'_, '_>) -> Fact {
    if let Some(why) = &facts.machine.gap {
        return unknown(why);
    }
    let mut seen: Vec<(Layer, &Attached)> = Vec::new();
    let mut layers = Vec::new();
    for (_, layer, attached) in all_layers(facts) {
        if *attached == Attached::None || seen.contains(&(layer, attached)) {
            continue;
        }
        seen.push((layer, attached));
        layers.push(one_layer(facts, layer, attached));
    }
    Fact::List(Arc::new(layers))
}

fn one_layer(facts: &VmFacts<'_, '_>, layer: Layer, attached: &Attached) -> Fact {
    let layer_name = Fact::text(if layer == Layer::Subnet { "subnet" } else { "nic" });
    let index = match attached {
        Attached::Group(index) => *index,
        Attached::Unread(name, why) => {
            let why = || Fact::Unknown(why.clone());
            let name = Fact::Text(name.clone());
            return Fact::record([
                ("layer", layer_name),
                ("nsg", name),
                ("nsg_id", why()),
                ("allows", why()),
            ]);
        }
        Attached::Unknown(why) => {
            let why = || Fact::Unknown(why.clone());
            return Fact::record([
                ("layer", layer_name),
                ("nsg", why()),
                ("nsg_id", why()),
                ("allows", why()),
            ]);
        }
        Attached::None => return Fact::record([("layer", layer_name)]),
    };
    let Some(nsg) = facts.estate.inventory.nsgs.get(index) else {
        return super::undeclared("nsg");
    };
    let allows = facts.estate.allows_of(index);
    let allow = |allow: &Allow| one_allow(facts, index, nsg, allow);
    Fact::record([
        ("layer", layer_name),
        ("nsg", Fact::text(nsg.id.name())),
        ("nsg_id", Fact::Text(nsg.id.text().clone())),
        ("allows", Fact::list(allows.iter().map(allow))),
    ])
}

fn one_allow(facts: &VmFacts<'_, '_>, nsg_index: u32, nsg: &Nsg, allow: &Allow) -> Fact {
    let Some(rule) = rule_at(nsg, allow.index) else {
        return super::undeclared("rule");
    };
    // A doubtful rule has an unknown port: every condition that asks for a port then stays open.
    let port = match &allow.doubt {
        None => Fact::Int(allow.port.into()),
        Some(why) => Fact::Unknown(why.clone()),
    };
    Fact::record([
        ("port", port),
        ("rule", Fact::Text(rule.name.clone())),
        (
            "priority",
            super::known(&rule.priority, |priority| Fact::Int((*priority).into())),
        ),
        ("default_rule", Fact::Bool(allow.default_rule)),
        ("jit_rule", Fact::Bool(allow.jit_rule)),
        ("any_source", allow.any_source.clone()),
        ("internet", allow.internet.clone()),
        ("for_machine", for_machine(facts, nsg_index, rule)),
        (
            "effective",
            effective(
                facts,
                RuleRef {
                    nsg: nsg_index,
                    rule: allow.index,
                },
                allow.port,
            ),
        ),
    ])
}

pub(super) fn rule_at(nsg: &Nsg, index: u16) -> Option<&SecurityRule> {
    nsg.rules
        .known()?
        .iter()
        .chain(&nsg.default_rules)
        .nth(usize::from(index))
}

fn for_machine(facts: &VmFacts<'_, '_>, nsg: u32, rule: &SecurityRule) -> Fact {
    let behind = facts.machine.targets.iter().filter(|target| {
        target
            .layers()
            .iter()
            .any(|(_, attached)| **attached == Attached::Group(nsg))
    });
    match behind
        .map(|target| target.meets(facts.estate.inventory, &rule.destinations))
        .max()
    {
        Some(Truth::Yes) => Fact::Bool(true),
        Some(Truth::Maybe) => Fact::Unknown(Arc::from(format!(
            "the private address that rule `{}` names is not in the input",
            rule.name
        ))),
        _ => Fact::Bool(false),
    }
}

fn effective(facts: &VmFacts<'_, '_>, rule: RuleRef, port: u16) -> Fact {
    let stacks = facts
        .machine
        .targets
        .iter()
        .filter_map(|t| facts.estate.exposures.stacks.get(t.stack as usize));
    let mut possible = None;
    for stack in stacks {
        for admitting in stack
            .admitting()
            .iter()
            .filter(|admitting| admitting.rule == rule && admitting.port == port)
        {
            if admitting.sure {
                return Fact::Bool(true);
            }
            possible = stack
                .ports
                .iter()
                .find(|reach| reach.port == port)
                .and_then(|reach| reach.gaps.first().cloned());
            possible = possible.or_else(|| Some(Arc::from("an unknown decides whether the rule lets anybody through")));
        }
    }
    possible.map_or(Fact::Bool(false), Fact::Unknown)
}

impl Estate<'_> {
    /// The Allow rules of a group for the analysed ports, gathered once for all its machines.
    pub(super) fn allows_of(&self, nsg: u32) -> Arc<Vec<Allow>> {
        let gather = || {
            Arc::new(
                self.inventory
                    .nsgs
                    .get(nsg)
                    .map(|nsg| gather(nsg, &self.exposures.ports))
                    .unwrap_or_default(),
            )
        };
        self.allows
            .get(nsg as usize)
            .map_or_else(gather, |cell| cell.get_or_init(gather).clone())
    }
}

fn gather(nsg: &Nsg, ports: &[u16]) -> Vec<Allow> {
    let stated = nsg.rules.known().map_or(0, Vec::len);
    let rules = nsg.rules.known().into_iter().flatten().chain(&nsg.default_rules);
    let mut rules: Vec<(u16, &SecurityRule)> = (0u16..).zip(rules).collect();
    // By name, so that a sentence stays the same when rules change places.
    rules.sort_by_key(|(index, rule)| (usize::from(*index) >= stated, &rule.name));
    let mut allows = Vec::new();
    for (index, rule) in rules {
        for port in ports {
            allows.extend(allow(rule, index, usize::from(index) >= stated, *port));
        }
    }
    allows
}

fn allow(rule: &SecurityRule, index: u16, default_rule: bool, port: u16) -> Option<Allow> {
    let is = |known: bool, why: Option<&crate::model::Why>| match why {
        Some(why) => Err(why.text.clone()),
        None => Ok(known),
    };
    let facts = [
        is(rule.access.known() == Some(&Access::Allow), rule.access.why()),
        is(
            rule.direction.known() == Some(&Direction::Inbound),
            rule.direction.why(),
        ),
        is(
            rule.protocol.known().is_some_and(|set| set.contains(Protocol::Tcp)),
            rule.protocol.why(),
        ),
        match rule.destination_ports.set.contains(port) {
            true => Ok(true),
            false => is(false, rule.destination_ports.unknown.as_ref()),
        },
    ];
    if facts.contains(&Ok(false)) {
        return None;
    }
    Some(Allow {
        port,
        index,
        default_rule,
        jit_rule: JitRuleName::parse(&rule.name).is_some(),
        any_source: any_source(&rule.sources),
        internet: internet(&rule.sources),
        doubt: facts.into_iter().find_map(Result::err),
    })
}

fn stated_set(addresses: &Addresses) -> AddressSet {
    if addresses.is_any() {
        return AddressSet::full();
    }
    AddressSet::from_ranges(addresses.terms.iter().filter_map(|term| match term {
        AddressTerm::Range(range) => Some(*range),
        _ => None,
    }))
}

fn unknown_term(addresses: &Addresses) -> Option<Fact> {
    addresses.terms.iter().find_map(|term| match term {
        AddressTerm::Unknown(why) => Some(unknown(why)),
        _ => None,
    })
}

/// Whether the sources cover every address of a family.
pub(super) fn any_source(addresses: &Addresses) -> Fact {
    let set = stated_set(addresses);
    if set.v4.is_full() || set.v6.is_full() {
        return Fact::Bool(true);
    }
    unknown_term(addresses).unwrap_or(Fact::Bool(false))
}

/// Whether the sources hold public addresses: some prefix, the `Internet` tag, or a service's tag.
pub(super) fn internet(addresses: &Addresses) -> Fact {
    let tagged = addresses
        .terms
        .iter()
        .any(|term| matches!(term, AddressTerm::Tag(ServiceTag::Internet | ServiceTag::Named(_))));
    if tagged || stated_set(addresses).intersects(&PUBLIC) {
        return Fact::Bool(true);
    }
    unknown_term(addresses).unwrap_or(Fact::Bool(false))
}

/// The sources as stated.
pub fn spelled(addresses: &Addresses) -> Vec<String> {
    let spell = |term: &AddressTerm| match term {
        AddressTerm::Any => "*".to_owned(),
        AddressTerm::Range(range) => range.to_string(),
        AddressTerm::Tag(tag) => tag.to_string(),
        AddressTerm::Group(group) => format!("application security group {}", group.name()),
        AddressTerm::Unknown(why) => format!("unknown ({why})"),
    };
    addresses.terms.iter().map(spell).collect()
}
