//! The example estate against the answers that Azure's own semantics give, worked out by hand and written down in
//! `examples/contoso/README.md`; and the same machines from other recordings, and with something refused.
#![expect(clippy::unwrap_used, clippy::panic, reason = "what is missing fails the test")]

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::Path;

use portcullis::exposure::{ExposureClass, Way};
use portcullis::input::{Given, Reading};
use portcullis::report::{HopKind, Machine, PortExposure, Report, Tab};
use portcullis::rule::Verdict;
use portcullis::scan::scan_by_default;
use serde_json::{Value, json};

const RECORDED: &str = "2026-03-14T02:10:00Z";

fn report_of(directory: &str) -> Report {
    report_with(directory, "")
}

/// The report of the estate as it is recorded where the platform's subscription is refused.
fn report_without_the_platform() -> Report {
    const PLATFORM: &str = "7d4f1c02-5a3e-4b86-9f10-2c6e8a9b0d11";
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/contoso/estate.jsonl");
    let text = fs::read_to_string(path).unwrap();
    let mut lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let mut header = lines.next().unwrap();
    let covered = header.get_mut("subscriptions").and_then(Value::as_array_mut).unwrap();
    let platform = covered.iter_mut().find(|covered| covered["id"] == PLATFORM).unwrap();
    platform["complete"] = json!(false);
    platform["missing"] = json!([{ "type": "*", "reason": "403 AuthorizationFailed" }]);
    let is_read = |line: &Value| line["id"].as_str().is_some_and(|id| !id.contains(PLATFORM));
    let read: Vec<Value> = lines.filter(is_read).collect();
    let footer = json!({ "format": "portcullis-snapshot-end", "resources": read.len() });
    let text: String = std::iter::once(header)
        .chain(read)
        .chain([footer])
        .map(|line| format!("{line}\n"))
        .collect();
    let mut reading = Reading::default();
    reading.read("estate.jsonl", Given::Found, text.as_bytes());
    judged(reading, "contoso")
}

/// The report of an example, and of one more recording beside it.
fn report_with(directory: &str, more: &str) -> Report {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(directory);
    let mut files: Vec<_> = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut reading = Reading::default();
    for file in files {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        reading.read(&name, Given::Found, File::open(&file).unwrap());
    }
    if !more.is_empty() {
        reading.read("more.json", Given::Found, more.as_bytes());
    }
    judged(reading, directory)
}

fn judged(mut reading: Reading, directory: &str) -> Report {
    reading.finish();
    scan_by_default(reading, RECORDED.parse().unwrap(), &[directory])
}

fn machine<'r>(report: &'r Report, name: &str) -> &'r Machine {
    let found = report.machines.iter().find(|machine| &*machine.name == name);
    found.unwrap_or_else(|| panic!("there is no machine {name}"))
}

use Tab::{Configured as C, NotConfigured as N, Unknown as K, Unsupported as U};
use Verdict::{Healthy, NotApplicable, Undetermined, Unhealthy};

const ENABLED: Option<&str> = Some("JitIsEnabled");
const BARE: Option<&str> = Some("NoNsgOrFwOnVm");
const CLASSIC: Option<&str> = Some("UnsupportedClassicVM");

