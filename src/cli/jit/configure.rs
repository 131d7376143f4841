//! `portcullis jit enable`, `edit` and `disable`: a plan of the entries that change, carried out with a journal.

use std::path::PathBuf;

use clap::Args;
use jiff::Timestamp;

use super::super::asking::Asking;
use super::super::carrying::{Carried, Carrying, carry_out, dry};
use super::super::live::{self, ConnectionArguments, ScopeArguments};
use super::super::place::{Place, taken};
use super::super::{Failure, output, status, style};
use super::estate::{MachineArguments, journal, subscriptions_of};
use crate::jit::change::{self, Change, PolicyChoice, Ports};
use crate::jit::port::{Defaults, PortSpec, minutes, source};
use crate::jit::select::Selector;
use crate::model::ResourceId;
use crate::remedy::given::{self, Openings, plan_of};
use crate::remedy::view::View;
use crate::remedy::{Documents, Plan, Settings, words};

const AFTER: &str = "\
Nothing is changed before it was looked whether it can be: Defender's plan for each machine, a network security group before \
it, the permissions, locks, room in the groups, the length of names. Other machines of a policy and its record of requests \
stay. What was done is in the journal; `portcullis rollback JOURNAL` takes it back.

Exit status: 0 done, or it was so already; 1 some of it could not be done; 2 wrong usage, or nothing was begun.";

/// How writes are carried out.
#[derive(Debug, Args)]
#[command(next_help_heading = "Carrying out")]
pub struct WriteArguments {
    /// Print the requests that would be sent, and send none
    #[arg(long)]
    pub dry_run: bool,

    /// Go ahead without asking
    #[arg(long, short)]
    pub yes: bool,

    /// Where every call is written down before and after [default: a new file in the user's state directory]
    #[arg(long, value_name = "FILE")]
    pub journal: Option<PathBuf>,

    /// Carry it out in a sandbox that serves this recorded estate; may be given several times
    #[arg(long, value_name = "PATH")]
    pub rehearse: Vec<PathBuf>,

    /// Settings and waivers [default: portcullis.yaml of the current directory, where there is one]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// Limits of ports of which nothing else was typed.
#[derive(Debug, Args)]
pub struct LimitArguments {
    /// From where openings may be requested; may be given several times [default: any address]
    #[arg(long = "sources", value_name = "CIDR", value_delimiter = ',', value_parser = source)]
    sources: Vec<String>,

    /// The longest opening, from 5m to 24h
    #[arg(long, value_name = "DURATION", default_value = "3h", value_parser = minutes)]
    window: u32,
}

impl LimitArguments {
    fn defaults(&self) -> Defaults {
        Defaults {
            sources: self.sources.clone(),
            minutes: self.window,
        }
    }
}

#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub struct EnableArguments {
    #[command(flatten)]
    machines: MachineArguments,

    /// A port to guard, as `22[:tcp|udp|any][:SOURCE,...][:DURATION]`; may be given several times
    /// [default: 3389 for Windows, 22 for Linux]
    #[arg(long, value_name = "PORT", value_parser = PortSpec::parse, conflicts_with = "recommended")]
    port: Vec<PortSpec>,

    /// Guard 22, 3389, 5985 and 5986, as Defender for Cloud recommends
    #[arg(long)]
    recommended: bool,

    #[command(flatten)]
    limits: LimitArguments,

    /// A policy for each machine, named after it [default: one for each resource group and region]
    #[arg(long)]
    policy_per_machine: bool,

    /// The name of the policy
    #[arg(long, value_name = "NAME", conflicts_with = "policy_per_machine", value_parser = policy_name)]
    policy: Option<String>,

    #[command(flatten)]
    write: WriteArguments,

    #[command(flatten)]
    scope: ScopeArguments,

    #[command(flatten)]
    connection: ConnectionArguments,
}

fn policy_name(text: &str) -> Result<String, String> {
    let plain = |character: char| character.is_ascii_alphanumeric() || matches!(character, '-' | '_' | '.');
    match !text.is_empty() && text.chars().all(plain) {
        true => Ok(text.to_owned()),
        false => Err(format!(
            "`{text}` is no name for a policy; use letters, digits, `-`, `_` and `.`"
        )),
    }
}

