//! Where a live scan goes and where it does not: other hosts are never shown a token, proxies are used for what is far and for
//! nothing else, and certificates are those of the system, of `SSL_CERT_FILE` and of `--ca-file`.
#![expect(clippy::expect_used, reason = "tests say what they expect")]

mod live;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use live::{SECRET, connection, everything, is_complete, sandbox, small_pages};
use portcullis::azure::collect::Source;
use portcullis::azure::record;
use portcullis::sandbox::{FAULTS, Fault, Options, Sandbox};

const TENANT: &str = "5f0c2a77-d3b1-4e68-9c84-1be07a36f2d9";
const CLIENT: &str = "00000000-5a4d-4b0c-8000-000000000001";

/// A server that keeps what comes first on each connection, and hands it to `then`.
fn listener(then: impl Fn(TcpStream, &str) + Send + Sync + 'static) -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let heard: Arc<Mutex<Vec<String>>> = Arc::default();
    let kept = Arc::clone(&heard);
    let then = Arc::new(then);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let (kept, then) = (Arc::clone(&kept), Arc::clone(&then));
            std::thread::spawn(move || {
                let mut buffer = vec![0; 16 << 10];
                let read = stream.read(&mut buffer).unwrap_or(0);
                let text = String::from_utf8_lossy(buffer.get(..read).unwrap_or_default()).into_owned();
                kept.lock().expect("not poisoned").push(text.clone());
                then(stream, &text);
            });
        }
    });
    (address, heard)
}

fn heard(kept: &Arc<Mutex<Vec<String>>>) -> Vec<String> {
    kept.lock().expect("not poisoned").clone()
}

#[test]
fn nothing_at_all_is_sent_to_other_hosts() {
    let sandbox = sandbox(small_pages());
    let (elsewhere, kept) = listener(|mut stream, _| {
        let body = r#"{"value":[]}"#;
        let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n";
        let _ = stream.write_all(format!("{head}content-length: {}\r\n\r\n{body}", body.len()).as_bytes());
    });
    for name in ["redirect", "foreign-link"] {
        for source in [Source::Auto, Source::Arm] {
            let kind = FAULTS.iter().find(|kind| kind.name == name).expect("a fault");
            let mut fault = Fault::of(kind);
            fault.elsewhere = format!("http://{elsewhere}");
            fault.times = Some(40);
            fault.path = Some("/providers/".to_owned());
            sandbox.inject(vec![fault]);
            let recorded = record(&connection(&sandbox.origin), &everything(source)).expect("read");
            assert!(sandbox.met() > 0 && !is_complete(&recorded), "{name}, {source:?}");
            let reasons = format!("{:?}", recorded.header);
            assert!(!reasons.contains("eyJ"), "{reasons}");
        }
    }
    // Even the service for tokens does not lead there.
    let mut fault = Fault::of(FAULTS.iter().find(|kind| kind.name == "redirect").expect("a fault"));
    fault.elsewhere = format!("http://{elsewhere}");
    fault.times = None;
    fault.path = Some("oauth2".to_owned());
    sandbox.inject(vec![fault]);
    assert!(record(&connection(&sandbox.origin), &everything(Source::Auto)).is_err());
    std::thread::sleep(Duration::from_millis(50));
    assert_eq!(heard(&kept), Vec::<String>::new());
}

/// A proxy that leads every name to one address.
fn proxy(to: SocketAddr) -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    listener(move |mut stream, text| {
        if !text.starts_with("CONNECT ") {
            let _ = stream.write_all(b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n");
            return;
        }
        let Ok(mut far) = TcpStream::connect(to) else { return };
        let _ = stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n");
        let (Ok(mut near), Ok(mut back)) = (stream.try_clone(), far.try_clone()) else {
            return;
        };
        std::thread::spawn(move || {
            let _ = std::io::copy(&mut near, &mut far);
            let _ = far.shutdown(std::net::Shutdown::Write);
        });
        let _ = std::io::copy(&mut back, &mut stream);
    })
}

