//! Enumerations as the page shows them: a key for classes, icons and filters, and a label for people.

use serde::Serialize;

use crate::report::{ExposureClass, HopKind, Layer, Tab, Way};
use crate::rule::{Severity, SubjectKind, Verdict};
use crate::source::Level;

/// One value of an enumeration.
#[derive(Clone, Debug, Serialize)]
pub struct Word {
    /// As written in JSON.
    pub key: String,
    /// As written for people.
    pub label: &'static str,
}

/// An enumeration with words.
pub trait Worded: Copy + PartialEq + Serialize + 'static {
    /// Every value, in the order in which the page lists them.
    const ALL: &'static [Self];

    /// As written for people.
    fn label(self) -> &'static str;

    /// Key and label.
    fn word(self) -> Word {
        Word {
            key: key(self),
            label: self.label(),
        }
    }

    /// Position in [`Worded::ALL`], which is how the data block names the value.
    fn index(self) -> u32 {
        let position = Self::ALL.iter().position(|value| *value == self);
        position
            .and_then(|position| u32::try_from(position).ok())
            .unwrap_or_default()
    }
}

/// The words of a whole enumeration.
pub fn vocabulary<W: Worded>() -> Vec<Word> {
    W::ALL.iter().map(|value| value.word()).collect()
}

fn key(value: impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(key)) => key,
        _ => String::new(),
    }
}

impl Worded for Verdict {
    const ALL: &'static [Verdict] = &Verdict::ALL;

    fn label(self) -> &'static str {
        Verdict::label(self)
    }
}

impl Worded for Severity {
    const ALL: &'static [Severity] = &Severity::ALL;

    fn label(self) -> &'static str {
        self.as_str()
    }
}

impl Worded for Tab {
    const ALL: &'static [Tab] = &Tab::ALL;

    fn label(self) -> &'static str {
        Tab::label(self)
    }
}

impl Worded for ExposureClass {
    /// Worst last, so that the position compares.
    const ALL: &'static [ExposureClass] = &[
        ExposureClass::Closed,
        ExposureClass::Private,
        ExposureClass::Undetermined,
        ExposureClass::NoReturnPath,
        ExposureClass::AzureTenants,
        ExposureClass::Narrow,
        ExposureClass::Wide,
    ];

    fn label(self) -> &'static str {
        ExposureClass::label(self)
    }
}

impl Worded for Way {
    const ALL: &'static [Way] = &[Way::PublicIp, Way::LoadBalancer, Way::FirewallDnat, Way::Private];

    fn label(self) -> &'static str {
        match self {
            Way::PublicIp => "from the internet, through a public address",
            Way::LoadBalancer => "from the internet, through a load balancer",
            Way::FirewallDnat => "from the internet, through a firewall",
            Way::Private => "from the virtual network",
        }
    }
}

impl Worded for HopKind {
    const ALL: &'static [HopKind] = &[
        HopKind::Internet,
        HopKind::PublicIp,
        HopKind::LoadBalancer,
        HopKind::Firewall,
        HopKind::VirtualNetwork,
        HopKind::AdminRules,
        HopKind::SubnetNsg,
        HopKind::NicNsg,
        HopKind::Machine,
    ];

    fn label(self) -> &'static str {
        HopKind::label(self)
    }
}

impl Worded for Layer {
    const ALL: &'static [Layer] = &[Layer::Admin, Layer::Subnet, Layer::Nic, Layer::Platform];

    fn label(self) -> &'static str {
        match self {
            Layer::Admin => "admin rules",
            Layer::Subnet => "subnet",
            Layer::Nic => "network interface",
            Layer::Platform => "platform",
        }
    }
}

impl Worded for SubjectKind {
    const ALL: &'static [SubjectKind] = &[
        SubjectKind::Vm,
        SubjectKind::SecurityRule,
        SubjectKind::JitEntry,
        SubjectKind::Waiver,
    ];

    fn label(self) -> &'static str {
        match self {
            SubjectKind::Vm => "machine",
            SubjectKind::SecurityRule => "security rule",
            SubjectKind::JitEntry => "just-in-time entry",
            SubjectKind::Waiver => "waiver",
        }
    }
}

impl Worded for Level {
    const ALL: &'static [Level] = &[Level::Error, Level::Warning, Level::Note];

    fn label(self) -> &'static str {
        match self {
            Level::Error => "error",
            Level::Warning => "warning",
            Level::Note => "note",
        }
    }
}
