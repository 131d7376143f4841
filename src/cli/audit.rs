//! `portcullis audit`: whether a journal is as it was written.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{Failure, output, status, style};
use crate::remedy::journal::{Event, read};

#[derive(Debug, Args)]
pub struct AuditArguments {
    #[command(subcommand)]
    command: AuditCommand,
}

#[derive(Debug, Subcommand)]
enum AuditCommand {
    /// Check that no line of a journal was changed, removed, added or moved
    Verify {
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
}

impl AuditArguments {
    pub fn run(&self) -> Result<u8, Failure> {
        let AuditCommand::Verify { file } = &self.command;
        let shown = file.display();
        let text = std::fs::read_to_string(file).map_err(|error| Failure(format!("cannot read `{shown}`: {error}")))?;
        let found = match read(&text) {
            Ok(found) => found,
            Err(why) => {
                style::error(&format!("`{shown}`: {why}"));
                return Ok(status::FINDINGS);
            }
        };
        let Some(last) = found.chain.lines.last() else {
            return Err(Failure(format!("`{shown}` holds no whole line")));
        };
        let ended = matches!(last.event, Event::Ended { .. });
        let state = if ended {
            "the run came to its end"
        } else {
            "the run did not come to its end"
        };
        let line = format!(
            "{} lines follow each other; {state}\nlast digest {}\n",
            found.chain.lines.len(),
            last.digest
        );
        output::to_stdout(line.as_bytes())?;
        if found.cut > 0 {
            style::warning(&format!(
                "the last line was cut while it was written ({} bytes); no call was made after it",
                found.cut
            ));
        }
        Ok(status::CLEAN)
    }
}
