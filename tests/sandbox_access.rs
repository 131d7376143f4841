//! Who may do what in the sandbox, and what its activity log tells of requests for access.
#![expect(clippy::expect_used, reason = "what is missing fails the test")]

mod rest;

use std::collections::BTreeSet;
use std::time::Duration;

use portcullis::sandbox::Options;
use rest::{Client, PLATFORM, RETAIL, SHOP, prompt, rule};
use serde_json::{Value, json};

const READER: &str = "acdd72a7-3385-48ef-bd42-f606fba81ae7";
const ALICE: &str = "a11ce000-0000-4000-8000-000000000001";
const SANDBOX: &str = "00000000-5a4d-4b0c-8000-000000000001";
const SECURITY: &str = "8edd93e1-2103-40b4-bd70-6e34e586362d";

fn assignments(scope: &str) -> String {
    format!("{scope}/providers/Microsoft.Authorization/roleAssignments")
}

fn assignment(role: &str, principal: &str) -> Value {
    json!({ "properties": {
        "roleDefinitionId": format!("/subscriptions/{RETAIL}/providers/Microsoft.Authorization/roleDefinitions/{role}"),
        "principalId": principal, "principalType": "User",
    } })
}

fn guid(number: u32) -> String {
    format!("00000000-0000-4000-8000-{number:012}")
}

fn with_roles(roles: &[&str]) -> Client {
    Client::new(Options {
        operation: Duration::ZERO,
        roles: roles.iter().map(|role| (*role).to_owned()).collect(),
        ..Options::default()
    })
}

#[test]
fn assignments_are_listed_above_at_and_below_a_scope() {
    let client = prompt();
    let subscription = format!("/subscriptions/{RETAIL}");
    let group = format!("{subscription}/resourceGroups/rg-shop-prod");
    let scopes = [&subscription, &group];
    for (at, scope) in scopes.iter().enumerate() {
        let path = format!("{}/{}", assignments(scope), guid(at as u32));
        let made = client.put(&path, &assignment(READER, ALICE));
        assert_eq!(made.status, Some(201), "{}", made.json());
        assert_eq!(made.json().pointer("/properties/scope"), Some(&json!(scope)));
        assert_eq!(client.get(&path).json(), made.json());
    }
    let listed = |path: &str| -> Vec<String> {
        let rows = client.all(path);
        let scope = |row: &Value| {
            row.pointer("/properties/scope")
                .and_then(Value::as_str)
                .map(str::to_owned)
        };
        rows.iter().filter_map(scope).collect()
    };
    let root = "/providers/Microsoft.Management/managementGroups/5f0c2a77-d3b1-4e68-9c84-1be07a36f2d9";
    let all: BTreeSet<String> = listed(&assignments(&subscription)).into_iter().collect();
    assert_eq!(all, [root, &subscription, &group].map(str::to_owned).into());
    let here = listed(&format!("{}?$filter=atScope()", assignments(&subscription)));
    assert_eq!(
        here.into_iter().collect::<BTreeSet<_>>(),
        [root, &subscription].map(str::to_owned).into()
    );
    let of_alice = listed(&format!(
        "{}?$filter=principalId eq '{ALICE}'",
        assignments(&subscription)
    ));
    assert_eq!(of_alice.len(), 2);
    let machine = format!("{SHOP}/Microsoft.Compute/virtualMachines/vm-shop-web-01");
    let of_machine = listed(&format!("{}?$filter=assignedTo('{ALICE}')", assignments(&machine)));
    assert_eq!(of_machine.len(), 2, "both stand above the machine");
    let elsewhere = listed(&format!(
        "{}?$filter=principalId eq '{ALICE}'",
        assignments(&format!("/subscriptions/{PLATFORM}"))
    ));
    assert!(elsewhere.is_empty());
    client
        .get(&format!("{}?$filter=colour eq 'red'", assignments(&subscription)))
        .is_refused(400, "UnsupportedQuery");
    let path = format!("{}/{}", assignments(&group), guid(1));
    assert_eq!(client.delete(&path).status, Some(200));
    assert_eq!(client.delete(&path).status, Some(204));
}

