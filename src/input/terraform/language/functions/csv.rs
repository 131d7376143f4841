//! Tables of comma-separated values.

use std::sync::Arc;

use super::{Arguments, Function, Outcome, function};
use crate::input::terraform::language::value::{Members, Value};

pub const FUNCTIONS: &[Function] = &[function("csvdecode", 1, 1, decode)];

/// One object a line, with the names of the first line.
fn decode(arguments: &Arguments<'_, '_>) -> Outcome {
    let text = arguments.text(0)?;
    let mut reader = csv::ReaderBuilder::new().has_headers(true).from_reader(text.as_bytes());
    let refused =
        |error: csv::Error| arguments.refuse(format!("the text is not CSV: {}", error.to_string().to_lowercase()));
    let names: Vec<Arc<str>> = reader.headers().map_err(refused)?.iter().map(Arc::from).collect();
    let mut seen = names.clone();
    seen.sort();
    if let Some([twice, _]) = seen.windows(2).find(|pair| matches!(pair, [a, b] if a == b)) {
        return Err(arguments.refuse(format!("two columns are called `{twice}`")));
    }
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(refused)?;
        let row: Members = names.iter().cloned().zip(record.iter().map(Value::from)).collect();
        rows.push(Value::object(row));
    }
    Ok(Value::list(rows))
}
