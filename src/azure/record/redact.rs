//! Pseudonyms: names and addresses are replaced, the same by the same, so that a snapshot can be shown to others. What
//! findings depend on is kept: references, which address lies in which prefix, which part of the address space it is of,
//! and words of Azure. Whatever is not known to be such a word is replaced.

mod addresses;
mod words;

use aws_lc_rs::hmac;
use serde_json::{Map, Value};

/// The keys of one recording, made at random and kept nowhere.
pub struct Redaction {
    key: hmac::Key,
}

impl Redaction {
    pub fn new() -> Result<Self, &'static str> {
        let mut key = [0; 32];
        aws_lc_rs::rand::fill(&mut key).map_err(|_| "no random numbers for pseudonyms")?;
        Ok(Redaction {
            key: hmac::Key::new(hmac::HMAC_SHA256, &key),
        })
    }

    fn digest(&self, kind: &str, text: &str) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(kind.as_bytes());
        context.update(&[0]);
        context.update(text.as_bytes());
        let mut digest = [0; 32];
        let tag = context.sign();
        for (to, from) in digest.iter_mut().zip(tag.as_ref()) {
            *to = *from;
        }
        digest
    }

    /// The header of a snapshot: subscriptions under their pseudonyms.
    pub fn header(&self, header: Value) -> Value {
        self.value("", header)
    }

    /// One resource.
    pub fn row(&self, row: Value) -> Value {
        self.value("", row)
    }

    fn value(&self, name: &str, value: Value) -> Value {
        match value {
            Value::Object(members) if name.eq_ignore_ascii_case("tags") => self.tags(members),
            Value::Object(members) => {
                let members = members.into_iter().map(|(key, value)| {
                    let key_shown = if key.starts_with('/') {
                        self.text("id", &key)
                    } else {
                        key.clone()
                    };
                    (key_shown, self.value(&key, value))
                });
                Value::Object(members.collect())
            }
            Value::Array(items) => Value::Array(items.into_iter().flat_map(|item| self.item(name, item)).collect()),
            Value::String(text) => Value::from(self.text(name, &text)),
            other => other,
        }
    }

    /// An item of a list; a range of addresses becomes the prefixes that it is made of.
    fn item(&self, name: &str, item: Value) -> Vec<Value> {
        match &item {
            Value::String(text) => match addresses::range(text) {
                Some(prefixes) => prefixes
                    .iter()
                    .filter_map(|prefix| self.address(prefix))
                    .map(Value::from)
                    .collect(),
                None => vec![self.value(name, item)],
            },
            _ => vec![self.value(name, item)],
        }
    }

    fn tags(&self, members: Map<String, Value>) -> Value {
        let members = members.into_iter().map(|(key, value)| {
            let value = value.as_str().map_or(Value::Null, |text| Value::from(self.name(text)));
            // Rules ask for some tags by name and value.
            if words::is_telling_tag(&key) {
                (key, value)
            } else {
                (self.name(&key), value)
            }
        });
        Value::Object(members.collect())
    }

    /// A text of a member with a name.
    fn text(&self, name: &str, text: &str) -> String {
        if text.is_empty() || words::is_kept_member(name) {
            return text.to_owned();
        }
        if text.starts_with('/') {
            return self.path(text);
        }
        if let Some(address) = self.address(text) {
            return address;
        }
        if words::is_word(name, text) {
            return text.to_owned();
        }
        if name.eq_ignore_ascii_case("reason") || name.eq_ignore_ascii_case("lost") {
            // The sentence may name resources; what it is about stands beside it.
            return text.split(':').next().unwrap_or_default().to_owned();
        }
        if is_guid(text) {
            self.guid(text)
        } else {
            self.name(text)
        }
    }

    /// A resource id: every name in it, and no type.
    fn path(&self, path: &str) -> String {
        let mut shown = Vec::new();
        let mut before = "";
        let mut is_name = false;
        for segment in path.split('/') {
            let replaced = if is_name {
                self.segment(before, segment)
            } else {
                segment.to_owned()
            };
            // After `providers` comes a namespace, which is no name, and then types and names again.
            let opens_namespace = !is_name && segment.eq_ignore_ascii_case("providers");
            if opens_namespace {
                shown.push(replaced);
                before = "providers";
                is_name = true;
                continue;
            }
            is_name = if before == "providers" && is_name {
                false
            } else {
                !is_name && !segment.is_empty()
            };
            before = segment;
            shown.push(replaced);
        }
        shown.join("/")
    }

    fn segment(&self, before: &str, segment: &str) -> String {
        match before.to_ascii_lowercase().as_str() {
            // The namespace behind `providers`, a region, a plan, a recommendation.
            "providers" | "locations" | "pricings" | "assessments" => segment.to_owned(),
            _ if is_guid(segment) => self.guid(segment),
            _ => self.name(segment),
        }
    }

    /// A name; those that mean something to Azure stay.
    fn name(&self, text: &str) -> String {
        if words::is_known_name(text) || text.bytes().all(|byte| byte.is_ascii_digit()) {
            return text.to_owned();
        }
        let lower = text.to_ascii_lowercase();
        let digest = self.digest("name", &lower);
        let hex: String = digest.iter().take(5).map(|byte| format!("{byte:02x}")).collect();
        match words::jit_rule(text) {
            Some(rule) => self.jit_rule(&rule, &digest),
            None => format!("n{hex}"),
        }
    }

    /// The name of a rule of just-in-time access keeps its form, by which it is known.
    fn jit_rule(&self, rule: &words::JitRule<'_>, digest: &[u8]) -> String {
        let hex: String = digest.iter().take(16).map(|byte| format!("{byte:02X}")).collect();
        let number: u32 = digest
            .iter()
            .rev()
            .take(3)
            .fold(0, |number, byte| (number << 8) | u32::from(*byte));
        let words::JitRule { start, separator, sign } = rule;
        format!("{start}{separator}{sign}{number}{separator}{hex}")
    }

    fn guid(&self, text: &str) -> String {
        let hex: String = self
            .digest("guid", &text.to_ascii_lowercase())
            .iter()
            .take(16)
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
        format!(
            "{}-{}-{}-{}-{}",
            part(0, 8),
            part(8, 12),
            part(12, 16),
            part(16, 20),
            part(20, 32)
        )
    }
}

fn is_guid(text: &str) -> bool {
    let parts: Vec<usize> = text.split('-').map(str::len).collect();
    parts == [8, 4, 4, 4, 12] && text.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit())
}
