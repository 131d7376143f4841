//! Type expressions, read whole and kept as far as values can be held against them.

use super::parser::{Parsed, Parser, span};
use super::token::Token;
use super::tree::{Type, TypeKind};

impl Parser<'_> {
    /// `a | b | c`.
    pub fn type_expression(&mut self) -> Parsed<Type> {
        self.deeper(Self::union)
    }

    fn union(&mut self) -> Parsed<Type> {
        let start = self.next().start;
        let mut many = self.took("|");
        let mut first = self.single_type()?;
        while self.next_beyond_lines().token == Token::Symbol("|") {
            self.lines();
            self.take();
            self.lines();
            let other = self.single_type()?;
            many = true;
            first = joined(first, other);
        }
        if many {
            first.span = span(start, self.at);
        }
        Ok(first)
    }

    /// A type with `[]`, `?`, `!`, `[*]`, `.*` and the like behind it.
    fn single_type(&mut self) -> Parsed<Type> {
        let start = self.next().start;
        let mut kind = self.primary_type()?;
        for _ in 0..super::parser::DEPTH {
            kind = match self.next().token {
                Token::Symbol("[") => self.array_type()?,
                Token::Symbol("?") => {
                    self.take();
                    let of = Type {
                        kind,
                        span: span(start, self.at),
                    };
                    TypeKind::Nullable(Box::new(of))
                }
                Token::Symbol("??") => {
                    self.take();
                    let of = Type {
                        kind,
                        span: span(start, self.at),
                    };
                    TypeKind::Nullable(Box::new(of))
                }
                Token::Symbol("!") => {
                    self.take();
                    match kind {
                        TypeKind::Nullable(of) => of.kind,
                        kind => kind,
                    }
                }
                Token::Symbol(".") => {
                    self.take();
                    if !self.took("*") {
                        self.name()?;
                    }
                    TypeKind::Other
                }
                _ => break,
            };
        }
        Ok(Type {
            kind,
            span: span(start, self.at),
        })
    }

    /// `[]` makes an array; `[1]` and `[*]` name a part.
    fn array_type(&mut self) -> Parsed<TypeKind> {
        self.need("[")?;
        if self.took("]") {
            return Ok(TypeKind::Array);
        }
        if !self.took("*") {
            self.expression()?;
        }
        self.need("]")?;
        Ok(TypeKind::Other)
    }

    fn primary_type(&mut self) -> Parsed<TypeKind> {
        match self.next().token {
            Token::Quote => self.string().map(|_| TypeKind::Text),
            Token::Number => {
                self.take();
                Ok(TypeKind::Int)
            }
            Token::Symbol("-" | "+" | "!") => {
                self.take();
                self.deeper(Self::primary_type)
            }
            Token::Symbol("(") => {
                self.take();
                self.lines();
                let inner = self.type_expression()?;
                self.lines();
                self.need(")")?;
                Ok(inner.kind)
            }
            Token::Symbol("{") => self.object_type(),
            Token::Symbol("[") => self.tuple_type(),
            Token::Name => self.deeper(Self::named_type),
            _ => self.unexpected("a type"),
        }
    }

    fn named_type(&mut self) -> Parsed<TypeKind> {
        let name = self.name()?;
        if name.text == "sys" && self.took(".") {
            return self.named_type();
        }
        if self.took("<") {
            self.lines();
            self.string()?;
            self.lines();
            let lexeme = self.next();
            match lexeme.token {
                // `resourceInput<'a'>= b`
                Token::Symbol(">=") => self.at = lexeme.start + 1,
                _ => self.need(">")?,
            }
            return Ok(TypeKind::Other);
        }
        Ok(match name.text.as_str() {
            "true" | "false" => TypeKind::Bool,
            "null" => TypeKind::Nullable(Box::new(Type {
                kind: TypeKind::Other,
                span: name.span,
            })),
            _ => TypeKind::Name(name.text),
        })
    }

    fn decorators_of_type(&mut self) -> Parsed<()> {
        while self.is("@") {
            self.decorator()?;
            self.type_separators();
        }
        Ok(())
    }

    fn object_type(&mut self) -> Parsed<TypeKind> {
        self.need("{")?;
        loop {
            self.type_separators();
            if self.took("}") {
                return Ok(TypeKind::Object);
            }
            self.decorators_of_type()?;
            if !self.took("*") {
                match self.next().token {
                    Token::Quote => drop(self.string()?),
                    _ => drop(self.name()?),
                }
            }
            self.need(":")?;
            self.lines();
            self.type_expression()?;
        }
    }

    fn tuple_type(&mut self) -> Parsed<TypeKind> {
        self.need("[")?;
        loop {
            self.type_separators();
            if self.took("]") {
                return Ok(TypeKind::Array);
            }
            self.decorators_of_type()?;
            self.type_expression()?;
        }
    }

    fn type_separators(&mut self) {
        self.lines();
        while self.took(",") {
            self.lines();
        }
    }
}

/// What two types have in common.
fn joined(first: Type, second: Type) -> Type {
    use TypeKind::{Array, Bool, Int, Nullable, Object, Text};
    let span = first.span;
    let kind = match (first.kind, second.kind) {
        (Nullable(first), second) => {
            let other = Type { kind: second, span };
            Nullable(Box::new(joined(*first, other)))
        }
        (first, Nullable(second)) => {
            let other = Type { kind: first, span };
            Nullable(Box::new(joined(other, *second)))
        }
        (Text, Text) => Text,
        (Int, Int) => Int,
        (Bool, Bool) => Bool,
        (Array, Array) => Array,
        (Object, Object) => Object,
        _ => TypeKind::Other,
    };
    Type { kind, span }
}
