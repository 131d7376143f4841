//! What `scan`, `diff` and `config show` have in common: how an estate is judged. First what was typed, then, with the
//! configuration, what it means.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Args;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::Failure;
use super::config::Config;
use super::files::{self, InputFile};
use super::reading::Values;
use super::reading_arguments::ReadingArguments;
use super::rules::RuleSet;
use super::scan::{Ports, ports};
use crate::input::{Limits, Reading};
use crate::model::{Choices, choices};
use crate::net::MANAGEMENT_PORTS;
use crate::rule::Severity;
use crate::rule::assess::{FLOW_RULE, Policy};
use crate::rule::params::{Overrides, ResolvedParams};
use crate::scan::Request;

#[derive(Clone, Debug, Default, Args)]
pub struct JudgingArguments {
    #[command(flatten)]
    pub reading: ReadingArguments,

    /// Evaluate only this rule; may be given several times
    #[arg(long, value_name = "ID")]
    pub rule: Vec<String>,

    /// Leave out findings below this severity: info, low, medium, high or critical
    #[arg(long, value_name = "LEVEL", value_parser = severity)]
    pub severity: Option<Severity>,

    /// Set a parameter, of one rule or of every rule that has it; may be given several times
    #[arg(long, value_name = "[RULE.]NAME=VALUE")]
    pub param: Vec<String>,

    /// The management ports [default: 22,3389,5985,5986]
    #[arg(long, value_name = "PORTS", value_parser = ports)]
    pub ports: Option<Ports>,

    /// Also load the rule files of this directory, or this file; may be given several times
    #[arg(long, value_name = "PATH")]
    pub rules: Vec<PathBuf>,

    /// Settings and waivers [default: portcullis.yaml beside the input or above it, or of the current directory]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// The moment at which openings are active or over [default: when the estate was recorded, else now]
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub now: Option<Timestamp>,

    /// Show healthy machines and waived findings too, and every finding of a rule
    #[arg(long, short)]
    pub verbose: bool,

    /// Write at most so many results to SARIF, worst first [default: 25000]
    #[arg(long, value_name = "COUNT")]
    pub sarif_max_results: Option<usize>,
}

/// What holds, from the arguments and the configuration together.
pub struct Judging {
    pub config: Config,
    parameters: Vec<PathBuf>,
    variables: Vec<(String, String)>,
    variable_files: Vec<PathBuf>,
    assume_complete: bool,
    rule: Vec<String>,
    severity: Option<Severity>,
    rules: Vec<PathBuf>,
    service_tags: Vec<PathBuf>,
    choices: Choices,
    limits: Limits,
    pub now: Option<Timestamp>,
    pub verbose: bool,
    pub sarif_max_results: usize,
    overrides: Overrides,
}

/// The rules with the values in force, from which policies borrow.
pub struct Rules {
    set: RuleSet,
    params: Vec<ResolvedParams>,
}

