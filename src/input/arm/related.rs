//! Which parameters the values in a template come from: noted while expressions are evaluated, kept as places in the end.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use super::super::Reading;
use crate::source::{Location, Locator};
use crate::syntax::Span;

/// A parameter that an expression asked for, with the place that gives its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    name: Arc<str>,
    file: usize,
    span: Span,
    default: bool,
}

/// Where a value is used: file, start and end; and the parameters that it comes from.
pub type Trail = HashMap<(usize, usize, usize), Vec<Asked>>;

/// A parameter that a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Related {
    pub name: Arc<str>,
    /// Whether the value is the default, because nobody gave another.
    pub default: bool,
    /// Where its value stands.
    pub location: Location,
}

/// Most parameters that are told of one value.
const MOST: usize = 8;

/// What is asked for while a template is evaluated.
#[derive(Default)]
pub struct Notes {
    asked: RefCell<Vec<Asked>>,
    trail: RefCell<Trail>,
    /// Whether the uses of values are of interest just now.
    on: Cell<bool>,
}

impl Notes {
    pub fn asked(&self, name: &str, file: usize, span: Span, default: bool) {
        let name = Arc::from(name);
        self.asked.borrow_mut().push(Asked {
            name,
            file,
            span,
            default,
        });
    }

    /// Begins to note what is asked for.
    pub fn mark(&self) -> usize {
        self.asked.borrow().len()
    }

    /// What was asked for since a mark, each once, to be asked for again by those who find the value remembered.
    pub fn since(&self, mark: usize) -> Rc<[Asked]> {
        let asked = self.asked.borrow();
        let mut once: Vec<Asked> = Vec::new();
        for one in asked.get(mark..).unwrap_or_default() {
            if once.len() < MOST && !once.contains(one) {
                once.push(one.clone());
            }
        }
        once.into()
    }

    pub fn again(&self, known: &[Asked]) {
        self.asked.borrow_mut().extend_from_slice(known);
    }

    /// Forgets what was asked for since a mark: whatever stands around does not depend on it.
    pub fn forget(&self, mark: usize) {
        self.asked.borrow_mut().truncate(mark);
    }

    /// Notes the uses of values while something runs.
    pub fn watching<T>(&self, on: bool, run: impl FnOnce() -> T) -> T {
        let before = self.on.replace(on);
        let result = run();
        self.on.set(before);
        result
    }

    pub fn is_on(&self) -> bool {
        self.on.get()
    }

    /// The value at a place comes from what was asked for since a mark.
    pub fn used(&self, file: usize, span: Span, mark: usize) {
        let asked = self.asked.borrow();
        let Some(since) = asked.get(mark..).filter(|since| !since.is_empty()) else {
            return;
        };
        let mut trail = self.trail.borrow_mut();
        add(trail.entry((file, span.start, span.end)).or_default(), since);
    }

    pub fn into_inner(self) -> Trail {
        self.trail.into_inner()
    }
}

/// Adds the trail of another deployment.
pub fn join(trail: &mut Trail, other: Trail) {
    for (place, asked) in other {
        add(trail.entry(place).or_default(), &asked);
    }
}

fn add(known: &mut Vec<Asked>, asked: &[Asked]) {
    for one in asked {
        if known.len() < MOST && !known.contains(one) {
            known.push(one.clone());
        }
    }
}

/// Keeps a trail as places. A parameter whose value another one gives is followed to that.
pub fn keep(reading: &mut Reading, trail: Trail, locators: &[&Locator<'_>]) {
    let located = |(file, start, end): (usize, usize, usize)| Some(locators.get(file)?.locate(start, end));
    for place in trail.keys() {
        let Some(used) = located(*place) else { continue };
        let mut found: Vec<&Asked> = Vec::new();
        follow(&trail, *place, &mut found);
        let known = reading.related.entry(used).or_default();
        for one in found {
            let Some(location) = located((one.file, one.span.start, one.span.end)) else {
                continue;
            };
            let related = Related {
                name: one.name.clone(),
                default: one.default,
                location,
            };
            if known.len() < MOST && !known.contains(&related) {
                known.push(related);
            }
        }
    }
}

fn follow<'t>(trail: &'t Trail, place: (usize, usize, usize), found: &mut Vec<&'t Asked>) {
    for one in trail.get(&place).into_iter().flatten() {
        if found.len() < MOST && !found.contains(&one) {
            found.push(one);
            follow(trail, (one.file, one.span.start, one.span.end), found);
        }
    }
}
