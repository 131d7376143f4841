//! The checker's messages with their places, and the three-valued meaning of operators.

use serde_json::json;

use super::Written;
use crate::rule::SubjectKind;
use crate::rule::cel::{compile_condition, compile_text};
use crate::rule::check::{ParamType, Problem, Scope};
use crate::rule::fact::Fact;
use crate::rule::types::Type;
use crate::rule::value::{SubjectFacts, Truth, evaluate_condition};

pub fn scope() -> Scope {
    let param = |name: &str, ty, choices: &[&str]| ParamType {
        name: name.into(),
        ty,
        choices: choices.iter().map(|choice| (*choice).into()).collect(),
    };
    Scope {
        kind: SubjectKind::Vm,
        params: vec![
            param("ports", Type::list(Type::Int), &[]),
            param("reading", Type::Text, &["textual", "effective"]),
            param("strict", Type::Bool, &[]),
        ],
    }
}

pub fn params() -> Vec<Fact> {
    vec![
        Fact::list([Fact::Int(22), Fact::Int(3389)]),
        Fact::text("textual"),
        Fact::Bool(false),
    ]
}

fn problems(source: &str) -> Vec<Problem> {
    compile_condition(source, &scope()).err().unwrap_or_default()
}

/// What the first problem marks, its message and its help.
fn first(source: &str) -> (String, String, String) {
    let found = problems(source);
    let problem = found.first().unwrap_or_else(|| panic!("nothing wrong in {source}"));
    let marked = source
        .chars()
        .skip(problem.range.start)
        .take(problem.range.len())
        .collect();
    (
        marked,
        problem.message.clone(),
        problem.help.clone().unwrap_or_default(),
    )
}

#[test]
fn good_conditions_pass() {
    for source in [
        "true",
        "vm.classic",
        "!nsg.assigned && !firewall.protects",
        "params.ports.all(p, p in jit.ports)",
        "nsg.layers.exists(l, l.allows.exists(a, a.port in params.ports && a.effective))",
        "nsg.layers.exists(l, l.allows.exists(a, params.ports.exists_one(p, p == a.port)))",
        "params.reading == 'effective' || params.strict",
        "size(vm.public_ips) > 0 && vm.public_ips.size() < 3",
        "vm.name.startsWith('vm-') || vm.name.matches('^web[0-9]+$') || matches(vm.name, 'x')",
        "has(vm.tags.owner) && vm.tags.owner.lowerAscii() == 'me'",
        "has(vm.tags.owner) && vm.tags['owner'] != ''",
        "'owner' in vm.tags",
        "vm.os in ['linux', 'windows']",
        "vm.os in []",
        "(vm.classic ? 1 : 2) == 2",
        "exposures.filter(e, e.public).map(e, e.port).exists(p, p == 22)",
        "exposures.map(e, e.public, e.port).size() == 0",
        "exposures.exists(e, e.addresses > 16 && e.addresses / 2.0 < double(e.port))",
        "nsg.layers[0].nsg == 'a'",
        "-1 < 2 && 5 % 2 == 1",
        "vm.public_ips.join(', ') + vm.name == ''",
        "vm.tags.all(k, k != 'x')",
        "[vm.public_ips, nsg.names].exists(l, size(l) > 1)",
    ] {
        assert_eq!(problems(source), [], "{source}");
    }
}

