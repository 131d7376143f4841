//! The texts that findings point into, for the console to show the lines: only those at hand, few and small.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::files::InputFile;
use crate::report::{Report, Texts};

const MOST_FILES: usize = 64;
/// A recording of this size is no text that anybody wrote.
const MOST_BYTES: u64 = 1 << 20;

pub fn texts(report: &Report, files: &[InputFile]) -> Texts {
    let findings = report.findings.iter().filter(|finding| finding.is_open());
    let places = findings.flat_map(|finding| {
        let evidence = finding.evidence.iter().filter_map(|fact| fact.location.as_ref());
        finding.subject.location.iter().chain(evidence)
    });
    let wanted: BTreeSet<&str> = places.map(|place| &*place.file).take(MOST_FILES * 64).collect();
    let small = files.iter().filter(|file| file.bytes <= MOST_BYTES);
    let mut texts = HashMap::new();
    for file in small.filter(|file| wanted.contains(&*file.name())).take(MOST_FILES) {
        if let Ok(text) = std::fs::read_to_string(&file.path) {
            texts.insert(file.name(), Arc::from(text));
        }
    }
    Texts::new(texts)
}
