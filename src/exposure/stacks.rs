//! Stacks of filters: what every answer for an address depends on, each distinct combination answered once.

use std::sync::Arc;

use rayon::prelude::*;

use super::admin::{self, AdminRules};
use super::analysis::{Attached, Distinct, Map, Stack};
use super::compile::{Filter, Outline, Truth};
use super::draft::{Draft, DraftTarget};
use super::environment::Environment;
use super::members::GroupMembers;
use super::screen::{Routed, Screens, screened, screens};
use super::stack::{LayerState, reaches};
use super::target::{Seen, Target};
use crate::model::Inventory;
use crate::net::{Family, Protocol};

/// Stacks that one task answers in turn: they are in the order of machines, and neighbours share groups.
const TOGETHER: usize = 32;

type Outlines<'i> = Map<u32, Outline<'i>>;

/// Looks through each group that is used.
fn outlines<'i>(inventory: &'i Inventory, drafts: &[Draft<'_>]) -> Outlines<'i> {
    let targets = drafts.iter().flat_map(|draft| &draft.targets);
    let mut used: Vec<u32> = targets
        .flat_map(|target| [&target.subnet_nsg, &target.nic_nsg])
        .filter_map(Attached::index)
        .collect();
    used.sort_unstable();
    used.dedup();
    let outline = |nsg: u32| Some((nsg, Outline::of(inventory, inventory.nsgs.get(nsg)?)?));
    used.into_par_iter().filter_map(outline).collect()
}

/// Compiles groups when they are asked for, and keeps each as long as another stack of the task needs it.
struct Filters<'a, 'i> {
    inventory: &'i Inventory,
    members: &'a GroupMembers,
    environments: &'a [Environment],
    /// How often each group will be asked for, by group and environment.
    uses: Map<(u32, u32), usize>,
    compiled: Map<(u32, u32), Option<Arc<Filter<'i>>>>,
}

impl<'i> Filters<'_, 'i> {
    fn expect(&mut self, keys: &[StackKey]) {
        for key in keys {
            for nsg in key.layers.iter().filter_map(|layer| layer.attached.index()) {
                *self.uses.entry((nsg, key.environment)).or_default() += 1;
            }
        }
    }

    fn compile(&self, (nsg, environment): (u32, u32)) -> Option<Arc<Filter<'i>>> {
        let environment = self.environments.get(environment as usize)?;
        let filter = Filter::compile(self.inventory, self.members, self.inventory.nsgs.get(nsg)?, environment)?;
        Some(Arc::new(filter))
    }

    fn take(&mut self, at: (u32, u32)) -> Option<Arc<Filter<'i>>> {
        let filter = self.compiled.remove(&at).unwrap_or_else(|| self.compile(at));
        let left = self.uses.get(&at).map_or(0, |uses| uses.saturating_sub(1));
        self.uses.insert(at, left);
        if left > 0 {
            self.compiled.insert(at, filter.clone());
        }
        filter
    }
}

/// Everything that the answers of a stack depend on.
#[derive(Clone, PartialEq, Eq, Hash)]
struct StackKey {
    environment: u32,
    admin: u32,
    admin_meets: Box<[Truth]>,
    family: Family,
    layers: [LayerKey; 2],
    /// How the address meets the rules of each firewall that gets answers of its subnet.
    screens: Box<[Box<[Truth]>]>,
    /// Why it is not known whether some rule covers the destination.
    vague: Option<Arc<str>>,
}

/// The stacks of one address.
pub(super) struct TargetStacks {
    pub own: u32,
    /// By balancer and frontend: what groups answer when they see the frontend's address.
    pub floating: Vec<((u32, u32), u32)>,
}

/// The keys of one address, and of the frontends that groups see instead.
type TargetKeys = (StackKey, Vec<((u32, u32), StackKey)>);

#[derive(Clone, PartialEq, Eq, Hash)]
struct LayerKey {
    attached: Attached,
    meets: Box<[Truth]>,
}

