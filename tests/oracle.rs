//! The sets that the analysis computes against an evaluator that asks each packet alone: a loop over the rules, written
//! from the semantics of Azure and sharing no code with the analysis.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "an estate without its machine fails the test; estates are built by indexing JSON"
)]

mod estate;

use std::net::{IpAddr, Ipv4Addr};

use estate::{Analysed, Estate, id, nsg_id};
use portcullis::exposure::{ExposureClass, Passage, PortExposure, Way, find_rule};
use portcullis::net::AddressRange;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::Config;
use serde_json::{Value, json};

/// The machine's address; its subnet is 10.0.0.0/24 of the network 10.0.0.0/16, which may have a peer 10.5.0.0/24.
const MACHINE: u32 = u32::from_be_bytes([10, 0, 0, 4]);
const PLATFORM: u32 = u32::from_be_bytes([168, 63, 129, 16]);
const PORTS: [u16; 3] = [22, 23, 3389];

type Prefix = (u32, u8);

const fn prefix(a: u8, b: u8, c: u8, d: u8, length: u8) -> Prefix {
    (u32::from_be_bytes([a, b, c, d]), length)
}

const NETWORK: Prefix = prefix(10, 0, 0, 0, 16);
const PEER: Prefix = prefix(10, 5, 0, 0, 24);

const PREFIXES: [Prefix; 14] = [
    prefix(0, 0, 0, 0, 0),
    prefix(0, 0, 0, 0, 1),
    prefix(128, 0, 0, 0, 1),
    prefix(10, 0, 0, 0, 24),
    prefix(10, 0, 0, 8, 29),
    prefix(10, 0, 0, 9, 32),
    prefix(10, 5, 0, 0, 24),
    prefix(10, 5, 0, 128, 25),
    prefix(10, 200, 0, 0, 24),
    prefix(203, 0, 113, 0, 24),
    prefix(203, 0, 113, 128, 25),
    prefix(203, 0, 113, 7, 32),
    prefix(8, 8, 8, 8, 32),
    prefix(168, 63, 129, 16, 32),
];

/// Where a rule's traffic comes from or goes to.
#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    Any,
    In(Prefix),
    VirtualNetwork,
    Internet,
    LoadBalancer,
    /// An application security group by number.
    Group(usize),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Wire {
    Tcp,
    Udp,
    Icmp,
    Any,
}

#[derive(Clone, Debug)]
struct Rule {
    priority: u16,
    inbound: bool,
    allow: bool,
    wire: Wire,
    sources: Vec<End>,
    source_ports: Vec<(u16, u16)>,
    destinations: Vec<End>,
    ports: Vec<(u16, u16)>,
    /// How it is spelled: one bit for each choice.
    spelling: u16,
}

/// The world outside the rules.
#[derive(Clone, Debug)]
struct World {
    peered: bool,
    /// The groups that the machine is in.
    member_of: Vec<usize>,
    subnet: Option<Vec<Rule>>,
    nic: Option<Vec<Rule>>,
}

#[derive(Clone, Copy, Debug)]
struct Packet {
    source: u32,
    source_port: u16,
    destination: u32,
    port: u16,
}

// ---- the oracle

fn within(address: u32, (first, length): Prefix) -> bool {
    length == 0 || (address ^ first) >> (32 - length) == 0
}

/// Whether an address is public space that nobody connected has: the list that Azure shows skips private and special
/// blocks, so it is not everything else.
fn is_internet(address: u32, world: &World) -> bool {
    let [a, b, c, _] = address.to_be_bytes();
    let special = match (a, b) {
        (0 | 10 | 127, _) | (224.., _) => true,
        (100, 64..=127) | (169, 254) | (172, 16..=31) | (192, 168) | (198, 18 | 19) => true,
        (192, 0) => c == 2,
        _ => false,
    };
    let of_peer = world.peered && within(address, PEER);
    !special && !of_peer && !within(address, NETWORK)
}

fn in_network(address: u32, world: &World) -> bool {
    within(address, NETWORK) || address == PLATFORM || (world.peered && within(address, PEER))
}

/// The groups an address is in: the machine's own, and 10.0.0.9, a neighbour in group 1.
fn is_member(address: u32, group: usize, world: &World) -> bool {
    (address == MACHINE && world.member_of.contains(&group))
        || (address == u32::from_be_bytes([10, 0, 0, 9]) && group == 1)
}

