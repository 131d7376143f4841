//! Reading one resource: members by name, with a diagnostic for each thing that is not what it should be.
//! Takes the wrapped shape of the REST API and the flattened one of the command line alike.

use std::net::IpAddr;
use std::sync::{Arc, LazyLock};

use crate::model::{Known, Origin, ResourceId, Tags, Why, WhyKind};
use crate::net::{AddressRange, ProtocolSet, parse_range};
use crate::source::{Diagnostic, Locator};
use crate::syntax::{Node, Span, Value};

/// An object with its `properties`, if it has any: members are looked up in these first.
#[derive(Clone, Copy)]
pub(super) struct Scope<'n, 't> {
    pub node: &'n Node<'t>,
    properties: Option<&'n Node<'t>>,
}

/// What stands for every member of something that should be an object and is not: no member is absent there.
static UNREADABLE: LazyLock<Node<'static>> = LazyLock::new(|| {
    let why = Why::new(WhyKind::Unreadable, "a part of the record is not an object");
    Node {
        value: Value::Unknown(why),
        span: Span::default(),
    }
});

impl<'n, 't> Scope<'n, 't> {
    pub fn new(node: &'n Node<'t>) -> Self {
        Scope {
            node,
            properties: present(node, "properties"),
        }
    }

    /// Whichever of the object and its `properties` is not an object.
    fn broken(self) -> Option<&'n Node<'t>> {
        [Some(self.node), self.properties]
            .into_iter()
            .flatten()
            .find(|node| node.as_object().is_none())
    }

    /// A member of `properties` or of the object itself; `null` counts as absent.
    pub fn get(self, name: &str) -> Option<&'n Node<'t>> {
        if let Some(broken) = self.broken() {
            return Some(if matches!(broken.value, Value::Unknown(_)) {
                broken
            } else {
                &UNREADABLE
            });
        }
        self.properties
            .and_then(|properties| present(properties, name))
            .or_else(|| present(self.node, name))
    }

    /// A member of the object itself, such as `id` and `name`.
    pub fn own(self, name: &str) -> Option<&'n Node<'t>> {
        present(self.node, name)
    }

    /// A nested object as a scope of its own; whatever else stands there is a scope of which nothing is known.
    pub fn object(self, name: &str) -> Option<Scope<'n, 't>> {
        self.get(name).map(Scope::new)
    }
}

fn present<'n, 't>(node: &'n Node<'t>, name: &str) -> Option<&'n Node<'t>> {
    node.get(name).filter(|member| !matches!(member.value, Value::Null))
}

const SHAPE: &str = "check the recording; a list command or a GET gives the right shape";

/// The state of decoding one resource.
pub(super) struct Reader<'l, 't> {
    pub id: ResourceId,
    pub diagnostics: Vec<Diagnostic>,
    /// The first thing since the last look that could not be read and left no unknown behind in its place.
    lost: Option<Why>,
    locator: &'l Locator<'t>,
}

impl<'l, 't> Reader<'l, 't> {
    pub fn new(id: ResourceId, locator: &'l Locator<'t>) -> Self {
        Reader {
            id,
            diagnostics: Vec::new(),
            lost: None,
            locator,
        }
    }

    pub fn origin(&self, node: &Node<'_>) -> Origin {
        Origin(self.locator.stated(node.span.start, node.span.end))
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

    pub fn wrong_type(&mut self, node: &Node<'_>, name: &str, expected: &str) -> Why {
        if let Value::Unknown(why) = &node.value {
            return why.clone();
        }
        let message = format!("`{name}` is {}, not {expected}", node.kind());
        self.problem(node, "wrong-type", message, SHAPE)
    }

    /// An object of a list or of a member, with a diagnostic where it is none.
    pub fn scope<'n, 'x>(&mut self, node: &'n Node<'x>) -> Scope<'n, 'x> {
        let scope = Scope::new(node);
        if let Some(broken) = scope.broken() {
            let name = if std::ptr::eq(broken, node) {
                "an element"
            } else {
                "`properties`"
            };
            if !matches!(broken.value, Value::Unknown(_)) {
                let message = format!("{name} is {}, not an object", broken.kind());
                self.problem(broken, "wrong-type", message, SHAPE);
            }
        }
        scope
    }

    /// The objects of a list.
    pub fn scopes<'n, 'x>(&mut self, scope: Scope<'n, 'x>, name: &str) -> Vec<Scope<'n, 'x>> {
        self.list(scope, name).iter().map(|node| self.scope(node)).collect()
    }

    /// A nested object, with a diagnostic where it is none.
    pub fn object<'n, 'x>(&mut self, scope: Scope<'n, 'x>, name: &str) -> Option<Scope<'n, 'x>> {
        let node = scope.get(name)?;
        if node.as_object().is_none() {
            self.wrong_type(node, name, "an object");
        }
        Some(Scope::new(node))
    }

    /// Why a record that should state something states nothing but its identity.
    pub fn bare(&mut self, scope: Scope<'_, '_>) -> Option<Why> {
        const IDENTITY: &[&str] = &[
            "id",
            "name",
            "type",
            "etag",
            "location",
            "tags",
            "resourceGroup",
            "properties",
        ];
        let empty = |node: &Node<'_>| node.as_object().is_some_and(<[_]>::is_empty);
        let says = |name: &str| !IDENTITY.iter().any(|identity| identity.eq_ignore_ascii_case(name));
        let own = scope.node.as_object()?.iter().any(|member| says(&member.name));
        let bare = !own && scope.properties.is_none_or(empty);
        let name = self.name(scope);
        bare.then(|| Why::not_in_input(&format!("what `{}` says of `{name}`", self.id.name())))
    }

    /// Notes that something was passed over that a verdict may need.
    pub fn lose(&mut self, why: Why) {
        self.lost.get_or_insert(why);
    }

    /// What was passed over since the last look.
    pub fn take_lost(&mut self) -> Option<Why> {
        self.lost.take()
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
            let why = self.wrong_type(node, name, "a list of strings");
            self.lose(why);
        }
        text
    }

