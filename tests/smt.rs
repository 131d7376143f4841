//! The sets that the analysis computes against a solver: for random groups on subnet and interface, no packet exists
//! that first-match semantics admits and the set leaves out, and no address is in the set that no packet comes from.
//! Every source address and source port is covered, not a sample of them. Needs `z3` on the path; without it the test
//! says so and passes, unless `PORTCULLIS_REQUIRE_Z3` is set, as it is in CI.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::panic,
    reason = "a solver that cannot be run fails the test"
)]

mod estate;
#[path = "../benches/estate/random.rs"]
mod random;

use std::fmt::Write as _;
use std::io::Write as _;
use std::net::Ipv4Addr;
use std::process::{Command, Stdio};

use estate::{Estate, PORTS, rule, with};
use portcullis::net::AddressSet;
use random::Random;
use serde_json::{Value, json};

/// Pairs of groups; each gives two questions a port.
const CASES: u64 = 150;
const MACHINE: &str = "10.0.0.4";

#[derive(Clone, Debug)]
struct Rule {
    priority: u16,
    allow: bool,
    protocol: &'static str,
    sources: Vec<String>,
    source_ports: (u16, u16),
    destination: &'static str,
    ports: (u16, u16),
}

fn random_rule(random: &mut Random, priority: u16) -> Rule {
    let number = 1 + random.below(3);
    let source = |random: &mut Random| match random.below(8) {
        0 => "*".to_owned(),
        1 => "VirtualNetwork".to_owned(),
        2 => "Internet".to_owned(),
        3 => "AzureLoadBalancer".to_owned(),
        4 => format!("10.0.{}.0/{}", random.below(3), 22 + random.below(9)),
        _ => format!("{}/{}", Ipv4Addr::from_bits(random.next() as u32), random.below(33)),
    };
    let range = |random: &mut Random| {
        let (a, b) = (random.next() as u16, random.next() as u16);
        (a.min(b), a.max(b))
    };
    Rule {
        priority,
        allow: random.below(2) == 0,
        protocol: random.pick(&["Tcp", "Tcp", "*", "Udp"]),
        sources: (0..number).map(|_| source(random)).collect(),
        source_ports: if random.below(3) == 0 {
            range(random)
        } else {
            (0, u16::MAX)
        },
        destination: random.pick(&["*", "*", "10.0.0.4", "10.0.0.0/24", "10.0.0.5", "VirtualNetwork"]),
        ports: if random.below(2) == 0 {
            (0, u16::MAX)
        } else {
            let port = random.pick(&PORTS);
            (port.saturating_sub(random.below(3000) as u16), port)
        },
    }
}

fn random_group(random: &mut Random) -> Vec<Rule> {
    let number = random.below(9);
    let mut rules: Vec<Rule> = (0..number)
        .map(|index| random_rule(random, 100 + 10 * (index as u16)))
        .collect();
    // Azure takes rules in any order.
    if random.below(2) == 0 {
        rules.reverse();
    }
    rules
}

fn stated(given: &Rule) -> Value {
    let access = if given.allow { "Allow" } else { "Deny" };
    let range = |(first, last): (u16, u16)| format!("{first}-{last}");
    let name = format!("r{}", given.priority);
    let stated = rule(&name, given.priority, access, "", &range(given.ports));
    let stated = with(stated, "protocol", json!(given.protocol));
    let stated = with(stated, "sourceAddressPrefixes", json!(given.sources));
    let stated = with(stated, "sourcePortRange", json!(range(given.source_ports)));
    with(stated, "destinationAddressPrefix", json!(given.destination))
}

// ---- the semantics, in the solver's words: `s` is the source address, `p` the source port

/// What the tags mean, written down apart from the analysis.
const PREAMBLE: &str = "
(set-logic QF_BV)
(declare-const s (_ BitVec 32))
(declare-const p (_ BitVec 16))
(define-fun within ((a (_ BitVec 32)) (first (_ BitVec 32)) (last (_ BitVec 32))) Bool
  (and (bvule first a) (bvule a last)))
