//! What a template takes from other files without deploying them: variables and functions that it imports, and contents
//! that it loads.

use std::collections::HashMap;
use std::rc::Rc;

use base64::Engine as _;

use super::expression::{Fault, Kind, Value, number};
use super::frame::{Env, Frame};
use super::lower::Lowering;
use crate::syntax::{Node, Span, json};

/// One import that gives a name.
pub struct Import<'w> {
    /// What it is called where it is declared.
    original: String,
    from: &'w str,
    /// The statement.
    pub span: Span,
}

impl<'e, 'w> Env<'e, 'w> {
    /// The import of a name: `a`, or `b.a` of a file imported whole as `b`.
    pub fn import_of(&self, name: &str) -> Option<Import<'w>> {
        let imports = self.frame.template.get("imports")?.as_list()?;
        let (space, inner) = match name.split_once('.') {
            Some((space, inner)) => (Some(space), inner),
            None => (None, name),
        };
        imports.iter().find_map(|node| {
            let text = |member: &str| node.get(member).and_then(Node::as_text);
            let original = match text("all") {
                Some(all) => (Some(all) == space).then_some(inner)?,
                None if space.is_none() && text("name")? == name => text("original")?,
                None => return None,
            };
            Some(Import {
                original: original.to_owned(),
                from: text("from")?,
                span: node.span,
            })
        })
    }

    /// The surroundings of what an import names, and its name there.
    pub fn imported(&self, import: &Import<'w>) -> Result<(Env<'e, 'w>, String), Fault> {
        let at = self.lowering.find(self.frame.file, import.from)?;
        if let Some(frame) = self.lowering.libraries.borrow().get(&at) {
            return Ok((Env::new(self.lowering, frame.clone()), import.original.clone()));
        }
        let file = self.lowering.files.get(at);
        let template = file
            .and_then(|file| file.template)
            .ok_or_else(|| Fault::new(format!("`{}` is no template", import.from)))?;
        let name = self.frame.name.clone();
        let frame = Rc::new(Frame::new(at, template, HashMap::new(), self.frame.scope.clone(), name));
        self.lowering.libraries.borrow_mut().insert(at, frame.clone());
        Ok((Env::new(self.lowering, frame), import.original.clone()))
    }

    pub fn imported_function(&self, namespace: &str, name: &str, arguments: &[Value]) -> Option<Result<Value, Fault>> {
        let wanted = match namespace {
            OWN => name.to_owned(),
            space => format!("{space}.{name}"),
        };
        let import = self.import_of(&wanted)?;
        let outcome = self.imported(&import).and_then(|(env, original)| {
            let missing = || Fault::new(format!("`{}` has no function `{original}`", import.from));
            env.own_function(OWN, &original, arguments)
                .or_else(|| env.imported_function(OWN, &original, arguments))
                .unwrap_or_else(|| Err(missing()))
        });
        Some(outcome.map(|value| value.moved(import.span)))
    }

    /// `loadTextContent` and its like; `None`: it is none of them.
    pub fn load(&self, name: &str, arguments: &[Value]) -> Option<Result<Value, Fault>> {
        let read: fn(&[u8], &[Value]) -> Result<Value, Fault> = match name {
            "loadtextcontent" => |bytes, _| text(bytes).map(Value::from),
            "loadfileasbase64" => |bytes, _| Ok(base64::engine::general_purpose::STANDARD.encode(bytes).into()),
            "loadjsoncontent" => |bytes, arguments| part(parsed(text(bytes)?)?, arguments),
            "loadyamlcontent" => |bytes, arguments| part(yaml(text(bytes)?)?, arguments),
            "loaddirectoryfileinfo" => {
                let why = "`loadDirectoryFileInfo` is not evaluated: it lists a directory";
                return Some(Ok(Value::unknown(why, "{directory}")));
            }
            _ => return None,
        };
        let Some(path) = arguments.first().and_then(Value::as_text) else {
            return Some(Err(Fault::new("the path of a file to load is no literal string")));
        };
        Some(self.loaded(path).and_then(|bytes| read(bytes, arguments)))
    }

    fn loaded(&self, path: &str) -> Result<&'w [u8], Fault> {
        let here = self.lowering.files.get(self.frame.file).map_or("", |file| file.name);
        let name = super::deployment::beside(here, path);
        let missing = || {
            let message = format!("`{name}` is not among the files given; scan the directory that holds both");
            Fault::new(message)
        };
        self.lowering.loaded.get(&name).map(Vec::as_slice).ok_or_else(missing)
    }
}

