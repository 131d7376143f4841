//! Shadowed rules: a claim is sound (nothing they match is left to them) and finds the plain cases.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a group without rules fails the test"
)]

mod estate;

use estate::*;
use portcullis::exposure::{redundancies, shadows};
use serde_json::{Value, json};

/// Names of the rules that decide in place of each rule.
fn shadowed(rules: Vec<Value>) -> Vec<Option<Vec<String>>> {
    let reading = Estate::new().subnet_nsg(rules).read();
    assert!(reading.diagnostics.is_empty(), "{:?}", reading.diagnostics);
    let rules = reading.inventory.nsgs.iter().next().unwrap().rules.known().unwrap();
    let name = |at: &usize| rules[*at].name.to_string();
    shadows(rules)
        .into_iter()
        .map(|found| found.map(|at| at.iter().map(name).collect()))
        .collect()
}

#[test]
fn a_rule_under_a_wider_one_never_decides() {
    let rules = vec![
        rule("no", 100, "Deny", "*", "*"),
        rule("ssh", 200, "Allow", "10.0.0.0/8", "22"),
    ];
    assert_eq!(shadowed(rules), [None, Some(vec!["no".to_owned()])]);
}

#[test]
fn two_rules_may_shadow_together() {
    let rules = vec![
        rule("low", 100, "Deny", "0.0.0.0/1", "20-25"),
        rule("high", 110, "Allow", "128.0.0.0/1", "22"),
        rule("ssh", 200, "Allow", "0.0.0.0/0", "22"),
    ];
    assert_eq!(shadowed(rules)[2], Some(vec!["low".to_owned(), "high".to_owned()]));
}

#[test]
fn a_rule_keeps_what_no_other_covers() {
    let narrower = [
        rule("half", 100, "Deny", "0.0.0.0/1", "22"),
        rule("port", 100, "Deny", "*", "23"),
        with(rule("udp", 100, "Deny", "*", "22"), "protocol", json!("Udp")),
        with(
            rule("from", 100, "Deny", "*", "22"),
            "sourcePortRange",
            json!("1024-65535"),
        ),
        with(
            rule("host", 100, "Deny", "*", "22"),
            "destinationAddressPrefix",
            json!("10.0.0.4"),
        ),
        with(rule("out", 100, "Deny", "*", "22"), "direction", json!("Outbound")),
        rule("tag", 100, "Deny", "Internet", "22"),
    ];
    for other in narrower {
        let name = other["name"].clone();
        assert_eq!(
            shadowed(vec![other, rule("ssh", 200, "Allow", "*", "22")])[1],
            None,
            "{name}"
        );
    }
}

#[test]
fn tags_are_covered_by_themselves_their_service_and_their_whole_extent() {
    let by = |first: &str, second: &str| {
        shadowed(vec![
            rule("first", 100, "Deny", first, "22"),
            rule("second", 200, "Allow", second, "22"),
        ])[1]
            .is_some()
    };
    assert!(by("Internet", "INTERNET"));
    assert!(by("Storage", "Storage.WestEurope"));
    assert!(by("*", "AzureCloud"));
    assert!(!by("Storage.WestEurope", "Storage"));
    assert!(!by("10.0.0.0/8", "VirtualNetwork"));
    assert!(!by("0.0.0.0/0", "VirtualNetwork"));
}

/// Names of the rules that would decide the same without each rule.
fn redundant(rules: Vec<Value>) -> Vec<Option<Vec<String>>> {
    let reading = Estate::new().subnet_nsg(rules).read();
    let nsg = reading.inventory.nsgs.iter().next().unwrap();
    let stated = nsg.rules.known().unwrap();
    let name = |at: &usize| {
        stated
            .iter()
            .chain(&nsg.default_rules)
            .nth(*at)
            .unwrap()
            .name
            .to_string()
    };
    redundancies(stated, &nsg.default_rules)
        .into_iter()
        .map(|found| found.map(|at| at.iter().map(name).collect()))
        .collect()
}

#[test]
fn a_rule_before_a_wider_one_of_the_same_kind_is_redundant() {
    let rules = vec![
        rule("office", 100, "Allow", "203.0.113.0/24", "22"),
        rule("any", 200, "Allow", "*", "*"),
    ];
    assert_eq!(redundant(rules), [Some(vec!["any".to_owned()]), None]);
}

#[test]
fn an_outbound_deny_before_the_groups_own_needs_what_is_allowed_between() {
    let outbound = |access: &str| with(rule("out", 100, access, "*", "22"), "direction", json!("Outbound"));
    assert_eq!(redundant(vec![outbound("Deny")]), [None]);
}

#[test]
fn what_stands_between_makes_a_rule_needed() {
    let between = [
        rule("no", 150, "Deny", "203.0.113.128/25", "22"),
        rule("no", 150, "Deny", "Internet", "*"),
        with(rule("no", 150, "Deny", "*", "22"), "protocol", json!("*")),
        with(
            rule("no", 150, "Deny", "*", "22"),
            "destinationAddressPrefix",
            json!("10.0.0.4"),
        ),
        with(
            rule("no", 150, "Deny", "*", "22"),
            "sourcePortRange",
            json!("1024-65535"),
        ),
        rule("no", 150, "Deny", "Storage", "22"),
    ];
    for other in between {
        let rules = vec![
            rule("office", 100, "Allow", "203.0.113.0/24", "22"),
            other.clone(),
            rule("any", 200, "Allow", "*", "*"),
        ];
        assert_eq!(redundant(rules)[0], None, "{other}");
    }
}

#[test]
fn what_stands_aside_does_not() {
    let aside = [
        rule("no", 150, "Deny", "198.51.100.0/24", "22"),
        rule("no", 150, "Deny", "*", "23"),
        with(rule("no", 150, "Deny", "*", "22"), "protocol", json!("Udp")),
        with(rule("no", 150, "Deny", "*", "22"), "direction", json!("Outbound")),
    ];
    for other in aside {
        let rules = vec![
            rule("office", 100, "Allow", "203.0.113.0/24", "22"),
            other.clone(),
            rule("any", 200, "Allow", "*", "*"),
        ];
        assert_eq!(redundant(rules)[0], Some(vec!["any".to_owned()]), "{other}");
    }
}

#[test]
fn a_narrower_rule_behind_does_not_make_one_redundant() {
    let rules = vec![
        rule("office", 100, "Allow", "203.0.113.0/24", "22"),
        rule("half", 200, "Allow", "203.0.113.0/25", "22"),
    ];
    assert_eq!(redundant(rules), [None, None]);
}

#[test]
fn a_shadowed_rule_decides_nothing_and_is_not_called_redundant() {
    let rules = vec![
        rule("first", 100, "Allow", "*", "22"),
        rule("second", 200, "Allow", "203.0.113.0/24", "22"),
        rule("third", 300, "Allow", "*", "22"),
    ];
    assert_eq!(redundant(rules), [Some(vec!["third".to_owned()]), None, None]);
}

#[test]
fn what_is_unknown_in_the_group_makes_no_claim() {
    let rules = vec![
        rule("office", 100, "Allow", "203.0.113.0/24", "22"),
        rule("odd", 150, "Perhaps", "*", "443"),
        rule("any", 200, "Allow", "*", "*"),
    ];
    assert_eq!(redundant(rules), [None, None, None]);
}
