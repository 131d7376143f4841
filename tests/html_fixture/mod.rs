//! Reports made up for the tests of the HTML page: an estate of any size, a hostile one, an empty one.

#![allow(dead_code, reason = "each test takes what it needs")]

use std::collections::BTreeMap;
use std::sync::Arc;

use portcullis::report::*;
use portcullis::rule::*;
use portcullis::source::{Diagnostic, Location};

fn text(value: impl AsRef<str>) -> Arc<str> {
    Arc::from(value.as_ref())
}

const SUBSCRIPTIONS: [(&str, &str); 6] = [
    ("2f0b6c1e-7a34-4d5e-9c11-0a1b2c3d4e01", "platform-production"),
    ("2f0b6c1e-7a34-4d5e-9c11-0a1b2c3d4e02", "retail-production"),
    ("2f0b6c1e-7a34-4d5e-9c11-0a1b2c3d4e03", "retail-test"),
    ("2f0b6c1e-7a34-4d5e-9c11-0a1b2c3d4e04", "data-production"),
    ("2f0b6c1e-7a34-4d5e-9c11-0a1b2c3d4e05", "data-test"),
    ("2f0b6c1e-7a34-4d5e-9c11-0a1b2c3d4e06", "sandbox"),
];
const ROLES: [&str; 8] = ["web", "api", "sql", "batch", "jump", "build", "cache", "ad"];
const REGIONS: [&str; 4] = ["westeurope", "northeurope", "eastus2", "uksouth"];
const PORTS: [u16; 4] = [22, 3389, 5985, 5986];

/// One machine's place in the made-up estate.
struct Place {
    number: usize,
    subscription: &'static str,
    role: &'static str,
    group: String,
    name: String,
}

impl Place {
    fn of(number: usize) -> Place {
        let (subscription, subscription_name) = SUBSCRIPTIONS[number / 40 % SUBSCRIPTIONS.len()];
        let role = ROLES[number % ROLES.len()];
        let group = format!(
            "rg-{}-{role}-{:02}",
            subscription_name.split('-').next().unwrap(),
            number / 40 % 60
        );
        Place {
            number,
            subscription,
            role,
            group,
            name: format!("vm-{role}-{number:05}"),
        }
    }

    fn id(&self, kind: &str, name: &str) -> String {
        format!(
            "/subscriptions/{}/resourceGroups/{}/providers/{kind}/{name}",
            self.subscription, self.group
        )
    }

    /// Machines of one role in one neighbourhood stand behind the same filters.
    fn kind(&self) -> usize {
        (self.number / 40 * 7 + self.number % ROLES.len() * 3) % 20
    }

    fn class(&self) -> ExposureClass {
        match self.kind() {
            0 | 1 => ExposureClass::Wide,
            2 | 3 => ExposureClass::Narrow,
            4 => ExposureClass::AzureTenants,
            5 | 6 => ExposureClass::Undetermined,
            7 => ExposureClass::NoReturnPath,
            8..=12 => ExposureClass::Private,
            _ => ExposureClass::Closed,
        }
    }

    fn verdict(&self) -> Verdict {
        match self.kind() {
            0..=4 | 7 | 8 => Verdict::Unhealthy,
            5 | 6 => Verdict::Undetermined,
            9..=11 => Verdict::NotApplicable,
            _ => Verdict::Healthy,
        }
    }
}

fn location(file: &str, line: u32) -> Location {
    Location {
        file: text(file),
        line,
        column: 3,
        end_line: line + 9,
        end_column: 4,
    }
}

fn decider(place: &Place, layer: Layer, rule: &str, priority: u16, access: &str) -> Decider {
    let side = if layer == Layer::Subnet { "snet" } else { "nic" };
    let group = format!("nsg-{side}-{}-{:02}", place.role, place.number / 40 % 60);
    Decider {
        layer,
        group_id: Some(text(place.id("Microsoft.Network/networkSecurityGroups", &group))),
        group: text(group),
        rule: text(rule),
        priority: Some(priority),
        access: text(access),
        location: (access == "allow")
            .then(|| location(&format!("network/{}.tf", place.role), 40 + u32::from(priority) % 90)),
    }
}

