//! Rows of a day to records: events of one call by their correlation, the call to what a policy remembers of it, rule
//! changes of the service to the request that explains them. What lies near the end of a day waits for the next.

use std::collections::{BTreeMap, HashMap, HashSet};

use jiff::{SignedDuration, Timestamp};

use super::record::{Change, ChangeKind, Outcome, Record, Touched};
use super::row::{EventRow, Kind, RequestRow, Row};

/// What happens within this time before the end of a day is merged with the day after.
pub const MARGIN: SignedDuration = SignedDuration::from_mins(30);
/// An event and what the policy remembers of it are at most so far apart.
const APART: SignedDuration = SignedDuration::from_mins(5);
/// A rule is written at most so long after the request.
const WRITTEN_WITHIN: SignedDuration = SignedDuration::from_mins(15);

/// Merges day by day. Days come in their order.
#[derive(Default)]
pub struct Merger {
    carried: Vec<Row>,
    /// The most rows that were held at once.
    pub peak: usize,
}

impl Merger {
    /// The records of a day that ends at `end`; `None`: nothing follows.
    pub fn day(&mut self, rows: Vec<Row>, end: Option<Timestamp>) -> Vec<Record> {
        let mut all = std::mem::take(&mut self.carried);
        all.extend(rows);
        self.peak = self.peak.max(all.len());
        let cut = end.map(|end| end.saturating_sub(MARGIN).unwrap_or(end));
        let cases = cases(all);
        let mut records = Vec::with_capacity(cases.len());
        for case in cases {
            match cut {
                Some(cut) if case.last() >= cut => self.carried.extend(case.rows()),
                _ => records.push(case.record()),
            }
        }
        records.sort_by(|a, b| (&a.time, &a.correlation).cmp(&(&b.time, &b.correlation)));
        records
    }
}

/// Everything that is known of one request, or of one change without a request.
#[derive(Default)]
struct Case {
    request: Option<RequestRow>,
    events: Vec<EventRow>,
    changes: Vec<EventRow>,
}

impl Case {
    fn last(&self) -> Timestamp {
        let request = self.request.iter().map(|request| request.start);
        let events = self.events.iter().chain(&self.changes).map(|event| event.at);
        request.chain(events).max().unwrap_or(Timestamp::MIN)
    }

    fn first(&self) -> Timestamp {
        let request = self.request.as_ref().map(|request| request.start);
        let events = self.events.iter().map(|event| event.at).min();
        let changes = self.changes.iter().map(|event| event.at).min();
        request.or(events).or(changes).unwrap_or(Timestamp::MIN)
    }

    fn rows(self) -> impl Iterator<Item = Row> {
        let request = self.request.into_iter().map(Row::Request);
        request.chain(self.events.into_iter().chain(self.changes).map(Row::Event))
    }

    fn is_request(&self) -> bool {
        self.request.is_some() || self.events.iter().any(|event| event.kind == Kind::Initiate)
    }

    /// The events that tell of an answer: those of the request itself, or all.
    fn telling(&self) -> impl Iterator<Item = &EventRow> {
        let initiates = self.events.iter().any(|event| event.kind == Kind::Initiate);
        self.events
            .iter()
            .filter(move |event| !initiates || event.kind == Kind::Initiate)
    }

    /// Whether an event that tells of an answer has a status that begins so.
    fn says(&self, word: &str) -> bool {
        self.telling()
            .any(|event| event.status.to_ascii_lowercase().starts_with(word))
    }

    fn outcome(&self) -> Outcome {
        let says = |word: &str| self.says(word);
        if self.is_request() {
            let granted = self.request.is_some() || says("succe") || (says("accept") && !says("fail"));
            return match (granted, says("fail")) {
                (true, _) => Outcome::Granted,
                (false, true) => Outcome::Refused,
                (false, false) => Outcome::Unanswered,
            };
        }
        let kinds = |kind| self.events.iter().any(|event| event.kind == kind);
        match () {
            () if says("fail") && !says("succe") && !self.events.is_empty() => Outcome::Refused,
            () if kinds(Kind::PolicyDeleted) => Outcome::PolicyDeleted,
            () if kinds(Kind::PolicyWritten) => Outcome::PolicyChanged,
            () => Outcome::RuleChanged,
        }
    }

