//! Child SAs as opened messages tell of them: attempts, refusals with their reasons, what both sides
//! offer.

use super::offer::{self, Kind, Offer};
use super::{rekey, tap};
use crate::diagnose::Confidence;
use crate::diagnose::{Case, Cite, Finding, Rule, Severity};
use crate::language::Text;
use crate::limits;
use crate::model::{
    Exchange, ExchangeId, IkeSaId, Model, Negotiation, Role, Said, Selector, selector,
};
use crate::registry::{ExchangeType, IdType, NotifyType, NotifyV1, PayloadType};
use crate::say;
use crate::units::{Endpoint, Timestamp};
use crate::wire::{Body, ikev1, ikev2};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// An attempt at a child SA, or at the rekeying of an IKE SA, of which some message was opened.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// The IKE SA it ran under.
    pub ike_sa: IkeSaId,
    /// The exchange.
    pub exchange: ExchangeId,
    /// Its type.
    pub kind: ExchangeType,
    /// What was said.
    pub told: Negotiation,
    /// The traffic that was asked for, in a form that compares.
    traffic: Option<[Vec<Selector>; 2]>,
    /// Who began the IKE SA, if it was read by what name.
    client: Option<Client>,
}

/// Who began an IKE SA, of which several may share one address behind a NAT.
#[derive(Clone, Debug)]
struct Client {
    from: Endpoint,
    to: Endpoint,
    name: (IdType, Vec<u8>),
}

impl Client {
    fn of(model: &Model, ike_sa: IkeSaId) -> Option<Self> {
        /// The rounds of EAP name it first.
        const ROUNDS: usize = 4;
        let exchanges = model.ike_sas[ike_sa].exchanges.iter();
        let phase1 = exchanges
            .map(|id| &model.exchanges[*id])
            .filter(|exchange| {
                [
                    ExchangeType::IKE_AUTH,
                    ExchangeType::IDENTITY_PROTECTION,
                    ExchangeType::AGGRESSIVE,
                ]
                .contains(&exchange.kind)
            });
        let flights = phase1.take(ROUNDS).flat_map(|exchange| &exchange.flights);
        let mut own = flights.filter(|flight| flight.by == Role::Initiator);
        own.find_map(|flight| {
            let (message, read) = model.opened(flight)?;
            let name = read
                .payloads
                .iter()
                .find_map(|payload| match &payload.body {
                    Body::V2(ikev2::Body::Id(id)) if payload.kind == PayloadType::IDI => {
                        Some((id.id_type, id.data.to_vec()))
                    }
                    Body::V1(ikev1::Body::Id(id)) => Some((id.id_type, id.data.to_vec())),
                    _ => None,
                })?;
            Some(Self {
                from: message.path.from(),
                to: message.path.to(),
                name,
            })
        })
    }

    /// Whether it is known to be another: of another name and from another port or address. Where either side
    /// begins, the names are those of two sides.
    fn is_other(&self, other: &Self) -> bool {
        let swapped =
            self.from.address == other.to.address || self.to.address == other.from.address;
        !swapped && self.from != other.from && self.name != other.name
    }
}

/// A refusal that was read.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// What was refused.
    pub attempt: Attempt,
    /// The message that refuses.
    pub answer: Said,
    /// The number of the error.
    pub reason: u16,
    /// Whether it is of IKEv1.
    pub v1: bool,
}

/// The attempts of a tunnel in order of time, up to [`limits::CHILD_ATTEMPTS`]. All rounds of
/// `IKE_AUTH` are one.
pub fn attempts(case: &Case<'_>) -> Vec<Attempt> {
    let mut found = Vec::new();
    if !case.model.opened_any {
        return found;
    }
    for ike_sa in &case.tunnel.ike_sas {
        let exchanges = &case.model.ike_sas[*ike_sa].exchanges;
        let client = Client::of(case.model, *ike_sa);
        let last_auth = exchanges
            .iter()
            .rfind(|id| case.model.exchanges[**id].kind == ExchangeType::IKE_AUTH);
        for id in exchanges {
            let kind = case.model.exchanges[*id].kind;
            if kind == ExchangeType::IKE_AUTH && Some(id) != last_auth {
                continue;
            }
            if found.len() >= limits::CHILD_ATTEMPTS {
                break;
            }
            found.extend(case.model.negotiation(*id).map(|told| Attempt {
                ike_sa: *ike_sa,
                exchange: *id,
                kind,
                traffic: traffic(&told),
                client: client.clone(),
                told,
            }));
        }
    }
    found.sort_by_key(Attempt::time);
    found
}

