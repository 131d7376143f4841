//! Reading one resource: members by name, with a diagnostic for each thing that is not what it should be.
//! Takes the wrapped shape of the REST API and the flattened one of the command line alike.

use std::net::IpAddr;
use std::sync::Arc;

use crate::model::{Known, Origin, ResourceId, Tags, Why, WhyKind};
use crate::net::{AddressRange, ProtocolSet, parse_range};
use crate::source::{Diagnostic, Locator};
use crate::syntax::{Node, Value};

/// An object with its `properties`, if it has any: members are looked up in these first.
#[derive(Clone, Copy)]
pub(super) struct Scope<'n, 't> {
    pub node: &'n Node<'t>,
    properties: Option<&'n Node<'t>>,
}

impl<'n, 't> Scope<'n, 't> {
    pub fn new(node: &'n Node<'t>) -> Self {
        Scope {
            node,
            properties: node.get("properties").filter(|node| node.as_object().is_some()),
        }
    }

    /// A member of `properties` or of the object itself; `null` counts as absent.
    pub fn get(self, name: &str) -> Option<&'n Node<'t>> {
        self.properties
            .and_then(|properties| present(properties, name))
            .or_else(|| present(self.node, name))
    }

    /// A member of the object itself, such as `id` and `name`.
    pub fn own(self, name: &str) -> Option<&'n Node<'t>> {
        present(self.node, name)
    }

    /// A nested object as a scope of its own.
    pub fn object(self, name: &str) -> Option<Scope<'n, 't>> {
        self.get(name).filter(|node| node.as_object().is_some()).map(Scope::new)
    }
}

fn present<'n, 't>(node: &'n Node<'t>, name: &str) -> Option<&'n Node<'t>> {
    node.get(name).filter(|member| !matches!(member.value, Value::Null))
}

/// The state of decoding one resource.
pub(super) struct Reader<'l, 't> {
    pub id: ResourceId,
    pub diagnostics: Vec<Diagnostic>,
    locator: &'l Locator<'t>,
}

impl<'l, 't> Reader<'l, 't> {
    pub fn new(id: ResourceId, locator: &'l Locator<'t>) -> Self {
        Reader {
            id,
            diagnostics: Vec::new(),
            locator,
        }
    }

    pub fn origin(&self, node: &Node<'_>) -> Origin {
        Origin(Some(self.locator.place(node.span.start, node.span.end)))
    }

    /// Records a problem at a node and gives the reason for what is now unknown.
    pub fn problem(&mut self, node: &Node<'_>, code: &str, message: String, help: &str) -> Why {
        let why = Why::new(WhyKind::Unreadable, format!("{message} (in `{}`)", self.id.name()));
        self.report(Diagnostic::error(code, message), node, help);
        why
    }

    pub fn warn(&mut self, node: &Node<'_>, code: &str, message: String, help: &str) {
        self.report(Diagnostic::warning(code, message), node, help);
    }

    fn report(&mut self, diagnostic: Diagnostic, node: &Node<'_>, help: &str) {
        let located = diagnostic
            .about(self.id.as_str())
            .at(self.locator.locate(node.span.start, node.span.end));
        self.diagnostics.push(located.help(help));
    }

    fn wrong_type(&mut self, node: &Node<'_>, name: &str, expected: &str) -> Why {
        if let Value::Unknown(why) = &node.value {
            return why.clone();
        }
        let message = format!("`{name}` is {}, not {expected}", node.kind());
        self.problem(
            node,
            "wrong-type",
            message,
            "check the recording; a list command or a GET gives the right shape",
        )
    }

    /// A text, a number or a boolean as text.
    pub fn known_text(&mut self, scope: Scope<'_, '_>, name: &str) -> Known<Option<Arc<str>>> {
        let Some(node) = scope.get(name) else {
            return Known::Known(None);
        };
        match &node.value {
            Value::Text(text) if text.is_empty() => Known::Known(None),
            Value::Text(text) => Known::Known(Some(Arc::from(text.as_ref()))),
            Value::Number(number) => Known::Known(Some(Arc::from(number.as_ref()))),
            _ => Known::Unknown(self.wrong_type(node, name, "a string")),
        }
    }

    /// As `known_text`; a problem is reported and the text taken as absent. For texts that no verdict needs.
    pub fn text(&mut self, scope: Scope<'_, '_>, name: &str) -> Option<Arc<str>> {
        match self.known_text(scope, name) {
            Known::Known(text) => text,
            Known::Unknown(_) => None,
        }
    }

    pub fn texts(&mut self, scope: Scope<'_, '_>, name: &str) -> Vec<Arc<str>> {
        let nodes: Vec<_> = self.list(scope, name).iter().collect();
        nodes
            .into_iter()
            .filter_map(|node| self.element_text(node, name))
            .collect()
    }

