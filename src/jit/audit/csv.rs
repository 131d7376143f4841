//! One row a record: first the columns of the portal's download of the activity log, then what they do not hold.

use std::io::Write;

use super::record::{Outcome, Record, Touched};
use crate::model::ResourceId;
use crate::report::{ReportError, text};

/// The columns, in order; a reader may rely on the names.
const COLUMNS: [&str; 24] = [
    "Correlation id",
    "Operation name",
    "Status",
    "Event category",
    "Level",
    "Time",
    "Subscription",
    "Event initiated by",
    "Resource type",
    "Resource group",
    "Resource",
    "Outcome",
    "Machines",
    "Ports",
    "Sources",
    "Until",
    "Minutes",
    "Justification",
    "Client address",
    "Policy",
    "In policy",
    "Events",
    "Rule changes",
    "Error",
];

/// A table that is written row by row.
pub struct Table<W: Write>(csv::Writer<W>);

impl<W: Write> Table<W> {
    pub fn begin(out: W) -> Result<Self, ReportError> {
        let mut table = csv::Writer::from_writer(out);
        table.write_record(COLUMNS).map_err(failed)?;
        Ok(Table(table))
    }

    pub fn write(&mut self, record: &Record) -> Result<(), ReportError> {
        let cells = row(record).map(|cell| text::cell(&cell).into_owned());
        self.0.write_record(cells).map_err(failed)
    }

    pub fn end(mut self) -> Result<(), ReportError> {
        Ok(self.0.flush()?)
    }
}

fn failed(error: csv::Error) -> ReportError {
    let message = error.to_string();
    match error.into_kind() {
        csv::ErrorKind::Io(error) => ReportError::Io(error),
        _ => ReportError::Format { format: "csv", message },
    }
}

fn row(record: &Record) -> [String; COLUMNS.len()] {
    let (operation, status) = operation(record.outcome);
    let resource = resource(record);
    let id = ResourceId::new(&resource);
    let joined = |of: &dyn Fn(&Touched) -> String| {
        let mut parts: Vec<String> = record.touched.iter().map(of).filter(|part| !part.is_empty()).collect();
        parts.dedup();
        parts.join("; ")
    };
    let level = if record.outcome == Outcome::Refused {
        "Error"
    } else {
        "Informational"
    };
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let changes = record
        .changes
        .iter()
        .map(|change| format!("{} {}", change.kind.label(), change.resource));
    [
        text(&record.correlation),
        operation.to_owned(),
        status.to_owned(),
        "Administrative".to_owned(),
        level.to_owned(),
        record.time.clone(),
        id.subscription().to_owned(),
        text(&record.user),
        id.resource_type(),
        id.resource_group().to_owned(),
        resource.clone(),
        record.outcome.label().to_owned(),
        joined(&|touched| touched.machine.rsplit('/').next().unwrap_or_default().to_owned()),
        joined(&|touched| touched.port.map_or_else(String::new, |port| port.to_string())),
        joined(&|touched| touched.sources.join(" ")),
        joined(&|touched| touched.end.clone().unwrap_or_default()),
        minutes(record).map_or_else(String::new, |minutes| minutes.to_string()),
        text(&record.justification),
        text(&record.client_address),
        text(&record.policy),
        if record.in_policy { "yes" } else { "no" }.to_owned(),
        record.events.to_string(),
        changes.collect::<Vec<_>>().join("; "),
        text(&record.error),
    ]
}

/// As the log names operation and status.
fn operation(outcome: Outcome) -> (&'static str, &'static str) {
    match outcome {
        Outcome::Granted => ("Initiate JIT Network Access Policy", "Succeeded"),
        Outcome::Refused => ("Initiate JIT Network Access Policy", "Failed"),
        Outcome::Unanswered => ("Initiate JIT Network Access Policy", "Started"),
        Outcome::PolicyChanged => ("Create or update JIT Network Access Policy", "Succeeded"),
        Outcome::PolicyDeleted => ("Delete JIT Network Access Policy", "Succeeded"),
        Outcome::RuleChanged => ("Change of a security rule by Defender for Cloud", "Succeeded"),
    }
}

/// The one thing that a record is about: the machine, the policy, or the rule.
pub(super) fn resource(record: &Record) -> String {
    let machine = record.touched.first().map(|touched| touched.machine.clone());
    let machine = machine.filter(|machine| machine.starts_with('/'));
    let change = || record.changes.first().map(|change| change.resource.clone());
    machine
        .or_else(|| record.policy.clone())
        .or_else(change)
        .unwrap_or_default()
}

/// For how long it was asked for.
pub(super) fn minutes(record: &Record) -> Option<i64> {
    let start: jiff::Timestamp = record.time.parse().ok()?;
    let ends = record
        .touched
        .iter()
        .filter_map(|touched| touched.end.as_ref()?.parse::<jiff::Timestamp>().ok());
    Some((ends.max()?.duration_since(start).as_secs() + 30) / 60).filter(|_| record.outcome.is_request())
}
