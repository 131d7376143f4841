//! One deployment of one template while it is evaluated: its parameters, variables, functions and loops.
//! Must not know what resources mean.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;
use std::sync::Arc;

use super::deployment::Deployment;
use super::expression::{self, Context, Fault, Fuel, Kind, Step, Value, digest, evaluate, parse};
use super::lower::Lowering;
use super::reference::Index;
use super::related::Asked;
use super::scope::{self, Scope};
use crate::syntax::{Node, Span, Value as Json};

/// Values by name, with the parameters that each comes from; `None` while one is evaluated.
type Memo = RefCell<HashMap<String, Option<(Value, Rc<[Asked]>)>>>;

/// The value that a deployment gives a parameter, and the place that says it.
#[derive(Clone, Debug)]
pub struct Given {
    pub value: Value,
    pub file: usize,
    pub span: Span,
}

/// A template with the values it is deployed with.
pub struct Frame<'w> {
    /// Index of the file whose text the template's spans lie in.
    pub file: usize,
    pub template: &'w Node<'w>,
    /// Values given from outside, by name in lower case.
    pub given: HashMap<String, Given>,
    pub scope: Scope,
    /// The name of the deployment.
    pub name: Value,
    /// Nested deployments by name, symbol and id, in lower case.
    pub deployments: RefCell<HashMap<String, Rc<Deployment<'w>>>>,
    /// How many templates lie around this one.
    pub depth: u32,
    /// Parameters that took their defaults, and those without value.
    pub defaulted: RefCell<BTreeSet<String>>,
    pub open: RefCell<BTreeSet<String>>,
    /// Resources by id, once they have been asked for.
    pub index: RefCell<Option<Index<'w>>>,
    /// Members of declared resources that were asked for; `None` while they are evaluated.
    pub declared: RefCell<HashMap<String, Option<Value>>>,
    /// The files of the templates around, from the outermost.
    pub around: Vec<usize>,
    parameters: Memo,
    variables: Memo,
    calls: Cell<u32>,
}

impl<'w> Frame<'w> {
    pub fn new(file: usize, template: &'w Node<'w>, given: HashMap<String, Given>, scope: Scope, name: Value) -> Self {
        Frame {
            file,
            template,
            given,
            scope,
            name,
            deployments: RefCell::default(),
            depth: 0,
            defaulted: RefCell::default(),
            open: RefCell::default(),
            index: RefCell::default(),
            declared: RefCell::default(),
            around: Vec::new(),
            parameters: RefCell::default(),
            variables: RefCell::default(),
            calls: Cell::new(0),
        }
    }

    /// Symbolic names, and other defaults of nested templates.
    pub fn is_second_language(&self) -> bool {
        let version = self.template.get("languageVersion").and_then(Node::as_text);
        version.is_some_and(|version| version.starts_with('2'))
    }

    fn declaration(&self, name: &str) -> Option<&'w Node<'w>> {
        self.template.get("parameters").and_then(|declared| declared.get(name))
    }
}

/// One loop that an expression stands in, and those around it.
#[derive(Debug)]
pub struct Copies {
    pub name: Option<Arc<str>>,
    /// The number of the round, or an unknown where the count is open.
    pub index: Value,
    /// A loop over a resource, not over a property.
    pub of_resource: bool,
    /// What the loop runs over, in this round, where it runs over something.
    pub item: Option<Value>,
    /// What the element and the number are called in the body.
    pub names: [Option<Arc<str>>; 2],
    pub outer: Option<Rc<Copies>>,
}

/// Names and values of the arguments of a user function.
type Arguments = Vec<(Arc<str>, Value)>;

/// Where an expression stands.
#[derive(Clone)]
pub struct Env<'e, 'w> {
    pub lowering: &'e Lowering<'w>,
    pub frame: Rc<Frame<'w>>,
    pub copies: Option<Rc<Copies>>,
    /// The arguments of the user function being evaluated.
    arguments: Option<Rc<Arguments>>,
}

impl<'e, 'w> Env<'e, 'w> {
    pub fn new(lowering: &'e Lowering<'w>, frame: Rc<Frame<'w>>) -> Self {
        Env {
            lowering,
            frame,
            copies: None,
            arguments: None,
        }
    }

    pub fn within(&self, copies: Copies) -> Self {
        Env {
            copies: Some(Rc::new(copies)),
            ..self.clone()
        }
    }

