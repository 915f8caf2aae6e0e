//! Packets of a conversation to a model, as the census would fill it.

use super::line::{Packet, What};
use crate::census::flow::FlowCounter;
use crate::census::inner::{Carried, InnerCensus};
use crate::fold::EspPacket;
use crate::keys::Origin;
use crate::limits;
use crate::model::shares::share_of;
use crate::model::table::Id;
use crate::model::{
    ClearFlow, FlowId, FlowKey, FragmentTrain, IcmpSeen, Input, Keepalives, Message, Model, Octets,
    Opened, Outside, Plain, Refusal, Seen, Silence, Transport,
};
use crate::net::{IpFacts, Opening};
use crate::registry::PayloadType;
use crate::units::{FrameId, Timestamp, Vantage};
use crate::wire::Header;
use std::sync::Arc;

/// Counts the packets, which are sorted by time.
pub(super) fn fold(packets: &[Packet]) -> Model {
    let mut model = Model::default();
    let mut flows: Vec<(FlowKey, FlowCounter)> = Vec::new();
    let mut inner = InnerCensus::default();
    let inputs = packets.iter().map(|packet| packet.tap).max().unwrap_or(0);
    for input in 0..=inputs {
        model.inputs.push(Input {
            path: format!("tap {input}"),
            name: format!("tap {input}"),
            set: input,
            format: "conversation".to_owned(),
            ..Input::default()
        });
    }
    for packet in packets {
        let Some(input) = model.inputs.get_mut(usize::from(packet.tap)) else {
            continue;
        };
        input.frames += 1;
        input.first.get_or_insert(packet.time);
        input.last = Some(packet.time);
        let frame = FrameId {
            input: packet.tap,
            number: input.frames,
        };
        let vantage = Vantage {
            input: packet.tap,
            interface: 0,
        };
        let here = (frame, packet.time);
        match &packet.what {
            What::Ike { .. } => push_message(&mut model, packet, frame, vantage),
            What::Esp { opening, .. } => {
                let counted = count_esp(&mut flows, packet, here, vantage);
                let opened = opening.as_ref().and_then(Opening::opened);
                if let (Some((flow, true)), Some(opened)) = (counted, opened) {
                    let carried = Carried {
                        vantage,
                        flow,
                        frame,
                        time: packet.time,
                    };
                    inner.count(carried, &opened.inner);
                }
            }
            What::Refused(error) => {
                let row = ClearFlow {
                    vantage,
                    from: error.quoted.from.address,
                    to: error.quoted.to.address,
                    protocol: error.quoted.protocol,
                    packets: 0,
                    bytes: 0,
                    requests: 0,
                    seen: Seen {
                        first: here,
                        last: here,
                    },
                    station: packet.station,
                    gateway: None,
                    tunnels: 0,
                    refused: Some(Box::new(Refusal {
                        by: packet.path.from.address,
                        error: *error,
                        at: here,
                        count: 1,
                    })),
                };
                add_clear(&mut model.clear, row);
            }
            What::Icmp(error) => {
                let alike = model.icmp.iter_mut().find(|seen| {
                    seen.error == *error && seen.path == packet.path && seen.vantage == vantage
                });
                match alike {
                    Some(seen) => {
                        seen.count += 1;
                        seen.last = packet.time;
                    }
                    None => model.icmp.push(IcmpSeen {
                        frame,
                        time: packet.time,
                        last: packet.time,
                        count: 1,
                        vantage,
                        path: packet.path,
                        error: *error,
                    }),
                }
            }
            What::Keepalive => {
                let known = model
                    .keepalives
                    .iter_mut()
                    .find(|seen| seen.path == packet.path && seen.vantage == vantage);
                match known {
                    Some(seen) => {
                        seen.count += 1;
                        seen.longest = seen.longest.or_longer(seen.last, here);
                        seen.last = here;
                    }
                    None => model.keepalives.push(Keepalives {
                        vantage,
                        path: packet.path,
                        count: 1,
                        first: here,
                        last: here,
                        longest: Silence::between(here, here),
                    }),
                }
            }
            What::Clear {
                protocol,
                size,
                request,
            } => {
                let (from, to) = (packet.path.from.address, packet.path.to.address);
                let row = ClearFlow {
                    vantage,
                    from,
                    to,
                    protocol: *protocol,
                    packets: 1,
                    bytes: u64::from(*size),
                    requests: u64::from(*request),
                    seen: Seen {
                        first: here,
                        last: here,
                    },
                    station: packet.station,
                    gateway: None,
                    tunnels: 0,
                    refused: None,
                };
                add_clear(&mut model.clear, row);
            }
            What::Fragments {
                protocol,
                complete,
                incomplete,
                pieces,
                largest,
            } => model.fragments.push(FragmentTrain {
                vantage,
                from: packet.path.from.address,
                to: packet.path.to.address,
                protocol: *protocol,
                complete: *complete,
                incomplete: *incomplete,
                pieces: *pieces,
                largest: *largest,
                incomplete_ike: Vec::new(),
                incomplete_frames: if *incomplete > 0 { vec![frame] } else { vec![] },
                first: here,
                last: here,
            }),
        }
    }
    (model.inner, model.inner_errors, model.blind) = inner.finish();
    for (key, flow) in flows {
        model.flows.push(flow.finish(key));
    }
    model
}

