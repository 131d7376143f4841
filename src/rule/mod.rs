//! Policies as files: load, check, evaluate, and the findings they yield.
//! Must not know how findings are printed.

pub mod fact;
mod finding;
pub mod schema;
mod verdict;

pub use finding::{Evidence, Finding, Subject, SubjectKind, Waiver};
pub use verdict::{Severity, Verdict};
