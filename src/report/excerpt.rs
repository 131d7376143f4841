//! The lines of a text that a place is in, for a terminal. Must not know what they are shown for.

use super::text;
use crate::source::Location;

/// Most lines shown: a rule of Terraform with a line for each argument.
const MOST_LINES: u32 = 12;

/// What stands before each line, and the line itself, safe to print. `width` is for both.
pub fn lines(text: &str, place: &Location, width: usize) -> Vec<(String, String)> {
    let first = place.line.max(1);
    let last = place.end_line.clamp(first, first.saturating_add(MOST_LINES - 1));
    let skip = usize::try_from(first - 1).unwrap_or(usize::MAX);
    let lines: Vec<&str> = text.lines().skip(skip).take((last - first + 1) as usize).collect();
    let indent = lines
        .iter()
        .filter(|line| !line.trim().is_empty())
        .map(|line| line.len() - line.trim_start().len())
        .min()
        .unwrap_or(0);
    let gutter = last.to_string().len();
    let column = usize::try_from(place.column).unwrap_or(0).saturating_sub(1 + indent);
    let shown = |(number, line): (u32, &&str)| {
        let line = text::line(line.get(indent..).unwrap_or_default().trim_end());
        let pointed_at = if number == first { column } else { 0 };
        let line = text::around(&line, pointed_at, width.saturating_sub(3 + gutter)).into_owned();
        (format!("{number:>gutter$} | "), line)
    };
    let mut all: Vec<(String, String)> = (first..).zip(&lines).map(shown).collect();
    if place.end_line > last {
        all.push((format!("{:>gutter$} | ", ""), "...".to_owned()));
    }
    all
}
