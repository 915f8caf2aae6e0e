//! Packets in clear that should have been in a tunnel.

use super::{clear, end_of, esp, inner, is_private, is_selected, is_shared};
use crate::diagnose::Case;
use crate::limits;
use crate::model::{ClearFlow, DOUBLED, EspFlow, FlowId, Model, selector};
use crate::units::{Span, Vantage};
use std::cell::LazyCell;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Fewer packets than these may be the one that started the tunnel.
pub const FEW: u64 = 2;

/// What a tunnel has lying beside it in clear. Whatever is a question of all that the link shows is asked once
/// for all of them.
#[derive(Debug, Default)]
pub struct Leaks<'m> {
    rows: Vec<&'m ClearFlow>,
    /// Where they were recorded, and whether many parties share the link.
    vantages: BTreeMap<Vantage, bool>,
}

impl<'m> Leaks<'m> {
    /// Those of a tunnel, in order.
    pub fn of(case: &Case<'m>) -> Self {
        let strangers: Vec<&ClearFlow> = clear::flows(case)
            .filter(|clear| is_between_strangers(case, clear))
            .collect();
        let mut vantages: BTreeMap<Vantage, bool> = BTreeMap::new();
        for clear in &strangers {
            let shared = || is_shared_link(case, clear.vantage);
            vantages.entry(clear.vantage).or_insert_with(shared);
        }
        let mut leaks = Self {
            rows: Vec::new(),
            vantages,
        };
        let esp = LazyCell::new(|| Received::of(case.model, &leaks.vantages));
        let is_leak = |clear: &&ClearFlow| {
            let transit = leaks.are_in_transit(case, clear);
            is_leak(case, clear, transit, &esp)
        };
        leaks.rows = strangers.into_iter().filter(is_leak).collect();
        leaks
    }

    /// The packets, in order.
    pub fn rows(&self) -> &[&'m ClearFlow] {
        &self.rows
    }

    /// Whether they were recorded on a link that tunnels of other parties share: what is in clear there need not
    /// be of this tunnel, unless one of its gateways let them out.
    pub fn are_in_transit(&self, case: &Case<'_>, clear: &ClearFlow) -> bool {
        sender(case, clear).is_none() && self.vantages.get(&clear.vantage).copied().unwrap_or(false)
    }
}

/// The gateway of the tunnel that let packets in clear out, if one is known to have.
pub fn sender(case: &Case<'_>, clear: &ClearFlow) -> Option<IpAddr> {
    let gateway = clear.gateway?;
    end_of(case.tunnel, gateway).map(|_| gateway)
}

/// Whether both addresses are private, and neither is of the tunnel's gateways or of a network with one of them:
/// the tunnel has the packets as the first of their vantage, or by its selectors.
fn is_between_strangers(case: &Case<'_>, clear: &ClearFlow) -> bool {
    let ends = case.tunnel.ends;
    let mut outer = [clear.from, clear.to].into_iter();
    outer.all(|address| {
        is_private(address)
            && end_of(case.tunnel, address).is_none()
            && !ends.into_iter().any(|end| same_network(address, end))
    }) && !same_network(clear.from, clear.to)
}

/// Whether these packets should have been in the tunnel.
fn is_leak(case: &Case<'_>, clear: &ClearFlow, transit: bool, esp: &Received<'_>) -> bool {
    let known = [clear.from, clear.to].map(|address| is_selected(case, address));
    let answers = LazyCell::new(|| answers_inside(case, clear));
    // What the selectors name belongs inside whatever it asks for. Where they are known, packets of which
    // neither end is in them are of somebody else.
    let asks = match known {
        [Some(true), Some(true)] => clear.packets,
        _ if !known.contains(&Some(false)) && !transit && follows_esp(case, clear) => clear.packets,
        _ if answers.is_some() => clear.packets,
        _ => clear.requests,
    };
    if are_few(clear, asks) || known == [Some(false); 2] {
        return false;
    }
    // What a router turns back did leave.
    let left = || clear.refused.as_deref().is_some_and(clear::is_turned_back);
    let is_copy = || {
        let copied = esp.may_hold(case, clear) && !is_cut_off(case, clear) && !left();
        let told = || answers.is_some_and(|(_, sight)| sight == Sight::Clear);
        copied && !told()
    };
    after_beginning(case, clear) && !answered_in_clear(case.model, clear) && !is_copy()
}

