//! Managed identity of an Azure machine or an App Service, system or user assigned.

use azure_identity::{ManagedIdentityCredential, ManagedIdentityCredentialOptions, UserAssignedId};

use super::{Built, Kind, SignIn, not_here};

pub(super) const KIND: Kind = Kind {
    name: "managed-identity",
    about: "the managed identity of this machine; --managed-identity or AZURE_CLIENT_ID names a user-assigned one",
    chained: true,
    hurried: true,
    build,
};

fn build(sign_in: &SignIn) -> Built {
    let named = sign_in
        .managed_identity
        .clone()
        .or_else(|| sign_in.variable("AZURE_CLIENT_ID"));
    let user_assigned_id = named.map(|name| match name.starts_with('/') {
        true => UserAssignedId::ResourceId(name),
        false => UserAssignedId::ClientId(name),
    });
    let options = ManagedIdentityCredentialOptions {
        user_assigned_id,
        client_options: sign_in.options(),
    };
    Ok(ManagedIdentityCredential::new(Some(options)).map_err(|e| not_here(&e))?)
}
