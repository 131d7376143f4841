//! The Bicep parser alone: each construct, and that no text, however broken, holds it up or ends it.
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "helpers look at what was parsed; what is missing fails the test"
)]

use std::time::{Duration, Instant};

use portcullis::syntax::bicep::{Document, Entry, Kind, Statement, StatementKind, TypeKind, parse};
use proptest::prelude::*;
use proptest::test_runner::Config;

#[track_caller]
fn clean(text: &str) -> Document {
    let document = parse(text);
    assert!(document.problems.is_empty(), "{text}\n{:#?}", document.problems);
    document
}

#[track_caller]
fn one(text: &str) -> Statement {
    let document = clean(text);
    assert_eq!(document.statements.len(), 1, "{text}");
    document.statements.into_iter().next().expect("there is one")
}

/// The value of `var x = ...`.
#[track_caller]
fn value(text: &str) -> Kind {
    match one(&format!("var x = {text}")).kind {
        StatementKind::Variable { value, .. } => value.kind,
        other => panic!("{text} is {other:?}"),
    }
}

/// A tree in brackets, so that precedence shows.
fn shown(kind: &Kind) -> String {
    match kind {
        Kind::Int(value) => value.to_string(),
        Kind::Name(name) => name.clone(),
        Kind::Bool(value) => value.to_string(),
        Kind::Null => "null".to_owned(),
        Kind::Unary { operator, of } => format!("({operator}{})", shown(&of.kind)),
        Kind::Binary { operator, left, right } => format!("({}{operator}{})", shown(&left.kind), shown(&right.kind)),
        Kind::Choice { condition, yes, no } => {
            format!("({}?{}:{})", shown(&condition.kind), shown(&yes.kind), shown(&no.kind))
        }
        Kind::Member { of, name, safe } => {
            format!("{}{}{}", shown(&of.kind), if *safe { ".?" } else { "." }, name.text)
        }
        Kind::Index {
            of,
            index,
            safe,
            from_end,
        } => {
            let marks = format!("{}{}", if *safe { "?" } else { "" }, if *from_end { "^" } else { "" });
            format!("{}[{marks}{}]", shown(&of.kind), shown(&index.kind))
        }
        Kind::Nested { of, name } => format!("{}::{}", shown(&of.kind), name.text),
        Kind::Call { of, name, arguments } => {
            let of = of.as_ref().map_or(String::new(), |of| format!("{}.", shown(&of.kind)));
            let arguments: Vec<String> = arguments.iter().map(|argument| shown(&argument.kind)).collect();
            format!("{of}{}({})", name.text, arguments.join(","))
        }
        Kind::Lambda { names, body } => {
            let names: Vec<&str> = names.iter().map(|name| name.text.as_str()).collect();
            format!("({}=>{})", names.join(","), shown(&body.kind))
        }
        Kind::Text { texts, holes } => {
            let holes: Vec<String> = holes.iter().map(|hole| shown(&hole.kind)).collect();
            format!("'{}'({})", texts.join("|"), holes.join(","))
        }
        Kind::Array(elements) => {
            let elements: Vec<String> = elements
                .iter()
                .map(|element| {
                    format!(
                        "{}{}",
                        if element.spread { "..." } else { "" },
                        shown(&element.value.kind)
                    )
                })
                .collect();
            format!("[{}]", elements.join(","))
        }
        Kind::Object(entries) => {
            let entries: Vec<String> = entries
                .iter()
                .map(|entry| match entry {
                    Entry::Member { key, value } => format!("{}:{}", shown(&key.kind), shown(&value.kind)),
                    Entry::Spread(of) => format!("...{}", shown(&of.kind)),
                    Entry::Nested(_) => "resource".to_owned(),
                    Entry::Broken => "broken".to_owned(),
                })
                .collect();
            format!("{{{}}}", entries.join(","))
        }
        Kind::For { item, index, of, body } => {
            let index = index.as_ref().map_or(String::new(), |index| format!(",{}", index.text));
            format!(
                "[for {}{index} in {}: {}]",
                item.text,
                shown(&of.kind),
                shown(&body.kind)
            )
        }
        Kind::If { condition, body } => format!("if {} {}", shown(&condition.kind), shown(&body.kind)),
        Kind::Broken => "?".to_owned(),
    }
}

