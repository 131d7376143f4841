//! What an identity must be allowed for what: facts of Azure, feature by feature, and the roles made of them.
//! The actions of a scan are those of the table of types.

mod role;

use std::sync::Arc;

pub use role::{FORMATS, RoleFormat};

use super::collect::rights::Rights;
use super::collect::types::{KINDS, SCALE_SET};
use super::{Connection, Unread, connect, runtime};
use crate::azure::patience::Stop;

/// One thing that the tool does, with what it needs.
pub struct Feature {
    pub name: String,
    pub actions: Vec<String>,
}

/// What somebody wants to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    Scan,
    Request,
    Configure,
    Remediate,
}

impl Purpose {
    pub const ALL: [(&'static str, Purpose); 4] = [
        ("scan", Purpose::Scan),
        ("request", Purpose::Request),
        ("configure", Purpose::Configure),
        ("remediate", Purpose::Remediate),
    ];

    pub fn name(self) -> &'static str {
        let named = Purpose::ALL.iter().find(|(_, purpose)| *purpose == self);
        named.map_or("scan", |(name, _)| name)
    }

    pub fn about(self) -> &'static str {
        match self {
            Purpose::Scan => "Reads what Portcullis judges, and changes nothing",
            Purpose::Request => "Asks for just-in-time access to virtual machines",
            Purpose::Configure => "Enables, changes and disables just-in-time access to virtual machines",
            Purpose::Remediate => "Scans, enables just-in-time access and closes rules of network security groups",
        }
    }

    pub fn features(self) -> Vec<Feature> {
        match self {
            Purpose::Scan => scanning(),
            Purpose::Request => stated(REQUEST),
            Purpose::Configure => scanning().into_iter().chain(stated(CONFIGURE)).collect(),
            Purpose::Remediate => {
                let writes = stated(CONFIGURE).into_iter().chain(stated(REMEDIATE));
                scanning().into_iter().chain(writes).collect()
            }
        }
    }

    /// Every action, each once, in order.
    pub fn actions(self) -> Vec<String> {
        let mut actions: Vec<String> = self
            .features()
            .into_iter()
            .flat_map(|feature| feature.actions)
            .collect();
        actions.sort_by_key(|action| action.to_ascii_lowercase());
        actions.dedup();
        actions
    }
}

/// Beside the types themselves.
const SCAN: &[(&str, &[&str])] = &[
    ("tell what may be read", &["Microsoft.Authorization/permissions/read"]),
    ("ask Resource Graph", &["Microsoft.ResourceGraph/resources/read"]),
    (
        "find subscriptions by management group",
        &[
            "Microsoft.Management/managementGroups/read",
            "Microsoft.Management/managementGroups/descendants/read",
        ],
    ),
];

const REQUEST: &[(&str, &[&str])] = &[
    (
        "request just-in-time access",
        &[
            "Microsoft.Security/locations/jitNetworkAccessPolicies/read",
            "Microsoft.Security/locations/jitNetworkAccessPolicies/initiate/action",
        ],
    ),
    (
        "find the machine and its addresses",
        &[
            "Microsoft.Compute/virtualMachines/read",
            "Microsoft.Network/networkInterfaces/*/read",
            "Microsoft.Network/publicIPAddresses/read",
        ],
    ),
];

const CONFIGURE: &[(&str, &[&str])] = &[(
    "enable or edit just-in-time access",
    &[
        "Microsoft.Security/locations/jitNetworkAccessPolicies/write",
        "Microsoft.Security/locations/jitNetworkAccessPolicies/delete",
        "Microsoft.Compute/virtualMachines/write",
    ],
)];

const REMEDIATE: &[(&str, &[&str])] = &[
    (
        "close rules of network security groups",
        &[
            "Microsoft.Network/networkSecurityGroups/securityRules/read",
            "Microsoft.Network/networkSecurityGroups/securityRules/write",
            "Microsoft.Network/networkSecurityGroups/securityRules/delete",
        ],
    ),
    (
        "put a network security group before an interface",
        &[
            "Microsoft.Network/networkSecurityGroups/write",
            "Microsoft.Network/networkSecurityGroups/delete",
            "Microsoft.Network/networkSecurityGroups/join/action",
            "Microsoft.Network/networkInterfaces/write",
            "Microsoft.Network/virtualNetworks/subnets/join/action",
            "Microsoft.Network/publicIPAddresses/join/action",
        ],
    ),
    (
        "see what stands in the way of a change",
        &[
            "Microsoft.Authorization/locks/read",
            "Microsoft.Authorization/denyAssignments/read",
            "Microsoft.Authorization/policyAssignments/read",
            "Microsoft.Authorization/policyDefinitions/read",
            "Microsoft.Authorization/policySetDefinitions/read",
        ],
    ),
];

fn stated(table: &[(&str, &[&str])]) -> Vec<Feature> {
    let feature = |(name, actions): &(&str, &[&str])| Feature {
        name: (*name).to_owned(),
        actions: actions.iter().map(|action| (*action).to_owned()).collect(),
    };
    table.iter().map(feature).collect()
}

/// One feature a type, since each can lack alone.
fn scanning() -> Vec<Feature> {
    let types = KINDS.iter().filter_map(|kind| {
        let mut actions = vec![kind.action()?];
        // The provider checks the set as well.
        if kind.name.starts_with(SCALE_SET) && kind.name != SCALE_SET {
            actions.push(format!("{SCALE_SET}/read"));
        }
        Some(Feature {
            name: format!("read `{}`", kind.name),
            actions,
        })
    });
    types.chain(stated(SCAN)).collect()
}

/// What an identity lacks in a subscription, feature by feature; features that work are left out.
pub struct Lack {
    pub subscription: String,
    /// `None` where the rights cannot be asked for; then why.
    pub features: Result<Vec<Feature>, String>,
}

/// Asks Azure what the identity lacks.
pub fn lacks(connection: &Connection, subscriptions: &[String], purpose: Purpose) -> Result<Vec<Lack>, Unread> {
    let runtime = runtime()?;
    runtime.block_on(async {
        let (client, _) = connect(connection, Stop::default())?;
        let mut lacks = Vec::new();
        for subscription in subscriptions {
            let id: Arc<str> = Arc::from(subscription.as_str());
            let rights = Rights::of(&client, &id).await;
            lacks.push(Lack {
                subscription: subscription.clone(),
                features: rights
                    .map(|rights| lacking(&rights, purpose))
                    .map_err(|fault| fault.words()),
            });
        }
        Ok(lacks)
    })
}

fn lacking(rights: &Rights, purpose: Purpose) -> Vec<Feature> {
    let without = purpose.features().into_iter().map(|feature| Feature {
        actions: feature
            .actions
            .into_iter()
            .filter(|action| !rights.allow(action))
            .collect(),
        name: feature.name,
    });
    without.filter(|feature| !feature.actions.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scan_only_reads() {
        for action in Purpose::Scan.actions() {
            let asks = action.ends_with("/read") || action.to_ascii_lowercase().contains("/list");
            assert!(asks, "`{action}`");
        }
        assert!(
            Purpose::Scan
                .actions()
                .iter()
                .any(|action| action == "Microsoft.Network/networkSecurityGroups/read")
        );
    }
}
