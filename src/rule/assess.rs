//! All rules over all subjects: findings, counts, and the verdict of every machine.
//! Must not know what any rule is about, but for the one that gives the machines their verdict.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use rayon::prelude::*;
use sha2::{Digest, Sha256};

use super::assumption::{self, Assumed, Scope};
use super::facts::{Estate, JitEntryFacts, SecurityRuleFacts, VmFacts};
use super::params::ResolvedParams;
use super::value::SubjectFacts;
use super::{Evidence, Finding, Judgement, Rule, Sentences, Subject, SubjectKind, Verdict, evidence};
use crate::exposure::{Alone, PUBLIC, Way, WayIn, alone_among, guarding, redundancies, shadows};
use crate::intern::intern;
use crate::model::{Inventory, JitEntry, JitPolicy, Known, Nsg, Origin, ResourceId, SecurityRule, Why};
use crate::net::Family;
use crate::source::{Location, Sources};

/// The rule whose verdict is the machine's.
pub const FLOW_RULE: &str = "management-ports-jit";

/// A rule with the parameters in force.
#[derive(Clone, Copy)]
pub struct Policy<'r> {
    pub rule: &'r Rule,
    pub params: &'r ResolvedParams,
    /// False for a rule that is evaluated for the machines' verdicts only.
    pub reported: bool,
}

impl<'r> Policy<'r> {
    /// A rule whose findings are reported.
    #[must_use]
    pub fn reported((rule, params): (&'r Rule, &'r ResolvedParams)) -> Policy<'r> {
        Policy {
            rule,
            params,
            reported: true,
        }
    }
}

/// What all rules said.
pub struct Assessment {
    /// Unhealthy and undetermined, worst first, then by rule and subject.
    pub findings: Vec<Finding>,
    /// By rule, in the order given.
    pub counts: Vec<BTreeMap<Verdict, u64>>,
    /// The flow rule's judgement of each machine; empty when that rule is not among those given.
    pub machines: Vec<Judgement>,
    /// Every judgement with its rule's position and its subject's name, healthy ones too; only where `keep_all` asks.
    pub all: Vec<(usize, Arc<str>, Judgement)>,
}

/// What is needed to word findings.
pub struct Assessor<'a, 'i> {
    pub estate: &'a Estate<'i>,
    pub sources: &'a Sources,
    pub policies: &'a [Policy<'a>],
    pub assumed: &'a [&'static Assumed],
    pub keep_all: bool,
}

/// What became of a run of subjects, in their order.
#[derive(Default)]
struct Judged {
    /// By policy.
    counts: Vec<BTreeMap<Verdict, u64>>,
    findings: Vec<Finding>,
    /// The flow rule's judgement of each machine.
    flow: Vec<Judgement>,
    all: Vec<(usize, Arc<str>, Judgement)>,
    /// Machines behind the same filters rest on the same facts, and share them.
    evidence: HashSet<Arc<Vec<Evidence>>, foldhash::fast::RandomState>,
}

impl Judged {
    fn count(&mut self, policy: usize, verdict: Verdict, number: u64) {
        if self.counts.len() <= policy {
            self.counts.resize_with(policy + 1, BTreeMap::new);
        }
        if let Some(counts) = self.counts.get_mut(policy) {
            *counts.entry(verdict).or_default() += number;
        }
    }

    fn shared(&mut self, evidence: Vec<Evidence>) -> Arc<Vec<Evidence>> {
        if let Some(known) = self.evidence.get(&evidence) {
            return Arc::clone(known);
        }
        let evidence = Arc::new(evidence);
        self.evidence.insert(Arc::clone(&evidence));
        evidence
    }

    fn append(&mut self, other: Judged) {
        for (policy, counts) in other.counts.into_iter().enumerate() {
            for (verdict, number) in counts {
                self.count(policy, verdict, number);
            }
        }
        self.findings.extend(other.findings);
        self.flow.extend(other.flow);
        self.all.extend(other.all);
    }
}