#[test]
fn expressions_bind_as_they_should() {
    for (text, wanted) in [
        ("1 + 2 * 3 - 4", "((1+(2*3))-4)"),
        ("a || b && c == d", "(a||(b&&(c==d)))"),
        ("a ?? b ?? c", "((a??b)??c)"),
        ("a ?? b || c", "(a??(b||c))"),
        ("!a && -b < 3 % 2", "((!a)&&((-b)<(3%2)))"),
        ("a =~ b != c", "((a=~b)!=c)"),
        ("a ? b : c ? d : e", "(a?b:(c?d:e))"),
        ("a\n  ? b\n  : c", "(a?b:c)"),
        ("a.b.?c[0][?d][^1][?^2]!.e", "a.b.?c[0][?d][^1][?^2].e"),
        ("a::b::c.d", "a::b::c.d"),
        ("az.resourceGroup('x').id", "az.resourceGroup('x'()).id"),
        ("map(a, (b, i) => b + i)", "map(a,(b,i=>(b+i)))"),
        ("map(a, b => b)", "map(a,(b=>b))"),
        ("map(a, () => 1)", "map(a,(=>1))"),
        ("(a)", "a"),
        ("[\n  1\n  -2\n  ...a\n]", "[1,(-2),...a]"),
        ("[1, 2,\n3]", "[1,2,3]"),
        (
            "{\n  a: 1, 'b c': 2\n  '${d}': 3\n  ...e\n}",
            "{'a'():1,'b c'():2,'|'(d):3,...e}",
        ),
        ("{}", "{}"),
        ("[for a in b: a]", "[for a in b: a]"),
        ("[\n  for (a, i) in b: {\n    c: a\n  }\n]", "[for a,i in b: {'c'():a}]"),
        ("[for]", "[for]"),
        ("f(\n  1,\n  2\n)", "f(1,2)"),
        ("true", "true"),
        ("null", "null"),
    ] {
        assert_eq!(shown(&value(text)), wanted, "{text}");
    }
}

#[test]
fn strings_of_every_kind() {
    for (text, wanted) in [
        ("'a'", "'a'()"),
        ("''", "''()"),
        ("'it\\'s \\\\ \\u{1F600} \\${no} $5 $'", "'it's \\ 😀 ${no} $5 $'()"),
        ("'${a}-${b}'", "'|-|'(a,b)"),
        ("'a${'b${c}'}d'", "'a|d'('b|'(c))"),
        ("'''\nas ${written} 'it' is\n'''", "'as ${written} 'it' is\n'()"),
        ("''''quoted''''", "''quoted''()"),
        ("$'''a ${b} $c'''", "'a | $c'(b)"),
        ("$$'''a ${b} $${c} $$${d}'''", "'a ${b} | $|'(c,d)"),
        ("''''''", "''()"),
    ] {
        assert_eq!(shown(&value(text)), wanted, "{text}");
    }
}

#[test]
fn every_statement() {
    let document = clean(RICH);
    let count = |wanted: fn(&StatementKind) -> bool| document.statements.iter().filter(|s| wanted(&s.kind)).count();
    assert_eq!(count(|kind| matches!(kind, StatementKind::Broken { .. })), 0);
    assert_eq!(count(|kind| matches!(kind, StatementKind::Parameter { .. })), 9);
    assert_eq!(count(|kind| matches!(kind, StatementKind::Resource(_))), 4);
    assert_eq!(count(|kind| matches!(kind, StatementKind::Module(_))), 2);
    assert_eq!(count(|kind| matches!(kind, StatementKind::Import { .. })), 2);
    assert_eq!(count(|kind| matches!(kind, StatementKind::Extension { .. })), 4);
    assert_eq!(count(|kind| matches!(kind, StatementKind::Type { .. })), 7);
    assert_eq!(count(|kind| matches!(kind, StatementKind::Aside)), 3);
    let parameters = clean(
        "using none\nextends 'base.bicepparam'\nparam a = 1\nvar b = 'x'\nparam c = readEnvironmentVariable('D')\n",
    );
    assert_eq!(parameters.statements.len(), 5);
    assert!(matches!(parameters.statements[0].kind, StatementKind::Using(None)));
}

