//! The answer to a trace, as plain data in its published JSON shape. The console is written from it and nothing else.

use std::net::IpAddr;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::find::{Found, is_at};
use super::judge::Status;
use super::machine::{Estate, Machine};
use super::question::{From, Question, trace};
use super::ways::Way;
use super::words::{self, Words};
use crate::model::Inventory;
use crate::net::Protocol;
use crate::source::{Location, Sources};

/// Version of the JSON shape; a change that breaks a reader raises it.
pub const FORMAT_VERSION: u32 = 1;

/// What a trace has to say.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Answer {
    /// Version of this shape, now 1.
    pub format_version: u32,
    pub question: Asked,
    pub machine: Subject,
    /// The most open of the ports.
    pub status: Status,
    /// False when something of the estate was not read: a way in may be missing.
    pub complete: bool,
    pub ports: Vec<PortAnswer>,
}

/// What was asked, as typed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Asked {
    pub from: String,
    pub to: String,
    /// `tcp` or `udp`.
    pub protocol: String,
    /// The source port; absent when the client may choose it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub from_port: Option<u16>,
}

/// The machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Subject {
    pub name: Arc<str>,
    pub id: Arc<str>,
}

/// The answer for one port of the machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PortAnswer {
    pub port: u16,
    /// The most open of the traces.
    pub status: Status,
    pub sentence: String,
    /// One for each way in that the sender can take.
    pub traces: Vec<Trace>,
}

/// One packet on one way in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Trace {
    pub way: Way,
    /// Interface and ip configuration, such as `nic-web/ipconfig1`.
    pub target: String,
    /// Private address of the machine; absent where the platform chooses it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub address: Option<IpAddr>,
    /// Source of the packet; of a sender that stands for many, the one that got farthest.
    pub source: IpAddr,
    /// The service tag as an address of which it got there.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub source_tag: Option<String>,
    pub source_port: u16,
    pub status: Status,
    pub sentence: String,
    /// From the sender on, as far as the packet gets.
    pub hops: Vec<Hop>,
}

/// One station of a packet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Hop {
    pub kind: HopKind,
    /// Name of what stands here: an address, a group, a firewall.
    pub name: String,
    /// ARM id, where it is a resource.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub id: Option<Arc<str>>,
    pub effect: HopEffect,
    /// The rule or route that decides.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub rule: Option<Arc<str>>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub priority: Option<u32>,
    /// Where the rule is stated; absent for rules that Azure adds.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub location: Option<Location>,
    pub sentence: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HopKind {
    Source,
    PublicIp,
    LoadBalancer,
    Firewall,
    AdminRule,
    SubnetNsg,
    NicNsg,
    /// What the platform does where no group filters.
    Platform,
    /// How the answer leaves.
    Route,
    Machine,
}

/// What a station does with the packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HopEffect {
    Passes,
    Stops,
    /// An unknown decides.
    Unknown,
}

/// What is asked about a machine.
pub struct Request<'r> {
    pub from: &'r From,
    pub asked: Asked,
    pub source_port: Option<u16>,
    pub protocol: Protocol,
    pub ports: &'r [u16],
}

/// Traces a request to the machine that was found.
pub fn answer(inventory: &Inventory, sources: &Sources, found: Found<'_>, request: Request<'_>) -> Answer {
    let estate = Estate::of(inventory);
    let mut machine = estate.machine(found.vm);
    if let Some(only) = found.only {
        machine
            .targets
            .retain(|target| is_at(inventory, target.configuration, only));
    }
    let words = Words {
        inventory,
        sources,
        estate: &estate,
        from: request.from,
    };
    let port = |port: &u16| {
        let question = Question {
            from: request.from,
            source_port: request.source_port,
            protocol: request.protocol,
            port: *port,
        };
        port_answer(&words, &machine, &question)
    };
    let ports: Vec<PortAnswer> = request.ports.iter().map(port).collect();
    Answer {
        format_version: FORMAT_VERSION,
        question: request.asked,
        machine: Subject {
            name: Arc::from(found.vm.id.name()),
            id: found.vm.id.text().clone(),
        },
        status: ports.iter().map(|port| port.status).max().unwrap_or(Status::Closed),
        complete: inventory.coverage.is_complete(),
        ports,
    }
}

fn port_answer(words: &Words<'_, '_>, machine: &Machine<'_>, question: &Question<'_>) -> PortAnswer {
    let traced = trace(words.estate, machine, question);
    let traces: Vec<Trace> = traced.iter().map(|traced| words.trace(traced, question)).collect();
    let mut status = traces.iter().map(|trace| trace.status).max().unwrap_or(Status::Closed);
    let gap = machine.gap.as_ref().filter(|_| status != Status::Open);
    if gap.is_some() {
        status = Status::Undetermined;
    }
    let sentence = words::summary(words.from, machine, question, status, &traces, gap);
    PortAnswer {
        port: question.port,
        status,
        sentence,
        traces,
    }
}

/// The JSON Schema (2020-12) of the answer.
pub fn json_schema() -> serde_json::Value {
    let mut schema = schemars::schema_for!(Answer);
    schema.insert("title".into(), "Portcullis trace".into());
    schema.to_value()
}
