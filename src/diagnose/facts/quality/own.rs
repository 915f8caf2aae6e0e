//! Gaps in ESP that are the capture's own: no path can have lost what an end sends before it comes to
//! the tap beside that end, nor what another tap has.

use crate::diagnose::facts::esp::Directions;
use crate::model::{Transport, Tunnel};

/// The initial TTLs (hop limits) of common systems: no router has lowered such a one yet.
const INITIAL: [u8; 3] = [64, 128, 255];

/// Fewer packets tell no share of loss.
const PLENTY: u64 = 30;

/// The end whose packets come to the tap as they were sent, if those of the other end do not: the tap
/// stands beside it.
pub fn end(directions: &Directions<'_>) -> Option<usize> {
    let untouched = |end: usize| {
        let mut flows = directions.flows(1 - end).iter().peekable();
        flows.peek()?;
        let mut ttls = flows.map(|flow| flow.ttl);
        let first = ttls.next()?;
        // A way that changes shows other values: then nothing is certain.
        let steady = first.0 == first.1 && ttls.all(|ttl| ttl == first);
        steady.then(|| INITIAL.contains(&first.0))
    };
    match (untouched(0)?, untouched(1)?) {
        (true, false) => Some(0),
        (false, true) => Some(1),
        _ => None,
    }
}

/// Whether the gaps in the packets towards an end are those of the capture itself: it also lacks
/// packets of the end that it stands beside, which no path can have lost, and no fewer.
pub fn is_capture_loss(tunnel: &Tunnel, directions: &Directions<'_>, towards: usize) -> bool {
    let Some(own) = end(directions) else {
        return recorded_elsewhere(tunnel, directions, towards);
    };
    let (own_missing, own_packets) = tally(directions, 1 - own);
    let (far_missing, far_packets) = tally(directions, own);
    let both = own_missing > 0 && far_missing > 0;
    let plenty = own_packets >= PLENTY && far_packets >= PLENTY;
    // What the far side would lack if the capture lost as much of it; chance may add to that.
    let expected = own_missing as f64 * far_packets as f64 / own_packets.max(1) as f64;
    let alike = far_missing as f64 <= expected + 3.0 * expected.sqrt() + 3.0;
    let own_lost = both && plenty && (towards != own || alike);
    own_lost || recorded_elsewhere(tunnel, directions, towards)
}

/// Whether another tap, at this place or behind it, has most of what this one lacks.
fn recorded_elsewhere(tunnel: &Tunnel, directions: &Directions<'_>, towards: usize) -> bool {
    let (missing, _) = tally(directions, towards);
    let most = tunnel
        .taps
        .iter()
        .filter_map(|pair| {
            let tap = pair.index(directions.vantage)?;
            Some(pair.unrecorded(towards, tap))
        })
        .max()
        .unwrap_or(0);
    most > 0 && most.saturating_mul(2) > missing
}

/// Missing and present packets towards an end; TCP sends lost ones again.
fn tally(directions: &Directions<'_>, towards: usize) -> (u64, u64) {
    directions
        .flows(towards)
        .iter()
        .filter(|flow| flow.key.transport != Transport::Tcp)
        .fold((0, 0), |(missing, packets), flow| {
            (missing + flow.sequence.missing, packets + flow.packets)
        })
}

/// Packets that the capture itself lost, in both directions: `None` if none are proven.
pub fn capture_lost(tunnel: &Tunnel, directions: &Directions<'_>) -> Option<u64> {
    let lost: u64 = [0, 1]
        .into_iter()
        .filter(|towards| is_capture_loss(tunnel, directions, *towards))
        .map(|towards| tally(directions, towards).0)
        .sum();
    (lost > 0).then_some(lost)
}
