//! Traffic selectors as opened messages tell of them: what was asked for and granted, and which child
//! SAs live at the same time.

use super::child::Attempt;
use super::{Asked, Fate, end_of};
use crate::diagnose::{Case, Cite};
use crate::limits;
use crate::model::{
    ChildSaId, Deleted, ExchangeId, IkeSaId, Mode, Model, Negotiation, Said, Selector, selector,
};
use crate::units::{EspSpi, FrameId, Timestamp, Vantage};
use std::net::IpAddr;

/// Selectors that were granted in part.
#[derive(Clone, Debug)]
pub struct Narrowing {
    /// The request.
    pub request: Said,
    /// The answer that grants less.
    pub answer: Said,
    /// What was asked for: of the asker's side and of the other.
    pub asked: [Vec<Selector>; 2],
    /// What was granted.
    pub granted: [Vec<Selector>; 2],
    /// What was left out.
    pub left: [Vec<Selector>; 2],
    /// Whether some other child SA of the tunnel serves what was left out.
    pub served: bool,
    /// Whether the asker was given an inner address, which its selectors then follow.
    pub remote_access: bool,
    /// Whether it takes the place of a child SA that was granted all that was asked for.
    pub renews: bool,
}

impl Narrowing {
    /// Whether of several pairs the first was granted, and it alone.
    pub fn is_first_pair(&self) -> bool {
        let several = self
            .asked
            .iter()
            .any(|asked| selector::distinct(asked).len() > 1);
        let first = |(asked, granted): (&Vec<Selector>, &Vec<Selector>)| {
            let asked = selector::distinct(asked);
            match (asked.first(), granted.as_slice()) {
                (Some(first), [one]) => selector::same(&[*first], &[*one]),
                _ => false,
            }
        };
        several && self.asked.iter().zip(&self.granted).all(first)
    }

    /// Whether a packet between these addresses, either way, was asked for and not granted.
    pub fn cuts_off(&self, from: IpAddr, to: IpAddr) -> bool {
        let [asked_own, asked_other] = &self.asked;
        let [own, other] = &self.granted;
        let cut = |one: IpAddr, two: IpAddr| {
            let asked = selector::holds(asked_own, one) && selector::holds(asked_other, two);
            asked && !(selector::holds(own, one) && selector::holds(other, two))
        };
        cut(from, to) || cut(to, from)
    }
}

/// The narrowings of a tunnel in order, each pair of sets once.
///
/// In transport mode behind NAT the addresses are exchanged, not narrowed (RFC 7296 section 2.23.1).
/// The side of an asker that is given an address follows that address (RFC 7296 section 2.19).
pub fn narrowings(case: &Case<'_>) -> Vec<Narrowing> {
    let attempts = case.attempts();
    let mut found: Vec<Narrowing> = Vec::new();
    for attempt in attempts {
        if found.len() >= limits::NARROWINGS {
            break;
        }
        let Some((request, answer)) = attempt.told.granted() else {
            continue;
        };
        let (Some(asked), Some(granted)) = (&request.selectors, &answer.selectors) else {
            continue;
        };
        let [own, other] = asked;
        let [granted_own, granted_other] = granted;
        let within =
            selector::is_within(granted_own, own) && selector::is_within(granted_other, other);
        if answer.mode == Mode::Transport || !within {
            continue;
        }
        let remote_access = request.configures;
        let left_own = match remote_access {
            true => Vec::new(),
            false => selector::left_out(own, granted_own),
        };
        let left = [left_own, selector::left_out(other, granted_other)];
        let again = found
            .iter()
            .any(|one| one.asked == *asked && one.granted == *granted);
        if again || left.iter().all(Vec::is_empty) {
            continue;
        }
        let (replaced, others): (Vec<_>, Vec<_>) = attempts
            .iter()
            .partition(|attempt| replaces(request, &attempt.told));
        let others = all_granted(&others, request);
        found.push(Narrowing {
            request: request.clone(),
            answer: answer.clone(),
            asked: asked.clone(),
            granted: granted.clone(),
            served: is_served(&others, [&left[0], other]) && is_served(&others, [own, &left[1]]),
            left,
            remote_access,
            renews: is_served(&all_granted(&replaced, request), [own, other]),
        });
    }
    found
}

