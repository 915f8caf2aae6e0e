//! The outside link shows a tunnel that works: what that rules out, and where else to look.

use crate::diagnose::facts::esp::Directions;
use crate::diagnose::facts::{Located, end_of};
use crate::diagnose::{Case, Confidence, Finding, Rule, Severity, Signs};
use crate::language::{Text, count};
use crate::model::{IkeState, Tunnel};
use crate::registry::ExchangeType;
use crate::say;
use crate::units::{Span, Timestamp};

/// The rule.
pub static RULE: Rule = Rule {
    slug: "outside-well",
    code: "INF550",
    severity: Severity::Info,
    summary: "IKE and ESP pass in both directions",
    document: DOCUMENT,
    explains: &[],
    needs: Signs::ESP,
    check,
};

const DOCUMENT: &str = "\
## What it means
On the outside link this tunnel works: it is negotiated, and ESP of both directions passes. Whoever still cannot reach somebody through it must look behind the gateways. Some causes leave no trace on this link: an instance that is in arrears before it falls silent, an access list or a route table of a cloud network, a host firewall, the age of a gateway.

## How it is seen
The IKE SA is established, both ends send ESP until shortly before the end, and few sequence numbers are missing. Of two taps, one lacks hardly anything that left the other.

## What else looks like it
A capture that ends before the trouble begins. Traffic of one pair of hosts may fail in a tunnel that works for all others: only keys of ESP show who talks to whom. ESP that is seen may still be lost behind the tap, or dropped by the gateway that receives it.

## What to do
1. At a cloud gateway: its billing and instance state, route tables, network ACLs and security groups, also of an internet gateway beside it.
2. At the other gateway: routes of the inner networks, the policy between its zones, NAT exemptions.
3. At the host: its firewall, its way back, whether it answers pings at all; a capture there decides.
4. Or record with ESP keys: then inner addresses, ports and answers are told.
";

/// So many packets each way show that both ways are open.
const ENOUGH: u64 = 4;

/// Both ways went on until the end of the traffic if their last packets lie this near.
const TOGETHER: Span = Span::from_secs(10);

/// One number missing in so many is less than anybody notices.
const UNNOTICED: u64 = 200;

fn check(case: &Case<'_>) -> Vec<Finding> {
    let up = case.ike_sas().any(|sa| sa.state.was_up());
    // Who began anew after the traffic, and did not come far, is not well.
    let last = case
        .directions()
        .iter()
        .flat_map(|one| [one.last(0), one.last(1)]);
    let last = last.flatten().map(|cite| cite.1).max();
    let pending = case.ike_sas().next_back().is_some_and(|sa| {
        matches!(sa.state, IkeState::HalfOpen | IkeState::Unanswered)
            && Some(sa.seen.first.1) > last
    });
    if pending
        || !up
        || !case.tunnel.icmp.is_empty()
        || !case.tap().hears_both()
        || is_lossy(case.tunnel)
    {
        return Vec::new();
    }
    case.directions()
        .iter()
        .find_map(|directions| well(case, directions))
        .into_iter()
        .collect()
}

/// Whether packets that left one tap never reached the other, as more than chance.
fn is_lossy(row: &Tunnel) -> bool {
    [0, 1].into_iter().any(|towards| {
        Located::of(row, towards).is_some_and(|located| {
            located.lost.saturating_mul(UNNOTICED) > located.left() && !located.may_be_leak()
        })
    })
}

