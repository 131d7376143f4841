//! What names mean where an expression stands: variables, locals, modules, resources, and files.

use std::rc::Rc;
use std::sync::Arc;

use super::Use;
use super::module::{Each, Module};
use super::path::join;
use super::resource::{Shape, whole};
use crate::input::terraform::language::{Environment, Fault, Scope, Unknown, Unread, Value, evaluate, index};
use crate::input::terraform::syntax::{Step, StepKind};
use crate::input::yaml::{Node, Source};

/// A module, and the round that an expression stands in.
pub struct Context<'c, 'w> {
    pub module: &'c Rc<Module<'w>>,
    pub each: &'c Each,
}

type Found = Result<(Value, usize), Fault>;

fn named(steps: &[Step], at: usize) -> Option<&Arc<str>> {
    match &steps.get(at)?.kind {
        StepKind::Attribute(name) => Some(name),
        _ => None,
    }
}

impl Scope for Context<'_, '_> {
    fn resolve(&self, root: &str, steps: &[Step], environment: &Environment<'_>) -> Found {
        let name =
            |what: &str| named(steps, 0).ok_or_else(|| Fault::new(format!("`{root}` takes a name: `{root}.{what}`")));
        match root {
            "var" => Ok((self.module.variable(name("name")?)?, 1)),
            "local" => Ok((self.module.local(name("name")?)?, 1)),
            "each" | "count" => self.round(root, name("key")?),
            "path" => self.path(name("module")?),
            "terraform" => self.terraform(name("workspace")?),
            "module" => self.called(name("name")?, steps, environment),
            "data" | "ephemeral" => self.resource(true, name("type")?, steps, 1, environment),
            "self" => Ok((
                Unknown::new("`self` is known only when it is deployed", "self").into(),
                0,
            )),
            _ => self.resource(false, &Arc::from(root), steps, 0, environment),
        }
    }

    /// Paths are seen from the root module's directory, where Terraform runs.
    fn file(&self, path: &str) -> Result<Arc<str>, Unread> {
        let name = join(self.module.root.directory, path);
        self.module.root.uses(&self.module.configuration.directory, &name);
        let library = self.module.root.world.library;
        let Some(bytes) = library.and_then(|library| library.content(&name)) else {
            return Err(Unread::NotGiven(format!("the file `{name}` is not among the inputs")));
        };
        let text: Arc<str> = String::from_utf8(bytes)
            .map(Arc::from)
            .map_err(|_| Unread::Fault(format!("the file `{name}` is not UTF-8")))?;
        self.module
            .root
            .opened
            .borrow_mut()
            .extend(Source::new(&name, text.clone()));
        Ok(text)
    }

    fn files_below(&self, path: &str) -> Result<Vec<String>, Unread> {
        let directory = join(self.module.root.directory, path);
        let start = if directory.is_empty() {
            String::new()
        } else {
            format!("{directory}/")
        };
        self.module.root.uses.borrow_mut().push(Use::Listing {
            from: self.module.configuration.directory.clone(),
            below: directory.clone(),
        });
        let names = self.module.root.world.names.iter();
        let below: Vec<String> = names
            .filter_map(|name| name.strip_prefix(&start).map(str::to_owned))
            .collect();
        match below.is_empty() {
            true => Err(Unread::NotGiven(format!("`{directory}` is not among the inputs"))),
            false => Ok(below),
        }
    }

    fn decoded(&self, text: &Arc<str>, values: &Node) {
        let mut opened = self.module.root.opened.borrow_mut();
        if let Some(source) = opened.iter_mut().find(|source| source.is(text)) {
            source.note(values);
        }
    }
}

impl Context<'_, '_> {
    fn round(&self, root: &str, name: &str) -> Found {
        let value = match (root, name) {
            ("each", "key") => &self.each.key,
            ("each", "value") => &self.each.value,
            ("count", "index") => &self.each.index,
            _ => &None,
        };
        let missing = || Fault::new(format!("`{root}.{name}` has no value here"));
        value.clone().map(|value| (value, 1)).ok_or_else(missing)
    }

    fn path(&self, name: &str) -> Found {
        let value = match name {
            "module" => Value::from(self.module.path()),
            "root" => Value::from("."),
            _ => Unknown::new(
                "the working directory is not in the configuration",
                &format!("path.{name}"),
            )
            .into(),
        };
        Ok((value, 1))
    }

    fn terraform(&self, name: &str) -> Found {
        let wanted = format!("terraform.{name}");
        let given = self
            .module
            .root
            .world
            .texts
            .iter()
            .rev()
            .find(|(known, _)| *known == wanted);
        let value = match given {
            Some((_, text)) => Value::from(text.as_str()),
            None => {
                let why = format!("`{wanted}` is not in the configuration; name it with `--var {wanted}=NAME`");
                Unknown::new(why, &wanted).into()
            }
        };
        Ok((value, 1))
    }

