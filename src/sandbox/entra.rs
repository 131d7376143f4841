//! Tokens, as Microsoft Entra ID and the metadata endpoint of a machine give them, and the check of the bearer token
//! that Azure Resource Manager makes. One identity; nothing here is a secret worth keeping.

use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::answer::{Answer, Refusal};
use super::call::Call;
use super::clock::real;

/// Who may ask for tokens.
#[derive(Clone, Debug)]
pub struct Identity {
    pub client: String,
    pub secret: String,
    /// What the App Service endpoint expects in `X-IDENTITY-HEADER`.
    pub header: String,
}

impl Default for Identity {
    fn default() -> Identity {
        Identity {
            client: "00000000-5a4d-4b0c-8000-000000000001".to_owned(),
            secret: "sandbox-secret".to_owned(),
            header: "sandbox-header".to_owned(),
        }
    }
}

/// Tokens last as long as Entra's usually do.
const LIFETIME: SignedDuration = SignedDuration::from_secs(3599);

/// Tokens that are known at a time.
const REMEMBERED: usize = 10_000;

/// What a token for Azure Resource Manager may be for, besides the sandbox itself.
const AUDIENCES: &[&str] = &[
    "https://management.azure.com",
    "https://management.core.windows.net",
    "https://management.usgovcloudapi.net",
    "https://management.core.usgovcloudapi.net",
    "https://management.chinacloudapi.cn",
    "https://management.core.chinacloudapi.cn",
];

#[derive(Debug)]
struct Issued {
    until: Timestamp,
    audience: String,
    revoked: bool,
}

#[derive(Debug, Default)]
pub struct Tokens {
    issued: HashMap<String, Issued>,
    count: u64,
}

impl Tokens {
    /// Tokens live by the machine's clock, as clients count it, wherever the sandbox's is set.
    fn issue(&mut self, tenant: &str, client: &str, audience: &str) -> String {
        self.count += 1;
        let now = real();
        if self.issued.len() >= REMEMBERED {
            self.issued.retain(|_, issued| !issued.revoked && issued.until > now);
        }
        if self.issued.len() >= REMEMBERED {
            self.issued.clear();
        }
        let encode = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let head = encode(json!({ "typ": "JWT", "alg": "none" }));
        let claims = encode(json!({
            "aud": audience,
            "iss": format!("https://sts.windows.net/{tenant}/"),
            "tid": tenant,
            "oid": client,
            "appid": client,
            "iat": now.as_second(),
            "exp": now.saturating_add(LIFETIME).map_or(i64::MAX, Timestamp::as_second),
            "jti": format!("sandbox-{}", self.count),
        }));
        let token = format!("{head}.{claims}.c2FuZGJveA");
        let issued = Issued {
            until: now.saturating_add(LIFETIME).unwrap_or(Timestamp::MAX),
            audience: audience.trim_end_matches('/').to_ascii_lowercase(),
            revoked: false,
        };
        self.issued.insert(token.clone(), issued);
        token
    }

    /// Ends every token given so far, as if it had run out.
    pub fn expire_all(&mut self) {
        self.issued
            .values_mut()
            .for_each(|issued| issued.until = Timestamp::MIN);
    }

    /// Withdraws every token given so far.
    pub fn revoke_all(&mut self) {
        self.issued.values_mut().for_each(|issued| issued.revoked = true);
    }

    /// Refuses a call without a good token, as Azure Resource Manager does.
    pub fn check(&self, call: &Call, tenant: &str) -> Result<(), Refusal> {
        let refuse = |code: &str, message: &str| Err(unauthorized(call, tenant, code, message));
        let header = call.header("authorization").unwrap_or_default();
        let (scheme, token) = header.split_once(' ').unwrap_or_default();
        let Some(token) = scheme.eq_ignore_ascii_case("Bearer").then_some(token) else {
            return refuse(
                "AuthenticationFailed",
                "Authentication failed. The 'Authorization' header is missing.",
            );
        };
        let Some(issued) = self.issued.get(token).filter(|issued| !issued.revoked) else {
            return refuse("InvalidAuthenticationToken", "The access token is invalid.");
        };
        if issued.until <= real() {
            return refuse(
                "ExpiredAuthenticationToken",
                "The access token expiry UTC time has passed.",
            );
        }
        let audience = issued.audience.as_str();
        if !AUDIENCES.contains(&audience) && audience != call.origin.to_ascii_lowercase() {
            let message = format!("The access token has been obtained for wrong audience or resource '{audience}'.");
            return refuse("InvalidAuthenticationTokenAudience", &message);
        }
        Ok(())
    }
}

