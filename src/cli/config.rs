//! `portcullis.yaml`: defaults of flags, settings of rules, waivers. Found beside the input or above it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_yaml::Spanned;

use super::live_settings::LiveConfig;
use super::{Failure, style};
use crate::notify::ChannelRule;
use crate::rule::Severity;
use crate::rule::owner::OwnerRule;
use crate::rule::params::RuleSettings;
use crate::rule::waiver::WaiverRule;
use crate::rule::yaml::Document;
use crate::source::Location;

/// The name under which the file is looked for.
pub const FILE: &str = "portcullis.yaml";

/// Settings of Portcullis. Every flag of `scan` and `diff` has a key but those that name what is read and written now
/// (`--config`, `--repository`, `--write-baseline`) and `--color`; what is typed wins. Paths are relative to the file.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Settings by rule id.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub rules: BTreeMap<String, RuleSettings>,
    /// Written exceptions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waivers: Vec<WaiverRule>,
    /// The management ports, as `--ports`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ports: Option<Vec<u16>>,
    /// As `--severity`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
    /// As `--fail-on` of `scan`: a severity or `none`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fail_on: Option<String>,
    /// As `--rule`: evaluate only these.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rule: Vec<String>,
    /// As `--param`: `name=value` or `rule.name=value`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub param: Vec<String>,
    /// As `--rules`: files or directories with further rules.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rule_files: Vec<PathBuf>,
    /// As `--parameters`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parameters: Vec<PathBuf>,
    /// As `--var`: values of Terraform variables by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub var: BTreeMap<String, String>,
    /// As `--var-file`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub var_file: Vec<PathBuf>,
    /// As `--assume-complete`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assume_complete: Option<bool>,
    /// As `--assume`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub assume: Vec<String>,
    /// As `--limit`: `name=number`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub limit: Vec<String>,
    /// As `--service-tags`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub service_tags: Vec<PathBuf>,
    /// As `--now`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub now: Option<String>,
    /// As `--verbose`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verbose: Option<bool>,
    /// As `--sarif-max-results`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sarif_max_results: Option<usize>,
    /// As `--format` of `scan`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub format: Vec<String>,
    /// As `--baseline` of `scan`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<PathBuf>,
    /// As `--changed-since` of `scan`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed_since: Option<String>,
    /// As `--history` of `scan`: a file, or `postgres://user@host/database`. No password belongs here: PGPASSWORD holds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub history: Option<String>,
    /// Who is told what a scan changed, where there is a history.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notify: Vec<ChannelRule>,
    /// The tag of machines that names who answers for them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner_tag: Option<String>,
    /// Who answers for what; the first that fits wins, and wins over the tag.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub owners: Vec<OwnerRule>,
    /// Of a live estate.
    #[serde(default, skip_serializing_if = "LiveConfig::is_empty")]
    pub live: LiveConfig,
    /// Of `diff` alone.
    #[serde(default, skip_serializing_if = "DiffConfig::is_empty")]
    pub diff: DiffConfig,
    /// The file it was read from.
    #[serde(skip)]
    pub file: Option<PathBuf>,
    /// Where each key stands in it.
    #[serde(skip)]
    pub places: BTreeMap<String, Location>,
}

/// Settings of `diff`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DiffConfig {
    /// As `--fail-on` of `diff`: `public`, `private`, `possible`, `findings`, `none`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fail_on: Vec<String>,
    /// As `--format` of `diff`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub format: Vec<String>,
}

impl DiffConfig {
    fn is_empty(&self) -> bool {
        *self == DiffConfig::default()
    }
}

impl Config {
    /// Values of Terraform variables, by name.
    pub fn variables(&self) -> impl Iterator<Item = (String, String)> + '_ {
        self.var.iter().map(|(name, value)| (name.clone(), value.clone()))
    }

    /// Reads the named file; else the one beside the input or above it; else that of the current directory.
    pub fn read(named: Option<&Path>, input: Option<&Path>) -> Result<Config, Failure> {
        let found = match named {
            Some(path) => Some(path.to_path_buf()),
            None => input.and_then(above).or_else(|| existing(Path::new(""))),
        };
        let Some(path) = found else {
            return Ok(Config::default());
        };
        let name = shown(&path);
        let text = std::fs::read_to_string(&path)
            .map_err(|error| Failure(format!("cannot read the configuration `{name}`: {error}")))?;
        let document = Document::new(&name, &text);
        let mut config: Config = document.parse().map_err(|diagnostic| {
            style::framed(&diagnostic, &text);
            Failure(format!("the configuration `{name}` cannot be used"))
        })?;
        if named.is_none() && !config.live.is_empty() {
            return Err(Failure(format!(
                "`live` of `{name}` is not heeded, because a file that lies beside what is scanned must not say where tokens \
                 go; name the file with --config"
            )));
        }
        config.places = document.places();
        let places: WaiverPlaces = document.parse().unwrap_or_default();
        for (waiver, place) in config.waivers.iter_mut().zip(&places.waivers) {
            waiver.location = Some(document.location(place));
        }
        config.file = Some(path);
        Ok(config)
    }

    /// A path of the file, from where the file is.
    pub fn beside(&self, path: &Path) -> PathBuf {
        match self.file.as_deref().and_then(Path::parent) {
            Some(directory) => directory.join(path),
            None => path.to_path_buf(),
        }
    }

    /// The JSON Schema (2020-12) of the file.
    pub fn json_schema() -> serde_json::Value {
        let mut schema = schemars::schema_for!(Config);
        schema.insert("title".into(), "portcullis.yaml".into());
        schema.to_value()
    }
}

/// The file once more, for where its waivers stand.
#[derive(Default, Deserialize)]
struct WaiverPlaces {
    #[serde(default)]
    waivers: Vec<Spanned<IgnoredAny>>,
}

fn shown(path: &Path) -> String {
    let name = path.to_string_lossy();
    name.strip_prefix("./").unwrap_or(&name).to_owned()
}

fn existing(directory: &Path) -> Option<PathBuf> {
    let path = directory.join(FILE);
    path.is_file().then_some(path)
}

/// Looks beside the input and in the directories above it, no higher than the repository that holds it.
fn above(input: &Path) -> Option<PathBuf> {
    let start = match input.is_dir() {
        true => input.to_path_buf(),
        false => input.parent().map(Path::to_path_buf)?,
    };
    let whole = std::fs::canonicalize(if start.as_os_str().is_empty() {
        Path::new(".")
    } else {
        &start
    })
    .ok()?;
    let here = std::env::current_dir().ok();
    for directory in whole.ancestors() {
        if let Some(found) = existing(directory) {
            // Within the current directory the short name is the one people know.
            let short = here.as_ref().and_then(|here| found.strip_prefix(here).ok());
            return Some(short.map_or_else(|| found.clone(), Path::to_path_buf));
        }
        if directory.join(".git").exists() {
            return None;
        }
    }
    None
}