/// What is known of the stacks of an estate.
pub(super) struct Stacks<W> {
    pub all: Vec<Stack>,
    /// What was made of each.
    pub worded: Vec<W>,
    /// Which of them each machine's addresses have.
    pub of_machines: Vec<Vec<TargetStacks>>,
}

/// Answers each distinct stack once, and has it worded while what it says is at hand.
pub(super) fn stacks<W: Send>(
    inventory: &Inventory,
    admin: &AdminRules<'_>,
    environments: &[Environment],
    drafts: &[Draft<'_>],
    ports: &[u16],
    word: impl Fn(&Stack) -> W + Sync,
) -> Stacks<W> {
    let outlines = outlines(inventory, drafts);
    let screens = screens(inventory, environments);
    let keys_of = |target: &DraftTarget<'_>| {
        let mut own = stack_key(&outlines, admin, target, own_end(target));
        own.screens = met_screens(&screens, environments, target);
        let front = |at| {
            let end = front_end(inventory, environments, target, at)?;
            Some((at, stack_key(&outlines, admin, target, end)))
        };
        (own, target.floating().into_iter().filter_map(front).collect::<Vec<_>>())
    };
    let keys: Vec<Vec<_>> = drafts
        .par_iter()
        .map(|draft| draft.targets.iter().map(keys_of).collect())
        .collect();
    let mut distinct = Distinct::default();
    let mut index = |key: StackKey| distinct.index(key.clone(), || key);
    let mut of_machines = Vec::with_capacity(keys.len());
    for of_machine in keys {
        let of_target = |(own, floating): TargetKeys| TargetStacks {
            own: index(own),
            floating: floating.into_iter().map(|(at, key)| (at, index(key))).collect(),
        };
        of_machines.push(of_machine.into_iter().map(of_target).collect());
    }
    let members = GroupMembers::of(inventory);
    let together = |keys: &[StackKey]| {
        let mut filters = Filters {
            inventory,
            members: &members,
            environments,
            uses: Map::default(),
            compiled: Map::default(),
        };
        filters.expect(keys);
        let answer = |key: &StackKey| {
            let mut stack = answer_stack(&mut filters, key, ports);
            if let Some(environment) = environments.get(key.environment as usize) {
                apply_admin(admin, key, environment, &mut stack);
                if !key.screens.is_empty() {
                    let ports = ports
                        .iter()
                        .map(|port| screened(&screens, environment, &key.screens, *port));
                    stack.screened = ports.collect();
                }
            }
            let worded = word(&stack);
            (stack, worded)
        };
        keys.iter().map(answer).collect::<Vec<_>>()
    };
    let (all, worded) = distinct.items.par_chunks(TOGETHER).flat_map_iter(together).unzip();
    Stacks {
        all,
        worded,
        of_machines,
    }
}

fn apply_admin(admin: &AdminRules<'_>, key: &StackKey, environment: &Environment, stack: &mut Stack) {
    for reach in &mut stack.ports {
        let rules = admin.compile(key.admin, &key.admin_meets, environment, reach.port);
        admin::apply(&rules, key.family, reach);
    }
}

/// The machine's own address as groups see it.
fn own_end<'t>(target: &'t DraftTarget<'_>) -> Target<'t> {
    Target {
        address: target.configuration.private_address.known().copied(),
        subnet: target.prefixes,
        groups: &target.configuration.application_security_groups,
        groups_unread: target.configuration.groups_unread.is_some(),
        seen: Seen::Own,
    }
}

