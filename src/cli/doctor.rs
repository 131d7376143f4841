//! `portcullis doctor`.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;

use super::config::Config;
use super::live::ConnectionArguments;
use super::{Failure, output, remembering, status, telling};
use crate::azure::examine::{Examined, examine};
use crate::report::text;

const AFTER: &str = "Exit status: 0 all is well; 1 something is to mend; 2 wrong usage.";

#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub struct DoctorArguments {
    /// Look at this history too: a file, or `postgres://user@host/database` (password in PGPASSWORD)
    #[arg(long, value_name = "FILE|URL", env = "PORTCULLIS_HISTORY", hide_env_values = true)]
    history: Option<String>,

    /// Settings [default: portcullis.yaml of the current directory]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// Look at this machine and the history alone, and speak to no cloud
    #[arg(long)]
    offline: bool,

    /// Print as JSON
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    connection: ConnectionArguments,
}

/// One thing that was looked at.
#[derive(Serialize)]
struct Check {
    name: &'static str,
    state: State,
    said: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    mend: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Well,
    /// It works, and may not for long or not for everything.
    Doubtful,
    Broken,
}

fn well(name: &'static str, said: impl Into<String>) -> Check {
    Check {
        name,
        state: State::Well,
        said: said.into(),
        mend: None,
    }
}

fn ill(name: &'static str, state: State, said: impl Into<String>, mend: &str) -> Check {
    Check {
        name,
        state,
        said: said.into(),
        mend: Some(mend.to_owned()),
    }
}

impl DoctorArguments {
    pub fn run(&self) -> Result<u8, Failure> {
        let config = Config::read(self.config.as_deref(), None)?;
        let mut checks = vec![disk("scratch", &std::env::temp_dir()), proxy()];
        checks.push(self.history(&config));
        checks.push(match telling::channels(&config, &[]) {
            Ok(channels) => well("notices", format!("{} channels are configured", channels.len())),
            Err(why) => ill("notices", State::Broken, why.0, "correct `notify` in portcullis.yaml"),
        });
        if !self.offline {
            let connection = config.live.connection(&self.connection, &config)?;
            let examined = examine(&connection.connection()?).map_err(|unread| Failure(unread.0))?;
            checks.extend(cloud(&examined));
        }
        let text = match self.json {
            true => format!("{:#}\n", serde_json::json!({ "checks": checks })),
            false => checks.iter().map(line).collect(),
        };
        output::to_stdout(text.as_bytes())?;
        let ill = checks.iter().any(|check| check.state == State::Broken);
        Ok(if ill { status::FINDINGS } else { status::CLEAN })
    }

    fn history(&self, config: &Config) -> Check {
        if self.history.is_none() && config.history.is_none() {
            return well("history", "none is configured; `scan --history FILE` keeps one");
        }
        match remembering::open(self.history.as_deref(), config, true) {
            Ok(mut history) => match history.scans() {
                Ok(scans) => well(
                    "history",
                    format!(
                        "`{}` opens, can be written and holds {} scans",
                        history.name(),
                        scans.len()
                    ),
                ),
                Err(trouble) => ill("history", State::Broken, trouble.0, "look at the server's log"),
            },
            Err(why) => ill(
                "history",
                State::Broken,
                why.0,
                "check path or address, password (PGPASSWORD) and rights: the user has to be allowed to create a schema",
            ),
        }
    }
}

fn line(check: &Check) -> String {
    let word = match check.state {
        State::Well => "ok",
        State::Doubtful => "look",
        State::Broken => "MEND",
    };
    let mend = check
        .mend
        .as_deref()
        .map(|mend| format!("                   {}\n", text::line(mend)))
        .unwrap_or_default();
    format!("{word:4}  {:11}  {}\n{mend}", check.name, text::line(&check.said))
}

/// What the live scan writes while it reads.
const SCRATCH: usize = 64 << 20;

fn disk(name: &'static str, directory: &Path) -> Check {
    let write = || {
        let mut file = tempfile::NamedTempFile::new_in(directory)?;
        let block = vec![0x5a; 1 << 20];
        (0..SCRATCH >> 20).try_for_each(|_| file.write_all(&block))?;
        file.as_file().sync_all()
    };
    match write() {
        Ok(()) => well(
            name,
            format!("{} MiB can be written to `{}`", SCRATCH >> 20, directory.display()),
        ),
        Err(error) => ill(
            name,
            State::Broken,
            format!("`{}` cannot take {} MiB: {error}", directory.display(), SCRATCH >> 20),
            "set TMPDIR to a directory with room; a container with a read-only file system needs a volume there",
        ),
    }
}

