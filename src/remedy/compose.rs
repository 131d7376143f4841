//! From findings to a proved plan: remedies are asked round by round in the estate as it would be by then, until no
//! further step mends anything; then the whole is proved, and what cannot be proved is left out and said.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::documents::Documents;
use super::finish::finished;
use super::hindrance;
use super::plan::{Mended, Plan};
use super::projection;
use super::proof::{self, Comparison};
use super::remedies::{Draft, Proposal, REMEDIES, Remedy, Settings, Sight};
use super::view::{Question, View};
use super::{effect, projection::Kind};
use crate::model::ResourceId;
use crate::rule::{Finding, Verdict};

/// Rounds after which no new step is expected: each remedy can only bring the ones behind it into play.
const ROUNDS: usize = 6;
/// Plans up to this size are tried without each of their steps.
const TRIED_WITHOUT: usize = 48;

/// Makes a plan; the error says why none can be made.
pub fn plan(documents: Documents, question: &Question<'_>, settings: &Settings) -> Result<Plan, String> {
    let inventory = documents.digest();
    let first = View::of(documents, question);
    let mut refused: BTreeMap<String, String> = BTreeMap::new();
    let mut limit = usize::MAX;
    loop {
        let mut composer = Composer::new(&first, question, settings, refused.clone(), limit);
        composer.compose();
        if composer.drafts.len() > settings.max_steps {
            let subjects = composer.subjects.len();
            if subjects <= 1 {
                return Err(format!(
                    "one machine alone needs {} steps; allow more with --max-steps",
                    composer.drafts.len()
                ));
            }
            limit = (subjects * settings.max_steps / composer.drafts.len()).clamp(1, subjects - 1);
            continue;
        }
        composer.drop_idle();
        let comparison = proof::compare(&first.documents, &composer.work.documents, &question.ports);
        if comparison.violations.is_empty() {
            return Ok(finished(&first, composer, comparison, inventory, question, settings));
        }
        if !composer.refuse(&comparison, &mut refused) {
            return Err(broken(&comparison));
        }
    }
}

pub(super) fn broken(comparison: &Comparison) -> String {
    let shown: Vec<String> = comparison
        .violations
        .iter()
        .take(3)
        .map(|violation| format!("`{}`: {}", violation.machine.name(), violation.what))
        .collect();
    format!("no plan can be proved to change nothing else: {}", shown.join("; "))
}

pub(super) struct Composer<'c> {
    first: &'c View,
    question: &'c Question<'c>,
    settings: &'c Settings,
    /// Subjects that are left alone, with the reason.
    pub(super) refused: BTreeMap<String, String>,
    /// How many subjects are taken up.
    limit: usize,
    pub(super) work: View,
    pub(super) drafts: Vec<Draft>,
    pub(super) cannot: BTreeMap<(String, String), (String, String)>,
    pub(super) subjects: BTreeSet<String>,
    tried: HashSet<(String, String, &'static str)>,
}

/// A finding by what it is about: its sentence may change while it stays.
pub(super) fn key(finding: &Finding) -> (String, String, String) {
    (
        finding.rule.to_string(),
        finding.subject.id.to_ascii_lowercase(),
        finding.subject.name.to_ascii_lowercase(),
    )
}

/// What a finding is about, for counting and leaving out.
pub(super) fn subject(finding: &Finding) -> String {
    format!(
        "{}|{}",
        finding.subject.id.to_ascii_lowercase(),
        finding.subject.name.to_ascii_lowercase()
    )
}

pub(super) fn mended(finding: &Finding) -> Mended {
    Mended {
        rule: finding.rule.to_string(),
        subject: finding.subject.id.to_string(),
        fingerprint: finding.fingerprint.to_string(),
        message: finding.message.to_string(),
    }
}

impl<'c> Composer<'c> {
    pub(super) fn new(
        first: &'c View,
        question: &'c Question<'c>,
        settings: &'c Settings,
        refused: BTreeMap<String, String>,
        limit: usize,
    ) -> Self {
        Composer {
            first,
            question,
            settings,
            refused,
            limit,
            work: View::of(first.documents.clone(), question),
            drafts: Vec::new(),
            cannot: BTreeMap::new(),
            subjects: BTreeSet::new(),
            tried: HashSet::new(),
        }
    }

    fn compose(&mut self) {
        for _ in 0..ROUNDS {
            let mut progressed = false;
            for remedy in REMEDIES {
                let fresh = self.propose(remedy);
                progressed |= !fresh.is_empty();
                if !fresh.is_empty() {
                    self.take(fresh);
                }
            }
            if !progressed {
                return;
            }
        }
    }

