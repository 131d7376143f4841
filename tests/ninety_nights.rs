//! Ninety nights over the sandbox: each night the script changes the estate through Azure's own protocol, or the sandbox
//! refuses something, and the live scan is written into a history. What the history says in the end is held against what the
//! script did, and against a plain fold over the reports.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "what is missing fails the test"
)]

mod live;
mod nights;

use std::collections::BTreeMap;

use jiff::SignedDuration;
use live::SECRET;
use nights::{night, places};
use portcullis::azure::collect::{Source, Which};
use portcullis::azure::{Request, record};
use portcullis::history::History;
use portcullis::history::model::{KeptFinding, Point, State};
use portcullis::history::statistics;
use portcullis::input::{Given, Reading};
use portcullis::report::Report;
use portcullis::report::remember::{Remembering, observation, unpack};
use portcullis::rule::assess::Policy;
use portcullis::rule::owner::Owners;
use portcullis::rule::params::ResolvedParams;
use portcullis::rule::waiver::WaiverRule;
use portcullis::rule::{Verdict, builtin};
use portcullis::sandbox::{Options, Sandbox};
use serde_json::{Value, json};

const PLATFORM: &str = "7d4f1c02-5a3e-4b86-9f10-2c6e8a9b0d11";
const LAB: &str = "e6318d95-74fa-40c2-b05b-d81c3e97a2c4";
const NIGHTS: i64 = 90;

const GROUP: &str = "/subscriptions/7d4f1c02-5a3e-4b86-9f10-2c6e8a9b0d11/resourceGroups/rg-mgmt/providers/\
                     Microsoft.Network/networkSecurityGroups/nsg-mgmt";
const RULE: &str = "OpenSsh";
const MON: &str = "vm-mgmt-mon-01";
const ADM: &str = "vm-mgmt-adm-01";

/// Speaks to the sandbox as an administrator would.
struct Administrator {
    runtime: tokio::runtime::Runtime,
    client: reqwest::Client,
    origin: String,
}

impl Administrator {
    fn new(sandbox: &Sandbox) -> Self {
        Administrator {
            runtime: tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap(),
            client: reqwest::Client::builder().no_proxy().build().unwrap(),
            origin: sandbox.origin.clone(),
        }
    }

    fn call(&self, method: &str, path: &str, version: &str, body: Option<Value>) {
        let form = format!(
            "grant_type=client_credentials&client_id=00000000-5a4d-4b0c-8000-000000000001&client_secret={SECRET}\
             &scope=https://management.azure.com/.default"
        );
        let tenant = "5f0c2a77-d3b1-4e68-9c84-1be07a36f2d9";
        let (status, text) = self.runtime.block_on(async {
            let token = self.client.post(format!("{}/{tenant}/oauth2/v2.0/token", self.origin));
            let token = token
                .header("content-type", "application/x-www-form-urlencoded")
                .body(form);
            let token: Value = serde_json::from_str(&token.send().await.unwrap().text().await.unwrap()).unwrap();
            let url = format!("{}{path}?api-version={version}", self.origin);
            let mut request = self.client.request(method.parse().unwrap(), url);
            request = request.bearer_auth(token["access_token"].as_str().unwrap());
            if let Some(body) = body {
                request = request
                    .header("content-type", "application/json")
                    .body(body.to_string());
            }
            let answer = request.send().await.unwrap();
            (answer.status(), answer.text().await.unwrap())
        });
        assert!(status.is_success(), "{method} {path}: {status} {text}");
    }

    fn open_ssh(&self) {
        let rule = json!({ "properties": {
            "priority": 110, "direction": "Inbound", "access": "Allow", "protocol": "Tcp",
            "sourceAddressPrefix": "Internet", "sourcePortRange": "*",
            "destinationAddressPrefix": "*", "destinationPortRange": "22",
        } });
        self.call(
            "PUT",
            &format!("{GROUP}/securityRules/{RULE}"),
            "2024-05-01",
            Some(rule),
        );
    }

