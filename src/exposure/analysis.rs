//! The analysis of an estate: machines to addresses, addresses to stacks of filters, equal stacks answered once.
//! The stages are the functions that [`analyse`] calls, in order.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};

use rayon::prelude::*;

use super::admin::AdminRules;
use super::admitting::{Admitting, admitting};
use super::answer::{Layer, PortExposure, Way};
use super::balancer::Balancers;
use super::classify::Describer;
use super::compile::Truth;
use super::draft::{Draft, draft, interfaces_by_machine};
use super::environment::Environment;
use super::machine::Answers;
use super::screen::Screened;
use super::stack::PortReach;
use super::stacks::stacks;
use super::target::{Seen, Target};
use super::translated::Translations;
use crate::model::{Addresses, Inventory, Known, ResourceId, Why};
use crate::net::Family;
use crate::source::Sources;

pub(super) type Map<K, V> = HashMap<K, V, foldhash::fast::RandomState>;

/// What is reachable in an estate.
pub struct Exposures {
    /// One for each machine of the inventory, in its order.
    pub machines: Vec<MachineExposure>,
    /// Distinct stacks of filters; machines refer to them by index.
    pub stacks: Vec<Stack>,
    pub environments: Vec<Environment>,
    /// The analysed ports, ascending.
    pub ports: Vec<u16>,
}

/// One machine.
#[derive(Clone, Debug, Default)]
pub struct MachineExposure {
    pub targets: Vec<TargetExposure>,
    /// Why there may be more addresses than `targets`: an interface that is not in the input.
    pub gap: Option<Why>,
}

/// One address of a machine.
#[derive(Clone, Debug)]
pub struct TargetExposure {
    /// Interface and ip configuration, such as `nic-web/ipconfig1`.
    pub name: Arc<str>,
    pub address: Known<IpAddr>,
    pub groups: Arc<[ResourceId]>,
    /// It may be in further groups.
    pub groups_unread: bool,
    /// Network and subnet by index.
    pub subnet: Option<(u32, u32)>,
    pub subnet_nsg: Attached,
    pub nic_nsg: Attached,
    /// Index of the stack.
    pub stack: u32,
    pub ways: Vec<WayIn>,
}

impl TargetExposure {
    /// Whether a rule's destination covers this address.
    pub fn meets(&self, inventory: &Inventory, destinations: &Addresses) -> Truth {
        self.end(inventory).meets(destinations)
    }

    /// It as groups see it.
    pub(super) fn end<'t>(&'t self, inventory: &'t Inventory) -> Target<'t> {
        let subnet = self
            .subnet
            .and_then(|(network, subnet)| inventory.networks.get(network)?.subnets.get(subnet as usize));
        let prefixes = subnet.and_then(|subnet| subnet.prefixes.known());
        Target {
            address: self.address.known().copied(),
            subnet: prefixes.map(Vec::as_slice),
            groups: &self.groups,
            groups_unread: self.groups_unread,
            seen: Seen::Own,
        }
    }

    /// The groups that filter it, outermost first.
    pub fn layers(&self) -> [(Layer, &Attached); 2] {
        [(Layer::Subnet, &self.subnet_nsg), (Layer::Nic, &self.nic_nsg)]
    }
}

/// The group at one layer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Attached {
    None,
    /// By index.
    Group(u32),
    /// A group of this name, whose rules are not known, and why.
    Unread(Arc<str>, Arc<str>),
    /// There may be a group or none.
    Unknown(Arc<str>),
}

impl Attached {
    /// The group, by index.
    pub fn index(&self) -> Option<u32> {
        match self {
            Attached::Group(index) => Some(*index),
            _ => None,
        }
    }

    /// A group stands here, whether its rules are known or not.
    pub fn is_group(&self) -> bool {
        matches!(self, Attached::Group(_) | Attached::Unread(..))
    }

    /// Why the rules of this layer are not known.
    pub fn unknown(&self) -> Option<&Arc<str>> {
        match self {
            Attached::Unread(_, why) | Attached::Unknown(why) => Some(why),
            Attached::None | Attached::Group(_) => None,
        }
    }
}

/// One way in, with the answer for each port that it leads to.
#[derive(Clone, Debug)]
pub struct WayIn {
    pub way: Way,
    /// What stands outside: the public address, or the load balancer or firewall and its address.
    pub front: Option<Front>,
    pub exposures: Arc<Vec<PortExposure>>,
}

#[derive(Clone, Debug)]
pub struct Front {
    /// Address where it is known, else the name of the resource.
    pub address: Arc<str>,
    pub id: Option<Arc<str>>,
    /// The balancer or firewall, where there is one.
    pub through: Option<(Arc<str>, Arc<str>)>,
}

