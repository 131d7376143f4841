//! Where else a statement comes from: the calls of its module, and where the values of variables are given. Only places
//! are followed, never values.

use std::rc::Rc;
use std::sync::Arc;

use super::module::Module;
use crate::input::azurerm::Related;
use crate::input::terraform::syntax::{Block, Body, Expression, Reference, references};
use crate::syntax::Span;

/// Ends of the names of arguments whose values open or close anything.
const TELLING: &[&str] = &[
    "access",
    "action",
    "address",
    "addresses",
    "count",
    "direction",
    "for_each",
    "port",
    "ports",
    "prefix",
    "prefixes",
    "priority",
    "protocol",
    "protocols",
    "range",
    "ranges",
    "security_rule",
];

/// Steps from one name to the next, and places of one statement.
const STEPS: usize = 8;
const PLACES: usize = 12;

/// The calls that lead to a module, the nearest first, and what the arguments of a block take from elsewhere.
pub fn related(module: &Rc<Module<'_>>, block: &Block) -> Arc<[Related]> {
    let mut found = Vec::new();
    let mut inner = module;
    while let Some(caller) = &inner.caller {
        found.push(Related {
            of: block.span,
            label: "module call",
            what: format!("module `{}`", caller.call.name),
            span: caller.call.block.head,
        });
        inner = &caller.module;
    }
    let calls = found.len();
    let mut trail = Trail { block, found };
    trail.body(module, &block.body, block.span, &[]);
    trail.found.truncate(calls + PLACES);
    trail.found.into()
}

struct Trail<'b> {
    /// The resource, whose `count` and `for_each` the names `count` and `each` stand for.
    block: &'b Block,
    found: Vec<Related>,
}

/// An iterator of a `dynamic` block, and what it goes over.
type Rounds<'b> = (Arc<str>, &'b Expression);

impl<'b> Trail<'b> {
    fn body(&mut self, module: &Rc<Module<'_>>, body: &'b Body, of: Span, iterators: &[Rounds<'b>]) {
        let tells = |name: &str| {
            TELLING.iter().any(|end| {
                name.strip_suffix(end)
                    .is_some_and(|start| start.is_empty() || start.ends_with('_'))
            })
        };
        for attribute in body.attributes.iter().filter(|attribute| tells(&attribute.name)) {
            self.expression(module, &attribute.value, of, iterators);
        }
        for inner in &body.blocks {
            let for_each = inner.body.attribute("for_each").filter(|_| &*inner.kind == "dynamic");
            let mut iterators = iterators.to_vec();
            iterators.extend(for_each.map(|for_each| (iterator(inner), &for_each.value)));
            self.body(module, &inner.body, inner.span, &iterators);
        }
    }

    fn expression(&mut self, module: &Rc<Module<'_>>, expression: &'b Expression, of: Span, iterators: &[Rounds<'b>]) {
        for reference in references(expression) {
            let rounds = iterators.iter().rev().find(|(name, _)| *name == reference.root);
            match (&*reference.root, rounds) {
                (_, Some((_, collection))) => {
                    // What is around an iterator is told with the block that it makes.
                    self.follow_all(module, collection, of);
                }
                ("each" | "count", None) => {
                    let name = if &*reference.root == "each" {
                        "for_each"
                    } else {
                        "count"
                    };
                    if let Some(attribute) = self.block.body.attribute(name) {
                        self.follow_all(module, &attribute.value, of);
                    }
                }
                _ => self.follow(module, &reference, of, 0),
            }
        }
    }

    fn follow_all(&mut self, module: &Rc<Module<'_>>, expression: &Expression, of: Span) {
        for reference in references(expression) {
            self.follow(module, &reference, of, 0);
        }
    }

    fn follow(&mut self, module: &Rc<Module<'_>>, reference: &Reference, of: Span, steps: usize) {
        if steps == STEPS || self.found.len() > 4 * PLACES {
            return;
        }
        let Some(name) = reference.names.first() else { return };
        match &*reference.root {
            "var" => self.variable(module, name, of, steps),
            "local" => {
                if let Some(local) = module.configuration.locals.get(name) {
                    self.place(of, format!("`local.{name}`"), local.span);
                    self.all(module, local, of, steps + 1);
                }
            }
            "module" => self.output(module, name, reference.names.get(1), of, steps),
            _ => {}
        }
    }

    fn all(&mut self, module: &Rc<Module<'_>>, expression: &Expression, of: Span, steps: usize) {
        for reference in references(expression) {
            self.follow(module, &reference, of, steps);
        }
    }

    /// What the caller gives, or the value from outside, or the default.
    fn variable(&mut self, module: &Rc<Module<'_>>, name: &Arc<str>, of: Span, steps: usize) {
        let Some(variable) = module.configuration.variables.get(name) else {
            return;
        };
        let shown = format!("`var.{name}`");
        let default = || variable.default.as_ref().map(|default| default.span);
        match &module.caller {
            Some(caller) => match caller.call.block.body.attribute(name) {
                Some(argument) => {
                    self.place(of, shown, argument.value.span);
                    self.all(&caller.module, &argument.value, of, steps + 1);
                }
                None => self.place_if(of, shown, default()),
            },
            None => {
                let given = module.stated_outside(name).map(|attribute| attribute.value.span);
                self.place_if(of, shown, given.or_else(default));
            }
        }
    }

    fn output(&mut self, module: &Rc<Module<'_>>, call: &str, output: Option<&Arc<str>>, of: Span, steps: usize) {
        let at = module.configuration.calls.iter().position(|one| &*one.name == call);
        let Some(children) = at.and_then(|at| module.called(at).ok()) else {
            return;
        };
        let Some((_, child)) = children.all.first() else { return };
        let stated = output.and_then(|name| child.configuration.outputs.get(name)?.value.as_ref());
        if let (Some(name), Some(value)) = (output, stated) {
            self.place(of, format!("`module.{call}.{name}`"), value.span);
            self.all(child, value, of, steps + 1);
        }
    }

    fn place_if(&mut self, of: Span, what: String, span: Option<Span>) {
        if let Some(span) = span {
            self.place(of, what, span);
        }
    }

    fn place(&mut self, of: Span, what: String, span: Span) {
        if !self.found.iter().any(|known| known.of == of && known.span == span) {
            self.found.push(Related {
                of,
                label: "value",
                what,
                span,
            });
        }
    }
}

/// The name that a `dynamic` block gives to what it goes over.
fn iterator(block: &Block) -> Arc<str> {
    let stated = block
        .body
        .attribute("iterator")
        .and_then(|attribute| attribute.value.as_reference());
    let stated = stated.and_then(|names| names.first().cloned());
    stated
        .or_else(|| block.labels.first().cloned())
        .unwrap_or_else(|| Arc::from(""))
}
