//! The `cel` crate's interpreter as a second opinion: where every fact is known, both must agree; and where one is
//! not, an answer must hold for whatever the unknown turns out to be.

use std::collections::HashMap;

use serde_json::json;

use super::Written;
use super::conditions::{params, scope};
use crate::rule::cel::{compile_condition, compile_text};
use crate::rule::fact::{Fact, FactSource};
use crate::rule::value::{SubjectFacts, Truth, evaluate, evaluate_condition, print};
use crate::rule::{SubjectKind, schema};

fn value(fact: &Fact) -> cel::Value {
    match fact {
        Fact::Bool(value) => (*value).into(),
        Fact::Int(value) => (*value).into(),
        Fact::Double(value) => (*value).into(),
        Fact::Text(value) => cel::Value::from(&**value),
        Fact::List(items) => items.iter().map(value).collect::<Vec<_>>().into(),
        Fact::Record(fields) => fields
            .iter()
            .map(|(name, fact)| (*name, value(fact)))
            .collect::<HashMap<_, _>>()
            .into(),
        Fact::Map(entries) => entries
            .iter()
            .map(|(key, fact)| (key.to_string(), value(fact)))
            .collect::<HashMap<_, _>>()
            .into(),
        Fact::Unknown(reason) => panic!("{reason}"),
    }
}

fn opinion(source: &str, facts: &Written) -> Result<cel::Value, String> {
    let mut env = cel::Env::stdlib();
    env.add_extension(cel::extensions::strings).unwrap();
    let program = env.compile(source).map_err(|errors| errors.to_string())?;
    let mut context = cel::Context::with_env(env.into());
    for root in schema::roots(SubjectKind::Vm) {
        context.add_variable_from_value(root.name, value(&facts.fact(root.name)));
    }
    let params = params();
    let names = ["ports", "reading", "strict"];
    let named: HashMap<_, _> = names
        .iter()
        .zip(&params)
        .map(|(name, fact)| (*name, value(fact)))
        .collect();
    context.add_variable_from_value("params", named);
    program.execute(&context).map_err(|error| error.to_string())
}

fn facts() -> Written {
    Written::vm(json!({
        "vm": {
            "id": "/x", "name": "vm-Web-01", "os": "linux", "classic": false, "scale_set": true, "has_nic": true,
            "public_ips": ["203.0.113.7", "203.0.113.8"], "tags": { "owner": "Ärzte", "env": "prod" }
        },
        "jit": { "enabled": true, "ports": [22, 3389], "supported": true },
        "nsg": { "assigned": true, "layers": [
            { "nsg": "a", "allows": [{ "port": 22, "priority": 100, "internet": true }] },
            { "nsg": "b", "allows": [] }
        ] },
        "firewall": { "protects": false },
        "defender": { "plan": "P2" },
        "exposures": [
            { "port": 22, "class": "wide", "public": true, "addresses": 1024.0 },
            { "port": 5985, "class": "closed", "public": false, "addresses": 0.0 }
        ]
    }))
}

#[test]
fn both_evaluators_agree_on_conditions() {
    for source in [
        "vm.classic || vm.scale_set && !vm.has_nic",
        "vm.name == 'vm-Web-01' && vm.name != 'x' && vm.name < 'vn' && vm.name >= 'vm'",
        "size(vm.name) == 9 && vm.tags.owner.size() == 5",
        "vm.name.startsWith('vm-') && vm.name.endsWith('01') && vm.name.contains('Web')",
        "vm.name.lowerAscii() == 'vm-web-01' && vm.tags.owner.lowerAscii() == 'Ärzte'",
        "vm.name.matches('^vm-[A-Z]') && !matches(vm.name, '^[0-9]')",
        "vm.public_ips.join(',') == '203.0.113.7,203.0.113.8' && ['a', 'b'].join() == 'ab'",
        "size(vm.public_ips + ['x']) == 3",
        "22 in jit.ports && !(80 in jit.ports) && 'env' in vm.tags && !('x' in vm.tags)",
        "params.ports.all(p, p in jit.ports)",
        "jit.ports.exists_one(p, p > 22) && !jit.ports.exists_one(p, p > 0)",
        "[].all(x, false) && ![].exists(x, true) && ![].exists_one(x, true)",
        "nsg.layers.exists(l, l.allows.exists(a, a.port in params.ports && a.internet))",
        "nsg.layers.filter(l, size(l.allows) > 0).map(l, l.nsg)[0] == 'a'",
        "exposures.map(e, e.public, e.port).size() == 1",
        "exposures.exists(e, e.addresses > 16 && e.addresses / 2.0 == 512.0)",
        "exposures.all(e, e.addresses >= 0)",
        "1 == 1.0 && 2 > 1.5 && 1.5 < 2",
        "7 / 2 == 3 && -7 / 2 == -3 && 7 % 3 == 1 && -7 % 3 == -1 && 2 * 3 - 1 == 5",
        "-jit.ports[0] == -22",
        "1.0 / 0.0 > 1000.0",
        "(vm.classic ? 'a' : 'b') == 'b'",
        "has(vm.tags.owner) && !has(vm.tags.nobody)",
        "vm.tags['env'] == 'prod'",
        "vm.tags.exists(key, key == 'env')",
        "double(22) == 22.0 && string(22) == '22' && string(true) == 'true' && string('x') == 'x'",
        "string(1.5) == '1.5'",
        "params.reading == 'textual' && !params.strict",
        "vm.tags.nobody == 'x' || true",
        "false && vm.tags.nobody == 'x'",
    ] {
        let program = compile_condition(source, &scope()).unwrap_or_else(|found| panic!("{source}: {found:?}"));
        let facts = facts();
        let ours = evaluate_condition(&program.code, &SubjectFacts::new(SubjectKind::Vm, &facts), &params());
        let theirs = opinion(source, &facts).unwrap_or_else(|error| panic!("{source}: {error}"));
        assert_eq!(
            ours == Truth::True,
            theirs == cel::Value::Bool(true),
            "{source}: {ours:?} against {theirs:?}"
        );
        assert!(!matches!(ours, Truth::Unknown(_)), "{source}");
    }
}

