//! The command `trace`: what it says of the example estate and of small ones, where it points, how it ends.
#![expect(clippy::unwrap_used, clippy::panic, reason = "what is missing fails the test")]

mod estate;

use std::fs::File;
use std::path::Path;

use assert_cmd::Command;
use estate::*;
use portcullis::input::{Given, Reading};
use portcullis::net::Protocol;
use portcullis::report::trace as page;
use portcullis::trace::{
    Answer, Asked, From, HopEffect, HopKind, NotFound, PortAnswer, Request, Status, Way, answer, find, json_schema,
};
use serde_json::{Value, json};

fn contoso() -> Reading {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/contoso/estate.jsonl");
    let mut reading = Reading::default();
    reading.read("examples/contoso/estate.jsonl", Given::Named, File::open(path).unwrap());
    reading.finish();
    reading
}

fn ask(reading: &Reading, from: &str, to: &str, ports: &[u16]) -> Answer {
    let found = find(&reading.inventory, to).unwrap_or_else(|error| panic!("{to}: {error:?}"));
    let sender = From::parse(from).unwrap();
    let asked = Asked {
        from: from.into(),
        to: to.into(),
        protocol: "tcp".into(),
        from_port: None,
    };
    let request = Request {
        from: &sender,
        asked,
        source_port: None,
        protocol: Protocol::Tcp,
        ports,
    };
    answer(&reading.inventory, &reading.sources, found, request)
}

fn one(reading: &Reading, from: &str, to: &str, port: u16) -> PortAnswer {
    ask(reading, from, to, &[port]).ports.remove(0)
}

/// Sender, machine, port, status, the sentence.
const SAID: &[(&str, &str, u16, Status, &str)] = &[
    (
        "203.0.113.9",
        "vm-shop-web-01",
        22,
        Status::Open,
        "tcp port 22 of `vm-shop-web-01` is open to 203.0.113.9 through load balancer rule `web-01-ssh` and \
         `nsg-shop-web/AllowSshFromOffices`",
    ),
    (
        "8.8.8.8",
        "vm-shop-web-01",
        22,
        Status::Closed,
        "tcp port 22 of `vm-shop-web-01` is closed to 8.8.8.8 by `nsg-shop-web/DenyAllInBound`",
    ),
    (
        "203.0.113.9",
        "vm-shop-web-02",
        22,
        Status::Open,
        "tcp port 22 of `vm-shop-web-02` is open to 203.0.113.9 through NAT rule `nat-published/shop-web-02-ssh` and \
         `nsg-shop-web/AllowVnetInBound`",
    ),
    (
        "8.8.8.8",
        "vm-shop-web-02",
        22,
        Status::Closed,
        "tcp port 22 of `vm-shop-web-02` is closed to 8.8.8.8: 8.8.8.8 is not among the sources of the NAT rule",
    ),
    (
        "203.0.113.9",
        "vm-shop-app-03",
        22,
        Status::NoReturnPath,
        "tcp port 22 of `vm-shop-app-03` gives no session to 203.0.113.9: admitted through \
         `nsg-shop-app/AllowVnetInBound`, but the answer leaves by route `default-to-hub-firewall`: no session",
    ),
    (
        "203.0.113.25",
        "vm-jump-win-01",
        22,
        Status::Closed,
        "tcp port 22 of `vm-jump-win-01` is closed to 203.0.113.25 by \
         `nsg-jump/MicrosoftDefenderForCloud-JITRule_268186501_FFC338555DA554D8C580D4C7545E4F13`",
    ),
    (
        "203.0.113.9",
        "vm-pay-hsm-01",
        22,
        Status::Undetermined,
        "tcp port 22 of `vm-pay-hsm-01` may be open to 203.0.113.9: network security group `nsg-pay-hsm` is not in the \
         input",
    ),
    (
        "203.0.113.9",
        "vm-shop-bi-01",
        3389,
        Status::Closed,
        "tcp port 3389 of `vm-shop-bi-01` is closed to 203.0.113.9: no network security group, and a Standard public \
         side stays closed until one allows",
    ),
    (
        "203.0.113.9",
        "vm-lab-02",
        22,
        Status::Open,
        "tcp port 22 of `vm-lab-02` is open to 203.0.113.9: no network security group filters the machine",
    ),
    (
        "10.200.0.5",
        "vm-sql-01",
        22,
        Status::Closed,
        "tcp port 22 of `vm-sql-01` is closed to 10.200.0.5 by `nsg-sql/DenyAllInBound`",
    ),
    (
        "internet",
        "vm-pay-batch-01",
        22,
        Status::Closed,
        "tcp port 22 of `vm-pay-batch-01` is closed to every public address by `nsg-pay-batch/DenyManagement`",
    ),
    (
        "internet",
        "vm-ingest-01",
        22,
        Status::Open,
        "tcp port 22 of `vm-ingest-01` is open to some public address through `nsg-ingest/AllowSftp`",
    ),
    (
        "internet",
        "vm-shop-app-01",
        22,
        Status::Closed,
        "tcp port 22 of `vm-shop-app-01` is closed to every public address: the machine has no public address for it, \
         and no load balancer or firewall in the input leads to this port",
    ),
    (
        "AzureCloud",
        "vm-pay-gw-01",
        22,
        Status::Open,
        "tcp port 22 of `vm-pay-gw-01` is open to some address of `AzureCloud` through \
         `nsg-pay-gw/AllowSshFromBuildAgents`",
    ),
    (
        "203.0.113.9",
        "vm-pay-gw-01",
        22,
        Status::Undetermined,
        "tcp port 22 of `vm-pay-gw-01` may be open to 203.0.113.9 through `nsg-pay-gw/AllowSshFromBuildAgents`: the \
         addresses of service tag `AzureCloud.WestEurope` are not in the input",
    ),
    (
        "8.8.8.8",
        "legacyfiles",
        3389,
        Status::Undetermined,
        "tcp port 3389 of `legacyfiles` may be open to 8.8.8.8: endpoints of classic machines are not read",
    ),
];

