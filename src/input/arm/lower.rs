//! Templates to resources as Azure would have them: conditions, loops, children and identities.
//! Must not know what the members of a resource mean, but for the few lists that children are stated apart from.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;
use std::sync::Arc;

use super::catalog::Catalog;
use super::deployment::{self, Deployment};
use super::expression::{self, Fault, Fuel, Kind, Unknown, Value, digest};
use super::frame::{Env, Frame, Given};
use super::related::{self, Notes};
use super::scope::{Scope, resource_id, segments};
use super::{File, Placed, World};
use crate::input::Limits;
use crate::input::yaml::Source;
use crate::source::Diagnostic;
use crate::syntax::{Expression, Node, Span, Value as Json};

/// The lowering of one template and of everything that it deploys.
pub struct Lowering<'w> {
    pub files: &'w [File<'w>],
    pub fuel: Fuel,
    pub resources: RefCell<Vec<Resource>>,
    /// Resources of types that no rule needs, by type.
    pub unused: RefCell<BTreeMap<Arc<str>, u64>>,
    pub said: RefCell<Vec<Placed>>,
    /// Indexes of the files that this template links.
    pub linked: RefCell<BTreeSet<usize>>,
    /// Templates that others import from, by index of file.
    pub libraries: RefCell<HashMap<usize, Rc<Frame<'w>>>>,
    /// Contents that templates load, by path.
    pub loaded: &'w HashMap<String, Vec<u8>>,
    /// Files of values that hold exceptions in comments.
    pub sources: RefCell<Vec<Source>>,
    pub catalog: &'w Catalog,
    pub limits: &'w Limits,
    /// Which parameters values come from.
    pub related: Notes,
    /// Expressions that are evaluated over and over.
    pub trees: RefCell<HashMap<Box<str>, Rc<Expression>>>,
    told: RefCell<BTreeSet<(usize, usize, String)>>,
}

/// One resource as Azure would have it.
pub struct Resource {
    pub id: Arc<str>,
    /// In lower case.
    pub resource_type: String,
    pub value: Value,
    pub file: usize,
}

impl<'w> Lowering<'w> {
    /// `length` is that of the template's text: a large one may take more steps.
    pub fn new(world: World<'w>, length: usize) -> Self {
        Lowering {
            files: world.files,
            catalog: world.catalog,
            limits: world.limits,
            loaded: world.loaded,
            related: Notes::default(),
            trees: RefCell::default(),
            fuel: Fuel::new(world.limits.template_steps.saturating_add(length as u64 / 2)),
            resources: RefCell::default(),
            unused: RefCell::default(),
            said: RefCell::default(),
            linked: RefCell::default(),
            sources: RefCell::default(),
            libraries: RefCell::default(),
            told: RefCell::default(),
        }
    }

    pub fn say(&self, file: usize, span: Span, code: &str, message: &str, help: &str) {
        self.tell(file, span, Diagnostic::error(code, message).help(help), false);
    }

    /// Says once what is wrong at a place; `lost`: resources may be missing because of it.
    pub fn tell(&self, file: usize, span: Span, diagnostic: Diagnostic, lost: bool) {
        if self
            .told
            .borrow_mut()
            .insert((file, span.start, diagnostic.message.clone()))
        {
            self.said.borrow_mut().push(Placed {
                file,
                span,
                diagnostic,
                lost,
            });
        }
    }

    /// An expression that has no value.
    pub fn refuse(&self, file: usize, span: Span, shown: &str, fault: &Fault) {
        if fault.stopped {
            let message = format!("the evaluation of this template was stopped: {}", fault.message);
            let help =
                "split the template, or raise `--limit template-steps=NUMBER`; what was not evaluated is unknown";
            // Said once a file: every expression that follows is stopped as well.
            let first = !self
                .said
                .borrow()
                .iter()
                .any(|placed| &*placed.diagnostic.code == "template-too-large");
            if first {
                self.tell(
                    file,
                    span,
                    Diagnostic::error("template-too-large", message).help(help),
                    true,
                );
            }
            return;
        }
        let message = format!("`{shown}` cannot be evaluated: {}", fault.message);
        self.say(
            file,
            span,
            "expression",
            &message,
            "correct it; until then its value is unknown",
        );
    }

    fn emit(&self, resource: Resource) {
        self.resources.borrow_mut().push(resource);
    }
}

/// What a resource is called.
pub struct Identity {
    pub id: Value,
    pub name: Value,
    pub names: Vec<Value>,
    /// The name as the resource states it, perhaps with those of its parents.
    pub stated: Value,
    /// As written, with the types of its parents.
    pub resource_type: Arc<str>,
    /// The id of the scope that it is in.
    pub base: Value,
}

