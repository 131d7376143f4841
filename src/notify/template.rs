//! A template of somebody's own, over the notice as JSON. What comes out has to be JSON, and is read back before it is sent.

use minijinja::value::{Serde, Value};
use minijinja::{Environment, UndefinedBehavior};

use super::Notice;

/// Texts are escaped as JSON: `{{ headline }}` is a string with its quotes.
pub fn render(text: &str, notice: &Notice) -> Result<String, String> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    // The name ends in `.json`, so that every value is written as JSON.
    environment
        .add_template("notice.json", text)
        .map_err(|error| words(&error))?;
    let template = environment.get_template("notice.json").map_err(|error| words(&error))?;
    let rendered = template
        .render(Value::from(Serde(notice)))
        .map_err(|error| words(&error))?;
    let parsed: Result<serde_json::Value, _> = serde_json::from_str(&rendered);
    parsed
        .map(|value| value.to_string())
        .map_err(|error| format!("what it makes is no JSON: {error}"))
}

fn words(error: &minijinja::Error) -> String {
    let line = error.line().map(|line| format!("line {line}: ")).unwrap_or_default();
    format!("{line}{error}")
}
