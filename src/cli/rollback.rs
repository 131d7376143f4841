//! `portcullis rollback`: takes back what a journal says was done.

use std::path::PathBuf;

use clap::Args;

use super::apply::{place, save};
use super::carrying::{Carried, take_back};
use super::config::Config;
use super::live::ConnectionArguments;
use super::{Failure, status};

const AFTER: &str = "\
What others changed meanwhile stays; where they changed the same field it is said and left. Temporary openings of \
just-in-time access are never restored. Killed or interrupted, the same command continues.

Exit status: 0 taken back; 1 something was left or stopped; 2 nothing was begun.";

#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub struct RollbackArguments {
    /// The journal of the run to take back
    #[arg(value_name = "JOURNAL")]
    journal: PathBuf,

    /// Go ahead without asking, if the journal is of the plan with this digest
    #[arg(long, value_name = "DIGEST")]
    approve: Option<String>,

    /// Take it back in a sandbox that serves this recorded estate, as if it were Azure; may be given several times
    #[arg(long, value_name = "PATH")]
    rehearse: Vec<PathBuf>,

    /// Write the rehearsed estate, as it is afterwards, to this snapshot
    #[arg(long, value_name = "FILE", requires = "rehearse")]
    save: Option<PathBuf>,

    /// How to reach Azure, as for the plan [default: portcullis.yaml of the current directory, where there is one]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    #[command(flatten)]
    connection: ConnectionArguments,
}

impl RollbackArguments {
    pub fn run(&self) -> Result<u8, Failure> {
        let config = Config::read(self.config.as_deref(), None)?;
        let place = place(&self.rehearse, &config.live.connection(&self.connection, &config)?)?;
        let Carried::Run(run) = take_back(&place, &self.journal, self.approve.as_deref())? else {
            return Ok(status::USAGE);
        };
        let well = run.ended(if run.whole { "taken back" } else { "not whole" }) && run.whole;
        save(self.save.as_deref(), &place)?;
        Ok(if well { status::CLEAN } else { status::FINDINGS })
    }
}
