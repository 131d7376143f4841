//! Conversions, and marks.

use super::{Arguments, Function, Outcome, function};
use crate::input::terraform::language::Type;
use crate::input::terraform::language::value::Value;

pub const FUNCTIONS: &[Function] = &[
    function("ephemeralasnull", 1, 1, |a| Ok(a.value(0)?.clone()))
        .own()
        .nulls(),
    function("issensitive", 1, 1, |a| Ok(Value::from(a.value(0)?.sensitive)))
        .own()
        .nulls(),
    function("nonsensitive", 1, 1, |a| Ok(unmarked(a.value(0)?)))
        .own()
        .nulls(),
    function("sensitive", 1, 1, |a| Ok(a.value(0)?.clone().marked(true)))
        .own()
        .nulls(),
    function("tobool", 1, 1, |a| to(a, &Type::Bool)).own().nulls(),
    function("tolist", 1, 1, |a| to(a, &Type::list(Type::Any)))
        .own()
        .nulls(),
    function("tomap", 1, 1, |a| to(a, &Type::Map(Box::new(Type::Any))))
        .own()
        .nulls(),
    function("tonumber", 1, 1, |a| to(a, &Type::Number)).own().nulls(),
    function("toset", 1, 1, |a| to(a, &Type::Set(Box::new(Type::Any))))
        .own()
        .nulls(),
    function("tostring", 1, 1, |a| to(a, &Type::Text)).own().nulls(),
];

fn to(arguments: &Arguments<'_, '_>, kind: &Type) -> Outcome {
    arguments.converted(0, kind)
}

fn unmarked(value: &Value) -> Value {
    Value {
        kind: value.kind.clone(),
        sensitive: false,
    }
}
