//! Whether an opening lets its source in: what the policy says of the request, and what the groups before the machine
//! admit, by the same sets that scans are made of.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::ask::addresses;
use super::history::{Opening, Request};
use crate::exposure::{Attached, PLATFORM, analyse};
use crate::input::Reading;
use crate::model::ResourceId;
use crate::net::AddressSet;

/// How far the service is with one port of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Not there, or not begun.
    Waiting,
    Initiated,
    /// It is over: status and reason in the service's words.
    Over(String),
}

/// The request that was made, among those that a policy remembers: the service gives it no id.
pub fn remembered<'r>(requests: &'r [Request], made: &Request) -> Option<&'r Request> {
    let same = |request: &&Request| {
        request.start == made.start
            && request.requestor == made.requestor
            && made.openings.iter().all(|opening| find(request, opening).is_some())
    };
    requests.iter().rev().find(same)
}

fn find<'r>(request: &'r Request, wanted: &Opening) -> Option<&'r Opening> {
    let same = |opening: &&Opening| opening.machine == wanted.machine && opening.port == wanted.port;
    request.openings.iter().find(same)
}

/// How far an opening is.
pub fn progress(opening: &Opening) -> Progress {
    match opening.status.to_ascii_lowercase().as_str() {
        "initiated" => Progress::Initiated,
        "" | "initiating" | "inprogress" | "pending" => Progress::Waiting,
        _ => Progress::Over(match &opening.reason {
            Some(reason) => format!("{} ({reason})", opening.status),
            None => opening.status.clone(),
        }),
    }
}

/// What the groups before a machine do with those who were let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Filtered {
    /// They admit every address of the source.
    Open,
    /// A group keeps some of it out for certain, and which those are.
    Shut(Vec<String>),
    /// What is not known of the groups decides.
    Unknown(String),
}

/// Asks the groups in `reading` about a port of a machine and a source.
pub fn filtered(reading: &Reading, machine: &ResourceId, port: u16, sources: &[String]) -> Filtered {
    let inventory = &reading.inventory;
    let Some(index) = inventory.vms.position(machine) else {
        return Filtered::Unknown(format!("machine `{}` cannot be read", machine.name()));
    };
    let Some(wanted) = addresses(sources) else {
        return Filtered::Unknown("the source of the request cannot be read".to_owned());
    };
    let exposures = analyse(inventory, &reading.sources, &[port]);
    let Some(found) = exposures.machines.get(index as usize) else {
        return Filtered::Unknown("the machine was not analysed".to_owned());
    };
    if let Some(gap) = &found.gap {
        return Filtered::Unknown(gap.text.to_string());
    }
    let mut shut = BTreeSet::new();
    let mut open = found.targets.is_empty();
    let mut unknown = None;
    for target in &found.targets {
        let stack = exposures.stacks.get(target.stack as usize);
        let reach = stack.and_then(|stack| stack.ports.iter().find(|reach| reach.port == port));
        let Some((stack, reach)) = stack.zip(reach) else {
            continue;
        };
        let wanted = client(&wanted).only(stack.family);
        if wanted.is_empty() {
            continue;
        }
        if reach.certainly_admitted().is_superset(&wanted) {
            open = true;
        } else if reach.possibly_admitted().is_superset(&wanted) {
            let unread = target
                .layers()
                .into_iter()
                .find_map(|(_, layer)| layer.unknown().cloned());
            unknown = unknown.or(unread.map(|why| why.to_string()));
            unknown.get_or_insert_with(|| {
                reach
                    .gaps
                    .first()
                    .map_or_else(|| "a group is not known".to_owned(), |gap| gap.to_string())
            });
        } else {
            let groups = target.layers().into_iter().filter_map(|(_, layer)| match layer {
                Attached::Group(index) => inventory.nsgs.get(*index).map(|nsg| nsg.id.name().to_owned()),
                _ => None,
            });
            shut.extend(groups);
        }
    }
    match (open, unknown) {
        (true, _) => Filtered::Open,
        (false, Some(why)) => Filtered::Unknown(why),
        (false, None) => Filtered::Shut(shut.into_iter().collect()),
    }
}

/// Without the addresses that are no client's.
fn client(set: &AddressSet) -> AddressSet {
    set.difference(&PLATFORM)
}

/// When the last of some openings closes.
pub fn closes<'o>(openings: impl Iterator<Item = &'o Opening>) -> Option<Timestamp> {
    openings.filter_map(|opening| opening.end).max()
}
