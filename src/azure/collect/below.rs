//! What is below other resources, and the answers of actions: instances of scale sets, rules of firewall policies,
//! connections of hubs, admin rules of network managers.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures::future::join_all;
use serde_json::{Value, json};

use super::subscriptions::Subscription;
use super::types::{KINDS, Kind, MANAGER, NETWORK, Read, SCALE_SET};
use super::{Scan, is_absent, segment};
use crate::azure::client::{Fault, Lane};

/// Pages of one answer at most.
const MOST_PAGES: usize = 10_000;

/// Whether something is to be read below a resource.
pub(super) fn is_parent(kind: &Kind, row: &Value) -> bool {
    // Instances of a flexible set are machines of their own.
    let flexible = kind.name == SCALE_SET
        && row
            .pointer("/properties/orchestrationMode")
            .and_then(Value::as_str)
            .is_some_and(|mode| mode.eq_ignore_ascii_case("Flexible"));
    let has_children =
        |other: &&Kind| matches!(other.read, Read::Below(of, _) | Read::Answer(of, _) if of == kind.name);
    !flexible && KINDS.iter().any(|other| has_children(&other))
}

impl Scan<'_> {
    /// Type by type, since some stand below others.
    pub(super) async fn below(&self, subscriptions: &[Subscription]) {
        for kind in KINDS {
            let (Read::Below(parent, _) | Read::Answer(parent, _)) = kind.read else {
                continue;
            };
            // What nobody was shown has nothing below it that could be read.
            for subscription in subscriptions {
                if let Some(reason) = self.gaps.reason(&subscription.id, parent) {
                    self.gaps.add(&subscription.id, kind.name, &reason);
                }
            }
            if parent == NETWORK && self.parents(MANAGER).is_empty() {
                continue;
            }
            let parents = self.parents(parent);
            join_all(parents.iter().map(|id| self.read_below(kind, id))).await;
        }
    }

    /// The ids of a type, each once, in order.
    fn parents(&self, kind: &str) -> BTreeSet<String> {
        let parents = self.parents.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let ids = parents.get(kind).into_iter().flatten();
        ids.cloned().collect()
    }

    async fn read_below(&self, kind: &'static Kind, id: &str) {
        let subscription: Arc<str> = Arc::from(subscription_of(id));
        let lacks = self.gaps.reason(&subscription, kind.name);
        if lacks.is_some_and(|reason| reason.starts_with("the identity lacks")) {
            return;
        }
        let read = match (kind.read, path_of(id)) {
            (_, None) => Err(Fault::refused(0, "InvalidId", "the id is no path")),
            (Read::Answer(_, action), Some(path)) => self.answer(kind, id, &path, action, &subscription).await,
            (Read::Below(_, last), Some(path)) => {
                let path = format!("{path}/{last}?api-version={}", kind.version);
                let lane = Lane::Subscription(Arc::clone(&subscription));
                let take = |rows: Vec<Value>| rows.into_iter().for_each(|row| self.take(Some(kind), row));
                self.client.list(&path, &lane, take).await
            }
            _ => Ok(()),
        };
        match read {
            Ok(()) => {}
            Err(fault) if is_absent(&fault) => {}
            Err(fault) => {
                let name = id.rsplit('/').next().unwrap_or_default();
                self.gaps
                    .add(&subscription, kind.name, &format!("of `{name}`: {}", fault.words()));
            }
        }
    }

    /// Every page of an answer, recorded as one under the id of what was asked and the name of the action.
    async fn answer(
        &self,
        kind: &'static Kind,
        id: &str,
        path: &str,
        action: &str,
        subscription: &Arc<str>,
    ) -> Result<(), Fault> {
        let path = format!("{path}/{action}?api-version={}", kind.version);
        let lane = Lane::Subscription(Arc::clone(subscription));
        let (mut rows, mut skip): (Vec<Value>, Option<String>) = (Vec::new(), None);
        for _ in 0..MOST_PAGES {
            let body = skip
                .as_ref()
                .map_or_else(|| json!({}), |skip| json!({ "skipToken": skip }));
            let mut page = self.client.post(&path, &body, &lane).await?;
            let Some(Value::Array(more)) = page.get_mut("value").map(Value::take) else {
                return Err(Fault::failed("the answer holds no list"));
            };
            rows.extend(more);
            let next = page
                .get("skipToken")
                .and_then(Value::as_str)
                .filter(|next| !next.is_empty());
            match next {
                None => {
                    self.take(Some(kind), json!({ "id": format!("{id}/{action}"), "value": rows }));
                    return Ok(());
                }
                Some(next) if Some(next) == skip.as_deref() => {
                    return Err(Fault::failed("the service repeated a page"));
                }
                Some(next) => skip = Some(next.to_owned()),
            }
        }
        Err(Fault::failed("the answer does not end"))
    }
}

/// The subscription of an id, in lower case.
pub(super) fn subscription_of(id: &str) -> String {
    let mut segments = id.split('/').skip(1);
    match segments.next() {
        Some(word) if word.eq_ignore_ascii_case("subscriptions") => {
            segments.next().unwrap_or_default().to_ascii_lowercase()
        }
        _ => String::new(),
    }
}

/// An id as a path below the endpoint; `None` for one that leads elsewhere.
pub(super) fn path_of(id: &str) -> Option<String> {
    let segments: Vec<&str> = id.trim_start_matches('/').split('/').collect();
    let plain = segments.iter().all(|segment| !matches!(*segment, "" | "." | ".."));
    let rooted = segments
        .first()
        .is_some_and(|first| first.eq_ignore_ascii_case("subscriptions"));
    (plain && rooted).then(|| segments.into_iter().map(segment).collect::<Vec<_>>().join("/"))
}