fn covers(ends: &[End], address: u32, world: &World) -> bool {
    for end in ends {
        let inside = match end {
            End::Any => true,
            End::In(prefix) => within(address, *prefix),
            End::VirtualNetwork => in_network(address, world),
            End::Internet => is_internet(address, world),
            End::LoadBalancer => address == PLATFORM,
            End::Group(group) => is_member(address, *group, world),
        };
        if inside {
            return true;
        }
    }
    false
}

fn holds(ranges: &[(u16, u16)], port: u16) -> bool {
    ranges.iter().any(|(first, last)| *first <= port && port <= *last)
}

fn matches(rule: &Rule, packet: Packet, world: &World) -> bool {
    rule.inbound
        && matches!(rule.wire, Wire::Tcp | Wire::Any)
        && holds(&rule.ports, packet.port)
        && holds(&rule.source_ports, packet.source_port)
        && covers(&rule.sources, packet.source, world)
        && covers(&rule.destinations, packet.destination, world)
}

/// What one group says: whether it allows, and the name of the rule that decided.
fn ask(rules: &[Rule], packet: Packet, world: &World) -> (bool, String) {
    let mut best: Option<&Rule> = None;
    for rule in rules {
        if matches(rule, packet, world) && best.is_none_or(|best| rule.priority < best.priority) {
            best = Some(rule);
        }
    }
    if let Some(rule) = best {
        return (rule.allow, name(rule));
    }
    if in_network(packet.source, world) && in_network(packet.destination, world) {
        return (true, "AllowVnetInBound".to_owned());
    }
    if packet.source == PLATFORM {
        return (true, "AllowAzureLoadBalancerInBound".to_owned());
    }
    (false, "DenyAllInBound".to_owned())
}

/// Whether both groups let the packet through, and what each decided.
fn judge(world: &World, packet: Packet) -> (bool, [Option<String>; 2]) {
    let subnet = world.subnet.as_ref().map(|rules| ask(rules, packet, world));
    let nic = world.nic.as_ref().map(|rules| ask(rules, packet, world));
    let passes = subnet.as_ref().is_none_or(|(allows, _)| *allows);
    // What the subnet stops never comes to the interface.
    let nic = nic.filter(|_| passes);
    let allowed = passes && nic.as_ref().is_none_or(|(allows, _)| *allows);
    (allowed, [subnet.map(|(_, name)| name), nic.map(|(_, name)| name)])
}

/// Whether a client that chooses its source port gets through.
fn admits(world: &World, source: u32, destination: u32, port: u16) -> bool {
    source_ports(world).into_iter().any(|source_port| {
        judge(
            world,
            Packet {
                source,
                source_port,
                destination,
                port,
            },
        )
        .0
    })
}

fn rules_of(world: &World) -> impl Iterator<Item = &Rule> {
    world.subnet.iter().chain(&world.nic).flatten()
}

/// One source port of each kind that some rule tells apart.
fn source_ports(world: &World) -> Vec<u16> {
    let mut ports = vec![0, u16::MAX];
    for (first, last) in rules_of(world).flat_map(|rule| &rule.source_ports) {
        ports.extend([first.saturating_sub(1), *first, *last, last.saturating_add(1)]);
    }
    ports.sort_unstable();
    ports.dedup();
    ports
}

/// The ends of every prefix and the addresses beside them: no set in play changes anywhere else.
fn boundaries() -> Vec<u32> {
    let special = [
        prefix(10, 0, 0, 0, 8),
        prefix(172, 16, 0, 0, 12),
        prefix(192, 168, 0, 0, 16),
        prefix(100, 64, 0, 0, 10),
        prefix(127, 0, 0, 0, 8),
        prefix(224, 0, 0, 0, 3),
        prefix(0, 0, 0, 0, 8),
        prefix(169, 254, 0, 0, 16),
        NETWORK,
        PEER,
        (MACHINE, 32),
        (PLATFORM, 32),
    ];
    let mut all = Vec::new();
    for (first, length) in PREFIXES.into_iter().chain(special) {
        let last = first | u32::MAX.checked_shr(u32::from(length)).unwrap_or(0);
        all.extend([first.wrapping_sub(1), first, last, last.wrapping_add(1)]);
    }
    all.sort_unstable();
    all.dedup();
    all
}

// ---- the estate in JSON

fn name(rule: &Rule) -> String {
    format!("r{}", rule.priority)
}

fn spelled_prefix((first, length): Prefix) -> String {
    format!("{}/{length}", Ipv4Addr::from(first))
}

fn group_id(group: usize) -> String {
    id("Microsoft.Network/applicationSecurityGroups", &format!("g{group}"))
}

