//! The configuration that a plan carries: which argument refers to what. Its values are gone, its references are not.

use std::collections::HashMap;

use super::address::{Address, Step};
use super::entry::node;
use crate::syntax::json::JsonError;
use crate::syntax::{Node, Span, Value};

#[derive(Default)]
pub struct Configuration<'t> {
    pub root: Option<Node<'t>>,
    pub variables: Option<Node<'t>>,
}

impl<'t> Configuration<'t> {
    pub fn read(text: &'t str, root: Option<Span>, variables: Option<Span>) -> Result<Self, JsonError> {
        Ok(Configuration {
            root: node(text, root)?,
            variables: node(text, variables)?,
        })
    }

    /// The module that calls lead to.
    pub fn module(&self, modules: &[Step]) -> Option<&Node<'t>> {
        let mut module = self.root.as_ref()?.get("root_module")?;
        for step in modules {
            module = module.get("module_calls")?.get(&step.name)?.get("module")?;
        }
        Some(module)
    }

    /// The call of the last of these modules.
    pub fn call(&self, modules: &[Step]) -> Option<&Node<'t>> {
        let (last, outer) = modules.split_last()?;
        self.module(outer)?.get("module_calls")?.get(&last.name)
    }

    /// A text that the configuration of a provider states: a constant, or the value of a variable of the root.
    pub fn provider_text(&self, argument: &str) -> Option<String> {
        let providers = self.root.as_ref()?.get("provider_config")?.as_object()?;
        let mut stated = providers.iter().filter_map(|provider| {
            let name = provider.node.get("name").and_then(Node::as_text)?;
            let stated = provider.node.get("expressions")?.get(argument)?;
            (name == "azurerm").then(|| self.text(stated))?
        });
        let first = stated.next()?;
        stated.all(|other| other == first).then_some(first)
    }

    fn text(&self, expression: &Node<'_>) -> Option<String> {
        if let Some(constant) = expression.get("constant_value") {
            return constant.as_text().map(str::to_owned);
        }
        let reference = expression.get("references")?.as_list()?.first()?.as_text()?;
        let variable = reference.strip_prefix("var.")?;
        let value = self.variables.as_ref()?.get(variable)?.get("value")?;
        value.as_text().map(str::to_owned)
    }

    /// The expressions of every resource, by the modules without keys and the address within them.
    pub fn resources(&self) -> HashMap<String, &Node<'t>> {
        let mut found = HashMap::new();
        if let Some(root) = self.root.as_ref().and_then(|root| root.get("root_module")) {
            collect(root, "", &mut found, 0);
        }
        found
    }
}

/// Deepest nesting of modules.
const DEPTH: usize = 64;

fn collect<'n, 't>(module: &'n Node<'t>, path: &str, found: &mut HashMap<String, &'n Node<'t>>, depth: usize) {
    for resource in module.get("resources").and_then(Node::as_list).unwrap_or_default() {
        let address = resource.get("address").and_then(Node::as_text);
        if let (Some(address), Some(expressions)) = (address, resource.get("expressions")) {
            found.insert(format!("{path}{address}"), expressions);
        }
    }
    let calls = module.get("module_calls").and_then(Node::as_object).unwrap_or_default();
    for call in calls.iter().filter(|_| depth < DEPTH) {
        if let Some(inner) = call.node.get("module") {
            collect(inner, &format!("{path}module.{}.", call.name), found, depth + 1);
        }
    }
}

/// The address of a resource without any key, as the configuration names it.
pub fn bare(address: &Address) -> String {
    let modules = address.modules.iter().map(|step| format!("module.{}.", step.name));
    let rest: Vec<&str> = address.rest.iter().map(|step| step.name.as_str()).collect();
    modules.collect::<String>() + &rest.join(".")
}

/// What an expression refers to, without what only leads to it: of `a.b.id`, `a.b` the first.
pub fn references<'n>(expression: &'n Node<'_>) -> Vec<&'n str> {
    let all: Vec<&str> = match expression.get("references").map(|list| &list.value) {
        Some(Value::List(items)) => items.iter().filter_map(Node::as_text).collect(),
        _ => return Vec::new(),
    };
    let leads = |shorter: &str, longer: &str| {
        let rest = longer.strip_prefix(shorter);
        rest.is_some_and(|rest| rest.starts_with(['.', '[']))
    };
    let mut kept: Vec<&str> = Vec::new();
    for one in &all {
        if !all.iter().any(|other| leads(one, other)) && !kept.contains(one) {
            kept.push(one);
        }
    }
    kept
}
