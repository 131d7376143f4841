//! Templates: texts with values in them. What is unknown leaves its symbol in the name that the text is.

use super::evaluate::{Environment, Fault, evaluate as value_of, items, with_names};
use super::value::{Kind, Unknown, Value};
use super::{Type, convert};
use crate::input::terraform::syntax::Part;

/// Longest text that is made, in bytes.
pub const LONGEST: usize = 8 << 20;

/// A text that is being put together.
#[derive(Default)]
struct Text {
    text: String,
    open: Option<Unknown>,
    sensitive: bool,
}

pub fn evaluate(parts: &[Part], environment: &Environment<'_>) -> Result<Value, Fault> {
    let mut out = Text::default();
    out.add(parts, environment)?;
    let value = match out.open {
        Some(unknown) => Value::from(unknown.named(out.text)),
        None => Value::from(out.text),
    };
    Ok(value.marked(out.sensitive))
}

impl Text {
    fn add(&mut self, parts: &[Part], environment: &Environment<'_>) -> Result<(), Fault> {
        for part in parts {
            environment.fuel.burn(1 + (self.text.len() / 4096) as u64)?;
            if self.text.len() > LONGEST {
                return Err(Fault::new("the text is too long"));
            }
            match part {
                Part::Literal(text) => self.text.push_str(text),
                Part::Interpolation(expression) => {
                    let value = value_of(expression, environment)?;
                    self.put(&value)
                        .map_err(|fault| fault.at(environment.file, expression.span))?;
                }
                Part::If(condition, then, otherwise) => {
                    let held = value_of(condition, environment)?;
                    self.sensitive |= held.sensitive;
                    match convert(&held, &Type::Bool)?.kind {
                        Kind::Bool(true) => self.add(then, environment)?,
                        Kind::Bool(false) => self.add(otherwise, environment)?,
                        Kind::Unknown(unknown) => self.leave(&unknown, &format!("{{{}?}}", unknown.inner())),
                        _ => return Err(Fault::new("the condition is null").at(environment.file, condition.span)),
                    }
                }
                Part::For {
                    key,
                    value,
                    collection,
                    body,
                } => self.rounds(
                    key.as_deref(),
                    value,
                    &value_of(collection, environment)?,
                    body,
                    environment,
                )?,
            }
        }
        Ok(())
    }

    fn rounds(
        &mut self,
        key: Option<&str>,
        value: &str,
        collection: &Value,
        body: &[Part],
        environment: &Environment<'_>,
    ) -> Result<(), Fault> {
        self.sensitive |= collection.sensitive;
        let items = match items(collection) {
            Ok(items) => items,
            Err(Ok(unknown)) => {
                self.leave(&unknown, &format!("{{{}*}}", unknown.inner()));
                return Ok(());
            }
            Err(Err(fault)) => return Err(fault),
        };
        for pair in items.pairs {
            with_names(environment, key, value, pair, |inner| self.add(body, inner))?;
        }
        Ok(())
    }

    fn put(&mut self, value: &Value) -> Result<(), Fault> {
        self.sensitive |= value.sensitive;
        match convert(value, &Type::Text)?.kind {
            Kind::Text(text) => self.text.push_str(&text),
            Kind::Unknown(unknown) => {
                let symbol = unknown.symbol.clone();
                self.leave(&unknown, &symbol);
            }
            _ => return Err(Fault::new("null cannot stand in a text")),
        }
        Ok(())
    }

    fn leave(&mut self, unknown: &Unknown, symbol: &str) {
        self.text.push_str(symbol);
        self.open.get_or_insert_with(|| unknown.clone());
    }
}
