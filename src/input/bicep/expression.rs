//! Bicep expressions to the tree that templates evaluate.

use std::sync::Arc;

use super::names::{Meaning, Names, nested};
use crate::syntax::bicep::{Entry, Expression as Bicep, Kind, Name};
use crate::syntax::{Element, Entry as Member, Expression};

/// Where an expression stands.
#[derive(Clone)]
pub struct Scope<'n> {
    pub names: &'n Names,
    /// Variables of lambdas and loops, the innermost last.
    pub locals: Vec<String>,
    /// Parameters of the function whose body it is.
    pub parameters: Vec<String>,
    /// The resource that it is in, by its symbolic name.
    pub within: Option<String>,
}

/// The namespace of the functions that a text declares.
const OWN: &str = "__bicep";

/// Namespaces of the functions that everybody has.
const BUILT_IN: &[&str] = &["az", "sys"];

fn broken(why: String) -> Expression {
    Expression::Broken(Arc::from(why))
}

/// What an expression before a dot stands for, other than a value.
pub struct Symbol {
    pub meaning: Meaning,
    /// Its symbolic name, with the number of its round in a loop.
    pub name: Expression,
}

impl<'n> Scope<'n> {
    pub fn new(names: &'n Names) -> Self {
        Scope {
            names,
            locals: Vec::new(),
            parameters: Vec::new(),
            within: None,
        }
    }

    pub fn with(&self, names: impl IntoIterator<Item = String>) -> Self {
        let mut scope = self.clone();
        scope.locals.extend(names);
        scope
    }

    /// The value with its place.
    pub fn at(&self, of: &Bicep) -> Expression {
        self.value(of).at(of.span)
    }

    fn boxed(&self, operator: &str, operands: &[&Bicep]) -> Expression {
        Expression::call(operator, operands.iter().map(|of| self.value(of)).collect())
    }

    pub fn value(&self, of: &Bicep) -> Expression {
        match &of.kind {
            Kind::Null => Expression::Null,
            Kind::Bool(value) => Expression::Bool(*value),
            Kind::Int(value) => Expression::Int(*value),
            Kind::Text { texts, holes } => self.text(texts, holes),
            Kind::Name(name) => self.name(name),
            Kind::Array(elements) => {
                let element = |element: &crate::syntax::bicep::Element| Element {
                    value: self.at(&element.value),
                    spread: element.spread,
                };
                Expression::Array(elements.iter().map(element).collect())
            }
            Kind::Object(entries) => self.object(entries),
            Kind::Call { of, name, arguments } => self.call(of.as_deref(), name, arguments),
            Kind::Member { of, name, safe } => self.member(of, Expression::text(&name.text), Some(&name.text), *safe),
            Kind::Index {
                of,
                index,
                safe,
                from_end,
            } => self.index(of, index, *safe, *from_end),
            Kind::Nested { name, .. } => match self.symbol(of) {
                Some(symbol) => whole(&symbol),
                None => broken(format!("there is no resource `{}` within another", name.text)),
            },
            Kind::Unary { operator, of } => self.unary(*operator, of),
            Kind::Binary { operator, left, right } => self.binary(operator, left, right),
            Kind::Choice { condition, yes, no } => self.boxed("if", &[condition, yes, no]),
            Kind::Lambda { names, body } => self.lambda(names.iter(), body),
            Kind::For { item, index, of, body } => {
                let names = std::iter::once(item).chain(index.as_ref());
                let lambda = self.lambda(names, body);
                Expression::call("map", vec![self.value(of), lambda])
            }
            Kind::If { .. } => broken("a condition stands only in a resource or a module".to_owned()),
            Kind::Broken => broken("it is not complete".to_owned()),
        }
    }