    /// The value of a node with its expressions. What cannot be evaluated is said, and unknown.
    pub fn value(&self, node: &Node<'w>) -> Value {
        if let Err(fault) = self.lowering.fuel.spend(1) {
            return self.refused(node, &fault);
        }
        match &node.value {
            Json::Text(text) => self.text(node, text),
            Json::Expression(tree) => match evaluate(tree, self, None) {
                Ok(value) => value.at(node.span),
                Err(fault) => self.refused(node, &fault),
            },
            Json::List(items) => {
                Value::from(items.iter().map(|item| self.value(item)).collect::<Vec<_>>()).at(node.span)
            }
            Json::Object(_) => self.object(node),
            _ => Value::literal(node),
        }
    }

    fn text(&self, node: &Node<'w>, text: &str) -> Value {
        let Some(inside) = expression::inside(text) else {
            return Value::from(expression::plain(text)).at(node.span);
        };
        let mark = self.lowering.related.mark();
        match self.evaluated(inside) {
            Ok(value) => {
                if self.lowering.related.is_on() {
                    self.lowering.related.used(self.frame.file, node.span, mark);
                }
                value.at(node.span)
            }
            Err(fault) => self.refused(node, &fault),
        }
    }

    fn evaluated(&self, text: &str) -> Result<Value, Fault> {
        self.lowering.fuel.spend(text.len() / 16)?;
        let parsed = || parse(text).map_err(|(message, at)| Fault::new(format!("{message} (at character {})", at + 2)));
        // What stands in a loop or a function is read many times.
        if self.copies.is_none() && self.arguments.is_none() {
            return evaluate(&parsed()?, self, None);
        }
        let known = self.lowering.trees.borrow().get(text).cloned();
        let tree = match known {
            Some(tree) => tree,
            None => {
                let tree = Rc::new(parsed()?);
                self.lowering.trees.borrow_mut().insert(text.into(), tree.clone());
                tree
            }
        };
        evaluate(&tree, self, None)
    }

    pub fn refused(&self, node: &Node<'_>, fault: &Fault) -> Value {
        let shown = match &node.value {
            Json::Text(text) => shortened(text),
            Json::Expression(_) => return self.refused_at(node.span, fault),
            _ => node.kind().to_owned(),
        };
        self.refused_as(node.span, &shown, fault)
    }

    /// Says that the expression at a place has no value, and gives what stands for it.
    fn refused_at(&self, span: Span, fault: &Fault) -> Value {
        let text = self.lowering.files.get(self.frame.file).map_or("", |file| file.text);
        let said = text.get(span.start..span.end).unwrap_or_default();
        let line = said.lines().next().unwrap_or_default();
        let more = if said.len() > line.len() { " ..." } else { "" };
        self.refused_as(span, &shortened(&format!("{line}{more}")), fault)
    }

    fn refused_as(&self, span: Span, shown: &str, fault: &Fault) -> Value {
        if !self.lowering.fuel.is_quiet() || fault.stopped {
            self.lowering.refuse(self.frame.file, span, shown, fault);
        }
        let symbol = format!("{{expression#{}}}", digest(shown));
        Value::unknown(format!("`{shown}` cannot be evaluated: {}", fault.message), &symbol).at(span)
    }

    fn object(&self, node: &Node<'w>) -> Value {
        let mut members: Vec<(Arc<str>, Value)> = Vec::new();
        for member in node.as_object().unwrap_or_default() {
            if &*member.name == "copy" && loops(&member.node) {
                match self.property_copies(&member.node, &mut members) {
                    Ok(()) => continue,
                    Err(open) => return open.at(node.span),
                }
            }
            let name: Arc<str> = match expression::inside(&member.name) {
                None => Arc::from(expression::plain(&member.name)),
                Some(inside) => match self.evaluated(inside).map(|value| value.kind) {
                    Ok(Kind::Text(name)) => name,
                    Ok(Kind::Unknown(unknown)) => return Value::from(unknown).at(node.span),
                    Ok(_) => return self.refused(node, &Fault::new("the name of a member is no string")),
                    Err(fault) => return self.refused(node, &fault),
                },
            };
            members.push((name, self.value(&member.node)));
        }
        Value::object(members).at(node.span)
    }

