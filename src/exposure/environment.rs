//! What service tags and routes mean on one subnet: the same rule text admits other addresses on another subnet.

use std::net::IpAddr;
use std::sync::{Arc, LazyLock};

use super::compile::{Truth, truth};
use super::screen::{Routed, routed};
use crate::model::{
    Inventory, Known, NextHop, Peering, ResourceId, Route, RouteTable, Subnet, TagExtent, VirtualNetwork, Why, choices,
};
use crate::net::{AddressRange, AddressSet, Family, parse_range};

/// A set that is known only within bounds: `must` surely belongs to it, nothing outside `may` does.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Bounds {
    pub must: AddressSet,
    pub may: AddressSet,
}

impl From<TagExtent> for Bounds {
    fn from(extent: TagExtent) -> Self {
        Bounds {
            must: extent.must,
            may: extent.may,
        }
    }
}

impl Bounds {
    pub fn exact(set: AddressSet) -> Self {
        Bounds {
            may: set.clone(),
            must: set,
        }
    }

    pub fn add(&mut self, set: &AddressSet) {
        self.must = self.must.union(set);
        self.may = self.may.union(set);
    }

    pub fn add_possible(&mut self, set: &AddressSet) {
        self.may = self.may.union(set);
    }
}

/// The meaning of tags and routes for the machines of one subnet.
#[derive(Clone, Debug)]
pub struct Environment {
    /// The `VirtualNetwork` tag.
    pub virtual_network: Bounds,
    /// The `Internet` tag: public addresses that are not the network's own or a peer's.
    pub internet: Bounds,
    /// Unknowns that make its bounds differ.
    pub internet_gaps: Vec<Arc<str>>,
    /// Clients that can come from the internet: the same without the platform's own address.
    pub public_clients: AddressSet,
    /// Clients that can exist on private paths: everything that is no public address of somebody else.
    pub private_clients: AddressSet,
    /// Public clients to which the subnet's routes send the answer straight back.
    pub returns_to_internet: Bounds,
    /// Why the bounds of that differ.
    pub return_gaps: Vec<Arc<str>>,
    /// Unknowns that make the bounds differ.
    pub gaps: Vec<Arc<str>>,
    /// A gateway connects ranges that no configuration lists.
    pub has_gateway: bool,
    /// Firewalls that get the answers to private clients.
    pub routed: Vec<Routed>,
}

fn set(texts: &[&str]) -> AddressSet {
    AddressSet::from_ranges(
        texts
            .iter()
            .filter_map(|text| parse_range(text).ok())
            .map(|(range, _)| range),
    )
}

/// Public address space: all IPv4 but the special-use blocks that recorded expansions of the `Internet` tag leave
/// out, and global unicast IPv6. Blocks of Microsoft's own that those expansions leave out change over the years.
pub static PUBLIC: LazyLock<AddressSet> = LazyLock::new(|| {
    let special = set(&[
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.2.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "224.0.0.0/3",
    ]);
    let v4 = AddressSet {
        v4: special.v4.complement(),
        ..AddressSet::default()
    };
    v4.union(&set(&["2000::/3"]))
});

/// The platform's own address: health probes and agents, never a client.
pub static PLATFORM: LazyLock<AddressSet> = LazyLock::new(|| set(&["168.63.129.16", "fe80::1234:5678:9abc"]));

/// Addresses from which no packet can come to a machine over a network.
static NO_CLIENT: LazyLock<AddressSet> = LazyLock::new(|| {
    set(&[
        "0.0.0.0/8",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "224.0.0.0/3",
        "::/127",
        "fe80::/10",
        "ff00::/8",
    ])
});

/// Private space, where ranges behind a gateway are expected to lie.
static PRIVATE: LazyLock<AddressSet> = LazyLock::new(|| {
    set(&[
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "100.64.0.0/10",
        "fc00::/7",
    ])
});

impl Environment {
    /// The environment of a machine whose subnet is not in the input.
    pub fn unknown(why: Arc<str>) -> Self {
        Environment {
            virtual_network: Bounds {
                must: PLATFORM.clone(),
                may: AddressSet::full(),
            },
            internet: Bounds {
                must: AddressSet::empty(),
                may: PUBLIC.clone(),
            },
            internet_gaps: vec![why.clone()],
            public_clients: PUBLIC.difference(&PLATFORM),
            private_clients: PUBLIC.complement().difference(&NO_CLIENT),
            returns_to_internet: Bounds::exact(AddressSet::full()),
            return_gaps: Vec::new(),
            gaps: vec![why],
            has_gateway: false,
            routed: Vec::new(),
        }
    }

