//! The rules that come with the program: the files of `rules/`, built in. Must not know any of them by name.

use std::sync::LazyLock;

use include_dir::{Dir, include_dir};

use crate::rule::compiled::{Example, Part, Rule, Step};
use crate::rule::load::{Loaded, head, load, load_here};

static FILES: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/rules");

/// What is wrong with a built-in rule is found by the tests, in all of its parts.
static LOADED: LazyLock<Loaded> = LazyLock::new(|| {
    let mut loaded = Loaded::default();
    for (file, text) in files() {
        match head(file, without_examples(text)) {
            Ok(rule) => loaded.add(Rule {
                steps: Part::later(steps),
                examples: Part::later(examples),
                ..rule
            }),
            Err(diagnostics) => loaded.diagnostics.extend(diagnostics),
        }
    }
    loaded
});

/// Examples stand last in a file.
fn without_examples(text: &str) -> &str {
    text.find("\nexamples:\n")
        .map_or(text, |end| text.get(..=end).unwrap_or(text))
}

fn file(id: &str) -> Option<(&'static str, &'static str)> {
    files().find(|(file, _)| file.strip_suffix(".yaml") == Some(id))
}

fn steps(id: &str) -> Vec<Step> {
    let rule = file(id).and_then(|(file, text)| load_here(file, without_examples(text)).ok());
    rule.map(|rule| rule.steps().to_vec()).unwrap_or_default()
}

fn examples(id: &str) -> Vec<Example> {
    let rule = file(id).and_then(|(file, text)| load(file, text).ok());
    rule.map(|rule| rule.examples().to_vec()).unwrap_or_default()
}

/// Name and text of each rule file, by name.
pub fn files() -> impl Iterator<Item = (&'static str, &'static str)> {
    let mut files: Vec<(&str, &str)> = FILES
        .files()
        .filter(|file| file.path().extension().is_some_and(|extension| extension == "yaml"))
        .filter_map(|file| Some((file.path().to_str()?, file.contents_utf8()?)))
        .collect();
    files.sort_unstable();
    files.into_iter()
}

/// The built-in rules by file name, loaded when they are first asked for, and their steps when a subject needs them.
pub fn rules() -> &'static [Rule] {
    &LOADED.rules
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::frame;

    #[test]
    fn every_built_in_rule_loads() {
        let render = |(file, text): (&str, &str)| {
            let diagnostics = crate::rule::load::load(file, text).err().unwrap_or_default();
            diagnostics
                .iter()
                .map(|diagnostic| frame::render(diagnostic, text))
                .collect::<Vec<_>>()
        };
        let problems: Vec<String> = files().flat_map(render).collect();
        assert!(problems.is_empty(), "{}", problems.join("\n"));
        assert!(LOADED.diagnostics.is_empty());
        assert_eq!(rules().len(), files().count());
    }

    #[test]
    fn what_is_read_later_is_what_is_read_at_once() {
        for ((file, text), rule) in files().zip(rules()) {
            let whole = crate::rule::load::load(file, text).unwrap();
            assert!(!rule.steps().is_empty() && !rule.examples().is_empty(), "{file}");
            let read = |rule: &Rule| format!("{rule:?}\n{:?}\n{:?}", rule.steps(), rule.examples());
            let later = Rule {
                steps: whole.steps.clone(),
                examples: whole.examples.clone(),
                ..rule.clone()
            };
            assert_eq!(read(&whole), read(&later), "{file}");
            assert_eq!(format!("{:?}", whole.steps()), format!("{:?}", rule.steps()), "{file}");
            assert_eq!(
                format!("{:?}", whole.examples()),
                format!("{:?}", rule.examples()),
                "{file}"
            );
        }
    }

    #[test]
    fn a_rule_is_called_as_its_file() {
        for ((file, _), rule) in files().zip(rules()) {
            assert_eq!(file, format!("{}.yaml", rule.id));
        }
    }
}
