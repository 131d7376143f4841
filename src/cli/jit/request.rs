//! `portcullis jit request`.

use std::io::{BufRead, IsTerminal};
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use clap::Args;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::super::live::{ConnectionArguments, duration, guid};
use super::super::place::Place;
use super::super::run::{ended, who};
use super::super::{Failure, output, status, style};
use super::configure::{self, WriteArguments, change_machines};
use super::door::{Around, Guarded, Policies};
use super::estate::{ZoneArguments, journal, said, settled, subscriptions_of};
use crate::azure::jit::initiate_path;
use crate::azure::session::{Session, fetch};
use crate::jit::ask::{self, Ask, From, misfits};
use crate::jit::change::{Change, PolicyChoice, Ports};
use crate::jit::connect::{self, Door};
use crate::jit::history::{self, Request};
use crate::jit::moment::{lasting, length, shown, until};
use crate::jit::opening::{Filtered, Progress, progress, remembered};
use crate::jit::port::{Defaults, PortSpec, source};
use crate::jit::refusal::{advice, sentence};
use crate::jit::select::Selector;
use crate::model::ResourceId;
use crate::remedy::apply::{Runner, Stop};
use crate::remedy::digest;
use crate::remedy::given::Openings;
use crate::remedy::journal::{Event, Journal, Record};
use crate::report::text;

const AFTER: &str = "\
`--from my-ip`, the default, leaves the source out of the request: Azure then opens for the address that it sees the \
request come from, and no other service is asked. Behind a proxy, or where machines are reached another way, name the \
address, or a service that tells it with --my-ip-url. What counts for the end is the service's clock.

`--exec` runs a command without a shell: words are split as a shell would, and {user}, {host} and {port} are filled in.

Exit status: 0 open (with --no-wait: asked for); 1 refused, or not open in time; 2 wrong usage, or nothing was asked; \
3 approved, and whether the way is open could not be told. With --exec, that of the command once it ran.";

#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub struct RequestArguments {
    /// Machines by name or ARM id
    #[arg(value_name = "MACHINE", required = true)]
    machines: Vec<String>,

    /// A port to open; may be given several times [default: the only one, or the one of the machine's system]
    #[arg(long, value_name = "PORT", value_delimiter = ',')]
    port: Vec<u16>,

    /// From where: `my-ip`, an address, a prefix, or `any`; may be given several times
    #[arg(long, value_name = "SOURCE", value_delimiter = ',', default_value = "my-ip", value_parser = from)]
    from: Vec<String>,

    /// Ask this address for mine, and take it for `my-ip`: it answers with the address as text
    #[arg(long, value_name = "URL", env = "PORTCULLIS_MY_IP_URL")]
    my_ip_url: Option<String>,

    /// For how long, such as `1h` [default: 1h, or the longest that the policy grants]
    #[arg(long = "for", value_name = "DURATION", value_parser = length, conflicts_with = "until")]
    lasting: Option<SignedDuration>,

    /// Until when, such as `18:00`, `2026-11-01T18:00` or `2026-11-01T18:00[Europe/Berlin]`
    #[arg(long, value_name = "TIME")]
    until: Option<String>,

    /// Why, for the record
    #[arg(long, short = 'm', value_name = "TEXT")]
    justification: Option<String>,

    /// Enable just-in-time access where it is not on, without asking
    #[arg(long)]
    enable: bool,

    /// Do not wait until the way is open
    #[arg(long, conflicts_with = "exec")]
    no_wait: bool,

    /// Wait at most so long
    #[arg(long, value_name = "DURATION", default_value = "3m", value_parser = duration)]
    wait: Duration,

    /// The user on the machine, for the lines that connect and for --exec
    #[arg(long, value_name = "NAME")]
    user: Option<String>,

    /// Run this once open, such as `ssh -p {port} {user}@{host}`
    #[arg(long, value_name = "COMMAND")]
    exec: Option<String>,

    /// Print the requests that would be sent, and send none
    #[arg(long)]
    dry_run: bool,

    /// Where every call is written down before and after [default: a new file in the user's state directory]
    #[arg(long, value_name = "FILE")]
    journal: Option<PathBuf>,

    /// Look for the machines in this subscription; may be given several times [default: every one that is shown]
    #[arg(long, value_name = "ID", value_delimiter = ',', value_parser = guid)]
    subscription: Vec<String>,

    #[command(flatten)]
    zone: ZoneArguments,

    #[command(flatten)]
    connection: ConnectionArguments,
}

