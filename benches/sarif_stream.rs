//! How much memory the SARIF of 100,000 findings takes beyond the report itself.
//! `cargo bench --bench sarif_stream`; reads the peak of the process where the system tells it.

#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::panic)]

#[path = "../tests/common/mod.rs"]
mod common;

use std::io::{self, Write};
use std::time::Instant;

use portcullis::report::{FORMATS, Options};

#[derive(Default)]
struct Counter(u64);

impl Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn main() {
    let report = common::large(100_000);
    let format = FORMATS.iter().find(|format| format.name == "sarif").unwrap();
    let options = Options {
        sarif_max_results: usize::MAX,
        ..Options::default()
    };
    let before = peak_kilobytes();
    let start = Instant::now();
    let mut out = Counter::default();
    (format.write)(&report, &options, &mut out).unwrap();
    let grown = before
        .zip(peak_kilobytes())
        .map(|(before, after)| after.saturating_sub(before));
    println!(
        "{} bytes in {:?}, peak grew by {grown:?} kB over {before:?} kB",
        out.0,
        start.elapsed()
    );
}

fn peak_kilobytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?
        .split_whitespace()
        .next()?
        .parse()
        .ok()
}
