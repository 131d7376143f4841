//! The sandbox, over loopback: what it serves, what it refuses, what it remembers, and every way in which it misbehaves.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "what is missing fails the test"
)]

mod rest;

use std::fs::File;
use std::time::Duration;

use jiff::SignedDuration;
use portcullis::sandbox::{FAULTS, Fault, Options, Sandbox, Store, kind, load};
use rest::{Client, PLATFORM, RETAIL, SHOP, prompt, rule, tenant};
use serde_json::{Value, json};

#[test]
fn every_decoded_type_is_served() {
    for resource_type in portcullis::input::decoded_types() {
        let is_answer = resource_type.contains("/list")
            || resource_type.ends_with("/effectivenetworksecuritygroups")
            || resource_type.ends_with("/servicetags");
        let is_container = resource_type == "microsoft.resources/subscriptions";
        assert!(
            is_answer || is_container || kind::kind(resource_type).is_some(),
            "{resource_type} has no line in KINDS"
        );
    }
}

#[test]
fn entra_refuses_as_it_does() {
    let client = prompt();
    let scope = "https://management.azure.com/.default";
    for (tenant, secret, scope, status, code) in [
        (tenant().as_str(), "wrong", scope, 401, 7_000_215),
        ("no-such-tenant", "sandbox-secret", scope, 400, 90002),
        (
            &tenant(),
            "sandbox-secret",
            "https://management.azure.com",
            400,
            1_002_012,
        ),
        (&tenant(), "", scope, 401, 7_000_218),
    ] {
        let reply = client.form(tenant, secret, scope);
        assert_eq!(reply.status, Some(status));
        let body = reply.json();
        assert_eq!(body["error_codes"], json!([code]));
        assert!(
            body["error_description"]
                .as_str()
                .is_some_and(|text| text.starts_with(&format!("AADSTS{code}: ")))
        );
    }
}

#[test]
fn bearer_tokens_are_checked() {
    let mut client = prompt();
    let path = "/subscriptions?api-version=2022-12-01";
    let bare = client.raw("GET", path, &[], b"");
    bare.is_refused(401, "AuthenticationFailed");
    assert!(
        bare.header("www-authenticate")
            .is_some_and(|challenge| challenge.starts_with("Bearer authorization_uri="))
    );
    client
        .raw("GET", path, &["Authorization: Bearer made.up.token"], b"")
        .is_refused(401, "InvalidAuthenticationToken");
    let other = client
        .form(&tenant(), "sandbox-secret", "https://graph.microsoft.com/.default")
        .json();
    let other = format!(
        "Authorization: Bearer {}",
        other["access_token"].as_str().unwrap_or_default()
    );
    client
        .raw("GET", path, &[&other], b"")
        .is_refused(401, "InvalidAuthenticationTokenAudience");
    // Clients count by the machine's clock, and so do tokens.
    client.advance(2);
    assert_eq!(client.get(path).status, Some(200));
    client.sandbox.inject(vec!["expired-token".parse().expect("a fault")]);
    client.get(path).is_refused(401, "ExpiredAuthenticationToken");
    client.log_in();
    assert_eq!(client.get(path).status, Some(200));
}

#[test]
fn managed_identities_get_tokens() {
    let client = prompt();
    let path = "/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https://management.azure.com/";
    assert_eq!(client.raw("GET", path, &[], b"").status, Some(400));
    let reply = client.raw("GET", path, &["Metadata: true"], b"").json();
    assert!(
        reply["expires_on"]
            .as_str()
            .is_some_and(|time| time.parse::<i64>().is_ok())
    );
    let path = "/msi/token?api-version=2019-08-01&resource=https://management.azure.com/";
    assert_eq!(client.raw("GET", path, &[], b"").status, Some(401));
    let reply = client.raw("GET", path, &["X-IDENTITY-HEADER: sandbox-header"], b"");
    let header = format!(
        "Authorization: Bearer {}",
        reply.json()["access_token"].as_str().unwrap_or_default()
    );
    assert_eq!(
        client
            .raw("GET", "/subscriptions?api-version=2022-12-01", &[&header], b"")
            .status,
        Some(200)
    );
}

#[test]
fn a_call_says_which_version_it_speaks() {
    let client = prompt();
    let header = format!("Authorization: Bearer {}", client.token);
    client
        .raw("GET", "/subscriptions", &[&header], b"")
        .is_refused(400, "MissingApiVersionParameter");
    client
        .get("/subscriptions?api-version=latest")
        .is_refused(400, "InvalidApiVersionParameter");
    assert_eq!(
        client.get("/subscriptions?api-version=2022-09-01-preview").status,
        Some(200)
    );
}

#[test]
fn what_is_not_there_is_refused_by_its_kind() {
    let client = prompt();
    let nsgs = "providers/Microsoft.Network/networkSecurityGroups";
    client
        .get(&format!("/subscriptions/nobody/{nsgs}"))
        .is_refused(404, "SubscriptionNotFound");
    client
        .get(&format!("/subscriptions/{RETAIL}/resourceGroups/nobody/{nsgs}"))
        .is_refused(404, "ResourceGroupNotFound");
    client
        .get(&format!("{SHOP}/Microsoft.Network/networkSecurityGroups/nobody"))
        .is_refused(404, "ResourceNotFound");
    client
        .get(&format!("{SHOP}/Microsoft.Network/nonsense"))
        .is_refused(404, "InvalidResourceType");
    client
        .get(&format!("{SHOP}/Microsoft.Nonsense/things"))
        .is_refused(404, "InvalidResourceNamespace");
    client
        .call_with(
            "PROPFIND",
            &format!("{SHOP}/Microsoft.Network/networkSecurityGroups/nsg-shop-web"),
            &[],
            None,
        )
        .is_refused(405, "HttpMethodNotAllowed");
}

