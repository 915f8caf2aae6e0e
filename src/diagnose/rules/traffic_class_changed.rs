//! The path changes DSCP or ECN between two taps.

use crate::diagnose::facts::taps;
use crate::diagnose::{Case, Confidence, Finding, Rule, Severity, Signs};
use crate::language::{Text, count};
use crate::model::{Message, TapPair};
use crate::say;

/// The rule.
pub static RULE: Rule = Rule {
    slug: "traffic-class-changed",
    code: "INF534",
    severity: Severity::Info,
    summary: "The path changes DSCP or ECN between the two taps",
    document: DOCUMENT,
    explains: &[],
    needs: Signs::TAPS,
    check,
};

const DOCUMENT: &str = "\
## What it means
A network between the taps gives packets another DSCP, or clears or sets ECN. With another DSCP they get another priority than the gateways ask for; without ECN, congestion shows as loss. Marking a packet as having met congestion (ECN CE) is normal.

## How it is seen
The same IKE message, octet for octet, bears another traffic class at the tap that it passes later. ESP takes the same way; whether it is marked alike cannot be said, for two packets of ESP are only known by their numbers.

## What else looks like it
A gateway that marks packets itself, between its outside tap and one further inside.

## What to do
1. Ask the provider whether it honours the DSCP; else shape at your own edge.
";

/// ECN: congestion experienced (RFC 3168 section 5).
const CE: u8 = 3;

fn check(case: &Case<'_>) -> Vec<Finding> {
    case.tunnel
        .taps
        .iter()
        .find_map(|pair| changed(case, pair))
        .into_iter()
        .collect()
}

fn changed(case: &Case<'_>, pair: &TapPair) -> Option<Finding> {
    let crossings: Vec<(&Message, &Message)> = case
        .tunnel
        .ike_sas
        .iter()
        .flat_map(|id| &case.model.ike_sas[*id].exchanges)
        .flat_map(|id| &case.model.exchanges[*id].flights)
        .filter_map(|flight| {
            let [one, two] = pair.taps;
            let here = case.model.seen_at(flight, one)?;
            let there = case.model.seen_at(flight, two)?;
            let towards = 1 - case.tunnel.end_of(here.path.from().address)?;
            let (near, far) = match pair.near(towards)? {
                0 => (here, there),
                _ => (there, here),
            };
            (near.bytes == far.bytes).then_some((near, far))
        })
        .collect();
    let mut others = crossings
        .iter()
        .filter(|(near, far)| differs(near.ip.traffic_class, far.ip.traffic_class))
        .peekable();
    let (near, far) = **others.peek()?;
    let [before, after] = [near, far].map(|message| class(message.ip.traffic_class));
    Some(
        Finding::new(
            &RULE,
            Confidence::Certain,
            case.id,
            (far.frame, far.time),
            say!(
                "{class} at {tap}",
                class = &after,
                tap = taps::name(case.model, far.vantage)
            ),
        )
        .also(
            (near.frame, near.time),
            say!("the same message: {class}", class = &before),
        )
        .says(say!(
            "{others} of {messages} from the one tap to the other came with another traffic class: the first left \
             {near} with {before} and reached {far} with {after}.",
            others = others.count(),
            messages = count(crossings.len() as u64, "IKE message"),
            near = taps::name(case.model, near.vantage),
            before,
            far = taps::name(case.model, far.vantage),
            after
        ))
        .advise("Ask the provider between the taps whether it honours the DSCP; else shape at your own edge."),
    )
}

/// Whether the class changed by more than a mark of congestion.
fn differs(before: u8, after: u8) -> bool {
    let marked = before & CE != 0 && after & CE == CE && before >> 2 == after >> 2;
    before != after && !marked
}

fn class(octet: u8) -> Text {
    Text::verbatim(format_args!("DSCP {}, ECN {}", octet >> 2, octet & CE))
}

#[cfg(test)]
mod tests {
    use crate::diagnose::testing::{fires, silent};

    /// A message at two taps, one behind the other, with these classes.
    fn two_taps(near: u8, far: u8) -> String {
        format!(
            "0 A:500 > B:500 INFORMATIONAL i=1 r=2 id=4 request by=initiator sealed 80 class={near}
             0.02 A:500 > B:500 INFORMATIONAL i=1 r=2 id=4 request by=initiator sealed 80 class={far} tap=1 ttl=63
             1 A > B ESP 0xb1 seq 1..50 every 0.1 size 136
             1.02 A > B ESP 0xb1 seq 1..50 every 0.1 size 136 tap=1 ttl=63
             1.05 B > A ESP 0xa1 seq 1..50 every 0.1 size 136 ttl=63
             1.03 B > A ESP 0xa1 seq 1..50 every 0.1 size 136 tap=1"
        )
    }

    #[test]
    fn another_dscp_at_the_far_tap() {
        let finding = fires(&two_taps(0xc0, 0), "traffic-class-changed");
        assert!(
            finding.says.to_string().contains("DSCP 48"),
            "{}",
            finding.says
        );
    }

    #[test]
    fn the_same_class_and_a_mark_of_congestion_are_normal() {
        silent(&two_taps(0xc0, 0xc0), "traffic-class-changed");
        silent(&two_taps(2, 3), "traffic-class-changed");
        silent(&two_taps(1, 3), "traffic-class-changed");
        // Who clears the bits, or turns them, takes the mark away.
        fires(&two_taps(2, 0), "traffic-class-changed");
        fires(&two_taps(2, 1), "traffic-class-changed");
        // What cannot carry the mark was given it by something else (RFC 3168 section 5).
        fires(&two_taps(0, 3), "traffic-class-changed");
    }
}
