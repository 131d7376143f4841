//! From a machine's addresses and their stacks to its ways in, worded.

use std::net::IpAddr;
use std::sync::Arc;

use super::analysis::{Front, MachineExposure, Stack, TargetExposure, WayIn};
use super::answer::{ExposureClass, FrontPort, PortExposure, Way};
use super::balancer::{BalancedWay, Balancers};
use super::classify::{Clients, Describer, Platform};
use super::compile::Truth;
use super::draft::{Draft, DraftTarget};
use super::environment::Environment;
use super::screen::Screened;
use super::stack::PortReach;
use super::stacks::TargetStacks;
use super::translated::{TranslatedWay, Translations, translation_range};
use crate::model::{Firewall, Frontend, Inventory, IpConfiguration, Known, LoadBalancer, PublicIpRef, ResourceId, Sku};
use crate::net::{AddressSet, Family, PortSet};

/// The worded answers of a stack on the ways that need nothing but the stack, shared by all machines that have it.
pub(super) struct Direct {
    private: Arc<Vec<PortExposure>>,
    /// By SKU of the public address: Basic, Standard, unknown. Only unfiltered stacks differ.
    public: [Arc<Vec<PortExposure>>; 3],
}

pub(super) struct Answers<'a> {
    pub inventory: &'a Inventory,
    pub describer: Describer<'a>,
    pub environments: &'a [Environment],
    pub stacks: &'a [Stack],
    pub balancers: &'a Balancers,
}

