//! The machine's end of a packet: its addresses, the groups that filter each, and what of them is not known.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::net::IpAddr;

use super::force::{InForce, in_force};
use super::holds::{Holds, Reason};
use super::packet;
use super::place::{Place, contain};
use crate::model::{
    AddressTerm, Addresses, Direction, Inventory, IpConfiguration, Known, MachineKind, Nic, Nsg, ResourceId,
    SecurityRule, ServiceTag, Vm, Why, WhyKind, choices,
};
use crate::net::AddressRange;

const FRONT_UNKNOWN: &str =
    "the address of the load balancer's frontend, which groups see with floating IP, is not in the input";

/// An estate made ready to be asked.
pub struct Estate<'i> {
    pub inventory: &'i Inventory,
    members: HashMap<&'i ResourceId, Vec<&'i Known<IpAddr>>>,
    /// Why any application security group may have further members.
    members_unread: Option<&'i Why>,
    /// The network of each group's first member, and groups with members in others.
    home: HashMap<&'i ResourceId, ResourceId>,
    spread: HashSet<&'i ResourceId>,
}

/// A machine with its addresses.
pub struct Machine<'i> {
    pub vm: &'i Vm,
    pub targets: Vec<Target<'i>>,
    /// Why it may have other addresses or other ways in.
    pub gap: Option<Why>,
}

/// One address of a machine.
#[derive(Clone)]
pub struct Target<'i> {
    pub nic: &'i Nic,
    pub configuration: &'i IpConfiguration,
    /// Id of the ip configuration.
    pub id: ResourceId,
    pub place: Place<'i>,
    /// At the subnet and at the interface.
    pub layers: [Layer<'i>; 2],
    /// Security admin rules that are or may be in force on its network.
    pub admin: Vec<InForce<'i>>,
    /// The public frontend whose address groups see instead of the machine's.
    front: Option<Fronted<'i>>,
}

/// A public frontend as the destination of rules.
#[derive(Clone)]
struct Fronted<'i> {
    address: Option<IpAddr>,
    /// Whether its address is in the `VirtualNetwork` tag.
    in_network: Holds<'i>,
}

/// What filters at one layer.
#[derive(Clone)]
pub enum Layer<'i> {
    /// No group: everything passes.
    Open,
    /// A group with its inbound rules in order of priority, the defaults among them.
    Group(&'i Nsg, Vec<&'i SecurityRule>),
    /// There is a group of this name, or there may be one; its rules are not known.
    Unread(Option<&'i str>, Reason<'i>),
}

impl<'i> Layer<'i> {
    /// Its inbound rules, where they are known.
    pub fn rules(&self) -> &[&'i SecurityRule] {
        match self {
            Layer::Group(_, rules) => rules,
            Layer::Open | Layer::Unread(..) => &[],
        }
    }
}

impl<'i> Estate<'i> {
    pub fn of(inventory: &'i Inventory) -> Self {
        let mut estate = Estate {
            inventory,
            members: HashMap::new(),
            members_unread: None,
            home: HashMap::new(),
            spread: HashSet::new(),
        };
        let inline = inventory.vms.iter().flat_map(|vm| &vm.inline_nics);
        for nic in inventory.nics.iter().chain(inline) {
            let unread = nic.ip_configurations.why().or_else(|| inventory.conflict(&nic.id));
            estate.members_unread = estate.members_unread.or(unread);
            for configuration in nic.ip_configurations.known().into_iter().flatten() {
                estate.members_unread = estate.members_unread.or(configuration.groups_unread.as_ref());
                for group in &configuration.application_security_groups {
                    estate
                        .members
                        .entry(group)
                        .or_default()
                        .push(&configuration.private_address);
                    estate.place_member(group, configuration);
                }
            }
        }
        estate
    }

    fn place_member(&mut self, group: &'i ResourceId, configuration: &IpConfiguration) {
        let subnet = configuration.subnet.known().and_then(Option::as_ref);
        let Some(network) = subnet.and_then(ResourceId::parent) else {
            return;
        };
        if *self.home.entry(group).or_insert_with(|| network.clone()) != network {
            self.spread.insert(group);
        }
    }

