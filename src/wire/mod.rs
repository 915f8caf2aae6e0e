//! Bytes to borrowed structs and back: IKE messages, ESP and AH headers, NAT traversal framing.
//!
//! Reading is total: [`Message::read`] never fails, it returns what could be read and the
//! [`Fault`]s it met. No I/O, no clock, no state and no threads live here.

pub mod address;
pub mod ah;
pub mod certificate;
pub mod chain;
pub mod content;
pub mod cursor;
pub mod der;
pub mod esp;
pub mod fault;
pub mod header;
pub mod identity;
pub mod ikev1;
pub mod ikev2;
pub mod message;
pub mod nat_detection;
pub mod natt;
pub mod signature;
pub mod text;
pub mod x509;

pub use chain::{Chain, Link};
pub use fault::{Fault, FaultKind};
pub use header::{Flags, Header, Version};
pub use message::{Body, Message, Payload};
