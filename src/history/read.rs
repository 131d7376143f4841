//! Questions to the tables. Runs within one transaction, so that all answers are of one moment.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::database::{Database, Row, Trouble, Value, ask_for_keys};
use super::model::{
    Changes, Covered, JudgedRule, KeptFinding, KeptJudgement, KeptMachine, KeptScan, MOVED, Measure, Point, STANDING,
    Spell, State, WaiverSpell,
};
use super::moment::{self, Moment};
use super::rows::{self, COVERED, FINDING, MACHINE, SPELL, WAIVER, parsed};
use crate::rule::Severity;

/// Every scan, oldest first.
pub fn scans(database: &mut dyn Database) -> Result<Vec<KeptScan>, Trouble> {
    let question = format!("SELECT {COVERED} FROM coverage ORDER BY scan, scope");
    let mut coverage = grouped(database.ask(&question, &[])?.iter().map(rows::covered));
    let question = "SELECT scan, scope FROM coverage WHERE applied = 0 ORDER BY scan, scope";
    let mut late = grouped(
        database
            .ask(question, &[])?
            .iter()
            .map(|row| (row.number(0), row.text(1))),
    );
    let question = "SELECT s.id, s.run, s.taken, s.written, s.tool, s.digest, s.inputs, s.complete, s.lost, \
                    CAST(CASE WHEN e.scan IS NULL THEN 0 ELSE 1 END AS BIGINT) \
                    FROM scans s LEFT JOIN evidence e ON e.scan = s.id ORDER BY s.taken, s.id";
    let scan = |row: &Row| KeptScan {
        id: row.number(0),
        run: row.text(1),
        taken: row.text(2),
        written: row.text(3),
        tool: row.text(4),
        digest: row.text(5),
        inputs: parsed(&row.text(6)),
        complete: row.holds(7),
        lost: parsed(&row.text(8)),
        coverage: coverage.remove(&row.number(0)).unwrap_or_default(),
        late: late.remove(&row.number(0)).unwrap_or_default(),
        evidence: row.holds(9),
    };
    Ok(database.ask(question, &[])?.iter().map(scan).collect())
}

/// The rules that a scan evaluated.
pub fn rules(database: &mut dyn Database, scan: i64) -> Result<Vec<JudgedRule>, Trouble> {
    let question = "SELECT rule, title, severity, digest, standards FROM rules WHERE scan = $1 ORDER BY rule";
    let rule = |row: &Row| JudgedRule {
        id: row.text(0),
        title: row.text(1),
        severity: Severity::parse(&row.text(2)).unwrap_or(Severity::Info),
        digest: row.text(3),
        standards: parsed(&row.text(4)),
    };
    Ok(database.ask(question, &[scan.into()])?.iter().map(rule).collect())
}

/// Every finding with all that became of it, in the order in which they were first seen.
pub fn findings(database: &mut dyn Database) -> Result<Vec<KeptFinding>, Trouble> {
    let question = format!("SELECT {FINDING} FROM findings ORDER BY id");
    let mut findings: Vec<KeptFinding> = database.ask(&question, &[])?.iter().map(rows::finding).collect();
    let question = format!("SELECT {SPELL} FROM spells ORDER BY finding, opened_scan");
    let spells = database.ask(&question, &[])?;
    let question = format!("SELECT {WAIVER} FROM waivers ORDER BY finding, since_scan");
    let waivers = database.ask(&question, &[])?;
    join(&mut findings, &spells, &waivers);
    Ok(findings)
}

/// Those with these numbers, in that order.
fn some_findings(database: &mut dyn Database, ids: &[Value]) -> Result<Vec<KeptFinding>, Trouble> {
    let of = |table: &str, columns: &str, key: &str| format!("SELECT {columns} FROM {table} WHERE {key} IN {{keys}}");
    let found = ask_for_keys(database, &of("findings", FINDING, "id"), ids)?;
    let mut findings: Vec<KeptFinding> = found.iter().map(rows::finding).collect();
    findings.sort_by_key(|finding| finding.id);
    let spells = ask_for_keys(
        database,
        &(of("spells", SPELL, "finding") + " ORDER BY finding, opened_scan"),
        ids,
    )?;
    let waivers = ask_for_keys(
        database,
        &(of("waivers", WAIVER, "finding") + " ORDER BY finding, since_scan"),
        ids,
    )?;
    join(&mut findings, &spells, &waivers);
    Ok(findings)
}

fn join(findings: &mut [KeptFinding], spells: &[Row], waivers: &[Row]) {
    let mut spells: HashMap<i64, Vec<Spell>> = grouped(spells.iter().map(rows::spell));
    let mut waivers: HashMap<i64, Vec<WaiverSpell>> = grouped(waivers.iter().map(rows::waiver));
    for finding in findings {
        finding.spells = spells.remove(&finding.id).unwrap_or_default();
        finding.waivers = waivers.remove(&finding.id).unwrap_or_default();
    }
}

fn grouped<T>(pairs: impl Iterator<Item = (i64, T)>) -> HashMap<i64, Vec<T>> {
    let mut groups: HashMap<i64, Vec<T>> = HashMap::new();
    pairs.for_each(|(key, value)| groups.entry(key).or_default().push(value));
    groups
}

