//! Forgetting: scans and findings that are over and older than asked. What is open, and the last scan of each part, stays.

use super::database::{Database, Trouble, Value, for_keys};

/// What to forget.
#[derive(Clone, Debug)]
pub enum Retention {
    /// Scans taken before this moment (RFC 3339 UTC), and what was over by then.
    Before(String),
    /// Reports kept as evidence from before this moment; scans and findings stay.
    EvidenceBefore(String),
    /// A part of the estate that is scanned no more, with everything that is known of it.
    Scope(String),
}

/// What was forgotten.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    pub scans: u64,
    pub findings: u64,
    pub machines: u64,
    pub reports: u64,
}

pub fn prune(database: &mut dyn Database, retention: &Retention) -> Result<Pruned, Trouble> {
    match retention {
        Retention::Before(moment) => before(database, moment),
        Retention::EvidenceBefore(moment) => Ok(Pruned {
            reports: evidence_before(database, moment)?,
            ..Pruned::default()
        }),
        Retention::Scope(scope) => of_scope(database, scope),
    }
}

/// Scans of which each part has a younger one, so that the present state never loses its ground.
const OLD_SCANS: &str = "SELECT s.id FROM scans s WHERE s.taken < $1 AND NOT EXISTS (
    SELECT 1 FROM coverage c WHERE c.scan = s.id AND c.applied = 1 AND NOT EXISTS (
        SELECT 1 FROM coverage y JOIN scans t ON t.id = y.scan
        WHERE y.scope = c.scope AND y.applied = 1 AND (t.taken > s.taken OR (t.taken = s.taken AND t.id > s.id))))";

fn before(database: &mut dyn Database, moment: &str) -> Result<Pruned, Trouble> {
    let moment = Value::from(moment);
    let over = "DELETE FROM findings WHERE state <> 'open' AND closed < $1";
    let findings = database.run(over, std::slice::from_ref(&moment))?;
    database.run(
        "DELETE FROM spells WHERE closed IS NOT NULL AND closed < $1",
        std::slice::from_ref(&moment),
    )?;
    database.run(
        "DELETE FROM waivers WHERE ended IS NOT NULL AND ended < $1",
        std::slice::from_ref(&moment),
    )?;
    let machines = database.run(
        "DELETE FROM machines WHERE gone IS NOT NULL AND gone < $1",
        std::slice::from_ref(&moment),
    )?;
    // The verdict that held at that moment is the beginning of what is kept.
    let verdicts = "DELETE FROM judgements WHERE taken < $1 AND EXISTS (
        SELECT 1 FROM judgements y WHERE y.machine = judgements.machine AND y.taken < $1 AND
        (y.taken > judgements.taken OR (y.taken = judgements.taken AND y.scan > judgements.scan)))";
    database.run(verdicts, std::slice::from_ref(&moment))?;
    let old: Vec<Value> = database
        .ask(OLD_SCANS, &[moment])?
        .iter()
        .map(|row| row.number(0).into())
        .collect();
    let reports = database.ask("SELECT COUNT(*) FROM evidence", &[])?;
    for_keys(database, "DELETE FROM notices WHERE scan IN {keys}", &[], &old)?;
    for_keys(database, "DELETE FROM scans WHERE id IN {keys}", &[], &old)?;
    let left = database.ask("SELECT COUNT(*) FROM evidence", &[])?;
    let count = |rows: &[super::database::Row]| rows.first().map_or(0, |row| row.number(0));
    Ok(Pruned {
        scans: old.len() as u64,
        findings,
        machines,
        reports: u64::try_from(count(&reports) - count(&left)).unwrap_or_default(),
    })
}

fn evidence_before(database: &mut dyn Database, moment: &str) -> Result<u64, Trouble> {
    let statement = "DELETE FROM evidence WHERE scan IN (SELECT id FROM scans WHERE taken < $1)";
    database.run(statement, &[moment.into()])
}

fn of_scope(database: &mut dyn Database, scope: &str) -> Result<Pruned, Trouble> {
    let scope = Value::from(scope);
    let findings = database.run("DELETE FROM findings WHERE scope = $1", std::slice::from_ref(&scope))?;
    let machines = database.run("DELETE FROM machines WHERE scope = $1", std::slice::from_ref(&scope))?;
    database.run("DELETE FROM tallies WHERE scope = $1", std::slice::from_ref(&scope))?;
    database.run("DELETE FROM coverage WHERE scope = $1", &[scope])?;
    let bare = "DELETE FROM scans WHERE id NOT IN (SELECT scan FROM coverage)";
    let scans = database.run(bare, &[])?;
    Ok(Pruned {
        scans,
        findings,
        machines,
        reports: scans,
    })
}
