//! Modules that `terraform init` downloaded, and whether one of them is still what a call asks for: Terraform itself
//! refuses to go on with one that is not, and another revision of a repository may ask for another.

/// One entry of `.terraform/modules/modules.json`.
#[derive(Clone, Debug, Default)]
pub struct Downloaded {
    pub directory: String,
    /// As Terraform writes it out; empty where the manifest does not say it.
    pub source: String,
    /// Of a registry.
    pub version: String,
}

impl Downloaded {
    /// Whether it is what a call with this source and this constraint on the version means.
    pub fn suits(&self, source: &str, constraint: Option<&str>) -> bool {
        let same_source = self.source.is_empty() || plain(source) == plain(&self.source);
        let fits = match (constraint, Version::parse(&self.version)) {
            (Some(constraint), Some(version)) => version.fits(constraint),
            _ => true,
        };
        same_source && fits
    }

    pub fn shown(&self) -> String {
        let space = if self.version.is_empty() { "" } else { " " };
        format!("`{}{space}{}`", self.source, self.version)
    }
}

/// A source without what Terraform adds when it writes it out, or people leave out.
fn plain(source: &str) -> String {
    let lower = source.to_ascii_lowercase();
    let (path, query) = lower.split_once('?').unwrap_or((&lower, ""));
    let mut path = path.to_owned();
    for prefix in [
        "git::",
        "https://",
        "http://",
        "ssh://",
        "git@",
        "registry.terraform.io/",
        "registry.opentofu.org/",
    ] {
        path = path.strip_prefix(prefix).unwrap_or(&path).to_owned();
    }
    let path = path.replace(".git", "").replace(':', "/").replace("//", "/");
    format!("{}?{query}", path.trim_end_matches('/'))
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Version {
    numbers: Vec<u64>,
    /// Before a release of the same numbers; what is empty is the release itself.
    before: Option<String>,
}

impl Version {
    fn parse(text: &str) -> Option<Version> {
        let text = text.trim().trim_start_matches('v');
        let text = text.split('+').next().unwrap_or(text);
        let (numbers, before) = match text.split_once('-') {
            Some((numbers, before)) => (numbers, Some(before.to_owned())),
            None => (text, None),
        };
        let numbers: Option<Vec<u64>> = numbers.split('.').map(|part| part.parse().ok()).collect();
        numbers.map(|numbers| Version { numbers, before })
    }

    fn at(&self, place: usize) -> u64 {
        self.numbers.get(place).copied().unwrap_or(0)
    }

    fn numbers(&self) -> [u64; 3] {
        [self.at(0), self.at(1), self.at(2)]
    }

    /// Whether it is within every part of a constraint such as `>= 1.2, < 2.0`. What cannot be read forbids nothing.
    fn fits(&self, constraint: &str) -> bool {
        constraint.split(',').all(|part| self.fits_part(part.trim()))
    }

    fn fits_part(&self, part: &str) -> bool {
        let digits = part
            .find(|c: char| c.is_ascii_digit() || c == 'v')
            .unwrap_or(part.len());
        let (operator, number) = part.split_at(digits);
        let Some(wanted) = Version::parse(number) else {
            return true;
        };
        let (own, other) = (self.numbers(), wanted.numbers());
        let same = own == other && self.before == wanted.before;
        // A version before a release is taken only where it is asked for by name.
        if self.before.is_some() {
            return same;
        }
        match operator.trim() {
            "" | "=" => same,
            "!=" => !same,
            ">" => own > other,
            ">=" => own >= other,
            "<" => own < other,
            "<=" => own <= other,
            "~>" => own >= other && self.agrees(&wanted, wanted.numbers.len().saturating_sub(1).max(1)),
            _ => true,
        }
    }

    fn agrees(&self, other: &Version, places: usize) -> bool {
        (0..places).all(|place| self.at(place) == other.at(place))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn downloaded(source: &str, version: &str) -> Downloaded {
        Downloaded {
            source: source.to_owned(),
            version: version.to_owned(),
            ..Downloaded::default()
        }
    }

    #[test]
    fn a_module_of_a_registry_is_known_by_name_and_version() {
        let module = downloaded("registry.terraform.io/Azure/vnet/azurerm", "4.1.2");
        for (constraint, fits) in [
            ("4.1.2", true),
            ("= 4.1.1", false),
            ("~> 4.0", true),
            ("~> 4.1.0", true),
            ("~> 4.0.0", false),
            ("~> 4", true),
            (">= 3.0, < 4.0", false),
            (">= 3.0, < 5.0", true),
            ("!= 4.1.2", false),
            ("> 4.1.2", false),
            ("<= 4.1.2", true),
        ] {
            assert_eq!(
                module.suits("Azure/vnet/azurerm", Some(constraint)),
                fits,
                "{constraint}"
            );
        }
        assert!(module.suits("Azure/vnet/azurerm", None));
        assert!(!module.suits("Azure/subnet/azurerm", None));
        assert!(!downloaded("registry.terraform.io/a/b/c", "2.0.0-beta").suits("a/b/c", Some(">= 1.0")));
    }

    #[test]
    fn a_module_of_git_is_known_by_its_ref() {
        let module = downloaded("git::https://github.com/contoso/net.git?ref=v2", "");
        assert!(module.suits("github.com/contoso/net?ref=v2", None));
        assert!(module.suits("git::https://github.com/contoso/net.git?ref=v2", None));
        assert!(!module.suits("github.com/contoso/net?ref=v1", None));
        assert!(!module.suits("github.com/contoso/net", None));
        assert!(
            downloaded("git::ssh://git@github.com/contoso/net.git", "").suits("git@github.com:contoso/net.git", None)
        );
        assert!(downloaded("", "").suits("anything", Some("1.0")));
    }
}
