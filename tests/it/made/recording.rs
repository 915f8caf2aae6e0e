//! What is made from: a recorded case, its frames and its keys.

use super::Part;
use crate::run::{Case, root};
use espial::capture::{Input, LinkType, Scratch};
use espial::keys::{self, KEY_FORMATS, KeyRing};

/// A recorded case. All are Ethernet and hold whole frames.
pub(super) struct Recording {
    pub(super) frames: Vec<Frame>,
    pub(super) ring: KeyRing,
}

/// A frame and when it was seen, in nanoseconds since the epoch.
#[derive(Clone)]
pub(super) struct Frame {
    pub(super) time: i64,
    pub(super) octets: Vec<u8>,
}

impl Recording {
    pub(super) fn of(case: &str) -> Self {
        let case = Case::of(root().join("captures").join(case));
        let input = Input::open(&case.capture, 0).unwrap();
        let mut chunks = input.chunks(1 << 20);
        let (mut frames, mut scratch) = (Vec::new(), Scratch::default());
        while let Some(chunk) = chunks.next() {
            chunk.unwrap().walk(&mut scratch, None, |frame| {
                assert_eq!(frame.link, LinkType::ETHERNET);
                assert_eq!(frame.wire_len as usize, frame.bytes.len());
                frames.push(Frame {
                    time: frame.time.unwrap().0,
                    octets: frame.bytes.to_vec(),
                });
            });
        }
        let ring = match case.keys {
            Some(keys) => keys::load(&[keys]).unwrap().0,
            None => KeyRing::default(),
        };
        Self { frames, ring }
    }

    /// Every frame with other octets; without those for which there are none.
    pub(super) fn map(&self, octets: impl Fn(&Frame) -> Option<Vec<u8>>) -> Vec<Frame> {
        let frame = |frame: &Frame| {
            Some(Frame {
                time: frame.time,
                octets: octets(frame)?,
            })
        };
        self.frames.iter().filter_map(frame).collect()
    }

    /// The keys that it has, in the format that says everything.
    pub(super) fn keys(&self) -> Part {
        keys_of(&self.ring)
    }
}

/// The keys of a ring, each once, in the format that says everything.
pub(super) fn keys_of(ring: &KeyRing) -> Part {
    let mut ring = ring.clone();
    // Both daemons log every key. Which of several belongs to an SPI a log may leave open.
    let mut seen = Vec::new();
    ring.esp.retain(|keys| {
        let key = (keys.spi, keys.encryption_key.expose().to_vec());
        let new = !seen.contains(&key);
        seen.push(key);
        new
    });
    let mut seen = Vec::new();
    ring.ikev2.retain(|keys| {
        let key = (
            keys.spis,
            keys.sk_d.as_ref().map(|key| key.expose().to_vec()),
        );
        let new = !seen.contains(&key);
        seen.push(key);
        new
    });
    let format = KEY_FORMATS.iter().find(|format| format.name == "toml");
    let written = format.unwrap().write(&ring).unwrap();
    assert!(written.left_out.is_empty());
    let (_, octets) = written.files.first().unwrap();
    Part::new("keys/keys.toml", octets.expose().to_vec())
}
