//! Silence: the first message of IKE is sent again and again, and nothing comes back.

use super::redirected;
use crate::diagnose::facts::icmp::Meaning;
use crate::diagnose::facts::{
    Asked, Passage, Tap, end_of, esp, icmp, offsets, tap as recording, taps,
};
use crate::diagnose::{Case, Confidence, Finding, Rule, Severity, Signs};
use crate::language::{Text, count};
use crate::model::{IcmpSeen, IkeSa, Input, Model};
use crate::registry::ExchangeType;
use crate::say;
use crate::units::{IkeSpi, Span, Timestamp, Vantage};
use std::collections::BTreeSet;
use std::net::IpAddr;

/// The rule.
pub static RULE: Rule = Rule {
    slug: "ike-no-response",
    code: "IKE101",
    severity: Severity::Error,
    summary: "The peer does not answer the first IKE message",
    document: DOCUMENT,
    explains: &["clear-text-leak", "tunnel-flapping"],
    needs: Signs::UNANSWERED,
    check,
};

const DOCUMENT: &str = "\
## What it means
A gateway asks for an IKE SA and hears nothing: no answer, no refusal, no ICMP error. Silence is not a refusal. Either the request does not arrive, or the peer drops it, or the answer does not come back.

## How it is seen
The same IKE_SA_INIT request (IKEv1: the first message of main or aggressive mode) is sent several times with a responder SPI of zero, spaced by a backoff, and no message of the peer answers it although the capture goes on.

## What else looks like it
A filter on UDP 500, a wrong peer address, a dead device, a peer that ignores unknown initiators, and a capture that records one direction only. A closed port or a filter that says so gives an ICMP error instead, and a rule of its own.

## What to do
1. Capture on the outside port of the peer. If the requests arrive there, look at the peer: daemon running, connection configured for this address. If not, the path or a filter eats them.
2. Check the peer address and that UDP 500 and 4500 are open in both directions.
";

/// The slowest initiators send their first request again after 16 to 20 seconds.
const REPEATED: Span = Span::from_secs(30);

/// So many copies of one request are sent only if no answer comes.
const INSISTENT: usize = 3;

fn check(case: &Case<'_>) -> Vec<Finding> {
    if !case.unsettled().iter().any(Asked::is_silent) {
        return Vec::new();
    }
    let tap = case.tap();
    case.tunnel
        .ends
        .iter()
        .filter_map(|initiator| silence_to(case, *initiator, tap))
        .collect()
}

