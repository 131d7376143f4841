//! From the text of a rule file to a rule, or to everything that is wrong with it. Reads no files itself.

mod parameter;
mod standard;
mod verdict;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

use serde_yaml::Spanned;

use crate::rule::check::{Problem, Scope};
use crate::rule::compiled::{Part, Rule};
use crate::rule::file::RuleFile;
use crate::rule::param::Refusal;
use crate::rule::yaml::Document;
use crate::source::{Diagnostic, Location};

pub(crate) use parameter::unknown_param;

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
    let files: Vec<(&str, &str)> = files.into_iter().collect();
    let mut loaded = Loaded::default();
    for rule in side_by_side(&files) {
        match rule {
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
    side_by_side(&[(file, text)])
        .pop()
        .unwrap_or_else(|| Err(not_read(file)))
}

/// As [`load`], without a thread of its own: for texts whose expressions are all read in one pass.
pub(super) fn load_here(file: &str, text: &str) -> Result<Rule, Vec<Diagnostic>> {
    read(file, text)
}

fn not_read(file: &str) -> Vec<Diagnostic> {
    vec![Diagnostic::error("rule-load", format!("`{file}` could not be read"))]
}

/// What became of each file, in their order. They are read on threads of their own: the parser of expressions needs
/// some 100 kB of stack for each parenthesis.
fn side_by_side(files: &[(&str, &str)]) -> Vec<Result<Rule, Vec<Diagnostic>>> {
    let threads = std::thread::available_parallelism()
        .map_or(1, usize::from)
        .min(files.len());
    let next = AtomicUsize::new(0);
    let (sender, receiver) = mpsc::channel();
    std::thread::scope(|scope| {
        let worker = |_| {
            let (next, sender) = (&next, sender.clone());
            let thread = std::thread::Builder::new().name("rule".to_owned()).stack_size(STACK);
            let work = move || {
                while let Some((at, (file, text))) = take(next, files) {
                    // The receiver outlives the threads.
                    let _ = sender.send((at, read(file, text)));
                }
            };
            thread.spawn_scoped(scope, work)
        };
        // A thread that cannot be had leaves its share to the others; one that ends early, its file unread.
        let workers: Vec<_> = (0..threads).filter_map(|index| worker(index).ok()).collect();
        for worker in workers {
            let _ = worker.join();
        }
    });
    drop(sender);
    let mut read: HashMap<usize, _> = receiver.into_iter().collect();
    let of_file = |(at, (file, _)): (usize, &(&str, &str))| read.remove(&at).unwrap_or_else(|| Err(not_read(file)));
    files.iter().enumerate().map(of_file).collect()
}

fn take<'f>(next: &AtomicUsize, files: &[(&'f str, &'f str)]) -> Option<(usize, (&'f str, &'f str))> {
    let at = next.fetch_add(1, Ordering::Relaxed);
    files.get(at).map(|file| (at, *file))
}

/// Deeper than the parser's own limit on nesting (96) and `cel::MAX_LENGTH` allow an expression to go.
const STACK: usize = 64 << 20;

fn read(file: &str, text: &str) -> Result<Rule, Vec<Diagnostic>> {
    loaded(file, text, false)
}

/// Loads a rule without its steps: whoever asks for them must give them then.
pub(super) fn head(file: &str, text: &str) -> Result<Rule, Vec<Diagnostic>> {
    loaded(file, text, true)
}

fn loaded(file: &str, text: &str, heads_only: bool) -> Result<Rule, Vec<Diagnostic>> {
    let document = Document::new(file, text);
    let written: RuleFile = document.parse().map_err(|diagnostic| vec![diagnostic])?;
    let mut loader = Loader {
        document,
        heads_only,
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
    /// Conditions and texts are left for later.
    heads_only: bool,
    diagnostics: Vec<Diagnostic>,
}

impl Loader<'_> {
    fn rule(&mut self, written: RuleFile) -> Rule {
        self.check_id(&written.id, "rule-id", "id");
        for text in [&written.title, &written.why, &written.fix] {
            self.check_filled(text);
        }
        let params = self.params(&written.params);
        let types = params.iter().map(parameter::param_type).collect();
        let scope = Scope {
            kind: written.applies_to.into(),
            params: types,
        };
        let steps = match self.heads_only {
            true => Vec::new(),
            false => self.steps(&written.verdict, &scope),
        };
        Rule {
            id: Arc::from(&*written.id.value),
            title: Arc::from(written.title.value.trim()),
            severity: written.severity,
            applies_to: written.applies_to.into(),
            deciding: verdict::deciding(&written.verdict.value),
            steps: Part::new(steps),
            why: Arc::from(written.why.value.trim()),
            fix: Arc::from(written.fix.value.trim()),
            references: self.references(&written.references),
            standards: self.standards(&written.standards),
            remedy: written.remedy.map(|remedy| {
                self.check_id(&remedy, "rule-remedy", "remedy");
                Arc::from(remedy.value)
            }),
            examples: Part::new(
                written
                    .examples
                    .into_iter()
                    .map(|example| self.example(example, &params))
                    .collect(),
            ),
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

    /// The first line of a mapping: its whole extent would mark half of the file.
    fn first_line<T>(&self, value: &Spanned<T>) -> Location {
        let mut location = self.document.location(value);
        if location.end_line > location.line || location.end_column <= location.column {
            (location.end_line, location.end_column) = (location.line, location.column + 1);
        }
        location
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
