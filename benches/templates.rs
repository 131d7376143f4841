//! How fast templates are read and checked, beside `serde_json` parsing the same JSON into `Value`.
//!
//! `cargo bench --bench templates` generates a repository of 2,000 ARM templates, one of 2,000 Bicep files, and one template
//! of 20 MB, and prints a row for each; `-- DIRECTORY...` measures directories instead. Each measurement is a process of
//! its own; they take turns, and medians are printed.
#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a bench prints figures and stops where it cannot measure"
)]

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use portcullis::input::{Given, Reading};
use portcullis::report::{FORMATS, Options};
use portcullis::scan::scan_by_default;
use portcullis::syntax::{bicep, json};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const RUNS: usize = 5;

type Measure = fn(&[PathBuf]);

/// Measurements by name, in the order of the columns.
const MEASURES: &[(&str, Measure)] = &[
    ("--value", values),
    ("--parse", parse),
    ("--read", |files| drop(read(files))),
    ("--check", check),
];

fn main() {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| argument != "--bench")
        .collect();
    if let [what, directory] = arguments.as_slice()
        && let Some((_, measure)) = MEASURES.iter().find(|(name, _)| name == what)
    {
        let files = files(Path::new(directory));
        let start = Instant::now();
        measure(&files);
        println!("{} {}", start.elapsed().as_secs_f64(), peak_memory());
        return;
    }
    println!(
        "| what | files | MB | serde_json Value s | parsing s | reading s | whole check s | parsing / Value | check / Value | files/s | MB/s | peak MB |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|---|");
    let rows: Vec<(String, PathBuf)> = match arguments.is_empty() {
        true => GENERATED
            .iter()
            .map(|(name, generate)| ((*name).to_owned(), generated(name, *generate)))
            .collect(),
        false => arguments
            .iter()
            .map(|path| (path.clone(), PathBuf::from(path)))
            .collect(),
    };
    rows.iter().for_each(|(name, directory)| row(name, directory));
}

fn row(name: &str, directory: &Path) {
    let files = files(directory);
    let bytes: u64 = files
        .iter()
        .map(|file| fs::metadata(file).map_or(0, |metadata| metadata.len()))
        .sum();
    let mut seconds: Vec<Vec<f64>> = vec![Vec::new(); MEASURES.len()];
    let mut peaks = Vec::new();
    for _ in 0..RUNS {
        for (at, (what, _)) in MEASURES.iter().enumerate() {
            let (took, peak) = run(what, directory);
            seconds[at].push(took);
            if at + 1 == MEASURES.len() {
                peaks.push(peak);
            }
        }
    }
    let medians: Vec<f64> = seconds.into_iter().map(median).collect();
    let (value, check) = (medians[0], medians[3]);
    let ratio = |seconds: f64| match value > 0.0005 {
        true => format!("{:.2}", seconds / value),
        false => "-".to_owned(),
    };
    println!(
        "| {name} | {} | {:.1} | {value:.3} | {:.3} | {:.3} | {check:.3} | {} | {} | {:.0} | {:.1} | {:.0} |",
        files.len(),
        bytes as f64 / 1e6,
        medians[1],
        medians[2],
        ratio(medians[1]),
        ratio(check),
        files.len() as f64 / check,
        bytes as f64 / 1e6 / check,
        median(peaks),
    );
}

fn run(what: &str, directory: &Path) -> (f64, f64) {
    let program = std::env::current_exe().expect("this program's path");
    let output = Command::new(program)
        .arg(what)
        .arg(directory)
        .output()
        .expect("the measurement runs");
    let text = String::from_utf8(output.stdout).expect("figures");
    let mut figures = text
        .split_whitespace()
        .map(|figure| figure.parse::<f64>().expect("a figure"));
    (figures.next().expect("seconds"), figures.next().expect("memory"))
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

/// Templates and their values below a directory, by name.
fn files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut waiting = vec![directory.to_path_buf()];
    while let Some(directory) = waiting.pop() {
        for entry in fs::read_dir(&directory).expect("a directory") {
            let path = entry.expect("an entry").path();
            let wanted = path
                .extension()
                .is_some_and(|ending| ["json", "bicep", "bicepparam"].iter().any(|known| ending == *known));
            match path.is_dir() {
                true => waiting.push(path),
                false if wanted => found.push(path),
                false => {}
            }
        }
    }
    found.sort();
    found
}

