//! A side stays on UDP 500: what was asked on UDP 4500 is answered from there, or never goes to UDP 4500.

use crate::diagnose::facts::{began, first};
use crate::diagnose::rule::{Way, first_of};
use crate::diagnose::{Case, Confidence, Finding, Rule, Severity, Signs};
use crate::language::Text;
use crate::model::{Exchange, IkeSa, NatVerdict, Transport};
use crate::registry::ExchangeType;
use crate::say;

/// The rule.
pub static RULE: Rule = Rule {
    slug: "port-not-floated",
    code: "IKE111",
    severity: Severity::Warning,
    summary: "A side stays on UDP 500 where it has to be on UDP 4500",
    document: DOCUMENT,
    explains: &[
        "ike-auth-no-response",
        "port-4500-blocked",
        "ike-no-response",
    ],
    needs: Signs::ASIDE.or(Signs::NAT),
    check,
};

const DOCUMENT: &str = "\
## What it means
After NAT was detected the initiator must move to UDP 4500, and the answers must come from where the request went, back to where it came from (RFC 7296 sections 2.11 and 2.23). Here a side stays on port 500. The answers of such a peer do not fit the NAT's mapping, and initiators drop them. The ESP of such an initiator travels as IP protocol 50, which many NATs do not translate.

## How it is seen
The request of an exchange went to port 4500, and its response comes from port 500 of the same address. If the initiator repeats the request all the same, the response was lost on it. Or the first messages tell of a NAT by their hashes, and the initiator asks on port 500 for authentication all the same, and is answered.

## What else looks like it
A device in between that translates ports. A hash that does not fit may be sent on purpose, to force UDP encapsulation, where there is no NAT.

## What to do
1. Look for a newer version of the peer's software, or forward both ports unchanged.
2. As a way around, switch MOBIKE and NAT traversal off where there is no NAT.
3. Where the initiator stays, let it use NAT traversal (UDP encapsulation).
";

fn check(case: &Case<'_>) -> Vec<Finding> {
    let ways: [Way; 2] = [
        (Signs::ASIDE, |case| {
            case.exchanges().find_map(|exchange| stays(case, exchange))
        }),
        (Signs::NAT, |case| {
            case.ike_sas().find_map(|sa| never_moves(case, sa))
        }),
    ];
    first_of(&ways, case).into_iter().collect()
}

/// The initiator authenticates itself on port 500, though the two have found a NAT between them: it must go to
/// port 4500 (RFC 7296 section 2.23).
fn never_moves(case: &Case<'_>, sa: &IkeSa) -> Option<Finding> {
    let nat = sa.nat.filter(|nat| {
        let mut sides = [nat.initiator, nat.responder].into_iter();
        sides.any(NatVerdict::is_translation)
    });
    let exchanges = sa.exchanges.iter().map(|id| &case.model.exchanges[*id]);
    let mut rounds = exchanges.filter(|exchange| exchange.kind == ExchangeType::IKE_AUTH);
    let (_, auth) = nat.zip(rounds.next())?;
    let (asked, _) = (first(case.model, auth.request()?)?, auth.response()?);
    let to = asked.path.to();
    let from = asked.path.from().address;
    // Its ESP in UDP shows that it goes on by encapsulation, and that what sends it to port 500 is another matter.
    let encapsulates = || {
        case.flows().any(|flow| {
            let mut paths = flow.paths.iter();
            flow.key.transport == Transport::Udp && paths.any(|path| path.from.address == from)
        })
    };
    (to.port == Some(500) && !encapsulates()).then(|| {
        Finding::new(
            &RULE,
            Confidence::Likely,
            case.id,
            (asked.frame, asked.time),
            "IKE_AUTH on port 500",
        )
        .title(say!("{from} stays on port 500 behind a NAT", from))
        .says(say!(
            "The first messages tell of a NAT between the two, and {from} goes on to {to} all the same: its ESP travels \
             as IP protocol 50, which many NATs do not translate, and none for two clients of one peer.",
            from,
            to
        ))
        .or("A hash that does not fit was sent on purpose, and there is no NAT.")
        .advise(say!("Let {from} use NAT traversal (UDP encapsulation).", from))
    })
}

