//! Scans: one row for each scan and part of the estate that it covered, with the figures of the trend.

use std::collections::BTreeMap;
use std::io::Write;

use super::{Cell, Column, Described, Kind, LakeError, Table, list, number, optional, text, time};
use crate::history::model::{Covered, KeptScan, MOVED, Point, STANDING};

const COLUMNS: &[Column] = &[
    Column::of("scan", Kind::Number),
    Column::of("run", Kind::Text),
    Column::of("taken", Kind::Time),
    Column::of("written", Kind::Time),
    Column::of("tool", Kind::Text),
    Column::of("digest", Kind::Text),
    Column::of("inputs", Kind::Json),
    Column::of("evidence", Kind::Flag),
    Column::of("lost", Kind::Json),
    Column::of("scope", Kind::Text),
    Column::optional("name", Kind::Text),
    Column::of("complete", Kind::Flag),
    Column::of("missing", Kind::Json),
    Column::of("late", Kind::Flag),
    Column::optional("machines", Kind::Number),
    Column::optional("healthy", Kind::Number),
    Column::optional("unhealthy", Kind::Number),
    Column::optional("not_applicable", Kind::Number),
    Column::optional("undetermined", Kind::Number),
    Column::optional("unread", Kind::Number),
    Column::optional("exposed", Kind::Number),
    Column::optional("open", Kind::Number),
    Column::optional("critical", Kind::Number),
    Column::optional("high", Kind::Number),
    Column::optional("waived", Kind::Number),
    Column::optional("unjudged", Kind::Number),
    Column::optional("opened", Kind::Number),
    Column::optional("reopened", Kind::Number),
    Column::optional("fixed", Kind::Number),
    Column::optional("cleared", Kind::Number),
    Column::optional("gone", Kind::Number),
    Column::optional("retired", Kind::Number),
];

pub const TABLE: Described = Described {
    name: "scans",
    about: "one row for each scan and part of the estate that it covered, with the figures of the trend",
    columns: COLUMNS,
};

/// Writes the table; figures are by scan and part.
pub fn scans<W: Write + Send>(
    maker: &str,
    scans: &[KeptScan],
    figures: &BTreeMap<(i64, String), Point>,
    out: W,
) -> Result<W, LakeError> {
    let mut table = Table::new(TABLE.name, COLUMNS, maker, out)?;
    for scan in scans {
        for covered in &scan.coverage {
            let figures = figures.get(&(scan.id, covered.scope.clone()));
            table.row(row(scan, covered, figures))?;
        }
    }
    table.finish()
}

fn row(scan: &KeptScan, covered: &Covered, figures: Option<&Point>) -> Vec<Cell> {
    let mut cells = vec![
        Cell::Number(scan.id),
        text(&scan.run),
        time(&scan.taken),
        time(&scan.written),
        text(&scan.tool),
        text(&scan.digest),
        list(&scan.inputs),
        Cell::Flag(scan.evidence),
        list(&scan.lost),
        text(&covered.scope),
        optional(covered.name.as_deref()),
        Cell::Flag(covered.complete),
        list(&covered.missing),
        Cell::Flag(scan.late.contains(&covered.scope)),
    ];
    match figures {
        Some(point) => cells.extend(point.counts().into_iter().map(|(_, count)| number(count))),
        None => cells.extend(STANDING.iter().chain(MOVED).map(|_| Cell::Null)),
    }
    cells
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_columns_are_the_measures_of_the_trend() {
        let names: Vec<&str> = Point::default().counts().iter().map(|(name, _)| *name).collect();
        let columns: Vec<&str> = COLUMNS.iter().skip(14).map(|column| column.name).collect();
        assert_eq!(columns, names);
    }
}
