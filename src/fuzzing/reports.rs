//! Every report on a capture.

use super::scrap::Scrap;
use super::show::{fits, record};
use crate::crypto::Secret;
use crate::keys::{EncryptionId, Ikev1Keys, Ikev2Keys, KeyRing, Origin};
use crate::pipeline::{self, Analysis, Options};
use crate::report::dissect::Lines;
use crate::report::text::Detail;
use crate::report::view::Tunnels;
use crate::report::{self, Diagnosis, Selection, Sheet, ndjson, text, tunnels};
use crate::units::{IkeSpi, IkeSpis};
use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::sync::Arc;

/// Every report on a capture.
#[derive(Default, Eq, PartialEq)]
pub(super) struct Reports {
    /// What is written for people, one after the other, and NDJSON of findings and tunnels.
    text: Vec<u8>,
    /// JSON, each with the name of its schema.
    json: Vec<(&'static str, Vec<u8>)>,
}

impl Reports {
    /// The JSON fits its schemas. Apart from the writing, since this takes longer: of two reports that
    /// must be the same one is looked at.
    pub(super) fn fit(&self) {
        for (schema, document) in &self.json {
            fits(schema, document);
        }
    }
}

/// Reads and judges a capture, and writes all that can be written of it.
pub(super) fn reports(
    scrap: &Scrap,
    keys: &Arc<KeyRing>,
    threads: usize,
    chunk_size: usize,
) -> Reports {
    let options = Options {
        keys: Arc::clone(keys),
        threads: NonZeroUsize::new(threads),
        chunk_size: NonZeroUsize::new(chunk_size),
        ..Options::default()
    };
    let mut reports = Reports::default();
    let Reports { text: out, json } = &mut reports;
    let Some(input) = scrap.open() else {
        return reports;
    };
    let analysis = pipeline::analyze(vec![input], &options);
    assert!(analysis.is_ok(), "the system gives threads");
    let Ok(Analysis { model, findings }) = analysis else {
        return reports;
    };
    let selection = Selection::default();
    let diagnosis = Diagnosis::new(&model, &findings, &selection);
    let view = Tunnels::new(&model, &selection);
    let (mut whole, mut rows) = (Vec::new(), Vec::new());
    let sheet = Sheet::default();
    let written = [
        report::json::write(&mut whole, &diagnosis),
        report::json::write(&mut rows, &view),
        text::write(out, &diagnosis, sheet, Detail { verbose: false }),
        text::write(out, &diagnosis, sheet, Detail { verbose: true }),
        tunnels::write(out, &view, sheet),
        ndjson::write(out, &diagnosis.findings),
        ndjson::write(out, view.tunnels.iter()),
    ];
    assert!(
        written.iter().all(Result::is_ok),
        "memory takes whatever is written"
    );
    json.extend([(Diagnosis::SCHEMA, whole), (Tunnels::SCHEMA, rows)]);
    let mut lines = Lines::new(sheet, true);
    if let Some(input) = scrap.open() {
        let read = pipeline::dissect(vec![input], &options, &mut |datagram, time, reading| {
            json.extend(record(datagram, time, reading));
            let written = lines.write(out, datagram, time, reading);
            assert!(written.is_ok(), "memory takes whatever is written");
            ControlFlow::Continue(())
        });
        assert!(read.is_ok(), "the system gives threads");
    }
    reports
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