    fn close_ssh(&self) {
        self.call("DELETE", &format!("{GROUP}/securityRules/{RULE}"), "2024-05-01", None);
    }

    fn rename_owner(&self, owner: &str) {
        let machine = format!(
            "/subscriptions/{PLATFORM}/resourceGroups/rg-mgmt/providers/Microsoft.Compute/virtualMachines/{ADM}"
        );
        self.call(
            "PATCH",
            &machine,
            "2024-07-01",
            Some(json!({ "tags": { "owner": owner } })),
        );
    }

    fn delete_lab_machine(&self) {
        let machine =
            format!("/subscriptions/{LAB}/resourceGroups/rg-lab/providers/Microsoft.Compute/virtualMachines/vm-lab-04");
        self.call("DELETE", &machine, "2024-07-01", None);
    }
}

/// What happens before the scan of a night.
fn script(number: i64, administrator: &Administrator, sandbox: &Sandbox) {
    match number {
        5 => administrator.open_ssh(),
        12 => administrator.close_ssh(),
        20 => administrator.open_ssh(),
        // Refused for three nights; in the second of them the rule goes.
        30 => sandbox.inject(vec![format!("403@subscription={PLATFORM}").parse().unwrap()]),
        31 => administrator_behind(sandbox, || administrator.close_ssh()),
        33 => sandbox.inject(vec![]),
        45 => administrator.delete_lab_machine(),
        60 => administrator.rename_owner("new-team@contoso.example"),
        70 => administrator.open_ssh(),
        82 => administrator.close_ssh(),
        _ => {}
    }
}

/// The scanner is refused, the administrator is not.
fn administrator_behind(sandbox: &Sandbox, act: impl FnOnce()) {
    sandbox.inject(vec![]);
    act();
    sandbox.inject(vec![format!("403@subscription={PLATFORM}").parse().unwrap()]);
}

/// From the 22nd to the 27th night, and from the 72nd on, which never expires before the end.
fn waivers(number: i64) -> Vec<WaiverRule> {
    let waiver = |expires: String| WaiverRule {
        rule: "management-ports-jit".into(),
        resource: MON.into(),
        reason: "known".into(),
        owner: Some("ops".into()),
        ticket: None,
        expires: Some(expires),
        until: None,
        location: None,
    };
    match number {
        // It stays in the configuration when it has expired.
        22..=29 => vec![waiver(night(27)[..10].to_owned())],
        72..=75 => vec![waiver("2026-12-31".into())],
        _ => vec![],
    }
}

