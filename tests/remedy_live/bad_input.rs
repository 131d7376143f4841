//! What a run is given that it must not take, and what happens to it on the way: each refused or resumed with a sentence.

use std::process::{Command, Stdio};
use std::time::Duration;

use portcullis::remedy::journal::Event;
use portcullis::remedy::{Plan, Settings};
use portcullis::sandbox::{Options, Sandbox};
use serde_json::json;

use crate::desk::{Desk, changeable, planned, program, said, serving, writes};
use crate::generated::crowded;

fn scene(options: Options) -> (Sandbox, Desk, Plan) {
    let estate = crowded();
    let plan = planned(&estate, &Settings::default());
    (serving(&estate, options), Desk::with(&plan), plan)
}

/// The program refuses with these words, and nothing is written.
fn refused(sandbox: &Sandbox, command: &mut Command, words: &str) {
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(said(&output).contains(words), "{}", said(&output));
    assert_eq!(writes(sandbox), 0, "{words}");
}

#[test]
fn plans_that_must_not_be_carried_out_are_refused() {
    let (sandbox, desk, plan) = scene(Options::default());
    let file = desk.text("plan.json");
    let text = std::fs::read_to_string(&file).unwrap();
    refused(
        &sandbox,
        &mut program(&sandbox, &["apply", &file, "--approve", &plan.digest]),
        "older than 24 hours",
    );
    refused(
        &sandbox,
        &mut program(
            &sandbox,
            &["apply", &file, "--approve", "sha256:0", "--max-age", "1000000"],
        ),
        "look at the plan",
    );
    refused(
        &sandbox,
        &mut program(&sandbox, &["apply", &file, "--max-age", "1000000"]),
        "nobody can be asked here",
    );
    for (edited, words) in [
        (text.replacen("20-8080", "20-8081", 1), "changed after it was made"),
        (text.replacen("\"version\":1", "\"version\":2", 1), "version 2"),
        (text[..text.len() / 2].to_owned(), "no JSON"),
        ("[]".to_owned(), "no plan"),
        (String::new(), "no JSON"),
    ] {
        std::fs::write(&file, edited).unwrap();
        refused(&sandbox, &mut desk.applying(&sandbox, &plan), words);
    }
    let mut elsewhere = plan.clone();
    elsewhere.subscriptions = vec!["99999999-0000-0000-0000-000000000009".to_owned()];
    elsewhere.digest = elsewhere.computed_digest();
    desk.put(&elsewhere);
    refused(&sandbox, &mut desk.applying(&sandbox, &elsewhere), "subscription");
}

#[test]
fn journals_that_are_of_something_else_are_refused() {
    let (sandbox, desk, plan) = scene(Options::default());
    let journal = desk.path("plan.journal.jsonl");
    std::fs::write(&journal, "{}\n").unwrap();
    refused(&sandbox, &mut desk.applying(&sandbox, &plan), "no line of a journal");
    std::fs::remove_file(&journal).unwrap();
    assert_eq!(desk.apply(&sandbox, &plan).status.code(), Some(0));

    let (elsewhere, _, _) = scene(Options::default());
    refused(
        &elsewhere,
        &mut desk.applying(&elsewhere, &plan),
        "is of `http://127.0.0.1",
    );
    let back = program(
        &elsewhere,
        &["rollback", &desk.text("plan.journal.jsonl"), "--approve", &plan.digest],
    )
    .output();
    assert!(said(&back.unwrap()).contains("go there"));

    let other = planned(
        &crowded(),
        &Settings {
            jit_minutes: 60,
            ..Settings::default()
        },
    );
    desk.put(&other);
    let before = writes(&sandbox);
    let output = desk.apply(&sandbox, &other);
    assert!(said(&output).contains("of another plan"), "{}", said(&output));
    assert_eq!((output.status.code(), writes(&sandbox)), (Some(2), before));
}

#[test]
fn a_disk_that_fills_stops_the_run_and_the_same_command_continues() {
    let (sandbox, desk, plan) = scene(Options::default());
    let whole = serving(&crowded(), Options::default());
    assert_eq!(Desk::with(&plan).apply(&whole, &plan).status.code(), Some(0));
    let applying = desk.applying(&sandbox, &plan);
    // With the signal ignored, a write beyond the limit is an error, as on a full disk.
    let mut full = Command::new("bash");
    full.arg("-c")
        .arg("trap '' XFSZ; exec prlimit --fsize=16000 \"$0\" \"$@\"");
    full.arg(applying.get_program()).args(applying.get_args()).env_clear();
    full.envs(applying.get_envs().filter_map(|(name, value)| Some((name, value?))));
    full.env("PATH", "/usr/bin:/bin");
    let output = full.output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(
        said(&output).contains("the journal cannot be written"),
        "{}",
        said(&output)
    );
    let intended = desk.journal_text().matches("\"event\":\"intended\"").count();
    assert!(
        writes(&sandbox) <= intended,
        "nothing was written that was not journalled"
    );
    let again = desk.apply(&sandbox, &plan);
    assert_eq!(again.status.code(), Some(0), "{}", said(&again));
    assert_eq!(changeable(&sandbox), changeable(&whole));
    desk.journal();
}

#[test]
fn an_interrupt_ends_the_step_in_flight_and_begins_no_other() {
    let slow = Options {
        latency: Duration::from_millis(40),
        ..Options::default()
    };
    let (sandbox, desk, plan) = scene(slow);
    let mut applying = desk.applying(&sandbox, &plan);
    let child = applying
        .args(["--parallel", "1"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    while !desk.journal_text().contains("\"event\":\"intended\"") {
        std::thread::sleep(Duration::from_millis(2));
    }
    let pressed = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(pressed.success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(
        said(&output).contains("stopping after the step in flight"),
        "{}",
        said(&output)
    );
    assert!(said(&output).contains("not begun"), "{}", said(&output));
    let journal = desk.journal();
    assert!(matches!(journal.last(), Some(Event::Ended { outcome }) if outcome == "not whole"));
    let verified = journal
        .iter()
        .filter(|event| matches!(event, Event::Verified { .. }))
        .count();
    let intended = journal
        .iter()
        .filter(|event| matches!(event, Event::Intended { .. }))
        .count();
    assert!(verified < plan.steps.len() && intended < plan.steps.len());
    let again = desk.apply(&sandbox, &plan);
    assert_eq!(again.status.code(), Some(0), "{}", said(&again));
}

#[test]
fn policies_that_would_take_a_change_back_are_told() {
    let (sandbox, desk, _) = scene(Options::default());
    let subscription = "/subscriptions/00000000-0000-0000-0000-000000000001";
    let definition = format!("{subscription}/providers/Microsoft.Authorization/policyDefinitions/open-ssh");
    let assignment = format!("{subscription}/providers/Microsoft.Authorization/policyAssignments/keep-ssh");
    let mut state = sandbox.state();
    state.store.put(
        &definition,
        json!({ "id": definition, "name": "open-ssh", "properties": { "policyRule": {
            "if": { "field": "type", "equals": "Microsoft.Network/networkSecurityGroups" }, "then": { "effect": "modify" } } } }),
    );
    state.store.put(
        &assignment,
        json!({ "id": assignment, "name": "keep-ssh", "properties": { "policyDefinitionId": definition } }),
    );
    drop(state);
    let plan = desk.planned(&sandbox, &[]);
    let told = plan
        .warnings
        .iter()
        .any(|warning| warning.contains("policy assignment `keep-ssh`"));
    assert!(told, "{:?}", plan.warnings);
}
