//! A rule file as it is written: the shape of the YAML, with the place of each part, and its JSON Schema.
//! Must not know what the parts mean together (see `load`).

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_yaml::Spanned;

use crate::rule::{Severity, SubjectKind, Verdict};

/// One rule: a question about each subject of a kind, and how it is answered.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "portcullis rule")]
pub struct RuleFile {
    /// Name of the rule in kebab case, such as `management-ports-jit`; of all rules only one may have it.
    #[schemars(with = "String", regex(pattern = "^[a-z][a-z0-9]*(-[a-z0-9]+)*$"))]
    pub id: Spanned<String>,
    /// What should be so, in one sentence.
    #[schemars(with = "String")]
    pub title: Spanned<String>,
    /// How bad it is when it is not so.
    pub severity: Severity,
    /// What the rule judges; decides which facts its conditions may speak of.
    pub applies_to: AppliesTo,
    /// Settings with their defaults, which conditions read as `params.name`.
    #[serde(default)]
    pub params: Entries<ParamFile>,
    /// Steps in order; the first whose condition holds decides. The last has no condition.
    #[schemars(with = "Vec<StepFile>", length(min = 1))]
    pub verdict: Spanned<Vec<Spanned<StepFile>>>,
    /// Why it matters (Markdown).
    #[schemars(with = "String")]
    pub why: Spanned<String>,
    /// How to mend it (Markdown).
    #[schemars(with = "String")]
    pub fix: Spanned<String>,
    /// Public pages about it.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub references: Vec<Spanned<String>>,
    /// The controls that the rule bears on.
    #[serde(default)]
    pub standards: StandardsFile,
    /// Name of the remedy that mends it.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub remedy: Option<Spanned<String>>,
    /// Small estates with the verdict they must get; run as tests.
    #[serde(default)]
    #[schemars(with = "Vec<ExampleFile>")]
    pub examples: Vec<Spanned<ExampleFile>>,
}

/// What rule files may judge.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AppliesTo {
    /// A virtual machine, classic machine or scale-set instance.
    Vm,
    /// One stated rule of a network security group.
    SecurityRule,
    /// The entry of one machine in one just-in-time policy.
    JitEntry,
}

impl From<AppliesTo> for SubjectKind {
    fn from(kind: AppliesTo) -> SubjectKind {
        match kind {
            AppliesTo::Vm => SubjectKind::Vm,
            AppliesTo::SecurityRule => SubjectKind::SecurityRule,
            AppliesTo::JitEntry => SubjectKind::JitEntry,
        }
    }
}

/// One setting of a rule.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ParamFile {
    /// A bool, an int, a text, or a list of ints or of texts; every other value must be of the same type.
    #[schemars(with = "serde_json::Value")]
    pub default: Spanned<serde_json::Value>,
    /// What it decides.
    #[schemars(with = "String")]
    pub description: Spanned<String>,
    /// The only values it may have.
    #[serde(default)]
    #[schemars(with = "Option<Vec<serde_json::Value>>")]
    pub choices: Option<Spanned<Vec<serde_json::Value>>>,
}

/// One step towards the verdict.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StepFile {
    /// Condition in CEL over the facts of the subject; none means "in every other case".
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub when: Option<Spanned<String>>,
    /// The verdict when it holds.
    pub is: Outcome,
    /// Microsoft's cause code, where Microsoft has one.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub cause: Option<Spanned<String>>,
    /// Severity of this step's findings, in place of the rule's.
    #[serde(default)]
    pub severity: Option<Severity>,
    /// The reason in one sentence: lower case, no full stop, with CEL expressions in braces.
    #[schemars(with = "String")]
    pub because: Spanned<String>,
}

/// What a step may say. (Undetermined is what unknown facts make of it.)
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Healthy,
    Unhealthy,
    NotApplicable,
}

impl From<Outcome> for Verdict {
    fn from(outcome: Outcome) -> Verdict {
        match outcome {
            Outcome::Healthy => Verdict::Healthy,
            Outcome::Unhealthy => Verdict::Unhealthy,
            Outcome::NotApplicable => Verdict::NotApplicable,
        }
    }
}

/// Controls by framework.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StandardsFile {
    /// What Microsoft's built-in initiatives bind the policy to.
    #[serde(default)]
    pub microsoft: Entries<Vec<String>>,
    /// This rule's own judgement.
    #[serde(default)]
    pub tool: Entries<Vec<String>>,
}

/// An estate and the verdict that the rule must come to.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExampleFile {
    pub name: String,
    /// Resources in the shape of Azure Resource Manager.
    pub estate: Vec<serde_json::Value>,
    /// Parameters that differ from their defaults.
    #[serde(default)]
    pub params: BTreeMap<String, serde_json::Value>,
    /// The time of the scan, RFC 3339.
    #[serde(default)]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub now: Option<Spanned<String>>,
    pub expect: Expect,
    /// The cause code that must come with it.
    #[serde(default)]
    pub cause: Option<String>,
}

/// The verdict of the single subject, or of each subject by its name.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(
    untagged,
    expecting = "a verdict (healthy, unhealthy, not_applicable, undetermined), or one for each name"
)]
pub enum Expect {
    Single(Verdict),
    ByName(BTreeMap<String, Verdict>),
}

/// A mapping whose keys have a place, in the order of the file.
#[derive(Debug)]
pub struct Entries<V>(pub Vec<(Spanned<String>, V)>);

impl<V> Default for Entries<V> {
    fn default() -> Self {
        Entries(Vec::new())
    }
}

impl<'de, V: Deserialize<'de>> Deserialize<'de> for Entries<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct EntriesVisitor<V>(PhantomData<V>);

        impl<'de, V: Deserialize<'de>> Visitor<'de> for EntriesVisitor<V> {
            type Value = Entries<V>;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a mapping")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Entries(entries))
            }
        }

        deserializer.deserialize_map(EntriesVisitor(PhantomData))
    }
}

impl<V: JsonSchema> JsonSchema for Entries<V> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        format!("Entries_of_{}", V::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        <BTreeMap<String, V>>::json_schema(generator)
    }
}

/// JSON Schema (2020-12) of a rule file, for editors.
pub fn json_schema() -> serde_json::Value {
    schemars::schema_for!(RuleFile).to_value()
}