/// Sources, address count, sentence of a port.
fn reach(class: ExposureClass, port: u16) -> (Vec<&'static str>, &'static str, String) {
    match class {
        ExposureClass::Wide => (
            vec!["0.0.0.0/0"],
            "3702258432",
            format!("port {port} is open to the whole internet"),
        ),
        ExposureClass::Narrow => (
            vec![
                "198.51.100.0/24",
                "203.0.113.7/32",
                "203.0.113.16/28",
                "192.0.2.8/29",
                "192.0.2.64/26",
                "192.0.2.128/30",
                "192.0.2.200/32",
                "192.0.2.210/32",
            ],
            "350",
            format!("port {port} is open to 350 public addresses"),
        ),
        ExposureClass::AzureTenants => (
            vec![],
            "0",
            format!(
                "port {port} is open to the addresses of the service tag `AzureCloud`: other customers' machines among them"
            ),
        ),
        ExposureClass::Undetermined => (
            vec![],
            "0",
            format!(
                "whether port {port} is open depends on the network security group of the subnet, which the input only references"
            ),
        ),
        ExposureClass::NoReturnPath => (
            vec!["0.0.0.0/0"],
            "3702258432",
            format!(
                "the filter admits port {port}, but the answer leaves through the appliance at 10.0.0.4: no session"
            ),
        ),
        ExposureClass::Private => (
            vec!["10.0.0.0/8", "172.16.0.0/12"],
            "17825792",
            format!("port {port} is reached from the virtual network only"),
        ),
        ExposureClass::Closed => (vec![], "0", format!("nobody reaches port {port}")),
    }
}

fn exposure(place: &Place, port: u16, class: ExposureClass) -> PortExposure {
    let (sources, addresses, sentence) = reach(class, port);
    let closed = class == ExposureClass::Closed;
    let rule = if port == 22 { "allow-ssh" } else { "allow-management" };
    let first = decider(place, Layer::Subnet, rule, 300, "allow");
    let second = if closed {
        decider(place, Layer::Nic, "DenyAllInBound", 65500, "deny")
    } else {
        decider(place, Layer::Nic, "allow-operations", 310, "allow")
    };
    PortExposure {
        port,
        front_port: None,
        front_ports: None,
        class,
        sources: sources.into_iter().map(str::to_owned).collect(),
        more_sources: if class == ExposureClass::Narrow { 12 } else { 0 },
        tags: if class == ExposureClass::AzureTenants {
            vec![text("AzureCloud")]
        } else {
            vec![]
        },
        addresses: addresses.to_owned(),
        possible_sources: if class == ExposureClass::Undetermined {
            vec!["0.0.0.0/0".to_owned()]
        } else {
            vec![]
        },
        deciders: vec![first, second],
        gaps: if class == ExposureClass::Undetermined {
            vec![text("the rules of `nsg-shared` are not in the input")]
        } else {
            vec![]
        },
        disputed: None,
        sentence: text(sentence),
        exact: None,
    }
}

/// Machines of one role in one neighbourhood share their filters, and so their ports.
type Shared = BTreeMap<(String, ExposureClass), Arc<Vec<PortExposure>>>;

fn ports(place: &Place, class: ExposureClass, shared: &mut Shared) -> Arc<Vec<PortExposure>> {
    let make = || {
        let of = |port| {
            if port == PORTS[place.number % 2] {
                class
            } else {
                class.min(ExposureClass::Closed)
            }
        };
        Arc::new(PORTS.iter().map(|port| exposure(place, *port, of(*port))).collect())
    };
    Arc::clone(
        shared
            .entry((format!("{}{}", place.group, place.number % 2), class))
            .or_insert_with(make),
    )
}

