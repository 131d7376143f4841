//! What `apply` and `rollback` share: approval, interruption, the clock, and telling what became of each step.

use std::fmt::Write as _;
use std::io::{BufRead, IsTerminal};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use jiff::Timestamp;

use super::place::Place;
use super::{Failure, output, style};
use crate::remedy::Plan;
use crate::remedy::apply::{Done, Outcome, Request};
use crate::remedy::journal::{Event, Journal, Record};

/// How a run was approved, or nothing when the answer was no.
pub(super) fn ask(digest: &str, approved: Option<&str>, shown: &str) -> Result<Option<String>, Failure> {
    if let Some(approved) = approved {
        if approved == digest {
            return Ok(Some("--approve".to_owned()));
        }
        return Err(Failure(format!(
            "--approve names `{approved}` and the plan is `{digest}`; look at the plan, then name that"
        )));
    }
    if !std::io::stdin().is_terminal() {
        return Err(Failure(format!(
            "nobody can be asked here; look at the plan, then give --approve {digest}"
        )));
    }
    output::to_stdout(shown.as_bytes())?;
    output::to_stdout(b"\nType `yes` to carry this out: ")?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    if answer.trim() == "yes" {
        return Ok(Some("asked and answered yes".to_owned()));
    }
    style::warning("not carried out");
    Ok(None)
}

/// A flag that an interrupt sets. The step in flight is finished; a second interrupt ends the program at once.
pub(super) fn on_interrupt() -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    std::thread::spawn(move || {
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
            return;
        };
        runtime.block_on(async {
            if tokio::signal::ctrl_c().await.is_ok() {
                flag.store(true, Ordering::SeqCst);
                style::warning(
                    "stopping after the step in flight; press again to stop at once (the journal tells what is open)",
                );
            }
            if tokio::signal::ctrl_c().await.is_ok() {
                std::process::exit(130);
            }
        });
    });
    stop
}

/// Who runs the program, as the system calls them, and how they are signed in.
pub(super) fn who(place: &Place) -> String {
    let named = ["USER", "USERNAME", "LOGNAME"]
        .into_iter()
        .find_map(|name| std::env::var(name).ok());
    let named = named.unwrap_or_else(|| "unknown".to_owned());
    format!("{named}, signed in by {}", place.signed_in)
}

/// The first line of a run. `first` says that the journal is new, and so holds the whole plan.
pub(super) fn began(
    journal: &Journal,
    place: &Place,
    command: &str,
    plan: &Plan,
    first: bool,
    approval: String,
) -> Result<(), Failure> {
    let event = Event::Began {
        command: command.to_owned(),
        plan_digest: plan.digest.clone(),
        plan: first.then(|| Box::new(plan.clone())),
        by: who(place),
        approval,
        place: place.name.clone(),
    };
    keep(journal, event)
}

pub(super) fn ended(journal: &Journal, outcome: &str) -> Result<(), Failure> {
    keep(
        journal,
        Event::Ended {
            outcome: outcome.to_owned(),
        },
    )
}

fn keep(journal: &Journal, event: Event) -> Result<(), Failure> {
    journal
        .keep(&Timestamp::now().to_string(), event)
        .map_err(|error| Failure(error.to_string()))
}

/// One line a step.
pub(super) fn outcomes(plan: &Plan, results: &[Outcome]) -> String {
    let mut text = String::new();
    for outcome in results {
        let step = plan.steps.iter().find(|step| step.number == outcome.step);
        let reason = step.map_or("", |step| &step.reason);
        let word = match &outcome.result {
            Ok(Done::Written) => "done      ",
            Ok(Done::Already) => "is so     ",
            Ok(Done::WouldWrite) => "would do  ",
            Ok(Done::Left) => "left      ",
            Err(_) => "STOPPED   ",
        };
        // Writing to a string does not fail.
        let _ = writeln!(
            text,
            "{:>4}. {word}{}",
            outcome.step,
            crate::remedy::words::plain(reason)
        );
        if let Some(request) = &outcome.request {
            let _ = write!(text, "{}", shown(request));
        }
        if let Err(stop) = &outcome.result {
            let _ = writeln!(text, "      {}", crate::remedy::words::plain(&stop.to_string()));
        }
    }
    text
}

/// A request that would be made, as one reads it.
fn shown(request: &Request) -> String {
    let mut text = format!("      {}\n", crate::remedy::words::plain(&request.call));
    let body = request
        .body
        .as_ref()
        .map(|body| serde_json::to_string_pretty(body).unwrap_or_default());
    for line in body.iter().flat_map(|body| body.lines()) {
        let _ = writeln!(text, "        {}", crate::remedy::words::plain(line));
    }
    text
}
