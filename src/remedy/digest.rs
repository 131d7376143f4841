//! Digests of JSON values that do not depend on the order of members, so that a plan or journal line that was edited by
//! hand shows. Must not know what the values mean.

use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// SHA-256 of the canonical text, as `sha256:` and 64 hexadecimal digits.
pub fn of(value: &Value) -> String {
    of_text(&canonical(value))
}

pub fn of_text(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

/// Without blanks, members in the order of their names.
pub fn canonical(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let mut sorted: Vec<_> = members.iter().collect();
            sorted.sort_by(|a, b| a.0.cmp(b.0));
            let written = sorted
                .into_iter()
                .map(|(name, value)| format!("{}:{}", Value::String(name.clone()), canonical(value)));
            format!("{{{}}}", written.collect::<Vec<_>>().join(","))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(",")),
        plain => plain.to_string(),
    }
}
