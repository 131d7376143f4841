//! Our answers against Azure's own, as they were saved: which rule decides about each source, in each group, for each
//! management port. A difference is a defect of ours, a stale recording, or something that neither says.
//! Must not know where answers come from, nor how the comparison is printed.

mod answer;

use std::collections::BTreeSet;
use std::net::IpAddr;

use serde::Serialize;

pub use answer::{Answer, EffectiveGroup, Flow, parse};
use answer::{InboundRule, plain_name};

use crate::exposure::{
    Attached, Exposures, GroupAlone, Passage, Passages, PortReach, TargetExposure, find_admin_rule, find_rule,
};
use crate::model::{Inventory, Known, ResourceId};
use crate::net::{AddressRange, AddressSet};

/// What came of one saved answer.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Comparison {
    /// How many decisions were compared: one for each machine address, port and run of sources that both treat alike.
    pub compared: u64,
    /// How many of them we leave open, and Azure's answer is among ours.
    pub open: u64,
    pub differences: Vec<Difference>,
    /// What could not be compared, one sentence each.
    pub skipped: Vec<String>,
}

/// Sources for which another rule decides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    pub machine: String,
    /// Interface and ip configuration.
    pub target: String,
    pub group: String,
    pub port: u16,
    /// Minimal CIDRs (at most 16).
    pub sources: Vec<String>,
    /// Who decides in Azure's answer, such as `securityRules/allow-ssh (allow)`.
    pub azure: Vec<String>,
    /// Who decides in ours.
    pub ours: Vec<String>,
}

/// Compares a saved answer with the analysis of the estate.
pub fn compare(answer: &Answer, inventory: &Inventory, exposures: &Exposures) -> Comparison {
    let compare = Compare { inventory, exposures };
    let mut comparison = Comparison::default();
    match answer {
        Answer::Effective(groups) => groups.iter().for_each(|group| compare.group(group, &mut comparison)),
        Answer::Flow(flow) => compare.flow(flow, &mut comparison),
    }
    comparison
}

struct Compare<'e> {
    inventory: &'e Inventory,
    exposures: &'e Exposures,
}

/// Where one group stands before one address.
struct Place<'e> {
    machine: &'e str,
    target: &'e TargetExposure,
    nsg: u32,
}

/// A decision: the rule, and whether it allows.
type Decision = (String, bool);

fn printed(decisions: &BTreeSet<Decision>) -> Vec<String> {
    let print = |(rule, allows): &Decision| format!("{rule} ({})", if *allows { "allow" } else { "deny" });
    decisions.iter().map(print).collect()
}

impl<'e> Compare<'e> {
    fn group(&self, group: &EffectiveGroup, comparison: &mut Comparison) {
        let Some(reference) = &group.network_security_group else {
            comparison
                .skipped
                .push("an entry of the answer names no network security group".to_owned());
            return;
        };
        let id = ResourceId::new(&reference.id);
        let rules = match group.inbound() {
            Ok(rules) => rules,
            Err(why) => return comparison.skipped.push(format!("`{}`: {why}", id.name())),
        };
        let Some(index) = self.inventory.nsgs.position(&id) else {
            comparison.skipped.push(format!("`{}` is not in the estate", id.name()));
            return;
        };
        let places = self.places(index, group);
        if places.is_empty() {
            let why = format!(
                "`{}` filters no address of the estate where the answer says it does",
                id.name()
            );
            comparison.skipped.push(why);
        }
        for place in places {
            self.place(&place, id.name(), &rules, comparison);
        }
    }

