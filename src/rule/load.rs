//! From the text of a rule file to a rule, or to everything that is wrong with it. Reads no files itself.

use std::sync::Arc;

use serde_yaml::Spanned;

use crate::report::model::{MappedBy, Mapping};
use crate::rule::cel;
use crate::rule::check::{ParamType, Problem, Scope};
use crate::rule::compiled::{Example, Rule, Step};
use crate::rule::fact::Fact;
use crate::rule::file::{Entries, ExampleFile, ParamFile, RuleFile, StandardsFile, StepFile};
use crate::rule::param::{self, Param, Refusal};
use crate::rule::standards::{self, FRAMEWORKS};
use crate::rule::suggest;
use crate::rule::template::Template;
use crate::rule::types::Type;
use crate::rule::yaml::Document;
use crate::source::{Diagnostic, Location};

/// The rules of several files, and what is wrong with the others.
#[derive(Debug, Default)]
pub struct Loaded {
    /// In the order of the files.
    pub rules: Vec<Rule>,
    pub diagnostics: Vec<Diagnostic>,
}

/// Loads rule files given as name and text. One bad file does not hide the others; of two rules with one id the
/// second is refused.
pub fn load_all<'t>(files: impl IntoIterator<Item = (&'t str, &'t str)>) -> Loaded {
    let mut loaded = Loaded::default();
    for (file, text) in files {
        match load(file, text) {
            Ok(rule) => loaded.add(rule),
            Err(diagnostics) => loaded.diagnostics.extend(diagnostics),
        }
    }
    loaded
}

impl Loaded {
    /// Adds a rule unless its id is taken.
    pub fn add(&mut self, rule: Rule) {
        match self.rules.iter().find(|other| other.id == rule.id) {
            Some(other) => self.diagnostics.push(
                Diagnostic::error("rule-duplicate", format!("the rule `{}` is defined twice", rule.id))
                    .help(format!("the other one is at {}", other.location))
                    .at(rule.location),
            ),
            None => self.rules.push(rule),
        }
    }
}

/// Loads one rule from its text; `file` is its name in diagnostics.
///
/// # Errors
/// Everything that is wrong, in the order of the file. What is no YAML, or has an unknown key or a value of the
/// wrong kind, ends the reading at once; all else is reported together.
pub fn load(file: &str, text: &str) -> Result<Rule, Vec<Diagnostic>> {
    let document = Document::new(file, text);
    let written: RuleFile = document.parse().map_err(|diagnostic| vec![diagnostic])?;
    let mut loader = Loader {
        document,
        diagnostics: Vec::new(),
    };
    let rule = loader.rule(written);
    if loader.diagnostics.is_empty() {
        return Ok(rule);
    }
    let place = |diagnostic: &Diagnostic| diagnostic.location.as_ref().map(|place| (place.line, place.column));
    loader.diagnostics.sort_by_key(place);
    Err(loader.diagnostics)
}

struct Loader<'t> {
    document: Document<'t>,
    diagnostics: Vec<Diagnostic>,
}

