//! Facts: the values that conditions of rules speak of. Three-valued: a fact may be unknown, with its reason.
//! Must not know CEL (see `cel`) nor how facts are gathered (see `facts`).

use std::collections::BTreeMap;
use std::sync::Arc;

/// One fact, or a record or list of facts.
#[derive(Clone, Debug, PartialEq)]
pub enum Fact {
    Bool(bool),
    Int(i64),
    Double(f64),
    Text(Arc<str>),
    List(Arc<Vec<Fact>>),
    /// Named fields, as the schema of the subject declares them.
    Record(Arc<Vec<(&'static str, Fact)>>),
    /// Free keys, such as tags.
    Map(Arc<BTreeMap<Arc<str>, Fact>>),
    /// Nobody said; the text is the reason, fit for a report.
    Unknown(Arc<str>),
}

impl Fact {
    pub fn text(value: impl Into<Arc<str>>) -> Fact {
        Fact::Text(value.into())
    }

    pub fn list(items: impl IntoIterator<Item = Fact>) -> Fact {
        Fact::List(Arc::new(items.into_iter().collect()))
    }

    pub fn record(fields: impl IntoIterator<Item = (&'static str, Fact)>) -> Fact {
        Fact::Record(Arc::new(fields.into_iter().collect()))
    }
}

/// Type of a fact, as a rule file may use it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FactType {
    Bool,
    Int,
    Double,
    Text,
    List(&'static FactType),
    Record(&'static [Field]),
    /// Free text keys, values of one type.
    Map(&'static FactType),
}

/// One documented fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    pub name: &'static str,
    pub ty: FactType,
    /// One sentence for `rules schema` and the docs.
    pub about: &'static str,
}

/// Where the facts of one subject come from. Asked once for each root fact that a condition mentions.
pub trait FactSource: Send + Sync {
    /// The fact of a root name in the subject's schema, such as `vm` or `nsg`.
    fn fact(&self, root: &str) -> Fact;
}
