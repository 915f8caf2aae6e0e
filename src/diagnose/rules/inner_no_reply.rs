//! Requests go through the tunnel, and the host asked never answers.

use crate::diagnose::facts::Tap;
use crate::diagnose::facts::icmp::Meaning;
use crate::diagnose::facts::inner::{self, Asking, BGP, Inside, Unanswered};
use crate::diagnose::{Case, Confidence, Finding, Rule, Severity, Signs};
use crate::language::{Text, count, list};
use crate::model::InnerError;
use crate::say;
use crate::units::{Endpoint, Span, Vantage};
use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// The rule.
pub static RULE: Rule = Rule {
    slug: "inner-no-reply",
    code: "ESP412",
    severity: Severity::Warning,
    summary: "Hosts behind a gateway do not answer through the tunnel",
    document: DOCUMENT,
    explains: &[],
    needs: Signs::INSIDE,
    check,
};

const DOCUMENT: &str = "\
## What it means
The tunnel works: IKE is answered, ESP leaves, the far gateway is heard. What is asked inside is not answered by the hosts behind it: a route, an access rule or a host there.

## How it is seen
With the keys of ESP, or without encryption: connection attempts (SYN), ICMP echo requests or DNS queries to a host, several and over some seconds, and nothing at all of that host to the one who asks, unless it asks itself, though the far gateway was heard after the first of them and all of its ESP was opened. If none of its ESP came meanwhile, it is told as possible; so it is if the gateway was heard shortly before and not since, and they last for ten seconds. A host that answered before counts as well, if nothing of it came since; so does one that acknowledges nothing more on a connection that stood. An ICMP error inside may say who refuses, and why.

## What else looks like it
A host that is switched off. Where no ESP of the far gateway comes: a path that loses all of it, or an SA of that direction that is dead. Answers that take another way, past this tunnel. ESP that the far gateway receives and drops: then its counters of errors grow. A trace of the way makes packets run out of hops on purpose.

## What to do
1. Compare routes and access rules on the far side for the two addresses printed, both directions, from the time printed on.
2. Capture at the inside of the far gateway: do the requests leave there, do answers arrive?
3. If answers arrive there and no ESP comes back, look at the far gateway's policy, NAT and routes.
";

/// Fewer requests prove nothing.
const FEW: u64 = 3;

/// Where other hosts there do answer, or the host did before, one that does not may just be off.
const MANY: u64 = 5;

/// The requests must be spread over so long.
const LASTING: Span = Span::from_secs(2);

/// Where nothing at all comes from behind the gateway, fewer requests do if they last so long: TCP asks ever
/// more seldom (RFC 6298 section 5).
const LONG: Span = Span::from_secs(10);

/// Pairs of hosts that are named.
const NAMED: usize = 3;

/// The requests of one host to another.
struct Pair<'m> {
    asking: Asking<'m>,
    silent: Unanswered,
    /// Whether the host answered other requests before, and none since these.
    fell_silent: bool,
    /// One for each kind of request.
    kinds: Vec<Asking<'m>>,
}