/// The resource that children are nested in.
pub struct Parent<'p> {
    pub identity: &'p Identity,
}

/// Where a list of resources is deployed, and why it may not be.
#[derive(Clone)]
pub struct Place {
    pub scope: Scope,
    pub perhaps: Option<Unknown>,
}

/// Type, name and id of a resource, whatever of it is unknown.
pub fn identity<'w>(env: &Env<'_, 'w>, node: &Node<'w>, scope: &Scope, parent: Option<&Parent<'_>>) -> Identity {
    let named = |member: &str| node.get(member).map(|node| env.value(node));
    let own_type = named("type")
        .and_then(|value| value.as_text().cloned())
        .unwrap_or_else(|| Arc::from(""));
    let nameless = || Value::unknown("the resource has no name", &format!("{{nameless#{}}}", node.span.start));
    let name = named("name")
        .filter(|name| name.name().is_some())
        .unwrap_or_else(nameless);
    let mut names = segments(&name);
    let mut resource_type = own_type.clone();
    let symbol = named("parent").and_then(|symbol| symbol.as_text().cloned());
    let stated_parent = symbol.and_then(|symbol| env.lowering.fuel.deeper(|| Ok(env.identity_of(&symbol))).ok()?);
    let stated_parent = stated_parent.as_ref().map(|identity| Parent { identity });
    let parent = stated_parent.as_ref().or(parent);
    if let Some(parent) = parent {
        let outer = &parent.identity.resource_type;
        let nested = format!("{}/", outer.to_ascii_lowercase());
        if !own_type.to_ascii_lowercase().starts_with(&nested) && !is_extension(&own_type) {
            resource_type = Arc::from(format!("{outer}/{own_type}"));
        }
        let wanted = resource_type.split('/').count().saturating_sub(1);
        if names.len() < wanted {
            names = parent.identity.names.iter().cloned().chain(names).collect();
        }
    }
    let base = match named("scope").filter(|_| !is_deployment(&resource_type)) {
        Some(given) => extended(&given, scope),
        None if is_elsewhere(node) && !is_deployment(&resource_type) => deployment::target(env, node, scope).id(),
        None => base(&resource_type, scope, parent),
    };
    let id = resource_id(&base, &resource_type, &names);
    Identity {
        id,
        name: names.last().cloned().unwrap_or_else(|| name.clone()),
        names,
        stated: name,
        resource_type,
        base,
    }
}

/// Whether the resource states a scope by the names of its parts, as `existing` ones do.
fn is_elsewhere(node: &Node<'_>) -> bool {
    node.get("subscriptionId").is_some() || node.get("resourceGroup").is_some()
}

/// A child with a provider of its own is attached to its parent instead of nested in its type.
fn is_extension(resource_type: &str) -> bool {
    resource_type.split('/').next().is_some_and(|first| first.contains('.'))
}

fn base(resource_type: &str, scope: &Scope, parent: Option<&Parent<'_>>) -> Value {
    match parent {
        Some(parent) if is_extension(resource_type) && !nests(resource_type, parent) => parent.identity.id.clone(),
        Some(parent) => parent.identity.base.clone(),
        _ => scope.id(),
    }
}

fn nests(resource_type: &str, parent: &Parent<'_>) -> bool {
    let outer = format!("{}/", parent.identity.resource_type.to_ascii_lowercase());
    resource_type.to_ascii_lowercase().starts_with(&outer)
}

/// The id of the resource that `scope` names: an id, or type and name within the deployment.
fn extended(given: &Value, scope: &Scope) -> Value {
    match given.name() {
        Some(text) if &**text == "/" => "".into(),
        Some(text) if text.starts_with('/') => given.clone(),
        Some(text) => {
            let id = scope.id();
            let text = format!("{}/providers/{text}", id.name().map_or("", |id| id));
            match given.as_unknown().or(id.as_unknown()) {
                Some(unknown) => unknown.derived(text).into(),
                None => text.into(),
            }
        }
        None => scope.id(),
    }
}

pub fn is_deployment(resource_type: &str) -> bool {
    [
        "microsoft.resources/deployments",
        "microsoft.resources/deploymentstacks",
    ]
    .iter()
    .any(|known| known.eq_ignore_ascii_case(resource_type))
}

/// One resource node in one round of its loop.
struct Instance<'e, 'w> {
    env: Env<'e, 'w>,
    node: &'w Node<'w>,
    place: Place,
    deployment: Option<Rc<Deployment<'w>>>,
}

