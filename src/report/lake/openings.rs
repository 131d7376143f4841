//! Openings: one row for each time that a finding was opened, with what became of it.

use std::io::Write;

use super::{Cell, Column, Described, Kind, LakeError, Table, given, optional, optional_time, text, time};
use crate::history::model::{KeptFinding, Spell, State};
use crate::history::statistics::days;

const COLUMNS: &[Column] = &[
    Column::of("fingerprint", Kind::Text),
    Column::of("scope", Kind::Text),
    Column::of("rule", Kind::Text),
    Column::of("severity", Kind::Text),
    Column::of("subject", Kind::Text),
    Column::of("resource", Kind::Text),
    Column::optional("owner", Kind::Text),
    Column::of("first_seen", Kind::Time),
    Column::of("opened", Kind::Time),
    Column::of("opened_scan", Kind::Number),
    Column::of("certain", Kind::Flag),
    Column::optional("closed", Kind::Time),
    Column::optional("closed_scan", Kind::Number),
    Column::optional("ending", Kind::Text),
    Column::optional("days", Kind::Number),
];

pub const TABLE: Described = Described {
    name: "openings",
    about: "one row for each time that a finding was opened, with what became of it",
    columns: COLUMNS,
};

pub fn openings<W: Write + Send>(maker: &str, findings: &[KeptFinding], out: W) -> Result<W, LakeError> {
    let mut table = Table::new(TABLE.name, COLUMNS, maker, out)?;
    for finding in findings {
        finding
            .spells
            .iter()
            .try_for_each(|spell| table.row(row(finding, spell)))?;
    }
    table.finish()
}

fn row(finding: &KeptFinding, spell: &Spell) -> Vec<Cell> {
    let closed = spell.closed.as_deref();
    vec![
        text(&finding.fingerprint),
        text(&finding.scope),
        text(&finding.rule),
        text(finding.severity.as_str()),
        text(&finding.subject),
        text(&finding.resource),
        given(&finding.owner),
        time(&finding.first_seen),
        time(&spell.opened),
        Cell::Number(spell.opened_scan),
        Cell::Flag(spell.certain),
        optional_time(closed),
        spell.closed_scan.map_or(Cell::Null, Cell::Number),
        optional(spell.ending.map(State::as_str)),
        closed.map_or(Cell::Null, |closed| Cell::Number(days(&spell.opened, closed))),
    ]
}