    /// The known addresses of a group's members.
    pub fn members(&self, group: &ResourceId) -> impl Iterator<Item = IpAddr> {
        self.members
            .get(group)
            .into_iter()
            .flatten()
            .filter_map(|address| address.known().copied())
    }

    /// Whether an address is that of a member of an application security group.
    pub fn is_member(&self, group: &ResourceId, address: IpAddr) -> Holds<'i> {
        let named = |why: &str| Holds::Maybe(Cow::Owned(format!("a member of `{}`: {why}", group.name())));
        let members = self.members.get(group);
        if members
            .into_iter()
            .flatten()
            .any(|member| **member == Known::Known(address))
        {
            let in_doubt = self.spread.contains(group) && self.inventory.choices.is(&choices::ASG_MEMBERS, "unknown");
            return match in_doubt {
                false => Holds::Yes,
                true => Holds::Maybe(Cow::Owned(format!(
                    "the members of `{}` stand in several networks",
                    group.name()
                ))),
            };
        }
        if let Some(why) = self.members_unread {
            return named(&why.text);
        }
        match members {
            Some(members) => match members.iter().find_map(|member| member.why()) {
                Some(why) => named(&why.text),
                None => Holds::No,
            },
            None if self.inventory.application_security_groups.find(group).is_some() => Holds::No,
            None => Holds::Maybe(Cow::Owned(self.inventory.why_absent(group).text.to_string())),
        }
    }

    /// A machine with every address it is known to have.
    pub fn machine(&self, vm: &'i Vm) -> Machine<'i> {
        let mut machine = Machine {
            vm,
            targets: Vec::new(),
            gap: self.inventory.conflict(&vm.id).cloned(),
        };
        if vm.kind == MachineKind::Classic {
            machine.miss(Why::new(WhyKind::NotRead, "endpoints of classic machines are not read"));
        }
        let nics = self.interfaces(&mut machine);
        if nics.is_empty() {
            machine.miss(Why::not_in_input(&format!(
                "the network interface of `{}`",
                vm.id.name()
            )));
        }
        for nic in nics {
            if let Some(why) = self.inventory.conflict(&nic.id).or(nic.ip_configurations.why()) {
                machine.miss(why.clone());
            }
            let configurations = nic.ip_configurations.known().into_iter().flatten();
            machine
                .targets
                .extend(configurations.map(|configuration| self.target(nic, configuration)));
        }
        machine
    }

    /// The interfaces that a machine names, and those that name it.
    fn interfaces(&self, machine: &mut Machine<'i>) -> Vec<&'i Nic> {
        let vm = machine.vm;
        let mut nics: Vec<&Nic> = vm.inline_nics.iter().collect();
        for id in vm.nics.known().into_iter().flatten() {
            match self.inventory.nics.find(id) {
                Some(nic) => nics.push(nic),
                None => machine.miss(self.inventory.why_absent(id)),
            }
        }
        if let Some(why) = vm.nics.why() {
            machine.miss(why.clone());
        }
        for nic in self.inventory.nics.iter().filter(|nic| nic.vm.as_ref() == Some(&vm.id)) {
            if !nics.iter().any(|known| known.id == nic.id) {
                nics.push(nic);
            }
        }
        nics
    }

    fn target(&self, nic: &'i Nic, configuration: &'i IpConfiguration) -> Target<'i> {
        let place = Place::of(self.inventory, configuration.subnet.known().and_then(Option::as_ref));
        let at_nic = match self.inventory.conflict(&nic.id) {
            Some(why) => Layer::Unread(None, Cow::Borrowed(&why.text)),
            None => self.layer(&nic.nsg),
        };
        Target {
            nic,
            configuration,
            id: nic.id.child("ipConfigurations", &configuration.name),
            layers: [self.subnet_layer(&place, configuration), at_nic],
            admin: in_force(self.inventory, place.network),
            place,
            front: None,
        }
    }

    fn subnet_layer(&self, place: &Place<'i>, configuration: &'i IpConfiguration) -> Layer<'i> {
        let unread = |why: Reason<'i>| Layer::Unread(None, why);
        match (place.network, place.subnet, &configuration.subnet) {
            (Some(network), Some(subnet), _) => {
                let conflict = self
                    .inventory
                    .conflict(&network.id)
                    .or_else(|| self.inventory.conflict(&subnet.id));
                conflict.map_or_else(|| self.layer(&subnet.nsg), |why| unread(Cow::Borrowed(&why.text)))
            }
            (_, _, Known::Known(Some(id))) => unread(Cow::Owned(self.absent_subnet(id))),
            (_, _, Known::Known(None)) => unread(Cow::Owned(format!(
                "ip configuration `{}` names no subnet",
                configuration.name
            ))),
            (_, _, Known::Unknown(why)) => unread(Cow::Borrowed(&why.text)),
        }
    }

    /// A subnet is read with its network, so a network that was refused is the reason.
    fn absent_subnet(&self, id: &ResourceId) -> String {
        let network = id.parent().map(|network| self.inventory.why_absent(&network));
        match network.filter(|why| why.kind == WhyKind::NotRead) {
            Some(why) => why.text.to_string(),
            None => format!("subnet `{}` is not in the input", id.name()),
        }
    }

    fn layer(&self, group: &'i Known<Option<ResourceId>>) -> Layer<'i> {
        let id = match group {
            Known::Known(None) => return Layer::Open,
            Known::Known(Some(id)) => id,
            Known::Unknown(why) => return Layer::Unread(None, Cow::Borrowed(&why.text)),
        };
        let unread = |why: Reason<'i>| Layer::Unread(Some(id.name()), why);
        if let Some(why) = self.inventory.conflict(id) {
            return unread(Cow::Borrowed(&why.text));
        }
        let Some(nsg) = self.inventory.nsgs.find(id) else {
            return unread(Cow::Owned(format!(
                "network security group {}",
                self.inventory.why_absent(id)
            )));
        };
        match &nsg.rules {
            Known::Known(stated) => Layer::Group(nsg, inbound(stated, &nsg.default_rules)),
            Known::Unknown(why) => unread(Cow::Borrowed(&why.text)),
        }
    }
}

