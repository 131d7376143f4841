//! Values of the language to values with places, which resources are made of, and back.

use std::sync::Arc;

use crate::input::arm::expression as arm;
use crate::input::terraform::language::{Kind, Members, Number, Unknown, Value};
use crate::input::terraform::syntax::{Expression, Kind as Tree};
use crate::model::{Why, WhyKind};
use crate::syntax::Span;

/// A value where an expression says it: the elements of a list that is written out have places of their own; what
/// comes from elsewhere is said where it is used.
pub fn located(expression: &Expression, value: &Value) -> arm::Value {
    let span = expression.span;
    if value.sensitive {
        return placed(value, span);
    }
    let kind = match (&expression.kind, &value.kind) {
        (Tree::Tuple(parts), Kind::Tuple(items)) if parts.len() == items.len() => {
            let pairs = parts.iter().zip(items.iter());
            arm::Kind::List(Arc::new(pairs.map(|(part, item)| located(part, item)).collect()))
        }
        (Tree::Object(parts), Kind::Object(object)) => {
            let part = |name: &str| {
                let stated = parts
                    .iter()
                    .rev()
                    .find(|(key, _)| key.as_text().is_some_and(|key| &**key == name));
                stated.map(|(_, part)| part)
            };
            let one = |(name, member): (&Arc<str>, &Value)| {
                let member = match part(name) {
                    Some(part) => located(part, member),
                    None => placed(member, span),
                };
                (name.clone(), member)
            };
            let stated = object.members.iter().filter(|(_, member)| !member.is_null());
            arm::Kind::Object(Arc::new(stated.map(one).collect()))
        }
        _ => return placed(value, span),
    };
    arm::Value { kind, span }
}

/// All of a value at one place. What is sensitive is not carried along: it would be shown.
pub fn placed(value: &Value, span: Span) -> arm::Value {
    let all = |items: &[Value]| Arc::new(items.iter().map(|item| placed(item, span)).collect::<Vec<_>>());
    let named = |members: &Members| {
        let stated = members.iter().filter(|(_, member)| !member.is_null());
        Arc::new(
            stated
                .map(|(name, member)| (name.clone(), placed(member, span)))
                .collect::<Vec<_>>(),
        )
    };
    let kind = match &value.kind {
        _ if value.sensitive && !value.is_null() => hidden(value),
        Kind::Null => arm::Kind::Null,
        Kind::Bool(flag) => arm::Kind::Bool(*flag),
        Kind::Number(number) => match number.to_i64() {
            Some(whole) => arm::Kind::Int(whole),
            None => arm::Kind::Decimal(Arc::from(number.to_string())),
        },
        Kind::Text(text) => arm::Kind::Text(text.clone()),
        Kind::Tuple(items) | Kind::List(items) | Kind::Set(items) => arm::Kind::List(all(items)),
        Kind::Map(members) => arm::Kind::Object(named(members)),
        Kind::Object(object) => arm::Kind::Object(named(&object.members)),
        Kind::Unknown(unknown) => arm::Kind::Unknown(open(unknown)),
    };
    arm::Value { kind, span }
}

fn hidden(value: &Value) -> arm::Kind {
    let unknown = match &value.kind {
        Kind::Unknown(unknown) => unknown.clone(),
        _ => Unknown::new(
            "the value is sensitive and is not looked at",
            &format!("sensitive {}", value.symbol()),
        ),
    };
    arm::Kind::Unknown(open(&unknown))
}

pub fn open(unknown: &Unknown) -> arm::Unknown {
    arm::Unknown {
        why: Why::new(WhyKind::Open, unknown.why.clone()),
        symbol: unknown.symbol.clone(),
        exact: unknown.exact,
    }
}

/// A value that references find. In the objects of lists, which blocks are, `rest` stands for what is not stated.
pub fn value(from: &arm::Value, rest: Option<&Unknown>) -> Value {
    match &from.kind {
        arm::Kind::Null => Value::null(),
        arm::Kind::Bool(flag) => Value::from(*flag),
        arm::Kind::Int(whole) => Value::from(*whole),
        arm::Kind::Decimal(digits) => Number::parse(digits).map_or_else(Value::null, Value::from),
        arm::Kind::Text(text) => Value::from(text.clone()),
        arm::Kind::List(items) => {
            let one = |(at, item): (usize, &arm::Value)| {
                let rest = rest.map(|rest| rest.part(&format!("[{at}]")));
                value(item, rest.as_ref())
            };
            Value::tuple(items.iter().enumerate().map(one).collect())
        }
        arm::Kind::Object(members) => {
            let one = |(name, member): &(Arc<str>, arm::Value)| {
                let rest = rest.map(|rest| rest.part(&format!(".{name}")));
                (name.clone(), value(member, rest.as_ref()))
            };
            let members: Members = members.iter().map(one).collect();
            match rest {
                Some(rest) => Value::open_object(members, rest.clone()),
                None => Value::object(members),
            }
        }
        arm::Kind::Unknown(unknown) => Value::from(Unknown {
            why: unknown.why.text.clone(),
            symbol: unknown.symbol.clone(),
            exact: unknown.exact,
        }),
    }
}
