//! Messages to exchanges, and exchanges to IKE SAs.
//!
//! An IKE SA is known by both its SPIs (IKEv1: cookies). Until a response tells the responder's, the
//! initiator's SPI stands together with the addresses, because it alone may collide between
//! different peers, or be replayed.

use super::{HashMap, HashSet, RandomState};
use crate::model::{
    DOUBLED, Exchange, ExchangeId, Flight, IkeSa, IkeSaId, IkeState, Message, MessageId, Model,
    Notice, Plain, Role, Seen, Table,
};
use crate::net::Path;
use crate::registry::{ExchangeType, NotifyType};
use crate::units::{EspSpi, IkeSpi, IkeSpis, Span, Vantage};
use crate::wire::{self, Body, ikev1, ikev2};
use std::hash::BuildHasher;
use std::net::IpAddr;

/// How far apart two interfaces of one capture may record the same datagram. Retransmissions come
/// half a second later at the earliest (libreswan).
const SAME_DATAGRAM: Span = Span::from_millis(200);

/// Fills `exchanges` and the rows of `ike_sas` with their SPIs, paths, exchanges and times.
pub(super) fn group(model: &mut Model) {
    let Model {
        messages,
        exchanges,
        ike_sas,
        ..
    } = model;
    let mut order: Vec<MessageId> = messages.ids().collect();
    // Inputs follow one another in the table, their times overlap.
    order.sort_by_key(|id| messages[*id].time);
    let mut grouper = Grouper {
        messages,
        exchanges,
        ike_sas,
        by_spis: HashMap::default(),
        pending: HashMap::default(),
        latest: HashMap::default(),
        roles: HashMap::default(),
        current: HashMap::default(),
        copies: HashMap::default(),
        hasher: RandomState::default(),
        fragmented: HashMap::default(),
        paths: HashSet::default(),
        vantages: HashMap::default(),
    };
    for id in order {
        grouper.add(id);
    }
}

/// Where a flight stands: its exchange and its place there.
type Place = (ExchangeId, usize);

struct Grouper<'m> {
    messages: &'m Table<MessageId, Message>,
    exchanges: &'m mut Table<ExchangeId, Exchange>,
    ike_sas: &'m mut Table<IkeSaId, IkeSa>,
    /// IKE SAs by major version and both SPIs.
    by_spis: HashMap<(u8, IkeSpis), IkeSaId>,
    /// IKE SAs that began in this capture, by initiator's SPI, initiator's and responder's address.
    /// A second entry without the responder's finds answers from another address.
    pending: HashMap<(u8, IkeSpi, IpAddr, Option<IpAddr>), IkeSaId>,
    /// The IKE SA that last began with this SPI.
    latest: HashMap<(u8, IkeSpi), IkeSaId>,
    /// IKEv1: the side an address has in an IKE SA.
    roles: HashMap<(IkeSaId, IpAddr), Role>,
    /// The latest exchange of this kind, side and message ID.
    current: HashMap<(IkeSaId, ExchangeType, Option<Role>, u32), ExchangeId>,
    /// Messages by their sender and octets, of which the hash stands here and the first message that
    /// has them.
    copies: HashMap<(IkeSaId, Role, u64), (Place, MessageId)>,
    hasher: RandomState,
    /// Flights that come in IKE fragments: exchange, sender, whether a response, IKEv1 fragment ID.
    fragmented: HashMap<(ExchangeId, Role, bool, u16), usize>,
    paths: HashSet<(IkeSaId, Path)>,
    /// Copies of a datagram by the place that recorded them last, to tell copies from repeats. What
    /// came once stands in its flight alone.
    vantages: HashMap<(Place, Vantage), MessageId>,
}

/// The number of an IKE fragment and how many there are.
#[derive(Clone, Copy)]
struct Piece {
    /// IKEv1: same in all pieces of one message. IKEv2: zero.
    id: u16,
    number: u16,
    /// `None` if the last piece of IKEv1 is not this one.
    total: Option<u16>,
}

