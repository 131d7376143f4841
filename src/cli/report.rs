//! `portcullis report`.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use super::config::Config;
use super::output::{self, Output};
use super::{Failure, remembering, status};
use crate::history::History;
use crate::history::model::{KeptScan, Past};
use crate::history::moment::Moment;
use crate::report::remember::unpack;
use crate::report::{Options, Report};

#[derive(Debug, Args)]
#[command(after_help = "Exit status: 0 the report was written; 2 wrong usage, or the history does not hold it.")]
pub struct ReportArguments {
    /// The history: a file, or `postgres://user@host/database` (password in PGPASSWORD)
    #[arg(long, value_name = "FILE|URL", env = "PORTCULLIS_HISTORY", hide_env_values = true)]
    from_history: Option<String>,

    /// The report of this scan, as it was [default: the last of each part of the estate, together]
    #[arg(long, value_name = "NUMBER")]
    scan: Option<i64>,

    /// The report of each part of the estate as it was by then, with the history up to there: a day, such as 2026-10-03
    /// (UTC), or a moment
    #[arg(long, value_name = "TIME", value_parser = remembering::moment, conflicts_with = "scan")]
    at: Option<String>,

    /// Write this format, to the standard output or to a file; may be given several times [default: console]
    #[arg(long, short, value_name = "FORMAT[=FILE]", value_parser = Output::parse)]
    format: Vec<Output>,

    /// Settings, for `history` [default: portcullis.yaml of the current directory]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// Show healthy machines and waived findings too, and every finding of a rule
    #[arg(long, short)]
    verbose: bool,
}

impl ReportArguments {
    pub fn run(&self) -> Result<u8, Failure> {
        let config = Config::read(self.config.as_deref(), None)?;
        let mut outputs = self.format.clone();
        if outputs.is_empty() {
            outputs.push(Output::console());
        }
        output::check(&outputs)?;
        let mut history = remembering::open(self.from_history.as_deref(), &config, false)?;
        let report = self.report(&mut history)?;
        let options = Options {
            width: output::width(),
            verbose: self.verbose,
            past: self.past(&mut history)?,
            ..Options::default()
        };
        outputs.iter().try_for_each(|output| output.write(&report, &options))?;
        Ok(status::CLEAN)
    }

    /// A report of long ago says nothing of the time since.
    fn past(&self, history: &mut History) -> Result<Option<Arc<Past>>, Failure> {
        Ok(match (self.scan, &self.at) {
            (Some(_), _) => None,
            (None, None) => Some(Arc::new(history.past()?)),
            (None, Some(moment)) => Some(Arc::new(history.past()?.until(Moment::end_of(moment)))),
        })
    }

    fn report(&self, history: &mut History) -> Result<Report, Failure> {
        let scans = match self.scan {
            Some(scan) => vec![history.scan(Some(scan))?.id],
            None => history.latest(self.at.as_deref())?,
        };
        let reports = scans
            .iter()
            .map(|scan| kept(history, *scan))
            .collect::<Result<Vec<_>, _>>()?;
        crate::report::join::join(reports).ok_or_else(|| {
            let by = self.at.as_ref().map(|moment| format!(" of {moment} or before"));
            Failure(format!(
                "history `{}` holds no scan{}",
                history.name(),
                by.unwrap_or_default()
            ))
        })
    }
}

/// The report of a scan as it was kept.
pub fn kept(history: &mut History, scan: i64) -> Result<Report, Failure> {
    let scan = history.scan(Some(scan))?;
    kept_of(history, &scan)
}

/// The same of a scan that is at hand.
pub fn kept_of(history: &mut History, scan: &KeptScan) -> Result<Report, Failure> {
    let packed = history.evidence(scan.id)?.ok_or_else(|| {
        Failure(format!(
            "the report of scan {} is not kept in `{}`: it was scanned with --no-evidence, or pruned",
            scan.id,
            history.name()
        ))
    })?;
    unpack(&packed, &scan.digest).map_err(|why| Failure(format!("scan {} of `{}`: {why}", scan.id, history.name())))
}
