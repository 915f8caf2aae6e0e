//! No inner address is assigned.

use crate::diagnose::facts::taken_back::TakenBack;
use crate::diagnose::facts::{child, end_of, tap};
use crate::diagnose::{Case, Cite, Confidence, Finding, Rule, Severity, Signs};
use crate::model::{IkeSa, IkeSaId, Message, Model};
use crate::registry::{
    ConfigurationAttributeType, ConfigurationType, ExchangeType, NotifyType, NotifyV1,
};
use crate::say;
use crate::wire::ikev2::{Configuration, ConfigurationAttribute};
use crate::wire::{self, Body, ikev1};
use std::net::IpAddr;

/// The rule.
pub static RULE: Rule = Rule {
    slug: "address-assignment-failed",
    code: "IKE213",
    severity: Severity::Error,
    summary: "No inner address is assigned",
    document: DOCUMENT,
    explains: &[
        "child-setup-failed",
        "ts-unacceptable",
        "auth-failed",
        "tunnel-flapping",
        "tunnel-deleted",
        "clear-text-leak",
    ],
    needs: Signs::OPENED,
    check,
};

const DOCUMENT: &str = "\
## What it means
A client asks the gateway for an address inside the tunnel, and gets none; or the gateway wants it to ask, and it does not. Without the address there is no child SA.

## How it is seen
With the keys of the IKE SA. IKE_AUTH is answered by INTERNAL_ADDRESS_FAILURE (the gateway has no address to give) or by FAILED_CP_REQUIRED (it gives addresses only, and was not asked for one). IKEv1: the client asks for an address in mode config, the reply gives none, and the quick mode that follows is refused by INVALID-ID-INFORMATION, or what it makes is deleted at once, or none follows.

## What else looks like it
Without keys the refusal has the size of any other. A gateway that gets its addresses from another server (RADIUS, DHCP) says the same when that does not answer.

## What to do
1. INTERNAL_ADDRESS_FAILURE: look whether the address pool of the gateway is used up, and whether it serves the family (IPv4, IPv6) that was asked for.
2. FAILED_CP_REQUIRED: let the client ask for a virtual address, or use a connection of the gateway that wants none.
";

fn check(case: &Case<'_>) -> Vec<Finding> {
    let mut refusals = case.lasting().to_vec();
    let (empty, unasked) = (
        NotifyType::INTERNAL_ADDRESS_FAILURE,
        NotifyType::FAILED_CP_REQUIRED,
    );
    refusals.retain(|one| !one.v1 && (one.answer.reports(empty) || one.answer.reports(unasked)));
    let Some(first) = refusals.first() else {
        return in_mode_config(case).into_iter().collect();
    };
    let (from, to) = (first.answer.from, first.asker());
    let what = first.what();
    let is_empty = first.answer.reports(empty);
    let name = child::reason(if is_empty { empty.0 } else { unasked.0 }, false);
    let times = child::times(refusals.len());
    let (says, advice) = match is_empty {
        true => (
            say!(
                "{from} answered {what} of {to} by {name} ({times}): it has no address to give.",
                from,
                what,
                to,
                name,
                times
            ),
            say!(
                "Look whether the address pool on {from} is used up, and whether it serves the family (IPv4, IPv6) \
                 that {to} asks for.",
                from,
                to
            ),
        ),
        false => (
            say!(
                "{from} answered {what} of {to} by {name} ({times}): it serves only those who ask for an \
                 address, and this one did not.",
                from,
                what,
                to,
                name,
                times
            ),
            say!(
                "Let {to} ask for a virtual address, or use a connection of {from} that wants none.",
                to,
                from
            ),
        ),
    };
    child::finding(&RULE, Confidence::Certain, case, &refusals)
        .map(|finding| {
            let finding = finding
                .title(say!("{from} assigns no inner address to {to}", from, to))
                .says(says)
                .advise(advice);
            match is_empty {
                true => finding
                    .or("The server that gives the addresses (RADIUS, DHCP) does not answer."),
                false => finding,
            }
        })
        .into_iter()
        .collect()
}

/// IKEv1: a reply of mode config that gives no address, though one was asked for, and what came of it.
fn in_mode_config(case: &Case<'_>) -> Option<Finding> {
    let mut without = case.tunnel.ike_sas.iter().filter_map(|id| {
        let sa = &case.model.ike_sas[*id];
        (sa.version.major() == 1).then(|| Without::of(case.model, sa).map(|one| (*id, one)))?
    });
    without.find_map(|(id, one)| told(case, id, &one))
}