fn is_json(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == "json")
}

fn values(files: &[PathBuf]) {
    for file in files.iter().filter(|file| is_json(file)) {
        let text = fs::read(file).expect("a file");
        drop(std::hint::black_box(serde_json::from_slice::<serde_json::Value>(&text)));
    }
}

fn parse(files: &[PathBuf]) {
    for file in files {
        let text = String::from_utf8_lossy(&fs::read(file).expect("a file")).into_owned();
        match is_json(file) {
            true => drop(std::hint::black_box(json::parse_lenient(&text, &mut |_| {}))),
            false => drop(std::hint::black_box(bicep::parse(&text))),
        }
    }
}

fn read(files: &[PathBuf]) -> Reading {
    let mut reading = Reading::default();
    for file in files {
        let text = fs::File::open(file).expect("a file");
        reading.read(&file.to_string_lossy(), Given::Found, text);
    }
    reading.finish();
    reading
}

fn check(files: &[PathBuf]) {
    let report = scan_by_default(read(files), jiff::Timestamp::UNIX_EPOCH, &[]);
    let console = FORMATS
        .iter()
        .find(|format| format.name == "console")
        .expect("the console format");
    (console.write)(&report, &Options::default(), &mut std::io::sink()).expect("the report is written");
    std::mem::forget(report);
}

type Generate = fn(&Path);

const GENERATED: &[(&str, Generate)] = &[
    ("2,000 ARM templates", arm_repository),
    ("2,000 Bicep files", bicep_repository),
    ("one template of 20 MB", large_template),
];

fn generated(name: &str, generate: Generate) -> PathBuf {
    let directory = std::env::temp_dir()
        .join("portcullis-bench")
        .join(name.replace([' ', ','], "-"));
    drop(fs::remove_dir_all(&directory));
    fs::create_dir_all(&directory).expect("a directory for generated templates");
    generate(&directory);
    directory
}

/// Every tenth directory holds a template with nine that it links; the others nine with values beside them, and one more.
fn arm_repository(root: &Path) {
    for at in 0..200_usize {
        let directory = root.join(format!("team-{:02}/app-{at:03}", at % 20));
        fs::create_dir_all(&directory).expect("a directory");
        let mut links = String::new();
        for part in 0..9 {
            let name = format!("part-{part}");
            fs::write(
                directory.join(format!("{name}.json")),
                arm_template(at * 10 + part, 2, ""),
            )
            .expect("a template");
            let _ = write!(
                links,
                "{{ \"type\": \"Microsoft.Resources/deployments\", \"apiVersion\": \"2022-09-01\", \"name\": \"{name}\", \
                 \"properties\": {{ \"mode\": \"Incremental\", \"templateLink\": {{ \"relativePath\": \"{name}.json\" }}, \
                 \"parameters\": {{ \"prefix\": {{ \"value\": \"[concat(parameters('prefix'), '{part}')]\" }} }} }} }},"
            );
        }
        let links = if at.is_multiple_of(10) { links } else { String::new() };
        fs::write(directory.join("azuredeploy.json"), arm_template(at * 10 + 9, 3, &links)).expect("a template");
    }
}

fn large_template(root: &Path) {
    let text = arm_template(0, 5_200, "");
    fs::write(root.join("large.json"), text).expect("a template");
}

