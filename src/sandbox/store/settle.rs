//! What was loaded, joined: loose children into their parents, groups and subscriptions out of ids, who uses what.

use serde_json::{Value, json};

use super::load::{add_management_group, add_subscription};
use super::{Group, Store, home_of, key, spelled};
use crate::model::ResourceId;

/// The tenant of an estate whose recording names none.
const TENANT: &str = "5f0c2a77-d3b1-4e68-9c84-1be07a36f2d9";

/// Types of which snapshots record only what is in them.
const UNRECORDED: &[&str] = &["microsoft.network/virtualhubs", "microsoft.network/networkmanagers"];

/// The ids above an id.
fn above(id: &str) -> Vec<ResourceId> {
    let mut found = Vec::new();
    let mut at = id;
    while let Some((parent, _)) = at.rsplit_once('/') {
        found.push(ResourceId::new(parent));
        at = parent;
    }
    // A path that ends with a type names no resource.
    let is_resource = |id: &ResourceId| id.as_str().split('/').count() % 2 == 1;
    found.retain(|id| is_resource(id) && id.resource_type().matches('/').count() == 1);
    found
}

impl Store {
    pub(super) fn loaded(&mut self, id: ResourceId, resource_type: String, body: Value) {
        self.revision += 1;
        let key = key(id.as_str());
        let at = (id.subscription().to_ascii_lowercase(), resource_type.clone());
        self.by_type.entry(at).or_default().insert(key.clone());
        let resource = super::Resource {
            id,
            resource_type,
            body,
            revision: self.revision,
        };
        self.resources.insert(key, resource);
    }

    /// Joins what was loaded: loose children move into their parents, groups and subscriptions are those of the ids.
    pub fn settle(&mut self) {
        if self.tenant.is_empty() {
            self.tenant = TENANT.to_owned();
        }
        self.settle_parents();
        self.settle_children();
        self.settle_scopes();
        self.settle_management_groups();
        self.index();
    }

    /// Hubs and network managers that were not recorded themselves, only what is in them: without them nothing could be
    /// listed below them.
    fn settle_parents(&mut self) {
        let recorded = self.resources.values().map(|resource| resource.id.as_str());
        let named: Vec<ResourceId> = recorded
            .chain(self.answers.keys().map(String::as_str))
            .flat_map(above)
            .filter(|id| UNRECORDED.contains(&id.resource_type().as_str()))
            .collect();
        for id in named {
            if self.own(id.as_str()).is_some() {
                continue;
            }
            let resource_type = id.resource_type();
            let body = json!({
                "id": id.as_str(), "name": id.name(), "type": spelled(&resource_type), "location": "westeurope",
                "properties": { "provisioningState": "Succeeded" },
            });
            self.loaded(id, resource_type, body);
        }
    }

    fn settle_children(&mut self) {
        let loose: Vec<String> = self
            .resources
            .values()
            .filter(|resource| home_of(resource.id.as_str()).is_some_and(|(holder, _, _)| self.own(&holder).is_some()))
            .map(|resource| resource.id.as_str().to_owned())
            .collect();
        for id in loose {
            let body = self.own(&id).map(|resource| resource.body.clone());
            self.remove_one(&key(&id));
            if let Some(body) = body {
                self.put(&id, body);
            }
        }
    }

    fn settle_scopes(&mut self) {
        let ids: Vec<(ResourceId, Option<String>)> = self
            .resources
            .values()
            .map(|resource| {
                let location = resource.body.get("location").and_then(Value::as_str);
                (resource.id.clone(), location.map(str::to_owned))
            })
            .collect();
        for (id, location) in ids {
            if !id.subscription().is_empty() {
                add_subscription(self, id.subscription(), None);
            }
            if !id.resource_group().is_empty() {
                self.add_group(&id, location.as_deref());
            }
        }
    }

    fn add_group(&mut self, id: &ResourceId, location: Option<&str>) {
        let name = id.resource_group();
        let group = format!("/subscriptions/{}/resourceGroups/{name}", id.subscription());
        let entry = self.groups.entry(key(&group)).or_insert_with(|| Group {
            id: group,
            name: name.to_owned(),
            location: String::new(),
            tags: json!({}),
        });
        if let (true, Some(location)) = (entry.location.is_empty(), location) {
            entry.location = location.to_owned();
        }
    }

    /// The root group has the tenant's name; a recorded group stands below it; subscriptions stand below the first group.
    fn settle_management_groups(&mut self) {
        let root = self.tenant.clone();
        for group in self.management_groups.values_mut() {
            group.parent.clone_from(&root);
        }
        let home = self.management_groups.keys().next().cloned();
        add_management_group(self, &root);
        let all: Vec<String> = self.subscriptions.keys().cloned().collect();
        let home = home.unwrap_or_else(|| root.to_ascii_lowercase());
        if let Some(group) = self.management_groups.get_mut(&home) {
            group.subscriptions.extend(all);
        }
        if let Some(group) = self.management_groups.get_mut(&root.to_ascii_lowercase()) {
            group.display_name = "Tenant Root Group".to_owned();
        }
    }
}
