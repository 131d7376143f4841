//! What the names of one Bicep text stand for.

use std::collections::{HashMap, HashSet};

use crate::syntax::bicep::{Declaration, Document, Entry, Expression, Imports, Kind, Statement, StatementKind};

/// What a name declares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meaning {
    Parameter,
    /// Of this text, or imported as such.
    Variable,
    Resource {
        resource_type: String,
        version: Option<String>,
    },
    Module,
    /// A file imported whole.
    Space,
    /// Declared by a statement that was not understood.
    Broken,
}

#[derive(Default)]
pub struct Names {
    /// Resources within others by `outer::inner`.
    meanings: HashMap<String, Meaning>,
    functions: HashSet<String>,
}

impl Names {
    pub fn of(document: &Document) -> Names {
        let mut names = Names::default();
        for statement in &document.statements {
            names.declare(statement, None);
        }
        names
    }

    pub fn get(&self, name: &str) -> Option<&Meaning> {
        self.meanings.get(name)
    }

    pub fn is_function(&self, name: &str) -> bool {
        self.functions.contains(name)
    }

    fn put(&mut self, name: &str, meaning: Meaning) {
        self.meanings.entry(name.to_owned()).or_insert(meaning);
    }

    fn declare(&mut self, statement: &Statement, outer: Option<&str>) {
        match &statement.kind {
            StatementKind::Parameter { name, .. } => self.put(&name.text, Meaning::Parameter),
            StatementKind::Variable { name, .. } => self.put(&name.text, Meaning::Variable),
            StatementKind::Function { name, .. } => {
                self.functions.insert(name.text.clone());
            }
            StatementKind::Resource(declaration) => self.resource(declaration, outer),
            StatementKind::Module(declaration) => self.put(&declaration.name.text, Meaning::Module),
            StatementKind::Import { imports, .. } => self.imports(imports),
            StatementKind::Broken { name: Some(name), .. } => self.put(&name.text, Meaning::Broken),
            _ => {}
        }
    }

    /// Whether an import is a variable, a function or a type is known only where it is declared.
    fn imports(&mut self, imports: &Imports) {
        match imports {
            Imports::All(name) => self.put(&name.text, Meaning::Space),
            Imports::Names(names) => {
                for (_, alias) in names {
                    self.put(&alias.text, Meaning::Variable);
                    self.functions.insert(alias.text.clone());
                }
            }
        }
    }

    fn resource(&mut self, declaration: &Declaration, outer: Option<&str>) {
        let symbol = nested(outer, &declaration.name.text);
        let stated = declaration.of.as_text().unwrap_or_default();
        let (own, version) = type_and_version(stated);
        let (resource_type, version) = match outer.and_then(|outer| self.get(outer)) {
            Some(Meaning::Resource {
                resource_type,
                version: above,
            }) => (format!("{resource_type}/{own}"), version.or(above.clone())),
            _ => (own, version),
        };
        self.put(&symbol, Meaning::Resource { resource_type, version });
        for inner in nested_in(&declaration.body) {
            self.declare(inner, Some(&symbol));
        }
    }
}

/// The symbolic name of a resource within another.
pub fn nested(outer: Option<&str>, name: &str) -> String {
    outer.map_or_else(|| name.to_owned(), |outer| format!("{outer}::{name}"))
}

/// `type@version` in two, without the name of an extension before it.
fn type_and_version(stated: &str) -> (String, Option<String>) {
    let stated = stated.strip_prefix("az:").unwrap_or(stated);
    match stated.split_once('@') {
        Some((own, version)) => (own.to_owned(), Some(version.to_owned())),
        None => (stated.to_owned(), None),
    }
}

/// The object that a declaration is about, within its loop and condition.
pub fn inner(body: &Expression) -> &Expression {
    match &body.kind {
        Kind::For { body, .. } | Kind::If { body, .. } => inner(body),
        _ => body,
    }
}

/// The resources that stand within a resource.
pub fn nested_in(body: &Expression) -> impl Iterator<Item = &Statement> {
    let entries = match &inner(body).kind {
        Kind::Object(entries) => entries.as_slice(),
        _ => &[],
    };
    entries.iter().filter_map(|entry| match entry {
        Entry::Nested(statement) => Some(&**statement),
        _ => None,
    })
}
