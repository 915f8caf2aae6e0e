//! The outside link shows a tunnel that works: what that rules out, and where else to look.

use crate::diagnose::facts::esp::Directions;
use crate::diagnose::facts::life::{self, Closing};
use crate::diagnose::facts::{Located, end_of, own, tap};
use crate::diagnose::{Case, Confidence, Finding, Rule, Severity, Signs};
use crate::language::{Text, count, list};
use crate::model::{EspFlow, IkeSa, IkeState, Model, Tunnel};
use crate::registry::ExchangeType;
use crate::say;
use crate::units::{Span, Timestamp};
use std::cell::LazyCell;
use std::collections::BTreeSet;
use std::net::IpAddr;

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
On the outside link this tunnel works as far as this tap shows: it is negotiated, and ESP of both directions passes. Beside a gateway only what it receives is known to arrive; what it sends may be lost further on. Whoever still cannot reach somebody through the tunnel must look at the far side, at the gateways and behind them. Some causes leave no trace on this link: an instance that is in arrears before it falls silent, an access list or a route table of a cloud network, a host firewall, the age of a gateway.

## How it is seen
The IKE SA is established, both ends send ESP until shortly before the end, and few sequence numbers are missing. Of two taps, one lacks hardly anything that left the other. The TTL tells beside which gateway the tap is. Nothing is said if ESP ends with what may be a Delete and never comes again, or if the tunnel is set up again and again.

## What else looks like it
A capture that ends before the trouble begins. Traffic of one pair of hosts may fail in a tunnel that works for all others: only keys of ESP show who talks to whom. ESP that is seen may still be lost behind the tap, or dropped by the gateway that receives it.

## What to do
1. Look at the counters of IPsec errors on both gateways; where the tap is beside one, capture at the other.
2. At a cloud gateway: its billing and instance state, route tables, network ACLs and security groups, also of an internet gateway beside it.
3. At the other gateway: routes of the inner networks, the policy between its zones, NAT exemptions.
4. At the host: its firewall, its way back, whether it answers pings at all; a capture there decides.
5. Or record with ESP keys: then inner addresses, ports and answers are told.
";

/// So many packets each way show that both ways are open.
const ENOUGH: u64 = 4;

/// Both ways went on until the end of the traffic if their last packets lie this near.
const TOGETHER: Span = Span::from_secs(10);

/// One number missing in so many is less than anybody notices.
const UNNOTICED: u64 = 200;

fn check(case: &Case<'_>) -> Vec<Finding> {
    if !case.tunnel.icmp.is_empty() || !case.tunnel.outside.is_empty() {
        return Vec::new();
    }
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
    if pending || !up || !case.tap().hears_both() || is_lossy(case.tunnel) {
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
        let heard = LazyCell::new(|| case.heard().last(end, Timestamp(i64::MAX)));
        let probes = case.messages().filter(|message| {
            message.header.exchange == ExchangeType::INFORMATIONAL_V1
                && end_of(case.tunnel, message.path.from().address) == Some(1 - end)
                && heard.is_some_and(|heard| message.time > heard.1)
        });
        let times = probes.map(|message| (message.time, message.time));
        let span = times.reduce(|all, one| (all.0.min(one.0), all.1.max(one.1)));
        span.is_some_and(|(first, last)| last.since(first) >= PROBES)
    };
    in_vain || probed(0) || probed(1)
}

/// Whether all ESP ended with what may be a Delete, and none came again while the recording went on: then
/// something ended it.
fn is_over(case: &Case<'_>, directions: &Directions<'_>, last: Timestamp) -> bool {
    /// ESP that was under way when the delete came.
    const AT_ONCE: Span = Span::from_secs(1);
    let ends = |closing: Closing| closing.at.1.since(last).0.saturating_abs() <= AT_ONCE.0;
    tap::went_on(case.model, directions.vantage, last, TOGETHER)
        && case.tunnel.ike_sas.iter().any(|id| {
            let mut exchanges = case.model.ike_sas[*id].exchanges.iter();
            let closing = life::closing(case.model, *id);
            closing.is_some_and(ends)
                || exchanges.any(|exchange| {
                    let exchange = &case.model.exchanges[*exchange];
                    life::may_delete(case.model, *id, exchange).is_some_and(ends)
                })
        })
}

/// Whether one direction ends while the other goes on: that it passed before tells nothing of now.
fn is_silenced(directions: &Directions<'_>) -> bool {
    /// Fewer packets without an answer are the end of any conversation.
    const MANY: u64 = 10;
    [0, 1].into_iter().any(|end| {
        let heard = directions.last(1 - end);
        heard.is_some_and(|heard| directions.packets_since(end, heard.1) >= MANY)
    })
}

