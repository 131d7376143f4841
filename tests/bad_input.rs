//! Bad input: reported with its place and what to do, never a panic, always an end; the rest is still judged, and the
//! exit status says what was lost.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers build estates and run the program; what fails there fails the test"
)]

mod estate;

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use estate::{Analysed, Estate, assert_class, id, nsg_id, read, reference, rule, subnet_id, with};
use portcullis::exposure::ExposureClass::{Closed, Undetermined, Wide};
use portcullis::exposure::Way;
use portcullis::input::{Given, LINE_LIMIT, Reading};
use portcullis::source::{Diagnostic, Level};
use serde_json::{Value, json};

// ---- how it is read

fn reading(text: impl Read) -> Reading {
    reading_as(Given::Named, text)
}

fn reading_as(given: Given, text: impl Read) -> Reading {
    let mut reading = Reading::default();
    reading.read("in.json", given, text);
    reading.finish();
    reading
}

#[track_caller]
fn said<'r>(reading: &'r Reading, code: &str) -> &'r Diagnostic {
    let found = reading.diagnostics.iter().find(|diagnostic| &*diagnostic.code == code);
    found.unwrap_or_else(|| panic!("no `{code}` in {:#?}", reading.diagnostics))
}

/// The code is said with a place and with what to do, and the reading is incomplete.
#[track_caller]
fn lost(reading: &Reading, code: &str) {
    let diagnostic = said(reading, code);
    assert_eq!(diagnostic.level, Level::Error);
    assert!(diagnostic.location.is_some(), "{diagnostic:?}");
    assert!(!reading.inventory.coverage.is_complete());
}

fn open() -> Estate {
    Estate::new()
        .public()
        .subnet_nsg(vec![rule("ssh", 100, "Allow", "*", "22")])
}

fn list() -> String {
    Value::Array(open().resources()).to_string()
}

fn snapshot_of(resources: &[Value]) -> String {
    let header = json!({ "format": "portcullis-snapshot", "version": 1, "recorded": "2026-01-01T00:00:00Z", "tool": "t",
        "subscriptions": [{ "id": "00000000-0000-0000-0000-000000000001", "complete": true }] });
    let footer = json!({ "format": "portcullis-snapshot-end", "resources": resources.len() });
    let lines = std::iter::once(&header).chain(resources).chain([&footer]);
    lines.map(|line| format!("{line}\n")).collect()
}

fn snapshot() -> String {
    snapshot_of(&open().resources())
}

#[test]
fn good_input_is_complete() {
    for text in [
        list(),
        snapshot(),
        snapshot().replace('\n', "\r\n"),
        format!("\u{feff}{}", snapshot()),
    ] {
        let reading = reading(text.as_bytes());
        assert!(reading.inventory.coverage.is_complete(), "{:?}", reading.diagnostics);
        assert_class(Analysed::of(reading).public(), Wide);
    }
}

#[test]
fn spellings_of_a_text_file_that_mean_nothing() {
    let pretty = serde_json::to_string_pretty(&open().resources()).unwrap();
    for text in [
        format!("\u{feff}{pretty}"),
        pretty.replace('\n', "\r\n"),
        format!("\n\n  {pretty}\n"),
    ] {
        let reading = reading(text.as_bytes());
        assert!(reading.diagnostics.is_empty(), "{:?}", reading.diagnostics);
    }
}

#[test]
fn truncated_json() {
    let text = list();
    for cut in [1, 2, text.len() / 3, text.len() - 1] {
        let reading = reading(text.get(..cut).unwrap().as_bytes());
        lost(&reading, "json-syntax");
        assert!(said(&reading, "json-syntax").help.is_some());
    }
}

#[test]
fn a_snapshot_cut_anywhere_is_incomplete() {
    let text = snapshot();
    for cut in (0..text.len() - 1).step_by(7) {
        let reading = reading(text.get(..cut).unwrap().as_bytes());
        assert!(!reading.inventory.coverage.is_complete(), "cut at {cut}");
    }
}

