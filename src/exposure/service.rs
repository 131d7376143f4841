//! Private ways that services of the platform offer: Azure Bastion, whose sign-in decides who gets in, and Private Link
//! services, whose clients are approved one by one or by subscription.

use std::net::IpAddr;
use std::sync::Arc;

use super::analysis::{Front, Stack, WayIn};
use super::answer::{ExposureClass, FrontPort, PortExposure, Way};
use super::balancer::BalancedWay;
use super::classify::Clients;
use super::compile::Truth;
use super::draft::DraftTarget;
use super::machine::{Answers, unsettle};
use super::neighbours::connected;
use super::stack::PortReach;
use super::stacks::TargetStacks;
use crate::model::{Known, PrivateLinkService, ResourceId};
use crate::net::{AddressRange, AddressSet};

/// The ports that a bastion host connects to; other ports need a client of their own.
const BASTION_PORTS: [u16; 2] = [22, 3389];

impl Answers<'_> {
    /// One way for each bastion host of the machine's network and its peers.
    pub(super) fn bastion_ways(&self, target: &DraftTarget<'_>, stack: &Stack) -> Vec<WayIn> {
        let Some((network, _)) = target.subnet else {
            return Vec::new();
        };
        let mut found = Vec::new();
        for bastion in self.inventory.bastions.iter() {
            let subnet = bastion.subnets.first();
            let stands = subnet.and_then(|subnet| self.inventory.subnet_position(subnet));
            let Some((stands, _)) = stands else { continue };
            if connected(self.inventory, stands, network) != Truth::Yes {
                continue;
            }
            let Some(clients) = self.addresses(&bastion.subnets) else {
                continue;
            };
            let leads = |port| BASTION_PORTS.contains(&port).then_some(FrontPort::Same);
            found.extend(listed(&bastion.id, self.for_clients(&clients, stack, leads)));
        }
        found
    }

    /// The Private Link services in front of an internal frontend. Machines see the addresses of the service, whoever is
    /// connected to it.
    pub(super) fn private_link_ways(&self, way: &BalancedWay, stacks: &TargetStacks) -> Vec<WayIn> {
        let balancer = self.inventory.load_balancers.get(way.balancer);
        let frontend = balancer.and_then(|balancer| balancer.frontends.get(way.frontend as usize));
        let (Some(frontend), Some(stack)) = (frontend, self.stack_behind(way, stacks)) else {
            return Vec::new();
        };
        let services = self.inventory.private_link_services.iter();
        let services = services.filter(|service| service.frontends.contains(&frontend.id));
        let of = |service: &PrivateLinkService| {
            let leads = |port| way.leads_to(port).then_some(way.front);
            listed(&service.id, self.linked(service, stack, leads))
        };
        services.filter_map(of).collect()
    }

    /// The answers for those who are connected to a Private Link service, or can be.
    fn linked(
        &self,
        service: &PrivateLinkService,
        stack: &Stack,
        leads: impl Fn(u16) -> Option<FrontPort>,
    ) -> Vec<PortExposure> {
        let name = service.id.name();
        let (seen, all_known) = self.translated(service);
        let consumers = Consumers::of(service);
        let clients = match consumers {
            Consumers::Nobody => AddressSet::empty(),
            _ => seen.clone(),
        };
        let mut exposures = self.for_clients(&clients, stack, leads);
        for exposure in &mut exposures {
            let reach = stack.reach(exposure.port);
            let admits_all =
                reach.is_some_and(|reach| reach.certainly_admitted().is_superset(&seen.only(stack.family)));
            match (&consumers, exposure.class) {
                (Consumers::Nobody, _) => {
                    exposure.sentence =
                        Arc::from(format!("closed: nobody is connected to Private Link service `{name}`"));
                }
                (_, ExposureClass::Closed) => {}
                (Consumers::Unknown(why), _) => unsettle(exposure, why, ""),
                (_, ExposureClass::Private) if !all_known && !admits_all => {
                    let why = format!("which addresses Private Link service `{name}` uses is not in the input");
                    unsettle(exposure, &Arc::from(why), "");
                }
                (Consumers::Some(who), ExposureClass::Private) => exposure.name_consumers(who, name),
                (Consumers::Anybody, ExposureClass::Private) => {
                    // Other customers' machines, as behind the tags of Azure.
                    exposure.class = ExposureClass::AzureTenants;
                    exposure.name_consumers("any Azure subscription, unasked,", name);
                }
                _ => {}
            }
        }
        exposures
    }

    /// The addresses that machines see of a Private Link service, and whether each is known by itself.
    fn translated(&self, service: &PrivateLinkService) -> (AddressSet, bool) {
        let all_known = service.translated.iter().all(|(_, address)| address.is_some());
        let of = |(subnet, address): &(ResourceId, Option<IpAddr>)| match address {
            Some(address) => Some(AddressSet::from(AddressRange::host(*address))),
            None => self.addresses(std::slice::from_ref(subnet)),
        };
        let sets: Option<Vec<AddressSet>> = service.translated.iter().map(of).collect();
        let seen = sets
            .unwrap_or_default()
            .into_iter()
            .reduce(|all, more| all.union(&more));
        match seen.filter(|seen| !seen.is_empty()) {
            Some(seen) => (seen, all_known),
            None => (AddressSet::full(), false),
        }
    }

    /// The addresses of some subnets, `None` where one of them is not known.
    fn addresses(&self, subnets: &[ResourceId]) -> Option<AddressSet> {
        let prefixes = |id: &ResourceId| match &self.inventory.subnet(id)?.1.prefixes {
            Known::Known(prefixes) => Some(AddressSet::from_ranges(prefixes.iter().copied())),
            Known::Unknown(_) => None,
        };
        let sets: Option<Vec<AddressSet>> = subnets.iter().map(prefixes).collect();
        let all = sets?.into_iter().reduce(|all, more| all.union(&more));
        all.filter(|all| !all.is_empty())
    }

    /// The answers for clients with these addresses.
    fn for_clients(
        &self,
        clients: &AddressSet,
        stack: &Stack,
        leads: impl Fn(u16) -> Option<FrontPort>,
    ) -> Vec<PortExposure> {
        let everyone = clients.only(stack.family);
        let clients = Clients {
            family: stack.family,
            all: &everyone,
            answered: None,
            answer_gaps: &[],
            public: false,
        };
        let answer = |reach: &PortReach| {
            let front = leads(reach.port)?;
            Some(self.describer.exposure(reach, &clients, front, ""))
        };
        stack.ports.iter().filter_map(answer).collect()
    }
}