const MY_IP: &str = "my-ip";

fn from(text: &str) -> Result<String, String> {
    match text.eq_ignore_ascii_case(MY_IP) {
        true => Ok(MY_IP.to_owned()),
        false => source(text),
    }
}

/// Opened for so long where nothing is said.
const USUAL: SignedDuration = SignedDuration::from_hours(1);

impl RequestArguments {
    pub fn run(&self) -> Result<u8, Failure> {
        if let Some(command) = &self.exec {
            self.check_command(command)?;
        }
        let from = self.source()?;
        let session = Session::open(&settled(&self.connection)?.connection()?).map_err(|unread| Failure(unread.0))?;
        let guarded = self.guarded(&session)?;
        let mut worst = status::CLEAN;
        let asks = self.asks(&session, &guarded, &from)?;
        if self.dry_run {
            return self.dry(&session, &asks);
        }
        let place = Place::live(&settled(&self.connection)?)?;
        let mut doors = Vec::new();
        for (policy, document, ask) in &asks {
            let sent = send(&Sending {
                place: &place,
                session: &session,
                policy,
                document,
                ask,
                journal: self.journal.as_ref(),
                command: "request",
            })?;
            let Some(made) = sent else {
                worst = worst.max(status::FINDINGS);
                continue;
            };
            let (outcome, open) = self.follow(&session, policy, ask, &made)?;
            worst = if worst == status::FINDINGS {
                worst
            } else {
                worst.max(outcome)
            };
            doors.extend(open);
        }
        match (&self.exec, doors.first()) {
            (Some(command), Some(door)) if worst != status::FINDINGS => self.execute(command, door),
            (Some(_), None) if worst != status::FINDINGS => {
                style::warning("the command was not run: no address of the machine is known");
                Ok(status::INCOMPLETE)
            }
            _ => Ok(worst),
        }
    }

    /// Mistakes of a command are found before anything is opened for it.
    fn check_command(&self, command: &str) -> Result<(), Failure> {
        let door = Door {
            host: "192.0.2.1".to_owned(),
            port: 22,
            target: 22,
        };
        connect::arguments(command, &door, self.user.as_deref())
            .map(|_| ())
            .map_err(|why| Failure(format!("--exec: {why}")))
    }

    fn source(&self) -> Result<From, Failure> {
        let mine = self.from.iter().any(|source| source == MY_IP);
        let mut stated: Vec<String> = self.from.iter().filter(|source| *source != MY_IP).cloned().collect();
        match (mine, &self.my_ip_url) {
            (true, Some(url)) => {
                let connection = settled(&self.connection)?.connection()?;
                let address = fetch(&connection, url).map_err(|why| Failure(format!("--my-ip-url: {why}")))?;
                let address: std::net::IpAddr = address
                    .trim()
                    .parse()
                    .map_err(|_| Failure(format!("--my-ip-url: `{}` is no address", text::name(address.trim(), 60))))?;
                stated.push(address.to_string());
                Ok(From::Stated(stated))
            }
            (true, None) if stated.is_empty() => Ok(From::Caller),
            (true, None) => Err(Failure(
                "`my-ip` beside other sources needs --my-ip-url: Azure takes the caller's address only where no other is named"
                    .to_owned(),
            )),
            (false, _) => Ok(From::Stated(stated)),
        }
    }

