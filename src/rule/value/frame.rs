//! Evaluates the nodes of an expression. `&&`, `||` and the macros over lists are decided by a known part where one
//! decides; everything else needs all of its parts.

use std::borrow::Cow;
use std::sync::Arc;

use super::{Answer, Gaps, SubjectFacts, operator};
use crate::rule::expression::{Code, Quantifier};
use crate::rule::fact::Fact;

/// What the names of an expression stand for.
#[derive(Clone, Copy)]
pub(super) struct Frame<'f> {
    pub(super) facts: &'f SubjectFacts<'f>,
    pub(super) params: &'f [Fact],
    pub(super) locals: Option<&'f Local<'f>>,
    /// Whether lists that are collected leave out what cannot be told.
    pub(super) sure_only: bool,
}

/// A variable that a macro binds, and those around it.
pub(super) struct Local<'f> {
    value: &'f Fact,
    outer: Option<&'f Local<'f>>,
}

/// A fact that is known, or its reason for not being so.
pub(super) fn known(fact: &Fact) -> Answer<'_> {
    match fact {
        Fact::Unknown(reason) => Err(Gaps::one(Arc::clone(reason))),
        fact => Ok(Cow::Borrowed(fact)),
    }
}

/// The checker lets no such expression through; if one comes, it must not pass for an answer.
pub(super) fn mistyped<T>() -> Result<T, Gaps> {
    Err(Gaps::one("a fact has another type than its schema says"))
}

impl<'f> Frame<'f> {
    pub(super) fn value(self, code: &'f Code) -> Answer<'f> {
        match code {
            Code::Constant(fact) => known(fact),
            Code::List(items) => self.list(items),
            Code::Root(slot) => known(self.facts.root(*slot)?),
            Code::Param(slot) => self.params.get(*slot).map_or_else(mistyped, known),
            Code::Local(depth) => self.local(*depth).map_or_else(mistyped, known),
            Code::Field { of, name, slot } => self.field(of, name, *slot),
            Code::Entry { of, key } => self.entry(of, key),
            Code::Element { of, index } => self.element(of, index),
            Code::Choose { when, then, otherwise } => {
                if self.holds(when)? {
                    self.value(then)
                } else {
                    self.value(otherwise)
                }
            }
            Code::Calculate { by, left, right } => operator::calculate(*by, self.value(left), self.value(right)),
            Code::Negate(operand) => operator::negate(&*self.value(operand)?),
            Code::Collect { over, when, value } => self.collect(over, when.as_deref(), value.as_deref()),
            Code::Call { name, arguments } => self.call(*name, arguments),
            Code::Has { .. }
            | Code::Not(_)
            | Code::And(..)
            | Code::Or(..)
            | Code::Compare { .. }
            | Code::In { .. }
            | Code::Quantify { .. }
            | Code::Matches { .. } => self.holds(code).map(|holds| Cow::Owned(Fact::Bool(holds))),
        }
    }

    /// The value of an expression whose type is bool.
    pub(super) fn holds(self, code: &'f Code) -> Result<bool, Gaps> {
        match code {
            Code::Has { of, key } => match &*self.value(of)? {
                Fact::Map(entries) => Ok(entries.contains_key(key)),
                _ => mistyped(),
            },
            Code::Not(operand) => self.holds(operand).map(|holds| !holds),
            Code::And(left, right) => self.both(left, right, false),
            Code::Or(left, right) => self.both(left, right, true),
            Code::Compare { by, left, right } => operator::compare(*by, self.value(left), self.value(right)),
            Code::In { item, list } => operator::contains(&*self.value(item)?, &*self.value(list)?),
            Code::Quantify { by, over, holds } => self.quantify(*by, over, holds),
            Code::Matches { text, pattern } => match &*self.value(text)? {
                Fact::Text(text) => Ok(pattern.is_match(text)),
                _ => mistyped(),
            },
            code => match &*self.value(code)? {
                Fact::Bool(holds) => Ok(*holds),
                _ => mistyped(),
            },
        }
    }

    /// `&&` (decided by false) and `||` (decided by true): an unknown side does not matter once the other decides.
    fn both(self, left: &'f Code, right: &'f Code, decisive: bool) -> Result<bool, Gaps> {
        match self.holds(left) {
            Ok(holds) if holds == decisive => Ok(decisive),
            Ok(_) => self.holds(right),
            Err(gaps) => match self.holds(right) {
                Ok(holds) if holds == decisive => Ok(decisive),
                Ok(_) => Err(gaps),
                Err(more) => Err(gaps.and(more)),
            },
        }
    }

    fn list(self, items: &'f [Code]) -> Answer<'f> {
        let facts: Result<Vec<Fact>, Gaps> = items.iter().map(|item| self.value(item).map(Cow::into_owned)).collect();
        facts.map(|facts| Cow::Owned(Fact::list(facts)))
    }

    fn local(self, depth: usize) -> Option<&'f Fact> {
        std::iter::successors(self.locals, |local| local.outer)
            .nth(depth)
            .map(|local| local.value)
    }

    fn field(self, of: &'f Code, name: &'static str, slot: usize) -> Answer<'f> {
        match self.value(of)? {
            Cow::Borrowed(Fact::Record(fields)) => known(find_field(fields, name, slot)?),
            Cow::Owned(Fact::Record(fields)) => {
                let found = known(find_field(&fields, name, slot)?)?.into_owned();
                Ok(Cow::Owned(found))
            }
            _ => mistyped(),
        }
    }

