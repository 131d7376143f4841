//! `portcullis man`: the manual page of all commands.

use clap::CommandFactory;

use super::{Arguments, Failure, status};

pub fn run() -> Result<u8, Failure> {
    let mut page = Vec::new();
    let mut command = Arguments::command();
    command.build();
    clap_mangen::Man::new(command.clone()).render(&mut page)?;
    for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
        clap_mangen::Man::new(sub.clone()).render_description_section(&mut page)?;
        clap_mangen::Man::new(sub.clone()).render_options_section(&mut page)?;
    }
    super::output::to_stdout(&page)?;
    Ok(status::CLEAN)
}
