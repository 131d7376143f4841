//! SARIF 2.1.0 for code scanning and other readers, written as a stream: a result lives only while it is written.
//!
//! GitHub refuses a whole file when one result has no file. So a result whose place is unknown stands at the first
//! input of the scan, and says so; only a live scan, which has no files, yields purely logical locations.

mod artifact;
mod catalog;
mod flow;
mod log;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{BufWriter, Write};

use serde::ser::{Serialize, SerializeStruct, Serializer};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::report::digest;
use crate::report::fix::{Fix, Fixes, Replacement};
use crate::report::sarif::artifact::{Artifacts, BASE};
use crate::report::sarif::catalog::{CUT, Catalog, INCOMPLETE, UNREAD_RULE, inert, level};
use crate::report::sarif::flow::resource;
use crate::report::sarif::log::{
    AutomationDetails, LocationObject, Log, Message, Notification, PhysicalLocation, PlainMessage, ResultObject,
    Suppression,
};
use crate::report::{Format, Options, Report, ReportError, Subscription, json, text};
use crate::rule::{Finding, SubjectKind, Verdict};
use crate::source::{Diagnostic, Level};

pub const FORMAT: Format = Format {
    name: "sarif",
    about: "SARIF 2.1.0, for code scanning and security dashboards",
    write,
};

const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";
/// So many results never come near the limit of size.
const FEW_RESULTS: usize = 2_000;
/// Longest name shown.
const NAME_COLUMNS: usize = 200;
/// Longest message.
const MESSAGE_COLUMNS: usize = 4_000;
/// GitHub shows 100 locations of a result and refuses a file with more than 1,000 on one.
const MOST_RELATED: usize = 100;

fn write(report: &Report, options: &Options, out: &mut dyn Write) -> Result<(), ReportError> {
    let mut out = BufWriter::new(out);
    let run = Run::new(report, options);
    serde_json::to_writer(
        &mut out,
        &Log {
            schema: SCHEMA,
            version: "2.1.0",
            runs: [&run],
        },
    )
    .map_err(json::failure)?;
    out.write_all(b"\n")?;
    Ok(out.flush()?)
}

/// Counts what is written.
struct Counter(usize);

impl Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

struct Run<'r> {
    report: &'r Report,
    catalog: Catalog<'r>,
    artifacts: Artifacts<'r>,
    fixes: Fixes<'r>,
    /// What could not be read: always written, before the findings.
    unread: Vec<Unread<'r>>,
    /// The findings to write, worst first.
    findings: Vec<&'r Finding>,
    cut: usize,
    any_waived: bool,
}

