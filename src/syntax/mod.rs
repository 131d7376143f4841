//! Text to values with places. Knows no Azure.

pub mod bicep;
mod comment;
mod expression;
pub mod json;
mod node;
pub mod scan;

pub use comment::{Notation, Piece, comments, pieces, texts};
pub use expression::{Element, Entry, Expression};
pub use node::{Member, Node, Span, Value};
