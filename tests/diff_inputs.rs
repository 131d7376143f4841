//! What can be compared, and what belongs to a side of a comparison: plans, recordings, files with values, downloaded
//! modules, contents that are loaded, and exceptions of what a change opens.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod repository;

use std::path::{Path, PathBuf};

use portcullis::diff::Comparison;
use repository::{Repository, portcullis};
use serde_json::{Value, json};

fn changes(notation: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/changes")
        .join(notation)
}

fn with_base(notation: &str) -> Repository {
    let repository = Repository::new();
    repository.lay(&changes(notation).join("base"));
    repository
}

fn compared(directory: &Path, arguments: &[&str]) -> (i32, Comparison) {
    let ran = portcullis(directory, &[&["diff", "--format", "json"], arguments].concat());
    let comparison = serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{error}: {}{}", ran.out, ran.err));
    (ran.status, comparison)
}

fn sentence_of(directory: &Path, arguments: &[&str]) -> (i32, String) {
    let (status, comparison) = compared(directory, arguments);
    (status, comparison.sentence)
}

/// A file with values is read as it is in each revision; its change is a change.
#[test]
fn values_are_those_of_each_revision() {
    let parameters = |prefix: &str| {
        json!({
            "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentParameters.json#",
            "contentVersion": "1.0.0.0", "parameters": { "officePrefix": { "value": prefix } }
        })
        .to_string()
    };
    let terraform = |prefix: &str| format!("office_prefix = \"{prefix}\"\n");
    let bicep = |prefix: &str| format!("using 'main.bicep'\nparam officePrefix = '{prefix}'\n");
    type Case<'c> = (&'c str, &'c str, &'c dyn Fn(&str) -> String, &'c [&'c str]);
    let cases: [Case<'_>; 6] = [
        ("arm", "infra/main.parameters.json", &parameters, &[]),
        (
            "arm",
            "values/prod.json",
            &parameters,
            &["--parameters", "values/prod.json"],
        ),
        ("bicep", "infra/prod.bicepparam", &bicep, &[]),
        (
            "bicep",
            "infra/prod.bicepparam",
            &bicep,
            &["--parameters", "infra/prod.bicepparam"],
        ),
        ("terraform", "infra/prod.auto.tfvars", &terraform, &[]),
        (
            "terraform",
            "values/prod.tfvars",
            &terraform,
            &["--var-file", "values/prod.tfvars"],
        ),
    ];
    for (notation, file, values, flags) in cases {
        let repository = with_base(notation);
        repository.write(file, &values("8.8.4.0/24"));
        repository.commit("base");
        repository.write(file, &values("8.8.0.0/16"));
        repository.commit("wider");
        let here = repository.path();
        let run = |range: &str| sentence_of(here, &[flags, &[range]].concat());
        let (status, sentence) = run("HEAD~1..HEAD");
        assert!(
            status == 1 && sentence.starts_with("opens `jump` to public addresses"),
            "{file} {flags:?}: {sentence}"
        );
        // What is not committed yet, too; and what is there before differs from what the work tree holds.
        repository.write(file, &values("9.9.9.0/24"));
        assert_eq!(run("HEAD~1..HEAD"), (1, sentence), "{file} {flags:?}");
        assert_eq!(run("HEAD..").0, 1, "{file} {flags:?}");
        assert_eq!(run("HEAD..HEAD"), (0, "no change in who can reach what".to_owned()));
    }
}

#[test]
fn values_that_one_side_lacks_are_told() {
    let repository = with_base("terraform");
    repository.commit("base");
    repository.write("values/prod.tfvars", "office_prefix = \"8.8.0.0/16\"\n");
    repository.commit("values");
    let flags = ["--var-file", "values/prod.tfvars"];
    let (status, comparison) = compared(repository.path(), &[&flags[..], &["HEAD~1..HEAD"]].concat());
    assert_eq!(status, 1, "{}", comparison.sentence);
    let said = &comparison.base.diagnostics;
    assert!(said.iter().any(|said| &*said.code == "values-absent"), "{said:?}");
    let told = portcullis(repository.path(), &[&["diff"], &flags[..], &["HEAD~1..HEAD"]].concat()).out;
    assert!(
        told.contains("warning") && told.contains("gives no values there"),
        "{told}"
    );
    let ran = portcullis(
        repository.path(),
        &["diff", "--var-file", "values/dev.tfvars", "HEAD~1..HEAD"],
    );
    assert!(ran.status == 2 && ran.err.contains("on either side"), "{}", ran.err);
    // From another directory, and gone from the work tree.
    repository.git(&["rm", "--quiet", "-r", "values"]);
    let below = repository.path().join("infra");
    let flags = ["--var-file", "../values/prod.tfvars"];
    let (status, _) = compared(&below, &[&flags[..], &["HEAD~1..HEAD"]].concat());
    assert_eq!(status, 1);
}

