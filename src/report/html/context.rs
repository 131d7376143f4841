//! What the static part of the page shows: the summary, the worst findings, a first piece of the long lists,
//! the rules. It must read well without script; the data block holds the rest.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde::Serialize;

use super::markdown::{self, Block};
use super::words::{Word, Worded};
use crate::report::digest::widest;
use crate::report::standards::{FrameworkStanding, Standing, frameworks};
use crate::report::{Assumption, Machine, MappedBy, Mapping, Report, RuleInfo, Scan, Subscription, Tool};
use crate::rule::{Evidence, Finding, Waiver};
use crate::source::{Diagnostic, Level};

/// How many rows of a long list are in the page without script.
const STATIC_ROWS: usize = 200;

/// Findings on the overview, under "look here first".
const FIRST_FINDINGS: usize = 6;

/// Everything but the embedded texts.
#[derive(Serialize)]
pub struct Context<'r> {
    tool: &'r Tool,
    scan: &'r Scan,
    incomplete: Vec<&'r Subscription>,
    totals: Totals,
    verdicts: Vec<Figure>,
    severities: Vec<Figure>,
    tabs: Vec<Figure>,
    first: Vec<FindingRow<'r>>,
    findings: Vec<FindingRow<'r>>,
    machines: Vec<MachineRow<'r>>,
    rules: Vec<RulePage<'r>>,
    assumptions: &'r [Assumption],
    diagnostics: Vec<DiagnosticRow<'r>>,
    standards: Vec<Standard>,
}

/// One framework, with the number of controls by standing.
#[derive(Serialize)]
struct Standard {
    #[serde(flatten)]
    framework: FrameworkStanding,
    counts: Vec<(Standing, &'static str, u64)>,
}

/// The single numbers.
#[derive(Serialize)]
struct Totals {
    machines: u64,
    exposed: u64,
    findings: usize,
    waived: u64,
    undetermined: u64,
    diagnostics: usize,
    errors: usize,
}

/// A count with its share of the whole, for a figure and a piece of a drawing.
#[derive(Serialize)]
struct Figure {
    word: Word,
    count: u64,
    /// Percent of all.
    share: f64,
    /// Percent of all that stand before this one.
    start: f64,
    /// Percent of the largest.
    height: f64,
}

#[derive(Serialize)]
struct FindingRow<'r> {
    rule: &'r str,
    title: &'r str,
    severity: Word,
    verdict: Word,
    kind: Word,
    name: &'r str,
    subscription: &'r str,
    resource_group: &'r str,
    message: &'r str,
    fingerprint: &'r str,
    evidence: &'r [Evidence],
    gaps: Vec<&'r str>,
    waiver: Option<&'r Waiver>,
}

#[derive(Serialize)]
struct MachineRow<'r> {
    name: &'r str,
    subscription: &'r str,
    resource_group: &'r str,
    region: &'r str,
    os: &'r str,
    verdict: Word,
    tab: Word,
    class: Option<Word>,
    because: &'r str,
    reason: &'r str,
}

#[derive(Serialize)]
struct RulePage<'r> {
    id: &'r str,
    title: &'r str,
    severity: Word,
    why: Vec<Block>,
    fix: Vec<Block>,
    references: Vec<Reference<'r>>,
    microsoft: Vec<&'r Mapping>,
    own: Vec<&'r Mapping>,
    params: Vec<(&'r str, String)>,
    counts: Vec<Figure>,
}

#[derive(Serialize)]
struct Reference<'r> {
    text: &'r str,
    is_link: bool,
}

#[derive(Serialize)]
struct DiagnosticRow<'r> {
    /// The level as a word; the diagnostic has its own `level`.
    word: Word,
    #[serde(flatten)]
    diagnostic: &'r Diagnostic,
}

impl<'r> Context<'r> {
    /// The view of a report.
    pub fn of(report: &'r Report) -> Self {
        let titles: BTreeMap<&str, &str> = report.rules.iter().map(|rule| (&*rule.id, &*rule.title)).collect();
        let finding_rows = |count| {
            report
                .findings
                .iter()
                .take(count)
                .map(|finding| finding_row(finding, &titles))
                .collect()
        };
        Context {
            tool: &report.tool,
            scan: &report.scan,
            incomplete: report
                .scan
                .subscriptions
                .iter()
                .filter(|subscription| !subscription.complete)
                .collect(),
            totals: totals(report),
            verdicts: figures(&report.summary.verdicts),
            severities: figures(&report.summary.findings),
            tabs: figures(&report.summary.tabs),
            first: finding_rows(FIRST_FINDINGS),
            findings: finding_rows(STATIC_ROWS),
            machines: worst_machines(report),
            rules: report.rules.iter().map(rule_page).collect(),
            assumptions: &report.assumptions,
            standards: frameworks(report, None).into_iter().map(standard).collect(),
            diagnostics: report
                .diagnostics
                .iter()
                .take(STATIC_ROWS)
                .map(diagnostic_row)
                .collect(),
        }
    }
}

