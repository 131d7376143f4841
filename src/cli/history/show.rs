//! `portcullis history show`: the evidence of one night.

use clap::Args;

use crate::cli::output::{self, Output};
use crate::cli::remembering::moment;
use crate::cli::report::kept_of;
use crate::cli::{Failure, status};
use crate::history::History;
use crate::history::model::KeptScan;
use crate::report::Options;
use crate::report::night::{Night, stood, total};

#[derive(Debug, Args)]
pub struct ShowArguments {
    /// The number of the scan [default: the last]
    scan: Option<i64>,

    /// The last scan that was taken by then: a day, such as 2026-10-03 (UTC), or a moment
    #[arg(long, value_name = "TIME", value_parser = moment, conflicts_with = "scan")]
    at: Option<String>,

    /// Write console, json, markdown or csv, to the standard output or to a file; may be given several times
    /// [default: console]; `portcullis report --scan` writes the formats of reports
    #[arg(long, short, value_name = "FORMAT[=FILE]", value_parser = Output::parse_night)]
    format: Vec<Output>,

    /// Show every entry of long lists
    #[arg(long, short)]
    verbose: bool,
}

impl ShowArguments {
    pub fn run(&self, history: &mut History, json: bool) -> Result<u8, Failure> {
        let mut outputs = self.format.clone();
        if outputs.is_empty() {
            outputs.push(if json { Output::json() } else { Output::console() });
        }
        output::check(&outputs)?;
        let scan = match &self.at {
            Some(moment) => history.scan_by(moment)?,
            None => history.scan(self.scan)?,
        };
        let night = night(history, scan)?;
        let options = Options {
            width: output::width(),
            verbose: self.verbose,
            ..Options::default()
        };
        outputs
            .iter()
            .try_for_each(|output| output.write_night(&night, &options))?;
        Ok(status::CLEAN)
    }
}

/// All that is known of a scan.
fn night(history: &mut History, scan: KeptScan) -> Result<Night, Failure> {
    let report = match scan.evidence {
        true => Some(kept_of(history, &scan)?),
        false => None,
    };
    let figures = history.figures()?;
    let of_scan = figures
        .iter()
        .filter(|((id, _), _)| *id == scan.id)
        .map(|(_, point)| point);
    Ok(Night {
        figures: total(of_scan),
        rules: history.rules(scan.id)?,
        changes: history.changes(scan.id)?,
        findings: stood(&scan, &history.findings()?, report.as_ref()),
        scan,
    })
}
