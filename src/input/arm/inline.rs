//! A template that stands within another notation, such as the deployment resources of Terraform. Must not know which.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use super::catalog::Catalog;
use super::expression::Value;
use super::files::{self, File, Role};
use super::frame::{Env, Frame};
use super::lower::{self, Lowering, Place};
use super::scope::Scope;
use super::{Loaded, STACK, World, shape};
use crate::input::Limits;
use crate::source::Diagnostic;
use crate::syntax::json;

/// A template, lowered.
pub struct Inline {
    pub resources: Vec<Value>,
    pub unused: BTreeMap<Arc<str>, u64>,
    /// What was not understood, and whether resources may be missing because of it.
    pub said: Vec<(Diagnostic, bool)>,
}

/// Lowers the text of a template, with the text of its parameter values, as deployed to a scope. Spans lie in the
/// text; who calls moves them. The error says why it is none.
pub fn lower_inline(text: &str, parameters: Option<&str>, scope: Scope) -> Result<Inline, String> {
    let parse = |text| json::parse_lenient(text, &mut |_| {}).map_err(|error| error.message);
    let root = parse(text)?;
    let values = parameters.map(parse).transpose()?;
    let files = [File::new("template", text, &root, Role::Template)];
    let Some(template) = files.first().and_then(|file| file.template) else {
        return Err("it is no template".to_owned());
    };
    let (loaded, catalog, limits) = (Loaded::new(), Catalog::default(), Limits::default());
    let world = World {
        files: &files,
        catalog: &catalog,
        loaded: &loaded,
        limits: &limits,
    };
    let run = || {
        let lowering = Lowering::new(world, text.len());
        let given = files::inline(values.as_ref(), &lowering);
        let name = Value::unknown("the name of the deployment is not known", "{deployment}");
        let frame = Rc::new(Frame::new(0, template, given, scope.clone(), name));
        let env = Env::new(&lowering, frame.clone());
        if let Some(list) = template.get("resources") {
            let scope = scope.clone();
            lower::resources(&env, list, &Place { scope, perhaps: None }, None);
        }
        files::say_values(&lowering, &frame);
        drop(env);
        let said = lowering.said.into_inner().into_iter();
        Inline {
            resources: shape::join_children(lowering.resources.into_inner())
                .into_iter()
                .map(|resource| resource.value)
                .collect(),
            unused: lowering.unused.into_inner(),
            said: said.map(|said| (said.diagnostic, said.lost)).collect(),
        }
    };
    std::thread::scope(|threads| {
        let thread = std::thread::Builder::new().stack_size(STACK);
        let handle = thread.spawn_scoped(threads, run).map_err(|error| error.to_string())?;
        handle.join().map_err(|_| "the evaluation ended abruptly".to_owned())
    })
}