fn hop(kind: HopKind, name: &str, id: Option<String>, note: Option<&str>) -> Hop {
    Hop {
        kind,
        name: text(name),
        id: id.map(text),
        note: note.map(text),
    }
}

fn way_in(place: &Place, way: Way, shared: &mut Shared) -> Path {
    let address = format!(
        "10.{}.{}.{}",
        place.number / 65_536,
        place.number / 256 % 256,
        place.number % 256
    );
    let (side, inner) = (
        format!("nsg-snet-{}-{:02}", place.role, place.number / 40 % 60),
        format!("nsg-nic-{}-{:02}", place.role, place.number / 40 % 60),
    );
    let group = |name: &str| Some(place.id("Microsoft.Network/networkSecurityGroups", name));
    let mut hops = if way == Way::Private {
        vec![hop(
            HopKind::VirtualNetwork,
            &format!("vnet-{}", place.role),
            None,
            None,
        )]
    } else {
        let public = format!(
            "20.{}.{}.{}",
            place.number / 65_536,
            place.number / 256 % 256,
            place.number % 256
        );
        let id = place.id("Microsoft.Network/publicIPAddresses", &format!("pip-{}", place.name));
        vec![
            hop(HopKind::Internet, "internet", None, None),
            hop(HopKind::PublicIp, &public, Some(id), Some("standard, static")),
        ]
    };
    hops.push(hop(HopKind::SubnetNsg, &side, group(&side), None));
    hops.push(hop(HopKind::NicNsg, &inner, group(&inner), None));
    hops.push(hop(HopKind::Machine, &place.name, None, None));
    let class = if way == Way::Private {
        ExposureClass::Private
    } else {
        place.class()
    };
    Path {
        way,
        target: text(format!("nic-{}/ipconfig1", place.name)),
        address: text(address),
        hops,
        ports: ports(place, class, shared),
    }
}

fn machine(place: &Place, shared: &mut Shared) -> Machine {
    let verdict = place.verdict();
    let (tab, tab_reason) = match place.kind() {
        12..=19 => (Tab::Configured, None),
        9..=11 => (
            Tab::Unsupported,
            Some("no network security group or firewall filters the machine"),
        ),
        5 => (
            Tab::Unknown,
            Some("the network security group of its subnet is not in the input"),
        ),
        _ => (Tab::NotConfigured, None),
    };
    let (cause, because) = match verdict {
        Verdict::Healthy => (
            "JitIsEnabled",
            "just-in-time access is enabled for every management port".to_owned(),
        ),
        Verdict::NotApplicable => (
            "NoNsgOrFwOnVm",
            "neither a network security group nor a firewall filters this machine".to_owned(),
        ),
        Verdict::Undetermined => (
            "",
            "the network security group of the subnet is only referenced, and it could close the port".to_owned(),
        ),
        Verdict::Unhealthy => (
            "",
            format!(
                "no just-in-time policy covers port {}, which the rules of the machine admit",
                PORTS[place.number % 2]
            ),
        ),
    };
    let mut paths = vec![];
    if place.number % 50 != 49 {
        paths.push(way_in(place, Way::PublicIp, shared));
    }
    if place.number.is_multiple_of(3) {
        paths.push(way_in(place, Way::Private, shared));
    }
    Machine {
        id: text(place.id("Microsoft.Compute/virtualMachines", &place.name)),
        name: text(&place.name),
        subscription: text(place.subscription),
        resource_group: text(&place.group),
        region: text(REGIONS[place.number % REGIONS.len()]),
        os: text(if place.number.is_multiple_of(2) {
            "linux"
        } else {
            "windows"
        }),
        power: text(if place.number.is_multiple_of(9) {
            "deallocated"
        } else {
            "running"
        }),
        verdict,
        cause: (!cause.is_empty()).then(|| text(cause)),
        because: text(because),
        tab,
        tab_reason: tab_reason.map(text),
        owner: None,
        defender: place.number.is_multiple_of(4).then(|| text("Unhealthy")),
        recommendations: Vec::new(),
        paths,
    }
}

