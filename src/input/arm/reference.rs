//! What `reference` and symbolic names tell of the resources that the template itself declares: who they are, and the
//! properties that they state. What a template does not state is known only when it is deployed.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use super::deployment;
use super::expression::{Fault, Kind, Step, Value, element};
use super::frame::{Copies, Env, runtime};
use super::lower::{self, Identity};
use super::scope::resource_id;
use crate::syntax::{Node, Value as Json};

/// One declared resource in one round of its loop.
#[derive(Clone)]
pub struct Declared<'w> {
    node: &'w Node<'w>,
    copies: Option<Rc<Copies>>,
    /// Under which its values are remembered.
    key: String,
}

/// Resources by id, without case; `None` while they are being found.
pub type Index<'w> = Option<HashMap<String, Declared<'w>>>;

/// `name` or `name[index]` in two.
fn symbol_parts(symbol: &str) -> (&str, Option<&str>) {
    match symbol.strip_suffix(']').and_then(|rest| rest.split_once('[')) {
        Some((name, index)) => (name, Some(index)),
        None => (symbol, None),
    }
}

impl<'e, 'w> Env<'e, 'w> {
    /// A resource by its symbolic name.
    fn symbolic(&self, symbol: &str) -> Option<Declared<'w>> {
        let resources = self.frame.template.get("resources")?;
        resources.as_object()?;
        let (name, index) = symbol_parts(symbol);
        let node = resources.get(name)?;
        let copies = match (node.get("copy"), index) {
            (Some(copy), Some(index)) => Some(Rc::new(self.round(copy, index.parse::<i64>().ok()?)?)),
            _ => None,
        };
        Some(Declared {
            node,
            copies,
            key: symbol.to_ascii_lowercase(),
        })
    }

    /// One round of a loop over resources, by its number.
    fn round(&self, copy: &'w Node<'w>, index: i64) -> Option<Copies> {
        let outside = Env::new(self.lowering, self.frame.clone());
        let mut copies = outside.copies_of(copy, index.into(), None);
        if let Some(items) = copy.get("items") {
            let items = outside.value(items);
            copies.item = match &items.kind {
                Kind::List(items) => items.get(usize::try_from(index).ok()?).cloned(),
                Kind::Unknown(_) => element(&items, &index.into(), false).ok(),
                _ => None,
            };
        }
        Some(copies)
    }

    fn surroundings(&self, declared: &Declared<'w>) -> Env<'e, 'w> {
        let mut env = Env::new(self.lowering, self.frame.clone());
        env.copies = declared.copies.clone();
        env
    }

    /// A resource of this template by its id, without case.
    fn by_id(&self, id: &str) -> Option<Declared<'w>> {
        let frame = &self.frame;
        if let Some(index) = frame.index.borrow().as_ref() {
            return index.as_ref()?.get(&id.to_ascii_lowercase()).cloned();
        }
        // Names may ask for resources in their turn; those find none.
        *frame.index.borrow_mut() = Some(None);
        let index = self.lowering.fuel.quietly(|| self.indexed());
        let found = index.get(&id.to_ascii_lowercase()).cloned();
        *frame.index.borrow_mut() = Some(Some(index));
        found
    }

    fn indexed(&self) -> HashMap<String, Declared<'w>> {
        let mut index = HashMap::new();
        let nodes: Vec<&'w Node<'w>> = match self.frame.template.get("resources").map(|list| &list.value) {
            Some(Json::List(items)) => items.iter().collect(),
            Some(Json::Object(members)) => members.iter().map(|member| &member.node).collect(),
            _ => Vec::new(),
        };
        let env = Env::new(self.lowering, self.frame.clone());
        let place = lower::Place {
            scope: self.frame.scope.clone(),
            perhaps: None,
        };
        for node in nodes {
            if node.get("existing").is_some() || node.get("type").is_none() {
                continue;
            }
            for (env, ..) in lower::copies(&env, node, &place) {
                let identity = lower::identity(&env, node, &self.frame.scope, None);
                let Some(id) = identity.id.name() else { continue };
                let key = id.to_ascii_lowercase();
                let copies = env.copies.clone();
                index.entry(key.clone()).or_insert(Declared { node, copies, key });
            }
        }
        index
    }

    /// What is at a path below `reference`: outputs of deployments, and what resources of this template state.
    pub fn referenced_path(&self, arguments: &[Value], path: &[Step]) -> Option<Result<Value, Fault>> {
        let wanted = arguments.first()?;
        let name = wanted.name()?;
        let full = is_full(arguments);
        let deployment = self.frame.deployments.borrow().get(&name.to_ascii_lowercase()).cloned();
        if let Some(deployment) = deployment {
            let safe = path.first().is_some_and(|step| step.safe);
            if safe && deployment::is_absent(self, &deployment) {
                return Some(Ok(Value::null()));
            }
            if !matches!(path.first().map(|step| &step.key.kind), Some(Kind::Text(key)) if full && is_own(key)) {
                return None;
            }
        }
        let declared = match wanted.as_text() {
            Some(text) => self.symbolic(text).or_else(|| self.by_id(text)),
            // An id of which parts are open is still one id.
            None if wanted.as_unknown().is_some_and(|unknown| unknown.is_id()) => self.by_id(name),
            None => None,
        };
        let open = || Ok(self.open_path(arguments, path));
        let Some(declared) = declared else { return Some(open()) };
        Some(self.stated(&declared, path, full).map_or_else(open, Ok))
    }

    /// What nobody can tell before it is deployed.
    fn open_path(&self, arguments: &[Value], path: &[Step]) -> Value {
        path.iter().fold(runtime("reference", arguments), |value, step| {
            element(&value, &step.key, step.safe).unwrap_or(value)
        })
    }

    fn stated(&self, declared: &Declared<'w>, path: &[Step], full: bool) -> Option<Value> {
        let text = |step: &Step| step.key.as_text().cloned();
        let (first, rest) = match full {
            true => (text(path.first()?)?, path.get(1..)?),
            false => (Arc::from("properties"), path),
        };
        if full && is_own(&first) {
            return self.info_of(declared).get(&first).cloned();
        }
        let mut value = self.member_of(declared, &first)?;
        for (at, step) in rest.iter().enumerate() {
            if value.as_unknown().is_some() {
                return rest
                    .get(at..)?
                    .iter()
                    .try_fold(value, |value, step| element(&value, &step.key, step.safe).ok());
            }
            value = element(&value, &step.key, false).ok()?;
        }
        (!matches!(value.kind, Kind::Null)).then_some(value)
    }

    /// The value of one member of a declared resource, evaluated once. What needs itself is not stated.
    fn member_of(&self, declared: &Declared<'w>, name: &str) -> Option<Value> {
        if declared.node.get("existing").is_some() || declared.node.get("...").is_some() {
            return None;
        }
        let node = declared.node.get(name)?;
        let key = format!("{}|{}", declared.key, name.to_ascii_lowercase());
        if let Some(known) = self.frame.declared.borrow().get(&key) {
            return known.clone();
        }
        self.frame.declared.borrow_mut().insert(key.clone(), None);
        let env = self.surroundings(declared);
        let mut value = env.value(node);
        if name.eq_ignore_ascii_case("properties") {
            let identity = lower::identity(&env, declared.node, &self.frame.scope, None);
            value = with_ids(value, &identity);
        }
        self.frame.declared.borrow_mut().insert(key, Some(value.clone()));
        Some(value)
    }

    fn info_of(&self, declared: &Declared<'w>) -> Value {
        let env = self.surroundings(declared);
        let node = declared.node;
        let identity = lower::identity(&env, node, &self.frame.scope, None);
        let version = node.get("apiVersion").map_or_else(Value::null, |node| env.value(node));
        Value::object(vec![
            (Arc::from("id"), identity.id),
            (Arc::from("name"), identity.stated),
            (Arc::from("type"), Kind::Text(identity.resource_type).into()),
            (Arc::from("apiVersion"), version),
        ])
    }

    /// Identity of a resource by its symbolic name, `name` or `name[index]`.
    pub fn resource_info(&self, arguments: &[Value]) -> Result<Value, Fault> {
        let Some(symbol) = arguments.first() else {
            return Err(Fault::new("`resourceInfo` takes a symbolic name"));
        };
        if symbol.as_unknown().is_some() {
            return Ok(runtime("resourceInfo", arguments));
        }
        let missing = |symbol: &str| Fault::new(format!("there is no resource with the symbolic name `{symbol}`"));
        let symbol = symbol.name().ok_or_else(|| missing(""))?;
        let declared = self.symbolic(symbol).ok_or_else(|| missing(symbol))?;
        Ok(self.info_of(&declared))
    }

    /// The resource that a symbolic name stands for, as the parent of another.
    pub fn identity_of(&self, symbol: &str) -> Option<Identity> {
        let declared = self.symbolic(symbol)?;
        let env = self.surroundings(&declared);
        Some(lower::identity(&env, declared.node, &self.frame.scope, None))
    }
}

