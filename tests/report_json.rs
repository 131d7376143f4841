//! The published JSON: its schema is current, describes what is written, and nothing is lost on the way.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use portcullis::report::json::json_schema;
use portcullis::report::{Options, Report};

const SCHEMA_FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/report.schema.json");

#[test]
fn the_published_schema_is_current() {
    let current = format!("{}\n", serde_json::to_string_pretty(&json_schema()).unwrap());
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        std::fs::write(SCHEMA_FILE, &current).unwrap();
    }
    let published = std::fs::read_to_string(SCHEMA_FILE).unwrap_or_default();
    assert!(
        published == current,
        "docs/report.schema.json is stale: run the tests with UPDATE_SCHEMA=1"
    );
}

#[test]
fn the_schema_says_what_it_is() {
    let schema = json_schema();
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    assert_eq!(schema["title"], "Portcullis report");
    assert!(schema.get("$id").is_none());
}

#[test]
fn what_is_written_follows_the_schema() {
    let validator = jsonschema::validator_for(&json_schema()).unwrap();
    for report in [common::report(), common::quiet()] {
        let written = serde_json::from_str(&common::written("json", &report, &Options::default())).unwrap();
        let errors: Vec<String> = validator.iter_errors(&written).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{errors:#?}");
    }
}

#[test]
fn what_is_written_reads_back_the_same() {
    for report in [common::report(), common::quiet()] {
        let written = common::written("json", &report, &Options::default());
        assert_eq!(serde_json::from_str::<Report>(&written).unwrap(), report);
    }
}