#[test]
fn the_sentence_names_what_decides() {
    let reading = contoso();
    for (from, to, port, status, sentence) in SAID {
        let found = one(&reading, from, to, *port);
        assert_eq!((found.status, found.sentence.as_str()), (*status, *sentence));
    }
}

/// Sender, machine, port, kind of hop, rule, line and column in the file.
const WRITTEN: &[(&str, &str, u16, HopKind, &str, u32)] = &[
    (
        "203.0.113.9",
        "vm-shop-web-01",
        22,
        HopKind::LoadBalancer,
        "web-01-ssh",
        149,
    ),
    (
        "203.0.113.9",
        "vm-shop-web-01",
        22,
        HopKind::SubnetNsg,
        "AllowSshFromOffices",
        95,
    ),
    (
        "203.0.113.9",
        "vm-shop-web-02",
        22,
        HopKind::Firewall,
        "nat-published/shop-web-02-ssh",
        151,
    ),
    (
        "203.0.113.9",
        "vm-shop-app-03",
        22,
        HopKind::Route,
        "default-to-hub-firewall",
        147,
    ),
    ("internet", "vm-ingest-01", 22, HopKind::Route, "partner-direct", 148),
    (
        "internet",
        "vm-lab-03",
        22,
        HopKind::NicNsg,
        "AllowSshBySourcePort",
        108,
    ),
    (
        "internet",
        "vm-pay-batch-01",
        22,
        HopKind::SubnetNsg,
        "DenyManagement",
        99,
    ),
];

#[test]
fn a_hop_points_to_where_its_rule_is_written() {
    let reading = contoso();
    for (from, to, port, kind, rule, line) in WRITTEN {
        let found = one(&reading, from, to, *port);
        let hops = found.traces.iter().flat_map(|trace| &trace.hops);
        let hop = hops
            .into_iter()
            .find(|hop| hop.kind == *kind && hop.rule.as_deref() == Some(*rule));
        let place = hop.unwrap_or_else(|| panic!("{found:#?}")).location.as_ref().unwrap();
        assert_eq!((&*place.file, place.line), ("examples/contoso/estate.jsonl", *line));
        let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(&*place.file)).unwrap();
        let named = text
            .lines()
            .nth(*line as usize - 1)
            .unwrap()
            .chars()
            .skip(place.column as usize - 1);
        let stated: String = named.take((place.end_column - place.column) as usize).collect();
        assert!(stated.contains(rule.rsplit('/').next().unwrap()), "{stated}");
    }
}

