//! Whether something holds: no, perhaps (with the unknown that decides), yes. Knows nothing of networks.

use std::borrow::Cow;

use crate::model::{Known, Why};

/// The unknown that keeps a question open, as one sentence.
pub type Reason<'i> = Cow<'i, str>;

/// The answer to a question about one packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holds<'i> {
    No,
    Maybe(Reason<'i>),
    Yes,
}

impl<'i> Holds<'i> {
    pub fn surely(value: bool) -> Self {
        if value { Holds::Yes } else { Holds::No }
    }

    pub fn unknown(why: &'i Why) -> Self {
        Holds::Maybe(Cow::Borrowed(&why.text))
    }

    /// Whether a known value passes a test; perhaps, where it is unknown.
    pub fn of<T>(value: &'i Known<T>, test: impl FnOnce(&T) -> bool) -> Self {
        match value {
            Known::Known(value) => Holds::surely(test(value)),
            Known::Unknown(why) => Holds::unknown(why),
        }
    }

    /// The value where it is unknown whether the thing is there at all.
    pub fn doubted(self, why: Option<&'i Why>) -> Self {
        match (self, why) {
            (Holds::Yes, Some(why)) => Holds::unknown(why),
            (holds, _) => holds,
        }
    }

    /// Both; of two doubts the first is told.
    pub fn and(self, other: impl FnOnce() -> Self) -> Self {
        match self {
            Holds::No => Holds::No,
            Holds::Yes => other(),
            Holds::Maybe(why) => match other() {
                Holds::No => Holds::No,
                Holds::Yes | Holds::Maybe(_) => Holds::Maybe(why),
            },
        }
    }

    /// Either; of two doubts the first is told.
    pub fn or(self, other: impl FnOnce() -> Self) -> Self {
        match self {
            Holds::Yes => Holds::Yes,
            Holds::No => other(),
            Holds::Maybe(why) => match other() {
                Holds::Yes => Holds::Yes,
                Holds::No | Holds::Maybe(_) => Holds::Maybe(why),
            },
        }
    }

    /// Yes for no, and no for yes.
    pub fn contrary(self) -> Self {
        match self {
            Holds::No => Holds::Yes,
            Holds::Yes => Holds::No,
            maybe @ Holds::Maybe(_) => maybe,
        }
    }

    /// Any of several.
    pub fn any(all: impl IntoIterator<Item = Self>) -> Self {
        let mut doubt = Holds::No;
        for one in all {
            match (one, &doubt) {
                (Holds::Yes, _) => return Holds::Yes,
                (maybe @ Holds::Maybe(_), Holds::No) => doubt = maybe,
                _ => {}
            }
        }
        doubt
    }

    pub fn is_no(&self) -> bool {
        *self == Holds::No
    }

    pub fn why(&self) -> Option<&Reason<'i>> {
        match self {
            Holds::Maybe(why) => Some(why),
            Holds::No | Holds::Yes => None,
        }
    }
}