#[test]
fn a_snapshot_without_footer_or_with_another_count() {
    let text = snapshot();
    let without: String = text.lines().take(4).map(|line| format!("{line}\n")).collect();
    lost(&reading(without.as_bytes()), "snapshot-cut");
    let wrong = text.replace("\"resources\":5", "\"resources\":6");
    assert_ne!(wrong, text);
    lost(&reading(wrong.as_bytes()), "snapshot-cut");
}

#[test]
fn a_broken_line_does_not_hide_the_others() {
    let text = snapshot();
    let mut lines: Vec<&str> = text.lines().collect();
    lines.insert(2, "{ \"id\": ");
    let reading = reading(lines.join("\n").as_bytes());
    lost(&reading, "json-syntax");
    assert_eq!(said(&reading, "json-syntax").location.as_ref().unwrap().line, 3);
    assert_class(Analysed::of(reading).public(), Wide);
}

#[test]
fn a_future_snapshot_and_a_broken_header() {
    lost(
        &reading(snapshot().replace("\"version\":1", "\"version\":9").as_bytes()),
        "snapshot-version",
    );
    lost(
        &reading(snapshot().replace("\"version\":1", "\"version\":\"x\"").as_bytes()),
        "snapshot-header",
    );
    lost(
        &reading(snapshot().replace("2026-01-01T00:00:00Z", "yesterday").as_bytes()),
        "snapshot-header",
    );
}

#[test]
fn truncated_compression() {
    for text in [list(), snapshot()] {
        let packed = zstd::stream::encode_all(text.as_bytes(), 3).unwrap();
        assert!(reading(packed.as_slice()).inventory.coverage.is_complete());
        for cut in [5, packed.len() / 2, packed.len() - 1] {
            let reading = reading(packed.get(..cut).unwrap());
            assert!(!reading.inventory.coverage.is_complete(), "cut at {cut}");
        }
    }
}

#[test]
fn a_name_does_not_make_a_snapshot() {
    let named = json!({ "value": [{ "id": nsg_id("portcullis-snapshot"), "properties": { "securityRules": [] } }] });
    let reading = reading(named.to_string().as_bytes());
    assert!(reading.diagnostics.is_empty(), "{:?}", reading.diagnostics);
}

/// Gives one byte at a time, as a slow pipe does.
struct Slow<'t>(&'t [u8]);

impl Read for Slow<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let (Some(slot), Some((first, rest))) = (into.first_mut(), self.0.split_first()) else {
            return Ok(0);
        };
        *slot = *first;
        self.0 = rest;
        Ok(1)
    }
}

#[test]
fn a_slow_pipe_is_read_like_a_file() {
    let packed = zstd::stream::encode_all(snapshot().as_bytes(), 3).unwrap();
    for text in [format!("\n {}", list()).into_bytes(), snapshot().into_bytes(), packed] {
        let reading = reading(Slow(&text));
        assert!(reading.inventory.coverage.is_complete(), "{:?}", reading.diagnostics);
    }
}

/// A header, then one line of so many bytes, then the rest of a snapshot; counts what was taken.
struct LongLine {
    head: io::Cursor<Vec<u8>>,
    left: u64,
    tail: io::Cursor<Vec<u8>>,
    taken: u64,
}

impl LongLine {
    fn new(bytes: u64) -> Self {
        let text = snapshot();
        let (head, tail) = text.split_once('\n').unwrap();
        LongLine {
            head: io::Cursor::new(format!("{head}\n").into_bytes()),
            left: bytes,
            tail: io::Cursor::new(format!("\n{tail}").into_bytes()),
            taken: 0,
        }
    }
}

impl Read for LongLine {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let from_head = self.head.read(into)?;
        let count = if from_head > 0 || into.is_empty() {
            from_head
        } else if self.left > 0 {
            let count = into.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
            into[..count].fill(b' ' + 1);
            self.left -= count as u64;
            count
        } else {
            self.tail.read(into)?
        };
        self.taken += count as u64;
        Ok(count)
    }
}

fn long_line(bytes: u64) -> Reading {
    let mut text = LongLine::new(bytes);
    let reading = reading(&mut text);
    assert!(text.taken > bytes, "reading went on to the end");
    reading
}

