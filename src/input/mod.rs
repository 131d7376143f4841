//! Inputs: text in any supported notation to one inventory. An input is one file and one line in [`INPUTS`];
//! each is recognised by its content; only a notation that has no mark of its own is by its name.

pub mod arm;
pub mod azurerm;
mod bicep;
mod decode;
mod document;
mod exception;
mod limits;
mod links;
mod recording;
mod relations;
mod snapshot;
pub mod terraform;
mod tfplan;
mod yaml;

use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::sync::Arc;

use jiff::Timestamp;

pub use arm::normal;
pub use decode::{Decoded, decode, decoded_types};
pub use document::LIMIT as DOCUMENT_LIMIT;
pub use limits::{LIMITS, Limit, Limits};
pub use links::Links;
pub use relations::{Relation, Relations};
pub use snapshot::{
    FOOTER as SNAPSHOT_FOOTER, FORMAT as SNAPSHOT_FORMAT, Footer, Header, LINE_LIMIT, Missing as SnapshotMissing,
    ReadWhole, Scope as SnapshotScope, VERSION as SNAPSHOT_VERSION,
};
pub use tfplan::{Action as PlannedAction, Change as PlannedChange, Side as PlanSide};

use crate::model::{Inventory, Item, Suppression};
use crate::source::{Diagnostic, Location, Locator, SourceId, Sources};
use crate::syntax::json::Repeated;

/// One notation.
pub struct Input {
    pub name: &'static str,
    /// Ends of file names, in lower case, that tell this notation before any content does.
    endings: &'static [&'static str],
    /// Looks at the first bytes of a text (decompressed, without byte-order mark and leading blanks).
    recognise: fn(&[u8]) -> bool,
    read: fn(&mut Reading, SourceId, &mut dyn BufRead) -> io::Result<()>,
}

/// Every notation, the most particular first.
pub const INPUTS: &[Input] = &[
    snapshot::INPUT,
    bicep::INPUT,
    terraform::INPUT,
    tfplan::INPUT,
    arm::INPUT,
    recording::INPUT,
];

/// How much of a text is looked at to recognise it.
const HEAD: usize = 4096;

/// What has been read so far.
#[derive(Default)]
pub struct Reading {
    pub inventory: Inventory,
    pub sources: Sources,
    pub diagnostics: Vec<Diagnostic>,
    /// Exceptions that stand in comments.
    pub suppressions: Vec<Suppression>,
    /// When the estate was recorded; the latest, where several recordings say it.
    pub recorded: Option<Timestamp>,
    /// `--assume-complete`: what is not in templates does not exist.
    pub assume_complete: bool,
    /// Where templates get contents and published modules from.
    pub library: Option<Arc<dyn Library>>,
    /// Which estate is read out of Terraform's plans.
    pub plan_side: PlanSide,
    /// What Terraform's plans change, in the order in which they say it.
    pub changes: Vec<PlannedChange>,
    /// Which file uses which.
    pub links: Links,
    /// Bounds of the work that a document may cause.
    pub limits: Limits,
    /// Where else statements come from than from where they stand.
    pub relations: Relations,
    pages: recording::Pages,
    templates: arm::Pending,
    plans: tfplan::Pending,
    pub terraform: terraform::Pending,
    /// Files of Terraform configurations, for the places of what plans and states speak of.
    configurations: Vec<(SourceId, Arc<str>)>,
    /// By index of source.
    given: Vec<Given>,
}

/// What templates ask for beside themselves. Only who may touch files implements it.
pub trait Library: Send + Sync {
    /// The content of a file among the inputs, by its name as reports show it.
    fn content(&self, name: &str) -> Option<Vec<u8>>;
    /// The compiled template of a published module, such as `br/public:avm/res/compute/virtual-machine:0.12.0`, and what
    /// reports call it.
    fn module(&self, reference: &str) -> Option<(String, Vec<u8>)>;
}

