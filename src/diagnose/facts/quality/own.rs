//! Gaps in ESP that are the capture's own: no path can have lost what an end sends before it comes to
//! the tap beside that end, nor what another tap has.

use crate::diagnose::facts::esp::Directions;
use crate::model::{Transport, Tunnel};
use crate::net::INITIAL_TTLS;

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
        steady.then(|| INITIAL_TTLS.contains(&first.0))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnose::Case;
    use crate::model::TunnelId;
    use crate::testing::model;

    /// Numbers from 1 on of which so many are missing, each beside one that came.
    fn holes(packets: u32, missing: u32) -> String {
        let missed = (0..missing).map(|hole| format!("{},", 2 * hole + 1));
        missed.collect::<String>() + &format!("{}..{}", 2 * missing + 1, packets + missing)
    }

    #[test]
    fn loss_is_the_captures_own_as_far_as_it_also_lacks_what_passes_untouched() {
        // The tap stands beside A: what A sends comes untouched.
        let own = |missing: u32| {
            let model = model(&format!(
                "0 A > B ESP 0xb1 seq {} every 0.01 ttl=64
                 0 B > A ESP 0xa1 seq {} every 0.01 ttl=60",
                holes(1000, 25),
                holes(1000, missing)
            ));
            let tunnel = &model.tunnels[TunnelId(0)];
            let case = Case::of(&model, TunnelId(0));
            let directions = &case.directions()[0];
            let towards = tunnel.end_of("192.0.2.1".parse().unwrap()).unwrap();
            assert!(!is_capture_loss(tunnel, directions, 1 - towards) || missing > 0);
            is_capture_loss(tunnel, directions, towards)
        };
        // As many, and three deviations and three packets more (25 + 15 + 3).
        assert!(own(25));
        assert!(own(42));
        assert!(!own(44));
        assert!(!own(0));
    }

    #[test]
    fn loss_is_the_captures_own_if_another_tap_behind_it_has_most_of_it() {
        let of = |numbers: &str, there: &str| {
            let model = model(&format!(
                "0 A > B ESP 0xb1 seq {numbers} every 0.1 ttl=64
                 0.01 A > B ESP 0xb1 seq {there} every 0.1 ttl=60 tap=1
                 0.02 B > A ESP 0xa1 seq 1..40 every 0.1 ttl=64 tap=1
                 0.03 B > A ESP 0xa1 seq 1..40 every 0.1 ttl=60"
            ));
            let tunnel = &model.tunnels[TunnelId(0)];
            let case = Case::of(&model, TunnelId(0));
            let towards = tunnel.end_of("192.0.2.2".parse().unwrap()).unwrap();
            let directions = case.directions();
            let here = directions.iter().find(|one| one.vantage.input == 0);
            is_capture_loss(tunnel, here.unwrap(), towards)
        };
        assert!(of("1..10,13..40", "1..40"));
        assert!(!of("1..10,13..40", "1..10,13..40"));
        // Half is not most.
        assert!(!of("1..10,15..40", "1..12,15..40"));
    }
}