#[test]
fn a_line_too_long_is_passed_over_and_the_rest_read() {
    let reading = long_line(LINE_LIMIT as u64 + (9 << 20));
    lost(&reading, "long-line");
    assert_class(Analysed::of(reading).public(), Wide);
}

/// Takes seconds; run it with `--ignored` under `/usr/bin/time -v` to see that memory stays bounded.
#[test]
#[ignore = "reads a gibibyte"]
fn a_line_of_a_gibibyte() {
    lost(&long_line(1 << 30), "long-line");
}

#[test]
fn deep_nesting_ends() {
    for depth in [200usize, 100_000] {
        let deep = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        let objects = format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth));
        for inner in [deep, objects] {
            let reading = reading(format!("[{{\"id\":\"{}\",\"properties\":{inner}}}]", nsg_id("deep")).as_bytes());
            assert_eq!(
                reading.inventory.coverage.is_complete(),
                depth == 200,
                "{:?}",
                reading.diagnostics.len()
            );
        }
    }
}

#[test]
fn what_is_no_text() {
    lost(&reading([b'[', b'"', 0xff, 0xfe, b'"', b']'].as_slice()), "unreadable");
    let utf16: Vec<u8> = list().encode_utf16().flat_map(u16::to_le_bytes).collect();
    let marked: Vec<u8> = [0xff, 0xfe].into_iter().chain(utf16.iter().copied()).collect();
    for text in [utf16, marked] {
        for given in [Given::Named, Given::Found] {
            lost(&reading_as(given, text.as_slice()), "not-utf8");
        }
    }
    let mut lines = snapshot().into_bytes();
    let at = lines.iter().position(|byte| *byte == b'\n').unwrap();
    lines[at + 20] = 0xff;
    lost(&reading(lines.as_slice()), "not-utf8");
}

#[test]
fn what_is_no_estate() {
    for text in ["", " \n", "\u{feff}", "hello", "<xml/>", "\0\0\0", "PK\u{3}\u{4}"] {
        lost(&reading(text.as_bytes()), "not-recognised");
        let found = reading_as(Given::Found, text.as_bytes());
        assert!(found.inventory.coverage.is_complete());
        assert_eq!(said(&found, "passed-over").level, Level::Note);
    }
    for text in [
        "{}",
        "[{\"id\":\"x\",\"a\":1}]",
        "{\"name\":\"package\",\"version\":\"1.0.0\"}",
        "[1,2]",
    ] {
        assert!(!reading(text.as_bytes()).inventory.coverage.is_complete(), "{text}");
        let found = reading_as(Given::Found, text.as_bytes());
        assert!(
            found.inventory.coverage.is_complete(),
            "{text}: {:?}",
            found.diagnostics
        );
        assert_eq!(said(&found, "passed-over").level, Level::Note);
    }
    lost(&reading_as(Given::Found, "[{\"id\":".as_bytes()), "json-syntax");
}

// ---- pages and answers

fn page(group: &str, next: Option<&str>, subscription: &str) -> String {
    let id = nsg_id(group).replace("000000000001", subscription);
    json!({ "value": [{ "id": id, "properties": { "securityRules": [] } }], "nextLink": next }).to_string()
}

fn reading_all(texts: &[String]) -> Reading {
    let mut reading = Reading::default();
    for (at, text) in texts.iter().enumerate() {
        reading.read(&format!("{at}.json"), Given::Named, text.as_bytes());
    }
    reading.finish();
    reading
}

#[test]
fn a_page_without_the_pages_that_follow() {
    let (first, last) = (
        page("a", Some("https://next"), "000000000001"),
        page("b", None, "000000000001"),
    );
    lost(&reading_all(std::slice::from_ref(&first)), "lost-page");
    assert!(reading_all(&[first.clone(), last]).inventory.coverage.is_complete());
    // The last page of another subscription's list is not the one that is missing.
    lost(&reading_all(&[first, page("b", None, "000000000002")]), "lost-page");
}

fn answer(total: u64, names: &[&str], token: Option<&str>) -> String {
    let rows: Vec<Value> = names
        .iter()
        .map(|name| json!({ "id": nsg_id(name), "properties": { "securityRules": [] } }))
        .collect();
    json!({ "totalRecords": total, "count": rows.len(), "data": rows, "resultTruncated": "false", "$skipToken": token })
        .to_string()
}