/// Judges subjects side by side, each thread in runs of its own; the runs come in the order of the subjects.
fn judge_all<T: Send>(
    subjects: impl IndexedParallelIterator<Item = T>,
    judge: impl Fn(T, &mut Judged) + Sync + Send,
) -> Vec<Judged> {
    let judge_one = |mut judged: Judged, subject: T| {
        judge(subject, &mut judged);
        judged
    };
    subjects.fold(Judged::default, judge_one).collect()
}

/// Groups that no machine of the input stands behind, judged in their own right.
struct Apart {
    guarding: HashSet<u32>,
    /// By the index of the group.
    own: HashMap<u32, Alone>,
    strays: Inventory,
    of_strays: HashMap<u32, Alone>,
}

impl Apart {
    fn of(assessor: &Assessor<'_, '_>) -> Apart {
        let (inventory, exposures) = (assessor.estate.inventory, assessor.estate.exposures);
        let groups = !inventory.nsgs.is_empty() || !inventory.strays.is_empty();
        let asked = groups
            && assessor
                .of_kind(SubjectKind::SecurityRule)
                .any(|(_, policy)| asks_openings(policy));
        let guarding = guarding(exposures);
        let strays = inventory.of_strays();
        let judged = |inventory: &Inventory, guarding: &HashSet<u32>| {
            let wanted = |group: u32| asked && !guarding.contains(&group);
            let all = alone_among(inventory, assessor.sources, &exposures.ports, wanted);
            all.into_iter().map(|alone| (alone.nsg, alone)).collect()
        };
        Apart {
            own: judged(inventory, &guarding),
            of_strays: judged(&strays, &HashSet::new()),
            guarding,
            strays,
        }
    }
}

/// Whether a rule asks what a group lets in.
fn asks_openings(policy: &Policy<'_>) -> bool {
    policy.reported && policy.rule.mentions().facts.contains("rule.openings")
}

impl Assessor<'_, '_> {
    pub fn assess(&self) -> Assessment {
        let count = u32::try_from(self.estate.inventory.vms.len()).unwrap_or(u32::MAX);
        self.prepare();
        let machines = judge_all((0..count).into_par_iter(), |index, judged| self.judge_vm(index, judged));
        let groups = self.estate.inventory.nsgs.as_slice();
        let apart = Apart::of(self);
        let rules = judge_all(groups.par_iter(), |nsg, judged| self.judge_group(nsg, &apart, judged));
        let strays = apart.strays.nsgs.as_slice();
        let strays = judge_all(strays.par_iter(), |nsg, judged| self.judge_strays(nsg, &apart, judged));
        let entries = entries(self.estate);
        let entries = judge_all(entries.par_iter(), |(policy, entry), judged| {
            self.judge_entry(policy, entry, judged);
        });
        let mut total = Judged::default();
        for judged in machines.into_iter().chain(rules).chain(strays).chain(entries) {
            total.append(judged);
        }
        let Judged {
            mut counts,
            mut findings,
            flow,
            all,
            ..
        } = total;
        counts.resize_with(self.policies.len(), BTreeMap::new);
        findings.par_sort_by(|a, b| order(a).cmp(&order(b)));
        tell_apart(&mut findings);
        Assessment {
            findings,
            counts,
            machines: flow,
            all,
        }
    }

    /// Reads the conditions of the rules that have a subject, side by side.
    fn prepare(&self) {
        let inventory = self.estate.inventory;
        let has_subject = |kind: SubjectKind| match kind {
            SubjectKind::Vm => !inventory.vms.is_empty(),
            SubjectKind::SecurityRule => !inventory.nsgs.is_empty() || !inventory.strays.is_empty(),
            SubjectKind::JitEntry => !inventory.jit_policies.is_empty(),
            SubjectKind::Waiver => false,
        };
        let needed = self
            .policies
            .par_iter()
            .filter(|policy| has_subject(policy.rule.applies_to));
        needed.for_each(|policy| {
            policy.rule.steps();
        });
    }

