//! What the identity may do in a subscription. Lists and Resource Graph leave out in silence what it may not read, so it
//! is asked before: a type that it may not read is a gap, not an empty list.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

use crate::azure::client::{Client, Fault, Lane};
use crate::model::names_action;

const VERSION: &str = "2022-04-01";

/// What is granted, by one assignment each.
#[derive(Clone, Debug, Default)]
pub struct Rights(Vec<Grant>);

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Grant {
    actions: Vec<String>,
    not_actions: Vec<String>,
}

impl Rights {
    /// The rights of the identity at a subscription.
    pub async fn of(client: &Client, subscription: &Arc<str>) -> Result<Rights, Fault> {
        let lane = Lane::Subscription(Arc::clone(subscription));
        Rights::at(client, &format!("/subscriptions/{subscription}"), &lane).await
    }

    /// The rights of the identity at a scope: a subscription or a resource group.
    pub async fn at(client: &Client, scope: &str, lane: &Lane) -> Result<Rights, Fault> {
        let path = format!("{scope}/providers/Microsoft.Authorization/permissions?api-version={VERSION}");
        let mut grants = Vec::new();
        client
            .list(&path, lane, |rows| {
                grants.extend(
                    rows.into_iter()
                        .filter_map(|row: Value| serde_json::from_value(row).ok()),
                );
            })
            .await?;
        Ok(Rights(grants))
    }

    /// Whether any assignment grants an action and does not take it out again.
    pub fn allow(&self, action: &str) -> bool {
        let names = |patterns: &[String]| patterns.iter().any(|pattern| names_action(pattern, action));
        self.0
            .iter()
            .any(|grant| names(&grant.actions) && !names(&grant.not_actions))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_assignment_takes_out_another_may_grant() {
        let grant = |actions: &[&str], not: &[&str]| Grant {
            actions: actions.iter().map(|text| (*text).to_owned()).collect(),
            not_actions: not.iter().map(|text| (*text).to_owned()).collect(),
        };
        let rights = Rights(vec![
            grant(&["*"], &["Microsoft.Network/*"]),
            grant(&["Microsoft.Network/ipGroups/read"], &[]),
        ]);
        assert!(rights.allow("Microsoft.Compute/virtualMachines/read"));
        assert!(!rights.allow("Microsoft.Network/routeTables/read"));
        assert!(rights.allow("Microsoft.Network/ipGroups/read"));
    }
}
