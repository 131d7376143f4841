//! The history on every kind of database: what is new, fixed, reopened, waived; what nobody could judge is never fixed; a
//! scan is written whole or not at all.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "what is missing fails the test"
)]

mod nights;

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

use nights::{ONE, TWO, clean, finding, machine, night, places, showing, sqlite, waiver};
use portcullis::history::model::{Changes, KeptFinding, State};
use portcullis::history::{Address, History, Retention};
use portcullis::rule::{Severity, Verdict};

/// Groups of changes that are not empty, with their sizes.
fn counts(changes: &Changes) -> Vec<(&'static str, usize)> {
    let sizes = changes.groups().map(|(name, findings)| (name, findings.len()));
    sizes.into_iter().filter(|(_, size)| *size > 0).collect()
}

fn only(history: &mut History) -> KeptFinding {
    let mut findings = history.findings().unwrap();
    assert_eq!(findings.len(), 1);
    findings.remove(0)
}

#[test]
fn a_finding_is_opened_fixed_and_opened_again() {
    for place in places() {
        let mut history = place.open();
        let open = |number| showing(number, vec![finding(ONE, "vm-a")]);
        assert_eq!(counts(&history.record(&open(0)).unwrap().changes), [("opened", 1)]);
        assert!(history.record(&open(1)).unwrap().changes.is_empty(), "{}", place.kind);
        assert_eq!(counts(&history.record(&clean(2)).unwrap().changes), [("fixed", 1)]);
        assert!(history.record(&clean(3)).unwrap().changes.is_empty());
        assert_eq!(counts(&history.record(&open(9)).unwrap().changes), [("reopened", 1)]);
        let kept = only(&mut history);
        assert_eq!((kept.state, kept.openings), (State::Open, 2));
        assert_eq!(
            [&*kept.first_seen, &*kept.opened, &*kept.last_seen],
            [night(0), night(9), night(9)]
        );
        assert_eq!(kept.spells.len(), 2);
        assert_eq!(kept.spells[0].closed.as_deref(), Some(&*night(2)));
        assert_eq!(kept.spells[0].ending, Some(State::Fixed));
        // What a scan changed can be asked for later.
        let scans = history.scans().unwrap();
        assert_eq!(counts(&history.changes(scans[0].id).unwrap()), [("opened", 1)]);
        assert_eq!(counts(&history.changes(scans[2].id).unwrap()), [("fixed", 1)]);
        assert_eq!(history.evidence(scans[0].id).unwrap(), Some(vec![1, 2, 3]));
        let trend = history.trend().unwrap();
        let figures: Vec<_> = trend
            .iter()
            .map(|point| (point.open, point.opened, point.reopened, point.fixed))
            .collect();
        assert_eq!(
            figures,
            [(1, 1, 0, 0), (1, 0, 0, 0), (0, 0, 0, 1), (0, 0, 0, 0), (1, 0, 1, 0)]
        );
        assert!(trend.iter().all(|point| point.complete && point.machines == 2));
        let machines = history.machines().unwrap();
        let verdicts: Vec<_> = machines[0].judgements.iter().map(|one| one.verdict).collect();
        assert_eq!(verdicts, [Verdict::Unhealthy, Verdict::Healthy, Verdict::Unhealthy]);
    }
}

