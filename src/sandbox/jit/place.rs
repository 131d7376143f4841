//! Where the rules of a machine belong: the security groups of its interfaces and of their subnets.

use serde_json::Value;

use crate::sandbox::state::State;
use crate::sandbox::store::items;

/// A machine with the addresses and groups that its interfaces give it.
pub struct Placed {
    /// Ids of the groups on its interfaces and on their subnets.
    pub groups: Vec<String>,
    pub addresses: Vec<String>,
}

/// Where the rules of a machine belong.
pub fn place(state: &State, machine: &str) -> Placed {
    let mut placed = Placed {
        groups: Vec::new(),
        addresses: Vec::new(),
    };
    for nic in interfaces(state, machine) {
        let Some(found) = state.store.own(&nic) else { continue };
        let own = found
            .body
            .pointer("/properties/networkSecurityGroup/id")
            .and_then(Value::as_str);
        placed.add_group(own);
        for configuration in items(&found.body, "ipConfigurations") {
            let address = configuration
                .pointer("/properties/privateIPAddress")
                .and_then(Value::as_str);
            placed.addresses.extend(address.map(str::to_owned));
            let subnet = configuration.pointer("/properties/subnet/id").and_then(Value::as_str);
            let subnet = subnet.and_then(|subnet| state.store.find(subnet));
            placed.add_group(
                subnet.and_then(|subnet| subnet.body.pointer("/properties/networkSecurityGroup/id")?.as_str()),
            );
        }
    }
    placed
}

impl Placed {
    fn add_group(&mut self, group: Option<&str>) {
        let group = group.filter(|group| !self.groups.iter().any(|held| held.eq_ignore_ascii_case(group)));
        self.groups.extend(group.map(str::to_owned));
    }
}

pub fn interfaces(state: &State, machine: &str) -> Vec<String> {
    let found = state.store.own(machine);
    let listed = found.and_then(|machine| {
        machine
            .body
            .pointer("/properties/networkProfile/networkInterfaces")?
            .as_array()
    });
    let ids = listed.into_iter().flatten().filter_map(|nic| nic.get("id")?.as_str());
    ids.map(str::to_owned).collect()
}