impl EnableArguments {
    pub fn run(&self) -> Result<u8, Failure> {
        let ports = match (self.recommended, self.port.is_empty()) {
            (true, _) => Ports::Recommended,
            (false, true) => Ports::BySystem,
            (false, false) => Ports::Stated(self.port.clone()),
        };
        let policy = match (&self.policy, self.policy_per_machine) {
            (Some(name), _) => PolicyChoice::Named(name.clone()),
            (None, true) => PolicyChoice::PerMachine,
            (None, false) => PolicyChoice::Shared,
        };
        let asked = Asked {
            command: "enable",
            change: Change::Enable { ports, policy },
            defaults: self.limits.defaults(),
            openings: Openings::Refused,
        };
        configure(&asked, &self.machines, &self.write, &self.scope, &self.connection)
    }
}

#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub struct EditArguments {
    #[command(flatten)]
    machines: MachineArguments,

    /// A port to add or to change, as `22[:tcp|udp|any][:SOURCE,...][:DURATION]`; of a port that is there, what is not
    /// typed stays; may be given several times
    #[arg(long, value_name = "PORT", value_parser = PortSpec::parse)]
    port: Vec<PortSpec>,

    /// A port to take out; may be given several times
    #[arg(long, value_name = "PORT", value_delimiter = ',')]
    remove: Vec<u16>,

    #[command(flatten)]
    limits: LimitArguments,

    /// The policy, where the machine is in several
    #[arg(long, value_name = "NAME|ID")]
    policy: Option<String>,

    #[command(flatten)]
    write: WriteArguments,

    #[command(flatten)]
    scope: ScopeArguments,

    #[command(flatten)]
    connection: ConnectionArguments,
}

impl EditArguments {
    pub fn run(&self) -> Result<u8, Failure> {
        if self.port.is_empty() && self.remove.is_empty() {
            return Err(Failure(
                "say what changes: --port adds or changes a port, --remove takes one out".to_owned(),
            ));
        }
        let asked = Asked {
            command: "edit",
            change: Change::Edit {
                set: self.port.clone(),
                remove: self.remove.clone(),
                policy: self.policy.clone(),
            },
            defaults: self.limits.defaults(),
            openings: Openings::Told,
        };
        configure(&asked, &self.machines, &self.write, &self.scope, &self.connection)
    }
}

#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub struct DisableArguments {
    #[command(flatten)]
    machines: MachineArguments,

    #[command(flatten)]
    write: WriteArguments,

    #[command(flatten)]
    scope: ScopeArguments,

    #[command(flatten)]
    connection: ConnectionArguments,
}

impl DisableArguments {
    pub fn run(&self) -> Result<u8, Failure> {
        let asked = Asked {
            command: "disable",
            change: Change::Disable,
            defaults: Defaults::default(),
            openings: Openings::Told,
        };
        configure(&asked, &self.machines, &self.write, &self.scope, &self.connection)
    }
}

/// What a subcommand asks for.
pub(super) struct Asked {
    pub command: &'static str,
    pub change: Change,
    pub defaults: Defaults,
    pub openings: Openings,
}

fn configure(
    asked: &Asked,
    machines: &MachineArguments,
    write: &WriteArguments,
    scope: &ScopeArguments,
    connection: &ConnectionArguments,
) -> Result<u8, Failure> {
    let selector = machines.selector()?;
    let asking = Asking::read(&[], write.config.as_deref(), None)?;
    let (scope, connection) = (&asking.scope(scope)?, &asking.connection(connection)?);
    let place = match write.rehearse.is_empty() {
        true => Place::live(connection)?,
        false => Place::rehearsal(&write.rehearse)?,
    };
    let documents = match write.rehearse.is_empty() {
        true => estate(&place, &machines.machines, scope, connection)?,
        false => place.estate(&[])?,
    };
    change_machines(asked, &selector, &place, documents, write)
}