/// Who can send through a Private Link service.
enum Consumers {
    Nobody,
    /// Those named here.
    Some(String),
    /// Whoever has a subscription of Azure.
    Anybody,
    Unknown(Arc<str>),
}

impl Consumers {
    /// Endpoints that were approved, and subscriptions whose endpoints need no approval.
    fn of(service: &PrivateLinkService) -> Self {
        let name = service.id.name();
        let unasked = service.approved_unasked.known().map(Vec::as_slice).unwrap_or_default();
        if unasked.iter().any(|subscription| &**subscription == "*") {
            return Consumers::Anybody;
        }
        if let Some(first) = unasked.first() {
            return Consumers::Some(format!("subscription `{first}`, unasked,{}", others(unasked.len())));
        }
        match (&service.endpoints, &service.approved_unasked) {
            (Known::Known(endpoints), _) if !endpoints.is_empty() => {
                let first = endpoints.first().map_or("", |endpoint| endpoint.name());
                Consumers::Some(format!("private endpoint `{first}`{}", others(endpoints.len())))
            }
            (Known::Known(_), Known::Known(_)) => Consumers::Nobody,
            (Known::Unknown(why), _) | (_, Known::Unknown(why)) => Consumers::Unknown(Arc::from(format!(
                "who may connect to Private Link service `{name}` is not known: {why}"
            ))),
        }
    }
}

fn others(count: usize) -> String {
    match count {
        0 | 1 => String::new(),
        many => format!(" and {} more", many - 1),
    }
}

impl PortExposure {
    /// Says who is behind the addresses that machines see.
    fn name_consumers(&mut self, who: &str, service: &str) {
        self.sentence = Arc::from(format!(
            "open to {who} through Private Link service `{service}`, which machines see as {}",
            self.sources.join(", ")
        ));
    }
}

fn listed(service: &ResourceId, exposures: Vec<PortExposure>) -> Option<WayIn> {
    let front = Front {
        address: Arc::from(service.name()),
        id: Some(service.text().clone()),
        through: None,
    };
    (!exposures.is_empty()).then(|| WayIn {
        way: Way::Private,
        front: Some(front),
        exposures: Arc::new(exposures),
    })
}
