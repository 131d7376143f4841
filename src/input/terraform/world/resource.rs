//! Blocks in their rounds: `count`, `for_each`, and the instances of resources.

use std::rc::Rc;
use std::sync::Arc;

use super::body::attributes;
use super::bridge::{open, placed, value};
use super::module::{Each, Module};
use super::provider::settings;
use super::related::related;
use crate::input::azurerm::{self, Instance, Mode, Said as Origin};
use crate::input::terraform::Said;
use crate::input::terraform::configuration::Resource;
use crate::input::terraform::language::{Fault, Kind, Object, Type, Unknown, Value, convert, items};
use crate::input::terraform::syntax::{Attribute, Block};
use crate::source::Diagnostic;

/// How often a block stands.
#[derive(Clone)]
pub enum Shape {
    Single,
    Count,
    Each,
    /// Once, perhaps: how often is not known.
    Open(Unknown),
}

pub struct Rounds {
    pub shape: Shape,
    pub all: Vec<(Option<Value>, Each)>,
}

/// A resource in all its rounds.
pub struct Expanded {
    pub shape: Shape,
    pub all: Vec<Round>,
}

pub struct Round {
    pub key: Option<Value>,
    pub instance: Instance,
    /// What references find.
    pub value: Value,
}

/// Most rounds of one block.
const ROUNDS: usize = 10_000;

/// `[0]`, `["a"]` or nothing.
pub fn suffix(key: Option<&Value>) -> String {
    match key.map(|key| (&key.kind, key)) {
        None => String::new(),
        Some((Kind::Text(text), _)) => format!("[{}]", serde_json::to_string(&**text).unwrap_or_default()),
        Some((Kind::Number(number), _)) => format!("[{number}]"),
        Some((_, key)) => format!("[{}]", key.symbol()),
    }
}

/// The rounds of a block; `address` names it in what is unknown.
pub fn rounds(module: &Rc<Module<'_>>, block: &Block, address: &str) -> Rounds {
    if module.root.left.get() == 0 {
        return left_out(module, block, address);
    }
    let rounds = match (block.body.attribute("count"), block.body.attribute("for_each")) {
        (Some(count), _) => counted(module, count, address),
        (_, Some(for_each)) => each(module, for_each, address),
        _ => {
            return Rounds {
                shape: Shape::Single,
                all: vec![(None, Each::default())],
            };
        }
    };
    let left = module.root.left.get();
    if rounds.all.len() > left {
        module.root.left.set(0);
        return left_out(module, block, address);
    }
    module.root.left.set(left - rounds.all.len());
    rounds
}

/// No round: the limit of the whole configuration is reached.
fn left_out(module: &Rc<Module<'_>>, block: &Block, address: &str) -> Rounds {
    let message = format!(
        "`{}` is left out: there are more than {} instances",
        block.labels.join("."),
        super::INSTANCES
    );
    let help = "scan parts of the configuration one by one";
    let diagnostic = Diagnostic::error("too-many-instances", message).help(help);
    module.root.tell(Said::lost(block.head, diagnostic));
    Rounds {
        shape: Shape::Open(Unknown::new("there are too many instances", address)),
        all: Vec::new(),
    }
}

/// One round of which nothing is known.
fn undecided(address: &str, unknown: &Unknown) -> Rounds {
    let part = |name: &str| Value::from(unknown.part("").named(format!("{{{address}.{name}}}")));
    let each = Each {
        key: Some(part("each.key")),
        value: Some(part("each.value")),
        index: Some(part("count.index")),
    };
    Rounds {
        shape: Shape::Open(unknown.clone()),
        all: vec![(Some(part("key")), each)],
    }
}

fn counted(module: &Rc<Module<'_>>, attribute: &Attribute, address: &str) -> Rounds {
    let count = module.value(&attribute.value, &Each::default());
    let refuse = |code: &str, message: String, help: &str| {
        let diagnostic = Diagnostic::error(code, message.clone()).help(help);
        module.root.tell(Said::lost(attribute.span, diagnostic));
        undecided(address, &Unknown::new(message, &format!("{address}.count")))
    };
    match convert(&count, &Type::Number).map(|count| count.kind) {
        Ok(Kind::Unknown(unknown)) => undecided(address, &unknown),
        Ok(Kind::Number(number)) => match number.to_usize() {
            Some(count) if count <= ROUNDS => {
                let one = |at: usize| {
                    let each = Each {
                        index: Some(Value::from(at)),
                        ..Each::default()
                    };
                    (Some(Value::from(at)), each)
                };
                Rounds {
                    shape: Shape::Count,
                    all: (0..count).map(one).collect(),
                }
            }
            Some(count) => refuse(
                "too-many-instances",
                format!("`count` is {count}; more than {ROUNDS} instances of one block are not made"),
                "lower it; one instance stands for them, and all it says is open",
            ),
            None => refuse("count", format!("`count` is {number}"), "give a whole number from 0"),
        },
        _ => refuse(
            "count",
            format!("`count` is {}", count.describe()),
            "give a whole number from 0",
        ),
    }
}