#[test]
fn lists_come_in_pages_and_whole() {
    let small = Client::new(Options {
        page_size: 3,
        ..Options::default()
    });
    let large = prompt();
    for list in [
        "Microsoft.Compute/virtualMachines",
        "Microsoft.Network/networkInterfaces",
        "Microsoft.Security/assessments",
    ] {
        let path = format!("/subscriptions/{RETAIL}/providers/{list}");
        let (pages, whole) = (small.all(&path), large.all(&path));
        assert!(pages.len() > 3, "{list}");
        let ids = |rows: &[Value]| rows.iter().map(|row| row["id"].clone()).collect::<Vec<_>>();
        assert_eq!(ids(&pages), ids(&whole));
    }
    let children = small.all(&format!(
        "{SHOP}/Microsoft.Network/networkSecurityGroups/nsg-shop-web/securityRules"
    ));
    let parent = small
        .get(&format!("{SHOP}/microsoft.network/NETWORKSECURITYGROUPS/nsg-shop-web"))
        .json();
    assert_eq!(Value::from(children), parent["properties"]["securityRules"]);
}

#[test]
fn machines_show_their_state_when_asked() {
    let client = prompt();
    let path = format!("/subscriptions/{RETAIL}/providers/Microsoft.Compute/virtualMachines");
    let state = |row: &Value| row["properties"].get("instanceView").is_some();
    assert!(!client.all(&path).iter().any(state));
    assert!(client.all(&format!("{path}?statusOnly=true")).iter().all(state));
    let id = client.all(&path)[0]["id"].as_str().expect("an id").to_owned();
    assert!(!state(&client.get(&id).json()) && state(&client.get(&format!("{id}?$expand=instanceView")).json()));
}

#[test]
fn resource_graph_answers_its_language() {
    let client = prompt();
    let machines = "Resources | where type =~ 'Microsoft.Compute/virtualMachines'";
    let count = |query: &str| {
        let reply = client.graph(&format!("{query} | count"), &json!({}));
        assert_eq!(reply.status, Some(200), "{query}: {}", reply.json());
        reply.json()["data"][0]["Count"].as_u64().expect("a count")
    };
    let all = count(machines);
    assert!(all > 40);
    let windows = count(&format!(
        "{machines} and properties.storageProfile.osDisk.osType == 'Windows'"
    ));
    let rest = count(&format!(
        "{machines} | where not(properties.storageProfile.osDisk.osType == 'Windows')"
    ));
    assert_eq!(windows + rest, all);
    assert_eq!(
        count("resources | where type in~ ('Microsoft.Compute/VirtualMachines')"),
        all
    );
    assert_eq!(
        count("resources | where type in ('Microsoft.Compute/VirtualMachines')"),
        0
    );
    assert_eq!(
        count(&format!(
            "{machines} | where isnotempty(tags.owner) or isempty(tags.owner)"
        )),
        all
    );
    assert_eq!(count(&format!("{machines} | limit 5")), 5);
    assert_eq!(
        count("ResourceContainers | where type == 'microsoft.resources/subscriptions'"),
        4
    );
    assert!(count("SecurityResources | where type == 'microsoft.security/assessments'") > 20);
    // Just-in-time policies are in no table.
    assert_eq!(
        count("SecurityResources | where type has 'jitNetworkAccessPolicies'"),
        0
    );
    let row = client.graph(
        "SecurityResources | where type == 'microsoft.security/assessments' | extend id2 = tolower(properties.resourceDetails.Id) | project name, properties.resourceDetails.Source, id2 | limit 1",
        &json!({}),
    );
    let row = row.json()["data"][0].clone();
    assert_eq!(row["properties_resourceDetails_Source"], json!("Azure"));
    assert!(
        row["id2"]
            .as_str()
            .is_some_and(|id| id.starts_with("/subscriptions/") && *id == id.to_lowercase())
    );
    let power = client.graph(
        &format!("{machines} | project properties.extended.instanceView.powerState.code | limit 1"),
        &json!({ "resultFormat": "table" }),
    );
    assert_eq!(
        power.json()["data"]["columns"][0]["name"],
        json!("properties_extended_instanceView_powerState_code")
    );
    assert_eq!(power.json()["data"]["rows"][0][0], json!("PowerState/running"));
    let grouped = client.graph(
        "Resources | summarize n = count() by type | order by n desc",
        &json!({}),
    );
    assert_eq!(grouped.json()["data"][0]["n"].as_u64(), Some(all));
}

#[test]
fn resource_graph_pages_as_documented() {
    let client = prompt();
    let query = "Resources | project id | order by id asc";
    let (mut ids, mut options) = (Vec::new(), json!({ "$top": 7 }));
    let total = loop {
        let reply = client.graph(query, &options);
        assert!(reply.header("x-ms-user-quota-remaining").is_some());
        let body = reply.json();
        let rows = body["data"].as_array().expect("rows");
        assert_eq!(body["count"], json!(rows.len()));
        ids.extend(rows.iter().map(|row| row["id"].as_str().expect("an id").to_owned()));
        match body["$skipToken"].as_str() {
            Some(token) => options["$skipToken"] = json!(token),
            None => break body["totalRecords"].as_u64().expect("a total"),
        }
    };
    assert_eq!(ids.len() as u64, total);
    assert!(ids.is_sorted());
    // Without the id column, or behind a limit, there is no way to the rest.
    let reply = client.graph("Resources | project name", &json!({ "$top": 7 })).json();
    assert_eq!(
        (reply["resultTruncated"].as_str(), reply.get("$skipToken")),
        (Some("true"), None)
    );
    let wrong = client.graph(query, &json!({ "$skipToken": "bm9uc2Vuc2U" }));
    assert_eq!(wrong.status, Some(400));
    assert_eq!(client.graph(query, &json!({ "$top": 1001 })).status, Some(400));
}

