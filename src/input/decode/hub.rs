//! Virtual hubs and Private Link services.

use super::reader::{Reader, Scope};
use crate::model::{HubConnection, Item, Known, PrivateLinkService, ResourceId, RoutingIntent, VirtualHub};

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
    Some(Item::PrivateLinkService(PrivateLinkService {
        id: reader.id.clone(),
        frontends,
        subnets: configurations
            .into_iter()
            .filter_map(|scope| reader.reference(scope, "subnet"))
            .collect(),
        origin: reader.origin(scope.node),
    }))
}
