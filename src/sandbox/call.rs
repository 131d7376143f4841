//! One request, taken apart: method, path, query, headers, body. Knows nothing of what it asks for.

use axum::body::Bytes;
use axum::http::{HeaderMap, Method};
use serde_json::Value;

use super::answer::Refusal;

/// A request as the services see it. Path and query are decoded.
#[derive(Clone, Debug)]
pub struct Call {
    /// In the order of arrival, from 1; 0 for the control endpoint.
    pub number: u64,
    pub method: Method,
    pub path: String,
    pub query: Vec<(String, String)>,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// Scheme, host and port under which the client reached the sandbox; links are made with it.
    pub origin: String,
}

impl Call {
    /// A parameter of the query, by name without case.
    pub fn query(&self, name: &str) -> Option<&str> {
        let found = self.query.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The id that the services give the call.
    pub fn request_id(&self) -> String {
        format!("00000000-0000-4000-b000-{:012x}", self.number)
    }

    /// The id that joins calls, the client's own where it sends one.
    pub fn correlation(&self) -> String {
        let stated = self.header("x-ms-correlation-request-id");
        stated.map_or_else(|| self.request_id(), str::to_owned)
    }

    pub fn is(&self, method: &Method) -> bool {
        self.method == method
    }

    /// The body as JSON; ARM's refusal when it is none.
    pub fn json(&self) -> Result<Value, Refusal> {
        serde_json::from_slice(&self.body).map_err(|error| {
            let message = format!("The request content was invalid and could not be deserialized: '{error}'.");
            Refusal::new(400, "InvalidRequestContent", message)
        })
    }

    /// The fields of an `application/x-www-form-urlencoded` body.
    pub fn form(&self) -> Vec<(String, String)> {
        pairs(&String::from_utf8_lossy(&self.body))
    }

    /// The path's segments, without empty ones.
    pub fn segments(&self) -> Vec<&str> {
        self.path.split('/').filter(|segment| !segment.is_empty()).collect()
    }

    /// A link to this path with another page marker.
    pub fn link(&self, marker: &str, value: &str) -> String {
        let kept = self.query.iter().filter(|(key, _)| !key.eq_ignore_ascii_case(marker));
        let mut parts: Vec<String> = kept
            .map(|(key, value)| format!("{}={}", encode(key), encode(value)))
            .collect();
        parts.push(format!("{}={}", encode(marker), encode(value)));
        let path: Vec<String> = self.path.split('/').map(encode).collect();
        format!("{}{}?{}", self.origin, path.join("/"), parts.join("&"))
    }
}

/// `a=1&b=2`, decoded.
pub fn pairs(text: &str) -> Vec<(String, String)> {
    let parts = text.split('&').filter(|part| !part.is_empty());
    parts
        .map(|part| {
            let (key, value) = part.split_once('=').unwrap_or((part, ""));
            (decode(&key.replace('+', " ")), decode(&value.replace('+', " ")))
        })
        .collect()
}

/// Resolves `%20` and its like; what is no escape stays.
pub fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let escaped = (*byte == b'%')
            .then(|| bytes.get(at + 1..at + 3))
            .flatten()
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        decoded.push(escaped.unwrap_or(*byte));
        at += if escaped.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

/// Escapes all but the unreserved characters and `$`, which Azure leaves as it is.
pub fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~$()'*,:@".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_decoded_and_encoded() {
        assert_eq!(
            pairs("api-version=2024-05-01&%24filter=a%20eq+%27b%27&bare&x=%zz"),
            [
                ("api-version".into(), "2024-05-01".into()),
                ("$filter".into(), "a eq 'b'".into()),
                ("bare".into(), String::new()),
                ("x".into(), "%zz".into()),
            ]
        );
        assert_eq!(encode("$skipToken=a b/é"), "$skipToken%3Da%20b%2F%C3%A9");
    }
}
