//! `portcullis scan`.

use std::path::{Path, PathBuf};

use clap::Args;
use jiff::Timestamp;

use super::config::Config;
use super::given::{Given, assumption};
use super::output::{self, Output};
use super::progress::Progress;
use super::rules::RuleSet;
use super::{Failure, status, style};
use crate::example::MANAGEMENT_PORTS;
use crate::input::Reading;
use crate::model::choices;
use crate::net::parse_ports;
use crate::report::{Options, Report};
use crate::rule::Severity;
use crate::rule::assess::{FLOW_RULE, Policy};
use crate::rule::baseline::Baseline;
use crate::rule::params::{Overrides, ResolvedParams};
use crate::scan::{Request, scan};

#[derive(Debug, Args)]
pub struct ScanArguments {
    /// Snapshots, `az ... list -o json` output, ARM list pages, Resource Graph answers, ARM templates and their
    /// what-if previews, or directories of them; recognised by content, plain or zstd-compressed
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,

    /// Values for the parameters of templates, before those of `X.parameters.json` beside `X.json`; may be given
    /// several times, and the last wins
    #[arg(long, value_name = "FILE")]
    parameters: Vec<PathBuf>,

    /// Templates are all there is: what they do not declare does not exist
    #[arg(long)]
    assume_complete: bool,

    /// Write this format, to the standard output or to a file; may be given several times
    #[arg(long, short, value_name = "FORMAT[=FILE]", value_parser = Output::parse)]
    format: Vec<Output>,

    /// Evaluate only this rule; may be given several times
    #[arg(long, value_name = "ID")]
    rule: Vec<String>,

    /// Leave out findings below this severity: info, low, medium, high or critical
    #[arg(long, value_name = "LEVEL", value_parser = severity)]
    severity: Option<Severity>,

    /// Exit with 1 when a finding that is not waived is at or above this severity; `none` never does [default: low]
    #[arg(long, value_name = "LEVEL")]
    fail_on: Option<String>,

    /// Set a parameter, of one rule or of every rule that has it; may be given several times
    #[arg(long, value_name = "[RULE.]NAME=VALUE")]
    param: Vec<String>,

    /// The management ports [default: 22,3389,5985,5986]
    #[arg(long, value_name = "PORTS", value_parser = ports)]
    ports: Option<Ports>,

    /// Also load the rule files of this directory, or this file; may be given several times
    #[arg(long, value_name = "PATH")]
    rules: Vec<PathBuf>,

    /// Settings and waivers [default: portcullis.yaml of the current directory, where there is one]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// Report what this file holds as known: only what is new or has changed counts for the exit status
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,

    /// Write the findings that are not waived to a baseline file, and exit with 0 unless the scan is incomplete
    #[arg(long, value_name = "FILE")]
    write_baseline: Option<PathBuf>,

    /// The addresses of service tags: Microsoft's weekly `ServiceTags_Public` file, or the answer of
    /// `az network list-service-tags`; may be given several times
    #[arg(long, value_name = "FILE")]
    service_tags: Vec<PathBuf>,

    /// Choose a reading of what no input settles, such as `jit=unknown` when just-in-time policies may exist that were
    /// not given; reports name those in force
    #[arg(long, value_name = "NAME=VALUE", value_parser = assumption)]
    assume: Vec<String>,

    /// The moment at which openings are active or over [default: when the estate was recorded, else now]
    #[arg(long, value_name = "TIME", value_parser = time)]
    now: Option<Timestamp>,

    /// Show healthy machines and waived findings too, and every finding of a rule
    #[arg(long, short)]
    verbose: bool,

