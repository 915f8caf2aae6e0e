//! Events to flows: the part of the model that is plain counting.
//!
//! Exact by construction, since it sees events in file order. What the messages mean is for
//! `assemble`.

mod clock;
pub(crate) mod flow;
mod flows;
pub mod inner;
mod paths;
pub mod sequence;
#[cfg(test)]
mod tests;

use crate::each::{self, Spread};
use crate::fold::{EspPacket, Fold, Trains};
use crate::keys::{EspKeys, Origin};
use crate::language::{Text, all_of, count};
use crate::limits::{self, Bounds};
use crate::model::outside::Alike;
use crate::model::shares::share_of;
use crate::model::{
    Blind, ClearFlow, FlowId, FlowKey, FragmentTrain, IcmpSeen, Keepalives, Message, Model, Octets,
    Outside, Pieces, Plain, Silence, Why,
};
use crate::net::reassembly::{Incomplete, Whole};
use crate::net::{Body, Datagram, IcmpError, Inner, Opening, Path};
use crate::sadb::Sadb;
use crate::say;
use crate::scan::{Lane, Times};
use crate::session::Session;
use crate::units::{FrameId, Timestamp, Vantage};
use crate::wire;
use bytes::Bytes;
use clock::Clock;
use flows::{Flows, flow_key, key_of};
use foldhash::quality::RandomState;
use hashbrown::HashMap;
use inner::{Carried, InnerCensus};
use paths::Paths;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// Counts what a [fold](crate::fold) tells.
#[derive(Debug, Default)]
pub struct Census {
    model: Model,
    session: Session,
    flows: Flows,
    /// The flow of each lane of the batch at hand; `None` beyond the limit.
    lanes: Vec<Option<usize>>,
    icmp_index: HashMap<(Vantage, Path, IcmpError), usize, RandomState>,
    outside_index: HashMap<(Vantage, Path, Alike), usize, RandomState>,
    keepalive_index: HashMap<(Vantage, Path), usize, RandomState>,
    fragment_index: HashMap<(Vantage, IpAddr, IpAddr, u8), usize, RandomState>,
    clear_index: HashMap<(Vantage, IpAddr, IpAddr, u8), usize, RandomState>,
    inner: InnerCensus,
    message_octets: usize,
    /// What digests the octets of messages.
    digest: RandomState,
    paths: Paths,
    clock: Clock,
    bounds: Bounds,
    beyond: Beyond,
}

/// What came after a limit was met.
#[derive(Debug, Default)]
struct Beyond {
    messages: u64,
    stubs: u64,
    headless: u64,
    too_deep: u64,
    esp_packets: u64,
    untimed: u64,
    icmp: u64,
    outside: u64,
    keepalives: u64,
    fragments: u64,
    clear: u64,
}

impl Census {
    /// A census that keeps what this session makes of IKE messages, with the usual bounds and without
    /// help of other threads.
    pub fn new(session: Session) -> Self {
        Self::within(Bounds::default(), session, each::in_turn)
    }

    /// As [`new`](Self::new), with other bounds and with those who help to count.
    pub fn within(bounds: Bounds, session: Session, spread: Spread) -> Self {
        Self {
            session,
            bounds,
            flows: Flows::within(bounds, spread),
            inner: InnerCensus::within(bounds),
            ..Self::default()
        }
    }

    /// What was counted. Flows are in order of their first frame, messages within their share.
    pub fn finish(mut self) -> Model {
        let mut model = self.model;
        model.clock_steps = self.clock.finish();
        (model.flows, self.beyond.untimed) = self.flows.finish();
        let (talks, errors, beyond) = self.inner.finish();
        model.inner = talks;
        model.inner_errors = errors;
        model.blind.extend(self.session.finish());
        model.blind.extend(beyond);
        model.blind.extend(self.beyond.told(&self.bounds));
        model
    }

    #[inline]
    fn count(
        &mut self,
        place: Option<usize>,
        vantage: Vantage,
        path: &Path,
        packet: &EspPacket<'_>,
    ) {
        let Some((place, flow)) = place.and_then(|place| Some((place, self.flows.get_mut(place)?)))
        else {
            self.beyond.esp_packets += 1;
            return;
        };
        let is_new = flow.count(packet);
        // Without keys, and where nothing is in clear, this is all that the inside costs.
        if packet.opening.is_some() || packet.null.is_some() {
            self.look_inside(place, is_new, vantage, path, packet);
        }
    }

