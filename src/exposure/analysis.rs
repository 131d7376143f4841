//! The analysis of an estate: machines to addresses, addresses to stacks of filters, equal stacks answered once.
//! The stages are the functions that [`analyse`] calls, in order.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::Arc;

use rayon::prelude::*;

use super::admin::AdminRules;
use super::answer::{ExposureClass, Layer, PortExposure, Way};
use super::classify::{Clients, Describer, Platform};
use super::compile::{Filter, GroupMembers, Target, Truth};
use super::environment::{Environment, PLATFORM};
use super::stack::{LayerState, PortReach, RuleRef, reach};
use super::ways::{BalancedWay, Ways, balancer_sku, leads, translation_range};
use crate::model::{
    Addresses, Inventory, IpConfiguration, Known, LoadBalancer, MachineKind, Nic, PublicIpRef, ResourceId, Sku, Subnet,
    Vm, Why, WhyKind,
};
use crate::net::{AddressRange, AddressSet, Family, Protocol};
use crate::source::Sources;

type Map<K, V> = HashMap<K, V, foldhash::fast::RandomState>;

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
        let subnet = self
            .subnet
            .and_then(|(network, subnet)| inventory.networks.get(network)?.subnets.get(subnet as usize));
        let prefixes = subnet.and_then(|subnet| subnet.prefixes.known());
        let address = self.address.known().copied();
        let groups_unread = self.groups_unread;
        Target {
            address,
            subnet: prefixes.map(Vec::as_slice),
            groups: &self.groups,
            groups_unread,
        }
        .meets(destinations)
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
    /// The rules that let some client through.
    pub admitting: Vec<Admitting>,
    /// Why admin rules may change the answers.
    pub admin_gap: Option<Arc<str>>,
}

impl Stack {
    /// Who gets through to an analysed port.
    pub fn reach(&self, port: u16) -> Option<&PortReach> {
        self.ports.iter().find(|reach| reach.port == port)
    }
}

/// A rule that lets some client through to a port, whatever the way in.
#[derive(Clone, Debug)]
pub struct Admitting {
    pub port: u16,
    pub rule: RuleRef,
    /// Whether it surely does.
    pub sure: bool,
    pub sources: AddressSet,
}

/// Analyses the reach of TCP clients to the given ports of every machine.
pub fn analyse(inventory: &Inventory, sources: &Sources, ports: &[u16]) -> Exposures {
    let (environments, by_subnet) = environments(inventory);
    let interfaces = interfaces_by_machine(inventory);
    let drafts: Vec<Draft<'_>> = inventory
        .vms
        .as_slice()
        .par_iter()
        .map(|vm| draft(inventory, &interfaces, &by_subnet, vm))
        .collect();
    let filters = filters(inventory, &environments, &drafts);
    let admin = AdminRules::of(inventory);
    let (stacks, stack_of) = stacks(&filters, &admin, &environments, &drafts, ports);
    let answers = Answers {
        inventory,
        describer: Describer { inventory, sources },
        environments: &environments,
        stacks: &stacks,
    };
    let ways = Ways::of(inventory);
    let direct = answers.direct();
    let machines = drafts
        .into_par_iter()
        .zip(stack_of)
        .map(|(draft, stacks)| answers.machine(draft, &stacks, &ways, &direct));
    Exposures {
        machines: machines.collect(),
        stacks,
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
struct Distinct<K, V> {
    items: Vec<V>,
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
    fn index(&mut self, key: K, value: impl FnOnce() -> V) -> u32 {
        let next = u32::try_from(self.items.len()).unwrap_or(u32::MAX);
        *self.index.entry(key).or_insert_with(|| {
            self.items.push(value());
            next
        })
    }
}

/// The interfaces that name a machine from their side.
fn interfaces_by_machine(inventory: &Inventory) -> Map<&ResourceId, Vec<&Nic>> {
    let mut by_machine: Map<&ResourceId, Vec<&Nic>> = Map::default();
    for nic in inventory.nics.iter() {
        if let Some(vm) = &nic.vm {
            by_machine.entry(vm).or_default().push(nic);
        }
    }
    by_machine
}

/// A machine's addresses before anything is evaluated.
struct Draft<'i> {
    targets: Vec<DraftTarget<'i>>,
    gap: Option<Why>,
}

struct DraftTarget<'i> {
    nic: &'i Nic,
    configuration: &'i IpConfiguration,
    subnet: Option<(u32, u32)>,
    prefixes: Option<&'i [AddressRange]>,
    environment: u32,
    subnet_nsg: Attached,
    nic_nsg: Attached,
}

