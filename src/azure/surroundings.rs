//! What stands around one machine: its interfaces, their subnets and groups, its addresses, the balancers that lead to it.
//! Read one by one, so that an identity that may see little still sees what it may.

use std::collections::BTreeSet;

use serde_json::Value;

use super::client::Fault;
use super::collect::segment;
use super::session::Session;
use crate::model::ResourceId;

/// What was read, and what was not, with the reason.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    pub documents: Vec<Value>,
    pub unread: Vec<(ResourceId, String)>,
}

const COMPUTE: &str = "2024-07-01";
const NETWORK: &str = "2024-05-01";

/// A resource's path with the version it is read with.
pub fn path_of(id: &ResourceId, version: &str) -> String {
    let segments: Vec<String> = id
        .as_str()
        .split('/')
        .filter(|part| !part.is_empty())
        .map(segment)
        .collect();
    format!("{}?api-version={version}", segments.join("/"))
}

/// Reads what stands around a machine. An error means that not even the machine can be read.
pub fn surroundings(session: &Session, machine: &ResourceId) -> Result<Surroundings, Fault> {
    let mut around = Around {
        session,
        found: Surroundings::default(),
        seen: BTreeSet::new(),
    };
    let path = format!("{}&$expand=instanceView", path_of(machine, COMPUTE));
    let vm = session.get(&path)?;
    let nics = ids(&vm, &["properties", "networkProfile", "networkInterfaces"]);
    around.found.documents.push(vm);
    for nic in nics {
        around.interface(&nic);
    }
    Ok(around.found)
}

struct Around<'s> {
    session: &'s Session,
    found: Surroundings,
    seen: BTreeSet<String>,
}

impl Around<'_> {
    /// Reads a resource once; what is refused is noted.
    fn read(&mut self, id: &ResourceId) -> Option<Value> {
        if !self.seen.insert(id.as_str().to_ascii_lowercase()) {
            return None;
        }
        match self.session.get(&path_of(id, NETWORK)) {
            Ok(document) => {
                self.found.documents.push(document.clone());
                Some(document)
            }
            Err(fault) => {
                self.found.unread.push((id.clone(), fault.words()));
                None
            }
        }
    }

    fn interface(&mut self, id: &ResourceId) {
        let Some(nic) = self.read(id) else { return };
        if let Some(group) = id_at(&nic, &["properties", "networkSecurityGroup"]) {
            self.read(&group);
        }
        for configuration in list(&nic, &["properties", "ipConfigurations"]) {
            if let Some(subnet) = id_at(configuration, &["properties", "subnet"]) {
                self.subnet(&subnet);
            }
            if let Some(address) = id_at(configuration, &["properties", "publicIPAddress"]) {
                self.read(&address);
            }
            for group in ids(configuration, &["properties", "applicationSecurityGroups"]) {
                self.read(&group);
            }
            let rules = ids(configuration, &["properties", "loadBalancerInboundNatRules"]);
            let pools = ids(configuration, &["properties", "loadBalancerBackendAddressPools"]);
            let balancers = rules.iter().chain(&pools).filter_map(ResourceId::parent);
            for balancer in balancers.collect::<Vec<_>>() {
                self.balancer(&balancer);
            }
        }
    }

    /// A subnet is read with its network, which says what its addresses are.
    fn subnet(&mut self, id: &ResourceId) {
        let Some(network) = id.parent() else { return };
        let document = self.read(&network);
        let subnets: Vec<&Value> = document
            .iter()
            .flat_map(|network| list(network, &["properties", "subnets"]))
            .collect();
        let own = subnets
            .into_iter()
            .find(|subnet| id_at(subnet, &[]).as_ref() == Some(id));
        if let Some(group) = own.and_then(|subnet| id_at(subnet, &["properties", "networkSecurityGroup"])) {
            self.read(&group);
        }
    }

    fn balancer(&mut self, id: &ResourceId) {
        let Some(balancer) = self.read(id) else { return };
        let frontends = list(&balancer, &["properties", "frontendIPConfigurations"]);
        let addresses = frontends.filter_map(|frontend| id_at(frontend, &["properties", "publicIPAddress"]));
        for address in addresses.collect::<Vec<_>>() {
            self.read(&address);
        }
    }
}

fn at<'v>(value: &'v Value, path: &[&str]) -> Option<&'v Value> {
    path.iter().try_fold(value, |value, name| value.get(name))
}

fn list<'v>(value: &'v Value, path: &[&str]) -> impl Iterator<Item = &'v Value> {
    at(value, path).and_then(Value::as_array).into_iter().flatten()
}

fn id_at(value: &Value, path: &[&str]) -> Option<ResourceId> {
    at(value, path)?.get("id")?.as_str().map(ResourceId::new)
}

fn ids(value: &Value, path: &[&str]) -> Vec<ResourceId> {
    list(value, path).filter_map(|item| id_at(item, &[])).collect()
}