fn traffic(told: &Negotiation) -> Option<[Vec<Selector>; 2]> {
    let asked = told.request.as_ref()?.selectors.as_ref()?;
    Some(asked.each_ref().map(|side| {
        let mut side = selector::distinct(side);
        side.sort_unstable();
        side
    }))
}

impl Attempt {
    /// When it was asked, or answered.
    pub fn time(&self) -> Option<Timestamp> {
        let first = self.told.request.as_ref().or(self.told.answer.as_ref());
        first.map(|said| said.at.1)
    }

    /// Whether it asks for the same traffic as another, as far as both are known, and not for another client.
    pub fn is_like(&self, other: &Self) -> bool {
        let clients = self.client.as_ref().zip(other.client.as_ref());
        if clients.is_some_and(|(one, two)| one.is_other(two)) {
            return false;
        }
        match (&self.traffic, &other.traffic) {
            _ if self.told.is_of_ike() != other.told.is_of_ike() => false,
            // Either side may have asked for it.
            (Some([a, b]), Some([c, d])) => a == c && b == d || a == d && b == c,
            _ => true,
        }
    }

    /// Whether who asks had been granted another attempt of its own before: it wants more than that, so only
    /// what the other side asked for can have crossed it.
    fn knew_of(&self, other: &Self, granted: Timestamp) -> bool {
        let asked = self.told.request.as_ref().zip(other.told.request.as_ref());
        asked.is_some_and(|(own, before)| own.from == before.from && granted <= own.at.1)
    }

    /// The algorithms of the request, by name.
    pub fn offer(&self, model: &Model) -> Option<Offer> {
        let exchange = &model.exchanges[self.exchange];
        if exchange.kind != ExchangeType::IKE_AUTH {
            return offer::of_child(model, exchange.request()?);
        }
        let rounds = model.auth_rounds(self.ike_sa);
        rounds
            .into_iter()
            .filter_map(Exchange::request)
            .find_map(|flight| offer::of_child(model, flight))
    }

    /// The algorithms that the answer chose, by name.
    pub fn choice(&self, model: &Model) -> Option<Offer> {
        offer::of_child(model, model.exchanges[self.exchange].response()?)
    }

    /// When it was granted, if it was: as the answer says, or its size where it was not opened.
    pub fn granted_at(&self, model: &Model) -> Option<Timestamp> {
        if let Some(answer) = &self.told.answer {
            return answer.has_sa.then_some(answer.at.1);
        }
        rekey::made_at(model, &model.exchanges[self.exchange])
    }
}

impl Refusal {
    /// The name of the error.
    pub fn name(&self) -> Text {
        reason(self.reason, self.v1)
    }

    /// The frame of the refusal.
    pub fn at(&self) -> Cite {
        self.answer.at
    }

    /// What was refused, in words.
    pub fn what(&self) -> Text {
        match self.attempt.kind {
            ExchangeType::IKE_AUTH => Text::verbatim("IKE_AUTH"),
            ExchangeType::QUICK_MODE => "quick mode".into(),
            _ => Text::verbatim("CREATE_CHILD_SA"),
        }
    }

    /// Whether a child SA, or an IKE SA, was to be rekeyed.
    pub fn is_rekeying(&self) -> bool {
        let request = self.attempt.told.request.as_ref();
        request.is_some_and(|request| request.rekeys.is_some()) || self.attempt.told.is_of_ike()
    }

    /// Who asked for it.
    pub fn asker(&self) -> IpAddr {
        self.answer.to
    }

    /// Whether it is for the moment, not about what was asked for: the peer is busy with the same SA, or makes no SA
    /// but by a new IKE SA (RFC 7296 sections 1.3, 2.25 and 4).
    pub fn is_passing(&self) -> bool {
        let passing = [
            NotifyType::TEMPORARY_FAILURE.0,
            NotifyType::NO_ADDITIONAL_SAS.0,
            NotifyType::CHILD_SA_NOT_FOUND.0,
        ];
        !self.v1 && passing.contains(&self.reason)
    }

