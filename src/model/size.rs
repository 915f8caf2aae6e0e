//! What sizes tell of sealed messages, and what messages that were opened say themselves.
//!
//! The suite of an IKE SA is negotiated in clear and fixes what sealing adds, so the length of a
//! message tells the length of its plaintext to within the padding. In IKEv2 (RFC 7296 section
//! 3.14):
//!
//! ```text
//! length = 28 (header) + 4 (SK) + IV + plaintext + padding + 1 (Pad Length) + checksum
//! ```
//!
//! An SKF payload adds 4 to each fragment (RFC 7383 section 2.5). Padding is the sender's choice:
//! ciphers with a block fill it up, the others add none, or up to 3 octets to end on a multiple of
//! four. IKEv1 (RFC 2409 appendix B) pads the plaintext to the block and adds nothing else; some
//! senders add a whole block when it was full.

use super::{Deleted, Exchange, Flight, IkeSaId, IkeSuite, Model, Plain, Role, negotiation};
use crate::limits;
use crate::registry::{ExchangeType, NotifyV1, PayloadType, transform};
use crate::units::{Span, Timestamp};
use crate::wire::{Body, Message, ikev2};
use std::ops::RangeInclusive;

/// What sealing adds to a plaintext.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Envelope {
    /// Octets of IV in each message.
    pub iv: usize,
    /// Block that is filled up by padding; 1 if there is none.
    pub block: usize,
    /// Octets of integrity checksum.
    pub icv: usize,
}

impl Envelope {
    /// The envelopes of the suites in use, for IKE SAs whose negotiation was not seen:
    /// AEAD and counter modes, 3DES, AES-CBC with each HMAC.
    pub const PLAUSIBLE: [Self; 9] = [
        Self::new(8, 1, 16),
        Self::new(8, 1, 12),
        Self::new(8, 1, 8),
        Self::new(8, 8, 12),
        Self::new(8, 8, 16),
        Self::new(16, 16, 12),
        Self::new(16, 16, 16),
        Self::new(16, 16, 24),
        Self::new(16, 16, 32),
    ];

    const fn new(iv: usize, block: usize, icv: usize) -> Self {
        Self { iv, block, icv }
    }

    /// The envelope of a suite of IKEv2; `None` if it names an algorithm we do not know.
    pub fn of(suite: &IkeSuite) -> Option<Self> {
        let cipher = suite.cipher()?;
        let icv = match suite.integrity {
            _ if cipher.aead => u16::from(cipher.icv),
            None => return None,
            Some(id) => transform::integrity(id)?.octets,
        };
        Some(Self {
            iv: usize::from(cipher.iv),
            block: usize::from(cipher.block.max(1)),
            icv: usize::from(icv),
        })
    }

    /// Octets of plaintext in an IKEv2 message of `length` octets, or in one fragment of it;
    /// `None` if no plaintext gives that length.
    pub fn plaintext(self, length: usize, fragment: bool) -> Option<RangeInclusive<usize>> {
        let around = 28 + 4 + if fragment { 4 } else { 0 } + self.iv + self.icv;
        let padded = length.checked_sub(around)?;
        let longest = padded.checked_sub(1)?;
        if !padded.is_multiple_of(self.block) {
            return None;
        }
        let padding = if self.block == 1 { 3 } else { self.block - 1 };
        Some(longest.saturating_sub(padding)..=longest)
    }
}

/// How authentication ended, by what the last `IKE_AUTH` response holds, or as far as its size tells.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum AuthOutcome {
    /// No `IKE_AUTH` exchange was seen (IKEv1: main mode did not reach message 5, aggressive mode
    /// was not answered).
    NotSeen,
    /// The last request was not answered.
    Unanswered,
    /// Too small for an AUTH payload: a notify. The peer refused, or failed. IKEv1: an
    /// informational message stands where the last message should.
    Refused,
    /// More than a refusal, and no room for SA and Traffic Selectors beside IDr and AUTH: the IKE SA
    /// is up, the child SA was refused. IKEv1: phase 1 is complete, which never makes a child SA.
    AuthOnly,
    /// Room for IDr, AUTH, SA and Traffic Selectors: a child SA was made.
    Full,
    /// Whoever answered has said neither that it believes the other nor that it does not: EAP goes on, the
    /// answer came in clear, or it refuses the child SA and holds no proof.
    Unfinished,
    /// Several of these fit: certificates hide the difference, or the message is not whole.
    Unclear,
}