/// Machine, verdict of the flow, cause, tab of the portal.
const EXPECTED: &[(&str, Verdict, Option<&str>, Tab)] = &[
    // contoso-platform
    ("vm-jump-win-01", Healthy, ENABLED, C),
    ("vm-jump-win-02", Healthy, ENABLED, C),
    ("vm-jump-lin-01", Healthy, ENABLED, C),
    ("vm-mgmt-adm-01", Unhealthy, None, N),
    ("vm-mgmt-mon-01", Healthy, None, N),
    ("vm-mgmt-patch-01", Healthy, ENABLED, C),
    ("vm-dns-01", Healthy, None, N),
    ("vm-dns-02", Unhealthy, None, N),
    // contoso-retail
    ("vm-shop-web-01", Unhealthy, None, N),
    ("vm-shop-web-02", Unhealthy, None, N),
    ("vm-shop-web-03", Healthy, ENABLED, C),
    ("vm-shop-app-01", Healthy, None, N),
    ("vm-shop-app-02", Healthy, None, N),
    ("vm-shop-app-03", Healthy, None, N),
    ("vm-shop-db-01", Unhealthy, None, N),
    ("vm-shop-db-02", Unhealthy, None, N),
    ("vm-shop-bi-01", NotApplicable, BARE, U),
    ("vm-shop-ml-01", Undetermined, None, K),
    ("vm-pay-gw-01", Unhealthy, None, N),
    ("vm-pay-app-01", Healthy, ENABLED, C),
    ("vm-pay-app-02", Healthy, ENABLED, C),
    ("vm-pay-report-01", Healthy, ENABLED, C),
    ("vm-pay-batch-01", Unhealthy, None, N),
    ("vm-pay-hsm-01", Undetermined, None, N),
    // contoso-data
    ("vm-etl-01", Healthy, None, N),
    ("vm-etl-02", Unhealthy, None, N),
    ("vm-spark-01", Undetermined, None, U),
    ("vm-sql-01", Unhealthy, None, N),
    ("vm-sql-02", Healthy, ENABLED, C),
    ("vm-nva-01", Unhealthy, None, N),
    ("vm-ingest-01", Unhealthy, None, N),
    ("vm-ingest-02", Unhealthy, None, N),
    ("vm-lake-01", Healthy, None, U),
    ("vm-lake-02", Healthy, None, N),
    ("vm-kafka-01", Unhealthy, None, N),
    // contoso-sandbox
    ("vm-lab-01", Unhealthy, None, U),
    ("vm-lab-02", NotApplicable, BARE, U),
    ("vm-lab-03", Unhealthy, None, U),
    ("vm-lab-04", Unhealthy, None, U),
    ("vm-lab-05", Healthy, None, U),
    ("vm-lab-06", Healthy, None, U),
    ("vm-lab-admin", Unhealthy, None, U),
    ("vm-lab-worker", Healthy, None, U),
    ("legacyfiles", NotApplicable, CLASSIC, U),
    ("vmss-ci_4f1d29ab", Unhealthy, None, U),
    ("vmss-ci_c07e6b33", Unhealthy, None, U),
];

#[test]
fn every_machine_has_the_verdict_cause_and_tab_that_azure_semantics_give() {
    let report = report_of("contoso");
    let said: Vec<_> = report
        .machines
        .iter()
        .map(|machine| (&*machine.name, machine.verdict, machine.cause.as_deref(), machine.tab))
        .collect();
    for expected in EXPECTED {
        let because = &machine(&report, expected.0).because;
        assert!(said.contains(expected), "{expected:?}: {because}");
    }
    assert_eq!(said.len(), EXPECTED.len());
    assert!(report.scan.complete);
    assert!(
        report
            .diagnostics
            .iter()
            .all(|diagnostic| matches!(diagnostic.code.as_ref(), "passed-over" | "defender-differs"))
    );
    let differs: Vec<&str> = report
        .diagnostics
        .iter()
        .filter(|diagnostic| &*diagnostic.code == "defender-differs")
        .map(|diagnostic| diagnostic.message.as_str())
        .collect();
    assert!(matches!(differs.as_slice(), [one] if one.contains("vm-pay-app-02") && one.contains("enabled since")));
}

use ExposureClass::{AzureTenants, Closed, Narrow, NoReturnPath, Private, Undetermined as Open, Wide};

