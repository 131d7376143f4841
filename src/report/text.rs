//! Makes text that came from outside safe to print: on one line, on a terminal, in XML, in Markdown, in a cell.
//! Whatever is not dangerous stays as it is. Must not know what a report is.

use std::borrow::Cow;
use std::fmt::Write as _;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Text that stays on its line and commands no terminal: control characters, bidirectional controls, invisible
/// characters and those that XML 1.0 cannot hold become visible escapes such as `\n` and `\u{1b}`.
pub fn line(text: &str) -> Cow<'_, str> {
    // Nearly all text is printable ASCII, which takes no look at single characters.
    if text.bytes().all(|byte| matches!(byte, 0x20..=0x7e)) {
        return Cow::Borrowed(text);
    }
    replace(text, is_treacherous, write_escape)
}

/// A cell of a table that a spreadsheet will open: no control characters, and nothing that starts a formula.
pub fn cell(text: &str) -> Cow<'_, str> {
    let guarded = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    let clean = replace(text, is_treacherous, |_, _| ());
    // Removing a character may lay a formula bare, so the cleaned text is looked at too.
    let guarded = guarded || clean.starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠']);
    if guarded {
        Cow::Owned(format!("'{clean}"))
    } else {
        clean
    }
}

/// Columns that the text takes on a terminal; wide characters of East Asian scripts count two.
pub fn width(text: &str) -> usize {
    text.width()
}

/// The text within so many columns, shortened in the middle: names differ at their ends.
pub fn shorten(text: &str, columns: usize) -> Cow<'_, str> {
    // A text of fewer bytes than columns cannot be too wide, and one of 10,000 bytes need not be measured.
    if text.len() <= columns || (text.len() <= columns.saturating_mul(4) && width(text) <= columns) {
        return Cow::Borrowed(text);
    }
    let room = columns.saturating_sub(1);
    let head = fitting(text.chars(), room.div_ceil(2));
    let tail: String = fitting(text.chars().rev(), room / 2).chars().rev().collect();
    Cow::Owned(format!("{head}…{tail}"))
}

/// The beginning of a text within so many columns.
pub fn cut(text: &str, columns: usize) -> Cow<'_, str> {
    if width(text) <= columns {
        return Cow::Borrowed(text);
    }
    Cow::Owned(fitting(text.chars(), columns.saturating_sub(1)) + "…")
}

/// The part of a text around a character (counted from 0), within so many columns: in a line of 10,000 characters, what
/// is pointed at has to be seen.
pub fn around(text: &str, character: usize, columns: usize) -> Cow<'_, str> {
    let far = character >= columns / 2 && width(text) > columns;
    let start = text.char_indices().nth(character).filter(|_| far);
    match start.and_then(|(start, _)| text.get(start..)) {
        Some(rest) => Cow::Owned(format!("…{}", cut(rest, columns.saturating_sub(1)))),
        None => cut(text, columns),
    }
}

/// A name from outside on one line within so many columns.
pub fn name(text: &str, columns: usize) -> String {
    shorten(&line(text), columns).into_owned()
}

/// A sentence on one line whose values in backticks are shortened to so many columns each: a name of 10,000
/// characters must not bury the sentence.
pub fn sentence(text: &str, columns: usize) -> String {
    let text = line(text);
    let most = |index: usize| {
        if index % 2 == 1 {
            columns
        } else {
            columns.saturating_mul(10)
        }
    };
    let parts: Vec<_> = text
        .split('`')
        .enumerate()
        .map(|(index, part)| shorten(part, most(index)))
        .collect();
    parts.join("`")
}

/// Breaks text into lines of at most so many columns, between words; a longer word is shortened in the middle.
pub fn wrap(text: &str, columns: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut current = String::new();
    for word in line(text).split(' ').filter(|word| !word.is_empty()) {
        let word = shorten(word, columns.max(8));
        if !current.is_empty() && width(&current) + 1 + width(&word) > columns {
            lines.push(std::mem::take(&mut current));
        }
        if !current.is_empty() {
            current.push(' ');
        }
        current.push_str(&word);
    }
    if !current.is_empty() {
        lines.push(current);
    }
    lines
}

/// Plain text within Markdown: no markup, HTML, table border, link, mention or issue reference comes of it.
pub fn markdown(text: &str) -> String {
    let text = line(text);
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        match c {
            // References are found in the rendered text, so an entity alone does not stop them: a space of no width does.
            '@' => out.push_str("@&#8203;"),
            '#' if characters.peek().is_some_and(char::is_ascii_digit) => out.push_str("&#35;&#8203;"),
            ':' if characters.peek() == Some(&'/') => write_entity(&mut out, c),
            '-' | '+' if out.is_empty() => write_entity(&mut out, c),
            c if is_markup(c) => write_entity(&mut out, c),
            '.' if out.ends_with("www") || out.ends_with("WWW") => write_entity(&mut out, c),
            c => out.push(c),
        }
    }
    out
}

