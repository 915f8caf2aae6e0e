//! Too little was recorded to tell whether a tunnel works.

use crate::diagnose::facts::asked::is_v1;
use crate::diagnose::facts::{end_of, tap};
use crate::diagnose::{Case, Cite, Confidence, Finding, Rule, Severity, Signs};
use crate::language::{Text, count};
use crate::model::{Exchange, IkeState, Plain};
use crate::registry::ExchangeType;
use crate::say;
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
Not both ends sent something that only a peer with the keys can send: an encrypted message of IKE, or ESP or AH. Or keys were agreed, and the capture ends before the peers know each other. What was seen is too little for any rule: the capture ends before an answer could be expected, holds one direction only, or begins when all is said.

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
            IkeState::Refused => return true,
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

/// Whether it is an exchange of IKEv2 under keys, with its request and its response.
fn is_answered(exchange: &Exchange) -> bool {
    let under_keys = !is_v1(exchange.kind) && exchange.kind != ExchangeType::IKE_SA_INIT;
    under_keys && exchange.request().is_some() && exchange.response().is_some()
}

fn found(case: &Case<'_>) -> Option<Finding> {
    let [one, two] = case.tunnel.ends;
    let (first, last) = span(case)?;
    let [of_one, of_two] = [0, 1].map(|end| sent(case, end));
    let mut says = say!(
        "{of_one} of {one} and {of_two} of {two} were recorded.",
        of_one,
        one,
        of_two,
        two
    );
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
    let half_open = case.ike_sas().any(|sa| sa.state == IkeState::HalfOpen);
    says.add(match (half_open, tap.deaf.contains(&true)) {
        (true, _) => "The peers agreed on keys; whether they accept each other is not shown.",
        (false, true) => "",
        (false, false) => "Whether there is an answer, and whether one was due yet, is not shown.",
    });
    let left = case.messages().next().map(|message| message.vantage);
    if let Some(end) = left.and_then(|vantage| tap::ended(case.model, vantage)) {
        says.add(say!(
            "The capture ends {time} after the last of it.",
            time = end.since(last.1)
        ));
    }
    Some(
        Finding::new(
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
        .says(says.then("That shows neither that the tunnel works nor that it does not."))
        .advise("Record both directions, at one place that packets of both take.")
        .advise(
            "Record from before the tunnel is started until it has been up, or has failed, for a minute; an \
             idle tunnel shows itself when somebody pings through it.",
        ),
    )
}

/// What an end sent: `2 IKE messages and 1 ESP packet`.
fn sent(case: &Case<'_>, end: usize) -> Text {
    let of_end = |address| end_of(case.tunnel, address).is_some_and(|sender| sender == end);
    let messages = case
        .messages()
        .filter(|message| of_end(message.path.from().address))
        .count();
    let flows = case
        .flows()
        .filter(|flow| case.tunnel.destination(flow) == Some(1 - end));
    let packets = flows.fold(0u64, |sum, flow| sum.saturating_add(flow.packets));
    match (messages as u64, packets) {
        (0, 0) => "nothing".into(),
        (0, packets) => count(packets, "ESP packet"),
        (messages, 0) => count(messages, "IKE message"),
        (messages, packets) => say!(
            "{messages} and {packets}",
            messages = count(messages, "IKE message"),
            packets = count(packets, "ESP packet")
        ),
    }
}

/// The first and the last packet of the tunnel.
fn span(case: &Case<'_>) -> Option<(Cite, Cite)> {
    let messages = case.messages().map(|message| {
        let at = (message.frame, message.time);
        (at, at)
    });
    let flows = case.flows().map(|flow| (flow.seen.first, flow.seen.last));
    messages.chain(flows).reduce(|all, one| {
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
