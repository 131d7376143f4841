//! `portcullis scan`.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;

use super::changed::Changed;
use super::config::Config;
use super::files::{self, InputFile};
use super::judging::{Judging, JudgingArguments, severity};
use super::live::{self, ConnectionArguments, ScopeArguments};
use super::output::{self, Output};
use super::progress::Progress;
use super::reading::{is_empty, read_with};
use super::remembering::RememberArguments;
use super::run_summary::RunSummary;
use super::{Failure, excerpts, status, style};
use crate::azure::record::RecordingText;
use crate::input::Reading;
use crate::net::parse_ports;
use crate::report::{Options, Report};
use crate::rule::Severity;
use crate::rule::baseline::Baseline;
use crate::scan::scan;
use crate::source::Diagnostic;

#[derive(Debug, Args)]
pub struct ScanArguments {
    /// Snapshots, `az ... list -o json` output, ARM list pages, Resource Graph answers, ARM templates and their
    /// what-if previews, Bicep files, Terraform configurations, plans and states, or directories of them; plain or
    /// zstd-compressed
    #[arg(
        required_unless_present_any = ["subscription", "management_group", "all_subscriptions", "subscription_tag", "config"],
        conflicts_with_all = ["subscription", "management_group", "all_subscriptions", "subscription_tag"],
        value_name = "PATH"
    )]
    paths: Vec<PathBuf>,

    /// Write this format, to the standard output or to a file; may be given several times
    #[arg(long, short, value_name = "FORMAT[=FILE]", value_parser = Output::parse)]
    format: Vec<Output>,

    /// Exit with 1 when a finding that is not waived is at or above this severity; `none` never does [default: low]
    #[arg(long, value_name = "LEVEL")]
    fail_on: Option<String>,

    /// Report what this file holds as known: only what is new or has changed counts for the exit status
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,

    /// Write the findings that are not waived to a baseline file, and exit with 0 unless the scan is incomplete
    #[arg(long, value_name = "FILE")]
    write_baseline: Option<PathBuf>,

    /// Report only findings in files that differ from this git revision, and in what uses one that does (as a module, for
    /// its values or contents) or is used by one
    #[arg(long, value_name = "REVISION")]
    changed_since: Option<String>,

    /// Write the figures of the run for monitoring: OpenMetrics, or OTLP as JSON when the name ends in `.json`
    #[arg(long, value_name = "FILE")]
    metrics: Option<PathBuf>,

    /// Requests that were sent, for the figures.
    #[arg(skip)]
    requests: Cell<u64>,

    #[command(flatten)]
    history: RememberArguments,

    #[command(flatten)]
    judging: JudgingArguments,

    #[command(flatten)]
    scope: ScopeArguments,

    #[command(flatten)]
    connection: ConnectionArguments,
}

/// A list of ports as typed.
#[derive(Clone, Debug)]
pub(super) struct Ports(pub(super) Vec<u16>);

pub(super) fn ports(text: &str) -> Result<Ports, String> {
    let (set, _) = parse_ports(text).map_err(|error| error.to_string())?;
    let ports: Vec<u16> = set
        .ranges()
        .iter()
        .flat_map(|(first, last)| *first..=*last)
        .take(MOST_PORTS + 1)
        .collect();
    match ports.len() {
        0..=MOST_PORTS => Ok(Ports(ports)),
        _ => Err(format!(
            "more than {MOST_PORTS} ports; name the management ports one by one"
        )),
    }
}

/// Each port is one question for every machine.
const MOST_PORTS: usize = 64;

impl ScanArguments {
    pub fn run(&self) -> Result<u8, Failure> {
        let started = Instant::now();
        let judging = self.judging.settle(self.paths.first().map(PathBuf::as_path))?;
        let config = &judging.config;
        let scope = match self.paths.is_empty() {
            true => config.live.scope(&self.scope)?,
            false => self.scope.clone(),
        };
        if self.paths.is_empty() && !scope.is_given() {
            return Err(Failure(
                "name files or directories, or an estate by --subscription, --management-group or --all-subscriptions"
                    .to_owned(),
            ));
        }
        let outputs = self.outputs(config)?;
        let fail_on = self.fail_on(config)?;
        let stated = config.baseline.as_ref().map(|path| config.beside(path));
        let baseline = self.baseline.clone().or(stated);
        let baseline = baseline.as_deref().map(read_baseline).transpose()?;
        let stated = config.changed_since.as_ref().filter(|_| !self.paths.is_empty());
        let changed = self.changed_since.as_ref().or(stated);
        let changed = changed
            .map(|revision| Changed::since(revision, &self.paths))
            .transpose()?;
        self.history.check(config, changed.is_some())?;
        let paths = &self.paths;
        let (rules, files) = rayon::join(|| judging.rules(), || files::collect(paths));
        let (rules, mut files) = (rules?, files?);
        files.extend(judging.service_tag_files()?);
        let progress = Progress::new(files.iter().map(|file| file.bytes).sum());
        let mut reading = read_with(self.live(&scope, config)?, &files, &judging.values()?, &progress);
        judging.choose(&mut reading)?;
        let nothing = is_empty(&reading);
        if nothing && scope.shard.is_some() && reading.inventory.coverage.subscriptions.is_empty() {
            style::note("no subscription is in this shard; there is nothing to do");
            return Ok(status::CLEAN);
        }
        progress.judging();
        let mut request = judging.request(judging.policies(&rules), self.inputs(&scope));
        request.baseline = baseline.as_ref();
        request.touched = changed.and_then(|changed| self.touched(&changed, &judging, &mut reading));
        let report = scan(reading, &request);
        progress.finish();
        let shards = scope.shard.map(|shard| shard.count);
        let certificates = config.live.connection(&self.connection, config)?.certificates()?;
        let recorded = self
            .history
            .remember(&report, &judging, nothing, shards, certificates)?;
        self.write(&report, &outputs, &judging, &files)?;
        let status = match &self.write_baseline {
            Some(path) if !nothing => {
                write_baseline(path, &report)?;
                outcome(&report, None, nothing)
            }
            _ => outcome(&report, fail_on, nothing),
        };
        let summary = RunSummary::of(&report, recorded.as_ref(), self.requests.get(), started, status);
        summary.say();
        self.metrics.iter().try_for_each(|path| summary.write(path))?;
        Ok(status)
    }

