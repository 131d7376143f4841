//! Bicep files beside the JSON that the official compiler made of them: the same inventory. The pairs of public collections are
//! no part of this repository; `PORTCULLIS_PAIRS=DIR cargo test --test bicep_templates -- --ignored pairs --nocapture` reads those
//! below a directory, and prints how many agree and where the others differ. The pairs of our own are in `tests/bicep_templates.rs`.
#![expect(clippy::unwrap_used, reason = "a measurement stops where it cannot read")]

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use portcullis::input::arm::normal;
use portcullis::input::{Given, Library, Reading};
use portcullis::syntax::bicep::{StatementKind, parse};
use regex::Regex;
use serde_json::Value;

/// The collection on disk, and published modules as the compiled file holds them.
struct Shelf {
    root: PathBuf,
    modules: HashMap<String, String>,
}

impl Library for Shelf {
    fn content(&self, name: &str) -> Option<Vec<u8>> {
        fs::read(self.root.join(name)).ok()
    }

    fn module(&self, reference: &str) -> Option<(String, Vec<u8>)> {
        let text = self.modules.get(reference)?;
        Some((
            format!("cache/{}/main.json", reference.replace([':', '/'], "_")),
            text.as_bytes().to_vec(),
        ))
    }
}

/// The text of a file and what of other files it uses, with the nested template that was compiled of each.
struct Walk<'r> {
    root: &'r Path,
    files: BTreeMap<String, String>,
    modules: HashMap<String, String>,
}

impl Walk<'_> {
    fn file(&mut self, name: &str, compiled: Option<&Value>) {
        let Ok(text) = fs::read_to_string(self.root.join(name)) else {
            return;
        };
        let text = text.trim_start_matches('\u{feff}').to_owned();
        let known = self.files.insert(name.to_owned(), text.clone()).is_some();
        if known && compiled.is_none() {
            return;
        }
        let directory = name.rsplit_once('/').map_or("", |(directory, _)| directory);
        for statement in parse(&text).statements {
            let (path, nested) = match &statement.kind {
                StatementKind::Module(declaration) => {
                    let nested = compiled.map(|compiled| &compiled["resources"][&declaration.name.text]);
                    (
                        declaration.of.as_text(),
                        nested.map(|nested| &nested["properties"]["template"]),
                    )
                }
                StatementKind::Import { from, .. } => (from.as_text(), None),
                _ => continue,
            };
            let Some(path) = path else { continue };
            let nested = nested.filter(|nested| nested.is_object());
            if ["br:", "br/", "ts:", "ts/"]
                .iter()
                .any(|prefix| path.starts_with(prefix))
            {
                if let Some(nested) = nested {
                    self.modules.insert(path.to_owned(), nested.to_string());
                }
            } else if !self.files.contains_key(&normal(&format!("{directory}/{path}"))) || nested.is_some() {
                self.file(&normal(&format!("{directory}/{path}")), nested);
            }
        }
    }
}

