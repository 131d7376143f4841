//! The tools of a developer who has signed in: the Azure CLI and the Azure Developer CLI.

use azure_identity::{
    AzureCliCredential, AzureCliCredentialOptions, AzureDeveloperCliCredential, AzureDeveloperCliCredentialOptions,
};

use super::{Built, Kind, SignIn, not_here};

pub(super) const AZ: Kind = Kind {
    name: "az",
    about: "the Azure CLI, after `az login`",
    chained: true,
    hurried: false,
    build: az,
};

pub(super) const AZD: Kind = Kind {
    name: "azd",
    about: "the Azure Developer CLI, after `azd auth login`",
    chained: true,
    hurried: false,
    build: azd,
};

fn az(sign_in: &SignIn) -> Built {
    let options = AzureCliCredentialOptions {
        tenant_id: sign_in.variable("AZURE_TENANT_ID"),
        ..AzureCliCredentialOptions::default()
    };
    Ok(AzureCliCredential::new(Some(options)).map_err(|e| not_here(&e))?)
}

fn azd(sign_in: &SignIn) -> Built {
    let options = AzureDeveloperCliCredentialOptions {
        tenant_id: sign_in.variable("AZURE_TENANT_ID"),
        ..AzureDeveloperCliCredentialOptions::default()
    };
    Ok(AzureDeveloperCliCredential::new(Some(options)).map_err(|e| not_here(&e))?)
}