#[test]
fn a_resource_graph_answer_without_all_its_rows() {
    let (first, second) = (answer(3, &["a", "b"], Some("t")), answer(3, &["c"], None));
    lost(&reading_all(std::slice::from_ref(&first)), "lost-page");
    assert!(reading_all(&[first.clone(), second]).inventory.coverage.is_complete());
    // Another query that happens to count as many rows does not make up for the rows that are missing.
    lost(&reading_all(&[first, answer(3, &["d", "e", "f"], None)]), "lost-page");
    let cut = answer(1, &["a"], None).replace("\"false\"", "\"true\"");
    lost(&reading_all(&[cut]), "lost-page");
    let table = json!({ "data": { "columns": [], "rows": [] } }).to_string();
    lost(&reading_all(&[table]), "no-resources");
}

// ---- what resources say

/// Reports the code for a security rule, and the public way is neither open nor closed.
#[track_caller]
fn undetermined(change: (&str, Value), code: &str) {
    let broken = with(rule("ssh", 100, "Allow", "*", "22"), change.0, change.1);
    let found = Estate::new().public().subnet_nsg(vec![broken]).analyse();
    let diagnostic = said(&found.reading, code);
    assert!(
        diagnostic.location.is_some() && diagnostic.help.is_some() && diagnostic.resource.is_some(),
        "{diagnostic:?}"
    );
    assert_class(found.public(), Undetermined);
    assert!(found.inventory().coverage.is_complete(), "the scan itself is complete");
}

#[test]
fn ports_and_prefixes_that_are_none() {
    for port in ["70000", "-1", "22-20", "ssh", "22-", "0x16", "٢٢"] {
        undetermined(("destinationPortRange", json!(port)), "wrong-port");
    }
    for prefix in [
        "10.0.0.0/40",
        "300.1.1.1",
        "10.0.0.0/",
        "1.2.3",
        "fe80::%eth0",
        "10.0.0.9-10.0.0.1",
    ] {
        undetermined(("sourceAddressPrefix", json!(prefix)), "wrong-address");
    }
    undetermined(("priority", json!(7)), "priority-range");
    undetermined(("priority", json!(70000)), "wrong-number");
    undetermined(("access", json!("Maybe")), "wrong-word");
    undetermined(("protocol", json!("Tpc")), "wrong-protocol");
    undetermined(("sourceAddressPrefix", Value::Null), "no-address");
    undetermined(("destinationPortRange", Value::Null), "no-port");
}

#[test]
fn host_bits_are_masked_with_a_warning() {
    let found = Estate::new()
        .public()
        .subnet_nsg(vec![rule("ssh", 100, "Allow", "203.0.113.9/24", "22")])
        .analyse();
    assert_eq!(said(&found.reading, "host-bits").level, Level::Warning);
    assert_eq!(found.public().sources, ["203.0.113.0/24"]);
}

#[test]
fn two_rules_of_one_priority_with_opposite_access() {
    let rules = vec![rule("yes", 100, "Allow", "*", "22"), rule("no", 100, "Deny", "*", "22")];
    for rules in [rules.clone(), rules.into_iter().rev().collect()] {
        let found = Estate::new().public().subnet_nsg(rules).analyse();
        said(&found.reading, "duplicate-priority");
        assert_class(found.public(), Undetermined);
    }
}

#[test]
fn a_member_stated_twice() {
    let twice = |second: &str| {
        let text = list().replace(
            "\"access\":\"Allow\"",
            &format!("\"access\":\"Allow\",\"Access\":\"{second}\""),
        );
        Analysed::of(reading(text.as_bytes()))
    };
    let agreeing = twice("Allow");
    assert_eq!(said(&agreeing.reading, "repeated-member").level, Level::Warning);
    assert_class(agreeing.public(), Wide);
    let differing = twice("Deny");
    assert_eq!(said(&differing.reading, "repeated-member").level, Level::Warning);
    assert_class(differing.public(), Undetermined);
}

