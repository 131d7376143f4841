//! The labs of `docs/jit.md`, every command of them, against a sandbox of their own.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::type_complexity,
    reason = "what is not there fails the test"
)]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// The commands of the fenced blocks of the page, in their order.
fn commands(page: &str) -> Vec<String> {
    let mut commands = Vec::new();
    let mut inside = false;
    for line in page.lines() {
        match line {
            "```sh" => inside = true,
            "```" => inside = false,
            line if inside && !line.trim().is_empty() => commands.push(line.to_owned()),
            _ => {}
        }
    }
    commands
}

/// The status that a command ends with, which the page says where it is not 0.
fn expected(command: &str) -> i32 {
    let stated = command.split_once("# exit status ").map(|(_, rest)| rest);
    stated.map_or(0, |rest| rest.chars().next().unwrap().to_digit(10).unwrap() as i32)
}

struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts the sandbox of the page on a free port; where it listens.
fn started(command: &str) -> (Ended, String) {
    let arguments: Vec<&str> = command
        .split_whitespace()
        .skip(1)
        .map(|word| if word == ADDRESS { "127.0.0.1:0" } else { word })
        .collect();
    let mut child = Command::new(env!("CARGO_BIN_EXE_portcullis"))
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the sandbox starts");
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = lines
        .by_ref()
        .map(Result::unwrap)
        .find(|line| line.contains("127.0.0.1:"))
        .expect("it says where it listens");
    let at = line.find("127.0.0.1:").unwrap();
    let address: String = line[at..]
        .chars()
        .take_while(|c| c.is_ascii_digit() || matches!(c, '.' | ':'))
        .collect();
    std::thread::spawn(move || lines.for_each(drop));
    (Ended(child), address.trim_end_matches(':').to_owned())
}

/// Where the page lets the sandbox listen.
const ADDRESS: &str = "127.0.0.1:8080";

#[test]
fn every_command_of_the_page_does_what_it_says() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/jit.md")).unwrap();
    let all = commands(&page);
    let labs = page.lines().filter(|line| line.starts_with("## Lab ")).count();
    assert_eq!(labs, 5);
    let (first, rest) = all.split_first().unwrap();
    assert!(first.starts_with("portcullis sandbox "), "{first}");
    let (_sandbox, address) = started(first);
    let directory = tempfile::tempdir().unwrap();
    let programs = Path::new(env!("CARGO_BIN_EXE_portcullis")).parent().unwrap();
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap_or_default());
    let mut settings = String::new();
    let mut run = 0;
    for command in rest {
        let command = command.replace(ADDRESS, &address);
        if command.starts_with("export ") {
            settings.push_str(&format!("{command}\n"));
            continue;
        }
        let output = Command::new("sh")
            .args(["-c", &format!("{settings}{command}")])
            .current_dir(directory.path())
            .env("PATH", &path)
            .env("HOME", directory.path())
            .env_remove("XDG_STATE_HOME")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(expected(&command)), "{command}\n{said}");
        run += 1;
    }
    assert!(run >= 18, "{run} commands");
    assert!(directory.path().join("jit.csv").is_file());
    assert!(directory.path().join("jit-evidence/SHA256SUMS").is_file());
}