impl Loader<'_> {
    fn rule(&mut self, written: RuleFile) -> Rule {
        self.check_id(&written.id, "rule-id", "id");
        for text in [&written.title, &written.why, &written.fix] {
            self.check_filled(text);
        }
        let params = self.params(&written.params);
        let types = params.iter().map(param_type).collect();
        let scope = Scope {
            kind: written.applies_to,
            params: types,
        };
        let steps = self.steps(&written.verdict, &scope);
        Rule {
            id: Arc::from(&*written.id.value),
            title: Arc::from(written.title.value.trim()),
            severity: written.severity,
            applies_to: written.applies_to,
            steps,
            why: Arc::from(written.why.value.trim()),
            fix: Arc::from(written.fix.value.trim()),
            references: self.references(&written.references),
            standards: self.standards(&written.standards),
            remedy: written.remedy.map(|remedy| {
                self.check_id(&remedy, "rule-remedy", "remedy");
                Arc::from(remedy.value)
            }),
            examples: written
                .examples
                .into_iter()
                .map(|example| self.example(example, &params))
                .collect(),
            params,
            location: self.document.location(&written.id),
        }
    }

    fn report(&mut self, code: &str, message: impl Into<String>, help: Option<String>, location: Location) {
        let mut diagnostic = Diagnostic::error(code, message).at(location);
        diagnostic.help = help;
        self.diagnostics.push(diagnostic);
    }

    fn refuse(&mut self, code: &str, refusal: Refusal, location: Location) {
        self.report(code, refusal.message, refusal.help, location);
    }

    /// Reports the problems of an expression or text at their places in the file.
    fn problems(&mut self, code: &str, scalar: &Spanned<String>, problems: Vec<Problem>) {
        for problem in problems {
            let location = self.document.within(scalar, problem.range);
            self.report(code, problem.message, problem.help, location);
        }
    }

    fn check_id(&mut self, id: &Spanned<String>, code: &str, what: &str) {
        if !is_kebab(&id.value) {
            let help = format!(
                "write it in small letters, digits and hyphens, such as `{}`",
                kebab(&id.value)
            );
            let location = self.document.location(id);
            self.report(
                code,
                format!("the {what} `{}` is not in kebab case", id.value),
                Some(help),
                location,
            );
        }
    }

    fn check_filled(&mut self, text: &Spanned<String>) {
        if text.value.trim().is_empty() {
            let location = self.document.location(text);
            self.report("rule-text", "this text is empty", None, location);
        }
    }

    fn params(&mut self, written: &Entries<ParamFile>) -> Vec<Param> {
        written.0.iter().map(|(name, param)| self.param(name, param)).collect()
    }

    fn param(&mut self, name: &Spanned<String>, written: &ParamFile) -> Param {
        if !is_identifier(&name.value) {
            let help = "write it in small letters, digits and underscores".to_owned();
            let location = self.document.location(name);
            self.report(
                "rule-param",
                format!("`{}` cannot be named in a condition", name.value),
                Some(help),
                location,
            );
        }
        self.check_filled(&written.description);
        let ty = param::type_of(&name.value, &written.default.value).unwrap_or_else(|| {
            let help = "a default is a bool, an int, a text, or a list of ints or of texts".to_owned();
            let location = self.document.location(&written.default);
            self.report(
                "rule-param",
                format!("the default of `{}` has no type", name.value),
                Some(help),
                location,
            );
            Type::Any
        });
        let mut param = Param {
            name: Arc::from(&*name.value),
            description: Arc::from(written.description.value.trim()),
            default: Fact::Bool(false),
            choices: self.choices(name, written, &ty),
            ty,
        };
        if param.ty != Type::Any {
            match param.accept(&written.default.value) {
                Ok(default) => param.default = default,
                Err(refusal) => {
                    let location = self.document.location(&written.default);
                    self.refuse("rule-param", refusal, location);
                }
            }
        }
        param
    }

    fn choices(&mut self, name: &Spanned<String>, written: &ParamFile, ty: &Type) -> Vec<Fact> {
        let Some(choices) = &written.choices else {
            return Vec::new();
        };
        let facts: Option<Vec<Fact>> = choices.value.iter().map(|choice| param::fact_of(choice, ty)).collect();
        facts.filter(|facts| !facts.is_empty()).unwrap_or_else(|| {
            if *ty != Type::Any {
                let location = self.document.location(choices);
                self.report(
                    "rule-param",
                    format!("each choice of `{}` must be of type {ty}", name.value),
                    None,
                    location,
                );
            }
            Vec::new()
        })
    }

    fn steps(&mut self, written: &Spanned<Vec<Spanned<StepFile>>>, scope: &Scope) -> Vec<Step> {
        let Some((last, before)) = written.value.split_last() else {
            let help = "give it at least one step".to_owned();
            let location = self.document.location(written);
            self.report("rule-verdict", "the verdict is empty", Some(help), location);
            return Vec::new();
        };
        if let Some(when) = &last.value.when {
            let message = "the last step must have no `when`, so that every subject gets a verdict";
            let location = self.document.location(when);
            self.report("rule-verdict", message, None, location);
        }
        for step in before.iter().filter(|step| step.value.when.is_none()) {
            let message = "a step without `when` decides every subject, so that the steps behind it are never reached";
            let location = self.first_line(step);
            self.report("rule-verdict", message, None, location);
        }
        written.value.iter().filter_map(|step| self.step(step, scope)).collect()
    }

    fn step(&mut self, written: &Spanned<StepFile>, scope: &Scope) -> Option<Step> {
        let location = self.first_line(written);
        let StepFile {
            when,
            is,
            cause,
            severity,
            because,
        } = &written.value;
        self.check_filled(because);
        let compiled = when.as_ref().map(|when| {
            cel::compile_condition(&when.value, scope)
                .map(|program| (program, Arc::from(when.value.trim())))
                .map_err(|problems| self.problems("rule-condition", when, problems))
        });
        let because =
            Template::compile(&because.value, scope).map_err(|problems| self.problems("rule-text", because, problems));
        let cause = cause.as_ref().map(|cause| {
            self.check_filled(cause);
            Arc::from(&*cause.value)
        });
        let when = compiled.transpose().ok()?;
        Some(Step {
            when,
            verdict: (*is).into(),
            cause,
            severity: *severity,
            because: because.ok()?,
            location,
        })
    }

    /// The first line of a mapping: its whole extent would mark half of the file.
    fn first_line<T>(&self, value: &Spanned<T>) -> Location {
        let mut location = self.document.location(value);
        if location.end_line > location.line || location.end_column <= location.column {
            (location.end_line, location.end_column) = (location.line, location.column + 1);
        }
        location
    }

    fn references(&mut self, written: &[Spanned<String>]) -> Vec<Arc<str>> {
        for reference in written
            .iter()
            .filter(|reference| !reference.value.starts_with("https://"))
        {
            let location = self.document.location(reference);
            self.report(
                "rule-reference",
                "a reference must begin with `https://`",
                None,
                location,
            );
        }
        written.iter().map(|reference| Arc::from(&*reference.value)).collect()
    }

    fn standards(&mut self, written: &StandardsFile) -> Vec<Mapping> {
        let mut mappings = Vec::new();
        for (by, entries) in [
            (MappedBy::Microsoft, &written.microsoft),
            (MappedBy::Tool, &written.tool),
        ] {
            for (name, controls) in &entries.0 {
                mappings.extend(self.mapping(by, name, controls));
            }
        }
        mappings
    }

    fn mapping(&mut self, by: MappedBy, name: &Spanned<String>, controls: &[String]) -> Option<Mapping> {
        let Some(framework) = standards::find(&name.value) else {
            let names: Vec<&str> = FRAMEWORKS.iter().map(|framework| framework.name).collect();
            let help = suggest::hint(&name.value, &names, "known frameworks");
            let location = self.document.location(name);
            self.report(
                "rule-standard",
                format!("unknown framework `{}`", name.value),
                Some(help),
                location,
            );
            return None;
        };
        let controls = controls.iter().map(|control| Arc::from(control.as_str())).collect();
        Some(Mapping {
            framework: Arc::from(framework.name),
            title: Arc::from(framework.title),
            controls,
            by,
        })
    }

    fn example(&mut self, written: Spanned<ExampleFile>, params: &[Param]) -> Example {
        let location = self.first_line(&written);
        let ExampleFile {
            name,
            estate,
            params: overrides,
            now,
            expect,
            cause,
        } = written.value;
        for (key, value) in &overrides {
            let verdict = match params.iter().find(|param| *param.name == **key) {
                Some(param) => param.accept(value).map(|_| ()),
                None => Err(unknown_param(key, params)),
            };
            if let Err(refusal) = verdict {
                self.refuse("rule-example", refusal, location.clone());
            }
        }
        let now = now.and_then(|now| self.time(&now));
        Example {
            name: Arc::from(name),
            estate,
            params: overrides,
            now,
            expect,
            cause: cause.map(Arc::from),
            location,
        }
    }

    fn time(&mut self, written: &Spanned<String>) -> Option<jiff::Timestamp> {
        let time = written.value.parse();
        if time.is_err() {
            let help = "write it as in `2026-01-01T00:00:00Z`".to_owned();
            let location = self.document.location(written);
            self.report(
                "rule-example",
                format!("`{}` is no time", written.value),
                Some(help),
                location,
            );
        }
        time.ok()
    }
}

