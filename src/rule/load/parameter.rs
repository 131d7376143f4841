//! Parameters of a rule file, and the examples that set them.

use std::sync::Arc;

use serde_yaml::Spanned;

use super::Loader;
use crate::rule::check::ParamType;
use crate::rule::compiled::Example;
use crate::rule::fact::Fact;
use crate::rule::file::{Entries, ExampleFile, ParamFile};
use crate::rule::param::{self, Param, Refusal};
use crate::rule::suggest;
use crate::rule::types::Type;

impl Loader<'_> {
    pub(super) fn params(&mut self, written: &Entries<ParamFile>) -> Vec<Param> {
        written.0.iter().map(|(name, param)| self.param(name, param)).collect()
    }

    fn param(&mut self, name: &Spanned<String>, written: &ParamFile) -> Param {
        if !is_identifier(&name.value) {
            let help = "write it in small letters, digits and underscores".to_owned();
            let location = self.document.location(name);
            self.report(
                "rule-param",
                format!("`{}` cannot be named in a condition", name.value),
                Some(help),
                location,
            );
        }
        self.check_filled(&written.description);
        let ty = param::type_of(&name.value, &written.default.value).unwrap_or_else(|| {
            let help = "a default is a bool, an int, a text, or a list of ints or of texts".to_owned();
            let location = self.document.location(&written.default);
            self.report(
                "rule-param",
                format!("the default of `{}` has no type", name.value),
                Some(help),
                location,
            );
            Type::Any
        });
        let mut param = Param {
            name: Arc::from(&*name.value),
            description: Arc::from(written.description.value.trim()),
            default: Fact::Bool(false),
            choices: self.choices(name, written, &ty),
            ty,
        };
        if param.ty != Type::Any {
            match param.accept(&written.default.value) {
                Ok(default) => param.default = default,
                Err(refusal) => {
                    let location = self.document.location(&written.default);
                    self.refuse("rule-param", refusal, location);
                }
            }
        }
        param
    }

    fn choices(&mut self, name: &Spanned<String>, written: &ParamFile, ty: &Type) -> Vec<Fact> {
        let Some(choices) = &written.choices else {
            return Vec::new();
        };
        let facts: Option<Vec<Fact>> = choices.value.iter().map(|choice| param::fact_of(choice, ty)).collect();
        facts.filter(|facts| !facts.is_empty()).unwrap_or_else(|| {
            if *ty != Type::Any {
                let location = self.document.location(choices);
                self.report(
                    "rule-param",
                    format!("each choice of `{}` must be of type {ty}", name.value),
                    None,
                    location,
                );
            }
            Vec::new()
        })
    }

    pub(super) fn example(&mut self, written: Spanned<ExampleFile>, params: &[Param]) -> Example {
        let location = self.first_line(&written);
        let ExampleFile {
            name,
            estate,
            params: overrides,
            now,
            expect,
            cause,
        } = written.value;
        for (key, value) in &overrides {
            let verdict = match params.iter().find(|param| *param.name == **key) {
                Some(param) => param.accept(value).map(|_| ()),
                None => Err(unknown_param(key, params)),
            };
            if let Err(refusal) = verdict {
                self.refuse("rule-example", refusal, location.clone());
            }
        }
        let now = now.and_then(|now| self.time(&now));
        Example {
            name: Arc::from(name),
            estate,
            params: overrides,
            now,
            expect,
            cause: cause.map(Arc::from),
            location,
        }
    }

    fn time(&mut self, written: &Spanned<String>) -> Option<jiff::Timestamp> {
        let time = written.value.parse();
        if time.is_err() {
            let help = "write it as in `2026-01-01T00:00:00Z`".to_owned();
            let location = self.document.location(written);
            self.report(
                "rule-example",
                format!("`{}` is no time", written.value),
                Some(help),
                location,
            );
        }
        time.ok()
    }
}

pub(super) fn param_type(param: &Param) -> ParamType {
    let texts = param.choices.iter().filter_map(|choice| match choice {
        Fact::Text(text) => Some(Arc::clone(text)),
        _ => None,
    });
    ParamType {
        name: Arc::clone(&param.name),
        ty: param.ty.clone(),
        choices: texts.collect(),
    }
}

/// A parameter that the rule does not have.
pub(crate) fn unknown_param(name: &str, params: &[Param]) -> Refusal {
    let names: Vec<&str> = params.iter().map(|param| &*param.name).collect();
    let help = match names.is_empty() {
        true => "the rule has no parameters".to_owned(),
        false => suggest::hint(name, &names, "it has"),
    };
    Refusal {
        message: format!("unknown parameter `{name}`"),
        help: Some(help),
    }
}

fn is_identifier(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}
