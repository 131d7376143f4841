//! Defender plans of single machines: where a subscription says that its plan does not cover everything.

use std::sync::Arc;

use futures::future::join_all;
use serde_json::Value;

use super::Scan;
use super::below::{path_of, subscription_of};
use super::subscriptions::Subscription;
use super::types::{self, PRICING, VM};
use crate::azure::client::{Fault, Lane};

impl Scan<'_> {
    pub(super) async fn plans_of_machines(&self, subscriptions: &[Subscription]) {
        let partial = self
            .partly_covered
            .lock()
            .map(|partial| partial.clone())
            .unwrap_or_default();
        let concerned = subscriptions
            .iter()
            .filter(|subscription| partial.contains(&*subscription.id));
        let concerned: Vec<&Subscription> = concerned.collect();
        if concerned.is_empty() {
            return;
        }
        let machines = self.recorder.ids_of(VM);
        let machines = machines
            .iter()
            .filter(|id| concerned.iter().any(|one| *one.id == *subscription_of(id)));
        join_all(machines.map(|id| self.plan_of(id))).await;
    }

    async fn plan_of(&self, id: &str) {
        let subscription: Arc<str> = Arc::from(subscription_of(id));
        let (Some(path), Some(kind)) = (path_of(id), types::find(PRICING)) else {
            return;
        };
        let path = format!(
            "{path}/providers/{PRICING}/VirtualMachines?api-version={}",
            kind.version
        );
        match self
            .client
            .get(&path, &Lane::Subscription(Arc::clone(&subscription)))
            .await
        {
            // No plan of its own: that of the subscription holds.
            Ok(row) if is_inherited(&row) => {}
            Ok(row) => self.take(Some(kind), row),
            Err(fault) if matches!(fault.refusal(), Some((404, _))) => {}
            Err(fault) => self.miss(&subscription, &fault, id),
        }
    }

    fn miss(&self, subscription: &Arc<str>, fault: &Fault, id: &str) {
        let name = id.rsplit('/').next().unwrap_or_default();
        self.gaps
            .add(subscription, PRICING, &format!("of `{name}`: {}", fault.words()));
    }
}

fn is_inherited(row: &Value) -> bool {
    let said = row.pointer("/properties/inherited").and_then(Value::as_str);
    said.is_some_and(|said| said.eq_ignore_ascii_case("true"))
}