/// Inbound rules in the order in which they are asked; one of unknown priority may be asked first.
fn inbound<'i>(stated: &'i [SecurityRule], defaults: &'i [SecurityRule]) -> Vec<&'i SecurityRule> {
    let inbound = |rule: &&SecurityRule| rule.direction.known() != Some(&Direction::Outbound);
    let mut rules: Vec<&SecurityRule> = stated.iter().chain(defaults).filter(inbound).collect();
    rules.sort_by_key(|rule| rule.priority.known().copied());
    rules
}

impl Machine<'_> {
    fn miss(&mut self, why: Why) {
        self.gap.get_or_insert(why);
    }
}

impl<'i> Target<'i> {
    /// Interface and ip configuration, such as `nic-web/ipconfig1`.
    pub fn name(&self) -> String {
        format!("{}/{}", self.nic.id.name(), self.configuration.name)
    }

    pub fn address(&self) -> &'i Known<IpAddr> {
        &self.configuration.private_address
    }

    /// Prefixes of its subnet, where they are known.
    pub fn prefixes(&self) -> Option<&'i [AddressRange]> {
        self.place
            .subnet
            .and_then(|subnet| subnet.prefixes.known())
            .map(Vec::as_slice)
    }

    /// No group filters at either layer, and that is certain.
    pub fn is_unfiltered(&self) -> bool {
        self.layers.iter().all(|layer| matches!(layer, Layer::Open))
    }

    /// Whether this address is among a rule's destinations.
    pub fn is_among(&self, destinations: &'i Addresses) -> Holds<'i> {
        Holds::any(destinations.terms.iter().map(|term| self.is_in(term)))
    }

    /// The same machine behind a public frontend that floats.
    pub fn fronted_at(&self, estate: &Estate<'i>, address: Option<IpAddr>) -> Self {
        let in_network = match address {
            Some(address) => self.place.in_virtual_network(address),
            None => self.all_in_network(estate),
        };
        Target {
            front: Some(Fronted { address, in_network }),
            ..self.clone()
        }
    }

    /// Whether all public addresses are in the `VirtualNetwork` tag, or none.
    fn all_in_network(&self, estate: &Estate<'i>) -> Holds<'i> {
        let unknown = Holds::Maybe(Cow::Borrowed(FRONT_UNKNOWN));
        let all = super::candidates::of_place(estate, self);
        let public = all
            .into_iter()
            .filter(|address| packet::is_public(*address) && !packet::is_platform(*address));
        let holds = public.map(|address| self.place.in_virtual_network(address));
        holds
            .reduce(|one, next| match (one, next) {
                (Holds::Yes, Holds::Yes) => Holds::Yes,
                (Holds::No, Holds::No) => Holds::No,
                _ => unknown.clone(),
            })
            .unwrap_or(unknown)
    }

    fn is_in_front(
        front: &Fronted<'i>,
        own: &[ResourceId],
        unread: Option<&'i Why>,
        term: &'i AddressTerm,
    ) -> Holds<'i> {
        match term {
            AddressTerm::Any | AddressTerm::Tag(ServiceTag::Internet) => Holds::Yes,
            AddressTerm::Range(range) => match front.address {
                Some(address) => Holds::surely(range.contains(address)),
                None => Holds::Maybe(Cow::Borrowed(FRONT_UNKNOWN)),
            },
            AddressTerm::Tag(ServiceTag::VirtualNetwork) => front.in_network.clone(),
            AddressTerm::Tag(ServiceTag::AzureLoadBalancer) => Holds::No,
            AddressTerm::Tag(ServiceTag::Named(_)) => Holds::Maybe(Cow::Borrowed(
                "whether a service tag holds the frontend, which groups see with floating IP, is not known",
            )),
            AddressTerm::Group(group) if own.contains(group) => Holds::Maybe(Cow::Borrowed(
                "whether a group of machines stands for a frontend before them is not documented",
            )),
            AddressTerm::Group(_) => unread.map_or(Holds::No, Holds::unknown),
            AddressTerm::Unknown(why) => Holds::unknown(why),
        }
    }

    fn is_in(&self, term: &'i AddressTerm) -> Holds<'i> {
        let unread = self.configuration.groups_unread.as_ref();
        if let Some(front) = &self.front {
            let own = &self.configuration.application_security_groups;
            return Self::is_in_front(front, own, unread, term);
        }
        match term {
            AddressTerm::Any | AddressTerm::Tag(ServiceTag::VirtualNetwork) => Holds::Yes,
            AddressTerm::Range(range) => self.lies_in(*range),
            // The groups see the private address, which is the network's own: no other tag holds it.
            AddressTerm::Tag(_) => Holds::No,
            AddressTerm::Group(group) => match self.configuration.application_security_groups.contains(group) {
                true => Holds::Yes,
                false => unread.map_or(Holds::No, Holds::unknown),
            },
            AddressTerm::Unknown(why) => Holds::unknown(why),
        }
    }

    /// Whether its address lies in a range; of an address that the platform chooses only the subnet is known.
    fn lies_in(&self, range: AddressRange) -> Holds<'i> {
        let why = match self.address() {
            Known::Known(address) => return Holds::surely(range.contains(*address)),
            Known::Unknown(why) => why,
        };
        let Some(prefixes) = self.prefixes() else {
            return Holds::unknown(why);
        };
        if prefixes.iter().all(|prefix| covers(range, *prefix)) && !prefixes.is_empty() {
            return Holds::Yes;
        }
        match prefixes.iter().any(|prefix| overlap(range, *prefix)) {
            true => Holds::unknown(why),
            false => Holds::No,
        }
    }

    /// Whether an address may be this one's.
    pub fn may_be_at(&self, address: IpAddr) -> Holds<'i> {
        match self.address() {
            Known::Known(own) => Holds::surely(*own == address),
            Known::Unknown(why) => match self.prefixes().is_none_or(|prefixes| contain(prefixes, address)) {
                true => Holds::unknown(why),
                false => Holds::No,
            },
        }
    }
}

fn covers(outer: AddressRange, inner: AddressRange) -> bool {
    match (outer, inner) {
        (AddressRange::V4(first, last), AddressRange::V4(from, to)) => first <= from && to <= last,
        (AddressRange::V6(first, last), AddressRange::V6(from, to)) => first <= from && to <= last,
        _ => false,
    }
}

fn overlap(one: AddressRange, other: AddressRange) -> bool {
    match (one, other) {
        (AddressRange::V4(first, last), AddressRange::V4(from, to)) => first <= to && from <= last,
        (AddressRange::V6(first, last), AddressRange::V6(from, to)) => first <= to && from <= last,
        _ => false,
    }
}
