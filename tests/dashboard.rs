//! The dashboard: the report page with its past. Writes pages into the test directory for `browser/report.mjs`.
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

use std::path::Path;
use std::sync::Arc;

use html_fixture::{HOSTILE, estate, hostile, incomplete};
use nights::{night, sqlite};
use portcullis::history::model::{Past, State};
use portcullis::report::remember::{Remembering, observation};
use portcullis::report::{Options, Report, html};
use portcullis::rule::Verdict;
use portcullis::rule::owner::Owners;

/// Nights in which findings come and go by their number, with a subscription that is refused now and then.
fn past(report: &Report, nights: i64, rhythm: usize) -> Past {
    let place = sqlite();
    let mut history = place.open();
    for number in 0..nights {
        let mut tonight = report.clone();
        let last = number == nights - 1;
        let mut place = 0;
        tonight.findings.retain(|_| {
            place += 1;
            last || !(place + usize::try_from(number).unwrap() / 3).is_multiple_of(rhythm)
        });
        for (place, machine) in tonight.machines.iter_mut().enumerate() {
            if !last && (place as i64 + number / 4) % 7 == 0 {
                machine.verdict = Verdict::Healthy;
            }
        }
        if number % 17 == 9 && !tonight.scan.subscriptions.is_empty() {
            tonight.scan.complete = false;
            tonight.scan.subscriptions[0].complete = false;
            tonight.scan.subscriptions[0].missing = vec!["`microsoft.compute/virtualmachines`: refused".into()];
        }
        let remembering = Remembering {
            run: None,
            taken: night(number),
            owners: &Owners::default(),
            keep: false,
        };
        history.record(&observation(&tonight, remembering).unwrap()).unwrap();
    }
    history.past().unwrap()
}

fn page(report: &Report, past: Past) -> String {
    let options = Options {
        past: Some(Arc::new(past)),
        ..Options::default()
    };
    let mut out = Vec::new();
    (html::FORMAT.write)(report, &options, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn keep(name: &str, page: &str) {
    std::fs::write(
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("dashboard-{name}.html")),
        page,
    )
    .unwrap();
}

fn owned(mut report: Report) -> Report {
    for (number, machine) in report.machines.iter_mut().enumerate() {
        machine.owner = (!number.is_multiple_of(4)).then(|| Arc::from(format!("team {}", number % 4)));
    }
    report
}

#[test]
fn the_page_says_what_the_history_says() {
    let report = owned(estate(60, 90));
    let past = past(&report, 92, 5);
    let page = page(&report, past.clone());
    let latest = past.points.last().unwrap();
    assert!(page.contains(&format!("<strong>{}</strong> open findings", latest.open)));
    // One bar a run in each of the two drawings, and one row a run in the table.
    assert_eq!(page.matches("<title>2026-").count(), 2 * past.points.len());
    let table = page
        .split("class=\"plain runs\"")
        .nth(1)
        .unwrap()
        .split("</table>")
        .next()
        .unwrap();
    assert_eq!(table.matches("<tr>").count(), past.points.len() + 1);
    let data = nights::page_data(&page);
    let open = past.findings.iter().filter(|one| one.state == State::Open).count();
    assert_eq!(data["past_findings"]["rows"].as_array().unwrap().len(), open);
    let judged: usize = past.machines.iter().map(|machine| machine.judgements.len()).sum();
    assert_eq!(data["judgements"]["rows"].as_array().unwrap().len(), judged);
    assert!(page.contains("team 3") && page.contains("nobody is named"));
    keep("small", &page);
}

#[test]
fn hostile_names_stay_names() {
    let report = hostile();
    let page = page(&report, past(&report, 6, 2));
    let markup = page.split("<script").next().unwrap().to_owned() + page.split("</script>").nth(1).unwrap();
    for name in HOSTILE.iter().filter(|name| name.contains('<')) {
        assert!(!markup.contains(name), "{name}");
    }
    keep("hostile", &page);
}

#[test]
fn a_history_of_one_night_and_of_none() {
    let report = estate(3, 4);
    let one = past(&report, 1, 9);
    let text = page(&report, one);
    assert!(text.contains("Nothing came back."));
    keep("one-night", &text);
    let partly = incomplete();
    keep("incomplete", &page(&partly, past(&partly, 10, 4)));
    let empty = page(&html_fixture::empty(), Past::default());
    assert!(empty.contains("<strong>0</strong> open findings"));
}

#[test]
fn a_page_of_five_thousand_findings() {
    let report = owned(estate(1500, 5000));
    let page = page(&report, past(&report, 5, 9));
    assert!(page.len() < 6_000_000, "{} bytes", page.len());
    keep("5000", &page);
}