/// Something that was not read.
enum Unread<'r> {
    Subscription(&'r Subscription),
    Diagnostic(&'r Diagnostic),
}

impl<'r> Run<'r> {
    fn new(report: &'r Report, options: &'r Options) -> Self {
        let subscriptions = digest::incomplete(report).map(Unread::Subscription);
        let errors = report
            .diagnostics
            .iter()
            .filter(|diagnostic| diagnostic.level == Level::Error);
        let mut unread: Vec<Unread<'r>> = subscriptions.chain(errors.map(Unread::Diagnostic)).collect();
        let mut findings = digest::worst_first(report);
        let total = unread.len() + findings.len();
        unread.truncate(options.sarif_max_results);
        findings.truncate(options.sarif_max_results - unread.len());
        let mut run = Run {
            report,
            catalog: Catalog::of(report),
            fixes: Fixes::of(report, &options.texts),
            artifacts: Artifacts::of(report),
            cut: total - unread.len() - findings.len(),
            any_waived: findings.iter().any(|finding| finding.waiver.is_some()),
            unread,
            findings,
        };
        run.keep_within(options.sarif_max_bytes);
        run
    }

    /// Leaves out the last findings where all of them would be too large to upload.
    fn keep_within(&mut self, most: usize) {
        if self.findings.len() < FEW_RESULTS && most >= super::SARIF_MAX_BYTES {
            return;
        }
        let size = |result: &ResultObject<'_>| {
            let mut counter = Counter(0);
            // What cannot be written is found when it is written.
            let _ = serde_json::to_writer(&mut counter, result);
            counter.0
        };
        let unread = self.unread.iter().map(|unread| size(&self.unread_result(unread)));
        let mut room = most.saturating_sub(unread.sum());
        let fits = |finding: &&'r Finding| {
            let size = size(&self.finding_result(finding));
            let fits = size <= room;
            room = room.saturating_sub(size);
            fits
        };
        let kept = self.findings.iter().copied().take_while(fits).count();
        self.cut += self.findings.len() - kept;
        self.findings.truncate(kept);
    }

    fn results(&self) -> impl Iterator<Item = ResultObject<'_>> {
        let unread = self.unread.iter().map(|unread| self.unread_result(unread));
        unread.chain(self.findings.iter().map(|finding| self.finding_result(finding)))
    }

    fn finding_result(&self, finding: &'r Finding) -> ResultObject<'_> {
        let own = digest::place(finding).and_then(|place| self.artifacts.place(place));
        let location = self.location(own.clone(), &finding.subject.name, &finding.subject.id);
        let anchor = location.physical_location.clone();
        let (kind, level) = kind_and_level(finding);
        ResultObject {
            rule_id: text::line(&finding.rule),
            rule_index: self.catalog.rule_index(&finding.rule),
            kind,
            level,
            message: Message::plain(finding_message(finding)),
            locations: vec![location],
            related_locations: self.related_locations(finding),
            code_flows: self.code_flows(finding, anchor.as_ref()),
            partial_fingerprints: fingerprints(&finding.fingerprint, own.is_some()),
            fixes: self
                .fixes
                .find(finding)
                .and_then(|fix| self.fix(fix))
                .into_iter()
                .collect(),
            suppressions: self.any_waived.then(|| suppression(finding).into_iter().collect()),
            baseline_state: finding.baseline,
            properties: finding_properties(self.report, finding),
        }
    }

    fn unread_result(&self, unread: &Unread<'r>) -> ResultObject<'_> {
        let own = unread
            .diagnostic()
            .and_then(|diagnostic| self.artifacts.place(diagnostic.location.as_ref()?));
        let fingerprint = unread.fingerprint();
        ResultObject {
            rule_id: UNREAD_RULE.into(),
            rule_index: self.catalog.rule_index(UNREAD_RULE),
            kind: "fail",
            level: "error",
            message: Message::plain(inert(&text::shorten(&unread.message(), MESSAGE_COLUMNS)).into_owned()),
            partial_fingerprints: fingerprints(&fingerprint, own.is_some()),
            locations: vec![self.location(own, unread.name(), &unread.id())],
            related_locations: Vec::new(),
            code_flows: Vec::new(),
            fixes: Vec::new(),
            suppressions: self.any_waived.then(Vec::new),
            baseline_state: None,
            properties: BTreeMap::from([("code", json!(unread.code()))]),
        }
    }

    /// The place, or the first input in its stead; and the resource, if it has an id.
    fn location<'s>(&'s self, own: Option<PhysicalLocation<'s>>, name: &str, id: &str) -> LocationObject<'s> {
        let stand_in = || {
            self.report
                .scan
                .inputs
                .iter()
                .find_map(|input| self.artifacts.whole(input))
        };
        let known = own.is_some();
        let physical_location = own.or_else(stand_in);
        let message = (!known && physical_location.is_some()).then(|| PlainMessage {
            text: "the place is not known; this is the first input of the scan".into(),
        });
        let logical = resource(name, Some(id));
        let logical = log::LogicalLocation {
            name: Cow::Owned(logical.name.into_owned()),
            fully_qualified_name: logical.fully_qualified_name.map(|id| Cow::Owned(id.into_owned())),
            kind: logical.kind,
        };
        LocationObject {
            id: None,
            physical_location,
            logical_locations: vec![logical],
            message,
        }
    }

    fn fix(&self, fix: Fix) -> Option<log::Fix<'_>> {
        let artifact = self.artifacts.whole(&fix.file)?;
        let replacement = |one: Replacement| {
            Some(log::Replacement {
                deleted_region: artifact::region(&one.deleted)?,
                inserted_content: (!one.inserted.is_empty()).then_some(log::ArtifactContent { text: one.inserted }),
            })
        };
        let replacements: Option<Vec<_>> = fix.replacements.into_iter().map(replacement).collect();
        Some(log::Fix {
            description: Message::plain(inert(&fix.description).into_owned()),
            artifact_changes: [log::ArtifactChange {
                artifact_location: artifact.artifact_location,
                replacements: replacements?,
            }],
        })
    }

    fn related_locations(&self, finding: &'r Finding) -> Vec<LocationObject<'_>> {
        let placed = finding.evidence.iter().filter_map(|fact| {
            let physical_location = Some(self.artifacts.place(fact.location.as_ref()?)?);
            let text = text::shorten(&format!("{}: {}", fact.label, fact.text), MESSAGE_COLUMNS).into_owned();
            let message = Some(PlainMessage {
                text: inert(&text).into_owned().into(),
            });
            let logical_locations = fact
                .resource
                .iter()
                .map(|id| resource(last_segment(id), Some(id)))
                .collect();
            Some(LocationObject {
                id: None,
                physical_location,
                logical_locations,
                message,
            })
        });
        placed
            .take(MOST_RELATED)
            .enumerate()
            .map(|(id, place)| LocationObject { id: Some(id), ..place })
            .collect()
    }

    fn code_flows<'s>(&'s self, finding: &'r Finding, anchor: Option<&PhysicalLocation<'s>>) -> Vec<log::CodeFlow<'s>> {
        let exposed = finding.subject.kind == SubjectKind::Vm && finding.verdict == Verdict::Unhealthy;
        match digest::machine(self.report, finding) {
            Some(machine) if exposed => flow::code_flows(machine, &self.artifacts, anchor),
            _ => Vec::new(),
        }
    }

    fn notifications(&self) -> impl Iterator<Item = Notification<'_>> {
        let incomplete = digest::incomplete(self.report).map(|one| self.incomplete_notification(one));
        let diagnostics = self
            .report
            .diagnostics
            .iter()
            .map(|diagnostic| self.notification(diagnostic));
        self.cut_notification().into_iter().chain(incomplete).chain(diagnostics)
    }

    fn cut_notification(&self) -> Option<Notification<'_>> {
        let written = self.unread.len() + self.findings.len();
        let message = format!(
            "{} left out: only the worst {written} are written, because code scanning takes no more; `--sarif-max-results` changes the number",
            digest::count(self.cut as u64, "result"),
        );
        (self.cut > 0).then(|| Notification {
            descriptor: self.catalog.notification(CUT),
            level: "warning",
            message: Message::plain(message),
            locations: Vec::new(),
        })
    }

    fn incomplete_notification(&self, subscription: &'r Subscription) -> Notification<'_> {
        let unread = Unread::Subscription(subscription);
        Notification {
            descriptor: self.catalog.notification(INCOMPLETE),
            level: "error",
            message: Message::plain(inert(&unread.message()).into_owned()),
            locations: vec![self.location(None, unread.name(), &unread.id())],
        }
    }

    fn notification(&self, diagnostic: &'r Diagnostic) -> Notification<'_> {
        let physical_location = diagnostic
            .location
            .as_ref()
            .and_then(|place| self.artifacts.place(place));
        let logical_locations: Vec<_> = diagnostic
            .resource
            .iter()
            .map(|id| resource(last_segment(id), Some(id)))
            .collect();
        let placed = physical_location.is_some() || !logical_locations.is_empty();
        let location = LocationObject {
            physical_location,
            logical_locations,
            ..Default::default()
        };
        Notification {
            descriptor: self.catalog.notification(&diagnostic.code),
            level: digest::level_label(diagnostic.level),
            message: Message::plain(inert(&diagnostic_message(diagnostic)).into_owned()),
            locations: if placed { vec![location] } else { Vec::new() },
        }
    }
}

impl Serialize for Run<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let taxonomies = self.catalog.taxonomies();
        let base = json!({ BASE: { "description": { "text": "the directory in which the scan was run" } } });
        let mut run = serializer.serialize_struct("run", 9)?;
        run.serialize_field("tool", &self.catalog.tool())?;
        if !taxonomies.is_empty() {
            run.serialize_field("taxonomies", &taxonomies)?;
        }
        run.serialize_field("invocations", &[Invocation(self)])?;
        run.serialize_field("automationDetails", &automation_details(self.report))?;
        run.serialize_field("columnKind", "unicodeCodePoints")?;
        run.serialize_field("originalUriBaseIds", &base)?;
        run.serialize_field("artifacts", &Stream(|| self.artifacts.list()))?;
        run.serialize_field("results", &Stream(|| self.results()))?;
        run.serialize_field("properties", &run_properties(self.report))?;
        run.end()
    }
}

