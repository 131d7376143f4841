//! The report as versioned JSON: the whole of [`Report`], and the schema of it.

use std::io::{BufWriter, Write};

use crate::report::{Format, Options, Report, ReportError};

pub const FORMAT: Format = Format {
    name: "json",
    about: "everything, as versioned JSON (docs/report.schema.json)",
    write,
};

fn write(report: &Report, _: &Options, out: &mut dyn Write) -> Result<(), ReportError> {
    let mut out = BufWriter::new(out);
    serde_json::to_writer_pretty(&mut out, report).map_err(failure)?;
    out.write_all(b"\n")?;
    Ok(out.flush()?)
}

/// What serde says of a writer that failed is the writer's own error.
pub(super) fn failure(error: serde_json::Error) -> ReportError {
    if error.is_io() {
        return ReportError::Io(error.into());
    }
    ReportError::Format {
        format: "json",
        message: error.to_string(),
    }
}

/// The JSON Schema (2020-12) of the report.
pub fn json_schema() -> serde_json::Value {
    let mut schema = schemars::schema_for!(Report);
    schema.insert("title".into(), "Portcullis report".into());
    schema.to_value()
}
