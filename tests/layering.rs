//! The house plan, enforced: who may use whom, and who may touch files, the clock, the environment and the network.
#![expect(clippy::expect_used, reason = "a source file that cannot be read fails the test")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Each module of the crate with the modules that it may use.
const LAYERS: &[(&str, &[&str])] = &[
    ("source", &[]),
    ("net", &[]),
    ("intern", &[]),
    ("model", &["source", "net"]),
    // A syntax says why a value is unknown in the words of the model.
    ("syntax", &["source", "net", "model"]),
    ("input", &["source", "net", "model", "syntax"]),
    // Answers carry the place of the rules that decide.
    ("exposure", &["source", "net", "model"]),
    // Beside `exposure` and never upon it: each is the other's proof.
    ("trace", &["source", "net", "model"]),
    ("rule", &["source", "net", "intern", "model", "exposure"]),
    // Two judged estates, compared; the writers write what it finds.
    ("diff", &["source", "net", "model", "exposure", "rule"]),
    // The databases, and the shapes that they keep and give; see `writers_know_only_the_shapes_of_the_history`.
    ("history", &["source", "net", "model", "exposure", "rule"]),
    (
        "report",
        &[
            "source", "net", "intern", "model", "exposure", "trace", "rule", "diff", "history",
        ],
    ),
    // Tells people what a history says has changed.
    ("notify", &["rule", "history", "report"]),
    // A plan is proved on documents that are changed in a copy and read again by the one decoder.
    (
        "remedy",
        &["source", "net", "model", "syntax", "input", "exposure", "rule"],
    ),
    // Just-in-time access as people use it: documents, judged estates, plans and the shapes that reports share.
    (
        "jit",
        &[
            "source", "net", "model", "input", "exposure", "rule", "report", "remedy",
        ],
    ),
    (
        "azure",
        &[
            "source", "net", "model", "syntax", "input", "exposure", "rule", "remedy",
        ],
    ),
    (
        "sandbox",
        &[
            "source", "net", "model", "syntax", "input", "exposure", "rule", "remedy",
        ],
    ),
    ("verify", &["source", "net", "model", "exposure"]),
    // The pipeline joins the stages.
    ("example", &["source", "net", "model", "input", "exposure", "rule"]),
    (
        "scan",
        &[
            "source", "net", "intern", "model", "input", "exposure", "rule", "diff", "report",
        ],
    ),
    (
        "cli",
        &[
            "source", "net", "intern", "model", "syntax", "input", "exposure", "trace", "rule", "report", "remedy",
            "history", "notify", "azure", "sandbox", "example", "diff", "scan", "verify", "jit",
        ],
    ),
];

/// What only [`WORLDLY`] modules may name.
const WORLD: &[&str] = &[
    "std::fs",
    "std::env",
    "std::process",
    "std::net::Tcp",
    "std::net::Udp",
    "std::thread::sleep",
    "SystemTime",
    "Instant::now",
    "Timestamp::now",
    "Zoned::now",
    "File::open",
    "File::create",
    "io::stdin",
    "io::stdout",
    "io::stderr",
    "println!",
    "print!(",
    "dbg!",
];

/// Modules and files that do input and output, read the clock or the environment.
const WORLDLY: &[&str] = &[
    "cli",
    "azure",
    "sandbox",
    "history",
    "notify",
    "remedy/journal",
    "remedy/journal.rs",
    "main.rs",
];

