//! Takes the management ports out of an Allow rule and keeps all else that the rule says: other ports, other protocols,
//! order. Where prefixes were named, the ports stay open to these.

use serde_json::{Value, json};

use super::enable_jit::spelled;
use super::{Draft, Proposal, Remedy, Sight, lift_deny, owner};
use crate::exposure::{Decider, ExposureClass, Layer, PUBLIC, find_rule};
use crate::model::{AddressTerm, Inventory, Known, Nic, ResourceId, ServiceTag, Vm};
use crate::net::{AddressSet, PortSet, parse_range};
use crate::remedy::effect;
use crate::remedy::projection;
use crate::remedy::rules::{RULE_LIMIT, Shape, beside, name_beside};
use crate::rule::Finding;
use crate::rule::facts::JitRuleName;

pub const REMEDY: Remedy = Remedy {
    name: "close-allow",
    phase: 3,
    mends: &["jit-shadowed", "management-port-exposed"],
    about: "the management ports leave the Allow rules that keep them open, or stay open to the prefixes of --narrow-to",
    propose,
};

/// A customer's rule that lets clients through to a management port.
#[derive(Clone, Debug)]
pub(super) struct Opening {
    pub group: ResourceId,
    pub rule: String,
    pub priority: Option<u16>,
    pub port: u16,
}

/// The rules that a finding is about: all that let anybody through, and of an exposure those for public addresses.
pub(super) fn openings(sight: &Sight<'_>, machine: u32, rule_id: &str) -> Vec<Opening> {
    let inventory = sight.view.inventory();
    let mut openings: Vec<Opening> = Vec::new();
    for target in sight.view.targets(machine) {
        let Some(stack) = sight.view.exposures.stacks.get(target.stack as usize) else {
            continue;
        };
        for admitting in stack
            .admitting()
            .iter()
            .filter(|admitting| sight.ports.contains(&admitting.port))
        {
            let Some((nsg, rule)) = find_rule(inventory, admitting.rule) else {
                continue;
            };
            let stated = nsg.rules.known().map_or(0, Vec::len);
            let own = usize::from(admitting.rule.rule) < stated && JitRuleName::parse(&rule.name).is_none();
            let tagged = rule
                .sources
                .terms
                .iter()
                .any(|term| matches!(term, AddressTerm::Tag(tag) if *tag != ServiceTag::VirtualNetwork));
            let concerned = rule_id != "management-port-exposed" || tagged || admitting.sources.intersects(&PUBLIC);
            let known = |opening: &Opening| {
                opening.group == nsg.id && opening.rule == *rule.name && opening.port == admitting.port
            };
            if own && concerned && !is_for_bastion(sight, &admitting.sources) && !openings.iter().any(known) {
                openings.push(Opening {
                    group: nsg.id.clone(),
                    rule: rule.name.to_string(),
                    priority: rule.priority.known().copied(),
                    port: admitting.port,
                });
            }
        }
    }
    openings
}

fn is_for_bastion(sight: &Sight<'_>, sources: &AddressSet) -> bool {
    let subnets = sight
        .view
        .inventory()
        .networks
        .iter()
        .flat_map(|network| &network.subnets);
    let bastion = subnets.filter(|subnet| subnet.id.name().eq_ignore_ascii_case("AzureBastionSubnet"));
    let ranges = AddressSet::from_ranges(bastion.filter_map(|subnet| subnet.prefixes.known()).flatten().copied());
    !sources.is_empty() && ranges.is_superset(sources)
}

fn propose(sight: &Sight<'_>, finding: &Finding) -> Proposal {
    let Some((index, vm)) = sight.view.machine_of(finding) else {
        return Proposal::Nothing;
    };
    let protected = sight.view.policies_of(&vm.id).next().is_some();
    if !protected && !sight.settings.close_without_jit && sight.settings.narrow_to.is_empty() {
        let reason = "without just-in-time access, closing the rule leaves administrators no way in; choose it with \
                      --close-without-jit, or name who must get in with --narrow-to";
        return Proposal::cannot(owner(vm), reason);
    }
    if sight.settings.lift && protected && is_awaited(sight, vm) {
        return Proposal::cannot("you", lift_deny::NOT_YET);
    }
    let openings = openings(sight, index, &finding.rule);
    let mut rules: Vec<(ResourceId, String)> = openings
        .into_iter()
        .map(|opening| (opening.group, opening.rule))
        .collect();
    rules.sort();
    rules.dedup();
    if rules.is_empty() {
        return match &*finding.rule {
            "management-port-exposed" => no_rule(sight, index, owner(vm)),
            _ => Proposal::Nothing,
        };
    }
    let mut drafts = Vec::new();
    for (group, name) in rules {
        match closed(sight, &group, &name) {
            Ok(closed) => drafts.extend(closed),
            Err(reason) => return Proposal::cannot(owner(vm), reason),
        }
    }
    if drafts.is_empty() {
        Proposal::Nothing
    } else {
        Proposal::Steps(drafts)
    }
}

