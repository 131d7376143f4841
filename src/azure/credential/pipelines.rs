//! Azure Pipelines: the service connection of a job, without a secret.

use azure_identity::{AzurePipelinesCredential, AzurePipelinesCredentialOptions, ClientAssertionCredentialOptions};

use super::{Built, Kind, SignIn, not_here};

pub(super) const KIND: Kind = Kind {
    name: "pipelines",
    about: "Azure Pipelines: SYSTEM_OIDCREQUESTURI, SYSTEM_ACCESSTOKEN and AZURESUBSCRIPTION_TENANT_ID, \
            AZURESUBSCRIPTION_CLIENT_ID, AZURESUBSCRIPTION_SERVICE_CONNECTION_ID",
    chained: true,
    hurried: false,
    build,
};

fn build(sign_in: &SignIn) -> Built {
    sign_in.needed("SYSTEM_OIDCREQUESTURI")?;
    let token = sign_in.needed("SYSTEM_ACCESSTOKEN")?;
    let options = AzurePipelinesCredentialOptions {
        credential_options: ClientAssertionCredentialOptions {
            client_options: sign_in.options(),
        },
    };
    let credential = AzurePipelinesCredential::new(
        sign_in.needed("AZURESUBSCRIPTION_TENANT_ID")?,
        sign_in.needed("AZURESUBSCRIPTION_CLIENT_ID")?,
        &sign_in.needed("AZURESUBSCRIPTION_SERVICE_CONNECTION_ID")?,
        token,
        Some(options),
    );
    Ok(credential.map_err(|e| not_here(&e))?)
}
