//! A token that somebody else fetched. Only when asked for: a variable left over must not decide who signs in.

use std::sync::Arc;
use std::time::Duration;

use azure_core::credentials::{AccessToken, Secret, TokenCredential, TokenRequestOptions};
use azure_core::time::OffsetDateTime;

use super::{Built, Kind, SignIn};

pub(super) const KIND: Kind = Kind {
    name: "token",
    about: "a token in PORTCULLIS_ACCESS_TOKEN; only when asked for",
    chained: false,
    hurried: false,
    build,
};

#[derive(Debug)]
struct Given(Secret);

#[async_trait::async_trait]
impl TokenCredential for Given {
    async fn get_token(&self, _: &[&str], _: Option<TokenRequestOptions<'_>>) -> azure_core::Result<AccessToken> {
        // Nobody says how long it is good for; the service will.
        let expires = OffsetDateTime::now_utc() + Duration::from_secs(24 * 3600);
        Ok(AccessToken {
            token: self.0.clone(),
            expires_on: expires,
        })
    }
}

fn build(sign_in: &SignIn) -> Built {
    let token = sign_in.needed("PORTCULLIS_ACCESS_TOKEN")?;
    Ok(Arc::new(Given(Secret::from(token.trim().to_owned()))))
}
