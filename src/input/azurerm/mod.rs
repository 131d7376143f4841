//! Terraform's resources (`azurerm_*`, `azapi_*`) as ARM resources: one table, which the readers of HCL, of plans and of
//! states share. Must not know where the values of an instance come from, nor how expressions are evaluated.
//!
//! What a reader hands over is a list of [`Instance`]s: one for each round of `count` and `for_each`, with every
//! expression evaluated. Blocks are lists of objects, also where a block may stand only once, as plans and states show
//! them: `ip_configuration { name = "a" }` is `ip_configuration: [{ name: "a" }]`. What is not known is
//! [`Kind::Unknown`] with a symbol that stands for it in names and ids. Spans are offsets for the [`Locator`] that is
//! given to [`take`]: where several files speak, it is a [`Locator::joined`] one.

mod azapi;
mod balancer;
mod compute;
mod firewall;
mod identity;
mod lower;
mod map;
mod network;
mod part;
mod rows;
mod security;
mod table;
mod template;

use std::collections::BTreeMap;
use std::sync::Arc;

use rayon::prelude::*;

use super::arm::expression::{Unknown, Value};
use super::relations::{Relation, Relations};
use super::yaml::{self, Source};
use super::{Decoded, Reading, decode, recording};
use crate::model::Suppression;
use crate::source::{Diagnostic, Locator};
use crate::syntax::Span;

pub use identity::is_settled;
pub use lower::{lower, lower_without};
pub use rows::{Entry, WITHOUT_ROW, entries, is_in_table};

/// `resource` or `data`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Managed,
    Data,
}

/// What the provider that makes an instance is told.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The subscription's GUID, or the unknown that stands for it; `None`: nothing is said, and zeros stand for it.
    pub subscription: Option<Value>,
    /// Major version of the azurerm provider, which decides defaults; `None`: nothing is said.
    pub major: Option<u32>,
}

/// What the configuration is of which an instance is a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whole {
    /// A root module, or the state or plan of one: what it does not attach is attached nowhere.
    Root,
    /// A module that nobody in sight calls: its callers may attach what it does not.
    ModuleAlone,
}

/// Where the attributes come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// A configuration: only arguments are there, and what is absent takes the provider's default.
    Source,
    /// A block of a configuration that could not be read whole: what is absent is unknown.
    Torn,
    /// A plan or a state: defaults are filled in, ids are real ones where they are known.
    Recorded,
}

/// One resource or data source, in one round of its `count` or `for_each`.
#[derive(Clone, Debug)]
pub struct Instance {
    /// With modules and key: `module.net["a"].azurerm_subnet.web[0]`.
    pub address: Arc<str>,
    pub mode: Mode,
    /// `azurerm_subnet`.
    pub resource_type: Arc<str>,
    /// Number or text; `None` without `count` and `for_each`, unknown where the rounds are open.
    pub key: Option<Value>,
    pub settings: Settings,
    /// An object. Its span is the block, or the entry of the plan or state.
    pub attributes: Value,
    /// Why it may not exist: an open `count`, `for_each` or condition.
    pub perhaps: Option<Unknown>,
    pub whole: Whole,
    pub said: Said,
    pub related: Arc<[Related]>,
}

/// Another place that a statement of an instance comes from.
#[derive(Clone, Debug)]
pub struct Related {
    /// The statement: a block, or the whole instance.
    pub of: Span,
    /// What kind of place it is, such as `module call`.
    pub label: &'static str,
    /// What is said there, such as "`var.ports`".
    pub what: String,
    pub span: Span,
}

impl Instance {
    pub fn span(&self) -> Span {
        self.attributes.span
    }
}

/// A diagnostic and the text it is about.
#[derive(Debug)]
pub struct Remark {
    pub span: Span,
    pub diagnostic: Diagnostic,
    /// Resources may be missing because of it.
    pub lost: bool,
}