fn unauthorized(call: &Call, tenant: &str, code: &str, message: &str) -> Refusal {
    let challenge = format!(
        "Bearer authorization_uri=\"{}/{tenant}\", error=\"invalid_token\", error_description=\"{message}\"",
        call.origin
    );
    Refusal::new(401, code, message).with("www-authenticate", challenge)
}

/// What the endpoints need of the sandbox.
pub struct Authority<'s> {
    pub identity: &'s Identity,
    pub tokens: &'s mut Tokens,
    pub tenant: &'s str,
}

impl Authority<'_> {
    /// `POST /{tenant}/oauth2/v2.0/token`, client credentials by secret or by signed assertion.
    pub fn token(&mut self, call: &Call, tenant: &str) -> Answer {
        match self.grant(call, tenant) {
            Ok(answer) => answer,
            Err(refused) => refused.answer(real()),
        }
    }

    fn grant(&mut self, call: &Call, tenant: &str) -> Result<Answer, EntraError> {
        let form = call.form();
        let field = |name: &str| {
            let found = form.iter().find(|(key, _)| key == name);
            found.map(|(_, value)| value.as_str()).unwrap_or_default()
        };
        self.check_tenant(tenant)?;
        if field("grant_type") != "client_credentials" {
            let message = format!("The app requested an unsupported grant type '{}'.", field("grant_type"));
            return Err(EntraError::new(400, "unsupported_grant_type", 70003, message));
        }
        self.check_client(field("client_id"))?;
        match (field("client_secret"), field("client_assertion")) {
            ("", "") => {
                let message =
                    "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.";
                return Err(EntraError::new(401, "invalid_client", 7_000_218, message.to_owned()));
            }
            ("", assertion) => check_assertion(assertion)?,
            (secret, _) => self.check_secret(secret)?,
        }
        let Some(audience) = field("scope").strip_suffix("/.default") else {
            let message = format!("The provided value for scope {} is not valid.", field("scope"));
            return Err(EntraError::new(400, "invalid_scope", 1_002_012, message));
        };
        let token = self.tokens.issue(self.tenant, &self.identity.client, audience);
        let seconds = LIFETIME.as_secs();
        Ok(Answer::ok(json!({
            "token_type": "Bearer",
            "expires_in": seconds,
            "ext_expires_in": seconds,
            "access_token": token,
        })))
    }

    fn check_tenant(&self, tenant: &str) -> Result<(), EntraError> {
        let general = ["common", "organizations"];
        if tenant.eq_ignore_ascii_case(self.tenant) && !general.contains(&tenant) {
            return Ok(());
        }
        let message = format!(
            "Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the \
             correct cloud."
        );
        Err(EntraError::new(400, "invalid_request", 90002, message))
    }

    fn check_client(&self, client: &str) -> Result<(), EntraError> {
        if client.eq_ignore_ascii_case(&self.identity.client) {
            return Ok(());
        }
        let message = format!(
            "Application with identifier '{client}' was not found in the directory '{}'.",
            self.tenant
        );
        Err(EntraError::new(400, "unauthorized_client", 700_016, message))
    }

    fn check_secret(&self, secret: &str) -> Result<(), EntraError> {
        if secret == self.identity.secret {
            return Ok(());
        }
        let message = format!(
            "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, \
             not the client secret ID, for a secret added to app '{}'.",
            self.identity.client
        );
        Err(EntraError::new(401, "invalid_client", 7_000_215, message))
    }

    /// `GET /metadata/identity/oauth2/token`, the endpoint of virtual machines.
    pub fn metadata(&mut self, call: &Call) -> Answer {
        if !call
            .header("metadata")
            .is_some_and(|value| value.eq_ignore_ascii_case("true"))
        {
            return metadata_error(400, "bad_request_102", "Required metadata header not specified");
        }
        self.managed(call)
    }

    /// `GET /msi/token`, the endpoint of App Service.
    pub fn app_service(&mut self, call: &Call) -> Answer {
        if call.header("x-identity-header") != Some(self.identity.header.as_str()) {
            return metadata_error(401, "unauthorized", "X-IDENTITY-HEADER is missing or wrong");
        }
        self.managed(call)
    }

    fn managed(&mut self, call: &Call) -> Answer {
        let Some(resource) = call.query("resource").filter(|resource| !resource.is_empty()) else {
            return metadata_error(400, "invalid_request", "Required query variable 'resource' is missing");
        };
        let asked = call.query("client_id");
        if asked.is_some_and(|client| !client.eq_ignore_ascii_case(&self.identity.client)) {
            return metadata_error(400, "invalid_request", "Identity not found");
        }
        let client = &self.identity.client;
        let token = self.tokens.issue(self.tenant, client, resource);
        let until = real().saturating_add(LIFETIME).unwrap_or(Timestamp::MAX);
        let seconds = LIFETIME.as_secs().to_string();
        Answer::ok(json!({
            "access_token": token,
            "client_id": client,
            "expires_in": seconds,
            "expires_on": until.as_second().to_string(),
            "ext_expires_in": seconds,
            "not_before": real().as_second().to_string(),
            "resource": resource,
            "token_type": "Bearer",
        }))
    }

    /// `GET /{tenant}/v2.0/.well-known/openid-configuration`.
    pub fn discovery(&self, call: &Call, tenant: &str) -> Answer {
        let origin = &call.origin;
        Answer::ok(json!({
            "token_endpoint": format!("{origin}/{tenant}/oauth2/v2.0/token"),
            "authorization_endpoint": format!("{origin}/{tenant}/oauth2/v2.0/authorize"),
            "issuer": format!("{origin}/{tenant}/v2.0"),
            "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "client_secret_basic"],
            "response_modes_supported": ["query", "fragment", "form_post"],
            "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
            "scopes_supported": ["openid", "profile", "email", "offline_access"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "jwks_uri": format!("{origin}/{tenant}/discovery/v2.0/keys"),
            "tenant_region_scope": "EU",
            "cloud_instance_name": "sandbox",
        }))
    }
}

