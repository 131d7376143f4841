//! What a revision of a git repository holds, by the `git` program: trees and texts out of the object database, and
//! names of changed files. Never touches the work tree, runs no hook, and asks no server.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex};

use super::Failure;

/// A repository.
pub struct Repository {
    /// Its work tree.
    pub root: PathBuf,
    /// Where in it the user stands, with a slash at the end, or empty.
    prefix: String,
}

/// A text in the object database.
#[derive(Clone, Debug)]
pub struct Blob {
    /// From the root of the repository.
    pub path: String,
    object: String,
}

/// A text that can be read later.
pub struct Committed {
    later: Arc<Later>,
    object: String,
}

/// Reads texts when they are asked for, all in one process, which starts with the first.
pub struct Later {
    root: PathBuf,
    reader: Mutex<Option<Batch>>,
}

impl Committed {
    /// The text, where it has at most so many bytes.
    pub fn read(&self, most: u64) -> Option<Vec<u8>> {
        let mut held = self.later.reader.lock().ok()?;
        let mut reader = match held.take() {
            Some(reader) => reader,
            None => Batch::start(&self.later.root).ok()?,
        };
        let bytes = reader.ask(&self.object).ok()??;
        if bytes > most {
            reader.stop();
            return None;
        }
        let mut text = Vec::new();
        (&mut reader.output).take(bytes).read_to_end(&mut text).ok()?;
        reader.end_of_text().ok()?;
        *held = Some(reader);
        (text.len() as u64 == bytes).then_some(text)
    }
}

impl Drop for Later {
    fn drop(&mut self) {
        if let Some(reader) = self.reader.get_mut().ok().and_then(Option::take) {
            reader.finish();
        }
    }
}

impl Later {
    pub fn text(self: &Arc<Self>, blob: &Blob) -> Committed {
        Committed {
            later: self.clone(),
            object: blob.object.clone(),
        }
    }
}

/// What one revision holds.
#[derive(Debug, Default)]
pub struct Tree {
    pub blobs: Vec<Blob>,
    /// Directories that are repositories of their own; what they hold is not read.
    pub submodules: Vec<String>,
}

impl Repository {
    /// The repository around a directory, else around the current one.
    pub fn open(around: Option<&Path>) -> Result<Repository, Failure> {
        let here = around.unwrap_or_else(|| Path::new("."));
        let found = run(here, &["rev-parse", "--show-toplevel", "--show-prefix"]).map_err(|why| {
            Failure(format!(
                "`{}` is in no git repository that can be read: {why}; name it with --repository, or compare two paths",
                here.display()
            ))
        })?;
        let mut lines = found.lines();
        Ok(Repository {
            root: PathBuf::from(lines.next().unwrap_or_default()),
            prefix: lines.next().unwrap_or_default().to_owned(),
        })
    }

    /// The commit that a revision means.
    pub fn commit(&self, revision: &str) -> Result<String, Failure> {
        let wanted = format!("{revision}^{{commit}}");
        let found = self.run(&["rev-parse", "--verify", "--quiet", "--end-of-options", &wanted]);
        match found {
            Ok(commit) if !commit.trim().is_empty() => Ok(commit.trim().to_owned()),
            _ => Err(self.no_revision(revision)),
        }
    }

    fn no_revision(&self, revision: &str) -> Failure {
        if self.is_shallow() {
            return Failure(format!(
                "revision `{revision}` is not in this shallow clone; fetch it with `git fetch --depth 1 origin {revision}` \
                 (`git fetch --unshallow` for all), or check out with `fetch-depth: 0` of actions/checkout"
            ));
        }
        Failure(format!(
            "revision `{revision}` does not exist in `{}`; `git fetch origin` may bring it, and a branch of the server is \
             called `origin/NAME` here",
            self.root.display()
        ))
    }

    fn is_shallow(&self) -> bool {
        let shallow = self.run(&["rev-parse", "--is-shallow-repository"]);
        shallow.is_ok_and(|answer| answer.trim() == "true")
    }