/// Of two directories, a file that lies in one of them stands for the same file of the other.
#[test]
fn values_are_those_of_each_directory() {
    let repository = Repository::new();
    for (side, prefix) in [("before", "8.8.4.0/24"), ("after", "8.8.0.0/16")] {
        let text = std::fs::read_to_string(changes("terraform").join("base/infra/main.tf")).unwrap();
        repository.write(&format!("{side}/main.tf"), &text);
        repository.write(
            &format!("{side}/prod.tfvars"),
            &format!("office_prefix = \"{prefix}\"\n"),
        );
    }
    let here = repository.path();
    let (status, _) = sentence_of(here, &["before", "after", "--var-file", "after/prod.tfvars"]);
    assert_eq!(status, 1);
    let (status, sentence) = sentence_of(here, &["before", "after"]);
    assert_eq!((status, sentence.as_str()), (0, "no change in who can reach what"));
}

/// What `terraform init` downloaded lies in the work tree alone, and serves every revision that asks for it.
#[test]
fn downloaded_modules_serve_the_revisions_that_ask_for_them() {
    let repository = Repository::new();
    let calling = |version: &str, prefix: &str| {
        let text = std::fs::read_to_string(changes("terraform").join("move-to-a-module/infra/main.tf")).unwrap();
        let source = format!("source = \"contoso/filters/azurerm\"\n  version = \"{version}\"");
        text.replace("source = \"./modules/filters\"", &source)
            .replace("\"8.8.4.0/24\"", &format!("\"{prefix}\""))
    };
    repository.write(".gitignore", ".terraform/\n");
    repository.write("infra/main.tf", &calling("~> 1.0", "8.8.4.0/24"));
    repository.commit("base");
    repository.write("infra/main.tf", &calling("~> 1.0", "8.8.0.0/16"));
    repository.commit("wider");
    let here = repository.path();
    let (status, sentence) = sentence_of(here, &["HEAD~1..HEAD"]);
    assert_eq!(status, 3, "nothing was downloaded: {sentence}");
    let manifest = json!({ "Modules": [
        { "Key": "", "Source": "", "Dir": "." },
        { "Key": "filters", "Source": "registry.terraform.io/contoso/filters/azurerm", "Version": "1.2.0",
          "Dir": ".terraform/modules/filters" } ] });
    repository.write("infra/.terraform/modules/modules.json", &manifest.to_string());
    let module = changes("terraform").join("move-to-a-module/infra/modules/filters/main.tf");
    let module = std::fs::read_to_string(module).unwrap();
    repository.write("infra/.terraform/modules/filters/main.tf", &module);
    for range in ["HEAD~1..HEAD", "HEAD~1.."] {
        let (status, sentence) = sentence_of(here, &[range]);
        assert!(
            status == 1 && sentence.starts_with("opens `jump`"),
            "{range}: {sentence}"
        );
    }
    // Another version than the one at hand is not taken for it.
    repository.write("infra/main.tf", &calling("~> 2.0", "8.8.4.0/24"));
    let (status, comparison) = compared(here, &["HEAD.."]);
    assert_eq!(status, 3, "{}", comparison.sentence);
    let said = &comparison.head.diagnostics;
    assert!(
        said.iter().any(|said| said.message.contains("not what is asked for")),
        "{said:?}"
    );
}

/// What Bicep loads and Terraform reads is that of the revision.
#[test]
fn contents_are_those_of_each_revision() {
    for (notation, file, from, to) in [
        (
            "bicep",
            "infra/main.bicep",
            "param officePrefix string = '8.8.4.0/24'",
            "var officePrefix = loadTextContent('office.txt')",
        ),
        (
            "terraform",
            "infra/main.tf",
            "= var.office_prefix",
            "= file(\"office.txt\")",
        ),
    ] {
        let repository = with_base(notation);
        let text = repository.read(file);
        assert!(text.contains(from), "{file}");
        repository.write(file, &text.replace(from, to));
        repository.write("infra/office.txt", "8.8.4.0/24");
        repository.commit("base");
        repository.write("infra/office.txt", "8.8.0.0/16");
        repository.commit("wider");
        let (status, sentence) = sentence_of(repository.path(), &["HEAD~1..HEAD"]);
        assert!(
            status == 1 && sentence.starts_with("opens `jump`"),
            "{notation}: {sentence}"
        );
    }
}

