//! Values as text: plainly, as CEL's `string()` gives them, and for people, as messages show them.

use crate::rule::fact::Fact;

/// The value as CEL's `string()` gives it.
pub(super) fn plain(fact: &Fact) -> String {
    match fact {
        Fact::Bool(value) => value.to_string(),
        Fact::Int(value) => value.to_string(),
        Fact::Double(value) => value.to_string(),
        Fact::Text(value) => value.to_string(),
        Fact::List(items) => items.iter().map(plain).collect::<Vec<_>>().join(", "),
        Fact::Record(_) | Fact::Map(_) => String::new(),
        Fact::Unknown(_) => "unknown".to_owned(),
    }
}

/// The value as a message shows it: lists with commas, large amounts with separators and no decimals.
pub fn print(fact: &Fact) -> String {
    match fact {
        Fact::Double(value) => grouped(*value),
        Fact::List(items) if items.is_empty() => "none".to_owned(),
        Fact::List(items) => items.iter().map(print).collect::<Vec<_>>().join(", "),
        other => plain(other),
    }
}

fn grouped(value: f64) -> String {
    let digits = format!("{:.0}", value.abs());
    if !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return digits;
    }
    let lead = digits.len() % 3;
    let mut text = String::with_capacity(digits.len() + digits.len() / 3 + 1);
    if value < 0.0 && digits != "0" {
        text.push('-');
    }
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && index % 3 == lead {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_grouped_and_lists_are_joined() {
        let cases = [
            (Fact::Double(0.0), "0"),
            (Fact::Double(999.4), "999"),
            (Fact::Double(1000.0), "1,000"),
            (Fact::Double(4_294_967_296.0), "4,294,967,296"),
            (Fact::Double(-12_345.0), "-12,345"),
            (Fact::Double(f64::INFINITY), "inf"),
            (Fact::Int(1000), "1000"),
            (
                Fact::list([Fact::Int(22), Fact::text("a"), Fact::Unknown("x".into())]),
                "22, a, unknown",
            ),
            (Fact::list([]), "none"),
            (Fact::Bool(true), "true"),
        ];
        for (fact, expected) in cases {
            assert_eq!(print(&fact), expected);
        }
    }
}