/// A sentence in which backticks enclose values, as Markdown: the values become code, all else plain text.
pub fn markdown_sentence(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (index, part) in text.split('`').enumerate() {
        if index % 2 == 1 {
            let _ = write!(out, "<code>{}</code>", markdown(part));
        } else {
            out.push_str(&markdown(part));
        }
    }
    out
}

fn replace(text: &str, bad: fn(char) -> bool, write: fn(&mut String, char)) -> Cow<'_, str> {
    if !text.contains(bad) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if bad(c) { write(&mut out, c) } else { out.push(c) }
    }
    Cow::Owned(out)
}

/// Characters that move the cursor, reorder what is read, hide, or are none.
fn is_treacherous(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{fffe}' | '\u{ffff}' | '\u{e0000}'..='\u{e007f}')
}

fn write_escape(out: &mut String, c: char) {
    out.extend(c.escape_default());
}

/// Punctuation by which Markdown and HTML are written. As an entity a character never has a structural meaning.
fn is_markup(c: char) -> bool {
    matches!(
        c,
        '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '<' | '>' | '&' | '|' | '~' | '#' | '$'
    )
}

fn write_entity(out: &mut String, c: char) {
    let _ = write!(out, "&#{};", u32::from(c));
}

fn fitting(characters: impl Iterator<Item = char>, columns: usize) -> String {
    let mut used = 0;
    characters
        .take_while(|c| {
            used += c.width().unwrap_or(0);
            used <= columns
        })
        .take(columns.saturating_mul(4))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_to_the_terminal_become_visible() {
        assert_eq!(
            line("vm\u{1b}[31m\nx\u{202e}y\u{9b}"),
            "vm\\u{1b}[31m\\nx\\u{202e}y\\u{9b}"
        );
        assert!(matches!(line("vm-web-01 (ü, 東京)"), Cow::Borrowed(_)));
    }

    #[test]
    fn what_is_pointed_at_in_a_long_line_is_seen() {
        let long = format!("{}rule{}", "x".repeat(100), "y".repeat(100));
        assert_eq!(around(&long, 100, 8), "…ruleyy…");
        assert_eq!(around(&long, 2, 8), "xxxxxxx…");
        assert_eq!(around("short", 4, 8), "short");
        assert_eq!(around(&long, 900, 8), "xxxxxxx…");
    }

    #[test]
    fn formulas_are_guarded() {
        assert_eq!(cell("=cmd()"), "'=cmd()");
        assert_eq!(cell("\u{202e}=cmd()"), "'=cmd()");
        assert_eq!(cell("\t=cmd()"), "'=cmd()");
        assert_eq!(cell("@SUM(1)"), "'@SUM(1)");
        assert_eq!(cell("a=b"), "a=b");
    }

    #[test]
    fn long_names_keep_both_ends() {
        let long = format!("start{}end", "x".repeat(10_000));
        let short = shorten(&long, 20);
        assert_eq!(width(&short), 20);
        assert!(short.starts_with("start") && short.ends_with("end"));
        assert!(width(&shorten("東京東京東京東京", 9)) <= 9);
        assert_eq!(shorten("abc", 3), "abc");
        assert!(shorten(&"\u{301}".repeat(10_000), 10).chars().count() < 200);
    }

    #[test]
    fn wrapping_respects_the_width() {
        let lines = wrap("the quick brown fox jumps over the lazy dog", 12);
        assert!(lines.iter().all(|line| width(line) <= 12), "{lines:?}");
        assert_eq!(lines.join(" "), "the quick brown fox jumps over the lazy dog");
        assert!(wrap("", 10).is_empty());
    }

    #[test]
    fn markdown_is_only_text() {
        let safe = markdown("<script>|`x`|[a](http://b) @me #12 www.x.y *b* _i_ me@x.org");
        for bad in ["<", "|", "`", "[", "://", "@m", " #1", "www.", "*", "_", "@x"] {
            assert!(!safe.contains(bad), "{bad} in {safe}");
        }
        assert_eq!(markdown_sentence("rule `a|b` wins"), "rule <code>a&#124;b</code> wins");
        assert_eq!(markdown_sentence("rule `a"), "rule <code>a</code>");
    }
}
