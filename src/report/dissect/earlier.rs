//! Messages that were shown before, to know a copy by.

use crate::limits;
use crate::net::{Datagram, Path};
use crate::units::FrameId;
use std::collections::VecDeque;

/// The last messages: where they came, between whom, their octets.
#[derive(Debug, Default)]
pub(super) struct Earlier(VecDeque<(FrameId, Path, Vec<u8>)>);

impl Earlier {
    /// The frame in which the same octets came before on the same way, and remembers them. A
    /// retransmission is a copy, octet by octet (RFC 7296 section 2.1).
    pub(super) fn copy_of(&mut self, datagram: &Datagram<'_>, octets: &[u8]) -> Option<FrameId> {
        let (frame, path) = (datagram.stamp.frame, datagram.path);
        let known = self
            .0
            .iter()
            .find(|(at, way, bytes)| at.input == frame.input && *way == path && bytes == octets)
            .map(|known| known.0);
        if known.is_none() {
            self.0.push_back((frame, path, octets.to_vec()));
            if self.0.len() > limits::COPIES_KNOWN {
                self.0.pop_front();
            }
        }
        known
    }
}
