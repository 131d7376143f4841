//! Open Cybersecurity Schema Framework: one Compliance Finding a line, for each finding and for each machine that
//! `management-ports-jit` found healthy, for SIEMs and data lakes. Names and numbers are those of OCSF 1.5.

use std::collections::HashMap;
use std::io::Write;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use crate::report::digest::{self, JIT_RULE};
use crate::report::{Format, Machine, Options, Report, ReportError, RuleInfo};
use crate::rule::baseline::BaselineState;
use crate::rule::{Finding, Severity, Verdict};

pub const FORMAT: Format = Format {
    name: "ocsf",
    about: "OCSF 1.5 compliance findings, one JSON object a line, for SIEMs and data lakes",
    write,
};

const VERSION: &str = "1.5.0";
/// Category Findings, class Compliance Finding.
const CATEGORY: u32 = 2;
const CLASS: u32 = 2003;
/// Account type Azure Subscription.
const SUBSCRIPTION: u32 = 13;

fn write(report: &Report, _: &Options, out: &mut dyn Write) -> Result<(), ReportError> {
    let writer = Events::new(report);
    for finding in &report.findings {
        line(&writer.finding(finding), out)?;
    }
    for machine in passed(report) {
        line(&writer.machine(machine), out)?;
    }
    Ok(())
}

/// The machines of which the flow rule has no finding.
pub fn passed(report: &Report) -> impl Iterator<Item = &Machine> {
    let passes = |machine: &&Machine| matches!(machine.verdict, Verdict::Healthy | Verdict::NotApplicable);
    report.machines.iter().filter(passes)
}

/// One JSON object on one line.
pub fn line(event: &impl Serialize, out: &mut dyn Write) -> Result<(), ReportError> {
    let text = serde_json::to_string(event).map_err(|error| ReportError::Format {
        format: "JSON lines",
        message: error.to_string(),
    })?;
    Ok(writeln!(out, "{text}")?)
}

struct Events<'r> {
    report: &'r Report,
    rules: HashMap<&'r str, &'r RuleInfo>,
    names: HashMap<&'r str, &'r str>,
    /// Milliseconds since 1970.
    time: i64,
}

/// What an event says of a subject, whether found or passed.
struct Said<'s> {
    uid: String,
    rule: &'s str,
    severity: Severity,
    /// Pass 1, warning 2 (nothing could be said for want of information), fail 3.
    compliance: u8,
    /// New 1, suppressed 3, resolved 4.
    status: u8,
    /// Create 1, update 2, close 3.
    activity: u8,
    message: &'s str,
    resource: &'s str,
    name: &'s str,
    subscription: &'s str,
    resource_group: &'s str,
    machine: Option<&'s Machine>,
    details: Value,
}

const COMPLIANCE: [&str; 4] = ["Unknown", "Pass", "Warning", "Fail"];
const STATUS: [&str; 5] = ["Unknown", "New", "In Progress", "Suppressed", "Resolved"];
const ACTIVITY: [&str; 4] = ["Unknown", "Create", "Update", "Close"];

impl<'r> Events<'r> {
    fn new(report: &'r Report) -> Self {
        let subscriptions = report.scan.subscriptions.iter();
        let named = subscriptions.filter_map(|one| Some((&*one.id, one.name.as_deref()?)));
        let generated: Result<Timestamp, _> = report.scan.generated.parse();
        Events {
            report,
            rules: report.rules.iter().map(|rule| (&*rule.id, rule)).collect(),
            names: named.collect(),
            time: generated.map(Timestamp::as_millisecond).unwrap_or_default(),
        }
    }

    fn finding(&self, finding: &Finding) -> Value {
        let subject = &finding.subject;
        let known = matches!(
            finding.baseline,
            Some(BaselineState::Unchanged | BaselineState::Updated)
        );
        self.event(&Said {
            uid: finding.fingerprint.to_string(),
            rule: &finding.rule,
            severity: finding.severity,
            compliance: if finding.verdict == Verdict::Undetermined { 2 } else { 3 },
            status: if finding.waiver.is_some() { 3 } else { 1 },
            activity: if known { 2 } else { 1 },
            message: &finding.message,
            resource: &subject.id,
            name: &subject.name,
            subscription: &subject.subscription,
            resource_group: &subject.resource_group,
            machine: digest::machine(self.report, finding),
            details: json!({
                "verdict": finding.verdict, "cause": finding.cause, "gaps": finding.gaps,
                "waiver": finding.waiver, "assumptions": finding.assumptions,
            }),
        })
    }

