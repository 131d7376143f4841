//! The data block: findings and machines once, as tables of numbers over one list of strings.
//! The script of the page reads columns by name, so the order here is free.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use serde::Serialize;

use super::table::{Cell, Record, Strings, Table};
use super::words::{Word, Worded, vocabulary};
use crate::history::model::{KeptJudgement, Past, Spell, State};
use crate::report::{Assumption, Decider, ExposureClass, Hop, HopKind, Layer, Machine, Path, PortExposure, Report};
use crate::report::{RuleInfo, Subscription, Tab, Way};
use crate::rule::{Evidence, Finding, Severity, SubjectKind, Verdict, Waiver};
use crate::source::{Diagnostic, Level, Location};

/// The report's bulk as JSON that is safe inside a `script` element.
pub fn block(report: &Report, past: Option<&Past>) -> Result<String, serde_json::Error> {
    let mut data = Data::of(report);
    if let Some(past) = past {
        data.past(report, past);
    }
    let json = serde_json::to_string(&data)?;
    // `<` is the only character that could end the element or open a comment in it.
    Ok(json.replace('<', "\\u003c"))
}

#[derive(Debug, Default, Serialize)]
struct Data {
    words: BTreeMap<&'static str, Vec<Word>>,
    strings: Strings,
    subscriptions: Table,
    assumptions: Table,
    rules: Table,
    machines: Table,
    paths: Table,
    hops: Table,
    /// Lists of exposures: one list is shared by every machine behind the same filters.
    port_lists: Table,
    exposures: Table,
    deciders: Table,
    findings: Table,
    /// Lists of facts.
    evidence_lists: Table,
    evidence: Table,
    waivers: Table,
    locations: Table,
    diagnostics: Table,
    /// What the history says of the findings and machines that the report has.
    past_findings: Table,
    spells: Table,
    past_machines: Table,
    judgements: Table,
    #[serde(skip)]
    known_port_lists: HashMap<usize, u32>,
}

impl Data {
    fn of(report: &Report) -> Data {
        let mut data = Data {
            words: words(),
            ..Data::default()
        };
        report
            .scan
            .subscriptions
            .iter()
            .for_each(|subscription| data.subscription(subscription));
        report
            .assumptions
            .iter()
            .for_each(|assumption| data.assumption(assumption));
        report.rules.iter().for_each(|rule| data.rule(rule));
        report.machines.iter().for_each(|machine| data.machine(machine));
        report.findings.iter().for_each(|finding| data.finding(finding));
        report
            .diagnostics
            .iter()
            .for_each(|diagnostic| data.diagnostic(diagnostic));
        data
    }

    fn subscription(&mut self, subscription: &Subscription) {
        let record = vec![
            ("id", self.text(&subscription.id)),
            ("name", self.optional(&subscription.name)),
        ];
        self.subscriptions.push(record);
    }

    fn assumption(&mut self, assumption: &Assumption) {
        let record = vec![
            ("id", self.text(&assumption.id)),
            ("text", self.text(&assumption.text)),
            ("switch", self.optional(&assumption.switch)),
        ];
        self.assumptions.push(record);
    }

    fn rule(&mut self, rule: &RuleInfo) {
        let record = vec![
            ("id", self.text(&rule.id)),
            ("title", self.text(&rule.title)),
            ("severity", word(rule.severity)),
        ];
        self.rules.push(record);
    }

    fn machine(&mut self, machine: &Machine) {
        let paths = machine.paths.iter().map(|path| Cell::Number(self.path(path))).collect();
        let record = vec![
            ("name", self.text(&machine.name)),
            ("id", self.text(&machine.id)),
            ("subscription", self.text(&machine.subscription)),
            ("resource_group", self.text(&machine.resource_group)),
            ("region", self.text(&machine.region)),
            ("os", self.text(&machine.os)),
            ("power", self.text(&machine.power)),
            ("verdict", word(machine.verdict)),
            ("because", self.text(&machine.because)),
            ("tab", word(machine.tab)),
            ("paths", Cell::List(paths)),
            ("cause", self.optional(&machine.cause)),
            ("tab_reason", self.optional(&machine.tab_reason)),
            ("defender", self.optional(&machine.defender)),
        ];
        self.machines.push(record);
    }

    fn path(&mut self, path: &Path) -> u32 {
        let hops = path.hops.iter().map(|hop| Cell::Number(self.hop(hop))).collect();
        let record = vec![
            ("way", word(path.way)),
            ("target", self.text(&path.target)),
            ("address", self.text(&path.address)),
            ("hops", Cell::List(hops)),
            ("ports", Cell::Number(self.port_list(&path.ports))),
        ];
        self.paths.push(record)
    }

