//! The queries of Resource Graph, all of them. Kept to what any implementation of the language has.

use super::types::{KINDS, Read};

/// Machines should be protected with just-in-time access: the recommendation that ours is held against.
pub const JIT_ASSESSMENT: &str = "805651bc-6ecd-4c73-9b55-97a19d0582d0";

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

/// Defender's own verdict on just-in-time access, of every machine.
pub fn assessments() -> String {
    format!(
        "SecurityResources | where type =~ 'microsoft.security/assessments' | where name =~ '{JIT_ASSESSMENT}' \
         | order by id asc | project id, name, type, properties"
    )
}

/// Plans of single machines, which the plan of their subscription says nothing about.
pub fn plans_of_machines() -> String {
    "SecurityResources | where type =~ 'microsoft.security/pricings' | where name =~ 'VirtualMachines' \
     | order by id asc | project id, name, type, properties"
        .to_owned()
}
