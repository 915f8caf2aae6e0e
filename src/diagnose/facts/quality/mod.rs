//! Whether the recording is whole, as its packets tell.
//!
//! What is not there was lost on the way only if the recording did not lose it itself: answers without
//! requests in IKE show that it did ([`missed`]), and so do gaps in ESP where no path can have made
//! them ([`own`]). What is there twice was sent twice only if the recording did not double it
//! ([`copies`]). And no span of time is known better than its clock ([`clock_error`]).

pub mod own;

use super::{asked, began};
use crate::diagnose::{Case, Cite, Signs};
use crate::model::{Exchange, IkeSa, Model};
use crate::units::{Span, Vantage};

/// Packets of one vantage set, and how many of them are there twice.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Copies {
    /// The set.
    pub set: u16,
    /// Packets of IKE, ESP and AH, copies included.
    pub packets: u64,
    /// Copies that came at once.
    pub copies: u64,
}

impl Copies {
    /// Whether it is the recording that has them twice: a network that doubles packets does so with
    /// a few.
    pub fn are_of_the_tap(&self) -> bool {
        /// Fewer show nothing.
        const FEW: u64 = 4;
        self.copies >= FEW && self.copies.saturating_mul(4) >= self.packets
    }
}

/// Packets and copies of each set, in order.
pub fn copies(model: &Model) -> Vec<Copies> {
    let mut sets: Vec<Copies> = Vec::new();
    let mut add = |set: u16, packets: u64, copies: u64| {
        let known = sets.iter_mut().find(|known| known.set == set);
        match known {
            Some(known) => {
                known.packets += packets;
                known.copies += copies;
            }
            None => sets.push(Copies {
                set,
                packets,
                copies,
            }),
        }
    };
    for flow in model.flows.iter() {
        add(flow.key.vantage.input, flow.packets, flow.doubled);
    }
    for message in model.messages.iter() {
        add(message.vantage.input, 1, 0);
    }
    for flight in model
        .exchanges
        .iter()
        .flat_map(|exchange| &exchange.flights)
        .filter(|flight| !flight.elsewhere.is_empty())
    {
        let here = super::first(model, flight).map(|message| message.vantage);
        for copy in &flight.elsewhere {
            let vantage = model.messages[*copy].vantage;
            if Some(vantage) == here {
                add(vantage.input, 0, 1);
            }
        }
    }
    sets
}

/// How far the clock of a vantage set was set back, in all: no span of time in it is known any
/// better.
pub fn clock_error(model: &Model, vantage: Vantage) -> Span {
    let of_set = |input: u16| {
        let input = model.inputs.get(usize::from(input));
        input.is_none_or(|input| input.set == vantage.input)
    };
    let steps = model.clock_steps.iter();
    let back = steps
        .filter(|step| of_set(step.frame.input))
        .map(|step| step.back.0);
    Span(back.fold(0, i64::saturating_add))
}

/// A message of IKE that shows that the recording missed another one of the tunnel: the answer to a
/// request that is not there, or whatever is sent only after an answer that is not there.
pub fn missed(case: &Case<'_>) -> Option<Cite> {
    if !case.signs().meet(Signs::UNASKED.or(Signs::UNANSWERED)) {
        return None;
    }
    case.tunnel
        .ike_sas
        .iter()
        .find_map(|id| missed_of(case.model, &case.model.ike_sas[*id]))
}

fn missed_of(model: &Model, sa: &IkeSa) -> Option<Cite> {
    // Which sides are recorded at all.
    let heard = |exchange: &Exchange, asks: bool| {
        sa.exchanges
            .iter()
            .flat_map(|id| &model.exchanges[*id].flights)
            .any(|flight| (flight.by == exchange.by) == asks)
    };
    // The recording may begin, or end, amid an exchange.
    let [_, within @ ..] = sa.exchanges.as_slice() else {
        return None;
    };
    let holes = within.iter().map(|id| &model.exchanges[*id]);
    let unasked = holes
        .filter(|exchange| !asked::is_v1(exchange.kind) && exchange.request().is_none())
        .find_map(|exchange| Some((exchange, began(model, exchange.response()?)?)))
        .filter(|(exchange, _)| heard(exchange, true));
    let unanswered = || {
        let exchanges = sa.exchanges.iter().map(|id| &model.exchanges[*id]);
        exchanges
            .filter(|exchange| {
                !asked::is_v1(exchange.kind) || asked::from_the_start(model, exchange)
            })
            .find_map(|exchange| Some((exchange, asked::proof_of_answer(model, exchange)?)))
            .filter(|(exchange, _)| heard(exchange, false))
    };
    unasked.or_else(unanswered).map(|(_, cite)| cite)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::TunnelId;
    use crate::testing::model;

    const UP: &str = "
        0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(DH14) KE(14) Nonce
        0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(DH14) KE(14) Nonce
        0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 256
        0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 240
        9.0 A:500 > B:500 INFORMATIONAL i=1 r=2 id=2 request sealed 80
        9.1 B:500 > A:500 INFORMATIONAL i=1 r=2 id=2 response sealed 80";

    /// The frame that tells of a hole, without these lines.
    fn hole(without: &[usize]) -> Option<u64> {
        let lines = UP.lines().filter(|line| !line.trim().is_empty());
        let left = lines
            .enumerate()
            .filter(|(place, _)| !without.contains(place));
        let text: Vec<&str> = left.map(|(_, line)| line).collect();
        let model = model(&text.join("\n"));
        missed(&Case::of(&model, TunnelId(0))).map(|cite| cite.0.number)
    }

    #[test]
    fn what_is_missing_amid_a_recording_was_missed_by_it() {
        assert_eq!(hole(&[]), None);
        assert_eq!(hole(&[4]), Some(5), "an answer to nothing");
        assert_eq!(hole(&[3]), Some(4), "a request after one without answer");
        assert_eq!(hole(&[0]), None, "it begins late");
        assert_eq!(hole(&[5]), None, "it ends early");
        assert_eq!(hole(&[1, 3, 5]), None, "it hears one side");
    }

    #[test]
    fn a_recording_of_everything_twice_is_told_from_retransmissions() {
        let twice = "
            0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(DH14) KE(14) Nonce again=0.00001
            0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(DH14) KE(14) Nonce again=0.00001
            0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 256 again=0.00001
            0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 240 again=0.00001";
        let told = copies(&model(twice));
        assert_eq!(told.iter().map(|set| set.copies).collect::<Vec<_>>(), [4]);
        assert!(told.iter().all(Copies::are_of_the_tap));
        let fragments = "
            0 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request fragment 1/2 sealed 500 again=2,4
            0.001 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request fragment 2/2 sealed 300 again=2,4";
        let told = copies(&model(fragments));
        assert_eq!(told.iter().map(|set| set.copies).collect::<Vec<_>>(), [0]);
        let again = twice.replace("0.00001", "0.5");
        assert!(!copies(&model(&again)).iter().any(Copies::are_of_the_tap));
    }
}
