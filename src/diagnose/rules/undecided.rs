//! Too little was recorded to tell whether a tunnel works.

use super::redirected;
use crate::diagnose::facts::asked::{self, is_v1};
use crate::diagnose::facts::{Tap, abandoned, clear, end_of, first, tap};
use crate::diagnose::{Case, Cite, Confidence, Finding, Rule, Severity, Signs};
use crate::language::{Text, count};
use crate::model::{Exchange, IkeSa, IkeState, Plain};
use crate::registry::{ExchangeType, NotifyType};
use crate::say;
use crate::units::{Span, Timestamp, Vantage};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// The rule.
pub static RULE: Rule = Rule {
    slug: "undecided",
    code: "INF551",
    severity: Severity::Info,
    summary: "Too little was recorded to tell whether the tunnel works",
    document: DOCUMENT,
    explains: &[],
    needs: Signs::NONE,
    check,
};

const DOCUMENT: &str = "\
## What it means
Nothing that was recorded of this tunnel shows that it works, and nothing shows a fault. So it is called neither healthy nor broken.

## How it is seen
Not both ends sent something that only a peer with the keys can send: an encrypted message of IKE, or ESP or AH. Or keys were agreed, and the capture ends before the peers know each other, or the initiator has the answer, for it does not ask again, and does not go on. What was seen is too little for any rule: the capture ends before an answer could be expected, holds one direction only, or begins when all is said.

## What else looks like it
A healthy tunnel and a broken one: that is the point.

## What to do
1. Record both directions, at one place that packets of both take.
2. Record from before the tunnel is started until it has been up, or has failed, for a minute. An idle tunnel shows itself when somebody pings through it.
";

fn check(case: &Case<'_>) -> Vec<Finding> {
    if is_decided(case) {
        return Vec::new();
    }
    found(case).into_iter().collect()
}

/// Whether the peers know each other, or one refused the other.
fn is_decided(case: &Case<'_>) -> bool {
    // A group hears, and sends nothing.
    if case.tunnel.ends.iter().any(IpAddr::is_multicast) {
        return true;
    }
    let is_esp = |end| {
        let mut flows = case.flows();
        flows.any(|flow| case.tunnel.destination(flow) == Some(end))
    };
    if is_esp(0) && is_esp(1) {
        return true;
    }
    let (mut met, mut begun) = (false, false);
    for sa in case.ike_sas() {
        match sa.state {
            IkeState::Refused if !may_go_on(case, sa) => return true,
            IkeState::Refused => begun = true,
            // In IKEv1 no message shows its place, so what a recording that begins late takes for a refusal may be
            // none.
            IkeState::AuthRefused if !is_whole(case, sa) => begun = true,
            IkeState::Established | IkeState::Deleted if asks_user_last(case, sa) => begun = true,
            IkeState::Established
            | IkeState::AlreadyUp
            | IkeState::AuthRefused
            | IkeState::Deleted => met = true,
            IkeState::HalfOpen | IkeState::Unanswered => begun = true,
        }
    }
    // Most tunnels show it by an answer.
    let sealed = !case.signs().meet(Signs::BARE);
    if met && sealed && case.exchanges().any(is_answered) {
        return true;
    }
    let mut spoke = [is_esp(1), is_esp(0)];
    for message in case.messages() {
        if spoke == [true; 2] {
            break;
        }
        if message.plain != Plain::Clear
            && let Some(end) = end_of(case.tunnel, message.path.from().address)
            && let Some(spoke) = spoke.get_mut(end)
        {
            *spoke = true;
        }
    }
    spoke == [true; 2] && (met || !begun)
}

/// Whether the negotiation of an IKE SA was recorded from its beginning, or shows by itself how far it came.
fn is_whole(case: &Case<'_>, sa: &IkeSa) -> bool {
    let mut exchanges = sa.exchanges.iter().map(|id| &case.model.exchanges[*id]);
    let phase1 = exchanges.find(|exchange| exchange.kind == ExchangeType::IDENTITY_PROTECTION);
    phase1.is_none_or(|phase1| asked::from_the_start(case.model, phase1))
}

/// IKEv1: whether a user was asked for a name and a password, or an address was asked for, after phase 1, and no quick
/// mode follows: what became of that is encrypted.
fn asks_user_last(case: &Case<'_>, sa: &IkeSa) -> bool {
    let exchanges = || sa.exchanges.iter().map(|id| &case.model.exchanges[*id]);
    let has = |kind| exchanges().any(|exchange| exchange.kind == kind);
    has(ExchangeType::TRANSACTION)
        && !has(ExchangeType::QUICK_MODE)
        && exchanges()
            .next()
            .is_some_and(|first| asked::from_the_start(case.model, first))
}