fn spelled_end(end: End, spelling: u16) -> String {
    let choose = |words: [&str; 3]| {
        words
            .get(usize::from(spelling >> 4) % 3)
            .copied()
            .unwrap_or_default()
            .to_owned()
    };
    match end {
        End::Any => "*".to_owned(),
        End::In((first, 32)) if spelling & 1 != 0 => Ipv4Addr::from(first).to_string(),
        End::In(prefix) => spelled_prefix(prefix),
        End::VirtualNetwork => choose(["VirtualNetwork", "VIRTUAL_NETWORK", "virtualnetwork"]),
        End::Internet => choose(["Internet", "INTERNET", "internet"]),
        End::LoadBalancer => choose(["AzureLoadBalancer", "AZURE_LOADBALANCER", "azureloadbalancer"]),
        End::Group(_) => String::new(),
    }
}

fn write_ends(properties: &mut Value, side: &str, ends: &[End], spelling: u16) {
    let (groups, plain): (Vec<End>, Vec<End>) = ends.iter().partition(|end| matches!(end, End::Group(_)));
    let texts: Vec<String> = plain.iter().map(|end| spelled_end(*end, spelling)).collect();
    match texts.as_slice() {
        [one] if spelling & 2 == 0 => {
            properties[format!("{side}AddressPrefix")] = json!(one);
            properties[format!("{side}AddressPrefixes")] = json!([]);
        }
        [one, rest @ ..] if spelling & 8 != 0 => {
            properties[format!("{side}AddressPrefix")] = json!(one);
            properties[format!("{side}AddressPrefixes")] = json!(rest);
        }
        _ => {
            properties[format!("{side}AddressPrefix")] = if spelling & 4 == 0 { Value::Null } else { json!("") };
            properties[format!("{side}AddressPrefixes")] = json!(texts);
        }
    }
    if !groups.is_empty() {
        let references = groups.iter().map(|end| match end {
            End::Group(group) if spelling & 1 != 0 => json!({ "id": group_id(*group).to_uppercase() }),
            End::Group(group) => json!({ "id": group_id(*group) }),
            _ => Value::Null,
        });
        properties[format!("{side}ApplicationSecurityGroups")] = references.collect();
    }
}

fn write_ports(properties: &mut Value, side: &str, ranges: &[(u16, u16)], spelling: u16) {
    let spell = |range: &(u16, u16)| match *range {
        (0, u16::MAX) if spelling & 1 == 0 => json!("*"),
        (first, last) if first == last && spelling & 2 != 0 => json!(first),
        (first, last) if first == last && spelling & 4 != 0 => json!(first.to_string()),
        (first, last) => json!(format!("{first}-{last}")),
    };
    match ranges {
        [one] if spelling & 8 == 0 => properties[format!("{side}PortRange")] = spell(one),
        _ => properties[format!("{side}PortRanges")] = ranges.iter().map(spell).collect(),
    }
}

fn write_rule(rule: &Rule) -> Value {
    let cased = |text: &str| match rule.spelling % 3 {
        0 => text.to_owned(),
        1 => text.to_uppercase(),
        _ => text.to_lowercase(),
    };
    let wire = match rule.wire {
        Wire::Tcp => "Tcp",
        Wire::Udp => "Udp",
        Wire::Icmp => "Icmp",
        Wire::Any => "*",
    };
    let mut properties = json!({
        "priority": rule.priority,
        "direction": cased(if rule.inbound { "Inbound" } else { "Outbound" }),
        "access": cased(if rule.allow { "Allow" } else { "Deny" }),
        "protocol": cased(wire),
    });
    write_ends(&mut properties, "source", &rule.sources, rule.spelling);
    write_ends(&mut properties, "destination", &rule.destinations, rule.spelling >> 3);
    write_ports(&mut properties, "source", &rule.source_ports, rule.spelling >> 1);
    write_ports(&mut properties, "destination", &rule.ports, rule.spelling >> 2);
    if rule.spelling & 64 == 0 {
        return json!({ "name": name(rule), "properties": properties });
    }
    properties["name"] = json!(name(rule));
    properties
}

