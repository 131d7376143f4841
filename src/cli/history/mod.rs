//! `portcullis history`.

mod export;
mod show;
mod table;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde_json::json;

use super::config::Config;
use super::output;
use super::remembering;
use super::{Failure, status};
use crate::history::model::{KeptScan, Point};
use crate::history::statistics::days_before;
use crate::history::{History, Retention};
use crate::report::night::moment_of;
use export::ExportArguments;
use show::ShowArguments;
use table::Table;

#[derive(Debug, Args)]
pub struct HistoryArguments {
    /// The history: a file, or `postgres://user@host/database` (password in PGPASSWORD)
    #[arg(
        long,
        global = true,
        value_name = "FILE|URL",
        env = "PORTCULLIS_HISTORY",
        hide_env_values = true
    )]
    history: Option<String>,

    /// Settings, for `history` [default: portcullis.yaml of the current directory]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,

    /// Print as JSON
    #[arg(long, global = true)]
    json: bool,

    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the scans
    List,
    /// Show a scan: what it read, changed, and how findings stood after it
    Show(ShowArguments),
    /// Show the trend, one line a run
    Trend {
        /// Only the last days, counted from the last scan
        #[arg(long, value_name = "DAYS", default_value_t = 90)]
        days: u16,
    },
    /// Write out everything that is kept: scans, findings with their openings and waivers, machines with their verdicts
    Export(ExportArguments),
    /// Forget what is older than asked; what is open stays, and so does the last scan of each part
    Prune(PruneArguments),
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false, id = "what")]
struct PruneArguments {
    /// Forget scans of more than so many days ago, and findings that were over by then
    #[arg(long, value_name = "DAYS", group = "what")]
    older_than: Option<u32>,

    /// Forget the reports of more than so many days ago, and keep scans and findings
    #[arg(long, value_name = "DAYS", group = "what")]
    evidence_older_than: Option<u32>,

    /// Forget a subscription that is scanned no more, with everything that is known of it
    #[arg(long, value_name = "SUBSCRIPTION", group = "what")]
    forget: Option<String>,
}

impl HistoryArguments {
    pub fn run(&self) -> Result<u8, Failure> {
        let config = Config::read(self.config.as_deref(), None)?;
        let mut history = remembering::open(self.history.as_deref(), &config, false)?;
        let text = match &self.command {
            Command::List => self.list(&mut history)?,
            Command::Show(show) => return show.run(&mut history, self.json),
            Command::Trend { days } => self.trend(&mut history, *days)?,
            Command::Export(export) => return export.run(&mut history),
            Command::Prune(prune) => prune.run(&mut history)?,
        };
        output::to_stdout(text.as_bytes())?;
        Ok(status::CLEAN)
    }

    fn list(&self, history: &mut History) -> Result<String, Failure> {
        let scans = history.scans()?;
        if self.json {
            return Ok(format!("{:#}\n", json!(scans)));
        }
        let mut table = Table::new(&["scan", "taken", "read", "evidence", "tool", "run"]);
        for scan in &scans {
            table.row([
                scan.id.to_string(),
                moment_of(&scan.taken),
                coverage(scan),
                if scan.evidence { "kept" } else { "-" }.to_owned(),
                scan.tool.clone(),
                scan.run.clone(),
            ]);
        }
        Ok(table.text())
    }

    fn trend(&self, history: &mut History, last: u16) -> Result<String, Failure> {
        let mut points = history.trend()?;
        if let Some(end) = points.last().map(|point| point.taken.clone()) {
            let since = days_before(&end, last.into());
            points.retain(|point| point.taken > since);
        }
        if self.json {
            return Ok(format!("{:#}\n", json!(points)));
        }
        let mut table = Table::new(&[
            "taken",
            "machines",
            "unhealthy",
            "undetermined",
            "exposed",
            "open",
            "new",
            "fixed",
            "waived",
            "read",
        ]);
        points.iter().for_each(|point| table.row(trend_row(point)));
        Ok(table.text())
    }
}

fn trend_row(point: &Point) -> [String; 10] {
    let read = match point.complete {
        true => format!("all {}", point.scopes),
        false => format!("{} of {}", point.covered, point.scopes),
    };
    [
        moment_of(&point.taken),
        point.machines.to_string(),
        point.unhealthy.to_string(),
        (point.undetermined + point.unread).to_string(),
        point.exposed.to_string(),
        point.open.to_string(),
        (point.opened + point.reopened).to_string(),
        point.fixed.to_string(),
        point.waived.to_string(),
        read,
    ]
}

fn coverage(scan: &KeptScan) -> String {
    let whole = scan.coverage.iter().filter(|covered| covered.complete).count();
    match (scan.complete, scan.coverage.len()) {
        (true, 1) => "whole".to_owned(),
        (true, all) => format!("all {all}"),
        (false, all) if whole == all => "not whole".to_owned(),
        (false, all) => format!("{whole} of {all}"),
    }
}

impl PruneArguments {
    fn run(&self, history: &mut History) -> Result<String, Failure> {
        let now = Timestamp::now();
        let now = Timestamp::from_second(now.as_second()).unwrap_or(now).to_string();
        let retention = match (self.older_than, self.evidence_older_than, &self.forget) {
            (Some(days), ..) => Retention::Before(days_before(&now, days.into())),
            (_, Some(days), _) => Retention::EvidenceBefore(days_before(&now, days.into())),
            (.., Some(scope)) => Retention::Scope(scope.to_ascii_lowercase()),
            _ => return Err(Failure("say what to forget: --older-than DAYS".to_owned())),
        };
        let pruned = history.prune(&retention)?;
        Ok(format!(
            "forgot {} scans, {} findings that are over, {} machines that are gone, {} reports\n",
            pruned.scans, pruned.findings, pruned.machines, pruned.reports
        ))
    }
}
