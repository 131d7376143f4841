//! A service principal with a certificate: a signed assertion instead of a secret. The key and the certificate are one
//! PEM file, or two.

use std::sync::Arc;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{RSA_PSS_SHA256, RsaKeyPair};
use azure_core::error::ErrorKind;
use azure_core::http::ClientMethodOptions;
use azure_identity::{ClientAssertion, ClientAssertionCredential};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::Timestamp;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::assertion::options;
use super::{Built, Kind, NotHere, SignIn, not_here};

pub(super) const KIND: Kind = Kind {
    name: "certificate",
    about: "a service principal: AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_CLIENT_CERTIFICATE_PATH (PEM, with the key in \
            it or in AZURE_CLIENT_CERTIFICATE_KEY_PATH)",
    chained: true,
    hurried: false,
    build,
};

/// How long an assertion holds, in seconds. Short, since it is made anew for each token.
const LIFETIME: i64 = 300;

/// Signs assertions for one application.
struct Signer {
    key: RsaKeyPair,
    /// SHA-256 of the certificate.
    thumbprint: String,
    client: String,
    audience: String,
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Signer")
    }
}

impl Signer {
    /// The assertion at a moment, with a number that is used once.
    fn assertion(&self, now: Timestamp, once: [u8; 16]) -> Option<String> {
        let header = json!({ "alg": "PS256", "typ": "JWT", "x5t#S256": self.thumbprint });
        let now = now.as_second();
        let claims = json!({
            "aud": self.audience,
            "iss": self.client,
            "sub": self.client,
            "jti": URL_SAFE_NO_PAD.encode(once),
            "nbf": now,
            "iat": now,
            "exp": now + LIFETIME,
        });
        let part = |value: &serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&header), part(&claims));
        let mut signature = vec![0; self.key.public_modulus_len()];
        self.key
            .sign(&RSA_PSS_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature)
            .ok()?;
        Some(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

#[async_trait::async_trait]
impl ClientAssertion for Signer {
    async fn secret(&self, _: Option<ClientMethodOptions<'_>>) -> azure_core::Result<String> {
        let mut once = [0; 16];
        let filled = aws_lc_rs::rand::fill(&mut once);
        let assertion = filled.ok().and_then(|()| self.assertion(Timestamp::now(), once));
        assertion.ok_or_else(|| {
            azure_core::Error::with_message(ErrorKind::Credential, "the assertion could not be signed".to_owned())
        })
    }
}

fn build(sign_in: &SignIn) -> Built {
    let path = sign_in.needed("AZURE_CLIENT_CERTIFICATE_PATH")?;
    let tenant = sign_in.needed("AZURE_TENANT_ID")?;
    let client = sign_in.needed("AZURE_CLIENT_ID")?;
    let certificate = read(&path)?;
    let key = match sign_in.variable("AZURE_CLIENT_CERTIFICATE_KEY_PATH") {
        Some(path) => read(&path)?,
        None => certificate.clone(),
    };
    let signer = Signer {
        key: key_pair(&key)?,
        thumbprint: thumbprint(&certificate)?,
        audience: format!("{}{tenant}/oauth2/v2.0/token", sign_in.cloud.authority),
        client: client.clone(),
    };
    let credential =
        ClientAssertionCredential::new(tenant, client, signer, options(sign_in)).map_err(|e| not_here(&e))?;
    let credential: Arc<_> = credential;
    Ok(credential)
}

fn read(path: &str) -> Result<String, NotHere> {
    std::fs::read_to_string(path).map_err(|error| NotHere(format!("`{path}` cannot be read: {error}")))
}

fn thumbprint(pem: &str) -> Result<String, NotHere> {
    let certificate =
        block(pem, "CERTIFICATE").ok_or_else(|| NotHere("the PEM file holds no certificate".to_owned()))?;
    Ok(URL_SAFE_NO_PAD.encode(Sha256::digest(certificate)))
}

fn key_pair(pem: &str) -> Result<RsaKeyPair, NotHere> {
    let wrong = |_| NotHere("the private key is no usable RSA key".to_owned());
    if let Some(key) = block(pem, "PRIVATE KEY") {
        return RsaKeyPair::from_pkcs8(&key).map_err(wrong);
    }
    match block(pem, "RSA PRIVATE KEY") {
        Some(key) => RsaKeyPair::from_der(&key).map_err(wrong),
        None => Err(NotHere(
            "the PEM file holds no private key; one under a password must be decrypted first".to_owned(),
        )),
    }
}

/// The first block of a label.
fn block(pem: &str, label: &str) -> Option<Vec<u8>> {
    let (_, rest) = pem.split_once(&format!("-----BEGIN {label}-----"))?;
    let (text, _) = rest.split_once(&format!("-----END {label}-----"))?;
    let digits: String = text.chars().filter(|character| !character.is_whitespace()).collect();
    STANDARD.decode(digits).ok()
}
