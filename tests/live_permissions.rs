//! The roles that `portcullis permissions` prints: they say the same in every notation, they are enough, and without any one
//! of their actions something is told to be lacking.
#![expect(clippy::expect_used, reason = "tests say what they expect")]

mod live;
mod rest;

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Cursor;
use std::process::Command;
use std::time::Duration;

use live::{connection, everything, is_complete, lines};
use portcullis::azure::collect::Source;
use portcullis::azure::permission::{Purpose, lacks};
use portcullis::azure::record;
use portcullis::input::{Given, Reading};
use portcullis::sandbox::{Options, Sandbox, Store, load};
use portcullis::source::Level;
use portcullis::syntax::bicep;
use rest::{Client, RETAIL, SHOP, rule, tenant};
use serde_json::{Value, json};

const IDENTITY: &str = "00000000-5a4d-4b0c-8000-000000000001";
const ROLE: &str = "00000000-0000-4000-8000-0000000000aa";

fn printed(purpose: &str, notation: &str) -> String {
    let scope = format!("/subscriptions/{RETAIL}");
    let output = Command::new(env!("CARGO_BIN_EXE_portcullis"))
        .args(["permissions", "--for", purpose, "--as", notation, "--scope", &scope])
        .output()
        .expect("the program runs");
    assert_eq!(output.status.code(), Some(0));
    String::from_utf8(output.stdout).expect("text")
}

