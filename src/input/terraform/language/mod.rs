//! The language of Terraform: values, conversions, operators, templates and functions. Must not know blocks, modules
//! or resources; what a name means is asked through [`Scope`].

mod convert;
mod evaluate;
mod functions;
mod number;
mod operator;
mod show;
mod template;
mod traverse;
mod value;

pub use convert::{Field, Type, convert, type_of, unify};
pub use evaluate::{Environment, Fault, Fuel, Items, Place, Scope, Unread, evaluate, items, with_names};
pub use functions::{FUNCTIONS, Function};
pub use number::Number;
pub use show::shown;
pub use traverse::{attribute, index};
pub use value::{Kind, Members, Object, Unknown, Value};
