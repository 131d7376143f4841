//! Writes one scan into the tables. Runs within one transaction, and reads all it needs before it writes.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::change::Sight;
use super::database::{Database, Trouble, Value, ask_for_keys, for_keys, insert};
use super::model::{KeptFinding, Observation, SeenFinding, SeenMachine, State};
use super::rows::{self, FINDING, MACHINE, written};
use super::{Recorded, read};
use crate::rule::{Severity, Verdict, Waiver};

pub fn record(database: &mut dyn Database, observation: &Observation) -> Result<Recorded, Trouble> {
    let scan = next(database, "scans")?;
    let younger = younger(database, &observation.taken)?;
    let late: Vec<String> = observation
        .coverage
        .iter()
        .filter(|covered| younger.contains(&covered.scope))
        .map(|covered| covered.scope.clone())
        .collect();
    write_scan(database, scan, observation, &late)?;
    let sight = Sight::new(observation, late.iter().map(String::as_str).collect());
    let mut writing = Writing {
        scan,
        observation,
        sight: &sight,
        tallies: BTreeMap::new(),
    };
    writing.findings(database)?;
    writing.machines(database)?;
    writing.write_tallies(database)?;
    let changes = read::changes(database, scan)?;
    Ok(Recorded { scan, changes, late })
}

/// The next free number of a table.
fn next(database: &mut dyn Database, table: &str) -> Result<i64, Trouble> {
    let rows = database.ask(&format!("SELECT COALESCE(MAX(id), 0) + 1 FROM {table}"), &[])?;
    Ok(rows.first().map_or(1, |row| row.number(0)))
}

/// Parts of the estate with a scan that is younger than this moment.
fn younger(database: &mut dyn Database, taken: &str) -> Result<HashSet<String>, Trouble> {
    let question = "SELECT DISTINCT c.scope FROM coverage c JOIN scans s ON s.id = c.scan \
                    WHERE s.taken > $1 AND c.applied = 1";
    let rows = database.ask(question, &[taken.into()])?;
    Ok(rows.iter().map(|row| row.text(0)).collect())
}

fn write_scan(database: &mut dyn Database, scan: i64, seen: &Observation, late: &[String]) -> Result<(), Trouble> {
    let run = seen.run.clone().unwrap_or_else(|| format!("{}-{scan}", seen.taken));
    let row = vec![
        scan.into(),
        Value::from(&run),
        Value::from(&seen.taken),
        Value::from(&seen.written),
        Value::from(&seen.tool),
        Value::from(&seen.digest),
        written(&seen.inputs),
        (seen.lost.is_empty() && seen.coverage.iter().all(|covered| covered.complete)).into(),
        written(&seen.lost),
    ];
    let head = "INSERT INTO scans (id, run, taken, written, tool, digest, inputs, complete, lost)";
    insert(database, head, "", &[row])?;
    let covered = seen.coverage.iter().map(|covered| {
        vec![
            scan.into(),
            Value::from(&covered.scope),
            covered.name.as_ref().into(),
            covered.complete.into(),
            written(&covered.missing),
            (!late.contains(&covered.scope)).into(),
        ]
    });
    let head = "INSERT INTO coverage (scan, scope, name, complete, missing, applied)";
    insert(database, head, "", &covered.collect::<Vec<_>>())?;
    let rules = seen.rules.iter().map(|rule| {
        vec![
            scan.into(),
            Value::from(&rule.id),
            Value::from(&rule.title),
            rule.severity.as_str().into(),
            Value::from(&rule.digest),
            written(&rule.standards),
        ]
    });
    let head = "INSERT INTO rules (scan, rule, title, severity, digest, standards)";
    insert(database, head, "", &rules.collect::<Vec<_>>())?;
    if !seen.report.is_empty() {
        let evidence = vec![scan.into(), Value::Bytes(seen.report.clone())];
        insert(database, "INSERT INTO evidence (scan, report)", "", &[evidence])?;
    }
    Ok(())
}

struct Writing<'w> {
    scan: i64,
    observation: &'w Observation,
    sight: &'w Sight<'w>,
    /// Counts by part of the estate and measure.
    tallies: BTreeMap<(String, String), i64>,
}

/// A finding as the history holds it before this scan.
struct Held {
    finding: KeptFinding,
    /// Whether its present opening was ever more than undetermined.
    certain: bool,
    waiver: Option<Waiver>,
}

/// Rows to write about findings.
#[derive(Default)]
struct Rows {
    findings: Vec<KeptFinding>,
    spells: Vec<Vec<Value>>,
    certain: Vec<Value>,
    endings: BTreeMap<State, Vec<Value>>,
    waivers: Vec<Vec<Value>>,
    /// Findings whose waiver ended, by the word for why.
    unwaived: BTreeMap<&'static str, Vec<Value>>,
}