    /// Whether a later grant of another attempt gives what was refused here. What a new IKE SA grants with `IKE_AUTH`
    /// needs no group of its own (RFC 7296 section 1.2) and takes the place of all that was: the next rekeying is
    /// refused again.
    fn is_mended_by(&self, other: &Attempt) -> bool {
        let beside = other.exchange != self.attempt.exchange && other.is_like(&self.attempt);
        let set_up_anew =
            other.kind == ExchangeType::IKE_AUTH && other.ike_sa != self.attempt.ike_sa;
        beside && (!set_up_anew || !self.is_rekeying() || self.is_passing())
    }

    /// The group that INVALID_KE_PAYLOAD asks for (RFC 7296 section 1.3).
    pub fn wanted_group(&self) -> Option<u16> {
        let told = self.answer.errors.iter();
        let mut told = told.filter(|told| told.kind == NotifyType::INVALID_KE_PAYLOAD.0);
        let data = told.next()?.data.as_slice().try_into().ok()?;
        (!self.v1).then(|| u16::from_be_bytes(data))
    }
}

/// The name of an error, or its number.
pub fn reason(kind: u16, v1: bool) -> Text {
    let name = match v1 {
        true => NotifyV1(kind).name(),
        false => NotifyType(kind).name(),
    };
    name.map_or_else(|| say!("error {kind}", kind), Text::verbatim)
}

/// The refusals among attempts, in order.
pub fn refusals(model: &Model, attempts: &[Attempt]) -> Vec<Refusal> {
    let of = |attempt: &Attempt| {
        let answer = attempt.told.refused()?;
        Some(Refusal {
            v1: model.ike_sas[attempt.ike_sa].version.major() == 1,
            reason: answer.errors.first()?.kind,
            answer: answer.clone(),
            attempt: attempt.clone(),
        })
    };
    attempts.iter().filter_map(of).collect()
}

/// Those refusals that no success for the same traffic followed soon. A success of which no message was
/// opened, as when the capture cut it, may be for any traffic.
pub fn lasting(model: &Model, attempts: &[Attempt]) -> Vec<Refusal> {
    let mut refusals = refusals(model, attempts);
    let unread: BTreeMap<IkeSaId, Vec<Timestamp>> = refusals
        .iter()
        .map(|refusal| refusal.attempt.ike_sa)
        .collect::<BTreeSet<_>>()
        .into_iter()
        .map(|ike_sa| (ike_sa, made_unread(model, ike_sa)))
        .collect();
    refusals.retain(|refusal| {
        let at = refusal.at().1;
        // These ask for another try; it may lie beyond the recording. IKE_AUTH is not tried again.
        let again = refusal.attempt.kind != ExchangeType::IKE_AUTH;
        let retried = [
            NotifyType::INVALID_KE_PAYLOAD.0,
            NotifyType::TEMPORARY_FAILURE.0,
        ];
        if !refusal.v1 && again && retried.contains(&refusal.reason) && !goes_on(model, refusal) {
            return false;
        }
        let exchange = &model.exchanges[refusal.attempt.exchange];
        if refusal.reason == NotifyType::TEMPORARY_FAILURE.0 && rekey::crosses(model, exchange, at)
        {
            return false;
        }
        let unread = unread.get(&refusal.attempt.ike_sa);
        let unread = unread.is_some_and(|times| rekey::is_near(times, at));
        let mut granted = granted_like(model, refusal, attempts);
        !unread
            && !granted.any(|(other, time)| {
                !refusal.attempt.knew_of(other, time) && rekey::is_near(&[time], at)
            })
    });
    refusals
}

/// When negotiations under an IKE SA made something, as far as their sizes tell, of which neither
/// message was opened; sorted.
fn made_unread(model: &Model, ike_sa: IkeSaId) -> Vec<Timestamp> {
    let exchanges = model.ike_sas[ike_sa].exchanges.iter();
    let exchanges = exchanges.map(|id| &model.exchanges[*id]);
    let unread = exchanges.filter(|exchange| {
        let mut flights = exchange.flights.iter();
        flights.all(|flight| model.opened(flight).is_none())
    });
    rekey::times_made(model, unread)
}

