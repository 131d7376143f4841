//! What the history keeps of a report: the parts that it covered, every machine with its verdict, every finding, and the
//! report itself. Must not know how the history is kept.

use std::collections::{BTreeSet, HashSet};
use std::io::{self, Read, Write};

use sha2::{Digest, Sha256};

use crate::history::model::{Covered, JudgedRule, Observation, SeenFinding, SeenMachine};
use crate::report::{ExposureClass, Machine, Report, digest};
use crate::rule::Finding;
use crate::rule::owner::Owners;
use crate::rule::waiver;

/// What is not in the report.
pub struct Remembering<'r> {
    /// The run that the scan is a part of.
    pub run: Option<String>,
    /// As of when the estate was judged, RFC 3339 UTC in whole seconds.
    pub taken: String,
    pub owners: &'r Owners,
    /// Whether the report is kept as evidence.
    pub keep: bool,
}

/// Level of compression of a report that is kept: a tenth of its size, in a fraction of the time of the scan.
const LEVEL: i32 = 9;

/// # Errors
/// When the report cannot be written as JSON.
pub fn observation(report: &Report, remembering: Remembering<'_>) -> io::Result<Observation> {
    let (digest, packed) = pack(report, remembering.keep)?;
    let scopes = Scopes::of(report);
    let owners = remembering.owners;
    Ok(Observation {
        run: remembering.run,
        taken: remembering.taken,
        written: report.scan.generated.clone(),
        tool: format!("{} {}", report.tool.name, report.tool.version),
        digest,
        inputs: report.scan.inputs.clone(),
        lost: report.scan.lost.iter().map(ToString::to_string).collect(),
        least_severity: report.scan.least_severity,
        coverage: scopes.coverage(report),
        rules: report
            .rules
            .iter()
            .filter(|rule| is_of_estate(&rule.id))
            .map(rule)
            .collect(),
        machines: report
            .machines
            .iter()
            .map(|one| machine(one, &scopes, owners))
            .collect(),
        findings: findings(report, &scopes, owners),
        report: packed,
    })
}

/// The findings of a report as a history has them.
pub fn seen(report: &Report, owners: &Owners) -> Vec<SeenFinding> {
    findings(report, &Scopes::of(report), owners)
}

fn findings(report: &Report, scopes: &Scopes, owners: &Owners) -> Vec<SeenFinding> {
    let of_estate = report.findings.iter().filter(|one| is_of_estate(&one.rule));
    of_estate.map(|one| finding(one, report, scopes, owners)).collect()
}

/// The SHA-256 of the report as JSON, and the compressed text.
fn pack(report: &Report, keep: bool) -> io::Result<(String, Vec<u8>)> {
    let mut hashing = Hashing(Sha256::new());
    serde_json::to_writer(&mut hashing, report)?;
    let digest = hexadecimal(hashing.0);
    if !keep {
        return Ok((digest, Vec::new()));
    }
    let mut packer = zstd::stream::write::Encoder::new(Vec::new(), LEVEL)?;
    serde_json::to_writer(io::BufWriter::with_capacity(1 << 16, &mut packer), report)?;
    Ok((digest, packer.finish()?))
}

/// Findings about waivers are about the settings of a scan: they are in its report, and no part of an estate holds them.
fn is_of_estate(rule: &str) -> bool {
    !waiver::PROBLEMS.iter().any(|problem| problem.id == rule)
}

struct Hashing(Sha256);

impl Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The report of packed evidence; `digest` is what the history says of it.
///
/// # Errors
/// When the bytes are no report that this version reads, or not the one that was written down; in one sentence.
pub fn unpack(packed: &[u8], digest: &str) -> Result<Report, String> {
    let unpacked = zstd::stream::read::Decoder::new(packed).map_err(|error| error.to_string())?;
    let mut reading = Reading {
        hash: Sha256::new(),
        from: unpacked,
    };
    let mut buffered = io::BufReader::with_capacity(1 << 16, &mut reading);
    let report = serde_json::from_reader(&mut buffered);
    let report = report.map_err(|error| format!("the report that was kept cannot be read: {error}"))?;
    let found = hexadecimal(reading.hash);
    match found == digest {
        true => Ok(report),
        false => Err(format!(
            "the report that was kept is not the one that was written down: its SHA-256 is {found}, not {digest}"
        )),
    }
}

/// Passes bytes on and hashes them.
struct Reading<R> {
    hash: Sha256,
    from: R,
}

impl<R: Read> Read for Reading<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.from.read(buffer)?;
        self.hash.update(buffer.get(..count).unwrap_or_default());
        Ok(count)
    }
}