    fn entry(self, of: &'f Code, key: &'f Code) -> Answer<'f> {
        let of = self.value(of)?;
        let key = self.value(key)?;
        let (Fact::Map(entries), Fact::Text(key)) = (&*of, &*key) else {
            return mistyped();
        };
        match entries.get(key) {
            Some(fact) => Ok(Cow::Owned(known(fact)?.into_owned())),
            None => Err(Gaps::one(format!("there is no entry `{key}`"))),
        }
    }

    fn element(self, of: &'f Code, index: &'f Code) -> Answer<'f> {
        let of = self.value(of)?;
        let index = self.value(index)?;
        let (Fact::List(items), Fact::Int(index)) = (&*of, &*index) else {
            return mistyped();
        };
        match usize::try_from(*index).ok().and_then(|index| items.get(index)) {
            Some(fact) => Ok(Cow::Owned(known(fact)?.into_owned())),
            None => Err(Gaps::one(format!("a list of {} has no element {index}", items.len()))),
        }
    }

    fn quantify(self, by: Quantifier, over: &'f Code, holds: &'f Code) -> Result<bool, Gaps> {
        let over = self.value(over)?;
        let items = items(&over)?;
        match by {
            Quantifier::All => decide(&items, false, |item| self.with(item, |frame| frame.holds(holds))),
            Quantifier::Exists => decide(&items, true, |item| self.with(item, |frame| frame.holds(holds))),
            Quantifier::ExistsOne => count_one(&items, |item| self.with(item, |frame| frame.holds(holds))),
        }
    }

    fn collect(self, over: &'f Code, when: Option<&'f Code>, value: Option<&'f Code>) -> Answer<'f> {
        let over = self.value(over)?;
        let mut found = Vec::new();
        for item in items(&over)?.iter() {
            match self.collected(item, when, value) {
                Err(_) if self.sure_only => {}
                fact => found.extend(fact?),
            }
        }
        Ok(Cow::Owned(Fact::list(found)))
    }

    /// What becomes of one element; `None` when it is filtered out.
    fn collected(self, item: &Fact, when: Option<&'f Code>, value: Option<&'f Code>) -> Result<Option<Fact>, Gaps> {
        if !when.map_or(Ok(true), |when| self.with(item, |frame| frame.holds(when)))? {
            return Ok(None);
        }
        let Some(value) = value else {
            return Ok(Some(item.clone()));
        };
        self.with(item, |frame| frame.value(value).map(Cow::into_owned))
            .map(Some)
    }

    /// Evaluates with one more variable bound.
    fn with<T>(self, value: &Fact, body: impl FnOnce(Frame<'_>) -> T) -> T {
        let local = Local {
            value,
            outer: self.locals,
        };
        body(Frame {
            facts: self.facts,
            params: self.params,
            locals: Some(&local),
            sure_only: self.sure_only,
        })
    }
}

/// The field of a record, mostly found at the place that the schema gives it.
fn find_field<'r>(fields: &'r [(&'static str, Fact)], name: &'static str, slot: usize) -> Result<&'r Fact, Gaps> {
    // Names are mostly one and the same text in memory, which is told without reading it.
    let here = fields
        .get(slot)
        .filter(|(found, _)| std::ptr::eq(*found, name) || *found == name);
    match here.or_else(|| fields.iter().find(|(found, _)| *found == name)) {
        Some((_, fact)) => Ok(fact),
        None => Err(Gaps::one(format!(
            "the fact `{name}` was not gathered, which is a defect of this program"
        ))),
    }
}

/// What a macro goes over: the elements of a list, or the keys of a map.
fn items<'c>(over: &'c Fact) -> Result<Cow<'c, [Fact]>, Gaps> {
    match over {
        Fact::List(items) => Ok(Cow::Borrowed(items.as_slice())),
        Fact::Map(entries) => Ok(Cow::Owned(
            entries.keys().map(|key| Fact::Text(Arc::clone(key))).collect(),
        )),
        _ => mistyped(),
    }
}

/// `exists` (decided by true) and `all` (decided by false).
pub(super) fn decide(
    items: &[Fact],
    decisive: bool,
    holds: impl Fn(&Fact) -> Result<bool, Gaps>,
) -> Result<bool, Gaps> {
    let mut open: Option<Gaps> = None;
    for item in items {
        match holds(item) {
            Ok(holds) if holds == decisive => return Ok(decisive),
            Ok(_) => {}
            Err(gaps) => open.get_or_insert_default().add(gaps),
        }
    }
    open.map_or(Ok(!decisive), Err)
}

/// `exists_one`: two that surely hold decide, whatever the others are.
fn count_one(items: &[Fact], holds: impl Fn(&Fact) -> Result<bool, Gaps>) -> Result<bool, Gaps> {
    let mut count = 0_usize;
    let mut open: Option<Gaps> = None;
    for item in items {
        match holds(item) {
            Ok(true) => count += 1,
            Ok(false) => {}
            Err(gaps) => open.get_or_insert_default().add(gaps),
        }
        if count > 1 {
            return Ok(false);
        }
    }
    open.map_or(Ok(count == 1), Err)
}