    /// Every machine has the sentence of the flow rule; of other rules only findings have one, unless all are kept.
    fn sentences(&self, is_flow: bool) -> Sentences {
        if is_flow || self.keep_all {
            Sentences::All
        } else {
            Sentences::Findings
        }
    }

    fn of_kind(&self, kind: SubjectKind) -> impl Iterator<Item = (usize, &Policy<'_>)> {
        self.policies
            .iter()
            .enumerate()
            .filter(move |(_, policy)| policy.rule.applies_to == kind)
    }

    fn judge_vm(&self, index: u32, judged: &mut Judged) {
        let Some(facts) = VmFacts::new(self.estate, index) else {
            return;
        };
        let memo = SubjectFacts::new(SubjectKind::Vm, &facts);
        let mut evidence: Option<Arc<Vec<Evidence>>> = None;
        let mut subject = None;
        for (at, policy) in self.of_kind(SubjectKind::Vm) {
            let is_flow = &*policy.rule.id == FLOW_RULE;
            let judgement = policy.rule.judge_facts(&memo, policy.params, self.sentences(is_flow));
            if is_flow {
                judged.flow.push(judgement.clone());
            }
            if !policy.reported {
                continue;
            }
            self.note(judged, at, facts.vm.id.name(), &judgement);
            if is_finding(judgement.verdict) {
                let evidence = evidence
                    .get_or_insert_with(|| judged.shared(evidence::of_machine(&facts, &memo)))
                    .clone();
                let subject = subject.get_or_insert_with(|| self.vm_subject(&facts, index)).clone();
                let assumptions = self.vm_assumptions(&facts, policy.rule);
                judged
                    .findings
                    .push(finding(policy.rule, judgement, subject, evidence, assumptions));
            }
        }
    }

    fn note(&self, judged: &mut Judged, at: usize, name: &str, judgement: &Judgement) {
        judged.count(at, judgement.verdict, 1);
        if self.keep_all {
            judged.all.push((at, Arc::from(name), judgement.clone()));
        }
    }

    fn vm_subject(&self, facts: &VmFacts<'_, '_>, index: u32) -> Subject {
        self.subject(
            SubjectKind::Vm,
            &facts.vm.id,
            facts.vm.id.name(),
            facts.vm.origin,
            Some(index),
        )
    }

    fn subject(&self, kind: SubjectKind, id: &ResourceId, name: &str, origin: Origin, machine: Option<u32>) -> Subject {
        Subject {
            kind,
            id: id.text().clone(),
            name: Arc::from(name),
            subscription: intern(id.subscription()),
            resource_group: intern(id.resource_group()),
            machine,
            location: self.locate(origin),
            shared: false,
        }
    }

    fn locate(&self, origin: Origin) -> Option<Location> {
        origin.0.map(|place| self.sources.locate(place))
    }

    fn vm_assumptions(&self, facts: &VmFacts<'_, '_>, rule: &Rule) -> Vec<Arc<str>> {
        let stacks = || {
            facts
                .machine
                .targets
                .iter()
                .filter_map(|target| self.estate.exposures.stacks.get(target.stack as usize))
        };
        let gateway = || {
            stacks().any(|stack| {
                let environment = self.estate.exposures.environments.get(stack.environment as usize);
                environment.is_some_and(|environment| environment.has_gateway)
            })
        };
        let mut scopes = Vec::new();
        if rule.speaks_of("jit") && self.estate.entries_of(&facts.vm.id).is_empty() {
            scopes.push(Scope::JitOff);
        }
        if gateway() {
            scopes.push(Scope::Gateway);
        }
        let default_route = |stack: &crate::exposure::Stack| {
            let environment = self.estate.exposures.environments.get(stack.environment as usize);
            environment
                .is_some_and(|environment| environment.virtual_network.must.is_superset(&PUBLIC.only(Family::V4)))
        };
        if stacks().any(default_route) {
            scopes.push(Scope::DefaultRoute);
        }
        let ways = facts.machine.targets.iter().flat_map(|target| &target.ways);
        for way in ways.filter(|way| way.way == Way::FirewallDnat) {
            scopes.push(Scope::Nat);
            if way.exposures.iter().any(|exposure| exposure.disputed.is_some()) {
                scopes.push(Scope::DisputedNat);
            }
            if self.is_in_hub(way) {
                scopes.push(Scope::HubNat);
            }
        }
        if stacks().any(|stack| stack.family == Family::V6) {
            scopes.push(Scope::Ipv6);
        }
        assumption::ids(self.assumed, &scopes)
    }

