//! A client of the sandbox that owes nothing to its libraries: bytes over a socket, one connection a call.
#![allow(dead_code, clippy::expect_used, clippy::indexing_slicing)]

use std::fs::File;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use jiff::SignedDuration;
use portcullis::sandbox::{Options, Sandbox, Store, load};
use serde_json::{Value, json};

pub const RETAIL: &str = "1a9c63e8-0b72-4d5f-8e34-91f7c2d605b2";
pub const PLATFORM: &str = "7d4f1c02-5a3e-4b86-9f10-2c6e8a9b0d11";
pub const SHOP: &str = "/subscriptions/1a9c63e8-0b72-4d5f-8e34-91f7c2d605b2/resourceGroups/rg-shop-prod/providers";

/// An answer as it came over the wire; no status where none came.
#[derive(Debug)]
pub struct Reply {
    pub status: Option<u16>,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// Whether as much came as was announced.
    pub whole: bool,
}

impl Reply {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }

    pub fn code(&self) -> String {
        let body = self.json();
        let code = body.pointer("/error/code").and_then(Value::as_str);
        code.unwrap_or_default().to_owned()
    }

    pub fn is_refused(&self, status: u16, code: &str) {
        assert_eq!(
            (self.status, self.code().as_str()),
            (Some(status), code),
            "{}",
            String::from_utf8_lossy(&self.body)
        );
    }
}

/// A client that owes nothing to the sandbox's libraries: bytes over a socket, one connection a call.
pub struct Client {
    pub sandbox: Sandbox,
    pub token: String,
}

impl Client {
    pub fn new(options: Options) -> Client {
        let mut client = Client {
            sandbox: Sandbox::start(contoso(), options).expect("the sandbox starts"),
            token: String::new(),
        };
        client.log_in();
        client
    }

    pub fn log_in(&mut self) {
        let reply = self.form(&tenant(), "sandbox-secret", "https://management.azure.com/.default");
        let body = reply.json();
        self.token = body["access_token"].as_str().unwrap_or_default().to_owned();
    }

    pub fn form(&self, tenant: &str, secret: &str, scope: &str) -> Reply {
        let client = "00000000-5a4d-4b0c-8000-000000000001";
        let body = format!("grant_type=client_credentials&client_id={client}&client_secret={secret}&scope={scope}");
        let path = format!("/{tenant}/oauth2/v2.0/token");
        self.raw(
            "POST",
            &path,
            &["Content-Type: application/x-www-form-urlencoded"],
            body.as_bytes(),
        )
    }

    pub fn raw(&self, method: &str, path: &str, headers: &[&str], body: &[u8]) -> Reply {
        let mut stream = TcpStream::connect(self.sandbox.address).expect("the sandbox listens");
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .expect("a timeout can be set");
        let path = path.replace(' ', "%20").replace('\'', "%27");
        let mut request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Length: {}\r\n",
            self.sandbox.address,
            body.len()
        );
        for header in headers {
            request.push_str(header);
            request.push_str("\r\n");
        }
        request.push_str("\r\n");
        let mut bytes = request.into_bytes();
        bytes.extend_from_slice(body);
        let sent = stream.write_all(&bytes);
        let mut answer = Vec::new();
        let read = sent.and_then(|()| stream.read_to_end(&mut answer).map(|_| ()));
        parsed(&answer, read.is_ok())
    }

    pub fn call_with(&self, method: &str, path: &str, headers: &[&str], body: Option<&Value>) -> Reply {
        let authorization = format!("Authorization: Bearer {}", self.token);
        let mut all = vec![authorization.as_str(), "Content-Type: application/json"];
        all.extend(headers);
        let body = body.map(Value::to_string).unwrap_or_default();
        let path = if path.contains("api-version") || path.starts_with("/_sandbox") {
            path.to_owned()
        } else {
            let mark = if path.contains('?') { '&' } else { '?' };
            format!("{path}{mark}api-version=2024-05-01")
        };
        self.raw(method, &path, &all, body.as_bytes())
    }

    pub fn get(&self, path: &str) -> Reply {
        self.call_with("GET", path, &[], None)
    }

    pub fn put(&self, path: &str, body: &Value) -> Reply {
        self.call_with("PUT", path, &[], Some(body))
    }

    pub fn post(&self, path: &str, body: &Value) -> Reply {
        self.call_with("POST", path, &[], Some(body))
    }

    pub fn delete(&self, path: &str) -> Reply {
        self.call_with("DELETE", path, &[], None)
    }

    pub fn graph(&self, query: &str, options: &Value) -> Reply {
        let body = json!({ "query": query, "options": options });
        self.post(
            "/providers/Microsoft.ResourceGraph/resources?api-version=2022-10-01",
            &body,
        )
    }

    /// All rows of a list, by its links.
    pub fn all(&self, path: &str) -> Vec<Value> {
        let mut rows = Vec::new();
        let mut next = Some(path.to_owned());
        while let Some(path) = next {
            let reply = self.get(&path);
            assert_eq!(reply.status, Some(200), "{path}: {:?}", reply.json());
            let body = reply.json();
            rows.extend(body["value"].as_array().expect("a list").clone());
            next = body["nextLink"].as_str().map(|link| {
                link.strip_prefix(self.sandbox.origin.as_str())
                    .expect("a link to the sandbox")
                    .to_owned()
            });
        }
        rows
    }

    pub fn advance(&self, hours: i64) {
        self.sandbox.advance(SignedDuration::from_hours(hours));
    }
}

pub fn parsed(bytes: &[u8], ended: bool) -> Reply {
    let nothing = Reply {
        status: None,
        headers: Vec::new(),
        body: Vec::new(),
        whole: false,
    };
    let Some(split) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
        return nothing;
    };
    let head = String::from_utf8_lossy(&bytes[..split]).into_owned();
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok());
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let body = bytes[split + 4..].to_vec();
    let announced = headers.iter().find(|(name, _)| name == "content-length");
    let announced = announced.and_then(|(_, length)| length.parse().ok());
    let whole = ended && announced.is_none_or(|length: usize| length == body.len());
    Reply {
        status,
        headers,
        body,
        whole,
    }
}

pub fn contoso() -> Store {
    let mut store = Store::default();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/contoso/estate.jsonl");
    load(&mut store, "contoso", File::open(path).expect("the example is there")).expect("the example is an estate");
    store.settle();
    store
}

pub fn tenant() -> String {
    contoso().tenant
}

/// A sandbox in which writes are done by the next call.
pub fn prompt() -> Client {
    Client::new(Options {
        operation: Duration::ZERO,
        ..Options::default()
    })
}

pub fn rule(priority: u32, port: &str) -> Value {
    json!({ "properties": {
        "protocol": "Tcp", "access": "Allow", "direction": "Inbound", "priority": priority,
        "sourceAddressPrefix": "203.0.113.0/24", "sourcePortRange": "*",
        "destinationAddressPrefix": "*", "destinationPortRange": port,
    } })
}
