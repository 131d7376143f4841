//! The plan of what was composed and proved: steps with their numbers, who is better off, who loses, what stays.

use std::collections::{BTreeSet, HashSet};

use super::compose::{Composer, key, mended, subject};
use super::documents::{Documents, id_of, member};
use super::hindrance;
use super::plan::{FORMAT, Mended, Plan, Proof, Step, Unmended, VERSION};
use super::projection;
use super::proof::Comparison;
use super::remedies::{Draft, Settings, owner};
use super::view::{Question, View};
use crate::exposure::Attached;
use crate::model::ResourceId;
use crate::rule::{Finding, Verdict};

pub(super) fn finished(
    first: &View,
    composer: Composer<'_>,
    comparison: Comparison,
    inventory: String,
    question: &Question<'_>,
    settings: &Settings,
) -> Plan {
    let gone = gone(first, &composer.work);
    let mut warnings = hindrance::warnings(&first.documents, &composer.drafts);
    warnings.extend(arising(first, &composer.work));
    if !settings.exclude.is_empty() || !settings.only.is_empty() {
        warnings.push("only a part of the findings was asked for (--only, --exclude)".to_owned());
    }
    let subscriptions: BTreeSet<String> = composer
        .drafts
        .iter()
        .map(|draft| draft.target.subscription().to_ascii_lowercase())
        .collect();
    let proof = Proof {
        healthy: healthy(first, &composer.work),
        mended: gone,
        losses: comparison.losses,
        gains: comparison.gains,
        bystanders: bystanders(first, &composer),
        machines: first.inventory().vms.len() as u64,
        port_classes: comparison.port_classes,
        protocols: comparison.protocols,
    };
    let mut plan = Plan {
        format: FORMAT.to_owned(),
        version: VERSION,
        tool: concat!("portcullis ", env!("CARGO_PKG_VERSION")).to_owned(),
        made: question.generated.to_string(),
        inventory,
        tenant: tenant(&first.documents),
        subscriptions: subscriptions.into_iter().collect(),
        read: read(&first.documents),
        ports: question.ports.clone(),
        unmended: unmended(first, &composer),
        steps: (1..)
            .zip(composer.drafts)
            .map(|(number, draft)| step(number, draft))
            .collect(),
        proof,
        warnings,
        digest: String::new(),
    };
    plan.digest = plan.computed_digest();
    plan
}

fn step(number: u32, draft: Draft) -> Step {
    let mut mends = draft.mends;
    mends.sort();
    mends.dedup();
    let version = projection::kind(&draft.target).map_or("", projection::api_version);
    Step {
        number,
        remedy: draft.remedy.to_owned(),
        phase: draft.phase,
        target: draft.target.as_str().to_owned(),
        part: draft.part.map(|part| part.as_str().to_owned()),
        api_version: version.to_owned(),
        lane: draft.lane.as_str().to_owned(),
        before: draft.before,
        after: draft.after,
        expects: draft.expects,
        reason: draft.reason,
        mends,
    }
}

fn gone(first: &View, last: &View) -> Vec<Mended> {
    let left: HashSet<_> = last.findings.iter().map(key).collect();
    let mut gone: Vec<Mended> = first
        .findings
        .iter()
        .filter(|finding| !left.contains(&key(finding)))
        .map(mended)
        .collect();
    gone.sort();
    gone
}

/// Findings that were not there before, as warnings: nothing is open that was not, but they should be known.
fn arising(first: &View, last: &View) -> Vec<String> {
    let before: HashSet<_> = first.findings.iter().map(key).collect();
    let new = last.findings.iter().filter(|finding| !before.contains(&key(finding)));
    new.map(|finding| {
        format!(
            "afterwards `{}` says of `{}`: {}",
            finding.rule, finding.subject.name, finding.message
        )
    })
    .collect()
}

fn healthy(first: &View, last: &View) -> Vec<String> {
    let pairs = first
        .judgements
        .iter()
        .zip(&last.judgements)
        .zip(first.inventory().vms.iter());
    let turned = pairs.filter(|((was, is), _)| was.verdict != Verdict::Healthy && is.verdict == Verdict::Healthy);
    turned.map(|(_, vm)| vm.id.as_str().to_owned()).collect()
}

fn unmended(first: &View, composer: &Composer<'_>) -> Vec<Unmended> {
    let left: HashSet<_> = composer.work.findings.iter().map(key).collect();
    let stays = first
        .findings
        .iter()
        .filter(|finding| left.contains(&key(finding)) && composer.selected(finding));
    let mut unmended: Vec<Unmended> = stays.map(|finding| stay(composer, finding)).collect();
    unmended.sort();
    unmended.dedup();
    unmended
}

fn stay(composer: &Composer<'_>, finding: &Finding) -> Unmended {
    let told = composer
        .cannot
        .get(&(finding.rule.to_string(), subject(finding)))
        .cloned();
    let refused = || {
        composer
            .refused
            .get(&composer.root(finding))
            .map(|reason| ("you".to_owned(), reason.clone()))
    };
    let plain = || match finding.verdict {
        Verdict::Undetermined => (
            "you".to_owned(),
            "it is undetermined: give what was not read, then plan again".to_owned(),
        ),
        _ if composer.has_room(finding) => (
            composer
                .work
                .machine_of(finding)
                .map_or_else(|| "you".to_owned(), |(_, vm)| owner(vm)),
            format!(
                "no step of a plan mends it; `portcullis rules show {}` tells what does",
                finding.rule
            ),
        ),
        _ => (
            "you".to_owned(),
            "it does not fit into --max-steps; plan again when this plan is carried out".to_owned(),
        ),
    };
    let (owner, reason) = refused().or(told).unwrap_or_else(plain);
    Unmended {
        rule: finding.rule.to_string(),
        subject: finding.subject.id.to_string(),
        message: finding.message.to_string(),
        owner,
        reason,
    }
}

/// Machines behind a group that is changed, that no step is for.
fn bystanders(first: &View, composer: &Composer<'_>) -> Vec<String> {
    let lanes: HashSet<&ResourceId> = composer.drafts.iter().map(|draft| &draft.lane).collect();
    let behind = |index: usize| {
        let machine = first.exposures.machines.get(index);
        let targets = machine.into_iter().flat_map(|machine| &machine.targets);
        targets
            .flat_map(|target| target.layers())
            .any(|(_, attached)| match attached {
                Attached::Group(group) => first
                    .inventory()
                    .nsgs
                    .get(*group)
                    .is_some_and(|nsg| lanes.contains(&nsg.id)),
                _ => false,
            })
    };
    let concerned = |id: &str| composer.subjects.contains(&id.to_ascii_lowercase());
    let machines = first.inventory().vms.iter().enumerate();
    machines
        .filter(|(index, vm)| behind(*index) && !concerned(vm.id.as_str()))
        .map(|(_, vm)| vm.id.as_str().to_owned())
        .collect()
}

/// The subscriptions that the estate lies in.
fn read(documents: &Documents) -> Vec<String> {
    let ids = documents.iter().filter_map(id_of);
    let subscriptions: BTreeSet<String> = ids.map(|id| id.subscription().to_ascii_lowercase()).collect();
    subscriptions.into_iter().filter(|id| !id.is_empty()).collect()
}

/// The tenant, where all subscriptions that say one say the same.
fn tenant(documents: &Documents) -> Option<String> {
    let said = documents
        .iter()
        .filter_map(|document| member(document, "tenantId")?.as_str());
    let tenants: BTreeSet<String> = said.map(str::to_ascii_lowercase).collect();
    (tenants.len() == 1).then(|| tenants.into_iter().next()).flatten()
}
