//! The words for a trace: what each station is, which rule decides there, where that is written, and why it applies.

mod filters;
mod front;
mod names;
mod verdict;

use std::fmt::Write as _;
use std::net::IpAddr;

use super::answer::{Hop, HopEffect, HopKind, Trace};
use super::judge::{Status, Step};
use super::machine::Estate;
use super::packet::Membership;
use super::question::{From, Question, Traced};
use crate::model::{Inventory, Origin};
use crate::source::{Location, Sources};

pub use verdict::summary;

use filters::platform;
use front::{overruled, seen_as, taken};
use names::{destination, who};
use verdict::sentence;

/// What words are made from.
pub struct Words<'w, 'i> {
    pub inventory: &'i Inventory,
    pub sources: &'w Sources,
    pub estate: &'w Estate<'i>,
    pub from: &'w From,
}

impl<'i> Words<'_, 'i> {
    pub fn trace(&self, traced: &Traced<'_, 'i>, question: &Question<'_>) -> Trace {
        let mut hops = vec![self.source(traced, question)];
        hops.extend(self.front(traced, question));
        let mut seen = traced.source;
        for step in &traced.course.steps {
            if let Step::SeenAs(source, ..) = step {
                seen = *source;
            }
            hops.extend(self.step(step, traced, question, seen));
        }
        if traced.course.status != Status::Closed {
            hops.push(arrival(traced, question));
        }
        Trace {
            way: traced.way.way,
            target: traced.target.name(),
            address: traced.target.address().known().copied(),
            source: traced.source,
            source_tag: traced.tag.as_ref().map(ToString::to_string),
            source_port: traced.source_port,
            status: traced.course.status,
            sentence: sentence(&traced.course, &hops),
            hops,
        }
    }

    fn locate(&self, origin: Origin) -> Option<Location> {
        origin.0.map(|place| self.sources.locate(place))
    }

    fn source(&self, traced: &Traced<'_, 'i>, question: &Question<'_>) -> Hop {
        let source = traced.source;
        let tag = traced.tag.as_ref().or(match self.from {
            From::Tag(tag) => Some(tag),
            _ => None,
        });
        let name = tag.map_or_else(|| source.to_string(), ToString::to_string);
        let mut sentence = match tag {
            Some(tag) => format!("an address of service tag `{tag}`"),
            None => who(traced.target, traced.way.way, source),
        };
        if self.from.is_many() {
            sentence += match traced.by_source {
                true => "; it stands for those that get farthest",
                false => "; all others fare alike",
            };
        }
        let _ = write!(
            sentence,
            "; sends {} from port {}",
            question.protocol.as_str(),
            traced.source_port
        );
        if traced.by_source_port {
            sentence += ", which it chose: other source ports do not get as far";
        }
        Hop {
            kind: HopKind::Source,
            ..hop(name, sentence)
        }
    }

    fn step(&self, step: &Step<'i>, traced: &Traced<'_, 'i>, question: &Question<'_>, seen: IpAddr) -> Option<Hop> {
        let target = traced.target;
        Some(match step {
            Step::Front(takes) => taken(&traced.way, takes, traced.source)?,
            Step::SeenAs(address, ranges, alike) => seen_as(&traced.way, *address, ranges, *alike),
            Step::Overruled(rule, origin, holds, bears) => Hop {
                location: self.locate(*origin),
                ..overruled(&traced.way, rule, holds, *bears)
            },
            Step::Admin(rule, does, doubt) => self.admin(rule, *does, doubt.as_ref()),
            Step::Layer(at, said) => self.layer(target, *at, said, question, seen, traced),
            Step::Platform(sold) => platform(sold.as_ref()),
            Step::Back(back, straight) => self.back(traced, back, straight),
            Step::Screen(firewall, forwarded) => self.screen(firewall, forwarded),
        })
    }
}

fn hop(name: String, sentence: String) -> Hop {
    Hop {
        kind: HopKind::Machine,
        name,
        id: None,
        effect: HopEffect::Passes,
        rule: None,
        priority: None,
        location: None,
        sentence,
    }
}

fn membership<'q>(from: &'q From, traced: &'q Traced<'_, '_>) -> Membership<'q> {
    match (&traced.tag, from) {
        (Some(tag), _) | (None, From::Tag(tag)) => Membership::Of(tag),
        (None, From::Internet) => Membership::Outside,
        (None, _) => Membership::Unread,
    }
}

fn arrival(traced: &Traced<'_, '_>, question: &Question<'_>) -> Hop {
    let to = destination(traced.target, question.port);
    let (effect, sentence) = match traced.course.status {
        Status::Open => (HopEffect::Passes, format!("the packet arrives at {to}")),
        Status::NoReturnPath => (
            HopEffect::Stops,
            format!("the packet arrives at {to}, the answer does not"),
        ),
        _ => (HopEffect::Unknown, format!("the packet may arrive at {to}")),
    };
    Hop {
        kind: HopKind::Machine,
        effect,
        ..hop(traced.target.name(), sentence)
    }
}
