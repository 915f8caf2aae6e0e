//! The first child SA works, every rekeying with a key exchange of its own is refused.

use super::rekey_failed;
use crate::diagnose::facts::rekey;
use crate::diagnose::{Confidence, Finding, Rule, Severity};
use crate::model::{Model, TunnelId};

/// The rule.
pub static RULE: Rule = Rule {
    slug: "pfs-mismatch",
    code: "IKE209",
    severity: Severity::Error,
    summary: "The PFS groups differ: rekeying is refused",
    document: DOCUMENT,
    explains: &[
        "rekey-failed",
        "tunnel-flapping",
        "tunnel-deleted",
        "clear-text-leak",
        "esp-one-way",
        "unknown-spi",
    ],
    check,
};

const DOCUMENT: &str = "\
## What it means
The first child SA of IKEv2 is made in IKE_AUTH, which has no key exchange of its own, so a different PFS group on the two sides stays hidden. The first rekeying brings it out: it is refused again and again, until the old SA reaches its lifetime and the tunnel breaks. A new IKE SA makes it work for one lifetime more.

## How it is seen
ESP flows. CREATE_CHILD_SA requests that are large enough to carry a public value are answered by a single notification, and none succeeds. Then the traffic stops, or a new IKE_SA_INIT comes.

## What else looks like it
Another difference in the ESP proposal that only the rekeying shows, or an IKE SA whose rekeying is refused: it always carries a public value. One refusal followed by success is normal (another group, or a collision).

## What to do
1. Configure the same PFS group for ESP on both sides, or none on both.
2. Compare the lists of ESP proposals of both sides.
";

fn check(model: &Model, tunnel: TunnelId) -> Vec<Finding> {
    let refused = rekey::refused(model, tunnel, true);
    let Some(room) = refused
        .first()
        .and_then(rekey::Refused::room_for_public_value)
    else {
        return Vec::new();
    };
    let Some(aftermath) = rekey_failed::aftermath(model, tunnel, &refused) else {
        return Vec::new();
    };
    let confidence = if refused.len() > 1 {
        Confidence::Likely
    } else {
        Confidence::Possible
    };
    rekey_failed::finding(&RULE, confidence, tunnel, &refused, model)
        .map(|finding| {
            finding
                .says(format!(
                    "The tunnel carried traffic, but {} CREATE_CHILD_SA request{} {} refused by a single \
                     notification and none succeeded; {aftermath}. The requests are {room} octets larger \
                     than one without a public value: they ask for PFS.",
                    refused.len(),
                    if refused.len() == 1 { "" } else { "s" },
                    if refused.len() == 1 { "was" } else { "were" },
                ))
                .or("Another part of the ESP proposal differs.")
                .or("It is the IKE SA whose rekeying is refused.")
                .advise("Configure the same PFS group for ESP on both sides, or none on both.")
        })
        .into_iter()
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::diagnose::testing::{silent, verdict};

    const UP: &str = "
        0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
        0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
        0.2 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 256
        0.3 B:500 > A:500 IKE_AUTH i=1 r=2 id=1 response sealed 240
        1 A > B ESP 0xb1 seq 1..40 every 0.5 size 136
        1.1 B > A ESP 0xa1 seq 1..40 every 0.5 size 136";

    #[test]
    fn every_rekeying_with_a_public_value_is_refused() {
        verdict(
            &format!(
                "{UP}
                 10 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=2 request sealed 496
                 10.1 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=2 response sealed 80
                 15 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=3 request sealed 496 seed=1
                 15.1 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=3 response sealed 80"
            ),
            "pfs-mismatch",
        );
    }

    #[test]
    fn a_refusal_that_is_mended_at_once_is_normal() {
        silent(
            &format!(
                "{UP}
                 10 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=2 request sealed 496
                 10.1 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=2 response sealed 80
                 10.2 A:500 > B:500 CREATE_CHILD_SA i=1 r=2 id=3 request sealed 336
                 10.3 B:500 > A:500 CREATE_CHILD_SA i=1 r=2 id=3 response sealed 320"
            ),
            "pfs-mismatch",
        );
    }
}