/// Whatever hides a finding but a judgement: it stays open, and says since when nobody knows.
#[test]
fn what_could_not_be_judged_is_never_fixed() {
    for place in places() {
        for hidden in ["refused", "lost", "rule", "severity", "elsewhere"] {
            let mut history = place.open();
            history.record(&showing(0, vec![finding(ONE, "vm-a")])).unwrap();
            let mut blind = clean(1);
            match hidden {
                "refused" => {
                    blind.coverage[0].complete = false;
                    blind.coverage[0].missing = vec!["`*`: refused".into()];
                    blind.machines.remove(0);
                }
                "lost" => blind.lost = vec!["the snapshot is cut".into()],
                "rule" => blind.rules.retain(|rule| rule.id != "management-port-exposed"),
                "severity" => blind.least_severity = Severity::Critical,
                _ => blind.coverage.retain(|covered| covered.scope != ONE),
            }
            let changes = history.record(&blind).unwrap().changes;
            let kept = only(&mut history);
            assert_eq!(kept.state, State::Open, "{hidden} on {}", place.kind);
            // A scan of other subscriptions says nothing of this one, not even that it could not be read.
            let unjudged = (hidden != "elsewhere").then(|| night(1));
            assert_eq!(kept.unjudged, unjudged, "{hidden}");
            assert_eq!(changes.unjudged.len(), usize::from(unjudged.is_some()), "{hidden}");
            assert_eq!(changes.lost.len(), usize::from(hidden == "refused"));
            if hidden == "refused" {
                let point = history.trend().unwrap().pop().unwrap();
                assert_eq!((point.machines, point.unread, point.complete), (2, 1, false));
                assert_eq!((point.open, point.unjudged, point.fixed), (1, 1, 0));
                let machines = history.machines().unwrap();
                assert!(
                    machines.iter().all(|machine| machine.gone.is_none()),
                    "not read is not gone"
                );
            }
            // The same again is no news.
            blind.taken = night(2);
            assert!(history.record(&blind).unwrap().changes.unjudged.is_empty());
            let changes = history.record(&clean(3)).unwrap().changes;
            assert_eq!(changes.fixed.len(), 1, "{hidden}");
            assert_eq!(changes.regained.len(), usize::from(hidden == "refused"));
            for scope in [ONE, TWO] {
                history.prune(&Retention::Scope(scope.into())).unwrap();
            }
            assert!(history.scans().unwrap().is_empty());
        }
    }
}

/// The flow rule's word of a machine is sure whatever else was not read.
#[test]
fn a_machine_that_surely_passes_is_mended_though_its_subscription_was_not_read_whole() {
    for place in places() {
        let mut history = place.open();
        let mut of_flow = finding(ONE, "vm-a");
        of_flow.rule = "management-ports-jit".into();
        let mut other = finding(ONE, "vm-a");
        other.fingerprint = "other".into();
        history.record(&showing(0, vec![of_flow, other])).unwrap();
        let mut partly = clean(1);
        partly.coverage[0].complete = false;
        let changes = history.record(&partly).unwrap().changes;
        assert_eq!(counts(&changes), [("unjudged", 1), ("fixed", 1)]);
        assert_eq!(changes.fixed[0].rule, "management-ports-jit");
    }
}

/// A firewall in another subscription leads to the machine: where that one was not read, or not looked at, nobody knows.
#[test]
fn what_rests_on_another_subscription_is_judged_with_that_one() {
    for place in places() {
        let mut history = place.open();
        let mut through_hub = finding(ONE, "vm-a");
        through_hub.rests_on = vec![TWO.into()];
        history.record(&showing(0, vec![through_hub])).unwrap();
        let mut refused = clean(1);
        refused.coverage[1].complete = false;
        assert_eq!(counts(&history.record(&refused).unwrap().changes), [("unjudged", 1)]);
        let mut shard = clean(2);
        shard.coverage.retain(|covered| covered.scope == ONE);
        assert!(
            history.record(&shard).unwrap().changes.fixed.is_empty(),
            "{}",
            place.kind
        );
        assert_eq!(history.record(&clean(3)).unwrap().changes.fixed.len(), 1);
    }
}

#[test]
fn endings_are_told_apart() {
    for place in places() {
        let mut history = place.open();
        let mut vague = finding(ONE, "vm-a");
        vague.verdict = Verdict::Undetermined;
        // Undetermined and settled is no fix; undetermined, then sure, then settled is one.
        history.record(&showing(0, vec![vague.clone()])).unwrap();
        assert_eq!(counts(&history.record(&clean(1)).unwrap().changes), [("cleared", 1)]);
        history.record(&showing(2, vec![vague.clone()])).unwrap();
        history.record(&showing(3, vec![finding(ONE, "vm-a")])).unwrap();
        history.record(&showing(4, vec![vague])).unwrap();
        assert_eq!(counts(&history.record(&clean(5)).unwrap().changes), [("fixed", 1)]);
        // The machine is deleted.
        history.record(&showing(6, vec![finding(ONE, "vm-a")])).unwrap();
        let mut without = clean(7);
        without.machines.remove(0);
        assert_eq!(counts(&history.record(&without).unwrap().changes), [("gone", 1)]);
        assert_eq!(history.machines().unwrap()[0].gone.as_deref(), Some(&*night(7)));
        // The rule judges by other conditions.
        history.record(&showing(8, vec![finding(ONE, "vm-a")])).unwrap();
        assert_eq!(history.machines().unwrap()[0].gone, None);
        let mut changed = clean(9);
        changed.rules[1].digest = "bb".into();
        assert_eq!(counts(&history.record(&changed).unwrap().changes), [("retired", 1)]);
        let endings: Vec<_> = only(&mut history).spells.iter().map(|spell| spell.ending).collect();
        assert_eq!(
            endings,
            [State::Cleared, State::Fixed, State::Gone, State::Retired].map(Some)
        );
    }
}

