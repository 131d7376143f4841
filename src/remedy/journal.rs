//! The journal: what was intended, asked, answered and verified, as JSON lines of which each holds the digest of the
//! one before. It is what a run continues from, what is rolled back, and the audit trail. A line is on the disk before
//! the next call is made.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::Mutex;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::digest;
use super::plan::Plan;

/// What a line says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A run begins. The first carries the whole plan.
    Began {
        command: String,
        plan_digest: String,
        #[serde(skip_serializing_if = "Option::is_none", default)]
        plan: Option<Box<Plan>>,
        /// Who ran it, as the system calls them.
        by: String,
        /// How it was approved.
        approval: String,
        /// Where: the endpoint of Resource Manager, or a rehearsal.
        place: String,
    },
    /// A write will be asked for.
    Intended {
        step: u32,
        direction: Direction,
        /// What the fields are now.
        found: Option<Value>,
        /// What they will be.
        wanted: Option<Value>,
        /// Method and ARM id of the request.
        request: String,
        /// Digest of its body, where it has one.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        body: Option<String>,
    },
    /// The service said what a resource is.
    Read {
        step: u32,
        /// ARM id.
        target: String,
        outcome: String,
        #[serde(skip_serializing_if = "Option::is_none", default)]
        request_id: Option<String>,
    },
    /// The service answered a write or a question about a long operation, or did not.
    Answered {
        step: u32,
        call: String,
        outcome: String,
        #[serde(skip_serializing_if = "Option::is_none", default)]
        request_id: Option<String>,
    },
    /// The step holds, as a fresh reading shows.
    Verified {
        step: u32,
        direction: Direction,
        #[serde(skip_serializing_if = "Option::is_none", default)]
        request_id: Option<String>,
    },
    /// Nothing was written: it was so already, or must not be.
    Passed {
        step: u32,
        direction: Direction,
        why: String,
    },
    /// The run stopped here.
    Stopped { step: Option<u32>, why: String },
    /// The run came to its end.
    Ended { outcome: String },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    Apply,
    Rollback,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Line {
    pub number: u64,
    /// RFC 3339 UTC.
    pub time: String,
    #[serde(flatten)]
    pub event: Event,
    /// Digest of the line before; of the first line, empty.
    pub previous: String,
    /// Digest of this line without this member.
    pub digest: String,
}

/// Why a line could not be kept: nothing must be written to the service then.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("the journal cannot be written: {0}")]
pub struct NotKept(pub String);

/// Where lines go.
pub trait Record: Sync {
    /// Keeps a line so that it survives the end of the program.
    fn keep(&self, time: &str, event: Event) -> Result<(), NotKept>;
}

/// Lines, each tied to the one before.
#[derive(Clone, Debug, Default)]
pub struct Chain {
    pub lines: Vec<Line>,
}

impl Chain {
    /// The line that follows, and its text.
    pub fn next(&self, time: &str, event: Event) -> Result<(Line, String), NotKept> {
        let (number, previous) = self
            .lines
            .last()
            .map_or((1, String::new()), |line| (line.number + 1, line.digest.clone()));
        let mut line = Line {
            number,
            time: time.to_owned(),
            event,
            previous,
            digest: String::new(),
        };
        line.digest = line_digest(&line).map_err(|error| NotKept(error.to_string()))?;
        let text = serde_json::to_string(&line).map_err(|error| NotKept(error.to_string()))?;
        Ok((line, text + "\n"))
    }
}

fn line_digest(line: &Line) -> Result<String, serde_json::Error> {
    let bare = Line {
        digest: String::new(),
        ..line.clone()
    };
    Ok(digest::of(&serde_json::to_value(bare)?))
}

/// A journal as it was found.
#[derive(Clone, Debug)]
pub struct Found {
    pub chain: Chain,
    /// Bytes of a last line that was cut while it was written; the call behind it was not made.
    pub cut: usize,
}

/// Reads and checks a journal. The error names the first line that is not as it was written.
pub fn read(text: &str) -> Result<Found, String> {
    let mut chain = Chain::default();
    let mut rest = text;
    while let Some((written, behind)) = rest.split_once('\n') {
        let number = chain.lines.len() + 1;
        let line: Line =
            serde_json::from_str(written).map_err(|error| format!("line {number} is no line of a journal: {error}"))?;
        check(&chain, &line, number)?;
        chain.lines.push(line);
        rest = behind;
    }
    Ok(Found { chain, cut: rest.len() })
}

