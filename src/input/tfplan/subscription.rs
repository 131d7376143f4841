//! Which subscription new resources go to: plans say it nowhere, but the ids of what is there already do.

use std::collections::BTreeMap;

use super::Found;
use super::configuration::Configuration;
use crate::input::arm::expression::Value;
use crate::input::azurerm::Instance;
use crate::model::ResourceId;

/// Gives every instance its subscription: that of its resource group, else the only one there is, else the provider's.
pub fn settle(found: &mut Found, configuration: &Configuration<'_>) {
    let mut of_group: BTreeMap<String, Option<String>> = BTreeMap::new();
    let mut all: Vec<String> = Vec::new();
    for id in found.instances.iter().chain(&found.gone).filter_map(id) {
        let subscription = id.subscription().to_owned();
        let group = id.resource_group().to_ascii_lowercase();
        let known = of_group.entry(group).or_insert_with(|| Some(subscription.clone()));
        if known
            .as_ref()
            .is_some_and(|known| !known.eq_ignore_ascii_case(&subscription))
        {
            *known = None;
        }
        if !all.iter().any(|known| known.eq_ignore_ascii_case(&subscription)) {
            all.push(subscription);
        }
    }
    let stated = configuration.provider_text("subscription_id");
    let only = match all.as_slice() {
        [only] => Some(only.clone()),
        _ => None,
    };
    let general = only.or(stated);
    for instance in found.instances.iter_mut().chain(&mut found.gone) {
        let group = instance.attributes.get("resource_group_name").and_then(Value::as_text);
        let by_group = group.and_then(|group| of_group.get(&group.to_ascii_lowercase()).cloned().flatten());
        let subscription = by_group.or_else(|| general.clone()).filter(|text| !text.is_empty());
        instance.settings.subscription = subscription.map(Value::from);
    }
}

/// The id that Azure has given.
fn id(instance: &Instance) -> Option<ResourceId> {
    let text = instance.attributes.get("id")?.as_text()?;
    Some(ResourceId::new(text)).filter(|id| !id.subscription().is_empty())
}
