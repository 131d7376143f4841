//! The table of Terraform types: it says nothing that the decoder does not read, and leaves no decoded type out.
#![expect(clippy::unwrap_used, reason = "what is missing fails the test")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use portcullis::input::arm::expression::{Kind, Value};
use portcullis::input::azurerm::{self, Instance, Mode, Said, Settings, WITHOUT_ROW, Whole, computed, lower};
use portcullis::input::decoded_types;
use serde_json::json;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every word that the decoder asks for.
fn decoder() -> String {
    let files = fs::read_dir(root().join("src/input/decode")).unwrap();
    let texts = files.map(|file| fs::read_to_string(file.unwrap().path()).unwrap());
    texts.collect::<String>().to_ascii_lowercase()
}

#[test]
fn every_argument_goes_to_a_member_that_the_decoder_reads() {
    let decoder = decoder();
    let reads = |member: &str| {
        let member = member.to_ascii_lowercase();
        let of_side = ["source", "destination"]
            .iter()
            .find_map(|side| member.strip_prefix(side));
        let of_side = of_side.is_some_and(|rest| decoder.contains(&format!("{{side}}{rest}\"")));
        of_side || decoder.contains(&format!("\"{member}\"")) || member == "location"
    };
    let mut unread = BTreeSet::new();
    for entry in azurerm::entries() {
        for (argument, path) in &entry.arguments {
            for member in path.split('.').filter(|member| !reads(member)) {
                unread.insert(format!("{} {argument}: {member}", entry.terraform));
            }
        }
    }
    assert!(unread.is_empty(), "{unread:#?}");
}

#[test]
fn every_decoded_type_has_a_row_or_a_reason() {
    let of_rows: BTreeSet<String> = azurerm::entries()
        .iter()
        .map(|entry| entry.arm.to_ascii_lowercase())
        .collect();
    for known in decoded_types() {
        let reasoned = WITHOUT_ROW
            .iter()
            .any(|(name, reason)| *name == known && !reason.is_empty());
        assert!(of_rows.contains(known) != reasoned, "{known}");
    }
    for (name, _) in WITHOUT_ROW {
        assert!(decoded_types().any(|known| known == *name), "{name} is not decoded");
    }
}

#[test]
fn no_type_has_two_rows() {
    let entries = azurerm::entries();
    let names: BTreeSet<&str> = entries.iter().map(|entry| entry.terraform).collect();
    assert_eq!(names.len(), entries.len());
}

#[test]
fn the_documentation_lists_every_row() {
    let text = fs::read_to_string(root().join("docs/terraform.md")).unwrap();
    let line = |entry: &azurerm::Entry| {
        let arm = if entry.arm.is_empty() {
            "names only".to_owned()
        } else {
            format!("`{}`", entry.arm)
        };
        format!("| `{}` | {arm} |", entry.terraform)
    };
    let missing: Vec<String> = azurerm::entries()
        .iter()
        .map(line)
        .filter(|line| !text.contains(line))
        .collect();
    assert!(missing.is_empty(), "add to docs/terraform.md:\n{}", missing.join("\n"));
}

fn value(json: &serde_json::Value) -> Value {
    match json {
        serde_json::Value::Null => Value::null(),
        serde_json::Value::Bool(flag) => Value::from(*flag),
        serde_json::Value::Number(number) => Value::from(number.as_i64().unwrap()),
        serde_json::Value::String(text) if text.starts_with("?") => Value::unknown("open", text.get(1..).unwrap()),
        serde_json::Value::String(text) => Value::from(text.as_str()),
        serde_json::Value::Array(items) => Value::from(items.iter().map(value).collect::<Vec<_>>()),
        serde_json::Value::Object(members) => Value::object(
            members
                .iter()
                .map(|(name, member)| (name.as_str().into(), value(member)))
                .collect(),
        ),
    }
}

/// An instance of a configuration; a text that begins with `?` is unknown, by the symbol that follows.
fn instance(address: &str, attributes: serde_json::Value) -> Instance {
    Instance {
        address: address.into(),
        mode: Mode::Managed,
        resource_type: address.split('.').next().unwrap().into(),
        key: None,
        settings: Settings::default(),
        attributes: value(&attributes),
        perhaps: None,
        whole: Whole::Root,
        said: Said::Source,
        related: Default::default(),
    }
}

