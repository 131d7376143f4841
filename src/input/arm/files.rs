//! Which file is what: templates, the values of their parameters, and which belong together.

use std::collections::HashMap;

use super::Placed;
use super::deployment::normal;
use super::expression::Value;
use super::frame::Frame;
use super::lower::Lowering;
use crate::source::Diagnostic;
use crate::syntax::{Node, Span};

/// What a file is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Template,
    /// Values for the template beside it.
    Parameters,
    /// Values that the user named, for every template.
    NamedParameters,
}

/// One file, parsed.
pub struct File<'w> {
    pub name: &'w str,
    pub bytes: usize,
    pub role: Role,
    /// Where the template stands in the file: template specs, stacks and deployments wrap it.
    pub template: Option<&'w Node<'w>>,
    pub root: &'w Node<'w>,
}

impl<'w> File<'w> {
    pub fn new(name: &'w str, bytes: usize, root: &'w Node<'w>, role: Role) -> Self {
        let template = template_of(root).filter(|_| role == Role::Template);
        File {
            name,
            bytes,
            role,
            template,
            root,
        }
    }
}

fn schema(node: &Node<'_>) -> String {
    let schema = node.get("$schema").and_then(Node::as_text).unwrap_or_default();
    schema.to_ascii_lowercase()
}

fn is_template(node: &Node<'_>) -> bool {
    let listed = || {
        node.get("resources")
            .is_some_and(|list| list.as_list().is_some() || list.as_object().is_some())
    };
    schema(node).contains("deploymenttemplate.json") || (listed() && node.get("contentVersion").is_some())
}

/// The template in a document, bare or wrapped.
pub fn template_of<'n, 't>(root: &'n Node<'t>) -> Option<&'n Node<'t>> {
    let wrapped = |outer: Option<&'n Node<'t>>| {
        let outer = outer?;
        outer
            .get("template")
            .or_else(|| outer.get("mainTemplate"))
            .filter(|node| is_template(node))
    };
    Some(root)
        .filter(|root| is_template(root))
        .or_else(|| wrapped(root.get("properties")))
        .or_else(|| wrapped(Some(root)))
}

pub fn is_parameters(root: &Node<'_>) -> bool {
    let values = root
        .get("parameters")
        .is_some_and(|values| values.as_object().is_some());
    values && !is_template(root) && (schema(root).contains("deploymentparameters") || root.get("resources").is_none())
}

/// The file name without directories, in lower case.
fn short(name: &str) -> String {
    let name = name.replace('\\', "/");
    name.rsplit('/').next().unwrap_or_default().to_ascii_lowercase()
}

fn directory(name: &str) -> String {
    let path = normal(name);
    path.rsplit_once('/')
        .map_or(String::new(), |(directory, _)| directory.to_owned())
}

/// The file name without its last extension.
fn stem(name: &str) -> String {
    let name = name.replace('\\', "/");
    let last = name.rsplit('/').next().unwrap_or_default();
    last.rsplit_once('.').map_or(last, |(stem, _)| stem).to_owned()
}

/// Whether a parameter file belongs to a template: `X.parameters.json` lies beside `X.json`.
fn belongs(parameters: &File<'_>, template: &File<'_>) -> bool {
    let wanted = format!("{}.parameters.", stem(template.name).to_ascii_lowercase());
    let own = short(parameters.name);
    let rest = own.strip_prefix(&wanted);
    template.template.is_some()
        && directory(parameters.name) == directory(template.name)
        && rest.is_some_and(|rest| rest == "json" || rest == "jsonc")
}

