//! Named readings of what no input settles. Each is listed in every report whose verdicts it may touch.

use std::collections::HashMap;
use std::sync::Arc;

use crate::model::{
    FirewallAction, Inventory, IpConfiguration, Known, Peering, PublicIpRef, ResourceId, RuleCollection, RuleKind, Sku,
    WhyKind, choices,
};
use crate::net::AddressRange;

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
    /// Machines on whose subnet `VirtualNetwork` holds every address.
    DefaultRoute,
    /// Machines that a NAT rule of a firewall leads to.
    Nat,
    /// Those of them where a Deny network rule covers what the NAT rule lets through.
    DisputedNat,
    /// Machines to which a firewall in a virtual hub may translate.
    HubNat,
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
        id: "defender-plan",
        text: "machines of which no Defender plan is in the input are taken to have the one chosen with \
               `--assume defender-plan`",
        switch: Some("--assume defender-plan=unknown"),
        applies: |inventory| !inventory.vms.is_empty() && !inventory.choices.is(&choices::DEFENDER_PLAN, "unknown"),
        scope: Scope::Report,
    },
    Assumed {
        id: "no-firewall",
        text: "no Azure Firewall is in the input, so none is assumed to stand before a machine or to lead to one",
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
        id: "no-other-state",
        text: "what a Terraform configuration does not attach to its subnets and interfaces is taken to be attached by no \
               other configuration or state",
        switch: None,
        applies: |inventory| inventory.coverage.attached_here && !inventory.coverage.whole,
        scope: Scope::Report,
    },
    Assumed {
        id: "one-group",
        text: "templates of one directory are taken to be deployed to one resource group, where one names a resource that \
               exactly one other of them declares",
        switch: Some("--assume one-group=apart"),
        applies: |inventory| inventory.coverage.joined_groups,
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
    Assumed {
        id: "zero-prefix",
        text: "`--assume zero-prefix=both` is in force: `0.0.0.0/0` covers IPv6 as well",
        switch: Some("--assume zero-prefix=ipv4"),
        applies: |inventory| inventory.choices.is(&choices::ZERO_PREFIX, "both"),
        scope: Scope::Ipv6,
    },
    Assumed {
        id: "routed-internet",
        text: "a default route puts every address into `VirtualNetwork`; `Internet` is taken to keep the public ones all the \
               same, so that a Deny of `Internet` still denies",
        switch: Some("--assume routed-internet=shrinks"),
        applies: |inventory| has_default_route(inventory) && inventory.choices.is(&choices::ROUTED_INTERNET, "kept"),
        scope: Scope::DefaultRoute,
    },
    Assumed {
        id: "route-tag",
        text: "routes to an appliance or a gateway put their prefix into `VirtualNetwork`, other routes do not",
        switch: Some("--assume route-tag=appliance (or every-hop)"),
        applies: |inventory| {
            !inventory.route_tables.is_empty() && inventory.choices.is(&choices::ROUTE_TAG, "appliance-or-gateway")
        },
        scope: Scope::Report,
    },
    Assumed {
        id: "parent-nat",
        text: "a firewall policy is taken to inherit the NAT rules of its parent; Microsoft documents it both ways",
        switch: Some("--assume parent-nat=own"),
        applies: |inventory| {
            let mut policies = inventory.firewall_policies.iter();
            policies.any(|policy| policy.base.is_some()) && inventory.choices.is(&choices::PARENT_NAT, "inherited")
        },
        scope: Scope::Nat,
    },
    Assumed {
        id: "deny-after-nat",
        text: "traffic that a NAT rule of a firewall translates is let through, whatever its network rules deny; older \
               documentation says that a Deny rule overrides it",
        switch: Some("--assume deny-after-nat=overrides (or unknown)"),
        applies: |inventory| {
            if !inventory.choices.is(&choices::DENY_AFTER_NAT, "ignored") {
                return false;
            }
            let classic = inventory.firewalls.iter().flat_map(|firewall| &firewall.collections);
            let groups = inventory
                .rule_collection_groups
                .iter()
                .flat_map(|group| &group.collections);
            let denies = |collection: &RuleCollection| {
                collection.kind == RuleKind::Network && collection.action == Known::Known(FirewallAction::Deny)
            };
            classic.chain(groups).any(denies)
        },
        scope: Scope::DisputedNat,
    },
    Assumed {
        id: "hub-nat",
        text: "machines see a firewall in a virtual hub that translates under an address of the hub's prefix",
        switch: Some("--assume hub-nat=unknown"),
        applies: |inventory| {
            let mut firewalls = inventory.firewalls.iter();
            firewalls.any(|firewall| firewall.virtual_hub.is_some())
                && inventory.choices.is(&choices::HUB_NAT, "hub-prefix")
        },
        scope: Scope::HubNat,
    },
    Assumed {
        id: "peering-access",
        text: "a peering that does not say whether it allows access is taken to allow it, as Azure does when one is made",
        switch: Some("--assume peering-access=denied (or unknown)"),
        applies: |inventory| {
            let mut peerings = inventory.networks.iter().flat_map(|network| &network.peerings);
            let unstated = |peering: &Peering| {
                peering
                    .allow_access
                    .why()
                    .is_some_and(|why| why.kind == WhyKind::Unstated)
            };
            peerings.any(unstated) && inventory.choices.is(&choices::PEERING_ACCESS, "allowed")
        },
        scope: Scope::Report,
    },
    Assumed {
        id: "asg-members",
        text: "an application security group whose members stand in several networks is a source with all of them; Azure \
               asks that they stand in one",
        switch: Some("--assume asg-members=unknown"),
        applies: |inventory| has_spread_group(inventory) && inventory.choices.is(&choices::ASG_MEMBERS, "all"),
        scope: Scope::Report,
    },
    Assumed {
        id: "group-members",
        text: "a network group with static members in the input has no others that a policy adds",
        switch: Some("--assume group-members=unknown"),
        applies: |inventory| {
            !inventory.static_members.is_empty() && inventory.choices.is(&choices::GROUP_MEMBERS, "static")
        },
        scope: Scope::Report,
    },
    Assumed {
        id: "admin-rules-as-committed",
        text: "security admin rules are deployed as their resources stand; what was edited since the last commit cannot be \
               told without `listActiveSecurityAdminRules`",
        switch: None,
        applies: |inventory| {
            !inventory.deployments.is_empty()
                && !inventory.admin_rules.is_empty()
                && inventory.active_admin_rules.is_empty()
        },
        scope: Scope::Report,
    },
    Assumed {
        id: "always-allow",
        text: "an AlwaysAllow rule is taken to decide a Standard public address without a group as chosen; the service does \
               not document it",
        switch: Some("--assume always-allow=unknown"),
        applies: |inventory| !inventory.choices.is(&choices::ALWAYS_ALLOW, "unknown"),
        scope: Scope::Report,
    },
    Assumed {
        id: "unstated-sku",
        text: "a public address or load balancer that states no SKU is Basic, the service's own default: it is open where \
               no network security group filters",
        switch: Some("--assume unstated-sku=standard (or unknown)"),
        applies: |inventory| states_no_sku(inventory) && inventory.choices.is(&choices::UNSTATED_SKU, "basic"),
        scope: Scope::Report,
    },
    Assumed {
        id: "unknown-space",
        text: "address spaces that are not in the input are taken to be private (`--assume unknown-space=private`)",
        switch: Some("--assume unknown-space=any"),
        applies: |inventory| inventory.choices.is(&choices::UNKNOWN_SPACE, "private"),
        scope: Scope::Report,
    },
];

