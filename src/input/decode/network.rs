//! Interfaces, networks, addresses, routes and bastion hosts.

use std::net::IpAddr;
use std::sync::Arc;

use super::reader::{Reader, Scope};
use crate::model::{
    ApplicationSecurityGroup, Bastion, IpConfiguration, Item, Known, NextHop, Nic, Peering, PublicIp, PublicIpRef,
    Route, RouteTable, ServiceTag, Sku, Subnet, VirtualNetwork, Why, WhyKind,
};
use crate::net::{AddressRange, Family, parse_range};
use crate::syntax::Node;

pub(super) fn nic(reader: &mut Reader<'_, '_>, scope: Scope<'_, '_>) -> Option<Item> {
    Some(Item::Nic(Nic {
        id: reader.id.clone(),
        vm: reader.reference(scope, "virtualMachine"),
        nsg: reader.known_reference(scope, "networkSecurityGroup"),
        ip_configurations: ip_configurations(reader, scope),
        ip_forwarding: reader.flag(scope, "enableIPForwarding", false),
        tcp_state_tracking_disabled: reader.flag(scope, "disableTcpStateTracking", false),
        origin: reader.origin(scope.node),
    }))
}

/// An interface declared within a machine or a scale set.
pub(super) fn nic_configuration(reader: &mut Reader<'_, '_>, scope: Scope<'_, '_>) -> Nic {
    let id = reader.child_id(scope, "networkInterfaceConfigurations");
    Nic {
        vm: Some(reader.id.clone()),
        nsg: reader.known_reference(scope, "networkSecurityGroup"),
        ip_configurations: ip_configurations(reader, scope),
        ip_forwarding: reader.flag(scope, "enableIPForwarding", false),
        tcp_state_tracking_disabled: reader.flag(scope, "disableTcpStateTracking", false),
        origin: reader.origin(scope.node),
        id,
    }
}

fn ip_configurations(reader: &mut Reader<'_, '_>, scope: Scope<'_, '_>) -> Known<Vec<IpConfiguration>> {
    match reader.known_list(scope, "ipConfigurations") {
        Known::Known(Some(nodes)) => {
            let scopes: Vec<Scope<'_, '_>> = nodes.iter().map(|node| reader.scope(node)).collect();
            Known::Known(
                scopes
                    .into_iter()
                    .map(|scope| ip_configuration(reader, scope))
                    .collect(),
            )
        }
        Known::Known(None) => {
            let text = format!("the record of `{}` has no ip configurations", reader.id.name());
            Known::Unknown(Why::new(WhyKind::NotInInput, text))
        }
        Known::Unknown(why) => Known::Unknown(why),
    }
}

fn ip_configuration(reader: &mut Reader<'_, '_>, scope: Scope<'_, '_>) -> IpConfiguration {
    let name = reader.name(scope);
    let address = reader.address(scope, "privateIPAddress");
    reader.take_lost();
    let application_security_groups = reader.references(scope, "applicationSecurityGroups");
    let groups_unread = reader.take_lost();
    let backend_pools = reader.references(scope, "loadBalancerBackendAddressPools");
    let inbound_nat_rules = reader.references(scope, "loadBalancerInboundNatRules");
    let inbound_nat_pools = reader.references(scope, "loadBalancerInboundNatPools");
    let bare = reader.bare(scope);
    let balancers_unread = reader.take_lost().or_else(|| bare.clone());
    IpConfiguration {
        primary: reader.flag(scope, "primary", false),
        family: family(reader, scope, "privateIPAddressVersion", address),
        private_address: private_address(address, &name),
        subnet: reader.known_reference(scope, "subnet"),
        public_ip: bare.map(PublicIpRef::Unknown).or_else(|| public_ip_ref(reader, scope)),
        application_security_groups,
        groups_unread,
        backend_pools,
        inbound_nat_rules,
        inbound_nat_pools,
        balancers_unread,
        gateway_load_balancer: reader.reference(scope, "gatewayLoadBalancer"),
        origin: reader.origin(scope.node),
        name,
    }
}

fn private_address(address: Option<IpAddr>, name: &str) -> Known<IpAddr> {
    let why = || {
        Why::new(
            WhyKind::Dynamic,
            format!("the private address of `{name}` is not in the input"),
        )
    };
    address.map_or_else(|| Known::Unknown(why()), Known::Known)
}

fn family(reader: &mut Reader<'_, '_>, scope: Scope<'_, '_>, name: &str, address: Option<IpAddr>) -> Family {
    match (address, reader.text(scope, name)) {
        (Some(address), _) => Family::of(address),
        (None, Some(version)) if version.eq_ignore_ascii_case("IPv6") => Family::V6,
        _ => Family::V4,
    }
}