    /// The machines with their policies; just-in-time access is enabled where it is not on and somebody agrees.
    fn guarded(&self, session: &Session) -> Result<Vec<Guarded>, Failure> {
        let stated = match self.subscription.is_empty() {
            // Ids say where to look, unless a name is among them.
            true if self.machines.iter().all(|typed| typed.starts_with('/')) => subscriptions_of(&self.machines),
            _ => self.subscription.clone(),
        };
        let (mut policies, unread) = Policies::read(session, &stated)?;
        unread.iter().for_each(|why| style::warning(why));
        let mut guarded = Vec::new();
        for typed in &self.machines {
            let found = match policies.find(typed)? {
                Some(found) => found,
                None => {
                    self.enabled(session, typed, &policies, &stated)?;
                    policies = Policies::read(session, &stated)?.0;
                    policies.find(typed)?.ok_or_else(|| {
                        Failure(format!(
                            "just-in-time access for `{typed}` is not there yet; try again in a minute"
                        ))
                    })?
                }
            };
            guarded.push(found);
        }
        Ok(guarded)
    }

    /// Enables just-in-time access for a machine that is in no policy, if that is wanted.
    fn enabled(&self, session: &Session, typed: &str, policies: &Policies, stated: &[String]) -> Result<(), Failure> {
        let hint = policies.nearest(typed).filter(|near| !near.eq_ignore_ascii_case(typed));
        let hint = hint.map_or_else(String::new, |near| format!(" (did you mean `{near}`?)"));
        let not_on = format!(
            "just-in-time access is not enabled for a machine `{typed}`{hint}; `portcullis jit enable` or --enable does that"
        );
        if self.dry_run || !(self.enable || self.agreed(typed)?) {
            return Err(Failure(not_on));
        }
        let id = machine_named(session, typed, stated)?;
        let place = Place::live(&settled(&self.connection)?)?;
        let documents = place.estate(&[id.subscription().to_ascii_lowercase()])?;
        let ports = match self.port.is_empty() {
            true => Ports::BySystem,
            false => Ports::Stated(self.port.iter().map(|port| PortSpec::bare(*port)).collect()),
        };
        let asked = configure::Asked {
            command: "enable",
            change: Change::Enable {
                ports,
                policy: PolicyChoice::Shared,
            },
            defaults: Defaults::default(),
            openings: Openings::Refused,
        };
        let selector = Selector {
            machines: vec![id.as_str().to_owned()],
            ..Selector::default()
        };
        let write = WriteArguments {
            dry_run: false,
            yes: true,
            journal: None,
            rehearse: Vec::new(),
            config: None,
        };
        match change_machines(&asked, &selector, &place, documents, &write)? {
            status::CLEAN => Ok(()),
            _ => Err(Failure(format!("just-in-time access was not enabled for `{typed}`"))),
        }
    }

    fn agreed(&self, typed: &str) -> Result<bool, Failure> {
        if !std::io::stdin().is_terminal() {
            return Ok(false);
        }
        let question = format!(
            "Just-in-time access is not enabled for `{}`. Enable it now with the service's defaults? Type `yes`: ",
            text::name(typed, 120)
        );
        output::to_stdout(question.as_bytes())?;
        let mut answer = String::new();
        std::io::stdin().lock().read_line(&mut answer)?;
        Ok(answer.trim() == "yes")
    }

