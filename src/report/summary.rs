//! The figures of a report, counted from its machines and findings.

use crate::report::{Machine, Path, Summary};
use crate::rule::{Finding, Verdict};

/// Counts machines and findings.
pub fn of(machines: &[Machine], findings: &[Finding]) -> Summary {
    let mut summary = Summary {
        machines: machines.len() as u64,
        ..Summary::default()
    };
    for machine in machines {
        *summary.verdicts.entry(machine.verdict).or_default() += 1;
        *summary.tabs.entry(machine.tab).or_default() += 1;
        summary.exposed += u64::from(machine.paths.iter().any(is_exposed));
    }
    for finding in findings {
        if finding.waiver.is_some() {
            summary.waived += 1;
        } else if finding.is_known() {
            summary.known += 1;
        } else {
            *summary.findings.entry(finding.severity).or_default() += 1;
            summary.undetermined += u64::from(finding.verdict == Verdict::Undetermined);
        }
    }
    summary
}

fn is_exposed(path: &Path) -> bool {
    use crate::exposure::ExposureClass::{AzureTenants, Narrow, Wide};
    path.ports
        .iter()
        .any(|exposure| matches!(exposure.class, AzureTenants | Narrow | Wide))
}