fn is_full(arguments: &[Value]) -> bool {
    let third = arguments.get(2).and_then(Value::as_text);
    third.is_some_and(|text| text.eq_ignore_ascii_case("full"))
}

/// Members that a resource has whatever it states.
fn is_own(name: &str) -> bool {
    ["id", "name", "type", "apiVersion"]
        .iter()
        .any(|own| own.eq_ignore_ascii_case(name))
}

/// The properties with the ids that the service gives to the parts of a network resource.
fn with_ids(properties: Value, identity: &Identity) -> Value {
    let network = identity
        .resource_type
        .to_ascii_lowercase()
        .starts_with("microsoft.network/");
    let Some(members) = properties.as_object().filter(|_| network) else {
        return properties;
    };
    let named = |list: &Arc<str>, value: &Value| match &value.kind {
        Kind::List(items) => {
            let items: Vec<Value> = items.iter().map(|item| with_id(item, list, identity)).collect();
            Value::from(items).at(value.span)
        }
        _ => value.clone(),
    };
    let members = members.iter().map(|(name, value)| (name.clone(), named(name, value)));
    Value::object(members.collect()).at(properties.span)
}

fn with_id(item: &Value, list: &str, identity: &Identity) -> Value {
    let (Some(members), Some(name)) = (item.as_object(), item.get("name")) else {
        return item.clone();
    };
    if item.get("id").is_some() || name.name().is_none() {
        return item.clone();
    }
    let mut names = identity.names.clone();
    names.push(name.clone());
    let id = resource_id(&identity.base, &format!("{}/{list}", identity.resource_type), &names);
    let mut members = members.to_vec();
    members.push((Arc::from("id"), id));
    Value::object(members).at(item.span)
}
