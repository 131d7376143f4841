//! The calls of just-in-time access: policies, requests, and what the activity log tells of them.

use jiff::Timestamp;
use serde_json::Value;

use super::client::Fault;
use super::session::Session;
use super::surroundings::path_of;
use crate::model::ResourceId;

const POLICIES: &str = "2020-01-01";
const EVENTS: &str = "2015-04-01";
const ROLES: &str = "2022-04-01";
const SUBSCRIPTIONS: &str = "2022-12-01";

/// The providers whose events tell of just-in-time access: requests and policies, and the rules that follow.
pub const SECURITY: &str = "Microsoft.Security";
pub const NETWORK: &str = "Microsoft.Network";

impl Session {
    /// Ids of the subscriptions that the identity is shown.
    pub fn subscriptions(&self) -> Result<Vec<String>, Fault> {
        let mut ids = Vec::new();
        self.list(&format!("subscriptions?api-version={SUBSCRIPTIONS}"), |rows| {
            let named = rows.iter().filter_map(|row| row.get("subscriptionId")?.as_str());
            ids.extend(named.map(str::to_ascii_lowercase));
        })?;
        Ok(ids)
    }

    /// Every policy of a subscription, page by page.
    pub fn policies(&self, subscription: &str, take: impl FnMut(Vec<Value>)) -> Result<(), Fault> {
        let path = format!(
            "subscriptions/{subscription}/providers/Microsoft.Security/jitNetworkAccessPolicies?api-version={POLICIES}"
        );
        self.list(&path, take)
    }

    /// One policy as it is now.
    pub fn policy(&self, id: &ResourceId) -> Result<Value, Fault> {
        self.get(&path_of(id, POLICIES))
    }

    /// Asks a policy for access; the answer is the request as the service took it.
    pub fn initiate(&self, policy: &ResourceId, body: &Value) -> Result<Value, Fault> {
        self.post(&initiate_path(policy), body)
    }

    /// The events of a provider in a period, newest first, page by page.
    pub fn events(
        &self,
        subscription: &str,
        provider: &str,
        from: Timestamp,
        to: Timestamp,
        take: impl FnMut(Vec<Value>),
    ) -> Result<(), Fault> {
        let whole = |time: Timestamp| time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let filter = format!(
            "eventTimestamp ge '{}' and eventTimestamp le '{}' and resourceProvider eq '{provider}'",
            whole(from),
            whole(to)
        );
        let filter = filter.replace(' ', "%20").replace('\'', "%27");
        let path = format!(
            "subscriptions/{subscription}/providers/microsoft.insights/eventtypes/management/values?api-version={EVENTS}&$filter={filter}"
        );
        self.list(&path, take)
    }

    /// Role assignments that hold in a subscription, and the definitions of roles there.
    pub fn roles(&self, subscription: &str) -> Result<(Vec<Value>, Vec<Value>), Fault> {
        let (mut assignments, mut definitions) = (Vec::new(), Vec::new());
        let path = |kind: &str| {
            format!("subscriptions/{subscription}/providers/Microsoft.Authorization/{kind}?api-version={ROLES}")
        };
        self.list(&path("roleAssignments"), |rows| assignments.extend(rows))?;
        self.list(&path("roleDefinitions"), |rows| definitions.extend(rows))?;
        Ok((assignments, definitions))
    }
}

/// Where a policy is asked for access.
pub fn initiate_path(policy: &ResourceId) -> String {
    path_of(policy, POLICIES).replacen("?", "/initiate?", 1)
}