fn each(module: &Rc<Module<'_>>, attribute: &Attribute, address: &str) -> Rounds {
    let collection = module.value(&attribute.value, &Each::default());
    let refuse = |code: &str, message: String, help: &str| {
        let diagnostic = Diagnostic::error(code, message.clone()).help(help);
        module.root.tell(Said::lost(attribute.span, diagnostic));
        undecided(address, &Unknown::new(message, &format!("{address}.for_each")))
    };
    let is_list = matches!(collection.kind, Kind::Tuple(_) | Kind::List(_));
    let items = match items(&collection) {
        Ok(items) if !is_list => items,
        Err(Ok(unknown)) => return undecided(address, &unknown),
        _ => {
            let message = format!("`for_each` is {}", collection.describe());
            return refuse("for-each", message, "give a map, or a set made with `toset`");
        }
    };
    if items.pairs.len() > ROUNDS {
        let message = format!(
            "`for_each` has {} elements; more than {ROUNDS} are not made",
            items.pairs.len()
        );
        return refuse(
            "too-many-instances",
            message,
            "lower it; one instance stands for them, and all it says is open",
        );
    }
    let one = |(key, value): (Value, Value)| {
        let each = Each {
            key: Some(key.clone()),
            value: Some(value.marked(items.sensitive)),
            index: None,
        };
        (Some(key), each)
    };
    Rounds {
        shape: Shape::Each,
        all: items.pairs.into_iter().map(one).collect(),
    }
}

impl<'w> Module<'w> {
    /// A resource in all its rounds, made when it is first asked for.
    pub fn expanded(self: &Rc<Self>, at: usize) -> Result<Rc<Expanded>, Fault> {
        match self.resources.borrow().get(&at) {
            Some(Some(expanded)) => return Ok(expanded.clone()),
            Some(None) => return Err(Fault::new("the resource refers to itself")),
            None => {}
        }
        let Some(resource) = self.configuration.resources.get(at) else {
            return Err(Fault::new("there is no such resource"));
        };
        self.resources.borrow_mut().insert(at, None);
        let made = self.root.fuel.deeper(|| Ok(Rc::new(self.expand(resource))));
        match made {
            Ok(expanded) => {
                self.resources.borrow_mut().insert(at, Some(expanded.clone()));
                Ok(expanded)
            }
            Err(fault) => {
                self.resources.borrow_mut().remove(&at);
                Err(fault)
            }
        }
    }

    fn expand(self: &Rc<Self>, resource: &'w Resource) -> Expanded {
        let data = if resource.data { "data." } else { "" };
        let address = format!("{}{data}{}.{}", self.address, resource.kind, resource.name);
        let rounds = rounds(self, &resource.block, &address);
        let torn = unread(&resource.block, &address);
        let perhaps = match &rounds.shape {
            _ if torn.is_some() => torn.as_ref(),
            Shape::Open(unknown) => Some(unknown),
            _ => self.perhaps.as_ref(),
        };
        let related = match azurerm::is_in_table(&resource.kind) && !resource.data {
            true => related(self, &resource.block),
            false => Arc::default(),
        };
        let one = |(key, each): (Option<Value>, Each)| {
            let mut round = self.round(resource, &address, perhaps, key, &each);
            round.instance.related = related.clone();
            round
        };
        Expanded {
            all: rounds.all.into_iter().map(one).collect(),
            shape: rounds.shape.clone(),
        }
    }

    fn round(
        self: &Rc<Self>,
        resource: &'w Resource,
        address: &str,
        perhaps: Option<&Unknown>,
        key: Option<Value>,
        each: &Each,
    ) -> Round {
        let address = format!("{address}{}", suffix(key.as_ref()));
        let body = attributes(self, &resource.block, each);
        let instance = Instance {
            address: Arc::from(address.as_str()),
            mode: if resource.data { Mode::Data } else { Mode::Managed },
            resource_type: resource.kind.clone(),
            key: key.as_ref().map(|key| placed(key, resource.block.head)),
            settings: settings(self, &resource.kind, &resource.block),
            attributes: body.placed,
            perhaps: perhaps.map(open),
            whole: self.whole,
            said: if resource.block.body.torn {
                Origin::Torn
            } else {
                Origin::Source
            },
            related: Arc::default(),
        };
        let why = match resource.data {
            true => format!("`{address}` is looked up in Azure"),
            false => format!("`{address}` is known only when it is deployed"),
        };
        let rest = Unknown::new(why, &address);
        let mut found = value(&azurerm::computed(&instance), Some(&rest));
        if let Kind::Object(object) = &mut found.kind {
            let Object { members, .. } = Arc::make_mut(object);
            // What was evaluated knows more of its type than what has a place.
            members.extend(body.plain);
        }
        Round {
            key,
            instance,
            value: found,
        }
    }
}

/// Why nothing is known of a block: its text cannot be read.
pub fn unread(block: &Block, address: &str) -> Option<Unknown> {
    let why = || Unknown::new(format!("the text of `{address}` cannot be read"), address);
    block.body.torn.then(why)
}

/// What a reference to a block in all its rounds finds.
pub fn whole(shape: &Shape, address: &str, all: impl Iterator<Item = (Option<Value>, Value)>) -> Value {
    match shape {
        Shape::Single => all.map(|(_, value)| value).next().unwrap_or_else(Value::null),
        Shape::Count => Value::tuple(all.map(|(_, value)| value).collect()),
        Shape::Each => {
            let named = all.map(|(key, value)| {
                let name = key.and_then(|key| key.as_text().cloned().or_else(|| Some(Arc::from(key.symbol()))));
                (name.unwrap_or_else(|| Arc::from("")), value)
            });
            Value::object(named.collect())
        }
        Shape::Open(unknown) => Value::from(unknown.named(format!("{{{address}}}"))),
    }
}
