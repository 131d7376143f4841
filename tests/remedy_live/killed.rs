//! The real program, killed by SIGKILL at every call before and after its effect, and in the middle of every line of its
//! journal; then the same command continues, or `rollback` takes back.

use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use portcullis::remedy::{Documents, Plan, Settings};
use portcullis::sandbox::{Fault, Options, Record, Sandbox};
use serde_json::Value;

use crate::desk::{Desk, changeable, planned, said, served, serving, settled};
use crate::generated::{crowded, generated, reached};

/// Kills a child at the call of a number, once it was carried out and before the answer is sent.
#[derive(Clone, Default)]
struct Trap(Arc<Mutex<Set>>);

#[derive(Default)]
struct Set {
    at: u64,
    child: Option<Child>,
}

impl Trap {
    fn watch(&self) -> portcullis::sandbox::Watch {
        let trap = self.clone();
        Arc::new(move |call: &Record| {
            loop {
                let mut set = trap.0.lock().unwrap();
                if set.at == 0 || call.number < set.at {
                    return;
                }
                if let Some(child) = &mut set.child {
                    let _ = child.kill();
                    set.at = 0;
                    return;
                }
                // The call came before the child was noted.
                drop(set);
                std::thread::sleep(Duration::from_millis(1));
            }
        })
    }

