//! The expressions that conditions are mostly made of, parsed in one pass. The grammar is the `cel` crate's: what it would
//! read otherwise is left to it, so that this only saves the time and memory that its tables take. Must not know what names
//! mean.

use cel::IdedExpr;
use cel::common::ast::{CallExpr, Expr, ListExpr, LiteralValue, SelectExpr, operators};

/// Deepest nesting; the crate's own limit is higher.
const DEEPEST: usize = 64;

/// Words that mean something else than a name.
const RESERVED: &[&str] = &[
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "in",
    "let",
    "loop",
    "namespace",
    "null",
    "package",
    "return",
    "var",
    "void",
    "while",
];

/// Operators by how tightly they bind, each with the call that it is; the longer of two that begin alike is first.
const RELATIONS: &[(&str, &str)] = &[
    ("==", operators::EQUALS),
    ("!=", operators::NOT_EQUALS),
    ("<=", operators::LESS_EQUALS),
    (">=", operators::GREATER_EQUALS),
    ("<", operators::LESS),
    (">", operators::GREATER),
];
const SUMS: &[(&str, &str)] = &[("+", operators::ADD), ("-", operators::SUBSTRACT)];
const PRODUCTS: &[(&str, &str)] = &[
    ("*", operators::MULTIPLY),
    ("/", operators::DIVIDE),
    ("%", operators::MODULO),
];

/// The tree of an expression, without places; `None` leaves it to the crate.
pub fn parse(source: &str) -> Option<IdedExpr> {
    let mut parser = Parser { rest: source, depth: 0 };
    let expression = parser.expression()?;
    parser.blanks();
    parser.rest.is_empty().then_some(expression)
}

struct Parser<'s> {
    rest: &'s str,
    depth: usize,
}

fn node(expr: Expr) -> IdedExpr {
    IdedExpr { id: 0, expr }
}

fn call(name: &str, target: Option<IdedExpr>, args: Vec<IdedExpr>) -> IdedExpr {
    node(Expr::Call(CallExpr {
        func_name: name.to_owned(),
        target: target.map(Box::new),
        args,
    }))
}

fn literal(value: LiteralValue) -> IdedExpr {
    node(Expr::Literal(value))
}

impl<'s> Parser<'s> {
    fn blanks(&mut self) {
        loop {
            self.rest = self.rest.trim_start_matches([' ', '\t', '\r', '\n', '\u{c}']);
            match self.rest.strip_prefix("//") {
                Some(comment) => {
                    self.rest = comment
                        .find('\n')
                        .and_then(|end| comment.get(end..))
                        .unwrap_or_default()
                }
                None => return,
            }
        }
    }