struct RuleText {
    id: &'static str,
    title: &'static str,
    severity: Severity,
    kind: SubjectKind,
}

const RULES: [RuleText; 5] = [
    RuleText {
        id: "management-ports-internet",
        title: "Management ports should not be open to the internet",
        severity: Severity::Critical,
        kind: SubjectKind::Vm,
    },
    RuleText {
        id: "management-ports-jit",
        title: "Management ports of virtual machines should be protected with just-in-time network access control",
        severity: Severity::High,
        kind: SubjectKind::Vm,
    },
    RuleText {
        id: "jit-shadowed",
        title: "No Allow rule should keep a port open that just-in-time access protects",
        severity: Severity::Medium,
        kind: SubjectKind::JitEntry,
    },
    RuleText {
        id: "jit-any-source",
        title: "Just-in-time requests should name their source",
        severity: Severity::Low,
        kind: SubjectKind::JitEntry,
    },
    RuleText {
        id: "security-rule-redundant",
        title: "Security rules should decide something",
        severity: Severity::Info,
        kind: SubjectKind::SecurityRule,
    },
];

const WHY: &str = "An open management port is found within minutes and tried until a password fits. **Most break-ins begin here.**\n\nJust-in-time access keeps the port shut and opens it\n\n- for one source,\n- on `22`, `3389`, `5985` or `5986`,\n- for hours, not for years.\n\nSee [the documentation](https://learn.microsoft.com/azure/defender-for-cloud/just-in-time-access-overview).";
const FIX: &str = "1. Enable just-in-time access: `portcullis plan` writes the policy.\n2. Remove the rule that admits the port from everywhere.\n3. Where people need the port all day, use Azure Bastion.\n\n```\nportcullis plan estate.json -o plan.json\nportcullis apply plan.json\n```";

fn rule(rule: &RuleText, findings: &[Finding]) -> RuleInfo {
    let count = |verdict| {
        findings
            .iter()
            .filter(|finding| *finding.rule == *rule.id && finding.verdict == verdict)
            .count() as u64
    };
    RuleInfo {
        id: text(rule.id),
        title: text(rule.title),
        severity: rule.severity,
        digest: None,
        why: text(WHY),
        fix: text(FIX),
        references: vec![
            text("https://learn.microsoft.com/azure/defender-for-cloud/just-in-time-access-usage"),
            text("MCSB v1, NS-3"),
        ],
        standards: vec![
            Mapping {
                framework: text("mcsb"),
                title: text("Microsoft cloud security benchmark"),
                controls: vec![text("NS-3"), text("PA-2")],
                by: MappedBy::Microsoft,
            },
            Mapping {
                framework: text("nist-800-53-r5"),
                title: text("NIST SP 800-53 revision 5"),
                controls: vec![text("AC-3"), text("AC-4"), text("SC-7"), text("SC-7(3)")],
                by: MappedBy::Microsoft,
            },
            Mapping {
                framework: text("pci-dss-4.0.1"),
                title: text("PCI DSS 4.0.1"),
                controls: vec![text("1.3.1"), text("1.4.2")],
                by: MappedBy::Tool,
            },
        ],
        params: BTreeMap::from([
            ("ports".to_owned(), serde_json::json!(PORTS)),
            ("max_duration".to_owned(), serde_json::json!("PT3H")),
        ]),
        counts: Verdict::ALL
            .into_iter()
            .map(|verdict| (verdict, count(verdict)))
            .collect(),
    }
}