    /// Some subnet of which nothing is known but that its network uses private addresses, has no peers, and answers
    /// the internet: what a group is judged in that is attached to nothing.
    pub fn somewhere() -> Self {
        let private = PUBLIC.complement().difference(&NO_CLIENT);
        Environment {
            virtual_network: Bounds::exact(private.union(&PLATFORM)),
            internet: Bounds::exact(PUBLIC.clone()),
            internet_gaps: Vec::new(),
            public_clients: PUBLIC.difference(&PLATFORM),
            private_clients: private,
            returns_to_internet: Bounds::exact(AddressSet::full()),
            return_gaps: Vec::new(),
            gaps: Vec::new(),
            has_gateway: false,
            routed: Vec::new(),
        }
    }

    /// Everything in it: two environments with equal keys answer alike.
    pub fn key(&self) -> impl Eq + std::hash::Hash + use<> {
        let sets = (
            self.virtual_network.clone(),
            self.internet.clone(),
            self.returns_to_internet.clone(),
        );
        let gaps = (self.gaps.clone(), self.internet_gaps.clone(), self.return_gaps.clone());
        (sets, gaps, self.has_gateway, self.routed.clone())
    }

    pub fn of(inventory: &Inventory, network: &VirtualNetwork, subnet: &Subnet) -> Self {
        let mut gaps = Vec::new();
        let mut space = Bounds::exact(PLATFORM.clone());
        match &network.address_space {
            Known::Known(ranges) => space.add(&AddressSet::from_ranges(ranges.iter().copied())),
            Known::Unknown(why) => open(&mut space, &mut gaps, &why.text),
        }
        if let Some(why) = &network.unread {
            open(&mut space, &mut gaps, &why.text);
        }
        for peering in &network.peerings {
            add_peer(inventory, peering, subnet, &mut space, &mut gaps);
        }
        let has_gateway = has_gateway(network);
        // A network may use public addresses of its own: those are not the internet's.
        let mut internet = Bounds {
            must: PUBLIC.difference(&space.may.difference(&PLATFORM)),
            may: PUBLIC.difference(&space.must.difference(&PLATFORM)),
        };
        let mut internet_gaps = gaps.clone();
        if inventory.choices.is(&choices::UNKNOWN_SPACE, "private") {
            internet.must = internet.may.clone();
            internet_gaps.clear();
        }
        let public_clients = internet.may.difference(&PLATFORM);
        let private_clients = internet.may.complement().difference(&NO_CLIENT).difference(&PLATFORM);
        let mut virtual_network = space;
        if has_gateway {
            virtual_network.add_possible(&PRIVATE);
        }
        let hub = Hub::of(inventory, network);
        if let Some(hub) = &hub {
            hub.widen(&mut virtual_network, &mut gaps);
        }
        let routes = routes(inventory, subnet, &mut gaps);
        add_routes(inventory, routes, &mut virtual_network, &mut gaps);
        if inventory.choices.is(&choices::ROUTED_INTERNET, "shrinks") {
            internet.must = internet.must.difference(&virtual_network.may);
            internet.may = internet.may.difference(&virtual_network.must);
            internet_gaps.clone_from(&gaps);
        }
        // What the subnet's own routes say is chosen before what it learns from the hub.
        let learned = hub.as_ref().filter(|_| learns_routes(inventory, subnet));
        let gateway = || has_gateway && learns_routes(inventory, subnet);
        let learns = || learned.is_some() || gateway();
        let routed = routes.map(|routes| routed(inventory, network, routes, learns()));
        let taken = learned.map_or(Truth::No, |hub| hub.takes_internet);
        let (returns_to_internet, mut return_gaps) = returns_to_internet(routes, taken);
        let own_default = || routes.and_then(default_route).is_some();
        if let Some(hub) = learned.filter(|_| taken == Truth::Maybe && !own_default()) {
            return_gaps.push(hub.doubt());
        }
        Environment {
            public_clients,
            private_clients,
            returns_to_internet,
            return_gaps,
            virtual_network,
            internet,
            internet_gaps,
            gaps,
            has_gateway,
            routed: routed.unwrap_or_default(),
        }
    }
}