/// Whether IKE SAs are set up again and again, each after a short life.
fn is_restless(case: &Case<'_>) -> bool {
    const SHORT: Span = Span::from_secs(60);
    let births = case.births();
    let lives = births.iter().zip(births.iter().skip(1));
    let mut lives = lives.map(|(old, next)| next.asked.1.since(old.asked.1));
    births.len() >= 3 && lives.all(|life| life < SHORT)
}

/// Whether what goes to an end is known to arrive there: this tap is beside it, another tap behind this one
/// has it, or what was read inside has answers to it.
fn arrives(case: &Case<'_>, directions: &Directions<'_>, end: usize) -> bool {
    own::end(directions) == Some(end)
        || Located::of(case.tunnel, end).is_some_and(|located| {
            let far = case.directions_at(located.far);
            located.both >= ENOUGH && far.and_then(own::end) == Some(end)
        })
        || case.inside().is_some_and(|inside| {
            let mut asking = inside.asking.iter();
            asking.any(|one| {
                let (asker, asked) = (one.from.address, one.to.address);
                one.end == end
                    && one.talk.vantage == directions.vantage
                    && inside.converse(directions.vantage, asker, asked)
            })
        })
}

/// Whether the authentication of an IKE SA that came up was recorded.
fn is_negotiated(model: &Model, sa: &IkeSa) -> bool {
    let mut kinds = sa.exchanges.iter().map(|id| model.exchanges[*id].kind);
    let authenticates = kinds.any(|kind| {
        matches!(
            kind,
            ExchangeType::IKE_AUTH | ExchangeType::IDENTITY_PROTECTION | ExchangeType::AGGRESSIVE
        )
    });
    sa.state.was_up() && authenticates
}

/// The addresses that packets of one direction went to: an end that moves has several.
fn addresses(directions: &Directions<'_>, end: usize) -> Text {
    /// Who moves has more, and these show it.
    const SHOWN: usize = 8;
    let mut seen: BTreeSet<IpAddr> = BTreeSet::new();
    let flows = directions.flows(end).iter().map(|flow| flow.key.to);
    list(flows.filter(|to| seen.insert(*to)).take(SHOWN))
}