#[test]
fn waivers_begin_end_and_expire() {
    for place in places() {
        let mut history = place.open();
        let with = |number, until: Option<&str>| {
            let mut seen = finding(ONE, "vm-a");
            seen.waiver = until.map(waiver);
            seen.owner = "renamed".into();
            showing(number, vec![seen])
        };
        history.record(&with(0, None)).unwrap();
        assert_eq!(
            counts(&history.record(&with(1, Some("2026-01-04"))).unwrap().changes),
            [("waived", 1)]
        );
        let point = history.trend().unwrap().pop().unwrap();
        assert_eq!((point.open, point.waived), (0, 1));
        assert!(history.record(&with(2, Some("2026-01-04"))).unwrap().changes.is_empty());
        assert_eq!(
            counts(&history.record(&with(4, None)).unwrap().changes),
            [("unwaived", 1)]
        );
        assert_eq!(
            counts(&history.record(&with(5, Some("2026-12-31"))).unwrap().changes),
            [("waived", 1)]
        );
        assert_eq!(
            counts(&history.record(&with(6, None)).unwrap().changes),
            [("unwaived", 1)]
        );
        history.record(&with(7, Some("2026-12-31"))).unwrap();
        assert_eq!(counts(&history.record(&clean(8)).unwrap().changes), [("fixed", 1)]);
        let kept = only(&mut history);
        let endings: Vec<_> = kept
            .waivers
            .iter()
            .map(|waiver| waiver.ending.clone().unwrap())
            .collect();
        assert_eq!(endings, ["expired", "withdrawn", "closed"]);
        assert_eq!((kept.owner.as_str(), kept.openings, kept.waived), ("renamed", 1, false));
    }
}

#[test]
fn shards_of_a_night_are_one_point_and_an_old_scan_changes_nothing() {
    for place in places() {
        let mut history = place.open();
        let shard = |number: i64, scope: &str, findings: Vec<_>| {
            let mut part = showing(number, findings);
            part.run = Some(night(number));
            part.coverage.retain(|covered| covered.scope == scope);
            part.machines.retain(|machine| machine.scope == scope);
            part
        };
        history.record(&shard(0, ONE, vec![finding(ONE, "vm-a")])).unwrap();
        history.record(&shard(0, TWO, vec![finding(TWO, "vm-b")])).unwrap();
        // The second shard of the next night never comes: its subscription stands as it was, and is not covered.
        history.record(&shard(1, ONE, vec![])).unwrap();
        let trend = history.trend().unwrap();
        let figures: Vec<_> = trend
            .iter()
            .map(|point| {
                (
                    point.scans.len(),
                    point.machines,
                    point.open,
                    point.covered,
                    point.complete,
                )
            })
            .collect();
        assert_eq!(figures, [(2, 2, 2, 2, true), (1, 2, 1, 1, false)]);
        assert_eq!(history.latest(None).unwrap(), [2, 3]);
        // Yesterday's scan arrives after today's.
        let late = history.record(&shard(0, ONE, vec![finding(ONE, "vm-a")])).unwrap();
        assert_eq!((late.late, late.changes.is_empty()), (vec![ONE.to_owned()], true));
        let states: Vec<_> = history.findings().unwrap().iter().map(|one| one.state).collect();
        assert_eq!(states, [State::Fixed, State::Open]);
        assert_eq!(history.latest(None).unwrap(), [2, 3]);
    }
}