/// Lowers a list of resources, or an object of them by symbolic name.
pub fn resources<'w>(env: &Env<'_, 'w>, list: &'w Node<'w>, place: &Place, parent: Option<&Parent<'_>>) {
    let mut nodes: Vec<(Option<&str>, &'w Node<'w>)> = Vec::new();
    match &list.value {
        Json::List(items) => nodes.extend(items.iter().map(|item| (None, item))),
        Json::Object(members) => nodes.extend(members.iter().map(|member| (Some(&*member.name), &member.node))),
        _ => {
            let message = format!("`resources` is {}, not a list", list.kind());
            let diagnostic = Diagnostic::error("wrong-type", message).help("write a list of resources");
            env.lowering.tell(env.frame.file, list.span, diagnostic, true);
        }
    }
    let mut instances = Vec::new();
    for (symbol, node) in nodes {
        rounds(env, node, symbol, place, &mut instances);
    }
    instances.iter().for_each(|instance| lower(instance, parent));
}

/// The instances of one resource. Deployments are made known first: others refer to their outputs.
fn rounds<'e, 'w>(
    env: &Env<'e, 'w>,
    node: &'w Node<'w>,
    symbol: Option<&str>,
    place: &Place,
    instances: &mut Vec<Instance<'e, 'w>>,
) {
    if node
        .get("existing")
        .is_some_and(|existing| existing.value == Json::Bool(true))
    {
        return;
    }
    if node.as_object().is_none() || node.get("type").is_none() {
        let diagnostic = Diagnostic::error("no-type", format!("{} without `type` is no resource", node.kind()));
        env.lowering
            .tell(env.frame.file, node.span, diagnostic.help("state its type"), true);
        return;
    }
    let nested = node.get("type").and_then(Node::as_text).is_some_and(is_deployment);
    for (env, place, at) in copies(env, node, place) {
        let deployment = nested.then(|| deployment::register(&env, node, symbol, at, &place));
        instances.push(Instance {
            env,
            node,
            place,
            deployment,
        });
    }
}

type Round<'e, 'w> = (Env<'e, 'w>, Place, Option<i64>);

/// The surroundings of each round of a resource's loop. An open count gives one round that perhaps exists.
pub fn copies<'e, 'w>(env: &Env<'e, 'w>, node: &'w Node<'w>, place: &Place) -> Vec<Round<'e, 'w>> {
    let Some(copy) = node.get("copy") else {
        return vec![(env.clone(), place.clone(), None)];
    };
    let within = |index: Value, item: Option<Value>| env.within(env.copies_of(copy, index, item));
    let rounds: Result<Vec<Option<Value>>, Value> = match (copy.get("items"), copy.get("count")) {
        (Some(items), _) => env.items(items).map(|items| items.iter().cloned().map(Some).collect()),
        (None, Some(count)) => env.count(count).map(|count| (0..count).map(|_| None).collect()),
        (None, None) => Err(env.refused(copy, &Fault::new("a `copy` needs `count`"))),
    };
    match rounds {
        Ok(rounds) => (0_i64..)
            .zip(rounds)
            .map(|(at, item)| (within(at.into(), item), place.clone(), Some(at)))
            .collect(),
        Err(open) => {
            let why = open
                .as_unknown()
                .map_or("its count is open", |unknown| &unknown.why.text);
            let unknown = Unknown::new(format!("how often a loop runs is open: {why}"), "{copyIndex}");
            let place = Place {
                perhaps: Some(unknown.clone()),
                ..place.clone()
            };
            let item = expression::element(&open, &unknown.clone().into(), false).ok();
            vec![(within(unknown.into(), item), place, None)]
        }
    }
}

/// Whether a resource is deployed: `None` surely not.
pub fn presence<'w>(env: &Env<'_, 'w>, node: &Node<'w>, place: &Place) -> Option<Place> {
    let Some(condition) = node.get("condition") else {
        return Some(place.clone());
    };
    let value = env.value(condition);
    let unknown = match &value.kind {
        Kind::Bool(false) => return None,
        Kind::Text(text) if text.eq_ignore_ascii_case("false") => return None,
        Kind::Bool(true) => return Some(place.clone()),
        Kind::Text(text) if text.eq_ignore_ascii_case("true") => return Some(place.clone()),
        Kind::Unknown(unknown) => unknown.clone(),
        _ => {
            let fault = Fault::new(format!("a condition is {}, not a boolean", value.describe()));
            let refused = env.refused(condition, &fault);
            refused
                .as_unknown()
                .cloned()
                .unwrap_or_else(|| Unknown::new(fault.message, "{condition}"))
        }
    };
    let why = Unknown::new(
        format!("whether it is deployed is open: {}", unknown.why.text),
        &unknown.symbol,
    );
    Some(Place {
        perhaps: place.perhaps.clone().or(Some(why)),
        ..place.clone()
    })
}

