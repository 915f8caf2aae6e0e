//! IKE messages travel in IP fragments.

use crate::diagnose::facts::asked::is_v1;
use crate::diagnose::facts::vendor_advice::{self, Topic};
use crate::diagnose::{Case, Confidence, Finding, Rule, Severity, Signs};
use crate::language::{Text, count, list};
use crate::model::{IkeSa, Message};
use crate::registry::ExchangeType;
use crate::say;

/// The rule.
pub static RULE: Rule = Rule {
    slug: "ike-ip-fragments",
    code: "INF530",
    severity: Severity::Info,
    summary: "IKE messages travel in IP fragments",
    document: DOCUMENT,
    explains: &[],
    needs: Signs::PIECES,
    check,
};

const DOCUMENT: &str = "\
## What it means
An IKE message is larger than the link takes, so IP cut it. That works here; many NAT devices and filters drop fragments, so it may fail on another path or after a change of certificates or groups. RFC 7383 lets IKEv2 cut its messages itself, once both sides announced it; IKE_SA_INIT comes before that and is never cut by IKE. IKE_INTERMEDIATE (RFC 9242) can be cut by IKE, but some implementations leave it to IP.

## How it is seen
IKE datagrams were put together from IP fragments.

## What else looks like it
Nothing.

## What to do
1. Enable IKE fragmentation (RFC 7383) on both sides, if it is not announced by both.
2. Let IP fragments pass on the filters in between.
";

/// So many kinds of messages are named.
const NAMED: usize = 4;

fn check(case: &Case<'_>) -> Vec<Finding> {
    let cut: Vec<&Message> = case
        .messages()
        .filter(|message| message.ip.pieces > 1)
        .collect();
    let Some(first) = cut.first() else {
        return Vec::new();
    };
    let mut named: Vec<Text> = Vec::new();
    for message in &cut {
        let one = say!(
            "{exchange} of {from} ({size} octets in {pieces} fragments)",
            exchange = Text::verbatim(message.header.exchange),
            from = message.path.from().address,
            size = message.ip.length,
            pieces = message.ip.pieces
        );
        if !named.contains(&one) && named.len() < NAMED {
            named.push(one);
        }
    }
    let mut kinds = cut.iter().map(|message| message.header.exchange);
    let only_opening = kinds.all(|kind| kind == ExchangeType::IKE_SA_INIT);
    let spis = first.header.spis.initiator;
    let sa = case.ike_sas().find(|sa| sa.spis.initiator == spis);
    let mut finding = Finding::new(
        &RULE,
        Confidence::Certain,
        case.id,
        (first.frame, first.time),
        say!(
            "{exchange} in {pieces} IP fragments",
            exchange = Text::verbatim(first.header.exchange),
            pieces = first.ip.pieces
        ),
    )
    .says(
        say!(
            "{messages} came in IP fragments: {named}.",
            messages = count(cut.len() as u64, "IKE message"),
            named = list(named)
        )
        .then(announced(first, sa)),
    )
    .advise(match is_v1(first.header.exchange) {
        true => {
            "Let IP fragments pass on the filters in between; IKEv2 can cut its messages itself."
        }
        // What opens the IKE SA has to fit one message (RFC 7383 section 2.1).
        false if only_opening => {
            "Let IP fragments pass on the filters in between, or make IKE_SA_INIT smaller: fewer proposals and \
             groups, a large key exchange in IKE_INTERMEDIATE (RFC 9370)."
        }
        false => {
            "Enable IKE fragmentation (RFC 7383) on both sides, and let IP fragments pass on the \
             filters in between."
        }
    })
    .advise_all(match is_v1(first.header.exchange) || only_opening {
        true => Vec::new(),
        false => vendor_advice::of_both(case, Topic::Fragmentation),
    });
    for message in cut.iter().skip(1) {
        finding = finding.also(
            (message.frame, message.time),
            say!(
                "{exchange} in IP fragments",
                exchange = Text::verbatim(message.header.exchange)
            ),
        );
    }
    vec![finding]
}

/// Why IKE did not cut the message itself, as far as it is known.
fn announced(message: &Message, sa: Option<&IkeSa>) -> &'static str {
    // RFC 7383 is of IKEv2.
    if is_v1(message.header.exchange) {
        return "";
    }
    if message.header.exchange == ExchangeType::IKE_SA_INIT {
        return "IKE_SA_INIT cannot be cut by IKE.";
    }
    match sa.map(|sa| sa.fragmentation) {
        Some([Some(true), Some(true)]) => {
            "Both sides announced IKE fragmentation (RFC 7383), yet this message was left to IP."
        }
        Some([Some(false), Some(false)]) => "Neither side announced IKE fragmentation (RFC 7383).",
        Some([Some(true), Some(false)]) => {
            "Only the initiator announced IKE fragmentation (RFC 7383)."
        }
        Some([Some(false), Some(true)]) => {
            "Only the responder announced IKE fragmentation (RFC 7383)."
        }
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use crate::diagnose::testing::{findings, fires, is_healthy, silent};

    const INIT: &str = "
        0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(DH14) KE(14) Nonce N(16430)
        0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(DH14) KE(14) Nonce";

    #[test]
    fn fragments_that_arrive_are_told_and_are_no_fault() {
        let text = format!(
            "{INIT}
             0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 2048 pieces=2
             0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 1040"
        );
        let finding = fires(&text, "ike-ip-fragments");
        assert!(
            finding.says.to_string().contains("in 2 fragments"),
            "{}",
            finding.says
        );
        assert!(
            finding.says.to_string().contains("Only the initiator"),
            "{}",
            finding.says
        );
        assert!(is_healthy(&findings(&text)));
    }

    #[test]
    fn whole_packets_and_fragments_of_ike_are_not_meant() {
        silent(
            &format!(
                "{INIT}
                 0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request fragment 1/2 sealed 1040
                 0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request fragment 2/2 sealed 640 seed=1
                 0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 1040"
            ),
            "ike-ip-fragments",
        );
    }

    #[test]
    fn ikev1_is_not_told_of_fragments_of_ikev2() {
        let finding = fires(
            "0 A:500 > B:500 MAIN i=1 r=0 SA(encr=7/256 hash=4 auth=1 group=14) pieces=2
             0.1 B:500 > A:500 MAIN i=1 r=2 SA(encr=7/256 hash=4 auth=1 group=14)",
            "ike-ip-fragments",
        );
        let said = format!("{} {:?}", finding.says, finding.advice);
        assert!(!said.contains("7383"), "{said}");
    }
}