impl Writing<'_> {
    fn scopes(&self) -> Vec<Value> {
        let covered = self.observation.coverage.iter();
        let applied = covered.filter(|covered| self.sight.covers(&covered.scope));
        applied.map(|covered| Value::from(&covered.scope)).collect()
    }

    fn findings(&mut self, database: &mut dyn Database) -> Result<(), Trouble> {
        let mut held = self.held(database)?;
        let mut free = next(database, "findings")?;
        let mut rows = Rows::default();
        for seen in unique(&self.observation.findings) {
            if !self.sight.covers(&seen.scope) {
                continue;
            }
            let known = held.remove(&(seen.fingerprint.clone(), seen.scope.clone()));
            let id = known.as_ref().map_or(free, |held| held.finding.id);
            free += i64::from(known.is_none());
            self.seen(seen, known, id, &mut rows);
        }
        let mut rest: Vec<Held> = held
            .into_values()
            .filter(|held| held.finding.state == State::Open)
            .collect();
        rest.sort_by_key(|held| held.finding.id);
        rest.into_iter().for_each(|held| self.unseen(held, &mut rows));
        self.write_findings(database, rows)
    }

    /// What is known of the parts that this scan covers.
    fn held(&self, database: &mut dyn Database) -> Result<HashMap<(String, String), Held>, Trouble> {
        let scopes = self.scopes();
        let question = format!("SELECT {FINDING} FROM findings WHERE scope IN {{keys}}");
        let findings = ask_for_keys(database, &question, &scopes)?;
        let question = "SELECT s.finding, s.certain FROM spells s JOIN findings f ON f.id = s.finding \
                        WHERE s.closed IS NULL AND f.scope IN {keys}";
        let certain: HashMap<i64, bool> = ask_for_keys(database, question, &scopes)?
            .iter()
            .map(|row| (row.number(0), row.holds(1)))
            .collect();
        let question = "SELECT w.finding, w.reason, w.owner, w.ticket, w.until FROM waivers w \
                        JOIN findings f ON f.id = w.finding WHERE w.ended IS NULL AND f.scope IN {keys}";
        let optional = |text: Option<String>| text.map(|text| text.as_str().into());
        let mut waivers: HashMap<i64, Waiver> = ask_for_keys(database, question, &scopes)?
            .iter()
            .map(|row| {
                let waiver = Waiver {
                    reason: row.text(1).as_str().into(),
                    owner: optional(row.optional(2)),
                    ticket: optional(row.optional(3)),
                    until: optional(row.optional(4)),
                };
                (row.number(0), waiver)
            })
            .collect();
        let held = |row: &super::database::Row| {
            let finding = rows::finding(row);
            let key = (finding.fingerprint.clone(), finding.scope.clone());
            let (certain, waiver) = (
                certain.get(&finding.id).copied().unwrap_or(false),
                waivers.remove(&finding.id),
            );
            (
                key,
                Held {
                    finding,
                    certain,
                    waiver,
                },
            )
        };
        Ok(findings.iter().map(held).collect())
    }

    /// A finding that this scan shows.
    fn seen(&mut self, seen: &SeenFinding, held: Option<Held>, id: i64, rows: &mut Rows) {
        let taken = &self.observation.taken;
        let certain = seen.verdict == Verdict::Unhealthy;
        let before = held.as_ref().map(|held| &held.finding);
        let stays = before.is_some_and(|finding| finding.state == State::Open);
        let openings = before.map_or(0, |finding| finding.openings) + i64::from(!stays);
        if !stays {
            self.count(&seen.scope, if openings > 1 { "reopened" } else { "opened" });
            rows.spells
                .push(vec![id.into(), Value::from(taken), self.scan.into(), certain.into()]);
        } else if certain && held.as_ref().is_some_and(|held| !held.certain) {
            rows.certain.push(id.into());
        }
        let old = held.as_ref().and_then(|held| held.waiver.as_ref());
        self.waiver(id, old, seen.waiver.as_ref(), rows);
        let finding = KeptFinding {
            id,
            fingerprint: seen.fingerprint.clone(),
            scope: seen.scope.clone(),
            rule: seen.rule.clone(),
            rule_digest: self.sight.rule_digest(&seen.rule).unwrap_or_default().to_owned(),
            severity: seen.severity,
            verdict: seen.verdict,
            kind: seen.kind,
            subject: seen.subject.clone(),
            resource: seen.resource.clone(),
            subscription: seen.subscription.clone(),
            resource_group: seen.resource_group.clone(),
            machine: seen.machine.clone(),
            owner: seen.owner.clone(),
            message: seen.message.clone(),
            state: State::Open,
            first_seen: before.map_or_else(|| taken.clone(), |finding| finding.first_seen.clone()),
            last_seen: taken.clone(),
            opened: before
                .filter(|_| stays)
                .map_or_else(|| taken.clone(), |finding| finding.opened.clone()),
            closed: None,
            openings,
            waived: seen.waiver.is_some(),
            unjudged: None,
            unjudged_scan: None,
            rests_on: seen.rests_on.clone(),
            spells: Vec::new(),
            waivers: Vec::new(),
        };
        self.tally_open(&finding);
        rows.findings.push(finding);
    }

    fn waiver(&self, id: i64, old: Option<&Waiver>, new: Option<&Waiver>, rows: &mut Rows) {
        if old == new {
            return;
        }
        if let Some(old) = old {
            let day = self.observation.taken.get(..10).unwrap_or_default();
            let expired = old.until.as_deref().is_some_and(|until| until < day);
            let why = if expired { "expired" } else { "withdrawn" };
            rows.unwaived.entry(why).or_default().push(id.into());
        }
        if let Some(new) = new {
            rows.waivers.push(vec![
                id.into(),
                Value::from(&self.observation.taken),
                self.scan.into(),
                (&*new.reason).into(),
                new.owner.as_deref().into(),
                new.ticket.as_deref().into(),
                new.until.as_deref().into(),
            ]);
        }
    }

    /// An open finding that this scan does not show.
    fn unseen(&mut self, held: Held, rows: &mut Rows) {
        let taken = &self.observation.taken;
        let Held {
            mut finding,
            certain,
            waiver,
        } = held;
        let id = finding.id;
        if let Some(ending) = self.sight.ending(&finding, certain) {
            finding.state = ending;
            finding.closed = Some(taken.clone());
            (finding.waived, finding.unjudged, finding.unjudged_scan) = (false, None, None);
            rows.endings.entry(ending).or_default().push(id.into());
            if waiver.is_some() {
                rows.unwaived.entry("closed").or_default().push(id.into());
            }
            self.count(&finding.scope, ending.as_str());
        } else {
            if finding.unjudged.is_none() {
                finding.unjudged = Some(taken.clone());
                finding.unjudged_scan = Some(self.scan);
            }
            self.tally_open(&finding);
        }
        rows.findings.push(finding);
    }

    fn write_findings(&self, database: &mut dyn Database, rows: Rows) -> Result<(), Trouble> {
        let (taken, scan) = (Value::from(&self.observation.taken), Value::from(self.scan));
        let columns: Vec<&str> = FINDING.split(", ").map(str::trim).collect();
        let updates: Vec<String> = columns
            .iter()
            .skip(1)
            .map(|column| format!("{column} = excluded.{column}"))
            .collect();
        let head = format!("INSERT INTO findings ({FINDING})");
        let tail = format!("ON CONFLICT (id) DO UPDATE SET {}", updates.join(", "));
        let values: Vec<Vec<Value>> = rows.findings.iter().map(rows::finding_values).collect();
        insert(database, &head, &tail, &values)?;
        let head = "INSERT INTO spells (finding, opened, opened_scan, certain)";
        insert(database, head, "", &rows.spells)?;
        let statement = "UPDATE spells SET certain = 1 WHERE closed IS NULL AND finding IN {keys}";
        for_keys(database, statement, &[], &rows.certain)?;
        for (ending, ids) in &rows.endings {
            let statement = "UPDATE spells SET closed = $1, closed_scan = $2, ending = $3 \
                             WHERE closed IS NULL AND finding IN {keys}";
            let fixed = [taken.clone(), scan.clone(), ending.as_str().into()];
            for_keys(database, statement, &fixed, ids)?;
        }
        for (why, ids) in &rows.unwaived {
            let statement = "UPDATE waivers SET ended = $1, ended_scan = $2, ending = $3 \
                             WHERE ended IS NULL AND finding IN {keys}";
            for_keys(database, statement, &[taken.clone(), scan.clone(), (*why).into()], ids)?;
        }
        let head = "INSERT INTO waivers (finding, since, since_scan, reason, owner, ticket, until)";
        insert(database, head, "", &rows.waivers)
    }

    fn machines(&mut self, database: &mut dyn Database) -> Result<(), Trouble> {
        let scopes = self.scopes();
        let question = format!("SELECT {MACHINE} FROM machines WHERE scope IN {{keys}}");
        let known = ask_for_keys(database, &question, &scopes)?;
        let mut known: HashMap<(String, String), _> = known
            .iter()
            .map(rows::machine)
            .map(|held| ((held.0.resource.clone(), held.0.scope.clone()), held))
            .collect();
        let mut free = next(database, "machines")?;
        let (mut machines, mut judgements) = (Vec::new(), Vec::new());
        let mut twice = HashSet::new();
        for seen in &self.observation.machines {
            if !self.sight.covers(&seen.scope) || !twice.insert((&seen.resource, &seen.scope)) {
                continue;
            }
            let held = known.remove(&(seen.resource.clone(), seen.scope.clone()));
            let id = held.as_ref().map_or(free, |held| held.0.id);
            free += i64::from(held.is_none());
            let same = held.as_ref().is_some_and(|(machine, verdict, exposure)| {
                machine.gone.is_none() && *verdict == seen.verdict && *exposure == seen.exposure
            });
            if !same {
                judgements.push(self.judgement(id, seen));
            }
            let first = held.map_or_else(|| self.observation.taken.clone(), |held| held.0.first_seen);
            machines.push(self.machine(id, seen, &first));
            self.tally_machine(seen);
        }
        let left = known.into_values().filter(|(machine, ..)| machine.gone.is_none());
        let mut gone: Vec<Value> = Vec::new();
        for (machine, ..) in left {
            if self.sight.is_whole(&machine.scope) {
                gone.push(machine.id.into());
            } else {
                self.count(&machine.scope, "machines");
                self.count(&machine.scope, "unread");
            }
        }
        self.write_machines(database, &machines, &judgements, &gone)
    }

    fn machine(&self, id: i64, seen: &SeenMachine, first_seen: &str) -> Vec<Value> {
        vec![
            id.into(),
            Value::from(&seen.resource),
            Value::from(&seen.scope),
            Value::from(&seen.name),
            Value::from(&seen.subscription),
            Value::from(&seen.resource_group),
            Value::from(&seen.owner),
            seen.verdict.as_str().into(),
            Value::from(&seen.exposure),
            first_seen.into(),
            Value::from(&self.observation.taken),
            Value::Null,
        ]
    }

    fn judgement(&self, id: i64, seen: &SeenMachine) -> Vec<Value> {
        vec![
            id.into(),
            self.scan.into(),
            Value::from(&self.observation.taken),
            seen.verdict.as_str().into(),
            Value::from(&seen.exposure),
            Value::from(&seen.because),
        ]
    }

    fn write_machines(
        &self,
        database: &mut dyn Database,
        machines: &[Vec<Value>],
        judgements: &[Vec<Value>],
        gone: &[Value],
    ) -> Result<(), Trouble> {
        let head = "INSERT INTO machines (id, resource, scope, name, subscription, resource_group, owner, verdict, \
                    exposure, first_seen, last_seen, gone)";
        let tail = "ON CONFLICT (id) DO UPDATE SET name = excluded.name, subscription = excluded.subscription, \
                    resource_group = excluded.resource_group, owner = excluded.owner, verdict = excluded.verdict, \
                    exposure = excluded.exposure, last_seen = excluded.last_seen, gone = excluded.gone";
        insert(database, head, tail, machines)?;
        let head = "INSERT INTO judgements (machine, scan, taken, verdict, exposure, because)";
        insert(database, head, "", judgements)?;
        let statement = "UPDATE machines SET gone = $1 WHERE id IN {keys}";
        for_keys(database, statement, &[Value::from(&self.observation.taken)], gone)
    }

    fn count(&mut self, scope: &str, measure: &str) {
        let key = (scope.to_owned(), measure.to_owned());
        *self.tallies.entry(key).or_default() += 1;
    }

    fn tally_open(&mut self, finding: &KeptFinding) {
        if finding.waived {
            return self.count(&finding.scope, "waived");
        }
        self.count(&finding.scope, "open");
        match finding.severity {
            Severity::Critical => self.count(&finding.scope, "critical"),
            Severity::High => self.count(&finding.scope, "high"),
            _ => {}
        }
        if finding.unjudged.is_some() {
            self.count(&finding.scope, "unjudged");
        }
    }

    fn tally_machine(&mut self, machine: &SeenMachine) {
        self.count(&machine.scope, "machines");
        self.count(&machine.scope, machine.verdict.as_str());
        if machine.exposed {
            self.count(&machine.scope, "exposed");
        }
    }

    fn write_tallies(&self, database: &mut dyn Database) -> Result<(), Trouble> {
        let row = |((scope, measure), count): (&(String, String), &i64)| {
            vec![
                self.scan.into(),
                Value::from(scope),
                Value::from(measure),
                (*count).into(),
            ]
        };
        let rows: Vec<Vec<Value>> = self.tallies.iter().map(row).collect();
        insert(database, "INSERT INTO tallies (scan, scope, measure, count)", "", &rows)
    }
}

/// Each finding once; of two with one fingerprint the first, which is the worse.
fn unique(findings: &[SeenFinding]) -> impl Iterator<Item = &SeenFinding> {
    let mut seen = HashSet::new();
    findings
        .iter()
        .filter(move |finding| seen.insert((&finding.fingerprint, &finding.scope)))
}
