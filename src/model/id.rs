//! Azure resource ids: compared without case, printed as spelled.

use std::fmt;
use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::{Arc, LazyLock};

/// An ARM resource id, such as `/subscriptions/S/resourceGroups/G/providers/Microsoft.Compute/virtualMachines/N`.
#[derive(Clone)]
pub struct ResourceId {
    text: Arc<str>,
    hash: u64,
}

/// Stands for the subscription of what is not deployed yet.
pub const PLACEHOLDER_SUBSCRIPTION: &str = "00000000-0000-0000-0000-000000000000";

/// Whether a text stands for a subscription that is not known: the placeholder, or a symbol.
pub fn is_placeholder(subscription: &str) -> bool {
    subscription == PLACEHOLDER_SUBSCRIPTION || subscription.starts_with('{')
}

static HASHER: LazyLock<foldhash::quality::RandomState> = LazyLock::new(foldhash::quality::RandomState::default);

impl ResourceId {
    pub fn new(text: &str) -> Self {
        let text = text.trim().trim_end_matches('/');
        ResourceId {
            text: Arc::from(text),
            hash: hash_without_case(text),
        }
    }

    /// As spelled in the input.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    pub fn text(&self) -> &Arc<str> {
        &self.text
    }

    /// The last segment.
    pub fn name(&self) -> &str {
        self.text.rsplit('/').next().unwrap_or_default()
    }

    /// The subscription's id, empty when the id has none.
    pub fn subscription(&self) -> &str {
        self.after("subscriptions")
    }

    /// The resource group's name, empty when the id has none.
    pub fn resource_group(&self) -> &str {
        self.after("resourceGroups")
    }

    /// The resource type in lower case, such as `microsoft.network/virtualnetworks/subnets`; empty without a provider.
    pub fn resource_type(&self) -> String {
        let mut segments = self.segments_after_last_provider();
        let Some(namespace) = segments.next() else {
            return String::new();
        };
        let types = segments.step_by(2);
        let joined = types.fold(namespace.to_owned(), |path, segment| path + "/" + segment);
        joined.to_ascii_lowercase()
    }

    /// The id of the resource this one is a child of, such as the network of a subnet.
    pub fn parent(&self) -> Option<ResourceId> {
        let (parent, _) = self.text.rsplit_once('/')?;
        let (parent, _) = parent.rsplit_once('/')?;
        (!parent.is_empty()).then(|| ResourceId::new(parent))
    }

    /// The resource that an answer recorded as `<resource>/<action>` is about.
    pub fn parent_of_action(&self) -> Option<ResourceId> {
        let (resource, _) = self.text.rsplit_once('/')?;
        (!resource.is_empty()).then(|| ResourceId::new(resource))
    }

    /// The id of a child, such as `.../securityRules/allow-ssh`.
    pub fn child(&self, kind: &str, name: &str) -> ResourceId {
        ResourceId::new(&format!("{}/{kind}/{name}", self.text))
    }

    /// The id of the resource that an extension resource (an assessment, a pricing) is attached to.
    pub fn extended(&self) -> Option<ResourceId> {
        let lower = self.text.to_ascii_lowercase();
        let at = lower.rfind("/providers/")?;
        let scope = self.text.get(..at)?;
        (!scope.is_empty()).then(|| ResourceId::new(scope))
    }

    /// The name after a segment of the path, such as that of the balancer in a frontend's id.
    pub fn segment(&self, kind: &str) -> Option<&str> {
        Some(self.after(kind)).filter(|name| !name.is_empty())
    }

    /// The id in lower case; of what is not deployed yet without subscription and resource group, because these are
    /// placeholders that change when a file is renamed or a part of it becomes a module.
    pub fn stable(&self) -> String {
        let lower = self.text.to_ascii_lowercase();
        match lower.find("/providers/").filter(|_| self.is_placeholder()) {
            Some(at) => lower.get(at..).unwrap_or_default().to_owned(),
            None => lower,
        }
    }

    /// Whether what it names is not deployed yet, as far as is known: something stands for its subscription.
    pub fn is_placeholder(&self) -> bool {
        is_placeholder(self.subscription())
    }

    fn after(&self, key: &str) -> &str {
        let mut segments = self.text.split('/');
        segments
            .find(|segment| segment.eq_ignore_ascii_case(key))
            .and_then(|_| segments.next())
            .unwrap_or_default()
    }

    fn segments_after_last_provider(&self) -> impl Iterator<Item = &str> {
        let segments: Vec<&str> = self.text.split('/').collect();
        let at = segments
            .iter()
            .rposition(|segment| segment.eq_ignore_ascii_case("providers"));
        let skip = at.map_or(segments.len(), |at| at + 1);
        segments.into_iter().skip(skip)
    }
}

fn hash_without_case(text: &str) -> u64 {
    let mut hasher = HASHER.build_hasher();
    let mut chunk = [0u8; 64];
    for bytes in text.as_bytes().chunks(64) {
        for (slot, byte) in chunk.iter_mut().zip(bytes) {
            *slot = byte.to_ascii_lowercase();
        }
        hasher.write(chunk.get(..bytes.len()).unwrap_or_default());
    }
    hasher.finish()
}

impl PartialEq for ResourceId {
    fn eq(&self, other: &Self) -> bool {
        self.hash == other.hash && self.text.eq_ignore_ascii_case(&other.text)
    }
}

impl Eq for ResourceId {}

impl Hash for ResourceId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

impl PartialOrd for ResourceId {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ResourceId {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        let lower = |id: &ResourceId| id.text.bytes().map(|b| b.to_ascii_lowercase()).collect::<Vec<_>>();
        if self == other {
            std::cmp::Ordering::Equal
        } else {
            lower(self).cmp(&lower(other))
        }
    }
}

impl fmt::Debug for ResourceId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.text, out)
    }
}

impl fmt::Display for ResourceId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUBNET: &str = "/subscriptions/S/resourceGroups/G/providers/Microsoft.Network/virtualNetworks/V/subnets/A";

    #[test]
    fn compares_without_case_and_trailing_slash() {
        assert_eq!(
            ResourceId::new(SUBNET),
            ResourceId::new(&format!("{}/", SUBNET.to_uppercase()))
        );
        assert_ne!(ResourceId::new(SUBNET), ResourceId::new("/subscriptions/S"));
    }

    #[test]
    fn takes_an_id_apart() {
        let id = ResourceId::new(SUBNET);
        assert_eq!((id.subscription(), id.resource_group(), id.name()), ("S", "G", "A"));
        assert_eq!(id.resource_type(), "microsoft.network/virtualnetworks/subnets");
        assert_eq!(id.parent().unwrap().name(), "V");
        let pricing = ResourceId::new(&format!(
            "{SUBNET}/providers/Microsoft.Security/pricings/VirtualMachines"
        ));
        assert_eq!(pricing.resource_type(), "microsoft.security/pricings");
        assert_eq!(pricing.extended().unwrap(), id);
    }
}
