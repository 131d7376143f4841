//! Real git repositories in temporary directories, and the program run in them.
#![allow(dead_code)]

use std::path::{Path, PathBuf};
use std::process::Command;

/// A repository whose branch is `main`.
pub struct Repository {
    directory: tempfile::TempDir,
}

/// What a run of the program came to.
pub struct Ran {
    pub status: i32,
    pub out: String,
    pub err: String,
}

pub fn portcullis(directory: &Path, arguments: &[&str]) -> Ran {
    let output = assert_cmd::Command::cargo_bin("portcullis")
        .unwrap()
        .current_dir(directory)
        .env("COLUMNS", "100")
        .args(arguments)
        .output()
        .unwrap();
    Ran {
        status: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

impl Repository {
    pub fn new() -> Self {
        let repository = Repository {
            directory: tempfile::tempdir().unwrap(),
        };
        std::fs::create_dir(repository.path()).unwrap();
        repository.git(&["init", "--quiet", "--initial-branch", "main"]);
        repository.git(&["config", "user.name", "Test"]);
        repository.git(&["config", "user.email", "test@example.com"]);
        repository.git(&["config", "commit.gpgsign", "false"]);
        repository
    }

    pub fn clone_shallow(of: &Repository) -> Self {
        let repository = Repository {
            directory: tempfile::tempdir().unwrap(),
        };
        let from = format!("file://{}", of.path().display());
        run(
            repository.directory.path(),
            &["clone", "--quiet", "--depth", "1", &from, "work"],
        );
        repository
    }

    pub fn path(&self) -> &'static Path {
        // Tests end soon enough.
        Box::leak(self.directory.path().join("work").into_boxed_path())
    }

    pub fn git(&self, arguments: &[&str]) -> String {
        run(self.path(), arguments)
    }

    pub fn write(&self, name: &str, text: &str) {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path().join(name)).unwrap()
    }

    /// Lays the files of a folder over the work tree; `X.deleted` takes `X` away.
    pub fn lay(&self, folder: &Path) {
        for file in files(folder) {
            let inside = file.strip_prefix(folder).unwrap().to_str().unwrap();
            match inside.strip_suffix(".deleted") {
                Some(gone) => std::fs::remove_file(self.path().join(gone)).unwrap(),
                None => self.write(inside, &std::fs::read_to_string(&file).unwrap()),
            }
        }
    }

    pub fn commit(&self, message: &str) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "--message", message]);
    }
}

fn run(directory: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .current_dir(directory)
        .env("GIT_CONFIG_GLOBAL", directory.join("no-config"))
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .args(arguments)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "git {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}
