//! Columns of text for the terminal.

use crate::report::text;

/// Columns side by side; numbers stand to the right.
pub struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    pub fn new(heads: &[&str]) -> Self {
        Table {
            rows: vec![heads.iter().map(|head| (*head).to_owned()).collect()],
        }
    }

    pub fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.rows.push(cells.iter().map(|cell| text::name(cell, 48)).collect());
    }

    pub fn text(&self) -> String {
        let columns = self.rows.first().map_or(0, Vec::len);
        let cell = |row: &Vec<String>, column: usize| row.get(column).map_or("", String::as_str).to_owned();
        let of = |column| {
            self.rows
                .iter()
                .map(move |row| text::width(&cell(row, column)))
                .max()
                .unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(of).collect();
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let mut out = String::new();
        for (number, row) in self.rows.iter().enumerate() {
            let mut line = String::new();
            for (column, width) in widths.iter().enumerate() {
                let text = cell(row, column);
                let right = is_number(&text)
                    || (number == 0 && self.rows.get(1).is_some_and(|next| is_number(&cell(next, column))));
                let gap = " ".repeat(width.saturating_sub(text::width(&text)));
                let padded = if right { gap + &text } else { text + &gap };
                line.push_str(&padded);
                line.push_str("  ");
            }
            out.push_str(line.trim_end());
            out.push('\n');
        }
        out
    }
}
