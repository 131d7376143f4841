//! Recorded answers as they are: `az ... list -o json` arrays, ARM `{ "value": [...] }` pages, Resource Graph
//! `{ "data": [...] }` answers, or one resource.

use std::collections::BTreeMap;
use std::io::{self, BufRead};
use std::sync::Arc;

use rayon::prelude::*;

use super::{Decoded, Input, Reading, decode, document};
use crate::model::ResourceId;
use crate::source::{Diagnostic, Locator, SourceId};
use crate::syntax::{Node, Value, json};

pub(super) const INPUT: Input = Input {
    name: "recording",
    endings: &[],
    recognise,
    read,
};

fn recognise(head: &[u8]) -> bool {
    matches!(head.first(), Some(b'[' | b'{')) || head.starts_with(b"//") || head.starts_with(b"/*")
}

fn read(reading: &mut Reading, source: SourceId, text: &mut dyn BufRead) -> io::Result<()> {
    if let Some(text) = load(reading, source, text)? {
        let locator = Locator::new(source, reading.sources.name(source), &text, 1);
        if let Some(root) = parse(reading, &text, &locator, json::parse_noting) {
            take_root(reading, &root, &locator);
        }
    }
    Ok(())
}

/// The text of a document; what cannot be one is lost.
pub(super) fn load(reading: &mut Reading, source: SourceId, text: &mut dyn BufRead) -> io::Result<Option<String>> {
    let text = document::read(text, reading.limits.document_bytes)?;
    Ok(text
        .map_err(|why| {
            let message = format!("`{}`: {why}", reading.sources.name(source));
            reading.lose(Diagnostic::error("unreadable", message).at(reading.start_of(source)));
        })
        .ok())
}

/// How strictly JSON is read.
pub(super) type Parse<'t> = fn(&'t str, &mut dyn FnMut(json::Repeated)) -> Result<Node<'t>, json::JsonError>;

/// The JSON of a document; what is none is lost.
pub(super) fn parse<'t>(
    reading: &mut Reading,
    text: &'t str,
    locator: &Locator<'_>,
    parse: Parse<'t>,
) -> Option<Node<'t>> {
    let name = reading.sources.name(locator.source());
    let mut repeated = Vec::new();
    match parse(text, &mut |one| repeated.push(super::repeated(&one, locator))) {
        Ok(root) => {
            reading.diagnostics.append(&mut repeated);
            Some(root)
        }
        // Much of what lies in a repository begins with a bracket.
        Err(_) if reading.is_found(locator.source()) && !is_json_name(&name) => {
            reading.pass_over(locator.source(), "it is not JSON");
            None
        }
        Err(error) => {
            let location = locator.locate(error.span.start, error.span.end);
            let message = format!("`{name}` is not JSON: {}", error.message);
            let help = "correct it, or record it again; nothing of this file was judged";
            reading.lose(Diagnostic::error("json-syntax", message).at(location).help(help));
            None
        }
    }
}

/// Whether a file is called as JSON is: then that it is none is worth an error, wherever it was found.
fn is_json_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let name = name.strip_suffix(".zst").unwrap_or(&name);
    [".json", ".jsonc", ".jsonl", ".ndjson"]
        .iter()
        .any(|ending| name.ends_with(ending))
}

/// Pages that say more follows, so that a lost last page is noticed.
#[derive(Default)]
pub(super) struct Pages {
    /// By resource type and subscription: whether a last page was seen, and the first page that says more follows.
    lists: BTreeMap<(String, String), (bool, Option<Diagnostic>)>,
    /// By the total that Resource Graph says: rows seen, and one answer of it.
    answers: BTreeMap<u64, (u64, Diagnostic)>,
}

impl Pages {
    /// What is missing, judged when everything has been read.
    pub fn lost(self) -> Vec<Diagnostic> {
        let lists = self
            .lists
            .into_values()
            .filter(|(last, _)| !last)
            .filter_map(|(_, more)| more);
        // Another answer of the same total, or the same answer twice, must not hide that rows are missing.
        let cut = |total: u64, seen: u64| seen < total || seen.checked_rem(total).is_some_and(|rest| rest != 0);
        let answers = self
            .answers
            .into_iter()
            .filter(|(total, (seen, _))| cut(*total, *seen))
            .map(|(_, (_, lost))| lost);
        lists.chain(answers).collect()
    }
}

/// Where the resources lie in a document.
pub(super) fn take_root(reading: &mut Reading, root: &Node<'_>, locator: &Locator<'_>) {
    if let Some(items) = root.as_list() {
        return take_items(reading, items, locator);
    }
    let list = |name: &str| root.get(name).and_then(Node::as_list);
    let is_tag_list = root.get("changeNumber").is_some() && list("values").is_some();
    if root.get("id").is_some() || is_tag_list {
        take_items(reading, std::slice::from_ref(root), locator);
    } else if let Some(items) = list("value") {
        note_page(reading, root, items, locator);
        take_items(reading, items, locator);
    } else if let Some(items) = list("data") {
        note_answer(reading, root, items, locator);
        take_items(reading, items, locator);
    } else {
        refuse(reading, root, locator);
    }
}

