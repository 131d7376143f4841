//! Security admin rules of network managers: they come before every group. Each may stop a packet, deliver it past the
//! groups, or hand it over to them; where something is unknown, it may do several of these.

use super::force::InForce;
use super::group::{comes_from, has};
use super::holds::{Holds, Reason};
use super::machine::{Estate, Target};
use super::packet::{Membership, Packet};
use crate::model::{AddressTerm, AdminAccess, AdminEndpoint, AdminRule, ServiceTag};

/// What admin rules do with one packet before any group sees it, for every way in which the unknowns could turn out.
#[derive(Clone, Debug, Default)]
pub struct Effect<'i> {
    /// A rule that stops it, or may.
    pub denies: Option<&'i AdminRule>,
    /// A rule that delivers it past every group, or may.
    pub delivers: Option<&'i AdminRule>,
    /// A rule that hands it over to the groups, or may.
    pub allows: Option<&'i AdminRule>,
    /// The groups may be asked.
    pub hands_over: bool,
    /// The unknown that keeps it open.
    pub doubt: Option<Reason<'i>>,
}

impl Effect<'_> {
    /// Only one of the three can happen.
    pub fn is_sure(&self) -> bool {
        let outcomes = [self.denies.is_some(), self.delivers.is_some(), self.hands_over];
        outcomes.into_iter().filter(|possible| *possible).count() == 1
    }
}

/// What the rules do with a packet to a machine.
pub fn effect<'i>(estate: &Estate<'i>, target: &Target<'i>, packet: Packet<'_>) -> Effect<'i> {
    let rules = target
        .admin
        .iter()
        .map(|found| (found.rule, bears_on(target, found, packet)));
    let mut rules: Vec<(&AdminRule, Holds<'i>)> = rules.filter(|(_, bears)| !bears.is_no()).collect();
    rules.sort_by_key(|(rule, _)| rule.priority.known().copied());
    // In which order the rules of several managers are asked is not documented, so no priority tells.
    let manager = |rule: &AdminRule| rule.configuration().and_then(|configuration| configuration.parent());
    let several = rules
        .windows(2)
        .any(|pair| matches!(pair, [(one, _), (other, _)] if manager(one) != manager(other)));
    let twins = |one: &(&AdminRule, Holds<'i>), next: &(&AdminRule, Holds<'i>)| {
        several || (one.0.priority == next.0.priority && one.0.priority.known().is_some())
    };
    let mut heard = Heard::default();
    for twins in rules.chunk_by(twins) {
        for (rule, bears) in twins {
            let matches = bears.clone().and(|| sends(estate, target, rule, packet));
            heard.hear(rule, matches.doubted(rule.priority.why()));
        }
        if heard.decided {
            break;
        }
    }
    heard.effect(several)
}

/// Whether a rule is in force and covers everything of the packet but its source.
fn bears_on<'i>(target: &Target<'i>, found: &InForce<'i>, packet: Packet<'_>) -> Holds<'i> {
    let rule = found.rule;
    found
        .holds
        .clone()
        .and(|| Holds::of(&rule.protocol, |protocols| protocols.contains(packet.protocol)))
        .and(|| has(&rule.destination_ports, packet.port))
        .and(|| has(&rule.source_ports, packet.source_port))
        .and(|| Holds::any(rule.destinations.iter().map(|end| is_destination(target, end))))
}

fn sends<'i>(estate: &Estate<'i>, target: &Target<'i>, rule: &'i AdminRule, packet: Packet<'_>) -> Holds<'i> {
    Holds::any(rule.sources.iter().map(|end| is_source(estate, target, end, packet)))
}

/// What the rules have said so far.
#[derive(Default)]
struct Heard<'i> {
    decided: bool,
    effect: Effect<'i>,
}

impl<'i> Heard<'i> {
    fn hear(&mut self, rule: &'i AdminRule, matches: Holds<'i>) {
        let why = match matches {
            Holds::No => return,
            Holds::Yes => {
                self.decided = true;
                rule.access.why().map(|why| Reason::Borrowed(&*why.text))
            }
            Holds::Maybe(why) => Some(why),
        };
        let effect = &mut self.effect;
        let may = |access| rule.access.known().is_none_or(|known| *known == access);
        if may(AdminAccess::Deny) {
            effect.denies.get_or_insert(rule);
        }
        if may(AdminAccess::AlwaysAllow) {
            effect.delivers.get_or_insert(rule);
        }
        if may(AdminAccess::Allow) {
            effect.allows.get_or_insert(rule);
        }
        effect.doubt = effect.doubt.take().or(why);
    }

    fn effect(self, several: bool) -> Effect<'i> {
        let mut effect = self.effect;
        effect.hands_over = effect.allows.is_some() || !self.decided;
        let order = match several {
            true => "in which order the rules of several network managers are asked is not documented",
            false => "two security admin rules have the same priority and different access",
        };
        let doubt = effect.doubt.take().unwrap_or(Reason::Borrowed(order));
        effect.doubt = (!effect.is_sure()).then_some(doubt);
        effect
    }
}

const UNRESOLVED: Holds<'static> = Holds::Maybe(std::borrow::Cow::Borrowed("a network group is not resolved"));

fn is_destination<'i>(target: &Target<'i>, end: &'i AdminEndpoint) -> Holds<'i> {
    match end {
        AdminEndpoint::Addresses(addresses) => target.is_among(addresses),
        AdminEndpoint::Group(_) => UNRESOLVED,
    }
}

fn is_source<'i>(estate: &Estate<'i>, target: &Target<'i>, end: &'i AdminEndpoint, packet: Packet<'_>) -> Holds<'i> {
    let AdminEndpoint::Addresses(addresses) = end else {
        return UNRESOLVED;
    };
    Holds::any(addresses.terms.iter().map(|term| match term {
        // What is admitted by chance must not be certain, so a tag without data may hold any public address.
        AddressTerm::Tag(ServiceTag::Named(_)) => {
            let unread = Packet {
                membership: Membership::Unread,
                ..packet
            };
            comes_from(estate, target, term, unread)
        }
        _ => comes_from(estate, target, term, packet),
    }))
}

/// Where the answers of admin rules may change.
pub fn landmarks(target: &Target<'_>, mut mark: impl FnMut(&AddressTerm)) {
    for end in target.admin.iter().flat_map(|found| &found.rule.sources) {
        if let AdminEndpoint::Addresses(addresses) = end {
            addresses.terms.iter().for_each(&mut mark);
        }
    }
}
