//! The steps of a plan for people who run them through a pipeline of their own: Azure CLI, PowerShell, Terraform
//! (azapi) and Bicep. Bodies are the same JSON that `apply` would send. An entry of a just-in-time policy is a part of a
//! list that must be read just before, so scripts merge it and templates only tell it.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::{encoded, subject, verb};
use crate::model::ResourceId;
use crate::remedy::plan::{Plan, Step};
use crate::remedy::projection::{self, Kind};

/// A notation for steps.
pub struct Language {
    pub name: &'static str,
    pub write: fn(&Plan) -> String,
}

pub const LANGUAGES: &[Language] = &[
    Language { name: "az", write: az },
    Language {
        name: "powershell",
        write: powershell,
    },
    Language {
        name: "terraform",
        write: terraform,
    },
    Language {
        name: "bicep",
        write: bicep,
    },
];

fn each(plan: &Plan, comment: &str, write: impl Fn(&Step) -> String) -> String {
    let mut out = format!(
        "{comment} Plan {}: {} steps. Run them in this order.\n{comment} Nothing here checks for drift or waits: see that the Deny rules of just-in-time access are there before rules are closed.\n",
        plan.digest,
        plan.steps.len()
    );
    for step in &plan.steps {
        // Writing to a string does not fail.
        let _ = writeln!(
            out,
            "\n{comment} {}. {} {}: {}",
            step.number,
            verb(step),
            line(&subject(step)),
            line(&step.reason)
        );
        out.push_str(&write(step));
    }
    out
}

/// A text that stays on the line of its comment.
fn line(text: &str) -> String {
    super::plain(text)
}

fn url(step: &Step) -> String {
    format!(
        "https://management.azure.com{}?api-version={}",
        encoded(&step.target),
        step.api_version
    )
}