fn twice(kind: &str, name: &str, other: impl FnOnce(&mut Value)) -> Analysed {
    let mut resources = open().resources();
    let at = resources
        .iter()
        .position(|resource| resource["id"] == id(kind, name))
        .unwrap();
    let mut second = resources[at].clone();
    other(&mut second);
    resources.push(second);
    Analysed::of(read(&Value::Array(resources)))
}

#[test]
fn resources_stated_twice_alike_are_one() {
    for (kind, name) in [
        ("Microsoft.Network/networkSecurityGroups", "sub"),
        ("Microsoft.Network/virtualNetworks", "vnet"),
        ("Microsoft.Network/networkInterfaces", "nic"),
        ("Microsoft.Compute/virtualMachines", "vm"),
    ] {
        let found = twice(kind, name, |_| ());
        assert!(found.reading.diagnostics.is_empty(), "{:?}", found.reading.diagnostics);
        assert_class(found.public(), Wide);
    }
}

#[test]
fn resources_stated_twice_in_different_words_are_not_relied_on() {
    let group = twice("Microsoft.Network/networkSecurityGroups", "sub", |group| {
        group["properties"]["securityRules"] = json!([]);
    });
    said(&group.reading, "conflict");
    assert_class(group.public(), Undetermined);
    let interface = twice("Microsoft.Network/networkInterfaces", "nic", |nic| {
        nic["properties"]["enableIPForwarding"] = json!(true);
    });
    assert!(interface.exposures.machines[0].gap.is_some());
    let network = twice("Microsoft.Network/virtualNetworks", "vnet", |network| {
        network["properties"]["addressSpace"]["addressPrefixes"] = json!(["10.0.0.0/8"]);
    });
    assert_class(network.public(), Undetermined);
}

#[test]
fn references_in_circles_end() {
    let policy = |name: &str, base: &str| {
        json!({ "id": id("Microsoft.Network/firewallPolicies", name),
        "properties": { "basePolicy": reference("Microsoft.Network/firewallPolicies", base) } })
    };
    let network = |name: &str, remote: &str| {
        json!({ "id": id("Microsoft.Network/virtualNetworks", name), "properties": {
        "addressSpace": { "addressPrefixes": ["10.7.0.0/16"] }, "virtualNetworkPeerings": [{ "name": "p", "properties": {
            "peeringState": "Connected", "remoteVirtualNetwork": reference("Microsoft.Network/virtualNetworks", remote) } }] } })
    };
    let firewall = json!({ "id": id("Microsoft.Network/azureFirewalls", "fw"), "properties": {
        "firewallPolicy": reference("Microsoft.Network/firewallPolicies", "a"),
        "ipConfigurations": [{ "name": "c", "properties": { "privateIPAddress": "10.0.0.5",
            "subnet": { "id": subnet_id("default") } } }] } });
    let other_vm = json!({ "id": id("Microsoft.Compute/virtualMachines", "thief"), "properties": { "networkProfile": {
        "networkInterfaces": [reference("Microsoft.Network/networkInterfaces", "nic")] } } });
    let group = json!({ "id": id("Microsoft.Network/ipGroups", "g"), "properties": { "ipAddresses": ["10.0.0.1"],
        "firewalls": [reference("Microsoft.Network/azureFirewalls", "fw")] } });
    let found = open()
        .add(policy("a", "b"))
        .add(policy("b", "a"))
        .add(policy("self", "self"))
        .add(network("v1", "v2"))
        .add(network("v2", "v1"))
        .add(network("v3", "v3"))
        .add(firewall)
        .add(group)
        .add(other_vm)
        .analyse();
    assert_class(found.public(), Wide);
    assert_eq!(found.exposures.machines.len(), 2);
}

#[test]
fn an_interface_behind_a_balancer_that_is_not_in_the_input() {
    let pool = id("Microsoft.Network/loadBalancers", "gone") + "/backendAddressPools/p";
    let open = vec![rule("ssh", 100, "Allow", "*", "22")];
    let estate = || Estate::new().configure("loadBalancerBackendAddressPools", json!([{ "id": pool }]));
    assert_class(
        estate().subnet_nsg(open).analyse().on(Way::LoadBalancer).unwrap(),
        Undetermined,
    );
    let shut = vec![rule("no", 100, "Deny", "*", "*")];
    assert!(
        estate()
            .subnet_nsg(shut)
            .analyse()
            .on(Way::LoadBalancer)
            .is_none_or(|way| way.class == Closed)
    );
}

