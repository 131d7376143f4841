//! Microsoft Defender for Cloud as facts: the plan that applies to a machine, and its own verdict.

use std::sync::Arc;

use super::vm::VmFacts;
use crate::model::{Assessment, Inventory, Known, Pricing, ResourceId, Why, choices};
use crate::rule::fact::Fact;

pub(super) fn is_servers(pricing: &Pricing) -> bool {
    pricing.name.eq_ignore_ascii_case("VirtualMachines")
}

pub(super) fn jit_assessments(inventory: &Inventory) -> impl Iterator<Item = &Assessment> {
    inventory
        .assessments
        .iter()
        .filter(|assessment| &*assessment.key == Assessment::JIT)
}

pub(super) fn of_machine(facts: &VmFacts<'_, '_>) -> Fact {
    let assessment = facts.estate.assessments.get(&facts.vm.id);
    let absent = || Fact::Unknown(Arc::from("Defender's own verdict is not in the input"));
    let cause = assessment.map(|assessment| assessment.cause.clone().map_or_else(|| Fact::text(""), Fact::Text));
    Fact::record([
        ("plan", plan(facts)),
        ("jit_included", jit_included(facts)),
        (
            "assessment",
            assessment.map_or_else(absent, |assessment| Fact::Text(assessment.code.clone())),
        ),
        ("assessment_cause", cause.unwrap_or_else(absent)),
    ])
}

/// The plan of the machine itself, else of its subscription; where neither is stated, the one that was chosen.
fn plan(facts: &VmFacts<'_, '_>) -> Fact {
    let own = facts.estate.pricings.get(&facts.vm.id);
    let subscription = ResourceId::new(&format!("/subscriptions/{}", facts.vm.id.subscription()));
    if let Some(pricing) = own.or_else(|| facts.estate.pricings.get(&subscription)) {
        return plan_name(pricing);
    }
    let inventory = facts.estate.inventory;
    match inventory.choices.of(&choices::DEFENDER_PLAN) {
        "unknown" => {
            let missing = inventory
                .coverage
                .missing(facts.vm.id.subscription(), "microsoft.security/pricings");
            let reason = missing.map(|reason| format!("Defender plans were not read: {reason}"));
            Fact::Unknown(Arc::from(
                reason.unwrap_or_else(|| "the Defender plan is not in the input".to_owned()),
            ))
        }
        chosen => Fact::text(in_words(chosen)),
    }
}

/// An absent sub-plan means the full plan.
fn plan_name(pricing: &Pricing) -> Fact {
    let words = |why: &Why| Fact::Unknown(Arc::from(why.to_string()));
    match (&pricing.tier, &pricing.sub_plan) {
        (Known::Known(tier), _) if !tier.eq_ignore_ascii_case("Standard") => Fact::text("free"),
        (Known::Unknown(why), _) | (_, Known::Unknown(why)) => words(why),
        (_, Known::Known(plan)) => Fact::text(plan.as_deref().map_or_else(|| "P2".to_owned(), in_words)),
    }
}

/// As the portal writes it.
fn in_words(plan: &str) -> String {
    match plan.eq_ignore_ascii_case("free") {
        true => "free".to_owned(),
        false => plan.to_ascii_uppercase(),
    }
}

pub(super) fn jit_included(facts: &VmFacts<'_, '_>) -> Fact {
    match plan(facts) {
        Fact::Text(plan) => Fact::Bool(&*plan == "P2"),
        unknown => unknown,
    }
}
