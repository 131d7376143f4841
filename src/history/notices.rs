//! Which scans each channel has been told of: nothing is sent twice, and what did not get through is sent by a later run. A
//! claim is a row that is written before anything is sent, so that two runs at once do not send the same.

use super::database::{Database, Trouble, Value};
use super::statistics::seconds_before;

/// A claim that is so old is of a run that ended before it could say how it went.
const STALE_SECONDS: i64 = 900;

/// Later a message is no news, and its channel is broken in a way that somebody has to mend.
const MOST_ATTEMPTS: i64 = 10;

/// Claims the scans that a channel has not been told of. A channel that was never told anything begins with the newest.
pub fn claim(database: &mut dyn Database, channel: &str, newest: i64, now: &str) -> Result<Vec<i64>, Trouble> {
    let name = Value::from(channel);
    let known = database.ask(
        "SELECT MAX(scan) FROM notices WHERE channel = $1",
        std::slice::from_ref(&name),
    )?;
    let last = known
        .first()
        .and_then(|row| row.optional_number(0))
        .unwrap_or(newest - 1);
    let fresh = "SELECT id FROM scans WHERE id > $1 AND id <= $2 ORDER BY id";
    let mut scans: Vec<i64> = numbers(database, fresh, &[last.into(), newest.into()])?;
    for scan in &scans {
        let statement =
            "INSERT INTO notices (scan, channel, digest, made, sent, attempts) VALUES ($1, $2, '', $3, NULL, 1)";
        database.run(statement, &[(*scan).into(), name.clone(), now.into()])?;
    }
    let stale =
        "SELECT scan FROM notices WHERE channel = $1 AND sent IS NULL AND made < $2 AND attempts < $3 ORDER BY scan";
    let before = seconds_before(now, STALE_SECONDS);
    let again = numbers(
        database,
        stale,
        &[name.clone(), before.as_str().into(), MOST_ATTEMPTS.into()],
    )?;
    for scan in &again {
        let statement = "UPDATE notices SET made = $1, attempts = attempts + 1 WHERE scan = $2 AND channel = $3";
        database.run(statement, &[now.into(), (*scan).into(), name.clone()])?;
    }
    scans.extend(again);
    scans.sort_unstable();
    Ok(scans)
}

fn numbers(database: &mut dyn Database, question: &str, values: &[Value]) -> Result<Vec<i64>, Trouble> {
    Ok(database
        .ask(question, values)?
        .iter()
        .map(|row| row.number(0))
        .collect())
}

/// Notes that a channel has been told, or that there was nothing to tell; `digest` is of what was sent.
pub fn sent(database: &mut dyn Database, channel: &str, scan: i64, digest: &str, now: &str) -> Result<(), Trouble> {
    let statement = "UPDATE notices SET sent = $1, digest = $2 WHERE scan = $3 AND channel = $4";
    database
        .run(statement, &[now.into(), digest.into(), scan.into(), channel.into()])
        .map(drop)
}

/// Gives a claim back, so that the next run tries again at once.
pub fn failed(database: &mut dyn Database, channel: &str, scan: i64) -> Result<(), Trouble> {
    let statement = "UPDATE notices SET made = '' WHERE scan = $1 AND channel = $2 AND sent IS NULL";
    database.run(statement, &[scan.into(), channel.into()]).map(drop)
}