fn refuse(reading: &mut Reading, root: &Node<'_>, locator: &Locator<'_>) {
    let is_table = root.get("data").is_some_and(|data| data.get("columns").is_some());
    let (message, help) = if is_table {
        (
            "the Resource Graph answer is a table",
            "ask again with `resultFormat` `objectArray`",
        )
    } else {
        (
            "the JSON holds no Azure resources",
            "give a list of resources, `{ \"value\": [...] }` or `{ \"data\": [...] }`",
        )
    };
    let location = locator.locate(root.span.start, root.span.start);
    if reading.is_found(locator.source()) {
        return reading.pass_over(locator.source(), message);
    }
    reading.lose(Diagnostic::error("no-resources", message).at(location).help(help));
}

pub(super) fn take_items(reading: &mut Reading, items: &[Node<'_>], locator: &Locator<'_>) {
    let decoded: Vec<(Decoded, Vec<Diagnostic>)> = items
        .par_iter()
        .map(|item| {
            let mut diagnostics = Vec::new();
            (decode(item, locator, &mut diagnostics), diagnostics)
        })
        .collect();
    if !decoded.is_empty() && decoded.iter().all(|(_, said)| is_alien(said)) && reading.is_found(locator.source()) {
        return reading.pass_over(locator.source(), "the JSON holds no Azure resources");
    }
    for (item, diagnostics) in decoded {
        take(reading, item, diagnostics);
    }
}

/// Takes one decoded resource in, or notes that it was lost.
pub(super) fn take(reading: &mut Reading, item: Decoded, mut diagnostics: Vec<Diagnostic>) {
    if matches!(item, Decoded::Nothing) {
        let lost = diagnostics
            .iter()
            .map(|diagnostic| Arc::from(diagnostic.message.as_str()));
        reading.inventory.coverage.lost.extend(lost);
    }
    reading.diagnostics.append(&mut diagnostics);
    reading.take(item);
}

/// Something that is no resource at all.
fn is_alien(diagnostics: &[Diagnostic]) -> bool {
    diagnostics
        .iter()
        .any(|diagnostic| matches!(&*diagnostic.code, "no-id" | "no-type"))
}

fn note_page(reading: &mut Reading, root: &Node<'_>, items: &[Node<'_>], locator: &Locator<'_>) {
    let first = items
        .first()
        .and_then(|item| item.get("id"))
        .and_then(Node::as_text)
        .map(ResourceId::new);
    let kind = first.as_ref().map(ResourceId::resource_type).unwrap_or_default();
    let subscription = first
        .as_ref()
        .map(|id| id.subscription().to_ascii_lowercase())
        .unwrap_or_default();
    let next = root
        .get("nextLink")
        .filter(|link| link.as_text().is_some_and(|text| !text.is_empty()));
    let page = reading.pages.lists.entry((kind.clone(), subscription)).or_default();
    match next {
        None => page.0 = true,
        Some(link) if page.1.is_none() => {
            let message = format!("more pages of `{kind}` follow this one, and none of them is in the input");
            let location = locator.locate(link.span.start, link.span.end);
            let help = "give the pages that follow as well";
            page.1 = Some(Diagnostic::error("lost-page", message).at(location).help(help));
        }
        Some(_) => {}
    }
}

fn note_answer(reading: &mut Reading, root: &Node<'_>, items: &[Node<'_>], locator: &Locator<'_>) {
    let number = |node: &Node<'_>| match &node.value {
        Value::Number(digits) => digits.parse::<u64>().ok(),
        _ => None,
    };
    if let Some(node) = root.get("resultTruncated").filter(|node| is_true(node)) {
        let message = "Resource Graph cut this answer short, and the rest cannot be asked for";
        let help = "ask again with `project` keeping `id`, or for less at a time";
        let location = locator.locate(node.span.start, node.span.end);
        let token = ["$skipToken", "skipToken", "skip_token"]
            .into_iter()
            .find_map(|name| root.get(name));
        if token.and_then(Node::as_text).is_none() {
            reading.lose(Diagnostic::error("lost-page", message).at(location).help(help));
        }
    }
    let total_node = root.get("totalRecords").or_else(|| root.get("total_records"));
    let Some((node, total)) = total_node.and_then(|node| Some((node, number(node)?))) else {
        return;
    };
    let message = format!("Resource Graph counted {total} rows, and not all of them are in the input");
    let lost = Diagnostic::error("lost-page", message)
        .at(locator.locate(node.span.start, node.span.end))
        .help("follow `$skipToken` to the end and give every answer");
    reading.pages.answers.entry(total).or_insert((0, lost)).0 += items.len() as u64;
}

fn is_true(node: &Node<'_>) -> bool {
    matches!(node.value, Value::Bool(true)) || node.as_text().is_some_and(|text| text.eq_ignore_ascii_case("true"))
}