    /// Write at most so many results to SARIF, worst first
    #[arg(long, value_name = "COUNT", default_value_t = 25_000)]
    sarif_max_results: usize,
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

fn severity(text: &str) -> Result<Severity, String> {
    let names = || Severity::ALL.map(Severity::as_str).join(", ");
    Severity::parse(text).ok_or_else(|| format!("`{text}` is no severity; there are {}", names()))
}

fn time(text: &str) -> Result<Timestamp, String> {
    text.parse()
        .map_err(|_| format!("`{text}` is not a time; write it as `2026-01-31T12:00:00Z`"))
}

impl ScanArguments {
    pub fn run(&self) -> Result<u8, Failure> {
        self.check_outputs()?;
        let config = Config::read(self.config.as_deref())?;
        let fail_on = self.fail_on(&config)?;
        let baseline = self.baseline.as_deref().map(read_baseline).transpose()?;
        let set = RuleSet::load(&self.rules)?;
        let overrides = Overrides {
            settings: config.rules.clone(),
            arguments: self.param.clone(),
            ports: self
                .ports
                .as_ref()
                .map(|ports| ports.0.clone())
                .or_else(|| config.ports.clone()),
        };
        let params = set.resolve(&overrides)?;
        let policies = self.policies(&set, &params)?;
        let given = self.given();
        let files = given.files()?;
        let progress = Progress::new(files.iter().map(|file| file.bytes).sum());
        let reading = given.read(&files, &progress)?;
        let nothing = is_empty(&reading);
        progress.judging();
        let mut request = self.request(policies, &overrides, &config);
        request.baseline = baseline.as_ref();
        let report = scan(reading, &request);
        progress.finish();
        self.write(&report)?;
        match &self.write_baseline {
            Some(path) if !nothing => {
                write_baseline(path, &report)?;
                Ok(outcome(&report, None, nothing))
            }
            _ => Ok(outcome(&report, fail_on, nothing)),
        }
    }

    fn given(&self) -> Given<'_> {
        Given {
            paths: &self.paths,
            parameters: &self.parameters,
            service_tags: &self.service_tags,
            assume_complete: self.assume_complete,
            assume: &self.assume,
        }
    }

    fn check_outputs(&self) -> Result<(), Failure> {
        if self.format.iter().filter(|output| output.is_stdout()).count() > 1 {
            return Err(Failure(
                "only one format can go to the standard output; write the others as `FORMAT=FILE`".to_owned(),
            ));
        }
        Ok(())
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

    /// The rules to evaluate. The flow rule always is one: it gives the machines their verdict.
    fn policies<'r>(&self, set: &'r RuleSet, params: &'r [ResolvedParams]) -> Result<Vec<Policy<'r>>, Failure> {
        for id in &self.rule {
            set.find(id)?;
        }
        let asked = |id: &str| self.rule.is_empty() || self.rule.iter().any(|asked| asked == id);
        let policies = set.rules.iter().zip(params).map(|(rule, params)| Policy {
            rule,
            params,
            reported: params.enabled && asked(&rule.id),
        });
        Ok(policies
            .filter(|policy| policy.reported || &*policy.rule.id == FLOW_RULE)
            .collect())
    }

    fn request<'r>(&self, policies: Vec<Policy<'r>>, overrides: &Overrides, config: &'r Config) -> Request<'r> {
        Request {
            ports: analysed_ports(&policies, overrides),
            policies,
            least_severity: self.severity.or(config.severity).unwrap_or(Severity::Info),
            waivers: &config.waivers,
            baseline: None,
            assume_jit_unknown: self.given().choices().is(&choices::JIT, "unknown"),
            generated: Timestamp::now(),
            now: self.now,
            inputs: self
                .paths
                .iter()
                .map(|path| path.to_string_lossy().into_owned())
                .collect(),
        }
    }

    fn write(&self, report: &Report) -> Result<(), Failure> {
        let options = Options {
            color: false,
            width: output::width(),
            verbose: self.verbose,
            sarif_max_results: self.sarif_max_results,
        };
        let console = [Output::console()];
        let outputs = if self.format.is_empty() {
            console.as_slice()
        } else {
            self.format.as_slice()
        };
        outputs.iter().try_for_each(|output| output.write(report, &options))
    }
}

/// The ports that any rule asks about.
fn analysed_ports(policies: &[Policy<'_>], overrides: &Overrides) -> Vec<u16> {
    let mut ports = overrides.ports.clone().unwrap_or_else(|| MANAGEMENT_PORTS.to_vec());
    ports.extend(
        policies
            .iter()
            .flat_map(|policy| crate::example::ports(policy.rule, policy.params)),
    );
    if overrides.ports.is_some() {
        ports.retain(|port| overrides.ports.as_ref().is_some_and(|asked| asked.contains(port)));
    }
    ports.sort_unstable();
    ports.dedup();
    ports
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

/// Nothing that any rule judges was read.
fn is_empty(reading: &Reading) -> bool {
    let inventory = &reading.inventory;
    inventory.vms.is_empty() && inventory.nsgs.is_empty() && inventory.jit_policies.is_empty()
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