impl JudgingArguments {
    /// Joins what was typed with the configuration, which is looked for from `input` upward. What was typed wins.
    pub fn settle(&self, input: Option<&Path>) -> Result<Judging, Failure> {
        let config = Config::read(self.config.as_deref(), input)?;
        let overrides = Overrides {
            settings: config.rules.clone(),
            arguments: config.param.iter().chain(&self.param).cloned().collect(),
            ports: self
                .ports
                .as_ref()
                .map(|ports| ports.0.clone())
                .or_else(|| config.ports.clone()),
        };
        let wrong = |key: &str, why: String| Failure(format!("`{key}` of the configuration: {why}"));
        let now = config
            .now
            .as_deref()
            .map(time)
            .transpose()
            .map_err(|why| wrong("now", why))?;
        let mut choices = Choices::default();
        for text in config.assume.iter().chain(&self.reading.assume) {
            choices.choose(text).map_err(|why| wrong("assume", why))?;
        }
        let mut limits = Limits::default();
        for text in config.limit.iter().chain(&self.reading.limit) {
            limits.choose(text).map_err(|why| wrong("limit", why))?;
        }
        let paths = |typed: &[PathBuf], stated: &[PathBuf]| match typed.is_empty() {
            true => stated.iter().map(|path| config.beside(path)).collect(),
            false => typed.to_vec(),
        };
        Ok(Judging {
            parameters: paths(&self.reading.parameters, &config.parameters),
            variables: config.variables().chain(self.reading.var.iter().cloned()).collect(),
            variable_files: paths(&self.reading.var_file, &config.var_file),
            assume_complete: self.reading.assume_complete || config.assume_complete.unwrap_or(false),
            rule: match self.rule.is_empty() {
                true => config.rule.clone(),
                false => self.rule.clone(),
            },
            severity: self.severity.or(config.severity),
            rules: paths(&self.rules, &config.rule_files),
            service_tags: paths(&self.reading.service_tags, &config.service_tags),
            choices,
            limits,
            now: self.now.or(now),
            verbose: self.verbose || config.verbose.unwrap_or(false),
            sarif_max_results: self.sarif_max_results.or(config.sarif_max_results).unwrap_or(25_000),
            overrides,
            config,
        })
    }

    /// The flags that were typed, by the key of the configuration that stands for each.
    pub fn typed(&self) -> BTreeMap<&'static str, Value> {
        let all = [
            (
                "parameters",
                (!self.reading.parameters.is_empty()).then(|| json!(self.reading.parameters)),
            ),
            (
                "var",
                (!self.reading.var.is_empty()).then(|| json!(names(&self.reading.var))),
            ),
            (
                "var_file",
                (!self.reading.var_file.is_empty()).then(|| json!(self.reading.var_file)),
            ),
            (
                "assume_complete",
                self.reading.assume_complete.then_some(Value::Bool(true)),
            ),
            ("rule", (!self.rule.is_empty()).then(|| json!(self.rule))),
            ("severity", self.severity.map(|severity| json!(severity))),
            ("param", (!self.param.is_empty()).then(|| json!(self.param))),
            ("ports", self.ports.as_ref().map(|ports| json!(ports.0))),
            ("rule_files", (!self.rules.is_empty()).then(|| json!(self.rules))),
            (
                "service_tags",
                (!self.reading.service_tags.is_empty()).then(|| json!(self.reading.service_tags)),
            ),
            (
                "assume",
                (!self.reading.assume.is_empty()).then(|| json!(self.reading.assume)),
            ),
            (
                "limit",
                (!self.reading.limit.is_empty()).then(|| json!(self.reading.limit)),
            ),
            ("now", self.now.map(|now| json!(now.to_string()))),
            ("verbose", self.verbose.then_some(Value::Bool(true))),
            ("sarif_max_results", self.sarif_max_results.map(|most| json!(most))),
        ];
        all.into_iter().filter_map(|(key, value)| Some((key, value?))).collect()
    }
}

impl Judging {
    pub fn rules(&self) -> Result<Rules, Failure> {
        let set = RuleSet::load(&self.rules)?;
        let params = set.resolve(&self.overrides)?;
        for id in &self.rule {
            set.find(id)?;
        }
        Ok(Rules { set, params })
    }

