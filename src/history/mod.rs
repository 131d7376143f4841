//! What scans found, night after night, in one database: since when a finding is open, when it was fixed, who waived it,
//! what nobody could judge. One scan is one transaction. Must not know reports, and never calls fixed what was not judged.

pub mod address;
pub mod change;
mod database;
pub mod model;
pub mod moment;
mod notices;
mod postgres;
mod prune;
mod read;
mod record;
mod rows;
mod schema;
mod sqlite;
pub mod statistics;

pub use address::Address;
pub use database::Trouble;
pub use prune::{Pruned, Retention};

use std::collections::BTreeMap;

use database::Database;
use model::{Changes, JudgedRule, KeptFinding, KeptMachine, KeptScan, Observation, Past, Point};

/// An open history.
pub struct History {
    database: Box<dyn Database>,
    name: String,
}

/// What recording a scan brought.
#[derive(Debug)]
pub struct Recorded {
    pub scan: i64,
    pub changes: Changes,
    /// Parts of which the history holds a younger scan: kept as evidence, and nothing else.
    pub late: Vec<String>,
}

impl History {
    /// Opens a history and brings its tables to the present version; `create`: begins one where there is none.
    pub fn open(address: &Address, create: bool) -> Result<History, Trouble> {
        let database: Box<dyn Database> = match address {
            Address::File(path) => Box::new(sqlite::Sqlite::open(path, create)?),
            Address::Server(server) => Box::new(postgres::Postgres::open(server)?),
        };
        let mut history = History {
            database,
            name: address.shown(),
        };
        schema::migrate(history.database.as_mut(), &history.name)?;
        Ok(history)
    }

    /// The address without secrets.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Writes down one scan, whole or not at all.
    pub fn record(&mut self, observation: &Observation) -> Result<Recorded, Trouble> {
        transaction(self.database.as_mut(), |database| record::record(database, observation))
    }

    /// Every scan, oldest first.
    pub fn scans(&mut self) -> Result<Vec<KeptScan>, Trouble> {
        self.reading(read::scans)
    }

    /// The scan of a number; the last one for `None`.
    pub fn scan(&mut self, id: Option<i64>) -> Result<KeptScan, Trouble> {
        let name = self.name.clone();
        let mut scans = self.scans()?;
        match id {
            None => scans
                .pop()
                .ok_or_else(|| Trouble(format!("history `{name}` holds no scan"))),
            Some(id) => scans.into_iter().find(|scan| scan.id == id).ok_or_else(|| {
                Trouble(format!(
                    "history `{name}` holds no scan {id}; `history list` shows those it holds"
                ))
            }),
        }
    }

    /// The last scan that was taken by a moment.
    pub fn scan_by(&mut self, moment: &str) -> Result<KeptScan, Trouble> {
        let mut scans = self.scans()?;
        scans.retain(|scan| scan.taken.as_str() <= moment);
        scans.pop().ok_or_else(|| {
            Trouble(format!(
                "history `{}` holds no scan of {moment} or before; `history list` shows those it holds",
                self.name
            ))
        })
    }

    /// The rules that a scan evaluated.
    pub fn rules(&mut self, scan: i64) -> Result<Vec<JudgedRule>, Trouble> {
        self.reading(|database| read::rules(database, scan))
    }

    /// What a scan changed.
    pub fn changes(&mut self, scan: i64) -> Result<Changes, Trouble> {
        self.reading(|database| read::changes(database, scan))
    }

    /// Every finding with all that became of it.
    pub fn findings(&mut self) -> Result<Vec<KeptFinding>, Trouble> {
        self.reading(read::findings)
    }

    /// Every machine with the verdicts that it had.
    pub fn machines(&mut self) -> Result<Vec<KeptMachine>, Trouble> {
        self.reading(read::machines)
    }

    /// One point for each run, oldest first.
    pub fn trend(&mut self) -> Result<Vec<Point>, Trouble> {
        self.reading(read::trend)
    }

    /// All of it, of one moment.
    pub fn past(&mut self) -> Result<Past, Trouble> {
        self.reading(|database| {
            let points = read::trend(database)?;
            Ok(Past {
                now: points.last().map(|point| point.taken.clone()).unwrap_or_default(),
                points,
                scans: read::scans(database)?,
                findings: read::findings(database)?,
                machines: read::machines(database)?,
            })
        })
    }

    /// The figures of each part of the estate after each scan that covered it; none where a younger scan was known.
    pub fn figures(&mut self) -> Result<BTreeMap<(i64, String), Point>, Trouble> {
        self.reading(read::figures)
    }

    /// The scans that hold for some part of the estate: the last one of each, of those that were taken by a moment.
    pub fn latest(&mut self, by: Option<&str>) -> Result<Vec<i64>, Trouble> {
        self.reading(|database| read::latest(database, by))
    }

    /// The compressed report of a scan, where it is kept.
    pub fn evidence(&mut self, scan: i64) -> Result<Option<Vec<u8>>, Trouble> {
        self.reading(|database| read::evidence(database, scan))
    }

    /// Claims the scans that a channel has not been told of, up to the newest; see [`notices`].
    pub fn claim_notices(&mut self, channel: &str, newest: i64, now: &str) -> Result<Vec<i64>, Trouble> {
        transaction(self.database.as_mut(), |database| {
            notices::claim(database, channel, newest, now)
        })
    }

    /// Notes that a channel has been told of a scan, or that there was nothing to tell.
    pub fn notice_sent(&mut self, channel: &str, scan: i64, digest: &str, now: &str) -> Result<(), Trouble> {
        transaction(self.database.as_mut(), |database| {
            notices::sent(database, channel, scan, digest, now)
        })
    }

    /// Gives a claim back.
    pub fn notice_failed(&mut self, channel: &str, scan: i64) -> Result<(), Trouble> {
        transaction(self.database.as_mut(), |database| {
            notices::failed(database, channel, scan)
        })
    }

    /// Forgets what is older than asked, and nothing that is open.
    pub fn prune(&mut self, retention: &Retention) -> Result<Pruned, Trouble> {
        let pruned = transaction(self.database.as_mut(), |database| prune::prune(database, retention))?;
        self.database.compact()?;
        Ok(pruned)
    }

    fn reading<T>(&mut self, read: impl FnOnce(&mut dyn Database) -> Result<T, Trouble>) -> Result<T, Trouble> {
        let database = self.database.as_mut();
        database.begin_reading()?;
        finished(database, read)
    }
}

/// Does all of it or nothing, with no other writer in between.
fn transaction<T>(
    database: &mut dyn Database,
    write: impl FnOnce(&mut dyn Database) -> Result<T, Trouble>,
) -> Result<T, Trouble> {
    database.begin_writing()?;
    finished(database, write)
}

fn finished<T>(
    database: &mut dyn Database,
    act: impl FnOnce(&mut dyn Database) -> Result<T, Trouble>,
) -> Result<T, Trouble> {
    match act(database) {
        Ok(done) => database.run("COMMIT", &[]).map(|_| done),
        Err(trouble) => {
            // What failed is what people need to hear of; an ended connection has rolled back by itself.
            let _ = database.run("ROLLBACK", &[]);
            Err(trouble)
        }
    }
}
