//! Every row of the table, found by the name of the Terraform type.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::network;
use super::table::Row;

const TABLES: &[&[Row]] = &[network::ROWS];

static BY_NAME: LazyLock<HashMap<&'static str, &'static Row>> = LazyLock::new(|| {
    let all = TABLES.iter().flat_map(|rows| rows.iter());
    all.map(|row| (row.terraform, row)).collect()
});

pub fn row(terraform: &str) -> Option<&'static Row> {
    BY_NAME.get(terraform).copied()
}

pub fn all() -> impl Iterator<Item = &'static Row> {
    TABLES.iter().flat_map(|rows| rows.iter())
}
