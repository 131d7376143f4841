//! Several reports as one: shards of one night, or the last scan of each part of an estate. Where two speak of the same
//! part, the younger one holds.

use std::collections::{HashMap, HashSet};

use crate::report::{Report, RuleInfo, Subscription};
use crate::rule::{Finding, Verdict};

/// Joins reports in the order of their making; `None` for none at all.
pub fn join(mut reports: Vec<Report>) -> Option<Report> {
    reports.sort_by(|a, b| moment(a).cmp(moment(b)));
    if reports.len() < 2 {
        return reports.pop();
    }
    let holders = holders(&reports);
    let mut joined: Option<Report> = None;
    for (number, mut report) in reports.into_iter().enumerate() {
        retain(&mut report, number, &holders);
        match &mut joined {
            None => joined = Some(report),
            Some(all) => append(all, report),
        }
    }
    let mut report = joined?;
    finish(&mut report);
    Some(report)
}

fn moment(report: &Report) -> &str {
    report.scan.recorded.as_deref().unwrap_or(&report.scan.generated)
}

/// Which report speaks for each subscription: the last one.
fn holders(reports: &[Report]) -> HashMap<String, usize> {
    let mut holders = HashMap::new();
    for (number, report) in reports.iter().enumerate() {
        for subscription in subscriptions(report) {
            holders.insert(subscription, number);
        }
    }
    holders
}

fn subscriptions(report: &Report) -> HashSet<String> {
    let read = report.scan.subscriptions.iter().map(|one| &one.id);
    let judged = report.machines.iter().map(|machine| &machine.subscription);
    read.chain(judged).map(|id| id.to_ascii_lowercase()).collect()
}

/// Leaves out what another report speaks for, and numbers the machines anew.
fn retain(report: &mut Report, number: usize, holders: &HashMap<String, usize>) {
    let holds = |id: &str| {
        holders
            .get(&id.to_ascii_lowercase())
            .is_none_or(|holder| *holder == number)
    };
    let mut places: HashMap<u32, u32> = HashMap::new();
    let before = report.machines.len();
    let mut kept = Vec::with_capacity(before);
    for (place, machine) in report.machines.drain(..).enumerate() {
        if holds(&machine.subscription) {
            places.insert(cut(place), cut(kept.len()));
            kept.push(machine);
        }
    }
    if kept.len() < before {
        // Of whom a rule has nothing to say is not in a report, so what is left of these counts is not known.
        for rule in &mut report.rules {
            rule.counts
                .retain(|verdict, _| matches!(verdict, Verdict::Unhealthy | Verdict::Undetermined));
        }
    }
    report.machines = kept;
    report.findings.retain(|finding| holds(&finding.subject.subscription));
    for finding in &mut report.findings {
        let place = finding.subject.machine;
        finding.subject.machine = place.and_then(|place| places.get(&place).copied());
    }
    report.scan.subscriptions.retain(|subscription| holds(&subscription.id));
}

fn cut(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}

fn append(all: &mut Report, mut next: Report) {
    let before = cut(all.machines.len());
    for finding in &mut next.findings {
        finding.subject.machine = finding.subject.machine.map(|place| place.saturating_add(before));
    }
    all.machines.append(&mut next.machines);
    all.findings.append(&mut next.findings);
    all.diagnostics.append(&mut next.diagnostics);
    all.scan.subscriptions.append(&mut next.scan.subscriptions);
    all.scan.lost.append(&mut next.scan.lost);
    all.scan.least_severity = all.scan.least_severity.max(next.scan.least_severity);
    all.scan.inputs.append(&mut next.scan.inputs);
    all.scan.ports.append(&mut next.scan.ports);
    all.scan.generated = all.scan.generated.clone().max(next.scan.generated);
    all.scan.recorded = all.scan.recorded.take().max(next.scan.recorded);
    all.tool = next.tool;
    all.summary.known += next.summary.known;
    next.assumptions
        .retain(|assumption| !all.assumptions.contains(assumption));
    all.assumptions.append(&mut next.assumptions);
    next.rules.into_iter().for_each(|rule| join_rule(&mut all.rules, rule));
}

fn join_rule(rules: &mut Vec<RuleInfo>, next: RuleInfo) {
    match rules.iter_mut().find(|rule| rule.id == next.id) {
        None => rules.push(next),
        Some(rule) => {
            let counts = std::mem::take(&mut rule.counts);
            *rule = next;
            for (verdict, count) in counts {
                *rule.counts.entry(verdict).or_default() += count;
            }
        }
    }
}

fn finish(report: &mut Report) {
    once(&mut report.scan.inputs);
    report.scan.ports.sort_unstable();
    report.scan.ports.dedup();
    report.scan.subscriptions.sort_by(|a: &Subscription, b| a.id.cmp(&b.id));
    report.findings.sort_by(order);
    let mut seen = HashSet::new();
    report.diagnostics.retain(|diagnostic| seen.insert(diagnostic.clone()));
    count(report);
    let whole = report
        .scan
        .subscriptions
        .iter()
        .all(|subscription| subscription.complete);
    report.scan.complete = whole && report.scan.lost.is_empty();
    report.summary = crate::report::summary::of(&report.machines, &report.findings);
}

/// What was found is counted anew, since a report may have been left out in part.
fn count(report: &mut Report) {
    for rule in &mut report.rules {
        for verdict in [Verdict::Unhealthy, Verdict::Undetermined] {
            let found = report
                .findings
                .iter()
                .filter(|one| one.rule == rule.id && one.verdict == verdict);
            match found.count() as u64 {
                0 => drop(rule.counts.remove(&verdict)),
                count => drop(rule.counts.insert(verdict, count)),
            }
        }
    }
}

/// The order of every report: worst first, then by rule and subject.
fn order(a: &Finding, b: &Finding) -> std::cmp::Ordering {
    let key = |finding: &Finding| {
        (
            std::cmp::Reverse(finding.severity),
            finding.verdict == Verdict::Undetermined,
        )
    };
    key(a)
        .cmp(&key(b))
        .then_with(|| (&a.rule, &a.subject.id).cmp(&(&b.rule, &b.subject.id)))
}

fn once(texts: &mut Vec<String>) {
    let mut seen = HashSet::new();
    texts.retain(|text| seen.insert(text.clone()));
}