/// Whether IKE failed while ESP flowed or since: a message that was never answered, but on an IKE SA whose place
/// another took, or probes of IKEv1 (RFC 3706) since the other side was heard last.
fn is_left_unanswered(case: &Case<'_>) -> bool {
    /// Two deletes come in one breath, two probes do not.
    const PROBES: Span = Span::from_secs(1);
    let Some(esp) = case.flows().map(|flow| flow.seen.first.1).min() else {
        return false;
    };
    let in_vain = case.unsettled().iter().any(|asked| {
        let replaced = case.successors().is_replaced(asked.exchange.ike_sa);
        asked.is_silent() && asked.last.1 >= esp && !replaced
    });
    let probed = |end: usize| {
        let heard = case.heard().last(end, Timestamp(i64::MAX));
        let probes = case.messages().filter(|message| {
            let from = end_of(case.tunnel, message.path.from().address);
            message.header.exchange == ExchangeType::INFORMATIONAL_V1
                && from == Some(1 - end)
                && heard.is_some_and(|heard| message.time > heard.1)
        });
        let times = probes.map(|message| (message.time, message.time));
        let span = times.reduce(|all, one| (all.0.min(one.0), all.1.max(one.1)));
        span.is_some_and(|(first, last)| last.since(first) >= PROBES)
    };
    in_vain || probed(0) || probed(1)
}

fn well(case: &Case<'_>, directions: &Directions<'_>) -> Option<Finding> {
    if is_left_unanswered(case) {
        return None;
    }
    let [one, two] = case.tunnel.ends;
    let [to_one, to_two] = [directions.packets(0), directions.packets(1)];
    let (last_to_one, last_to_two) = (directions.last(0)?, directions.last(1)?);
    let apart = last_to_one
        .1
        .since(last_to_two.1)
        .max(last_to_two.1.since(last_to_one.1));
    let missing: u64 = directions.all().map(|flow| flow.sequence.missing).sum();
    if to_one.min(to_two) < ENOUGH || apart > TOGETHER || missing * UNNOTICED > to_one + to_two {
        return None;
    }
    let first = directions.first(0)?;
    let negotiated = match case
        .tunnel
        .ike_sas
        .iter()
        .any(|id| case.model.ike_sas[*id].state != IkeState::AlreadyUp)
    {
        true => "The negotiation ended well, so proposals, identities and keys fit.",
        false => "The tunnel was up before the capture began.",
    };
    let whole = match missing {
        0 => Text::from("no sequence number is missing"),
        _ => say!(
            "{numbers} missing",
            numbers = count(missing, "sequence number")
        ),
    };
    Some(
        Finding::new(&RULE, Confidence::Likely, case.id, first, "ESP passes in this direction")
            .also(directions.first(1)?, "and in this one")
            .during(first.1, last_to_one.1.max(last_to_two.1))
            .title(say!(
                "IKE and ESP pass both ways between {one} and {two}: what fails in there fails behind a gateway",
                one,
                two
            ))
            .says(Text::from(negotiated).then(say!(
                "{to_two} went to {two} and {to_one} to {one}, and {whole}: no filter stops IKE or ESP before \
                 this tap, and hardly anything is lost there. What fails in this tunnel most likely fails behind a \
                 gateway.",
                to_two = count(to_two, "ESP packet"),
                two,
                to_one = count(to_one, "ESP packet"),
                one,
                whole
            )))
            .or("A gateway receives ESP and drops it, or it is lost behind this tap: the counters of the gateways tell.")
            .or("The trouble began after the capture ended, or concerns hosts that were silent meanwhile.")
            .advise("At a cloud gateway look at billing and instance state, route tables, network ACLs and security groups.")
            .advise("At the other gateway look at inner routes, the policy between its zones, and NAT exemptions.")
            .advise(match directions.all().all(|flow| flow.opened.is_some()) {
                true => "Capture at the host that does not answer.",
                false => "Capture at the host that does not answer; or give ESP keys, which show who talks to whom.",
            }),
    )
}

#[cfg(test)]
mod tests {
    use crate::diagnose::testing::{fires, silent};

    const UP: &str = "
        0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
        0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
        0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 256
        0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 240
        1 A > B ESP 0xb1 seq 1..20 every 0.3 size 136";

