//! What a checked expression amounts to over the facts of one subject: CEL's meaning, with unknown facts kept
//! apart from known ones (Kleene's three-valued logic). Must not know rules, steps or verdicts.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::sync::Arc;

use crate::rule::expression::Code;
use crate::rule::fact::{Fact, FactSource};
use crate::rule::{SubjectKind, schema};

mod frame;
mod function;
mod operator;
mod text;

pub use text::{print, print_into};

use frame::Frame;

/// Whether a condition holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Truth {
    True,
    False,
    /// The reasons of the unknowns that keep it open: sorted, each once.
    Unknown(Vec<Arc<str>>),
}

/// Why a value cannot be told: reasons of unknown facts, in the order in which they were met.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gaps(Vec<Arc<str>>);

impl Gaps {
    pub fn one(reason: impl Into<Arc<str>>) -> Gaps {
        Gaps(vec![reason.into()])
    }

    fn add(&mut self, other: Gaps) {
        for reason in other.0 {
            if !self.0.contains(&reason) {
                self.0.push(reason);
            }
        }
    }

    fn and(mut self, other: Gaps) -> Gaps {
        self.add(other);
        self
    }

    /// The reasons sorted, each once.
    pub fn into_reasons(self) -> Vec<Arc<str>> {
        let mut reasons = self.0;
        reasons.sort_unstable();
        reasons.dedup();
        reasons
    }
}

/// A known value, or why there is none.
pub type Answer<'f> = Result<Cow<'f, Fact>, Gaps>;

/// More roots than any schema has; a test holds this.
pub(crate) const MAX_ROOTS: usize = 8;

/// The facts of one subject, each root asked at most once, and only when an expression needs it.
pub struct SubjectFacts<'s> {
    kind: SubjectKind,
    source: &'s dyn FactSource,
    roots: [OnceCell<Fact>; MAX_ROOTS],
}

impl<'s> SubjectFacts<'s> {
    pub fn new(kind: SubjectKind, source: &'s dyn FactSource) -> Self {
        SubjectFacts {
            kind,
            source,
            roots: [const { OnceCell::new() }; MAX_ROOTS],
        }
    }

    /// The root fact of that name.
    pub fn named(&self, name: &str) -> Result<&Fact, Gaps> {
        let slot = schema::roots(self.kind).iter().position(|field| field.name == name);
        self.root(slot.unwrap_or(MAX_ROOTS))
    }

    fn root(&self, slot: usize) -> Result<&Fact, Gaps> {
        let (Some(field), Some(cell)) = (schema::roots(self.kind).get(slot), self.roots.get(slot)) else {
            return Err(Gaps::one("a rule asks for a fact that its subject does not have"));
        };
        Ok(cell.get_or_init(|| self.source.fact(field.name)))
    }
}

/// Whether a condition holds for a subject. `params` are the rule's parameters in its order.
pub fn evaluate_condition(condition: &Code, facts: &SubjectFacts<'_>, params: &[Fact]) -> Truth {
    let frame = Frame {
        facts,
        params,
        locals: None,
        sure_only: false,
    };
    match frame.holds(condition) {
        Ok(true) => Truth::True,
        Ok(false) => Truth::False,
        Err(gaps) => Truth::Unknown(gaps.into_reasons()),
    }
}

/// The value of an expression in a text, where `filter` and `map` pass over the elements that cannot be told: what is
/// sure is worth naming although something beside it is unknown.
///
/// # Errors
/// The reasons why it cannot be told.
pub fn evaluate(code: &Code, facts: &SubjectFacts<'_>, params: &[Fact]) -> Result<Fact, Gaps> {
    Frame {
        facts,
        params,
        locals: None,
        sure_only: true,
    }
    .value(code)
    .map(Cow::into_owned)
}
