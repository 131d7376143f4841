//! What the files of one directory declare together. Must not evaluate anything but the types of variables.

mod kind;
mod overrides;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Said;
use super::language::Type;
use super::syntax::{Attribute, Block, Body, Expression};
use crate::source::Diagnostic;
use crate::syntax::Span;

pub use kind::{constant, kind_of};
pub use overrides::is_override;

/// One directory.
#[derive(Default)]
pub struct Configuration {
    /// As reports name it, without a slash behind; empty for the working directory.
    pub directory: String,
    pub variables: BTreeMap<Arc<str>, Variable>,
    pub locals: BTreeMap<Arc<str>, Expression>,
    pub resources: Vec<Resource>,
    pub calls: Vec<Call>,
    pub outputs: BTreeMap<Arc<str>, Output>,
    pub providers: Vec<Provider>,
    /// What is said of the versions of providers, by the name that they have here.
    pub requirements: BTreeMap<Arc<str>, Requirement>,
    /// Where the state is kept: only root modules say it.
    pub backend: bool,
    /// Variable values of the files that Terraform reads by itself, the stronger last.
    pub given: Vec<Attribute>,
}

pub struct Variable {
    pub kind: Type,
    pub default: Option<Expression>,
    pub sensitive: bool,
    pub nullable: bool,
    pub span: Span,
}

pub struct Resource {
    /// A data source.
    pub data: bool,
    pub kind: Arc<str>,
    pub name: Arc<str>,
    pub block: Block,
}

pub struct Call {
    pub name: Arc<str>,
    pub block: Block,
}

pub struct Output {
    pub value: Option<Expression>,
    pub sensitive: bool,
}

pub struct Provider {
    pub name: Arc<str>,
    pub alias: Option<Arc<str>>,
    pub body: Body,
}

#[derive(Default)]
pub struct Requirement {
    pub source: Option<Arc<str>>,
    pub version: Option<Arc<str>>,
}

impl Call {
    /// The text that says where the module is.
    pub fn source(&self) -> Option<&Arc<str>> {
        self.block.body.attribute("source")?.value.as_text()
    }

    /// The constraint on the version of a module of a registry.
    pub fn version(&self) -> Option<&Arc<str>> {
        self.block.body.attribute("version")?.value.as_text()
    }
}

/// Puts the blocks of a directory together: those of ordinary files, changed by those of override files.
pub fn assemble(directory: &str, ordinary: Vec<Body>, overrides: Vec<Body>, said: &mut Vec<Said>) -> Configuration {
    let mut blocks: Vec<Block> = ordinary.into_iter().flat_map(|body| body.blocks).collect();
    for body in overrides {
        overrides::apply(&mut blocks, body, said);
    }
    let mut configuration = Configuration {
        directory: directory.to_owned(),
        ..Configuration::default()
    };
    for block in blocks {
        configuration.take(block, said);
    }
    configuration
}

impl Configuration {
    fn take(&mut self, block: Block, said: &mut Vec<Said>) {
        let labels: Vec<Arc<str>> = block.labels.clone();
        let head = block.head;
        let declared = match (&*block.kind, labels.as_slice()) {
            ("variable", [name]) => {
                let variable = Variable::new(&block, said);
                self.variables.insert(name.clone(), variable).is_none()
            }
            ("locals", []) => {
                let named = block.body.attributes.into_iter();
                self.locals
                    .extend(named.map(|attribute| (attribute.name, attribute.value)));
                true
            }
            ("resource" | "data" | "ephemeral", [kind, name]) => {
                let data = &*block.kind != "resource";
                let new = !self
                    .resources
                    .iter()
                    .any(|other| other.data == data && other.kind == *kind && other.name == *name);
                if new {
                    self.resources.push(Resource {
                        data,
                        kind: kind.clone(),
                        name: name.clone(),
                        block,
                    });
                }
                new
            }
            ("module", [name]) => {
                let new = !self.calls.iter().any(|other| other.name == *name);
                if new {
                    self.calls.push(Call {
                        name: name.clone(),
                        block,
                    });
                }
                new
            }
            ("output", [name]) => {
                let output = Output {
                    value: stated(&block, "value"),
                    sensitive: is_true(&block.body, "sensitive"),
                };
                self.outputs.insert(name.clone(), output).is_none()
            }
            ("provider", [name]) => {
                let alias = block
                    .body
                    .attribute("alias")
                    .and_then(|alias| alias.value.as_text().cloned());
                self.providers.push(Provider {
                    name: name.clone(),
                    alias,
                    body: block.body,
                });
                true
            }
            ("terraform", []) => {
                self.settings(&block.body);
                true
            }
            ("moved" | "import" | "check" | "removed", _) => true,
            (kind, _) => {
                let message = format!("`{kind}` is no block that is known here, or its labels are wrong");
                let help = "correct it; it was passed over";
                said.push(Said::new(
                    head,
                    Diagnostic::warning("unknown-block", message).help(help),
                ));
                true
            }
        };
        if !declared {
            let name = labels.iter().map(|label| &**label).collect::<Vec<_>>().join(".");
            let message = format!("`{name}` is declared twice in this directory");
            let help = "declare it once, or put what changes it into a file that ends with `_override.tf`";
            said.push(Said::new(head, Diagnostic::error("declared-twice", message).help(help)));
        }
    }

