//! Child SAs that came up, or took the place of others.

use super::{Event, Kind};
use crate::diagnose::facts::{asked, began};
use crate::diagnose::finding::Cite;
use crate::model::{ChildSa, ChildTerms, Model, Role, Tunnel, selector};
use crate::registry::ExchangeType;
use crate::units::EspSpi;
use std::net::IpAddr;

/// Tells of the child SAs of a tunnel.
pub(super) fn tell(model: &Model, row: &Tunnel, events: &mut Vec<Event>) {
    for id in model.child_sas_of(row) {
        events.extend(event(model, &model.child_sas[id]));
    }
}

fn event(model: &Model, child: &ChildSa) -> Option<Event> {
    let made = made(model, child);
    let old = child.replaces.map(|id| model.child_sas[id].spis);
    // One whose making was not recorded is told of only when it takes the place of another.
    let at = match (made, old) {
        (Some((at, ..)), _) => at,
        (None, Some(_)) => child.seen?.first,
        (None, None) => return None,
    };
    let by = made.map_or(String::new(), |(_, asker, _)| {
        format!(", asked for by {asker}")
    });
    let spis = match (child.spis, made) {
        ([None, None], _) => String::new(),
        (spis, Some((_, _, other))) => format!(": SPI {}", towards(spis, other)),
        (spis, None) => format!(": SPI {}", pair(spis)),
    };
    let carries = child.terms.as_deref().map_or(String::new(), selectors);
    let place = old.map_or(String::new(), |old| format!(" in place of {}", pair(old)));
    // One that comes with a new IKE SA is no rekeying.
    let with_ike = child.made_by.map(|id| model.exchanges[id].kind) == Some(ExchangeType::IKE_AUTH);
    Some(match old.is_some() && !with_ike {
        true => Event::new(
            at,
            Kind::ChildRekeyed,
            format!("child SA rekeyed{by}{spis}{place}{carries}"),
        ),
        false => Event::new(
            at,
            Kind::ChildUp,
            format!("child SA up{by}{spis}{place}{carries}"),
        ),
    })
}

/// When a child SA was made, who asked for it and of whom.
fn made(model: &Model, child: &ChildSa) -> Option<(Cite, IpAddr, IpAddr)> {
    let exchange = &model.exchanges[child.made_by?];
    let path = model.ike_sas[exchange.ike_sa].paths.first()?;
    let (asker, other) = match exchange.by {
        Role::Initiator => (path.from.address, path.to.address),
        Role::Responder => (path.to.address, path.from.address),
    };
    let last = match asked::is_v1(exchange.kind) {
        true => exchange.flights.last(),
        false => exchange.response(),
    };
    Some((began(model, last?)?, asker, other))
}

/// `0x… to it, 0x… to 192.0.2.2`: towards who asked and towards the other side.
fn towards([to_asker, to_other]: [Option<EspSpi>; 2], other: IpAddr) -> String {
    let words = [
        to_asker.map(|spi| format!("{spi} to it")),
        to_other.map(|spi| format!("{spi} to {other}")),
    ];
    words.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn pair(spis: [Option<EspSpi>; 2]) -> String {
    let words: Vec<String> = spis.iter().flatten().map(ToString::to_string).collect();
    match words.is_empty() {
        true => "an unknown SPI".to_owned(),
        false => words.join(" and "),
    }
}

/// Whose packets it carries: `; 10.1.0.0/16 with 10.2.0.0/16`, and what was asked for if that differs.
fn selectors(terms: &ChildTerms) -> String {
    let between =
        |[one, two]: &[Vec<_>; 2]| format!("{} with {}", selector::said(one), selector::said(two));
    let (asked, granted) = match (&terms.asked, &terms.granted) {
        (asked, Some(granted)) => (asked.as_ref(), granted),
        (_, None) => return String::new(),
    };
    let differs = |asked: &&[Vec<_>; 2]| {
        let mut sides = asked.iter().zip(granted);
        !sides.all(|(asked, granted)| selector::same(asked, granted))
    };
    let wanted = asked.filter(differs).map_or(String::new(), |asked| {
        format!(", though {} was asked for", between(asked))
    });
    format!("; {}{wanted}", between(granted))
}
