//! Reading by Resource Graph: pages of 1,000 rows in a stable order, each checked against what the service counts.

use std::collections::HashSet;

use serde::Deserialize;
use serde_json::{Value, json};

use super::Scan;
use super::query::PAGE;
use super::subscriptions::Subscription;
use crate::azure::client::pages::{BEGINNINGS, Seen, digest};
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
    seen: Seen,
    /// Rows of a page; fewer where the service finds the answer too large.
    page: u32,
    /// Ids of the rows so far, by their digests: a row that comes twice is one.
    ids: HashSet<u64>,
}

/// Hands over every row of a query about some subscriptions, and again where it had to begin anew. An error means that
/// some are missing.
pub(super) async fn query(
    scan: &Scan<'_>,
    subscriptions: &[&Subscription],
    query: &str,
    mut take: impl FnMut(Vec<Value>),
) -> Result<(), Fault> {
    let ids: Vec<&str> = subscriptions.iter().map(|subscription| &*subscription.id).collect();
    let mut begun = 0;
    loop {
        match once(scan, &ids, query, &mut take).await {
            Err(Fault::Disordered(_)) if begun < BEGINNINGS => begun += 1,
            ended => return ended,
        }
        scan.client.pause().await?;
    }
}

async fn once(scan: &Scan<'_>, ids: &[&str], query: &str, take: &mut impl FnMut(Vec<Value>)) -> Result<(), Fault> {
    let mut progress = Progress {
        skip: None,
        skips: HashSet::new(),
        seen: Seen::default(),
        page: PAGE,
        ids: HashSet::new(),
    };
    loop {
        let rows = match page(scan, ids, query, &progress).await {
            Ok(rows) => rows,
            Err(fault) if is_too_large(&fault) && progress.page > 1 => {
                progress.page /= 2;
                continue;
            }
            Err(fault) => return Err(fault),
        };
        progress
            .ids
            .extend(rows.data.iter().map(|row| digest(std::slice::from_ref(row))));
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
        return Err(Fault::Disordered("Resource Graph cut its answer short".to_owned()));
    }
    let given = progress.ids.len() as u64;
    match total {
        Some(total) if given < total => Err(Fault::Disordered(format!(
            "Resource Graph counted {total} rows and gave {given}"
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
        return Err(Fault::refused(
            0,
            "SubscriptionLimit",
            "Resource Graph looked at 10,000 subscriptions and at no more",
        ));
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
        return Err(Fault::Disordered("the service repeated a page".to_owned()));
    }
    progress.seen.check(&rows.data, None)?;
    Ok(rows)
}

fn is_too_large(fault: &Fault) -> bool {
    fault
        .refusal()
        .is_some_and(|(status, code)| status == 413 || code.eq_ignore_ascii_case("ResponsePayloadTooLarge"))
}