    /// Whether the firewall of a way stands in a virtual hub.
    fn is_in_hub(&self, way: &WayIn) -> bool {
        let through = way.front.as_ref().and_then(|front| front.through.as_ref());
        let id = through.map(|(_, id)| ResourceId::new(id));
        let firewall = id.and_then(|id| self.estate.inventory.firewalls.find(&id));
        firewall.is_some_and(|firewall| firewall.virtual_hub.is_some())
    }

    fn judge_group(&self, nsg: &Nsg, apart: &Apart, judged: &mut Judged) {
        if self.of_kind(SubjectKind::SecurityRule).next().is_none() {
            return;
        }
        let Some(nsg_index) = self.estate.inventory.nsgs.position(&nsg.id) else {
            return;
        };
        let rules = match &nsg.rules {
            Known::Known(rules) => rules,
            Known::Unknown(_) if apart.guarding.contains(&nsg_index) => return,
            Known::Unknown(why) => return self.judge_unread(nsg, nsg_index, why, judged),
        };
        let shadowed = shadows(rules);
        let attached = !nsg.attached_to.is_empty() || self.estate.is_attached(&nsg.id);
        let redundant = redundancies(rules, &nsg.default_rules);
        let name_of = |at: &usize| {
            let rule = rules.iter().chain(&nsg.default_rules).nth(*at)?;
            Some(rule.name.clone())
        };
        for ((rule, shadowed), redundant) in rules.iter().zip(shadowed).zip(redundant) {
            let names = shadowed.map(|positions| {
                positions
                    .iter()
                    .filter_map(|at| rules.get(*at))
                    .map(|rule| rule.name.clone())
                    .collect()
            });
            let facts = SecurityRuleFacts {
                estate: self.estate,
                nsg_index,
                nsg,
                rule,
                shadowed_by: names,
                redundant_by: redundant.map(|positions| positions.iter().filter_map(name_of).collect()),
                attached,
                before_machine: apart.guarding.contains(&nsg_index),
                partial: false,
                alone: apart.own.get(&nsg_index),
            };
            self.judge_rule(&facts, judged);
        }
    }

    /// A group of whose rules nothing is known: one that may let anything in. The other questions are about single rules.
    fn judge_unread(&self, nsg: &Nsg, nsg_index: u32, why: &Why, judged: &mut Judged) {
        let rule = SecurityRule::unknown(nsg.id.name(), why, nsg.origin);
        let facts = SecurityRuleFacts {
            estate: self.estate,
            nsg_index,
            nsg,
            rule: &rule,
            shadowed_by: None,
            redundant_by: None,
            attached: !nsg.attached_to.is_empty() || self.estate.is_attached(&nsg.id),
            before_machine: false,
            partial: false,
            alone: None,
        };
        let memo = SubjectFacts::new(SubjectKind::SecurityRule, &facts);
        let asking = self.of_kind(SubjectKind::SecurityRule);
        for (at, policy) in asking.filter(|(_, policy)| asks_openings(policy)) {
            let judgement = policy.rule.judge_facts(&memo, policy.params, self.sentences(false));
            self.note(judged, at, nsg.id.name(), &judgement);
            if is_finding(judgement.verdict) {
                let subject = self.subject(SubjectKind::SecurityRule, &nsg.id, nsg.id.name(), nsg.origin, None);
                let evidence = Arc::new(vec![Evidence {
                    label: Arc::from("group"),
                    text: Arc::from(format!("the rules of `{}` are not known: {why}", nsg.id.name())),
                    resource: Some(nsg.id.text().clone()),
                    location: self.locate(nsg.origin),
                }]);
                judged
                    .findings
                    .push(finding(policy.rule, judgement, subject, evidence, Vec::new()));
            }
        }
    }