fn draft<'i>(
    inventory: &'i Inventory,
    interfaces: &Map<&'i ResourceId, Vec<&'i Nic>>,
    by_subnet: &Map<(u32, u32), u32>,
    vm: &'i Vm,
) -> Draft<'i> {
    let mut gap = inventory.conflict(&vm.id).cloned();
    if vm.kind == MachineKind::Classic {
        gap = gap.or_else(|| Some(Why::new(WhyKind::NotRead, "endpoints of classic machines are not read")));
    }
    let mut nics: Vec<&Nic> = vm.inline_nics.iter().collect();
    match &vm.nics {
        Known::Known(ids) => {
            for id in ids {
                match inventory.nics.find(id) {
                    Some(nic) => nics.push(nic),
                    None => gap = gap.or_else(|| Some(inventory.why_absent(id))),
                }
            }
        }
        Known::Unknown(why) => gap = gap.or_else(|| Some(why.clone())),
    }
    let claimed = interfaces.get(&vm.id).into_iter().flatten();
    let unnamed: Vec<&Nic> = claimed
        .filter(|nic| !nics.iter().any(|named| named.id == nic.id))
        .copied()
        .collect();
    nics.extend(unnamed);
    let mut targets = Vec::with_capacity(nics.len());
    if nics.is_empty() && gap.is_none() {
        gap = Some(Why::not_in_input(&format!(
            "the network interface of `{}`",
            vm.id.name()
        )));
    }
    for nic in nics {
        gap = gap.or_else(|| inventory.conflict(&nic.id).cloned());
        match &nic.ip_configurations {
            Known::Known(configurations) => {
                let of_nic = configurations
                    .iter()
                    .map(|c| draft_target(inventory, by_subnet, nic, c));
                targets.extend(of_nic);
            }
            Known::Unknown(why) => gap = gap.or_else(|| Some(why.clone())),
        }
    }
    Draft { targets, gap }
}

fn draft_target<'i>(
    inventory: &'i Inventory,
    by_subnet: &Map<(u32, u32), u32>,
    nic: &'i Nic,
    configuration: &'i IpConfiguration,
) -> DraftTarget<'i> {
    let position = configuration
        .subnet
        .known()
        .and_then(Option::as_ref)
        .and_then(|id| inventory.subnet_position(id));
    let subnet = configuration
        .subnet
        .known()
        .and_then(Option::as_ref)
        .and_then(|id| inventory.subnet(id));
    let nic_nsg = match inventory.conflict(&nic.id) {
        Some(why) => Attached::Unknown(why.text.clone()),
        None => attached(inventory, &nic.nsg),
    };
    DraftTarget {
        nic,
        configuration,
        subnet: position,
        prefixes: subnet
            .and_then(|(_, subnet)| subnet.prefixes.known())
            .map(Vec::as_slice),
        environment: position.and_then(|at| by_subnet.get(&at)).copied().unwrap_or(0),
        subnet_nsg: subnet_layer(
            inventory,
            configuration,
            subnet.map(|(network, subnet)| (&network.id, subnet)),
        ),
        nic_nsg,
    }
}

fn subnet_layer(
    inventory: &Inventory,
    configuration: &IpConfiguration,
    subnet: Option<(&ResourceId, &Subnet)>,
) -> Attached {
    match (&configuration.subnet, subnet) {
        (_, Some((network, subnet))) => match inventory.conflict(network).or_else(|| inventory.conflict(&subnet.id)) {
            Some(why) => Attached::Unknown(why.text.clone()),
            None => attached(inventory, &subnet.nsg),
        },
        (Known::Known(Some(id)), None) => Attached::Unknown(absent_subnet(inventory, id)),
        (Known::Known(None), None) => Attached::Unknown(Arc::from(format!(
            "ip configuration `{}` names no subnet",
            configuration.name
        ))),
        (Known::Unknown(why), None) => Attached::Unknown(why.text.clone()),
    }
}