fn check(case: &Case<'_>) -> Vec<Finding> {
    let Some(inside) = case.inside() else {
        return Vec::new();
    };
    let served = OnceCell::new();
    let mut pairs: BTreeMap<(Vantage, IpAddr, IpAddr), Pair<'_>> = BTreeMap::new();
    for asking in inside.asked_once() {
        let (from, to) = (asking.from.address, asking.to.address);
        let vantage = asking.talk.vantage;
        let Some(silent) = asking.unanswered(case.model) else {
            continue;
        };
        // A port that never answered is told by itself, where the host did.
        let may_be_told = || {
            let served = || served.get_or_init(|| self::served(inside));
            asking.out.tcp.is_none() || served().contains(&(vantage, from, asking.to))
        };
        let fell_silent = inside.fell_silent(vantage, (from, to), silent.first.1) && may_be_told();
        // Of a connection alone that is not acknowledged any more, the host may answer others.
        let echoes = silent.stopped && asking.out.echo.is_some();
        let known = inside.converse(vantage, from, to) && !echoes && !fell_silent;
        // Who says that nothing listens there has answered (RFC 1122 section 3.2.2.1).
        let declines = || {
            let errors = inside.errors(from, to).iter();
            errors.filter(|error| error.from == to).any(|error| {
                matches!(
                    inner::meaning(error),
                    Meaning::PortUnreachable | Meaning::ProtocolUnreachable
                )
            })
        };
        if known || asking.to.port == Some(BGP) || asking.is_check() || declines() {
            continue;
        }
        pairs
            .entry((vantage, from, to))
            .and_modify(|pair| {
                pair.silent.requests += silent.requests;
                pair.silent.pending += silent.pending;
                pair.silent.places.extend(&silent.places);
                pair.silent.first = pair.silent.first.min(silent.first);
                pair.silent.last = pair.silent.last.max(silent.last);
                pair.fell_silent &= fell_silent;
                let is_new = || pair.kinds.iter().all(|kind| kind.what() != asking.what());
                if pair.kinds.len() < NAMED && is_new() {
                    pair.kinds.push(*asking);
                }
            })
            .or_insert(Pair {
                asking: *asking,
                silent,
                fell_silent,
                kinds: vec![*asking],
            });
    }
    let mut sides: BTreeMap<usize, Vec<Pair<'_>>> = BTreeMap::new();
    for ((vantage, ..), pair) in pairs {
        let end = pair.asking.end;
        let Unanswered {
            requests,
            first,
            last,
            stopped,
            ..
        } = pair.silent;
        let during = (first.1, last.1);
        let answered = stopped || pair.fell_silent || inside.answers(vantage, end);
        let lasted = last.1.since(first.1);
        let long = || lasted >= LONG && !inside.sends(vantage, end, during);
        let enough = requests >= FEW && lasted >= LASTING;
        let enough = enough && (!answered || requests >= MANY || long());
        // Where nothing else is asked there is nothing else to hear.
        let would_see = || {
            inside.would_see(vantage, end, requests, during)
                || long() && inside.was_seeing(vantage, end, first.1)
        };
        if enough && would_see() {
            sides.entry(end).or_default().push(pair);
        }
    }
    sides
        .into_values()
        .filter_map(|pairs| finding(case, inside, pairs))
        .collect()
}

