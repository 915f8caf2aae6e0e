//! Large IKE messages do not arrive whole, small ones do.

use super::ike_one_way::{Pair, repeated};
use super::port_4500_blocked::{Begins, is_never_heard, silences};
use crate::diagnose::facts::auth::{self, Shape};
use crate::diagnose::facts::child::times;
use crate::diagnose::facts::overhead::LEAST_MTU;
use crate::diagnose::facts::taps::name;
use crate::diagnose::facts::vendor_advice::{self, Topic};
use crate::diagnose::facts::{Passage, Tap, began, cite, first, tap};
use crate::diagnose::rule::{Way, first_of};
use crate::diagnose::{Case, Confidence, Finding, Rule, Severity, Signs};
use crate::language::{Text, count, list};
use crate::model::{Flight, FragmentTrain, IkeState, Message, Model, Transport};
use crate::say;
use crate::units::{IkeSpi, Span, Timestamp};
use crate::wire::Header;
use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// The rule.
pub static RULE: Rule = Rule {
    slug: "ike-fragments-lost",
    code: "IKE107",
    severity: Severity::Error,
    summary: "Fragments of a large IKE message are lost",
    document: DOCUMENT,
    explains: &[
        "ike-auth-no-response",
        "port-4500-blocked",
        "ike-no-response",
        "tunnel-flapping",
        "clear-text-leak",
        "ike-retransmits",
        "ike-one-way",
    ],
    needs: Signs::UNANSWERED
        .or(Signs::TORN)
        .or(Signs::FRAGMENTS)
        .or(Signs::AGAIN),
    check,
};

const DOCUMENT: &str = "\
## What it means
IKE_AUTH with certificates, or a key exchange of post-quantum size, does not fit one packet. IP fragments are dropped by many filters and NAT devices; IKE fragments (RFC 7383) are lost if they are still larger than the path takes.

## How it is seen
Small IKE messages pass. The large one is cut, by IP or by IKE. Either some pieces never arrive at the tap while others come again and again, or all leave and no answer comes; or an answer in pieces is given again and again to a request that comes again and again, though small answers were heard. How large the pieces are and how many there are is told: pieces above the smallest MTU of the path are lost, and some implementations take no more than a few.

## What else looks like it
A peer that keeps silent for another reason, if all pieces are seen leaving. A tap behind a device that puts fragments together sees none.

## What to do
1. Enable IKE fragmentation (RFC 7383) on both sides, with a fragment size of at most 1280 octets; try 576 if pieces are still lost.
2. Let IP fragments pass on filters in between, or raise the MTU of the path.
3. Send smaller certificates or chains.
";

/// The ways to see that fragments are lost, the surest first.
const WAYS: [Way; 4] = [
    (Signs::TORN, pieces_missing),
    (Signs::FRAGMENTS, ip_pieces_missing),
    (Signs::UNANSWERED, all_sent),
    (Signs::AGAIN, answer_unheard),
];

fn check(case: &Case<'_>) -> Vec<Finding> {
    first_of(&WAYS, case).into_iter().collect()
}

/// Adds what to do where IP cuts the message.
fn by_ip(case: &Case<'_>, finding: Finding) -> Finding {
    finding
        .advise(
            "Enable IKE fragmentation (RFC 7383) on both sides, fragments of at most 1280 octets.",
        )
        .advise_all(vendor_advice::of_both(case, Topic::Fragmentation))
        .advise(
            "Let IP fragments pass on the filters in between, or find the link with the small MTU.",
        )
}

/// Adds what to do where IKE cuts the message into so many pieces.
fn by_ike(case: &Case<'_>, flight: &Flight, total: u16, finding: Finding) -> Finding {
    resized(case.model, flight, total, finding)
        .advise_all(vendor_advice::of_both(case, Topic::Fragmentation))
}

