//! Colours and the few lines that go to the error stream.

use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};

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

/// How lines on the error stream are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line, for collectors of logs.
    Json,
}

static JSON: AtomicBool = AtomicBool::new(false);

impl LogFormat {
    pub fn apply(self) {
        JSON.store(self == LogFormat::Json, Ordering::Relaxed);
    }
}

/// Whether lines are JSON.
pub fn is_json() -> bool {
    JSON.load(Ordering::Relaxed)
}

/// One line for collectors: time, level, message, and whatever else there is to say.
pub fn record(level: &str, message: &str, fields: serde_json::Value) {
    let mut line = serde_json::json!({
        "time": jiff::Timestamp::now().to_string(), "level": level, "target": "portcullis", "message": message,
    });
    if let (Some(line), serde_json::Value::Object(fields)) = (line.as_object_mut(), fields) {
        line.extend(fields);
    }
    // A closed error stream leaves nobody to tell.
    let _ = writeln!(std::io::stderr(), "{line}");
}

fn say(style: Style, level: &str, message: &str) {
    if is_json() {
        return record(level, message, serde_json::Value::Null);
    }
    let line = crate::report::text::line(message);
    let _ = writeln!(anstream::stderr(), "{style}{level}{style:#}: {line}");
}

/// Prints one failure.
pub fn error(message: &str) {
    say(RED, "error", message);
}

/// Prints a warning about the whole.
pub fn warning(message: &str) {
    say(YELLOW, "warning", message);
}

/// Prints what is worth knowing and changes nothing.
pub fn note(message: &str) {
    say(CYAN, "note", message);
}

/// Prints a diagnostic on the error stream, with its place and what to do.
pub fn diagnostic(diagnostic: &Diagnostic) {
    let (style, word) = match diagnostic.level {
        Level::Error => (RED, "error"),
        Level::Warning => (YELLOW, "warning"),
        Level::Note => (CYAN, "note"),
    };
    if is_json() {
        let fields = serde_json::json!({
            "code": diagnostic.code, "help": diagnostic.help, "location": diagnostic.location,
        });
        return record(word, &diagnostic.message, fields);
    }
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