    fn lambda<'a>(&self, names: impl Iterator<Item = &'a Name>, body: &Bicep) -> Expression {
        let names: Vec<String> = names.map(|name| name.text.clone()).collect();
        let mut arguments: Vec<Expression> = names.iter().map(|name| Expression::text(name)).collect();
        arguments.push(self.with(names).at(body));
        Expression::call("lambda", arguments)
    }

    /// As the compiler writes it, so that what is unknown has one name in both notations.
    fn text(&self, texts: &[String], holes: &[Bicep]) -> Expression {
        if holes.is_empty() {
            return Expression::text(texts.first().map_or("", String::as_str));
        }
        let mut pattern = String::new();
        for (at, text) in texts.iter().enumerate() {
            if at > 0 {
                pattern.push_str(&format!("{{{}}}", at - 1));
            }
            pattern.push_str(&text.replace('{', "{{").replace('}', "}}"));
        }
        let mut arguments = vec![Expression::text(&pattern)];
        arguments.extend(holes.iter().map(|hole| self.value(hole)));
        Expression::call("format", arguments)
    }

    fn object(&self, entries: &[Entry]) -> Expression {
        if entries.iter().any(|entry| matches!(entry, Entry::Broken)) {
            return broken("it is not complete".to_owned());
        }
        let entry = |entry: &Entry| match entry {
            Entry::Member { key, value } => Some(Member::Member {
                key: self.value(key),
                value: self.at(value),
            }),
            Entry::Spread(of) => Some(Member::Spread(self.at(of))),
            Entry::Nested(_) | Entry::Broken => None,
        };
        Expression::Object(entries.iter().filter_map(entry).collect())
    }

    /// The value of a bare name: what is nearest counts.
    fn name(&self, name: &str) -> Expression {
        if self.locals.iter().any(|local| local == name) {
            return Expression::call("lambdaVariables", vec![Expression::text(name)]);
        }
        if self.parameters.iter().any(|parameter| parameter == name) {
            return Expression::call("parameters", vec![Expression::text(name)]);
        }
        let Some((symbol, meaning)) = self.declared(name) else {
            return broken(format!("`{name}` is not declared"));
        };
        match meaning {
            Meaning::Parameter => Expression::call("parameters", vec![Expression::text(name)]),
            Meaning::Variable => Expression::call("variables", vec![Expression::text(name)]),
            Meaning::Resource { .. } | Meaning::Module => whole(&Symbol {
                meaning: meaning.clone(),
                name: Expression::text(&symbol),
            }),
            Meaning::Space => broken(format!("`{name}` is a file that is imported, and no value")),
            Meaning::Broken => broken(format!("the declaration of `{name}` was not understood")),
        }
    }

    /// What a name declares, looked up from the inside out.
    fn declared(&self, name: &str) -> Option<(String, &'n Meaning)> {
        let mut within = self.within.as_deref();
        while let Some(outer) = within {
            let symbol = nested(Some(outer), name);
            if let Some(meaning) = self.names.get(&symbol) {
                return Some((symbol, meaning));
            }
            within = outer.rsplit_once("::").map(|(outer, _)| outer);
        }
        self.names.get(name).map(|meaning| (name.to_owned(), meaning))
    }

    /// The resource or module that an expression names: `a`, `a::b`, `a[i]`.
    pub fn symbol(&self, of: &Bicep) -> Option<Symbol> {
        match &of.kind {
            Kind::Name(name) => {
                let hidden = self.locals.iter().chain(&self.parameters).any(|local| local == name);
                let (symbol, meaning) = self.declared(name).filter(|_| !hidden)?;
                let is_symbol = matches!(meaning, Meaning::Resource { .. } | Meaning::Module);
                is_symbol.then(|| Symbol {
                    meaning: meaning.clone(),
                    name: Expression::text(&symbol),
                })
            }
            Kind::Nested { of, name } => {
                let outer = self.symbol(of)?;
                let Expression::Text(outer) = outer.name else {
                    return None;
                };
                let symbol = nested(Some(&outer), &name.text);
                let meaning = self.names.get(&symbol)?.clone();
                let name = Expression::text(&symbol);
                Some(Symbol { meaning, name })
            }
            Kind::Index {
                of,
                index,
                from_end: false,
                ..
            } if index.as_text().is_none() => {
                let outer = self.symbol(of)?;
                let Expression::Text(symbol) = &outer.name else {
                    return None;
                };
                let pattern = Expression::text(&format!("{}[{{0}}]", symbol));
                let name = Expression::call("format", vec![pattern, self.value(index)]);
                Some(Symbol { name, ..outer })
            }
            _ => None,
        }
    }

    fn is_free(&self, name: &str) -> bool {
        self.declared(name).is_none() && !self.locals.iter().any(|local| local == name)
    }

    fn call(&self, of: Option<&Bicep>, name: &Name, arguments: &[Bicep]) -> Expression {
        let values = || arguments.iter().map(|argument| self.at(argument)).collect::<Vec<_>>();
        let Some(of) = of else {
            return match name.text.as_str() {
                "nameof" => Expression::text(arguments.first().map_or("", last_name)),
                text if self.names.is_function(text) => in_space(OWN, text, values()),
                text => Expression::call(text, values()),
            };
        };
        if let Kind::Name(space) = &of.kind {
            if BUILT_IN.contains(&space.as_str()) && self.is_free(space) {
                return Expression::call(&name.text, values());
            }
            if self
                .declared(space)
                .is_some_and(|(_, meaning)| *meaning == Meaning::Space)
            {
                return in_space(space, &name.text, values());
            }
        }
        if let Some(symbol) = self.symbol(of) {
            let mut all = vec![info(&symbol).member("id")];
            all.extend(values());
            return Expression::call(&name.text, all);
        }
        broken(format!("`{}` is no function of a value", name.text))
    }

    /// `of.key`; `name` is the key where it is literal.
    fn member(&self, of: &Bicep, key: Expression, name: Option<&str>, safe: bool) -> Expression {
        if let Some(symbol) = self.symbol(of) {
            return self.of_symbol(&symbol, key, name, safe);
        }
        if let (Kind::Name(space), Some(name)) = (&of.kind, name)
            && self
                .declared(space)
                .is_some_and(|(_, meaning)| *meaning == Meaning::Space)
        {
            return Expression::call("variables", vec![Expression::text(&format!("{space}.{name}"))]);
        }
        // One safe step makes all that follow it safe.
        let safe = safe || is_safe(of);
        let value = self.value(of).element(key, safe);
        match self.is_outputs(of) {
            true => value.element(Expression::text("value"), safe),
            false => value,
        }
    }

    fn of_symbol(&self, symbol: &Symbol, key: Expression, name: Option<&str>, safe: bool) -> Expression {
        let own = name.is_some_and(|name| ["id", "name", "type", "apiVersion"].contains(&name));
        if own {
            return info(symbol).element(key, safe);
        }
        match symbol.meaning {
            Meaning::Module => Expression::call("reference", vec![symbol.name.clone()]).element(key, safe),
            _ => whole(symbol).element(key, safe),
        }
    }

    /// Whether an expression is the outputs of a module, each of which wraps its value.
    fn is_outputs(&self, of: &Bicep) -> bool {
        let (of, name) = match &of.kind {
            Kind::Member { of, name, .. } => (of, Some(name.text.as_str())),
            Kind::Index { of, index, .. } => (of, index.as_text()),
            _ => return false,
        };
        name == Some("outputs") && self.symbol(of).is_some_and(|symbol| symbol.meaning == Meaning::Module)
    }

    fn index(&self, of: &Bicep, index: &Bicep, safe: bool, from_end: bool) -> Expression {
        if from_end {
            let name = if safe { "tryIndexFromEnd" } else { "indexFromEnd" };
            return self.boxed(name, &[of, index]);
        }
        self.member(of, self.value(index), index.as_text(), safe)
    }

    fn unary(&self, operator: char, of: &Bicep) -> Expression {
        match (operator, &of.kind) {
            ('-', Kind::Int(value)) => Expression::Int(value.saturating_neg()),
            ('-', _) => Expression::call("sub", vec![Expression::Int(0), self.value(of)]),
            ('+', _) => self.value(of),
            _ => self.boxed("not", &[of]),
        }
    }

    fn binary(&self, operator: &str, left: &Bicep, right: &Bicep) -> Expression {
        let without_case = |of: &Bicep| Expression::call("toLower", vec![self.value(of)]);
        let equal_without_case = || Expression::call("equals", vec![without_case(left), without_case(right)]);
        match operator {
            "!=" => Expression::call("not", vec![self.boxed("equals", &[left, right])]),
            "=~" => equal_without_case(),
            "!~" => Expression::call("not", vec![equal_without_case()]),
            _ => match FUNCTIONS.iter().find(|(known, _)| *known == operator) {
                Some((_, function)) => self.boxed(function, &[left, right]),
                None => broken(format!("`{operator}` is no operator")),
            },
        }
    }
}