/// How a `CREATE_CHILD_SA` exchange ended, by what its response holds, or as far as its size tells.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ChildOutcome {
    /// No response was seen.
    Unanswered,
    /// Too small for an SA: a notify. IKEv1: an informational message instead of quick mode 2.
    Refused,
    /// Room for an SA: a child SA was made or an IKE SA was rekeyed.
    Made,
    /// Either may fit.
    Unclear,
}

/// What an informational message holds if it was opened, or may hold by its size.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum InformationalClass {
    /// IKEv2: nothing. A liveness check, or the answer to anything.
    Empty,
    /// Delete of the IKE SA; by size, in IKEv2, or a notify without data: one payload of 8 octets.
    DeleteIkeSa,
    /// One payload with one SPI: Delete of one child SA, or a notify about one.
    DeleteChild,
    /// IKEv1: a DPD notify, or Delete of the ISAKMP SA. The former is answered alike.
    Dpd,
    /// Several of these fit: block padding hides the difference.
    Small,
    /// More than these.
    Large,
}

/// Smallest SA and Traffic Selector payloads of a child SA: 4 + 8 + 4 (SPI) + 12 (cipher with key
/// length) + 8 (ESN), and twice 8 + 16 for one IPv4 selector (RFC 7296 sections 3.3 and 3.13).
const CHILD_SMALLEST: usize = 36 + 2 * 24;

/// Smallest nonce payload: 4 + 16 (RFC 7296 section 2.10).
const NONCE_SMALLEST: usize = 20;

/// Smallest IDr payload that is in use: 8 + 1.
const ID_SMALLEST: usize = 9;

/// Largest plaintext of a refusal: three notifications without data. One is the rule.
const REFUSAL_LARGEST: usize = 3 * 8;

/// Plaintexts above this hold certificates or signatures: an identity of 255 octets, an AUTH of 72
/// and an SA with selectors fit below.
pub(crate) const CERTIFICATES: usize = 600;

impl Model {
    /// Octets of plaintext in a sealed message, fragments summed; `None` if it is not whole, or not
    /// sealed by the suite of its IKE SA. With an unknown suite, all that plausible suites give.
    pub fn plaintext_range(
        &self,
        ike_sa: IkeSaId,
        flight: &Flight,
    ) -> Option<RangeInclusive<usize>> {
        let message = &self.messages[flight.message()?];
        if !flight.is_whole() || !message.plain.is_encrypted() {
            return None;
        }
        let lengths = flight
            .parts
            .iter()
            .map(|id| self.messages[*id].header.length as usize);
        if self.ike_sas[ike_sa].version.major() == 1 {
            let length = message.length().checked_sub(28)?;
            let block = self.suite_in_use(ike_sa).and_then(IkeSuite::cipher);
            let block = block.map_or(16, |cipher| usize::from(cipher.block.max(1)));
            return Some(length.saturating_sub(block)..=length);
        }
        let fragment = flight.fragments.is_some();
        let under = |envelope: Envelope| {
            lengths
                .clone()
                .try_fold(0..=0, |sum: RangeInclusive<usize>, length| {
                    let more = envelope.plaintext(length, fragment)?;
                    Some(sum.start() + more.start()..=sum.end() + more.end())
                })
        };
        match self.suite_in_use(ike_sa).and_then(Envelope::of) {
            Some(envelope) => under(envelope),
            None => Envelope::PLAUSIBLE
                .into_iter()
                .filter_map(under)
                .reduce(|a, b| *a.start().min(b.start())..=*a.end().max(b.end())),
        }
    }

    /// The suite of an IKE SA; if it was made by rekeying, which is sealed, that of the IKE SA
    /// before it: peers rarely change it.
    pub fn suite_in_use(&self, ike_sa: IkeSaId) -> Option<&IkeSuite> {
        std::iter::successors(Some(ike_sa), |id| self.ike_sas[*id].replaces)
            .take(limits::REKEY_GENERATIONS)
            .find_map(|id| self.ike_sas[id].suite.as_ref())
    }

