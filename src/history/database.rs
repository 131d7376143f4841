//! One small door to a database, the same for every kind: statements with numbered parameters (`$1`, `$2`, ...), rows of
//! numbers, texts and bytes, and transactions. Must not know what is kept.

/// Why the history could not be read or written: one sentence for people, without secrets.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub struct Trouble(pub String);

/// One value of a statement or of a row. Times are texts (RFC 3339, UTC, whole seconds), which sort as they pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    Null,
    Number(i64),
    Text(String),
    Bytes(Vec<u8>),
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Value::Number(number)
    }
}

impl From<bool> for Value {
    fn from(holds: bool) -> Self {
        Value::Number(holds.into())
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        // PostgreSQL keeps no zero byte in a text.
        Value::Text(text.replace('\0', "\u{fffd}"))
    }
}

impl From<&String> for Value {
    fn from(text: &String) -> Self {
        Value::from(text.as_str())
    }
}

impl<T> From<Option<T>> for Value
where
    Value: From<T>,
{
    fn from(value: Option<T>) -> Self {
        value.map_or(Value::Null, Value::from)
    }
}

/// One row of an answer.
#[derive(Clone, Debug)]
pub struct Row(pub Vec<Value>);

impl Row {
    /// A number; 0 where there is none.
    pub fn number(&self, column: usize) -> i64 {
        match self.0.get(column) {
            Some(Value::Number(number)) => *number,
            _ => 0,
        }
    }

    pub fn optional_number(&self, column: usize) -> Option<i64> {
        match self.0.get(column) {
            Some(Value::Number(number)) => Some(*number),
            _ => None,
        }
    }

    /// A text; the empty one where there is none.
    pub fn text(&self, column: usize) -> String {
        self.optional(column).unwrap_or_default()
    }

    pub fn optional(&self, column: usize) -> Option<String> {
        match self.0.get(column) {
            Some(Value::Text(text)) => Some(text.clone()),
            _ => None,
        }
    }

    pub fn holds(&self, column: usize) -> bool {
        self.number(column) != 0
    }

    pub fn bytes(&self, column: usize) -> &[u8] {
        match self.0.get(column) {
            Some(Value::Bytes(bytes)) => bytes,
            _ => &[],
        }
    }
}

/// A database of any kind.
pub trait Database {
    /// Runs a statement and returns how many rows it touched.
    fn run(&mut self, statement: &str, values: &[Value]) -> Result<u64, Trouble>;

    fn ask(&mut self, question: &str, values: &[Value]) -> Result<Vec<Row>, Trouble>;

    /// Begins a transaction with no other writer beside it.
    fn begin_writing(&mut self) -> Result<(), Trouble>;

    /// Begins a transaction that sees one state, whatever is written meanwhile.
    fn begin_reading(&mut self) -> Result<(), Trouble>;

    /// The word of this kind for a column of bytes.
    fn bytes_type(&self) -> &'static str;

    /// Which version of the schema there is; 0 in an empty database.
    fn version(&mut self) -> Result<i64, Trouble>;

    /// Gives back the room of what was deleted, where that is ours to do.
    fn compact(&mut self) -> Result<(), Trouble>;
}

/// Most parameters of one statement; SQLite takes 32,766, PostgreSQL 65,535.
const MOST_PARAMETERS: usize = 12_000;

/// Inserts rows, many a statement. `head` ends before `VALUES`, `tail` says what becomes of rows that are there.
pub fn insert(database: &mut dyn Database, head: &str, tail: &str, rows: &[Vec<Value>]) -> Result<(), Trouble> {
    let width = rows.first().map_or(1, Vec::len).max(1);
    for chunk in rows.chunks((MOST_PARAMETERS / width).max(1)) {
        let mut number = 0;
        let tuples: Vec<String> = chunk.iter().map(|row| tuple(row.len(), &mut number)).collect();
        let values: Vec<Value> = chunk.iter().flatten().cloned().collect();
        database.run(&format!("{head} VALUES {} {tail}", tuples.join(", ")), &values)?;
    }
    Ok(())
}

/// Runs a statement for many keys; `{keys}` in it stands for some of them, numbered behind the fixed values.
pub fn for_keys(database: &mut dyn Database, statement: &str, fixed: &[Value], keys: &[Value]) -> Result<(), Trouble> {
    for chunk in keys.chunks(MOST_PARAMETERS) {
        let (text, values) = with_keys(statement, fixed, chunk);
        database.run(&text, &values)?;
    }
    Ok(())
}

/// The same for a question.
pub fn ask_for_keys(database: &mut dyn Database, question: &str, keys: &[Value]) -> Result<Vec<Row>, Trouble> {
    let mut rows = Vec::new();
    for chunk in keys.chunks(MOST_PARAMETERS) {
        let (text, values) = with_keys(question, &[], chunk);
        rows.append(&mut database.ask(&text, &values)?);
    }
    Ok(rows)
}

fn with_keys(statement: &str, fixed: &[Value], keys: &[Value]) -> (String, Vec<Value>) {
    let mut number = fixed.len();
    let text = statement.replace("{keys}", &tuple(keys.len(), &mut number));
    (text, fixed.iter().chain(keys).cloned().collect())
}

/// `($4, $5, $6)`, counting on from `number`.
fn tuple(width: usize, number: &mut usize) -> String {
    let first = *number + 1;
    *number += width;
    let places: Vec<String> = (first..=*number).map(|place| format!("${place}")).collect();
    format!("({})", places.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_numbered_behind_what_is_fixed() {
        let keys = [Value::from(7), Value::from(8)];
        let (text, values) = with_keys("UPDATE t SET a = $1 WHERE id IN {keys}", &[Value::from("x")], &keys);
        assert_eq!(text, "UPDATE t SET a = $1 WHERE id IN ($2, $3)");
        assert_eq!(values.len(), 3);
    }
}