/// Whether the refusal of an IKE SA is no end of it: it asks for another group (RFC 7296 section 1.2), or sends the
/// initiator elsewhere.
fn may_go_on(case: &Case<'_>, sa: &IkeSa) -> bool {
    let mut errors = sa
        .notices
        .iter()
        .filter(|notice| notice.is_error())
        .peekable();
    let asks = errors.peek().is_some()
        && errors.all(|notice| !notice.v1 && notice.kind == NotifyType::INVALID_KE_PAYLOAD.0);
    asks || is_sent_elsewhere(case, sa)
}

/// Whether the responder of an IKE SA sent the initiator to another gateway, and nothing is there of that: the
/// initiator asks nobody else.
fn is_sent_elsewhere(case: &Case<'_>, sa: &IkeSa) -> bool {
    let Some((message, _)) = redirected::redirections(case.model, sa).next() else {
        return false;
    };
    let others = case.model.tunnels_of(message.path.to().address).iter();
    !others.filter(|id| **id != case.id).any(|id| {
        let mut sas = case.model.tunnels[*id].ike_sas.iter();
        sas.any(|id| case.model.ike_sas[*id].seen.last.1 > message.time)
    })
}

/// Whether it is an exchange of IKEv2 under keys, with its request and its response.
fn is_answered(exchange: &Exchange) -> bool {
    let under_keys = !is_v1(exchange.kind) && exchange.kind != ExchangeType::IKE_SA_INIT;
    under_keys && exchange.request().is_some() && exchange.response().is_some()
}

fn found(case: &Case<'_>) -> Option<Finding> {
    let [one, two] = case.tunnel.ends;
    let (first, last) = span(case)?;
    let by_icmp_alone = case.messages().next().is_none()
        && case.flows().next().is_none()
        && case.outside().next().is_none();
    let mut says = match by_icmp_alone {
        true => say!(
            "ICMP errors about packets between {one} and {two} were recorded, and no such packet.",
            one,
            two
        ),
        false => {
            let [of_one, of_two] = [0, 1].map(|end| sent(case, end));
            say!(
                "{of_one} of {one} and {of_two} of {two} were recorded.",
                of_one,
                one,
                of_two,
                two
            )
        }
    };
    let tap = case.tap();
    for (deaf, end) in tap.deaf.into_iter().zip(case.tunnel.ends) {
        if deaf {
            says.add(say!(
                "{end} answers, for the other side goes on, and none of that is here: this capture holds one \
                 direction.",
                end
            ));
        }
    }
    let elsewhere = case.ike_sas().any(|sa| is_sent_elsewhere(case, sa));
    let half_open = case.ike_sas().filter(|sa| sa.state == IkeState::HalfOpen);
    let agreed = half_open.map(|sa| sa.version.major()).max();
    let left_off = left_off(case).filter(|_| !elsewhere);
    let unknown = case
        .ike_sas()
        .flat_map(|sa| &sa.notices)
        .find(|notice| notice.kind == NotifyType::INVALID_IKE_SPI.0 && notice.is_error());
    says.add(match (agreed, unknown) {
        _ if elsewhere => {
            "It was sent to another gateway, and whether that one serves it is not shown.".into()
        }
        (None, _) if case.ike_sas().any(|sa| asks_user_last(case, sa)) => {
            "After phase 1 a user or an address was asked for (XAUTH, Mode Config), and no quick mode follows: what \
             was answered is not shown."
                .into()
        }
        (Some(version), _) => match &left_off {
            Some((_, says)) => says.clone(),
            None if version == 1 => {
                "The peers agreed on algorithms; whether they accept each other is not shown."
                    .into()
            }
            None => "The peers agreed on keys; whether they accept each other is not shown.".into(),
        },
        (None, Some(notice)) => say!(
            "{peer} answers {error}: it does not know the IKE SA that the message names.",
            peer = notice.from,
            error = notice.name()
        ),
        (None, None) if by_icmp_alone || tap.deaf.contains(&true) => Text::default(),
        (None, None)
            if case
                .exchanges()
                .any(|exchange| exchange.response().is_some()) =>
        {
            "There are answers, but in clear alone: they do not show that both have the keys."
                .into()
        }
        (None, None) if is_due(case, last.1) => "No answer is in this capture.".into(),
        (None, None) => {
            "Whether there is an answer, and whether one was due yet, is not shown.".into()
        }
    });
    let of_sa = case.messages().next().map(|message| message.vantage);
    let left = of_sa.or_else(|| Some(case.outside().next()?.vantage));
    if let Some(end) = left.and_then(|vantage| tap::ended(case.model, vantage)) {
        says.add(match end.since(last.1) {
            Span(..=0) => "The capture ends with the last of it.".into(),
            time => say!("The capture ends {time} after the last of it.", time),
        });
    }
    let mut finding = Finding::new(
        &RULE,
        Confidence::Certain,
        case.id,
        first,
        "the first that was recorded",
    )
    .also(last, "the last")
    .title(say!(
        "Too little was recorded to tell whether the tunnel between {one} and {two} works",
        one,
        two
    ))
    .says(says.then("That shows neither that the tunnel works nor that it does not."));
    if let Some((initiator, _)) = left_off {
        finding = finding.advise(say!(
            "Capture at {initiator}: if it goes on, a filter in between drops that; if it does not, its log tells why.",
            initiator
        ));
    }
    Some(
        finding
        .advise("Record both directions, at one place that packets of both take.")
        .advise(
            "Record from before the tunnel is started until it has been up, or has failed, for a minute; an \
             idle tunnel shows itself when somebody pings through it.",
        ),
    )
}

