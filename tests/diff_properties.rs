//! What holds of every comparison, over generated estates: of an estate with itself nothing differs; the other way round
//! is the mirror; unchanged and new findings are those of the head; and each source is where its single answers put it.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests"
)]

mod estate;

use estate::{Estate, rule, with};
use portcullis::diff::{Comparison, Ends, PortChange, Presence, Side, Sources, SubjectChange, compare};
use portcullis::input::{Given, Reading};
use portcullis::rule::assess::Policy;
use portcullis::rule::{ResolvedParams, builtin};
use portcullis::scan::{Request, scan_side};
use proptest::prelude::*;
use serde_json::{Value, json};

const PORTS: [u16; 2] = [22, 3389];

/// Sources of rules: prefixes that overlap, tags with and without addresses, and one that is not known.
const SOURCES: [&str; 9] = [
    "*",
    "Internet",
    "VirtualNetwork",
    "AzureCloud",
    "8.8.0.0/16",
    "8.8.8.0/24",
    "8.8.8.8",
    "10.0.0.0/8",
    "[unknown]",
];

type Stated = (u8, bool, usize, u8);

fn rules(stated: &[Stated]) -> Vec<Value> {
    let one = |(at, (priority, allow, source, port)): (usize, &Stated)| {
        let access = if *allow { "Allow" } else { "Deny" };
        let ports = ["22", "3389", "*"][usize::from(*port) % 3];
        let source = SOURCES[source % SOURCES.len()];
        let stated = rule(
            &format!("r{at}"),
            100 + u16::from(*priority) * 10 + u16::try_from(at).unwrap(),
            access,
            source,
            ports,
        );
        match source {
            "[unknown]" => with(stated, "sourceAddressPrefix", json!({ "not": "a prefix" })),
            _ => stated,
        }
    };
    stated.iter().enumerate().map(one).collect()
}

/// What an estate is made of: rules at the subnet and at the interface, and whether it has a public address.
#[derive(Clone, Debug)]
struct Made {
    subnet: Option<Vec<Stated>>,
    nic: Option<Vec<Stated>>,
    public: bool,
    lonely: Vec<Stated>,
}

fn made() -> impl Strategy<Value = Made> {
    let stated = || prop::collection::vec((0u8..9, any::<bool>(), 0usize..9, 0u8..3), 0..5);
    let group = || prop::option::weighted(0.7, stated());
    (group(), group(), any::<bool>(), stated()).prop_map(|(subnet, nic, public, lonely)| Made {
        subnet,
        nic,
        public,
        lonely,
    })
}

fn side(made: &Made) -> Side {
    let mut estate = Estate::new();
    if made.public {
        estate = estate.public();
    }
    if let Some(stated) = &made.subnet {
        estate = estate.subnet_nsg(rules(stated));
    }
    if let Some(stated) = &made.nic {
        estate = estate.nic_nsg(rules(stated));
    }
    estate =
        estate.add(json!({ "id": estate::nsg_id("lonely"), "properties": { "securityRules": rules(&made.lonely) } }));
    let mut reading = Reading::default();
    let text = json!(estate.resources()).to_string();
    reading.read("estate.json", Given::Named, text.as_bytes());
    reading.finish();
    let built_in = builtin::rules();
    let params: Vec<ResolvedParams> = built_in.iter().map(ResolvedParams::defaults).collect();
    let policies = built_in.iter().zip(&params).map(Policy::reported);
    let time = "2026-01-31T12:00:00Z";
    let request = Request::plain(policies.collect(), time.parse().unwrap());
    scan_side(reading, &request).1
}

fn compared(base: &Side, head: &Side) -> Comparison {
    compare(base, head, &PORTS, &Ends::default())
}

fn mirrored(port: &PortChange) -> PortChange {
    let port = port.clone();
    PortChange {
        opened: port.closed,
        closed: port.opened,
        now_certain: port.now_doubtful,
        now_doubtful: port.now_certain,
        newly_possible: port.no_longer_possible,
        no_longer_possible: port.newly_possible,
        before: port.after,
        after: port.before,
        ..port
    }
}

fn mirror(change: &SubjectChange) -> SubjectChange {
    SubjectChange {
        presence: match change.presence {
            Presence::Both => Presence::Both,
            Presence::Added => Presence::Removed,
            Presence::Removed => Presence::Added,
        },
        ports: change.ports.iter().map(mirrored).collect(),
        location: None,
        ..change.clone()
    }
}

fn sorted(mut changes: Vec<SubjectChange>) -> Vec<SubjectChange> {
    changes.iter_mut().for_each(|change| change.location = None);
    changes.sort_by(|a, b| a.id.cmp(&b.id));
    changes
}

/// No source is in two of the sets that differ.
fn disjoint(port: &PortChange) -> bool {
    let all = [
        &port.opened,
        &port.now_certain,
        &port.newly_possible,
        &port.closed,
        &port.now_doubtful,
        &port.no_longer_possible,
    ];
    let mut prefixes: Vec<&String> = all
        .into_iter()
        .flatten()
        .flat_map(|sources: &Sources| &sources.prefixes)
        .collect();
    let before = prefixes.len();
    prefixes.sort();
    prefixes.dedup();
    prefixes.len() == before
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_comparison(a in made(), b in made()) {
        let (left, right) = (side(&a), side(&b));
        for same in [compared(&left, &left), compared(&right, &right)] {
            prop_assert!(same.is_same_reach(), "{same:#?}");
            prop_assert!(same.findings.new.is_empty() && same.findings.changed.is_empty() && same.findings.fixed.is_empty());
            prop_assert!(same.sentence == "no change in who can reach what", "{}", same.sentence);
        }
        let there = compared(&left, &right);
        let back = compared(&right, &left);
        prop_assert_eq!(sorted(there.changes.iter().map(mirror).collect()), sorted(back.changes.clone()));
        let prints = |findings: &[portcullis::rule::Finding]| {
            let mut all: Vec<String> = findings.iter().map(|finding| finding.fingerprint.to_string()).collect();
            all.sort();
            all
        };
        prop_assert_eq!(prints(&there.findings.new), prints(&back.findings.fixed));
        prop_assert_eq!(there.findings.changed.len(), back.findings.changed.len());
        let mut head = prints(&there.findings.new);
        head.extend(there.findings.changed.iter().map(|changed| changed.after.fingerprint.to_string()));
        head.extend(there.findings.unchanged.iter().map(ToString::to_string));
        head.sort();
        prop_assert_eq!(head, prints(&right.findings));
        for port in there.changes.iter().flat_map(|change| &change.ports) {
            prop_assert!(disjoint(port), "{port:#?}");
        }
    }
}
