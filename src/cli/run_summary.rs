//! The figures of one run: a line for people or collectors of logs, and a file for monitoring (OpenMetrics text, or OTLP as
//! JSON). Names of metrics are part of the interface; no name of the estate is in them.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Instant;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::whole::{self, Readers};
use super::{Failure, style};
use crate::history::Recorded;
use crate::report::Report;
use crate::rule::{Severity, Verdict};

/// One metric: name, what it is, unit, kind, and values by labels.
struct Metric {
    name: &'static str,
    help: &'static str,
    /// The unit as OpenMetrics and OTLP write it; empty for plain counts.
    unit: &'static str,
    values: Vec<(Option<(&'static str, &'static str)>, f64)>,
}

pub struct RunSummary {
    metrics: Vec<Metric>,
    seconds: f64,
    line: String,
    fields: Value,
}

impl RunSummary {
    pub fn of(report: &Report, recorded: Option<&Recorded>, requests: u64, started: Instant, status: u8) -> Self {
        let seconds = started.elapsed().as_secs_f64();
        let summary = &report.summary;
        let whole = report.scan.subscriptions.iter().filter(|one| one.complete).count();
        let open: u64 = summary.findings.values().sum();
        let line = format!(
            "judged {} machines in {} subscriptions in {seconds:.1} s: {} exposed, {open} open findings, {} waived, {}",
            summary.machines,
            report.scan.subscriptions.len(),
            summary.exposed,
            summary.waived,
            if report.scan.complete {
                "everything was read"
            } else {
                "NOT everything was read"
            },
        );
        let fields = json!({
            "event": "run", "status": status, "seconds": (seconds * 1000.0).round() / 1000.0, "requests": requests,
            "machines": summary.machines, "exposed": summary.exposed, "open": open, "waived": summary.waived,
            "undetermined": summary.undetermined, "complete": report.scan.complete,
            "subscriptions": report.scan.subscriptions.len(), "subscriptions_whole": whole,
            "scan": recorded.map(|recorded| recorded.scan),
        });
        RunSummary {
            metrics: metrics(report, recorded, requests, seconds, status),
            seconds,
            line,
            fields,
        }
    }

    /// On the error stream; people who look at a report on their terminal need no second summary.
    pub fn say(&self) {
        if style::is_json() {
            style::record("info", &self.line, self.fields.clone());
        }
    }

    /// Whole or not at all, so that nobody reads half a file.
    pub fn write(&self, path: &Path) -> Result<(), Failure> {
        let text = match path.extension().is_some_and(|extension| extension == "json") {
            true => format!("{:#}\n", self.otlp()),
            false => self.open_metrics(),
        };
        let fail = |error: std::io::Error| Failure(format!("--metrics {}: {error}", path.display()));
        // A collector of metrics runs under another account; no name of the estate is in the file.
        whole::write(path, Readers::All, |out| out.write_all(text.as_bytes())).map_err(fail)
    }

    fn open_metrics(&self) -> String {
        let mut text = String::new();
        for metric in &self.metrics {
            let _ = writeln!(text, "# TYPE {} gauge", metric.name);
            if !metric.unit.is_empty() {
                let _ = writeln!(text, "# UNIT {} {}", metric.name, metric.unit);
            }
            let _ = writeln!(text, "# HELP {} {}", metric.name, metric.help);
            for (label, value) in &metric.values {
                let labels = label
                    .map(|(name, value)| format!("{{{name}=\"{value}\"}}"))
                    .unwrap_or_default();
                let _ = writeln!(text, "{}{labels} {value}", metric.name);
            }
        }
        text.push_str("# EOF\n");
        text
    }

