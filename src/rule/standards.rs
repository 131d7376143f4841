//! The frameworks that a rule may be mapped to: short name and full title. Knows no rule.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The controls of one framework that a rule bears on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Mapping {
    /// Short name, such as `mcsb` or `nist-800-53-r5`.
    pub framework: Arc<str>,
    /// Full name of the framework.
    pub title: Arc<str>,
    pub controls: Vec<Arc<str>>,
    /// Whose judgement the mapping is.
    pub by: MappedBy,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum MappedBy {
    /// Microsoft's built-in initiatives bind the policy to the control.
    Microsoft,
    /// This tool's own judgement.
    Tool,
}

/// One framework: a standard, benchmark or law in one version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Framework {
    /// As written in rule files, such as `nist-800-53-r5`.
    pub name: &'static str,
    /// As written for people.
    pub title: &'static str,
}

const fn framework(name: &'static str, title: &'static str) -> Framework {
    Framework { name, title }
}

/// Every known framework, by name.
pub const FRAMEWORKS: &[Framework] = &[
    framework("canada-pbmm", "Canada Federal PBMM"),
    framework("cis-azure-1.1.0", "CIS Microsoft Azure Foundations Benchmark v1.1.0"),
    framework("cis-azure-1.3.0", "CIS Microsoft Azure Foundations Benchmark v1.3.0"),
    framework("cis-azure-1.4.0", "CIS Microsoft Azure Foundations Benchmark v1.4.0"),
    framework("cis-azure-2.0.0", "CIS Microsoft Azure Foundations Benchmark v2.0.0"),
    framework("cis-azure-2.1.0", "CIS Microsoft Azure Foundations Benchmark v2.1.0"),
    framework("cis-azure-3.0.0", "CIS Microsoft Azure Foundations Benchmark v3.0.0"),
    framework("cis-azure-4.0.0", "CIS Microsoft Azure Foundations Benchmark v4.0.0"),
    framework("cis-azure-5.0.0", "CIS Microsoft Azure Foundations Benchmark v5.0.0"),
    framework("cis-azure-6.0.0", "CIS Microsoft Azure Foundations Benchmark v6.0.0"),
    framework("cis-controls-8.1", "CIS Critical Security Controls v8.1"),
    framework("cmmc-2-l2", "CMMC 2.0 Level 2"),
    framework("cmmc-l3", "CMMC Level 3"),
    framework("dod-il4", "DoD Impact Level 4"),
    framework("dod-il5", "DoD Impact Level 5"),
    framework("fedramp-high", "FedRAMP High"),
    framework("fedramp-moderate", "FedRAMP Moderate"),
    framework("hitrust", "HITRUST/HIPAA"),
    framework("irs-1075", "IRS 1075 September 2016"),
    framework("ism-protected", "Australian Government ISM PROTECTED"),
    framework("iso-27001-2013", "ISO 27001:2013"),
    framework("iso-27001-2022", "ISO/IEC 27001 2022"),
    framework("k-isms-p", "K-ISMS-P 2018"),
    framework("mcsb", "Microsoft cloud security benchmark"),
    framework("nis2", "NIS2 Directive"),
    framework("nist-800-171-r2", "NIST SP 800-171 Rev. 2"),
    framework("nist-800-171-r3", "NIST SP 800-171 Rev. 3"),
    framework("nist-800-53-r4", "NIST SP 800-53 Rev. 4"),
    framework("nist-800-53-r5", "NIST SP 800-53 Rev. 5"),
    framework("nist-800-53-r5.1.1", "NIST SP 800-53 Rev. 5.1.1"),
    framework("nl-bio", "NL BIO Cloud Theme"),
    framework("nz-ism", "New Zealand ISM"),
    framework("pci-dss-3.2.1", "PCI DSS v3.2.1:2018"),
    framework("pci-dss-4", "PCI DSS v4"),
    framework("pci-dss-4.0.1", "PCI DSS v4.0.1"),
    framework("rbi-banks", "Reserve Bank of India - IT Framework for Banks v2016"),
    framework("rbi-nbfc", "Reserve Bank of India - IT Framework for NBFC"),
    framework("rmit-malaysia", "RMIT Malaysia"),
    framework("soc-2", "SOC 2 Type 2"),
    framework("soc-2023", "SOC 2023"),
    framework("swift-2021", "SWIFT CSP-CSCF v2021"),
    framework("swift-2022", "SWIFT CSP-CSCF v2022"),
    framework("uk-ncsc", "UK NCSC Cloud Security Principles"),
];

/// The framework of that short name.
pub fn find(name: &str) -> Option<Framework> {
    FRAMEWORKS.iter().find(|framework| framework.name == name).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_has_no_twins() {
        assert!(FRAMEWORKS.iter().map(|f| f.name).is_sorted_by(|a, b| a < b));
    }

    #[test]
    fn names_are_found_exactly() {
        assert_eq!(
            find("mcsb").map(|f| f.title),
            Some("Microsoft cloud security benchmark")
        );
        assert_eq!(find("MCSB"), None);
    }
}
