//! Statements. One that is broken is passed over to the line where the next begins.

use super::parser::{Parsed, Parser, span};
use super::token::Token;
use super::tree::{Declaration, Decorator, Imports, Name, Problem, Statement, StatementKind as Kind};

pub(super) const KEYWORDS: &[&str] = &[
    "targetScope",
    "param",
    "var",
    "resource",
    "module",
    "output",
    "type",
    "func",
    "import",
    "extension",
    "provider",
    "extensionConfig",
    "using",
    "extends",
    "metadata",
    "assert",
    "test",
];

impl Parser<'_> {
    /// The statement that begins here, or what stands for it.
    pub fn statement(&mut self) -> Statement {
        let start = self.next().start;
        let decorators = self.decorators();
        let lexeme = self.next();
        let keyword = match lexeme.token {
            Token::Name => self.slice(lexeme).to_owned(),
            _ => String::new(),
        };
        let kind = match self.declared(&keyword) {
            Ok(kind) => kind,
            Err(problem) => {
                self.note(problem);
                let name = self.name_behind(lexeme.end);
                self.skip_statement();
                Kind::Broken { keyword, name }
            }
        };
        Statement {
            decorators,
            kind,
            span: span(start, self.at),
        }
    }

    /// What a broken statement was to declare.
    fn name_behind(&mut self, at: usize) -> Option<Name> {
        let here = self.at;
        self.at = at;
        let name = self.name().ok();
        self.at = here;
        name
    }

    /// Passes to the next line that begins a statement.
    fn skip_statement(&mut self) {
        loop {
            let lexeme = self.next();
            match lexeme.token {
                Token::End => return,
                Token::NewLine if self.begins_statement(lexeme.end) => return,
                Token::Quote => self.pass_string(),
                _ => {
                    self.take();
                }
            }
        }
    }

    fn decorators(&mut self) -> Vec<Decorator> {
        let mut decorators = Vec::new();
        while self.is("@") {
            match self.decorator() {
                Ok(decorator) => decorators.push(decorator),
                Err(problem) => {
                    self.note(problem);
                    self.skip();
                }
            }
            self.lines();
        }
        decorators
    }

    pub fn decorator(&mut self) -> Parsed<Decorator> {
        self.need("@")?;
        let mut name = self.name()?;
        if self.took(".") {
            name = self.name()?;
        }
        let arguments = self.arguments()?;
        Ok(Decorator { name, arguments })
    }

    /// Whether a resource within a resource begins here, and no member of this name.
    pub fn begins_nested(&mut self) -> bool {
        if self.is("@") {
            return true;
        }
        let here = self.at;
        let nested = self.took_word("resource") && self.name().is_ok() && self.next().token == Token::Quote;
        self.at = here;
        nested
    }

    fn declared(&mut self, keyword: &str) -> Parsed<Kind> {
        if !KEYWORDS.contains(&keyword) {
            let lexeme = self.next();
            return Err(Problem {
                message: format!("`{}` begins no statement", self.slice(lexeme).trim()),
                span: span(lexeme.start, lexeme.end),
            });
        }
        self.take();
        let kind = match keyword {
            "targetScope" => {
                self.need("=")?;
                Kind::TargetScope(self.expression()?)
            }
            "param" => self.parameter()?,
            "var" => self.variable()?,
            "resource" => Kind::Resource(self.declaration()?),
            "module" => Kind::Module(self.declaration()?),
            "output" => self.output()?,
            "type" => {
                let name = self.name()?;
                self.need("=")?;
                self.lines();
                let declared = self.type_expression()?;
                Kind::Type { name, declared }
            }
            "func" => self.function()?,
            "import" => self.import()?,
            "extension" | "provider" => self.extension()?,
            "using" => self.using()?,
            "extends" => Kind::Extends(self.string()?),
            _ => {
                self.aside()?;
                Kind::Aside
            }
        };
        match self.next().token {
            Token::NewLine | Token::End | Token::Symbol("}") => Ok(kind),
            _ if self.ends_here(self.at) => Ok(kind),
            _ => self.unexpected("the end of the line"),
        }
    }

    fn parameter(&mut self) -> Parsed<Kind> {
        let name = self.name()?;
        // A union may begin on the next line.
        if self.next_beyond_lines().token == Token::Symbol("|") {
            self.lines();
        }
        let declared = match self.next().token {
            Token::Symbol("=") | Token::NewLine | Token::End => None,
            _ => Some(self.declared_type()?),
        };
        let value = match self.took("=") {
            true => {
                self.lines();
                Some(self.expression()?)
            }
            false => None,
        };
        Ok(Kind::Parameter { name, declared, value })
    }

    /// A type, or `resource 'type'`.
    fn declared_type(&mut self) -> Parsed<super::tree::Type> {
        let start = self.at;
        if self.took_word("resource") && self.next().token == Token::Quote {
            self.string()?;
            return Ok(super::tree::Type {
                kind: super::tree::TypeKind::Other,
                span: span(start, self.at),
            });
        }
        self.at = start;
        self.type_expression()
    }

    fn variable(&mut self) -> Parsed<Kind> {
        let name = self.name()?;
        if !self.is("=") {
            self.type_expression()?;
        }
        self.need("=")?;
        self.lines();
        let value = self.expression()?;
        Ok(Kind::Variable { name, value })
    }

    fn declaration(&mut self) -> Parsed<Declaration> {
        let name = self.name()?;
        let of = match self.next().token {
            Token::Quote => self.string()?,
            _ => return self.unexpected("a string"),
        };
        let existing = self.took_word("existing");
        self.need("=")?;
        self.lines();
        let body = self.body()?;
        Ok(Declaration {
            name,
            of,
            existing,
            body,
        })
    }

    fn output(&mut self) -> Parsed<Kind> {
        let name = self.name()?;
        if !self.is("=") {
            self.declared_type()?;
        }
        self.need("=")?;
        self.lines();
        let value = self.expression()?;
        Ok(Kind::Output { name, value })
    }

    fn function(&mut self) -> Parsed<Kind> {
        let name = self.name()?;
        self.need("(")?;
        let mut parameters = Vec::new();
        loop {
            self.lines();
            if self.took(")") {
                break;
            }
            parameters.push(self.name()?);
            self.declared_type()?;
            self.lines();
            if !self.is(")") {
                self.need(",")?;
            }
        }
        self.declared_type()?;
        self.need("=>")?;
        self.lines();
        let body = self.expression()?;
        Ok(Kind::Function { name, parameters, body })
    }

    /// `import {a, b as c} from 'x'`, `import * as a from 'x'`, or the first form of `extension`.
    fn import(&mut self) -> Parsed<Kind> {
        let imports = if self.took("*") {
            self.need_word("as")?;
            Imports::All(self.name()?)
        } else if self.is("{") {
            Imports::Names(self.imported()?)
        } else {
            return self.extension();
        };
        self.need_word("from")?;
        let from = self.string()?;
        Ok(Kind::Import { imports, from })
    }

    fn imported(&mut self) -> Parsed<Vec<(Name, Name)>> {
        self.need("{")?;
        let mut names = Vec::new();
        loop {
            self.lines();
            while self.took(",") {
                self.lines();
            }
            if self.took("}") {
                return Ok(names);
            }
            let original = match self.next().token {
                Token::Quote => {
                    let string = self.string()?;
                    Name {
                        text: string.as_text().unwrap_or_default().to_owned(),
                        span: string.span,
                    }
                }
                _ => self.name()?,
            };
            let alias = match self.took_word("as") {
                true => self.name()?,
                false => original.clone(),
            };
            names.push((original, alias));
        }
    }

    fn extension(&mut self) -> Parsed<Kind> {
        let mut alias = None;
        match self.next().token {
            Token::Quote => drop(self.string()?),
            _ => alias = Some(self.name()?),
        }
        if self.took_word("with") {
            self.object()?;
        }
        if self.took_word("as") {
            alias = Some(self.name()?);
        }
        Ok(Kind::Extension { alias })
    }

    fn using(&mut self) -> Parsed<Kind> {
        if self.took_word("none") {
            return Ok(Kind::Using(None));
        }
        let path = match self.next().token {
            Token::Quote => self.string()?,
            _ => return self.unexpected("the path of a template, or `none`"),
        };
        if self.took_word("with") {
            self.object()?;
        }
        Ok(Kind::Using(Some(path)))
    }

    /// `metadata a = b`, `assert a = b`, `test a 'x' = {}`, `extensionConfig a with {}`.
    fn aside(&mut self) -> Parsed<()> {
        self.name()?;
        if self.next().token == Token::Quote {
            self.string()?;
        }
        if self.took_word("with") {
            self.object()?;
            return Ok(());
        }
        self.need("=")?;
        self.lines();
        self.expression()?;
        Ok(())
    }
}
