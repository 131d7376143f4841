//! Load balancers.

use std::sync::Arc;

use super::network::sku;
use super::reader::{Reader, Scope};
use crate::model::{
    BackendPool, Frontend, InboundNatPool, InboundNatRule, Item, Known, LoadBalancer, LoadBalancingRule, PoolMember,
    ResourceId,
};
use crate::syntax::Node;

pub(super) fn load_balancer(reader: &mut Reader<'_, '_>, scope: Scope<'_, '_>) -> Option<Item> {
    let tier = scope.object("sku").and_then(|sku| reader.text(sku, "tier"));
    Some(Item::LoadBalancer(LoadBalancer {
        id: reader.id.clone(),
        sku: sku(reader, scope),
        global: tier.is_some_and(|tier| tier.eq_ignore_ascii_case("Global")),
        frontends: each(reader, scope, "frontendIPConfigurations", frontend),
        pools: each(reader, scope, "backendAddressPools", pool),
        rules: each(reader, scope, "loadBalancingRules", rule),
        nat_rules: each(reader, scope, "inboundNatRules", nat_rule),
        nat_pools: each(reader, scope, "inboundNatPools", nat_pool),
        origin: reader.origin(scope.node),
    }))
}

fn each<T>(
    reader: &mut Reader<'_, '_>,
    scope: Scope<'_, '_>,
    name: &str,
    decode: fn(&mut Reader<'_, '_>, Scope<'_, '_>) -> T,
) -> Vec<T> {
    reader
        .list(scope, name)
        .iter()
        .map(|node| decode(reader, Scope::new(node)))
        .collect()
}

fn frontend(reader: &mut Reader<'_, '_>, scope: Scope<'_, '_>) -> Frontend {
    Frontend {
        id: reader.child_id(scope, "frontendIPConfigurations"),
        public_ip: reader.reference(scope, "publicIPAddress"),
        public_ip_prefix: reader.reference(scope, "publicIPPrefix"),
        private_address: reader.address(scope, "privateIPAddress"),
        subnet: reader.reference(scope, "subnet"),
    }
}

fn pool(reader: &mut Reader<'_, '_>, scope: Scope<'_, '_>) -> BackendPool {
    let by_interface = reader.references(scope, "backendIPConfigurations");
    let mut members: Vec<PoolMember> = by_interface.into_iter().map(PoolMember::IpConfiguration).collect();
    let network = reader.reference(scope, "virtualNetwork");
    for node in reader.list(scope, "loadBalancerBackendAddresses") {
        members.extend(pool_address(reader, Scope::new(node), network.as_ref()));
    }
    BackendPool {
        id: reader.child_id(scope, "backendAddressPools"),
        members,
    }
}

fn pool_address(reader: &mut Reader<'_, '_>, scope: Scope<'_, '_>, network: Option<&ResourceId>) -> Option<PoolMember> {
    if let Some(id) = reader.reference(scope, "networkInterfaceIPConfiguration") {
        return Some(PoolMember::IpConfiguration(id));
    }
    if let Some(id) = reader.reference(scope, "loadBalancerFrontendIPConfiguration") {
        return Some(PoolMember::Frontend(id));
    }
    let own = reader.reference(scope, "virtualNetwork");
    let address = reader.address(scope, "ipAddress")?;
    Some(PoolMember::Address {
        address,
        network: own.or_else(|| network.cloned()),
    })
}

fn rule(reader: &mut Reader<'_, '_>, scope: Scope<'_, '_>) -> LoadBalancingRule {
    let mut pools = reader.references(scope, "backendAddressPools");
    pools.extend(reader.reference(scope, "backendAddressPool"));
    pools.sort();
    pools.dedup();
    LoadBalancingRule {
        name: name(scope),
        frontend: reader.reference(scope, "frontendIPConfiguration"),
        pools,
        protocol: reader.protocol(scope, "protocol"),
        frontend_port: reader.needed(scope, "frontendPort"),
        backend_port: reader.needed(scope, "backendPort"),
        floating_ip: reader.flag(scope, "enableFloatingIP", false),
        origin: reader.origin(scope.node),
    }
}

fn name(scope: Scope<'_, '_>) -> Arc<str> {
    Arc::from(scope.own("name").and_then(Node::as_text).unwrap_or_default())
}

fn nat_rule(reader: &mut Reader<'_, '_>, scope: Scope<'_, '_>) -> InboundNatRule {
    InboundNatRule {
        id: reader.child_id(scope, "inboundNatRules"),
        frontend: reader.reference(scope, "frontendIPConfiguration"),
        protocol: reader.protocol(scope, "protocol"),
        frontend_ports: frontend_ports(reader, scope),
        backend_port: reader.needed(scope, "backendPort"),
        ip_configuration: reader.reference(scope, "backendIPConfiguration"),
        pool: reader.reference(scope, "backendAddressPool"),
        floating_ip: reader.flag(scope, "enableFloatingIP", false),
        origin: reader.origin(scope.node),
    }
}

/// One port, or a range in rules for a pool; a recorded `0` stands for "not this form".
fn frontend_ports(reader: &mut Reader<'_, '_>, scope: Scope<'_, '_>) -> Known<(u16, u16)> {
    if let Known::Known(Some(port)) = reader.integer::<u16>(scope, "frontendPort")
        && port != 0
    {
        return Known::Known((port, port));
    }
    let first = reader.needed(scope, "frontendPortRangeStart");
    let last = reader.needed(scope, "frontendPortRangeEnd");
    match (first, last) {
        (Known::Known(first), Known::Known(last)) => Known::Known((first, last)),
        (Known::Unknown(why), _) | (_, Known::Unknown(why)) => Known::Unknown(why),
    }
}

fn nat_pool(reader: &mut Reader<'_, '_>, scope: Scope<'_, '_>) -> InboundNatPool {
    InboundNatPool {
        id: reader.child_id(scope, "inboundNatPools"),
        frontend: reader.reference(scope, "frontendIPConfiguration"),
        protocol: reader.protocol(scope, "protocol"),
        frontend_ports: frontend_ports(reader, scope),
        backend_port: reader.needed(scope, "backendPort"),
        floating_ip: reader.flag(scope, "enableFloatingIP", false),
        origin: reader.origin(scope.node),
    }
}
