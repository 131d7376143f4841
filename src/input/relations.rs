//! Where else statements come from than from where they stand: calls of modules, and values of variables and parameters.
//! Notations fill it, and reports relate their findings to it. Must not know any notation.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::source::Location;

/// Another place, and what stands there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relation {
    /// What kind of place it is: `module call`, `value`.
    pub label: &'static str,
    /// What stands there, such as "`var.ports`".
    pub what: Arc<str>,
    pub location: Location,
}

impl Relation {
    pub fn new(label: &'static str, what: &str, location: Location) -> Self {
        Relation {
            label,
            what: Arc::from(what),
            location,
        }
    }
}

/// Relations by the statements that they are of.
#[derive(Debug, Default)]
pub struct Relations {
    files: HashMap<Arc<str>, Statements>,
}

/// The statements of one file by the line and column at which they begin.
type Statements = BTreeMap<(u32, u32), Vec<Statement>>;

/// A resource as it is stated. One text may state several, where a module is called more than once.
#[derive(Debug)]
struct Statement {
    /// In lower case.
    id: String,
    region: Location,
    /// Each with the part of the statement that it is of.
    related: Vec<(Location, Relation)>,
}

impl Relations {
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Notes what the statement of a resource comes from; `related` has the part of it that each is of, or all of it.
    pub fn add(&mut self, id: &str, region: Location, related: Vec<(Location, Relation)>) {
        let file = self.files.entry(region.file.clone()).or_default();
        file.entry(start(&region)).or_default().push(Statement {
            id: id.to_ascii_lowercase(),
            region,
            related,
        });
    }

    /// Takes in what was noted apart, behind what is here.
    pub fn absorb(&mut self, other: Relations) {
        for (file, statements) in other.files {
            let here = self.files.entry(file).or_default();
            for (place, more) in statements {
                here.entry(place).or_default().extend(more);
            }
        }
    }

    /// What comes from elsewhere of that which stands at a place and is of a resource, or of a part of it.
    pub fn of<'r>(&'r self, id: &str, place: &'r Location) -> impl Iterator<Item = &'r Relation> {
        let id = id.to_ascii_lowercase();
        let before = self
            .files
            .get(&place.file)
            .and_then(|file| file.range(..=start(place)).next_back());
        let here = before.map_or(&[][..], |(_, statements)| statements);
        let found = here
            .iter()
            .filter(move |one| contains(&one.region, place) && is_of(&one.id, &id));
        let related = found.flat_map(|one| &one.related);
        related
            .filter(|(part, _)| contains(part, place))
            .map(|(_, relation)| relation)
    }
}

fn start(place: &Location) -> (u32, u32) {
    (place.line, place.column)
}

fn contains(region: &Location, place: &Location) -> bool {
    (start(region)..(region.end_line, region.end_column)).contains(&start(place))
}

/// Whether two ids are one, or one is of a part of the other.
fn is_of(one: &str, other: &str) -> bool {
    let part = |whole: &str, part: &str| {
        part.strip_prefix(whole)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    part(one, other) || part(other, one)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(file: &str, line: u32, end_line: u32) -> Location {
        Location {
            file: file.into(),
            line,
            column: 1,
            end_line,
            end_column: 2,
        }
    }

    #[test]
    fn of_two_uses_of_one_text_each_has_its_own() {
        let mut relations = Relations::default();
        for (id, line) in [("/A/nsgs/one", 3), ("/A/nsgs/two", 9)] {
            let call = Relation::new("module call", "module `m`", lines("main.tf", line, line));
            let rule = Relation::new("value", "`var.x`", lines("main.tf", line + 1, line + 1));
            let all = vec![(lines("m.tf", 1, 20), call), (lines("m.tf", 5, 8), rule)];
            relations.add(id, lines("m.tf", 1, 20), all);
        }
        let at = |id: &str, line: u32| {
            let place = lines("m.tf", line, line);
            relations
                .of(id, &place)
                .map(|one| one.location.line)
                .collect::<Vec<_>>()
        };
        assert_eq!(at("/a/nsgs/TWO/securityRules/ssh", 5), [9, 10]);
        assert_eq!(at("/a/nsgs/one", 12), [3]);
        assert_eq!(at("/a/nsgs/on", 5), [0; 0]);
        assert_eq!(at("/a/nsgs/one", 30), [0; 0]);
    }
}
