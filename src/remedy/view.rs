//! An estate as documents, and what the real pipeline says of them. The plan is made from views, and proved with them.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::documents::Documents;
use crate::exposure::{Attached, Exposures, MachineExposure, TargetExposure, analyse};
use crate::input::Reading;
use crate::model::{Choices, Inventory, JitPolicy, ResourceId, Vm};
use crate::rule::assess::{Assessor, Policy};
use crate::rule::assumption::in_force;
use crate::rule::facts::Estate;
use crate::rule::waiver::{self, WaiverRule};
use crate::rule::{Finding, Judgement};

/// What is asked of every view.
pub struct Question<'q> {
    pub policies: Vec<Policy<'q>>,
    /// The management ports, ascending.
    pub ports: Vec<u16>,
    pub waivers: &'q [WaiverRule],
    pub choices: Choices,
    /// When the plan is made.
    pub generated: Timestamp,
    /// At which moment requests are active or over; else when the estate was recorded, else now.
    pub now: Option<Timestamp>,
}

pub struct View {
    pub documents: Documents,
    pub reading: Reading,
    pub exposures: Exposures,
    /// Open findings, worst first.
    pub findings: Vec<Finding>,
    /// The flow rule's judgement by machine.
    pub judgements: Vec<Judgement>,
    pub now: Timestamp,
}

impl View {
    pub fn of(documents: Documents, question: &Question<'_>) -> View {
        let mut reading = documents.reading();
        reading.inventory.choices = question.choices.clone();
        let exposures = analyse(&reading.inventory, &reading.sources, &question.ports);
        let now = question.now.or(reading.recorded).unwrap_or(question.generated);
        let estate = Estate::new(&reading.inventory, &exposures, now);
        let assessor = Assessor {
            estate: &estate,
            sources: &reading.sources,
            policies: &question.policies,
            assumed: &in_force(&reading.inventory),
            keep_all: false,
        };
        let mut assessment = assessor.assess();
        let today = question.generated.to_zoned(TimeZone::UTC).date();
        waiver::apply(question.waivers, &mut assessment.findings, today, |_| false);
        assessment.findings.retain(Finding::is_open);
        drop(estate);
        View {
            documents,
            reading,
            exposures,
            findings: assessment.findings,
            judgements: assessment.machines,
            now,
        }
    }

    pub fn inventory(&self) -> &Inventory {
        &self.reading.inventory
    }

    /// The machine that a finding is about.
    pub fn machine_of(&self, finding: &Finding) -> Option<(u32, &Vm)> {
        let index = finding.subject.machine?;
        self.inventory().vms.get(index).map(|vm| (index, vm))
    }

    pub fn targets(&self, machine: u32) -> &[TargetExposure] {
        let machine: Option<&MachineExposure> = self.exposures.machines.get(machine as usize);
        machine.map_or(&[], |machine| &machine.targets)
    }

    /// The groups that filter an address, outermost first.
    pub fn groups<'v>(&'v self, target: &'v TargetExposure) -> impl Iterator<Item = &'v ResourceId> + 'v {
        target.layers().into_iter().filter_map(|(_, attached)| match attached {
            Attached::Group(index) => self.inventory().nsgs.get(*index).map(|nsg| &nsg.id),
            _ => None,
        })
    }

    /// The policies that hold an entry of the machine.
    pub fn policies_of<'v>(&'v self, vm: &'v ResourceId) -> impl Iterator<Item = &'v JitPolicy> + 'v {
        let holds = move |policy: &&JitPolicy| {
            policy
                .entries
                .known()
                .is_some_and(|all| all.iter().any(|e| e.vm == *vm))
        };
        self.inventory().jit_policies.iter().filter(holds)
    }
}
