//! Exceptions in comments: which comment of a text is about which part of it. Notations say what has a place; what a
//! comment says is read by [`Suppression`], so that one mechanism serves them all.

use crate::model::Suppression;
use crate::source::Locator;
use crate::syntax::{Node, Span};

/// A text with its comments, and what they can be about.
pub(super) struct Remarks<'t> {
    pub text: &'t str,
    /// Where the text begins for the locator.
    pub base: usize,
    /// From the beginning of the text.
    pub comments: Vec<Span>,
    /// What has a place of its own, within each other or apart, from the beginning of the text.
    pub regions: Vec<Span>,
}

impl Remarks<'_> {
    /// The exceptions among the comments. Each is about what follows it; behind something on its line about that; else
    /// about what it stands in.
    pub fn exceptions(&self, locator: &Locator<'_>) -> Vec<Suppression> {
        let one = |comment: &Span| {
            let said = self.text.get(comment.start..comment.end)?;
            let place = |span: Span| locator.locate(self.base + span.start, self.base + span.end);
            let region = self.region(*comment).map(place);
            Suppression::parse(said, place(*comment), region)
        };
        self.comments.iter().filter_map(one).collect()
    }

    fn region(&self, comment: Span) -> Option<Span> {
        let line = self.line_before(comment.start);
        let stated = self.text.get(line..comment.start).unwrap_or_default();
        if !stated.trim().is_empty() {
            return self.on_line(line, comment.start).or_else(|| self.around(comment.start));
        }
        let next = self.next_token(comment.end);
        let begins = self.regions.iter().filter(|region| region.start == next);
        begins
            .max_by_key(|region| region.end)
            .copied()
            .or_else(|| self.around(comment.start))
    }

    /// Where the line of an offset begins.
    fn line_before(&self, at: usize) -> usize {
        let before = self.text.get(..at).unwrap_or_default();
        before.rfind('\n').map_or(0, |found| found + 1)
    }

    /// The outermost region that begins on a line, before an offset in it.
    fn on_line(&self, line: usize, at: usize) -> Option<Span> {
        let begins = self.regions.iter().filter(|region| (line..at).contains(&region.start));
        begins.max_by_key(|region| region.end).copied()
    }

    /// The innermost region around an offset.
    fn around(&self, at: usize) -> Option<Span> {
        let around = self
            .regions
            .iter()
            .filter(|region| (region.start..region.end).contains(&at));
        around.min_by_key(|region| region.end - region.start).copied()
    }

    /// Where the text goes on behind blanks and comments.
    fn next_token(&self, from: usize) -> usize {
        let mut at = from;
        loop {
            let rest = self.text.get(at..).unwrap_or_default();
            at += rest.len() - rest.trim_start().len();
            let comment = self.comments.binary_search_by_key(&at, |comment| comment.start);
            match comment.ok().and_then(|found| self.comments.get(found)) {
                Some(comment) if comment.end > at => at = comment.end,
                _ => return at,
            }
        }
    }
}

/// What in a JSON text has a place of its own: elements of lists, and whatever says its type.
pub(super) fn objects(root: &Node<'_>) -> Vec<Span> {
    let mut regions = Vec::new();
    collect(root, false, &mut regions);
    regions
}

fn collect(node: &Node<'_>, listed: bool, regions: &mut Vec<Span>) {
    for item in node.as_list().unwrap_or_default() {
        collect(item, true, regions);
    }
    let Some(members) = node.as_object() else { return };
    if listed || node.get("type").is_some_and(|of| of.as_text().is_some()) {
        regions.push(node.span);
    }
    for member in members {
        collect(&member.node, false, regions);
    }
}

/// Exceptions in members that hold what would else be a comment, such as `metadata`; about the object that has them.
pub(super) fn in_members(root: &Node<'_>, names: &[&str], base: usize, locator: &Locator<'_>) -> Vec<Suppression> {
    let mut out = Vec::new();
    let place = |span: Span| locator.locate(base + span.start, base + span.end);
    visit(root, &mut |object| {
        let named = |name: &str| names.iter().any(|known| known.eq_ignore_ascii_case(name));
        let members = object.as_object().unwrap_or_default();
        for member in members.iter().filter(|member| named(&member.name)) {
            visit(&member.node, &mut |said| {
                let said = said.as_text().map(|text| (text, said.span));
                let read = said.and_then(|(text, at)| Suppression::parse(text, place(at), Some(place(object.span))));
                out.extend(read);
            });
        }
    });
    out
}

fn visit<'n, 't>(node: &'n Node<'t>, each: &mut dyn FnMut(&'n Node<'t>)) {
    each(node);
    for item in node.as_list().unwrap_or_default() {
        visit(item, each);
    }
    for member in node.as_object().unwrap_or_default() {
        visit(&member.node, each);
    }
}
