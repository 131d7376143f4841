//! Every value of every decoded resource, replaced in turn by what does not belong there: never a panic, always an
//! end, and what cannot be read never makes a machine look safe.
#![expect(clippy::indexing_slicing, reason = "what is missing fails the test")]

mod estate;

use estate::{Analysed, Estate, id, nsg_id, read, reference, rule, subnet_id, with};
use jiff::Timestamp;
use portcullis::exposure::{ExposureClass, Way};
use portcullis::input::Reading;
use portcullis::rule::assess::{FLOW_RULE, Policy};
use portcullis::rule::params::ResolvedParams;
use portcullis::rule::{Verdict, builtin};
use portcullis::scan::{Request, scan};
use rayon::prelude::*;
use serde_json::{Value, json};

/// What a value is replaced by.
fn strangers() -> Vec<(&'static str, Value)> {
    let mut deep = json!([]);
    for _ in 0..200 {
        deep = json!([deep]);
    }
    vec![
        ("null", Value::Null),
        ("no list", json!([])),
        ("a number", json!(7)),
        ("a string", json!("portcullis")),
        ("a list", json!([7])),
        ("an object", json!({})),
        ("a deep list", deep),
    ]
}

/// Replacements after which a machine is rightly closed or healthy: (end of the pointer, by what, why). `*` stands for
/// one list index.
const RIGHTLY: &[(&str, &[&str], &str)] = &[
    (
        "/destinationPortRange",
        &["a number", "a list"],
        "a number is a port, another one than before",
    ),
    (
        "/destinationPortRanges",
        &["a number", "a list"],
        "a number is a port, another one than before",
    ),
    (
        "/destinationPortRanges/*",
        &["a number", "a list"],
        "a number is a port, another one than before",
    ),
    (
        "/destinationPorts/*",
        &["a number", "a list"],
        "a number is a port, another one than before",
    ),
    (
        "/destinationPorts",
        &["a number", "a list"],
        "a number is a port, another one than before",
    ),
    ("/backendPort", &["a number"], "the balancer leads to another port"),
    ("/translatedPort", &["a number"], "the firewall leads to another port"),
    (
        "/destinationAddressPrefix",
        &["a string"],
        "a name that may be a service tag holds no machine of the network",
    ),
    (
        "/publicIPAddress",
        &["null"],
        "absent: the interface, or the frontend, has no public address",
    ),
    (
        "/publicIPAddressConfiguration",
        &["null"],
        "absent: the interface has no public address",
    ),
    (
        "/networkSecurityGroup",
        &["null"],
        "absent: no group filters here, and a Standard address stays closed",
    ),
    (
        "/applicationSecurityGroups",
        &["null", "no list"],
        "absent: it is in no group",
    ),
    (
        "/loadBalancerBackendAddressPools",
        &["null", "no list"],
        "absent: it is in no pool",
    ),
    (
        "/loadBalancerInboundNatRules",
        &["null", "no list"],
        "absent: no NAT rule leads to it",
    ),
    (
        "/inboundNatRules",
        &["null", "no list"],
        "absent: the balancer has no rules",
    ),
    (
        "/loadBalancingRules",
        &["null", "no list"],
        "absent: the balancer has no rules",
    ),
    (
        "/loadBalancerBackendAddresses",
        &["null", "no list"],
        "absent: the pool has no members",
    ),
    (
        "/backendAddressPools/*",
        &["an object"],
        "absent: the pool states no members",
    ),
    (
        "/backendAddressPools/*/properties",
        &["null", "an object"],
        "absent: the pool states no members",
    ),
    (
        "/translatedPort",
        &["null", "no list"],
        "absent: the port stays the same",
    ),
    ("/backendAddressPool", &["null"], "absent: the rule leads nowhere"),
    (
        "/natRuleCollections",
        &["null", "no list"],
        "absent: the firewall has no such rules",
    ),
    (
        "/networkRuleCollections",
        &["null", "no list"],
        "absent: the firewall has no such rules",
    ),
    (
        "/firewallPolicy",
        &["null"],
        "absent: the firewall is run by its own rules, of which it has none",
    ),
    ("/basePolicy", &["null"], "absent: the policy inherits nothing"),
    (
        "/ruleCollections",
        &["null", "no list"],
        "absent: the group has no rules",
    ),
    ("/rules", &["null", "no list"], "absent: the collection has no rules"),
    ("/ipAddresses", &["no list"], "absent: the group has no addresses"),
    ("/securityRules", &["no list"], "the group has no rules"),
    (
        "/ipConfigurations",
        &["null", "no list"],
        "absent: the interface has no address, or the firewall no place",
    ),
    ("/routes", &["null", "no list"], "absent: the default routes hold"),
    ("/routeTable", &["null"], "absent: the default routes hold"),
    (
        "/virtualMachines",
        &["null", "no list"],
        "absent: the policy names no machine",
    ),
];

