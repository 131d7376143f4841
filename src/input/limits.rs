//! Bounds of the work that a document may cause, each with a name by which it can be set. What is beyond one is said, and
//! unknown.

/// The bounds in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Largest document that is read whole, in bytes.
    pub document_bytes: u64,
    /// Steps that a template may take to evaluate, beside one for each two bytes of its text.
    pub template_steps: u64,
    /// How many templates may be nested in each other.
    pub template_depth: u64,
    /// Rounds of one loop of a template.
    pub loop_rounds: u64,
}

/// One bound: its name, what it bounds, and where it is kept.
pub struct Limit {
    pub name: &'static str,
    pub about: &'static str,
    pub default: u64,
    /// The greatest value that is taken: a stack and a memory are finite.
    pub most: u64,
    field: fn(&mut Limits) -> &mut u64,
}

/// Every bound that can be set.
pub const LIMITS: &[Limit] = &[
    Limit {
        name: "document-bytes",
        about: "bytes of one document; larger estates are recorded as snapshots",
        default: super::DOCUMENT_LIMIT,
        most: 1 << 33,
        field: |limits| &mut limits.document_bytes,
    },
    Limit {
        name: "template-steps",
        about: "steps of the evaluation of one template, beside one for each two bytes of its text",
        default: 2_000_000,
        most: 1 << 40,
        field: |limits| &mut limits.template_steps,
    },
    Limit {
        name: "template-depth",
        about: "templates nested in each other",
        default: 12,
        most: 32,
        field: |limits| &mut limits.template_depth,
    },
    Limit {
        name: "loop-rounds",
        about: "rounds of one loop of a template; Azure allows 800",
        default: 800,
        most: 1_000_000,
        field: |limits| &mut limits.loop_rounds,
    },
];

impl Default for Limits {
    fn default() -> Self {
        let mut limits = Limits {
            document_bytes: 0,
            template_steps: 0,
            template_depth: 0,
            loop_rounds: 0,
        };
        for limit in LIMITS {
            *(limit.field)(&mut limits) = limit.default;
        }
        limits
    }
}

impl Limits {
    /// Takes `NAME=NUMBER`. The error says which names there are, or what is wrong with the number.
    pub fn choose(&mut self, text: &str) -> Result<(), String> {
        let (name, number) = text.split_once('=').unwrap_or((text, ""));
        let Some(limit) = LIMITS.iter().find(|limit| limit.name == name.trim()) else {
            let names: Vec<&str> = LIMITS.iter().map(|limit| limit.name).collect();
            return Err(format!("there is no limit `{name}`; there are {}", names.join(", ")));
        };
        match number.trim().parse::<u64>() {
            Ok(number) if (1..=limit.most).contains(&number) => {
                *(limit.field)(self) = number;
                Ok(())
            }
            _ => Err(format!("`{name}` is a number from 1 to {}, not `{number}`", limit.most)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_set_by_name_within_their_bounds() {
        let mut limits = Limits::default();
        assert_eq!((limits.loop_rounds, limits.template_depth), (800, 12));
        limits.choose("loop-rounds=5").unwrap();
        assert_eq!(limits.loop_rounds, 5);
        for wrong in [
            "loop-rounds",
            "loop-rounds=0",
            "loop-rounds=x",
            "template-depth=33",
            "other=1",
        ] {
            assert!(limits.choose(wrong).is_err(), "{wrong}");
        }
        assert!(limits.choose("other=1").unwrap_err().contains("template-steps"));
    }
}
