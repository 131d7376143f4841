//! What Terraform states apart from what it is a part of: associations, and elements of lists.

use std::sync::Arc;

use super::identity::{id_of, is_id};
use super::lower::{Draft, Drafts, resource};
use super::map::{Context, Members, apply, put};
use super::table::{Is, Onto, Row};
use super::{Instance, Said, Whole, rows};
use crate::input::arm::expression::{Kind, Unknown, Value};
use crate::model::{Why, WhyKind};
use crate::source::Diagnostic;
use crate::syntax::Span;

/// Takes an association into what it associates.
pub fn take(drafts: &mut Drafts, row: &'static Row, instance: &Instance) {
    let Is::Part { of, id, onto } = &row.is else { return };
    let target = instance.attributes.get(id).cloned().unwrap_or_else(Value::null);
    let facts = facts(row, instance);
    let Some(text) = target.name().filter(|_| is_id(&target)) else {
        return somewhere(drafts, of, onto, instance, &facts);
    };
    if drafts.find(text).is_none() {
        if *of != SUBNET {
            return elsewhere(drafts, instance, text);
        }
        drafts.add(stub(text, instance));
    }
    let Some(draft) = drafts.find(text) else { return };
    match onto {
        Onto::Itself => state_all(&mut draft.properties, facts, instance.span()),
        Onto::EachConfiguration => configurations(draft, &facts, instance, |block| {
            let version = block.get("privateIPAddressVersion").and_then(Value::as_text);
            version.is_none_or(|version| !version.eq_ignore_ascii_case("IPv6"))
        }),
        Onto::NamedConfiguration(argument) => {
            let wanted = instance.attributes.get(argument).and_then(Value::name).cloned();
            configurations(draft, &facts, instance, |block| {
                let own = block.get("name").and_then(Value::name);
                wanted.is_none() || own == wanted.as_ref()
            });
        }
    }
}

const SUBNET: &str = "Microsoft.Network/virtualNetworks/subnets";
const INTERFACE: &str = "Microsoft.Network/networkInterfaces";

/// The facts of an association; open as long as it is open whether it exists.
fn facts(row: &Row, instance: &Instance) -> Members {
    let (mut root, mut facts) = (Members::new(), Members::new());
    let context = Context { instance };
    apply(row.fields, &instance.attributes, &context, &mut root, &mut facts);
    if let Some(unknown) = &instance.perhaps {
        for (_, fact) in &mut facts {
            let open = Value::from(Kind::Unknown(unknown.clone())).at(fact.span);
            *fact = if fact.as_list().is_some() {
                Value::from(vec![open]).at(fact.span)
            } else {
                open
            };
        }
    }
    facts
}

/// States facts that nothing else may state otherwise.
fn state_all(properties: &mut Members, facts: Members, span: Span) {
    for (name, fact) in facts {
        let stated = properties
            .iter()
            .position(|(known, value)| *known == name && !matches!(value.kind, Kind::Null | Kind::List(_)));
        match stated.and_then(|at| properties.get_mut(at)) {
            Some((_, present)) if present.same(&fact) == Some(true) => {}
            Some((_, present)) => {
                let text = format!("two associations state `{name}` in different words");
                let why = Why::new(WhyKind::Conflict, text);
                *present = unknown(why).at(fact.span);
            }
            None => put(properties, &name, fact, span),
        }
    }
}

fn unknown(why: Why) -> Value {
    Value::from(Unknown {
        why,
        symbol: Arc::from("{associations}"),
        exact: false,
    })
}

/// Adds facts to ip configurations of an interface.
fn configurations(draft: &mut Draft, facts: &Members, instance: &Instance, fits: impl Fn(&Value) -> bool) {
    let found = draft
        .properties
        .iter_mut()
        .find(|(name, _)| &**name == "ipConfigurations");
    let Some((
        _,
        Value {
            kind: Kind::List(items),
            ..
        },
    )) = found
    else {
        return;
    };
    for block in Arc::make_mut(items) {
        let fits = fits(block);
        if let Kind::Object(members) = &mut block.kind
            && fits
        {
            for (name, fact) in facts {
                put(Arc::make_mut(members), name, fact.clone(), instance.span());
            }
        }
    }
}

