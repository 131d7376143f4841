//! The content security policy of the page: only the embedded style and scripts run, and nothing is fetched.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

/// The policy for one style element and the given scripts.
pub fn content_security_policy(style: &str, scripts: &[&str]) -> String {
    let scripts: Vec<String> = scripts.iter().map(|script| source_hash(script)).collect();
    [
        "default-src 'none'".to_owned(),
        format!("style-src {}", source_hash(style)),
        format!("script-src {}", scripts.join(" ")),
        "img-src data:".to_owned(),
        "base-uri 'none'".to_owned(),
        "form-action 'none'".to_owned(),
        // No code path may turn text into markup: the browser refuses `innerHTML` and its kin.
        "require-trusted-types-for 'script'".to_owned(),
    ]
    .join("; ")
}

fn source_hash(text: &str) -> String {
    format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text)))
}
