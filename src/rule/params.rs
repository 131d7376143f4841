//! Which values the parameters of each rule have: default, then configuration, then `--param`, then `--ports`.
//! Must not know files or arguments (see `config` and `cli`), nor what the values do.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::rule::Severity;
use crate::rule::compiled::Rule;
use crate::rule::fact::Fact;
use crate::rule::load::unknown_param;
use crate::rule::param::{Param, Refusal};
use crate::rule::suggest;
use crate::rule::yaml;
use crate::source::Diagnostic;

/// What `portcullis.yaml` says of one rule.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleSettings {
    /// Values in place of the defaults.
    #[serde(default)]
    pub params: BTreeMap<String, Value>,
    /// Severity of every finding of the rule, in place of its own.
    #[serde(default)]
    pub severity: Option<Severity>,
    /// False leaves the rule out.
    #[serde(default)]
    pub enabled: Option<bool>,
}

/// Everything that may change a rule without changing its file.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// By rule id.
    pub settings: BTreeMap<String, RuleSettings>,
    /// As typed: `rule.name=value`, or `name=value` for all rules that have it. Later ones win.
    pub arguments: Vec<String>,
    /// For every parameter called `ports`.
    pub ports: Option<Vec<u16>>,
}

/// The values in force for one rule.
#[derive(Clone, Debug, PartialEq)]
pub struct ResolvedParams {
    /// In the order of the rule's parameters.
    pub values: Vec<Fact>,
    /// Where the user gave one.
    pub severity: Option<Severity>,
    pub enabled: bool,
}

impl ResolvedParams {
    /// The defaults of a rule.
    pub fn defaults(rule: &Rule) -> ResolvedParams {
        let values = rule.params.iter().map(|param| param.default.clone()).collect();
        ResolvedParams {
            values,
            severity: None,
            enabled: true,
        }
    }

    /// The values by name, for the report.
    pub fn to_json(&self, rule: &Rule) -> BTreeMap<String, Value> {
        let named = rule.params.iter().zip(&self.values);
        named
            .map(|(param, value)| (param.name.to_string(), Param::json(value)))
            .collect()
    }

    /// Sets one parameter.
    ///
    /// # Errors
    /// When the rule has no such parameter or the value does not do.
    pub fn set(&mut self, rule: &Rule, name: &str, value: &Value) -> Result<(), Refusal> {
        let (slot, param) = rule.param(name).ok_or_else(|| unknown_param(name, &rule.params))?;
        let fact = param.accept(value)?;
        if let Some(place) = self.values.get_mut(slot) {
            *place = fact;
        }
        Ok(())
    }
}

/// The values of every rule, in the order of the rules.
///
/// # Errors
/// Everything that is wrong: unknown rules and parameters, values that do not do. The diagnostics have no place.
pub fn resolve(rules: &[Rule], overrides: &Overrides) -> Result<Vec<ResolvedParams>, Vec<Diagnostic>> {
    let resolved = rules.iter().map(ResolvedParams::defaults).collect();
    let mut resolver = Resolver {
        rules,
        resolved,
        diagnostics: Vec::new(),
    };
    for (id, settings) in &overrides.settings {
        resolver.settings(id, settings);
    }
    for argument in &overrides.arguments {
        resolver.argument(argument);
    }
    if let Some(ports) = &overrides.ports {
        resolver.ports(ports);
    }
    if resolver.diagnostics.is_empty() {
        Ok(resolver.resolved)
    } else {
        Err(resolver.diagnostics)
    }
}

struct Resolver<'r> {
    rules: &'r [Rule],
    resolved: Vec<ResolvedParams>,
    diagnostics: Vec<Diagnostic>,
}

impl<'r> Resolver<'r> {
    fn settings(&mut self, id: &str, settings: &RuleSettings) {
        let Some((rule, resolved)) = self.pair(id) else {
            self.unknown_rule(id);
            return;
        };
        resolved.severity = settings.severity;
        resolved.enabled = settings.enabled.unwrap_or(true);
        let mut refusals = Vec::new();
        for (name, value) in &settings.params {
            refusals.extend(resolved.set(rule, name, value).err());
        }
        for refusal in refusals {
            self.refuse(format!("rule `{id}`"), refusal);
        }
    }

    fn argument(&mut self, argument: &str) {
        let Some((name, text)) = argument.split_once('=') else {
            let message = format!("`--param {argument}` has no value");
            self.diagnostics
                .push(Diagnostic::error("param", message).help("write `--param name=value`"));
            return;
        };
        match (yaml::parse_value(text), name.split_once('.')) {
            (Err(message), _) => {
                self.refuse(format!("`--param {argument}`"), Refusal { message, help: None });
            }
            (Ok(value), Some((id, name))) => match self.pair(id) {
                Some((rule, resolved)) => {
                    let refusal = resolved.set(rule, name, &value).err();
                    self.refuse_all(&format!("`--param {argument}`"), refusal);
                }
                None => self.unknown_rule(id),
            },
            (Ok(value), None) => self.everywhere(argument, name, &value),
        }
    }

    /// Sets a parameter of every rule that has it.
    fn everywhere(&mut self, argument: &str, name: &str, value: &Value) {
        let having = |(rule, _): &(&'r Rule, &mut ResolvedParams)| rule.param(name).is_some();
        let mut refusals: Vec<Option<Refusal>> = Vec::new();
        for (rule, resolved) in self.rules.iter().zip(&mut self.resolved).filter(having) {
            refusals.push(resolved.set(rule, name, value).err());
        }
        if refusals.is_empty() {
            let mut names: Vec<&str> = self
                .rules
                .iter()
                .flat_map(|rule| &rule.params)
                .map(|param| &*param.name)
                .collect();
            names.sort_unstable();
            names.dedup();
            let help = suggest::hint(name, &names, "parameters of the rules");
            self.diagnostics
                .push(Diagnostic::error("param", format!("no rule has a parameter `{name}`")).help(help));
        }
        self.refuse_all(&format!("`--param {argument}`"), refusals.into_iter().flatten());
    }

    fn ports(&mut self, ports: &[u16]) {
        let value = Value::from(ports);
        let mut refusals = Vec::new();
        for (rule, resolved) in self.rules.iter().zip(&mut self.resolved) {
            if rule.param("ports").is_some() {
                refusals.extend(resolved.set(rule, "ports", &value).err());
            }
        }
        self.refuse_all("`--ports`", refusals);
    }

    fn pair(&mut self, id: &str) -> Option<(&'r Rule, &mut ResolvedParams)> {
        self.rules
            .iter()
            .zip(&mut self.resolved)
            .find(|(rule, _)| &*rule.id == id)
    }

    fn unknown_rule(&mut self, id: &str) {
        let ids: Vec<&str> = self.rules.iter().map(|rule| &*rule.id).collect();
        let help = suggest::hint(id, &ids, "known rules");
        self.diagnostics
            .push(Diagnostic::error("param", format!("unknown rule `{id}`")).help(help));
    }

    /// Reports each refusal once, though several rules may refuse a value for the same reason.
    fn refuse_all(&mut self, whose: &str, refusals: impl IntoIterator<Item = Refusal>) {
        let mut seen: Vec<Refusal> = Vec::new();
        for refusal in refusals {
            if !seen.contains(&refusal) {
                seen.push(refusal.clone());
                self.refuse(whose.to_owned(), refusal);
            }
        }
    }

    fn refuse(&mut self, whose: String, refusal: Refusal) {
        let mut diagnostic = Diagnostic::error("param", format!("{whose}: {}", refusal.message));
        diagnostic.help = refusal.help;
        self.diagnostics.push(diagnostic);
    }
}
