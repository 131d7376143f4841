//! A flat table for people who live in spreadsheets: one row for each finding, and one for each machine that
//! `management-ports-jit` found healthy or not applicable, so that an auditor sees every machine.

use std::io::Write;

use crate::report::digest::{self, JIT_RULE};
use crate::report::{Format, Machine, Options, Report, ReportError, text};
use crate::rule::{Finding, Severity, Verdict};

pub const FORMAT: Format = Format {
    name: "csv",
    about: "one row for each finding and each healthy machine, for spreadsheets",
    write,
};

/// The columns, in order; a reader may rely on the names.
const COLUMNS: [&str; 19] = [
    "verdict",
    "severity",
    "rule",
    "subject",
    "machine",
    "subscription",
    "resource_group",
    "region",
    "os",
    "ports",
    "message",
    "cause",
    "gaps",
    "waived",
    "fingerprint",
    "id",
    "file",
    "line",
    "defender",
];

fn write(report: &Report, _: &Options, out: &mut dyn Write) -> Result<(), ReportError> {
    let mut table = csv::Writer::from_writer(out);
    table.write_record(COLUMNS).map_err(failure)?;
    for finding in &report.findings {
        table
            .write_record(guard(finding_row(report, finding)))
            .map_err(failure)?;
    }
    let passed = |machine: &&Machine| matches!(machine.verdict, Verdict::Healthy | Verdict::NotApplicable);
    for machine in report.machines.iter().filter(passed) {
        table
            .write_record(guard(machine_row(report, machine)))
            .map_err(failure)?;
    }
    Ok(table.flush()?)
}

fn finding_row(report: &Report, finding: &Finding) -> [String; COLUMNS.len()] {
    let machine = digest::machine(report, finding);
    let of = |field: fn(&Machine) -> &str| machine.map(field).unwrap_or_default().to_owned();
    let subject = &finding.subject;
    let place = digest::place(finding);
    [
        finding.verdict.as_str().to_owned(),
        finding.severity.as_str().to_owned(),
        finding.rule.to_string(),
        subject.name.to_string(),
        of(|machine| &machine.name),
        subject.subscription.to_string(),
        subject.resource_group.to_string(),
        of(|machine| &machine.region),
        of(|machine| &machine.os),
        machine.map(digest::port_summary).unwrap_or_default(),
        finding.message.to_string(),
        finding.cause.as_deref().unwrap_or_default().to_owned(),
        finding.gaps.join("; "),
        waiver_cell(finding),
        finding.fingerprint.to_string(),
        subject.id.to_string(),
        place.map(|place| place.file.to_string()).unwrap_or_default(),
        place.map(|place| place.line.to_string()).unwrap_or_default(),
        of(|machine| machine.defender.as_deref().unwrap_or_default()),
    ]
}

fn machine_row(report: &Report, machine: &Machine) -> [String; COLUMNS.len()] {
    let severity = report
        .rules
        .iter()
        .find(|rule| *rule.id == *JIT_RULE)
        .map(|rule| rule.severity.as_str());
    [
        machine.verdict.as_str().to_owned(),
        severity.unwrap_or(Severity::Info.as_str()).to_owned(),
        JIT_RULE.to_owned(),
        machine.name.to_string(),
        machine.name.to_string(),
        machine.subscription.to_string(),
        machine.resource_group.to_string(),
        machine.region.to_string(),
        machine.os.to_string(),
        digest::port_summary(machine),
        machine.because.to_string(),
        machine.cause.as_deref().unwrap_or_default().to_owned(),
        String::new(),
        "no".to_owned(),
        String::new(),
        machine.id.to_string(),
        String::new(),
        String::new(),
        machine.defender.as_deref().unwrap_or_default().to_owned(),
    ]
}

/// `no`, or the reason with who answers for it and until when.
fn waiver_cell(finding: &Finding) -> String {
    let Some(waiver) = &finding.waiver else {
        return "no".to_owned();
    };
    let detail = [
        ("owner", &waiver.owner),
        ("ticket", &waiver.ticket),
        ("until", &waiver.until),
    ];
    let detail: String = detail
        .iter()
        .filter_map(|(key, value)| value.as_ref().map(|value| format!("; {key} {value}")))
        .collect();
    format!("yes: {}{detail}", waiver.reason)
}

fn guard(row: [String; COLUMNS.len()]) -> [String; COLUMNS.len()] {
    row.map(|cell| text::cell(&cell).into_owned())
}

/// Why a row could not be written.
pub(super) fn failure(error: csv::Error) -> ReportError {
    let message = error.to_string();
    match error.into_kind() {
        csv::ErrorKind::Io(error) => ReportError::Io(error),
        _ => ReportError::Format { format: "csv", message },
    }
}
