//! Private ways that services of the platform offer: Azure Bastion, whose sign-in decides who gets in, and Private Link
//! services, whose clients are approved elsewhere.

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
use crate::model::{Known, ResourceId};
use crate::net::AddressSet;

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

    /// The Private Link services in front of an internal frontend.
    pub(super) fn private_link_ways(&self, way: &BalancedWay, stacks: &TargetStacks) -> Vec<WayIn> {
        let balancer = self.inventory.load_balancers.get(way.balancer);
        let frontend = balancer.and_then(|balancer| balancer.frontends.get(way.frontend as usize));
        let (Some(frontend), Some(stack)) = (frontend, self.stack_behind(way, stacks)) else {
            return Vec::new();
        };
        let services = self.inventory.private_link_services.iter();
        let mut found = Vec::new();
        for service in services.filter(|service| service.frontends.contains(&frontend.id)) {
            let clients = self.addresses(&service.subnets).unwrap_or_else(AddressSet::full);
            let leads = |port| way.leads_to(port).then_some(way.front);
            let mut exposures = self.for_clients(&clients, stack, leads);
            let why = Arc::from(format!(
                "who may connect to Private Link service `{}` is not in the input",
                service.id.name()
            ));
            let open = |exposure: &&mut PortExposure| exposure.class != ExposureClass::Closed;
            exposures
                .iter_mut()
                .filter(open)
                .for_each(|exposure| unsettle(exposure, &why, ""));
            found.extend(listed(&service.id, exposures));
        }
        found
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