#[test]
fn resource_graph_names_what_it_does_not_know() {
    let client = prompt();
    for (query, token) in [
        ("Resources | mv-expand x", "mv"),
        ("Resources | where name matches regex 'a'", "matches"),
        ("Resources | join kind=inner (Resources) on id", "join"),
        ("Resources | extend x = strcat(name, 'a')", "strcat"),
        ("Resources | where (name == 'a'", "<EOF>"),
        ("Resources | where name == 'a", "'a"),
        ("Resources | where name == 'a' |", "<EOF>"),
    ] {
        let reply = client.graph(query, &json!({}));
        reply.is_refused(400, "BadRequest");
        let body = reply.json();
        let details = body
            .pointer("/error/details")
            .and_then(Value::as_array)
            .expect("details");
        assert_eq!(details[0]["code"], json!("InvalidQuery"), "{query}");
        assert_eq!(details[1]["token"], json!(token), "{query}");
    }
    let deep = format!("Resources | where {}name == 'a'{}", "(".repeat(5000), ")".repeat(5000));
    client.graph(&deep, &json!({})).is_refused(400, "BadRequest");
    let deep = format!(
        "Resources | project {}name{}",
        "tostring(".repeat(5000),
        ")".repeat(5000)
    );
    client.graph(&deep, &json!({})).is_refused(400, "BadRequest");
}

#[test]
fn rules_are_written_within_their_group() {
    let client = prompt();
    let group = format!("{SHOP}/Microsoft.Network/networkSecurityGroups/nsg-shop-web");
    let path = format!("{group}/securityRules/AllowSshFromOffice");
    let before = client.get(&group).json();
    let made = client.put(&path, &rule(310, "22"));
    assert_eq!(made.status, Some(201));
    assert_eq!(made.json()["properties"]["provisioningState"], json!("Updating"));
    assert!(made.header("azure-asyncoperation").is_some());
    let after = client.get(&group).json();
    assert_ne!(before["etag"], after["etag"]);
    let inside = after["properties"]["securityRules"]
        .as_array()
        .expect("rules")
        .iter()
        .find(|rule| rule["name"] == "AllowSshFromOffice");
    assert_eq!(inside, Some(&client.get(&path).json()));
    assert_eq!(client.put(&path, &rule(311, "22")).status, Some(200));
    assert_eq!(client.delete(&path).status, Some(202));
    client.get(&path).is_refused(404, "ResourceNotFound");
    assert_eq!(client.delete(&path).status, Some(204));
    let restored = client.get(&group).json();
    let plain = |group: &Value| {
        let mut rules = group["properties"]["securityRules"].clone();
        for rule in rules.as_array_mut().expect("rules") {
            rule["etag"] = Value::Null;
        }
        rules
    };
    assert_eq!(plain(&before), plain(&restored));
}

#[test]
fn rules_are_checked() {
    let client = prompt();
    let group = format!("{SHOP}/Microsoft.Network/networkSecurityGroups/nsg-shop-web");
    let path = format!("{group}/securityRules/Checked");
    let with = |member: &str, value: Value| {
        let mut body = rule(310, "22");
        body["properties"][member] = value;
        body
    };
    for (body, code) in [
        (rule(99, "22"), "SecurityRuleInvalidPriority"),
        (rule(4097, "22"), "SecurityRuleInvalidPriority"),
        (rule(310, "22,23"), "SecurityRuleInvalidPortRange"),
        (rule(310, "70000"), "SecurityRuleInvalidPortRange"),
        (
            with("sourceAddressPrefix", json!("20.20.20.20/16")),
            "SecurityRuleInvalidAddressPrefix",
        ),
        (
            with("sourceAddressPrefix", json!("300.1.1.1")),
            "SecurityRuleInvalidAddressPrefix",
        ),
        (
            with("destinationPortRanges", json!(["3389"])),
            "SecurityRuleContainsInvalidCombinationOfParameters",
        ),
        (with("access", json!("Perhaps")), "InvalidRequestFormat"),
    ] {
        client.put(&path, &body).is_refused(400, code);
    }
    let mut tags = rule(310, "22");
    tags["properties"]["sourceAddressPrefix"] = Value::Null;
    tags["properties"]["sourceAddressPrefixes"] = json!(["Internet"]);
    client
        .put(&path, &tags)
        .is_refused(400, "SecurityRuleParameterContainsUnsupportedValue");
    assert_eq!(client.put(&path, &rule(310, "22")).status, Some(201));
    client
        .put(&format!("{group}/securityRules/Twin"), &rule(310, "22"))
        .is_refused(400, "SecurityRuleConflict");
    client
        .put(
            &format!("{SHOP}/Microsoft.Network/networkSecurityGroups/nobody/securityRules/x"),
            &rule(310, "22"),
        )
        .is_refused(404, "ParentResourceNotFound");
    let many: Vec<Value> = (0..1001)
        .map(|at| json!({ "name": format!("r{at}"), "properties": rule(100 + at, "22")["properties"] }))
        .collect();
    let body = json!({ "location": "westeurope", "properties": { "securityRules": many } });
    client
        .put(
            &format!("{SHOP}/Microsoft.Network/networkSecurityGroups/nsg-full"),
            &body,
        )
        .is_refused(400, "SecurityRuleCountLimitReached");
}

#[test]
fn versions_are_compared() {
    let client = prompt();
    let group = format!("{SHOP}/Microsoft.Network/networkSecurityGroups/nsg-shop-web");
    let path = format!("{group}/securityRules/Versioned");
    let etag = client.get(&group).json()["etag"].as_str().expect("an etag").to_owned();
    let stale = "If-Match: W/\"00000000-0000-4000-8000-ffffffffffff\"";
    client
        .call_with("PUT", &path, &[stale], Some(&rule(310, "22")))
        .is_refused(412, "PreconditionFailed");
    client
        .call_with("PUT", &path, &["If-Match: *"], Some(&rule(310, "22")))
        .is_refused(412, "PreconditionFailed");
    let none = client.call_with("PUT", &path, &["If-None-Match: *"], Some(&rule(310, "22")));
    assert_eq!(none.status, Some(201));
    client
        .call_with("PUT", &path, &["If-None-Match: *"], Some(&rule(310, "22")))
        .is_refused(412, "PreconditionFailed");
    // The group has changed with its rule.
    let seen = format!("If-Match: {etag}");
    client
        .call_with("DELETE", &path, &[&seen], None)
        .is_refused(412, "PreconditionFailed");
    let etag = client.get(&path).header("etag").expect("an etag").to_owned();
    let seen = format!("If-Match: {etag}");
    assert_eq!(client.call_with("DELETE", &path, &[&seen], None).status, Some(202));
}