fn public_ip_ref(reader: &mut Reader<'_, '_>, scope: Scope<'_, '_>) -> Option<PublicIpRef> {
    match reader.known_reference(scope, "publicIPAddress") {
        Known::Known(Some(id)) => return Some(PublicIpRef::Id(id)),
        Known::Known(None) => {}
        Known::Unknown(why) => return Some(PublicIpRef::Unknown(why)),
    }
    let inline = reader.object(scope, "publicIPAddressConfiguration")?;
    Some(PublicIpRef::Inline {
        name: reader.name(inline),
        sku: sku(reader, inline),
    })
}

const SKUS: &[(&str, Sku)] = &[
    ("Basic", Sku::Basic),
    ("Standard", Sku::Standard),
    ("StandardV2", Sku::Standard),
    ("Gateway", Sku::Standard),
];

/// The SKU. What the service takes where none is said is a choice (`model::choices`).
pub(super) fn sku(reader: &mut Reader<'_, '_>, scope: Scope<'_, '_>) -> Known<Sku> {
    match reader.object(scope, "sku").filter(|sku| sku.get("name").is_some()) {
        Some(sku) => reader.word(sku, "name", SKUS),
        None => {
            let text = format!("the SKU of `{}` is not in the input", reader.id.name());
            Known::Unknown(Why::new(WhyKind::Unstated, text))
        }
    }
}

pub(super) fn public_ip(reader: &mut Reader<'_, '_>, scope: Scope<'_, '_>) -> Option<Item> {
    let address = reader.address(scope, "ipAddress");
    Some(Item::PublicIp(PublicIp {
        id: reader.id.clone(),
        sku: sku(reader, scope),
        address,
        family: family(reader, scope, "publicIPAddressVersion", address),
        ip_configuration: reader.reference(scope, "ipConfiguration"),
        nat_gateway: reader.reference(scope, "natGateway"),
        origin: reader.origin(scope.node),
    }))
}

pub(super) fn virtual_network(reader: &mut Reader<'_, '_>, scope: Scope<'_, '_>) -> Option<Item> {
    reader.take_lost();
    let subnets = reader.scopes(scope, "subnets");
    let peerings = reader.scopes(scope, "virtualNetworkPeerings");
    let unread = reader.take_lost();
    Some(Item::VirtualNetwork(VirtualNetwork {
        id: reader.id.clone(),
        location: reader.location(scope),
        address_space: space(reader, scope, "addressSpace"),
        subnets: subnets.into_iter().map(|scope| subnet(reader, scope)).collect(),
        peerings: peerings.into_iter().map(|scope| peering(reader, scope)).collect(),
        unread,
        origin: reader.origin(scope.node),
    }))
}

fn space(reader: &mut Reader<'_, '_>, scope: Scope<'_, '_>, name: &str) -> Known<Vec<AddressRange>> {
    match reader.object(scope, name) {
        Some(space) => reader.prefixes(space, &["addressPrefixes"]),
        None => Known::Unknown(Why::new(
            WhyKind::NotInInput,
            format!("the record of `{}` has no `{name}`", reader.id.name()),
        )),
    }
}

fn subnet(reader: &mut Reader<'_, '_>, scope: Scope<'_, '_>) -> Subnet {
    let delegations = reader.scopes(scope, "delegations");
    let bare = reader.bare(scope);
    Subnet {
        id: reader.child_id(scope, "subnets"),
        prefixes: reader.prefixes(scope, &["addressPrefix", "addressPrefixes"]),
        nsg: bare
            .clone()
            .map_or_else(|| reader.known_reference(scope, "networkSecurityGroup"), Known::Unknown),
        route_table: bare.map_or_else(|| reader.known_reference(scope, "routeTable"), Known::Unknown),
        nat_gateway: reader.reference(scope, "natGateway"),
        delegations: delegations
            .into_iter()
            .filter_map(|delegation| reader.text(delegation, "serviceName"))
            .collect(),
        origin: reader.origin(scope.node),
    }
}

pub(super) fn loose_subnet(reader: &mut Reader<'_, '_>, scope: Scope<'_, '_>) -> Option<Item> {
    Some(Item::Subnet(subnet(reader, scope)))
}

pub(super) fn loose_peering(reader: &mut Reader<'_, '_>, scope: Scope<'_, '_>) -> Option<Item> {
    let network = reader.id.parent()?;
    Some(Item::Peering(network, peering(reader, scope)))
}

