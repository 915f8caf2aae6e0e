//! The daemons of the shipped captures logged their keys: what sessions make of those is held against
//! what else the logs say.

use crate::run::shipped;
use espial::keys::{self, KeyRing};
use espial::model::Plain;
use espial::net::Body;
use espial::session::{Derived, Session};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

/// The captures beside which there are keys, with the keys.
fn keyed() -> Vec<(std::path::PathBuf, KeyRing)> {
    let captures = shipped().into_iter().filter_map(|capture| {
        let keys = capture.with_file_name("keys");
        keys.is_dir().then(|| {
            let (ring, problems) = keys::load(&[keys]).unwrap();
            assert!(problems.is_empty(), "{problems:?}");
            (capture, ring)
        })
    });
    captures.collect()
}

/// What every IKE message of a capture came to, and the keys that were derived.
fn follow(capture: &Path, ring: KeyRing) -> (Vec<(u64, Plain)>, Vec<Derived>) {
    let mut session = Session::new(Arc::new(ring));
    let mut states = Vec::new();
    let inputs = espial::capture::expand(&[capture.to_owned()]).unwrap();
    let visited = espial::dissect(
        inputs,
        &espial::Options::default(),
        &mut |datagram, time, _| {
            if let Body::Ike(octets) = datagram.body {
                let frame = datagram.stamp.frame;
                let reading = session.see(octets, datagram, time, &[frame]);
                states.push((frame.number, reading.plain));
            }
            ControlFlow::Continue(())
        },
    );
    visited.unwrap();
    (states, session.take_derived())
}

#[test]
fn every_message_of_the_shipped_captures_opens_with_the_logged_keys() {
    let keyed = keyed();
    assert!(keyed.len() >= 8, "only {} captures have keys", keyed.len());
    for (capture, ring) in keyed {
        for (frame, plain) in follow(&capture, ring).0 {
            let at = format!("{} frame {frame}", capture.display());
            match plain {
                Plain::Clear => {}
                Plain::Opened(opened) => {
                    assert_ne!(opened.icv_ok.or(opened.hash_ok), Some(false), "{at}");
                }
                other => panic!("{at}: {other:?}"),
            }
        }
    }
}

#[test]
fn derived_keys_are_those_that_the_daemons_logged() {
    let mut compared = 0;
    for (capture, ring) in keyed() {
        // A post-quantum pre-shared key changes SK_d (RFC 8784 section 3), and no key file tells it.
        if capture.display().to_string().contains("healthy-ppk") {
            continue;
        }
        let logged = ring.esp.clone();
        for one in follow(&capture, ring).1 {
            let Ok(ours) = one.keys else { continue };
            // A log may leave open which of two blocks of keys belongs to an SPI.
            let mut theirs = logged.iter().filter(|row| row.spi == ours.spi).peekable();
            if theirs.peek().is_none() {
                continue;
            }
            let told = theirs.any(|theirs| {
                (&ours.encryption_key, &ours.integrity_key)
                    == (&theirs.encryption_key, &theirs.integrity_key)
            });
            assert!(told, "{} {}", capture.display(), one.spi);
            compared += 1;
        }
    }
    assert!(compared >= 16, "only {compared} compared");
}
