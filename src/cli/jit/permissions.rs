//! `portcullis jit permissions`.

use clap::{Args, ValueEnum};

use super::super::live::{ConnectionArguments, guid};
use super::super::permissions::{format, lack, role};
use super::super::{Failure, output, status};
use super::estate::{said, settled};
use crate::azure::permission::{Purpose, lacks};
use crate::azure::session::Session;
use crate::jit::people::{Person, Task, people};
use crate::report::text;

const AFTER: &str = "\
With --subscription: who may configure and who may request there, by role assignment, and what you lack yourself. \
Principals are object ids; members of groups are not looked up, and conditions of assignments are not judged. Without: the \
least role for requesters, or with `--for configure` for those who configure.

Exit status: 0 you may do it, or a role was printed; 1 you lack something; 2 wrong usage; 3 it could not be told.";

#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub struct PermissionsArguments {
    /// The task
    #[arg(long = "for", value_enum, default_value_t, value_name = "TASK")]
    task: TaskName,

    /// The notation of the role: json, bicep, terraform or az [default: json]
    #[arg(long = "as", value_name = "FORMAT", value_parser = format)]
    format: Option<String>,

    /// Where the role may be assigned; may be given several times [default: a placeholder]
    #[arg(long, value_name = "SCOPE", conflicts_with = "subscription")]
    scope: Vec<String>,

    /// Look who may do what in this subscription; may be given several times
    #[arg(long, value_name = "ID", value_delimiter = ',', value_parser = guid, conflicts_with = "format")]
    subscription: Vec<String>,

    #[command(flatten)]
    connection: ConnectionArguments,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum TaskName {
    #[default]
    Request,
    Configure,
}

impl PermissionsArguments {
    pub fn run(&self) -> Result<u8, Failure> {
        let purpose = match self.task {
            TaskName::Request => Purpose::Request,
            TaskName::Configure => Purpose::Configure,
        };
        if self.subscription.is_empty() {
            output::to_stdout(role(purpose, self.format.as_deref(), &self.scope)?.as_bytes())?;
            return Ok(status::CLEAN);
        }
        let connection = settled(&self.connection)?.connection()?;
        let session = Session::open(&connection).map_err(|unread| Failure(unread.0))?;
        let mut told = true;
        for id in &self.subscription {
            told &= self.who(&session, id)?;
        }
        let lacking = lacks(&connection, &self.subscription, purpose).map_err(|unread| Failure(unread.0))?;
        let mut page = Vec::new();
        lacking.iter().try_for_each(|one| lack(one, purpose, &mut page))?;
        output::to_stdout(&page)?;
        let outcome = super::super::permissions::outcome(&lacking);
        Ok(if told { outcome } else { status::INCOMPLETE })
    }

    /// Who may do what; false where that cannot be told.
    fn who(&self, session: &Session, id: &str) -> Result<bool, Failure> {
        let (assignments, definitions) = match session.roles(id) {
            Ok(roles) => roles,
            Err(fault) => {
                let why = said("who may do what cannot be told", &fault).0;
                output::to_stdout(format!("subscription {id}: {}\n", text::line(&why)).as_bytes())?;
                return Ok(false);
            }
        };
        let mut page = String::new();
        for task in Task::ALL {
            let who = people(task, &assignments, &definitions);
            page.push_str(&format!("subscription {id}: {} may {}\n", who.len(), task.label()));
            who.iter().for_each(|person| page.push_str(&shown(person)));
        }
        output::to_stdout(page.as_bytes())?;
        Ok(true)
    }
}

fn shown(person: &Person) -> String {
    let mut lines = format!(
        "  {} {}\n",
        text::name(&person.kind, 20),
        text::name(&person.principal, 60)
    );
    for (role, scope) in &person.roles {
        lines.push_str(&format!("    {} at {}\n", text::name(role, 60), text::name(scope, 160)));
    }
    for action in &person.lacks {
        lines.push_str(&format!("    lacks {action}\n"));
    }
    lines
}