fn estate(world: &World) -> Estate {
    let mut estate = Estate::new()
        .public()
        .add(json!({ "id": group_id(0) }))
        .add(json!({ "id": group_id(1) }));
    if world.peered {
        estate = estate.network(
            "virtualNetworkPeerings",
            json!([{ "name": "p", "properties": {
            "peeringState": "Connected", "allowVirtualNetworkAccess": true,
            "remoteVirtualNetwork": { "id": id("Microsoft.Network/virtualNetworks", "other") },
            "remoteAddressSpace": { "addressPrefixes": [spelled_prefix(PEER)] } } }]),
        );
    }
    let groups: Vec<Value> = world
        .member_of
        .iter()
        .map(|group| json!({ "id": group_id(*group) }))
        .collect();
    estate = estate.configure("applicationSecurityGroups", json!(groups));
    estate = estate.add(
        json!({ "id": id("Microsoft.Network/networkInterfaces", "neighbour"), "properties": {
        "ipConfigurations": [{ "name": "c", "properties": { "privateIPAddress": "10.0.0.9",
            "applicationSecurityGroups": [{ "id": group_id(1) }] } }] } }),
    );
    if let Some(rules) = &world.subnet {
        estate = estate.subnet_nsg(rules.iter().map(write_rule).collect());
    }
    if let Some(rules) = &world.nic {
        estate = estate.nic_nsg(rules.iter().map(write_rule).collect());
    }
    estate
}

fn analyse(resources: Vec<Value>) -> Analysed {
    let reading = estate::read(&Value::Array(resources));
    let exposures = portcullis::exposure::analyse(&reading.inventory, &reading.sources, &PORTS);
    Analysed { reading, exposures }
}

// ---- the comparison

fn contains(range: AddressRange, address: u32) -> bool {
    matches!(range, AddressRange::V4(first, last) if first <= address && address <= last)
}

fn names(found: &Analysed, passage: &Passage) -> [Option<String>; 2] {
    passage.deciders.map(|decider| {
        let (_, rule) = find_rule(found.inventory(), decider?)?;
        Some(rule.name.to_string())
    })
}

fn stack(found: &Analysed) -> Option<&portcullis::exposure::Stack> {
    let target = found.exposures.machines.first()?.targets.first()?;
    found.exposures.stacks.get(target.stack as usize)
}

/// Every packet of the universe gets the answer of the oracle, by the same rules.
fn compare(world: &World) -> Result<(), TestCaseError> {
    let found = analyse(estate(world).resources());
    let stack = stack(&found).expect("the machine has a stack");
    for port in PORTS {
        let reach = stack.reach(port).expect("the port is analysed");
        let (certain, possible) = (reach.certainly_admitted(), reach.possibly_admitted());
        for source in boundaries() {
            let address = IpAddr::V4(Ipv4Addr::from(source));
            let truth = admits(world, source, MACHINE, port);
            prop_assert_eq!(certain.contains(address), truth, "{} to {}", address, port);
            prop_assert_eq!(possible.contains(address), truth, "{} to {}", address, port);
            let here: Vec<Passage> = reach
                .certain
                .iter()
                .filter(|passage| contains(passage.range, source))
                .collect();
            for source_port in source_ports(world) {
                let (allowed, deciders) = judge(
                    world,
                    Packet {
                        source,
                        source_port,
                        destination: MACHINE,
                        port,
                    },
                );
                let same = |passage: &Passage| passage.admitted == allowed && names(&found, passage) == deciders;
                prop_assert!(
                    here.iter().any(same),
                    "{address}:{source_port} to {port}: {deciders:?} not in {here:?}"
                );
            }
        }
        compare_answer(world, &found, Way::PublicIp, port)?;
        compare_answer(world, &found, Way::Private, port)?;
    }
    Ok(())
}

/// Whether somebody with this address can come this way at all.
fn is_client(source: u32, way: Way, world: &World) -> bool {
    let [a, b, ..] = source.to_be_bytes();
    let nobody = matches!((a, b), (0 | 127, _) | (224.., _) | (169, 254)) || source == PLATFORM;
    !nobody && (way == Way::PublicIp) == is_internet(source, world)
}

fn is_listed(exposure: &PortExposure, source: u32) -> bool {
    exposure.sources.iter().any(|text| {
        if text == "Internet" {
            return true;
        }
        let (address, length) = text.split_once('/').unwrap_or((text, "32"));
        let address = address.parse::<Ipv4Addr>().map(u32::from);
        matches!((address, length.parse()), (Ok(first), Ok(length)) if within(source, (first, length)))
    })
}