impl Answers<'_> {
    /// The answers on the ways that need nothing but a stack.
    pub fn direct(&self, stack: &Stack) -> Direct {
        let of = |platform: Platform| Arc::new(self.through(stack, true, platform, |_| Some(FrontPort::Same)));
        let unknown = Platform::Unknown(Arc::from("the SKU of the public address is not in the input"));
        let private = Arc::new(match stack.screened.is_empty() {
            true => self.through(stack, false, Platform::Open, |_| Some(FrontPort::Same)),
            false => self.screened(stack),
        });
        if stack.unfiltered {
            return Direct {
                private,
                public: [of(Platform::Open), of(Platform::Closed), of(unknown)],
            };
        }
        let public = of(Platform::Closed);
        Direct {
            private,
            public: [public.clone(), public.clone(), public],
        }
    }

    /// The answers on private paths that firewalls bear on.
    fn screened(&self, stack: &Stack) -> Vec<PortExposure> {
        let answer = |(reach, screened): (&PortReach, &Screened)| {
            let may = screened.clients.may.only(stack.family);
            let clients = Clients {
                family: stack.family,
                all: &may,
                answered: Some(&screened.clients),
                answer_gaps: &screened.gaps,
                public: false,
            };
            let mut answer = match stack.unfiltered {
                true => self
                    .describer
                    .unfiltered(reach, FrontPort::Same, &clients, Platform::Open),
                false => self.describer.exposure(reach, &clients, FrontPort::Same, ""),
            };
            if !screened.by.is_empty() {
                let names: Vec<String> = screened.by.iter().map(|name| format!("`{name}`")).collect();
                let word = if names.len() == 1 { "firewall" } else { "firewalls" };
                let kept_out = format!("; {word} {} on the way back keeps others out", names.join(", "));
                answer.sentence = Arc::from(format!("{}{kept_out}", answer.sentence));
            }
            answer
        };
        stack.ports.iter().zip(&stack.screened).map(answer).collect()
    }

    /// The answers for each port that `lead` leads to (with the port outside, where it differs).
    fn through(
        &self,
        stack: &Stack,
        public: bool,
        platform: Platform,
        lead: impl Fn(u16) -> Option<FrontPort>,
    ) -> Vec<PortExposure> {
        let Some(environment) = self.environments.get(stack.environment as usize) else {
            return Vec::new();
        };
        let everyone = if public {
            &environment.public_clients
        } else {
            &environment.private_clients
        };
        let everyone = everyone.only(stack.family);
        let answered = public.then_some(&environment.returns_to_internet);
        let clients = Clients {
            family: stack.family,
            all: &everyone,
            answered,
            answer_gaps: &environment.return_gaps,
            public,
        };
        let answer = |reach: &PortReach| {
            let front = lead(reach.port)?;
            Some(match stack.unfiltered {
                true => self.describer.unfiltered(reach, front, &clients, platform.clone()),
                false => self.describer.exposure(reach, &clients, front, ""),
            })
        };
        stack.ports.iter().filter_map(answer).collect()
    }

    pub fn machine(
        &self,
        draft: Draft<'_>,
        stacks: &[TargetStacks],
        translations: &Translations,
        direct: &[Direct],
    ) -> MachineExposure {
        let targets = draft.targets.into_iter().zip(stacks);
        let targets = targets.filter_map(|(target, stacks)| {
            let direct = direct.get(stacks.own as usize)?;
            self.target(target, stacks, direct, translations)
        });
        MachineExposure {
            targets: targets.collect(),
            gap: draft.gap,
        }
    }

    fn target(
        &self,
        target: DraftTarget<'_>,
        stacks: &TargetStacks,
        direct: &Direct,
        translations: &Translations,
    ) -> Option<TargetExposure> {
        let configuration = target.configuration;
        let stack = self.stacks.get(stacks.own as usize)?;
        let mut found: Vec<WayIn> = self.public_way(configuration, stack, direct).into_iter().collect();
        let (internal, public): (Vec<&BalancedWay>, Vec<&BalancedWay>) =
            target.balanced.iter().partition(|way| way.internal);
        found.extend(public.into_iter().filter_map(|way| self.balanced_way(way, stacks)));
        let network = target
            .subnet
            .and_then(|(network, _)| self.inventory.networks.get(network))
            .map(|n| &n.id);
        let doubt = self
            .balancers
            .doubt(self.inventory, &target.id(), configuration, target.prefixes, network);
        found.extend(doubt.and_then(|why| self.doubtful_way(Way::LoadBalancer, &why, stack)));
        found.extend(self.translated_ways(&target, stack, translations));
        found.extend(self.unseen_way(&target, stack, translations));
        for way in &internal {
            found.extend(self.translated_through(way, stacks, translations));
        }
        found.push(WayIn {
            way: Way::Private,
            front: None,
            exposures: direct.private.clone(),
        });
        for way in internal {
            found.extend(self.balanced_way(way, stacks));
            found.extend(self.private_link_ways(way, stacks));
        }
        found.extend(self.bastion_ways(&target, stack));
        Some(TargetExposure {
            name: Arc::from(format!("{}/{}", target.nic.id.name(), configuration.name)),
            address: configuration.private_address.clone(),
            groups: Arc::from(configuration.application_security_groups.as_slice()),
            groups_unread: configuration.groups_unread.is_some(),
            subnet: target.subnet,
            subnet_nsg: target.subnet_nsg,
            nic_nsg: target.nic_nsg,
            stack: stacks.own,
            ways: found,
        })
    }

    /// The stack that answers on a way through a load balancer.
    pub(super) fn stack_behind(&self, way: &BalancedWay, stacks: &TargetStacks) -> Option<&Stack> {
        let front = (way.balancer, way.frontend);
        let floating = stacks.floating.iter().find(|(at, _)| way.floating && *at == front);
        let index = floating.map_or(stacks.own, |(_, index)| *index);
        self.stacks.get(index as usize)
    }

    /// A way that may or may not exist: open for nobody for certain.
    fn doubtful_way(&self, way: Way, why: &Arc<str>, stack: &Stack) -> Option<WayIn> {
        let mut exposures = self.through(stack, true, Platform::Unknown(why.clone()), |_| Some(FrontPort::Same));
        exposures.retain(|exposure| exposure.class != ExposureClass::Closed);
        exposures.iter_mut().for_each(|exposure| unsettle(exposure, why, ""));
        if exposures.is_empty() {
            return None;
        }
        Some(WayIn {
            way,
            front: Some(unknown_front()),
            exposures: Arc::new(exposures),
        })
    }

    fn public_way(&self, configuration: &IpConfiguration, stack: &Stack, direct: &Direct) -> Option<WayIn> {
        let (sku, front) = match configuration.public_ip.as_ref()? {
            PublicIpRef::Id(id) => {
                let ip = self.inventory.public_ips.find(id);
                let conflict = self.inventory.conflict(id).is_some();
                let sku = ip.filter(|_| !conflict).and_then(|ip| self.sold(&ip.sku));
                (sku, self.front(id))
            }
            PublicIpRef::Inline { name, sku } => (
                self.sold(sku),
                Front {
                    address: name.clone(),
                    id: None,
                    through: None,
                },
            ),
            PublicIpRef::Unknown(why) => return self.doubtful_way(Way::PublicIp, &why.text, stack),
        };
        let [basic, standard, unknown] = &direct.public;
        let exposures = match sku {
            Some(Sku::Basic) => basic,
            Some(Sku::Standard) => standard,
            None => unknown,
        };
        let mut exposures = exposures.clone();
        if let Some(gateway) = &configuration.gateway_load_balancer {
            let own: &mut Vec<PortExposure> = Arc::make_mut(&mut exposures);
            filtered_by(gateway, own);
        }
        Some(WayIn {
            way: Way::PublicIp,
            front: Some(front),
            exposures,
        })
    }

    fn sold(&self, sku: &Known<Sku>) -> Option<Sku> {
        Sku::of(sku, &self.inventory.choices).ok()
    }

    /// A public address resource: its address where it has one.
    fn front(&self, id: &ResourceId) -> Front {
        let address = self.inventory.public_ips.find(id).and_then(|ip| ip.address);
        let address = address.map_or_else(|| Arc::from(id.name()), |address| Arc::from(address.to_string()));
        Front {
            address,
            id: Some(id.text().clone()),
            through: None,
        }
    }

    fn balanced_way(&self, way: &BalancedWay, stacks: &TargetStacks) -> Option<WayIn> {
        let balancer = self.inventory.load_balancers.get(way.balancer)?;
        let frontend = balancer.frontends.get(way.frontend as usize)?;
        let stack = self.stack_behind(way, stacks)?;
        let platform = match Sku::of(&balancer.sku, &self.inventory.choices) {
            _ if way.internal => Platform::Open,
            Ok(Sku::Basic) => Platform::Open,
            Ok(Sku::Standard) => Platform::Closed,
            Err(why) => Platform::Unknown(why.text.clone()),
        };
        let leads = |port| way.leads_to(port).then_some(way.front);
        let mut exposures = self.through(stack, !way.internal, platform, leads);
        if let Some(why) = &way.unsure {
            exposures.iter_mut().for_each(|exposure| unsettle(exposure, why, ""));
        }
        if let Some(gateway) = &frontend.gateway {
            filtered_by(gateway, &mut exposures);
        }
        if exposures.is_empty() {
            return None;
        }
        Some(WayIn {
            way: if way.internal { Way::Private } else { Way::LoadBalancer },
            front: Some(self.balancer_front(balancer, frontend)),
            exposures: Arc::new(exposures),
        })
    }

    fn balancer_front(&self, balancer: &LoadBalancer, frontend: &Frontend) -> Front {
        let through = Some(named(balancer));
        match frontend.public_ip.as_ref().or(frontend.public_ip_prefix.as_ref()) {
            Some(public) => Front {
                through,
                ..self.front(public)
            },
            None => Front {
                address: match frontend.private_address {
                    Some(address) => Arc::from(address.to_string()),
                    None => Arc::from(frontend.id.name()),
                },
                id: None,
                through,
            },
        }
    }

    /// Destination NAT: the client's filter is the rule's source list; the groups see the firewall's own subnet.
    fn translated_ways(&self, target: &DraftTarget<'_>, stack: &Stack, translations: &Translations) -> Vec<WayIn> {
        let address = &target.configuration.private_address;
        let network = target.subnet.map(|(network, _)| network);
        let named = translations.to(address, target.prefixes);
        named
            .into_iter()
            .filter_map(|(way, doubt)| self.translated_way((address, network), stack, way, doubt))
            .collect()
    }

    /// Destination NAT to the private frontend of a load balancer, and on from there.
    fn translated_through(&self, way: &BalancedWay, stacks: &TargetStacks, translations: &Translations) -> Vec<WayIn> {
        let balancer = self.inventory.load_balancers.get(way.balancer);
        let frontend = balancer.and_then(|balancer| balancer.frontends.get(way.frontend as usize));
        let (Some(frontend), Some(stack)) = (frontend, self.stack_behind(way, stacks)) else {
            return Vec::new();
        };
        let Some(address) = frontend.private_address.map(Known::Known) else {
            return Vec::new();
        };
        let network = frontend
            .subnet
            .as_ref()
            .and_then(|id| self.inventory.subnet_position(id));
        let behind = |(first, doubt): (&TranslatedWay, Option<Arc<str>>)| {
            let ports = stack.ports.iter().map(|reach| reach.port);
            let reached = ports.filter(|port| way.leads_to(*port) && way.listens(*port, &first.ports));
            let led = TranslatedWay {
                ports: PortSet::from_ranges(reached.map(|port| (port, port))),
                unsure: first.unsure.clone().or_else(|| way.unsure.clone()),
                ..first.clone()
            };
            self.translated_way((&address, network.map(|(network, _)| network)), stack, &led, doubt)
        };
        let stated = translations.to(&address, None);
        stated
            .into_iter()
            .filter(|(way, _)| !way.doubtful)
            .filter_map(behind)
            .collect()
    }

    fn translated_way(
        &self,
        (address, network): (&Known<IpAddr>, Option<u32>),
        stack: &Stack,
        way: &TranslatedWay,
        doubt: Option<Arc<str>>,
    ) -> Option<WayIn> {
        let firewall = way.firewall.and_then(|index| self.inventory.firewalls.get(index))?;
        let leads = way.leads(self.inventory, firewall, address, network);
        if leads == Truth::No {
            return None;
        }
        let doubt = doubt.or_else(|| (leads == Truth::Maybe).then(|| unconnected(firewall)));
        let range = translation_range(self.inventory, firewall).map(AddressSet::from_ranges);
        let exposures = self.behind_firewall(stack, way, &range, doubt, Some(firewall))?;
        Some(WayIn {
            way: Way::FirewallDnat,
            front: Some(self.firewall_front(firewall, way)),
            exposures,
        })
    }

    /// The answers behind a destination NAT rule; none where it leads to no port, or only may and to closed ones.
    fn behind_firewall(
        &self,
        stack: &Stack,
        way: &TranslatedWay,
        range: &Result<AddressSet, Arc<str>>,
        doubt: Option<Arc<str>>,
        firewall: Option<&Firewall>,
    ) -> Option<Arc<Vec<PortExposure>>> {
        let by = format!(" by {}", way.named(firewall));
        let led_to = stack.ports.iter().filter(|reach| way.ports.contains(reach.port));
        let exposure = |reach| {
            let mut answer = self.describer.translated(way, reach, range, &by);
            if let Some(why) = doubt.as_ref().filter(|_| answer.class != ExposureClass::Closed) {
                unsettle(&mut answer, why, &by);
            }
            answer
        };
        let exposures: Vec<PortExposure> = led_to.map(exposure).collect();
        let open = |exposure: &PortExposure| exposure.class != ExposureClass::Closed;
        let none = exposures.is_empty() || (way.doubtful && !exposures.iter().any(open));
        (!none).then(|| Arc::new(exposures))
    }

    /// The way through firewalls that were not read, to which something ties the machine's network.
    fn unseen_way(&self, target: &DraftTarget<'_>, stack: &Stack, translations: &Translations) -> Option<WayIn> {
        // Azure Firewall has no IPv6.
        if stack.family != Family::V4 {
            return None;
        }
        let (way, range) = translations.unseen(self.inventory, target.subnet)?;
        Some(WayIn {
            way: Way::FirewallDnat,
            front: Some(unknown_front()),
            exposures: self.behind_firewall(stack, &way, &range, None, None)?,
        })
    }

    /// What a client calls: the destination of the NAT rule; else the only public address that the firewall has.
    fn firewall_front(&self, firewall: &Firewall, way: &TranslatedWay) -> Front {
        let through = Some((Arc::from(firewall.id.name()), firewall.id.text().clone()));
        let front = |address: Arc<str>, id: Option<Arc<str>>| Front {
            address,
            id,
            through: through.clone(),
        };
        let stated = way.destinations();
        if let [address] = stated.as_slice() {
            let resource = self.inventory.public_ips.iter().find(|ip| ip.address == Some(*address));
            return front(Arc::from(address.to_string()), resource.map(|ip| ip.id.text().clone()));
        }
        if !stated.is_empty() {
            let all: Vec<String> = stated.iter().map(IpAddr::to_string).collect();
            return front(Arc::from(all.join(", ")), None);
        }
        match (firewall.public_ips.as_slice(), firewall.hub_addresses.as_slice()) {
            ([only], []) => Front {
                through,
                ..self.front(only)
            },
            ([], [only]) => front(Arc::from(only.to_string()), None),
            _ => front(Arc::from(firewall.id.name()), None),
        }
    }
}