#[test]
fn each_mistake_is_marked_and_explained() {
    for (source, marked, message, help) in [
        ("vmm.classic", "vmm", "unknown name `vmm`", "did you mean `vm`?"),
        (
            "assigned",
            "assigned",
            "unknown name `assigned`",
            "did you mean `nsg.assigned`?",
        ),
        (
            "strict",
            "strict",
            "unknown name `strict`",
            "did you mean `params.strict`?",
        ),
        (
            "nsg.asigned",
            "asigned",
            "`nsg` has no field `asigned`",
            "did you mean `nsg.assigned`?",
        ),
        (
            "vm.jti",
            "jti",
            "`vm` has no field `jti`",
            "its fields: `id`, `name`, `subscription`, `resource_group`, `region`, `os`, `power`, `classic`, \
             `scale_set`, `has_nic`, `public_ips`, `tags`",
        ),
        (
            "nsg.layers.exists(l, l.allows.exists(a, a.prt == 1))",
            "prt",
            "`nsg.layers.allows` has no field `prt`",
            "did you mean `a.port`?",
        ),
        (
            "exposures.filter(e, true).exists(e, e.publc)",
            "publc",
            "`exposures` has no field `publc`",
            "did you mean `e.public`?",
        ),
        (
            "nsg . asigned",
            "asigned",
            "`nsg` has no field `asigned`",
            "did you mean `nsg.assigned`?",
        ),
        (
            "nsg.layers.nsg == 'a'",
            "nsg",
            "`nsg.layers` (list of record) has no field `nsg`",
            "ask its elements, as in `.exists(x, ...)`",
        ),
        ("vm.name.length", "length", "`vm.name` (text) has no field `length`", ""),
        (
            "params.port == 1",
            "port",
            "unknown parameter `port`",
            "did you mean `params.ports`?",
        ),
        (
            "params == 1",
            "params",
            "`params` is not a value",
            "name one, as in `params.ports`",
        ),
        (
            "params.reading == 'efective'",
            "==",
            "`params.reading` is never `efective`",
            "did you mean `effective`?",
        ),
        ("vm.name == 3", "==", "`==` compares `vm.name` (text) with int", ""),
        ("vm.name == null", "null", "no fact is ever `null`", ""),
        (
            "size(vm.name) > 1u",
            "1u",
            "unsigned numbers are not used here",
            "write `1`",
        ),
        (
            "nsg.layers == []",
            "==",
            "`==` does not compare lists or records, and `nsg.layers` (list of record) is one",
            "ask with `size(...)`, `in`, `all` or `exists`",
        ),
        ("vm.classic < true", "<", "`<` does not order bools", ""),
        (
            "vm.name && true",
            "name",
            "`&&` needs a bool, and `vm.name` (text) is none",
            "",
        ),
        ("!vm.name", "name", "`!` needs a bool, and `vm.name` (text) is none", ""),
        (
            "vm.name ? true : false",
            "name",
            "`?` needs a bool, and `vm.name` (text) is none",
            "",
        ),
        (
            "(vm.classic ? 1 : 'a') == 1",
            "?",
            "the two sides of `:` differ: int and text",
            "",
        ),
        (
            "'22' in params.ports",
            "in",
            "text cannot be in `params.ports` (list of int)",
            "",
        ),
        (
            "'a' in vm.name",
            "in",
            "`in` needs a list on its right, and `vm.name` (text) is none",
            "text in text is asked with `.contains(...)`",
        ),
        ("[1, 'a'].exists(x, true)", "'a'", "a list of int cannot hold text", ""),
        ("size(vm.name, 1) > 0", "size", "`size` takes 1 argument, not 2", ""),
        (
            "vm.name.startsWith() == true",
            "startsWith",
            "`startsWith` takes 1 argument, not 0",
            "",
        ),
        ("vm.name.startsWith(3)", "3", "`startsWith` needs text, not int", ""),
        (
            "vm.name.startWith('a')",
            "startWith",
            "unknown function `startWith`",
            "did you mean `startsWith`?",
        ),
        (
            "startsWith(vm.name, 'a')",
            "startsWith",
            "unknown function `startsWith`",
            "write it behind its subject: `x.startsWith(...)`",
        ),
        (
            "exists(nsg.layers, l, true)",
            "exists",
            "unknown function `exists`",
            "write it behind its subject: `x.exists(...)`",
        ),
        (
            "vm.name.matches('(')",
            "'('",
            "not a regular expression: unclosed group",
            "",
        ),
        (
            "vm.name.exists(x, true)",
            "name",
            "`exists` needs a list, and `vm.name` (text) is none",
            "",
        ),
        (
            "nsg.layers.exists(l)",
            "exists",
            "`exists` takes a variable and a condition",
            "write `list.exists(x, ...)`",
        ),
        (
            "nsg.layers.exists(1, true)",
            "1",
            "`exists` needs the name of a variable here",
            "",
        ),
        (
            "nsg.layers.exists(vm, true)",
            "vm",
            "`vm` already has a meaning",
            "choose another name",
        ),
        (
            "nsg.layers.exists(l, l.nsg)",
            "nsg",
            "`exists` needs a bool, and `nsg.layers.nsg` (text) is none",
            "",
        ),
        (
            "[[[[1]]]].all(a, a.all(b, b.all(c, c.all(d, true))))",
            "all",
            "macros are nested deeper than 3",
            "",
        ),
        ("has(vm)", "has", "`has` takes one field", "write `has(vm.tags.name)`"),
        (
            "has(vm.name)",
            "vm",
            "`has` asks for a key of a map, and `vm` (record) is none",
            "declared fields are always there",
        ),
        (
            "vm.name + 1 == ''",
            "+",
            "`+` cannot be applied to `vm.name` (text) and int",
            "convert to text with `string(...)`",
        ),
        (
            "1 + 2.0 > 1.0",
            "+",
            "`+` cannot be applied to int and double",
            "convert the int with `double(...)`",
        ),
        (
            "nsg.layers['a'].nsg == ''",
            "[",
            "`nsg.layers` (list of record) is indexed with int, not with text",
            "",
        ),
        (
            "vm['name'] == ''",
            "[",
            "`vm` (record) is not indexed",
            "name a field behind a dot",
        ),
        ("{'a': 1}.a == 1", "{", "maps cannot be written in a condition", ""),
        ("vm.name", "vm.name", "a condition must be a bool, and this is text", ""),
        ("vm.name = 'x'", "=", "unexpected `=`", "`==` compares"),
        ("vm.classic & true", "&", "unexpected `&`", "`&&` is the logical and"),
        (
            "vm.classic and true",
            "and",
            "unexpected `and`",
            "write `&&`, `||`, `!`",
        ),
        (
            "vm.name == 'x",
            "'x",
            "unexpected `'x`",
            "a text begins and ends with the same quote",
        ),
        ("true true", "true", "unexpected `true`", ""),
        ("vm.classic &&  ", " ", "the expression ends too early", ""),
        (
            "'ü' == vm.nam",
            "nam",
            "`vm` has no field `nam`",
            "did you mean `vm.name`?",
        ),
        ("'ü' = vm.name", "=", "unexpected `=`", "`==` compares"),
        (
            "'ü'.strtsWith('ß')",
            "strtsWith",
            "unknown function `strtsWith`",
            "did you mean `startsWith`?",
        ),
        (
            "vm.classic\n  && vm.nam == ''",
            "nam",
            "`vm` has no field `nam`",
            "did you mean `vm.name`?",
        ),
        ("vm.classic\n  && && true", "&&", "unexpected `&&`", ""),
        ("", "", "the expression is empty", ""),
    ] {
        let expected = (marked.to_owned(), message.to_owned(), help.to_owned());
        assert_eq!(first(source), expected, "{source}");
    }
}