fn finding(case: &Case<'_>, inside: &Inside<'_>, mut pairs: Vec<Pair<'_>>) -> Option<Finding> {
    pairs.sort_by_key(|pair| pair.silent.first);
    let worst = pairs.first()?;
    let end = worst.asking.end;
    let gateway = case.tunnel.ends.get(end)?;
    let (from, to) = (worst.asking.from.address, worst.asking.to.address);
    let error = pairs.iter().find_map(|pair| {
        let about = inside.errors(pair.asking.from.address, pair.asking.to.address);
        // Errors of another time are about other requests.
        let until = pair.silent.last.1.later(Tap::PATIENCE);
        let meets = |error: &&InnerError| {
            error.seen.first.1 <= until && error.seen.last.1 >= pair.silent.first.1
        };
        about
            .iter()
            .copied()
            .filter(meets)
            .find(|error| refuses(error))
    });
    let others = inside.answers(worst.asking.talk.vantage, end);
    let sends = pairs.iter().any(|pair| {
        let (first, last) = (pair.silent.first.1, pair.silent.last.1);
        inside.sends(pair.asking.talk.vantage, end, (first, last))
    });
    let heard_since = pairs.iter().any(|pair| {
        let first = pair.silent.first.1;
        case.heard().since(end, first).is_some()
    });
    let amid = pairs.iter().any(|pair| {
        let vantage = pair.asking.talk.vantage;
        let (first, last) = (pair.silent.first.1, pair.silent.last.1);
        let heard = case.heard().since(end, first);
        heard.is_some_and(|heard| heard.1 <= last) || inside.sends_amid(vantage, end, (first, last))
    });
    let unasked = pairs
        .iter()
        .filter(|pair| pair.kinds.iter().any(|kind| kind.out.echo.is_some()))
        .take(NAMED)
        .find_map(|pair| {
            let (from, to) = (pair.asking.from.address, pair.asking.to.address);
            let when = (pair.silent.first.1, pair.silent.last.1);
            Some((from, inside.unasked((from, to), when)?))
        });
    let confidence = match (error, others || unasked.is_some()) {
        // Who traces the way makes packets run out of hops on purpose.
        (Some(error), _) if inner::meaning(error) == Meaning::HopLimit => Confidence::Possible,
        (Some(error), _) => Confidence::Certain.lower_if(error.count < 2),
        (None, others) if others || !sends => Confidence::Possible,
        (None, _) => inside.absence(Confidence::Likely),
    };
    let shown = pairs
        .iter()
        .take(NAMED)
        .map(asked)
        .reduce(|these, last| say!("{these}; {last}", these, last));
    let unanswered = match pairs.len().saturating_sub(NAMED) {
        0 => say!("Inside the tunnel {shown} were not answered.", shown),
        more => say!(
            "Inside the tunnel {shown}, and those of {more} were not answered.",
            shown,
            more = count(more as u64, "further pair")
        ),
    };
    let title = match pairs.len() {
        1 => say!("{to} does not answer {from} through the tunnel", to, from),
        _ => say!(
            "Hosts behind {gateway} do not answer through the tunnel",
            gateway
        ),
    };
    let mut finding = Finding::new(
        &RULE,
        confidence,
        case.id,
        worst.silent.first,
        say!(
            "{request} from {from} to {to}, not answered",
            request = worst.asking.what(),
            from,
            to
        ),
    )
    // Without ESP of the gateway the answers may be among what the recording lacks.
    .severity(match sends {
        true => RULE.severity,
        false => case.tap().gaps(RULE.severity),
    })
    .title(title)
    .says(
        unanswered
            .then(match (sends, amid) {
                (true, false) => say!(
                    "{gateway} was heard before and after, and all of its ESP was opened, so an answer would have \
                     been seen.",
                    gateway
                ),
                (true, true) => say!(
                    "{gateway} was heard meanwhile and all of its ESP was opened, so an answer would have been seen.",
                    gateway
                ),
                (false, _) if heard_since => say!(
                    "{gateway} was heard since, yet none of its ESP came meanwhile.",
                    gateway
                ),
                (false, _) => say!(
                    "{gateway} was heard before, and not since.",
                    gateway
                ),
            })
            .then(inner::too_late(
                pairs.iter().map(|pair| pair.silent.pending).sum(),
                "request",
            ))
            .then(error.map(why)),
    );
    if let Some(error) = error {
        finding = finding.also(error.seen.first, inner::said(error));
    }
    if let Some((from, unasked)) = unasked {
        finding = inner::tell_unasked(finding, from, unasked);
    }
    for pair in &pairs {
        for place in &pair.silent.places {
            finding = finding.also(*place, "asked again, not answered");
        }
        finding = finding.during(pair.silent.first.1, pair.silent.last.1);
    }
    if !sends {
        finding = finding.or(say!("ESP of {gateway} does not arrive here.", gateway));
    }
    if !heard_since {
        finding = finding.or(say!(
            "{is_silent} itself went down: nothing else of it was heard since.",
            is_silent = gateway
        ));
    }
    finding = match error {
        None => finding
            .or("The host is down, or drops such requests itself.")
            .or("The answers take another way, past this tunnel."),
        // Who says by an error that it refuses leaves no doubt of it.
        Some(error) => finding.advise(match inner::meaning(error) {
            Meaning::Prohibited => say!(
                "On {host} permit what {from} asks of {to}.",
                host = error.from,
                from,
                to
            ),
            _ => say!(
                "Look at the route of {host} to {to}.",
                host = error.from,
                to
            ),
        }),
    };
    // Who asks itself is up.
    if worst.asking.back.packets > 0 && !worst.silent.stopped {
        finding
            .says
            .add(say!("{to} itself asks {from}, so it is up.", to, from));
        finding = finding.or(say!(
            "ESP towards {gateway} is lost behind this tap, or dropped there: that {to} is heard shows the other way \
             alone.",
            gateway,
            to
        ));
    }
    Some(
        finding
            .advise(say!(
                "Behind {gateway}, look at the route to {from} and at the access rules between {from} and {to}, \
                 both directions.",
                gateway,
                from,
                to
            ))
            .advise(say!(
                "Capture at the inside of {gateway}: do the requests leave there, and do answers arrive?",
                gateway
            )),
    )
}

/// The ports of TCP that answered a host.
fn served(inside: &Inside<'_>) -> BTreeSet<(Vantage, IpAddr, Endpoint)> {
    let open = |asking: &&Asking<'_>| {
        let back = asking.back.tcp.as_ref();
        back.is_some_and(|tcp| tcp.syn_acks > 0)
    };
    let served = inside.asking.iter().filter(open);
    served
        .map(|asking| (asking.talk.vantage, asking.from.address, asking.to))
        .collect()
}