/// Machine, way in, port, class, number of addresses that surely get through.
const WAYS: &[(&str, Way, u16, ExposureClass, &str)] = &[
    ("vm-jump-win-01", Way::PublicIp, 3389, Narrow, "1"),
    ("vm-jump-win-01", Way::PublicIp, 22, Closed, "0"),
    ("vm-jump-win-01", Way::Private, 22, Private, "64"),
    ("vm-jump-win-01", Way::Private, 5985, Closed, "0"),
    ("vm-jump-win-02", Way::PublicIp, 3389, Closed, "0"),
    ("vm-dns-02", Way::FirewallDnat, 3389, Wide, "3702259455"),
    ("vm-shop-web-01", Way::LoadBalancer, 22, Narrow, "320"),
    ("vm-shop-web-02", Way::FirewallDnat, 22, Narrow, "256"),
    ("vm-shop-web-03", Way::Private, 22, Closed, "0"),
    ("vm-shop-app-03", Way::PublicIp, 22, NoReturnPath, "0"),
    ("vm-shop-bi-01", Way::PublicIp, 3389, Closed, "0"),
    ("vm-pay-gw-01", Way::PublicIp, 22, AzureTenants, "0"),
    ("vm-pay-app-01", Way::PublicIp, 22, Narrow, "1"),
    ("vm-pay-batch-01", Way::PublicIp, 22, Closed, "0"),
    ("vm-pay-hsm-01", Way::PublicIp, 22, Open, "0"),
    ("vm-nva-01", Way::PublicIp, 22, Narrow, "256"),
    ("vm-ingest-01", Way::PublicIp, 22, Narrow, "256"),
    // The default route makes the VirtualNetwork tag everything, so AllowVnetInBound admits the other ports too.
    ("vm-ingest-01", Way::PublicIp, 3389, Narrow, "256"),
    (
        "vm-kafka-01",
        Way::PublicIp,
        22,
        Wide,
        "42535295865117307932921825928971026432",
    ),
    ("vm-kafka-01", Way::PublicIp, 3389, Closed, "0"),
    ("vm-lab-01", Way::PublicIp, 5986, Wide, "3702259455"),
    ("vm-lab-02", Way::PublicIp, 22, Wide, "3702259455"),
    ("vm-lab-03", Way::PublicIp, 22, Wide, "3702259455"),
    ("vm-lab-03", Way::PublicIp, 3389, Closed, "0"),
    ("vm-lab-05", Way::PublicIp, 22, Closed, "0"),
    ("vm-lab-06", Way::PublicIp, 22, Closed, "0"),
    ("vm-lab-admin", Way::PublicIp, 22, Wide, "3702259455"),
    ("vm-lab-worker", Way::PublicIp, 22, Closed, "0"),
    ("vmss-ci_4f1d29ab", Way::LoadBalancer, 22, Wide, "3702259455"),
    ("vmss-ci_c07e6b33", Way::LoadBalancer, 22, Wide, "3702259455"),
];

fn answers<'r>(report: &'r Report, name: &str, way: Way, port: u16) -> Vec<&'r PortExposure> {
    // A way of a service, such as a bastion host, has a second network on it.
    let networks = |path: &portcullis::report::Path| {
        let of_network = path.hops.iter().filter(|hop| hop.kind == HopKind::VirtualNetwork);
        of_network.count()
    };
    let paths = machine(report, name).paths.iter().filter(|path| path.way == way);
    let paths = paths.filter(|path| networks(path) < 2);
    paths
        .flat_map(|path| path.ports.iter())
        .filter(|answer| answer.port == port)
        .collect()
}

#[test]
fn who_reaches_which_port_is_what_azure_semantics_give() {
    let report = report_of("contoso");
    for (name, way, port, class, addresses) in WAYS {
        let found = answers(&report, name, *way, *port);
        assert_eq!(found.len(), 1, "{name} {way:?} {port}");
        assert_eq!(
            (found[0].class, found[0].addresses.as_str()),
            (*class, *addresses),
            "{name} {way:?} {port}"
        );
    }
    let both: Vec<_> = answers(&report, "vm-lab-04", Way::PublicIp, 3389)
        .iter()
        .map(|answer| answer.class)
        .collect();
    assert_eq!(both, [Closed, Wide], "only the second address of vm-lab-04 is open");
    for (name, way, port, front) in [
        ("vm-shop-web-01", Way::LoadBalancer, 22, 50001),
        ("vm-shop-web-02", Way::FirewallDnat, 22, 52022),
        ("vm-dns-02", Way::FirewallDnat, 3389, 53389),
    ] {
        assert_eq!(answers(&report, name, way, port)[0].front_port, Some(front), "{name}");
    }
    let ways = |name: &str| {
        machine(&report, name)
            .paths
            .iter()
            .map(|path| path.way)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        ways("vm-shop-web-03"),
        [Way::Private, Way::Private],
        // The second by the bastion host of the network.
        "a balancer's rule for port 443 is no way to a management port"
    );
    assert_eq!(ways("legacyfiles"), []);
}

/// Rule, and the subjects it finds, without those of the flow, of exposure and of support (asked above).
const FOUND: &[(&str, &[&str])] = &[
    ("allow-any-port", &["nsg-lab/AllowEverything"]),
    ("jit-any-source", &["default/vm-jump-lin-01"]),
    ("jit-port-coverage", &["vm-jump-lin-01", "vm-pay-report-01"]),
    ("jit-shadowed", &["vm-shop-web-03"]),
    ("jit-stale-entry", &["default/vm-jump-old"]),
    ("jit-window-too-long", &["default/vm-jump-lin-01"]),
    (
        "shadowed-rule",
        &["nsg-lab/DenyRdpFromInternet", "nsg-pay-batch/AllowSshTemporary"],
    ),
    ("vm-without-filter", &["vm-lab-02", "vm-shop-bi-01", "vm-shop-ml-01"]),
];

