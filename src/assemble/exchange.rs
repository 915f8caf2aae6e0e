//! Messages to exchanges, and exchanges to IKE SAs.
//!
//! An IKE SA is known by both its SPIs (IKEv1: cookies). Until a response tells the responder's, the
//! initiator's SPI stands together with the addresses, because it alone may collide between
//! different peers, or be replayed.

use super::{HashMap, HashSet, with_capacity};
use crate::each::{Each, map_all};
use crate::model::exchange::begins_ike_sa;
use crate::model::notice::spi_of;
use crate::model::table::Id;
use crate::model::{
    AuthOutcome, DOUBLED, Exchange, ExchangeId, Few, Flight, IkeSa, IkeSaId, IkeState, Message,
    MessageId, Model, Notice, Plain, Role, Seen, Shares, Signs, Table, arrange, shares, signs,
};
use crate::net::Path;
use crate::registry::{ExchangeType, PayloadType};
use crate::units::{FrameId, IkeSpi, IkeSpis, Span, Timestamp, Vantage};
use crate::wire::{self, Body, Chain, Link, ikev1, ikev2};
use std::iter;
use std::net::IpAddr;
use std::ops::Index;

/// How far apart two interfaces of one capture may record the same datagram. Retransmissions come
/// half a second later at the earliest (libreswan).
const SAME_DATAGRAM: Span = Span::from_millis(200);

/// Fills `exchanges` and the rows of `ike_sas` with their SPIs, paths, exchanges and times.
///
/// Messages with different initiator's SPIs have nothing to do with each other. So those of each SPI
/// are put into exchanges alone, with tables that stay small, and all SAs into order afterwards.
pub(super) fn group(model: &mut Model, each: &Each<'_>) {
    let Model {
        messages,
        exchanges,
        ike_sas,
        ..
    } = model;
    let grouped = map_all(each, messages.take(), Grouped::of);
    ike_sas.reserve(grouped.iter().map(|share| share.ike_sas.len()).sum());
    // IKE SAs in order of their first message; each share has its own in that order.
    let mut order: Vec<((Timestamp, FrameId), usize)> = Vec::new();
    let mut rows = Vec::with_capacity(grouped.len());
    let (mut of_messages, mut of_exchanges) = (Vec::new(), Vec::new());
    for (number, share) in grouped.into_iter().enumerate() {
        let first = share.ike_sas.iter().map(|row| row.seen.first);
        order.extend(first.map(|(frame, time)| ((time, frame), number)));
        of_messages.push(share.messages);
        // With the IKE SAs whose exchanges they are, and how many each has.
        of_exchanges.push((share.exchanges, Vec::<(usize, IkeSaId)>::new()));
        rows.push(share.ike_sas.into_iter());
    }
    order.sort_unstable();
    for (_, number) in order {
        if let Some(sa) = rows.get_mut(number).and_then(Iterator::next)
            && let Some((_, owners)) = of_exchanges.get_mut(number)
        {
            owners.push((sa.exchanges.len(), ike_sas.push(sa)));
        }
    }
    *messages = Shares::of(of_messages);
    *exchanges = Shares::of(map_all(each, of_exchanges, |_, (mut exchanges, owners)| {
        // The exchanges of a share lie as its IKE SAs do.
        let owners = owners.into_iter();
        let owners = owners.flat_map(|(count, sa)| iter::repeat_n(sa, count));
        for (exchange, owner) in exchanges.iter_mut().zip(owners) {
            exchange.ike_sa = owner;
        }
        exchanges
    }));
}

/// What came of the messages of a share. Ids of IKE SAs are good within it alone.
struct Grouped {
    messages: Vec<Message>,
    exchanges: Vec<Exchange>,
    ike_sas: Vec<IkeSa>,
}

impl Grouped {
    /// Puts the messages of a share into exchanges, and then into their order.
    fn of(share: usize, rows: Vec<Message>) -> Self {
        let mut order: Vec<MessageId> = (0..rows.len())
            .map(|place| MessageId(u32::try_from(place).unwrap_or(u32::MAX)))
            .collect();
        let messages = Rows(rows);
        // Inputs follow one another, their times overlap.
        order.sort_by_key(|id| messages[*id].time);
        let mut grouper = Grouper::new(&messages);
        order.into_iter().for_each(|id| grouper.add(id));
        let mut exchanges = grouper.exchanges.into_rows();
        let mut ike_sas = grouper.ike_sas.into_rows();
        settle_exchanges(share, &mut exchanges, &mut ike_sas);
        let messages = messages.settle(share, &mut exchanges);
        // Now that all of them are in the caches.
        let message = |id: MessageId| messages.get(shares::place_of(id).1);
        let mut made = exchanges.iter();
        for row in &mut ike_sas {
            let made = made.by_ref().take(row.exchanges.len());
            row.signs = made.fold(Signs::NONE, |signs, exchange| {
                signs.or(signs::of_exchange(exchange, message))
            });
        }
        Self {
            messages,
            exchanges,
            ike_sas,
        }
    }
}

