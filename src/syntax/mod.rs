//! Text to values with places. Knows no Azure.

pub mod json;
mod node;
pub mod scan;

pub use node::{Member, Node, Span, Value};
