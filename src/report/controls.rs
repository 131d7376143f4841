//! The standards as a table: one row for each control of each framework, with whose mapping it is and how it stands.

use std::io::Write;

use crate::report::standards::{Control, FrameworkStanding, frameworks};
use crate::report::{Format, MappedBy, Options, Report, ReportError, text};

pub const FORMAT: Format = Format {
    name: "standards",
    about: "CSV: one row for each control of each standard: met, not met, not judged, and whose mapping it is",
    write,
};

/// The columns, in order; a reader may rely on the names.
const COLUMNS: [&str; 11] = [
    "framework",
    "title",
    "control",
    "standing",
    "mapped_by",
    "rules",
    "open",
    "undetermined",
    "waived",
    "complete",
    "generated",
];

fn write(report: &Report, _: &Options, out: &mut dyn Write) -> Result<(), ReportError> {
    let mut table = csv::Writer::from_writer(out);
    table.write_record(COLUMNS).map_err(super::csv::failure)?;
    for framework in frameworks(report, None) {
        for control in &framework.controls {
            let row = row(report, &framework, control).map(|cell| text::cell(&cell).into_owned());
            table.write_record(row).map_err(super::csv::failure)?;
        }
    }
    Ok(table.flush()?)
}

fn row(report: &Report, framework: &FrameworkStanding, control: &Control) -> [String; COLUMNS.len()] {
    [
        framework.framework.to_string(),
        framework.title.to_string(),
        control.control.to_string(),
        control.standing.as_str().to_owned(),
        mapped_by(control.by).to_owned(),
        control.rules.join(" "),
        control.open.to_string(),
        control.undetermined.to_string(),
        control.waived.to_string(),
        if report.scan.complete { "yes" } else { "no" }.to_owned(),
        report.scan.generated.clone(),
    ]
}

/// Whose judgement a mapping is, in one word.
pub fn mapped_by(by: MappedBy) -> &'static str {
    match by {
        MappedBy::Microsoft => "microsoft",
        MappedBy::Tool => "portcullis",
    }
}