    fn takes(&mut self, sign: &str) -> bool {
        self.blanks();
        let rest = self.rest.strip_prefix(sign);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn expression(&mut self) -> Option<IdedExpr> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return None;
        }
        let first = self.any()?;
        let whole = match self.takes("?") {
            false => first,
            true => {
                let then = self.any()?;
                if !self.takes(":") {
                    return None;
                }
                let otherwise = self.expression()?;
                call(operators::CONDITIONAL, None, vec![first, then, otherwise])
            }
        };
        self.depth -= 1;
        Some(whole)
    }

    fn any(&mut self) -> Option<IdedExpr> {
        self.chain("||", operators::LOGICAL_OR, Self::all)
    }

    fn all(&mut self) -> Option<IdedExpr> {
        self.chain("&&", operators::LOGICAL_AND, Self::relation)
    }

    /// Terms of one logical operator, as a tree that is as deep on both sides.
    fn chain(&mut self, sign: &str, name: &str, term: fn(&mut Self) -> Option<IdedExpr>) -> Option<IdedExpr> {
        let mut terms = vec![term(self)?];
        while self.takes(sign) {
            terms.push(term(self)?);
        }
        balanced(terms, name)
    }

    fn relation(&mut self) -> Option<IdedExpr> {
        let mut left = self.sum()?;
        loop {
            let name = match self.operator(RELATIONS) {
                Some(name) => name,
                None if self.word() == "in" => {
                    self.rest = self.rest.get(2..)?;
                    operators::IN
                }
                None => return Some(left),
            };
            left = call(name, None, vec![left, self.sum()?]);
        }
    }

    fn sum(&mut self) -> Option<IdedExpr> {
        self.left(SUMS, Self::product)
    }

    fn product(&mut self) -> Option<IdedExpr> {
        self.left(PRODUCTS, Self::unary)
    }

    fn left(&mut self, signs: &[(&str, &'static str)], term: fn(&mut Self) -> Option<IdedExpr>) -> Option<IdedExpr> {
        let mut left = term(self)?;
        while let Some(name) = self.operator(signs) {
            left = call(name, None, vec![left, term(self)?]);
        }
        Some(left)
    }

    fn operator(&mut self, signs: &[(&str, &'static str)]) -> Option<&'static str> {
        let found = signs.iter().find(|(sign, _)| self.takes(sign));
        found.map(|(_, name)| *name)
    }

    fn unary(&mut self) -> Option<IdedExpr> {
        for (sign, name) in [("!", operators::LOGICAL_NOT), ("-", operators::NEGATE)] {
            if !self.takes(sign) {
                continue;
            }
            self.blanks();
            // Two that cancel each other, and a number with its sign.
            let doubled = self.rest.starts_with(sign);
            let number = name == operators::NEGATE && self.rest.starts_with(|c: char| c.is_ascii_digit() || c == '.');
            return match doubled || number {
                true => None,
                false => Some(call(name, None, vec![self.member()?])),
            };
        }
        self.member()
    }

    fn member(&mut self) -> Option<IdedExpr> {
        let mut value = self.primary()?;
        loop {
            if self.takes(".") {
                self.blanks();
                let name = self.name()?;
                value = match self.takes("(") {
                    true => call(name, Some(value), self.list(")")?),
                    false => node(Expr::Select(SelectExpr {
                        operand: Box::new(value),
                        field: name.to_owned(),
                        test: false,
                    })),
                };
            } else if self.takes("[") {
                let index = self.expression()?;
                if !self.takes("]") {
                    return None;
                }
                value = call(operators::INDEX, None, vec![value, index]);
            } else {
                return Some(value);
            }
        }
    }

    fn primary(&mut self) -> Option<IdedExpr> {
        self.blanks();
        match self.rest.chars().next()? {
            '(' => {
                self.takes("(");
                let inner = self.expression()?;
                self.takes(")").then_some(inner)
            }
            '[' => {
                self.takes("[");
                let elements = self.list("]")?;
                Some(node(Expr::List(ListExpr::new(elements))))
            }
            quote @ ('"' | '\'') => self.text(quote),
            c if c.is_ascii_digit() => self.number(),
            _ => self.named(),
        }
    }

    /// Expressions up to a closing bracket.
    fn list(&mut self, close: &str) -> Option<Vec<IdedExpr>> {
        let mut items = Vec::new();
        if self.takes(close) {
            return Some(items);
        }
        loop {
            items.push(self.expression()?);
            if self.takes(close) {
                return Some(items);
            }
            if !self.takes(",") {
                return None;
            }
        }
    }

    fn named(&mut self) -> Option<IdedExpr> {
        let name = self.name()?;
        match name {
            "true" => return Some(literal(LiteralValue::Boolean(true.into()))),
            "false" => return Some(literal(LiteralValue::Boolean(false.into()))),
            _ if RESERVED.contains(&name) => return None,
            // Texts with a prefix.
            "r" | "R" | "b" | "B" if self.rest.starts_with(['"', '\'']) => return None,
            _ => {}
        }
        match self.takes("(") {
            true => Some(call(name, None, self.list(")")?)),
            false => Some(node(Expr::Ident(name.to_owned()))),
        }
    }

    /// The name that comes next, which is not taken.
    fn word(&self) -> &'s str {
        let end = self.rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
        let word = self.rest.get(..end.unwrap_or(self.rest.len())).unwrap_or_default();
        match word.starts_with(|c: char| c.is_ascii_digit()) {
            true => "",
            false => word,
        }
    }

    fn name(&mut self) -> Option<&'s str> {
        let name = Some(self.word()).filter(|name| !name.is_empty())?;
        self.rest = self.rest.get(name.len()..)?;
        Some(name)
    }

    /// A whole number, or one with digits behind a point.
    fn number(&mut self) -> Option<IdedExpr> {
        let end = self.rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '.'));
        let written = self.rest.get(..end.unwrap_or(self.rest.len()))?;
        self.rest = self.rest.get(written.len()..)?;
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        match written.split_once('.') {
            None if digits(written) => Some(literal(LiteralValue::Int(written.parse::<i64>().ok()?.into()))),
            Some((whole, part)) if digits(whole) && digits(part) => {
                let value = written.parse::<f64>().ok().filter(|value| value.is_finite())?;
                Some(literal(LiteralValue::Double(value.into())))
            }
            _ => None,
        }
    }

    /// A text on one line without escapes that need more than a look.
    fn text(&mut self, quote: char) -> Option<IdedExpr> {
        let inside = self.rest.strip_prefix(quote)?;
        if inside.starts_with(quote) && inside.get(1..).is_some_and(|rest| rest.starts_with(quote)) {
            return None;
        }
        let mut value = String::new();
        let mut letters = inside.char_indices();
        while let Some((at, letter)) = letters.next() {
            match letter {
                '\\' => value.push(match letters.next()?.1 {
                    'n' => '\n',
                    't' => '\t',
                    'r' => '\r',
                    same @ ('\\' | '"' | '\'') => same,
                    _ => return None,
                }),
                '\n' | '\r' => return None,
                _ if letter == quote => {
                    self.rest = inside.get(at + 1..)?;
                    return Some(literal(LiteralValue::String(value.into())));
                }
                _ => value.push(letter),
            }
        }
        None
    }
}