impl Grouper<'_> {
    fn add(&mut self, id: MessageId) {
        let message = &self.messages[id];
        let digest = self.hasher.hash_one(&*message.bytes);
        let sa = self.ike_sa(message, digest);
        let by = self.role(sa, message);
        self.note(sa, by, message);

        if let Some(place) = self.copied(sa, by, message, digest) {
            self.repeat(place, id);
            return;
        }
        let response = message.header.version.major() != 1 && message.header.flags.response();
        let exchange = self.exchange(sa, by, response, message);
        let piece = piece(message);
        let flight = self.flight(exchange, by, response, id, piece);
        if piece.is_some() {
            self.vantages
                .insert(((exchange, flight), message.vantage), id);
        }
        if message.plain == Plain::Clear {
            self.hear(exchange, by, message, &message.read());
        }
        self.copies
            .insert((sa, by, digest), ((exchange, flight), id));
    }

    /// Where the message stands that these octets are a copy of.
    fn copied(&self, sa: IkeSaId, by: Role, message: &Message, digest: u64) -> Option<Place> {
        let (place, first) = self.copies.get(&(sa, by, digest))?;
        (self.messages[*first].bytes == message.bytes).then_some(*place)
    }

    /// The IKE SA of a message, made if it is new.
    fn ike_sa(&mut self, message: &Message, digest: u64) -> IkeSaId {
        let header = &message.header;
        let version = header.version.major();
        let spis = header.spis;
        let (from, to) = (message.path.from.address, message.path.to.address);
        let begins = is_initial(header.exchange);
        let known = match spis.responder.is_zero() {
            false => self.by_spis.get(&(version, spis)).copied(),
            true => None,
        };
        if let Some(known) = known {
            return known;
        }
        let key = |initiator, responder| (version, spis.initiator, initiator, responder);
        let find = |keys: [_; 2]| keys.iter().find_map(|key| self.pending.get(key).copied());

        // A first request, or its retry after a cookie or another group.
        let asks = match version {
            1 => begins && spis.responder.is_zero(),
            _ => begins && !header.flags.response(),
        };
        if asks {
            let pending = self.pending.get(&key(from, Some(to))).copied();
            let is_copy = |sa: IkeSaId| self.copied(sa, Role::Initiator, message, digest).is_some();
            let latest = self.latest.get(&(version, spis.initiator)).copied();
            let copied = latest.filter(|sa| is_copy(*sa));
            // Other octets once an answer has chosen SPIs: the SPI is used a second time.
            let reused = |sa: IkeSaId| {
                !self.ike_sas[sa].spis.responder.is_zero()
                    && !is_copy(sa)
                    && self.answered_with_keys(sa)
            };
            return match pending.filter(|sa| !reused(*sa)).or(copied) {
                Some(sa) => sa,
                None => self.begin(message),
            };
        }

        // An answer: the first to carry the responder's SPI, or one without.
        let answers = begins || header.exchange == ExchangeType::INFORMATIONAL_V1;
        let asked = find([key(to, Some(from)), key(from, Some(to))]).or_else(|| {
            self.pending
                .get(&key(to, None))
                .or_else(|| self.pending.get(&key(from, None)))
                .copied()
                .or_else(|| self.begun_elsewhere(message))
        });
        if let Some(sa) = asked.filter(|_| answers || spis.responder.is_zero()) {
            if spis.responder.is_zero() {
                return sa;
            }
            let free = self.ike_sas[sa].spis.responder.is_zero() || !self.answered_with_keys(sa);
            if free {
                if begins {
                    self.ike_sas[sa].spis.responder = spis.responder;
                }
                self.by_spis.insert((version, spis), sa);
                return sa;
            }
        }
        self.begin(message)
    }

    /// The IKE SA that began with this SPI at another tap: a NAT in between gives it other addresses.
    fn begun_elsewhere(&self, message: &Message) -> Option<IkeSaId> {
        let header = &message.header;
        let key = (header.version.major(), header.spis.initiator);
        let sa = self.latest.get(&key).copied()?;
        (self.ike_sas[sa].seen.first.0.input != message.frame.input).then_some(sa)
    }

    /// Whether the initial exchange was accepted, so that its SPIs are final.
    fn answered_with_keys(&self, sa: IkeSaId) -> bool {
        self.ike_sas[sa].exchanges.iter().rev().take(4).any(|id| {
            let exchange = &self.exchanges[*id];
            is_initial(exchange.kind)
                && exchange
                    .response()
                    .and_then(Flight::message)
                    .is_some_and(|id| has_sa(&self.messages[id]))
        })
    }

    /// A new IKE SA, whose first message this is.
    fn begin(&mut self, message: &Message) -> IkeSaId {
        let header = &message.header;
        let here = (message.frame, message.time);
        let sa = self.ike_sas.push(IkeSa {
            version: header.version,
            spis: header.spis,
            paths: Vec::new(),
            exchanges: Vec::new(),
            suite: None,
            state: IkeState::AlreadyUp,
            nat: None,
            replaces: None,
            child_sas: Vec::new(),
            vendors: [Vec::new(), Vec::new()],
            fragmentation: [None, None],
            notices: Vec::new(),
            seen: Seen {
                first: here,
                last: here,
            },
        });
        let version = header.version.major();
        let spi = header.spis.initiator;
        if !header.spis.responder.is_zero() {
            self.by_spis.insert((version, header.spis), sa);
        }
        if is_initial(header.exchange) {
            let path = match version != 1 && header.flags.response() {
                true => reversed(message.path),
                false => message.path,
            };
            let (from, to) = (path.from.address, path.to.address);
            self.pending.insert((version, spi, from, Some(to)), sa);
            self.pending.insert((version, spi, from, None), sa);
            self.latest.insert((version, spi), sa);
        }
        sa
    }

    /// Who sent it: IKEv2 says so, IKEv1 is told by addresses.
    fn role(&mut self, sa: IkeSaId, message: &Message) -> Role {
        let header = &message.header;
        if header.version.major() != 1 {
            return match header.flags.initiator() {
                true => Role::Initiator,
                false => Role::Responder,
            };
        }
        let (from, to) = (message.path.from.address, message.path.to.address);
        let from_role = self.roles.get(&(sa, from)).copied();
        let to_role = self.roles.get(&(sa, to)).copied();
        let role = match (from_role, to_role) {
            (Some(role), _) => role,
            (None, Some(role)) => role.other(),
            (None, None) => Role::Initiator,
        };
        self.roles.entry((sa, from)).or_insert(role);
        self.roles.entry((sa, to)).or_insert(role.other());
        role
    }

    /// Notes path and time of a message on its IKE SA.
    fn note(&mut self, sa: IkeSaId, by: Role, message: &Message) {
        let path = match by {
            Role::Initiator => message.path,
            Role::Responder => reversed(message.path),
        };
        let row = &mut self.ike_sas[sa];
        // Most messages take the path of the one before.
        if row.paths.last() != Some(&path) && self.paths.insert((sa, path)) {
            row.paths.push(path);
        }
        row.seen.last = (message.frame, message.time);
    }

    /// A copy of a message that is known: sent again, or recorded elsewhere.
    fn repeat(&mut self, place: Place, id: MessageId) {
        let message = &self.messages[id];
        let elsewhere = self.is_elsewhere(place, message);
        self.vantages.insert((place, message.vantage), id);
        let (exchange, flight) = place;
        if let Some(flight) = self.exchanges[exchange].flights.get_mut(flight) {
            match elsewhere {
                true => flight.elsewhere.push(id),
                false => flight.again.push(id),
            }
            complete(flight, message, id);
        }
    }

    /// Whether a copy was not sent again but recorded again: at another place, or twice at one.
    ///
    /// Another input is another place, however its clock goes; another interface of the same input
    /// is so only at about the same time, for a retransmission may take another way.
    fn is_elsewhere(&self, place: Place, message: &Message) -> bool {
        let flight = self.exchanges[place.0].flights.get(place.1);
        let Some(first) = flight.and_then(Flight::first) else {
            return false;
        };
        let first = &self.messages[first];
        if first.vantage == message.vantage {
            // No sender repeats at once: the recording has it twice. Another fragment of the
            // message comes at once, too.
            let before = self.latest_at(place, message.vantage);
            return before.is_some_and(|before| {
                before.bytes == message.bytes && message.time.since(before.time) <= DOUBLED
            });
        }
        if first.vantage.input != message.vantage.input {
            return true;
        }
        let original = self.latest_at(place, first.vantage);
        original.is_some_and(|original| message.time.since(original.time) <= SAME_DATAGRAM)
    }

    /// The datagram of a flight that a place recorded last.
    fn latest_at(&self, place: Place, vantage: Vantage) -> Option<&Message> {
        if let Some(id) = self.vantages.get(&(place, vantage)) {
            return Some(&self.messages[*id]);
        }
        let first = self.exchanges[place.0].flights.get(place.1)?.first()?;
        Some(&self.messages[first]).filter(|first| first.vantage == vantage)
    }

    /// The exchange of a message that is no copy, made if it is new.
    fn exchange(&mut self, sa: IkeSaId, by: Role, response: bool, message: &Message) -> ExchangeId {
        let header = &message.header;
        // Both sides count their own requests, so a message ID alone does not tell the exchange.
        let asker = match (header.version.major(), response) {
            (1, _) => None,
            (_, true) => Some(by.other()),
            (_, false) => Some(by),
        };
        let key = (sa, header.exchange, asker, header.message_id);
        let retries = header.exchange == ExchangeType::IKE_SA_INIT && !response;
        let known = self.current.get(&key).copied();
        let known = known.filter(|known| !retries || self.exchanges[*known].request().is_none());
        if let Some(known) = known {
            return known;
        }
        let exchange = self.exchanges.push(Exchange {
            ike_sa: sa,
            kind: header.exchange,
            message_id: header.message_id,
            by: asker.unwrap_or(by),
            flights: Vec::new(),
        });
        self.current.insert(key, exchange);
        self.ike_sas[sa].exchanges.push(exchange);
        exchange
    }

    /// Puts a message that is no copy into a flight; returns its place.
    fn flight(
        &mut self,
        exchange: ExchangeId,
        by: Role,
        response: bool,
        id: MessageId,
        piece: Option<Piece>,
    ) -> usize {
        let flights = &mut self.exchanges[exchange].flights;
        if let Some(piece) = piece {
            let key = (exchange, by, response, piece.id);
            let known = self.fragmented.get(&key).copied();
            if let Some((place, flight)) =
                known.and_then(|place| Some((place, flights.get_mut(place)?)))
            {
                add_piece(flight, piece, id);
                complete(flight, &self.messages[id], id);
                return place;
            }
            self.fragmented.insert(key, flights.len());
        }
        flights.push(Flight {
            by,
            response,
            parts: vec![id],
            again: Vec::new(),
            elsewhere: Vec::new(),
            fragments: piece.map(|piece| piece.total.unwrap_or(piece.number.saturating_add(1))),
            fragments_seen: piece.iter().map(|piece| piece.number).collect(),
            completed_by: None,
        });
        if let Some(flight) = flights.last_mut() {
            complete(flight, &self.messages[id], id);
        }
        flights.len() - 1
    }

    /// Keeps the errors and requests for cookies of a message on its IKE SA.
    fn hear(
        &mut self,
        exchange: ExchangeId,
        by: Role,
        message: &Message,
        read: &wire::Message<'_>,
    ) {
        let row = &self.exchanges[exchange];
        let notices = read.payloads.iter().filter_map(|payload| {
            let (kind, data, spi, v1) = match &payload.body {
                Body::V2(ikev2::Body::Notify(notify)) => {
                    (notify.kind.0, notify.data, notify.spi, false)
                }
                Body::V1(ikev1::Body::Notify(notify)) => {
                    (notify.kind.0, notify.data, notify.spi, true)
                }
                _ => return None,
            };
            let notice = Notice {
                exchange,
                exchange_kind: row.kind,
                v1,
                by,
                from: message.path.from.address,
                kind,
                data: data.to_vec(),
                spi: <[u8; 4]>::try_from(spi)
                    .ok()
                    .map(|octets| EspSpi(u32::from_be_bytes(octets))),
                at: (message.frame, message.time),
            };
            let cookie = !v1 && kind == NotifyType::COOKIE.0;
            (notice.is_error() || cookie).then_some(notice)
        });
        self.ike_sas[row.ike_sa]
            .notices
            .extend(notices.take(Notice::PER_MESSAGE));
    }
}