/// The printed answer says the same as the packets.
fn compare_answer(world: &World, found: &Analysed, way: Way, port: u16) -> Result<(), TestCaseError> {
    let exposure = found.at(0, way, port).expect("there is such a way");
    let unfiltered = world.subnet.is_none() && world.nic.is_none();
    // A Standard public address is closed until a group allows.
    let admitted = |source: u32| admits(world, source, MACHINE, port) && !(unfiltered && way == Way::PublicIp);
    let clients: Vec<u32> = boundaries()
        .into_iter()
        .filter(|source| is_client(*source, way, world))
        .collect();
    let any = clients.iter().any(|source| admitted(*source));
    let open = match way {
        Way::Private => exposure.class == ExposureClass::Private,
        _ => matches!(exposure.class, ExposureClass::Wide | ExposureClass::Narrow),
    };
    prop_assert_eq!(open, any, "{:?} on {}", exposure.class, port);
    prop_assert!(any || exposure.class == ExposureClass::Closed);
    prop_assert_eq!(exposure.addresses == "0", !any);
    for source in clients.into_iter().filter(|_| exposure.more_sources == 0) {
        prop_assert_eq!(
            is_listed(exposure, source),
            admitted(source),
            "{} in {:?}",
            Ipv4Addr::from(source),
            exposure.sources
        );
    }
    Ok(())
}

// ---- random estates

fn any_source() -> impl Strategy<Value = End> {
    prop_oneof![
        2 => Just(End::Any),
        6 => select(PREFIXES.to_vec()).prop_map(End::In),
        2 => Just(End::VirtualNetwork),
        2 => Just(End::Internet),
        1 => Just(End::LoadBalancer),
        1 => (0usize..2).prop_map(End::Group),
    ]
}

fn any_destination() -> impl Strategy<Value = End> {
    let prefixes = vec![
        prefix(10, 0, 0, 0, 24),
        prefix(10, 0, 0, 4, 32),
        prefix(10, 0, 0, 5, 32),
        prefix(10, 0, 0, 0, 29),
        prefix(203, 0, 114, 10, 32),
    ];
    prop_oneof![
        5 => Just(End::Any),
        4 => select(prefixes).prop_map(End::In),
        1 => Just(End::VirtualNetwork),
        1 => Just(End::Internet),
        2 => (0usize..2).prop_map(End::Group),
    ]
}

fn any_ports() -> impl Strategy<Value = Vec<(u16, u16)>> {
    let range = select(vec![
        (0, u16::MAX),
        (22, 22),
        (23, 23),
        (22, 23),
        (3389, 3389),
        (20, 22),
        (23, 4000),
        (443, 443),
    ]);
    prop::collection::vec(range, 1..3)
}

fn any_source_ports() -> impl Strategy<Value = Vec<(u16, u16)>> {
    prop_oneof![4 => Just(vec![(0, u16::MAX)]),
        1 => select(vec![vec![(22, 22)], vec![(1024, u16::MAX)], vec![(0, 1023)], vec![(0, 0), (5000, 6000)]])]
}

prop_compose! {
    fn any_rule()(
        slot in 0u16..12,
        inbound in prop::bool::weighted(0.9),
        allow in any::<bool>(),
        wire in select(vec![Wire::Tcp, Wire::Tcp, Wire::Any, Wire::Any, Wire::Udp, Wire::Icmp]),
        sources in prop::collection::vec(any_source(), 1..4),
        source_ports in any_source_ports(),
        destinations in prop::collection::vec(any_destination(), 1..3),
        ports in any_ports(),
        spelling in any::<u16>(),
    ) -> Rule {
        Rule { priority: 200 + slot * 100, inbound, allow, wire, sources, source_ports, destinations, ports, spelling }
    }
}

/// Rules of one group: each priority once for each direction, as Azure has it.
fn any_group() -> impl Strategy<Value = Vec<Rule>> {
    prop::collection::vec(any_rule(), 0..8).prop_map(|rules| {
        let mut kept: Vec<Rule> = Vec::new();
        for rule in rules {
            // Rules of both directions have names of their own.
            if !kept.iter().any(|other| other.priority == rule.priority) {
                kept.push(rule);
            }
        }
        kept
    })
}

fn any_world() -> impl Strategy<Value = World> {
    let group = || prop::option::weighted(0.8, any_group());
    let member_of = prop::sample::subsequence(vec![0usize, 1], 0..=2);
    (any::<bool>(), member_of, group(), group()).prop_map(|(peered, member_of, subnet, nic)| World {
        peered,
        member_of,
        subnet,
        nic,
    })
}

fn config(debug: u32, release: u32) -> Config {
    let mut config = Config {
        failure_persistence: None,
        ..Config::default()
    };
    if std::env::var_os("PROPTEST_CASES").is_none() {
        config.cases = if cfg!(debug_assertions) { debug } else { release };
    }
    config
}

