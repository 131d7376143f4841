//! Operators, with unknowns: what one operand decides alone is decided.

use super::evaluate::Fault;
use super::value::{Kind, Unknown, Value};
use super::{Number, Type, convert};
use crate::input::terraform::syntax::{Binary, Unary};

pub fn unary(operator: Unary, operand: &Value) -> Result<Value, Fault> {
    let sensitive = operand.sensitive;
    let to = match operator {
        Unary::Not => Type::Bool,
        Unary::Negate => Type::Number,
    };
    let value = match (operator, convert(operand, &to)?.kind) {
        (Unary::Not, Kind::Bool(flag)) => Value::from(!flag),
        (Unary::Negate, Kind::Number(number)) => Value::from(number.negate()),
        (_, Kind::Unknown(unknown)) => {
            let sign = if operator == Unary::Not { "!" } else { "-" };
            Value::from(unknown.named(format!("{{{sign}{}}}", unknown.inner())))
        }
        _ => return Err(Fault::new("an operand must not be null")),
    };
    Ok(value.marked(sensitive))
}

pub fn binary(operator: Binary, left: &Value, right: &Value) -> Result<Value, Fault> {
    let sensitive = left.is_sensitive() || right.is_sensitive();
    let value = match operator {
        Binary::Equal => equality(left, right, false),
        Binary::NotEqual => equality(left, right, true),
        Binary::And => logic(left, right, false)?,
        Binary::Or => logic(left, right, true)?,
        _ => arithmetic(operator, left, right)?,
    };
    Ok(value.marked(sensitive))
}

fn equality(left: &Value, right: &Value, negated: bool) -> Value {
    match left.same(right) {
        Some(same) => Value::from(same != negated),
        None => open(left, right, if negated { "!=" } else { "==" }),
    }
}

fn open(left: &Value, right: &Value, sign: &str) -> Value {
    let symbol = format!("{{{}{sign}{}}}", left.symbol(), right.symbol());
    match left.open().or_else(|| right.open()) {
        Some(unknown) => Value::from(unknown.named(symbol)),
        None => Value::from(Unknown::new("it is not known", &symbol)),
    }
}

/// What the left side of `&&` or `||` settles without the right one.
pub fn decides_alone(operator: Binary, left: &Value) -> Result<Option<Value>, Fault> {
    let decides = operator == Binary::Or;
    match convert(left, &Type::Bool)?.kind {
        Kind::Bool(flag) if flag == decides => Ok(Some(Value::from(flag).marked(left.is_sensitive()))),
        Kind::Null => Err(Fault::new("an operand must not be null")),
        _ => Ok(None),
    }
}

/// `decides` is the operand that settles the result alone.
fn logic(left: &Value, right: &Value, decides: bool) -> Result<Value, Fault> {
    let flag = |value: &Value| match convert(value, &Type::Bool)?.kind {
        Kind::Bool(flag) => Ok(Some(flag)),
        Kind::Unknown(_) => Ok(None),
        _ => Err(Fault::new("an operand must not be null")),
    };
    Ok(match (flag(left)?, flag(right)?) {
        (Some(a), _) if a == decides => Value::from(decides),
        (_, Some(b)) if b == decides => Value::from(decides),
        (Some(_), Some(_)) => Value::from(!decides),
        _ => open(left, right, if decides { "||" } else { "&&" }),
    })
}

fn arithmetic(operator: Binary, left: &Value, right: &Value) -> Result<Value, Fault> {
    let number = |value: &Value| match convert(value, &Type::Number)?.kind {
        Kind::Number(number) => Ok(Some(number)),
        Kind::Unknown(_) => Ok(None),
        _ => Err(Fault::new("an operand must not be null")),
    };
    let (Some(a), Some(b)) = (number(left)?, number(right)?) else {
        return Ok(open(left, right, sign(operator)));
    };
    compute(operator, &a, &b)
}

fn compute(operator: Binary, a: &Number, b: &Number) -> Result<Value, Fault> {
    let result = match operator {
        Binary::Less => return Ok(Value::from(a < b)),
        Binary::LessEqual => return Ok(Value::from(a <= b)),
        Binary::Greater => return Ok(Value::from(a > b)),
        Binary::GreaterEqual => return Ok(Value::from(a >= b)),
        // As Terraform has it.
        Binary::Remainder if b.is_zero() => Some(a.clone()),
        Binary::Divide if b.is_zero() => return Err(Fault::new("division by zero")),
        Binary::Add => a.add(b),
        Binary::Subtract => a.subtract(b),
        Binary::Multiply => a.multiply(b),
        Binary::Divide => a.divide(b),
        Binary::Remainder => a.remainder(b),
        Binary::Equal | Binary::NotEqual | Binary::And | Binary::Or => None,
    };
    result
        .map(Value::from)
        .ok_or_else(|| Fault::new("the number is too large"))
}

fn sign(operator: Binary) -> &'static str {
    match operator {
        Binary::Equal => "==",
        Binary::NotEqual => "!=",
        Binary::Less => "<",
        Binary::LessEqual => "<=",
        Binary::Greater => ">",
        Binary::GreaterEqual => ">=",
        Binary::Add => "+",
        Binary::Subtract => "-",
        Binary::Multiply => "*",
        Binary::Divide => "/",
        Binary::Remainder => "%",
        Binary::And => "&&",
        Binary::Or => "||",
    }
}
