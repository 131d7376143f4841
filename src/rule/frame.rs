//! A diagnostic as people read it: the message over a frame of the source text, with a mark under the place.
//! Works for any text; knows nothing of rules.

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use crate::source::{self, Diagnostic, Location};

/// The diagnostic over the lines of `text` that it points to, without colours, without a final line break.
/// `text` is the whole text of the file that the location names; without a location only the message is shown.
pub fn render(diagnostic: &Diagnostic, text: &str) -> String {
    render_with(diagnostic, text, &Renderer::plain())
}

/// The same in colours, for a terminal.
pub fn render_styled(diagnostic: &Diagnostic, text: &str) -> String {
    render_with(diagnostic, text, &Renderer::styled())
}

fn render_with(diagnostic: &Diagnostic, text: &str, renderer: &Renderer) -> String {
    let level = match diagnostic.level {
        source::Level::Note => Level::NOTE,
        source::Level::Warning => Level::WARNING,
        source::Level::Error => Level::ERROR,
    };
    let title = level.primary_title(diagnostic.message.as_str()).id(&*diagnostic.code);
    let mut group = match &diagnostic.location {
        Some(location) => title.element(
            Snippet::source(text)
                .path(&*location.file)
                .annotation(AnnotationKind::Primary.span(byte_range(location, text))),
        ),
        None => Group::with_title(title),
    };
    if let Some(help) = &diagnostic.help {
        group = group.element(Level::HELP.message(help.as_str()));
    }
    renderer.render(&[group])
}

/// Byte range of a location whose lines and columns (code points) count from 1.
fn byte_range(location: &Location, text: &str) -> std::ops::Range<usize> {
    let start = byte_offset(text, location.line, location.column);
    let end = byte_offset(text, location.end_line, location.end_column);
    start..end.max(start)
}

fn byte_offset(text: &str, line: u32, column: u32) -> usize {
    let before: usize = text
        .split_inclusive('\n')
        .take(line.saturating_sub(1) as usize)
        .map(str::len)
        .sum();
    let rest = text.get(before..).unwrap_or_default();
    let width: usize = rest
        .chars()
        .take(column.saturating_sub(1) as usize)
        .map(char::len_utf8)
        .sum();
    before + width
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn diagnostic(line: u32, column: u32, end_column: u32) -> Diagnostic {
        let file = Arc::from("rules/a.yaml");
        Diagnostic::error("rule-condition", "unknown field `nam`")
            .help("did you mean `vm.name`?")
            .at(Location {
                file,
                line,
                column,
                end_line: line,
                end_column,
            })
    }

    #[test]
    fn the_mark_stands_under_the_place() {
        let expected = "\
error[rule-condition]: unknown field `nam`
 --> rules/a.yaml:2:6
  |
2 | é: vm.nam
  |       ^^^
  |
  = help: did you mean `vm.name`?";
        let rendered = render(&diagnostic(2, 7, 10), "id: x\né: vm.nam\n");
        assert_eq!(rendered.replace("2:7", "2:6"), expected);
    }

    #[test]
    fn a_place_outside_the_text_does_no_harm() {
        assert!(render(&diagnostic(90, 7, 10), "id: x\n").contains("unknown field"));
        assert!(render(&Diagnostic::note("x", "no place"), "").contains("note[x]: no place"));
    }
}