    /// `copy` within an object: each loop makes one member. An unknown name makes the object unknown.
    fn property_copies(&self, node: &Node<'w>, members: &mut Vec<(Arc<str>, Value)>) -> Result<(), Value> {
        for one in node.as_list().unwrap_or_default() {
            let name = one.get("name").map(|name| self.value(name));
            match name.as_ref().map(|name| &name.kind) {
                Some(Kind::Text(name)) => members.push((name.clone(), self.rounds(one, Some(name)))),
                Some(Kind::Unknown(unknown)) => return Err(unknown.clone().into()),
                _ => return Err(self.refused(one, &Fault::new("a `copy` has no name"))),
            }
        }
        Ok(())
    }

    /// The array that a loop over `input` makes.
    pub fn rounds(&self, node: &Node<'w>, name: Option<&Arc<str>>) -> Value {
        let (Some(count), Some(input)) = (node.get("count"), node.get("input")) else {
            return self.refused(node, &Fault::new("a `copy` needs `count` and `input`"));
        };
        match self.count(count) {
            Err(open) => open,
            Ok(count) => {
                let round = |index: i64| {
                    let copies = Copies {
                        name: name.cloned(),
                        index: index.into(),
                        of_resource: false,
                        item: None,
                        names: [None, None],
                        outer: self.copies.clone(),
                    };
                    self.within(copies).value(input)
                };
                Value::from((0..count).map(round).collect::<Vec<_>>()).at(node.span)
            }
        }
    }

    /// One round of a loop over a resource.
    pub fn copies_of(&self, copy: &Node<'w>, index: Value, item: Option<Value>) -> Copies {
        let text = |name: &str| copy.get(name).and_then(|node| self.value(node).as_text().cloned());
        Copies {
            name: text("name"),
            index,
            of_resource: true,
            item,
            names: [text("item"), text("index")],
            outer: self.copies.clone(),
        }
    }

    /// The array that a loop over a resource runs over; the error is what stands for the loop when that is open.
    pub fn items(&self, node: &Node<'w>) -> Result<Arc<Vec<Value>>, Value> {
        let value = self.value(node);
        match &value.kind {
            Kind::List(items) if items.len() as u64 <= self.rounds_allowed().unsigned_abs() => Ok(items.clone()),
            Kind::List(items) => Err(self.too_many_rounds(node, items.len())),
            Kind::Unknown(_) => Err(value),
            _ => Err(self.refused(node, &Fault::new(format!("a loop runs over {}", value.describe())))),
        }
    }

    /// How often a loop runs; the error is what stands for the loop when that is open.
    pub fn count(&self, node: &Node<'w>) -> Result<i64, Value> {
        let value = self.value(node);
        match &value.kind {
            Kind::Int(count) if (0..=self.rounds_allowed()).contains(count) => Ok(*count),
            Kind::Int(count) => Err(self.too_many_rounds(node, count)),
            Kind::Unknown(_) => Err(value),
            _ => Err(self.refused(
                node,
                &Fault::new(format!("the count of a loop is {}", value.describe())),
            )),
        }
    }

    fn rounds_allowed(&self) -> i64 {
        i64::try_from(self.lowering.limits.loop_rounds).unwrap_or(i64::MAX)
    }

    fn too_many_rounds(&self, node: &Node<'w>, count: impl std::fmt::Display) -> Value {
        let most = self.rounds_allowed();
        let whose = match most == ROUNDS {
            true => "in Azure",
            false => "by `--limit loop-rounds`",
        };
        self.refused(
            node,
            &Fault::new(format!("a loop runs 0 to {most} times {whose}, not {count}")),
        )
    }

    /// The value of a parameter.
    pub fn parameter(&self, name: &str) -> Result<Value, Fault> {
        if let Some(arguments) = &self.arguments {
            let found = arguments.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
            let missing = || Fault::new(format!("the function has no parameter `{name}`"));
            return found.map(|(_, value)| value.clone()).ok_or_else(missing);
        }
        self.remembered(&self.frame.parameters, name, "parameter", |env, key| {
            env.find_parameter(name, key)
        })
    }

