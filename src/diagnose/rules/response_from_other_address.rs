//! The answer comes from another address than the request went to.

use crate::diagnose::facts::cite;
use crate::diagnose::{Case, Confidence, Finding, Rule, Severity, Signs};
use crate::language::count;
use crate::model::{Exchange, Flight, Message, MessageId, Model};
use crate::say;
use crate::units::Endpoint;
use crate::wire::nat_detection;

/// The rule.
pub static RULE: Rule = Rule {
    slug: "response-from-other-address",
    code: "IKE108",
    severity: Severity::Error,
    summary: "Answers come from another address than requests go to",
    document: DOCUMENT,
    explains: &[
        "ike-no-response",
        "ike-auth-no-response",
        "ike-one-way",
        "ike-host-unreachable",
        "esp-one-way",
        "dpd-timeout",
        "nat-detected",
        "tunnel-flapping",
        "clear-text-leak",
    ],
    needs: Signs::MOVED,
    check,
};

const DOCUMENT: &str = "\
## What it means
The peer has several addresses and answers from one that was not asked. Many initiators and every stateful filter drop such an answer. Those that take it believe in a NAT and send to an address where perhaps nobody listens. Where the initiator goes on all the same, it took the answer, and this is a warning; where traffic flows both ways, information.

## How it is seen
A response bears the SPIs and message ID of a request, but its source address is not the request's destination.

## What else looks like it
A capture inside a device that translates addresses sees packets before and after translation. A move by MOBIKE changes the address of a request, never of its response.

## What to do
1. Bind the peer's IKE daemon to the address that initiators use, or enter the other address at the initiator.
2. With several uplinks, route answers out by the link that the request came in by.
3. Where the answer's own NAT detection hash is of the address that was asked, it left from there: exempt IPsec from the NAT that changed it.
";

fn check(case: &Case<'_>) -> Vec<Finding> {
    let strays: Vec<(MessageId, MessageId)> = case
        .tunnel
        .ike_sas
        .iter()
        .flat_map(|sa| &case.model.ike_sas[*sa].exchanges)
        .filter_map(|id| stray(case.model, &case.model.exchanges[*id]))
        .collect();
    let Some((request, response)) = strays.first().copied() else {
        return Vec::new();
    };
    let (asked, answered) = (
        &case.model.messages[request],
        &case.model.messages[response],
    );
    let (to, from) = (asked.path.to().address, answered.path.from().address);
    let taken = is_taken(case, answered);
    let works = taken && works(case, answered);
    let mut finding = Finding::new(
        &RULE,
        Confidence::Certain,
        case.id,
        cite(case.model, response),
        say!("answer from {from}", from = answered.path.from()),
    )
    .also(
        cite(case.model, request),
        say!("request to {to}", to = asked.path.to()),
    )
    .title(say!("Requests to {to} are answered from {from}", to, from))
    .severity(match (taken, works) {
        (_, true) => Severity::Info,
        (true, _) => Severity::Warning,
        _ => RULE.severity,
    })
    .says(
        say!(
            "{asker} asked {asked}, and {answerer} answered, in {exchanges}.",
            asker = asked.path.from(),
            asked = asked.path.to(),
            answerer = answered.path.from(),
            exchanges = count(strays.len() as u64, "exchange")
        )
        .then(match taken {
            true => "It went on all the same: the answer was taken.",
            false => "",
        }),
    )
    .or("The capture was taken on a device that translates addresses.");
    finding = match left_from(answered, asked.path.to()) {
        true => {
            finding.says.add(say!(
                "The hash that the answer bears of its sender is of {asked}: it left from there, and a NAT on the way \
                 changed its source.",
                asked = asked.path.to()
            ));
            finding.advise(say!(
                "Exempt UDP 500 and 4500 and ESP of {to} from the NAT in front of it.",
                to
            ))
        }
        false => finding.advise(say!(
            "Bind the peer's IPsec to {to}, or enter {from} at the initiator.",
            to,
            from
        )),
    };
    for (_, response) in strays.iter().skip(1) {
        finding = finding.also(cite(case.model, *response), "again");
    }
    vec![finding]
}

/// Whether an answer says that it left from this end: its NAT detection has a hash of that (RFC 7296 section
/// 2.23).
fn left_from(answer: &Message, end: Endpoint) -> bool {
    let read = answer.read();
    let hashes = nat_detection::hashes(&read).source;
    let mut fits = hashes
        .iter()
        .filter_map(|hash| nat_detection::fits(hash, answer.header.spis, end));
    fits.any(|fits| fits)
}

