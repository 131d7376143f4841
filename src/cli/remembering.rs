//! What `scan --history` does: finds the history, writes the scan down, and says on the error stream what changed.

use clap::Args;
use jiff::Timestamp;

use super::config::Config;
use super::judging::Judging;
use super::{Failure, style, telling};
use crate::history::statistics::seconds_before;
use crate::history::{Address, History, Recorded, Trouble};
use crate::report::Report;
use crate::report::night::words;
use crate::report::remember::{Remembering, observation};
use crate::rule::owner::Owners;

impl From<Trouble> for Failure {
    fn from(trouble: Trouble) -> Self {
        Failure(trouble.0)
    }
}

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "History")]
pub struct RememberArguments {
    /// Write the scan into this history: a file, or `postgres://user@host/database` (password in PGPASSWORD)
    #[arg(long, value_name = "FILE|URL", env = "PORTCULLIS_HISTORY", hide_env_values = true)]
    history: Option<String>,

    /// The run that this scan is a part of: scans of one run are one point of the trend [default: a run of its own]
    #[arg(long, value_name = "NAME")]
    run: Option<String>,

    /// Keep findings and verdicts in the history, and not the whole report as evidence
    #[arg(long)]
    no_evidence: bool,

    /// Tell somebody what the scan changed: `issue=FILE`, or `teams=env:NAME`, `slack=env:NAME`, `webhook=env:NAME` with the
    /// variable that holds the address; may be given several times, beside `notify` of portcullis.yaml
    #[arg(long, value_name = "KIND=WHERE")]
    notify: Vec<String>,

    /// Tell nobody, whatever portcullis.yaml says
    #[arg(long, conflicts_with = "notify")]
    no_notify: bool,
}

/// Opens the history that was typed, else the one that the configuration names.
pub fn open(typed: Option<&str>, config: &Config, create: bool) -> Result<History, Failure> {
    let address = address(typed, config)?.ok_or_else(|| {
        Failure("say which history: --history FILE, or `history` in portcullis.yaml, or PORTCULLIS_HISTORY".to_owned())
    })?;
    Ok(History::open(&address, create)?)
}

fn address(typed: Option<&str>, config: &Config) -> Result<Option<Address>, Failure> {
    let password = std::env::var("PGPASSWORD").ok();
    let parse = |text: &str| Address::parse(text, password.as_deref());
    Ok(match (typed, config.history.as_deref()) {
        (Some(typed), _) => Some(parse(typed)?),
        (None, Some(stated)) => Some(match parse(stated)? {
            Address::File(path) => Address::File(config.beside(&path)),
            server => server,
        }),
        (None, None) => None,
    })
}

impl RememberArguments {
    /// Refuses what would make the history say wrong things, before anything is read.
    pub fn check(&self, config: &Config, partial: bool) -> Result<(), Failure> {
        let address = address(self.history.as_deref(), config)?;
        telling::channels(config, &self.notify)?;
        if address.is_none() && (self.run.is_some() || self.no_evidence || !self.notify.is_empty()) {
            return Err(Failure(
                "--run, --no-evidence and --notify need --history, which is missing".to_owned(),
            ));
        }
        if address.is_some() && partial {
            return Err(Failure(
                "a scan with --changed-since judges a part of the findings only and cannot go into a history"
                    .to_owned(),
            ));
        }
        Owners::new(&config.owners)
            .map(drop)
            .map_err(|why| Failure(format!("`owners` of the configuration: {why}")))
    }

    /// Writes the scan down, where a history was named. Nothing is written of a scan that read nothing.
    pub fn remember(
        &self,
        report: &Report,
        judging: &Judging,
        nothing: bool,
        shards: Option<u16>,
        certificates: Option<Vec<u8>>,
    ) -> Result<Option<Recorded>, Failure> {
        let config = &judging.config;
        let Some(address) = address(self.history.as_deref(), config)? else {
            return Ok(None);
        };
        if nothing && report.scan.subscriptions.is_empty() {
            style::warning("nothing was read, and nothing is written into the history");
            return Ok(None);
        }
        let owners = Owners::new(&config.owners).map_err(Failure)?;
        let taken = taken(report, judging.now);
        let remembering = Remembering {
            run: self.run.clone().or_else(|| shards.map(|count| night(&taken, count))),
            taken,
            owners: &owners,
            keep: !self.no_evidence,
        };
        let observation = observation(report, remembering)?;
        let mut history = History::open(&address, true)?;
        let recorded = history.record(&observation)?;
        say(&history, &recorded);
        if !self.no_notify {
            let channels = telling::channels(config, &self.notify)?;
            telling::tell(&mut history, recorded.scan, &channels, certificates)?;
        }
        Ok(Some(recorded))
    }
}

/// The run that the shards of one night share where nobody names one: half a day on both sides of midnight is one night.
fn night(taken: &str, shards: u16) -> String {
    let half_a_day = seconds_before(taken, 43_200);
    let evening = half_a_day.get(..10).unwrap_or_default();
    format!("night of {evening} in {shards} shards")
}

/// As of when the estate was judged: as asked, else when it was recorded, else now.
pub fn taken(report: &Report, now: Option<Timestamp>) -> String {
    let whole = |time: Timestamp| Timestamp::from_second(time.as_second()).unwrap_or(time).to_string();
    let recorded = || report.scan.recorded.as_deref()?.parse().ok();
    let generated = || report.scan.generated.parse().ok();
    let moment: Option<Timestamp> = now.or_else(recorded).or_else(generated);
    moment.map_or_else(|| report.scan.generated.clone(), whole)
}

fn say(history: &History, recorded: &Recorded) {
    let name = history.name();
    style::note(&format!(
        "scan {} is in `{name}`: {}",
        recorded.scan,
        words(&recorded.changes)
    ));
    for scope in &recorded.late {
        style::warning(&format!(
            "`{name}` holds a younger scan of `{scope}`; this one is kept as evidence and changes nothing"
        ));
    }
}

/// A moment as the history writes them; a day stands for its end. Times are UTC.
pub fn moment(text: &str) -> Result<String, String> {
    let whole = |time: Timestamp| Timestamp::from_second(time.as_second()).unwrap_or(time).to_string();
    if let Ok(time) = text.parse() {
        return Ok(whole(time));
    }
    match text.parse::<jiff::civil::Date>() {
        Ok(day) if text.len() == 10 => Ok(format!("{day}T23:59:59Z")),
        _ => Err("say a day, such as 2026-10-03, or a moment, such as 2026-10-03T02:10:00Z".to_owned()),
    }
}
