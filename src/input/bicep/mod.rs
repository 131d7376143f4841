//! Bicep: `.bicep` and `.bicepparam` texts to the shape of ARM templates, with places in the Bicep text. One lowering and
//! one evaluator serve both; here is only what the notation says in its own way.

mod declaration;
mod document;
mod expression;
mod names;
mod region;
mod shape;

use std::io::{self, BufRead};

use super::arm::{self, Parsed, Role, What};
use super::exception::Remarks;
use super::{Input, Reading};
use crate::model::Suppression;
use crate::source::{Diagnostic, Level, Locator, SourceId};
use crate::syntax::{Notation, Span, bicep, comments};

/// Bicep has no mark of its own, so its file names tell it.
pub(super) const INPUT: Input = Input {
    name: "bicep",
    endings: &[".bicep", ".bicepparam"],
    recognise: |_| false,
    read,
};

/// Whether a file of parameter values is one of Bicep's.
pub(super) fn is_parameters(name: &str) -> bool {
    name.to_ascii_lowercase().ends_with(".bicepparam")
}

fn read(reading: &mut Reading, source: SourceId, text: &mut dyn BufRead) -> io::Result<()> {
    arm::wait(reading, source, text, parse, false)
}

/// Reads a `.bicepparam` file that the user named for its values.
pub(super) fn read_parameters(reading: &mut Reading, source: SourceId, text: &mut dyn BufRead) -> io::Result<()> {
    arm::wait(reading, source, text, parse, true)
}

fn exceptions(text: &str, document: &bicep::Document, locator: &Locator<'_>) -> Vec<Suppression> {
    let remarks = Remarks {
        text,
        base: 0,
        comments: comments(text, Notation::Bicep),
        regions: region::regions(document),
    };
    remarks.exceptions(locator)
}

fn parse<'t>(text: &'t str, locator: &Locator<'t>, named: bool) -> Parsed<'t> {
    let document = bicep::parse(text);
    let located = |span: Span| locator.locate(span.start, span.end);
    let mut said = Vec::new();
    for problem in &document.problems {
        let help = "correct it; what it declares is not judged, and what depends on it is unknown";
        let diagnostic = Diagnostic::error("bicep-syntax", problem.message.clone()).help(help);
        said.push((diagnostic.at(located(problem.span)), true));
    }
    let lowered = document::lowered(&document, text, is_parameters(&located(Span::default()).file));
    for (span, diagnostic) in lowered.said {
        let lost = diagnostic.level == Level::Error;
        said.push((diagnostic.at(located(span)), lost));
    }
    let what = match (lowered.root.get("using").is_some(), named) {
        (false, _) => What::File(Role::Template),
        (true, false) => What::File(Role::Parameters),
        (true, true) => What::File(Role::NamedParameters),
    };
    Parsed {
        loads: lowered.loads,
        modules: lowered.modules,
        said,
        suppressions: match Suppression::is_in(text) {
            true => exceptions(text, &document, locator),
            false => Vec::new(),
        },
        ..Parsed::new(Some(lowered.root), what)
    }
}