(define-fun platform ((a (_ BitVec 32))) Bool (= a #xa83f8110))
(define-fun network ((a (_ BitVec 32))) Bool (or (within a #x0a000000 #x0a00ffff) (platform a)))
(define-fun internet ((a (_ BitVec 32))) Bool (not (or
  (within a #x00000000 #x00ffffff) (within a #x0a000000 #x0affffff) (within a #x64400000 #x647fffff)
  (within a #x7f000000 #x7fffffff) (within a #xa9fe0000 #xa9feffff) (within a #xac100000 #xac1fffff)
  (within a #xc0000200 #xc00002ff) (within a #xc0a80000 #xc0a8ffff) (within a #xc6120000 #xc613ffff)
  (within a #xe0000000 #xffffffff))))
";

fn is_source(text: &str) -> String {
    match text {
        "*" => "true".to_owned(),
        "VirtualNetwork" => "(network s)".to_owned(),
        "Internet" => "(internet s)".to_owned(),
        "AzureLoadBalancer" => "(platform s)".to_owned(),
        prefix => {
            let (address, length) = prefix.split_once('/').expect("a prefix");
            let length: u32 = length.parse().expect("a length");
            let address = address.parse::<Ipv4Addr>().expect("an address").to_bits();
            let mask = u32::MAX.checked_shl(32 - length).unwrap_or(0);
            let first = address & mask;
            format!("(within s #x{first:08x} #x{:08x})", first | !mask)
        }
    }
}

fn is_matched(rule: &Rule, port: u16, source_port: &str) -> Option<String> {
    let tcp = rule.protocol != "Udp";
    let here = matches!(rule.destination, "*" | MACHINE | "10.0.0.0/24" | "VirtualNetwork");
    if !tcp || !here || !(rule.ports.0..=rule.ports.1).contains(&port) {
        return None;
    }
    let sources: Vec<String> = rule.sources.iter().map(|source| is_source(source)).collect();
    let (first, last) = rule.source_ports;
    Some(format!(
        "(and (or {} false) (bvule #x{first:04x} {source_port}) (bvule {source_port} #x{last:04x}))",
        sources.join(" ")
    ))
}

/// First match by priority, then the default rules.
fn admits(rules: &[Rule], port: u16, source_port: &str) -> String {
    let mut sorted: Vec<&Rule> = rules.iter().collect();
    sorted.sort_by_key(|rule| std::cmp::Reverse(rule.priority));
    let mut formula = "(or (network s) (platform s))".to_owned();
    for rule in sorted {
        if let Some(matched) = is_matched(rule, port, source_port) {
            formula = format!("(ite {matched} {} {formula})", rule.allow);
        }
    }
    formula
}

fn member(set: &AddressSet) -> String {
    let ranges = set.v4.ranges().iter();
    let inside = ranges.map(|(first, last)| format!("(within s #x{first:08x} #x{last:08x})"));
    format!("(or false {})", inside.collect::<Vec<_>>().join(" "))
}

/// One source port of each kind that some rule tells apart.
fn source_ports(groups: [&[Rule]; 2]) -> Vec<u16> {
    let mut ports = vec![0, u16::MAX];
    for rule in groups.into_iter().flatten() {
        let (first, last) = rule.source_ports;
        ports.extend([first.saturating_sub(1), first, last, last.saturating_add(1)]);
    }
    ports.sort_unstable();
    ports.dedup();
    ports
}

fn ask(script: &mut String, question: &str) {
    let _ = writeln!(script, "(push)\n(assert {question})\n(check-sat)\n(pop)");
}

/// The questions of one pair of groups; each must have no answer.
fn questions(subnet: &[Rule], nic: &[Rule], script: &mut String) {
    let found = Estate::new()
        .subnet_nsg(subnet.iter().map(stated).collect())
        .nic_nsg(nic.iter().map(stated).collect())
        .analyse();
    let target = &found.exposures.machines[0].targets[0];
    let stack = &found.exposures.stacks[target.stack as usize];
    for port in PORTS {
        let reach = stack.reach(port).expect("the port is analysed");
        let (certain, possible) = (reach.certainly_admitted(), reach.possibly_admitted());
        assert_eq!(certain, possible, "nothing is unknown here");
        let both = |source_port: &str| {
            let [subnet, nic] = [subnet, nic].map(|rules| admits(rules, port, source_port));
            format!("(and {subnet} {nic})")
        };
        let member = member(&certain);
        ask(script, &format!("(and {} (not {member}))", both("p")));
        let some: Vec<String> = source_ports([subnet, nic])
            .iter()
            .map(|source_port| both(&format!("#x{source_port:04x}")))
            .collect();
        ask(script, &format!("(and {member} (not (or {})))", some.join(" ")));
    }
}

fn solve(script: &str) -> Option<Vec<String>> {
    let solver = Command::new("z3")
        .args(["-in", "-smt2", "-T:120"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let mut solver = match solver {
        Ok(solver) => solver,
        Err(error) if std::env::var_os("PORTCULLIS_REQUIRE_Z3").is_some() => panic!("z3 cannot be run: {error}"),
        Err(error) => {
            eprintln!("not proved: z3 cannot be run: {error}");
            return None;
        }
    };
    let mut input = solver.stdin.take().expect("an input");
    input.write_all(script.as_bytes()).expect("the questions are taken");
    drop(input);
    let output = solver.wait_with_output().expect("the solver ends");
    let text = String::from_utf8(output.stdout).expect("text");
    Some(text.lines().map(str::to_owned).collect())
}

#[test]
fn no_packet_tells_the_sets_and_the_semantics_apart() {
    let mut random = Random(2026);
    let mut script = PREAMBLE.to_owned();
    let mut cases = Vec::new();
    for _ in 0..CASES {
        let groups = [random_group(&mut random), random_group(&mut random)];
        questions(&groups[0], &groups[1], &mut script);
        cases.push(groups);
    }
    let Some(answers) = solve(&script) else { return };
    let each = 2 * PORTS.len();
    assert_eq!(answers.len(), cases.len() * each, "{:?}", answers.last());
    for (index, answer) in answers.iter().enumerate() {
        assert_eq!(
            answer,
            "unsat",
            "question {} of {:#?}",
            index % each,
            cases[index / each]
        );
    }
}

/// The proof proves something: a set that lacks one address is caught.
#[test]
fn a_wrong_set_is_told_apart() {
    let groups = [vec![], vec![]];
    let mut script = PREAMBLE.to_owned();
    let formula = admits(&groups[0], 22, "p");
    ask(
        &mut script,
        &format!("(and {formula} (not (within s #x0a000000 #x0a00fffe)))"),
    );
    if let Some(answers) = solve(&script) {
        assert_eq!(answers, ["sat"]);
    }
}
