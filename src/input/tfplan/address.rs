//! Addresses and references as Terraform writes them: `module.net["a"].azurerm_subnet.web[0].id`.

/// One step of an address: a name, and the key behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    pub name: String,
    /// As written between the brackets, without quotes; `*` for a splat.
    pub key: Option<String>,
}

/// The steps of an address. Dots and brackets within quotes belong to a key.
pub fn steps(text: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(['.', '[']).unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        let mut step = Step {
            name: name.to_owned(),
            key: None,
        };
        rest = after;
        if let Some(inside) = rest.strip_prefix('[') {
            let (key, after) = key(inside);
            step.key = Some(key);
            rest = after;
        }
        if !step.name.is_empty() || step.key.is_some() {
            steps.push(step);
        }
        rest = rest.strip_prefix('.').unwrap_or(rest);
    }
    steps
}

/// The key up to the closing bracket, and what follows.
fn key(text: &str) -> (String, &str) {
    let mut quoted = false;
    let mut escaped = false;
    for (at, char) in text.char_indices() {
        match char {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            ']' if !quoted => {
                let (key, after) = text.split_at(at);
                return (unquoted(key), after.strip_prefix(']').unwrap_or(after));
            }
            _ => {}
        }
    }
    (unquoted(text), "")
}

fn unquoted(key: &str) -> String {
    let inside = key.strip_prefix('"').and_then(|key| key.strip_suffix('"'));
    inside.map_or_else(|| key.to_owned(), |key| key.replace("\\\"", "\"").replace("\\\\", "\\"))
}

/// An address apart: the modules, and the rest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Address {
    /// The calls that lead to it, each with its key.
    pub modules: Vec<Step>,
    pub rest: Vec<Step>,
}

impl Address {
    pub fn parse(text: &str) -> Address {
        let mut modules = Vec::new();
        let mut all = steps(text).into_iter().peekable();
        while all
            .peek()
            .is_some_and(|step| step.name == "module" && step.key.is_none())
        {
            all.next();
            modules.extend(all.next());
        }
        Address {
            modules,
            rest: all.collect(),
        }
    }

    /// The key of the resource itself.
    pub fn key(&self) -> Option<&str> {
        self.rest.last().and_then(|step| step.key.as_deref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_hide_what_they_hold() {
        let address = Address::parse(r#"module.net["a.b]"].module.x.azurerm_subnet.web["c\"d"].id"#);
        let names: Vec<&str> = address.modules.iter().map(|step| &*step.name).collect();
        assert_eq!(names, ["net", "x"]);
        assert_eq!(address.modules[0].key.as_deref(), Some("a.b]"));
        assert_eq!(address.rest[1].key.as_deref(), Some("c\"d"));
        assert_eq!(address.rest[2].name, "id");
    }

    #[test]
    fn odd_texts_end() {
        for text in ["", ".", "[", "a[", "a[\"", "module", "module.", "a..b", "a[0][1].c"] {
            Address::parse(text);
        }
        assert_eq!(steps("a[*].b")[0].key.as_deref(), Some("*"));
    }
}
