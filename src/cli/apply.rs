//! `portcullis apply`: carries out a plan that was approved.

use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use clap::Args;
use jiff::{SignedDuration, Timestamp};

use super::config::Config;
use super::plan::{documents, question};
use super::rules::RuleSet;
use super::run::{RehearsalClock, ask, began, ended, on_interrupt, outcomes, who, write_estate};
use super::{Failure, output, status, style};
use crate::remedy::apply::{Outcome, Runner, fits};
use crate::remedy::journal::{Journal, Standing, plan_of, standings};
use crate::remedy::memory::Memory;
use crate::remedy::view::View;
use crate::remedy::{Plan, words};
use crate::rule::params::Overrides;

#[derive(Debug, Args)]
pub struct ApplyArguments {
    /// The plan that `portcullis plan -o` wrote
    #[arg(value_name = "PLAN")]
    plan: PathBuf,

    /// Go ahead without asking, if the plan has this digest
    #[arg(long, value_name = "DIGEST")]
    approve: Option<String>,

    /// Read every target as a run would, and write nothing
    #[arg(long)]
    dry_run: bool,

    /// Carry it out on this recorded estate in memory, as if it were Azure; may be given several times
    #[arg(long, value_name = "PATH")]
    rehearse: Vec<PathBuf>,

    /// Write the rehearsed estate, as it is afterwards, to this snapshot
    #[arg(long, value_name = "FILE", requires = "rehearse")]
    save: Option<PathBuf>,

    /// Where every call is written down before and after [default: the plan's name with `.journal.jsonl`]
    #[arg(long, value_name = "FILE")]
    journal: Option<PathBuf>,

    /// Refuse a plan that is older than so many hours
    #[arg(long, value_name = "HOURS", default_value_t = 24)]
    max_age: u32,

    /// How many groups and policies are changed side by side
    #[arg(long, value_name = "COUNT", default_value_t = 4)]
    parallel: usize,
}

/// Where a run writes when no client for Azure is part of the program.
pub(super) const NO_CLIENT: &str = "this build cannot write to Azure yet; carry the plan out with your own pipeline \
                                    (`portcullis plan ... --as az`), or rehearse it with --rehearse PATH";

impl ApplyArguments {
    pub fn run(&self) -> Result<u8, Failure> {
        let plan = read_plan(&self.plan)?;
        self.check_age(&plan)?;
        if self.rehearse.is_empty() {
            return Err(Failure(NO_CLIENT.to_owned()));
        }
        let service = Memory::new(documents(&self.rehearse)?);
        if self.dry_run {
            return self.dry(&plan, &service);
        }
        fits(&plan, &service).map_err(Failure)?;
        let _held = hold(&self.plan)?;
        let path = self.journal.clone().unwrap_or_else(|| beside(&self.plan));
        let (journal, found) = Journal::open(&path).map_err(Failure)?;
        if plan_of(&found.chain).is_some_and(|known| known.digest != plan.digest) {
            let shown = path.display();
            return Err(Failure(format!(
                "journal `{shown}` is of another plan; name another with --journal"
            )));
        }
        let standings = standings(&found.chain);
        if standings
            .values()
            .any(|standing| matches!(standing, Standing::Returning | Standing::Returned))
        {
            let shown = path.display();
            return Err(Failure(format!(
                "the plan of journal `{shown}` was taken back; make the plan again"
            )));
        }
        let Some(approval) = ask(&plan.digest, self.approve.as_deref(), &words::console(&plan))? else {
            return Ok(status::USAGE);
        };
        let stop = on_interrupt();
        let first = found.chain.lines.is_empty();
        began(&journal, "apply", &plan, first, &who(), &approval)?;
        let runner = self.runner(&service, &journal, &stop);
        let results = runner.apply(&plan, &standings);
        self.finish(&plan, &service, &journal, &results)
    }

    fn runner<'r>(&self, service: &'r Memory, journal: &'r Journal, stop: &'r Arc<AtomicBool>) -> Runner<'r> {
        Runner {
            service,
            record: journal,
            clock: &RehearsalClock,
            stop,
            parallel: self.parallel.clamp(1, 32),
            patience: PATIENCE,
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
            let message = format!(
                "the plan was made {} and is older than {} hours (--max-age); make it again",
                plan.made, self.max_age
            );
            return Err(Failure(message));
        }
        Ok(())
    }

    fn dry(&self, plan: &Plan, service: &Memory) -> Result<u8, Failure> {
        let runner = Runner {
            service,
            record: &Nowhere,
            clock: &RehearsalClock,
            stop: &AtomicBool::new(false),
            parallel: 1,
            patience: PATIENCE,
        };
        let results = runner.rehearse_reads(plan, &BTreeMap::new());
        output::to_stdout(outcomes(plan, &results).as_bytes())?;
        Ok(if results.iter().all(|outcome| outcome.result.is_ok()) {
            status::CLEAN
        } else {
            status::FINDINGS
        })
    }

    fn finish(&self, plan: &Plan, service: &Memory, journal: &Journal, results: &[Outcome]) -> Result<u8, Failure> {
        output::to_stdout(outcomes(plan, results).as_bytes())?;
        let whole = results.iter().all(|outcome| outcome.result.is_ok());
        let left = if whole { remaining(plan, service)? } else { Vec::new() };
        for finding in &left {
            style::warning(&format!("still found: {finding}"));
        }
        if whole && left.is_empty() {
            let line = format!(
                "\nVerified: all {} findings of the plan are gone\n",
                plan.proof.mended.len()
            );
            output::to_stdout(line.as_bytes())?;
        }
        ended(
            journal,
            if whole && left.is_empty() {
                "carried out"
            } else {
                "not whole"
            },
        )?;
        if let Some(path) = &self.save {
            write_estate(path, &service.documents())?;
        }
        Ok(if whole && left.is_empty() {
            status::CLEAN
        } else {
            status::FINDINGS
        })
    }
}

/// How long just-in-time access may take to write its Deny rules.
pub(super) const PATIENCE: Duration = Duration::from_secs(600);

/// Findings that the plan said would go, and that a fresh verdict still gives.
fn remaining(plan: &Plan, service: &Memory) -> Result<Vec<String>, Failure> {
    let config = Config::read(None, None)?;
    let set = RuleSet::load(&[])?;
    let overrides = Overrides {
        settings: config.rules.clone(),
        arguments: Vec::new(),
        ports: config.ports.clone(),
    };
    let params = set.resolve(&overrides)?;
    let view = View::of(service.documents(), &question(&set, &params, &config, None));
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

fn beside(plan: &Path) -> PathBuf {
    plan.with_extension("journal.jsonl")
}

/// A dry run keeps nothing, since it does nothing.
struct Nowhere;

impl crate::remedy::journal::Record for Nowhere {
    fn keep(&self, _: &str, _: crate::remedy::journal::Event) -> Result<(), crate::remedy::journal::NotKept> {
        Ok(())
    }
}