/// An association of something that is not in the configuration.
fn elsewhere(drafts: &mut Drafts, instance: &Instance, id: &str) {
    let name = id.rsplit('/').next().unwrap_or_default();
    let message = format!(
        "`{}` is for `{name}`, which is not in the configuration",
        instance.address
    );
    let help = "give the configuration or the state that has it as well";
    drafts.say(
        instance.span(),
        Diagnostic::note("association-elsewhere", message).help(help),
        false,
    );
}

/// An association of nobody knows what: of anything of the type that has none.
fn somewhere(drafts: &mut Drafts, of: &str, onto: &Onto, instance: &Instance, facts: &Members) {
    let why = Why::new(
        WhyKind::Open,
        format!("`{}` associates something that is not known", instance.address),
    );
    let open = |fact: &Value| {
        let open = unknown(why.clone()).at(instance.span());
        match fact.as_list() {
            Some(_) => Value::from(vec![open]).at(instance.span()),
            None => open,
        }
    };
    let facts: Members = facts.iter().map(|(name, fact)| (name.clone(), open(fact))).collect();
    let is_of = |draft: &&mut Draft| draft.arm.eq_ignore_ascii_case(of) && draft.within.is_none();
    for draft in drafts.all.iter_mut().filter(is_of) {
        if !matches!(onto, Onto::Itself) {
            configurations(draft, &facts, instance, |_| true);
            continue;
        }
        for (name, fact) in &facts {
            let stated = draft.properties.iter().any(|(known, _)| known == name);
            if !stated || fact.as_list().is_some() {
                put(&mut draft.properties, name, fact.clone(), instance.span());
            }
        }
    }
}

/// A subnet of which only its associations are known.
fn stub(id: &str, instance: &Instance) -> Draft {
    Draft {
        id: Arc::from(id),
        arm: SUBNET,
        root: Members::new(),
        properties: Members::new(),
        span: instance.span(),
        perhaps: None,
        whole: Whole::ModuleAlone,
        said: Said::Source,
        within: None,
        address: Arc::from(""),
    }
}

/// What of a subnet and an interface associations state, wherever these are.
const ATTACHED: &[(&str, &[&str])] = &[
    (SUBNET, &["networkSecurityGroup", "routeTable"]),
    (INTERFACE, &["networkSecurityGroup"]),
];

/// Lists that are empty where a configuration leaves them out.
const WHOLE: &[(&str, &str)] = &[
    ("Microsoft.Network/networkSecurityGroups", "securityRules"),
    ("Microsoft.Network/routeTables", "routes"),
];

/// Whether another configuration could attach something to it.
pub fn is_attachable(draft: &Draft) -> bool {
    draft.whole == Whole::Root
        && draft.within.is_none()
        && ATTACHED.iter().any(|(arm, _)| arm.eq_ignore_ascii_case(draft.arm))
}

/// What a plan or a state tells of a child within its parent is older than what the child itself says, and may be gone.
pub fn prefer_own(drafts: &mut Drafts, gone: &[Instance]) {
    let mut children: Vec<(String, String, String)> = Vec::new();
    let gone = gone.iter().filter_map(|instance| {
        let row = rows::row(&instance.resource_type)?;
        id_of(row, instance)?.name().map(|id| id.to_string())
    });
    let own = drafts.all.iter().map(|draft| draft.id.to_string());
    for id in own.chain(gone) {
        let mut segments = id.rsplitn(3, '/');
        if let (Some(name), Some(kind), Some(parent)) = (segments.next(), segments.next(), segments.next())
            && drafts.position(parent).is_some()
        {
            children.push((parent.to_owned(), kind.to_owned(), name.to_owned()));
        }
    }
    for (parent, kind, name) in children {
        let Some(parent) = drafts.find(&parent).filter(|parent| parent.said == Said::Recorded) else {
            continue;
        };
        let list = parent
            .properties
            .iter_mut()
            .find(|(known, _)| known.eq_ignore_ascii_case(&kind));
        match list.map(|(_, list)| &mut list.kind) {
            Some(Kind::List(items)) => {
                let named = |item: &Value| item.get("name").and_then(Value::as_text).cloned();
                Arc::make_mut(items).retain(|item| !named(item).is_some_and(|own| own.eq_ignore_ascii_case(&name)));
            }
            // Known only when it exists, since its elements are stated apart: azurerm takes them here or there.
            Some(open @ Kind::Unknown(_)) => *open = Kind::List(Arc::default()),
            _ => {}
        }
    }
}

