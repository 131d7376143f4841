//! Reads what a command was given: files, a live estate, and values for templates. What cannot be opened is lost, and said.

use std::fs::File;
use std::sync::Arc;

use super::files::InputFile;
use super::library::Shelf;
use super::progress::Progress;
use crate::azure::record::RecordingText;
use crate::input::{Given, Limits, Reading};
use crate::model::Choices;

/// What templates and configurations are given beside themselves.
#[derive(Default)]
pub struct Values {
    pub files: Vec<InputFile>,
    /// Terraform variables by name, as typed.
    pub variables: Vec<(String, String)>,
    pub assume_complete: bool,
    /// Readings that decide how files are joined.
    pub choices: Choices,
    pub limits: Limits,
}

impl Values {
    /// A reading in which nothing is read yet.
    pub fn begin(&self) -> Reading {
        let mut reading = Reading::default();
        reading.assume_complete = self.assume_complete;
        reading.inventory.choices = self.choices.clone();
        reading.limits = self.limits.clone();
        reading.terraform.values = self.variables.clone();
        reading
    }

    /// Gives the values to what was read, and joins it. Called once, after the last text.
    pub fn finish(&self, reading: &mut Reading) {
        for file in &self.files {
            if let Some(opened) = opened(reading, file) {
                reading.read_parameters(&file.name(), opened);
            }
        }
        reading.finish();
    }
}

/// What diagnostics call the live estate.
const LIVE: &str = "azure";

/// Reads a live estate, where there is one, and every file, with values for templates.
pub fn read_with(live: Option<RecordingText>, files: &[InputFile], values: &Values, progress: &Progress) -> Reading {
    let mut reading = values.begin();
    reading.library = Some(Arc::new(Shelf::of_files(files)));
    if let Some(live) = live {
        reading.read(LIVE, Given::Named, live);
    }
    for file in files {
        if let Some(opened) = opened(&mut reading, file) {
            reading.read(&file.name(), file.given, progress.watch(opened));
        }
    }
    values.finish(&mut reading);
    reading
}

/// Reads one file.
pub fn read_file(reading: &mut Reading, file: &InputFile) {
    if let Some(opened) = opened(reading, file) {
        reading.read(&file.name(), file.given, opened);
    }
}

fn opened(reading: &mut Reading, file: &InputFile) -> Option<File> {
    let name = file.name();
    let opened = file.open().map_err(|error| {
        let message = format!("`{name}` cannot be opened: {error}");
        reading.lose(crate::source::Diagnostic::error("unreadable", message));
    });
    opened.ok()
}

/// Nothing that any rule judges was read.
pub fn is_empty(reading: &Reading) -> bool {
    let inventory = &reading.inventory;
    inventory.vms.is_empty()
        && inventory.nsgs.is_empty()
        && inventory.strays.is_empty()
        && inventory.jit_policies.is_empty()
}
