//! Findings night by night: one row for each finding that was open after a scan, and that scan.

use std::collections::HashMap;
use std::io::Write;

use super::{Cell, Column, Described, Kind, LakeError, Table, day, given, optional, optional_time, text, time};
use crate::history::model::{JudgedRule, KeptScan};
use crate::history::statistics::days;
use crate::report::night::Stood;

const COLUMNS: &[Column] = &[
    Column::of("scan", Kind::Number),
    Column::of("run", Kind::Text),
    Column::of("taken", Kind::Time),
    Column::of("tool", Kind::Text),
    Column::of("scope", Kind::Text),
    Column::of("fingerprint", Kind::Text),
    Column::of("rule", Kind::Text),
    Column::optional("rule_digest", Kind::Text),
    Column::of("severity", Kind::Text),
    Column::of("verdict", Kind::Text),
    Column::of("subject", Kind::Text),
    Column::of("resource", Kind::Text),
    Column::of("subscription", Kind::Text),
    Column::of("resource_group", Kind::Text),
    Column::optional("machine", Kind::Text),
    Column::optional("owner", Kind::Text),
    Column::of("message", Kind::Text),
    Column::of("worded", Kind::Time),
    Column::optional("judged", Kind::Flag),
    Column::optional("first_seen", Kind::Time),
    Column::optional("opened", Kind::Time),
    Column::optional("days_open", Kind::Number),
    Column::optional("openings", Kind::Number),
    Column::of("waived", Kind::Flag),
    Column::optional("waived_since", Kind::Time),
    Column::optional("waiver_reason", Kind::Text),
    Column::optional("waiver_owner", Kind::Text),
    Column::optional("waiver_ticket", Kind::Text),
    Column::optional("waived_until", Kind::Day),
];

pub const TABLE: Described = Described {
    name: "findings",
    about: "one row for each finding that was open after a scan, and that scan",
    columns: COLUMNS,
};

/// The table while it is written, one scan after the other.
pub struct Findings<W: Write + Send>(Table<W>);

impl<W: Write + Send> Findings<W> {
    pub fn new(maker: &str, out: W) -> Result<Self, LakeError> {
        Ok(Findings(Table::new(TABLE.name, COLUMNS, maker, out)?))
    }

    /// Writes what stood open after a scan.
    pub fn night(&mut self, scan: &KeptScan, rules: &[JudgedRule], stood: &[Stood]) -> Result<(), LakeError> {
        let rules: HashMap<&str, &str> = rules.iter().map(|rule| (&*rule.id, &*rule.digest)).collect();
        stood
            .iter()
            .try_for_each(|one| self.0.row(row(scan, rules.get(&*one.rule).copied(), one)))
    }

    pub fn finish(self) -> Result<W, LakeError> {
        self.0.finish()
    }
}

fn row(scan: &KeptScan, digest: Option<&str>, one: &Stood) -> Vec<Cell> {
    let opened = one.opened.as_deref();
    let waiver = one.waiver.as_ref();
    vec![
        Cell::Number(scan.id),
        text(&scan.run),
        time(&scan.taken),
        text(&scan.tool),
        text(&one.scope),
        text(&one.fingerprint),
        text(&one.rule),
        optional(digest),
        text(one.severity.as_str()),
        text(one.verdict.as_str()),
        text(&one.subject),
        text(&one.resource),
        text(&one.subscription),
        text(&one.resource_group),
        given(&one.machine),
        given(&one.owner),
        text(&one.message),
        time(&one.worded),
        one.judged.map_or(Cell::Null, Cell::Flag),
        optional_time(one.first_seen.as_deref()),
        optional_time(opened),
        opened.map_or(Cell::Null, |opened| Cell::Number(days(opened, &scan.taken))),
        one.openings.map_or(Cell::Null, Cell::Number),
        Cell::Flag(waiver.is_some()),
        optional_time(one.waived_since.as_deref()),
        optional(waiver.map(|waiver| &*waiver.reason)),
        optional(waiver.and_then(|waiver| waiver.owner.as_deref())),
        optional(waiver.and_then(|waiver| waiver.ticket.as_deref())),
        day(waiver.and_then(|waiver| waiver.until.as_deref())),
    ]
}
