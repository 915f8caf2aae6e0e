//! What is said outside of any IKE SA.

use super::ike_sa::Seen;
use super::notice::{self, Notice, spi_of};
use crate::language::Text;
use crate::net::Path;
use crate::registry::{ExchangeType, PayloadType};
use crate::units::{EspSpi, FrameId, IkeSpis, Timestamp, Vantage};
use crate::wire::{self, Body, Version, ikev1, ikev2};

/// Messages outside of any IKE SA that are alike: what refuses a datagram that was no message of IKE, and what says
/// that an SA of ESP or AH is not known (RFC 7296 sections 1.5 and 2.21.4). They belong to no exchange, want no
/// answer, and anybody may have sent them.
#[derive(Clone, Debug)]
pub struct Outside {
    /// Where they were recorded.
    pub vantage: Vantage,
    /// Who sent them to whom.
    pub path: Path,
    /// Their version of IKE.
    pub version: Version,
    /// Type of the exchange that they name: that of what they refuse, else an informational one.
    pub exchange: ExchangeType,
    /// The SPIs of the first: zero, or random ones.
    pub spis: IkeSpis,
    /// What they notify of, in order.
    pub notices: Vec<OutsideNotice>,
    /// How many.
    pub count: u64,
    /// The first and the last.
    pub seen: Seen,
}

/// A notification outside of any IKE SA.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct OutsideNotice {
    /// Whether it is of IKEv1.
    pub v1: bool,
    /// Its number; IKEv1 and IKEv2 share the numbers of those that both have.
    pub kind: u16,
    /// The SPI of the SA of ESP or AH that it is about.
    pub spi: Option<EspSpi>,
}

/// What makes messages outside of any IKE SA alike, besides recording and path: version, exchange, whether the
/// initiator's SPI is zero, and what they notify of.
pub(crate) type Alike = (Version, ExchangeType, bool, Vec<OutsideNotice>);

impl Outside {
    /// A row of one message, which `octets` are.
    pub(crate) fn of(
        header: &wire::Header,
        octets: &[u8],
        vantage: Vantage,
        path: Path,
        at: (FrameId, Timestamp),
    ) -> Self {
        let read = wire::Message::read_of(octets, &[PayloadType::NOTIFY, PayloadType::NOTIFY_V1]);
        let bodies = read.payloads.iter().map(|payload| &payload.body);
        let notices = bodies.filter_map(OutsideNotice::of);
        Self {
            vantage,
            path,
            version: header.version,
            exchange: header.exchange,
            spis: header.spis,
            notices: notices.take(Notice::PER_MESSAGE).collect(),
            count: 1,
            seen: Seen {
                first: at,
                last: at,
            },
        }
    }

    /// What those have in common that one row counts.
    pub(crate) fn alike(&self) -> Alike {
        let zero = self.spis.initiator.is_zero();
        (self.version, self.exchange, zero, self.notices.clone())
    }

    /// Takes a later one that is alike.
    pub(crate) fn take(&mut self, later: &Self) {
        self.count += later.count;
        self.seen.last = later.seen.last;
    }
}

impl OutsideNotice {
    fn of(body: &Body<'_>) -> Option<Self> {
        let (v1, kind, spi, data) = match body {
            Body::V1(ikev1::Body::Notify(notify)) => (true, notify.kind.0, notify.spi, notify.data),
            Body::V2(ikev2::Body::Notify(notify)) => {
                (false, notify.kind.0, notify.spi, notify.data)
            }
            _ => return None,
        };
        let spi = spi_of(kind, spi, data);
        Some(Self { v1, kind, spi })
    }

    /// Its name.
    pub fn name(&self) -> Text {
        notice::name(self.v1, self.kind)
    }

    /// Whether it reports an error, as [`Notice::is_error`] tells it.
    pub fn is_error(&self) -> bool {
        notice::is_error(self.v1, self.kind)
    }
}