    /// The rules to evaluate. The flow rule always is one: it gives the machines their verdict.
    pub fn policies<'r>(&self, rules: &'r Rules) -> Vec<Policy<'r>> {
        let asked = |id: &str| self.rule.is_empty() || self.rule.iter().any(|asked| asked == id);
        let policies = rules.set.rules.iter().zip(&rules.params).map(|(rule, params)| Policy {
            rule,
            params,
            reported: params.enabled && asked(&rule.id),
        });
        policies
            .filter(|policy| policy.reported || &*policy.rule.id == FLOW_RULE)
            .collect()
    }

    pub fn request<'r>(&'r self, policies: Vec<Policy<'r>>, inputs: Vec<String>) -> Request<'r> {
        Request {
            ports: self.analysed_ports(&policies),
            policies,
            least_severity: self.severity.unwrap_or(Severity::Info),
            owner_tag: self.config.owner_tag.as_deref().unwrap_or("owner"),
            waivers: &self.config.waivers,
            baseline: None,
            touched: None,
            chosen: !self.rule.is_empty(),
            assume_jit_unknown: self.choices.is(&choices::JIT, "unknown"),
            generated: Timestamp::now(),
            now: self.now,
            inputs,
        }
    }

    /// The day on which waivers hold or are over.
    pub fn today(&self) -> jiff::civil::Date {
        let now = self.now.unwrap_or_else(Timestamp::now);
        now.to_zoned(jiff::tz::TimeZone::UTC).date()
    }

    /// The ports that any rule asks about.
    fn analysed_ports(&self, policies: &[Policy<'_>]) -> Vec<u16> {
        let asked = self.overrides.ports.as_ref();
        let mut ports = asked.cloned().unwrap_or_else(|| MANAGEMENT_PORTS.to_vec());
        let of_rules = policies
            .iter()
            .flat_map(|policy| crate::example::ports(policy.rule, policy.params));
        ports.extend(of_rules);
        ports.retain(|port| asked.is_none_or(|asked| asked.contains(port)));
        ports.sort_unstable();
        ports.dedup();
        ports
    }

    pub fn service_tag_files(&self) -> Result<Vec<InputFile>, Failure> {
        files::collect(&self.service_tags)
    }

    /// Files with values of parameters and variables, the stronger last.
    pub fn value_files(&self) -> impl Iterator<Item = &Path> {
        self.parameters.iter().chain(&self.variable_files).map(PathBuf::as_path)
    }

    /// What says how everything is judged: the configuration, and files with rules and service tags.
    pub fn settings_files(&self) -> impl Iterator<Item = &Path> {
        let files = self.config.file.iter().chain(&self.rules).chain(&self.service_tags);
        files.map(PathBuf::as_path)
    }

    /// What templates and configurations are given beside themselves.
    pub fn values(&self) -> Result<Values, Failure> {
        if let Some(directory) = self.value_files().find(|path| path.is_dir()) {
            let shown = directory.display();
            return Err(Failure(format!(
                "`{shown}` is a directory; name a file with parameter values"
            )));
        }
        Ok(Values {
            files: self.value_files().map(InputFile::named).collect::<Result<_, _>>()?,
            ..self.values_typed()
        })
    }

    /// The same without the files.
    pub fn values_typed(&self) -> Values {
        Values {
            files: Vec::new(),
            variables: self.variables.clone(),
            assume_complete: self.assume_complete,
            choices: self.choices.clone(),
            limits: self.limits.clone(),
        }
    }

    /// Lays the readings chosen on what was read.
    pub fn choose(&self, reading: &mut Reading) -> Result<(), Failure> {
        reading.inventory.choices = self.choices.clone();
        if !self.service_tags.is_empty() && reading.inventory.tag_addresses.is_empty() {
            let message =
                "no service tag is in the files given with --service-tags; give Microsoft's `ServiceTags_Public` file";
            return Err(Failure(message.to_owned()));
        }
        Ok(())
    }
}

/// The names alone: a value may be a secret.
fn names(variables: &[(String, String)]) -> Vec<&str> {
    variables.iter().map(|(name, _)| name.as_str()).collect()
}

pub fn severity(text: &str) -> Result<Severity, String> {
    let names = || Severity::ALL.map(Severity::as_str).join(", ");
    Severity::parse(text).ok_or_else(|| format!("`{text}` is no severity; there are {}", names()))
}

fn time(text: &str) -> Result<Timestamp, String> {
    text.parse()
        .map_err(|_| format!("`{text}` is not a time; write it as `2026-01-31T12:00:00Z`"))
}