/// Whether so many of them are too few, or all came at once: then it may be one that was recorded twice.
fn are_few(clear: &ClearFlow, count: u64) -> bool {
    count < FEW || clear.seen.last.1.since(clear.seen.first.1) <= DOUBLED
}

/// Whether an answer inside the tunnel would have been seen.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Sight {
    /// All ESP was opened that may hold it.
    Clear,
    /// Some was not.
    Dim,
}

/// Whether these packets go where something inside the tunnel is asked for in vain, from who is asked, by the same
/// protocol: they are the answers. Gives the end that lets them out, too.
pub fn answers_inside(case: &Case<'_>, clear: &ClearFlow) -> Option<(usize, Sight)> {
    if clear.packets <= clear.requests {
        return None;
    }
    let inside = case.inside()?;
    let asking = inside.in_vain(clear.vantage, (clear.to, clear.from), clear.protocol)?;
    let silent = asking.unanswered(case.model)?;
    let during = (silent.first.1, silent.last.1);
    let sight = match inside.would_see(clear.vantage, asking.end, silent.requests, during) {
        true => Sight::Clear,
        false => Sight::Dim,
    };
    Some((asking.end, sight))
}

/// Whether the selectors are known to hold both addresses.
pub fn is_served(case: &Case<'_>, clear: &ClearFlow) -> bool {
    [clear.from, clear.to].map(|address| is_selected(case, address)) == [Some(true); 2]
}

/// Whether ESP of one direction had stopped just before the first of them, and none of it came until the last:
/// what went in it may go on beside it. Connections that stand ask for nothing any more.
fn follows_esp(case: &Case<'_>, clear: &ClearFlow) -> bool {
    const JUST: Span = Span::from_secs(10);
    if has_private_ends(case) {
        return false;
    }
    let (first, last) = (clear.seen.first.1, clear.seen.last.1);
    let from = first.later(Span(-JUST.0));
    let Some(here) = case.directions_at(clear.vantage) else {
        return false;
    };
    [0, 1].into_iter().any(|end| {
        let mut just = here.alive(end, from, first).peekable();
        just.peek().is_some() && here.alive(end, first, last).next().is_none()
    })
}

/// Whether packets between these addresses were asked for and not granted: no ESP holds them.
pub fn is_cut_off(case: &Case<'_>, clear: &ClearFlow) -> bool {
    let mut narrowed = case.narrowings().iter();
    narrowed.any(|one| !one.served && one.cuts_off(clear.from, clear.to))
}

/// Whether packets that no SA takes leave the tunnel's gateway: they ask for answers, none comes in clear, and
/// the link is not one of private addresses, which may lie inside.
pub fn leaves(case: &Case<'_>, clear: &ClearFlow) -> bool {
    !are_few(clear, clear.requests)
        && !answered_in_clear(case.model, clear)
        && !has_private_ends(case)
}

/// Whether they go on after the tunnel was first spoken of: what came before may have started it.
fn after_beginning(case: &Case<'_>, clear: &ClearFlow) -> bool {
    let ike = case
        .tunnel
        .ike_sas
        .iter()
        .map(|id| case.model.ike_sas[*id].seen.first.1);
    let esp = case
        .tunnel
        .flows
        .iter()
        .map(|id| case.model.flows[*id].seen.first.1);
    ike.chain(esp)
        .min()
        .is_some_and(|first| clear.seen.last.1 > first)
}

/// Whether the other direction is in clear too: then the tap sees a network where that is normal.
fn answered_in_clear(model: &Model, clear: &ClearFlow) -> bool {
    model.clear.iter().any(|other| {
        other.packets > 0
            && other.vantage == clear.vantage
            && other.protocol == clear.protocol
            && other.from == clear.to
            && other.to == clear.from
    })
}