fn shown(instances: &[Instance]) -> Vec<serde_json::Value> {
    let lowered = lower(instances);
    let parse = |value: &Value| serde_json::from_str(&value.json()).unwrap();
    lowered.resources.iter().map(parse).collect()
}

const GROUP: &str = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.Network";

fn nic() -> Instance {
    instance(
        "azurerm_network_interface.a",
        json!({ "name": "nic", "resource_group_name": "rg", "ip_configuration": [
            { "name": "four", "subnet_id": "/s" },
            { "name": "six", "private_ip_address_version": "IPv6" },
        ] }),
    )
}

#[test]
fn associations_are_facts_of_what_they_associate() {
    let nic_id = format!("{GROUP}/networkInterfaces/nic");
    let found = shown(&[
        nic(),
        instance(
            "azurerm_network_interface_security_group_association.a",
            json!({ "network_interface_id": nic_id.to_uppercase().replace("/SUBSCRIPTIONS", "/subscriptions"),
                "network_security_group_id": "/nsg" }),
        ),
        instance(
            "azurerm_network_interface_application_security_group_association.a",
            json!({ "network_interface_id": nic_id, "application_security_group_id": "/asg" }),
        ),
        instance(
            "azurerm_network_interface_backend_address_pool_association.a",
            json!({ "network_interface_id": nic_id, "ip_configuration_name": "six", "backend_address_pool_id": "/pool" }),
        ),
    ]);
    let properties = &found[0]["properties"];
    assert_eq!(properties["networkSecurityGroup"]["id"], "/nsg");
    let configurations = &properties["ipConfigurations"];
    assert_eq!(
        configurations[0]["applicationSecurityGroups"],
        json!([{ "id": "/asg" }])
    );
    assert!(configurations[1].get("applicationSecurityGroups").is_none());
    assert!(configurations[0].get("loadBalancerBackendAddressPools").is_none());
    assert_eq!(
        configurations[1]["loadBalancerBackendAddressPools"],
        json!([{ "id": "/pool" }])
    );
}

#[test]
fn two_groups_for_one_interface_contradict_each_other() {
    let of = |group: &str| {
        instance(
            "azurerm_network_interface_security_group_association.a",
            json!({ "network_interface_id": format!("{GROUP}/networkInterfaces/nic"), "network_security_group_id": group }),
        )
    };
    let lowered = lower(&[nic(), of("/one"), of("/two")]);
    let group = lowered.resources[0]
        .get("properties")
        .unwrap()
        .get("networkSecurityGroup")
        .unwrap();
    assert!(matches!(group.kind, Kind::Unknown(_)));
    let lowered = lower(&[nic(), of("/one"), of("/one")]);
    assert!(lowered.resources[0].open().is_none());
}

#[test]
fn a_module_judged_alone_leaves_open_what_its_caller_may_attach() {
    let subnet = |whole: Whole| Instance {
        whole,
        ..instance(
            "azurerm_subnet.a",
            json!({ "name": "s", "virtual_network_name": "v", "resource_group_name": "rg", "address_prefixes": ["10.0.0.0/24"] }),
        )
    };
    let alone = lower(&[subnet(Whole::ModuleAlone)]);
    let properties = alone.resources[0].get("properties").unwrap();
    for name in ["networkSecurityGroup", "routeTable"] {
        assert!(properties.get(name).unwrap().as_unknown().is_some(), "{name}");
    }
    assert!(!alone.attached_here);
    let root = lower(&[subnet(Whole::Root)]);
    assert!(
        root.resources[0]
            .get("properties")
            .unwrap()
            .get("networkSecurityGroup")
            .is_none()
    );
    assert!(root.attached_here);
}

#[test]
fn an_association_of_nobody_knows_what_leaves_every_other_open() {
    let lowered = lower(&[
        nic(),
        instance(
            "azurerm_network_interface_security_group_association.a",
            json!({ "network_interface_id": "?{each.value}", "network_security_group_id": "/nsg" }),
        ),
    ]);
    let group = lowered.resources[0]
        .get("properties")
        .unwrap()
        .get("networkSecurityGroup")
        .unwrap();
    assert!(group.as_unknown().is_some());
}

