//! One use of a configuration: the root, or a call of a module in one of its rounds. Names are looked up here, and each
//! is evaluated once.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use super::Root;
use super::path::{join, relative};
use super::resource::{Expanded, Shape};
use super::scope::Context;
use crate::input::azurerm::{Instance, Whole};
use crate::input::terraform::Said;
use crate::input::terraform::configuration::{Call, Configuration, Variable, constant};
use crate::input::terraform::language::{Environment, Fault, Members, Type, Unknown, Value, convert, evaluate};
use crate::input::terraform::syntax::{Attribute, Expression, parse_expression};
use crate::source::Diagnostic;
use crate::syntax::Span;

/// What `each` and `count` are in one round.
#[derive(Clone, Default)]
pub struct Each {
    pub key: Option<Value>,
    pub value: Option<Value>,
    pub index: Option<Value>,
}

pub struct Caller<'w> {
    pub module: Rc<Module<'w>>,
    pub call: &'w Call,
    pub each: Each,
}

impl Caller<'_> {
    /// What the call gives a variable, and where; unknown where the text of the call cannot be read.
    fn argument(&self, name: &str) -> Option<Result<(Value, Span), Fault>> {
        let block = &self.call.block;
        if let Some(attribute) = block.body.attribute(name) {
            let value = self.module.evaluate(&attribute.value, &self.each);
            return Some(value.map(|value| (value, attribute.value.span)));
        }
        let address = format!("{}module.{}", self.module.address, self.call.name);
        let unread = super::resource::unread(block, &address)?;
        Some(Ok((Value::from(unread.part(&format!(".{name}"))), block.head)))
    }
}

pub struct Module<'w> {
    pub root: &'w Root<'w>,
    pub configuration: &'w Configuration,
    /// Ends with a dot, such as `module.net["a"].`; empty for the root.
    pub address: Arc<str>,
    pub caller: Option<Caller<'w>>,
    pub whole: Whole,
    /// Why it may not be called at all.
    pub perhaps: Option<Unknown>,
    depth: usize,
    memo: RefCell<HashMap<(Kind, Arc<str>), Memo>>,
    pub resources: RefCell<HashMap<usize, Option<Rc<Expanded>>>>,
    children: RefCell<HashMap<usize, Option<Rc<Children<'w>>>>>,
}

/// The rounds of a module call.
pub struct Children<'w> {
    pub shape: Shape,
    pub all: Vec<(Option<Value>, Rc<Module<'w>>)>,
    /// The module itself was not read.
    pub absent: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    Variable,
    Local,
    Output,
}

enum Memo {
    Busy,
    Done(Result<Value, Fault>),
}

/// Deepest nesting of a value.
const DEEPEST: usize = 512;
/// Deepest nesting of module calls.
const DEPTH: usize = 24;

