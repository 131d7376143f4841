//! Takes steps back in reverse, each verified, three-way on its projection: what others changed meanwhile stays, and
//! where they changed the same it is said and left. A temporary opening is never restored.

use std::collections::BTreeMap;

use super::apply::{Done, Outcome, Runner, Stop};
use super::journal::{Direction, Event, Standing};
use super::plan::{Plan, Step};
use super::projection::{self, Merge};
use super::remedies::remove_entry;
use super::rules::Shape;
use crate::model::ResourceId;
use crate::rule::facts::JitRuleName;

impl Runner<'_> {
    /// Takes back every step that may have been written. A conflict or a refusal leaves its step and does not stop the others.
    pub fn roll_back(&self, plan: &Plan, standings: &BTreeMap<u32, Standing>) -> Vec<Outcome> {
        let mut outcomes = Vec::new();
        for step in plan.steps.iter().rev() {
            let standing = standings.get(&step.number).copied().unwrap_or_default();
            if !matches!(standing, Standing::Intended | Standing::Done | Standing::Returning) {
                continue;
            }
            if self.stop.load(std::sync::atomic::Ordering::SeqCst) {
                outcomes.push(Outcome::of(step, Err(Stop::NotBegun)));
                continue;
            }
            let result = self.take_back(step, standing);
            let fatal = matches!(result, Err(Stop::Fault(_) | Stop::NotKept(_)));
            if let Err(stop) = &result {
                // The outcome says it where the journal cannot.
                let _ = self.keep(Event::Stopped {
                    step: Some(step.number),
                    why: stop.to_string(),
                });
            }
            outcomes.push(Outcome::of(step, result));
            if fatal {
                break;
            }
        }
        outcomes
    }

    fn take_back(&self, step: &Step, standing: Standing) -> Result<Done, Stop> {
        if let Some(why) = must_stay(step) {
            self.keep(Event::Passed {
                step: step.number,
                direction: Direction::Rollback,
                why: why.to_owned(),
            })?;
            return Ok(Done::Left);
        }
        let found = self.read(step)?;
        let now = self.projected(step, &found);
        let (wanted, done) = match projection::merge(step.before.as_ref(), step.after.as_ref(), now.as_ref()) {
            Merge::Restored if standing == Standing::Intended => {
                // The call behind the intention had no effect, or somebody took it back.
                (None, Done::Already)
            }
            Merge::Restored => (None, Done::Already),
            Merge::Write(wanted) => (Some(wanted), Done::Written),
            Merge::Conflict(members) => return Err(conflict(step, &members)),
        };
        let target = match wanted {
            Some(wanted) => {
                self.write(step, Direction::Rollback, now.as_ref(), wanted.as_ref(), found)?;
                wanted
            }
            None => now,
        };
        self.await_expected(step, false)?;
        let request_id = self.verify(step, target.as_ref())?;
        self.keep(Event::Verified {
            step: step.number,
            direction: Direction::Rollback,
            request_id,
        })?;
        Ok(done)
    }
}

fn conflict(step: &Step, members: &[String]) -> Stop {
    let name = step.target.rsplit('/').next().unwrap_or_default();
    Stop::Conflict(format!("{} of `{name}`", members.join(", ")))
}

/// What is over is not brought back: an Allow rule of just-in-time access was for some hours, and the service takes no entry
/// for a machine that does not exist.
fn must_stay(step: &Step) -> Option<&'static str> {
    let target = ResourceId::new(&step.target);
    let was_opening = step
        .before
        .as_ref()
        .is_some_and(|before| Shape::of(before).is_inbound_allow());
    if step.after.is_none() && was_opening && JitRuleName::parse(target.name()).is_some() {
        return Some("a temporary opening of just-in-time access is never restored");
    }
    (step.remedy == remove_entry::REMEDY.name).then_some("the machine of the entry no longer exists")
}
