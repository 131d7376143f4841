//! Rows of load balancers.

use super::table::{Computed, Field, Id, Is, Row, blocks, child_of, default, id, ids, part, resource, same, word};

const BALANCERS: &str = "Microsoft.Network/loadBalancers";

const FRONTEND: &[Field] = &[
    same("name", "/name"),
    id("public_ip_address_id", "publicIPAddress"),
    id("public_ip_prefix_id", "publicIPPrefix"),
    id("subnet_id", "subnet"),
    same("private_ip_address", "privateIPAddress"),
    id(
        "gateway_load_balancer_frontend_ip_configuration_id",
        "gatewayLoadBalancer",
    ),
];

const PROTOCOLS: &[(&str, &str)] = &[("Tcp", "Tcp"), ("Udp", "Udp"), ("All", "*")];

/// What rules of every kind say. The frontend is named, not referred to.
macro_rules! of_rule {
    ($($more:expr),* $(,)?) => {
        &[
            same("name", "/name"),
            word("protocol", "protocol", PROTOCOLS),
            child_of(
                "frontend_ip_configuration_name",
                "frontendIPConfiguration",
                "loadbalancer_id",
                "frontendIPConfigurations",
            ),
            same("backend_port", "backendPort"),
            same("enable_floating_ip", "enableFloatingIP"),
            same("floating_ip_enabled", "enableFloatingIP"),
            $($more),*
        ]
    };
}

const RULE: &[Field] = of_rule![
    same("frontend_port", "frontendPort"),
    id("backend_address_pool_id", "backendAddressPool"),
    ids("backend_address_pool_ids", "backendAddressPools"),
];

const NAT_RULE: &[Field] = of_rule![
    same("frontend_port", "frontendPort"),
    same("frontend_port_start", "frontendPortRangeStart"),
    same("frontend_port_end", "frontendPortRangeEnd"),
    id("backend_address_pool_id", "backendAddressPool"),
];

const NAT_POOL: &[Field] = of_rule![
    same("frontend_port_start", "frontendPortRangeStart"),
    same("frontend_port_end", "frontendPortRangeEnd"),
];

const fn element(terraform: &'static str, list: &'static str, fields: &'static [Field]) -> Row {
    part(
        terraform,
        Is::Element {
            of: BALANCERS,
            list,
            id: Id::Under("loadbalancer_id", list, "name"),
        },
        fields,
    )
}

pub const ROWS: &[Row] = &[
    Row {
        computed: &[
            Computed::Ids("frontend_ip_configuration", "frontendIPConfigurations"),
            Computed::Open("private_ip_address"),
            Computed::Open("private_ip_addresses"),
        ],
        ..resource(
            "azurerm_lb",
            BALANCERS,
            Id::InGroup(BALANCERS, &["name"]),
            &[
                default("sku", "/sku.name", &[(1, "Basic"), (4, "Standard")]),
                same("sku_tier", "/sku.tier"),
                blocks("frontend_ip_configuration", "frontendIPConfigurations", FRONTEND),
            ],
        )
    },
    element("azurerm_lb_rule", "loadBalancingRules", RULE),
    element("azurerm_lb_nat_rule", "inboundNatRules", NAT_RULE),
    element("azurerm_lb_nat_pool", "inboundNatPools", NAT_POOL),
    element(
        "azurerm_lb_backend_address_pool",
        "backendAddressPools",
        &[same("name", "/name"), id("virtual_network_id", "virtualNetwork")],
    ),
    part(
        "azurerm_lb_backend_address_pool_address",
        Is::Element {
            of: "Microsoft.Network/loadBalancers/backendAddressPools",
            list: "loadBalancerBackendAddresses",
            id: Id::Under("backend_address_pool_id", "addresses", "name"),
        },
        &[
            same("name", "/name"),
            same("ip_address", "ipAddress"),
            id("virtual_network_id", "virtualNetwork"),
            id(
                "backend_address_ip_configuration_id",
                "loadBalancerFrontendIPConfiguration",
            ),
        ],
    ),
];
