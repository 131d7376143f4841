//! What the exposure analysis costs, apart from reading and judging, as one table that a change can be compared by.
//!
//! `cargo bench --bench exposure` prints it; `cargo bench --bench exposure -- 1000000` reads and analyses so many
//! machines instead, and prints time and memory a machine. Everything runs on one thread; times are its
//! processor time, so that other work on the machine does not count, except those of the last.
#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a bench prints figures and stops where it cannot measure"
)]

mod estate;
#[path = "estate/random.rs"]
mod random;

use std::fmt::Write as _;
use std::io::{BufReader, BufWriter, Write as _};
use std::net::Ipv4Addr;
use std::sync::OnceLock;
use std::time::Instant;

use portcullis::exposure::{GroupAlone, analyse};
use portcullis::input::{Given, Reading};
use portcullis::net::MANAGEMENT_PORTS;
use random::Random;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Azure's limits: rules of one group, and prefixes over all of them.
const RULES: u64 = 1_000;
const PREFIXES: u64 = 4_000;
/// Rules of each group of a typical estate.
const TYPICAL_RULES: usize = 30;
/// Machines that are measured where 100,000 are asked for: each has groups of its own, so time is proportional.
const SAMPLE: u64 = 500;

fn main() {
    let machines = std::env::args()
        .skip(1)
        .find_map(|argument| argument.parse::<usize>().ok());
    rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build()
        .expect("a thread")
        .install(|| match machines {
            Some(machines) => many(machines),
            None => table(),
        });
}

fn table() {
    println!("| what | bar | measured |");
    println!("|---|---|---|");
    for (rules, prefixes) in [(30, 56), (100, 400), (RULES, PREFIXES)] {
        one_group(rules, prefixes);
    }
    let (seconds, kernel) = distinct();
    let all = |seconds: f64| seconds * 100_000.0 / SAMPLE as f64;
    println!(
        "| 100,000 machines, maximal groups of their own on subnet and interface (from {SAMPLE}) | 60 s | {:.1} s, of \
         which the kernel takes {:.1} s to hand out memory |",
        all(seconds),
        all(kernel)
    );
    let reading = generated(|out| estate::write_with(100_000, TYPICAL_RULES, out));
    let start = processor_seconds();
    let exposures = analyse(&reading.inventory, &reading.sources, &MANAGEMENT_PORTS);
    let seconds = processor_seconds() - start;
    println!(
        "| 100,000 machines, {} groups of {TYPICAL_RULES} rules shared | 1 s | {seconds:.2} s |",
        exposures.stacks.len(),
    );
}

/// One group: the sweep of four ports alone; with reading its rules and sorting their prefixes; and the whole answer
/// for a machine behind it, two ways in, worded.
fn one_group(rules: u64, prefixes: u64) {
    let mut random = Random(7);
    let group = group(&mut random, "subnet", rules, prefixes);
    let reading = read(&machine(0, &[(Layer::Subnet, &group)]));
    let ready = || GroupAlone::of(&reading.inventory, 0, 0).expect("a group");
    let kept = ready();
    let what = format!("one group, {rules} rules, {prefixes} prefixes, 4 ports");
    let print = |what: String, bar: &str, seconds: f64| println!("| {what} | {bar} | {:.3} ms |", seconds * 1e3);
    let bar = if rules == RULES { "0.3 ms" } else { "" };
    let seconds = mean(|| kept.reaches(&MANAGEMENT_PORTS).len());
    print(format!("{what}, verdict and attribution"), bar, seconds);
    let seconds = mean(|| ready().reaches(&MANAGEMENT_PORTS).len());
    print(format!("{what}, with compiling the group"), "", seconds);
    let analysed = || analyse(&reading.inventory, &reading.sources, &MANAGEMENT_PORTS);
    let seconds = mean(|| analysed().machines.len());
    print(format!("{what}, whole analysis of one machine, worded"), "", seconds);
}

/// Processor time of one call, from as many as take half a second.
fn mean(mut call: impl FnMut() -> usize) -> f64 {
    let start = processor_seconds();
    for calls in 1.. {
        std::hint::black_box(call());
        let seconds = processor_seconds() - start;
        if seconds > 0.5 {
            return seconds / f64::from(calls);
        }
    }
    0.0
}

/// Processor time of this thread, so that other work on the machine does not count; else the clock.
fn processor_seconds() -> f64 {
    static BEGUN: OnceLock<Instant> = OnceLock::new();
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = text
        .split_whitespace()
        .next()
        .and_then(|first| first.parse::<f64>().ok());
    nanoseconds.map_or_else(
        || BEGUN.get_or_init(Instant::now).elapsed().as_secs_f64(),
        |time| time / 1e9,
    )
}

/// What the kernel took of it, in ticks of ten milliseconds.
fn kernel_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/stat").unwrap_or_default();
    // The name of the thread, in brackets, may hold blanks; the ticks are the thirteenth word behind it.
    let behind = text.rsplit(')').next().unwrap_or_default();
    let ticks = behind
        .split_whitespace()
        .nth(12)
        .and_then(|word| word.parse::<f64>().ok());
    ticks.unwrap_or(0.0) / 100.0
}

/// All machines of the sample together, each behind two groups that no other machine has: processor time, and that of
/// the kernel within it.
fn distinct() -> (f64, f64) {
    let mut random = Random(11);
    let mut resources = Vec::new();
    for index in 0..SAMPLE {
        let subnet = group(&mut random, &format!("subnet{index}"), RULES, PREFIXES);
        let nic = group(&mut random, &format!("nic{index}"), RULES, PREFIXES);
        resources.push(machine(index, &[(Layer::Subnet, &subnet), (Layer::Nic, &nic)]));
    }
    let reading = read(&resources.join(","));
    let (start, before) = (processor_seconds(), kernel_seconds());
    let exposures = analyse(&reading.inventory, &reading.sources, &MANAGEMENT_PORTS);
    let (seconds, kernel) = (processor_seconds() - start, kernel_seconds() - before);
    assert_eq!(exposures.machines.len() as u64, SAMPLE);
    (seconds, kernel)
}