    /// Only the output that is asked for is evaluated, since modules may need each other's.
    fn called(&self, name: &Arc<str>, steps: &[Step], environment: &Environment<'_>) -> Found {
        let at = self
            .module
            .configuration
            .calls
            .iter()
            .position(|call| call.name == *name);
        let at = at.ok_or_else(|| Fault::new(format!("there is no module `{name}`")))?;
        let children = self.module.called(at)?;
        let address = format!("{}module.{name}", self.module.address);
        if children.absent {
            let source = self
                .module
                .configuration
                .calls
                .get(at)
                .and_then(|call| call.source().cloned());
            let shown = source.as_deref().unwrap_or(name).to_owned();
            return Ok((
                Unknown::new(format!("the module `{shown}` was not read"), &address).into(),
                1,
            ));
        }
        let output = |child: &Rc<Module<'_>>, at: usize| match named(steps, at) {
            Some(output) => child.output(output).map(|value| (value, at + 1)),
            None => Ok((child.outputs(), at)),
        };
        match (&children.shape, steps.get(1).map(|step| &step.kind)) {
            (Shape::Single, _) => match children.all.first() {
                Some((_, child)) => output(child, 1),
                None => Err(Fault::new("there is no such module")),
            },
            (_, Some(StepKind::Index(key))) => {
                let key = evaluate(key, environment)?;
                match pick(&children.shape, &children.all, &key) {
                    Some((_, child)) => output(child, 2),
                    None => self.every(&children.shape, &address, &children.all, &key),
                }
            }
            (Shape::Count, Some(StepKind::FullSplat | StepKind::AttributeSplat)) if named(steps, 2).is_some() => {
                let only = |child: &Rc<Module<'_>>| match named(steps, 2) {
                    Some(name) => {
                        let asked = [(name.clone(), child.output(name)?)];
                        Ok(Value::object(asked.into_iter().collect()))
                    }
                    None => Ok(child.outputs()),
                };
                let all: Result<Vec<Value>, Fault> = children.all.iter().map(|(_, child)| only(child)).collect();
                Ok((Value::tuple(all?), 1))
            }
            (shape, _) => {
                let all = children.all.iter().map(|(key, child)| (key.clone(), child.outputs()));
                Ok((whole(shape, &address, all), 1))
            }
        }
    }

    /// An index that no round has, or that is unknown.
    fn every(&self, shape: &Shape, address: &str, all: &[(Option<Value>, Rc<Module<'_>>)], key: &Value) -> Found {
        let all = all.iter().map(|(key, child)| (key.clone(), child.outputs()));
        Ok((index(&whole(shape, address, all), key)?, 2))
    }

    fn resource(&self, data: bool, kind: &Arc<str>, steps: &[Step], at: usize, environment: &Environment<'_>) -> Found {
        let prefix = if data { "data." } else { "" };
        let Some(name) = named(steps, at) else {
            return Err(Fault::new(format!("there is nothing called `{kind}` here")));
        };
        let address = format!("{prefix}{kind}.{name}");
        let Some(found) = self.module.configuration.resource(data, kind, name) else {
            return Err(Fault::new(format!("there is no `{address}` in this module")));
        };
        let expanded = self.module.expanded(found)?;
        // Of a resource that may not exist its one instance is found by any index.
        if let (Shape::Open(_), Some(StepKind::Index(_) | StepKind::Position(_)), Some(only)) = (
            &expanded.shape,
            steps.get(at + 1).map(|step| &step.kind),
            expanded.all.first(),
        ) {
            if let Some(StepKind::Index(key)) = steps.get(at + 1).map(|step| &step.kind) {
                evaluate(key, environment)?;
            }
            return Ok((only.value.clone(), at + 2));
        }
        if let (Shape::Count | Shape::Each, Some(StepKind::Index(key))) =
            (&expanded.shape, steps.get(at + 1).map(|step| &step.kind))
        {
            let key = evaluate(key, environment)?;
            let found = expanded
                .all
                .iter()
                .find(|round| round.key.as_ref().is_some_and(|known| agree(known, &key)));
            if let Some(round) = found {
                return Ok((round.value.clone(), at + 2));
            }
        }
        environment.fuel.burn(expanded.all.len() as u64)?;
        let address = format!("{}{address}", self.module.address);
        let all = expanded
            .all
            .iter()
            .map(|round| (round.key.clone(), round.value.clone()));
        Ok((whole(&expanded.shape, &address, all), at + 1))
    }
}

/// The round that a key names; the only one there is, where it is open how many there are.
fn pick<'c, T>(shape: &Shape, all: &'c [(Option<Value>, T)], key: &Value) -> Option<&'c (Option<Value>, T)> {
    match shape {
        Shape::Open(_) => all.first(),
        _ => all
            .iter()
            .find(|(known, _)| known.as_ref().is_some_and(|known| agree(known, key))),
    }
}

/// `0` and `"0"` are the same key.
fn agree(known: &Value, key: &Value) -> bool {
    known.same(key) == Some(true) || (key.as_unknown().is_none() && known.symbol() == key.symbol())
}
