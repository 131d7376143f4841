//! Every resource type that the model decodes, and how the service gives it. One line a type; a test holds the table
//! against the decoder's. The permissions of a scan are made from it.

/// How a type is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Read {
    /// From Resource Graph's `Resources`, or by a list of the subscription.
    Either,
    /// By a list of the subscription: Resource Graph is not the truth. The path stands below `providers/`.
    List(&'static str),
    /// From Resource Graph's `SecurityResources`, or by a list of the subscription.
    Assessments,
    /// By a list below each resource of another type; the last segment of its path.
    Below(&'static str, &'static str),
    /// By an action on each resource of another type; the name of the action.
    Answer(&'static str, &'static str),
    /// With the resource that it is a part of.
    Within(&'static str),
    /// With the subscriptions themselves.
    Subscriptions,
    /// Not by a scan; why.
    Elsewhere(&'static str),
}

/// One resource type.
#[derive(Debug)]
pub struct Kind {
    /// As Azure spells it.
    pub name: &'static str,
    pub version: &'static str,
    pub read: Read,
    /// False for types that are only on the way to others.
    pub recorded: bool,
}

const fn kind(name: &'static str, version: &'static str, read: Read) -> Kind {
    Kind {
        name,
        version,
        read,
        recorded: true,
    }
}

const fn on_the_way(name: &'static str, version: &'static str) -> Kind {
    Kind {
        name,
        version,
        read: Read::Either,
        recorded: false,
    }
}

pub const VM: &str = "Microsoft.Compute/virtualMachines";
pub const SCALE_SET: &str = "Microsoft.Compute/virtualMachineScaleSets";
pub const NETWORK: &str = "Microsoft.Network/virtualNetworks";
pub const MANAGER: &str = "Microsoft.Network/networkManagers";
pub const PRICING: &str = "Microsoft.Security/pricings";
pub const ASSESSMENT: &str = "Microsoft.Security/assessments";
pub const SUBSCRIPTION: &str = "Microsoft.Resources/subscriptions";
const POLICY: &str = "Microsoft.Network/firewallPolicies";
const HUB: &str = "Microsoft.Network/virtualHubs";
const CONFIGURATION: &str = "Microsoft.Network/networkManagers/securityAdminConfigurations";
const COLLECTION: &str = "Microsoft.Network/networkManagers/securityAdminConfigurations/ruleCollections";
const GROUP: &str = "Microsoft.Network/networkManagers/networkGroups";
const NSG: &str = "Microsoft.Network/networkSecurityGroups";

const COMPUTE: &str = "2024-07-01";
const WIRES: &str = "2024-05-01";

/// Parents stand before what is below them.
pub const KINDS: &[Kind] = &[
    kind(SUBSCRIPTION, "2022-12-01", Read::Subscriptions),
    kind(VM, COMPUTE, Read::Either),
    kind(SCALE_SET, COMPUTE, Read::Either),
    kind(
        "Microsoft.Compute/virtualMachineScaleSets/virtualMachines",
        COMPUTE,
        Read::Below(SCALE_SET, "virtualMachines"),
    ),
    kind(
        "Microsoft.Compute/virtualMachineScaleSets/virtualMachines/networkInterfaces",
        "2018-10-01",
        Read::Below(SCALE_SET, "networkInterfaces"),
    ),
    kind("Microsoft.ClassicCompute/virtualMachines", "2020-04-01", Read::Either),
    kind("Microsoft.Network/networkInterfaces", WIRES, Read::Either),
    kind(NETWORK, WIRES, Read::Either),
    kind(
        "Microsoft.Network/virtualNetworks/subnets",
        WIRES,
        Read::Within(NETWORK),
    ),
    kind(
        "Microsoft.Network/virtualNetworks/virtualNetworkPeerings",
        WIRES,
        Read::Within(NETWORK),
    ),
    kind(NSG, WIRES, Read::Either),
    kind(
        "Microsoft.Network/networkSecurityGroups/securityRules",
        WIRES,
        Read::Within(NSG),
    ),
    kind("Microsoft.Network/applicationSecurityGroups", WIRES, Read::Either),
    kind("Microsoft.Network/publicIPAddresses", WIRES, Read::Either),
    kind("Microsoft.Network/routeTables", WIRES, Read::Either),
    kind("Microsoft.Network/loadBalancers", WIRES, Read::Either),
    kind("Microsoft.Network/bastionHosts", WIRES, Read::Either),
    kind("Microsoft.Network/privateLinkServices", WIRES, Read::Either),
    kind("Microsoft.Network/azureFirewalls", WIRES, Read::Either),
    kind(POLICY, WIRES, Read::Either),
    kind(
        "Microsoft.Network/firewallPolicies/ruleCollectionGroups",
        WIRES,
        Read::Below(POLICY, "ruleCollectionGroups"),
    ),
    kind("Microsoft.Network/ipGroups", WIRES, Read::Either),
    kind(HUB, WIRES, Read::Either),
    kind(
        "Microsoft.Network/virtualHubs/hubVirtualNetworkConnections",
        WIRES,
        Read::Below(HUB, "hubVirtualNetworkConnections"),
    ),
    kind(
        "Microsoft.Network/virtualHubs/routingIntent",
        WIRES,
        Read::Below(HUB, "routingIntent"),
    ),
    kind(
        "Microsoft.Security/locations/jitNetworkAccessPolicies",
        "2020-01-01",
        Read::List("Microsoft.Security/jitNetworkAccessPolicies"),
    ),
    kind(PRICING, "2024-01-01", Read::List(PRICING)),
    kind(ASSESSMENT, "2020-01-01", Read::Assessments),
    on_the_way(MANAGER, WIRES),
    kind(
        CONFIGURATION,
        WIRES,
        Read::Below(MANAGER, "securityAdminConfigurations"),
    ),
    kind(COLLECTION, WIRES, Read::Below(CONFIGURATION, "ruleCollections")),
    kind(
        "Microsoft.Network/networkManagers/securityAdminConfigurations/ruleCollections/rules",
        WIRES,
        Read::Below(COLLECTION, "rules"),
    ),
    kind(GROUP, WIRES, Read::Below(MANAGER, "networkGroups")),
    kind(
        "Microsoft.Network/networkManagers/networkGroups/staticMembers",
        WIRES,
        Read::Below(GROUP, "staticMembers"),
    ),
    kind(
        "Microsoft.Network/networkManagers/listDeploymentStatus",
        WIRES,
        Read::Answer(MANAGER, "listDeploymentStatus"),
    ),
    kind(
        "Microsoft.Network/networkManagers/listActiveSecurityAdminRules",
        WIRES,
        Read::Answer(MANAGER, "listActiveSecurityAdminRules"),
    ),
    kind(
        "Microsoft.Network/virtualNetworks/listNetworkManagerEffectiveSecurityAdminRules",
        WIRES,
        Read::Answer(NETWORK, "listNetworkManagerEffectiveSecurityAdminRules"),
    ),
    kind(
        "Microsoft.Network/serviceTags",
        WIRES,
        Read::Elsewhere("given with --service-tags: one list for all, of many megabytes"),
    ),
    kind(
        "Microsoft.Network/networkInterfaces/effectiveNetworkSecurityGroups",
        WIRES,
        Read::Elsewhere("a recording to compare with; asks for a running machine and a long operation each"),
    ),
];

/// A type by its name, without case.
pub fn find(name: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.name.eq_ignore_ascii_case(name))
}

impl Kind {
    /// What an identity must be allowed so that the type is read; `None` where nothing of its own is.
    pub fn action(&self) -> Option<String> {
        match self.read {
            Read::Answer(..) => Some(format!("{}/action", self.name)),
            // Interfaces of instances are read by an action of the scale set.
            Read::Below(SCALE_SET, "networkInterfaces") => Some(format!("{SCALE_SET}/networkInterfaces/read")),
            Read::Within(_) | Read::Elsewhere(_) => None,
            _ => Some(format!("{}/read", self.name)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_decoded_type_is_read_or_says_why_not() {
        for name in crate::input::decoded_types() {
            assert!(
                find(name).is_some(),
                "`{name}` is decoded, and no line says how it is read"
            );
        }
        for kind in KINDS.iter().filter(|kind| kind.recorded) {
            assert!(
                crate::input::decoded_types().any(|name| kind.name.eq_ignore_ascii_case(name)),
                "`{}` is recorded, and nothing decodes it",
                kind.name
            );
        }
    }

    #[test]
    fn parents_stand_before_their_children() {
        for (at, kind) in KINDS.iter().enumerate() {
            if let Read::Below(parent, _) | Read::Answer(parent, _) | Read::Within(parent) = kind.read {
                let of = KINDS.iter().position(|other| other.name == parent);
                assert!(of.is_some_and(|of| of < at), "`{}`", kind.name);
            }
        }
    }
}