/// ESP by where it was recorded and who receives it, those who receive most first.
struct Received<'m> {
    at: BTreeMap<Vantage, Vec<Receiver<'m>>>,
}

/// The flows to one receiver.
struct Receiver<'m> {
    frames: u64,
    flows: Vec<&'m EspFlow>,
}

impl<'m> Received<'m> {
    /// All ESP of some vantages.
    fn of(model: &'m Model, vantages: &BTreeMap<Vantage, bool>) -> Self {
        let mut receivers: BTreeMap<(Vantage, IpAddr), Receiver<'m>> = BTreeMap::new();
        let here = model.flows.iter();
        for flow in here.filter(|flow| vantages.contains_key(&flow.key.vantage)) {
            let receiver = receivers.entry((flow.key.vantage, flow.key.to));
            let receiver = receiver.or_insert_with(|| Receiver {
                frames: 0,
                flows: Vec::new(),
            });
            let frames = esp::frames_about(flow, flow.seen.first.1, flow.seen.last.1);
            receiver.frames = receiver.frames.saturating_add(frames);
            receiver.flows.push(flow);
        }
        let mut at: BTreeMap<Vantage, Vec<Receiver<'m>>> = BTreeMap::new();
        for ((vantage, _), receiver) in receivers {
            at.entry(vantage).or_default().push(receiver);
        }
        for receivers in at.values_mut() {
            receivers.sort_by_key(|receiver| std::cmp::Reverse(receiver.frames));
        }
        Self { at }
    }

    /// Whether ESP of one direction may accompany every one of these packets: Linux shows inbound packets again
    /// after decryption. One SA follows another meanwhile, so all that go to one receiver count together. Of so
    /// many flows that it cannot be told in time, some may.
    fn may_hold(&self, case: &Case<'_>, clear: &ClearFlow) -> bool {
        /// A copy follows its packet within this time.
        const AT_ONCE: Span = Span::from_millis(200);
        let (first, last) = (clear.seen.first.1, clear.seen.last.1);
        let from = first.later(Span(-AT_ONCE.0));
        let elsewhere =
            [0, 1].map(|end| LazyCell::new(move || comes_out_elsewhere(case, clear, end)));
        let mut looked_at = 0;
        let receivers = self.at.get(&clear.vantage).into_iter().flatten();
        for receiver in receivers.take_while(|receiver| receiver.frames >= clear.packets) {
            let (mut packets, mut began) = (0u64, false);
            for flow in &receiver.flows {
                looked_at += 1;
                if looked_at > limits::COPY_FLOWS {
                    return true;
                }
                let seen = flow.seen;
                // Of packets in clear that all but the first lie in a silence of its, none is a copy.
                let is_silent = || {
                    let mut silences = flow.silences.iter();
                    silences.any(|silence| silence.before.1 <= first && silence.after.1 >= last)
                };
                // What was in ESP comes out where the selectors have the address that it goes to.
                let goes_elsewhere = || {
                    let end = case.tunnel.destination(flow);
                    end.and_then(|end| elsewhere.get(end))
                        .is_some_and(|elsewhere| **elsewhere)
                };
                let is_apart = seen.first.1 > last || seen.last.1 < from;
                // So they do not if all come after its end, the last of them too late for a copy.
                let has_ended = seen.last.1 <= first && last.since(seen.last.1) > AT_ONCE;
                if is_apart
                    || has_ended
                    || is_of_others(clear, flow)
                    || is_silent()
                    || goes_elsewhere()
                    || is_read_without(case, clear, flow)
                {
                    continue;
                }
                // Packets in clear are counted with copies, too.
                packets = packets.saturating_add(esp::frames_about(flow, from, last));
                began |= seen.first.1 <= first;
                if began && packets >= clear.packets {
                    return true;
                }
            }
        }
        false
    }
}

