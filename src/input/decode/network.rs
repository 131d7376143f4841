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
        Known::Known(Some(nodes)) => Known::Known(
            nodes
                .iter()
                .map(|node| ip_configuration(reader, Scope::new(node)))
                .collect(),
        ),
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
    IpConfiguration {
        primary: reader.flag(scope, "primary", false),
        family: family(reader, scope, "privateIPAddressVersion", address),
        private_address: private_address(address, &name),
        subnet: reader.known_reference(scope, "subnet"),
        public_ip: public_ip_ref(reader, scope),
        application_security_groups: reader.references(scope, "applicationSecurityGroups"),
        backend_pools: reader.references(scope, "loadBalancerBackendAddressPools"),
        inbound_nat_rules: reader.references(scope, "loadBalancerInboundNatRules"),
        inbound_nat_pools: reader.references(scope, "loadBalancerInboundNatPools"),
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
    if let Some(id) = reader.reference(scope, "publicIPAddress") {
        return Some(PublicIpRef::Id(id));
    }
    let inline = scope.object("publicIPAddressConfiguration")?;
    Some(PublicIpRef::Inline {
        name: reader.name(inline),
        sku: sku(reader, inline),
    })
}

/// The SKU. The service's own default, where none is said, has changed over the years: then it is unknown.
pub(super) fn sku(reader: &mut Reader<'_, '_>, scope: Scope<'_, '_>) -> Known<Sku> {
    let name = scope.object("sku").and_then(|sku| reader.text(sku, "name"));
    match name.as_deref().map(str::to_ascii_lowercase).as_deref() {
        Some("basic") => Known::Known(Sku::Basic),
        Some(_) => Known::Known(Sku::Standard),
        None => Known::Unknown(Why::not_in_input(&format!("the SKU of `{}`", reader.id.name()))),
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
    let subnets = reader.list(scope, "subnets");
    let peerings = reader.list(scope, "virtualNetworkPeerings");
    Some(Item::VirtualNetwork(VirtualNetwork {
        id: reader.id.clone(),
        location: reader.location(scope),
        address_space: space(reader, scope, "addressSpace"),
        subnets: subnets.iter().map(|node| subnet(reader, Scope::new(node))).collect(),
        peerings: peerings.iter().map(|node| peering(reader, Scope::new(node))).collect(),
        origin: reader.origin(scope.node),
    }))
}

fn space(reader: &mut Reader<'_, '_>, scope: Scope<'_, '_>, name: &str) -> Known<Vec<AddressRange>> {
    match scope.object(name) {
        Some(space) => reader.prefixes(space, &["addressPrefixes"]),
        None => Known::Unknown(Why::new(
            WhyKind::NotInInput,
            format!("the record of `{}` has no `{name}`", reader.id.name()),
        )),
    }
}

fn subnet(reader: &mut Reader<'_, '_>, scope: Scope<'_, '_>) -> Subnet {
    let delegations = reader.list(scope, "delegations");
    Subnet {
        id: reader.child_id(scope, "subnets"),
        prefixes: reader.prefixes(scope, &["addressPrefix", "addressPrefixes"]),
        nsg: reader.known_reference(scope, "networkSecurityGroup"),
        route_table: reader.known_reference(scope, "routeTable"),
        nat_gateway: reader.reference(scope, "natGateway"),
        delegations: delegations
            .iter()
            .filter_map(|node| reader.text(Scope::new(node), "serviceName"))
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
    Peering {
        name: reader.name(scope),
        remote: reader.reference(scope, "remoteVirtualNetwork"),
        state,
        allow_access: reader.flag(scope, "allowVirtualNetworkAccess", true),
        allow_forwarded: reader.flag(scope, "allowForwardedTraffic", false),
        use_remote_gateways: reader.flag(scope, "useRemoteGateways", false),
        remote_space: space(reader, scope, space_name),
        complete: reader.flag(scope, "peerCompleteVnets", true),
        local_subnets: reader.texts(scope, "localSubnetNames"),
        remote_subnets: reader.texts(scope, "remoteSubnetNames"),
        ipv6_only: reader.flag(scope, "enableOnlyIPv6Peering", false),
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
    let routes = match reader.known_list(scope, "routes") {
        Known::Known(nodes) => {
            let nodes = nodes.unwrap_or_default();
            Known::Known(nodes.iter().map(|node| route(reader, Scope::new(node))).collect())
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
    let configurations = reader.list(scope, "ipConfigurations");
    let sku: Option<Arc<str>> = scope.object("sku").and_then(|sku| reader.text(sku, "name"));
    Some(Item::Bastion(Bastion {
        id: reader.id.clone(),
        sku,
        subnets: configurations
            .iter()
            .filter_map(|node| reader.reference(Scope::new(node), "subnet"))
            .collect(),
        virtual_network: reader.reference(scope, "virtualNetwork"),
        origin: reader.origin(scope.node),
    }))
}