/// Puts the exchanges of a share in the order of its IKE SAs, and gives them their final ids.
fn settle_exchanges(share: usize, exchanges: &mut Vec<Exchange>, ike_sas: &mut [IkeSa]) {
    // Where each goes: every one is of an IKE SA, and of no other.
    let mut places = vec![usize::MAX; exchanges.len()];
    let mut settled = 0;
    for sa in ike_sas {
        // There are many of these: no room is left over.
        sa.exchanges.shrink_to_fit();
        sa.paths.shrink_to_fit();
        sa.notices.shrink_to_fit();
        for notice in &mut sa.notices {
            // They were made in order.
            if let Ok(place) = sa.exchanges.binary_search(&notice.exchange) {
                notice.exchange = shares::id_at(share, settled + place);
            }
        }
        for id in &mut sa.exchanges {
            if let Some(place) = places.get_mut(id.index()) {
                *place = settled;
            }
            *id = shares::id_at(share, settled);
            settled += 1;
        }
    }
    arrange(exchanges, &mut places);
    exchanges.shrink_to_fit();
}

/// The messages of a share, whose ids are their places as long as they are being grouped.
struct Rows(Vec<Message>);

#[expect(
    clippy::indexing_slicing,
    reason = "ids are made for all rows, and rows are not removed"
)]
impl Index<MessageId> for Rows {
    type Output = Message;

    #[inline]
    fn index(&self, id: MessageId) -> &Message {
        &self.0[id.0 as usize]
    }
}

impl Rows {
    /// The messages in the order of these exchanges, which cover them, and then get their final ids.
    fn settle(self, share: usize, exchanges: &mut [Exchange]) -> Vec<Message> {
        let Self(mut rows) = self;
        // Where each goes: every one is in a flight, and in no other.
        let mut places = vec![usize::MAX; rows.len()];
        let mut settled = 0;
        for exchange in exchanges {
            for flight in &mut exchange.flights {
                let completed_by = flight.completed_by;
                let Flight {
                    parts,
                    again,
                    elsewhere,
                    ..
                } = flight;
                for id in parts.iter_mut().chain(&mut **again).chain(&mut **elsewhere) {
                    let new = shares::id_at(share, settled);
                    if completed_by == Some(*id) {
                        flight.completed_by = Some(new);
                    }
                    if let Some(place) = places.get_mut(id.0 as usize) {
                        *place = settled;
                    }
                    settled += 1;
                    *id = new;
                }
            }
        }
        arrange(&mut rows, &mut places);
        rows.shrink_to_fit();
        rows
    }
}

/// Where a flight stands: its exchange and its place there.
type Place = (ExchangeId, usize);

struct Grouper<'m> {
    messages: &'m Rows,
    exchanges: Table<ExchangeId, Exchange>,
    ike_sas: Table<IkeSaId, IkeSa>,
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

impl<'m> Grouper<'m> {
    fn new(messages: &'m Rows) -> Self {
        let count = messages.0.len();
        Self {
            messages,
            exchanges: Table::default(),
            ike_sas: Table::default(),
            by_spis: HashMap::default(),
            pending: HashMap::default(),
            latest: HashMap::default(),
            roles: HashMap::default(),
            current: with_capacity(count / 2),
            copies: with_capacity(count),
            fragmented: HashMap::default(),
            paths: HashSet::default(),
            vantages: HashMap::default(),
        }
    }