/// Whether the recording goes on for long enough after a refusal to show another try.
fn goes_on(model: &Model, refusal: &Refusal) -> bool {
    let response = model.exchanges[refusal.attempt.exchange].response();
    let message = response.and_then(|flight| super::first(model, flight));
    message.is_some_and(|message| {
        tap::went_on(model, message.vantage, message.time, tap::Tap::PATIENCE)
    })
}

/// Whether what was refused was granted at any time after it.
pub fn recovered(case: &Case<'_>, refusal: &Refusal) -> bool {
    granted_like(case.model, refusal, case.attempts()).any(|(_, time)| time > refusal.at().1)
}

fn granted_like<'a>(
    model: &'a Model,
    refusal: &'a Refusal,
    attempts: &'a [Attempt],
) -> impl Iterator<Item = (&'a Attempt, Timestamp)> + 'a {
    attempts
        .iter()
        .filter(|attempt| refusal.is_mended_by(attempt))
        .filter_map(|attempt| Some((attempt, attempt.granted_at(model)?)))
}

/// What is known of the proposals that an end takes.
#[derive(Clone, Debug)]
pub struct Known {
    /// The proposals.
    pub offer: Offer,
    /// The message that tells them.
    pub at: Cite,
    /// By what: `offers` or `accepted`.
    pub how: &'static str,
    /// Whether it was in `IKE_AUTH`, whose child SA has no key exchange of its own: that none is named
    /// tells nothing of whether one is wanted (RFC 7296 section 1.2).
    pub in_auth: bool,
}

/// What an end itself offers for child SAs, or accepted, apart from one attempt: what may be of another
/// configuration last, an offer, which tells all that it would take, before a choice, and of several the
/// one nearest in time.
pub fn known_of(model: &Model, attempts: &[Attempt], end: IpAddr, not: &Attempt) -> Option<Known> {
    let mut known = Vec::new();
    // The versions have names of their own.
    let version = |attempt: &Attempt| model.ike_sas[attempt.ike_sa].version.major();
    for attempt in attempts {
        let apart = attempt.exchange != not.exchange
            && !attempt.told.is_of_ike()
            && version(attempt) == version(not);
        if let Some(request) = attempt.told.request.as_ref().filter(|_| apart)
            && request.from == end
            && let Some(offer) = attempt.offer(model)
        {
            known.push(Known {
                offer,
                at: request.at,
                how: "offers",
                in_auth: attempt.kind == ExchangeType::IKE_AUTH,
            });
        }
        if let Some(answer) = attempt.told.answer.as_ref().filter(|_| apart)
            && answer.from == end
            && let Some(choice) = attempt.choice(model)
        {
            known.push(Known {
                offer: choice,
                at: answer.at,
                how: "accepted",
                in_auth: attempt.kind == ExchangeType::IKE_AUTH,
            });
        }
    }
    let time = not.time()?;
    known.into_iter().min_by_key(|one| {
        let apart = one.at.1.since(time).0.unsigned_abs();
        (
            apart > super::TOGETHER.0.unsigned_abs(),
            one.how != "offers",
            apart,
        )
    })
}

/// Whether two offers can agree on everything but the group of the key exchange.
pub fn agrees_but_for_group(ours: &Offer, theirs: &Offer) -> bool {
    ours.differs(theirs)
        .iter()
        .all(|(kind, ..)| *kind == Kind::KeyExchange)
}

/// A finding that cites every one of these refusals; `None` if there is none.
pub fn finding(
    rule: &'static Rule,
    confidence: Confidence,
    case: &Case<'_>,
    refusals: &[Refusal],
) -> Option<Finding> {
    let first = refusals.first()?;
    let mut finding = Finding::new(
        rule,
        confidence,
        case.id,
        first.at(),
        say!(
            "{what} refused by {error}",
            what = first.what(),
            error = first.name()
        ),
    );
    if let Some(request) = &first.attempt.told.request {
        finding = finding.also(request.at, "the request");
    }
    for refusal in refusals.iter().skip(1) {
        let note = say!("refused again: {error}", error = refusal.name());
        finding = finding.also(refusal.at(), note);
    }
    let last = refusals.last()?;
    if rule.severity == Severity::Error && recovered(case, last) {
        finding = finding.severity(Severity::Warning);
    }
    Some(finding)
}

/// `once`, `3 times`.
pub fn times(count: usize) -> Text {
    match count {
        1 => "once".into(),
        n => say!("{n} times", n),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::TunnelId;
    use crate::testing::model;

    /// `CREATE_CHILD_SA` of A with this number and these payloads; the answer comes at a time of its own.
    fn exchange(id: u32, asked: f64, payloads: &str, answered: f64, answer: &str) -> String {
        format!(
            "{asked} A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id={id} request sealed 208 opened {payloads}
             {answered} B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id={id} response sealed 208 opened {answer}
             "
        )
    }

    const CHILD: &str = "SA(ESP 0xa2 ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128) Nonce TSi(10.1.0.0/16) TSr(10.2.0.0/16)";
    const IKE: &str =
        "SA(IKE 7 ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce";
    const REFUSED: &str = "N(NO_PROPOSAL_CHOSEN)";

    /// Whether the first refusal of a conversation recovered.
    fn is_recovered(text: &str) -> bool {
        let model = model(text);
        let case = Case::of(&model, TunnelId(0));
        let refusals = refusals(&model, case.attempts());
        recovered(&case, refusals.first().unwrap())
    }

    #[test]
    fn what_the_asker_was_granted_before_mends_nothing() {
        let lasts = |granted: f64| {
            let text =
                exchange(2, 9.0, CHILD, granted, CHILD) + &exchange(3, 9.5, CHILD, 9.6, REFUSED);
            let model = model(&text);
            let case = Case::of(&model, TunnelId(0));
            !lasting(&model, case.attempts()).is_empty()
        };
        assert!(lasts(9.1));
        // It crossed what was refused.
        assert!(!lasts(9.55));
    }

    #[test]
    fn what_was_refused_recovers_by_what_is_granted_after_it() {
        let text = |granted| {
            exchange(2, 10.0, CHILD, 10.1, REFUSED) + &exchange(3, 10.05, CHILD, granted, CHILD)
        };
        assert!(is_recovered(&text(10.2)));
        assert!(!is_recovered(&text(10.1)), "they crossed");
    }

    #[test]
    fn a_new_ike_sa_mends_a_refused_rekeying_only_if_that_was_refused_for_the_moment() {
        let recovers = |refusal: &str| {
            is_recovered(&format!(
                "{0}11 A:500 > B:500 IKE_SA_INIT i=3 r=0 id=0 request SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce
                 11.1 B:500 > A:500 IKE_SA_INIT i=3 r=4 id=0 response SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce
                 11.2 A:500 > B:500 IKE_AUTH i=3 r=4 id=1 request sealed 256 opened {CHILD}
                 11.3 B:500 > A:500 IKE_AUTH i=3 r=4 id=1 response sealed 240 opened {CHILD}",
                exchange(2, 10.0, &format!("N(REKEY_SA ESP 0xa1) {CHILD}"), 10.1, refusal)
            ))
        };
        assert!(!recovers(REFUSED));
        assert!(recovers("N(NO_ADDITIONAL_SAS)"));
    }

    #[test]
    fn the_rekeying_of_an_ike_sa_does_not_recover_by_a_child_sa() {
        let text = |granted| {
            exchange(2, 10.0, IKE, 10.1, REFUSED) + &exchange(3, 20.0, granted, 20.1, granted)
        };
        assert!(is_recovered(&text(IKE)));
        assert!(!is_recovered(&text(CHILD)));
    }

    #[test]
    fn the_group_that_is_wanted_is_that_of_the_error_that_names_one() {
        let text = exchange(2, 10.0, CHILD, 10.1, "N(43) N(17 0014)");
        let model = model(&text);
        let case = Case::of(&model, TunnelId(0));
        let refusals = refusals(&model, case.attempts());
        assert_eq!(refusals.first().unwrap().wanted_group(), Some(20));
    }
}