/// The initiator of the last attempt, if it had its answer and was not heard of again, not even by fragments of a
/// packet, and what that may mean.
fn left_off(case: &Case<'_>) -> Option<(IpAddr, Text)> {
    /// Who has no answer asks again (RFC 7296 section 2.1), and no program waits longer before it does so first.
    const ASKS_AGAIN: Span = Span::from_secs(15);
    let sa = case.ike_sas().last()?;
    let (exchange, answer) = abandoned::half(case.model, sa)?;
    let message = first(case.model, exchange.response()?)?;
    let watched = tap::went_on(case.model, message.vantage, answer.1, ASKS_AGAIN);
    let in_pieces = clear::fragments(case).next().is_some();
    // Of main mode messages 3 and 4 exchange keys (RFC 2409 section 5).
    let keyed = match exchange.kind {
        ExchangeType::IDENTITY_PROTECTION => exchange.flights.len() == 4,
        kind => kind == ExchangeType::IKE_SA_INIT,
    };
    let agreed = sa.state == IkeState::HalfOpen && keyed;
    if !agreed || !watched || in_pieces {
        return None;
    }
    let initiator = message.path.to().address;
    let says = say!(
        "The peers agreed on keys, and {initiator} had the answer, for it did not ask again; nothing more of it is in this capture.",
        initiator
    );
    // RFC 7296 section 2.23, RFC 3947 section 4.
    let floats = sa.nat.is_some_and(|nat| nat.is_there());
    let recorded = case.model.past_port_500.contains(&message.vantage.input);
    let place = match floats {
        true => "port 4500, for a NAT is there",
        false => "the same port or port 4500",
    };
    let says = says.then(match recorded {
        true => say!(
            "It does not like the answer, or only looked; or its next message was lost on the way to {place}.",
            place
        ),
        false => say!(
            "It does not like the answer, or only looked; or its next message was lost on the way to {place}, or left \
             out of this capture.",
            place
        ),
    });
    Some((initiator, says))
}

/// Whether the recording goes on for so long after a moment that an answer would be in it.
fn is_due(case: &Case<'_>, time: Timestamp) -> bool {
    let mut messages = case.messages();
    messages
        .next()
        .is_some_and(|message| tap::went_on(case.model, message.vantage, time, Tap::PATIENCE))
}

/// What an end sent: `2 IKE messages and 1 ESP packet`. Of several taps, which record the same, that with
/// most counts.
fn sent(case: &Case<'_>, end: usize) -> Text {
    let of_end = |address| end_of(case.tunnel, address).is_some_and(|sender| sender == end);
    let (mut messages, mut packets) = (BTreeMap::new(), BTreeMap::new());
    for message in case.messages() {
        if of_end(message.path.from().address) {
            *messages.entry(message.vantage).or_insert(0u64) += 1;
        }
    }
    for row in case.outside() {
        if of_end(row.path.from.address) {
            *messages.entry(row.vantage).or_insert(0) += row.count;
        }
    }
    for flow in case.flows() {
        if case.tunnel.destination(flow) == Some(1 - end) {
            let sum = packets.entry(flow.key.vantage).or_insert(0u64);
            *sum = sum.saturating_add(flow.packets);
        }
    }
    let most = |of: BTreeMap<Vantage, u64>| of.into_values().max().unwrap_or(0);
    match (most(messages), most(packets)) {
        (0, 0) => match keepalives(case, end) {
            0 => "nothing".into(),
            sent => count(sent, "NAT keepalive"),
        },
        (0, packets) => count(packets, "ESP packet"),
        (messages, 0) => count(messages, "IKE message"),
        (messages, packets) => say!(
            "{messages} and {packets}",
            messages = count(messages, "IKE message"),
            packets = count(packets, "ESP packet")
        ),
    }
}