    fn add(&mut self, id: MessageId) {
        let message = &self.messages[id];
        let digest = message.bytes.digest();
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
        if message.plain == Plain::Clear && may_report(message) {
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
        let (from, to) = (message.path.from().address, message.path.to().address);
        let begins = begins_ike_sa(header.exchange);
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
            let pending = pending.filter(|sa| !reused(*sa));
            // Beyond a NAT it has another sender, whom the answer there is for.
            if let (None, Some(sa)) = (pending, copied) {
                self.pending.entry(key(from, Some(to))).or_insert(sa);
            }
            return match pending.or(copied) {
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
        // The initiator goes on with an SPI of the responder: the answer that told it is not in the
        // recording, or comes later.
        let goes_on = authenticates(header.exchange)
            .then(|| find([key(from, Some(to)), key(to, Some(from))]))
            .flatten()
            .filter(|sa| self.ike_sas[*sa].spis.responder.is_zero());
        if let Some(sa) = goes_on {
            self.ike_sas[sa].spis.responder = spis.responder;
            self.by_spis.insert((version, spis), sa);
            return sa;
        }
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
            begins_ike_sa(exchange.kind)
                && exchange
                    .response()
                    .and_then(Flight::message)
                    .is_some_and(|id| self.messages[id].has_sa())
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
            auth: AuthOutcome::NotSeen,
            state: IkeState::AlreadyUp,
            nat: None,
            replaces: None,
            made_by: None,
            child_sas: Vec::new(),
            vendors: [Vec::new(), Vec::new()],
            fragmentation: [None, None],
            nonces: [None, None],
            notices: Vec::new(),
            signs: Signs::NONE,
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
        if begins_ike_sa(header.exchange) {
            let path = match version != 1 && header.flags.response() {
                true => reversed(message.path.path()),
                false => message.path.path(),
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
        let (from, to) = (message.path.from().address, message.path.to().address);
        let from_role = self.roles.get(&(sa, from)).copied();
        let to_role = self.roles.get(&(sa, to)).copied();
        let role = match (from_role, to_role) {
            (Some(role), _) => role,
            (None, Some(role)) => role.other(),
            // The second message of phase 1: it chooses of the first, and names the responder, as none does that
            // offers (RFC 2408 section 3.1).
            (None, None)
                if begins_ike_sa(header.exchange)
                    && !header.spis.responder.is_zero()
                    && message.has_sa() =>
            {
                Role::Responder
            }
            (None, None) => Role::Initiator,
        };
        self.roles.entry((sa, from)).or_insert(role);
        self.roles.entry((sa, to)).or_insert(role.other());
        role
    }

    /// Notes path and time of a message on its IKE SA.
    fn note(&mut self, sa: IkeSaId, by: Role, message: &Message) {
        let path = match by {
            Role::Initiator => message.path.path(),
            Role::Responder => reversed(message.path.path()),
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
            flights: Few::new(),
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
            parts: Few::of(id),
            again: Few::new(),
            elsewhere: Few::new(),
            fragments: piece.map(|piece| piece.total.unwrap_or(piece.number.saturating_add(1))),
            fragments_seen: piece.iter().map(|piece| piece.number).collect(),
            completed_by: None,
        });
        if let Some(flight) = flights.last_mut() {
            complete(flight, &self.messages[id], id);
        }
        flights.len() - 1
    }

    /// Keeps what a message reports in clear on its IKE SA.
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
                from: message.path.from().address,
                kind,
                data: data.to_vec(),
                spi: spi_of(kind, spi, data),
                at: (message.frame, message.time),
            };
            Notice::may_keep(v1, kind).then_some(notice)
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
            let parts = flight.parts.take();
            flight.again.extend(parts.iter().copied());
            flight.fragments_seen = Few::new();
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
    if message.whole().is_some() || flight.fragments.is_some() && opened {
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

/// Whether messages of this type follow `IKE_SA_INIT` before the IKE SA is up.
fn authenticates(kind: ExchangeType) -> bool {
    [ExchangeType::IKE_INTERMEDIATE, ExchangeType::IKE_AUTH].contains(&kind)
}

/// Whether a message that was read holds a Security Association in clear.
pub(super) fn holds_sa(message: &wire::Message<'_>) -> bool {
    message.payloads.iter().any(|payload| is_sa(&payload.body))
}

fn is_sa(body: &Body<'_>) -> bool {
    matches!(
        body,
        Body::V2(ikev2::Body::Sa(_)) | Body::V1(ikev1::Body::Sa(_))
    )
}

/// Whether a message in clear has a notification that [`Grouper::hear`] may keep, told without
/// reading the whole.
fn may_report(message: &Message) -> bool {
    let octets = message.whole().map_or(&*message.bytes, |whole| whole);
    let Some(header) = wire::Header::read(octets) else {
        return false;
    };
    let v1 = header.version.major() == 1;
    // The number of a notification stands behind Protocol ID and SPI Size, in IKEv1 after the DOI.
    let (kind, at) = match v1 {
        true => (PayloadType::NOTIFY_V1, 6),
        false => (PayloadType::NOTIFY, 2),
    };
    let number = |link: &Link<'_>| {
        let octets = link.body.get(at..)?.first_chunk()?;
        Some(u16::from_be_bytes(*octets))
    };
    Chain::new(&header, octets)
        .filter(|link| link.kind == kind)
        .any(|link| number(&link).is_none_or(|number| Notice::may_keep(v1, number)))
}

/// The same path the other way.
pub(super) fn reversed(path: Path) -> Path {
    Path {
        from: path.to,
        to: path.from,
        encap: path.encap,
    }
}
