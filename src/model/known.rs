//! A value, or the reason why nobody said it. Unknown is never a default.

use std::fmt;
use std::sync::Arc;

/// The family of reasons, for counting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum WhyKind {
    /// The resource is named, but is not among what was read.
    NotInInput,
    /// The service refused it or the page was lost.
    NotRead,
    /// The text says something that has no meaning here.
    Unreadable,
    /// The platform decides later: dynamic addresses.
    Dynamic,
    /// The text does not say it, and what the service takes instead is an open question.
    Unstated,
    /// The text leaves it open: a parameter without a value, an expression that cannot be decided.
    Open,
    /// Two statements contradict each other.
    Conflict,
}

/// Why a value is unknown: the family and one sentence for people.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Why {
    pub kind: WhyKind,
    pub text: Arc<str>,
}

impl Why {
    pub fn new(kind: WhyKind, text: impl Into<Arc<str>>) -> Self {
        Why {
            kind,
            text: text.into(),
        }
    }

    pub fn not_in_input(what: &str) -> Self {
        Self::new(WhyKind::NotInInput, format!("{what} is not in the input"))
    }
}

impl fmt::Display for Why {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.text)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Known<T> {
    Known(T),
    Unknown(Why),
}

impl<T> Known<T> {
    pub fn known(&self) -> Option<&T> {
        match self {
            Known::Known(value) => Some(value),
            Known::Unknown(_) => None,
        }
    }

    pub fn why(&self) -> Option<&Why> {
        match self {
            Known::Known(_) => None,
            Known::Unknown(why) => Some(why),
        }
    }

    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Known<U> {
        match self {
            Known::Known(value) => Known::Known(f(value)),
            Known::Unknown(why) => Known::Unknown(why),
        }
    }
}
