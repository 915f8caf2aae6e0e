//! A NAT makes port 500 of port 4500, and the authentication is not answered.

use super::port_4500_blocked::silences;
use crate::diagnose::facts::auth::AuthSilence;
use crate::diagnose::{Case, Confidence, Finding, Rule, Severity, Signs};
use crate::model::Message;
use crate::net::Path;
use crate::registry::ExchangeType;
use crate::say;

/// The rule.
pub static RULE: Rule = Rule {
    slug: "port-4500-rewritten",
    code: "IKE112",
    severity: Severity::Error,
    summary: "A NAT makes UDP 500 of UDP 4500",
    document: DOCUMENT,
    explains: &[
        "port-4500-blocked",
        "ike-auth-no-response",
        "ike-no-response",
        "psk-mismatch",
        "tunnel-flapping",
        "clear-text-leak",
    ],
    needs: Signs::UNANSWERED.or(Signs::AGAIN),
    check,
};

const DOCUMENT: &str = "\
## What it means
From the authentication on, IKE goes from port 4500 to port 4500, with four zero octets before each message that tell it from ESP (RFC 7296 section 2.23, RFC 3948 section 2.2). A NAT may change the port of the sender behind it, to whatever it likes but 500; it must leave the port of the receiver alone. Where it makes 500 of 4500, the receiver takes the four octets for the beginning of the message, and cannot read it.

## How it is seen
The first exchange is answered on port 500. The message that authenticates goes from port 4500 to port 500, or from port 500 to port 4500, is sent again and is not answered. With a tap before the NAT: there it goes from port 4500 to port 4500.

## What else looks like it
An initiator that sends from port 500 by itself. Not every receiver minds the port of the sender: strongSwan reads nothing with those four octets that comes from port 500, libreswan does.

## What to do
1. Look at the NAT on the way: its rules for ports, and an IPsec pass-through that insists on port 500.
2. Let it translate port 4500 as any other port, and forward 4500 to 4500 where the receiver is behind it.
";

fn check(case: &Case<'_>) -> Vec<Finding> {
    let found = silences(case).into_iter();
    found
        .filter(|silence| silence.asked.exchange.kind != ExchangeType::AGGRESSIVE)
        .find_map(|silence| rewritten(case, &silence))
        .into_iter()
        .collect()
}

/// The ports of the sender and the receiver, as far as UDP has them.
fn ports(message: &Message) -> Option<(u16, u16)> {
    let Path { from, to, .. } = message.path.path();
    Some((from.port?, to.port?))
}

fn rewritten(case: &Case<'_>, silence: &AuthSilence<'_>) -> Option<Finding> {
    let asked = &silence.asked;
    let copies = || asked.flight.copies().map(|id| &case.model.messages[id]);
    let odd = |message: &&Message| matches!(ports(message), Some((4500, 500) | (500, 4500)));
    let message = copies().find(odd)?;
    let before = copies().find(|other| {
        other.vantage.input != message.vantage.input && ports(other) == Some((4500, 4500))
    });
    let (from, to) = (message.path.from(), message.path.to());
    let receiver = to.port == Some(500);
    // Nobody reads a message that begins with four octets more; some read one from port 500 all the same.
    let confidence = match receiver && before.is_some() {
        true => Confidence::Certain,
        false => case.tap().absence(Confidence::Likely),
    };
    let finding = Finding::new(
        &RULE,
        confidence,
        case.id,
        (message.frame, message.time),
        say!("from {from} to {to}, unanswered", from, to),
    )
    .also(silence.agreed, "the peer answers on port 500")
    .also(asked.last, "last copy, unanswered")
    .title(match receiver {
        true => say!(
            "What {from} sends to port 4500 arrives at port 500 of {to}",
            from = from.address,
            to = to.address
        ),
        false => say!(
            "What {from} sends from port 4500 comes to {to} from port 500",
            from = from.address,
            to
        ),
    })
    .says(
        say!(
            "{peer} answered the first message. The one that authenticates, {schedule}, goes from {from} to {to} and is \
             not answered: one of the two ports has become 500.",
            peer = to.address,
            schedule = asked.schedule(),
            from,
            to
        )
        .then(match receiver {
            true => "Who hears on port 500 expects no four octets before a message, and cannot read it.",
            false => {
                "Some receivers, such as strongSwan, expect no four octets before a message from port 500, and cannot \
                 read it."
            }
        }),
    );
    let finding = match before {
        Some(before) => finding.also(
            (before.frame, before.time),
            "before the NAT, from port 4500 to port 4500",
        ),
        None => finding.or(match receiver {
            true => "The initiator itself sends to port 500.",
            false => "The initiator itself sends from port 500.",
        }),
    };
    let finding = match receiver {
        true => finding,
        false => finding.or("The receiver reads the message and says nothing."),
    };
    Some(
        finding
            .advise(
                "Look at the NAT on the way, its rules for ports and its IPsec pass-through: let it translate port 4500 \
                 as any other port, and never to 500.",
            )
            .advise("Read the peer's log for this moment."),
    )
}

#[cfg(test)]
mod tests {
    use crate::diagnose::Confidence;
    use crate::diagnose::testing::{fires, silent, verdict};

    /// An attempt of which the message that authenticates goes between such ports.
    fn text(from: u16, to: u16) -> String {
        format!(
            "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce
             0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce
             0.2 A:{from} > B:{to} IKE_AUTH i=1 r=2 id=1 request sealed 256 again=4,11,24"
        )
    }

    #[test]
    fn a_port_that_has_become_500() {
        verdict(&text(4500, 500), "port-4500-rewritten");
        verdict(&text(500, 4500), "port-4500-rewritten");
        // Other ports a NAT may give, and who has none stays on port 500.
        for (from, to) in [(4500, 4500), (31000, 4500), (500, 500)] {
            silent(&text(from, to), "port-4500-rewritten");
        }
    }

    #[test]
    fn who_reads_it_all_the_same_minds_no_port() {
        let text = text(500, 4500).replace(" again=4,11,24", "");
        let answer = "0.3 B:4500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 240";
        silent(&format!("{text}\n{answer}"), "port-4500-rewritten");
    }

    #[test]
    fn two_taps_show_that_the_port_was_another_before() {
        let there = "
            0.01 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce tap=1
            0.09 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce tap=1
            0.21 A:4500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 256 again=4.01,11.01,24.01 tap=1";
        let text = text(4500, 4500) + there;
        verdict(&text, "port-4500-rewritten");
        let found = fires(&text, "port-4500-rewritten");
        assert_eq!(found.confidence, Confidence::Certain);
        assert!(found.alternatives.is_empty(), "{found:?}");
    }

    #[test]
    fn message_5_of_main_mode_too() {
        verdict(
            "0 A:500 > B:500 MAIN i=1 r=0 SA(encr=7/256 hash=4 auth=1 group=14)
             0.1 B:500 > A:500 MAIN i=1 r=2 SA(encr=7/256 hash=4 auth=1 group=14)
             0.2 A:500 > B:500 MAIN i=1 r=2 KE Nonce
             0.3 B:500 > A:500 MAIN i=1 r=2 KE Nonce
             0.4 A:500 > B:4500 MAIN i=1 r=2 sealed 124 again=4,11,24",
            "port-4500-rewritten",
        );
    }
}