/// Whether all of a flow of the tunnel was read, and nothing between these addresses was in it meanwhile.
fn is_read_without(case: &Case<'_>, clear: &ClearFlow, flow: &EspFlow) -> bool {
    let Some(inside) = case.inside() else {
        return false;
    };
    // Of more conversations than are kept it is not known what there was.
    let whole = case.model.inner.len() < limits::INNER_FLOWS;
    let ours = case.flows().any(|own| own.key == flow.key);
    let holds = || {
        inside.talks().any(|talk| {
            let ways = talk.ways.iter().zip(talk.ends.iter());
            let mut ways = ways.filter(|(_, from)| from.address == clear.from);
            let both = talk.ends.iter().any(|end| end.address == clear.to);
            both && ways.any(|(way, _)| {
                let mut carriers = way.carriers.iter();
                carriers.any(|carrier| case.model.flows[carrier.flow].key == flow.key)
            })
        })
    };
    ours && whole && inner::is_readable(flow) && !holds()
}

/// Whether a gateway let packets in clear out that is no end of a flow. A copy has the link-layer source of the packet
/// that it was in; what is forwarded after decryption has that of the gateway that received it.
fn is_of_others(clear: &ClearFlow, flow: &EspFlow) -> bool {
    let sender = flow.paths.first().map(|path| path.from.address);
    clear
        .gateway
        .is_some_and(|gateway| gateway != flow.key.to && Some(gateway) != sender)
}

/// Whether packets that an end should send in the tunnel pass in clear while none of its ESP does.
pub fn goes_past(case: &Case<'_>, clear: &ClearFlow, end: usize) -> bool {
    let (first, last) = (clear.seen.first.1, clear.seen.last.1);
    let here = case.directions_at(clear.vantage);
    comes_out_elsewhere(case, clear, end)
        && here.is_some_and(|here| here.alive(1 - end, first, last).next().is_none())
}

/// Whether what an end should send in the tunnel leaves in clear, as selectors that were read tell, or what is asked
/// inside.
pub fn leave_from(case: &Case<'_>, end: usize) -> bool {
    case.leaks().rows().iter().any(|clear| {
        let answers = || answers_inside(case, clear).is_some_and(|(from, _)| from == end);
        is_served(case, clear) && comes_out_elsewhere(case, clear, end) || answers()
    })
}

/// Whether selectors take these packets, and none of them towards this end.
fn comes_out_elsewhere(case: &Case<'_>, clear: &ClearFlow, receiver: usize) -> bool {
    let towards = |end: usize| {
        case.lives().iter().any(|life| {
            let sides = life.sides.get(1 - end).zip(life.sides.get(end));
            sides.is_some_and(|(from, to)| {
                selector::holds(from, clear.from) && selector::holds(to, clear.to)
            })
        })
    };
    towards(1 - receiver) && !towards(receiver)
}

/// Whether a vantage has a tunnel between two other parties: then it is a link that many share, and
/// what is in clear there need not be of this tunnel.
fn is_shared_link(case: &Case<'_>, vantage: Vantage) -> bool {
    let mut others = case.model.tunnels.iter();
    others.any(|other| {
        let here = |id: &FlowId| case.model.flows[*id].key.vantage == vantage;
        other
            .ends
            .iter()
            .all(|end| end_of(case.tunnel, *end).is_none())
            && other.flows.iter().any(here)
    })
}

/// Whether a gateway itself has a private address: then private addresses on its link are no wonder.
pub fn has_private_ends(case: &Case<'_>) -> bool {
    let mut ends = case.tunnel.ends.into_iter();
    ends.any(|end| is_private(end) || is_shared(end))
}

/// Whether two addresses may lie in one local network: the same /24, in IPv6 /64.
fn same_network(a: IpAddr, b: IpAddr) -> bool {
    match (a, b) {
        (IpAddr::V4(a), IpAddr::V4(b)) => a.to_bits() >> 8 == b.to_bits() >> 8,
        (IpAddr::V6(a), IpAddr::V6(b)) => a.to_bits() >> 64 == b.to_bits() >> 64,
        _ => false,
    }
}
