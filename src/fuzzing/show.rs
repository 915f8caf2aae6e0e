//! Datagrams in both formats of `dissect`.

use super::{ends, stamp};
use crate::net::{Body, Datagram, IpFacts};
use crate::report::Sheet;
use crate::report::dissect::{Lines, write_ndjson};
use crate::report::schema::{SCHEMAS, misfits};
use crate::session::Reading;
use crate::units::Timestamp;
use serde_json::Value;
use std::sync::LazyLock;

/// Writes a datagram in both formats of `dissect`.
pub(super) fn show(out: &mut Vec<u8>, body: Body<'_>) {
    let time = Timestamp(0);
    let datagram = Datagram {
        stamp: stamp(1, time),
        path: ends(0),
        ip: IpFacts::default(),
        cut: false,
        body,
    };
    let reading = Reading::default();
    if let Some((schema, record)) = record(&datagram, time, &reading) {
        fits(schema, &record);
        out.extend(record);
    }
    for verbose in [true, false] {
        let mut lines = Lines::new(Sheet::default(), verbose);
        let written = lines.write(out, &datagram, time, &reading);
        assert!(
            written.is_ok() && lines.flush(out).is_ok(),
            "memory takes whatever is written"
        );
    }
}

/// The record of a datagram that `dissect` writes, with the name of its schema; `None` if it writes
/// none.
pub(super) fn record(
    datagram: &Datagram<'_>,
    time: Timestamp,
    reading: &Reading,
) -> Option<(&'static str, Vec<u8>)> {
    let mut record = Vec::new();
    let written = write_ndjson(&mut record, datagram, time, reading);
    assert!(written.is_ok(), "memory takes whatever is written");
    (!record.is_empty()).then_some(("espial.dissect/1", record))
}

/// Octets are JSON, and what the schema of this name says.
pub(super) fn fits(schema: &str, octets: &[u8]) {
    static ALL: LazyLock<Value> = LazyLock::new(|| {
        let read = |text| serde_json::from_str::<Value>(text).unwrap_or_default();
        let all = SCHEMAS.iter();
        Value::Object(
            all.map(|(name, text)| ((*name).to_owned(), read(text)))
                .collect(),
        )
    });
    let parsed = serde_json::from_slice::<Value>(octets);
    let said = String::from_utf8_lossy(octets);
    assert!(parsed.is_ok(), "{parsed:?}: {said}");
    let wrong = misfits(&parsed.unwrap_or_default(), schema, &ALL);
    assert!(wrong.is_empty(), "{schema}: {wrong:?}: {said}");
}
