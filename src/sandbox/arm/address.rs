//! The path of a request to Azure Resource Manager, taken apart. Knows no types.

/// What a path names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Address {
    /// Empty at the level of the tenant.
    pub subscription: String,
    /// Name of the resource group, empty where the path has none.
    pub group: String,
    /// What stands before the last `providers`, without a slash at the end.
    pub scope: String,
    /// Empty without a provider.
    pub namespace: String,
    /// Types and names in turn, after the namespace.
    pub tail: Vec<String>,
}

impl Address {
    pub fn parse(path: &str) -> Address {
        let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
        let provider = segments
            .iter()
            .rposition(|segment| segment.eq_ignore_ascii_case("providers"));
        let (before, after) = segments.split_at(provider.unwrap_or(segments.len()));
        let scope: String = before.iter().map(|segment| format!("/{segment}")).collect();
        let mut after = after.iter().skip(1);
        Address {
            subscription: named(before, "subscriptions"),
            group: named(before, "resourceGroups"),
            namespace: after.next().map(|name| (*name).to_owned()).unwrap_or_default(),
            tail: after.map(|segment| (*segment).to_owned()).collect(),
            scope,
        }
    }

    /// The type of all that the tail names, such as `Microsoft.Network/virtualNetworks/subnets`.
    pub fn resource_type(&self) -> String {
        let types = self.tail.iter().step_by(2);
        types.fold(self.namespace.clone(), |path, segment| path + "/" + segment)
    }

    /// Whether the path names one resource rather than a list or an action.
    pub fn is_instance(&self) -> bool {
        !self.tail.is_empty() && self.tail.len().is_multiple_of(2)
    }

    /// The path of what the tail names.
    pub fn id(&self) -> String {
        format!("{}/providers/{}/{}", self.scope, self.namespace, self.tail.join("/"))
    }

    /// The same without the last segment: the resource of an action, or the parent of a list.
    pub fn parent(&self) -> Address {
        let mut parent = self.clone();
        parent.tail.pop();
        parent
    }

    pub fn last(&self) -> &str {
        self.tail.last().map(String::as_str).unwrap_or_default()
    }

    /// Whether the scope is a resource, such as that of an assessment.
    pub fn extends_resource(&self) -> bool {
        self.scope.to_ascii_lowercase().contains("/providers/")
    }

    pub fn is_namespace(&self, name: &str) -> bool {
        self.namespace.eq_ignore_ascii_case(name)
    }
}

fn named(segments: &[&str], key: &str) -> String {
    let at = segments.iter().position(|segment| segment.eq_ignore_ascii_case(key));
    let name = at.and_then(|at| segments.get(at + 1));
    name.map(|name| (*name).to_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_paths_apart() {
        let rule =
            "/subscriptions/S/resourcegroups/G/providers/Microsoft.Network/networkSecurityGroups/N/securityRules/R";
        let address = Address::parse(rule);
        assert_eq!((address.subscription.as_str(), address.group.as_str()), ("S", "G"));
        assert_eq!(
            address.resource_type(),
            "Microsoft.Network/networkSecurityGroups/securityRules"
        );
        assert!(address.is_instance() && !address.extends_resource());
        assert_eq!(address.id(), rule);
        let list = Address::parse("/subscriptions/S/providers/Microsoft.Network/virtualNetworks");
        assert!(!list.is_instance() && list.group.is_empty());
        let assessment = Address::parse(&format!("{rule}/providers/Microsoft.Security/assessments/k"));
        assert!(assessment.extends_resource() && assessment.scope == rule);
        assert_eq!(Address::parse("/subscriptions/S").namespace, "");
    }
}