#[test]
fn assignments_are_checked() {
    let client = prompt();
    let scope = format!("/subscriptions/{RETAIL}");
    let path = |name: &str| format!("{}/{name}", assignments(&scope));
    client
        .put(&path("mine"), &assignment(READER, ALICE))
        .is_refused(400, "InvalidRoleAssignmentId");
    client
        .put(&path(&guid(1)), &assignment(&guid(9), ALICE))
        .is_refused(400, "RoleDefinitionDoesNotExist");
    client
        .put(&path(&guid(1)), &assignment(READER, "alice"))
        .is_refused(400, "BadRequestFormat");
    assert_eq!(
        client.put(&path(&guid(1)), &assignment(READER, ALICE)).status,
        Some(201)
    );
    client
        .put(&path(&guid(2)), &assignment(READER, ALICE))
        .is_refused(409, "RoleAssignmentExists");
}

#[test]
fn roles_are_built_in_and_made() {
    let client = prompt();
    let scope = format!("/subscriptions/{RETAIL}");
    let roles = format!("{scope}/providers/Microsoft.Authorization/roleDefinitions");
    let names: Vec<Value> = client
        .all(&roles)
        .iter()
        .map(|role| role["properties"]["roleName"].clone())
        .collect();
    assert!(names.contains(&json!("Security Admin")) && names.contains(&json!("Virtual Machine Contributor")));
    let reader = client.get(&format!("{roles}/{READER}")).json();
    assert_eq!(
        reader.pointer("/properties/permissions/0/actions"),
        Some(&json!(["*/read"]))
    );
    assert_eq!(reader["id"], json!(format!("{roles}/{READER}")));
    let tenant = format!("/providers/Microsoft.Authorization/roleDefinitions/{READER}");
    assert_eq!(client.get(&tenant).json()["id"], json!(tenant));
    let own = json!({ "properties": {
        "roleName": "JIT requester", "description": "d", "type": "CustomRole", "assignableScopes": [scope],
        "permissions": [{ "actions": ["Microsoft.Security/locations/jitNetworkAccessPolicies/initiate/action"], "notActions": [] }],
    } });
    let path = format!("{roles}/{}", guid(7));
    assert_eq!(client.put(&path, &own).status, Some(201));
    let found = client.all(&format!("{roles}?$filter=type eq 'CustomRole'"));
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["properties"]["roleName"], json!("JIT requester"));
    let elsewhere = format!("/subscriptions/{PLATFORM}/providers/Microsoft.Authorization/roleDefinitions");
    assert!(
        client
            .all(&format!("{elsewhere}?$filter=roleName eq 'JIT requester'"))
            .is_empty()
    );
    client
        .put(&format!("{roles}/{}", guid(8)), &own)
        .is_refused(409, "RoleDefinitionWithSameNameExists");
    client
        .put(&format!("{roles}/{READER}"), &own)
        .is_refused(403, "RoleDefinitionUpdateNotAllowed");
    let held = format!("{}/{}", assignments(&scope), guid(3));
    assert_eq!(client.put(&held, &assignment(&guid(7), ALICE)).status, Some(201));
    client.delete(&path).is_refused(400, "RoleDefinitionHasAssignments");
    client.delete(&held);
    assert_eq!(client.delete(&path).status, Some(200));
    client.get(&path).is_refused(404, "RoleDefinitionDoesNotExist");
}