/// Machines whose finding is the text of a rule that lets nobody in.
const ONLY_WORDS: &[&str] = &["vm-pay-batch-01"];

#[test]
fn every_unhealthy_machine_is_explained() {
    let reading = contoso();
    let readme =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/contoso/README.md")).unwrap();
    let rows = readme
        .lines()
        .take_while(|line| !line.starts_with("## contoso-refused"));
    let cells = rows.filter_map(|row| {
        row.split('|')
            .map(str::trim)
            .collect::<Vec<_>>()
            .get(1..3)
            .map(|c| [c[0].to_owned(), c[1].to_owned()])
    });
    let unhealthy = cells.filter(|[_, verdict]| verdict == "U").flat_map(|[names, _]| {
        let whole: Vec<String> = names.split('`').skip(1).step_by(2).map(str::to_owned).collect();
        let short = |name: &String| match (name.strip_prefix('-'), whole.first()) {
            (Some(number), Some(first)) => first
                .rsplit_once('-')
                .map(|(stem, _)| format!("{stem}-{number}"))
                .unwrap(),
            _ => name.clone(),
        };
        whole.iter().map(short).collect::<Vec<_>>()
    });
    let mut explained = 0;
    for name in unhealthy {
        let open = ["internet", "vnet"]
            .iter()
            .flat_map(|from| ask(&reading, from, &name, &PORTS).ports);
        let mut traces = open
            .filter(|port| port.status == Status::Open)
            .flat_map(|port| port.traces);
        let through = |kind| matches!(kind, HopKind::SubnetNsg | HopKind::NicNsg);
        let named = traces.any(|trace| {
            let mut hops = trace.hops.iter();
            let decided =
                |hop: &portcullis::trace::Hop| through(hop.kind) && hop.rule.is_some() || hop.kind == HopKind::Platform;
            trace.status == Status::Open && hops.any(|hop| hop.effect == HopEffect::Passes && decided(hop))
        });
        assert!(named || ONLY_WORDS.contains(&name.as_str()), "{name}");
        explained += 1;
    }
    assert!(explained > 18, "{explained}");
}

#[test]
fn each_way_is_traced_and_the_most_open_one_is_the_answer() {
    let reading = contoso();
    let found = one(&reading, "203.0.113.9", "vm-lab-04", 3389);
    let ways: Vec<_> = found
        .traces
        .iter()
        .map(|trace| (trace.way, trace.target.as_str(), trace.status))
        .collect();
    assert_eq!(
        ways,
        [
            (Way::PublicIp, "nic-lab-04/ipconfig1", Status::Closed),
            (Way::PublicIp, "nic-lab-04/ipconfig2", Status::Open)
        ]
    );
    // An address means that address alone.
    assert_eq!(one(&reading, "203.0.113.9", "10.50.4.20", 3389).status, Status::Closed);
    assert_eq!(one(&reading, "203.0.113.9", "192.0.2.78", 3389).status, Status::Open);
    // A private sender takes private paths only, and another family none.
    let private = one(&reading, "10.50.4.5", "vm-lab-04", 3389);
    assert!(private.traces.iter().all(|trace| trace.way == Way::Private));
    assert!(
        one(&reading, "2001:db8::1", "vm-lab-04", 3389)
            .sentence
            .ends_with("the machine has no IPv6 address")
    );
}

#[test]
fn the_port_outside_is_said() {
    let reading = contoso();
    let name = |from, to, port| one(&reading, from, to, port).traces[0].hops[1].name.clone();
    assert_eq!(name("203.0.113.9", "vm-shop-web-01", 22), "192.0.2.30:50001");
    assert_eq!(name("203.0.113.9", "vm-shop-web-02", 22), "192.0.2.10:52022");
    assert_eq!(name("internet", "vmss-ci_4f1d29ab", 22), "192.0.2.80:50000-50119");
}

