//! Who answers for what is found, as the configuration says. Must not know what an owner is told.

use globset::{GlobBuilder, GlobMatcher};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Who answers for some resources, as `portcullis.yaml` states it.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OwnerRule {
    /// ARM id or name; `*` stands for any characters, case does not matter. A subscription is `/subscriptions/ID/*`.
    pub resource: String,
    /// A person or team, as people are to read it.
    pub owner: String,
}

/// Owners ready to be asked.
#[derive(Clone, Debug, Default)]
pub struct Owners(Vec<(GlobMatcher, String)>);

impl Owners {
    /// # Errors
    /// The resource pattern that is none, with the reason.
    pub fn new(rules: &[OwnerRule]) -> Result<Owners, String> {
        let one = |rule: &OwnerRule| {
            let glob = GlobBuilder::new(&rule.resource).case_insensitive(true).build();
            let glob = glob.map_err(|error| format!("`{}` is not a resource pattern: {error}", rule.resource))?;
            Ok((glob.compile_matcher(), rule.owner.trim().to_owned()))
        };
        rules.iter().map(one).collect::<Result<_, _>>().map(Owners)
    }

    /// The first that fits one of the names.
    pub fn of(&self, names: &[&str]) -> Option<&str> {
        let fits = |glob: &GlobMatcher| names.iter().any(|name| glob.is_match(name));
        let found = self.0.iter().find(|(glob, _)| fits(glob));
        found.map(|(_, owner)| owner.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_that_fits_wins() {
        let rule = |resource: &str, owner: &str| OwnerRule {
            resource: resource.into(),
            owner: owner.into(),
        };
        let owners = Owners::new(&[rule("vm-WEB-*", "web"), rule("/subscriptions/1/*", "platform")]).unwrap();
        let id = "/subscriptions/1/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/vm-web-1";
        assert_eq!(owners.of(&[id, "vm-web-1"]), Some("web"));
        assert_eq!(owners.of(&[id, "other"]), Some("platform"));
        assert_eq!(owners.of(&["/subscriptions/2/x"]), None);
        assert!(Owners::new(&[rule("[", "x")]).is_err());
    }
}
