//! The estate that the arguments of a command name, read the same way for each command.

use std::fs::File;
use std::path::PathBuf;

use super::Failure;
use super::files::{self, InputFile};
use super::progress::Progress;
use crate::input::Reading;
use crate::model::Choices;
use crate::source::Diagnostic;

/// What the user gave.
pub(super) struct Given<'a> {
    pub paths: &'a [PathBuf],
    /// Files with values for the parameters of templates.
    pub parameters: &'a [PathBuf],
    pub service_tags: &'a [PathBuf],
    pub assume_complete: bool,
    /// Readings of what no input settles, each checked when the arguments were parsed.
    pub assume: &'a [String],
}

/// Checks a choice as it was typed.
pub(super) fn assumption(text: &str) -> Result<String, String> {
    Choices::default().choose(text).map(|()| text.to_owned())
}

impl Given<'_> {
    /// Every file to read but those of parameters.
    pub fn files(&self) -> Result<Vec<InputFile>, Failure> {
        let mut files = files::collect(self.paths)?;
        files.extend(files::collect(self.service_tags)?);
        Ok(files)
    }

    /// Reads the files; what cannot be opened is lost, and said.
    pub fn read(&self, files: &[InputFile], progress: &Progress) -> Result<Reading, Failure> {
        let values = self.parameter_files()?;
        let mut reading = Reading::default();
        reading.assume_complete = self.assume_complete;
        for file in files {
            if let Some(opened) = opened(&mut reading, file) {
                reading.read(&file.name(), file.given, progress.watch(opened));
            }
        }
        for file in &values {
            if let Some(opened) = opened(&mut reading, file) {
                reading.read_parameters(&file.name(), opened);
            }
        }
        reading.finish();
        reading.inventory.choices = self.choices();
        if !self.service_tags.is_empty() && reading.inventory.tag_addresses.is_empty() {
            let message =
                "no service tag is in the files given with --service-tags; give Microsoft's `ServiceTags_Public` file";
            return Err(Failure(message.to_owned()));
        }
        Ok(reading)
    }

    pub fn choices(&self) -> Choices {
        let mut choices = Choices::default();
        for text in self.assume {
            if choices.choose(text).is_err() {
                break;
            }
        }
        choices
    }

    fn parameter_files(&self) -> Result<Vec<InputFile>, Failure> {
        if let Some(directory) = self.parameters.iter().find(|path| path.is_dir()) {
            let shown = directory.display();
            return Err(Failure(format!(
                "`{shown}` is a directory; name a file with parameter values"
            )));
        }
        files::collect(self.parameters)
    }
}

fn opened(reading: &mut Reading, file: &InputFile) -> Option<File> {
    let name = file.name();
    let opened = file.open().map_err(|error| {
        let message = format!("`{name}` cannot be opened: {error}");
        reading.lose(Diagnostic::error("unreadable", message));
    });
    opened.ok()
}
