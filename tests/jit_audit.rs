//! The merging of an audit: what belongs together, across midnight, with what is missing, and in bounded memory.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::type_complexity,
    reason = "what is not there fails the test"
)]

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use portcullis::jit::audit::{MARGIN, Merger, Outcome, Record, Row, SERVICE_APPLICATION, day, event, rows_of_policy};
use serde_json::{Value, json};

const POLICY: &str = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Security/locations/westeurope/jitNetworkAccessPolicies/default";

fn machine(number: usize) -> String {
    format!("/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/vm-{number:04}")
}

fn initiate(at: Timestamp, status: &str, number: usize, user: &str, correlation: &str) -> Value {
    let body = json!({ "virtualMachines": [{ "id": machine(number), "ports": [{ "number": 22, "endTimeUtc": at }] }],
                       "justification": format!("reason {number}") });
    let mut properties = json!({ "requestbody": body.to_string() });
    if status == "Failed" {
        let error = json!({ "error": { "code": "InvalidInitiateInput", "message": "not a subset" } });
        properties["statusMessage"] = json!(error.to_string());
    }
    json!({
        "operationName": { "value": "Microsoft.Security/locations/jitNetworkAccessPolicies/Initiate/action" },
        "status": { "value": status }, "eventTimestamp": at.to_string(), "correlationId": correlation,
        "eventDataId": format!("{correlation}-{status}"), "resourceId": POLICY, "caller": user, "properties": properties,
        "httpRequest": { "clientIpAddress": "203.0.113.7" },
    })
}

fn rule(at: Timestamp, verb: &str, number: usize, correlation: &str) -> Value {
    let body = json!({ "properties": { "description":
        format!("MDC JIT Network Access rule created by an initiation request for policy 'default' of VM 'vm-{number:04}'.") } });
    json!({
        "operationName": { "value": format!("Microsoft.Network/networkSecurityGroups/securityRules/{verb}") },
        "status": { "value": "Succeeded" }, "eventTimestamp": at.to_string(), "correlationId": correlation,
        "eventDataId": format!("{correlation}-{verb}-{number}"), "caller": SERVICE_APPLICATION,
        "resourceId": "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/networkSecurityGroups/nsg/securityRules/MicrosoftDefenderForCloud-JITRule-1-00",
        "properties": { "requestbody": body.to_string() },
    })
}

fn remembered(start: Timestamp, number: usize, user: &str) -> Value {
    json!({ "startTimeUtc": start.to_string(), "requestor": user, "justification": format!("reason {number}"),
        "virtualMachines": [{ "id": machine(number), "ports": [{ "number": 22, "allowedSourceAddressPrefix": "203.0.113.7",
            "endTimeUtc": (start + SignedDuration::from_hours(1)).to_string(), "status": "Initiated" }] }] })
}

fn rows(events: &[Value], requests: &[Value]) -> Vec<Row> {
    let policy = json!({ "id": POLICY, "properties": { "requests": requests } });
    let (mut rows, unread) = rows_of_policy(&policy);
    assert_eq!(unread, 0);
    rows.extend(events.iter().filter_map(event).map(Row::Event));
    rows
}

