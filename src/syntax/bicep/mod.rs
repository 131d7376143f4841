//! Bicep text to a tree with places, hand-written and tolerant: a broken statement becomes a problem with its place, and
//! the rest is read. Knows no Azure, no templates and no functions.

mod expression;
mod parser;
mod statement;
mod string;
mod token;
mod tree;
mod types;

pub use tree::{
    Declaration, Decorator, Document, Element, Entry, Expression, Imports, Kind, Name, Problem, Statement,
    StatementKind, Type, TypeKind,
};

/// Parses a `.bicep` or `.bicepparam` text. There is always a document; what was not understood is among its problems.
pub fn parse(text: &str) -> Document {
    let document = parser::Parser::new(text, false).document();
    if document.problems.is_empty() {
        return document;
    }
    // A brace that is missing swallows what follows, unless statements at the start of a line end what is open.
    parser::Parser::new(text, true).document()
}
