//! What a SARIF log says about the tool: its rules, the standards they bear on, and the kinds of notification.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::json;
use sha2::{Digest, Sha256};

use crate::report::sarif::log::{
    Component, ComponentReference, Configuration, Descriptor, DescriptorReference, Message, Relationship, Tool,
};
use crate::report::{MappedBy, Mapping, Report, RuleInfo, text};
use crate::rule::Severity;

/// The rule of results that stand for what could not be read.
pub const UNREAD_RULE: &str = "portcullis/unread";
/// The notification that says how many results were left out.
pub const CUT: &str = "results-cut";
/// The notification of a subscription that was not read whole.
pub const INCOMPLETE: &str = "incomplete-subscription";

/// GitHub refuses a rule with more than 20 tags and shows 10.
const MOST_TAGS: usize = 10;
/// GitHub shows so many characters of a description.
const DESCRIPTION_COLUMNS: usize = 1_000;

/// One framework with the controls that any rule names.
struct Taxonomy<'r> {
    title: &'r str,
    controls: BTreeSet<&'r str>,
    by: BTreeSet<MappedBy>,
}

/// The rules and taxonomies of one log, with the indexes by which results and rules refer to them.
pub struct Catalog<'r> {
    report: &'r Report,
    taxonomies: BTreeMap<&'r str, Taxonomy<'r>>,
    rule_index: HashMap<&'r str, usize>,
    notification_index: BTreeMap<&'r str, usize>,
}

impl<'r> Catalog<'r> {
    pub fn of(report: &'r Report) -> Self {
        let mut rule_index: HashMap<&str, usize> = report
            .rules
            .iter()
            .enumerate()
            .map(|(index, rule)| (&*rule.id, index))
            .collect();
        rule_index.insert(UNREAD_RULE, report.rules.len());
        let codes: BTreeSet<&str> = report
            .diagnostics
            .iter()
            .map(|diagnostic| &*diagnostic.code)
            .chain([CUT, INCOMPLETE])
            .collect();
        let notification_index = codes
            .into_iter()
            .enumerate()
            .map(|(index, code)| (code, index))
            .collect();
        Catalog {
            report,
            taxonomies: taxonomies(report),
            rule_index,
            notification_index,
        }
    }

    pub fn rule_index(&self, rule: &str) -> Option<usize> {
        self.rule_index.get(rule).copied()
    }

    pub fn notification(&self, code: &'r str) -> DescriptorReference<'r> {
        DescriptorReference {
            id: text::line(code),
            index: self.notification_index.get(code).copied(),
            tool_component: None,
        }
    }

    pub fn tool(&self) -> Tool<'r> {
        let rules = self
            .report
            .rules
            .iter()
            .map(|rule| self.rule(rule))
            .chain([unread_rule()])
            .collect();
        let information_uri = [env!("CARGO_PKG_HOMEPAGE"), env!("CARGO_PKG_REPOSITORY")]
            .into_iter()
            .find(|uri| is_link(uri));
        let kinds = self.notification_index.keys();
        Tool {
            driver: Component {
                name: "Portcullis".into(),
                semantic_version: Some((&*self.report.tool.version).into()),
                information_uri,
                rules,
                notifications: kinds
                    .map(|code| Descriptor {
                        id: text::line(code),
                        ..Default::default()
                    })
                    .collect(),
                supported_taxonomies: self.taxonomies.keys().map(|framework| reference(framework)).collect(),
                ..Default::default()
            },
        }
    }

