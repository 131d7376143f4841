//! Rows of networks, groups, interfaces, addresses and routes.

use super::table::{
    Computed, Field, Id, Is, Onto, Row, block, blocks, default, id, ids, list_of, not, one_id, part, resource, same,
};

const GROUPS: &str = "Microsoft.Network/networkSecurityGroups";
const RULES: &str = "Microsoft.Network/networkSecurityGroups/securityRules";
const NETWORKS: &str = "Microsoft.Network/virtualNetworks";
const SUBNETS: &str = "Microsoft.Network/virtualNetworks/subnets";
const PEERINGS: &str = "Microsoft.Network/virtualNetworks/virtualNetworkPeerings";
const INTERFACES: &str = "Microsoft.Network/networkInterfaces";
const ROUTE_TABLES: &str = "Microsoft.Network/routeTables";

const RULE: &[Field] = &[
    same("name", "/name"),
    same("description", "description"),
    same("protocol", "protocol"),
    same("source_port_range", "sourcePortRange"),
    same("source_port_ranges", "sourcePortRanges"),
    same("destination_port_range", "destinationPortRange"),
    same("destination_port_ranges", "destinationPortRanges"),
    same("source_address_prefix", "sourceAddressPrefix"),
    same("source_address_prefixes", "sourceAddressPrefixes"),
    same("destination_address_prefix", "destinationAddressPrefix"),
    same("destination_address_prefixes", "destinationAddressPrefixes"),
    ids(
        "source_application_security_group_ids",
        "sourceApplicationSecurityGroups",
    ),
    ids(
        "destination_application_security_group_ids",
        "destinationApplicationSecurityGroups",
    ),
    same("access", "access"),
    same("priority", "priority"),
    same("direction", "direction"),
];

const DELEGATION: &[Field] = &[same("name", "name"), block("service_delegation", "properties", SERVICE)];
const SERVICE: &[Field] = &[same("name", "serviceName")];

const INLINE_SUBNET: &[Field] = &[
    same("name", "/name"),
    same("address_prefix", "addressPrefix"),
    same("address_prefixes", "addressPrefixes"),
    id("security_group", "networkSecurityGroup"),
    id("route_table_id", "routeTable"),
    blocks("delegation", "delegations", DELEGATION),
];

/// An ip configuration of an interface. That a public address stands in it is known from the configuration itself.
const IP_CONFIGURATION: &[Field] = &[
    same("name", "/name"),
    id("subnet_id", "subnet"),
    same("private_ip_address", "privateIPAddress"),
    same("private_ip_address_version", "privateIPAddressVersion"),
    id("public_ip_address_id", "publicIPAddress"),
    same("primary", "primary"),
    id(
        "gateway_load_balancer_frontend_ip_configuration_id",
        "gatewayLoadBalancer",
    ),
    // Of azurerm 1.
    ids(
        "load_balancer_backend_address_pools_ids",
        "loadBalancerBackendAddressPools",
    ),
    ids("load_balancer_inbound_nat_rules_ids", "loadBalancerInboundNatRules"),
    ids("application_security_group_ids", "applicationSecurityGroups"),
];

const ROUTE: &[Field] = &[
    same("name", "/name"),
    same("address_prefix", "addressPrefix"),
    same("next_hop_type", "nextHopType"),
    same("next_hop_in_ip_address", "nextHopIpAddress"),
];

