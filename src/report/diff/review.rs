//! The report of the head, cut to what a reviewer has to look at: one finding for each machine that opens to the
//! internet, at the rule that opens it, and the findings that are new or have changed.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::entry::entries;
use crate::diff::{Comparison, Kind, Origin, PortChange, SubjectChange};
use crate::model::ResourceId;
use crate::report::{Report, RuleInfo, digest};
use crate::rule::baseline::BaselineState;
use crate::rule::waiver::OPENING_RULE;
use crate::rule::{Evidence, Finding, Severity, Subject, SubjectKind, Verdict};
use crate::source::Location;

/// Says of the whole state what an opening says of the change.
const EXPOSED_RULE: &str = "management-port-exposed";

pub fn review(comparison: &Comparison, head: &Report) -> Report {
    let opening: Vec<&SubjectChange> = comparison
        .changes
        .iter()
        .filter(|change| change.opens(Origin::Internet))
        .collect();
    let told: HashSet<&str> = opening.iter().map(|change| &*change.id).collect();
    let mut findings: Vec<Finding> = opening.iter().map(|change| finding(change, head)).collect();
    let new = comparison.findings.new.iter().map(|new| (new, BaselineState::New));
    let changed = comparison
        .findings
        .changed
        .iter()
        .map(|changed| (&changed.after, BaselineState::Updated));
    let others = new.chain(changed);
    let others = others.filter(|(finding, _)| !(&*finding.rule == EXPOSED_RULE && told.contains(&*finding.subject.id)));
    findings.extend(others.map(|(finding, state)| Finding {
        baseline: Some(state),
        ..finding.clone()
    }));
    let mut report = head.clone();
    if !opening.is_empty() {
        report.rules.insert(0, rule(opening.len() as u64));
    }
    report.summary.known = 0;
    report.findings = findings;
    report
}

fn finding(change: &SubjectChange, head: &Report) -> Finding {
    let opens = |port: &&PortChange| port.from == Origin::Internet && port.opens();
    let sentences: Vec<String> = entries(change)
        .iter()
        .filter(|entry| opens(&entry.change))
        .map(|entry| {
            let who = entry.change.opened.iter().chain(&entry.change.now_certain);
            let who: Vec<&str> = who.map(|sources| sources.words.as_str()).collect();
            format!("{} opens to {}", entry.title(), who.join(" and "))
        })
        .collect();
    let rules: Vec<_> = change
        .ports
        .iter()
        .filter(opens)
        .flat_map(|port| &port.after.rules)
        .collect();
    let through = rules
        .first()
        .map_or_else(String::new, |rule| format!(": {}", digest::decider_sentence(rule)));
    let wherever = match change.kind {
        Kind::Machine => "",
        Kind::Filter => ", wherever this group is attached",
    };
    let place = rules.iter().find_map(|rule| rule.location.clone());
    Finding {
        rule: Arc::from(OPENING_RULE),
        severity: Severity::High,
        verdict: Verdict::Unhealthy,
        subject: subject(change, place, head),
        cause: None,
        message: Arc::from(format!("{}{wherever}{through}", sentences.join("; "))),
        evidence: Arc::new(
            change
                .location
                .iter()
                .map(|location| stated(change, location))
                .collect(),
        ),
        gaps: Vec::new(),
        assumptions: Vec::new(),
        fingerprint: fingerprint(change),
        waiver: change.waiver.clone(),
        baseline: Some(BaselineState::New),
    }
}

fn subject(change: &SubjectChange, place: Option<Location>, head: &Report) -> Subject {
    let id = ResourceId::new(&change.id);
    let machine = head.machines.iter().position(|machine| machine.id == change.id);
    Subject {
        kind: match change.kind {
            Kind::Machine => SubjectKind::Vm,
            Kind::Filter => SubjectKind::SecurityRule,
        },
        id: change.id.clone(),
        name: change.name.clone(),
        subscription: Arc::from(id.subscription()),
        resource_group: Arc::from(id.resource_group()),
        machine: machine.and_then(|at| u32::try_from(at).ok()),
        location: place.or_else(|| change.location.clone()),
        shared: false,
    }
}

fn stated(change: &SubjectChange, location: &Location) -> Evidence {
    Evidence {
        label: Arc::from(match change.kind {
            Kind::Machine => "machine",
            Kind::Filter => "network security group",
        }),
        text: change.name.clone(),
        resource: Some(change.id.clone()),
        location: Some(location.clone()),
    }
}

fn fingerprint(change: &SubjectChange) -> Arc<str> {
    let what = format!("{OPENING_RULE}\n{}", ResourceId::new(&change.id).stable());
    let digest = Sha256::digest(what.as_bytes());
    let hex: Vec<String> = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    Arc::from(hex.concat())
}

fn rule(number: u64) -> RuleInfo {
    RuleInfo {
        id: Arc::from(OPENING_RULE),
        title: Arc::from("A change should not open management ports to the internet"),
        severity: Severity::High,
        digest: None,
        why: Arc::from(
            "Somebody on the internet reaches a management port after this change who did not reach it before.",
        ),
        fix: Arc::from(
            "Narrow the sources of the rule that is named, or use just-in-time access. If it is meant, let the \
             reviewers say so.",
        ),
        references: Vec::new(),
        standards: Vec::new(),
        params: BTreeMap::new(),
        counts: BTreeMap::from([(Verdict::Unhealthy, number)]),
    }
}