#[test]
fn pruning_keeps_what_is_open_and_the_last_scan_of_each_part() {
    for place in places() {
        let mut history = place.open();
        history
            .record(&showing(0, vec![finding(ONE, "vm-a"), finding(TWO, "vm-b")]))
            .unwrap();
        for number in 1..10 {
            history.record(&showing(number, vec![finding(TWO, "vm-b")])).unwrap();
        }
        let evidence = history.prune(&Retention::EvidenceBefore(night(3))).unwrap();
        assert_eq!((evidence.reports, evidence.scans), (3, 0));
        let pruned = history.prune(&Retention::Before(night(5))).unwrap();
        assert_eq!((pruned.scans, pruned.findings, pruned.reports), (5, 1, 2));
        let kept = only(&mut history);
        assert_eq!((&*kept.subject, &*kept.opened), ("vm-b", &*night(0)));
        // However long ago: the present state rests on it.
        let pruned = history.prune(&Retention::Before(night(400))).unwrap();
        assert_eq!(pruned.scans, 4);
        assert_eq!(history.scans().unwrap().len(), 1);
        assert_eq!(history.trend().unwrap()[0].open, 1);
        assert_eq!(history.machines().unwrap()[0].judgements.len(), 1);
        let changes = history.record(&clean(500)).unwrap().changes;
        assert_eq!(counts(&changes), [("fixed", 1)]);
    }
}

#[test]
fn hostile_names_are_kept_as_they_are() {
    for place in places() {
        let mut history = place.open();
        let hostile = "x'); DROP TABLE findings; -- $1 ?1 \u{202e}\u{1b}[31m \u{0} \u{1f600}";
        let mut seen = finding(ONE, "vm-a");
        (seen.subject, seen.message, seen.owner) = (hostile.into(), hostile.repeat(50), hostile.into());
        history.record(&showing(0, vec![seen])).unwrap();
        let kept = only(&mut history);
        assert_eq!(kept.subject, hostile.replace('\0', "\u{fffd}"), "{}", place.kind);
    }
}

#[test]
fn many_findings_take_few_statements() {
    for place in places() {
        let mut history = place.open();
        let many = |number| {
            let mut scan = clean(number);
            let names = (0..5000).map(|one| format!("vm-{one}"));
            scan.machines = names
                .clone()
                .map(|name| machine(ONE, &name, Verdict::Unhealthy))
                .collect();
            scan.findings = names.map(|name| finding(ONE, &name)).collect();
            scan
        };
        let started = std::time::Instant::now();
        assert_eq!(history.record(&many(0)).unwrap().changes.opened.len(), 5000);
        assert!(history.record(&many(1)).unwrap().changes.is_empty());
        eprintln!("{}: two scans of 5,000 findings in {:?}", place.kind, started.elapsed());
        let mut emptied = many(2);
        emptied.findings.clear();
        assert_eq!(history.record(&emptied).unwrap().changes.fixed.len(), 5000);
    }
}

/// The tables as the first version made them, with what it had written.
#[test]
fn an_old_database_opens() {
    for place in places() {
        let statements = include_str!("nights/v1.sql");
        match place.file() {
            Some(file) => {
                let connection = rusqlite::Connection::open(file).unwrap();
                connection
                    .execute_batch(&statements.replace("BYTES", "BLOB").replace("EVIDENCE", "X'010203'"))
                    .unwrap();
                connection.pragma_update(None, "application_id", 0x5043_4c53).unwrap();
            }
            None => {
                let mut client = postgres::Client::connect(&place.text, postgres::NoTls).unwrap();
                client
                    .batch_execute("CREATE SCHEMA portcullis; SET search_path TO portcullis")
                    .unwrap();
                client
                    .batch_execute(&statements.replace("BYTES", "BYTEA").replace("EVIDENCE", "'\\x010203'"))
                    .unwrap();
            }
        }
        let mut history = place.open();
        let kept = only(&mut history);
        assert_eq!(
            (&*kept.subject, &*kept.opened, kept.state),
            ("vm-a", "2025-12-01T02:00:00Z", State::Open)
        );
        assert_eq!(history.evidence(1).unwrap(), Some(vec![1, 2, 3]));
        assert_eq!(counts(&history.record(&clean(0)).unwrap().changes), [("fixed", 1)]);
        // A second opening has nothing to do.
        assert_eq!(place.open().scans().unwrap().len(), 2);
    }
}

#[test]
fn what_is_no_history_is_left_alone() {
    let place = sqlite();
    let file = place.file().unwrap();
    let refused = |what: &str| {
        let refusal = History::open(&place.address(), true).err().expect(what).0;
        assert!(refusal.contains("nights.db"), "{refusal}");
        refusal
    };
    assert!(History::open(&place.address(), false).is_err_and(|why| why.0.contains("there is no history")));
    std::fs::write(file, "not a database, but long enough to be taken for one ".repeat(40)).unwrap();
    refused("a text");
    std::fs::remove_file(file).unwrap();
    rusqlite::Connection::open(file)
        .unwrap()
        .execute_batch("CREATE TABLE mine (x)")
        .unwrap();
    assert!(refused("somebody else's").contains("something else"));
    std::fs::remove_file(file).unwrap();
    drop(place.open());
    rusqlite::Connection::open(file)
        .unwrap()
        .execute_batch("UPDATE schema_version SET version = 99")
        .unwrap();
    assert!(refused("the future").contains("newer portcullis"));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(file).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "others may not read it");
    }
}

