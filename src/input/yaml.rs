//! YAML as a source of values: configurations and templates read files of it for their own. Knows on which line each value
//! stands, so that an exception in a comment there is about what takes its values from beside it. Must not know what the
//! values are for.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_yaml::Spanned;

use super::arm::expression::Value;
use crate::model::Suppression;
use crate::source::Location;

/// A value of a YAML text.
pub struct Node {
    /// From 1; of a key, none.
    line: u32,
    pub kind: Kind,
}

pub enum Kind {
    Null,
    Bool(bool),
    Int(i64),
    Large(u64),
    Float(f64),
    Text(Arc<str>),
    List(Vec<Node>),
    Map(Vec<(Node, Node)>),
}

/// Parses a text of one document.
pub fn parse(text: &str) -> Result<Node, serde_yaml::Error> {
    let root: Spanned<Kind> = serde_yaml::from_str(text)?;
    Ok(root.into())
}

impl From<Spanned<Kind>> for Node {
    fn from(spanned: Spanned<Kind>) -> Self {
        Node {
            line: u32::try_from(spanned.referenced.line()).unwrap_or_default(),
            kind: spanned.value,
        }
    }
}

impl<'de> Deserialize<'de> for Kind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Kind;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a YAML value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Kind, E> {
        Ok(Kind::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Kind, E> {
        Ok(Kind::Int(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Kind, E> {
        Ok(i64::try_from(value).map_or(Kind::Large(value), Kind::Int))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Kind, E> {
        Ok(Kind::Float(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Kind, E> {
        Ok(Kind::Text(Arc::from(value)))
    }

    fn visit_unit<E>(self) -> Result<Kind, E> {
        Ok(Kind::Null)
    }

    fn visit_none<E>(self) -> Result<Kind, E> {
        Ok(Kind::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Kind, D::Error> {
        Kind::deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Kind, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = sequence.next_element::<Spanned<Kind>>()? {
            items.push(item.into());
        }
        Ok(Kind::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Kind, A::Error> {
        let mut members = Vec::new();
        while let Some((key, value)) = map.next_entry::<Kind, Spanned<Kind>>()? {
            members.push((Node { line: 0, kind: key }, value.into()));
        }
        Ok(Kind::Map(members))
    }
}

/// A file whose comments speak of exceptions, and the texts that it gave as values. A value that is used as it was given
/// is the same text, so it is known again wherever it went.
pub struct Source {
    name: Arc<str>,
    text: Arc<str>,
    given: Vec<(Arc<str>, u32)>,
}

impl Source {
    /// `None` for a file that says nothing to the scanner.
    pub fn new(name: &str, text: impl AsRef<str> + Into<Arc<str>>) -> Option<Self> {
        Suppression::is_in(text.as_ref()).then(|| Source {
            name: Arc::from(name),
            text: text.into(),
            given: Vec::new(),
        })
    }

    /// Whether a text is that of the file, and not one that is made of it.
    pub fn is(&self, text: &Arc<str>) -> bool {
        Arc::ptr_eq(&self.text, text)
    }

    /// Notes what the file gives.
    pub fn note(&mut self, node: &Node) {
        self.note_at(node, node.line);
    }

    fn note_at(&mut self, node: &Node, line: u32) {
        match &node.kind {
            Kind::Text(text) => self.given.push((text.clone(), line)),
            Kind::List(items) => items.iter().for_each(|item| self.note(item)),
            Kind::Map(members) => members.iter().for_each(|(key, value)| {
                self.note_at(key, value.line);
                self.note(value);
            }),
            _ => {}
        }
    }
}

/// The exceptions in the comments of files, each about what takes a text from the part that it stands beside. `stated`:
/// resources by id, with their values.
pub fn exceptions<'v>(sources: &[Source], stated: impl Iterator<Item = (Arc<str>, &'v Value)>) -> Vec<Suppression> {
    let mut uses = Uses::default();
    for (file, source) in sources.iter().enumerate() {
        for (text, line) in &source.given {
            uses.places.entry(address(text)).or_default().push((file, *line));
        }
    }
    for (id, value) in stated {
        uses.of(&id, value);
    }
    let mut out = Vec::new();
    for (file, source) in sources.iter().enumerate() {
        let lines: Vec<&str> = source.text.lines().collect();
        for (at, column) in comments(&lines) {
            let part = part(&lines, at, column);
            let within = uses.found.iter().filter(|(place, _)| {
                let line = usize::try_from(place.1).unwrap_or_default();
                place.0 == file && part.as_ref().is_some_and(|part| part.contains(&line.wrapping_sub(1)))
            });
            let subjects: BTreeSet<Arc<str>> = within.map(|(_, id)| id.clone()).collect();
            let line = lines.get(at).copied().unwrap_or_default();
            let said = line.get(column..).unwrap_or_default();
            let read = Suppression::parse(said, place(&source.name, at, column, line), None);
            out.extend(read.map(|read| Suppression {
                subjects: subjects.into_iter().collect(),
                ..read
            }));
        }
    }
    out
}

/// A file that several take values from is one file: each of its comments is about what all of them take.
pub fn merge(suppressions: &mut Vec<Suppression>) {
    let mut known: HashMap<Location, usize> = HashMap::new();
    let mut merged: Vec<Suppression> = Vec::with_capacity(suppressions.len());
    for one in suppressions.drain(..) {
        let first = known.get(&one.location).and_then(|at| merged.get_mut(*at));
        match first.filter(|first| first.region.is_none() && one.region.is_none()) {
            Some(first) => {
                first.subjects.extend(one.subjects);
                first.subjects.sort();
                first.subjects.dedup();
            }
            None => {
                known.insert(one.location.clone(), merged.len());
                merged.push(one);
            }
        }
    }
    *suppressions = merged;
}

fn place(file: &Arc<str>, line: usize, column: usize, text: &str) -> Location {
    let count = |text: &str| u32::try_from(text.chars().count() + 1).unwrap_or(u32::MAX);
    let line = u32::try_from(line + 1).unwrap_or(u32::MAX);
    Location {
        file: file.clone(),
        line,
        column: count(text.get(..column).unwrap_or_default()),
        end_line: line,
        end_column: count(text),
    }
}

fn address(text: &Arc<str>) -> usize {
    Arc::as_ptr(text).cast::<u8>() as usize
}

/// A file and a line.
type Place = (usize, u32);

/// Which resource takes which text.
#[derive(Default)]
struct Uses {
    places: HashMap<usize, Vec<Place>>,
    found: BTreeSet<(Place, Arc<str>)>,
}

impl Uses {
    fn of(&mut self, id: &Arc<str>, value: &Value) {
        if let Some(text) = value.as_text() {
            let places = self.places.get(&address(text)).into_iter().flatten();
            self.found.extend(places.map(|place| (*place, id.clone())));
        }
        for item in value.as_list().unwrap_or_default() {
            self.of(id, item);
        }
        for (name, member) in value.as_object().unwrap_or_default() {
            match member.as_list().filter(|_| is_rules(name)) {
                Some(rules) => rules.iter().for_each(|rule| self.of(&rule_id(id, rule), rule)),
                None => self.of(id, member),
            }
        }
    }
}

/// Rules of a group are subjects of their own.
fn is_rules(name: &str) -> bool {
    name == "security_rule" || name.eq_ignore_ascii_case("securityRules")
}

fn rule_id(group: &Arc<str>, rule: &Value) -> Arc<str> {
    match rule.get("name").and_then(Value::name) {
        Some(name) => Arc::from(format!("{group}/securityRules/{name}")),
        None => group.clone(),
    }
}

/// The comments that say something to the scanner: the index of the line and the byte at which each begins.
fn comments(lines: &[&str]) -> Vec<(usize, usize)> {
    let spoken = lines.iter().enumerate().filter(|(_, line)| Suppression::is_in(line));
    let found = spoken.filter_map(|(at, line)| Some((at, comment(line)?)));
    found
        .filter(|(at, column)| {
            lines
                .get(*at)
                .is_some_and(|line| line.get(*column..).is_some_and(Suppression::is_in))
        })
        .collect()
}

/// Where the comment of a line begins: at a `#` behind a blank, outside of quotes.
fn comment(line: &str) -> Option<usize> {
    let mut quote = None;
    let mut before = ' ';
    for (at, c) in line.char_indices() {
        match (quote, c) {
            (Some(open), c) if c == open && before != '\\' => quote = None,
            (Some(_), _) => {}
            // Within a word they are signs like others.
            (None, '"' | '\'') if " [{,:-".contains(before) => quote = Some(c),
            (None, '#') if before.is_whitespace() => return Some(at),
            _ => {}
        }
        before = c;
    }
    None
}

/// The lines of what a comment is about: the element or mapping that begins on its line or the next one, else the one that
/// it stands in.
fn part(lines: &[&str], at: usize, column: usize) -> Option<Range<usize>> {
    let own = lines.get(at)?.get(..column)?;
    let first = match own.trim().is_empty() {
        false => Some(at),
        true => (at + 1..lines.len()).find(|next| says(lines, *next)),
    };
    let own = indent(lines, at);
    match first {
        Some(first) if first == at || indent(lines, first) >= own => match is_part(lines.get(first)?) {
            true => Some(first..end(lines, first)),
            false => around(lines, first, indent(lines, first)),
        },
        _ => around(lines, at, own),
    }
}

fn around(lines: &[&str], at: usize, indented: usize) -> Option<Range<usize>> {
    let first = (0..at)
        .rev()
        .find(|before| says(lines, *before) && indent(lines, *before) < indented)?;
    Some(first..end(lines, first))
}

fn end(lines: &[&str], first: usize) -> usize {
    let own = indent(lines, first);
    let is_element = |at: usize| lines.get(at).is_some_and(|line| line.trim_start().starts_with('-'));
    let is_behind = |at: &usize| {
        let next = indent(lines, *at);
        // The list of a key may be no further in than the key.
        let below = next == own && is_element(*at) && !is_element(first);
        says(lines, *at) && next <= own && !below
    };
    (first + 1..lines.len()).find(is_behind).unwrap_or(lines.len())
}

/// Whether a line is neither blank nor a comment.
fn says(lines: &[&str], at: usize) -> bool {
    let line = lines.get(at).map_or("", |line| line.trim());
    !line.is_empty() && !line.starts_with('#')
}

fn indent(lines: &[&str], at: usize) -> usize {
    lines.get(at).map_or(0, |line| line.len() - line.trim_start().len())
}

/// Whether a line begins an element of a list, or a mapping.
fn is_part(line: &str) -> bool {
    let said = comment(line).and_then(|at| line.get(..at)).unwrap_or(line).trim();
    said.starts_with("- ") || said == "-" || said.ends_with(':') || said.contains(": {") || said.contains(": [")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lines, from 1, of what each comment of a text is about.
    fn parts(text: &str) -> Vec<Option<(usize, usize)>> {
        let lines: Vec<&str> = text.lines().collect();
        let of = |(at, column)| part(&lines, at, column).map(|part| (part.start + 1, part.end));
        comments(&lines).into_iter().map(of).collect()
    }

    #[test]
    fn a_comment_is_about_what_follows_or_is_beside_or_around_it() {
        let text = "rules:\n  # portcullis:ignore a\n  - name: x\n    port: 22\n  - name: y\n    # portcullis:ignore b\n    port: 1\n  \
                    - name: z # portcullis:ignore c\n    port: 2 # portcullis:ignore d\nother: 1\n";
        assert_eq!(parts(text), [Some((3, 4)), Some((5, 7)), Some((8, 9)), Some((8, 9))]);
        let text = "# portcullis:ignore a\nrules:\n- x\n- y\nmore:\n  ssh: { a: 1 } # portcullis:ignore b\n  # portcullis:ignore c\n";
        assert_eq!(parts(text), [Some((2, 4)), Some((6, 7)), Some((5, 7))]);
        assert_eq!(parts("a: 1\n# portcullis:ignore x\nb: 1\n"), [None]);
    }

    #[test]
    fn what_stands_in_quotes_is_no_comment() {
        assert_eq!(
            parts("a: \"x # portcullis:ignore a\"\nb: it's # portcullis:ignore b\n"),
            [None]
        );
    }

    #[test]
    fn texts_are_known_by_the_line_on_which_they_stand() {
        let text: Arc<str> = Arc::from("# portcullis:ignore\na:\n  - b: c\n    d:\n      e: &x f\ng: *x\n");
        let mut source = Source::new("x.yaml", text.clone()).unwrap();
        source.note(&parse(&text).unwrap());
        let given: Vec<(&str, u32)> = source.given.iter().map(|(text, line)| (&**text, *line)).collect();
        for expected in [("c", 3), ("f", 5), ("f", 6)] {
            assert!(given.contains(&expected), "{given:?}");
        }
    }
}
