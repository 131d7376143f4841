//! Links among the inputs: those that stay within are the files that they lead to, others are told and never read.

#![cfg(unix)]
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "what is missing fails the test"
)]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use assert_cmd::Command;
use serde_json::Value;

const GROUP: &str = r#"
resource "azurerm_network_security_group" "NAME" {
  name                = "NAME"
  location            = "westeurope"
  resource_group_name = "rg"
  security_rule {
    name                       = "ssh"
    priority                   = 100
    direction                  = "Inbound"
    access                     = "Allow"
    protocol                   = "Tcp"
    source_port_range          = "*"
    destination_port_range     = "22"
    source_address_prefix      = "*"
    destination_address_prefix = "*"
  }
}
"#;

fn scanned(directory: &Path) -> (i32, Value) {
    let mut command = Command::cargo_bin("portcullis").unwrap();
    let output = command
        .args(["scan", "--format", "json"])
        .arg(directory)
        .output()
        .unwrap();
    let report = serde_json::from_slice(&output.stdout).unwrap();
    (output.status.code().unwrap(), report)
}

fn subjects(report: &Value) -> Vec<&str> {
    let findings = report["findings"].as_array().unwrap();
    findings
        .iter()
        .map(|one| one["subject"]["name"].as_str().unwrap())
        .collect()
}

#[test]
fn a_link_within_is_the_file_and_one_out_of_the_inputs_is_told() {
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("secret.tf"), GROUP.replace("NAME", "secret")).unwrap();
    let inside = tempfile::tempdir().unwrap();
    let root = inside.path();
    fs::create_dir_all(root.join("shared")).unwrap();
    fs::create_dir_all(root.join("prod")).unwrap();
    fs::write(root.join("shared/group.txt"), GROUP.replace("NAME", "shared")).unwrap();
    symlink("../shared/group.txt", root.join("prod/group.tf")).unwrap();
    let (status, report) = scanned(root);
    assert_eq!((status, subjects(&report)), (1, vec!["shared/ssh"]));

    symlink(outside.path().join("secret.tf"), root.join("prod/other.tf")).unwrap();
    symlink("nowhere.tf", root.join("prod/broken.tf")).unwrap();
    symlink(outside.path(), root.join("prod/directory")).unwrap();
    symlink(root, root.join("prod/circle")).unwrap();
    let (status, report) = scanned(root);
    assert_eq!((status, subjects(&report)), (3, vec!["shared/ssh"]));
    let said: Vec<&str> = report["diagnostics"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|one| one["code"] == "unreadable")
        .map(|one| one["message"].as_str().unwrap())
        .collect();
    assert!(
        said.iter()
            .any(|one| one.contains("prod/other.tf") && one.contains("leads out of the directory")),
        "{said:?}"
    );
    assert!(
        said.iter()
            .any(|one| one.contains("prod/broken.tf") && one.contains("leads nowhere")),
        "{said:?}"
    );
    assert_eq!(said.len(), 2, "{said:?}");
}
