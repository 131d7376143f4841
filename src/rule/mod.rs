//! Policies as files: load, check, evaluate, and the findings they yield.
//! Must not know how findings are printed.

pub mod assess;
pub mod assumption;
pub mod baseline;
pub mod builtin;
pub mod cel;
pub mod check;
mod compiled;
pub mod disagreement;
mod evaluate;
mod evidence;
pub mod expression;
pub mod fact;
pub mod facts;
pub mod file;
mod finding;
pub mod frame;
pub mod function;
pub mod load;
mod neighbour;
pub mod owner;
pub mod param;
pub mod params;
mod parse;
pub mod recommendation;
mod scalar;
pub mod schema;
pub mod shared;
pub mod standards;
pub mod suggest;
pub mod template;
#[cfg(test)]
mod tests;
pub mod types;
pub mod value;
mod verdict;
pub mod waiver;
pub mod yaml;

pub use compiled::{Example, Rule, Step};
pub use evaluate::{Judgement, Sentences};
pub use finding::{Evidence, Finding, Subject, SubjectKind, Waiver};
pub use neighbour::{Beside, neighbours};
pub use params::ResolvedParams;
pub use value::SubjectFacts;
pub use verdict::{Severity, Verdict};