impl<'w> Module<'w> {
    pub fn root(root: &'w Root<'w>, configuration: &'w Configuration, whole: Whole) -> Module<'w> {
        Module {
            root,
            configuration,
            address: Arc::from(""),
            caller: None,
            whole,
            perhaps: None,
            depth: 0,
            memo: RefCell::default(),
            resources: RefCell::default(),
            children: RefCell::default(),
        }
    }

    /// The value of an expression of this module; what has none is told, and unknown.
    pub fn value(self: &Rc<Self>, expression: &Expression, each: &Each) -> Value {
        self.evaluate(expression, each).unwrap_or_else(|fault| {
            self.root.refuse(&fault, expression.span);
            let symbol = format!("{}{}", self.address, expression.symbol());
            Unknown::new(fault.message, &symbol).into()
        })
    }

    pub fn evaluate(self: &Rc<Self>, expression: &Expression, each: &Each) -> Result<Value, Fault> {
        let context = Context { module: self, each };
        let environment = Environment {
            scope: &context,
            fuel: &self.root.fuel,
            file: 0,
            names: None,
        };
        evaluate(expression, &environment)
    }

    /// Evaluates once; a value that needs itself has none.
    fn once(&self, kind: Kind, name: &Arc<str>, run: impl FnOnce() -> Result<Value, Fault>) -> Result<Value, Fault> {
        let key = (kind, name.clone());
        match self.memo.borrow().get(&key) {
            Some(Memo::Done(outcome)) => return outcome.clone(),
            Some(Memo::Busy) => return Err(Fault::new(format!("`{name}` refers to itself"))),
            None => {}
        }
        self.memo.borrow_mut().insert(key.clone(), Memo::Busy);
        let outcome = self.root.fuel.deeper(run).and_then(|value| {
            self.root.fuel.burn(value.weight())?;
            match value.is_deeper(DEEPEST) {
                true => Err(Fault::new(format!(
                    "the value of `{name}` is nested deeper than {DEEPEST} levels"
                ))),
                false => Ok(value),
            }
        });
        self.memo.borrow_mut().insert(key, Memo::Done(outcome.clone()));
        outcome
    }

    pub fn local(self: &Rc<Self>, name: &Arc<str>) -> Result<Value, Fault> {
        let Some(expression) = self.configuration.locals.get(name) else {
            return Err(Fault::new(format!("there is no local value `{name}`")));
        };
        self.once(Kind::Local, name, || self.evaluate(expression, &Each::default()))
    }

    pub fn output(self: &Rc<Self>, name: &Arc<str>) -> Result<Value, Fault> {
        let Some(output) = self.configuration.outputs.get(name) else {
            return Err(Fault::new(format!("the module has no output `{name}`")));
        };
        let value = self.once(Kind::Output, name, || match &output.value {
            Some(expression) => self.evaluate(expression, &Each::default()),
            None => Ok(Value::null()),
        })?;
        Ok(value.marked(output.sensitive))
    }

    /// All outputs; one that has no value is unknown.
    pub fn outputs(self: &Rc<Self>) -> Value {
        let mut members = Members::new();
        for name in self.configuration.outputs.keys() {
            let value = self.output(name).unwrap_or_else(|fault| {
                let symbol = format!("{}{name}", self.address);
                Unknown::new(fault.message, &symbol).into()
            });
            members.insert(name.clone(), value);
        }
        Value::object(members)
    }

    pub fn variable(self: &Rc<Self>, name: &Arc<str>) -> Result<Value, Fault> {
        let Some(variable) = self.configuration.variables.get(name) else {
            return Err(Fault::new(format!("there is no variable `{name}`")));
        };
        let value = self.once(Kind::Variable, name, || self.given(name, variable))?;
        Ok(value.marked(variable.sensitive))
    }

    fn given(self: &Rc<Self>, name: &Arc<str>, variable: &Variable) -> Result<Value, Fault> {
        let stated = match &self.caller {
            Some(caller) => caller.argument(name),
            None => self.outside_value(name, variable),
        };
        let stated = stated.transpose()?;
        if let Some((value, span)) = stated
            && (!value.is_null() || variable.nullable)
        {
            let why = |why: String| Fault::new(format!("the value of `{name}`: {why}")).at(0, span);
            return convert(&value, &variable.kind).map_err(why);
        }
        match &variable.default {
            Some(default) => {
                let value = constant(default).map_err(|fault| fault.at(0, default.span))?;
                let why = |why: String| Fault::new(format!("the default of `{name}`: {why}")).at(0, default.span);
                convert(&value, &variable.kind).map_err(why)
            }
            None => {
                let why = format!("variable `{}{name}` has no value", self.address);
                Ok(Unknown::new(why, &format!("{}var.{name}", self.address)).into())
            }
        }
    }

    /// From `--var`, from files named by the user, and from those that Terraform reads by itself.
    fn outside_value(&self, name: &Arc<str>, variable: &Variable) -> Option<Result<(Value, Span), Fault>> {
        let world = self.root.world;
        if let Some((_, text)) = world.texts.iter().rev().find(|(known, _)| **known == **name) {
            return Some(typed(text, variable).map(|value| (value, variable.span)));
        }
        let attribute = self.stated_outside(name)?;
        Some(constant(&attribute.value).map(|value| (value, attribute.value.span)))
    }

    /// The statement of a file that gives a variable of the root its value: of those named by the user, else of those that
    /// Terraform reads by itself.
    pub fn stated_outside(&self, name: &str) -> Option<&'w Attribute> {
        let last = |all: &'w [Attribute]| all.iter().rev().find(|attribute| &*attribute.name == name);
        last(self.root.world.values).or_else(|| last(&self.configuration.given))
    }