/// Whether a Deny rule of just-in-time access for the machine is one that only this plan brings.
fn is_awaited(sight: &Sight<'_>, vm: &Vm) -> bool {
    let paths = effect::filtered(sight.view, &vm.id);
    let brings = |(group, address): &(ResourceId, String)| {
        effect::brings_deny(sight.first, &sight.view.documents, group, address)
    };
    paths.iter().any(brings)
}

/// Why no rule of a group can close what is open.
fn no_rule(sight: &Sight<'_>, index: u32, owner: String) -> Proposal {
    let targets = sight.view.targets(index).iter().flat_map(|target| &target.ways);
    let exposed = targets
        .flat_map(|way| way.exposures.iter())
        .filter(|port| port.class >= ExposureClass::AzureTenants);
    let deciders: Vec<&Decider> = exposed
        .flat_map(|port| &port.deciders)
        .filter(|decider| &*decider.access == "allow")
        .collect();
    if let Some(admin) = deciders.iter().find(|decider| decider.layer == Layer::Admin) {
        let reason = format!(
            "security admin rule `{}` delivers the packets past every network security group",
            admin.rule
        );
        return Proposal::cannot("whoever runs the network manager", reason);
    }
    if deciders.iter().any(|decider| decider.layer == Layer::Platform) || deciders.is_empty() {
        let reason = "no network security group filters it; --attach-group puts one before its interface that keeps every \
                      port but the management ports as it is";
        return Proposal::cannot(owner, reason);
    }
    let names: Vec<&str> = deciders.iter().map(|decider| &*decider.rule).collect();
    Proposal::cannot(
        owner,
        format!(
            "it is open through {}, which is no rule of a customer's",
            names.join(", ")
        ),
    )
}

/// The steps that take the management ports out of a rule. The error says why it cannot be done exactly.
fn closed(sight: &Sight<'_>, group: &ResourceId, name: &str) -> Result<Vec<Draft>, String> {
    let target = group.child("securityRules", name);
    if sight.fresh.iter().any(|draft| draft.target == target) {
        return Ok(repeated(sight, &target));
    }
    if let Some(machine) = forwarder(sight.view.inventory(), group) {
        return Err(format!(
            "`{machine}` behind group `{}` forwards packets of others, which the rule may be for; change it by hand",
            group.name()
        ));
    }
    let document = sight
        .view
        .documents
        .get(&target)
        .ok_or_else(|| format!("rule `{name}` cannot be read"))?;
    let shape = Shape::of(&document);
    let ports = shape
        .ports()
        .ok_or_else(|| format!("the ports of rule `{name}` cannot be read"))?;
    let management = PortSet::from_ranges(sight.ports.iter().map(|port| (*port, *port)));
    let (gone, rest) = (ports.intersection(&management), ports.difference(&management));
    if gone.is_empty() {
        return Err(format!(
            "rule `{name}` names no management port that could be taken out"
        ));
    }
    let writer = Writer {
        sight,
        group,
        name,
        shape: &shape,
        target,
    };
    let kept = narrowed(sight, &shape, name)?;
    let mut drafts = match (&kept, rest.is_empty()) {
        (Some(sources), true) => {
            let after = shape.with_sources(sources);
            let so_already = projection::same(Some(shape.properties()), Some(&after));
            return Ok(if so_already {
                Vec::new()
            } else {
                vec![writer.main(Some(after), &gone)]
            });
        }
        (Some(sources), false) => writer.beside(&[("-management", narrow(&shape, &gone, sources))])?,
        (None, _) => Vec::new(),
    };
    if shape.is_any_protocol() && shape.is_portless() {
        // Once the rule names ports it no longer speaks for protocols without ports.
        let of = |protocol: &str| {
            let full = Shape::of(&shape.with_ports(&PortSet::full()));
            full.with("protocol", json!(protocol))
        };
        let suffixes = [("-icmp", of("Icmp")), ("-esp", of("Esp")), ("-ah", of("Ah"))];
        let taken: Vec<u16> = drafts
            .iter()
            .filter_map(|draft: &Draft| Shape::of(draft.after.as_ref()?).priority())
            .collect();
        drafts.extend(writer.beside_with(&suffixes, &taken)?);
    }
    let after = (!rest.is_empty()).then(|| shape.with_ports(&rest));
    drafts.push(writer.main(after, &gone));
    Ok(drafts)
}

/// An interface behind the group that forwards: the proof follows packets to machines, not through them.
fn forwarder(inventory: &Inventory, group: &ResourceId) -> Option<String> {
    let is_group = |nsg: &Known<Option<ResourceId>>| nsg.known().is_some_and(|nsg| nsg.as_ref() == Some(group));
    let behind = |nic: &&Nic| {
        let configurations = nic.ip_configurations.known().into_iter().flatten();
        let mut subnets = configurations.filter_map(|one| one.subnet.known()?.as_ref());
        is_group(&nic.nsg) || subnets.any(|id| inventory.subnet(id).is_some_and(|(_, subnet)| is_group(&subnet.nsg)))
    };
    let mut forwarding = inventory.nics.iter().filter(|nic| nic.ip_forwarding);
    forwarding.find(behind).map(|nic| nic.id.name().to_owned())
}

