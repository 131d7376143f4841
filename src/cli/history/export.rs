//! `portcullis history export`.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde_json::json;

use crate::cli::output;
use crate::cli::remembering::moment;
use crate::cli::report::{kept, kept_of};
use crate::cli::whole::{self, Readers};
use crate::cli::{Failure, status};
use crate::history::History;
use crate::history::model::KeptScan;
use crate::report::lake::{self, LakeError};
use crate::report::night::stood;

#[derive(Debug, Args)]
pub struct ExportArguments {
    /// The report of this scan, as it was, in JSON; `portcullis report --scan` writes the other formats
    #[arg(long, value_name = "NUMBER")]
    scan: Option<i64>,

    /// json: one document; parquet: a directory of tables for a data lake
    #[arg(long, short, value_enum, default_value_t, conflicts_with = "scan")]
    format: ExportFormat,

    /// With parquet: only scans that were taken from then on, a day, such as 2026-10-03 (UTC), or a moment; openings and
    /// verdicts are whole
    #[arg(long, value_name = "TIME", value_parser = since, conflicts_with = "scan")]
    since: Option<String>,

    /// The file to write [default: the standard output]; with parquet, the directory
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum ExportFormat {
    #[default]
    Json,
    Parquet,
}

/// A day stands for its beginning.
fn since(text: &str) -> Result<String, String> {
    let end = moment(text)?;
    match text.len() {
        10 => Ok(format!("{text}T00:00:00Z")),
        _ => Ok(end),
    }
}

impl ExportArguments {
    pub fn run(&self, history: &mut History) -> Result<u8, Failure> {
        if self.format == ExportFormat::Parquet {
            return self.lake(history);
        }
        if self.since.is_some() {
            return Err(Failure("--since needs `--format parquet`".to_owned()));
        }
        let text = match self.scan {
            Some(scan) => serde_json::to_string(&kept(history, scan)?).map_err(|error| Failure(error.to_string()))?,
            None => {
                let all = json!({
                    "format": "portcullis-history", "version": 1, "scans": history.scans()?, "trend": history.trend()?,
                    "findings": history.findings()?, "machines": history.machines()?,
                });
                all.to_string()
            }
        };
        match &self.output {
            None => output::to_stdout(format!("{text}\n").as_bytes())?,
            Some(path) => write(path, |out| Ok(writeln!(out, "{text}")?))?,
        }
        Ok(status::CLEAN)
    }

    fn lake(&self, history: &mut History) -> Result<u8, Failure> {
        let directory = self.output.as_deref().ok_or_else(|| {
            Failure("Parquet is written as several files: name their directory, `--output DIRECTORY`".to_owned())
        })?;
        fs::create_dir_all(directory)
            .map_err(|error| Failure(format!("cannot create `{}`: {error}", directory.display())))?;
        let maker = concat!("portcullis ", env!("CARGO_PKG_VERSION"));
        let mut scans = history.scans()?;
        scans.retain(|scan| self.since.as_ref().is_none_or(|since| scan.taken >= *since));
        let figures = history.figures()?;
        let [findings, of_scans, openings, verdicts] = lake::TABLES.map(|table| file(directory, table.name));
        write(&findings, |out| nights(history, &scans, maker, out))?;
        write(
            &of_scans,
            |out| Ok(lake::scans(maker, &scans, &figures, out).map(drop)?),
        )?;
        write(&openings, |out| {
            Ok(lake::openings(maker, &history.findings()?, out).map(drop)?)
        })?;
        write(&verdicts, |out| {
            Ok(lake::verdicts(maker, &history.machines()?, out).map(drop)?)
        })?;
        Ok(status::CLEAN)
    }
}

fn file(directory: &Path, name: &str) -> PathBuf {
    directory.join(format!("{name}.parquet"))
}

/// One scan after the other: of reports, one is in memory.
fn nights(history: &mut History, scans: &[KeptScan], maker: &str, out: &mut Out<'_>) -> Result<(), Failure> {
    let findings = history.findings()?;
    let mut table = lake::Findings::new(maker, out)?;
    for scan in scans {
        let report = match scan.evidence {
            true => Some(kept_of(history, scan)?),
            false => None,
        };
        let rules = history.rules(scan.id)?;
        table.night(scan, &rules, &stood(scan, &findings, report.as_ref()))?;
    }
    table.finish()?;
    Ok(())
}

impl From<LakeError> for Failure {
    fn from(error: LakeError) -> Self {
        Failure(format!("cannot write the table: {error}"))
    }
}

type Out<'f> = dyn Write + Send + 'f;

fn write(path: &Path, fill: impl FnOnce(&mut Out<'_>) -> Result<(), Failure>) -> Result<(), Failure> {
    let name = |failure: Failure| Failure(format!("`{}`: {}", path.display(), failure.0));
    whole::write(path, Readers::Owner, fill).map_err(name)
}
