//! What must hold of every group, whatever its rules: the line is split without a gap, a rule on top does what it says,
//! and changes of the text that change nothing in Azure change nothing here.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "rules of tests are built by indexing JSON; what is not there fails the test"
)]

mod estate;

use estate::{Analysed, Estate, PORTS, rule, with};
use portcullis::exposure::{Passage, PortReach, redundancies, shadows};
use portcullis::model::Known;
use portcullis::net::{AddressRange, AddressSet, parse_range};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::Config;
use serde_json::{Value, json};

const PREFIXES: [&str; 14] = [
    "0.0.0.0/0",
    "0.0.0.0/1",
    "128.0.0.0/1",
    "8.0.0.0/5",
    "10.0.0.0/16",
    "10.0.0.0/8",
    "20.0.0.0/6",
    "20.10.0.0/16",
    "203.0.113.0/24",
    "203.0.113.0/25",
    "203.0.113.128/26",
    "203.0.113.7/32",
    "255.255.255.255/32",
    "0.0.0.0/32",
];

/// A rule without a priority: access, sources, ports, source ports.
type Text = (bool, Vec<&'static str>, &'static str, &'static str);

fn text() -> impl Strategy<Value = Text> {
    let sources = prop::collection::vec(select(PREFIXES.to_vec()), 1..4);
    let ports = select(vec!["*", "22", "22-23", "3389", "5985-5986", "443"]);
    let source_ports = prop_oneof![6 => Just("*"), 1 => Just("0-1023"), 1 => Just("1024-65535")];
    (any::<bool>(), sources, ports, source_ports)
}

fn texts() -> impl Strategy<Value = Vec<Text>> {
    prop::collection::vec(text(), 0..9)
}

fn stated(texts: &[Text]) -> Vec<Value> {
    let one = |(at, (allows, sources, ports, source_ports)): (u16, &Text)| {
        let access = if *allows { "Allow" } else { "Deny" };
        let stated = rule(&format!("r{at}"), 200 + at * 10, access, "", ports);
        with(
            with(stated, "sourceAddressPrefixes", json!(sources)),
            "sourcePortRange",
            json!(source_ports),
        )
    };
    (0..).zip(texts).map(one).collect()
}

fn at_subnet(rules: Vec<Value>) -> Analysed {
    Estate::new().public().subnet_nsg(rules).analyse()
}

fn reaches(found: &Analysed) -> &[PortReach] {
    let target = &found.exposures.machines[0].targets[0];
    &found.exposures.stacks[target.stack as usize].ports
}

/// Who gets in, for each port.
fn admitted(found: &Analysed) -> Vec<AddressSet> {
    reaches(found).iter().map(PortReach::certainly_admitted).collect()
}

/// Who passes by which rule, or is stopped by which: names in place of positions.
fn decided(found: &Analysed, port: usize) -> Vec<(AddressRange, bool, [Option<String>; 2])> {
    let named = |passage: Passage| {
        let names = passage.deciders.map(|rule| {
            let (_, rule) = portcullis::exposure::find_rule(found.inventory(), rule?)?;
            Some(rule.name.to_string())
        });
        (passage.range, passage.admitted, names)
    };
    reaches(found)[port].certain.iter().map(named).collect()
}

fn set(prefix: &str) -> AddressSet {
    parse_range(prefix).unwrap().0.into()
}

fn halves(prefix: &str) -> Vec<String> {
    let (first, length) = prefix.split_once('/').unwrap();
    let (first, length): (std::net::Ipv4Addr, u32) = (first.parse().unwrap(), length.parse().unwrap());
    if length == 32 {
        return vec![prefix.to_owned()];
    }
    let other = first.to_bits() | 1 << (31 - length);
    [first.to_bits(), other]
        .map(|bits| format!("{}/{}", std::net::Ipv4Addr::from_bits(bits), length + 1))
        .to_vec()
}

fn config() -> Config {
    Config {
        failure_persistence: None,
        cases: if cfg!(debug_assertions) { 96 } else { 2000 },
        ..Config::default()
    }
}

proptest! {
    #![proptest_config(config())]

    /// Each class of source ports splits the whole line.
    #[test]
    fn every_address_is_decided_once(rules in texts()) {
        let found = at_subnet(stated(&rules));
        for reach in reaches(&found) {
            let mut next = Some(0u32);
            for passage in reach.certain.iter() {
                let AddressRange::V4(first, last) = passage.range else { continue };
                // The next class begins anew.
                prop_assert!(Some(first) == next || (first == 0 && next.is_none()));
                prop_assert!(passage.deciders[0].is_some());
                next = last.checked_add(1);
            }
            prop_assert_eq!(next, None);
        }
    }

    #[test]
    fn a_rule_on_top_does_what_it_says(rules in texts(), prefix in select(PREFIXES.to_vec())) {
        let before = admitted(&at_subnet(stated(&rules)));
        let topped = |access| {
            let mut all = stated(&rules);
            all.push(rule("top", 100, access, prefix, "*"));
            admitted(&at_subnet(all))
        };
        let (allowed, denied) = (topped("Allow"), topped("Deny"));
        for (before, (allowed, denied)) in before.iter().zip(allowed.iter().zip(&denied)) {
            prop_assert_eq!(allowed, &before.union(&set(prefix)));
            prop_assert_eq!(denied, &before.difference(&set(prefix)));
        }
    }

    /// Two neighbours in the order that no packet matches both, or that say the same, may change places.
    #[test]
    fn rules_that_do_not_meet_may_change_places(rules in texts(), at in 0usize..8) {
        prop_assume!(at + 1 < rules.len());
        let (one, other) = (&rules[at], &rules[at + 1]);
        let meets = |a: &Text, b: &Text| {
            let whole = |text: &Text| text.1.iter().fold(AddressSet::empty(), |all, prefix| all.union(&set(prefix)));
            whole(a).intersects(&whole(b))
        };
        prop_assume!(one.0 == other.0 || !meets(one, other));
        let mut swapped = rules.clone();
        swapped.swap(at, at + 1);
        prop_assert_eq!(admitted(&at_subnet(stated(&rules))), admitted(&at_subnet(stated(&swapped))));
    }

    #[test]
    fn only_a_rule_that_matters_matters(rules in texts()) {
        let found = at_subnet(stated(&rules));
        let before = admitted(&found);
        let nsg = found.inventory().nsgs.iter().next().unwrap();
        let Known::Known(decoded) = &nsg.rules else { return Err(TestCaseError::fail("the rules are known")) };
        let shadowed = shadows(decoded);
        let redundant = redundancies(decoded, &nsg.default_rules);
        for (at, (shadowed, redundant)) in shadowed.iter().zip(&redundant).enumerate() {
            if shadowed.is_none() && redundant.is_none() {
                continue;
            }
            let mut rest = stated(&rules);
            rest.remove(at);
            prop_assert_eq!(&admitted(&at_subnet(rest)), &before, "rule {} of {:?}", at, rules);
        }
    }

    /// A rule that decides about somebody otherwise than the rules behind it would is needed.
    #[test]
    fn a_rule_whose_loss_changes_something_is_never_called_needless(rules in texts()) {
        let found = at_subnet(stated(&rules));
        let before = admitted(&found);
        let nsg = found.inventory().nsgs.iter().next().unwrap();
        let Known::Known(decoded) = &nsg.rules else { return Err(TestCaseError::fail("the rules are known")) };
        let (shadowed, redundant) = (shadows(decoded), redundancies(decoded, &nsg.default_rules));
        for at in 0..rules.len() {
            let mut rest = stated(&rules);
            rest.remove(at);
            if admitted(&at_subnet(rest)) != before {
                prop_assert!(shadowed[at].is_none() && redundant[at].is_none(), "rule {} of {:?}", at, rules);
            }
        }
    }

    #[test]
    fn two_halves_are_the_whole(rules in texts()) {
        let mut split = stated(&rules);
        for (value, (_, sources, ..)) in split.iter_mut().zip(&rules) {
            let parts: Vec<String> = sources.iter().flat_map(|prefix| halves(prefix)).collect();
            value["properties"]["sourceAddressPrefixes"] = json!(parts);
        }
        let (whole, split) = (at_subnet(stated(&rules)), at_subnet(split));
        for port in 0..PORTS.len() {
            prop_assert_eq!(decided(&whole, port), decided(&split, port));
        }
    }

    #[test]
    fn case_says_nothing(rules in texts()) {
        let mut shouted = stated(&rules);
        for value in &mut shouted {
            for field in ["access", "direction", "protocol"] {
                let text = value["properties"][field].as_str().unwrap().to_uppercase();
                value["properties"][field] = json!(text);
            }
        }
        let (as_stated, shouted) = (at_subnet(stated(&rules)), at_subnet(shouted));
        for port in 0..PORTS.len() {
            prop_assert_eq!(decided(&as_stated, port), decided(&shouted, port));
        }
    }

    /// Both groups must allow, in whichever order they stand.
    #[test]
    fn groups_that_change_places_admit_the_same_by_the_same_rules(one in texts(), other in texts()) {
        let both = |subnet: &[Text], nic: &[Text]| {
            Estate::new().public().subnet_nsg(stated(subnet)).nic_nsg(stated(nic)).analyse()
        };
        let (found, swapped) = (both(&one, &other), both(&other, &one));
        prop_assert_eq!(admitted(&found), admitted(&swapped));
        for port in 0..PORTS.len() {
            let passed = |found: &Analysed, turned: bool| {
                let all = decided(found, port).into_iter().filter(|(_, admitted, _)| *admitted);
                all.map(|(range, _, [subnet, nic])| (range, if turned { [nic, subnet] } else { [subnet, nic] }))
                    .collect::<std::collections::BTreeSet<_>>()
            };
            prop_assert_eq!(passed(&found, false), passed(&swapped, true));
        }
    }

    /// Something that cannot be read makes the bounds part, never cross.
    #[test]
    fn what_is_certain_is_possible(rules in texts(), at in 0usize..8, field in select(vec!["access", "priority", "direction", "sourceAddressPrefixes", "destinationPortRange"])) {
        prop_assume!(at < rules.len());
        let whole = admitted(&at_subnet(stated(&rules)));
        let mut riddle = stated(&rules);
        riddle[at]["properties"][field] = json!({ "?": [true] });
        let found = at_subnet(riddle);
        for (reach, whole) in reaches(&found).iter().zip(whole) {
            let (certain, possible) = (reach.certainly_admitted(), reach.possibly_admitted());
            prop_assert!(possible.is_superset(&certain));
            prop_assert!(whole.is_superset(&certain) && possible.is_superset(&whole));
        }
    }
}