    /// Where two revisions parted.
    pub fn merge_base(&self, left: &str, right: &str) -> Result<String, Failure> {
        let (a, b) = (self.commit(left)?, self.commit(right)?);
        match self.run(&["merge-base", &a, &b]) {
            Ok(base) if !base.trim().is_empty() => Ok(base.trim().to_owned()),
            _ if self.is_shallow() => Err(Failure(format!(
                "where `{left}` and `{right}` parted is not in this shallow clone; `git fetch --unshallow` brings it \
                 (`fetch-depth: 0` of actions/checkout), or compare `{left}..{right}`"
            ))),
            _ => Err(Failure(format!(
                "`{left}` and `{right}` have no common ancestor; compare `{left}..{right}` instead"
            ))),
        }
    }

    /// The texts of a commit below some paths, or all; hidden files are left out, as in directories.
    pub fn tree(&self, commit: &str, paths: &[String]) -> Result<Tree, Failure> {
        let mut arguments = vec!["ls-tree", "-r", "-z", "--full-tree", commit, "--"];
        let paths = self.rooted(paths);
        arguments.extend(paths.iter().map(String::as_str));
        let listed = self.run(&arguments).map_err(|why| self.unreadable(&why))?;
        let mut tree = Tree::default();
        for entry in listed.split('\0').filter(|entry| !entry.is_empty()) {
            take_entry(entry, &mut tree, |path| !is_hidden(path));
        }
        Ok(tree)
    }

    /// What a path is called from the root of the repository, where it lies within; it need not exist.
    pub fn inside(&self, path: &Path) -> Option<String> {
        let whole = std::path::absolute(path).ok()?;
        let name = whole.file_name()?;
        let directory = whole.parent()?;
        let directory = std::fs::canonicalize(directory).unwrap_or_else(|_| directory.to_path_buf());
        let root = std::fs::canonicalize(&self.root).ok()?;
        let whole = directory.join(name);
        let inside = whole.strip_prefix(root).ok()?;
        Some(crate::input::normal(&inside.to_string_lossy()))
    }

    /// One text of a commit, where it has it.
    pub fn blob(&self, commit: &str, name: &str) -> Result<Option<Blob>, Failure> {
        let found = self.run(&["ls-tree", "-z", "--full-tree", commit, "--", name]);
        let listed = found.map_err(|why| self.unreadable(&why))?;
        let mut tree = Tree::default();
        listed
            .split('\0')
            .filter(|entry| !entry.is_empty())
            .for_each(|entry| take_entry(entry, &mut tree, |_| true));
        Ok(tree.blobs.pop())
    }

    /// The files of the work tree that git knows or would take, from the root.
    pub fn work_tree(&self, paths: &[String]) -> Result<Vec<String>, Failure> {
        let mut arguments = vec![
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
            "--full-name",
            "--",
        ];
        let paths = self.rooted(paths);
        arguments.extend(paths.iter().map(String::as_str));
        let listed = self.run(&arguments).map_err(|why| self.unreadable(&why))?;
        let names = listed.split('\0').filter(|name| !name.is_empty() && !is_hidden(name));
        let names: BTreeSet<String> = names.map(str::to_owned).collect();
        Ok(names.into_iter().collect())
    }

    /// Files that differ between a revision and the work tree, new ones too, from the root.
    pub fn changed_since(&self, revision: &str) -> Result<BTreeSet<String>, Failure> {
        let commit = self.commit(revision)?;
        let differing = self.run(&[
            "diff",
            "--name-only",
            "--no-renames",
            "--no-ext-diff",
            "--no-textconv",
            "-z",
            &commit,
            "--",
        ]);
        let new = self.run(&["ls-files", "-z", "--others", "--exclude-standard", "--full-name"]);
        let mut changed = BTreeSet::new();
        for listed in [differing, new] {
            let listed = listed.map_err(|why| self.unreadable(&why))?;
            changed.extend(listed.split('\0').filter(|name| !name.is_empty()).map(str::to_owned));
        }
        Ok(changed)
    }

    /// Reads the texts of blobs, one after the other, in one process.
    pub fn read(&self, blobs: &[Blob], mut take: impl FnMut(&Blob, &mut dyn Read)) -> Result<(), Failure> {
        let mut reader = Batch::start(&self.root)?;
        for blob in blobs {
            let Some(bytes) = reader.ask(&blob.object)? else {
                let path = &blob.path;
                return Err(Failure(format!(
                    "the text of `{path}` is not in the object database (a partial clone has only some); \
                     `git checkout` of that revision or a clone without `--filter` brings it"
                )));
            };
            let mut text = (&mut reader.output).take(bytes);
            take(blob, &mut text);
            std::io::copy(&mut text, &mut std::io::sink())?;
            reader.end_of_text()?;
        }
        reader.finish();
        Ok(())
    }

