//! `portcullis jit`: just-in-time access from the command line. A subcommand is one file and one line in [`JitCommand`].

mod audit;
mod configure;
mod door;
mod estate;
mod objects;
mod permissions;
mod request;
mod revoke;
mod spool;
mod status;

use clap::{Args, Subcommand};

use super::Failure;

#[derive(Debug, Args)]
pub struct JitArguments {
    #[command(subcommand)]
    command: JitCommand,
}

#[derive(Debug, Subcommand)]
enum JitCommand {
    /// Where every machine stands: configured, not configured, unsupported; what is open now, who used it last
    Status(Box<status::StatusArguments>),
    /// Enable just-in-time access for machines, beside those that are in the policy already
    Enable(Box<configure::EnableArguments>),
    /// Add, change or remove ports of machines that just-in-time access guards
    Edit(Box<configure::EditArguments>),
    /// Take machines out of just-in-time access
    Disable(Box<configure::DisableArguments>),
    /// Ask for ports of a machine to be opened, wait until they are, and tell how to connect
    Request(Box<request::RequestArguments>),
    /// Close an opening before its time, in the ways that there are
    Revoke(Box<revoke::RevokeArguments>),
    /// Who asked for access to what, when, from where, for how long and why; granted or refused
    Audit(Box<audit::AuditArguments>),
    /// Who may configure and who may request, what you lack, and the least role for requesters
    Permissions(Box<permissions::PermissionsArguments>),
}

impl JitArguments {
    pub fn run(&self) -> Result<u8, Failure> {
        match &self.command {
            JitCommand::Status(status) => status.run(),
            JitCommand::Enable(enable) => enable.run(),
            JitCommand::Edit(edit) => edit.run(),
            JitCommand::Disable(disable) => disable.run(),
            JitCommand::Request(request) => request.run(),
            JitCommand::Revoke(revoke) => revoke.run(),
            JitCommand::Audit(audit) => audit.run(),
            JitCommand::Permissions(permissions) => permissions.run(),
        }
    }
}
