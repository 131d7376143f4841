//! Templates that are wrong, endless or huge: said with place and advice, never a panic, always an end; the rest is judged.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers build templates; what fails there fails the test"
)]

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use portcullis::exposure::analyse;
use portcullis::input::arm::evaluate;
use portcullis::input::{Given, Reading};
use portcullis::source::Diagnostic;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::Config;
use serde_json::{Value, json};

const SCHEMA: &str = "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#";

fn read_files(files: &[(&str, String)]) -> Reading {
    let mut reading = Reading::default();
    for (name, text) in files {
        reading.read(name, Given::Named, text.as_bytes());
    }
    reading.finish();
    reading
}

fn good() -> Value {
    json!({ "type": "Microsoft.Network/networkSecurityGroups", "name": "good", "properties": { "securityRules": [] } })
}

/// A template with the members and a group that must be judged whatever else is wrong.
fn template(members: Value) -> Value {
    let mut template = json!({ "$schema": SCHEMA, "contentVersion": "1.0.0.0", "resources": [] });
    for (name, value) in members.as_object().unwrap() {
        template[name] = value.clone();
    }
    template["resources"].as_array_mut().unwrap().push(good());
    template
}

#[track_caller]
fn read(members: Value) -> Reading {
    let start = Instant::now();
    let reading = read_files(&[("main.json", serde_json::to_string_pretty(&template(members)).unwrap())]);
    assert!(
        reading.inventory.nsgs.iter().any(|nsg| nsg.id.name() == "good"),
        "{:#?}",
        reading.diagnostics
    );
    assert!(start.elapsed() < Duration::from_secs(60), "{:?}", start.elapsed());
    reading
}

/// The code is said, with the part, a place and advice.
#[track_caller]
fn said<'r>(reading: &'r Reading, code: &str, part: &str) -> &'r Diagnostic {
    let found = reading
        .diagnostics
        .iter()
        .find(|said| &*said.code == code && said.message.contains(part));
    let found = found.unwrap_or_else(|| panic!("no `{code}` with `{part}` in {:#?}", reading.diagnostics));
    assert!(found.location.is_some() && found.help.is_some(), "{found:?}");
    found
}

fn nsg(name: &str) -> Value {
    json!({ "type": "Microsoft.Network/networkSecurityGroups", "name": name, "properties": {} })
}

#[test]
fn too_many_rounds() {
    for count in [json!(10_000_000), json!(-1), json!("many"), json!("[length('abc'")] {
        let mut many = nsg("[concat('n', copyIndex())]");
        many["copy"] = json!({ "name": "loop", "count": count });
        let reading = read(json!({ "resources": [many] }));
        said(&reading, "expression", "");
        assert_eq!(reading.inventory.nsgs.len(), 2);
    }
}

#[test]
fn loops_within_loops_come_to_an_end() {
    let inner =
        json!([{ "name": "b", "count": 800, "input": { "copy": [{ "name": "c", "count": 800, "input": "x" }] } }]);
    let mut group = nsg("[concat('n', copyIndex())]");
    group["copy"] = json!({ "name": "loop", "count": 800 });
    group["properties"] = json!({ "copy": inner });
    let start = Instant::now();
    let text = template(json!({ "resources": [group] })).to_string();
    let reading = read_files(&[("main.json", text)]);
    said(&reading, "template-too-large", "more steps");
    assert!(!reading.inventory.coverage.is_complete());
    assert!(start.elapsed() < Duration::from_secs(120), "{:?}", start.elapsed());
}

#[test]
fn variables_that_grow_or_need_each_other() {
    let mut variables = json!({ "v0": "0123456789", "l0": [1, 2] });
    for at in 1..60 {
        variables[format!("v{at}")] = json!(format!("[concat(variables('v{}'), variables('v{}'))]", at - 1, at - 1));
        variables[format!("l{at}")] = json!(format!("[concat(variables('l{}'), variables('l{}'))]", at - 1, at - 1));
    }
    variables["a"] = json!("[variables('b')]");
    variables["b"] = json!("[variables('a')]");
    let reading = read(json!({ "variables": variables,
        "resources": [nsg("[variables('a')]"), nsg("[variables('v59')]"), nsg("[string(length(variables('l59')))]")] }));
    said(&reading, "expression", "needs itself");
}

#[test]
fn a_long_chain_of_variables() {
    let mut variables = json!({ "v0": "x" });
    for at in 1..5000 {
        variables[format!("v{at}")] = json!(format!("[variables('v{}')]", at - 1));
    }
    let reading = read_files(&[(
        "main.json",
        template(json!({ "variables": variables, "resources": [nsg("[variables('v4999')]")] })).to_string(),
    )]);
    said(&reading, "template-too-large", "nested too deeply");
}