    fn record(self) -> Record {
        let outcome = self.outcome();
        let told = |of: fn(&EventRow) -> Option<&String>| self.telling().chain(&self.changes).find_map(of).cloned();
        let user = self.request.as_ref().and_then(|request| request.requestor.clone());
        let justification = self.request.as_ref().and_then(|request| request.justification.clone());
        let touched = match &self.request {
            Some(request) => request.touched.clone(),
            None => self.touched(),
        };
        let policy = self.request.as_ref().map(|request| request.policy.clone());
        let correlation = self
            .events
            .iter()
            .chain(&self.changes)
            .map(|event| event.correlation.clone());
        let change = |event: &EventRow| Change {
            time: event.at.to_string(),
            kind: if event.kind == Kind::RuleDeleted {
                ChangeKind::Deleted
            } else {
                ChangeKind::Written
            },
            resource: event.resource.clone(),
            status: event.status.clone(),
        };
        Record {
            time: self.first().to_string(),
            outcome,
            user: user.or_else(|| told(|event| event.user.as_ref())),
            justification: justification.or_else(|| told(|event| event.justification.as_ref())),
            policy: policy.or_else(|| self.events.iter().find_map(policy_of)),
            client_address: told(|event| event.client_address.as_ref()),
            correlation: correlation.into_iter().find(|id| !id.is_empty()),
            error: told(|event| event.error.as_ref()).filter(|_| outcome == Outcome::Refused),
            in_policy: self.request.is_some(),
            events: (self.events.len() + self.changes.len()) as u64,
            changes: self.changes.iter().map(change).collect(),
            touched,
        }
    }

    /// What the events themselves say of machines.
    fn touched(&self) -> Vec<Touched> {
        if let Some(event) = self.events.iter().find(|event| !event.touched.is_empty()) {
            return event.touched.clone();
        }
        let of_resource = self
            .events
            .iter()
            .filter(|event| is_machine(&event.resource))
            .map(|event| event.resource.clone());
        let of_rules = self.changes.iter().filter_map(|event| event.machine.clone());
        let mut machines: Vec<String> = of_resource.chain(of_rules).collect();
        machines.sort();
        machines.dedup();
        let touched = |machine| Touched {
            machine,
            port: None,
            sources: Vec::new(),
            end: None,
            status: None,
            reason: None,
        };
        machines.into_iter().map(touched).collect()
    }
}

fn is_machine(resource: &str) -> bool {
    resource
        .to_ascii_lowercase()
        .contains("/providers/microsoft.compute/virtualmachines/")
}

/// The policy that an event is about.
fn policy_of(event: &EventRow) -> Option<String> {
    let lower = event.resource.to_ascii_lowercase();
    let at = lower.find("/jitnetworkaccesspolicies/")?;
    let name = at + "/jitnetworkaccesspolicies/".len();
    let end = lower.get(name..)?.find('/').map_or(lower.len(), |end| name + end);
    event.resource.get(..end).map(str::to_owned)
}

/// All rows sorted into cases.
fn cases(rows: Vec<Row>) -> Vec<Case> {
    let (mut requests, mut events) = (Vec::new(), Vec::new());
    let mut seen = HashSet::new();
    for row in rows {
        match row {
            Row::Request(request) => requests.push(request),
            // Windows overlap, and pages shift.
            Row::Event(event) if seen.insert(event.id.clone()) => events.push(event),
            Row::Event(_) => {}
        }
    }
    let (rules, calls): (Vec<EventRow>, Vec<EventRow>) = events
        .into_iter()
        .partition(|event| matches!(event.kind, Kind::RuleWritten | Kind::RuleDeleted));
    let mut cases = calls_by_correlation(calls);
    join_requests(&mut cases, requests);
    join_rules(&mut cases, rules);
    cases
}

/// Events of one call: one correlation; without one, each by itself.
fn calls_by_correlation(events: Vec<EventRow>) -> Vec<Case> {
    let mut by_correlation: BTreeMap<String, Case> = BTreeMap::new();
    let mut alone = Vec::new();
    for event in events {
        if event.correlation.is_empty() {
            alone.push(Case {
                events: vec![event],
                ..Case::default()
            });
            continue;
        }
        by_correlation
            .entry(event.correlation.to_ascii_lowercase())
            .or_default()
            .events
            .push(event);
    }
    let mut cases: Vec<Case> = by_correlation.into_values().chain(alone).collect();
    cases
        .iter_mut()
        .for_each(|case| case.events.sort_by_key(|event| event.at));
    cases
}

