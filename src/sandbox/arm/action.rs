//! Paths that are neither a resource nor a plain list, as data: what follows the namespace, and what answers it.

use axum::http::Method;
use serde_json::{Value, json};

use super::list::{listed, page};
use super::{Address, check_read};
use crate::model::ResourceId;
use crate::sandbox::access;
use crate::sandbox::activity;
use crate::sandbox::answer::{Answer, Refusal, Reply};
use crate::sandbox::call::Call;
use crate::sandbox::jit;
use crate::sandbox::security;
use crate::sandbox::state::State;
use crate::sandbox::store::{Resource, key};
use crate::sandbox::write;

type Act = fn(&mut State, &Call, &Address) -> Reply;

struct Action {
    method: Method,
    namespace: &'static str,
    /// Segments after the namespace in lower case; `*` is any name.
    path: &'static [&'static str],
    act: Act,
}

const POLICY: &[&str] = &["locations", "*", "jitnetworkaccesspolicies", "*"];

const ACTIONS: &[Action] = &[
    on(Method::PUT, "microsoft.security", POLICY, jit::put),
    on(Method::DELETE, "microsoft.security", POLICY, jit::delete),
    post(
        "microsoft.security",
        &["locations", "*", "jitnetworkaccesspolicies", "*", "initiate"],
        jit::initiate,
    ),
    get("microsoft.security", &["pricings", "*"], security::get_pricing),
    on(
        Method::PUT,
        "microsoft.security",
        &["pricings", "*"],
        security::put_pricing,
    ),
    get(
        "microsoft.insights",
        &["eventtypes", "management", "values"],
        activity::list,
    ),
    get("microsoft.network", &["locations", "*", "operations", "*"], write::poll),
    get(
        "microsoft.network",
        &["locations", "*", "operationresults", "*"],
        write::poll,
    ),
    get("microsoft.compute", &["locations", "*", "operations", "*"], write::poll),
    get(
        "microsoft.compute",
        &["locations", "*", "operationresults", "*"],
        write::poll,
    ),
    get("microsoft.security", &["jitnetworkaccesspolicies"], jit_policies),
    get(
        "microsoft.security",
        &["locations", "*", "jitnetworkaccesspolicies"],
        jit_policies,
    ),
    get("microsoft.security", &["locations"], security_locations),
    get("microsoft.security", &["pricings"], extension_list),
    get("microsoft.security", &["assessments"], extension_list),
    get("microsoft.authorization", &["permissions"], access::permissions),
    get("microsoft.authorization", &["locks"], extension_list),
    get("microsoft.authorization", &["roleassignments"], access::assignments),
    on(
        Method::PUT,
        "microsoft.authorization",
        &["roleassignments", "*"],
        access::assign,
    ),
    on(
        Method::DELETE,
        "microsoft.authorization",
        &["roleassignments", "*"],
        access::unassign,
    ),
    get("microsoft.authorization", &["roledefinitions"], access::definitions),
    get("microsoft.authorization", &["roledefinitions", "*"], access::definition),
    on(
        Method::PUT,
        "microsoft.authorization",
        &["roledefinitions", "*"],
        access::define,
    ),
    on(
        Method::DELETE,
        "microsoft.authorization",
        &["roledefinitions", "*"],
        access::undefine,
    ),
    get("microsoft.authorization", &["denyassignments"], extension_list),
    get("microsoft.authorization", &["policyassignments"], extension_list),
    get(
        "microsoft.compute",
        &["virtualmachinescalesets", "*", "networkinterfaces"],
        scale_set_interfaces,
    ),
    get("microsoft.network", &["locations", "*", "servicetags"], service_tags),
    post(
        "microsoft.network",
        &["networkmanagers", "*", "listdeploymentstatus"],
        recorded_list,
    ),
    post(
        "microsoft.network",
        &["networkmanagers", "*", "listactivesecurityadminrules"],
        recorded_list,
    ),
    post(
        "microsoft.network",
        &["virtualnetworks", "*", "listnetworkmanagereffectivesecurityadminrules"],
        recorded_list,
    ),
    post(
        "microsoft.network",
        &["networkinterfaces", "*", "effectivenetworksecuritygroups"],
        effective_groups,
    ),
    get(
        "microsoft.compute",
        &["virtualmachines", "*", "instanceview"],
        instance_view,
    ),
    get("microsoft.compute", &["virtualmachines", "*"], machine),
];

