//! Where the blocks of a configuration stand that a plan or a state was made of, so that findings point at what people
//! wrote. Only places are taken from them, never values.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use hcl_edit::Span as _;
use hcl_edit::structure::{Block, Body, Structure};

use super::address::{Address, Step};
use super::configuration::Configuration;
use crate::input::arm::expression::{Kind, Value};
use crate::input::azurerm::{Instance, Related};
use crate::syntax::{Node, Span};

/// One file of a configuration.
pub struct Written<'t> {
    pub name: &'t str,
    pub text: &'t str,
    /// Where its text begins among all texts.
    pub base: usize,
}

/// Largest file that is looked through for places.
const LARGEST: usize = 4 << 20;

/// Moves instances to the blocks that declare them. `beside` is the name of the plan or state.
pub fn place(instances: &mut [Instance], written: &[Written<'_>], beside: &str, configuration: &Configuration<'_>) {
    if written.is_empty() {
        return;
    }
    let parsed: Vec<(&Written<'_>, Body)> = written
        .iter()
        .filter(|file| file.text.len() <= LARGEST)
        .filter_map(|file| Some((file, hcl_edit::parser::parse_body(file.text).ok()?)))
        .collect();
    let mut blocks: HashMap<(String, String), (&Block, usize)> = HashMap::new();
    for (file, body) in &parsed {
        for block in body.iter().filter_map(Structure::as_block) {
            if let Some(address) = declared(block) {
                blocks.insert((directory(file.name), address), (block, file.base));
            }
        }
    }
    for instance in instances {
        let address = Address::parse(&instance.address);
        let Some(directory) = module_directory(&directory(beside), &address.modules, configuration) else {
            continue;
        };
        let names: Vec<&str> = address.rest.iter().map(|step| step.name.as_str()).collect();
        if let Some((block, base)) = blocks.get(&(directory, names.join("."))) {
            instance.attributes = placed(&instance.attributes, block, *base);
            instance.related = calls(&blocks, beside, &address, configuration, instance.span());
        }
    }
}

/// The calls of the modules that lead to an instance, the nearest first.
fn calls(
    blocks: &HashMap<(String, String), (&Block, usize)>,
    beside: &str,
    address: &Address,
    configuration: &Configuration<'_>,
    of: Span,
) -> Arc<[Related]> {
    let call = |depth: usize| {
        let outer = address.modules.get(..depth)?;
        let name = &address.modules.get(depth)?.name;
        let directory = module_directory(&directory(beside), outer, configuration)?;
        let (block, base) = blocks.get(&(directory, format!("module.{name}")))?;
        Some(Related {
            of,
            label: "module call",
            what: format!("module `{name}`"),
            span: span(block.ident.span(), *base)?,
        })
    };
    (0..address.modules.len()).rev().filter_map(call).collect()
}

/// `azurerm_subnet.web`, `data.azurerm_subnet.web` or `module.net`.
fn declared(block: &Block) -> Option<String> {
    let labels: Vec<&str> = block.labels.iter().map(|label| label.as_str()).collect();
    match (block.ident.as_str(), labels.as_slice()) {
        ("resource", [kind, name]) => Some(format!("{kind}.{name}")),
        ("data", [kind, name]) => Some(format!("data.{kind}.{name}")),
        ("module", [name]) => Some(format!("module.{name}")),
        _ => None,
    }
}

/// The directories of the configuration that a plan or a state was made of: its own, and those of the modules that the
/// configuration in it calls by a path.
pub fn directories(beside: &str, configuration: &Configuration<'_>) -> BTreeSet<String> {
    let root = directory(beside);
    let mut found = BTreeSet::from([root.clone()]);
    if let Some(module) = configuration.module(&[]) {
        called(module, &root, &mut found, 0);
    }
    found
}

/// Deepest nesting of modules.
const DEPTH: usize = 64;

fn called(module: &Node<'_>, directory: &str, found: &mut BTreeSet<String>, depth: usize) {
    let calls = module.get("module_calls").and_then(Node::as_object).unwrap_or_default();
    for call in calls.iter().filter(|_| depth < DEPTH) {
        let source = call.node.get("source").and_then(Node::as_text);
        let local = source.filter(|source| source.starts_with('.'));
        if let (Some(source), Some(inner)) = (local, call.node.get("module")) {
            let directory = crate::input::arm::normal(&format!("{directory}/{source}"));
            called(inner, &directory, found, depth + 1);
            found.insert(directory);
        }
    }
}

/// The directory of a file, without `.` and, where it can be, without `..`.
pub fn directory(name: &str) -> String {
    let path = crate::input::arm::normal(name);
    path.rsplit_once('/')
        .map_or(String::new(), |(directory, _)| directory.to_owned())
}

/// Where the files of a module lie; `None` where it is not beside the root.
fn module_directory(root: &str, modules: &[Step], configuration: &Configuration<'_>) -> Option<String> {
    let mut directory = root.to_owned();
    for depth in 1..=modules.len() {
        let call = configuration.call(modules.get(..depth)?)?;
        let source = call
            .get("source")
            .and_then(Node::as_text)
            .filter(|source| source.starts_with('.'))?;
        directory = crate::input::arm::normal(&format!("{directory}/{source}"));
    }
    Some(directory)
}

fn span(range: Option<std::ops::Range<usize>>, base: usize) -> Option<Span> {
    range.map(|range| Span {
        start: base + range.start,
        end: base + range.end,
    })
}

/// The value of a block, where the block says it.
fn placed(value: &Value, block: &Block, base: usize) -> Value {
    let whole = span(block.span(), base).unwrap_or(value.span);
    let Some(members) = value.as_object() else {
        return value.moved(whole);
    };
    let member = |(name, member): &(Arc<str>, Value)| (name.clone(), placed_member(name, member, block, base, whole));
    Value::object(members.iter().map(member).collect()).at(whole)
}

fn placed_member(name: &str, value: &Value, block: &Block, base: usize, whole: Span) -> Value {
    let attribute = block
        .body
        .iter()
        .filter_map(Structure::as_attribute)
        .find(|attribute| attribute.key.as_str() == name);
    if let Some(attribute) = attribute {
        return value.moved(span(attribute.value.span(), base).unwrap_or(whole));
    }
    let inner: Vec<&Block> = block
        .body
        .iter()
        .filter_map(Structure::as_block)
        .filter(|inner| inner.ident.as_str() == name)
        .collect();
    match &value.kind {
        Kind::List(items) if items.len() == inner.len() => {
            let items = in_order(items, &inner);
            Value::from(
                items
                    .into_iter()
                    .map(|(item, inner)| placed(item, inner, base))
                    .collect::<Vec<_>>(),
            )
            .at(whole)
        }
        _ => value.moved(whole),
    }
}

/// Each item with its block. Sets are shown in an order of their own: names tell which block is which.
fn in_order<'a>(items: &'a [Value], blocks: &[&'a Block]) -> Vec<(&'a Value, &'a Block)> {
    let named = |block: &Block| {
        let attribute = block
            .body
            .iter()
            .filter_map(Structure::as_attribute)
            .find(|one| one.key.as_str() == "name")?;
        attribute.value.as_str().map(str::to_owned)
    };
    let by_name = |item: &Value| {
        let name = item.get("name").and_then(Value::as_text)?;
        blocks
            .iter()
            .find(|block| named(block).as_deref() == Some(&**name))
            .copied()
    };
    let pair = |(item, block): (&'a Value, &&'a Block)| (item, by_name(item).unwrap_or(*block));
    items.iter().zip(blocks).map(pair).collect()
}
