//! Texts with holes: `{expression}` is filled in for each subject, `{{` and `}}` stand for braces.
//! Must not know rule files; expressions are checked by `cel`.

use std::sync::Arc;

use crate::rule::cel::{self, Program};
use crate::rule::check::{Problem, Scope};
use crate::rule::expression::Mentions;
use crate::rule::fact::Fact;
use crate::rule::value::{self, SubjectFacts};

/// A compiled text.
#[derive(Clone, Debug)]
pub struct Template {
    parts: Vec<Part>,
}

#[derive(Clone, Debug)]
enum Part {
    Text(Arc<str>),
    Hole(Program),
}

impl Template {
    /// Compiles a text and the expressions in it.
    ///
    /// # Errors
    /// Every mistake, in the order of the text, with ranges in characters of the text.
    pub fn compile(text: &str, scope: &Scope) -> Result<Template, Vec<Problem>> {
        let mut parts = Vec::new();
        let mut problems = Vec::new();
        for piece in split(text) {
            match piece {
                Piece::Text(text) => parts.push(Part::Text(Arc::from(text))),
                Piece::Wrong(problem) => problems.push(problem),
                Piece::Hole { source, start } => match cel::compile_text(&source, scope) {
                    Ok(program) => parts.push(Part::Hole(program)),
                    Err(found) => problems.extend(found.into_iter().map(|problem| moved(problem, start))),
                },
            }
        }
        if problems.is_empty() {
            Ok(Template { parts })
        } else {
            Err(problems)
        }
    }

    /// The text for one subject; what cannot be told is `unknown`.
    pub fn fill(&self, facts: &SubjectFacts<'_>, params: &[Fact]) -> Arc<str> {
        if let [Part::Text(text)] = self.parts.as_slice() {
            return Arc::clone(text);
        }
        let mut filled = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => filled.push_str(text),
                Part::Hole(program) => match value::evaluate(&program.code, facts, params) {
                    Ok(fact) => value::print_into(&mut filled, &fact),
                    Err(_) => filled.push_str("unknown"),
                },
            }
        }
        Arc::from(filled)
    }

    /// What the expressions in it speak of.
    pub fn mentions(&self) -> impl Iterator<Item = &Mentions> {
        self.parts.iter().filter_map(|part| match part {
            Part::Hole(program) => Some(&program.mentions),
            Part::Text(_) => None,
        })
    }
}

/// The expressions in a text.
#[cfg(test)]
pub(super) fn expressions(text: &str) -> Vec<String> {
    let of = |piece| match piece {
        Piece::Hole { source, .. } => Some(source),
        Piece::Text(_) | Piece::Wrong(_) => None,
    };
    split(text).into_iter().filter_map(of).collect()
}

fn moved(mut problem: Problem, by: usize) -> Problem {
    problem.range = problem.range.start + by..problem.range.end + by;
    problem
}

enum Piece {
    Text(String),
    /// The expression, and the character at which it starts.
    Hole {
        source: String,
        start: usize,
    },
    Wrong(Problem),
}

fn split(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut literal = String::new();
    let mut characters = text.trim_end().chars().enumerate().peekable();
    while let Some((index, character)) = characters.next() {
        let doubled = matches!(character, '{' | '}') && characters.next_if(|(_, next)| *next == character).is_some();
        match character {
            '{' if !doubled => {
                pieces.push(Piece::Text(std::mem::take(&mut literal)));
                pieces.push(hole(&mut characters, index));
            }
            '}' if !doubled => pieces.push(Piece::Wrong(Problem {
                range: index..index + 1,
                message: "`}` closes nothing".to_owned(),
                help: Some("write `}}` for a brace".to_owned()),
            })),
            other => literal.push(other),
        }
    }
    pieces.push(Piece::Text(literal));
    pieces.retain(|piece| !matches!(piece, Piece::Text(text) if text.is_empty()));
    pieces
}

/// Reads up to the closing brace; braces in quotes belong to the expression.
fn hole(characters: &mut impl Iterator<Item = (usize, char)>, open: usize) -> Piece {
    let mut source = String::new();
    let mut quote = None;
    for (_, character) in characters {
        match (quote, character) {
            (None, '}') => {
                return Piece::Hole {
                    source,
                    start: open + 1,
                };
            }
            (None, '\'' | '"') => quote = Some(character),
            (Some(open), close) if open == close => quote = None,
            _ => {}
        }
        source.push(character);
    }
    Piece::Wrong(Problem {
        range: open..open + 1,
        message: "`{` is not closed".to_owned(),
        help: Some("write `{{` for a brace".to_owned()),
    })
}
