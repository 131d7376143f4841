//! Every fault of the sandbox at every call of a scan: either the full right answer, or an incomplete one that says so.
//! Never a shorter one in silence.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "tests say what they expect"
)]

mod live;

use std::io::Cursor;

use live::{connection, everything, ids, is_complete, lines, read};
use portcullis::azure::collect::{Source, Which, types};
use portcullis::azure::{Recorded, Request, record};
use portcullis::sandbox::{FAULTS, Fault, FaultKind, Options, Sandbox, Store, load};

const DATA: &str = "52e0b7a4-c918-4f63-a2d7-3b8816fce473";
const RETAIL: &str = "1a9c63e8-0b72-4d5f-8e34-91f7c2d605b2";

/// Two subscriptions of the estate, so that every call can be met in reasonable time.
fn small() -> Sandbox {
    let text = std::fs::read_to_string(live::ESTATE).expect("the estate");
    let mut lines: Vec<&str> = text.lines().collect();
    let header = lines.remove(0).replace("e6318d95-74fa-40c2-b05b-d81c3e97a2c4", DATA);
    let footer = lines.pop().expect("a footer");
    let kept = |line: &&str| {
        line.starts_with(&format!("{{\"id\":\"/subscriptions/{DATA}")) && !line.contains("/virtualMachines/vm-kafka")
    };
    let kept: Vec<&str> = lines.into_iter().filter(kept).collect();
    let footer = footer.replace(char::is_numeric, "");
    let footer = footer.replace("\"resources\":", &format!("\"resources\":{}", kept.len()));
    let text = format!("{header}\n{}\n{footer}\n", kept.join("\n"));
    let mut store = Store::default();
    load(&mut store, "estate", Cursor::new(text)).expect("loaded");
    store.settle();
    let options = Options {
        page_size: 3,
        graph_page_size: 6,
        start: Some("2026-03-14T02:10:00Z".parse().expect("a time")),
        ..Options::default()
    };
    Sandbox::start(store, options).expect("started")
}

fn request(source: Source) -> Request {
    Request {
        which: Which {
            listed: vec![DATA.to_owned()],
            ..Which::default()
        },
        source,
    }
}

fn kind(name: &str) -> &'static FaultKind {
    FAULTS.iter().find(|kind| kind.name == name).expect("a fault")
}

/// How many calls a scan makes where nothing goes wrong, and what it reads.
fn truth(sandbox: &Sandbox, source: Source) -> (u64, Vec<String>) {
    sandbox.inject(Vec::new());
    let recorded = record(&connection(&sandbox.origin), &request(source)).expect("read");
    assert!(is_complete(&recorded), "{:?}", recorded.header);
    (sandbox.calls(), ids(&lines(recorded)))
}

/// Meets each call with a fault; says at how many the answer was whole.
fn meet_each(sandbox: &Sandbox, source: Source, make: impl Fn(u64) -> Vec<Fault>) -> (u64, u64) {
    let (calls, truth) = truth(sandbox, source);
    let mut whole = 0;
    for call in 1..=calls {
        let faults = make(call);
        let what = format!("{} at call {call} of {calls}, {source:?}", faults[0].kind.name);
        sandbox.inject(faults);
        match record(&connection(&sandbox.origin), &request(source)) {
            Ok(recorded) if is_complete(&recorded) => {
                assert_eq!(ids(&lines(recorded)), truth, "{what}");
                whole += 1;
            }
            Ok(recorded) => says_why(&recorded, &what),
            Err(unread) => assert!(!unread.0.is_empty(), "{what}"),
        }
    }
    (whole, calls)
}

fn says_why(recorded: &Recorded, what: &str) {
    let missing = recorded.header.subscriptions.iter().flat_map(|read| &read.missing);
    let reasons: Vec<&str> = missing.map(|missing| missing.reason.as_str()).collect();
    assert!(
        !reasons.is_empty() || !recorded.header.lost.is_empty(),
        "{what}: no reason"
    );
    assert!(reasons.iter().all(|reason| !reason.is_empty()), "{what}: {reasons:?}");
}

