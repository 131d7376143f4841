//! The little Markdown of rule texts as plain data, which the template turns into markup and escapes.
//! Raw HTML stays text, and a link is a link only when it goes to http(s).

use pulldown_cmark::{Event, Parser, Tag, TagEnd};
use serde::Serialize;

/// A paragraph, a list or a code block.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Block {
    /// `paragraph`, `bullets`, `numbers` or `code`.
    pub kind: &'static str,
    /// One entry for each list item; otherwise one.
    pub items: Vec<Vec<Run>>,
}

/// Text in one style.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Run {
    pub text: String,
    pub code: bool,
    pub strong: bool,
    pub emphasis: bool,
    /// Where a link goes (empty: no link).
    pub href: String,
}

/// The blocks of a Markdown text.
pub fn blocks(text: &str) -> Vec<Block> {
    let mut reader = Reader::default();
    Parser::new(text).for_each(|event| reader.event(event));
    reader
        .blocks
        .retain(|block| block.items.iter().any(|item| !item.is_empty()));
    reader.blocks
}

#[derive(Default)]
struct Reader {
    blocks: Vec<Block>,
    style: Run,
    /// Lists inside a list continue it: two levels in a rule text are a matter of taste, not of meaning.
    lists: usize,
}

impl Reader {
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Code(text) => self.run(&text, true),
            Event::SoftBreak | Event::HardBreak => self.run(" ", false),
            Event::Text(text) | Event::Html(text) | Event::InlineHtml(text) => self.run(&text, false),
            _ => {}
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::List(first) => self.open_list(if first.is_some() { "numbers" } else { "bullets" }),
            Tag::Item => self.open_item(),
            Tag::CodeBlock(_) if self.lists == 0 => self.open("code"),
            Tag::Paragraph | Tag::Heading { .. } | Tag::HtmlBlock if self.lists == 0 => self.open("paragraph"),
            Tag::Paragraph => self.space(),
            Tag::Strong => self.style.strong = true,
            Tag::Emphasis => self.style.emphasis = true,
            Tag::Link { dest_url, .. } if is_web(&dest_url) => self.style.href = dest_url.into_string(),
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::List(_) => self.lists = self.lists.saturating_sub(1),
            TagEnd::Strong => self.style.strong = false,
            TagEnd::Emphasis => self.style.emphasis = false,
            TagEnd::Link => self.style.href.clear(),
            _ => {}
        }
    }

    fn open(&mut self, kind: &'static str) {
        self.blocks.push(Block {
            kind,
            items: vec![Vec::new()],
        });
    }

    fn open_list(&mut self, kind: &'static str) {
        if self.lists == 0 {
            self.blocks.push(Block {
                kind,
                items: Vec::new(),
            });
        }
        self.lists = self.lists.saturating_add(1);
    }

    fn open_item(&mut self) {
        if let Some(list) = self.blocks.last_mut() {
            list.items.push(Vec::new());
        }
    }

    /// Sets a second paragraph of a list item apart from the first.
    fn space(&mut self) {
        let begun = self
            .blocks
            .last()
            .and_then(|block| block.items.last())
            .is_some_and(|item| !item.is_empty());
        if begun {
            self.run(" ", false);
        }
    }

    fn run(&mut self, text: &str, code: bool) {
        if self.blocks.is_empty() {
            self.open("paragraph");
        }
        let run = Run {
            text: text.to_owned(),
            code,
            ..self.style.clone()
        };
        if let Some(item) = self.blocks.last_mut().and_then(|block| block.items.last_mut()) {
            item.push(run);
        }
    }
}

/// A message of the house style: values stand in backticks, and nothing else is markup.
pub fn message(text: &str) -> Vec<Run> {
    let last = text.matches('`').count();
    let parts = text.split('`').enumerate().filter(|(_, part)| !part.is_empty());
    parts
        .map(|(place, part)| message_part(part, place % 2 == 1, place == last))
        .collect()
}

/// What follows a backtick that nothing closes is plain text.
fn message_part(part: &str, quoted: bool, last: bool) -> Run {
    let text = if quoted && last {
        format!("`{part}")
    } else {
        part.to_owned()
    };
    Run {
        text,
        code: quoted && !last,
        ..Run::default()
    }
}

/// Whether an address may become a link.
pub fn is_web(address: &str) -> bool {
    ["https://", "http://"].iter().any(|scheme| {
        address
            .get(..scheme.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(block: &Block) -> Vec<String> {
        block
            .items
            .iter()
            .map(|item| item.iter().map(|run| run.text.as_str()).collect())
            .collect()
    }

    #[test]
    fn paragraphs_and_lists() {
        let blocks = blocks("One `code` and **bold**.\nGoes on.\n\n1. first\n2. second\n   - deep\n\nEnd.");
        let kinds: Vec<_> = blocks.iter().map(|block| block.kind).collect();
        assert_eq!(kinds, ["paragraph", "numbers", "paragraph"]);
        assert_eq!(texts(&blocks[0]), ["One code and bold. Goes on."]);
        assert_eq!(texts(&blocks[1]), ["first", "second", "deep"]);
        assert!(blocks[0].items[0].iter().any(|run| run.code && run.text == "code"));
        assert!(blocks[0].items[0].iter().any(|run| run.strong && run.text == "bold"));
    }

    #[test]
    fn markup_stays_text_and_only_web_links_are_links() {
        let blocks = blocks("<script>alert(1)</script>\n\n[a](javascript:alert(1)) [b](https://example.com/) <b>x</b>");
        assert_eq!(texts(&blocks[0]), ["<script>alert(1)</script>\n"]);
        let links: Vec<_> = blocks[1].items[0].iter().filter(|run| !run.href.is_empty()).collect();
        assert_eq!(links.len(), 1);
        assert_eq!(links[0].href, "https://example.com/");
        assert!(texts(&blocks[1])[0].contains("<b>x</b>"));
    }

    #[test]
    fn values_of_messages_are_code() {
        let parts = |text| {
            message(text)
                .into_iter()
                .map(|run| (run.text, run.code))
                .collect::<Vec<_>>()
        };
        let expected = [("port 22 of ", false), ("vm-1", true), (" is open", false)];
        assert_eq!(
            parts("port 22 of `vm-1` is open"),
            expected.map(|(text, code)| (text.to_owned(), code))
        );
        assert_eq!(
            parts("`a` and `b"),
            [
                ("a".to_owned(), true),
                (" and ".to_owned(), false),
                ("`b".to_owned(), false)
            ]
        );
        assert_eq!(parts("**not bold**"), [("**not bold**".to_owned(), false)]);
    }
}