    /// Counts what a packet carries, if it can be read. A packet that came twice says it once.
    #[cold]
    fn look_inside(
        &mut self,
        place: usize,
        is_new: bool,
        vantage: Vantage,
        path: &Path,
        packet: &EspPacket<'_>,
    ) {
        let (true, Ok(flow)) = (is_new, u32::try_from(place)) else {
            return;
        };
        let carried = Carried {
            vantage,
            flow: FlowId(flow),
            frame: packet.frame,
            time: packet.time,
        };
        if let Some(opened) = packet.opening.and_then(Opening::opened) {
            self.inner.count(carried, &opened.inner);
        } else if let Some(null) = packet.null
            && let Some(payload) = null.payload(packet.bytes)
        {
            let (from, to) = (path.from.address, path.to.address);
            let inner = Inner::read(null.next_header, payload, from, to);
            self.inner.count(carried, &inner);
        }
    }

    fn ike(&mut self, octets: &[u8], datagram: &Datagram<'_>, time: Timestamp, frames: &[FrameId]) {
        let Some(header) = wire::Header::read(octets) else {
            self.beyond.headless += 1;
            return;
        };
        if header.is_outside_sa() {
            self.outside(&header, octets, datagram, time);
            return;
        }
        if self.model.messages.len() >= self.bounds.messages {
            self.beyond.messages += 1;
            return;
        }
        let reading = self.session.see(octets, datagram, time, frames);
        let (whole, plain, pieces) = match reading.whole {
            Some(whole) => (Some(whole.bytes), whole.reading.plain, whole.reading.frames),
            None => (None, reading.plain, reading.frames),
        };
        let opened = match &plain {
            Plain::Opened(opened) => opened.octets.len(),
            _ => 0,
        };
        let all = octets.len() + whole.as_ref().map_or(0, Bytes::len) + opened;
        let fits = self.message_octets + all <= self.bounds.message_octets;
        let mut cut = datagram.cut;
        let (kept, whole, plain) = match plain {
            // No key will open it. Only which piece of a message it is can be read.
            Plain::Sealed if whole.is_none() => match header.is_fragment() {
                true => (limits::MESSAGE_STUB, None, plain),
                false => (0, None, plain),
            },
            plain if fits => (octets.len(), whole, plain),
            plain => {
                self.beyond.stubs += 1;
                cut = true;
                let plain = match plain {
                    Plain::Opened(_) => Plain::Failed(Why::Limit),
                    plain => plain,
                };
                (limits::MESSAGE_STUB, None, plain)
            }
        };
        let bytes = Octets::new(octets, kept, &self.digest);
        self.message_octets += match whole.is_some() || matches!(plain, Plain::Opened(_)) {
            true => all,
            false => bytes.len(),
        };
        let pieces = match pieces.is_empty() {
            true => frames,
            false => &pieces,
        };
        let pieces = (pieces.len() > 1 || whole.is_some()).then(|| {
            Box::new(Pieces {
                frames: pieces.to_vec(),
                whole,
            })
        });
        self.model.opened_any |= matches!(plain, Plain::Opened(_));
        let message = Message {
            frame: datagram.stamp.frame,
            time,
            vantage: datagram.stamp.vantage,
            station: datagram.stamp.station,
            path: self.paths.route(&datagram.path),
            ip: datagram.ip,
            cut,
            header,
            bytes,
            plain,
            pieces,
        };
        self.model.messages.push(share_of(&message), message);
    }

    /// Counts a message outside of any IKE SA.
    #[cold]
    fn outside(
        &mut self,
        header: &wire::Header,
        octets: &[u8],
        datagram: &Datagram<'_>,
        time: Timestamp,
    ) {
        let (frame, vantage, path) = (datagram.stamp.frame, datagram.stamp.vantage, datagram.path);
        let row = Outside::of(header, octets, vantage, path, (frame, time));
        let rows = &mut self.model.outside;
        let key = (vantage, path, row.alike());
        match self.outside_index.get(&key) {
            Some(place) => {
                if let Some(known) = rows.get_mut(*place) {
                    known.take(&row);
                }
            }
            None if rows.len() < limits::OUTSIDE_KINDS => {
                self.outside_index.insert(key, rows.len());
                rows.push(row);
            }
            None => self.beyond.outside += 1,
        }
    }