/// Some IKE fragments arrive, some never do.
fn pieces_missing(case: &Case<'_>) -> Option<Finding> {
    let begins = OnceCell::new();
    let (exchange, flight) = case
        .ike_sas()
        .filter_map(|sa| auth::torn(case.model, sa))
        .find(|(_, flight)| {
            let was_read = |message: &Message| {
                let begins = begins.get_or_init(|| Begins::of(case));
                begins.follow(message)
            };
            !first(case.model, flight).is_some_and(was_read)
        })?;
    let at = began(case.model, flight)?;
    let total = flight.fragments.unwrap_or_default();
    let (exchange, numbers) = (Text::verbatim(exchange.kind), list(&flight.fragments_seen));
    let came = match flight.again.len() {
        0 => say!(
            "Of the {total} fragments of {exchange} no more came to the tap than number {numbers}; the message \
             cannot be put together.",
            total,
            exchange,
            numbers = &numbers
        ),
        again => say!(
            "Of the {total} fragments of {exchange} no more came to the tap than number {numbers}, {again} again; \
             the message cannot be put together.",
            total,
            exchange,
            numbers = &numbers,
            again = count(again as u64, "time")
        ),
    };
    let mut finding = Finding::new(
        &RULE,
        // Chance, of the path or of the recording, hardly hits the same fragments every time.
        case.tap().absence(match flight.again.len() {
            0 | 1 => Confidence::Likely,
            _ => Confidence::Certain,
        }),
        case.id,
        at,
        say!("of {total} fragments number {numbers} came", total, numbers),
    )
    .says(came.then(sized(case.model, flight, total)));
    if let Some(last) = flight.again.last() {
        finding = finding.also(
            crate::diagnose::facts::cite(case.model, *last),
            "the same fragments again",
        );
    }
    let finding = located(
        case,
        flight,
        finding.or("The capture itself missed packets."),
    );
    Some(by_ike(case, flight, total, finding))
}

/// Adds which fragments left one tap and never reached the other.
fn located(case: &Case<'_>, flight: &Flight, mut finding: Finding) -> Finding {
    let Some(passage) = Passage::of(case, flight) else {
        return finding;
    };
    if passage.lost.is_empty() || passage.reached.is_empty() {
        return passage.tell(case.model, finding, "the message");
    }
    let (near, far) = (
        name(case.model, passage.near),
        name(case.model, passage.far),
    );
    finding.confidence = Confidence::Certain;
    finding.alternatives.clear();
    finding.says.add(say!(
        "Of {fragments} that left the tap {near}, {lost} never reached the tap {far}: lost \
         between the two taps.",
        fragments = count(passage.pieces as u64, "fragment"),
        near = near.clone(),
        lost = passage.lost.len(),
        far = far.clone()
    ));
    for at in passage.lost.iter().take(2) {
        finding = finding.also(
            *at,
            say!(
                "this fragment left {near}, never reached {far}",
                near = near.clone(),
                far = far.clone()
            ),
        );
    }
    finding
}

/// How large the IP packets of the fragments are.
fn sized(model: &Model, flight: &Flight, total: u16) -> Option<Text> {
    let octets = largest(model, flight)?;
    Some(say!(
        "The message is cut into {total}, IP packets of at most {octets} octets.",
        total,
        octets
    ))
}

/// The largest IP packet of a message.
fn largest(model: &Model, flight: &Flight) -> Option<u32> {
    let parts = flight.parts.iter();
    parts.map(|id| model.messages[*id].ip.length).max()
}

/// Fragments need not be smaller than what each host takes by IPv4 (RFC 791 section 3.1).
const SMALLEST: u32 = 576;

/// Some receivers take no more fragments of one message.
const MANY: u16 = 16;

/// Advises on the size of the fragments, if it is not a good one.
fn resized(model: &Model, flight: &Flight, total: u16, finding: Finding) -> Finding {
    match largest(model, flight) {
        Some(octets) if total > MANY => finding.advise(say!(
            "Make the fragments larger than {octets} octets: {total} are more than some receivers \
             take.",
            octets,
            total
        )),
        Some(octets) if octets > LEAST_MTU => finding.advise(say!(
            "Make the fragments smaller: {octets} octets are more than some paths take; \
             {everywhere} pass nearly everywhere.",
            octets,
            everywhere = LEAST_MTU
        )),
        Some(octets) if octets > SMALLEST => {
            finding.advise("Try smaller fragments, such as of 576 octets.")
        }
        _ => finding,
    }
}

/// Whoever waits for an authentication gives up after about so long.
const WAITS: Span = Span::from_secs(60);

