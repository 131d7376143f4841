//! Every way to sign in that can be tried on this machine, end to end against the sandbox.
#![expect(clippy::expect_used, reason = "tests say what they expect")]

mod live;

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output};

use live::{SECRET, sandbox};
use portcullis::sandbox::{Options, Sandbox};
use rcgen::{CertificateParams, KeyPair};

const TENANT: &str = "5f0c2a77-d3b1-4e68-9c84-1be07a36f2d9";
const CLIENT: &str = "00000000-5a4d-4b0c-8000-000000000001";

/// Takes a snapshot with one way to sign in and these variables alone.
fn sign_in(sandbox: &Sandbox, auth: &str, variables: &[(&str, &str)], more: &[&str]) -> Output {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("estate.jsonl");
    let output = Command::new(env!("CARGO_BIN_EXE_portcullis"))
        .args([
            "snapshot",
            "--all-subscriptions",
            "--auth",
            auth,
            "--endpoint",
            &sandbox.origin,
            "--retry-pause",
            "2ms",
        ])
        .arg("-o")
        .arg(&file)
        .args(more)
        .env_clear()
        .envs(variables.iter().copied())
        .output()
        .expect("the program runs");
    let written = std::fs::read_to_string(&file).unwrap_or_default();
    for text in [&written, &*String::from_utf8_lossy(&output.stderr)] {
        for hidden in [SECRET, "eyJ", "job-token-7c1", "sandbox-header", "PRIVATE KEY"] {
            assert!(!text.contains(hidden), "{auth}: `{hidden}` is shown");
        }
    }
    output
}

fn works(output: &Output, auth: &str) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{auth}: {said}");
    assert!(said.contains(&format!("signed in by `{auth}`")), "{said}");
    assert!(!said.contains(SECRET) && !said.contains("eyJ"), "{said}");
}

const PRINCIPAL: [(&str, &str); 2] = [("AZURE_TENANT_ID", TENANT), ("AZURE_CLIENT_ID", CLIENT)];

#[test]
fn a_secret() {
    let sandbox = sandbox(Options::default());
    let variables = [PRINCIPAL[0], PRINCIPAL[1], ("AZURE_CLIENT_SECRET", SECRET)];
    works(&sign_in(&sandbox, "secret", &variables, &[]), "secret");
}

#[test]
fn a_secret_over_tls() {
    let sandbox = sandbox(Options {
        tls: true,
        ..Options::default()
    });
    let directory = tempfile::tempdir().expect("a directory");
    let trusted = directory.path().join("ca.pem");
    std::fs::write(&trusted, sandbox.certificate.as_deref().expect("a certificate")).expect("written");
    let variables = [PRINCIPAL[0], PRINCIPAL[1], ("AZURE_CLIENT_SECRET", SECRET)];
    let trusted = trusted.to_str().expect("a path");
    works(
        &sign_in(&sandbox, "secret", &variables, &["--ca-file", trusted]),
        "secret",
    );
    let untrusted = sign_in(&sandbox, "secret", &variables, &["--attempts", "1"]);
    assert_eq!(untrusted.status.code(), Some(2));
}

#[test]
fn a_certificate() {
    let sandbox = sandbox(Options::default());
    let directory = tempfile::tempdir().expect("a directory");
    let key = KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).expect("a key");
    let params = CertificateParams::new(vec!["portcullis.example".to_owned()]).expect("parameters");
    let certificate = params.self_signed(&key).expect("a certificate");
    let both = directory.path().join("both.pem");
    std::fs::write(&both, format!("{}{}", certificate.pem(), key.serialize_pem())).expect("written");
    let both = both.to_str().expect("a path");
    let variables = [PRINCIPAL[0], PRINCIPAL[1], ("AZURE_CLIENT_CERTIFICATE_PATH", both)];
    works(&sign_in(&sandbox, "certificate", &variables, &[]), "certificate");
    let (one, other) = (directory.path().join("c.pem"), directory.path().join("k.pem"));
    std::fs::write(&one, certificate.pem()).expect("written");
    std::fs::write(&other, key.serialize_pem()).expect("written");
    let variables = [
        PRINCIPAL[0],
        PRINCIPAL[1],
        ("AZURE_CLIENT_CERTIFICATE_PATH", one.to_str().expect("a path")),
        ("AZURE_CLIENT_CERTIFICATE_KEY_PATH", other.to_str().expect("a path")),
    ];
    works(&sign_in(&sandbox, "certificate", &variables, &[]), "certificate");
}

#[test]
fn a_federated_token_in_a_file() {
    let sandbox = sandbox(Options::default());
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("token");
    std::fs::write(&file, jwt()).expect("written");
    let file = file.to_str().expect("a path");
    let variables = [PRINCIPAL[0], PRINCIPAL[1], ("AZURE_FEDERATED_TOKEN_FILE", file)];
    works(&sign_in(&sandbox, "workload", &variables, &[]), "workload");
}

#[test]
fn a_job_of_github() {
    let sandbox = sandbox(Options::default());
    let service = token_service(&format!("{{\"value\":\"{}\"}}", jwt()));
    let url = format!("{service}/token?api-version=2.0");
    let variables = [
        PRINCIPAL[0],
        PRINCIPAL[1],
        ("ACTIONS_ID_TOKEN_REQUEST_URL", url.as_str()),
        ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "job-token-7c1"),
    ];
    works(&sign_in(&sandbox, "github", &variables, &[]), "github");
}

