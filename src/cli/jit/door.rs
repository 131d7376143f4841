//! The machine that a request is about, as far as the identity may see it: its policies, what stands around it, where its
//! clients knock, and what its groups let through.

use jiff::Timestamp;
use serde_json::Value;

use super::super::Failure;
use super::estate::said;
use crate::azure::client::Fault;
use crate::azure::session::Session;
use crate::azure::surroundings::surroundings;
use crate::jit::ask;
use crate::jit::connect::Door;
use crate::jit::opening::{Filtered, filtered};
use crate::jit::status::{Asked, Connection, Through, survey};
use crate::model::ResourceId;
use crate::net::parse_range;
use crate::remedy::Documents;
use crate::remedy::documents::{id_of, property};
use crate::rule::suggest;

/// Every policy of some subscriptions.
pub struct Policies(Vec<Value>);

/// A machine with the policies that hold it.
#[derive(Clone, Debug)]
pub struct Guarded {
    pub machine: ResourceId,
    pub policies: Vec<(ResourceId, Value)>,
}

impl Policies {
    /// Reads them. A subscription that is named and refused is an error; of all, it is passed over and said.
    pub fn read(session: &Session, stated: &[String]) -> Result<(Policies, Vec<String>), Failure> {
        let all = stated.is_empty();
        let subscriptions = match all {
            true => session
                .subscriptions()
                .map_err(|fault| said("the subscriptions cannot be listed", &fault))?,
            false => stated.to_vec(),
        };
        let (mut policies, mut unread) = (Vec::new(), Vec::new());
        for id in &subscriptions {
            let what = format!("the just-in-time policies of subscription `{id}` cannot be read");
            match session.policies(id, |rows| policies.extend(rows)) {
                Ok(()) => {}
                Err(fault) if all && !matches!(fault, Fault::NoToken(_) | Fault::Stopped(_)) => {
                    unread.push(said(&what, &fault).0);
                }
                Err(fault) => return Err(said(&what, &fault)),
            }
        }
        Ok((Policies(policies), unread))
    }

    fn entries(&self) -> impl Iterator<Item = (ResourceId, &Value)> {
        self.0.iter().flat_map(|policy| {
            let entries = property(policy, "virtualMachines").and_then(Value::as_array);
            entries
                .into_iter()
                .flatten()
                .filter_map(move |entry| Some((id_of(entry)?, policy)))
        })
    }

    /// The machine of a name or id that some policy holds; none where no policy does.
    pub fn find(&self, typed: &str) -> Result<Option<Guarded>, Failure> {
        let id = ResourceId::new(typed);
        let is_it = |machine: &ResourceId| match typed.starts_with('/') {
            true => *machine == id,
            false => machine.name().eq_ignore_ascii_case(typed),
        };
        let mut found: Vec<Guarded> = Vec::new();
        for (machine, policy) in self.entries().filter(|(machine, _)| is_it(machine)) {
            let Some(policy_id) = id_of(policy) else { continue };
            let held = (policy_id, policy.clone());
            match found.iter_mut().find(|known| known.machine == machine) {
                Some(known) => known.policies.push(held),
                None => found.push(Guarded {
                    machine,
                    policies: vec![held],
                }),
            }
        }
        match found.len() {
            0 | 1 => Ok(found.pop()),
            _ => {
                let ids: Vec<String> = found.iter().take(10).map(|one| format!("`{}`", one.machine)).collect();
                Err(Failure(format!(
                    "`{typed}` means several machines; give the id of one: {}",
                    ids.join(", ")
                )))
            }
        }
    }

    /// The name that is nearest to one that was not found.
    pub fn nearest(&self, typed: &str) -> Option<String> {
        let machines: Vec<ResourceId> = self.entries().map(|(machine, _)| machine).collect();
        suggest::nearest(typed, machines.iter().map(ResourceId::name)).map(str::to_owned)
    }
}

impl Guarded {
    /// The policy whose entry holds a port, and the entry.
    pub fn policy_of(&self, port: u16) -> Option<(&ResourceId, &Value)> {
        let holds = |policy: &Value| {
            let entry = ask::entry(policy, &self.machine);
            entry.is_some_and(|entry| ask::ports(entry).iter().any(|(number, _)| *number == port))
        };
        self.policies
            .iter()
            .find(|(_, policy)| holds(policy))
            .map(|(id, policy)| (id, policy))
    }

    /// Every port that some policy guards, ascending.
    pub fn ports(&self) -> Vec<u16> {
        let entries = self
            .policies
            .iter()
            .filter_map(|(_, policy)| ask::entry(policy, &self.machine));
        let mut ports: Vec<u16> = entries.flat_map(ask::ports).map(|(number, _)| number).collect();
        ports.sort_unstable();
        ports.dedup();
        ports
    }
}

/// What stands around a machine at a moment.
pub struct Around {
    documents: Documents,
    machine: ResourceId,
    /// What could not be read, in sentences.
    pub unread: Vec<String>,
}

impl Around {
    pub fn read(session: &Session, machine: &ResourceId, policies: &[Value]) -> Result<Around, Failure> {
        let found = surroundings(session, machine)
            .map_err(|fault| said(&format!("machine `{}` cannot be read", machine.name()), &fault))?;
        let unread = found
            .unread
            .iter()
            .map(|(id, why)| format!("`{}` was not read: {why}", id.name()));
        Ok(Around {
            unread: unread.collect(),
            documents: Documents::of(found.documents.into_iter().chain(policies.iter().cloned()).collect()),
            machine: machine.clone(),
        })
    }

    /// What the groups do with a source.
    pub fn filtered(&self, port: u16, sources: &[String]) -> Filtered {
        filtered(&self.documents.reading(), &self.machine, port, sources)
    }

    /// The system of the machine: `linux`, `windows` or `unknown`.
    pub fn os(&self, at: Timestamp) -> String {
        self.status(at, &[]).map_or_else(|| "unknown".to_owned(), |(os, _)| os)
    }

    /// Where a client knocks for a port: through the firewall before all else; who comes from private addresses, at the
    /// private address.
    pub fn door(&self, port: u16, sources: &[String], at: Timestamp) -> Option<Door> {
        let (_, mut doors) = self.status(at, &[port])?;
        doors.retain(|door| door.target_port == port && door.port.is_some() && &*door.address != "dynamic");
        if are_private(sources) {
            doors.sort_by_key(|door| door.through != Through::PrivateAddress);
        }
        let door = doors.into_iter().next()?;
        Some(Door {
            host: door.address.to_string(),
            port: door.port?,
            target: port,
        })
    }

    fn status(&self, at: Timestamp, ports: &[u16]) -> Option<(String, Vec<Connection>)> {
        let asked = Asked {
            policies: Vec::new(),
            ports: if ports.is_empty() { vec![22] } else { ports.to_vec() },
            at,
            inputs: Vec::new(),
        };
        let report = survey(&self.documents.reading(), &asked);
        let own = report
            .machines
            .into_iter()
            .find(|machine| ResourceId::new(&machine.id) == self.machine)?;
        Some((own.os.to_string(), own.connections))
    }
}

/// Whether every source is an address of private networks.
fn are_private(sources: &[String]) -> bool {
    let private = [
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "100.64.0.0/10",
        "fc00::/7",
    ];
    let private = ask::addresses(&private.map(str::to_owned));
    let is_range = |source: &String| parse_range(source).is_ok();
    let wanted = ask::addresses(sources).filter(|_| sources.iter().all(is_range));
    matches!((private, wanted), (Some(private), Some(wanted)) if private.is_superset(&wanted))
}