/// `3 requests from 10.1.0.1 to 10.2.0.1 (ICMP echo)`.
fn asked(pair: &Pair<'_>) -> Text {
    let requests = count(pair.silent.requests, "request");
    let (from, to) = (pair.asking.from.address, pair.asking.to.address);
    let kinds = list(pair.kinds.iter().map(Asking::what));
    match pair.silent.stopped {
        false if pair.fell_silent => say!(
            "{requests} from {from} to {to} ({kinds}; it had answered others before)",
            requests,
            from,
            to,
            kinds
        ),
        true => say!(
            "{requests} from {from} to {to} ({kinds}; others were answered before)",
            requests,
            from,
            to,
            kinds
        ),
        false => say!(
            "{requests} from {from} to {to} ({kinds})",
            requests,
            from,
            to,
            kinds
        ),
    }
}

/// Whether an error says that the host cannot or must not be reached.
fn refuses(error: &InnerError) -> bool {
    matches!(
        inner::meaning(error),
        Meaning::HostUnreachable | Meaning::Prohibited | Meaning::HopLimit
    )
}

fn why(error: &InnerError) -> Text {
    let meaning = inner::meaning(error);
    let error = inner::said(error);
    match meaning {
        Meaning::Prohibited => say!("{error}: a filter there refuses the traffic.", error),
        Meaning::HopLimit => say!(
            "{error}: packets go in circles there, or somebody traces the way.",
            error
        ),
        _ => say!(
            "{error}: it knows no way to the host, or the host is off.",
            error
        ),
    }
}

#[cfg(test)]
mod tests {
    use crate::diagnose::Confidence;
    use crate::diagnose::testing::{findings, fires, is_healthy, silent, verdict};

    const UP: &str = "
        0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
        0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
        0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 256
        0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 240
        30 A:500 > B:500 INFORMATIONAL i=1 r=2 id=2 request sealed 80
        30.1 B:500 > A:500 INFORMATIONAL i=1 r=2 id=2 response sealed 80";

    fn with(rest: &str) -> String {
        format!("{UP}\n{rest}")
    }

    #[test]
    fn echo_and_connections_without_any_answer() {
        // Nothing of the other gateway's ESP came either, which is told first.
        fires(
            &with(
                "1 A > B ESP 0xb1 seq 1..5 every 1 inner(10.1.0.1 > 10.2.0.1 echo 7/1)
                 7 A > B ESP 0xb1 seq 6..8 every 2 inner(10.1.0.1 > 10.2.0.1 TCP 40000 > 443 SYN)",
            ),
            "inner-no-reply",
        );
    }

    #[test]
    fn a_router_inside_says_who_refuses() {
        let finding = fires(
            &with(
                "1 A > B ESP 0xb1 seq 1..5 every 1 inner(10.1.0.1 > 10.2.0.1 echo 7/1)
                 1.1 B > A ESP 0xa1 seq 1..5 every 1 inner(10.2.0.254 > 10.1.0.1 ICMP 3/13 quoting 10.1.0.1 > 10.2.0.1 1)",
            ),
            "inner-no-reply",
        );
        assert!(
            finding
                .says
                .to_string()
                .contains("ICMP 3/13 from 10.2.0.254"),
            "{}",
            finding.says
        );
    }

    #[test]
    fn answers_that_stop() {
        verdict(
            &with(
                "1 A > B ESP 0xb1 seq 1..16 every 1 inner(10.1.0.1 > 10.2.0.1 echo 7/1)
                 1.1 B > A ESP 0xa1 seq 1..6 every 1 inner(10.2.0.1 > 10.1.0.1 reply 7/1)",
            ),
            "inner-no-reply",
        );
    }

    #[test]
    fn who_answers_late_may_yet_answer_what_was_asked_since() {
        let text = |rest: &str| {
            with(&format!(
                "1 A > B ESP 0xb1 seq 1..40 every 0.4 inner(10.1.0.1 > 10.2.0.1 echo 7/1)
                 1.02 B > A ESP 0xa1 seq 1..10 every 0.4 inner(10.2.0.1 > 10.1.0.1 reply 7/1)
                 17 B > A ESP 0xa1 seq 11..20 every 0.001 inner(10.2.0.1 > 10.1.0.1 reply 7/11)
                 {rest}"
            ))
            .replace("30 A:500", "0.4 A:500")
            .replace("30.1 B:500", "0.5 B:500")
        };
        silent(&text(""), "inner-no-reply");
        // They had long enough for that.
        fires(
            &text("40 B > A ESP 0xa1 seq 21 inner(10.2.0.9 > 10.1.0.9 UDP 514 > 514)"),
            "inner-no-reply",
        );
    }