pub const ROWS: &[Row] = &[
    resource(
        "azurerm_network_security_group",
        GROUPS,
        Id::InGroup(GROUPS, &["name"]),
        &[blocks("security_rule", "securityRules", RULE)],
    ),
    resource(
        "azurerm_network_security_rule",
        RULES,
        Id::InGroup(RULES, &["network_security_group_name", "name"]),
        RULE,
    ),
    resource(
        "azurerm_application_security_group",
        "Microsoft.Network/applicationSecurityGroups",
        Id::InGroup("Microsoft.Network/applicationSecurityGroups", &["name"]),
        &[],
    ),
    Row {
        computed: &[Computed::Open("guid"), Computed::Ids("subnet", "subnets")],
        ..resource(
            "azurerm_virtual_network",
            NETWORKS,
            Id::InGroup(NETWORKS, &["name"]),
            &[
                same("address_space", "addressSpace.addressPrefixes"),
                blocks("subnet", "subnets", INLINE_SUBNET),
            ],
        )
    },
    resource(
        "azurerm_subnet",
        SUBNETS,
        Id::InGroup(SUBNETS, &["virtual_network_name", "name"]),
        &[
            // Of azurerm 1 and 2.
            same("address_prefix", "addressPrefix"),
            same("address_prefixes", "addressPrefixes"),
            blocks("delegation", "delegations", DELEGATION),
            // Of azurerm 1, and what a data source tells.
            id("network_security_group_id", "networkSecurityGroup"),
            id("route_table_id", "routeTable"),
            // Written and never read back.
            id("network_security_group_id_wo", "networkSecurityGroup"),
            id("route_table_id_wo", "routeTable"),
        ],
    ),
    part(
        "azurerm_subnet_network_security_group_association",
        Is::Part {
            of: SUBNETS,
            id: "subnet_id",
            onto: Onto::Itself,
        },
        &[id("network_security_group_id", "networkSecurityGroup")],
    ),
    part(
        "azurerm_subnet_route_table_association",
        Is::Part {
            of: SUBNETS,
            id: "subnet_id",
            onto: Onto::Itself,
        },
        &[id("route_table_id", "routeTable")],
    ),
    part(
        "azurerm_subnet_nat_gateway_association",
        Is::Part {
            of: SUBNETS,
            id: "subnet_id",
            onto: Onto::Itself,
        },
        &[id("nat_gateway_id", "natGateway")],
    ),
    resource(
        "azurerm_virtual_network_peering",
        PEERINGS,
        Id::InGroup(PEERINGS, &["virtual_network_name", "name"]),
        &[
            id("remote_virtual_network_id", "remoteVirtualNetwork"),
            same("allow_virtual_network_access", "allowVirtualNetworkAccess"),
            same("allow_forwarded_traffic", "allowForwardedTraffic"),
            same("use_remote_gateways", "useRemoteGateways"),
            same("peer_complete_virtual_networks_enabled", "peerCompleteVnets"),
            same("local_subnet_names", "localSubnetNames"),
            same("remote_subnet_names", "remoteSubnetNames"),
            same("only_ipv6_peering_enabled", "enableOnlyIPv6Peering"),
        ],
    ),
    Row {
        computed: &[
            Computed::Open("private_ip_address"),
            Computed::Open("private_ip_addresses"),
            Computed::Open("mac_address"),
            Computed::Open("virtual_machine_id"),
        ],
        ..resource(
            "azurerm_network_interface",
            INTERFACES,
            Id::InGroup(INTERFACES, &["name"]),
            &[
                id("network_security_group_id", "networkSecurityGroup"),
                same("enable_ip_forwarding", "enableIPForwarding"),
                same("ip_forwarding_enabled", "enableIPForwarding"),
                blocks("ip_configuration", "ipConfigurations", IP_CONFIGURATION),
            ],
        )
    },
    part(
        "azurerm_network_interface_security_group_association",
        Is::Part {
            of: INTERFACES,
            id: "network_interface_id",
            onto: Onto::Itself,
        },
        &[id("network_security_group_id", "networkSecurityGroup")],
    ),
    part(
        "azurerm_network_interface_application_security_group_association",
        Is::Part {
            of: INTERFACES,
            id: "network_interface_id",
            onto: Onto::EachConfiguration,
        },
        &[one_id("application_security_group_id", "applicationSecurityGroups")],
    ),
    part(
        "azurerm_network_interface_backend_address_pool_association",
        Is::Part {
            of: INTERFACES,
            id: "network_interface_id",
            onto: Onto::NamedConfiguration("ip_configuration_name"),
        },
        &[one_id("backend_address_pool_id", "loadBalancerBackendAddressPools")],
    ),
    part(
        "azurerm_network_interface_nat_rule_association",
        Is::Part {
            of: INTERFACES,
            id: "network_interface_id",
            onto: Onto::NamedConfiguration("ip_configuration_name"),
        },
        &[one_id("nat_rule_id", "loadBalancerInboundNatRules")],
    ),
    Row {
        computed: &[Computed::Open("ip_address"), Computed::Open("fqdn")],
        ..resource(
            "azurerm_public_ip",
            "Microsoft.Network/publicIPAddresses",
            Id::InGroup("Microsoft.Network/publicIPAddresses", &["name"]),
            &[
                default("sku", "/sku.name", &[(1, "Basic"), (4, "Standard")]),
                same("ip_address", "ipAddress"),
                same("ip_version", "publicIPAddressVersion"),
            ],
        )
    },
    resource(
        "azurerm_route_table",
        ROUTE_TABLES,
        Id::InGroup(ROUTE_TABLES, &["name"]),
        &[
            blocks("route", "routes", ROUTE),
            same("disable_bgp_route_propagation", "disableBgpRoutePropagation"),
            not("bgp_route_propagation_enabled", "disableBgpRoutePropagation"),
        ],
    ),
    part(
        "azurerm_route",
        Is::Element {
            of: ROUTE_TABLES,
            list: "routes",
            id: Id::InGroup("Microsoft.Network/routeTables/routes", &["route_table_name", "name"]),
        },
        ROUTE,
    ),
    resource(
        "azurerm_bastion_host",
        "Microsoft.Network/bastionHosts",
        Id::InGroup("Microsoft.Network/bastionHosts", &["name"]),
        &[
            default("sku", "/sku.name", &[(1, "Basic")]),
            blocks("ip_configuration", "ipConfigurations", BASTION),
            id("virtual_network_id", "virtualNetwork"),
        ],
    ),
    resource(
        "azurerm_private_link_service",
        "Microsoft.Network/privateLinkServices",
        Id::InGroup("Microsoft.Network/privateLinkServices", &["name"]),
        &[
            ids(
                "load_balancer_frontend_ip_configuration_ids",
                "loadBalancerFrontendIpConfigurations",
            ),
            blocks("nat_ip_configuration", "ipConfigurations", BASTION),
        ],
    ),
    resource(
        "azurerm_virtual_hub_connection",
        "Microsoft.Network/virtualHubs/hubVirtualNetworkConnections",
        Id::Under("virtual_hub_id", "hubVirtualNetworkConnections", "name"),
        &[
            id("remote_virtual_network_id", "remoteVirtualNetwork"),
            same("internet_security_enabled", "enableInternetSecurity"),
        ],
    ),
    resource(
        "azurerm_virtual_hub_routing_intent",
        "Microsoft.Network/virtualHubs/routingIntent",
        Id::Under("virtual_hub_id", "routingIntent", "name"),
        &[blocks("routing_policy", "routingPolicies", ROUTING_POLICY)],
    ),
    resource(
        "azurerm_virtual_hub",
        "Microsoft.Network/virtualHubs",
        Id::InGroup("Microsoft.Network/virtualHubs", &["name"]),
        &[same("address_prefix", "addressPrefix")],
    ),
    name(
        "azurerm_nat_gateway",
        Id::InGroup("Microsoft.Network/natGateways", &["name"]),
    ),
    name(
        "azurerm_public_ip_prefix",
        Id::InGroup("Microsoft.Network/publicIPPrefixes", &["name"]),
    ),
    name("azurerm_resource_group", Id::Group),
    part(
        "azurerm_ip_group_cidr",
        Is::Part {
            of: "Microsoft.Network/ipGroups",
            id: "ip_group_id",
            onto: Onto::Itself,
        },
        &[list_of("cidr", "ipAddresses")],
    ),
    resource(
        "azurerm_ip_group",
        "Microsoft.Network/ipGroups",
        Id::InGroup("Microsoft.Network/ipGroups", &["name"]),
        &[same("cidrs", "ipAddresses")],
    ),
];

const BASTION: &[Field] = &[same("name", "name"), id("subnet_id", "subnet")];
const ROUTING_POLICY: &[Field] = &[
    same("name", "name"),
    same("destinations", "destinations"),
    same("next_hop", "nextHop"),
];

const fn name(terraform: &'static str, id: Id) -> Row {
    Row {
        terraform,
        is: Is::Name { id },
        fields: &[],
        computed: &[],
    }
}