#[test]
fn what_the_identity_may_do_follows_its_assignments() {
    let client = with_roles(&["User Access Administrator"]);
    let group = format!("{SHOP}/Microsoft.Network/networkSecurityGroups/nsg-shop-web");
    let write = || client.put(&format!("{group}/securityRules/x"), &rule(310, "22"));
    write().is_refused(403, "AuthorizationFailed");
    let network = "4d97b98b-1d4f-4787-a291-c67834d212e7";
    let scope = SHOP.trim_end_matches("/providers");
    let path = format!("{}/{}", assignments(scope), guid(4));
    assert_eq!(client.put(&path, &assignment(network, SANDBOX)).status, Some(201));
    assert_eq!(write().status, Some(201));
    let permissions = |scope: &str| {
        let path = format!("{scope}/providers/Microsoft.Authorization/permissions");
        client.get(&path).json()["value"].as_array().map_or(0, Vec::len)
    };
    assert_eq!(
        (permissions(scope), permissions(&format!("/subscriptions/{RETAIL}"))),
        (2, 1)
    );
    client.delete(&path);
    write().is_refused(403, "AuthorizationFailed");
}

#[test]
fn lists_and_resource_graph_leave_out_what_may_not_be_read() {
    let client = with_roles(&["Security Reader"]);
    let machines = format!("/subscriptions/{RETAIL}/providers/Microsoft.Compute/virtualMachines");
    client.get(&machines).is_refused(403, "AuthorizationFailed");
    let count = |client: &Client, query: &str| {
        let rows = client.graph(query, &json!({})).json();
        rows["data"].as_array().map_or(0, Vec::len)
    };
    let query = "Resources | where type =~ 'microsoft.compute/virtualmachines'";
    assert_eq!(count(&client, query), 0);
    assert!(
        count(
            &client,
            "SecurityResources | where type =~ 'microsoft.security/assessments'"
        ) > 0
    );
    // A role on one machine alone: lists show that machine.
    let owner = with_roles(&["User Access Administrator"]);
    let all = owner.all(&machines).len();
    assert!(all > 1);
    drop(owner);
    let mut client = prompt();
    let one = client.all(&machines)[0]["id"].as_str().expect("an id").to_owned();
    client.put(
        &format!("{}/{}", assignments(&one), guid(5)),
        &assignment(READER, SANDBOX),
    );
    let root = client.all(&format!(
        "{}?$filter=atScope()",
        assignments(&format!("/subscriptions/{RETAIL}"))
    ));
    let whole = root[0]["id"].as_str().expect("an id").to_owned();
    assert_eq!(client.delete(&whole).status, Some(200));
    client.log_in();
    let seen = client.all(&machines);
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0]["id"], json!(one));
    assert_eq!(count(&client, query), 1);
    let subscriptions = client.all("/subscriptions");
    assert_eq!(subscriptions.len(), 1, "the others are not shown at all");
}

fn log(client: &Client, filter: &str) -> Vec<Value> {
    let path = format!("/subscriptions/{RETAIL}/providers/Microsoft.Insights/eventtypes/management/values");
    client.all(&format!(
        "{path}?$filter=eventTimestamp ge '2020-01-01T00:00:00Z'{filter}"
    ))
}

/// A machine under a policy of its own, and that policy's path.
fn guarded(client: &Client) -> (String, String) {
    let policies = client.all(&format!(
        "/subscriptions/{RETAIL}/providers/Microsoft.Security/jitNetworkAccessPolicies"
    ));
    let text = Value::from(policies).to_string().to_lowercase();
    let machines = client.all(&format!("{SHOP}/Microsoft.Compute/virtualMachines"));
    let mut ids = machines.iter().filter_map(|machine| machine["id"].as_str());
    let machine = ids
        .find(|id| !text.contains(&id.to_lowercase()))
        .expect("a machine")
        .to_owned();
    let path = format!("{SHOP}/Microsoft.Security/locations/westeurope/jitNetworkAccessPolicies/made");
    let body = json!({ "kind": "Basic", "properties": { "virtualMachines": [{ "id": machine, "ports": [
        { "number": 22, "protocol": "*", "allowedSourceAddressPrefix": "*", "maxRequestAccessDuration": "PT3H" },
    ] }] } });
    assert_eq!(client.put(&path, &body).status, Some(200));
    client.get(&path);
    (machine, path)
}