fn many(machines: usize) {
    let start = Instant::now();
    let reading = generated(move |out| estate::write(machines, out));
    let (read, memory) = (start.elapsed().as_secs_f64(), peak_memory());
    let start = Instant::now();
    let exposures = analyse(&reading.inventory, &reading.sources, &MANAGEMENT_PORTS);
    let analysed = start.elapsed().as_secs_f64();
    assert_eq!(exposures.machines.len(), machines);
    let whole = peak_memory();
    println!("| machines | read s | analyse s | peak MB, read | peak MB, analysed | KB a machine |");
    println!("|---|---|---|---|---|---|");
    println!(
        "| {machines} | {read:.1} | {analysed:.1} | {memory:.0} | {whole:.0} | {:.1} |",
        whole * 1e3 / machines as f64
    );
}

/// A generated estate, written and read side by side, so that its text is never held.
fn generated(write: impl FnOnce(&mut dyn std::io::Write) -> std::io::Result<u64> + Send + 'static) -> Reading {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    let writing = std::thread::spawn(move || {
        let mut out = BufWriter::new(writer);
        write(&mut out).and_then(|_| out.flush())
    });
    let mut reading = Reading::default();
    reading.read("estate.jsonl", Given::Named, BufReader::new(reader));
    reading.finish();
    writing.join().expect("the writer").expect("the estate is written");
    reading
}

fn read(resources: &str) -> Reading {
    let mut reading = Reading::default();
    reading.read("estate.json", Given::Named, format!("[{resources}]").as_bytes());
    reading.finish();
    reading
}

#[derive(Clone, Copy, PartialEq)]
enum Layer {
    Subnet,
    Nic,
}

const GROUP: &str = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg/providers";

/// A machine with its interface, network and groups.
fn machine(index: u64, groups: &[(Layer, &str)]) -> String {
    let reference = |layer: Layer, name: &str| match groups.iter().any(|(at, _)| *at == layer) {
        true => format!(r#","networkSecurityGroup":{{"id":"{GROUP}/Microsoft.Network/networkSecurityGroups/{name}"}}"#),
        false => String::new(),
    };
    let single = if groups.len() == 1 {
        String::new()
    } else {
        index.to_string()
    };
    let subnet_group = reference(Layer::Subnet, &format!("subnet{single}"));
    let nic_group = reference(Layer::Nic, &format!("nic{single}"));
    let (a, b) = (index / 250, index % 250 + 1);
    let mut text = format!(
        r#"{{"id":"{GROUP}/Microsoft.Compute/virtualMachines/vm{index}","properties":{{"networkProfile":{{"networkInterfaces":[{{"id":"{GROUP}/Microsoft.Network/networkInterfaces/nic{index}"}}]}}}}}},
        {{"id":"{GROUP}/Microsoft.Network/networkInterfaces/nic{index}","properties":{{"ipConfigurations":[{{"name":"ip","properties":{{"privateIPAddress":"10.{a}.{b}.4","publicIPAddress":{{"id":"{GROUP}/Microsoft.Network/publicIPAddresses/ip{index}"}},"subnet":{{"id":"{GROUP}/Microsoft.Network/virtualNetworks/net{index}/subnets/s"}}}}}}]{nic_group}}}}},
        {{"id":"{GROUP}/Microsoft.Network/publicIPAddresses/ip{index}","sku":{{"name":"Standard"}},"properties":{{"ipAddress":"20.{a}.{b}.4"}}}},
        {{"id":"{GROUP}/Microsoft.Network/virtualNetworks/net{index}","properties":{{"addressSpace":{{"addressPrefixes":["10.{a}.{b}.0/24"]}},"subnets":[{{"name":"s","properties":{{"addressPrefix":"10.{a}.{b}.0/24"{subnet_group}}}}}]}}}}"#
    );
    for (_, group) in groups {
        let _ = write!(text, ",{group}");
    }
    text
}

fn group(random: &mut Random, name: &str, rules: u64, prefixes: u64) -> String {
    let each = (prefixes / rules).max(1);
    let rule = |index: u64| {
        let sources: Vec<String> = (0..each)
            .map(|_| {
                let length = 8 + random.below(25);
                format!(r#""{}/{length}""#, Ipv4Addr::from_bits(random.next() as u32))
            })
            .collect();
        let access = if random.below(2) == 0 { "Allow" } else { "Deny" };
        let ports = match random.below(4) {
            0 => "*".to_owned(),
            1 => "20-4000".to_owned(),
            2 => "5985-5986".to_owned(),
            _ => random.pick(&MANAGEMENT_PORTS).to_string(),
        };
        format!(
            r#"{{"name":"rule-{index}","properties":{{"priority":{},"direction":"Inbound","access":"{access}","protocol":"Tcp","sourceAddressPrefixes":[{}],"sourcePortRange":"*","destinationAddressPrefix":"*","destinationPortRange":"{ports}"}}}}"#,
            100 + index,
            sources.join(",")
        )
    };
    let rules: Vec<String> = (0..rules).map(rule).collect();
    format!(
        r#"{{"id":"{GROUP}/Microsoft.Network/networkSecurityGroups/{name}","properties":{{"securityRules":[{}]}}}}"#,
        rules.join(",")
    )
}

/// Peak resident memory of this process in MB, where the system tells.
fn peak_memory() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
    kilobytes.unwrap_or(0.0) / 1e3
}