/// What stands in single quotes in a POSIX shell.
fn shell(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// What stands in single quotes in PowerShell, which takes curly ones for quotes too.
fn power(text: &str) -> String {
    let doubled = text.chars().flat_map(|c| match c {
        '\'' | '\u{2018}' | '\u{2019}' | '\u{201a}' | '\u{201b}' => vec![c, c],
        c => vec![c],
    });
    format!("'{}'", doubled.collect::<String>())
}

fn body(after: &Value) -> String {
    json!({ "properties": after }).to_string()
}

/// The entry of a machine as the policy lists it.
fn entry(step: &Step, after: &Value) -> Value {
    let mut entry = Map::from_iter([("id".to_owned(), json!(step.part))]);
    entry.extend(after.as_object().cloned().unwrap_or_default());
    Value::Object(entry)
}

fn is_entry(step: &Step) -> bool {
    projection::kind(&ResourceId::new(&step.target)) == Some(Kind::JitEntry)
}

fn az(plan: &Plan) -> String {
    let write = |step: &Step| {
        let url = shell(&url(step));
        match (&step.after, is_entry(step)) {
            (after, true) => {
                let entry = after.as_ref().map_or(Value::Null, |after| entry(step, after));
                format!(
                    "policy=$(az rest --method get --url {url} 2>/dev/null || echo '{{\"kind\":\"Basic\",\"properties\":{{}}}}')\n\
                     printf '%s' \"$policy\" | jq --arg vm {} --argjson entry {} \\\n  \
                     '{{kind, location, properties: {{requests: (.properties.requests // []), virtualMachines:\n    \
                     ([(.properties.virtualMachines // [])[] | select((.id | ascii_downcase) != ($vm | ascii_downcase))] + [$entry | select(. != null)])}}}}' \\\n  \
                     > policy.json\naz rest --method put --url {url} --body @policy.json\n",
                    shell(step.part.as_deref().unwrap_or_default()),
                    shell(&entry.to_string()),
                )
            }
            (Some(after), false) => format!("az rest --method put --url {url} --body {}\n", shell(&body(after))),
            (None, false) => format!("az rest --method delete --url {url}\n"),
        }
    };
    format!("#!/bin/sh\nset -eu\n{}", each(plan, "#", write))
}

fn powershell(plan: &Plan) -> String {
    let write = |step: &Step| {
        let path = power(&format!("{}?api-version={}", encoded(&step.target), step.api_version));
        match (&step.after, is_entry(step)) {
            (after, true) => {
                let entry = after.as_ref().map_or(Value::Null, |after| entry(step, after));
                format!(
                    "$answer = Invoke-AzRestMethod -Method GET -Path {path}\n\
                     $policy = if ($answer.StatusCode -eq 200) {{ $answer.Content | ConvertFrom-Json -Depth 30 }} else {{ '{{\"kind\":\"Basic\",\"properties\":{{}}}}' | ConvertFrom-Json }}\n\
                     $machines = @(@($policy.properties.virtualMachines) | Where-Object {{ $_ -and $_.id -ne {} }})\n\
                     $entry = {} | ConvertFrom-Json -Depth 30\n\
                     if ($entry) {{ $machines += $entry }}\n\
                     $body = @{{ kind = $policy.kind; properties = @{{ virtualMachines = $machines; requests = @($policy.properties.requests | Where-Object {{ $_ }}) }} }}\n\
                     Invoke-AzRestMethod -Method PUT -Path {path} -Payload ($body | ConvertTo-Json -Depth 30)\n",
                    power(step.part.as_deref().unwrap_or_default()),
                    power(&entry.to_string()),
                )
            }
            (Some(after), false) => format!(
                "Invoke-AzRestMethod -Method PUT -Path {path} -Payload {}\n",
                power(&body(after))
            ),
            (None, false) => format!("Invoke-AzRestMethod -Method DELETE -Path {path}\n"),
        }
    };
    format!("$ErrorActionPreference = 'Stop'\n{}", each(plan, "#", write))
}

/// A string literal of HCL.
fn hcl(text: &str) -> String {
    json!(text).to_string().replace("${", "$${").replace("%{", "%%{")
}

fn terraform(plan: &Plan) -> String {
    let write = |step: &Step| {
        let target = ResourceId::new(&step.target);
        let parent = target
            .parent()
            .map(|parent| parent.as_str().to_owned())
            .unwrap_or_default();
        match (&step.after, is_entry(step)) {
            (after, true) => told(
                "#",
                "in the resource that holds the policy",
                &after.as_ref().map_or(Value::Null, |after| entry(step, after)),
            ),
            (Some(after), false) => format!(
                "resource \"azapi_resource\" \"step_{}\" {{\n  type      = {}\n  name      = {}\n  parent_id = {}\n  body      = jsondecode({})\n}}\n",
                step.number,
                hcl(&format!(
                    "Microsoft.Network/networkSecurityGroups/securityRules@{}",
                    step.api_version
                )),
                hcl(target.name()),
                hcl(&parent),
                hcl(&body(after)),
            ),
            (None, false) => format!("# remove the resource of rule {} from the code\n", line(target.name())),
        }
    };
    each(plan, "#", write)
}

fn told(comment: &str, wher: &str, value: &Value) -> String {
    let what = if value.is_null() {
        "remove the entry"
    } else {
        "state this entry"
    };
    let pretty = serde_json::to_string_pretty(value).unwrap_or_default();
    let lines = pretty.lines().map(|text| format!("{comment}   {}\n", line(text)));
    format!("{comment} {what} {wher}:\n{}", lines.collect::<String>())
}

/// A value as Bicep writes it.
fn bicep_value(value: &Value, indent: usize) -> String {
    let pad = "  ".repeat(indent + 1);
    let end = "  ".repeat(indent);
    match value {
        Value::String(text) => bicep_text(text),
        Value::Array(items) => {
            let items = items
                .iter()
                .map(|item| format!("{pad}{}\n", bicep_value(item, indent + 1)));
            format!("[\n{}{end}]", items.collect::<String>())
        }
        Value::Object(members) => {
            let members = members
                .iter()
                .map(|(name, value)| format!("{pad}{}: {}\n", bicep_text(name), bicep_value(value, indent + 1)));
            format!("{{\n{}{end}}}", members.collect::<String>())
        }
        plain => plain.to_string(),
    }
}

fn bicep_text(text: &str) -> String {
    let escaped = text
        .replace('\\', "\\\\")
        .replace('\'', "\\'")
        .replace("${", "\\${")
        .replace('\n', "\\n")
        .replace('\r', "\\r");
    format!("'{escaped}'")
}

fn bicep(plan: &Plan) -> String {
    let write = |step: &Step| {
        let target = ResourceId::new(&step.target);
        let group = target
            .parent()
            .map(|parent| parent.name().to_owned())
            .unwrap_or_default();
        match (&step.after, is_entry(step)) {
            (after, true) => told(
                "//",
                "in the resource that holds the policy",
                &after.as_ref().map_or(Value::Null, |after| entry(step, after)),
            ),
            (Some(after), false) => format!(
                "// scope: resource group {}\nresource step{} 'Microsoft.Network/networkSecurityGroups/securityRules@{}' = {{\n  name: {}\n  properties: {}\n}}\n",
                line(target.resource_group()),
                step.number,
                step.api_version,
                bicep_text(&format!("{group}/{}", target.name())),
                bicep_value(after, 1),
            ),
            (None, false) => format!(
                "// remove rule {} from the code, and delete it: a deployment does not\n",
                line(target.name())
            ),
        }
    };
    each(plan, "//", write)
}
