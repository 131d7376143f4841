//! The tables for a data lake: typed, with nulls, in row groups of bounded size, and as large as what was found. The files of
//! this test are read by `lake/read.py` too, with readers that nobody here wrote.
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

use std::collections::BTreeMap;

use bytes::Bytes;
use html_fixture::{estate, hostile};
use nights::{night, sqlite};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;
use portcullis::history::History;
use portcullis::report::Report;
use portcullis::report::lake::{self, Findings, Kind, TABLES};
use portcullis::report::night::stood;
use portcullis::report::remember::{Remembering, observation};
use portcullis::rule::owner::Owners;

fn record(history: &mut History, report: &Report, number: i64) {
    let remembering = Remembering {
        run: None,
        taken: night(number),
        owners: &Owners::default(),
        keep: false,
    };
    history.record(&observation(report, remembering).unwrap()).unwrap();
}

/// The findings table, with the report of each night as its evidence.
fn findings(history: &mut History, reports: &[&Report]) -> Bytes {
    let mut table = Findings::new("portcullis", Vec::new()).unwrap();
    let all = history.findings().unwrap();
    for (scan, report) in history.scans().unwrap().iter().zip(reports) {
        let rules = history.rules(scan.id).unwrap();
        table.night(scan, &rules, &stood(scan, &all, Some(report))).unwrap();
    }
    Bytes::from(table.finish().unwrap())
}

type Rows = Vec<BTreeMap<String, Field>>;

fn rows(file: &Bytes) -> Rows {
    let reader = SerializedFileReader::new(file.clone()).unwrap();
    let rows = reader.get_row_iter(None).unwrap();
    rows.map(|row| {
        row.unwrap()
            .get_column_iter()
            .map(|(name, field)| (name.clone(), field.clone()))
            .collect()
    })
    .collect()
}

#[test]
fn a_row_for_each_finding_and_scan() {
    let place = sqlite();
    let mut history = place.open();
    let first = estate(60, 90);
    let mut second = first.clone();
    second.findings.truncate(70);
    let mut refused = second.clone();
    refused.findings.clear();
    refused.machines.clear();
    refused.scan.complete = false;
    for subscription in &mut refused.scan.subscriptions {
        subscription.complete = false;
    }
    let reports = [&first, &second, &refused];
    for (number, report) in reports.iter().enumerate() {
        record(&mut history, report, number as i64);
    }
    let rows = rows(&findings(&mut history, &reports));
    assert_eq!(rows.len(), 90 + 70 + 70);
    let time = |number: i64| {
        let moment: jiff::Timestamp = night(number).parse().unwrap();
        Field::TimestampMillis(moment.as_millisecond())
    };
    assert!(
        rows[..90]
            .iter()
            .all(|row| row["taken"] == time(0) && row["judged"] == Field::Bool(true))
    );
    let last = &rows[170];
    assert_eq!(
        (&last["taken"], &last["opened"], &last["worded"]),
        (&time(2), &time(0), &time(1))
    );
    assert_eq!(
        (&last["judged"], &last["days_open"]),
        (&Field::Bool(false), &Field::Long(2))
    );
    let waived = rows.iter().filter(|row| row["waived"] == Field::Bool(true)).count();
    assert!(
        waived > 0
            && rows.iter().all(|row| {
                (row["waived"] == Field::Bool(false)) == (row["waiver_reason"] == Field::Null)
                    && (row["waived"] == Field::Bool(false)) == (row["waived_until"] == Field::Null)
            })
    );

    let scans = history.scans().unwrap();
    let figures = history.figures().unwrap();
    let table = self::rows(&Bytes::from(
        lake::scans("portcullis", &scans, &figures, Vec::new()).unwrap(),
    ));
    assert_eq!(table.len(), 3 * first.scan.subscriptions.len());
    let open: i64 = table
        .iter()
        .filter(|row| row["taken"] == time(1))
        .map(|row| match row["open"] {
            Field::Long(count) => count,
            _ => panic!("no count"),
        })
        .sum();
    assert_eq!(open as u64, history.trend().unwrap()[1].open);

    let kept = history.findings().unwrap();
    let openings = self::rows(&Bytes::from(lake::openings("portcullis", &kept, Vec::new()).unwrap()));
    assert_eq!(openings.len(), 90);
    assert_eq!(openings.iter().filter(|row| row["closed"] == Field::Null).count(), 70);
    let machines = history.machines().unwrap();
    let verdicts = self::rows(&Bytes::from(
        lake::verdicts("portcullis", &machines, Vec::new()).unwrap(),
    ));
    assert_eq!(verdicts.len(), 60);
}

/// What is gathered is bounded by its texts too, and the same every night costs little.
#[test]
fn row_groups_are_bounded() {
    let place = sqlite();
    let mut history = place.open();
    let usual = estate(120, 400);
    for number in 0..10 {
        record(&mut history, &usual, number);
    }
    let file = findings(&mut history, &[&usual; 10]);
    let reader = SerializedFileReader::new(file.clone()).unwrap();
    assert_eq!(reader.metadata().file_metadata().num_rows(), 4_000);
    assert!(file.len() < 100_000, "{} bytes", file.len());

    let mut long = estate(100, 400);
    for finding in &mut long.findings {
        finding.message = "long ".repeat(40_000).into();
    }
    let place = sqlite();
    let mut history = place.open();
    record(&mut history, &long, 0);
    let file = findings(&mut history, &[&long]);
    let reader = SerializedFileReader::new(file).unwrap();
    assert!(reader.metadata().row_groups().len() >= 2);
}

#[test]
fn hostile_names_are_texts() {
    let place = sqlite();
    let mut history = place.open();
    let report = hostile();
    record(&mut history, &report, 0);
    let rows = rows(&findings(&mut history, &[&report]));
    assert!(!rows.is_empty());
    let message =
        |row: &BTreeMap<String, Field>| matches!(&row["message"], Field::Str(text) if text.contains("<script>"));
    assert!(rows.iter().any(message));
}

/// The documentation has every table and column, with its type.
#[test]
fn the_schema_is_documented() {
    let docs = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/nightly.md")).unwrap();
    for table in &TABLES {
        let section = docs.split(&format!("`{}.parquet`", table.name)).nth(1);
        let section = section.unwrap_or_else(|| panic!("{} is not documented", table.name));
        let section = section.split("\n\n**").next().unwrap();
        assert!(section.contains(table.about), "{}: {}", table.name, table.about);
        for column in table.columns {
            let kind = match column.kind {
                Kind::Text => "text",
                Kind::Json => "JSON",
                Kind::Number => "number",
                Kind::Time => "time",
                Kind::Day => "day",
                Kind::Flag => "flag",
            };
            let mark = if column.optional { "?" } else { "" };
            let entry = format!("`{}` {kind}{mark}", column.name);
            assert!(section.contains(&entry), "{}: {entry}", table.name);
        }
    }
}
