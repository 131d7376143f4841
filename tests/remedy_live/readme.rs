//! The lines of the README, as a new user types them.

use std::process::Command;

use portcullis::remedy::Plan;
use portcullis::sandbox::Options;

use crate::desk::{Desk, quick, said, writes};
use crate::live::{SECRET, sandbox};

/// The commands below the heading, with what they end with.
fn commands() -> Vec<(String, i32)> {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let (_, section) = readme.split_once("## Mend what was found").expect("the section");
    let section = section.split("\n## ").next().unwrap();
    let lines = section.lines().filter_map(|line| line.strip_prefix("    portcullis "));
    let commands = lines.map(|line| line.split("   ").next().unwrap().trim().to_owned());
    // Contoso has findings that only their owners can mend.
    let ends = |command: &str| i32::from(command.starts_with("scan") || command.starts_with("plan"));
    commands.map(|command| (command.clone(), ends(&command))).collect()
}

#[test]
fn the_lines_of_the_readme_go_there_and_back() {
    let sandbox = sandbox(quick(Options::default()));
    let desk = Desk::new();
    std::os::unix::fs::symlink(concat!(env!("CARGO_MANIFEST_DIR"), "/examples"), desk.path("examples")).unwrap();
    let commands = commands();
    assert_eq!(commands.len(), 9, "{commands:?}");
    // Held while the program runs, the state would answer nobody.
    let tenant = sandbox.state().store.tenant.clone();
    let mut shown = Vec::new();
    for (command, end) in &commands {
        let line = command.replace("$AZURE", &sandbox.origin);
        let mut line = format!("{} {line}", env!("CARGO_BIN_EXE_portcullis"));
        // Who is asked says yes; here nobody can be asked.
        let asks = (command.starts_with("apply") || command.starts_with("rollback")) && !command.contains("--dry-run");
        if asks {
            let plan = Plan::parse(&std::fs::read_to_string(desk.path("plan.json")).unwrap()).unwrap();
            line += &format!(" --approve {}", plan.digest);
        }
        let output = Command::new("bash")
            .args(["-c", &line])
            .current_dir(desk.path(""))
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("AZURE_TENANT_ID", &tenant)
            .env("AZURE_CLIENT_ID", "00000000-5a4d-4b0c-8000-000000000001")
            .env("AZURE_CLIENT_SECRET", SECRET)
            .output()
            .unwrap();
        let text = said(&output);
        assert_eq!(output.status.code(), Some(*end), "{command}: {text}");
        if command.contains("--rehearse") || command.contains("--dry-run") {
            assert_eq!(writes(&sandbox), 0, "{command}");
        }
        shown.push(text);
    }
    assert!(shown[4].contains("Verified by a fresh reading"), "{}", shown[4]);
    assert!(shown[5].contains("0 steps"), "{}", shown[5]);
}
