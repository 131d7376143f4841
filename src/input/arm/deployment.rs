//! Templates within templates: inline with inner or outer scope, and linked by a path among the files given.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use super::ambient::ADDRESS;
use super::expression::{Fault, Kind, Value};
use super::frame::{Copies, Env, Frame, Given};
use super::lower::{self, Place, presence};
use super::scope::{Scope, segments};
use crate::source::Diagnostic;
use crate::syntax::{Node, Span, Value as Json};

/// One nested deployment in one round of its loop.
pub struct Deployment<'w> {
    pub id: Value,
    name: Value,
    node: &'w Node<'w>,
    copies: Option<Rc<Copies>>,
    place: Place,
    state: RefCell<State>,
}

enum State {
    Waiting,
    Running,
    /// With its outputs.
    Done(Value),
}

/// Makes a deployment known under its names.
pub fn register<'w>(
    env: &Env<'_, 'w>,
    node: &'w Node<'w>,
    symbol: Option<&str>,
    at: Option<i64>,
    place: &Place,
) -> Rc<Deployment<'w>> {
    // What is not deployed may have no name.
    if presence(env, node, place).is_none() && !env.lowering.fuel.is_quiet() {
        return env.lowering.fuel.quietly(|| register(env, node, symbol, at, place));
    }
    let identity = lower::identity(env, node, &place.scope, None);
    let deployment = Rc::new(Deployment {
        id: identity.id.clone(),
        name: identity.name.clone(),
        node,
        copies: env.copies.clone(),
        place: place.clone(),
        state: RefCell::new(State::Waiting),
    });
    let mut known = env.frame.deployments.borrow_mut();
    let mut names: Vec<String> = [&identity.id, &identity.name]
        .into_iter()
        .filter_map(|value| value.name().map(|name| name.to_ascii_lowercase()))
        .collect();
    // A deployment to another group has another id than the one that is asked for by its scope.
    let elsewhere = lower::identity(env, node, &target(env, node, &place.scope), None);
    names.extend(elsewhere.id.name().map(|name| name.to_ascii_lowercase()));
    names.extend(symbol.map(|symbol| match at {
        Some(at) => format!("{}[{at}]", symbol.to_ascii_lowercase()),
        None => symbol.to_ascii_lowercase(),
    }));
    for name in names {
        known.entry(name).or_insert_with(|| deployment.clone());
    }
    deployment
}

/// The outputs, for which the deployment is evaluated if it was not yet.
pub fn outputs<'w>(env: &Env<'_, 'w>, deployment: &Rc<Deployment<'w>>) -> Value {
    run(env, deployment);
    match &*deployment.state.borrow() {
        State::Done(outputs) => outputs.clone(),
        _ => unknown_outputs(deployment, "needs its own outputs"),
    }
}

/// Whether it is surely not deployed.
pub fn is_absent<'w>(env: &Env<'_, 'w>, deployment: &Rc<Deployment<'w>>) -> bool {
    let mut own = Env::new(env.lowering, env.frame.clone());
    own.copies = deployment.copies.clone();
    presence(&own, deployment.node, &deployment.place).is_none()
}

fn unknown_outputs(deployment: &Deployment<'_>, why: &str) -> Value {
    let name = deployment.name.name().map_or("", |name| name);
    Value::unknown(format!("deployment `{name}` {why}"), &format!("{{outputs-of-{name}}}"))
}

/// Lowers what a deployment deploys, once.
pub fn run<'w>(env: &Env<'_, 'w>, deployment: &Rc<Deployment<'w>>) {
    if !matches!(*deployment.state.borrow(), State::Waiting) {
        return;
    }
    *deployment.state.borrow_mut() = State::Running;
    let mut own = Env::new(env.lowering, env.frame.clone());
    own.copies = deployment.copies.clone();
    let outcome = env.lowering.fuel.deeper(|| Ok(lowered(&own, deployment)));
    let outputs = outcome.unwrap_or_else(|fault| own.refused(deployment.node, &fault));
    *deployment.state.borrow_mut() = State::Done(outputs);
}

