//! Virtual machines.

use std::sync::Arc;

use super::network::nic_configuration;
use super::reader::{Reader, Scope};
use crate::model::{Item, Known, MachineKind, Nic, Os, ResourceId, ScaleSet, Vm, Why, WhyKind};

pub(super) fn vm(reader: &mut Reader<'_, '_>, scope: Scope<'_, '_>) -> Option<Item> {
    machine(reader, scope, MachineKind::Arm)
}

pub(super) fn scale_set_instance(reader: &mut Reader<'_, '_>, scope: Scope<'_, '_>) -> Option<Item> {
    machine(reader, scope, MachineKind::ScaleSetInstance)
}

pub(super) fn classic_vm(reader: &mut Reader<'_, '_>, scope: Scope<'_, '_>) -> Option<Item> {
    machine(reader, scope, MachineKind::Classic)
}

fn machine(reader: &mut Reader<'_, '_>, scope: Scope<'_, '_>, kind: MachineKind) -> Option<Item> {
    let nics = nics(reader, scope, kind);
    Some(Item::Vm(Vm {
        id: reader.id.clone(),
        kind,
        location: reader.location(scope),
        os: os(reader, scope),
        power: power(reader, scope),
        tags: reader.tags(scope),
        scale_set: scale_set(reader, scope, kind),
        inline_nics: inline_nics(reader, scope),
        latest_model: scope
            .get("latestModelApplied")
            .is_some()
            .then(|| reader.flag(scope, "latestModelApplied", false)),
        nics,
        origin: reader.origin(scope.node),
    }))
}

fn scale_set(reader: &mut Reader<'_, '_>, scope: Scope<'_, '_>, kind: MachineKind) -> Option<ResourceId> {
    match kind {
        MachineKind::ScaleSetInstance => reader.id.parent(),
        _ => reader.reference(scope, "virtualMachineScaleSet"),
    }
}

fn nics(reader: &mut Reader<'_, '_>, scope: Scope<'_, '_>, kind: MachineKind) -> Known<Vec<ResourceId>> {
    let Some(profile) = reader.object(scope, "networkProfile") else {
        let text = format!("the record of `{}` has no network profile", reader.id.name());
        return match kind {
            MachineKind::Classic => Known::Known(Vec::new()),
            _ => Known::Unknown(Why::new(WhyKind::NotInInput, text)),
        };
    };
    match reader.known_list(profile, "networkInterfaces") {
        Known::Known(_) => {
            reader.take_lost();
            let named = reader.references(profile, "networkInterfaces");
            reader.take_lost().map_or(Known::Known(named), Known::Unknown)
        }
        Known::Unknown(why) => Known::Unknown(why),
    }
}

pub(super) fn scale_set_resource(reader: &mut Reader<'_, '_>, scope: Scope<'_, '_>) -> Option<Item> {
    let profile = reader.object(scope, "virtualMachineProfile");
    let capacity = reader
        .object(scope, "sku")
        .and_then(|sku| reader.integer(sku, "capacity").known().copied().flatten());
    Some(Item::ScaleSet(ScaleSet {
        id: reader.id.clone(),
        location: reader.location(scope),
        os: match profile {
            Some(profile) => os(reader, profile),
            None => Known::Unknown(Why::not_in_input("the operating system")),
        },
        tags: reader.tags(scope),
        capacity,
        nics: profile_nics(reader, profile),
        origin: reader.origin(scope.node),
    }))
}

fn profile_nics(reader: &mut Reader<'_, '_>, profile: Option<Scope<'_, '_>>) -> Known<Vec<Nic>> {
    let network = profile.and_then(|profile| reader.object(profile, "networkProfile"));
    let absent = format!("the profile of `{}` has no network interfaces", reader.id.name());
    let Some(network) = network else {
        return Known::Unknown(Why::new(WhyKind::NotInInput, absent));
    };
    match reader.known_list(network, "networkInterfaceConfigurations") {
        Known::Known(None) => Known::Unknown(Why::new(WhyKind::NotInInput, absent)),
        Known::Unknown(why) => Known::Unknown(why),
        Known::Known(Some(nodes)) => {
            let scopes: Vec<Scope<'_, '_>> = nodes.iter().map(|node| reader.scope(node)).collect();
            let nics = scopes.into_iter().map(|scope| nic_configuration(reader, scope));
            Known::Known(nics.collect())
        }
    }
}