    #[test]
    fn a_tunnel_that_works_rules_out_what_lies_outside() {
        let says = |numbers: &str| {
            let there = UP.replace("1..20", "1..2000");
            let text = format!("{there}\n1.1 B > A ESP 0xa1 seq {numbers} every 0.3 size 136");
            fires(&text, "outside-well").says.to_string()
        };
        let (whole, one) = (says("1..2000"), says("1..500,502..2000"));
        assert!(whole.contains("no sequence number is missing"), "{whole}");
        assert!(one.contains("1 sequence number missing"), "{one}");
    }

    #[test]
    fn who_begins_anew_and_does_not_come_far_is_not_well() {
        let well = format!("{UP}\n1.1 B > A ESP 0xa1 seq 1..20 every 0.3 size 136");
        fires(&well, "outside-well");
        let anew = "30 A:500 > B:500 IKE_SA_INIT i=5 r=0 id=0 request SA(DH14) KE(14) Nonce
                    30.1 B:500 > A:500 IKE_SA_INIT i=5 r=6 id=0 response SA(DH14) KE(14) Nonce";
        silent(&format!("{well}\n{anew}"), "outside-well");
    }

    #[test]
    fn one_way_alone_rules_out_nothing() {
        silent(UP, "outside-well");
        silent(
            &format!("{UP}\n1.1 B > A ESP 0xa1 seq 1..2 every 0.3 size 136"),
            "outside-well",
        );
    }

    #[test]
    fn what_one_tap_sees_leave_and_another_never_arrive_is_no_good_news() {
        silent(
            &format!(
                "{UP}
                 7 A > B ESP 0xb1 seq 21..100 every 0.1 size 136
                 1.1 B > A ESP 0xa1 seq 1..140 every 0.1 size 136 ttl=63
                 1.02 A > B ESP 0xb1 seq 1..20 every 0.3 size 136 ttl=63 tap=1
                 7.02 A > B ESP 0xb1 seq 21..40 every 0.1 size 136 ttl=63 tap=1
                 11.02 A > B ESP 0xb1 seq 61..100 every 0.1 size 136 ttl=63 tap=1
                 1.08 B > A ESP 0xa1 seq 1..140 every 0.1 size 136 tap=1"
            ),
            "outside-well",
        );
    }

    #[test]
    fn ike_that_fails_is_no_good_news() {
        let well =
            format!("{UP}\n1.1 B > A ESP 0xa1 seq 1..20 every 0.3 size 136\n60 C > B ESP 0xc1");
        fires(&well, "outside-well");
        let asks = "\n5 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=2 request sealed 208";
        silent(&format!("{well}{asks}"), "outside-well");
        // Probes of IKEv1 are messages of their own (RFC 3706).
        let v1 = "
            0 A:500 > B:500 MAIN i=1 r=0 SA(encr=7/256 hash=4 auth=1 group=14)
            0.1 B:500 > A:500 MAIN i=1 r=2 SA(encr=7/256 hash=4 auth=1 group=14)
            0.2 A:500 > B:500 MAIN i=1 r=2 KE Nonce
            0.3 B:500 > A:500 MAIN i=1 r=2 KE Nonce
            0.4 A:500 > B:500 MAIN i=1 r=2 sealed 108
            0.5 B:500 > A:500 MAIN i=1 r=2 sealed 92
            1 A > B ESP 0xb1 seq 1..20 every 0.3 size 136
            1.1 B > A ESP 0xa1 seq 1..20 every 0.3 size 136
            60 C > B ESP 0xc1";
        fires(v1, "outside-well");
        let probes = "
            12 A:500 > B:500 INFO_V1 i=1 r=2 id=0x90 sealed 108
            16 A:500 > B:500 INFO_V1 i=1 r=2 id=0x91 sealed 108";
        silent(&format!("{v1}{probes}"), "outside-well");
    }

    #[test]
    fn loss_is_no_good_news() {
        silent(
            &format!(
                "{UP}\n1.1 B > A ESP 0xa1 seq 1..9 every 0.3 size 136
                 4.1 B > A ESP 0xa1 seq 15..20 every 0.3 size 136"
            ),
            "outside-well",
        );
    }
}