// ---- the program

struct Directory(PathBuf);

impl Directory {
    fn new(name: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("bad-input-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Directory(path)
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, text).unwrap();
        path
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

struct Ran {
    status: i32,
    out: String,
    err: String,
}

fn scan(path: &Path, more: &[&str]) -> Ran {
    let mut command = Command::cargo_bin("portcullis").unwrap();
    let command = command
        .current_dir(env!("CARGO_TARGET_TMPDIR"))
        .args(["--color", "always", "scan"])
        .arg(path)
        .args(more);
    let output = command.output().unwrap();
    Ran {
        status: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

#[track_caller]
fn exits(path: &Path, status: i32) -> Ran {
    let ran = scan(path, &["--format", "json"]);
    assert_eq!(ran.status, status, "{}\n{}", ran.err, ran.out);
    assert!(!ran.err.contains("panicked"), "{}", ran.err);
    ran
}

#[test]
fn exit_statuses_of_files() {
    let directory = Directory::new("files");
    exits(&directory.write("good.json", list()), 1);
    exits(&directory.write("cut.snapshot", snapshot().get(..700).unwrap()), 3);
    let packed = zstd::stream::encode_all(snapshot().as_bytes(), 3).unwrap();
    exits(&directory.write("cut.zst", packed.get(..300).unwrap()), 2);
    for (name, text) in [
        ("empty", ""),
        ("blank", "\n"),
        ("text", "hello"),
        ("cut.json", "[{"),
        ("none.json", "[]"),
    ] {
        let ran = exits(&directory.write(name, text), 2);
        assert!(ran.err.contains("error"), "{}", ran.err);
    }
    let ran = exits(&directory.0.join("missing.json"), 2);
    assert!(ran.err.contains("missing.json"), "{}", ran.err);
}

#[test]
fn exit_statuses_of_directories() {
    let empty = Directory::new("empty");
    exits(&empty.0, 2);
    let nothing = Directory::new("nothing");
    nothing.write("README.md", "# nothing");
    nothing.write("package.json", "{\"name\":\"x\"}");
    exits(&nothing.0, 2);
    let mixed = Directory::new("mixed");
    mixed.write("README.md", "# an estate");
    mixed.write("package.json", "{\"name\":\"x\"}");
    mixed.write("image.png", [0x89, b'P', b'N', b'G', 0, 1, 2, 3]);
    mixed.write("estate.json", list());
    exits(&mixed.0, 1);
    mixed.write("broken.json", "[{\"id\":");
    let ran = exits(&mixed.0, 3);
    let report: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(report["machines"][0]["verdict"], "unhealthy");
}

#[cfg(unix)]
#[test]
fn a_file_that_may_not_be_read() {
    use std::os::unix::fs::PermissionsExt;
    let directory = Directory::new("permissions");
    directory.write("estate.json", list());
    let secret = directory.write("secret.json", list());
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o000)).unwrap();
    // The superuser may read everything.
    if fs::File::open(&secret).is_err() {
        assert!(exits(&directory.0, 3).out.contains("secret.json"));
        exits(&secret, 2);
    }
}

#[test]
fn lost_machines_are_not_healthy() {
    let directory = Directory::new("partial");
    let mut resources = open().resources();
    resources.retain(|resource| resource["id"] != nsg_id("sub"));
    let ran = exits(&directory.write("part.json", Value::Array(resources).to_string()), 1);
    let report: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(report["machines"][0]["verdict"], "undetermined");
}

// ---- names from people who wish us ill

const HOSTILE: [&str; 10] = [
    "<script>alert(1)</script>",
    "\"quoted\" & 'single' ]]>",
    "=cmd()|'/c calc'!A0",
    "\u{1b}[31mred\u{1b}]0;title\u{7}",
    "c1 \u{9b}2J \u{85} \u{90}",
    "abc\u{202e}gpj.exe\u{2066}\u{200f}",
    "two\nlines\r\nand\ttabs\u{2028}\u{2029}",
    "| pipe | `tick` [link](http://evil.example) @everyone **b** <!-- --> ${x} {{ y }} {% z %}",
    "nul\u{0}\u{fffe}\u{ffff}\u{feff}",
    "../../etc/passwd%00?x#y",
];

fn hostile(name: &str) -> Value {
    let mut resources = open().resources();
    let text = Value::Array(std::mem::take(&mut resources)).to_string();
    let quoted = Value::from(name.replace('/', "\u{2215}")).to_string();
    let inner = quoted.get(1..quoted.len() - 1).unwrap();
    let text = text.replace("virtualMachines/vm", &format!("virtualMachines/{inner}"));
    let text = text.replace("networkSecurityGroups/sub", &format!("networkSecurityGroups/{inner}"));
    let text = text.replace("\"name\":\"ssh\"", &format!("\"name\":{quoted}"));
    let text = text.replace(
        "\"location\":\"westeurope\"",
        &format!("\"location\":{quoted},\"tags\":{{{quoted}:{quoted}}}"),
    );
    let text = text.replace(
        "\"protocol\":\"Tcp\"",
        &format!("\"protocol\":\"Tcp\",\"description\":{quoted}"),
    );
    let text = text.replace("203.0.114.10", inner);
    serde_json::from_str(&text).unwrap()
}

/// Characters that command a terminal or turn the direction of text. Our own colours are taken out before.
fn treacherous(text: &str) -> Option<char> {
    let plain = strip_colours(text);
    plain.chars().find(|c| {
        (c.is_control() && *c != '\n')
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}' | '\u{feff}')
    })
}

/// Without `ESC [ digits ; m`, which is all that the program itself writes.
fn strip_colours(text: &str) -> String {
    let mut parts = text.split("\u{1b}[");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        match part.split_once('m') {
            Some((codes, rest)) if codes.chars().all(|c| c.is_ascii_digit() || c == ';') => plain += rest,
            _ => plain += &format!("\u{1b}[{part}"),
        }
    }
    plain
}

