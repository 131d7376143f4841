//! Text to values with places. Knows no Azure.

pub mod bicep;
pub mod json;
mod node;

pub use node::{Member, Node, Span, Value};