fn scan_of(sandbox: &Sandbox, number: i64, policies: &[Policy<'_>]) -> Report {
    let request = Request {
        which: Which {
            listed: vec![PLATFORM.into(), LAB.into()],
            ..Which::default()
        },
        source: Source::Auto,
    };
    let recorded = record(&live::connection(&sandbox.origin), &request).unwrap();
    let mut reading = Reading::default();
    reading.read("live", Given::Named, recorded.recording.text());
    reading.finish();
    let waivers = waivers(number);
    let moment = night(number).parse().unwrap();
    let request = portcullis::scan::Request {
        waivers: &waivers,
        inputs: vec!["two subscriptions".into()],
        ..portcullis::scan::Request::plain(policies.to_vec(), moment)
    };
    let mut report = portcullis::scan::scan(reading, &request);
    // Those about waivers are of no part of the estate.
    let problems = portcullis::rule::waiver::PROBLEMS.map(|problem| problem.id);
    report.findings.retain(|finding| !problems.contains(&&*finding.rule));
    report
}

/// The plain fold: what is open, by fingerprint, and what was counted each night.
#[derive(Default)]
struct Fold {
    /// Whether it is open, and whether it was sure since it was opened; by fingerprint.
    open: BTreeMap<String, (bool, bool)>,
    counted: Vec<[u64; 5]>,
}

impl Fold {
    fn night(&mut self, report: &Report, known: &BTreeMap<String, (String, String, String)>) {
        let mut counts = [0; 5];
        let shown: BTreeMap<&str, _> = report.findings.iter().map(|one| (&*one.fingerprint, one)).collect();
        for (fingerprint, finding) in &shown {
            let sure = finding.verdict == Verdict::Unhealthy;
            match self.open.get_mut(*fingerprint) {
                None => {
                    counts[0] += 1;
                    self.open.insert((*fingerprint).to_owned(), (true, sure));
                }
                Some(state) if !state.0 => {
                    counts[1] += 1;
                    *state = (true, sure);
                }
                Some(state) => state.1 |= sure,
            }
        }
        for (fingerprint, state) in self
            .open
            .iter_mut()
            .filter(|(print, state)| state.0 && !shown.contains_key(print.as_str()))
        {
            let (rule, subscription, machine) = &known[fingerprint];
            let whole = report
                .scan
                .subscriptions
                .iter()
                .any(|one| *one.id == **subscription && one.complete);
            let machine_now = report.machines.iter().find(|one| one.id.eq_ignore_ascii_case(machine));
            let passes = machine_now.is_some_and(|one| one.verdict == Verdict::Healthy);
            if !(whole || rule == "management-ports-jit" && passes) {
                continue;
            }
            state.0 = false;
            let place = if !machine.is_empty() && machine_now.is_none() {
                4
            } else if state.1 {
                2
            } else {
                3
            };
            counts[place] += 1;
        }
        self.counted.push(counts);
    }
}

fn named<'f>(findings: &'f [KeptFinding], rule: &str, subject: &str) -> &'f KeptFinding {
    findings
        .iter()
        .find(|one| one.rule == rule && one.subject == subject)
        .unwrap()
}