/// One call of each number is met once: a scan gets over it.
fn is_survived(name: &str, source: Source) {
    let sandbox = small();
    let (whole, calls) = meet_each(&sandbox, source, |call| {
        let mut fault = Fault::at_call(kind(name), call);
        fault.retry_after = Some(0);
        vec![fault]
    });
    assert!(calls > 10, "{calls} calls");
    assert_eq!(whole, calls, "{name}, {source:?}");
}

#[test]
fn failures_that_pass_are_survived() {
    for name in ["500", "502", "503", "504", "html", "content-type"] {
        is_survived(name, Source::Auto);
    }
}

#[test]
fn broken_connections_are_survived() {
    for name in ["reset", "cut", "drop-reply"] {
        is_survived(name, Source::Auto);
    }
}

#[test]
fn throttling_is_survived() {
    is_survived("throttle", Source::Auto);
    let sandbox = small();
    let (whole, calls) = meet_each(&sandbox, Source::Auto, |call| {
        let mut fault = Fault::at_call(kind("throttle"), call);
        fault.retry_after = None;
        vec![fault]
    });
    assert_eq!(whole, calls, "without `Retry-After`");
}

#[test]
fn tokens_that_end_are_renewed() {
    for name in ["expired-token", "rotate-token"] {
        is_survived(name, Source::Auto);
    }
}

#[test]
fn pages_that_lie_are_found_out() {
    for name in ["empty-page", "repeat-page", "shifting-page"] {
        is_survived(name, Source::Auto);
    }
    is_survived("shifting-page", Source::Graph);
    is_survived("repeat-page", Source::Arm);
}

#[test]
fn slow_answers_are_waited_for_or_asked_for_again() {
    let sandbox = small();
    let (whole, calls) = meet_each(&sandbox, Source::Auto, |call| {
        let mut fault = Fault::at_call(kind("slow"), call);
        fault.milliseconds = 1;
        vec![fault]
    });
    assert_eq!(whole, calls);
}

#[test]
fn lists_survive_as_resource_graph_does() {
    for name in ["503", "reset", "cut", "expired-token"] {
        is_survived(name, Source::Arm);
    }
}

#[test]
fn links_and_redirects_elsewhere_are_not_followed() {
    for name in ["redirect", "foreign-link"] {
        for source in [Source::Auto, Source::Arm] {
            let sandbox = small();
            let (whole, calls) = meet_each(&sandbox, source, |call| vec![Fault::at_call(kind(name), call)]);
            assert!(whole < calls, "{name}: something pointed elsewhere");
        }
    }
}

/// What a sweep of faults over calls gave.
#[derive(Debug, Default)]
struct Tally {
    scans: u64,
    /// Full and right.
    whole: u64,
    /// Incomplete, and says of what and why.
    partial: u64,
    /// Nothing was read, and it says why.
    unread: u64,
}

/// How a fault goes on after the call that it meets first.
#[derive(Clone, Copy, Debug)]
enum Lasts {
    /// It passes.
    Once,
    /// Whatever is asked at that place fails for good.
    ForGood,
}

/// Meets calls with a fault, every `step`-th from `first`: each scan must be right, or say that it is not.
fn sweep(
    sandbox: &Sandbox,
    source: Source,
    kind: &'static FaultKind,
    lasts: Lasts,
    (first, step): (u64, usize),
) -> Tally {
    let (calls, truth) = truth(sandbox, source);
    let places: Vec<String> = sandbox.state().recent.iter().map(|call| call.path.clone()).collect();
    let places = &places[places.len() - usize::try_from(calls).expect("few calls")..];
    let mut tally = Tally::default();
    for call in (first..=calls).step_by(step) {
        let mut fault = Fault::at_call(kind, call);
        fault.retry_after = (call % 2 == 0).then_some(0);
        fault.milliseconds = 1;
        if let Lasts::ForGood = lasts {
            (fault.call, fault.times) = (None, None);
            fault.path = Some(places[usize::try_from(call - 1).expect("few calls")].clone());
        }
        let what = format!("{} {lasts:?} at call {call} of {calls}, {source:?}", kind.name);
        sandbox.inject(vec![fault]);
        let mut patient = connection(&sandbox.origin);
        patient.patience.throttled_attempts = 4;
        tally.scans += 1;
        match record(&patient, &request(source)) {
            Ok(recorded) if is_complete(&recorded) => {
                assert_eq!(ids(&lines(recorded)), truth, "{what}");
                tally.whole += 1;
            }
            Ok(recorded) => {
                says_why(&recorded, &what);
                tally.partial += 1;
            }
            Err(unread) => {
                assert!(!unread.0.is_empty(), "{what}");
                tally.unread += 1;
            }
        }
    }
    tally
}

