//! Paths as reports name them: with slashes, relative to where the scan runs.

/// The directory of a file; empty for the working directory.
pub fn parent(name: &str) -> &str {
    name.rsplit_once('/').map_or("", |(directory, _)| directory)
}

/// A path seen from a directory, without `.` and with as few `..` as can be.
pub fn join(directory: &str, path: &str) -> String {
    let rooted = path.starts_with('/') || (directory.starts_with('/') && !path.starts_with('/'));
    let whole = if path.starts_with('/') {
        path.to_owned()
    } else {
        format!("{directory}/{path}")
    };
    let mut parts: Vec<&str> = Vec::new();
    for part in whole.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            other => parts.push(other),
        }
    }
    let joined = parts.join("/");
    if rooted { format!("/{joined}") } else { joined }
}

/// How one directory is named from another, as `path.module` is.
pub fn relative(from: &str, to: &str) -> String {
    let split = |path: &str| {
        path.split('/')
            .filter(|part| !part.is_empty())
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let (from, to) = (split(from), split(to));
    let common = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    let up = from.len() - common;
    let parts: Vec<String> = std::iter::repeat_n("..".to_owned(), up)
        .chain(to.into_iter().skip(common))
        .collect();
    if parts.is_empty() {
        ".".to_owned()
    } else {
        parts.join("/")
    }
}
