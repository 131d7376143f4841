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

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use jiff::SignedDuration;
use live::SECRET;
use nights::{night, places};
use portcullis::azure::collect::{Source, Which};
use portcullis::azure::{Request, record};
use portcullis::history::History;
use portcullis::history::model::{KeptFinding, Point, State};
use portcullis::history::statistics;
use portcullis::input::{Given, Reading};
use portcullis::report::remember::{Remembering, observation, unpack};
use portcullis::report::{Options as Writing, Report, html};
use portcullis::rule::assess::Policy;
use portcullis::rule::owner::Owners;
use portcullis::rule::params::ResolvedParams;
use portcullis::rule::waiver::WaiverRule;
use portcullis::rule::{Verdict, builtin};
use portcullis::sandbox::{Options, Sandbox};
use serde_json::{Value, json};

const PLATFORM: &str = "7d4f1c02-5a3e-4b86-9f10-2c6e8a9b0d11";
const RETAIL: &str = "1a9c63e8-0b72-4d5f-8e34-91f7c2d605b2";
const DATA: &str = "52e0b7a4-c918-4f63-a2d7-3b8816fce473";
const LAB: &str = "e6318d95-74fa-40c2-b05b-d81c3e97a2c4";
const NIGHTS: i64 = 90;

const GROUP: &str = "/subscriptions/7d4f1c02-5a3e-4b86-9f10-2c6e8a9b0d11/resourceGroups/rg-mgmt/providers/\
                     Microsoft.Network/networkSecurityGroups/nsg-mgmt";
