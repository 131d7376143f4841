//! From machines to their addresses: interfaces, subnets and the groups that stand at each, before any rule is asked.

use std::sync::Arc;

use super::analysis::{Attached, Map};
use super::balancer::{BalancedWay, Balancers};
use crate::model::{Inventory, IpConfiguration, Known, MachineKind, Nic, ResourceId, Subnet, Vm, Why, WhyKind};
use crate::net::AddressRange;

/// The interfaces that name a machine from their side.
pub(super) fn interfaces_by_machine(inventory: &Inventory) -> Map<&ResourceId, Vec<&Nic>> {
    let mut by_machine: Map<&ResourceId, Vec<&Nic>> = Map::default();
    for nic in inventory.nics.iter() {
        if let Some(vm) = &nic.vm {
            by_machine.entry(vm).or_default().push(nic);
        }
    }
    by_machine
}

/// A machine's addresses before anything is evaluated.
pub(super) struct Draft<'i> {
    pub targets: Vec<DraftTarget<'i>>,
    pub gap: Option<Why>,
}

pub(super) struct DraftTarget<'i> {
    pub nic: &'i Nic,
    pub configuration: &'i IpConfiguration,
    pub subnet: Option<(u32, u32)>,
    pub prefixes: Option<&'i [AddressRange]>,
    pub environment: u32,
    pub subnet_nsg: Attached,
    pub nic_nsg: Attached,
    /// The ways through load balancers.
    pub balanced: Vec<BalancedWay>,
}

impl DraftTarget<'_> {
    /// The id of the ip configuration, by which others name it.
    pub fn id(&self) -> ResourceId {
        self.nic.id.child("ipConfigurations", &self.configuration.name)
    }

    /// The frontends, of balancers and within them, whose addresses groups see instead of the machine's.
    pub fn floating(&self) -> Vec<(u32, u32)> {
        let floating = self.balanced.iter().filter(|way| way.floating);
        let mut fronts: Vec<(u32, u32)> = floating.map(|way| (way.balancer, way.frontend)).collect();
        fronts.dedup();
        fronts
    }
}

pub(super) fn draft<'i>(
    inventory: &'i Inventory,
    balancers: &Balancers,
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
                    .map(|c| draft_target(inventory, balancers, by_subnet, nic, c));
                targets.extend(of_nic);
            }
            Known::Unknown(why) => gap = gap.or_else(|| Some(why.clone())),
        }
    }
    Draft { targets, gap }
}

fn draft_target<'i>(
    inventory: &'i Inventory,
    balancers: &Balancers,
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
    let id = nic.id.child("ipConfigurations", &configuration.name);
    DraftTarget {
        nic,
        configuration,
        balanced: balancers.balanced(&id, configuration, subnet.map(|(network, _)| &network.id)),
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
