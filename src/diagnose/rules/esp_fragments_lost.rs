//! IP fragments of ESP arrive, but not all of a packet.

use crate::diagnose::facts::{clear, count};
use crate::diagnose::{Confidence, Finding, Rule, Severity};
use crate::model::{FragmentTrain, Model, Transport, TunnelId};

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
    check,
};

const DOCUMENT: &str = "\
## What it means
ESP packets travel in IP fragments and some fragments do not arrive, so the packets are lost as a whole. Filters often drop all fragments but the first, for they have no ports or SPI.

## How it is seen
Pieces of ESP packets (IP protocol 50, or UDP with ESP inside) of which other pieces never come.

## What else looks like it
A capture that dropped packets, or began or ended in the middle of one. Chance, of the path or of the capture, hits some packets; what is meant hits nearly all: as long as more came whole than not, it is told for information only.

## What to do
1. Avoid fragments: lower the inner MTU or clamp the TCP MSS.
2. Let IP fragments pass.
";

/// A capture may begin and end in the middle of a packet, and loss may hit one.
const PATTERN: u64 = 3;

fn check(model: &Model, tunnel: TunnelId) -> Vec<Finding> {
    let row = &model.tunnels[tunnel];
    clear::fragments(model, row)
        .filter(|train| train.incomplete >= PATTERN && carries_esp(model, tunnel, train))
        .map(|train| {
            let mut frames = train.incomplete_frames.iter();
            let first = frames
                .next()
                .map_or(train.first, |frame| (*frame, train.first.1));
            let mut finding = Finding::new(
                &RULE,
                Confidence::Likely,
                tunnel,
                first,
                "a piece whose other pieces never came",
            )
            .during(train.first.1, train.last.1)
            .severity(match train.incomplete > train.complete {
                true => RULE.severity,
                false => Severity::Info,
            })
            .title(format!(
                "Fragments of ESP from {} to {} are lost",
                train.from, train.to
            ))
            .says(format!(
                "Of {} from {} to {} pieces came but not all; {} came whole.",
                count(train.incomplete, "packet"),
                train.from,
                train.to,
                train.complete
            ))
            .or("The capture dropped packets itself.")
            .advise("Lower the inner MTU or clamp the TCP MSS, so that no fragments arise.")
            .advise("Let IP fragments pass on the filters in between.");
            for frame in frames {
                finding = finding.also((*frame, train.last.1), "another");
            }
            finding
        })
        .collect()
}

/// Whether the train can only be ESP: by protocol, or in UDP where the tunnel's ESP is and no IKE
/// header was found.
fn carries_esp(model: &Model, tunnel: TunnelId, train: &FragmentTrain) -> bool {
    let in_udp = model.tunnels[tunnel]
        .flows
        .iter()
        .any(|flow| model.flows[*flow].key.transport == Transport::Udp);
    train.protocol != 17 || (in_udp && train.incomplete_ike.is_empty())
}

#[cfg(test)]
mod tests {
    use crate::diagnose::testing::{fires, silent};

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

    #[test]
    fn one_torn_packet_is_nothing() {
        silent(
            &format!("{ESP}\n2 A > B FRAGMENTS 50 complete 10 incomplete 1 pieces 21 largest 1396"),
            "esp-fragments-lost",
        );
    }
}
