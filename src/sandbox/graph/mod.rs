//! `POST /providers/Microsoft.ResourceGraph/resources`: scopes, paging and the shapes of answers and errors. The language
//! itself is in `query`, `lexer`, `parser`, `condition` and `evaluate`.

mod condition;
mod evaluate;
mod lexer;
mod parser;
mod query;
mod row;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use super::answer::{Answer, Refusal, Reply};
use super::call::Call;
use super::clock::azure_time;
use super::kind::kind;
use super::state::State;
use evaluate::{Found, evaluate};
use lexer::Unread;
use row::Row;

/// Rows of a page when the client does not say.
const DEFAULT_TOP: usize = 100;
const MOST_TOP: usize = 1000;

/// The tables, in lower case.
const TABLES: &[&str] = &[
    "resources",
    "resourcecontainers",
    "securityresources",
    "networkresources",
    "computeresources",
    "authorizationresources",
];

/// Answers a query.
pub fn query(state: &State, call: &Call) -> Reply {
    let body = call.json()?;
    let text = body
        .get("query")
        .and_then(Value::as_str)
        .ok_or_else(|| bad(state, "InvalidQuery", "Query is missing.", None))?;
    let query = parser::parse(text).map_err(|unread| parser_failure(state, &unread))?;
    if !TABLES.contains(&query.table.as_str()) {
        let message = format!("Table {} was not found.", query.table);
        return Err(bad(state, "DisallowedLogicalTableName", &message, None));
    }
    let mut scope = scope(state, &body)?;
    let is_cut = scope.len() > state.options.graph_subscriptions;
    scope.truncate(state.options.graph_subscriptions);
    let containers = containers(state, &query.table, &scope);
    let rows: Vec<Row<'_>> = if query.table == "resourcecontainers" {
        containers.into_iter().map(Row::made).collect()
    } else {
        rows(state, &query.table, &scope)
    };
    let found = evaluate(&query, rows);
    let options = Options::read(state, &body, text)?;
    let answer = paged(state, &options, &found);
    Ok(match is_cut {
        true => answer.with("x-ms-tenant-subscription-limit-hit", "true"),
        false => answer,
    })
}

/// The subscriptions asked about, in lower case. Those that may not be read are left out without a word.
fn scope(state: &State, body: &Value) -> Result<Vec<String>, Refusal> {
    let texts = |member: &str| {
        let list = body.get(member).and_then(Value::as_array)?;
        Some(
            list.iter()
                .filter_map(Value::as_str)
                .map(str::to_ascii_lowercase)
                .collect(),
        )
    };
    let stated: Option<Vec<String>> = texts("subscriptions");
    let groups: Option<Vec<String>> = texts("managementGroups");
    let asked: Vec<String> = match (stated, groups) {
        (Some(subscriptions), _) if !subscriptions.is_empty() => subscriptions,
        (_, Some(groups)) if !groups.is_empty() => groups
            .iter()
            .flat_map(|group| state.store.groups_below(group))
            .flat_map(|group| group.subscriptions.iter().cloned())
            .collect(),
        _ => state.store.subscriptions.keys().cloned().collect(),
    };
    let allowed = |subscription: &String| {
        state.store.subscriptions.contains_key(subscription)
            && !state.is_refused(subscription, "*")
            && state.rights.touch(&format!("/subscriptions/{subscription}"))
    };
    let readable: Vec<String> = asked.iter().filter(|at| allowed(at)).cloned().collect();
    if readable.is_empty() && !asked.is_empty() {
        let message = "Access to requested subscriptions or management groups was denied.";
        let mut refusal = bad(state, "AccessDenied", message, None);
        (refusal.status, refusal.code) = (403, "AccessDenied".to_owned());
        return Err(refusal);
    }
    Ok(readable)
}

