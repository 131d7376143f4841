//! What a rule file refers to: pages and the controls of frameworks.

use std::sync::Arc;

use serde_yaml::Spanned;

use super::Loader;
use crate::rule::file::StandardsFile;
use crate::rule::standards::{self, FRAMEWORKS};
use crate::rule::standards::{MappedBy, Mapping};
use crate::rule::suggest;

impl Loader<'_> {
    pub(super) fn references(&mut self, written: &[Spanned<String>]) -> Vec<Arc<str>> {
        for reference in written
            .iter()
            .filter(|reference| !reference.value.starts_with("https://"))
        {
            let location = self.document.location(reference);
            self.report(
                "rule-reference",
                "a reference must begin with `https://`",
                None,
                location,
            );
        }
        written.iter().map(|reference| Arc::from(&*reference.value)).collect()
    }

    pub(super) fn standards(&mut self, written: &StandardsFile) -> Vec<Mapping> {
        let mut mappings = Vec::new();
        for (by, entries) in [
            (MappedBy::Microsoft, &written.microsoft),
            (MappedBy::Tool, &written.tool),
        ] {
            for (name, controls) in &entries.0 {
                mappings.extend(self.mapping(by, name, controls));
            }
        }
        mappings
    }

    fn mapping(&mut self, by: MappedBy, name: &Spanned<String>, controls: &[String]) -> Option<Mapping> {
        let Some(framework) = standards::find(&name.value) else {
            let names: Vec<&str> = FRAMEWORKS.iter().map(|framework| framework.name).collect();
            let help = suggest::hint(&name.value, &names, "known frameworks");
            let location = self.document.location(name);
            self.report(
                "rule-standard",
                format!("unknown framework `{}`", name.value),
                Some(help),
                location,
            );
            return None;
        };
        let controls = controls.iter().map(|control| Arc::from(control.as_str())).collect();
        Some(Mapping {
            framework: Arc::from(framework.name),
            title: Arc::from(framework.title),
            controls,
            by,
        })
    }
}
