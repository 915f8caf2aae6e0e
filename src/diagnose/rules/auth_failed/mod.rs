//! The authentication is refused.

mod means;
mod message_2;
mod message_5;
mod notice;
mod ppk;
mod reading;
mod size;
#[cfg(test)]
mod tests;
mod turned_away;
mod unused;
mod xauth;

use crate::diagnose::facts::recovery;
use crate::diagnose::rule::{Way, first_of};
use crate::diagnose::{Case, Finding, Rule, Severity, Signs};
use message_2::ignored_message_2;
use message_5::instead_of_message_6;
pub(super) use message_5::{
    called_malformed, copies_of_message_5, keys_prove, refusal_is_unread, refused_message_5,
};
use notice::{ignored, in_clear};
use ppk::without_ppk;
use reading::by_reading;
use size::by_size;
use turned_away::turned_away;
use unused::unused;
use xauth::after_xauth;

/// The rule.
pub static RULE: Rule = Rule {
    slug: "auth-failed",
    code: "IKE206",
    severity: Severity::Error,
    summary: "The authentication is refused",
    document: DOCUMENT,
    explains: &[
        "tunnel-flapping",
        "ike-no-response",
        "clear-text-leak",
        "tunnel-deleted",
    ],
    needs: Signs::NONE,
    check,
};

const DOCUMENT: &str = "\
## What it means
The peers agree on algorithms, then one does not believe the other: pre-shared key, identity, certificate or password is not what it expects. The notification is encrypted, so without keys only its size is seen, and even with keys it does not say which of these it was.

## How it is seen
IKEv2: the IKE_AUTH response is as small as a single notification, far too small for an identity and a proof. IKEv1: message 5 of main mode is answered by an informational message instead of message 6. Or the initiator answers the last message of authentication, in aggressive mode message 2, by an informational one and never uses the IKE SA: it is the initiator that refuses, or EAP failed. Sometimes AUTHENTICATION_FAILED comes in clear. After several rounds, as EAP has them, it is the name or the password of a user. In IKEv1 an initiator of aggressive mode that begins again and again and never answers message 2, or whose port is closed when message 2 comes again, does not believe the responder; and where phase 1 ends well, XAUTH or Mode Config follows and, again and again, a new phase 1 instead of quick mode, a user does not pass. An initiator of IKEv2 that asks for a post-quantum preshared key, is answered without, and does not go on, requires one. An initiator that says nothing more after the last IKE_AUTH response, or after message 6 of main mode, and begins anew, at least three times in a row and 3 to 180 seconds apart, may not accept the responder, and does not say so: told as possible, as is a responder that closes each IKE SA at once, if no IKE SA after them lives or carries ESP. With keys the refusal is read, and so is what the proof rests on: a certificate that does not bear the identity, or whose issuer's is not sent with it, is told; without them the method that was agreed (IKEv1) or the size of the request (IKEv2) may tell.

## What else looks like it
Other notifications are as small: a responder that has no connection for the identity, that lacks an address to give, or that fails inside. One that comes in clear may be forged or belong to an IKE SA of before (RFC 7296 section 2.21); where the negotiation goes on all the same, nothing is wrong. A monitor that only tests whether IKE comes up leaves each IKE SA, too, and a capture filter may leave out the ESP that passes. A refusal that an IKE SA follows, as after a password that was mistyped, is a warning.

## What to do
1. Read the log of the side that refuses: it alone knows the reason.
2. Compare pre-shared keys, identities (type and value), certificates, their validity and authority.
";

/// The ways to see that authentication failed, the surest first.
const WAYS: [Way; 9] = [
    (Signs::NOTICE, in_clear),
    (Signs::OPENED, by_reading),
    (Signs::NONE, by_size),
    (Signs::V1, instead_of_message_6),
    (Signs::INFORMATIONAL, turned_away),
    (Signs::V1, ignored_message_2),
    (Signs::V1, after_xauth),
    (Signs::NONE, without_ppk),
    (Signs::SEVERAL, unused),
];

fn check(case: &Case<'_>) -> Vec<Finding> {
    let refused = first_of(&WAYS, case).map(|finding| recovery::tell(case, finding));
    refused.or_else(|| ignored(case)).into_iter().collect()
}
