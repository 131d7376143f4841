//! Writers of comparisons. A format is one file (or one of the scan's, over the review report) and one line in
//! [`DIFF_FORMATS`].

use std::io::{BufWriter, Write};

mod console;
mod entry;
mod markdown;
mod review;

use super::{Options, Report, ReportError, github, gitlab, json, junit, sarif};
use crate::diff::Comparison;

pub use crate::rule::waiver::OPENING_RULE;
pub use review::review;

/// One output format of a comparison.
pub struct DiffFormat {
    /// As typed after `--format`.
    pub name: &'static str,
    pub about: &'static str,
    /// Takes the report of the head beside the comparison.
    pub write: fn(&Comparison, &Report, &Options, &mut dyn Write) -> Result<(), ReportError>,
}

/// Every format, in the order of the help text.
pub const DIFF_FORMATS: &[DiffFormat] = &[
    DiffFormat {
        name: "console",
        about: "for reading on a terminal",
        write: console::write,
    },
    DiffFormat {
        name: "json",
        about: "everything, as versioned JSON (docs/diff.schema.json)",
        write: write_json,
    },
    DiffFormat {
        name: "markdown",
        about: "for a comment on a pull request",
        write: markdown::write,
    },
    DiffFormat {
        name: "sarif",
        about: "what opens and new findings, as SARIF 2.1.0",
        write: |comparison, head, options, out| (sarif::FORMAT.write)(&review(comparison, head), options, out),
    },
    DiffFormat {
        name: "github",
        about: "what opens and new findings, as annotations of a GitHub workflow",
        write: |comparison, head, options, out| (github::FORMAT.write)(&review(comparison, head), options, out),
    },
    DiffFormat {
        name: "gitlab",
        about: "what opens and new findings, as GitLab code quality",
        write: |comparison, head, options, out| (gitlab::FORMAT.write)(&review(comparison, head), options, out),
    },
    DiffFormat {
        name: "junit",
        about: "what opens and new findings, as JUnit",
        write: |comparison, head, options, out| (junit::FORMAT.write)(&review(comparison, head), options, out),
    },
];

fn write_json(comparison: &Comparison, _: &Report, _: &Options, out: &mut dyn Write) -> Result<(), ReportError> {
    let mut out = BufWriter::new(out);
    serde_json::to_writer_pretty(&mut out, comparison).map_err(json::failure)?;
    out.write_all(b"\n")?;
    Ok(out.flush()?)
}