#[test]
fn a_job_of_azure_pipelines() {
    let sandbox = sandbox(Options::default());
    let service = token_service(&format!("{{\"oidcToken\":\"{}\"}}", jwt()));
    let variables = [
        ("SYSTEM_OIDCREQUESTURI", service.as_str()),
        ("SYSTEM_ACCESSTOKEN", "job-token-7c1"),
        ("AZURESUBSCRIPTION_TENANT_ID", TENANT),
        ("AZURESUBSCRIPTION_CLIENT_ID", CLIENT),
        (
            "AZURESUBSCRIPTION_SERVICE_CONNECTION_ID",
            "9a2f3c1e-0000-4000-8000-000000000001",
        ),
    ];
    works(&sign_in(&sandbox, "pipelines", &variables, &[]), "pipelines");
}

#[test]
fn managed_identities() {
    let sandbox = sandbox(Options::default());
    works(&sign_in(&sandbox, "managed-identity", &[], &[]), "managed-identity");
    let named = ["--managed-identity", CLIENT];
    works(&sign_in(&sandbox, "managed-identity", &[], &named), "managed-identity");
    let endpoint = format!("{}/msi/token", sandbox.origin);
    let variables = [
        ("IDENTITY_ENDPOINT", endpoint.as_str()),
        ("IDENTITY_HEADER", "sandbox-header"),
    ];
    works(
        &sign_in(&sandbox, "managed-identity", &variables, &[]),
        "managed-identity",
    );
}

#[test]
fn tools_of_developers() {
    let sandbox = sandbox(Options::default());
    let token = static_token(&sandbox);
    let directory = tempfile::tempdir().expect("a directory");
    let count = directory.path().join("count");
    let count = count.to_str().expect("a path");
    let az = format!(
        "#!/bin/sh\necho asked >> {count}\necho '{{\"accessToken\":\"{token}\",\"expires_on\":4102444800,\"tokenType\":\"Bearer\",\"subscription\":\"s\",\"tenant\":\"t\",\"expiresOn\":\"2100-01-01 00:00:00.000000\"}}'\n"
    );
    tool(directory.path(), "az", &az);
    let azd = format!("#!/bin/sh\necho '{{\"token\":\"{token}\",\"expiresOn\":\"2100-01-01T00:00:00Z\"}}'\n");
    tool(directory.path(), "azd", &azd);
    let path = format!("{}:/usr/bin:/bin", directory.path().display());
    works(&sign_in(&sandbox, "az", &[("PATH", &path)], &[]), "az");
    works(&sign_in(&sandbox, "azd", &[("PATH", &path)], &[]), "azd");
    let asked = std::fs::read_to_string(count).expect("az was asked");
    assert_eq!(asked.lines().count(), 1, "one token for the whole scan");
}

#[test]
fn a_token_that_was_given() {
    let sandbox = sandbox(Options::default());
    let token = static_token(&sandbox);
    works(
        &sign_in(&sandbox, "token", &[("PORTCULLIS_ACCESS_TOKEN", &token)], &[]),
        "token",
    );
}

#[test]
fn ways_that_lack_something_say_what() {
    let sandbox = sandbox(Options::default());
    for (auth, lacks) in [
        ("secret", "AZURE_TENANT_ID"),
        ("certificate", "AZURE_CLIENT_CERTIFICATE_PATH"),
        ("github", "ACTIONS_ID_TOKEN_REQUEST_URL"),
        ("workload", "AZURE_FEDERATED_TOKEN_FILE"),
        ("pipelines", "SYSTEM_OIDCREQUESTURI"),
        ("token", "PORTCULLIS_ACCESS_TOKEN"),
    ] {
        let output = sign_in(&sandbox, auth, &[], &[]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(auth) && said.contains(lacks), "{said}");
    }
}

/// A proxy's page instead of an answer is told as such, not as a mistake of syntax.
#[test]
fn an_authority_that_answers_no_json_is_named() {
    let sandbox = sandbox(Options::default());
    let authority = token_service("<html>sign in</html>");
    let variables = [PRINCIPAL[0], PRINCIPAL[1], ("AZURE_CLIENT_SECRET", SECRET)];
    let output = sign_in(&sandbox, "secret", &variables, &["--authority", &authority]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(
        said.contains("secret: `127.0.0.1` answered with status 200 and no JSON"),
        "{said}"
    );
}

/// Something with the looks of a token of a job.
fn jwt() -> String {
    "eyJhbGciOiJub25lIn0.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlIiwic3ViIjoiam9iIiwiYXVkIjoiYXBpOi8vQXp1cmVBRFRva2VuRXhjaGFuZ2UifQ.c2ln"
        .to_owned()
}

/// A token that the sandbox gives.
fn static_token(sandbox: &Sandbox) -> String {
    let body = format!(
        "grant_type=client_credentials&client_id={CLIENT}&client_secret={SECRET}&scope=https%3A%2F%2Fmanagement.azure.com%2F.default"
    );
    let mut stream = std::net::TcpStream::connect(sandbox.address).expect("connected");
    let head = format!(
        "POST /{TENANT}/oauth2/v2.0/token HTTP/1.1\r\nhost: sandbox\r\nconnection: close\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(head.as_bytes()).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("answered");
    let (_, after) = answer.split_once("\"access_token\":\"").expect("a token");
    after.split('"').next().expect("its end").to_owned()
}

fn tool(directory: &Path, name: &str, text: &str) {
    use std::os::unix::fs::PermissionsExt;
    let path = directory.join(name);
    std::fs::write(&path, text).expect("written");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("made to run");
}

/// A service that answers every request with one text.
fn token_service(answer: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let origin = format!("http://{}", listener.local_addr().expect("an address"));
    let answer = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{answer}",
        answer.len()
    );
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut buffer = [0; 4096];
            let _ = stream.read(&mut buffer);
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    origin
}
