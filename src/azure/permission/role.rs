//! A custom role in the notations in which people keep roles. One line in [`FORMATS`] a notation.

use serde_json::json;

use super::Purpose;

/// One notation.
pub struct RoleFormat {
    pub name: &'static str,
    /// The role for a purpose, assignable at scopes such as `/subscriptions/S`.
    pub write: fn(Purpose, &[String]) -> String,
}

pub const FORMATS: &[RoleFormat] = &[
    RoleFormat {
        name: "json",
        write: as_json,
    },
    RoleFormat {
        name: "bicep",
        write: as_bicep,
    },
    RoleFormat {
        name: "terraform",
        write: as_terraform,
    },
    RoleFormat {
        name: "az",
        write: as_az,
    },
];

fn title(purpose: Purpose) -> String {
    format!("Portcullis {}", purpose.name())
}

/// As `az role definition create --role-definition` takes it.
fn as_json(purpose: Purpose, scopes: &[String]) -> String {
    let role = json!({
        "Name": title(purpose),
        "IsCustom": true,
        "Description": purpose.about(),
        "Actions": purpose.actions(),
        "NotActions": [],
        "DataActions": [],
        "NotDataActions": [],
        "AssignableScopes": scopes,
    });
    format!("{role:#}\n")
}

/// At the subscription that it is deployed to.
fn as_bicep(purpose: Purpose, _: &[String]) -> String {
    let title = title(purpose);
    let actions = lines(purpose, "          ", "'", "");
    format!(
        "targetScope = 'subscription'\n\n\
         resource role 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {{\n\
         \x20 name: guid(subscription().id, '{title}')\n\
         \x20 properties: {{\n\
         \x20   roleName: '{title} ${{subscription().subscriptionId}}'\n\
         \x20   description: '{}'\n\
         \x20   type: 'CustomRole'\n\
         \x20   permissions: [\n\
         \x20     {{\n\
         \x20       actions: [\n{actions}\
         \x20       ]\n\
         \x20       notActions: []\n\
         \x20     }}\n\
         \x20   ]\n\
         \x20   assignableScopes: [\n\
         \x20     subscription().id\n\
         \x20   ]\n\
         \x20 }}\n\
         }}\n\n\
         output roleDefinitionId string = role.id\n",
        purpose.about()
    )
}

fn as_terraform(purpose: Purpose, scopes: &[String]) -> String {
    let first = scopes.first().map(String::as_str).unwrap_or_default();
    let listed: Vec<String> = scopes.iter().map(|scope| format!("\"{scope}\"")).collect();
    format!(
        "resource \"azurerm_role_definition\" \"portcullis_{}\" {{\n\
         \x20 name        = \"{}\"\n\
         \x20 description = \"{}\"\n\
         \x20 scope       = \"{first}\"\n\n\
         \x20 permissions {{\n\
         \x20   actions = [\n{}\
         \x20   ]\n\
         \x20   not_actions = []\n\
         \x20 }}\n\n\
         \x20 assignable_scopes = [{}]\n\
         }}\n",
        purpose.name(),
        title(purpose),
        purpose.about(),
        lines(purpose, "      ", "\"", ","),
        listed.join(", ")
    )
}

/// A command for a shell. Nothing in it needs quoting but the whole.
fn as_az(purpose: Purpose, scopes: &[String]) -> String {
    format!(
        "az role definition create --role-definition '{}'\n",
        as_json(purpose, scopes).trim_end()
    )
}

fn lines(purpose: Purpose, indent: &str, quote: &str, end: &str) -> String {
    let actions = purpose.actions();
    actions
        .iter()
        .map(|action| format!("{indent}{quote}{action}{quote}{end}\n"))
        .collect()
}