const SUBSCRIPTION: &str = "/subscriptions/11111111-2222-3333-4444-555555555555";

fn id(of: &str) -> String {
    format!("{SUBSCRIPTION}/resourceGroups/rg/providers/{of}")
}

fn rule(prefix: &str) -> Value {
    json!({ "name": "ssh", "priority": 100, "direction": "Inbound", "access": "Allow", "protocol": "Tcp",
        "source_port_range": "*", "destination_address_prefix": "*", "destination_port_range": "22",
        "source_address_prefix": prefix, "description": "", "source_address_prefixes": [],
        "source_application_security_group_ids": [], "source_port_ranges": [], "destination_address_prefixes": [],
        "destination_application_security_group_ids": [], "destination_port_ranges": [] })
}

/// A plan that changes one prefix of the group before a machine.
fn plan(before: &str, after: &str) -> String {
    let network = id("Microsoft.Network/virtualNetworks/vnet");
    let subnet = format!("{network}/subnets/default");
    let nsg = id("Microsoft.Network/networkSecurityGroups/nsg");
    let nic = id("Microsoft.Network/networkInterfaces/nic");
    let address = id("Microsoft.Network/publicIPAddresses/pip");
    let common =
        |name: &str, id: &str| json!({ "id": id, "name": name, "location": "westeurope", "resource_group_name": "rg" });
    let with = |mut base: Value, more: Value| {
        base.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        base
    };
    let group = |prefix: &str| with(common("nsg", &nsg), json!({ "security_rule": [rule(prefix)] }));
    let same = |kind: &str, name: &str, value: Value| change(kind, name, &["no-op"], value.clone(), value);
    let changes = vec![
        same(
            "azurerm_virtual_network",
            "main",
            with(
                common("vnet", &network),
                json!({ "address_space": ["10.0.0.0/16"], "subnet": [] }),
            ),
        ),
        same(
            "azurerm_subnet",
            "default",
            json!({ "id": subnet, "name": "default", "resource_group_name": "rg", "virtual_network_name": "vnet",
                "address_prefixes": ["10.0.0.0/24"] }),
        ),
        change(
            "azurerm_network_security_group",
            "jump",
            &["update"],
            group(before),
            group(after),
        ),
        same(
            "azurerm_subnet_network_security_group_association",
            "jump",
            json!({ "id": subnet, "subnet_id": subnet, "network_security_group_id": nsg }),
        ),
        same(
            "azurerm_public_ip",
            "jump",
            with(
                common("pip", &address),
                json!({ "allocation_method": "Static", "sku": "Standard", "ip_address": "192.0.2.4" }),
            ),
        ),
        same(
            "azurerm_network_interface",
            "jump",
            with(
                common("nic", &nic),
                json!({ "ip_configuration": [{ "name": "ip", "subnet_id": subnet, "primary": true,
                "private_ip_address": "10.0.0.4", "private_ip_address_allocation": "Static", "private_ip_address_version": "IPv4",
                "public_ip_address_id": address }] }),
            ),
        ),
        same(
            "azurerm_linux_virtual_machine",
            "jump",
            with(
                common("jump", &id("Microsoft.Compute/virtualMachines/jump")),
                json!({ "network_interface_ids": [nic] }),
            ),
        ),
    ];
    json!({ "format_version": "1.2", "terraform_version": "1.11.4", "planned_values": { "root_module": {} },
        "resource_changes": changes, "configuration": { "root_module": {} } })
    .to_string()
}

fn change(kind: &str, name: &str, actions: &[&str], before: Value, after: Value) -> Value {
    json!({ "address": format!("{kind}.{name}"), "mode": "managed", "type": kind, "name": name,
        "provider_name": "registry.terraform.io/hashicorp/azurerm",
        "change": { "actions": actions, "before": before, "after": after, "after_unknown": {}, "before_sensitive": {},
            "after_sensitive": {} } })
}