fn totals(report: &Report) -> Totals {
    Totals {
        machines: report.summary.machines,
        exposed: report.summary.exposed,
        findings: report.findings.len(),
        waived: report.summary.waived,
        undetermined: report.summary.undetermined,
        diagnostics: report.diagnostics.len(),
        errors: report
            .diagnostics
            .iter()
            .filter(|diagnostic| diagnostic.level == Level::Error)
            .count(),
    }
}

/// One figure for each value, zero where nothing was counted.
fn figures<W: Worded + Ord>(counts: &BTreeMap<W, u64>) -> Vec<Figure> {
    let count = |value: &W| counts.get(value).copied().unwrap_or_default();
    let total: u64 = W::ALL.iter().map(count).sum();
    let largest = W::ALL.iter().map(count).max().unwrap_or_default();
    let mut before = 0;
    let mut figure = |value: &W| {
        let (start, count) = (before, count(value));
        before += count;
        let (share, start, height) = (percent(count, total), percent(start, total), percent(count, largest));
        Figure {
            word: value.word(),
            count,
            share,
            start,
            height,
        }
    };
    W::ALL.iter().map(&mut figure).collect()
}

/// Rounded to a hundredth: more digits draw nothing.
fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        0.0
    } else {
        (part as f64 * 10_000.0 / whole as f64).round() / 100.0
    }
}

fn finding_row<'r>(finding: &'r Finding, titles: &BTreeMap<&'r str, &'r str>) -> FindingRow<'r> {
    FindingRow {
        rule: &finding.rule,
        title: titles.get(&*finding.rule).copied().unwrap_or(&finding.rule),
        severity: finding.severity.word(),
        verdict: finding.verdict.word(),
        kind: finding.subject.kind.word(),
        name: &finding.subject.name,
        subscription: &finding.subject.subscription,
        resource_group: &finding.subject.resource_group,
        message: &finding.message,
        fingerprint: &finding.fingerprint,
        evidence: &finding.evidence,
        gaps: finding.gaps.iter().map(|gap| &**gap).collect(),
        waiver: finding.waiver.as_ref(),
    }
}

/// The first rows in the order in which the script lists machines too: by verdict, then widest exposure.
fn worst_machines(report: &Report) -> Vec<MachineRow<'_>> {
    let mut machines: Vec<&Machine> = report.machines.iter().collect();
    machines.sort_by_cached_key(|machine| (machine.verdict.index(), Reverse(widest(machine).map(Worded::index))));
    machines.truncate(STATIC_ROWS);
    machines.into_iter().map(machine_row).collect()
}

fn machine_row(machine: &Machine) -> MachineRow<'_> {
    MachineRow {
        name: &machine.name,
        subscription: &machine.subscription,
        resource_group: &machine.resource_group,
        region: &machine.region,
        os: &machine.os,
        verdict: machine.verdict.word(),
        tab: machine.tab.word(),
        class: widest(machine).map(Worded::word),
        because: &machine.because,
        reason: machine.tab_reason.as_deref().unwrap_or_default(),
    }
}

fn rule_page(rule: &RuleInfo) -> RulePage<'_> {
    let mapped = |by: MappedBy| rule.standards.iter().filter(|mapping| mapping.by == by).collect();

    RulePage {
        id: &rule.id,
        title: &rule.title,
        severity: rule.severity.word(),
        why: markdown::blocks(&rule.why),
        fix: markdown::blocks(&rule.fix),
        references: rule
            .references
            .iter()
            .map(|text| Reference {
                text,
                is_link: markdown::is_web(text),
            })
            .collect(),
        microsoft: mapped(MappedBy::Microsoft),
        own: mapped(MappedBy::Tool),
        params: rule
            .params
            .iter()
            .map(|(name, value)| (name.as_str(), value.to_string()))
            .collect(),
        counts: figures(&rule.counts),
    }
}

fn standard(framework: FrameworkStanding) -> Standard {
    let count = |standing: Standing| (standing, standing.label(), framework.count(standing));
    Standard {
        counts: Standing::ALL.into_iter().map(count).collect(),
        framework,
    }
}

fn diagnostic_row(diagnostic: &Diagnostic) -> DiagnosticRow<'_> {
    DiagnosticRow {
        word: diagnostic.level.word(),
        diagnostic,
    }
}
