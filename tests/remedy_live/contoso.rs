//! Contoso, from the unhealthy list to none and back, and what stops a run before its first step.

use portcullis::remedy::Plan;
use portcullis::remedy::journal::Event;
use portcullis::sandbox::{Options, Sandbox};
use serde_json::{Value, json};

use crate::desk::{Desk, changeable, portcullis, quick, said, writes};
use crate::live::{sandbox, small_pages};

/// Who ran it, how they were signed in, and as whom.
const BY: &str = "kim, signed in by secret as application 00000000-5a4d-4b0c-8000-000000000001";

fn contoso(options: Options) -> Sandbox {
    sandbox(quick(options))
}

#[test]
fn contoso_goes_from_the_unhealthy_list_to_none_and_back() {
    let (sandbox, desk) = (contoso(small_pages()), Desk::new());
    let before = changeable(&sandbox);
    let plan = desk.planned(&sandbox, &[]);
    assert!(plan.steps.len() > 5 && plan.proof.mended.len() > 5, "{plan:?}");
    assert_eq!(plan.read.len(), 4, "every subscription is read again");
    let applied = desk.apply(&sandbox, &plan);
    assert_eq!(applied.status.code(), Some(0), "{}", said(&applied));
    assert!(
        said(&applied).contains("Verified by a fresh reading"),
        "{}",
        said(&applied)
    );
    assert_ne!(changeable(&sandbox), before);

    let again = Desk::new().planned(&sandbox, &[]);
    assert!(again.steps.is_empty(), "{:?}", again.steps);

    let journal = desk.journal();
    assert!(matches!(&journal[0], Event::Began { by, .. } if by == BY));
    for event in &journal {
        match event {
            Event::Verified { request_id, .. } | Event::Answered { request_id, .. } => assert!(request_id.is_some()),
            Event::Intended { request, body, .. } => assert_eq!(request.starts_with("PUT /"), body.is_some()),
            _ => {}
        }
    }
    let back = desk.rollback(&sandbox, &plan);
    assert_eq!(back.status.code(), Some(0), "{}", said(&back));
    let (now, wanted) = (changeable(&sandbox), without_what_is_over(before, &plan));
    for (id, found) in wanted.as_object().unwrap() {
        assert_eq!(found, &now[id], "{id}");
    }
    assert_eq!(now, wanted);
}

/// Openings that were left behind and entries of machines that are gone are not brought back.
fn without_what_is_over(mut estate: Value, plan: &Plan) -> Value {
    for step in &plan.steps {
        let lane = step.lane.to_ascii_lowercase();
        match &*step.remedy {
            "delete-jit-rule" => {
                let rule = step.before.as_ref().unwrap();
                let name = format!("just-in-time {} {}", rule["priority"], rule["destinationAddressPrefix"]);
                assert!(estate[&lane].as_object_mut().unwrap().remove(&name).is_some(), "{name}");
            }
            "remove-jit-entry" => {
                let machines = estate[&lane]["machines"].as_array_mut().unwrap();
                let gone = |entry: &Value| entry["id"].as_str() == step.part.as_deref();
                assert!(machines.iter().any(gone));
                machines.retain(|entry| !gone(entry));
            }
            _ => {}
        }
    }
    estate
}

#[test]
fn a_dry_run_reads_and_writes_nothing() {
    let (sandbox, desk) = (contoso(Options::default()), Desk::new());
    let plan = desk.planned(&sandbox, &[]);
    let dry = portcullis(&sandbox, &["apply", &desk.text("plan.json"), "--dry-run"]);
    assert_eq!(dry.status.code(), Some(0), "{}", said(&dry));
    assert_eq!(said(&dry).matches("would do").count(), plan.steps.len());
    assert!(said(&dry).contains("PUT /subscriptions/"), "{}", said(&dry));
    assert_eq!(writes(&sandbox), 0);
    assert!(!desk.path("plan.journal.jsonl").exists());
}

#[test]
fn what_the_identity_may_not_do_is_found_before() {
    let desk = Desk::new();
    let reader = contoso(Options {
        roles: vec!["Reader".to_owned()],
        ..Options::default()
    });
    let plan = desk.planned(&reader, &[]);
    assert!(
        plan.warnings
            .iter()
            .any(|warning| warning.contains("securityRules/write")),
        "{:?}",
        plan.warnings
    );
    let applied = desk.apply(&reader, &plan);
    assert_eq!(applied.status.code(), Some(2), "{}", said(&applied));
    assert!(
        said(&applied).contains("jitNetworkAccessPolicies/write"),
        "{}",
        said(&applied)
    );
    assert_eq!(writes(&reader), 0, "nothing was tried");
}

#[test]
fn a_lock_that_came_after_the_plan_stops_before_the_first_step() {
    let (sandbox, desk) = (contoso(Options::default()), Desk::new());
    let plan = desk.planned(&sandbox, &[]);
    let id = format!("{}/providers/Microsoft.Authorization/locks/freeze", plan.steps[0].lane);
    let lock = json!({ "id": id, "name": "freeze", "type": "Microsoft.Authorization/locks",
        "properties": { "level": "ReadOnly" } });
    sandbox.state().store.put(&id, lock);
    let applied = desk.apply(&sandbox, &plan);
    assert_eq!(applied.status.code(), Some(2), "{}", said(&applied));
    assert!(said(&applied).contains("lock `freeze`"), "{}", said(&applied));
    assert_eq!(writes(&sandbox), 0);
    let again = desk.planned(&sandbox, &[]);
    assert!(
        again.unmended.iter().any(|left| left.reason.contains("lock `freeze`")),
        "{:?}",
        again.unmended
    );
}

#[test]
fn a_plan_of_another_tenant_changes_nothing() {
    let (sandbox, desk) = (contoso(Options::default()), Desk::new());
    let mut plan = desk.planned(&sandbox, &[]);
    assert!(plan.tenant.is_some());
    plan.tenant = Some("11111111-0000-0000-0000-000000000001".to_owned());
    plan.digest = plan.computed_digest();
    desk.put(&plan);
    let applied = desk.apply(&sandbox, &plan);
    assert_eq!(applied.status.code(), Some(2), "{}", said(&applied));
    assert!(said(&applied).contains("tenant"), "{}", said(&applied));
    assert_eq!(writes(&sandbox), 0);
}
