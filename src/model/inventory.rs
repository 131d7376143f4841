//! All resources of an estate, found by id. Duplicates that agree are one; those that do not are conflicts.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::*;

/// One decoded resource.
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    Vm(Vm),
    Nic(Nic),
    ScaleSet(ScaleSet),
    VirtualNetwork(VirtualNetwork),
    Subnet(Subnet),
    Peering(ResourceId, Peering),
    Nsg(Nsg),
    SecurityRule(ResourceId, SecurityRule),
    ApplicationSecurityGroup(ApplicationSecurityGroup),
    PublicIp(PublicIp),
    RouteTable(RouteTable),
    LoadBalancer(LoadBalancer),
    Firewall(Firewall),
    FirewallPolicy(FirewallPolicy),
    RuleCollectionGroup(RuleCollectionGroup),
    IpGroup(IpGroup),
    JitPolicy(JitPolicy),
    Pricing(Pricing),
    Assessment(Assessment),
    Bastion(Bastion),
    VirtualHub(VirtualHub),
    HubConnection(HubConnection),
    RoutingIntent(RoutingIntent),
    PrivateLinkService(PrivateLinkService),
    AdminConfiguration(AdminConfiguration),
    AdminRuleCollection(AdminRuleCollection),
    AdminRule(AdminRule),
    AdminGroup(AdminGroup),
    StaticMember(StaticMember),
    Deployments(Deployments),
    ServiceTags(Vec<(TagName, Vec<crate::net::AddressRange>)>),
    ActiveAdminRules(Vec<ActiveAdminRule>),
    EffectiveAdminRules(EffectiveAdminRules),
    /// A subscription's own row: id and name.
    Subscription(Arc<str>, Option<Arc<str>>),
}

/// Resources of one type, in input order, found by id.
#[derive(Clone, Debug)]
pub struct Table<T> {
    items: Vec<T>,
    index: HashMap<ResourceId, u32, foldhash::fast::RandomState>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Table {
            items: Vec::new(),
            index: HashMap::default(),
        }
    }
}

impl<T> Table<T> {
    pub fn iter(&self) -> std::slice::Iter<'_, T> {
        self.items.iter()
    }

    pub fn as_slice(&self) -> &[T] {
        &self.items
    }

    pub fn len(&self) -> usize {
        self.items.len()
    }

    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    pub fn find(&self, id: &ResourceId) -> Option<&T> {
        self.position(id).and_then(|index| self.get(index))
    }

    pub fn position(&self, id: &ResourceId) -> Option<u32> {
        self.index.get(id).copied()
    }

    pub fn get(&self, index: u32) -> Option<&T> {
        self.items.get(index as usize)
    }

    fn get_mut(&mut self, id: &ResourceId) -> Option<&mut T> {
        let index = self.position(id)?;
        self.items.get_mut(index as usize)
    }
}

impl<T: PartialEq> Table<T> {
    /// Adds a resource; false when another statement of the same id says something else.
    fn add(&mut self, id: &ResourceId, item: T) -> bool {
        match self.find(id) {
            Some(present) => *present == item,
            None => {
                self.index
                    .insert(id.clone(), u32::try_from(self.items.len()).unwrap_or(u32::MAX));
                self.items.push(item);
                true
            }
        }
    }
}

/// The whole estate.
#[derive(Clone, Debug, Default)]
pub struct Inventory {
    pub vms: Table<Vm>,
    pub nics: Table<Nic>,
    pub scale_sets: Table<ScaleSet>,
    pub networks: Table<VirtualNetwork>,
    pub nsgs: Table<Nsg>,
    /// Rules of groups that are not in the input, or whose own rules are not: each such group with the rules that are.
    pub strays: Table<Nsg>,
    pub application_security_groups: Table<ApplicationSecurityGroup>,
    pub public_ips: Table<PublicIp>,
    pub route_tables: Table<RouteTable>,
    pub load_balancers: Table<LoadBalancer>,
    pub firewalls: Table<Firewall>,
    pub firewall_policies: Table<FirewallPolicy>,
    pub rule_collection_groups: Table<RuleCollectionGroup>,
    pub ip_groups: Table<IpGroup>,
    pub jit_policies: Table<JitPolicy>,
    pub pricings: Table<Pricing>,
    pub assessments: Table<Assessment>,
    pub bastions: Table<Bastion>,
    pub virtual_hubs: Table<VirtualHub>,
    pub hub_connections: Table<HubConnection>,
    pub routing_intents: Table<RoutingIntent>,
    pub private_link_services: Table<PrivateLinkService>,
    pub admin_configurations: Table<AdminConfiguration>,
    pub admin_rule_collections: Table<AdminRuleCollection>,
    pub admin_rules: Table<AdminRule>,
    pub admin_groups: Table<AdminGroup>,
    pub static_members: Table<StaticMember>,
    /// Answers about what of admin rules is in force, in input order.
    pub deployments: Vec<Deployments>,
    pub active_admin_rules: Vec<ActiveAdminRule>,
    pub effective_admin_rules: Vec<EffectiveAdminRules>,
    /// What service tags stand for.
    pub tag_addresses: TagAddresses,
    /// Readings of what no input settles; set by who asks for the analysis.
    pub choices: Choices,
    pub coverage: Coverage,
    /// Resources of types that no rule needs, by type.
    pub unused: BTreeMap<Arc<str>, u64>,
    conflicts: HashMap<ResourceId, Why, foldhash::fast::RandomState>,
    subnets: HashMap<ResourceId, (u32, u32), foldhash::fast::RandomState>,
    loose: Vec<Item>,
}