/// What stands outside, where nothing that was read says it.
fn unknown_front() -> Front {
    Front {
        address: Arc::from("unknown"),
        id: None,
        through: None,
    }
}

fn unconnected(firewall: &Firewall) -> Arc<str> {
    Arc::from(format!(
        "no network that holds the address is connected to firewall `{}` in the input",
        firewall.id.name()
    ))
}

fn named(balancer: &LoadBalancer) -> (Arc<str>, Arc<str>) {
    (Arc::from(balancer.id.name()), balancer.id.text().clone())
}

/// Appliances behind a gateway load balancer see the traffic first and may stop it; what they do no resource says.
fn filtered_by(gateway: &ResourceId, exposures: &mut [PortExposure]) {
    let name = gateway.segment("loadBalancers").unwrap_or_else(|| gateway.name());
    let why = Arc::from(format!(
        "the appliances behind gateway load balancer `{name}` may filter it"
    ));
    let open = |exposure: &&mut PortExposure| exposure.class != ExposureClass::Closed;
    exposures
        .iter_mut()
        .filter(open)
        .for_each(|exposure| unsettle(exposure, &why, ""));
}

/// Makes an answer that cannot be relied on undetermined. `by` names what leads there, or is empty.
pub(super) fn unsettle(exposure: &mut PortExposure, why: &Arc<str>, by: &str) {
    exposure.class = ExposureClass::Undetermined;
    let sure = std::mem::take(&mut exposure.sources);
    exposure.possible_sources.splice(..0, sure);
    exposure.addresses = "0".to_owned();
    exposure.gaps.push(why.clone());
    exposure.sentence = Arc::from(format!("may be open{by}: {why}"));
    if let Some(exact) = &mut exposure.exact {
        Arc::make_mut(exact).unsettle();
    }
}
