//! There is a NAT between the gateways, and where; or one side pretends that there is.

use crate::diagnose::facts::taps::name;
use crate::diagnose::{Case, Confidence, Finding, Rule, Severity, Signs};
use crate::language::{Text, list};
use crate::limits;
use crate::model::table::Id;
use crate::model::{IkeSa, Message, Model, Nat, NatVerdict, Role};
use crate::say;
use crate::units::Endpoint;
use crate::wire::nat_detection;

/// The rule.
pub static RULE: Rule = Rule {
    slug: "nat-detected",
    code: "INF503",
    severity: Severity::Info,
    summary: "There is a NAT between the gateways",
    document: DOCUMENT,
    explains: &[],
    needs: Signs::NAT,
    check,
};

const DOCUMENT: &str = "\
## What it means
An address or port is translated on the way. IKE moves to UDP 4500 and ESP travels in UDP. It is normal, but the mapping must be kept alive, and only the translated side can begin.

## How it is seen
Each side sends hashes of the addresses it sees (RFC 7296 section 2.23, RFC 3947 section 3.2). They are compared with the addresses in this capture: a hash that does not fit was made before a translation. Where it fits one of the usual private addresses, that address is named: it proves the translation. A hash of the address seen here with port 0 proves that there is none, and that the side forces UDP encapsulation.

## What else looks like it
Some gateways send a hash of a random address to force UDP encapsulation. That looks like a NAT in front of them. If their messages come from another port than 500 and 4500, or the address behind the NAT is named, it is a NAT.

## What to do
1. See that keepalives come more often than the NAT forgets (20 s is usual).
";

fn check(case: &Case<'_>) -> Vec<Finding> {
    let found = case.tunnel.ike_sas.iter().find_map(|id| {
        let sa = &case.model.ike_sas[*id];
        let nat = sa.nat.filter(Nat::is_there)?;
        Some((sa, nat, sa.paths.first()?))
    });
    let Some((sa, nat, path)) = found else {
        return Vec::new();
    };
    // Beyond so many tunnels nothing is guessed.
    let guess = case.id.index() < limits::NAT_GUESS_TUNNELS;
    let ends = [
        (nat.initiator, path.from, path.to, Role::Initiator),
        (nat.responder, path.to, path.from, Role::Responder),
    ];
    let (mut places, mut says) = (Vec::new(), Text::default());
    let mut certain = true;
    let between = between_taps(case.model, sa);
    // Whose hash shows it.
    let mut shows = None;
    for (verdict, end, other, role) in ends {
        let address = end.address;
        match verdict {
            NatVerdict::FalseHash => {
                shows = shows.or(Some(role));
                certain = false;
                places.push(say!("UDP encapsulation forced by {address}", address));
                says.add(say!(
                    "The hash that {address} sends of itself does not fit, though its messages come to this tap \
                     as it sent them, with no router in between: most likely it forces UDP encapsulation by a \
                     false hash.",
                    address
                ));
            }
            NatVerdict::Translated => {
                shows = shows.or(Some(role));
                let inside = guess.then(|| case.model.behind_nat(sa, role)).flatten();
                places.push(say!("NAT between {address} and this tap", address));
                says.add(match inside {
                    Some(inside) => say!(
                        "The hash that {address} sends of itself is of {inside}: that address is translated \
                         before it comes to this tap.",
                        address,
                        inside
                    ),
                    None if is_translated_port(end, other) => say!(
                        "The hash that {address} sends of itself does not fit, and its messages come from port \
                         {port}: a NAT lies between it and this tap.",
                        address,
                        port = end.port.unwrap_or_default()
                    ),
                    None if fits_elsewhere(case.model, sa, role, between) == Some(true) => say!(
                        "The hash that {address} sends of itself does not fit: a NAT lies between it and this tap.",
                        address
                    ),
                    None => {
                        certain = false;
                        say!(
                            "The hash that {address} sends of itself does not fit: a NAT lies between it and this \
                             tap, or it forces UDP encapsulation by a false hash.",
                            address
                        )
                    }
                });
            }
            NatVerdict::TranslatedBeyond if between.is_some() => {
                shows = shows.or(Some(role.other()));
                places.push(say!("NAT in front of {address}, beyond this tap", address));
                says.add(say!(
                    "The hash that {address} sends of itself fits, the one that the other side sends of it does not: \
                     a NAT lies between this tap and the other side.",
                    address
                ));
            }
            NatVerdict::TranslatedBeyond => {
                certain = false;
                shows = shows.or(Some(role.other()));
                places.push(say!("NAT in front of {address}, beyond this tap", address));
                says.add(say!(
                    "The hash that {address} sends of itself fits, the one that the other side sends of it does not: \
                     a NAT lies between this tap and the other side, or that one forces UDP encapsulation by a \
                     false hash.",
                    address
                ));
            }
            NatVerdict::Forced => {
                shows = shows.or(Some(role));
                places.push(say!("UDP encapsulation forced by {address}", address));
                says.add(say!(
                    "The hash that {address} sends of itself is of that address and port 0: it forces UDP \
                     encapsulation, and no NAT translates its address before this tap.",
                    address
                ));
            }
            NatVerdict::Untranslated | NatVerdict::Unknown => {}
        }
    }
    let confidence = match certain {
        true => Confidence::Certain,
        false => Confidence::Likely,
    };
    let mut finding = Finding::new(
        &RULE,
        confidence,
        case.id,
        shows
            .and_then(|role| case.model.nat_hash(sa, role))
            .map_or(sa.seen.first, |(message, _)| (message.frame, message.time)),
        "the hashes of NAT detection do not fit the addresses",
    )
    .title(list(places))
    .says(says);
    if let Some((here, there)) = between {
        finding.says.add(say!(
            "The NAT lies between the two taps: the same message goes from {from} to {to} at {tap}, and from \
             {source} to {destination} at {other}.",
            from = here.path.from(),
            to = here.path.to(),
            tap = name(case.model, here.vantage),
            source = there.path.from(),
            destination = there.path.to(),
            other = name(case.model, there.vantage)
        ));
        finding = finding
            .also((here.frame, here.time), "a message at one tap")
            .also((there.frame, there.time), "the same message at the other");
    }
    vec![finding]
}

