//! The line of a certificate payload, the same in both versions.

#[cfg(feature = "std")]
use super::certificate::Content;
use crate::registry::CertificateEncoding;
use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;

/// The encoding, then what the data holds, or how much and that it cannot be read. Without `std`
/// nobody reads X.509: how much it is.
pub(crate) fn told(encoding: CertificateEncoding, data: &[u8]) -> String {
    let name = named(encoding);
    let size = data.len();
    #[cfg(feature = "std")]
    match Content::read(encoding, data) {
        Some(content) => return format!("{name}: {content}"),
        None if Content::is_read(encoding) => {
            return format!("{name}, {size} octets, not readable");
        }
        None => {}
    }
    format!("{name}, {size} octets")
}

/// The name of an encoding: `X.509 Certificate - Signature`, `encoding 99`.
pub(crate) fn named(encoding: CertificateEncoding) -> String {
    match encoding.name() {
        Some(name) => name.to_owned(),
        None => format!("encoding {}", encoding.0),
    }
}