#[test]
fn a_subnet_of_somebody_else_keeps_what_is_known_of_it() {
    let found = shown(&[instance(
        "azurerm_subnet_network_security_group_association.a",
        json!({ "subnet_id": format!("{GROUP}/virtualNetworks/v/subnets/s"), "network_security_group_id": "/nsg" }),
    )]);
    assert_eq!(found[0]["id"], format!("{GROUP}/virtualNetworks/v/subnets/s"));
    assert_eq!(found[0]["properties"]["networkSecurityGroup"]["id"], "/nsg");
}

#[test]
fn defaults_are_those_of_the_major_version() {
    let of = |major: Option<u32>, kind: &str| {
        let mut one = instance(
            &format!("{kind}.a"),
            json!({ "name": "a", "resource_group_name": "rg" }),
        );
        one.settings.major = major;
        shown(&[one])[0]["sku"]["name"].clone()
    };
    for kind in ["azurerm_public_ip", "azurerm_lb"] {
        assert_eq!(of(Some(2), kind), "Basic");
        assert_eq!(of(Some(3), kind), "Basic");
        assert_eq!(of(Some(4), kind), "Standard");
        assert_eq!(of(Some(5), kind), "Standard");
        assert_eq!(of(None, kind), serde_json::Value::Null);
    }
}

#[test]
fn balancers_are_put_together_of_their_parts() {
    let lb = format!("{GROUP}/loadBalancers/lb");
    let found = shown(&[
        instance(
            "azurerm_lb_backend_address_pool_address.a",
            json!({ "name": "one", "backend_address_pool_id": format!("{lb}/backendAddressPools/pool"), "ip_address": "10.0.0.4" }),
        ),
        instance(
            "azurerm_lb_backend_address_pool.a",
            json!({ "name": "pool", "loadbalancer_id": lb }),
        ),
        instance(
            "azurerm_lb_nat_rule.a",
            json!({ "name": "ssh", "loadbalancer_id": lb, "resource_group_name": "rg", "protocol": "Tcp",
                "frontend_port": 4422, "backend_port": 22, "frontend_ip_configuration_name": "front" }),
        ),
        instance(
            "azurerm_lb.a",
            json!({ "name": "lb", "resource_group_name": "rg", "sku": "Standard",
                "frontend_ip_configuration": [{ "name": "front", "public_ip_address_id": "/ip" }] }),
        ),
    ]);
    assert_eq!(found.len(), 1);
    let properties = &found[0]["properties"];
    let pool = &properties["backendAddressPools"][0];
    assert_eq!(pool["id"], format!("{lb}/backendAddressPools/pool"));
    assert_eq!(
        pool["properties"]["loadBalancerBackendAddresses"][0]["properties"]["ipAddress"],
        "10.0.0.4"
    );
    let rule = &properties["inboundNatRules"][0]["properties"];
    assert_eq!(
        rule["frontendIPConfiguration"]["id"],
        format!("{lb}/frontendIPConfigurations/front")
    );
}

#[test]
fn references_find_what_the_provider_will_say() {
    let lb = instance(
        "azurerm_lb.a",
        json!({ "name": "lb", "resource_group_name": "?{var.group}", "frontend_ip_configuration": [{ "name": "front" }] }),
    );
    let found = computed(&lb);
    let id = found.get("id").unwrap();
    assert!(id.as_unknown().unwrap().is_id());
    assert!(
        id.name()
            .unwrap()
            .contains("/resourceGroups/{var.group}/providers/Microsoft.Network/loadBalancers/lb")
    );
    let front = found.get("frontend_ip_configuration").unwrap().as_list().unwrap()[0]
        .get("id")
        .unwrap()
        .clone();
    assert!(
        front
            .name()
            .unwrap()
            .ends_with("/loadBalancers/lb/frontendIPConfigurations/front")
    );
    assert!(found.get("private_ip_address").unwrap().as_unknown().is_some());
}