proptest! {
    #![proptest_config(config(250, 5000))]

    #[test]
    fn sets_hold_exactly_the_packets_that_pass(world in any_world()) {
        compare(&world)?;
    }
}

// ---- unknowns

/// Something that cannot be read, and everything it could have said.
struct Riddle {
    resources: Vec<Value>,
    fillings: Vec<World>,
    /// Where the machine may be.
    destinations: Vec<u32>,
}

#[derive(Clone, Copy, Debug)]
enum Hidden {
    Access,
    Direction,
    Priority,
    Protocol,
    Sources,
    OneSource,
    SourcePorts,
    Destinations,
    Ports,
    OnePort,
    Rule,
    Rules,
    Group,
    Membership,
    PrivateAddress,
    PeeringAccess,
    SamePriority,
}

const HIDDEN: [Hidden; 17] = [
    Hidden::Access,
    Hidden::Direction,
    Hidden::Priority,
    Hidden::Protocol,
    Hidden::Sources,
    Hidden::OneSource,
    Hidden::SourcePorts,
    Hidden::Destinations,
    Hidden::Ports,
    Hidden::OnePort,
    Hidden::Rule,
    Hidden::Rules,
    Hidden::Group,
    Hidden::Membership,
    Hidden::PrivateAddress,
    Hidden::PeeringAccess,
    Hidden::SamePriority,
];

/// A value that nothing can be made of.
fn garbage() -> Value {
    json!({ "?": [true] })
}

fn some_ends() -> Vec<Vec<End>> {
    let prefixes = PREFIXES.iter().map(|prefix| vec![End::In(*prefix)]);
    let other = [
        End::Any,
        End::VirtualNetwork,
        End::Internet,
        End::LoadBalancer,
        End::Group(0),
        End::Group(1),
    ];
    prefixes.chain(other.into_iter().map(|end| vec![end])).collect()
}

fn some_ports() -> Vec<Vec<(u16, u16)>> {
    vec![
        vec![(0, u16::MAX)],
        vec![(22, 22)],
        vec![(23, 23)],
        vec![(3389, 3389)],
        vec![(443, 443)],
        vec![(0, 1023)],
    ]
}

/// The pointer of a rule in the resources: the group's resource, and the rule within.
fn rule_slot<'v>(resources: &'v mut [Value], group: &str, at: usize) -> Option<&'v mut Value> {
    let group = resources.iter_mut().find(|resource| resource["id"] == nsg_id(group))?;
    group.pointer_mut(&format!("/properties/securityRules/{at}"))
}

fn rules_mut<'w>(world: &'w mut World, group: &str) -> Option<&'w mut Vec<Rule>> {
    if group == "sub" {
        world.subnet.as_mut()
    } else {
        world.nic.as_mut()
    }
}

/// The world with one rule said in another way.
fn variants(world: &World, group: &str, at: usize, change: impl Fn(&mut Rule) -> bool) -> Option<World> {
    let mut world = world.clone();
    let rule = rules_mut(&mut world, group)?.get_mut(at)?;
    change(rule).then_some(world)
}

fn set(rule: &mut Value, fields: &[&str], value: &Value) {
    let wrapped = rule.get("properties").is_some();
    let target = if wrapped { &mut rule["properties"] } else { rule };
    for field in fields {
        target[*field] = value.clone();
    }
}

fn replaced<T: Clone>(all: Vec<T>, world: &World, group: &str, at: usize, put: impl Fn(&mut Rule, T)) -> Vec<World> {
    let world_with = |value: T| {
        variants(world, group, at, |rule| {
            put(rule, value.clone());
            true
        })
    };
    all.into_iter().filter_map(world_with).collect()
}