#[test]
fn every_rule_finds_what_it_is_for_and_nothing_else() {
    let report = report_of("contoso");
    let found_by = |rule: &str| {
        let of_rule = report.findings.iter().filter(|finding| &*finding.rule == rule);
        of_rule
            .map(|finding| finding.subject.name.to_string())
            .collect::<BTreeSet<_>>()
    };
    for (rule, subjects) in FOUND {
        let expected: BTreeSet<String> = subjects.iter().map(ToString::to_string).collect();
        assert_eq!(found_by(rule), expected, "{rule}");
    }
    let groups: BTreeSet<_> = found_by("jit-rule-left-behind")
        .iter()
        .filter_map(|name| name.split('/').next().map(str::to_owned))
        .collect();
    assert_eq!(groups, BTreeSet::from(["nsg-lab".to_owned(), "nsg-pay".to_owned()]));
    let unsupported: BTreeSet<_> = EXPECTED
        .iter()
        .filter(|(_, _, _, tab)| matches!(tab, U | K))
        .map(|(name, ..)| (*name).to_owned())
        .collect();
    assert_eq!(found_by("jit-unsupported"), unsupported);
}

#[test]
fn every_rule_has_findings_and_passes_somebody() {
    for rule in report_of("contoso").rules {
        let count = |verdict: Verdict| rule.counts.get(&verdict).copied().unwrap_or(0);
        // A machine stands behind every open group, and is judged itself.
        let is_elsewhere = &*rule.id == "management-port-admitted";
        assert!(is_elsewhere || count(Unhealthy) > 0, "{}", rule.id);
        assert!(is_elsewhere || count(Healthy) > 0, "{}", rule.id);
    }
}

#[test]
fn every_verdict_cause_class_way_and_tab_occurs() {
    let report = report_of("contoso");
    for verdict in Verdict::ALL {
        assert!(report.summary.verdicts.contains_key(&verdict), "{verdict:?}");
    }
    for tab in Tab::ALL {
        assert!(report.summary.tabs.contains_key(&tab), "{tab:?}");
    }
    for cause in [ENABLED, BARE, CLASSIC] {
        assert!(
            report.machines.iter().any(|machine| machine.cause.as_deref() == cause),
            "{cause:?}"
        );
    }
    let paths = || report.machines.iter().flat_map(|machine| &machine.paths);
    for way in [Way::PublicIp, Way::LoadBalancer, Way::FirewallDnat, Way::Private] {
        assert!(paths().any(|path| path.way == way), "{way:?}");
    }
    for class in [Closed, Private, Open, NoReturnPath, AzureTenants, Narrow, Wide] {
        assert!(
            paths()
                .flat_map(|path| path.ports.iter())
                .any(|answer| answer.class == class),
            "{class:?}"
        );
    }
}

#[test]
fn defender_agrees_but_where_it_lags() {
    let report = report_of("contoso");
    let word = |verdict: Verdict| match verdict {
        Healthy => "Healthy",
        Unhealthy => "Unhealthy",
        NotApplicable => "NotApplicable",
        Undetermined => "undetermined",
    };
    let differs = report.machines.iter().filter(|machine| {
        let expected = match &machine.cause {
            Some(cause) => format!("{} ({cause})", word(machine.verdict)),
            None => word(machine.verdict).to_owned(),
        };
        machine
            .defender
            .as_ref()
            .is_some_and(|defender| **defender != *expected)
    });
    assert_eq!(
        differs.map(|machine| &*machine.name).collect::<Vec<_>>(),
        ["vm-pay-app-02"]
    );
    assert!(
        report
            .machines
            .iter()
            .filter(|machine| machine.defender.is_some())
            .count()
            > 25
    );
}

