//! What stood open after a night, one row a finding, for spreadsheets.

use std::io::Write;

use super::{Night, Stood};
use crate::history::statistics::days;
use crate::report::csv::failure;
use crate::report::{Options, ReportError, text};

/// The columns, in order; a reader may rely on the names.
const COLUMNS: [&str; 24] = [
    "scan",
    "taken",
    "verdict",
    "severity",
    "rule",
    "subject",
    "subscription",
    "resource_group",
    "owner",
    "message",
    "judged",
    "worded",
    "first_seen",
    "opened",
    "days_open",
    "openings",
    "waived",
    "waived_since",
    "waiver_owner",
    "waiver_ticket",
    "waived_until",
    "fingerprint",
    "machine",
    "id",
];

pub fn write(night: &Night, _: &Options, out: &mut dyn Write) -> Result<(), ReportError> {
    let mut table = csv::Writer::from_writer(out);
    table.write_record(COLUMNS).map_err(failure)?;
    for one in &night.findings {
        let row = row(night, one).map(|cell| text::cell(&cell).into_owned());
        table.write_record(row).map_err(failure)?;
    }
    Ok(table.flush()?)
}

fn row(night: &Night, one: &Stood) -> [String; COLUMNS.len()] {
    let taken = &night.scan.taken;
    let opened = one.opened.clone().unwrap_or_default();
    let days = one.opened.as_ref().map(|opened| days(opened, taken).to_string());
    let waiver = one.waiver.as_ref();
    [
        night.scan.id.to_string(),
        taken.clone(),
        one.verdict.as_str().to_owned(),
        one.severity.as_str().to_owned(),
        one.rule.clone(),
        one.subject.clone(),
        one.subscription.clone(),
        one.resource_group.clone(),
        one.owner.clone(),
        one.message.clone(),
        match one.judged {
            Some(true) => "yes",
            Some(false) => "no",
            None => "not known",
        }
        .to_owned(),
        one.worded.clone(),
        one.first_seen.clone().unwrap_or_default(),
        opened,
        days.unwrap_or_default(),
        one.openings.map(|count| count.to_string()).unwrap_or_default(),
        waiver.map_or_else(|| "no".to_owned(), |waiver| format!("yes: {}", waiver.reason)),
        one.waived_since.clone().unwrap_or_default(),
        waiver
            .and_then(|waiver| waiver.owner.as_deref())
            .unwrap_or_default()
            .to_owned(),
        waiver
            .and_then(|waiver| waiver.ticket.as_deref())
            .unwrap_or_default()
            .to_owned(),
        waiver
            .and_then(|waiver| waiver.until.as_deref())
            .unwrap_or_default()
            .to_owned(),
        one.fingerprint.clone(),
        one.machine.clone(),
        one.resource.clone(),
    ]
}
