//! ESP has no answer for a while and has one again on the same SAs, while IKE of the silent side is heard: the path
//! between the gateways was open for that.

use super::RULE;
use crate::diagnose::facts::Located;
use crate::diagnose::facts::esp::Directions;
use crate::diagnose::facts::outage::{self, Unanswered};
use crate::diagnose::{Case, Confidence, Finding, Severity};
use crate::say;

/// What went to an end without an answer for a while.
pub(super) fn for_a_while(case: &Case<'_>, directions: &Directions<'_>) -> Option<Finding> {
    [0, 1].into_iter().find_map(|end| {
        let mut silences = outage::unanswered(case, directions, end);
        silences.find_map(|one| {
            // Where nothing of it comes at all, or IKE is asked in vain as well, `path-outage` tells; and two taps tell
            // by number what is lost between them.
            let heard = outage::is_heard(case, directions, 1 - end, one.silence);
            let ike = || outage::repeated_amid(case, one.silence, 1 - end).is_some();
            let located = Located::of(case.tunnel, 1 - end);
            if !heard || ike() || located.is_some_and(|located| located.lost * 2 >= one.asked) {
                return None;
            }
            // What was read is surer than what sizes tell.
            let read = outage::unanswered_inside(case, directions.vantage, 1 - end, one.silence);
            match case.inside() {
                None if !one.in_turn => None,
                Some(_) if read.is_none() => None,
                _ => finding(case, end, &one, read),
            }
        })
    })
}

fn finding(
    case: &Case<'_>,
    end: usize,
    one: &Unanswered<'_>,
    read: Option<(u64, usize)>,
) -> Option<Finding> {
    let (peer, other) = (case.tunnel.ends.get(1 - end)?, case.tunnel.ends.get(end)?);
    let silence = one.silence;
    let single = read.is_none_or(|(_, hosts)| hosts < 2);
    Some(
        Finding::new(
            &RULE,
            Confidence::Likely.lower_if(single),
            case.id,
            silence.after,
            say!(
                "first packet of {peer} after {silence}",
                peer,
                silence = silence.length
            ),
        )
        .severity(Severity::Warning)
        .also(silence.before, "last packet before the silence")
        .during(silence.before.1, silence.after.1)
        .title(say!(
            "ESP of {other} to {peer} had no answer for {silence}",
            other,
            peer,
            silence = silence.length
        ))
        .says(
            match read {
                None => say!(
                    "Before and afterwards each packet from {other} to {peer} has one in return. For {silence} {asked} \
                     and more, of the same sizes, had none.",
                    other,
                    peer,
                    silence = silence.length,
                    asked = one.asked
                ),
                Some(read) => outage::opened(peer, silence, read),
            }
            .then(say!(
                "No ESP of {peer} came meanwhile, and something else of it did, so it was not the whole path. Then both \
                 went on with the same SAs.",
                peer
            )),
        )
        .or(match single {
            true => say!("The host behind {peer} that is asked was down for a while.", peer),
            false => say!("The hosts behind {peer} that are asked were down for a while.", peer),
        })
        .or(say!("{peer} dropped what came, or sent the answers elsewhere: a filter, a policy or a route.", peer))
        .or("A filter on the way dropped ESP of one direction.")
        .advise(say!(
            "Find out what changed then at {peer}: rules, routes and policies for the inner addresses, and the hosts.",
            peer
        ))
        .advise(say!(
            "Capture at {peer} when it happens again: does ESP arrive, and does an answer leave?",
            peer
        )),
    )
}

#[cfg(test)]
mod tests {
    use crate::diagnose::testing::{fires, silent};
    use crate::diagnose::{Confidence, Severity};

    const IKE: &str = "
        24 A:500 > B:500 INFORMATIONAL i=1 r=2 id=5 request sealed 80
        24.1 B:500 > A:500 INFORMATIONAL i=1 r=2 id=5 response sealed 80";

    /// Pings, and packets of a size that have no answer for a while; then pings again.
    fn sealed(size: u32, ike: &str) -> String {
        format!(
            "0 A > B ESP 0xb1 seq 1..40 every 0.5 size 136
             0.1 B > A ESP 0xa1 seq 1..40 every 0.5 size 136
             20 A > B ESP 0xb1 seq 41..64 every 0.5 size {size}
             32 A > B ESP 0xb1 seq 65..100 every 0.5 size 136
             32.1 B > A ESP 0xa1 seq 41..76 every 0.5 size 136{ike}"
        )
    }

    #[test]
    fn packets_without_an_answer_for_a_while_beside_ike() {
        let found = fires(&sealed(136, IKE), "esp-one-way");
        assert_eq!(found.severity, Severity::Warning);
        assert_eq!(found.confidence, Confidence::Possible);
        // They are of another size; nothing else of the peer comes, which is told otherwise.
        silent(&sealed(200, IKE), "esp-one-way");
        silent(&sealed(136, ""), "esp-one-way");
    }

    /// A stream that wants no answer, and echo requests to so many hosts, of which the last of each has a reply.
    fn opened(hosts: u32) -> String {
        let mut text = format!(
            "0 A > B ESP 0xb1 seq 1..40 every 0.5 inner(10.1.0.1 > 10.2.0.1 UDP 5000 > 6000)
             0.05 B > A ESP 0xa1 seq 1..10 every 0.5 inner(10.2.0.9 > 10.1.0.1 UDP 1 > 2){IKE}"
        );
        for host in 0..hosts {
            let numbers = (0..24).map(|step| (41 + step * hosts + host).to_string());
            let numbers: Vec<String> = numbers.collect();
            let apart = 0.1 * f64::from(host);
            text += &format!(
                "
             {asked} A > B ESP 0xb1 seq {numbers} every 0.5 inner(10.1.0.1 > 10.2.0.{host} echo {host}/1)
             {replied} B > A ESP 0xa1 seq {number} inner(10.2.0.{host} > 10.1.0.1 reply {host}/24)",
                asked = 20.0 + apart,
                numbers = numbers.join(","),
                replied = 31.55 + apart,
                number = 11 + host,
            );
        }
        text
    }

    #[test]
    fn echo_requests_without_a_reply_for_a_while() {
        let one = fires(&opened(1), "esp-one-way");
        assert_eq!(one.confidence, Confidence::Possible);
        let says = one.says.to_string();
        assert!(says.contains("echo requests to 1 host behind"), "{says}");
        // More than one host is not down at the same time.
        let two = fires(&opened(2), "esp-one-way");
        assert_eq!(two.confidence, Confidence::Likely);
    }
}
