//! The history as Parquet tables for a data lake: findings night by night, scans, openings and verdicts. A table is one file
//! of this folder; `table` alone knows the format. Must not know how the history is kept, and writes to what it is given.

mod findings;
mod openings;
mod scans;
mod table;
mod verdicts;

use jiff::Timestamp;
use jiff::civil::Date;

pub use findings::Findings;
pub use openings::openings;
pub use scans::scans;
pub use table::{Column, Kind, LakeError};
pub use verdicts::verdicts;

use table::{Cell, Table};

/// A table with its columns, for people and tests.
pub struct Described {
    /// Name of the file, without ending.
    pub name: &'static str,
    pub about: &'static str,
    pub columns: &'static [Column],
}

/// Every table.
pub const TABLES: [Described; 4] = [findings::TABLE, scans::TABLE, openings::TABLE, verdicts::TABLE];

fn text(text: &str) -> Cell {
    Cell::Text(text.to_owned())
}

fn optional(text: Option<&str>) -> Cell {
    text.map_or(Cell::Null, self::text)
}

/// What is empty was not given.
fn given(text: &str) -> Cell {
    optional((!text.is_empty()).then_some(text))
}

fn number(count: u64) -> Cell {
    Cell::Number(i64::try_from(count).unwrap_or(i64::MAX))
}

/// Milliseconds since 1970; a text that is no time is refused where the column needs one.
fn time(text: &str) -> Cell {
    text.parse::<Timestamp>()
        .map_or(Cell::Null, |time| Cell::Number(time.as_millisecond()))
}

fn optional_time(text: Option<&str>) -> Cell {
    text.map_or(Cell::Null, time)
}

/// Days since 1970.
fn day(text: Option<&str>) -> Cell {
    let day = text.and_then(|text| text.parse::<Date>().ok());
    let days = day.and_then(|day| day.since(Date::new(1970, 1, 1).ok()?).ok());
    days.map_or(Cell::Null, |span| Cell::Number(span.get_days().into()))
}

/// A list, as JSON.
fn list(texts: &[String]) -> Cell {
    Cell::Text(serde_json::to_string(texts).unwrap_or_default())
}
