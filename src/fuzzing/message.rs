//! IKE messages.

use super::show::show;
use crate::net::Body;
use crate::wire::{Header, Message};

/// An IKE message of any octets is read and shown; what was read without faults is written and read
/// again as the same.
pub fn message(octets: &[u8]) {
    let read = Message::read(octets);
    let mut shown = Vec::new();
    show(&mut shown, Body::Ike(octets));
    for fault in &read.faults {
        let said = fault.to_string();
        assert!(!said.is_empty(), "a fault says what it is");
        assert!(
            fault.at <= octets.len(),
            "{said}: beyond {} octets",
            octets.len()
        );
    }
    if !read.faults.is_empty() {
        return;
    }
    // Reserved bits and the padding of IKEv1 are not kept, so the octets may differ; what they say
    // may not.
    let emitted = read.emit();
    let again = Message::read(&emitted);
    let header = Header {
        length: read.header.length,
        ..again.header
    };
    assert_eq!(Message { header, ..again }, read);
}
