//! The pipeline from what was read to the report: each stage one named line in [`scan`].
//! Does no I/O; time and texts are given to it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use sha2::{Digest, Sha256};

use crate::diff::{self, Side};
use crate::exposure::{Attached, Exposures, Front, TargetExposure, Way, WayIn, analyse_with};
use crate::input::arm::normal;
use crate::input::{Reading, Relation, Relations};
use crate::intern::intern;
use crate::model::{Inventory, Known, Suppression};
use crate::net::MANAGEMENT_PORTS;
use crate::report::{
    Assumption, FORMAT_VERSION, Hop, HopKind, Machine, Path, Recommendation, Report, RuleInfo, Scan, Subscription, Tab,
    Tool,
};
use crate::rule::assess::{Assessment, Assessor, Policy};
use crate::rule::assumption::{Assumed, in_force};
use crate::rule::baseline::Baseline;
use crate::rule::disagreement::Disagreements;
use crate::rule::facts::{Estate, Standing, VmFacts, standing};
use crate::rule::params::ResolvedParams;
use crate::rule::waiver::{self, WaiverRule};
use crate::rule::{Beside, Evidence, Finding, Judgement, Severity, Verdict, builtin, neighbours, shared};
use crate::source::{Diagnostic, Sources};

/// What is asked of a scan.
pub struct Request<'r> {
    pub policies: Vec<Policy<'r>>,
    /// Analysed destination ports, ascending.
    pub ports: Vec<u16>,
    /// Findings below are left out.
    pub least_severity: Severity,
    /// The tag of machines that names who answers for them; its case does not matter.
    pub owner_tag: &'r str,
    pub waivers: &'r [WaiverRule],
    /// What is known already.
    pub baseline: Option<&'r Baseline>,
    /// Where a change was made: findings without a place in these files are left out.
    pub touched: Option<BTreeSet<String>>,
    /// `--assume jit=unknown`: a machine without an entry may have one that was not given.
    pub assume_jit_unknown: bool,
    /// Only some rules were chosen: a waiver of another covers nothing, and that is no news.
    pub chosen: bool,
    /// When the report is made.
    pub generated: Timestamp,
    /// At which moment requests are judged; `None`: when the estate was recorded, else now.
    pub now: Option<Timestamp>,
    /// The paths, as named by the user.
    pub inputs: Vec<String>,
}

