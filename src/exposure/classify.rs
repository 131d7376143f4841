//! From passages to an answer: how wide, through which rules, in which words.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::admin::AdminRules;
use super::answer::{Decider, ExposureClass, FrontPort, Layer, PortExposure};
use super::compile::{Truth, truth};
use super::environment::{Bounds, PLATFORM, PUBLIC};
use super::exact::{Exact, Reach, Run};
use super::stack::{Passage, PortReach, RuleRef, admitted};
use super::translated::TranslatedWay;
use crate::model::{
    Access, AddressTerm, Addresses, FirewallRule, Inventory, Known, Nsg, SecurityRule, ServiceTag, choices,
};
use crate::net::{AddressRange, AddressSet, Family};
use crate::source::Sources;

/// Most CIDRs listed in one answer.
const MOST_SOURCES: usize = 64;
/// Most deciding rules listed in one answer.
const MOST_DECIDERS: usize = 8;

/// The clients that can come on a way in, and the routes that their answers need.
pub struct Clients<'a> {
    pub family: Family,
    /// Everyone who can send a packet on this way.
    pub all: &'a AddressSet,
    /// Those to whom an answer finds the way back; `None` for all of them.
    pub answered: Option<&'a Bounds>,
    /// Why that is not known better.
    pub answer_gaps: &'a [Arc<str>],
    pub public: bool,
}

/// Words answers, with names and places out of the inventory.
pub struct Describer<'a> {
    pub inventory: &'a Inventory,
    pub sources: &'a Sources,
    pub admin: &'a AdminRules<'a>,
    /// Whether answers keep their sets.
    pub exact: bool,
}

