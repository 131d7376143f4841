//! The files that a SARIF log names, as safe URIs, and the places in them.

use std::collections::HashMap;
use std::fmt::Write as _;

use crate::report::Report;
use crate::report::sarif::log::{Artifact, ArtifactLocation, PhysicalLocation, Region};
use crate::source::Location;

/// What relative paths are relative to: the directory in which the scan ran. GitHub takes it for the repository.
pub const BASE: &str = "%SRCROOT%";

struct File {
    uri: String,
    base: Option<&'static str>,
}

/// Every file that the report names, once, in the order of first mention.
pub struct Artifacts<'r> {
    files: Vec<File>,
    index: HashMap<&'r str, usize>,
}

impl<'r> Artifacts<'r> {
    pub fn of(report: &'r Report) -> Self {
        let mut artifacts = Artifacts {
            files: Vec::new(),
            index: HashMap::new(),
        };
        named_files(report).for_each(|file| artifacts.add(file));
        artifacts
    }

    fn add(&mut self, file: &'r str) {
        if !file.is_empty() && !self.index.contains_key(file) {
            self.index.insert(file, self.files.len());
            self.files.push(File::of(file));
        }
    }

    pub fn list(&self) -> impl Iterator<Item = Artifact<'_>> {
        self.files.iter().enumerate().map(|(index, file)| Artifact {
            location: file.at(index),
            roles: ["analysisTarget"],
        })
    }

    /// The file as a whole.
    pub fn whole(&self, file: &str) -> Option<PhysicalLocation<'_>> {
        let index = *self.index.get(file)?;
        let artifact_location = self.files.get(index)?.at(index);
        Some(PhysicalLocation {
            artifact_location,
            region: None,
        })
    }

    /// A place in a file.
    pub fn place(&self, location: &Location) -> Option<PhysicalLocation<'_>> {
        Some(PhysicalLocation {
            region: region(location),
            ..self.whole(&location.file)?
        })
    }
}

impl File {
    fn of(path: &str) -> Self {
        match absolute(path) {
            Some(path) => File {
                uri: format!("file://{}", encode(&path, b"/:")),
                base: None,
            },
            None => File {
                uri: encode(&relative(path), b"/"),
                base: Some(BASE),
            },
        }
    }

    fn at(&self, index: usize) -> ArtifactLocation<'_> {
        ArtifactLocation {
            uri: &self.uri,
            uri_base_id: self.base,
            index,
        }
    }
}

fn named_files(report: &Report) -> impl Iterator<Item = &str> {
    let findings = report.findings.iter().flat_map(|finding| {
        let evidence = finding
            .evidence
            .iter()
            .filter_map(|evidence| evidence.location.as_ref());
        finding.subject.location.iter().chain(evidence)
    });
    let ports = report
        .machines
        .iter()
        .flat_map(|machine| &machine.paths)
        .flat_map(|path| path.ports.iter());
    let deciders = ports
        .flat_map(|port| &port.deciders)
        .filter_map(|decider| decider.location.as_ref());
    let diagnostics = report
        .diagnostics
        .iter()
        .filter_map(|diagnostic| diagnostic.location.as_ref());
    let places = findings
        .chain(deciders)
        .chain(diagnostics)
        .map(|location| &*location.file);
    places.chain(report.scan.inputs.iter().map(String::as_str))
}

/// Zero is no line and no column: SARIF counts from one.
pub fn region(location: &Location) -> Option<Region> {
    let positive = |number: u32| (number > 0).then_some(number);
    let start_line = positive(location.line)?;
    let ends = location.end_line >= location.line;
    Some(Region {
        start_line,
        start_column: positive(location.column),
        end_line: ends.then_some(location.end_line),
        end_column: if ends { positive(location.end_column) } else { None },
    })
}

/// The path with a leading slash, when it is absolute on Unix or has a drive letter.
fn absolute(path: &str) -> Option<String> {
    let mut characters = path.chars();
    let drive = characters.next().is_some_and(|c| c.is_ascii_alphabetic())
        && characters.next() == Some(':')
        && characters.next().is_some_and(|c| matches!(c, '/' | '\\'));
    match drive {
        true => Some(format!("/{}", path.replace('\\', "/"))),
        false => path
            .starts_with('/')
            .then(|| format!("/{}", path.trim_start_matches('/'))),
    }
}

fn relative(path: &str) -> String {
    let path = if cfg!(windows) {
        path.replace('\\', "/")
    } else {
        path.to_owned()
    };
    let mut rest = path.as_str();
    while let Some(shorter) = rest.strip_prefix("./") {
        rest = shorter.trim_start_matches('/');
    }
    if rest.is_empty() {
        ".".to_owned()
    } else {
        rest.to_owned()
    }
}

/// Percent-encodes all but the unreserved characters (RFC 3986) and those given, so no name can pose as a scheme,
/// a query or a fragment.
fn encode(path: &str, keep: &[u8]) -> String {
    let mut out = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            _ if keep.contains(&byte) => out.push(char::from(byte)),
            _ => {
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_names_become_uris() {
        let uri = |path: &str| {
            let file = File::of(path);
            (file.uri, file.base.is_some())
        };
        assert_eq!(uri("infra/main.tf"), ("infra/main.tf".to_owned(), true));
        assert_eq!(uri("./infra/main.tf"), ("infra/main.tf".to_owned(), true));
        assert_eq!(uri("a b/ü#?.tf"), ("a%20b/%C3%BC%23%3F.tf".to_owned(), true));
        assert_eq!(
            uri("javascript:alert(1)"),
            ("javascript%3Aalert%281%29".to_owned(), true)
        );
        assert_eq!(uri("/etc/x y.json"), ("file:///etc/x%20y.json".to_owned(), false));
        assert_eq!(uri("//host/x"), ("file:///host/x".to_owned(), false));
        assert_eq!(uri(r"C:\x\y.tf"), ("file:///C:/x/y.tf".to_owned(), false));
        assert_eq!(uri("./"), (".".to_owned(), true));
    }
}
