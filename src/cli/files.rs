//! The files that a scan reads: paths as named, directories walked in a stable order.

use std::fs::File;
use std::path::{Path, PathBuf};

use ignore::WalkBuilder;

use super::Failure;
use crate::input::Given;

/// A file to read, under the name that reports show.
#[derive(Debug)]
pub struct InputFile {
    pub path: PathBuf,
    pub given: Given,
    pub bytes: u64,
}

impl InputFile {
    pub fn name(&self) -> String {
        let name = self.path.to_string_lossy();
        name.strip_prefix("./").unwrap_or(&name).to_owned()
    }

    /// A file that the user named.
    pub fn named(path: &Path) -> Result<InputFile, Failure> {
        let metadata = std::fs::metadata(path).map_err(|error| {
            Failure(format!(
                "cannot read `{}`: {error}; name a file or directory that exists",
                path.display()
            ))
        })?;
        Ok(InputFile {
            path: path.to_path_buf(),
            given: Given::Named,
            bytes: metadata.len(),
        })
    }

    pub fn open(&self) -> std::io::Result<File> {
        File::open(&self.path)
    }
}

/// Every file of the named paths.
pub fn collect(paths: &[PathBuf]) -> Result<Vec<InputFile>, Failure> {
    let mut files = Vec::new();
    for path in paths {
        let named = InputFile::named(path)?;
        if path.is_dir() {
            walk(path, &mut files)?;
        } else {
            files.push(named);
        }
    }
    Ok(files)
}

/// The files below a directory, by name. Hidden files and what ignore files name are left out; links are not followed.
fn walk(directory: &Path, files: &mut Vec<InputFile>) -> Result<(), Failure> {
    let before = files.len();
    let walker = WalkBuilder::new(directory).sort_by_file_path(|a, b| a.cmp(b)).build();
    for entry in walker {
        let entry = entry.map_err(|error| Failure(format!("cannot read `{}`: {error}", directory.display())))?;
        if entry.file_type().is_some_and(|kind| kind.is_file()) {
            let bytes = entry.metadata().map_or(0, |metadata| metadata.len());
            files.push(InputFile {
                path: entry.into_path(),
                given: Given::Found,
                bytes,
            });
        } else if entry.file_type().is_some_and(|kind| kind.is_dir()) {
            downloaded(entry.path(), files);
        }
    }
    if files.len() == before {
        return Err(Failure(format!(
            "`{}` holds no files; name a directory with a recorded estate",
            directory.display()
        )));
    }
    Ok(())
}

/// The modules that `terraform init` downloaded for the configuration in a directory. They lie in a hidden directory that
/// ignore files name, and belong to what is scanned all the same.
pub fn downloaded(directory: &Path, files: &mut Vec<InputFile>) {
    let modules = directory.join(".terraform").join("modules");
    if !modules.join("modules.json").is_file() {
        return;
    }
    let walker = WalkBuilder::new(&modules)
        .standard_filters(false)
        .sort_by_file_path(|a, b| a.cmp(b))
        .build();
    for entry in walker.flatten() {
        let name = entry.file_name().to_string_lossy();
        let wanted = name.ends_with(".tf") || name.ends_with(".tf.json") || name == "modules.json";
        if wanted && entry.file_type().is_some_and(|kind| kind.is_file()) {
            files.push(InputFile {
                bytes: entry.metadata().map_or(0, |metadata| metadata.len()),
                path: entry.into_path(),
                given: Given::Found,
            });
        }
    }
}
