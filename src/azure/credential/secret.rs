//! A service principal with a secret, from the environment.

use azure_core::credentials::Secret;
use azure_identity::{ClientSecretCredential, ClientSecretCredentialOptions};

use super::{Built, Kind, SignIn, not_here};

pub(super) const KIND: Kind = Kind {
    name: "secret",
    about: "a service principal: AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_CLIENT_SECRET",
    chained: true,
    hurried: false,
    build,
};

fn build(sign_in: &SignIn) -> Built {
    let tenant = sign_in.needed("AZURE_TENANT_ID")?;
    let client = sign_in.needed("AZURE_CLIENT_ID")?;
    let secret = Secret::from(sign_in.needed("AZURE_CLIENT_SECRET")?);
    let options = ClientSecretCredentialOptions {
        client_options: sign_in.options(),
    };
    let credential = ClientSecretCredential::new(&tenant, client, secret, Some(options)).map_err(|e| not_here(&e))?;
    Ok(credential)
}