/// A JSON array whose items are made one at a time, while they are written.
struct Stream<F>(F);

impl<I: Iterator<Item: Serialize>, F: Fn() -> I> Serialize for Stream<F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq((self.0)())
    }
}

struct Invocation<'a, 'r>(&'a Run<'r>);

impl Serialize for Invocation<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let scan = &self.0.report.scan;
        let mut invocation = serializer.serialize_struct("invocation", 3)?;
        invocation.serialize_field("executionSuccessful", &scan.complete)?;
        invocation.serialize_field("endTimeUtc", &scan.generated)?;
        invocation.serialize_field("toolExecutionNotifications", &Stream(|| self.0.notifications()))?;
        invocation.end()
    }
}

impl<'r> Unread<'r> {
    fn diagnostic(&self) -> Option<&'r Diagnostic> {
        match self {
            Unread::Diagnostic(diagnostic) => Some(diagnostic),
            Unread::Subscription(_) => None,
        }
    }

    fn code(&self) -> &'r str {
        self.diagnostic().map_or(INCOMPLETE, |diagnostic| &diagnostic.code)
    }

    fn name(&self) -> &'r str {
        match self {
            Unread::Subscription(subscription) => subscription.name.as_ref().unwrap_or(&subscription.id),
            Unread::Diagnostic(diagnostic) => diagnostic.resource.as_deref().map_or(&*diagnostic.code, last_segment),
        }
    }

    /// ARM id of the subscription or the resource; empty where none is known.
    fn id(&self) -> String {
        match self {
            Unread::Subscription(subscription) => format!("/subscriptions/{}", subscription.id),
            Unread::Diagnostic(diagnostic) => diagnostic.resource.as_deref().unwrap_or_default().to_owned(),
        }
    }

    fn message(&self) -> String {
        match self {
            Unread::Subscription(subscription) => {
                let missing = subscription.missing.join("; ");
                format!("subscription `{}` was not read whole: {missing}", self.name())
                    .trim_end_matches(": ")
                    .to_owned()
            }
            Unread::Diagnostic(diagnostic) => diagnostic_message(diagnostic),
        }
    }

    /// Stable when lines move.
    fn fingerprint(&self) -> String {
        let file = self.diagnostic().and_then(|diagnostic| diagnostic.location.as_ref());
        let parts = [
            self.code(),
            &self.id(),
            file.map_or("", |place| &place.file),
            &self.message(),
        ];
        let digest = Sha256::digest(parts.join("\n").as_bytes());
        digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
    }
}

