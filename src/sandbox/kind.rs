//! The resource types that the sandbox serves, as data: how they are spelled, which of them live inside their parents,
//! and which table of Resource Graph shows them. Knows nothing of single resources.

/// One resource type.
#[derive(Debug)]
pub struct Kind {
    /// As Azure spells it, such as `Microsoft.Network/virtualNetworks/subnets`.
    pub name: &'static str,
    /// Where the resource is kept.
    pub home: Home,
    /// The table of Resource Graph, empty when it shows no such resources.
    pub table: &'static str,
    /// Written in an operation that is polled.
    pub long_running: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Home {
    /// By itself.
    Own,
    /// In this member of `properties` of its parent, and nowhere else.
    Parent(&'static str),
}

impl Kind {
    /// The namespace, such as `Microsoft.Network`.
    pub fn namespace(&self) -> &'static str {
        self.name.split('/').next().unwrap_or_default()
    }

    /// Network resources carry the version that `If-Match` is compared with.
    pub fn has_etag(&self) -> bool {
        self.namespace() == "Microsoft.Network"
    }
}

const fn own(name: &'static str, table: &'static str) -> Kind {
    Kind {
        name,
        home: Home::Own,
        table,
        long_running: true,
    }
}

const fn at_once(name: &'static str, table: &'static str) -> Kind {
    Kind {
        name,
        home: Home::Own,
        table,
        long_running: false,
    }
}

const fn within(name: &'static str, member: &'static str) -> Kind {
    Kind {
        name,
        home: Home::Parent(member),
        table: "",
        long_running: true,
    }
}

const RESOURCES: &str = "resources";
const NETWORK: &str = "networkresources";
const SECURITY: &str = "securityresources";
const COMPUTE: &str = "computeresources";
const ACCESS: &str = "authorizationresources";

/// Every type. Just-in-time policies are in no table of Resource Graph: the ARM list is the truth about them.
pub const KINDS: &[Kind] = &[
    own("Microsoft.Compute/virtualMachines", RESOURCES),
    own("Microsoft.Compute/virtualMachineScaleSets", RESOURCES),
    own("Microsoft.Compute/virtualMachineScaleSets/virtualMachines", COMPUTE),
    own(
        "Microsoft.Compute/virtualMachineScaleSets/virtualMachines/networkInterfaces",
        "",
    ),
    own("Microsoft.ClassicCompute/virtualMachines", RESOURCES),
    own("Microsoft.Network/networkInterfaces", RESOURCES),
    within(
        "Microsoft.Network/networkInterfaces/ipConfigurations",
        "ipConfigurations",
    ),
    own("Microsoft.Network/virtualNetworks", RESOURCES),
    within("Microsoft.Network/virtualNetworks/subnets", "subnets"),
    within(
        "Microsoft.Network/virtualNetworks/virtualNetworkPeerings",
        "virtualNetworkPeerings",
    ),
    own("Microsoft.Network/networkSecurityGroups", RESOURCES),
    within("Microsoft.Network/networkSecurityGroups/securityRules", "securityRules"),
    within(
        "Microsoft.Network/networkSecurityGroups/defaultSecurityRules",
        "defaultSecurityRules",
    ),
    own("Microsoft.Network/applicationSecurityGroups", RESOURCES),
    own("Microsoft.Network/publicIPAddresses", RESOURCES),
    own("Microsoft.Network/routeTables", RESOURCES),
    within("Microsoft.Network/routeTables/routes", "routes"),
    own("Microsoft.Network/bastionHosts", RESOURCES),
    own("Microsoft.Network/virtualHubs", RESOURCES),
    own("Microsoft.Network/virtualHubs/hubVirtualNetworkConnections", ""),
    own("Microsoft.Network/virtualHubs/routingIntent", ""),
    own("Microsoft.Network/privateLinkServices", RESOURCES),
    own("Microsoft.Network/natGateways", RESOURCES),
    own("Microsoft.Network/loadBalancers", RESOURCES),
    within(
        "Microsoft.Network/loadBalancers/frontendIPConfigurations",
        "frontendIPConfigurations",
    ),
    within(
        "Microsoft.Network/loadBalancers/backendAddressPools",
        "backendAddressPools",
    ),
    within(
        "Microsoft.Network/loadBalancers/loadBalancingRules",
        "loadBalancingRules",
    ),
    within("Microsoft.Network/loadBalancers/inboundNatRules", "inboundNatRules"),
    within("Microsoft.Network/loadBalancers/outboundRules", "outboundRules"),
    within("Microsoft.Network/loadBalancers/probes", "probes"),
    own("Microsoft.Network/azureFirewalls", RESOURCES),
    own("Microsoft.Network/firewallPolicies", RESOURCES),
    own("Microsoft.Network/firewallPolicies/ruleCollectionGroups", ""),
    own("Microsoft.Network/ipGroups", RESOURCES),
    own("Microsoft.Network/networkManagers", RESOURCES),
    at_once("Microsoft.Network/networkManagers/networkGroups", NETWORK),
    at_once("Microsoft.Network/networkManagers/networkGroups/staticMembers", ""),
    at_once("Microsoft.Network/networkManagers/securityAdminConfigurations", NETWORK),
    at_once(
        "Microsoft.Network/networkManagers/securityAdminConfigurations/ruleCollections",
        NETWORK,
    ),
    at_once(
        "Microsoft.Network/networkManagers/securityAdminConfigurations/ruleCollections/rules",
        NETWORK,
    ),
    at_once("Microsoft.Security/locations/jitNetworkAccessPolicies", ""),
    at_once("Microsoft.Security/pricings", SECURITY),
    at_once("Microsoft.Security/assessments", SECURITY),
    at_once("Microsoft.Authorization/locks", ""),
    at_once("Microsoft.Authorization/denyAssignments", ""),
    at_once("Microsoft.Authorization/policyAssignments", ""),
    at_once("Microsoft.Authorization/policyDefinitions", ""),
    at_once("Microsoft.Authorization/policySetDefinitions", ""),
    at_once("Microsoft.Authorization/roleAssignments", ACCESS),
    at_once("Microsoft.Authorization/roleDefinitions", ACCESS),
];

/// The type of a name in any case.
pub fn kind(name: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.name.eq_ignore_ascii_case(name))
}

/// The types whose resources are kept in resources of this type.
pub fn kept_in(parent: &str) -> impl Iterator<Item = (&'static Kind, &'static str)> {
    KINDS.iter().filter_map(move |kind| match kind.home {
        Home::Parent(member) => {
            let (holder, _) = kind.name.rsplit_once('/')?;
            holder.eq_ignore_ascii_case(parent).then_some((kind, member))
        }
        Home::Own => None,
    })
}

/// Whether the namespace is one that the sandbox knows.
pub fn knows_namespace(namespace: &str) -> bool {
    KINDS
        .iter()
        .any(|kind| kind.namespace().eq_ignore_ascii_case(namespace))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn children_name_their_parents() {
        let names: Vec<&str> = kept_in("microsoft.network/networksecuritygroups")
            .map(|(_, member)| member)
            .collect();
        assert_eq!(names, ["securityRules", "defaultSecurityRules"]);
        assert!(kind("MICROSOFT.network/routetables").is_some_and(Kind::has_etag));
        assert!(knows_namespace("microsoft.security") && !knows_namespace("Microsoft.Web"));
    }
}
