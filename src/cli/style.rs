//! Colours and the few lines that go to the error stream.

use std::io::Write;

use anstyle::{AnsiColor, Style};
use clap::ValueEnum;

use crate::rule::frame;
use crate::source::{Diagnostic, Level};

/// When to write colours; `auto` honours `NO_COLOR`, `CLICOLOR` and what the stream is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ColorChoice {
    #[default]
    Auto,
    Always,
    Never,
}

impl ColorChoice {
    pub fn apply(self) {
        let choice = match self {
            ColorChoice::Auto => anstream::ColorChoice::Auto,
            ColorChoice::Always => anstream::ColorChoice::Always,
            ColorChoice::Never => anstream::ColorChoice::Never,
        };
        choice.write_global();
    }
}

const RED: Style = AnsiColor::Red.on_default().bold();
const YELLOW: Style = AnsiColor::Yellow.on_default().bold();
const CYAN: Style = AnsiColor::Cyan.on_default().bold();

/// Prints one failure.
pub fn error(message: &str) {
    let line = crate::report::text::line(message);
    // A closed error stream leaves nobody to tell.
    let _ = writeln!(anstream::stderr(), "{RED}error{RED:#}: {line}");
}

/// Prints a warning about the whole.
pub fn warning(message: &str) {
    let line = crate::report::text::line(message);
    let _ = writeln!(anstream::stderr(), "{YELLOW}warning{YELLOW:#}: {line}");
}

/// Prints what is worth knowing and changes nothing.
pub fn note(message: &str) {
    let line = crate::report::text::line(message);
    let _ = writeln!(anstream::stderr(), "{CYAN}note{CYAN:#}: {line}");
}

/// Prints a diagnostic on the error stream, with its place and what to do.
pub fn diagnostic(diagnostic: &Diagnostic) {
    let (style, word) = match diagnostic.level {
        Level::Error => (RED, "error"),
        Level::Warning => (YELLOW, "warning"),
        Level::Note => (CYAN, "note"),
    };
    let message = crate::report::text::line(&diagnostic.message);
    let mut out = anstream::stderr();
    let _ = writeln!(out, "{style}{word}{style:#}: {message}");
    if let Some(location) = &diagnostic.location {
        let place = location.to_string();
        let _ = writeln!(out, "  --> {}", crate::report::text::line(&place));
    }
    if let Some(help) = &diagnostic.help {
        let _ = writeln!(out, "  help: {}", crate::report::text::line(help));
    }
}

/// Prints a diagnostic over the lines of the text it points to.
pub fn framed(diagnostic: &Diagnostic, text: &str) {
    let _ = writeln!(anstream::stderr(), "{}\n", frame::render_styled(diagnostic, text));
}