/// A subnet is read with its network, so a network that was refused is the reason.
fn absent_subnet(inventory: &Inventory, id: &ResourceId) -> Arc<str> {
    let network = id.parent().map(|network| inventory.why_absent(&network));
    match network {
        Some(why) if why.kind == WhyKind::NotRead => why.text,
        _ => Arc::from(format!("subnet `{}` is not in the input", id.name())),
    }
}

fn attached(inventory: &Inventory, nsg: &Known<Option<ResourceId>>) -> Attached {
    let id = match nsg {
        Known::Known(None) => return Attached::None,
        Known::Known(Some(id)) => id,
        Known::Unknown(why) => return Attached::Unknown(why.text.clone()),
    };
    let unread = |why: Arc<str>| Attached::Unread(Arc::from(id.name()), why);
    if let Some(why) = inventory.conflict(id) {
        return unread(why.text.clone());
    }
    let Some(index) = inventory.nsgs.position(id) else {
        return unread(Arc::from(format!(
            "network security group {}",
            inventory.why_absent(id)
        )));
    };
    match inventory.nsgs.get(index).map(|nsg| &nsg.rules) {
        Some(Known::Unknown(why)) => unread(why.text.clone()),
        _ => Attached::Group(index),
    }
}

type Filters = Map<(u32, u32), Arc<Filter>>;