/// One finding for all attempts of one end.
fn silence_to(case: &Case<'_>, initiator: IpAddr, tap: &Tap) -> Option<Finding> {
    let end = end_of(case.tunnel, initiator)?;
    let answers = answers(case);
    // Who names the SPI of the responder later had its answer, if not the recording.
    let answered: BTreeSet<IkeSpi> = case
        .ike_sas()
        .filter(|sa| !sa.spis.responder.is_zero())
        .map(|sa| sa.spis.initiator)
        .collect();
    let attempts: Vec<Asked<'_>> = case
        .ike_sas()
        .filter(|sa| !answered.contains(&sa.spis.initiator))
        .filter_map(|sa| unanswered_first(case.model, sa))
        .filter(|asked| end_of(case.tunnel, asked.from().address) == Some(end))
        .filter(|asked| !answered_meanwhile(&answers, asked))
        .collect();
    let first = attempts.first()?;
    // Whoever asks so often hears nothing either, whatever the tap hears.
    let insists = attempts.iter().any(|asked| asked.attempts() >= INSISTENT);
    let deaf = tap.deaf.get(1 - end).copied().unwrap_or(true);
    if deaf && !insists || refused_by_icmp(case, &attempts) {
        return None;
    }
    let sent: usize = attempts.iter().map(Asked::attempts).sum();
    let confidence = tap.absence(match sent {
        1 => Confidence::Possible,
        _ => Confidence::Likely,
    });
    let recovered = recovered(case, &attempts);
    // Who means it asks again (RFC 7296 section 2.1), the slowest after 20 seconds.
    let given_up =
        sent == 1 && recording::went_on(case.model, first.message.vantage, first.first.1, REPEATED);
    // One attempt in vain may have come too early; who gives up several times was down for long.
    let insisted = attempts
        .iter()
        .filter(|asked| asked.attempts() >= INSISTENT);
    let severity = match sent {
        _ if recovered && insisted.count() > 1 => Severity::Warning,
        _ if recovered || given_up => Severity::Info,
        1 => Severity::Warning,
        _ => RULE.severity,
    };
    let peer = first.to();
    let heard = tap.heard.get(1 - end).copied().unwrap_or(false);
    let before = case.heard().last(1 - end, first.first.1);
    // A peer that serves others at the time is alive, and what it sends passes here.
    let at_the_time = Some(first.first.1);
    let serves = before.is_none() && !heard && sends_to_others(case, peer.address, at_the_time);
    let speaks = before.is_none() && !heard && sends_to_others(case, peer.address, None);
    let since = case.heard().since(1 - end, first.first.1);
    let until = attempts.iter().map(|asked| asked.last.1).max();
    // Of a flow that runs through the requests no packet is known but the first and the last.
    let runs_on = |until| {
        let towards = case.directions().iter().flat_map(|one| one.flows(end));
        towards
            .map(|flow| esp::packets_within(flow, first.first.1, until))
            .any(|packets| packets > 0)
    };
    let lives = since.is_some_and(|since| Some(since.1) <= until) || until.is_some_and(runs_on);
    let history = match (before, heard) {
        _ if serves => say!(
            "The peer sends nothing here, and to others it does at the time: it is alive, and what it sends passes \
             this tap.",
        ),
        _ if lives => "Other packets of the peer came meanwhile: it is alive.".into(),
        (Some(_), _) if since.is_some() => "The peer was heard before and since.".into(),
        (Some((_, time)), _) => say!(
            "The peer was heard until {span} before the first request.",
            span = first.first.1.since(time)
        ),
        (None, true) => "The peer was heard at another time in this capture.".into(),
        (None, false) if speaks => say!(
            "No packet of the peer to {initiator} is in this capture, to others there is.",
            initiator = first.from().address
        ),
        (None, false) => "No packet of the peer is in this capture at all.".into(),
    };
    let up = match recovered {
        true => "An IKE SA between the two is up all the same.",
        false => "",
    };
    let mut finding = Finding::new(
        &RULE,
        confidence,
        case.id,
        first.first,
        say!("first request to {peer}", peer),
    )
    .severity(severity)
    .title(say!(
        "{initiator} gets no answer from {peer}",
        initiator = first.from(),
        peer
    ))
    .says(
        match (sent, attempts.len()) {
            (1, _) => say!(
                "{initiator} asked {peer} for an IKE SA once and got neither an answer nor an ICMP error.",
                initiator = first.from(),
                peer
            ),
            (_, 1) => say!(
                "{initiator} asked {peer} for an IKE SA {times} (at {offsets}) and got neither an answer nor an \
                 ICMP error.",
                initiator = first.from(),
                peer,
                times = count(sent as u64, "time"),
                offsets = offsets(&first.times)
            ),
            _ => say!(
                "{initiator} asked {peer} for an IKE SA {times} in {attempts} (the first at {offsets}) and got \
                 neither an answer nor an ICMP error.",
                initiator = first.from(),
                peer,
                times = count(sent as u64, "time"),
                attempts = count(attempts.len() as u64, "attempt"),
                offsets = offsets(&first.times)
            ),
        }
        .then(history)
        .then(up),
    )
    .or(match recovered {
        // An IKE SA that came up shows the path to be open, the address to be right, and both directions to be
        // recorded.
        true => "The request or its answer was lost, or the peer was not ready yet.",
        false => "A filter drops UDP 500 on the way there or back.",
    });
    let pieces = attempts.iter().map(|asked| asked.message.ip.pieces);
    let pieces = pieces.max().filter(|pieces| *pieces > 1 && !recovered);
    if let Some(pieces) = pieces {
        finding = finding.or(say!(
            "A filter on the way drops IP fragments: a request comes in {pieces} of them.",
            pieces
        ));
    }
    finding = match (recovered, before) {
        (true, _) => finding,
        // Who was heard before has this address, and has known the initiator.
        (false, Some(_)) => finding.or("The peer was stopped, or its connection was removed."),
        (false, None) => finding
            .or("The peer address is wrong, or the peer ignores initiators it does not know."),
    };
    // A responder may drop a first message of a version or mode that it has no connection for, and say nothing.
    if !recovered && before.is_none() {
        finding = match first.exchange.kind {
            ExchangeType::AGGRESSIVE => finding
                .or("The peer takes no aggressive mode, or no IKEv1, and says nothing of it."),
            ExchangeType::IDENTITY_PROTECTION => finding
                .or("The peer takes aggressive mode alone, or no IKEv1, and says nothing of it."),
            _ => finding,
        };
    }
    // Who was heard shows that the recording has its direction.
    if !recovered && !speaks && !heard {
        finding = finding.or("The capture records one direction only.");
    }
    let passages: Vec<Passage> = attempts
        .iter()
        .filter_map(|asked| Passage::of(case, asked.flight))
        .collect();
    let elsewhere = lacks_them(case, first);
    if let Some(file) = elsewhere {
        finding.says.add(say!(
            "{file} was recorded as well and has nothing of it: the requests do not get there, or it is another \
             place.",
            file = &file
        ));
        finding = finding.advise(say!(
            "See that {file} was recorded on the outside port of {peer}: if it was, look at the path.",
            file,
            peer = peer.address
        ));
    } else if passages.is_empty() {
        finding = finding.advise(say!(
            "Capture on the outside port of {peer}: if the requests arrive there, look at the device \
             and its configuration; if not, at the path.",
            peer = peer.address
        ));
    }
    if !recovered {
        finding =
            finding.advise("Permit UDP 500 and 4500 in both directions between the two addresses.");
    }
    if pieces.is_some() {
        finding = finding.advise(match first.exchange.kind {
            ExchangeType::IKE_SA_INIT => {
                "Let IP fragments pass; or offer less, so that the first message fits into one packet: a large key \
                 exchange such as ML-KEM may be an additional one (RFC 9370)."
            }
            _ => "Let IP fragments pass, or offer less, so that the first message fits into one packet.",
        });
    }
    let any = case.model.any_redirected_from;
    let sender = case.ike_sas().filter(|_| any).find_map(redirected::sender);
    if let Some((gateway, at)) = sender.filter(|_| !recovered) {
        let gateway = Text::verbatim(gateway);
        finding.says.add(say!(
            "{gateway} sent {initiator} there (REDIRECTED_FROM, RFC 5685).",
            gateway = &gateway,
            initiator = first.from().address
        ));
        finding = finding
            .beside(at, say!("sent by {gateway}", gateway = &gateway))
            .advise(say!(
                "See that {gateway} sends its clients to a gateway that is up and lets them in.",
                gateway
            ));
    }
    let version = |sa: &IkeSa| sa.version.major();
    let asked_by = |sa: &&IkeSa, end: usize| {
        let path = sa.paths.first();
        path.is_some_and(|path| end_of(case.tunnel, path.from.address) == Some(end))
    };
    let own = case.ike_sas().find(|sa| asked_by(sa, end)).map(version);
    let others = case.ike_sas().find(|sa| asked_by(sa, 1 - end)).map(version);
    if let (Some(own), Some(other)) = (own, others.filter(|other| own != Some(*other))) {
        finding = finding.or(say!(
            "{peer} itself asks by IKEv{other}, and does not heed IKEv{own}.",
            peer = peer.address,
            other,
            own
        ));
    }
    if given_up {
        finding = finding.or("It is a scan: whoever means it sends the request again.");
    }
    if before.is_some() && since.is_none() && passages.is_empty() {
        finding = finding.advise(say!(
            "Proposals, identities and selectors are not to blame, for nothing is negotiated. If \
             {peer} is a cloud gateway, look at its billing and instance state first.",
            peer = peer.address
        ));
    }
    let lost = !passages.is_empty() && passages.iter().all(Passage::is_lost);
    let arrived = passages.iter().find(|passage| passage.arrived());
    if let Some(passage) = passages.first().filter(|_| lost).or(arrived) {
        if passage.arrived() {
            // An answer would have been seen leaving.
            finding.alternatives = vec![say!(
                "A filter of {peer} itself drops the requests, or it ignores initiators it does \
                 not know.",
                peer = peer.address
            )];
        } else if passage.is_proven() {
            finding.confidence = Confidence::Certain;
        }
        finding = passage.tell(case.model, finding, "the request");
        if passage.arrived() {
            finding.says.add("No answer left there.");
        }
    } else if !serves && !lives {
        finding
            .says
            .add("This capture cannot tell a dead device from a filter.");
    }
    for asked in &attempts {
        finding = finding.also(asked.last, "last copy of an attempt, unanswered");
    }
    Some(finding)
}

