//! Why an input cannot be opened, or not be read on.

use std::io;

use thiserror::Error;

/// Why an input cannot be opened.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OpenError {
    /// There is no such file.
    #[error("{path}: no such file or folder")]
    NotFound {
        /// Path as given.
        path: String,
    },
    /// The file may not be read.
    #[error("{path}: permission denied")]
    PermissionDenied {
        /// Path as given.
        path: String,
    },
    /// The file holds no octet.
    #[error("{path}: empty file, expected a capture")]
    Empty {
        /// Path as given.
        path: String,
    },
    /// The file is something else.
    #[error(
        "{path}: not a capture: begins with {head}, expected pcap, pcapng, snoop, gzip or zstd"
    )]
    NotCapture {
        /// Path as given.
        path: String,
        /// Its first octets in hexadecimal.
        head: String,
    },
    /// The file begins as a capture and ends or breaks within its header.
    #[error("{path}: the {format} header is broken at offset {offset}: expected {expected}")]
    BrokenHeader {
        /// Path as given.
        path: String,
        /// The format its first octets name.
        format: &'static str,
        /// Offset in the (uncompressed) file, in octets.
        offset: u64,
        /// What was expected there.
        expected: String,
    },
    /// A folder in which no file is a capture.
    #[error("{path}: no capture in this folder, expected pcap, pcapng, snoop, gzip or zstd files")]
    EmptyFolder {
        /// Path as given.
        path: String,
    },
    /// Of several inputs none can be read.
    #[error("{}", one_by_one(.refused))]
    NoneReadable {
        /// Why each of them cannot.
        refused: Vec<Self>,
    },
    /// More inputs than can be numbered.
    #[error("{count} inputs, expected at most 65535")]
    TooMany {
        /// How many there are.
        count: usize,
    },
    /// The system refuses for another reason.
    #[error("{path}: {source}")]
    Io {
        /// Path as given.
        path: String,
        /// What the system says.
        source: io::Error,
    },
}

impl OpenError {
    pub(super) fn io(path: &str, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::NotFound => Self::NotFound { path },
            io::ErrorKind::PermissionDenied => Self::PermissionDenied { path },
            _ => Self::Io { path, source },
        }
    }

    /// What is said beside the path, where that is said already.
    pub(crate) fn beside(&self, path: &str) -> String {
        let said = self.to_string();
        let after = said.strip_prefix(path).and_then(|s| s.strip_prefix(": "));
        after.map(str::to_owned).unwrap_or(said)
    }
}

fn one_by_one(errors: &[OpenError]) -> String {
    let said: Vec<String> = errors.iter().map(ToString::to_string).collect();
    said.join("; ")
}

/// Why an input cannot be read on. What was read before counts.
#[derive(Debug, Error)]
#[error("{path}: reading stopped at offset {offset}: {source}")]
pub struct ReadError {
    /// Path as given.
    pub path: String,
    /// Offset in the (uncompressed) input, in octets.
    pub offset: u64,
    /// What the system says.
    pub source: io::Error,
}
