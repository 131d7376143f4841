//! A whole Bicep text to a template, or to the values of one. What declares nothing that can be judged is passed over.

use super::declaration::Declared;
use super::expression::Scope;
use super::names::Names;
use super::shape::{Members, expression, list, member, object, text, yes};
use crate::input::arm::is_published;
use crate::source::Diagnostic;
use crate::syntax::bicep::{
    Decorator, Document, Entry, Expression as Bicep, Imports, Kind, Name, Statement, StatementKind, Type, TypeKind,
};
use crate::syntax::{Member, Node, Span, Value};

/// What a text was turned into, what it asks for beside itself, and what is to be said of it.
pub struct Lowered {
    pub root: Node<'static>,
    /// Paths of files whose contents it loads.
    pub loads: Vec<String>,
    /// Paths of modules, and names of published ones.
    pub modules: Vec<String>,
    pub said: Vec<(Span, Diagnostic)>,
}

/// Schemas of deployments by `targetScope`.
const SCHEMAS: &[(&str, &str)] = &[
    ("subscription", "2018-05-01/subscriptionDeploymentTemplate.json#"),
    ("managementGroup", "2019-08-01/managementGroupDeploymentTemplate.json#"),
    ("tenant", "2019-08-01/tenantDeploymentTemplate.json#"),
];

#[derive(Default)]
struct Parts {
    head: Members,
    parameters: Members,
    variables: Members,
    functions: Members,
    definitions: Members,
    outputs: Members,
    imports: Vec<Node<'static>>,
    declared: Declared,
    schema: Option<&'static str>,
    using: Option<Node<'static>>,
    said: Vec<(Span, Diagnostic)>,
}

pub fn lowered(document: &Document, whole: &str, is_parameters: bool) -> Lowered {
    let names = Names::of(document);
    let scope = Scope::new(&names);
    let mut parts = Parts::default();
    for statement in &document.statements {
        parts.statement(&scope, statement);
    }
    let (mut loads, mut modules) = (Vec::new(), Vec::new());
    for statement in &document.statements {
        paths(statement, &mut loads, &mut modules);
    }
    let span = Span {
        start: 0,
        end: whole.len(),
    };
    let said = parts.said();
    let root = parts.root(span, is_parameters);
    Lowered {
        root,
        loads,
        modules,
        said,
    }
}

impl Parts {
    fn statement(&mut self, scope: &Scope<'_>, statement: &Statement) {
        match &statement.kind {
            StatementKind::TargetScope(value) => {
                let wanted = value.as_text().unwrap_or_default();
                self.schema = SCHEMAS
                    .iter()
                    .find(|(name, _)| *name == wanted)
                    .map(|(_, schema)| *schema);
            }
            StatementKind::Parameter { name, declared, value } => {
                let secure = has(&statement.decorators, "secure");
                self.parameters
                    .push(parameter(scope, name, declared.as_ref(), value.as_ref(), secure));
            }
            StatementKind::Variable { name, value } => {
                let value = expression(scope.value(value), value.span);
                self.variables.push(member(&name.text, value));
            }
            StatementKind::Resource(declaration) => self.declared.resource(scope, declaration),
            StatementKind::Module(declaration) => self.declared.module(scope, declaration),
            StatementKind::Output { name, value } => {
                let value = member("value", expression(scope.value(value), value.span));
                self.outputs
                    .push(member(&name.text, object(vec![value], statement.span)));
            }
            StatementKind::Type { name, declared } => {
                let members = declared_type(declared, false);
                self.definitions
                    .push(member(&name.text, object(members, declared.span)));
            }
            StatementKind::Function { name, parameters, body } => {
                self.functions.push(function(scope, name, parameters, body));
            }
            StatementKind::Import { imports, from } => self.import(imports, from, statement.span),
            StatementKind::Extension { alias } => {
                let shown = alias
                    .as_ref()
                    .map_or(String::new(), |alias| format!(" `{}`", alias.text));
                let message =
                    format!("the extension{shown} is not read: what it deploys is not Azure's resource manager's");
                self.said
                    .push((statement.span, Diagnostic::note("extension-ignored", message)));
            }
            StatementKind::Using(path) => {
                self.using = Some(match path {
                    Some(path) => text(path.as_text().unwrap_or_default(), path.span),
                    None => Node {
                        value: Value::Null,
                        span: statement.span,
                    },
                });
            }
            StatementKind::Extends(path) => {
                self.head
                    .push(member("extends", text(path.as_text().unwrap_or_default(), path.span)));
            }
            StatementKind::Aside | StatementKind::Broken { .. } => {}
        }
    }

