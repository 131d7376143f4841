//! A progress bar on the error stream, when it is a terminal and there is much to read.

use std::io::{IsTerminal, Read};

use indicatif::{ProgressBar, ProgressStyle};

/// Below, reading takes no time worth a bar.
const WORTH_SHOWING: u64 = 16 << 20;

pub struct Progress {
    bar: Option<ProgressBar>,
}

impl Progress {
    pub fn new(bytes: u64) -> Self {
        let shown = bytes > WORTH_SHOWING && std::io::stderr().is_terminal();
        let style = ProgressStyle::with_template("{msg} {bar:30} {bytes}/{total_bytes} {eta}");
        let bar = shown.then(|| ProgressBar::new(bytes).with_message("reading"));
        if let (Some(bar), Ok(style)) = (&bar, style) {
            bar.set_style(style);
        }
        Progress { bar }
    }

    /// The reader, counted.
    pub fn watch<'r>(&self, reader: impl Read + 'r) -> Box<dyn Read + 'r> {
        match &self.bar {
            Some(bar) => Box::new(bar.wrap_read(reader)),
            None => Box::new(reader),
        }
    }

    /// Names what is being done now that everything has been read.
    pub fn judging(&self) {
        if let Some(bar) = &self.bar {
            bar.set_style(ProgressStyle::default_spinner());
            bar.set_message("judging");
        }
    }

    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// Shows that something is under way whose length nobody knows; `None` where nobody looks.
pub fn spinner(message: &'static str) -> Option<ProgressBar> {
    let spinner = std::io::stderr().is_terminal().then(ProgressBar::new_spinner)?;
    spinner.set_message(message);
    spinner.enable_steady_tick(std::time::Duration::from_millis(120));
    Some(spinner)
}