#[test]
fn a_source_port_that_is_given_is_kept_and_one_that_is_not_is_chosen() {
    let tricky = with(rule("ssh", 100, "Allow", "*", "22"), "sourcePortRange", json!("22"));
    let reading = Estate::new().public().subnet_nsg(vec![tricky]).read();
    let chosen = one(&reading, "8.8.8.8", "vm", 22);
    assert_eq!((chosen.status, chosen.traces[0].source_port), (Status::Open, 22));
    assert!(
        chosen.traces[0].hops[0]
            .sentence
            .contains("other source ports do not get as far")
    );
    let found = find(&reading.inventory, "vm").unwrap();
    let from = From::parse("8.8.8.8").unwrap();
    let asked = Asked {
        from: "8.8.8.8".into(),
        to: "vm".into(),
        protocol: "tcp".into(),
        from_port: Some(5000),
    };
    let request = Request {
        from: &from,
        asked,
        source_port: Some(5000),
        protocol: Protocol::Tcp,
        ports: &[22],
    };
    assert_eq!(
        answer(&reading.inventory, &reading.sources, found, request).status,
        Status::Closed
    );
}

#[test]
fn what_nobody_said_is_named() {
    let unread = |field: &str| {
        let rules = vec![
            with(rule("ssh", 100, "Deny", "Internet", "22"), field, json!({ "?": 1 })),
            rule("all", 200, "Allow", "*", "22"),
        ];
        one(&Estate::new().public().nic_nsg(rules).read(), "8.8.8.8", "vm", 22)
    };
    for field in [
        "priority",
        "access",
        "direction",
        "protocol",
        "sourceAddressPrefix",
        "destinationPortRange",
    ] {
        let found = unread(field);
        assert_eq!(found.status, Status::Undetermined, "{field}");
        assert!(
            found.sentence.contains("may be open to 8.8.8.8 through `nic/ssh`: "),
            "{}",
            found.sentence
        );
    }
    let balancers = Estate::new()
        .subnet_nsg(vec![rule("ssh", 100, "Allow", "*", "22")])
        .configure(
            "loadBalancerBackendAddressPools",
            json!([{ "id": id("Microsoft.Network/loadBalancers", "lost") + "/backendAddressPools/p" }]),
        );
    let found = one(&balancers.read(), "8.8.8.8", "vm", 22);
    assert_eq!(found.status, Status::Undetermined);
    assert!(
        found.sentence.contains("load balancer `lost` is not in the input"),
        "{}",
        found.sentence
    );
}

#[test]
fn admin_rules_may_deny_or_deliver() {
    let collection = id("Microsoft.Network/networkManagers", "m") + "/securityAdminConfigurations/c/ruleCollections/rc";
    let with_rule = |estate: Estate, access: &str| {
        estate.add(
            json!({ "id": format!("{collection}/rules/mgmt"), "kind": "Custom", "properties": {
            "protocol": "Tcp", "access": access, "priority": 10, "direction": "Inbound",
            "sources": [{ "addressPrefixType": "IPPrefix", "addressPrefix": "203.0.113.0/24" }],
            "destinations": [{ "addressPrefixType": "IPPrefix", "addressPrefix": "*" }],
            "sourcePortRanges": ["0-65535"], "destinationPortRanges": ["22"] } }),
        )
    };
    let open = || {
        Estate::new()
            .public()
            .subnet_nsg(vec![rule("ssh", 100, "Allow", "*", "22")])
    };
    let shut = || Estate::new().public().subnet_nsg(vec![]);
    let status = |estate: Estate, from| one(&estate.read(), from, "vm", 22).status;
    assert_eq!(status(with_rule(open(), "Deny"), "203.0.113.9"), Status::Undetermined);
    assert_eq!(status(with_rule(open(), "Deny"), "8.8.8.8"), Status::Open);
    assert_eq!(
        status(with_rule(shut(), "AlwaysAllow"), "203.0.113.9"),
        Status::Undetermined
    );
    assert_eq!(status(with_rule(shut(), "AlwaysAllow"), "8.8.8.8"), Status::Closed);
}

