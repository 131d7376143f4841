//! The tables, and how older ones become them. A version is a list of statements; what has been published is never
//! changed, only continued.

use super::database::{Database, Trouble, Value};

/// Each version's statements; the last makes the present one. `BYTES` stands for the database's word for bytes.
const VERSIONS: &[&[&str]] = &[
    // 1: scans, what they covered and judged, findings with their openings, waivers, machines with their verdicts.
    &[
        "CREATE TABLE schema_version (version BIGINT NOT NULL)",
        "CREATE TABLE scans (
            id BIGINT PRIMARY KEY, run TEXT NOT NULL, taken TEXT NOT NULL, written TEXT NOT NULL, tool TEXT NOT NULL,
            digest TEXT NOT NULL, inputs TEXT NOT NULL, complete BIGINT NOT NULL, lost TEXT NOT NULL)",
        "CREATE INDEX scans_taken ON scans (taken)",
        "CREATE TABLE coverage (
            scan BIGINT NOT NULL REFERENCES scans (id) ON DELETE CASCADE, scope TEXT NOT NULL, name TEXT,
            complete BIGINT NOT NULL, missing TEXT NOT NULL, applied BIGINT NOT NULL, PRIMARY KEY (scan, scope))",
        "CREATE INDEX coverage_scope ON coverage (scope)",
        "CREATE TABLE rules (
            scan BIGINT NOT NULL REFERENCES scans (id) ON DELETE CASCADE, rule TEXT NOT NULL, title TEXT NOT NULL,
            severity TEXT NOT NULL, digest TEXT NOT NULL, standards TEXT NOT NULL, PRIMARY KEY (scan, rule))",
        "CREATE TABLE tallies (
            scan BIGINT NOT NULL REFERENCES scans (id) ON DELETE CASCADE, scope TEXT NOT NULL, measure TEXT NOT NULL,
            count BIGINT NOT NULL, PRIMARY KEY (scan, scope, measure))",
        "CREATE TABLE findings (
            id BIGINT PRIMARY KEY, fingerprint TEXT NOT NULL, scope TEXT NOT NULL, rule TEXT NOT NULL,
            rule_digest TEXT NOT NULL, severity TEXT NOT NULL, verdict TEXT NOT NULL, kind TEXT NOT NULL,
            subject TEXT NOT NULL, resource TEXT NOT NULL, subscription TEXT NOT NULL, resource_group TEXT NOT NULL,
            machine TEXT NOT NULL, owner TEXT NOT NULL, message TEXT NOT NULL, state TEXT NOT NULL,
            first_seen TEXT NOT NULL, last_seen TEXT NOT NULL, opened TEXT NOT NULL, closed TEXT,
            openings BIGINT NOT NULL, waived BIGINT NOT NULL, unjudged TEXT, unjudged_scan BIGINT,
            UNIQUE (fingerprint, scope))",
        "CREATE INDEX findings_scope ON findings (scope)",
        "CREATE TABLE spells (
            finding BIGINT NOT NULL REFERENCES findings (id) ON DELETE CASCADE, opened TEXT NOT NULL,
            opened_scan BIGINT NOT NULL, certain BIGINT NOT NULL, closed TEXT, closed_scan BIGINT, ending TEXT,
            PRIMARY KEY (finding, opened_scan))",
        "CREATE INDEX spells_opened_scan ON spells (opened_scan)",
        "CREATE INDEX spells_closed_scan ON spells (closed_scan)",
        "CREATE TABLE waivers (
            finding BIGINT NOT NULL REFERENCES findings (id) ON DELETE CASCADE, since TEXT NOT NULL,
            since_scan BIGINT NOT NULL, ended TEXT, ended_scan BIGINT, ending TEXT, reason TEXT NOT NULL, owner TEXT,
            ticket TEXT, until TEXT, PRIMARY KEY (finding, since_scan))",
        "CREATE TABLE machines (
            id BIGINT PRIMARY KEY, resource TEXT NOT NULL, scope TEXT NOT NULL, name TEXT NOT NULL,
            subscription TEXT NOT NULL, resource_group TEXT NOT NULL, owner TEXT NOT NULL, verdict TEXT NOT NULL,
            exposure TEXT NOT NULL, first_seen TEXT NOT NULL, last_seen TEXT NOT NULL, gone TEXT,
            UNIQUE (resource, scope))",
        "CREATE INDEX machines_scope ON machines (scope)",
        "CREATE TABLE judgements (
            machine BIGINT NOT NULL REFERENCES machines (id) ON DELETE CASCADE, scan BIGINT NOT NULL,
            taken TEXT NOT NULL, verdict TEXT NOT NULL, exposure TEXT NOT NULL, because TEXT NOT NULL,
            PRIMARY KEY (machine, scan))",
        "CREATE TABLE evidence (
            scan BIGINT PRIMARY KEY REFERENCES scans (id) ON DELETE CASCADE, report BYTES NOT NULL)",
    ],
    // 2: what was sent to whom, so that nothing is sent twice and what failed is sent later.
    &[
        "CREATE TABLE notices (
            scan BIGINT NOT NULL, channel TEXT NOT NULL, digest TEXT NOT NULL, made TEXT NOT NULL, sent TEXT,
            attempts BIGINT NOT NULL, PRIMARY KEY (scan, channel))",
        "CREATE INDEX notices_digest ON notices (channel, digest)",
    ],
    // 3: the other parts of the estate that a finding rested on when it was last seen.
    &["ALTER TABLE findings ADD COLUMN rests_on TEXT NOT NULL DEFAULT '[]'"],
];

/// The version that this program writes.
pub fn present() -> i64 {
    i64::try_from(VERSIONS.len()).unwrap_or(i64::MAX)
}

/// The version that a database states, where it has the table for that.
pub fn stated(database: &mut dyn Database, known: bool) -> Result<i64, Trouble> {
    if !known {
        return Ok(0);
    }
    let rows = database.ask("SELECT version FROM schema_version", &[])?;
    Ok(rows.first().map_or(0, |row| row.number(0)))
}

/// Brings the tables to the present version. Two programs that try at once do it one after the other.
pub fn migrate(database: &mut dyn Database, name: &str) -> Result<(), Trouble> {
    if database.version()? == present() {
        return Ok(());
    }
    super::transaction(database, |database| {
        let found = database.version()?;
        if found > present() {
            return Err(Trouble(format!(
                "history `{name}` was written by a newer portcullis (version {found} of the tables, this one reads {}); \
                 install that one",
                present()
            )));
        }
        let done = usize::try_from(found).unwrap_or(0);
        for statement in VERSIONS.iter().skip(done).copied().flatten() {
            let statement = statement.replace("BYTES", database.bytes_type());
            database.run(&statement, &[])?;
        }
        database.run("DELETE FROM schema_version", &[])?;
        let version = [Value::from(present())];
        database
            .run("INSERT INTO schema_version (version) VALUES ($1)", &version)
            .map(drop)
    })
}