/// The virtual hub that a network hangs on.
struct Hub<'i> {
    name: Arc<str>,
    /// The hub's own addresses.
    prefixes: Option<&'i [AddressRange]>,
    /// Whether a default route of the hub's takes answers to the internet to its firewall or appliance.
    takes_internet: Truth,
    /// Which that is, where it is said.
    hop: Option<&'i ResourceId>,
}

/// The firewall or appliance of a virtual hub to which a subnet learns its default route, and whether it surely does.
pub fn learned_default<'i>(
    inventory: &'i Inventory,
    network: &VirtualNetwork,
    subnet: &Subnet,
) -> Option<(&'i ResourceId, Truth)> {
    let hub = Hub::of(inventory, network).filter(|_| learns_routes(inventory, subnet))?;
    Some((hub.hop?, hub.takes_internet)).filter(|(_, truth)| *truth != Truth::No)
}

impl<'i> Hub<'i> {
    /// A connection gets a default route where it is secured and the routing intent sends the internet to a firewall or
    /// appliance. One without the other leaves it open: routes of the hub's own tables are not read.
    fn of(inventory: &'i Inventory, network: &VirtualNetwork) -> Option<Self> {
        let connection = inventory.hub_connection(&network.id)?;
        let hub = connection.id.parent()?;
        let mut intents = inventory.routing_intents.iter();
        let intent = intents.find(|intent| intent.id.parent().as_ref() == Some(&hub));
        let holds = |known: &Known<bool>| known.known().map_or(Truth::Maybe, |value| truth(*value));
        let secured = holds(&connection.internet_security);
        let sent = intent.map_or(Truth::No, |intent| holds(&intent.internet));
        let prefixes = inventory.virtual_hubs.find(&hub).and_then(|hub| hub.prefixes.known());
        Some(Hub {
            name: Arc::from(hub.name()),
            prefixes: prefixes.map(Vec::as_slice),
            takes_internet: if secured == sent { secured } else { Truth::Maybe },
            hop: intent.and_then(|intent| intent.internet_hop.as_ref()),
        })
    }

    fn doubt(&self) -> Arc<str> {
        Arc::from(format!(
            "virtual hub `{}` may send answers to the internet through its firewall or appliance",
            self.name
        ))
    }

    /// The network is peered with the hub's own. What else hangs on the hub is connected, and with a default route of
    /// the hub's everything may be.
    fn widen(&self, tag: &mut Bounds, gaps: &mut Vec<Arc<str>>) {
        let own = self.prefixes.unwrap_or_default().iter().copied();
        tag.add(&AddressSet::from_ranges(own));
        let may = match self.takes_internet {
            Truth::No => PRIVATE.clone(),
            Truth::Maybe | Truth::Yes => AddressSet::full(),
        };
        tag.add_possible(&may);
        gaps.push(Arc::from(format!(
            "what virtual hub `{}` connects is not in the input",
            self.name
        )));
    }
}

fn open(space: &mut Bounds, gaps: &mut Vec<Arc<str>>, why: &Arc<str>) {
    space.may = AddressSet::full();
    gaps.push(why.clone());
}

fn has_gateway(network: &VirtualNetwork) -> bool {
    let own = network
        .subnets
        .iter()
        .any(|subnet| subnet.id.name().eq_ignore_ascii_case("GatewaySubnet"));
    own || network
        .peerings
        .iter()
        .any(|peering| peering.use_remote_gateways != Known::Known(false))
}

/// A peering counts while it is connected and access is allowed; of a subnet peering only the named subnets.
fn add_peer(inventory: &Inventory, peering: &Peering, subnet: &Subnet, space: &mut Bounds, gaps: &mut Vec<Arc<str>>) {
    let names_subnet = peering
        .local_subnets
        .iter()
        .any(|name| name.eq_ignore_ascii_case(subnet.id.name()));
    let names_subnet = names_subnet || peering.unread.is_some();
    let access = peering.allows_access(&inventory.choices);
    if access == Ok(false) || (peering.complete == Known::Known(false) && !names_subnet) {
        return;
    }
    let flags = [&peering.complete, &peering.ipv6_only];
    let unread = access.err().or_else(|| flags.into_iter().find_map(Known::why));
    let unread = unread.or(peering.unread.as_ref());
    if let Some(why) = unread {
        return open(space, gaps, &why.text);
    }
    let connected = match &peering.state {
        Known::Known(state) if state.eq_ignore_ascii_case("Connected") => true,
        Known::Known(_) => return,
        Known::Unknown(why) => {
            gaps.push(Arc::from(format!("peering `{}`: {why}", peering.name)));
            false
        }
    };
    match remote_space(inventory, peering) {
        Some(remote) if connected => space.add(&remote),
        Some(remote) => space.add_possible(&remote),
        None => {
            let why = Arc::from(format!(
                "the address space behind peering `{}` is not in the input",
                peering.name
            ));
            open(space, gaps, &why);
        }
    }
}

