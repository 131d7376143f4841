//! What the answers of Azure Resource Manager mean for a run: long operations, refusals, what is not there.
#![expect(clippy::unwrap_used, reason = "what is not there fails the test")]

use std::sync::Mutex;
use std::time::Duration;

use portcullis::model::ResourceId;
use portcullis::remedy::apply::fits;
use portcullis::remedy::wire::{Answer, Remote, Transport};
use portcullis::remedy::{Condition, Fault, Plan, Progress, Reply, Service};
use serde_json::{Value, json};

struct Canned(Mutex<Vec<(u16, &'static str, &'static str, Value)>>);

impl Transport for Canned {
    fn send(&self, _: &str, _: &str, _: Condition<'_>, _: Option<&Value>) -> Result<Answer, Fault> {
        let (status, name, value, body) = self
            .0
            .lock()
            .unwrap()
            .pop()
            .ok_or(Fault::Lost("no answer".to_owned()))?;
        Ok(Answer {
            status,
            headers: vec![(name.to_owned(), value.to_owned())],
            body,
        })
    }
}

fn answering(status: u16, header: (&'static str, &'static str), body: Value) -> Remote<Canned> {
    Remote(Canned(Mutex::new(vec![(status, header.0, header.1, body)])))
}

fn put(remote: &Remote<Canned>) -> Result<Reply, Fault> {
    remote.put(
        &ResourceId::new("/subscriptions/s/x"),
        "1",
        &json!({}),
        Condition::Always,
    )
}

#[test]
fn long_operations_are_found_in_every_form() {
    let running = |remote: Remote<Canned>| match put(&remote).unwrap().progress {
        Progress::Running { operation, .. } => operation,
        Progress::Done => "done".to_owned(),
    };
    let none = ("x", "");
    assert_eq!(running(answering(200, none, json!({}))), "done");
    assert_eq!(
        running(answering(201, ("azure-asyncoperation", "https://op"), json!({}))),
        "https://op"
    );
    assert_eq!(
        running(answering(202, ("location", "https://place"), Value::Null)),
        "https://place"
    );
    let updating = json!({ "properties": { "provisioningState": "Updating" } });
    assert_eq!(
        running(answering(200, none, updating)),
        "/subscriptions/s/x?api-version=1"
    );
    let done = answering(200, none, json!({ "status": "Succeeded" }));
    assert_eq!(done.poll("https://op").unwrap().progress, Progress::Done);
    let failed = answering(
        200,
        none,
        json!({ "status": "Failed", "error": { "code": "Nope", "message": "m" } }),
    );
    assert!(matches!(failed.poll("https://op"), Err(Fault::Refused { code, .. }) if code == "Nope"));
}

struct Elsewhere;

impl Transport for Elsewhere {
    fn send(&self, _: &str, _: &str, _: Condition<'_>, _: Option<&Value>) -> Result<Answer, Fault> {
        Err(Fault::Lost("nobody should ask".to_owned()))
    }

    fn tenant(&self) -> Option<String> {
        Some("22222222-0000-0000-0000-000000000002".to_owned())
    }
}

#[test]
fn refusals_are_told_from_what_passes() {
    let error = |code: &str| json!({ "error": { "code": code, "message": "m" } });
    let wait = Some(Duration::from_secs(17));
    assert_eq!(
        put(&answering(429, ("retry-after", "17"), json!({}))),
        Err(Fault::Busy { wait })
    );
    assert_eq!(
        put(&answering(409, ("x", ""), error("AnotherOperationInProgress"))),
        Err(Fault::Busy { wait: None })
    );
    assert_eq!(put(&answering(412, ("x", ""), json!({}))), Err(Fault::Changed));
    assert!(matches!(
        put(&answering(503, ("x", ""), json!({}))),
        Err(Fault::Lost(_))
    ));
    assert!(matches!(
        put(&answering(403, ("x", ""), error("AuthorizationFailed"))),
        Err(Fault::Refused { status: 403, .. })
    ));
    assert!(matches!(
        put(&Remote(Canned(Mutex::new(Vec::new())))),
        Err(Fault::Lost(_))
    ));
}

#[test]
fn what_is_not_there_is_told_from_a_place_that_is_not_ours() {
    let id = ResourceId::new("/subscriptions/s/x");
    let error = |code: &str| json!({ "error": { "code": code, "message": "m" } });
    let absent = answering(404, ("x-ms-request-id", "r1"), error("ResourceNotFound"))
        .get(&id, "1")
        .unwrap();
    assert_eq!((absent.document, absent.request_id.as_deref()), (None, Some("r1")));
    let elsewhere = answering(404, ("x", ""), error("SubscriptionNotFound")).get(&id, "1");
    assert!(matches!(elsewhere, Err(Fault::Refused { status: 404, .. })));
    let there = answering(200, ("x", ""), json!({ "id": "i", "etag": "W/1" }))
        .get(&id, "1")
        .unwrap();
    assert_eq!(there.etag.as_deref(), Some("W/1"));
}

#[test]
fn a_plan_of_another_tenant_is_refused() {
    let mut made: Plan = serde_json::from_value(json!({
        "format": "portcullis-plan", "version": 1, "tool": "t", "made": "2026-03-14T02:10:00Z", "inventory": "i",
        "subscriptions": [], "read": [], "ports": [22], "steps": [], "warnings": [], "unmended": [], "digest": "",
        "proof": { "healthy": [], "mended": [], "losses": [], "bystanders": [], "machines": 0, "port_classes": 0,
            "protocols": [] } }))
    .unwrap();
    assert_eq!(fits(&made, &Remote(Elsewhere)), Ok(()));
    made.tenant = Some("11111111-0000-0000-0000-000000000001".to_owned());
    assert!(fits(&made, &Remote(Elsewhere)).is_err_and(|why| why.contains("tenant")));
}