    fn find_parameter(&self, name: &str, key: &str) -> Result<Value, Fault> {
        let frame = &self.frame;
        let Some(declared) = frame.declaration(name) else {
            return Err(Fault::new(format!("there is no parameter `{name}`")));
        };
        let given = frame.given.get(key);
        // Null asks for the default.
        let asks_default =
            |given: &&Given| matches!(given.value.kind, Kind::Null) && declared.get("defaultValue").is_some();
        let related = &self.lowering.related;
        if let Some(given) = given.filter(|given| !asks_default(given)) {
            let mark = related.mark();
            related.asked(name, given.file, given.span, false);
            related.used(frame.file, declared.span, mark);
            return Ok(self.typed(declared, name, given.value.moved(declared.span)));
        }
        if let Some(default) = declared.get("defaultValue") {
            frame.defaulted.borrow_mut().insert(name.to_owned());
            related.asked(name, frame.file, default.span, true);
            return Ok(self.typed(declared, name, self.value(default)));
        }
        if resolved(frame.template, declared, "nullable").is_some_and(|node| node.value == Json::Bool(true)) {
            return Ok(Value::null());
        }
        frame.open.borrow_mut().insert(name.to_owned());
        Ok(Value::unknown(
            format!("parameter `{name}` has no value"),
            &format!("{{{name}}}"),
        ))
    }

    /// The value, if it is of the declared type.
    fn typed(&self, declared: &Node<'_>, name: &str, value: Value) -> Value {
        let Some(wanted) = resolved(self.frame.template, declared, "type").and_then(Node::as_text) else {
            return value;
        };
        if wanted.to_ascii_lowercase().starts_with("secure") && !is_nothing(&value) {
            let why = format!("parameter `{name}` is secret, and its value is not looked at");
            return Value::unknown(why, &format!("{{{name}}}")).at(value.span);
        }
        let fits = match (wanted.to_ascii_lowercase().as_str(), &value.kind) {
            (_, Kind::Unknown(_) | Kind::Null) => true,
            ("string" | "securestring", kind) => matches!(kind, Kind::Text(_)),
            ("int", kind) => matches!(kind, Kind::Int(_)),
            ("bool", kind) => matches!(kind, Kind::Bool(_)),
            ("array", kind) => matches!(kind, Kind::List(_)),
            ("object" | "secureobject", kind) => matches!(kind, Kind::Object(_)),
            _ => true,
        };
        if fits {
            return value;
        }
        let message = format!(
            "parameter `{name}` is declared `{wanted}`, and its value is {}",
            value.describe()
        );
        let help = "correct the value; until then it is unknown";
        self.lowering
            .say(self.frame.file, declared.span, "parameter-type", &message, help);
        Value::unknown(message, &format!("{{{name}}}")).at(declared.span)
    }

    pub fn variable(&self, name: &str) -> Result<Value, Fault> {
        self.remembered(&self.frame.variables, name, "variable", |env, _| {
            env.find_variable(name)
        })
    }