#[test]
fn templates_that_deploy_themselves() {
    let main = template(
        json!({ "resources": [{ "type": "Microsoft.Resources/deployments", "name": "again",
        "properties": { "templateLink": { "relativePath": "main.json" } } }] }),
    );
    let reading = read_files(&[("main.json", main.to_string())]);
    said(&reading, "template-not-read", "deeper than");
    let link = |to: &str| {
        template(json!({ "resources": [{ "type": "Microsoft.Resources/deployments", "name": to, "properties": { "templateLink": { "relativePath": to } } }] })).to_string()
    };
    let reading = read_files(&[("a.json", link("b.json")), ("b.json", link("a.json"))]);
    said(&reading, "template-not-read", "deeper than");
    assert!(!reading.inventory.nsgs.is_empty());
}

#[test]
fn links_that_lead_nowhere() {
    for (link, code) in [
        (json!({ "relativePath": "../../../etc/passwd" }), "template-not-read"),
        (json!({ "relativePath": "gone.json" }), "template-not-read"),
        (json!({ "uri": "https://example.com/x.json" }), "template-elsewhere"),
        (json!({ "uri": "file:///etc/passwd" }), "template-elsewhere"),
        (json!({}), "template-not-read"),
    ] {
        let reading = read(
            json!({ "resources": [{ "type": "Microsoft.Resources/deployments", "name": "d", "properties": { "templateLink": link } }] }),
        );
        said(&reading, code, "");
        assert!(
            !reading.inventory.coverage.is_complete(),
            "{code}: its resources are missing"
        );
    }
}

#[test]
fn parameters_of_the_wrong_type() {
    let reading = read(
        json!({ "parameters": { "n": { "type": "int", "defaultValue": "three" } }, "resources": [nsg("[concat('n', parameters('n'))]")] }),
    );
    said(&reading, "parameter-type", "declared `int`");
    let values = |value: Value| {
        json!({ "$schema": "x/deploymentParameters.json#", "parameters": { "name": value } }).to_string()
    };
    let main =
        template(json!({ "parameters": { "name": { "type": "string" } }, "resources": [nsg("[parameters('name')]")] }))
            .to_string();
    for (value, code) in [
        (json!({ "value": ["a"] }), "parameter-type"),
        (json!({}), "parameter-value"),
        (json!(5), "parameter-value"),
    ] {
        let reading = read_files(&[("main.json", main.clone()), ("main.parameters.json", values(value))]);
        said(&reading, code, "`name`");
        assert_eq!(reading.inventory.nsgs.len(), 2);
    }
    let mut reading = Reading::default();
    reading.read("main.json", Given::Named, main.as_bytes());
    reading.read_parameters("values.json", "[1]".as_bytes());
    reading.read_parameters("broken.json", "{".as_bytes());
    reading.finish();
    said(&reading, "no-parameters", "values.json");
    said(&reading, "json-syntax", "broken.json");
    assert!(!reading.inventory.coverage.is_complete());
}

#[test]
fn expressions_that_are_wrong_have_a_place() {
    let reading =
        read(json!({ "resources": [nsg("[concat('a', )]"), nsg("[parameters('none')]"), nsg("[nonsense()]")] }));
    assert_eq!(
        said(&reading, "expression", "concat").location.as_ref().unwrap().line,
        6
    );
    said(&reading, "expression", "no parameter `none`");
    said(&reading, "expression", "no function");
    assert_eq!(reading.inventory.nsgs.len(), 4);
}

