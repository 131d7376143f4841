//! From an estate that was read to the status of every machine in it.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::model::{
    Connection, Entry, FORMAT_VERSION, MachineStatus, Opening, Port, StaleEntry, StatusReport, Through, Warning,
};
use crate::exposure::{Exposures, TargetExposure, Way, WayIn, analyse};
use crate::input::Reading;
use crate::model::{Inventory, JitEntry, JitPolicy, JitPort, JitRequest, Known, Os, SubscriptionCoverage};
use crate::report::{Subscription, Tab};
use crate::rule::Finding;
use crate::rule::assess::{Assessor, Policy};
use crate::rule::assumption::in_force;
use crate::rule::facts::{Estate, Standing, VmFacts, spelled_sources, standing};

/// What is asked.
pub struct Asked<'a> {
    /// Rules; those about just-in-time access become warnings.
    pub policies: Vec<Policy<'a>>,
    /// The management ports.
    pub ports: Vec<u16>,
    /// The moment at which openings are active or over.
    pub at: Timestamp,
    pub inputs: Vec<String>,
}

/// Approved requests are counted for so long.
const COUNTED: SignedDuration = SignedDuration::from_hours(7 * 24);

/// The status of every machine that was read.
pub fn survey(reading: &Reading, asked: &Asked<'_>) -> StatusReport {
    let inventory = &reading.inventory;
    let exposures = analyse(inventory, &reading.sources, &ports(inventory, &asked.ports));
    let estate = Estate::new(inventory, &exposures, asked.at);
    let warnings = warnings(&estate, reading, &asked.policies);
    let mut machines: Vec<MachineStatus> = (0u32..)
        .zip(inventory.vms.iter())
        .filter_map(|(index, _)| machine(&estate, index, &warnings))
        .collect();
    machines.sort_by(|a, b| {
        let key = |m: &MachineStatus| {
            (
                m.tab,
                m.subscription.clone(),
                m.resource_group.to_ascii_lowercase(),
                m.name.to_ascii_lowercase(),
            )
        };
        key(a).cmp(&key(b)).then_with(|| a.id.cmp(&b.id))
    });
    let mut summary = BTreeMap::new();
    for machine in &machines {
        *summary.entry(machine.tab).or_default() += 1;
    }
    StatusReport {
        format_version: FORMAT_VERSION,
        tool: concat!("portcullis ", env!("CARGO_PKG_VERSION")).to_owned(),
        at: seconds(asked.at),
        inputs: asked.inputs.clone(),
        subscriptions: inventory.coverage.subscriptions.iter().map(subscription).collect(),
        complete: inventory.coverage.is_complete(),
        summary,
        machines,
        stale: stale(inventory),
    }
}

/// The management ports and every port that some entry protects.
fn ports(inventory: &Inventory, asked: &[u16]) -> Vec<u16> {
    let entries = inventory
        .jit_policies
        .iter()
        .filter_map(|policy| policy.entries.known());
    let of_entries = entries.flatten().flat_map(|entry| &entry.ports);
    let numbers = of_entries.filter_map(|port| port.number.known().copied());
    let all: BTreeSet<u16> = asked.iter().copied().chain(numbers).collect();
    all.into_iter().collect()
}

fn seconds(time: Timestamp) -> String {
    Timestamp::from_second(time.as_second()).unwrap_or(time).to_string()
}

fn subscription(covered: &SubscriptionCoverage) -> Subscription {
    let missing = covered.missing.iter();
    Subscription {
        id: covered.id.clone(),
        name: covered.name.clone(),
        complete: covered.complete,
        missing: missing
            .map(|m| format!("`{}`: {}", m.resource_type, m.reason))
            .collect(),
    }
}

/// Open findings about just-in-time access, by machine.
fn warnings(estate: &Estate<'_>, reading: &Reading, policies: &[Policy<'_>]) -> BTreeMap<u32, Vec<Warning>> {
    let assessor = Assessor {
        estate,
        sources: &reading.sources,
        policies,
        assumed: &in_force(&reading.inventory),
        keep_all: false,
    };
    let mut by_machine: BTreeMap<u32, Vec<Warning>> = BTreeMap::new();
    let findings = assessor.assess().findings;
    for finding in findings.iter().filter(|finding| is_warning(finding)) {
        let Some(machine) = finding.subject.machine else {
            continue;
        };
        let all = by_machine.entry(machine).or_default();
        let warning = Warning {
            rule: finding.rule.clone(),
            severity: finding.severity,
            message: finding.message.clone(),
        };
        if !all.contains(&warning) {
            all.push(warning);
        }
    }
    for all in by_machine.values_mut() {
        all.sort_by_key(|warning| (Reverse(warning.severity), warning.rule.clone()));
    }
    by_machine
}

