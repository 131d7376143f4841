//! `portcullis plan`: from the findings of a recorded estate to a plan that is proved.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use jiff::Timestamp;

use super::config::Config;
use super::files;
use super::rules::RuleSet;
use super::{Failure, output, status, style};
use crate::example::MANAGEMENT_PORTS;
use crate::input::Given;
use crate::model::Choices;
use crate::net::parse_range;
use crate::remedy::words::{self, LANGUAGES};
use crate::remedy::{Documents, Plan, Question, Settings, plan};
use crate::rule::assess::Policy;
use crate::rule::params::{Overrides, ResolvedParams};

#[derive(Debug, Args)]
pub struct PlanArguments {
    /// Snapshots, `az ... list -o json` output, ARM list pages or Resource Graph answers, or directories of them
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,

    /// Write the plan to this file, for `apply`
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,

    /// How the plan is printed
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    format: PlanFormat,

    /// Print the steps for a pipeline of your own instead: az, powershell, terraform or bicep
    #[arg(long = "as", value_name = "LANGUAGE", value_parser = language)]
    language: Option<String>,

    /// Mend only findings of this rule or about this resource (id or name); may be given several times
    #[arg(long, value_name = "RULE|RESOURCE")]
    only: Vec<String>,

    /// Leave findings of this rule alone, and change nothing of this resource; may be given several times
    #[arg(long, value_name = "RULE|RESOURCE")]
    exclude: Vec<String>,

    /// At most so many steps: the machines with the worst findings first
    #[arg(long, value_name = "COUNT", default_value_t = 100)]
    max_steps: usize,

    /// From where openings may be requested; may be given several times [default: any address]
    #[arg(long = "sources", value_name = "CIDR", value_parser = prefix)]
    sources: Vec<String>,

    /// Longest opening, in minutes: 5 to 1440
    #[arg(long, value_name = "MINUTES", default_value_t = 180, value_parser = clap::value_parser!(u32).range(5..=1440))]
    window: u32,

    /// Protect only 3389 (Windows) or 22 (Linux), as the page of a single machine does, and not all four ports
    #[arg(long)]
    ports_by_system: bool,

    /// Where a rule is closed, keep its management ports open to these prefixes; may be given several times
    #[arg(long, value_name = "CIDR", value_parser = prefix)]
    narrow_to: Vec<String>,

    /// Close rules of machines, too, that just-in-time access cannot protect
    #[arg(long)]
    close_without_jit: bool,

    /// Raise the Deny rules of just-in-time access above the rules that shadow them, instead of closing these
    #[arg(long)]
    lift: bool,

    /// Also load the rule files of this directory, or this file; may be given several times
    #[arg(long, value_name = "PATH")]
    rules: Vec<PathBuf>,

    /// Settings and waivers [default: portcullis.yaml of the current directory, where there is one]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// The moment at which openings are active or over [default: when the estate was recorded, else now]
    #[arg(long, value_name = "TIME")]
    now: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum PlanFormat {
    /// For reading in a terminal
    #[default]
    Console,
    /// A page of its own
    Html,
    /// For a review
    Markdown,
    /// The plan itself (docs/plan.schema.json)
    Json,
}

fn language(text: &str) -> Result<String, String> {
    let names: Vec<&str> = LANGUAGES.iter().map(|language| language.name).collect();
    let known = names.contains(&text);
    known
        .then(|| text.to_owned())
        .ok_or_else(|| format!("`{text}` is none of {}", names.join(", ")))
}

fn prefix(text: &str) -> Result<String, String> {
    parse_range(text)
        .map(|_| text.to_owned())
        .map_err(|error| error.to_string())
}

impl PlanArguments {
    pub fn run(&self) -> Result<u8, Failure> {
        let config = Config::read(self.config.as_deref(), self.paths.first().map(PathBuf::as_path))?;
        let documents = documents(&self.paths)?;
        let overrides = Overrides {
            settings: config.rules.clone(),
            arguments: Vec::new(),
            ports: config.ports.clone(),
        };
        let set = RuleSet::load(&self.rules)?;
        let params = set.resolve(&overrides)?;
        let question = question(&set, &params, &config, self.now);
        let plan = plan(documents, &question, &self.settings()).map_err(Failure)?;
        if let Some(path) = &self.output {
            write(path, &plan)?;
        }
        output::to_stdout(self.printed(&plan).as_bytes())?;
        if let Some(path) = self
            .output
            .as_ref()
            .filter(|_| self.language.is_none() && matches!(self.format, PlanFormat::Console))
        {
            let next = format!(
                "\nCarry it out with\n  portcullis apply {} --approve {}\n",
                path.display(),
                plan.digest
            );
            output::to_stdout(next.as_bytes())?;
        }
        Ok(if plan.unmended.is_empty() {
            status::CLEAN
        } else {
            status::FINDINGS
        })
    }

