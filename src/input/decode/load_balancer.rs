//! Load balancers.

use std::sync::Arc;

use super::network::sku;
use super::reader::{Reader, Scope};
use crate::model::{
    BackendPool, Frontend, InboundNatPool, InboundNatRule, Item, Known, LoadBalancer, LoadBalancingRule, PoolMember,
    PortMapping, ResourceId, Why,
};
use crate::syntax::Node;

pub(super) fn load_balancer(reader: &mut Reader<'_, '_>, scope: Scope<'_, '_>) -> Option<Item> {
    let tier = scope.object("sku").and_then(|sku| reader.text(sku, "tier"));
    let sku = sku(reader, scope);
    // Members of a pool that cannot be read are noted with the pool.
    let pools = each(reader, scope, "backendAddressPools", pool);
    let mut balancer = LoadBalancer {
        id: reader.id.clone(),
        sku,
        global: tier.is_some_and(|tier| tier.eq_ignore_ascii_case("Global")),
        frontends: frontends(reader, scope),
        pools,
        rules: each(reader, scope, "loadBalancingRules", rule),
        nat_rules: each(reader, scope, "inboundNatRules", nat_rule),
        nat_pools: each(reader, scope, "inboundNatPools", nat_pool),
        unread: None,
        disputed: None,
        origin: reader.origin(scope.node),
    };
    balancer.unread = reader
        .take_lost()
        .or_else(|| broken_reference(reader, scope.node, &balancer));
    Some(Item::LoadBalancer(balancer))
}

/// A rule that names a frontend or a pool which the balancer does not have.
fn broken_reference(reader: &mut Reader<'_, '_>, node: &Node<'_>, balancer: &LoadBalancer) -> Option<Why> {
    let frontends = balancer.rules.iter().map(|rule| &rule.frontend);
    let frontends = frontends.chain(balancer.nat_rules.iter().map(|rule| &rule.frontend));
    let frontends = frontends
        .chain(balancer.nat_pools.iter().map(|pool| &pool.frontend))
        .flatten();
    let pools = balancer.rules.iter().flat_map(|rule| &rule.pools);
    let pools = pools.chain(balancer.nat_rules.iter().filter_map(|rule| rule.pool.as_ref()));
    let no_frontend = |id: &&ResourceId| !balancer.frontends.iter().any(|frontend| frontend.id == **id);
    let no_pool = |id: &&ResourceId| !balancer.pools.iter().any(|pool| pool.id == **id);
    let missing = frontends
        .into_iter()
        .find(no_frontend)
        .or_else(|| pools.into_iter().find(no_pool))?;
    let message = format!(
        "a rule names `{}`, which the load balancer does not have",
        missing.name()
    );
    Some(reader.problem(node, "broken-reference", message, "record the load balancer whole"))
}

fn each<T>(
    reader: &mut Reader<'_, '_>,
    scope: Scope<'_, '_>,
    name: &str,
    decode: fn(&mut Reader<'_, '_>, Scope<'_, '_>) -> T,
) -> Vec<T> {
    reader
        .scopes(scope, name)
        .into_iter()
        .map(|scope| decode(reader, scope))
        .collect()
}

fn frontends(reader: &mut Reader<'_, '_>, scope: Scope<'_, '_>) -> Vec<Frontend> {
    if scope.get("frontendIPConfigurations").is_none() {
        reader.lose(Why::not_in_input(&format!("a frontend of `{}`", reader.id.name())));
    }
    each(reader, scope, "frontendIPConfigurations", frontend)
}

fn note_bare(reader: &mut Reader<'_, '_>, scope: Scope<'_, '_>) {
    reader.bare(scope).into_iter().for_each(|why| reader.lose(why));
}