#[test]
fn two_runs_at_once_wait_for_each_other() {
    for place in places() {
        let address = place.address();
        drop(place.open());
        let run = |scope: &'static str, name: &'static str| {
            let address = address.clone();
            std::thread::spawn(move || {
                let mut history = History::open(&address, true).unwrap();
                for number in 0..20 {
                    let mut scan = if number % 2 == 0 {
                        showing(number, vec![finding(scope, name)])
                    } else {
                        clean(number)
                    };
                    scan.coverage.retain(|covered| covered.scope == scope);
                    scan.machines.retain(|machine| machine.scope == scope);
                    history.record(&scan).unwrap();
                }
            })
        };
        let threads = [run(ONE, "vm-a"), run(TWO, "vm-b")];
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        let mut history = place.open();
        let scans = history.scans().unwrap();
        let mut ids: Vec<i64> = scans.iter().map(|scan| scan.id).collect();
        ids.sort_unstable();
        assert_eq!(ids, (1..=40).collect::<Vec<_>>());
        for kept in history.findings().unwrap() {
            assert_eq!(
                (kept.openings, kept.spells.len(), kept.state),
                (10, 10, State::Fixed),
                "{}",
                place.kind
            );
        }
    }
}

/// Not a test: writes scans until it is killed, and says which are committed.
#[test]
#[ignore = "the other end of `a_killed_run_loses_no_committed_scan`"]
fn writer() {
    let Ok(text) = std::env::var("PORTCULLIS_TEST_WRITER") else {
        return;
    };
    let mut history = History::open(&Address::parse(&text, None).unwrap(), true).unwrap();
    let first = history.scans().unwrap().len() as i64;
    for number in first.. {
        let names = (0..400).map(|one| format!("vm-{one}"));
        let mut scan = clean(number);
        if number % 2 == 0 {
            scan.findings = names.clone().map(|name| finding(ONE, &name)).collect();
        }
        scan.machines = names.map(|name| machine(ONE, &name, Verdict::Healthy)).collect();
        let recorded = history.record(&scan).unwrap();
        println!("\ncommitted {}", recorded.scan);
    }
}

#[test]
fn a_killed_run_loses_no_committed_scan() {
    for place in places() {
        let mut committed = 0;
        for round in 0..6 {
            let mut child = Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "writer", "--ignored", "--nocapture"])
                .env("PORTCULLIS_TEST_WRITER", &place.text)
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
            let number = |line: std::io::Result<String>| line.ok()?.strip_prefix("committed ")?.parse::<i64>().ok();
            committed = lines.by_ref().find_map(number).expect("a scan is written");
            // Somewhere in the next scan, elsewhere each round.
            std::thread::sleep(Duration::from_millis(7 + 23 * round));
            child.kill().unwrap();
            child.wait().unwrap();
            committed = lines.filter_map(number).last().unwrap_or(committed);
            let mut history = place.open();
            let scans = history.scans().unwrap();
            let last = scans.iter().map(|scan| scan.id).max().unwrap();
            // The answer to a commit may be lost with the run, the scan not.
            assert!(
                last == committed || last == committed + 1,
                "{}: {last}, {committed}",
                place.kind
            );
            assert_eq!(scans.len() as i64, last);
            let point = history.trend().unwrap().pop().unwrap();
            let open = history
                .findings()
                .unwrap()
                .iter()
                .filter(|one| one.state == State::Open)
                .count() as u64;
            assert_eq!((point.open, point.machines), (open, 400), "no scan is there in part");
            assert!(open == 0 || open == 400);
        }
        assert!(committed >= 6);
        if let Some(file) = place.file() {
            let connection = rusqlite::Connection::open(file).unwrap();
            let word: String = connection
                .query_row("PRAGMA integrity_check", [], |row| row.get(0))
                .unwrap();
            assert_eq!(word, "ok");
        }
    }
}