/// Day by day, as the command does it.
fn merged(rows: Vec<Row>) -> (Vec<Record>, usize) {
    let mut days: BTreeMap<i64, Vec<Row>> = BTreeMap::new();
    for row in rows {
        days.entry(day(row.at())).or_default().push(row);
    }
    let mut merger = Merger::default();
    let mut records = Vec::new();
    for (day, rows) in days {
        let end = Timestamp::from_second((day + 1) * 86_400).unwrap();
        records.extend(merger.day(rows, Some(end)));
    }
    records.extend(merger.day(Vec::new(), None));
    (records, merger.peak)
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[test]
fn the_four_events_of_a_request_are_one_record() {
    let start = at("2026-03-14T10:00:00Z");
    let after = |seconds| start + SignedDuration::from_secs(seconds);
    let events = [
        initiate(start, "Started", 1, "ada@contoso.example", "c1"),
        initiate(after(1), "Succeeded", 1, "ada@contoso.example", "c1"),
        rule(after(20), "write", 1, "c1"),
        // The service's own correlation: found by the machine that the rule names.
        rule(after(21), "write", 1, "other"),
        // The end of another opening belongs to nobody here.
        rule(after(30), "delete", 7, "end"),
    ];
    let (records, _) = merged(rows(&events, &[remembered(start, 1, "ADA@contoso.example")]));
    assert_eq!(records.len(), 2, "{records:#?}");
    let one = &records[0];
    assert_eq!((one.outcome, one.events, one.in_policy), (Outcome::Granted, 4, true));
    assert_eq!(one.changes.len(), 2);
    assert_eq!(one.client_address.as_deref(), Some("203.0.113.7"));
    assert_eq!(one.correlation.as_deref(), Some("c1"));
    assert_eq!(records[1].outcome, Outcome::RuleChanged);
}

#[test]
fn refused_unanswered_and_forgotten_requests_are_told_apart() {
    let start = at("2026-03-14T10:00:00Z");
    let after = |seconds| start + SignedDuration::from_secs(seconds);
    let events = [
        initiate(start, "Started", 1, "ada", "refused"),
        initiate(after(1), "Failed", 1, "ada", "refused"),
        initiate(after(2), "Started", 2, "ada", "unanswered"),
        // The policy was deleted since, and its record with it.
        initiate(after(3), "Succeeded", 3, "ada", "forgotten"),
    ];
    // Remembered, and its events are not in the log any more; somebody else's refused call must not be taken for its own.
    let (records, _) = merged(rows(
        &events,
        &[remembered(after(4), 1, "ada"), remembered(after(5), 3, "bob")],
    ));
    let told: Vec<(Outcome, bool, u64)> = records
        .iter()
        .map(|one| (one.outcome, one.in_policy, one.events))
        .collect();
    assert_eq!(
        told,
        [
            (Outcome::Refused, false, 2),
            (Outcome::Unanswered, false, 1),
            (Outcome::Granted, false, 1),
            (Outcome::Granted, true, 0),
            (Outcome::Granted, true, 0),
        ]
    );
    assert_eq!(records[0].error.as_deref(), Some("InvalidInitiateInput: not a subset"));
}

#[test]
fn midnight_parts_nothing_and_events_that_come_twice_count_once() {
    let midnight = at("2026-03-15T00:00:00Z");
    for offset in [-1800, -60, -1, 0, 1] {
        let start = midnight + SignedDuration::from_secs(offset);
        let after = |seconds| start + SignedDuration::from_secs(seconds);
        let events = [
            initiate(after(2), "Succeeded", 1, "ada", "c1"),
            initiate(after(2), "Succeeded", 1, "ada", "c1"),
            rule(after(90), "write", 1, "c2"),
        ];
        let (records, _) = merged(rows(&events, &[remembered(start, 1, "ada")]));
        assert_eq!(records.len(), 1, "{offset}: {records:#?}");
        assert_eq!((records[0].events, records[0].in_policy), (2, true), "{offset}");
    }
    assert!(MARGIN > SignedDuration::from_mins(20));
}

#[test]
fn one_machine_asked_for_again_and_again_is_not_mixed_up() {
    let start = at("2026-03-14T10:00:00Z");
    let mut events = Vec::new();
    let mut requests = Vec::new();
    for number in 0..50 {
        let moment = start + SignedDuration::from_secs(number * 7);
        let user = if number % 2 == 0 { "ada" } else { "bob" };
        events.push(initiate(
            moment + SignedDuration::from_secs(1),
            "Succeeded",
            1,
            user,
            &format!("c{number}"),
        ));
        requests.push(remembered(moment, 1, user));
    }
    let (records, _) = merged(rows(&events, &requests));
    assert_eq!(records.len(), 50);
    assert!(records.iter().all(|one| one.in_policy && one.events == 1));
}

/// Requests of so many machines, one a day each, with their events; one in ten is refused.
fn estate(machines: usize, days: i64, mut take: impl FnMut(Row)) {
    let start = at("2026-01-01T00:00:00Z");
    for day in 0..days {
        for number in 0..machines {
            let second = (number * 86_399 / machines.max(1)) as i64;
            let moment = start + SignedDuration::from_secs(day * 86_400 + second);
            let correlation = format!("{day}-{number}");
            let refused = number % 10 == 9;
            let status = if refused { "Failed" } else { "Succeeded" };
            let events = [
                initiate(moment, "Started", number, "ada", &correlation),
                initiate(
                    moment + SignedDuration::from_secs(1),
                    status,
                    number,
                    "ada",
                    &correlation,
                ),
                rule(moment + SignedDuration::from_secs(30), "write", number, &correlation),
            ];
            let kept = if refused { 2 } else { 3 };
            events
                .iter()
                .take(kept)
                .filter_map(event)
                .map(Row::Event)
                .for_each(&mut take);
            if !refused {
                let policy = json!({ "id": POLICY, "properties": { "requests": [remembered(moment, number, "ada")] } });
                rows_of_policy(&policy).0.into_iter().for_each(&mut take);
            }
        }
    }
}

fn counted(machines: usize, days_in_all: i64) {
    let mut merger = Merger::default();
    let (mut granted, mut refused, mut other) = (0, 0, 0);
    let mut count = |records: Vec<Record>| {
        for record in records {
            match record.outcome {
                Outcome::Granted if record.in_policy && record.events == 3 => granted += 1,
                Outcome::Refused => refused += 1,
                _ => other += 1,
            }
        }
    };
    let mut days: BTreeMap<i64, Vec<Row>> = BTreeMap::new();
    let end = |day: i64| Timestamp::from_second((day + 1) * 86_400).ok();
    estate(machines, days_in_all, |row| {
        let of = day(row.at());
        let rows = days.entry(of).or_default();
        rows.push(row);
        // Rows come nearly in order: once the next day is well begun, the day before is over.
        if rows.len() > 50
            && let Some(over) = days.first_entry().filter(|first| *first.key() < of)
        {
            let (over, rows) = over.remove_entry();
            count(merger.day(rows, end(over)));
        }
    });
    for (over, rows) in days {
        count(merger.day(rows, end(over)));
    }
    count(merger.day(Vec::new(), None));
    let all = machines * usize::try_from(days_in_all).unwrap();
    assert_eq!((granted, refused, other), (all - all / 10, all / 10, 0));
    // One day of rows and the margin, however many days there are.
    assert!(merger.peak <= machines * 4 + machines, "{} rows at once", merger.peak);
}

#[test]
fn a_long_period_holds_a_day_at_a_time() {
    counted(400, 12);
}

/// `cargo test --release --test jit_audit -- --ignored`: 1.75 million rows.
#[test]
#[ignore = "takes minutes in a debug build"]
fn five_thousand_machines_for_ninety_days() {
    counted(5000, 90);
}