fn inline_nics(reader: &mut Reader<'_, '_>, scope: Scope<'_, '_>) -> Vec<Nic> {
    if let Some(own) = scope.object("networkProfileConfiguration") {
        let configurations = reader.scopes(own, "networkInterfaceConfigurations");
        let nics = configurations.into_iter().map(|scope| nic_configuration(reader, scope));
        return nics.collect();
    }
    let Some(profile) = scope.object("networkProfile") else {
        return Vec::new();
    };
    if !reader.list(profile, "networkInterfaces").is_empty() {
        return Vec::new();
    }
    let configurations = reader.scopes(profile, "networkInterfaceConfigurations");
    configurations
        .into_iter()
        .map(|configuration| nic_configuration(reader, configuration))
        .collect()
}

const SYSTEMS: &[(&str, Os)] = &[("Linux", Os::Linux), ("Windows", Os::Windows)];

fn os(reader: &mut Reader<'_, '_>, scope: Scope<'_, '_>) -> Known<Os> {
    if let Some(disk) = scope
        .object("storageProfile")
        .and_then(|storage| storage.object("osDisk"))
        && disk.get("osType").is_some()
    {
        return reader.word(disk, "osType", SYSTEMS);
    }
    if let Some(disk) = scope
        .object("storageProfile")
        .and_then(|storage| storage.object("operatingSystemDisk"))
        && disk.get("operatingSystem").is_some()
    {
        return reader.word(disk, "operatingSystem", SYSTEMS);
    }
    let configured = |name: &str| {
        scope
            .object("osProfile")
            .is_some_and(|profile| profile.get(name).is_some())
    };
    if configured("linuxConfiguration") {
        Known::Known(Os::Linux)
    } else if configured("windowsConfiguration") {
        Known::Known(Os::Windows)
    } else {
        Known::Unknown(Why::not_in_input("the operating system"))
    }
}

/// The power state as Resource Graph, an instance view, or `az vm list -d` tell it.
fn power(reader: &mut Reader<'_, '_>, scope: Scope<'_, '_>) -> Known<Arc<str>> {
    let extended = scope
        .object("extended")
        .and_then(|extended| extended.object("instanceView"));
    let view = extended.or_else(|| scope.object("instanceView"));
    let coded = view
        .and_then(|view| view.object("powerState"))
        .and_then(|state| reader.text(state, "code"));
    let plain = view
        .and_then(|view| view.get("powerState"))
        .and_then(|node| node.as_text())
        .map(Arc::from);
    let listed = view.and_then(|view| status(reader, view));
    let shown = scope.own("powerState").and_then(|node| node.as_text()).map(Arc::from);
    match coded.or(plain).or(listed).or(shown) {
        Some(text) => Known::Known(state_word(&text)),
        None => Known::Unknown(Why::not_in_input("the power state")),
    }
}

fn status(reader: &mut Reader<'_, '_>, view: Scope<'_, '_>) -> Option<Arc<str>> {
    let statuses = reader.scopes(view, "statuses");
    let codes: Vec<_> = statuses
        .into_iter()
        .filter_map(|status| reader.text(status, "code"))
        .collect();
    codes
        .into_iter()
        .find(|code| code.to_ascii_lowercase().starts_with("powerstate/"))
}

/// `PowerState/running` and `VM running` are `running`.
fn state_word(text: &str) -> Arc<str> {
    let word = text.rsplit(['/', ' ']).next().unwrap_or(text);
    Arc::from(word.to_ascii_lowercase())
}
