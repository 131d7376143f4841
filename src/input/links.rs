//! Which file uses which: templates and what they link, modules, values. Knows names only.

use std::collections::{BTreeMap, BTreeSet};

use super::arm::normal;

/// Files by name, each with those that it uses.
#[derive(Clone, Debug, Default)]
pub struct Links {
    uses: BTreeMap<String, BTreeSet<String>>,
}

impl Links {
    pub fn add(&mut self, from: &str, to: &str) {
        self.uses.entry(normal(from)).or_default().insert(normal(to));
    }

    /// The changed files, those that use them, however far, and those that are used by any of these.
    pub fn touched_by(&self, changed: &BTreeSet<String>) -> BTreeSet<String> {
        let mut touched: BTreeSet<String> = changed.iter().map(|name| normal(name)).collect();
        self.spread(&mut touched, |from, to| (to, from));
        self.spread(&mut touched, |from, to| (from, to));
        touched
    }

    /// Follows links from what is touched until nothing is added.
    fn spread<'l>(&'l self, touched: &mut BTreeSet<String>, direct: fn(&'l str, &'l str) -> (&'l str, &'l str)) {
        loop {
            let before = touched.len();
            for (from, uses) in &self.uses {
                for to in uses {
                    let (cause, effect) = direct(from, to);
                    if touched.contains(cause) {
                        touched.insert(effect.to_owned());
                    }
                }
            }
            if touched.len() == before {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_touches_what_uses_it_and_what_that_uses() {
        let mut links = Links::default();
        links.add("a/main.json", "a/parts/net.json");
        links.add("a/main.json", "./a/parts/vm.json");
        links.add("b/main.json", "b/net.json");
        let touched = links.touched_by(&BTreeSet::from(["a/parts/net.json".to_owned()]));
        assert_eq!(
            touched.into_iter().collect::<Vec<_>>(),
            ["a/main.json", "a/parts/net.json", "a/parts/vm.json"]
        );
    }
}
