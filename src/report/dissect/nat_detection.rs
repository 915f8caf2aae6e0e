//! NAT detection: which address a hash was made of (RFC 3947 section 3.2, RFC 7296 section 2.23).

use crate::net::Path;
use crate::units::{Endpoint, IkeSpis};
use serde::Serialize;
use sha1::{Digest, Sha1};
use std::net::IpAddr;

/// What a hash fits.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Match {
    /// The sender's address and port, as they are seen here.
    Source,
    /// The receiver's.
    Destination,
    /// Neither: an address was translated, or the hash was faked.
    None,
}

/// What a hash in a message of this path fits; `None` if it is no SHA-1 or a port is not known.
///
/// IKEv1 makes it with the hash that phase 1 negotiates; only SHA-1 is tried, as its length tells.
pub fn matches(data: &[u8], spis: IkeSpis, path: &Path) -> Option<Match> {
    let data: &[u8; 20] = data.try_into().ok()?;
    if *data == hash(spis, path.from)? {
        Some(Match::Source)
    } else if *data == hash(spis, path.to)? {
        Some(Match::Destination)
    } else {
        Some(Match::None)
    }
}

/// SHA-1(SPIi | SPIr | address | port).
fn hash(spis: IkeSpis, end: Endpoint) -> Option<[u8; 20]> {
    let mut sha1 = Sha1::new();
    sha1.update(spis.initiator.0.to_be_bytes());
    sha1.update(spis.responder.0.to_be_bytes());
    match end.address {
        IpAddr::V4(address) => sha1.update(address.octets()),
        IpAddr::V6(address) => sha1.update(address.octets()),
    }
    sha1.update(end.port?.to_be_bytes());
    Some(sha1.finalize().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::Encap;
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
        let path = Path {
            from,
            to,
            encap: Encap::default(),
        };
        let made = |end| hash(spis, end).unwrap();
        assert_eq!(matches(&made(from), spis, &path), Some(Match::Source));
        assert_eq!(matches(&made(to), spis, &path), Some(Match::Destination));
        let private = made(end("10.0.0.1", Some(500)));
        assert_eq!(matches(&private, spis, &path), Some(Match::None));
        assert_eq!(matches(&[0; 16], spis, &path), None);
    }
}