/// How many NAT keepalives an end sent, at the tap that has most.
fn keepalives(case: &Case<'_>, end: usize) -> u64 {
    let mut sent = BTreeMap::new();
    for seen in tap::keepalives(case, end) {
        *sent.entry(seen.vantage).or_insert(0) += seen.count;
    }
    sent.into_values().max().unwrap_or(0)
}

/// The first and the last packet of the tunnel.
fn span(case: &Case<'_>) -> Option<(Cite, Cite)> {
    let messages = case.messages().map(|message| {
        let at = (message.frame, message.time);
        (at, at)
    });
    let flows = case.flows().map(|flow| (flow.seen.first, flow.seen.last));
    let errors = case.icmp();
    let errors = errors.map(|seen| ((seen.frame, seen.time), (seen.frame, seen.last)));
    let outside = case.outside().map(|row| (row.seen.first, row.seen.last));
    let all = messages.chain(flows).chain(errors).chain(outside);
    all.reduce(|all, one| {
        (
            std::cmp::min_by_key(all.0, one.0, |at| at.1),
            std::cmp::max_by_key(all.1, one.1, |at| at.1),
        )
    })
}

#[cfg(test)]
mod tests {
    use crate::diagnose::testing::{check, fires, silent};

    const INIT: &str = "
        0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce";
    const ANSWER: &str = "
        0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce";
    const AUTH: &str = "
        0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 256
        0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 240";

    #[test]
    fn a_first_message_alone_decides_nothing() {
        check(INIT, &["undecided"]);
    }

    #[test]
    fn keys_without_an_identity_decide_nothing() {
        check(&[INIT, ANSWER].concat(), &["undecided"]);
    }

    #[test]
    fn another_group_that_is_asked_for_decides_nothing() {
        let asks = "0 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response N(INVALID_KE_PAYLOAD 000f)";
        check(asks, &["undecided"]);
        silent(
            &asks.replace("INVALID_KE_PAYLOAD 000f", "NO_PROPOSAL_CHOSEN"),
            "undecided",
        );
    }

    #[test]
    fn an_initiator_that_had_the_answer_and_did_not_go_on_is_told() {
        let beside = |from: &str, end: u32, init: &str| {
            let text = format!(
                "{init}{ANSWER}\n{end} C{from} > B{from} ESP 0xc1\n{end} B{from} > C{from} ESP 0xc2"
            );
            fires(&text, "undecided").says.to_string()
        };
        let says = |end: u32, init: &str| beside(":4500", end, init);
        assert!(says(16, INIT).contains("192.0.2.1 had the answer"));
        // What next goes to port 4500 may be left out of a capture that has nothing else of it.
        assert!(says(16, INIT).contains("lost on the way to the same port or port 4500."));
        assert!(beside("", 16, INIT).contains("left out of this capture"));
        // It may ask again yet, or has.
        assert!(!says(12, INIT).contains("had the answer"));
        assert!(!says(16, &format!("{INIT} again=4")).contains("had the answer"));
    }

    #[test]
    fn one_direction_decides_nothing() {
        let finding = fires(
            "0 A:500 > B:500 INFORMATIONAL i=1 r=2 id=4 request sealed 80
             10 A:500 > B:500 INFORMATIONAL i=1 r=2 id=5 request sealed 80",
            "undecided",
        );
        assert!(
            finding.says.to_string().contains("one direction"),
            "{}",
            finding.says
        );
        fires("0 A > B ESP 0xb1 seq 1..40 size 1000", "undecided");
    }

    #[test]
    fn an_error_about_a_packet_that_is_not_here_decides_nothing() {
        fires(
            "1 C > A ICMP 3/1 quoting A:500 > B:500 IKE i=1 r=0",
            "undecided",
        );
    }

