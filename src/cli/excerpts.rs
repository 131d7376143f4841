//! The texts that findings point into, for the console to show the lines and for fixes: only those at hand, few and small.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::files::InputFile;
use crate::diff::Comparison;
use crate::input::Library;
use crate::report::{Report, Texts};

const MOST_FILES: usize = 64;
/// A recording of this size is no text that anybody wrote.
const MOST_BYTES: u64 = 1 << 20;

pub fn texts(report: &Report, files: &[InputFile]) -> Texts {
    let wanted = wanted(report);
    let small = files.iter().filter(|file| file.bytes <= MOST_BYTES);
    let mut texts = HashMap::new();
    for file in small.filter(|file| wanted.contains(&*file.name())).take(MOST_FILES) {
        if let Ok(text) = std::fs::read_to_string(&file.path) {
            texts.insert(file.name(), Arc::from(text));
        }
    }
    Texts::new(texts)
}

/// The same out of what the head of a comparison holds, with the rules that decide there.
pub fn of_head(library: Option<&dyn Library>, comparison: &Comparison, report: &Report) -> Texts {
    let mut texts = HashMap::new();
    let ports = comparison.changes.iter().flat_map(|change| &change.ports);
    let places = ports.flat_map(|port| port.after.rules.iter().filter_map(|rule| rule.location.as_ref()));
    let deciding: BTreeSet<&str> = places.map(|place| &*place.file).take(MOST_FILES * 64).collect();
    let others = wanted(report).into_iter().filter(|name| !deciding.contains(name));
    for name in deciding.iter().copied().chain(others).take(MOST_FILES) {
        let content = library.and_then(|library| library.content(&crate::input::normal(name)));
        let content = content.filter(|bytes| bytes.len() as u64 <= MOST_BYTES);
        if let Some(text) = content.and_then(|bytes| String::from_utf8(bytes).ok()) {
            texts.insert(name.to_owned(), Arc::from(text));
        }
    }
    Texts::new(texts)
}

fn wanted(report: &Report) -> BTreeSet<&str> {
    let findings = report.findings.iter().filter(|finding| finding.is_open());
    let places = findings.flat_map(|finding| {
        let evidence = finding.evidence.iter().filter_map(|fact| fact.location.as_ref());
        finding.subject.location.iter().chain(evidence)
    });
    places.map(|place| &*place.file).take(MOST_FILES * 64).collect()
}