fn hexadecimal(hash: Sha256) -> String {
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The parts of the estate that a report covers. Files that name no subscriptions are one part together.
struct Scopes {
    covered: HashSet<String>,
    files: String,
}

/// Longer lists of inputs are named by their digest.
const LONGEST_NAME: usize = 200;

impl Scopes {
    fn of(report: &Report) -> Self {
        let subscriptions = report.scan.subscriptions.iter();
        let mut files = format!("files: {}", report.scan.inputs.join(", "));
        if files.len() > LONGEST_NAME {
            let digest = Sha256::digest(files.as_bytes());
            files = format!(
                "files: {}",
                digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>()
            );
        }
        Scopes {
            covered: subscriptions.map(|one| one.id.to_ascii_lowercase()).collect(),
            files,
        }
    }

    fn of_subscription(&self, subscription: &str) -> String {
        let id = subscription.to_ascii_lowercase();
        if self.covered.contains(&id) {
            id
        } else {
            self.files.clone()
        }
    }

    fn coverage(&self, report: &Report) -> Vec<Covered> {
        let subscription = |one: &crate::report::Subscription| Covered {
            scope: one.id.to_ascii_lowercase(),
            name: one.name.as_deref().map(str::to_owned),
            complete: one.complete,
            missing: one.missing.clone(),
        };
        let mut coverage: Vec<Covered> = report.scan.subscriptions.iter().map(subscription).collect();
        let machines = report.machines.iter().map(|machine| &machine.subscription);
        let findings = report.findings.iter().filter(|finding| is_of_estate(&finding.rule));
        let findings = findings.map(|finding| &finding.subject.subscription);
        let is_elsewhere = |id: &std::sync::Arc<str>| !self.covered.contains(&id.to_ascii_lowercase());
        if coverage.is_empty() || machines.chain(findings).any(is_elsewhere) {
            coverage.push(Covered {
                scope: self.files.clone(),
                name: None,
                complete: report.scan.lost.is_empty(),
                missing: Vec::new(),
            });
        }
        let mut twice = HashSet::new();
        coverage.retain(|covered| twice.insert(covered.scope.clone()));
        coverage
    }
}

fn rule(rule: &crate::report::RuleInfo) -> JudgedRule {
    JudgedRule {
        id: rule.id.to_string(),
        title: rule.title.to_string(),
        severity: rule.severity,
        digest: rule.digest.as_deref().unwrap_or_default().to_owned(),
        standards: rule.standards.clone(),
    }
}

fn machine(machine: &Machine, scopes: &Scopes, owners: &Owners) -> SeenMachine {
    let widest = digest::widest(machine);
    let public = [ExposureClass::AzureTenants, ExposureClass::Narrow, ExposureClass::Wide];
    SeenMachine {
        resource: key(&machine.id),
        scope: scopes.of_subscription(&machine.subscription),
        name: machine.name.to_string(),
        subscription: machine.subscription.to_string(),
        resource_group: machine.resource_group.to_string(),
        owner: owner(&[&machine.id, &machine.name], Some(machine), owners),
        verdict: machine.verdict,
        exposure: widest.map_or("no way in", ExposureClass::label).to_owned(),
        exposed: widest.is_some_and(|class| public.contains(&class)),
        because: machine.because.to_string(),
    }
}

fn finding(finding: &Finding, report: &Report, scopes: &Scopes, owners: &Owners) -> SeenFinding {
    let subject = &finding.subject;
    let machine = digest::machine(report, finding);
    let mut names: Vec<&str> = vec![&subject.id, &subject.name];
    names.extend(machine.iter().flat_map(|machine| [&*machine.id, &*machine.name]));
    SeenFinding {
        fingerprint: finding.fingerprint.to_string(),
        scope: scopes.of_subscription(&subject.subscription),
        rule: finding.rule.to_string(),
        severity: finding.severity,
        verdict: finding.verdict,
        kind: subject.kind,
        subject: subject.name.to_string(),
        resource: subject.id.to_string(),
        subscription: subject.subscription.to_string(),
        resource_group: subject.resource_group.to_string(),
        machine: machine.map(|machine| key(&machine.id)).unwrap_or_default(),
        owner: owner(&names, machine, owners),
        message: finding.message.to_string(),
        rests_on: rests_on(finding, machine),
        waiver: finding.waiver.clone(),
    }
}

/// The other subscriptions that a finding rests on: those of the resources that it names, and of the stations of the ways to
/// its machine, deciding rules included.
fn rests_on(finding: &Finding, machine: Option<&Machine>) -> Vec<String> {
    let named = finding.evidence.iter().filter_map(|fact| fact.resource.as_deref());
    let paths = || machine.into_iter().flat_map(|machine| &machine.paths);
    let stations = paths().flat_map(|path| &path.hops).filter_map(|hop| hop.id.as_deref());
    let deciders = paths()
        .flat_map(|path| path.ports.iter())
        .flat_map(|port| &port.deciders);
    let groups = deciders.filter_map(|decider| decider.group_id.as_deref());
    let own = finding.subject.subscription.to_ascii_lowercase();
    let others: BTreeSet<String> = named
        .chain(stations)
        .chain(groups)
        .filter_map(subscription_of)
        .filter(|id| *id != own)
        .collect();
    others.into_iter().collect()
}

fn subscription_of(id: &str) -> Option<String> {
    let id = id.to_ascii_lowercase();
    let subscription = id.strip_prefix("/subscriptions/")?.split('/').next()?;
    (!subscription.is_empty()).then(|| subscription.to_owned())
}

/// What a machine is known again by: without case, and without what a database keeps in no text.
fn key(id: &str) -> String {
    id.to_ascii_lowercase().replace('\0', "\u{fffd}")
}

fn owner(names: &[&str], machine: Option<&Machine>, owners: &Owners) -> String {
    let tagged = || machine.and_then(|machine| machine.owner.as_deref());
    owners.of(names).or_else(tagged).unwrap_or_default().to_owned()
}
