//! `portcullis jit audit`.

use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::super::files::{self, InputFile};
use super::super::live::{ConnectionArguments, duration, guid};
use super::super::{Failure, output, status, style};
use super::estate::{ZoneArguments, said, settled};
use super::objects::each_object;
use super::spool::Spool;
use crate::azure::jit::{NETWORK, SECURITY};
use crate::azure::session::Session;
use crate::input::{Given, Header as SnapshotHeader, SNAPSHOT_FOOTER, SNAPSHOT_FORMAT};
use crate::jit::audit::{
    Change, FORMAT_VERSION, Filter, Header, Lines, Merger, Outcome, Page, Record, Row, Table, event, is_concerned,
    rows_of_policy,
};
use crate::jit::moment::{lasting, until};
use crate::remedy::documents::id_of;
use crate::report::{ReportError, text};

const AFTER: &str = "\
Read are the activity log (which Azure keeps for 90 days, and which is 3 to 20 minutes behind) and the record of requests \
that each policy keeps; both are merged to one line a request. Rules that Defender for Cloud changed for it are named \
beside it. Other changes of policies and rules are lines of their own.

`--evidence DIR` writes an empty directory full for an auditor: the report in each format, the events and policies as they \
were read, and SHA256SUMS, which `sha256sum -c` checks.

Exit status: 0 everything was read; 2 nothing was read, or wrong usage; 3 something was not read.";

#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub struct AuditArguments {
    /// Recorded estates, whose policies hold the record of requests; or a live one with --subscription or
    /// --all-subscriptions
    #[arg(
        required_unless_present_any = ["subscription", "all_subscriptions", "events"],
        conflicts_with_all = ["subscription", "all_subscriptions"],
        value_name = "PATH"
    )]
    paths: Vec<PathBuf>,

    /// Activity log as `az monitor activity-log list -o json` or the REST API prints it, or one event a line; may be
    /// given several times
    #[arg(long, value_name = "FILE", conflicts_with_all = ["subscription", "all_subscriptions"])]
    events: Vec<PathBuf>,

    /// Ask Azure about this subscription; may be given several times
    #[arg(long, value_name = "ID", value_delimiter = ',', value_parser = guid)]
    subscription: Vec<String>,

    /// Ask Azure about every subscription that the identity is shown
    #[arg(long)]
    all_subscriptions: bool,

    /// So far back, at most 90d [default: 7d; of recorded files, everything]
    #[arg(long, value_name = "DURATION", value_parser = back, conflicts_with = "from")]
    since: Option<SignedDuration>,

    /// From this moment on
    #[arg(long, value_name = "TIME")]
    from: Option<String>,

    /// Up to this moment [default: now]
    #[arg(long, value_name = "TIME")]
    to: Option<String>,

    /// Only this machine, by name or id; may be given several times
    #[arg(long, value_name = "MACHINE")]
    machine: Vec<String>,

    /// Only users whose name holds this text; may be given several times
    #[arg(long, value_name = "TEXT")]
    user: Vec<String>,

    /// Only requests, no other changes of policies and rules
    #[arg(long)]
    requests_only: bool,

    /// Do not read the log of network changes, which is large where much is changed
    #[arg(long)]
    no_rules: bool,

    /// console, csv, json (docs/jit-audit.schema.json) or html; to a file with FORMAT=FILE; may be given several times
    #[arg(long, short, value_name = "FORMAT[=FILE]", value_parser = target)]
    format: Vec<Target>,

    /// Write an evidence pack for an auditor into this directory, which must be new or empty
    #[arg(long, value_name = "DIR")]
    evidence: Option<PathBuf>,

    #[command(flatten)]
    zone: ZoneArguments,

    #[command(flatten)]
    connection: ConnectionArguments,
}

fn back(text: &str) -> Result<SignedDuration, String> {
    let days = text.strip_suffix('d').and_then(|days| days.parse::<i64>().ok());
    let length = match days {
        Some(days) => days
            .checked_mul(24)
            .and_then(SignedDuration::try_from_hours)
            .unwrap_or(SignedDuration::MAX),
        None => SignedDuration::try_from(duration(text)?).map_err(|error| error.to_string())?,
    };
    match length > SignedDuration::ZERO && length <= KEPT {
        true => Ok(length),
        false => Err(format!(
            "`{text}` is not within the 90 days that Azure keeps its log; write it as `12h` or `30d`"
        )),
    }
}