fn well(case: &Case<'_>, directions: &Directions<'_>) -> Option<Finding> {
    let [one, two] = case.tunnel.ends;
    let [to_one, to_two] = [directions.packets(0), directions.packets(1)];
    let (last_to_one, last_to_two) = (directions.last(0)?, directions.last(1)?);
    let apart = last_to_one
        .1
        .since(last_to_two.1)
        .max(last_to_two.1.since(last_to_one.1));
    let missing: u64 = directions.all().map(|flow| flow.sequence.missing).sum();
    // A receiver throws away what comes after a counter that began again, till the old number is passed.
    let anew = || directions.all().any(|flow| flow.sequence.restarts > 0);
    if to_one.min(to_two) < ENOUGH
        || apart > TOGETHER
        || missing * UNNOTICED > to_one + to_two
        || anew()
    {
        return None;
    }
    let last = last_to_one.1.max(last_to_two.1);
    if is_left_unanswered(case)
        || is_restless(case)
        || case.unused().is_some()
        || is_over(case, directions, last)
        || is_silenced(directions)
    {
        return None;
    }
    let first = directions.first(0)?;
    let is_ah = |flow: &EspFlow| flow.key.ah;
    let esp = match (directions.all().any(is_ah), directions.all().all(is_ah)) {
        (_, true) => "AH",
        (true, false) => "ESP and AH",
        (false, false) => "ESP",
    };
    let negotiated = match case.ike_sas().any(|sa| is_negotiated(case.model, sa)) {
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
    // What is recorded as it leaves its sender may be lost on all of its way.
    let beside = own::end(directions).filter(|near| !arrives(case, directions, 1 - near));
    let beside = beside.and_then(|near| {
        let ends = &case.tunnel.ends;
        Some((ends.get(near)?, ends.get(1 - near)?))
    });
    let both = arrives(case, directions, 0) && arrives(case, directions, 1);
    let says = Text::from(negotiated).then(say!(
        "{to_two} of {esp} went to {two} and {to_one} to {one}, and {whole}.",
        to_two = count(to_two, "packet"),
        esp,
        two = addresses(directions, 1),
        to_one = count(to_one, "packet"),
        one = addresses(directions, 0),
        whole
    ));
    let (title, says) = match beside {
        Some((near, far)) => (
            say!(
                "{esp} of {far} reaches {near}, and {near} sends; IKE passes both ways",
                esp,
                far,
                near
            ),
            says.then(say!(
                "This tap is beside {near}: what {far} sends comes so far, and hardly anything of it is lost. \
                 Whether what {near} sends arrives at {far} does not show here.",
                near,
                far
            )),
        ),
        None if both => (
            say!(
                "IKE and {esp} pass both ways between {one} and {two}: what fails in there fails in a gateway or \
                 behind one",
                esp,
                one,
                two
            ),
            says.then(
                "What each of them sends reaches the other. What fails in this tunnel most likely fails in a \
                 gateway, or behind one.",
            ),
        ),
        None => (
            say!(
                "IKE and {esp} pass this tap both ways between {one} and {two}",
                esp,
                one,
                two
            ),
            says.then(say!(
                "No filter stops IKE or {esp} before this tap, and hardly anything is lost there. What fails in \
                 this tunnel fails beyond this tap: on the link behind it, in a gateway, or behind one.",
                esp
            )),
        ),
    };
    let mut finding = Finding::new(
        &RULE,
        Confidence::Likely,
        case.id,
        first,
        say!("{esp} passes in this direction", esp),
    )
    .also(directions.first(1)?, "and in this one")
    .during(first.1, last)
    .title(title)
    .says(says);
    finding = match beside {
        Some((near, far)) => finding
            .or(say!("{esp} of {near} is lost beyond this tap.", esp, near))
            .advise(say!(
                "Capture at the outside port of {far}: there it shows whether {esp} of {near} arrives.",
                far,
                esp,
                near
            )),
        None => finding,
    };
    finding = finding.or(match both || beside.is_some() {
        true => say!(
            "A gateway receives {esp} and drops it: the counters of the gateways tell.",
            esp
        ),
        false => say!(
            "A gateway receives {esp} and drops it, or it is lost behind this tap: the counters of the gateways tell.",
            esp
        ),
    });
    Some(
        finding
            .or("The trouble began after the capture ended, or concerns hosts that were silent meanwhile.")
            .advise("Look at the counters of IPsec errors on both gateways.")
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
    use crate::diagnose::Finding;
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
    fn what_leaves_beside_the_tap_is_not_known_to_arrive() {
        let found = |far: &str| {
            let text = format!("{UP}\n1.1 B > A ESP 0xa1 seq 1..20 every 0.3 size 136{far}");
            fires(&text, "outside-well")
        };
        let (amid, beside) = (found(""), found(" ttl=57"));
        let title = |finding: &Finding| finding.title.to_string();
        assert!(
            title(&amid).contains("pass this tap both ways"),
            "{}",
            title(&amid)
        );
        assert!(
            title(&beside).starts_with("ESP of 192.0.2.2 reaches 192.0.2.1, and 192.0.2.1 sends"),
            "{}",
            title(&beside)
        );
        // Answers inside come only to what arrived.
        let read = UP.replace("size 136", "inner(10.1.0.9 > 10.2.0.9 echo 7/1)")
            + "\n1.1 B > A ESP 0xa1 seq 1..20 every 0.3 ttl=57 inner(10.2.0.9 > 10.1.0.9 reply 7/1)";
        let read = fires(&read, "outside-well");
        assert!(
            title(&read).contains("a gateway or behind one"),
            "{}",
            title(&read)
        );
    }

    #[test]
    fn what_ends_with_a_delete_or_is_set_up_again_and_again_is_no_good_news() {
        let well = format!("{UP}\n1.1 B > A ESP 0xa1 seq 1..20 every 0.3 size 136");
        let delete = "\n6.9 A:500 > B:500 INFORMATIONAL i=1 r=2 id=2 request sealed 80
                      6.95 B:500 > A:500 INFORMATIONAL i=1 r=2 id=2 response sealed 80";
        fires(&format!("{well}{delete}"), "outside-well");
        silent(
            &format!("{well}{delete}\n60 C > B ESP 0xc1"),
            "outside-well",
        );
        let life = |spi: u32, at: u32| {
            let up = UP.lines().skip(1).take(4).map(|line| {
                let line = line.trim_start();
                let (time, rest) = line.split_once(' ').unwrap_or_default();
                let time: f64 = time.parse().unwrap_or_default();
                let rest = rest
                    .replace("i=1", &format!("i={spi}"))
                    .replace("r=2", &format!("r=9{spi}"));
                format!("{} {rest}\n", time + f64::from(at))
            });
            up.collect::<String>()
        };
        let lives = |last: u32| well.clone() + "\n" + &life(5, 20) + &life(6, last);
        silent(&lives(40), "outside-well");
        fires(&lives(100), "outside-well");
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

    #[test]
    fn a_direction_that_ends_before_the_other_is_no_good_news() {
        silent(
            &format!("{UP}\n1.1 B > A ESP 0xa1 seq 1..9 every 0.3 size 136"),
            "outside-well",
        );
    }
}