impl<'r> Request<'r> {
    /// What is asked where nobody asks for anything else: every severity and the management ports, as of a moment.
    #[must_use]
    pub fn plain(policies: Vec<Policy<'r>>, moment: Timestamp) -> Request<'r> {
        Request {
            policies,
            ports: MANAGEMENT_PORTS.to_vec(),
            least_severity: Severity::Info,
            owner_tag: "owner",
            waivers: &[],
            baseline: None,
            touched: None,
            assume_jit_unknown: false,
            chosen: false,
            generated: moment,
            now: Some(moment),
            inputs: Vec::new(),
        }
    }
}

/// Judges an estate that was read by every built-in rule with its defaults, as of a moment.
pub fn scan_by_default(reading: Reading, moment: Timestamp, inputs: &[&str]) -> Report {
    let rules = builtin::rules();
    let params: Vec<ResolvedParams> = rules.iter().map(ResolvedParams::defaults).collect();
    let policies = rules.iter().zip(&params).map(Policy::reported).collect();
    let request = Request {
        inputs: inputs.iter().map(|&input| input.to_owned()).collect(),
        ..Request::plain(policies, moment)
    };
    scan(reading, &request)
}

/// Judges an estate that was read, and reports.
pub fn scan(reading: Reading, request: &Request<'_>) -> Report {
    judge(reading, request, false, |_, _, _, _| ()).0
}

/// The same, and one side of a comparison.
pub fn scan_side(reading: Reading, request: &Request<'_>) -> (Report, Side) {
    let (report, mut side) = judge(reading, request, true, diff::side);
    side.findings = report.findings.clone();
    side.diagnostics = report.diagnostics.clone();
    (report, side)
}

/// `exact`: answers keep their sets. `keep` takes what it needs of the estate before it is dropped.
fn judge<T>(
    reading: Reading,
    request: &Request<'_>,
    exact: bool,
    keep: impl FnOnce(&Inventory, &Sources, &Exposures, &[Judgement]) -> T,
) -> (Report, T) {
    let Reading {
        inventory,
        sources,
        mut diagnostics,
        recorded,
        suppressions,
        relations,
        ..
    } = reading;
    let exposures = analyse_with(&inventory, &sources, &request.ports, exact);
    let estate = estate(&inventory, &exposures, request, recorded);
    let assumed = in_force(&inventory);
    let assessor = Assessor {
        estate: &estate,
        sources: &sources,
        policies: &request.policies,
        assumed: &assumed,
        keep_all: false,
    };
    let mut assessment = assessor.assess();
    let was_asked = |rule: &str| {
        let mut policies = request.policies.iter();
        policies.any(|policy| policy.reported && &*policy.rule.id == rule)
    };
    let beside = neighbours(&inventory, &assessment.findings, was_asked);
    relate(&relations, &mut assessment.findings);
    shared::mark(&inventory, &sources, &mut assessment.findings);
    let problems = waive(
        request,
        &suppressions,
        inventory.coverage.is_complete(),
        &mut assessment.findings,
    );
    if !problems.is_empty() {
        assessment.findings.extend(problems);
        assessment
            .findings
            .sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    }
    if let Some(baseline) = request.baseline {
        let incomplete = !inventory.coverage.is_complete();
        diagnostics.extend(baseline.apply(&mut assessment.findings, incomplete));
    }
    // Only now: waivers and baselines speak of findings of every severity.
    assessment
        .findings
        .retain(|finding| finding.severity >= request.least_severity);
    if let Some(touched) = &request.touched {
        diagnostics.extend(leave_out(touched, &mut assessment.findings));
    }
    diagnostics.extend(unused(&inventory));
    diagnostics.extend(disagreements(&estate, &assessment, &beside).diagnostics());
    let mut machines = machines(&estate, &assessment, request.owner_tag);
    set_beside(&mut machines, &inventory, &beside);
    let kept = keep(&inventory, &sources, &exposures, &assessment.machines);
    let report = report(
        request,
        &inventory,
        recorded,
        &assumed,
        assessment,
        machines,
        diagnostics,
    );
    (report, kept)
}

fn estate<'i>(
    inventory: &'i Inventory,
    exposures: &'i Exposures,
    request: &Request<'_>,
    recorded: Option<Timestamp>,
) -> Estate<'i> {
    let now = request.now.or(recorded).unwrap_or(request.generated);
    let mut estate = Estate::new(inventory, exposures, now);
    if request.assume_jit_unknown && inventory.jit_policies.is_empty() && !inventory.coverage.whole {
        estate.jit_unknown = Some(Arc::from(
            "no just-in-time policy is in the input (`--assume jit=unknown`)",
        ));
    }
    estate
}

/// Marks the findings that are excepted. Returns findings about the exceptions themselves.
fn waive(request: &Request<'_>, stated: &[Suppression], complete: bool, findings: &mut [Finding]) -> Vec<Finding> {
    let reported = |rule: &str| {
        let mut policies = request.policies.iter();
        policies.any(|policy| policy.reported && *policy.rule.id == *rule)
    };
    // What was not read may hide what an exception covers.
    let is_asked =
        |rule: &str| complete && rule != waiver::OPENING_RULE && (!request.chosen || (rule != "*" && reported(rule)));
    let mut problems = waiver::apply(request.waivers, findings, today(request), |waiver| {
        is_asked(&waiver.rule)
    });
    problems.extend(waiver::apply_stated(stated, findings, today(request), is_asked));
    problems
}

fn today(request: &Request<'_>) -> jiff::civil::Date {
    request.now.unwrap_or(request.generated).to_zoned(TimeZone::UTC).date()
}

/// Adds to the evidence of findings where else that comes from which they rest on.
fn relate(relations: &Relations, findings: &mut [Finding]) {
    if relations.is_empty() {
        return;
    }
    for finding in findings {
        let subject = finding
            .subject
            .location
            .iter()
            .map(|place| (&finding.subject.id, place));
        let evidence = finding.evidence.iter();
        let evidence = evidence.filter_map(|fact| Some((fact.resource.as_ref()?, fact.location.as_ref()?)));
        let mut related: Vec<Evidence> = Vec::new();
        for relation in subject.chain(evidence).flat_map(|(id, place)| relations.of(id, place)) {
            let known = |one: &Evidence| one.location.as_ref() == Some(&relation.location);
            if !related.iter().any(known) {
                related.push(evidence_of(relation));
            }
        }
        if !related.is_empty() {
            Arc::make_mut(&mut finding.evidence).extend(related);
        }
    }
}

fn evidence_of(relation: &Relation) -> Evidence {
    Evidence {
        label: Arc::from(relation.label),
        text: Arc::from(format!("{} at {}", relation.what, relation.location)),
        resource: None,
        location: Some(relation.location.clone()),
    }
}

