//! Which file is what: templates, the values of their parameters, and which belong together.

use std::collections::HashMap;

use super::Placed;
use super::alias::Aliases;
use super::catalog::Catalog;
use super::deployment::normal;
use super::expression::Value;
use super::frame::{Frame, Given};
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
    /// A template that only others deploy, from the cache of published modules.
    Published,
}

impl Role {
    fn is_template(self) -> bool {
        matches!(self, Role::Template | Role::Published)
    }
}

/// One file, parsed.
pub struct File<'w> {
    pub name: &'w str,
    pub text: &'w str,
    pub role: Role,
    /// What a published module is called by those that use it.
    pub published_as: Option<&'w str>,
    /// The name as paths are compared: normal, in lower case.
    pub path: String,
    /// The Bicep file beside it that it was compiled from.
    pub source: Option<usize>,
    /// Stands for the resource group that it is deployed to.
    pub group: String,
    /// Where the template stands in the file: template specs, stacks and deployments wrap it.
    pub template: Option<&'w Node<'w>>,
    pub root: &'w Node<'w>,
    /// What published modules are called here, where a configuration of the compiler says so.
    pub aliases: Option<&'w Aliases>,
}

impl<'w> File<'w> {
    pub fn new(name: &'w str, text: &'w str, root: &'w Node<'w>, role: Role) -> Self {
        let template = template_of(root).filter(|_| role.is_template());
        File {
            name,
            text,
            role,
            published_as: None,
            path: normal(name).to_ascii_lowercase(),
            source: None,
            group: String::new(),
            template,
            root,
            aliases: None,
        }
    }

