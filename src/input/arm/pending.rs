//! Texts that wait for the others, and what each turns out to be when it is parsed. Must not evaluate anything.

use std::sync::Arc;

use rayon::ThreadPool;
use rayon::prelude::*;

use super::super::exception::{Remarks, in_members, objects};
use super::super::{Reading, recording};
use super::files::{self, Role};
use super::what_if;
use crate::model::Suppression;
use crate::source::{Diagnostic, Locator, SourceId};
use crate::syntax::{Node, Notation, comments, json};

/// Texts in the order in which they were read.
#[derive(Default)]
pub struct Pending {
    pub texts: Vec<Text>,
}

/// Turns a text into a template or its values; `named`: the user named it for its values.
pub type Parse = for<'t> fn(text: &'t str, locator: &Locator<'t>, named: bool) -> Parsed<'t>;

pub struct Text {
    pub source: SourceId,
    pub text: String,
    pub parse: Parse,
    pub named: bool,
    /// What a published module is called by those that use it.
    pub published_as: Option<String>,
}

/// What a document is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    File(Role),
    /// A preview of a deployment.
    Preview,
    /// No template after all.
    Recording,
    /// Could not be read.
    Nothing,
}

/// A document, and what it asks for beside itself.
pub struct Parsed<'t> {
    pub root: Option<Node<'t>>,
    pub what: What,
    /// Paths of files whose contents it loads.
    pub loads: Vec<String>,
    /// Paths of modules, and names of published ones.
    pub modules: Vec<String>,
    /// What is to be said of it, and whether resources may be missing because of it.
    pub said: Vec<(Diagnostic, bool)>,
    pub suppressions: Vec<Suppression>,
}

impl<'t> Parsed<'t> {
    pub fn new(root: Option<Node<'t>>, what: What) -> Self {
        Parsed {
            root,
            what,
            loads: Vec::new(),
            modules: Vec::new(),
            said: Vec::new(),
            suppressions: Vec::new(),
        }
    }
}

/// A text with what it was parsed to, and the places in it.
pub struct Opened<'t> {
    pub name: Arc<str>,
    pub text: &'t str,
    pub locator: Locator<'t>,
    pub parsed: Parsed<'t>,
    pub published_as: Option<&'t str>,
}

/// Parses all of them, side by side.
pub fn opened<'t>(reading: &Reading, pool: &ThreadPool, texts: &'t [Text]) -> Vec<Opened<'t>> {
    let names: Vec<Arc<str>> = texts.iter().map(|text| reading.sources.name(text.source)).collect();
    let one = |(text, name): (&'t Text, &Arc<str>)| {
        let locator = Locator::new(text.source, name.clone(), &text.text, 1);
        let mut parsed = (text.parse)(&text.text, &locator, text.named);
        if text.published_as.is_some() && parsed.what == What::File(Role::Template) {
            parsed.what = What::File(Role::Published);
        }
        Opened {
            name: name.clone(),
            text: &text.text,
            locator,
            parsed,
            published_as: text.published_as.as_deref(),
        }
    };
    pool.install(|| texts.par_iter().zip(&names).map(one).collect())
}

/// Says what is to be said of a document, and takes it in if it needs no others.
pub fn take(reading: &mut Reading, opened: &mut Opened<'_>) {
    for (diagnostic, lost) in std::mem::take(&mut opened.parsed.said) {
        match lost {
            true => reading.lose(diagnostic),
            false => reading.diagnostics.push(diagnostic),
        }
    }
    reading.suppressions.append(&mut opened.parsed.suppressions);
    let Some(root) = &opened.parsed.root else { return };
    match opened.parsed.what {
        What::Preview => what_if::take(reading, what_if::changes(root).unwrap_or_default(), &opened.locator),
        What::Recording => recording::take_root(reading, root, &opened.locator),
        What::File(_) | What::Nothing => {}
    }
}

/// A document in JSON.
pub fn json<'t>(text: &'t str, locator: &Locator<'t>, named: bool) -> Parsed<'t> {
    let mut said = Vec::new();
    let parsed = json::parse_lenient(text, &mut |one| {
        said.push((super::super::repeated(&one, locator), false))
    });
    let root = match parsed {
        Ok(root) => root,
        Err(error) => {
            let location = locator.locate(error.span.start, error.span.end);
            let message = format!("`{}` is not JSON: {}", location.file, error.message);
            let help = "correct it, or record it again; nothing of this file was judged";
            let diagnostic = Diagnostic::error("json-syntax", message).at(location).help(help);
            return Parsed {
                said: vec![(diagnostic, true)],
                ..Parsed::new(None, What::Nothing)
            };
        }
    };
    let what = match named {
        true if files::is_parameters(&root) => What::File(Role::NamedParameters),
        true => {
            let location = locator.locate(root.span.start, root.span.start);
            let message = format!("`{}` holds no parameter values", location.file);
            let help = "give a file with `{ \"parameters\": { \"name\": { \"value\": ... } } }`";
            said.push((
                Diagnostic::error("no-parameters", message).at(location).help(help),
                true,
            ));
            What::Nothing
        }
        false => what(&root),
    };
    let suppressions = match what == What::File(Role::Template) && Suppression::is_in(text) {
        true => exceptions(text, &root, locator),
        false => Vec::new(),
    };
    Parsed {
        said,
        suppressions,
        ..Parsed::new(Some(root), what)
    }
}

/// Exceptions stand in comments, in the `comments` of a resource, and in `metadata`.
fn exceptions(text: &str, root: &Node<'_>, locator: &Locator<'_>) -> Vec<Suppression> {
    let remarks = Remarks {
        text,
        base: 0,
        comments: comments(text, Notation::Json),
        regions: objects(root),
    };
    let mut all = remarks.exceptions(locator);
    all.extend(in_members(root, &["comments", "metadata"], 0, locator));
    all
}

fn what(root: &Node<'_>) -> What {
    if files::template_of(root).is_some() {
        What::File(Role::Template)
    } else if files::is_parameters(root) {
        What::File(Role::Parameters)
    } else if what_if::changes(root).is_some() {
        What::Preview
    } else {
        What::Recording
    }
}