    /// How authentication of an IKE SA ended: what [`IkeSa::auth`](super::IkeSa::auth) keeps.
    pub(crate) fn auth_outcome(&self, ike_sa: IkeSaId) -> AuthOutcome {
        if self.ike_sas[ike_sa].version.major() == 1 {
            return self.v1_auth_outcome(ike_sa);
        }
        let exchanges = self.ike_sas[ike_sa].exchanges.iter();
        let rounds = exchanges
            .map(|id| &self.exchanges[*id])
            .filter(|exchange| exchange.kind == ExchangeType::IKE_AUTH);
        let Some(last) = rounds.clone().max_by_key(|exchange| exchange.message_id) else {
            return AuthOutcome::NotSeen;
        };
        let Some(response) = last.response() else {
            return AuthOutcome::Unanswered;
        };
        if let Some((_, read)) = self.opened(response) {
            return match auth_outcome(&read) {
                // What comes later shows that the recording lacks the end.
                AuthOutcome::Unfinished if self.goes_on_after_auth(ike_sa) => AuthOutcome::Unclear,
                outcome => outcome,
            };
        }
        let first = response.message().map(|id| &self.messages[id]);
        // An error in clear proves nothing, and success least of all (RFC 7296 section 2.21.2).
        if let Some(message) = first.filter(|message| message.plain == Plain::Clear)
            && refuses(&message.read())
            && !self.goes_on_after_auth(ike_sa)
        {
            return AuthOutcome::Unfinished;
        }
        let Some(plaintext) = self.plaintext_range(ike_sa, response) else {
            return AuthOutcome::Unclear;
        };
        // In the last round of EAP, IDr has gone before (RFC 7296 section 2.16).
        let eap = rounds.count() > 1;
        let auth = self.auth_payload_smallest(ike_sa);
        let smallest = if eap { auth } else { ID_SMALLEST + auth };
        let with_child = smallest + CHILD_SMALLEST;
        // Block padding may hide that AUTH does not fit; nobody refuses at such length.
        let proves = *plaintext.start() > REFUSAL_LARGEST && !eap;
        let cut_off = || self.may_ask_on(ike_sa, response) && !self.was_waited_for(response);
        match () {
            () if *plaintext.end() < smallest && cut_off() => AuthOutcome::Unfinished,
            () if *plaintext.end() < smallest => AuthOutcome::Refused,
            () if *plaintext.start() > CERTIFICATES => AuthOutcome::Unclear,
            () if *plaintext.start() >= with_child => AuthOutcome::Full,
            () if *plaintext.end() < with_child && proves => AuthOutcome::AuthOnly,
            // A round of EAP may be as long as AUTH alone.
            () if eap
                && *plaintext.end() < with_child
                && self.lacks_eap_success(ike_sa, last)
                && self.is_given_up(ike_sa, response) =>
            {
                AuthOutcome::Unfinished
            }
            () => AuthOutcome::Unclear,
        }
    }

    /// Whether what the responder said before its last answer was too large for the Success that ends EAP before the
    /// proofs are exchanged (RFC 7296 section 2.16): then that was a round of EAP as well.
    fn lacks_eap_success(&self, ike_sa: IkeSaId, last: &Exchange) -> bool {
        /// A header, and Success, which has no type (RFC 3748 section 4.2), and what some notify beside it.
        const EAP_SUCCESS: usize = 4 + 4 + 8;
        let before = self.auth_rounds(ike_sa).into_iter();
        let before = before
            .filter(|exchange| exchange.message_id.saturating_add(1) == last.message_id)
            .find_map(Exchange::response);
        before
            .and_then(|response| self.plaintext_range(ike_sa, response))
            .is_some_and(|size| *size.start() > EAP_SUCCESS)
    }

