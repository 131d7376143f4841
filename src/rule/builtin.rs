//! The rules that come with the program: the files of `rules/`, built in. Must not know any of them by name.

use std::sync::LazyLock;

use include_dir::{Dir, include_dir};

use crate::rule::compiled::Rule;
use crate::rule::load::{Loaded, load_all};

static FILES: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/rules");

static LOADED: LazyLock<Loaded> = LazyLock::new(|| load_all(files()));

/// Name and text of each rule file, by name.
pub fn files() -> impl Iterator<Item = (&'static str, &'static str)> {
    let mut files: Vec<(&str, &str)> = FILES
        .files()
        .filter(|file| file.path().extension().is_some_and(|extension| extension == "yaml"))
        .filter_map(|file| Some((file.path().to_str()?, file.contents_utf8()?)))
        .collect();
    files.sort_unstable();
    files.into_iter()
}

/// The built-in rules by file name, loaded when they are first asked for.
pub fn rules() -> &'static [Rule] {
    &LOADED.rules
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::frame;

    #[test]
    fn every_built_in_rule_loads() {
        let render = |(file, text): (&str, &str)| {
            let diagnostics = crate::rule::load::load(file, text).err().unwrap_or_default();
            diagnostics
                .iter()
                .map(|diagnostic| frame::render(diagnostic, text))
                .collect::<Vec<_>>()
        };
        let problems: Vec<String> = files().flat_map(render).collect();
        assert!(problems.is_empty(), "{}", problems.join("\n"));
        assert!(LOADED.diagnostics.is_empty());
        assert_eq!(rules().len(), files().count());
    }

    #[test]
    fn a_rule_is_called_as_its_file() {
        for ((file, _), rule) in files().zip(rules()) {
            assert_eq!(file, format!("{}.yaml", rule.id));
        }
    }
}
