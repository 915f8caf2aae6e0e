//! What a BGP NOTIFICATION says, and what to do about it.

use crate::language::Text;
use crate::say;
use std::net::IpAddr;

/// Hold Timer Expired (RFC 4271 section 6.5).
pub(super) const HOLD_TIMER_EXPIRED: u8 = 4;

/// Cease (RFC 4486).
const CEASE: u8 = 6;

/// Of Cease: BFD lost the neighbour (RFC 9384).
const BFD_DOWN: u8 = 10;

/// Whether a NOTIFICATION is no fault: of two connections that collide one is closed
/// (RFC 4271 section 6.8).
pub(super) fn is_normal(why: Option<(u8, u8)>) -> bool {
    why == Some((CEASE, 7))
}

/// Whether a router was told to end the session: Cease, but for what BFD saw.
pub(super) fn is_stopped(why: Option<(u8, u8)>) -> bool {
    why.is_some_and(|(code, subcode)| code == CEASE && subcode != BFD_DOWN)
}

/// The error by its names (RFC 4271 section 4.5, RFC 4486, RFC 5492 section 5, RFC 8538, RFC 9234,
/// RFC 9384).
pub(super) fn name(why: Option<(u8, u8)>) -> Text {
    let Some((code, subcode)) = why else {
        return "no reason that was recorded".into();
    };
    let error = match code {
        1 => "Message Header Error",
        2 => "OPEN Message Error",
        3 => "UPDATE Message Error",
        HOLD_TIMER_EXPIRED => "Hold Timer Expired",
        5 => "Finite State Machine Error",
        CEASE => "Cease",
        7 => "ROUTE-REFRESH Message Error",
        _ => return say!("unknown error ({code}/{subcode})", code, subcode),
    };
    let detail = match (code, subcode) {
        (1, 1) => "Connection Not Synchronized",
        (1, 2) => "Bad Message Length",
        (1, 3) => "Bad Message Type",
        (2, 1) => "Unsupported Version Number",
        (2, 2) => "Bad Peer AS",
        (2, 3) => "Bad BGP Identifier",
        (2, 4) => "Unsupported Optional Parameter",
        (2, 6) => "Unacceptable Hold Time",
        (2, 7) => "Unsupported Capability",
        (2, 11) => "Role Mismatch",
        (3, 1) => "Malformed Attribute List",
        (3, 3) => "Missing Well-known Attribute",
        (3, 8) => "Invalid NEXT_HOP Attribute",
        (3, 11) => "Malformed AS_PATH",
        (CEASE, 1) => "Maximum Number of Prefixes Reached",
        (CEASE, 2) => "Administrative Shutdown",
        (CEASE, 3) => "Peer De-configured",
        (CEASE, 4) => "Administrative Reset",
        (CEASE, 5) => "Connection Rejected",
        (CEASE, 6) => "Other Configuration Change",
        (CEASE, 8) => "Out of Resources",
        (CEASE, 9) => "Hard Reset",
        (CEASE, BFD_DOWN) => "BFD Down",
        _ => return Text::verbatim(format_args!("{error} ({code}/{subcode})")),
    };
    Text::verbatim(format_args!("{error}, {detail} ({code}/{subcode})"))
}

/// What to do where one router closed the session with the other, which says that it is of this AS.
pub(super) fn advice(why: Option<(u8, u8)>, from: IpAddr, to: IpAddr, number: Option<u32>) -> Text {
    match why {
        Some((2, 2)) if number.is_some() => say!(
            "On {from}, set the AS number of its neighbour {to} to {number}; or give {to} the one that {from} expects.",
            from,
            to,
            number
        ),
        Some((2, 2)) => say!(
            "Set the AS number that {from} expects of its neighbour {to} to the one {to} has.",
            from,
            to
        ),
        Some((2, 3)) => "Give each router a BGP identifier of its own.".into(),
        Some((2, 6)) => "Set hold times that both routers accept.".into(),
        Some((HOLD_TIMER_EXPIRED, _)) => say!(
            "{from} heard no keepalive of {to} in time: look for loss in the tunnel, and for packets larger than it \
             carries.",
            from,
            to
        ),
        Some((CEASE, 1)) => {
            say!(
                "{to} sends more prefixes than {from} allows: raise the limit or send fewer.",
                to,
                from
            )
        }
        Some((2, 11)) => say!(
            "Give {from} and {to} BGP roles that fit each other (RFC 9234).",
            from,
            to
        ),
        Some((CEASE, BFD_DOWN)) => say!(
            "BFD of {from} lost {to}: look for loss in the tunnel at that time.",
            from,
            to
        ),
        Some((CEASE, _)) => say!("Look on {from} for who closed the session, and why.", from),
        _ => say!("Look at the logs of {from} for that error.", from),
    }
}