    fn printed(&self, plan: &Plan) -> String {
        let language = LANGUAGES
            .iter()
            .find(|language| Some(language.name) == self.language.as_deref());
        match (language, self.format) {
            (Some(language), _) => (language.write)(plan),
            (None, PlanFormat::Console) => words::console(plan),
            (None, PlanFormat::Html) => words::html(plan),
            (None, PlanFormat::Markdown) => words::markdown(plan),
            (None, PlanFormat::Json) => json(plan),
        }
    }

    fn settings(&self) -> Settings {
        Settings {
            jit_ports_by_system: self.ports_by_system,
            jit_minutes: self.window,
            jit_sources: self.sources.clone(),
            narrow_to: self.narrow_to.clone(),
            close_without_jit: self.close_without_jit,
            lift: self.lift,
            only: self.only.clone(),
            exclude: self.exclude.clone(),
            max_steps: self.max_steps.max(1),
        }
    }
}

/// What is asked of the estate, before and after.
pub(super) fn question<'q>(
    set: &'q RuleSet,
    params: &'q [ResolvedParams],
    config: &'q Config,
    now: Option<Timestamp>,
) -> Question<'q> {
    let policies = set.rules.iter().zip(params).map(|(rule, params)| Policy {
        rule,
        params,
        reported: params.enabled,
    });
    let mut ports = config.ports.clone().unwrap_or_else(|| MANAGEMENT_PORTS.to_vec());
    ports.sort_unstable();
    ports.dedup();
    Question {
        policies: policies.collect(),
        ports,
        waivers: &config.waivers,
        choices: Choices::default(),
        generated: Timestamp::now(),
        now,
    }
}

/// The documents of every file named. A template is nothing that stands in Azure.
pub(super) fn documents(paths: &[PathBuf]) -> Result<Documents, Failure> {
    let mut documents = Documents::default();
    for file in files::collect(paths)? {
        let name = file.name();
        if matches!(file.given, Given::Found) && name.to_ascii_lowercase().ends_with(".md") {
            continue;
        }
        let opened = file
            .open()
            .map_err(|error| Failure(format!("cannot open `{name}`: {error}")))?;
        documents
            .read(&name, file.given, opened)
            .map_err(|error| Failure(format!("cannot read `{name}`: {error}")))?;
    }
    let reading = documents.reading();
    if reading.inventory.vms.is_empty() && reading.inventory.nsgs.is_empty() {
        reading.diagnostics.iter().for_each(style::diagnostic);
        return Err(Failure(
            "no machine and no network security group was read; name a recorded estate".to_owned(),
        ));
    }
    Ok(documents)
}

fn json(plan: &Plan) -> String {
    let text = serde_json::to_string_pretty(plan).unwrap_or_default();
    text + "\n"
}

fn write(path: &Path, plan: &Plan) -> Result<(), Failure> {
    std::fs::write(path, json(plan)).map_err(|error| Failure(format!("cannot write `{}`: {error}", path.display())))
}