fn peering(reader: &mut Reader<'_, '_>, scope: Scope<'_, '_>) -> Peering {
    let current = scope.object("remoteVirtualNetworkAddressSpace").is_some();
    let space_name = if current {
        "remoteVirtualNetworkAddressSpace"
    } else {
        "remoteAddressSpace"
    };
    let state = match reader.known_text(scope, "peeringState") {
        Known::Known(Some(state)) => Known::Known(state),
        Known::Known(None) => Known::Unknown(Why::not_in_input("the state of the peering")),
        Known::Unknown(why) => Known::Unknown(why),
    };
    reader.take_lost();
    let remote = reader.reference(scope, "remoteVirtualNetwork");
    let local_subnets = reader.texts(scope, "localSubnetNames");
    let remote_subnets = reader.texts(scope, "remoteSubnetNames");
    Peering {
        name: reader.name(scope),
        remote,
        state,
        unread: reader.take_lost(),
        allow_access: match scope.get("allowVirtualNetworkAccess") {
            Some(_) => reader.known_flag(scope, "allowVirtualNetworkAccess", true),
            None => Known::Unknown(Why::new(
                WhyKind::Unstated,
                format!("peering `{}` does not say whether it allows access", reader.name(scope)),
            )),
        },
        allow_forwarded: reader.flag(scope, "allowForwardedTraffic", false),
        use_remote_gateways: reader.known_flag(scope, "useRemoteGateways", false),
        remote_space: space(reader, scope, space_name),
        complete: reader.known_flag(scope, "peerCompleteVnets", true),
        local_subnets,
        remote_subnets,
        ipv6_only: reader.known_flag(scope, "enableOnlyIPv6Peering", false),
        origin: reader.origin(scope.node),
    }
}

pub(super) fn application_security_group(reader: &mut Reader<'_, '_>, scope: Scope<'_, '_>) -> Option<Item> {
    let origin = reader.origin(scope.node);
    Some(Item::ApplicationSecurityGroup(ApplicationSecurityGroup {
        id: reader.id.clone(),
        origin,
    }))
}

pub(super) fn route_table(reader: &mut Reader<'_, '_>, scope: Scope<'_, '_>) -> Option<Item> {
    let bare = reader.bare(scope);
    let routes = match reader.known_list(scope, "routes") {
        _ if bare.is_some() => bare.map_or(Known::Known(Vec::new()), Known::Unknown),
        Known::Known(nodes) => {
            let nodes = nodes.unwrap_or_default();
            let scopes: Vec<Scope<'_, '_>> = nodes.iter().map(|node| reader.scope(node)).collect();
            Known::Known(scopes.into_iter().map(|scope| route(reader, scope)).collect())
        }
        Known::Unknown(why) => Known::Unknown(why),
    };
    Some(Item::RouteTable(RouteTable {
        id: reader.id.clone(),
        routes,
        bgp_propagation_disabled: reader.flag(scope, "disableBgpRoutePropagation", false),
        origin: reader.origin(scope.node),
    }))
}

const NEXT_HOPS: &[(&str, NextHop)] = &[
    ("VirtualNetworkGateway", NextHop::VirtualNetworkGateway),
    ("VnetLocal", NextHop::VnetLocal),
    ("Internet", NextHop::Internet),
    ("VirtualAppliance", NextHop::VirtualAppliance),
    ("VirtualApplianceEcmp", NextHop::VirtualAppliance),
    ("None", NextHop::None),
];

fn route(reader: &mut Reader<'_, '_>, scope: Scope<'_, '_>) -> Route {
    let prefix = scope.get("addressPrefix");
    let is_range = prefix
        .and_then(Node::as_text)
        .is_some_and(|text| parse_range(text).is_ok());
    let tag = prefix
        .and_then(Node::as_text)
        .filter(|_| !is_range)
        .and_then(ServiceTag::parse);
    let range = match (prefix, &tag) {
        (_, Some(tag)) => Known::Unknown(Why::new(
            WhyKind::NotInInput,
            format!("the addresses of `{tag}` are not in the input"),
        )),
        (Some(node), None) => reader.range(node).map_or_else(Known::Unknown, Known::Known),
        (None, None) => Known::Unknown(reader.absent(scope.node, "addressPrefix")),
    };
    Route {
        name: reader.name(scope),
        prefix: range,
        tag,
        next_hop: reader.word(scope, "nextHopType", NEXT_HOPS),
        next_hop_address: reader.address(scope, "nextHopIpAddress"),
        origin: reader.origin(scope.node),
    }
}

pub(super) fn bastion(reader: &mut Reader<'_, '_>, scope: Scope<'_, '_>) -> Option<Item> {
    let configurations = reader.scopes(scope, "ipConfigurations");
    let sku: Option<Arc<str>> = reader.object(scope, "sku").and_then(|sku| reader.text(sku, "name"));
    Some(Item::Bastion(Bastion {
        id: reader.id.clone(),
        sku,
        subnets: configurations
            .into_iter()
            .filter_map(|scope| reader.reference(scope, "subnet"))
            .collect(),
        virtual_network: reader.reference(scope, "virtualNetwork"),
        origin: reader.origin(scope.node),
    }))
}
