//! What the subcommands share: which machines are meant, the time zone in which moments are shown and understood, and
//! faults of the service in words.

use std::path::PathBuf;

use clap::Args;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::super::Failure;
use super::super::asking::Asking;
use super::super::live::ConnectionArguments;
use crate::azure::client::Fault;
use crate::jit::moment;
use crate::jit::refusal::{advice, sentence};
use crate::jit::select::Selector;

#[derive(Debug, Args)]
#[command(next_help_heading = "Machines")]
pub struct MachineArguments {
    /// Machines by name or ARM id
    #[arg(value_name = "MACHINE")]
    pub machines: Vec<String>,

    /// Machines with this tag; may be given several times, and all must be there
    #[arg(long, value_name = "NAME=VALUE", value_parser = tag)]
    pub tag: Vec<(String, String)>,

    /// Machines with an open finding of this rule, such as `management-ports-jit`; may be given several times
    #[arg(long, value_name = "RULE")]
    pub finding: Vec<String>,

    /// Every machine of what was read
    #[arg(long)]
    pub all: bool,
}

fn tag(text: &str) -> Result<(String, String), String> {
    let parts = text.split_once('=').filter(|(name, _)| !name.is_empty());
    parts
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .ok_or_else(|| format!("`{text}` is no tag; write it as `environment=production`"))
}

impl MachineArguments {
    pub fn selector(&self) -> Result<Selector, Failure> {
        let selector = Selector {
            machines: self.machines.clone(),
            tags: self.tag.clone(),
            findings: self.finding.clone(),
            all: self.all,
        };
        match selector.is_empty() {
            true => Err(Failure(
                "say which machines: by name or id, or with --tag, --finding or --all".to_owned(),
            )),
            false => Ok(selector),
        }
    }
}

#[derive(Debug, Args)]
pub struct ZoneArguments {
    /// Show and understand times in this zone, such as `Europe/Berlin` or `UTC` [default: this machine's]
    #[arg(long, value_name = "NAME", value_parser = zone)]
    pub time_zone: Option<TimeZone>,
}

fn zone(text: &str) -> Result<TimeZone, String> {
    moment::named(text)
}

impl ZoneArguments {
    pub fn zone(&self) -> TimeZone {
        self.time_zone.clone().unwrap_or_else(TimeZone::system)
    }
}

/// The connection that was typed, else what the configuration of the current directory says.
pub fn settled(typed: &ConnectionArguments) -> Result<ConnectionArguments, Failure> {
    Asking::read(&[], None, None)?.connection(typed)
}

/// The subscriptions that ids name, each once.
pub fn subscriptions_of(ids: &[String]) -> Vec<String> {
    let mut named: Vec<String> = ids
        .iter()
        .filter(|id| id.starts_with('/'))
        .map(|id| crate::model::ResourceId::new(id).subscription().to_ascii_lowercase())
        .filter(|id| !id.is_empty())
        .collect();
    named.sort();
    named.dedup();
    named
}

/// A fault of a call, in the service's words and ours.
pub fn said(what: &str, fault: &Fault) -> Failure {
    Failure(match fault {
        Fault::Refused { status, code, message } if *status != 0 => {
            sentence(what, &fault.words(), advice(*status, code, message))
        }
        other => format!("{what}: {}", other.words()),
    })
}

/// Where a run is written down when nobody says: a file of its own in the user's state directory.
pub fn journal(stated: Option<&PathBuf>, command: &str, now: Timestamp) -> Result<PathBuf, Failure> {
    if let Some(stated) = stated {
        return Ok(stated.clone());
    }
    let variable = |name: &str| {
        std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    let state = variable("XDG_STATE_HOME")
        .or_else(|| variable("LOCALAPPDATA"))
        .or_else(|| Some(variable("HOME")?.join(".local").join("state")));
    let directory = state.map_or_else(|| PathBuf::from("."), |state| state.join("portcullis"));
    std::fs::create_dir_all(&directory).map_err(|error| {
        Failure(format!(
            "cannot make `{}` for the journal: {error}; name a file with --journal",
            directory.display()
        ))
    })?;
    let name = format!(
        "jit-{command}-{}-{}.journal.jsonl",
        now.strftime("%Y%m%dT%H%M%S%.3fZ"),
        std::process::id()
    );
    Ok(directory.join(name))
}
