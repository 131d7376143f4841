//! What can go wrong, as data: each kind of fault, which calls it meets, and how often. Knows no sockets.

mod page;

use std::str::FromStr;

use axum::http::Method;
use serde_json::{Value, json};

use super::answer::{Answer, Body, Refusal};
use super::call::Call;
use super::limits::{graph_throttled, throttled};

pub use page::{is_page, spoil};

/// A kind of fault: one line here, and its place in the match that carries it out.
#[derive(Debug)]
pub struct FaultKind {
    pub name: &'static str,
    pub effect: Effect,
    pub summary: &'static str,
    /// Meets every call that it selects; others meet one, unless `times` says otherwise.
    pub lasting: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    Throttle,
    Status(u16),
    Forbidden,
    Html,
    Redirect,
    Reset,
    Cut,
    Slow,
    DropReply,
    ContentType,
    ExpiredToken,
    RotateToken,
    EmptyPage,
    RepeatPage,
    ShiftingPage,
    ForeignLink,
    ForeignLocation,
}

const fn once(name: &'static str, effect: Effect, summary: &'static str) -> FaultKind {
    FaultKind {
        name,
        effect,
        summary,
        lasting: false,
    }
}

const fn lasting(name: &'static str, effect: Effect, summary: &'static str) -> FaultKind {
    FaultKind {
        name,
        effect,
        summary,
        lasting: true,
    }
}

/// Every kind of fault.
pub const FAULTS: &[FaultKind] = &[
    once("throttle", Effect::Throttle, "429; `retry-after=SECONDS` or `none`"),
    once("500", Effect::Status(500), "500 InternalServerError"),
    once("502", Effect::Status(502), "502 BadGateway"),
    once("503", Effect::Status(503), "503 ServerTimeout"),
    once("504", Effect::Status(504), "504 GatewayTimeout"),
    lasting(
        "403",
        Effect::Forbidden,
        "403 AuthorizationFailed; Resource Graph leaves the rows out",
    ),
    once("html", Effect::Html, "200 with a web page, as a proxy sends it"),
    once("redirect", Effect::Redirect, "307 to another host"),
    once(
        "reset",
        Effect::Reset,
        "the connection is reset before anything is done",
    ),
    once("cut", Effect::Cut, "the connection ends in the middle of the body"),
    once(
        "slow",
        Effect::Slow,
        "the body comes in drops; `ms=MILLISECONDS` between them",
    ),
    once(
        "drop-reply",
        Effect::DropReply,
        "the call is carried out, the connection ends before the answer",
    ),
    once("content-type", Effect::ContentType, "the right body as `text/plain`"),
    once(
        "expired-token",
        Effect::ExpiredToken,
        "all tokens given so far have run out",
    ),
    once(
        "rotate-token",
        Effect::RotateToken,
        "all tokens given so far are withdrawn",
    ),
    once(
        "empty-page",
        Effect::EmptyPage,
        "a page without rows comes before the real one",
    ),
    once(
        "repeat-page",
        Effect::RepeatPage,
        "the link to the next page leads to the same page",
    ),
    once(
        "shifting-page",
        Effect::ShiftingPage,
        "rows move between two pages: one comes twice, or is passed over",
    ),
    once(
        "foreign-link",
        Effect::ForeignLink,
        "the link to the next page leads to another host",
    ),
    once(
        "foreign-location",
        Effect::ForeignLocation,
        "where to ask about a long operation is another host",
    ),
];

/// A kind of fault with the calls that it meets.
#[derive(Clone, Debug)]
pub struct Fault {
    pub kind: &'static FaultKind,
    /// Only the call of this number.
    pub call: Option<u64>,
    /// Only calls whose path or body has this text, without case.
    pub path: Option<String>,
    /// Only calls about this type.
    pub resource_type: Option<String>,
    pub subscription: Option<String>,
    pub method: Option<Method>,
    /// How many calls it meets; none is all.
    pub times: Option<u64>,
    /// Seconds; none leaves the header out.
    pub retry_after: Option<u64>,
    pub milliseconds: u64,
    /// The other host, for faults that lead to one; with its scheme.
    pub elsewhere: String,
}

impl Fault {
    /// A fault that meets one call.
    pub fn at_call(kind: &'static FaultKind, call: u64) -> Fault {
        Fault {
            call: Some(call),
            times: Some(1),
            ..Fault::of(kind)
        }
    }