    /// Whether the initiator answers at once, as a program does and nobody else, with what is no further round of
    /// authentication but a single informational request, and nothing follows: it gives the IKE SA up (RFC 7296
    /// section 2.21.2).
    fn is_given_up(&self, ike_sa: IkeSaId, response: &Flight) -> bool {
        const AT_ONCE: Span = Span::from_millis(500);
        let exchanges = self.ike_sas[ike_sa].exchanges.iter();
        let others = exchanges.map(|id| &self.exchanges[*id]).filter(|exchange| {
            !matches!(
                exchange.kind,
                ExchangeType::IKE_SA_INIT | ExchangeType::IKE_INTERMEDIATE | ExchangeType::IKE_AUTH
            )
        });
        let [only] = others.take(2).collect::<Vec<_>>()[..] else {
            return false;
        };
        let time = |flight: &Flight| Some(self.messages[flight.first()?].time);
        let waited = only
            .request()
            .and_then(time)
            .zip(time(response))
            .map(|(asked, answered)| asked.since(answered));
        only.kind == ExchangeType::INFORMATIONAL
            && only.by == Role::Initiator
            && waited.is_some_and(|waited| waited >= Span::default() && waited <= AT_ONCE)
    }

    /// Whether a small response may be a round of EAP that the initiator has yet to answer: EAP alone, of
    /// which Success is as small as a notification, or a request with IDr before it where EAP alone
    /// authenticates (RFC 5998 section 3).
    pub fn may_ask_on(&self, ike_sa: IkeSaId, response: &Flight) -> bool {
        /// A header, and a request of EAP with nothing but a type (RFC 3748 section 4.1).
        const EAP_REQUEST: usize = 4 + 5;
        /// A header, and Success, which has no type (RFC 3748 section 4.2).
        const EAP_SUCCESS: usize = 4 + 4;
        let smallest = match self.auth_rounds(ike_sa).len() {
            0 | 1 => ID_SMALLEST + EAP_REQUEST,
            _ => EAP_SUCCESS,
        };
        let size = self.plaintext_range(ike_sa, response);
        size.is_none_or(|size| *size.end() >= smallest)
    }

    /// Whether the recording goes on for longer after a message than the other side takes to answer it.
    fn was_waited_for(&self, flight: &Flight) -> bool {
        /// Longer than any path's round trip.
        const PATIENCE: Span = Span::from_secs(3);
        flight.first().is_none_or(|id| {
            let message = &self.messages[id];
            let end = self.recording(message.vantage).map(|(_, last)| last);
            end.is_none_or(|end| end.since(message.time) >= PATIENCE)
        })
    }

    /// Whether something came under an IKE SA that comes after authentication alone: a request for a child
    /// SA, or one of the responder, which waits until it knows the initiator.
    fn goes_on_after_auth(&self, ike_sa: IkeSaId) -> bool {
        let exchanges = self.ike_sas[ike_sa].exchanges.iter();
        exchanges.map(|id| &self.exchanges[*id]).any(|exchange| {
            exchange.kind == ExchangeType::CREATE_CHILD_SA
                || exchange.kind == ExchangeType::INFORMATIONAL && exchange.by == Role::Responder
        })
    }

    /// Whether an `IKE_AUTH` message has no room for SA and Traffic Selectors beside an identity and
    /// AUTH: then it asks for no child SA (RFC 6023), or grants none.
    pub fn is_childless(&self, ike_sa: IkeSaId, flight: &Flight) -> bool {
        if let Some((_, read)) = self.opened(flight) {
            return read.sa().is_none();
        }
        let with_child = ID_SMALLEST + self.auth_payload_smallest(ike_sa) + CHILD_SMALLEST;
        self.plaintext_range(ike_sa, flight)
            .is_some_and(|plaintext| *plaintext.end() < with_child)
    }

    /// AUTH is 8 octets and the output of the PRF with a shared secret or EAP, and more with a
    /// signature (RFC 7296 sections 2.15 and 3.8).
    pub fn auth_payload_smallest(&self, ike_sa: IkeSaId) -> usize {
        let prf = self.suite_in_use(ike_sa).and_then(|suite| suite.prf);
        let prf = prf.and_then(transform::prf);
        8 + prf.map_or(16, |row| usize::from(row.octets))
    }

