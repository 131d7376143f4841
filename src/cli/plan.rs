//! `portcullis plan`: from the findings of an estate, recorded or live, to a plan that is proved.

use std::path::{Path, PathBuf};

use clap::Args;
use jiff::Timestamp;

use super::asking::Asking;
use super::live::{self, ConnectionArguments, ScopeArguments};
use super::place::{Place, taken};
use super::whole::{self, Readers};
use super::{Failure, files, output, status, style};
use crate::input::Given;
use crate::net::parse_range;
use crate::remedy::journal::Direction;
use crate::remedy::words::{self, LANGUAGES};
use crate::remedy::{Documents, Plan, Settings, needs, plan};

#[derive(Debug, Args)]
pub struct PlanArguments {
    /// Snapshots, `az ... list -o json` output, ARM list pages or Resource Graph answers, or directories of them
    #[arg(
        conflicts_with_all = ["subscription", "management_group", "all_subscriptions", "subscription_tag"],
        value_name = "PATH"
    )]
    paths: Vec<PathBuf>,

    /// Write the plan to this file, for `apply`
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,

    /// How the plan is printed: console, html (a page of its own), markdown (for a review) or json
    /// (docs/plan.schema.json); may be given several times, all but one with a file
    #[arg(long, short, value_name = "FORMAT[=FILE]", value_parser = target, default_value = "console")]
    format: Vec<Target>,

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

    /// Where nothing filters a machine, put a network security group of its own before its interface, which keeps every port
    /// but the management ports as it is
    #[arg(long)]
    attach_group: bool,

    /// Also load the rule files of this directory, or this file; may be given several times
    #[arg(long, value_name = "PATH")]
    rules: Vec<PathBuf>,

    /// Settings and waivers [default: portcullis.yaml of the current directory, where there is one]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// The moment at which openings are active or over [default: when the estate was recorded, else now]
    #[arg(long, value_name = "TIME")]
    now: Option<Timestamp>,

    #[command(flatten)]
    scope: ScopeArguments,

    #[command(flatten)]
    connection: ConnectionArguments,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Console,
    Html,
    Markdown,
    Json,
}

type Target = output::Target<Format>;

const FORMATS: &[(&str, Format)] = &[
    ("console", Format::Console),
    ("html", Format::Html),
    ("markdown", Format::Markdown),
    ("json", Format::Json),
];

fn target(text: &str) -> Result<Target, String> {
    Target::parse(text, FORMATS)
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
        Target::check(&self.format)?;
        let asking = Asking::read(
            &self.rules,
            self.config.as_deref(),
            self.paths.first().map(PathBuf::as_path),
        )?;
        let (documents, place) = self.estate(&asking)?;
        let whole = documents.reading().inventory.coverage.is_complete();
        let mut plan = plan(documents, &asking.question(self.now), &self.settings()).map_err(Failure)?;
        if let Some(place) = &place {
            lacks(&mut plan, place);
        }
        if let Some(path) = &self.output {
            write(path, &plan)?;
        }
        self.print(&plan)?;
        if !whole {
            style::warning("the estate was not read whole: what was not read is neither planned for nor proved");
            return Ok(status::INCOMPLETE);
        }
        Ok(if plan.unmended.is_empty() {
            status::CLEAN
        } else {
            status::FINDINGS
        })
    }

    /// The estate, and where it is if it is live.
    fn estate(&self, asking: &Asking) -> Result<(Documents, Option<Place>), Failure> {
        if !self.paths.is_empty() {
            return Ok((documents(&self.paths)?, None));
        }
        let scope = asking.scope(&self.scope)?;
        if !scope.is_given() {
            let what = "say what to plan for: files, or a live estate with --subscription, --management-group or \
                        --all-subscriptions";
            return Err(Failure(what.to_owned()));
        }
        let connection = asking.connection(&self.connection)?;
        let recorded = live::read(&scope, &connection)?;
        live::say_missing(&recorded);
        let subscriptions: Vec<String> = recorded
            .header
            .subscriptions
            .iter()
            .map(|read| read.id.clone())
            .collect();
        let mut documents = taken(recorded)?;
        let place = Place::live(&connection)?;
        place.guard(&mut documents, &subscriptions);
        Ok((documents, Some(place)))
    }

    fn print(&self, plan: &Plan) -> Result<(), Failure> {
        let language = LANGUAGES
            .iter()
            .find(|language| Some(language.name) == self.language.as_deref());
        if let Some(language) = language {
            return output::to_stdout((language.write)(plan).as_bytes());
        }
        for target in &self.format {
            target.write(printed(target.format, plan).as_bytes())?;
        }
        // What is read by a program or sent elsewhere is the plan and nothing more.
        let is_for_people = |target: &Target| target.format == Format::Console && target.file.is_none();
        let for_people = self.format.iter().any(is_for_people);
        match &self.output {
            Some(path) if for_people => output::to_stdout(next(path, plan).as_bytes()),
            _ => Ok(()),
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
            attach_group: self.attach_group,
            only: self.only.clone(),
            exclude: self.exclude.clone(),
            max_steps: self.max_steps.max(1),
        }
    }
}

fn printed(format: Format, plan: &Plan) -> String {
    match format {
        Format::Console => words::console(plan),
        Format::Html => words::html(plan),
        Format::Markdown => words::markdown(plan),
        Format::Json => json(plan),
    }
}

/// How the plan is carried out.
fn next(path: &Path, plan: &Plan) -> String {
    format!(
        "\nCarry it out with\n  portcullis apply {} --approve {}\n",
        path.display(),
        plan.digest
    )
}

/// Adds what the identity lacks for the steps. Whoever plans need not be who carries out, so it is said and no more.
fn lacks(plan: &mut Plan, place: &Place) {
    let (lacking, untold) = place.lacking(&needs::of(plan, Direction::Apply));
    let said = |text: String| format!("as read by the identity that planned: {text}");
    plan.warnings.extend(lacking.into_iter().chain(untold).map(said));
    plan.digest = plan.computed_digest();
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
    whole::write(path, Readers::Umask, |out| out.write_all(json(plan).as_bytes()))
        .map_err(|error| Failure(format!("cannot write `{}`: {error}", path.display())))
}
