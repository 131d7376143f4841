//! A query over the rows of a store. A row is a resource until columns are chosen, so that filtering copies nothing.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::query::{Comparison, Condition, Expression, Literal, Part, Query, Step};
use super::row::{COLUMNS, Row, column};

/// What a query gives. The values of the rows are left where they are: only one page of them is asked for.
pub struct Found<'q, 's> {
    pub columns: Vec<String>,
    rows: Vec<Row<'s>>,
    /// Columns that are chosen at the end.
    chosen: &'q [(String, Expression)],
    pub shape: Shape,
}

impl Found<'_, '_> {
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Some rows with all their columns.
    pub fn page(&self, skip: usize, top: usize) -> Vec<Map<String, Value>> {
        let rows = self.rows.iter().skip(skip).take(top);
        let whole = |row: &Row<'_>| match self.chosen {
            [] => row.whole(&self.columns),
            named => chosen(named, row).whole(&self.columns),
        };
        rows.map(whole).collect()
    }
}

/// Carries out the steps.
pub fn evaluate<'q, 's>(query: &'q Query, rows: Vec<Row<'s>>) -> Found<'q, 's> {
    let mut rows = rows;
    let mut shape = Shape::default();
    let mut columns: Option<Vec<String>> = None;
    let mut extended: Vec<String> = Vec::new();
    let (steps, at_end) = match query.steps.split_last() {
        Some((Step::Project(named), steps)) => (steps, named.as_slice()),
        _ => (query.steps.as_slice(), Default::default()),
    };
    for step in steps {
        match step {
            Step::Where(condition) => rows.retain(|row| holds(condition, row)),
            Step::Project(named) => {
                rows = rows.iter().map(|row| chosen(named, row)).collect();
                columns = Some(names(named));
                extended.clear();
            }
            Step::Extend(named) => {
                rows.iter_mut().for_each(|row| extend(named, row));
                extended.extend(names(named));
            }
            Step::Order(orders) => {
                sort(orders, &mut rows);
                shape.ordered = true;
            }
            Step::Limit(limit) => {
                rows.truncate(*limit);
                shape.limited = true;
            }
            Step::Count => {
                rows = vec![Row::made(Map::from_iter([("Count".to_owned(), json!(rows.len()))]))];
                columns = Some(vec!["Count".to_owned()]);
                shape.aggregated = true;
            }
            Step::Summarize(name, by) => {
                rows = summarized(name, by, &rows);
                let mut all = names(by);
                all.push(name.clone());
                columns = Some(all);
                shape.aggregated = true;
            }
        }
    }
    let mut columns = columns.unwrap_or_else(|| COLUMNS.iter().map(|name| (*name).to_owned()).collect());
    for name in extended {
        if !columns.contains(&name) {
            columns.push(name);
        }
    }
    if !at_end.is_empty() {
        columns = names(at_end);
    }
    shape.has_id = columns.iter().any(|name| name == "id");
    Found {
        columns,
        rows,
        chosen: at_end,
        shape,
    }
}

/// What decides whether an answer can be paged.
#[derive(Clone, Copy, Debug, Default)]
pub struct Shape {
    pub ordered: bool,
    pub limited: bool,
    pub aggregated: bool,
    pub has_id: bool,
}

fn names(named: &[(String, Expression)]) -> Vec<String> {
    named.iter().map(|(name, _)| name.clone()).collect()
}

fn chosen<'s>(named: &[(String, Expression)], row: &Row<'s>) -> Row<'s> {
    let columns = named
        .iter()
        .map(|(name, expression)| (name.clone(), value(expression, row).into_owned()));
    Row::made(columns.collect())
}

fn extend(named: &[(String, Expression)], row: &mut Row<'_>) {
    for (name, expression) in named {
        let found = value(expression, row).into_owned();
        row.extra.insert(name.clone(), found);
    }
}

fn summarized<'s>(name: &str, by: &[(String, Expression)], rows: &[Row<'_>]) -> Vec<Row<'s>> {
    let mut counts: BTreeMap<String, (Map<String, Value>, u64)> = BTreeMap::new();
    for row in rows {
        let group: Map<String, Value> = by
            .iter()
            .map(|(name, expression)| (name.clone(), value(expression, row).into_owned()))
            .collect();
        let key = Value::Object(group.clone()).to_string();
        counts.entry(key).or_insert((group, 0)).1 += 1;
    }
    if by.is_empty() && counts.is_empty() {
        counts.insert(String::new(), (Map::new(), 0));
    }
    let made = counts.into_values().map(|(mut group, count)| {
        group.insert(name.to_owned(), json!(count));
        Row::made(group)
    });
    made.collect()
}