    /// Whether it may be judged on its own: a template that was not compiled from another file.
    pub fn is_judged(&self) -> bool {
        self.role == Role::Template && self.template.is_some() && self.source.is_none()
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

pub fn directory(name: &str) -> String {
    let path = normal(name);
    path.rsplit_once('/')
        .map_or(String::new(), |(directory, _)| directory.to_owned())
}

/// The file name without its last extension.
pub fn stem(name: &str) -> String {
    let name = name.replace('\\', "/");
    let last = name.rsplit('/').next().unwrap_or_default();
    last.rsplit_once('.').map_or(last, |(stem, _)| stem).to_owned()
}

/// Says which parameter files were used for nothing.
pub fn unmatched(files: &[File<'_>], catalog: &Catalog) -> Vec<Placed> {
    let said = catalog.unmatched().iter().filter_map(|at| Some((*at, files.get(*at)?)));
    said.map(|(at, file)| {
        let (message, help) = match file.root.get("using").map(Node::as_text) {
            Some(Some(path)) => (
                format!("the template `{path}` is not among the files given, and the values for it are not used"),
                "scan the directory that holds both",
            ),
            Some(None) => (
                format!("`{}` is for no template, and its values are not used", file.name),
                "name it with `--parameters`",
            ),
            None => (
                format!(
                    "`{}` lies beside no template of its name, and its values are not used",
                    file.name
                ),
                "name it with `--parameters`, or call it `X.parameters.json` beside `X.json`",
            ),
        };
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
pub fn given<'w>(at: usize, chosen: Option<usize>, lowering: &Lowering<'w>) -> HashMap<String, Given> {
    let mut values = HashMap::new();
    let files = lowering.files;
    let Some(template) = files.get(at) else { return values };
    let wrapper = template
        .root
        .get("properties")
        .and_then(|outer| outer.get("parameters"));
    if let Some(wrapper) = wrapper.filter(|_| !is_template(template.root)) {
        collect(at, wrapper, lowering, &mut values);
    }
    let of_role = |wanted: Role| {
        let own = lowering.catalog.values_of(at).iter();
        own.copied()
            .filter(move |at| files.get(*at).is_some_and(|file| file.role == wanted))
    };
    let is_json = |at: &usize| files.get(*at).is_some_and(|file| file.root.get("using").is_none());
    let mut named: Vec<usize> = lowering.catalog.for_all().to_vec();
    named.extend(of_role(Role::NamedParameters));
    named.sort_unstable();
    // A file with values for one deployment stands in place of the one beside the template.
    let beside = of_role(Role::Parameters).filter(|at| is_json(at) && !chosen.as_ref().is_some_and(is_json));
    for at in beside.chain(chosen).chain(named) {
        match files.get(at).and_then(|file| file.root.get("parameters")) {
            Some(node) if is_json(&at) => collect(at, node, lowering, &mut values),
            Some(_) => assigned(at, lowering, &mut values, EXTENDED),
            None => {}
        }
    }
    values
}

/// How often a template is deployed, and with which file of values each time: once for each `.bicepparam` that names it and each
/// `X.parameters.prod.json`, and once without, where there is none of these or an `X.parameters.json` as well.
pub fn deployments(files: &[File<'_>], catalog: &Catalog, at: usize) -> Vec<Option<usize>> {
    let role = |at: &usize| files.get(*at).map(|file| file.role);
    let is_using = |at: &usize| files.get(*at).is_some_and(|file| file.root.get("using").is_some());
    let own = catalog.values_of(at);
    let named = |at: &usize| role(at) == Some(Role::NamedParameters);
    let using: Vec<usize> = own.iter().copied().filter(is_using).collect();
    let variants = catalog.variants_of(at).iter().copied();
    // What the user named decides.
    if using.iter().any(named) {
        return vec![None];
    }
    let beside = own.iter().any(|at| !is_using(at));
    let variants: Vec<usize> = variants.filter(|_| catalog.for_all().is_empty()).collect();
    let once = (using.is_empty() && variants.is_empty()) || (beside && !variants.is_empty());
    let each = using.into_iter().chain(variants).map(Some);
    once.then_some(None).into_iter().chain(each).collect()
}

/// How many parameter files may extend each other.
const EXTENDED: u32 = 8;

/// The values of a `.bicepparam` file, behind those of the file that it extends.
fn assigned(at: usize, lowering: &Lowering<'_>, values: &mut HashMap<String, Given>, left: u32) {
    let Some(file) = lowering.files.get(at) else { return };
    if let Some(extended) = file.root.get("extends") {
        let path = extended.as_text().unwrap_or_default();
        match lowering.find(at, path) {
            Ok(base) if left > 0 && base != at => assigned(base, lowering, values, left - 1),
            _ => {
                let message = format!("`{path}`, which is extended, is not among the files given");
                let help = "scan the directory that holds both; the values that it gives are missing";
                lowering.say(at, extended.span, "parameters-not-read", &message, help);
            }
        }
    }
    let scope = super::scope::Scope::of_schema("", "parameters");
    let frame = Frame::new(at, file.root, HashMap::new(), scope, Value::from("parameters"));
    let env = super::frame::Env::new(lowering, std::rc::Rc::new(frame));
    let members = file
        .root
        .get("parameters")
        .and_then(Node::as_object)
        .unwrap_or_default();
    for member in members {
        if let Some(node) = member.node.get("value") {
            let given = Given {
                value: env.value(node),
                file: at,
                span: node.span,
            };
            values.insert(member.name.to_ascii_lowercase(), given);
        }
    }
}

/// Values that are given as a text of their own: with or without what wraps them in a file.
pub fn inline(root: Option<&Node<'_>>, lowering: &Lowering<'_>) -> HashMap<String, Given> {
    let mut values = HashMap::new();
    if let Some(root) = root {
        let wrapped = root.get("parameters").filter(|_| root.get("$schema").is_some());
        collect(0, wrapped.unwrap_or(root), lowering, &mut values);
    }
    values
}

fn collect(file: usize, node: &Node<'_>, lowering: &Lowering<'_>, values: &mut HashMap<String, Given>) {
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
        let given = Given {
            value,
            file,
            span: node.get("value").unwrap_or(node).span,
        };
        values.insert(name.to_ascii_lowercase(), given);
    }
}

/// The templates that a template spec carries beside its main one, each with the path by which that one links it.
pub fn linked<'w>(root: &'w Node<'w>) -> Vec<(&'w str, &'w Node<'w>)> {
    let list = |outer: Option<&'w Node<'w>>| outer?.get("linkedTemplates")?.as_list();
    let found = list(Some(root)).or_else(|| list(root.get("properties")));
    let one = |node: &'w Node<'w>| Some((node.get("path")?.as_text()?, node.get("template")?));
    found.unwrap_or_default().iter().filter_map(one).collect()
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
    let help =
        "give their values with `--parameters FILE`, in `X.parameters.json` beside the template, or in a `.bicepparam`";
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
