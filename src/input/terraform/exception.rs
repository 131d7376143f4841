//! Exceptions of a configuration: in comments of the native notation, and in the members called `//` of the JSON one.

use super::Text;
use super::syntax::{Block, Body, Expression, Kind, parse};
use crate::input::exception::{Remarks, in_members};
use crate::model::Suppression;
use crate::source::Locator;
use crate::syntax::{Notation, Span, comments, json};

/// The exceptions of one file; `base` is where it begins among the files that are laid end to end.
pub fn exceptions(text: &Text, base: usize, locator: &Locator<'_>) -> Vec<Suppression> {
    if text.name.to_ascii_lowercase().ends_with(".json") {
        let root = json::parse(&text.text).ok();
        return root.map_or_else(Vec::new, |root| in_members(&root, &["//"], base, locator));
    }
    let (body, _) = parse(&text.text);
    let mut regions = Vec::new();
    collect(&body, &mut regions);
    let remarks = Remarks {
        text: &text.text,
        base,
        comments: comments(&text.text, Notation::Terraform),
        regions,
    };
    remarks.exceptions(locator)
}

/// Blocks, and objects that are elements of a list: `security_rule = [{ ... }]`.
fn collect(body: &Body, regions: &mut Vec<Span>) {
    for attribute in &body.attributes {
        listed(&attribute.value, regions);
    }
    for Block { span, body, .. } in &body.blocks {
        regions.push(*span);
        collect(body, regions);
    }
}

fn listed(expression: &Expression, regions: &mut Vec<Span>) {
    match &expression.kind {
        Kind::Tuple(items) => {
            let objects = items.iter().filter(|item| matches!(item.kind, Kind::Object(_)));
            regions.extend(objects.map(|item| item.span));
            items.iter().for_each(|item| listed(item, regions));
        }
        Kind::Object(members) => members.iter().for_each(|(_, value)| listed(value, regions)),
        Kind::Call(call) => call.arguments.iter().for_each(|one| listed(one, regions)),
        _ => {}
    }
}
