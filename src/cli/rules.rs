//! `portcullis rules`: list, show, test and schema; and the set of rules that scans use.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use super::{Failure, output, status, style};
use crate::example;
use crate::rule::fact::{FactType, Field};
use crate::rule::params::{Overrides, ResolvedParams, resolve};
use crate::rule::{Rule, SubjectKind, builtin, file, load, schema, suggest};
use crate::source::Diagnostic;

#[derive(Debug, Args)]
pub struct RulesArguments {
    #[command(subcommand)]
    command: RulesCommand,
    /// Also load the rule files of this directory, or this file; may be given several times
    #[arg(long, global = true, value_name = "PATH")]
    rules: Vec<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum RulesCommand {
    /// List the rules
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Print what a rule asks, why, how to mend it, and its parameters
    Show {
        #[arg(value_name = "ID")]
        id: String,
    },
    /// Run the examples that rule files carry
    Test {
        /// Rules to test; all of them by default
        #[arg(value_name = "ID")]
        ids: Vec<String>,
    },
    /// Print the JSON Schema of rule files, or the facts that conditions may speak of
    Schema {
        /// Print the facts, with types and meaning
        #[arg(long)]
        facts: bool,
    },
}

/// The rules of a run: the built-in ones and those of the user.
pub struct RuleSet {
    pub rules: Vec<Rule>,
}

impl RuleSet {
    /// Loads the built-in rules and the files named. Every mistake in a file is shown; one is enough to fail.
    pub fn load(paths: &[PathBuf]) -> Result<RuleSet, Failure> {
        let mut texts: Vec<(String, String)> = Vec::new();
        for path in paths {
            read_rules(path, &mut texts)?;
        }
        if texts.is_empty() {
            return Ok(RuleSet {
                rules: builtin::rules().to_vec(),
            });
        }
        let own = texts.iter().map(|(name, text)| (name.as_str(), text.as_str()));
        let loaded = load::load_all(builtin::files().map(borrowed).chain(own));
        if loaded.diagnostics.is_empty() {
            return Ok(RuleSet { rules: loaded.rules });
        }
        show_in_text(&loaded.diagnostics, &texts);
        let count = loaded.diagnostics.len();
        Err(Failure(format!(
            "{count} mistake{} in rule files",
            if count == 1 { "" } else { "s" }
        )))
    }

    /// The values of all parameters, in the order of the rules.
    pub fn resolve(&self, overrides: &Overrides) -> Result<Vec<ResolvedParams>, Failure> {
        resolve(&self.rules, overrides).map_err(|diagnostics| {
            diagnostics.iter().for_each(style::diagnostic);
            Failure("the settings of rules cannot be used".to_owned())
        })
    }

    pub fn find(&self, id: &str) -> Result<&Rule, Failure> {
        self.rules.iter().find(|rule| &*rule.id == id).ok_or_else(|| {
            let near = suggest::nearest(id, self.rules.iter().map(|rule| &*rule.id));
            let hint = near.map_or_else(
                || "see `portcullis rules list`".to_owned(),
                |near| format!("did you mean `{near}`?"),
            );
            Failure(format!("there is no rule `{id}`; {hint}"))
        })
    }
}

fn borrowed<'t>((name, text): (&'static str, &'static str)) -> (&'t str, &'t str) {
    (name, text)
}

fn read_rules(path: &Path, texts: &mut Vec<(String, String)>) -> Result<(), Failure> {
    let refuse = |path: &Path, error: &dyn std::fmt::Display| {
        Failure(format!("cannot read rules from `{}`: {error}", path.display()))
    };
    let mut files = vec![path.to_path_buf()];
    if path.is_dir() {
        let entries = std::fs::read_dir(path).map_err(|error| refuse(path, &error))?;
        let is_rule = |file: &PathBuf| {
            file.extension()
                .is_some_and(|ending| ending == "yaml" || ending == "yml")
        };
        files = entries
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(is_rule)
            .collect();
        files.sort();
        if files.is_empty() {
            return Err(refuse(path, &"it holds no `.yaml` files"));
        }
    }
    for file in files {
        let text = std::fs::read_to_string(&file).map_err(|error| refuse(&file, &error))?;
        texts.push((file.to_string_lossy().into_owned(), text));
    }
    Ok(())
}

/// Prints each mistake over the lines it is about.
fn show_in_text(diagnostics: &[Diagnostic], texts: &[(String, String)]) {
    for diagnostic in diagnostics {
        let file = diagnostic.location.as_ref().map(|location| &*location.file);
        match texts.iter().find(|(name, _)| Some(name.as_str()) == file) {
            Some((_, text)) => style::framed(diagnostic, text),
            None => style::diagnostic(diagnostic),
        }
    }
}

impl RulesArguments {
    pub fn run(&self) -> Result<u8, Failure> {
        if let RulesCommand::Schema { facts } = &self.command {
            let text = if *facts {
                facts_page()
            } else {
                pretty(&file::json_schema())
            };
            output::to_stdout(text.as_bytes())?;
            return Ok(status::CLEAN);
        }
        let set = RuleSet::load(&self.rules)?;
        match &self.command {
            RulesCommand::List { json } => output::to_stdout(list(&set, *json).as_bytes())?,
            RulesCommand::Show { id } => output::to_stdout(show(set.find(id)?).as_bytes())?,
            RulesCommand::Test { ids } => return test(&set, ids),
            RulesCommand::Schema { .. } => {}
        }
        Ok(status::CLEAN)
    }
}

fn pretty(value: &serde_json::Value) -> String {
    format!("{value:#}\n")
}

