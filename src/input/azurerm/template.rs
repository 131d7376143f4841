//! `azurerm_resource_group_template_deployment`: an ARM template within Terraform, for the reader of templates.

use super::identity::{open, subscription};
use super::lower::Drafts;
use super::{Instance, Remark};
use crate::input::arm;
use crate::input::arm::expression::{Kind, Value};
use crate::input::arm::scope::Scope;
use crate::source::Diagnostic;

/// Terraform types that deploy templates: their argument with the template, that with the values of its parameters,
/// and whether they deploy to a resource group.
const DEPLOYMENTS: &[(&str, &str, &str, bool)] = &[
    (
        "azurerm_resource_group_template_deployment",
        "template_content",
        "parameters_content",
        true,
    ),
    (
        "azurerm_subscription_template_deployment",
        "template_content",
        "parameters_content",
        false,
    ),
    ("azurerm_template_deployment", "template_body", "parameters_body", true),
];

/// Other types that deploy what is written in ARM's own notation, and that are not read.
const UNREAD: &[&str] = &[
    "azurerm_management_group_template_deployment",
    "azurerm_tenant_template_deployment",
];

/// Whether an instance deploys a template; then it is taken.
pub fn take(drafts: &mut Drafts, instance: &Instance) -> bool {
    let of_type = |(name, ..): &&(&str, &str, &str, bool)| *name == &*instance.resource_type;
    if let Some((_, template, parameters, in_group)) = DEPLOYMENTS.iter().find(of_type) {
        deploy(drafts, instance, template, parameters, *in_group);
        return true;
    }
    if UNREAD.contains(&&*instance.resource_type) {
        lost(drafts, instance, "is not read by this version");
        return true;
    }
    false
}

fn lost(drafts: &mut Drafts, instance: &Instance, why: &str) {
    let message = format!("what `{}` deploys {why}", instance.address);
    let help = "give the template itself as well, or a recording of what it deployed";
    drafts.say(
        instance.span(),
        Diagnostic::error("template-not-read", message).help(help),
        true,
    );
}

fn deploy(drafts: &mut Drafts, instance: &Instance, template: &str, parameters: &str, in_group: bool) {
    let Some(content) = instance.attributes.get(template) else {
        return lost(drafts, instance, "is a template that is kept elsewhere");
    };
    let Some(text) = content.as_text() else {
        return lost(drafts, instance, "is not known");
    };
    let values = match instance.attributes.get(parameters) {
        Some(value) if value.as_text().is_some() => value.as_text().cloned(),
        _ => None,
    };
    let group = instance.attributes.get("resource_group_name");
    let scope = Scope {
        subscription: Some(subscription(instance)),
        group: in_group.then(|| {
            let stated = group.filter(|group| group.name().is_some());
            stated.cloned().unwrap_or_else(|| open(instance, "resource_group_name"))
        }),
    };
    match arm::lower_inline(text, values.as_deref(), scope) {
        Ok(inline) => {
            for (resource_type, count) in inline.unused {
                *drafts.unused.entry(resource_type).or_default() += count;
            }
            for said in inline.said {
                drafts.said.push(Remark {
                    span: content.span,
                    diagnostic: said.0,
                    lost: said.1,
                });
            }
            for resource in inline.resources {
                take_resource(drafts, instance, &resource.moved(content.span));
            }
        }
        Err(why) => lost(drafts, instance, &format!("cannot be read: {why}")),
    }
}

/// A template's resource is whole: it goes to the decoder as it is.
fn take_resource(drafts: &mut Drafts, instance: &Instance, resource: &Value) {
    let Some(unknown) = &instance.perhaps else {
        return drafts.ready.push(resource.clone());
    };
    let kept = ["id", "name", "type", "location", "tags"];
    let mut members = resource.as_object().unwrap_or_default().to_vec();
    members.retain(|(name, _)| kept.iter().any(|kept| name.eq_ignore_ascii_case(kept)));
    members.push(("properties".into(), Value::from(Kind::Unknown(unknown.clone()))));
    drafts.ready.push(Value::object(members).at(resource.span));
}