/// Puts a rule to those of its group, unless it is there in the same words.
fn join(rules: &mut Vec<SecurityRule>, group: &ResourceId, rule: SecurityRule) -> Result<(), ResourceId> {
    match rules
        .iter()
        .find(|present| present.name.eq_ignore_ascii_case(&rule.name))
    {
        Some(present) if *present == rule => Ok(()),
        Some(_) => Err(group.clone()),
        None => {
            rules.push(rule);
            Ok(())
        }
    }
}

fn taken(nics: &mut Vec<Nic>) -> Option<Vec<Nic>> {
    (!nics.is_empty()).then(|| std::mem::take(nics))
}

/// The interfaces of a profile as those of one instance. An instance that lists its interfaces gets those that were not
/// recorded; one that lists none gets all.
fn as_instances(instance: &mut Vm, profile: Vec<Nic>, recorded: &Table<Nic>) -> Vec<Nic> {
    let listed = instance.nics.known().filter(|listed| !listed.is_empty());
    let made = profile.into_iter().map(|nic| Nic {
        id: instance.id.child("networkInterfaces", nic.id.name()),
        vm: Some(instance.id.clone()),
        ..nic
    });
    let made: Vec<Nic> = match listed {
        Some(listed) => {
            let of_listed = |nic: Nic| {
                let id = listed.iter().find(|id| id.name().eq_ignore_ascii_case(nic.id.name()))?;
                recorded.find(id).is_none().then(|| Nic { id: id.clone(), ..nic })
            };
            made.filter_map(of_listed).collect()
        }
        None => made.collect(),
    };
    if listed.is_none() {
        instance.nics = Known::Known(made.iter().map(|nic| nic.id.clone()).collect());
    }
    made
}