struct Case {
    name: &'static str,
    resources: Vec<Value>,
}

fn cases() -> Vec<Case> {
    let case = |name, estate: Estate| Case {
        name,
        resources: estate.resources(),
    };
    let open = || rule("ssh", 100, "Allow", "*", "22");
    vec![
        case(
            "both groups",
            Estate::new()
                .public()
                .subnet_nsg(vec![open()])
                .nic_nsg(vec![open()])
                .add(other_policy()),
        ),
        case("one group", Estate::new().public().subnet_nsg(denied_elsewhere())),
        case("basic", Estate::new().public_with("Basic")),
        case("plural", Estate::new().public().nic_nsg(vec![plural()])),
        case("member", member()),
        case("translated inbound", behind_nat_rule().subnet_nsg(vec![open()])),
        case("balanced", behind_pool().subnet_nsg(vec![open()])),
        case("balanced by address", behind_address_pool().subnet_nsg(vec![open()])),
        case("classic firewall", behind_firewall(classic()).subnet_nsg(vec![])),
        case("unfiltered behind classic firewall", behind_firewall(classic())),
        case("firewall policy", behind_policy()),
        case("revived route", revived()),
        case(
            "inline address",
            Estate::new()
                .configure(
                    "publicIPAddressConfiguration",
                    json!({ "name": "inline",
            "sku": { "name": "Standard" } }),
                )
                .nic_nsg(vec![open()]),
        ),
    ]
}

/// Rules of which none may take the others' place when something in it is unknown.
fn denied_elsewhere() -> Vec<Value> {
    vec![
        with(rule("udp", 90, "Deny", "*", "22"), "protocol", json!("Udp")),
        rule("web", 95, "Deny", "*", "443"),
        with(
            rule("other", 96, "Deny", "*", "22"),
            "destinationAddressPrefix",
            json!("10.0.0.9"),
        ),
        with(rule("out", 97, "Deny", "*", "22"), "direction", json!("Outbound")),
        rule("ssh", 100, "Allow", "*", "22"),
        rule("last", 4000, "Deny", "*", "*"),
    ]
}

fn plural() -> Value {
    let mut plural = rule("ssh", 100, "Allow", "", "");
    plural["properties"]["sourceAddressPrefixes"] = json!(["198.51.100.0/24", "Internet"]);
    plural["properties"]["destinationPortRanges"] = json!(["22", "3389"]);
    plural
}

fn other_policy() -> Value {
    let policy = "Microsoft.Security/locations/westeurope/jitNetworkAccessPolicies";
    json!({ "id": id(policy, "default"), "location": "westeurope", "properties": {
        "virtualMachines": [{ "id": id("Microsoft.Compute/virtualMachines", "other"), "ports": [{
            "number": 22, "protocol": "*", "allowedSourceAddressPrefix": "*", "maxRequestAccessDuration": "PT3H" }] }],
        "requests": [{ "startTimeUtc": "2026-01-01T00:00:00Z", "requestor": "a@example.com", "virtualMachines": [{
            "id": id("Microsoft.Compute/virtualMachines", "other"), "ports": [{ "number": 22, "status": "Revoked",
            "allowedSourceAddressPrefix": "203.0.113.7", "endTimeUtc": "2026-01-01T03:00:00Z" }] }] }] } })
}