/// `jit-unsupported` says what the tab says.
fn is_warning(finding: &Finding) -> bool {
    finding.rule.starts_with("jit-") && &*finding.rule != "jit-unsupported"
}

fn machine(estate: &Estate<'_>, index: u32, warnings: &BTreeMap<u32, Vec<Warning>>) -> Option<MachineStatus> {
    let facts = VmFacts::new(estate, index)?;
    let vm = facts.vm;
    let (tab, reason) = match standing(&facts) {
        Standing::Configured => (Tab::Configured, None),
        Standing::NotConfigured => (Tab::NotConfigured, None),
        Standing::Unsupported(reason) => (Tab::Unsupported, Some(reason)),
        Standing::Unknown(reason) => (Tab::Unknown, Some(reason)),
    };
    let entries = estate.entries_of(&vm.id);
    let requests = estate.requests_of(&vm.id);
    let latest = requests
        .iter()
        .filter(|request| is_approved(request))
        .max_by_key(|request| request.start.known().copied());
    let word = |known: Option<&str>| Arc::from(known.unwrap_or("unknown"));
    let openings: Vec<Opening> = requests
        .iter()
        .filter(|request| is_open(request, estate.now))
        .map(|request| opening(request))
        .collect();
    Some(MachineStatus {
        id: vm.id.text().clone(),
        name: Arc::from(vm.id.name()),
        subscription: Arc::from(vm.id.subscription()),
        resource_group: Arc::from(vm.id.resource_group()),
        region: vm.location.clone(),
        os: word(vm.os.known().map(|os| os.as_str())),
        power: word(vm.power.known().map(|power| &**power)),
        tab,
        reason,
        approved_in_seven_days: approved(requests, estate.now),
        last_access: latest
            .and_then(|request| request.start.known())
            .map(|start| seconds(*start)),
        last_user: latest.and_then(|request| request.requestor.clone()),
        connections: connections(&facts, entries, &openings),
        entries: entries.iter().map(|(policy, own)| entry(policy, own)).collect(),
        openings,
        warnings: warnings.get(&index).cloned().unwrap_or_default(),
    })
}

fn entry(policy: &JitPolicy, entry: &JitEntry) -> Entry {
    Entry {
        policy: policy.id.text().clone(),
        firewall_address: entry.public_address.clone(),
        ports: entry.ports.iter().map(port).collect(),
        unread: entry.unread.as_ref().map(|why| why.text.clone()),
    }
}

fn port(port: &JitPort) -> Port {
    let protocol = port.protocol.known().map(|protocol| protocol.spelled());
    let protocol = protocol.map(|spelled| if spelled == "*" { "any".to_owned() } else { spelled });
    Port {
        port: port.number.known().copied(),
        protocol: protocol.unwrap_or_else(|| "unknown".to_owned()),
        sources: spelled_sources(&port.sources),
        max_minutes: port.max_minutes.known().copied(),
    }
}

/// What is in the record was approved, unless the service says that it came to nothing.
fn is_approved(request: &JitRequest) -> bool {
    let status = request.status.to_ascii_lowercase();
    !["fail", "den", "reject", "cancel"]
        .iter()
        .any(|word| status.contains(word))
}

fn is_open(request: &JitRequest, now: Timestamp) -> bool {
    is_approved(request) && !matches!(request.active(now), Known::Known(false))
}

/// A request names several ports; it counts once for a machine.
fn approved(requests: &[&JitRequest], now: Timestamp) -> u64 {
    let counted = requests
        .iter()
        .filter(|request| is_approved(request))
        .filter_map(|request| {
            let start = *request.start.known()?;
            let ago = now.duration_since(start);
            (ago >= SignedDuration::ZERO && ago <= COUNTED).then_some((start, request.requestor.clone()))
        });
    counted.collect::<BTreeSet<_>>().len() as u64
}

fn opening(request: &JitRequest) -> Opening {
    Opening {
        port: request.port.known().copied(),
        sources: spelled_sources(&request.sources),
        start: request.start.known().map(|start| seconds(*start)),
        end: request.end.known().map(|end| seconds(*end)),
        user: request.requestor.clone(),
        justification: request.justification.clone(),
        status: request.status.clone(),
        mapped_port: request.mapped_port,
    }
}

