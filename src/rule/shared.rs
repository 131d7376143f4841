//! Which findings are about something whose text states several things, as a loop does, or a module that is used more than
//! once: who changes that text changes all of them.

use std::collections::HashMap;

use super::{Finding, SubjectKind};
use crate::model::{Inventory, Origin};
use crate::source::{Place, Sources};

/// Marks findings about rules and just-in-time entries.
pub fn mark(inventory: &Inventory, sources: &Sources, findings: &mut [Finding]) {
    let mut counts: HashMap<(&str, u32, u32), u32> = HashMap::new();
    for location in findings.iter().filter(|one| is_stated(one)).filter_map(place) {
        counts.insert(location, 0);
    }
    if counts.is_empty() {
        return;
    }
    let names: Vec<&str> = sources.names().map(|name| &**name).collect();
    let key = |place: &Place| Some((*names.get(place.source.0 as usize)?, place.line, place.column));
    let mut shared: Vec<(String, u32, u32)> = Vec::new();
    for place in origins(inventory).filter_map(|origin| origin.0) {
        if let Some(count) = key(&place).and_then(|key| counts.get_mut(&key)) {
            *count += 1;
            if *count == 2 {
                shared.extend(key(&place).map(|(file, line, column)| (file.to_owned(), line, column)));
            }
        }
    }
    drop(counts);
    for finding in findings.iter_mut().filter(|one| is_stated(one)) {
        let own = place(finding);
        let is_shared = shared
            .iter()
            .any(|(file, line, column)| own == Some((file, *line, *column)));
        finding.subject.shared = is_shared;
    }
}

fn is_stated(finding: &Finding) -> bool {
    matches!(finding.subject.kind, SubjectKind::SecurityRule | SubjectKind::JitEntry)
}

fn place(finding: &Finding) -> Option<(&str, u32, u32)> {
    let location = finding.subject.location.as_ref()?;
    Some((&*location.file, location.line, location.column))
}

fn origins(inventory: &Inventory) -> impl Iterator<Item = Origin> {
    let rules = inventory.nsgs.iter().filter_map(|nsg| nsg.rules.known()).flatten();
    let entries = inventory
        .jit_policies
        .iter()
        .filter_map(|policy| policy.entries.known())
        .flatten();
    rules.map(|rule| rule.origin).chain(entries.map(|entry| entry.origin))
}
