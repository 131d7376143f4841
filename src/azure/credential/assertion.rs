//! What credentials that sign in with an assertion have in common.

use azure_identity::ClientAssertionCredentialOptions;

use super::SignIn;

pub(super) fn options(sign_in: &SignIn) -> Option<ClientAssertionCredentialOptions> {
    Some(ClientAssertionCredentialOptions {
        client_options: sign_in.options(),
    })
}
