//! Every function whose value depends on its arguments alone, one line each in [`FUNCTIONS`].
//! Must not know the template that calls.

mod cidr;
mod date;
mod encode;
mod format;
mod list;
mod logic;
mod number;
mod object;
mod text;

use std::collections::HashMap;
use std::sync::LazyLock;

use super::evaluate::{Fault, LONGEST, Outcome};
use super::value::{Kind, Unknown, Value, digest};

type Function = fn(&Arguments<'_>) -> Outcome;

/// How unknown arguments are met.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Meets {
    /// Any unknown, however deep, makes the result unknown.
    Strict,
    /// An unknown argument does; unknown elements are passed on.
    Elements,
    /// The function looks itself.
    All,
}

use Meets::{All, Elements, Strict};

/// Names in lower case, fewest and most arguments, how unknowns are met, and the function.
const FUNCTIONS: &[(&str, usize, usize, Meets, Function)] = &[
    ("array", 1, 1, All, list::array),
    ("concat", 0, usize::MAX, All, text::concat),
    ("contains", 2, 2, All, list::contains),
    ("createarray", 0, usize::MAX, All, list::create),
    ("empty", 1, 1, Elements, list::empty),
    ("first", 1, 1, Elements, list::first),
    ("last", 1, 1, Elements, list::last),
    ("indexof", 2, 2, Strict, list::index_of),
    ("lastindexof", 2, 2, Strict, list::last_index_of),
    ("intersection", 2, usize::MAX, Strict, list::intersection),
    ("union", 1, usize::MAX, Elements, list::union),
    ("length", 1, 1, Elements, list::length),
    ("range", 2, 2, Strict, list::range),
    ("skip", 2, 2, Elements, list::skip),
    ("take", 2, 2, Elements, list::take),
    ("flatten", 1, 1, Elements, list::flatten),
    ("indexfromend", 2, 2, Elements, list::index_from_end),
    ("tryindexfromend", 2, 2, Elements, list::try_index_from_end),
    ("tryget", 2, usize::MAX, All, object::try_get),
    ("createobject", 0, usize::MAX, All, object::create),
    ("items", 1, 1, Elements, object::items),
    ("objectkeys", 1, 1, Elements, object::keys),
    ("shallowmerge", 1, 1, Elements, object::shallow_merge),
    ("json", 1, 1, All, object::json),
    ("null", 0, 0, Strict, object::null),
    ("add", 2, 2, Strict, number::add),
    ("sub", 2, 2, Strict, number::sub),
    ("mul", 2, 2, Strict, number::mul),
    ("div", 2, 2, Strict, number::div),
    ("mod", 2, 2, Strict, number::modulo),
    ("int", 1, 1, Strict, number::int),
    ("float", 1, 1, Strict, number::float),
    ("min", 1, usize::MAX, Strict, number::min),
    ("max", 1, usize::MAX, Strict, number::max),
    ("equals", 2, 2, All, logic::equals),
    ("not", 1, 1, Strict, logic::not),
    ("bool", 1, 1, Strict, logic::boolean),
    ("true", 0, 0, Strict, logic::yes),
    ("false", 0, 0, Strict, logic::no),
    ("xor", 2, 2, Strict, logic::xor),
    ("less", 2, 2, Strict, logic::less),
    ("lessorequals", 2, 2, Strict, logic::less_or_equals),
    ("greater", 2, 2, Strict, logic::greater),
    ("greaterorequals", 2, 2, Strict, logic::greater_or_equals),
    ("any", 1, 1, All, logic::same),
    ("format", 1, usize::MAX, All, format::format),
    ("string", 1, 1, All, text::string),
    ("tolower", 1, 1, All, text::to_lower),
    ("toupper", 1, 1, All, text::to_upper),
    ("trim", 1, 1, Strict, text::trim),
    ("replace", 3, 3, Strict, text::replace),
    ("split", 2, 2, Strict, text::split),
    ("join", 2, 2, Strict, text::join),
    ("substring", 2, 3, Strict, text::substring),
    ("padleft", 2, 3, Strict, text::pad_left),
    ("startswith", 2, 2, Strict, text::starts_with),
    ("endswith", 2, 2, Strict, text::ends_with),
    ("uniquestring", 1, usize::MAX, All, text::unique_string),
    ("guid", 1, usize::MAX, All, text::guid),
    ("newguid", 0, 0, All, text::new_guid),
    ("base64", 1, 1, Strict, encode::base64),
    ("base64tostring", 1, 1, Strict, encode::base64_to_string),
    ("base64tojson", 1, 1, Strict, encode::base64_to_json),
    ("datauri", 1, 1, Strict, encode::data_uri),
    ("datauritostring", 1, 1, Strict, encode::data_uri_to_string),
    ("uri", 2, 2, All, encode::uri),
    ("uricomponent", 1, 1, Strict, encode::uri_component),
    ("uricomponenttostring", 1, 1, Strict, encode::uri_component_to_string),
    ("parsecidr", 1, 1, Strict, cidr::parse),
    ("cidrsubnet", 3, 3, Strict, cidr::subnet),
    ("cidrhost", 2, 2, Strict, cidr::host),
    ("utcnow", 0, 1, All, date::now),
    ("datetimeadd", 2, 3, Strict, date::add),
    ("datetimefromepoch", 1, 1, Strict, date::from_epoch),
    ("datetimetoepoch", 1, 1, Strict, date::to_epoch),
];

