//! Stacks of filters: what every answer for an address depends on, each distinct combination answered once.

use std::sync::Arc;

use rayon::prelude::*;

use super::admin::{self, AdminRules};
use super::analysis::{Attached, Distinct, Map, Stack};
use super::compile::{Filter, Truth};
use super::draft::{Draft, DraftTarget};
use super::environment::Environment;
use super::members::GroupMembers;
use super::stack::{LayerState, reaches};
use super::target::{Seen, Target};
use crate::model::Inventory;
use crate::net::{Family, Protocol};

pub(super) type Filters<'i> = Map<(u32, u32), Arc<Filter<'i>>>;

/// Compiles each group once for each environment it is used in.
pub(super) fn filters<'i>(inventory: &'i Inventory, environments: &[Environment], drafts: &[Draft<'_>]) -> Filters<'i> {
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
    admin_meets: Box<[Truth]>,
    family: Family,
    layers: [LayerKey; 2],
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

/// Answers each distinct stack once, and says which stacks each machine's addresses have.
pub(super) fn stacks(
    inventory: &Inventory,
    filters: &Filters<'_>,
    admin: &AdminRules<'_>,
    environments: &[Environment],
    drafts: &[Draft<'_>],
    ports: &[u16],
) -> (Vec<Stack>, Vec<Vec<TargetStacks>>) {
    let keys_of = |target: &DraftTarget<'_>| {
        let own = stack_key(filters, admin, target, own_end(target));
        let front = |at| {
            let end = front_end(inventory, environments, target, at)?;
            Some((at, stack_key(filters, admin, target, end)))
        };
        (own, target.floating().into_iter().filter_map(front).collect::<Vec<_>>())
    };
    let keys: Vec<Vec<_>> = drafts
        .par_iter()
        .map(|draft| draft.targets.iter().map(keys_of).collect())
        .collect();
    let mut distinct = Distinct::default();
    let mut index = |key: StackKey| distinct.index(key.clone(), || key);
    let mut indexes = Vec::with_capacity(keys.len());
    for of_machine in keys {
        let of_target = |(own, floating): TargetKeys| TargetStacks {
            own: index(own),
            floating: floating.into_iter().map(|(at, key)| (at, index(key))).collect(),
        };
        indexes.push(of_machine.into_iter().map(of_target).collect());
    }
    let answer = |key: StackKey| {
        let mut stack = answer_stack(filters, &key, ports);
        if let Some(environment) = environments.get(key.environment as usize) {
            apply_admin(admin, &key, environment, &mut stack);
        }
        stack
    };
    let stacks = distinct.items.into_par_iter().map(answer).collect();
    (stacks, indexes)
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
        seen: Seen::PublicFront(&environment.virtual_network),
        ..own
    })
}

fn stack_key(filters: &Filters<'_>, admin: &AdminRules<'_>, target: &DraftTarget<'_>, end: Target<'_>) -> StackKey {
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
    }
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

fn answer_stack(filters: &Filters<'_>, key: &StackKey, ports: &[u16]) -> Stack {
    let [subnet, nic] = &key.layers;
    let layers = [layer_state(filters, key, subnet), layer_state(filters, key, nic)];
    let unfiltered = layers.iter().all(|layer| matches!(layer, LayerState::Open));
    let mut ports = reaches(&layers, key.family, Protocol::Tcp, ports);
    for reach in ports.iter_mut().filter(|reach| reach.possible.is_some()) {
        reach.gaps.extend(key.vague.clone());
    }
    Stack::new(key.environment, key.family, unfiltered, ports)
}

fn layer_state<'i>(filters: &Filters<'i>, key: &StackKey, layer: &LayerKey) -> LayerState<'i> {
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
