//! Compact tables for the data block: columns named once, rows as arrays, every text stored once.

use std::collections::HashMap;
use std::sync::Arc;

use serde::Serialize;

/// One value of a row.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(untagged)]
pub enum Cell {
    Number(u32),
    /// A text that occurs once only, and so is not worth a place among the strings.
    Text(Arc<str>),
    List(Vec<Cell>),
}

impl Cell {
    fn is_empty(&self) -> bool {
        match self {
            Cell::Number(number) => *number == 0,
            Cell::Text(text) => text.is_empty(),
            Cell::List(cells) => cells.is_empty(),
        }
    }
}

/// The cells of one row with the names of their columns. Rare columns go last: empty cells at the end are dropped.
pub type Record = Vec<(&'static str, Cell)>;

/// Rows that share their columns.
#[derive(Debug, Default, Serialize)]
pub struct Table {
    columns: Vec<&'static str>,
    rows: Vec<Vec<Cell>>,
    #[serde(skip)]
    seen: HashMap<Vec<Cell>, u32, foldhash::fast::RandomState>,
}

impl Table {
    /// Adds a row and returns its number.
    pub fn push(&mut self, record: Record) -> u32 {
        let row = self.row(record);
        self.append(row)
    }

    /// The number of an equal row, which is added if there is none.
    pub fn intern(&mut self, record: Record) -> u32 {
        let row = self.row(record);
        if let Some(number) = self.seen.get(&row) {
            return *number;
        }
        let number = self.append(row.clone());
        self.seen.insert(row, number);
        number
    }

    fn row(&mut self, record: Record) -> Vec<Cell> {
        if self.columns.is_empty() {
            self.columns = record.iter().map(|(name, _)| *name).collect();
        }
        let mut row: Vec<Cell> = record.into_iter().map(|(_, cell)| cell).collect();
        while row.last().is_some_and(Cell::is_empty) {
            row.pop();
        }
        row
    }

    fn append(&mut self, row: Vec<Cell>) -> u32 {
        let number = u32::try_from(self.rows.len()).unwrap_or(u32::MAX);
        self.rows.push(row);
        number
    }
}

/// One stored string: whole, or the numbers of the strings it is joined from.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Entry {
    Whole(Arc<str>),
    Joined(Vec<u32>),
}

/// Every text once. ARM ids and sentences share their frames (`/subscriptions/.../virtualMachines/`,
/// `port 22 of ` ...), so long ones are cut where they vary and the pieces are stored once too.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct Strings {
    entries: Vec<Entry>,
    #[serde(skip)]
    seen: HashMap<Arc<str>, u32, foldhash::fast::RandomState>,
}

impl Default for Strings {
    fn default() -> Self {
        let mut strings = Strings {
            entries: Vec::new(),
            seen: HashMap::default(),
        };
        // Number 0 is the empty text: "not given".
        strings.whole(&Arc::from(""));
        strings
    }
}

impl Strings {
    /// The number of a text.
    pub fn number(&mut self, text: &Arc<str>) -> u32 {
        if let Some(number) = self.seen.get(text) {
            return *number;
        }
        let pieces = pieces(text);
        if pieces.len() < 2 {
            return self.whole(text);
        }
        let numbers = pieces.into_iter().map(|piece| self.piece(piece)).collect();
        self.append(text, Entry::Joined(numbers))
    }

    fn piece(&mut self, text: &str) -> u32 {
        match self.seen.get(text) {
            Some(number) => *number,
            None => self.whole(&Arc::from(text)),
        }
    }

    fn whole(&mut self, text: &Arc<str>) -> u32 {
        self.append(text, Entry::Whole(Arc::clone(text)))
    }

    fn append(&mut self, text: &Arc<str>, entry: Entry) -> u32 {
        let number = u32::try_from(self.entries.len()).unwrap_or(u32::MAX);
        self.entries.push(entry);
        self.seen.insert(Arc::clone(text), number);
        number
    }
}

/// Shorter texts cost more in pieces than whole.
const SHORTEST_CUT: usize = 20;

/// An id is cut before its provider and behind its last slash, a sentence where a name in backticks begins and ends.
fn pieces(text: &str) -> Vec<&str> {
    match text {
        short if short.len() < SHORTEST_CUT => Vec::new(),
        sentence if sentence.contains(' ') => sentence_pieces(sentence),
        name => name_pieces(name),
    }
}

fn name_pieces(text: &str) -> Vec<&str> {
    let name = text.rsplit('/').next().map_or(0, str::len);
    let (frame, name) = text
        .split_at_checked(text.len().saturating_sub(name))
        .unwrap_or((text, ""));
    let scope = frame.rfind("/providers/").unwrap_or_default();
    let (scope, kind) = frame.split_at_checked(scope).unwrap_or((frame, ""));
    [scope, kind, name]
        .into_iter()
        .filter(|piece| !piece.is_empty())
        .collect()
}

/// The backticks stay with the sentence, so that the name is the same text as elsewhere.
fn sentence_pieces(text: &str) -> Vec<&str> {
    let quotes = text.match_indices('`').map(|(place, _)| place).enumerate();
    let ends = quotes.map(|(number, place)| {
        if number % 2 == 0 {
            place.saturating_add(1)
        } else {
            place
        }
    });
    let mut start = 0;
    let cuts = ends
        .chain([text.len()])
        .filter_map(|end| text.get(std::mem::replace(&mut start, end)..end));
    cuts.filter(|piece| !piece.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_where_they_vary() {
        let id = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/vm-1";
        let parts = [
            "/subscriptions/s/resourceGroups/g",
            "/providers/Microsoft.Compute/virtualMachines/",
            "vm-1",
        ];
        assert_eq!(pieces(id), parts);
        assert_eq!(
            pieces("port 22 of `vm-1` is open `"),
            ["port 22 of `", "vm-1", "` is open `"]
        );
        for text in [
            "",
            "/",
            "a/b",
            "``",
            "it says `` and `x",
            "/providers/////providers//",
            "ééééééééééé `é` é/é",
            id,
        ] {
            let pieces = pieces(text).concat();
            assert!(pieces.is_empty() || pieces == text, "{text}");
        }
    }

    #[test]
    fn equal_texts_and_rows_have_one_number() {
        let mut strings = Strings::default();
        let name: Arc<str> = Arc::from("a name of more than twenty `letters`");
        assert_eq!(strings.number(&name), strings.number(&name));
        let mut table = Table::default();
        let row = |number| vec![("a", Cell::Number(number)), ("b", Cell::Number(0))];
        assert_eq!(
            [table.intern(row(5)), table.intern(row(6)), table.intern(row(5))],
            [0, 1, 0]
        );
        assert_eq!(
            serde_json::to_string(&table).unwrap(),
            r#"{"columns":["a","b"],"rows":[[5],[6]]}"#
        );
    }
}