#[test]
fn one_write_waits_for_the_other() {
    let client = Client::new(Options {
        operation: Duration::from_secs(3600),
        ..Options::default()
    });
    let group = format!("{SHOP}/Microsoft.Network/networkSecurityGroups/nsg-shop-web");
    let made = client.put(&format!("{group}/securityRules/First"), &rule(310, "22"));
    assert_eq!(made.status, Some(201));
    client
        .put(&format!("{group}/securityRules/Second"), &rule(311, "22"))
        .is_refused(409, "AnotherOperationInProgress");
    client.delete(&group).is_refused(409, "AnotherOperationInProgress");
    let uri = made.header("azure-asyncoperation").expect("a link").to_owned();
    let poll = uri
        .strip_prefix(&client.sandbox.origin)
        .expect("a link to the sandbox")
        .to_owned();
    assert_eq!(client.get(&poll).json()["status"], json!("InProgress"));
    client.sandbox.advance(SignedDuration::from_mins(59));
    assert_eq!(client.get(&poll).json()["status"], json!("InProgress"));
    client.advance(1);
    assert_eq!(client.get(&poll).json()["status"], json!("Succeeded"));
    let rule_now = client.get(&format!("{group}/securityRules/First")).json();
    assert_eq!(rule_now["properties"]["provisioningState"], json!("Succeeded"));
    let gone = client.delete(&format!("{group}/securityRules/First"));
    let result = gone.header("location").expect("a link").to_owned();
    let result = result
        .strip_prefix(&client.sandbox.origin)
        .expect("a link to the sandbox")
        .to_owned();
    assert_eq!(client.get(&result).status, Some(202));
    client.advance(2);
    assert_eq!(client.get(&result).status, Some(204));
}

#[test]
fn what_is_in_use_cannot_be_deleted() {
    let client = prompt();
    client
        .delete(&format!("{SHOP}/Microsoft.Network/networkSecurityGroups/nsg-shop-web"))
        .is_refused(400, "InUseNetworkSecurityGroupCannotBeDeleted");
    for (list, code) in [
        ("networkInterfaces", "NicInUse"),
        ("publicIPAddresses", "PublicIPAddressCannotBeDeleted"),
        ("virtualNetworks", "InUseSubnetCannotBeDeleted"),
        ("routeTables", "InUseRouteTableCannotBeDeleted"),
    ] {
        let rows = client.all(&format!("/subscriptions/{RETAIL}/providers/Microsoft.Network/{list}"));
        let refused = rows.iter().filter(|row| {
            let reply = client.delete(row["id"].as_str().expect("an id"));
            reply.status == Some(400) && reply.code() == code
        });
        assert!(refused.count() > 0, "{list}");
    }
}

#[test]
fn both_sides_of_a_reference_stay_true() {
    let client = prompt();
    let machines = client.all(&format!(
        "/subscriptions/{RETAIL}/providers/Microsoft.Compute/virtualMachines"
    ));
    let machine = machines[0]["id"].as_str().expect("an id").to_owned();
    let nic = machines[0]
        .pointer("/properties/networkProfile/networkInterfaces/0/id")
        .and_then(Value::as_str)
        .expect("a nic")
        .to_owned();
    client.delete(&nic).is_refused(400, "NicInUse");
    assert_eq!(client.delete(&machine).status, Some(202));
    let body = client.get(&nic).json();
    assert_eq!(body.pointer("/properties/virtualMachine"), None);
    // A new group on the interface knows the interface, and cannot go before it.
    let group = format!("{SHOP}/Microsoft.Network/networkSecurityGroups/nsg-new");
    assert_eq!(
        client.put(&group, &json!({ "location": "westeurope" })).status,
        Some(201)
    );
    let mut changed = body.clone();
    changed["properties"]["networkSecurityGroup"] = json!({ "id": group });
    assert_eq!(client.put(&nic, &changed).status, Some(200));
    let known = client.get(&group).json();
    assert_eq!(known.pointer("/properties/networkInterfaces/0/id"), Some(&json!(nic)));
    client
        .delete(&group)
        .is_refused(400, "InUseNetworkSecurityGroupCannotBeDeleted");
    assert_eq!(client.delete(&nic).status, Some(202));
    assert_eq!(client.delete(&group).status, Some(202));
    client.get(&group).is_refused(404, "ResourceNotFound");
    changed["properties"]["networkSecurityGroup"] = json!({ "id": group });
    client.put(&nic, &changed).is_refused(400, "InvalidResourceReference");
}

const POLICY: &str = "Microsoft.Security/locations/westeurope/jitNetworkAccessPolicies";

/// A machine of the shop that no policy lists, and a policy for it.
fn unguarded(client: &Client) -> (String, Value) {
    let policies = client.all(&format!(
        "/subscriptions/{RETAIL}/providers/Microsoft.Security/jitNetworkAccessPolicies"
    ));
    let text = Value::from(policies).to_string().to_lowercase();
    let machines = client.all(&format!("{SHOP}/Microsoft.Compute/virtualMachines"));
    let machine = machines
        .iter()
        .filter_map(|machine| machine["id"].as_str())
        .find(|id| !text.contains(&id.to_lowercase()))
        .expect("a machine without just-in-time access")
        .to_owned();
    let body = json!({ "kind": "Basic", "properties": { "virtualMachines": [{ "id": machine, "ports": [
        { "number": 22, "protocol": "*", "allowedSourceAddressPrefix": "203.0.113.0/24", "maxRequestAccessDuration": "PT3H" },
        { "number": 3389, "protocol": "TCP", "allowedSourceAddressPrefix": "*", "maxRequestAccessDuration": "PT1H" },
    ] }] } });
    (machine, body)
}

