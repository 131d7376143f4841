//! Standards: which controls of which framework are met, which are not, and which nobody could judge. Microsoft's mapping
//! and this tool's own stay apart. Must not know any format.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde::Serialize;

use crate::report::{MappedBy, Report};
use crate::rule::Verdict;

/// How a control stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    NotMet,
    /// An unknown decides, something was not read, or nothing was there to judge.
    NotJudged,
    Met,
}

impl Standing {
    pub const ALL: [Standing; 3] = [Standing::NotMet, Standing::NotJudged, Standing::Met];

    pub fn as_str(self) -> &'static str {
        match self {
            Standing::NotMet => "not_met",
            Standing::NotJudged => "not_judged",
            Standing::Met => "met",
        }
    }

    pub fn label(self) -> &'static str {
        match self {
            Standing::NotMet => "not met",
            Standing::NotJudged => "not judged",
            Standing::Met => "met",
        }
    }
}

/// One control, as the rules that are mapped to it judge it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Control {
    pub control: Arc<str>,
    /// Whose judgement the mapping is.
    pub by: MappedBy,
    pub standing: Standing,
    /// Ids of the rules that are mapped to it, sorted.
    pub rules: Vec<Arc<str>>,
    /// Unhealthy findings that are not waived, those that a baseline holds among them.
    pub open: u64,
    pub undetermined: u64,
    pub waived: u64,
}

/// One framework with its controls; those of Microsoft's mapping first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FrameworkStanding {
    pub framework: Arc<str>,
    pub title: Arc<str>,
    pub controls: Vec<Control>,
}

impl FrameworkStanding {
    pub fn count(&self, standing: Standing) -> u64 {
        self.controls
            .iter()
            .filter(|control| control.standing == standing)
            .count() as u64
    }
}

/// What one rule found.
#[derive(Clone, Copy, Default)]
struct Found {
    open: u64,
    undetermined: u64,
    waived: u64,
    /// Whether it judged anything at all, and whether all of it.
    judged: bool,
    whole: bool,
}

/// By whose mapping and name.
type Controls<'r> = BTreeMap<(MappedBy, &'r str), Control>;

/// Every framework that any rule of the report is mapped to, by name. `subscription`: of that one alone.
pub fn frameworks(report: &Report, subscription: Option<&str>) -> Vec<FrameworkStanding> {
    let found = found(report, subscription);
    let mut frameworks: BTreeMap<&str, (Arc<str>, Controls<'_>)> = BTreeMap::new();
    for rule in &report.rules {
        let of_rule = found.get(&*rule.id).copied().unwrap_or_default();
        for mapping in &rule.standards {
            let (_, controls) = frameworks
                .entry(&mapping.framework)
                .or_insert_with(|| (mapping.title.clone(), BTreeMap::new()));
            for name in &mapping.controls {
                let control = controls
                    .entry((mapping.by, name))
                    .or_insert_with(|| empty(name, mapping.by));
                add(control, &rule.id, of_rule);
            }
        }
    }
    let framework = |(name, (title, controls)): (&str, (Arc<str>, BTreeMap<_, Control>))| {
        let mut controls: Vec<Control> = controls.into_values().collect();
        controls.sort_by_cached_key(|control| (control.by, natural(&control.control)));
        FrameworkStanding {
            framework: Arc::from(name),
            title,
            controls,
        }
    };
    frameworks.into_iter().map(framework).collect()
}

fn empty(control: &Arc<str>, by: MappedBy) -> Control {
    Control {
        control: control.clone(),
        by,
        standing: Standing::Met,
        rules: Vec::new(),
        open: 0,
        undetermined: 0,
        waived: 0,
    }
}

fn add(control: &mut Control, rule: &Arc<str>, found: Found) {
    if control.rules.contains(rule) {
        return;
    }
    control.rules.push(rule.clone());
    control.rules.sort();
    control.open += found.open;
    control.undetermined += found.undetermined;
    control.waived += found.waived;
    let standing = if found.open > 0 {
        Standing::NotMet
    } else if found.undetermined > 0 || !found.judged || !found.whole {
        Standing::NotJudged
    } else {
        Standing::Met
    };
    control.standing = control.standing.min(standing);
}

fn found<'r>(report: &'r Report, subscription: Option<&str>) -> HashMap<&'r str, Found> {
    let is_asked = |id: &str| subscription.is_none_or(|asked| asked.eq_ignore_ascii_case(id));
    let whole = match subscription {
        None => report.scan.complete,
        Some(_) => {
            let mut read = report.scan.subscriptions.iter().filter(|one| is_asked(&one.id));
            report.scan.lost.is_empty() && read.all(|one| one.complete)
        }
    };
    let machines = report.machines.iter().any(|machine| is_asked(&machine.subscription));
    let judged = |rule: &crate::report::RuleInfo| match subscription {
        None => [Verdict::Healthy, Verdict::Unhealthy]
            .iter()
            .any(|verdict| rule.counts.contains_key(verdict)),
        Some(_) => machines,
    };
    let begin = |rule: &'r crate::report::RuleInfo| {
        let found = Found {
            judged: judged(rule),
            whole,
            ..Found::default()
        };
        (&*rule.id, found)
    };
    let mut all: HashMap<&str, Found> = report.rules.iter().map(begin).collect();
    for finding in report
        .findings
        .iter()
        .filter(|finding| is_asked(&finding.subject.subscription))
    {
        let Some(found) = all.get_mut(&*finding.rule) else {
            continue;
        };
        found.judged = true;
        match (finding.waiver.is_some(), finding.verdict) {
            (true, _) => found.waived += 1,
            (false, Verdict::Undetermined) => found.undetermined += 1,
            (false, _) => found.open += 1,
        }
    }
    all
}

/// `AC-4` before `AC-17`: numbers in a name compare as numbers.
fn natural(name: &str) -> Vec<(u64, String)> {
    let mut parts: Vec<(u64, String)> = Vec::new();
    let mut rest = name;
    while !rest.is_empty() {
        let words = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        let (word, numbered) = rest.split_at(words);
        let digits = numbered.find(|c: char| !c.is_ascii_digit()).unwrap_or(numbered.len());
        let (number, next) = numbered.split_at(digits);
        parts.push((0, word.to_owned()));
        parts.push((number.parse().unwrap_or(u64::MAX), String::new()));
        rest = next;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_names_compare_as_numbers() {
        let mut names = ["AC-17", "AC-4(3)", "AC-4", "3.13.15", "3.13.2", "SC-7"];
        names.sort_by_key(|name| natural(name));
        assert_eq!(names, ["3.13.2", "3.13.15", "AC-4", "AC-4(3)", "AC-17", "SC-7"]);
    }
}