/// Where each function stands in the table.
static INDEX: LazyLock<HashMap<&'static str, usize, foldhash::fast::RandomState>> = LazyLock::new(|| {
    FUNCTIONS
        .iter()
        .enumerate()
        .map(|(at, (name, ..))| (*name, at))
        .collect()
});

/// The names of all of them, for documents and tests.
#[cfg(test)]
fn names() -> impl Iterator<Item = &'static str> {
    FUNCTIONS.iter().map(|(name, ..)| *name)
}

/// Calls the function; `None`: there is none of this name.
pub(super) fn call(name: &str, values: &[Value]) -> Option<Outcome> {
    let (name, fewest, most, meets, function) = FUNCTIONS.get(*INDEX.get(name)?)?;
    if !(*fewest..=*most).contains(&values.len()) {
        return Some(Err(Fault::new(format!(
            "`{name}` does not take {} arguments",
            values.len()
        ))));
    }
    let open = match meets {
        Strict => values.iter().find_map(Value::open),
        Elements => values.iter().find_map(Value::as_unknown),
        All => None,
    };
    let arguments = Arguments { name, values };
    Some(match open {
        Some(unknown) => Ok(arguments.unknown(unknown)),
        None => function(&arguments),
    })
}

/// The evaluated arguments of one call.
struct Arguments<'v> {
    name: &'static str,
    values: &'v [Value],
}

impl Arguments<'_> {
    fn get(&self, at: usize) -> Result<&Value, Fault> {
        let missing = || Fault::new(format!("`{}` misses an argument", self.name));
        self.values.get(at).ok_or_else(missing)
    }

    /// What the call gives where an unknown decides: named by the call, so that equal calls are equal.
    fn unknown(&self, unknown: &Unknown) -> Value {
        let shown: Vec<String> = self.values.iter().map(shown).collect();
        let text = shown.join(",");
        let symbol = if text.len() <= 60 && !text.contains('/') {
            format!("{{{}({text})}}", self.name)
        } else {
            format!("{{{}#{}}}", self.name, digest(&text))
        };
        unknown.derived(symbol).into()
    }

    fn wrong(&self, at: usize, expected: &str) -> Fault {
        let is = self.values.get(at).map_or("missing", Value::describe);
        Fault::new(format!(
            "argument {} of `{}` is {is}, not {expected}",
            at + 1,
            self.name
        ))
    }

    fn text(&self, at: usize) -> Result<&str, Fault> {
        match &self.get(at)?.kind {
            Kind::Text(text) => Ok(text),
            _ => Err(self.wrong(at, "a string")),
        }
    }

    fn int(&self, at: usize) -> Result<i64, Fault> {
        match &self.get(at)?.kind {
            Kind::Int(value) => Ok(*value),
            _ => Err(self.wrong(at, "a whole number")),
        }
    }

    fn list(&self, at: usize) -> Result<&[Value], Fault> {
        self.get(at)?.as_list().ok_or_else(|| self.wrong(at, "an array"))
    }

    /// A text that was made, unless it is too long to go on with.
    fn made(&self, text: String) -> Outcome {
        if text.len() > LONGEST {
            let message = format!("`{}` makes a string longer than {LONGEST} bytes", self.name);
            return Err(Fault::new(message));
        }
        Ok(text.into())
    }
}

fn shown(value: &Value) -> String {
    match value.name() {
        Some(name) => name.to_string(),
        None => value.json(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_name_stands_once_in_lower_case() {
        let set: BTreeSet<&str> = names().collect();
        assert_eq!(set.len(), FUNCTIONS.len());
        assert!(names().all(|name| name.chars().all(|c| !c.is_ascii_uppercase())));
    }
}
