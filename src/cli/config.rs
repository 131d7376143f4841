//! `portcullis.yaml`: settings of rules, waivers, and defaults of flags.

use std::collections::BTreeMap;
use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Failure, style};
use crate::rule::Severity;
use crate::rule::params::RuleSettings;
use crate::rule::waiver::WaiverRule;
use crate::rule::yaml::Document;

/// The name under which the file is looked for in the current directory.
pub const FILE: &str = "portcullis.yaml";

#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Settings by rule id.
    #[serde(default)]
    pub rules: BTreeMap<String, RuleSettings>,
    /// Written exceptions.
    #[serde(default)]
    pub waivers: Vec<WaiverRule>,
    /// The management ports, as `--ports`.
    #[serde(default)]
    pub ports: Option<Vec<u16>>,
    /// As `--severity`.
    #[serde(default)]
    pub severity: Option<Severity>,
    /// As `--fail-on`: a severity or `none`.
    #[serde(default)]
    pub fail_on: Option<String>,
}

impl Config {
    /// Reads the named file, or `portcullis.yaml` of the current directory where there is one.
    pub fn read(named: Option<&Path>) -> Result<Config, Failure> {
        let path = match named {
            Some(path) => path,
            None if Path::new(FILE).is_file() => Path::new(FILE),
            None => return Ok(Config::default()),
        };
        let name = path.to_string_lossy();
        let text = std::fs::read_to_string(path)
            .map_err(|error| Failure(format!("cannot read the configuration `{name}`: {error}")))?;
        Document::new(&name, &text).parse().map_err(|diagnostic| {
            style::framed(&diagnostic, &text);
            Failure(format!("the configuration `{name}` cannot be used"))
        })
    }
}