/// IP fragments of UDP are missing while an IKE SA waits for its authentication: those of its own
/// message, as the first piece says, or of any where no ESP in UDP could be meant.
fn ip_pieces_missing(case: &Case<'_>) -> Option<Finding> {
    let mut waiting: BTreeMap<IkeSpi, (Timestamp, Timestamp)> = BTreeMap::new();
    for sa in case.ike_sas() {
        if sa.state == IkeState::HalfOpen {
            let until = sa.seen.last.1.later(WAITS);
            waiting.insert(sa.spis.initiator, (sa.seen.first.1, until));
        }
    }
    let mut flows = case.flows();
    let esp_in_udp = flows.any(|flow| flow.key.transport == Transport::Udp);
    let meets = |train: &FragmentTrain, (from, until): &(Timestamp, Timestamp)| {
        train.first.1 <= *until && train.last.1 >= *from
    };
    let is_waited_for = |train: &&FragmentTrain| match train.incomplete_ike.as_slice() {
        [] => !esp_in_udp && waiting.values().any(|span| meets(train, span)),
        headers => headers.iter().any(|(_, header)| {
            let span = waiting.get(&header.spis.initiator);
            span.is_some_and(|span| meets(train, span))
        }),
    };
    let train = auth::torn_trains(case)
        .filter(is_waited_for)
        // A capture filter by port leaves out all pieces but the first; who asks on lacks them, too.
        .filter(|train| !tap::may_name_ports(case.model, train.vantage) || is_asked_on(case, train))
        .find(|train| tap::went_on(case.model, train.vantage, train.first.1, Tap::PATIENCE))?;
    let finding = Finding::new(
        &RULE,
        match train.incomplete {
            1 => Confidence::Possible,
            _ => Confidence::Likely,
        },
        case.id,
        train
            .incomplete_frames
            .first()
            .map_or(train.first, |frame| (*frame, train.first.1)),
        "a piece of a UDP packet whose other pieces never came",
    )
    .during(train.first.1, train.last.1)
    .severity(match train.incomplete {
        1 => Severity::Warning,
        _ => RULE.severity,
    })
    .says(say!(
        "{packets} from {from} to {to} came in IP fragments of which some never arrived, while \
         authentication was awaited; small messages pass.",
        packets = count(train.incomplete, "UDP packet"),
        from = train.from,
        to = train.to
    ));
    Some(by_ip(
        case,
        finding.or("The capture itself missed packets."),
    ))
}

/// Whether a request is sent again although a piece of its answer came.
fn is_asked_on(case: &Case<'_>, train: &FragmentTrain) -> bool {
    case.unsettled().iter().any(|asked| {
        let answers = |header: &Header| {
            header.spis.initiator == asked.message.header.spis.initiator
                && header.exchange == asked.exchange.kind
                && header.message_id == asked.exchange.message_id
        };
        asked.is_silent()
            && asked.last.1 > train.first.1
            && asked.to().address == train.from
            && train
                .incomplete_ike
                .iter()
                .any(|(_, header)| answers(header))
    })
}

/// An answer in pieces is given again and again, and the request comes again each time: small answers
/// were heard on the same way before.
fn answer_unheard(case: &Case<'_>) -> Option<Finding> {
    let torn: BTreeSet<IpAddr> = auth::torn_trains(case).map(|train| train.from).collect();
    repeated(case).find_map(|(pair, copies)| {
        let message = first(case.model, pair.answer)?;
        let fragments = match (pair.answer.fragments, message.ip.pieces) {
            (Some(total), _) if total > 1 => say!("{total} IKE fragments", total),
            (_, pieces) if pieces > 1 => say!("{pieces} IP fragments", pieces),
            _ => return None,
        };
        let passage = Passage::of(case, pair.answer);
        // Some of it reached the other tap, and some never did, however often it was sent.
        let torn = passage
            .is_some_and(|passage| !passage.lost.is_empty() && !passage.reached.is_empty())
            || torn.contains(&pair.to.address);
        let alone = !pair.is_heard(case) && hears_small(case, &pair);
        if !torn && !alone {
            return None;
        }
        let mut finding = Finding::new(
            &RULE,
            Confidence::Likely,
            case.id,
            (message.frame, message.time),
            say!(
                "the answer to {exchange} in {fragments}",
                exchange = Text::verbatim(pair.kind),
                fragments = &fragments
            ),
        )
        .says(say!(
            "{responder} answered {exchange} of {asker} in {fragments}, and the request came again \
             {times} all the same; smaller answers were heard before.",
            responder = pair.to.address,
            exchange = Text::verbatim(pair.kind),
            asker = pair.from.address,
            fragments,
            times = times(copies.len())
        ))
        .or("The requester drops the answers itself: a host firewall, or an answer it cannot accept.");
        for copy in copies {
            finding = finding.also(cite(case.model, copy), "the same request after its answer");
        }
        let finding = located(case, pair.answer, finding);
        Some(match pair.answer.fragments {
            Some(total) => by_ike(case, pair.answer, total, finding),
            None => by_ip(case, finding),
        })
    })
}