    pub fn of(kind: &'static FaultKind) -> Fault {
        Fault {
            kind,
            call: None,
            path: None,
            resource_type: None,
            subscription: None,
            method: None,
            times: (!kind.lasting).then_some(1),
            retry_after: Some(1),
            milliseconds: 20,
            elsewhere: "https://elsewhere.example".to_owned(),
        }
    }

    fn selects(&self, call: &Call) -> bool {
        let is_graph = call.path.to_ascii_lowercase().contains("/microsoft.resourcegraph/");
        if self.kind.effect == Effect::Forbidden && self.denies_by_scope() && is_graph {
            return false;
        }
        self.call.is_none_or(|number| number == call.number)
            && self.path.as_deref().is_none_or(|text| mentions(call, text))
            && self
                .resource_type
                .as_deref()
                .is_none_or(|text| mentions(call, text.rsplit('/').next().unwrap_or(text)))
            && self.subscription.as_deref().is_none_or(|text| mentions(call, text))
            && self.method.as_ref().is_none_or(|method| *method == call.method)
    }

    /// Whether it withholds a subscription or a type, rather than refuse single calls.
    fn denies_by_scope(&self) -> bool {
        self.call.is_none() && self.path.is_none() && (self.subscription.is_some() || self.resource_type.is_some())
    }

    fn denies(&self, subscription: &str, resource_type: &str) -> bool {
        let of_subscription = self
            .subscription
            .as_deref()
            .is_none_or(|stated| stated.eq_ignore_ascii_case(subscription));
        let of_type = self.resource_type.as_deref().is_none_or(|stated| {
            let last = resource_type.rsplit('/').next().unwrap_or_default();
            stated.eq_ignore_ascii_case(resource_type) || stated.eq_ignore_ascii_case(last)
        });
        self.kind.effect == Effect::Forbidden && self.denies_by_scope() && of_subscription && of_type
    }

    /// The answer in place of the right one, for faults that have one.
    pub fn answer(&self, call: &Call, client: &str) -> Option<Answer> {
        match self.kind.effect {
            Effect::Throttle => Some(self.throttled(call)),
            Effect::Status(status) => Some(broken(status).into()),
            Effect::Forbidden => {
                let scope = call.path.split("/providers/").next().unwrap_or_default();
                Some(Refusal::forbidden(client, "*/read", scope).into())
            }
            Effect::Html => Some(Answer {
                status: 200,
                headers: Vec::new(),
                body: Body::Text(
                    "text/html; charset=utf-8",
                    "<!DOCTYPE html><html><head><title>Sign in</title></head><body>Sign in to the network.</body></html>"
                        .to_owned(),
                ),
            }),
            Effect::Redirect => Some(Answer::empty(307).with("location", format!("{}{}", self.elsewhere, call.path))),
            _ => None,
        }
    }

    /// Leads whoever asks about the operation that was begun to the other host.
    pub fn mislead(&self, answer: &mut Answer) {
        let links = answer.headers.iter_mut();
        for (_, link) in links.filter(|(name, _)| ["location", "azure-asyncoperation"].contains(name)) {
            let path = link.split('/').skip(3).collect::<Vec<_>>().join("/");
            *link = format!("{}/{path}", self.elsewhere);
        }
    }

    fn throttled(&self, call: &Call) -> Answer {
        let is_graph = call.path.to_ascii_lowercase().contains("/microsoft.resourcegraph/");
        let seconds = self.retry_after.unwrap_or(1);
        let mut refusal = if is_graph {
            graph_throttled(seconds)
        } else {
            throttled(seconds)
        };
        if self.retry_after.is_none() {
            refusal.headers.retain(|(name, _)| *name != "retry-after");
        }
        refusal.into()
    }
}

fn broken(status: u16) -> Refusal {
    let (code, message) = match status {
        500 => ("InternalServerError", "Internal server error has occurred."),
        502 => (
            "BadGateway",
            "The gateway did not receive a response from the resource provider.",
        ),
        503 => ("ServerTimeout", "The request timed out. Please try again."),
        _ => (
            "GatewayTimeout",
            "The gateway did not receive a response within the specified time period.",
        ),
    };
    Refusal::new(status, code, message)
}

fn mentions(call: &Call, text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    call.path.to_ascii_lowercase().contains(&text)
        || String::from_utf8_lossy(&call.body).to_ascii_lowercase().contains(&text)
}