#[test]
fn deployed_admin_rules_are_named_as_what_decides() {
    let manager = id("Microsoft.Network/networkManagers", "m");
    let configuration = manager.clone() + "/securityAdminConfigurations/c";
    let group = manager.clone() + "/networkGroups/all";
    let network = id("Microsoft.Network/virtualNetworks", "vnet");
    let ruled = |group_rule: &str, access: &str| {
        let estate = Estate::new()
            .public()
            .subnet_nsg(vec![rule("ssh", 100, group_rule, "*", "22")])
            .add(
                json!({ "id": configuration.clone() + "/ruleCollections/rc", "properties": {
                "appliesToGroups": [{ "networkGroupId": group }] } }),
            )
            .add(json!({ "id": group.clone() + "/staticMembers/s", "properties": { "resourceId": network } }))
            .add(
                json!({ "id": manager.clone() + "/listDeploymentStatus", "value": [{ "region": "westeurope",
                "deploymentStatus": "Deployed", "deploymentType": "SecurityAdmin",
                "configurationIds": [configuration] }] }),
            )
            .add(
                json!({ "id": configuration.clone() + "/ruleCollections/rc/rules/mgmt", "kind": "Custom",
                "properties": { "protocol": "Tcp", "access": access, "priority": 10, "direction": "Inbound",
                "sources": [{ "addressPrefixType": "IPPrefix", "addressPrefix": "203.0.113.0/24" }],
                "destinations": [{ "addressPrefixType": "IPPrefix", "addressPrefix": "*" }],
                "sourcePortRanges": ["0-65535"], "destinationPortRanges": ["22"] } }),
            );
        one(&estate.read(), "203.0.113.9", "vm", 22)
    };
    let said = |group_rule, access| ruled(group_rule, access).sentence;
    let (denied, delivered) = (ruled("Allow", "Deny"), ruled("Deny", "AlwaysAllow"));
    assert_eq!((denied.status, delivered.status), (Status::Closed, Status::Open));
    assert!(
        denied.sentence.ends_with("by security admin rule `mgmt`"),
        "{}",
        denied.sentence
    );
    assert!(
        delivered.sentence.ends_with("through security admin rule `mgmt`"),
        "{}",
        delivered.sentence
    );
    assert!(said("Allow", "Allow").ends_with("through security admin rule `mgmt` and `sub/ssh`"));
    assert!(said("Deny", "Allow").ends_with("by `sub/ssh`"));
}