#[test]
fn modules_use_only_what_lies_below_them() {
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let module = module_of(&path);
        let Some((_, allowed)) = LAYERS.iter().find(|(name, _)| *name == module) else {
            if module != "lib" && module != "main" {
                wrong.push(format!(
                    "{}: `{module}` has no layer; give it a line in `LAYERS`",
                    path.display()
                ));
            }
            continue;
        };
        for (line, used) in uses(&text, is_root(&path)) {
            if used != module && !allowed.contains(&used.as_str()) {
                wrong.push(format!("{}:{line}: `{module}` must not use `{used}`", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// A writer may be given what the history says, and never asks a database itself.
#[test]
fn writers_know_only_the_shapes_of_the_history() {
    let mut wrong = Vec::new();
    for (path, text) in sources().into_iter().filter(|(path, _)| module_of(path) == "report") {
        for (line, code) in code_lines(&text) {
            let named = code.split("crate::history::").skip(1);
            let shapes = ["model", "moment", "statistics"];
            if named.into_iter().any(|rest| !shapes.contains(&&*identifier(rest))) {
                wrong.push(format!("{}:{line}: more than shapes of the history", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn layers_have_no_cycles() {
    let mut below: BTreeSet<&str> = BTreeSet::new();
    for (name, allowed) in LAYERS {
        let missing: Vec<_> = allowed.iter().filter(|used| !below.contains(*used)).collect();
        assert!(
            missing.is_empty(),
            "`{name}` uses {missing:?}, which do not lie below it"
        );
        below.insert(name);
    }
}

#[test]
fn only_the_edges_touch_the_world() {
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let inside = path
            .strip_prefix(root())
            .unwrap_or(&path)
            .to_string_lossy()
            .replace('\\', "/");
        if WORLDLY
            .iter()
            .any(|worldly| inside == *worldly || inside.starts_with(&format!("{worldly}/")))
        {
            continue;
        }
        for (line, code) in code_lines(&text) {
            for word in WORLD.iter().filter(|word| code.contains(*word)) {
                wrong.push(format!(
                    "{}:{line}: `{word}` outside the edges of the program",
                    path.display()
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn uses_are_found_in_every_form() {
    let text =
        "use crate::a::B;\nuse crate::{c, d::E, f};\nfn g() { crate::h::i() } // crate::j\npub(crate) fn k() {}\n";
    let found: Vec<String> = uses(text, false).into_iter().map(|(_, name)| name).collect();
    assert_eq!(found, ["a", "c", "d", "f", "h"]);
    let from_root: Vec<String> = uses("use super::{l, m::N};\n", true)
        .into_iter()
        .map(|(_, name)| name)
        .collect();
    assert_eq!(from_root, ["l", "m"]);
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// Every source file with its text.
fn sources() -> Vec<(PathBuf, String)> {
    let mut files = Vec::new();
    let mut directories = vec![root()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(&directory).expect("the directory can be read") {
            let path = entry.expect("the entry can be read").path();
            // Unit tests in files of their own may use what they like.
            if path.is_dir() && !path.ends_with("tests") {
                directories.push(path);
            } else if path.is_file() && path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).expect("the file can be read");
                files.push((path, text));
            }
        }
    }
    files.sort();
    files
}

/// The first segment below `src`.
fn module_of(path: &Path) -> String {
    let inside = path.strip_prefix(root()).unwrap_or(path);
    let first = inside
        .components()
        .next()
        .map(|part| part.as_os_str().to_string_lossy().into_owned());
    first.unwrap_or_default().trim_end_matches(".rs").to_owned()
}

/// Whether `super` means the crate in this file.
fn is_root(path: &Path) -> bool {
    let inside = path.strip_prefix(root()).unwrap_or(path);
    let depth = inside.components().count();
    depth == 1 || (depth == 2 && inside.ends_with("mod.rs"))
}

/// Lines with their numbers, without comments and without the unit tests at the end of a file.
fn code_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let code = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
    (1..)
        .zip(code.lines())
        .map(|(number, line)| (number, line.split("//").next().unwrap_or_default()))
}

/// The modules of the crate that a text names, with line numbers.
fn uses(text: &str, super_is_crate: bool) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let code: Vec<(usize, &str)> = code_lines(text).collect();
    for (at, (number, line)) in code.iter().enumerate() {
        let prefixes: &[&str] = if super_is_crate {
            &["crate::", "super::"]
        } else {
            &["crate::"]
        };
        for prefix in prefixes {
            for (start, _) in line.match_indices(prefix) {
                let rest = line.get(start + prefix.len()..).unwrap_or_default();
                if rest.starts_with('{') {
                    let following = code.iter().skip(at + 1).map(|(_, line)| *line);
                    let whole = std::iter::once(rest).chain(following).collect::<Vec<_>>().join(" ");
                    found.extend(group(&whole).into_iter().map(|name| (*number, name)));
                } else {
                    found.push((*number, identifier(rest)));
                }
            }
        }
    }
    found.retain(|(_, name)| !name.is_empty() && name.starts_with(|first: char| first.is_ascii_lowercase()));
    found
}

/// The names at the top of `{a, b::{c, d}, e}`.
fn group(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut depth = 0;
    let mut fresh = false;
    for (at, character) in text.char_indices() {
        match character {
            '{' => {
                depth += 1;
                fresh = depth == 1;
            }
            '}' => {
                depth -= 1;
                if depth == 0 {
                    return names;
                }
            }
            ',' => fresh = depth == 1,
            character if fresh && character.is_ascii_alphabetic() => {
                names.push(identifier(text.get(at..).unwrap_or_default()));
                fresh = false;
            }
            _ => {}
        }
    }
    names
}

fn identifier(text: &str) -> String {
    text.chars()
        .take_while(|character| character.is_ascii_alphanumeric() || *character == '_')
        .collect()
}
