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
    /// Why it must not be opened.
    pub refused: Option<&'static str>,
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
            refused: None,
        })
    }

    pub fn open(&self) -> std::io::Result<File> {
        match self.refused {
            Some(why) => Err(std::io::Error::other(why)),
            None => File::open(&self.path),
        }
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

/// The files below a directory, by name. Hidden files and what ignore files name are left out; links
/// to directories are not followed.
fn walk(directory: &Path, files: &mut Vec<InputFile>) -> Result<(), Failure> {
    let before = files.len();
    let mut root = None;
    let walker = WalkBuilder::new(directory).sort_by_file_path(|a, b| a.cmp(b)).build();
    for entry in walker {
        let entry = entry.map_err(|error| Failure(format!("cannot read `{}`: {error}", directory.display())))?;
        if entry.file_type().is_some_and(|kind| kind.is_file()) {
            let bytes = entry.metadata().map_or(0, |metadata| metadata.len());
            files.push(InputFile {
                path: entry.into_path(),
                given: Given::Found,
                bytes,
                refused: None,
            });
        } else if entry.path_is_symlink() {
            let root = root.get_or_insert_with(|| std::fs::canonicalize(directory).unwrap_or_default());
            files.extend(linked(root, entry.path()));
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
                refused: None,
            });
        }
    }
}

/// Ends of the names of files whose absence changes what an estate is.
const READ: &[&str] = &[
    ".tf",
    ".tf.json",
    ".tfvars",
    ".tfvars.json",
    ".bicep",
    ".bicepparam",
    ".json",
    ".tfstate",
];

/// A link to a file is the file, as for Terraform, unless it leads out of the directory that is walked. What it is in
/// place of is told then, not read.
fn linked(root: &Path, link: &Path) -> Option<InputFile> {
    let name = link.to_string_lossy().to_ascii_lowercase();
    let target = std::fs::canonicalize(link);
    if !READ.iter().any(|end| name.ends_with(end)) || target.as_ref().is_ok_and(|target| target.is_dir()) {
        return None;
    }
    let refused = match &target {
        Ok(target) if target.starts_with(root) => None,
        Ok(_) => Some("it is a link that leads out of the directory; name a directory that holds both"),
        Err(_) => Some("it is a link that leads nowhere; mend or remove it"),
    };
    Some(InputFile {
        bytes: target.and_then(std::fs::metadata).map_or(0, |metadata| metadata.len()),
        path: link.to_path_buf(),
        given: Given::Found,
        refused,
    })
}