fn member() -> Estate {
    let group = id("Microsoft.Network/applicationSecurityGroups", "web");
    let mut allow = rule("web", 100, "Allow", "Internet", "22");
    if let Some(properties) = allow["properties"].as_object_mut() {
        properties.remove("destinationAddressPrefix");
    }
    let allow = with(allow, "destinationApplicationSecurityGroups", json!([{ "id": group }]));
    let estate = Estate::new()
        .public()
        .add(json!({ "id": group }))
        .subnet_nsg(vec![allow]);
    estate.configure("applicationSecurityGroups", json!([{ "id": group }]))
}

fn balancer(properties: Value) -> Value {
    let mut properties = properties;
    let frontend = id("Microsoft.Network/loadBalancers", "lb") + "/frontendIPConfigurations/front";
    properties["frontendIPConfigurations"] = json!([{ "name": "front", "id": frontend, "properties": {
        "publicIPAddress": reference("Microsoft.Network/publicIPAddresses", "lbpip") } }]);
    json!({ "id": id("Microsoft.Network/loadBalancers", "lb"), "sku": { "name": "Standard" }, "properties": properties })
}

fn front() -> Value {
    json!({ "id": id("Microsoft.Network/loadBalancers", "lb") + "/frontendIPConfigurations/front" })
}

fn behind_nat_rule() -> Estate {
    let nat = id("Microsoft.Network/loadBalancers", "lb") + "/inboundNatRules/ssh";
    Estate::new()
        .configure("loadBalancerInboundNatRules", json!([{ "id": nat }]))
        .add(balancer(json!({
        "inboundNatRules": [{ "name": "ssh", "id": nat, "properties": { "frontendIPConfiguration": front(),
            "protocol": "Tcp", "frontendPort": 4422, "backendPort": 22, "enableFloatingIP": false } }] })))
}

fn pool_rule(pool: &str) -> Value {
    json!([{ "name": "ssh", "properties": { "frontendIPConfiguration": front(), "backendAddressPool": { "id": pool },
        "protocol": "Tcp", "frontendPort": 22, "backendPort": 22, "enableFloatingIP": false } }])
}

fn behind_pool() -> Estate {
    let pool = id("Microsoft.Network/loadBalancers", "lb") + "/backendAddressPools/pool";
    Estate::new()
        .configure("loadBalancerBackendAddressPools", json!([{ "id": pool }]))
        .add(balancer(json!({
        "backendAddressPools": [{ "name": "pool", "id": pool }], "loadBalancingRules": pool_rule(&pool) })))
}

fn behind_address_pool() -> Estate {
    let pool = id("Microsoft.Network/loadBalancers", "lb") + "/backendAddressPools/pool";
    let network = reference("Microsoft.Network/virtualNetworks", "vnet");
    Estate::new().add(balancer(json!({
        "backendAddressPools": [{ "name": "pool", "id": pool, "properties": { "loadBalancerBackendAddresses": [
            { "name": "a", "properties": { "ipAddress": "10.0.0.4", "virtualNetwork": network } }] } }],
        "loadBalancingRules": pool_rule(&pool) })))
}

fn firewall(properties: Value) -> Value {
    let mut properties = properties;
    properties["ipConfigurations"] = json!([{ "name": "c", "properties": {
        "privateIPAddress": "10.0.9.4", "subnet": { "id": subnet_id("AzureFirewallSubnet") },
        "publicIPAddress": reference("Microsoft.Network/publicIPAddresses", "fwpip") } }]);
    json!({ "id": id("Microsoft.Network/azureFirewalls", "fw"), "properties": properties })
}

fn behind_firewall(properties: Value) -> Estate {
    let subnet = json!({ "name": "AzureFirewallSubnet", "id": subnet_id("AzureFirewallSubnet"),
        "properties": { "addressPrefix": "10.0.9.0/26" } });
    Estate::new()
        .network("subnets", json!([subnet]))
        .add(firewall(properties))
}

