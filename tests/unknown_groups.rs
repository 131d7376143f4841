//! Groups of whose rules nothing is known: silence about them would be taken for a clean bill of health.

#![expect(clippy::unwrap_used, reason = "what is missing fails the test")]

mod infra;

use infra::report_of;
use portcullis::rule::Verdict;

const TERRAFORM: &str = r#"
variable "rules" {
  type = list(object({ name = string, port = string }))
}
resource "azurerm_network_security_group" "web" {
  name                = "web"
  location            = "westeurope"
  resource_group_name = "rg"
  dynamic "security_rule" {
    for_each = var.rules
    content {
      name                       = security_rule.value.name
      priority                   = 100
      direction                  = "Inbound"
      access                     = "Allow"
      protocol                   = "Tcp"
      source_port_range          = "*"
      destination_port_range     = security_rule.value.port
      source_address_prefix      = "*"
      destination_address_prefix = "*"
    }
  }
}
"#;

const ARM: &str = r#"{
  "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
  "contentVersion": "1.0.0.0",
  "parameters": { "rules": { "type": "array" } },
  "resources": [{
    "type": "Microsoft.Network/networkSecurityGroups", "apiVersion": "2024-05-01", "name": "web", "location": "westeurope",
    "properties": { "securityRules": "[parameters('rules')]" }
  }]
}"#;

const BICEP: &str = r"
param rules array
resource web 'Microsoft.Network/networkSecurityGroups@2024-05-01' = {
  name: 'web'
  location: 'westeurope'
  properties: {
    securityRules: [for rule in rules: {
      name: rule.name
      properties: rule.properties
    }]
  }
}
";

#[test]
fn a_group_whose_rules_are_unknown_is_undetermined_and_names_the_unknown() {
    for (file, text) in [("main.tf", TERRAFORM), ("main.json", ARM), ("main.bicep", BICEP)] {
        let report = report_of(&[(file.to_owned(), text.to_owned())]);
        let [found] = report.findings.as_slice() else {
            unreachable!("{file}: {:#?}", report.findings)
        };
        assert_eq!(&*found.rule, "management-port-admitted", "{file}");
        assert_eq!(
            (found.verdict, &*found.subject.name),
            (Verdict::Undetermined, "web"),
            "{file}"
        );
        let location = found.subject.location.as_ref().unwrap();
        assert_eq!(&*location.file, file);
        assert!(found.message.contains("`rules`"), "{file}: {}", found.message);
    }
}
