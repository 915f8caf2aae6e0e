//! What could not be read of TCP streams, in words.

use crate::language::{Text, count};
use crate::model::Blind;
use crate::net::stream::Unread;
use crate::say;

/// What could not be read of TCP streams, in words.
pub(super) fn unread(unread: &Unread) -> Vec<Blind> {
    let mut told = Vec::new();
    let mut add = |number: u64, what: Text, why: &'static str| {
        if number > 0 {
            told.push(Blind {
                what,
                why: why.into(),
            });
        }
    };
    let Unread {
        octets,
        connections,
        let_go,
        tls,
        tls_beyond,
    } = unread;
    add(
        *octets,
        say!(
            "{octets} of IKE and ESP in {connections}",
            octets = count(*octets, "octet"),
            connections = count(*connections, "TCP connection")
        ),
        "the capture lacks segments or ends of them, or begins within them",
    );
    add(
        *let_go,
        match let_go {
            1 => "IKE and ESP in TCP, where 1 connection was let go of while in use".into(),
            n => say!(
                "IKE and ESP in TCP, where {n} connections were let go of while in use",
                n
            ),
        },
        "too many connections were under way at one time",
    );
    for (from, to) in tls {
        add(
            1,
            say!("IKE and ESP inside TLS from {from} to {to}", from, to),
            "what TLS protects cannot be read",
        );
    }
    add(
        *tls_beyond,
        say!(
            "IKE and ESP inside TLS in {connections}",
            connections = count(*tls_beyond, "further connection")
        ),
        "what TLS protects cannot be read",
    );
    told
}
