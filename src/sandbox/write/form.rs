//! The form of a body before anything is made of it: objects where objects belong, names that the service takes.

use serde_json::Value;

use crate::sandbox::answer::Refusal;
use crate::sandbox::arm::Address;
use crate::sandbox::kind::{Kind, kept_in};
use crate::sandbox::store::items;

/// Characters of a name.
const NAME: usize = 80;

/// Refuses a body that is not well formed.
pub fn check(address: &Address, kind: &Kind, body: &Value) -> Result<(), Refusal> {
    let malformed = |what: &str| {
        let message = format!("The request content was invalid and could not be deserialized: {what}.");
        Err(Refusal::bad("InvalidRequestContent", message))
    };
    if !body.is_object() {
        return malformed("the body must be an object");
    }
    let properties = body.get("properties");
    if properties.is_some_and(|properties| !properties.is_object()) {
        return malformed("'properties' must be an object");
    }
    if kind.has_etag() {
        check_name(address.last())?;
    }
    for (_, member) in kept_in(kind.name) {
        let list = properties.and_then(|properties| properties.get(member));
        if list.is_some_and(|list| !list.is_array() && !list.is_null()) {
            return malformed(&format!("'{member}' must be a list"));
        }
        check_names(body, member)?;
    }
    Ok(())
}

/// Children have names, and each its own.
fn check_names(body: &Value, member: &str) -> Result<(), Refusal> {
    let mut seen = std::collections::BTreeSet::new();
    for item in items(body, member) {
        let name = item.get("name").and_then(Value::as_str).unwrap_or_default();
        check_name(name)?;
        if !seen.insert(name.to_ascii_lowercase()) {
            let message = format!("Resource name '{name}' is used more than once in '{member}'.");
            return Err(Refusal::bad("DuplicateResourceName", message));
        }
    }
    Ok(())
}

fn check_name(name: &str) -> Result<(), Refusal> {
    let is_word = |character: char| character.is_ascii_alphanumeric() || character == '_';
    let fits = (1..=NAME).contains(&name.len())
        && name.starts_with(|first: char| first.is_ascii_alphanumeric())
        && name.ends_with(is_word)
        && name
            .chars()
            .all(|character| is_word(character) || ".-".contains(character));
    if fits {
        return Ok(());
    }
    let message = format!(
        "Resource name {name} is invalid. The name can be up to {NAME} characters long. It must begin with a word \
         character, and it must end with a word character or with '_'. The name may contain word characters or '.', '-', \
         '_'."
    );
    Err(Refusal::bad("InvalidResourceName", message))
}