/// Whether who asked goes on in the IKE SA after an answer: with the SPI that only the answer tells, or
/// with a later number (RFC 7296 section 2.3).
fn is_taken(case: &Case<'_>, answer: &Message) -> bool {
    let header = &answer.header;
    case.messages().any(|message| {
        message.header.spis == header.spis
            && message.header.message_id != header.message_id
            && !message.header.flags.response()
            && message.path.from().address == answer.path.to().address
            && message.time > answer.time
    })
}

/// Whether ESP begins both ways after an answer.
fn works(case: &Case<'_>, answer: &Message) -> bool {
    let directions = case.directions();
    directions.iter().any(|directions| {
        [0, 1].iter().all(|end| {
            let mut flows = directions.flows(*end).iter();
            flows.any(|flow| flow.seen.last.1 > answer.time)
        })
    })
}

/// Request and response at one vantage, if the response comes from an address that was not asked.
fn stray(model: &Model, exchange: &Exchange) -> Option<(MessageId, MessageId)> {
    let request = exchange.request()?;
    copies(exchange.response()?).find_map(|answer| {
        let answered: &Message = &model.messages[answer];
        let mut asked = copies(request)
            .filter(|id| model.messages[*id].vantage == answered.vantage)
            .peekable();
        let first = *asked.peek()?;
        let same = asked.any(|id| {
            let to = model.messages[id].path.to().address;
            to == answered.path.from().address || is_many(to)
        });
        (!same).then_some((first, answer))
    })
}

/// Every datagram of a flight, at whatever vantage.
fn copies(flight: &Flight) -> impl Iterator<Item = MessageId> {
    flight
        .parts
        .iter()
        .chain(&flight.again)
        .chain(&flight.elsewhere)
        .copied()
}

/// Whether the address stands for many: answers then come from elsewhere by design.
fn is_many(address: std::net::IpAddr) -> bool {
    match address {
        std::net::IpAddr::V4(address) => address.is_multicast() || address.is_broadcast(),
        std::net::IpAddr::V6(address) => address.is_multicast(),
    }
}

#[cfg(test)]
mod tests {
    use crate::diagnose::Severity;
    use crate::diagnose::testing::{fires, silent, verdict};

    #[test]
    fn an_answer_from_elsewhere_is_named() {
        verdict(
            "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce
             0.1 C:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce",
            "response-from-other-address",
        );
    }

    #[test]
    fn an_answer_that_is_taken_all_the_same_is_no_error() {
        let taken = "
            0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce
            0.1 C:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce
            0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 256
            0.3 C:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 240";
        let severity = |text: &str| fires(text, "response-from-other-address").severity;
        assert_eq!(severity(taken), Severity::Warning);
        let works = format!(
            "{taken}
             1 A > B ESP 0xb1 seq 1..20 every 0.5
             1 B > A ESP 0xa1 seq 1..20 every 0.5"
        );
        assert_eq!(severity(&works), Severity::Info);
    }

    #[test]
    fn a_move_of_the_asker_is_no_stray_answer() {
        silent(
            "0 A:4500 > B:4500 INFORMATIONAL i=1 r=2 id=2 request sealed 80
             0.1 B:4500 > A:4500 INFORMATIONAL i=1 r=2 id=2 response sealed 80
             5 C:4500 > B:4500 INFORMATIONAL i=1 r=2 id=3 request by=initiator sealed 160
             5.1 B:4500 > C:4500 INFORMATIONAL i=1 r=2 id=3 response sealed 160",
            "response-from-other-address",
        );
    }

    #[test]
    fn the_hash_of_the_answer_tells_a_translated_source_from_another_address() {
        let advice = |hashes: &str| {
            let finding = fires(
                &format!(
                    "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce NATD
                     0.1 C:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce {hashes}"
                ),
                "response-from-other-address",
            );
            finding
                .advice
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join(" ")
        };
        assert!(advice("NATD(B:500 A:500)").contains("the NAT in front of it"));
        assert!(advice("NATD").contains("Bind the peer's IPsec"));
        assert!(advice("").contains("Bind the peer's IPsec"));
    }

    #[test]
    fn who_only_asks_anew_has_not_taken_the_answer() {
        let text = |next: &str| {
            format!(
                "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce
                 0.1 C:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce
                 {next}"
            )
        };
        let severity = |next: &str| fires(&text(next), "response-from-other-address").severity;
        let other = "9 A:500 > B:500 IKE_AUTH i=7 r=8 id=1 request sealed 256";
        let later = "9 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 256";
        assert_eq!(severity(other), Severity::Error);
        assert_eq!(severity(later), Severity::Warning);
    }
}