fn riddle(world: &World, hidden: Hidden, group: &str, at: usize) -> Option<Riddle> {
    let mut resources = estate(world).resources();
    let mut destinations = vec![MACHINE];
    let here = vec![world.clone()];
    let mut hide = |fields: &[&str], value: &Value| {
        let slot = rule_slot(&mut resources, group, at)?;
        set(slot, fields, value);
        Some(())
    };
    const SOURCES: &[&str] = &[
        "sourceAddressPrefix",
        "sourceAddressPrefixes",
        "sourceApplicationSecurityGroups",
    ];
    const DESTINATIONS: &[&str] = &[
        "destinationAddressPrefix",
        "destinationAddressPrefixes",
        "destinationApplicationSecurityGroups",
    ];
    let fillings = match hidden {
        Hidden::Access => {
            hide(&["access"], &json!("Perhaps"))?;
            replaced(vec![true, false], world, group, at, |rule, allow| rule.allow = allow)
        }
        Hidden::Direction => {
            hide(&["direction"], &garbage())?;
            replaced(vec![true, false], world, group, at, |rule, inbound| {
                rule.inbound = inbound
            })
        }
        Hidden::Priority => {
            hide(&["priority"], &json!("first"))?;
            let slots = (0u16..14).map(|slot| 150 + slot * 100).collect();
            replaced(slots, world, group, at, |rule, priority| rule.priority = priority)
        }
        Hidden::Protocol => {
            hide(&["protocol"], &json!(6))?;
            replaced(vec![Wire::Tcp, Wire::Udp, Wire::Any], world, group, at, |rule, wire| {
                rule.wire = wire
            })
        }
        Hidden::Sources => {
            hide(SOURCES, &garbage())?;
            replaced(some_ends(), world, group, at, |rule, ends| rule.sources = ends)
        }
        Hidden::OneSource => {
            // One element of a list beside those that can be read.
            let slot = rule_slot(&mut resources, group, at)?;
            let target = if slot.get("properties").is_some() {
                &mut slot["properties"]
            } else {
                slot
            };
            let list = target.get_mut("sourceAddressPrefixes")?.as_array_mut()?;
            list.push(json!("300.1.1.1"));
            replaced(some_ends(), world, group, at, |rule, ends| rule.sources.extend(ends))
        }
        Hidden::SourcePorts => {
            hide(&["sourcePortRange", "sourcePortRanges"], &garbage())?;
            replaced(some_ports(), world, group, at, |rule, ports| rule.source_ports = ports)
        }
        Hidden::Destinations => {
            hide(DESTINATIONS, &garbage())?;
            let ends = vec![
                vec![End::Any],
                vec![End::In((MACHINE, 32))],
                vec![End::Internet],
                vec![End::Group(0)],
            ];
            replaced(ends, world, group, at, |rule, ends| rule.destinations = ends)
        }
        Hidden::Ports => {
            hide(&["destinationPortRange", "destinationPortRanges"], &garbage())?;
            replaced(some_ports(), world, group, at, |rule, ports| rule.ports = ports)
        }
        Hidden::OnePort => {
            hide(&["destinationPortRange"], &json!("22-20"))?;
            let mut without = replaced(some_ports(), world, group, at, |rule, ports| {
                // The singular field is hidden; whatever the list says still holds.
                if rule.ports.len() == 1 && (rule.spelling >> 2) & 8 == 0 {
                    rule.ports.clear();
                }
                rule.ports.extend(ports);
            });
            without.retain(|world| !rules_of(world).any(|rule| rule.ports.is_empty()));
            without
        }
        Hidden::Rule => {
            *rule_slot(&mut resources, group, at)? = json!("portcullis");
            // The rule may be any: opposite answers for everything, first, last, or none for this machine.
            let all = [(true, 150), (false, 150), (true, 3000), (false, 3000)].to_vec();
            replaced(all, world, group, at, |rule, (allow, priority)| {
                *rule = Rule {
                    allow,
                    priority,
                    inbound: true,
                    wire: Wire::Any,
                    sources: vec![End::Any],
                    source_ports: vec![(0, u16::MAX)],
                    destinations: vec![End::Any],
                    ports: vec![(0, u16::MAX)],
                    spelling: 0,
                };
            })
        }
        Hidden::Rules => {
            let resource = resources.iter_mut().find(|resource| resource["id"] == nsg_id(group))?;
            resource["properties"]["securityRules"] = json!(7);
            all_or_nothing(world, group)
        }
        Hidden::Group => {
            let kind = "networkSecurityGroup";
            for resource in &mut resources {
                let holder = if group == "sub" {
                    "/properties/subnets/0/properties"
                } else {
                    "/properties"
                };
                let is_holder = resource["id"] == id("Microsoft.Network/virtualNetworks", "vnet") && group == "sub"
                    || resource["id"] == id("Microsoft.Network/networkInterfaces", "nic") && group == "nic";
                if is_holder {
                    resource.pointer_mut(holder)?[kind] = json!({ "id": 7 });
                }
            }
            let mut fillings = all_or_nothing(world, group);
            let mut without = world.clone();
            if group == "sub" {
                without.subnet = None
            } else {
                without.nic = None
            }
            fillings.push(without);
            fillings
        }
        Hidden::Membership => {
            let nic = resources
                .iter_mut()
                .find(|r| r["id"] == id("Microsoft.Network/networkInterfaces", "nic"))?;
            let properties = nic.pointer_mut("/properties/ipConfigurations/0/properties")?;
            properties["applicationSecurityGroups"] = json!([7]);
            [vec![], vec![0], vec![1], vec![0, 1]]
                .into_iter()
                .map(|member_of| World {
                    member_of,
                    ..world.clone()
                })
                .collect()
        }
        Hidden::PrivateAddress => {
            let nic = resources
                .iter_mut()
                .find(|r| r["id"] == id("Microsoft.Network/networkInterfaces", "nic"))?;
            nic.pointer_mut("/properties/ipConfigurations/0/properties")?["privateIPAddress"] = json!("10.0.0.300");
            // Members of groups are told apart by their address, so the machine is in none here.
            if !world.member_of.is_empty() {
                return None;
            }
            destinations = vec![MACHINE, MACHINE + 1, MACHINE - 1, MACHINE + 10];
            here
        }
        Hidden::PeeringAccess => {
            let network = resources
                .iter_mut()
                .find(|r| r["id"] == id("Microsoft.Network/virtualNetworks", "vnet"))?;
            let peering = network.pointer_mut("/properties/virtualNetworkPeerings/0/properties")?;
            peering["allowVirtualNetworkAccess"] = json!("perhaps");
            [true, false]
                .into_iter()
                .map(|peered| World {
                    peered,
                    ..world.clone()
                })
                .collect()
        }
        Hidden::SamePriority => {
            let rules = rules_mut(&mut world.clone(), group)?.clone();
            let mine = rules.get(at)?;
            let other = rules.iter().find(|other| other.inbound && other.allow != mine.allow)?;
            hide(&["priority"], &json!(other.priority))?;
            replaced(
                vec![other.priority - 1, other.priority + 1],
                world,
                group,
                at,
                |rule, priority| rule.priority = priority,
            )
        }
    };
    Some(Riddle {
        resources,
        fillings,
        destinations,
    })
}