/// `KIND[:SETTING=VALUE,...][@SELECTOR,...]`, such as `throttle:retry-after=2@type=networkInterfaces`.
impl FromStr for Fault {
    type Err = String;

    fn from_str(text: &str) -> Result<Fault, String> {
        let mut parts = text.split([':', '@', ',']).map(str::trim);
        let name = parts.next().unwrap_or_default();
        let kind = FAULTS.iter().find(|kind| kind.name == name).ok_or_else(|| {
            let names: Vec<&str> = FAULTS.iter().map(|kind| kind.name).collect();
            format!("`{name}` is no fault; there are {}", names.join(", "))
        })?;
        let mut fault = Fault::of(kind);
        for part in parts.filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=').unwrap_or(("call", part));
            fault.set(name, value)?;
        }
        Ok(fault)
    }
}

impl Fault {
    fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        let number = || {
            value
                .parse::<u64>()
                .map_err(|_| format!("`{value}` is no number for `{name}` of the fault `{}`", self.kind.name))
        };
        match name {
            "call" => (self.call, self.times) = (Some(number()?), self.times.or(Some(1))),
            "times" if value == "always" => self.times = None,
            "times" => self.times = Some(number()?),
            "retry-after" if value == "none" => self.retry_after = None,
            "retry-after" => self.retry_after = Some(number()?),
            "ms" => self.milliseconds = number()?,
            "path" => self.path = Some(value.to_owned()),
            "type" => self.resource_type = Some(value.to_owned()),
            "subscription" => self.subscription = Some(value.to_owned()),
            "method" => {
                let method = value.to_ascii_uppercase().parse();
                self.method = Some(method.map_err(|_| format!("`{value}` is no HTTP method"))?);
            }
            _ => {
                return Err(format!(
                    "a fault has no `{name}`; there are call, path, type, subscription, method, times, retry-after, ms"
                ));
            }
        }
        Ok(())
    }
}

/// The faults that are on, with how many calls each has met.
#[derive(Debug, Default)]
pub struct Faults {
    active: Vec<(Fault, u64)>,
}

impl Faults {
    pub fn new(faults: Vec<Fault>) -> Faults {
        Faults {
            active: faults.into_iter().map(|fault| (fault, 0)).collect(),
        }
    }

    /// The first fault of the wanted effects that meets this call; it is counted.
    pub fn meet(&mut self, call: &Call, wanted: impl Fn(Effect) -> bool) -> Option<Fault> {
        let (fault, met) = self.active.iter_mut().find(|(fault, met)| {
            wanted(fault.kind.effect) && fault.times.is_none_or(|times| *met < times) && fault.selects(call)
        })?;
        *met += 1;
        Some(fault.clone())
    }

    /// Whether a type of a subscription is withheld; `*` asks for the whole subscription.
    pub fn denies(&self, subscription: &str, resource_type: &str) -> bool {
        self.active
            .iter()
            .any(|(fault, _)| fault.denies(subscription, resource_type))
    }

    /// As the control endpoint shows them.
    pub fn shown(&self) -> Value {
        let shown = self.active.iter().map(|(fault, met)| {
            json!({ "kind": fault.kind.name, "summary": fault.kind.summary, "met": met, "times": fault.times })
        });
        Value::from(shown.collect::<Vec<_>>())
    }

    /// How many calls were met by any fault.
    pub fn met(&self) -> u64 {
        self.active.iter().map(|(_, met)| met).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn specifications_are_read() {
        let fault: Fault = "throttle:retry-after=2@type=networkInterfaces".parse().unwrap();
        assert_eq!(
            (fault.kind.effect, fault.retry_after, fault.times),
            (Effect::Throttle, Some(2), Some(1))
        );
        assert_eq!(fault.resource_type.as_deref(), Some("networkInterfaces"));
        let fault: Fault = "500@3".parse().unwrap();
        assert_eq!((fault.call, fault.times), (Some(3), Some(1)));
        let fault: Fault = "403:subscription=S,type=T".parse().unwrap();
        assert_eq!(fault.times, None);
        assert!(fault.denies("s", "a/t") && !fault.denies("s", "*") && !fault.denies("r", "t"));
        for wrong in ["nonsense", "500@x", "500@colour=red", "throttle:retry-after=soon"] {
            assert!(wrong.parse::<Fault>().is_err(), "{wrong}");
        }
    }
}
