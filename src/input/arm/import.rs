//! What a template takes from other files without deploying them: variables and functions that it imports, and contents
//! that it loads.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use base64::Engine as _;

use super::expression::{Fault, Kind, Value, number};
use super::frame::{Env, Frame};
use super::lower::Lowering;
use crate::input::yaml::{self, Source};
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
        if name == "loadyamlcontent" {
            return Some(self.load_yaml(arguments));
        }
        let read: fn(&[u8], &[Value]) -> Result<Value, Fault> = match name {
            "loadtextcontent" => |bytes, _| text(bytes).map(Value::from),
            "loadfileasbase64" => |bytes, _| Ok(base64::engine::general_purpose::STANDARD.encode(bytes).into()),
            "loadjsoncontent" => |bytes, arguments| part(parsed(text(bytes)?)?, arguments),
            "loaddirectoryfileinfo" => {
                let why = "`loadDirectoryFileInfo` is not evaluated: it lists a directory";
                return Some(Ok(Value::unknown(why, "{directory}")));
            }
            _ => return None,
        };
        let loaded = self.loaded(arguments);
        Some(loaded.and_then(|(_, bytes)| read(bytes, arguments)))
    }

    fn load_yaml(&self, arguments: &[Value]) -> Result<Value, Fault> {
        let (name, bytes) = self.loaded(arguments)?;
        let text = text(bytes)?;
        let node = yaml::parse(text).map_err(|error| {
            let message = format!("the file is not YAML: {error}");
            Fault::new(message.lines().next().unwrap_or_default().to_owned())
        })?;
        if let Some(mut source) = Source::new(&name, text) {
            source.note(&node);
            self.lowering.sources.borrow_mut().push(source);
        }
        part(of_yaml(&node), arguments)
    }

    /// The name and the content of the file that the first argument names.
    fn loaded(&self, arguments: &[Value]) -> Result<(String, &'w [u8]), Fault> {
        let path = arguments.first().and_then(Value::as_text);
        let path = path.ok_or_else(|| Fault::new("the path of a file to load is no literal string"))?;
        let here = self.lowering.files.get(self.frame.file).map_or("", |file| file.name);
        let name = super::deployment::beside(here, path);
        let missing = || {
            let message = format!("`{name}` is not among the files given; scan the directory that holds both");
            Fault::new(message)
        };
        let bytes = self.lowering.loaded.get(&name).map(Vec::as_slice);
        bytes.ok_or_else(missing).map(|bytes| (name.clone(), bytes))
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

fn of_yaml(node: &yaml::Node) -> Value {
    use yaml::Kind as Yaml;
    match &node.kind {
        Yaml::Null => Value::null(),
        Yaml::Bool(value) => (*value).into(),
        Yaml::Int(digits) => number(&digits.to_string()).into(),
        Yaml::Large(digits) => number(&digits.to_string()).into(),
        Yaml::Float(digits) if digits.is_finite() => number(&format!("{digits:?}")).into(),
        Yaml::Float(_) => Value::null(),
        Yaml::Text(text) => Kind::Text(text.clone()).into(),
        Yaml::List(items) => items.iter().map(of_yaml).collect::<Vec<_>>().into(),
        Yaml::Map(members) => Value::object(
            members
                .iter()
                .map(|(key, value)| (key_of(key), of_yaml(value)))
                .collect(),
        ),
    }
}

fn key_of(key: &yaml::Node) -> Arc<str> {
    match &key.kind {
        yaml::Kind::Text(text) => text.clone(),
        _ => Arc::from(of_yaml(key).json()),
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