impl Describer<'_> {
    /// The answer for a port behind the groups of a stack. `by` names what leads there, or is empty.
    pub fn exposure(&self, reach: &PortReach, clients: &Clients<'_>, front: FrontPort, by: &str) -> PortExposure {
        let certain = admitted(&reach.certain).intersection(clients.all);
        let possible = match &reach.possible {
            Some(passages) => admitted(passages).intersection(clients.all),
            None => certain.clone(),
        };
        let (sure, perhaps) = match clients.answered {
            Some(back) => (certain.intersection(&back.must), possible.intersection(&back.may)),
            None => (certain.clone(), possible.clone()),
        };
        let mut tags = Tags::of(reach, clients);
        let mut class = class(clients, &sure, &perhaps, &possible, &tags);
        if class == ExposureClass::Narrow
            && let Some(tenants) = self.tenants(&reach.certain, &sure)
        {
            class = ExposureClass::AzureTenants;
            tags.admitted.extend(tenants);
        }
        let deciders = match class {
            ExposureClass::Closed => self.stoppers(&reach.certain, clients.all),
            ExposureClass::Undetermined => self.admitters(reach.possible(), &perhaps),
            ExposureClass::AzureTenants if sure.is_empty() => self.tag_admitters(reach, clients),
            ExposureClass::NoReturnPath => self.admitters(reach.possible(), &possible),
            _ => self.admitters(&reach.certain, &sure),
        };
        let unsure = perhaps.difference(&sure);
        let mut answer = PortExposure {
            port: reach.port,
            front_port: None,
            front_ports: None,
            class,
            more_sources: 0,
            sources: Vec::new(),
            tags: tags.admitted.iter().map(|tag| Arc::from(tag.to_string())).collect(),
            addresses: sure.count().to_string(),
            possible_sources: unsure.cidrs(MOST_SOURCES),
            deciders,
            gaps: if unsure.is_empty() && !tags.unsure {
                Vec::new()
            } else {
                reach.gaps.iter().chain(clients.answer_gaps).cloned().collect()
            },
            sentence: Arc::from(""),
            exact: self.exact.then(|| Arc::new(self.exact(reach, clients))),
        };
        list_sources(&mut answer, &sure, clients);
        front.show(&mut answer);
        answer.sentence = Arc::from(sentence(&answer, &sure, clients, &tags, by));
        answer
    }

    /// The answer where no group filters: the platform decides, after admin rules have had their say in `reach`.
    pub fn unfiltered(
        &self,
        reach: &PortReach,
        front: FrontPort,
        clients: &Clients<'_>,
        platform: Platform,
    ) -> PortExposure {
        let mut answer = self.exposure(&behind_platform(self.inventory, reach, &platform), clients, front, "");
        let by_admin = !answer.deciders.is_empty();
        answer.deciders.push(platform.decider());
        answer.sentence = Arc::from(match platform {
            Platform::Open if by_admin => answer.sentence.to_string(),
            Platform::Open => format!("{}; no network security group filters this machine", answer.sentence),
            Platform::Closed if answer.class == ExposureClass::Closed => {
                "closed: a Standard public address stays closed until a network security group allows".to_owned()
            }
            Platform::Closed | Platform::Unknown(_) => answer.sentence.to_string(),
        });
        answer
    }

    /// The answer for a destination NAT rule. The client must be among the rule's sources; the groups must admit the
    /// firewall's own addresses, any of which it may put in place of the client's.
    pub fn translated(
        &self,
        way: &TranslatedWay,
        reach: &PortReach,
        range: Option<&AddressSet>,
        by: &str,
    ) -> PortExposure {
        let everyone = PUBLIC.difference(&PLATFORM).only(Family::V4);
        let (sources, unknown) = rule_sources(self.inventory, &way.rule);
        let whole = AddressSet {
            v4: AddressSet::full().v4,
            ..AddressSet::default()
        };
        let admits = match range {
            _ if admitted(&reach.certain).is_superset(&whole) => Truth::Yes,
            None => Truth::Maybe,
            Some(range) if admitted(&reach.certain).is_superset(range) => Truth::Yes,
            Some(range) => truth(admitted(reach.possible()).intersects(range)).min(Truth::Maybe),
        };
        let passage = |admitted| all_of(if admitted { &sources } else { &everyone }, admitted);
        let mut through = PortReach {
            port: reach.port,
            ..PortReach::default()
        };
        through.certain = passage(admits == Truth::Yes && unknown.is_none());
        let doubt = way.unsure.clone().or(unknown).or_else(|| {
            range
                .is_none()
                .then(|| Arc::from("the subnet of the firewall is not in the input"))
        });
        if admits == Truth::Maybe || (admits == Truth::Yes && doubt.is_some()) {
            through.certain = passage(false);
            through.possible = Some(passage(true));
            through.gaps.extend(doubt);
            through.gaps.extend(reach.gaps.iter().cloned());
        }
        let clients = Clients {
            family: Family::V4,
            all: &everyone,
            answered: None,
            answer_gaps: &[],
            public: true,
        };
        let mut answer = self.exposure(&through, &clients, way.front(), by);
        let within = range.cloned().unwrap_or_else(AddressSet::full);
        answer.deciders = match answer.class {
            ExposureClass::Closed => self.stoppers(&reach.certain, &within),
            _ => self.admitters(reach.possible(), &within),
        };
        if answer.class == ExposureClass::Closed {
            let rule = by.trim_start_matches(" by ");
            answer.sentence = Arc::from(format!(
                "{rule} leads here, but the port is closed by {}",
                rule_names(&answer.deciders)
            ));
        }
        answer
    }

    /// The same answer as sets.
    fn exact(&self, reach: &PortReach, clients: &Clients<'_>) -> Exact {
        let sets = |certain: &[Passage], possible: &[Passage]| {
            let (certain, possible) = (admitted(certain), admitted(possible));
            let (certain, possible) = (certain.intersection(clients.all), possible.intersection(clients.all));
            let (certain, possible) = match clients.answered {
                Some(back) => (certain.intersection(&back.must), possible.intersection(&back.may)),
                None => (certain, possible),
            };
            Reach {
                possible: possible.union(&certain),
                certain,
            }
        };
        let tags = reach.tags.iter();
        let mut exact = Exact {
            reach: sets(&reach.certain, reach.possible()),
            tags: tags
                .map(|tag| (tag.tag.clone(), sets(&tag.certain, &tag.possible)))
                .collect(),
            runs: Vec::new(),
        };
        self.add_runs(&reach.certain, None, true, &mut exact.runs);
        if let Some(possible) = &reach.possible {
            self.add_runs(possible, None, false, &mut exact.runs);
        }
        for tag in &reach.tags {
            self.add_runs(&tag.certain, Some(&tag.tag), true, &mut exact.runs);
            self.add_runs(&tag.possible, Some(&tag.tag), false, &mut exact.runs);
        }
        exact
    }

    /// One run for all passages that the same rules decide.
    fn add_runs(&self, passages: &[Passage], tag: Option<&ServiceTag>, sure: bool, runs: &mut Vec<Run>) {
        let mut alike: BTreeMap<Outcome, Vec<AddressRange>> = BTreeMap::new();
        for passage in passages {
            let deciding: Vec<(Layer, Reference)> = match passage.admitted {
                true => decided(passage).collect(),
                false => stopping(passage).collect(),
            };
            alike
                .entry((passage.admitted, deciding))
                .or_default()
                .push(passage.range);
        }
        runs.extend(alike.into_iter().map(|((admitted, deciding), ranges)| Run {
            sources: AddressSet::from_ranges(ranges),
            tag: tag.cloned(),
            sure,
            admitted,
            deciders: self.deciders(deciding.into_iter()),
        }));
    }

    fn admitters(&self, passages: &[Passage], within: &AddressSet) -> Vec<Decider> {
        let passing = passages
            .iter()
            .filter(|passage| passage.admitted && touches(passage, within));
        self.deciders(passing.flat_map(decided))
    }

    /// The tags for any Azure tenant through which all of some sources get in; `None` where one gets in otherwise.
    fn tenants(&self, passages: &[Passage], sure: &AddressSet) -> Option<BTreeSet<ServiceTag>> {
        let mut tags = BTreeSet::new();
        let passing = passages
            .iter()
            .filter(|passage| passage.admitted && touches(passage, sure));
        for passage in passing {
            let mut named = 0;
            for rule in passage.deciders.into_iter().flatten() {
                let (_, rule) = find(self.inventory, rule)?;
                let mut tenants = rule.sources.terms.iter().filter_map(tenant).peekable();
                match tenants.peek() {
                    Some(_) => named += 1,
                    None if is_everybody(&rule.sources) => {}
                    None => return None,
                }
                tags.extend(tenants);
            }
            if named == 0 {
                return None;
            }
        }
        Some(tags).filter(|tags| !tags.is_empty())
    }

    fn stoppers(&self, passages: &[Passage], within: &AddressSet) -> Vec<Decider> {
        let stopped = passages
            .iter()
            .filter(|passage| !passage.admitted && touches(passage, within));
        self.deciders(stopped.flat_map(stopping))
    }

    fn tag_admitters(&self, reach: &PortReach, clients: &Clients<'_>) -> Vec<Decider> {
        let passing = reach.tags.iter().flat_map(|tag| &tag.certain);
        let passing = passing.filter(|passage| passage.admitted && touches(passage, clients.all));
        self.deciders(passing.flat_map(decided))
    }

    fn deciders(&self, rules: impl Iterator<Item = (Layer, Reference)>) -> Vec<Decider> {
        let distinct: BTreeSet<(Layer, Reference)> = rules.collect();
        let mut deciders: Vec<Decider> = distinct
            .into_iter()
            .filter_map(|(layer, reference)| match reference {
                Reference::Group(rule) => self.decider(layer, rule),
                Reference::Admin(rule) => self.admin_decider(rule),
            })
            .collect();
        // By name, so that the answer stays the same when rules change places.
        deciders.sort_by(|a, b| (a.layer, &a.group, &a.rule).cmp(&(b.layer, &b.group, &b.rule)));
        deciders.truncate(MOST_DECIDERS);
        deciders
    }

    fn decider(&self, layer: Layer, reference: RuleRef) -> Option<Decider> {
        let (nsg, rule) = find(self.inventory, reference)?;
        Some(Decider {
            layer,
            group: Arc::from(nsg.id.name()),
            group_id: Some(nsg.id.text().clone()),
            rule: rule.name.clone(),
            priority: rule.priority.known().copied(),
            access: Arc::from(rule.access.known().map_or("unknown", |access| access.as_str())),
            location: rule.origin.0.map(|place| self.sources.locate(place)),
        })
    }

    fn admin_decider(&self, rule: u32) -> Option<Decider> {
        let rule = self.admin.rule(rule)?;
        let collection = rule.id.parent();
        Some(Decider {
            layer: Layer::Admin,
            group: Arc::from(collection.as_ref().map_or("", |id| id.name())),
            group_id: collection.map(|id| id.text().clone()),
            rule: Arc::from(rule.id.name()),
            priority: rule.priority.known().and_then(|priority| u16::try_from(*priority).ok()),
            access: Arc::from(rule.access.known().map_or("unknown", |access| access.as_str())),
            location: rule.origin.0.map(|place| self.sources.locate(place)),
        })
    }
}

