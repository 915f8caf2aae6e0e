//! Every report on a capture.

use super::scrap::Scrap;
use super::show::{dissect, fits};
use crate::crypto::Secret;
use crate::keys::{EncryptionId, Ikev1Keys, Ikev2Keys, KeyRing, Origin};
use crate::pipeline::{self, Analysis, Options};
use crate::report::dissect::Lines;
use crate::report::text::Detail;
use crate::report::view::Tunnels;
use crate::report::{Diagnosis, Selection, Sheet, json, ndjson, text, tunnels};
use crate::units::{IkeSpi, IkeSpis};
use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::sync::Arc;

/// Every report on a capture, one after the other; the JSON fits its schemas.
pub(super) fn reports(
    scrap: &Scrap,
    keys: &Arc<KeyRing>,
    threads: usize,
    chunk_size: usize,
) -> Vec<u8> {
    let options = Options {
        keys: Arc::clone(keys),
        threads: NonZeroUsize::new(threads),
        chunk_size: NonZeroUsize::new(chunk_size),
        ..Options::default()
    };
    let mut out = Vec::new();
    let Some(input) = scrap.open() else {
        return out;
    };
    let analysis = pipeline::analyze(vec![input], &options);
    assert!(analysis.is_ok(), "the system gives threads");
    let Ok(Analysis { model, findings }) = analysis else {
        return out;
    };
    let selection = Selection::default();
    let diagnosis = Diagnosis::new(&model, &findings, &selection);
    let view = Tunnels::new(&model, &selection);
    let mut documents = [Vec::new(), Vec::new()];
    let [first, second] = &mut documents;
    let sheet = Sheet::default();
    let written = [
        json::write(first, &diagnosis),
        json::write(second, &view),
        text::write(&mut out, &diagnosis, sheet, Detail { verbose: false }),
        text::write(&mut out, &diagnosis, sheet, Detail { verbose: true }),
        tunnels::write(&mut out, &view, sheet),
        ndjson::write(&mut out, &diagnosis.findings),
        ndjson::write(&mut out, view.tunnels.iter()),
    ];
    assert!(
        written.iter().all(Result::is_ok),
        "memory takes whatever is written"
    );
    for (document, schema) in documents.iter().zip([Diagnosis::SCHEMA, Tunnels::SCHEMA]) {
        fits(schema, document);
        out.extend(document);
    }
    let mut lines = Lines::new(sheet, true);
    if let Some(input) = scrap.open() {
        let read = pipeline::dissect(vec![input], &options, &mut |datagram, time, reading| {
            dissect(&mut out, &mut lines, datagram, time, reading);
            ControlFlow::Continue(())
        });
        assert!(read.is_ok(), "the system gives threads");
    }
    out
}

/// Keys that may be of any IKE SA and take whatever makes payloads for opened: nothing is encrypted,
/// and there is no key to check it with.
pub(super) fn lenient_keys() -> KeyRing {
    /// ENCR_NULL, AUTH_HMAC_SHA2_256_128 and PRF_HMAC_SHA2_256.
    const SUITE: (u16, u16, u16) = (11, 12, 5);
    let origin = Origin {
        file: "keys".to_owned(),
        line: 1,
    };
    let (id, integrity, prf) = SUITE;
    let secret = || Some(Secret::new(vec![0; 16]));
    KeyRing {
        ikev1: vec![Ikev1Keys {
            encryption_key: secret(),
            skeyid_a: secret(),
            skeyid_d: secret(),
            ..Ikev1Keys::new(IkeSpi(0), origin.clone())
        }],
        ikev2: vec![Ikev2Keys {
            encryption: Some(EncryptionId { id, key_bits: None }),
            integrity: Some(integrity),
            prf: Some(prf),
            sk_d: secret(),
            ..Ikev2Keys::new(IkeSpis::default(), origin)
        }],
        esp: Vec::new(),
    }
}