#[test]
fn both_evaluators_fail_on_the_same_conditions() {
    for source in [
        "vm.tags.nobody == 'x'",
        "vm.tags.nobody == 'x' && true",
        "jit.ports[2] == 1",
        "jit.ports[-1] == 1",
        "1 / (size(jit.ports) - 2) == 1",
        "1 % (size(jit.ports) - 2) == 1",
        "9223372036854775807 + size(jit.ports) > 0",
        "(-9223372036854775807 - 1) / -size([1]) > 0",
        "vm.name.matches(params.reading + '(')",
        "jit.ports.filter(p, vm.tags.nobody == 'x').size() == 0",
    ] {
        let program = compile_condition(source, &scope()).unwrap();
        let facts = facts();
        let ours = evaluate_condition(&program.code, &SubjectFacts::new(SubjectKind::Vm, &facts), &params());
        assert!(matches!(ours, Truth::Unknown(_)), "{source}: {ours:?}");
        assert!(opinion(source, &facts).is_err(), "{source}");
    }
}

#[test]
fn values_are_printed_for_people() {
    for (source, expected) in [
        ("vm.public_ips", "203.0.113.7, 203.0.113.8"),
        ("exposures.map(e, e.addresses)", "1,024, 0"),
        ("params.ports.filter(p, !(p in jit.ports))", "none"),
        ("vm.name + ':' + string(jit.ports[0])", "vm-Web-01:22"),
    ] {
        let program = compile_text(source, &scope()).unwrap();
        let facts = facts();
        let fact = evaluate(&program.code, &SubjectFacts::new(SubjectKind::Vm, &facts), &params()).unwrap();
        assert_eq!(print(&fact), expected, "{source}");
    }
}

/// All ways to fill three places with true, false or unknown.
fn assignments() -> impl Iterator<Item = [Option<bool>; 3]> {
    let each = [Some(true), Some(false), None];
    each.into_iter().flat_map(move |a| {
        each.into_iter()
            .flat_map(move |b| each.into_iter().map(move |c| [a, b, c]))
    })
}

fn refines(known: [bool; 3], open: [Option<bool>; 3]) -> bool {
    known
        .iter()
        .zip(open)
        .all(|(known, open)| open.is_none_or(|open| open == *known))
}

fn three(values: [Option<bool>; 3]) -> Written {
    let text = |value: Option<bool>| value.map_or(json!("?open"), |value| json!(value));
    let [a, b, c] = values;
    Written::vm(json!({
        "vm": { "classic": text(a), "scale_set": text(b), "has_nic": text(c) },
        "exposures": values.map(|value| json!({ "public": text(value) }))
    }))
}

#[test]
fn an_answer_holds_for_every_value_of_the_unknowns() {
    // Whether the answer is also found in every case in which it is certain.
    for (source, complete) in [
        ("vm.classic && vm.scale_set && vm.has_nic", true),
        ("vm.classic || vm.scale_set || vm.has_nic", true),
        ("!(vm.classic && !vm.scale_set) || vm.has_nic", true),
        ("vm.classic ? vm.scale_set : vm.has_nic", false),
        ("vm.classic == vm.scale_set && vm.has_nic", true),
        ("exposures.exists(e, e.public)", true),
        ("exposures.all(e, e.public)", true),
        ("exposures.exists_one(e, e.public)", true),
        ("exposures.filter(e, e.public).size() > 1", false),
        ("exposures.map(e, e.public).exists(p, p)", false),
    ] {
        let program = compile_condition(source, &scope()).unwrap();
        let ask = |values: [Option<bool>; 3]| {
            evaluate_condition(
                &program.code,
                &SubjectFacts::new(SubjectKind::Vm, &three(values)),
                &params(),
            )
        };
        for open in assignments() {
            let refined = assignments().filter_map(|known| match known {
                [Some(a), Some(b), Some(c)] => Some([a, b, c]),
                _ => None,
            });
            let answers: Vec<Truth> = refined
                .filter(|known| refines(*known, open))
                .map(|known| ask(known.map(Some)))
                .collect();
            let certain = answers.iter().all(|answer| *answer == answers[0]);
            match ask(open) {
                Truth::Unknown(reasons) => {
                    assert_eq!(reasons, ["open".into()], "{source} {open:?}");
                    assert!(!certain || !complete, "{source} {open:?}");
                }
                answer => assert!(answers.iter().all(|other| *other == answer), "{source} {open:?}"),
            }
        }
    }
}