impl Inventory {
    /// Takes one resource in. The error is the id of a resource that was stated before in other words.
    pub fn add(&mut self, item: Item) -> Result<(), ResourceId> {
        let (id, agrees) = match item {
            Item::Subnet(_) | Item::Peering(..) | Item::SecurityRule(..) => {
                self.loose.push(item);
                return Ok(());
            }
            Item::Subscription(id, name) => {
                self.name_subscription(&id, name);
                return Ok(());
            }
            Item::Deployments(deployments) => {
                self.deployments.push(deployments);
                return Ok(());
            }
            Item::ServiceTags(tags) => {
                for (name, ranges) in tags {
                    self.tag_addresses.add(&name, ranges);
                }
                return Ok(());
            }
            Item::ActiveAdminRules(rules) => {
                self.active_admin_rules.extend(rules);
                return Ok(());
            }
            Item::EffectiveAdminRules(rules) => {
                self.effective_admin_rules.push(rules);
                return Ok(());
            }
            Item::Vm(vm) => (vm.id.clone(), self.vms.add(&vm.id.clone(), vm)),
            Item::ScaleSet(set) => (set.id.clone(), self.scale_sets.add(&set.id.clone(), set)),
            Item::Nic(nic) => (nic.id.clone(), self.nics.add(&nic.id.clone(), nic)),
            Item::VirtualNetwork(network) => (network.id.clone(), self.networks.add(&network.id.clone(), network)),
            Item::Nsg(nsg) => (nsg.id.clone(), self.nsgs.add(&nsg.id.clone(), nsg)),
            Item::ApplicationSecurityGroup(group) => (
                group.id.clone(),
                self.application_security_groups.add(&group.id.clone(), group),
            ),
            Item::PublicIp(ip) => (ip.id.clone(), self.public_ips.add(&ip.id.clone(), ip)),
            Item::RouteTable(table) => (table.id.clone(), self.route_tables.add(&table.id.clone(), table)),
            Item::LoadBalancer(balancer) => (balancer.id.clone(), self.add_balancer(balancer)),
            Item::Firewall(firewall) => (firewall.id.clone(), self.firewalls.add(&firewall.id.clone(), firewall)),
            Item::FirewallPolicy(policy) => (
                policy.id.clone(),
                self.firewall_policies.add(&policy.id.clone(), policy),
            ),
            Item::RuleCollectionGroup(group) => (
                group.id.clone(),
                self.rule_collection_groups.add(&group.id.clone(), group),
            ),
            Item::IpGroup(group) => (group.id.clone(), self.ip_groups.add(&group.id.clone(), group)),
            Item::JitPolicy(policy) => (policy.id.clone(), self.jit_policies.add(&policy.id.clone(), policy)),
            Item::Pricing(pricing) => (pricing.id.clone(), self.pricings.add(&pricing.id.clone(), pricing)),
            Item::Assessment(assessment) => (
                assessment.id.clone(),
                self.assessments.add(&assessment.id.clone(), assessment),
            ),
            Item::Bastion(bastion) => (bastion.id.clone(), self.bastions.add(&bastion.id.clone(), bastion)),
            Item::VirtualHub(hub) => (hub.id.clone(), self.virtual_hubs.add(&hub.id.clone(), hub)),
            Item::HubConnection(connection) => (
                connection.id.clone(),
                self.hub_connections.add(&connection.id.clone(), connection),
            ),
            Item::RoutingIntent(intent) => (intent.id.clone(), self.routing_intents.add(&intent.id.clone(), intent)),
            Item::PrivateLinkService(service) => (
                service.id.clone(),
                self.private_link_services.add(&service.id.clone(), service),
            ),
            Item::AdminConfiguration(configuration) => (
                configuration.id.clone(),
                self.admin_configurations.add(&configuration.id.clone(), configuration),
            ),
            Item::AdminRuleCollection(collection) => (
                collection.id.clone(),
                self.admin_rule_collections.add(&collection.id.clone(), collection),
            ),
            Item::AdminRule(rule) => (rule.id.clone(), self.admin_rules.add(&rule.id.clone(), rule)),
            Item::AdminGroup(group) => (group.id.clone(), self.admin_groups.add(&group.id.clone(), group)),
            Item::StaticMember(member) => (member.id.clone(), self.static_members.add(&member.id.clone(), member)),
        };
        if agrees { Ok(()) } else { Err(self.mark_conflict(id)) }
    }

    /// False when another statement of it says something else.
    fn add_balancer(&mut self, balancer: LoadBalancer) -> bool {
        match self.load_balancers.get_mut(&balancer.id) {
            Some(present) if *present == balancer => true,
            Some(present) => {
                present.unite(balancer);
                false
            }
            None => self.load_balancers.add(&balancer.id.clone(), balancer),
        }
    }

    fn mark_conflict(&mut self, id: ResourceId) -> ResourceId {
        let text = format!("`{}` is stated twice in different words", id.name());
        self.conflicts.insert(id.clone(), Why::new(WhyKind::Conflict, text));
        id
    }

    /// Why a resource cannot be relied on: it was stated twice in different words.
    pub fn conflict(&self, id: &ResourceId) -> Option<&Why> {
        if self.conflicts.is_empty() {
            None
        } else {
            self.conflicts.get(id)
        }
    }

    fn name_subscription(&mut self, id: &Arc<str>, name: Option<Arc<str>>) {
        let covered = &mut self.coverage.subscriptions;
        match covered.iter_mut().find(|covered| covered.id.eq_ignore_ascii_case(id)) {
            Some(known) => known.name = known.name.take().or(name),
            None => covered.push(SubscriptionCoverage {
                id: id.clone(),
                name,
                complete: true,
                missing: Vec::new(),
            }),
        }
    }

    /// Joins children that were stated apart to their parents, and indexes the subnets. Called once, after the last `add`.
    ///
    /// Returns the ids of children that contradict what their parent says.
    pub fn finish(&mut self) -> Vec<ResourceId> {
        let mut contradicted = Vec::new();
        for item in std::mem::take(&mut self.loose) {
            let joined = match item {
                Item::Subnet(subnet) => self.join_subnet(subnet),
                Item::Peering(network, peering) => self.join_peering(&network, peering),
                Item::SecurityRule(nsg, rule) => self.join_rule(&nsg, rule),
                _ => Ok(()),
            };
            contradicted.extend(joined.err());
        }
        for id in &contradicted {
            self.mark_conflict(id.clone());
        }
        self.distrust();
        self.complete_instances();
        self.expand_routes();
        self.index_subnets();
        self.list_subscriptions();
        contradicted
    }