fn rows<'s>(state: &'s State, table: &str, scope: &[String]) -> Vec<Row<'s>> {
    let mut rows = Vec::new();
    for subscription in scope {
        // Resources come by type, and one answer goes for all of a type.
        let mut of_type: Option<(&str, Shown)> = None;
        for resource in state.store.in_subscription(subscription) {
            let shown = match of_type {
                Some((known, shown)) if known == resource.resource_type => shown,
                _ => Shown::of(state, table, subscription, &resource.resource_type),
            };
            of_type = Some((&resource.resource_type, shown));
            if shown == Shown::All || (shown == Shown::Seen && state.sees(resource)) {
                rows.push(Row::of(resource, &state.store.tenant));
            }
        }
    }
    rows
}

/// Which resources of a type a table shows of a subscription.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shown {
    None,
    /// Those that the identity may read.
    Seen,
    All,
}

impl Shown {
    fn of(state: &State, table: &str, subscription: &str, resource_type: &str) -> Shown {
        let of = kind(resource_type).map_or("resources", |kind| kind.table);
        if of != table || state.is_refused(subscription, resource_type) {
            return Shown::None;
        }
        let whole = format!("/subscriptions/{subscription}");
        match state.rights.allow(&format!("{resource_type}/read"), &whole) {
            true => Shown::All,
            false => Shown::Seen,
        }
    }
}

/// Subscriptions, resource groups and management groups.
fn containers(state: &State, table: &str, scope: &[String]) -> Vec<Map<String, Value>> {
    if table != "resourcecontainers" {
        return Vec::new();
    }
    let mut rows = Vec::new();
    for at in scope {
        let Some(subscription) = state.store.subscriptions.get(at) else {
            continue;
        };
        rows.push(container(
            state,
            &format!("/subscriptions/{}", subscription.id),
            "microsoft.resources/subscriptions",
            json!({
                "name": subscription.name, "subscriptionId": subscription.id, "tags": subscription.tags,
                "properties": {
                    "state": "Enabled",
                    "managementGroupAncestorsChain": state.ancestors(at),
                },
            }),
        ));
        let prefix = format!("/subscriptions/{at}/");
        let groups = state.store.groups.iter().filter(|(key, _)| key.starts_with(&prefix));
        rows.extend(groups.map(|(_, group)| {
            let stated = json!({
                "name": group.name, "resourceGroup": group.name.to_ascii_lowercase(),
                "subscriptionId": subscription.id, "location": group.location, "tags": group.tags,
                "properties": { "provisioningState": "Succeeded" },
            });
            let resource_type = "microsoft.resources/subscriptions/resourcegroups";
            container(state, &group.id, resource_type, stated)
        }));
    }
    rows.extend(state.store.management_groups.values().map(|group| {
        let id = format!("/providers/Microsoft.Management/managementGroups/{}", group.name);
        let stated = json!({ "name": group.name, "properties": { "displayName": group.display_name } });
        container(state, &id, "microsoft.management/managementgroups", stated)
    }));
    rows
}

fn container(state: &State, id: &str, resource_type: &str, stated: Value) -> Map<String, Value> {
    let mut row: Map<String, Value> = row::COLUMNS
        .iter()
        .map(|name| ((*name).to_owned(), Value::Null))
        .collect();
    for empty in ["kind", "managedBy", "location", "resourceGroup", "subscriptionId"] {
        row.insert(empty.to_owned(), Value::from(""));
    }
    row.insert("id".to_owned(), Value::from(id));
    row.insert("type".to_owned(), Value::from(resource_type));
    row.insert("tenantId".to_owned(), Value::from(state.store.tenant.as_str()));
    if let Value::Object(stated) = stated {
        row.extend(stated);
    }
    row
}

struct Options {
    top: usize,
    skip: usize,
    table: bool,
    /// Marks the query that a skip token belongs to.
    mark: String,
}

