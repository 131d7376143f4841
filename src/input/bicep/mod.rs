//! Bicep: `.bicep` and `.bicepparam` texts to the shape of ARM templates, with places in the Bicep text. One lowering and
//! one evaluator serve both; here is only what the notation says in its own way.

mod declaration;
mod document;
mod expression;
mod names;
mod region;
mod shape;

use std::io::{self, BufRead};

use super::exception::Remarks;
use super::{Input, Reading, arm, recording};
use crate::model::Suppression;
use crate::source::{Diagnostic, Locator, SourceId};
use crate::syntax::{Notation, bicep, comments};

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
    take(reading, source, text, false)
}

/// Reads a `.bicepparam` file that the user named for its values.
pub(super) fn read_parameters(reading: &mut Reading, source: SourceId, text: &mut dyn BufRead) -> io::Result<()> {
    take(reading, source, text, true)
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

fn take(reading: &mut Reading, source: SourceId, text: &mut dyn BufRead, named: bool) -> io::Result<()> {
    let Some(text) = recording::load(reading, source, text)? else {
        return Ok(());
    };
    let name = reading.sources.name(source);
    let locator = Locator::new(source, name.clone(), &text, 1);
    let document = bicep::parse(&text);
    for problem in &document.problems {
        let help = "correct it; what it declares is not judged, and what depends on it is unknown";
        let diagnostic = Diagnostic::error("bicep-syntax", problem.message.clone()).help(help);
        reading.lose(diagnostic.at(locator.locate(problem.span.start, problem.span.end)));
    }
    if Suppression::is_in(&text) {
        reading.suppressions.extend(exceptions(&text, &document, &locator));
    }
    let lowered = document::lowered(&document, &text, is_parameters(&name));
    for (span, diagnostic) in lowered.said {
        let diagnostic = diagnostic.at(locator.locate(span.start, span.end));
        match diagnostic.level {
            crate::source::Level::Error => reading.lose(diagnostic),
            _ => reading.diagnostics.push(diagnostic),
        }
    }
    drop(locator);
    arm::take_made(reading, source, text, lowered.made, named);
    Ok(())
}
