//! Service tags: names that stand for address sets.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ServiceTag {
    /// The virtual network, its peers, what is connected to it, and prefixes of its routes.
    VirtualNetwork,
    /// Public address space.
    Internet,
    /// The health probes of the platform, never a client.
    AzureLoadBalancer,
    /// Any other, such as `Storage.WestUS`.
    Named(TagName),
}

/// The name of a tag: compared without case, printed as Azure spells it where that is known, else as stated.
#[derive(Clone, Debug)]
pub struct TagName {
    lower: Arc<str>,
    spelled: Arc<str>,
}

impl TagName {
    fn new(stated: &str) -> Self {
        let (service, region) = stated.split_once('.').map_or((stated, None), |(s, r)| (s, Some(r)));
        let service = usual(SERVICES, service);
        let spelled = match region {
            Some(region) => format!("{service}.{}", usual(REGIONS, region)),
            None => service.to_owned(),
        };
        TagName {
            lower: Arc::from(stated.to_ascii_lowercase()),
            spelled: Arc::from(spelled),
        }
    }

    /// In lower case, such as `storage.westus`.
    pub fn lower(&self) -> &str {
        &self.lower
    }
}

impl PartialEq for TagName {
    fn eq(&self, other: &Self) -> bool {
        self.lower == other.lower
    }
}

impl Eq for TagName {}

impl Hash for TagName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.lower.hash(state);
    }
}

impl PartialOrd for TagName {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for TagName {
    fn cmp(&self, other: &Self) -> Ordering {
        self.lower.cmp(&other.lower)
    }
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
        (starts && spelled).then(|| ServiceTag::Named(TagName::new(text)))
    }

    /// True when every address of `other` is surely an address of this tag, by name alone:
    /// `storage.westus` lies in `storage`.
    pub fn surely_contains(&self, other: &ServiceTag) -> bool {
        match (self, other) {
            (ServiceTag::Named(outer), ServiceTag::Named(inner)) => {
                outer == inner
                    || inner
                        .lower()
                        .strip_prefix(outer.lower())
                        .is_some_and(|rest| rest.starts_with('.'))
            }
            _ => self == other,
        }
    }

    /// True for `AzureCloud` and its regions: the public addresses of every Azure customer.
    pub fn is_any_azure_tenant(&self) -> bool {
        matches!(self, ServiceTag::Named(name) if name.lower().split('.').next() == Some("azurecloud"))
    }
}

impl fmt::Display for ServiceTag {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            ServiceTag::VirtualNetwork => "VirtualNetwork",
            ServiceTag::Internet => "Internet",
            ServiceTag::AzureLoadBalancer => "AzureLoadBalancer",
            ServiceTag::Named(name) => &name.spelled,
        })
    }
}

/// The usual spelling of a word, else the word as it stands.
fn usual<'w>(words: &[&'static str], word: &'w str) -> &'w str
where
    'static: 'w,
{
    words
        .iter()
        .find(|usual| usual.eq_ignore_ascii_case(word))
        .copied()
        .unwrap_or(word)
}

/// Services whose tags are met often.
const SERVICES: &[&str] = &[
    "ActionGroup",
    "ApiManagement",
    "AppService",
    "AzureActiveDirectory",
    "AzureArcInfrastructure",
    "AzureBackup",
    "AzureCloud",
    "AzureContainerRegistry",
    "AzureCosmosDB",
    "AzureDevOps",
    "AzureFrontDoor",
    "AzureKeyVault",
    "AzureMonitor",
    "AzurePlatformDNS",
    "AzurePlatformIMDS",
    "AzurePlatformLKM",
    "AzureResourceManager",
    "AzureSiteRecovery",
    "AzureTrafficManager",
    "EventHub",
    "GatewayManager",
    "MicrosoftCloudAppSecurity",
    "MicrosoftContainerRegistry",
    "ServiceBus",
    "ServiceFabric",
    "Sql",
    "SqlManagement",
    "Storage",
    "WindowsAdminCenter",
    "WindowsVirtualDesktop",
];

/// What stands behind the dot: regions, and the parts of some services.
const REGIONS: &[&str] = &[
    "AustraliaCentral",
    "AustraliaCentral2",
    "AustraliaEast",
    "AustraliaSoutheast",
    "Backend",
    "BrazilSouth",
    "BrazilSoutheast",
    "CanadaCentral",
    "CanadaEast",
    "CentralIndia",
    "CentralUS",
    "EastAsia",
    "EastUS",
    "EastUS2",
    "FirstParty",
    "FranceCentral",
    "FranceSouth",
    "Frontend",
    "GermanyNorth",
    "GermanyWestCentral",
    "IsraelCentral",
    "ItalyNorth",
    "JapanEast",
    "JapanWest",
    "KoreaCentral",
    "KoreaSouth",
    "MexicoCentral",
    "NorthCentralUS",
    "NorthEurope",
    "NorwayEast",
    "NorwayWest",
    "PolandCentral",
    "QatarCentral",
    "SouthAfricaNorth",
    "SouthAfricaWest",
    "SouthCentralUS",
    "SouthIndia",
    "SoutheastAsia",
    "SpainCentral",
    "SwedenCentral",
    "SwitzerlandNorth",
    "SwitzerlandWest",
    "UAECentral",
    "UAENorth",
    "UKSouth",
    "UKWest",
    "WestCentralUS",
    "WestEurope",
    "WestIndia",
    "WestUS",
    "WestUS2",
    "WestUS3",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_one_in_any_case_and_print_as_azure_spells_them() {
        let tag = |text: &str| ServiceTag::parse(text).map(|tag| tag.to_string());
        assert_eq!(tag("azurecloud.westeurope").as_deref(), Some("AzureCloud.WestEurope"));
        assert_eq!(tag("STORAGE.WESTUS2").as_deref(), Some("Storage.WestUS2"));
        assert_eq!(tag("MyService.NewRegion").as_deref(), Some("MyService.NewRegion"));
        assert_eq!(ServiceTag::parse("MyService"), ServiceTag::parse("myservice"));
    }
}
