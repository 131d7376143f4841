//! Terraform configurations: HCL and its JSON notation to the resources that they would make, each with its place.
//! Files need each other and the values of their variables, so they are kept until everything has been read.

mod abreast;
mod configuration;
mod exception;
pub mod language;
mod load;
mod syntax;
mod world;

use std::io::{self, BufRead};
use std::sync::Arc;

use super::{Given, Input, Reading, recording};
use crate::source::{Diagnostic, SourceId};
use crate::syntax::Span;

pub use load::evaluate;
pub(super) use load::finish;

/// Ends of the names of files that Terraform reads by itself.
const ENDINGS: &[&str] = &[".tf", ".tf.json", ".tfvars", ".tfvars.json"];

pub(super) const INPUT: Input = Input {
    name: "terraform",
    endings: &[
        ".tf",
        ".tf.json",
        ".tfvars",
        ".tfvars.json",
        ".terraform/modules/modules.json",
    ],
    recognise: |_| false,
    read,
};

/// Texts that wait for the others.
#[derive(Default)]
pub struct Pending {
    texts: Vec<Text>,
    /// Directories with a plan or a state, which is read in place of the configuration.
    planned: Vec<String>,
    /// `--var`: names and values, the last of a name wins; `terraform.workspace` is a name too.
    pub values: Vec<(String, String)>,
}

struct Text {
    source: SourceId,
    name: Arc<str>,
    text: String,
    role: Role,
}

/// What a file is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Configuration,
    /// Values of variables, for the root in the same directory.
    Variables,
    /// Values that the user named, for every root.
    NamedVariables,
    /// Where downloaded modules are.
    Manifest,
}

/// Something to tell, and where.
pub(crate) struct Said {
    span: Span,
    diagnostic: Diagnostic,
    /// Resources may be missing because of it.
    lost: bool,
}

impl Said {
    fn new(span: Span, diagnostic: Diagnostic) -> Said {
        Said {
            span,
            diagnostic,
            lost: false,
        }
    }

    fn lost(span: Span, diagnostic: Diagnostic) -> Said {
        Said {
            lost: true,
            ..Said::new(span, diagnostic)
        }
    }
}

/// Whether a file holds values of variables.
pub(super) fn is_variables(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    lower.ends_with(".tfvars") || lower.ends_with(".tfvars.json")
}

fn read(reading: &mut Reading, source: SourceId, text: &mut dyn BufRead) -> io::Result<()> {
    let name = reading.sources.name(source);
    let found = reading.given.get(source.0 as usize) == Some(&Given::Found);
    let role = match (is_variables(&name), found) {
        (true, true) => Role::Variables,
        (true, false) => Role::NamedVariables,
        _ if name.ends_with("modules.json") => Role::Manifest,
        _ => Role::Configuration,
    };
    keep(reading, source, text, role)
}

/// Reads a file that the user named for the values of variables.
pub(super) fn read_variables(reading: &mut Reading, source: SourceId, text: &mut dyn BufRead) -> io::Result<()> {
    keep(reading, source, text, Role::NamedVariables)
}

fn keep(reading: &mut Reading, source: SourceId, text: &mut dyn BufRead, role: Role) -> io::Result<()> {
    if let Some(text) = recording::load(reading, source, text)? {
        let name = Arc::from(reading.sources.name(source).replace('\\', "/"));
        reading.terraform.texts.push(Text {
            source,
            name,
            text,
            role,
        });
    }
    Ok(())
}

/// Where a plan or a state lies beside a configuration, it says what Terraform itself made of it: the configuration is
/// kept for its places only.
pub(super) fn give_way(reading: &mut Reading) {
    let planned: Vec<SourceId> = reading.plans.sources().collect();
    if planned.is_empty() {
        return;
    }
    let directory =
        |source: &SourceId| world::join("", world::parent(&reading.sources.name(*source).replace('\\', "/")));
    reading.terraform.planned = planned.iter().map(directory).collect();
    for source in &planned {
        let name = reading.sources.name(*source);
        reading.links.add(&directory(source), &name);
    }
    let texts = std::mem::take(&mut reading.terraform.texts);
    for text in texts.iter().filter(|text| text.role == Role::Configuration) {
        reading.keep_configuration(text.source, &text.text);
    }
    reading.terraform.texts = texts;
}