/// Another finding has asked for the same: its steps once more, to which this finding is added.
fn repeated(sight: &Sight<'_>, target: &ResourceId) -> Vec<Draft> {
    sight
        .fresh
        .iter()
        .filter(|draft| draft.target == *target)
        .cloned()
        .collect()
}

fn narrow(shape: &Shape, ports: &PortSet, sources: &[String]) -> Value {
    Shape::of(&shape.with_ports(ports)).with_sources(sources)
}

/// Of the prefixes that were named, what the rule lets through today; `None` where none were named.
fn narrowed(sight: &Sight<'_>, shape: &Shape, name: &str) -> Result<Option<Vec<String>>, String> {
    if sight.settings.narrow_to.is_empty() {
        return Ok(None);
    }
    let stated = shape
        .sources()
        .ok_or_else(|| format!("the sources of rule `{name}` are groups, which cannot be narrowed"))?;
    let mut allowed = AddressSet::empty();
    for text in &stated {
        if text == "*" {
            allowed = AddressSet::full();
        } else if text.eq_ignore_ascii_case("internet") {
            allowed = allowed.union(&PUBLIC);
        } else {
            let (range, _) = parse_range(text)
                .map_err(|_| format!("source `{text}` of rule `{name}` is a tag, which cannot be narrowed exactly"))?;
            allowed = allowed.union(&range.into());
        }
    }
    let wanted = sight
        .settings
        .narrow_to
        .iter()
        .filter_map(|text| parse_range(text).ok().map(|(range, _)| range));
    let kept = AddressSet::from_ranges(wanted).intersection(&allowed);
    Ok((!kept.is_empty()).then(|| kept.cidrs(4000)))
}

struct Writer<'w> {
    sight: &'w Sight<'w>,
    group: &'w ResourceId,
    name: &'w str,
    shape: &'w Shape,
    target: ResourceId,
}

impl Writer<'_> {
    fn main(&self, after: Option<Value>, gone: &PortSet) -> Draft {
        let ports: Vec<u16> = gone.ranges().iter().flat_map(|(first, last)| *first..=*last).collect();
        let what = match (&after, self.sight.settings.narrow_to.is_empty()) {
            (None, _) => "goes: it opens nothing but port",
            (Some(_), true) => "no longer opens port",
            (Some(_), false) => "opens only to the prefixes named port",
        };
        self.draft(
            self.target.clone(),
            Some(self.shape.properties().clone()),
            after,
            format!(
                "rule `{}` of `{}` {what} {}",
                self.name,
                self.group.name(),
                spelled(&ports)
            ),
        )
    }

    fn beside(&self, rules: &[(&str, Value)]) -> Result<Vec<Draft>, String> {
        self.beside_with(rules, &[])
    }

    /// Rules with the same rank as the rule itself: none lies between.
    fn beside_with(&self, made: &[(&str, Value)], earlier: &[u16]) -> Result<Vec<Draft>, String> {
        let rules = self.sight.view.documents.rules(self.group);
        let mut taken = self.sight.taken(self.group);
        taken.extend_from_slice(earlier);
        if rules.len() + self.sight.fresh.len() + made.len() > RULE_LIMIT {
            return Err(format!(
                "group `{}` would have more than {RULE_LIMIT} rules",
                self.group.name()
            ));
        }
        let priority = self
            .shape
            .priority()
            .ok_or_else(|| format!("rule `{}` has no priority", self.name))?;
        // What was taken just now for this very rule does not stand between.
        let start = earlier.iter().copied().fold(priority, u16::max);
        let places = beside(&rules, start, made.len(), &taken).ok_or_else(|| {
            format!(
                "beside rule `{}` of `{}` no priorities are free",
                self.name,
                self.group.name()
            )
        })?;
        let drafts = made.iter().zip(places).map(|((suffix, value), place)| {
            let name = name_beside(&rules, self.name, suffix);
            let after = Shape::of(value).with("priority", json!(place));
            let reason = format!(
                "keeps what rule `{}` of `{}` allows beside the management ports",
                self.name,
                self.group.name()
            );
            self.draft(self.group.child("securityRules", &name), None, Some(after), reason)
        });
        Ok(drafts.collect())
    }

    fn draft(&self, target: ResourceId, before: Option<Value>, after: Option<Value>, reason: String) -> Draft {
        Draft {
            remedy: REMEDY.name,
            phase: REMEDY.phase,
            target,
            part: None,
            lane: self.group.clone(),
            before,
            after,
            expects: Vec::new(),
            reason,
            mends: Vec::new(),
        }
    }
}
