//! Past nights as evidence: what stood open after an old scan is told as it was then, whatever became of it since.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "what is missing fails the test"
)]

mod html_fixture;
mod nights;

use std::sync::Arc;

use html_fixture::{HOSTILE, estate, hostile};
use nights::{night, places, sqlite};
use portcullis::history::History;
use portcullis::history::model::{KeptScan, State};
use portcullis::history::moment::Moment;
use portcullis::report::night::{NIGHT_FORMATS, Night, Stood, stood, total};
use portcullis::report::remember::{Remembering, observation, unpack};
use portcullis::report::{Options, Report};
use portcullis::rule::Waiver;
use portcullis::rule::owner::Owners;

fn record(history: &mut History, report: &Report, number: i64) -> KeptScan {
    let remembering = Remembering {
        run: None,
        taken: night(number),
        owners: &Owners::default(),
        keep: true,
    };
    let scan = history.record(&observation(report, remembering).unwrap()).unwrap().scan;
    history.scan(Some(scan)).unwrap()
}

fn kept(history: &mut History, scan: &KeptScan) -> Report {
    unpack(&history.evidence(scan.id).unwrap().unwrap(), &scan.digest).unwrap()
}

fn told(history: &mut History, scan: &KeptScan) -> Night {
    let report = kept(history, scan);
    let figures = history.figures().unwrap();
    Night {
        figures: total(
            figures
                .iter()
                .filter(|((id, _), _)| *id == scan.id)
                .map(|(_, point)| point),
        ),
        rules: history.rules(scan.id).unwrap(),
        changes: history.changes(scan.id).unwrap(),
        findings: stood(scan, &history.findings().unwrap(), Some(&report)),
        scan: scan.clone(),
    }
}

fn of<'s>(stood: &'s [Stood], fingerprint: &str) -> Option<&'s Stood> {
    stood.iter().find(|one| one.fingerprint == fingerprint)
}

#[test]
fn a_past_night_is_told_as_it_was() {
    for place in places() {
        let mut history = place.open();
        let first = estate(6, 6);
        let print = first.findings[0].fingerprint.to_string();
        let mut second = first.clone();
        second.findings[0].message = Arc::from("said in other words");
        second.findings[0].waiver = Some(Waiver {
            reason: "a reason".into(),
            owner: Some("ops".into()),
            ticket: None,
            until: None,
        });
        let mut without = first.clone();
        without.findings.remove(0);
        let mut refused = without.clone();
        refused.scan.complete = false;
        refused.scan.subscriptions[0].complete = false;
        let scans: Vec<KeptScan> = [&first, &second, &without, &first, &refused]
            .into_iter()
            .enumerate()
            .map(|(number, report)| record(&mut history, report, number as i64))
            .collect();

        let nights: Vec<Night> = scans.iter().map(|scan| told(&mut history, scan)).collect();
        let then: Vec<Option<&Stood>> = nights.iter().map(|night| of(&night.findings, &print)).collect();
        let dates = |one: &Stood| (one.first_seen.clone(), one.opened.clone(), one.openings, one.judged);
        let said = |opened, openings, judged| (Some(night(0)), Some(night(opened)), Some(openings), Some(judged));
        assert_eq!(dates(then[0].unwrap()), said(0, 1, true), "{}", place.kind);
        assert_eq!(dates(then[1].unwrap()), said(0, 1, true));
        assert_eq!(then[2], None);
        assert_eq!(dates(then[3].unwrap()), said(3, 2, true));
        // Not to be judged: it stands, in the words of the night before.
        assert_eq!(dates(then[4].unwrap()), said(3, 2, false));
        assert_eq!(then[4].unwrap().worded, night(3));
        let waived = then[1].unwrap();
        assert_eq!(
            (&*waived.message, waived.waived_since.as_deref(), &*waived.worded),
            ("said in other words", Some(&*night(1)), &*night(1))
        );
        assert!(then[0].unwrap().waiver.is_none() && then[3].unwrap().waiver.is_none());
        assert_eq!(nights[2].figures.as_ref().unwrap().fixed, 1);
        assert_eq!(nights[0].figures.as_ref().unwrap().machines, 6);

        // What a scan changed does not tell what came later either.
        let opened = nights[0]
            .changes
            .opened
            .iter()
            .find(|one| one.fingerprint == print)
            .unwrap();
        assert_eq!((opened.openings, &opened.closed, opened.waivers.len()), (1, &None, 0));
        let fixed = &nights[2].changes.fixed[0];
        assert_eq!((fixed.openings, fixed.state), (1, State::Fixed));

        // Without the report there are the dates, and words as last seen.
        let bare = stood(&scans[1], &history.findings().unwrap(), None);
        let bare = of(&bare, &print).unwrap();
        assert_eq!((bare.judged, &*bare.worded), (None, &*night(3)));
        assert_eq!(bare.waiver.as_ref().unwrap().owner.as_deref(), Some("ops"));
    }
}