fn ask(machine: &str, duration: &str) -> Value {
    json!({ "justification": "change 4711", "virtualMachines": [{ "id": machine, "ports": [
        { "number": 22, "duration": duration, "allowedSourceAddressPrefix": "203.0.113.7" },
    ] }] })
}

#[test]
fn a_request_is_several_events_with_one_correlation_id() {
    let client = prompt();
    let (machine, path) = guarded(&client);
    let initiate = format!("{path}/initiate");
    let header = "x-ms-correlation-request-id: 7b1d0a52-0000-4000-8000-00000000000a";
    let reply = client.call_with("POST", &initiate, &[header], Some(&ask(&machine, "PT1H")));
    assert_eq!(reply.status, Some(202), "{}", reply.json());
    let events = log(&client, " and correlationId eq '7b1d0a52-0000-4000-8000-00000000000a'");
    let told: Vec<(String, String, String, String)> = events
        .iter()
        .map(|event| {
            let text = |pointer: &str| {
                event
                    .pointer(pointer)
                    .and_then(Value::as_str)
                    .unwrap_or_default()
                    .to_owned()
            };
            let resource = text("/resourceId").to_lowercase();
            let of = resource.rsplit('/').nth(1).unwrap_or_default().to_owned();
            (text("/operationName/value"), of, text("/status/value"), text("/caller"))
        })
        .collect();
    let operation = "Microsoft.Security/locations/jitNetworkAccessPolicies/initiate/action";
    let by = |operation: &str, of: &str, status: &str, caller: &str| {
        let wanted = (
            operation.to_owned(),
            of.to_owned(),
            status.to_owned(),
            caller.to_owned(),
        );
        told.iter().filter(|event| **event == wanted).count()
    };
    assert_eq!(
        by(operation, "jitnetworkaccesspolicies", "Started", SANDBOX),
        1,
        "{told:?}"
    );
    assert_eq!(
        by(operation, "jitnetworkaccesspolicies", "Succeeded", SANDBOX),
        1,
        "{told:?}"
    );
    assert_eq!(by(operation, "virtualmachines", "Succeeded", SANDBOX), 1, "{told:?}");
    let write = "Microsoft.Network/networkSecurityGroups/securityRules/write";
    let written = by(write, "securityrules", "Succeeded", SECURITY);
    assert!(written >= 1, "{told:?}");
    assert_eq!(told.len(), 3 + written);
    // The event of the machine says who and why, that of the rule what was written.
    let details = events
        .iter()
        .find_map(|event| event.pointer("/properties/eventProperties")?.as_str());
    let details: Value = serde_json::from_str(details.expect("details")).expect("JSON");
    assert_eq!(details, json!({ "User": SANDBOX, "Justification": "change 4711" }));
    let rule = events
        .iter()
        .find(|event| event["caller"] == json!(SECURITY))
        .expect("a rule");
    let body = rule
        .pointer("/properties/requestbody")
        .and_then(Value::as_str)
        .expect("a body");
    let body: Value = serde_json::from_str(body).expect("JSON");
    assert_eq!(
        body.pointer("/properties/sourceAddressPrefix"),
        Some(&json!("203.0.113.7"))
    );
    let ids: BTreeSet<String> = events.iter().map(|event| event["eventDataId"].to_string()).collect();
    assert_eq!(ids.len(), events.len());
    // When it ends, the service takes the rules out, under an id of its own.
    client.advance(2);
    let removed = log(&client, " and resourceProvider eq 'Microsoft.Network'");
    let removed = removed.iter().filter(|event| {
        event.pointer("/operationName/value")
            == Some(&json!("Microsoft.Network/networkSecurityGroups/securityRules/delete"))
    });
    let removed: Vec<&Value> = removed.collect();
    assert_eq!(removed.len(), written);
    assert!(
        removed
            .iter()
            .all(|event| event["caller"] == json!(SECURITY) && event["correlationId"] != rule["correlationId"])
    );
}

