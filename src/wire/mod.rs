//! Bytes to borrowed structs and back: IKE messages, ESP and AH headers, NAT traversal framing.
//!
//! Reading is total: [`Message::read`] never fails, it returns what could be read and the
//! [`Fault`]s it met. No I/O, no clock, no state and no threads live here, and nothing needs `std`.
//!
//! [`natt`] tells what a datagram holds, [`Message`] reads it whole, [`Chain`] walks its payloads without
//! allocating, and the types in [`ikev1`] and [`ikev2`] read and write one payload each, through a
//! [`Cursor`]. Octets stay where they are: a struct borrows them. What was read is written again by
//! [`Message::emit`], octet for octet where nothing was reserved or broken.

#![warn(
    clippy::alloc_instead_of_core,
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core
)]

pub mod address;
pub mod ah;
#[cfg(feature = "std")]
pub mod certificate;
pub(crate) mod chain;
pub(crate) mod content;
pub(crate) mod cursor;
pub(crate) mod der;
pub(crate) mod encoding;
pub mod esp;
pub(crate) mod fault;
pub(crate) mod header;
pub(crate) mod identity;
pub mod ikev1;
pub mod ikev2;
pub(crate) mod message;
pub mod nat_detection;
pub mod natt;
pub(crate) mod signature;
pub mod text;
#[cfg(feature = "std")]
pub mod x509;

pub use chain::{Chain, Link};
pub use cursor::Cursor;
pub use fault::{Fault, FaultKind, Faults};
pub use header::{Flags, Header, Version};
pub use message::{Body, Message, Payload};