/// The file of another recording that has no message of the tunnel, though it ran at the time or has no frame
/// at all.
fn lacks_them(case: &Case<'_>, asked: &Asked<'_>) -> Option<Text> {
    let inputs = &case.model.inputs;
    if inputs.len() < 2 {
        return None;
    }
    let here: BTreeSet<u16> = case
        .messages()
        .map(|message| message.vantage.input)
        .collect();
    let ran = |input: &Input| {
        let times = input.recording.or(input.first.zip(input.last));
        times.map_or(input.frames == 0, |(begin, end)| {
            begin <= asked.first.1 && end >= asked.first.1
        })
    };
    let mut others = inputs
        .iter()
        .zip(0..)
        .filter(|(input, number)| input.set == *number && !here.contains(number) && ran(input));
    let (_, input) = others.next()?;
    let interface = 0;
    Some(taps::name(case.model, Vantage { input, interface }))
}

/// Whether a peer sends something to others, as late as a time or later.
fn sends_to_others(case: &Case<'_>, peer: IpAddr, since: Option<Timestamp>) -> bool {
    /// A hub may have thousands of peers.
    const LOOKED_AT: usize = 16;
    let others = case.model.tunnels_beside(case.id, peer, LOOKED_AT);
    others.into_iter().any(|id| {
        let tunnel = &case.model.tunnels[id];
        let ike = tunnel.ike_sas.iter().map(|id| &case.model.ike_sas[*id]);
        let mut answered = ike.filter(|sa| sa.signs.meet(Signs::ANSWERED));
        let mut flows = tunnel.flows.iter().map(|id| &case.model.flows[*id]);
        answered.any(|sa| {
            Some(sa.seen.last.1) >= since && sa.paths.iter().any(|path| path.to.address == peer)
        }) || flows.any(|flow| {
            Some(flow.seen.last.1) >= since
                && flow.paths.iter().any(|path| path.from.address == peer)
        })
    })
}