/// The rules of a policy named `made`.
fn made_rules(client: &Client) -> Vec<Value> {
    let groups = client.all(&format!(
        "/subscriptions/{RETAIL}/providers/Microsoft.Network/networkSecurityGroups"
    ));
    let rules = groups
        .iter()
        .flat_map(|group| group["properties"]["securityRules"].as_array().expect("rules").clone());
    rules
        .filter(|rule| {
            rule.pointer("/properties/description")
                .and_then(Value::as_str)
                .unwrap_or_default()
                .contains("policy 'made'")
        })
        .collect()
}

#[test]
fn a_policy_closes_and_a_request_opens() {
    let client = prompt();
    let (machine, body) = unguarded(&client);
    let path = format!("{SHOP}/{POLICY}/made");
    let made = client.put(&path, &body);
    assert_eq!(made.status, Some(200), "{}", made.json());
    assert_eq!(made.json()["properties"]["provisioningState"], json!("Updating"));
    assert_eq!(
        client.get(&path).json()["properties"]["provisioningState"],
        json!("Succeeded")
    );
    let rules = made_rules(&client);
    assert!(!rules.is_empty());
    for rule in &rules {
        let name = rule["name"].as_str().expect("a name");
        assert!(name.starts_with("MicrosoftDefenderForCloud-JITRule_"), "{name}");
        assert_eq!(rule["properties"]["access"], json!("Deny"));
        assert_eq!(rule["properties"]["destinationPortRanges"], json!(["22", "3389"]));
    }
    // The same policy again changes no rule.
    client.put(&path, &body);
    client.get(&path);
    let names = |rules: &[Value]| rules.iter().map(|rule| rule["name"].clone()).collect::<Vec<_>>();
    assert_eq!(names(&rules), names(&made_rules(&client)));
    let ask = |port: u64, source: &str, duration: &str| {
        json!({ "justification": "test", "virtualMachines": [{ "id": machine, "ports": [
            { "number": port, "duration": duration, "allowedSourceAddressPrefix": source },
        ] }] })
    };
    let initiate = format!("{path}/initiate");
    for refused in [
        ask(22, "198.51.100.1", "PT1H"),
        ask(22, "203.0.113.7", "PT4H"),
        ask(5985, "203.0.113.7", "PT1H"),
    ] {
        client.post(&initiate, &refused).is_refused(400, "InvalidInitiateInput");
    }
    let reply = client.post(&initiate, &ask(22, "203.0.113.7", "PT2H"));
    assert_eq!(reply.status, Some(202), "{}", reply.json());
    assert_eq!(
        reply.json().pointer("/virtualMachines/0/ports/0/status"),
        Some(&json!("Initiating"))
    );
    let allowed = |client: &Client| {
        let rules = made_rules(client);
        rules
            .into_iter()
            .filter(|rule| rule["properties"]["access"] == "Allow")
            .collect::<Vec<_>>()
    };
    let open = allowed(&client);
    assert_eq!(open.len(), rules.len());
    assert!(
        open[0]["name"]
            .as_str()
            .is_some_and(|name| name.starts_with("MicrosoftDefenderForCloud-JITRule-"))
    );
    assert!(open[0]["properties"]["priority"].as_u64() < rules[0]["properties"]["priority"].as_u64());
    // A newer request takes the place of the older.
    assert_eq!(
        client.post(&initiate, &ask(22, "203.0.113.8", "PT2H")).status,
        Some(202)
    );
    let newer = allowed(&client);
    assert_eq!(newer[0]["properties"]["sourceAddressPrefix"], json!("203.0.113.8"));
    assert_eq!(newer.len(), rules.len());
    client.advance(3);
    assert!(allowed(&client).is_empty());
    let history = client.get(&path).json()["properties"]["requests"].clone();
    let ends: Vec<&str> = (0..2)
        .filter_map(|at| {
            history
                .pointer(&format!("/{at}/virtualMachines/0/ports/0/statusReason"))?
                .as_str()
        })
        .collect();
    assert_eq!(ends, ["NewerRequestInitiated", "Expired"]);
    assert_eq!(client.delete(&path).status, Some(200));
    assert!(made_rules(&client).is_empty());
    assert_eq!(client.delete(&path).status, Some(204));
    client
        .post(&initiate, &ask(22, "203.0.113.7", "PT2H"))
        .is_refused(404, "PolicyNotFound");
    let both = json!({ "virtualMachines": [{ "id": machine, "ports": [{ "number": 22 }] }] });
    client.post(&initiate, &both).is_refused(400, "InvalidInitiateInput");
}

#[test]
fn a_put_replaces_the_machines_of_a_policy() {
    let client = prompt();
    let list = client.all(&format!(
        "/subscriptions/{RETAIL}/providers/Microsoft.Security/jitNetworkAccessPolicies"
    ));
    let policy = list
        .iter()
        .find(|policy| policy["id"].as_str().is_some_and(|id| id.contains("rg-shop-prod")))
        .expect("a policy");
    let path = policy["id"].as_str().expect("an id");
    let (machine, body) = unguarded(&client);
    let reply = client.put(path, &body);
    assert_eq!(reply.status, Some(200), "{}", reply.json());
    let now = client.get(path).json();
    assert_eq!(now.pointer("/properties/virtualMachines/0/id"), Some(&json!(machine)));
    assert_eq!(now["properties"]["virtualMachines"].as_array().map(Vec::len), Some(1));
    // The history stays.
    let before = policy
        .pointer("/properties/requests")
        .cloned()
        .unwrap_or_else(|| json!([]));
    assert_eq!(now["properties"]["requests"], before);
}