fn classic() -> Value {
    json!({
        "natRuleCollections": [{ "name": "nat", "properties": { "priority": 100, "action": { "type": "Dnat" }, "rules": [
            { "name": "ssh", "protocols": ["TCP"], "sourceAddresses": ["*"], "destinationAddresses": ["20.0.0.5"],
              "destinationPorts": ["50022"], "translatedAddress": "10.0.0.4", "translatedPort": "22" }] } }],
        "networkRuleCollections": [{ "name": "net", "properties": { "priority": 100, "action": { "type": "Allow" },
            "rules": [{ "name": "rdp", "protocols": ["TCP"], "sourceAddresses": ["*"],
              "destinationAddresses": ["10.0.0.0/24"], "destinationPorts": ["3389"] }] } }],
    })
}

fn behind_policy() -> Estate {
    let base = id("Microsoft.Network/firewallPolicies", "base");
    let policy = id("Microsoft.Network/firewallPolicies", "policy");
    let group = |policy: &str, rules: Value, kind: &str, action: &str| {
        json!({
        "id": format!("{policy}/ruleCollectionGroups/group"), "properties": { "priority": 100, "ruleCollections": [{
            "ruleCollectionType": kind, "name": "c", "priority": 100, "action": { "type": action }, "rules": rules }] } })
    };
    let nat = json!([{ "ruleType": "NatRule", "name": "ssh", "ipProtocols": ["TCP"], "sourceIpGroups": [
        id("Microsoft.Network/ipGroups", "admins")], "destinationAddresses": ["20.0.0.5"], "destinationPorts": ["50022"],
        "translatedAddress": "10.0.0.4", "translatedPort": "22" }]);
    let net = json!([{ "ruleType": "NetworkRule", "name": "rdp", "ipProtocols": ["TCP"], "sourceAddresses": ["*"],
        "destinationIpGroups": [id("Microsoft.Network/ipGroups", "machines")], "destinationPorts": ["3389"] }]);
    behind_firewall(json!({ "firewallPolicy": { "id": policy } }))
        .add(json!({ "id": base, "properties": { "ruleCollectionGroups": [{ "id": format!("{base}/ruleCollectionGroups/group") }] } }))
        .add(json!({ "id": policy, "properties": { "basePolicy": { "id": base },
            "ruleCollectionGroups": [{ "id": format!("{policy}/ruleCollectionGroups/group") }] } }))
        .add(group(&base, net, "FirewallPolicyFilterRuleCollection", "Allow"))
        .add(group(&policy, nat, "FirewallPolicyNatRuleCollection", "DNAT"))
        .add(json!({ "id": id("Microsoft.Network/ipGroups", "admins"), "properties": { "ipAddresses": ["198.51.100.0/24"] } }))
        .add(json!({ "id": id("Microsoft.Network/ipGroups", "machines"), "properties": { "ipAddresses": ["10.0.0.0/24"] } }))
}

fn revived() -> Estate {
    let routes = vec![
        ("0.0.0.0/0", "VirtualAppliance", Some("10.1.0.4")),
        ("198.51.100.0/24", "Internet", None),
    ];
    Estate::new()
        .public()
        .subnet_nsg(vec![rule("ssh", 100, "Allow", "*", "22")])
        .routes(routes)
}

