//! What is never recorded: secrets, and members that no rule reads and that may hold some.

use serde_json::{Map, Value};

/// Members of a resource that are kept.
const KEPT: &[&str] = &[
    "id",
    "name",
    "type",
    "location",
    "tags",
    "sku",
    "kind",
    "zones",
    "instanceId",
    "properties",
    "value",
    "region",
    "subscriptionId",
    "displayName",
    "state",
    "tenantId",
];

/// Members that are left out wherever they stand, in lower case.
const LEFT_OUT: &[&str] = &[
    "adminpassword",
    "adminusername",
    "certificates",
    "commandtoexecute",
    "customdata",
    "diagnosticsprofile",
    "extensionprofile",
    "managementidentity",
    "protectedsettings",
    "publickeys",
    "secrets",
    "settings",
    "sharedkey",
    "authorizationkey",
    "userdata",
    "unattendcontent",
    "additionalunattendcontent",
];

/// Words in the name of a tag or member whose value is not recorded.
const TELLING: &[&str] = &[
    "password",
    "passwd",
    "pwd",
    "secret",
    "token",
    "credential",
    "connectionstring",
    "apikey",
    "accesskey",
    "accountkey",
    "privatekey",
    "sas",
];

/// Beginnings and parts of values that are secrets by their looks.
const LOOKS: &[&str] = &[
    "-----begin",
    "accountkey=",
    "sharedaccesskey=",
    "password=",
    "pwd=",
    "sig=",
    "eyj0",
    "eyjh",
];

const INSTEAD: &str = "(not recorded)";

/// A resource without secrets.
pub(super) fn row(row: Value) -> Value {
    match row {
        Value::Object(members) => {
            let kept = members.into_iter().filter(|(name, _)| KEPT.contains(&name.as_str()));
            let cleaned = kept.map(|(name, value)| {
                let value = if name == "tags" { tags(value) } else { inside(value) };
                (name, value)
            });
            Value::Object(cleaned.filter(|(_, value)| !value.is_null()).collect())
        }
        other => other,
    }
}

fn tags(value: Value) -> Value {
    let Value::Object(members) = value else { return value };
    let hidden = members.into_iter().map(|(name, value)| {
        let telling = is_telling(&name) || value.as_str().is_some_and(looks_secret);
        (name, if telling { Value::from(INSTEAD) } else { value })
    });
    Value::Object(hidden.collect())
}

fn inside(value: Value) -> Value {
    match value {
        Value::Object(members) => Value::Object(members.into_iter().filter_map(member).collect::<Map<_, _>>()),
        Value::Array(items) => Value::Array(items.into_iter().map(inside).collect()),
        Value::String(text) if looks_secret(&text) => Value::from(INSTEAD),
        other => other,
    }
}

fn member((name, value): (String, Value)) -> Option<(String, Value)> {
    let lower = name.to_ascii_lowercase();
    if LEFT_OUT.contains(&lower.as_str()) {
        return None;
    }
    let value = match value {
        Value::String(_) if is_telling(&name) => Value::from(INSTEAD),
        Value::Object(_) if lower == "tags" => tags(value),
        other => inside(other),
    };
    Some((name, value))
}

fn is_telling(name: &str) -> bool {
    let letters: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    let letters = letters.to_ascii_lowercase();
    TELLING.iter().any(|word| match *word {
        // A short word inside another says nothing, such as `sas` in `disaster`.
        "sas" => letters == "sas" || letters.ends_with("sastoken") || letters.ends_with("sasurl"),
        word => letters.contains(word),
    })
}

fn looks_secret(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    LOOKS.iter().any(|look| match *look {
        "eyj0" | "eyjh" => lower.starts_with(look) && lower.contains('.'),
        look => lower.contains(look),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn secrets_are_not_recorded() {
        let dirty = json!({
            "id": "/subscriptions/s/x", "etag": "W/1",
            "tags": { "dbPassword": "hunter2", "owner": "a@b", "note": "AccountKey=abc", "disaster": "no" },
            "properties": {
                "osProfile": { "computerName": "web", "adminPassword": "hunter2", "customData": "aHVudGVyMg==", "secrets": [1] },
                "userData": "aHVudGVyMg==",
                "extensionProfile": { "extensions": [{ "settings": { "x": "hunter2" } }] },
                "nested": [{ "connectionString": "hunter2", "sharedKey": "hunter2", "x": "eyJ0eXAi.hunter2" }]
            }
        });
        let text = row(dirty).to_string();
        assert!(
            !text.contains("hunter2") && !text.contains("aHVudGVyMg") && !text.contains("AccountKey"),
            "{text}"
        );
        assert!(
            text.contains("\"disaster\":\"no\"") && text.contains("computerName") && text.contains("a@b"),
            "{text}"
        );
        assert!(!text.contains("etag"));
    }
}
