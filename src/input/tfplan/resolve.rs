//! What a plan leaves unknown although it says where the value comes from: ids of resources that it will make.
//! References are followed through variables and outputs of modules, to instances of `count` and `for_each`.

use std::collections::HashMap;
use std::sync::Arc;

use super::address::{Address, Step, steps};
use super::configuration::{Configuration, bare, references};
use crate::input::arm::expression::{Kind, Value};
use crate::input::azurerm::{Instance, Mode, computed, is_settled};
use crate::syntax::{Node, Value as Json};

/// Ids may be made of ids that are made of ids.
const ROUNDS: usize = 8;

/// Modules through which a reference is followed.
const DEPTH: usize = 32;

struct Resolver<'i, 'c, 't> {
    instances: &'i [Instance],
    /// By the address without the key of the resource itself.
    by_name: &'i HashMap<String, Vec<usize>>,
    by_address: &'i HashMap<String, usize>,
    configuration: &'c Configuration<'t>,
}

/// Replaces unknown attributes by what they refer to.
pub fn settle(instances: &mut [Instance], configuration: &Configuration<'_>) {
    if configuration.root.is_none() {
        return;
    }
    let expressions = configuration.resources();
    let addresses: Vec<Address> = instances
        .iter()
        .map(|instance| Address::parse(&instance.address))
        .collect();
    let mut by_name: HashMap<String, Vec<usize>> = HashMap::new();
    let mut by_address: HashMap<String, usize> = HashMap::new();
    for (at, address) in addresses.iter().enumerate() {
        by_name
            .entry(keyless(&address.modules, &address.rest))
            .or_default()
            .push(at);
        let key = address.key().unwrap_or_default();
        by_address.insert(keyed(&address.modules, &address.rest, key), at);
    }
    let open: Vec<usize> = (0..instances.len())
        .filter(|at| instances.get(*at).is_some_and(|one| one.attributes.open().is_some()))
        .collect();
    for _ in 0..ROUNDS {
        let resolver = Resolver {
            instances,
            by_name: &by_name,
            by_address: &by_address,
            configuration,
        };
        let changed: Vec<(usize, Value)> = open
            .iter()
            .filter_map(|at| {
                let address = addresses.get(*at)?;
                let expressions = expressions.get(&bare(address))?;
                let value = resolver.patched(&instances.get(*at)?.attributes, expressions, address, "")?;
                Some((*at, value))
            })
            .collect();
        if changed.is_empty() {
            return;
        }
        for (at, value) in changed {
            if let Some(instance) = instances.get_mut(at) {
                instance.attributes = value;
            }
        }
    }
}

