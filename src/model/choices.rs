//! Readings of what Azure does not document, or what no input settles: one question each, with the answers that can be
//! chosen. `rule::assumption` words them.

use std::collections::BTreeMap;

/// A question by name, with its answers; the first is taken unless another is chosen.
#[derive(Debug, PartialEq, Eq)]
pub struct Question {
    pub name: &'static str,
    pub answers: &'static [&'static str],
}

macro_rules! questions {
    ($($(#[$doc:meta])* $constant:ident = $name:literal: $($answer:literal)|+;)+) => {
        $($(#[$doc])* pub const $constant: Question = Question { name: $name, answers: &[$($answer),+] };)+
        /// Every question.
        pub const QUESTIONS: &[Question] = &[$($constant),+];
    };
}

questions! {
    /// Whether just-in-time policies may exist that were not given.
    JIT = "jit": "none" | "unknown";
    /// Which plan of Defender for Servers machines have of which no plan is stated.
    DEFENDER_PLAN = "defender-plan": "unknown" | "p2" | "p1" | "free";
    /// Which families `0.0.0.0/0` covers.
    ZERO_PREFIX = "zero-prefix": "ipv4" | "both";
    /// Whether `Internet` keeps the addresses that a route puts into `VirtualNetwork`.
    ROUTED_INTERNET = "routed-internet": "kept" | "shrinks";
    /// Which routes put their prefix into `VirtualNetwork`.
    ROUTE_TAG = "route-tag": "appliance-or-gateway" | "appliance" | "every-hop";
    /// What an AlwaysAllow rule does to a Standard address without a group.
    ALWAYS_ALLOW = "always-allow": "unknown" | "open" | "closed";
    /// Whether a Deny network rule of a firewall stops what its NAT rules let through.
    DENY_AFTER_NAT = "deny-after-nat": "ignored" | "overrides" | "unknown";
    /// Which address machines see of a firewall in a virtual hub that translates.
    HUB_NAT = "hub-nat": "hub-prefix" | "unknown";
    /// Whether a firewall policy inherits the NAT rules of its parent.
    PARENT_NAT = "parent-nat": "inherited" | "own";
    /// Whether a peering that does not say whether it allows access allows it.
    PEERING_ACCESS = "peering-access": "allowed" | "denied" | "unknown";
    /// Whether a group whose members stand in several networks is a source with all of them.
    ASG_MEMBERS = "asg-members": "all" | "unknown";
    /// Whether a network group with static members may have others that a policy adds.
    GROUP_MEMBERS = "group-members": "static" | "unknown";
    /// What a public address or load balancer is that states no SKU.
    UNSTATED_SKU = "unstated-sku": "basic" | "standard" | "unknown";
    /// Whether templates of one directory are deployed to one resource group.
    ONE_GROUP = "one-group": "directory" | "apart";
    /// What the unknown address space of a network may hold.
    UNKNOWN_SPACE = "unknown-space": "any" | "private";
}

/// The answers chosen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choices {
    chosen: BTreeMap<&'static str, &'static str>,
}

impl Choices {
    /// Takes `NAME=VALUE`. The error says which names or values there are.
    pub fn choose(&mut self, text: &str) -> Result<(), String> {
        let (name, answer) = text.split_once('=').unwrap_or((text, ""));
        let Some(question) = QUESTIONS.iter().find(|question| question.name == name) else {
            let names: Vec<&str> = QUESTIONS.iter().map(|question| question.name).collect();
            return Err(format!(
                "there is no assumption `{name}`; there are {}",
                names.join(", ")
            ));
        };
        let Some(answer) = question.answers.iter().find(|known| **known == answer) else {
            return Err(format!("`{name}` is one of {}", question.answers.join(", ")));
        };
        self.chosen.insert(question.name, answer);
        Ok(())
    }

    pub fn of(&self, question: &Question) -> &'static str {
        let first = question.answers.first().copied().unwrap_or_default();
        self.chosen.get(question.name).copied().unwrap_or(first)
    }

    pub fn is(&self, question: &Question, answer: &str) -> bool {
        self.of(question) == answer
    }
}
