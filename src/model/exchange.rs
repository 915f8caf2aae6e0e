//! Exchanges: a request with its response and every copy of either.

use super::few::Few;
use super::ike_sa::IkeSaId;
use super::message::MessageId;
use super::table::id;
use crate::registry::ExchangeType;

id!(ExchangeId, "an exchange");

/// Which side of an IKE SA.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Role {
    /// The original initiator of the IKE SA.
    Initiator,
    /// Its original responder.
    Responder,
}

impl Role {
    /// The other side.
    pub fn other(self) -> Self {
        match self {
            Self::Initiator => Self::Responder,
            Self::Responder => Self::Initiator,
        }
    }
}

/// The unit of state. In IKEv2 one request and its response; in IKEv1 a whole main mode,
/// aggressive mode, quick mode, transaction or informational exchange.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// The IKE SA it belongs to.
    pub ike_sa: IkeSaId,
    /// Its type.
    pub kind: ExchangeType,
    /// Its message ID.
    pub message_id: u32,
    /// Who sent its first message (in IKEv2 the request).
    pub by: Role,
    /// Its messages in the order they first appeared. IKEv2: the request, then the response; either
    /// may be missing. A second `IKE_SA_INIT` request with other octets (cookie, other group) is
    /// another exchange.
    pub flights: Few<Flight>,
}

/// One message of an exchange, with its fragments and its copies.
#[derive(Clone, Debug)]
pub struct Flight {
    /// Who sent it.
    pub by: Role,
    /// IKEv2: whether it is the response. IKEv1: false.
    pub response: bool,
    /// The datagrams that make it up: one, or the IKE fragments (SKF, IKEv1 payload 132) that came.
    pub parts: Few<MessageId>,
    /// Byte-identical copies sent later: retransmissions, in time order.
    pub again: Few<MessageId>,
    /// The same datagrams as another vantage recorded them, or the same one a second time at once.
    pub elsewhere: Few<MessageId>,
    /// How many IKE fragments it should have; `None` if it was not cut by IKE.
    pub fragments: Option<u16>,
    /// Numbers of the IKE fragments that were seen, sorted.
    pub fragments_seen: Few<u16>,
    /// The datagram that completes it, if it came in IKE fragments: reading it reads the whole.
    pub completed_by: Option<MessageId>,
}

/// How many messages an IKEv1 exchange has when it is complete (RFC 2409 section 5).
pub fn v1_messages(kind: ExchangeType) -> Option<usize> {
    match kind {
        ExchangeType::IDENTITY_PROTECTION => Some(6),
        ExchangeType::AGGRESSIVE | ExchangeType::QUICK_MODE => Some(3),
        ExchangeType::TRANSACTION => Some(2),
        _ => None,
    }
}

/// Whether the exchange is of IKEv1.
pub fn is_v1(kind: ExchangeType) -> bool {
    kind.0 < ExchangeType::IKE_SA_INIT.0
}

/// Whether an exchange of this kind begins an IKE SA; one that is made by rekeying has none.
pub fn begins_ike_sa(kind: ExchangeType) -> bool {
    matches!(
        kind,
        ExchangeType::IKE_SA_INIT | ExchangeType::IDENTITY_PROTECTION | ExchangeType::AGGRESSIVE
    )
}

/// Whether an exchange has no answer, or in IKEv1 not all of its messages.
pub fn lacks_answer(exchange: &Exchange) -> bool {
    match v1_messages(exchange.kind) {
        _ if !is_v1(exchange.kind) => exchange.response().is_none(),
        whole => whole.is_some_and(|whole| exchange.flights.len() < whole),
    }
}

/// Whether a message of an exchange was sent again.
pub fn was_repeated(exchange: &Exchange) -> bool {
    exchange
        .flights
        .iter()
        .any(|flight| !flight.again.is_empty())
}

impl Flight {
    /// Whether every IKE fragment of it was seen.
    #[inline]
    pub fn is_whole(&self) -> bool {
        self.fragments
            .is_none_or(|total| self.fragments_seen.len() >= usize::from(total))
    }

    /// The first datagram of it that was seen.
    #[inline]
    pub fn first(&self) -> Option<MessageId> {
        self.parts.first().copied()
    }

    /// All datagrams of it: the first of each part, those that came again, and those that other taps have.
    pub(crate) fn copies(&self) -> impl Iterator<Item = MessageId> + use<'_> {
        let here = self.parts.iter().chain(&self.again);
        here.chain(&self.elsewhere).copied()
    }

    /// The datagram that is read for what the message says: the one that completes it, or the
    /// first.
    #[inline]
    pub fn message(&self) -> Option<MessageId> {
        self.completed_by.or(self.first())
    }
}

impl Exchange {
    /// The first message: in IKEv2 the request.
    #[inline]
    pub fn request(&self) -> Option<&Flight> {
        self.flights
            .iter()
            .find(|flight| !flight.response && flight.by == self.by)
    }

    /// What answers it: in IKEv2 the response, in IKEv1 the first message of the other side.
    #[inline]
    pub fn response(&self) -> Option<&Flight> {
        self.flights
            .iter()
            .find(|flight| flight.response || flight.by != self.by)
    }
}
