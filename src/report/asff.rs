//! Lines in the manner of the AWS Security Finding Format, for SIEMs that read that: one finding a line. What only an AWS
//! account has (`AwsAccountId`, `ProductArn`) is left out, so Security Hub itself does not take them as they are.

use std::io::Write;

use serde_json::{Value, json};

use crate::report::digest;
use crate::report::ocsf::{line, passed, resource_type};
use crate::report::{Format, Machine, Options, Report, ReportError};
use crate::rule::{Finding, Severity, Verdict};

pub const FORMAT: Format = Format {
    name: "asff",
    about: "lines in the manner of the AWS Security Finding Format, for SIEMs that read that",
    write,
};

const LONGEST_TITLE: usize = 256;
const LONGEST_DESCRIPTION: usize = 1024;

fn write(report: &Report, _: &Options, out: &mut dyn Write) -> Result<(), ReportError> {
    for finding in &report.findings {
        line(&of_finding(report, finding), out)?;
    }
    for machine in passed(report) {
        line(&of_machine(report, machine), out)?;
    }
    Ok(())
}

fn of_finding(report: &Report, finding: &Finding) -> Value {
    let rule = report.rules.iter().find(|rule| rule.id == finding.rule);
    let title = rule.map_or(&finding.rule, |rule| &rule.title);
    let status = if finding.verdict == Verdict::Undetermined {
        "WARNING"
    } else {
        "FAILED"
    };
    let requirements: Vec<String> = rule
        .iter()
        .flat_map(|rule| &rule.standards)
        .flat_map(|mapping| {
            mapping
                .controls
                .iter()
                .map(|control| format!("{} {control}", mapping.framework))
        })
        .collect();
    let subject = &finding.subject;
    let owner = digest::machine(report, finding).and_then(|machine| machine.owner.as_deref());
    json!({
        "SchemaVersion": "2018-10-08",
        "Id": finding.fingerprint,
        "GeneratorId": format!("portcullis/{}", finding.rule),
        "ProductName": "Portcullis",
        "Types": ["Software and Configuration Checks/Industry and Regulatory Standards"],
        "CreatedAt": report.scan.generated,
        "UpdatedAt": report.scan.generated,
        "Severity": { "Label": label(finding.severity), "Original": finding.severity },
        "Title": cut(title, LONGEST_TITLE),
        "Description": cut(&finding.message, LONGEST_DESCRIPTION),
        "Remediation": { "Recommendation": { "Url": rule.and_then(|rule| rule.references.first()) } },
        "Resources": [{ "Type": "Other", "Id": subject.id, "Details": { "Other": {
            "Name": subject.name, "AzureType": resource_type(&subject.id), "Subscription": subject.subscription,
            "ResourceGroup": subject.resource_group, "Owner": owner,
        } } }],
        "Compliance": { "Status": status, "RelatedRequirements": requirements },
        "Workflow": { "Status": if finding.waiver.is_some() { "SUPPRESSED" } else { "NEW" } },
        "RecordState": "ACTIVE",
    })
}

fn of_machine(report: &Report, machine: &Machine) -> Value {
    json!({
        "SchemaVersion": "2018-10-08",
        "Id": format!("{}:{}", digest::JIT_RULE, machine.id.to_ascii_lowercase()),
        "GeneratorId": format!("portcullis/{}", digest::JIT_RULE),
        "ProductName": "Portcullis",
        "Types": ["Software and Configuration Checks/Industry and Regulatory Standards"],
        "CreatedAt": report.scan.generated,
        "UpdatedAt": report.scan.generated,
        "Severity": { "Label": "INFORMATIONAL" },
        "Title": cut(&machine.name, LONGEST_TITLE),
        "Description": cut(&machine.because, LONGEST_DESCRIPTION),
        "Resources": [{ "Type": "Other", "Id": machine.id }],
        "Compliance": { "Status": if machine.verdict == Verdict::Healthy { "PASSED" } else { "NOT_AVAILABLE" } },
        "Workflow": { "Status": "RESOLVED" },
        "RecordState": "ACTIVE",
    })
}

fn label(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "INFORMATIONAL",
        Severity::Low => "LOW",
        Severity::Medium => "MEDIUM",
        Severity::High => "HIGH",
        Severity::Critical => "CRITICAL",
    }
}

/// The beginning of a text within so many characters.
fn cut(text: &str, most: usize) -> String {
    match text.chars().count() > most {
        true => text.chars().take(most.saturating_sub(3)).collect::<String>() + "...",
        false => text.to_owned(),
    }
}