/// A message that has other addresses or ports at another tap.
fn between_taps<'m>(model: &'m Model, sa: &IkeSa) -> Option<(&'m Message, &'m Message)> {
    sa.exchanges
        .iter()
        .flat_map(|id| &model.exchanges[*id].flights)
        .find_map(|flight| {
            let here = &model.messages[flight.first()?];
            let there = flight
                .elsewhere
                .iter()
                .map(|id| &model.messages[*id])
                .find(|there| there.bytes == here.bytes)?;
            let ends = |message: &Message| (message.path.from(), message.path.to());
            (ends(here) != ends(there)).then_some((here, there))
        })
}

/// Whether the hash that a side sends of itself is of the address that it has at the other tap.
fn fits_elsewhere(
    model: &Model,
    sa: &IkeSa,
    role: Role,
    between: Option<(&Message, &Message)>,
) -> Option<bool> {
    let (here, there) = between?;
    let (message, hash) = model.nat_hash(sa, role)?;
    let end = match here.path.from().address == message.path.from().address {
        true => there.path.from(),
        false => there.path.to(),
    };
    nat_detection::fits(hash, message.header.spis, end)
}

/// IKE is sent from ports 500 and 4500 (RFC 7296 section 2), or from one that both sides were told to use; a
/// NAT alone gives it others.
fn is_translated_port(end: Endpoint, other: Endpoint) -> bool {
    let chosen = [Some(500), Some(4500), other.port];
    end.port.is_some() && !chosen.contains(&end.port)
}

#[cfg(test)]
mod tests {
    use crate::diagnose::Confidence;
    use crate::diagnose::testing::{fires, silent};

    /// The title of the finding, what it says, and how sure it is.
    fn told(from: &str, request: &str, response: &str) -> (String, String, Confidence) {
        let finding = fires(
            &format!(
                "0 {from} > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce NATD({request}) ttl=63
                 0.1 B:500 > {from} IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce NATD({response})"
            ),
            "nat-detected",
        );
        (
            finding.title.to_string(),
            finding.says.to_string(),
            finding.confidence,
        )
    }

