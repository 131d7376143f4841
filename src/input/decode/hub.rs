//! Virtual hubs and Private Link services.

use std::sync::Arc;

use super::reader::{Reader, Scope};
use crate::model::{HubConnection, Item, Known, PrivateLinkService, ResourceId, RoutingIntent, VirtualHub, Why};

pub(super) fn hub(reader: &mut Reader<'_, '_>, scope: Scope<'_, '_>) -> Option<Item> {
    Some(Item::VirtualHub(VirtualHub {
        id: reader.id.clone(),
        prefixes: reader.prefixes(scope, &["addressPrefix"]),
        origin: reader.origin(scope.node),
    }))
}

pub(super) fn connection(reader: &mut Reader<'_, '_>, scope: Scope<'_, '_>) -> Option<Item> {
    Some(Item::HubConnection(HubConnection {
        id: reader.id.clone(),
        network: reader.reference(scope, "remoteVirtualNetwork")?,
        internet_security: reader.known_flag(scope, "enableInternetSecurity", false),
        origin: reader.origin(scope.node),
    }))
}

pub(super) fn routing_intent(reader: &mut Reader<'_, '_>, scope: Scope<'_, '_>) -> Option<Item> {
    reader.take_lost();
    let policies = reader.scopes(scope, "routingPolicies");
    let mut internet = false;
    let mut internet_hop = None;
    for policy in policies {
        let destinations = reader.texts(policy, "destinations");
        if destinations.iter().any(|text| text.eq_ignore_ascii_case("Internet")) {
            internet = true;
            internet_hop = reader.text(policy, "nextHop").map(|text| ResourceId::new(&text));
        }
    }
    let lost = reader.take_lost().filter(|_| !internet);
    Some(Item::RoutingIntent(RoutingIntent {
        id: reader.id.clone(),
        internet: lost.map_or(Known::Known(internet), Known::Unknown),
        internet_hop,
        origin: reader.origin(scope.node),
    }))
}

pub(super) fn private_link_service(reader: &mut Reader<'_, '_>, scope: Scope<'_, '_>) -> Option<Item> {
    let frontends = reader.references(scope, "loadBalancerFrontendIpConfigurations");
    let configurations = reader.scopes(scope, "ipConfigurations");
    let mut translated = Vec::new();
    for configuration in configurations {
        if let Some(subnet) = reader.reference(configuration, "subnet") {
            let address = reader.text(configuration, "privateIPAddress");
            translated.push((subnet, address.and_then(|address| address.parse().ok())));
        }
    }
    Some(Item::PrivateLinkService(PrivateLinkService {
        id: reader.id.clone(),
        frontends,
        translated,
        endpoints: approved(reader, scope),
        approved_unasked: approved_unasked(reader, scope),
        origin: reader.origin(scope.node),
    }))
}

/// The endpoints whose connection was approved. What is not deployed yet lists no connections.
fn approved(reader: &mut Reader<'_, '_>, scope: Scope<'_, '_>) -> Known<Vec<ResourceId>> {
    let connections = match reader.known_list(scope, "privateEndpointConnections") {
        Known::Known(Some(connections)) => connections,
        Known::Known(None) => return Known::Unknown(Why::not_in_input("who is connected to it")),
        Known::Unknown(why) => return Known::Unknown(why),
    };
    let mut approved = Vec::new();
    for connection in connections {
        let connection = reader.scope(connection);
        let status = reader
            .object(connection, "privateLinkServiceConnectionState")
            .and_then(|state| reader.text(state, "status"));
        match status {
            Some(status) if status.eq_ignore_ascii_case("Approved") => {
                let endpoint = reader.reference(connection, "privateEndpoint");
                let name = reader.name(connection);
                approved.push(endpoint.unwrap_or_else(|| reader.id.child("privateEndpointConnections", &name)));
            }
            Some(_) => {}
            None => return Known::Unknown(Why::not_in_input("the state of a connection")),
        }
    }
    Known::Known(approved)
}

fn approved_unasked(reader: &mut Reader<'_, '_>, scope: Scope<'_, '_>) -> Known<Vec<Arc<str>>> {
    let Some(node) = scope.get("autoApproval") else {
        return Known::Known(Vec::new());
    };
    if node.as_object().is_none() {
        return Known::Unknown(reader.wrong_type(node, "autoApproval", "an object"));
    }
    reader.take_lost();
    let approval = reader.scope(node);
    let subscriptions = reader.texts(approval, "subscriptions");
    match reader.take_lost() {
        Some(why) => Known::Unknown(why),
        None => Known::Known(subscriptions),
    }
}
