//! First attempts that a responder turned down by NO_PROPOSAL_CHOSEN, and whether the algorithms can be
//! the reason.

use super::clear::Notice;
use super::offer::{self, Offer};
use super::vendor_advice;
use crate::diagnose::{Case, Cite, Confidence};
use crate::language::Text;
use crate::model::exchange::begins_ike_sa;
use crate::model::{IkeSa, Model, Role};
use crate::registry::{ExchangeType, NotifyType, product};
use crate::say;
use std::net::IpAddr;

/// What one end of a tunnel turned down.
#[derive(Clone, Debug)]
pub struct TurnedDown<'m> {
    /// The attempts, in order, each with the refusal.
    pub attempts: Vec<(&'m IkeSa, &'m Notice)>,
    /// What shows that the algorithms are not the reason.
    pub proof: Option<Proof>,
}

impl<'m> TurnedDown<'m> {
    /// What this end turned down.
    pub fn by(case: &Case<'m>, responder: IpAddr) -> Self {
        let attempts = attempts(case, responder);
        let proof = proof(case, &attempts);
        Self { attempts, proof }
    }
}

/// How many other tunnels of the responder are looked at, before and after: a hub may have thousands.
const LOOKED_AT: usize = 16;

/// How many IKE SAs of each are looked at.
const TRIED: usize = 8;

/// Why the algorithms are not the reason of a refusal.
#[derive(Clone, Debug)]
pub enum Proof {
    /// An offer that agrees was accepted from another address, the very same offer or not.
    Accepted { from: IpAddr, at: Cite, same: bool },
    /// The very same offer was accepted earlier, from the same address.
    Before { at: Cite },
    /// The responder itself offers what agrees, to this address.
    Offers { to: IpAddr, at: Cite },
    /// strongSwan keeps its SPI when it finds no connection.
    Spi,
}

impl Proof {
    /// How sure it is.
    pub fn confidence(&self) -> Confidence {
        match self {
            Self::Accepted { same: false, .. } | Self::Before { .. } | Self::Offers { .. } => {
                Confidence::Possible
            }
            Self::Accepted { .. } | Self::Spi => Confidence::Likely,
        }
    }

    /// Whether somebody who has nothing to do with the responder may be refused like this.
    pub fn may_be_a_stranger(&self) -> bool {
        match self {
            Self::Accepted { same, .. } => !same,
            Self::Before { .. } => false,
            Self::Offers { .. } | Self::Spi => true,
        }
    }

    /// It in a sentence.
    pub fn says(&self, initiator: IpAddr, responder: IpAddr) -> Text {
        match self {
            Self::Accepted {
                from, same: true, ..
            } => say!("It accepted the very same offer from {from}.", from),
            Self::Accepted { from, .. } => {
                say!(
                    "It accepted an offer that agrees with it from {from}.",
                    from
                )
            }
            Self::Before { .. } => say!(
                "It accepted the very same offer of {initiator} before.",
                initiator
            ),
            Self::Offers { to, .. } => say!(
                "{responder} itself offers to {to} what agrees with it.",
                responder,
                to
            ),
            Self::Spi => say!(
                "{responder} is strongSwan, and its refusal bears its SPI: it keeps it when it finds no \
                 connection, and sets it to zero when it dislikes the algorithms.",
                responder
            ),
        }
    }

    /// Where it is seen, if at one place.
    pub fn cite(&self) -> Option<(Cite, Text)> {
        match self {
            Self::Accepted { from, at, .. } => Some((*at, say!("accepted from {from}", from))),
            Self::Before { at } => Some((*at, "accepted before".into())),
            Self::Offers { to, at } => Some((*at, say!("its own offer to {to}", to))),
            Self::Spi => None,
        }
    }
}

