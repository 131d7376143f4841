//! Instances to ARM resources: each by its row, children into their parents, associations into what they associate.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::identity::{id_of, is_id};
use super::map::{Context, Members, apply};
use super::table::{Is, ROOT, Row};
use super::{Instance, Lowered, Mode, Remark, Said, Whole, azapi, part, rows, template};
use crate::input::arm::expression::{Kind, Unknown, Value};
use crate::source::Diagnostic;
use crate::syntax::Span;

/// An ARM resource, or an element of one, while its facts are gathered.
pub struct Draft {
    pub id: Arc<str>,
    /// As ARM spells it; of an element, that of what it is an element of.
    pub arm: &'static str,
    pub root: Members,
    pub properties: Members,
    pub span: Span,
    pub perhaps: Option<Unknown>,
    pub whole: Whole,
    pub said: Said,
    /// The list of the parent that it is an element of.
    pub within: Option<&'static str>,
    /// Its address in the configuration; empty for what only associations name.
    pub address: Arc<str>,
}

/// Everything that is gathered.
#[derive(Default)]
pub struct Drafts {
    pub all: Vec<Draft>,
    /// By id in lower case.
    by_id: HashMap<String, usize>,
    pub unused: BTreeMap<Arc<str>, u64>,
    pub said: Vec<Remark>,
    /// Resources that are whole as they are.
    pub ready: Vec<Value>,
}

impl Drafts {
    pub fn find(&mut self, id: &str) -> Option<&mut Draft> {
        let at = *self.by_id.get(&id.to_ascii_lowercase())?;
        self.all.get_mut(at)
    }

    pub fn position(&self, id: &str) -> Option<usize> {
        self.by_id.get(&id.to_ascii_lowercase()).copied()
    }

    pub fn add(&mut self, draft: Draft) {
        self.by_id
            .entry(draft.id.to_ascii_lowercase())
            .or_insert(self.all.len());
        self.all.push(draft);
    }

    pub fn say(&mut self, span: Span, diagnostic: Diagnostic, lost: bool) {
        self.said.push(Remark { span, diagnostic, lost });
    }
}

/// Lowers the instances of one configuration: a root module with all that it calls, a plan, or a state.
pub fn lower(instances: &[Instance]) -> Lowered {
    lower_without(instances, &[])
}

/// As [`lower`], where some resources are gone: what others still tell of them is not believed.
pub fn lower_without(instances: &[Instance], gone: &[Instance]) -> Lowered {
    let mut drafts = Drafts::default();
    let mut later: Vec<&Instance> = Vec::new();
    let (managed, read): (Vec<&Instance>, Vec<&Instance>) =
        instances.iter().partition(|instance| instance.mode == Mode::Managed);
    for instance in managed {
        match rows::row(&instance.resource_type) {
            Some(row) if matches!(row.is, Is::Part { .. }) => later.push(instance),
            Some(row) => own(&mut drafts, row, instance),
            None => foreign(&mut drafts, instance, &mut later),
        }
    }
    for instance in read {
        observed(&mut drafts, instance);
    }
    for instance in later {
        match rows::row(&instance.resource_type) {
            Some(row) => part::take(&mut drafts, row, instance),
            None => azapi::update(&mut drafts, instance),
        }
    }
    part::prefer_own(&mut drafts, gone);
    part::settle(&mut drafts);
    part::join_elements(&mut drafts);
    let attached_here = drafts.all.iter().any(part::is_attachable);
    let mut resources: Vec<Value> = Vec::with_capacity(drafts.all.len());
    let whole = drafts.all.into_iter().filter(|draft| draft.within.is_none());
    resources.extend(whole.map(resource));
    resources.extend(drafts.ready);
    Lowered {
        resources,
        unused: drafts.unused,
        said: drafts.said,
        attached_here,
    }
}

/// What other providers and templates make.
fn foreign<'i>(drafts: &mut Drafts, instance: &'i Instance, later: &mut Vec<&'i Instance>) {
    match &*instance.resource_type {
        azapi::RESOURCE => azapi::take(drafts, instance),
        azapi::UPDATE => later.push(instance),
        _ if template::take(drafts, instance) => {}
        _ => *drafts.unused.entry(instance.resource_type.clone()).or_default() += 1,
    }
}

/// Data sources that tell of a resource what the decoder needs, once they have been read.
const OBSERVED: &[&str] = &[
    "azurerm_subnet",
    "azurerm_network_security_group",
    "azurerm_route_table",
    "azurerm_public_ip",
];

/// Takes what a data source was answered.
fn observed(drafts: &mut Drafts, instance: &Instance) {
    if instance.said != Said::Recorded || !OBSERVED.contains(&&*instance.resource_type) {
        return;
    }
    let Some(row) = rows::row(&instance.resource_type) else {
        return;
    };
    let answered = instance.attributes.get("id").and_then(Value::as_text);
    if let Some(id) = answered
        && drafts.find(id).is_none()
    {
        own(drafts, row, instance);
    }
}

/// Drafts what an instance says of itself.
fn own(drafts: &mut Drafts, row: &'static Row, instance: &Instance) {
    let (arm, within) = match &row.is {
        Is::Resource { arm, .. } => (*arm, None),
        Is::Element { of, list, .. } => (*of, Some(*list)),
        Is::Part { .. } | Is::Name { .. } => return,
    };
    let Some(id) = id_of(row, instance) else { return };
    let Some(id_text) = id.name().filter(|_| is_id(&id)).cloned() else {
        return;
    };
    let (mut root, mut properties) = (Members::new(), Members::new());
    let context = Context { instance };
    if within.is_none() {
        apply(ROOT, &instance.attributes, &context, &mut root, &mut properties);
    }
    apply(row.fields, &instance.attributes, &context, &mut root, &mut properties);
    drafts.add(Draft {
        id: id_text,
        arm,
        root,
        properties,
        span: instance.span(),
        perhaps: instance.perhaps.clone(),
        whole: instance.whole,
        said: instance.said,
        within,
        address: instance.address.clone(),
    });
}

/// Subjects of verdicts: they are judged as if they existed.
const SUBJECTS: &[&str] = &[
    "Microsoft.Compute/virtualMachines",
    "Microsoft.Network/networkInterfaces",
];

/// The ARM object of a draft. All that it says is open as long as it is open whether it exists.
pub fn resource(draft: Draft) -> Value {
    let name = draft.id.rsplit('/').next().unwrap_or_default();
    let mut members: Members = vec![
        (Arc::from("id"), Value::from(&*draft.id)),
        (Arc::from("name"), Value::from(name)),
    ];
    if draft.within.is_none() {
        members.push((Arc::from("type"), Value::from(draft.arm)));
    }
    let said = |name: &str| ["id", "name", "type"].iter().any(|own| own.eq_ignore_ascii_case(name));
    members.extend(draft.root.into_iter().filter(|(name, _)| !said(name)));
    let is_subject = SUBJECTS.iter().any(|arm| arm.eq_ignore_ascii_case(draft.arm));
    let properties = match draft.perhaps {
        Some(unknown) if !is_subject || draft.within.is_some() || draft.said == Said::Torn => {
            Value::from(Kind::Unknown(unknown))
        }
        _ => Value::object(draft.properties),
    };
    members.push((Arc::from("properties"), properties.at(draft.span)));
    Value::object(members).at(draft.span)
}