/// Whether an answer before this one was heard on the very same way: the requester went on after it.
fn hears_small(case: &Case<'_>, pair: &Pair<'_>) -> bool {
    let Some(asked) = first(case.model, pair.request) else {
        return false;
    };
    let exchanges = case.model.ike_sas[pair.ike_sa].exchanges.iter();
    exchanges
        .filter_map(|id| case.model.exchanges[*id].response())
        .filter_map(|response| first(case.model, response))
        .any(|answer| {
            answer.path.from() == pair.to
                && answer.path.to() == pair.from
                && answer.time < asked.time
                && answer.ip.pieces <= 1
        })
}

/// All pieces are seen leaving, again and again, and nothing comes back.
fn all_sent(case: &Case<'_>) -> Option<Finding> {
    let silence = silences(case)
        .into_iter()
        .find(|silence| silence.shape != Shape::Whole)?;
    let asked = &silence.asked;
    let fragments = match silence.shape {
        Shape::IkeFragments { total, .. } => say!("{total} IKE fragments", total),
        Shape::IpFragments(pieces) => say!("{pieces} IP fragments", pieces),
        Shape::Whole => return None,
    };
    let total = asked.flight.fragments.unwrap_or_default();
    let finding = located(
        case,
        asked.flight,
        Finding::new(
            &RULE,
            case.tap().absence(Confidence::Likely),
            case.id,
            asked.first,
            say!(
                "{exchange} in {fragments}, unanswered",
                exchange = Text::verbatim(asked.exchange.kind),
                fragments = &fragments
            ),
        )
        .also(silence.agreed, "a small message is answered")
        .also(asked.last, "sent again, unanswered")
        .says(say!(
            "{peer} answered the first, small message. {exchange} in {fragments} was {schedule} \
             and not answered.",
            peer = asked.to().address,
            exchange = Text::verbatim(asked.exchange.kind),
            fragments,
            schedule = asked.schedule()
        ))
        .or("The peer drops the message in silence for another reason."),
    );
    // Fragments that any path takes are lost with all else that goes to a port.
    let fits = largest(case.model, asked.flight).is_some_and(|octets| octets <= LEAST_MTU);
    let blocked = is_never_heard(case, asked, &OnceCell::new());
    let finding = match (finding.confidence, blocked) {
        (Confidence::Certain, _) | (_, false) => finding,
        (confidence, true) => {
            let mut finding = finding
                .or("UDP 4500 is blocked: nothing of the peer came from that port in the whole capture.")
                .advise("Permit UDP 4500 in both directions between the two addresses.");
            if fits && total > 0 {
                finding.confidence = confidence.min(Confidence::Possible);
                finding.alternatives.reverse();
            }
            finding
        }
    };
    Some(match total {
        0 => by_ip(case, finding),
        _ => by_ike(case, asked.flight, total, finding),
    })
}

#[cfg(test)]
mod tests {
    use crate::diagnose::testing::{fires, silent, verdict};

    const AGREED: &str = "
        0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
        0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce";

    #[test]
    fn only_the_last_fragment_arrives_again_and_again() {
        verdict(
            &format!(
                "{AGREED}\n0.2 A:4500 > B:4500 IKE_AUTH i=1 r=2 id=1 request fragment 2/2 sealed 300 again=4,11,24"
            ),
            "ike-fragments-lost",
        );
    }

    #[test]
    fn all_fragments_leave_and_nothing_comes_back() {
        verdict(
            &format!(
                "{AGREED}
                 0.2 A:4500 > B:4500 IKE_AUTH i=1 r=2 id=1 request fragment 1/2 sealed 1200 again=4,11,24
                 0.2 A:4500 > B:4500 IKE_AUTH i=1 r=2 id=1 request fragment 2/2 sealed 300 again=4,11,24"
            ),
            "ike-fragments-lost",
        );
    }

    #[test]
    fn fragments_that_are_too_large_or_too_many_are_named() {
        let large = format!(
            "{AGREED}\n0.2 A:4500 > B:4500 IKE_AUTH i=1 r=2 id=1 request fragment 2/2 sealed 1456 again=4,11"
        );
        let finding = fires(&large, "ike-fragments-lost");
        let advice = format!("{:?}", finding.advice);
        assert!(advice.contains("smaller: 1488 octets"), "{advice}");
        let says = finding.says.to_string();
        let sized = "cut into 2, IP packets of at most 1488 octets";
        assert!(says.contains(sized), "{says}");
        let many = format!(
            "{AGREED}\n0.2 A:4500 > B:4500 IKE_AUTH i=1 r=2 id=1 request fragment 20/20 sealed 544 again=4,11"
        );
        let finding = fires(&many, "ike-fragments-lost");
        let advice = format!("{:?}", finding.advice);
        assert!(advice.contains("20 are more"), "{advice}");
    }