    /// One request for each policy.
    fn asks(
        &self,
        session: &Session,
        guarded: &[Guarded],
        from: &From,
    ) -> Result<Vec<(ResourceId, Value, Ask)>, Failure> {
        let mut wanted: Vec<(ResourceId, Value, Wanted)> = Vec::new();
        for one in guarded {
            for port in self.ports(session, one)? {
                // A port that no policy holds is asked of the first, whose refusal says so.
                let first = one.policies.first().map(|(id, policy)| (id, policy));
                let Some((id, policy)) = one.policy_of(port).or(first) else {
                    continue;
                };
                let at = wanted.iter().position(|(known, ..)| known == id);
                let at = at.unwrap_or_else(|| {
                    wanted.push((id.clone(), policy.clone(), Vec::new()));
                    wanted.len() - 1
                });
                let Some((_, _, machines)) = wanted.get_mut(at) else {
                    continue;
                };
                match machines.iter_mut().find(|(known, _)| *known == one.machine) {
                    Some((_, ports)) => ports.push(port),
                    None => machines.push((one.machine.clone(), vec![port])),
                }
            }
        }
        let asks = wanted.into_iter().map(|(id, policy, machines)| {
            let end = self.end(session, &policy, &machines)?;
            let ask = Ask {
                machines,
                from: from.clone(),
                end,
                justification: self.justification.clone(),
            };
            Ok((id, policy, ask))
        });
        asks.collect()
    }

    fn ports(&self, session: &Session, guarded: &Guarded) -> Result<Vec<u16>, Failure> {
        if !self.port.is_empty() {
            let mut ports = self.port.clone();
            ports.sort_unstable();
            ports.dedup();
            return Ok(ports);
        }
        let ports = guarded.ports();
        if let [one] = ports.as_slice() {
            return Ok(vec![*one]);
        }
        let around = Around::read(session, &guarded.machine, &[])?;
        let usual = match around.os(session.now()).as_str() {
            "windows" => Some(3389),
            "linux" => Some(22),
            _ => None,
        };
        match usual.filter(|usual| ports.contains(usual)) {
            Some(usual) => Ok(vec![usual]),
            None => {
                let listed: Vec<String> = ports.iter().map(u16::to_string).collect();
                Err(Failure(format!(
                    "say which port of `{}` to open with --port: {}",
                    guarded.machine.name(),
                    listed.join(", ")
                )))
            }
        }
    }

    /// When it closes, by the service's clock.
    fn end(
        &self,
        session: &Session,
        policy: &Value,
        machines: &[(ResourceId, Vec<u16>)],
    ) -> Result<Timestamp, Failure> {
        let now = session.now();
        if let Some(text) = &self.until {
            let end = until(text, now, &self.zone.zone()).map_err(Failure)?;
            if end <= now {
                return Err(Failure(format!(
                    "--until: {} has passed; it is {} by Azure's clock",
                    shown(end, &self.zone.zone()),
                    shown(now, &self.zone.zone())
                )));
            }
            return Ok(end);
        }
        let longest = machines
            .iter()
            .filter_map(|(machine, ports)| ask::longest_of(ask::entry(policy, machine)?, ports))
            .min();
        let lasting = self
            .lasting
            .unwrap_or_else(|| longest.map_or(USUAL, |longest| longest.min(USUAL)));
        now.checked_add(lasting)
            .map_err(|_| Failure("--for: that is too long".to_owned()))
    }

    fn dry(&self, session: &Session, asks: &[(ResourceId, Value, Ask)]) -> Result<u8, Failure> {
        let mut fits = true;
        for (policy, document, ask) in asks {
            for why in misfits(document, ask, session.now()) {
                fits = false;
                style::warning(&why);
            }
            let body = serde_json::to_string_pretty(&ask.body()).unwrap_or_default();
            output::to_stdout(format!("POST {}\n{body}\n", initiate_path(policy)).as_bytes())?;
        }
        Ok(if fits { status::CLEAN } else { status::FINDINGS })
    }

