//! Child SAs that came up, or took the place of others.

use super::{Event, Kind};
use crate::diagnose::Case;
use crate::diagnose::facts::{asked, began, first};
use crate::diagnose::finding::Cite;
use crate::language::{Text, all_of, list};
use crate::model::{ChildSa, ChildTerms, IkeState, Model, Role, selector};
use crate::registry::ExchangeType;
use crate::say;
use crate::units::{EspSpi, Span};
use std::net::IpAddr;

/// Tells of the child SAs of a tunnel.
pub(super) fn tell(case: &Case<'_>, events: &mut Vec<Event>) {
    let Case { model, tunnel, .. } = *case;
    for id in model.child_sas_of(tunnel) {
        events.extend(event(model, &model.child_sas[id]));
    }
}

fn event(model: &Model, child: &ChildSa) -> Option<Event> {
    // Where the initiator does not accept the responder, what that one granted never comes up.
    let maker = child.ike_sa.map(|id| model.ike_sas[id].state);
    if maker == Some(IkeState::AuthRefused) && child.seen.is_none() {
        return None;
    }
    let made = made(model, child);
    let old = child.replaces.map(|id| &model.child_sas[id]);
    // One that goes on is not replaced.
    let old = old.filter(|old| made.is_some() || !goes_on(model, old, child));
    let old = old.map(|old| old.spis);
    // One whose making was not recorded is told of only when it takes the place of another.
    let at = match (made, old) {
        (Some((at, ..)), _) => at,
        (None, Some(_)) => child.seen?.first,
        (None, None) => return None,
    };
    // One that comes with a new IKE SA is no rekeying.
    let with_ike = child.made_by.map(|id| model.exchanges[id].kind) == Some(ExchangeType::IKE_AUTH);
    let kind = match old.is_some() && !with_ike {
        true => Kind::ChildRekeyed,
        false => Kind::ChildUp,
    };
    let mut says = match (kind, made) {
        (Kind::ChildRekeyed, Some((_, initiator, _))) => {
            say!("child SA rekeyed, asked for by {initiator}", initiator)
        }
        (Kind::ChildRekeyed, None) => "child SA rekeyed".into(),
        (_, Some((_, initiator, _))) => say!("child SA up, asked for by {initiator}", initiator),
        (_, None) => "child SA up".into(),
    };
    if child.spis != [None, None] {
        let spis = match made {
            Some((_, _, other)) => towards(child.spis, other),
            None => pair(child.spis),
        };
        says = say!("{says}: SPI {spis}", says, spis);
    }
    if let Some(old) = old {
        says = say!("{says} in place of {old}", says, old = pair(old));
    }
    if child.is_guessed {
        says = say!(
            "{says}, unless these are of another made at the same time",
            says
        );
    }
    if let Some(terms) = child.terms.as_deref() {
        says = with_selectors(says, terms);
    }
    Some(Event::new(at, kind, says))
}

/// Whether a child SA carries packets long after another began.
fn goes_on(model: &Model, old: &ChildSa, child: &ChildSa) -> bool {
    /// Packets that were under way, and a peer that deletes late.
    const DRAIN: Span = Span::from_secs(10);
    let begins = child.seen.map(|seen| seen.first.1);
    let mut flows = old.flows.iter().flatten().map(|id| &model.flows[*id]);
    begins.is_some_and(|begins| flows.any(|flow| flow.seen.last.1.since(begins) > DRAIN))
}

/// When a child SA was made, who asked for it and of whom.
fn made(model: &Model, child: &ChildSa) -> Option<(Cite, IpAddr, IpAddr)> {
    let exchange = &model.exchanges[child.made_by?];
    let request = exchange.flights.first()?;
    // As the tap has them that saw the IKE SA begin: another may be beyond a NAT.
    let sa = &model.ike_sas[exchange.ike_sa];
    let begun = model.exchanges[*sa.exchanges.first()?].flights.first()?;
    let here = model.seen_at(request, first(model, begun)?.vantage);
    let (from, to, by) = match here {
        Some(message) => (message.path.from(), message.path.to(), request.by),
        None => {
            let path = sa.paths.first()?;
            (path.from, path.to, Role::Initiator)
        }
    };
    let (asker, other) = match by == exchange.by {
        true => (from.address, to.address),
        false => (to.address, from.address),
    };
    let last = match asked::is_v1(exchange.kind) {
        true => exchange.flights.last(),
        false => exchange.response(),
    };
    Some((began(model, last?)?, asker, other))
}

/// `0x… to it, 0x… to 192.0.2.2`: towards who asked and towards the other side.
fn towards([to_asker, to_other]: [Option<EspSpi>; 2], other: IpAddr) -> Text {
    let words = [
        to_asker.map(|spi| say!("{spi} to it", spi)),
        to_other.map(|spi| say!("{spi} to {peer}", spi, peer = other)),
    ];
    list(words.into_iter().flatten())
}

fn pair(spis: [Option<EspSpi>; 2]) -> Text {
    match spis {
        [None, None] => "an unknown SPI".into(),
        spis => all_of(spis.into_iter().flatten()),
    }
}

/// Adds whose packets it carries: `…; 10.1.0.0/16 with 10.2.0.0/16`, and what was asked for if that
/// differs.
fn with_selectors(says: Text, terms: &ChildTerms) -> Text {
    let between = |[one, two]: &[Vec<_>; 2]| {
        say!(
            "{one} with {two}",
            one = selector::said(one),
            two = selector::said(two)
        )
    };
    let (asked, granted) = match (&terms.asked, &terms.granted) {
        (asked, Some(granted)) => (asked.as_ref(), granted),
        (_, None) => return says,
    };
    let differs = |asked: &&[Vec<_>; 2]| {
        let mut sides = asked.iter().zip(granted);
        !sides.all(|(asked, granted)| selector::same(asked, granted))
    };
    let granted = between(granted);
    match asked.filter(differs).map(between) {
        Some(asked) => say!(
            "{says}; {granted}, though {asked} was asked for",
            says,
            granted,
            asked
        ),
        None => say!("{says}; {granted}", says, granted),
    }
}
