//! What holds of every format, and what each of the textual ones promises.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::collections::BTreeMap;
use std::io::{self, Write};

use common::{HOSTILE, written};
use portcullis::report::{FORMATS, Options, ReportError, text};
use portcullis::rule::Verdict;
use quick_xml::events::Event;

fn verbose() -> Options {
    Options {
        verbose: true,
        ..Options::default()
    }
}

#[test]
fn every_finding_occurs_in_every_format() {
    let report = common::report();
    // The standards count findings by control and name none.
    for format in FORMATS.iter().filter(|format| format.name != "standards") {
        let written = written(format.name, &report, &verbose());
        for finding in &report.findings {
            // Formats without fingerprints name the line, which the fixture gives each finding of its own.
            let line = finding
                .subject
                .location
                .as_ref()
                .map(|place| format!("main.tf:{}:", place.line));
            let line = line.unwrap_or_else(|| "rule-nobody-listed".to_owned());
            let line_in_html = line.replace(':', "&#58;");
            let line_of_command = line.replace(':', ",").replacen(',', ",line=", 1);
            let marks = [finding.fingerprint.to_string(), line, line_in_html, line_of_command];
            assert!(
                marks.iter().any(|mark| written.contains(mark)),
                "{} lacks {marks:?}",
                format.name
            );
        }
    }
}

#[test]
fn every_format_writes_the_same_twice_and_survives_a_quiet_estate() {
    for format in FORMATS {
        let report = common::report();
        assert_eq!(
            written(format.name, &report, &verbose()),
            written(format.name, &report, &verbose())
        );
        assert!(
            !written(format.name, &common::quiet(), &Options::default()).is_empty(),
            "{}",
            format.name
        );
    }
}

#[test]
fn no_text_for_people_commands_a_terminal() {
    for name in ["console", "markdown", "csv", "junit"] {
        let written = written(name, &common::report(), &verbose());
        let bad = |c: &char| (c.is_control() && !matches!(c, '\n' | '\r')) || matches!(c, '\u{202e}' | '\u{feff}');
        assert_eq!(written.chars().find(bad), None, "{name}");
    }
}

#[test]
fn a_writer_that_fails_is_an_error_in_every_format() {
    struct Full;
    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::Error::other("disk full"))
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    for format in FORMATS {
        let error = (format.write)(&common::report(), &Options::default(), &mut Full).unwrap_err();
        assert!(matches!(&error, ReportError::Io(_)), "{}: {error}", format.name);
    }
}

#[test]
fn console_respects_the_width() {
    for width in [60, 80, 120] {
        let options = Options {
            width,
            ..Options::default()
        };
        let written = written("console", &common::report(), &options);
        for line in written.lines() {
            assert!(
                text::width(line) <= width,
                "{} columns at {width}: {line}",
                text::width(line)
            );
        }
    }
}

#[test]
fn console_is_plain_without_colour_and_the_same_text_with_it() {
    let plain = written("console", &common::report(), &Options::default());
    let colored = written(
        "console",
        &common::report(),
        &Options {
            color: true,
            ..Options::default()
        },
    );
    assert!(colored.contains("\u{1b}[1m"));
    let stripped: String = colored
        .split('\u{1b}')
        .enumerate()
        .map(|(i, part)| if i == 0 { part } else { part.split_once('m').unwrap().1 })
        .collect();
    assert_eq!(stripped, plain);
}

#[test]
fn console_cuts_and_says_so() {
    let alike = common::large(100);
    let once = written("console", &alike, &Options::default());
    assert!(
        once.contains("20 machines") && once.contains("web, and 8 more"),
        "{once}"
    );
    let mut different = common::large(45);
    for (number, finding) in different.findings.iter_mut().enumerate() {
        finding.message = format!("reason {number}").into();
    }
    let written = written("console", &different, &Options::default());
    assert!(
        written.contains("... and 37 more; `--verbose` shows them all"),
        "{written}"
    );
    assert!(written.contains("INCOMPLETE"));
    assert!(written.contains("the list of just-in-time policies was refused"));
    assert!(written.trim_end().ends_with("the scan is incomplete"));
}