#[test]
fn the_same_machines_as_lists_get_the_same_answers() {
    let (whole, lists) = (report_of("contoso"), report_of("contoso-lists"));
    assert_eq!(lists.machines.len(), 7);
    for listed in &lists.machines {
        let recorded = machine(&whole, &listed.name);
        let said = |machine: &Machine| {
            (
                machine.verdict,
                machine.cause.clone(),
                machine.tab,
                machine.because.clone(),
            )
        };
        assert_eq!(said(listed), said(recorded), "{}", listed.name);
        assert_eq!(listed.os, recorded.os, "{}", listed.name);
        let public = |machine: &Machine| {
            let ways = machine.paths.iter().filter(|path| path.way != Way::Private);
            let answers = ways.flat_map(|path| path.ports.iter());
            answers
                .map(|answer| (answer.port, answer.class, answer.sentence.clone()))
                .collect::<Vec<_>>()
        };
        assert_eq!(public(listed), public(recorded), "{}", listed.name);
    }
}

#[test]
fn what_was_refused_leaves_open_only_what_needs_it() {
    let report = report_of("contoso-refused");
    assert!(!report.scan.complete);
    let incomplete: Vec<_> = report.scan.subscriptions.iter().filter(|s| !s.complete).collect();
    assert_eq!(incomplete.len(), 1);
    assert!(
        incomplete[0].missing[0].contains("networksecuritygroups"),
        "{:?}",
        incomplete[0].missing
    );
    for (name, verdict, cause, tab) in [
        // Its group was refused, and decides. That there is one is known.
        ("vm-branch-till-01", Undetermined, None, N),
        // An entry in a policy is enough, whatever the group says.
        ("vm-branch-till-02", Healthy, ENABLED, C),
        // Names no group: nothing of it was refused.
        ("vm-branch-print-01", NotApplicable, BARE, U),
        // Lies in a subscription that was read whole.
        ("vm-plant-gw-01", Unhealthy, None, N),
    ] {
        let machine = machine(&report, name);
        assert_eq!(
            (machine.verdict, machine.cause.as_deref(), machine.tab),
            (verdict, cause, tab),
            "{name}"
        );
    }
    let open: BTreeSet<_> = report
        .findings
        .iter()
        .filter(|finding| finding.verdict == Undetermined)
        .map(|finding| (&*finding.rule, &*finding.subject.name))
        .collect();
    let expected = BTreeSet::from([
        ("management-ports-jit", "vm-branch-till-01"),
        ("management-port-exposed", "vm-branch-till-01"),
        ("jit-shadowed", "vm-branch-till-02"),
    ]);
    assert_eq!(open, expected);
    assert!(
        report
            .findings
            .iter()
            .filter(|f| f.verdict == Undetermined)
            .all(|f| f.gaps[0].contains("403"))
    );
}

/// The firewall of the hub, with its NAT rule to vm-shop-web-02, stands in the platform's subscription.
#[test]
fn what_the_refused_platform_may_let_in_is_left_open_and_named() {
    let report = report_without_the_platform();
    let exposed = |verdict: Verdict| -> BTreeSet<&str> {
        let of_rule = report
            .findings
            .iter()
            .filter(|finding| &*finding.rule == "management-port-exposed" && finding.verdict == verdict);
        of_rule.map(|finding| &*finding.subject.name).collect()
    };
    // Without endpoints nothing is known of a classic machine, refused or not.
    let expected = BEHIND_THE_HUB
        .iter()
        .chain(BEHIND_THE_CHILD_POLICY)
        .chain(&["legacyfiles"]);
    assert_eq!(exposed(Undetermined), expected.copied().collect());
    let names = |machine: &str, what: &str| {
        let mut of_rule = report
            .findings
            .iter()
            .filter(|finding| &*finding.rule == "management-port-exposed" && &*finding.subject.name == machine);
        let mut gaps = of_rule.next().unwrap().gaps.iter();
        assert!(gaps.any(|gap| gap.contains(what) && gap.contains("403")), "{machine}");
    };
    BEHIND_THE_HUB.iter().for_each(|machine| names(machine, "`vnet-hub`"));
    BEHIND_THE_CHILD_POLICY
        .iter()
        .for_each(|machine| names(machine, "`fwp-contoso-base`"));
    // What is open by another way stays unhealthy, and what groups keep closed stays healthy.
    assert!(exposed(Unhealthy).contains("vm-shop-web-01"));
    assert!(!exposed(Unhealthy).contains("vm-shop-web-03"));
}

/// Machines without a sure exposure in networks that are peered with the hub, whose groups admit it.
const BEHIND_THE_HUB: &[&str] = &[
    "vm-pay-hsm-01",
    "vm-pay-report-01",
    "vm-shop-app-01",
    "vm-shop-app-02",
    "vm-shop-app-03",
    "vm-shop-bi-01",
    "vm-shop-db-01",
    "vm-shop-db-02",
    "vm-shop-web-02",
];

