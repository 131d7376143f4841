//! Which machine of the base is which of the head. By id; then by what is stable in ids that templates only half know;
//! never by what a machine lets in.

use std::collections::HashMap;

use super::model::Kind;
use super::side::{Side, Subject};

/// Subjects that are the same, and those of one side only.
pub(super) struct Pairs<'s> {
    pub both: Vec<(&'s Subject, &'s Subject)>,
    pub removed: Vec<&'s Subject>,
    pub added: Vec<&'s Subject>,
}

/// A way to know a machine again.
struct Key {
    of: fn(&Subject) -> Option<String>,
    /// It says so little that it must not have to choose.
    only_one: bool,
    /// Only for two of which one is not deployed yet.
    placeholder: bool,
}

/// From what is surest to what is least sure.
const KEYS: &[Key] = &[
    Key {
        of: whole_id,
        only_one: false,
        placeholder: false,
    },
    Key {
        of: in_the_same_file,
        only_one: false,
        placeholder: true,
    },
    Key {
        of: without_placeholder,
        only_one: false,
        placeholder: true,
    },
    Key {
        of: type_and_name,
        only_one: true,
        placeholder: true,
    },
    Key {
        of: without_symbols,
        only_one: true,
        placeholder: true,
    },
];

pub(super) fn pairs<'s>(base: &'s Side, head: &'s Side) -> Pairs<'s> {
    let mut pairs = Pairs {
        both: Vec::new(),
        removed: base.subjects.iter().collect(),
        added: head.subjects.iter().collect(),
    };
    KEYS.iter().for_each(|key| pairs.join(key));
    pairs
}

impl<'s> Pairs<'s> {
    fn join(&mut self, by: &Key) {
        let key = |subject: &Subject| (by.of)(subject).map(|key| (subject.kind, key));
        let mut left: HashMap<(Kind, String), Vec<&'s Subject>> = HashMap::new();
        let mut right: HashMap<(Kind, String), usize> = HashMap::new();
        for subject in self.removed.iter().rev() {
            if let Some(key) = key(subject) {
                left.entry(key).or_default().push(subject);
            }
        }
        for key in self.added.iter().filter_map(|subject| key(subject)) {
            *right.entry(key).or_default() += 1;
        }
        let mut added = Vec::new();
        let mut joined: Vec<*const Subject> = Vec::new();
        for subject in std::mem::take(&mut self.added) {
            let own = key(subject);
            let count = own.as_ref().and_then(|own| right.get(own)).copied().unwrap_or(0);
            let there = own.and_then(|own| left.get_mut(&own));
            let there = there.filter(|there| !by.only_one || (there.len() == 1 && count == 1));
            let suits = |other: &&Subject| !by.placeholder || is_placeholder(other) || is_placeholder(subject);
            let there = there.filter(|there| there.last().is_some_and(suits));
            match there.and_then(Vec::pop) {
                Some(other) => {
                    joined.push(std::ptr::from_ref(other));
                    self.both.push((other, subject));
                }
                None => added.push(subject),
            }
        }
        joined.sort_unstable();
        self.removed
            .retain(|subject| joined.binary_search(&std::ptr::from_ref(*subject)).is_err());
        self.added = added;
    }
}

fn is_placeholder(subject: &Subject) -> bool {
    subject.id.is_placeholder()
}

fn whole_id(subject: &Subject) -> Option<String> {
    Some(subject.id.as_str().to_ascii_lowercase())
}

/// The resource group that nobody names is called like the file, which may have been renamed.
fn without_placeholder(subject: &Subject) -> Option<String> {
    let stable = subject.id.stable();
    stable.starts_with("/providers/").then_some(stable)
}

/// Of several configurations that name things alike, the one in the same file.
fn in_the_same_file(subject: &Subject) -> Option<String> {
    let file = &subject.location.as_ref()?.file;
    Some(format!("{}\n{file}", without_placeholder(subject)?))
}

/// A recording against a template: one knows the group, the other does not.
fn type_and_name(subject: &Subject) -> Option<String> {
    let stable = subject.id.stable();
    let at = stable.rfind("/providers/")?;
    stable.get(at..).map(str::to_owned)
}

/// Names made of parameters that have no value, whatever the parameters are called.
fn without_symbols(subject: &Subject) -> Option<String> {
    let name = type_and_name(subject)?;
    if !name.contains('{') {
        return None;
    }
    let mut plain = String::with_capacity(name.len());
    let mut depth = 0usize;
    for character in name.chars() {
        match character {
            '{' => depth += 1,
            '}' if depth > 0 => {
                depth -= 1;
                plain.push('\u{0}');
            }
            _ if depth == 0 => plain.push(character),
            _ => {}
        }
    }
    Some(plain)
}
