//! What `bicepconfig.json` calls registries and template specs: `br/name:path:tag` and `ts/name:spec:version` in full.

use std::collections::HashMap;

use crate::syntax::{Node, json};

/// What the compiler calls its configuration; the nearest one above a file holds for it.
pub const CONFIGURATION: &str = "bicepconfig.json";

/// Aliases of one configuration, with what stands for each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Aliases {
    registries: HashMap<String, String>,
    specs: HashMap<String, String>,
}

impl Aliases {
    /// Reads a configuration; what is wrong in it declares nothing.
    pub fn read(text: &str) -> Aliases {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let Ok(root) = json::parse_lenient(text, &mut |_| {}) else {
            return Aliases::default();
        };
        let of = |kind: &str, whole: fn(&Node<'_>) -> Option<String>| {
            let members = root
                .get("moduleAliases")
                .and_then(|aliases| aliases.get(kind))
                .and_then(Node::as_object);
            let one = |member: &crate::syntax::Member<'_>| Some((member.name.to_string(), whole(&member.node)?));
            members.unwrap_or_default().iter().filter_map(one).collect()
        };
        Aliases {
            registries: of("br", registry),
            specs: of("ts", spec),
        }
    }

    /// The reference without its alias; `None` where it has none, or one that is not declared here.
    pub fn full(&self, reference: &str) -> Option<String> {
        let of = |rest: &str, aliases: &HashMap<String, String>, kind: &str, between: &str| {
            let (alias, rest) = rest.split_once(':')?;
            Some(format!("{kind}:{}{between}{rest}", aliases.get(alias)?))
        };
        match (reference.strip_prefix("br/"), reference.strip_prefix("ts/")) {
            (Some(rest), _) => of(rest, &self.registries, "br", "/"),
            (_, Some(rest)) => of(rest, &self.specs, "ts", "/"),
            _ => None,
        }
    }
}

fn registry(node: &Node<'_>) -> Option<String> {
    let text = |name: &str| node.get(name).and_then(Node::as_text);
    let registry = text("registry")?;
    Some(match text("modulePath").filter(|path| !path.is_empty()) {
        Some(path) => format!("{registry}/{}", path.trim_matches('/')),
        None => registry.to_owned(),
    })
}

fn spec(node: &Node<'_>) -> Option<String> {
    let text = |name: &str| node.get(name).and_then(Node::as_text);
    Some(format!("{}/{}", text("subscription")?, text("resourceGroup")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aliases_stand_for_registries_and_resource_groups() {
        let aliases = Aliases::read(
            r#"{ // ours
              "moduleAliases": {
                "br": { "team": { "registry": "team.example", "modulePath": "bicep/modules" }, "bare": { "registry": "b.example" } },
                "ts": { "specs": { "subscription": "s", "resourceGroup": "g" } } } }"#,
        );
        let full = |reference: &str| aliases.full(reference);
        assert_eq!(
            full("br/team:net/vnet:1.0").as_deref(),
            Some("br:team.example/bicep/modules/net/vnet:1.0")
        );
        assert_eq!(full("br/bare:a:v1").as_deref(), Some("br:b.example/a:v1"));
        assert_eq!(full("ts/specs:vm:2").as_deref(), Some("ts:s/g/vm:2"));
        assert_eq!(full("br/public:avm/x:1"), None);
        assert_eq!(full("br:x/a:1"), None);
        assert_eq!(Aliases::read("[1").full("br/team:a:1"), None);
    }
}
