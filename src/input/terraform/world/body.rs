//! The bodies of resources to attributes: blocks are lists of objects, and `dynamic` ones are made round by round.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use super::bridge::{located, open};
use super::module::{Each, Module};
use super::scope::Context;
use crate::input::arm::expression as arm;
use crate::input::terraform::language::{Environment, Fault, Members, Unknown, Value, evaluate, items, with_names};
use crate::input::terraform::syntax::{Block, Body, Expression};
use crate::syntax::Span;

/// What a resource says.
pub struct Attributes {
    /// With places; what is null is absent.
    pub placed: arm::Value,
    /// Attributes that are no blocks, with their types.
    pub plain: Members,
}

/// Arguments that are Terraform's own.
const META: &[&str] = &["count", "for_each", "provider", "depends_on"];
/// Attributes that are maps. In JSON any other object is a block that stands once.
const MAPS: &[&str] = &[
    "tags",
    "body",
    "sensitive_body",
    "triggers",
    "keepers",
    "input",
    "settings",
];
/// Blocks that are Terraform's own.
const META_BLOCKS: &[&str] = &["lifecycle", "provisioner", "connection", "timeouts"];

pub fn attributes(module: &Rc<Module<'_>>, block: &Block, each: &Each) -> Attributes {
    let context = Context { module, each };
    let environment = Environment {
        scope: &context,
        fuel: &module.root.fuel,
        file: 0,
        names: None,
    };
    let reader = Reader { module };
    let mut plain = Members::new();
    let mut members = Vec::new();
    let own = block
        .body
        .attributes
        .iter()
        .filter(|attribute| !META.contains(&&*attribute.name));
    for attribute in own {
        let value = reader.value(&attribute.value, &environment);
        if value.is_null() {
            continue;
        }
        let mut placed = located(&attribute.value, &value);
        let is_block = block.body.ambiguous && placed.as_object().is_some() && !MAPS.contains(&&*attribute.name);
        if is_block {
            let span = placed.span;
            placed = arm::Value::from(vec![placed]).at(span);
        } else {
            plain.insert(attribute.name.clone(), value);
        }
        members.push((attribute.name.clone(), placed));
    }
    let blocks: Vec<&Block> = block
        .body
        .blocks
        .iter()
        .filter(|one| !META_BLOCKS.contains(&&*one.kind))
        .collect();
    members.extend(reader.lists(&blocks, &environment));
    Attributes {
        placed: arm::Value::object(members).at(block.span),
        plain,
    }
}

struct Reader<'r, 'w> {
    module: &'r Rc<Module<'w>>,
}

impl Reader<'_, '_> {
    fn value(&self, expression: &Expression, environment: &Environment<'_>) -> Value {
        evaluate(expression, environment).unwrap_or_else(|fault| {
            self.module.root.refuse(&fault, expression.span);
            let symbol = format!("{}{}", self.module.address, expression.symbol());
            Unknown::new(fault.message, &symbol).into()
        })
    }

    fn told(&self, fault: Fault, span: Span) -> Value {
        self.module.root.refuse(&fault, span);
        Unknown::new(fault.message, &format!("{}@{}", self.module.address, span.start)).into()
    }

    /// Blocks of one kind are one list, in the order stated.
    fn lists(&self, blocks: &[&Block], environment: &Environment<'_>) -> Vec<(Arc<str>, arm::Value)> {
        let mut order: Vec<Arc<str>> = Vec::new();
        let mut lists: BTreeMap<Arc<str>, Vec<arm::Value>> = BTreeMap::new();
        for block in blocks {
            let (kind, made) = match (&*block.kind, block.labels.first()) {
                ("dynamic", Some(kind)) => (kind.clone(), self.rounds(block, kind, environment)),
                _ => (
                    block.kind.clone(),
                    vec![self.object(&block.body, block.span, environment)],
                ),
            };
            if !order.contains(&kind) {
                order.push(kind.clone());
            }
            lists.entry(kind).or_default().extend(made);
        }
        let list = |kind: Arc<str>| {
            let items = lists.remove(&kind).unwrap_or_default();
            let value = match items.as_slice() {
                [only] if only.as_unknown().is_some() => only.clone(),
                _ => {
                    let span = items.first().map_or(Span::default(), |first| first.span);
                    arm::Value::from(items).at(span)
                }
            };
            (kind, value)
        };
        order.into_iter().map(list).collect()
    }

    fn object(&self, body: &Body, span: Span, environment: &Environment<'_>) -> arm::Value {
        let mut members = Vec::new();
        for attribute in &body.attributes {
            let value = self.value(&attribute.value, environment);
            if !value.is_null() {
                members.push((attribute.name.clone(), located(&attribute.value, &value)));
            }
        }
        let blocks: Vec<&Block> = body.blocks.iter().collect();
        members.extend(self.lists(&blocks, environment));
        arm::Value::object(members).at(span)
    }

    /// The blocks that a `dynamic` one makes; one unknown where their number is open.
    fn rounds(&self, block: &Block, kind: &Arc<str>, environment: &Environment<'_>) -> Vec<arm::Value> {
        let Some(for_each) = block.body.attribute("for_each") else {
            let fault = Fault::new("a `dynamic` block takes `for_each`");
            let told = self.told(fault, block.head);
            return told
                .as_unknown()
                .map(|unknown| unknown_block(unknown, block.span))
                .into_iter()
                .collect();
        };
        let collection = self.value(&for_each.value, environment);
        let items = match items(&collection) {
            Ok(items) => items,
            Err(Ok(unknown)) => return vec![unknown_block(&unknown, block.span)],
            Err(Err(_)) if collection.is_null() => return Vec::new(),
            Err(Err(fault)) => {
                let told = self.told(fault, for_each.value.span);
                return told
                    .as_unknown()
                    .map(|unknown| unknown_block(unknown, block.span))
                    .into_iter()
                    .collect();
            }
        };
        let iterator = block
            .body
            .attribute("iterator")
            .and_then(|attribute| attribute.value.as_reference());
        let name = iterator.as_deref().and_then(<[Arc<str>]>::first).unwrap_or(kind);
        let Some(content) = block.body.blocks_of("content").next() else {
            return Vec::new();
        };
        let round = |(key, value): (Value, Value)| {
            let members = [
                (Arc::from("key"), key),
                (Arc::from("value"), value.marked(items.sensitive)),
            ];
            let each = Value::object(members.into_iter().collect());
            with_names(environment, None, name, (Value::null(), each), |inner| {
                self.object(&content.body, content.span, inner)
            })
        };
        items.pairs.into_iter().map(round).collect()
    }
}

fn unknown_block(unknown: &Unknown, span: Span) -> arm::Value {
    arm::Value::from(open(&unknown.clone().inexact())).at(span)
}
