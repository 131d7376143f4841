//! What stands below other resources, and the answers of actions: read by a live scan with every source, and what a
//! service keeps back is a gap.
#![expect(clippy::expect_used, reason = "tests say what they expect")]

mod live;

use std::io::Cursor;

use live::{connection, everything, ids, is_complete, lines};
use portcullis::azure::collect::Source;
use portcullis::azure::record;
use portcullis::sandbox::{Options, Sandbox, Store, load};

const SUBSCRIPTION: &str = "11111111-2222-4333-8444-555555555555";

/// Ids below the providers of one resource group, with the rest of each record.
const RESOURCES: &[(&str, &str)] = &[
    (
        "Microsoft.Compute/virtualMachineScaleSets/ss",
        r#""location":"westeurope","sku":{"name":"x","capacity":1},"properties":{"orchestrationMode":"Uniform"}"#,
    ),
    (
        "Microsoft.Compute/virtualMachineScaleSets/ss/virtualMachines/0",
        r#""location":"westeurope","instanceId":"0","properties":{"networkProfile":{"networkInterfaces":[{"id":"NIC"}]},"storageProfile":{"osDisk":{"osType":"Linux"}}}"#,
    ),
    (
        "Microsoft.Compute/virtualMachineScaleSets/ss/virtualMachines/0/networkInterfaces/nic",
        r#""properties":{"ipConfigurations":[{"name":"ip","properties":{"privateIPAddress":"10.0.0.4","subnet":{"id":"SUBNET"}}}]}"#,
    ),
    (
        "Microsoft.Compute/virtualMachineScaleSets/flexible",
        r#""location":"westeurope","properties":{"orchestrationMode":"Flexible"}"#,
    ),
    (
        "Microsoft.Network/virtualNetworks/vnet",
        r#""location":"westeurope","properties":{"addressSpace":{"addressPrefixes":["10.0.0.0/16"]},"subnets":[{"id":"SUBNET","name":"s","properties":{"addressPrefix":"10.0.0.0/24"}}]}"#,
    ),
    (
        "Microsoft.Network/firewallPolicies/policy",
        r#""location":"westeurope","properties":{"sku":{"tier":"Standard"}}"#,
    ),
    (
        "Microsoft.Network/firewallPolicies/policy/ruleCollectionGroups/group",
        r#""properties":{"priority":100,"ruleCollections":[]}"#,
    ),
    (
        "Microsoft.Network/virtualHubs/hub",
        r#""location":"westeurope","properties":{"addressPrefix":"10.100.0.0/23"}"#,
    ),
    (
        "Microsoft.Network/virtualHubs/hub/hubVirtualNetworkConnections/spoke",
        r#""properties":{"remoteVirtualNetwork":{"id":"VNET"}}"#,
    ),
    (
        "Microsoft.Network/virtualHubs/hub/routingIntent/intent",
        r#""properties":{"routingPolicies":[]}"#,
    ),
    (
        "Microsoft.Network/networkManagers/manager/securityAdminConfigurations/configuration",
        r#""properties":{}"#,
    ),
    (
        "Microsoft.Network/networkManagers/manager/securityAdminConfigurations/configuration/ruleCollections/collection",
        r#""properties":{"appliesToGroups":[]}"#,
    ),
    (
        "Microsoft.Network/networkManagers/manager/securityAdminConfigurations/configuration/ruleCollections/collection/rules/rule",
        r#""kind":"Custom","properties":{"protocol":"Tcp","access":"Deny","priority":1,"direction":"Inbound","sources":[],"destinations":[],"sourcePortRanges":["0-65535"],"destinationPortRanges":["22"]}"#,
    ),
    (
        "Microsoft.Network/networkManagers/manager/networkGroups/group",
        r#""properties":{"memberType":"VirtualNetwork"}"#,
    ),
    (
        "Microsoft.Network/networkManagers/manager/networkGroups/group/staticMembers/member",
        r#""properties":{"resourceId":"VNET"}"#,
    ),
    (
        "Microsoft.Network/networkManagers/manager/listDeploymentStatus",
        r#""value":[{"region":"westeurope","deploymentStatus":"Deployed","deploymentType":"SecurityAdmin","configurationIds":[]}]"#,
    ),
    (
        "Microsoft.Network/networkManagers/manager/listActiveSecurityAdminRules",
        r#""value":[]"#,
    ),
    (
        "Microsoft.Network/virtualNetworks/vnet/listNetworkManagerEffectiveSecurityAdminRules",
        r#""value":[]"#,
    ),
];

fn sandbox() -> Sandbox {
    let base = format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/rg/providers");
    let mut text = format!(
        "{{\"format\":\"portcullis-snapshot\",\"version\":1,\"recorded\":\"2026-03-14T02:10:00Z\",\"tool\":\"t\",\"subscriptions\":[{{\"id\":\"{SUBSCRIPTION}\",\"complete\":true}}]}}\n"
    );
    for (path, rest) in RESOURCES {
        let vnet = format!("{base}/Microsoft.Network/virtualNetworks/vnet");
        let nic =
            format!("{base}/Microsoft.Compute/virtualMachineScaleSets/ss/virtualMachines/0/networkInterfaces/nic");
        let rest = rest
            .replace("SUBNET", &format!("{vnet}/subnets/s"))
            .replace("VNET", &vnet)
            .replace("NIC", &nic);
        let name = path.rsplit('/').next().expect("a name");
        let name = if rest.starts_with("\"value\"") {
            String::new()
        } else {
            format!("\"name\":\"{name}\",")
        };
        text.push_str(&format!("{{\"id\":\"{base}/{path}\",{name}{rest}}}\n"));
    }
    text.push_str(&format!(
        "{{\"format\":\"portcullis-snapshot-end\",\"resources\":{}}}\n",
        RESOURCES.len()
    ));
    let mut store = Store::default();
    load(&mut store, "estate", Cursor::new(text)).expect("loaded");
    store.settle();
    Sandbox::start(store, Options::default()).expect("started")
}

#[test]
fn everything_below_is_read() {
    let sandbox = sandbox();
    for source in [Source::Auto, Source::Arm] {
        let recorded = record(&connection(&sandbox.origin), &everything(source)).expect("read");
        assert!(is_complete(&recorded), "{source:?}: {:?}", recorded.header);
        let read = ids(&lines(recorded));
        for (path, _) in RESOURCES {
            let id = format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/rg/providers/{path}").to_ascii_lowercase();
            assert!(read.contains(&id), "{source:?}: {id} is not in {read:#?}");
        }
    }
}

#[test]
fn what_is_refused_below_is_a_gap() {
    let sandbox = sandbox();
    for (path, _) in RESOURCES.iter().filter(|(path, _)| path.matches('/').count() > 2) {
        let segments: Vec<&str> = path.split('/').collect();
        let last = if segments.len().is_multiple_of(2) {
            segments[segments.len() - 1]
        } else {
            segments[segments.len() - 2]
        };
        for fault in [format!("403@path=/{last}"), format!("500@path=/{last},times=always")] {
            sandbox.inject(vec![fault.parse().expect("a fault")]);
            let recorded = record(&connection(&sandbox.origin), &everything(Source::Auto)).expect("read");
            assert!(!is_complete(&recorded), "{fault}: {:?}", recorded.header);
            let missing = &recorded.header.subscriptions[0].missing;
            assert!(
                missing.iter().any(|missing| missing.resource_type.contains(last)),
                "{fault}: {missing:?}"
            );
        }
    }
}
