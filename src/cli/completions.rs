//! `portcullis completions`.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::{Arguments, Failure, status};

#[derive(Debug, Args)]
pub struct CompletionsArguments {
    /// The shell to complete in
    #[arg(value_enum)]
    shell: Shell,
}

impl CompletionsArguments {
    pub fn run(&self) -> Result<u8, Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Arguments::command(), "portcullis", &mut script);
        super::output::to_stdout(&script)?;
        Ok(status::CLEAN)
    }
}