fn remote_space(inventory: &Inventory, peering: &Peering) -> Option<AddressSet> {
    let remote = peering.remote.as_ref().and_then(|id| inventory.networks.find(id));
    let ranges: Vec<AddressRange> = if peering.complete == Known::Known(true) {
        let current = remote.and_then(|network| network.address_space.known());
        peering
            .remote_space
            .known()
            .filter(|ranges| !ranges.is_empty())
            .or(current)?
            .clone()
    } else {
        let named = |subnet: &&Subnet| {
            peering
                .remote_subnets
                .iter()
                .any(|n| n.eq_ignore_ascii_case(subnet.id.name()))
        };
        let subnets: Vec<&Subnet> = remote?.subnets.iter().filter(named).collect();
        let prefixes: Option<Vec<_>> = subnets.iter().map(|subnet| subnet.prefixes.known().cloned()).collect();
        prefixes?.concat()
    };
    let set = AddressSet::from_ranges(ranges);
    Some(if peering.ipv6_only == Known::Known(true) {
        AddressSet {
            v6: set.v6,
            ..AddressSet::default()
        }
    } else {
        set
    })
}

/// The user-defined routes of a subnet; `None` when it has a table that is not in the input.
fn routes<'i>(inventory: &'i Inventory, subnet: &Subnet, gaps: &mut Vec<Arc<str>>) -> Option<&'i [Route]> {
    let why = match &subnet.route_table {
        Known::Known(None) => return Some(&[]),
        Known::Known(Some(id)) => match known_routes(inventory, id) {
            Ok(routes) => return Some(routes),
            Err(why) => why,
        },
        Known::Unknown(why) => why.text.clone(),
    };
    gaps.push(Arc::from(format!("routes of subnet `{}`: {why}", subnet.id.name())));
    None
}

/// Whether a subnet takes up routes that its network learns from a gateway or a hub.
fn learns_routes(inventory: &Inventory, subnet: &Subnet) -> bool {
    let table = subnet.route_table.known().and_then(Option::as_ref);
    let table = table.and_then(|id| inventory.route_tables.find(id));
    table.is_none_or(|table| !table.bgp_propagation_disabled)
}

fn known_routes<'i>(inventory: &'i Inventory, id: &ResourceId) -> Result<&'i [Route], Arc<str>> {
    let table: &RouteTable = inventory
        .route_tables
        .find(id)
        .ok_or_else(|| inventory.why_absent(id).text)?;
    if let Some(why) = inventory.conflict(id) {
        return Err(why.text.clone());
    }
    match &table.routes {
        Known::Known(routes) => Ok(routes),
        Known::Unknown(why) => Err(why.text.clone()),
    }
}

/// Prefixes of routes to an appliance or gateway are part of the `VirtualNetwork` tag of this subnet.
fn add_routes(inventory: &Inventory, routes: Option<&[Route]>, tag: &mut Bounds, gaps: &mut Vec<Arc<str>>) {
    let Some(routes) = routes else {
        tag.may = AddressSet::full();
        return;
    };
    for route in routes {
        let counts = match &route.next_hop {
            Known::Known(hop) if enters_tag(inventory, *hop) => true,
            Known::Known(_) => continue,
            Known::Unknown(_) => false,
        };
        match &route.prefix {
            Known::Known(range) if counts => tag.add(&(*range).into()),
            Known::Known(range) => tag.add_possible(&(*range).into()),
            Known::Unknown(why) => open(tag, gaps, &Arc::from(format!("route `{}`: {why}", route.name))),
        }
    }
}

/// Whether routes with this next hop put their prefix into the tag.
fn enters_tag(inventory: &Inventory, hop: NextHop) -> bool {
    match inventory.choices.of(&choices::ROUTE_TAG) {
        "every-hop" => true,
        "appliance" => hop == NextHop::VirtualAppliance,
        _ => matches!(hop, NextHop::VirtualAppliance | NextHop::VirtualNetworkGateway),
    }
}