    #[test]
    fn what_two_taps_record_is_counted_once() {
        let text = [INIT, ANSWER].concat();
        let again: String = text
            .lines()
            .map(|line| match line.trim() {
                "" => "\n".to_string(),
                line => format!("{line} tap=1\n"),
            })
            .collect();
        let says = fires(&format!("{text}\n{again}"), "undecided")
            .says
            .to_string();
        assert!(
            says.starts_with("1 IKE message of 192.0.2.1 and 1 IKE message of 192.0.2.2"),
            "{says}"
        );
    }

    #[test]
    fn what_the_packets_show_is_said() {
        let says = |text: &str| fires(text, "undecided").says.to_string();
        // Message 2 of main mode agrees on algorithms; the keys come with 3 and 4 (RFC 2409 section 5).
        let main = "0 A:500 > B:500 MAIN i=1 r=0 SA(encr=7/256 hash=4 auth=1 group=14)
             0.1 B:500 > A:500 MAIN i=1 r=2 SA(encr=7/256 hash=4 auth=1 group=14)";
        assert!(
            says(main).contains("agreed on algorithms"),
            "{}",
            says(main)
        );
        let keys = [INIT, ANSWER].concat();
        assert!(says(&keys).contains("agreed on keys"), "{}", says(&keys));
    }

    #[test]
    fn what_both_protect_decides_for_the_tunnel() {
        silent(&[INIT, ANSWER, AUTH].concat(), "undecided");
        silent(
            "0 A:500 > B:500 INFORMATIONAL i=1 r=2 id=4 request sealed 80
             0.1 B:500 > A:500 INFORMATIONAL i=1 r=2 id=4 response sealed 80",
            "undecided",
        );
        silent(
            "0 A > B ESP 0xb1 seq 1..40\n 0 B > A ESP 0xa1 seq 1..40",
            "undecided",
        );
    }

    #[test]
    fn a_user_who_is_asked_and_no_quick_mode_decide_nothing() {
        let text = |more: &str| {
            format!(
                "0 A:500 > B:500 AGGRESSIVE i=1 r=0 SA(encr=7/256 hash=4 auth=65001 group=14) KE Nonce ID
                 0.1 B:500 > A:500 AGGRESSIVE i=1 r=2 SA(encr=7/256 hash=4 auth=65001 group=14) KE Nonce ID HASH
                 0.2 A:4500 > B:4500 AGGRESSIVE i=1 r=2 sealed 144
                 0.3 B:4500 > A:4500 TRANSACTION i=1 r=2 id=0x11 sealed 76
                 2.0 A:4500 > B:4500 TRANSACTION i=1 r=2 id=0x11 sealed 92
                 {more}"
            )
        };
        let found = fires(&text(""), "undecided");
        assert!(found.says.to_string().contains("XAUTH"), "{}", found.says);
        silent(
            &text(
                "2.1 A:4500 > B:4500 QUICK i=1 r=2 id=0x21 sealed 300
                 2.2 B:4500 > A:4500 QUICK i=1 r=2 id=0x21 sealed 300
                 2.3 A:4500 > B:4500 QUICK i=1 r=2 id=0x21 sealed 76",
            ),
            "undecided",
        );
    }

    #[test]
    fn a_gateway_that_names_another_decides_nothing() {
        let redirect =
            "0.1 B:500 > A:500 IKE_SA_INIT i=1 r=0 id=0 response N(REDIRECT 0104c0000207)";
        check(
            &format!("{INIT} N(16406)\n{redirect}"),
            &["undecided", "redirected"],
        );
        // There it got through.
        let there = [INIT, ANSWER, AUTH].concat().replace("B:500", "C:500");
        let there = there
            .replace("i=1", "i=7")
            .replace("        0", "        1");
        silent(&format!("{INIT} N(16406)\n{redirect}{there}"), "undecided");
    }

    #[test]
    fn a_fault_decides_against_it() {
        silent(
            &format!(
                "{INIT} again=2,4,8,16,32\n 100 C > D ESP 0xb1 seq 1..2\n 100 D > C ESP 0xb2 seq 1..2"
            ),
            "undecided",
        );
    }

    #[test]
    fn what_is_answered_in_clear_shows_no_keys() {
        let model = crate::testing::model(&format!("{INIT}{ANSWER}{AUTH}"));
        let answered: Vec<bool> = model.exchanges.iter().map(super::is_answered).collect();
        assert_eq!(answered, [false, true]);
    }
}
