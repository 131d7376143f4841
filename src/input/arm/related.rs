//! Which parameters the values in a template come from: noted while expressions are evaluated, kept as places in the end.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use super::super::{Reading, Relation};
use super::lower::Resource;
use crate::source::Locator;
use crate::syntax::Span;

/// A parameter that an expression asked for, with the place that gives its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    name: Arc<str>,
    file: usize,
    span: Span,
    default: bool,
}

/// File, start and end.
type Place = (usize, usize, usize);

/// Where values are used, and the parameters that each comes from.
pub type Trail = BTreeMap<Place, Vec<Asked>>;

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

/// Keeps of each resource what the values in it come from. A parameter whose value another one gives is followed to that.
pub fn keep(reading: &mut Reading, resources: &[Resource], trail: &Trail, locators: &[&Locator<'_>]) {
    let located = |(file, start, end): Place| Some(locators.get(file)?.locate(start, end));
    for resource in resources.iter().filter(|resource| is_traced(&resource.resource_type)) {
        let span = resource.value.span;
        let Some(region) = located((resource.file, span.start, span.end)) else {
            continue;
        };
        // What is said of a rule is said of all of it.
        let rules = rules_of(resource);
        let within = trail.range((resource.file, span.start, 0)..(resource.file, span.end, 0));
        let mut related = Vec::new();
        for place in within.map(|(place, _)| *place) {
            let whole = rules
                .iter()
                .copied()
                .find(|rule| rule.start <= place.1 && place.2 <= rule.end);
            let Some(part) = whole.map_or_else(|| located(place), |rule| located((place.0, rule.start, rule.end)))
            else {
                continue;
            };
            let mut found: Vec<&Asked> = Vec::new();
            follow(trail, place, &mut found);
            for one in found {
                let what = match one.default {
                    true => format!("`{}`, by default", one.name),
                    false => format!("`{}`", one.name),
                };
                let given = located((one.file, one.span.start, one.span.end));
                related.extend(given.map(|given| (part.clone(), Relation::new("value", &what, given))));
            }
        }
        if !related.is_empty() {
            reading.relations.add(&resource.id, region, related);
        }
    }
}

/// The regions of the rules that a group states and of the machines that a policy protects, or that of the whole resource.
fn rules_of(resource: &Resource) -> Vec<Span> {
    let properties = resource.value.get("properties");
    let listed = |name: &str| properties.and_then(|properties| properties.get(name)?.as_list());
    match listed("securityRules").or_else(|| listed("virtualMachines")) {
        Some(rules) => rules.iter().map(|rule| rule.span).collect(),
        None => vec![resource.value.span],
    }
}

/// Whether readers want to know of its values which parameters they come from. The type is in lower case.
pub fn is_traced(resource_type: &str) -> bool {
    resource_type.starts_with("microsoft.network/networksecuritygroups")
        || resource_type == "microsoft.security/locations/jitnetworkaccesspolicies"
}

fn follow<'t>(trail: &'t Trail, place: Place, found: &mut Vec<&'t Asked>) {
    for one in trail.get(&place).into_iter().flatten() {
        if found.len() < MOST && !found.contains(&one) {
            found.push(one);
            follow(trail, (one.file, one.span.start, one.span.end), found);
        }
    }
}
