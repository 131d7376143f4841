//! Scale sets and interfaces that are declared within machines.
#![expect(clippy::indexing_slicing, reason = "what is missing fails the test")]

mod estate;

use ExposureClass::{Closed, Wide};
use estate::*;
use portcullis::exposure::{ExposureClass, Way};
use serde_json::{Value, json};

const SET: &str = "Microsoft.Compute/virtualMachineScaleSets";

/// An interface configuration with a public address and a group of its own.
fn configuration() -> Value {
    json!({ "name": "nic", "properties": { "primary": true,
        "networkSecurityGroup": { "id": nsg_id("set") },
        "ipConfigurations": [{ "name": "ip", "properties": {
            "subnet": { "id": subnet_id("default") },
            "publicIPAddressConfiguration": { "name": "pub", "sku": { "name": "Standard" } } } }] } })
}

fn set(capacity: u32, mode: &str) -> Value {
    json!({ "id": id(SET, "set"), "location": "westeurope", "sku": { "name": "Standard_D2s_v5", "capacity": capacity },
        "properties": { "orchestrationMode": mode, "virtualMachineProfile": {
            "storageProfile": { "osDisk": { "osType": "Linux" } },
            "networkProfile": { "networkInterfaceConfigurations": [configuration()] } } } })
}

fn instance(properties: Value) -> Value {
    json!({ "id": id(SET, "set") + "/virtualMachines/0", "location": "westeurope", "properties": properties })
}

fn listed() -> Value {
    json!([{ "id": id(SET, "set") + "/virtualMachines/0/networkInterfaces/nic" }])
}

/// The network, the group of the set with one rule, and whatever is given.
fn estate(source: &str, parts: Vec<Value>) -> Analysed {
    let network = json!({ "id": id("Microsoft.Network/virtualNetworks", "vnet"), "location": "westeurope", "properties": {
        "addressSpace": { "addressPrefixes": ["10.0.0.0/16"] },
        "subnets": [{ "name": "default", "properties": { "addressPrefix": "10.0.0.0/24" } }] } });
    let group = json!({ "id": nsg_id("set"), "properties": {
        "securityRules": [rule("ssh", 100, "Allow", source, "22")] } });
    Analysed::of(read(&Value::Array([vec![network, group], parts].concat())))
}

#[test]
fn a_set_without_instances_in_the_input_is_judged_by_its_profile() {
    let found = estate("Internet", vec![set(3, "Uniform")]);
    assert_eq!(found.inventory().vms.len(), 1);
    assert_class(found.public(), Wide);
    assert_class(estate("10.0.0.0/8", vec![set(3, "Uniform")]).public(), Closed);
}

#[test]
fn an_empty_set_is_no_machine() {
    assert!(estate("*", vec![set(0, "Uniform")]).inventory().vms.is_empty());
}

#[test]
fn a_set_without_a_readable_profile_leaves_its_interfaces_open() {
    let mut broken = set(1, "Uniform");
    broken["properties"]["virtualMachineProfile"]["networkProfile"]["networkInterfaceConfigurations"] = json!("lost");
    let found = estate("*", vec![broken]);
    assert!(found.exposures.machines[0].gap.is_some());
}

#[test]
fn an_instance_gets_the_interfaces_of_the_current_profile() {
    let current = instance(json!({ "latestModelApplied": true, "networkProfile": { "networkInterfaces": listed() } }));
    let found = estate("Internet", vec![set(1, "Uniform"), current]);
    assert_eq!(found.inventory().vms.len(), 1);
    assert!(found.exposures.machines[0].gap.is_none());
    assert_class(found.public(), Wide);
}

#[test]
fn an_instance_of_an_older_profile_keeps_its_gap() {
    for older in [json!({ "latestModelApplied": false }), json!({})] {
        let mut properties = older;
        properties["networkProfile"] = json!({ "networkInterfaces": listed() });
        let found = estate("Internet", vec![set(1, "Uniform"), instance(properties)]);
        assert!(found.exposures.machines[0].gap.is_some());
    }
}

