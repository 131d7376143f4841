//! CEL: from the text of an expression to a checked program. The grammar is the `cel` crate's, most of which `parse` reads
//! in one pass; what an expression means over facts, unknown ones included, is in `value`. Must not know rule files.

use cel::common::ast::SourceInfo;
use cel::parser::ParseError;

use crate::rule::check::{self, Checked, Problem, Scope};
use crate::rule::expression::{Code, Mentions};
use crate::rule::parse;
use crate::rule::types::Type;

/// A checked expression, ready to be evaluated any number of times from any thread.
#[derive(Clone, Debug)]
pub struct Program {
    pub code: Code,
    pub ty: Type,
    /// The facts and parameters that it speaks of.
    pub mentions: Mentions,
}

/// Compiles an expression that decides something.
///
/// # Errors
/// Every mistake, in the order of the text; an expression that is no bool is one.
pub fn compile_condition(source: &str, scope: &Scope) -> Result<Program, Vec<Problem>> {
    let program = compile(source, scope)?;
    if program.ty.fits(&Type::Bool) {
        return Ok(program);
    }
    let message = format!("a condition must be a bool, and this is {}", program.ty);
    Err(vec![whole(source, message, None)])
}

/// Compiles an expression that stands in a text.
///
/// # Errors
/// Every mistake, in the order of the text; an expression that cannot be printed is one.
pub fn compile_text(source: &str, scope: &Scope) -> Result<Program, Vec<Problem>> {
    let program = compile(source, scope)?;
    if program.ty.is_printable() {
        return Ok(program);
    }
    let message = format!("a text can hold values and lists of values, and this is {}", program.ty);
    Err(vec![whole(
        source,
        message,
        Some("name a field, or list one with `.map(x, x.field)`".to_owned()),
    )])
}

/// Longer expressions are refused: some grow a tree as deep as they are long. In bytes.
pub const MAX_LENGTH: usize = 16_000;

fn compile(source: &str, scope: &Scope) -> Result<Program, Vec<Problem>> {
    if source.len() > MAX_LENGTH {
        let help = Some("split it into several steps".to_owned());
        return Err(vec![Problem {
            range: 0..1,
            message: "the expression is too long".to_owned(),
            help,
        }]);
    }
    // Blanks at the end would put "ends too early" behind them.
    let source = source.trim_end();
    if let Some(program) = at_once(source, scope) {
        return Ok(program);
    }
    // Without macros in the environment, calls such as `exists` stay as they were written, and so do their places.
    let parser = cel::Env::default().with_optional_support(false).parser();
    let (expression, info) = parser
        .parse_with_source_info(source)
        .map_err(|errors| syntax_problems(source, errors.errors))?;
    let Checked { code, ty, mentions } = check::check(source, &expression, &info, scope)?;
    Ok(Program { code, ty, mentions })
}

/// The program of an expression in which nothing is wrong. What is wrong is told by the places that the crate's parser keeps.
fn at_once(source: &str, scope: &Scope) -> Option<Program> {
    let expression = parse::parse(source)?;
    let Checked { code, ty, mentions } = check::check(source, &expression, &SourceInfo::default(), scope).ok()?;
    Some(Program { code, ty, mentions })
}

fn whole(source: &str, message: String, help: Option<String>) -> Problem {
    Problem {
        range: 0..source.trim_end().chars().count(),
        message,
        help,
    }
}

/// The first syntax error; those behind it are mostly its consequences.
fn syntax_problems(source: &str, errors: Vec<ParseError>) -> Vec<Problem> {
    let first = errors.into_iter().min_by_key(|error| error.pos);
    first.map(|error| syntax_problem(source, &error)).into_iter().collect()
}

fn syntax_problem(source: &str, error: &ParseError) -> Problem {
    let start = character(source, error.pos);
    let text = error.msg.trim_start_matches("Syntax error: ");
    let quoted = token(text);
    let (message, help) = match quoted {
        Some(missing) if text.starts_with("missing ") => (format!("`{missing}` is missing"), None),
        Some("<EOF>") if source.trim().is_empty() => ("the expression is empty".to_owned(), None),
        Some("<EOF>") => ("the expression ends too early".to_owned(), None),
        Some(token) => unexpected(token.trim()),
        None => (without_token(text), None),
    };
    let shown = quoted.filter(|token| *token != "<EOF>" && !text.starts_with("missing "));
    let width = shown.map_or(1, |token| token.trim_end().chars().count().max(1));
    Problem {
        range: start..start + width,
        message,
        help: help.map(str::to_owned),
    }
}

fn without_token(text: &str) -> String {
    match text {
        text if text.contains("Recursion limit") => "the expression is nested too deeply".to_owned(),
        // The parser's words for a tree that it could not finish.
        text if text.contains("ContextAll") => "this is no expression".to_owned(),
        text => lower_first(text),
    }
}

/// The token that a message of the parser is about: what stands between its first quotes.
fn token(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once('\'')?;
    let ends = ["' expecting", "' at '"]
        .into_iter()
        .find_map(|end| rest.split_once(end));
    ends.map(|(token, _)| token).or_else(|| rest.strip_suffix('\''))
}

/// What other languages write, and what CEL writes for it.
const SLIPS: &[(&str, &str)] = &[
    ("=", "`==` compares"),
    ("&", "`&&` is the logical and"),
    ("|", "`||` is the logical or"),
    ("and", "write `&&`, `||`, `!`"),
    ("or", "write `&&`, `||`, `!`"),
    ("not", "write `&&`, `||`, `!`"),
    ("\"", "a text begins and ends with the same quote"),
    ("'", "a text begins and ends with the same quote"),
];

fn unexpected(token: &str) -> (String, Option<&'static str>) {
    let slip = SLIPS
        .iter()
        .find(|(slip, _)| match slip.chars().all(char::is_alphabetic) {
            true => token == *slip,
            false => token.starts_with(slip) && token != slip.repeat(2),
        });
    // A lone sign is followed by whatever the lexer could not make a token of.
    let shown = slip
        .filter(|(slip, _)| matches!(*slip, "=" | "&" | "|"))
        .map_or(token, |(slip, _)| slip);
    (format!("unexpected `{shown}`"), slip.map(|(_, help)| *help))
}

/// Character offset of a line and column that count from 1.
fn character(source: &str, (line, column): (isize, isize)) -> usize {
    let index = |number: isize| usize::try_from(number.saturating_sub(1)).unwrap_or(0);
    let before: usize = source
        .split_inclusive('\n')
        .take(index(line))
        .map(|line| line.chars().count())
        .sum();
    before + index(column)
}

fn lower_first(text: &str) -> String {
    let mut characters = text.chars();
    let first = characters.next().map(|c| c.to_lowercase().to_string());
    first.unwrap_or_default() + characters.as_str().trim_end_matches('.')
}
