//! What was used to sign in, and what the estate keeps secret, is in nothing that the program writes.
#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "tests say what they expect")]

mod live;

use std::io::{Cursor, Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output};

use live::SECRET;
use portcullis::sandbox::{Options, Sandbox, Store, load};
use serde_json::{Value, json};

/// Everything that must be in no output.
const HIDDEN: &[&str] = &[
    SECRET,
    "hidden-admin-1",
    "hidden-custom-2",
    "hidden-tag-3",
    "hidden-key-4",
    "hidden-user-5",
    "hidden-extension-6",
    "hidden-sas-7",
    "aGlkZGVu",
    "eyJ0eXAi",
    "eyJhbGci",
];

/// The example estate with a machine that holds every kind of secret.
fn sandbox() -> Sandbox {
    let text = std::fs::read_to_string(live::ESTATE).expect("the estate");
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let machine = lines.iter_mut().find(|line| {
        let row: Value = serde_json::from_str(line).expect("JSON");
        row["type"] == json!("Microsoft.Compute/virtualMachines")
    });
    let machine = machine.expect("a machine");
    let mut row: Value = serde_json::from_str(machine).expect("JSON");
    row["properties"]["osProfile"] = json!({
        "computerName": "web", "adminUsername": "root", "adminPassword": "hidden-admin-1",
        "customData": "aGlkZGVuLWN1c3RvbS0y", "secrets": [{ "x": "hidden-custom-2" }],
    });
    row["properties"]["userData"] = json!("hidden-user-5");
    row["properties"]["extensionProfile"] = json!({ "extensions": [{ "settings": { "x": "hidden-extension-6" } }] });
    row["resources"] = json!([{ "properties": { "settings": { "commandToExecute": "hidden-extension-6" } } }]);
    row["tags"]["db-password"] = json!("hidden-tag-3");
    row["tags"]["note"] = json!("DefaultEndpointsProtocol=https;AccountKey=hidden-key-4");
    row["tags"]["link"] = json!("https://x.example/y?sv=1&sig=hidden-sas-7");
    *machine = row.to_string();
    let mut store = Store::default();
    load(&mut store, "estate", Cursor::new(lines.join("\n"))).expect("loaded");
    store.settle();
    Sandbox::start(store, Options::default()).expect("started")
}

fn program(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_portcullis"))
        .args(arguments)
        .env_clear()
        .env("AZURE_TENANT_ID", "5f0c2a77-d3b1-4e68-9c84-1be07a36f2d9")
        .env("AZURE_CLIENT_ID", "00000000-5a4d-4b0c-8000-000000000001")
        .env("AZURE_CLIENT_SECRET", SECRET)
        .env("RUST_LOG", "trace")
        .env("RUST_BACKTRACE", "full")
        .output()
        .expect("the program runs")
}

fn is_clean(what: &str, bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for hidden in HIDDEN {
        assert!(!text.contains(hidden), "{what} holds `{hidden}`");
    }
}

#[test]
fn no_output_holds_a_secret() {
    let sandbox = sandbox();
    let origin = sandbox.origin.as_str();
    let directory = tempfile::tempdir().expect("a directory");
    let at = |name: &str| directory.path().join(name).to_str().expect("a path").to_owned();
    let formats = [
        "console", "json", "sarif", "html", "markdown", "csv", "junit", "github", "gitlab",
    ];
    let mut arguments = vec![
        "scan".to_owned(),
        "--all-subscriptions".to_owned(),
        "--endpoint".to_owned(),
        origin.to_owned(),
    ];
    for format in formats {
        arguments.push(format!("--format={format}={}", at(format)));
    }
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let scanned = program(&arguments);
    assert_eq!(
        scanned.status.code(),
        Some(1),
        "{}",
        String::from_utf8_lossy(&scanned.stderr)
    );
    is_clean("stderr of scan", &scanned.stderr);
    is_clean("stdout of scan", &scanned.stdout);
    for (name, more) in [
        ("plain.jsonl", None),
        ("packed.jsonl.zst", None),
        ("redacted.jsonl", Some("--redact")),
    ] {
        let path = at(name);
        let mut arguments = vec!["snapshot", "--all-subscriptions", "--endpoint", origin, "-o", &path];
        arguments.extend(more);
        let written = program(&arguments);
        assert_eq!(
            written.status.code(),
            Some(0),
            "{}",
            String::from_utf8_lossy(&written.stderr)
        );
        is_clean("stderr of snapshot", &written.stderr);
    }
    let mut files = 0;
    for entry in std::fs::read_dir(directory.path()).expect("listed") {
        let path = entry.expect("an entry").path();
        is_clean(&path.display().to_string(), &plain(&path));
        files += 1;
    }
    assert_eq!(files, formats.len() + 3);
    let plain = std::fs::read_to_string(at("plain.jsonl")).expect("read");
    assert!(plain.contains("(not recorded)") && plain.contains("\"computerName\":\"web\""));
}

fn plain(path: &Path) -> Vec<u8> {
    let bytes = std::fs::read(path).expect("read");
    match path.extension().is_some_and(|extension| extension == "zst") {
        true => zstd::decode_all(&bytes[..]).expect("unpacked"),
        false => bytes,
    }
}

/// A service, or something before it, that says back what it was sent.
#[test]
fn an_answer_that_echoes_the_token_does_not_show_it() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let origin = format!("http://{}", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut buffer = vec![0; 16 << 10];
            let read = stream.read(&mut buffer).unwrap_or(0);
            let text = String::from_utf8_lossy(buffer.get(..read).unwrap_or_default()).into_owned();
            let (status, body) = if text.starts_with("POST ") {
                (
                    "200 OK",
                    json!({ "token_type": "Bearer", "expires_in": 3599, "access_token": "opaque-token-77aa" }),
                )
            } else {
                let sent = text
                    .lines()
                    .find(|line| line.to_ascii_lowercase().starts_with("authorization"));
                let message = format!(
                    "no; you sent {} and eyJhbGciOiJub25lIn0.eyJ4Ijoi.c2ln",
                    sent.unwrap_or("nothing")
                );
                (
                    "400 Bad Request",
                    json!({ "error": { "code": "Echo", "message": message } }),
                )
            };
            let body = body.to_string();
            let head = format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\nconnection: close\r\n");
            let _ = stream.write_all(format!("{head}content-length: {}\r\n\r\n{body}", body.len()).as_bytes());
        }
    });
    let output = program(&["scan", "--all-subscriptions", "--auth", "secret", "--endpoint", &origin]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("Echo"), "{said}");
    assert!(!said.contains("opaque-token-77aa") && !said.contains("eyJ"), "{said}");
}
