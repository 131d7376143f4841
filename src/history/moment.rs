//! The history as it stood after a past scan: what came later is taken away again. Over plain data; what nobody keeps for
//! each night (severity, words and owner of a finding) stays as a scan last saw it.

use std::collections::HashSet;

use super::model::{KeptFinding, KeptMachine, KeptScan, Past, Spell, State, WaiverSpell};

/// A moment in the history: when a scan was taken, and its number, since shards are taken at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment<'m> {
    pub taken: &'m str,
    pub scan: i64,
}

impl<'m> Moment<'m> {
    pub fn of(scan: &'m KeptScan) -> Self {
        Moment {
            taken: &scan.taken,
            scan: scan.id,
        }
    }

    /// The moment after every scan that was taken by then.
    pub fn end_of(taken: &'m str) -> Self {
        Moment { taken, scan: i64::MAX }
    }

    /// Whether what a scan brought was known by then.
    pub fn knows(self, taken: &str, scan: i64) -> bool {
        (taken, scan) <= (self.taken, self.scan)
    }

    fn knows_end(self, taken: Option<&str>, scan: Option<i64>) -> bool {
        taken.is_some_and(|taken| self.knows(taken, scan.unwrap_or_default()))
    }
}

/// A finding that was open at a moment.
#[derive(Clone, Copy, Debug)]
pub struct Standing<'f> {
    pub finding: &'f KeptFinding,
    pub spell: &'f Spell,
    /// How often it had been opened by then.
    pub openings: i64,
    /// The waiver in force.
    pub waiver: Option<&'f WaiverSpell>,
}

/// How a finding stood; `None` where it was not open.
pub fn standing<'f>(finding: &'f KeptFinding, moment: Moment<'_>) -> Option<Standing<'f>> {
    let open = |spell: &&Spell| {
        moment.knows(&spell.opened, spell.opened_scan) && !moment.knows_end(spell.closed.as_deref(), spell.closed_scan)
    };
    let in_force = |waiver: &&WaiverSpell| {
        moment.knows(&waiver.since, waiver.since_scan) && !moment.knows_end(waiver.ended.as_deref(), waiver.ended_scan)
    };
    let spell = finding.spells.iter().find(open)?;
    Some(Standing {
        finding,
        spell,
        openings: finding.openings - later(finding, moment),
        waiver: finding.waivers.iter().find(in_force),
    })
}

/// Openings that were still to come.
fn later(finding: &KeptFinding, moment: Moment<'_>) -> i64 {
    let later = |spell: &&Spell| !moment.knows(&spell.opened, spell.opened_scan);
    i64::try_from(finding.spells.iter().filter(later).count()).unwrap_or_default()
}

/// The finding as it was known by then; `None` where nobody had seen it yet.
pub fn finding(mut finding: KeptFinding, moment: Moment<'_>) -> Option<KeptFinding> {
    finding.openings -= later(&finding, moment);
    finding
        .spells
        .retain(|spell| moment.knows(&spell.opened, spell.opened_scan));
    for spell in &mut finding.spells {
        if !moment.knows_end(spell.closed.as_deref(), spell.closed_scan) {
            (spell.closed, spell.closed_scan, spell.ending) = (None, None, None);
        }
    }
    finding
        .waivers
        .retain(|waiver| moment.knows(&waiver.since, waiver.since_scan));
    for waiver in &mut finding.waivers {
        if !moment.knows_end(waiver.ended.as_deref(), waiver.ended_scan) {
            (waiver.ended, waiver.ended_scan, waiver.ending) = (None, None, None);
        }
    }
    let last = finding.spells.last()?;
    finding.opened.clone_from(&last.opened);
    finding.closed.clone_from(&last.closed);
    finding.state = last.ending.unwrap_or(State::Open);
    finding.waived = finding.waivers.iter().any(|waiver| waiver.ended.is_none());
    let sight = finding.closed.as_deref().unwrap_or(moment.taken);
    if finding.last_seen.as_str() > sight {
        finding.last_seen = sight.to_owned();
    }
    if !moment.knows_end(finding.unjudged.as_deref(), finding.unjudged_scan) {
        (finding.unjudged, finding.unjudged_scan) = (None, None);
    }
    Some(finding)
}

fn machine(mut machine: KeptMachine, moment: Moment<'_>) -> Option<KeptMachine> {
    if machine.first_seen.as_str() > moment.taken {
        return None;
    }
    machine
        .judgements
        .retain(|judgement| moment.knows(&judgement.taken, judgement.scan));
    machine.gone = machine.gone.filter(|gone| gone.as_str() <= moment.taken);
    if machine.last_seen.as_str() > moment.taken {
        machine.last_seen = moment.taken.to_owned();
    }
    Some(machine)
}

impl Past {
    /// What was known at a moment. A run stays whole where any of its scans was known.
    pub fn until(mut self, moment: Moment<'_>) -> Past {
        self.scans.retain(|scan| moment.knows(&scan.taken, scan.id));
        let known: HashSet<i64> = self.scans.iter().map(|scan| scan.id).collect();
        self.points
            .retain(|point| point.scans.iter().any(|scan| known.contains(scan)));
        let findings = self.findings.into_iter();
        self.findings = findings.filter_map(|one| finding(one, moment)).collect();
        let machines = self.machines.into_iter();
        self.machines = machines.filter_map(|one| machine(one, moment)).collect();
        self.now = self.scans.last().map(|scan| scan.taken.clone()).unwrap_or_default();
        self
    }
}