impl Options {
    fn read(state: &State, body: &Value, query: &str) -> Result<Options, Refusal> {
        let empty = json!({});
        let options = body.get("options").unwrap_or(&empty);
        let number = |name: &str| options.get(name).and_then(Value::as_u64).map(|number| number as usize);
        let top = number("$top").unwrap_or(DEFAULT_TOP);
        if !(1..=MOST_TOP).contains(&top) {
            let message = format!("Parameter $top is {top}; it must be between 1 and {MOST_TOP}.");
            return Err(bad(state, "InvalidParameter", &message, None));
        }
        let mark = format!("{:x}", query.len() * 31 + query.bytes().map(usize::from).sum::<usize>());
        let mut skip = number("$skip").unwrap_or(0);
        if let Some(token) = options.get("$skipToken").and_then(Value::as_str) {
            skip = offset(token, &mark)
                .ok_or_else(|| bad(state, "InvalidSkipToken", "Skip token is invalid for this query.", None))?;
        }
        Ok(Options {
            top: top.min(state.options.graph_page_size.max(1)),
            skip,
            table: options.get("resultFormat").and_then(Value::as_str) == Some("table"),
            mark,
        })
    }
}

fn offset(token: &str, mark: &str) -> Option<usize> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(token).ok()?).ok()?;
    let (stated, offset) = text.split_once(':')?;
    (stated == mark).then(|| offset.parse().ok()).flatten()
}

fn paged(state: &State, options: &Options, found: &Found<'_, '_>) -> Answer {
    let (total, shape) = (found.len(), found.shape);
    let page = found.page(options.skip, options.top);
    let (count, next) = (page.len(), options.skip.saturating_add(page.len()));
    let data = if options.table {
        table(&found.columns, page)
    } else {
        Value::from(page.into_iter().map(Value::Object).collect::<Vec<_>>())
    };
    // Without the id column, or behind a `limit`, the service gives no way to the rest.
    let pages = shape.has_id && !shape.limited && !shape.aggregated;
    let left = next < total;
    let mut body = json!({
        "totalRecords": total,
        "count": count,
        "data": data,
        "facets": [],
        "resultTruncated": if left && !pages { "true" } else { "false" },
    });
    if let (true, true, Some(object)) = (left, pages, body.as_object_mut()) {
        let token = URL_SAFE_NO_PAD.encode(format!("{}:{next}", options.mark));
        object.insert("$skipToken".to_owned(), Value::from(token));
    }
    let (remaining, resets) = state.limits.graph_headers();
    Answer::ok(body)
        .with("x-ms-user-quota-remaining", remaining.to_string())
        .with("x-ms-user-quota-resets-after", resets)
        .with("x-ms-resource-graph-request-duration", "0:00:00:00.0010000")
}

fn table(columns: &[String], page: Vec<Map<String, Value>>) -> Value {
    let rows: Vec<Value> = page
        .into_iter()
        .map(|mut row| {
            let cells = columns.iter().map(|name| row.remove(name).unwrap_or(Value::Null));
            Value::from(cells.collect::<Vec<_>>())
        })
        .collect();
    let typed = |name: &String| {
        let objects = [
            "sku",
            "plan",
            "properties",
            "tags",
            "identity",
            "zones",
            "extendedLocation",
        ];
        let of = match name.as_str() {
            name if objects.contains(&name) => "object",
            "Count" | "count_" => "integer",
            _ => "string",
        };
        json!({ "name": name, "type": of })
    };
    json!({ "columns": columns.iter().map(typed).collect::<Vec<_>>(), "rows": rows })
}

/// The service's error: a general message, and details that say what is wrong.
fn bad(state: &State, code: &str, message: &str, place: Option<Value>) -> Refusal {
    let now = azure_time(state.clock.now());
    let general =
        format!("Please provide below info when asking for support: timestamp = {now}, correlationId = sandbox.");
    let mut refusal = Refusal::bad("BadRequest", general);
    refusal.details.push(json!({ "code": code, "message": message }));
    refusal.details.extend(place);
    refusal
}

fn parser_failure(state: &State, unread: &Unread) -> Refusal {
    let message = "Query is invalid. Please refer to the documentation for the Azure Resource Graph service and fix the \
                   error before retrying.";
    let place = json!({
        "code": "ParserFailure",
        "message": "ParserFailure",
        "line": unread.line,
        "characterPositionInLine": unread.column - 1,
        "token": unread.token,
    });
    bad(state, "InvalidQuery", message, Some(place))
}