#[test]
fn hostile_names_in_every_format() {
    let long = "a".repeat(10_000);
    let directory = Directory::new("hostile");
    for (at, name) in HOSTILE.into_iter().chain([long.as_str()]).enumerate() {
        let path = directory.write(&format!("{at}.json"), hostile(name).to_string());
        let console = scan(&path, &["--verbose"]);
        assert!(matches!(console.status, 1 | 3), "{}", console.err);
        for (text, stream) in [(&console.out, "output"), (&console.err, "error")] {
            // `[31m` in a name looks like a colour; the name must not bring its own.
            assert_eq!(treacherous(text), None, "{name:?} on the {stream} stream: {text:?}");
            assert!(!text.contains("\u{1b}[31mred"), "{text:?}");
        }
        for format in portcullis::report::FORMATS.iter().map(|format| format.name) {
            let ran = scan(&path, &["--format", format]);
            assert_eq!(ran.status, console.status, "{format}: {}", ran.err);
            valid(format, &ran.out, name);
        }
    }
}

fn valid(format: &str, text: &str, name: &str) {
    match format {
        "json" | "sarif" => {
            serde_json::from_str::<Value>(text).unwrap();
        }
        "junit" => {
            let mut reader = quick_xml::Reader::from_str(text);
            while !matches!(reader.read_event().unwrap(), quick_xml::events::Event::Eof) {}
            assert!(!text.contains('\0') && !text.contains('\u{1b}'), "{name:?}");
        }
        "csv" => {
            let mut reader = csv::ReaderBuilder::new().flexible(false).from_reader(text.as_bytes());
            for record in reader.records() {
                for cell in &record.unwrap() {
                    assert!(!cell.starts_with(['=', '+', '-', '@']), "{name:?}: {cell:?}");
                }
            }
        }
        "html" => assert!(!text.contains("<script>alert(1)"), "{name:?}"),
        "markdown" => assert!(!text.contains("<script>") && !text.contains('\u{1b}'), "{name:?}"),
        _ => {}
    }
}