#[test]
fn azapi_is_read_as_it_is_and_updated() {
    let parent = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Security/locations/westeurope";
    let ports = json!([{ "number": 22 }]);
    let body = json!({ "properties": { "virtualMachines": [{ "id": "/vm", "ports": ports }] } });
    for body in [body.clone(), json!(body.to_string())] {
        let found = shown(&[instance(
            "azapi_resource.jit",
            json!({ "type": "Microsoft.Security/locations/jitNetworkAccessPolicies@2020-01-01", "name": "default",
                "parent_id": parent, "body": body }),
        )]);
        assert_eq!(found[0]["id"], format!("{parent}/jitNetworkAccessPolicies/default"));
        assert_eq!(found[0]["properties"]["virtualMachines"][0]["ports"][0]["number"], 22);
    }
    let found = shown(&[
        instance(
            "azurerm_network_security_group.a",
            json!({ "name": "g", "resource_group_name": "rg" }),
        ),
        instance(
            "azapi_update_resource.a",
            json!({ "type": "Microsoft.Network/networkSecurityGroups@2024-05-01",
                "resource_id": format!("{GROUP}/networkSecurityGroups/g"),
                "body": { "properties": { "flushConnection": true } } }),
        ),
    ]);
    assert_eq!(found[0]["properties"]["flushConnection"], true);
    assert_eq!(found[0]["properties"]["securityRules"], json!([]));
}

#[test]
fn an_azapi_body_that_nobody_can_read_protects_nobody() {
    let lowered = lower(&[instance(
        "azapi_resource.g",
        json!({ "type": "Microsoft.Network/networkSecurityGroups@2024-05-01", "name": "g",
            "parent_id": "/subscriptions/s/resourceGroups/rg", "body": "{ cut" }),
    )]);
    assert!(lowered.resources[0].get("properties").unwrap().as_unknown().is_some());
    assert_eq!(&*lowered.said[0].diagnostic.code, "azapi-body");
}

#[test]
fn a_template_within_terraform_is_a_template() {
    let template = json!({
        "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
        "contentVersion": "1.0.0.0",
        "parameters": { "name": { "type": "string" } },
        "resources": [{ "type": "Microsoft.Network/networkSecurityGroups", "apiVersion": "2023-09-01",
            "name": "[parameters('name')]", "properties": {} }],
    });
    let of = |content: serde_json::Value| {
        lower(&[instance(
            "azurerm_resource_group_template_deployment.t",
            json!({ "name": "t", "resource_group_name": "rg", "deployment_mode": "Incremental", "template_content": content,
                "parameters_content": json!({ "name": { "value": "from-template" } }).to_string() }),
        )])
    };
    let read = of(json!(template.to_string()));
    let id = read.resources[0].get("id").unwrap().as_text().unwrap().to_string();
    assert_eq!(id, format!("{GROUP}/networkSecurityGroups/from-template"));
    for content in [json!("?{file}"), json!("{"), json!("{}")] {
        let lost = of(content);
        assert!(lost.said[0].lost && &*lost.said[0].diagnostic.code == "template-not-read");
    }
}

#[test]
fn what_perhaps_exists_protects_nobody_and_opens_perhaps() {
    let group = |perhaps: bool| {
        let mut one = instance(
            "azurerm_network_security_group.a",
            json!({ "name": "g", "resource_group_name": "rg", "security_rule": [] }),
        );
        one.perhaps = perhaps
            .then(|| Value::unknown("count is open", "{count}").as_unknown().cloned())
            .flatten();
        lower(&[one])
    };
    assert!(
        group(true).resources[0]
            .get("properties")
            .unwrap()
            .as_unknown()
            .is_some()
    );
    assert!(group(false).resources[0].open().is_none());
}

#[test]
fn network_manager_deployments_are_one_page_of_the_answer() {
    let manager = format!("{GROUP}/networkManagers/m");
    let found = shown(&[instance(
        "azurerm_network_manager_deployment.d",
        json!({ "network_manager_id": manager, "location": "westeurope", "scope_access": "SecurityAdmin",
            "configuration_ids": [format!("{manager}/securityAdminConfigurations/c")] }),
    )]);
    assert_eq!(found[0]["id"], format!("{manager}/listDeploymentStatus"));
    assert_eq!(found[0]["properties"]["value"][0]["region"], "westeurope");
}
