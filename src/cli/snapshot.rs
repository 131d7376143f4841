//! `portcullis snapshot`.

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use clap::Args;

use super::live::{self, ConnectionArguments, ScopeArguments};
use super::whole::{self, Readers};
use super::{Failure, status, style};
use crate::azure::record::Recording;

const AFTER: &str = "\
`portcullis scan FILE` judges the snapshot as the live scan would have. Secrets are not recorded: passwords, custom data, \
settings of extensions, tags that look like secrets. A name that ends in `.zst` is compressed.

Exit status: 0 everything was read; 2 nothing could be read; 3 something was not read, and the header says what.";

#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub struct SnapshotArguments {
    /// The file to write; `-` for the standard output
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,

    /// Put pseudonyms in place of names, ids and addresses: the same for the same, with references, prefixes and parts
    /// of the address space kept
    #[arg(long)]
    redact: bool,

    #[command(flatten)]
    scope: ScopeArguments,

    #[command(flatten)]
    connection: ConnectionArguments,
}

impl SnapshotArguments {
    pub fn run(&self) -> Result<u8, Failure> {
        if !self.scope.is_given() {
            return Err(Failure(
                "say what to read: --subscription, --management-group or --all-subscriptions".to_owned(),
            ));
        }
        let recorded = live::read(&self.scope, &self.connection)?;
        live::say_missing(&recorded);
        let complete = live::is_complete(&recorded);
        let recording = match self.redact {
            true => recorded.recording.redacted()?,
            false => recorded.recording,
        };
        write(recording, &self.output)?;
        if self.output != Path::new("-") {
            style::note(&format!("wrote `{}`", self.output.display()));
        }
        Ok(if complete { status::CLEAN } else { status::INCOMPLETE })
    }
}

fn write(recording: Recording, path: &Path) -> Result<(), Failure> {
    if path == Path::new("-") {
        return Ok(recording.write(BufWriter::new(io::stdout().lock()))?);
    }
    let fail = |error: io::Error| Failure(format!("cannot write `{}`: {error}", path.display()));
    whole::write(path, Readers::Owner, |out| pack(recording, out, path)).map_err(fail)
}

fn pack(recording: Recording, out: &mut (dyn Write + Send), path: &Path) -> io::Result<()> {
    if path.extension().is_some_and(|extension| extension == "zst") {
        let mut packed = zstd::stream::write::Encoder::new(out, 3)?;
        recording.write(&mut packed)?;
        packed.finish()?;
        Ok(())
    } else {
        recording.write(out)
    }
}
