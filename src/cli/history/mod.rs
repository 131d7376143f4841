//! `portcullis history`.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde_json::json;

use super::config::Config;
use super::output;
use super::remembering::{self, label, words};
use super::report::kept;
use super::{Failure, status};
use crate::history::model::{Changes, KeptFinding, KeptScan, Point};
use crate::history::statistics::{days, days_before};
use crate::history::{History, Retention};
use crate::report::text;

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
    /// Show what a scan changed, and what it did not read
    Show {
        /// The number of the scan [default: the last]
        scan: Option<i64>,
    },
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
struct ExportArguments {
    /// The report of this scan, as it was, in JSON; `portcullis report --scan` writes the other formats
    #[arg(long, value_name = "NUMBER")]
    scan: Option<i64>,

    /// The file to write [default: the standard output]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
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
            Command::Show { scan } => self.show(&mut history, *scan)?,
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
                minute(&scan.taken),
                coverage(scan),
                if scan.evidence { "kept" } else { "-" }.to_owned(),
                scan.tool.clone(),
                scan.run.clone(),
            ]);
        }
        Ok(table.text())
    }

    fn show(&self, history: &mut History, scan: Option<i64>) -> Result<String, Failure> {
        let scan = history.scan(scan)?;
        let changes = history.changes(scan.id)?;
        if self.json {
            let rules = history.rules(scan.id)?;
            return Ok(format!(
                "{:#}\n",
                json!({ "scan": scan, "rules": rules, "changes": changes })
            ));
        }
        let mut text = format!("scan {} of {}: {}\n", scan.id, minute(&scan.taken), words(&changes));
        text.push_str(&format!(
            "  run {}, {}, report sha256:{}\n",
            text::line(&scan.run),
            text::line(&scan.tool),
            scan.digest
        ));
        unread(&scan, &mut text);
        show_changes(&changes, &scan.taken, &mut text);
        Ok(text)
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
        minute(&point.taken),
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

/// `2026-01-31 02:00`.
fn minute(time: &str) -> String {
    let (day, clock) = (time.get(..10).unwrap_or(time), time.get(11..16).unwrap_or_default());
    format!("{day} {clock}").trim_end().to_owned()
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

fn unread(scan: &KeptScan, out: &mut String) {
    for lost in &scan.lost {
        out.push_str(&format!("  not read: {}\n", text::line(lost)));
    }
    for covered in scan.coverage.iter().filter(|covered| !covered.complete) {
        let name = covered.name.as_deref().unwrap_or(&covered.scope);
        out.push_str(&format!("  not read whole: {}\n", text::name(name, 60)));
        for missing in covered.missing.iter().take(SHOWN) {
            out.push_str(&format!("    {}\n", text::line(missing)));
        }
    }
}

/// Entries of a list that are shown; `--json` has all.
const SHOWN: usize = 50;

fn show_changes(changes: &Changes, taken: &str, out: &mut String) {
    for (group, findings) in changes.groups() {
        if findings.is_empty() {
            continue;
        }
        out.push_str(&format!("\n{} ({})\n", label(group), findings.len()));
        findings
            .iter()
            .take(SHOWN)
            .for_each(|finding| show_finding(finding, taken, out));
        if findings.len() > SHOWN {
            out.push_str(&format!("  and {} more; --json has all\n", findings.len() - SHOWN));
        }
    }
}

fn show_finding(finding: &KeptFinding, taken: &str, out: &mut String) {
    let subject = text::name(&finding.subject, 60);
    let message = text::sentence(&finding.message, 60);
    out.push_str(&format!(
        "  {:8}  {subject}  {}\n            {message}\n",
        finding.severity.as_str(),
        finding.rule
    ));
    let mut about = vec![format!("open since {}", minute(&finding.opened))];
    if let Some(closed) = &finding.closed {
        about = vec![format!("was open for {} days", days(&finding.opened, closed))];
    } else if finding.openings > 1 {
        about.push(format!(
            "for the {}. time, first seen {}",
            finding.openings,
            minute(&finding.first_seen)
        ));
    }
    if let Some(unjudged) = &finding.unjudged {
        about.push(format!("not judged since {}", minute(unjudged)));
    }
    if !finding.owner.is_empty() {
        about.push(format!("owner {}", text::name(&finding.owner, 40)));
    }
    let waiver = finding
        .waivers
        .last()
        .filter(|waiver| waiver.ended.is_none() || waiver.ended.as_deref() == Some(taken));
    if let Some(waiver) = waiver {
        let until = waiver
            .until
            .as_deref()
            .map(|until| format!(" until {until}"))
            .unwrap_or_default();
        let ending = waiver
            .ending
            .as_deref()
            .map(|ending| format!(" ({ending})"))
            .unwrap_or_default();
        about.push(format!("waiver{until}{ending}: {}", text::name(&waiver.reason, 60)));
    }
    out.push_str(&format!("            {}\n", text::line(&about.join(", "))));
}

impl ExportArguments {
    fn run(&self, history: &mut History) -> Result<u8, Failure> {
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
            Some(path) => write(path, &text)?,
        }
        Ok(status::CLEAN)
    }
}

/// Writes beside the file first, so that it is there whole or not at all.
fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let fail = |error: std::io::Error| Failure(format!("cannot write `{}`: {error}", path.display()));
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let mut beside = tempfile::NamedTempFile::new_in(directory.unwrap_or(Path::new("."))).map_err(fail)?;
    beside.write_all(text.as_bytes()).map_err(fail)?;
    beside.write_all(b"\n").map_err(fail)?;
    beside.persist(path).map_err(|error| fail(error.error))?;
    Ok(())
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

/// Columns side by side; numbers stand to the right.
struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    fn new(heads: &[&str]) -> Self {
        Table {
            rows: vec![heads.iter().map(|head| (*head).to_owned()).collect()],
        }
    }

    fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.rows.push(cells.iter().map(|cell| text::name(cell, 48)).collect());
    }

    fn text(&self) -> String {
        let columns = self.rows.first().map_or(0, Vec::len);
        let cell = |row: &Vec<String>, column: usize| row.get(column).map_or("", String::as_str).to_owned();
        let of = |column| {
            self.rows
                .iter()
                .map(move |row| text::width(&cell(row, column)))
                .max()
                .unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(of).collect();
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let mut out = String::new();
        for (number, row) in self.rows.iter().enumerate() {
            let mut line = String::new();
            for (column, width) in widths.iter().enumerate() {
                let text = cell(row, column);
                let right = is_number(&text)
                    || (number == 0 && self.rows.get(1).is_some_and(|next| is_number(&cell(next, column))));
                let gap = " ".repeat(width.saturating_sub(text::width(&text)));
                let padded = if right { gap + &text } else { text + &gap };
                line.push_str(&padded);
                line.push_str("  ");
            }
            out.push_str(line.trim_end());
            out.push('\n');
        }
        out
    }
}