    #[test]
    fn a_host_that_answered_before_and_nothing_of_its_gateway_since() {
        let text = |syns: u32, rest: &str| {
            format!(
                "0 A:500 > B:500 INFORMATIONAL i=1 r=2 id=2 request sealed 80
                 0.1 B:500 > A:500 INFORMATIONAL i=1 r=2 id=2 response sealed 80
                 1 A > B ESP 0xb1 seq 1 inner(10.1.0.1 > 10.2.0.1 TCP 40000 > 443 SYN seq 1)
                 1.1 B > A ESP 0xa1 seq 1 inner(10.2.0.1 > 10.1.0.1 TCP 443 > 40000 SYN,ACK seq 7 ack 2)
                 1.2 A > B ESP 0xb1 seq 2 inner(10.1.0.1 > 10.2.0.1 TCP 40000 > 443 FIN,ACK seq 2 ack 8)
                 1.3 B > A ESP 0xa1 seq 2 inner(10.2.0.1 > 10.1.0.1 TCP 443 > 40000 FIN,ACK seq 8 ack 3)
                 4 A > B ESP 0xb1 seq 3..{} every 2.2 inner(10.1.0.1 > 10.2.0.1 TCP 40001 > 443 SYN seq 1)
                 40 A:500 > C:500 INFORMATIONAL i=9 r=9 id=5 request sealed 80
                 {rest}",
                2 + syns
            )
        };
        let finding = fires(&text(6, ""), "inner-no-reply");
        assert_eq!(finding.confidence, Confidence::Possible);
        let says = finding.says.to_string();
        assert!(says.contains("answered others before"), "{says}");
        assert!(says.contains("heard before, and not since"), "{says}");
        silent(&text(4, ""), "inner-no-reply");
        // Something of the host came after the first of them.
        let alive = "5 B > A ESP 0xa1 seq 3 inner(10.2.0.1 > 10.1.0.1 TCP 443 > 40000 RST)";
        silent(&text(6, alive), "inner-no-reply");
    }

    #[test]
    fn who_gets_no_answers_any_more_may_still_give_some() {
        let text = |answers: &str| {
            with(&format!(
                "1 A > B ESP 0xb1 seq 1..16 every 1 inner(10.1.0.1 > 10.2.0.1 echo 7/1)
                 1.1 B > A ESP 0xa1 seq {answers} every 1 inner(10.2.0.1 > 10.1.0.1 reply 7/1)
                 8.3 B > A ESP 0xa2 seq 1..12 every 1 inner(10.2.0.1 > 10.1.0.1 echo 9/1)
                 8.4 A > B ESP 0xb2 seq 1..12 every 1 inner(10.1.0.1 > 10.2.0.1 reply 9/1)"
            ))
        };
        verdict(&text("1..6"), "inner-no-reply");
        silent(&text("1..16"), "inner-no-reply");
    }

    #[test]
    fn what_was_answered_or_wants_no_answer_is_fine() {
        for rest in [
            "1 A > B ESP 0xb1 seq 1..5 every 1 inner(10.1.0.1 > 10.2.0.1 echo 7/1)
             1.1 B > A ESP 0xa1 seq 1..5 every 1 inner(10.2.0.1 > 10.1.0.1 reply 7/1)",
            // Syslog, multicast, broadcast.
            "1 A > B ESP 0xb1 seq 1..9 every 1 inner(10.1.0.1 > 10.2.0.1 UDP 5000 > 514)
             1.1 B > A ESP 0xa1 seq 1..2 every 1 inner(10.2.0.9 > 10.1.0.9 UDP 514 > 514)",
            "1 A > B ESP 0xb1 seq 1..9 every 1 inner(10.1.0.1 > 239.1.1.1 echo 7/1)
             1.1 B > A ESP 0xa1 seq 1..2 every 1 inner(10.2.0.9 > 10.1.0.9 UDP 514 > 514)",
            "1 A > B ESP 0xb1 seq 1..9 every 1 inner(10.1.0.1 > 10.2.0.255 echo 7/1)
             1.1 B > A ESP 0xa1 seq 1..2 every 1 inner(10.2.0.9 > 10.1.0.9 UDP 514 > 514)",
            // The first ones are lost while ARP or the tunnel comes up.
            "1 A > B ESP 0xb1 seq 1..8 every 1 inner(10.1.0.1 > 10.2.0.1 echo 7/1)
             3.1 B > A ESP 0xa1 seq 1..6 every 1 inner(10.2.0.1 > 10.1.0.1 reply 7/3)",
        ] {
            assert!(is_healthy(&findings(&with(rest))), "{rest}");
        }
    }

