//! Fixes in SARIF: applied to the bytes of the text, they leave a text in which the finding is gone and nobody's reach is
//! another; where a text states more than the finding, there are none.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod repository;

use repository::{Repository, portcullis};
use serde_json::Value;

const FIXABLE: [&str; 3] = ["shadowed-rule", "redundant-rule", "jit-window-too-long"];

/// One rule in each notation: name, priority, access, source, port.
type Rule = (&'static str, u16, &'static str, &'static str, &'static str);

const RULES: [Rule; 5] = [
    ("first", 100, "Allow", "10.0.0.0/8", "22"),
    ("shadowed", 110, "Deny", "10.1.0.0/16", "22"),
    ("https", 120, "Allow", "*", "443"),
    ("also-shadowed", 130, "Allow", "10.2.0.0/16", "22"),
    ("last", 140, "Deny", "8.8.8.0/24", "22"),
];

/// Rules of which each but the last is one that can go, since what is behind it decides the same.
const REDUNDANT: [Rule; 3] = [
    ("narrow", 100, "Allow", "10.1.0.0/16", "22"),
    ("middle", 110, "Allow", "10.0.0.0/9", "22"),
    ("wide", 120, "Allow", "10.0.0.0/8", "22"),
];

fn json_rule((name, priority, access, source, port): &Rule, indent: &str) -> String {
    format!(
        "{indent}{{ \"name\": \"{name}\", \"properties\": {{ \"priority\": {priority}, \"direction\": \"Inbound\", \"access\": \"{access}\",\n\
         {indent}    \"protocol\": \"Tcp\", \"sourceAddressPrefix\": \"{source}\", \"sourcePortRange\": \"*\",\n\
         {indent}    \"destinationAddressPrefix\": \"*\", \"destinationPortRange\": \"{port}\" }} }}"
    )
}

fn arm(rules: &[Rule]) -> String {
    let rules: Vec<String> = rules.iter().map(|rule| json_rule(rule, "          ")).collect();
    format!(
        r#"{{
  "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
  "contentVersion": "1.0.0.0",
  "resources": [
    {{
      "type": "Microsoft.Network/networkSecurityGroups", "apiVersion": "2023-09-01", "name": "grüße", "location": "westeurope",
      "properties": {{
        "securityRules": [
{}
        ]
      }}
    }},
    {{
      "type": "Microsoft.Security/locations/jitNetworkAccessPolicies", "apiVersion": "2020-01-01", "name": "westeurope/default",
      "kind": "Basic",
      "properties": {{
        "virtualMachines": [
          {{
            "id": "[resourceId('Microsoft.Compute/virtualMachines', 'jump')]",
            "ports": [
              {{ "number": 22, "protocol": "TCP", "allowedSourceAddressPrefix": "*", "maxRequestAccessDuration": "PT24H" }},
              {{ "number": 3389, "protocol": "TCP", "allowedSourceAddressPrefix": "*", "maxRequestAccessDuration": "PT1H" }}
            ]
          }}
        ]
      }}
    }}
  ]
}}
"#,
        rules.join(",\n")
    )
}

fn bicep(rules: &[Rule]) -> String {
    let one = |(name, priority, access, source, port): &Rule| {
        format!(
            "      // {name}: see '{{' and }} in the manual\n      {{\n        name: '{name}'\n        properties: {{\n          priority: {priority}\n          direction: 'Inbound'\n          \
             access: '{access}'\n          protocol: 'Tcp'\n          sourceAddressPrefix: '{source}'\n          sourcePortRange: '*'\n          \
             destinationAddressPrefix: '*'\n          destinationPortRange: '{port}'\n          description: 'it\\'s ${{'}}'}}'\n        }}\n      }}\n"
        )
    };
    let rules: String = rules.iter().map(one).collect();
    format!(
        "resource group 'Microsoft.Network/networkSecurityGroups@2023-09-01' = {{\n  name: 'grüße'\n  location: 'westeurope'\n  properties: {{\n    \
         securityRules: [\n{rules}    ]\n  }}\n}}\n\n\
         resource jit 'Microsoft.Security/locations/jitNetworkAccessPolicies@2020-01-01' = {{\n  name: 'westeurope/default'\n  kind: 'Basic'\n  \
         properties: {{\n    virtualMachines: [\n      {{\n        id: resourceId('Microsoft.Compute/virtualMachines', 'jump')\n        ports: [\n          \
         {{\n            number: 22\n            protocol: 'TCP'\n            allowedSourceAddressPrefix: '*'\n            \
         maxRequestAccessDuration: 'P1D'\n          }}\n        ]\n      }}\n    ]\n  }}\n}}\n"
    )
}