/// Adds an IKE fragment with new octets to its flight.
///
/// A set with a larger total replaces the one before: the sender tries smaller fragments. One with
/// a smaller total is ignored, as the receiver does (RFC 7383 section 2.6).
fn add_piece(flight: &mut Flight, piece: Piece, id: MessageId) {
    let so_far = flight.fragments.unwrap_or(0);
    match piece.total {
        Some(total) if piece.id == 0 && total > so_far => {
            flight.again.append(&mut flight.parts);
            flight.fragments_seen.clear();
            flight.fragments = Some(total);
        }
        Some(total) if piece.id == 0 && total < so_far => {
            flight.again.push(id);
            return;
        }
        // IKEv1: only the last piece tells how many there are.
        Some(total) => flight.fragments = Some(total),
        None => flight.fragments = Some(so_far.max(piece.number.saturating_add(1))),
    }
    match flight.fragments_seen.binary_search(&piece.number) {
        Ok(_) => flight.again.push(id),
        Err(place) => {
            flight.fragments_seen.insert(place, piece.number);
            flight.parts.push(id);
        }
    }
}

/// Notes the datagram that completes a message in IKE fragments, the first that does.
fn complete(flight: &mut Flight, message: &Message, id: MessageId) {
    let opened = matches!(&message.plain, Plain::Opened(opened) if !opened.is_part);
    if message.whole.is_some() || flight.fragments.is_some() && opened {
        flight.completed_by.get_or_insert(id);
    }
}