/// The crate parts the operators in the middle, the right part being the shorter one.
fn balanced(mut terms: Vec<IdedExpr>, name: &str) -> Option<IdedExpr> {
    if terms.len() < 2 {
        return terms.pop();
    }
    let right = terms.split_off(terms.len().div_ceil(2));
    Some(call(name, None, vec![balanced(terms, name)?, balanced(right, name)?]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::builtin;
    use crate::rule::file::RuleFile;
    use crate::rule::template::expressions;
    use crate::rule::yaml::Document;

    /// As the crate reads it, without the numbers of nodes.
    fn of_crate(source: &str) -> Option<String> {
        let parser = cel::Env::default().with_optional_support(false).parser();
        parser.parse(source).ok().map(|tree| shown(&tree))
    }

    fn shown(tree: &IdedExpr) -> String {
        let text = format!("{tree:?}");
        let mut parts = text.split("id: ");
        let first = parts.next().unwrap_or_default().to_owned();
        let rest = parts.map(|part| part.trim_start_matches(|c: char| c.is_ascii_digit()));
        rest.fold(first, |all, part| all + part)
    }

    #[track_caller]
    fn same(source: &str) -> bool {
        let ours = parse(source).map(|tree| shown(&tree));
        if let Some(ours) = &ours {
            assert_eq!(Some(ours), of_crate(source).as_ref(), "{source}");
        }
        ours.is_some()
    }

    #[test]
    fn what_is_read_here_is_read_as_the_crate_reads_it() {
        for source in [
            "a",
            "a.b.c",
            "a.b(c, d).e",
            "f()",
            "f(a)[1].b",
            "[a, 1, 1.5, 'x', \"y\", true]",
            "[]",
            "!a",
            "-a",
            "!a.b(c)",
            "a && b",
            "a && b && c",
            "a || b || c || d",
            "a && b && c && d && e",
            "a || b && c || d && e || f || g",
            "a && b && c && d && e && f && g && h && i",
            "a + b - c * d / e % f",
            "a - 1",
            "a -1",
            "a == b != c",
            "a in b in c",
            "a < b && c <= d || e >= f && g > h",
            "a ? b : c",
            "a ? b || c : d ? e : f",
            "(a ? b : c) ? d : e",
            "'it\\'s\\n\\\\'",
            "'ä' + \"\\\"\"",
            " a // why\n && b",
            "index",
            "inner in outer",
            "a.in_b",
            "(((a)))",
            "x.exists(y, y.z == 1)",
            "has(a.b)",
            "a[b[c]]",
            "a .b",
            "a . b ( c )",
        ] {
            assert!(same(source), "{source}");
        }
    }

    #[test]
    fn every_expression_of_a_built_in_rule_is_read_in_one_pass() {
        for (file, text) in builtin::files() {
            let written: RuleFile = Document::new(file, text).parse().unwrap();
            for step in &written.verdict.value {
                let when = step.value.when.iter().map(|when| when.value.clone());
                for source in when.chain(expressions(&step.value.because.value)) {
                    assert!(same(source.trim_end()), "{file}: {source}");
                }
            }
        }
    }

    #[test]
    fn what_needs_more_is_left_to_the_crate() {
        for source in [
            "",
            "a b",
            "a &&",
            "--a",
            "!!a",
            "-1",
            "- 1",
            "1u",
            "0x1",
            "1e3",
            ".5",
            "1.",
            "1.a",
            "{}",
            "{'a': 1}",
            ".a",
            "a{b: 1}",
            "r'a'",
            "b'a'",
            "'''a'''",
            "'a\nb'",
            "'\\x41'",
            "'a",
            "null",
            "if",
            "var(a)",
            "a ? b",
            "a ? b ? c : d : e",
            "[a,]",
            "f(a,)",
            "a.`b`",
            "a[1",
            "(a",
            "a = b",
            "a & b",
            "ä",
            "99999999999999999999",
            "a.?b",
            "a[?b]",
        ] {
            assert!(!same(source), "{source}");
        }
        let deep = format!("{}a{}", "(".repeat(200), ")".repeat(200));
        assert!(parse(&deep).is_none());
    }

    /// Numbers that are the same each time.
    struct Dice(u64);

    impl Dice {
        fn below(&mut self, most: usize) -> usize {
            self.0 = self
                .0
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(self.0 >> 33).unwrap() % most
        }

        fn expression(&mut self, depth: usize) -> String {
            let atoms = ["a", "b.c", "f()", "12", "1.5", "'t'", "true", "[]", "x.map(y, y)"];
            if depth == 0 {
                return atoms[self.below(atoms.len())].to_owned();
            }
            let signs = [
                "&&", "||", "==", "!=", "<", "<=", ">", ">=", "+", "-", "*", "/", "%", " in ",
            ];
            let sign = signs[self.below(signs.len())];
            let [first, second] = [(); 2].map(|()| self.expression(depth - 1));
            match self.below(12) {
                0 => format!("!{first}"),
                1 => format!("-{first}"),
                2 => format!("({first})"),
                3 => format!("{first} ? {second} : {first}"),
                4 => format!("({first}).g({second}, {first})"),
                5 => format!("[{first}, {second}]"),
                6 => format!("({first})[{second}].h"),
                _ => format!("{first}{sign}{second}"),
            }
        }
    }

    #[test]
    fn generated_expressions_are_read_alike() {
        let mut dice = Dice(11);
        let read = (0..2_000)
            .filter(|_| {
                let depth = 1 + dice.below(4);
                same(&dice.expression(depth))
            })
            .count();
        assert!(read > 1_000, "{read}");
    }
}