/// Azure keeps its log for so long.
const KEPT: SignedDuration = SignedDuration::from_hours(90 * 24);
const USUAL: SignedDuration = SignedDuration::from_hours(7 * 24);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Console,
    Csv,
    Json,
    Html,
}

type Target = output::Target<Format>;

const FORMATS: &[(&str, Format)] = &[
    ("console", Format::Console),
    ("csv", Format::Csv),
    ("json", Format::Json),
    ("html", Format::Html),
];

fn target(text: &str) -> Result<Target, String> {
    Target::parse(text, FORMATS)
}

/// What was read, and what was not.
#[derive(Default)]
struct Gathered {
    spool: Spool,
    subscriptions: Vec<String>,
    missing: Vec<String>,
    /// Requests and events, read and within the period.
    rows: u64,
}

impl AuditArguments {
    pub fn run(&self) -> Result<u8, Failure> {
        let targets = self.targets();
        Target::check(&targets)?;
        let mut pack = self.evidence.as_deref().map(Pack::begin).transpose()?;
        let live = self.all_subscriptions || !self.subscription.is_empty();
        let session = match live {
            true => Some(Session::open(&settled(&self.connection)?.connection()?).map_err(|unread| Failure(unread.0))?),
            false => None,
        };
        let mut gathered = Gathered::default();
        let subscriptions = session
            .as_ref()
            .map(|session| self.subscriptions(session))
            .transpose()?;
        let now = session.as_ref().map_or_else(Timestamp::now, Session::now);
        let (from, to) = self.period(now, live)?;
        match (&session, subscriptions) {
            (Some(session), Some(subscriptions)) => {
                for id in &subscriptions {
                    self.read_live(session, id, (from, to), &mut gathered, &mut pack)?;
                }
                gathered.subscriptions = subscriptions;
            }
            _ => self.read_files((from, to), &mut gathered, &mut pack)?,
        }
        let header = self.header(&gathered, now, from, to);
        let mut writers = self.writers(&targets, &header, &mut pack)?;
        let counts = self.merge(gathered, &mut writers)?;
        for writer in writers {
            writer.end()?;
        }
        if let Some(pack) = pack {
            pack.end(&header, &counts)?;
        }
        for missing in &header.missing {
            style::warning(missing);
        }
        style::note(&format!(
            "{} requests granted, {} refused, {} unanswered; {} other changes",
            counts.granted, counts.refused, counts.unanswered, counts.other
        ));
        Ok(if header.complete {
            status::CLEAN
        } else {
            status::INCOMPLETE
        })
    }

    fn targets(&self) -> Vec<Target> {
        match (self.format.is_empty(), &self.evidence) {
            (false, _) => self.format.clone(),
            (true, Some(_)) => Vec::new(),
            (true, None) => vec![Target {
                format: Format::Console,
                file: None,
            }],
        }
    }

    fn subscriptions(&self, session: &Session) -> Result<Vec<String>, Failure> {
        let shown = session.subscriptions();
        match self.all_subscriptions {
            true => shown.map_err(|fault| said("the subscriptions cannot be listed", &fault)),
            // The first answer tells the service's time; whether it lists all does not matter here.
            false => Ok(self.subscription.clone()),
        }
    }

    fn period(&self, now: Timestamp, live: bool) -> Result<(Timestamp, Timestamp), Failure> {
        let zone: TimeZone = self.zone.zone();
        let moment = |text: &String| until(text, now, &zone).or_else(|_| until(&format!("{text}T00:00"), now, &zone));
        let to = self
            .to
            .as_ref()
            .map(moment)
            .transpose()
            .map_err(|why| Failure(format!("--to: {why}")))?;
        // What the service notes while it is read belongs to it.
        let to = to.unwrap_or_else(|| now.saturating_add(SignedDuration::from_mins(1)).unwrap_or(now));
        let stated = self
            .from
            .as_ref()
            .map(moment)
            .transpose()
            .map_err(|why| Failure(format!("--from: {why}")))?;
        let since = self.since.or(live.then_some(USUAL));
        let from = stated.or_else(|| to.checked_sub(since?).ok()).unwrap_or(Timestamp::MIN);
        if from >= to {
            return Err(Failure("the period is empty: --from is not before --to".to_owned()));
        }
        if live && now.duration_since(from) > KEPT + SignedDuration::from_hours(1) {
            return Err(Failure("Azure keeps its log for 90 days; begin later".to_owned()));
        }
        Ok((from, to))
    }