fn lowered<'w>(env: &Env<'_, 'w>, deployment: &Deployment<'w>) -> Value {
    let Some(mut place) = presence(env, deployment.node, &deployment.place) else {
        return unknown_outputs(deployment, "is not deployed");
    };
    place.scope = target(env, deployment.node, &place.scope);
    let Some(properties) = deployment.node.get("properties") else {
        return lost(env, deployment.node, "the deployment has no `properties`");
    };
    if let Some(template) = properties.get("template") {
        return match &template.value {
            Json::Object(_) => nested(env, deployment, properties, template, place),
            _ => lost(env, template, "a template that an expression makes is not read"),
        };
    }
    if let Json::Expression(_) = &properties.value {
        return lost(env, properties, "a template that an expression makes is not read");
    }
    match properties.get("templateLink") {
        Some(link) => linked(env, deployment, properties, link, place),
        None => lost(
            env,
            properties,
            "the deployment has neither `template` nor `templateLink`",
        ),
    }
}

/// Says that a deployment's resources are missing.
fn lost(env: &Env<'_, '_>, node: &Node<'_>, message: &str) -> Value {
    let help = "write the template inline or give its file; until then its resources are missing";
    env.lowering.tell(
        env.frame.file,
        node.span,
        Diagnostic::error("template-not-read", message).help(help),
        true,
    );
    Value::unknown(message.to_owned(), "{outputs}")
}

/// Where the deployment goes.
pub fn target<'w>(env: &Env<'_, 'w>, node: &Node<'w>, around: &Scope) -> Scope {
    let stated = |name: &str| {
        let value = node.get(name).map(|node| env.value(node));
        value.filter(|value| !matches!(value.kind, Kind::Null))
    };
    let mut scope = around.clone();
    if let Some(given) = stated("scope") {
        return scope_of(&given, around);
    }
    if let Some(subscription) = stated("subscriptionId") {
        scope.subscription = Some(subscription);
        scope.group = None;
    }
    if let Some(group) = stated("resourceGroup") {
        scope.group = Some(group);
    }
    scope
}

/// The scope that an id names: `/subscriptions/S/resourceGroups/G`, or something above.
fn scope_of(given: &Value, around: &Scope) -> Scope {
    let parts = segments(given);
    let after = |key: &str| {
        let at = parts
            .iter()
            .position(|part| part.name().is_some_and(|name| name.eq_ignore_ascii_case(key)));
        at.and_then(|at| parts.get(at + 1)).cloned()
    };
    let opaque = given.as_unknown().filter(|unknown| !unknown.is_id());
    match opaque {
        Some(unknown) => Scope {
            subscription: around.subscription.clone(),
            group: Some(unknown.clone().into()),
        },
        None => Scope {
            subscription: after("subscriptions").or_else(|| around.subscription.clone()),
            group: after("resourceGroups"),
        },
    }
}

/// A template that stands within this one.
fn nested<'w>(
    env: &Env<'_, 'w>,
    deployment: &Deployment<'w>,
    properties: &'w Node<'w>,
    template: &'w Node<'w>,
    place: Place,
) -> Value {
    let stated = properties
        .get("expressionEvaluationOptions")
        .and_then(|options| options.get("scope"));
    let scope = stated
        .map(|node| env.value(node))
        .and_then(|value| value.as_text().cloned());
    let inner = match scope {
        Some(scope) => scope.eq_ignore_ascii_case("inner"),
        None => env.frame.is_second_language(),
    };
    if inner {
        let given = given(env, properties);
        return within(env, deployment, env.frame.file, template, given, place);
    }
    if let Some(list) = template.get("resources") {
        lower::resources(env, list, &place, None);
    }
    outputs_in(env, template)
}