/// Whether the silence came to nothing: either side set up an IKE SA after the last attempt, or one
/// was up and the request, sent once and never again, was given up for it.
fn recovered(case: &Case<'_>, attempts: &[Asked<'_>]) -> bool {
    let last = attempts.iter().map(|asked| asked.first.1).max();
    let sent: usize = attempts.iter().map(Asked::attempts).sum();
    case.ike_sas()
        .filter(|sa| sa.state.was_up())
        .any(|sa| sent == 1 || Some(sa.seen.first.1) > last)
}

/// The first request of an IKE SA, if it was never answered.
fn unanswered_first<'m>(model: &'m Model, sa: &'m IkeSa) -> Option<Asked<'m>> {
    let exchange = &model.exchanges[*sa.exchanges.first()?];
    let begins = exchange.kind == crate::registry::ExchangeType::IKE_SA_INIT
        || crate::diagnose::facts::asked::v1_messages(exchange.kind).is_some();
    // IKEv1 refuses by an exchange of the responder (RFC 2408 section 5.4).
    let mut exchanges = sa.exchanges.iter().map(|id| &model.exchanges[*id]);
    let alone = exchanges.all(|other| other.flights.iter().all(|flight| flight.by == exchange.by));
    let asked = Asked::of(model, exchange)?;
    let unknown = asked.message.header.spis.responder.is_zero();
    (begins && alone && unknown && asked.is_silent()).then_some(asked)
}

