//! Rows of networks, groups, interfaces, addresses and routes.

use super::table::{Field, Id, Is, Row, blocks, ids, same};

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
    ids("source_application_security_group_ids", "sourceApplicationSecurityGroups"),
    ids("destination_application_security_group_ids", "destinationApplicationSecurityGroups"),
    same("access", "access"),
    same("priority", "priority"),
    same("direction", "direction"),
];

pub const ROWS: &[Row] = &[
    Row {
        terraform: "azurerm_network_security_group",
        is: Is::Resource {
            arm: "Microsoft.Network/networkSecurityGroups",
            id: Id::InGroup("Microsoft.Network/networkSecurityGroups", &["name"]),
        },
        fields: &[
            same("location", "/location"),
            same("tags", "/tags"),
            blocks("security_rule", "securityRules", RULE),
        ],
        computed: &[],
    },
    Row {
        terraform: "azurerm_network_security_rule",
        is: Is::Resource {
            arm: "Microsoft.Network/networkSecurityGroups/securityRules",
            id: Id::InGroup(
                "Microsoft.Network/networkSecurityGroups/securityRules",
                &["network_security_group_name", "name"],
            ),
        },
        fields: RULE,
        computed: &[],
    },
];