    /// A boolean, or one spelled as a string; absent or unreadable gives `default`.
    pub fn flag(&mut self, scope: Scope<'_, '_>, name: &str, default: bool) -> bool {
        self.known_flag(scope, name, default)
            .known()
            .copied()
            .unwrap_or(default)
    }

    /// As `flag`, for those that verdicts need.
    pub fn known_flag(&mut self, scope: Scope<'_, '_>, name: &str, default: bool) -> Known<bool> {
        let Some(node) = scope.get(name) else {
            return Known::Known(default);
        };
        match &node.value {
            Value::Bool(value) => Known::Known(*value),
            Value::Text(text) if text.eq_ignore_ascii_case("true") => Known::Known(true),
            Value::Text(text) if text.eq_ignore_ascii_case("false") => Known::Known(false),
            _ => Known::Unknown(self.wrong_type(node, name, "a boolean")),
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
                let why = self.wrong_type(node, name, "a list");
                self.lose(why);
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
            Known::Unknown(why) => {
                self.lose(why);
                None
            }
        }
    }

    fn reference_of(&mut self, node: &Node<'_>, name: &str) -> Result<ResourceId, Why> {
        let id = if node.as_object().is_some() {
            present(node, "id")
        } else {
            Some(node)
        };
        match id {
            Some(id) if id.as_text().is_some_and(|text| text.trim_start().starts_with('/')) => {
                Ok(ResourceId::new(id.as_text().unwrap_or_default()))
            }
            Some(Node {
                value: Value::Text(text),
                ..
            }) => {
                let message = format!("`{name}` is `{text}`, which is no resource id");
                Err(self.problem(
                    node,
                    "wrong-id",
                    message,
                    "give the id that Azure returns, which starts with `/`",
                ))
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
        let mut ids = Vec::new();
        for node in self.list(scope, name) {
            match self.reference_of(node, name) {
                Ok(id) => ids.push(id),
                Err(why) => self.lose(why),
            }
        }
        ids
    }

    pub fn address(&mut self, scope: Scope<'_, '_>, name: &str) -> Option<IpAddr> {
        let node = scope.get(name)?;
        let why = match node.as_text().map(str::trim) {
            Some("") => return None,
            Some(text) => match text.parse() {
                Ok(address) => return Some(address),
                Err(_) => self.problem(
                    node,
                    "wrong-address",
                    format!("`{text}` is not an IP address"),
                    "correct the address",
                ),
            },
            None => self.wrong_type(node, name, "an IP address"),
        };
        self.lose(why);
        None
    }

    /// Prefixes given singly, as a list, or both; unknown when none is given or one of them cannot be read.
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
        if ranges.is_empty() {
            return Known::Unknown(Why::not_in_input(&format!("a prefix of `{}`", self.id.name())));
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
        if let Some(node) = scope.own("id") {
            match node.as_text().map(str::trim_start) {
                Some("") => {}
                Some(id) if id.starts_with('/') => return ResourceId::new(id),
                _ => {
                    let message = format!("the `id` of one of the `{kind}` is no resource id");
                    self.problem(
                        node,
                        "wrong-id",
                        message,
                        "give the id that Azure returns, which starts with `/`",
                    );
                }
            }
        }
        let name = scope.own("name").and_then(Node::as_text).unwrap_or_default();
        self.id.child(kind, name)
    }

    /// Regions in their short form: `West Europe` and `westeurope` are one.
    pub fn location(&mut self, scope: Scope<'_, '_>) -> Arc<str> {
        Self::short_region(self.text(scope, "location").unwrap_or_else(|| Arc::from("")))
    }

    /// The short form of a region's name.
    pub fn short_region(location: Arc<str>) -> Arc<str> {
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