#[test]
fn the_flags_of_scan_mean_the_same() {
    let directory = std::env::temp_dir().join(format!("portcullis-trace-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let write = |name: &str, value: &Value| {
        let path = directory.join(name);
        std::fs::write(&path, value.to_string()).unwrap();
        path
    };
    let rules = vec![rule("tag", 100, "Allow", "Storage", "22")];
    let estate = write(
        "estate.json",
        &Value::Array(Estate::new().public().subnet_nsg(rules).resources()),
    );
    let tags = write(
        "tags.json",
        &json!({ "changeNumber": 300, "cloud": "Public", "values": [{ "name": "Storage", "id": "Storage",
            "properties": { "changeNumber": 1, "region": "", "platform": "Azure", "systemService": "",
            "addressPrefixes": ["20.1.0.0/24"] } }] }),
    );
    let status = |from: &str, flags: &[&str]| {
        let mut command = Command::cargo_bin("portcullis").unwrap();
        let command = command
            .args(["trace", "--to", "vm", "--port", "22", "--from", from])
            .arg(&estate);
        command.args(flags).output().unwrap().status.code()
    };
    let list = ["--service-tags", tags.to_str().unwrap()];
    assert_eq!(status("20.1.0.9", &[]), Some(3));
    assert_eq!(status("20.1.0.9", &list), Some(1));
    assert_eq!(status("20.2.0.9", &list), Some(0));
    assert_eq!(status("Storage", &list), Some(1));
    assert_eq!(status("20.2.0.9", &["--assume", "zero-prefix=never"]), Some(2));
    assert_eq!(
        status("20.2.0.9", &["--service-tags", estate.to_str().unwrap()]),
        Some(2)
    );
    // What the configuration beside the input says holds for both, too.
    std::fs::write(directory.join("portcullis.yaml"), "service_tags: [tags.json]\n").unwrap();
    assert_eq!(status("20.1.0.9", &[]), Some(1));
    std::fs::remove_dir_all(&directory).unwrap();
}

#[test]
fn machines_are_found_by_name_id_and_address() {
    let reading = contoso();
    let inventory = &reading.inventory;
    let id = find(inventory, "VM-SQL-01").unwrap().vm.id.to_string();
    assert_eq!(find(inventory, &id.to_uppercase()).unwrap().vm.id.name(), "vm-sql-01");
    assert_eq!(find(inventory, "192.0.2.22").unwrap().vm.id.name(), "vm-jump-win-02");
    assert_eq!(find(inventory, "vm-sql-99").err(), Some(NotFound::Unknown));
}

// ---- the command

fn portcullis(arguments: &[&str]) -> Command {
    let mut command = Command::cargo_bin("portcullis").unwrap();
    command
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("COLUMNS", "100")
        .env_remove("NO_COLOR")
        .arg("trace")
        .args(arguments);
    command
}

#[test]
fn the_exit_status_tells_open_from_closed() {
    let status = |from: &str, to: &str, estate: &str, code: i32| {
        portcullis(&["--from", from, "--to", to, "--port", "22", estate])
            .assert()
            .code(code);
    };
    status("203.0.113.9", "vm-shop-web-01", "examples/contoso", 1);
    status("8.8.8.8", "vm-shop-web-01", "examples/contoso", 0);
    status("203.0.113.9", "vm-shop-app-03", "examples/contoso", 0);
    status("203.0.113.9", "vm-pay-hsm-01", "examples/contoso", 3);
    // Closed by what was read, and not everything was.
    status("8.8.8.8", "vm-branch-print-01", "examples/contoso-refused", 3);
}

#[test]
fn wrong_usage_says_what_to_do() {
    let says = |arguments: &[&str], words: &str| {
        let output = portcullis(arguments).assert().code(2).get_output().stderr.clone();
        let text = String::from_utf8(output).unwrap();
        assert!(text.contains(words), "{text}");
    };
    says(
        &[
            "--from",
            "internet",
            "--to",
            "vm-shop-web-1",
            "--port",
            "22",
            "examples/contoso",
        ],
        "did you mean `vm-shop-web-01`",
    );
    says(
        &[
            "--from",
            "internt",
            "--to",
            "vm-sql-01",
            "--port",
            "22",
            "examples/contoso",
        ],
        "did you mean `internet`?",
    );
    says(
        &[
            "--from",
            "127.0.0.1",
            "--to",
            "vm-sql-01",
            "--port",
            "22",
            "examples/contoso",
        ],
        "no packet comes from",
    );
    says(
        &[
            "--from",
            "10.0.0.0/40",
            "--to",
            "vm-sql-01",
            "--port",
            "22",
            "examples/contoso",
        ],
        "is no address, prefix or service tag",
    );
    says(
        &["--from", "internet", "--to", "vm-sql-01", "examples/contoso"],
        "--port",
    );
}

#[test]
fn an_ambiguous_name_lists_the_candidates() {
    let twin = |group: &str| json!({ "id": format!("/subscriptions/s/resourceGroups/{group}/providers/Microsoft.Compute/virtualMachines/twin") });
    let reading = read(&json!([twin("a"), twin("b")]));
    match find(&reading.inventory, "twin") {
        Err(NotFound::Ambiguous(ids)) => assert_eq!(ids.len(), 2),
        other => panic!("{other:?}"),
    }
}

#[test]
fn several_ports_are_several_answers_and_json_follows_the_schema() {
    let output = portcullis(&[
        "--from",
        "internet",
        "--to",
        "vm-lab-03",
        "--all-ports",
        "22,3389",
        "--format",
        "json",
        "examples/contoso",
    ]);
    let output = { output }.assert().code(1).get_output().stdout.clone();
    let written: Value = serde_json::from_slice(&output).unwrap();
    let ports: Vec<_> = written["ports"]
        .as_array()
        .unwrap()
        .iter()
        .map(|port| (port["port"].clone(), port["status"].clone()))
        .collect();
    assert_eq!(ports, [(json!(22), json!("open")), (json!(3389), json!("closed"))]);
    let validator = jsonschema::validator_for(&json_schema()).unwrap();
    let errors: Vec<String> = validator.iter_errors(&written).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    let back: Answer = serde_json::from_value(written).unwrap();
    assert_eq!(back.status, Status::Open);
}

const SCHEMA_FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/trace.schema.json");

#[test]
fn the_published_schema_is_current() {
    let current = format!("{}\n", serde_json::to_string_pretty(&json_schema()).unwrap());
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        std::fs::write(SCHEMA_FILE, &current).unwrap();
    }
    let published = std::fs::read_to_string(SCHEMA_FILE).unwrap_or_default();
    assert!(
        published == current,
        "docs/trace.schema.json is stale: run the tests with UPDATE_SCHEMA=1"
    );
}