    fn find_variable(&self, name: &str) -> Result<Value, Fault> {
        let missing = || Fault::new(format!("there is no variable `{name}`"));
        let variables = self.frame.template.get("variables");
        if let Some(node) = variables
            .and_then(|variables| variables.get(name))
            .filter(|node| !(name.eq_ignore_ascii_case("copy") && loops(node)))
        {
            return Ok(self.value(node));
        }
        if let Some(import) = self.import_of(name) {
            let (env, original) = self.imported(&import)?;
            return Ok(env.variable(&original)?.moved(import.span));
        }
        let copies = variables.and_then(|variables| variables.get("copy"));
        let copies = copies.and_then(Node::as_list).unwrap_or_default();
        let named = |node: &&Node<'w>| {
            let own = node.get("name").and_then(Node::as_text);
            own.is_some_and(|own| own.eq_ignore_ascii_case(name))
        };
        let found = copies.iter().find(named).ok_or_else(missing)?;
        Ok(self.rounds(found, Some(&Arc::from(name))))
    }

    /// Evaluates once, without the loops around; what needs itself has no value.
    fn remembered(
        &self,
        memo: &Memo,
        name: &str,
        what: &str,
        find: impl FnOnce(&Self, &str) -> Result<Value, Fault>,
    ) -> Result<Value, Fault> {
        let key = name.to_ascii_lowercase();
        match memo.borrow().get(&key) {
            Some(Some((value, asked))) => {
                self.lowering.related.again(asked);
                return Ok(value.clone());
            }
            Some(None) => return Err(Fault::new(format!("{what} `{name}` needs itself"))),
            None => {}
        }
        memo.borrow_mut().insert(key.clone(), None);
        let outside = Env::new(self.lowering, self.frame.clone());
        let mark = self.lowering.related.mark();
        let found = self.lowering.fuel.deeper(|| find(&outside, &key));
        match &found {
            Ok(value) => {
                let asked = self.lowering.related.since(mark);
                memo.borrow_mut().insert(key, Some((value.clone(), asked)))
            }
            Err(_) => memo.borrow_mut().remove(&key),
        };
        found
    }

    fn copy_index(&self, arguments: &[Value]) -> Result<Value, Fault> {
        let wanted = arguments.first().and_then(Value::as_text);
        let offset = arguments.iter().find_map(|value| match value.kind {
            Kind::Int(offset) => Some(offset),
            _ => None,
        });
        let mut chosen: Option<&Copies> = None;
        let mut next = self.copies.as_deref();
        while let Some(copies) = next {
            let fits = match wanted {
                Some(wanted) => copies
                    .name
                    .as_ref()
                    .is_some_and(|name| name.eq_ignore_ascii_case(wanted)),
                None => copies.of_resource,
            };
            if fits {
                chosen = Some(copies);
                break;
            }
            next = copies.outer.as_deref();
        }
        // Outside of resources, a loop need not be named.
        let chosen = chosen.or(self.copies.as_deref().filter(|_| wanted.is_none()));
        let chosen = chosen.ok_or_else(|| Fault::new("`copyIndex` stands in no such loop"))?;
        match &chosen.index.kind {
            Kind::Int(index) => Ok(index.saturating_add(offset.unwrap_or(0)).into()),
            Kind::Unknown(unknown) if offset.is_some_and(|offset| offset != 0) => {
                let symbol = format!("{}+{}", unknown.symbol, offset.unwrap_or(0));
                Ok(unknown.derived(symbol).into())
            }
            _ => Ok(chosen.index.clone()),
        }
    }
}

/// What hides nothing.
fn is_nothing(value: &Value) -> bool {
    match &value.kind {
        Kind::Null | Kind::Unknown(_) => true,
        Kind::Text(text) => text.is_empty(),
        Kind::List(items) => items.is_empty(),
        Kind::Object(members) => members.is_empty(),
        _ => false,
    }
}

/// How often Azure lets a loop run.
pub const ROUNDS: i64 = 800;

fn loops(node: &Node<'_>) -> bool {
    let is_loop = |one: &Node<'_>| one.get("count").is_some() && one.get("input").is_some();
    node.as_list()
        .is_some_and(|items| !items.is_empty() && items.iter().all(is_loop))
}

/// A member of a declaration, or of the type that it refers to.
fn resolved<'n>(template: &'n Node<'n>, declared: &'n Node<'n>, member: &str) -> Option<&'n Node<'n>> {
    let mut declared = declared;
    for _ in 0..8 {
        if let Some(found) = declared.get(member) {
            return Some(found);
        }
        let path = declared
            .get("$ref")
            .and_then(Node::as_text)?
            .strip_prefix("#/definitions/")?;
        declared = template.get("definitions")?.get(path)?;
    }
    None
}

fn shortened(text: &str) -> String {
    const MOST: usize = 120;
    if text.chars().count() <= MOST {
        return text.to_owned();
    }
    text.chars().take(MOST).chain("...".chars()).collect()
}

impl Context for Env<'_, '_> {
    fn fuel(&self) -> &Fuel {
        &self.lowering.fuel
    }

    fn ask(&self, name: &str, arguments: &[Value]) -> Option<Result<Value, Fault>> {
        if let Some(outcome) = scope::call(name, arguments, &self.frame.scope) {
            return Some(outcome);
        }
        Some(match name {
            "parameters" | "variables" => {
                let wanted = match arguments {
                    [one] => one,
                    _ => return Some(Err(Fault::new(format!("`{name}` takes one name")))),
                };
                match &wanted.kind {
                    Kind::Text(wanted) if name == "parameters" => self.parameter(wanted),
                    Kind::Text(wanted) => self.variable(wanted),
                    Kind::Unknown(unknown) => Ok(unknown.derived(format!("{{{name}({})}}", unknown.symbol)).into()),
                    _ => Err(Fault::new(format!("`{name}` takes a name"))),
                }
            }
            "copyindex" => self.copy_index(arguments),
            "subscription" => Ok(self.subscription(arguments)),
            "resourcegroup" => self.group(arguments),
            "tenant" => Ok(self.tenant()),
            "managementgroup" => Ok(self.management_group(arguments)),
            "fail" => Err(Fault::new("`fail` is called")),
            "deployment" => Ok(self.deployment()),
            "reference" => self.reference(arguments),
            "resourceinfo" => self.resource_info(arguments),
            _ if name.starts_with("load") => return self.load(name, arguments),
            "environment" | "deployer" => Ok(Value::unknown(
                format!("`{name}()` is known only when it is deployed"),
                &format!("{{{name}}}"),
            )),
            "references"
            | "providers"
            | "pickzones"
            | "externalinput"
            | "getsecret"
            | "readenvironmentvariable"
            | "readcliarg"
            | "signin" => Ok(runtime(name, arguments)),
            _ if name.starts_with("list") || name.starts_with("tological") || name.starts_with("tophysical") => {
                Ok(runtime(name, arguments))
            }
            _ => return None,
        })
    }