    fn otlp(&self) -> Value {
        let now = Timestamp::now().as_nanosecond();
        let start = now.saturating_sub((self.seconds * 1e9) as i128);
        let point = |label: &Option<(&str, &str)>, value: &f64| {
            let attributes: Vec<Value> = label
                .iter()
                .map(|(name, value)| json!({ "key": name, "value": { "stringValue": value } }))
                .collect();
            // 64-bit integers are texts in OTLP's JSON.
            json!({
                "attributes": attributes, "startTimeUnixNano": start.to_string(), "timeUnixNano": now.to_string(),
                "asDouble": value,
            })
        };
        let metric = |metric: &Metric| {
            let points: Vec<Value> = metric.values.iter().map(|(label, value)| point(label, value)).collect();
            let unit = if metric.unit == "seconds" { "s" } else { "1" };
            json!({
                "name": metric.name, "description": metric.help, "unit": unit, "gauge": { "dataPoints": points },
            })
        };
        let attribute = |key: &str, value: &str| json!({ "key": key, "value": { "stringValue": value } });
        let version = env!("CARGO_PKG_VERSION");
        json!({ "resourceMetrics": [{
            "resource": { "attributes": [attribute("service.name", "portcullis"), attribute("service.version", version)] },
            "scopeMetrics": [{
                "scope": { "name": "portcullis", "version": version },
                "metrics": self.metrics.iter().map(metric).collect::<Vec<_>>(),
            }],
        }] })
    }
}

fn metrics(report: &Report, recorded: Option<&Recorded>, requests: u64, seconds: f64, status: u8) -> Vec<Metric> {
    let summary = &report.summary;
    let whole = report.scan.subscriptions.iter().filter(|one| one.complete).count();
    let one = |name, help, unit, value: f64| Metric {
        name,
        help,
        unit,
        values: vec![(None, value)],
    };
    let verdict = |verdict: Verdict| {
        let count = summary.verdicts.get(&verdict).copied().unwrap_or_default();
        (Some(("verdict", verdict.as_str())), count as f64)
    };
    let severity = |severity: Severity| {
        let count = summary.findings.get(&severity).copied().unwrap_or_default();
        (Some(("severity", severity.as_str())), count as f64)
    };
    let mut metrics = vec![
        one(
            "portcullis_run_end_seconds",
            "When the run ended, in seconds since 1970.",
            "seconds",
            Timestamp::now().as_second() as f64,
        ),
        one(
            "portcullis_run_duration_seconds",
            "How long the run took.",
            "seconds",
            seconds,
        ),
        one(
            "portcullis_run_status",
            "The exit status: 0, 1 findings, 2 nothing was read, 3 incomplete.",
            "",
            status.into(),
        ),
        one(
            "portcullis_run_complete",
            "1 when everything that was asked for was read.",
            "",
            f64::from(report.scan.complete),
        ),
        one(
            "portcullis_requests",
            "Requests that were sent to Azure.",
            "",
            requests as f64,
        ),
        one(
            "portcullis_subscriptions",
            "Subscriptions of the run.",
            "",
            report.scan.subscriptions.len() as f64,
        ),
        one(
            "portcullis_subscriptions_whole",
            "Subscriptions that were read whole.",
            "",
            whole as f64,
        ),
        Metric {
            name: "portcullis_machines",
            help: "Machines by verdict of the flow of just-in-time access.",
            unit: "",
            values: Verdict::ALL.into_iter().map(verdict).collect(),
        },
        one(
            "portcullis_machines_exposed",
            "Machines with a management port open to public addresses.",
            "",
            summary.exposed as f64,
        ),
        Metric {
            name: "portcullis_findings_open",
            help: "Findings that are not waived, by severity.",
            unit: "",
            values: Severity::ALL.into_iter().map(severity).collect(),
        },
        one(
            "portcullis_findings_waived",
            "Findings that are waived.",
            "",
            summary.waived as f64,
        ),
        one(
            "portcullis_findings_undetermined",
            "Open findings of which an unknown decides.",
            "",
            summary.undetermined as f64,
        ),
    ];
    if let Some(recorded) = recorded {
        let change = |(name, findings): (&'static str, &[_])| (Some(("change", name)), findings.len() as f64);
        metrics.push(Metric {
            name: "portcullis_changes",
            help: "Findings that changed since the scan before, by what became of them.",
            unit: "",
            values: recorded.changes.groups().into_iter().map(change).collect(),
        });
    }
    metrics
}