    #[test]
    fn a_hash_of_a_usual_private_address_names_it() {
        for inside in ["10.0.0.5", "192.168.178.1", "172.31.0.2", "192.168.1.77"] {
            let (title, says, confidence) =
                told("A:500", &format!("{inside}:500 B:500"), "B:500 A:500");
            assert!(title.starts_with("NAT between "), "{title}");
            assert!(says.contains(&format!("is of {inside}:500: ")), "{says}");
            assert_eq!(confidence, Confidence::Certain);
        }
    }

    #[test]
    fn a_hash_of_any_other_address_may_be_false() {
        let (_, says, confidence) = told("A:500", "198.51.100.9:500 B:500", "B:500 A:500");
        assert!(says.contains("or it forces"), "{says}");
        assert_eq!(confidence, Confidence::Likely);
    }

    #[test]
    fn without_a_router_in_between_a_hash_that_does_not_fit_is_false() {
        let told = |request: &str| {
            let finding = fires(
                &format!(
                    "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce NATD({request} B:500)
                     0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce NATD ttl=63"
                ),
                "nat-detected",
            );
            (finding.title.to_string(), finding.confidence)
        };
        let (title, confidence) = told("198.51.100.9:500");
        assert!(title.starts_with("UDP encapsulation forced by "), "{title}");
        assert_eq!(confidence, Confidence::Likely);
        // A NAT of the gateway's own lowers nothing.
        let (title, confidence) = told("10.0.0.5:500");
        assert!(title.starts_with("NAT between "), "{title}");
        assert_eq!(confidence, Confidence::Certain);
    }

    #[test]
    fn a_port_that_both_use_was_chosen_by_them() {
        let init = "SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce NATD(198.51.100.9:500 B:14500)";
        let finding = fires(
            &format!(
                "0 A:14500 > B:14500 IKE_SA_INIT i=1 r=0 id=0 request {init} ttl=63
                 0.1 B:14500 > A:14500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce NATD"
            ),
            "nat-detected",
        );
        assert!(finding.says.to_string().contains("or it forces"));
    }

    #[test]
    fn another_port_is_a_nat() {
        let (_, says, confidence) = told("A:1024", "198.51.100.9:500 B:500", "B:500 A:1024");
        assert!(says.contains("come from port 1024"), "{says}");
        assert_eq!(confidence, Confidence::Certain);
    }

    #[test]
    fn a_hash_with_port_0_is_forced_encapsulation() {
        let (title, says, _) = told("A:500", "A:0 B:500", "B:500 A:500");
        assert!(title.starts_with("UDP encapsulation forced by "), "{title}");
        assert!(says.contains("no NAT"), "{says}");
    }

    #[test]
    fn a_nat_beyond_the_tap() {
        let (title, says, confidence) = told("A:500", "A:500 B:500", "B:500 N:1024");
        assert!(title.ends_with("beyond this tap"), "{title}");
        assert!(
            says.contains("between this tap and the other side"),
            "{says}"
        );
        assert_eq!(confidence, Confidence::Likely);
    }

    #[test]
    fn hashes_that_fit() {
        silent(
            "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce NATD
             0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce NATD",
            "nat-detected",
        );
    }

    #[test]
    fn of_two_taps_a_nat_is_between_those_that_see_other_ends() {
        let says = |there: &str, hashed: &str| {
            let init = format!("SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce NATD({hashed} B:500)");
            let answer = format!("SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce NATD(B:500 {there})");
            let text = format!(
                "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request {init}
                 0.01 {there} > B:500 IKE_SA_INIT i=1 r=0 id=0 request {init} tap=1 ttl=63
                 0.02 B:500 > {there} IKE_SA_INIT i=1 r=2 id=0 response {answer} tap=1
                 0.03 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response {answer} ttl=63"
            );
            fires(&text, "nat-detected").says.to_string()
        };
        let between = says("A:40500", "A:500");
        assert!(between.contains("between the two taps"), "{between}");
        let before = says("A:500", "10.0.0.5:500");
        assert!(!before.contains("between the two taps"), "{before}");
    }
}