/// The estate that is changed: what was asked for, else the subscriptions that ids name.
fn estate(
    place: &Place,
    machines: &[String],
    scope: &ScopeArguments,
    connection: &ConnectionArguments,
) -> Result<Documents, Failure> {
    if scope.is_given() {
        let recorded = live::read(scope, connection)?;
        live::say_missing(&recorded);
        return taken(recorded);
    }
    let named = subscriptions_of(machines);
    match named.is_empty() {
        false => place.estate(&named),
        true => Err(Failure(
            "say where the machines are: --subscription, --management-group or --all-subscriptions, or give their ids"
                .to_owned(),
        )),
    }
}

/// Plans the change of the machines that are meant, and carries it out.
pub(super) fn change_machines(
    asked: &Asked,
    selector: &Selector,
    place: &Place,
    mut documents: Documents,
    write: &WriteArguments,
) -> Result<u8, Failure> {
    let asking = Asking::read(
        &[],
        write.config.as_deref(),
        write.rehearse.first().map(PathBuf::as_path),
    )?;
    let question = asking.question(place.recorded);
    let view = View::of(documents.clone(), &question);
    let machines = selector.find(view.inventory(), &view.findings).map_err(Failure)?;
    let (changes, refused) = changes(&view, &machines, asked, selector);
    for why in &refused {
        style::warning(why);
    }
    drop(view);
    let mut subscriptions: Vec<String> = machines
        .iter()
        .map(|id| id.subscription().to_ascii_lowercase())
        .collect();
    subscriptions.sort();
    subscriptions.dedup();
    place.guard(&mut documents, &subscriptions);
    let settings = Settings {
        max_steps: usize::MAX,
        ..Settings::default()
    };
    let plan = plan_of(documents, &question, &settings, &changes, asked.openings).map_err(Failure)?;
    let failed = if refused.is_empty() {
        status::CLEAN
    } else {
        status::FINDINGS
    };
    if plan.steps.is_empty() {
        if refused.is_empty() {
            style::note("nothing to do: it is so already");
        }
        return Ok(failed);
    }
    if write.dry_run {
        let whole = dry(place, &plan)?;
        return Ok(if whole { failed } else { status::FINDINGS });
    }
    Ok(carried(asked, place, &plan, write)?.max(failed))
}

/// What the machines ask of a plan, and why some cannot be changed. Of many, those that cannot are passed over and said.
fn changes(
    view: &View,
    machines: &[ResourceId],
    asked: &Asked,
    selector: &Selector,
) -> (Vec<given::Change>, Vec<String>) {
    let (mut changes, mut refused) = (Vec::new(), Vec::new());
    let by_name = !selector.machines.is_empty();
    for machine in machines {
        match change::steps(view, machine, &asked.change, &asked.defaults) {
            Ok(steps) => changes.extend(steps),
            // Who says "all" means all that are in a policy.
            Err(_) if !by_name && matches!(asked.change, Change::Disable | Change::Edit { .. }) => {}
            Err(why) => refused.push(format!("`{}`: {why}", machine.name())),
        }
    }
    (changes, refused)
}

fn carried(asked: &Asked, place: &Place, plan: &Plan, write: &WriteArguments) -> Result<u8, Failure> {
    let path = journal(write.journal.as_ref(), asked.command, Timestamp::now())?;
    let command = format!("jit {}", asked.command);
    let how = Carrying {
        command: &command,
        journal: &path,
        approve: write.yes.then_some(plan.digest.as_str()),
        shown: &words::console(plan),
        parallel: 4,
    };
    for warning in &plan.warnings {
        style::warning(warning);
    }
    let run = match carry_out(place, plan, &how)? {
        Carried::Declined => return Ok(status::USAGE),
        Carried::Run(run) => run,
    };
    run.end(if run.whole { "carried out" } else { "not whole" })?;
    style::note(&format!("journal: {}", path.display()));
    if run.whole {
        output::to_stdout(b"Verified by a fresh reading\n")?;
    }
    Ok(if run.whole { status::CLEAN } else { status::FINDINGS })
}