    fn icmp(&mut self, error: IcmpError, datagram: &Datagram<'_>, time: Timestamp) {
        let (frame, vantage, path) = (datagram.stamp.frame, datagram.stamp.vantage, datagram.path);
        let rows = &mut self.model.icmp;
        // Alike means about the same SA: how long the quoted packet was is no difference.
        let mut key = error;
        key.quoted.length = 0;
        match self.icmp_index.get(&(vantage, path, key)) {
            Some(place) => {
                if let Some(row) = rows.get_mut(*place) {
                    row.count += 1;
                    row.last = time;
                    row.error.quoted.length = row.error.quoted.length.max(error.quoted.length);
                }
            }
            None if rows.len() < limits::ICMP_KINDS => {
                self.icmp_index.insert((vantage, path, key), rows.len());
                rows.push(IcmpSeen {
                    frame,
                    time,
                    last: time,
                    count: 1,
                    vantage,
                    path,
                    error,
                });
            }
            None => self.beyond.icmp += 1,
        }
    }

    fn keepalive(&mut self, datagram: &Datagram<'_>, time: Timestamp) {
        let (vantage, path, at) = (
            datagram.stamp.vantage,
            datagram.path,
            (datagram.stamp.frame, time),
        );
        let rows = &mut self.model.keepalives;
        match self.keepalive_index.get(&(vantage, path)) {
            Some(place) => {
                if let Some(row) = rows.get_mut(*place) {
                    row.count += 1;
                    row.longest = row.longest.or_longer(row.last, at);
                    row.last = at;
                }
            }
            None if rows.len() < limits::KEEPALIVE_PATHS => {
                self.keepalive_index.insert((vantage, path), rows.len());
                rows.push(Keepalives {
                    vantage,
                    path,
                    count: 1,
                    first: at,
                    last: at,
                    longest: Silence::between(at, at),
                });
            }
            None => self.beyond.keepalives += 1,
        }
    }

    fn fragments(
        &mut self,
        vantage: Vantage,
        path: &Path,
        protocol: u8,
        first: (FrameId, Timestamp),
    ) -> Option<&mut FragmentTrain> {
        let rows = &mut self.model.fragments;
        let (from, to) = (path.from.address, path.to.address);
        let key = (vantage, from, to, protocol);
        let place = match self.fragment_index.get(&key) {
            Some(place) => *place,
            None if rows.len() < limits::FRAGMENT_TRAINS => {
                self.fragment_index.insert(key, rows.len());
                rows.push(FragmentTrain {
                    vantage,
                    from,
                    to,
                    protocol,
                    complete: 0,
                    incomplete: 0,
                    pieces: 0,
                    largest: 0,
                    incomplete_frames: Vec::new(),
                    incomplete_ike: Vec::new(),
                    first,
                    last: first,
                });
                rows.len() - 1
            }
            None => {
                self.beyond.fragments += 1;
                return None;
            }
        };
        rows.get_mut(place)
    }
}

impl Fold for Census {
    fn lanes(&mut self, lanes: &[Lane]) {
        self.lanes.clear();
        self.lanes.resize(lanes.len(), None);
    }

    /// A flow does not depend on any other.
    fn gathers(&self) -> bool {
        true
    }

    fn passes(&mut self, set: u16, times: &Times) -> bool {
        self.clock.pass(set, times)
    }

    fn at(&mut self, set: u16, frame: FrameId, time: Timestamp) {
        self.clock.tick(set, (frame, time));
    }

    fn trains(&mut self, trains: Trains<'_>) {
        self.beyond.esp_packets += self.flows.count(trains);
    }

    #[inline]
    fn esp(&mut self, lane: &Lane, index: usize, packet: &EspPacket<'_>) {
        let place = match self.lanes.get(index) {
            Some(Some(place)) => Some(*place),
            _ => {
                let place = self.flows.at(flow_key(lane), &lane.path, packet);
                if let Some(slot) = self.lanes.get_mut(index) {
                    *slot = place;
                }
                place
            }
        };
        self.count(place, lane.vantage, &lane.path, packet);
    }