/// The world in which one group allows or denies everything.
fn all_or_nothing(world: &World, group: &str) -> Vec<World> {
    let rule = |allow| Rule {
        priority: 100,
        inbound: true,
        allow,
        wire: Wire::Any,
        sources: vec![End::Any],
        source_ports: vec![(0, u16::MAX)],
        destinations: vec![End::Any],
        ports: vec![(0, u16::MAX)],
        spelling: 0,
    };
    let with = |rules: Vec<Rule>| {
        let mut world = world.clone();
        if group == "sub" {
            world.subnet = Some(rules)
        } else {
            world.nic = Some(rules)
        }
        world
    };
    vec![with(vec![rule(true)]), with(vec![rule(false)]), with(Vec::new())]
}

/// However the unknown turns out: who surely gets through does, and who gets through was thought possible.
fn bounded(riddle: &Riddle) -> Result<(), TestCaseError> {
    let found = analyse(riddle.resources.clone());
    let stack = stack(&found).expect("the machine has a stack");
    for port in PORTS {
        let reach = stack.reach(port).expect("the port is analysed");
        let (certain, possible) = (reach.certainly_admitted(), reach.possibly_admitted());
        for source in boundaries() {
            let address = IpAddr::V4(Ipv4Addr::from(source));
            for world in &riddle.fillings {
                for destination in &riddle.destinations {
                    let truth = admits(world, source, *destination, port);
                    prop_assert!(
                        truth || !certain.contains(address),
                        "{address} to {port} is not sure: {world:#?}"
                    );
                    prop_assert!(
                        !truth || possible.contains(address),
                        "{address} to {port} is possible: {world:#?}"
                    );
                }
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(config(250, 5000))]

    #[test]
    fn unknowns_are_bounded_by_everything_they_could_mean(
        world in any_world(), hidden in select(HIDDEN.to_vec()), at in 0usize..8, subnet in any::<bool>(),
    ) {
        let group = if subnet { "sub" } else { "nic" };
        let rules = if subnet { &world.subnet } else { &world.nic };
        let at = at % rules.as_ref().map_or(1, |rules| rules.len().max(1));
        if let Some(riddle) = riddle(&world, hidden, group, at) {
            bounded(&riddle)?;
        }
    }

    #[test]
    fn of_two_rules_of_one_priority_either_may_come_first(world in any_world(), at in 0usize..8) {
        for group in ["sub", "nic"] {
            if let Some(riddle) = riddle(&world, Hidden::SamePriority, group, at) {
                bounded(&riddle)?;
            }
        }
    }
}