fn terraform(rules: &[Rule]) -> String {
    let one = |(name, priority, access, source, port): &Rule| {
        format!(
            "\n  # {name} {{\n  security_rule {{\n    name                       = \"{name}\"\n    priority                   = {priority}\n    \
             direction                  = \"Inbound\"\n    access                     = \"{access}\"\n    protocol                   = \"Tcp\"\n    \
             source_port_range          = \"*\"\n    source_address_prefix      = \"{source}\"\n    destination_address_prefix = \"*\"\n    \
             destination_port_range     = \"{port}\"\n    description                = \"}} ${{upper(\"}}\")}}\"\n  }}\n"
        )
    };
    let rules: String = rules.iter().map(one).collect();
    format!(
        "resource \"azurerm_network_security_group\" \"main\" {{\n  name                = \"grüße\"\n  location            = \"westeurope\"\n  \
         resource_group_name = \"rg\"\n{rules}}}\n\n\
         resource \"azapi_resource\" \"jit\" {{\n  type      = \"Microsoft.Security/locations/jitNetworkAccessPolicies@2020-01-01\"\n  \
         parent_id = \"/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/rg/providers/Microsoft.Security/locations/westeurope\"\n  \
         name      = \"default\"\n  body = {{\n    kind = \"Basic\"\n    properties = {{\n      virtualMachines = [\n        {{\n          \
         id = \"/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/jump\"\n          \
         ports = [\n            {{ number = 22, protocol = \"TCP\", allowedSourceAddressPrefix = \"*\", maxRequestAccessDuration = \"PT24H\" }}\n          \
         ]\n        }}\n      ]\n    }}\n  }}\n}}\n"
    )
}

type Text = fn(&[Rule]) -> String;

const FILES: [(&str, Text); 3] = [("main.json", arm), ("main.bicep", bicep), ("main.tf", terraform)];

/// The results of a scan, and the log as a whole.
fn scanned(repository: &Repository) -> (Vec<Value>, Value) {
    let ran = portcullis(
        repository.path(),
        &["scan", ".", "--format=console", "--format=sarif=out.sarif"],
    );
    assert!(ran.status < 2, "{} {}{}", ran.status, ran.err, ran.out);
    let log: Value = serde_json::from_str(&repository.read("out.sarif")).unwrap();
    std::fs::remove_file(repository.path().join("out.sarif")).unwrap();
    (log["runs"][0]["results"].as_array().unwrap().clone(), log)
}

fn offset(text: &str, line: &Value, column: &Value) -> usize {
    let (line, column) = (line.as_u64().unwrap() as usize, column.as_u64().unwrap() as usize);
    let start: usize = text.split_inclusive('\n').take(line - 1).map(str::len).sum();
    let rest = &text[start..];
    start + rest.char_indices().nth(column - 1).map_or(rest.len(), |(at, _)| at)
}

/// The texts with the change of a result, as any reader of SARIF would apply it.
fn apply(repository: &Repository, fix: &Value) {
    for change in fix["artifactChanges"].as_array().unwrap() {
        let file = change["artifactLocation"]["uri"].as_str().unwrap();
        let mut text = repository.read(file);
        for replacement in change["replacements"].as_array().unwrap().iter().rev() {
            let region = &replacement["deletedRegion"];
            let start = offset(&text, &region["startLine"], &region["startColumn"]);
            let end = offset(&text, &region["endLine"], &region["endColumn"]);
            let inserted = replacement["insertedContent"]["text"].as_str().unwrap_or("");
            text.replace_range(start..end, inserted);
        }
        repository.write(file, &text);
    }
}

fn key(result: &Value) -> (String, String) {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    (
        text(&result["ruleId"]),
        text(&result["partialFingerprints"]["portcullis/v1"]),
    )
}

fn same_reach(repository: &Repository) {
    let ran = portcullis(repository.path(), &["diff", "HEAD.."]);
    assert!(
        ran.status == 0 && ran.out.starts_with("no change in who can reach what"),
        "{}",
        ran.out
    );
}

#[test]
fn each_fix_mends_its_finding_and_all_of_them_together() {
    for (file, text) in FILES {
        for rules in [&RULES[..], &REDUNDANT[..]] {
            let repository = Repository::new();
            repository.write(file, &text(rules));
            repository.commit("base");
            let (results, log) = scanned(&repository);
            follows_the_schema(&log);
            let fixable: Vec<&Value> = results.iter().filter(|one| one["fixes"].is_array()).collect();
            let found: Vec<String> = results.iter().map(|one| key(one).0).collect();
            let wanted = results
                .iter()
                .filter(|one| FIXABLE.contains(&one["ruleId"].as_str().unwrap()))
                .count();
            assert_eq!((fixable.len(), wanted), (3, 3), "{file}: {found:?} {fixable:#?}");
            for result in &fixable {
                repository.write(file, &text(rules));
                apply(&repository, &result["fixes"][0]);
                let (after, _) = scanned(&repository);
                let gone = !after.iter().any(|other| key(other) == key(result));
                assert!(gone, "{file} {:?}: {}", key(result), repository.read(file));
                same_reach(&repository);
            }
            // One after the other, each time with what a new scan says.
            repository.write(file, &text(rules));
            for _ in 0..3 {
                let (results, _) = scanned(&repository);
                let next = results.iter().find(|one| one["fixes"].is_array()).unwrap();
                apply(&repository, &next["fixes"][0]);
            }
            let (after, _) = scanned(&repository);
            let left: Vec<_> = after
                .iter()
                .map(key)
                .filter(|(rule, _)| FIXABLE.contains(&rule.as_str()))
                .collect();
            assert_eq!(left, [], "{}", repository.read(file));
            same_reach(&repository);
        }
    }
}