fn frontend(reader: &mut Reader<'_, '_>, scope: Scope<'_, '_>) -> Frontend {
    note_bare(reader, scope);
    Frontend {
        id: reader.child_id(scope, "frontendIPConfigurations"),
        public_ip: reader.reference(scope, "publicIPAddress"),
        public_ip_prefix: reader.reference(scope, "publicIPPrefix"),
        private_address: reader.address(scope, "privateIPAddress"),
        subnet: reader.reference(scope, "subnet"),
        gateway: reader.reference(scope, "gatewayLoadBalancer"),
    }
}

fn pool(reader: &mut Reader<'_, '_>, scope: Scope<'_, '_>) -> BackendPool {
    let before = reader.take_lost();
    let by_interface = reader.references(scope, "backendIPConfigurations");
    let mut members: Vec<PoolMember> = by_interface.into_iter().map(PoolMember::IpConfiguration).collect();
    let network = reader.reference(scope, "virtualNetwork");
    let mut port_mappings = Vec::new();
    for address in reader.scopes(scope, "loadBalancerBackendAddresses") {
        let Some(member) = pool_address(reader, address, network.as_ref()) else {
            continue;
        };
        mappings(reader, address, &member, &mut port_mappings);
        members.push(member);
    }
    let unread = reader.take_lost();
    before.into_iter().for_each(|why| reader.lose(why));
    BackendPool {
        id: reader.child_id(scope, "backendAddressPools"),
        members,
        port_mappings,
        network,
        unread,
    }
}

/// Which front ports lead to one member. What cannot be read leaves the member with the whole range of the rule.
fn mappings(reader: &mut Reader<'_, '_>, scope: Scope<'_, '_>, member: &PoolMember, found: &mut Vec<PortMapping>) {
    for mapping in reader.scopes(scope, "inboundNatRulesPortMapping") {
        let rule = reader.text(mapping, "inboundNatRuleName");
        let port = reader.integer(mapping, "frontendPort");
        if let (Some(rule), Known::Known(Some(frontend_port))) = (rule, port) {
            found.push(PortMapping {
                member: member.clone(),
                rule,
                frontend_port,
            });
        }
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
    let Some(address) = reader.address(scope, "ipAddress") else {
        reader.lose(Why::not_in_input("an address of a backend pool"));
        return None;
    };
    Some(PoolMember::Address {
        address,
        network: own.or_else(|| network.cloned()),
    })
}

fn rule(reader: &mut Reader<'_, '_>, scope: Scope<'_, '_>) -> LoadBalancingRule {
    note_bare(reader, scope);
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
        floating_ip: reader.known_flag(scope, "enableFloatingIP", false),
        origin: reader.origin(scope.node),
    }
}

fn name(scope: Scope<'_, '_>) -> Arc<str> {
    Arc::from(scope.own("name").and_then(Node::as_text).unwrap_or_default())
}

fn nat_rule(reader: &mut Reader<'_, '_>, scope: Scope<'_, '_>) -> InboundNatRule {
    note_bare(reader, scope);
    InboundNatRule {
        id: reader.child_id(scope, "inboundNatRules"),
        frontend: reader.reference(scope, "frontendIPConfiguration"),
        protocol: reader.protocol(scope, "protocol"),
        frontend_ports: frontend_ports(reader, scope),
        backend_port: reader.needed(scope, "backendPort"),
        ip_configuration: reader.reference(scope, "backendIPConfiguration"),
        pool: reader.reference(scope, "backendAddressPool"),
        floating_ip: reader.known_flag(scope, "enableFloatingIP", false),
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
    note_bare(reader, scope);
    InboundNatPool {
        id: reader.child_id(scope, "inboundNatPools"),
        frontend: reader.reference(scope, "frontendIPConfiguration"),
        protocol: reader.protocol(scope, "protocol"),
        frontend_ports: frontend_ports(reader, scope),
        backend_port: reader.needed(scope, "backendPort"),
        floating_ip: reader.known_flag(scope, "enableFloatingIP", false),
        origin: reader.origin(scope.node),
    }
}
