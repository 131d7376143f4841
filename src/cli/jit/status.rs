//! `portcullis jit status`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use jiff::Timestamp;

use super::super::judging::JudgingArguments;
use super::super::live::{self, ConnectionArguments, ScopeArguments};
use super::super::progress::Progress;
use super::super::reading::{is_empty, read_with};
use super::super::{Failure, files, output, status, style};
use super::estate::ZoneArguments;
use crate::jit::select;
use crate::jit::status::{Asked, Options, StatusReport, console, csv, survey};
use crate::report::Tab;
use crate::source::Level;

const AFTER: &str = "\
Tabs are those of the portal: configured (in a policy), not configured (could be), unsupported (with the reason). \
`unknown` is what was not read. Requests are counted once, however many ports they name.

Exit status: 0 everything was read; 2 nothing was read, or wrong usage; 3 something was not read.";

#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub struct StatusArguments {
    /// Recorded estates, as `scan` reads them; or a live one with --subscription, --management-group or
    /// --all-subscriptions
    #[arg(
        conflicts_with_all = ["subscription", "management_group", "all_subscriptions", "subscription_tag"],
        value_name = "PATH"
    )]
    paths: Vec<PathBuf>,

    /// Only this machine, by name or id; may be given several times
    #[arg(long, value_name = "MACHINE")]
    machine: Vec<String>,

    /// Only this tab: configured, not-configured, unsupported or unknown; may be given several times
    #[arg(long, value_enum, value_name = "TAB")]
    tab: Vec<TabName>,

    /// Only machines with an opening that has not ended
    #[arg(long)]
    open: bool,

    /// console, json (docs/jit-status.schema.json) or csv; to a file with FORMAT=FILE; may be given several times
    #[arg(long, short, value_name = "FORMAT[=FILE]", value_parser = target, default_value = "console")]
    format: Vec<Target>,

    #[command(flatten)]
    zone: ZoneArguments,

    #[command(flatten)]
    judging: JudgingArguments,

    #[command(flatten)]
    scope: ScopeArguments,

    #[command(flatten)]
    connection: ConnectionArguments,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum TabName {
    Configured,
    NotConfigured,
    Unsupported,
    Unknown,
}

impl TabName {
    fn tab(self) -> Tab {
        match self {
            TabName::Configured => Tab::Configured,
            TabName::NotConfigured => Tab::NotConfigured,
            TabName::Unsupported => Tab::Unsupported,
            TabName::Unknown => Tab::Unknown,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Console,
    Json,
    Csv,
}

type Target = output::Target<Format>;

const FORMATS: &[(&str, Format)] = &[
    ("console", Format::Console),
    ("json", Format::Json),
    ("csv", Format::Csv),
];

fn target(text: &str) -> Result<Target, String> {
    Target::parse(text, FORMATS)
}

impl StatusArguments {
    pub fn run(&self) -> Result<u8, Failure> {
        Target::check(&self.format)?;
        let judging = self.judging.settle(self.paths.first().map(PathBuf::as_path))?;
        let rules = judging.rules()?;
        let files = files::collect(&self.paths)?;
        let mut now = judging.now;
        let mut recording = None;
        let config = &judging.config;
        let scope = match self.paths.is_empty() {
            true => config.live.scope(&self.scope)?,
            false => self.scope.clone(),
        };
        if self.paths.is_empty() && !scope.is_given() {
            return Err(Failure(
                "say what to look at: files, or --subscription, --management-group or --all-subscriptions".to_owned(),
            ));
        }
        if scope.is_given() {
            let recorded = live::read(&scope, &config.live.connection(&self.connection, config)?)?;
            // Openings end by the service's clock.
            let there = Timestamp::now()
                .saturating_add(recorded.ahead)
                .unwrap_or(Timestamp::MAX);
            now = now.or(Some(there));
            recording = Some(recorded.recording.text());
        }
        let progress = Progress::new(files.iter().map(|file| file.bytes).sum());
        let mut reading = read_with(recording, &files, &judging.values()?, &progress);
        judging.choose(&mut reading)?;
        progress.finish();
        for diagnostic in reading
            .diagnostics
            .iter()
            .filter(|diagnostic| diagnostic.level == Level::Error)
        {
            style::diagnostic(diagnostic);
        }
        if is_empty(&reading) {
            return Err(Failure("no machine and no just-in-time policy was read".to_owned()));
        }
        let policies = judging.policies(&rules);
        let request = judging.request(policies, Vec::new());
        let asked = Asked {
            at: now.or(reading.recorded).unwrap_or(request.generated),
            ports: request.ports.clone(),
            policies: request.policies,
            inputs: self.inputs(&scope),
        };
        let wanted = self
            .machine
            .iter()
            .map(|typed| select::one(&reading.inventory, typed).map(|id| id.as_str().to_ascii_lowercase()))
            .collect::<Result<Vec<_>, _>>()
            .map_err(Failure)?;
        let mut report = survey(&reading, &asked);
        self.narrow(&mut report, &wanted);
        self.format.iter().try_for_each(|target| self.write(target, &report))?;
        Ok(if report.complete {
            status::CLEAN
        } else {
            status::INCOMPLETE
        })
    }

    fn inputs(&self, scope: &ScopeArguments) -> Vec<String> {
        let paths = self.paths.iter().map(|path| path.to_string_lossy().into_owned());
        paths.chain(scope.names()).collect()
    }

    /// Leaves what was asked for. The summary stays that of the whole.
    fn narrow(&self, report: &mut StatusReport, wanted: &[String]) {
        report.machines.retain(|machine| {
            let named = wanted.is_empty() || wanted.contains(&machine.id.to_ascii_lowercase());
            let tab = self.tab.is_empty() || self.tab.iter().any(|tab| tab.tab() == machine.tab);
            named && tab && (!self.open || !machine.openings.is_empty())
        });
        report.stale.retain(|stale| {
            let named = wanted.is_empty() || wanted.contains(&stale.machine.to_ascii_lowercase());
            named && self.tab.is_empty() && !self.open
        });
    }

    fn write(&self, target: &Target, report: &StatusReport) -> Result<(), Failure> {
        let mut bytes = Vec::new();
        match target.format {
            Format::Console => {
                let color = target.file.is_none()
                    && anstream::AutoStream::choice(&std::io::stdout()) != anstream::ColorChoice::Never;
                let zone = self.zone.zone();
                let options = Options { color, zone: &zone };
                bytes = console(report, &options).into_bytes();
            }
            Format::Json => {
                serde_json::to_writer_pretty(&mut bytes, report).map_err(|error| Failure(error.to_string()))?;
                bytes.push(b'\n');
            }
            Format::Csv => csv(report, &mut bytes).map_err(|error| Failure(error.to_string()))?,
        }
        target.write(&bytes)
    }
}
