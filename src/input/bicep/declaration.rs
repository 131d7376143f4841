//! Resources and modules to the resources of a template: each under its symbolic name, nested ones flat beside their
//! parents.

use super::expression::{Scope, Symbol, info};
use super::names::{Meaning, inner, nested, nested_in};
use super::shape::{Members, expression, member, object, text, yes};
use crate::syntax::bicep::{Declaration, Entry, Expression as Bicep, Kind, StatementKind};
use crate::syntax::{Expression, Span};

/// Resources by symbolic name, and problems with them.
#[derive(Default)]
pub struct Declared {
    pub resources: Members,
    pub problems: Vec<(Span, String)>,
}

/// The resource around a nested one.
struct Outer<'o> {
    symbol: &'o str,
    condition: Option<&'o Expression>,
}

/// A body taken apart.
struct Body<'b> {
    entries: &'b [Entry],
    condition: Option<Expression>,
    copy: Option<crate::syntax::Node<'static>>,
}

fn take_apart<'b>(scope: &mut Scope<'_>, symbol: &str, body: &'b Bicep, span: Span) -> Body<'b> {
    match &body.kind {
        Kind::For { item, index, of, body } => {
            let of = scope.at(of);
            let mut members = vec![
                member("name", text(symbol, span)),
                member("item", text(&item.text, item.span)),
            ];
            members.extend(
                index
                    .as_ref()
                    .map(|index| member("index", text(&index.text, index.span))),
            );
            members.push(member("items", expression(of.clone(), of.span())));
            let names = std::iter::once(item).chain(index.as_ref());
            *scope = scope.with(names.map(|name| name.text.clone()));
            let inner = take_apart(scope, symbol, body, span);
            Body {
                copy: Some(object(members, of.span())),
                ..inner
            }
        }
        Kind::If { condition, body } => {
            let condition = scope.at(condition);
            let inner = take_apart(scope, symbol, body, span);
            Body {
                condition: Some(condition),
                ..inner
            }
        }
        Kind::Object(entries) => Body {
            entries,
            condition: entries
                .iter()
                .any(|entry| matches!(entry, Entry::Broken))
                .then(|| incomplete(body.span)),
            copy: None,
        },
        _ => Body {
            entries: &[],
            condition: Some(incomplete(body.span)),
            copy: None,
        },
    }
}

/// A condition that nobody can decide.
fn incomplete(span: Span) -> Expression {
    Expression::Broken("what it declares is not complete".into()).at(span)
}

impl Declared {
    pub fn resource(&mut self, scope: &Scope<'_>, declaration: &Declaration) {
        self.one(scope, declaration, None);
    }

    fn one(&mut self, scope: &Scope<'_>, declaration: &Declaration, outer: Option<&Outer<'_>>) {
        let symbol = nested(outer.map(|outer| outer.symbol), &declaration.name.text);
        let span = declaration.name.span;
        let Some(Meaning::Resource { resource_type, version }) = scope.names.get(&symbol).cloned() else {
            return self.problems.push((span, format!("`{symbol}` is declared twice")));
        };
        let mut scope = scope.clone();
        scope.within = Some(symbol.clone());
        let mut body = take_apart(&mut scope, &symbol, &declaration.body, span);
        body.condition = both(outer.and_then(|outer| outer.condition), body.condition);
        let condition = body.condition.clone();
        let mut members = vec![
            member("type", text(&resource_type, declaration.of.span)),
            member(
                "apiVersion",
                text(version.as_deref().unwrap_or_default(), declaration.of.span),
            ),
        ];
        if declaration.existing {
            members.push(member("existing", yes(span)));
        }
        if let Some(outer) = outer {
            members.push(member("parent", text(outer.symbol, span)));
        }
        members.extend(common(body.condition, body.copy));
        for entry in body.entries {
            self.entry(&scope, entry, &mut members);
        }
        // A type of an extension is nothing in Azure's resource manager.
        if resource_type
            .split('/')
            .next()
            .is_some_and(|provider| provider.contains('.'))
        {
            let whole = inner(&declaration.body).span;
            self.resources.push(member(&symbol, object(members, whole)));
        }
        let around = Outer {
            symbol: &symbol,
            condition: condition.as_ref(),
        };
        for statement in nested_in(&declaration.body) {
            match &statement.kind {
                StatementKind::Resource(declaration) => self.one(&scope, declaration, Some(&around)),
                _ => self
                    .problems
                    .push((statement.span, "only resources stand within a resource".to_owned())),
            }
        }
    }

    fn entry(&mut self, scope: &Scope<'_>, entry: &Entry, members: &mut Members) {
        match entry {
            Entry::Member { key, value } => match key.as_text() {
                Some("dependsOn") => {}
                Some("parent") => members.push(parent(scope, value)),
                Some("scope") => members.push(member("scope", expression(scope_id(scope, value), value.span))),
                Some("properties") if is_deployment(members) => {
                    members.push(member("properties", written(scope, value)))
                }
                Some(name) => members.push(member(name, expression(scope.value(value), value.span))),
                None => self
                    .problems
                    .push((key.span, "the name of a member of a resource is no literal".to_owned())),
            },
            Entry::Spread(of) => members.push(member("...", expression(scope.value(of), of.span))),
            Entry::Nested(_) | Entry::Broken => {}
        }
    }

