//! Rows of firewalls, classic and with policies.

use super::table::{Field, Id, Is, Row, block, blocks, constant, each_as, id, list_of, part, resource, same};

const FIREWALLS: &str = "Microsoft.Network/azureFirewalls";
const POLICIES: &str = "Microsoft.Network/firewallPolicies";

const CONFIGURATION: &[Field] = &[
    same("name", "/name"),
    id("subnet_id", "subnet"),
    id("public_ip_address_id", "publicIPAddress"),
    same("private_ip_address", "privateIPAddress"),
];

/// The hub comes apart: here is what the firewall gets from it.
const IN_HUB: &[Field] = &[
    same("private_ip_address", "privateIPAddress"),
    each_as("public_ip_addresses", "publicIPs.addresses", "address"),
];
const HUB: &[Field] = &[same("virtual_hub_id", "id")];

const CLASSIC_RULE: &[Field] = &[
    same("name", "/name"),
    same("source_addresses", "sourceAddresses"),
    same("source_ip_groups", "sourceIpGroups"),
    same("destination_addresses", "destinationAddresses"),
    same("destination_ip_groups", "destinationIpGroups"),
    same("destination_fqdns", "destinationFqdns"),
    same("destination_ports", "destinationPorts"),
    same("protocols", "protocols"),
    same("translated_address", "translatedAddress"),
    same("translated_port", "translatedPort"),
];

const APPLICATION_RULE: &[Field] = &[
    same("name", "/name"),
    same("source_addresses", "sourceAddresses"),
    same("source_ip_groups", "sourceIpGroups"),
];

const fn collection(terraform: &'static str, list: &'static str, arm: &'static str, fields: &'static [Field]) -> Row {
    part(
        terraform,
        Is::Element {
            of: FIREWALLS,
            list,
            id: Id::InGroup(arm, &["azure_firewall_name", "name"]),
        },
        fields,
    )
}

const CLASSIC: &[Field] = &[
    same("name", "/name"),
    same("priority", "priority"),
    same("action", "action.type"),
    blocks("rule", "rules", CLASSIC_RULE),
];

const POLICY_RULE: &[Field] = &[
    same("name", "name"),
    constant("ruleType", "NetworkRule"),
    same("protocols", "ipProtocols"),
    same("source_addresses", "sourceAddresses"),
    same("source_ip_groups", "sourceIpGroups"),
    same("destination_addresses", "destinationAddresses"),
    same("destination_ip_groups", "destinationIpGroups"),
    same("destination_fqdns", "destinationFqdns"),
    same("destination_ports", "destinationPorts"),
];

const POLICY_NAT_RULE: &[Field] = &[
    same("name", "name"),
    constant("ruleType", "NatRule"),
    same("protocols", "ipProtocols"),
    same("source_addresses", "sourceAddresses"),
    same("source_ip_groups", "sourceIpGroups"),
    list_of("destination_address", "destinationAddresses"),
    same("destination_ports", "destinationPorts"),
    same("translated_address", "translatedAddress"),
    same("translated_fqdn", "translatedFqdn"),
    same("translated_port", "translatedPort"),
];

const POLICY_APPLICATION_RULE: &[Field] = &[
    same("name", "name"),
    constant("ruleType", "ApplicationRule"),
    same("source_addresses", "sourceAddresses"),
    same("source_ip_groups", "sourceIpGroups"),
    same("destination_addresses", "destinationAddresses"),
];

macro_rules! policy_collection {
    ($kind:expr, $rule:expr) => {
        &[
            constant("ruleCollectionType", $kind),
            same("name", "name"),
            same("priority", "priority"),
            same("action", "action.type"),
            blocks("rule", "rules", $rule),
        ]
    };
}

const FILTER: &str = "FirewallPolicyFilterRuleCollection";
const NAT: &str = "FirewallPolicyNatRuleCollection";

pub const ROWS: &[Row] = &[
    resource(
        "azurerm_firewall",
        FIREWALLS,
        Id::InGroup(FIREWALLS, &["name"]),
        &[
            blocks("ip_configuration", "ipConfigurations", CONFIGURATION),
            id("firewall_policy_id", "firewallPolicy"),
            block("virtual_hub", "virtualHub", HUB),
            block("virtual_hub", "hubIPAddresses", IN_HUB),
        ],
    ),
    collection(
        "azurerm_firewall_nat_rule_collection",
        "natRuleCollections",
        "Microsoft.Network/azureFirewalls/natRuleCollections",
        CLASSIC,
    ),
    collection(
        "azurerm_firewall_network_rule_collection",
        "networkRuleCollections",
        "Microsoft.Network/azureFirewalls/networkRuleCollections",
        CLASSIC,
    ),
    collection(
        "azurerm_firewall_application_rule_collection",
        "applicationRuleCollections",
        "Microsoft.Network/azureFirewalls/applicationRuleCollections",
        &[
            same("name", "/name"),
            same("priority", "priority"),
            same("action", "action.type"),
            blocks("rule", "rules", APPLICATION_RULE),
        ],
    ),
    resource(
        "azurerm_firewall_policy",
        POLICIES,
        Id::InGroup(POLICIES, &["name"]),
        &[id("base_policy_id", "basePolicy")],
    ),
    resource(
        "azurerm_firewall_policy_rule_collection_group",
        "Microsoft.Network/firewallPolicies/ruleCollectionGroups",
        Id::Under("firewall_policy_id", "ruleCollectionGroups", "name"),
        &[
            same("priority", "priority"),
            blocks(
                "nat_rule_collection",
                "ruleCollections",
                policy_collection!(NAT, POLICY_NAT_RULE),
            ),
            blocks(
                "network_rule_collection",
                "ruleCollections",
                policy_collection!(FILTER, POLICY_RULE),
            ),
            blocks(
                "application_rule_collection",
                "ruleCollections",
                policy_collection!(FILTER, POLICY_APPLICATION_RULE),
            ),
        ],
    ),
];