fn check(history: &mut History, kind: &str, fold: &Fold) {
    let findings = history.findings().unwrap();
    let trend = history.trend().unwrap();
    assert_eq!(trend.len(), NIGHTS as usize);
    let figures = |point: &Point| [point.opened, point.reopened, point.fixed, point.cleared, point.gone];
    for (number, (point, counted)) in trend.iter().zip(&fold.counted).enumerate() {
        assert_eq!(figures(point), *counted, "night {number} on {kind}");
        assert_eq!(point.complete, !(30..=32).contains(&number), "night {number}");
        assert_eq!(point.taken, night(number as i64));
    }
    let open = findings.iter().filter(|one| one.state == State::Open).count();
    assert_eq!(open, fold.open.values().filter(|state| state.0).count());

    let mon = named(&findings, "management-ports-jit", MON);
    let spells: Vec<_> = mon
        .spells
        .iter()
        .map(|one| (one.opened.clone(), one.closed.clone(), one.ending))
        .collect();
    let fixed = |from, to| (night(from), Some(night(to)), Some(State::Fixed));
    // The rule went on the 31st night, when nobody could look: it is fixed when somebody could.
    assert_eq!(spells, [fixed(5, 12), fixed(20, 33), fixed(70, 82)], "{kind}");
    assert_eq!((mon.openings, mon.unjudged.as_deref()), (3, None));
    let waived: Vec<_> = mon
        .waivers
        .iter()
        .map(|one| (one.since.clone(), one.ended.clone(), one.ending.clone()))
        .collect();
    let waiver = |from, to, why: &str| (night(from), Some(night(to)), Some(why.to_owned()));
    assert_eq!(waived, [waiver(22, 28, "expired"), waiver(72, 76, "withdrawn")]);

    // Open all the time, through refusals and another owner.
    let adm = named(&findings, "management-ports-jit", ADM);
    assert_eq!(
        (adm.state, adm.openings, &*adm.first_seen),
        (State::Open, 1, &*night(0))
    );
    assert_eq!(adm.owner, "new-team@contoso.example");
    assert_eq!(statistics::days(&adm.opened, &adm.last_seen), NIGHTS - 1);

    let gone = findings.iter().filter(|one| one.machine.ends_with("/vm-lab-04"));
    let states: Vec<_> = gone.map(|one| (one.state, one.closed.clone())).collect();
    assert!(
        !states.is_empty() && states.iter().all(|state| *state == (State::Gone, Some(night(45)))),
        "{states:?}"
    );
    let machines = history.machines().unwrap();
    let lab = machines.iter().find(|one| one.name == "vm-lab-04").unwrap();
    assert_eq!(lab.gone.as_deref(), Some(&*night(45)));
    let mon = machines.iter().find(|one| one.name == MON).unwrap();
    let verdicts: Vec<_> = mon
        .judgements
        .iter()
        .map(|one| (one.taken.clone(), one.verdict))
        .collect();
    use Verdict::{Healthy, Unhealthy};
    let expected = [
        (0, Healthy),
        (5, Unhealthy),
        (12, Healthy),
        (20, Unhealthy),
        (33, Healthy),
        (70, Unhealthy),
        (82, Healthy),
    ];
    assert_eq!(verdicts, expected.map(|(number, verdict)| (night(number), verdict)));

    // Refused: machines are not read, and nothing is called fixed.
    let (before, refused) = (&trend[29], &trend[31]);
    assert_eq!(refused.machines, before.machines);
    assert!(refused.unread > 0 && refused.unjudged > 0 && refused.fixed == 0);
    let severities = statistics::groups(findings.iter(), &night(NIGHTS - 1), |one| {
        one.severity.as_str().to_owned()
    });
    let high = severities.iter().find(|group| group.name == "high").unwrap();
    assert!(high.fixed >= 3 && high.median_days.is_some());

    // The evidence of any past night is the report of that night.
    let scans = history.scans().unwrap();
    let report = unpack(&history.evidence(scans[8].id).unwrap().unwrap(), &scans[8].digest).unwrap();
    assert_eq!(report.scan.generated, night(8));
    assert!(
        report
            .findings
            .iter()
            .any(|one| &*one.subject.name == MON && one.verdict == Verdict::Unhealthy)
    );
}

#[test]
fn the_history_of_ninety_nights_is_what_happened() {
    let options = Options {
        start: Some(night(-1).parse().unwrap()),
        ..Options::default()
    };
    let sandbox = live::sandbox(options);
    let administrator = Administrator::new(&sandbox);
    let rules = builtin::rules();
    let params: Vec<ResolvedParams> = rules.iter().map(ResolvedParams::defaults).collect();
    let policies = rules.iter().zip(&params).map(Policy::reported);
    let policies: Vec<Policy<'_>> = policies.collect();
    let places = places();
    let mut histories: Vec<History> = places.iter().map(|place| place.open()).collect();
    let (mut fold, mut known) = (Fold::default(), BTreeMap::new());
    for number in 0..NIGHTS {
        sandbox.advance(SignedDuration::from_hours(24));
        script(number, &administrator, &sandbox);
        // What was written is there after a moment.
        sandbox.advance(SignedDuration::from_secs(60));
        let report = scan_of(&sandbox, number, &policies);
        for finding in &report.findings {
            let machine = finding
                .subject
                .machine
                .map(|place| report.machines[place as usize].id.to_string());
            let about = (
                finding.rule.to_string(),
                finding.subject.subscription.to_string(),
                machine.unwrap_or_default(),
            );
            known.insert(finding.fingerprint.to_string(), about);
        }
        fold.night(&report, &known);
        let remembering = Remembering {
            run: None,
            taken: night(number),
            owners: &Owners::default(),
            keep: true,
        };
        let seen = observation(&report, remembering).unwrap();
        for history in &mut histories {
            history.record(&seen).unwrap();
        }
    }
    for (place, history) in places.iter().zip(&mut histories) {
        check(history, place.kind, &fold);
    }
}