/// The values that a deployment gives its template.
fn given<'w>(env: &Env<'_, 'w>, properties: &'w Node<'w>) -> HashMap<String, Given> {
    env.lowering.related.watching(true, || values_given(env, properties))
}

fn values_given<'w>(env: &Env<'_, 'w>, properties: &'w Node<'w>) -> HashMap<String, Given> {
    let mut values = HashMap::new();
    let at = |value: Value, span: Span| Given {
        value,
        file: env.frame.file,
        span,
    };
    if let Some(stated) = properties.get("parameterValues") {
        let stated = env.value(stated);
        let members = stated.as_object().unwrap_or_default().iter();
        return members
            .map(|(name, value)| (name.to_ascii_lowercase(), at(value.clone(), value.span)))
            .collect();
    }
    let Some(parameters) = properties.get("parameters") else {
        return values;
    };
    for member in parameters.as_object().unwrap_or_default() {
        // An expression may give the whole statement, or none.
        let made = member.node.as_text().map(|_| env.value(&member.node));
        if made
            .as_ref()
            .is_some_and(|made| made.as_object().is_some_and(<[_]>::is_empty))
        {
            continue;
        }
        let made = made.and_then(|made| match made.as_unknown() {
            Some(_) => Some(made),
            None => made.get("value").cloned(),
        });
        let value = match (member.node.get("value"), made) {
            (Some(value), _) => env.value(value),
            (None, Some(made)) => made,
            (None, None) => Value::unknown(
                format!("parameter `{}` comes from a key vault", member.name),
                &format!("{{{}}}", member.name),
            ),
        };
        let span = member.node.get("value").unwrap_or(&member.node).span;
        values.insert(member.name.to_ascii_lowercase(), at(value, span));
    }
    values
}

/// Evaluates a template with values of its own.
fn within<'w>(
    env: &Env<'_, 'w>,
    deployment: &Deployment<'w>,
    file: usize,
    template: &'w Node<'w>,
    given: HashMap<String, Given>,
    place: Place,
) -> Value {
    let deepest = env.lowering.limits.template_depth;
    if u64::from(env.frame.depth) >= deepest {
        let message = format!("templates are nested deeper than {deepest} levels, or deploy themselves");
        return lost(env, deployment.node, &message);
    }
    let mut frame = Frame::new(file, template, given, place.scope.clone(), deployment.name.clone());
    frame.depth = env.frame.depth + 1;
    frame.around = env.frame.around.clone();
    frame.around.push(file);
    let inside = Env::new(env.lowering, Rc::new(frame));
    if let Some(list) = template.get("resources") {
        lower::resources(&inside, list, &place, None);
    }
    let outputs = outputs_in(&inside, template);
    // Their places are in the text of that template.
    if file == env.frame.file {
        outputs
    } else {
        outputs.moved(deployment.node.span)
    }
}

fn outputs_in<'w>(env: &Env<'_, 'w>, template: &Node<'w>) -> Value {
    let Some(outputs) = template.get("outputs").and_then(Node::as_object) else {
        return Value::object(Vec::new());
    };
    let mut members: Vec<(Arc<str>, Value)> = Vec::new();
    for output in outputs {
        let value = match (output.node.get("value"), output.node.get("copy")) {
            (Some(value), _) => env.value(value),
            (None, Some(copy)) => env.rounds(copy, None),
            (None, None) => env.refused(&output.node, &Fault::new("an output has no value")),
        };
        members.push((
            Arc::from(output.name.as_ref()),
            Value::object(vec![(Arc::from("value"), value)]),
        ));
    }
    Value::object(members)
}