/// `GET /common/discovery/instance`: every host is its own authority.
pub fn instances(call: &Call) -> Answer {
    let host = call.origin.rsplit('/').next().unwrap_or_default();
    Answer::ok(json!({
        "tenant_discovery_endpoint": format!("{}/common/v2.0/.well-known/openid-configuration", call.origin),
        "api-version": "1.1",
        "metadata": [{ "preferred_network": host, "preferred_cache": host, "aliases": [host] }],
    }))
}

/// A signed assertion is looked into, not verified: the sandbox knows no keys.
fn check_assertion(assertion: &str) -> Result<(), EntraError> {
    let mut parts = assertion.split('.');
    let (Some(head), Some(claims), Some(_), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
        return Err(malformed());
    };
    let part = |text: &str| {
        let bytes = URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok()?;
        serde_json::from_slice::<Value>(&bytes).ok()
    };
    let (Some(_), Some(claims)) = (part(head), part(claims)) else {
        return Err(malformed());
    };
    let until = claims.get("exp").and_then(Value::as_i64);
    if until.is_some_and(|until| until < real().as_second()) {
        let message = "Client assertion is not within its valid time range.".to_owned();
        return Err(EntraError::new(401, "invalid_client", 700_024, message));
    }
    Ok(())
}

fn malformed() -> EntraError {
    let message = "IDX14100: JWT is not well formed, there must be three parts.".to_owned();
    EntraError::new(401, "invalid_client", 50027, message)
}

struct EntraError {
    status: u16,
    error: &'static str,
    code: u64,
    message: String,
}

impl EntraError {
    fn new(status: u16, error: &'static str, code: u64, message: String) -> EntraError {
        EntraError {
            status,
            error,
            code,
            message,
        }
    }

    fn answer(self, now: Timestamp) -> Answer {
        Answer::json(
            self.status,
            json!({
                "error": self.error,
                "error_description": format!("AADSTS{}: {}", self.code, self.message),
                "error_codes": [self.code],
                "timestamp": now.strftime("%Y-%m-%d %H:%M:%SZ").to_string(),
                "trace_id": "00000000-0000-4000-8000-000000000000",
                "correlation_id": "00000000-0000-4000-8000-000000000000",
            }),
        )
    }
}

fn metadata_error(status: u16, error: &str, description: &str) -> Answer {
    Answer::json(status, json!({ "error": error, "error_description": description }))
}