fn written(answer: &Answer, color: bool) -> String {
    let mut out = Vec::new();
    page::write(answer, color, 100, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn the_page_has_one_line_a_hop_within_the_width() {
    let reading = contoso();
    let page = written(&ask(&reading, "203.0.113.9", "vm-shop-web-01", &[22]), false);
    assert!(page.lines().all(|line| line.chars().count() <= 100), "{page}");
    let hops: Vec<&str> = page.lines().filter(|line| line.starts_with("  | ")).collect();
    assert_eq!(hops.len(), 6, "{page}");
    let starts: Vec<_> = hops.iter().map(|hop| hop.get(..20).unwrap().trim_end()).collect();
    assert_eq!(starts[1], "  | load balancer");
    assert!(!page.contains('\u{1b}'));
    assert!(written(&ask(&reading, "203.0.113.9", "vm-shop-web-01", &[22]), true).contains('\u{1b}'));
}

#[test]
fn colours_are_written_only_where_they_are_wanted() {
    let output = |color: &str| {
        let arguments = [
            "--from",
            "internet",
            "--to",
            "vm-lab-03",
            "--port",
            "22",
            "examples/contoso",
            "--color",
            color,
        ];
        portcullis(&arguments).assert().get_output().stdout.clone()
    };
    assert!(!output("auto").contains(&0x1b));
    assert!(output("always").contains(&0x1b));
}

#[test]
fn hostile_names_command_no_terminal() {
    let evil = "x\u{1b}[31m\n\u{202e}`evil`";
    let rules = vec![rule(evil, 100, "Allow", "*", "22")];
    let found = ask(
        &Estate::new().public().subnet_nsg(rules).read(),
        "internet",
        "vm",
        &[22],
    );
    assert_eq!(found.status, Status::Open);
    let page = written(&found, false);
    assert!(page.contains("\\u{1b}[31m\\n\\u{202e}"), "{page}");
    assert!(!page.contains(['\u{1b}', '\u{202e}']));
    let long = vec![rule(&"n".repeat(10_000), 100, "Allow", "*", "22")];
    let page = written(
        &ask(&Estate::new().public().subnet_nsg(long).read(), "internet", "vm", &[22]),
        false,
    );
    assert!(page.len() < 4_000, "{}", page.len());
}

#[test]
fn what_the_firewall_on_a_private_path_does_with_a_packet_is_said() {
    let reading = contoso();
    let traced = |from: &str| {
        let port = one(&reading, from, "vm-shop-db-01", 22);
        port.traces.into_iter().find(|trace| trace.way == Way::Private).unwrap()
    };
    // The hub is a peer: the default route is shorter than the platform's own, so the answer passes no firewall.
    let jump = traced("10.10.10.4");
    assert_eq!(jump.status, Status::Open);
    assert!(jump.hops.iter().all(|hop| hop.kind != HopKind::Firewall), "{jump:#?}");
    let stranger = traced("10.30.0.9");
    assert_eq!(stranger.status, Status::Closed);
    assert!(
        stranger
            .sentence
            .contains("`fw-hub` gives it no session: no network rule allows it"),
        "{}",
        stranger.sentence
    );
    // An appliance that is no firewall is not asked.
    let ingest = one(&reading, "10.0.0.9", "vm-ingest-02", 22);
    let unasked =
        |trace: &portcullis::trace::Trace| trace.hops.iter().any(|hop| hop.sentence.contains("was not asked"));
    assert!(ingest.traces.iter().any(unasked), "{ingest:?}");
}