fn stays(case: &Case<'_>, exchange: &Exchange) -> Option<Finding> {
    let (request, response) = (exchange.request()?, exchange.response()?);
    let (asked, answer) = (first(case.model, request)?, first(case.model, response)?);
    // IKEv1: message 4 is in clear and was sent again; what answers message 5 is sealed.
    let astray = asked.plain.is_encrypted() && !answer.plain.is_encrypted();
    let moved = !astray
        && asked.path.to().port == Some(4500)
        && answer.path.from().port == Some(500)
        && asked.path.to().address == answer.path.from().address
        && asked.vantage == answer.vantage;
    let mut copies = request
        .again
        .iter()
        .map(|id| &case.model.messages[*id])
        .filter(|copy| copy.time > answer.time);
    let again = copies.next();
    // One copy may be repeated since its answer was lost beyond this tap.
    let in_vain = copies.next().is_some();
    moved.then(|| {
        let from = answer.path.from().address;
        let finding = Finding::new(
            &RULE,
            match in_vain {
                true => Confidence::Certain,
                false => Confidence::Likely,
            },
            case.id,
            (answer.frame, answer.time),
            "the response, from port 500",
        )
        .severity(match again {
            Some(_) => RULE.severity,
            None => Severity::Info,
        })
        .title(say!("{peer} stays on port 500", peer = from))
        .says(
            say!(
                "{asker} asked {peer} ({exchange}), and {other} answered.",
                asker = asked.path.from(),
                peer = asked.path.to(),
                exchange = Text::verbatim(exchange.kind),
                other = answer.path.from()
            )
            .then(
                again.map(|_| "The request was repeated all the same: the answer was not taken."),
            ),
        )
        .or("A device in between translates ports.")
        .advise(say!(
            "Look for a newer version of the software of {peer}, or forward both ports unchanged.",
            peer = from
        ));
        let finding = match again {
            Some(copy) => finding.also((copy.frame, copy.time), "the request again"),
            None => finding,
        };
        match began(case.model, request) {
            Some(at) => finding.also(at, "the request, to port 4500"),
            None => finding,
        }
    })
}

#[cfg(test)]
mod tests {
    use crate::diagnose::Confidence;
    use crate::diagnose::testing::{fires, silent};

    const INIT: &str = "
        0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(DH14) KE(14) Nonce
        0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(DH14) KE(14) Nonce";

    #[test]
    fn an_answer_from_port_500_that_is_not_taken() {
        let confidence = |again: &str| {
            let text = format!(
                "{INIT}
                 0.2 A:4500 > B:4500 IKE_AUTH i=1 r=2 id=1 request sealed 256 again={again}
                 0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 240"
            );
            fires(&text, "port-not-floated").confidence
        };
        assert_eq!(confidence("4,11"), Confidence::Certain);
        assert_eq!(confidence("4"), Confidence::Likely);
    }

    #[test]
    fn message_4_of_main_mode_answers_no_message_5() {
        let text = |four: &str| {
            format!(
                "0 A:4500 > B:4500 MAIN i=1 r=2 sealed 92 again=4,8
                 0.1 B:500 > A:500 MAIN i=1 r=2 {four}"
            )
        };
        silent(&text("KE Nonce again=4,8"), "port-not-floated");
        fires(&text("sealed 92"), "port-not-floated");
    }

    #[test]
    fn answers_from_the_port_that_was_asked() {
        for port in [500, 4500] {
            silent(
                &format!(
                    "{INIT}
                     0.2 A:{port} > B:{port} IKE_AUTH i=1 r=2 id=1 request sealed 256
                     0.3 B:{port} > A:{port} IKE_AUTH i=1 r=2 id=1 response sealed 240"
                ),
                "port-not-floated",
            );
        }
    }

    #[test]
    fn who_finds_a_nat_and_stays() {
        let text = |hash: &str, port: u16| {
            format!(
                "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(DH14) KE(14) Nonce NATD(10.1.0.1:500 B:500) ttl=63
                 0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(DH14) KE(14) Nonce NATD(B:500 {hash})
                 0.2 A:{port} > B:{port} IKE_AUTH i=1 r=2 id=1 request sealed 256
                 0.3 B:{port} > A:{port} IKE_AUTH i=1 r=2 id=1 response sealed 240"
            )
        };
        fires(&text("A:500", 500), "port-not-floated");
        silent(&text("A:500", 4500), "port-not-floated");
        let no_nat = text("A:500", 500).replace("10.1.0.1:500", "A:500");
        silent(&no_nat, "port-not-floated");
        // ESP in UDP all the same: something on the way takes port 4500 for 500.
        let in_udp = text("A:500", 500) + "\n1 A:500 > B:500 ESP 0xb1 seq 1..9 every 0.3 size 136";
        silent(&in_udp, "port-not-floated");
    }
}
