//! Policies as files: load, check, evaluate, and the findings they yield.
//! Must not know how findings are printed.

pub mod fact;
pub mod facts;
mod finding;
pub mod schema;
mod verdict;

pub use finding::{Evidence, Finding, Subject, SubjectKind, Waiver};
pub use verdict::{Severity, Verdict};