/// Where clients knock for the ports of the entries, or for the port of the machine's system where it has none.
fn connections(facts: &VmFacts<'_, '_>, entries: &[(&JitPolicy, &JitEntry)], openings: &[Opening]) -> Vec<Connection> {
    let mut wanted: BTreeSet<u16> = entries
        .iter()
        .flat_map(|(_, entry)| &entry.ports)
        .filter_map(|port| port.number.known().copied())
        .collect();
    if wanted.is_empty() {
        wanted.extend(match facts.vm.os.known() {
            Some(Os::Windows) => vec![3389],
            Some(Os::Linux) => vec![22],
            None => vec![22, 3389],
        });
    }
    let mut found: BTreeSet<Door> = BTreeSet::new();
    for (_, entry) in entries {
        let Some(address) = &entry.public_address else { continue };
        for opening in openings.iter().filter(|opening| opening.mapped_port.is_some()) {
            if let Some(port) = opening.port {
                found.insert((Through::Firewall, port, address.clone(), opening.mapped_port, None));
            }
        }
    }
    for target in &facts.machine.targets {
        for way in &target.ways {
            found.extend(doors(facts.estate.exposures, target, way, &wanted));
        }
    }
    let named: BTreeSet<_> = found
        .iter()
        .filter(|(.., name)| name.is_some())
        .map(|(through, target, address, port, _)| (*through, *target, address.clone(), *port))
        .collect();
    found
        .into_iter()
        .filter(|(through, target, address, port, name)| {
            name.is_some() || !named.contains(&(*through, *target, address.clone(), *port))
        })
        .map(|(through, target_port, address, port, name)| Connection {
            through,
            name,
            address,
            port,
            target_port,
        })
        .collect()
}

/// Through what, the port on the machine, the address, the port outside, the firewall or balancer.
type Door = (Through, u16, Arc<str>, Option<u16>, Option<Arc<str>>);

fn doors(exposures: &Exposures, target: &TargetExposure, way: &WayIn, wanted: &BTreeSet<u16>) -> Vec<Door> {
    let through = match (way.way, &way.front) {
        (Way::FirewallDnat, _) => Through::Firewall,
        (Way::LoadBalancer, _) => Through::LoadBalancer,
        (Way::PublicIp, _) => Through::PublicAddress,
        (Way::Private, None) => Through::PrivateAddress,
        // Bastion hosts and Private Link are ways of their own, with clients of their own.
        (Way::Private, Some(_)) => return Vec::new(),
    };
    let address = match (&way.front, &target.address) {
        (Some(front), _) => front.address.clone(),
        (None, Known::Known(address)) => Arc::from(address.to_string()),
        (None, Known::Unknown(_)) => Arc::from("dynamic"),
    };
    let name = way
        .front
        .as_ref()
        .and_then(|front| Some(front.through.as_ref()?.0.clone()));
    let known: BTreeSet<u16> = way.exposures.iter().map(|exposure| exposure.port).collect();
    let direct = matches!(through, Through::PublicAddress | Through::PrivateAddress);
    let answered = way
        .exposures
        .iter()
        .filter(|exposure| wanted.contains(&exposure.port))
        .map(|exposure| {
            let port = match (exposure.front_port, &exposure.front_ports) {
                (Some(front), _) => Some(front),
                (None, Some(_)) => None,
                (None, None) => Some(exposure.port),
            };
            (through, exposure.port, address.clone(), port, name.clone())
        });
    // A machine that no group filters may have no answers on a direct way; the port is the same there.
    let unanswered = wanted
        .iter()
        .filter(|port| direct && !known.contains(port) && exposures.ports.contains(port))
        .map(|port| (through, *port, address.clone(), Some(*port), None));
    answered.chain(unanswered).collect()
}

/// Entries for machines that are surely gone.
fn stale(inventory: &Inventory) -> Vec<StaleEntry> {
    let coverage = &inventory.coverage;
    let is_whole = |subscription: &str| {
        let mut covered = coverage.subscriptions.iter();
        coverage.whole
            && coverage.lost.is_empty()
            && covered.any(|covered| covered.id.eq_ignore_ascii_case(subscription))
            && coverage
                .missing(subscription, "microsoft.compute/virtualmachines")
                .is_none()
    };
    let entries = inventory.jit_policies.iter().flat_map(|policy| {
        policy
            .entries
            .known()
            .into_iter()
            .flatten()
            .map(move |entry| (policy, entry))
    });
    let gone =
        entries.filter(|(_, entry)| inventory.vms.position(&entry.vm).is_none() && is_whole(entry.vm.subscription()));
    gone.map(|(policy, entry)| StaleEntry {
        policy: policy.id.text().clone(),
        machine: entry.vm.text().clone(),
        ports: entry
            .ports
            .iter()
            .filter_map(|port| port.number.known().copied())
            .collect(),
    })
    .collect()
}
