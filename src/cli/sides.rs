//! The two sides of a comparison: what the user named, and how each is read. A file with values that lies within what is
//! compared is read as it is on that side: a change of it is a part of the change.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Failure;
use super::files::{self, InputFile};
use super::git::{Blob, Repository};
use super::judging::Judging;
use super::library::Shelf;
use super::reading::read_file;
use crate::diff::Ends;
use crate::input::{Given, PlanSide, Reading};
use crate::source::Diagnostic;

/// One side as the user named it.
pub enum Input {
    Path(PathBuf),
    /// A plan says both what is and what will be.
    Plan(PathBuf, PlanSide),
    Commit(String),
    WorkTree,
}

/// Both sides, understood.
pub struct Sides {
    pub repository: Option<Repository>,
    pub base: Input,
    pub head: Input,
    pub ends: Ends,
    /// Of revisions, only these.
    pub paths: Vec<String>,
}

impl Sides {
    /// Two paths, or one plan.
    pub fn of_paths(ends: &[String]) -> Result<Sides, Failure> {
        let named = |name: String| (name, None);
        let (base, head, ends) = match ends {
            [plan] => (
                Input::Plan(PathBuf::from(plan), PlanSide::Before),
                Input::Plan(PathBuf::from(plan), PlanSide::After),
                Ends {
                    base: named(format!("{plan}, before it is applied")),
                    head: named(format!("{plan}, when it is applied")),
                },
            ),
            [base, head] => (
                Input::Path(PathBuf::from(base)),
                Input::Path(PathBuf::from(head)),
                Ends {
                    base: named(base.clone()),
                    head: named(head.clone()),
                },
            ),
            _ => {
                return Err(Failure(
                    "name BASE and HEAD, or one range such as `main..HEAD`".to_owned(),
                ));
            }
        };
        Ok(Sides {
            repository: None,
            base,
            head,
            ends,
            paths: Vec::new(),
        })
    }

    /// From where the configuration is looked for.
    pub fn start(&self) -> PathBuf {
        match (&self.head, &self.repository) {
            (Input::Path(path) | Input::Plan(path, _), _) => path.clone(),
            (_, Some(repository)) => match self.paths.first() {
                Some(path) if Path::new(path).exists() => PathBuf::from(path),
                _ => repository.root.clone(),
            },
            _ => PathBuf::from("."),
        }
    }

    /// Every file with values must be on one side at least, or elsewhere on the disk: else its name is a mistake.
    pub fn check_values(&self, judging: &Judging) -> Result<(), Failure> {
        for path in judging.value_files() {
            if path.is_dir() {
                let shown = path.display();
                return Err(Failure(format!("`{shown}` is a directory; name a file with values")));
            }
            let on_either = [&self.base, &self.head].into_iter().any(|side| {
                let found = self.value(side, path);
                matches!(found, Ok(Value::File(_) | Value::Committed(..)))
            });
            if !on_either {
                return Err(Failure(format!(
                    "there is no file `{}` with values on either side",
                    path.display()
                )));
            }
        }
        Ok(())
    }

    /// Reads one side, with the values that it is given.
    pub fn read(&self, input: &Input, judging: &Judging) -> Result<Reading, Failure> {
        let mut reading = judging.values_typed().begin();
        match (input, &self.repository) {
            (Input::Path(path), _) => read_path(&mut reading, path)?,
            (Input::Plan(path, side), _) => {
                reading.plan_side = *side;
                read_path(&mut reading, path)?;
            }
            (Input::Commit(commit), Some(repository)) => self.read_commit(&mut reading, repository, commit)?,
            (Input::WorkTree, Some(repository)) => self.read_work_tree(&mut reading, repository)?,
            (_, None) => return Err(Failure("there is no repository to read from".to_owned())),
        }
        for file in judging.service_tag_files()? {
            read_file(&mut reading, &file);
        }
        for path in judging.value_files() {
            self.read_value(&mut reading, input, path)?;
        }
        reading.finish();
        if let (Input::Plan(path, _), 0, true) = (input, reading.plans_read(), reading.is_complete()) {
            return Err(Failure(format!(
                "`{0}` holds no plan of Terraform, which alone says what was and what will be; name two paths, or git \
                 revisions such as `main..`",
                path.display()
            )));
        }
        judging.choose(&mut reading)?;
        Ok(reading)
    }

    fn read_commit(&self, reading: &mut Reading, repository: &Repository, commit: &str) -> Result<(), Failure> {
        let tree = repository.tree(commit, &self.paths)?;
        reading.library = Some(Arc::new(Shelf::of_commit(repository, &tree)));
        for submodule in &tree.submodules {
            let message = format!("`{submodule}` is a repository of its own; what it holds is not read");
            reading.diagnostics.push(Diagnostic::warning("submodule", message));
        }
        repository.read(&tree.blobs, |blob, text| reading.read(&blob.path, Given::Found, text))?;
        downloaded(
            reading,
            &repository.root,
            tree.blobs.iter().map(|blob| blob.path.as_str()),
        );
        Ok(())
    }

