//! Rows of an audit on disk, in one unnamed file a day, so that memory holds a day at a time however long the period.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Seek, SeekFrom, Write};

use crate::jit::audit::{Row, day};

/// Rows by day, counted from the epoch.
#[derive(Default)]
pub struct Spool {
    days: BTreeMap<i64, BufWriter<File>>,
}

impl Spool {
    pub fn add(&mut self, row: &Row) -> io::Result<()> {
        let at = day(row.at());
        let file = match self.days.entry(at) {
            std::collections::btree_map::Entry::Occupied(known) => known.into_mut(),
            std::collections::btree_map::Entry::Vacant(new) => {
                new.insert(BufWriter::with_capacity(1 << 14, tempfile::tempfile()?))
            }
        };
        serde_json::to_writer(&mut *file, row)?;
        file.write_all(b"\n")
    }

    /// Each day with its rows, in order; the file of a day is gone once it was read.
    pub fn days(self) -> impl Iterator<Item = (i64, io::Result<Vec<Row>>)> {
        self.days.into_iter().map(|(day, file)| (day, rows(file)))
    }
}

fn rows(file: BufWriter<File>) -> io::Result<Vec<Row>> {
    let mut file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.seek(SeekFrom::Start(0))?;
    let mut rows = Vec::new();
    for line in BufReader::new(file).lines() {
        rows.push(serde_json::from_str(&line?)?);
    }
    Ok(rows)
}