    fn read_live(
        &self,
        session: &Session,
        id: &str,
        period: (Timestamp, Timestamp),
        gathered: &mut Gathered,
        pack: &mut Option<Pack>,
    ) -> Result<(), Failure> {
        let mut failed: Option<Failure> = None;
        let read = session.policies(id, |rows| {
            for policy in rows {
                let kept = gathered.policy(&policy, period, pack);
                failed = failed.take().or(kept.err());
            }
        });
        if let Err(fault) = read {
            let what = format!("the just-in-time policies of subscription `{id}` were not read");
            gathered.missing.push(said(&what, &fault).0);
        }
        let providers = [SECURITY, NETWORK].into_iter().take(if self.no_rules { 1 } else { 2 });
        for provider in providers {
            let read = session.events(id, provider, period.0, period.1, |rows| {
                for event in rows {
                    let kept = gathered.event(&event, period, pack);
                    failed = failed.take().or(kept.err());
                }
            });
            if let Err(fault) = read {
                let what = format!("the activity log of `{provider}` in subscription `{id}` was not read");
                gathered.missing.push(said(&what, &fault).0);
            }
        }
        failed.map_or(Ok(()), Err)
    }

    fn read_files(
        &self,
        period: (Timestamp, Timestamp),
        gathered: &mut Gathered,
        pack: &mut Option<Pack>,
    ) -> Result<(), Failure> {
        let mut policies = 0;
        for file in files::collect(&self.paths)? {
            policies += read_estate(&file, period, gathered, pack)?;
        }
        for path in &self.events {
            let shown = path.display();
            let open = File::open(path).map_err(|error| Failure(format!("cannot read `{shown}`: {error}")))?;
            let mut failed = None;
            let read = each_object(open, |event| {
                let kept = gathered.event(&event, period, pack);
                failed = failed.take().or(kept.err());
            });
            read.map_err(|why| Failure(format!("`{shown}`: {why}")))?;
            if let Some(failed) = failed {
                return Err(failed);
            }
        }
        if policies == 0 && self.events.is_empty() {
            return Err(Failure(
                "no just-in-time policy was read; name a recorded estate, or --events".to_owned(),
            ));
        }
        gathered.subscriptions.sort();
        gathered.subscriptions.dedup();
        Ok(())
    }

    fn header(&self, gathered: &Gathered, now: Timestamp, from: Timestamp, to: Timestamp) -> Header {
        let seconds = |time: Timestamp| Timestamp::from_second(time.as_second()).unwrap_or(time).to_string();
        Header {
            format_version: FORMAT_VERSION,
            tool: concat!("portcullis ", env!("CARGO_PKG_VERSION")).to_owned(),
            generated: seconds(now),
            from: if from == Timestamp::MIN {
                "the beginning".to_owned()
            } else {
                seconds(from)
            },
            to: seconds(to),
            subscriptions: gathered.subscriptions.clone(),
            machines: self.machine.clone(),
            users: self.user.clone(),
            complete: gathered.missing.is_empty(),
            missing: gathered.missing.clone(),
        }
    }

    fn writers(&self, targets: &[Target], header: &Header, pack: &mut Option<Pack>) -> Result<Vec<Writer>, Failure> {
        let mut writers = Vec::new();
        for target in targets {
            let out: Box<dyn Write> = match &target.file {
                Some(path) => Box::new(BufWriter::new(created(path)?)),
                None => Box::new(BufWriter::new(io::stdout().lock())),
            };
            writers.push(Writer::begin(target.format, out, header, self.zone.zone())?);
        }
        if let Some(pack) = pack {
            for (name, format) in [
                ("audit.csv", Format::Csv),
                ("audit.json", Format::Json),
                ("audit.html", Format::Html),
            ] {
                let out = Box::new(BufWriter::new(pack.create(name)?));
                writers.push(Writer::begin(format, out, header, self.zone.zone())?);
            }
        }
        Ok(writers)
    }

    /// Merges day by day and writes what the filters leave.
    fn merge(&self, gathered: Gathered, writers: &mut [Writer]) -> Result<Counts, Failure> {
        let filter = Filter {
            machines: self.machine.clone(),
            users: self.user.clone(),
        };
        let mut merger = Merger::default();
        let mut counts = Counts::default();
        let mut write = |record: Record| -> Result<(), Failure> {
            if !filter.holds(&record) || (self.requests_only && !record.outcome.is_request()) {
                return Ok(());
            }
            counts.count(&record);
            writers.iter_mut().try_for_each(|writer| writer.write(&record))
        };
        for (day, rows) in gathered.spool.days() {
            let rows = rows.map_err(|error| Failure(format!("what was read cannot be read back: {error}")))?;
            let end = Timestamp::from_second(day.saturating_add(1).saturating_mul(86_400)).unwrap_or(Timestamp::MAX);
            merger.day(rows, Some(end)).into_iter().try_for_each(&mut write)?;
        }
        merger.day(Vec::new(), None).into_iter().try_for_each(&mut write)?;
        counts.peak = merger.peak as u64;
        counts.rows = gathered.rows;
        Ok(counts)
    }
}