/// Operators that are a function.
const FUNCTIONS: &[(&str, &str)] = &[
    ("??", "coalesce"),
    ("||", "or"),
    ("&&", "and"),
    ("==", "equals"),
    ("<", "less"),
    ("<=", "lessOrEquals"),
    (">", "greater"),
    (">=", "greaterOrEquals"),
    ("+", "add"),
    ("-", "sub"),
    ("*", "mul"),
    ("/", "div"),
    ("%", "mod"),
];

fn in_space(space: &str, name: &str, arguments: Vec<Expression>) -> Expression {
    Expression::Call {
        namespace: Some(Arc::from(space)),
        name: Arc::from(name),
        arguments,
    }
}

/// Who a resource is.
pub fn info(symbol: &Symbol) -> Expression {
    Expression::call("resourceInfo", vec![symbol.name.clone()])
}

/// All that a resource is and states.
fn whole(symbol: &Symbol) -> Expression {
    let version = match &symbol.meaning {
        Meaning::Resource {
            version: Some(version), ..
        } => version.as_str(),
        _ => "",
    };
    let arguments = vec![symbol.name.clone(), Expression::text(version), Expression::text("full")];
    Expression::call("reference", arguments)
}

/// Whether a step of an expression gives null where nothing is.
fn is_safe(of: &Bicep) -> bool {
    match &of.kind {
        Kind::Member { of, safe, .. } | Kind::Index { of, safe, .. } => *safe || is_safe(of),
        _ => false,
    }
}

/// What `nameof` gives.
fn last_name(of: &Bicep) -> &str {
    match &of.kind {
        Kind::Name(name) => name,
        Kind::Member { name, .. } | Kind::Nested { name, .. } => &name.text,
        Kind::Index { index, .. } => index.as_text().unwrap_or_default(),
        _ => "",
    }
}
