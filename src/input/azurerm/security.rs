//! Rows of Defender for Cloud and of network managers.

use super::table::{Computed, Field, Id, Is, Row, blocks, constant, each_as, own, resource, same};

const MANAGERS: &str = "Microsoft.Network/networkManagers";

const ENDPOINT: &[Field] = &[
    same("address_prefix", "addressPrefix"),
    same("address_prefix_type", "addressPrefixType"),
];

/// One row of what a manager has put in force.
const DEPLOYMENT: &[Field] = &[
    same("location", "region"),
    constant("deploymentStatus", "Deployed"),
    same("scope_access", "deploymentType"),
    same("configuration_ids", "configurationIds"),
];

pub const ROWS: &[Row] = &[
    resource(
        "azurerm_security_center_subscription_pricing",
        "Microsoft.Security/pricings",
        Id::InSubscription("Microsoft.Security/pricings", "resource_type", "VirtualMachines"),
        &[same("tier", "pricingTier"), same("subplan", "subPlan")],
    ),
    resource(
        "azurerm_network_manager_security_admin_configuration",
        "Microsoft.Network/networkManagers/securityAdminConfigurations",
        Id::Under("network_manager_id", "securityAdminConfigurations", "name"),
        &[same(
            "apply_on_network_intent_policy_based_services",
            "applyOnNetworkIntentPolicyBasedServices",
        )],
    ),
    resource(
        "azurerm_network_manager_admin_rule_collection",
        "Microsoft.Network/networkManagers/securityAdminConfigurations/ruleCollections",
        Id::Under("security_admin_configuration_id", "ruleCollections", "name"),
        &[each_as("network_group_ids", "appliesToGroups", "networkGroupId")],
    ),
    resource(
        "azurerm_network_manager_admin_rule",
        "Microsoft.Network/networkManagers/securityAdminConfigurations/ruleCollections/rules",
        Id::Under("admin_rule_collection_id", "rules", "name"),
        &[
            same("priority", "priority"),
            same("direction", "direction"),
            same("action", "access"),
            same("protocol", "protocol"),
            same("source_port_ranges", "sourcePortRanges"),
            same("destination_port_ranges", "destinationPortRanges"),
            blocks("source", "sources", ENDPOINT),
            blocks("destination", "destinations", ENDPOINT),
        ],
    ),
    resource(
        "azurerm_network_manager_network_group",
        "Microsoft.Network/networkManagers/networkGroups",
        Id::Under("network_manager_id", "networkGroups", "name"),
        &[],
    ),
    resource(
        "azurerm_network_manager_static_member",
        "Microsoft.Network/networkManagers/networkGroups/staticMembers",
        Id::Under("network_group_id", "staticMembers", "name"),
        &[same("target_virtual_network_id", "resourceId")],
    ),
    // What is put in force elsewhere is not told: this is one page of the answer.
    resource(
        "azurerm_network_manager_deployment",
        "Microsoft.Network/networkManagers/listDeploymentStatus",
        Id::Action("network_manager_id", "listDeploymentStatus"),
        &[own("value", DEPLOYMENT), constant("skipToken", "elsewhere")],
    ),
    Row {
        terraform: "azurerm_network_manager",
        is: Is::Name {
            id: Id::InGroup(MANAGERS, &["name"]),
        },
        fields: &[],
        computed: &[Computed::Open("cross_tenant_scopes")],
    },
];