fn tenant(term: &AddressTerm) -> Option<ServiceTag> {
    match term {
        AddressTerm::Tag(tag) if tag.is_any_azure_tenant() => Some(tag.clone()),
        _ => None,
    }
}

/// A source that keeps nobody of the internet out.
fn is_everybody(sources: &Addresses) -> bool {
    let internet = |term: &AddressTerm| matches!(term, AddressTerm::Tag(ServiceTag::Internet));
    sources.is_any() || sources.terms.iter().any(internet)
}

/// Whether sources pass, and what decides it.
type Outcome = (bool, Vec<(Layer, Reference)>);

/// What decided, whatever kind it is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Reference {
    Group(RuleRef),
    Admin(u32),
}

/// What decided a passage, outermost layer first.
fn decided(passage: &Passage) -> impl Iterator<Item = (Layer, Reference)> + use<> {
    let [subnet, nic] = passage.deciders;
    let admin = passage.admin.map(|rule| (Layer::Admin, Reference::Admin(rule)));
    let group = |layer| move |rule| (layer, Reference::Group(rule));
    [admin, subnet.map(group(Layer::Subnet)), nic.map(group(Layer::Nic))]
        .into_iter()
        .flatten()
}

/// What stopped a passage.
fn stopping(passage: &Passage) -> impl Iterator<Item = (Layer, Reference)> + use<> {
    let at = passage.stopped_at;
    decided(passage).filter(move |(layer, _)| match layer {
        Layer::Admin => true,
        Layer::Subnet => at == Some(0),
        Layer::Nic | Layer::Platform => at == Some(1),
    })
}

