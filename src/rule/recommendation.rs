//! Recommendations of Defender for Cloud that speak of what rules here judge, as data: which rule stands beside which, and
//! what is likely behind a difference. Titles and keys are Microsoft's.

use crate::model::Assessment;

/// One recommendation beside a rule.
#[derive(Debug)]
pub struct Recommendation {
    /// The key of its assessments.
    pub key: &'static str,
    pub title: &'static str,
    /// The rule that asks the same.
    pub rule: &'static str,
    /// Why Defender is likely to complain where we do not.
    pub stricter: &'static str,
    /// Why Defender is likely to be content where we are not.
    pub laxer: &'static str,
    /// Why Defender is likely not to judge what we complain of; empty where that says nothing.
    pub passed_over: &'static str,
}

/// Those beside the flow rule's own, [`Assessment::JIT`].
pub const NEIGHBOURS: &[Recommendation] = &[
    Recommendation {
        key: "bc303248-3d14-44c2-96a0-55f5c326b5fe",
        title: "Management ports should be closed on your virtual machines",
        rule: "management-port-exposed",
        stricter: "because Defender counts an Allow rule that lets nobody through from the internet, or because the rule was closed \
                   since: its verdict lags by hours",
        laxer: "because Defender does not see the way in, or because the rule was opened since: its verdict lags by hours",
        passed_over: "because Defender takes the machine for one that the internet does not reach",
    },
    Recommendation {
        key: "483f12ed-ae23-447e-a2de-a67a10db4353",
        title: "Internet-facing virtual machines should be protected with network security groups",
        rule: "vm-without-filter",
        stricter: "because a firewall filters the machine, which Defender does not count, or because the group was put in place \
                   since: its verdict lags by hours",
        laxer: "because only some addresses of the machine have a group, or because it was taken away since: Defender's verdict \
                lags by hours",
        passed_over: "",
    },
    Recommendation {
        key: "a9341235-9389-42f0-a0bf-9bfb57960d44",
        title: "Non-internet-facing virtual machines should be protected with network security groups",
        rule: "vm-without-filter",
        stricter: "because a firewall filters the machine, which Defender does not count, or because the group was put in place \
                   since: its verdict lags by hours",
        laxer: "because only some addresses of the machine have a group, or because it was taken away since: Defender's verdict \
                lags by hours",
        passed_over: "",
    },
    Recommendation {
        key: "3b20e985-f71f-483b-b078-f30d73936d43",
        title: "All network ports should be restricted on network security groups associated to your virtual machine",
        rule: "allow-any-port",
        stricter: "because Defender counts rules for wide ranges of ports or sources too, or because the rule was narrowed since: \
                   its verdict lags by hours",
        laxer: "because the rule was opened since (Defender's verdict lags by hours), or because its sources are no public ones",
        passed_over: "",
    },
    Recommendation {
        key: "bbff27d2-73db-4c2d-8b1a-5f20b1f1da7e",
        title: "Machines should have ports closed that might expose attack vectors",
        rule: "management-port-exposed",
        stricter: "because Defender counts more ports than the management ports, or because the port was closed since: its verdict \
                   lags by hours",
        laxer: "because Defender does not see the way in, or because the port was opened since: its verdict lags by hours",
        passed_over: "",
    },
];

/// The recommendation of a key.
pub fn neighbour(key: &str) -> Option<&'static Recommendation> {
    NEIGHBOURS.iter().find(|known| known.key.eq_ignore_ascii_case(key))
}

/// The keys of all assessments that are read.
pub fn keys() -> impl Iterator<Item = &'static str> {
    std::iter::once(Assessment::JIT).chain(NEIGHBOURS.iter().map(|known| known.key))
}
