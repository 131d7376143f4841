//! One side of a comparison: machines and filters with exactly who reaches each port, taken from a judged estate.

use std::sync::Arc;

use super::model::{Kind, Origin, Through};
use crate::exposure::{Alone, Exposures, PortExposure, Reach, Way, WayIn, alone, guarding};
use crate::model::{Inventory, ResourceId};
use crate::net::AddressSet;
use crate::rule::{Finding, Judgement, Verdict};
use crate::source::{Diagnostic, Location, Sources};

/// A judged estate, as far as a comparison needs it.
#[derive(Default)]
pub struct Side {
    pub(super) subjects: Vec<Subject>,
    pub findings: Vec<Finding>,
    pub diagnostics: Vec<Diagnostic>,
    /// Everything that was named could be read.
    pub complete: bool,
    /// What it does not state does not exist.
    pub whole: bool,
}

/// A machine or a filter.
pub(super) struct Subject {
    pub kind: Kind,
    pub id: ResourceId,
    pub location: Option<Location>,
    pub verdict: Option<(Verdict, Arc<str>)>,
    /// A filter before some machine: the machine shows what it does.
    pub guards: bool,
    pub answers: Vec<Answer>,
    /// Why there may be further addresses of the machine.
    pub gap: Option<Arc<str>>,
}

/// The answers of one way in.
pub(super) struct Answer {
    pub from: Origin,
    pub way: Way,
    pub front: Option<Arc<str>>,
    pub ports: Arc<Vec<PortExposure>>,
}

impl Answer {
    pub fn at(&self, port: u16) -> impl Iterator<Item = &PortExposure> {
        self.ports.iter().filter(move |exposure| exposure.port == port)
    }

    pub fn through(&self, exposure: &PortExposure) -> Through {
        Through {
            way: self.way,
            address: self.front.clone(),
            port: exposure.front_port,
        }
    }
}

impl Side {
    pub fn count(&self, kind: Kind) -> u64 {
        self.subjects.iter().filter(|subject| subject.kind == kind).count() as u64
    }

    /// Nothing that could be compared was read.
    pub fn is_empty(&self) -> bool {
        self.subjects.is_empty() && self.findings.is_empty()
    }
}

/// Takes what a comparison needs of an estate whose answers keep their sets.
pub fn side(inventory: &Inventory, sources: &Sources, exposures: &Exposures, judgements: &[Judgement]) -> Side {
    let machines = inventory.vms.iter().zip(&exposures.machines).enumerate();
    let machines = machines.map(|(at, (vm, exposure))| Subject {
        kind: Kind::Machine,
        id: vm.id.clone(),
        location: vm.origin.0.map(|place| sources.locate(place)),
        verdict: judgements
            .get(at)
            .map(|one| (one.verdict, Arc::from(one.message.as_ref()))),
        guards: false,
        answers: exposure
            .targets
            .iter()
            .flat_map(|target| target.ways.iter().map(answer))
            .collect(),
        gap: exposure.gap.as_ref().map(|why| why.text.clone()),
    });
    let mut subjects: Vec<Subject> = machines.collect();
    let guarding = guarding(exposures);
    for group in alone(inventory, sources, &exposures.ports) {
        let guards = guarding.contains(&group.nsg);
        subjects.extend(filter(inventory, sources, group, guards));
    }
    let strays = inventory.of_strays();
    for group in alone(&strays, sources, &exposures.ports) {
        subjects.extend(filter(&strays, sources, group, false));
    }
    Side {
        subjects,
        complete: inventory.coverage.is_complete(),
        whole: inventory.coverage.whole,
        ..Side::default()
    }
}

fn filter(inventory: &Inventory, sources: &Sources, group: Alone, guards: bool) -> Option<Subject> {
    let nsg = inventory.nsgs.get(group.nsg)?;
    let public = group.public.into_iter().map(|ports| wherever(Origin::Internet, ports));
    let private = group.private.into_iter().map(|ports| wherever(Origin::Private, ports));
    Some(Subject {
        kind: Kind::Filter,
        id: nsg.id.clone(),
        location: nsg.origin.0.map(|place| sources.locate(place)),
        verdict: None,
        guards,
        answers: public.chain(private).collect(),
        gap: None,
    })
}

fn answer(way: &WayIn) -> Answer {
    Answer {
        from: match way.way {
            Way::Private => Origin::Private,
            _ => Origin::Internet,
        },
        way: way.way,
        front: way.front.as_ref().map(|front| front.address.clone()),
        ports: way.exposures.clone(),
    }
}

fn wherever(from: Origin, ports: Arc<Vec<PortExposure>>) -> Answer {
    Answer {
        from,
        way: match from {
            Origin::Internet => Way::PublicIp,
            Origin::Private => Way::Private,
        },
        front: None,
        ports,
    }
}

/// What a machine's interface that was not read may let in.
pub(super) fn anybody(from: Origin) -> Reach {
    let public = crate::exposure::PUBLIC.difference(&crate::exposure::PLATFORM);
    Reach {
        certain: AddressSet::empty(),
        possible: match from {
            Origin::Internet => public,
            Origin::Private => crate::exposure::PUBLIC.complement(),
        },
    }
}
