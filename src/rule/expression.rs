//! A checked expression: the tree that is evaluated, with every name resolved and every type known to fit.
//! Must not know how it was written (see `check`) nor how facts are asked for (see `value`).

use std::collections::BTreeSet;
use std::sync::Arc;

use regex::Regex;

use crate::rule::fact::Fact;
use crate::rule::function;

/// One node.
#[derive(Clone, Debug)]
pub enum Code {
    Constant(Fact),
    List(Vec<Code>),
    /// Index into the roots of the subject's schema.
    Root(usize),
    /// Index into the rule's parameters.
    Param(usize),
    /// A variable bound by a macro: 0 is the innermost.
    Local(usize),
    /// A field of a record, and its index in the schema, where it will mostly be found.
    Field {
        of: Box<Code>,
        name: &'static str,
        slot: usize,
    },
    /// The value under a key of a map.
    Entry {
        of: Box<Code>,
        key: Box<Code>,
    },
    Element {
        of: Box<Code>,
        index: Box<Code>,
    },
    /// Whether a map has the key.
    Has {
        of: Box<Code>,
        key: Arc<str>,
    },
    Not(Box<Code>),
    And(Box<Code>, Box<Code>),
    Or(Box<Code>, Box<Code>),
    Choose {
        when: Box<Code>,
        then: Box<Code>,
        otherwise: Box<Code>,
    },
    Compare {
        by: Comparison,
        left: Box<Code>,
        right: Box<Code>,
    },
    In {
        item: Box<Code>,
        list: Box<Code>,
    },
    Calculate {
        by: Calculation,
        left: Box<Code>,
        right: Box<Code>,
    },
    Negate(Box<Code>),
    /// `all`, `exists` and `exists_one`.
    Quantify {
        by: Quantifier,
        over: Box<Code>,
        holds: Box<Code>,
    },
    /// `filter` and `map`.
    Collect {
        over: Box<Code>,
        when: Option<Box<Code>>,
        value: Option<Box<Code>>,
    },
    Call {
        name: function::Name,
        arguments: Vec<Code>,
    },
    /// `matches` with a pattern known at load time.
    Matches {
        text: Box<Code>,
        pattern: Box<Regex>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Calculation {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantifier {
    All,
    Exists,
    ExistsOne,
}

/// What an expression speaks of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mentions {
    /// Root facts, such as `nsg`.
    pub roots: BTreeSet<&'static str>,
    /// Facts by their path, such as `nsg.layers` and `nsg.layers.allows.port`.
    pub facts: BTreeSet<String>,
    /// Parameters by name.
    pub params: BTreeSet<Arc<str>>,
}

impl Mentions {
    pub fn add(&mut self, other: &Mentions) {
        self.roots.extend(&other.roots);
        self.facts.extend(other.facts.iter().cloned());
        self.params.extend(other.params.iter().cloned());
    }
}