#[test]
fn an_instance_may_state_its_interfaces_itself() {
    let own = instance(
        json!({ "latestModelApplied": false, "networkProfile": { "networkInterfaces": listed() },
        "networkProfileConfiguration": { "networkInterfaceConfigurations": [configuration()] } }),
    );
    let found = estate("Internet", vec![set(1, "Uniform"), own]);
    assert!(found.exposures.machines[0].gap.is_none());
    assert_class(found.public(), Wide);
}

#[test]
fn a_recorded_interface_wins_over_the_profile() {
    let nic = json!({ "id": listed()[0]["id"], "properties": { "ipConfigurations": [{ "name": "ip", "properties": {
        "privateIPAddress": "10.0.0.7", "subnet": { "id": subnet_id("default") } } }] } });
    let current = instance(json!({ "latestModelApplied": true, "networkProfile": { "networkInterfaces": listed() } }));
    let found = estate("Internet", vec![set(1, "Uniform"), current, nic]);
    assert!(found.on(Way::PublicIp).is_none());
}

/// The profile's configuration in a NAT pool 50000-50119 of a balancer; the balancer's own NAT rules are given.
fn pooled(nat_rules: Value, parts: Vec<Value>) -> Analysed {
    let balancer = id("Microsoft.Network/loadBalancers", "lb");
    let mut set = set(2, "Uniform");
    let configuration =
        &mut set["properties"]["virtualMachineProfile"]["networkProfile"]["networkInterfaceConfigurations"][0];
    let ip = &mut configuration["properties"]["ipConfigurations"][0]["properties"];
    ip["publicIPAddressConfiguration"] = Value::Null;
    ip["loadBalancerInboundNatPools"] = json!([{ "id": format!("{balancer}/inboundNatPools/ssh") }]);
    let front = json!({ "id": format!("{balancer}/frontendIPConfigurations/front") });
    let resource = json!({ "id": balancer, "sku": { "name": "Standard" }, "properties": {
        "frontendIPConfigurations": [{ "name": "front", "properties": {
            "publicIPAddress": reference("Microsoft.Network/publicIPAddresses", "lbpip") } }],
        "inboundNatRules": nat_rules,
        "inboundNatPools": [{ "name": "ssh", "properties": { "frontendIPConfiguration": front, "protocol": "Tcp",
            "frontendPortRangeStart": 50000, "frontendPortRangeEnd": 50119, "backendPort": 22 } }] } });
    estate("Internet", [vec![set, resource], parts].concat())
}

#[test]
fn a_nat_pool_gives_an_instance_one_port_of_its_range() {
    let found = pooled(json!([]), vec![]);
    let way = found.on(Way::LoadBalancer);
    assert_eq!(
        way.and_then(|way| way.front_ports.clone()).as_deref(),
        Some("50000-50119")
    );
}

#[test]
fn flexible_members_are_machines_of_their_own() {
    let member = json!({ "id": id("Microsoft.Compute/virtualMachines", "set_1"), "location": "westeurope",
        "properties": { "virtualMachineScaleSet": { "id": id(SET, "set") },
            "networkProfile": { "networkInterfaces": [reference("Microsoft.Network/networkInterfaces", "n")] } } });
    let nic = json!({ "id": id("Microsoft.Network/networkInterfaces", "n"), "properties": { "ipConfigurations": [{
        "name": "ip", "properties": { "privateIPAddress": "10.0.0.9", "subnet": { "id": subnet_id("default") } } }] } });
    let found = estate("Internet", vec![set(1, "Flexible"), member, nic]);
    assert_eq!(found.inventory().vms.len(), 1);
    assert!(found.on(Way::PublicIp).is_none());
}

#[test]
fn a_machine_may_declare_its_interfaces_within_itself() {
    let machine = json!({ "id": id("Microsoft.Compute/virtualMachines", "vm"), "location": "westeurope", "properties": {
        "networkProfile": { "networkApiVersion": "2022-11-01", "networkInterfaceConfigurations": [configuration()] } } });
    let found = estate("Internet", vec![machine.clone()]);
    assert!(found.exposures.machines[0].gap.is_none());
    assert_class(found.public(), Wide);
    assert_class(estate("10.0.0.0/8", vec![machine]).public(), Closed);
}
