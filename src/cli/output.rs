//! Where reports go: the standard output, or files named as `FORMAT=FILE`.

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::diff::Comparison;
use crate::report::diff::DIFF_FORMATS;
use crate::report::night::{NIGHT_FORMATS, Night};
use crate::report::{FORMATS, Options, Report, ReportError};

use super::Failure;
use super::whole::{self, Readers};

/// One `--format` argument.
#[derive(Clone, Debug)]
pub struct Output {
    format: &'static str,
    file: Option<PathBuf>,
}

/// One `--format` argument of a command that has formats of its own.
#[derive(Clone, Debug)]
pub struct Target<F> {
    pub format: F,
    pub file: Option<PathBuf>,
}

impl<F: Copy> Target<F> {
    /// Parses `FORMAT` or `FORMAT=FILE`, where the formats have these names.
    pub fn parse(text: &str, formats: &[(&str, F)]) -> Result<Target<F>, String> {
        let (name, file) = match text.split_once('=') {
            Some((_, "")) => return Err(format!("`{text}` names no file after `=`")),
            Some((name, file)) => (name, Some(PathBuf::from(file))),
            None => (text, None),
        };
        match formats.iter().find(|(known, _)| *known == name) {
            Some((_, format)) => Ok(Target { format: *format, file }),
            None => {
                let names: Vec<&str> = formats.iter().map(|(name, _)| *name).collect();
                Err(format!("`{name}` is no format; there are {}", names.join(", ")))
            }
        }
    }

    /// Only one text can go to the standard output.
    pub fn check(targets: &[Target<F>]) -> Result<(), Failure> {
        at_most_one(targets.iter().filter(|target| target.file.is_none()).count())
    }

    /// Writes a text that was made for it.
    pub fn write(&self, bytes: &[u8]) -> Result<(), Failure> {
        match &self.file {
            None => to_stdout(bytes),
            Some(path) => {
                whole::write(path, Readers::Umask, |out| out.write_all(bytes)).map_err(|error| refusal(path, &error))
            }
        }
    }
}

impl Output {
    /// Parses `FORMAT` or `FORMAT=FILE`.
    pub fn parse(text: &str) -> Result<Output, String> {
        Output::parse_among(text, &mut FORMATS.iter().map(|format| format.name))
    }

    /// The same for the formats of comparisons.
    pub fn parse_diff(text: &str) -> Result<Output, String> {
        Output::parse_among(text, &mut DIFF_FORMATS.iter().map(|format| format.name))
    }

    /// The same for what is told of a past night.
    pub fn parse_night(text: &str) -> Result<Output, String> {
        Output::parse_among(text, &mut NIGHT_FORMATS.iter().map(|format| format.name))
    }

    fn parse_among(text: &str, names: &mut dyn Iterator<Item = &'static str>) -> Result<Output, String> {
        let named: Vec<(&'static str, &'static str)> = names.map(|name| (name, name)).collect();
        let Target { format, file } = Target::parse(text, &named)?;
        Ok(Output { format, file })
    }

    /// The console, for when nothing was asked for.
    pub fn console() -> Output {
        Output {
            format: "console",
            file: None,
        }
    }

    /// JSON to the standard output.
    pub fn json() -> Output {
        Output {
            format: "json",
            file: None,
        }
    }

    pub fn is(&self, format: &str) -> bool {
        self.format == format
    }

    pub fn is_stdout(&self) -> bool {
        self.file.is_none()
    }

    /// Writes the report. A file is replaced only when the whole report has been written.
    pub fn write(&self, report: &Report, options: &Options) -> Result<(), Failure> {
        let format = FORMATS.iter().find(|format| format.name == self.format);
        let Some(format) = format else { return Ok(()) };
        self.write_by(options, &|options, out| (format.write)(report, options, out))
    }

    /// Writes the comparison, likewise. `head` is the report of its head.
    pub fn write_diff(&self, comparison: &Comparison, head: &Report, options: &Options) -> Result<(), Failure> {
        let format = DIFF_FORMATS.iter().find(|format| format.name == self.format);
        let Some(format) = format else { return Ok(()) };
        self.write_by(options, &|options, out| (format.write)(comparison, head, options, out))
    }

    /// Writes what is told of a past night, likewise.
    pub fn write_night(&self, night: &Night, options: &Options) -> Result<(), Failure> {
        let format = NIGHT_FORMATS.iter().find(|format| format.name == self.format);
        let Some(format) = format else { return Ok(()) };
        self.write_by(options, &|options, out| (format.write)(night, options, out))
    }

    fn write_by(&self, options: &Options, write: Writer<'_>) -> Result<(), Failure> {
        let plain = Options {
            color: false,
            ..options.clone()
        };
        match &self.file {
            None => write_stdout(write, options),
            Some(path) => write_file(write, path, &plain),
        }
    }
}

type Writer<'w> = &'w dyn Fn(&Options, &mut dyn Write) -> Result<(), ReportError>;

/// Only one text can go to the standard output.
pub fn check(outputs: &[Output]) -> Result<(), Failure> {
    at_most_one(outputs.iter().filter(|output| output.is_stdout()).count())
}

fn at_most_one(to_stdout: usize) -> Result<(), Failure> {
    if to_stdout > 1 {
        return Err(Failure(
            "only one format can go to the standard output; write the others as `FORMAT=FILE`".to_owned(),
        ));
    }
    Ok(())
}

fn write_stdout(write: Writer<'_>, options: &Options) -> Result<(), Failure> {
    let stdout = io::stdout();
    let color = anstream::AutoStream::choice(&stdout) != anstream::ColorChoice::Never;
    let options = Options {
        color,
        ..options.clone()
    };
    let mut out = BufWriter::with_capacity(1 << 16, stdout.lock());
    let written = write(&options, &mut out).and_then(|()| Ok(out.flush()?));
    match written {
        // A reader that has seen enough, such as `head`, is no failure.
        Err(ReportError::Io(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        Err(error) => Err(Failure(error.to_string())),
        Ok(()) => Ok(()),
    }
}

fn write_file(write: Writer<'_>, path: &Path, options: &Options) -> Result<(), Failure> {
    let refused = |error: ReportError| match error {
        ReportError::Io(error) => refusal(path, &error),
        ReportError::Format { .. } => Failure(error.to_string()),
    };
    whole::write(path, Readers::Umask, |out| write(options, out)).map_err(refused)
}

fn refusal(path: &Path, error: &io::Error) -> Failure {
    Failure(format!(
        "cannot write `{}`: {error}; check that its directory exists and can be written",
        path.display()
    ))
}

/// Writes bytes to the standard output.
pub fn to_stdout(bytes: &[u8]) -> Result<(), Failure> {
    match io::stdout().lock().write_all(bytes) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        Err(error) => Err(Failure(format!("cannot write: {error}"))),
        Ok(()) => Ok(()),
    }
}

/// Columns of the terminal, within reason; a wide page where there is none.
pub fn width() -> usize {
    let stated = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    let shown = || terminal_size::terminal_size_of(io::stdout()).map(|(width, _)| usize::from(width.0));
    stated
        .or_else(shown)
        .map_or(110, |columns: usize| columns.clamp(60, 160))
}
