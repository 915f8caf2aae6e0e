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
                } else if message.emit() == octets {
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