#[test]
fn policies_are_checked() {
    let client = prompt();
    let (machine, body) = unguarded(&client);
    let path = format!("{SHOP}/{POLICY}/made");
    let with = |member: &str, value: Value| {
        let mut body = body.clone();
        body["properties"]["virtualMachines"][0]["ports"][0][member] = value;
        body
    };
    client
        .put(&path, &with("number", json!(70000)))
        .is_refused(400, "InvalidInput");
    client
        .put(&path, &with("protocol", json!("")))
        .is_refused(500, "InternalServerError");
    client
        .put(&path, &with("maxRequestAccessDuration", json!("PT4M")))
        .is_refused(400, "InvalidInput");
    client
        .put(&path, &with("allowedSourceAddressPrefixes", json!(["10.0.0.0/8"])))
        .is_refused(400, "InvalidInput");
    let long = format!("{SHOP}/{POLICY}/{}", "p".repeat(56));
    client.put(&long, &body).is_refused(400, "InvalidInput");
    let spaced = format!("{SHOP}/Microsoft.Security/locations/West Europe/jitNetworkAccessPolicies/made");
    client.put(&spaced, &body).is_refused(400, "BadRequest");
    let mut nobody = body.clone();
    nobody["properties"]["virtualMachines"][0]["id"] = json!(format!("{machine}-nobody"));
    client.put(&path, &nobody).is_refused(404, "ResourceNotFound");
}

#[test]
fn assessments_follow_after_a_while() {
    let client = prompt();
    let (machine, body) = unguarded(&client);
    let path = format!("{machine}/providers/Microsoft.Security/assessments/805651bc-6ecd-4c73-9b55-97a19d0582d0");
    let before = client.get(&path).json();
    assert_ne!(before.pointer("/properties/status/cause"), Some(&json!("JitIsEnabled")));
    client.put(&format!("{SHOP}/{POLICY}/made"), &body);
    assert_eq!(client.get(&path).json(), before);
    client.advance(1);
    let after = client.get(&path).json();
    assert_eq!(after.pointer("/properties/status/code"), Some(&json!("Healthy")));
    assert_eq!(after.pointer("/properties/status/cause"), Some(&json!("JitIsEnabled")));
}

#[test]
fn writes_are_in_the_activity_log() {
    let client = prompt();
    let group = format!("{SHOP}/Microsoft.Network/networkSecurityGroups/nsg-shop-web");
    client.put(&format!("{group}/securityRules/Logged"), &rule(310, "22"));
    client.put(&format!("{group}/securityRules/Refused"), &rule(99, "22"));
    let log = format!("/subscriptions/{RETAIL}/providers/Microsoft.Insights/eventtypes/management/values");
    let events = client.all(&format!(
        "{log}?$filter=eventTimestamp ge '2020-01-01T00:00:00Z' and resourceGroupName eq 'rg-shop-prod'"
    ));
    assert_eq!(events.len(), 2);
    assert_eq!(
        events[1]["operationName"]["value"],
        json!("Microsoft.Network/networkSecurityGroups/securityRules/write")
    );
    assert_eq!(
        (
            events[1]["status"]["value"].as_str(),
            events[0]["status"]["value"].as_str()
        ),
        (Some("Succeeded"), Some("Failed"))
    );
    client.get(&log).is_refused(400, "BadRequest");
    client
        .get(&format!("{log}?$filter=colour eq 'red'"))
        .is_refused(400, "BadRequest");
}

#[test]
fn a_refused_subscription_is_refused_here_too() {
    let mut store = Store::default();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/contoso-refused/estate.jsonl");
    load(&mut store, "refused", File::open(path).expect("the example is there")).expect("the example is an estate");
    store.settle();
    let refused = store.refused.clone();
    assert!(!refused.is_empty());
    let mut client = Client {
        sandbox: Sandbox::start(store, Options::default()).expect("the sandbox starts"),
        token: String::new(),
    };
    client.log_in();
    for gap in refused {
        let list = if gap.resource_type == "*" {
            "microsoft.network/networksecuritygroups"
        } else {
            &gap.resource_type
        };
        let (namespace, name) = list.split_once('/').expect("a type");
        let name = name.rsplit('/').next().expect("a name");
        client
            .get(&format!(
                "/subscriptions/{}/providers/{namespace}/{name}",
                gap.subscription
            ))
            .is_refused(403, "AuthorizationFailed");
    }
}

#[test]
fn every_fault_shows() {
    let mut client = Client::new(Options {
        page_size: 5,
        ..Options::default()
    });
    let list = format!("/subscriptions/{RETAIL}/providers/Microsoft.Network/networkInterfaces");
    let right = client.get(&list).json();
    // No list is a long operation.
    for kind in FAULTS.iter().filter(|kind| kind.name != "foreign-location") {
        client.sandbox.inject(vec![Fault::at_call(kind, 1)]);
        let reply = client.get(&list);
        let is_right = reply.status == Some(200) && reply.whole && reply.json() == right;
        match kind.name {
            "slow" => assert!(is_right),
            "content-type" => assert!(is_right && reply.header("content-type") == Some("text/plain")),
            _ => assert!(!is_right, "{}: {reply:?}", kind.name),
        }
        if ["expired-token", "rotate-token"].contains(&kind.name) {
            assert_eq!(reply.status, Some(401));
            client.log_in();
        }
        assert_eq!(client.sandbox.met(), 1, "{}", kind.name);
        // The next call is answered as ever.
        assert_eq!(client.get(&list).json(), right, "{}", kind.name);
    }
}