/// A template with a network, and so many machines with interface, address and a group of six rules.
fn arm_template(seed: usize, machines: usize, more: &str) -> String {
    let mut text = String::from(
        "{\n  \"$schema\": \"https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#\",\n  \
         \"contentVersion\": \"1.0.0.0\",\n  \"parameters\": {\n    \"prefix\": { \"type\": \"string\", \"defaultValue\": \"app\" },\n    \
         \"location\": { \"type\": \"string\", \"defaultValue\": \"[resourceGroup().location]\" },\n    \"admin\": { \"type\": \"string\", \
         \"defaultValue\": \"203.0.113.0/24\" }\n  },\n  \"variables\": {\n    \"network\": \"[concat(parameters('prefix'), '-vnet')]\",\n    \
         \"subnet\": \"[resourceId('Microsoft.Network/virtualNetworks/subnets', variables('network'), 'web')]\"\n  },\n  \"resources\": [\n",
    );
    text.push_str(more);
    text.push_str(
        "    {\n      \"type\": \"Microsoft.Network/virtualNetworks\",\n      \"apiVersion\": \"2023-09-01\",\n      \"name\": \
         \"[variables('network')]\",\n      \"location\": \"[parameters('location')]\",\n      \"properties\": {\n        \"addressSpace\": { \
         \"addressPrefixes\": [ \"10.0.0.0/8\" ] },\n        \"subnets\": [ { \"name\": \"web\", \"properties\": { \"addressPrefix\": \
         \"10.0.0.0/16\" } } ]\n      }\n    }",
    );
    for at in 0..machines {
        machine(&mut text, seed + at, at);
    }
    text.push_str("\n  ]\n}\n");
    text
}

fn machine(text: &mut String, seed: usize, at: usize) {
    let _ = write!(
        text,
        ",\n    {{\n      \"type\": \"Microsoft.Network/networkSecurityGroups\",\n      \"apiVersion\": \"2023-09-01\",\n      \"name\": \
         \"[concat(parameters('prefix'), '-nsg-{at}')]\",\n      \"location\": \"[parameters('location')]\",\n      \"properties\": {{\n        \
         \"securityRules\": ["
    );
    for rule in 0..6_usize {
        let source = match (seed + rule) % 7 {
            0 => "[parameters('admin')]",
            1 => "*",
            2 => "Internet",
            _ => "10.0.0.0/8",
        };
        let port = ["443", "80", "22", "8080-8090", "3389", "5000"][(seed + rule) % 6];
        let access = if (seed + rule).is_multiple_of(5) {
            "Deny"
        } else {
            "Allow"
        };
        let comma = if rule == 0 { "" } else { "," };
        let _ = write!(
            text,
            "{comma}\n          {{\n            \"name\": \"rule-{rule}\",\n            \"properties\": {{\n              \"priority\": {},\n              \
             \"direction\": \"Inbound\",\n              \"access\": \"{access}\",\n              \"protocol\": \"Tcp\",\n              \
             \"sourcePortRange\": \"*\",\n              \"sourceAddressPrefix\": \"{source}\",\n              \"destinationAddressPrefix\": \"*\",\n              \
             \"destinationPortRange\": \"{port}\"\n            }}\n          }}",
            100 + rule * 10,
        );
    }
    let _ = write!(
        text,
        "\n        ]\n      }}\n    }},\n    {{\n      \"type\": \"Microsoft.Network/networkInterfaces\",\n      \"apiVersion\": \
         \"2023-09-01\",\n      \"name\": \"[concat(parameters('prefix'), '-nic-{at}')]\",\n      \"location\": \"[parameters('location')]\",\n      \
         \"properties\": {{\n        \"networkSecurityGroup\": {{ \"id\": \"[resourceId('Microsoft.Network/networkSecurityGroups', \
         concat(parameters('prefix'), '-nsg-{at}'))]\" }},\n        \"ipConfigurations\": [\n          {{\n            \"name\": \"ipconfig1\",\n            \
         \"properties\": {{\n              \"subnet\": {{ \"id\": \"[variables('subnet')]\" }},\n              \"privateIPAllocationMethod\": \
         \"Dynamic\"\n            }}\n          }}\n        ]\n      }}\n    }},\n    {{\n      \"type\": \"Microsoft.Compute/virtualMachines\",\n      \
         \"apiVersion\": \"2024-03-01\",\n      \"name\": \"[concat(parameters('prefix'), '-vm-{at}')]\",\n      \"location\": \
         \"[parameters('location')]\",\n      \"properties\": {{\n        \"hardwareProfile\": {{ \"vmSize\": \"Standard_B2s\" }},\n        \
         \"networkProfile\": {{ \"networkInterfaces\": [ {{ \"id\": \"[resourceId('Microsoft.Network/networkInterfaces', \
         concat(parameters('prefix'), '-nic-{at}'))]\" }} ] }}\n      }}\n    }}"
    );
}

