//! Every row of the table, found by the name of the Terraform type.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::table::{Field, How, Is, Row};
use super::{balancer, compute, firewall, network, security};

const TABLES: &[&[Row]] = &[
    network::ROWS,
    compute::ROWS,
    balancer::ROWS,
    firewall::ROWS,
    security::ROWS,
];

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

/// A row as documentation and tests see it.
#[derive(Debug)]
pub struct Entry {
    pub terraform: &'static str,
    /// The ARM type that it is, is an element of, or says something of; empty for names only.
    pub arm: &'static str,
    /// Each argument with the path that it goes to.
    pub arguments: Vec<(&'static str, String)>,
}

/// Every row of the table.
pub fn entries() -> Vec<Entry> {
    let all = TABLES.iter().flat_map(|rows| rows.iter());
    all.map(|row| {
        let arm = match &row.is {
            Is::Resource { arm, .. } => arm,
            Is::Element { of, .. } | Is::Part { of, .. } => of,
            Is::Name { .. } => "",
        };
        let mut arguments = Vec::new();
        list(row.fields, &mut arguments);
        Entry {
            terraform: row.terraform,
            arm,
            arguments,
        }
    })
    .collect()
}

fn list(fields: &'static [Field], arguments: &mut Vec<(&'static str, String)>) {
    for field in fields {
        arguments.push((field.from, field.to.trim_start_matches('/').to_owned()));
        match &field.how {
            How::Block(inner) | How::Blocks(inner) | How::Own(inner) => list(inner, arguments),
            How::EachAs(member) => arguments.push((field.from, (*member).to_owned())),
            _ => {}
        }
    }
}

/// Decoded types without a row, each with the reason.
pub const WITHOUT_ROW: &[(&str, &str)] = &[
    (
        "microsoft.compute/virtualmachinescalesets/virtualmachines",
        "the service makes the instances of a scale set",
    ),
    (
        "microsoft.compute/virtualmachinescalesets/virtualmachines/networkinterfaces",
        "the service makes the interfaces of a scale set",
    ),
    (
        "microsoft.classiccompute/virtualmachines",
        "azurerm has no classic machines",
    ),
    (
        "microsoft.security/locations/jitnetworkaccesspolicies",
        "azurerm has none; `azapi_resource` and templates have",
    ),
    ("microsoft.security/assessments", "Defender for Cloud's own answers"),
    (
        "microsoft.network/networkmanagers/listactivesecurityadminrules",
        "an answer of the service",
    ),
    (
        "microsoft.network/virtualnetworks/listnetworkmanagereffectivesecurityadminrules",
        "an answer of the service",
    ),
    ("microsoft.network/servicetags", "an answer of the service"),
    (
        "microsoft.network/networkinterfaces/effectivenetworksecuritygroups",
        "an answer of the service",
    ),
    ("microsoft.resources/subscriptions", "names only"),
];
