//! The queries of Resource Graph, all of them. Kept to what any implementation of the language has.

use super::types::{KINDS, Read};
use crate::rule::recommendation;

/// Rows of a page at most.
pub const PAGE: u32 = 1000;

/// Subscriptions of one query at most.
pub const SUBSCRIPTIONS: usize = 1000;

/// Every resource of the types that Resource Graph holds, in an order that does not change from page to page.
pub fn resources() -> String {
    let types: Vec<String> = KINDS
        .iter()
        .filter(|kind| kind.read == Read::Either)
        .map(|kind| format!("'{}'", kind.name.to_ascii_lowercase()))
        .collect();
    format!(
        "Resources | where type in~ ({}) | order by id asc | project id, name, type, location, tags, sku, kind, properties",
        types.join(", ")
    )
}

/// Defender's own verdict on just-in-time access and on what our rules ask beside it, of every machine.
pub fn assessments() -> String {
    let keys: Vec<String> = recommendation::keys().map(|key| format!("'{key}'")).collect();
    format!(
        "SecurityResources | where type =~ 'microsoft.security/assessments' | where name in~ ({}) \
         | order by id asc | project id, name, type, properties",
        keys.join(", ")
    )
}

/// Plans of single machines, which the plan of their subscription says nothing about.
pub fn plans_of_machines() -> String {
    "SecurityResources | where type =~ 'microsoft.security/pricings' | where name =~ 'VirtualMachines' \
     | order by id asc | project id, name, type, properties"
        .to_owned()
}