    /// Every address that the group filters where the answer says that it is associated.
    fn places(&self, nsg: u32, group: &EffectiveGroup) -> Vec<Place<'e>> {
        let subnet = group
            .association
            .subnet
            .as_ref()
            .map(|subnet| ResourceId::new(&subnet.id));
        let interface = group
            .association
            .network_interface
            .as_ref()
            .map(|nic| ResourceId::new(&nic.id));
        let mut places = Vec::new();
        for (vm, machine) in self.inventory.vms.iter().zip(&self.exposures.machines) {
            for target in &machine.targets {
                let here = |layer: usize, attached: &Attached| {
                    let place = match layer {
                        0 => subnet
                            .as_ref()
                            .is_none_or(|id| self.inventory.subnet_position(id) == target.subnet),
                        _ => interface.as_ref().is_none_or(|id| is_of(target, id)),
                    };
                    // An answer that says where it stands speaks of that layer only.
                    let said = match layer {
                        0 => subnet.is_some() || interface.is_none(),
                        _ => interface.is_some() || subnet.is_none(),
                    };
                    *attached == Attached::Group(nsg) && place && said
                };
                let layers = target.layers();
                let layers = layers
                    .iter()
                    .enumerate()
                    .filter(|(layer, (_, attached))| here(*layer, attached));
                places.extend(layers.map(|_| Place {
                    machine: vm.id.name(),
                    target,
                    nsg,
                }));
            }
        }
        places
    }

    fn place(&self, place: &Place<'_>, group: &str, rules: &[InboundRule], comparison: &mut Comparison) {
        let Known::Known(address) = place.target.address else {
            let why = format!("`{}`: its private address is not in the estate", place.target.name);
            return comparison.skipped.push(why);
        };
        let Some(alone) = GroupAlone::at(self.inventory, self.exposures, place.nsg, place.target) else {
            let why = format!("`{}`: the rules of `{group}` are not known", place.target.name);
            return comparison.skipped.push(why);
        };
        for reach in &alone.reaches(&self.exposures.ports) {
            let mut differences: Vec<(Vec<AddressRange>, BTreeSet<Decision>, BTreeSet<Decision>)> = Vec::new();
            for run in runs(reach, rules, address) {
                let first = first_of(run);
                let azure = decided(rules, first, address, reach.port);
                let ours = self.ours(&reach.certain, first);
                comparison.compared += 1;
                if same(&azure, &ours) {
                    continue;
                }
                let possible = self.ours(reach.possible(), first);
                if reach.possible.is_some() && azure.iter().any(|decision| contains(&possible, decision)) {
                    comparison.open += 1;
                    continue;
                }
                match differences
                    .iter_mut()
                    .find(|(_, a, o)| (a, o) == (&mut azure.clone(), &mut ours.clone()))
                {
                    Some((ranges, ..)) => ranges.push(run),
                    None => differences.push((vec![run], azure, ours)),
                }
            }
            comparison
                .differences
                .extend(differences.into_iter().map(|(ranges, azure, ours)| Difference {
                    machine: place.machine.to_owned(),
                    target: place.target.name.to_string(),
                    group: group.to_owned(),
                    port: reach.port,
                    sources: AddressSet::from_ranges(ranges).cidrs(16),
                    azure: printed(&azure),
                    ours: printed(&ours),
                }));
        }
    }

    /// The rules of the group that decide about a source in our answer.
    fn ours(&self, passages: &Passages, source: IpAddr) -> BTreeSet<Decision> {
        let here = passages.iter().filter(|passage| passage.range.contains(source));
        here.filter_map(|passage| {
            let [rule, _] = passage.deciders;
            let (_, rule) = find_rule(self.inventory, rule?)?;
            let allows = rule.access.known().is_some_and(|access| access.as_str() == "allow");
            Some((rule.name.to_string(), allows))
        })
        .collect()
    }

    fn flow(&self, flow: &Flow, comparison: &mut Comparison) {
        match self.flow_decision(flow) {
            Ok((difference, decided)) => {
                comparison.compared += u64::from(decided);
                comparison.differences.extend(difference);
            }
            Err(why) => comparison.skipped.push(why),
        }
    }

    fn flow_decision(&self, flow: &Flow) -> Result<(Option<Difference>, bool), String> {
        let request = &flow.request;
        if !request.direction.eq_ignore_ascii_case("inbound") || !request.protocol.eq_ignore_ascii_case("tcp") {
            return Err("only inbound TCP is compared".to_owned());
        }
        let address = |text: &str| {
            text.parse::<IpAddr>()
                .map_err(|_| format!("`{text}` is not an IP address"))
        };
        let (source, destination) = (
            address(&request.remote_ip_address)?,
            address(&request.local_ip_address)?,
        );
        let port: u16 = request
            .local_port
            .parse()
            .map_err(|_| format!("`{}` is not a port", request.local_port))?;
        let id = ResourceId::new(&request.target_resource_id);
        let index = self
            .inventory
            .vms
            .position(&id)
            .ok_or_else(|| format!("`{}` is not in the estate", id.name()))?;
        let machine = self.exposures.machines.get(index as usize);
        let mut targets = machine.into_iter().flat_map(|machine| &machine.targets);
        let target = targets
            .find(|target| target.address.known() == Some(&destination))
            .ok_or_else(|| format!("`{}` has no address {destination} in the estate", id.name()))?;
        let stack = self.exposures.stacks.get(target.stack as usize);
        let reach = stack
            .and_then(|stack| stack.reach(port))
            .ok_or_else(|| format!("port {port} was not analysed"))?;
        let here: Vec<Passage> = reach
            .possible()
            .iter()
            .filter(|passage| passage.range.contains(source))
            .collect();
        let allowed = flow.response.access.eq_ignore_ascii_case("allow");
        let wanted = plain_name(&flow.response.rule_name);
        let names = |passage: &Passage| -> BTreeSet<Decision> {
            let rules = passage
                .deciders
                .iter()
                .flatten()
                .filter_map(|rule| find_rule(self.inventory, *rule));
            // A security admin rule comes before every group, and Azure names it.
            let admin = passage.admin.and_then(|at| find_admin_rule(self.inventory, at));
            let admin = admin.map(|rule| (rule.id.name().to_owned(), passage.admitted));
            rules
                .map(|(_, rule)| (rule.name.to_string(), passage.admitted))
                .chain(admin)
                .collect()
        };
        let agrees = here.iter().any(|passage| {
            passage.admitted == allowed && names(passage).iter().any(|(name, _)| plain_name(name) == wanted)
        });
        let difference = (!agrees).then(|| Difference {
            machine: id.name().to_owned(),
            target: target.name.to_string(),
            group: String::new(),
            port,
            sources: vec![source.to_string()],
            azure: printed(&BTreeSet::from([(flow.response.rule_name.clone(), allowed)])),
            ours: printed(&here.iter().flat_map(names).collect()),
        });
        Ok((difference, true))
    }
}