    /// For texts to be read later.
    pub fn later(&self) -> Arc<Later> {
        Arc::new(Later {
            root: self.root.clone(),
            reader: Mutex::new(None),
        })
    }

    fn rooted(&self, paths: &[String]) -> Vec<String> {
        let inside = |path: &String| {
            let whole = format!("{}{path}", self.prefix);
            crate::input::arm::normal(&whole)
        };
        let paths: Vec<String> = paths.iter().map(inside).filter(|path| !path.is_empty()).collect();
        match paths.is_empty() && !self.prefix.is_empty() {
            // Who stands in a directory without naming paths means the whole repository all the same.
            true => Vec::new(),
            false => paths,
        }
    }

    fn unreadable(&self, why: &str) -> Failure {
        Failure(format!("git cannot read `{}`: {why}", self.root.display()))
    }

    fn run(&self, arguments: &[&str]) -> Result<String, String> {
        run(&self.root, arguments)
    }
}

/// `<mode> <type> <object>\t<path>`
fn take_entry(entry: &str, tree: &mut Tree, is_wanted: fn(&str) -> bool) {
    let Some((about, path)) = entry.split_once('\t') else {
        return;
    };
    let mut about = about.split_whitespace();
    let (mode, kind, object) = (about.next(), about.next(), about.next());
    match (mode, kind, object) {
        (_, Some("commit"), _) => tree.submodules.push(path.to_owned()),
        // A link leads to another file of the tree, or out of it.
        (Some("120000"), ..) => {}
        (_, Some("blob"), Some(object)) if is_wanted(path) => tree.blobs.push(Blob {
            path: path.to_owned(),
            object: object.to_owned(),
        }),
        _ => {}
    }
}

fn is_hidden(path: &str) -> bool {
    path.split('/').any(|part| part.starts_with('.'))
}

/// One `git cat-file --batch`.
struct Batch {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Batch {
    fn start(root: &Path) -> Result<Batch, Failure> {
        let mut child = git(root)
            .args(["cat-file", "--batch"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| Failure(missing(&error)))?;
        match (child.stdin.take(), child.stdout.take()) {
            (Some(input), Some(output)) => Ok(Batch {
                child,
                input,
                output: BufReader::with_capacity(1 << 16, output),
            }),
            _ => Err(Failure("git cannot be talked to".to_owned())),
        }
    }

    /// How long the text is that follows; `None` where there is none.
    fn ask(&mut self, object: &str) -> Result<Option<u64>, Failure> {
        writeln!(self.input, "{object}")?;
        self.input.flush()?;
        let mut header = String::new();
        (&mut self.output).take(512).read_line(&mut header)?;
        Ok(header.split_whitespace().nth(2).and_then(|bytes| bytes.parse().ok()))
    }

    /// Each text ends with a line break that is not part of it.
    fn end_of_text(&mut self) -> std::io::Result<()> {
        self.output.read_exact(&mut [0u8; 1])
    }

    /// Ends it with output left unread.
    fn stop(self) {
        let Batch {
            mut child,
            input,
            output,
        } = self;
        drop((input, output));
        let _ = child.wait();
    }

    fn finish(self) {
        let Batch { mut child, input, .. } = self;
        drop(input);
        // It ends when its input does; how is of no interest any more.
        let _ = child.wait();
    }
}

fn git(at: &Path) -> Command {
    let mut command = Command::new("git");
    command
        .arg("-C")
        .arg(at)
        .args(["-c", "core.fsmonitor=false", "-c", "core.quotePath=false"])
        .env("GIT_OPTIONAL_LOCKS", "0")
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_NO_LAZY_FETCH", "1")
        .env("LC_ALL", "C");
    command
}

/// What git prints; what it complains about, where it fails.
fn run(at: &Path, arguments: &[&str]) -> Result<String, String> {
    let output = git(at)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| missing(&error))?;
    if output.status.success() {
        return String::from_utf8(output.stdout).map_err(|_| "a file name is not UTF-8".to_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let first = said.lines().next().unwrap_or("it gives no reason");
    Err(first.trim_start_matches("fatal: ").to_owned())
}

fn missing(error: &std::io::Error) -> String {
    format!("the program `git` cannot be started: {error}; install it, or compare two directories")
}
