//! `portcullis jit revoke`: Azure has no call that closes an opening; these are the ways that there are.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::super::asking::Asking;
use super::super::carrying::{Carried, Carrying, carry_out, dry};
use super::super::live::{ConnectionArguments, guid};
use super::super::place::Place;
use super::super::{Failure, output, status, style};
use super::door::{Guarded, Policies};
use super::estate::{ZoneArguments, journal, settled, subscriptions_of};
use super::request::{Sending, send};
use crate::azure::jit::initiate_path;
use crate::azure::session::Session;
use crate::jit::ask::{Ask, From, entry};
use crate::jit::history::{self, Opening};
use crate::jit::moment::shown;
use crate::model::ResourceId;
use crate::remedy::documents::property;
use crate::remedy::given::{self, Openings, plan_of};
use crate::remedy::projection::{self, Kind};
use crate::remedy::{Plan, Settings, words};

const AFTER: &str = "\
Azure has no operation that revokes an opening. There are two ways:

  newer-request  a request for the same port and source that ends in a minute takes the place of the older one, which then
                 says `NewerRequestInitiated`. Whoever may request may do this.
  entry          the machine is taken out of its policy and put back with the same ports: every opening of it ends. For a
                 moment its ports are guarded by the group's own rules alone. Whoever may configure may do this.

Neither ends connections that stand, unless the group has `flushConnection`.

Exit status: 0 asked for, or nothing was open; 1 refused or not whole; 2 wrong usage, or nothing was begun.";

#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub struct RevokeArguments {
    /// The machine by name or ARM id
    #[arg(value_name = "MACHINE")]
    machine: String,

    /// Only openings of this port; may be given several times
    #[arg(long, value_name = "PORT", value_delimiter = ',')]
    port: Vec<u16>,

    /// In which way
    #[arg(long, value_enum, default_value_t, value_name = "WAY")]
    by: Way,

    /// With --by entry: go ahead although the machine is the only one of its policy, whose record of requests then goes
    #[arg(long)]
    forget_requests: bool,

    /// Go ahead without asking
    #[arg(long, short)]
    yes: bool,

    /// Print the requests that would be sent, and send none
    #[arg(long)]
    dry_run: bool,

    /// Where every call is written down before and after [default: a new file in the user's state directory]
    #[arg(long, value_name = "FILE")]
    journal: Option<PathBuf>,

    /// Look for the machine in this subscription; may be given several times [default: every one that is shown]
    #[arg(long, value_name = "ID", value_delimiter = ',', value_parser = guid)]
    subscription: Vec<String>,

    #[command(flatten)]
    zone: ZoneArguments,

    #[command(flatten)]
    connection: ConnectionArguments,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Way {
    #[default]
    NewerRequest,
    Entry,
}

/// How soon the newer request ends.
const SOON: SignedDuration = SignedDuration::from_secs(60);

impl RevokeArguments {
    pub fn run(&self) -> Result<u8, Failure> {
        let session = Session::open(&settled(&self.connection)?.connection()?).map_err(|unread| Failure(unread.0))?;
        let stated = match self.subscription.is_empty() {
            true => subscriptions_of(std::slice::from_ref(&self.machine)),
            false => self.subscription.clone(),
        };
        let (policies, unread) = Policies::read(&session, &stated)?;
        unread.iter().for_each(|why| style::warning(why));
        let guarded = policies.find(&self.machine)?.ok_or_else(|| {
            let near = policies.nearest(&self.machine);
            let hint = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
            Failure(format!("no policy holds a machine `{}`{hint}", self.machine))
        })?;
        let open = self.open(&guarded, session.now());
        if open.is_empty() {
            style::note(&format!("nothing of `{}` is open", guarded.machine.name()));
            return Ok(status::CLEAN);
        }
        match self.by {
            Way::NewerRequest => self.newer(&session, &guarded, &open),
            Way::Entry => self.entry(&guarded, &open),
        }
    }

    /// Openings that have not ended, with their policies.
    fn open(&self, guarded: &Guarded, now: Timestamp) -> Vec<(ResourceId, Opening)> {
        let asked = |opening: &Opening| {
            opening.machine == guarded.machine
                && opening.is_active(now)
                && (self.port.is_empty() || opening.port.is_some_and(|port| self.port.contains(&port)))
        };
        let of_policy = |(id, policy): &(ResourceId, Value)| -> Vec<(ResourceId, Opening)> {
            let openings = history::requests(policy).flat_map(|request| request.openings);
            openings
                .filter(|opening| asked(opening))
                .map(|opening| (id.clone(), opening))
                .collect()
        };
        guarded.policies.iter().flat_map(of_policy).collect()
    }