#[test]
fn every_mistake_of_an_expression_is_reported() {
    let found = problems("vm.nam == '' && nsg.asigned && frob(vm.o)");
    let messages: Vec<&str> = found.iter().map(|problem| problem.message.as_str()).collect();
    assert_eq!(
        messages,
        [
            "`vm` has no field `nam`",
            "`nsg` has no field `asigned`",
            "unknown function `frob`",
            "`vm` has no field `o`"
        ]
    );
}

#[test]
fn a_text_prints_values_and_lists_of_values() {
    assert!(compile_text("vm.public_ips", &scope()).is_ok());
    let found = compile_text("nsg.layers", &scope()).unwrap_err();
    assert_eq!(
        found[0].message,
        "a text can hold values and lists of values, and this is list of record"
    );
}

#[test]
fn the_facts_and_parameters_that_are_mentioned_are_known() {
    let source = "nsg.layers.exists(l, l.allows.filter(a, a.port in params.ports).size() > 0) && !vm.classic";
    let mentions = compile_condition(source, &scope()).unwrap().mentions;
    assert_eq!(mentions.roots.into_iter().collect::<Vec<_>>(), ["nsg", "vm"]);
    let facts: Vec<String> = mentions.facts.into_iter().collect();
    assert_eq!(
        facts,
        [
            "nsg",
            "nsg.layers",
            "nsg.layers.allows",
            "nsg.layers.allows.port",
            "vm",
            "vm.classic"
        ]
    );
    assert_eq!(mentions.params.into_iter().collect::<Vec<_>>(), ["ports".into()]);
}

fn truth(source: &str, facts: &Written) -> Truth {
    let program = compile_condition(source, &scope()).unwrap_or_else(|found| panic!("{source}: {found:?}"));
    evaluate_condition(&program.code, &SubjectFacts::new(SubjectKind::Vm, facts), &params())
}

fn unknown(reasons: &[&str]) -> Truth {
    Truth::Unknown(reasons.iter().map(|reason| (*reason).into()).collect())
}

/// Two facts of each truth value.
fn operands() -> Written {
    Written::vm(json!({
        "vm": { "classic": true, "scale_set": false, "has_nic": "?nic", "os": "?os", "tags": { "a": "x", "b": "?tag" } },
        "jit": { "enabled": "?jit", "ports": [22, "?port"] },
        "nsg": "?group"
    }))
}

#[test]
fn and_or_and_not_follow_kleene() {
    let (t, f, u, w) = ("vm.classic", "vm.scale_set", "vm.has_nic", "jit.enabled");
    let nic = || unknown(&["nic"]);
    let table = [
        (format!("{t} && {u}"), nic()),
        (format!("{u} && {t}"), nic()),
        (format!("{f} && {u}"), Truth::False),
        (format!("{u} && {f}"), Truth::False),
        (format!("{u} && {w}"), unknown(&["jit", "nic"])),
        (format!("{t} || {u}"), Truth::True),
        (format!("{u} || {t}"), Truth::True),
        (format!("{f} || {u}"), nic()),
        (format!("{u} || {f}"), nic()),
        (format!("{w} || {u} || {w}"), unknown(&["jit", "nic"])),
        (format!("!{u}"), nic()),
        (format!("!({u} && {f})"), Truth::True),
        (format!("{u} ? {t} : {t}"), nic()),
        (format!("{t} ? {f} : {u}"), Truth::False),
        (format!("({u} && {f}) || {w}"), unknown(&["jit"])),
        (format!("{u} == {t}"), nic()),
        (format!("({u} || {t}) == {t}"), Truth::True),
    ];
    for (source, expected) in table {
        assert_eq!(truth(&source, &operands()), expected, "{source}");
    }
}