#[test]
fn refused_requests_are_told_with_the_error() {
    let client = prompt();
    let (machine, path) = guarded(&client);
    client
        .post(&format!("{path}/initiate"), &ask(&machine, "PT9H"))
        .is_refused(400, "InvalidInitiateInput");
    let failed = |client: &Client| {
        let events = log(client, " and resourceProvider eq 'Microsoft.Security'");
        let failed = events
            .into_iter()
            .find(|event| event["status"]["value"] == json!("Failed"));
        failed.expect("an event")
    };
    let event = failed(&client);
    assert_eq!(event.pointer("/subStatus/value"), Some(&json!("BadRequest")));
    let message = event
        .pointer("/properties/statusMessage")
        .and_then(Value::as_str)
        .unwrap_or_default();
    assert!(message.contains("not a subset of the policy"), "{message}");
    let reader = with_roles(&["Reader"]);
    let policies = reader.all(&format!(
        "/subscriptions/{RETAIL}/providers/Microsoft.Security/jitNetworkAccessPolicies"
    ));
    let policy = policies[0]["id"].as_str().expect("a policy");
    reader
        .post(&format!("{policy}/initiate"), &ask(&machine, "PT1H"))
        .is_refused(403, "AuthorizationFailed");
    assert_eq!(failed(&reader).pointer("/subStatus/value"), Some(&json!("Forbidden")));
}

#[test]
fn an_opening_leads_through_the_firewall_of_the_network() {
    let client = prompt();
    let group = format!("/subscriptions/{PLATFORM}/resourceGroups/rg-mgmt/providers");
    let policy = format!("{group}/Microsoft.Security/locations/westeurope/jitNetworkAccessPolicies/default");
    let machine = format!("{group}/Microsoft.Compute/virtualMachines/vm-mgmt-patch-01");
    let firewall = format!(
        "/subscriptions/{PLATFORM}/resourceGroups/rg-hub-network/providers/Microsoft.Network/azureFirewalls/fw-hub"
    );
    let rules = || -> Vec<Value> {
        let collections = client.get(&firewall).json()["properties"]["natRuleCollections"].clone();
        let collections = collections.as_array().expect("collections").clone();
        let ours = collections
            .into_iter()
            .find(|collection| collection["name"] == json!("MDC-JIT"));
        ours.map_or_else(Vec::new, |ours| {
            ours["properties"]["rules"].as_array().expect("rules").clone()
        })
    };
    assert!(rules().is_empty());
    let initiate = format!("{policy}/initiate");
    for port in [22, 3389] {
        let body = json!({ "justification": "patches", "virtualMachines": [{ "id": machine, "ports": [
            { "number": port, "duration": "PT1H", "allowedSourceAddressPrefix": "203.0.113.7" },
        ] }] });
        let reply = client.post(&initiate, &body);
        assert_eq!(reply.status, Some(202), "{}", reply.json());
    }
    let open = rules();
    assert_eq!(open.len(), 2);
    assert_eq!(open[0]["sourceAddresses"], json!(["203.0.113.7"]));
    assert_eq!(open[0]["destinationAddresses"], json!(["192.0.2.10"]));
    assert_eq!(open[0]["destinationPorts"], json!(["50000"]));
    assert_eq!(open[1]["destinationPorts"], json!(["50001"]));
    assert_eq!(
        (&open[0]["translatedPort"], &open[1]["translatedPort"]),
        (&json!("22"), &json!("3389"))
    );
    let now = client.get(&policy).json();
    assert_eq!(
        now.pointer("/properties/requests/0/virtualMachines/0/ports/0/mappedPort"),
        Some(&json!(50000))
    );
    assert_eq!(
        now.pointer("/properties/virtualMachines/0/publicIpAddress"),
        Some(&json!("192.0.2.10"))
    );
    client.advance(2);
    assert!(rules().is_empty());
    let collections = client.get(&firewall).json()["properties"]["natRuleCollections"].to_string();
    assert!(
        !collections.contains("MDC-JIT"),
        "the collection goes with its last rule"
    );
}
