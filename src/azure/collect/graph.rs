//! Reading by Resource Graph: pages of 1,000 rows in a stable order, each checked against what the service counts.

use std::collections::HashSet;

use serde::Deserialize;
use serde_json::{Value, json};

use super::Scan;
use super::query::PAGE;
use super::subscriptions::Subscription;
use crate::azure::client::{Answer, Ask, Fault, Lane};

const PATH: &str = "providers/Microsoft.ResourceGraph/resources?api-version=2022-10-01";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Rows {
    data: Vec<Value>,
    #[serde(default)]
    total_records: Option<u64>,
    #[serde(default)]
    count: Option<u64>,
    #[serde(default)]
    result_truncated: Value,
    #[serde(default, rename = "$skipToken")]
    skip_token: Option<String>,
}

/// Where a query stands.
struct Progress {
    skip: Option<String>,
    skips: HashSet<String>,
    seen: crate::azure::client::pages::Seen,
    /// Rows of a page; fewer where the service finds the answer too large.
    page: u32,
    taken: u64,
}

/// Hands over every row of a query about some subscriptions. An error means that some are missing.
pub(super) async fn query(
    scan: &Scan<'_>,
    subscriptions: &[&Subscription],
    query: &str,
    mut take: impl FnMut(Vec<Value>),
) -> Result<(), Fault> {
    let ids: Vec<&str> = subscriptions.iter().map(|subscription| &*subscription.id).collect();
    let mut progress = Progress {
        skip: None,
        skips: HashSet::new(),
        seen: crate::azure::client::pages::Seen::default(),
        page: PAGE,
        taken: 0,
    };
    loop {
        let rows = match page(scan, &ids, query, &progress).await {
            Ok(rows) => rows,
            Err(fault) if is_too_large(&fault) && progress.page > 1 => {
                progress.page /= 2;
                continue;
            }
            Err(fault) => return Err(fault),
        };
        progress.taken += rows.data.len() as u64;
        progress.seen.take(&rows.data, None);
        take(rows.data);
        match rows.skip_token.filter(|token| !token.is_empty()) {
            Some(token) => {
                progress.skips.insert(token.clone());
                progress.skip = Some(token);
            }
            None => return whole(&progress, rows.total_records, &rows.result_truncated),
        }
    }
}

/// Whether the last page ends the answer, or cuts it.
fn whole(progress: &Progress, total: Option<u64>, truncated: &Value) -> Result<(), Fault> {
    if truncated == "true" || truncated == true {
        return Err(Fault::failed("Resource Graph cut its answer short"));
    }
    match total {
        Some(total) if progress.taken < total => Err(Fault::failed(format!(
            "Resource Graph counted {total} rows and gave {}",
            progress.taken
        ))),
        _ => Ok(()),
    }
}

async fn page(scan: &Scan<'_>, ids: &[&str], query: &str, progress: &Progress) -> Result<Rows, Fault> {
    let mut options = json!({ "resultFormat": "objectArray", "$top": progress.page });
    if let (Some(skip), Some(options)) = (&progress.skip, options.as_object_mut()) {
        options.insert("$skipToken".to_owned(), json!(skip));
    }
    let body = json!({ "subscriptions": ids, "query": query, "options": options });
    let ask = Ask {
        url: scan.client.url(PATH)?,
        body: Some(body.to_string().into_bytes().into()),
        lane: Lane::Graph,
    };
    scan.client.send(&ask, |answer| check(&answer, progress)).await
}

fn check(answer: &Answer, progress: &Progress) -> Result<Rows, Fault> {
    if answer.text("x-ms-tenant-subscription-limit-hit") == Some("true") {
        return Err(Fault::refused(0, "SubscriptionLimit", "Resource Graph looked at 10,000 subscriptions and at no more"));
    }
    let rows: Rows = answer.json()?;
    if rows.count.is_some_and(|count| count != rows.data.len() as u64) {
        return Err(Fault::failed("Resource Graph gave another number of rows than it says"));
    }
    let repeated = rows
        .skip_token
        .as_ref()
        .is_some_and(|token| progress.skips.contains(token) || progress.skip.as_ref() == Some(token));
    if repeated {
        return Err(Fault::failed("the service repeated a page"));
    }
    progress.seen.check(&rows.data, None)?;
    Ok(rows)
}

fn is_too_large(fault: &Fault) -> bool {
    fault
        .refusal()
        .is_some_and(|(status, code)| status == 413 || code.eq_ignore_ascii_case("ResponsePayloadTooLarge"))
}