fn told(case: &Case<'_>, id: IkeSaId, one: &Without<'_>) -> Option<Finding> {
    let (from, to) = (one.from, one.to);
    let mut refusals = case.lasting().to_vec();
    refusals.retain(|refusal| {
        refusal.v1
            && refusal.attempt.ike_sa == id
            && refusal.asker() == to
            && refusal.reason == NotifyV1::INVALID_ID_INFORMATION.0
            && refusal.at().1 > one.at.1
    });
    let finding = match child::finding(&RULE, Confidence::Likely, case, &refusals) {
        Some(finding) => finding
            .also(one.at, "the reply of mode config, without an address")
            .says(say!(
                "{to} asked for an address in mode config, and the reply of {from} gave none. What it then asked for \
                 under an address of its own {from} refused by INVALID-ID-INFORMATION ({times}).",
                to,
                from,
                times = child::times(refusals.len())
            ))
            .or(say!("{from} knows the address of {to}, and refuses other selectors.", from, to)),
        // Nobody asks for a child SA, or none lasts, and none is in use.
        None => {
            let later = |time| time > one.at.1;
            let asked = case.exchanges().filter(|exchange| {
                exchange.kind == ExchangeType::QUICK_MODE
                    && exchange.flights.iter().any(|flight| {
                        let began = crate::diagnose::facts::began(case.model, flight);
                        began.is_some_and(|(_, time)| later(time))
                    })
            });
            let asked = asked.count();
            let mut taken = TakenBack::under(case, id);
            let end = |of| end_of(case.tunnel, of);
            taken.retain(|taken| {
                end(taken.by) == end(from) && taken.read && later(taken.deleted.1)
            });
            let used = case.flows().any(|flow| later(flow.seen.last.1));
            let vantage = one.message.vantage;
            let waited = || tap::went_on(case.model, vantage, one.at.1, tap::Tap::PATIENCE);
            if used || asked != taken.len() || asked == 0 && !waited() {
                return None;
            }
            let without = Finding::new(
                &RULE,
                Confidence::Likely,
                case.id,
                one.at,
                "the reply of mode config, without an address",
            );
            let deletes = taken.iter().fold(without, |finding, one| {
                finding.also(one.deleted, say!("{from} deletes the child SA", from))
            });
            deletes.says(match asked {
                0 => say!(
                    "{to} asked for an address in mode config, and the reply of {from} gave none. No quick mode \
                     followed.",
                    to,
                    from
                ),
                _ => say!(
                    "{to} asked for an address in mode config, and the reply of {from} gave none. What it then asked \
                     for under an address of its own {from} granted, and deleted at once ({times}).",
                    to,
                    from,
                    times = child::times(asked)
                ),
            })
        }
    };
    Some(
        finding
            .title(say!("{from} assigns no inner address to {to}", from, to))
            .or("The server that gives the addresses (RADIUS, DHCP) does not answer.")
            .advise(say!(
                "Look whether the address pool on {from} is used up, and whether it serves the family (IPv4, IPv6) \
                 that {to} asks for.",
                from,
                to
            )),
    )
}

/// A reply of mode config (draft-dukes-ike-mode-cfg section 3.2) that gives no address to who asked for one.
struct Without<'m> {
    message: &'m Message,
    at: Cite,
    from: IpAddr,
    to: IpAddr,
}

impl<'m> Without<'m> {
    /// The last under an IKE SA, if none gave one.
    fn of(model: &'m Model, sa: &IkeSa) -> Option<Self> {
        let exchanges = sa.exchanges.iter().map(|id| &model.exchanges[*id]);
        let configures = exchanges.filter(|exchange| exchange.kind == ExchangeType::TRANSACTION);
        let mut without = None;
        for exchange in configures {
            let mut asks = false;
            for flight in &exchange.flights {
                // What was not read may give one.
                let (message, read) = model.opened(flight)?;
                for configuration in configurations(&read) {
                    let mut addresses = configuration.attributes.iter().filter(is_address);
                    match configuration.cfg_type {
                        ConfigurationType::CFG_REQUEST => asks |= addresses.next().is_some(),
                        _ if addresses.any(gives) => return None,
                        ConfigurationType::CFG_REPLY if asks => {
                            let path = &message.path;
                            without = Some(Self {
                                message,
                                at: (message.frame, message.time),
                                from: path.from().address,
                                to: path.to().address,
                            });
                        }
                        _ => {}
                    }
                }
            }
        }
        without
    }
}

