//! The functions that conditions may call: one table for the checker, the evaluator and the documentation.
//! All are CEL's own, with CEL's meaning; a test compares the two.

use crate::rule::types::Type;

/// Which function, for the evaluator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Name {
    Size,
    StartsWith,
    EndsWith,
    Contains,
    Matches,
    LowerAscii,
    Join,
    Double,
    String,
}

/// What an argument must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    Text,
    /// `int` or `double`.
    Number,
    Scalar,
    ListOfText,
    /// Text, a list or a map.
    Sized,
}

impl Sort {
    pub fn admits(self, ty: &Type) -> bool {
        match self {
            Sort::Text => ty.fits(&Type::Text),
            Sort::Number => ty.is_number(),
            Sort::Scalar => ty.is_scalar(),
            Sort::ListOfText => ty.fits(&Type::list(Type::Text)),
            Sort::Sized => matches!(ty, Type::Text | Type::List(_) | Type::Map(_) | Type::Any),
        }
    }

    /// As written in messages.
    pub fn label(self) -> &'static str {
        match self {
            Sort::Text => "text",
            Sort::Number => "int or double",
            Sort::Scalar => "bool, int, double or text",
            Sort::ListOfText => "list of text",
            Sort::Sized => "text, list or map",
        }
    }
}

/// How a function is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `f(x)`
    Call,
    /// `x.f()`
    Method,
    /// Either.
    Both,
}

/// One function with one count of arguments; a method's subject is its first argument.
#[derive(Clone, Debug)]
pub struct Function {
    pub name: Name,
    /// As written in conditions.
    pub text: &'static str,
    pub form: Form,
    pub arguments: &'static [Sort],
    pub result: Type,
    /// One sentence for `rules schema` and the docs.
    pub about: &'static str,
}

/// Every function.
pub const FUNCTIONS: &[Function] = &[
    function(
        Name::Size,
        "size",
        Form::Both,
        &[Sort::Sized],
        Type::Int,
        "number of elements, entries or characters",
    ),
    function(
        Name::StartsWith,
        "startsWith",
        Form::Method,
        &[Sort::Text, Sort::Text],
        Type::Bool,
        "whether the text begins with the other",
    ),
    function(
        Name::EndsWith,
        "endsWith",
        Form::Method,
        &[Sort::Text, Sort::Text],
        Type::Bool,
        "whether the text ends with the other",
    ),
    function(
        Name::Contains,
        "contains",
        Form::Method,
        &[Sort::Text, Sort::Text],
        Type::Bool,
        "whether the other text occurs in the text",
    ),
    function(
        Name::Matches,
        "matches",
        Form::Both,
        &[Sort::Text, Sort::Text],
        Type::Bool,
        "whether the regular expression is found in the text",
    ),
    function(
        Name::LowerAscii,
        "lowerAscii",
        Form::Method,
        &[Sort::Text],
        Type::Text,
        "the text with the letters A to Z made small",
    ),
    function(
        Name::Join,
        "join",
        Form::Method,
        &[Sort::ListOfText],
        Type::Text,
        "the texts one after the other",
    ),
    function(
        Name::Join,
        "join",
        Form::Method,
        &[Sort::ListOfText, Sort::Text],
        Type::Text,
        "the texts with a separator between them",
    ),
    function(
        Name::Double,
        "double",
        Form::Call,
        &[Sort::Number],
        Type::Double,
        "the number as a double",
    ),
    function(
        Name::String,
        "string",
        Form::Call,
        &[Sort::Scalar],
        Type::Text,
        "the value as text",
    ),
];

/// Macros over lists, written as methods; they bind a variable and take a condition or value on it.
pub const MACROS: &[(&str, &str)] = &[
    ("all", "`list.all(x, condition)`: whether it holds for every element"),
    (
        "exists",
        "`list.exists(x, condition)`: whether it holds for any element",
    ),
    (
        "exists_one",
        "`list.exists_one(x, condition)`: whether it holds for exactly one element",
    ),
    ("filter", "`list.filter(x, condition)`: the elements for which it holds"),
    (
        "map",
        "`list.map(x, value)` or `list.map(x, condition, value)`: the value for each element",
    ),
];

const fn function(
    name: Name,
    text: &'static str,
    form: Form,
    arguments: &'static [Sort],
    result: Type,
    about: &'static str,
) -> Function {
    Function {
        name,
        text,
        form,
        arguments,
        result,
        about,
    }
}

/// The functions of that name that may be written in that way.
pub fn overloads(text: &str, method: bool) -> impl Iterator<Item = &'static Function> {
    FUNCTIONS.iter().filter(move |function| {
        let form = if method { Form::Method } else { Form::Call };
        function.text == text && (function.form == Form::Both || function.form == form)
    })
}