/// Finds for each remembered request the call that made it: the nearest in time about the same policy or machine, of the
/// same user, and each call once.
fn join_requests(cases: &mut Vec<Case>, requests: Vec<RequestRow>) {
    let mut by_subject: HashMap<String, Vec<usize>> = HashMap::new();
    for (at, case) in cases.iter().enumerate().filter(|(_, case)| case.is_request()) {
        for subject in subjects(case) {
            by_subject.entry(subject).or_default().push(at);
        }
    }
    let mut taken: HashSet<usize> = HashSet::new();
    let mut alone = Vec::new();
    for request in requests {
        let policy = request.policy.to_ascii_lowercase();
        let machines = request
            .touched
            .iter()
            .map(|touched| touched.machine.to_ascii_lowercase());
        let subjects = machines.chain([policy]);
        let candidates = subjects
            .filter_map(|subject| by_subject.get(&subject))
            .flatten()
            .copied();
        let fits = candidates.filter(|at| !taken.contains(at)).filter_map(|at| {
            let case = cases.get(at)?;
            let apart = case
                .events
                .iter()
                .map(|event| event.at.duration_since(request.start).abs())
                .min()?;
            let same = same_user(&request, case) && same_things(&request, case) && answered(case);
            (same && apart <= APART).then_some((apart, at))
        });
        match fits.min() {
            Some((_, at)) => {
                taken.insert(at);
                if let Some(case) = cases.get_mut(at) {
                    case.request = Some(request);
                }
            }
            None => alone.push(Case {
                request: Some(request),
                ..Case::default()
            }),
        }
    }
    cases.extend(alone);
}

/// Whether a call asked for what the policy remembers, as far as the events say what it asked for.
fn same_things(request: &RequestRow, case: &Case) -> bool {
    let asked: Vec<&Touched> = case.events.iter().flat_map(|event| &event.touched).collect();
    let same = |asked: &Touched, known: &Touched| {
        asked.machine.eq_ignore_ascii_case(&known.machine)
            && (asked.port.is_none() || known.port.is_none() || asked.port == known.port)
    };
    asked.is_empty()
        || asked
            .iter()
            .any(|asked| request.touched.iter().any(|known| same(asked, known)))
}

/// A call that was refused left nothing in a policy.
fn answered(case: &Case) -> bool {
    !case.says("fail") || case.says("succe")
}

/// What a call is about, in lower case.
fn subjects(case: &Case) -> Vec<String> {
    let mut subjects: Vec<String> = Vec::new();
    for event in &case.events {
        subjects.extend(policy_of(event));
        subjects.extend(is_machine(&event.resource).then(|| event.resource.clone()));
        subjects.extend(event.touched.iter().map(|touched| touched.machine.clone()));
    }
    subjects.iter_mut().for_each(|subject| subject.make_ascii_lowercase());
    subjects.sort();
    subjects.dedup();
    subjects
}

fn same_user(request: &RequestRow, case: &Case) -> bool {
    let Some(requestor) = &request.requestor else {
        return true;
    };
    let mut users = case.telling().filter_map(|event| event.user.as_ref()).peekable();
    users.peek().is_none() || users.any(|user| user.eq_ignore_ascii_case(requestor))
}

/// Rules that the service changed: to the request of their correlation, else to the latest one shortly before about the
/// machine that the rule names, else they stand alone.
fn join_rules(cases: &mut Vec<Case>, rules: Vec<EventRow>) {
    let mut by_correlation: HashMap<String, usize> = HashMap::new();
    let mut by_machine: HashMap<String, Vec<(Timestamp, usize)>> = HashMap::new();
    for (at, case) in cases.iter().enumerate() {
        for event in case.events.iter().filter(|event| !event.correlation.is_empty()) {
            by_correlation.insert(event.correlation.to_ascii_lowercase(), at);
        }
        if case.is_request() {
            let touched = case
                .request
                .as_ref()
                .map(|request| request.touched.clone())
                .unwrap_or_else(|| case.touched());
            for touched in touched {
                let name = touched
                    .machine
                    .rsplit('/')
                    .next()
                    .unwrap_or_default()
                    .to_ascii_lowercase();
                by_machine.entry(name).or_default().push((case.first(), at));
            }
        }
    }
    let mut alone: BTreeMap<String, Case> = BTreeMap::new();
    for rule in rules {
        let of_call = by_correlation.get(&rule.correlation.to_ascii_lowercase()).copied();
        let of_machine = || {
            let name = rule
                .machine
                .as_ref()
                .filter(|_| rule.kind == Kind::RuleWritten)?
                .to_ascii_lowercase();
            let before = by_machine.get(&name)?.iter().filter(|(time, _)| {
                let after = rule.at.duration_since(*time);
                after >= -SignedDuration::from_secs(5) && after <= WRITTEN_WITHIN
            });
            before.max().map(|(_, at)| *at)
        };
        let case = of_call.or_else(of_machine).and_then(|at| cases.get_mut(at));
        match case {
            Some(case) => case.changes.push(rule),
            None => {
                let key = format!(
                    "{}|{}",
                    rule.correlation.to_ascii_lowercase(),
                    rule.resource.to_ascii_lowercase()
                );
                let key = if rule.correlation.is_empty() {
                    rule.id.clone()
                } else {
                    format!("{key}|{}", rule.at)
                };
                alone.entry(key).or_default().changes.push(rule);
            }
        }
    }
    cases
        .iter_mut()
        .for_each(|case| case.changes.sort_by_key(|change| change.at));
    cases.extend(alone.into_values());
}
