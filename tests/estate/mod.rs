//! Small estates for tests, written in the ARM shape and read through the real decoder.
#![allow(dead_code)]
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "estates of tests are built by indexing JSON; what is not there fails the test"
)]

use std::net::IpAddr;

use portcullis::exposure::{ExposureClass, Exposures, PortExposure, Way, analyse};
use portcullis::input::{Given, Reading};
use portcullis::model::Inventory;
use portcullis::net::{Protocol, parse_range};
use portcullis::trace;
use serde_json::{Value, json};

pub const PORTS: [u16; 4] = [22, 3389, 5985, 5986];
const GROUP: &str = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg/providers";

pub fn id(kind: &str, name: &str) -> String {
    format!("{GROUP}/{kind}/{name}")
}

pub fn reference(kind: &str, name: &str) -> Value {
    json!({ "id": id(kind, name) })
}

pub fn nsg_id(name: &str) -> String {
    id("Microsoft.Network/networkSecurityGroups", name)
}

pub fn subnet_id(name: &str) -> String {
    id("Microsoft.Network/virtualNetworks", "vnet") + "/subnets/" + name
}

/// An inbound rule for TCP from any source port to any destination; change it with [`with`].
pub fn rule(name: &str, priority: u16, access: &str, source: &str, ports: &str) -> Value {
    json!({ "name": name, "properties": {
        "priority": priority, "direction": "Inbound", "access": access, "protocol": "Tcp",
        "sourceAddressPrefix": source, "sourcePortRange": "*",
        "destinationAddressPrefix": "*", "destinationPortRange": ports,
    }})
}

/// The rule with one property replaced.
pub fn with(mut rule: Value, field: &str, value: Value) -> Value {
    rule["properties"][field] = value;
    rule
}

/// A machine in a network, of which tests state what matters.
pub struct Estate {
    pub resources: Vec<Value>,
    subnet: Value,
    nic: Value,
    network: Value,
}

impl Default for Estate {
    fn default() -> Self {
        Self::new()
    }
}

impl Estate {
    /// `vm` with `nic`/`ip1` at 10.0.0.4 in `vnet`/`default` (10.0.0.0/24 of 10.0.0.0/16); no group, no public address.
    pub fn new() -> Self {
        let configuration = json!({ "name": "ip1", "properties": {
            "primary": true, "privateIPAddress": "10.0.0.4", "subnet": { "id": subnet_id("default") },
        }});
        Estate {
            resources: vec![json!({
                "id": id("Microsoft.Compute/virtualMachines", "vm"), "location": "westeurope",
                "properties": {
                    "storageProfile": { "osDisk": { "osType": "Linux" } },
                    "networkProfile": { "networkInterfaces": [reference("Microsoft.Network/networkInterfaces", "nic")] },
                },
            })],
            subnet: json!({ "name": "default", "id": subnet_id("default"), "properties": { "addressPrefix": "10.0.0.0/24" } }),
            nic: json!({
                "id": id("Microsoft.Network/networkInterfaces", "nic"),
                "properties": {
                    "virtualMachine": reference("Microsoft.Compute/virtualMachines", "vm"),
                    "ipConfigurations": [configuration],
                },
            }),
            network: json!({
                "id": id("Microsoft.Network/virtualNetworks", "vnet"), "location": "westeurope",
                "properties": { "addressSpace": { "addressPrefixes": ["10.0.0.0/16"] }, "virtualNetworkPeerings": [] },
            }),
        }
    }

    pub fn add(mut self, resource: Value) -> Self {
        self.resources.push(resource);
        self
    }

    fn nsg(self, name: &str, rules: Vec<Value>) -> Self {
        self.add(json!({ "id": nsg_id(name), "properties": { "securityRules": rules } }))
    }

    pub fn subnet_nsg(mut self, rules: Vec<Value>) -> Self {
        self.subnet["properties"]["networkSecurityGroup"] = json!({ "id": nsg_id("sub") });
        self.nsg("sub", rules)
    }

    pub fn nic_nsg(mut self, rules: Vec<Value>) -> Self {
        self.nic["properties"]["networkSecurityGroup"] = json!({ "id": nsg_id("nic") });
        self.nsg("nic", rules)
    }

    pub fn public(self) -> Self {
        self.public_with("Standard")
    }

    pub fn public_with(mut self, sku: &str) -> Self {
        self.configuration()["publicIPAddress"] = reference("Microsoft.Network/publicIPAddresses", "pip");
        self.add(json!({
            "id": id("Microsoft.Network/publicIPAddresses", "pip"), "sku": { "name": sku },
            "properties": { "ipAddress": "203.0.114.10" },
        }))
    }

    /// Properties of the first ip configuration.
    pub fn configuration(&mut self) -> &mut Value {
        &mut self.nic["properties"]["ipConfigurations"][0]["properties"]
    }

    pub fn configure(mut self, field: &str, value: Value) -> Self {
        self.configuration()[field] = value;
        self
    }

    pub fn add_configuration(mut self, configuration: Value) -> Self {
        self.nic["properties"]["ipConfigurations"]
            .as_array_mut()
            .unwrap()
            .push(configuration);
        self
    }

    pub fn network(mut self, field: &str, value: Value) -> Self {
        self.network["properties"][field] = value;
        self
    }

    pub fn subnet(mut self, field: &str, value: Value) -> Self {
        self.subnet["properties"][field] = value;
        self
    }