const RULE: &str = "OpenSsh";
const MON: &str = "vm-mgmt-mon-01";
const ADM: &str = "vm-mgmt-adm-01";
/// Published through the firewall of the hub.
const WEB: &str = "vm-shop-web-02";
const FIREWALL: &str = "/subscriptions/7d4f1c02-5a3e-4b86-9f10-2c6e8a9b0d11/resourceGroups/rg-hub-network/providers/\
                        Microsoft.Network/azureFirewalls/fw-hub";

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

    fn call(&self, method: &str, path: &str, version: &str, body: Option<Value>) -> Value {
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
        serde_json::from_str(&text).unwrap_or_default()
    }

    /// Takes the rule that publishes a machine of a spoke out of the hub's firewall, and gives it back.
    fn unpublish(&self) -> Value {
        let mut firewall = self.call("GET", FIREWALL, "2024-05-01", None);
        let rules = &mut firewall["properties"]["natRuleCollections"][0]["properties"]["rules"];
        let rule = rules.as_array_mut().unwrap().remove(0);
        assert_eq!(rule["name"], "shop-web-02-ssh");
        self.call("PUT", FIREWALL, "2024-05-01", Some(firewall));
        rule
    }

    fn publish(&self, rule: Value) {
        let mut firewall = self.call("GET", FIREWALL, "2024-05-01", None);
        let rules = &mut firewall["properties"]["natRuleCollections"][0]["properties"]["rules"];
        rules.as_array_mut().unwrap().insert(0, rule);
        self.call("PUT", FIREWALL, "2024-05-01", Some(firewall));
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
fn script(number: i64, administrator: &Administrator, sandbox: &Sandbox, published: &mut Option<Value>) {
    match number {
        5 => administrator.open_ssh(),
        12 => administrator.close_ssh(),
        20 => administrator.open_ssh(),
        // The hub is refused for three nights; in the second of them a rule of its own goes, and one of its firewall that leads
        // to a machine of another subscription.
        30 => sandbox.inject(vec![format!("403@subscription={PLATFORM}").parse().unwrap()]),
        31 => administrator_behind(sandbox, || {
            administrator.close_ssh();
            *published = Some(administrator.unpublish());
        }),
        33 => sandbox.inject(vec![]),
        // A spoke is refused for two nights.
        40 => sandbox.inject(vec![format!("403@subscription={RETAIL}").parse().unwrap()]),
        42 => sandbox.inject(vec![]),
        45 => administrator.delete_lab_machine(),
        50 => published
            .take()
            .into_iter()
            .for_each(|rule| administrator.publish(rule)),
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
            listed: [PLATFORM, RETAIL, DATA, LAB].map(Into::into).to_vec(),
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
        inputs: vec!["four subscriptions".into()],
        ..portcullis::scan::Request::plain(policies.to_vec(), moment)
    };
    let mut report = portcullis::scan::scan(reading, &request);
    // Those about waivers are of no part of the estate.
    let problems = portcullis::rule::waiver::PROBLEMS.map(|problem| problem.id);
    report.findings.retain(|finding| !problems.contains(&&*finding.rule));
    report
}

/// What a night said of a finding.
struct About {
    rule: String,
    subscription: String,
    machine: String,
    /// Every subscription that the finding or its machine names.
    parts: BTreeSet<String>,
}

fn about(report: &Report, place: usize) -> About {
    let finding = &report.findings[place];
    let machine = finding.subject.machine.map(|place| &report.machines[place as usize]);
    let mut text = serde_json::to_string(&finding.evidence).unwrap();
    text.push_str(&serde_json::to_string(&machine.map(|machine| &machine.paths)).unwrap());
    let ids = text.split("/subscriptions/").skip(1);
    About {
        rule: finding.rule.to_string(),
        subscription: finding.subject.subscription.to_string(),
        machine: machine.map(|machine| machine.id.to_string()).unwrap_or_default(),
        parts: ids.map(|rest| rest[..36].to_ascii_lowercase()).collect(),
    }
}

/// The plain fold: what is open, by fingerprint, and what was counted each night.
#[derive(Default)]
struct Fold {
    /// Whether it is open, and whether it was sure since it was opened; by fingerprint.
    open: BTreeMap<String, (bool, bool)>,
    counted: Vec<[u64; 5]>,
}

impl Fold {
    fn night(&mut self, report: &Report, known: &BTreeMap<String, About>) {
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
            let about = &known[fingerprint];
            let whole = |subscription: &str| {
                let read = report.scan.subscriptions.iter();
                read.clone().any(|one| *one.id == *subscription && one.complete)
            };
            let machine_now = report
                .machines
                .iter()
                .find(|one| one.id.eq_ignore_ascii_case(&about.machine));
            let passes = machine_now.is_some_and(|one| one.verdict == Verdict::Healthy);
            let settled = about.rule == "management-ports-jit" && passes;
            let others = about.parts.iter().filter(|part| **part != about.subscription);
            if !(whole(&about.subscription) || settled) || !others.clone().all(|part| whole(part)) {
                continue;
            }
            state.0 = false;
            let place = if !about.machine.is_empty() && machine_now.is_none() {
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
        let refused = (30..=32).contains(&number) || (40..=41).contains(&number);
        assert_eq!(point.complete, !refused, "night {number}");
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

    // Its rule in the hub's firewall went while the hub was refused, and came back.
    let web = named(&findings, "management-port-exposed", WEB);
    let spells: Vec<_> = web
        .spells
        .iter()
        .map(|one| (one.opened.clone(), one.closed.clone(), one.ending))
        .collect();
    assert_eq!(spells, [fixed(0, 33), (night(50), None, None)], "{kind}");
    // Nothing else was mended in the spokes, whatever was refused.
    let spokes = findings.iter().filter(|one| [RETAIL, DATA].contains(&&*one.scope));
    for finding in spokes.filter(|one| one.subject != WEB) {
        let mended = finding.spells.iter().filter(|spell| spell.ending == Some(State::Fixed));
        assert_eq!(mended.count(), 0, "{} {} on {kind}", finding.rule, finding.subject);
    }

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
    // Who reaches it through a peering is not known while the spoke is refused, whatever its verdict.
    let exposure = |number: i64| {
        let then = mon.judgements.iter().rfind(|one| one.taken <= night(number));
        then.unwrap().exposure.as_str()
    };
    assert_ne!(exposure(40), exposure(39), "{kind}");
    assert_eq!(exposure(42), exposure(39));
    let mut verdicts: Vec<_> = mon
        .judgements
        .iter()
        .map(|one| (one.taken.clone(), one.verdict))
        .collect();
    verdicts.dedup_by_key(|(_, verdict)| *verdict);
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
    for (before, refused) in [(&trend[29], &trend[31]), (&trend[39], &trend[41])] {
        assert_eq!(refused.machines, before.machines);
        assert!(refused.unread > 0 && refused.unjudged > 0 && refused.fixed == 0);
    }
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
    let (mut published, mut last) = (None, None);
    for number in 0..NIGHTS {
        sandbox.advance(SignedDuration::from_hours(24));
        script(number, &administrator, &sandbox, &mut published);
        // What was written is there after a moment.
        sandbox.advance(SignedDuration::from_secs(60));
        let report = scan_of(&sandbox, number, &policies);
        for (place, finding) in report.findings.iter().enumerate() {
            known.insert(finding.fingerprint.to_string(), about(&report, place));
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
        last = Some(report);
    }
    for (place, history) in places.iter().zip(&mut histories) {
        check(history, place.kind, &fold);
    }
    dashboard(&mut histories[0], &last.unwrap());
}

/// The pages that people see after ninety nights: the trend has every night, and a machine its history. `browser/report.mjs`
/// opens them.
fn dashboard(history: &mut History, report: &Report) {
    let past = history.past().unwrap();
    let options = Writing {
        past: Some(Arc::new(past.clone())),
        ..Writing::default()
    };
    let mut page = Vec::new();
    (html::FORMAT.write)(report, &options, &mut page).unwrap();
    let page = String::from_utf8(page).unwrap();
    std::fs::write(
        Path::new(env!("CARGO_TARGET_TMPDIR")).join("dashboard-ninety.html"),
        &page,
    )
    .unwrap();
    // One bar a night in both drawings, and a mark under those that were not read whole.
    assert_eq!(page.matches("<title>2026-").count(), 2 * NIGHTS as usize);
    assert_eq!(page.matches(r#"<rect class="partly" x=""#).count(), 2 * 5);
    let data = nights::page_data(&page);
    let column = |table: &str, name: &str| {
        let columns = data[table]["columns"].as_array().unwrap();
        columns.iter().position(|column| column == name).unwrap()
    };
    let row = |machine: usize| {
        let rows = data["past_machines"]["rows"].as_array().unwrap();
        let place = column("past_machines", "machine");
        rows.iter().find(|row| row[place] == json!(machine + 1)).unwrap()
    };
    for (number, machine) in report.machines.iter().enumerate() {
        let kept = past
            .machines
            .iter()
            .find(|one| machine.id.eq_ignore_ascii_case(&one.resource))
            .unwrap();
        let judgements = row(number)[column("past_machines", "judgements")].as_array().unwrap();
        assert_eq!(judgements.len(), kept.judgements.len(), "{}", machine.name);
    }
}