#[test]
fn pages_go_wrong_in_their_ways() {
    let client = Client::new(Options {
        page_size: 5,
        ..Options::default()
    });
    let list = format!("/subscriptions/{RETAIL}/providers/Microsoft.Network/networkInterfaces");
    let right = client.all(&list);
    let with = |name: &str, call: u64| {
        let kind = FAULTS.iter().find(|kind| kind.name == name).expect("a fault");
        client.sandbox.inject(vec![Fault::at_call(kind, call)]);
        client.all(&list)
    };
    assert_eq!(with("empty-page", 2), right);
    assert_eq!(with("repeat-page", 2).len(), right.len() + 5);
    assert_eq!(with("shifting-page", 1).len(), right.len() + 1);
    let query = "Resources | project id | order by id asc";
    client.sandbox.inject(vec!["shifting-page".parse().expect("a fault")]);
    let mut options = json!({ "$top": 50 });
    let (mut rows, mut total) = (0, 0);
    while let Some(body) = Some(client.graph(query, &options).json()) {
        rows += body["count"].as_u64().expect("a count");
        total = body["totalRecords"].as_u64().expect("a total");
        match body["$skipToken"].as_str() {
            Some(token) => options["$skipToken"] = json!(token),
            None => break,
        }
    }
    assert_eq!(rows + 1, total);
}

#[test]
fn a_lost_reply_loses_no_write() {
    let client = prompt();
    let path = format!("{SHOP}/Microsoft.Network/networkSecurityGroups/nsg-shop-web/securityRules/Lost");
    client
        .sandbox
        .inject(vec!["drop-reply@method=put".parse().expect("a fault")]);
    assert_eq!(client.put(&path, &rule(310, "22")).status, None);
    assert_eq!(client.get(&path).status, Some(200));
    client
        .sandbox
        .inject(vec!["reset@method=delete".parse().expect("a fault")]);
    assert_eq!(client.delete(&path).status, None);
    assert_eq!(client.get(&path).status, Some(200));
}

#[test]
fn withheld_types_are_left_out_of_resource_graph() {
    let client = prompt();
    let query = "Resources | where type =~ 'Microsoft.Network/networkSecurityGroups' | count";
    let all = client.graph(query, &json!({})).json()["data"][0]["Count"].clone();
    client.sandbox.inject(vec![
        format!("403@type=networkSecurityGroups,subscription={RETAIL}")
            .parse()
            .expect("a fault"),
    ]);
    let fewer = client.graph(query, &json!({})).json()["data"][0]["Count"].clone();
    assert!(fewer.as_u64() < all.as_u64());
    let path =
        |subscription: &str| format!("/subscriptions/{subscription}/providers/Microsoft.Network/networkSecurityGroups");
    client.get(&path(RETAIL)).is_refused(403, "AuthorizationFailed");
    assert_eq!(client.get(&path(PLATFORM)).status, Some(200));
}

#[test]
fn the_clock_and_the_faults_are_set_over_http() {
    let client = prompt();
    let now = |client: &Client| {
        client.get("/_sandbox/status").json()["now"]
            .as_str()
            .expect("a time")
            .to_owned()
    };
    let before = now(&client);
    client.post("/_sandbox/clock", &json!({ "advance": "PT48H" }));
    assert!(now(&client) > before);
    assert_eq!(
        client.post("/_sandbox/clock", &json!({ "advance": "soon" })).status,
        Some(400)
    );
    let set = client.put("/_sandbox/faults", &json!({ "faults": ["500@path=subscriptions"] }));
    assert_eq!(set.status, Some(200));
    assert_eq!(
        client
            .put("/_sandbox/faults", &json!({ "faults": ["nonsense"] }))
            .status,
        Some(400)
    );
    assert_eq!(client.get("/subscriptions?api-version=2022-12-01").status, Some(500));
    assert_eq!(client.delete("/_sandbox/faults").status, Some(200));
    let calls = client.get("/_sandbox/calls").json();
    assert!(
        !calls.to_string().contains(&client.token),
        "the log must not show tokens"
    );
}

#[test]
fn limits_are_enforced_when_asked() {
    let client = Client::new(Options {
        limits: true,
        ..Options::default()
    });
    let query = |client: &Client| client.graph("Resources | count", &json!({}));
    let statuses: Vec<Option<u16>> = (0..20).map(|_| query(&client).status).collect();
    assert_eq!(
        statuses.iter().filter(|status| **status == Some(200)).count(),
        15,
        "{statuses:?}"
    );
    let refused = query(&client);
    assert_eq!(refused.header("x-ms-user-quota-remaining"), Some("0"));
    assert!(refused.header("retry-after").is_some());
}

#[test]
fn writers_beside_one_another_lose_nothing() {
    let client = prompt();
    let group = format!("{SHOP}/Microsoft.Network/networkSecurityGroups/nsg-shop-web");
    let before = client.all(&format!("{group}/securityRules")).len();
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let (client, group) = (&client, &group);
            scope.spawn(move || {
                for at in 0..10 {
                    let priority = 2000 + writer * 10 + at;
                    let path = format!("{group}/securityRules/w{priority}");
                    let mut tries = 0;
                    while client.put(&path, &rule(priority, "8080")).status != Some(201) {
                        tries += 1;
                        assert!(tries < 50);
                    }
                }
            });
        }
    });
    assert_eq!(client.all(&format!("{group}/securityRules")).len(), before + 40);
}

#[test]
fn nothing_sent_ends_the_sandbox() {
    let client = prompt();
    let header = format!("Authorization: Bearer {}", client.token);
    let group = format!("{SHOP}/Microsoft.Network/networkSecurityGroups/nsg-shop-web?api-version=2024-05-01");
    for body in [
        "",
        "null",
        "[]",
        "{",
        "{\"properties\":[]}",
        "{\"properties\":{\"securityRules\":{}},\"location\":\"westeurope\"}",
        "\u{0}",
    ] {
        let reply = client.raw("PUT", &group, &[&header], body.as_bytes());
        assert!(reply.status.is_some(), "{body}");
    }
    for path in [
        "//////?api-version=2024-05-01",
        "/%ff%fe/%00?api-version=2024-05-01",
        "/subscriptions/%2e%2e/providers?api-version=2024-05-01",
        "/subscriptions/s/providers/a/b/c/d/e/f?api-version=2024-05-01&$skiptoken=%zz",
    ] {
        for method in ["GET", "PUT", "DELETE", "POST", "PATCH", "HEAD"] {
            assert!(
                client.raw(method, path, &[&header], b"{}").status.is_some(),
                "{method} {path}"
            );
        }
    }
    let long = format!("{{\"query\":\"{}\"}}", "a".repeat(17 << 20));
    let reply = client.raw(
        "POST",
        "/providers/Microsoft.ResourceGraph/resources?api-version=2022-10-01",
        &[&header],
        long.as_bytes(),
    );
    assert!(reply.status.is_none_or(|status| status >= 400));
    assert_eq!(client.get("/subscriptions").status, Some(200));
}