fn program(arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let directory = tempfile::tempdir().expect("a directory");
    Command::new(env!("CARGO_BIN_EXE_portcullis"))
        .args([
            "snapshot",
            "--all-subscriptions",
            "--retry-pause",
            "2ms",
            "--attempts",
            "2",
        ])
        .arg("-o")
        .arg(directory.path().join("estate.jsonl"))
        .args(arguments)
        .env_clear()
        .envs([
            ("AZURE_TENANT_ID", TENANT),
            ("AZURE_CLIENT_ID", CLIENT),
            ("AZURE_CLIENT_SECRET", SECRET),
        ])
        .envs(variables.iter().copied())
        .output()
        .expect("the program runs")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn certified(sandbox: &Sandbox) -> (tempfile::TempDir, String) {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("ca.pem");
    std::fs::write(&path, sandbox.certificate.as_deref().expect("a certificate")).expect("written");
    let path = path.to_str().expect("a path").to_owned();
    (directory, path)
}

const FAR: &str = "management.portcullis.test";

fn far() -> Sandbox {
    sandbox(Options {
        tls: true,
        tls_names: vec![FAR.to_owned()],
        ..Options::default()
    })
}

#[test]
fn what_is_far_goes_through_the_proxy() {
    let sandbox = far();
    let (_directory, trusted) = certified(&sandbox);
    let (proxy, kept) = proxy(sandbox.address);
    let endpoint = format!("https://{FAR}:{}", sandbox.address.port());
    let https = format!("http://somebody:pass-4f1@{proxy}");
    let output = program(
        &["--auth", "secret", "--endpoint", &endpoint, "--ca-file", &trusted],
        &[("HTTPS_PROXY", &https)],
    );
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let heard = heard(&kept);
    assert!(!heard.is_empty());
    for text in &heard {
        assert!(text.starts_with(&format!("CONNECT {FAR}:")), "{text}");
        assert!(!text.contains("eyJ") && !text.contains(SECRET), "{text}");
        assert!(
            text.to_ascii_lowercase().contains("proxy-authorization: basic "),
            "{text}"
        );
    }
    assert!(!said(&output).contains("pass-4f1"));
}

#[test]
fn a_proxy_that_refuses_is_named() {
    let (proxy, _) = listener(|mut stream, _| {
        let _ = stream.write_all(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n");
    });
    let https = format!("http://{proxy}");
    let endpoint = format!("https://{FAR}:9");
    let output = program(
        &["--auth", "secret", "--endpoint", &endpoint],
        &[("HTTPS_PROXY", &https)],
    );
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("HTTPS_PROXY"), "{}", said(&output));
}

/// A token over plain http would be readable there.
#[test]
fn what_is_near_is_shown_to_no_proxy() {
    let sandbox = sandbox(Options::default());
    let (proxy, kept) = proxy(sandbox.address);
    let address = format!("http://{proxy}");
    let variables = [
        ("HTTP_PROXY", address.as_str()),
        ("http_proxy", address.as_str()),
        ("HTTPS_PROXY", address.as_str()),
        ("ALL_PROXY", address.as_str()),
    ];
    let endpoint = format!("{}/msi/token", sandbox.origin);
    let app_service = [
        ("IDENTITY_ENDPOINT", endpoint.as_str()),
        ("IDENTITY_HEADER", "sandbox-header"),
    ];
    for auth in ["secret", "managed-identity"] {
        let output = program(&["--auth", auth, "--endpoint", &sandbox.origin], &variables);
        assert_eq!(output.status.code(), Some(0), "{auth}: {}", said(&output));
    }
    let all = [&variables[..], &app_service].concat();
    let output = program(&["--auth", "managed-identity", "--endpoint", &sandbox.origin], &all);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert_eq!(heard(&kept), Vec::<String>::new());
    // Also where only one of the two is on this machine.
    let authority = format!("https://{FAR}:{}", sandbox.address.port());
    let more = [
        "--auth",
        "managed-identity",
        "--endpoint",
        &sandbox.origin,
        "--authority",
        &authority,
    ];
    let output = program(&more, &all);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert_eq!(heard(&kept), Vec::<String>::new());
}

#[test]
fn certificates_of_a_company_are_trusted_when_given() {
    let sandbox = far();
    let (_directory, trusted) = certified(&sandbox);
    let origin = sandbox.origin.as_str();
    let given = program(&["--auth", "secret", "--endpoint", origin, "--ca-file", &trusted], &[]);
    assert_eq!(given.status.code(), Some(0), "{}", said(&given));
    let by_variable = program(
        &["--auth", "secret", "--endpoint", origin],
        &[("SSL_CERT_FILE", &trusted)],
    );
    assert_eq!(by_variable.status.code(), Some(0), "{}", said(&by_variable));
    let without = program(&["--auth", "secret", "--endpoint", origin], &[]);
    assert_eq!(without.status.code(), Some(2));
    assert!(said(&without).contains("--ca-file"), "{}", said(&without));
}
