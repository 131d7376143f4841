//! The built-in rules over made-up facts: every branch, and the parameters of the flow in all combinations.

use serde_json::{Value, json};

use super::Written;
use crate::rule::builtin::rules;
use crate::rule::params::ResolvedParams;
use crate::rule::{Judgement, Rule, Severity, SubjectKind, Verdict};

fn find(id: &str) -> &'static Rule {
    rules().iter().find(|rule| &*rule.id == id).unwrap()
}

fn judge_with(id: &str, facts: Value, params: &[(&str, Value)]) -> Judgement {
    let rule = find(id);
    let mut resolved = ResolvedParams::defaults(rule);
    for (name, value) in params {
        resolved.set(rule, name, value).unwrap();
    }
    rule.judge(&Written::new(rule.applies_to, facts), &resolved)
}

fn judge(id: &str, facts: Value) -> Judgement {
    judge_with(id, facts, &[])
}

/// A machine without anything, changed by `with`.
fn machine(with: &Value) -> Value {
    let mut facts = json!({
        "vm": {
            "id": "/vm", "name": "vm-a", "os": "linux", "classic": false, "has_nic": true, "public_ips": [], "tags": {}
        },
        "jit": { "enabled": false, "ports": [], "supported": true, "shadowed": [], "unsupported_reasons": [] },
        "nsg": { "assigned": false, "unfiltered": true, "names": [], "layers": [] },
        "firewall": { "protects": false, "names": [], "allows": [] },
        "exposures": []
    });
    merge(&mut facts, with);
    facts
}

