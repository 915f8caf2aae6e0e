//! Key files.

use crate::keys::{KEY_FORMATS, KeyRing, format};

/// A key file of any octets is read by every format; what any format writes of its keys it reads
/// again without a word, and TOML gives all of them back.
pub fn keys(octets: &[u8]) {
    let mut ring = KeyRing::default();
    let _ = format::read(octets, "fuzz", &mut ring);
    for format in KEY_FORMATS {
        let problems = format.read(octets, "fuzz", &mut ring);
        let told = problems.iter().map(ToString::to_string);
        assert!(told.into_iter().all(|said| said.starts_with("fuzz")));
    }
    for format in KEY_FORMATS {
        let Some(written) = format.write(&ring) else {
            continue;
        };
        let mut again = KeyRing::default();
        for (name, text) in &written.files {
            let problems = format.read(text.expose(), name, &mut again);
            assert!(
                problems.is_empty(),
                "{}: {:?}",
                format.name,
                problems.first()
            );
        }
        if format.name == "toml" {
            let counts = |ring: &KeyRing| [ring.ikev1.len(), ring.ikev2.len(), ring.esp.len()];
            assert_eq!(counts(&ring), counts(&again), "TOML says everything");
        }
    }
    ring.fold();
}