    /// The files that a change touches; `None` where it touches all, since it changes how everything is judged.
    fn touched(&self, changed: &Changed, judging: &Judging, reading: &mut Reading) -> Option<BTreeSet<String>> {
        if changed.holds(judging.settings_files()) {
            let message =
                "the change is one of the configuration, of rules or of service tags, so every finding is told";
            reading.diagnostics.push(Diagnostic::note("settings-changed", message));
            return None;
        }
        let named = self.paths.iter().map(PathBuf::as_path).chain(judging.value_files());
        Some(reading.links.touched_by(&changed.names(named)))
    }

    fn inputs(&self, scope: &ScopeArguments) -> Vec<String> {
        self.paths
            .iter()
            .map(|path| path.to_string_lossy().into_owned())
            .chain(scope.names())
            .collect()
    }

    /// The live estate, where one was asked for, as the text of its snapshot.
    fn live(&self, scope: &ScopeArguments, config: &Config) -> Result<Option<RecordingText>, Failure> {
        if !scope.is_given() {
            return Ok(None);
        }
        let connection = config.live.connection(&self.connection, config)?;
        let recorded = live::read(scope, &connection)?;
        self.requests.set(recorded.requests);
        Ok(Some(recorded.recording.text()))
    }

    /// What was asked for, else what the configuration says, else the console.
    fn outputs(&self, config: &Config) -> Result<Vec<Output>, Failure> {
        let stated = config.format.iter().map(|text| Output::parse(text));
        let outputs = match (self.format.is_empty(), config.format.is_empty()) {
            (false, _) => self.format.clone(),
            (true, false) => stated
                .collect::<Result<_, _>>()
                .map_err(|why| Failure(format!("`format` of the configuration: {why}")))?,
            (true, true) => vec![Output::console()],
        };
        output::check(&outputs)?;
        Ok(outputs)
    }

    fn fail_on(&self, config: &Config) -> Result<Option<Severity>, Failure> {
        match self.fail_on.as_ref().or(config.fail_on.as_ref()).map(String::as_str) {
            None => Ok(Some(Severity::Low)),
            Some("none") => Ok(None),
            Some(text) => severity(text)
                .map(Some)
                .map_err(|error| Failure(format!("--fail-on: {error}, none"))),
        }
    }

    fn write(
        &self,
        report: &Report,
        outputs: &[Output],
        judging: &Judging,
        files: &[InputFile],
    ) -> Result<(), Failure> {
        let options = Options {
            color: false,
            width: output::width(),
            verbose: judging.verbose,
            sarif_max_results: judging.sarif_max_results,
            texts: excerpts::texts(report, files),
            ..Options::default()
        };
        outputs.iter().try_for_each(|output| output.write(report, &options))
    }
}

fn read_baseline(path: &Path) -> Result<Baseline, Failure> {
    let fail = |why: String| Failure(format!("--baseline {}: {why}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| fail(format!("cannot read: {error}")))?;
    Baseline::parse(&text).map_err(fail)
}

fn write_baseline(path: &Path, report: &Report) -> Result<(), Failure> {
    let fail = |why: String| Failure(format!("--write-baseline {}: {why}", path.display()));
    let mut text =
        serde_json::to_string_pretty(&Baseline::of(&report.findings)).map_err(|error| fail(error.to_string()))?;
    text.push('\n');
    std::fs::write(path, text).map_err(|error| fail(format!("cannot write: {error}")))
}

fn outcome(report: &Report, fail_on: Option<Severity>, nothing: bool) -> u8 {
    if nothing {
        style::error("nothing to judge was read: no machine, no network security group, no just-in-time policy");
        return status::USAGE;
    }
    if !report.scan.complete {
        return status::INCOMPLETE;
    }
    let fails = |severity: Severity| fail_on.is_some_and(|least| severity >= least);
    let failing = report
        .findings
        .iter()
        .any(|finding| finding.is_open() && fails(finding.severity));
    if failing { status::FINDINGS } else { status::CLEAN }
}
