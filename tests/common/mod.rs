//! A small estate in every state a report can be in, with names from people who wish us ill.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::collections::BTreeMap;
use std::sync::Arc;

use portcullis::report::*;
use portcullis::rule::{Evidence, Finding, Severity, Subject, SubjectKind, Verdict, Waiver};
use portcullis::source::{Diagnostic, Location};

pub const SUBSCRIPTION: &str = "11111111-2222-3333-4444-555555555555";

/// Names that a template, a terminal, a spreadsheet or a parser might obey instead of print.
pub const HOSTILE: [&str; 10] = [
    "<script>alert(1)</script>",
    "\"quoted\" & 'single'",
    "=cmd()|'/c calc'!A0",
    "\u{1b}[31mred\u{1b}]0;title\u{7}\u{9b}2J",
    "abc\u{202e}gpj.exe",
    "two\nlines\r\nand\ttabs",
    "| pipe | `tick` [link](http://evil.example) @everyone #1 **b** <!-- -->",
    "${var.name} {0} ](x",
    "\u{0}\u{fffe}\u{ffff}東京",
    "../../etc/passwd%00?x#y",
];

/// The writing of a report in a format.
pub fn written(format: &str, report: &Report, options: &Options) -> String {
    let format = FORMATS
        .iter()
        .find(|known| known.name == format)
        .unwrap_or_else(|| panic!("no format {format}"));
    let mut out = Vec::new();
    (format.write)(report, options, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// Every verdict, severity, way, layer, level, and a waiver; with the hostile names.
pub fn report() -> Report {
    let mut machines: Vec<Machine> = Verdict::ALL
        .into_iter()
        .enumerate()
        .map(|(i, verdict)| machine(i, verdict))
        .collect();
    let mut findings: Vec<Finding> = Vec::new();
    for severity in Severity::ALL {
        findings.push(finding(findings.len(), severity, Verdict::Unhealthy, "web", Some(0)));
    }
    findings.push(finding(
        findings.len(),
        Severity::High,
        Verdict::Undetermined,
        "unknown",
        Some(1),
    ));
    findings.push(waived(finding(
        findings.len(),
        Severity::High,
        Verdict::Unhealthy,
        "waived",
        None,
    )));
    for name in HOSTILE.into_iter().map(str::to_owned).chain(["x".repeat(10_000)]) {
        let at = u32::try_from(machines.len()).unwrap();
        machines.push(Machine {
            name: Arc::from(&*name),
            ..machine(machines.len(), Verdict::Unhealthy)
        });
        findings.push(finding(
            findings.len(),
            Severity::High,
            Verdict::Unhealthy,
            &name,
            Some(at),
        ));
    }
    let mut other = finding(
        findings.len(),
        Severity::Low,
        Verdict::Unhealthy,
        "nsg-web/allow-ssh",
        None,
    );
    other.rule = Arc::from("rule-nobody-listed");
    other.subject.kind = SubjectKind::SecurityRule;
    other.subject.location = None;
    other.evidence = Arc::default();
    findings.push(other);
    whole(machines, findings)
}

/// A report of nothing but so many findings.
pub fn large(number: usize) -> Report {
    let machines = vec![machine(0, Verdict::Unhealthy)];
    let findings = (0..number)
        .map(|i| finding(i, Severity::ALL[i % 5], Verdict::Unhealthy, "web", Some(0)))
        .collect();
    whole(machines, findings)
}

/// A healthy estate without anything to report.
pub fn quiet() -> Report {
    let mut report = whole(vec![machine(0, Verdict::Healthy)], Vec::new());
    report.diagnostics.clear();
    report.scan.subscriptions.truncate(1);
    report.scan.complete = true;
    report
}

fn whole(machines: Vec<Machine>, findings: Vec<Finding>) -> Report {
    Report {
        format_version: FORMAT_VERSION,
        tool: Tool {
            name: "portcullis".into(),
            version: "0.1.0".into(),
        },
        scan: scan(),
        summary: summary(&machines, &findings),
        assumptions: vec![Assumption {
            id: "no-firewall".into(),
            text: "no firewall stands before the machines, since the input has none".into(),
            switch: Some("--assume firewall=unknown".into()),
        }],
        rules: rules(),
        machines,
        findings,
        diagnostics: diagnostics(),
    }
}

fn scan() -> Scan {
    Scan {
        generated: "2026-11-20T08:15:00Z".into(),
        recorded: Some("2026-11-20T08:00:00Z".into()),
        inputs: vec!["infra".into(), "estate with space.json".into()],
        lost: vec![],
        least_severity: Severity::Info,
        ports: vec![22, 3389, 5985, 5986],
        subscriptions: vec![
            Subscription {
                id: SUBSCRIPTION.into(),
                name: Some("production".into()),
                complete: true,
                missing: vec![],
            },
            Subscription {
                id: "99999999-2222-3333-4444-555555555555".into(),
                name: Some(HOSTILE[0].into()),
                complete: false,
                missing: vec!["the list of just-in-time policies was refused (403)".into()],
            },
        ],
        complete: false,
    }
}

fn summary(machines: &[Machine], findings: &[Finding]) -> Summary {
    let mut summary = Summary {
        machines: machines.len() as u64,
        ..Default::default()
    };
    for machine in machines {
        *summary.verdicts.entry(machine.verdict).or_default() += 1;
        *summary.tabs.entry(machine.tab).or_default() += 1;
        summary.exposed += u64::from(machine.verdict == Verdict::Unhealthy);
    }
    for finding in findings {
        match &finding.waiver {
            Some(_) => summary.waived += 1,
            None => *summary.findings.entry(finding.severity).or_default() += 1,
        }
        summary.undetermined += u64::from(finding.verdict == Verdict::Undetermined);
    }
    summary
}

fn rules() -> Vec<RuleInfo> {
    let rule = |id: &str, severity| RuleInfo {
        id: id.into(),
        title: "Management ports should be protected with just-in-time network access".into(),
        severity,
        digest: None,
        why: "Open management ports are **tried** by everyone, all the time.".into(),
        fix: "Enable just-in-time access: `portcullis plan`.".into(),
        references: vec!["https://learn.microsoft.com/azure/defender-for-cloud/just-in-time-access-usage".into()],
        standards: vec![
            Mapping {
                framework: "mcsb".into(),
                title: "Microsoft cloud security benchmark".into(),
                controls: vec!["NS-3".into(), "PA-2".into()],
                by: MappedBy::Microsoft,
            },
            Mapping {
                framework: "nist-800-53-r5".into(),
                title: "NIST SP 800-53 Rev. 5".into(),
                controls: vec!["AC-17".into()],
                by: MappedBy::Tool,
            },
        ],
        params: BTreeMap::from([("ports".to_owned(), serde_json::json!([22, 3389]))]),
        counts: BTreeMap::from([(Verdict::Unhealthy, 12), (Verdict::Healthy, 1)]),
    };
    vec![
        rule("management-ports-jit", Severity::High),
        rule("management-ports-open", Severity::Critical),
    ]
}

fn diagnostics() -> Vec<Diagnostic> {
    vec![
        Diagnostic::note("unused-parameter", "parameter `x` is not used"),
        Diagnostic::error("json-syntax", "expected `,` or `}`\nfound `\u{1b}[2J`")
            .help("close the brace")
            .at(location("infra/broken <b>.json", 3)),
        Diagnostic::warning("service-tag", "service tag `Storage` is not in the list").about(&machine_id("web")),
        Diagnostic::error("refused", "the service answered 403").about(&machine_id(HOSTILE[1])),
    ]
}

pub fn machine_id(name: &str) -> String {
    format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-web/providers/Microsoft.Compute/virtualMachines/{name}")
}

pub fn location(file: &str, line: u32) -> Location {
    Location {
        file: file.into(),
        line,
        column: 3,
        end_line: line + 2,
        end_column: 4,
    }
}

pub fn machine(number: usize, verdict: Verdict) -> Machine {
    let name = format!("vm-{number}");
    let class = if verdict == Verdict::Unhealthy {
        ExposureClass::Wide
    } else {
        ExposureClass::Private
    };
    Machine {
        id: machine_id(&name).into(),
        name: name.into(),
        subscription: SUBSCRIPTION.into(),
        resource_group: "rg-web".into(),
        region: "westeurope".into(),
        os: "linux".into(),
        power: "running".into(),
        verdict,
        cause: None,
        because: format!("because number {number} is {}", verdict.label()).into(),
        tab: Tab::ALL[number % 4],
        tab_reason: None,
        owner: None,
        defender: Some("unhealthy".into()),
        recommendations: Vec::new(),
        paths: vec![path(class)],
    }
}

fn path(class: ExposureClass) -> Path {
    let hop = |kind, name: &str| Hop {
        kind,
        name: name.into(),
        id: Some(machine_id(name).into()),
        note: None,
    };
    Path {
        way: Way::PublicIp,
        target: "nic-web-01/ipconfig1".into(),
        address: "10.0.0.4".into(),
        hops: vec![
            Hop {
                id: None,
                ..hop(HopKind::Internet, "internet")
            },
            hop(HopKind::PublicIp, "203.0.113.7"),
            hop(HopKind::SubnetNsg, "nsg-web"),
            hop(HopKind::NicNsg, "nsg-nic"),
            hop(HopKind::Machine, "vm-web-01"),
        ],
        ports: Arc::new(vec![exposure(22, class), exposure(3389, ExposureClass::Closed)]),
    }
}

fn exposure(port: u16, class: ExposureClass) -> PortExposure {
    let decider = |layer, group: &str, rule: &str, location| Decider {
        layer,
        group: group.into(),
        group_id: Some(machine_id(group).into()),
        rule: rule.into(),
        priority: Some(100),
        access: "allow".into(),
        location,
    };
    PortExposure {
        port,
        front_port: None,
        front_ports: None,
        class,
        sources: vec!["0.0.0.0/0".into()],
        more_sources: 0,
        tags: vec![],
        addresses: "4294967296".into(),
        possible_sources: vec![],
        deciders: vec![
            decider(Layer::Subnet, "nsg-web", "allow-ssh", Some(location("infra/nsg.tf", 7))),
            decider(Layer::Nic, "nsg-nic", "allow-all", None),
        ],
        gaps: vec![],
        disputed: None,
        sentence: format!("port {port} is reached by every address of the internet").into(),
        exact: None,
    }
}

pub fn finding(number: usize, severity: Severity, verdict: Verdict, name: &str, machine: Option<u32>) -> Finding {
    let undetermined = verdict == Verdict::Undetermined;
    Finding {
        rule: "management-ports-jit".into(),
        severity,
        verdict,
        subject: Subject {
            shared: false,
            kind: SubjectKind::Vm,
            id: machine_id(name).into(),
            name: name.into(),
            subscription: SUBSCRIPTION.into(),
            resource_group: "rg-web".into(),
            machine,
            location: Some(location("infra/main.tf", u32::try_from(number).unwrap() + 1)),
        },
        cause: None,
        message: format!("port 22 of `{name}` is open to the internet and no just-in-time policy covers it").into(),
        evidence: Arc::new(vec![
            Evidence {
                label: "network security group".into(),
                text: format!("rule `allow-ssh` of `{name}` admits everyone").into(),
                resource: Some(machine_id("nsg-web").into()),
                location: Some(location("infra/nsg.tf", 7)),
            },
            Evidence {
                label: "reading".into(),
                text: "effective".into(),
                resource: None,
                location: None,
            },
        ]),
        gaps: if undetermined {
            vec!["the value of parameter `source` is not known".into()]
        } else {
            vec![]
        },
        assumptions: vec!["no-firewall".into()],
        fingerprint: format!("{number:032x}").into(),
        waiver: None,
        baseline: None,
    }
}

fn waived(mut finding: Finding) -> Finding {
    finding.waiver = Some(Waiver {
        reason: "bastion of last resort = accepted".into(),
        owner: Some("network team".into()),
        ticket: Some("SEC-12".into()),
        until: Some("2027-01-01".into()),
    });
    finding
}
