//! Verdicts: one row for each time that the verdict or the exposure of a machine changed.

use std::io::Write;

use super::{Cell, Column, Described, Kind, LakeError, Table, given, optional_time, text, time};
use crate::history::model::{KeptJudgement, KeptMachine};

const COLUMNS: &[Column] = &[
    Column::of("machine", Kind::Text),
    Column::of("scope", Kind::Text),
    Column::of("name", Kind::Text),
    Column::of("subscription", Kind::Text),
    Column::of("resource_group", Kind::Text),
    Column::optional("owner", Kind::Text),
    Column::of("first_seen", Kind::Time),
    Column::of("last_seen", Kind::Time),
    Column::optional("gone", Kind::Time),
    Column::of("scan", Kind::Number),
    Column::of("since", Kind::Time),
    Column::optional("until", Kind::Time),
    Column::of("verdict", Kind::Text),
    Column::of("exposure", Kind::Text),
    Column::of("because", Kind::Text),
];

pub const TABLE: Described = Described {
    name: "verdicts",
    about: "one row for each time that the verdict or the exposure of a machine changed",
    columns: COLUMNS,
};

pub fn verdicts<W: Write + Send>(maker: &str, machines: &[KeptMachine], out: W) -> Result<W, LakeError> {
    let mut table = Table::new(TABLE.name, COLUMNS, maker, out)?;
    for machine in machines {
        let next = machine.judgements.iter().skip(1).map(|next| next.taken.as_str());
        let ends = next.map(Some).chain([machine.gone.as_deref()]);
        for (judgement, end) in machine.judgements.iter().zip(ends) {
            table.row(row(machine, judgement, end))?;
        }
    }
    table.finish()
}

fn row(machine: &KeptMachine, judgement: &KeptJudgement, until: Option<&str>) -> Vec<Cell> {
    vec![
        text(&machine.resource),
        text(&machine.scope),
        text(&machine.name),
        text(&machine.subscription),
        text(&machine.resource_group),
        given(&machine.owner),
        time(&machine.first_seen),
        time(&machine.last_seen),
        optional_time(machine.gone.as_deref()),
        Cell::Number(judgement.scan),
        time(&judgement.taken),
        optional_time(until),
        text(judgement.verdict.as_str()),
        text(&judgement.exposure),
        text(&judgement.because),
    ]
}