fn message(rule: &RuleText, place: &Place) -> String {
    let port = PORTS[place.number % 2];
    match rule.id {
        "management-ports-internet" => format!(
            "port {port} of `{}` is open to 3,702,258,432 addresses because of rule `nsg-snet-{}-{:02}/allow-ssh` (priority 300)",
            place.name,
            place.role,
            place.number / 40 % 60
        ),
        "management-ports-jit" => format!(
            "no just-in-time policy covers port {port} of `{}`, which its network security groups admit",
            place.name
        ),
        "jit-shadowed" => format!(
            "port {port} of `{}` stays open although just-in-time access is on: rule `allow-ssh` stands above its deny",
            place.name
        ),
        "jit-any-source" => format!(
            "the entry of `{}` in policy `default` lets a request open port {port} to every address",
            place.name
        ),
        _ => format!(
            "rule `nsg-snet-{}-{:02}/old-{:05}` never decides: `allow-ssh` admits all it admits",
            place.role,
            place.number / 40 % 60,
            place.number
        ),
    }
}

fn subject(rule: &RuleText, place: &Place) -> Subject {
    let (id, name) = match rule.kind {
        SubjectKind::Vm => (
            place.id("Microsoft.Compute/virtualMachines", &place.name),
            place.name.clone(),
        ),
        SubjectKind::Waiver => ("*".to_owned(), "*".to_owned()),
        SubjectKind::JitEntry => (
            place.id(
                "Microsoft.Security/locations/westeurope/jitNetworkAccessPolicies",
                "default",
            ),
            format!("default/{}", place.name),
        ),
        SubjectKind::SecurityRule => {
            let group = format!("nsg-snet-{}-{:02}", place.role, place.number / 40 % 60);
            let id = place.id(
                "Microsoft.Network/networkSecurityGroups",
                &format!("{group}/securityRules/old-{:05}", place.number),
            );
            (id, format!("{group}/old-{:05}", place.number))
        }
    };
    Subject {
        shared: false,
        kind: rule.kind,
        id: text(id),
        name: text(name),
        subscription: text(place.subscription),
        resource_group: text(&place.group),
        machine: (rule.kind != SubjectKind::SecurityRule).then_some(place.number as u32),
        location: place
            .number
            .is_multiple_of(5)
            .then(|| location(&format!("machines/{}.tf", place.role), 10 + place.number as u32 % 400)),
    }
}

fn evidence(place: &Place) -> Arc<Vec<Evidence>> {
    let group = format!("nsg-snet-{}-{:02}", place.role, place.number / 40 % 60);
    let id = place.id("Microsoft.Network/networkSecurityGroups", &group);
    let fact = |label: &str, words: String, location| Evidence {
        label: text(label),
        text: text(words),
        resource: Some(text(&id)),
        location,
    };
    Arc::new(vec![
        fact("network security group", format!("`{group}` filters the subnet"), None),
        fact(
            "deciding rule",
            format!("`{group}/allow-ssh` (300) allows TCP 22 from `*`"),
            Some(location(&format!("network/{}.tf", place.role), 52)),
        ),
        fact(
            "just-in-time policy",
            "no policy of the subscription names the machine".to_owned(),
            None,
        ),
    ])
}

fn finding(number: usize, machines: usize) -> Finding {
    let (place, rule) = (
        Place::of(number % machines),
        &RULES[(number / machines + number % 3) % RULES.len()],
    );
    let undetermined = place.verdict() == Verdict::Undetermined;
    Finding {
        rule: text(rule.id),
        severity: rule.severity,
        verdict: if undetermined {
            Verdict::Undetermined
        } else {
            Verdict::Unhealthy
        },
        subject: subject(rule, &place),
        cause: None,
        message: text(message(rule, &place)),
        evidence: evidence(&place),
        gaps: if undetermined {
            vec![text("the rules of `nsg-shared` are not in the input")]
        } else {
            vec![]
        },
        assumptions: if number.is_multiple_of(6) {
            vec![text("no-admin-rules")]
        } else {
            vec![]
        },
        fingerprint: text(format!(
            "{:032x}",
            (number as u128 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)
        )),
        baseline: None,
        waiver: number.is_multiple_of(41).then(|| Waiver {
            reason: text("jump host, watched by the network team"),
            owner: Some(text("network-team@example.com")),
            ticket: Some(text("SEC-1204")),
            until: Some(text("2027-03-31")),
        }),
    }
}