/// A template in a file of its own.
fn linked<'w>(
    env: &Env<'_, 'w>,
    deployment: &Deployment<'w>,
    properties: &'w Node<'w>,
    link: &'w Node<'w>,
    place: Place,
) -> Value {
    let stated = ["relativePath", "uri", "id"]
        .iter()
        .find_map(|name| link.get(name).map(|node| (*name, env.value(node))));
    let Some((kind, address)) = stated else {
        return lost(env, link, "the link names no template");
    };
    let shown = address.name().map_or_else(String::new, |name| name.to_string());
    if properties.get("parameterValues").is_some() {
        return module(env, deployment, properties, link, &shown, place);
    }
    let here = env.lowering.files.get(env.frame.file).map_or("", |file| file.name);
    let path = match kind {
        "relativePath" => Some(beside(here, &shown)),
        _ => shown
            .strip_prefix(ADDRESS)
            .map(|path| normal(path.split(['?', '{']).next().unwrap_or_default())),
    };
    let Some(path) = path else {
        let message = format!("the linked template `{shown}` is not among the files");
        let help = "what it deploys is not judged; link it by `relativePath` to have it read";
        env.lowering.tell(
            env.frame.file,
            link.span,
            Diagnostic::error("template-elsewhere", message.clone()).help(help),
            true,
        );
        return Value::unknown(message, "{outputs-of-link}");
    };
    let found = env.lowering.catalog.at(&path);
    let template = found
        .and_then(|at| env.lowering.files.get(at))
        .and_then(|file| file.template);
    let (Some(at), Some(template)) = (found, template) else {
        let message = format!("the linked template `{path}` is not among the files given, or is no template");
        let help = "scan the directory that holds both; nothing outside of what is named is read";
        env.lowering.tell(
            env.frame.file,
            link.span,
            Diagnostic::error("template-not-read", message.clone()).help(help),
            true,
        );
        return Value::unknown(message, "{outputs-of-link}");
    };
    env.lowering.linked.borrow_mut().insert(at);
    let given = given(env, properties);
    within(env, deployment, at, template, given, place)
}

/// A template that Bicep names as a module.
fn module<'w>(
    env: &Env<'_, 'w>,
    deployment: &Deployment<'w>,
    properties: &'w Node<'w>,
    link: &'w Node<'w>,
    path: &str,
    place: Place,
) -> Value {
    let found = env.lowering.find(env.frame.file, path).ok();
    let template = found
        .and_then(|at| env.lowering.files.get(at))
        .and_then(|file| file.template);
    let (Some(at), Some(template)) = (found, template) else {
        let (message, help) = match super::is_published(path) {
            true => (
                format!("the module `{path}` is not in the local Bicep cache"),
                "run `bicep restore` and scan again; until then what it deploys is not judged",
            ),
            false => (
                format!("the module `{path}` is not among the files given"),
                "scan the directory that holds both; nothing outside of what is named is read",
            ),
        };
        let diagnostic = Diagnostic::error("module-not-read", message.clone()).help(help);
        env.lowering.tell(env.frame.file, link.span, diagnostic, true);
        return Value::unknown(message, &format!("{{outputs-of-{}}}", path.replace('/', ":")));
    };
    if env.frame.around.contains(&at)
        && env
            .lowering
            .files
            .get(at)
            .is_some_and(|file| file.published_as.is_none())
    {
        let message = format!("the module `{path}` deploys itself");
        let help = "break the circle; what it deploys is judged once";
        let diagnostic = Diagnostic::error("module-cycle", message.clone()).help(help);
        env.lowering.linked.borrow_mut().insert(at);
        env.lowering.tell(env.frame.file, link.span, diagnostic, true);
        return Value::unknown(message, "{outputs}");
    }
    env.lowering.linked.borrow_mut().insert(at);
    let given = given(env, properties);
    within(env, deployment, at, template, given, place)
}

/// A path relative to the directory of a file.
pub fn beside(file: &str, path: &str) -> String {
    let file = file.replace('\\', "/");
    let directory = file.rsplit_once('/').map_or("", |(directory, _)| directory);
    normal(&format!("{directory}/{path}"))
}

/// A path without `.` and, where it can be, without `..`.
pub fn normal(path: &str) -> String {
    let path = path.replace('\\', "/");
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}
