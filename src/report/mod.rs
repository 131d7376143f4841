//! Writers: one `Report` in every format. A format is one file and one line in [`FORMATS`].
//! Must not know how the report was reached, and does no I/O but to the writer it is given.

use std::collections::HashMap;
use std::io::{self, Write};
use std::sync::Arc;

mod asff;
pub mod console;
mod controls;
pub mod csv;
pub mod diff;
mod digest;
mod excerpt;
pub mod fix;
pub mod github;
pub mod gitlab;
pub mod html;
pub mod join;
pub mod json;
pub mod junit;
pub mod lake;
pub mod markdown;
pub mod model;
pub mod night;
mod ocsf;
pub mod remember;
pub mod sarif;
pub mod standards;
pub mod summary;
pub mod text;
pub mod trace;

use crate::history::model::Past;
pub use model::*;

/// What the caller may choose about the writing.
#[derive(Clone, Debug)]
pub struct Options {
    /// Write terminal colours.
    pub color: bool,
    /// Width of the terminal in columns.
    pub width: usize,
    /// Print healthy machines and waived findings too.
    pub verbose: bool,
    /// At most so many SARIF results, worst first; what was cut is said in a notification.
    pub sarif_max_results: usize,
    /// At most so many bytes of SARIF results, as they are before compression.
    pub sarif_max_bytes: usize,
    /// Texts that findings point into, where they are at hand.
    pub texts: Texts,
    /// What the history says of the same estate, for formats that show it.
    pub past: Option<Arc<Past>>,
}

/// GitHub takes 10 MB of compressed SARIF, and SARIF shrinks to a tenth and less.
pub const SARIF_MAX_BYTES: usize = 100_000_000;

/// Texts by the names that reports show.
#[derive(Clone, Debug, Default)]
pub struct Texts(Arc<HashMap<String, Arc<str>>>);

impl Texts {
    pub fn new(texts: HashMap<String, Arc<str>>) -> Self {
        Texts(Arc::new(texts))
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|text| &**text)
    }
}

impl Default for Options {
    fn default() -> Self {
        Options {
            color: false,
            width: 100,
            verbose: false,
            sarif_max_results: 25_000,
            sarif_max_bytes: SARIF_MAX_BYTES,
            texts: Texts::default(),
            past: None,
        }
    }
}

/// Why a report could not be written.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    #[error("cannot write: {0}")]
    Io(#[from] io::Error),
    #[error("cannot write the {format} report: {message}")]
    Format { format: &'static str, message: String },
}

/// One output format.
pub struct Format {
    /// As typed after `--format`.
    pub name: &'static str,
    pub about: &'static str,
    pub write: fn(&Report, &Options, &mut dyn Write) -> Result<(), ReportError>,
}

/// Every format, in the order of the help text.
pub const FORMATS: &[Format] = &[
    console::FORMAT,
    json::FORMAT,
    sarif::FORMAT,
    html::FORMAT,
    markdown::FORMAT,
    csv::FORMAT,
    junit::FORMAT,
    github::FORMAT,
    gitlab::FORMAT,
    controls::FORMAT,
    ocsf::FORMAT,
    asff::FORMAT,
];
