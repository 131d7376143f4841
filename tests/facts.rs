//! The facts that the schema promises are the facts that are gathered: same names, same types.
#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a fact without its parts fails the test"
)]

mod estate;

use estate::*;
use jiff::Timestamp;
use portcullis::rule::SubjectKind;
use portcullis::rule::fact::{Fact, FactSource, FactType, Field};
use portcullis::rule::facts::{Estate as FactEstate, JitEntryFacts, SecurityRuleFacts, VmFacts};
use portcullis::rule::schema::roots;
use serde_json::json;

/// An estate in which every record of the schema has at least one instance.
fn everything() -> Analysed {
    let vm = id("Microsoft.Compute/virtualMachines", "vm");
    let nat = json!({ "name": "ssh", "protocols": ["TCP"], "sourceAddresses": ["*"], "destinationAddresses": ["20.0.0.5"],
        "destinationPorts": ["50022"], "translatedAddress": "10.0.0.4", "translatedPort": "22" });
    let firewall_subnet = json!({ "name": "AzureFirewallSubnet", "id": subnet_id("AzureFirewallSubnet"),
        "properties": { "addressPrefix": "10.0.9.0/26" } });
    Estate::new()
        .public()
        .network("subnets", json!([firewall_subnet]))
        .subnet_nsg(vec![rule("ssh", 300, "Allow", "Internet", "22"), rule("late", 400, "Allow", "Internet", "22")])
        .add(json!({ "id": id("Microsoft.Network/azureFirewalls", "fw"), "properties": {
            "ipConfigurations": [{ "name": "c", "properties": {
                "privateIPAddress": "10.0.9.4", "subnet": { "id": subnet_id("AzureFirewallSubnet") } } }],
            "natRuleCollections": [{ "name": "nat", "properties": {
                "priority": 100, "action": { "type": "Dnat" }, "rules": [nat] } }] } }))
        .add(json!({ "id": id("Microsoft.Security/locations/westeurope/jitNetworkAccessPolicies", "default"),
            "location": "westeurope", "properties": { "virtualMachines": [{ "id": vm, "ports": [
                { "number": 22, "protocol": "*", "allowedSourceAddressPrefix": "*", "maxRequestAccessDuration": "PT3H" }] }] } }))
        .analyse()
}

fn check(fact: &Fact, ty: FactType, path: &str) {
    match (fact, ty) {
        (Fact::Unknown(why), _) => assert!(!why.starts_with("there is no fact"), "{path}: {why}"),
        (Fact::Bool(_), FactType::Bool) | (Fact::Int(_), FactType::Int) => {}
        (Fact::Double(_), FactType::Double) | (Fact::Text(_), FactType::Text) => {}
        (Fact::List(items), FactType::List(item)) => items.iter().for_each(|fact| check(fact, *item, path)),
        (Fact::Map(entries), FactType::Map(value)) => entries.values().for_each(|fact| check(fact, *value, path)),
        (Fact::Record(found), FactType::Record(fields)) => {
            let names: Vec<&str> = found.iter().map(|(name, _)| *name).collect();
            let promised: Vec<&str> = fields.iter().map(|field| field.name).collect();
            assert_eq!(names, promised, "{path}");
            for ((_, fact), field) in found.iter().zip(fields) {
                check(fact, field.ty, &format!("{path}.{}", field.name));
            }
        }
        _ => panic!("{path} is {fact:?}, not {ty:?}"),
    }
}

fn check_all(facts: &dyn FactSource, fields: &[Field]) {
    for field in fields {
        check(&facts.fact(field.name), field.ty, field.name);
    }
}

#[test]
fn every_promised_fact_is_gathered_with_its_type() {
    let found = everything();
    let estate = FactEstate::new(found.inventory(), &found.exposures, Timestamp::UNIX_EPOCH);
    let vm = VmFacts::new(&estate, 0).unwrap();
    check_all(&vm, roots(SubjectKind::Vm));
    for (root, list) in [
        ("jit", "entries"),
        ("jit", "shadowed"),
        ("nsg", "layers"),
        ("firewall", "allows"),
    ] {
        let Fact::Record(fields) = vm.fact(root) else {
            panic!("{root}")
        };
        let Some((_, Fact::List(items))) = fields.iter().find(|(name, _)| *name == list) else {
            panic!("{root}.{list}")
        };
        assert!(
            !items.is_empty(),
            "{root}.{list} has no instance, so its fields are not checked"
        );
    }
    let nsg = found.inventory().nsgs.iter().next().unwrap();
    let rule = &nsg.rules.known().unwrap()[0];
    let shadowed_by = Some(vec!["ssh".into()]);
    let ports = &found.exposures.ports;
    let alone = portcullis::exposure::alone(found.inventory(), &found.reading.sources, ports);
    let facts = SecurityRuleFacts {
        estate: &estate,
        nsg_index: 0,
        nsg,
        rule,
        shadowed_by: shadowed_by.clone(),
        redundant_by: shadowed_by,
        attached: true,
        before_machine: true,
        partial: false,
        alone: alone.first(),
    };
    assert!(!alone[0].openings(&rule.name).is_empty());
    check_all(&facts, roots(SubjectKind::SecurityRule));
    let policy = found.inventory().jit_policies.iter().next().unwrap();
    let entry = &policy.entries.known().unwrap()[0];
    check_all(
        &JitEntryFacts {
            estate: &estate,
            policy,
            entry,
        },
        roots(SubjectKind::JitEntry),
    );
}

/// The plan of the only machine of an estate, as a fact.
fn plan(estate: Estate, choice: &str) -> Fact {
    let mut reading = estate.read();
    reading.inventory.choices.choose(choice).unwrap();
    let found = Analysed::of(reading);
    let facts = FactEstate::new(found.inventory(), &found.exposures, Timestamp::UNIX_EPOCH);
    let Fact::Record(fields) = VmFacts::new(&facts, 0).unwrap().fact("defender") else {
        panic!("no facts of Defender")
    };
    let found = fields.iter().find(|(name, _)| *name == "plan");
    found.unwrap().1.clone()
}

#[test]
fn a_plan_that_nobody_states_is_the_chosen_one_and_a_stated_one_wins() {
    let stated = |properties: serde_json::Value| {
        let subscription = "/subscriptions/00000000-0000-0000-0000-000000000001";
        let id = format!("{subscription}/providers/Microsoft.Security/pricings/VirtualMachines");
        Estate::new().add(json!({ "id": id, "properties": properties }))
    };
    assert!(matches!(plan(Estate::new(), "defender-plan=unknown"), Fact::Unknown(_)));
    assert_eq!(plan(Estate::new(), "defender-plan=p2"), Fact::text("P2"));
    assert_eq!(plan(Estate::new(), "defender-plan=p1"), Fact::text("P1"));
    assert_eq!(plan(Estate::new(), "defender-plan=free"), Fact::text("free"));
    let one = json!({ "pricingTier": "Standard", "subPlan": "P1" });
    assert_eq!(plan(stated(one), "defender-plan=p2"), Fact::text("P1"));
    assert_eq!(
        plan(stated(json!({ "pricingTier": "Free" })), "defender-plan=p2"),
        Fact::text("free")
    );
    assert_eq!(
        plan(stated(json!({ "pricingTier": "Standard" })), "defender-plan=free"),
        Fact::text("P2")
    );
    for open in [
        json!({ "pricingTier": {} }),
        json!({ "pricingTier": "Standard", "subPlan": {} }),
    ] {
        assert!(matches!(plan(stated(open), "defender-plan=p2"), Fact::Unknown(_)));
    }
}
