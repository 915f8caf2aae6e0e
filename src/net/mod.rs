//! Frame to datagram: link layers, IP, ICMP, reassembly.

pub mod datagram;

pub use datagram::{
    Body, Clear, Datagram, Encap, Esp, Fragment, IcmpError, IpFacts, Layer, Path, Quote, Stamp,
};