    /// What a remedy would do for all findings of the moment.
    fn propose(&mut self, remedy: &'static Remedy) -> Vec<Draft> {
        let findings: Vec<Finding> = self
            .work
            .findings
            .iter()
            .filter(|f| self.concerns(remedy, f))
            .cloned()
            .collect();
        let mut fresh: Vec<Draft> = Vec::new();
        for finding in &findings {
            let tried = (
                finding.rule.to_string(),
                format!("{}|{}", subject(finding), finding.message),
                remedy.name,
            );
            if !self.tried.insert(tried) || !self.has_room(finding) {
                continue;
            }
            let sight = Sight {
                view: &self.work,
                settings: self.settings,
                ports: &self.question.ports,
                first: &self.first.documents,
                fresh: &fresh,
            };
            match (remedy.propose)(&sight, finding) {
                Proposal::Nothing => {}
                Proposal::Cannot { owner, reason } => {
                    self.cannot
                        .insert((finding.rule.to_string(), subject(finding)), (owner, reason));
                }
                Proposal::Steps(drafts) => self.accept(finding, drafts, &mut fresh),
            }
        }
        fresh
    }

    fn accept(&mut self, finding: &Finding, drafts: Vec<Draft>, fresh: &mut Vec<Draft>) {
        let new = |draft: &&Draft| !fresh.iter().any(|known| known.is_of(draft));
        let stopped = drafts.iter().filter(new).find_map(|draft| {
            self.excluded(draft)
                .or_else(|| hindrance::of(&self.work.documents, draft, fresh))
        });
        if let Some(stopped) = stopped {
            self.cannot
                .insert((finding.rule.to_string(), subject(finding)), stopped);
            return;
        }
        self.subjects.insert(self.root(finding));
        let mends = self.causes(finding);
        for mut draft in drafts {
            match fresh.iter_mut().find(|known| known.is_of(&draft)) {
                Some(known) => {
                    known.mends.extend(mends.clone());
                    if known.remedy == "edit-jit" && !projection::same(known.after.as_ref(), draft.after.as_ref()) {
                        known.after = draft.after;
                        known.expects.extend(draft.expects);
                        known.reason = format!("{}; {}", known.reason, draft.reason);
                    }
                }
                None => {
                    draft.mends = mends.clone();
                    fresh.push(draft);
                }
            }
        }
    }

    fn excluded(&self, draft: &Draft) -> Option<(String, String)> {
        let ids = [Some(&draft.target), Some(&draft.lane), draft.part.as_ref()];
        let named = |id: &&ResourceId| {
            self.settings
                .exclude
                .iter()
                .any(|name| names(name, id.as_str(), id.name()))
        };
        let id = ids.into_iter().flatten().find(named)?;
        Some(("you".to_owned(), format!("`{}` was excluded with --exclude", id.name())))
    }

    /// The machine that the limit counts, or the subject itself.
    pub(super) fn root(&self, finding: &Finding) -> String {
        self.work
            .machine_of(finding)
            .map_or_else(|| subject(finding), |(_, vm)| vm.id.as_str().to_ascii_lowercase())
    }

    pub(super) fn has_room(&self, finding: &Finding) -> bool {
        let root = self.root(finding);
        !self.refused.contains_key(&root) && (self.subjects.contains(&root) || self.subjects.len() < self.limit)
    }

    fn concerns(&self, remedy: &Remedy, finding: &Finding) -> bool {
        let rule = remedy.mends.contains(&&*finding.rule) && finding.verdict == Verdict::Unhealthy;
        rule && (self.selected(finding) || self.is_consequence(finding))
    }

    pub(super) fn selected(&self, finding: &Finding) -> bool {
        let hit = |name: &String| {
            let vm = self
                .work
                .machine_of(finding)
                .map(|(_, vm)| vm.id.as_str().to_owned())
                .unwrap_or_default();
            let vm_name = vm.rsplit('/').next().unwrap_or_default();
            *name == *finding.rule
                || names(name, &finding.subject.id, &finding.subject.name)
                || names(name, &vm, vm_name)
        };
        (self.settings.only.is_empty() || self.settings.only.iter().any(hit)) && !self.settings.exclude.iter().any(hit)
    }

    /// It was not there before: the plan brought it about and must mend it.
    fn is_consequence(&self, finding: &Finding) -> bool {
        !self.first.findings.iter().any(|before| key(before) == key(finding))
            && self.subjects.contains(&self.root(finding))
    }

    /// The findings of the first view for which a step is there.
    fn causes(&self, finding: &Finding) -> Vec<Mended> {
        let there = self
            .first
            .findings
            .iter()
            .filter(|before| key(before) == key(finding))
            .map(mended);
        let found: Vec<Mended> = there.collect();
        if !found.is_empty() {
            return found;
        }
        let same = |before: &&Finding| {
            before.subject.machine.is_some()
                && before.subject.machine == finding.subject.machine
                && self.selected(before)
        };
        self.first.findings.iter().filter(same).map(mended).collect()
    }

