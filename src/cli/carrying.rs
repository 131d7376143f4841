//! A run of a plan, for whatever command makes one: approval, journal, the steps, and what is said of them. Must not know
//! where the plan comes from.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use super::place::Place;
use super::run::{ask, began, ended, on_interrupt, outcomes};
use super::{Failure, output, style};
use crate::remedy::Plan;
use crate::remedy::apply::{Outcome, Runner};
use crate::remedy::journal::{
    Chain, Direction, Event, Journal, NotKept, Record, Standing, place_of, plan_of, standings,
};

/// How a plan is to be carried out.
pub(super) struct Carrying<'a> {
    /// The command, as the journal names it.
    pub command: &'a str,
    pub journal: &'a Path,
    /// The digest that was approved; `None`: somebody is asked.
    pub approve: Option<&'a str>,
    /// What is shown before somebody is asked.
    pub shown: &'a str,
    /// How many groups and policies are changed side by side.
    pub parallel: usize,
}

/// What became of a run.
pub(super) enum Carried {
    /// Nobody said yes.
    Declined,
    /// The journal is still held; [`Run::end`] closes it.
    Run(Run),
}

/// A run whose steps are behind it.
pub(super) struct Run {
    journal: Journal,
    /// Whether every step was carried out.
    pub whole: bool,
}

impl Run {
    /// Writes the last line of the journal.
    pub fn end(&self, outcome: &str) -> Result<(), Failure> {
        ended(&self.journal, outcome)
    }

    /// As `end`, for runs of which something was carried out: says where the line could not be kept.
    pub fn ended(&self, outcome: &str) -> bool {
        let kept = self.end(outcome);
        if let Err(failure) = &kept {
            style::error(&failure.0);
        }
        kept.is_ok()
    }
}

/// How long just-in-time access may take to write its Deny rules.
const PATIENCE: Duration = Duration::from_secs(600);

/// Carries a plan out, or goes on where a killed run stopped. Prints a line a step.
pub(super) fn carry_out(place: &Place, plan: &Plan, how: &Carrying<'_>) -> Result<Carried, Failure> {
    place.check(plan, Direction::Apply)?;
    let shown = how.journal.display();
    let (journal, found) = Journal::open(how.journal).map_err(Failure)?;
    if plan_of(&found.chain).is_some_and(|known| known.digest != plan.digest) {
        return Err(Failure(format!(
            "journal `{shown}` is of another plan; name another with --journal"
        )));
    }
    check_place(&found.chain, place, how.journal)?;
    let standings = standings(&found.chain);
    let taken_back = |standing: &Standing| matches!(standing, Standing::Returning | Standing::Returned);
    if standings.values().any(taken_back) {
        return Err(Failure(format!(
            "the plan of journal `{shown}` was taken back; make the plan again"
        )));
    }
    let Some(approval) = ask(&plan.digest, how.approve, how.shown)? else {
        return Ok(Carried::Declined);
    };
    let stop = on_interrupt();
    let first = found.chain.lines.is_empty();
    began(&journal, place, how.command, plan, first, approval)?;
    let results = runner(place, &journal, &stop, how.parallel).apply(plan, &standings);
    told(plan, results, journal)
}

/// Takes back what a journal says was done. Prints a line a step.
pub(super) fn take_back(place: &Place, path: &Path, approve: Option<&str>) -> Result<Carried, Failure> {
    let shown = path.display();
    if !path.is_file() {
        return Err(Failure(format!("there is no journal `{shown}`")));
    }
    let (journal, found) = Journal::open(path).map_err(Failure)?;
    let Some(plan) = plan_of(&found.chain) else {
        return Err(Failure(format!("journal `{shown}` holds no plan: nothing was begun")));
    };
    check_place(&found.chain, place, path)?;
    place.check(plan, Direction::Rollback)?;
    let question = format!("Take back plan {} ({} steps)\n", plan.digest, plan.steps.len());
    let Some(approval) = ask(&plan.digest, approve, &question)? else {
        return Ok(Carried::Declined);
    };
    let stop = on_interrupt();
    began(&journal, place, "rollback", plan, false, approval)?;
    let results = runner(place, &journal, &stop, 1).roll_back(plan, &standings(&found.chain));
    told(plan, results, journal)
}

/// What was done in one place is neither continued nor taken back in another.
fn check_place(chain: &Chain, place: &Place, path: &Path) -> Result<(), Failure> {
    match place_of(chain).filter(|known| *known != place.name) {
        None => Ok(()),
        Some(known) => Err(Failure(format!(
            "journal `{}` is of `{known}`, and this is `{}`; name another journal, or go there",
            path.display(),
            place.name
        ))),
    }
}

/// Reads every target as a run would, and writes nothing. Prints each request that a run would make; whether every step
/// could be carried out.
pub(super) fn dry(place: &Place, plan: &Plan) -> Result<bool, Failure> {
    place.check(plan, Direction::Apply)?;
    let results = runner(place, &Nowhere, &AtomicBool::new(false), 1).rehearse_reads(plan, &BTreeMap::new());
    output::to_stdout(outcomes(plan, &results).as_bytes())?;
    Ok(is_whole(&results))
}

fn runner<'r>(place: &'r Place, record: &'r dyn Record, stop: &'r AtomicBool, parallel: usize) -> Runner<'r> {
    Runner {
        service: place.service(),
        record,
        clock: place,
        stop,
        parallel: parallel.clamp(1, 32),
        patience: PATIENCE,
        pause: place.pause,
    }
}

fn told(plan: &Plan, results: Vec<Outcome>, journal: Journal) -> Result<Carried, Failure> {
    output::to_stdout(outcomes(plan, &results).as_bytes())?;
    Ok(Carried::Run(Run {
        journal,
        whole: is_whole(&results),
    }))
}

fn is_whole(results: &[Outcome]) -> bool {
    results.iter().all(|outcome| outcome.result.is_ok())
}

/// A dry run keeps nothing, since it does nothing.
struct Nowhere;

impl Record for Nowhere {
    fn keep(&self, _: &str, _: Event) -> Result<(), NotKept> {
        Ok(())
    }
}
