//! `portcullis permissions`.

use std::io::{self, Write};

use clap::Args;

use super::live::ConnectionArguments;
use super::{Failure, status};
use crate::azure::credential;
use crate::azure::permission::{FORMATS, Lack, Purpose, lacks};
use crate::report::text;

const AFTER: &str = "\
With --subscription, asks Azure what the identity that is signed in lacks there. Without, prints a custom role with \
exactly the actions that are needed; `--as az` is a command to run. The built-in role Reader covers reading but for the \
actions that ask network managers for the admin rules in force.

Exit status: 0 nothing is lacking, or a role was printed; 1 something is lacking; 2 wrong usage, or nobody could sign in; \
3 what is lacking could not be told.";

#[derive(Debug, Args)]
#[command(after_help = AFTER, after_long_help = long_after())]
pub struct PermissionsArguments {
    /// What the identity is for
    #[arg(long = "for", value_name = "PURPOSE", default_value = "scan", value_parser = purpose)]
    purpose: Purpose,

    /// The notation of the role: json, bicep, terraform or az [default: json]
    #[arg(long = "as", value_name = "FORMAT", value_parser = format)]
    format: Option<String>,

    /// Where the role may be assigned; may be given several times [default: a placeholder]
    #[arg(long, value_name = "SCOPE", conflicts_with = "subscription")]
    scope: Vec<String>,

    /// Ask what the identity lacks in this subscription; may be given several times
    #[arg(long, value_name = "ID", value_delimiter = ',', conflicts_with = "format")]
    subscription: Vec<String>,

    #[command(flatten)]
    connection: ConnectionArguments,
}

/// Every way to sign in, as the long help shows them.
fn long_after() -> String {
    let ways = credential::KINDS
        .iter()
        .map(|kind| format!("  {:<17} {}", kind.name, kind.about));
    format!(
        "{AFTER}\n\nWays to sign in, in the order in which they are tried (--auth takes one):\n{}",
        ways.collect::<Vec<_>>().join("\n")
    )
}

fn purpose(text: &str) -> Result<Purpose, String> {
    let found = Purpose::ALL.iter().find(|(name, _)| *name == text);
    found
        .map(|(_, purpose)| *purpose)
        .ok_or_else(|| format!("`{text}` is no purpose; there are scan, request, configure, remediate"))
}

pub(super) fn format(text: &str) -> Result<String, String> {
    match FORMATS.iter().any(|format| format.name == text) {
        true => Ok(text.to_owned()),
        false => {
            let names: Vec<&str> = FORMATS.iter().map(|format| format.name).collect();
            Err(format!("`{text}` is no notation; there are {}", names.join(", ")))
        }
    }
}

const PLACEHOLDER: &str = "/subscriptions/00000000-0000-0000-0000-000000000000";

impl PermissionsArguments {
    pub fn run(&self) -> Result<u8, Failure> {
        if self.subscription.is_empty() {
            let role = role(self.purpose, self.format.as_deref(), &self.scope)?;
            io::stdout().lock().write_all(role.as_bytes())?;
            return Ok(status::CLEAN);
        }
        let connection = self.connection.connection()?;
        let lacks = lacks(&connection, &self.subscription, self.purpose).map_err(|unread| Failure(unread.0))?;
        let mut out = io::stdout().lock();
        lacks.iter().try_for_each(|one| lack(one, self.purpose, &mut out))?;
        Ok(outcome(&lacks))
    }
}

/// The role for a purpose in a notation.
pub(super) fn role(purpose: Purpose, format: Option<&str>, scopes: &[String]) -> Result<String, Failure> {
    let name = format.unwrap_or("json");
    let placeholder = [PLACEHOLDER.to_owned()];
    let scopes = if scopes.is_empty() { &placeholder } else { scopes };
    if let Some(wrong) = scopes.iter().find(|scope| !is_scope(scope)) {
        return Err(Failure(format!("`{wrong}` is no scope; write it as `{PLACEHOLDER}`")));
    }
    let written = FORMATS.iter().find(|format| format.name == name);
    Ok(written
        .map(|format| (format.write)(purpose, scopes))
        .unwrap_or_default())
}

/// What is lacking, a line a feature.
pub(super) fn lack(lack: &Lack, purpose: Purpose, out: &mut impl Write) -> io::Result<()> {
    let name = text::line(&lack.subscription);
    match &lack.features {
        Err(why) => writeln!(
            out,
            "subscription {name}: what is lacking cannot be told: {}",
            text::line(why)
        ),
        Ok(features) if features.is_empty() => {
            writeln!(
                out,
                "subscription {name}: everything for `{}` is allowed",
                purpose.name()
            )
        }
        Ok(features) => {
            writeln!(out, "subscription {name}: the identity cannot")?;
            for feature in features {
                writeln!(out, "  {}", feature.name)?;
                for action in &feature.actions {
                    writeln!(out, "    lacks {action}")?;
                }
            }
            Ok(())
        }
    }
}

/// A path without anything that a notation would take for its own.
fn is_scope(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'.' | b'_' | b'(' | b')');
    text.starts_with('/') && text.bytes().all(plain)
}

pub(super) fn outcome(lacks: &[Lack]) -> u8 {
    if lacks.iter().any(|lack| lack.features.is_err()) {
        return status::INCOMPLETE;
    }
    let lacking = lacks
        .iter()
        .flat_map(|lack| &lack.features)
        .any(|features| !features.is_empty());
    if lacking { status::FINDINGS } else { status::CLEAN }
}