#[test]
fn of_two_equal_rules_one_goes() {
    let equal: [Rule; 2] = [
        ("one", 100, "Allow", "10.0.0.0/8", "22"),
        ("other", 110, "Allow", "10.0.0.0/8", "22"),
    ];
    for (file, text) in FILES {
        let repository = Repository::new();
        repository.write(file, &text(&equal));
        let (results, _) = scanned(&repository);
        let of_rules = results.iter().filter(|one| one["ruleId"] != "jit-window-too-long");
        let offered: Vec<&Value> = of_rules
            .filter(|one| one["fixes"].is_array())
            .map(|one| &one["ruleId"])
            .collect();
        assert_eq!(offered, ["shadowed-rule"], "{file}");
    }
}

#[test]
fn a_text_that_states_more_than_the_finding_is_left_alone() {
    let rules = "security_rule {\n    name = each.value\n";
    let literal = terraform(&RULES);
    let looped = literal.replace(
        "security_rule {\n    name                       = \"shadowed\"\n",
        rules,
    );
    let twice = [
        ("main.tf", "module \"a\" {\n  source = \"./m\"\n  name   = \"a\"\n}\nmodule \"b\" {\n  source = \"./m\"\n  name   = \"b\"\n}\n".to_owned()),
        ("m/main.tf", format!("variable \"name\" {{}}\n{}", literal.replace("\"grüße\"", "var.name"))),
    ];
    let dynamic = literal
        .replacen(
            "  # shadowed {\n  security_rule {\n",
            "  dynamic \"security_rule\" {\n    for_each = [1]\n    content {\n",
            1,
        )
        .replacen(
            "description                = \"} ${upper(\"}\")}\"\n  }\n\n  # https",
            "description                = \"x\"\n  }\n  }\n\n  # https",
            1,
        );
    let bicep_loop = "resource group 'Microsoft.Network/networkSecurityGroups@2023-09-01' = {\n  name: 'g'\n  location: 'westeurope'\n  properties: {\n    \
        securityRules: [for i in range(0, 2): {\n      name: 'r${i}'\n      properties: {\n        priority: 100 + i\n        direction: 'Inbound'\n        \
        access: 'Allow'\n        protocol: 'Tcp'\n        sourceAddressPrefix: '10.0.0.0/8'\n        sourcePortRange: '*'\n        \
        destinationAddressPrefix: '*'\n        destinationPortRange: '22'\n      }\n    }]\n  }\n}\n";
    let cases: Vec<Vec<(&str, String)>> = vec![
        twice.to_vec(),
        vec![("main.tf", dynamic)],
        vec![("main.bicep", bicep_loop.to_owned())],
    ];
    assert_ne!(looped, literal);
    for files in cases {
        let repository = Repository::new();
        for (name, text) in &files {
            repository.write(name, text);
        }
        let (results, _) = scanned(&repository);
        let shadowed: Vec<&Value> = results
            .iter()
            .filter(|one| {
                one["ruleId"] == "shadowed-rule" && !one["message"]["text"].as_str().unwrap().contains("also-shadowed")
            })
            .collect();
        assert!(!shadowed.is_empty(), "{files:?} {results:#?}");
        for one in shadowed {
            assert!(one["fixes"].is_null(), "{one:#}");
        }
    }
}

#[test]
fn a_recording_is_no_text_to_mend() {
    let repository = Repository::new();
    let rules: Vec<String> = RULES.iter().map(|rule| json_rule(rule, "")).collect();
    let id = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/networkSecurityGroups/a";
    repository.write(
        "nsgs.json",
        &format!(
            "[ {{ \"id\": \"{id}\", \"properties\": {{ \"securityRules\": [ {} ] }} }} ]",
            rules.join(",\n")
        ),
    );
    let (results, _) = scanned(&repository);
    assert!(results.iter().any(|one| one["ruleId"] == "shadowed-rule"));
    assert!(results.iter().all(|one| one["fixes"].is_null()), "{results:#?}");
}

fn follows_the_schema(log: &Value) {
    let Some(path) = std::env::var_os("PORTCULLIS_SARIF_SCHEMA") else {
        return;
    };
    let schema = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<String> = validator.iter_errors(log).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:#?}");
}