#[derive(Clone, Debug, Default)]
struct Counts {
    granted: u64,
    refused: u64,
    unanswered: u64,
    other: u64,
    rows: u64,
    /// The most rows that were in memory at once.
    peak: u64,
}

impl Counts {
    fn count(&mut self, record: &Record) {
        match record.outcome {
            Outcome::Granted => self.granted += 1,
            Outcome::Refused => self.refused += 1,
            Outcome::Unanswered => self.unanswered += 1,
            _ => self.other += 1,
        }
    }
}

impl Gathered {
    fn policy(
        &mut self,
        policy: &Value,
        period: (Timestamp, Timestamp),
        pack: &mut Option<Pack>,
    ) -> Result<(), Failure> {
        let (rows, unread) = rows_of_policy(policy);
        if unread > 0 {
            let name = id_of(policy).map(|id| id.as_str().to_owned()).unwrap_or_default();
            self.missing.push(format!(
                "{unread} requests of policy `{name}` state no start that can be read"
            ));
        }
        if let Some(pack) = pack {
            pack.policy(policy)?;
        }
        rows.iter().try_for_each(|row| self.take(row, period))
    }

    fn event(
        &mut self,
        document: &Value,
        period: (Timestamp, Timestamp),
        pack: &mut Option<Pack>,
    ) -> Result<(), Failure> {
        if !is_concerned(document) {
            return Ok(());
        }
        if let Some(pack) = pack {
            pack.event(document)?;
        }
        match event(document) {
            Some(row) => self.take(&Row::Event(row), period),
            None => {
                let why = "events of the activity log have no time that can be read";
                if !self.missing.iter().any(|known| known == why) {
                    self.missing.push(why.to_owned());
                }
                Ok(())
            }
        }
    }

    fn take(&mut self, row: &Row, (from, to): (Timestamp, Timestamp)) -> Result<(), Failure> {
        if row.at() < from || row.at() > to {
            return Ok(());
        }
        self.rows += 1;
        self.spool
            .add(row)
            .map_err(|error| Failure(format!("what was read cannot be kept on disk: {error}")))
    }
}

/// The policies of a recorded estate, one at a time; how many there are.
fn read_estate(
    file: &InputFile,
    period: (Timestamp, Timestamp),
    gathered: &mut Gathered,
    pack: &mut Option<Pack>,
) -> Result<u64, Failure> {
    let name = file.name();
    if name.to_ascii_lowercase().ends_with(".md") {
        return Ok(0);
    }
    let open = file
        .open()
        .map_err(|error| Failure(format!("cannot open `{name}`: {error}")))?;
    let (mut count, mut failed) = (0, None);
    // A snapshot that states its beginning and not its end was cut.
    let (mut begun, mut ended) = (false, false);
    let read = each_object(open, |document| {
        match document.get("format").and_then(Value::as_str) {
            Some(SNAPSHOT_FORMAT) => {
                begun = true;
                gathered.unread(&document);
                return;
            }
            Some(SNAPSHOT_FOOTER) => ended = true,
            _ => {}
        }
        let Some(id) = id_of(&document).filter(|id| id.resource_type() == POLICY) else {
            return;
        };
        count += 1;
        gathered.subscriptions.push(id.subscription().to_ascii_lowercase());
        let kept = gathered.policy(&document, period, pack);
        failed = failed.take().or(kept.err());
    });
    match (read, file.given) {
        (Err(why), Given::Named) => gathered
            .missing
            .push(format!("`{name}` was not read to its end: {why}")),
        // What is found in a directory and is no estate is passed over, unless some of it was one.
        (Err(why), Given::Found) if begun || count > 0 => {
            gathered
                .missing
                .push(format!("`{name}` was not read to its end: {why}"));
        }
        _ if begun && !ended => gathered.missing.push(format!("`{name}` is a snapshot that was cut")),
        _ => {}
    }
    failed.map_or(Ok(count), Err)
}

const POLICY: &str = "microsoft.security/locations/jitnetworkaccesspolicies";