    #[test]
    fn ip_fragments_without_answer() {
        verdict(
            &format!(
                "{AGREED}\n0.2 A:4500 > B:4500 IKE_AUTH i=1 r=2 id=1 request sealed 2000 pieces=2 again=4,11,24"
            ),
            "ike-fragments-lost",
        );
    }

    #[test]
    fn fragments_that_are_answered_are_normal() {
        silent(
            &format!(
                "{AGREED}
                 0.2 A:4500 > B:4500 IKE_AUTH i=1 r=2 id=1 request fragment 1/2 sealed 1200
                 0.2 A:4500 > B:4500 IKE_AUTH i=1 r=2 id=1 request fragment 2/2 sealed 300
                 0.3 B:4500 > A:4500 IKE_AUTH i=1 r=2 id=1 response fragment 1/2 sealed 1200
                 0.3 B:4500 > A:4500 IKE_AUTH i=1 r=2 id=1 response fragment 2/2 sealed 300
                 9 A:4500 > B:4500 INFORMATIONAL i=1 r=2 id=2 request sealed 80
                 9.1 B:4500 > A:4500 INFORMATIONAL i=1 r=2 id=2 response sealed 80"
            ),
            "ike-fragments-lost",
        );
    }

    #[test]
    fn an_answer_in_pieces_that_is_never_heard() {
        let text = |answer: &str| {
            format!(
                "{AGREED}
                 0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 320 again=2,6,14
                 0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response {answer} again=2,6,14"
            )
        };
        verdict(&text("sealed 2000 pieces=2"), "ike-fragments-lost");
        verdict(&text("sealed 400"), "ike-one-way");
        // On another port nothing was heard before: it may be closed.
        let floated = text("sealed 2000 pieces=2")
            .replace("A:500 > B:500 IKE_AUTH", "A:4500 > B:4500 IKE_AUTH")
            .replace("B:500 > A:500 IKE_AUTH", "B:4500 > A:4500 IKE_AUTH");
        verdict(&floated, "ike-one-way");
    }

    #[test]
    fn an_answer_of_which_one_fragment_never_reaches_the_second_tap() {
        let answer = |number: u8, size: u32, at: f64| {
            let piece = format!("response fragment {number}/2 sealed {size} again=2,6,14");
            format!("{at} B:4500 > A:4500 IKE_AUTH i=1 r=2 id=1 {piece}")
        };
        let far = |text: &str, ttl: u8| format!("{text} tap=1 ttl={ttl}\n");
        let ask = "IKE_AUTH i=1 r=2 id=1 request sealed 320 again=2,6,14";
        let [request, response] = AGREED.trim().split_once('\n').unwrap().into();
        let text = [
            format!("{request}\n{response} ttl=60\n0.2 A:4500 > B:4500 {ask}\n"),
            far(&request.replacen("0 A", "0.02 A", 1), 60),
            far(&response.trim().replacen("0.1 B", "0.08 B", 1), 64),
            far(&format!("0.22 A:4500 > B:4500 {ask}"), 60),
            far(&answer(1, 1200, 0.23), 64),
            far(&answer(2, 300, 0.23), 64),
            answer(2, 300, 0.25) + " ttl=60\n",
            "60 C > B ESP 0xc1\n60 C > B ESP 0xc1 tap=1".to_owned(),
        ];
        verdict(&text.concat(), "ike-fragments-lost");
    }

    const TORN: &str = "1 A > B FRAGMENTS 17 complete 0 incomplete 3 pieces 4 largest 1396
         20 A:500 > B:500 IKE_SA_INIT i=8 r=0 id=0 request SA(DH14) KE(14) Nonce";

    #[test]
    fn pieces_of_udp_that_never_come_while_an_authentication_is_awaited() {
        fires(&format!("{AGREED}\n{TORN}"), "ike-fragments-lost");
    }

    #[test]
    fn pieces_of_esp_in_udp_or_at_another_time_are_not_of_an_authentication() {
        silent(
            &format!("{AGREED}\n{TORN}\n0.5 A:4500 > B:4500 ESP 0xb1 seq 1..40 every 0.3 size 136"),
            "ike-fragments-lost",
        );
        silent(
            &format!(
                "{AGREED}\n{}",
                TORN.replace("1 A >", "900 A >").replace("20 A:", "950 A:")
            ),
            "ike-fragments-lost",
        );
    }
}