    /// Waits until the way is open, and says how to connect. The doors are those that are open.
    fn follow(
        &self,
        session: &Session,
        policy: &ResourceId,
        ask: &Ask,
        made: &Request,
    ) -> Result<(u8, Vec<Door>), Failure> {
        if self.no_wait {
            self.say("asked for", session, made)?;
            return Ok((status::CLEAN, Vec::new()));
        }
        let waited = wait_open(session, policy, made, self.wait)?;
        let told = match &waited.outcome {
            Waited::Open => status::CLEAN,
            Waited::Untold(why) => {
                style::warning(&format!("approved; whether the way is open cannot be told: {why}"));
                status::INCOMPLETE
            }
            Waited::Late(why) => {
                style::error(&format!(
                    "not open after {}: {why}; `portcullis jit status` tells more",
                    lasting(SignedDuration::try_from(self.wait).unwrap_or_default())
                ));
                return Ok((status::FINDINGS, Vec::new()));
            }
            Waited::Over(why) => {
                style::error(&format!("the service says that it is over: {}", text::name(why, 120)));
                return Ok((status::FINDINGS, Vec::new()));
            }
        };
        self.say("open", session, &waited.request)?;
        let mut doors = Vec::new();
        for (machine, ports) in &ask.machines {
            let around = Around::read(session, machine, std::slice::from_ref(&waited.policy));
            for port in ports {
                let opening = waited
                    .request
                    .openings
                    .iter()
                    .find(|opening| opening.machine == *machine && opening.port == Some(*port));
                let sources = opening.map(|opening| opening.sources.clone()).unwrap_or_default();
                let door = around
                    .as_ref()
                    .ok()
                    .and_then(|around| around.door(*port, &sources, session.now()));
                match door {
                    Some(door) => {
                        let line = format!("  connect  {}\n", connect::line(&door, self.user.as_deref()));
                        output::to_stdout(line.as_bytes())?;
                        doors.push(door);
                    }
                    None => style::warning(&format!("no address of `{}` for port {port} is known", machine.name())),
                }
            }
        }
        Ok((told, doors))
    }

    fn say(&self, word: &str, session: &Session, request: &Request) -> Result<(), Failure> {
        let zone = self.zone.zone();
        let mut lines = String::new();
        for opening in &request.openings {
            let port = opening
                .port
                .map_or_else(|| "a port".to_owned(), |port| format!("port {port}"));
            let sources = match opening.sources.as_slice() {
                [] => From::Caller.shown(),
                stated => From::Stated(stated.to_vec()).shown(),
            };
            let until = opening.end.map_or_else(String::new, |end| {
                format!(
                    " until {} ({})",
                    shown(end, &zone),
                    lasting(end.duration_since(session.now()))
                )
            });
            lines.push_str(&format!(
                "{word}: {port} of {} from {}{until}\n",
                text::name(opening.machine.name(), 80),
                text::name(&sources, 120)
            ));
        }
        output::to_stdout(lines.as_bytes())
    }

    /// Runs the command; nothing of it is given to a shell.
    fn execute(&self, command: &str, door: &Door) -> Result<u8, Failure> {
        let arguments =
            connect::arguments(command, door, self.user.as_deref()).map_err(|why| Failure(format!("--exec: {why}")))?;
        let Some((program, rest)) = arguments.split_first() else {
            return Err(Failure("--exec: the command is empty".to_owned()));
        };
        let ended = std::process::Command::new(program).args(rest).status();
        let ended = ended.map_err(|error| Failure(format!("--exec: cannot run `{program}`: {error}")))?;
        Ok(ended.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(u8::MAX))
    }
}

/// Machines with the ports that are wanted of them.
type Wanted = Vec<(ResourceId, Vec<u16>)>;

