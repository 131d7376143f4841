//! Faults of paging: what they do to a list answer, of Azure Resource Manager or of Resource Graph.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use super::{Effect, Fault};
use crate::sandbox::answer::{Answer, Body};
use crate::sandbox::call::Call;

const MARKER: &str = "$skiptoken";

/// Whether an answer is a page, which these faults can meet.
pub fn is_page(answer: &Answer) -> bool {
    match &answer.body {
        Body::Json(body) => answer.status == 200 && rows(body).is_some(),
        _ => false,
    }
}

fn rows(body: &Value) -> Option<&Vec<Value>> {
    let rows = body
        .get("value")
        .or_else(|| body.get("data"))
        .and_then(Value::as_array)?;
    let is_graph = body.get("totalRecords").is_some();
    (is_graph
        || body
            .as_object()?
            .keys()
            .all(|key| ["value", "nextLink", "count"].contains(&key.as_str())))
    .then_some(rows)
}

/// Spoils a page.
pub fn spoil(fault: &Fault, call: &Call, answer: &mut Answer) {
    let Body::Json(Value::Object(body)) = &mut answer.body else {
        return;
    };
    if body.contains_key("totalRecords") {
        spoil_graph(fault.kind.effect, call, body);
    } else {
        spoil_list(fault, call, body);
    }
}

fn spoil_list(fault: &Fault, call: &Call, body: &mut Map<String, Value>) {
    let here = marker_offset(call).unwrap_or(0);
    match fault.kind.effect {
        Effect::EmptyPage => {
            body.insert("value".to_owned(), json!([]));
            body.insert("nextLink".to_owned(), link(call, here));
        }
        Effect::RepeatPage => {
            body.insert("nextLink".to_owned(), link(call, here));
        }
        Effect::ShiftingPage if body.contains_key("nextLink") => {
            let shown = body.get("value").and_then(Value::as_array).map_or(0, Vec::len);
            body.insert("nextLink".to_owned(), link(call, (here + shown).saturating_sub(1)));
        }
        Effect::ForeignLink => {
            let foreign = Value::from(format!("{}/page?$skiptoken=2", fault.elsewhere));
            body.insert("nextLink".to_owned(), foreign);
        }
        _ => {}
    }
}

fn link(call: &Call, offset: usize) -> Value {
    let marker = URL_SAFE_NO_PAD.encode(format!("from:{offset}"));
    Value::from(call.link(MARKER, &marker))
}

fn marker_offset(call: &Call) -> Option<usize> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(call.query(MARKER)?).ok()?).ok()?;
    text.strip_prefix("from:")?.parse().ok()
}

/// Pages of Resource Graph that cannot go on (`$skipToken` is absent) are met by the fault of an empty or repeated page
/// only where a token was given.
fn spoil_graph(effect: Effect, call: &Call, body: &mut Map<String, Value>) {
    let asked = call.json().ok();
    let given = asked
        .as_ref()
        .and_then(|asked| asked.get("options")?.get("$skipToken")?.as_str())
        .map(str::to_owned);
    let next = body.get("$skipToken").and_then(Value::as_str).map(str::to_owned);
    let Some((mark, here)) = given.as_deref().or(next.as_deref()).and_then(take_apart) else {
        return;
    };
    let here = if given.is_some() { here } else { 0 };
    let token = |offset: usize| Value::from(URL_SAFE_NO_PAD.encode(format!("{mark}:{offset}")));
    match effect {
        Effect::EmptyPage => {
            body.insert("data".to_owned(), json!([]));
            body.insert("count".to_owned(), json!(0));
            body.insert("$skipToken".to_owned(), token(here));
        }
        Effect::RepeatPage => {
            body.insert("$skipToken".to_owned(), token(here));
        }
        Effect::ShiftingPage if next.is_some() => {
            let shown = body.get("data").and_then(Value::as_array).map_or(0, Vec::len);
            body.insert("$skipToken".to_owned(), token(here + shown + 1));
        }
        _ => {}
    }
}

fn take_apart(token: &str) -> Option<(String, usize)> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(token).ok()?).ok()?;
    let (mark, offset) = text.split_once(':')?;
    Some((mark.to_owned(), offset.parse().ok()?))
}