/// What shows that the algorithms are not the reason of these refusals of one responder.
fn proof(case: &Case<'_>, refused: &[(&IkeSa, &Notice)]) -> Option<Proof> {
    let (sa, notice) = *refused.first()?;
    let (ours, at) = offer::offered(case.model, sa)?;
    let responder = sa.paths.first()?.to.address;
    // Several values of one kind are a reason of their own.
    let plain = ours.is_plain();
    // The first that is looked at nearly always tells.
    let beside = case
        .model
        .tunnels_beside(case.id, responder, LOOKED_AT)
        .flat_map(|other| case.model.tunnels[other].ike_sas.iter().take(TRIED))
        .map(|id| &case.model.ike_sas[*id])
        .filter(|other| other.version.major() == sa.version.major());
    // What it accepted of this initiator shows that it had a connection for it, whoever else has one.
    let before = offer::accepted_before(case, sa, at);
    let before = before.filter(|before| before.offer.0 == ours);
    before
        .map(|before| Proof::Before {
            at: before.choice.1,
        })
        .or_else(|| accepted_elsewhere(case.model, beside.clone(), responder, &ours, plain))
        .or_else(|| {
            let mut offers = beside.filter_map(|other| {
                // Addresses are at hand, offers have to be read.
                let path = other.paths.first();
                let path = path.filter(|path| plain && path.from.address == responder)?;
                let (offer, at) = offer::offered(case.model, other)?;
                offer.meets(&ours).then_some(Proof::Offers {
                    to: path.to.address,
                    at,
                })
            });
            offers.next()
        })
        .or_else(|| {
            // Who accepts offers of this initiator, or calls it, has a connection for it.
            let known = || offer::all_known(case, responder, sa).next().is_some();
            (keeps_spi(case, responder, notice) && !known()).then_some(Proof::Spi)
        })
}

fn accepted_elsewhere<'m>(
    model: &Model,
    beside: impl Iterator<Item = &'m IkeSa>,
    responder: IpAddr,
    ours: &Offer,
    plain: bool,
) -> Option<Proof> {
    let mut fits = None;
    for other in beside {
        // Addresses are at hand, offers have to be read, and choices only where they can tell.
        let path = other.paths.first();
        let Some(path) = path.filter(|path| path.to.address == responder) else {
            continue;
        };
        let same = offer::offered(model, other).map(|(offer, _)| offer == *ours);
        let Some(same) = same.filter(|same| *same || (plain && fits.is_none())) else {
            continue;
        };
        let Some((choice, at)) = offer::accepted(model, other) else {
            continue;
        };
        let from = path.from.address;
        if same {
            return Some(Proof::Accepted { from, at, same });
        }
        if choice.meets(ours) {
            fits = Some(Proof::Accepted { from, at, same });
        }
    }
    fits
}

/// Whether the responder is strongSwan and its refusal bears its SPI.
fn keeps_spi(case: &Case<'_>, responder: IpAddr, notice: &Notice) -> bool {
    let products = vendor_advice::products(case, responder);
    let known = matches!(products.as_slice(), [only] if only.name == product::STRONGSWAN);
    let bears = case.model.exchanges[notice.exchange]
        .response()
        .and_then(|flight| super::first(case.model, flight))
        .is_some_and(|message| !message.header.spis.responder.is_zero());
    known && bears && !notice.v1
}

/// The first attempts that a responder refused by NO_PROPOSAL_CHOSEN in clear, in order.
fn attempts<'m>(case: &Case<'m>, responder: IpAddr) -> Vec<(&'m IkeSa, &'m Notice)> {
    let mut refused = Vec::new();
    for id in &case.tunnel.ike_sas {
        let sa = &case.model.ike_sas[*id];
        let went_on = sa.state.was_up();
        let notice = sa
            .notices
            .iter()
            .filter(|notice| notice.by == Role::Responder && !went_on)
            .find(|notice| notice.kind == NotifyType::NO_PROPOSAL_CHOSEN.0 && is_first(notice));
        // Who has chosen one of these proposals refuses something else.
        let chose = || offer::accepted(case.model, sa);
        let notice = notice.filter(|notice| notice.from == responder);
        if let Some(notice) = notice.filter(|notice| !notice.v1 || chose().is_none()) {
            refused.push((sa, notice));
        }
    }
    refused
}

/// A refusal of phase 1 or `IKE_SA_INIT`, not one that answers something later in clear.
fn is_first(notice: &Notice) -> bool {
    let kind = notice.exchange_kind;
    begins_ike_sa(kind) || kind == ExchangeType::INFORMATIONAL_V1
}
