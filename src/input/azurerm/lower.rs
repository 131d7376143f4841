//! Instances to ARM resources: each by its row, children into their parents, associations into what they associate.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::identity::{id_of, is_id};
use super::map::{Context, Members, apply};
use super::part;
use super::table::{Is, Row};
use super::{Instance, Lowered, Mode, Remark, Said, Whole, rows};
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
    let mut drafts = Drafts::default();
    let mut parts: Vec<(&'static Row, &Instance)> = Vec::new();
    for instance in instances.iter().filter(|instance| instance.mode == Mode::Managed) {
        let Some(row) = rows::row(&instance.resource_type) else {
            *drafts.unused.entry(instance.resource_type.clone()).or_default() += 1;
            continue;
        };
        match row.is {
            Is::Part { .. } => parts.push((row, instance)),
            Is::Name { .. } => {}
            Is::Resource { .. } | Is::Element { .. } => own(&mut drafts, row, instance),
        }
    }
    for (row, instance) in parts {
        part::take(&mut drafts, row, instance);
    }
    part::settle(&mut drafts);
    part::join_elements(&mut drafts);
    Lowered {
        resources: drafts.all.into_iter().filter(|draft| draft.within.is_none()).map(resource).collect(),
        unused: drafts.unused,
        said: drafts.said,
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
    let context = Context { instance, id: &id };
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
const SUBJECTS: &[&str] = &["Microsoft.Compute/virtualMachines", "Microsoft.Network/networkInterfaces"];

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
    let properties = match draft.perhaps {
        Some(unknown) if !SUBJECTS.contains(&draft.arm) || draft.within.is_some() => {
            Value::from(Kind::Unknown(unknown))
        }
        _ => Value::object(draft.properties),
    };
    members.push((Arc::from("properties"), properties.at(draft.span)));
    Value::object(members).at(draft.span)
}