/// The machine of a name, among those that the identity sees.
fn machine_named(session: &Session, typed: &str, stated: &[String]) -> Result<ResourceId, Failure> {
    if typed.starts_with('/') {
        return Ok(ResourceId::new(typed));
    }
    let subscriptions = match stated.is_empty() {
        true => session
            .subscriptions()
            .map_err(|fault| said("the subscriptions cannot be listed", &fault))?,
        false => stated.to_vec(),
    };
    let mut found = Vec::new();
    for id in subscriptions {
        let path = format!("subscriptions/{id}/providers/Microsoft.Compute/virtualMachines?api-version=2024-07-01");
        let listed = session.list(&path, |rows| {
            let ids = rows
                .iter()
                .filter_map(|row| row.get("id")?.as_str())
                .map(ResourceId::new);
            found.extend(ids.filter(|machine| machine.name().eq_ignore_ascii_case(typed)));
        });
        if let Err(fault) = listed {
            style::warning(&said(&format!("the machines of subscription `{id}` cannot be listed"), &fault).0);
        }
    }
    match found.as_slice() {
        [one] => Ok(one.clone()),
        [] => Err(Failure(format!(
            "no machine is named `{typed}`, or the identity is not shown it"
        ))),
        several => {
            let ids: Vec<String> = several.iter().take(10).map(|id| format!("`{id}`")).collect();
            Err(Failure(format!(
                "`{typed}` means several machines; give the id of one: {}",
                ids.join(", ")
            )))
        }
    }
}

/// What is needed to send one request.
pub(super) struct Sending<'s> {
    pub place: &'s Place,
    pub session: &'s Session,
    pub policy: &'s ResourceId,
    pub document: &'s Value,
    pub ask: &'s Ask,
    pub journal: Option<&'s PathBuf>,
    pub command: &'static str,
}

/// Sends a request between two lines of a journal. A refusal is told in the service's words and ours, and gives none.
pub(super) fn send(sending: &Sending<'_>) -> Result<Option<Request>, Failure> {
    let Sending {
        place,
        session,
        policy,
        ask,
        ..
    } = sending;
    let body = ask.body();
    let path = journal(sending.journal, sending.command, Timestamp::now())?;
    let (journal, _) = Journal::open(&path).map_err(Failure)?;
    let began = Event::Began {
        command: format!("jit {}", sending.command),
        plan_digest: digest::of(&body),
        plan: None,
        by: who(place),
        approval: "asked for on the command line".to_owned(),
        place: place.name.clone(),
    };
    let kept = journal.keep(&Timestamp::now().to_string(), began);
    kept.map_err(|error| Failure(error.to_string()))?;
    let before = session.now();
    let runner = Runner {
        service: place.service(),
        record: &journal,
        clock: *place,
        stop: &AtomicBool::new(false),
        parallel: 1,
        patience: Duration::from_secs(120),
        pause: place.pause,
    };
    let answer = runner.act(1, policy, "initiate", "2020-01-01", &body);
    let made = match &answer {
        Ok(reply) if reply.body.is_object() => Some(history::request(&reply.body)),
        // An answer that was lost or empty: the policy tells whether the request is there.
        Ok(_) => latest(session, policy, ask, before)?,
        Err(Stop::Fault(why)) if !why.contains("refused:") => latest(session, policy, ask, before)?,
        Err(_) => None,
    };
    ended(&journal, if made.is_some() { "approved" } else { "refused" })?;
    style::note(&format!("journal: {}", path.display()));
    if made.is_none() {
        let why = answer.err().map_or_else(
            || "the policy does not remember the request".to_owned(),
            |stop| stop.to_string(),
        );
        refused(sending, &why);
    }
    Ok(made)
}

/// Why it was refused: what the service says, what to do, and what of the request the policy does not grant.
fn refused(sending: &Sending<'_>, why: &str) {
    let (_, said) = why.split_once("refused: ").unwrap_or(("", why));
    let (code, message) = said.split_once(": ").unwrap_or((said, ""));
    let what = format!("policy `{}` did not take the request", sending.policy.name());
    style::error(&sentence(&what, said, advice(0, code, message)));
    for misfit in misfits(sending.document, sending.ask, sending.session.now()) {
        style::note(&misfit);
    }
}