/// How a text came to be read, which decides what being unreadable means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Given {
    /// Named by the user: not being able to read it is an error.
    Named,
    /// Found in a directory: what is no estate is passed over.
    Found,
}

impl Reading {
    /// Reads one text, plain or zstd-compressed. Whatever cannot be read becomes a diagnostic and a gap in the coverage.
    pub fn read(&mut self, name: &str, given: Given, text: impl Read) {
        let source = self.sources.add(name);
        self.given.push(given);
        if let Err(error) = self.read_any(source, given, text) {
            let message = format!("`{name}` cannot be read to its end: {error}");
            self.lose(Diagnostic::error("unreadable", message).at(self.start_of(source)));
        }
    }

    /// Keeps the text of a Terraform configuration: findings about a plan or a state beside it point at its blocks.
    pub fn keep_configuration(&mut self, source: SourceId, text: &str) {
        self.configurations.push((source, Arc::from(text)));
    }

    /// Reads the values of template parameters. Whatever template declares the parameters takes them.
    pub fn read_parameters(&mut self, name: &str, text: impl Read) {
        let source = self.sources.add(name);
        self.given.push(Given::Named);
        let mut text = BufReader::new(text);
        let outcome = match name {
            name if terraform::is_variables(name) => terraform::read_variables(self, source, &mut text),
            name if bicep::is_parameters(name) => bicep::read_parameters(self, source, &mut text),
            _ => arm::read_parameters(self, source, &mut text),
        };
        if let Err(error) = outcome {
            let message = format!("`{name}` cannot be read to its end: {error}");
            self.lose(Diagnostic::error("unreadable", message).at(self.start_of(source)));
        }
    }

