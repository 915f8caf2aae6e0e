//! The signs of a tunnel: those of its exchanges, its IKE SAs, its flows, and what else was seen of it.

use crate::model::{EspFlow, IkeSa, IkeState, Model, Signs, Tunnel};
use crate::net::Path;

impl Signs {
    /// Those of a tunnel.
    pub fn of(model: &Model, tunnel: &Tunnel) -> Self {
        let mut signs = Self::NONE
            .with(!tunnel.flows.is_empty(), Self::ESP)
            .with(!tunnel.inner.is_empty(), Self::INSIDE)
            .with(!tunnel.inner_errors.is_empty(), Self::INSIDE)
            .with(!tunnel.icmp.is_empty(), Self::ICMP)
            .with(!tunnel.outside.is_empty(), Self::NOTICE)
            .with(!tunnel.fragments.is_empty(), Self::FRAGMENTS)
            .with(!tunnel.clear.is_empty(), Self::CLEAR)
            .with(!tunnel.taps.is_empty(), Self::TAPS)
            .with(tunnel.ike_sas.len() > 1, Self::SEVERAL);
        for id in &tunnel.flows {
            signs = signs.or(of_flow(&model.flows[*id]));
        }
        for id in &tunnel.ike_sas {
            let sa = &model.ike_sas[*id];
            signs = signs.or(sa.signs).or(of_ike_sa(sa));
        }
        signs
    }
}

fn of_flow(flow: &EspFlow) -> Signs {
    let tally = &flow.sequence;
    let repeated = tally.duplicate > 0 || tally.restarts > 0;
    Signs::NONE
        .with(tally.missing > 0, Signs::LOSS)
        .with(tally.late > 0, Signs::LATE)
        .with(repeated, Signs::REPEATED)
        .with(flow.fragmented > 0, Signs::FRAGMENTED)
        .with(moved(&flow.paths), Signs::MOVED)
}

fn of_ike_sa(sa: &IkeSa) -> Signs {
    let v1 = sa.version.major() == 1;
    Signs::NONE
        .with(v1, Signs::V1)
        .with(!v1 && sa.suite.is_none(), Signs::UNAGREED)
        .with(sa.state == IkeState::Deleted, Signs::DELETED)
        .with(moved(&sa.paths), Signs::MOVED)
        .with(sa.nat.is_some_and(|nat| nat.is_there()), Signs::NAT)
        .with(!sa.notices.is_empty(), Signs::NOTICE)
        .with(!sa.child_sas.is_empty(), Signs::CHILD_SA)
}

/// Whether the messages of an IKE SA, or the packets of a flow, took several paths, and not just two between the same addresses
/// that differ in the ports of both ends: so they float from 500 to 4500 (RFC 7296 section 2.23).
fn moved(paths: &[Path]) -> bool {
    match paths {
        [] | [_] => false,
        [one, two] => {
            one.from.address != two.from.address
                || one.to.address != two.to.address
                || (one.from == two.from) != (one.to == two.to)
        }
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::TunnelId;
    use crate::testing::model;

    const HEALTHY: &str = "
        0.0 A:500 > B:500 IKE_SA_INIT i=1 request
        0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 response
        0.2 A:4500 > B:4500 IKE_AUTH i=1 r=2 id=1 request sealed 256
        0.3 B:4500 > A:4500 IKE_AUTH i=1 r=2 id=1 response sealed 240";

    fn signs(text: &str) -> Signs {
        let model = model(text);
        Signs::of(&model, &model.tunnels[TunnelId(0)])
    }

    #[test]
    fn a_healthy_negotiation_that_floats_shows_no_oddity() {
        let odd = Signs::MOVED
            .or(Signs::UNANSWERED)
            .or(Signs::AGAIN)
            .or(Signs::ASIDE)
            .or(Signs::SEVERAL)
            .or(Signs::BARE)
            .or(Signs::OPENED)
            .or(Signs::ESP);
        let signs = signs(HEALTHY);
        assert!(!signs.meet(odd), "{signs:?}");
    }

    #[test]
    fn what_needs_no_sign_may_speak_of_any_tunnel() {
        assert!(signs(HEALTHY).meet(Signs::NONE));
    }

    #[test]
    fn another_port_of_one_end_alone_is_a_move() {
        let text =
            format!("{HEALTHY}\n 9.0 A:4501 > B:4500 INFORMATIONAL i=1 r=2 id=2 request sealed 80");
        assert!(signs(&text).meet(Signs::MOVED));
        assert!(signs(&text).meet(Signs::UNANSWERED));
        assert!(signs(&text).meet(Signs::INFORMATIONAL));
    }

    #[test]
    fn a_gap_in_the_numbers_is_no_late_packet() {
        let text = "0.0 A > B ESP 0xc1 seq 1..3,5..9";
        let signs = signs(text);
        assert!(signs.meet(Signs::ESP) && signs.meet(Signs::LOSS));
        assert!(!signs.meet(Signs::LATE.or(Signs::REPEATED).or(Signs::V1)));
    }

    #[test]
    fn a_flow_without_a_gap_shows_nothing_odd() {
        let odd = Signs::LOSS
            .or(Signs::LATE)
            .or(Signs::REPEATED)
            .or(Signs::FRAGMENTED);
        let signs = signs("0.0 A > B ESP 0xc1 seq 1..9");
        assert!(signs.meet(Signs::ESP) && !signs.meet(odd), "{signs:?}");
    }

    #[test]
    fn only_a_message_in_several_pieces_is_one() {
        let init = "0.0 A:500 > B:500 IKE_SA_INIT i=1 request";
        assert!(!signs(init).meet(Signs::PIECES));
        assert!(signs(&format!("{init} pieces=2")).meet(Signs::PIECES));
    }
}