#[test]
fn a_plan_alone_says_what_was_and_what_will_be() {
    let repository = Repository::new();
    repository.write("plan.json", &plan("8.8.4.0/24", "8.8.0.0/16"));
    repository.write("back.json", &plan("8.8.0.0/16", "8.8.4.0/24"));
    let here = repository.path();
    let (status, comparison) = compared(here, &["plan.json"]);
    assert_eq!(status, 1, "{comparison:#?}");
    assert!(
        comparison.sentence.starts_with("opens `jump` to public addresses"),
        "{}",
        comparison.sentence
    );
    assert_eq!(
        comparison.changes[0].ports[0].opened.as_ref().unwrap().addresses,
        "65280"
    );
    assert!(
        comparison.base.name.contains("before") && comparison.head.name.contains("when"),
        "{comparison:#?}"
    );
    let (status, sentence) = sentence_of(here, &["back.json"]);
    assert!(status == 0 && sentence.starts_with("closes `jump`"), "{sentence}");
    let (status, sentence) = sentence_of(here, &["plan.json", "plan.json"]);
    assert_eq!((status, sentence.as_str()), (0, "no change in who can reach what"));
    repository.write("planned/plan.json", &plan("8.8.4.0/24", "8.8.0.0/16"));
    let ran = portcullis(here, &["diff", "planned"]);
    assert_eq!(ran.status, 1, "a directory with a plan: {}{}", ran.out, ran.err);
    let ran = portcullis(&here.join("planned"), &["diff", "../plan.json"]);
    assert_eq!(
        ran.status, 1,
        "a path that leads up is no range: {}{}",
        ran.out, ran.err
    );
    repository.write("infra/main.tf", "");
    let ran = portcullis(here, &["diff", "infra"]);
    assert!(ran.status == 2 && ran.err.contains("holds no plan"), "{}", ran.err);
}

/// The estate as it is recorded, before; a plan of a part of it, after.
#[test]
fn a_recording_is_compared_with_a_plan() {
    let repository = Repository::new();
    let group = |name: &str| {
        json!({ "id": id(&format!("Microsoft.Network/networkSecurityGroups/{name}")), "properties": {
        "securityRules": [ { "name": "ssh", "properties": { "priority": 100, "direction": "Inbound", "access": "Allow",
            "protocol": "Tcp", "sourcePortRange": "*", "destinationAddressPrefix": "*", "destinationPortRange": "22",
            "sourceAddressPrefix": "8.8.4.0/24" } } ] } })
    };
    let machine = |name: &str, nic: &str| {
        json!({ "id": id(&format!("Microsoft.Compute/virtualMachines/{name}")), "location": "westeurope",
        "properties": { "storageProfile": { "osDisk": { "osType": "Linux" } },
            "networkProfile": { "networkInterfaces": [ { "id": id(&format!("Microsoft.Network/networkInterfaces/{nic}")) } ] } } })
    };
    let subnet = id("Microsoft.Network/virtualNetworks/vnet/subnets/default");
    let nic = |name: &str, address: &str, public: Option<String>| {
        let mut configuration =
            json!({ "privateIPAddress": address, "privateIPAllocationMethod": "Static", "subnet": { "id": subnet } });
        if let Some(public) = public {
            configuration["publicIPAddress"] = json!({ "id": public });
        }
        json!({ "id": id(&format!("Microsoft.Network/networkInterfaces/{name}")), "properties": {
            "ipConfigurations": [ { "name": "ip", "properties": configuration } ] } })
    };
    let estate = json!([
        { "id": id("Microsoft.Network/virtualNetworks/vnet"), "properties": { "addressSpace": { "addressPrefixes": ["10.0.0.0/16"] },
            "subnets": [ { "id": subnet, "name": "default", "properties": { "addressPrefix": "10.0.0.0/24",
                "networkSecurityGroup": { "id": id("Microsoft.Network/networkSecurityGroups/nsg") } } } ] } },
        group("nsg"),
        { "id": id("Microsoft.Network/publicIPAddresses/pip"), "sku": { "name": "Standard" }, "properties": {
            "publicIPAllocationMethod": "Static", "ipAddress": "192.0.2.4" } },
        nic("nic", "10.0.0.4", Some(id("Microsoft.Network/publicIPAddresses/pip"))),
        nic("other", "10.0.0.5", None),
        machine("jump", "nic"), machine("other", "other"),
    ]);
    repository.write("estate.json", &estate.to_string());
    repository.write("same.json", &plan("1.1.1.0/24", "8.8.4.0/24"));
    repository.write("wider.json", &plan("1.1.1.0/24", "8.8.0.0/16"));
    let here = repository.path();
    let (status, comparison) = compared(here, &["estate.json", "wider.json"]);
    assert_eq!(status, 1, "{comparison:#?}");
    assert!(
        comparison.sentence.starts_with("opens `jump` to public addresses"),
        "{}",
        comparison.sentence
    );
    let same = compared(here, &["estate.json", "same.json"]).1;
    assert!(!same.changes.iter().any(|change| &*change.name == "jump"), "{same:#?}");
}

