//! Service tags: names that stand for address sets.

use std::fmt;
use std::sync::Arc;

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ServiceTag {
    /// The virtual network, its peers, what is connected to it, and prefixes of its routes.
    VirtualNetwork,
    /// Public address space.
    Internet,
    /// The health probes of the platform, never a client.
    AzureLoadBalancer,
    /// Any other; its addresses are not in the input. Lower case, such as `storage.westus`.
    Named(Arc<str>),
}

impl ServiceTag {
    /// Reads a tag in any case, with the classic spellings. `None` for a text that cannot be a tag name.
    pub fn parse(text: &str) -> Option<ServiceTag> {
        let text = text.trim();
        let lower = text.to_ascii_lowercase();
        match lower.as_str() {
            "virtualnetwork" | "virtual_network" => return Some(ServiceTag::VirtualNetwork),
            "internet" => return Some(ServiceTag::Internet),
            "azureloadbalancer" | "azure_loadbalancer" => return Some(ServiceTag::AzureLoadBalancer),
            _ => {}
        }
        let starts = lower.bytes().next().is_some_and(|b| b.is_ascii_alphabetic());
        let spelled = lower
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'));
        (starts && spelled).then(|| ServiceTag::Named(lower.into()))
    }

    /// True when every address of `other` is surely an address of this tag, by name alone:
    /// `storage.westus` lies in `storage`.
    pub fn surely_contains(&self, other: &ServiceTag) -> bool {
        match (self, other) {
            (ServiceTag::Named(outer), ServiceTag::Named(inner)) => {
                outer == inner
                    || inner
                        .strip_prefix(outer.as_ref())
                        .is_some_and(|rest| rest.starts_with('.'))
            }
            _ => self == other,
        }
    }

    /// True for `AzureCloud` and its regions: the public addresses of every Azure customer.
    pub fn is_any_azure_tenant(&self) -> bool {
        matches!(self, ServiceTag::Named(name) if name.split('.').next() == Some("azurecloud"))
    }
}

impl fmt::Display for ServiceTag {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            ServiceTag::VirtualNetwork => "VirtualNetwork",
            ServiceTag::Internet => "Internet",
            ServiceTag::AzureLoadBalancer => "AzureLoadBalancer",
            ServiceTag::Named(name) => spelled(name),
        })
    }
}

/// The usual spelling of the tags that matter most; any other as stored.
fn spelled(name: &str) -> &str {
    const USUAL: &[&str] = &[
        "AzureCloud",
        "AzureDevOps",
        "GatewayManager",
        "AzureFrontDoor.Backend",
        "Storage",
        "Sql",
    ];
    USUAL
        .iter()
        .find(|usual| usual.eq_ignore_ascii_case(name))
        .copied()
        .unwrap_or(name)
}
