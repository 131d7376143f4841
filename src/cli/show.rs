//! `portcullis config show`: the settings in force, and where each comes from.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde::Serialize;
use serde_json::{Value, json};

use super::config::Config;
use super::judging::JudgingArguments;
use super::{Failure, output, status};
use crate::history::Address;
use crate::report::text;

#[derive(Debug, Args)]
pub struct ConfigArguments {
    #[command(subcommand)]
    command: ConfigCommand,
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Print the settings in force, and where each comes from: a flag, a line of portcullis.yaml, or the default
    Show(Box<ShowArguments>),
    /// Print the JSON Schema of portcullis.yaml, for an editor
    Schema,
}

#[derive(Debug, Args)]
struct ShowArguments {
    /// The input whose settings are asked for
    #[arg(value_name = "PATH")]
    path: Option<PathBuf>,

    #[command(flatten)]
    judging: JudgingArguments,

    /// Print as JSON
    #[arg(long)]
    json: bool,
}

/// One setting.
#[derive(Serialize)]
struct Setting {
    key: String,
    value: Value,
    /// `flag`, `default`, or file and line.
    from: String,
}

impl ConfigArguments {
    pub fn run(&self) -> Result<u8, Failure> {
        let text = match &self.command {
            ConfigCommand::Schema => format!("{:#}\n", Config::json_schema()),
            ConfigCommand::Show(show) => show.print()?,
        };
        output::to_stdout(text.as_bytes())?;
        Ok(status::CLEAN)
    }
}

impl ShowArguments {
    fn print(&self) -> Result<String, Failure> {
        let judging = self.judging.settle(self.path.as_deref())?;
        let settings = settings(&judging.config, &self.judging.typed());
        if self.json {
            let file = judging
                .config
                .file
                .as_ref()
                .map(|file| file.to_string_lossy().into_owned());
            return Ok(format!("{:#}\n", json!({ "file": file, "settings": settings })));
        }
        let file = match &judging.config.file {
            Some(file) => format!("configuration: {}\n", text::line(&file.to_string_lossy())),
            None => "configuration: none was found\n".to_owned(),
        };
        let keys = settings.iter().map(|one| one.key.len()).max().unwrap_or(0);
        let line = |one: &Setting| {
            let value = text::name(&one.value.to_string(), 60);
            format!("{:keys$}  {value}  ({})\n", one.key, text::line(&one.from))
        };
        Ok(settings.iter().map(line).fold(file, |all, line| all + &line))
    }
}

/// What holds where neither a flag nor the file says anything.
fn defaults() -> Value {
    let mut all = json!({
        "assume": [], "assume_complete": false, "baseline": null, "changed_since": null,
        "diff.fail_on": ["public"], "diff.format": ["console"], "fail_on": "low", "format": ["console"],
        "live.all_subscriptions": false, "live.attempts": 6, "live.audience": null, "live.auth": null, "live.authority": null,
        "live.ca_file": null, "live.cloud": "public", "live.deadline": "1h", "live.endpoint": null,
        "live.exclude_subscription": [], "live.managed_identity": null, "live.management_group": [],
        "live.request_timeout": "60s", "live.retry_pause": "500ms", "live.source": "auto", "live.subscription": [],
        "live.subscription_tag": [], "limit": [], "now": null, "param": [], "parameters": [], "ports": crate::net::MANAGEMENT_PORTS, "rule": [],
        "rule_files": [], "rules": {}, "sarif_max_results": 25_000, "service_tags": [], "severity": "info",
        "var": {}, "var_file": [], "verbose": false, "waivers": [],
    });
    let of_history = json!({ "history": null, "notify": [], "owner_tag": "owner", "owners": [] });
    if let (Some(all), Value::Object(more)) = (all.as_object_mut(), of_history) {
        all.extend(more);
    }
    all
}

fn settings(config: &Config, typed: &BTreeMap<&'static str, Value>) -> Vec<Setting> {
    let stated = serde_json::to_value(config).unwrap_or_default();
    let defaults = defaults();
    let all = defaults.as_object().into_iter().flatten();
    all.map(|(key, default)| {
        let pointer = format!("/{}", key.replace('.', "/"));
        let in_file = stated.pointer(&pointer);
        let top = key.split('.').next().unwrap_or(key);
        let (value, from) = match (typed.get(key.as_str()), in_file) {
            (Some(value), _) => (value.clone(), "flag".to_owned()),
            (None, Some(value)) => (printable(key, value), place(config, key, top)),
            (None, None) => (default.clone(), "default".to_owned()),
        };
        Setting {
            key: key.clone(),
            value,
            from,
        }
    })
    .collect()
}

/// Of variables the names alone, and of the history no password: a value may be a secret.
fn printable(key: &str, value: &Value) -> Value {
    if let Some(address) = value.as_str().filter(|_| key == "history") {
        return Address::parse(address, None).map_or(Value::Null, |address| Value::String(address.shown()));
    }
    match value.as_object().filter(|_| key == "var") {
        Some(variables) => variables.keys().cloned().collect(),
        None => value.clone(),
    }
}

fn place(config: &Config, key: &str, top: &str) -> String {
    let place = config.places.get(key).or_else(|| config.places.get(top));
    place.map_or_else(
        || "the configuration".to_owned(),
        |place| format!("{}:{}", place.file, place.line),
    )
}