/// SARIF 3.27.10: a result that is no failure has the level `none`.
fn kind_and_level(finding: &Finding) -> (&'static str, &'static str) {
    match finding.verdict {
        Verdict::Undetermined => ("review", "none"),
        _ => ("fail", level(finding.severity)),
    }
}

/// Many readers show nothing but the message, so the unknowns are in it.
fn finding_message(finding: &Finding) -> String {
    let mut message = finding.message.to_string();
    if !finding.gaps.is_empty() {
        message.push_str(&format!(" (not known: {})", finding.gaps.join("; ")));
    }
    text::shorten(&inert(&message), MESSAGE_COLUMNS).into_owned()
}

fn diagnostic_message(diagnostic: &Diagnostic) -> String {
    match &diagnostic.help {
        Some(help) => format!("{} ({help})", digest::message_line(diagnostic)),
        None => digest::message_line(diagnostic),
    }
}

/// GitHub tells alerts of one rule in one file apart by the hash of the line. Machines made by one block share the
/// line, so the finding's own fingerprint takes its place.
fn fingerprints(fingerprint: &str, placed: bool) -> BTreeMap<&'static str, String> {
    let mut fingerprints = BTreeMap::from([("portcullis/v1", fingerprint.to_owned())]);
    if placed {
        fingerprints.insert("primaryLocationLineHash", format!("{fingerprint}:1"));
    }
    fingerprints
}

fn suppression(finding: &Finding) -> Option<Suppression> {
    let waiver = finding.waiver.as_ref()?;
    let details = [
        ("owner", &waiver.owner),
        ("ticket", &waiver.ticket),
        ("until", &waiver.until),
    ];
    let details = details
        .into_iter()
        .filter_map(|(key, value)| Some((key, json!(text::line(value.as_ref()?)))));
    Some(Suppression {
        kind: "external",
        status: "accepted",
        justification: text::line(&waiver.reason).into_owned(),
        properties: details.collect(),
    })
}

fn finding_properties(report: &Report, finding: &Finding) -> BTreeMap<&'static str, serde_json::Value> {
    let mut properties = BTreeMap::from([
        ("verdict", json!(finding.verdict)),
        ("severity", json!(finding.severity)),
        ("subjectKind", json!(finding.subject.kind)),
        ("subscription", json!(finding.subject.subscription)),
        ("resourceGroup", json!(finding.subject.resource_group)),
        ("gaps", json!(finding.gaps)),
        ("assumptions", json!(finding.assumptions)),
    ]);
    if let Some(cause) = &finding.cause {
        properties.insert("cause", json!(cause));
    }
    if let Some(machine) = digest::machine(report, finding) {
        properties.insert("ports", json!(digest::port_summary(machine)));
    }
    let unplaced: Vec<_> = finding.evidence.iter().filter(|fact| fact.location.is_none()).collect();
    if !unplaced.is_empty() {
        properties.insert("evidence", json!(unplaced));
    }
    properties
}

fn run_properties(report: &Report) -> serde_json::Value {
    json!({
        "recorded": report.scan.recorded,
        "ports": report.scan.ports,
        "subscriptions": report.scan.subscriptions,
        "summary": report.summary,
        "assumptions": report.assumptions,
    })
}

/// What stands before the last slash is the category by which GitHub replaces earlier uploads.
fn automation_details(report: &Report) -> AutomationDetails {
    AutomationDetails {
        id: format!("portcullis/{}", text::line(&report.scan.generated)),
        description: Message::plain("management ports of Azure virtual machines"),
    }
}

fn last_segment(id: &str) -> &str {
    id.rsplit('/').find(|segment| !segment.is_empty()).unwrap_or(id)
}