/// What became of the instances of one configuration.
#[derive(Debug, Default)]
pub struct Lowered {
    /// ARM resources: objects with `id`, `name`, `type` and `properties`, for the one decoder.
    pub resources: Vec<Value>,
    /// Terraform types that no rule needs, with how often each stood.
    pub unused: BTreeMap<Arc<str>, u64>,
    pub said: Vec<Remark>,
    /// Whether there is anything that another configuration could attach something to.
    pub attached_here: bool,
}

/// The object that references to an instance find (`azurerm_subnet.web` in `azurerm_subnet.web.id`): its attributes, and
/// what the provider will add and the table can foretell, such as `id`, also of nested blocks
/// (`azurerm_lb.a.frontend_ip_configuration[0].id`). An id is the ARM id that the resource will have: names that are
/// unknown stand in it by their symbols ([`Unknown::is_id`]), and subscription zeros where nobody says it.
/// Whatever else the provider computes (`ip_address`, `guid`, `private_ip_address`) is unknown, named by the address.
/// Attributes that are in no table are absent: whether that means null or unknown is for the caller to say.
pub fn computed(instance: &Instance) -> Value {
    identity::completed(instance)
}

/// Notes where else the statements of instances come from, for what reports say of the resources that they become.
pub fn relate(relations: &mut Relations, instances: &[Instance], locator: &Locator<'_>) {
    let locate = |span: Span| locator.locate(span.start, span.end);
    for instance in instances.iter().filter(|instance| !instance.related.is_empty()) {
        let Some(id) = id_of(instance) else { continue };
        let one = |related: &Related| {
            (
                locate(related.of),
                Relation::new(related.label, &related.what, locate(related.span)),
            )
        };
        let related = instance.related.iter().map(one).collect();
        relations.add(&id, locate(instance.span()), related);
    }
}

fn id_of(instance: &Instance) -> Option<Arc<str>> {
    let id = rows::row(&instance.resource_type).and_then(|row| identity::id_of(row, instance));
    let id = id.or_else(|| instance.attributes.get("id").cloned());
    id.as_ref().and_then(Value::name).cloned()
}

/// The exceptions in comments of files that give instances their values.
pub fn exceptions(sources: &[Source], instances: &[Instance]) -> Vec<Suppression> {
    if sources.is_empty() {
        return Vec::new();
    }
    let stated = instances
        .iter()
        .filter_map(|instance| Some((id_of(instance)?, &instance.attributes)));
    yaml::exceptions(sources, stated)
}

/// Lowered resources as the model has them, with their places.
#[derive(Default)]
pub struct Decoding {
    resources: Vec<(Decoded, Vec<Diagnostic>)>,
    unused: BTreeMap<Arc<str>, u64>,
    /// Each with whether resources may be missing because of it.
    said: Vec<(Diagnostic, bool)>,
    attached_here: bool,
}

/// Resources that are worth more than one thread.
const MANY: usize = 256;

/// Decodes lowered resources.
pub fn decoding(lowered: Lowered, locator: &Locator<'_>) -> Decoding {
    let said = lowered.said.into_iter().map(|remark| {
        let location = locator.locate(remark.span.start, remark.span.end);
        (remark.diagnostic.at(location), remark.lost)
    });
    let decoded = |resource: &Value| {
        let mut diagnostics = Vec::new();
        (decode(&resource.node(), locator, &mut diagnostics), diagnostics)
    };
    Decoding {
        resources: match lowered.resources.len() < MANY {
            true => lowered.resources.iter().map(decoded).collect(),
            false => lowered.resources.par_iter().map(decoded).collect(),
        },
        unused: lowered.unused,
        said: said.collect(),
        attached_here: lowered.attached_here,
    }
}

/// Takes decoded resources into the reading.
pub fn take(reading: &mut Reading, decoding: Decoding) {
    reading.inventory.coverage.attached_here |= decoding.attached_here;
    for (resource_type, count) in decoding.unused {
        *reading.inventory.unused.entry(resource_type).or_default() += count;
    }
    for (diagnostic, lost) in decoding.said {
        match lost {
            true => reading.lose(diagnostic),
            false => reading.diagnostics.push(diagnostic),
        }
    }
    for (decoded, diagnostics) in decoding.resources {
        recording::take(reading, decoded, diagnostics);
    }
}