/// Compiles each group once for each environment it is used in.
fn filters(inventory: &Inventory, environments: &[Environment], drafts: &[Draft<'_>]) -> Filters {
    let members = GroupMembers::of(inventory);
    let mut pairs: Vec<(u32, u32)> = drafts
        .iter()
        .flat_map(|draft| &draft.targets)
        .flat_map(groups_of)
        .collect();
    pairs.sort_unstable();
    pairs.dedup();
    let compile = |(nsg, environment): (u32, u32)| {
        let environment_of = environments.get(environment as usize)?;
        let filter = Filter::compile(inventory, &members, inventory.nsgs.get(nsg)?, environment_of)?;
        Some(((nsg, environment), Arc::new(filter)))
    };
    pairs.into_par_iter().filter_map(compile).collect()
}

fn groups_of(target: &DraftTarget<'_>) -> impl Iterator<Item = (u32, u32)> + use<> {
    let environment = target.environment;
    let group = |attached: &Attached| match attached {
        Attached::Group(index) => Some(*index),
        _ => None,
    };
    [group(&target.subnet_nsg), group(&target.nic_nsg)]
        .into_iter()
        .flatten()
        .map(move |nsg| (nsg, environment))
}

/// Everything that the answers of a stack depend on.
#[derive(Clone, PartialEq, Eq, Hash)]
struct StackKey {
    environment: u32,
    admin: u32,
    family: Family,
    layers: [LayerKey; 2],
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct LayerKey {
    attached: Attached,
    meets: Box<[Truth]>,
}

/// Answers each distinct stack once, and says which stacks each machine's addresses have.
fn stacks(
    filters: &Filters,
    admin: &AdminRules<'_>,
    environments: &[Environment],
    drafts: &[Draft<'_>],
    ports: &[u16],
) -> (Vec<Stack>, Vec<Vec<u32>>) {
    let keys: Vec<Vec<StackKey>> = drafts
        .par_iter()
        .map(|draft| {
            draft
                .targets
                .iter()
                .map(|target| stack_key(filters, admin, target))
                .collect()
        })
        .collect();
    let mut distinct = Distinct::default();
    let mut indexes = Vec::with_capacity(keys.len());
    for of_machine in keys {
        let index = |key: StackKey| distinct.index(key.clone(), || key);
        indexes.push(of_machine.into_iter().map(index).collect());
    }
    let answer = |key: StackKey| {
        let mut stack = answer_stack(filters, &key, ports);
        if let Some(environment) = environments.get(key.environment as usize) {
            apply_admin(admin, key.admin, environment, &mut stack);
        }
        stack.admitting = stack.ports.iter().flat_map(admitting).collect();
        stack
    };
    let stacks = distinct.items.into_par_iter().map(answer).collect();
    (stacks, indexes)
}

fn apply_admin(admin: &AdminRules<'_>, scope: u32, environment: &Environment, stack: &mut Stack) {
    for reach in &mut stack.ports {
        let effect = admin.effect(scope, environment, reach.port);
        if let Some(why) = effect.gaps.first() {
            stack.admin_gap.get_or_insert_with(|| why.clone());
        }
        effect.apply(reach);
    }
}

fn stack_key(filters: &Filters, admin: &AdminRules<'_>, target: &DraftTarget<'_>) -> StackKey {
    let end = Target {
        address: target.configuration.private_address.known().copied(),
        subnet: target.prefixes,
        groups: &target.configuration.application_security_groups,
        groups_unread: target.configuration.groups_unread.is_some(),
    };
    let layer = |attached: &Attached| {
        let filter = match attached {
            Attached::Group(nsg) => filters.get(&(*nsg, target.environment)),
            _ => None,
        };
        LayerKey {
            attached: attached.clone(),
            meets: filter.map(|filter| filter.meets(&end)).unwrap_or_default(),
        }
    };
    StackKey {
        environment: target.environment,
        admin: admin.scope(target.subnet.map(|(network, _)| network)),
        family: target.configuration.family,
        layers: [layer(&target.subnet_nsg), layer(&target.nic_nsg)],
    }
}

fn answer_stack(filters: &Filters, key: &StackKey, ports: &[u16]) -> Stack {
    let [subnet, nic] = &key.layers;
    let layers = [layer_state(filters, key, subnet), layer_state(filters, key, nic)];
    let unfiltered = layers.iter().all(|layer| matches!(layer, LayerState::Open));
    let partly_met = key.layers.iter().any(|layer| layer.meets.contains(&Truth::Maybe));
    let answer = |port: &u16| {
        let mut answer = reach(&layers, key.family, Protocol::Tcp, *port);
        if partly_met && answer.possible.is_some() {
            answer
                .gaps
                .push(Arc::from("the private address of the machine is not in the input"));
        }
        answer
    };
    Stack {
        environment: key.environment,
        family: key.family,
        unfiltered,
        ports: ports.iter().map(answer).collect(),
        admitting: Vec::new(),
        admin_gap: None,
    }
}

fn admitting(reach: &PortReach) -> Vec<Admitting> {
    let mut rules: BTreeMap<RuleRef, (bool, Vec<AddressRange>)> = BTreeMap::new();
    let certain = reach
        .certain
        .iter()
        .chain(reach.tags.iter().flat_map(|tag| &tag.certain))
        .map(|p| (p, true));
    let possible = reach
        .possible()
        .iter()
        .chain(reach.tags.iter().flat_map(|tag| &tag.possible))
        .map(|p| (p, false));
    for (passage, sure) in certain.chain(possible) {
        if !passage.admitted || PLATFORM.is_superset(&passage.range.into()) {
            continue;
        }
        for rule in passage.deciders.into_iter().flatten() {
            let (surely, ranges) = rules.entry(rule).or_default();
            *surely |= sure;
            ranges.push(passage.range);
        }
    }
    let admitting = rules.into_iter().map(|(rule, (sure, ranges))| Admitting {
        port: reach.port,
        rule,
        sure,
        sources: AddressSet::from_ranges(ranges),
    });
    admitting.collect()
}

fn layer_state(filters: &Filters, key: &StackKey, layer: &LayerKey) -> LayerState {
    match &layer.attached {
        Attached::None => LayerState::Open,
        Attached::Unread(_, why) | Attached::Unknown(why) => LayerState::Unknown(why.clone()),
        Attached::Group(nsg) => match filters.get(&(*nsg, key.environment)) {
            Some(filter) => LayerState::Filter {
                nsg: *nsg,
                filter: filter.clone(),
                meets: layer.meets.clone(),
            },
            None => LayerState::Unknown(Arc::from("the rules of the group are unknown")),
        },
    }
}

/// The worded answers of a stack on the ways that need nothing but the stack, shared by all machines that have it.
struct Direct {
    private: Arc<Vec<PortExposure>>,
    /// By SKU of the public address: Basic, Standard, unknown. Only unfiltered stacks differ.
    public: [Arc<Vec<PortExposure>>; 3],
}

struct Answers<'a> {
    inventory: &'a Inventory,
    describer: Describer<'a>,
    environments: &'a [Environment],
    stacks: &'a [Stack],
}

impl Answers<'_> {
    fn direct(&self) -> Vec<Direct> {
        self.stacks.par_iter().map(|stack| self.direct_of(stack)).collect()
    }

    fn direct_of(&self, stack: &Stack) -> Direct {
        let of = |platform: Platform| Arc::new(self.through(stack, true, platform, |_| Some(None)));
        let unknown = Platform::Unknown(Arc::from("the SKU of the public address is not in the input"));
        let private = Arc::new(self.through(stack, false, Platform::Open, |_| Some(None)));
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

    /// The answers for each port that `lead` leads to (with the port outside, where it differs).
    fn through(
        &self,
        stack: &Stack,
        public: bool,
        platform: Platform,
        lead: impl Fn(u16) -> Option<Option<u16>>,
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
            let front_port = lead(reach.port)?;
            Some(match stack.unfiltered {
                true => {
                    let mut answer = self
                        .describer
                        .unfiltered(reach.port, front_port, &clients, platform.clone());
                    if let Some(why) = &stack.admin_gap {
                        unsettle(&mut answer, why);
                    }
                    answer
                }
                false => self.describer.exposure(reach, &clients, front_port),
            })
        };
        stack.ports.iter().filter_map(answer).collect()
    }

    fn machine(&self, draft: Draft<'_>, stacks: &[u32], ways: &Ways, direct: &[Direct]) -> MachineExposure {
        let targets = draft.targets.into_iter().zip(stacks);
        let targets = targets.filter_map(|(target, index)| {
            let stack = self.stacks.get(*index as usize)?;
            let direct = direct.get(*index as usize)?;
            Some(self.target(target, *index, stack, direct, ways))
        });
        MachineExposure {
            targets: targets.collect(),
            gap: draft.gap,
        }
    }

    fn target(
        &self,
        target: DraftTarget<'_>,
        index: u32,
        stack: &Stack,
        direct: &Direct,
        ways: &Ways,
    ) -> TargetExposure {
        let configuration = target.configuration;
        let mut found: Vec<WayIn> = self.public_way(configuration, stack, direct).into_iter().collect();
        let id = target.nic.id.child("ipConfigurations", &configuration.name);
        let network = target
            .subnet
            .and_then(|(network, _)| self.inventory.networks.get(network))
            .map(|n| &n.id);
        found.extend(
            ways.balanced(&id, configuration, network)
                .iter()
                .filter_map(|way| self.balanced_way(way, stack)),
        );
        let doubt = ways.balancer_doubt(self.inventory, &id, configuration, target.prefixes, network);
        found.extend(doubt.and_then(|why| self.doubtful_way(Way::LoadBalancer, &why, stack)));
        found.extend(self.translated_ways(&target, network, stack, ways));
        found.push(WayIn {
            way: Way::Private,
            front: None,
            exposures: direct.private.clone(),
        });
        TargetExposure {
            name: Arc::from(format!("{}/{}", target.nic.id.name(), configuration.name)),
            address: configuration.private_address.clone(),
            groups: Arc::from(configuration.application_security_groups.as_slice()),
            groups_unread: configuration.groups_unread.is_some(),
            subnet: target.subnet,
            subnet_nsg: target.subnet_nsg,
            nic_nsg: target.nic_nsg,
            stack: index,
            ways: found,
        }
    }

    /// A way that may or may not exist: open for nobody for certain.
    fn doubtful_way(&self, way: Way, why: &Arc<str>, stack: &Stack) -> Option<WayIn> {
        let mut exposures = self.through(stack, true, Platform::Unknown(why.clone()), |_| Some(None));
        exposures.retain(|exposure| exposure.class != ExposureClass::Closed);
        exposures.iter_mut().for_each(|exposure| unsettle(exposure, why));
        if exposures.is_empty() {
            return None;
        }
        let front = Front {
            address: Arc::from("unknown"),
            id: None,
            through: None,
        };
        Some(WayIn {
            way,
            front: Some(front),
            exposures: Arc::new(exposures),
        })
    }

    fn public_way(&self, configuration: &IpConfiguration, stack: &Stack, direct: &Direct) -> Option<WayIn> {
        let (sku, front) = match configuration.public_ip.as_ref()? {
            PublicIpRef::Id(id) => {
                let ip = self.inventory.public_ips.find(id);
                let conflict = self.inventory.conflict(id).is_some();
                let sku = ip.filter(|_| !conflict).and_then(|ip| ip.sku.known()).copied();
                (sku, self.front(id))
            }
            PublicIpRef::Inline { name, sku } => (
                sku.known().copied(),
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
        Some(WayIn {
            way: Way::PublicIp,
            front: Some(front),
            exposures: exposures.clone(),
        })
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

    fn balanced_way(&self, way: &BalancedWay, stack: &Stack) -> Option<WayIn> {
        let balancer = self.inventory.load_balancers.get(way.balancer)?;
        let frontend = balancer.frontends.get(way.frontend as usize)?;
        let platform = match balancer_sku(balancer) {
            Known::Known(Sku::Basic) => Platform::Open,
            Known::Known(Sku::Standard) => Platform::Closed,
            Known::Unknown(why) => Platform::Unknown(why.text.clone()),
        };
        let leads = |port| (way.port.is_none() || way.port == Some(port)).then_some(way.front_port);
        let mut exposures = self.through(stack, true, platform, leads);
        if let Some(why) = &way.unsure {
            exposures.iter_mut().for_each(|exposure| unsettle(exposure, why));
        }
        if exposures.is_empty() {
            return None;
        }
        let public_ip = frontend.public_ip.as_ref().or(frontend.public_ip_prefix.as_ref())?;
        let front = Front {
            through: Some(named(balancer)),
            ..self.front(public_ip)
        };
        Some(WayIn {
            way: Way::LoadBalancer,
            front: Some(front),
            exposures: Arc::new(exposures),
        })
    }

    /// Destination NAT: the client's filter is the rule's source list; the groups see the firewall's own subnet.
    fn translated_ways(
        &self,
        target: &DraftTarget<'_>,
        network: Option<&ResourceId>,
        stack: &Stack,
        ways: &Ways,
    ) -> Vec<WayIn> {
        let address = &target.configuration.private_address;
        let network_index = target.subnet.map(|(network, _)| network);
        let mut found = Vec::new();
        for (way, doubt) in ways.translated(address, target.prefixes, network) {
            let Some(firewall) = self.inventory.firewalls.get(way.firewall) else {
                continue;
            };
            let range = translation_range(self.inventory, firewall).map(AddressSet::from_ranges);
            let leads = leads(self.inventory, firewall, address, network_index);
            if leads == Truth::No {
                continue;
            }
            let unconnected = (leads == Truth::Maybe).then(|| {
                let name = firewall.id.name();
                Arc::from(format!(
                    "no network that holds the address is connected to firewall `{name}` in the input"
                ))
            });
            let doubt = doubt.or(unconnected);
            let led_to = stack.ports.iter().filter(|reach| way.ports.contains(reach.port));
            let exposure = |reach| {
                self.describer
                    .translated(self.inventory, way, reach, stack.unfiltered, range.as_ref())
            };
            let mut exposures: Vec<PortExposure> = led_to.map(exposure).collect();
            let open = |exposure: &PortExposure| exposure.class != ExposureClass::Closed;
            if let Some(why) = &doubt {
                exposures
                    .iter_mut()
                    .filter(|exposure| open(exposure))
                    .for_each(|exposure| unsettle(exposure, why));
            }
            if exposures.is_empty() || (way.doubtful && !exposures.iter().any(open)) {
                continue;
            }
            let outside = firewall.public_ips.first().map(|id| self.front(id));
            let front = Front {
                through: Some((Arc::from(firewall.id.name()), firewall.id.text().clone())),
                ..outside.unwrap_or(Front {
                    address: Arc::from(firewall.id.name()),
                    id: None,
                    through: None,
                })
            };
            found.push(WayIn {
                way: Way::FirewallDnat,
                front: Some(front),
                exposures: Arc::new(exposures),
            });
        }
        found
    }
}

fn named(balancer: &LoadBalancer) -> (Arc<str>, Arc<str>) {
    (Arc::from(balancer.id.name()), balancer.id.text().clone())
}

/// Makes an answer that cannot be relied on undetermined.
fn unsettle(exposure: &mut PortExposure, why: &Arc<str>) {
    exposure.class = ExposureClass::Undetermined;
    let sure = std::mem::take(&mut exposure.sources);
    exposure.possible_sources.splice(..0, sure);
    exposure.addresses = "0".to_owned();
    exposure.gaps.push(why.clone());
    exposure.sentence = Arc::from(format!("may be open: {why}"));
}
