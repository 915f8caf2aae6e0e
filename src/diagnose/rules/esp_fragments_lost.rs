//! IP fragments of ESP arrive, but not all of a packet.

use crate::diagnose::facts::taps::name;
use crate::diagnose::facts::{Located, clear, outage, tap};
use crate::diagnose::{Case, Confidence, Finding, Rule, Severity, Signs};
use crate::language::{Text, count};
use crate::model::{FragmentTrain, Model, Transport};
use crate::say;

/// The rule.
pub static RULE: Rule = Rule {
    slug: "esp-fragments-lost",
    code: "ESP408",
    severity: Severity::Error,
    summary: "Fragments of ESP packets are lost",
    document: DOCUMENT,
    explains: &[
        "packet-loss",
        "path-outage",
        "esp-fragmented",
        "inner-no-reply",
        "inner-port-unanswered",
        "health-check-unanswered",
        "bgp-down",
    ],
    needs: Signs::FRAGMENTS,
    check,
};

const DOCUMENT: &str = "\
## What it means
ESP packets travel in IP fragments and some fragments do not arrive, so the packets are lost as a whole. Filters often drop all fragments but the first, for they have no ports or SPI.

## How it is seen
Pieces of ESP packets (IP protocol 50, or UDP with ESP inside) of which other pieces never come. With two taps: the pieces left one tap, and some or all of them never reached the other.

## What else looks like it
A capture that dropped packets, or began or ended in the middle of one. A capture filter that names ports leaves out all pieces but the first of UDP packets: where nothing shows that there is none, it is told for information only, unless packets that came in part had no answer, as all others had. Chance, of the path or of the capture, hits some packets; what is meant hits nearly all: as long as more came whole than not, it is told for information only.

## What to do
1. Avoid fragments: lower the inner MTU or clamp the TCP MSS.
2. Let IP fragments pass.
";

/// A capture may begin and end in the middle of a packet, and loss may hit one.
const PATTERN: u64 = 3;

fn check(case: &Case<'_>) -> Vec<Finding> {
    let torn = clear::fragments(case)
        .filter(|train| train.incomplete >= PATTERN && carries_esp(case, train))
        .map(|train| {
            let mut frames = train.incomplete_frames.iter();
            let first = frames
                .next()
                .map_or(train.first, |frame| (*frame, train.first.1));
            let mut finding = Finding::new(
                &RULE,
                Confidence::Likely,
                case.id,
                first,
                "a piece whose other pieces never came",
            )
            .during(train.first.1, train.last.1)
            .severity(match train.incomplete > train.complete {
                true => RULE.severity,
                false => Severity::Info,
            })
            .title(say!(
                "Fragments of ESP from {from} to {to} are lost",
                from = train.from,
                to = train.to
            ))
            .says(say!(
                "{packets} from {from} to {to} came in part only, {whole} whole.",
                packets = count(train.incomplete, "packet"),
                from = train.from,
                to = train.to,
                whole = match train.complete {
                    0 => "none".into(),
                    whole => Text::from(whole),
                }
            ))
            .or("The capture dropped packets itself.")
            .advise("Lower the inner MTU or clamp the TCP MSS, so that no fragments arise.")
            .advise("Let IP fragments pass on the filters in between.");
            for frame in frames {
                finding = finding.also((*frame, train.last.1), "another");
            }
            let named = train.protocol == 17 && tap::may_name_ports(case.model, train.vantage);
            if named && !is_in_vain(case, train) {
                finding.confidence = Confidence::Possible;
                finding = finding.severity(Severity::Info).or(
                    "The capture filter names ports, which only first pieces have, and leaves out the \
                     others.",
                );
            }
            match before(case, train) {
                Some(whole) => between(case.model, train, whole, finding),
                None => finding,
            }
        });
    torn.chain(none_arrives(case)).collect()
}

/// Whether the receiver answered none of the packets that came in part: meanwhile ESP in whole packets paused, as many
/// numbers are missing afterwards, and all others had something in return. What a capture filter alone leaves out is
/// answered.
fn is_in_vain(case: &Case<'_>, train: &FragmentTrain) -> bool {
    let Some(end) = case.tunnel.end_of(train.to) else {
        return false;
    };
    case.directions_at(train.vantage).is_some_and(|directions| {
        directions.flows(end).iter().any(|flow| {
            flow.silences.iter().any(|silence| {
                let lost = outage::lost_in(flow, silence);
                let torn = outage::torn_in(case, train.vantage, train.from, silence);
                torn as u64 >= PATTERN
                    && u64::from(lost) >= PATTERN
                    && outage::is_in_turn(directions, end, flow, silence, lost)
            })
        })
    })
}