/// What is compared: everything that is stated, without places, the case of ids, and the words and names of unknowns.
fn stated(reading: &Reading) -> Vec<String> {
    let all = &reading.inventory;
    let mut lines: Vec<String> = Vec::new();
    macro_rules! tables {
        ($($table:ident),+) => { $(lines.extend(all.$table.iter().map(|one| format!("{} {one:?}", stringify!($table))));)+ };
    }
    tables!(
        vms,
        nics,
        scale_sets,
        networks,
        nsgs,
        application_security_groups,
        public_ips,
        route_tables,
        load_balancers,
        firewalls,
        firewall_policies,
        rule_collection_groups,
        ip_groups,
        jit_policies,
        bastions
    );
    lines.extend(all.unused.iter().map(|(name, count)| format!("unused {name} {count}")));
    let rules = [
        (r"Place \{[^}]*\}", ""),
        (r#"text: "(?:[^"\\]|\\.)*""#, "text"),
        (r"Why \{ kind: [A-Za-z]+, text \}", "Why"),
        (r"\{[^{} ]*\}", "{}"),
        (r"\{[^{} ]*\}", "{}"),
        (r"\{[^{} ]*\}", "{}"),
        (r"(?i)/resourcegroups/[^/]*main/", "/resourcegroups/main/"),
    ]
    .map(|(pattern, with)| (Regex::new(pattern).unwrap(), with));
    let plain = |line: &String| {
        let line = rules.iter().fold(line.clone(), |line, (rule, with)| {
            rule.replace_all(&line, *with).into_owned()
        });
        line.to_ascii_lowercase()
    };
    lines = lines.iter().map(plain).collect();
    lines.sort();
    lines
}

fn is_whole(reading: &Reading) -> bool {
    let missing = ["module-not-read", "template-not-read", "template-elsewhere"];
    let lost = |code: &str, message: &str| missing.contains(&code) || message.contains("is not among the files given");
    !reading.diagnostics.iter().any(|said| lost(&said.code, &said.message))
}

fn compiled_of(directory: &Path) -> Option<(PathBuf, Value)> {
    ["main.json", "azuredeploy.json"].iter().find_map(|name| {
        let path = directory.join(name);
        let text = fs::read_to_string(&path).ok()?;
        let value: Value = serde_json::from_str(text.trim_start_matches('\u{feff}')).ok()?;
        (value["metadata"]["_generator"]["name"] == "bicep").then_some((path, value))
    })
}

fn directories(root: &Path) -> Vec<PathBuf> {
    let (mut found, mut waiting) = (Vec::new(), vec![root.to_path_buf()]);
    while let Some(directory) = waiting.pop() {
        let entries = fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().path());
        waiting.extend(entries.filter(|path| path.is_dir() && !path.ends_with(".git")));
        if directory.join("main.bicep").is_file() {
            found.push(directory);
        }
    }
    found.sort();
    found
}

#[test]
#[ignore = "reads directories that are not part of the repository"]
#[expect(clippy::print_stdout, reason = "figures for a person who asked")]
fn pairs() {
    let root = PathBuf::from(std::env::var("PORTCULLIS_PAIRS").unwrap());
    let (mut count, mut agree, mut whole, mut whole_agree) = (0, 0, 0, 0);
    for directory in directories(&root) {
        let Some((path, compiled)) = compiled_of(&directory) else {
            continue;
        };
        let shown = directory
            .strip_prefix(&root)
            .unwrap()
            .to_string_lossy()
            .replace('\\', "/");
        let name = normal(&format!("{shown}/main.bicep"));
        let mut walk = Walk {
            root: &root,
            files: BTreeMap::new(),
            modules: HashMap::new(),
        };
        walk.file(&name, Some(&compiled));
        let mut written = Reading::default();
        written.library = Some(Arc::new(Shelf {
            root: root.clone(),
            modules: walk.modules,
        }));
        for (name, text) in &walk.files {
            written.read(name, Given::Found, text.as_bytes());
        }
        written.finish();
        let mut made = Reading::default();
        let text = fs::read(&path).unwrap();
        made.read(&name.replace(".bicep", ".json"), Given::Found, text.as_slice());
        made.finish();
        count += 1;
        let (left, right) = (stated(&written), stated(&made));
        let is_whole = is_whole(&written) && is_whole(&made);
        whole += usize::from(is_whole);
        if left == right {
            agree += 1;
            whole_agree += usize::from(is_whole);
            continue;
        }
        println!("DIFFERS {shown}{}", if is_whole { "" } else { " (not whole)" });
        let differing = left.iter().zip(&right).find(|(left, right)| left != right);
        let (left, right) = differing.map_or((left.last(), right.last()), |(left, right)| (Some(left), Some(right)));
        let (left, right) = (left.map_or("", |line| line), right.map_or("", |line| line));
        let at = left
            .bytes()
            .zip(right.bytes())
            .position(|(a, b)| a != b)
            .unwrap_or(0)
            .saturating_sub(60);
        let part = |text: &str| text.chars().skip(at).take(200).collect::<String>();
        println!("   bicep {}\n   json  {}", part(left), part(right));
    }
    println!("{count} pairs, {agree} agree; {whole} whole, {whole_agree} of these agree");
}