fn sweep_all(first: impl Fn(usize) -> u64 + Sync, step: usize) -> Tally {
    let sources = [Source::Auto, Source::Graph, Source::Arm];
    let mut all = Tally::default();
    std::thread::scope(|scope| {
        let sweeps: Vec<_> = sources
            .into_iter()
            .map(|source| {
                let first = &first;
                scope.spawn(move || {
                    let sandbox = small();
                    let mut tallies = Vec::new();
                    for (at, kind) in FAULTS.iter().enumerate() {
                        for lasts in [Lasts::Once, Lasts::ForGood] {
                            tallies.push(sweep(&sandbox, source, kind, lasts, (first(at), step)));
                        }
                    }
                    tallies
                })
            })
            .collect();
        for tally in sweeps.into_iter().flat_map(|sweep| sweep.join().expect("no panic")) {
            all.scans += tally.scans;
            all.whole += tally.whole;
            all.partial += tally.partial;
            all.unread += tally.unread;
        }
    });
    assert_eq!(all.scans, all.whole + all.partial + all.unread);
    all
}

/// Every kind of fault with every source, passing and for good, at some calls; another set of them for each kind.
#[test]
fn every_fault_with_every_source() {
    let tally = sweep_all(|kind| 1 + kind as u64 % 11, 11);
    assert!(
        tally.whole > tally.scans / 3 && tally.partial > 0 && tally.unread > 0,
        "{tally:?}"
    );
}

/// The same at every call: `cargo test --release --test live_faults -- --ignored --nocapture`.
#[test]
#[ignore = "takes minutes"]
fn every_fault_at_every_call() {
    let tally = sweep_all(|_| 1, 1);
    println!(
        "{} kinds of faults, 3 sources, passing and for good, at every call: {} scans, {} whole and right, {} incomplete and \
         saying so, {} that read nothing and say why",
        FAULTS.len(),
        tally.scans,
        tally.whole,
        tally.partial,
        tally.unread
    );
    assert!(tally.whole > tally.scans / 3);
}

#[test]
fn a_refused_subscription_is_a_gap_and_others_are_whole() {
    let sandbox = live::sandbox(live::small_pages());
    for source in [Source::Auto, Source::Graph, Source::Arm] {
        sandbox.inject(vec![format!("403@subscription={RETAIL}").parse().expect("a fault")]);
        let recorded = read(&sandbox.origin, source).expect("read");
        for read in &recorded.header.subscriptions {
            assert_eq!(read.complete, read.id != RETAIL, "{source:?}: {read:?}");
        }
        says_why(&recorded, "refused");
        let request = Request {
            which: Which {
                listed: vec![RETAIL.to_owned()],
                ..Which::default()
            },
            ..everything(source)
        };
        let recorded = record(&connection(&sandbox.origin), &request).expect("read");
        assert!(!is_complete(&recorded), "{source:?}");
    }
}

#[test]
fn a_refused_type_is_a_gap() {
    let sandbox = small();
    for source in [Source::Auto, Source::Arm] {
        let (_, truth) = truth(&sandbox, source);
        for kind in types::KINDS.iter().filter(|kind| kind.recorded) {
            let last = kind.name.rsplit('/').next().expect("a segment");
            sandbox.inject(vec![format!("403@type={last}").parse().expect("a fault")]);
            let recorded = record(&connection(&sandbox.origin), &request(source));
            let Ok(recorded) = recorded else { continue };
            if is_complete(&recorded) {
                assert_eq!(ids(&lines(recorded)), truth, "{source:?} without {last}");
            } else {
                says_why(&recorded, last);
            }
        }
    }
}
