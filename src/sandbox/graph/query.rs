//! The subset of the Kusto query language that the sandbox answers, as a tree. Knows nothing of resources.

/// A whole query: a table and what is done with its rows, in order.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// In lower case.
    pub table: String,
    pub steps: Vec<Step>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    Where(Condition),
    /// Keep these columns, under these names.
    Project(Vec<(String, Expression)>),
    /// Add these columns.
    Extend(Vec<(String, Expression)>),
    /// Columns, and whether the order falls.
    Order(Vec<(Expression, bool)>),
    Limit(usize),
    Count,
    /// `summarize NAME = count() by COLUMNS`.
    Summarize(String, Vec<(String, Expression)>),
}

#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    And(Vec<Condition>),
    Or(Vec<Condition>),
    Not(Box<Condition>),
    Compare(Expression, Comparison, Vec<Literal>),
    IsEmpty(Expression),
    IsNull(Expression),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `==` and `in`
    Equal,
    /// `=~` and `in~`
    EqualWithoutCase,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Contains,
    /// A whole word.
    Has,
    StartsWith,
    EndsWith,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Expression {
    /// A column and the members below it.
    Path(Vec<Part>),
    Text(Box<Expression>),
    Lower(Box<Expression>),
    Upper(Box<Expression>),
}

#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    Member(String),
    Index(usize),
}

#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    Text(String),
    Number(f64),
    Bool(bool),
}

impl Expression {
    /// The name of a column that was given none: the path joined by `_`, as Kusto does.
    pub fn name(&self) -> String {
        match self {
            Expression::Path(parts) => {
                let names = parts.iter().map(|part| match part {
                    Part::Member(name) => name.clone(),
                    Part::Index(index) => index.to_string(),
                });
                names.collect::<Vec<_>>().join("_")
            }
            Expression::Text(inner) | Expression::Lower(inner) | Expression::Upper(inner) => inner.name(),
        }
    }
}