#[test]
fn an_unknown_element_matters_only_where_it_could_decide() {
    for (source, expected) in [
        ("22 in jit.ports", Truth::True),
        ("3389 in jit.ports", unknown(&["port"])),
        ("jit.ports.exists(p, p == 22)", Truth::True),
        ("jit.ports.exists(p, p == 80)", unknown(&["port"])),
        ("jit.ports.all(p, p == 80)", Truth::False),
        ("jit.ports.all(p, p == 22)", unknown(&["port"])),
        ("jit.ports.exists_one(p, p == 22)", unknown(&["port"])),
        ("jit.ports.exists_one(p, p == 22 || p != 22)", unknown(&["port"])),
        ("size(jit.ports) == 2", Truth::True),
        ("jit.ports[0] == 22", Truth::True),
        ("jit.ports[1] == 22", unknown(&["port"])),
        ("jit.ports.map(p, p + 1).size() == 2", unknown(&["port"])),
        ("nsg.layers.exists(l, true)", unknown(&["group"])),
        ("nsg.assigned && vm.scale_set", Truth::False),
        ("vm.os == 'linux' || vm.os == 'windows'", unknown(&["os"])),
        ("vm.os in ['linux']", unknown(&["os"])),
        ("has(vm.tags.b)", Truth::True),
        ("has(vm.tags.c)", Truth::False),
        ("has(vm.tags.c) && vm.tags.c == 'x'", Truth::False),
        ("vm.tags.b == 'x'", unknown(&["tag"])),
        ("vm.tags.a == 'x'", Truth::True),
    ] {
        assert_eq!(truth(source, &operands()), expected, "{source}");
    }
}

#[test]
fn what_cannot_be_computed_is_unknown_with_a_reason() {
    for (source, reason) in [
        ("vm.tags.c == 'x'", "there is no entry `c`"),
        ("jit.ports[7] == 1", "a list of 2 has no element 7"),
        (
            "1 / (size(jit.ports) - 2) == 1",
            "a calculation divides by zero or leaves the range of whole numbers",
        ),
        (
            "9223372036854775807 + size(jit.ports) > 0",
            "a calculation divides by zero or leaves the range of whole numbers",
        ),
        (
            "vm.name.matches(params.reading + '(')",
            "the fact `name` was not gathered, which is a defect of this program",
        ),
        (
            "'a'.matches(params.reading + '(')",
            "`textual(` is not a regular expression",
        ),
    ] {
        assert_eq!(truth(source, &operands()), unknown(&[reason]), "{source}");
    }
}

#[test]
fn macros_bind_their_variables_inside_out() {
    let facts = Written::vm(json!({ "jit": { "ports": [1, 2, 3] } }));
    for source in [
        "jit.ports.exists(a, jit.ports.exists(b, jit.ports.exists(c, a == 3 && b == 2 && c == 1)))",
        "jit.ports.map(a, jit.ports.filter(b, b > a).size()).exists(n, n == 2)",
        "jit.ports.all(a, jit.ports.exists_one(b, b == a))",
        "jit.ports.filter(a, a > 1).map(a, string(a)).join('-') == '2-3'",
    ] {
        assert_eq!(truth(source, &facts), Truth::True, "{source}");
    }
}

#[test]
fn a_root_is_asked_once_and_only_when_needed() {
    let facts = operands();
    let subject = SubjectFacts::new(SubjectKind::Vm, &facts);
    let program = compile_condition("vm.classic || nsg.assigned", &scope()).unwrap();
    assert_eq!(evaluate_condition(&program.code, &subject, &[]), Truth::True);
    assert_eq!(facts.asked(), 1, "nsg decides nothing");
    assert_eq!(evaluate_condition(&program.code, &subject, &[]), Truth::True);
    assert_eq!(facts.asked(), 1, "vm is remembered");
}

#[test]
fn no_schema_has_more_roots_than_are_remembered() {
    for kind in [SubjectKind::Vm, SubjectKind::SecurityRule, SubjectKind::JitEntry] {
        assert!(crate::rule::schema::roots(kind).len() <= crate::rule::value::MAX_ROOTS);
    }
}