/// All of a set, passed or stopped by no rule.
fn all_of(set: &AddressSet, admitted: bool) -> Vec<Passage> {
    let passage = |range| Passage {
        range,
        admitted,
        deciders: [None, None],
        stopped_at: None,
        admin: None,
    };
    set.to_ranges().map(passage).collect()
}

fn only_delivered(passages: &[Passage]) -> Vec<Passage> {
    let delivered = |passage: &Passage| Passage {
        admitted: passage.admitted && passage.admin.is_some(),
        ..*passage
    };
    passages.iter().map(delivered).collect()
}

/// What the platform makes of sources that no group filters. Of a Standard address it stops all; whether a rule that
/// delivers past every group opens it is not documented, so that the answer is a matter of choice.
fn behind_platform(inventory: &Inventory, reach: &PortReach, platform: &Platform) -> PortReach {
    let delivered = |passages: &[Passage]| {
        passages
            .iter()
            .any(|passage| passage.admitted && passage.admin.is_some())
    };
    let stopped = || all_of(&AddressSet::full(), false);
    let always_allow = inventory.choices.of(&choices::ALWAYS_ALLOW);
    let mut behind = reach.clone();
    match platform {
        Platform::Open => {}
        Platform::Unknown(why) => {
            behind.possible = Some(reach.possible().to_vec());
            behind.certain = stopped();
            behind.gaps.push(why.clone());
        }
        Platform::Closed if always_allow == "closed" || !delivered(reach.possible()) => {
            behind.certain = stopped();
            behind.possible = None;
            behind.gaps.clear();
        }
        Platform::Closed => {
            behind.possible = Some(only_delivered(reach.possible()));
            behind.certain = match always_allow {
                "open" => only_delivered(&reach.certain),
                _ => stopped(),
            };
            behind.gaps.push(Arc::from(
                "whether an AlwaysAllow rule opens a Standard public address without a group is not documented",
            ));
        }
    }
    behind
}

