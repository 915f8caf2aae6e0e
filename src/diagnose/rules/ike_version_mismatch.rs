//! One side speaks IKEv1, the other IKEv2.

use crate::diagnose::facts::vendor_advice::{self, Topic};
use crate::diagnose::facts::{Asked, TOGETHER, clear, end_of, recovery, stranger};
use crate::diagnose::{Case, Confidence, Finding, Rule, Severity, Signs};
use crate::language::Text;
use crate::model::IkeSa;
use crate::registry::NotifyType;
use crate::say;

/// The rule.
pub static RULE: Rule = Rule {
    slug: "ike-version-mismatch",
    code: "IKE204",
    severity: Severity::Error,
    summary: "The peers speak different versions of IKE",
    document: DOCUMENT,
    explains: &[
        "ike-no-response",
        "ike-proposal-mismatch",
        "clear-text-leak",
        "ike-refused",
    ],
    needs: Signs::NOTICE.or(Signs::UNANSWERED),
    check,
};

const DOCUMENT: &str = "\
## What it means
One gateway is configured for IKEv1, the other for IKEv2.

## How it is seen
The first message is answered by INVALID_MAJOR_VERSION (5) in clear. Or each side starts in its own version, and neither is answered; or it is refused by NO_PROPOSAL_CHOSEN, though the one that refuses begins in the other version itself.

## What else looks like it
A responder that knows the version but has no connection for the peer may refuse in the same way. Who falls back to the other version and succeeds does what it should.

## What to do
1. Configure the same IKE version on both sides; IKEv2 where there is a choice.
";

fn check(case: &Case<'_>) -> Vec<Finding> {
    said(case)
        .or_else(|| refused(case))
        .or_else(|| crossed(case))
        .map(|finding| {
            let last = finding.last;
            recovery::tell_fallback(case, finding, last)
        })
        .into_iter()
        .collect()
}

/// The peer says so.
fn said(case: &Case<'_>) -> Option<Finding> {
    // The notification has the same number in both versions (RFC 2408: INVALID-MAJOR-VERSION).
    let mut notices = case
        .ike_sas()
        .flat_map(|sa| clear::refusals(sa, NotifyType::INVALID_MAJOR_VERSION));
    let notice = notices.next()?;
    let last = notices.map(|again| again.at.1).max();
    // Anyone on the path can forge it.
    let finding = Finding::new(
        &RULE,
        Confidence::Likely,
        case.id,
        notice.at,
        Text::verbatim("INVALID_MAJOR_VERSION"),
    )
    .during(notice.at.1, last.unwrap_or(notice.at.1))
    .or("Notifications in clear can be forged by anyone on the path.")
    .title(say!(
        "{peer} does not speak this version of IKE",
        peer = notice.from
    ))
    .says(say!(
        "{peer} answered INVALID_MAJOR_VERSION: it has no connection for this version of IKE.",
        peer = notice.from
    ))
    .advise("Configure the same IKE version on both sides.")
    .advise_all(vendor_advice::of(case, notice.from, Topic::IkeVersion));
    Some(stranger::tell(case, notice.from, finding))
}

/// A peer refuses one version as if it had no connection for it, and begins in the other itself, in vain.
fn refused(case: &Case<'_>) -> Option<Finding> {
    case.tunnel.ends.iter().find_map(|responder| {
        let (sa, notice) = *case.turned_down_by(*responder)?.attempts.first()?;
        let near = |other: &&IkeSa| {
            let (first, last) = (other.seen.first.1, other.seen.last.1);
            first.since(notice.at.1) <= TOGETHER && notice.at.1.since(last) <= TOGETHER
        };
        let sas = || case.ike_sas().filter(near);
        // One version that serves shows that the other is a leftover, or was tried first.
        if sas().any(|sa| sa.state.was_up()) {
            return None;
        }
        let version = sa.version.major();
        let begins = |sa: &IkeSa| sa.paths.first().is_some_and(|path| path.from.address == *responder);
        let mut own = sas().filter(|sa| begins(sa));
        let first = own.next()?;
        let always = first.version.major() != version && own.all(|sa| sa.version.major() != version);
        let initiator = sa.paths.first()?.from.address;
        let other = first.version.major();
        always.then(|| {
            Finding::new(
                &RULE,
                Confidence::Likely,
                case.id,
                notice.at,
                say!("{responder} refuses IKEv{version}", responder, version),
            )
            .also(
                first.seen.first,
                say!("{end} begins with IKEv{version}", end = responder, version = other),
            )
            .during(sa.seen.first.1, first.seen.last.1)
            .title(say!(
                "{initiator} speaks IKEv{version}, {responder} IKEv{other}",
                initiator,
                version,
                responder,
                other
            ))
            .says(say!(
                "{responder} refused IKEv{version} of {initiator} by NO_PROPOSAL_CHOSEN, as one does that has no \
                 connection for it, and itself begins with IKEv{other}, which does not succeed either.",
                responder,
                version,
                initiator,
                other
            ))
            .or("The algorithms differ as well.")
            .advise("Configure the same IKE version on both sides.")
            .advise_all(vendor_advice::of(case, *responder, Topic::IkeVersion))
        })
    })
}