    fn datagram(&mut self, datagram: &Datagram<'_>, time: Timestamp, frames: &[FrameId]) {
        let esp_packet = |sequence, length| EspPacket {
            frame: datagram.stamp.frame,
            time,
            sequence,
            length,
            ttl: datagram.ip.ttl,
            traffic_class: datagram.ip.traffic_class,
            cut: datagram.cut,
            dont_fragment: datagram.ip.dont_fragment,
            padded: datagram.ip.padded,
            fragmented: datagram.ip.pieces > 1,
            null: None,
            bytes: &[],
            opening: None,
            payload: &[],
        };
        let (vantage, path) = (datagram.stamp.vantage, &datagram.path);
        match datagram.body {
            Body::Ike(octets) => self.ike(octets, datagram, time, frames),
            Body::Esp(esp) => {
                let packet = EspPacket {
                    null: esp.null,
                    bytes: esp.bytes,
                    opening: esp.opening,
                    ..esp_packet(esp.header.sequence, esp.length)
                };
                let place = self
                    .flows
                    .at(key_of(vantage, esp.header.spi, path), path, &packet);
                self.count(place, vantage, path, &packet);
            }
            Body::Ah(ah) => {
                let packet = esp_packet(ah.header.sequence, ah.length);
                let key = FlowKey {
                    ah: true,
                    ..key_of(vantage, ah.header.spi, path)
                };
                let place = self.flows.at(key, path, &packet);
                self.count(place, vantage, path, &packet);
            }
            Body::Keepalive => self.keepalive(datagram, time),
            Body::Icmp(error) => self.icmp(error, datagram, time),
            Body::Fragment(_)
            | Body::Clear(_)
            | Body::Refused(_)
            | Body::Segment(_)
            | Body::Learned(_) => {}
        }
    }

    fn reassembled(&mut self, whole: &Whole) {
        let at = (whole.stamp.frame, whole.time);
        if !is_ours(whole.protocol, Some(&whole.payload)) {
            return;
        }
        if let Some(row) = self.fragments(whole.stamp.vantage, &whole.path, whole.protocol, at) {
            row.complete += 1;
            row.pieces += u64::from(whole.ip.pieces);
            row.largest = row.largest.max(whole.largest);
            row.last = at;
        }
    }

    fn incomplete(&mut self, train: Incomplete) {
        if !is_ours(train.protocol, train.head.as_deref()) {
            return;
        }
        let at = (train.stamp.frame, train.time);
        let Some(row) = self.fragments(train.stamp.vantage, &train.path, train.protocol, at) else {
            return;
        };
        row.incomplete += 1;
        row.pieces += u64::from(train.pieces);
        row.largest = row.largest.max(train.largest);
        row.last = row.last.max(at);
        let free = limits::INCOMPLETE_FRAMES.saturating_sub(row.incomplete_frames.len());
        row.incomplete_frames.extend(train.frames.iter().take(free));
        if let Some(header) = train.head.as_deref().and_then(ike_header)
            && row.incomplete_ike.len() < limits::INCOMPLETE_FRAMES
        {
            row.incomplete_ike.push((train.stamp.frame, header));
        }
    }

    fn keys(&mut self) -> Vec<EspKeys> {
        self.session.take_keys()
    }

    fn database(&mut self, database: &Sadb) {
        self.flows.name_keys(database);
        self.model.blind.extend(unusable(database));
    }

    fn blind(&mut self, blind: Blind) {
        self.model.blind.push(blind);
    }

    fn too_deep(&mut self, frames: u64) {
        self.beyond.too_deep += frames;
    }

    fn clear(&mut self, flow: ClearFlow) {
        let rows = &mut self.model.clear;
        let key = (flow.vantage, flow.from, flow.to, flow.protocol);
        match self.clear_index.get(&key) {
            Some(place) => {
                if let Some(row) = rows.get_mut(*place) {
                    row.take(flow);
                }
            }
            None if rows.len() < limits::CLEAR_FLOWS => {
                self.clear_index.insert(key, rows.len());
                rows.push(flow);
            }
            None => self.beyond.clear += flow.packets,
        }
    }
}

/// Keys that could not be used, by reason.
fn unusable(database: &Sadb) -> Vec<Blind> {
    let mut reasons: BTreeMap<(bool, &Text), BTreeSet<&Origin>> = BTreeMap::new();
    for unusable in database.unusable() {
        let origins = reasons.entry((unusable.ah, &unusable.why)).or_default();
        origins.insert(&unusable.origin);
    }
    let mut told: Vec<Blind> = reasons
        .into_iter()
        .map(|((ah, why), origins)| {
            let others = origins.len().saturating_sub(1) as u64;
            let origin = Text::from(origins.first().map(Text::verbatim));
            let origins = match others {
                0 => origin,
                _ => all_of([origin, count(others, "other")]),
            };
            Blind {
                what: match ah {
                    true => say!(
                        "whether the AH packets are authentic that keys of {origins} protect",
                        origins
                    ),
                    false => say!("what the ESP keys of {origins} protect", origins),
                },
                why: why.clone(),
            }
        })
        .collect();
    if database.beyond() > 0 {
        told.push(Blind {
            what: match database.beyond() {
                1 => "what 1 further key of ESP opens".into(),
                n => say!("what {n} further keys of ESP open", n),
            },
            why: say!(
                "more than {limit} keys have the same SPI",
                limit = limits::SADB_CANDIDATES
            ),
        });
    }
    told
}