/// The newest request of the policy that is like ours and not older than it.
fn latest(session: &Session, policy: &ResourceId, ask: &Ask, before: Timestamp) -> Result<Option<Request>, Failure> {
    let document = session
        .policy(policy)
        .map_err(|fault| said(&format!("policy `{}` cannot be read", policy.name()), &fault))?;
    let earliest = before.saturating_sub(SignedDuration::from_secs(5)).unwrap_or(before);
    let like = |request: &Request| {
        request.start.is_some_and(|start| start >= earliest)
            && ask.machines.iter().all(|(machine, ports)| {
                ports.iter().all(|port| {
                    let mut openings = request.openings.iter();
                    openings.any(|opening| opening.machine == *machine && opening.port == Some(*port))
                })
            })
    };
    Ok(history::requests(&document).filter(like).last())
}

/// How waiting ended.
enum Waited {
    Open,
    /// Approved, and what is not known.
    Untold(String),
    /// Not open in time, and what is in the way.
    Late(String),
    /// It is over already.
    Over(String),
}

struct Outcome {
    outcome: Waited,
    /// The request as the policy has it now.
    request: Request,
    policy: Value,
}

/// Polls the policy until the request is initiated, then the groups until they let its source in.
fn wait_open(session: &Session, policy: &ResourceId, made: &Request, patience: Duration) -> Result<Outcome, Failure> {
    let began = Instant::now();
    let mut pause = Duration::from_millis(200);
    loop {
        let document = session
            .policy(policy)
            .map_err(|fault| said(&format!("policy `{}` cannot be read", policy.name()), &fault))?;
        let requests: Vec<Request> = history::requests(&document).collect();
        let request = remembered(&requests, made).cloned().unwrap_or_else(|| made.clone());
        let mut state = state(&request);
        if matches!(state, Waited::Open) {
            state = through(session, &request, &document)?;
        }
        let late = began.elapsed() >= patience;
        if late || !matches!(state, Waited::Late(_)) {
            return Ok(Outcome {
                outcome: state,
                request,
                policy: document,
            });
        }
        if let Some(why) = session.stopped() {
            return Err(Failure(format!(
                "{why}; the request stands, `portcullis jit status` shows it"
            )));
        }
        std::thread::sleep(pause.min(patience.saturating_sub(began.elapsed())));
        pause = (pause * 3 / 2).min(Duration::from_secs(5));
    }
}

/// What the policy says of the request.
fn state(request: &Request) -> Waited {
    let all: Vec<Progress> = request.openings.iter().map(progress).collect();
    if let Some(Progress::Over(why)) = all.iter().find(|progress| matches!(progress, Progress::Over(_))) {
        return Waited::Over(why.clone());
    }
    match all.iter().all(|progress| *progress == Progress::Initiated) {
        true => Waited::Open,
        false => Waited::Late("the service is still at work on it".to_owned()),
    }
}

/// What the groups before the machines do with the source.
fn through(session: &Session, request: &Request, policy: &Value) -> Result<Waited, Failure> {
    let mut untold = None;
    for opening in &request.openings {
        let Some(port) = opening.port else { continue };
        let around = match Around::read(session, &opening.machine, std::slice::from_ref(policy)) {
            Ok(around) => around,
            Err(why) => {
                untold.get_or_insert(why.0);
                continue;
            }
        };
        match around.filtered(port, &opening.sources) {
            Filtered::Open => {}
            Filtered::Shut(groups) => {
                return Ok(Waited::Late(format!(
                    "network security group {} does not let {} to port {port} of `{}` through: a rule above the one of \
                     just-in-time access may deny it, or the rule is not there yet",
                    groups
                        .iter()
                        .map(|group| format!("`{group}`"))
                        .collect::<Vec<_>>()
                        .join(", "),
                    opening.sources.join(", "),
                    opening.machine.name()
                )));
            }
            Filtered::Unknown(why) => {
                untold.get_or_insert_with(|| around.unread.first().cloned().unwrap_or(why));
            }
        }
    }
    Ok(untold.map_or(Waited::Open, Waited::Untold))
}