/// The rule that a reference means.
pub fn find(inventory: &Inventory, reference: RuleRef) -> Option<(&Nsg, &SecurityRule)> {
    let nsg = inventory.nsgs.get(reference.nsg)?;
    let stated = nsg.rules.known()?;
    let rule = stated
        .iter()
        .chain(&nsg.default_rules)
        .nth(usize::from(reference.rule))?;
    Some((nsg, rule))
}

/// The clients a NAT rule takes, and why that is not sure.
fn rule_sources(inventory: &Inventory, rule: &FirewallRule) -> (AddressSet, Option<Arc<str>>) {
    let mut set = AddressSet::empty();
    let mut unknown = None;
    for term in &rule.sources.terms {
        match term {
            AddressTerm::Any => set = AddressSet::full(),
            AddressTerm::Range(range) => set = set.union(&(*range).into()),
            AddressTerm::Unknown(why) => unknown = Some(why.text.clone()),
            AddressTerm::Tag(_) | AddressTerm::Group(_) => {
                unknown = Some(Arc::from("a source of the NAT rule is not an address"));
            }
        }
    }
    for group in &rule.source_groups {
        match inventory.ip_groups.find(group).map(|group| &group.ranges) {
            Some(Known::Known(ranges)) => set = set.union(&AddressSet::from_ranges(ranges.iter().copied())),
            Some(Known::Unknown(why)) => unknown = Some(why.text.clone()),
            None => unknown = Some(inventory.why_absent(group).text),
        }
    }
    if unknown.is_some() {
        set = AddressSet::full();
    }
    (set, unknown)
}

/// What the platform does with packets for a machine that no group filters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Platform {
    Open,
    Closed,
    Unknown(Arc<str>),
}

impl Platform {
    fn decider(&self) -> Decider {
        let (rule, access) = match self {
            Platform::Open => ("no network security group", Access::Allow.as_str()),
            Platform::Closed => ("Standard SKU without a network security group", Access::Deny.as_str()),
            Platform::Unknown(_) => ("no network security group, SKU unknown", "unknown"),
        };
        Decider {
            layer: Layer::Platform,
            group: Arc::from(""),
            group_id: None,
            rule: Arc::from(rule),
            priority: None,
            access: Arc::from(access),
            location: None,
        }
    }
}

fn touches(passage: &Passage, set: &AddressSet) -> bool {
    set.intersects_range(passage.range)
}

/// What named tags add to an answer and take from it.
#[derive(Default)]
struct Tags {
    admitted: Vec<ServiceTag>,
    excluded: Vec<ServiceTag>,
    unsure: bool,
}

impl Tags {
    fn of(reach: &PortReach, clients: &Clients<'_>) -> Self {
        let base = admitted(&reach.certain).intersection(clients.all);
        let mut tags = Tags::default();
        for tag in &reach.tags {
            let certain = admitted(&tag.certain).intersection(clients.all);
            let possible = admitted(&tag.possible).intersection(clients.all);
            if !certain.difference(&base).is_empty() {
                tags.admitted.push(tag.tag.clone());
            } else if !possible.difference(&base).is_empty() {
                tags.unsure = true;
            }
            if !base.difference(&possible).is_empty() {
                tags.excluded.push(tag.tag.clone());
            }
        }
        tags
    }
}

fn class(
    clients: &Clients<'_>,
    sure: &AddressSet,
    perhaps: &AddressSet,
    admitted: &AddressSet,
    tags: &Tags,
) -> ExposureClass {
    if !sure.is_empty() {
        return match clients.public {
            false => ExposureClass::Private,
            true if is_wide(sure, clients.all) => ExposureClass::Wide,
            true => ExposureClass::Narrow,
        };
    }
    if clients.public && !tags.admitted.is_empty() {
        return ExposureClass::AzureTenants;
    }
    if !perhaps.is_empty() || (clients.public && tags.unsure) {
        return ExposureClass::Undetermined;
    }
    if admitted.is_empty() {
        ExposureClass::Closed
    } else {
        ExposureClass::NoReturnPath
    }
}

/// At least half of the clients that there are.
fn is_wide(set: &AddressSet, all: &AddressSet) -> bool {
    set.count() >= all.count() / 2
}

