//! Rows of machines and scale sets.

use super::table::{Computed, Field, Id, Row, block, blocks, constant, id, ids, resource, same};

const MACHINES: &str = "Microsoft.Compute/virtualMachines";
const SCALE_SETS: &str = "Microsoft.Compute/virtualMachineScaleSets";
const OS: &str = "storageProfile.osDisk.osType";
const INTERFACES: &str = "networkProfile.networkInterfaces";
const SET_OS: &str = "virtualMachineProfile.storageProfile.osDisk.osType";
const SET_INTERFACES: &str = "virtualMachineProfile.networkProfile.networkInterfaceConfigurations";

/// The public address that each instance gets. azurerm says no SKU, and Azure gives the one of the balancer.
const INSTANCE_ADDRESS: &[Field] = &[
    same("name", "/name"),
    same("sku_name", "sku.name"),
    same("version", "publicIPAddressVersion"),
];

const SET_CONFIGURATION: &[Field] = &[
    same("name", "/name"),
    same("primary", "primary"),
    same("version", "privateIPAddressVersion"),
    id("subnet_id", "subnet"),
    ids("application_security_group_ids", "applicationSecurityGroups"),
    ids(
        "load_balancer_backend_address_pool_ids",
        "loadBalancerBackendAddressPools",
    ),
    // What azurerm calls rules are the pools of the balancer.
    ids("load_balancer_inbound_nat_rules_ids", "loadBalancerInboundNatPools"),
    block("public_ip_address", "publicIPAddressConfiguration", INSTANCE_ADDRESS),
    block(
        "public_ip_address_configuration",
        "publicIPAddressConfiguration",
        INSTANCE_ADDRESS,
    ),
];

const SET_INTERFACE: &[Field] = &[
    same("name", "/name"),
    same("primary", "primary"),
    id("network_security_group_id", "networkSecurityGroup"),
    same("enable_ip_forwarding", "enableIPForwarding"),
    same("ip_forwarding_enabled", "enableIPForwarding"),
    same("ip_forwarding", "enableIPForwarding"),
    blocks("ip_configuration", "ipConfigurations", SET_CONFIGURATION),
];

/// The system of a machine by the block that configures it; nothing of the block itself is read.
const SYSTEM: &[Field] = &[];

const DISK: &[Field] = &[same("os_type", "osType")];

const MACHINE_ADDRESSES: &[Computed] = &[
    Computed::Open("private_ip_address"),
    Computed::Open("private_ip_addresses"),
    Computed::Open("public_ip_address"),
    Computed::Open("public_ip_addresses"),
    Computed::Open("virtual_machine_id"),
];

const fn machine(terraform: &'static str, fields: &'static [Field]) -> Row {
    Row {
        computed: MACHINE_ADDRESSES,
        ..resource(terraform, MACHINES, Id::InGroup(MACHINES, &["name"]), fields)
    }
}

const fn scale_set(terraform: &'static str, fields: &'static [Field]) -> Row {
    resource(terraform, SCALE_SETS, Id::InGroup(SCALE_SETS, &["name"]), fields)
}

pub const ROWS: &[Row] = &[
    machine(
        "azurerm_linux_virtual_machine",
        &[
            constant(OS, "Linux"),
            ids("network_interface_ids", INTERFACES),
            id("virtual_machine_scale_set_id", "virtualMachineScaleSet"),
        ],
    ),
    machine(
        "azurerm_windows_virtual_machine",
        &[
            constant(OS, "Windows"),
            ids("network_interface_ids", INTERFACES),
            id("virtual_machine_scale_set_id", "virtualMachineScaleSet"),
        ],
    ),
    machine(
        "azurerm_virtual_machine",
        &[
            ids("network_interface_ids", INTERFACES),
            block("storage_os_disk", "storageProfile.osDisk", DISK),
            block("os_profile_linux_config", "osProfile.linuxConfiguration", SYSTEM),
            block("os_profile_windows_config", "osProfile.windowsConfiguration", SYSTEM),
        ],
    ),
    scale_set(
        "azurerm_linux_virtual_machine_scale_set",
        &[
            constant(SET_OS, "Linux"),
            same("instances", "/sku.capacity"),
            blocks("network_interface", SET_INTERFACES, SET_INTERFACE),
        ],
    ),
    scale_set(
        "azurerm_windows_virtual_machine_scale_set",
        &[
            constant(SET_OS, "Windows"),
            same("instances", "/sku.capacity"),
            blocks("network_interface", SET_INTERFACES, SET_INTERFACE),
        ],
    ),
    scale_set(
        "azurerm_orchestrated_virtual_machine_scale_set",
        &[
            same("instances", "/sku.capacity"),
            block("os_profile", "virtualMachineProfile.osProfile", ORCHESTRATED),
            blocks("network_interface", SET_INTERFACES, SET_INTERFACE),
        ],
    ),
    scale_set(
        "azurerm_virtual_machine_scale_set",
        &[
            block("sku", "/sku", &[same("capacity", "capacity")]),
            blocks("network_profile", SET_INTERFACES, SET_INTERFACE),
            block(
                "storage_profile_os_disk",
                "virtualMachineProfile.storageProfile.osDisk",
                DISK,
            ),
            block(
                "os_profile_linux_config",
                "virtualMachineProfile.osProfile.linuxConfiguration",
                SYSTEM,
            ),
            block(
                "os_profile_windows_config",
                "virtualMachineProfile.osProfile.windowsConfiguration",
                SYSTEM,
            ),
        ],
    ),
];

const ORCHESTRATED: &[Field] = &[
    block("linux_configuration", "linuxConfiguration", SYSTEM),
    block("windows_configuration", "windowsConfiguration", SYSTEM),
];