    fn hop(&mut self, hop: &Hop) -> u32 {
        let record = vec![
            ("kind", word(hop.kind)),
            ("name", self.text(&hop.name)),
            ("id", self.optional(&hop.id)),
            ("note", self.optional(&hop.note)),
        ];
        self.hops.intern(record)
    }

    /// The address of a shared list tells at once that it is known; equal lists at two addresses are found by content.
    fn port_list(&mut self, ports: &Arc<Vec<PortExposure>>) -> u32 {
        let address = Arc::as_ptr(ports).addr();
        if let Some(number) = self.known_port_lists.get(&address) {
            return *number;
        }
        let exposures = ports
            .iter()
            .map(|exposure| Cell::Number(self.exposure(exposure)))
            .collect();
        let number = self.port_lists.intern(vec![("exposures", Cell::List(exposures))]);
        self.known_port_lists.insert(address, number);
        number
    }

    fn exposure(&mut self, exposure: &PortExposure) -> u32 {
        let deciders = exposure
            .deciders
            .iter()
            .map(|decider| Cell::Number(self.decider(decider)))
            .collect();
        let record = vec![
            ("port", Cell::Number(exposure.port.into())),
            ("class", word(exposure.class)),
            ("addresses", self.plain(&exposure.addresses)),
            ("sentence", self.text(&exposure.sentence)),
            ("deciders", Cell::List(deciders)),
            ("sources", self.plains(&exposure.sources)),
            ("more_sources", self.plain(&exposure.more_sources.to_string())),
            ("tags", self.texts(&exposure.tags)),
            ("possible_sources", self.plains(&exposure.possible_sources)),
            ("gaps", self.texts(&exposure.gaps)),
            (
                "front_port",
                Cell::Number(exposure.front_port.unwrap_or_default().into()),
            ),
        ];
        self.exposures.intern(record)
    }

    fn decider(&mut self, decider: &Decider) -> u32 {
        let record = vec![
            ("layer", word(decider.layer)),
            ("access", self.text(&decider.access)),
            ("rule", self.text(&decider.rule)),
            ("group", self.text(&decider.group)),
            ("group_id", self.optional(&decider.group_id)),
            // Priorities start at 100, so that 0 can say "none".
            ("priority", Cell::Number(decider.priority.unwrap_or_default().into())),
            ("location", self.location(decider.location.as_ref())),
        ];
        self.deciders.intern(record)
    }

    fn finding(&mut self, finding: &Finding) {
        let subject = &finding.subject;
        let record: Record = vec![
            ("fingerprint", Cell::Text(Arc::clone(&finding.fingerprint))),
            ("rule", self.text(&finding.rule)),
            ("severity", word(finding.severity)),
            ("verdict", word(finding.verdict)),
            ("kind", word(subject.kind)),
            ("name", self.text(&subject.name)),
            ("id", self.text(&subject.id)),
            ("subscription", self.text(&subject.subscription)),
            ("resource_group", self.text(&subject.resource_group)),
            ("message", self.text(&finding.message)),
            // One more than the number of the machine, so that 0 can say "none".
            (
                "machine",
                Cell::Number(subject.machine.map_or(0, |machine| machine.saturating_add(1))),
            ),
            ("evidence", Cell::Number(self.evidence_list(&finding.evidence))),
            ("cause", self.optional(&finding.cause)),
            ("location", self.location(subject.location.as_ref())),
            ("assumptions", self.texts(&finding.assumptions)),
            ("gaps", self.texts(&finding.gaps)),
            ("waiver", self.waiver(finding.waiver.as_ref())),
        ];
        self.findings.push(record);
    }

    fn evidence_list(&mut self, evidence: &[Evidence]) -> u32 {
        let facts = evidence.iter().map(|fact| Cell::Number(self.fact(fact))).collect();
        self.evidence_lists.intern(vec![("facts", Cell::List(facts))])
    }

    fn fact(&mut self, fact: &Evidence) -> u32 {
        let record = vec![
            ("label", self.text(&fact.label)),
            ("text", self.text(&fact.text)),
            ("resource", self.optional(&fact.resource)),
            ("location", self.location(fact.location.as_ref())),
        ];
        self.evidence.intern(record)
    }

    /// One more than the number of the waiver, so that 0 can say "none".
    fn waiver(&mut self, waiver: Option<&Waiver>) -> Cell {
        let Some(waiver) = waiver else { return Cell::Number(0) };
        let record = vec![
            ("reason", self.text(&waiver.reason)),
            ("owner", self.optional(&waiver.owner)),
            ("ticket", self.optional(&waiver.ticket)),
            ("until", self.optional(&waiver.until)),
        ];
        Cell::Number(self.waivers.intern(record).saturating_add(1))
    }