/// Proxies by name, without user and password.
fn proxy() -> Check {
    let names = [
        "HTTPS_PROXY",
        "https_proxy",
        "HTTP_PROXY",
        "http_proxy",
        "ALL_PROXY",
        "all_proxy",
        "NO_PROXY",
        "no_proxy",
    ];
    let set = names.iter().filter_map(|name| Some((*name, std::env::var(name).ok()?)));
    let shown: Vec<String> = set
        .map(|(name, value)| format!("{name}={}", without_user(&value)))
        .collect();
    match shown.is_empty() {
        true => well("proxy", "none is set; connections go straight out"),
        false => well("proxy", shown.join(", ")),
    }
}

fn without_user(url: &str) -> String {
    match (url.split_once("://"), url.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, place))) => format!("{scheme}://***@{place}"),
        (None, Some((_, place))) => format!("***@{place}"),
        _ => url.to_owned(),
    }
}

/// Tokens are good for minutes around the moment at which they were made.
const MOST_AHEAD: i64 = 240;

fn cloud(examined: &Examined) -> Vec<Check> {
    let mut checks = Vec::new();
    match &examined.reached {
        Err(why) => checks.push(ill(
            "tls",
            State::Broken,
            format!("Resource Manager cannot be reached: {why}"),
            "check name resolution, firewall and proxy; a certificate of an inspecting proxy goes into --ca-file",
        )),
        Ok(reached) => {
            let how = if reached.encrypted {
                "over TLS that is trusted"
            } else {
                "WITHOUT TLS, as on loopback"
            };
            checks.push(well("tls", format!("`{}` answers {how}", reached.host)));
            checks.push(match reached.ahead {
                Some(ahead) if ahead.abs() > MOST_AHEAD => ill(
                    "clock",
                    State::Broken,
                    format!("this machine's clock is {ahead} seconds ahead of the service's"),
                    "set the clock, or tokens are refused and openings are judged at the wrong moment",
                ),
                Some(ahead) => well(
                    "clock",
                    format!("differs by {} seconds from the service's", ahead.abs()),
                ),
                None => ill(
                    "clock",
                    State::Doubtful,
                    "the service told no time",
                    "compare the clock yourself",
                ),
            });
        }
    }
    checks.push(match &examined.signed_in {
        Ok(kind) => well("sign-in", format!("signed in by `{kind}`")),
        Err(why) => ill(
            "sign-in",
            State::Broken,
            why.clone(),
            "`portcullis permissions --help` lists the ways to sign in",
        ),
    });
    match &examined.shown {
        Ok(ids) if ids.is_empty() => checks.push(ill(
            "rights",
            State::Broken,
            "the identity is shown no subscription",
            "assign it the role Reader, or the one that `portcullis permissions --for scan` prints",
        )),
        Ok(ids) => checks.push(rights(ids, examined)),
        Err(why) => checks.push(ill(
            "rights",
            State::Broken,
            format!("subscriptions cannot be listed: {why}"),
            "see above",
        )),
    }
    checks
}

fn rights(ids: &[String], examined: &Examined) -> Check {
    let lacking: Vec<String> = examined
        .lacks
        .iter()
        .filter_map(|lack| match &lack.features {
            Ok(features) if features.is_empty() => None,
            Ok(features) => {
                let names: Vec<&str> = features.iter().map(|feature| feature.name.as_str()).collect();
                Some(format!("`{}` lacks: {}", lack.subscription, names.join(", ")))
            }
            Err(why) => Some(format!("`{}`: {why}", lack.subscription)),
        })
        .collect();
    let asked = examined.lacks.len();
    match lacking.is_empty() {
        true => well(
            "rights",
            format!(
                "{} subscriptions are shown; in the {asked} asked, everything may be read",
                ids.len()
            ),
        ),
        false => ill(
            "rights",
            State::Broken,
            format!("{} subscriptions are shown; {}", ids.len(), lacking.join("; ")),
            "assign the role that `portcullis permissions --for scan --as az` prints",
        ),
    }
}