    fn newer(&self, session: &Session, guarded: &Guarded, open: &[(ResourceId, Opening)]) -> Result<u8, Failure> {
        let end = session.now().saturating_add(SOON).unwrap_or(Timestamp::MAX);
        let place = match self.dry_run {
            true => None,
            false => Some(Place::live(&settled(&self.connection)?)?),
        };
        let mut outcome = status::CLEAN;
        for (policy, opening) in open {
            let Some(port) = opening.port else { continue };
            let ask = Ask {
                machines: vec![(guarded.machine.clone(), vec![port])],
                from: match opening.sources.is_empty() {
                    true => From::Caller,
                    false => From::Stated(opening.sources.clone()),
                },
                end,
                justification: Some("closes an earlier opening before its time".to_owned()),
            };
            let Some(place) = &place else {
                let body = serde_json::to_string_pretty(&ask.body()).unwrap_or_default();
                output::to_stdout(format!("POST {}\n{body}\n", initiate_path(policy)).as_bytes())?;
                continue;
            };
            let document = guarded
                .policies
                .iter()
                .find(|(id, _)| id == policy)
                .map(|(_, document)| document);
            let sent = send(&Sending {
                place,
                session,
                policy,
                document: document.unwrap_or(&Value::Null),
                ask: &ask,
                journal: self.journal.as_ref(),
                command: "revoke",
            })?;
            match sent {
                Some(_) => {
                    let until = shown(end, &self.zone.zone());
                    let line = format!(
                        "port {port} of {} closes at {until}: a newer request has taken the place of the opening\n",
                        guarded.machine.name()
                    );
                    output::to_stdout(line.as_bytes())?;
                }
                None => outcome = status::FINDINGS,
            }
        }
        if outcome == status::CLEAN && !self.dry_run {
            style::note("connections that stand stay until they end, unless the group has `flushConnection`");
        }
        Ok(outcome)
    }

    /// Out of the policy and back in, as two plans with a journal each.
    fn entry(&self, guarded: &Guarded, open: &[(ResourceId, Opening)]) -> Result<u8, Failure> {
        let place = Place::live(&settled(&self.connection)?)?;
        let mut concerned: Vec<&ResourceId> = open.iter().map(|(policy, _)| policy).collect();
        concerned.sort_by_key(|id| id.as_str());
        concerned.dedup();
        let held = guarded.policies.iter().filter(|(id, _)| concerned.contains(&id));
        let mut outcome = status::CLEAN;
        for (policy, document) in held {
            self.check_record(guarded, policy, document)?;
            let own = projection::read(Kind::JitEntry, Some(guarded.machine.as_str()), Some(document));
            let change = |after: Option<Value>, reason: &str| given::Change {
                name: "revoke-jit",
                target: policy.clone(),
                part: Some(guarded.machine.clone()),
                after,
                reason: format!("{reason} `{}`", guarded.machine.name()),
            };
            let out = self.plan(&place, &change(None, "every opening ends of"))?;
            if self.dry_run {
                dry(&place, &out)?;
                style::note("then the entry is put back as it is now");
                continue;
            }
            let path = match self.carry(&place, &out, "revoke")? {
                Ok(path) => path,
                Err(outcome) => return Ok(outcome),
            };
            let back = self.plan(&place, &change(own, "just-in-time access guards again"))?;
            match self.carry(&place, &back, "revoke-back")? {
                Ok(_) => {}
                Err(_) => {
                    style::error(&format!(
                        "`{}` is out of its policy; put it back with `portcullis rollback {}`",
                        guarded.machine.name(),
                        path.display()
                    ));
                    outcome = status::FINDINGS;
                }
            }
        }
        Ok(outcome)
    }

    fn check_record(&self, guarded: &Guarded, policy: &ResourceId, document: &Value) -> Result<(), Failure> {
        let entries = property(document, "virtualMachines")
            .and_then(Value::as_array)
            .map_or(0, Vec::len);
        let is_only = entries <= 1 && entry(document, &guarded.machine).is_some();
        match is_only && !self.forget_requests && !self.dry_run {
            false => Ok(()),
            true => Err(Failure(format!(
                "`{}` is the only machine of policy `{}`: with the policy its record of requests would go; keep that with \
                 `portcullis jit audit --evidence DIR`, then give --forget-requests, or use --by newer-request",
                guarded.machine.name(),
                policy.name()
            ))),
        }
    }

    fn plan(&self, place: &Place, change: &given::Change) -> Result<Plan, Failure> {
        let asking = Asking::read(&[], None, None)?;
        let question = asking.question(None);
        let documents = place.estate(&[change.target.subscription().to_ascii_lowercase()])?;
        let changes = std::slice::from_ref(change);
        plan_of(documents, &question, &Settings::default(), changes, Openings::Told).map_err(Failure)
    }

    /// The journal of a run that was whole, or the status with which to end.
    fn carry(&self, place: &Place, plan: &Plan, command: &str) -> Result<Result<PathBuf, u8>, Failure> {
        let stated = self.journal.as_ref().map(|path| match command {
            "revoke" => path.clone(),
            _ => path.with_extension("back.jsonl"),
        });
        let path = journal(stated.as_ref(), command, Timestamp::now())?;
        // The second half follows from the first.
        let approved = self.yes || command != "revoke";
        let how = Carrying {
            command: "jit revoke",
            journal: &path,
            approve: approved.then_some(plan.digest.as_str()),
            shown: &words::console(plan),
            parallel: 1,
        };
        let run = match carry_out(place, plan, &how)? {
            Carried::Declined => return Ok(Err(status::USAGE)),
            Carried::Run(run) => run,
        };
        run.end(if run.whole { "carried out" } else { "not whole" })?;
        style::note(&format!("journal: {}", path.display()));
        Ok(if run.whole { Ok(path) } else { Err(status::FINDINGS) })
    }
}
