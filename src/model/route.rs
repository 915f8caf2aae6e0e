//! The path of a message, kept small: there are millions of messages.

use crate::net::{Encap, Path};
use crate::units::Endpoint;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

/// Between whom a message travels, and inside what: a [`Path`] in 16 octets.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Route(Kind);

#[derive(Clone, Debug, Eq, PartialEq)]
enum Kind {
    /// UDP on IPv4 and nothing else around it, as nearly all messages go: sender, then receiver.
    Plain([(Ipv4Addr, u16); 2]),
    /// Any other, which messages share.
    Shared(Arc<Path>),
}

/// Shared with no other.
impl From<Path> for Route {
    fn from(path: Path) -> Self {
        Self::plain(&path).unwrap_or_else(|| Self::shared(Arc::new(path)))
    }
}

impl Route {
    /// That of a path which needs no more room; `None` of one that is to be shared.
    pub fn plain(path: &Path) -> Option<Self> {
        let end = |end: &Endpoint| match (end.address, end.port) {
            (IpAddr::V4(address), Some(port)) => Some((address, port)),
            _ => None,
        };
        let ends = [end(&path.from)?, end(&path.to)?];
        (path.encap == Encap::in_udp()).then_some(Self(Kind::Plain(ends)))
    }

    /// That of a path that others share.
    pub fn shared(path: Arc<Path>) -> Self {
        Self(Kind::Shared(path))
    }

    /// Sender: outer IP address and port.
    #[inline]
    pub fn from(&self) -> Endpoint {
        match &self.0 {
            Kind::Plain([from, _]) => endpoint(from),
            Kind::Shared(path) => path.from,
        }
    }

    /// Receiver.
    #[inline]
    pub fn to(&self) -> Endpoint {
        match &self.0 {
            Kind::Plain([_, to]) => endpoint(to),
            Kind::Shared(path) => path.to,
        }
    }

    /// What lies between the link and IP, and between IP and IKE.
    pub fn encap(&self) -> Encap {
        match &self.0 {
            Kind::Plain(_) => Encap::in_udp(),
            Kind::Shared(path) => path.encap,
        }
    }

    /// The path.
    pub fn path(&self) -> Path {
        Path {
            from: self.from(),
            to: self.to(),
            encap: self.encap(),
        }
    }
}

#[inline]
fn endpoint((address, port): &(Ipv4Addr, u16)) -> Endpoint {
    Endpoint {
        address: IpAddr::V4(*address),
        port: Some(*port),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::Layer;

    fn path(from: [u8; 4], to: IpAddr, layers: &[Layer]) -> Path {
        let mut encap = Encap::default();
        for layer in layers {
            encap.push(*layer);
        }
        let end = |address, port| Endpoint {
            address,
            port: Some(port),
        };
        Path {
            from: end(from.into(), 500),
            to: end(to, 4500),
            encap,
        }
    }

    #[test]
    fn a_plain_path_comes_out_as_it_went_in() {
        let plain = path([192, 0, 2, 1], [192, 0, 2, 2].into(), &[Layer::Udp]);
        let route = Route::plain(&plain).unwrap();
        assert_eq!(route.path(), plain);
        assert_eq!(size_of::<Route>(), 16);
    }

    #[test]
    fn what_has_more_to_tell_is_not_plain() {
        let v4 = [192, 0, 2, 2].into();
        let in_tcp = path([192, 0, 2, 1], v4, &[Layer::Tcp]);
        let tagged = path([192, 0, 2, 1], v4, &[Layer::Vlan(7), Layer::Udp]);
        let bare = path([192, 0, 2, 1], v4, &[]);
        let v6 = path(
            [192, 0, 2, 1],
            "2001:db8::1".parse().unwrap(),
            &[Layer::Udp],
        );
        for other in [in_tcp, tagged, bare, v6] {
            assert_eq!(Route::plain(&other), None);
            assert_eq!(Route::shared(Arc::new(other)).path(), other);
        }
    }
}