impl Gathered {
    /// What the header of a snapshot says was not read of policies.
    fn unread(&mut self, header: &Value) {
        let Ok(header) = serde_json::from_value::<SnapshotHeader>(header.clone()) else {
            self.missing.push("the header of a snapshot cannot be read".to_owned());
            return;
        };
        self.missing.extend(header.lost);
        for read in header.subscriptions {
            let concerns = |kind: &str| kind == "*" || kind.eq_ignore_ascii_case(POLICY);
            let missing = read.missing.iter().find(|missing| concerns(&missing.resource_type));
            if let Some(missing) = missing {
                self.missing.push(format!(
                    "the just-in-time policies of subscription `{}` were not read: {}",
                    read.id, missing.reason
                ));
            }
        }
    }
}

fn created(path: &Path) -> Result<File, Failure> {
    File::create(path).map_err(|error| Failure(format!("cannot create `{}`: {error}", path.display())))
}

/// A report that is being written.
enum Writer {
    Console(Box<dyn Write>, TimeZone),
    Csv(Box<Table<Box<dyn Write>>>),
    Json(Lines<Box<dyn Write>>),
    Html(Page<Box<dyn Write>>),
}

impl Writer {
    fn begin(format: Format, out: Box<dyn Write>, header: &Header, zone: TimeZone) -> Result<Writer, Failure> {
        let writer = match format {
            Format::Console => Ok(Writer::Console(out, zone)),
            Format::Csv => Table::begin(out).map(|table| Writer::Csv(Box::new(table))),
            Format::Json => Lines::begin(out, header).map(Writer::Json),
            Format::Html => Page::begin(out, header).map(Writer::Html),
        };
        writer.map_err(|error| Failure(error.to_string()))
    }

    fn write(&mut self, record: &Record) -> Result<(), Failure> {
        let written = match self {
            Writer::Console(out, zone) => out.write_all(line(record, zone).as_bytes()).map_err(ReportError::Io),
            Writer::Csv(table) => table.write(record),
            Writer::Json(lines) => lines.write(record),
            Writer::Html(page) => page.write(record),
        };
        closed(written)
    }

    fn end(self) -> Result<(), Failure> {
        closed(match self {
            Writer::Console(mut out, _) => out.flush().map_err(ReportError::Io),
            Writer::Csv(table) => table.end(),
            Writer::Json(lines) => lines.end(),
            Writer::Html(page) => page.end(),
        })
    }
}

