//! Configurations to instances: modules that call each other, rounds of `count` and `for_each`, and what references
//! find. Values are computed when they are asked for, each once.

mod body;
mod bridge;
mod downloaded;
mod module;
mod path;
mod provider;
mod related;
mod resource;
mod scope;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;

use super::Said;
use super::configuration::Configuration;
use super::language::{Fault, Fuel, Value};
use super::syntax::Attribute;
use crate::input::Library;
use crate::input::azurerm::{Instance, Whole};
use crate::input::yaml::Source;
use crate::source::Diagnostic;
use crate::syntax::Span;

pub use downloaded::Downloaded;
pub use module::{Module, is_local};
pub use path::{join, parent};

/// Everything that the roots share.
pub struct World<'w> {
    pub configurations: &'w BTreeMap<String, Configuration>,
    /// Downloaded modules, by the root's directory and the names of the calls, `a.b`.
    pub downloaded: &'w BTreeMap<(String, String), Downloaded>,
    pub library: Option<&'w dyn Library>,
    /// The names of all texts that were read.
    pub names: &'w [Arc<str>],
    /// Values named by the user, the stronger last: of files, and then of `--var`.
    pub values: &'w [Attribute],
    pub texts: &'w [(String, String)],
}

/// The evaluation of one root.
pub struct Root<'w> {
    pub world: &'w World<'w>,
    pub directory: &'w str,
    pub fuel: Fuel,
    pub said: RefCell<Vec<Said>>,
    told: RefCell<BTreeSet<(usize, String)>>,
    /// Instances that may still be made.
    pub left: Cell<usize>,
    /// What stands for the subscription, where no provider says it.
    pub subscription: Option<Value>,
    pub uses: RefCell<Vec<Use>>,
    /// Files that were read and hold exceptions in comments.
    pub opened: RefCell<Vec<Source>>,
}

/// What a directory takes from elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Use {
    /// A directory calls another, or reads a file.
    Of { from: String, what: String },
    /// A directory asks which files there are below another.
    Listing { from: String, below: String },
}

/// Most instances of one root.
pub const INSTANCES: usize = 20_000;
/// Steps of one root.
const STEPS: u64 = 10_000_000;

/// What became of one root.
#[derive(Default)]
pub struct Outcome {
    pub instances: Vec<Instance>,
    pub said: Vec<Said>,
    pub uses: Vec<Use>,
    /// Files of values that hold exceptions in comments.
    pub sources: Vec<Source>,
}

/// Evaluates a root and everything that it calls.
pub fn evaluate(world: &World<'_>, configuration: &Configuration, subscription: Option<Value>) -> Outcome {
    let root = Root {
        world,
        directory: &configuration.directory,
        fuel: Fuel::new(STEPS),
        said: RefCell::default(),
        told: RefCell::default(),
        left: Cell::new(INSTANCES),
        subscription,
        uses: RefCell::default(),
        opened: RefCell::default(),
    };
    let is_named = |name: &str| {
        let of_files = world.values.iter().any(|attribute| &*attribute.name == name);
        of_files || world.texts.iter().any(|(known, _)| known == name)
    };
    let whole = match configuration.looks_like_a_part(is_named) {
        true => Whole::ModuleAlone,
        false => Whole::Root,
    };
    let mut instances = Vec::new();
    let module = Rc::new(Module::root(&root, configuration, whole));
    module.collect(&mut instances);
    Outcome {
        instances,
        said: root.said.take(),
        uses: root.uses.take(),
        sources: root.opened.take(),
    }
}

impl Root<'_> {
    /// Says a thing once a place.
    pub fn tell(&self, said: Said) {
        let key = (said.span.start, said.diagnostic.message.clone());
        if self.told.borrow_mut().insert(key) {
            self.said.borrow_mut().push(said);
        }
    }

    /// Notes that a directory takes something from elsewhere.
    pub fn uses(&self, from: &str, what: &str) {
        let (from, what) = (from.to_owned(), what.to_owned());
        self.uses.borrow_mut().push(Use::Of { from, what });
    }

    /// An expression that has no value, at its innermost place.
    pub fn refuse(&self, fault: &Fault, span: Span) {
        let span = fault.place.map_or(span, |place| place.span);
        if fault.stopped {
            let message = format!("the evaluation of this configuration was stopped: {}", fault.message);
            let help = "scan its parts one by one; what was not evaluated is unknown";
            let first = !self
                .said
                .borrow()
                .iter()
                .any(|said| &*said.diagnostic.code == "configuration-too-large");
            if first {
                let diagnostic = Diagnostic::error("configuration-too-large", message).help(help);
                self.tell(Said::lost(span, diagnostic));
            }
            return;
        }
        let message = format!("this cannot be evaluated: {}", fault.message);
        let help = "correct it; until then its value is unknown";
        self.tell(Said::new(span, Diagnostic::error("expression", message).help(help)));
    }
}