#[test]
fn shapes_that_are_wrong() {
    let resources = json!([1, null, "x", [], {}, { "type": 5 }, { "type": "A.B/c" },
        { "type": "Microsoft.Network/networkSecurityGroups" }]);
    said(&read(json!({ "resources": resources })), "no-type", "");
    for text in [
        format!(r#"{{ "$schema": "{SCHEMA}", "resources": "x" }}"#),
        format!(r#"{{ "$schema": "{SCHEMA}" }}"#),
        format!(
            r#"{{ "$schema": "{SCHEMA}", "parameters": 1, "variables": [], "functions": {{}}, "outputs": 5, "resources": [] }}"#
        ),
        format!(r#"{{ "$schema": "{SCHEMA}", "resources": ["#),
        r#"{ "contentVersion": "1.0.0.0" }"#.to_owned(),
        r#"{ "changes": [ { "changeType": "Unsupported", "resourceId": "x" }, 5, { "changeType": 1, "after": {} } ] }"#
            .to_owned(),
    ] {
        read_files(&[("main.json", text)]);
    }
}

#[test]
fn functions_that_call_themselves() {
    let functions = json!([{ "namespace": "f", "members": { "g": { "parameters": [], "output": { "type": "string", "value": "[concat(f.g(), f.g())]" } } } }]);
    let reading = read(json!({ "functions": functions, "resources": [nsg("[f.g()]")] }));
    assert!(!reading.diagnostics.is_empty());
}

#[test]
fn a_large_template_is_read() {
    let groups: Vec<Value> = (0..20_000)
        .map(|at| nsg(&format!("[concat('group-', '{at}')]")))
        .collect();
    let reading = read(json!({ "resources": groups, "variables": { "padding": "x".repeat(4 << 20) } }));
    assert_eq!(reading.inventory.nsgs.len(), 20_001);
}

fn sample() -> String {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/infra/arm");
    std::fs::read_to_string(directory.join("main.json")).unwrap()
}

fn read_and_judge(files: &[(&str, Vec<u8>)]) {
    let mut reading = Reading::default();
    for (name, bytes) in files {
        reading.read(name, Given::Named, bytes.as_slice());
    }
    reading.finish();
    analyse(&reading.inventory, &reading.sources, &[22]);
}

proptest! {
    #![proptest_config(Config { cases: 128, failure_persistence: None, ..Config::default() })]

    #[test]
    fn mutated_templates(edits in prop::collection::vec((any::<Index>(), 0usize..12, prop::sample::select(b"{}[]()',\":.0-9aN\\\n".to_vec())), 1..8)) {
        let mut bytes = sample().into_bytes();
        for (at, cut, byte) in edits {
            let at = at.index(bytes.len());
            let end = (at + cut).min(bytes.len());
            bytes.splice(at..end, [byte]);
        }
        read_and_judge(&[("main.json", bytes)]);
    }

    #[test]
    fn expressions_of_arbitrary_text(text in "\\PC{0,80}") {
        let template = json!({ "$schema": SCHEMA, "resources": [] }).to_string();
        let _ = evaluate(&template, &text);
    }

    #[test]
    fn expressions_of_likely_words(words in prop::collection::vec(prop::sample::select(vec![
        "concat(", "resourceId(", "'a/b'", "'x'", "1", "-1", "9223372036854775807", ")", ",", "[0]", ".a", "parameters(", "range(",
        "createObject(", "createArray(", "map(", "lambda(", "lambdaVariables('x')", "format('{0:D9}',", "cidrSubnet('::/0',", "substring(",
        "padLeft('a',", "if(", "null()", "union(", "json('[1]')", "sort(", "parseCidr('0.0.0.0/0')", "take(", "dateTimeAdd('2020-01-01',", "'P1Y'",
    ]), 1..14)) {
        let template = json!({ "$schema": SCHEMA, "resources": [], "parameters": { "x": { "type": "string" } } }).to_string();
        let _ = evaluate(&template, &words.concat());
    }
}

/// Reads every template below `PORTCULLIS_TEMPLATES`, each with what lies in its directory, and prints figures.
#[test]
#[ignore = "reads a directory that is not part of the repository"]
#[expect(clippy::print_stdout, reason = "figures for a person who asked")]
fn corpus() {
    let root = PathBuf::from(std::env::var("PORTCULLIS_TEMPLATES").unwrap());
    let mut directories = vec![root];
    let (mut templates, mut slowest, mut total) = (0, (Duration::ZERO, PathBuf::new()), Duration::ZERO);
    let mut codes = std::collections::BTreeMap::<String, usize>::new();
    let (mut machines, mut groups, mut panics) = (0, 0, 0);
    while let Some(directory) = directories.pop() {
        let mut files = Vec::new();
        for entry in std::fs::read_dir(&directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|extension| extension == "json") {
                files.push(path);
            }
        }
        for path in &files {
            let text = std::fs::read(path).unwrap();
            if !String::from_utf8_lossy(&text)
                .to_lowercase()
                .contains("deploymenttemplate.json")
            {
                continue;
            }
            templates += 1;
            let start = Instant::now();
            let outcome = std::panic::catch_unwind(|| {
                let mut reading = Reading::default();
                reading.read(&path.to_string_lossy(), Given::Found, text.as_slice());
                let beside = path.with_extension("parameters.json");
                if let Ok(values) = std::fs::read(&beside) {
                    reading.read(&beside.to_string_lossy(), Given::Found, values.as_slice());
                }
                reading.finish();
                analyse(&reading.inventory, &reading.sources, &[22, 3389]);
                reading
            });
            let took = start.elapsed();
            total += took;
            if took > slowest.0 {
                slowest = (took, path.clone());
            }
            match outcome {
                Err(_) => {
                    panics += 1;
                    println!("PANIC {}", path.display());
                }
                Ok(reading) => {
                    machines += reading.inventory.vms.len();
                    groups += reading.inventory.nsgs.len();
                    for said in &reading.diagnostics {
                        *codes.entry(said.code.to_string()).or_default() += 1;
                        if matches!(
                            &*said.code,
                            "expression"
                                | "no-type"
                                | "template-too-large"
                                | "json-syntax"
                                | "conflict"
                                | "parameter-type"
                        ) {
                            println!("{}: {} {}", path.display(), said.code, said.message);
                        }
                    }
                }
            }
        }
    }
    println!(
        "{templates} templates, {panics} panics, {machines} machines, {groups} groups; {total:?} in all, slowest {slowest:?}"
    );
    println!("{codes:#?}");
}