fn list(set: &RuleSet, json: bool) -> String {
    if json {
        let rule = |rule: &Rule| {
            serde_json::json!({
                "id": &*rule.id, "title": &*rule.title, "severity": rule.severity, "applies_to": rule.applies_to,
            })
        };
        return pretty(&set.rules.iter().map(rule).collect());
    }
    let width = set.rules.iter().map(|rule| rule.id.len()).max().unwrap_or(0);
    let mut text = String::new();
    for rule in &set.rules {
        let _ = writeln!(
            text,
            "{:width$}  {:8}  {:13}  {}",
            rule.id,
            rule.severity.as_str(),
            subject(rule.applies_to),
            rule.title
        );
    }
    text
}

fn subject(kind: SubjectKind) -> &'static str {
    match kind {
        SubjectKind::Vm => "vm",
        SubjectKind::SecurityRule => "security_rule",
        SubjectKind::JitEntry => "jit_entry",
        SubjectKind::Waiver => "waiver",
    }
}

fn show(rule: &Rule) -> String {
    let mut text = format!(
        "{}\n{}\n\nseverity {}, applies to {}\n",
        rule.id,
        rule.title,
        rule.severity.as_str(),
        subject(rule.applies_to)
    );
    let _ = writeln!(text, "\nWHY\n{}\n\nFIX\n{}", indented(&rule.why), indented(&rule.fix));
    let _ = writeln!(text, "\nVERDICT (the first step whose condition holds)");
    for (number, step) in (1..).zip(rule.steps()) {
        let when = step
            .when
            .as_ref()
            .map_or_else(|| "else".to_owned(), |(_, source)| one_line(source));
        let cause = step
            .cause
            .as_ref()
            .map(|cause| format!(" ({cause})"))
            .unwrap_or_default();
        let _ = writeln!(text, "  {number}. {}{cause} when {when}", step.verdict.label());
    }
    if !rule.params.is_empty() {
        let _ = writeln!(text, "\nPARAMETERS");
        let defaults = ResolvedParams::defaults(rule).to_json(rule);
        for param in &rule.params {
            let default = defaults.get(&*param.name).map(ToString::to_string).unwrap_or_default();
            let _ = writeln!(
                text,
                "  {} (default {default})\n      {}",
                param.name,
                one_line(&param.description)
            );
        }
    }
    if !rule.standards.is_empty() {
        let _ = writeln!(text, "\nSTANDARDS");
        for mapping in &rule.standards {
            let by = match mapping.by {
                crate::report::MappedBy::Microsoft => "Microsoft's mapping",
                crate::report::MappedBy::Tool => "our own mapping",
            };
            let controls: Vec<&str> = mapping.controls.iter().map(|control| &**control).collect();
            let _ = writeln!(text, "  {} ({by}): {}", mapping.title, controls.join(", "));
        }
    }
    if !rule.references.is_empty() {
        let _ = writeln!(text, "\nREFERENCES");
        for reference in &rule.references {
            let _ = writeln!(text, "  {reference}");
        }
    }
    text
}

fn indented(text: &str) -> String {
    text.trim_end()
        .lines()
        .map(|line| {
            if line.is_empty() {
                String::new()
            } else {
                format!("  {line}")
            }
        })
        .collect::<Vec<_>>()
        .join("\n")
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Runs examples and says how each ended.
fn test(set: &RuleSet, ids: &[String]) -> Result<u8, Failure> {
    for id in ids {
        set.find(id)?;
    }
    let chosen = set
        .rules
        .iter()
        .filter(|rule| ids.is_empty() || ids.iter().any(|id| **id == *rule.id));
    let (mut passed, mut failed, mut text) = (0, 0, String::new());
    for rule in chosen {
        for example in rule.examples() {
            match example::run(rule, example) {
                Ok(()) => {
                    passed += 1;
                    let _ = writeln!(text, "ok    {}: {}", rule.id, example.name);
                }
                Err(problems) => {
                    failed += 1;
                    let _ = writeln!(text, "FAIL  {}: {} ({})", rule.id, example.name, example.location);
                    problems.iter().for_each(|problem| {
                        let _ = writeln!(text, "      {problem}");
                    });
                }
            }
        }
        if rule.examples().is_empty() {
            let _ = writeln!(text, "none  {}: the rule has no examples", rule.id);
        }
    }
    let _ = writeln!(text, "{passed} passed, {failed} failed");
    output::to_stdout(text.as_bytes())?;
    Ok(if failed == 0 { status::CLEAN } else { status::FINDINGS })
}

fn facts_page() -> String {
    let mut text = String::from("# Facts\n\nWhat conditions of rules may speak of, by `applies_to`.\n");
    for kind in [SubjectKind::Vm, SubjectKind::SecurityRule, SubjectKind::JitEntry] {
        let _ = writeln!(text, "\n## {}\n", subject(kind));
        schema::roots(kind)
            .iter()
            .for_each(|field| describe(field, 0, &mut text));
    }
    text
}

fn describe(field: &Field, depth: usize, text: &mut String) {
    let _ = writeln!(
        text,
        "{}- `{}`: {}. {}",
        "  ".repeat(depth),
        field.name,
        type_name(field.ty),
        field.about
    );
    for inner in fields(field.ty) {
        describe(inner, depth + 1, text);
    }
}

fn fields(ty: FactType) -> &'static [Field] {
    match ty {
        FactType::Record(fields) => fields,
        FactType::List(item) => fields(*item),
        _ => &[],
    }
}

fn type_name(ty: FactType) -> String {
    match ty {
        FactType::Bool => "bool".to_owned(),
        FactType::Int => "int".to_owned(),
        FactType::Double => "double".to_owned(),
        FactType::Text => "string".to_owned(),
        FactType::List(item) => format!("list of {}", type_name(*item)),
        FactType::Record(_) => "record".to_owned(),
        FactType::Map(value) => format!("map of string to {}", type_name(*value)),
    }
}