/// Every machine with the verdicts that it had.
pub fn machines(database: &mut dyn Database) -> Result<Vec<KeptMachine>, Trouble> {
    let question =
        "SELECT machine, scan, taken, verdict, exposure, because FROM judgements ORDER BY machine, taken, scan";
    let judgement = |row: &Row| {
        let judgement = KeptJudgement {
            scan: row.number(1),
            taken: row.text(2),
            verdict: rows::verdict(&row.text(3)),
            exposure: row.text(4),
            because: row.text(5),
        };
        (row.number(0), judgement)
    };
    let mut judgements = grouped(database.ask(question, &[])?.iter().map(judgement));
    let question = format!("SELECT {MACHINE} FROM machines ORDER BY resource, scope");
    let machine = |row: &Row| {
        let (mut machine, ..) = rows::machine(row);
        machine.judgements = judgements.remove(&machine.id).unwrap_or_default();
        machine
    };
    Ok(database.ask(&question, &[])?.iter().map(machine).collect())
}

/// What a scan changed.
pub fn changes(database: &mut dyn Database, scan: i64) -> Result<Changes, Trouble> {
    let question = "SELECT finding FROM spells WHERE opened_scan = $1 OR closed_scan = $1 \
                    UNION SELECT id FROM findings WHERE unjudged_scan = $1 \
                    UNION SELECT finding FROM waivers WHERE since_scan = $1 OR ended_scan = $1";
    let ids: Vec<Value> = database
        .ask(question, &[scan.into()])?
        .iter()
        .map(|row| row.number(0).into())
        .collect();
    let question = "SELECT taken FROM scans WHERE id = $1";
    let taken = database.ask(question, &[scan.into()])?;
    let taken = taken.first().map(|row| row.text(0)).unwrap_or_default();
    let moment = Moment { taken: &taken, scan };
    let mut changes = Changes::default();
    // As they stood then: what became of them later is no news of this scan.
    let findings = some_findings(database, &ids)?.into_iter();
    for finding in findings.filter_map(|one| moment::finding(one, moment)) {
        sort_in(&mut changes, finding, scan);
    }
    (changes.lost, changes.regained) = coverage_changes(database, scan)?;
    Ok(changes)
}

/// A finding may have changed in several ways at once: reopened and waived.
fn sort_in(changes: &mut Changes, finding: KeptFinding, scan: i64) {
    let began = finding.spells.iter().find(|spell| spell.opened_scan == scan);
    // After pruning the oldest spell that is left need not be the first.
    let first = began.map(|spell| spell.opened == finding.first_seen);
    let ending = finding.spells.iter().find(|spell| spell.closed_scan == Some(scan));
    let ending = ending.and_then(|spell| spell.ending);
    let waived = finding.waivers.iter().any(|waiver| waiver.since_scan == scan);
    let unwaived = finding.waivers.iter().any(|waiver| waiver.ended_scan == Some(scan)) && ending.is_none() && !waived;
    let list = match (first, ending) {
        (_, Some(State::Fixed)) => Some(&mut changes.fixed),
        (_, Some(State::Cleared)) => Some(&mut changes.cleared),
        (_, Some(State::Gone)) => Some(&mut changes.gone),
        (_, Some(State::Retired)) => Some(&mut changes.retired),
        (Some(true), _) => Some(&mut changes.opened),
        (Some(false), _) => Some(&mut changes.reopened),
        (None, _) => None,
    };
    list.into_iter().for_each(|list| list.push(finding.clone()));
    if waived {
        changes.waived.push(finding.clone());
    }
    if unwaived {
        changes.unwaived.push(finding.clone());
    }
    if finding.unjudged_scan == Some(scan) {
        changes.unjudged.push(finding);
    }
}

/// Parts that were read whole by the scan before and not by this one, and the other way round.
fn coverage_changes(database: &mut dyn Database, scan: i64) -> Result<(Vec<Covered>, Vec<Covered>), Trouble> {
    let question = format!("SELECT {COVERED} FROM coverage WHERE scan = $1 AND applied = 1 ORDER BY scope");
    let now = database.ask(&question, &[scan.into()])?;
    let question = "SELECT c.scope, c.complete FROM coverage c JOIN scans s ON s.id = c.scan \
                    WHERE c.applied = 1 AND c.scan <> $1 AND s.taken <= (SELECT taken FROM scans WHERE id = $1) \
                    AND c.scan < $1 ORDER BY s.taken, s.id";
    // The last one of each part stays.
    let before: HashMap<String, bool> = database
        .ask(question, &[scan.into()])?
        .iter()
        .map(|row| (row.text(0), row.holds(1)))
        .collect();
    let (mut lost, mut regained) = (Vec::new(), Vec::new());
    for (_, covered) in now.iter().map(rows::covered) {
        match (before.get(&covered.scope).copied().unwrap_or(true), covered.complete) {
            (true, false) => lost.push(covered),
            (false, true) => regained.push(covered),
            _ => {}
        }
    }
    Ok((lost, regained))
}