#[test]
fn types_as_far_as_values_are_held_against_them() {
    let declared = |text: &str| match one(&format!("param x {text}")).kind {
        StatementKind::Parameter {
            declared: Some(declared),
            ..
        } => declared.kind,
        other => panic!("{text} is {other:?}"),
    };
    assert!(matches!(declared("string"), TypeKind::Name(name) if name == "string"));
    assert!(matches!(declared("string[]"), TypeKind::Array));
    assert!(matches!(declared("'a' | 'b'"), TypeKind::Text));
    assert!(matches!(declared("1 | -2"), TypeKind::Int));
    assert!(matches!(declared("'a' | 1"), TypeKind::Other));
    assert!(matches!(declared("{ a: string, *: int }"), TypeKind::Object));
    assert!(matches!(declared("[string, int]"), TypeKind::Array));
    assert!(matches!(
        declared("resourceInput<'A.B/c@1'>.properties"),
        TypeKind::Other
    ));
    assert!(matches!(declared("int?"), TypeKind::Nullable(_)));
    assert!(matches!(declared("'a' | null"), TypeKind::Nullable(_)));
}

#[test]
fn line_ends_and_byte_order_marks_do_not_matter() {
    let plain = parse(RICH);
    for text in [RICH.replace('\n', "\r\n"), format!("\u{feff}{RICH}")] {
        let document = clean(&text);
        assert_eq!(document.statements.len(), plain.statements.len());
    }
}

#[test]
fn a_broken_statement_leaves_the_others() {
    let text = "param a string\nresource b 'A.B/c@1' = {\n  name: \n  other: 1\n}\nvar = 3\nvar d = 4\n";
    let document = parse(text);
    assert_eq!(document.problems.len(), 2, "{:#?}", document.problems);
    let StatementKind::Resource(resource) = &document.statements[1].kind else {
        panic!()
    };
    assert!(matches!(
        resource.body.member("name").map(|value| &value.kind),
        Some(Kind::Broken)
    ));
    assert!(matches!(
        resource.body.member("other").map(|value| &value.kind),
        Some(Kind::Int(1))
    ));
    assert!(matches!(&document.statements[3].kind, StatementKind::Variable { name, .. } if name.text == "d"));
}

