//! `portcullis rollback`: takes back what a journal says was done.

use std::path::PathBuf;

use clap::Args;

use super::apply::{NO_CLIENT, PATIENCE};
use super::plan::documents;
use super::run::{RehearsalClock, ask, began, ended, on_interrupt, outcomes, who, write_estate};
use super::{Failure, output, status};
use crate::remedy::apply::Runner;
use crate::remedy::journal::{Journal, plan_of, standings};
use crate::remedy::memory::Memory;

#[derive(Debug, Args)]
pub struct RollbackArguments {
    /// The journal of the run to take back
    #[arg(value_name = "JOURNAL")]
    journal: PathBuf,

    /// Go ahead without asking, if the journal is of the plan with this digest
    #[arg(long, value_name = "DIGEST")]
    approve: Option<String>,

    /// Take it back on this recorded estate in memory, as if it were Azure; may be given several times
    #[arg(long, value_name = "PATH")]
    rehearse: Vec<PathBuf>,

    /// Write the rehearsed estate, as it is afterwards, to this snapshot
    #[arg(long, value_name = "FILE", requires = "rehearse")]
    save: Option<PathBuf>,
}

impl RollbackArguments {
    pub fn run(&self) -> Result<u8, Failure> {
        let shown = self.journal.display();
        if !self.journal.is_file() {
            return Err(Failure(format!("there is no journal `{shown}`")));
        }
        if self.rehearse.is_empty() {
            return Err(Failure(NO_CLIENT.to_owned()));
        }
        let (journal, found) = Journal::open(&self.journal).map_err(Failure)?;
        let Some(plan) = plan_of(&found.chain) else {
            return Err(Failure(format!("journal `{shown}` holds no plan: nothing was begun")));
        };
        let service = Memory::new(documents(&self.rehearse)?);
        let question = format!("Take back plan {} ({} steps)\n", plan.digest, plan.steps.len());
        let Some(approval) = ask(&plan.digest, self.approve.as_deref(), &question)? else {
            return Ok(status::USAGE);
        };
        let stop = on_interrupt();
        began(&journal, "rollback", plan, false, &who(), &approval)?;
        let runner = Runner {
            service: &service,
            record: &journal,
            clock: &RehearsalClock,
            stop: &stop,
            parallel: 1,
            patience: PATIENCE,
        };
        let results = runner.roll_back(plan, &standings(&found.chain));
        output::to_stdout(outcomes(plan, &results).as_bytes())?;
        let whole = results.iter().all(|outcome| outcome.result.is_ok());
        ended(&journal, if whole { "taken back" } else { "not whole" })?;
        if let Some(path) = &self.save {
            write_estate(path, &service.documents())?;
        }
        Ok(if whole { status::CLEAN } else { status::FINDINGS })
    }
}
