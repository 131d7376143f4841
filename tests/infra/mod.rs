//! The shop of `examples/infra` in every notation, read and judged as `scan` does.

#![allow(dead_code, reason = "no test needs all of it")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use portcullis::input::{Given, Library, Reading};
use portcullis::report::Report;
use portcullis::scan::scan_by_default;

pub const TERRAFORM: &[&str] = &[
    "main.tf",
    "network/main.tf",
    "partial/main.tf",
    "terraform.tfvars",
    "variables.tf",
];
pub const ARM: &[&str] = &[
    "main.json",
    "main.parameters.json",
    "nested/network.json",
    "partial.json",
];

pub const BICEP: &[&str] = &[
    "main.bicep",
    "main.bicepparam",
    "modules/network.bicep",
    "partial.bicep",
    "shared.bicep",
];

pub fn text(directory: &str, name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("examples/infra")
        .join(directory);
    fs::read_to_string(path.join(name)).unwrap()
}

/// What templates and configurations read for themselves.
struct Shelf(BTreeMap<String, String>);

impl Library for Shelf {
    fn content(&self, name: &str) -> Option<Vec<u8>> {
        self.0.get(name).map(|text| text.clone().into_bytes())
    }

    fn module(&self, _: &str) -> Option<(String, Vec<u8>)> {
        None
    }
}

pub fn report_of(files: &[(String, String)]) -> Report {
    let mut reading = Reading::default();
    reading.library = Some(Arc::new(Shelf(files.iter().cloned().collect())));
    for (name, text) in files {
        reading.read(name, Given::Found, text.as_bytes());
    }
    reading.finish();
    scan_by_default(reading, "2026-03-14T02:10:00Z".parse().unwrap(), &["infra"])
}

pub fn example(directory: &str, names: &[&str]) -> Report {
    let files: Vec<(String, String)> = names
        .iter()
        .map(|name| (format!("{directory}/{name}"), text(directory, name)))
        .collect();
    report_of(&files)
}

/// The same, where each file is first changed.
pub fn changed(directory: &str, names: &[&str], change: impl Fn(&str) -> String) -> Report {
    let files: Vec<(String, String)> = names
        .iter()
        .map(|name| (format!("{directory}/{name}"), change(&text(directory, name))))
        .collect();
    report_of(&files)
}
