//! Previews of deployments (`az deployment ... what-if --no-pretty-print`): the resources as they will be.

use super::super::{Reading, decode, recording};
use super::expression::{self, Kind, Value};
use crate::source::{Diagnostic, Locator};
use crate::syntax::Node;

/// The changes of a preview, if the document is one.
pub fn changes<'n, 't>(root: &'n Node<'t>) -> Option<&'n [Node<'t>]> {
    let list = |node: &'n Node<'t>| node.get("changes").and_then(Node::as_list);
    let found = list(root).or_else(|| root.get("properties").and_then(list))?;
    found
        .iter()
        .any(|change| change.get("changeType").is_some())
        .then_some(found)
}

/// Takes the state after each change in. What the preview could not foresee is said.
pub fn take(reading: &mut Reading, changes: &[Node<'_>], locator: &Locator<'_>) {
    for change in changes {
        let kind = change
            .get("changeType")
            .and_then(Node::as_text)
            .unwrap_or_default()
            .to_ascii_lowercase();
        if kind == "delete" {
            continue;
        }
        let state = ["after", "before"]
            .iter()
            .find_map(|name| change.get(name).filter(|state| state.as_object().is_some()));
        let id = change.get("resourceId").and_then(Node::as_text).unwrap_or_default();
        let Some(state) = state else {
            let message = format!("the preview does not tell what `{id}` will be");
            let location = locator.locate(change.span.start, change.span.end);
            let help = "give the template as well; verdicts that need the resource are undetermined";
            reading.lose(
                Diagnostic::error("what-if-unsupported", message)
                    .at(location)
                    .help(help),
            );
            continue;
        };
        let value = resource(state, id);
        let node = value.node();
        let mut diagnostics = Vec::new();
        let decoded = decode(&node, locator, &mut diagnostics);
        recording::take(reading, decoded, diagnostics);
    }
}

/// The resource with its id. Expressions that the preview left in it are unknown.
fn resource(state: &Node<'_>, id: &str) -> Value {
    let value = settled(&Value::literal(state));
    let mut members = value.as_object().unwrap_or_default().to_vec();
    if value.get("id").is_none() {
        members.push(("id".into(), id.into()));
    }
    Value::object(members).at(state.span)
}

fn settled(value: &Value) -> Value {
    let kind = match &value.kind {
        Kind::Text(text) if expression::inside(text).is_some_and(|inside| inside.contains('(')) => {
            return Value::unknown(format!("the preview leaves `{text}` open"), "{expression}").at(value.span);
        }
        Kind::List(items) => Kind::List(items.iter().map(settled).collect::<Vec<_>>().into()),
        Kind::Object(members) => {
            let settled = members.iter().map(|(name, value)| (name.clone(), settled(value)));
            Kind::Object(settled.collect::<Vec<_>>().into())
        }
        kind => kind.clone(),
    };
    Value { kind, span: value.span }
}
