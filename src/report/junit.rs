//! JUnit XML for the test tab of a pipeline: one suite for each rule, one case for each machine or other subject.
//!
//! Unhealthy is a failure. Undetermined is an error, because it must not look like a pass and nothing failed either.
//! Waived and not applicable are skipped, with the reason. Only `management-ports-jit` judges every machine by name,
//! so only its suite has passing cases; the other suites carry their counts as properties. What could not be read is
//! a suite of errors of its own.

use std::collections::HashMap;
use std::io::Write;

use quick_junit::{NonSuccessKind, TestCase, TestCaseStatus, TestSuite};

use crate::report::digest::{self, Group, JIT_RULE};
use crate::report::{Format, Machine, Options, Report, ReportError, RuleInfo, text};
use crate::rule::{Finding, Verdict};
use crate::source::Level;

pub const FORMAT: Format = Format {
    name: "junit",
    about: "JUnit XML, one suite for each rule, for the test tab of a pipeline",
    write,
};

/// Longest name of a case: some readers keep names in a column of a data base.
const NAME_COLUMNS: usize = 200;

fn write(report: &Report, _: &Options, out: &mut dyn Write) -> Result<(), ReportError> {
    let mut document = quick_junit::Report::new("portcullis");
    document.add_test_suites(suites(report));
    // The crate holds the whole document anyway, and its error would hide that of the writer.
    let mut text = Vec::new();
    let failure = |error: quick_junit::SerializeError| error.to_string();
    let written = document.serialize(&mut text).map_err(failure);
    written.map_err(|message| ReportError::Format {
        format: "junit",
        message,
    })?;
    Ok(out.write_all(&text)?)
}

fn suites(report: &Report) -> Vec<TestSuite> {
    let groups = digest::groups(report);
    let by_rule: HashMap<&str, &Group<'_>> = groups.iter().map(|group| (group.rule, group)).collect();
    let listed = report
        .rules
        .iter()
        .map(|rule| suite(report, &rule.id, Some(rule), by_rule.get(&*rule.id).copied()));
    let unlisted = groups.iter().filter(|group| group.info.is_none());
    let mut suites: Vec<TestSuite> = listed.collect();
    suites.extend(unlisted.map(|group| suite(report, group.rule, None, Some(group))));
    suites.extend(unread_suite(report));
    suites
}

fn suite(report: &Report, rule: &str, info: Option<&RuleInfo>, group: Option<&Group<'_>>) -> TestSuite {
    let mut suite = TestSuite::new(&*text::line(rule));
    if let Some(info) = info {
        suite.add_property(("title", &*text::line(&info.title)));
        for (verdict, number) in &info.counts {
            suite.add_property((verdict.as_str(), number.to_string().as_str()));
        }
    }
    suite.add_test_cases(group.iter().flat_map(|group| group.all()).map(finding_case));
    if rule == JIT_RULE {
        suite.add_test_cases(report.machines.iter().filter_map(passed_case));
    }
    suite
}

fn finding_case(finding: &Finding) -> TestCase {
    let name = titled(&finding.subject.name, &finding.subject.resource_group);
    let mut case = case(&finding.rule, &name, &finding.subject.id, finding_status(finding));
    case.add_property(("fingerprint", &*finding.fingerprint));
    if let Some(place) = digest::place(finding) {
        // GitLab and others read these attributes to link the case to the file.
        case.extra.insert("file".into(), text::line(&place.file).into());
        case.extra.insert("line".into(), place.line.to_string().into());
    }
    case
}

fn finding_status(finding: &Finding) -> TestCaseStatus {
    let message = text::line(&finding.message);
    let mut status = match (&finding.waiver, finding.verdict) {
        (Some(waiver), _) => return skipped(&format!("waived: {}", text::line(&waiver.reason))),
        (None, _) if finding.is_known() => return skipped("known from the baseline"),
        (None, Verdict::Undetermined) => TestCaseStatus::non_success(NonSuccessKind::Error),
        (None, _) => TestCaseStatus::non_success(NonSuccessKind::Failure),
    };
    status.set_message(&*message);
    status.set_type(finding.severity.as_str());
    status.set_description(description(finding));
    status
}

fn description(finding: &Finding) -> String {
    let mut lines = vec![
        text::line(&finding.message).into_owned(),
        text::line(&finding.subject.id).into_owned(),
    ];
    lines.extend(digest::place(finding).map(|place| text::line(&place.to_string()).into_owned()));
    lines.extend(
        finding
            .evidence
            .iter()
            .map(|fact| text::line(&format!("{}: {}", fact.label, fact.text)).into_owned()),
    );
    lines.extend(finding.gaps.iter().map(|gap| format!("unknown: {}", text::line(gap))));
    lines.join("\n")
}

/// Machines with a finding are cases of their finding already.
fn passed_case(machine: &Machine) -> Option<TestCase> {
    let status = match machine.verdict {
        Verdict::Healthy => TestCaseStatus::success(),
        Verdict::NotApplicable => skipped(&format!("not applicable: {}", text::line(&machine.because))),
        Verdict::Unhealthy | Verdict::Undetermined => return None,
    };
    Some(case(
        JIT_RULE,
        &titled(&machine.name, &machine.resource_group),
        &machine.id,
        status,
    ))
}

/// Readers tell cases apart by their names, and a name is unique only within its resource group.
fn titled(name: &str, resource_group: &str) -> String {
    let name = text::shorten(name, NAME_COLUMNS / 2);
    if resource_group.is_empty() {
        name.into_owned()
    } else {
        format!("{name} ({resource_group})")
    }
}

/// What could not be read, lest a pipeline stay green on a refused read.
fn unread_suite(report: &Report) -> Option<TestSuite> {
    let errors = report
        .diagnostics
        .iter()
        .filter(|diagnostic| diagnostic.level == Level::Error);
    let files = errors.map(|error| {
        let about = error.location.as_ref().map(|place| place.to_string());
        let about = about.or_else(|| error.resource.as_ref().map(|id| id.to_string()));
        unread_case(
            &error.code,
            about.as_deref().unwrap_or_default(),
            &digest::message_line(error),
        )
    });
    let subscriptions =
        digest::incomplete(report).map(|one| unread_case("incomplete-subscription", &one.id, &one.missing.join("; ")));
    let cases: Vec<TestCase> = subscriptions.chain(files).collect();
    let mut suite = TestSuite::new("portcullis/unread");
    suite.add_test_cases(cases);
    (suite.tests > 0).then_some(suite)
}

fn unread_case(code: &str, about: &str, message: &str) -> TestCase {
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
    status.set_message(&*text::line(message));
    status.set_type(&*text::line(code));
    case("portcullis/unread", code, about, status)
}

fn case(rule: &str, name: &str, id: &str, status: TestCaseStatus) -> TestCase {
    let mut case = TestCase::new(text::shorten(&text::line(name), NAME_COLUMNS), status);
    case.set_classname(&*text::line(rule));
    case.add_property(("id", &*text::line(id)));
    case
}

fn skipped(reason: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::skipped();
    status.set_message(reason);
    status
}