    fn import(&mut self, imports: &Imports, from: &Bicep, span: Span) {
        let Some(path) = from.as_text() else { return };
        let from = || member("from", text(path, from.span));
        match imports {
            Imports::All(name) => {
                let members = vec![member("all", text(&name.text, name.span)), from()];
                self.imports.push(object(members, span));
            }
            Imports::Names(names) => {
                for (original, alias) in names {
                    let members = vec![
                        member("name", text(&alias.text, alias.span)),
                        member("original", text(&original.text, original.span)),
                        from(),
                    ];
                    self.imports.push(object(members, span));
                }
            }
        }
    }

    fn said(&mut self) -> Vec<(Span, Diagnostic)> {
        let mut said = std::mem::take(&mut self.said);
        for (span, message) in std::mem::take(&mut self.declared.problems) {
            let help = "correct it; until then what it declares is not judged";
            said.push((span, Diagnostic::error("bicep-declaration", message).help(help)));
        }
        said
    }

    fn root(self, span: Span, is_parameters: bool) -> Node<'static> {
        let mut members = self.head;
        let space = vec![
            member("namespace", text("__bicep", span)),
            member("members", object(self.functions, span)),
        ];
        members.push(member("functions", list(vec![object(space, span)], span)));
        members.push(member("imports", list(self.imports, span)));
        // What is to be said of all of them is said at the first.
        let first = self.parameters.first().map_or(span, |first| first.node.span);
        members.push(member("parameters", object(self.parameters, first)));
        members.push(member("variables", object(self.variables, span)));
        if is_parameters {
            members.push(member(
                "using",
                self.using.unwrap_or(Node {
                    value: Value::Null,
                    span,
                }),
            ));
            return object(members, span);
        }
        let schema = self.schema.unwrap_or("2019-04-01/deploymentTemplate.json#");
        let address = format!("https://schema.management.azure.com/schemas/{schema}");
        members.push(member("$schema", text(&address, span)));
        members.push(member("languageVersion", text("2.0", span)));
        members.push(member("definitions", object(self.definitions, span)));
        members.push(member("resources", object(self.declared.resources, span)));
        members.push(member("outputs", object(self.outputs, span)));
        object(members, span)
    }
}

fn has(decorators: &[Decorator], name: &str) -> bool {
    decorators.iter().any(|decorator| decorator.name.text == name)
}

/// Of a template a declaration; of a parameter file an assignment, which other values may ask for.
fn parameter(
    scope: &Scope<'_>,
    name: &Name,
    declared: Option<&Type>,
    value: Option<&Bicep>,
    secure: bool,
) -> Member<'static> {
    let mut members = declared
        .map(|declared| declared_type(declared, secure))
        .unwrap_or_default();
    if let Some(value) = value {
        let node = expression(scope.value(value), value.span);
        if declared.is_none() {
            members.push(member("value", node.clone()));
        }
        members.push(member("defaultValue", node));
    }
    member(&name.text, object(members, name.span))
}

/// Kinds of values by the names that types have.
const KINDS: &[&str] = &["string", "int", "bool", "array", "object"];