const fn get(namespace: &'static str, path: &'static [&'static str], act: Act) -> Action {
    on(Method::GET, namespace, path, act)
}

const fn post(namespace: &'static str, path: &'static [&'static str], act: Act) -> Action {
    on(Method::POST, namespace, path, act)
}

const fn on(method: Method, namespace: &'static str, path: &'static [&'static str], act: Act) -> Action {
    Action {
        method,
        namespace,
        path,
        act,
    }
}

/// The answer of the action that fits, if one does.
pub fn answer(state: &mut State, call: &Call, address: &Address) -> Option<Reply> {
    let found = ACTIONS.iter().find(|action| {
        action.method == call.method
            && address.is_namespace(action.namespace)
            && action.path.len() == address.tail.len()
            && action
                .path
                .iter()
                .zip(&address.tail)
                .all(|(pattern, segment)| *pattern == "*" || segment.eq_ignore_ascii_case(pattern))
    })?;
    Some((found.act)(state, call, address))
}

const JIT: &str = "Microsoft.Security/locations/jitNetworkAccessPolicies";

/// By subscription or group, everywhere or in one location.
fn jit_policies(state: &mut State, call: &Call, address: &Address) -> Reply {
    let mut typed = address.clone();
    typed.tail = ["locations", "-", "jitNetworkAccessPolicies"]
        .map(str::to_owned)
        .to_vec();
    check_read(state, &typed)?;
    let location = (address.tail.len() == 3).then(|| address.tail.get(1)).flatten();
    if location.is_some_and(|location| location.contains(' ')) {
        return Err(Refusal::bad("BadRequest", "Invalid location-based request"));
    }
    let below = format!("{}/", key(&address.scope));
    let found: Vec<&Resource> = state
        .store
        .of_type(&address.subscription, JIT)
        .filter(|policy| key(policy.id.as_str()).starts_with(&below) && state.sees(policy))
        .filter(|policy| location.is_none_or(|at| is_segment(&policy.id, "locations", at)))
        .collect();
    page(state, call, &found, |policy| listed(policy, call))
}

fn is_segment(id: &ResourceId, kind: &str, name: &str) -> bool {
    id.segment(kind).is_some_and(|found| found.eq_ignore_ascii_case(name))
}

/// The one home region of a subscription.
fn security_locations(state: &mut State, _: &Call, address: &Address) -> Reply {
    let subscription = &address.subscription;
    let home = state
        .store
        .in_subscription(subscription)
        .find_map(|resource| resource.body.get("location").and_then(Value::as_str))
        .unwrap_or("westeurope");
    Ok(Answer::ok(json!({ "value": [{
        "id": format!("/subscriptions/{subscription}/providers/Microsoft.Security/locations/{home}"),
        "name": home,
        "type": "Microsoft.Security/locations",
        "properties": { "homeRegionName": home },
    }] })))
}

/// Plans and assessments: those of the scope itself, and of everything below a subscription or group.
fn extension_list(state: &mut State, call: &Call, address: &Address) -> Reply {
    check_read(state, address)?;
    if address.extends_resource() && !state.store.exists(&address.scope) {
        let id = ResourceId::new(&address.scope);
        return Err(Refusal::resource_not_found(
            &id.resource_type(),
            id.name(),
            id.resource_group(),
        ));
    }
    let is_pricing = address.last().eq_ignore_ascii_case("pricings");
    let scope = key(&address.scope);
    let below = format!("{scope}/");
    let found: Vec<&Resource> = state
        .store
        .of_type(&address.subscription, &address.resource_type())
        .filter(|resource| {
            let at = resource
                .id
                .extended()
                .map(|scope| key(scope.as_str()))
                .unwrap_or_default();
            at == scope || (!is_pricing && at.starts_with(&below))
        })
        .filter(|resource| state.sees(resource))
        .collect();
    if is_pricing {
        return Ok(Answer::ok(
            json!({ "value": security::pricings(state, call, address, &found) }),
        ));
    }
    page(state, call, &found, |resource| listed(resource, call))
}

/// The interfaces of all instances of a scale set.
fn scale_set_interfaces(state: &mut State, call: &Call, address: &Address) -> Reply {
    check_parent(state, address)?;
    let below = format!("{}/", key(&address.parent().id()));
    let found: Vec<&Resource> = state
        .store
        .of_type(
            &address.subscription,
            "microsoft.compute/virtualmachinescalesets/virtualmachines/networkinterfaces",
        )
        .filter(|nic| key(nic.id.as_str()).starts_with(&below))
        .collect();
    page(state, call, &found, |nic| listed(nic, call))
}

fn service_tags(state: &mut State, _: &Call, address: &Address) -> Reply {
    let location = address.tail.get(1).map(String::as_str).unwrap_or_default();
    let Some(recorded) = state.store.answers.get("servicetags") else {
        let message = "No service tags were recorded with this estate.";
        return Err(Refusal::new(404, "ServiceTagsNotFound", message));
    };
    let mut body = recorded.clone();
    if let Some(object) = body.as_object_mut() {
        let id = format!(
            "/subscriptions/{}/providers/Microsoft.Network/serviceTags/Public",
            address.subscription
        );
        object.entry("name").or_insert_with(|| json!("Public"));
        object.entry("id").or_insert(Value::from(id));
        object
            .entry("type")
            .or_insert_with(|| json!("Microsoft.Network/serviceTags"));
        object.insert("location".to_owned(), json!(location));
    }
    Ok(Answer::ok(body))
}

/// The recorded answer to an action; nothing deployed where none was recorded.
fn recorded_list(state: &mut State, _: &Call, address: &Address) -> Reply {
    check_parent(state, address)?;
    let recorded = state.store.answers.get(&key(&address.id()));
    let value = recorded.and_then(|answer| answer.get("value")).cloned();
    Ok(Answer::ok(json!({ "value": value.unwrap_or_else(|| json!([])) })))
}

/// Azure computes effective rules for interfaces of running machines only; here they are those that were recorded.
fn effective_groups(state: &mut State, _: &Call, address: &Address) -> Reply {
    check_parent(state, address)?;
    match state.store.answers.get(&key(&address.id())) {
        Some(recorded) => {
            let value = recorded.get("value").cloned().unwrap_or_else(|| json!([]));
            Ok(Answer::ok(json!({ "value": value })))
        }
        None => {
            let message = format!(
                "Network interface {} is not associated with a running virtual machine. Effective rules can be shown \
                 for the interfaces of running virtual machines only.",
                address.parent().id()
            );
            Err(Refusal::bad("NetworkInterfaceNotAttachedToRunningVm", message))
        }
    }
}

fn check_parent(state: &State, address: &Address) -> Result<(), Refusal> {
    let parent = address.parent();
    check_read(state, &parent)?;
    if state.store.exists(&parent.id()) {
        return Ok(());
    }
    let kind = parent.resource_type();
    Err(Refusal::resource_not_found(&kind, parent.last(), &parent.group))
}

/// A machine, with its state when `$expand=instanceView` asks for it.
fn machine(state: &mut State, call: &Call, address: &Address) -> Reply {
    check_read(state, address)?;
    match state.store.own(&address.id()) {
        Some(found) => Ok(Answer::ok(listed(found, call))),
        None => {
            let kind = "Microsoft.Compute/virtualMachines";
            Err(Refusal::resource_not_found(kind, address.last(), &address.group))
        }
    }
}

fn instance_view(state: &mut State, _: &Call, address: &Address) -> Reply {
    check_parent(state, address)?;
    let found = state.store.own(&address.parent().id());
    let view = found.and_then(|machine| machine.body.get("properties")?.get("instanceView"));
    Ok(Answer::ok(view.cloned().unwrap_or_else(|| json!({ "statuses": [] }))))
}
