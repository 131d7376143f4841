//! Mutations of good input, and arbitrary bytes: never a panic, always an end, and what was cut is noticed.

mod estate;

use estate::{Estate, rule};
use portcullis::exposure::analyse;
use portcullis::input::{Given, Reading};
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::Config;
use serde_json::{Value, json};

fn resources() -> Vec<Value> {
    let rules = vec![
        rule("ssh", 100, "Allow", "10.0.0.0/8", "22"),
        rule("no", 200, "Deny", "Internet", "*"),
    ];
    Estate::new()
        .public()
        .subnet_nsg(rules)
        .routes(vec![("0.0.0.0/0", "VirtualAppliance", Some("10.1.0.4"))])
        .resources()
}

fn list() -> Vec<u8> {
    let text = serde_json::to_string_pretty(&resources());
    text.unwrap_or_default().into_bytes()
}

fn snapshot() -> Vec<u8> {
    let resources = resources();
    let header = json!({ "format": "portcullis-snapshot", "version": 1, "recorded": "2026-01-01T00:00:00Z", "tool": "t",
        "scope": [{ "subscription": "s" }], "subscriptions": [{ "id": "s", "complete": true, "missing": [] }] });
    let footer = json!({ "format": "portcullis-snapshot-end", "resources": resources.len() });
    let lines = std::iter::once(&header).chain(&resources).chain([&footer]);
    lines.map(|line| format!("{line}\n")).collect::<String>().into_bytes()
}

#[derive(Clone, Debug)]
enum Mutation {
    Flip(Index, u8),
    Delete(Index, usize),
    Repeat(Index, usize),
    Insert(Index, Vec<u8>),
    Swap(Index, Index),
    Cut(Index),
}

fn mutation() -> impl Strategy<Value = Mutation> {
    // Bytes that JSON gives a meaning are worth more than others.
    let telling = prop::sample::select(b"{}[]\",:\\\n\0-9e.tnf\xff".to_vec());
    prop_oneof![
        3 => (any::<Index>(), any::<u8>()).prop_map(|(at, bits)| Mutation::Flip(at, bits)),
        2 => (any::<Index>(), 1usize..40).prop_map(|(at, count)| Mutation::Delete(at, count)),
        2 => (any::<Index>(), 1usize..200).prop_map(|(at, count)| Mutation::Repeat(at, count)),
        3 => (any::<Index>(), prop::collection::vec(telling, 1..4)).prop_map(|(at, bytes)| Mutation::Insert(at, bytes)),
        1 => (any::<Index>(), any::<Index>()).prop_map(|(a, b)| Mutation::Swap(a, b)),
        1 => any::<Index>().prop_map(Mutation::Cut),
    ]
}

fn apply(bytes: &mut Vec<u8>, mutation: &Mutation) {
    if bytes.is_empty() {
        return;
    }
    let length = bytes.len();
    let range = |at: &Index, count: usize| {
        let start = at.index(length);
        start..(start + count).min(length)
    };
    match mutation {
        Mutation::Flip(at, bits) => {
            if let Some(byte) = bytes.get_mut(at.index(length)) {
                *byte ^= bits;
            }
        }
        Mutation::Delete(at, count) => {
            bytes.drain(range(at, *count));
        }
        Mutation::Repeat(at, count) => {
            let range = range(at, *count);
            let part = bytes.get(range.clone()).unwrap_or_default().to_vec();
            bytes.splice(range.end..range.end, part);
        }
        Mutation::Insert(at, more) => {
            let at = at.index(length);
            bytes.splice(at..at, more.iter().copied());
        }
        Mutation::Swap(a, b) => bytes.swap(a.index(length), b.index(length)),
        Mutation::Cut(at) => bytes.truncate(at.index(length)),
    }
}

fn read_and_judge(bytes: &[u8]) -> Reading {
    let mut reading = Reading::default();
    reading.read("mutated", Given::Named, bytes);
    reading.finish();
    let exposures = analyse(&reading.inventory, &reading.sources, &[22, 3389]);
    assert_eq!(exposures.machines.len(), reading.inventory.vms.len());
    reading
}

fn config() -> Config {
    let mut config = Config {
        failure_persistence: None,
        ..Config::default()
    };
    if std::env::var_os("PROPTEST_CASES").is_none() {
        config.cases = if cfg!(debug_assertions) { 200 } else { 4000 };
    }
    config
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn mutated_lists(mutations in prop::collection::vec(mutation(), 1..6)) {
        let mut bytes = list();
        mutations.iter().for_each(|mutation| apply(&mut bytes, mutation));
        read_and_judge(&bytes);
    }

    #[test]
    fn mutated_snapshots(mutations in prop::collection::vec(mutation(), 1..6)) {
        let mut bytes = snapshot();
        mutations.iter().for_each(|mutation| apply(&mut bytes, mutation));
        read_and_judge(&bytes);
    }

    #[test]
    fn mutated_compressed_snapshots(mutations in prop::collection::vec(mutation(), 1..4)) {
        let mut bytes = zstd::stream::encode_all(snapshot().as_slice(), 1).unwrap_or_default();
        mutations.iter().for_each(|mutation| apply(&mut bytes, mutation));
        read_and_judge(&bytes);
    }

    #[test]
    fn cut_snapshots_are_incomplete(at in any::<Index>()) {
        let mut bytes = snapshot();
        // The line end after the footer carries nothing.
        let end = bytes.len() - 1;
        bytes.truncate(at.index(end));
        let reading = read_and_judge(&bytes);
        prop_assert!(!reading.inventory.coverage.is_complete());
    }

    #[test]
    fn arbitrary_bytes(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        read_and_judge(&bytes);
    }

    #[test]
    fn arbitrary_bytes_after_a_good_start(head in 0usize..4, bytes in prop::collection::vec(any::<u8>(), 0..500)) {
        let starts: [&[u8]; 4] = [b"{\"format\":\"portcullis-snapshot\"", b"[{\"id\":\"/", &[0x28, 0xb5, 0x2f, 0xfd], b"{\"value\":["];
        let start = starts.get(head).copied().unwrap_or_default();
        read_and_judge(&[start, &bytes].concat());
    }
}
