//! NAT detection: the hash of an address and a port, the same in both versions (RFC 3947 section
//! 3.2, RFC 7296 section 2.23).

use crate::units::{Endpoint, IkeSpis};
use sha1::{Digest, Sha1};
use std::net::IpAddr;

/// SHA-1(SPIi | SPIr | address | port), as a message with these SPIs carries it for `end`; `None`
/// without a port.
///
/// IKEv1 makes the hash with the algorithm that phase 1 negotiates, and this is only that of SHA-1.
pub fn sha1(spis: IkeSpis, end: Endpoint) -> Option<[u8; 20]> {
    let port = end.port?;
    let mut sha1 = Sha1::new();
    sha1.update(spis.initiator.0.to_be_bytes());
    sha1.update(spis.responder.0.to_be_bytes());
    match end.address {
        IpAddr::V4(address) => sha1.update(address.octets()),
        IpAddr::V6(address) => sha1.update(address.octets()),
    }
    sha1.update(port.to_be_bytes());
    Some(sha1.finalize().into())
}

/// What a hash fits.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Match {
    /// The sender's address and port, as they are seen here.
    Source,
    /// The receiver's.
    Destination,
    /// Neither: an address was translated, or the hash was faked.
    Neither,
}

/// What a hash in a message from one end to another fits; `None` if it is no SHA-1, or a port is
/// not known.
pub fn matches(hash: &[u8], spis: IkeSpis, from: Endpoint, to: Endpoint) -> Option<Match> {
    let hash: &[u8; 20] = hash.try_into().ok()?;
    Some(match (sha1(spis, from)?, sha1(spis, to)?) {
        (source, _) if source == *hash => Match::Source,
        (_, destination) if destination == *hash => Match::Destination,
        _ => Match::Neither,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::IkeSpi;

    #[test]
    fn a_hash_tells_the_address_it_was_made_of() {
        let end = |address: &str, port| Endpoint {
            address: address.parse().unwrap(),
            port,
        };
        let spis = IkeSpis {
            initiator: IkeSpi(0x0102_0304_0506_0708),
            responder: IkeSpi(0),
        };
        let from = end("192.0.2.1", Some(500));
        let to = end("2001:db8::2", Some(4500));
        let fits = |hash: &[u8]| matches(hash, spis, from, to);
        let made = |end| sha1(spis, end).unwrap();
        assert_eq!(fits(&made(from)), Some(Match::Source));
        assert_eq!(fits(&made(to)), Some(Match::Destination));
        let private = made(end("10.0.0.1", Some(500)));
        assert_eq!(fits(&private), Some(Match::Neither));
        assert_eq!(fits(&[0; 16]), None);
        assert_eq!(sha1(spis, end("192.0.2.1", None)), None);
    }
}