/// Leaves out the findings that have no place in these files.
fn leave_out(touched: &BTreeSet<String>, findings: &mut Vec<Finding>) -> Option<Diagnostic> {
    let all = findings.len();
    findings.retain(|finding| {
        let evidence = finding.evidence.iter().filter_map(|fact| fact.location.as_ref());
        let mut places = finding.subject.location.iter().chain(evidence);
        places.any(|place| touched.contains(&normal(&place.file)))
    });
    let left = all - findings.len();
    let message = format!("{left} findings in files that the change does not touch are left out");
    (left > 0).then(|| Diagnostic::note("untouched", message))
}

/// Says what was read and not used, so that nothing is passed over in silence.
fn unused(inventory: &Inventory) -> Option<Diagnostic> {
    if inventory.unused.is_empty() {
        return None;
    }
    let total: u64 = inventory.unused.values().sum();
    let mut types: Vec<(&Arc<str>, &u64)> = inventory.unused.iter().collect();
    types.sort_by_key(|(name, count)| (std::cmp::Reverse(**count), (*name).clone()));
    let shown: Vec<String> = types
        .iter()
        .take(6)
        .map(|(name, count)| format!("{count} of `{name}`"))
        .collect();
    let more = types.len().saturating_sub(shown.len());
    let rest = if more == 0 {
        String::new()
    } else {
        format!(" and {more} more types")
    };
    let message = format!(
        "{total} resources of types that no rule needs were passed over: {}{rest}",
        shown.join(", ")
    );
    Some(Diagnostic::note("unused-types", message))
}

/// Where Defender's own verdict is another.
fn disagreements(estate: &Estate<'_>, assessment: &Assessment, beside: &[Beside<'_>]) -> Disagreements {
    let mut differ = Disagreements::default();
    for (vm, ours) in estate.inventory.vms.iter().zip(&assessment.machines) {
        if let Some(theirs) = estate.assessment_of(&vm.id) {
            differ.note(vm.id.name(), ours, theirs);
        }
    }
    for one in beside {
        differ.note_beside(one.vm.id.name(), one);
    }
    differ
}

