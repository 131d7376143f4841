//! One call to one answer: faults, tokens, then Azure Resource Manager. Knows no sockets; how an answer travels is said
//! by [`Delivery`].

use axum::http::Method;

use super::answer::{Answer, Reply};
use super::call::Call;
use super::fault::{Effect, is_page, spoil};
use super::state::State;
use super::{arm, control, entra};

/// How an answer reaches the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    Whole,
    /// Half of the body.
    Cut,
    /// In drops, so many milliseconds apart.
    Slow(u64),
    /// Not at all.
    Dropped,
    /// Not at all, with a reset.
    Reset,
}

/// Answers a call.
pub fn answer(state: &mut State, call: &mut Call) -> (Answer, Delivery) {
    state.settle();
    if call.path.starts_with("/_sandbox/") {
        return (settled(control::answer(state, call)), Delivery::Whole);
    }
    state.calls += 1;
    call.number = state.calls;
    let (mut answer, delivery) = faulty(state, call);
    identify(call, &mut answer);
    answer.headers.push(("date", http_date(state.now())));
    state.log(call, answer.status, delivery);
    (answer, delivery)
}

/// A moment as HTTP writes it.
fn http_date(time: jiff::Timestamp) -> String {
    time.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// The ids by which support finds a call again.
fn identify(call: &Call, answer: &mut Answer) {
    let id = call.request_id();
    answer.headers.push(("x-ms-correlation-request-id", call.correlation()));
    answer.headers.push(("x-ms-request-id", id));
    if let Some(own) = call.header("x-ms-client-request-id") {
        answer.headers.push(("x-ms-client-request-id", own.to_owned()));
    }
}

fn faulty(state: &mut State, call: &Call) -> (Answer, Delivery) {
    if state.faults.meet(call, |effect| effect == Effect::Reset).is_some() {
        return (Answer::empty(500), Delivery::Reset);
    }
    let is_tokens = |effect| matches!(effect, Effect::ExpiredToken | Effect::RotateToken);
    match state.faults.meet(call, is_tokens).map(|fault| fault.kind.effect) {
        Some(Effect::ExpiredToken) => state.tokens.expire_all(),
        Some(_) => state.tokens.revoke_all(),
        None => {}
    }
    let replaces = |effect| {
        matches!(
            effect,
            Effect::Throttle | Effect::Status(_) | Effect::Forbidden | Effect::Html | Effect::Redirect
        )
    };
    let replaced = state.faults.meet(call, replaces);
    let client = state.options.identity.client.clone();
    let mut answer = match replaced.and_then(|fault| fault.answer(call, &client)) {
        Some(answer) => answer,
        None => settled(served(state, call)),
    };
    if is_page(&answer) {
        let is_paging = |effect| {
            matches!(
                effect,
                Effect::EmptyPage | Effect::RepeatPage | Effect::ShiftingPage | Effect::ForeignLink
            )
        };
        if let Some(fault) = state.faults.meet(call, is_paging) {
            spoil(&fault, call, &mut answer);
        }
    }
    if answer
        .header("location")
        .or_else(|| answer.header("azure-asyncoperation"))
        .is_some()
        && let Some(fault) = state.faults.meet(call, |effect| effect == Effect::ForeignLocation)
    {
        fault.mislead(&mut answer);
    }
    let delivery = delivery(state, call, &mut answer);
    (answer, delivery)
}

/// Faults on the way back.
fn delivery(state: &mut State, call: &Call, answer: &mut Answer) -> Delivery {
    if state
        .faults
        .meet(call, |effect| effect == Effect::ContentType)
        .is_some()
    {
        answer.headers.push(("content-type", "text/plain".to_owned()));
    }
    let travels = |effect| matches!(effect, Effect::Cut | Effect::Slow | Effect::DropReply);
    match state.faults.meet(call, travels) {
        Some(fault) => match fault.kind.effect {
            Effect::Cut => Delivery::Cut,
            Effect::Slow => Delivery::Slow(fault.milliseconds),
            _ => Delivery::Dropped,
        },
        None => Delivery::Whole,
    }
}

/// The right answer.
fn served(state: &mut State, call: &Call) -> Reply {
    let segments = call.segments();
    let lower: Vec<String> = segments.iter().map(|segment| segment.to_ascii_lowercase()).collect();
    let shape: Vec<&str> = lower.iter().map(String::as_str).collect();
    let tenant = segments.first().copied().unwrap_or_default();
    match (&call.method, shape.as_slice()) {
        (&Method::POST, [_, "oauth2", "v2.0", "token"]) => return Ok(state.authority().token(call, tenant)),
        (&Method::GET, [_, "v2.0", ".well-known", "openid-configuration"]) => {
            return Ok(state.authority().discovery(call, tenant));
        }
        (&Method::GET, [_, "discovery", "instance"]) => return Ok(entra::instances(call)),
        (&Method::GET, ["metadata", "identity", "oauth2", "token"]) => return Ok(state.authority().metadata(call)),
        (&Method::GET, ["msi", "token"]) => return Ok(state.authority().app_service(call)),
        _ => {}
    }
    state.tokens.check(call, &state.store.tenant)?;
    arm::answer(state, call)
}

fn settled(reply: Reply) -> Answer {
    reply.unwrap_or_else(Answer::from)
}