    fn element_text(&mut self, node: &Node<'_>, name: &str) -> Option<Arc<str>> {
        let text = node.as_text().map(Arc::from);
        if text.is_none() {
            self.wrong_type(node, name, "a list of strings");
        }
        text
    }

    /// A boolean, or one spelled as a string; absent or unreadable gives `default`.
    pub fn flag(&mut self, scope: Scope<'_, '_>, name: &str, default: bool) -> bool {
        let Some(node) = scope.get(name) else { return default };
        match &node.value {
            Value::Bool(value) => *value,
            Value::Text(text) if text.eq_ignore_ascii_case("true") => true,
            Value::Text(text) if text.eq_ignore_ascii_case("false") => false,
            _ => {
                self.wrong_type(node, name, "a boolean");
                default
            }
        }
    }

    /// A whole number, or one spelled as a string.
    pub fn integer<T: TryFrom<i64>>(&mut self, scope: Scope<'_, '_>, name: &str) -> Known<Option<T>> {
        let Some(node) = scope.get(name) else {
            return Known::Known(None);
        };
        let digits = match &node.value {
            Value::Number(digits) | Value::Text(digits) => digits,
            _ => return Known::Unknown(self.wrong_type(node, name, "a number")),
        };
        if digits.is_empty() {
            return Known::Known(None);
        }
        match digits
            .trim()
            .parse::<i64>()
            .ok()
            .and_then(|number| T::try_from(number).ok())
        {
            Some(number) => Known::Known(Some(number)),
            None => {
                let message = format!("`{name}` is `{digits}`, which is no number that Azure takes here");
                Known::Unknown(self.problem(node, "wrong-number", message, "correct the number"))
            }
        }
    }

    /// As `integer`, where absent is not allowed.
    pub fn needed<T: TryFrom<i64>>(&mut self, scope: Scope<'_, '_>, name: &str) -> Known<T> {
        match self.integer(scope, name) {
            Known::Known(Some(number)) => Known::Known(number),
            Known::Known(None) => Known::Unknown(self.absent(scope.node, name)),
            Known::Unknown(why) => Known::Unknown(why),
        }
    }

    pub fn absent(&mut self, node: &Node<'_>, name: &str) -> Why {
        self.problem(
            node,
            "missing-field",
            format!("`{name}` is missing"),
            "record the resource whole",
        )
    }