fn push_message(model: &mut Model, packet: &Packet, frame: FrameId, vantage: Vantage) {
    let What::Ike {
        bytes,
        sealed,
        opened,
        pieces,
        cut,
    } = &packet.what
    else {
        return;
    };
    let Some(header) = Header::read(bytes) else {
        return;
    };
    if header.is_outside_sa() {
        let row = Outside::of(&header, bytes, vantage, packet.path, (frame, packet.time));
        let key = |row: &Outside| (row.vantage, row.path, row.alike());
        let mut known = model.outside.iter_mut();
        match known.find(|known| key(known) == key(&row)) {
            Some(known) => known.take(&row),
            None => model.outside.push(row),
        }
        return;
    }
    let marker = if packet.path.from.port == Some(500) {
        0
    } else {
        4
    };
    let ip = if packet.path.from.address.is_ipv6() {
        40
    } else {
        20
    };
    model.opened_any |= opened.is_some();
    let message = Message {
        frame,
        time: packet.time,
        vantage,
        station: packet.station,
        path: packet.path.into(),
        ip: IpFacts {
            ttl: packet.ttl,
            traffic_class: packet.class,
            dont_fragment: packet.df,
            padded: packet.padded,
            length: u32::try_from(ip + 8 + marker + bytes.len()).unwrap_or(u32::MAX),
            pieces: *pieces,
        },
        cut: *cut,
        header,
        bytes: Octets::whole(bytes),
        pieces: None,
        plain: match (sealed, opened) {
            (false, _) => Plain::Clear,
            (true, None) => Plain::Sealed,
            (true, Some((first, octets))) => Plain::Opened(Arc::new(Opened {
                first: PayloadType(*first),
                octets: octets.clone().into(),
                is_part: false,
                iv: Vec::new(),
                pad_length: 0,
                icv_ok: None,
                hash_ok: None,
                key: Origin {
                    file: "conversation".to_owned(),
                    line: 1,
                },
            })),
        },
    };
    model.messages.push(share_of(&message), message);
}

/// Counts a packet of ESP or AH; gives its flow, and whether it is none that came before.
fn count_esp(
    flows: &mut Vec<(FlowKey, FlowCounter)>,
    packet: &Packet,
    (frame, time): (FrameId, Timestamp),
    vantage: Vantage,
) -> Option<(FlowId, bool)> {
    let What::Esp {
        ah,
        spi,
        sequence,
        size,
        pieces,
        ref opening,
    } = packet.what
    else {
        return None;
    };
    let key = FlowKey {
        vantage,
        ah,
        transport: Transport::of(&packet.path.encap),
        spi,
        to: packet.path.to.address,
    };
    let packet_of_flow = EspPacket {
        frame,
        time,
        sequence,
        length: size,
        ttl: packet.ttl,
        traffic_class: packet.class,
        cut: false,
        dont_fragment: packet.df,
        padded: packet.padded,
        fragmented: pieces > 1,
        null: None,
        bytes: &[],
        opening: opening.as_ref(),
        payload: &[],
    };
    let place = match flows.iter().position(|(known, _)| *known == key) {
        Some(place) => place,
        None => {
            let flow = FlowCounter::new(packet.path, &packet_of_flow, limits::FLOW_HOLES, true);
            flows.push((key, flow));
            flows.len() - 1
        }
    };
    let (_, flow) = flows.get_mut(place)?;
    flow.takes(&packet.path, &packet_of_flow);
    Some((
        FlowId::from_index(u32::try_from(place).ok()?),
        flow.count(&packet_of_flow),
    ))
}

fn add_clear(rows: &mut Vec<ClearFlow>, row: ClearFlow) {
    let pair = |row: &ClearFlow| (row.from, row.to, row.protocol, row.vantage);
    match rows.iter_mut().find(|known| pair(known) == pair(&row)) {
        Some(known) => known.take(row),
        None => rows.push(row),
    }
}
