//! Which subscriptions a scan is about: all, listed, of management groups, by tag, without some.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use super::Scan;
use super::gaps::EVERYTHING;
use super::shard::Shard;
use crate::azure::client::{Fault, Lane};

/// What was asked for.
#[derive(Clone, Debug, Default)]
pub struct Which {
    pub all: bool,
    pub listed: Vec<String>,
    pub management_groups: Vec<String>,
    /// Name and value; a subscription has them all.
    pub tags: Vec<(String, String)>,
    pub excluded: Vec<String>,
    /// Of what is left by all that, this part.
    pub shard: Option<Shard>,
}

/// One subscription of the scan.
#[derive(Clone, Debug)]
pub struct Subscription {
    /// Lower case.
    pub id: Arc<str>,
    pub name: Option<String>,
    /// As the service gives it; `None` for one that is named and not shown.
    pub row: Option<Value>,
}

/// Of the list of subscriptions.
pub(crate) const VERSION: &str = "2022-12-01";
const DESCENDANTS: &str = "2020-05-01";

/// The subscriptions, in the order of their ids. An error means that not even a list could be had.
pub(super) async fn find(scan: &Scan<'_>, which: &Which) -> Result<Vec<Subscription>, Fault> {
    let mut shown = shown(scan, which).await?;
    let mut asked: BTreeMap<Arc<str>, Subscription> = BTreeMap::new();
    for id in &which.listed {
        let id: Arc<str> = Arc::from(id.to_ascii_lowercase());
        let found = match shown.remove(&id) {
            Some(found) => found,
            None => single(scan, &id).await,
        };
        asked.insert(id, found);
    }
    for group in &which.management_groups {
        for id in below(scan, group).await {
            let found = match shown.remove(&id) {
                Some(found) => found,
                None if asked.contains_key(&id) => continue,
                None => single(scan, &id).await,
            };
            asked.insert(id, found);
        }
    }
    if which.all {
        asked.append(&mut shown);
    }
    asked.retain(|id, subscription| {
        let excluded = which.excluded.iter().any(|excluded| excluded.eq_ignore_ascii_case(id));
        !excluded && has_tags(subscription, &which.tags) && which.shard.is_none_or(|shard| shard.holds(id))
    });
    Ok(asked.into_values().collect())
}

/// What the identity is shown.
async fn shown(scan: &Scan<'_>, which: &Which) -> Result<BTreeMap<Arc<str>, Subscription>, Fault> {
    let mut shown = BTreeMap::new();
    let mut any = false;
    let path = format!("subscriptions?api-version={VERSION}");
    let listed = scan
        .client
        .list(&path, &Lane::Tenant, |rows| {
            any = true;
            let rows = rows.into_iter().filter_map(read);
            shown.extend(rows.map(|subscription| (Arc::clone(&subscription.id), subscription)));
        })
        .await;
    match listed {
        Ok(()) => Ok(shown),
        // Of subscriptions that were named, each is asked for; of all, some are missing and nobody knows which.
        Err(fault) if any || !which.all => {
            if which.all {
                scan.gaps
                    .lose(format!("not every subscription was listed: {}", fault.words()));
            } else if matches!(fault, Fault::NoToken(_)) {
                return Err(fault);
            }
            Ok(shown)
        }
        Err(fault) => Err(fault),
    }
}

fn read(row: Value) -> Option<Subscription> {
    let text = |name: &str| row.get(name).and_then(Value::as_str);
    let gone = text("state").is_some_and(|state| state.eq_ignore_ascii_case("Deleted"));
    let id = text("subscriptionId").map(|id| Arc::from(id.to_ascii_lowercase()))?;
    let name = text("displayName").map(str::to_owned);
    (!gone).then_some(Subscription {
        id,
        name,
        row: Some(row),
    })
}

/// A subscription that was named and not listed: asked for by itself, which says why.
async fn single(scan: &Scan<'_>, id: &Arc<str>) -> Subscription {
    let path = format!("subscriptions/{id}?api-version={VERSION}");
    let got = scan.client.get(&path, &Lane::Subscription(Arc::clone(id))).await;
    let absent = || Subscription {
        id: Arc::clone(id),
        name: None,
        row: None,
    };
    match got.map(read) {
        Ok(Some(found)) => found,
        Ok(None) => {
            scan.gaps.add(id, EVERYTHING, "the subscription is deleted");
            absent()
        }
        Err(fault) => {
            scan.gaps.add(id, EVERYTHING, &fault.words());
            absent()
        }
    }
}

/// The subscriptions at any depth below a management group.
async fn below(scan: &Scan<'_>, group: &str) -> Vec<Arc<str>> {
    let name = super::segment(group);
    let path = format!("providers/Microsoft.Management/managementGroups/{name}/descendants?api-version={DESCENDANTS}");
    let mut ids = Vec::new();
    let listed = scan
        .client
        .list(&path, &Lane::Tenant, |rows| {
            ids.extend(rows.iter().filter_map(descendant))
        })
        .await;
    if let Err(fault) = listed {
        scan.gaps.lose(format!(
            "management group `{group}` was not read whole: {}",
            fault.words()
        ));
    }
    ids
}

fn descendant(row: &Value) -> Option<Arc<str>> {
    let text = |name: &str| row.get(name).and_then(Value::as_str);
    let is_subscription = text("type").is_some_and(|kind| kind.to_ascii_lowercase().ends_with("/subscriptions"))
        || text("id").is_some_and(|id| id.to_ascii_lowercase().starts_with("/subscriptions/"));
    let id = text("name")?;
    is_subscription.then(|| Arc::from(id.to_ascii_lowercase()))
}

/// A subscription that is not shown cannot be told by its tags, and stays.
fn has_tags(subscription: &Subscription, tags: &[(String, String)]) -> bool {
    let Some(row) = &subscription.row else { return true };
    tags.iter().all(|(name, value)| {
        let stated = row.get("tags").and_then(Value::as_object);
        let mut stated = stated.into_iter().flatten();
        stated.any(|(other, has)| other.eq_ignore_ascii_case(name) && has.as_str() == Some(value))
    })
}