fn configurations<'r, 'm>(
    read: &'r wire::Message<'m>,
) -> impl Iterator<Item = &'r Configuration<'m>> {
    read.payloads
        .iter()
        .filter_map(|payload| match &payload.body {
            Body::V1(ikev1::Body::Attributes(attributes)) => Some(attributes),
            _ => None,
        })
}

fn is_address(attribute: &&ConfigurationAttribute<'_>) -> bool {
    [
        ConfigurationAttributeType::INTERNAL_IP4_ADDRESS,
        ConfigurationAttributeType::INTERNAL_IP6_ADDRESS,
    ]
    .contains(&attribute.kind)
}

fn gives(attribute: &ConfigurationAttribute<'_>) -> bool {
    attribute.value.iter().any(|octet| *octet != 0)
}

#[cfg(test)]
mod tests {
    use crate::diagnose::Severity;
    use crate::diagnose::testing::{findings, silent, verdict};

    #[test]
    fn an_empty_pool() {
        verdict(EMPTY, "address-assignment-failed");
    }

    #[test]
    fn what_is_asked_for_without_an_address_is_refused_for_that() {
        let found = findings(&format!(
            "{EMPTY}
             2 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=2 request by=initiator sealed 208 opened SA(ESP 0xa2 ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128) Nonce TSi(0.0.0.0/0) TSr(10.2.0.0/16)
             2.1 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=2 response by=responder sealed 80 opened N(TS_UNACCEPTABLE)"
        ));
        let grave = found.iter().filter(|one| one.severity > Severity::Info);
        let grave: Vec<_> = grave.map(|one| one.rule.slug).collect();
        assert_eq!(grave, ["address-assignment-failed"]);
    }

    const EMPTY: &str =
            "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
             0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
             0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 256 opened IDi(a) AUTH(2) CP(1) SA(ESP 0xa1 ENCR_AES_CBC-256 AUTH_HMAC_SHA2_256_128) TSi(0.0.0.0/0) TSr(10.2.0.0/16)
             0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 128 opened IDr(b) AUTH(2) N(INTERNAL_ADDRESS_FAILURE)";

    /// IKEv1: an address is asked for and not given, and a quick mode follows that is done.
    fn without(after: &str) -> String {
        format!(
            "0   A:500 > B:500 MAIN i=1 r=0 SA(encr=7/256 hash=4 auth=1 group=14)
             0.1 B:500 > A:500 MAIN i=1 r=2 SA(encr=7/256 hash=4 auth=1 group=14)
             0.2 A:500 > B:500 MAIN i=1 r=2 KE Nonce
             0.3 B:500 > A:500 MAIN i=1 r=2 KE Nonce
             0.4 A:500 > B:500 MAIN i=1 r=2 sealed 108 opened ID HASH
             0.5 B:500 > A:500 MAIN i=1 r=2 sealed 92 opened ID HASH
             0.6 A:500 > B:500 TRANSACTION i=1 r=2 id=0x55 sealed 76 opened HASH CP(1 00010000)
             0.7 B:500 > A:500 TRANSACTION i=1 r=2 id=0x55 sealed 76 seed=1 opened HASH CP(2)
             0.80 A:500 > B:500 QUICK i=1 r=2 id=0x77 sealed 188 opened HASH SA(ESP 0xa1 encr=12/256 auth=5) Nonce ID(192.0.2.1/32) ID(10.2.0.0/16)
             0.81 B:500 > A:500 QUICK i=1 r=2 id=0x77 sealed 188 seed=1 opened HASH SA(ESP 0xb1 encr=12/256 auth=5) Nonce ID(192.0.2.1/32) ID(10.2.0.0/16)
             0.82 A:500 > B:500 QUICK i=1 r=2 id=0x77 sealed 60 opened HASH
             {after}
             40 C > B ESP 0xc1"
        )
    }

    #[test]
    fn what_is_granted_without_an_address_is_taken_back() {
        let taken =
            without("0.83 B:500 > A:500 INFO_V1 i=1 r=2 id=0x99 sealed 76 opened HASH D(ESP 0xb1)");
        verdict(&taken, "address-assignment-failed");
        silent(&without(""), "address-assignment-failed");
        // Later it may be closed for any reason.
        let late =
            without("9 B:500 > A:500 INFO_V1 i=1 r=2 id=0x99 sealed 76 opened HASH D(ESP 0xb1)");
        silent(&late, "address-assignment-failed");
    }
}
