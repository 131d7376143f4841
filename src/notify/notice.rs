//! What there is to tell: the changes of one scan that somebody asked to hear of, in words for people.

use serde::Serialize;

use crate::history::model::{Changes, Covered, KeptFinding, KeptScan, Point};
use crate::rule::Severity;

/// The changes that a channel is told of unless it says otherwise: what asks for somebody, and what was done.
pub const DEFAULT_EVENTS: [&str; 7] = [
    "opened", "reopened", "unwaived", "unjudged", "fixed", "lost", "regained",
];

/// Every change that can be asked for.
pub const EVENTS: [&str; 11] = [
    "opened", "reopened", "unwaived", "unjudged", "fixed", "cleared", "gone", "retired", "waived", "lost", "regained",
];

/// One message about one scan, before it has a shape.
#[derive(Clone, Debug, Serialize)]
pub struct Notice {
    /// One line, such as `2 new findings, 1 fixed`.
    pub headline: String,
    pub tool: String,
    pub scan: i64,
    pub run: String,
    pub taken: String,
    /// Groups that are not empty, in the order in which they matter.
    pub groups: Vec<Group>,
    /// Parts that were read whole before and are not any more.
    pub lost: Vec<Covered>,
    pub regained: Vec<Covered>,
    /// How everything stands after the scan.
    pub standing: Point,
    /// Where the dashboard is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
pub struct Group {
    /// One of [`EVENTS`].
    pub event: &'static str,
    /// As people read it.
    pub title: &'static str,
    pub findings: Vec<KeptFinding>,
}

impl Notice {
    /// `None` where nothing happened that was asked for.
    pub fn of(
        scan: &KeptScan,
        changes: &Changes,
        standing: Point,
        asked: impl Fn(&str) -> bool,
        least: Severity,
        link: Option<String>,
    ) -> Option<Notice> {
        let worth = |findings: &[KeptFinding]| -> Vec<KeptFinding> {
            findings
                .iter()
                .filter(|finding| finding.severity >= least)
                .cloned()
                .collect()
        };
        let group = |(event, findings): (&'static str, &[KeptFinding])| Group {
            event,
            title: title(event),
            findings: worth(findings),
        };
        let groups = changes
            .groups()
            .into_iter()
            .filter(|(event, _)| asked(event))
            .map(group);
        let groups: Vec<Group> = groups.filter(|group| !group.findings.is_empty()).collect();
        let parts = |event: &str, parts: &[Covered]| if asked(event) { parts.to_vec() } else { Vec::new() };
        let (lost, regained) = (parts("lost", &changes.lost), parts("regained", &changes.regained));
        if groups.is_empty() && lost.is_empty() && regained.is_empty() {
            return None;
        }
        Some(Notice {
            headline: headline(&groups, &lost, &regained),
            tool: scan.tool.clone(),
            scan: scan.id,
            run: scan.run.clone(),
            taken: scan.taken.clone(),
            groups,
            lost,
            regained,
            standing,
            link,
        })
    }

    /// Where a finding can be read up.
    pub fn link_of(&self, finding: &KeptFinding) -> Option<String> {
        self.link
            .as_ref()
            .map(|link| format!("{link}#/finding/{}", finding.fingerprint))
    }

    /// Every finding with its group, at most so many.
    pub fn entries(&self, most: usize) -> impl Iterator<Item = (&Group, &KeptFinding)> {
        let all = self
            .groups
            .iter()
            .flat_map(|group| group.findings.iter().map(move |finding| (group, finding)));
        all.take(most)
    }

    /// Findings that [`Notice::entries`] leaves out.
    pub fn left_out(&self, most: usize) -> usize {
        let all: usize = self.groups.iter().map(|group| group.findings.len()).sum();
        all.saturating_sub(most)
    }

    /// How everything stands, in a line.
    pub fn standing_line(&self) -> String {
        let standing = &self.standing;
        let read = match standing.complete {
            true => "everything was read".to_owned(),
            false => format!(
                "{} of {} subscriptions were read whole",
                standing.covered, standing.scopes
            ),
        };
        format!(
            "{} open findings, {} waived; {} of {} machines have a management port open to public addresses; {read}",
            standing.open, standing.waived, standing.exposed, standing.machines
        )
    }
}

fn headline(groups: &[Group], lost: &[Covered], regained: &[Covered]) -> String {
    let mut parts: Vec<String> = groups
        .iter()
        .map(|group| format!("{} {}", group.findings.len(), short(group.event)))
        .collect();
    if !lost.is_empty() {
        parts.push(format!("{} not read whole any more", lost.len()));
    }
    if !regained.is_empty() {
        parts.push(format!("{} read whole again", regained.len()));
    }
    format!("Portcullis: {}", parts.join(", "))
}

fn short(event: &str) -> &str {
    match event {
        "opened" => "new",
        "reopened" => "open again",
        "unwaived" => "waived no more",
        "unjudged" => "not to be judged",
        "gone" => "gone with their machine",
        "retired" => "ended by a changed rule",
        other => other,
    }
}

fn title(event: &str) -> &'static str {
    match event {
        "opened" => "New",
        "reopened" => "Open again",
        "unwaived" => "Waived no more",
        "unjudged" => "Could not be judged",
        "fixed" => "Fixed",
        "cleared" => "Settled",
        "gone" => "Gone with their machine",
        "retired" => "Ended by a changed rule",
        _ => "Waived",
    }
}
