//! The command line: arguments to requests, and the only place that prints, reads files, the clock or the
//! environment. A command is one file and one line in [`Command`].

mod apply;
mod asking;
mod audit;
mod carrying;
mod changed;
mod completions;
mod config;
mod diff;
mod doctor;
mod excerpts;
mod files;
mod git;
mod history;
mod jit;
mod judging;
mod library;
mod live;
mod live_settings;
mod manual;
mod merge;
mod output;
mod permissions;
mod place;
mod plan;
mod progress;
mod reading;
mod reading_arguments;
mod remembering;
mod report;
mod rollback;
mod rules;
mod run;
mod run_summary;
mod sandbox;
mod scan;
mod show;
mod sides;
mod snapshot;
mod style;
mod telling;
mod trace;
mod verify;
mod whole;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

pub use style::{ColorChoice, LogFormat};

/// Exit statuses, the same for every command.
pub mod status {
    /// Nothing at or above `--fail-on`.
    pub const CLEAN: u8 = 0;
    /// Findings at or above `--fail-on`.
    pub const FINDINGS: u8 = 1;
    /// Wrong usage, or nothing that could be read.
    pub const USAGE: u8 = 2;
    /// The scan is incomplete; wins over 0 and 1.
    pub const INCOMPLETE: u8 = 3;
}

const ABOUT: &str = "Who can reach the management ports of which Azure virtual machine, by which way, because of which \
                     rule, and is just-in-time access holding the gate shut?";

const AFTER: &str = "Exit status: 0 nothing at or above --fail-on; 1 findings; 2 wrong usage or unreadable input; \
                     3 the scan is incomplete, which wins over 0 and 1. Of `trace`: 0 closed, 1 open, 3 undetermined.";

#[derive(Debug, Parser)]
#[command(name = "portcullis", version, about = ABOUT, after_help = AFTER, max_term_width = 100)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// When to write colours
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN")]
    color: ColorChoice,
    /// How notes, warnings and errors are written on the error stream
    #[arg(long, global = true, value_enum, default_value_t, value_name = "FORMAT")]
    log_format: LogFormat,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Judge recorded or live estates and report
    Scan(Box<scan::ScanArguments>),
    /// Ask the history of scans: what is new, what was fixed, since when a finding is open
    History(history::HistoryArguments),
    /// Write the report of a scan in the history again, in any format
    Report(report::ReportArguments),
    /// Join the JSON reports of several scans, such as shards of one night, into one
    Merge(merge::MergeArguments),
    /// Record a live estate, to be scanned later or elsewhere
    Snapshot(Box<snapshot::SnapshotArguments>),
    /// Print the least role for reading, requesting or remedying, and what the identity lacks of it
    Permissions(Box<permissions::PermissionsArguments>),
    /// Compare two estates: what a change opens and closes
    Diff(Box<diff::DiffArguments>),
    /// Follow one packet to a port of a machine, hop by hop
    Trace(trace::TraceArguments),
    /// Plan how to mend what a scan finds, and prove that nothing else changes
    Plan(Box<plan::PlanArguments>),
    /// Carry out a plan
    Apply(Box<apply::ApplyArguments>),
    /// Take back what a plan changed
    Rollback(Box<rollback::RollbackArguments>),
    /// Check the journal of a run
    Audit(audit::AuditArguments),
    /// Just-in-time access: status, enable, edit, disable, request, revoke, audit, permissions
    Jit(jit::JitArguments),
    /// Compare our answers with effective security rules or IP flow verify answers that Azure gave
    VerifyEffective(verify::VerifyArguments),
    /// Show the settings in force, and where each comes from
    Config(show::ConfigArguments),
    /// Check what a nightly job needs: sign-in, rights, clock, proxy, TLS, disk, history; and say what to mend
    Doctor(Box<doctor::DoctorArguments>),
    /// List, show and test rules
    Rules(rules::RulesArguments),
    /// Serve a recorded estate as a local Azure, to try and rehearse against
    Sandbox(sandbox::SandboxArguments),
    /// Print a completion script for a shell
    Completions(completions::CompletionsArguments),
    /// Print the manual page
    Man,
}

/// A command that could not be carried out: one sentence for people, wrong usage as status.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Failure(pub String);

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Failure(format!("cannot write: {error}"))
    }
}

/// Runs the program with the arguments of the process.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    arguments.color.apply();
    arguments.log_format.apply();
    let outcome = match &arguments.command {
        Command::Scan(scan) => scan.run(),
        Command::History(history) => history.run(),
        Command::Report(report) => report.run(),
        Command::Merge(merge) => merge.run(),
        Command::Snapshot(snapshot) => snapshot.run(),
        Command::Permissions(permissions) => permissions.run(),
        Command::Diff(diff) => diff.run(),
        Command::Config(config) => config.run(),
        Command::Doctor(doctor) => doctor.run(),
        Command::Trace(trace) => trace.run(),
        Command::Plan(plan) => plan.run(),
        Command::Apply(apply) => apply.run(),
        Command::Rollback(rollback) => rollback.run(),
        Command::Audit(audit) => audit.run(),
        Command::Jit(jit) => jit.run(),
        Command::VerifyEffective(verify) => verify.run(),
        Command::Rules(rules) => rules.run(),
        Command::Sandbox(sandbox) => sandbox.run(),
        Command::Completions(completions) => completions.run(),
        Command::Man => manual::run(),
    };
    match outcome {
        Ok(status) => ExitCode::from(status),
        Err(failure) => {
            style::error(&failure.0);
            ExitCode::from(status::USAGE)
        }
    }
}
