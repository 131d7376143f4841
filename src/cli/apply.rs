//! `portcullis apply`: carries out a plan that was approved, in Azure or in a rehearsal.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use clap::Args;
use jiff::{SignedDuration, Timestamp};

use super::asking::Asking;
use super::carrying::{Carried, Carrying, Run, carry_out, dry};
use super::live::ConnectionArguments;
use super::place::Place;
use super::{Failure, output, status, style};
use crate::remedy::view::View;
use crate::remedy::{Plan, words};

const AFTER: &str = "\
Signs in as `scan` does. Before the first change it looks at the tenant, the subscriptions, the permissions for every step and \
the locks. Killed or interrupted, the same command continues; `portcullis rollback JOURNAL` takes back.

Exit status: 0 carried out and verified; 1 a step was stopped, or a finding is still there; 2 nothing was begun.";

#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub struct ApplyArguments {
    /// The plan that `portcullis plan -o` wrote
    #[arg(value_name = "PLAN")]
    plan: PathBuf,

    /// Go ahead without asking, if the plan has this digest
    #[arg(long, value_name = "DIGEST")]
    approve: Option<String>,

    /// Read every target as a run would, print each request, and write nothing
    #[arg(long)]
    dry_run: bool,

    /// Carry it out in a sandbox that serves this recorded estate, as if it were Azure; may be given several times
    #[arg(long, value_name = "PATH")]
    rehearse: Vec<PathBuf>,

    /// Write the rehearsed estate, as it is afterwards, to this snapshot
    #[arg(long, value_name = "FILE", requires = "rehearse")]
    save: Option<PathBuf>,

    /// Where every call is written down before and after [default: the plan's name with `.journal.jsonl`; of a rehearsal, with
    /// `.rehearsal.jsonl`, made anew each time]
    #[arg(long, value_name = "FILE")]
    journal: Option<PathBuf>,

    /// Refuse a plan that is older than so many hours
    #[arg(long, value_name = "HOURS", default_value_t = 24)]
    max_age: u32,

    /// How many groups and policies are changed side by side
    #[arg(long, value_name = "COUNT", default_value_t = 4)]
    parallel: usize,

    /// Also load the rule files of this directory, or this file, as for the plan; may be given several times
    #[arg(long, value_name = "PATH")]
    rules: Vec<PathBuf>,

    /// Settings and waivers, as for the plan [default: portcullis.yaml of the current directory, where there is one]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    #[command(flatten)]
    connection: ConnectionArguments,
}

impl ApplyArguments {
    pub fn run(&self) -> Result<u8, Failure> {
        let plan = read_plan(&self.plan)?;
        self.check_age(&plan)?;
        let asking = Asking::read(
            &self.rules,
            self.config.as_deref(),
            self.rehearse.first().map(PathBuf::as_path),
        )?;
        let place = place(&self.rehearse, &asking.connection(&self.connection)?)?;
        if self.dry_run {
            let whole = dry(&place, &plan)?;
            return Ok(if whole { status::CLEAN } else { status::FINDINGS });
        }
        let _held = hold(&self.plan)?;
        let journal = self.journal()?;
        let how = Carrying {
            command: "apply",
            journal: &journal,
            approve: self.approve.as_deref(),
            shown: &words::console(&plan),
            parallel: self.parallel,
        };
        match carry_out(&place, &plan, &how)? {
            Carried::Declined => Ok(status::USAGE),
            Carried::Run(run) => self.finish(&plan, &place, &asking, &run),
        }
    }

    fn journal(&self) -> Result<PathBuf, Failure> {
        if let Some(named) = &self.journal {
            return Ok(named.clone());
        }
        if self.rehearse.is_empty() {
            return Ok(self.plan.with_extension("journal.jsonl"));
        }
        // The sandbox of the rehearsal before is gone, and its journal says nothing of this one.
        let path = self.plan.with_extension("rehearsal.jsonl");
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(Failure(format!("cannot write `{}`: {error}", path.display())))
            }
            _ => Ok(path),
        }
    }

    fn check_age(&self, plan: &Plan) -> Result<(), Failure> {
        let made: Timestamp = plan
            .made
            .parse()
            .map_err(|_| Failure(format!("the plan says it was made at `{}`", plan.made)))?;
        let age = Timestamp::now().duration_since(made);
        let most = SignedDuration::from_hours(i64::from(self.max_age));
        if age > most || age < -SignedDuration::from_hours(1) {
            let what = if age > most {
                "older than"
            } else {
                "in the future, or older than"
            };
            let message = format!(
                "the plan was made {} and is {what} {} hours (--max-age); make it again",
                plan.made, self.max_age
            );
            return Err(Failure(message));
        }
        Ok(())
    }

    fn finish(&self, plan: &Plan, place: &Place, asking: &Asking, run: &Run) -> Result<u8, Failure> {
        let left = if run.whole {
            remaining(plan, place, asking)?
        } else {
            Vec::new()
        };
        for finding in &left {
            style::warning(&format!("still found: {finding}"));
        }
        let well = run.whole && left.is_empty();
        if well {
            let line = format!(
                "\nVerified by a fresh reading: all {} findings of the plan are gone\n",
                plan.proof.mended.len()
            );
            output::to_stdout(line.as_bytes())?;
        }
        let well = run.ended(if well { "carried out" } else { "not whole" }) && well;
        save(self.save.as_deref(), place)?;
        Ok(if well { status::CLEAN } else { status::FINDINGS })
    }
}

/// Where to go: a sandbox of what was recorded, or Azure.
pub(super) fn place(rehearse: &[PathBuf], connection: &ConnectionArguments) -> Result<Place, Failure> {
    match rehearse.is_empty() {
        true => Place::live(connection),
        false => Place::rehearsal(rehearse),
    }
}

/// Writes the rehearsed estate, where that was asked for.
pub(super) fn save(path: Option<&Path>, place: &Place) -> Result<(), Failure> {
    let (Some(path), Some(snapshot)) = (path, place.snapshot()) else {
        return Ok(());
    };
    std::fs::write(path, snapshot).map_err(|error| Failure(format!("cannot write `{}`: {error}", path.display())))
}

/// Findings that the plan said would go, and that a fresh verdict still gives.
fn remaining(plan: &Plan, place: &Place, asking: &Asking) -> Result<Vec<String>, Failure> {
    let view = View::of(place.estate(&plan.read)?, &asking.question(place.recorded));
    let still = |mended: &&crate::remedy::plan::Mended| {
        view.findings
            .iter()
            .any(|finding| *finding.rule == mended.rule && *finding.fingerprint == mended.fingerprint)
    };
    Ok(plan
        .proof
        .mended
        .iter()
        .filter(still)
        .map(|mended| format!("{}: {}", mended.rule, mended.message))
        .collect())
}

pub(super) fn read_plan(path: &Path) -> Result<Plan, Failure> {
    let shown = path.display();
    let text =
        std::fs::read_to_string(path).map_err(|error| Failure(format!("cannot read plan `{shown}`: {error}")))?;
    Plan::parse(&text).map_err(|why| Failure(format!("plan `{shown}`: {why}")))
}

/// Locks the plan while it is carried out, whatever the journal is called.
fn hold(path: &Path) -> Result<File, Failure> {
    let shown = path.display();
    let file = File::open(path).map_err(|error| Failure(format!("cannot read plan `{shown}`: {error}")))?;
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => Err(Failure(format!("plan `{shown}` is being carried out by another run"))),
        // Where files cannot be locked, the journal and the check for drift remain.
        Ok(()) | Err(TryLockError::Error(_)) => Ok(file),
    }
}