/// A type as templates state it.
fn declared_type(declared: &Type, secure: bool) -> Members {
    let span = declared.span;
    let kind = match &declared.kind {
        TypeKind::Nullable(of) => {
            let mut members = declared_type(of, secure);
            members.push(member("nullable", yes(span)));
            return members;
        }
        TypeKind::Name(name) if secure && name == "string" => "securestring",
        TypeKind::Name(name) if secure && name == "object" => "secureobject",
        TypeKind::Name(name) if KINDS.contains(&name.as_str()) => name,
        TypeKind::Name(_) if secure => "secure",
        TypeKind::Name(name) => return vec![member("$ref", text(&format!("#/definitions/{name}"), span))],
        TypeKind::Object if secure => "secureobject",
        TypeKind::Array => "array",
        TypeKind::Object => "object",
        TypeKind::Text => "string",
        TypeKind::Int => "int",
        TypeKind::Bool => "bool",
        TypeKind::Other if secure => "secure",
        TypeKind::Other => return Vec::new(),
    };
    vec![member("type", text(kind, span))]
}

fn function(scope: &Scope<'_>, name: &Name, parameters: &[Name], body: &Bicep) -> Member<'static> {
    let mut scope = scope.clone();
    scope.parameters = parameters.iter().map(|name| name.text.clone()).collect();
    let declared = parameters
        .iter()
        .map(|name| object(vec![member("name", text(&name.text, name.span))], name.span))
        .collect();
    let output = object(
        vec![member("value", expression(scope.value(body), body.span))],
        body.span,
    );
    let members = vec![
        member("parameters", list(declared, name.span)),
        member("output", output),
    ];
    member(&name.text, object(members, name.span))
}

/// Collects the files whose contents a statement loads, and the published modules that it names.
fn paths(statement: &Statement, loads: &mut Vec<String>, modules: &mut Vec<String>) {
    let mut name = |of: &Bicep| modules.extend(of.as_text().map(str::to_owned));
    match &statement.kind {
        StatementKind::Parameter { value: Some(value), .. }
        | StatementKind::Variable { value, .. }
        | StatementKind::Output { value, .. } => walk(value, loads),
        StatementKind::Function { body, .. } => walk(body, loads),
        StatementKind::Resource(declaration) => walk(&declaration.body, loads),
        StatementKind::Module(declaration) => {
            name(&declaration.of);
            walk(&declaration.body, loads);
        }
        // To import from a file is not to deploy it.
        StatementKind::Import { from, .. } if from.as_text().is_some_and(is_published) => name(from),
        _ => {}
    }
}

fn walk(of: &Bicep, loads: &mut Vec<String>) {
    let mut each = |inner: &Bicep| walk(inner, loads);
    match &of.kind {
        Kind::Text { holes, .. } => holes.iter().for_each(each),
        Kind::Array(elements) => elements.iter().for_each(|element| each(&element.value)),
        Kind::Object(entries) => entries.iter().for_each(|entry| match entry {
            Entry::Member { key, value } => {
                walk(key, loads);
                walk(value, loads);
            }
            Entry::Spread(value) => walk(value, loads),
            Entry::Nested(statement) => paths(statement, loads, &mut Vec::new()),
            Entry::Broken => {}
        }),
        Kind::Call { of, name, arguments } => {
            of.iter().for_each(|of| each(of));
            arguments.iter().for_each(each);
            if name.text.starts_with("load") {
                loads.extend(arguments.first().and_then(Bicep::as_text).map(str::to_owned));
            }
        }
        Kind::Member { of, .. } | Kind::Nested { of, .. } | Kind::Unary { of, .. } => each(of),
        Kind::Lambda { body, .. } => each(body),
        Kind::Index { of, index: other, .. }
        | Kind::For { of, body: other, .. }
        | Kind::If {
            condition: of,
            body: other,
        }
        | Kind::Binary {
            left: of, right: other, ..
        } => {
            each(of);
            each(other);
        }
        Kind::Choice { condition, yes, no } => {
            each(condition);
            each(yes);
            each(no);
        }
        Kind::Null | Kind::Bool(_) | Kind::Int(_) | Kind::Name(_) | Kind::Broken => {}
    }
}