    pub fn module(&mut self, scope: &Scope<'_>, declaration: &Declaration) {
        let symbol = &declaration.name.text;
        let span = declaration.name.span;
        let Some(path) = declaration.of.as_text() else {
            let message = "the path of a module is no literal string".to_owned();
            return self.problems.push((declaration.of.span, message));
        };
        let mut scope = scope.clone();
        let body = take_apart(&mut scope, symbol, &declaration.body, span);
        let mut members = vec![member("type", text("Microsoft.Resources/deployments", span))];
        members.extend(common(body.condition, body.copy));
        let mut values = expression(Expression::Object(Vec::new()), span);
        let mut named = false;
        for entry in body.entries {
            let Entry::Member { key, value } = entry else { continue };
            match key.as_text() {
                Some("name") => {
                    named = true;
                    members.push(member("name", expression(scope.value(value), value.span)));
                }
                Some("scope") => members.push(member("scope", expression(scope_id(&scope, value), value.span))),
                Some("params") => values = expression(scope.value(value), value.span),
                _ => {}
            }
        }
        if !named {
            members.push(member("name", expression(default_name(symbol), span)));
        }
        let link = object(
            vec![member("relativePath", text(path, declaration.of.span))],
            declaration.of.span,
        );
        let properties = vec![member("templateLink", link), member("parameterValues", values)];
        members.push(member("properties", object(properties, declaration.of.span)));
        let whole = inner(&declaration.body).span;
        self.resources.push(member(symbol, object(members, whole)));
    }
}

fn common(
    condition: Option<Expression>,
    copy: Option<crate::syntax::Node<'static>>,
) -> impl Iterator<Item = crate::syntax::Member<'static>> {
    let condition = condition.map(|condition| {
        let span = condition.span();
        member("condition", expression(condition, span))
    });
    condition.into_iter().chain(copy.map(|copy| member("copy", copy)))
}

fn is_deployment(members: &Members) -> bool {
    let stated = members.iter().find(|member| member.name == "type");
    let stated = stated.and_then(|member| member.node.as_text());
    stated.is_some_and(|stated| stated.eq_ignore_ascii_case("Microsoft.Resources/deployments"))
}

/// A template within a resource as it is written: its strings are expressions of its own.
fn written(scope: &Scope<'_>, of: &Bicep) -> crate::syntax::Node<'static> {
    use crate::syntax::{Node, Value};
    let value = match &of.kind {
        Kind::Object(entries)
            if entries
                .iter()
                .all(|entry| matches!(entry, Entry::Member { key, .. } if key.as_text().is_some())) =>
        {
            let each = entries.iter().filter_map(|entry| match entry {
                Entry::Member { key, value } => Some(member(key.as_text()?, written(scope, value))),
                _ => None,
            });
            Value::Object(each.collect())
        }
        Kind::Array(elements) if elements.iter().all(|element| !element.spread) => {
            Value::List(elements.iter().map(|element| written(scope, &element.value)).collect())
        }
        _ => match of.as_text() {
            Some(text) => Value::Text(text.to_owned().into()),
            None => return expression(scope.value(of), of.span),
        },
    };
    Node { value, span: of.span }
}

/// A nested resource is deployed where its parent is, and under its own condition.
fn both(outer: Option<&Expression>, own: Option<Expression>) -> Option<Expression> {
    match (outer.cloned(), own) {
        (Some(outer), Some(own)) => {
            let span = own.span();
            Some(Expression::call("and", vec![outer, own]).at(span))
        }
        (outer, own) => outer.or(own),
    }
}

/// What the compiler calls a module without a name.
fn default_name(symbol: &str) -> Expression {
    let deployment = Expression::call("deployment", Vec::new()).member("name");
    let unique = Expression::call("uniqueString", vec![Expression::text(symbol), deployment]);
    let pattern = Expression::text(&format!("{symbol}-{{0}}"));
    Expression::call("format", vec![pattern, unique])
}

fn parent(scope: &Scope<'_>, of: &Bicep) -> crate::syntax::Member<'static> {
    let name = match scope.symbol(of) {
        Some(Symbol { name, .. }) => name,
        None => Expression::Broken("the parent is no resource of this file".into()),
    };
    member("parent", expression(name, of.span))
}

/// The id of what a scope names: `resourceGroup('a')`, a resource, or a choice of either.
fn scope_id(scope: &Scope<'_>, of: &Bicep) -> Expression {
    match (&of.kind, scope.symbol(of)) {
        (_, Some(symbol)) => info(&symbol).member("id"),
        (Kind::Text { .. }, None) => scope.value(of),
        (Kind::Choice { condition, yes, no }, None) => {
            let arguments = vec![scope.value(condition), scope_id(scope, yes), scope_id(scope, no)];
            Expression::call("if", arguments)
        }
        _ => scope.value(of).member("id"),
    }
}