/// Resources that no machine's verdict hangs on, for the sake of their decoders.
fn bystanders() -> Vec<Value> {
    let configuration = "Microsoft.Network/networkManagers/m/securityAdminConfigurations/c/ruleCollections";
    let network = reference("Microsoft.Network/virtualNetworks", "other");
    vec![
        json!({ "id": id(configuration, "r"), "properties": { "appliesToGroups": [{ "networkGroupId": "/x" }] } }),
        json!({ "id": id(configuration, "r") + "/rules/one", "kind": "Custom", "properties": { "priority": 1,
            "direction": "Inbound", "access": "Deny", "protocol": "Tcp", "sourcePortRanges": ["0-65535"],
            "destinationPortRanges": ["22"], "sources": [{ "addressPrefix": "*", "addressPrefixType": "IPPrefix" }],
            "destinations": [{ "addressPrefix": "*", "addressPrefixType": "IPPrefix" }] } }),
        json!({ "id": id("Microsoft.Network/networkManagers/m/networkGroups", "g") + "/staticMembers/s",
            "properties": { "resourceId": "/x" } }),
        json!({ "id": id("Microsoft.Network/bastionHosts", "b"), "sku": { "name": "Basic" }, "properties": {
            "ipConfigurations": [{ "name": "c", "properties": { "subnet": { "id": subnet_id("AzureBastionSubnet") } } }] } }),
        json!({ "id": id("Microsoft.Network/virtualNetworks", "vnet") + "/virtualNetworkPeerings/p", "name": "p",
            "properties": { "peeringState": "Connected", "allowVirtualNetworkAccess": true, "remoteVirtualNetwork": network,
                "remoteAddressSpace": { "addressPrefixes": ["10.5.0.0/16"] }, "localSubnetNames": ["default"] } }),
        json!({ "id": nsg_id("sub") + "/securityRules/loose", "name": "loose", "properties": { "priority": 200,
            "direction": "Inbound", "access": "Deny", "protocol": "Tcp", "sourceAddressPrefix": "*",
            "sourcePortRange": "*", "destinationAddressPrefix": "*", "destinationPortRange": "23" } }),
        json!({ "id": "/subscriptions/00000000-0000-0000-0000-000000000001/providers/Microsoft.Security/pricings/VirtualMachines",
            "name": "VirtualMachines", "properties": { "pricingTier": "Standard", "subPlan": "P2" } }),
        json!({ "id": id("Microsoft.Compute/virtualMachines", "vm")
            + "/providers/Microsoft.Security/assessments/805651bc-6ecd-4c73-9b55-97a19d0582d0",
            "name": "805651bc-6ecd-4c73-9b55-97a19d0582d0",
            "properties": { "status": { "code": "Unhealthy" }, "resourceDetails": { "id": "/x" } } }),
        json!({ "id": "/subscriptions/00000000-0000-0000-0000-000000000001", "subscriptionId":
            "00000000-0000-0000-0000-000000000001", "displayName": "one", "tenantId": "t" }),
        json!({ "id": id("Microsoft.ClassicCompute/virtualMachines", "old"), "properties": { "storageProfile": {
            "operatingSystemDisk": { "operatingSystem": "Windows" } } } }),
        json!({ "id": id("Microsoft.Compute/virtualMachineScaleSets", "set") + "/virtualMachines/0", "properties": {
            "instanceView": { "statuses": [{ "code": "PowerState/running" }] }, "networkProfile": {
                "networkInterfaceConfigurations": [{ "name": "n", "properties": { "ipConfigurations": [{ "name": "c",
                    "properties": { "subnet": { "id": subnet_id("default") } } }] } }] } } }),
    ]
}

/// The pointers of all values below a value.
fn pointers(value: &Value, at: String, all: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                let below = format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"));
                all.push(below.clone());
                pointers(member, below, all);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                let below = format!("{at}/{index}");
                all.push(below.clone());
                pointers(item, below, all);
            }
        }
        _ => {}
    }
}

/// The ways and ports on which somebody from outside reaches the machine, or may.
fn reached(found: &Analysed, least: ExposureClass) -> Vec<(Way, u16)> {
    let vm = portcullis::model::ResourceId::new(&id("Microsoft.Compute/virtualMachines", "vm"));
    let Some(at) = found.inventory().vms.position(&vm) else {
        return Vec::new();
    };
    let Some(machine) = found.exposures.machines.get(at as usize) else {
        return Vec::new();
    };
    let ways = machine.targets.iter().flat_map(|target| &target.ways);
    let mut all: Vec<(Way, u16)> = Vec::new();
    for way in ways.filter(|way| way.way != Way::Private) {
        let open = way
            .exposures
            .iter()
            .filter(|e| e.class >= least && e.class != ExposureClass::NoReturnPath);
        all.extend(open.map(|exposure| (way.way, exposure.port)));
    }
    all
}

/// Whether what is known of the machine is known to be incomplete.
fn in_doubt(found: &Analysed) -> bool {
    let vm = portcullis::model::ResourceId::new(&id("Microsoft.Compute/virtualMachines", "vm"));
    let at = found.inventory().vms.position(&vm);
    let gap = at
        .and_then(|at| found.exposures.machines.get(at as usize))
        .is_some_and(|machine| machine.gap.is_some());
    gap || !found.inventory().coverage.is_complete()
}

