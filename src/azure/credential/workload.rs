//! Workload identity: a federated token in a file, as Kubernetes projects it.

use azure_identity::{ClientAssertionCredentialOptions, WorkloadIdentityCredential, WorkloadIdentityCredentialOptions};

use super::{Built, Kind, SignIn, not_here};

pub(super) const KIND: Kind = Kind {
    name: "workload",
    about: "workload identity: AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_FEDERATED_TOKEN_FILE",
    chained: true,
    hurried: false,
    build,
};

fn build(sign_in: &SignIn) -> Built {
    let options = WorkloadIdentityCredentialOptions {
        credential_options: ClientAssertionCredentialOptions {
            client_options: sign_in.options(),
        },
        token_file_path: Some(sign_in.needed("AZURE_FEDERATED_TOKEN_FILE")?.into()),
        tenant_id: Some(sign_in.needed("AZURE_TENANT_ID")?),
        client_id: Some(sign_in.needed("AZURE_CLIENT_ID")?),
    };
    Ok(WorkloadIdentityCredential::new(Some(options)).map_err(|e| not_here(&e))?)
}