/// The interface's name stands before the slash of the target's.
fn is_of(target: &TargetExposure, interface: &ResourceId) -> bool {
    let name = target.name.split('/').next().unwrap_or_default();
    name.eq_ignore_ascii_case(interface.name())
}

fn contains(decisions: &BTreeSet<Decision>, wanted: &Decision) -> bool {
    let same = |(rule, allows): &Decision| *allows == wanted.1 && plain_name(rule) == plain_name(&wanted.0);
    decisions.iter().any(same)
}

fn same(azure: &BTreeSet<Decision>, ours: &BTreeSet<Decision>) -> bool {
    azure.iter().all(|decision| contains(ours, decision)) && ours.iter().all(|decision| contains(azure, decision))
}

fn first_of(run: AddressRange) -> IpAddr {
    match run {
        AddressRange::V4(first, _) => IpAddr::V4(first.into()),
        AddressRange::V6(first, _) => IpAddr::V6(first.into()),
    }
}

/// Runs of sources of the target's family within which neither side tells one address from another.
fn runs(reach: &PortReach, rules: &[InboundRule], address: IpAddr) -> Vec<AddressRange> {
    let passages = reach
        .certain
        .iter()
        .chain(reach.possible().iter())
        .map(|passage| passage.range);
    let ranges = passages.chain(rules.iter().flat_map(|rule| rule.sources.iter().copied()));
    match address {
        IpAddr::V4(_) => {
            let ends = ranges.filter_map(|range| match range {
                AddressRange::V4(first, last) => Some((first, last.checked_add(1))),
                AddressRange::V6(..) => None,
            });
            let starts: BTreeSet<u32> = ends
                .flat_map(|(first, next)| [Some(first), next])
                .flatten()
                .chain([0])
                .collect();
            let nexts = starts.iter().skip(1).map(|next| next - 1).chain([u32::MAX]);
            starts
                .iter()
                .zip(nexts)
                .map(|(first, last)| AddressRange::V4(*first, last))
                .collect()
        }
        IpAddr::V6(_) => {
            let ends = ranges.filter_map(|range| match range {
                AddressRange::V6(first, last) => Some((first, last.checked_add(1))),
                AddressRange::V4(..) => None,
            });
            let starts: BTreeSet<u128> = ends
                .flat_map(|(first, next)| [Some(first), next])
                .flatten()
                .chain([0])
                .collect();
            let nexts = starts.iter().skip(1).map(|next| next - 1).chain([u128::MAX]);
            starts
                .iter()
                .zip(nexts)
                .map(|(first, last)| AddressRange::V6(*first, last))
                .collect()
        }
    }
}

/// The rules of Azure's answer that decide about a source, over all source ports: first match by priority.
fn decided(rules: &[InboundRule], source: IpAddr, destination: IpAddr, port: u16) -> BTreeSet<Decision> {
    let within = |ranges: &[AddressRange], address| ranges.iter().any(|range| range.contains(address));
    let matching: Vec<&InboundRule> = rules
        .iter()
        .filter(|rule| {
            rule.ports.contains(port) && within(&rule.sources, source) && within(&rule.destinations, destination)
        })
        .collect();
    let edges = matching.iter().flat_map(|rule| rule.source_ports.ranges());
    let source_ports: BTreeSet<u16> = edges
        .flat_map(|(first, last)| [*first, last.saturating_add(1)])
        .chain([0, u16::MAX])
        .collect();
    let first = |source_port: u16| matching.iter().find(|rule| rule.source_ports.contains(source_port));
    let deciding = source_ports.into_iter().filter_map(first);
    deciding.map(|rule| (rule.name.clone(), rule.allows)).collect()
}
