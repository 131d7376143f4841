//! Templates as Terraform reads them: line by line, with the blanks that `~` eats and the indentation that `<<-` takes
//! away. A line whose start was eaten is no line start any more; only then is the indentation measured.

use std::sync::Arc;

use hcl_edit::Span as _;
use hcl_edit::template::{Directive, Element, Strip, Template};

use super::native::Builder;
use super::{Expression, Part};

/// Whether the common indentation is taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flush {
    No,
    Yes,
}

enum Token {
    Literal(String),
    Interpolation(Expression),
    If(Expression),
    Else,
    EndIf,
    For(Option<Arc<str>>, Arc<str>, Expression),
    EndFor,
}

/// The parts of a template. `raw`: the text stands as it is, without the escapes of quoted strings.
pub fn parts(builder: &Builder<'_>, template: &Template, flush: Flush, raw: bool) -> Vec<Part> {
    let mut flat = Flat {
        builder,
        raw,
        tokens: Vec::new(),
        trim_next: false,
    };
    flat.template(template);
    let mut tokens = flat.tokens;
    if flush == Flush::Yes {
        flush_left(&mut tokens);
    }
    let mut rest = tokens.into_iter();
    tree(&mut rest).0
}

struct Flat<'b, 't> {
    builder: &'b Builder<'t>,
    raw: bool,
    tokens: Vec<Token>,
    trim_next: bool,
}

impl Flat<'_, '_> {
    fn template(&mut self, template: &Template) {
        for element in template {
            match element {
                Element::Literal(text) => {
                    let written = text.span().and_then(|range| self.builder.text.get(range));
                    match written {
                        Some(written) if self.raw => self.lines(&written.replace("$${", "${").replace("%%{", "%{")),
                        Some(written) => self.literal(unescaped(written)),
                        None => self.literal(text.as_str().to_owned()),
                    }
                }
                Element::Interpolation(one) => {
                    let expression = self.builder.expression(&one.expr);
                    self.control(one.strip, Token::Interpolation(expression));
                }
                Element::Directive(directive) => self.directive(directive),
            }
        }
    }

    fn lines(&mut self, text: &str) {
        for line in text.split_inclusive('\n') {
            self.literal(line.to_owned());
        }
    }

    fn literal(&mut self, mut text: String) {
        if std::mem::take(&mut self.trim_next) {
            text = text.trim_start().to_owned();
        }
        self.tokens.push(Token::Literal(text));
    }

    fn control(&mut self, strip: Strip, token: Token) {
        if matches!(strip, Strip::Start | Strip::Both)
            && let Some(Token::Literal(text)) = self.tokens.last_mut()
        {
            text.truncate(text.trim_end().len());
        }
        self.tokens.push(token);
        self.trim_next = matches!(strip, Strip::End | Strip::Both);
    }

    fn directive(&mut self, directive: &Directive) {
        match directive {
            Directive::If(one) => {
                let condition = self.builder.expression(&one.if_expr.cond_expr);
                self.control(one.if_expr.strip, Token::If(condition));
                self.template(&one.if_expr.template);
                if let Some(other) = &one.else_expr {
                    self.control(other.strip, Token::Else);
                    self.template(&other.template);
                }
                self.control(one.endif_expr.strip, Token::EndIf);
            }
            Directive::For(one) => {
                let collection = self.builder.expression(&one.for_expr.collection_expr);
                let key = one.for_expr.key_var.as_ref().map(|name| Arc::from(name.as_str()));
                let value = Arc::from(one.for_expr.value_var.as_str());
                self.control(one.for_expr.strip, Token::For(key, value, collection));
                self.template(&one.for_expr.template);
                self.control(one.endfor_expr.strip, Token::EndFor);
            }
        }
    }
}

/// The text that a quoted one stands for.
fn unescaped(written: &str) -> String {
    let mut out = String::with_capacity(written.len());
    let mut rest = written.chars();
    while let Some(one) = rest.next() {
        let ahead = rest.as_str();
        match one {
            '\\' => match rest.next() {
                Some('n') => out.push('\n'),
                Some('r') => out.push('\r'),
                Some('t') => out.push('\t'),
                Some('u') => out.extend(code_point(&mut rest, 4)),
                Some('U') => out.extend(code_point(&mut rest, 8)),
                Some(other) => out.push(other),
                None => {}
            },
            '$' | '%' if ahead.starts_with(one) && ahead.get(1..2) == Some("{") => {
                out.push(one);
                out.push('{');
                rest.next();
                rest.next();
            }
            other => out.push(other),
        }
    }
    out
}

fn code_point(rest: &mut std::str::Chars<'_>, digits: usize) -> Option<char> {
    let hex: String = rest.by_ref().take(digits).collect();
    u32::from_str_radix(&hex, 16).ok().and_then(char::from_u32)
}

fn flush_left(tokens: &mut [Token]) {
    let mut least = usize::MAX;
    let mut starts = Vec::new();
    let mut at_start = true;
    for (at, token) in tokens.iter().enumerate() {
        let Token::Literal(text) = token else {
            if std::mem::take(&mut at_start) {
                least = 0;
            }
            continue;
        };
        let trimmed = text.trim_start();
        let blank = trimmed.is_empty() && text.ends_with('\n');
        if at_start && !blank {
            let spaces = text.chars().take_while(|c| c.is_whitespace()).count();
            least = least.min(spaces);
            starts.push(at);
        }
        at_start = text.ends_with('\n');
    }
    for at in starts {
        if let Some(Token::Literal(text)) = tokens.get_mut(at) {
            *text = text.chars().skip(least).collect();
        }
    }
}

/// Why a list of parts ended.
#[derive(PartialEq, Eq)]
enum End {
    Text,
    Else,
    Closed,
}

fn tree(tokens: &mut std::vec::IntoIter<Token>) -> (Vec<Part>, End) {
    let mut out: Vec<Part> = Vec::new();
    while let Some(token) = tokens.next() {
        match token {
            Token::Literal(text) => add_literal(&mut out, &text),
            Token::Interpolation(expression) => out.push(Part::Interpolation(expression)),
            Token::If(condition) => {
                let (then, end) = tree(tokens);
                let otherwise = if end == End::Else { tree(tokens).0 } else { Vec::new() };
                out.push(Part::If(condition, then, otherwise));
            }
            Token::For(key, value, collection) => {
                let (body, _) = tree(tokens);
                out.push(Part::For {
                    key,
                    value,
                    collection,
                    body,
                });
            }
            Token::Else => return (out, End::Else),
            Token::EndIf | Token::EndFor => return (out, End::Closed),
        }
    }
    (out, End::Text)
}

fn add_literal(out: &mut Vec<Part>, text: &str) {
    if text.is_empty() {
        return;
    }
    match out.last_mut() {
        Some(Part::Literal(before)) => *before = Arc::from(format!("{before}{text}")),
        _ => out.push(Part::Literal(Arc::from(text))),
    }
}