/// The same fragments at the tap that they pass before, if they were whole there.
fn before<'m>(case: &Case<'m>, train: &FragmentTrain) -> Option<&'m FragmentTrain> {
    let towards = case.tunnel.end_of(train.to)?;
    let near = case.tunnel.taps.iter().find_map(|pair| {
        let near = pair.near(towards)?;
        let far = pair.index(train.vantage)?;
        pair.taps.get(near).filter(|_| near != far)
    })?;
    clear::fragments(case).find(|whole| {
        whole.vantage == *near
            && (whole.from, whole.to, whole.protocol) == (train.from, train.to, train.protocol)
            && whole.complete >= train.incomplete
            && whole.incomplete < PATTERN
    })
}

/// Adds that the pieces were whole at one tap and not at the other.
fn between(
    model: &Model,
    train: &FragmentTrain,
    whole: &FragmentTrain,
    mut finding: Finding,
) -> Finding {
    let (near, far) = (name(model, whole.vantage), name(model, train.vantage));
    finding.says.add(say!(
        "At the tap {near} {packets} came whole in pieces: the pieces left {near} and never \
         reached {far}.",
        near = near.clone(),
        packets = count(whole.complete, "packet"),
        far = far.clone()
    ));
    finding.alternatives.clear();
    if model.dropped(train.vantage) > 0 {
        finding = finding.or(say!(
            "The recording of {far} dropped packets.",
            far = far.clone()
        ));
    } else {
        finding.confidence = Confidence::Certain;
    }
    finding
        .also(whole.first, say!("a piece at {near}", near = near.clone()))
        .advise(say!(
            "Look for filters and NAT between the two taps, from {near} to {far}, that drop \
             fragments.",
            near,
            far
        ))
}

/// Fragments that left one tap, none of which reached the other, while whole packets pass.
fn none_arrives(case: &Case<'_>) -> Option<Finding> {
    [0, 1].into_iter().find_map(|towards| {
        let located = Located::of(case.tunnel, towards)?;
        let at = |tap| {
            clear::fragments(case).find(move |train| {
                train.vantage == tap && case.tunnel.end_of(train.to) == Some(towards)
            })
        };
        let whole = at(located.near).filter(|train| carries_esp(case, train))?;
        let passes = located.both > 0 && !located.may_be_leak();
        let gone = whole.complete >= PATTERN
            && at(located.far).is_none()
            && located.lost.saturating_mul(2) >= whole.complete;
        (passes && gone).then(|| {
            let (near, far) = (
                name(case.model, located.near),
                name(case.model, located.far),
            );
            let finding = Finding::new(
                &RULE,
                Confidence::Certain.lower_if(case.model.dropped(located.far) > 0),
                case.id,
                whole.first,
                say!("a piece at {near}", near = near.clone()),
            )
            .during(whole.first.1, whole.last.1)
            .title(say!(
                "Fragments of ESP from {from} to {to} are lost between the two taps",
                from = whole.from,
                to = whole.to
            ))
            .says(say!(
                "{packets} in {pieces} left {near}; not one piece reached {far}, while packets in \
                 one piece pass. {lost}.",
                packets = count(whole.complete, "packet"),
                pieces = count(whole.pieces, "piece"),
                near = near.clone(),
                far = far.clone(),
                lost = located.says(case.model)
            ))
            .advise(say!(
                "Let IP fragments pass on the filters and NAT devices between {near} and {far}.",
                near,
                far
            ))
            .advise("Lower the inner MTU or clamp the TCP MSS, so that no fragments arise.");
            located.cite(case.model, finding)
        })
    })
}

/// Whether the train can only be ESP: by protocol, or in UDP where the tunnel's ESP is and no IKE
/// header was found.
fn carries_esp(case: &Case<'_>, train: &FragmentTrain) -> bool {
    let in_udp = case
        .tunnel
        .flows
        .iter()
        .any(|flow| case.model.flows[*flow].key.transport == Transport::Udp);
    train.protocol != 17 || (in_udp && train.incomplete_ike.is_empty())
}

#[cfg(test)]
mod tests {
    use crate::diagnose::Severity;
    use crate::diagnose::testing::{fires, silent, verdict};

    const ESP: &str = "
        1 A > B ESP 0xb1 seq 1..40 every 0.3 size 136
        1 B > A ESP 0xa1 seq 1..40 every 0.3 size 136";

    #[test]
    fn pieces_without_their_rest() {
        fires(
            &format!("{ESP}\n2 A > B FRAGMENTS 50 complete 1 incomplete 4 pieces 6 largest 1396"),
            "esp-fragments-lost",
        );
    }