    /// Rules whose group is not in the input: others of it may come first, or make them superfluous.
    fn judge_strays(&self, nsg: &Nsg, apart: &Apart, judged: &mut Judged) {
        let (Some(rules), Some(at)) = (nsg.rules.known(), apart.strays.nsgs.position(&nsg.id)) else {
            return;
        };
        for rule in rules {
            let facts = SecurityRuleFacts {
                estate: self.estate,
                nsg_index: u32::MAX,
                nsg,
                rule,
                shadowed_by: None,
                redundant_by: None,
                attached: self.estate.is_attached(&nsg.id),
                before_machine: false,
                partial: true,
                alone: apart.of_strays.get(&at),
            };
            self.judge_rule(&facts, judged);
        }
    }

    fn judge_rule(&self, facts: &SecurityRuleFacts<'_, '_>, judged: &mut Judged) {
        let memo = SubjectFacts::new(SubjectKind::SecurityRule, facts);
        for (at, policy) in self
            .of_kind(SubjectKind::SecurityRule)
            .filter(|(_, policy)| policy.reported)
        {
            let judgement = policy.rule.judge_facts(&memo, policy.params, self.sentences(false));
            self.note(judged, at, &facts.rule.name, &judgement);
            if is_finding(judgement.verdict) {
                let subject = self.rule_subject(facts);
                let evidence = Arc::new(self.rule_evidence(facts));
                judged
                    .findings
                    .push(finding(policy.rule, judgement, subject, evidence, Vec::new()));
            }
        }
    }

    fn rule_subject(&self, facts: &SecurityRuleFacts<'_, '_>) -> Subject {
        let id = facts.nsg.id.child("securityRules", &facts.rule.name);
        let name = format!("{}/{}", facts.nsg.id.name(), facts.rule.name);
        self.subject(SubjectKind::SecurityRule, &id, &name, facts.rule.origin, None)
    }

    fn rule_evidence(&self, facts: &SecurityRuleFacts<'_, '_>) -> Vec<Evidence> {
        let of = |label: &str, rule: &SecurityRule| Evidence {
            label: Arc::from(label),
            text: Arc::from(facts.in_words(rule)),
            resource: Some(facts.nsg.id.child("securityRules", &rule.name).text().clone()),
            location: self.locate(rule.origin),
        };
        let mut all = vec![of("rule", facts.rule)];
        let names = facts.shadowed_by.iter().chain(&facts.redundant_by).flatten().take(5);
        let named = names.filter_map(|name| facts.nsg.rules.known()?.iter().find(|rule| rule.name == *name));
        all.extend(named.map(|rule| of("decided by", rule)));
        all
    }

    fn judge_entry(&self, policy: &JitPolicy, entry: &JitEntry, judged: &mut Judged) {
        let facts = JitEntryFacts {
            estate: self.estate,
            policy,
            entry,
        };
        let memo = SubjectFacts::new(SubjectKind::JitEntry, &facts);
        for (at, rule) in self
            .of_kind(SubjectKind::JitEntry)
            .filter(|(_, policy)| policy.reported)
        {
            let judgement = rule.rule.judge_facts(&memo, rule.params, self.sentences(false));
            self.note(judged, at, entry.vm.name(), &judgement);
            if is_finding(judgement.verdict) {
                let machine = self.estate.machine_index(&entry.vm);
                let name = format!("{}/{}", policy.id.name(), entry.vm.name());
                let subject = self.subject(SubjectKind::JitEntry, &policy.id, &name, entry.origin, machine);
                let evidence = Arc::new(vec![Evidence {
                    label: Arc::from("entry"),
                    text: Arc::from(format!(
                        "machine `{}` in policy `{}`",
                        entry.vm.name(),
                        policy.id.name()
                    )),
                    resource: Some(entry.vm.text().clone()),
                    location: self.locate(entry.origin),
                }]);
                judged
                    .findings
                    .push(finding(rule.rule, judgement, subject, evidence, Vec::new()));
            }
        }
    }
}