#[test]
fn locks_hold_for_what_is_below() {
    let client = prompt();
    let group = format!("{SHOP}/Microsoft.Network/networkSecurityGroups/nsg-shop-web");
    let lock =
        format!("/subscriptions/{RETAIL}/resourceGroups/rg-shop-prod/providers/Microsoft.Authorization/locks/hold");
    let path = format!("{group}/securityRules/Locked");
    assert_eq!(client.put(&path, &rule(310, "22")).status, Some(201));
    client.put(&lock, &json!({ "properties": { "level": "CanNotDelete" } }));
    client.delete(&path).is_refused(409, "ScopeLocked");
    assert_eq!(client.put(&path, &rule(311, "22")).status, Some(200));
    client.put(&lock, &json!({ "properties": { "level": "ReadOnly" } }));
    client.put(&path, &rule(312, "22")).is_refused(409, "ScopeLocked");
    let listed = client.all(&format!(
        "/subscriptions/{RETAIL}/providers/Microsoft.Authorization/locks"
    ));
    assert_eq!(listed.len(), 1);
    assert_eq!(client.delete(&lock).status, Some(200));
    assert_eq!(client.delete(&path).status, Some(202));
}

#[test]
fn bodies_are_checked_for_form() {
    let client = prompt();
    let group = format!("{SHOP}/Microsoft.Network/networkSecurityGroups/nsg-form");
    let with = |properties: Value| json!({ "location": "westeurope", "properties": properties });
    for (body, code) in [
        (json!([]), "InvalidRequestContent"),
        (with(json!([])), "InvalidRequestContent"),
        (with(json!({ "securityRules": {} })), "InvalidRequestContent"),
        (with(json!({ "securityRules": [{}] })), "InvalidResourceName"),
        (
            with(json!({ "securityRules": [{ "name": "a b" }] })),
            "InvalidResourceName",
        ),
        (
            with(json!({ "securityRules": [{ "name": "a" }, { "name": "A" }] })),
            "DuplicateResourceName",
        ),
        (json!({ "properties": {} }), "LocationRequired"),
    ] {
        client.put(&group, &body).is_refused(400, code);
    }
    assert_eq!(client.put(&group, &with(json!({}))).status, Some(201));
    let moved = json!({ "location": "northeurope", "properties": {} });
    client.put(&group, &moved).is_refused(409, "InvalidResourceLocation");
    assert_eq!(client.call_with("HEAD", &group, &[], None).status, Some(204));
}

#[test]
fn a_reader_only_reads() {
    let client = Client::new(Options {
        roles: vec!["Reader".to_owned()],
        faults: vec!["403@type=publicIPAddresses".parse().expect("a fault")],
        ..Options::default()
    });
    let group = format!("{SHOP}/Microsoft.Network/networkSecurityGroups/nsg-shop-web");
    assert_eq!(client.get(&group).status, Some(200));
    let refused = client.put(&format!("{group}/securityRules/x"), &rule(310, "22"));
    refused.is_refused(403, "AuthorizationFailed");
    assert!(
        refused
            .json()
            .to_string()
            .contains("Microsoft.Network/networkSecurityGroups/securityRules/write")
    );
    client.delete(&group).is_refused(403, "AuthorizationFailed");
    let path = format!("/subscriptions/{RETAIL}/providers/Microsoft.Authorization/permissions");
    let allowed = client.get(&path).json();
    assert_eq!(allowed.pointer("/value/0/actions"), Some(&json!(["*/read"])));
    assert_eq!(
        allowed.pointer("/value/0/notActions"),
        Some(&json!(["Microsoft.Network/publicIPAddresses/*"]))
    );
}

#[test]
fn plans_are_inherited_and_changed() {
    let client = prompt();
    let machines = client.all(&format!("{SHOP}/Microsoft.Compute/virtualMachines"));
    let machine = machines[0]["id"].as_str().expect("an id");
    let plans = format!("{machine}/providers/Microsoft.Security/pricings");
    let inherited = client.get(&plans).json();
    assert_eq!(inherited.pointer("/value/0/properties/inherited"), Some(&json!("True")));
    let own = json!({ "properties": { "pricingTier": "Standard", "subPlan": "P1" } });
    assert_eq!(client.put(&format!("{plans}/VirtualMachines"), &own).status, Some(201));
    let now = client.get(&format!("{plans}/VirtualMachines")).json();
    assert_eq!(now.pointer("/properties/subPlan"), Some(&json!("P1")));
    // Plan 1 does not carry just-in-time access.
    let ports = json!([{ "number": 22, "protocol": "*", "allowedSourceAddressPrefix": "*", "maxRequestAccessDuration": "PT3H" }]);
    let policy = json!({ "kind": "Basic", "properties": { "virtualMachines": [{ "id": machine, "ports": ports }] } });
    client
        .put(&format!("{SHOP}/{POLICY}/made"), &policy)
        .is_refused(403, "PricingTierUpgradeRequired");
    let wrong = json!({ "properties": { "pricingTier": "Gold" } });
    client
        .put(&format!("{plans}/VirtualMachines"), &wrong)
        .is_refused(400, "InvalidInputJson");
    let subscription = format!("/subscriptions/{RETAIL}/providers/Microsoft.Security/pricings");
    let filtered = client
        .get(&format!("{subscription}?$filter=name in (VirtualMachines)"))
        .json();
    assert_eq!(filtered["value"].as_array().map(Vec::len), Some(1));
}
