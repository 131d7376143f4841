//! The tree of a Bicep text. Must not know what any name stands for.

use crate::syntax::Span;

/// A whole text.
#[derive(Clone, Debug, Default)]
pub struct Document {
    pub statements: Vec<Statement>,
    pub problems: Vec<Problem>,
}

/// What was not understood, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub message: String,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub struct Name {
    pub text: String,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub struct Statement {
    pub decorators: Vec<Decorator>,
    pub kind: StatementKind,
    pub span: Span,
}

/// `@name(arguments)` or `@sys.name(arguments)`.
#[derive(Clone, Debug)]
pub struct Decorator {
    pub name: Name,
    pub arguments: Vec<Expression>,
}

#[derive(Clone, Debug)]
pub enum StatementKind {
    TargetScope(Expression),
    /// Of a template with its type, of a parameter file without.
    Parameter {
        name: Name,
        declared: Option<Type>,
        value: Option<Expression>,
    },
    Variable {
        name: Name,
        value: Expression,
    },
    Resource(Declaration),
    Module(Declaration),
    Output {
        name: Name,
        value: Expression,
    },
    Type {
        name: Name,
        declared: Type,
    },
    Function {
        name: Name,
        parameters: Vec<Name>,
        body: Expression,
    },
    /// `import ... from 'path'`.
    Import {
        imports: Imports,
        from: Expression,
    },
    /// `extension`, `provider` and the first form of `import`.
    Extension {
        alias: Option<Name>,
    },
    /// `using 'path'`, or `using none`.
    Using(Option<Expression>),
    Extends(Expression),
    /// `metadata`, `assert` and `test`, which deploy nothing.
    Aside,
    /// What was meant to declare this name, if it came so far.
    Broken {
        keyword: String,
        name: Option<Name>,
    },
}

#[derive(Clone, Debug)]
pub enum Imports {
    /// Each with its name here.
    Names(Vec<(Name, Name)>),
    /// `* as name`.
    All(Name),
}

/// A resource or a module.
#[derive(Clone, Debug)]
pub struct Declaration {
    pub name: Name,
    /// `'type@version'` or the path of a module.
    pub of: Expression,
    pub existing: bool,
    /// An object, a condition over one, or a loop over either.
    pub body: Expression,
}

#[derive(Clone, Debug)]
pub struct Expression {
    pub kind: Kind,
    pub span: Span,
    /// Levels below, so that no tree is deeper than a stack.
    pub(super) height: u16,
}

#[derive(Clone, Debug)]
pub enum Kind {
    Null,
    Bool(bool),
    Int(i64),
    /// `texts` stand before, between and behind the `holes`.
    Text {
        texts: Vec<String>,
        holes: Vec<Expression>,
    },
    Name(String),
    Array(Vec<Element>),
    Object(Vec<Entry>),
    /// `name(arguments)` or `of.name(arguments)`.
    Call {
        of: Option<Box<Expression>>,
        name: Name,
        arguments: Vec<Expression>,
    },
    /// `of.name` or `of.?name`.
    Member {
        of: Box<Expression>,
        name: Name,
        safe: bool,
    },
    /// `of[index]`, `of[?index]`, `of[^index]`.
    Index {
        of: Box<Expression>,
        index: Box<Expression>,
        safe: bool,
        from_end: bool,
    },
    /// `of::name`.
    Nested {
        of: Box<Expression>,
        name: Name,
    },
    Unary {
        operator: char,
        of: Box<Expression>,
    },
    Binary {
        operator: &'static str,
        left: Box<Expression>,
        right: Box<Expression>,
    },
    Choice {
        condition: Box<Expression>,
        yes: Box<Expression>,
        no: Box<Expression>,
    },
    Lambda {
        names: Vec<Name>,
        body: Box<Expression>,
    },
    /// `[for item in of: body]`.
    For {
        item: Name,
        index: Option<Name>,
        of: Box<Expression>,
        body: Box<Expression>,
    },
    /// `if (condition) body`, of declarations and their loops.
    If {
        condition: Box<Expression>,
        body: Box<Expression>,
    },
    Broken,
}

#[derive(Clone, Debug)]
pub struct Element {
    pub value: Expression,
    pub spread: bool,
}

#[derive(Clone, Debug)]
pub enum Entry {
    Member {
        key: Expression,
        value: Expression,
    },
    Spread(Expression),
    /// A resource within a resource.
    Nested(Box<Statement>),
    /// Text that is no member: what the object states is open.
    Broken,
}

#[derive(Clone, Debug)]
pub struct Type {
    pub kind: TypeKind,
    pub span: Span,
}

/// As much of a type as values can be held against.
#[derive(Clone, Debug)]
pub enum TypeKind {
    Name(String),
    Nullable(Box<Type>),
    Array,
    Object,
    Text,
    Int,
    Bool,
    /// A union, a type of a resource, or a part of another type.
    Other,
}

impl Expression {
    /// The text of a string without holes.
    pub fn as_text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Text { texts, holes } if holes.is_empty() => texts.first().map(String::as_str),
            _ => None,
        }
    }

    /// The value of a member of an object, by name without case.
    pub fn member(&self, wanted: &str) -> Option<&Expression> {
        let Kind::Object(entries) = &self.kind else { return None };
        entries.iter().find_map(|entry| match entry {
            Entry::Member { key, value } if key.as_text().is_some_and(|name| name.eq_ignore_ascii_case(wanted)) => {
                Some(value)
            }
            _ => None,
        })
    }
}
