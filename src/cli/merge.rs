//! `portcullis merge`.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use clap::Args;

use super::output::{self, Output};
use super::{Failure, status};
use crate::report::{FORMAT_VERSION, Options, Report};

#[derive(Debug, Args)]
#[command(
    after_help = "Exit status: 0 nothing is open; 1 findings that are not waived; 2 wrong usage or no report; 3 one \
                        of the scans is incomplete, which wins over 0 and 1."
)]
pub struct MergeArguments {
    /// Reports that `scan --format json=FILE` wrote
    #[arg(required = true, value_name = "REPORT")]
    reports: Vec<PathBuf>,

    /// Write this format, to the standard output or to a file; may be given several times [default: console]
    #[arg(long, short, value_name = "FORMAT[=FILE]", value_parser = Output::parse)]
    format: Vec<Output>,
}

impl MergeArguments {
    pub fn run(&self) -> Result<u8, Failure> {
        let mut outputs = self.format.clone();
        if outputs.is_empty() {
            outputs.push(Output::console());
        }
        output::check(&outputs)?;
        let reports = self
            .reports
            .iter()
            .map(|path| read(path))
            .collect::<Result<Vec<_>, _>>()?;
        let report = crate::report::join::join(reports).ok_or_else(|| Failure("name a report".to_owned()))?;
        let options = Options {
            width: output::width(),
            ..Options::default()
        };
        outputs.iter().try_for_each(|output| output.write(&report, &options))?;
        Ok(if !report.scan.complete {
            status::INCOMPLETE
        } else if report.findings.iter().any(crate::rule::Finding::is_open) {
            status::FINDINGS
        } else {
            status::CLEAN
        })
    }
}

fn read(path: &Path) -> Result<Report, Failure> {
    let fail = |why: String| {
        Failure(format!(
            "`{}` is no report: {why}; write it with `--format json`",
            path.display()
        ))
    };
    let file = File::open(path).map_err(|error| Failure(format!("cannot read `{}`: {error}", path.display())))?;
    let report: Report =
        serde_json::from_reader(BufReader::with_capacity(1 << 16, file)).map_err(|error| fail(error.to_string()))?;
    match report.format_version == FORMAT_VERSION {
        true => Ok(report),
        false => Err(fail(format!(
            "its version is {}, this tool reads {FORMAT_VERSION}",
            report.format_version
        ))),
    }
}