/// The namespace of the functions that a Bicep file declares.
pub const OWN: &str = "__bicep";

impl Lowering<'_> {
    /// The file that a path or the name of a published module leads to.
    pub fn find(&self, from: usize, path: &str) -> Result<usize, Fault> {
        let here = self.files.get(from);
        let found = match super::is_published(path) {
            true => {
                let full = here.and_then(|file| file.aliases?.full(path));
                self.catalog.published(full.as_deref().unwrap_or(path))
            }
            false => {
                let here = here.map_or("", |file| file.name);
                self.catalog.at(&super::deployment::beside(here, path))
            }
        };
        found.ok_or_else(|| Fault::new(format!("`{path}` is not among the files given")))
    }
}

fn text(bytes: &[u8]) -> Result<&str, Fault> {
    let text = std::str::from_utf8(bytes).map_err(|_| Fault::new("the file is not UTF-8 text"))?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

fn parsed(text: &str) -> Result<Value, Fault> {
    let node = json::parse_lenient(text, &mut |_| {})
        .map_err(|error| Fault::new(format!("the file is not JSON: {}", error.message)))?;
    Ok(Value::literal(&node).moved(Span::default()))
}

fn yaml(text: &str) -> Result<Value, Fault> {
    let value: serde_json::Value = serde_yaml::from_str(text).map_err(|error| {
        Fault::new(
            format!("the file is not YAML: {error}")
                .lines()
                .next()
                .unwrap_or_default()
                .to_owned(),
        )
    })?;
    Ok(of_json(&value))
}

fn of_json(value: &serde_json::Value) -> Value {
    use serde_json::Value as Json;
    match value {
        Json::Null => Value::null(),
        Json::Bool(value) => (*value).into(),
        Json::Number(digits) => number(&digits.to_string()).into(),
        Json::String(text) => text.as_str().into(),
        Json::Array(items) => items.iter().map(of_json).collect::<Vec<_>>().into(),
        Json::Object(members) => {
            let member = |(name, value): (&String, &Json)| (std::sync::Arc::from(name.as_str()), of_json(value));
            Value::object(members.iter().map(member).collect())
        }
    }
}

/// The part that a JSON path names: `.a.b`, `$.a`, `a[0]`. Filters and wildcards are not evaluated.
fn part(value: Value, arguments: &[Value]) -> Result<Value, Fault> {
    let path = match arguments.get(1).map(|path| &path.kind) {
        None | Some(Kind::Null) => return Ok(value),
        Some(Kind::Text(path)) => path.clone(),
        _ => return Err(Fault::new("the path into a file is no string")),
    };
    let simple = path.trim_start_matches('$').replace('[', ".").replace([']', '\''], "");
    if simple.contains(['*', '?', '(', '@', ':']) || simple.contains("..") {
        return Ok(Value::unknown(
            format!("the path `{path}` into a file is not evaluated"),
            "{file}",
        ));
    }
    let mut value = value;
    for step in simple.split('.').filter(|step| !step.is_empty()) {
        let next = match &value.kind {
            Kind::List(items) => step.parse::<usize>().ok().and_then(|at| items.get(at)).cloned(),
            _ => value.get(step).cloned(),
        };
        value = next.ok_or_else(|| Fault::new(format!("the file has nothing at `{path}`")))?;
    }
    Ok(value)
}
