//! Which file uses which: templates and what they link, modules, values, contents. Knows names only.

use std::collections::{BTreeMap, BTreeSet};

use super::arm::normal;

/// Files by name, each with those that it uses.
#[derive(Clone, Debug, Default)]
pub struct Links {
    uses: BTreeMap<String, BTreeSet<String>>,
    /// Directories whose files are one text to their notation, by what the names of such files end with.
    joined: BTreeMap<String, &'static [&'static str]>,
    /// Who asks which files there are below a directory, by that directory.
    listed: BTreeMap<String, BTreeSet<String>>,
}

impl Links {
    pub fn add(&mut self, from: &str, to: &str) {
        self.uses.entry(normal(from)).or_default().insert(normal(to));
    }

    /// Notes that the files of a directory with these ends of names are one text, also one that is not there any more.
    pub fn join(&mut self, directory: &str, endings: &'static [&'static str]) {
        self.joined.insert(normal(directory), endings);
    }

    /// Notes that a file depends on which files there are below a directory.
    pub fn list(&mut self, from: &str, directory: &str) {
        self.listed.entry(normal(directory)).or_default().insert(normal(from));
    }

    fn listing<'l>(&'l self, name: &'l str) -> impl Iterator<Item = &'l String> {
        let below = move |(directory, _): &(&String, _)| {
            let rest = name.strip_prefix(directory.as_str());
            rest.is_some_and(|rest| directory.is_empty() || rest.starts_with('/'))
        };
        self.listed.iter().filter(below).flat_map(|(_, users)| users)
    }

    /// The directory that a file is a part of, which stands for all files in it: no file has the name of a directory.
    fn part_of(&self, name: &str) -> Option<String> {
        let directory = name.rsplit_once('/').map_or("", |(directory, _)| directory);
        let endings = self.joined.get(directory)?;
        let lower = name.to_ascii_lowercase();
        endings
            .iter()
            .any(|ending| lower.ends_with(ending))
            .then(|| directory.to_owned())
    }

    /// The changed files, those that use them, however far, and those that are used by any of these.
    pub fn touched_by(&self, changed: &BTreeSet<String>) -> BTreeSet<String> {
        let mut touched: BTreeSet<String> = changed.iter().map(|name| normal(name)).collect();
        let parts = touched.iter().filter_map(|name| self.part_of(name));
        let listing = touched.iter().flat_map(|name| self.listing(name).cloned());
        let first: Vec<String> = parts.chain(listing).collect();
        touched.extend(first);
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

    #[test]
    fn a_file_that_is_gone_touches_the_directory_that_it_was_a_part_of() {
        let mut links = Links::default();
        for directory in ["", "net", "other"] {
            links.join(directory, &[".tf"]);
            links.add(directory, &format!("{directory}/main.tf"));
        }
        links.add("", "net");
        links.list("net", "rules");
        let touched = |name: &str| links.touched_by(&BTreeSet::from([name.to_owned()]));
        let of_module = touched("net/gone.tf");
        assert!(of_module.contains("main.tf") && of_module.contains("net/main.tf"));
        assert!(!of_module.contains("other/main.tf"));
        assert!(!touched("net/readme.md").contains("net/main.tf"));
        assert!(touched("rules/deep/gone.yaml").contains("net/main.tf"));
        assert!(!touched("rules-of-others/x.yaml").contains("net/main.tf"));
    }
}