fn sort(orders: &[(Expression, bool)], rows: &mut [Row<'_>]) {
    rows.sort_by(|left, right| {
        let decided = orders.iter().map(|(expression, falls)| {
            let order = compare(&value(expression, left), &value(expression, right));
            if *falls { order.reverse() } else { order }
        });
        decided
            .into_iter()
            .find(|order| order.is_ne())
            .unwrap_or(Ordering::Equal)
    });
}

/// Nothing first, then truths, numbers, texts.
fn compare(left: &Value, right: &Value) -> Ordering {
    match (left, right) {
        (Value::String(left), Value::String(right)) => left.cmp(right),
        (Value::Bool(left), Value::Bool(right)) => left.cmp(right),
        (Value::Number(left), Value::Number(right)) => {
            let (left, right) = (left.as_f64(), right.as_f64());
            left.partial_cmp(&right).unwrap_or(Ordering::Equal)
        }
        _ => rank(left)
            .cmp(&rank(right))
            .then_with(|| left.to_string().cmp(&right.to_string())),
    }
}

fn rank(value: &Value) -> u8 {
    match value {
        Value::Null => 0,
        Value::Bool(_) => 1,
        Value::Number(_) => 2,
        Value::String(_) => 3,
        Value::Array(_) | Value::Object(_) => 4,
    }
}

fn value<'r>(expression: &Expression, row: &'r Row<'_>) -> Cow<'r, Value> {
    match expression {
        Expression::Path(parts) => path(parts, row),
        Expression::Text(inner) => Cow::Owned(Value::from(text(&value(inner, row)))),
        Expression::Lower(inner) => Cow::Owned(Value::from(text(&value(inner, row)).to_lowercase())),
        Expression::Upper(inner) => Cow::Owned(Value::from(text(&value(inner, row)).to_uppercase())),
    }
}

fn path<'r>(parts: &[Part], row: &'r Row<'_>) -> Cow<'r, Value> {
    let Some((Part::Member(first), rest)) = parts.split_first() else {
        return Cow::Owned(Value::Null);
    };
    match column(row, first) {
        Cow::Borrowed(found) => descend(found, rest).map_or(Cow::Owned(Value::Null), Cow::Borrowed),
        Cow::Owned(found) => Cow::Owned(descend(&found, rest).cloned().unwrap_or(Value::Null)),
    }
}

fn descend<'v>(value: &'v Value, parts: &[Part]) -> Option<&'v Value> {
    parts.iter().try_fold(value, |value, part| match part {
        Part::Member(name) => value.get(name),
        Part::Index(index) => value.get(index),
    })
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn holds(condition: &Condition, row: &Row<'_>) -> bool {
    match condition {
        Condition::And(all) => all.iter().all(|condition| holds(condition, row)),
        Condition::Or(any) => any.iter().any(|condition| holds(condition, row)),
        Condition::Not(condition) => !holds(condition, row),
        Condition::IsNull(expression) => value(expression, row).is_null(),
        Condition::IsEmpty(expression) => text(&value(expression, row)).is_empty(),
        Condition::Compare(expression, comparison, literals) => {
            let left = value(expression, row);
            literals.iter().any(|right| matches(&left, *comparison, right))
        }
    }
}

fn matches(left: &Value, comparison: Comparison, right: &Literal) -> bool {
    match right {
        Literal::Bool(right) => comparison == Comparison::Equal && left.as_bool() == Some(*right),
        Literal::Number(right) => {
            let left = left.as_f64().or_else(|| left.as_str()?.parse().ok());
            left.and_then(|left| left.partial_cmp(right))
                .is_some_and(|order| ordered(comparison, order))
        }
        Literal::Text(right) => {
            let left = text(left);
            let (lower, right_lower) = (left.to_lowercase(), right.to_lowercase());
            match comparison {
                Comparison::Equal => left == *right,
                Comparison::EqualWithoutCase => lower == right_lower,
                Comparison::Contains => lower.contains(&right_lower),
                Comparison::StartsWith => lower.starts_with(&right_lower),
                Comparison::EndsWith => lower.ends_with(&right_lower),
                Comparison::Has => has_word(&lower, &right_lower),
                _ => ordered(comparison, left.cmp(right)),
            }
        }
    }
}

fn ordered(comparison: Comparison, order: Ordering) -> bool {
    match comparison {
        Comparison::Equal | Comparison::EqualWithoutCase => order.is_eq(),
        Comparison::Less => order.is_lt(),
        Comparison::LessOrEqual => order.is_le(),
        Comparison::Greater => order.is_gt(),
        Comparison::GreaterOrEqual => order.is_ge(),
        _ => false,
    }
}

/// Whether the words stand in the text with no letter or digit on either side.
fn has_word(text: &str, words: &str) -> bool {
    let is_word = |character: Option<char>| character.is_some_and(char::is_alphanumeric);
    text.match_indices(words).any(|(at, found)| {
        let before = text.get(..at).and_then(|before| before.chars().next_back());
        let after = text.get(at + found.len()..).and_then(|after| after.chars().next());
        !is_word(before) && !is_word(after)
    })
}