    fn read_work_tree(&self, reading: &mut Reading, repository: &Repository) -> Result<(), Failure> {
        let names = repository.work_tree(&self.paths)?;
        reading.library = Some(Arc::new(Shelf::of_names(&repository.root, &names)));
        for name in &names {
            let path = repository.root.join(name);
            // What was deleted is listed too, and a link leads elsewhere.
            let is_file = std::fs::symlink_metadata(&path).is_ok_and(|metadata| metadata.is_file());
            if !is_file {
                continue;
            }
            match File::open(&path) {
                Ok(file) => reading.read(name, Given::Found, file),
                Err(error) => {
                    let message = format!("`{name}` cannot be opened: {error}");
                    reading.lose(Diagnostic::error("unreadable", message));
                }
            }
        }
        downloaded(reading, &repository.root, names.iter().map(String::as_str));
        Ok(())
    }

    fn read_value(&self, reading: &mut Reading, input: &Input, path: &Path) -> Result<(), Failure> {
        match self.value(input, path)? {
            Value::File(path) => {
                let file = InputFile::named(&path)?;
                match file.open() {
                    Ok(text) => reading.read_parameters(&file.name(), text),
                    Err(error) => {
                        let message = format!("`{}` cannot be opened: {error}", file.name());
                        reading.lose(Diagnostic::error("unreadable", message));
                    }
                }
            }
            Value::Committed(name, text) => reading.read_parameters(&name, text.as_slice()),
            Value::Absent => {
                let message = format!("`{}` is not on this side, and gives no values there", path.display());
                reading.diagnostics.push(Diagnostic::warning("values-absent", message));
            }
        }
        Ok(())
    }

    /// Where a file with values is found on a side.
    fn value(&self, input: &Input, path: &Path) -> Result<Value, Failure> {
        match (input, &self.repository) {
            (Input::Commit(commit), Some(repository)) => {
                let Some(name) = repository.inside(path) else {
                    return Ok(file_or_absent(path.to_path_buf()));
                };
                let blob: Option<Blob> = repository.blob(commit, &name)?;
                match blob {
                    Some(blob) => {
                        let text = repository.later().text(&blob).read(MOST_BYTES);
                        let text = text.ok_or_else(|| Failure(format!("`{name}` of `{commit}` cannot be read")))?;
                        Ok(Value::Committed(name, text))
                    }
                    None => Ok(Value::Absent),
                }
            }
            (Input::Path(side), _) => Ok(file_or_absent(match self.within_a_side(path) {
                Some(rest) if side.is_dir() => side.join(rest),
                _ => path.to_path_buf(),
            })),
            _ => Ok(file_or_absent(path.to_path_buf())),
        }
    }

    /// What a path is called within the side that it lies in.
    fn within_a_side(&self, path: &Path) -> Option<PathBuf> {
        let whole = std::path::absolute(path).ok()?;
        let of = |input: &Input| match input {
            Input::Path(side) if side.is_dir() => {
                let side = std::path::absolute(side).ok()?;
                whole.strip_prefix(side).ok().map(Path::to_path_buf)
            }
            _ => None,
        };
        of(&self.base).or_else(|| of(&self.head))
    }
}

/// Longest file with values.
const MOST_BYTES: u64 = 64 << 20;

/// A file with values, as it is on one side.
enum Value {
    File(PathBuf),
    /// Name from the root of the repository, and text.
    Committed(String, Vec<u8>),
    Absent,
}

fn file_or_absent(path: PathBuf) -> Value {
    match path.exists() {
        true => Value::File(path),
        false => Value::Absent,
    }
}

fn read_path(reading: &mut Reading, path: &Path) -> Result<(), Failure> {
    let is_empty = path.is_dir() && std::fs::read_dir(path)?.next().is_none();
    if is_empty {
        return Ok(());
    }
    let files = files::collect(&[path.to_path_buf()])?;
    reading.library = Some(Arc::new(Shelf::of_files(&files)));
    files.iter().for_each(|file| read_file(reading, file));
    Ok(())
}

/// Modules that `terraform init` downloaded lie in the work tree alone, whatever revision is read. Whoever calls one checks
/// that it is the one that is asked for.
fn downloaded<'n>(reading: &mut Reading, root: &Path, names: impl Iterator<Item = &'n str>) {
    let of_terraform = names.filter(|name| name.ends_with(".tf") || name.ends_with(".tf.json"));
    let directories: BTreeSet<&str> = of_terraform
        .map(|name| name.rsplit_once('/').map_or("", |(directory, _)| directory))
        .collect();
    let mut found = Vec::new();
    for directory in directories {
        files::downloaded(&root.join(directory), &mut found);
    }
    for file in found {
        let name = file.path.strip_prefix(root).unwrap_or(&file.path).to_string_lossy();
        match file.open() {
            Ok(text) => reading.read(&name, Given::Found, text),
            Err(error) => {
                let message = format!("`{name}` cannot be opened: {error}");
                reading.lose(Diagnostic::error("unreadable", message));
            }
        }
    }
}