fn summary(machines: &[Machine], findings: &[Finding]) -> Summary {
    let mut summary = Summary {
        machines: machines.len() as u64,
        ..Summary::default()
    };
    for machine in machines {
        *summary.verdicts.entry(machine.verdict).or_default() += 1;
        *summary.tabs.entry(machine.tab).or_default() += 1;
        let open = |path: &Path| path.ports.iter().any(|port| port.class >= ExposureClass::AzureTenants);
        summary.exposed += u64::from(machine.paths.iter().any(open));
    }
    for finding in findings {
        match finding.waiver {
            Some(_) => summary.waived += 1,
            None => *summary.findings.entry(finding.severity).or_default() += 1,
        }
        summary.undetermined += u64::from(finding.verdict == Verdict::Undetermined);
    }
    summary
}

fn scan() -> Scan {
    let whole = |(id, name): &(&str, &str)| Subscription {
        id: text(id),
        name: Some(text(name)),
        complete: true,
        missing: vec![],
    };
    Scan {
        generated: "2026-11-20T02:14:09Z".to_owned(),
        recorded: Some("2026-11-20T02:00:00Z".to_owned()),
        inputs: vec![
            "estates/production.json".to_owned(),
            "infrastructure/network".to_owned(),
        ],
        ports: PORTS.to_vec(),
        lost: vec![],
        least_severity: Severity::Info,
        subscriptions: SUBSCRIPTIONS.iter().map(whole).collect(),
        complete: true,
    }
}

fn assumptions() -> Vec<Assumption> {
    vec![
        Assumption {
            id: text("no-admin-rules"),
            text: text("no network manager applies security admin rules to these networks"),
            switch: None,
        },
        Assumption {
            id: text("no-jit-elsewhere"),
            text: text("no just-in-time policy exists outside the files at hand"),
            switch: Some(text("--assume jit=unknown")),
        },
    ]
}

/// An estate of so many machines and findings; the same numbers give the same report.
pub fn estate(machines: usize, findings: usize) -> Report {
    let mut shared = Shared::new();
    let machines: Vec<Machine> = (0..machines)
        .map(|number| machine(&Place::of(number), &mut shared))
        .collect();
    let mut findings: Vec<Finding> = (0..findings).map(|number| finding(number, machines.len())).collect();
    findings.sort_by(|a, b| {
        b.severity
            .cmp(&a.severity)
            .then_with(|| a.rule.cmp(&b.rule))
            .then_with(|| a.subject.id.cmp(&b.subject.id))
    });
    Report {
        format_version: FORMAT_VERSION,
        tool: Tool {
            name: "portcullis".to_owned(),
            version: "0.1.0".to_owned(),
        },
        scan: scan(),
        summary: summary(&machines, &findings),
        assumptions: assumptions(),
        rules: RULES.iter().map(|text| rule(text, &findings)).collect(),
        machines,
        findings,
        diagnostics: vec![
            Diagnostic::warning(
                "terraform-module-missing",
                "the module `network` is not on disk, so what it makes is unknown",
            )
            .help("run `terraform init`, or give the folder of the module")
            .at(location("main.tf", 12)),
            Diagnostic::note(
                "tag-not-listed",
                "the service tag `AzureCloud` has no address data in the input",
            )
            .help("record a snapshot with `--with-service-tags`"),
        ],
    }
}

/// An estate of which a part was refused.
pub fn incomplete() -> Report {
    let mut report = estate(60, 90);
    report.scan.complete = false;
    let subscription = &mut report.scan.subscriptions[2];
    subscription.complete = false;
    subscription.missing = vec![
        "virtual machines: 403 AuthorizationFailed; the reader role is missing".to_owned(),
        "just-in-time policies: 429 after 6 attempts".to_owned(),
    ];
    report.diagnostics.push(
        Diagnostic::error(
            "refused",
            "`Microsoft.Compute/virtualMachines` of `retail-test` was refused: 403 AuthorizationFailed",
        )
        .help("grant the Reader role on the subscription")
        .about("/subscriptions/2f0b6c1e-7a34-4d5e-9c11-0a1b2c3d4e03"),
    );
    report
}