    /// The items of a list; a single object or anything else is reported and gives nothing.
    pub fn list<'n, 'x>(&mut self, scope: Scope<'n, 'x>, name: &str) -> &'n [Node<'x>] {
        let Some(node) = scope.get(name) else { return &[] };
        match node.as_list() {
            Some(items) => items,
            None => {
                self.wrong_type(node, name, "a list");
                &[]
            }
        }
    }

    /// As `list`, where a list that is not one makes the content unknown. `None`: the member is absent.
    pub fn known_list<'n, 'x>(&mut self, scope: Scope<'n, 'x>, name: &str) -> Known<Option<&'n [Node<'x>]>> {
        let Some(node) = scope.get(name) else {
            return Known::Known(None);
        };
        match node.as_list() {
            Some(items) => Known::Known(Some(items)),
            None => Known::Unknown(self.wrong_type(node, name, "a list")),
        }
    }

    /// The id in `{ "id": ... }`, or a bare id.
    pub fn known_reference(&mut self, scope: Scope<'_, '_>, name: &str) -> Known<Option<ResourceId>> {
        let Some(node) = scope.get(name) else {
            return Known::Known(None);
        };
        match self.reference_of(node, name) {
            Ok(id) => Known::Known(Some(id)),
            Err(why) => Known::Unknown(why),
        }
    }

    pub fn reference(&mut self, scope: Scope<'_, '_>, name: &str) -> Option<ResourceId> {
        match self.known_reference(scope, name) {
            Known::Known(id) => id,
            Known::Unknown(_) => None,
        }
    }

    fn reference_of(&mut self, node: &Node<'_>, name: &str) -> Result<ResourceId, Why> {
        let id = if node.as_object().is_some() {
            present(node, "id")
        } else {
            Some(node)
        };
        match id {
            Some(id) if id.as_text().is_some_and(|text| !text.is_empty()) => {
                Ok(ResourceId::new(id.as_text().unwrap_or_default()))
            }
            Some(id) => Err(self.wrong_type(id, name, "a resource id")),
            None => Err(self.problem(
                node,
                "missing-field",
                format!("`{name}` has no `id`"),
                "record it whole",
            )),
        }
    }

    pub fn references(&mut self, scope: Scope<'_, '_>, name: &str) -> Vec<ResourceId> {
        let items: Vec<_> = self.list(scope, name).iter().collect();
        items
            .into_iter()
            .filter_map(|node| self.reference_of(node, name).ok())
            .collect()
    }

    pub fn address(&mut self, scope: Scope<'_, '_>, name: &str) -> Option<IpAddr> {
        let node = scope.get(name)?;
        let text = node.as_text().filter(|text| !text.is_empty())?;
        let parsed = text.trim().parse().ok();
        if parsed.is_none() {
            self.problem(
                node,
                "wrong-address",
                format!("`{text}` is not an IP address"),
                "correct the address",
            );
        }
        parsed
    }

    /// Prefixes given singly, as a list, or both; unknown when one of them cannot be read.
    pub fn prefixes(&mut self, scope: Scope<'_, '_>, names: &[&str]) -> Known<Vec<AddressRange>> {
        let mut ranges = Vec::new();
        for node in names.iter().filter_map(|name| scope.get(name)) {
            let items = node.as_list().unwrap_or(std::slice::from_ref(node));
            for item in items {
                match self.range(item) {
                    Ok(range) => ranges.push(range),
                    Err(why) => return Known::Unknown(why),
                }
            }
        }
        ranges.sort_unstable();
        ranges.dedup();
        Known::Known(ranges)
    }

    pub fn range(&mut self, node: &Node<'_>) -> Result<AddressRange, Why> {
        let Some(text) = node.as_text() else {
            return Err(self.wrong_type(node, "prefix", "an address prefix"));
        };
        match parse_range(text) {
            Ok((range, masked)) => {
                if masked {
                    self.warn(
                        node,
                        "host-bits",
                        format!("`{text}` has host bits set; read as `{range}`"),
                        "write the prefix",
                    );
                }
                Ok(range)
            }
            Err(error) => Err(self.problem(node, "wrong-address", error.to_string(), "correct the prefix")),
        }
    }

    pub fn protocol(&mut self, scope: Scope<'_, '_>, name: &str) -> Known<ProtocolSet> {
        let Some(node) = scope.get(name) else {
            return Known::Unknown(self.absent(scope.node, name));
        };
        self.protocol_of(node, name)
    }

    pub fn protocol_of(&mut self, node: &Node<'_>, name: &str) -> Known<ProtocolSet> {
        let Some(text) = node.as_text() else {
            return Known::Unknown(self.wrong_type(node, name, "a protocol"));
        };
        match ProtocolSet::parse(text) {
            Some(set) => Known::Known(set),
            None => {
                let message = format!("`{text}` is not a protocol");
                Known::Unknown(self.problem(
                    node,
                    "wrong-protocol",
                    message,
                    "use `Tcp`, `Udp`, `Icmp`, `Esp`, `Ah` or `*`",
                ))
            }
        }
    }

    /// A word out of a table, without case.
    pub fn word<T: Copy>(&mut self, scope: Scope<'_, '_>, name: &str, table: &[(&str, T)]) -> Known<T> {
        let Some(node) = scope.get(name) else {
            return Known::Unknown(self.absent(scope.node, name));
        };
        let Some(text) = node.as_text() else {
            return Known::Unknown(self.wrong_type(node, name, "a string"));
        };
        match table.iter().find(|(word, _)| word.eq_ignore_ascii_case(text)) {
            Some((_, value)) => Known::Known(*value),
            None => {
                let words: Vec<String> = table.iter().map(|(word, _)| format!("`{word}`")).collect();
                let message = format!("`{name}` is `{text}`");
                Known::Unknown(self.problem(node, "wrong-word", message, &format!("use {}", words.join(", "))))
            }
        }
    }

    pub fn name(&mut self, scope: Scope<'_, '_>) -> Arc<str> {
        scope
            .own("name")
            .and_then(Node::as_text)
            .map_or_else(|| Arc::from(self.id.name()), Arc::from)
    }

    /// The id of a child object: as stated, or made of the parent's id and the child's name.
    pub fn child_id(&mut self, scope: Scope<'_, '_>, kind: &str) -> ResourceId {
        match scope.own("id").and_then(Node::as_text).filter(|id| !id.is_empty()) {
            Some(id) => ResourceId::new(id),
            None => {
                let name = scope.own("name").and_then(Node::as_text).unwrap_or_default();
                self.id.child(kind, name)
            }
        }
    }

    /// Regions in their short form: `West Europe` and `westeurope` are one.
    pub fn location(&mut self, scope: Scope<'_, '_>) -> Arc<str> {
        let location = self.text(scope, "location").unwrap_or_else(|| Arc::from(""));
        if location.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()) {
            return location;
        }
        let short: String = location.chars().filter(|c| !c.is_whitespace()).collect();
        Arc::from(short.to_ascii_lowercase())
    }

    pub fn tags(&mut self, scope: Scope<'_, '_>) -> Tags {
        let members = scope.own("tags").and_then(Node::as_object).unwrap_or_default();
        let text = |node: &Node<'_>| match &node.value {
            Value::Text(text) | Value::Number(text) => Arc::from(text.as_ref()),
            Value::Bool(value) => Arc::from(value.to_string()),
            _ => Arc::from(""),
        };
        members
            .iter()
            .map(|member| (Arc::from(member.name.as_ref()), text(&member.node)))
            .collect()
    }
}