    fn settings(&mut self, body: &Body) {
        self.backend |= body
            .blocks_of("backend")
            .chain(body.blocks_of("cloud"))
            .next()
            .is_some();
        for block in body.blocks_of("required_providers") {
            for attribute in &block.body.attributes {
                let requirement = requirement(&attribute.value);
                self.requirements.insert(attribute.name.clone(), requirement);
            }
        }
    }

    pub fn resource(&self, data: bool, kind: &str, name: &str) -> Option<usize> {
        self.resources
            .iter()
            .position(|resource| resource.data == data && &*resource.kind == kind && &*resource.name == name)
    }

    /// Whether values of its variables are missing and nothing else tells that it is a root: then it is a module whose
    /// caller is elsewhere.
    pub fn looks_like_a_part(&self, is_named: impl Fn(&str) -> bool) -> bool {
        let missing = |(name, variable): (&Arc<str>, &Variable)| variable.default.is_none() && !is_named(name);
        self.providers.is_empty() && !self.backend && self.given.is_empty() && self.variables.iter().any(missing)
    }
}

fn requirement(value: &Expression) -> Requirement {
    use super::syntax::Kind;
    let mut out = Requirement::default();
    match &value.kind {
        Kind::Text(version) => out.version = Some(version.clone()),
        Kind::Object(members) => {
            for (key, value) in members {
                match key.as_text().map(|key| &**key) {
                    Some("version") => out.version = value.as_text().cloned(),
                    Some("source") => out.source = value.as_text().cloned(),
                    _ => {}
                }
            }
        }
        _ => {}
    }
    out
}

/// The expression of an argument; what may be stated where the text cannot be read is broken.
fn stated(block: &Block, name: &str) -> Option<Expression> {
    let broken = || Expression {
        kind: super::syntax::Kind::Broken,
        span: block.head,
    };
    let attribute = block.body.attribute(name);
    let value = attribute.map(|attribute| attribute.value.clone());
    value.or_else(|| block.body.torn.then(broken))
}

fn is_true(body: &Body, name: &str) -> bool {
    let value = body.attribute(name).map(|attribute| &attribute.value.kind);
    matches!(value, Some(super::syntax::Kind::Bool(true)))
}

impl Variable {
    fn new(block: &Block, said: &mut Vec<Said>) -> Variable {
        let body = &block.body;
        let kind = match body.attribute("type").map(|attribute| kind_of(&attribute.value)) {
            None => Type::Any,
            Some(Ok(kind)) => kind,
            Some(Err((message, span))) => {
                let help = "correct it; until then the variable takes any value";
                said.push(Said::new(span, Diagnostic::error("variable-type", message).help(help)));
                Type::Any
            }
        };
        let not_nullable = matches!(
            body.attribute("nullable").map(|attribute| &attribute.value.kind),
            Some(super::syntax::Kind::Bool(false))
        );
        Variable {
            kind,
            default: stated(block, "default"),
            sensitive: is_true(body, "sensitive") || is_true(body, "ephemeral"),
            nullable: !not_nullable,
            span: block.head,
        }
    }
}