fn states_no_sku(inventory: &Inventory) -> bool {
    let unstated = |sku: &Known<Sku>| sku.why().is_some_and(|why| why.kind == WhyKind::Unstated);
    let configurations = inventory.nics.iter().filter_map(|nic| nic.ip_configurations.known());
    let inline = |configuration: &IpConfiguration| match &configuration.public_ip {
        Some(PublicIpRef::Inline { sku, .. }) => unstated(sku),
        _ => false,
    };
    inventory.public_ips.iter().any(|ip| unstated(&ip.sku))
        || inventory.load_balancers.iter().any(|balancer| unstated(&balancer.sku))
        || configurations.flatten().any(inline)
}

/// Whether the members of some application security group stand in several networks.
fn has_spread_group(inventory: &Inventory) -> bool {
    let mut homes: HashMap<&ResourceId, ResourceId> = HashMap::new();
    let configurations = inventory
        .nics
        .iter()
        .filter_map(|nic| nic.ip_configurations.known())
        .flatten();
    for configuration in configurations.filter(|configuration| !configuration.application_security_groups.is_empty()) {
        let subnet = configuration.subnet.known().and_then(Option::as_ref);
        let Some(network) = subnet.and_then(ResourceId::parent) else {
            continue;
        };
        for group in &configuration.application_security_groups {
            if *homes.entry(group).or_insert_with(|| network.clone()) != network {
                return true;
            }
        }
    }
    false
}

fn has_default_route(inventory: &Inventory) -> bool {
    let routes = inventory
        .route_tables
        .iter()
        .filter_map(|table| table.routes.known())
        .flatten();
    let mut prefixes = routes.filter_map(|route| route.prefix.known());
    prefixes.any(|prefix| matches!(prefix, AddressRange::V4(0, u32::MAX)))
}

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