/// The trend, oldest point first: what was known after each run of everything, whether that run covered it or not.
pub fn trend(database: &mut dyn Database) -> Result<Vec<Point>, Trouble> {
    let question = "SELECT s.run, s.taken, s.id, c.scope, c.complete, c.applied FROM scans s \
                    LEFT JOIN coverage c ON c.scan = s.id ORDER BY s.taken, s.id, c.scope";
    let covered = database.ask(question, &[])?;
    let counts = counts(database)?;
    let mut order: Vec<String> = Vec::new();
    let mut runs: HashMap<String, Vec<&Row>> = HashMap::new();
    for row in &covered {
        let run = row.text(0);
        if !runs.contains_key(&run) {
            order.push(run.clone());
        }
        runs.entry(run).or_default().push(row);
    }
    let mut latest: BTreeMap<String, i64> = BTreeMap::new();
    let mut points = Vec::with_capacity(order.len());
    for run in order {
        let rows = runs.remove(&run).unwrap_or_default();
        points.push(point(run, &rows, &mut latest, &counts));
    }
    Ok(points)
}

/// Counts by scan, part of the estate and measure.
type Counts = HashMap<(i64, String), HashMap<String, i64>>;

fn counts(database: &mut dyn Database) -> Result<Counts, Trouble> {
    let mut counts = Counts::new();
    for row in database.ask("SELECT scan, scope, measure, count FROM tallies", &[])? {
        let measures = counts.entry((row.number(0), row.text(1))).or_default();
        measures.insert(row.text(2), row.number(3));
    }
    Ok(counts)
}

/// The figures of each part of the estate after each scan that covered it, unless a younger one was known.
pub fn figures(database: &mut dyn Database) -> Result<BTreeMap<(i64, String), Point>, Trouble> {
    let counts = counts(database)?;
    let question = "SELECT s.run, s.taken, s.id, c.scope, c.complete FROM scans s JOIN coverage c ON c.scan = s.id \
                    WHERE c.applied = 1";
    let figures = |row: &Row| {
        let key = (row.number(2), row.text(3));
        let mut point = Point {
            run: row.text(0),
            taken: row.text(1),
            scans: vec![key.0],
            complete: row.holds(4),
            covered: u64::from(row.holds(4)),
            scopes: 1,
            ..Point::default()
        };
        for measures in [STANDING, MOVED] {
            add(&mut point, measures, counts.get(&key));
        }
        (key, point)
    };
    Ok(database.ask(question, &[])?.iter().map(figures).collect())
}

fn point(run: String, rows: &[&Row], latest: &mut BTreeMap<String, i64>, counts: &Counts) -> Point {
    let mut point = Point {
        run,
        taken: rows.last().map(|row| row.text(1)).unwrap_or_default(),
        ..Point::default()
    };
    let mut whole = HashSet::new();
    for row in rows {
        let (scan, scope) = (row.number(2), row.text(3));
        if point.scans.last() != Some(&scan) {
            point.scans.push(scan);
        }
        if row.holds(5) {
            latest.insert(scope.clone(), scan);
            if row.holds(4) {
                whole.insert(scope.clone());
            } else {
                whole.remove(&scope);
            }
        }
    }
    for scan in point.scans.clone() {
        for scope in latest.keys() {
            add(&mut point, MOVED, counts.get(&(scan, scope.clone())));
        }
    }
    for (scope, scan) in latest.iter() {
        add(&mut point, STANDING, counts.get(&(*scan, scope.clone())));
    }
    point.covered = whole.len() as u64;
    point.scopes = latest.len() as u64;
    point.complete = point.covered == point.scopes;
    point
}

fn add(point: &mut Point, measures: &[Measure], counts: Option<&HashMap<String, i64>>) {
    let Some(counts) = counts else { return };
    for (name, place) in measures {
        let count = counts.get(*name).copied().unwrap_or_default();
        *place(point) += u64::try_from(count).unwrap_or_default();
    }
}

/// No scan is taken later.
const LAST_MOMENT: &str = "9999-12-31T23:59:59Z";

/// The scans that hold for some part of the estate: the last one of each that was taken by then.
pub fn latest(database: &mut dyn Database, by: Option<&str>) -> Result<Vec<i64>, Trouble> {
    let question = "SELECT c.scope, c.scan FROM coverage c JOIN scans s ON s.id = c.scan WHERE c.applied = 1 \
                    AND s.taken <= $1 ORDER BY s.taken, s.id";
    let last: BTreeMap<String, i64> = database
        .ask(question, &[by.unwrap_or(LAST_MOMENT).into()])?
        .iter()
        .map(|row| (row.text(0), row.number(1)))
        .collect();
    let mut scans: Vec<i64> = last.into_values().collect();
    scans.sort_unstable();
    scans.dedup();
    Ok(scans)
}

/// The report of a scan, compressed; `None` where it is not kept.
pub fn evidence(database: &mut dyn Database, scan: i64) -> Result<Option<Vec<u8>>, Trouble> {
    let rows = database.ask("SELECT report FROM evidence WHERE scan = $1", &[scan.into()])?;
    Ok(rows.first().map(|row| row.bytes(0).to_vec()))
}
