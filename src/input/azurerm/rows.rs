//! Every row of the table, found by the name of the Terraform type.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::table::Row;
use super::{balancer, compute, firewall, network, security};

const TABLES: &[&[Row]] = &[network::ROWS, compute::ROWS, balancer::ROWS, firewall::ROWS, security::ROWS];

static BY_NAME: LazyLock<HashMap<&'static str, &'static Row>> = LazyLock::new(|| {
    let all = TABLES.iter().flat_map(|rows| rows.iter());
    all.map(|row| (row.terraform, row)).collect()
});

pub fn row(terraform: &str) -> Option<&'static Row> {
    BY_NAME.get(terraform).copied()
}

/// Whether instances of a type are read at all.
pub fn is_in_table(terraform: &str) -> bool {
    row(terraform).is_some() || terraform.starts_with("azapi_") || terraform.ends_with("_template_deployment")
}

pub fn all() -> impl Iterator<Item = &'static Row> {
    TABLES.iter().flat_map(|rows| rows.iter())
}