    /// IKEv1: main mode is done with message 6, aggressive mode with message 3 (RFC 2409 section 5).
    fn v1_auth_outcome(&self, ike_sa: IkeSaId) -> AuthOutcome {
        let exchanges = || {
            let ids = self.ike_sas[ike_sa].exchanges.iter();
            ids.map(|id| &self.exchanges[*id])
        };
        let phase1 = exchanges().find(|exchange| {
            [ExchangeType::IDENTITY_PROTECTION, ExchangeType::AGGRESSIVE].contains(&exchange.kind)
        });
        let Some(phase1) = phase1 else {
            return AuthOutcome::NotSeen;
        };
        let sealed = |flight: &&Flight| {
            let message = flight.message().map(|id| &self.messages[id]);
            message.is_some_and(|message| message.plain.is_encrypted())
        };
        let mut flights = phase1.flights.iter();
        let (proves, done) = match phase1.kind {
            ExchangeType::AGGRESSIVE => {
                let answer = flights.find(|flight| flight.by == Role::Responder);
                (answer, flights.any(|flight| flight.by == Role::Initiator))
            }
            // Either of messages 5 and 6 may have been lost to the capture.
            _ => (
                phase1.flights.iter().find(sealed),
                flights
                    .filter(sealed)
                    .any(|flight| flight.by == Role::Responder),
            ),
        };
        let Some(proves) = proves.and_then(Flight::first) else {
            return AuthOutcome::NotSeen;
        };
        let since = self.messages[proves].time;
        let refused = exchanges().any(|exchange| {
            exchange.kind == ExchangeType::INFORMATIONAL_V1
                && self.began(exchange).is_some_and(|began| began >= since)
                && self.may_report(exchange, |read| {
                    refuses(read) && !negotiation::is_of_phase_2(read)
                })
        });
        match (done, refused) {
            (true, _) if self.misses_message_3(phase1) => AuthOutcome::Unanswered,
            (true, _) => AuthOutcome::AuthOnly,
            (false, true) => AuthOutcome::Refused,
            (false, false) => AuthOutcome::Unanswered,
        }
    }

    /// Whether message 3 of aggressive mode does not seem to reach the responder. Nothing answers it (RFC 2409
    /// section 5.4), but whoever has it goes on, and neither message 2 nor 3 is sent again.
    pub(crate) fn misses_message_3(&self, exchange: &Exchange) -> bool {
        /// A copy that is sent this soon may have crossed it.
        const CROSSED: Span = Span::from_secs(1);
        let [one, two, three] = &*exchange.flights else {
            return false;
        };
        let of = |flight: &Flight| flight.first().map(|id| &self.messages[id]);
        let (Some(first), Some(last)) = (of(one), of(three)) else {
            return false;
        };
        let whole = exchange.kind == ExchangeType::AGGRESSIVE
            && first.header.spis.responder.is_zero()
            && [one.by, two.by, three.by] == [Role::Initiator, Role::Responder, Role::Initiator];
        let mut copies = two.again.iter().chain(&three.again);
        let crossed = last.time.later(CROSSED);
        if !whole || !copies.any(|copy| self.messages[*copy].time > crossed) {
            return false;
        }
        let exchanges = self.ike_sas[exchange.ike_sa].exchanges.iter();
        let others = exchanges.map(|id| &self.exchanges[*id]);
        let mut others = others.filter(|other| other.kind != ExchangeType::AGGRESSIVE);
        !others.any(|other| {
            other
                .flights
                .iter()
                .any(|flight| flight.by == Role::Responder)
        })
    }

    /// IKEv1: quick mode is answered by its message 2, or refused by an informational message of
    /// the other side that follows at once.
    fn quick_outcome(&self, exchange: &Exchange) -> ChildOutcome {
        match (exchange.response(), self.quick_refusal(exchange)) {
            (Some(_), _) => ChildOutcome::Made,
            (None, Some(_)) => ChildOutcome::Refused,
            (None, None) => ChildOutcome::Unanswered,
        }
    }

