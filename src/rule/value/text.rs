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

/// The value as a message shows it: lists with commas and without repetition, large amounts with separators and no decimals.
pub fn print(fact: &Fact) -> String {
    let mut text = String::new();
    print_into(&mut text, fact);
    text
}

/// Appends what [`print`] gives; messages are made for every subject.
pub fn print_into(text: &mut String, fact: &Fact) {
    match fact {
        Fact::Text(value) => text.push_str(value),
        Fact::Double(value) => print_amount(text, *value),
        Fact::List(items) if items.is_empty() => text.push_str("none"),
        Fact::List(items) => {
            for (index, item) in items.iter().enumerate() {
                // Said once is enough: one rule opens four ports with one sentence.
                if items.iter().take(index).any(|before| before == item) {
                    continue;
                }
                text.push_str(if index > 0 { ", " } else { "" });
                print_into(text, item);
            }
        }
        other => text.push_str(&plain(other)),
    }
}

fn print_amount(text: &mut String, value: f64) {
    let digits = format!("{:.0}", value.abs());
    let lead = digits.len() % 3;
    let grouped = digits.bytes().all(|digit| digit.is_ascii_digit());
    if value < 0.0 && digits != "0" {
        text.push('-');
    }
    for (index, digit) in digits.chars().enumerate() {
        if grouped && index > 0 && index % 3 == lead {
            text.push(',');
        }
        text.push(digit);
    }
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
