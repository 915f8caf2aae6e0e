//! What a certificate payload holds.

use super::super::ndjson::{Each, Hex, Text};
use crate::registry::CertificateEncoding;
use crate::wire::certificate::Content;
use crate::wire::x509::{self, RevocationList};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

/// The encoding and the octets of a certificate, or of a request for one.
pub(super) fn encoded<M: SerializeMap>(
    map: &mut M,
    encoding: CertificateEncoding,
    data: &[u8],
) -> Result<(), M::Error> {
    map.serialize_entry("encoding", &encoding.0)?;
    map.serialize_entry("encoding_name", &encoding.name())?;
    map.serialize_entry("data", &Hex(data))
}

/// What a certificate payload holds. `is_read` says whether its encoding is one that we read, so
/// that no content means broken data.
pub(super) fn held<M: SerializeMap>(
    map: &mut M,
    content: Option<Content<'_>>,
    is_read: bool,
) -> Result<(), M::Error> {
    match content {
        Some(Content::Certificate(certificate)) => certified(map, &certificate),
        Some(Content::Bundle(certificates)) => map.serialize_entry(
            "certificates",
            &Each(|| certificates.iter().map(CertificateRecord)),
        ),
        Some(Content::RevocationList(list)) => revoked(map, &list),
        Some(Content::HashAndUrl { hash, url }) => {
            map.serialize_entry("hash", &Hex(hash))?;
            map.serialize_entry("url", &url)
        }
        Some(Content::PublicKey(key)) => map.serialize_entry("key", &Text(key)),
        Some(Content::OcspResponse(status)) => map.serialize_entry("status", status),
        None if is_read => map.serialize_entry("fits", &false),
        None => Ok(()),
    }
}

/// One of several certificates.
struct CertificateRecord<'a>(&'a x509::Certificate);

impl Serialize for CertificateRecord<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        certified(&mut map, self.0)?;
        map.end()
    }
}

fn certified<M: SerializeMap>(
    map: &mut M,
    certificate: &x509::Certificate,
) -> Result<(), M::Error> {
    map.serialize_entry("subject", &certificate.subject)?;
    map.serialize_entry("issuer", &certificate.issuer)?;
    map.serialize_entry("serial", &certificate.serial)?;
    map.serialize_entry("not_before", &Text(certificate.not_before))?;
    map.serialize_entry("not_after", &Text(certificate.not_after))?;
    let names = || certificate.alternative_names.iter().map(Text);
    map.serialize_entry("san", &Each(names))?;
    map.serialize_entry("key", &Text(&certificate.key))?;
    map.serialize_entry("key_sha1", &Hex(&certificate.key_sha1))?;
    map.serialize_entry("signature_algorithm", &certificate.signature_algorithm)?;
    map.serialize_entry("is_ca", &certificate.is_ca)?;
    map.serialize_entry("key_usage", &certificate.key_usage)?;
    map.serialize_entry("extended_key_usage", &certificate.extended_key_usage)
}

fn revoked<M: SerializeMap>(map: &mut M, list: &RevocationList) -> Result<(), M::Error> {
    map.serialize_entry("issuer", &list.issuer)?;
    map.serialize_entry("this_update", &Text(list.this_update))?;
    map.serialize_entry("next_update", &list.next_update.map(Text))?;
    map.serialize_entry("revoked", &list.revoked)
}
