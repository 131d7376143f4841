//! The expression language of ARM templates: text to tree to value. Must not know resources or files.

mod evaluate;
mod functions;
mod parser;
mod value;

pub use evaluate::{Binding, Context, Fault, Fuel, Step, element, evaluate};
pub use parser::parse;
pub use value::{Kind, Unknown, Value, digest, number};

/// The text of the expression in a string, if it is one; `[[` begins a plain text.
pub fn inside(text: &str) -> Option<&str> {
    if text.starts_with("[[") {
        return None;
    }
    text.strip_prefix('[')?.strip_suffix(']')
}

/// The text that a string which is no expression stands for.
pub fn plain(text: &str) -> &str {
    match text.strip_prefix('[') {
        Some(rest) if rest.starts_with('[') => rest,
        _ => text,
    }
}
