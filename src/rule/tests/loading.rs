//! What the loader says of bad files: each message with its line, column and hint.

use crate::rule::file::{Expect, json_schema};
use crate::rule::load::{load, load_all};
use crate::rule::standards::MappedBy;
use crate::rule::{Rule, Severity, Verdict, builtin, frame};
use crate::source::Diagnostic;

const GOOD: &str = "\
id: a-rule
title: A title
severity: high
applies_to: vm
params:
  ports: { default: [22, 3389], description: The ports }
  reading:
    default: textual
    choices: [textual, effective]
    description: How to read
verdict:
  - when: vm.classic
    is: not_applicable
    cause: UnsupportedClassicVM
    because: classic
  - when: |
      nsg.assigned
      && params.ports.all(p, p in jit.ports)
    is: healthy
    severity: low
    because: ports {params.ports} of {vm.name} {{so}}
  - is: unhealthy
    because: otherwise
why: Because.
fix: Do.
references: [https://example.com/a]
standards:
  microsoft: { mcsb: [NS-3, PA-2] }
  tool: { cis-azure-1.1.0: [2.12, 2.10] }
remedy: enable-jit
examples:
  - name: one
    estate: [{ type: x, n: 1 }]
    params: { reading: effective }
    now: 2026-01-01T00:00:00Z
    expect: unhealthy
    cause: X
  - name: two
    estate: []
    expect: { vm-a: healthy, vm-b: undetermined }
";

fn good() -> Rule {
    load("a.yaml", GOOD).unwrap_or_else(|found| panic!("{found:?}"))
}

#[test]
fn a_good_file_is_read_whole() {
    let rule = good();
    assert_eq!(
        (&*rule.id, rule.severity, rule.steps().len()),
        ("a-rule", Severity::High, 3)
    );
    assert_eq!(rule.steps()[1].severity, Some(Severity::Low));
    assert_eq!(rule.steps()[0].cause.as_deref(), Some("UnsupportedClassicVM"));
    assert_eq!(rule.steps()[2].verdict, Verdict::Unhealthy);
    assert_eq!(rule.steps()[1].location.line, 16);
    assert_eq!(
        rule.params.iter().map(|param| &*param.name).collect::<Vec<_>>(),
        ["ports", "reading"]
    );
    let controls: Vec<&str> = rule.standards[1].controls.iter().map(|control| &**control).collect();
    assert_eq!(controls, ["2.12", "2.10"], "numbers stay as they are written");
    assert_eq!(
        (rule.standards[0].by, rule.standards[1].by),
        (MappedBy::Microsoft, MappedBy::Tool)
    );
    assert_eq!(rule.examples()[0].estate[0]["n"], 1);
    assert_eq!(rule.examples()[0].now.unwrap().to_string(), "2026-01-01T00:00:00Z");
    assert_eq!(rule.examples()[0].expect, Expect::Single(Verdict::Unhealthy));
    assert!(matches!(&rule.examples()[1].expect, Expect::ByName(names) if names["vm-b"] == Verdict::Undetermined));
    assert_eq!(
        rule.mentions().roots.into_iter().collect::<Vec<_>>(),
        ["jit", "nsg", "vm"]
    );
}

/// The diagnostics of the good file with one text in place of another, as `line:column message (help)`.
fn with(from: &str, to: &str) -> Vec<String> {
    assert!(GOOD.contains(from), "{from}");
    let found = load("a.yaml", &GOOD.replacen(from, to, 1)).err().unwrap_or_default();
    found.iter().map(show).collect()
}

fn show(diagnostic: &Diagnostic) -> String {
    let place = diagnostic
        .location
        .as_ref()
        .map_or_else(|| "?".into(), |at| format!("{}:{}", at.line, at.column));
    let help = diagnostic
        .help
        .as_ref()
        .map_or_else(String::new, |help| format!(" ({help})"));
    format!("{place} {}{help}", diagnostic.message)
}

#[test]
fn each_mistake_has_its_place_and_hint() {
    let mut wrong = Vec::new();
    for (from, to, expected) in [
        (
            "title: A title",
            "titel: A title",
            "2:1 unknown key `titel` (did you mean `title`?)",
        ),
        (
            "    because: classic",
            "    becuase: classic",
            "15:5 unknown key `becuase` (did you mean `because`?)",
        ),
        (
            "severity: high",
            "severity: hihg",
            "3:11 `hihg` is not known here (did you mean `high`?)",
        ),
        (
            "applies_to: vm",
            "applies_to: machine",
            "4:13 `machine` is not known here (known here: `vm`, `security_rule`, `jit_entry`)",
        ),
        (
            "is: healthy",
            "is: undetermined",
            "19:9 `undetermined` is not known here (known here: `healthy`, `unhealthy`, `not_applicable`)",
        ),
        (
            "title: A title\n",
            "",
            "30:1 `title` is missing (the mapping that ends here needs it)",
        ),
        (
            "    because: classic\n",
            "",
            "14:5 `because` is missing (the mapping that ends here needs it)",
        ),
        ("title: A title", "title: [a]", "2:8 expected text"),
        ("title: A title", "title:", "2:6 expected text, found nothing"),
        ("title: A title", "title: a\ntitle: b", "3:1 `title` is given twice"),
        ("  ports: {", "  reading: {", "7:3 `reading` is given twice"),
        (
            "mcsb: [NS-3, PA-2]",
            "mcsb: [NS-3], mcsb: [PA-2]",
            "28:30 `mcsb` is given twice",
        ),
        ("verdict:\n", "verdict: 3\nx:\n", "11:10 expected a list"),
        ("params:\n", "params: 3\nx:\n", "5:9 expected a mapping"),
        (
            "id: a-rule",
            "id: ARule_x",
            "1:5 the id `ARule_x` is not in kebab case (write it in small letters, digits and hyphens, such as `a-rule-x`)",
        ),
        (
            "remedy: enable-jit",
            "remedy: Enable JIT",
            "30:9 the remedy `Enable JIT` is not in kebab case (write it in small letters, digits and hyphens, such as `enable-j-i-t`)",
        ),
        ("why: Because.", "why: ' '", "24:6 this text is empty"),
        (
            "  - is: unhealthy",
            "  - is: unhealthy\n    when: vm.classic",
            "23:11 the last step must have no `when`, so that every subject gets a verdict",
        ),
        (
            "  - when: vm.classic\n    is",
            "  - is",
            "12:5 a step without `when` decides every subject, so that the steps behind it are never reached",
        ),
        (
            "when: vm.classic",
            "when: vm.clasic",
            "12:14 `vm` has no field `clasic` (did you mean `vm.classic`?)",
        ),
        (
            "when: vm.classic",
            "when: 'vm.name == ''a'' && vm.clasic'",
            "12:35 `vm` has no field `clasic` (did you mean `vm.classic`?)",
        ),
        (
            "when: vm.classic",
            "when: \"vm.name == \\\"a\\\" && vm.clasic\"",
            "12:35 `vm` has no field `clasic` (did you mean `vm.classic`?)",
        ),
        (
            "when: vm.classic",
            "when: vm.classic ||\n        vm.clasic",
            "13:12 `vm` has no field `clasic` (did you mean `vm.classic`?)",
        ),
        (
            "when: vm.classic",
            "when: >\n      vm.classic ||\n      vm.clasic",
            "14:10 `vm` has no field `clasic` (did you mean `vm.classic`?)",
        ),
        (
            "p in jit.ports",
            "p in jit.prots",
            "18:39 `jit` has no field `prots` (did you mean `jit.ports`?)",
        ),
        (
            "when: vm.classic",
            "when: vm.classic &&",
            "12:24 the expression ends too early",
        ),
        ("jit.ports)\n", "jit.ports\n", "18:44 `)` is missing"),
        (
            "when: vm.classic",
            "when: vm.name",
            "12:11 a condition must be a bool, and this is text",
        ),
        (
            "{params.ports}",
            "{params.port}",
            "21:28 unknown parameter `port` (did you mean `params.ports`?)",
        ),
        (
            "{params.ports}",
            "{nsg.layers}",
            "21:21 a text can hold values and lists of values, and this is list of record (name a field, or list one with `.map(x, x.field)`)",
        ),
        ("{{so}}", "{so", "21:48 `{` is not closed (write `{{` for a brace)"),
        ("{{so}}", "so}", "21:50 `}` closes nothing (write `}}` for a brace)"),
        (
            "default: textual",
            "default: textaul",
            "8:14 `reading` cannot be `textaul` (did you mean `textual`?)",
        ),
        (
            "choices: [textual, effective]",
            "choices: [textual, 3]",
            "9:14 each choice of `reading` must be of type text",
        ),
        (
            "default: [22, 3389]",
            "default: [22, 70000]",
            "6:21 `ports` cannot hold 70000 (ports are 0 to 65535)",
        ),
        (
            "default: [22, 3389]",
            "default: [22, a]",
            "6:21 the default of `ports` has no type (a default is a bool, an int, a text, or a list of ints or of texts)",
        ),
        (
            "  reading:\n",
            "  Reading-x:\n",
            "7:3 `Reading-x` cannot be named in a condition (write it in small letters, digits and underscores)",
        ),
        (
            "tool: { cis-azure-1.1.0",
            "tool: { cis-azure-1.1",
            "29:11 unknown framework `cis-azure-1.1` (did you mean `cis-azure-1.1.0`?)",
        ),
        ("  tool:", "  tol:", "29:3 unknown key `tol` (did you mean `tool`?)"),
        (
            "https://example.com/a",
            "http://example.com/a",
            "26:14 a reference must begin with `https://`",
        ),
        (
            "2026-01-01T00:00:00Z",
            "yesterday",
            "35:10 `yesterday` is no time (write it as in `2026-01-01T00:00:00Z`)",
        ),
        (
            "{ reading: effective }",
            "{ reading: efective }",
            "32:5 `reading` cannot be `efective` (did you mean `effective`?)",
        ),
        (
            "{ reading: effective }",
            "{ raeding: effective }",
            "32:5 unknown parameter `raeding` (did you mean `reading`?)",
        ),
        (
            "expect: unhealthy",
            "expect: bad",
            "36:13 a verdict (healthy, unhealthy, not_applicable, undetermined), or one for each name",
        ),
    ] {
        let found = with(from, to);
        if found.first().map(String::as_str) != Some(expected) {
            wrong.push(format!("{from} -> {to}\n  wanted {expected}\n  found  {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn all_mistakes_of_a_file_are_reported_in_its_order() {
    let text = GOOD
        .replacen("id: a-rule", "id: A_rule", 1)
        .replacen("vm.classic", "vm.clasic && nsg.asigned", 1)
        .replacen("{params.ports}", "{params.port}", 1)
        .replacen("mcsb", "msbc", 1)
        .replacen("https://", "ftp://", 1);
    let found: Vec<String> = load("a.yaml", &text).unwrap_err().iter().map(show).collect();
    let places: Vec<&str> = found.iter().filter_map(|found| found.split(' ').next()).collect();
    assert_eq!(
        places,
        ["1:5", "12:14", "12:28", "21:28", "26:14", "28:16"],
        "{found:#?}"
    );
}

#[test]
fn an_expression_that_is_too_deep_is_refused_and_not_followed() {
    let when = |expression: &str| with("when: vm.classic", &format!("when: '{expression}'"));
    let nested =
        |opening: &str, inner: &str, closing: &str| when(&(opening.repeat(300) + inner + &closing.repeat(300)));
    let too_deep = "the expression is nested too deeply";
    assert_eq!(nested("(", "true", ")"), [format!("12:108 {too_deep}")]);
    for found in [
        nested("[", "1", "]"),
        nested("size(", "vm.name", ")"),
        nested("true ? true : ", "true", ""),
        when(&format!("1{} == 1", " + 1".repeat(1_000))),
        when(&format!("vm{} == 1", ".id".repeat(1_000))),
        when(&format!("true{}", "<1".repeat(1_000))),
    ] {
        assert!(found.iter().any(|found| found.contains(too_deep)), "{found:?}");
    }
    assert_eq!(
        when(&["vm.classic"; 1_000].join(" && ")),
        [""; 0],
        "the parser balances these"
    );
    assert!(when(&["vm.classic"; 2_000].join(" && "))[0].contains("the expression is too long"));
    for opening in ["(", "[", "!", "-", "size(", "{1: "] {
        assert_eq!(when(&opening.repeat(300)).len(), 1, "{opening}");
    }
}

#[test]
fn an_empty_verdict_is_an_error() {
    let text = "id: a\ntitle: A\nseverity: low\napplies_to: vm\nverdict: []\nwhy: x\nfix: y\n";
    let found = load("a.yaml", text).unwrap_err();
    assert_eq!(show(&found[0]), "5:10 the verdict is empty (give it at least one step)");
}

#[test]
fn what_is_no_yaml_is_an_error_with_a_place() {
    for (text, expected) in [
        ("", "1:1 the file ends too early"),
        ("id: 'a\n", "2:1 invalid indentation in multiline quoted scalar"),
        (
            "id: a\n title: x\n",
            "2:7 mapping values are not allowed in this context",
        ),
    ] {
        let found = load("a.yaml", text).unwrap_err();
        assert_eq!(found.iter().map(show).collect::<Vec<_>>(), [expected], "{text:?}");
    }
    let bomb = "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\n".to_owned() + &"[".repeat(100_000);
    assert!(load("a.yaml", &bomb).is_err());
}

#[test]
fn the_second_of_two_rules_with_one_id_is_refused() {
    let other = GOOD.replacen("A title", "Another", 1);
    let bad = "id: 3\n";
    let loaded = load_all([("a.yaml", GOOD), ("bad.yaml", bad), ("b.yaml", other.as_str())]);
    assert_eq!(loaded.rules.len(), 1);
    let found: Vec<String> = loaded.diagnostics.iter().map(show).collect();
    assert_eq!(found.len(), 2, "{found:?}");
    assert_eq!(
        found[1],
        "1:5 the rule `a-rule` is defined twice (the other one is at a.yaml:1:5)"
    );
}

#[test]
fn a_diagnostic_is_shown_in_a_frame() {
    let text = GOOD.replacen("p in jit.ports", "p in jit.prots", 1);
    let found = load("rules/a.yaml", &text).unwrap_err();
    let expected = "\
error[rule-condition]: `jit` has no field `prots`
  --> rules/a.yaml:18:39
   |
18 |       && params.ports.all(p, p in jit.prots)
   |                                       ^^^^^
   |
   = help: did you mean `jit.ports`?";
    assert_eq!(frame::render(&found[0], &text), expected);
}

#[test]
fn the_json_schema_accepts_the_built_in_files() {
    let validator = jsonschema::validator_for(&json_schema()).unwrap();
    let good = GOOD.replacen("[2.12, 2.10]", "['2.12', '2.10']", 1);
    for (file, text) in builtin::files()
        .map(|(file, text)| (file, text.to_owned()))
        .chain([("good", good)])
    {
        let json: serde_json::Value = serde_yaml::from_str(&text).unwrap();
        let errors: Vec<String> = validator.iter_errors(&json).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{file}: {errors:?}");
    }
    let typo: serde_json::Value = serde_yaml::from_str("id: a\ntitel: x\n").unwrap();
    assert!(!validator.is_valid(&typo));
}
