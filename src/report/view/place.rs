//! Where and when: paths, frames, first and last appearance.

use crate::net::Path;
use crate::units::FrameId;
use serde::Serialize;
use std::net::IpAddr;

/// Between whom, and inside what.
#[derive(Debug, Serialize)]
pub struct PathView {
    /// Sender.
    pub src: IpAddr,
    /// Its port.
    pub src_port: Option<u16>,
    /// Receiver.
    pub dst: IpAddr,
    /// Its port.
    pub dst_port: Option<u16>,
    /// The layers around IPsec, outermost first.
    pub encap: Vec<String>,
}

impl PathView {
    pub(super) fn new(path: &Path) -> Self {
        Self {
            src: path.from.address,
            src_port: path.from.port,
            dst: path.to.address,
            dst_port: path.to.port,
            encap: path.encap.iter().map(|layer| layer.to_string()).collect(),
        }
    }
}

/// First and last appearance.
#[derive(Debug, Serialize)]
pub struct SeenView {
    /// Time of the first packet.
    pub first_ns: i64,
    /// Its frame.
    pub first_frame: FrameView,
    /// Time of the last packet.
    pub last_ns: i64,
    /// Its frame.
    pub last_frame: FrameView,
}

impl SeenView {
    pub(super) fn new(seen: crate::model::Seen) -> Self {
        Self {
            first_ns: seen.first.1.0,
            first_frame: FrameView::new(seen.first.0),
            last_ns: seen.last.1.0,
            last_frame: FrameView::new(seen.last.0),
        }
    }
}

/// A frame.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct FrameView {
    /// Index of the input, from 0.
    pub input: u16,
    /// Number in that input, from 1.
    pub frame: u64,
}

impl FrameView {
    pub(super) fn new(frame: FrameId) -> Self {
        Self {
            input: frame.input,
            frame: frame.number,
        }
    }
}