    fn local(&self, name: &str) -> Option<Value> {
        let is = |known: &Option<Arc<str>>| known.as_deref() == Some(name);
        let mut next = self.copies.as_deref();
        while let Some(copies) = next {
            let [item, index] = &copies.names;
            if is(item) {
                return copies.item.clone();
            }
            if is(index) {
                return Some(copies.index.clone());
            }
            next = copies.outer.as_deref();
        }
        None
    }

    fn referenced(&self, arguments: &[Value], path: &[Step]) -> Option<Result<Value, Fault>> {
        self.referenced_path(arguments, path)
    }

    fn refuse(&self, span: Span, fault: &Fault) -> Value {
        self.refused_at(span, fault)
    }

    fn watch(&self) -> Option<usize> {
        let related = &self.lowering.related;
        related.is_on().then(|| related.mark())
    }

    fn used(&self, span: Span, mark: usize) {
        self.lowering.related.used(self.frame.file, span, mark);
    }

    fn user(&self, namespace: &str, name: &str, arguments: &[Value]) -> Option<Result<Value, Fault>> {
        self.own_function(namespace, name, arguments)
            .or_else(|| self.imported_function(namespace, name, arguments))
    }
}

impl<'w> Env<'_, 'w> {
    pub fn own_function(&self, namespace: &str, name: &str, arguments: &[Value]) -> Option<Result<Value, Fault>> {
        let spaces = self.frame.template.get("functions").and_then(Node::as_list)?;
        let is_space = |node: &&'w Node<'w>| {
            let own = node.get("namespace").and_then(Node::as_text);
            own.is_some_and(|own| own.eq_ignore_ascii_case(namespace))
        };
        let found = spaces
            .iter()
            .filter(is_space)
            .find_map(|space| space.get("members")?.get(name))?;
        let output = found.get("output")?.get("value")?;
        let declared = found.get("parameters").and_then(Node::as_list).unwrap_or_default();
        let names = declared
            .iter()
            .map(|one| one.get("name").and_then(Node::as_text).unwrap_or_default());
        let bound: Arguments = names.map(Arc::from).zip(arguments.iter().cloned()).collect();
        if self.frame.calls.get() > CALLS {
            return Some(Err(Fault::new(format!("`{namespace}.{name}` calls itself"))));
        }
        self.frame.calls.set(self.frame.calls.get() + 1);
        let mut env = Env::new(self.lowering, self.frame.clone());
        env.arguments = Some(Rc::new(bound));
        // What is wrong in it is wrong with the call.
        let outcome = match output.as_text().and_then(expression::inside) {
            Some(inside) => env.evaluated(inside),
            None => Ok(env.value(output)),
        };
        self.frame.calls.set(self.frame.calls.get().saturating_sub(1));
        Some(outcome.map(|value| value.at(Span::default())))
    }
}

/// Deepest nesting of user functions. Azure allows none in each other; Bicep writes them so.
const CALLS: u32 = 32;

/// What only the running estate can tell.
pub fn runtime(name: &str, arguments: &[Value]) -> Value {
    let shown: Vec<String> = arguments.iter().map(Value::json).collect();
    let of = arguments
        .first()
        .and_then(Value::name)
        .map_or("", |of| of.rsplit('/').next().unwrap_or(of));
    let text = format!("`{name}` of `{of}` is known only when it is deployed");
    Value::unknown(text, &format!("{{{name}#{}}}", digest(&shown.join(","))))
}