fn list_sources(answer: &mut PortExposure, sure: &AddressSet, clients: &Clients<'_>) {
    if clients.public && !sure.is_empty() && sure == clients.all {
        answer.sources = vec!["Internet".to_owned()];
        return;
    }
    answer.sources = sure.cidrs(MOST_SOURCES);
    answer.more_sources = sure.cidr_count().saturating_sub(MOST_SOURCES) as u64;
}

fn sentence(answer: &PortExposure, sure: &AddressSet, clients: &Clients<'_>, tags: &Tags, by: &str) -> String {
    let front = match answer.front_ports.as_deref() {
        Some("unknown") => " at a front port that is not known".to_owned(),
        Some(range) => format!(" at one of the front ports {range}"),
        None => String::new(),
    };
    let through = through(&answer.deciders) + by + &front;
    let tag_names = || names(&tags.admitted);
    match answer.class {
        ExposureClass::Closed => match answer.deciders.is_empty() {
            true => "closed".to_owned(),
            false => format!("closed by {}", rule_names(&answer.deciders)),
        },
        ExposureClass::Wide | ExposureClass::Narrow => {
            let mut text = format!("open to {}{through}", who(sure, clients));
            if !tags.admitted.is_empty() {
                text += &format!(", and to the addresses of {}", tag_names());
            }
            if !tags.excluded.is_empty() {
                text += &format!(", except the addresses of {}", names(&tags.excluded));
            }
            text
        }
        ExposureClass::Private => format!("open to {} on private paths{through}", who(sure, clients)),
        ExposureClass::AzureTenants => {
            let whose = if tags.admitted.iter().any(ServiceTag::is_any_azure_tenant) {
                " (any Azure tenant)"
            } else {
                ""
            };
            format!("open to the addresses of {}{whose}{through}", tag_names())
        }
        ExposureClass::NoReturnPath => format!("admitted{through}, but the answer leaves by another route: no session"),
        ExposureClass::Undetermined => {
            let gap = answer.gaps.first().map_or("an unknown decides", |gap| gap);
            format!("may be open{through}: {gap}")
        }
    }
}

fn names(tags: &[ServiceTag]) -> String {
    tags.iter().map(|tag| format!("`{tag}`")).collect::<Vec<_>>().join(", ")
}

fn through(deciders: &[Decider]) -> String {
    if deciders.is_empty() {
        String::new()
    } else {
        format!(" through {}", rule_names(deciders))
    }
}

fn rule_names(deciders: &[Decider]) -> String {
    let name = |decider: &Decider| match decider.layer {
        Layer::Platform => decider.rule.to_string(),
        _ => format!("`{}/{}`", decider.group, decider.rule),
    };
    let shown: Vec<String> = deciders.iter().take(3).map(name).collect();
    let more = deciders.len().saturating_sub(shown.len());
    let list = shown.join(" and ");
    if more == 0 {
        list
    } else {
        format!("{list} and {more} more")
    }
}

fn who(set: &AddressSet, clients: &Clients<'_>) -> String {
    let family = match clients.family {
        Family::V4 => "IPv4",
        Family::V6 => "IPv6",
    };
    let kind = if clients.public { "public" } else { "private" };
    if set == clients.all {
        return format!("every {kind} {family} address");
    }
    let rest = clients.all.difference(set);
    if clients.public && is_wide(set, clients.all) && rest.cidr_count() <= 3 {
        return format!("every public {family} address but {}", rest.cidrs(3).join(", "));
    }
    let (shown, count) = (set.cidrs(3), set.cidr_count());
    let list = if count > 3 {
        format!("{}, ...", shown.join(", "))
    } else {
        shown.join(", ")
    };
    let noun = if set.count() == 1 { "address" } else { "addresses" };
    format!("{} {kind} {noun} ({list})", grouped(set.count()))
}

/// A count with thousands separators; of very large ones the order of magnitude.
pub fn grouped(count: u128) -> String {
    if count >= 1_000_000_000_000 {
        return format!("about 2^{}", count.ilog2() + u32::from(!count.is_power_of_two()));
    }
    let digits = count.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