    fn read_any(&mut self, source: SourceId, given: Given, text: impl Read) -> io::Result<()> {
        let (head, text) = split_head(text)?;
        let raw = BufReader::with_capacity(HEAD * 16, Cursor::new(head.clone()).chain(text));
        if head.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
            let plain = zstd::stream::read::Decoder::with_buffer(raw)?;
            let (head, text) = split_head(plain)?;
            return self.read_plain(source, given, &head, Cursor::new(head.clone()).chain(text));
        }
        self.read_plain(source, given, &head, raw)
    }

    fn read_plain(&mut self, source: SourceId, given: Given, head: &[u8], text: impl Read) -> io::Result<()> {
        let content = skip_blanks(head);
        let name = self.sources.name(source).to_ascii_lowercase();
        let named = |input: &&Input| input.endings.iter().any(|ending| name.ends_with(ending));
        let by_name = INPUTS.iter().find(named);
        if content.is_empty() && head.len() < HEAD && by_name.is_none() {
            self.not_recognised(source, given, "it is empty");
            return Ok(());
        }
        if is_utf16(head) {
            let message = format!("`{}` is UTF-16 text", self.sources.name(source));
            let help = "write it as UTF-8, in PowerShell with `| Out-File -Encoding utf8`";
            self.lose(
                Diagnostic::error("not-utf8", message)
                    .at(self.start_of(source))
                    .help(help),
            );
            return Ok(());
        }
        match by_name.or_else(|| INPUTS.iter().find(|input| (input.recognise)(content))) {
            Some(input) => (input.read)(self, source, &mut BufReader::with_capacity(HEAD * 16, text)),
            None => {
                self.not_recognised(source, given, "it is neither a snapshot nor JSON");
                Ok(())
            }
        }
    }

    /// Whether the text was found in a directory, where much may lie that is no estate.
    fn is_found(&self, source: SourceId) -> bool {
        self.given.get(source.0 as usize) == Some(&Given::Found)
    }

    fn not_recognised(&mut self, source: SourceId, given: Given, why: &str) {
        let name = self.sources.name(source);
        let message = format!("`{name}` holds no estate: {why}");
        let help = "give a snapshot, `az ... list -o json` output, an ARM list page, a Resource Graph answer, an ARM template, \
                    a Bicep file, or a Terraform configuration, plan or state";
        match given {
            Given::Named => self.lose(
                Diagnostic::error("not-recognised", message)
                    .help(help)
                    .at(self.start_of(source)),
            ),
            Given::Found => self.pass_over(source, why),
        }
    }

    /// Notes a text of a directory that is no estate. Prose beside an estate is no news.
    fn pass_over(&mut self, source: SourceId, why: &str) {
        let name = self.sources.name(source);
        if name.to_ascii_lowercase().ends_with(".md") {
            return;
        }
        let message = format!("`{name}` holds no estate: {why}");
        self.diagnostics.push(Diagnostic::note("passed-over", message));
    }

    /// How many plans of Terraform were read, which say what was and what will be.
    pub fn plans_read(&self) -> usize {
        self.plans.read
    }

    /// Whether everything that was named could be read.
    pub fn is_complete(&self) -> bool {
        self.inventory.coverage.is_complete()
    }

    /// Records a problem that leaves the input incomplete.
    pub fn lose(&mut self, diagnostic: Diagnostic) {
        self.inventory
            .coverage
            .lost
            .push(Arc::from(diagnostic.message.as_str()));
        self.diagnostics.push(diagnostic);
    }

    fn start_of(&self, source: SourceId) -> Location {
        Location {
            file: self.sources.name(source),
            line: 1,
            column: 1,
            end_line: 1,
            end_column: 1,
        }
    }

    /// Takes one decoded resource in.
    fn take(&mut self, decoded: Decoded) {
        match decoded {
            Decoded::Item(item) => self.add(*item),
            Decoded::Unused(resource_type) => *self.inventory.unused.entry(resource_type).or_default() += 1,
            Decoded::Nothing => {}
        }
    }

    fn add(&mut self, item: Item) {
        if let Err(id) = self.inventory.add(item) {
            self.contradicted(&id);
        }
    }

    fn contradicted(&mut self, id: &crate::model::ResourceId) {
        let message = format!("`{}` is stated twice in different words", id.name());
        let help = "give only one recording of it; until then verdicts that need it are undetermined";
        self.diagnostics
            .push(Diagnostic::error("conflict", message).about(id.as_str()).help(help));
    }

    /// Joins what belongs together. Called once, after the last text.
    pub fn finish(&mut self) {
        arm::finish(self);
        terraform::give_way(self);
        tfplan::finish(self);
        terraform::finish(self);
        for id in self.inventory.finish() {
            self.contradicted(&id);
        }
        for lost in std::mem::take(&mut self.pages).lost() {
            self.lose(lost);
        }
        yaml::merge(&mut self.suppressions);
    }
}

/// A member that an object states more than once.
fn repeated(repeated: &Repeated, locator: &Locator<'_>) -> Diagnostic {
    let (said, help) = match repeated.agrees {
        true => ("twice", "state it once"),
        false => (
            "twice in different words",
            "state it once; until then it is unknown what holds",
        ),
    };
    let message = format!("an object states `{}` {said}", repeated.name);
    Diagnostic::warning("repeated-member", message)
        .at(locator.locate(repeated.span.start, repeated.span.end))
        .help(help)
}

/// The first bytes of a text, however few come at a time, and the rest.
fn split_head<R: Read>(mut text: R) -> io::Result<(Vec<u8>, R)> {
    let mut head = Vec::with_capacity(HEAD);
    text.by_ref().take(HEAD as u64).read_to_end(&mut head)?;
    Ok((head, text))
}

/// JSON as some shells redirect it: two bytes a character.
fn is_utf16(head: &[u8]) -> bool {
    let marked = head.starts_with(&[0xff, 0xfe]) || head.starts_with(&[0xfe, 0xff]);
    let bare = matches!(head, [b'[' | b'{', 0, ..] | [0, b'[' | b'{', ..]);
    marked || bare
}

fn skip_blanks(bytes: &[u8]) -> &[u8] {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    bytes.trim_ascii_start()
}