    /// Puts steps behind those that there are; what changes the same thing again becomes one step.
    fn take(&mut self, fresh: Vec<Draft>) {
        let mut documents = self.work.documents.clone();
        for draft in &fresh {
            carry_out(&mut documents, &self.work, draft);
        }
        for draft in fresh {
            match self.drafts.iter_mut().find(|known| known.is_of(&draft)) {
                Some(known) => {
                    known.after = draft.after;
                    known.phase = known.phase.max(draft.phase);
                    known.expects.extend(draft.expects);
                    known.reason = format!("{}; {}", known.reason, draft.reason);
                    known.mends.extend(draft.mends);
                }
                None => self.drafts.push(draft),
            }
        }
        self.drafts
            .retain(|draft| !projection::same(draft.before.as_ref(), draft.after.as_ref()));
        self.work = View::of(documents, self.question);
    }

    /// The estate after some of the steps, in their order.
    pub(super) fn after(&self, drafts: &[&Draft]) -> View {
        let mut documents = self.first.documents.clone();
        for draft in drafts {
            carry_out(&mut documents, self.first, draft);
        }
        View::of(documents, self.question)
    }

    /// Leaves out steps without which everything would be mended all the same.
    fn drop_idle(&mut self) {
        let order = |draft: &Draft| draft.phase;
        self.drafts.sort_by_key(order);
        if self.drafts.len() <= TRIED_WITHOUT {
            let mut at = 0;
            while at < self.drafts.len() {
                if self.is_idle(at) {
                    self.drafts.remove(at);
                } else {
                    at += 1;
                }
            }
        }
        let all: Vec<&Draft> = self.drafts.iter().collect();
        self.work = self.after(&all);
    }

    fn is_idle(&self, at: usize) -> bool {
        let Some(draft) = self.drafts.get(at) else { return false };
        // What keeps something open is judged by the comparison of sets.
        if draft.before.is_none() && projection::kind(&draft.target) == Some(Kind::SecurityRule) {
            return draft.phase == 0 && !self.drafts.iter().any(|other| other.phase == 1);
        }
        let rest: Vec<&Draft> = self
            .drafts
            .iter()
            .enumerate()
            .filter(|(other, _)| *other != at)
            .map(|(_, draft)| draft)
            .collect();
        let left: HashSet<_> = self.after(&rest).findings.iter().map(key).collect();
        left == self.work.findings.iter().map(key).collect()
    }

    /// Leaves alone what the comparison objects to; false when nothing is left to leave alone.
    fn refuse(&self, comparison: &Comparison, refused: &mut BTreeMap<String, String>) -> bool {
        let before = refused.len();
        for violation in &comparison.violations {
            let (vm, what) = (&violation.machine, &violation.what);
            let groups = self.groups_of(vm);
            for draft in self
                .drafts
                .iter()
                .filter(|draft| groups.contains(&draft.lane) || draft.part.as_ref() == Some(vm) || is_for(draft, vm))
            {
                for cause in &draft.mends {
                    let finding = self
                        .first
                        .findings
                        .iter()
                        .find(|finding| *finding.fingerprint == *cause.fingerprint);
                    let Some(finding) = finding else { continue };
                    let reason = format!(
                        "it cannot be proved to change nothing else: {what} (machine `{}`)",
                        vm.name()
                    );
                    refused.entry(self.root(finding)).or_insert(reason);
                }
            }
        }
        refused.len() > before
    }

    fn groups_of(&self, vm: &ResourceId) -> Vec<ResourceId> {
        effect::filtered(self.first, vm)
            .into_iter()
            .map(|(group, _)| group)
            .collect()
    }
}

/// Whether a step is there for a finding about the machine.
fn is_for(draft: &Draft, vm: &ResourceId) -> bool {
    draft.mends.iter().any(|mended| ResourceId::new(&mended.subject) == *vm)
}

/// A name of the user's for a resource: its id, its name, or the end of `group/rule`.
fn names(wanted: &str, id: &str, name: &str) -> bool {
    wanted.eq_ignore_ascii_case(id) || wanted.eq_ignore_ascii_case(name)
}

/// Makes a change in documents, with what the service does by itself.
fn carry_out(documents: &mut Documents, view: &View, draft: &Draft) {
    let part = draft.part.as_ref().map(ResourceId::as_str);
    let current = documents.get(&draft.target);
    if let (Some(Kind::JitEntry), Some(vm)) = (projection::kind(&draft.target), &draft.part) {
        let had = projection::read(Kind::JitEntry, part, current.as_ref());
        let paths = effect::filtered(view, vm);
        effect::enforce(
            documents,
            &draft.target,
            vm,
            &paths,
            &effect::ports(had.as_ref()),
            &effect::ports(draft.after.as_ref()),
        );
    }
    match projection::write(&draft.target, part, current.as_ref(), draft.after.as_ref()) {
        Some(projection::Write::Put(body)) => documents.set(&draft.target, &body),
        Some(projection::Write::Delete) => documents.unset(&draft.target),
        None => {}
    }
}