    /// Whatever was stated twice in different words is not relied on.
    fn distrust(&mut self) {
        for (id, why) in &self.conflicts {
            if let Some(network) = self.networks.get_mut(id) {
                network.address_space = Known::Unknown(why.clone());
                network.unread = Some(why.clone());
            }
            if let Some(balancer) = self.load_balancers.get_mut(id) {
                balancer.disputed = Some(why.clone());
            }
            if let Some(firewall) = self.firewalls.get_mut(id) {
                firewall.unread = Some(why.clone());
            }
            if let Some(policy) = self.firewall_policies.get_mut(id) {
                policy.unread = Some(why.clone());
            }
            if let Some(group) = self.rule_collection_groups.get_mut(id) {
                group.unread = Some(why.clone());
            }
            if let Some(group) = self.ip_groups.get_mut(id) {
                group.ranges = Known::Unknown(why.clone());
            }
            // A peering is a part of its network.
            let network = id
                .parent()
                .filter(|_| id.resource_type().ends_with("/virtualnetworkpeerings"));
            if let Some(network) = network.and_then(|network| self.networks.get_mut(&network)) {
                network.unread = Some(why.clone());
            }
        }
    }

    /// Turns routes for a service tag into one for each of its prefixes, where these are known for sure.
    fn expand_routes(&mut self) {
        if self.tag_addresses.is_empty() {
            return;
        }
        for table in &mut self.route_tables.items {
            let Known::Known(routes) = &mut table.routes else {
                continue;
            };
            let expanded = std::mem::take(routes).into_iter().flat_map(|route| {
                let extent = route.tag.as_ref().and_then(|tag| self.tag_addresses.of(tag));
                match extent.filter(|extent| extent.must == extent.may) {
                    Some(extent) => {
                        let of_range = |range| Route {
                            prefix: Known::Known(range),
                            ..route.clone()
                        };
                        extent.must.to_ranges().map(of_range).collect()
                    }
                    None => vec![route],
                }
            });
            *routes = expanded.collect();
        }
    }

    /// Gives instances of scale sets the interfaces of their profile where the interfaces themselves were not recorded,
    /// and every set without a recorded instance one machine that stands for them.
    fn complete_instances(&mut self) {
        if self.scale_sets.is_empty() {
            return;
        }
        let with_instances: HashSet<ResourceId> = self.vms.iter().filter_map(|vm| vm.scale_set.clone()).collect();
        let instances = self.vms.items.iter_mut().filter(|vm| vm.scale_set.is_some());
        for instance in instances.filter(|vm| vm.kind == MachineKind::ScaleSetInstance) {
            let set = instance.scale_set.as_ref().and_then(|id| self.scale_sets.find(id));
            let current = set.filter(|_| instance.latest_model == Some(true));
            let profile = current.and_then(|set| set.nics.known());
            let profile = if instance.inline_nics.is_empty() { profile } else { None };
            if let Some(profile) = profile.cloned().or_else(|| taken(&mut instance.inline_nics)) {
                for nic in as_instances(instance, profile, &self.nics) {
                    self.nics.add(&nic.id.clone(), nic);
                }
            }
        }
        let alone = |set: &&ScaleSet| !with_instances.contains(&set.id) && set.capacity != Some(0);
        let representatives: Vec<Vm> = self
            .scale_sets
            .iter()
            .filter(alone)
            .map(ScaleSet::representative)
            .collect();
        for machine in representatives {
            self.vms.add(&machine.id.clone(), machine);
        }
    }

    fn join_subnet(&mut self, subnet: Subnet) -> Result<(), ResourceId> {
        let parent = subnet.id.parent().and_then(|id| id.parent().map(|_| id));
        let Some(network_id) = parent else { return Ok(()) };
        if self.networks.find(&network_id).is_none() {
            let network = VirtualNetwork {
                id: network_id.clone(),
                location: Arc::from(""),
                address_space: Known::Unknown(Why::not_in_input(&format!("virtual network `{}`", network_id.name()))),
                subnets: Vec::new(),
                peerings: Vec::new(),
                unread: None,
                origin: Origin::default(),
            };
            self.networks.add(&network_id, network);
        }
        let Some(network) = self.networks.get_mut(&network_id) else {
            return Ok(());
        };
        match network.subnets.iter().find(|present| present.id == subnet.id) {
            Some(present) if *present == subnet => Ok(()),
            Some(_) => Err(subnet.id),
            None => {
                network.subnets.push(subnet);
                Ok(())
            }
        }
    }