/// Whether a request renews the child SA that another negotiation made: the SA then goes, and serves nothing
/// (RFC 7296 section 2.8).
fn replaces(request: &Said, made: &Negotiation) -> bool {
    let said = [&made.request, &made.answer].into_iter().flatten();
    let mut own = said.filter(|said| said.from == request.from);
    request
        .rekeys
        .is_some_and(|old| own.any(|said| said.spis.iter().any(|(_, _, spi)| *spi == old)))
}

/// What was granted, of the side of who asks for this and of the other.
fn all_granted<'a>(attempts: &[&'a Attempt], request: &Said) -> Vec<[&'a [Selector]; 2]> {
    let granted = attempts.iter().filter_map(|attempt| {
        let answer = attempt.told.answer.as_ref()?;
        let [own, other] = answer.selectors.as_ref().filter(|_| answer.has_sa)?;
        // The other side may have asked for it.
        Some(match answer.to == request.from {
            true => [own.as_slice(), other.as_slice()],
            false => [other.as_slice(), own.as_slice()],
        })
    });
    granted.collect()
}

/// Whether every pair of these selectors, of the asker's side and of the other, is granted by some child SA, as far
/// as it can be looked for: up to [`limits::SELECTOR_PAIRS`].
fn is_served(granted: &[[&[Selector]; 2]], wanted: [&[Selector]; 2]) -> bool {
    let [own, other] = wanted.map(selector::distinct);
    if own.len().saturating_mul(other.len()) > limits::SELECTOR_PAIRS {
        return false;
    }
    own.iter().all(|one| {
        other.iter().all(|two| {
            granted.iter().any(|[own, other]| {
                selector::is_within(&[*one], own) && selector::is_within(&[*two], other)
            })
        })
    })
}

/// A child SA whose selectors are known, and when it lived.
#[derive(Clone, Debug)]
pub struct Life {
    /// The child SA.
    pub child: ChildSaId,
    /// The message that granted it.
    pub at: Cite,
    /// When it ended, at the earliest that is known.
    pub until: Timestamp,
    /// Selectors of the side of each end of its tunnel.
    pub sides: [Vec<Selector>; 2],
}

/// The child SAs of a tunnel whose selectors are known.
pub fn lives(case: &Case<'_>) -> Vec<Life> {
    let mut found = Vec::new();
    if !case.model.opened_any {
        return found;
    }
    for ike_sa in &case.tunnel.ike_sas {
        let deleted = deletions(case.model, *ike_sa);
        for id in &case.model.ike_sas[*ike_sa].child_sas {
            if found.len() >= limits::CHILD_ATTEMPTS {
                break;
            }
            let child = &case.model.child_sas[*id];
            let granted = child.terms.as_ref().and_then(|terms| terms.granted.clone());
            let (Some([asker, answerer]), Some(made_by)) = (granted, child.made_by) else {
                continue;
            };
            let Some((at, from)) = granted_by(case.model, made_by) else {
                continue;
            };
            let last = child.seen.map_or(at.1, |seen| seen.last.1);
            let last = last.max(case.model.ike_sas[*ike_sa].seen.last.1);
            let ended = deleted
                .iter()
                .filter(|one| one.time >= at.1 && child.spis.contains(&Some(one.spi)))
                .map(|one| one.time)
                .min();
            let sides = match end_of(case.tunnel, from) {
                Some(0) => [answerer, asker],
                Some(_) => [asker, answerer],
                None => continue,
            };
            found.push(Life {
                child: *id,
                at,
                until: ended.unwrap_or(last),
                sides,
            });
        }
    }
    // One that another takes the place of ends there, whether its deletion was seen or not.
    for index in 0..found.len() {
        let Some((old, at)) = found.get(index).and_then(|life| {
            let old = case.model.child_sas[life.child].replaces?;
            Some((old, life.at.1))
        }) else {
            continue;
        };
        for life in found.iter_mut().filter(|life| life.child == old) {
            life.until = life.until.min(at);
        }
    }
    found
}