    fn run(&self, at: u64, mut command: Command) -> ExitStatus {
        self.0.lock().unwrap().at = at;
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        self.0.lock().unwrap().child = Some(child);
        loop {
            let mut set = self.0.lock().unwrap();
            if let Some(status) = set.child.as_mut().unwrap().try_wait().unwrap() {
                *set = Set::default();
                return status;
            }
            drop(set);
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

/// Where the program is killed.
#[derive(Clone, Copy, Debug)]
enum Instant {
    /// The call never arrives.
    Before(u64),
    /// The call has its effect, and its answer never comes.
    After(u64),
    /// In the middle of a line of the journal, by its number from 0.
    Line(usize),
}

struct Scene {
    number: u64,
    estate: Documents,
    plan: Plan,
    start: Value,
    end: Value,
    instants: Vec<Instant>,
    /// Bytes of the journal's lines when nothing is killed.
    lines: Vec<usize>,
}

impl Scene {
    /// Carries the plan out whole, to see what calls and lines it takes and how it ends.
    fn of(number: u64, estate: Documents, settings: &Settings) -> Option<Scene> {
        let estate = settled(&estate);
        let plan = planned(&estate, settings);
        if plan.steps.is_empty() {
            return None;
        }
        let (sandbox, desk) = (serving(&estate, Options::default()), Desk::with(&plan));
        let start = changeable(&sandbox);
        let whole = desk.apply(&sandbox, &plan);
        assert_eq!(whole.status.code(), Some(0), "estate {number}: {}", said(&whole));
        let calls = {
            let state = sandbox.state();
            // Behind the steps the estate is read once more: nothing changes there.
            let fresh = state
                .recent
                .iter()
                .filter(|call| call.path.contains("ResourceGraph"))
                .map(|call| call.number);
            fresh.min().unwrap_or(state.calls)
        };
        let after = served(&sandbox);
        for port in [1, 21, 23, 80, 443, 3388, 3390, 4000, 4001, 5984, 5987, 65535] {
            assert_eq!(
                reached(&estate, port),
                reached(&after, port),
                "estate {number}: port {port}"
            );
        }
        let lines: Vec<usize> = desk.journal_text().lines().map(|line| line.len() + 1).collect();
        let cut = (1..lines.len()).map(Instant::Line);
        let instants = (1..=calls)
            .flat_map(|at| [Instant::Before(at), Instant::After(at)])
            .chain(cut);
        let end = changeable(&sandbox);
        let back = desk.rollback(&sandbox, &plan);
        assert_eq!(back.status.code(), Some(0), "estate {number}: {}", said(&back));
        assert_eq!(changeable(&sandbox), start, "estate {number}: taken back");
        Some(Scene {
            number,
            instants: instants.collect(),
            lines,
            estate,
            plan,
            start,
            end,
        })
    }

    fn die(&self, sandbox: &Sandbox, trap: &Trap, desk: &Desk, instant: Instant) -> ExitStatus {
        match instant {
            Instant::Before(at) => {
                let reset = portcullis::sandbox::FAULTS
                    .iter()
                    .find(|kind| kind.name == "reset")
                    .unwrap();
                sandbox.inject(vec![Fault::at_call(reset, at)]);
                trap.run(at, desk.applying(sandbox, &self.plan))
            }
            Instant::After(at) => {
                sandbox.inject(Vec::new());
                trap.run(at, desk.applying(sandbox, &self.plan))
            }
            Instant::Line(line) => {
                let whole: usize = self.lines[..line].iter().sum();
                let limit = whole + self.lines[line] / 2;
                let applying = desk.applying(sandbox, &self.plan);
                let mut limited = Command::new("prlimit");
                limited
                    .arg(format!("--fsize={limit}"))
                    .arg("--core=0")
                    .arg(applying.get_program());
                limited.args(applying.get_args()).env_clear();
                limited.envs(applying.get_envs().filter_map(|(name, value)| Some((name, value?))));
                trap.run(0, limited)
            }
        }
    }

    /// Killed at one instant, then continued or taken back.
    fn survive(&self, instant: Instant, back: bool) {
        let trap = Trap::default();
        let options = Options {
            watch: Some(trap.watch()),
            ..Options::default()
        };
        let (sandbox, desk) = (serving(&self.estate, options), Desk::with(&self.plan));
        let status = self.die(&sandbox, &trap, &desk, instant);
        sandbox.inject(Vec::new());
        let at = format!("estate {}, killed at {instant:?} ({status}), back: {back}", self.number);
        // A signal, or, where the run was shorter this time, its end.
        assert!(status.signal().is_some() || status.success(), "{at}");
        let began = desk.journal_text().contains('\n');
        let (output, wanted) = match back && began {
            true => (desk.rollback(&sandbox, &self.plan), &self.start),
            false => (desk.apply(&sandbox, &self.plan), &self.end),
        };
        assert_eq!(output.status.code(), Some(0), "{at}: {}", said(&output));
        assert_eq!(changeable(&sandbox), *wanted, "{at}");
        desk.journal();
    }

    /// Every instant, or one of so many; in turns continued and taken back. How many.
    fn survive_all(&self, one_of: usize) -> u64 {
        let chosen = self.instants.iter().enumerate();
        let seed = usize::try_from(self.number).unwrap();
        let chosen = chosen.filter(|(at, _)| (at + seed).is_multiple_of(one_of));
        let mut count = 0;
        for (at, instant) in chosen {
            self.survive(*instant, (at / one_of + seed).is_multiple_of(2));
            count += 1;
        }
        count
    }
}

fn settings(number: u64) -> Settings {
    Settings {
        close_without_jit: number.is_multiple_of(5),
        lift: number.is_multiple_of(7),
        ..Settings::default()
    }
}

#[test]
fn killed_at_many_instants_it_continues_or_goes_back() {
    let scene = Scene::of(1, crowded(), &Settings::default()).unwrap();
    assert!(
        scene.plan.steps.len() >= 6 && scene.instants.len() > 100,
        "{}",
        scene.instants.len()
    );
    assert!(scene.survive_all(12) > 8);
}

#[test]
fn killed_programs_of_generated_estates_continue_or_go_back() {
    let scenes: Vec<Scene> = (1..=8)
        .filter_map(|number| Scene::of(number, generated(number), &settings(number)))
        .collect();
    assert!(scenes.len() >= 4, "the generator makes estates that need something");
    let count: u64 = scenes.iter().map(|scene| scene.survive_all(29)).sum();
    assert!(count >= 8, "{count}");
}

/// `cargo test --release --test remedy_live -- --ignored --nocapture five_hundred`; `ESTATES` asks for another count.
#[test]
#[ignore = "many minutes; run in release mode"]
fn five_hundred_estates_are_killed_at_every_instant() {
    let estates: u64 = std::env::var("ESTATES")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(500);
    let (next, done, steps, kills) = (
        AtomicU64::new(1),
        AtomicU64::new(0),
        AtomicU64::new(0),
        AtomicU64::new(0),
    );
    let work = || {
        while done.load(Ordering::SeqCst) < estates {
            let number = next.fetch_add(1, Ordering::SeqCst);
            let Some(scene) = Scene::of(number, generated(number), &settings(number)) else {
                continue;
            };
            if done.fetch_add(1, Ordering::SeqCst) >= estates {
                return;
            }
            steps.fetch_add(scene.plan.steps.len() as u64, Ordering::SeqCst);
            kills.fetch_add(scene.survive_all(1), Ordering::SeqCst);
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(work);
        }
    });
    println!(
        "{estates} estates that need something, {} steps, {} times killed, each continued or taken back",
        steps.load(Ordering::SeqCst),
        kills.load(Ordering::SeqCst)
    );
}