/// Each side begins in its own version and is not answered.
fn crossed(case: &Case<'_>) -> Option<Finding> {
    let silent: Vec<Asked<'_>> = case
        .tunnel
        .ike_sas
        .iter()
        .filter_map(|id| {
            let first = case.model.ike_sas[*id].exchanges.first()?;
            Asked::of(case.model, &case.model.exchanges[*first])
        })
        .filter(|asked| asked.is_silent() && asked.message.header.spis.responder.is_zero())
        .collect();
    let version = |asked: &Asked<'_>| asked.message.header.version.major();
    let end = |asked: &Asked<'_>| end_of(case.tunnel, asked.from().address);
    // The latest attempt of each end in each version.
    let mut latest: Vec<&Asked<'_>> = Vec::new();
    let (one, other) = silent.iter().find_map(|asked| {
        let before = latest.iter().find(|before| {
            version(before) != version(asked)
                && end(before) != end(asked)
                && asked.first.1.since(before.last.1) <= TOGETHER
        });
        let pair = before.map(|before| (*before, asked));
        latest.retain(|before| version(before) != version(asked) || end(before) != end(asked));
        latest.push(asked);
        pair
    })?;
    Some(
        Finding::new(
            &RULE,
            Confidence::Likely,
            case.id,
            one.first,
            say!(
                "{end} begins with IKEv{version}",
                end = one.from(),
                version = version(one)
            ),
        )
        .also(
            other.first,
            say!(
                "{end} begins with IKEv{version}",
                end = other.from(),
                version = version(other)
            ),
        )
        .says(say!(
            "{one} begins with IKEv{version}, {two} with IKEv{other}, and neither is answered.",
            one = one.from(),
            version = version(one),
            two = other.from(),
            other = version(other)
        ))
        .or("Each direction is filtered.")
        .advise("Configure the same IKE version on both sides."),
    )
}

#[cfg(test)]
mod tests {
    use crate::diagnose::Severity;
    use crate::diagnose::testing::{fires, silent, verdict};

    #[test]
    fn what_was_no_message_of_ike_has_no_version() {
        silent(
            "0 B:500 > A:500 INFO_V1 i=0 r=0 N(5)",
            "ike-version-mismatch",
        );
    }

    #[test]
    fn a_refused_version_is_named() {
        verdict(
            "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce
             0.1 B:500 > A:500 IKE_SA_INIT i=1 r=0 id=0 response N(INVALID_MAJOR_VERSION)",
            "ike-version-mismatch",
        );
    }

    #[test]
    fn each_side_in_its_own_version_is_a_mismatch_and_not_mere_silence() {
        verdict(
            "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce again=4,11
             1 B:500 > A:500 MAIN i=9 r=0 SA(encr=7/256 hash=4 auth=1 group=14) again=4,11,24",
            "ike-version-mismatch",
        );
    }

    #[test]
    fn who_falls_back_to_the_other_version_is_well() {
        let finding = fires(
            "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce
             0.1 B:500 > A:500 IKE_SA_INIT i=1 r=0 id=0 response N(INVALID_MAJOR_VERSION)
             0.5 A:500 > B:500 MAIN i=5 r=0 SA(encr=7/256 hash=4 auth=1 group=14)
             0.6 B:500 > A:500 MAIN i=5 r=6 SA(encr=7/256 hash=4 auth=1 group=14)
             0.7 A:500 > B:500 MAIN i=5 r=6 KE Nonce
             0.8 B:500 > A:500 MAIN i=5 r=6 KE Nonce
             0.9 A:500 > B:500 MAIN i=5 r=6 sealed 92
             1.0 B:500 > A:500 MAIN i=5 r=6 sealed 92 seed=1
             1.1 A:500 > B:500 QUICK i=5 r=6 id=8 sealed 188
             1.2 B:500 > A:500 QUICK i=5 r=6 id=8 sealed 188 seed=1",
            "ike-version-mismatch",
        );
        assert_eq!(finding.severity, Severity::Info);
    }

    #[test]
    fn attempts_that_lie_far_apart_are_no_pair() {
        silent(
            "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce again=4,11
             4000 B:500 > A:500 MAIN i=9 r=0 SA(encr=7/256 hash=4 auth=1 group=14) again=4004,4011",
            "ike-version-mismatch",
        );
    }

    #[test]
    fn one_version_refused_by_a_peer_that_begins_in_the_other() {
        let v2 = "
            0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce
            0.1 B:500 > A:500 IKE_SA_INIT i=1 r=0 id=0 response N(NO_PROPOSAL_CHOSEN)";
        let main = "
            1 B:500 > A:500 MAIN i=9 r=0 SA(encr=7/256 hash=4 auth=1 group=14)
            1.1 A:500 > B:500 INFO_V1 i=9 r=7 id=5 N(14)";
        verdict(&format!("{v2}{main}"), "ike-version-mismatch");
        // In the same version; the other side begins so itself, too.
        let own = "
            1 B:500 > A:500 IKE_SA_INIT i=9 r=0 id=0 request SA(ENCR_AES_CBC-128 DH14) KE(14) Nonce
            1.1 A:500 > B:500 IKE_SA_INIT i=9 r=0 id=0 response N(NO_PROPOSAL_CHOSEN)";
        silent(&format!("{v2}{own}"), "ike-version-mismatch");
        silent(v2, "ike-version-mismatch");
        // A version that serves meanwhile is the one; what served hours later is another configuration.
        let serves = |at: u32| {
            format!(
                "
                {at} A:500 > B:500 IKE_SA_INIT i=3 r=0 id=0 request SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
                {at}.1 B:500 > A:500 IKE_SA_INIT i=3 r=4 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce
                {at}.2 A:500 > B:500 IKE_AUTH i=3 r=4 id=1 request sealed 256
                {at}.3 B:500 > A:500 IKE_AUTH i=3 r=4 id=1 response sealed 240"
            )
        };
        silent(&format!("{v2}{main}{}", serves(20)), "ike-version-mismatch");
        fires(
            &format!("{v2}{main}{}", serves(7200)),
            "ike-version-mismatch",
        );
    }

    #[test]
    fn silence_in_one_version_is_just_silence() {
        silent(
            "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(ENCR_AES_CBC-256 DH14) KE(14) Nonce again=4,11,24",
            "ike-version-mismatch",
        );
    }
}