/// Says which parameter files were used for nothing.
pub fn unmatched(files: &[File<'_>]) -> Vec<Placed> {
    let unused = |file: &File<'_>| file.role == Role::Parameters && !files.iter().any(|other| belongs(file, other));
    let said = files.iter().enumerate().filter(|(_, file)| unused(file));
    said.map(|(at, file)| {
        let message = format!(
            "`{}` lies beside no template of its name, and its values are not used",
            file.name
        );
        let help = "name it with `--parameters`, or call it `X.parameters.json` beside `X.json`";
        Placed {
            file: at,
            span: Span::default(),
            diagnostic: Diagnostic::note("parameters-unused", message).help(help),
            lost: false,
        }
    })
    .collect()
}

/// The values for a template: of what wraps it, of the file beside it, and of the files that the user named, the
/// later before the earlier.
pub fn given(files: &[File<'_>], at: usize, lowering: &Lowering<'_>) -> HashMap<String, Value> {
    let mut values = HashMap::new();
    let Some(template) = files.get(at) else { return values };
    let wrapper = template
        .root
        .get("properties")
        .and_then(|outer| outer.get("parameters"));
    if let Some(wrapper) = wrapper.filter(|_| !is_template(template.root)) {
        collect(at, wrapper, lowering, &mut values);
    }
    let beside = |file: &File<'_>| file.role == Role::Parameters && belongs(file, template);
    let named = |file: &File<'_>| file.role == Role::NamedParameters;
    for (at, file) in files.iter().enumerate().filter(|(_, file)| beside(file)) {
        file.root
            .get("parameters")
            .into_iter()
            .for_each(|node| collect(at, node, lowering, &mut values));
    }
    for (at, file) in files.iter().enumerate().filter(|(_, file)| named(file)) {
        file.root
            .get("parameters")
            .into_iter()
            .for_each(|node| collect(at, node, lowering, &mut values));
    }
    values
}

fn collect(file: usize, node: &Node<'_>, lowering: &Lowering<'_>, values: &mut HashMap<String, Value>) {
    for member in node.as_object().unwrap_or_default() {
        let (name, node) = (&member.name, &member.node);
        let value = match (node.get("value"), node.get("reference")) {
            (Some(value), _) => Value::literal(value),
            (None, Some(_)) => Value::unknown(
                format!("parameter `{name}` comes from a key vault"),
                &format!("{{{name}}}"),
            ),
            (None, None) => {
                let message = format!("parameter `{name}` states no `value`");
                lowering.say(
                    file,
                    node.span,
                    "parameter-value",
                    &message,
                    "write `{ \"value\": ... }`",
                );
                Value::unknown(message, &format!("{{{name}}}"))
            }
        };
        values.insert(name.to_ascii_lowercase(), value);
    }
}

/// How often names occur among templates, to tell apart what is deployed from files of one name.
pub struct Names {
    stems: HashMap<String, usize>,
    with_directories: HashMap<String, usize>,
}

impl Names {
    pub fn of(files: &[File<'_>]) -> Names {
        let count = |name: fn(&str) -> String| {
            let mut counts: HashMap<String, usize> = HashMap::new();
            for file in files.iter().filter(|file| file.template.is_some()) {
                *counts.entry(name(file.name).to_ascii_lowercase()).or_default() += 1;
            }
            counts
        };
        Names {
            stems: count(stem),
            with_directories: count(with_directory),
        }
    }

    /// Stands for the resource group of a template: the name of its file, with its directory where two have the same.
    pub fn group(&self, file: &File<'_>) -> String {
        let several = |counts: &HashMap<String, usize>, name: &str| {
            counts.get(&name.to_ascii_lowercase()).is_some_and(|count| *count > 1)
        };
        let (short, longer) = (stem(file.name), with_directory(file.name));
        if !several(&self.stems, &short) {
            return short;
        }
        if !several(&self.with_directories, &longer) {
            return longer;
        }
        let path = normal(file.name);
        path.rsplit_once('.').map_or(&*path, |(path, _)| path).replace('/', "-")
    }
}

fn with_directory(name: &str) -> String {
    let directory = directory(name);
    format!("{}-{}", directory.rsplit('/').next().unwrap_or_default(), stem(name))
}

/// Says which parameters took their defaults and which have no value.
pub fn say_values(lowering: &Lowering<'_>, frame: &Frame<'_>) {
    let quoted = |names: &std::collections::BTreeSet<String>| {
        let shown: Vec<String> = names.iter().take(8).map(|name| format!("`{name}`")).collect();
        let more = names.len().saturating_sub(shown.len());
        let rest = if more == 0 {
            String::new()
        } else {
            format!(" and {more} more")
        };
        format!("{}{rest}", shown.join(", "))
    };
    let span = frame
        .template
        .get("parameters")
        .map_or(frame.template.span, |node| node.span);
    let span = Span {
        start: span.start,
        end: span.start,
    };
    let help = "give their values with `--parameters FILE` or in a file `X.parameters.json` beside the template";
    let (defaulted, open) = (frame.defaulted.borrow(), frame.open.borrow());
    if !defaulted.is_empty() {
        let message = format!("the defaults of these parameters are used: {}", quoted(&defaulted));
        let diagnostic = Diagnostic::note("parameter-defaults", message).help(help);
        lowering.tell(frame.file, span, diagnostic, false);
    }
    if !open.is_empty() {
        let message = format!(
            "these parameters have no value, and what depends on them is unknown: {}",
            quoted(&open)
        );
        let diagnostic = Diagnostic::warning("parameter-open", message).help(help);
        lowering.tell(frame.file, span, diagnostic, false);
    }
}