impl Resolver<'_, '_, '_> {
    /// The value with what could be found; `None` where nothing could.
    fn patched(&self, value: &Value, expression: &Node<'_>, of: &Address, name: &str) -> Option<Value> {
        match &value.kind {
            Kind::Unknown(unknown) => {
                let found = self.found(expression, of, name)?;
                let same = found.as_unknown().is_some_and(|found| found.symbol == unknown.symbol);
                (!same).then(|| found.moved(value.span))
            }
            Kind::Object(members) => {
                let mut changed = false;
                let patch = |(name, member): &(Arc<str>, Value)| {
                    let patched = expression
                        .get(name)
                        .and_then(|expression| self.patched(member, expression, of, name));
                    changed |= patched.is_some();
                    (name.clone(), patched.unwrap_or_else(|| member.clone()))
                };
                let members: Vec<(Arc<str>, Value)> = members.iter().map(patch).collect();
                changed.then(|| Value::object(members).at(value.span))
            }
            Kind::List(items) => self.patched_list(items, value, expression, of, name),
            _ => None,
        }
    }

    fn patched_list(
        &self,
        items: &[Value],
        value: &Value,
        expression: &Node<'_>,
        of: &Address,
        name: &str,
    ) -> Option<Value> {
        let mut changed = false;
        let patched: Vec<Value> = match &expression.value {
            // Blocks, each with expressions of its own.
            Json::List(expressions) if expressions.len() == items.len() => {
                let patch = |(item, expression): (&Value, &Node<'_>)| {
                    let patched = self.patched(item, expression, of, name);
                    changed |= patched.is_some();
                    patched.unwrap_or_else(|| item.clone())
                };
                items.iter().zip(expressions).map(patch).collect()
            }
            Json::Object(_) if items.iter().any(|item| item.as_unknown().is_some()) => {
                let found = match self.found(expression, of, name)?.kind {
                    Kind::List(found) => found.to_vec(),
                    kind => vec![Value::from(kind)],
                };
                if found.len() != items.len() {
                    return None;
                }
                let patch = |(item, found): (&Value, &Value)| {
                    let better = item.as_unknown().is_some() && found.as_unknown().is_none_or(|found| found.is_id());
                    changed |=
                        better && item.as_unknown().map(|item| &item.symbol) != found.as_unknown().map(|f| &f.symbol);
                    if better { found.moved(item.span) } else { item.clone() }
                };
                items.iter().zip(&found).map(patch).collect()
            }
            _ => return None,
        };
        changed.then(|| Value::from(patched).at(value.span))
    }

    /// What an expression refers to: one value, or a list where the argument takes one.
    fn found(&self, expression: &Node<'_>, of: &Address, name: &str) -> Option<Value> {
        let all = references(expression);
        let by_key = all
            .iter()
            .any(|one| one.starts_with("each.") || one.starts_with("count."));
        let targets: Vec<&str> = all.into_iter().filter(|one| !is_aside(one)).collect();
        let one = |target: &str| {
            let asked = Asked {
                modules: &of.modules,
                key: of.key(),
                by_key,
                argument: name,
            };
            self.target(target, &asked, 0)
        };
        let takes_list = name.ends_with("_ids") || name == "address_prefixes" || name == "address_space";
        match targets.as_slice() {
            [] => None,
            [target] => match one(target)? {
                found if takes_list && found.as_list().is_none() => Some(Value::from(vec![found])),
                found => Some(found),
            },
            targets if takes_list => targets
                .iter()
                .map(|target| one(target))
                .collect::<Option<Vec<_>>>()
                .map(Value::from),
            _ => None,
        }
    }

    fn target(&self, target: &str, asked: &Asked<'_>, depth: usize) -> Option<Value> {
        if depth > DEPTH {
            return None;
        }
        let steps = steps(target);
        match steps.first()?.name.as_str() {
            "var" => self.variable(steps.get(1)?, asked, depth),
            "module" => self.output(&steps, asked, depth),
            _ => self.resource(&steps, asked),
        }
    }

    /// What the caller of the module gives to a variable.
    fn variable(&self, step: &Step, asked: &Asked<'_>, depth: usize) -> Option<Value> {
        let (last, outer) = asked.modules.split_last()?;
        let call = self.configuration.call(asked.modules)?;
        let expression = call.get("expressions")?.get(&step.name)?;
        let asked = Asked {
            modules: outer,
            key: last.key.as_deref(),
            ..*asked
        };
        self.follow(expression, &asked, depth)
    }

    /// What a module gives out.
    fn output(&self, steps: &[Step], asked: &Asked<'_>, depth: usize) -> Option<Value> {
        let (call, output) = (steps.get(1)?, steps.get(2)?);
        let mut modules = asked.modules.to_vec();
        let key = call.key.clone().filter(|key| key != "*");
        let key = key.or_else(|| asked.key.filter(|_| asked.by_key).map(str::to_owned));
        modules.push(Step {
            name: call.name.clone(),
            key: key.clone(),
        });
        let module = self.configuration.module(&modules)?;
        let expression = module.get("outputs")?.get(&output.name)?.get("expression")?;
        // A call without `count` has no key, whatever asks for it.
        let is_keyed = self
            .configuration
            .call(&modules)
            .is_some_and(|call| call.get("count_expression").is_some() || call.get("for_each_expression").is_some());
        if let Some(last) = modules.last_mut().filter(|_| !is_keyed) {
            last.key = None;
        }
        let asked = Asked {
            modules: &modules,
            key: None,
            by_key: false,
            argument: asked.argument,
        };
        self.follow(expression, &asked, depth)
    }

    fn follow(&self, expression: &Node<'_>, asked: &Asked<'_>, depth: usize) -> Option<Value> {
        if let Some(constant) = expression.get("constant_value") {
            return Some(Value::literal(constant));
        }
        let all = references(expression);
        let by_key = all
            .iter()
            .any(|one| one.starts_with("each.") || one.starts_with("count."));
        let targets: Vec<&str> = all.into_iter().filter(|one| !is_aside(one)).collect();
        match targets.as_slice() {
            [target] => self.target(target, &Asked { by_key, ..*asked }, depth + 1),
            _ => None,
        }
    }

    /// An attribute of the resource that is referred to.
    fn resource(&self, steps: &[Step], asked: &Asked<'_>) -> Option<Value> {
        let is_data = steps.first()?.name == "data";
        let (path, attributes) = steps.split_at_checked(if is_data { 3 } else { 2 })?;
        let key = path.last()?.key.as_deref();
        let candidates = self.by_name.get(&keyless(asked.modules, path))?;
        let with_key = |wanted: &str| self.by_address.get(&keyed(asked.modules, path, wanted)).copied();
        if key == Some("*") {
            return self.each(candidates, attributes, asked);
        }
        let chosen = match (key, candidates.as_slice()) {
            (Some(key), _) => with_key(key),
            (None, [only]) => Some(*only),
            (None, _) if asked.by_key => asked.key.and_then(with_key),
            (None, _) if asked.argument.ends_with("_ids") => return self.each(candidates, attributes, asked),
            (None, _) => None,
        };
        self.attribute(chosen?, attributes, asked)
    }

    fn each(&self, candidates: &[usize], attributes: &[Step], asked: &Asked<'_>) -> Option<Value> {
        let all: Option<Vec<Value>> = candidates
            .iter()
            .map(|at| self.attribute(*at, attributes, asked))
            .collect();
        all.map(Value::from)
    }

    fn attribute(&self, at: usize, attributes: &[Step], asked: &Asked<'_>) -> Option<Value> {
        let instance = self.instances.get(at)?;
        // A reference with a computed key is cut before the attribute: the argument tells which one it is.
        let guessed = [Step {
            name: if asked.argument.ends_with("_name") {
                "name"
            } else {
                "id"
            }
            .to_owned(),
            key: None,
        }];
        let is_named =
            asked.argument.ends_with("_id") || asked.argument.ends_with("_ids") || asked.argument.ends_with("_name");
        let attributes = match attributes {
            [] if is_named => &guessed,
            [] => return None,
            stated => stated,
        };
        if attributes.first()?.name == "id" && !is_settled(instance) {
            return None;
        }
        if instance.mode == Mode::Data
            && instance.attributes.open().is_some()
            && instance.attributes.get("name").is_none()
        {
            return None;
        }
        let mut value = computed(instance);
        for step in attributes {
            value = value.get(&step.name)?.clone();
            if let Some(key) = &step.key {
                value = match key.parse::<usize>() {
                    Ok(at) => value.as_list()?.get(at)?.clone(),
                    Err(_) => value.get(key)?.clone(),
                };
            }
        }
        Some(value)
    }
}

/// The address of a resource with the keys of its modules, without its own.
fn keyless(modules: &[Step], rest: &[Step]) -> String {
    let modules = modules.iter().map(|step| match &step.key {
        Some(key) => format!("module.{}[{key}].", step.name),
        None => format!("module.{}.", step.name),
    });
    let rest: Vec<&str> = rest.iter().map(|step| step.name.as_str()).collect();
    modules.collect::<String>() + &rest.join(".")
}

fn keyed(modules: &[Step], rest: &[Step], key: &str) -> String {
    keyless(modules, rest) + "[" + key + "]"
}

/// Who asks for a value.
#[derive(Clone, Copy)]
struct Asked<'a> {
    modules: &'a [Step],
    /// The key of the instance that asks.
    key: Option<&'a str>,
    /// Whether the key chooses what is referred to.
    by_key: bool,
    /// The argument that is asked for.
    argument: &'a str,
}

/// What chooses, and is no value of its own.
fn is_aside(reference: &str) -> bool {
    ["each.", "count.", "path.", "terraform.", "self."]
        .iter()
        .any(|start| reference.starts_with(start))
}