fn merge(into: &mut Value, with: &Value) {
    match (into, with) {
        (Value::Object(into), Value::Object(with)) => {
            for (key, value) in with {
                merge(into.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (into, with) => *into = with.clone(),
    }
}

fn allow(with: &Value) -> Value {
    let mut allow = json!({
        "port": 22, "rule": "ssh", "priority": 100, "default_rule": false, "jit_rule": false, "any_source": true,
        "internet": true, "for_machine": true, "effective": true
    });
    merge(&mut allow, with);
    allow
}

/// A machine behind groups `a`, `b` ... with those Allow rules.
fn grouped(layers: &[&[Value]]) -> Value {
    let names: Vec<String> = (b'a'..)
        .take(layers.len())
        .map(|letter| char::from(letter).to_string())
        .collect();
    let layers: Vec<Value> = layers
        .iter()
        .zip(&names)
        .map(|(allows, name)| json!({ "layer": "nic", "nsg": name, "allows": allows }))
        .collect();
    json!({ "nsg": { "assigned": true, "unfiltered": false, "names": names, "layers": layers } })
}

fn flow(with: &Value) -> (Verdict, Option<String>) {
    let judged = judge("management-ports-jit", machine(with));
    (judged.verdict, judged.cause.map(|cause| cause.to_string()))
}

#[test]
fn the_flow_of_just_in_time_access_has_microsofts_causes() {
    let cause = |cause: &str| Some(cause.to_owned());
    let classic = json!({ "vm": { "classic": true }, "jit": { "enabled": true } });
    assert_eq!(flow(&classic), (Verdict::NotApplicable, cause("UnsupportedClassicVM")));
    let enabled = json!({ "jit": { "enabled": true, "ports": [3389] } });
    assert_eq!(
        flow(&enabled),
        (Verdict::Healthy, cause("JitIsEnabled")),
        "any entry will do"
    );
    assert_eq!(flow(&json!({})), (Verdict::NotApplicable, cause("NoNsgOrFwOnVm")));
    assert_eq!(flow(&grouped(&[&[]])), (Verdict::Healthy, None));
    assert_eq!(flow(&grouped(&[&[allow(&json!({}))]])), (Verdict::Unhealthy, None));
    assert_eq!(flow(&grouped(&[&[], &[allow(&json!({}))]])), (Verdict::Unhealthy, None));
    let firewall = json!({ "firewall": { "protects": true, "names": ["fw"] } });
    assert_eq!(flow(&firewall), (Verdict::Healthy, None));
    let open = json!({ "firewall": { "protects": true, "names": ["fw"], "allows": [{ "port": 22, "rule": "r" }] } });
    assert_eq!(flow(&open), (Verdict::Unhealthy, None));
}

#[test]
fn the_flow_says_which_group_is_open() {
    let facts = grouped(&[&[], &[allow(&json!({}))], &[allow(&json!({ "port": 80 }))]]);
    let judged = judge("management-ports-jit", machine(&facts));
    assert_eq!(
        &*judged.message,
        "just-in-time access is off, and management ports are allowed in by `b/ssh` (port 22)"
    );
}

#[test]
fn each_reading_of_an_allow_rule_is_a_parameter() {
    for (change, param, value, counts_by_default) in [
        (json!({ "effective": false }), "reading", "effective", true),
        (
            json!({ "internet": false, "any_source": false }),
            "allow_source",
            "internet",
            true,
        ),
        (json!({ "default_rule": true }), "default_rules", "count", false),
        (json!({ "for_machine": false }), "destination", "any", false),
    ] {
        let facts = || machine(&grouped(&[&[allow(&change)]]));
        let unhealthy = |judged: Judgement| judged.verdict == Verdict::Unhealthy;
        assert_eq!(
            unhealthy(judge("management-ports-jit", facts())),
            counts_by_default,
            "{change}"
        );
        let other = judge_with("management-ports-jit", facts(), &[(param, json!(value))]);
        assert_eq!(unhealthy(other), !counts_by_default, "{change} with {param}={value}");
    }
    let other_port = || machine(&grouped(&[&[allow(&json!({ "port": 8443 }))]]));
    assert_eq!(judge("management-ports-jit", other_port()).verdict, Verdict::Healthy);
    let judged = judge_with("management-ports-jit", other_port(), &[("ports", json!([8443]))]);
    assert_eq!(judged.verdict, Verdict::Unhealthy);
}

/// The flow as one would write it in Rust.
fn expected(layers: &[bool], firewall: Option<bool>, nsg_layers: &str, both: &str) -> Verdict {
    let groups = !layers.is_empty();
    let groups_clean = match nsg_layers {
        "all_clean" => !layers.contains(&true),
        _ => layers.contains(&false),
    };
    let firewall_clean = firewall == Some(false);
    let healthy = match both {
        "nsg_first" if groups => groups_clean,
        "nsg_first" => firewall_clean,
        "one_clean" => (groups && groups_clean) || firewall_clean,
        _ => (!groups || groups_clean) && (firewall.is_none() || firewall_clean),
    };
    match (groups || firewall.is_some(), healthy) {
        (false, _) => Verdict::NotApplicable,
        (true, true) => Verdict::Healthy,
        (true, false) => Verdict::Unhealthy,
    }
}

#[test]
fn groups_and_firewall_combine_as_the_parameters_say() {
    let dirty = [allow(&json!({}))];
    let groupings: &[&[bool]] = &[&[], &[false], &[true], &[false, true], &[true, true], &[false, false]];
    for layers in groupings {
        for firewall in [None, Some(false), Some(true)] {
            for nsg_layers in ["all_clean", "one_clean"] {
                for both in ["nsg_first", "one_clean", "all_clean"] {
                    let allows: Vec<&[Value]> =
                        layers.iter().map(|open| if *open { &dirty[..] } else { &[] }).collect();
                    let mut facts = if layers.is_empty() { json!({}) } else { grouped(&allows) };
                    if let Some(open) = firewall {
                        let allows = if open {
                            json!([{ "port": 22, "rule": "r" }])
                        } else {
                            json!([])
                        };
                        facts["firewall"] = json!({ "protects": true, "names": ["fw"], "allows": allows });
                    }
                    let params = [("nsg_layers", json!(nsg_layers)), ("nsg_and_firewall", json!(both))];
                    let judged = judge_with("management-ports-jit", machine(&facts), &params);
                    let case = format!("{layers:?} {firewall:?} {nsg_layers} {both}");
                    assert_eq!(judged.verdict, expected(layers, firewall, nsg_layers, both), "{case}");
                }
            }
        }
    }
}

#[test]
fn the_flow_is_open_only_where_an_unknown_decides() {
    let unknown_jit = json!({ "jit": { "enabled": "?policies were not read" } });
    let mut dirty = grouped(&[&[allow(&json!({}))]]);
    merge(&mut dirty, &unknown_jit);
    let judged = judge("management-ports-jit", machine(&dirty));
    assert_eq!(judged.verdict, Verdict::Undetermined);
    assert_eq!(
        &*judged.message,
        "cannot be decided between healthy and unhealthy: policies were not read"
    );
    let mut clean = grouped(&[&[]]);
    merge(&mut clean, &unknown_jit);
    assert_eq!(flow(&clean), (Verdict::Healthy, None), "healthy either way");

    let one_unknown = |other: Value| {
        json!({ "nsg": { "assigned": true, "names": ["a", "b"], "layers": [
        { "nsg": "a", "allows": "?group b is elsewhere" }, { "nsg": "b", "allows": other }
    ] } })
    };
    assert_eq!(
        flow(&one_unknown(json!([allow(&json!({}))]))).0,
        Verdict::Unhealthy,
        "one open group is enough"
    );
    assert_eq!(flow(&one_unknown(json!([]))).0, Verdict::Undetermined);
}

#[test]
fn an_exposure_is_as_severe_as_it_is_wide() {
    let exposure = |class: &str, public: Value| {
        json!({ "exposures": [
            { "port": 80, "front_port": 80, "class": "wide", "public": true, "outside": "", "jit_opening": false,
              "sentence": "web" },
            { "port": 22, "front_port": 50022, "class": class, "public": public,
              "outside": "behind 203.0.113.7:50022 of `lb`", "jit_opening": false, "sentence": "open" }
        ] })
    };
    for (class, public, verdict, severity) in [
        ("wide", json!(true), Verdict::Unhealthy, Severity::Critical),
        ("narrow", json!(true), Verdict::Unhealthy, Severity::High),
        ("azure_tenants", json!(true), Verdict::Unhealthy, Severity::Medium),
        ("azure_tenants", json!(false), Verdict::Unhealthy, Severity::Medium),
        (
            "undetermined",
            json!("?the tag is unknown"),
            Verdict::Undetermined,
            Severity::High,
        ),
        ("no_return_path", json!(false), Verdict::Healthy, Severity::High),
        ("private", json!(false), Verdict::Healthy, Severity::High),
        ("closed", json!(false), Verdict::Healthy, Severity::High),
    ] {
        let judged = judge("management-port-exposed", machine(&exposure(class, public)));
        assert_eq!((judged.verdict, judged.severity), (verdict, severity), "{class}");
        if verdict == Verdict::Unhealthy {
            assert_eq!(&*judged.message, "port 22 behind 203.0.113.7:50022 of `lb`: open");
        }
    }
    let mut tenants = exposure("azure_tenants", json!(true));
    let open = json!({ "port": 3389, "class": "undetermined", "public": "?the tag is unknown",
                       "outside": "", "jit_opening": false, "sentence": "rdp" });
    tenants["exposures"].as_array_mut().unwrap().push(open);
    let judged = judge("management-port-exposed", machine(&tenants));
    assert_eq!(
        (judged.verdict, judged.severity, judged.gaps.len()),
        (Verdict::Unhealthy, Severity::Medium, 1)
    );
    let mut approved = exposure("wide", json!(true));
    approved["exposures"][1]["jit_opening"] = json!(true);
    let judged = judge("management-port-exposed", machine(&approved));
    assert_eq!((judged.verdict, judged.severity), (Verdict::Unhealthy, Severity::Info));
    assert_eq!(
        &*judged.message,
        "opened by a just-in-time request that has not ended: port 22 behind 203.0.113.7:50022 of `lb` is open"
    );
    let without = judge(
        "management-port-exposed",
        machine(&json!({ "vm": { "has_nic": false } })),
    );
    assert_eq!(without.verdict, Verdict::NotApplicable);
}

#[test]
fn each_rule_on_machines_has_its_cases() {
    let shadow = json!({ "port": 22, "nsg": "a", "rule": "ssh", "priority": 100 });
    for (id, with, verdict, message) in [
        (
            "vm-without-filter",
            json!({}),
            Verdict::Unhealthy,
            "at least one address of the machine has neither a network security group nor an Azure Firewall before it",
        ),
        (
            "vm-without-filter",
            json!({ "vm": { "has_nic": false } }),
            Verdict::NotApplicable,
            "the machine has no network interface",
        ),
        (
            "vm-without-filter",
            json!({ "firewall": { "protects": true, "names": ["fw"] } }),
            Verdict::Healthy,
            "the firewall fw stands before the addresses that no network security group filters",
        ),
        (
            "vm-without-filter",
            json!({ "nsg": { "unfiltered": false, "names": ["a", "b"] } }),
            Verdict::Healthy,
            "every address of the machine is filtered by a network security group: a, b",
        ),
        (
            "vm-without-filter",
            json!({ "nsg": { "unfiltered": "?the subnet is elsewhere" } }),
            Verdict::Undetermined,
            "cannot be decided between unhealthy and healthy: the subnet is elsewhere",
        ),
        (
            "jit-shadowed",
            json!({}),
            Verdict::NotApplicable,
            "just-in-time access is not enabled for this machine",
        ),
        (
            "jit-shadowed",
            json!({ "jit": { "enabled": true, "ports": [22] } }),
            Verdict::Healthy,
            "no rule keeps a protected port (22) open while no request is active",
        ),
        (
            "jit-shadowed",
            json!({ "jit": { "enabled": true, "shadowed": [shadow] } }),
            Verdict::Unhealthy,
            "just-in-time access is bypassed: rule `ssh` of `a` (priority 100) keeps port 22 open",
        ),
        (
            "jit-port-coverage",
            json!({}),
            Verdict::NotApplicable,
            "just-in-time access is not enabled for this machine",
        ),
        (
            "jit-port-coverage",
            json!({ "jit": { "enabled": true, "ports": [22, 3389, 5985, 5986, 80] } }),
            Verdict::Healthy,
            "just-in-time access protects port 22, 3389, 5985, 5986",
        ),
        (
            "jit-port-coverage",
            json!({ "jit": { "enabled": true, "ports": [22, 5985] } }),
            Verdict::Unhealthy,
            "just-in-time access leaves out port 3389, 5986",
        ),
        (
            "jit-unsupported",
            json!({ "jit": { "enabled": true, "supported": false } }),
            Verdict::Healthy,
            "just-in-time access is enabled for no port at all",
        ),
        (
            "jit-unsupported",
            json!({}),
            Verdict::Healthy,
            "just-in-time access can be enabled for this machine",
        ),
        (
            "jit-unsupported",
            json!({ "jit": { "supported": false, "unsupported_reasons": ["no group", "plan P1"] } }),
            Verdict::Unhealthy,
            "just-in-time access cannot be enabled for this machine: no group; plan P1",
        ),
    ] {
        let judged = judge(id, machine(&with));
        assert_eq!((judged.verdict, &*judged.message), (verdict, message), "{id} {with}");
    }
}

#[test]
fn each_rule_on_policies_has_its_cases() {
    let entry = |with: Value| {
        let mut entry = json!({ "policy": "p", "vm": "web", "vm_exists": true, "gone": [], "ports": [
            { "number": 22, "any_source": false, "max_minutes": 180 }
        ] });
        merge(&mut entry, &with);
        json!({ "entry": entry })
    };
    let port =
        |any: bool, minutes: i64| json!({ "ports": [{ "number": 22, "any_source": any, "max_minutes": minutes }] });
    for (id, with, verdict, message) in [
        (
            "jit-window-too-long",
            json!({}),
            Verdict::Healthy,
            "no opening of `web` in policy `p` may last longer than 180 minutes",
        ),
        (
            "jit-window-too-long",
            port(false, 181),
            Verdict::Unhealthy,
            "policy `p` grants `web` openings that last longer than 180 minutes: port 22 for 181 minutes",
        ),
        (
            "jit-window-too-long",
            json!({ "ports": [] }),
            Verdict::NotApplicable,
            "the entry of `web` in policy `p` protects no port",
        ),
        (
            "jit-any-source",
            json!({}),
            Verdict::Healthy,
            "policy `p` restricts from where access to `web` may be requested",
        ),
        (
            "jit-any-source",
            port(true, 1),
            Verdict::Unhealthy,
            "policy `p` lets access to port 22 of `web` be requested for any address",
        ),
        (
            "jit-any-source",
            json!({ "ports": [] }),
            Verdict::NotApplicable,
            "the entry of `web` in policy `p` protects no port",
        ),
        (
            "jit-stale-entry",
            json!({}),
            Verdict::Healthy,
            "everything that the entry of `web` in policy `p` names exists",
        ),
        (
            "jit-stale-entry",
            json!({ "gone": ["the machine", "its address"] }),
            Verdict::Unhealthy,
            "the entry of `web` in policy `p` names what no longer exists: the machine; its address",
        ),
    ] {
        let judged = judge(id, entry(with.clone()));
        assert_eq!((judged.verdict, &*judged.message), (verdict, message), "{id} {with}");
    }
    let hour = judge_with("jit-window-too-long", entry(json!({})), &[("max_minutes", json!(60))]);
    assert_eq!(hour.verdict, Verdict::Unhealthy);
}

#[test]
fn each_rule_on_security_rules_has_its_cases() {
    let rule = |with: &Value| {
        let mut rule = json!({
            "name": "r", "nsg": "a", "direction": "inbound", "access": "allow", "protocol": "tcp", "attached": true,
            "any_port": false, "ports": ["22"], "any_source": false, "internet": false, "sources": ["10.0.0.0/8"],
            "shadowed": false, "shadowed_by": [], "redundant": false, "redundant_by": [], "jit_rule": false, "jit_request_active": false
        });
        merge(&mut rule, with);
        json!({ "rule": rule })
    };
    let jit = json!({ "jit_rule": true });
    let active = json!({ "jit_rule": true, "jit_request_active": true });
    let wide = json!({ "any_port": true, "internet": true, "sources": ["Internet"] });
    let shadowed = json!({ "shadowed": true, "shadowed_by": ["x", "y"] });
    let dead = json!({ "shadowed": true, "shadowed_by": ["x"], "access": "deny" });
    for (id, with, verdict, severity, message) in [
        (
            "jit-rule-left-behind",
            json!({}),
            Verdict::NotApplicable,
            Severity::High,
            "just-in-time access did not write this rule, or it denies",
        ),
        (
            "jit-rule-left-behind",
            json!({ "jit_rule": true, "access": "deny" }),
            Verdict::NotApplicable,
            Severity::High,
            "just-in-time access did not write this rule, or it denies",
        ),
        (
            "jit-rule-left-behind",
            active,
            Verdict::Healthy,
            Severity::High,
            "a request that has not ended explains the rule",
        ),
        (
            "jit-rule-left-behind",
            jit.clone(),
            Verdict::Unhealthy,
            Severity::High,
            "no active request explains rule `r` of `a`: it allows port 22 from 10.0.0.0/8",
        ),
        (
            "shadowed-rule",
            jit,
            Verdict::NotApplicable,
            Severity::Low,
            "just-in-time access manages this rule",
        ),
        (
            "shadowed-rule",
            json!({}),
            Verdict::Healthy,
            Severity::Low,
            "some packet is decided by this rule",
        ),
        (
            "shadowed-rule",
            shadowed,
            Verdict::Unhealthy,
            Severity::Info,
            "rule `r` of `a` allows nothing: every packet that it matches is decided before by `x`, `y`",
        ),
        (
            "shadowed-rule",
            dead,
            Verdict::Unhealthy,
            Severity::Low,
            "rule `r` of `a` denies nothing: every packet that it matches is decided before by `x`",
        ),
        (
            "allow-any-port",
            wide,
            Verdict::Unhealthy,
            Severity::High,
            "rule `r` of `a` opens all ports to Internet",
        ),
        (
            "allow-any-port",
            json!({ "any_port": true }),
            Verdict::Healthy,
            Severity::High,
            "the rule opens port 22, or only to private addresses",
        ),
        (
            "allow-any-port",
            json!({ "any_port": true, "any_source": true, "protocol": "icmp" }),
            Verdict::NotApplicable,
            Severity::High,
            "its protocol has no ports",
        ),
        (
            "allow-any-port",
            json!({ "direction": "outbound" }),
            Verdict::NotApplicable,
            Severity::High,
            "the rule opens nothing inwards",
        ),
    ] {
        let judged = judge(id, rule(&with));
        assert_eq!(
            (judged.verdict, judged.severity, &*judged.message),
            (verdict, severity, message),
            "{id} {with}"
        );
    }
    let reported = judge_with(
        "allow-any-port",
        rule(&json!({ "any_port": true })),
        &[("private_sources", json!("report"))],
    );
    assert_eq!(
        (reported.verdict, reported.severity),
        (Verdict::Unhealthy, Severity::Low)
    );
}

#[test]
fn the_texts_keep_the_house_style() {
    for rule in rules() {
        assert!(
            !rule.title.ends_with('.') && !rule.references.is_empty() && !rule.standards.is_empty(),
            "{}",
            rule.id
        );
        assert!(rule.why.len() > 80 && rule.fix.len() > 80, "{}", rule.id);
        assert!(
            rule.params.iter().all(|param| param.description.ends_with('.')),
            "{}",
            rule.id
        );
    }
    for kind in [SubjectKind::Vm, SubjectKind::SecurityRule, SubjectKind::JitEntry] {
        assert!(rules().iter().any(|rule| rule.applies_to == kind));
    }
}

/// Not a test of speed, which depends on the machine: run it with `--release -- --ignored --nocapture` to measure.
#[test]
#[ignore = "measures"]
fn how_long_a_judgement_takes() {
    let allows: Vec<Value> = (0..4)
        .map(|index| allow(&json!({ "port": 22 + index, "default_rule": index > 1 })))
        .collect();
    let facts = machine(&grouped(&[&allows[1..], &allows[..]]));
    let facts = Facts::new(&facts);
    for rule in rules().iter().filter(|rule| rule.applies_to == SubjectKind::Vm) {
        let params = ResolvedParams::defaults(rule);
        let start = std::time::Instant::now();
        for _ in 0..100_000 {
            std::hint::black_box(rule.judge(&facts, &params));
        }
        println!("{:24} {:?}", rule.id, start.elapsed() / 100_000);
    }
    let start = std::time::Instant::now();
    let loaded = crate::rule::load::load_all(crate::rule::builtin::files());
    println!("loading {} rules: {:?}", loaded.rules.len(), start.elapsed());
}

/// Facts made beforehand, so that only the judgement is measured.
struct Facts(std::collections::HashMap<&'static str, crate::rule::fact::Fact>);

impl Facts {
    fn new(json: &Value) -> Facts {
        let roots = crate::rule::schema::roots(SubjectKind::Vm).iter();
        Facts(
            roots
                .map(|root| (root.name, super::fact(root.ty, &json[root.name])))
                .collect(),
        )
    }
}

impl crate::rule::fact::FactSource for Facts {
    fn fact(&self, root: &str) -> crate::rule::fact::Fact {
        self.0[root].clone()
    }
}
