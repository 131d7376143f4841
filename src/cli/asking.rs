//! What plans and verifications ask of an estate: the rules, their parameters, the ports, the waivers.

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::Failure;
use super::config::Config;
use super::live::{ConnectionArguments, ScopeArguments};
use super::rules::RuleSet;
use crate::model::Choices;
use crate::net::MANAGEMENT_PORTS;
use crate::remedy::Question;
use crate::rule::assess::Policy;
use crate::rule::params::{Overrides, ResolvedParams};

/// Rules and configuration, from which questions borrow.
pub(super) struct Asking {
    config: Config,
    set: RuleSet,
    params: Vec<ResolvedParams>,
    choices: Choices,
}

impl Asking {
    /// The configuration is the one named, else the one that is found from `input` upward.
    pub fn read(rules: &[PathBuf], config: Option<&Path>, input: Option<&Path>) -> Result<Asking, Failure> {
        let config = Config::read(config, input)?;
        let overrides = Overrides {
            settings: config.rules.clone(),
            arguments: config.param.clone(),
            ports: config.ports.clone(),
        };
        let stated: Vec<PathBuf> = config.rule_files.iter().map(|path| config.beside(path)).collect();
        let set = RuleSet::load(if rules.is_empty() { &stated } else { rules })?;
        let params = set.resolve(&overrides)?;
        let mut choices = Choices::default();
        for text in &config.assume {
            let wrong = |why| Failure(format!("`assume` of the configuration: {why}"));
            choices.choose(text).map_err(wrong)?;
        }
        Ok(Asking {
            config,
            set,
            params,
            choices,
        })
    }

    /// How to reach Azure: what was typed, else what the configuration says.
    pub fn connection(&self, typed: &ConnectionArguments) -> Result<ConnectionArguments, Failure> {
        self.config.live.connection(typed, &self.config)
    }

    /// Which estate is meant where no file was named.
    pub fn scope(&self, typed: &ScopeArguments) -> Result<ScopeArguments, Failure> {
        self.config.live.scope(typed)
    }

    /// The question, as of `now`, else as of when the estate was recorded.
    pub fn question(&self, now: Option<Timestamp>) -> Question<'_> {
        let policies = self.set.rules.iter().zip(&self.params).map(|(rule, params)| Policy {
            rule,
            params,
            reported: params.enabled,
        });
        let mut ports = self.config.ports.clone().unwrap_or_else(|| MANAGEMENT_PORTS.to_vec());
        ports.sort_unstable();
        ports.dedup();
        Question {
            policies: policies.collect(),
            ports,
            waivers: &self.config.waivers,
            choices: self.choices.clone(),
            generated: Timestamp::now(),
            now,
        }
    }
}
