//! The HTML report: one self-contained page that opens at once, however large the estate.
//! Markup comes from `templates/`; this folder only prepares the data. Everything a scan read is hostile text.

mod context;
mod data;
mod markdown;
mod page;
mod past;
mod policy;
mod table;
mod words;

use std::io::Write;

use crate::report::{Format, Options, Report, ReportError};

/// `--format html`.
pub const FORMAT: Format = Format {
    name: "html",
    about: "one self-contained page for browsers: summary, findings, machines with their ways in, rules",
    write,
};

fn write(report: &Report, options: &Options, out: &mut dyn Write) -> Result<(), ReportError> {
    let page = page::render(report, options.past.as_deref()).map_err(|error| failed(&error))?;
    out.write_all(page.as_bytes())?;
    Ok(())
}

/// A template says where it failed; the causes behind it say why.
fn failed(error: &dyn std::error::Error) -> ReportError {
    let causes = std::iter::successors(Some(error), |error| error.source());
    let message = causes.map(ToString::to_string).collect::<Vec<_>>().join(": ");
    ReportError::Format {
        format: FORMAT.name,
        message,
    }
}