/// UDP fragments may be anyone's: only the ports in the first piece tell. So may those behind IPv6
/// destination options, unless the first piece told what follows them.
fn is_ours(protocol: u8, head: Option<&[u8]>) -> bool {
    const UDP: u8 = 17;
    matches!(protocol, 50 | 51 | 141)
        || protocol == UDP
            && head
                .and_then(|head| head.first_chunk())
                .is_some_and(|[a, b, c, d]| {
                    let ports = [u16::from_be_bytes([*a, *b]), u16::from_be_bytes([*c, *d])];
                    ports.iter().any(|port| matches!(port, 500 | 848 | 4500))
                })
}

/// The IKE header at the start of an IP payload whose rest is missing.
fn ike_header(head: &[u8]) -> Option<wire::Header> {
    let udp = head.get(8..)?;
    match wire::natt::Content::of(udp, !udp_port_of_ike(head)) {
        wire::natt::Content::Ike(message) => wire::Header::read(message),
        _ => None,
    }
}

/// Whether a port is one where IKE stands alone.
fn udp_port_of_ike(head: &[u8]) -> bool {
    let is_ike = |at: usize| {
        head.get(at..at + 2)
            .and_then(|octets| octets.first_chunk())
            .is_some_and(|port| matches!(u16::from_be_bytes(*port), 500 | 848))
    };
    is_ike(0) || is_ike(2)
}

/// Why what was met after so many is not told.
fn beyond(limit: usize) -> Text {
    say!(
        "more than {limit} were met; the rest is counted but not judged",
        limit
    )
}

impl Beyond {
    fn told(&self, bounds: &Bounds) -> Vec<Blind> {
        let limit = |number: u64, what: Text, limit: usize| {
            (number > 0).then(|| Blind {
                what,
                why: beyond(limit),
            })
        };
        [
            limit(
                self.messages,
                count(self.messages, "IKE message"),
                bounds.messages,
            ),
            limit(
                self.esp_packets,
                say!(
                    "{packets} of further SAs",
                    packets = count(self.esp_packets, "ESP or AH packet")
                ),
                bounds.flows,
            ),
            limit(
                self.icmp,
                say!(
                    "{errors} of further kinds",
                    errors = count(self.icmp, "ICMP error")
                ),
                limits::ICMP_KINDS,
            ),
            limit(
                self.outside,
                say!(
                    "{messages} outside of any IKE SA, of further kinds",
                    messages = count(self.outside, "IKE message")
                ),
                limits::OUTSIDE_KINDS,
            ),
            limit(
                self.keepalives,
                say!(
                    "{keepalives} on further paths",
                    keepalives = count(self.keepalives, "NAT keepalive")
                ),
                limits::KEEPALIVE_PATHS,
            ),
            limit(
                self.fragments,
                say!(
                    "{packets} of further pairs",
                    packets = count(self.fragments, "fragmented packet")
                ),
                limits::FRAGMENT_TRAINS,
            ),
            limit(
                self.clear,
                say!(
                    "{packets} in clear of further pairs",
                    packets = count(self.clear, "packet")
                ),
                limits::CLEAR_FLOWS,
            ),
            (self.untimed > 0).then(|| Blind {
                what: say!(
                    "what returns steadily in {flows}",
                    flows = count(self.untimed, "ESP flow")
                ),
                why: say!(
                    "the sizes of no more than {limit} flows are timed",
                    limit = bounds.rhythm_flows
                ),
            }),
            (self.stubs > 0).then(|| Blind {
                what: say!(
                    "the payloads of {messages}",
                    messages = count(self.stubs, "IKE message")
                ),
                why: say!(
                    "{size} MiB of messages were kept; later ones keep {octets} octets each",
                    size = bounds.message_octets >> 20,
                    octets = limits::MESSAGE_STUB
                ),
            }),
            (self.headless > 0).then(|| Blind {
                what: count(self.headless, "IKE message"),
                why: "the capture kept fewer octets of them than an IKE header has".into(),
            }),
            (self.too_deep > 0).then(|| Blind {
                what: say!("what {frames} hold", frames = count(self.too_deep, "frame")),
                why: say!(
                    "they are nested in {limit} layers, or more, and no more are read",
                    limit = limits::ENCAP_LAYERS
                ),
            }),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}