    /// Both directions at two taps; of those towards B the second lacks what is not in `arrive`.
    fn two_taps(arrive: &str) -> String {
        format!(
            "1 A > B ESP 0xb1 seq 1..100 every 0.1 size 136
             1.05 B > A ESP 0xa1 seq 1..100 every 0.1 size 136 ttl=63
             {arrive}
             1.03 B > A ESP 0xa1 seq 1..100 every 0.1 size 136 tap=1"
        )
    }

    #[test]
    fn two_taps_tell_that_pieces_left_one_and_never_reached_the_other() {
        let lossy = "1.02 A > B ESP 0xb1 seq 1..50 every 0.1 size 136 tap=1 ttl=63
             7.02 A > B ESP 0xb1 seq 61..100 every 0.1 size 136 tap=1 ttl=63";
        let sent = "2 A > B FRAGMENTS 50 complete 10 incomplete 0 pieces 20 largest 1396";
        let torn = "2.1 A > B FRAGMENTS 50 complete 0 incomplete 10 pieces 10 largest 1396 tap=1";
        let some = fires(
            &format!("{}\n{sent}\n{torn}", two_taps(lossy)),
            "esp-fragments-lost",
        );
        assert!(
            some.says.to_string().contains("never reached tap 1"),
            "{}",
            some.says
        );
        let none = fires(
            &format!("{}\n{sent}", two_taps(lossy)),
            "esp-fragments-lost",
        );
        assert!(
            none.says.to_string().contains("not one piece"),
            "{}",
            none.says
        );
    }

    #[test]
    fn a_device_between_the_taps_that_puts_fragments_together_loses_nothing() {
        let all = "1.02 A > B ESP 0xb1 seq 1..100 every 0.1 size 136 tap=1 ttl=63";
        silent(
            &format!(
                "{}\n2 A > B FRAGMENTS 50 complete 10 incomplete 0 pieces 20 largest 1396",
                two_taps(all)
            ),
            "esp-fragments-lost",
        );
    }

    #[test]
    fn one_torn_packet_is_nothing() {
        silent(
            &format!("{ESP}\n2 A > B FRAGMENTS 50 complete 10 incomplete 1 pieces 21 largest 1396"),
            "esp-fragments-lost",
        );
    }

    #[test]
    fn a_capture_filter_by_port_keeps_first_pieces_alone() {
        let text = |rest: &str| {
            format!(
                "1 A:4500 > B:4500 ESP 0xb1 seq 1..40 every 0.3 size 136
                 1 B:4500 > A:4500 ESP 0xa1 seq 1..40 every 0.3 size 136
                 2 A > B FRAGMENTS 17 complete 0 incomplete 9 pieces 9 largest 1396{rest}"
            )
        };
        let finding = fires(&text(""), "esp-fragments-lost");
        assert_eq!(finding.severity, crate::diagnose::Severity::Info);
        let whole = "\n2 B > A FRAGMENTS 17 complete 5 incomplete 0 pieces 10 largest 1396";
        let finding = fires(&text(whole), "esp-fragments-lost");
        assert_eq!(finding.severity, crate::diagnose::Severity::Error);
    }

    /// ESP in UDP at its receiver, of which large packets come in part, as many as numbers are missing.
    fn in_udp(back: &str) -> String {
        format!(
            "1 A:4500 > B:4500 ESP 0xb1 seq 1..20 every 0.2 size 136 ttl=63
             5.1 A > B FRAGMENTS 17 incomplete 4 pieces 4 largest 1276
             6.1 A > B FRAGMENTS 17 incomplete 4 pieces 4 largest 1276
             7.1 A > B FRAGMENTS 17 incomplete 4 pieces 4 largest 1276
             9 A:4500 > B:4500 ESP 0xb1 seq 33..52 every 0.2 size 136 ttl=63
             {back}"
        )
    }

    #[test]
    fn pieces_whose_packets_had_no_answer_as_others_had() {
        let in_turn = in_udp(
            "1.01 B:4500 > A:4500 ESP 0xa1 seq 1..20 every 0.2 size 136
             9.01 B:4500 > A:4500 ESP 0xa1 seq 21..40 every 0.2 size 136",
        );
        verdict(&in_turn, "esp-fragments-lost");
        // What answered them shows that they came whole, and a filter left pieces out.
        let answered = in_udp("1.01 B:4500 > A:4500 ESP 0xa1 seq 1..60 every 0.2 size 136");
        let finding = fires(&answered, "esp-fragments-lost");
        assert_eq!(finding.severity, Severity::Info);
    }
}