/// Sets what Defender says in neighbouring recommendations beside what our rules say.
fn set_beside(machines: &mut [Machine], inventory: &Inventory, beside: &[Beside<'_>]) {
    for one in beside {
        let index = inventory.vms.position(&one.vm.id);
        let machine = index.and_then(|index| machines.get_mut(index as usize));
        if let Some(machine) = machine {
            machine.recommendations.push(Recommendation {
                key: intern(one.recommendation.key),
                title: intern(one.recommendation.title),
                defender: intern(&one.theirs.words()),
                rule: intern(one.recommendation.rule),
                ours: one.ours,
            });
        }
    }
}

/// The machines of the report, in the order of the input.
fn machines(estate: &Estate<'_>, assessment: &Assessment, owner_tag: &str) -> Vec<Machine> {
    use rayon::prelude::*;
    let names: Vec<Arc<str>> = estate
        .inventory
        .nsgs
        .iter()
        .map(|nsg| Arc::from(nsg.id.name()))
        .collect();
    let judgements = assessment.machines.as_slice();
    let count = u32::try_from(estate.inventory.vms.len()).unwrap_or(u32::MAX);
    let machine = |index: u32| {
        let facts = VmFacts::new(estate, index)?;
        let mut machine = machine(&facts, judgements.get(index as usize), &names);
        machine.owner = owner(&facts, owner_tag);
        Some(machine)
    };
    (0..count).into_par_iter().filter_map(machine).collect()
}

fn machine(facts: &VmFacts<'_, '_>, judgement: Option<&Judgement>, nsg_names: &[Arc<str>]) -> Machine {
    let vm = facts.vm;
    let (tab, tab_reason) = tab(facts);
    let word = |known: Option<&str>| intern(known.unwrap_or("unknown"));
    Machine {
        id: vm.id.text().clone(),
        name: Arc::from(vm.id.name()),
        subscription: intern(vm.id.subscription()),
        resource_group: intern(vm.id.resource_group()),
        region: vm.location.clone(),
        os: word(vm.os.known().map(|os| os.as_str())),
        power: word(vm.power.known().map(|power| &**power)),
        verdict: judgement.map_or(Verdict::Undetermined, |judgement| judgement.verdict),
        cause: judgement.and_then(|judgement| judgement.cause.clone()),
        because: intern(judgement.map_or("the flow rule was not evaluated", |judgement| &judgement.message)),
        tab,
        tab_reason,
        owner: None,
        defender: defender(facts),
        recommendations: Vec::new(),
        paths: facts
            .machine
            .targets
            .iter()
            .flat_map(|target| paths(facts, target, nsg_names))
            .collect(),
    }
}

/// What the machine's tag says, on one line.
fn owner(facts: &VmFacts<'_, '_>, tag: &str) -> Option<Arc<str>> {
    let named = facts.vm.tags.iter().find(|(name, _)| name.eq_ignore_ascii_case(tag));
    named
        .map(|(_, owner)| owner.trim())
        .filter(|owner| !owner.is_empty())
        .map(intern)
}

fn tab(facts: &VmFacts<'_, '_>) -> (Tab, Option<Arc<str>>) {
    match standing(facts) {
        Standing::Configured => (Tab::Configured, None),
        Standing::NotConfigured => (Tab::NotConfigured, None),
        Standing::Unsupported(reason) => (Tab::Unsupported, Some(reason)),
        Standing::Unknown(reason) => (Tab::Unknown, Some(reason)),
    }
}

fn defender(facts: &VmFacts<'_, '_>) -> Option<Arc<str>> {
    let assessment = facts.estate.assessment_of(&facts.vm.id)?;
    Some(intern(&assessment.words()))
}

fn paths(facts: &VmFacts<'_, '_>, target: &TargetExposure, nsg_names: &[Arc<str>]) -> Vec<Path> {
    let address = match &target.address {
        Known::Known(address) => Arc::from(address.to_string()),
        Known::Unknown(_) => Arc::from("dynamic"),
    };
    let name: Arc<str> = Arc::from(facts.vm.id.name());
    let path = |way: &WayIn| Path {
        way: way.way,
        target: target.name.clone(),
        address: Arc::clone(&address),
        hops: hops(facts, target, way, nsg_names, &name),
        ports: way.exposures.clone(),
    };
    target.ways.iter().map(path).collect()
}

/// From the outside to the machine.
fn hops(
    facts: &VmFacts<'_, '_>,
    target: &TargetExposure,
    way: &WayIn,
    nsg_names: &[Arc<str>],
    name: &Arc<str>,
) -> Vec<Hop> {
    let mut hops = Vec::with_capacity(5);
    match &way.front {
        Some(front) if way.way != Way::Private => outside(way.way, front, &mut hops),
        Some(front) => {
            hops.push(network_hop(facts, target));
            hops.extend(through_hop(way.way, front).or_else(|| Some(service_hop(front))));
        }
        None => hops.push(network_hop(facts, target)),
    }
    hops.extend(group_hop(facts, HopKind::SubnetNsg, &target.subnet_nsg, nsg_names));
    hops.extend(group_hop(facts, HopKind::NicNsg, &target.nic_nsg, nsg_names));
    let name = Arc::clone(name);
    hops.push(Hop {
        kind: HopKind::Machine,
        name,
        id: Some(facts.vm.id.text().clone()),
        note: None,
    });
    hops
}

fn outside(way: Way, front: &Front, hops: &mut Vec<Hop>) {
    hops.push(Hop {
        kind: HopKind::Internet,
        name: intern("internet"),
        id: None,
        note: None,
    });
    hops.push(Hop {
        kind: HopKind::PublicIp,
        name: front.address.clone(),
        id: front.id.clone(),
        note: None,
    });
    hops.extend(through_hop(way, front));
}

/// A bastion host or Private Link service, which stands in a network of its own.
fn service_hop(front: &Front) -> Hop {
    Hop {
        kind: HopKind::VirtualNetwork,
        name: front.address.clone(),
        id: front.id.clone(),
        note: None,
    }
}

/// The balancer or firewall of a way, with the private frontend where that is what clients call.
fn through_hop(way: Way, front: &Front) -> Option<Hop> {
    front.through.as_ref().map(|(name, id)| {
        let kind = if way == Way::FirewallDnat {
            HopKind::Firewall
        } else {
            HopKind::LoadBalancer
        };
        Hop {
            kind,
            name: name.clone(),
            id: Some(id.clone()),
            note: (way == Way::Private).then(|| front.address.clone()),
        }
    })
}

fn network_hop(facts: &VmFacts<'_, '_>, target: &TargetExposure) -> Hop {
    let network = target
        .subnet
        .and_then(|(network, _)| facts.estate.inventory.networks.get(network));
    Hop {
        kind: HopKind::VirtualNetwork,
        name: intern(network.map_or("virtual network", |network| network.id.name())),
        id: network.map(|network| network.id.text().clone()),
        note: None,
    }
}

fn group_hop(facts: &VmFacts<'_, '_>, kind: HopKind, attached: &Attached, nsg_names: &[Arc<str>]) -> Option<Hop> {
    let (name, id, note) = match attached {
        Attached::None => return None,
        Attached::Unread(name, why) => (name.clone(), None, Some(why.clone())),
        Attached::Unknown(why) => (Arc::from("unknown"), None, Some(why.clone())),
        Attached::Group(index) => {
            let id = facts.estate.inventory.nsgs.get(*index).map(|nsg| nsg.id.text().clone());
            (
                nsg_names.get(*index as usize).cloned().unwrap_or_else(|| Arc::from("")),
                id,
                None,
            )
        }
    };
    Some(Hop { kind, name, id, note })
}

fn report(
    request: &Request<'_>,
    inventory: &Inventory,
    recorded: Option<Timestamp>,
    assumed: &[&'static Assumed],
    assessment: Assessment,
    machines: Vec<Machine>,
    mut diagnostics: Vec<Diagnostic>,
) -> Report {
    diagnostics.sort_by(|a, b| (b.level, &a.location, &a.message).cmp(&(a.level, &b.location, &b.message)));
    let summary = crate::report::summary::of(&machines, &assessment.findings);
    Report {
        format_version: FORMAT_VERSION,
        tool: Tool {
            name: "portcullis".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        },
        scan: Scan {
            generated: seconds(request.generated),
            recorded: recorded.map(seconds),
            inputs: request.inputs.clone(),
            ports: request.ports.clone(),
            subscriptions: subscriptions(inventory),
            complete: inventory.coverage.is_complete(),
            lost: inventory.coverage.lost.clone(),
            least_severity: request.least_severity,
        },
        summary,
        assumptions: assumed.iter().map(|assumed| assumption(assumed)).collect(),
        rules: rules(request, &assessment),
        machines,
        findings: assessment.findings,
        diagnostics,
    }
}

fn seconds(time: Timestamp) -> String {
    let whole = Timestamp::from_second(time.as_second());
    whole.unwrap_or(time).to_string()
}

fn subscriptions(inventory: &Inventory) -> Vec<Subscription> {
    let subscription = |covered: &crate::model::SubscriptionCoverage| Subscription {
        id: covered.id.clone(),
        name: covered.name.clone(),
        complete: covered.complete,
        missing: covered
            .missing
            .iter()
            .map(|m| format!("`{}`: {}", m.resource_type, m.reason))
            .collect(),
    };
    inventory.coverage.subscriptions.iter().map(subscription).collect()
}

fn assumption(assumed: &Assumed) -> Assumption {
    Assumption {
        id: Arc::from(assumed.id),
        text: Arc::from(assumed.text),
        switch: assumed.switch.map(Arc::from),
    }
}

fn rules(request: &Request<'_>, assessment: &Assessment) -> Vec<RuleInfo> {
    let info = |(policy, counts): (&Policy<'_>, &BTreeMap<Verdict, u64>)| RuleInfo {
        id: policy.rule.id.clone(),
        title: policy.rule.title.clone(),
        severity: policy.params.severity.unwrap_or(policy.rule.severity),
        digest: Some(digest(policy)),
        why: policy.rule.why.clone(),
        fix: policy.rule.fix.clone(),
        references: policy.rule.references.clone(),
        standards: policy.rule.standards.clone(),
        params: policy.params.to_json(policy.rule),
        counts: counts.clone(),
    };
    let all = request.policies.iter().zip(&assessment.counts);
    let rules = all.filter(|(policy, _)| policy.reported).map(info);
    rules.chain(problems(&assessment.findings)).collect()
}

/// The kinds of findings about waivers, where there are any.
fn problems(findings: &[Finding]) -> impl Iterator<Item = RuleInfo> {
    waiver::PROBLEMS.into_iter().filter_map(|problem| {
        let number = findings.iter().filter(|finding| *finding.rule == *problem.id).count() as u64;
        (number > 0).then(|| RuleInfo {
            id: Arc::from(problem.id),
            title: Arc::from(problem.title),
            severity: Severity::Low,
            digest: None,
            why: Arc::from(problem.why),
            fix: Arc::from(problem.fix),
            references: Vec::new(),
            standards: Vec::new(),
            params: BTreeMap::new(),
            counts: BTreeMap::from([(Verdict::Unhealthy, number)]),
        })
    })
}

/// Of what decides: conditions, verdicts, severities and parameters. Words for people may change.
fn digest(policy: &Policy<'_>) -> Arc<str> {
    let mut hasher = Sha256::new();
    let mut part = |text: &str| {
        hasher.update(text.as_bytes());
        hasher.update([0]);
    };
    part(&policy.rule.deciding);
    for (name, value) in policy.params.to_json(policy.rule) {
        part(&name);
        part(&value.to_string());
    }
    let digits = hasher
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect::<String>();
    Arc::from(digits)
}