fn lower(instance: &Instance<'_, '_>, parent: Option<&Parent<'_>>) {
    let env = &instance.env;
    if env.lowering.fuel.spend(1).is_err() {
        let fault = Fault {
            message: "it is too large".to_owned(),
            stopped: true,
        };
        return env.lowering.refuse(env.frame.file, instance.node.span, "", &fault);
    }
    if let Some(deployment) = &instance.deployment {
        return deployment::run(env, deployment);
    }
    let present = presence(env, instance.node, &instance.place);
    let identify = || identity(env, instance.node, &instance.place.scope, parent);
    let identity = match present {
        Some(_) => identify(),
        None => env.lowering.fuel.quietly(identify),
    };
    if let Some(place) = present {
        one(env, instance.node, &identity, &place);
    }
    // Whether a parent is deployed says nothing of its children.
    if let Some(children) = instance.node.get("resources") {
        let parent = Parent { identity: &identity };
        let deeper = env.lowering.fuel.deeper(|| {
            resources(env, children, &instance.place, Some(&parent));
            Ok(())
        });
        if let Err(fault) = deeper {
            env.refused(children, &fault);
        }
    }
}

/// What a resource says in a template and not in Azure.
const TEMPLATE_ONLY: &[&str] = &[
    "id",
    "name",
    "type",
    "apiVersion",
    "condition",
    "copy",
    "dependsOn",
    "resources",
    "comments",
    "metadata",
    "scope",
    "parent",
];

fn one<'w>(env: &Env<'_, 'w>, node: &'w Node<'w>, identity: &Identity, place: &Place) {
    let resource_type = identity.resource_type.to_ascii_lowercase();
    let notes = &env.lowering.related;
    let mark = notes.mark();
    notes.watching(related::is_traced(&resource_type), || {
        stated(env, node, identity, place, resource_type);
    });
    notes.forget(mark);
}

fn stated<'w>(env: &Env<'_, 'w>, node: &'w Node<'w>, identity: &Identity, place: &Place, resource_type: String) {
    let lowering = env.lowering;
    if !super::is_needed(&resource_type) {
        *lowering
            .unused
            .borrow_mut()
            .entry(Arc::from(resource_type))
            .or_default() += 1;
        return;
    }
    let id: Arc<str> = identity.id.name().cloned().unwrap_or_else(|| Arc::from(""));
    let text = |value: &Value| Value::from(&**value.name().unwrap_or(&id));
    let mut members = vec![
        (Arc::from("id"), Value::from(&*id)),
        (Arc::from("name"), text(&identity.name)),
        (Arc::from("type"), Value::from(&*identity.resource_type)),
    ];
    let mut perhaps = place.perhaps.clone();
    for member in node.as_object().unwrap_or_default() {
        if member.name == "..." {
            if let Some(open) = spread(env.value(&member.node), &mut members) {
                perhaps.get_or_insert(open);
            }
        } else if !TEMPLATE_ONLY.iter().any(|only| only.eq_ignore_ascii_case(&member.name)) {
            members.push((Arc::from(member.name.as_ref()), env.value(&member.node)));
        }
    }
    super::shape::complete(&resource_type, &mut members, node.span);
    if let Some(unknown) = &perhaps {
        super::shape::doubt(&resource_type, &mut members, unknown);
    }
    lowering.emit(Resource {
        id,
        resource_type,
        value: Value::object(members).at(node.span),
        file: env.frame.file,
    });
}

/// Adds what another object states; gives the unknown where that is open.
fn spread(value: Value, members: &mut Vec<(Arc<str>, Value)>) -> Option<Unknown> {
    for (name, value) in value.as_object().unwrap_or_default() {
        if TEMPLATE_ONLY.iter().any(|only| only.eq_ignore_ascii_case(name)) {
            continue;
        }
        members.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        members.push((name.clone(), value.clone()));
    }
    value.as_unknown().cloned()
}

/// The frame of a template that nothing deploys: values from parameter files, placeholders for where it goes.
pub fn root<'w>(file: usize, template: &'w Node<'w>, given: HashMap<String, Given>, group: &str) -> Rc<Frame<'w>> {
    let schema = template.get("$schema").and_then(Node::as_text).unwrap_or_default();
    let name = Value::unknown(
        "the name of the deployment is not in the template",
        &format!("{{deployment-{}}}", digest(group)),
    );
    let mut frame = Frame::new(file, template, given, Scope::of_schema(schema, group), name);
    frame.around.push(file);
    Rc::new(frame)
}