    /// IKEv1: the informational exchange that refuses message 1 of a quick mode: of the other side,
    /// and at once. One that was opened reports an error.
    pub fn quick_refusal(&self, exchange: &Exchange) -> Option<&Exchange> {
        /// Longest round trip that is waited for.
        const AT_ONCE: Span = Span::from_secs(2);
        let copies = exchange.flights.iter().flat_map(|flight| {
            let copies = flight.parts.iter().chain(&flight.again);
            copies.map(|id| self.messages[*id].time)
        });
        let (first, last) = (copies.clone().min()?, copies.max()?);
        let siblings = &self.ike_sas[exchange.ike_sa].exchanges;
        let after = siblings.partition_point(|id| {
            self.began(&self.exchanges[*id])
                .is_some_and(|began| began <= first)
        });
        siblings
            .iter()
            .skip(after)
            .take(limits::QUICK_MODE_NEXT)
            .map(|id| &self.exchanges[*id])
            .find(|other| {
                let class = other
                    .flights
                    .first()
                    .and_then(|flight| self.informational_class(exchange.ike_sa, flight));
                other.kind == ExchangeType::INFORMATIONAL_V1
                    && other.by != exchange.by
                    && class != Some(InformationalClass::Dpd)
                    && self.may_report(other, refuses)
                    && self
                        .began(other)
                        .is_some_and(|began| began.since(last) <= AT_ONCE)
            })
    }