/// Nothing was found because nothing was there.
pub fn empty() -> Report {
    let mut report = estate(0, 0);
    report.rules.clear();
    report.assumptions.clear();
    report.diagnostics.clear();
    report.scan.inputs.clear();
    report.scan.subscriptions.clear();
    report
}

/// Names that try to leave the text they stand in.
pub const HOSTILE: [&str; 9] = [
    "<script>alert('name')</script>",
    "</script><script>alert(1)</script>",
    "<!--<script>",
    "\"><img src=x onerror=alert(1)>",
    "' onmouseover='alert(1)",
    "{{ 7 * 7 }}{% raw %}",
    "vm-\u{202e}gpj.exe\u{2066}",
    "zero\u{200b}width\u{0}\u{7}\u{1b}[31m\r\nline\u{2028}",
    "javascript:alert(1)//]]>",
];

/// An estate in which every name is hostile, and one is 10,000 characters long.
pub fn hostile() -> Report {
    let mut report = estate(24, 40);
    let long = "long-".repeat(2_000);
    let names: Vec<&str> = HOSTILE.into_iter().chain([long.as_str(), "مرحبا-vm", ""]).collect();
    let name = |number: usize| text(names[number % names.len()]);
    for (number, machine) in report.machines.iter_mut().enumerate() {
        machine.name = name(number);
        machine.id = text(format!("/subscriptions/x/{}", name(number)));
        machine.resource_group = name(number + 1);
        machine.because = name(number + 2);
        machine.tab_reason = Some(name(number + 3));
        machine.region = name(number + 4);
        machine.os = name(number + 5);
        for path in &mut machine.paths {
            path.target = name(number);
            path.hops.iter_mut().for_each(|hop| hop.name = name(number));
            Arc::make_mut(&mut path.ports).iter_mut().for_each(|port| {
                port.sentence = name(number);
                port.sources = vec![name(number).to_string()];
                port.deciders.iter_mut().for_each(|decider| decider.rule = name(number));
            });
        }
    }
    for (number, finding) in report.findings.iter_mut().enumerate() {
        finding.message = name(number);
        finding.subject.name = name(number + 1);
        finding.subject.id = name(number + 2);
        finding.subject.resource_group = name(number + 3);
        finding.gaps = vec![name(number)];
        finding.evidence = Arc::new(vec![Evidence {
            label: name(number),
            text: name(number + 1),
            resource: Some(name(number)),
            location: Some(location(&name(number), 1)),
        }]);
        finding.waiver = Some(Waiver {
            reason: name(number),
            owner: Some(name(number)),
            ticket: Some(name(number)),
            until: None,
        });
    }
    for (number, rule) in report.rules.iter_mut().enumerate() {
        rule.title = name(number);
        rule.why = name(number + 1);
        rule.fix = text(format!("[x](javascript:alert(1)) <b>{}</b>", name(number + 2)));
        rule.references = vec![
            name(number),
            text("javascript:alert(1)"),
            text("https://example.com/\"onclick=\"alert(1)"),
        ];
        rule.params
            .insert(name(number).to_string(), serde_json::json!({ "x": &*name(number + 1) }));
    }
    report.scan.inputs = names.iter().map(|name| (*name).to_owned()).collect();
    report.scan.complete = false;
    report.scan.subscriptions[0] = Subscription {
        id: name(0),
        name: Some(name(1)),
        complete: false,
        missing: names.iter().map(|name| (*name).to_owned()).collect(),
    };
    report.diagnostics = names
        .iter()
        .map(|name| {
            Diagnostic::error("hostile", *name)
                .help(*name)
                .about(name)
                .at(location(name, 1))
        })
        .collect();
    report
}