/// A distinct stack of filters with the answers for every port.
pub struct Stack {
    pub environment: u32,
    pub family: Family,
    pub unfiltered: bool,
    /// One for each analysed port.
    pub ports: Vec<PortReach>,
    /// The private clients of each port, where firewalls on the way bear on them.
    pub(super) screened: Vec<Screened>,
    admitting: OnceLock<Vec<Admitting>>,
}

impl Stack {
    pub(super) fn new(environment: u32, family: Family, unfiltered: bool, ports: Vec<PortReach>) -> Self {
        Stack {
            environment,
            family,
            unfiltered,
            ports,
            screened: Vec::new(),
            admitting: OnceLock::new(),
        }
    }

    /// The rules that let some client through.
    pub fn admitting(&self) -> &[Admitting] {
        self.admitting
            .get_or_init(|| self.ports.iter().flat_map(admitting).collect())
    }

    /// Who may come on private paths to an analysed port, where firewalls bear on that.
    pub fn screened(&self, port: u16) -> Option<&Screened> {
        let mut of_ports = self.ports.iter().zip(&self.screened);
        of_ports
            .find(|(reach, _)| reach.port == port)
            .map(|(_, screened)| screened)
    }

    /// Who gets through to an analysed port.
    pub fn reach(&self, port: u16) -> Option<&PortReach> {
        self.ports.iter().find(|reach| reach.port == port)
    }
}

/// Analyses the reach of TCP clients to the given ports of every machine.
pub fn analyse(inventory: &Inventory, sources: &Sources, ports: &[u16]) -> Exposures {
    analyse_with(inventory, sources, ports, false)
}

/// The same; with `exact` every answer keeps its sets.
pub fn analyse_with(inventory: &Inventory, sources: &Sources, ports: &[u16], exact: bool) -> Exposures {
    let (environments, by_subnet) = environments(inventory);
    let balancers = Balancers::of(inventory);
    let interfaces = interfaces_by_machine(inventory);
    let drafts: Vec<Draft<'_>> = inventory
        .vms
        .as_slice()
        .par_iter()
        .map(|vm| draft(inventory, &balancers, &interfaces, &by_subnet, vm))
        .collect();
    let admin = AdminRules::of(inventory);
    let answers = Answers {
        inventory,
        describer: Describer {
            inventory,
            sources,
            admin: &admin,
            exact,
        },
        environments: &environments,
        stacks: &[],
        balancers: &balancers,
    };
    let stacks = stacks(inventory, &admin, &environments, &drafts, ports, |stack| {
        answers.direct(stack)
    });
    let answers = Answers {
        stacks: &stacks.all,
        ..answers
    };
    let translations = Translations::of(inventory);
    let machines = drafts
        .into_par_iter()
        .zip(stacks.of_machines)
        .map(|(draft, of_machine)| answers.machine(draft, &of_machine, &translations, &stacks.worded));
    Exposures {
        machines: machines.collect(),
        stacks: stacks.all,
        environments,
        ports: ports.to_vec(),
    }
}

/// One environment for each distinct meaning; index 0 is that of machines without a known subnet.
fn environments(inventory: &Inventory) -> (Vec<Environment>, Map<(u32, u32), u32>) {
    let positions: Vec<((u32, u32), Environment)> = (0u32..)
        .zip(inventory.networks.iter())
        .flat_map(|(at, network)| {
            (0u32..)
                .zip(&network.subnets)
                .map(move |(index, subnet)| ((at, index), network, subnet))
        })
        .collect::<Vec<_>>()
        .into_par_iter()
        .map(|(at, network, subnet)| (at, Environment::of(inventory, network, subnet)))
        .collect();
    let unknown = Environment::unknown(Arc::from("the subnet of the machine is not in the input"));
    let mut distinct = Distinct::default();
    distinct.index(unknown.key(), || unknown);
    let mut by_subnet = Map::default();
    for (at, environment) in positions {
        by_subnet.insert(at, distinct.index(environment.key(), || environment));
    }
    (distinct.items, by_subnet)
}

/// Values by key, each kept once.
pub(super) struct Distinct<K, V> {
    pub items: Vec<V>,
    index: Map<K, u32>,
}

impl<K, V> Default for Distinct<K, V> {
    fn default() -> Self {
        Distinct {
            items: Vec::new(),
            index: Map::default(),
        }
    }
}

impl<K: Eq + Hash, V> Distinct<K, V> {
    pub fn index(&mut self, key: K, value: impl FnOnce() -> V) -> u32 {
        let next = u32::try_from(self.items.len()).unwrap_or(u32::MAX);
        *self.index.entry(key).or_insert_with(|| {
            self.items.push(value());
            next
        })
    }
}