    /// Whether the first message of an informational exchange is such a report, as far as it can be read.
    fn may_report(&self, exchange: &Exchange, is: impl Fn(&Message<'_>) -> bool) -> bool {
        let first = exchange.flights.first();
        let read = first.and_then(|flight| self.opened(flight));
        read.is_none_or(|(_, read)| is(&read))
    }

    /// When the first message of an exchange was seen.
    fn began(&self, exchange: &Exchange) -> Option<Timestamp> {
        let first = exchange.flights.first().and_then(Flight::first)?;
        Some(self.messages[first].time)
    }

    /// How a `CREATE_CHILD_SA` or quick mode exchange ended.
    pub fn child_outcome(&self, exchange: &Exchange) -> ChildOutcome {
        if exchange.kind == ExchangeType::QUICK_MODE {
            return self.quick_outcome(exchange);
        }
        let Some(response) = exchange.response() else {
            return ChildOutcome::Unanswered;
        };
        if let Some((_, read)) = self.opened(response) {
            return match read.sa() {
                Some(_) => ChildOutcome::Made,
                None => ChildOutcome::Refused,
            };
        }
        let Some(plaintext) = self.plaintext_range(exchange.ike_sa, response) else {
            return ChildOutcome::Unclear;
        };
        let smallest = CHILD_SMALLEST + NONCE_SMALLEST;
        match () {
            () if *plaintext.end() < smallest => ChildOutcome::Refused,
            () if *plaintext.start() >= smallest => ChildOutcome::Made,
            () => ChildOutcome::Unclear,
        }
    }

    /// What an informational message may hold; `None` if it travels in clear, or is not whole.
    pub fn informational_class(
        &self,
        ike_sa: IkeSaId,
        flight: &Flight,
    ) -> Option<InformationalClass> {
        if let Some((_, read)) = self.opened(flight) {
            return Some(informational_class(&read));
        }
        let plaintext = self.plaintext_range(ike_sa, flight)?;
        let classes: &[(usize, InformationalClass)] = match self.ike_sas[ike_sa].version.major() {
            1 => &self.v1_classes(ike_sa),
            _ => &[
                (0, InformationalClass::Empty),
                (8, InformationalClass::DeleteIkeSa),
                (10, InformationalClass::DeleteIkeSa),
                (12, InformationalClass::DeleteChild),
            ],
        };
        let mut fits = classes
            .iter()
            .filter(|(size, _)| plaintext.contains(size))
            .map(|(_, class)| *class);
        let Some(first) = fits.next() else {
            return Some(InformationalClass::Large);
        };
        Some(match fits.all(|class| class == first) {
            true => first,
            false => InformationalClass::Small,
        })
    }

    /// Whether a sealed informational message of IKEv1 may be a liveness check by its size: a notify with the cookies
    /// for SPI and a number of four octets (RFC 3706 section 5.4). A Delete is shorter.
    pub(crate) fn may_be_r_u_there(&self, ike_sa: IkeSaId, flight: &Flight) -> bool {
        let plaintext = self.plaintext_range(ike_sa, flight);
        plaintext.is_none_or(|octets| octets.contains(&(self.v1_hash(ike_sa) + 12 + 16 + 4)))
    }

    /// Octets of the payload HASH of IKEv1 (RFC 2408 section 3.11).
    fn v1_hash(&self, ike_sa: IkeSaId) -> usize {
        let prf = self.suite_in_use(ike_sa).and_then(|suite| suite.prf);
        let prf = prf.and_then(transform::prf);
        4 + prf.map_or(20, |row| usize::from(row.octets))
    }

    /// Plaintexts of IKEv1: HASH (4 and the hash), then a Delete or a notify: 12, SPI, data
    /// (RFC 2408 sections 3.14 and 3.15, RFC 3706 section 5.4).
    fn v1_classes(&self, ike_sa: IkeSaId) -> [(usize, InformationalClass); 4] {
        let hash = self.v1_hash(ike_sa);
        [
            (hash + 12, InformationalClass::DeleteChild),
            (hash + 12 + 4, InformationalClass::DeleteChild),
            (hash + 12 + 16, InformationalClass::Dpd),
            (hash + 12 + 16 + 4, InformationalClass::Dpd),
        ]
    }
}

/// How authentication ended, by an `IKE_AUTH` response that was opened.
fn auth_outcome(read: &Message<'_>) -> AuthOutcome {
    let eap = read
        .payloads
        .iter()
        .find_map(|payload| match &payload.body {
            Body::V2(ikev2::Body::Eap(eap)) => Some(eap.code),
            _ => None,
        });
    let proves = read.payload(PayloadType::AUTH).is_some();
    let errors = negotiation::errors(read);
    match (proves, read.sa()) {
        _ if eap == Some(ikev2::Eap::FAILURE) => AuthOutcome::Refused,
        (true, Some(_)) => AuthOutcome::Full,
        // In the midst of EAP the responder proves itself first, or says nothing but EAP.
        _ if eap.is_some() => AuthOutcome::Unfinished,
        (true, None) => AuthOutcome::AuthOnly,
        (false, _) if errors.is_empty() => AuthOutcome::Unclear,
        // Some refuse a child SA without a proof of their own.
        (false, _)
            if errors
                .iter()
                .all(|told| negotiation::is_of_child(told.kind)) =>
        {
            AuthOutcome::Unfinished
        }
        (false, _) => AuthOutcome::Refused,
    }
}

/// Whether a message that was read reports an error.
fn refuses(read: &Message<'_>) -> bool {
    !negotiation::errors(read).is_empty()
}

/// What an informational message is, by what it holds.
fn informational_class(read: &Message<'_>) -> InformationalClass {
    let deleted = negotiation::deletes(read);
    let liveness = |kind| [NotifyV1::R_U_THERE, NotifyV1::R_U_THERE_ACK].contains(&kind);
    // The HASH of IKEv1 stands before all.
    let holds = |payload: &crate::wire::Payload<'_>| {
        ![PayloadType::HASH_V1, PayloadType::SK, PayloadType::SKF].contains(&payload.kind)
    };
    match () {
        () if deleted.contains(&Deleted::IkeSa) => InformationalClass::DeleteIkeSa,
        () if !deleted.is_empty() => InformationalClass::DeleteChild,
        () if read.notifies_v1().any(|notify| liveness(notify.kind)) => InformationalClass::Dpd,
        () if !read.payloads.iter().any(holds) => InformationalClass::Empty,
        () => InformationalClass::Large,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lengths of an `IKE_AUTH` response and what they mean, block by block of AES-CBC.
    #[test]
    fn padding_hides_no_authentication_without_a_child() {
        let outcome = |length: u32| {
            let model = crate::testing::model(&format!(
                "0.0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
                 0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
                 0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 256
                 0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed {length}
                 9 C > D ESP 0xc1"
            ));
            model.auth_outcome(IkeSaId(0))
        };
        for (length, expected) in [
            (80, AuthOutcome::Refused),
            (112, AuthOutcome::Refused),
            (128, AuthOutcome::AuthOnly),
            (192, AuthOutcome::AuthOnly),
            (208, AuthOutcome::Unclear),
            (224, AuthOutcome::Full),
        ] {
            assert_eq!(outcome(length), expected, "{length}");
        }
    }

    #[test]
    fn a_round_of_eap_that_the_initiator_ends_is_no_end_of_authentication() {
        let outcome = |before: u32, rest: &str| {
            let suite =
                "SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce";
            let model = crate::testing::model(&format!(
                "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request {suite}
                 0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response {suite}
                 0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 256
                 0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 1200
                 0.4 A:500 > B:500 IKE_AUTH i=1 r=2 id=2 request sealed 80
                 0.5 B:500 > A:500 IKE_AUTH i=1 r=2 id=2 response sealed {before}
                 0.6 A:500 > B:500 IKE_AUTH i=1 r=2 id=3 request sealed 144
                 0.7 B:500 > A:500 IKE_AUTH i=1 r=2 id=3 response sealed 112
                 {rest}"
            ));
            model.ike_sas.iter().next().map(|sa| sa.auth)
        };
        let ends = "0.71 A:500 > B:500 INFORMATIONAL i=1 r=2 id=4 request sealed 80";
        assert_eq!(outcome(112, ends), Some(AuthOutcome::Unfinished));
        // After Success of EAP the proofs follow, and a child SA may be refused.
        assert_eq!(outcome(80, ends), Some(AuthOutcome::Unclear));
        let later = "9 A:500 > B:500 INFORMATIONAL i=1 r=2 id=4 request sealed 80";
        assert_eq!(outcome(112, later), Some(AuthOutcome::Unclear));
    }

    fn suite(encryption: u16, integrity: Option<u16>) -> IkeSuite {
        IkeSuite {
            encryption: Some(encryption),
            integrity,
            ..IkeSuite::default()
        }
    }

    /// Every suite: cipher, integrity, and lengths of messages whose plaintext is 0, 8, 12 and 16
    /// octets, by the formula of RFC 7296 section 3.14 with the least padding.
    #[test]
    fn the_plaintext_is_found_again_for_every_suite_and_size() {
        for cipher in transform::ENCRYPTION {
            for integrity in transform::INTEGRITY {
                let Some(envelope) = Envelope::of(&suite(cipher.id, Some(integrity.id))) else {
                    panic!("{} {}", cipher.name, integrity.name)
                };
                for plaintext in [0, 8, 10, 12, 16, 176, 1200] {
                    let padded = (plaintext + 1usize).next_multiple_of(envelope.block);
                    let length = 32 + envelope.iv + padded + envelope.icv;
                    let range = envelope.plaintext(length, false).unwrap();
                    assert!(range.contains(&plaintext), "{} {range:?}", cipher.name);
                    assert!(range.end() - range.start() < envelope.block.max(4));
                    assert_eq!(envelope.plaintext(length + 4, true), Some(range));
                }
            }
        }
    }

    #[test]
    fn known_lengths_give_known_plaintexts() {
        let ranges: Vec<_> = [
            (suite(12, Some(2)), 76),
            (suite(12, Some(12)), 80),
            (suite(12, Some(12)), 96),
            (suite(20, None), 57),
            (suite(20, None), 65),
            (suite(20, None), 177),
            (suite(3, Some(2)), 68),
        ]
        .iter()
        .map(|(suite, length)| {
            Envelope::of(suite)
                .unwrap()
                .plaintext(*length, false)
                .unwrap()
        })
        .collect();
        assert_eq!(
            ranges,
            [0..=15, 0..=15, 16..=31, 0..=0, 5..=8, 117..=120, 8..=15]
        );
    }

    #[test]
    fn a_length_that_no_plaintext_gives_is_refused() {
        let cbc = Envelope::of(&suite(12, Some(12))).unwrap();
        assert_eq!(cbc.plaintext(81, false), None);
        assert_eq!(cbc.plaintext(64, false), None);
        assert_eq!(cbc.plaintext(0, true), None);
    }

    #[test]
    fn a_cipher_without_integrity_has_no_envelope() {
        assert_eq!(Envelope::of(&suite(12, None)), None);
        assert_eq!(Envelope::of(&IkeSuite::default()), None);
    }
}