/// Which IKE fragment a message is, if it is one.
fn piece(message: &Message) -> Option<Piece> {
    if !message.header.is_fragment() {
        return None;
    }
    // Not `Message::read`, which reads the message that a fragment completes.
    let message = wire::Message::read(&message.bytes);
    if let Some(fragment) = message.fragment_v1() {
        return Some(Piece {
            id: fragment.id.max(1),
            number: u16::from(fragment.number),
            total: fragment.last.then_some(u16::from(fragment.number)),
        });
    }
    let skf = message.skf()?;
    (1..=skf.total).contains(&skf.number).then_some(Piece {
        id: 0,
        number: skf.number,
        total: Some(skf.total),
    })
}

/// Whether an exchange of this kind begins an IKE SA.
pub(super) fn is_initial(kind: ExchangeType) -> bool {
    [
        ExchangeType::IKE_SA_INIT,
        ExchangeType::IDENTITY_PROTECTION,
        ExchangeType::AGGRESSIVE,
    ]
    .contains(&kind)
}

/// Whether a message carries a Security Association in clear.
pub(super) fn has_sa(message: &Message) -> bool {
    holds_sa(&message.read())
}

/// As [`has_sa`], of a message that was read.
pub(super) fn holds_sa(message: &wire::Message<'_>) -> bool {
    message.sa().is_some() || message.sa_v1().is_some()
}

/// The same path the other way.
pub(super) fn reversed(path: Path) -> Path {
    Path {
        from: path.to,
        to: path.from,
        encap: path.encap,
    }
}