fn check(chain: &Chain, line: &Line, number: usize) -> Result<(), String> {
    let previous = chain.lines.last().map_or("", |line| &line.digest);
    if line.number != number as u64 || line.previous != previous {
        return Err(format!(
            "line {number} does not follow the line before it: lines were removed, added or moved"
        ));
    }
    let computed = line_digest(line).map_err(|error| error.to_string())?;
    if computed != line.digest {
        return Err(format!("line {number} was changed after it was written"));
    }
    Ok(())
}

/// Where a step stands, as the lines tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Standing {
    #[default]
    Untouched,
    /// Written perhaps, by us.
    Intended,
    Done,
    /// Taking it back was begun.
    Returning,
    /// Taken back, or found as it was.
    Returned,
}

/// How every step stands.
pub fn standings(chain: &Chain) -> BTreeMap<u32, Standing> {
    let mut standings = BTreeMap::new();
    for line in &chain.lines {
        let (step, standing) = match &line.event {
            Event::Intended {
                step,
                direction: Direction::Apply,
                ..
            } => (step, Standing::Intended),
            Event::Intended { step, .. } => (step, Standing::Returning),
            Event::Verified {
                step,
                direction: Direction::Apply,
                ..
            } => (step, Standing::Done),
            Event::Verified { step, .. } => (step, Standing::Returned),
            Event::Passed {
                step,
                direction: Direction::Rollback,
                ..
            } => (step, Standing::Returned),
            _ => continue,
        };
        standings.insert(*step, standing);
    }
    standings
}

/// Where the runs of the journal were.
pub fn place_of(chain: &Chain) -> Option<&str> {
    chain.lines.iter().find_map(|line| match &line.event {
        Event::Began { place, .. } => Some(place.as_str()),
        _ => None,
    })
}

/// The plan that the journal is of.
pub fn plan_of(chain: &Chain) -> Option<&Plan> {
    chain.lines.iter().find_map(|line| match &line.event {
        Event::Began { plan: Some(plan), .. } => Some(&**plan),
        _ => None,
    })
}

/// A journal in a file, held by one run at a time.
pub struct Journal {
    inner: Mutex<(File, Chain)>,
}

impl Journal {
    /// Opens or makes a journal and locks it. A cut last line is taken off: the call behind it was not made.
    pub fn open(path: &Path) -> Result<(Journal, Found), String> {
        let shown = path.display();
        let opened = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path);
        let mut file = opened.map_err(|error| format!("cannot open journal `{shown}`: {error}"))?;
        if file.try_lock().is_err() {
            return Err(format!(
                "journal `{shown}` is in use: another run holds it; wait until it ends"
            ));
        }
        let mut text = String::new();
        file.read_to_string(&mut text)
            .map_err(|error| format!("cannot read journal `{shown}`: {error}"))?;
        let found = read(&text).map_err(|why| format!("journal `{shown}`: {why}"))?;
        let whole = (text.len() - found.cut) as u64;
        let mended = file
            .set_len(whole)
            .and_then(|()| file.seek(SeekFrom::Start(whole)))
            .and_then(|_| file.sync_all());
        mended.map_err(|error| format!("cannot write journal `{shown}`: {error}"))?;
        sync_directory(path);
        let journal = Journal {
            inner: Mutex::new((file, found.chain.clone())),
        };
        Ok((journal, found))
    }
}

/// A new file is on the disk when its directory is, too.
fn sync_directory(path: &Path) {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    if let Ok(directory) = File::open(parent.unwrap_or(Path::new("."))) {
        // Not every system can; the file itself is synchronised with each line.
        let _ = directory.sync_all();
    }
}

impl Record for Journal {
    fn keep(&self, time: &str, event: Event) -> Result<(), NotKept> {
        let mut inner = self
            .inner
            .lock()
            .map_err(|_| NotKept("a thread that wrote it failed".to_owned()))?;
        let (file, chain) = &mut *inner;
        let (line, text) = chain.next(time, event)?;
        let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_data());
        written.map_err(|error| NotKept(error.to_string()))?;
        chain.lines.push(line);
        Ok(())
    }
}