#[test]
fn a_brace_that_is_missing_ends_at_the_next_statement() {
    let text = "resource b 'A.B/c@1' = {\n  name: 'b'\n  properties: {\n\nresource d 'A.B/c@1' = {\n  name: 'd'\n}\n";
    let document = parse(text);
    assert!(!document.problems.is_empty());
    let names: Vec<&str> = document
        .statements
        .iter()
        .filter_map(|statement| match &statement.kind {
            StatementKind::Resource(resource) => Some(resource.name.text.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(names, ["b", "d"]);
}

#[track_caller]
fn ends_soon(text: &str) {
    let start = Instant::now();
    let document = parse(text);
    assert!(start.elapsed() < Duration::from_secs(20), "{} bytes", text.len());
    for problem in &document.problems {
        let span = problem.span;
        assert!(
            span.start <= span.end && span.end <= text.len(),
            "{problem:?} of {} bytes",
            text.len()
        );
        assert!(text.is_char_boundary(problem.span.start) && text.is_char_boundary(problem.span.end));
    }
}

#[test]
fn every_prefix_and_every_missing_line() {
    for end in (0..=RICH.len()).filter(|end| RICH.is_char_boundary(*end)) {
        ends_soon(&RICH[..end]);
    }
    let lines: Vec<&str> = RICH.lines().collect();
    for missing in 0..lines.len() {
        let mut left = lines.clone();
        left.remove(missing);
        ends_soon(&left.join("\n"));
    }
}

#[test]
fn deep_and_long_texts_end() {
    for open in [
        "(",
        "[",
        "{a:",
        "!",
        "-",
        "a(",
        "'${",
        "a?",
        "a[",
        "{a:{",
        "[for a in ",
        "a=>",
        "a+(",
        "a??",
        "$'''${",
    ] {
        ends_soon(&format!("var x = {}", open.repeat(8_000)));
        ends_soon(&format!("param x {}", open.repeat(8_000)));
    }
    ends_soon(&format!("var x = a{}", " + a".repeat(8_000)));
    ends_soon(&format!("var x = a{}", ".b".repeat(8_000)));
    ends_soon(&format!("type x = a{}", "[]".repeat(8_000)));
    ends_soon(&format!("var x = [\n{}]", "  1\n".repeat(200_000)));
    ends_soon(&"@a()\n".repeat(8_000));
    ends_soon(&"/*".repeat(100_000));
    ends_soon(&"'".repeat(100_001));
}

proptest! {
    #![proptest_config(Config { cases: 256, failure_persistence: None, ..Config::default() })]

    #[test]
    fn mutated_files(edits in prop::collection::vec((any::<prop::sample::Index>(), 0usize..12, prop::sample::select("{}[]()',:.$\n@?!=|&a0 '''".chars().collect::<Vec<_>>())), 1..8)) {
        let mut characters: Vec<char> = RICH.chars().collect();
        for (at, cut, character) in edits {
            let at = at.index(characters.len());
            let end = (at + cut).min(characters.len());
            characters.splice(at..end, [character]);
        }
        ends_soon(&characters.into_iter().collect::<String>());
    }

    #[test]
    fn arbitrary_text(text in "\\PC{0,200}") {
        ends_soon(&text);
    }
}

/// Every construct that there is.
const RICH: &str = r#"#disable-next-line no-unused-params
targetScope = 'resourceGroup'

metadata about = { a: 'b' }

/* of several
   lines */
extension kubernetes with {
  namespace: 'default'
} as k8s
extension 'br:example.invalid/ext:1.0' as ext
provider 'kubernetes@1.0'
import 'sys@1.0.0' as system
import { a, b as c, 'd-e' as f } from 'shared.bicep'
import * as shared from './shared.bicep'

@description('A ${'name'}')
@minLength(3)
@allowed([
  'x'
  'y'
])
param name string = 'x'
param count int
param flag bool = !false
param list array = []
param thing object = {}
@secure()
param secret string
param typed kind?
param shape {
  @description('inner')
  one: string
  'two words': int?
  *: bool
} = { one: 'a' }
param choice
  | 'a'
  | 'b' = 'a'

type kind = 'p' | 'q'
type many = kind[]
type tuple = [
  string
  @minValue(1)
  int
]
type part = many[*]
type nested = shape.one
type derived = resourceInput<'Microsoft.Network/virtualNetworks@2023-09-01'>.properties
@discriminator('type')
type union = { type: 'a', v: string } | { type: 'b' }

func twice(n int, s string) string => '${s}${n * 2}'

var typedVariable string[] = ['a', 'b']
var text = '''
as ${it} is
'''
var made = $'''with ${name}'''
var chosen = flag ? [for (x, i) in list: '${x}-${i}'] : map(list, x => x.?y ?? 'n/a')
var spread = { ...thing, k: [...list, 1] }
var last = list[^1]!.a[?'b']

resource vnet 'Microsoft.Network/virtualNetworks@2023-09-01' existing = {
  name: 'net'
  scope: resourceGroup('other')

  resource subnet 'subnets' existing = {
    name: 'web'
  }
}

@batchSize(1)
resource nics 'Microsoft.Network/networkInterfaces@2023-09-01' = [for (one, i) in list: if (one.on) {
  name: 'nic-${i}'
  properties: {
    ipConfigurations: [{ name: 'c', properties: { subnet: { id: vnet::subnet.id } } }]
  }
  dependsOn: [vnet]
}]

resource guarded 'Microsoft.Network/networkSecurityGroups@2023-09-01' = if (flag && count > 1) {
  name: name
  tags: { a: 'b', c: shared.value }
  properties: {
    securityRules: concat([for r in list: { name: r }], [])
  }
  @description('a rule apart')
  resource extra 'securityRules@2023-09-01' = {
    name: 'extra'
    properties: {}
  }
}

resource child 'Microsoft.Network/virtualNetworks/subnets@2023-09-01' = {
  parent: vnet
  name: 'child'
}

module one 'modules/one.bicep' = {
  name: 'one'
  params: { id: nics[0].id }
}

module several 'br/public:avm/res/network/virtual-network:0.5.1' = [for i in range(0, 2): {
  name: 'm${i}'
  scope: subscription()
}]

assert works = contains(name, 'x')
test unit 'unit.bicep' = {
  params: {}
}

output id string = one.outputs.id
output ids array = [for i in range(0, 2): several[i].outputs.?id]
output res resource 'Microsoft.Network/virtualNetworks@2023-09-01' = vnet
"#;