    fn machine(&self, machine: &Machine) -> Value {
        self.event(&Said {
            uid: format!("{JIT_RULE}:{}", machine.id.to_ascii_lowercase()),
            rule: JIT_RULE,
            severity: Severity::Info,
            compliance: 1,
            status: 4,
            activity: 1,
            message: &machine.because,
            resource: &machine.id,
            name: &machine.name,
            subscription: &machine.subscription,
            resource_group: &machine.resource_group,
            machine: Some(machine),
            details: json!({ "verdict": machine.verdict, "cause": machine.cause }),
        })
    }

    fn event(&self, said: &Said<'_>) -> Value {
        let rule = self.rules.get(said.rule).copied();
        let title = rule.map_or(said.rule, |rule| &rule.title);
        let mut event = json!({
            "activity_id": said.activity, "activity_name": word(&ACTIVITY, said.activity),
            "category_uid": CATEGORY, "category_name": "Findings",
            "class_uid": CLASS, "class_name": "Compliance Finding",
            "type_uid": CLASS * 100 + u32::from(said.activity),
            "type_name": format!("Compliance Finding: {}", word(&ACTIVITY, said.activity)),
            "time": self.time,
            "severity_id": severity_id(said.severity), "severity": severity_word(said.severity),
            "status_id": said.status, "status": word(&STATUS, said.status),
            "message": said.message,
            "metadata": {
                "version": VERSION,
                "profiles": ["cloud"],
                "product": {
                    "name": "Portcullis", "vendor_name": "Portcullis", "version": self.report.tool.version,
                },
            },
            "cloud": {
                "provider": "Azure",
                "account": {
                    "uid": said.subscription, "name": self.names.get(said.subscription),
                    "type": "Azure Subscription", "type_id": SUBSCRIPTION,
                },
            },
            "finding_info": {
                "uid": said.uid, "title": title, "desc": said.message, "types": ["management-port exposure"],
            },
            "compliance": compliance(said, rule),
            "resources": [resource(said)],
            "unmapped": said.details,
        });
        if let (Some(rule), Some(event)) = (rule, event.as_object_mut()) {
            event.insert(
                "remediation".into(),
                json!({ "desc": rule.fix, "references": rule.references }),
            );
        }
        without_nothing(&mut event);
        event
    }
}

fn compliance(said: &Said<'_>, rule: Option<&RuleInfo>) -> Value {
    let standards = rule.map(|rule| rule.standards.as_slice()).unwrap_or_default();
    let titles: Vec<&str> = standards.iter().map(|mapping| &*mapping.title).collect();
    let controls = standards.iter().flat_map(|mapping| {
        let framework = &mapping.framework;
        mapping
            .controls
            .iter()
            .map(move |control| format!("{framework} {control}"))
    });
    json!({
        "control": said.rule, "standards": titles, "requirements": controls.collect::<Vec<_>>(),
        "status_id": said.compliance, "status": word(&COMPLIANCE, said.compliance),
    })
}

fn resource(said: &Said<'_>) -> Value {
    json!({
        "uid": said.resource, "name": said.name, "type": resource_type(said.resource),
        "region": said.machine.map(|machine| &machine.region),
        "group": { "name": said.resource_group },
        "owner": said.machine.and_then(|machine| machine.owner.as_ref()).map(|owner| json!({ "name": owner })),
    })
}

/// `Microsoft.Compute/virtualMachines`: provider, and every second word of the path behind it.
pub fn resource_type(id: &str) -> Option<String> {
    let (_, path) = id.rsplit_once("/providers/")?;
    let mut words = path.split('/');
    let provider = words.next()?;
    let types: Vec<&str> = words.step_by(2).collect();
    Some(format!("{provider}/{}", types.join("/")))
}

fn word(words: &[&'static str], number: u8) -> &'static str {
    words.get(usize::from(number)).copied().unwrap_or("Unknown")
}

fn severity_id(severity: Severity) -> u8 {
    match severity {
        Severity::Info => 1,
        Severity::Low => 2,
        Severity::Medium => 3,
        Severity::High => 4,
        Severity::Critical => 5,
    }
}

fn severity_word(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "Informational",
        Severity::Low => "Low",
        Severity::Medium => "Medium",
        Severity::High => "High",
        Severity::Critical => "Critical",
    }
}

/// Members that say nothing are left out.
fn without_nothing(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|_, member| !member.is_null());
            members.values_mut().for_each(without_nothing);
        }
        Value::Array(items) => items.iter_mut().for_each(without_nothing),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_read_from_ids() {
        let rule =
            "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/networkSecurityGroups/n/securityRules/r";
        let kind = resource_type(rule);
        assert_eq!(
            kind.as_deref(),
            Some("Microsoft.Network/networkSecurityGroups/securityRules")
        );
        assert_eq!(resource_type("vm-1"), None);
    }
}
