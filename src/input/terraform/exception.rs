//! Exceptions in comments of the native notation: each is about the block that follows it, else the one that it is in.

use super::Text;
use super::syntax::{Block, Body, comments};
use crate::model::Suppression;
use crate::source::Locator;
use crate::syntax::Span;

/// The exceptions of one file; `base` is where it begins among the files that are laid end to end.
pub fn exceptions(text: &Text, base: usize, body: &Body, locator: &Locator<'_>) -> Vec<Suppression> {
    if !text.text.contains("portcullis:ignore") || text.name.ends_with(".json") {
        return Vec::new();
    }
    let comments = comments(&text.text);
    let one = |comment: &Span| {
        let said = text.text.get(comment.start..comment.end)?;
        let next = next_token(&text.text, comment.end, &comments) + base;
        let region = begins(&body.blocks, next).or_else(|| around(&body.blocks, comment.start + base));
        let located = |span: Span| locator.locate(span.start, span.end);
        let comment = Span {
            start: comment.start + base,
            end: comment.end + base,
        };
        Suppression::parse(said, located(comment), region.map(located))
    };
    comments.iter().filter_map(one).collect()
}

/// Where the text goes on behind blanks and comments.
fn next_token(text: &str, from: usize, comments: &[Span]) -> usize {
    let mut at = from;
    loop {
        let rest = text.get(at..).unwrap_or_default();
        at += rest.len() - rest.trim_start().len();
        match comments.iter().find(|comment| comment.start == at && comment.end > at) {
            Some(comment) => at = comment.end,
            None => return at,
        }
    }
}

/// The block that begins at an offset.
fn begins(blocks: &[Block], at: usize) -> Option<Span> {
    blocks.iter().find_map(|block| match block.span.start == at {
        true => Some(block.span),
        false => begins(&block.body.blocks, at),
    })
}

/// The innermost block around an offset.
fn around(blocks: &[Block], at: usize) -> Option<Span> {
    let outer = blocks
        .iter()
        .find(|block| (block.span.start..block.span.end).contains(&at))?;
    around(&outer.body.blocks, at).or(Some(outer.span))
}