    pub fn routes(self, routes: Vec<(&str, &str, Option<&str>)>) -> Self {
        let routes: Vec<Value> = routes
            .into_iter()
            .enumerate()
            .map(|(index, (prefix, hop, address))| {
                json!({ "name": format!("r{index}"), "properties": {
                    "addressPrefix": prefix, "nextHopType": hop, "nextHopIpAddress": address } })
            })
            .collect();
        self.subnet("routeTable", reference("Microsoft.Network/routeTables", "rt"))
            .add(json!({
            "id": id("Microsoft.Network/routeTables", "rt"), "properties": { "routes": routes } }))
    }

    /// All resources as one list.
    pub fn resources(mut self) -> Vec<Value> {
        let subnets = self.network["properties"]["subnets"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let all: Vec<Value> = std::iter::once(self.subnet.clone()).chain(subnets).collect();
        self.network["properties"]["subnets"] = Value::Array(all);
        self.resources.extend([self.nic, self.network]);
        self.resources
    }

    pub fn read(self) -> Reading {
        read(&Value::Array(self.resources()))
    }

    pub fn analyse(self) -> Analysed {
        Analysed::of(self.read())
    }
}

pub fn read(resources: &Value) -> Reading {
    let mut reading = Reading::default();
    reading.read("estate.json", Given::Named, resources.to_string().as_bytes());
    reading.finish();
    reading
}

pub struct Analysed {
    pub reading: Reading,
    pub exposures: Exposures,
}

impl Analysed {
    pub fn of(reading: Reading) -> Self {
        let exposures = analyse(&reading.inventory, &reading.sources, &PORTS);
        Analysed { reading, exposures }
    }

    pub fn inventory(&self) -> &Inventory {
        &self.reading.inventory
    }

    /// Asks the evaluator of `trace` about some senders to the machine's public addresses, and fails where the sets do
    /// not say the same.
    #[track_caller]
    pub fn agreeing(self) -> Self {
        let estate = trace::Estate::of(self.inventory());
        let machine = estate.machine(self.inventory().vms.get(0).expect("there is a machine"));
        for (at, target) in machine.targets.iter().enumerate() {
            for port in PORTS {
                let Some(answer) = self.at(at, Way::PublicIp, port).filter(|answer| is_whole(answer)) else {
                    continue;
                };
                let family = is_ipv4(target);
                for sender in SENDERS.map(|text| text.parse().expect("an address")) {
                    if family == IpAddr::is_ipv4(&sender) {
                        let traced = traced(&estate, target, sender, port);
                        assert_eq!(traced, said(answer, sender), "{sender} to {port}: {answer:#?}");
                    }
                }
            }
        }
        self
    }

    /// The answer for port 22 of the first address on a way, `None` where there is no such way.
    pub fn on(&self, way: Way) -> Option<&PortExposure> {
        self.at(0, way, 22)
    }

    pub fn at(&self, target: usize, way: Way, port: u16) -> Option<&PortExposure> {
        let target = &self.exposures.machines[0].targets[target];
        let way = target.ways.iter().find(|found| found.way == way)?;
        way.exposures.iter().find(|exposure| exposure.port == port)
    }

    pub fn public(&self) -> &PortExposure {
        self.on(Way::PublicIp).expect("a public address")
    }

    pub fn private(&self) -> &PortExposure {
        self.on(Way::Private).expect("a private way")
    }
}

const SENDERS: [&str; 9] = [
    "203.0.113.9",
    "203.0.113.200",
    "8.8.8.8",
    "20.0.0.5",
    "20.1.0.9",
    "20.10.0.5",
    "168.63.129.17",
    "2001:db8::9",
    "2603:1000::9",
];

fn is_ipv4(target: &trace::Target<'_>) -> bool {
    target.configuration.family == portcullis::net::Family::V4
}

/// Whether an answer lists everybody it speaks of.
fn is_whole(answer: &PortExposure) -> bool {
    answer.tags.is_empty() && answer.more_sources == 0 && answer.possible_sources.len() < 64
}

/// What the sets say of one public sender: surely in, or perhaps.
fn said(answer: &PortExposure, sender: IpAddr) -> Option<bool> {
    let holds = |texts: &[String]| {
        let within = |text: &String| text == "Internet" || parse_range(text).expect("a range").0.contains(sender);
        texts.iter().any(within)
    };
    match (holds(&answer.sources), holds(&answer.possible_sources)) {
        (true, _) => Some(true),
        (false, true) => Some(false),
        (false, false) => None,
    }
}

/// What the evaluator of one packet says of it.
fn traced(estate: &trace::Estate<'_>, target: &trace::Target<'_>, source: IpAddr, port: u16) -> Option<bool> {
    let ways = trace::ways(estate, target);
    let ways = ways.iter().filter(|way| way.way == trace::Way::PublicIp);
    let status = |way| {
        let packet = trace::Packet {
            source,
            membership: trace::Membership::Outside,
            source_port: 49152,
            protocol: Protocol::Tcp,
            port,
        };
        match trace::comes_by(target, way, source).is_no() {
            true => trace::Status::Closed,
            false => trace::judge(estate, target, way, packet).status,
        }
    };
    match ways.map(status).max() {
        Some(trace::Status::Open) => Some(true),
        Some(trace::Status::Undetermined) => Some(false),
        _ => None,
    }
}

pub fn deciders(exposure: &PortExposure) -> Vec<String> {
    exposure
        .deciders
        .iter()
        .map(|decider| format!("{}/{}", decider.group, decider.rule))
        .collect()
}

#[track_caller]
pub fn assert_class(exposure: &PortExposure, class: ExposureClass) {
    assert_eq!(exposure.class, class, "{exposure:#?}");
}