/// An opening that the reviewers accept is written down with a last day; it is shown, and does not count.
#[test]
fn an_opening_can_be_waived_until_a_day() {
    let repository = with_base("bicep");
    repository.commit("base");
    repository.lay(&changes("bicep").join("widen-a-prefix"));
    repository.commit("wider");
    let waiver = |rule: &str, expires: &str| {
        repository.write(
            "portcullis.yaml",
            &format!(
                "waivers:\n  - rule: {rule}\n    resource: jump\n    reason: office move\n    owner: secops\n    ticket: T-1\n{expires}"
            ),
        );
        let ran = portcullis(
            repository.path(),
            &[
                "diff",
                "HEAD~1..HEAD",
                "--format",
                "console",
                "--format",
                "markdown=c.md",
                "--format",
                "sarif=c.sarif",
                "--format",
                "github=c.txt",
            ],
        );
        (ran.status, ran.out)
    };
    let (status, console) = waiver("newly-opened", "    expires: 2999-01-31\n");
    assert_eq!(status, 0, "{console}");
    assert!(console.contains("1 opening is waived"), "{console}");
    assert!(
        console.contains("waived by secops until 2999-01-31: office move (T-1)"),
        "{console}"
    );
    let comment = repository.read("c.md");
    assert!(comment.contains("**opens** (waived)"), "{comment}");
    let sarif: Value = serde_json::from_str(&repository.read("c.sarif")).unwrap();
    let opened = &sarif["runs"][0]["results"][0];
    assert_eq!(
        (&opened["ruleId"], &opened["suppressions"][0]["status"]),
        (&json!("newly-opened"), &json!("accepted"))
    );
    assert!(
        !repository.read("c.txt").contains("::error"),
        "{}",
        repository.read("c.txt")
    );
    for (rule, expires) in [
        ("newly-opened", ""),
        ("newly-opened", "    expires: 2020-01-31\n"),
        ("management-port-exposed", "    expires: 2999-01-31\n"),
        ("'*'", "    expires: 2999-01-31\n"),
    ] {
        assert_eq!(waiver(rule, expires).0, 1, "{rule} {expires}");
    }
}

/// Two roots are two subscriptions until somebody says which; their directories may be called otherwise.
#[test]
fn roots_beside_each_other_are_known_again() {
    let repository = Repository::new();
    let text = std::fs::read_to_string(changes("terraform").join("base/infra/main.tf")).unwrap();
    repository.write("prod/main.tf", &text);
    repository.commit("one root");
    repository.write("dev/main.tf", &text.replace("8.8.4.0/24", "1.1.1.0/24"));
    repository.commit("a second root, before the first by name");
    let (_, comparison) = compared(repository.path(), &["HEAD~1..HEAD"]);
    let added: Vec<_> = comparison
        .changes
        .iter()
        .map(|change| (change.presence, change.location.as_ref().unwrap().file.to_string()))
        .collect();
    assert!(
        !added.is_empty()
            && added
                .iter()
                .all(|(presence, file)| *presence == portcullis::diff::Presence::Added && file == "dev/main.tf"),
        "{added:?}"
    );
    assert!(comparison.findings.fixed.is_empty(), "{:#?}", comparison.findings.fixed);
    let places = comparison
        .findings
        .new
        .iter()
        .map(|finding| &*finding.subject.location.as_ref().unwrap().file);
    assert!(
        places.clone().all(|file| file == "dev/main.tf"),
        "{:?}",
        places.collect::<Vec<_>>()
    );
    repository.git(&["mv", "prod", "production"]);
    repository.commit("renamed");
    let (status, sentence) = sentence_of(repository.path(), &["HEAD~1..HEAD"]);
    assert!(
        status == 0 && sentence.starts_with("no change in who can reach what"),
        "{sentence}"
    );
}