/// A reader that has seen enough, such as `head`, is no failure.
fn closed(written: Result<(), ReportError>) -> Result<(), Failure> {
    match written {
        Err(ReportError::Io(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        Err(error) => Err(Failure(error.to_string())),
        Ok(()) => Ok(()),
    }
}

/// A record for a terminal: one line, and one more for what is long.
fn line(record: &Record, zone: &TimeZone) -> String {
    let time = record.time.parse::<Timestamp>().map_or_else(
        |_| record.time.clone(),
        |time| {
            time.to_zoned(zone.clone())
                .strftime("%Y-%m-%d %H:%M:%S %:z")
                .to_string()
        },
    );
    let name = |id: &str| text::name(id.rsplit('/').next().unwrap_or_default(), 40);
    let mut machines: Vec<String> = Vec::new();
    for touched in &record.touched {
        let port = touched.port.map_or_else(String::new, |port| format!(":{port}"));
        machines.push(format!("{}{port}", name(&touched.machine)));
    }
    machines.dedup();
    let mut sources: Vec<&String> = record.touched.iter().flat_map(|touched| &touched.sources).collect();
    sources.sort();
    sources.dedup();
    let about = match (machines.is_empty(), &record.policy, record.changes.first()) {
        (false, ..) => machines.join(", "),
        (true, Some(policy), _) => format!("policy {}", name(policy)),
        (true, None, Some(change)) => format!("rule {} {}", name(&change.resource), change.kind.label()),
        (true, None, None) => String::new(),
    };
    let from = match sources.as_slice() {
        [] => String::new(),
        all => format!(
            " from {}",
            all.iter()
                .map(|source| text::name(source, 45))
                .collect::<Vec<_>>()
                .join(", ")
        ),
    };
    let start: Option<Timestamp> = record.time.parse().ok();
    let ends = record
        .touched
        .iter()
        .filter_map(|touched| touched.end.as_ref()?.parse::<Timestamp>().ok())
        .max();
    let length = ends
        .zip(start)
        .filter(|_| record.outcome.is_request())
        .map_or_else(String::new, |(end, start)| {
            format!(" for {}", lasting(end.duration_since(start)))
        });
    let user = text::name(record.user.as_deref().unwrap_or("-"), 44);
    let mut lines = format!(
        "{time}  {:<14}  {user}  {about}{from}{length}\n",
        record.outcome.label()
    );
    let rules: Vec<String> = record
        .changes
        .iter()
        .map(|change| change_in_words(change, zone))
        .collect();
    let rules = (record.outcome.is_request() && !rules.is_empty()).then(|| rules.join(", "));
    for (label, said) in [
        ("why", &record.justification),
        ("refused", &record.error),
        ("rule", &rules),
    ] {
        if let Some(said) = said {
            lines.push_str(&format!("{:29}{label}: {}\n", "", text::name(said, 160)));
        }
    }
    lines
}

fn change_in_words(change: &Change, zone: &TimeZone) -> String {
    let time = change.time.parse::<Timestamp>().map_or_else(
        |_| change.time.clone(),
        |time| time.to_zoned(zone.clone()).strftime("%H:%M:%S").to_string(),
    );
    format!("{} {time}", change.kind.label())
}

/// The directory of an evidence pack.
struct Pack {
    directory: PathBuf,
    events: BufWriter<File>,
    policies: BufWriter<File>,
}

const EVENTS: &str = "events.jsonl";
const POLICIES: &str = "policies.jsonl";

impl Pack {
    fn begin(directory: &Path) -> Result<Pack, Failure> {
        let shown = directory.display();
        std::fs::create_dir_all(directory).map_err(|error| Failure(format!("cannot make `{shown}`: {error}")))?;
        let mut inside =
            std::fs::read_dir(directory).map_err(|error| Failure(format!("cannot read `{shown}`: {error}")))?;
        if inside.next().is_some() {
            return Err(Failure(format!(
                "`{shown}` is not empty; evidence goes into a directory of its own"
            )));
        }
        Ok(Pack {
            events: BufWriter::new(created(&directory.join(EVENTS))?),
            policies: BufWriter::new(created(&directory.join(POLICIES))?),
            directory: directory.to_owned(),
        })
    }

    fn create(&self, name: &str) -> Result<File, Failure> {
        created(&self.directory.join(name))
    }

    fn event(&mut self, event: &Value) -> Result<(), Failure> {
        writeln!(self.events, "{event}").map_err(Failure::from)
    }

    fn policy(&mut self, policy: &Value) -> Result<(), Failure> {
        writeln!(self.policies, "{policy}").map_err(Failure::from)
    }

    /// What the pack is, and the digest of every file in it.
    fn end(mut self, header: &Header, counts: &Counts) -> Result<(), Failure> {
        self.events.flush()?;
        self.policies.flush()?;
        let manifest = serde_json::json!({
            "header": header,
            "granted": counts.granted,
            "refused": counts.refused,
            "unanswered": counts.unanswered,
            "other": counts.other,
            "rows": counts.rows,
            "rows_in_memory": counts.peak,
            "files": {
                "audit.csv": "one row a record", "audit.json": "the same, docs/jit-audit.schema.json",
                "audit.html": "the same, for reading", (EVENTS): "events of the activity log as they were read",
                (POLICIES): "policies with their record of requests as they were read",
            },
        });
        let mut text = serde_json::to_string_pretty(&manifest).unwrap_or_default();
        text.push('\n');
        self.create("manifest.json")?.write_all(text.as_bytes())?;
        let mut sums = String::new();
        for name in [
            "audit.csv",
            "audit.html",
            "audit.json",
            EVENTS,
            "manifest.json",
            POLICIES,
        ] {
            sums.push_str(&format!("{}  {name}\n", digest(&self.directory.join(name))?));
        }
        self.create("SHA256SUMS")?.write_all(sums.as_bytes())?;
        output::to_stdout(format!("wrote the evidence to {}\n", self.directory.display()).as_bytes())?;
        style::note(&format!(
            "SHA-256 of SHA256SUMS: {}",
            digest(&self.directory.join("SHA256SUMS"))?
        ));
        Ok(())
    }
}

/// The SHA-256 of a file, read in passing.
fn digest(path: &Path) -> Result<String, Failure> {
    let fail = |error: io::Error| Failure(format!("cannot read `{}`: {error}", path.display()));
    let mut file = File::open(path).map_err(fail)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        let read = file.read(&mut buffer).map_err(fail)?;
        if read == 0 {
            break;
        }
        hash.update(buffer.get(..read).unwrap_or_default());
    }
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}
