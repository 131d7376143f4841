//! Named readings of what no input settles. Each is listed in every report whose verdicts it may touch.

use std::sync::Arc;

use crate::model::Inventory;

/// One assumption: when it is in force, what it says, how to switch it.
pub struct Assumed {
    pub id: &'static str,
    pub text: &'static str,
    pub switch: Option<&'static str>,
    /// Whether the estate gives rise to it.
    applies: fn(&Inventory) -> bool,
    /// Whether findings about a machine in a network with a gateway, or about every machine, rest on it.
    pub scope: Scope,
}

/// Which findings an assumption touches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// All of an estate: named in the report, not at each finding.
    Report,
    /// Verdicts that say just-in-time access is off.
    JitOff,
    /// Machines whose network has a gateway.
    Gateway,
    /// Addresses of the IPv6 family.
    Ipv6,
}

/// Every assumption there is.
pub const ASSUMPTIONS: &[Assumed] = &[
    Assumed {
        id: "tcp-only",
        text: "the analysed ports are reached over TCP: SSH, RDP and WinRM need it, so UDP alone is no exposure",
        switch: None,
        applies: |inventory| !inventory.vms.is_empty(),
        scope: Scope::Report,
    },
    Assumed {
        id: "internet-tag",
        text: "the Internet tag is all public IPv4 space and 2000::/3; Microsoft's own blocks, which Azure leaves out of \
               it, change over the years and are counted in",
        switch: None,
        applies: |inventory| !inventory.nsgs.is_empty(),
        scope: Scope::Report,
    },
    Assumed {
        id: "no-jit-policy",
        text: "no just-in-time policy is in the input, so none is assumed to exist",
        switch: Some("--assume jit=unknown"),
        applies: |inventory| inventory.jit_policies.is_empty() && !inventory.coverage.whole,
        scope: Scope::JitOff,
    },
    Assumed {
        id: "no-firewall",
        text: "no Azure Firewall is in the input, so none is assumed to stand before a machine",
        switch: None,
        applies: |inventory| inventory.firewalls.is_empty() && !inventory.coverage.whole,
        scope: Scope::Report,
    },
    Assumed {
        id: "no-admin-rules",
        text: "no security admin rules of a network manager are in the input, so none are assumed to exist",
        switch: None,
        applies: |inventory| inventory.admin_rules.is_empty() && inventory.active_admin_rules.is_empty(),
        scope: Scope::Report,
    },
    Assumed {
        id: "gateway-ranges",
        text: "ranges behind a VPN or ExpressRoute gateway are not in the input; they are taken to be private addresses",
        switch: None,
        applies: |inventory| {
            let subnets = inventory.networks.iter().flat_map(|network| &network.subnets);
            subnets
                .into_iter()
                .any(|subnet| subnet.id.name().eq_ignore_ascii_case("GatewaySubnet"))
        },
        scope: Scope::Gateway,
    },
    Assumed {
        id: "ipv6-of-any",
        text: "`*` covers IPv4 and IPv6, `0.0.0.0/0` only IPv4 and `::/0` only IPv6",
        switch: None,
        applies: |inventory| {
            let configurations = inventory
                .nics
                .iter()
                .filter_map(|nic| nic.ip_configurations.known())
                .flatten();
            configurations
                .into_iter()
                .any(|configuration| configuration.family == crate::net::Family::V6)
        },
        scope: Scope::Ipv6,
    },
];

/// The assumptions that an estate gives rise to.
pub fn in_force(inventory: &Inventory) -> Vec<&'static Assumed> {
    ASSUMPTIONS
        .iter()
        .filter(|assumed| (assumed.applies)(inventory))
        .collect()
}

/// The ids of those that touch some scope.
pub fn ids(assumed: &[&'static Assumed], scopes: &[Scope]) -> Vec<Arc<str>> {
    assumed
        .iter()
        .filter(|assumed| scopes.contains(&assumed.scope))
        .map(|assumed| Arc::from(assumed.id))
        .collect()
}