fn actions(role: &Value) -> BTreeSet<String> {
    let listed = role["Actions"].as_array().expect("actions");
    listed.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// The texts between quotes on the lines after `actions`.
fn quoted(text: &str, quote: char) -> BTreeSet<String> {
    let lines = text
        .lines()
        .skip_while(|line| !line.trim_start().starts_with("actions"));
    let lines = lines.skip(1).take_while(|line| !line.trim_start().starts_with(']'));
    lines
        .filter_map(|line| Some(line.split(quote).nth(1)?.to_owned()))
        .collect()
}

fn read(name: &str, text: &str) {
    let mut reading = Reading::default();
    reading.read(name, Given::Found, text.as_bytes());
    reading.finish();
    let wrong: Vec<_> = reading
        .diagnostics
        .iter()
        .filter(|one| one.level == Level::Error)
        .collect();
    assert!(wrong.is_empty(), "{name}: {wrong:#?}");
}

#[test]
fn every_notation_says_the_same() {
    for (purpose, _) in Purpose::ALL {
        let json: Value = serde_json::from_str(&printed(purpose, "json")).expect("JSON");
        let members: BTreeSet<&str> = json
            .as_object()
            .expect("an object")
            .keys()
            .map(String::as_str)
            .collect();
        // What `az role definition create` and `New-AzRoleDefinition` take.
        let known = [
            "Name",
            "IsCustom",
            "Description",
            "Actions",
            "NotActions",
            "DataActions",
            "NotDataActions",
            "AssignableScopes",
        ];
        assert_eq!(members, known.into());
        let wanted = actions(&json);
        for action in &wanted {
            let parts: Vec<&str> = action.split('/').collect();
            assert!(parts.len() >= 3 && parts[0].starts_with("Microsoft."), "{action}");
            assert!(
                ["read", "write", "delete", "action"].contains(&parts[parts.len() - 1]),
                "{action}"
            );
        }
        let bicep = printed(purpose, "bicep");
        let document = bicep::parse(&bicep);
        assert!(document.problems.is_empty(), "{:#?}", document.problems);
        read("role.bicep", &bicep);
        assert_eq!(quoted(&bicep, '\''), wanted);
        let terraform = printed(purpose, "terraform");
        read("role.tf", &terraform);
        assert_eq!(quoted(&terraform, '"'), wanted);
        // The command for a shell hands the same JSON to `az`.
        let directory = tempfile::tempdir().expect("a directory");
        let az = directory.path().join("az");
        std::fs::write(&az, "#!/bin/sh\nprintf '%s' \"$5\"\n").expect("written");
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(&az, mode).expect("made to run");
        let path = format!("{}:/usr/bin:/bin", directory.path().display());
        let output = Command::new("/bin/sh")
            .args(["-c", &printed(purpose, "az")])
            .env("PATH", path)
            .output()
            .expect("a shell");
        assert_eq!(serde_json::from_slice::<Value>(&output.stdout).expect("JSON"), json);
    }
}

/// The example estate, in which the identity has one role with these actions and no other.
fn with_actions(actions: &BTreeSet<String>) -> Sandbox {
    let mut store = Store::default();
    load(&mut store, "estate", File::open(live::ESTATE).expect("the estate")).expect("loaded");
    let root = format!("/providers/Microsoft.Management/managementGroups/{}", tenant());
    let role = format!("/providers/Microsoft.Authorization/roleDefinitions/{ROLE}");
    let rows = json!([
        { "id": role, "name": ROLE, "type": "Microsoft.Authorization/roleDefinitions", "properties": {
            "roleName": "Portcullis", "type": "CustomRole", "assignableScopes": ["/"],
            "permissions": [{ "actions": actions, "notActions": [] }],
        } },
        { "id": format!("{root}/providers/Microsoft.Authorization/roleAssignments/{ROLE}"), "name": ROLE,
          "type": "Microsoft.Authorization/roleAssignments", "properties": {
            "roleDefinitionId": role, "principalId": IDENTITY, "scope": root,
        } },
    ]);
    load(&mut store, "roles", Cursor::new(rows.to_string())).expect("loaded");
    store.settle();
    let options = Options {
        operation: Duration::ZERO,
        ..Options::default()
    };
    Sandbox::start(store, options).expect("started")
}

fn purpose(name: &str) -> BTreeSet<String> {
    let found = Purpose::ALL
        .iter()
        .find(|(known, _)| *known == name)
        .expect("a purpose");
    found.1.actions().into_iter().collect()
}

#[test]
fn the_role_for_a_scan_is_enough() {
    let owner = live::sandbox(Options::default());
    let sandbox = with_actions(&purpose("scan"));
    for source in [Source::Auto, Source::Graph, Source::Arm] {
        let recorded = record(&connection(&sandbox.origin), &everything(source)).expect("read");
        assert!(is_complete(&recorded), "{source:?}: {:?}", recorded.header);
        let all = record(&connection(&owner.origin), &everything(source)).expect("read");
        assert_eq!(lines(recorded), lines(all), "{source:?}");
    }
}

#[test]
fn without_any_one_action_something_is_lacking() {
    let all = purpose("scan");
    let subscription = [RETAIL.to_owned()];
    for action in &all {
        let mut less = all.clone();
        less.remove(action);
        let sandbox = with_actions(&less);
        let lacks = lacks(&connection(&sandbox.origin), &subscription, Purpose::Scan).expect("asked");
        // Who may not ask for the rights is told that; everybody else what is lacking.
        let lacking: BTreeSet<&String> = match &lacks[0].features {
            Ok(features) => features.iter().flat_map(|feature| &feature.actions).collect(),
            Err(why) => {
                assert!(!why.is_empty());
                continue;
            }
        };
        assert_eq!(lacking, [action].into());
        let recorded = record(&connection(&sandbox.origin), &everything(Source::Auto)).expect("read");
        let is_way = ["ResourceGraph", "managementGroups", "permissions"]
            .iter()
            .any(|way| action.contains(way));
        assert!(
            is_way || !is_complete(&recorded),
            "the scan is complete without `{action}`"
        );
    }
}

fn client(purpose_name: &str) -> Client {
    let mut client = Client {
        sandbox: with_actions(&purpose(purpose_name)),
        token: String::new(),
    };
    client.log_in();
    client
}

/// A policy of the example, one of its machines and a port of it.
fn policy(client: &Client) -> (String, Value) {
    let list = format!("/subscriptions/{RETAIL}/providers/Microsoft.Security/jitNetworkAccessPolicies");
    let policies = client.all(&list);
    let policy = policies.first().expect("a policy").clone();
    let id = policy.get("id").and_then(|id| id.as_str()).expect("an id");
    (id.to_owned(), policy)
}

#[test]
fn the_role_for_a_request_opens_and_changes_nothing() {
    let client = client("request");
    let (path, policy) = policy(&client);
    let machine = policy.pointer("/properties/virtualMachines/0/id").expect("a machine");
    let port = policy
        .pointer("/properties/virtualMachines/0/ports/0/number")
        .expect("a port");
    let from = policy.pointer("/properties/virtualMachines/0/ports/0/allowedSourceAddressPrefix");
    let from = from.or_else(|| policy.pointer("/properties/virtualMachines/0/ports/0/allowedSourceAddressPrefixes/0"));
    let body = json!({ "virtualMachines": [{ "id": machine, "ports": [
        { "number": port, "duration": "PT30M", "allowedSourceAddressPrefix": from.expect("a source") },
    ] }] });
    let reply = client.post(&format!("{path}/initiate"), &body);
    assert_eq!(reply.status, Some(202), "{}", reply.json());
    assert_eq!(client.get(machine.as_str().expect("an id")).status, Some(200));
    client.put(&path, &policy).is_refused(403, "AuthorizationFailed");
}

#[test]
fn the_role_for_remedies_enables_and_closes() {
    let client = client("remediate");
    let (path, mut policy) = policy(&client);
    let machines = policy
        .pointer_mut("/properties/virtualMachines")
        .and_then(Value::as_array_mut);
    // One of them has no port left, which only the service can bring about.
    let has_ports = |machine: &Value| machine["ports"].as_array().is_some_and(|ports| !ports.is_empty());
    machines.expect("machines").retain(has_ports);
    let reply = client.put(&path, &policy);
    assert_eq!(reply.status, Some(200), "{}", reply.json());
    let group = format!("{SHOP}/Microsoft.Network/networkSecurityGroups/nsg-shop-web");
    let reply = client.put(&format!("{group}/securityRules/x"), &rule(310, "22"));
    assert_eq!(reply.status, Some(201), "{}", reply.json());
    assert!(
        client
            .delete(&format!("{group}/securityRules/x"))
            .status
            .is_some_and(|status| status < 300)
    );
    let network = format!("{SHOP}/Microsoft.Network/virtualNetworks/vnet-shop");
    client.delete(&network).is_refused(403, "AuthorizationFailed");
}