/// When anything was answered, in order.
fn answers(case: &Case<'_>) -> Vec<Timestamp> {
    let mut times: Vec<Timestamp> = case
        .exchanges()
        .filter_map(|exchange| crate::diagnose::facts::first(case.model, exchange.response()?))
        .map(|answer| answer.time)
        .collect();
    times.sort_unstable();
    times
}

/// Whether the peer answered another attempt at the time: then it is not silent.
fn answered_meanwhile(answers: &[Timestamp], asked: &Asked<'_>) -> bool {
    let since = answers.partition_point(|time| *time < asked.first.1);
    answers
        .get(since)
        .is_some_and(|time| time.since(asked.last.1) <= Span::from_secs(1))
}

/// Whether an ICMP error about one of the attempts says why: that is a refusal, not silence.
fn refused_by_icmp(case: &Case<'_>, attempts: &[Asked<'_>]) -> bool {
    /// There may be thousands.
    const LOOKED_AT: usize = 64;
    let says_why = |seen: &&IcmpSeen| {
        let meaning = icmp::meaning(&seen.error);
        icmp::is_ike(seen) && !matches!(meaning, Meaning::Other | Meaning::TooBig)
    };
    let mut errors = icmp::about(case).filter(says_why);
    errors.any(|seen| {
        let mut attempts = attempts.iter().take(LOOKED_AT);
        attempts.any(|asked| icmp::is_about(seen, asked))
    })
}

#[cfg(test)]
mod tests {
    use crate::diagnose::testing::{check, fires, silent, verdict};

    #[test]
    fn a_peer_whose_esp_runs_on_is_alive() {
        let text = |last: u32| {
            format!(
                "0 A > B ESP 0xb1 seq 1..{last} every 0.5 size 136
                 0.1 B > A ESP 0xa1 seq 1..{last} every 0.5 size 136
                 20 A:500 > B:500 MAIN i=1 r=0 id=0 SA(encr=7/256 hash=4 auth=1 group=14) again=2,6,14"
            )
        };
        let lives = |last| {
            fires(&text(last), "ike-no-response")
                .says
                .to_string()
                .contains("it is alive")
        };
        assert!(lives(120));
        assert!(!lives(30));
    }

    #[test]
    fn who_was_sent_there_says_by_whom() {
        let text = |notify: &str| {
            format!(
                "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(DH14) KE(14) Nonce {notify} again=4,11"
            )
        };
        let said = |text: &str| fires(text, "ike-no-response").says.to_string();
        assert!(said(&text("N(REDIRECTED_FROM 0104c0000209)")).contains("192.0.2.9 sent"));
        assert!(!said(&text("")).contains("sent 1"));
    }

    #[test]
    fn a_request_in_fragments_may_be_lost_for_that() {
        let suspected = |pieces: u32| {
            let text = format!(
                "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(DH14) KE(14) Nonce pieces={pieces} again=4,11.2,24"
            );
            let finding = fires(&text, "ike-no-response");
            let mut others = finding.alternatives.iter();
            others.any(|one| one.to_string().contains("comes in 2 of them"))
        };
        assert!(suspected(2) && !suspected(1));
    }

    #[test]
    fn a_request_sent_again_and_again_is_silence() {
        check(
            "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(DH14) KE(14) Nonce again=4,11.2,24",
            &["ike-no-response", "initiator-fingerprint"],
        );
    }

    #[test]
    fn a_capture_that_ends_too_soon_says_nothing() {
        check(
            "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(DH14) KE(14) Nonce again=1",
            &["undecided"],
        );
    }

