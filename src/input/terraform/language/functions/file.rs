//! Functions of files and paths. Only what was given is read; what was not is unknown, not absent.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Arguments, Function, Outcome, function};
use crate::input::terraform::language::evaluate::{Environment, Fault, Scope, Unread, evaluate};
use crate::input::terraform::language::value::{Members, Value};
use crate::input::terraform::syntax::{Step, parse_template};
use crate::input::yaml::Node;

pub const FUNCTIONS: &[Function] = &[
    function("abspath", 1, 1, absolute),
    function("basename", 1, 1, |a| Ok(Value::from(base(&a.text(0)?)))),
    function("dirname", 1, 1, |a| Ok(Value::from(directory(&a.text(0)?)))),
    function("file", 1, 1, |a| content(a, |text| Ok(Value::from(text)))),
    function("filebase64", 1, 1, |a| {
        content(a, |text| Ok(Value::from(STANDARD.encode(text.as_bytes()))))
    }),
    function("fileexists", 1, 1, |a| content(a, |_| Ok(Value::from(true)))),
    function("fileset", 2, 2, files),
    function("pathexpand", 1, 1, expand),
    function("templatefile", 2, 2, template_file).own(),
    function("templatestring", 2, 2, template_string).own(),
];

/// What is made of the text of the file that the first argument names.
pub fn content(arguments: &Arguments<'_, '_>, make: impl FnOnce(Arc<str>) -> Outcome) -> Outcome {
    match arguments.environment.scope.file(&arguments.text(0)?) {
        Ok(text) => make(text),
        Err(Unread::NotGiven(why)) => Ok(arguments.open(&why)),
        Err(Unread::Fault(why)) => Err(arguments.refuse(why)),
    }
}

/// The shortest path that says the same.
pub fn clean(path: &str) -> String {
    let rooted = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if rooted => {}
            other => parts.push(other),
        }
    }
    let joined = parts.join("/");
    match (rooted, joined.is_empty()) {
        (true, _) => format!("/{joined}"),
        (false, true) => ".".to_owned(),
        (false, false) => joined,
    }
}

fn base(path: &str) -> String {
    let trimmed = path.trim_end_matches('/');
    match (path.is_empty(), trimmed.is_empty()) {
        (true, _) => ".".to_owned(),
        (false, true) => "/".to_owned(),
        _ => trimmed.rsplit('/').next().unwrap_or_default().to_owned(),
    }
}

fn directory(path: &str) -> String {
    match path.rfind('/') {
        Some(at) => clean(path.get(..=at).unwrap_or_default()),
        None => ".".to_owned(),
    }
}

fn absolute(arguments: &Arguments<'_, '_>) -> Outcome {
    let path = arguments.text(0)?;
    match path.starts_with('/') {
        true => Ok(Value::from(clean(&path))),
        false => Ok(arguments.open("the working directory is not in the configuration")),
    }
}

fn expand(arguments: &Arguments<'_, '_>) -> Outcome {
    let path = arguments.text(0)?;
    match path.starts_with('~') {
        true => Ok(arguments.open("the home directory is not in the configuration")),
        false => Ok(Value::from(path)),
    }
}

fn files(arguments: &Arguments<'_, '_>) -> Outcome {
    let (path, pattern) = (arguments.text(0)?, arguments.text(1)?);
    let glob = globset::GlobBuilder::new(&pattern).literal_separator(true).build();
    let glob = glob
        .map_err(|_| arguments.refuse(format!("`{pattern}` is no pattern")))?
        .compile_matcher();
    match arguments.environment.scope.files_below(&path) {
        Ok(names) => {
            let matching = names.into_iter().filter(|name| glob.is_match(name));
            Ok(Value::set(matching.map(Value::from).collect()))
        }
        Err(Unread::NotGiven(why)) => Ok(arguments.open(&why)),
        Err(Unread::Fault(why)) => Err(arguments.refuse(why)),
    }
}

/// The names that a template sees: what it was given, and nothing else.
struct TemplateScope<'s> {
    names: &'s Members,
    outer: &'s dyn Scope,
}

impl Scope for TemplateScope<'_> {
    fn resolve(&self, root: &str, _: &[Step], _: &Environment<'_>) -> Result<(Value, usize), Fault> {
        let value = self.names.get(root).cloned();
        value
            .map(|value| (value, 0))
            .ok_or_else(|| Fault::new(format!("the template was given no `{root}`")))
    }

    fn file(&self, path: &str) -> Result<Arc<str>, Unread> {
        self.outer.file(path)
    }

    fn files_below(&self, path: &str) -> Result<Vec<String>, Unread> {
        self.outer.files_below(path)
    }

    fn decoded(&self, text: &Arc<str>, values: &Node) {
        self.outer.decoded(text, values);
    }
}

fn render(arguments: &Arguments<'_, '_>, text: &str) -> Outcome {
    let parsed = parse_template(text).map_err(|error| arguments.refuse(format!("the template: {}", error.message)))?;
    let scope = TemplateScope {
        names: arguments.members(1)?,
        outer: arguments.environment.scope,
    };
    let environment = Environment {
        scope: &scope,
        names: None,
        ..*arguments.environment
    };
    let told = |fault: Fault| Fault {
        message: format!("`{}`: {}", arguments.name, fault.message),
        place: None,
        ..fault
    };
    evaluate(&parsed, &environment).map_err(told)
}

fn open(arguments: &Arguments<'_, '_>) -> Option<Value> {
    let whole = arguments.values.iter().find_map(Value::as_unknown)?;
    Some(super::unknown_result(arguments.name, whole, arguments.values))
}

fn template_file(arguments: &Arguments<'_, '_>) -> Outcome {
    if let Some(open) = open(arguments) {
        return Ok(open);
    }
    content(arguments, |text| render(arguments, &text))
}

fn template_string(arguments: &Arguments<'_, '_>) -> Outcome {
    if let Some(open) = open(arguments) {
        return Ok(open);
    }
    render(arguments, &arguments.text(0)?)
}