/// The addresses whose longest matching route leads straight to the internet. Where the routes are unknown, all: what
/// the groups admit is then reported as it stands. A route of which something is unknown may lead there. `taken` tells
/// whether a default route that the subnet learns takes what its own routes leave.
fn returns_to_internet(routes: Option<&[Route]>, taken: Truth) -> (Bounds, Vec<Arc<str>>) {
    let mut by_length: Vec<(u128, AddressSet, Truth)> = Vec::new();
    let mut gaps = Vec::new();
    let mut anywhere = false;
    for route in routes.unwrap_or_default() {
        let to_internet = route
            .next_hop
            .known()
            .map_or(Truth::Maybe, |hop| truth(*hop == NextHop::Internet));
        match &route.prefix {
            Known::Known(range) => {
                let set = AddressSet::from(*range);
                by_length.push((set.count(), set, to_internet));
                gaps.extend(route.next_hop.why().map(|why| why.text.clone()));
            }
            Known::Unknown(why) if to_internet != Truth::No => {
                anywhere = true;
                gaps.push(Arc::from(format!("route `{}`: {why}", route.name)));
            }
            Known::Unknown(_) => {}
        }
    }
    // Widest first: a longer prefix then overwrites what a shorter one said.
    by_length.sort_by_key(|(size, ..)| std::cmp::Reverse(*size));
    let all_if = |all| if all { AddressSet::full() } else { AddressSet::empty() };
    let mut returns = Bounds {
        must: all_if(taken == Truth::No),
        may: all_if(taken != Truth::Yes),
    };
    for (_, range, to_internet) in by_length {
        let answer = |set: &AddressSet, yes: bool| if yes { set.union(&range) } else { set.difference(&range) };
        returns.must = answer(&returns.must, to_internet == Truth::Yes);
        returns.may = answer(&returns.may, to_internet != Truth::No);
    }
    if anywhere {
        returns.may = AddressSet::full();
    }
    (returns, gaps)
}

/// The next hop of the default route that a route table states, with the appliance's address.
fn default_route(routes: &[Route]) -> Option<(NextHop, Option<IpAddr>)> {
    let whole = |route: &&Route| matches!(route.prefix, Known::Known(AddressRange::V4(0, u32::MAX)));
    let route = routes.iter().find(whole)?;
    route.next_hop.known().map(|hop| (*hop, route.next_hop_address))
}

/// The next hop of the routes that carry most of the internet, with the appliance's address: the default route, unless
/// longer ones (two halves, say) take over. The error says what of them is not known.
pub fn internet_route(routes: &[Route]) -> Result<Option<(NextHop, Option<IpAddr>)>, Arc<str>> {
    let named = |route: &Route, why: &Why| Arc::from(format!("route `{}`: {why}", route.name));
    let mut known: Vec<(AddressSet, &Route)> = Vec::new();
    for route in routes {
        match &route.prefix {
            Known::Known(range) => known.push((AddressSet::from(*range).only(Family::V4), route)),
            Known::Unknown(why) => return Err(named(route, why)),
        }
    }
    known.sort_by_key(|(set, _)| set.count());
    let mut left = PUBLIC.only(Family::V4);
    let half = left.count() / 2;
    let beside: u128 = known
        .iter()
        .map(|(set, _)| set.count())
        .filter(|count| *count < 1 << 32)
        .sum();
    if beside < half / 2 {
        // All that is not the default route is too little to matter, as nearly always.
        known.retain(|(set, _)| set.count() == 1 << 32);
    }
    // Longer prefixes come first; those that are not half of the internet together only take from the others.
    let mut carried: Vec<(&Route, u128)> = Vec::new();
    for (set, route) in &known {
        let taken = left.intersection(set);
        left = left.difference(set);
        let alike = |(other, _): &&mut (&Route, u128)| {
            (&other.next_hop, other.next_hop_address) == (&route.next_hop, route.next_hop_address)
        };
        match carried.iter_mut().find(alike) {
            Some((_, count)) => *count += taken.count(),
            None => carried.push((route, taken.count())),
        }
    }
    let Some((route, _)) = carried.into_iter().find(|(_, count)| *count > half) else {
        return Ok(None);
    };
    match &route.next_hop {
        Known::Known(hop) => Ok(Some((*hop, route.next_hop_address))),
        Known::Unknown(why) => Err(named(route, why)),
    }
}

/// The stated routes of a subnet, where they are known.
pub fn stated_routes<'i>(inventory: &'i Inventory, subnet: &Subnet) -> Option<&'i [Route]> {
    routes(inventory, subnet, &mut Vec::new())
}
