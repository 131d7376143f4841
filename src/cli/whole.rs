//! A file that is there whole or not at all. Must not know what is in it.

use std::fs::{self, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::Path;

use tempfile::{Builder, NamedTempFile};

/// Who may read a new file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readers {
    /// Whoever wrote it: it tells how an estate is built.
    Owner,
    /// Whom the umask lets.
    Umask,
    /// Everybody, such as a collector under an account of its own.
    All,
}

/// Fills a file beside the one named, which takes its place when it is whole. What is no file, such as `/dev/null` or a
/// pipe, is written to and never replaced.
///
/// # Errors
/// Those of the file system, and those of `fill`; then nothing is replaced.
pub fn write<E: From<io::Error>>(
    path: &Path,
    readers: Readers,
    fill: impl FnOnce(&mut (dyn Write + Send)) -> Result<(), E>,
) -> Result<(), E> {
    if fs::metadata(path).is_ok_and(|found| !found.is_file()) {
        return filled(OpenOptions::new().write(true).open(path)?, fill);
    }
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let beside = beside(directory.unwrap_or(Path::new(".")), readers)?;
    filled(beside.as_file(), fill)?;
    beside.persist(path).map_err(|error| error.error)?;
    Ok(())
}

fn filled<E: From<io::Error>>(
    file: impl Write + Send,
    fill: impl FnOnce(&mut (dyn Write + Send)) -> Result<(), E>,
) -> Result<(), E> {
    let mut out = BufWriter::with_capacity(1 << 16, file);
    fill(&mut out)?;
    Ok(out.flush()?)
}

#[cfg(unix)]
fn beside(directory: &Path, readers: Readers) -> io::Result<NamedTempFile> {
    use std::os::unix::fs::PermissionsExt;
    let mode = match readers {
        Readers::Owner => 0o600,
        Readers::Umask => 0o666,
        Readers::All => 0o644,
    };
    let permissions = fs::Permissions::from_mode(mode);
    let beside = Builder::new().permissions(permissions.clone()).tempfile_in(directory)?;
    if readers == Readers::All {
        beside.as_file().set_permissions(permissions)?;
    }
    Ok(beside)
}

#[cfg(not(unix))]
fn beside(directory: &Path, _: Readers) -> io::Result<NamedTempFile> {
    Builder::new().tempfile_in(directory)
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::{FileTypeExt, PermissionsExt};

    use super::*;

    fn put(path: &Path, readers: Readers, text: &str) -> io::Result<()> {
        write(path, readers, |out| out.write_all(text.as_bytes()))
    }

    #[test]
    fn a_device_is_written_to_and_never_replaced() {
        put(Path::new("/dev/null"), Readers::Umask, "gone").unwrap();
        assert!(fs::metadata("/dev/null").unwrap().file_type().is_char_device());
    }

    #[test]
    fn what_fails_half_way_leaves_what_was_there() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("report");
        put(&path, Readers::Owner, "old").unwrap();
        let failed: io::Result<()> = write(&path, Readers::Owner, |out| {
            out.write_all(b"new")?;
            Err(io::Error::other("no"))
        });
        assert!(failed.is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn readers_are_as_asked() {
        let directory = tempfile::tempdir().unwrap();
        for (readers, mode) in [(Readers::Owner, 0o600), (Readers::All, 0o644)] {
            let path = directory.path().join(format!("{mode:o}"));
            put(&path, readers, "text").unwrap();
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, mode);
        }
    }
}
