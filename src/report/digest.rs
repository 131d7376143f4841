//! Questions that several formats ask of a report: which findings belong together, what decides, where it stands.
//! Must not know any format.

use std::collections::HashMap;

use crate::report::{Decider, ExposureClass, Layer, Machine, Path, PortExposure, Report, RuleInfo};
use crate::rule::{Finding, SubjectKind, Verdict};
use crate::source::{Diagnostic, Level, Location};

/// The rule whose verdict every machine has.
pub const JIT_RULE: &str = "management-ports-jit";

/// The findings of one rule.
pub struct Group<'r> {
    pub rule: &'r str,
    /// Absent when the report does not list the rule.
    pub info: Option<&'r RuleInfo>,
    /// Neither waived nor known, the worst first.
    pub open: Vec<&'r Finding>,
    pub waived: Vec<&'r Finding>,
    /// Those that the baseline holds as they are.
    pub known: Vec<&'r Finding>,
}

impl<'r> Group<'r> {
    pub fn count(&self, verdict: Verdict) -> usize {
        self.open.iter().filter(|finding| finding.verdict == verdict).count()
    }

    /// The title of the rule, or its id when the report does not list it.
    pub fn title(&self) -> &'r str {
        self.info.map_or(self.rule, |info| &info.title)
    }

    /// All findings, those that are open first.
    pub fn all(&self) -> impl Iterator<Item = &'r Finding> + '_ {
        self.open.iter().chain(&self.known).chain(&self.waived).copied()
    }
}

/// The findings by rule; the rule with the worst open finding comes first.
pub fn groups(report: &Report) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    let mut index: HashMap<&str, usize> = HashMap::new();
    for finding in worst_first(report) {
        let at = *index.entry(&finding.rule).or_insert_with(|| {
            let info = report.rules.iter().find(|rule| rule.id == finding.rule);
            groups.push(Group {
                rule: &finding.rule,
                info,
                open: Vec::new(),
                waived: Vec::new(),
                known: Vec::new(),
            });
            groups.len() - 1
        });
        if let Some(group) = groups.get_mut(at) {
            let findings = if finding.waiver.is_some() {
                &mut group.waived
            } else if finding.is_known() {
                &mut group.known
            } else {
                &mut group.open
            };
            findings.push(finding);
        }
    }
    groups
}

/// Every finding: open before known and waived, then by severity, unhealthy before undetermined, the widest exposure first,
/// then by name.
pub fn worst_first(report: &Report) -> Vec<&Finding> {
    let mut findings: Vec<&Finding> = report.findings.iter().collect();
    findings.sort_by_cached_key(|finding| {
        (
            !finding.is_open(),
            std::cmp::Reverse(finding.severity),
            finding.verdict == Verdict::Undetermined,
            std::cmp::Reverse(worst_exposure(report, finding).map(|(_, port)| port.class)),
            finding.subject.name.clone(),
        )
    });
    findings
}

/// Diagnostics, errors first.
pub fn diagnostics(report: &Report) -> Vec<&Diagnostic> {
    let mut diagnostics: Vec<&Diagnostic> = report.diagnostics.iter().collect();
    diagnostics.sort_by_key(|diagnostic| std::cmp::Reverse(diagnostic.level));
    diagnostics
}

/// The message on one line: parsers like to write several.
pub fn message_line(diagnostic: &Diagnostic) -> String {
    let lines: Vec<&str> = diagnostic
        .message
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    lines.join(" ")
}

pub fn level_label(level: Level) -> &'static str {
    match level {
        Level::Note => "note",
        Level::Warning => "warning",
        Level::Error => "error",
    }
}

/// The machine that the finding is about or belongs to.
pub fn machine<'r>(report: &'r Report, finding: &Finding) -> Option<&'r Machine> {
    report.machines.get(finding.subject.machine? as usize)
}

/// Where the finding stands in the input: its subject, else the first evidence that has a place.
pub fn place(finding: &Finding) -> Option<&Location> {
    let evidence = || finding.evidence.iter().find_map(|evidence| evidence.location.as_ref());
    finding.subject.location.as_ref().or_else(evidence)
}

/// Where the rule stands that a finding speaks of: itself, or the rule that its sentence about a machine names.
pub fn deciding_place<'r>(report: &'r Report, finding: &'r Finding) -> Option<&'r Location> {
    if finding.subject.kind == SubjectKind::SecurityRule {
        return place(finding);
    }
    let mut decided = exposures(machine(report, finding)?).flat_map(|(_, port)| &port.deciders);
    let named = |decider: &&Decider| {
        let name = format!("`{}/{}`", decider.group, decider.rule);
        finding.message.contains(&name) && decider.location.is_some()
    };
    decided.find(named).and_then(|decider| decider.location.as_ref())
}

/// The exposures of a machine that are worth a word: neither closed nor private.
pub fn exposures(machine: &Machine) -> impl Iterator<Item = (&Path, &PortExposure)> {
    machine
        .paths
        .iter()
        .flat_map(|path| path.ports.iter().map(move |port| (path, port)))
        .filter(|(_, port)| !matches!(port.class, ExposureClass::Closed | ExposureClass::Private))
}

/// The worst class on any way in, if there is one.
pub fn widest(machine: &Machine) -> Option<ExposureClass> {
    let exposures = machine.paths.iter().flat_map(|path| path.ports.iter());
    exposures.map(|exposure| exposure.class).max()
}

/// The worst exposure of the finding's machine; the first of several.
pub fn worst_exposure<'r>(report: &'r Report, finding: &Finding) -> Option<(&'r Path, &'r PortExposure)> {
    let machine = machine(report, finding)?;
    exposures(machine).reduce(|worst, next| if next.1.class > worst.1.class { next } else { worst })
}

/// The ports of a machine with the worst class of each, such as `22 wide open, 3389 narrow`.
pub fn port_summary(machine: &Machine) -> String {
    let mut worst: std::collections::BTreeMap<u16, ExposureClass> = Default::default();
    for port in machine.paths.iter().flat_map(|path| path.ports.iter()) {
        let class = worst.entry(port.port).or_insert(port.class);
        *class = port.class.max(*class);
    }
    let ports: Vec<String> = worst
        .iter()
        .map(|(port, class)| format!("{port} {}", class.label()))
        .collect();
    ports.join(", ")
}

/// The rules that decide, such as ``rule `nsg-web/allow-ssh` (priority 100) allows``.
pub fn decider_sentence(decider: &Decider) -> String {
    let mut sentence = match decider.layer {
        Layer::Platform => decider.rule.to_string(),
        _ if decider.group.is_empty() => format!("rule `{}`", decider.rule),
        _ => format!("rule `{}/{}`", decider.group, decider.rule),
    };
    if let Some(priority) = decider.priority {
        sentence.push_str(&format!(" (priority {priority})"));
    }
    match &*decider.access {
        "allow" => sentence.push_str(" allows"),
        "deny" => sentence.push_str(" denies"),
        access => sentence.push_str(&format!(" {access}")),
    }
    sentence
}

/// `1 machine`, `2 machines`.
pub fn count(number: u64, noun: &str) -> String {
    if number == 1 {
        format!("1 {noun}")
    } else {
        format!("{number} {noun}s")
    }
}

/// Subscriptions that were not read whole.
pub fn incomplete(report: &Report) -> impl Iterator<Item = &crate::report::Subscription> {
    report
        .scan
        .subscriptions
        .iter()
        .filter(|subscription| !subscription.complete)
}
