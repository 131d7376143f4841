//! Whether a security admin rule is in force on a network: deployed to its region, meant for a group it is in, and not
//! kept off by a service that manages the network's policies itself.

use crate::exposure::compile::{Truth, truth};
use crate::model::{
    ActiveAdminRule, AdminAccess, AdminRule, Deployment, EffectiveAdminRules, Inventory, Known, OnServiceNetworks,
    ResourceId, VirtualNetwork, choices,
};

/// Services whose networks keep admin rules off, by the delegation of a subnet.
const SERVICES: &[&str] = &["Microsoft.Sql/managedInstances", "Microsoft.Databricks/workspaces"];

pub struct Force<'i> {
    inventory: &'i Inventory,
}

impl<'i> Force<'i> {
    pub fn of(inventory: &'i Inventory) -> Self {
        Force { inventory }
    }

    /// Nothing is known of any admin rule.
    pub fn is_empty(&self) -> bool {
        let inventory = self.inventory;
        inventory.admin_rules.is_empty()
            && inventory.active_admin_rules.is_empty()
            && inventory.effective_admin_rules.is_empty()
    }

    /// The rules that are or may be in force on a network. What the network itself answered settles it.
    pub fn on(&self, network: &VirtualNetwork) -> Vec<(&'i AdminRule, Truth)> {
        if let Some(rules) = self.effective(network) {
            return rules.iter().map(|rule| (rule, Truth::Yes)).collect();
        }
        let active = self.active_in(network);
        let listed = |rule: &AdminRule| {
            active
                .iter()
                .any(|active| active.configuration() == rule.configuration())
        };
        let resources = self.inventory.admin_rules.iter().filter(|rule| !listed(rule));
        let all = active.iter().copied().map(|rule| (rule, Truth::Yes));
        let all = all.chain(resources.map(|rule| (rule, self.deployed(rule, network))));
        all.map(|(rule, deployed)| {
            let truth = deployed
                .min(self.meant_for(rule, network))
                .min(self.let_in(rule, network));
            (rule, truth)
        })
        .filter(|(_, truth)| *truth != Truth::No)
        .collect()
    }

    fn effective(&self, network: &VirtualNetwork) -> Option<&'i [AdminRule]> {
        let of_network = |answer: &&EffectiveAdminRules| answer.network == network.id;
        let mut answers = self.inventory.effective_admin_rules.iter().filter(of_network);
        let first = answers.next()?;
        // Two answers that differ were given at different times: neither settles it.
        answers
            .all(|other| other == first)
            .then(|| first.rules.known())
            .flatten()
            .map(Vec::as_slice)
    }

    fn active_in(&self, network: &VirtualNetwork) -> Vec<&'i AdminRule> {
        let here = |active: &&ActiveAdminRule| !network.location.is_empty() && active.region == network.location;
        let rules = self
            .inventory
            .active_admin_rules
            .iter()
            .filter(here)
            .map(|active| &active.rule);
        let mut distinct: Vec<&AdminRule> = Vec::new();
        for rule in rules {
            if !distinct.contains(&rule) {
                distinct.push(rule);
            }
        }
        distinct
    }

    fn deployed(&self, rule: &AdminRule, network: &VirtualNetwork) -> Truth {
        let Some(configuration) = rule.configuration() else {
            return Truth::Maybe;
        };
        if network.location.is_empty() {
            return Truth::Maybe;
        }
        let manager = configuration.parent();
        let mut said: Option<Truth> = None;
        for answer in &self.inventory.deployments {
            let of_manager = answer.manager.is_some() && answer.manager == manager;
            let here = |row: &&Deployment| row.region == network.location;
            let rows = answer.rows.iter().filter(here);
            let mut judged: Vec<Truth> = rows.filter_map(|row| judge(row, &configuration, of_manager)).collect();
            if judged.is_empty() && of_manager && answer.whole {
                judged.push(Truth::No);
            }
            for truth in judged {
                said = Some(said.map_or(truth, |said| if said == truth { said } else { Truth::Maybe }));
            }
        }
        said.unwrap_or(Truth::Maybe)
    }

    fn meant_for(&self, rule: &AdminRule, network: &VirtualNetwork) -> Truth {
        let collection = rule
            .id
            .parent()
            .and_then(|id| self.inventory.admin_rule_collections.find(&id));
        let groups = collection.map_or(&rule.groups, |collection| &collection.groups);
        if collection.is_none() && groups.is_empty() {
            return Truth::Maybe;
        }
        let member = groups.iter().map(|group| self.member(group, &network.id));
        member.max().unwrap_or(Truth::No)
    }

    /// Whether a network is in a group. A group without static members in the input has members that a policy adds.
    fn member(&self, group: &ResourceId, network: &ResourceId) -> Truth {
        let members = self.inventory.static_members.iter();
        let mut members = members
            .filter(|member| member.id.parent().as_ref() == Some(group))
            .peekable();
        if members.peek().is_none() {
            return Truth::Maybe;
        }
        let listed =
            members.any(|member| member.resource == *network || member.resource.parent().as_ref() == Some(network));
        match self.inventory.choices.is(&choices::GROUP_MEMBERS, "unknown") {
            true if !listed => Truth::Maybe,
            _ => truth(listed),
        }
    }

    fn let_in(&self, rule: &AdminRule, network: &VirtualNetwork) -> Truth {
        let of_service = |delegation: &str| SERVICES.iter().any(|service| service.eq_ignore_ascii_case(delegation));
        let mut delegations = network.subnets.iter().flat_map(|subnet| &subnet.delegations);
        if !delegations.any(|delegation| of_service(delegation)) {
            return Truth::Yes;
        }
        let configuration = rule
            .configuration()
            .and_then(|id| self.inventory.admin_configurations.find(&id));
        match configuration.map(|configuration| &configuration.on_service_networks) {
            Some(Known::Known(OnServiceNetworks::All)) => Truth::Yes,
            Some(Known::Known(OnServiceNetworks::None)) => Truth::No,
            Some(Known::Known(OnServiceNetworks::AllowRulesOnly)) => rule
                .access
                .known()
                .map_or(Truth::Maybe, |access| truth(*access != AdminAccess::Deny)),
            Some(Known::Unknown(_)) | None => Truth::Maybe,
        }
    }
}

/// What one row says of a configuration; `None` where the row is of another manager.
fn judge(row: &Deployment, configuration: &ResourceId, of_manager: bool) -> Option<Truth> {
    let manager = configuration.parent();
    let listed = row.configurations.contains(configuration);
    let same_manager = of_manager || row.configurations.iter().any(|other| other.parent() == manager);
    match (row.settled.known(), listed) {
        _ if !same_manager => None,
        (Some(true), listed) => Some(truth(listed)),
        _ => Some(Truth::Maybe),
    }
}