/// Directories of one main file that calls nine modules.
fn bicep_repository(root: &Path) {
    for at in 0..200_usize {
        let directory = root.join(format!("team-{:02}/app-{at:03}", at % 20));
        fs::create_dir_all(directory.join("modules")).expect("a directory");
        let mut main = String::from("param prefix string = 'app'\nparam admin string = '203.0.113.0/24'\n");
        for part in 0..9 {
            let name = format!("part{part}");
            fs::write(
                directory.join(format!("modules/{name}.bicep")),
                bicep_module(at * 10 + part),
            )
            .expect("a module");
            let _ = write!(
                main,
                "module {name} 'modules/{name}.bicep' = {{\n  name: '${{prefix}}-{name}'\n  params: {{ prefix: '${{prefix}}{part}', admin: \
                 admin }}\n}}\n"
            );
        }
        fs::write(directory.join("main.bicep"), main).expect("a template");
    }
}

fn bicep_module(seed: usize) -> String {
    let port = ["443", "80", "22", "8080-8090", "3389", "5000"][seed % 6];
    format!(
        "param prefix string\nparam admin string\nparam location string = resourceGroup().location\nvar ports = [ '443', '{port}', '8443' ]\n\
         resource net 'Microsoft.Network/virtualNetworks@2023-09-01' = {{\n  name: '${{prefix}}-vnet'\n  location: location\n  properties: {{\n    \
         addressSpace: {{ addressPrefixes: [ '10.0.0.0/16' ] }}\n    subnets: [ {{ name: 'web', properties: {{ addressPrefix: '10.0.0.0/24' }} }} ]\n  \
         }}\n}}\nresource nsg 'Microsoft.Network/networkSecurityGroups@2023-09-01' = {{\n  name: '${{prefix}}-nsg'\n  location: location\n  properties: {{\n    \
         securityRules: [for (port, i) in ports: {{\n      name: 'allow-${{port}}'\n      properties: {{\n        priority: 100 + i * 10\n        direction: \
         'Inbound'\n        access: 'Allow'\n        protocol: 'Tcp'\n        sourcePortRange: '*'\n        sourceAddressPrefix: admin\n        \
         destinationAddressPrefix: '*'\n        destinationPortRange: port\n      }}\n    }}]\n  }}\n}}\nresource nics \
         'Microsoft.Network/networkInterfaces@2023-09-01' = [for i in range(0, 2): {{\n  name: '${{prefix}}-nic-${{i}}'\n  location: location\n  properties: {{\n    \
         networkSecurityGroup: {{ id: nsg.id }}\n    ipConfigurations: [ {{ name: 'c', properties: {{ subnet: {{ id: net.properties.subnets[0].id }} }} }} ]\n  \
         }}\n}}]\nresource vms 'Microsoft.Compute/virtualMachines@2024-03-01' = [for i in range(0, 2): {{\n  name: '${{prefix}}-vm-${{i}}'\n  location: \
         location\n  properties: {{\n    hardwareProfile: {{ vmSize: 'Standard_B2s' }}\n    networkProfile: {{ networkInterfaces: [ {{ id: nics[i].id }} ] }}\n  \
         }}\n}}]\noutput nsgId string = nsg.id\n"
    )
}