#[test]
fn markdown_has_no_markup_from_names() {
    let written = written("markdown", &common::report(), &verbose());
    // By the marker a bot finds its comment again; it is the only one.
    let written = written.strip_prefix("<!-- portcullis:scan -->\n").unwrap();
    for bad in ["<script", "http://", "](http", "@everyone", "<!--", "| pipe", "`tick`"] {
        assert!(!written.contains(bad), "{bad}");
    }
    let rows: Vec<&str> = written
        .lines()
        .filter(|line| line.starts_with("| high") || line.starts_with("| critical"))
        .collect();
    assert!(rows.len() >= HOSTILE.len());
    assert!(rows.iter().all(|row| row.matches('|').count() == 6), "{rows:#?}");
    assert_eq!(
        written.matches("<details>").count(),
        written.matches("</details>").count()
    );
}

#[test]
fn markdown_fits_into_a_comment() {
    let written = written("markdown", &common::large(5_000), &Options::default());
    assert!(written.chars().count() < 65_536, "{}", written.chars().count());
    assert!(written.contains("... and 4960 more"));
}

#[test]
fn csv_reads_back_and_starts_no_formula() {
    let report = common::report();
    let written = written("csv", &report, &Options::default());
    let mut reader = csv::Reader::from_reader(written.as_bytes());
    let columns: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
    let rows: Vec<BTreeMap<String, String>> = reader.deserialize().map(Result::unwrap).collect();
    let passed = |v: &Verdict| matches!(v, Verdict::Healthy | Verdict::NotApplicable);
    let machines = report
        .machines
        .iter()
        .filter(|machine| passed(&machine.verdict))
        .count();
    assert_eq!(rows.len(), report.findings.len() + machines);
    assert_eq!(columns.len(), rows[0].len());
    for cell in rows.iter().flat_map(BTreeMap::values) {
        assert!(!cell.starts_with(['=', '+', '-', '@']), "{cell}");
    }
    assert!(rows.iter().any(|row| row["subject"].starts_with("'=cmd()")));
    assert!(
        rows.iter()
            .any(|row| row["verdict"] == "not_applicable" && row["message"].contains("because"))
    );
    assert!(
        rows.iter()
            .any(|row| row["waived"].starts_with("yes: bastion") && row["waived"].ends_with("until 2027-01-01"))
    );
}

#[test]
fn junit_is_xml_with_a_case_for_each_subject() {
    let report = common::report();
    let cases = junit_cases(&written("junit", &report, &Options::default()));
    let number = |kind: &str| cases.iter().filter(|case| case.as_str() == kind).count();
    let findings = &report.findings;
    let open = |verdict| {
        findings
            .iter()
            .filter(|f| f.waiver.is_none() && f.verdict == verdict)
            .count()
    };
    assert_eq!(number("failure"), open(Verdict::Unhealthy));
    // Two errors among the diagnostics, and one subscription.
    assert_eq!(number("error"), open(Verdict::Undetermined) + 3);
    assert_eq!(number("passed"), 1);
    // One machine is not applicable, one finding is waived.
    assert_eq!(number("skipped"), 2);
}

/// What became of each test case of the document.
fn junit_cases(xml: &str) -> Vec<String> {
    let mut reader = quick_xml::Reader::from_str(xml);
    reader.config_mut().check_end_names = true;
    let mut cases = Vec::new();
    loop {
        match reader.read_event().unwrap() {
            Event::Eof => return cases,
            Event::Start(tag) | Event::Empty(tag) => {
                tag.attributes().for_each(|attribute| drop(attribute.unwrap()));
                match tag.name().as_ref() {
                    b"testcase" => cases.push("passed".to_owned()),
                    name @ (b"failure" | b"error" | b"skipped") => {
                        *cases.last_mut().unwrap() = String::from_utf8(name.to_vec()).unwrap();
                    }
                    _ => {}
                }
            }
            _ => {}
        }
    }
}

#[test]
fn junit_has_no_character_that_xml_forbids() {
    let written = written("junit", &common::report(), &Options::default());
    let legal =
        |c: char| matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
    assert!(written.chars().all(legal));
}