/// Settles what is stated nowhere: nothing in a root module, unknown where callers may say it.
pub fn settle(drafts: &mut Drafts) {
    for draft in &mut drafts.all {
        for (_, list) in WHOLE
            .iter()
            .filter(|(arm, _)| arm.eq_ignore_ascii_case(draft.arm) && draft.within.is_none())
        {
            if !draft.properties.iter().any(|(name, _)| &**name == *list) {
                draft
                    .properties
                    .push((Arc::from(*list), Value::from(Vec::new()).at(draft.span)));
            }
        }
        if draft.whole == Whole::Root {
            continue;
        }
        for (_, names) in ATTACHED
            .iter()
            .filter(|(arm, _)| arm.eq_ignore_ascii_case(draft.arm) && draft.within.is_none())
        {
            for name in *names {
                if !draft.properties.iter().any(|(known, _)| **known == **name) {
                    let open = unknown(unattached(draft, name)).at(draft.span);
                    draft.properties.push((Arc::from(*name), open));
                }
            }
        }
    }
}

fn unattached(draft: &Draft, what: &str) -> Why {
    let name = draft.id.rsplit('/').next().unwrap_or_default();
    let what = if what == "routeTable" {
        "route table"
    } else {
        "network security group"
    };
    let text = match draft.address.is_empty() {
        true => format!("the {what} of `{name}` is not in the input"),
        false => format!("which {what} `{name}` gets is for the caller of the module to say, who is not in the input"),
    };
    Why::new(WhyKind::NotInInput, text)
}

/// Moves elements into the lists of their parents, the deepest first.
pub fn join_elements(drafts: &mut Drafts) {
    let mut elements: Vec<usize> = (0..drafts.all.len())
        .filter(|at| drafts.all.get(*at).is_some_and(|draft| draft.within.is_some()))
        .collect();
    elements.sort_by_key(|at| std::cmp::Reverse(drafts.all.get(*at).map_or(0, |draft| draft.id.matches('/').count())));
    for at in elements {
        join(drafts, at);
    }
}

fn join(drafts: &mut Drafts, at: usize) {
    let Some(element) = drafts.all.get_mut(at) else { return };
    let Some(list) = element.within else { return };
    let taken = Draft {
        id: element.id.clone(),
        arm: element.arm,
        root: std::mem::take(&mut element.root),
        properties: std::mem::take(&mut element.properties),
        span: element.span,
        perhaps: element.perhaps.clone(),
        whole: element.whole,
        said: element.said,
        within: element.within,
        address: element.address.clone(),
    };
    let parent = taken.id.rsplitn(3, '/').nth(2).unwrap_or_default().to_owned();
    let (span, address) = (taken.span, taken.address.clone());
    let value = resource(taken);
    match drafts.find(&parent) {
        Some(parent) => put(
            &mut parent.properties,
            list,
            Value::from(vec![value]).at(span),
            parent.span,
        ),
        None => {
            let name = parent.rsplit('/').next().unwrap_or_default();
            let message = format!("`{address}` is a part of `{name}`, which is not in the configuration");
            let help = "give the configuration or the state that has it as well; until then it is not judged";
            drafts.say(span, Diagnostic::warning("part-elsewhere", message).help(help), false);
        }
    }
}
