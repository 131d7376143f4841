//! Notices after a scan: which channels there are, what each has not been told yet, and how it went.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::config::Config;
use super::whole::{self, Readers};
use super::{Failure, style};
use crate::history::History;
use crate::history::model::Point;
use crate::notify::channel::World;
use crate::notify::post::Patience;
use crate::notify::{Channel, ChannelRule, Kind, Notice};

/// The channels of the configuration, and those of `--notify KIND=FILE` or `--notify KIND=env:NAME`.
pub fn channels(config: &Config, typed: &[String]) -> Result<Vec<Channel>, Failure> {
    let stated = config.notify.iter().cloned().map(|mut rule| {
        for path in [&mut rule.url_file, &mut rule.template, &mut rule.file]
            .into_iter()
            .flatten()
        {
            *path = config.beside(path);
        }
        Ok(rule)
    });
    let rules = stated.chain(typed.iter().map(|text| channel(text)));
    let mut channels: Vec<Channel> = Vec::new();
    for rule in rules {
        let channel = Channel::new(rule?).map_err(Failure)?;
        if channels.iter().any(|known| known.name() == channel.name()) {
            return Err(Failure(format!(
                "there are two channels `{}`; each needs a name of its own",
                channel.name()
            )));
        }
        channels.push(channel);
    }
    Ok(channels)
}

fn channel(text: &str) -> Result<ChannelRule, Failure> {
    let names = || Kind::ALL.map(|(_, name)| name).join(", ");
    let wrong = || {
        Failure(format!(
            "--notify: write it as `issue=FILE`, or `teams=env:NAME` with a variable that holds the address; kinds are {}",
            names()
        ))
    };
    let (kind, place) = text.split_once('=').ok_or_else(wrong)?;
    let (kind, name) = Kind::ALL.iter().find(|(_, name)| *name == kind).ok_or_else(wrong)?;
    let mut rule = ChannelRule {
        name: (*name).to_owned(),
        kind: *kind,
        ..ChannelRule::default()
    };
    match (kind, place.strip_prefix("env:")) {
        (Kind::Issue, None) => rule.file = Some(PathBuf::from(place)),
        (Kind::Webhook | Kind::Teams | Kind::Slack, Some(variable)) => rule.url_env = Some(variable.to_owned()),
        (Kind::Webhook | Kind::Teams | Kind::Slack, None) if !place.contains("://") => {
            rule.url_file = Some(PathBuf::from(place));
        }
        (Kind::Webhook | Kind::Teams | Kind::Slack, None) => {
            return Err(Failure(
                "--notify: the address of a webhook is a secret; put it into a variable and write `teams=env:NAME`"
                    .to_owned(),
            ));
        }
        (Kind::Email, _) => {
            return Err(Failure(
                "--notify: an e-mail needs sender and recipients; state it in portcullis.yaml".to_owned(),
            ));
        }
        _ => return Err(wrong()),
    }
    Ok(rule)
}

/// Tells every channel what it has not been told. A channel that fails is said and tried again by the next run.
pub fn tell(
    history: &mut History,
    newest: i64,
    channels: &[Channel],
    certificates: Option<Vec<u8>>,
) -> Result<(), Failure> {
    if channels.is_empty() {
        return Ok(());
    }
    let world = World {
        variable: &|name| std::env::var(name).ok(),
        read: &|path| std::fs::read_to_string(path),
        write: &write,
        patience: Patience::default(),
        certificates,
    };
    let trend = history.trend()?;
    for channel in channels {
        for scan in history.claim_notices(channel.name(), newest, &now())? {
            let notice = notice(history, scan, channel, &trend)?;
            tell_one(history, scan, channel, notice.as_ref(), &world)?;
        }
    }
    Ok(())
}

fn tell_one(
    history: &mut History,
    scan: i64,
    channel: &Channel,
    notice: Option<&Notice>,
    world: &World<'_>,
) -> Result<(), Failure> {
    let name = channel.name();
    let Some(notice) = notice else {
        return Ok(history.notice_sent(name, scan, "", &now())?);
    };
    match channel.deliver(notice, world) {
        Ok(()) => {
            let text = serde_json::to_string(notice).unwrap_or_default();
            let digest: String = Sha256::digest(text.as_bytes())
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect();
            history.notice_sent(name, scan, &digest, &now())?;
            style::note(&format!("told `{name}` of scan {scan}"));
        }
        Err(undelivered) => {
            history.notice_failed(name, scan)?;
            style::warning(&format!(
                "channel `{name}` was not told of scan {scan}: {undelivered}; the next run tries again"
            ));
        }
    }
    Ok(())
}

fn notice(history: &mut History, scan: i64, channel: &Channel, trend: &[Point]) -> Result<Option<Notice>, Failure> {
    let changes = history.changes(scan)?;
    let kept = history.scan(Some(scan))?;
    let standing = trend
        .iter()
        .find(|point| point.scans.contains(&scan))
        .cloned()
        .unwrap_or_default();
    let asked = |event: &str| channel.asks_for(event);
    Ok(Notice::of(
        &kept,
        &changes,
        standing,
        asked,
        channel.least(),
        channel.link(),
    ))
}

fn now() -> String {
    let now = Timestamp::now();
    Timestamp::from_second(now.as_second()).unwrap_or(now).to_string()
}

fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    whole::write(path, Readers::Owner, |out| out.write_all(bytes))
}