/// A frontend's address as groups see it with floating IP.
fn front_end<'t>(
    inventory: &'t Inventory,
    environments: &'t [Environment],
    target: &'t DraftTarget<'_>,
    (balancer, frontend): (u32, u32),
) -> Option<Target<'t>> {
    let frontend = inventory
        .load_balancers
        .get(balancer)?
        .frontends
        .get(frontend as usize)?;
    let own = own_end(target);
    if frontend.public_ip.is_none() && frontend.public_ip_prefix.is_none() {
        let subnet = frontend.subnet.as_ref().and_then(|id| inventory.subnet(id));
        return Some(Target {
            address: frontend.private_address,
            subnet: subnet
                .and_then(|(_, subnet)| subnet.prefixes.known())
                .map(Vec::as_slice),
            seen: Seen::InternalFront,
            ..own
        });
    }
    let public = frontend.public_ip.as_ref().and_then(|id| inventory.public_ips.find(id));
    let environment = environments.get(target.environment as usize)?;
    Some(Target {
        address: public.and_then(|ip| ip.address),
        subnet: None,
        seen: Seen::PublicFront(&environment.virtual_network, target.configuration.family),
        ..own
    })
}

fn stack_key(outlines: &Outlines<'_>, admin: &AdminRules<'_>, target: &DraftTarget<'_>, end: Target<'_>) -> StackKey {
    let layer = |attached: &Attached| {
        let outline = attached.index().and_then(|nsg| outlines.get(&nsg));
        LayerKey {
            attached: attached.clone(),
            meets: outline.map(|outline| outline.meets(&end)).unwrap_or_default(),
        }
    };
    let scope = admin.scope(target.subnet.map(|(network, _)| network));
    let layers = [layer(&target.subnet_nsg), layer(&target.nic_nsg)];
    let partly_met = layers.iter().any(|layer| layer.meets.contains(&Truth::Maybe));
    StackKey {
        vague: partly_met.then(|| Arc::from(vague(&end))),
        environment: target.environment,
        admin_meets: admin.meets(scope, &end),
        admin: scope,
        family: target.configuration.family,
        layers,
        screens: Box::default(),
    }
}

/// How an address meets the rules of the firewalls of its environment. Azure Firewall has no IPv6.
fn met_screens(screens: &Screens<'_>, environments: &[Environment], target: &DraftTarget<'_>) -> Box<[Box<[Truth]>]> {
    let environment = environments.get(target.environment as usize);
    let environment = environment.filter(|_| target.configuration.family == Family::V4);
    let address = target.configuration.private_address.known().copied();
    let routed = environment.into_iter().flat_map(|environment| &environment.routed);
    let meets = |routed: &Routed| screens.get(&routed.firewall).map(|screen| screen.meets(address));
    routed.map(|routed| meets(routed).unwrap_or_default()).collect()
}

fn vague(end: &Target<'_>) -> &'static str {
    match (end.seen, end.address) {
        (Seen::Own, None) => "the private address of the machine is not in the input",
        (Seen::Own, Some(_)) => "whether a rule covers the machine is not known",
        (_, None) => {
            "the address of the load balancer's frontend, which groups see with floating IP, is not in the input"
        }
        (_, Some(_)) => "whether a rule covers the frontend, which groups see with floating IP, is not known",
    }
}

fn answer_stack(filters: &mut Filters<'_, '_>, key: &StackKey, ports: &[u16]) -> Stack {
    let [subnet, nic] = &key.layers;
    let layers = [layer_state(filters, key, subnet), layer_state(filters, key, nic)];
    let unfiltered = layers.iter().all(|layer| matches!(layer, LayerState::Open));
    let mut ports = reaches(&layers, key.family, Protocol::Tcp, ports);
    for reach in ports.iter_mut().filter(|reach| reach.possible.is_some()) {
        reach.gaps.extend(key.vague.clone());
    }
    Stack::new(key.environment, key.family, unfiltered, ports)
}

fn layer_state<'i>(filters: &mut Filters<'_, 'i>, key: &StackKey, layer: &LayerKey) -> LayerState<'i> {
    match &layer.attached {
        Attached::None => LayerState::Open,
        Attached::Unread(_, why) | Attached::Unknown(why) => LayerState::Unknown(why.clone()),
        Attached::Group(nsg) => match filters.take((*nsg, key.environment)) {
            Some(filter) => LayerState::Filter {
                nsg: *nsg,
                filter,
                meets: layer.meets.clone(),
            },
            None => LayerState::Unknown(Arc::from("the rules of the group are unknown")),
        },
    }
}
