//! There is a NAT between the gateways, and where.

use crate::diagnose::{Confidence, Finding, Rule, Severity};
use crate::model::{Model, Nat, NatVerdict, TunnelId};
use std::net::IpAddr;

/// The rule.
pub static RULE: Rule = Rule {
    slug: "nat-detected",
    code: "INF503",
    severity: Severity::Info,
    summary: "There is a NAT between the gateways",
    document: DOCUMENT,
    explains: &[],
    check,
};

const DOCUMENT: &str = "\
## What it means
An address or port is translated on the way. IKE moves to UDP 4500 and ESP travels in UDP. It is normal, but the mapping must be kept alive, and only the translated side can begin.

## How it is seen
Each side sends hashes of the addresses it sees (RFC 7296 section 2.23). They are compared with the addresses in this capture: a hash that does not fit was made before a translation.

## What else looks like it
Some gateways send a random hash to force UDP encapsulation. That looks like a NAT in front of them.

## What to do
1. See that keepalives come more often than the NAT forgets (20 s is usual).
";

fn check(model: &Model, tunnel: TunnelId) -> Vec<Finding> {
    let found = model.tunnels[tunnel].ike_sas.iter().find_map(|id| {
        let sa = &model.ike_sas[*id];
        let nat = sa.nat.filter(is_there)?;
        Some((sa, nat, sa.paths.first()?))
    });
    let Some((sa, nat, path)) = found else {
        return Vec::new();
    };
    let said: Vec<String> = [
        (nat.initiator, path.from.address),
        (nat.responder, path.to.address),
    ]
    .into_iter()
    .filter_map(|(verdict, address)| place(verdict, address))
    .collect();
    vec![
        Finding::new(
            &RULE,
            Confidence::Certain,
            tunnel,
            sa.seen.first,
            "the hashes of NAT detection do not fit the addresses",
        )
        .title(format!("NAT {}", said.join(" and ")))
        .says(format!(
            "By the hashes of NAT detection there is a NAT {}; or that side forces UDP encapsulation by a false \
             hash.",
            said.join(" and ")
        )),
    ]
}

fn is_there(nat: &Nat) -> bool {
    [nat.initiator, nat.responder].into_iter().any(|verdict| {
        matches!(
            verdict,
            NatVerdict::Translated | NatVerdict::TranslatedBeyond
        )
    })
}

fn place(verdict: NatVerdict, address: IpAddr) -> Option<String> {
    match verdict {
        NatVerdict::Translated => Some(format!("between {address} and this tap")),
        NatVerdict::TranslatedBeyond => Some(format!("in front of {address}, beyond this tap")),
        NatVerdict::Untranslated | NatVerdict::Unknown => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::diagnose::testing::{fires, silent};

    #[test]
    fn a_hash_of_another_address() {
        fires(
            "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce NATD(10.0.0.5:500 B:500)
             0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce NATD",
            "nat-detected",
        );
    }

    #[test]
    fn hashes_that_fit() {
        silent(
            "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce NATD
             0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce NATD",
            "nat-detected",
        );
    }
}