#[test]
fn the_past_is_known_as_far_as_asked() {
    let place = sqlite();
    let mut history = place.open();
    let first = estate(6, 6);
    let print = first.findings[0].fingerprint.to_string();
    let mut without = first.clone();
    without.findings.remove(0);
    let mut new = first.clone();
    new.machines.truncate(5);
    new.findings
        .retain(|finding| finding.subject.machine.is_none_or(|place| place < 5));
    for (number, report) in [&first, &without, &first, &new].into_iter().enumerate() {
        record(&mut history, report, number as i64);
    }
    let until = |history: &mut History, number: i64| history.past().unwrap().until(Moment::end_of(&night(number)));
    let states = [(0, State::Open, 1, 1), (1, State::Fixed, 1, 2), (2, State::Open, 2, 3)];
    for (number, state, openings, points) in states {
        let past = until(&mut history, number);
        let finding = past.findings.iter().find(|one| one.fingerprint == print).unwrap();
        assert_eq!((finding.state, finding.openings), (state, openings), "night {number}");
        assert_eq!((past.points.len(), past.scans.len()), (points, points));
        assert_eq!(past.now, night(number));
        assert!(past.machines.iter().all(|machine| machine.gone.is_none()));
    }
    assert_eq!(
        until(&mut history, 3)
            .machines
            .iter()
            .filter(|one| one.gone.is_some())
            .count(),
        1
    );
    assert_eq!(until(&mut history, 3).findings, history.findings().unwrap());
    let before = until(&mut history, -1);
    assert!(before.findings.is_empty() && before.points.is_empty() && before.machines.is_empty());
    assert_eq!(history.latest(Some(&night(1))).unwrap(), [2]);
    assert_eq!(history.scan_by(&night(2)).unwrap().id, 3);
    let none = history.scan_by(&night(-1)).unwrap_err().to_string();
    assert!(none.contains("holds no scan of"), "{none}");
}

/// A scan that came late is evidence: what it shows is told, and what others know of that time is not mixed into it.
#[test]
fn a_late_scan_tells_what_it_shows() {
    let place = sqlite();
    let mut history = place.open();
    let whole = estate(6, 6);
    record(&mut history, &whole, 5);
    let mut older = whole.clone();
    older.findings.truncate(2);
    let scan = record(&mut history, &older, 3);
    assert_eq!(scan.late.len(), scan.coverage.len());
    let night = told(&mut history, &scan);
    assert_eq!(night.findings.len(), 2);
    assert!(night.figures.is_none() && night.findings.iter().all(|one| one.opened.is_none()));
}

#[test]
fn a_report_that_was_changed_is_refused() {
    let place = sqlite();
    let mut history = place.open();
    let scan = record(&mut history, &estate(3, 3), 0);
    let mut other = estate(3, 3);
    other.findings.clear();
    let another = record(&mut history, &other, 1);
    let packed = history.evidence(another.id).unwrap().unwrap();
    let why = unpack(&packed, &scan.digest).unwrap_err();
    assert!(why.contains("is not the one that was written down"), "{why}");
    assert!(unpack(&packed, &another.digest).is_ok());
}

#[test]
fn every_format_takes_hostile_names() {
    let place = sqlite();
    let mut history = place.open();
    let scan = record(&mut history, &hostile(), 0);
    let night = told(&mut history, &scan);
    for format in NIGHT_FORMATS {
        let mut out = Vec::new();
        (format.write)(&night, &Options::default(), &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(
            text.contains(&night.scan.digest) || format.name == "csv",
            "{}",
            format.name
        );
        match format.name {
            "json" => {
                let value: serde_json::Value = serde_json::from_str(&text).unwrap();
                assert_eq!(value["findings"].as_array().unwrap().len(), night.findings.len());
            }
            "markdown" => {
                for name in HOSTILE.iter().filter(|name| name.contains('<')) {
                    assert!(!text.contains(name), "{name}");
                }
            }
            _ => {}
        }
        let treacherous = |c: char| (c.is_control() && c != '\n') || ('\u{202a}'..='\u{202e}').contains(&c);
        assert!(format.name == "json" || !text.contains(treacherous), "{}", format.name);
    }
}