/// Those whose own firewall inherits from a policy of the hub's, and one whose network is not in the input.
const BEHIND_THE_CHILD_POLICY: &[&str] = &[
    "vm-etl-01",
    "vm-etl-02",
    "vm-ingest-02",
    "vm-lake-01",
    "vm-lake-02",
    "vm-shop-ml-01",
    "vm-spark-01",
    "vm-sql-01",
];

#[test]
fn neighbouring_recommendations_stand_beside_our_rules() {
    const CLOSED: &str = "bc303248-3d14-44c2-96a0-55f5c326b5fe";
    const ANY_PORT: &str = "3b20e985-f71f-483b-b078-f30d73936d43";
    let plain = report_of("contoso");
    let complained = |rule: &str| -> BTreeSet<String> {
        let findings = plain.findings.iter().filter(|finding| &*finding.rule == rule);
        let unhealthy = findings.filter(|finding| finding.verdict == Unhealthy);
        unhealthy
            .map(|finding| finding.subject.id.to_ascii_lowercase())
            .collect()
    };
    let exposed = complained("management-port-exposed");
    assert!(exposed.len() > 3 && plain.machines.iter().all(|machine| machine.recommendations.is_empty()));
    let is_exposed = |machine: &&Machine| exposed.contains(&machine.id.to_ascii_lowercase());
    let mut open = plain.machines.iter().filter(is_exposed);
    let (first, second, third) = (open.next().unwrap(), open.next().unwrap(), open.next().unwrap());
    let undetermined = |machine: &&Machine| {
        plain
            .findings
            .iter()
            .any(|finding| finding.subject.id == machine.id && finding.verdict == Undetermined)
    };
    let closed = plain
        .machines
        .iter()
        .find(|machine| !is_exposed(machine) && !undetermined(machine))
        .unwrap();
    let rows: Vec<String> = [
        (first, CLOSED, "Healthy", ""),
        (second, CLOSED, "NotApplicable", "NonInternetFacingVms"),
        (third, CLOSED, "Unhealthy", ""),
        (closed, CLOSED, "Unhealthy", ""),
        (closed, ANY_PORT, "Healthy", ""),
    ]
    .iter()
    .map(|(machine, key, code, cause)| {
        let cause = if cause.is_empty() { String::new() } else { format!(",\"cause\":\"{cause}\"") };
        format!(
            "{{\"id\":\"{}/providers/Microsoft.Security/assessments/{key}\",\"name\":\"{key}\",\
             \"type\":\"Microsoft.Security/assessments\",\"properties\":{{\"status\":{{\"code\":\"{code}\"{cause}}}}}}}",
            machine.id
        )
    })
    .collect();
    let report = report_with("contoso", &format!("{{\"value\":[{}]}}", rows.join(",")));
    let beside = |of: &Machine| {
        let found = &machine(&report, &of.name).recommendations;
        found
            .iter()
            .map(|one| (one.defender.to_string(), one.rule.to_string(), one.ours))
            .collect::<Vec<_>>()
    };
    let rule = "management-port-exposed".to_owned();
    assert_eq!(beside(first), [("Healthy".to_owned(), rule.clone(), Unhealthy)]);
    assert_eq!(
        beside(second),
        [(
            "NotApplicable (NonInternetFacingVms)".to_owned(),
            rule.clone(),
            Unhealthy
        )]
    );
    assert_eq!(beside(third), [("Unhealthy".to_owned(), rule.clone(), Unhealthy)]);
    assert_eq!(beside(closed)[0], ("Unhealthy".to_owned(), rule, Healthy));
    let notes: Vec<&str> = report
        .diagnostics
        .iter()
        .filter(|one| &*one.code == "defender-differs" && one.message.contains("Management ports should be closed"))
        .map(|one| one.message.as_str())
        .collect();
    assert_eq!(notes.len(), 3, "{notes:#?}");
    for (name, reason) in [
        (&first.name, "does not see the way in"),
        (&second.name, "the internet does not reach"),
        (&closed.name, "lets nobody through"),
    ] {
        let name = format!("`{name}`");
        assert!(
            notes.iter().any(|note| note.contains(&name) && note.contains(reason)),
            "{name}: {notes:#?}"
        );
    }
}