fn param_type(param: &Param) -> ParamType {
    let texts = param.choices.iter().filter_map(|choice| match choice {
        Fact::Text(text) => Some(Arc::clone(text)),
        _ => None,
    });
    ParamType {
        name: Arc::clone(&param.name),
        ty: param.ty.clone(),
        choices: texts.collect(),
    }
}

/// A parameter that the rule does not have.
pub(super) fn unknown_param(name: &str, params: &[Param]) -> Refusal {
    let names: Vec<&str> = params.iter().map(|param| &*param.name).collect();
    let help = match names.is_empty() {
        true => "the rule has no parameters".to_owned(),
        false => suggest::hint(name, &names, "it has"),
    };
    Refusal {
        message: format!("unknown parameter `{name}`"),
        help: Some(help),
    }
}

fn is_kebab(text: &str) -> bool {
    let word = |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    text.starts_with(|c: char| c.is_ascii_lowercase()) && text.split('-').all(word)
}

fn kebab(text: &str) -> String {
    let mut words = String::new();
    for character in text.trim().chars() {
        let boundary = character.is_ascii_uppercase() || !character.is_ascii_alphanumeric();
        if boundary && !words.is_empty() && !words.ends_with('-') {
            words.push('-');
        }
        words.extend(
            character
                .is_ascii_alphanumeric()
                .then(|| character.to_ascii_lowercase()),
        );
    }
    words.trim_matches('-').to_owned()
}

fn is_identifier(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}