    pub fn taxonomies(&self) -> Vec<Component<'r>> {
        self.taxonomies
            .iter()
            .map(|(framework, taxonomy)| component(framework, taxonomy))
            .collect()
    }

    fn rule(&self, rule: &'r RuleInfo) -> Descriptor<'r> {
        let why = text::shorten(&rule.why, DESCRIPTION_COLUMNS);
        Descriptor {
            id: text::line(&rule.id),
            name: Some(pascal_case(&rule.id)),
            short_description: Some(Message::plain(text::line(&rule.title))),
            full_description: Some(Message {
                text: plain(&why).into(),
                markdown: Some(why),
            }),
            help: Some(help(rule)),
            help_uri: rule.references.iter().map(|uri| &**uri).find(|uri| is_link(uri)),
            default_configuration: Some(Configuration {
                level: level(rule.severity),
            }),
            relationships: rule
                .standards
                .iter()
                .flat_map(|mapping| self.relationships(mapping))
                .collect(),
            properties: rule_properties(rule),
        }
    }

    fn relationships(&self, mapping: &'r Mapping) -> impl Iterator<Item = Relationship<'r>> {
        mapping.controls.iter().filter_map(|control| {
            let taxonomy = self.taxonomies.get(&*mapping.framework)?;
            let index = taxonomy.controls.iter().position(|known| **known == **control)?;
            let tool_component = Some(reference(&mapping.framework));
            Some(Relationship {
                target: DescriptorReference {
                    id: text::line(control),
                    index: Some(index),
                    tool_component,
                },
                kinds: ["relevant"],
                properties: BTreeMap::from([("mappedBy", json!(mapping.by))]),
            })
        })
    }
}

/// How bad a finding is, in SARIF's words.
pub fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Info => "note",
    }
}

/// GitHub's scale: over 9 critical, from 7 high, from 4 medium, above 0 low.
fn security_severity(severity: Severity) -> Option<&'static str> {
    match severity {
        Severity::Critical => Some("9.5"),
        Severity::High => Some("8.0"),
        Severity::Medium => Some("5.5"),
        Severity::Low => Some("3.0"),
        Severity::Info => None,
    }
}

/// 128 bits of a digest as a GUID that says it is made from a name.
fn guid(name: &str) -> String {
    let digest: Vec<String> = Sha256::digest(name.as_bytes())
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let hex: String = digest.concat();
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    format!(
        "{}-{}-5{}-8{}-{}",
        part(0, 8),
        part(8, 12),
        part(13, 16),
        part(17, 20),
        part(20, 32)
    )
}

fn taxonomies(report: &Report) -> BTreeMap<&str, Taxonomy<'_>> {
    let mut taxonomies: BTreeMap<&str, Taxonomy<'_>> = BTreeMap::new();
    for mapping in report.rules.iter().flat_map(|rule| &rule.standards) {
        let taxonomy = taxonomies.entry(&mapping.framework).or_insert_with(|| Taxonomy {
            title: &mapping.title,
            controls: BTreeSet::new(),
            by: BTreeSet::new(),
        });
        taxonomy
            .controls
            .extend(mapping.controls.iter().map(|control| &**control));
        taxonomy.by.insert(mapping.by);
    }
    taxonomies
}

fn component<'r>(framework: &'r str, taxonomy: &Taxonomy<'r>) -> Component<'r> {
    let by: Vec<&str> = taxonomy.by.iter().map(|by| mapped_by(*by)).collect();
    let taxa = taxonomy.controls.iter().map(|control| Descriptor {
        id: text::line(control),
        ..Default::default()
    });
    Component {
        name: text::line(framework),
        guid: Some(guid(framework)),
        full_name: Some(text::line(taxonomy.title)),
        short_description: Some(Message::plain(format!(
            "{}; {}",
            text::line(taxonomy.title),
            by.join(", or ")
        ))),
        taxa: taxa.collect(),
        properties: BTreeMap::from([("mappedBy", json!(taxonomy.by))]),
        ..Default::default()
    }
}

fn mapped_by(by: MappedBy) -> &'static str {
    match by {
        MappedBy::Microsoft => "mapped by Microsoft's built-in initiatives",
        MappedBy::Tool => "mapped by this tool's own judgement",
    }
}

fn reference(framework: &str) -> ComponentReference<'_> {
    ComponentReference {
        name: text::line(framework),
        guid: guid(framework),
    }
}

