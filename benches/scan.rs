//! How long a whole scan takes and how much memory, beside `serde_json` parsing the same bytes into `Value`.
//!
//! `cargo bench --bench scan` prints a table for 1,000, 10,000 and 100,000 machines; numbers given after `--` replace
//! these. Each measurement is a process of its own, so that peak memory is its own; they take turns, and the median
//! of the runs is printed.
#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a bench prints figures and stops where it cannot measure"
)]

mod estate;

use std::fs::{self, File};
use std::io::{BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use portcullis::exposure::analyse;
use portcullis::input::{Given, Reading};
use portcullis::net::MANAGEMENT_PORTS;
use portcullis::report::{FORMATS, Options};
use portcullis::rule::assess::{Assessor, Policy};
use portcullis::rule::facts::Estate;
use portcullis::rule::params::ResolvedParams;
use portcullis::rule::{Rule, builtin};
use portcullis::scan::{Request, scan};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const RUNS: usize = 5;

fn main() {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| argument != "--bench")
        .collect();
    match arguments.as_slice() {
        [what, path] if what == "--measure-scan" => measure(|| scan_file(Path::new(path))),
        [what, path] if what == "--measure-value" => measure(|| parse_values(Path::new(path))),
        [what, path] if what == "--stages" => stages(Path::new(path)),
        sizes => table(sizes),
    }
}

fn table(sizes: &[String]) {
    let sizes: Vec<usize> = sizes.iter().filter_map(|size| size.parse().ok()).collect();
    let sizes = if sizes.is_empty() {
        vec![1_000, 10_000, 100_000]
    } else {
        sizes
    };
    println!("| machines | MB | serde_json Value s | scan s | ratio | machines/s | peak MB | MB per 1,000 machines |");
    println!("|---|---|---|---|---|---|---|---|");
    for machines in sizes {
        row(machines);
    }
}

fn row(machines: usize) {
    let path = generated(machines);
    let megabytes = fs::metadata(&path).map_or(0.0, |metadata| metadata.len() as f64 / 1e6);
    let (mut values, mut scans, mut peaks) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..RUNS {
        values.push(run("--measure-value", &path).0);
        let (seconds, peak) = run("--measure-scan", &path);
        scans.push(seconds);
        peaks.push(peak);
    }
    let (value, scan, peak) = (median(values), median(scans), median(peaks));
    println!(
        "| {machines} | {megabytes:.0} | {value:.3} | {scan:.3} | {:.2} | {:.0} | {peak:.0} | {:.1} |",
        scan / value,
        machines as f64 / scan,
        peak / machines as f64 * 1e3,
    );
}

fn generated(machines: usize) -> PathBuf {
    let directory = std::env::temp_dir().join("portcullis-bench");
    fs::create_dir_all(&directory).expect("a directory for generated estates");
    let path = directory.join(format!("estate-{machines}.jsonl"));
    let mut out = BufWriter::new(File::create(&path).expect("a file for the estate"));
    estate::write(machines, &mut out)
        .and_then(|_| out.flush())
        .expect("the estate is written");
    path
}

/// Runs this program again for one measurement: seconds and peak memory in MB.
fn run(what: &str, path: &Path) -> (f64, f64) {
    let program = std::env::current_exe().expect("this program's path");
    let output = Command::new(program)
        .arg(what)
        .arg(path)
        .output()
        .expect("the measurement runs");
    let text = String::from_utf8(output.stdout).expect("figures");
    let mut figures = text
        .split_whitespace()
        .map(|figure| figure.parse::<f64>().expect("a figure"));
    (figures.next().expect("seconds"), figures.next().expect("memory"))
}

fn measure(work: impl FnOnce()) {
    let start = Instant::now();
    work();
    println!("{} {}", start.elapsed().as_secs_f64(), peak_memory());
}

/// Peak resident memory of this process in MB, where the system tells.
fn peak_memory() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line
        .and_then(|line| line.split_whitespace().next())
        .and_then(|figure| figure.parse::<f64>().ok());
    kilobytes.unwrap_or(0.0) / 1e3
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

/// Where the time and the memory of one scan go.
fn stages(path: &Path) {
    let mut watch = Instant::now();
    let mut lap = |name: &str| {
        println!(
            "{name:10} {:8.3} s  peak {:6.0} MB",
            watch.elapsed().as_secs_f64(),
            peak_memory()
        );
        watch = Instant::now();
    };
    let mut reading = Reading::default();
    reading.read(
        "estate.jsonl",
        Given::Named,
        BufReader::new(File::open(path).expect("the estate")),
    );
    lap("read");
    reading.finish();
    lap("finish");
    let (rules, params) = rules();
    let exposures = analyse(&reading.inventory, &reading.sources, &MANAGEMENT_PORTS);
    lap("analyse");
    let facts = Estate::new(&reading.inventory, &exposures, jiff::Timestamp::UNIX_EPOCH);
    lap("index");
    let policies: Vec<Policy<'_>> = policies(rules, &params);
    let (sources, assumed) = (&reading.sources, &[]);
    let assessment = Assessor {
        estate: &facts,
        sources,
        policies: &policies,
        assumed,
        keep_all: false,
    }
    .assess();
    lap("assess");
    println!(
        "{} stacks, {} findings",
        exposures.stacks.len(),
        assessment.findings.len()
    );
    drop(assessment);
    drop(facts);
    drop(exposures);
    lap("drop");
    let report = scan(reading, &request(policies));
    lap("scan");
    let console = FORMATS
        .iter()
        .find(|format| format.name == "console")
        .expect("the console format");
    (console.write)(&report, &Options::default(), &mut std::io::sink()).expect("the report is written");
    lap("console");
    std::mem::forget(report);
}

fn rules() -> (&'static [Rule], Vec<ResolvedParams>) {
    let rules = builtin::rules();
    (rules, rules.iter().map(ResolvedParams::defaults).collect())
}

fn policies<'r>(rules: &'r [Rule], params: &'r [ResolvedParams]) -> Vec<Policy<'r>> {
    rules.iter().zip(params).map(Policy::reported).collect()
}

fn request(policies: Vec<Policy<'_>>) -> Request<'_> {
    Request {
        now: None,
        inputs: vec!["estate.jsonl".to_owned()],
        ..Request::plain(policies, jiff::Timestamp::UNIX_EPOCH)
    }
}

/// The comparison: every line into a `Value`, one after the other, each dropped before the next.
fn parse_values(path: &Path) {
    let text = fs::read(path).expect("the estate");
    let mut members = 0;
    for line in text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let value: serde_json::Value = serde_json::from_slice(line).expect("JSON");
        members += value.as_object().map_or(0, serde_json::Map::len);
    }
    assert!(members > 0);
}

/// The whole scan: read, analyse, judge with every built-in rule, and write the console report.
fn scan_file(path: &Path) {
    let mut reading = Reading::default();
    reading.read(
        "estate.jsonl",
        Given::Named,
        BufReader::new(File::open(path).expect("the estate")),
    );
    reading.finish();
    let (rules, params) = rules();
    let report = scan(reading, &request(policies(rules, &params)));
    assert!(report.scan.complete && !report.findings.is_empty());
    let console = FORMATS
        .iter()
        .find(|format| format.name == "console")
        .expect("the console format");
    (console.write)(&report, &Options::default(), &mut std::io::sink()).expect("the report is written");
    // The process ends here: the system takes the memory back faster than we could.
    std::mem::forget(report);
}
