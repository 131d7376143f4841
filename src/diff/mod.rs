//! What a change opens and closes: two estates compared as exposures, in exact sets of addresses.
//! Must not know notations, files or version control, nor how the comparison is printed.

mod compare;
mod delta;
mod findings;
pub mod model;
mod pair;
mod side;
mod words;

pub use compare::{Ends, compare};
pub use model::*;
pub use side::{Side, side};