fn verdict(reading: Reading) -> Option<(Verdict, bool)> {
    let flow = builtin::rules().iter().find(|rule| &*rule.id == FLOW_RULE)?;
    let params = ResolvedParams::defaults(flow);
    let report = scan(
        reading,
        &Request::plain(vec![Policy::reported((flow, &params))], Timestamp::UNIX_EPOCH),
    );
    let complete = report.scan.complete;
    let machine = report.machines.into_iter().find(|machine| &*machine.name == "vm");
    Some((
        machine.map_or(Verdict::Undetermined, |machine| machine.verdict),
        complete,
    ))
}

fn is_right(pointer: &str, by: &str) -> bool {
    let generic: String = pointer
        .split('/')
        .map(|part| if part.parse::<usize>().is_ok() { "*" } else { part })
        .collect::<Vec<_>>()
        .join("/");
    RIGHTLY
        .iter()
        .any(|(end, replacements, _)| generic.ends_with(end) && replacements.contains(&by))
}

/// What goes wrong when one value of a case is replaced.
fn wrongs(case: &Case) -> Vec<String> {
    let good = Value::Array(case.resources.clone());
    let base = Analysed::of(read(&good));
    let open = reached(&base, ExposureClass::AzureTenants);
    let said = verdict(read(&good));
    assert!(!open.is_empty(), "`{}` is not open to begin with", case.name);
    let mut all = Vec::new();
    pointers(&good, String::new(), &mut all);
    let mut wrong = Vec::new();
    for pointer in all {
        for (by, stranger) in strangers() {
            let mut changed = good.clone();
            let Some(slot) = changed.pointer_mut(&pointer) else {
                continue;
            };
            *slot = stranger;
            if by == "a deep list" {
                read(&changed);
                continue;
            }
            let found = Analysed::of(read(&changed));
            let now = reached(&found, ExposureClass::Undetermined);
            let lost: Vec<_> = open.iter().filter(|way| !now.contains(way)).collect();
            if !lost.is_empty() && !in_doubt(&found) && !is_right(&pointer, by) {
                wrong.push(format!("{}: {pointer} by {by}: no longer reached: {lost:?}", case.name));
            }
            if !matches!(said, Some((Verdict::Unhealthy, _))) {
                continue;
            }
            let (before, after) = (said, verdict(read(&changed)));
            if let (Some((Verdict::Unhealthy, _)), Some((now @ Verdict::Healthy, true))) = (before, after)
                && !is_right(&pointer, by)
            {
                wrong.push(format!("{}: {pointer} by {by}: now {now:?}", case.name));
            }
            let silent = !found
                .reading
                .diagnostics
                .iter()
                .any(|d| d.level != portcullis::source::Level::Note);
            if silent && after != before && !matches!(by, "null" | "no list" | "an object") && !is_right(&pointer, by) {
                wrong.push(format!("{}: {pointer} by {by}: {after:?} without a word", case.name));
            }
        }
    }
    wrong
}

#[test]
fn what_cannot_be_read_never_looks_safe() {
    let wrong: Vec<String> = cases().par_iter().flat_map(wrongs).collect();
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn every_decoder_bears_every_value() {
    let good = Value::Array(bystanders());
    let mut all = Vec::new();
    pointers(&good, String::new(), &mut all);
    for pointer in all {
        for (_, stranger) in strangers() {
            let mut changed = good.clone();
            if let Some(slot) = changed.pointer_mut(&pointer) {
                *slot = stranger;
            }
            let found = Analysed::of(read(&changed));
            assert!(found.exposures.machines.len() <= 2);
        }
    }
}

#[test]
fn every_right_replacement_is_needed() {
    let mut unused: Vec<&str> = Vec::new();
    let mut all = Vec::new();
    for case in cases() {
        pointers(&Value::Array(case.resources), String::new(), &mut all);
    }
    for (end, ..) in RIGHTLY {
        let plain = end.replace("/*", "/0");
        if !all.iter().any(|pointer| pointer.ends_with(&plain)) {
            unused.push(end);
        }
    }
    assert!(unused.is_empty(), "no case has {unused:?}");
}
