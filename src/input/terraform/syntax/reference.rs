//! What an expression refers to, without evaluating it.

use std::sync::Arc;

use super::{Expression, Kind, Part, Step, StepKind};

/// The first names of a reference: `var` and `ports` of `var.ports[0].from`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    pub root: Arc<str>,
    /// The names behind it, at most two.
    pub names: Vec<Arc<str>>,
}

/// The references of an expression in the order stated, but for names that a `for` within it binds.
pub fn references(expression: &Expression) -> Vec<Reference> {
    let mut walk = Walk {
        bound: Vec::new(),
        found: Vec::new(),
    };
    walk.expression(expression);
    walk.found
}

struct Walk {
    bound: Vec<Arc<str>>,
    found: Vec<Reference>,
}

impl Walk {
    fn expression(&mut self, one: &Expression) {
        match &one.kind {
            Kind::Broken | Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Text(_) => {}
            Kind::Variable(name) => self.reference(name, &[]),
            Kind::Template(parts) => self.parts(parts),
            Kind::Tuple(items) => items.iter().for_each(|item| self.expression(item)),
            Kind::Object(members) => members.iter().for_each(|(key, value)| {
                self.expression(key);
                self.expression(value);
            }),
            Kind::Traversal(root, steps) => self.traversal(root, steps),
            Kind::Unary(_, operand) => self.expression(operand),
            Kind::Binary(_, left, right) => [left, right].into_iter().for_each(|side| self.expression(side)),
            Kind::Conditional(condition, then, otherwise) => {
                [condition, then, otherwise]
                    .into_iter()
                    .for_each(|part| self.expression(part));
            }
            Kind::Call(call) => call.arguments.iter().for_each(|argument| self.expression(argument)),
            Kind::For(one) => {
                self.expression(&one.collection);
                let names = one.key.iter().chain([&one.value]);
                self.with(names.cloned().collect(), |walk| {
                    let inner = one.result_key.iter().chain([&one.result]).chain(&one.condition);
                    inner.for_each(|part| walk.expression(part));
                });
            }
        }
    }

    fn traversal(&mut self, root: &Expression, steps: &[Step]) {
        match &root.kind {
            Kind::Variable(name) => self.reference(name, steps),
            _ => self.expression(root),
        }
        for step in steps {
            if let StepKind::Index(index) = &step.kind {
                self.expression(index);
            }
        }
    }

    fn reference(&mut self, root: &Arc<str>, steps: &[Step]) {
        if self.bound.contains(root) {
            return;
        }
        let name = |step: &Step| match &step.kind {
            StepKind::Attribute(name) => Some(name.clone()),
            _ => None,
        };
        let is_key = |step: &&Step| matches!(step.kind, StepKind::Index(_) | StepKind::Position(_));
        let names = steps
            .iter()
            .filter(|step| !is_key(step))
            .map_while(name)
            .take(2)
            .collect();
        let reference = Reference {
            root: root.clone(),
            names,
        };
        if !self.found.contains(&reference) {
            self.found.push(reference);
        }
    }

    fn parts(&mut self, parts: &[Part]) {
        for part in parts {
            match part {
                Part::Literal(_) => {}
                Part::Interpolation(one) => self.expression(one),
                Part::If(condition, then, otherwise) => {
                    self.expression(condition);
                    self.parts(then);
                    self.parts(otherwise);
                }
                Part::For {
                    key,
                    value,
                    collection,
                    body,
                } => {
                    self.expression(collection);
                    let names = key.iter().chain([value]);
                    self.with(names.cloned().collect(), |walk| walk.parts(body));
                }
            }
        }
    }

    fn with(&mut self, names: Vec<Arc<str>>, run: impl FnOnce(&mut Self)) {
        let before = self.bound.len();
        self.bound.extend(names);
        run(self);
        self.bound.truncate(before);
    }
}