    #[test]
    fn an_answer_in_the_end_is_no_silence() {
        check(
            "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(DH14) KE(14) Nonce again=4
             4.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(DH14) KE(14) Nonce
             4.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 256
             4.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 240",
            &["ike-retransmits"],
        );
    }

    #[test]
    fn one_packet_that_was_never_repeated_is_no_error() {
        let finding = crate::diagnose::testing::fires(
            "0 A:500 > B:500 MAIN i=1 r=0 SA(encr=7/256 hash=4 auth=1 group=14)
             9 C:500 > B:500 MAIN i=2 r=0 SA(encr=7/256 hash=4 auth=1 group=14)",
            "ike-no-response",
        );
        assert_eq!(finding.severity, crate::diagnose::Severity::Warning);
    }

    #[test]
    fn who_names_the_spi_of_the_responder_later_had_an_answer() {
        crate::diagnose::testing::silent(
            "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(DH14) KE(14) Nonce
             0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 256
             5 B:500 > A:500 INFORMATIONAL i=1 r=2 id=0 request by=responder sealed 80
             5.1 A:500 > B:500 INFORMATIONAL i=1 r=2 id=0 response by=initiator sealed 80
             9 C > B ESP 0xc1",
            "ike-no-response",
        );
    }

    #[test]
    fn who_asks_once_and_never_again_did_not_mean_it() {
        let finding = crate::diagnose::testing::fires(
            "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(DH14) KE(14) Nonce
             40 C > B ESP 0xc1",
            "ike-no-response",
        );
        assert_eq!(finding.severity, crate::diagnose::Severity::Info);
    }

    const SILENCE: &str = "
        0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(DH14) KE(14) Nonce again=4,11.2";

    /// An IKE SA that `from` sets up with `to` at `at`.
    fn up(at: u32, from: char, to: char) -> String {
        format!(
            "{at}.0 {from}:500 > {to}:500 IKE_SA_INIT i=7 r=0 id=0 request SA(DH14) KE(14) Nonce
             {at}.1 {to}:500 > {from}:500 IKE_SA_INIT i=7 r=8 id=0 response SA(DH14) KE(14) Nonce
             {at}.2 {from}:500 > {to}:500 IKE_AUTH i=7 r=8 id=1 request sealed 256
             {at}.3 {to}:500 > {from}:500 IKE_AUTH i=7 r=8 id=1 response sealed 240"
        )
    }

    #[test]
    fn silence_before_an_ike_sa_from_either_side_came_to_nothing() {
        for (from, to) in [('A', 'B'), ('B', 'A')] {
            let text = format!("{SILENCE}\n{}", up(20, from, to));
            let finding = crate::diagnose::testing::fires(&text, "ike-no-response");
            assert_eq!(finding.severity, crate::diagnose::Severity::Info);
        }
    }

    #[test]
    fn a_silence_that_outlasts_several_attempts_is_worth_a_warning() {
        let again = SILENCE.replace("0 A", "30 A").replace("i=1", "i=2");
        let text = format!("{SILENCE}{again}\n{}", up(80, 'A', 'B'));
        let finding = crate::diagnose::testing::fires(&text, "ike-no-response");
        assert_eq!(finding.severity, crate::diagnose::Severity::Warning);
    }

    #[test]
    fn silence_after_an_ike_sa_or_before_one_with_another_peer_is_an_error() {
        let before = format!("{}\n{}", up(0, 'A', 'B'), SILENCE.replace("0 A", "40 A"));
        for text in [before, format!("{SILENCE}\n{}", up(20, 'A', 'C'))] {
            let text = format!("{text}\n60 A > C ESP 0xc1");
            let finding = crate::diagnose::testing::fires(&text, "ike-no-response");
            assert_eq!(finding.severity, crate::diagnose::Severity::Error);
        }
    }

