//! Estates for tests of remedies: one that needs everything, and as many as wanted of a generator.
#![allow(dead_code)]
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "estates of tests are built by indexing JSON"
)]

use portcullis::remedy::Documents;
use serde_json::{Value, json};

use crate::estate::{self, Estate, id, rule, with};

/// A machine behind a group, with Defender's plan, so that just-in-time access can be enabled.
pub fn base() -> Estate {
    defended(Estate::new().public())
}

/// With Defender's plan.
pub fn defended(estate: Estate) -> Estate {
    estate.add(json!({
        "id": "/subscriptions/00000000-0000-0000-0000-000000000001/providers/Microsoft.Security/pricings/VirtualMachines",
        "properties": { "pricingTier": "Standard", "subPlan": "P2" },
    }))
}

pub fn policy(entries: Value) -> Value {
    json!({
        "id": id("Microsoft.Security/locations/westeurope/jitNetworkAccessPolicies", "default"),
        "location": "westeurope", "kind": "Basic",
        "properties": { "virtualMachines": entries, "requests": [{ "virtualMachines": [], "requestor": "somebody" }] },
    })
}

pub fn entry(vm: &str, ports: &[u16], duration: &str, source: &str) -> Value {
    let port = |number: &u16| {
        json!({ "number": number, "protocol": "*", "allowedSourceAddressPrefix": source,
        "maxRequestAccessDuration": duration })
    };
    json!({ "id": id("Microsoft.Compute/virtualMachines", vm), "ports": ports.iter().map(port).collect::<Vec<_>>() })
}

pub fn crowded() -> Documents {
    let rules = vec![
        rule("wide", 200, "Allow", "*", "20-8080"),
        with(rule("all", 300, "Allow", "203.0.113.0/24", "*"), "protocol", json!("*")),
    ];
    let other = entry("other", &[22, 3389, 5985, 5986], "PT1H", "203.0.113.0/24");
    Documents::of(base().subnet_nsg(rules).add(policy(json!([other]))).resources())
}

pub fn crowded_resources() -> Vec<Value> {
    crowded().iter().cloned().collect()
}

/// A small generator of its own, so that a failing estate is named by its number.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }

    fn pick<'p>(&mut self, from: &[&'p str]) -> &'p str {
        from[usize::try_from(self.roll(from.len() as u64)).unwrap()]
    }
}

pub fn generated(number: u64) -> Documents {
    let mut dice = Dice(number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let rules = |dice: &mut Dice, most: u64| -> Vec<Value> {
        let count = dice.roll(most + 1);
        (0..count)
            .map(|at| {
                let source = dice.pick(&[
                    "*",
                    "Internet",
                    "203.0.113.0/24",
                    "10.0.0.0/16",
                    "VirtualNetwork",
                    "198.51.100.7",
                ]);
                let ports = dice.pick(&["22", "3389", "20-30", "*", "443", "5985-5986", "0-4000", "80", "22-22"]);
                let access = if dice.roll(4) == 0 { "Deny" } else { "Allow" };
                let protocol = dice.pick(&["Tcp", "*", "Udp", "Tcp"]);
                let priority = 100 + u16::try_from(at * 7 + dice.roll(7)).unwrap();
                with(
                    rule(&format!("rule{at}"), priority, access, source, ports),
                    "protocol",
                    json!(protocol),
                )
            })
            .collect()
    };
    let mut estate = base();
    if dice.roll(4) > 0 {
        let made = rules(&mut dice, 5);
        estate = estate.subnet_nsg(made);
    }
    if dice.roll(3) == 0 {
        let made = rules(&mut dice, 4);
        estate = estate.nic_nsg(made);
    }
    match dice.roll(4) {
        0 => estate = estate.add(policy(json!([entry("other", &[22], "PT1H", "203.0.113.0/24")]))),
        1 => {
            estate = estate.add(policy(json!([
                entry("vm", &[22], "PT8H", "*"),
                entry("other", &[22], "PT1H", "*")
            ])))
        }
        _ => {}
    }
    let bastion = json!([{ "name": "AzureBastionSubnet", "id": estate::subnet_id("AzureBastionSubnet"),
        "properties": { "addressPrefix": "10.0.9.0/26" } }]);
    if dice.roll(3) == 0 {
        estate = estate.network("subnets", bastion);
    }
    let mut resources = estate.resources();
    if dice.roll(2) == 0 {
        resources.extend(second());
    }
    Documents::of(resources)
}

/// A second machine in the same subnet: a bystander.
pub fn second() -> Vec<Value> {
    vec![
        json!({ "id": id("Microsoft.Compute/virtualMachines", "other"), "location": "westeurope", "properties": {
            "storageProfile": { "osDisk": { "osType": "Windows" } },
            "networkProfile": { "networkInterfaces": [estate::reference("Microsoft.Network/networkInterfaces", "nic2")] } } }),
        json!({ "id": id("Microsoft.Network/networkInterfaces", "nic2"), "properties": {
            "virtualMachine": estate::reference("Microsoft.Compute/virtualMachines", "other"),
            "ipConfigurations": [{ "name": "ip1", "properties": { "primary": true, "privateIPAddress": "10.0.0.5",
                "subnet": { "id": estate::subnet_id("default") } } }] } }),
    ]
}

/// Who reaches a port of every address, asked once more without the code of the proof.
pub fn reached(documents: &Documents, port: u16) -> Vec<String> {
    let reading = documents.reading();
    let exposures = portcullis::exposure::analyse(&reading.inventory, &reading.sources, &[port]);
    let mut reached = Vec::new();
    for target in exposures.machines.iter().flat_map(|machine| &machine.targets) {
        let reach = exposures.stacks[target.stack as usize].reach(port).unwrap();
        reached.push(format!(
            "{} {:?} {:?}",
            target.name,
            reach.certainly_admitted().cidrs(9999),
            reach.possibly_admitted().cidrs(9999)
        ));
    }
    reached
}
