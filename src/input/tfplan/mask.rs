//! Values as plans and states show them: with what is unknown until the plan is applied, and without what is sensitive.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use crate::input::arm::expression::{Unknown, Value};
use crate::syntax::{Node, Value as Json};

/// What stands beside the values of one resource.
pub struct Masks<'n, 't> {
    pub address: &'n str,
    /// `true` wherever a value is known only when the plan is applied.
    pub unknown: Option<&'n Node<'t>>,
    /// `true` wherever a value is sensitive.
    pub sensitive: Option<&'n Node<'t>>,
    pub secrets: &'n Secrets,
}

/// Stand-ins for sensitive values: equal ones have equal names, which tell nothing of them.
#[derive(Default)]
pub struct Secrets {
    seen: RefCell<HashMap<String, usize>>,
}

impl Secrets {
    /// The stand-in; what it stands for is kept only as a digest.
    fn stand_in(&self, node: &Node<'_>, path: &str) -> Value {
        let shown = Value::literal(node).json();
        let digest = crate::input::arm::expression::digest(&shown);
        let mut seen = self.seen.borrow_mut();
        let next = seen.len() + 1;
        let number = *seen.entry(digest).or_insert(next);
        let text = format!("`{path}` is marked as sensitive, and is not looked at");
        Value::unknown(text, &format!("{{sensitive-{number}}}")).at(node.span)
    }
}

/// The values of a resource.
pub fn values(node: &Node<'_>, masks: &Masks<'_, '_>) -> Value {
    value(node, masks.unknown, masks.sensitive, masks, "", 0)
}

/// Deeper than any attribute of the table.
const DEPTH: usize = 64;

fn is_true(mask: Option<&Node<'_>>) -> bool {
    mask.is_some_and(|mask| mask.value == Json::Bool(true))
}

fn value(
    node: &Node<'_>,
    unknown: Option<&Node<'_>>,
    sensitive: Option<&Node<'_>>,
    masks: &Masks<'_, '_>,
    path: &str,
    depth: usize,
) -> Value {
    if is_true(unknown) || depth > DEPTH {
        return open(masks, path).at(node.span);
    }
    if is_true(sensitive) && node.value != Json::Null {
        return masks.secrets.stand_in(node, path);
    }
    let inner = |name: &str| {
        if path.is_empty() {
            name.to_owned()
        } else {
            format!("{path}.{name}")
        }
    };
    match &node.value {
        Json::Object(members) => {
            let member = |name: &str, node: &Node<'_>| {
                let unknown = unknown.and_then(|mask| mask.get(name));
                let sensitive = sensitive.and_then(|mask| mask.get(name));
                value(node, unknown, sensitive, masks, &inner(name), depth + 1)
            };
            let mut made: Vec<(Arc<str>, Value)> = members
                .iter()
                .map(|one| (Arc::from(&*one.name), member(&one.name, &one.node)))
                .collect();
            for absent in unknown.and_then(Node::as_object).unwrap_or_default() {
                if is_true(Some(&absent.node)) && node.get(&absent.name).is_none() {
                    made.push((
                        Arc::from(&*absent.name),
                        open(masks, &inner(&absent.name)).at(node.span),
                    ));
                }
            }
            Value::object(made).at(node.span)
        }
        Json::List(items) => {
            let item = |(at, item): (usize, &Node<'_>)| {
                let unknown = unknown.and_then(Node::as_list).and_then(|items| items.get(at));
                let sensitive = sensitive.and_then(Node::as_list).and_then(|items| items.get(at));
                value(item, unknown, sensitive, masks, &inner(&at.to_string()), depth + 1)
            };
            Value::from(items.iter().enumerate().map(item).collect::<Vec<_>>()).at(node.span)
        }
        _ => Value::literal(node),
    }
}

fn open(masks: &Masks<'_, '_>, path: &str) -> Value {
    let address = masks.address;
    let text = format!("`{path}` of `{address}` is known only when the plan is applied");
    let symbol = format!("{{{address}.{path}}}").replace('/', "|");
    Unknown::new(text, &symbol).into()
}