    /// A tunnel that works at two taps, then silence to a request of the first.
    fn at_two_taps(second: &str) -> crate::diagnose::Finding {
        let text = format!(
            "0.00 A:500 > B:500 INFORMATIONAL i=8 r=9 id=1 request by=initiator sealed 80
             0.02 A:500 > B:500 INFORMATIONAL i=8 r=9 id=1 request by=initiator sealed 80 tap=1 ttl=63
             0.03 B:500 > A:500 INFORMATIONAL i=8 r=9 id=1 response by=responder sealed 80 tap=1
             0.05 B:500 > A:500 INFORMATIONAL i=8 r=9 id=1 response by=responder sealed 80 ttl=63
             10 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(DH14) KE(14) Nonce again=4,11.2
             {second}
             40 B:500 > A:500 INFORMATIONAL i=8 r=9 id=0 request by=responder sealed 80 tap=1"
        );
        crate::diagnose::testing::fires(&text, "ike-no-response")
    }

    #[test]
    fn a_request_that_never_reaches_the_second_tap_is_lost_between() {
        let finding = at_two_taps("");
        assert_eq!(finding.confidence, crate::diagnose::Confidence::Certain);
        assert!(finding.says.to_string().contains(
            "3 copies of the request left the tap tap 0 while tap 1 recorded, and none reached it"
        ));
        assert!(finding.alternatives.is_empty(), "{finding:#?}");
    }

    #[test]
    fn a_request_that_reaches_the_second_tap_was_not_lost_on_the_way() {
        let finding = at_two_taps(
            "10.02 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(DH14) KE(14) Nonce again=4,11.2 tap=1 ttl=63",
        );
        assert!(
            finding
                .says
                .to_string()
                .contains("The way there is not to blame"),
            "{}",
            finding.says
        );
        assert!(
            !finding
                .says
                .to_string()
                .contains("cannot tell a dead device")
        );
    }

    #[test]
    fn a_lone_request_at_the_very_end_is_nothing() {
        check(
            "0 C > B ESP 0xb1
             30 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(DH14) KE(14) Nonce
             31 C > B ESP 0xb1 seq 2",
            &["undecided", "undecided"],
        );
    }

    #[test]
    fn the_silence_of_ikev1_is_the_same() {
        check(
            "0 A:500 > B:500 MAIN i=1 r=0 SA(encr=7/256 hash=4 auth=1 group=14) again=4,11,24",
            &["ike-no-response", "initiator-fingerprint"],
        );
    }

    #[test]
    fn who_asks_again_and_again_hears_no_more_than_the_tap() {
        // The recording begins amid liveness checks that nobody answers.
        let checks = "0 A:500 > B:500 INFORMATIONAL i=1 r=2 id=9 request sealed 80 again=20,60";
        let init = "100 A:500 > B:500 IKE_SA_INIT i=5 r=0 id=0 request SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce";
        verdict(
            &format!("{checks}\n{init} again=4,11,24,47"),
            "ike-no-response",
        );
        silent(&format!("{checks}\n{init} again=4"), "ike-no-response");
    }

    #[test]
    fn a_peer_that_is_heard_by_others_is_in_the_capture() {
        let text = "0 B:500 > C:500 INFORMATIONAL i=7 r=8 id=5 request sealed 80
                    0.1 C:500 > B:500 INFORMATIONAL i=7 r=8 id=5 response sealed 80
                    0.2 B > C ESP 0xc1 seq 1..5 every 0.1
                    20 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(DH14) KE(14) Nonce again=4,11,24";
        let says = fires(text, "ike-no-response").says.to_string();
        assert!(says.contains("to others there is"), "{says}");
    }

    #[test]
    fn a_mode_that_the_peer_does_not_take_may_be_met_by_silence() {
        let others = |kind: &str| {
            let text = format!(
                "0 A:500 > B:500 {kind} i=1 r=0 SA(encr=7/256 hash=4 auth=1 group=14) again=4,11.2,24"
            );
            let alternatives = fires(&text, "ike-no-response").alternatives;
            let alternatives = alternatives.iter().map(ToString::to_string);
            alternatives.collect::<Vec<_>>().join(" ")
        };
        assert!(others("AGGRESSIVE").contains("takes no aggressive mode"));
        assert!(others("MAIN").contains("takes aggressive mode alone"));
    }
}