/// Where the answer that granted a child SA stands, and who gave it.
fn granted_by(model: &Model, exchange: ExchangeId) -> Option<(Cite, IpAddr)> {
    let answer = model.negotiation(exchange)?.answer?;
    Some((answer.at, answer.from))
}

/// The deletion of one direction of a child SA, as an opened message tells.
#[derive(Clone, Copy, Debug)]
pub struct Deletion {
    /// Its message.
    pub frame: FrameId,
    /// When it passed.
    pub time: Timestamp,
    /// Where it was recorded: times of two taps do not compare.
    pub vantage: Vantage,
    /// The SPI of packets towards who deletes.
    pub spi: EspSpi,
    /// Who deletes.
    pub by: IpAddr,
    /// Whether it was asked for and no answer is known of: who asks may keep the SA until the answer comes (RFC 7296
    /// section 1.4.1).
    pub open: bool,
}

/// The deletions of child SAs under an IKE SA.
pub fn deletions(model: &Model, ike_sa: IkeSaId) -> Vec<Deletion> {
    let mut found = Vec::new();
    if !model.opened_any {
        return found;
    }
    let exchanges = model.ike_sas[ike_sa].exchanges.iter();
    let exchanges = exchanges.map(|id| &model.exchanges[*id]);
    let flights = exchanges.flat_map(|exchange| {
        let flights = exchange.flights.iter();
        flights.map(move |flight| (exchange, flight))
    });
    for (exchange, flight) in flights {
        let Some(message) = super::first(model, flight) else {
            continue;
        };
        let deletes = model.deletes(flight);
        if deletes.is_empty() {
            continue;
        }
        // IKEv1 answers no Delete (RFC 2408 section 5.15).
        let asked = Asked::of(model, exchange).filter(|_| !flight.response);
        let open = asked.is_some_and(|asked| asked.fate != Fate::Answered);
        for deleted in deletes {
            if let Deleted::Child { spi, .. } = deleted {
                found.push(Deletion {
                    frame: message.frame,
                    time: message.time,
                    vantage: message.vantage,
                    spi,
                    by: message.path.from().address,
                    open,
                });
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::TunnelId;

    #[test]
    fn what_is_narrowed_again_alike_is_told_once() {
        let made = |id: u32, asked: &str, granted: &str| {
            format!(
                "{id}0 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id={id} request sealed 208 opened SA(ESP 0xa{id} ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128) Nonce {asked}
                 {id}0.1 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id={id} response sealed 208 opened SA(ESP 0xb{id} ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128) Nonce {granted}
                 "
            )
        };
        let (all, more) = (
            "TSi(10.1.0.0/16) TSr(10.2.0.0/16)",
            "TSi(10.1.0.0/16) TSr(10.0.0.0/8)",
        );
        let (part, other) = (
            "TSi(10.1.0.0/16) TSr(10.2.3.0/24)",
            "TSi(10.1.0.0/16) TSr(10.2.4.0/24)",
        );
        let count = |second: String| {
            let model = crate::testing::model(&(made(2, all, part) + &second));
            narrowings(&Case::of(&model, TunnelId(0))).len()
        };
        assert_eq!(count(made(3, all, part)), 1);
        assert_eq!(count(made(3, all, other)), 2);
        assert_eq!(count(made(3, more, part)), 2);
        assert_eq!(count(made(3, all, all)), 1);
    }
}
