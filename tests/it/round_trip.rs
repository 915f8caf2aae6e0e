//! Every IKE message that reads without a fault is written again octet for octet: what the structs
//! hold is all that a message says.

use crate::run::{shared, shipped};
use espial::net::Body;
use espial::wire::Message;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

/// What was compared in some captures.
#[derive(Debug, Default)]
struct Tally {
    same: usize,
    faulty: usize,
    different: Vec<String>,
}

impl Tally {
    fn add(&mut self, path: &Path) {
        // What is no capture holds no message.
        let Ok(inputs) = espial::capture::expand(&[path.to_owned()]) else {
            return;
        };
        let mut visit = |datagram: &espial::net::Datagram<'_>, _, _: &espial::session::Reading| {
            if let Body::Ike(octets) = datagram.body {
                let message = Message::read(octets);
                if !message.faults.is_empty() {
                    self.faulty += 1;
                } else if is_written(&message, octets) {
                    self.same += 1;
                } else {
                    let frame = datagram.stamp.frame;
                    self.different
                        .push(format!("{} frame {frame}", path.display()));
                }
            }
            ControlFlow::Continue(())
        };
        espial::dissect(inputs, &espial::Options::default(), &mut visit).expect("threads start");
    }
}

/// Whether a message is written as it was read, but for zeros that may follow the payloads of IKEv1: they fill the
/// last word, and say nothing.
fn is_written(message: &Message<'_>, octets: &[u8]) -> bool {
    let mut written = message.emit();
    if message.header.version.major() == 1 && written.len() < octets.len() {
        let last_word = octets.len().next_multiple_of(4) - 4;
        let length = u32::try_from(octets.len()).expect("a datagram is short");
        if written.len() > last_word {
            written.resize(octets.len(), 0);
            written[24..28].copy_from_slice(&length.to_be_bytes());
        }
    }
    written == octets
}

#[test]
fn shipped_messages_are_written_as_they_were_read() {
    let mut tally = Tally::default();
    shipped().iter().for_each(|path| tally.add(path));
    assert_eq!(tally.different, [] as [&str; 0]);
    assert!(tally.same > 100, "{tally:?}");
}

#[test]
fn public_messages_are_written_as_they_were_read() {
    let Some(shared) = shared() else { return };
    let mut tally = Tally::default();
    captures(&shared.join("corpus")).for_each(|path| tally.add(&path));
    assert_eq!(tally.different, [] as [&str; 0]);
    assert!(tally.same > 1_000, "{tally:?}");
}

fn captures(folder: &Path) -> impl Iterator<Item = PathBuf> {
    let entries = std::fs::read_dir(folder).expect("the folder can be listed");
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.expect("the folder can be listed").path())
        .filter(|path| path.is_file())
        .collect();
    paths.sort();
    paths.into_iter()
}