/// Every entry of every policy that could be read.
fn entries<'i>(estate: &Estate<'i>) -> Vec<(&'i JitPolicy, &'i JitEntry)> {
    let policies = estate.inventory.jit_policies.iter();
    policies
        .flat_map(|policy| {
            policy
                .entries
                .known()
                .into_iter()
                .flatten()
                .map(move |entry| (policy, entry))
        })
        .collect()
}

fn is_finding(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Unhealthy | Verdict::Undetermined)
}

fn finding(
    rule: &Rule,
    judgement: Judgement,
    subject: Subject,
    evidence: Arc<Vec<Evidence>>,
    assumptions: Vec<Arc<str>>,
) -> Finding {
    Finding {
        fingerprint: fingerprint(&rule.id, &subject),
        rule: rule.id.clone(),
        severity: judgement.severity,
        verdict: judgement.verdict,
        subject,
        cause: judgement.cause,
        message: intern(&judgement.message),
        evidence,
        gaps: judgement.gaps,
        assumptions,
        waiver: None,
        baseline: None,
    }
}

/// What a finding is, whatever the text around it looks like: rule and subject, without case and without what a
/// template is deployed to, which is called like its file.
fn fingerprint(rule: &str, subject: &Subject) -> Arc<str> {
    digest([rule, &ResourceId::new(&subject.id).stable(), &subject.name])
}

/// Several templates may declare resources of one name: where these would be one, the whole id tells them apart.
fn tell_apart(findings: &mut [Finding]) {
    let mut subjects: HashMap<Arc<str>, Option<Arc<str>>, foldhash::fast::RandomState> = HashMap::default();
    for finding in findings.iter().filter(|finding| is_placeholder(finding)) {
        let first = subjects
            .entry(finding.fingerprint.clone())
            .or_insert_with(|| Some(finding.subject.id.clone()));
        if first
            .as_ref()
            .is_some_and(|first| !first.eq_ignore_ascii_case(&finding.subject.id))
        {
            *first = None;
        }
    }
    for finding in findings.iter_mut().filter(|finding| is_placeholder(finding)) {
        if subjects.get(&finding.fingerprint).is_some_and(Option::is_none) {
            finding.fingerprint = digest([&finding.rule, &finding.subject.id, &finding.subject.name]);
        }
    }
}

fn is_placeholder(finding: &Finding) -> bool {
    crate::model::is_placeholder(&finding.subject.subscription)
}

/// 32 hexadecimal digits for three texts, without case.
pub(super) fn digest(parts: [&str; 3]) -> Arc<str> {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part.to_ascii_lowercase().as_bytes());
        hasher.update([0]);
    }
    let digest = hasher.finalize();
    let hex = digest
        .iter()
        .take(16)
        .fold(String::with_capacity(32), |mut text, byte| {
            use std::fmt::Write;
            let _ = write!(text, "{byte:02x}");
            text
        });
    Arc::from(hex)
}

/// Worst first; undetermined before healthy but after what is sure of the same severity.
fn order(finding: &Finding) -> (std::cmp::Reverse<super::Severity>, bool, &str, &str, &str) {
    let undetermined = finding.verdict == Verdict::Undetermined;
    (
        std::cmp::Reverse(finding.severity),
        undetermined,
        &finding.rule,
        &finding.subject.id,
        &finding.subject.name,
    )
}