    /// The rounds of a call, made when they are first asked for.
    pub fn called(self: &Rc<Self>, at: usize) -> Result<Rc<Children<'w>>, Fault> {
        match self.children.borrow().get(&at) {
            Some(Some(children)) => return Ok(children.clone()),
            Some(None) => return Err(Fault::new("the call refers to itself")),
            None => {}
        }
        let Some(call) = self.configuration.calls.get(at) else {
            return Err(Fault::new("there is no such module"));
        };
        self.children.borrow_mut().insert(at, None);
        let children = Rc::new(self.make(call));
        self.children.borrow_mut().insert(at, Some(children.clone()));
        Ok(children)
    }

    fn make(self: &Rc<Self>, call: &'w Call) -> Children<'w> {
        let Some(configuration) = self.find(call) else {
            return Children {
                shape: Shape::Single,
                all: Vec::new(),
                absent: true,
            };
        };
        let address = format!("{}module.{}", self.address, call.name);
        let rounds = super::resource::rounds(self, &call.block, &address);
        let torn = super::resource::unread(&call.block, &address);
        let perhaps = match &rounds.shape {
            _ if torn.is_some() => torn,
            Shape::Open(unknown) => Some(unknown.clone()),
            _ => self.perhaps.clone(),
        };
        let all = rounds.all.into_iter().map(|(key, each)| {
            let suffix = super::resource::suffix(key.as_ref());
            let module = Module {
                root: self.root,
                configuration,
                address: Arc::from(format!("{}module.{}{suffix}.", self.address, call.name)),
                caller: Some(Caller {
                    module: self.clone(),
                    call,
                    each,
                }),
                whole: self.whole,
                perhaps: perhaps.clone(),
                depth: self.depth + 1,
                memo: RefCell::default(),
                resources: RefCell::default(),
                children: RefCell::default(),
            };
            (key, Rc::new(module))
        });
        Children {
            all: all.collect(),
            shape: rounds.shape,
            absent: false,
        }
    }

    /// The directory that a call names; what is not among the inputs is told.
    fn find(&self, call: &Call) -> Option<&'w Configuration> {
        let span = call
            .block
            .body
            .attribute("source")
            .map_or(call.block.head, |source| source.value.span);
        let tell = |code: &str, message: String, help: &str| {
            self.root
                .tell(Said::lost(span, Diagnostic::error(code, message).help(help)));
        };
        let Some(source) = call.source() else {
            tell(
                "module-source",
                format!("`source` of the module `{}` is no text", call.name),
                "write it out",
            );
            return None;
        };
        if self.depth >= DEPTH {
            let message = format!("modules are nested deeper than {DEPTH}, or call each other in a circle");
            tell(
                "module-cycle",
                message,
                "break the circle; what it would make was not judged",
            );
            return None;
        }
        let world = self.root.world;
        let directory = match is_local(source) {
            true => join(&self.configuration.directory, source),
            false => {
                let names = self.names(&call.name);
                match world.downloaded.get(&(self.root.directory.to_owned(), names)) {
                    Some(module) if !module.suits(source, call.version().map(|version| &**version)) => {
                        let message = format!(
                            "the module `{source}` was downloaded as {}, which is not what is asked for here",
                            module.shown()
                        );
                        let help = "run `terraform init` again; what the module makes was not judged";
                        tell("module-not-read", message, help);
                        return None;
                    }
                    Some(module) => module.directory.clone(),
                    None => {
                        let message = format!("the module `{source}` is not among the inputs");
                        let help = "run `terraform init` or `terraform get` and scan the directory again, or scan the plan as JSON";
                        tell("module-not-read", message, help);
                        return None;
                    }
                }
            }
        };
        self.root.uses(&self.configuration.directory, &directory);
        let found = world.configurations.get(&directory);
        if found.is_none() {
            let message = format!(
                "the module `{source}` is not among the inputs: `{directory}` holds no Terraform that was read"
            );
            tell(
                "module-not-read",
                message,
                "scan the directory that holds both; its outputs are unknown",
            );
        }
        found
    }

    /// The calls on the way here, as `modules.json` names them.
    fn names(&self, last: &str) -> String {
        match &self.caller {
            Some(caller) => format!("{}.{last}", caller.module.names(&caller.call.name)),
            None => last.to_owned(),
        }
    }

    pub fn path(&self) -> String {
        relative(self.root.directory, &self.configuration.directory)
    }

    /// The instances of everything in it and below.
    pub fn collect(self: &Rc<Self>, out: &mut Vec<Instance>) {
        for (at, resource) in self.configuration.resources.iter().enumerate() {
            if resource.data {
                continue;
            }
            match self.expanded(at) {
                Ok(expanded) => out.extend(expanded.all.iter().map(|round| round.instance.clone())),
                Err(fault) => self.root.refuse(&fault, resource.block.head),
            }
        }
        for at in 0..self.configuration.calls.len() {
            let Ok(children) = self.called(at) else { continue };
            for (_, child) in &children.all {
                child.collect(out);
            }
        }
    }
}

pub fn is_local(source: &str) -> bool {
    ["./", "../"].iter().any(|start| source.starts_with(start)) || source == "." || source == ".."
}

/// `--var`: a text stands for itself where the variable takes one; else it is an expression.
fn typed(text: &str, variable: &Variable) -> Result<Value, Fault> {
    match variable.kind {
        Type::Any | Type::Text | Type::Number | Type::Bool => Ok(Value::from(text)),
        _ => {
            let expression =
                parse_expression(text).map_err(|error| Fault::new(format!("`--var`: {}", error.message)))?;
            constant(&expression)
        }
    }
}
