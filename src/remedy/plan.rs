//! The plan as data: what is to be changed, why, and the proof. Published as `docs/plan.schema.json`; must not know how
//! it is made or carried out.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::digest;

/// Always the value of [`Plan::format`].
pub const FORMAT: &str = "portcullis-plan";
/// Version of the shape; a change that breaks a reader raises it.
pub const VERSION: u32 = 1;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Always `portcullis-plan`.
    pub format: String,
    /// Version of this shape, now 1.
    pub version: u32,
    /// Name and version of the tool that made it.
    pub tool: String,
    /// When it was made, RFC 3339 UTC.
    pub made: String,
    /// Digest of the inventory that it was made from.
    pub inventory: String,
    /// Tenant of that inventory, where it says it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub tenant: Option<String>,
    /// Subscriptions that steps change something in.
    pub subscriptions: Vec<String>,
    /// Subscriptions that the inventory lies in; they are read again to verify.
    pub read: Vec<String>,
    /// The management ports, ascending.
    pub ports: Vec<u16>,
    /// In the order in which they may be carried out.
    pub steps: Vec<Step>,
    pub proof: Proof,
    /// What to know before: owners in code, policies that may take a change back.
    pub warnings: Vec<String>,
    /// Findings that stay, with who can mend them and why the plan does not.
    pub unmended: Vec<Unmended>,
    /// Digest of everything above: what `--approve` names.
    pub digest: String,
}

/// One change of one smallest resource.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Position in the plan, from 1.
    pub number: u32,
    /// Name of the remedy.
    pub remedy: String,
    /// Steps of a phase begin when all of the phase before are verified.
    pub phase: u8,
    /// ARM id of the resource that is written.
    pub target: String,
    /// The part of it that is meant: of a just-in-time policy, the id of the machine.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub part: Option<String>,
    pub api_version: String,
    /// Steps of one lane are carried out one after the other: the group or the policy.
    pub lane: String,
    /// The fields that the step sets, as they are; `null`: it does not exist.
    pub before: Option<Value>,
    /// The same fields as they will be; `null`: it is deleted.
    pub after: Option<Value>,
    /// What the service does itself when the step is done, and what is waited for.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub expects: Vec<Expected>,
    /// One sentence, lower case, no full stop.
    pub reason: String,
    /// The findings for which it is there.
    pub mends: Vec<Mended>,
}

/// A Deny rule that just-in-time access writes by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Expected {
    /// ARM id of the network security group.
    pub group: String,
    /// Private address of the machine.
    pub address: String,
    pub ports: Vec<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Mended {
    /// Id of the rule.
    pub rule: String,
    /// ARM id of the subject.
    pub subject: String,
    pub fingerprint: String,
    pub message: String,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Unmended {
    pub rule: String,
    pub subject: String,
    pub message: String,
    /// Who can do something about it.
    pub owner: String,
    pub reason: String,
}

/// What the recomputed estate says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    /// Machines whose verdict becomes healthy.
    pub healthy: Vec<String>,
    /// Findings that are gone.
    pub mended: Vec<Mended>,
    /// Who loses access: by machine and port, TCP.
    pub losses: Vec<Loss>,
    /// Who gets access, where that was asked for: a plan that mends gives nobody access.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub gains: Vec<Loss>,
    /// Machines behind a group that is changed, that no finding of the plan is about.
    pub bystanders: Vec<String>,
    /// Machines and ports whose admitted sets were compared.
    pub machines: u64,
    /// Classes of ports that no rule tells apart; one port of each was compared.
    pub port_classes: u64,
    /// Protocols for which the sets were compared.
    pub protocols: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Loss {
    pub machine: String,
    /// Interface and ip configuration.
    pub address: String,
    pub port: u16,
    /// How many addresses, decimal.
    pub count: String,
    /// As minimal CIDRs, at most 32.
    pub sources: Vec<String>,
    /// How many CIDRs more.
    #[serde(skip_serializing_if = "is_zero", default)]
    pub more: u64,
    /// Service tags without data, whose addresses lose access too.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub tags: Vec<String>,
}

fn is_zero(value: &u64) -> bool {
    *value == 0
}

impl Plan {
    /// The digest of everything but the digest.
    pub fn computed_digest(&self) -> String {
        let bare = Plan {
            digest: String::new(),
            ..self.clone()
        };
        serde_json::to_value(bare).map_or_else(|error| error.to_string(), |value| digest::of(&value))
    }

    /// Reads a plan; the error says what is wrong with it and what to do.
    pub fn parse(text: &str) -> Result<Plan, String> {
        let value: Value = serde_json::from_str(text).map_err(|error| format!("it is no JSON: {error}"))?;
        if value.get("format").and_then(Value::as_str) != Some(FORMAT) {
            return Err("it is no plan; write one with `portcullis plan PATH... -o plan.json`".to_owned());
        }
        match value.get("version").and_then(Value::as_u64) {
            Some(version) if version == u64::from(VERSION) => {}
            Some(version) => {
                return Err(format!(
                    "it has version {version} and this program reads {VERSION}; make the plan again"
                ));
            }
            None => return Err("it states no version; make the plan again".to_owned()),
        }
        let plan: Plan = serde_json::from_value(value).map_err(|error| format!("it is not whole: {error}"))?;
        let computed = plan.computed_digest();
        if computed != plan.digest {
            return Err(format!(
                "it was changed after it was made: its digest says `{}` and it has `{computed}`; make the plan again",
                plan.digest
            ));
        }
        Ok(plan)
    }
}

/// The JSON Schema of plans.
pub fn json_schema() -> Value {
    schemars::schema_for!(Plan).to_value()
}