    fn join_peering(&mut self, network: &ResourceId, peering: Peering) -> Result<(), ResourceId> {
        let Some(network) = self.networks.get_mut(network) else {
            return Ok(());
        };
        match network
            .peerings
            .iter()
            .find(|present| present.name.eq_ignore_ascii_case(&peering.name))
        {
            Some(present) if *present == peering => Ok(()),
            Some(_) => Err(network.id.child("virtualNetworkPeerings", &peering.name)),
            None => {
                network.peerings.push(peering);
                Ok(())
            }
        }
    }

    fn join_rule(&mut self, nsg_id: &ResourceId, rule: SecurityRule) -> Result<(), ResourceId> {
        let own = self.nsgs.get_mut(nsg_id).filter(|nsg| nsg.rules.known().is_some());
        let Some(nsg) = own else {
            return self.join_stray(nsg_id, rule);
        };
        match &mut nsg.rules {
            Known::Known(rules) => join(rules, nsg_id, rule),
            Known::Unknown(_) => Ok(()),
        }
    }

    fn join_stray(&mut self, nsg_id: &ResourceId, rule: SecurityRule) -> Result<(), ResourceId> {
        if self.strays.find(nsg_id).is_none() {
            let group = Nsg {
                id: nsg_id.clone(),
                rules: Known::Known(Vec::new()),
                default_rules: default_rules(),
                flush_connection: false,
                attached_to: Vec::new(),
                origin: Origin::default(),
            };
            self.strays.add(nsg_id, group);
        }
        match self.strays.get_mut(nsg_id).map(|group| &mut group.rules) {
            Some(Known::Known(rules)) => join(rules, nsg_id, rule),
            _ => Ok(()),
        }
    }

    /// The stray rules as an estate of their own.
    pub fn of_strays(&self) -> Inventory {
        Inventory {
            nsgs: self.strays.clone(),
            application_security_groups: self.application_security_groups.clone(),
            tag_addresses: self.tag_addresses.clone(),
            choices: self.choices.clone(),
            ..Inventory::default()
        }
    }

    fn index_subnets(&mut self) {
        let mut subnets = std::mem::take(&mut self.subnets);
        for (network_index, network) in (0u32..).zip(self.networks.iter()) {
            for (subnet_index, subnet) in (0u32..).zip(&network.subnets) {
                subnets
                    .entry(subnet.id.clone())
                    .or_insert((network_index, subnet_index));
            }
        }
        self.subnets = subnets;
    }

    /// Every subscription that any machine, network or policy lies in is listed, in order of id.
    fn list_subscriptions(&mut self) {
        let machines = self.vms.iter().map(|vm| vm.id.subscription());
        let networks = self.networks.iter().map(|network| network.id.subscription());
        let groups = self.nsgs.iter().map(|nsg| nsg.id.subscription());
        let mut named: Vec<Arc<str>> = Vec::new();
        for id in machines.chain(networks).chain(groups).filter(|id| !id.is_empty()) {
            if !named.iter().any(|known| known.eq_ignore_ascii_case(id)) {
                named.push(Arc::from(id));
            }
        }
        for id in named {
            self.name_subscription(&id, None);
        }
        self.coverage
            .subscriptions
            .sort_by_key(|covered| covered.id.to_ascii_lowercase());
    }

    /// How a network hangs on a virtual hub.
    pub fn hub_connection(&self, network: &ResourceId) -> Option<&HubConnection> {
        self.hub_connections
            .iter()
            .find(|connection| connection.network == *network)
    }

    /// The subnet and its network.
    pub fn subnet(&self, id: &ResourceId) -> Option<(&VirtualNetwork, &Subnet)> {
        let (network, subnet) = self.subnet_position(id)?;
        let network = self.networks.get(network)?;
        network.subnets.get(subnet as usize).map(|subnet| (network, subnet))
    }

    /// Indexes of the network and of the subnet within it.
    pub fn subnet_position(&self, id: &ResourceId) -> Option<(u32, u32)> {
        self.subnets.get(id).copied()
    }

    /// The reason for a resource that is named but absent: refused, or simply not given.
    pub fn why_absent(&self, id: &ResourceId) -> Why {
        match self.coverage.missing(id.subscription(), &id.resource_type()) {
            Some(reason) => Why::new(WhyKind::NotRead, format!("`{}` was not read: {reason}", id.name())),
            None => Why::not_in_input(&format!("`{}`", id.name())),
        }
    }
}