fn unread_rule() -> Descriptor<'static> {
    let title = "Input or a subscription could not be read";
    let why = "What was not read was not judged. A report with this result is not a clean bill of health.";
    Descriptor {
        id: UNREAD_RULE.into(),
        name: Some("Unread".to_owned()),
        short_description: Some(Message::plain(title)),
        full_description: Some(Message::plain(why)),
        help: Some(Message::plain(format!(
            "{why}\n\nMend the file or the permission that the result names, and scan again."
        ))),
        default_configuration: Some(Configuration { level: "error" }),
        properties: BTreeMap::from([
            ("precision", json!("very-high")),
            ("tags", json!(["security", "incomplete"])),
        ]),
        ..Default::default()
    }
}

fn help(rule: &RuleInfo) -> Message<'static> {
    let references: String = rule
        .references
        .iter()
        .map(|uri| format!("- {}\n", text::line(uri)))
        .collect();
    let references = if references.is_empty() {
        references
    } else {
        format!("\n\nReferences:\n\n{references}")
    };
    Message {
        text: format!(
            "{}\n\nHow to mend it: {}{references}",
            plain(&rule.why),
            plain(&rule.fix)
        )
        .into(),
        markdown: Some(
            format!(
                "## Why\n\n{}\n\n## How to mend it\n\n{}{references}",
                rule.why, rule.fix
            )
            .into(),
        ),
    }
}

fn rule_properties(rule: &RuleInfo) -> BTreeMap<&'static str, serde_json::Value> {
    let frameworks: BTreeSet<&str> = rule.standards.iter().map(|mapping| &*mapping.framework).collect();
    let tags: Vec<&str> = ["security", "azure", "network"]
        .into_iter()
        .chain(frameworks)
        .take(MOST_TAGS)
        .collect();
    let mut properties = BTreeMap::from([
        ("precision", json!("high")),
        ("tags", json!(tags)),
        ("severity", json!(rule.severity)),
        ("params", json!(rule.params)),
        ("counts", json!(rule.counts)),
    ]);
    if let Some(score) = security_severity(rule.severity) {
        properties.insert("security-severity", json!(score));
    }
    properties
}

/// Markdown as plain text, near enough: rule pages use backticks and emphasis and little else.
fn plain(markdown: &str) -> String {
    markdown.replace("**", "").replace('`', "'")
}

/// SARIF wants a name that people know, in Pascal case.
fn pascal_case(id: &str) -> String {
    let words = id.split(|c: char| !c.is_alphanumeric());
    words
        .flat_map(|word| {
            let mut characters = word.chars();
            let first = characters.next().map(|first| first.to_ascii_uppercase());
            first.into_iter().chain(characters)
        })
        .collect()
}

/// An absolute web address of nothing but the characters that an address may have.
fn is_link(uri: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-._~:/?#@!$&'()*+,;=%".contains(c);
    (uri.starts_with("https://") || uri.starts_with("http://")) && uri.chars().all(allowed)
}

/// Text with the sequences broken that SARIF readers turn into links and placeholders.
pub fn inert(text: &str) -> Cow<'_, str> {
    let text = text::line(text);
    if !text.contains("](") && !has_placeholder(&text) {
        return text;
    }
    Cow::Owned(text.replace("](", "] (").replace('{', "{{").replace('}', "}}"))
}

fn has_placeholder(text: &str) -> bool {
    text.split('{').skip(1).any(|rest| {
        let after = rest.trim_start_matches(|c: char| c.is_ascii_digit());
        after.len() < rest.len() && after.starts_with('}')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_links() {
        assert_eq!(pascal_case("management-ports-jit"), "ManagementPortsJit");
        assert!(is_link("https://learn.microsoft.com/x?y=1"));
        assert!(!is_link("javascript:alert(1)") && !is_link("https://a b") && !is_link("https://a\"b"));
    }

    #[test]
    fn placeholders_and_links_are_inert() {
        assert_eq!(inert("a {0} [b](c)"), "a {{0}} [b] (c)");
        assert_eq!(inert("${var.name} [0]"), "${var.name} [0]");
    }
}
