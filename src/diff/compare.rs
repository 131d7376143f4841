//! The comparison of two sides, from pairs of machines to the numbers of the summary.

use rayon::prelude::*;

use std::sync::Arc;

use super::model::{
    Comparison, End, FORMAT_VERSION, FindingChanges, Kind, Origin, Presence, SubjectChange, Summary, VerdictChange,
};
use super::pair::{Pairs, pairs};
use super::side::{Side, Subject};
use super::{delta, findings, words};
use crate::rule::assess::FLOW_RULE;
use crate::source::Level;

/// How the user named the two sides, and the commits that they are.
#[derive(Clone, Debug, Default)]
pub struct Ends {
    pub base: (String, Option<String>),
    pub head: (String, Option<String>),
}

/// Compares two estates that were judged for the same ports.
pub fn compare(base: &Side, head: &Side, ports: &[u16], ends: &Ends) -> Comparison {
    let pairs = pairs(base, head);
    let mut not_stated = Vec::new();
    let mut changes = subject_changes(&pairs, ports);
    // A part does not say what there is no more, nor does what was only half read.
    if (base.whole && !head.whole) || !head.complete {
        changes.retain(|change| change.presence != Presence::Removed);
        let machines = pairs.removed.iter().filter(|subject| subject.kind == Kind::Machine);
        not_stated.extend(machines.map(|subject| subject.id.text().clone()));
    }
    changes.sort_by_cached_key(gravity);
    let mut findings = findings::changes(&base.findings, &head.findings);
    if !head.complete {
        // What was not read may hide them.
        findings.fixed.clear();
    } else if base.whole && !head.whole {
        findings.fixed.retain(|finding| is_stated(&pairs, &finding.subject.id));
    }
    let mut comparison = Comparison {
        format_version: FORMAT_VERSION,
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        base: end(base, &ends.base),
        head: end(head, &ends.head),
        ports: ports.to_vec(),
        sentence: String::new(),
        summary: summary(&changes, &findings),
        changes,
        findings,
        verdicts: verdicts(&pairs),
        not_stated,
    };
    comparison.sentence = words::sentence(&comparison);
    comparison
}

/// Whether the head states the machine or group that an id of the base is of.
fn is_stated(pairs: &Pairs<'_>, id: &str) -> bool {
    let of = |base: &Subject| {
        let whole = base.id.as_str();
        id.get(..whole.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(whole))
    };
    pairs.both.iter().any(|(base, _)| of(base))
}

fn end(side: &Side, (name, commit): &(String, Option<String>)) -> End {
    let serious = side.diagnostics.iter().filter(|said| said.level != Level::Note);
    End {
        name: name.clone(),
        commit: commit.clone(),
        machines: side.count(Kind::Machine),
        filters: side.count(Kind::Filter),
        complete: side.complete,
        judged: side.complete || !side.is_empty(),
        diagnostics: serious.cloned().collect(),
    }
}

type Both<'s> = (Option<&'s Subject>, Option<&'s Subject>);

fn subject_changes(pairs: &Pairs<'_>, ports: &[u16]) -> Vec<SubjectChange> {
    let both = pairs.both.iter().map(|(base, head)| (Some(*base), Some(*head)));
    let removed = pairs.removed.iter().map(|base| (Some(*base), None));
    let added = pairs.added.iter().map(|head| (None, Some(*head)));
    let all: Vec<Both<'_>> = both.chain(removed).chain(added).collect();
    all.par_iter().filter_map(|both| subject_change(*both, ports)).collect()
}

fn subject_change((base, head): Both<'_>, ports: &[u16]) -> Option<SubjectChange> {
    let shown = head.or(base)?;
    let presence = match (base, head) {
        (Some(_), Some(_)) => Presence::Both,
        (None, _) => Presence::Added,
        (_, None) => Presence::Removed,
    };
    let origins: &[Origin] = match shown.kind {
        Kind::Machine => &[Origin::Internet, Origin::Private],
        // Machines show what the groups before them do.
        Kind::Filter if base.is_none_or(|base| base.guards) && head.is_none_or(|head| head.guards) => &[],
        Kind::Filter if presence == Presence::Both => &[Origin::Internet, Origin::Private],
        // The default rules of every group admit the network that it is attached to, which is nothing to tell of a new one.
        Kind::Filter => &[Origin::Internet],
    };
    let ports: Vec<_> = origins
        .iter()
        .flat_map(|from| {
            ports
                .iter()
                .filter_map(|port| delta::port_change(base, head, *from, *port))
        })
        .collect();
    (!ports.is_empty()).then(|| SubjectChange {
        kind: shown.kind,
        name: Arc::from(shown.id.name()),
        id: shown.id.text().clone(),
        presence,
        location: shown.location.clone(),
        ports,
        waiver: None,
    })
}

/// What opens to the internet comes first, then what opens at all, what may, what closes; then by name.
fn gravity(change: &SubjectChange) -> (bool, bool, bool, bool, Kind, Arc<str>, Arc<str>) {
    (
        !change.opens(Origin::Internet),
        !change.opens(Origin::Private),
        !change.may_open(),
        !change.closes(Origin::Internet),
        change.kind,
        change.name.clone(),
        change.id.clone(),
    )
}

fn summary(changes: &[SubjectChange], findings: &FindingChanges) -> Summary {
    let count = |does: &dyn Fn(&SubjectChange) -> bool| changes.iter().filter(|change| does(change)).count() as u64;
    Summary {
        opened: count(&|change| change.opens(Origin::Internet)),
        opened_private: count(&|change| change.opens(Origin::Private)),
        newly_possible: count(&SubjectChange::may_open),
        closed: count(&|change| change.closes(Origin::Internet)),
        closed_private: count(&|change| change.closes(Origin::Private)),
        new_findings: findings.new.iter().filter(|finding| finding.waiver.is_none()).count() as u64,
        changed_findings: findings.changed.len() as u64,
        fixed_findings: findings.fixed.len() as u64,
        unchanged_findings: findings.unchanged.len() as u64,
        waived: 0,
    }
}

fn verdicts(pairs: &Pairs<'_>) -> Vec<VerdictChange> {
    let change = |(base, head): &(&Subject, &Subject)| {
        let ((before, _), (after, because)) = (base.verdict.as_ref()?, head.verdict.as_ref()?);
        (before != after).then(|| VerdictChange {
            rule: Arc::from(FLOW_RULE),
            subject: Arc::from(head.id.name()),
            id: head.id.text().clone(),
            before: *before,
            after: *after,
            because: because.clone(),
        })
    };
    let mut changes: Vec<VerdictChange> = pairs.both.iter().filter_map(change).collect();
    changes.sort_by(|a, b| a.id.cmp(&b.id));
    changes
}