    #[test]
    fn nothing_is_claimed_where_the_answer_could_not_be_read() {
        // Keys of one direction only.
        silent(
            &with(
                "1 A > B ESP 0xb1 seq 1..9 every 1 inner(10.1.0.1 > 10.2.0.1 echo 7/1)
                 1.1 B > A ESP 0xa1 seq 1..9 every 1",
            ),
            "inner-no-reply",
        );
        // The far gateway is not heard any more.
        silent(
            "1 A > B ESP 0xb1 seq 1..9 every 1 inner(10.1.0.1 > 10.2.0.1 echo 7/1)
             0.1 B > A ESP 0xa1 seq 1 inner(10.2.0.9 > 10.1.0.9 UDP 1 > 2)",
            "inner-no-reply",
        );
        // The recording ends at once.
        silent(
            "1 A > B ESP 0xb1 seq 1..4 every 0.6 inner(10.1.0.1 > 10.2.0.1 echo 7/1)
             2.9 B > A ESP 0xa1 seq 1 inner(10.2.0.9 > 10.1.0.9 UDP 1 > 2)",
            "inner-no-reply",
        );
    }

    #[test]
    fn a_trace_of_the_way_is_no_certain_loop_and_an_old_error_is_not_about_it() {
        let text = |at: &str, error: &str| {
            with(&format!(
                "1 A > B ESP 0xb1 seq 1..5 every 1 inner(10.1.0.1 > 10.2.0.1 echo 7/1)
                 {at} B > A ESP 0xa1 seq 1..3 every 0.1 inner(10.2.0.254 > 10.1.0.1 ICMP {error} quoting 10.1.0.1 > 10.2.0.1 1)"
            ))
        };
        let trace = fires(&text("1.1", "11/0"), "inner-no-reply");
        assert_eq!(trace.confidence, crate::diagnose::Confidence::Possible);
        let old = fires(&text("20", "3/1"), "inner-no-reply");
        assert!(!old.says.to_string().contains("ICMP 3/1"), "{}", old.says);
    }

    #[test]
    fn who_was_asked_by_the_other_and_then_asks_in_vain() {
        // 10.2.0.1 has its pings answered and a connection, then answers nothing: what 10.1.0.1 sent before were replies.
        let text = |served: &str| {
            with(&format!(
                "1 B > A ESP 0xa1 seq 1..8 every 1 inner(10.2.0.1 > 10.1.0.1 echo 8/1)
                 1.1 A > B ESP 0xb1 seq 1..8 every 1 inner(10.1.0.1 > 10.2.0.1 reply 8/1)
                 {served} A > B ESP 0xb1 seq 9 inner(10.1.0.1 > 10.2.0.1 TCP 40000 > 443 SYN seq 1)
                 {served}.1 B > A ESP 0xa1 seq 9 inner(10.2.0.1 > 10.1.0.1 TCP 443 > 40000 SYN,ACK seq 5 ack 2)
                 11 A > B ESP 0xb1 seq 10..25 every 1 inner(10.1.0.1 > 10.2.0.1 echo 7/1)"
            ))
        };
        fires(&text("10"), "inner-no-reply");
        silent(&text("30"), "inner-no-reply");
    }

    #[test]
    fn who_asks_itself_and_answers_nothing() {
        let text = |mine: &str| {
            with(&format!(
                "1 A > B ESP 0xb1 seq 1..8 every 1 inner(10.1.0.1 > 10.2.0.1 echo 7/1)
                 10 B > A ESP 0xa1 seq 1..8 every 1 inner(10.2.0.1 > 10.1.0.1 echo 8/1)
                 10.1 A > B ESP 0xb1 seq 9..16 every 1 inner(10.1.0.1 > 10.2.0.1 reply 8/1)
                 {mine}"
            ))
        };
        verdict(&text(""), "inner-no-reply");
        let says = fires(&text(""), "inner-no-reply").says.to_string();
        assert!(says.contains("10.2.0.1 itself asks 10.1.0.1"), "{says}");
        // A connection between the two shows that they reach each other.
        silent(
            &text(
                "20 A > B ESP 0xb1 seq 17 inner(10.1.0.1 > 10.2.0.1 TCP 40000 > 443 SYN seq 1)
                 20.1 B > A ESP 0xa1 seq 9 inner(10.2.0.1 > 10.1.0.1 TCP 443 > 40000 SYN,ACK seq 5 ack 2)",
            ),
            "inner-no-reply",
        );
    }
}
