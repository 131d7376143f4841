//! What the provider of a resource is told: the subscription, and by its version which defaults hold.

use std::rc::Rc;
use std::sync::Arc;

use super::bridge::placed;
use super::module::Module;
use crate::input::azurerm::Settings;
use crate::input::terraform::configuration::Provider;
use crate::input::terraform::language::{Kind, Unknown};
use crate::input::terraform::syntax::{Block, Expression, Kind as Tree};

/// The settings of the provider that a resource names, or whose name its type begins with.
pub fn settings(module: &Rc<Module<'_>>, kind: &str, block: &Block) -> Settings {
    let named = block
        .body
        .attribute("provider")
        .and_then(|attribute| attribute.value.as_reference());
    let (name, alias) = match named.as_deref() {
        Some([name]) => (name.clone(), None),
        Some([name, alias, ..]) => (name.clone(), Some(alias.clone())),
        _ => (Arc::from(kind.split('_').next().unwrap_or(kind)), None),
    };
    let subscription = subscription(module, &name, alias.as_ref());
    Settings {
        subscription: subscription.or_else(|| module.root.subscription.as_ref().map(|value| placed(value, block.span))),
        major: major(module, &name),
    }
}

fn subscription(
    module: &Rc<Module<'_>>,
    name: &Arc<str>,
    alias: Option<&Arc<str>>,
) -> Option<crate::input::arm::expression::Value> {
    let own = |provider: &&Provider| provider.name == *name && provider.alias.as_ref() == alias;
    if let Some(provider) = module.configuration.providers.iter().find(own) {
        let attribute = provider.body.attribute("subscription_id")?;
        let value = module.value(&attribute.value, &super::module::Each::default());
        return match value.kind {
            Kind::Null => None,
            // A subscription is no secret, whatever the variable is called that holds it.
            Kind::Text(_) | Kind::Unknown(_) => Some(placed(&value.unmarked(), attribute.value.span)),
            _ => None,
        };
    }
    let caller = module.caller.as_ref()?;
    match passed(&caller.call.block, name, alias) {
        Some((name, alias)) => subscription(&caller.module, &name, alias.as_ref()),
        None if alias.is_none() => subscription(&caller.module, name, None),
        None => {
            let shown = format!("{name}.{}", alias.map_or("", |alias| alias));
            let unknown = Unknown::new(format!("the provider `{shown}` is passed by nobody"), &shown);
            Some(placed(&unknown.into(), block_span(&caller.call.block)))
        }
    }
}

fn block_span(block: &Block) -> crate::syntax::Span {
    block.head
}

/// What `providers = { azurerm.hub = azurerm.west }` gives for a name of the called module.
fn passed(block: &Block, name: &Arc<str>, alias: Option<&Arc<str>>) -> Option<(Arc<str>, Option<Arc<str>>)> {
    let Tree::Object(members) = &block.body.attribute("providers")?.value.kind else {
        return None;
    };
    let wanted: Vec<Arc<str>> = std::iter::once(name.clone()).chain(alias.cloned()).collect();
    let given = |(key, value): &(Expression, Expression)| {
        (key.as_reference().as_deref() == Some(&wanted)).then(|| value.as_reference())?
    };
    match members.iter().find_map(given)?.as_slice() {
        [name] => Some((name.clone(), None)),
        [name, alias, ..] => Some((name.clone(), Some(alias.clone()))),
        [] => None,
    }
}

/// The major version that all constraints on the way to the root leave, where they leave one.
fn major(module: &Rc<Module<'_>>, name: &Arc<str>) -> Option<u32> {
    let own = module.configuration.requirements.get(name);
    let own = own.and_then(|requirement| major_of(requirement.version.as_deref()?));
    own.or_else(|| major(&module.caller.as_ref()?.module, name))
}

/// The only major version that a constraint such as `~> 3.80` or `>= 3.0, < 4.0` admits.
pub fn major_of(constraint: &str) -> Option<u32> {
    let mut least: Option<u32> = None;
    let mut below: Option<u32> = None;
    for part in constraint.split(',') {
        let part = part.trim();
        let (sign, version) = part.split_at(part.find(|one: char| one.is_ascii_digit()).unwrap_or(part.len()));
        let numbers: Vec<u32> = version
            .split(['.', '-'])
            .map_while(|number| number.parse().ok())
            .collect();
        let major = *numbers.first()?;
        let zeros = numbers.iter().skip(1).all(|number| *number == 0);
        match sign.trim() {
            "" | "=" => return Some(major),
            "~>" if numbers.len() > 1 => return Some(major),
            "~>" | ">=" | ">" => least = Some(least.unwrap_or(0).max(major)),
            "<" if zeros => below = Some(below.unwrap_or(u32::MAX).min(major)),
            "<" | "<=" => below = Some(below.unwrap_or(u32::MAX).min(major.saturating_add(1))),
            _ => {}
        }
    }
    let (least, below) = (least?, below?);
    (least.checked_add(1) == Some(below)).then_some(least)
}
