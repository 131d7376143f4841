//! Where the values of parameters come from, which wins, and what is refused.

use std::collections::BTreeMap;

use serde_json::json;

use crate::rule::load::load_all;
use crate::rule::params::{Overrides, ResolvedParams, RuleSettings, resolve};
use crate::rule::{Rule, Severity};

fn rule(id: &str, params: &str) -> String {
    format!(
        "id: {id}\ntitle: A\nseverity: high\napplies_to: vm\nparams: {params}\nverdict: [{{ is: healthy, because: x }}]\nwhy: x\nfix: y\n"
    )
}

fn rules() -> Vec<Rule> {
    let ports = "ports: { default: [22], description: x }";
    let one = rule(
        "one",
        &format!("{{ {ports}, reading: {{ default: a, choices: [a, b], description: x }} }}"),
    );
    let two = rule(
        "two",
        &format!("{{ {ports}, max: {{ default: 3, description: x }}, names: {{ default: [], description: x }} }}"),
    );
    let none = rule("none", "{}");
    let loaded = load_all([("1", one.as_str()), ("2", two.as_str()), ("3", none.as_str())]);
    assert!(loaded.diagnostics.is_empty(), "{:?}", loaded.diagnostics);
    loaded.rules
}

fn settings(id: &str, settings: serde_json::Value) -> BTreeMap<String, RuleSettings> {
    BTreeMap::from([(id.to_owned(), serde_json::from_value(settings).unwrap())])
}

fn values(overrides: &Overrides) -> Vec<serde_json::Value> {
    let rules = rules();
    let resolved = resolve(&rules, overrides).unwrap_or_else(|found| panic!("{found:?}"));
    rules
        .iter()
        .zip(&resolved)
        .map(|(rule, params)| json!(params.to_json(rule)))
        .collect()
}

fn refused(overrides: &Overrides) -> Vec<String> {
    let found = resolve(&rules(), overrides).unwrap_err();
    found
        .iter()
        .map(|found| format!("{} ({})", found.message, found.help.as_deref().unwrap_or("-")))
        .collect()
}

fn arguments(arguments: &[&str]) -> Overrides {
    Overrides {
        arguments: arguments.iter().map(|argument| (*argument).to_owned()).collect(),
        ..Overrides::default()
    }
}

#[test]
fn without_overrides_the_defaults_hold() {
    let [one, two, none] = <[_; 3]>::try_from(values(&Overrides::default())).unwrap();
    assert_eq!(one, json!({ "ports": [22], "reading": "a" }));
    assert_eq!(two, json!({ "ports": [22], "max": 3, "names": [] }));
    assert_eq!(none, json!({}));
}

#[test]
fn the_later_source_wins() {
    let mut overrides = Overrides {
        settings: settings("one", json!({ "params": { "ports": [1], "reading": "b" } })),
        ..Overrides::default()
    };
    assert_eq!(values(&overrides)[0], json!({ "ports": [1], "reading": "b" }));
    overrides.arguments = vec!["ports=[2]".into()];
    assert_eq!(values(&overrides)[0]["ports"], json!([2]));
    assert_eq!(
        values(&overrides)[1]["ports"],
        json!([2]),
        "without a rule it is for all that have it"
    );
    overrides.arguments.push("one.ports=[3, 4]".into());
    assert_eq!(values(&overrides)[0]["ports"], json!([3, 4]));
    assert_eq!(values(&overrides)[1]["ports"], json!([2]));
    overrides.ports = Some(vec![5]);
    assert_eq!(
        (&values(&overrides)[0]["ports"], &values(&overrides)[1]["ports"]),
        (&json!([5]), &json!([5]))
    );
}

#[test]
fn settings_may_disable_a_rule_and_set_its_severity() {
    let overrides = Overrides {
        settings: settings("two", json!({ "enabled": false, "severity": "low" })),
        ..Overrides::default()
    };
    let rules = rules();
    let resolved = resolve(&rules, &overrides).unwrap();
    assert!(resolved[0].enabled && !resolved[1].enabled);
    assert_eq!(
        (resolved[0].severity, resolved[1].severity),
        (None, Some(Severity::Low))
    );
    assert_eq!(resolved[2], ResolvedParams::defaults(&rules[2]));
}

#[test]
fn what_does_not_do_is_refused_with_a_hint() {
    for (overrides, expected) in [
        (
            arguments(&["ports"]),
            "`--param ports` has no value (write `--param name=value`)",
        ),
        (
            arguments(&["prots=[1]"]),
            "no rule has a parameter `prots` (did you mean `ports`?)",
        ),
        (
            arguments(&["onw.ports=[1]"]),
            "unknown rule `onw` (did you mean `one`?)",
        ),
        (
            arguments(&["one.max=1"]),
            "`--param one.max=1`: unknown parameter `max` (it has: `ports`, `reading`)",
        ),
        (
            arguments(&["none.max=1"]),
            "`--param none.max=1`: unknown parameter `max` (the rule has no parameters)",
        ),
        (
            arguments(&["max=x"]),
            "`--param max=x`: `max` must be an int, and `\"x\"` is text (-)",
        ),
        (
            arguments(&["ports=22"]),
            "`--param ports=22`: `ports` must be a list of int, and `22` is an int (write `[22]`)",
        ),
        (
            arguments(&["ports=[a]"]),
            "`--param ports=[a]`: `ports` must be a list of int, and `[\"a\"]` is a list (-)",
        ),
        (
            arguments(&["ports=[-1]"]),
            "`--param ports=[-1]`: `ports` cannot hold -1 (ports are 0 to 65535)",
        ),
        (
            arguments(&["ports=[65536]"]),
            "`--param ports=[65536]`: `ports` cannot hold 65536 (ports are 0 to 65535)",
        ),
        (
            arguments(&["reading=c"]),
            "`--param reading=c`: `reading` cannot be `c` (did you mean `a`?)",
        ),
        (
            arguments(&["reading=effective"]),
            "`--param reading=effective`: `reading` cannot be `effective` (its choices: `a`, `b`)",
        ),
        (
            arguments(&["names=[1]"]),
            "`--param names=[1]`: `names` must be a list of text, and `[1]` is a list (-)",
        ),
    ] {
        assert_eq!(refused(&overrides), [expected]);
    }
    let unknown = Overrides {
        settings: settings("tow", json!({})),
        ..Overrides::default()
    };
    assert_eq!(refused(&unknown), ["unknown rule `tow` (did you mean `two`?)"]);
    let wrong = Overrides {
        settings: settings("two", json!({ "params": { "mx": 1, "ports": true } })),
        ..Overrides::default()
    };
    assert_eq!(
        refused(&wrong),
        [
            "rule `two`: unknown parameter `mx` (did you mean `max`?)",
            "rule `two`: `ports` must be a list of int, and `true` is a bool (-)"
        ]
    );
}

#[test]
fn values_are_read_as_yaml() {
    let all = values(&arguments(&["two.max=7", "names=[no, on, x]", "ports=[]"]));
    assert_eq!(all[1], json!({ "ports": [], "max": 7, "names": ["no", "on", "x"] }));
}