    /// One more than the number of the location, so that 0 can say "none".
    fn location(&mut self, location: Option<&Location>) -> Cell {
        let Some(location) = location else {
            return Cell::Number(0);
        };
        let record = vec![
            ("file", self.text(&location.file)),
            ("line", Cell::Number(location.line)),
            ("column", Cell::Number(location.column)),
        ];
        Cell::Number(self.locations.intern(record).saturating_add(1))
    }

    fn diagnostic(&mut self, diagnostic: &Diagnostic) {
        let record = vec![
            ("level", word(diagnostic.level)),
            ("code", self.text(&diagnostic.code)),
            ("message", self.plain(&diagnostic.message)),
            (
                "help",
                diagnostic
                    .help
                    .as_deref()
                    .map_or(Cell::Number(0), |help| self.plain(help)),
            ),
            ("resource", self.optional(&diagnostic.resource)),
            ("location", self.location(diagnostic.location.as_ref())),
        ];
        self.diagnostics.push(record);
    }

    fn past(&mut self, report: &Report, past: &Past) {
        let shown: HashSet<&str> = report.findings.iter().map(|finding| &*finding.fingerprint).collect();
        for finding in past
            .findings
            .iter()
            .filter(|finding| shown.contains(&*finding.fingerprint))
        {
            let spells = finding
                .spells
                .iter()
                .map(|spell| Cell::Number(self.spell(spell)))
                .collect();
            let record = vec![
                ("fingerprint", Cell::Text(Arc::from(finding.fingerprint.as_str()))),
                ("first_seen", self.plain(&finding.first_seen)),
                ("opened", self.plain(&finding.opened)),
                ("spells", Cell::List(spells)),
                ("owner", self.plain(&finding.owner)),
                ("unjudged", self.plain(finding.unjudged.as_deref().unwrap_or_default())),
            ];
            self.past_findings.push(record);
        }
        let places: HashMap<String, usize> = report
            .machines
            .iter()
            .enumerate()
            .map(|(place, machine)| (machine.id.to_ascii_lowercase(), place))
            .collect();
        for machine in &past.machines {
            let Some(place) = places.get(&machine.resource) else {
                continue;
            };
            let judgements = machine
                .judgements
                .iter()
                .map(|one| Cell::Number(self.judgement(one)))
                .collect();
            let record = vec![
                // One more than the number of the machine, so that it is never empty.
                (
                    "machine",
                    Cell::Number(u32::try_from(*place).unwrap_or(u32::MAX).saturating_add(1)),
                ),
                ("first_seen", self.plain(&machine.first_seen)),
                ("judgements", Cell::List(judgements)),
            ];
            self.past_machines.push(record);
        }
    }

    fn spell(&mut self, spell: &Spell) -> u32 {
        let record = vec![
            ("opened", self.plain(&spell.opened)),
            ("closed", self.plain(spell.closed.as_deref().unwrap_or_default())),
            ("ending", self.plain(spell.ending.map_or("", State::as_str))),
        ];
        self.spells.push(record)
    }

    fn judgement(&mut self, judgement: &KeptJudgement) -> u32 {
        let record = vec![
            ("taken", self.plain(&judgement.taken)),
            ("verdict", word(judgement.verdict)),
            ("exposure", self.plain(&judgement.exposure)),
            ("because", self.plain(&judgement.because)),
        ];
        self.judgements.push(record)
    }

    fn text(&mut self, text: &Arc<str>) -> Cell {
        Cell::Number(self.strings.number(text))
    }

    fn optional(&mut self, text: &Option<Arc<str>>) -> Cell {
        text.as_ref().map_or(Cell::Number(0), |text| self.text(text))
    }

    fn texts(&mut self, texts: &[Arc<str>]) -> Cell {
        Cell::List(texts.iter().map(|text| self.text(text)).collect())
    }

    fn plain(&mut self, text: &str) -> Cell {
        self.text(&Arc::from(text))
    }

    fn plains(&mut self, texts: &[String]) -> Cell {
        Cell::List(texts.iter().map(|text| self.plain(text)).collect())
    }
}

fn word(value: impl Worded) -> Cell {
    Cell::Number(value.index())
}

fn words() -> BTreeMap<&'static str, Vec<Word>> {
    BTreeMap::from([
        ("verdict", vocabulary::<Verdict>()),
        ("severity", vocabulary::<Severity>()),
        ("tab", vocabulary::<Tab>()),
        ("class", vocabulary::<ExposureClass>()),
        ("way", vocabulary::<Way>()),
        ("hop", vocabulary::<HopKind>()),
        ("layer", vocabulary::<Layer>()),
        ("kind", vocabulary::<SubjectKind>()),
        ("level", vocabulary::<Level>()),
    ])
}
