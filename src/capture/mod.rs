//! Input to frames: files, folders, pipes; pcap, pcapng, snoop; gzip and zstd. Knows nothing of IKE.

pub mod link_type;

pub use link_type::LinkType;

use crate::units::{FrameId, Timestamp, Vantage};

/// One recorded frame, borrowed from the reader's buffer.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// Which frame.
    pub id: FrameId,
    /// When it was recorded; `None` where the format keeps no time (pcapng simple packet blocks).
    pub time: Option<Timestamp>,
    /// Where it was recorded.
    pub vantage: Vantage,
    /// What `bytes` begins with.
    pub link: LinkType,
    /// Octets the frame had on the wire; `bytes` is shorter if the capture cut it.
    pub wire_len: u32,
    /// The octets that were kept.
    pub bytes: &'a [u8],
}

/// One input, opened.
#[derive(Debug)]
pub struct Input;

/// Why an input could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It cannot be read.
    #[error("{}: {source}", path.display())]
    Io {
        /// The input.
        path: std::path::PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is no capture.
    #[error("{}: {what}", path.display())]
    NotACapture {
        /// The input.
        path: std::path::PathBuf,
        /// What it is instead.
        what: String,
    },
}

/// Opens every input named; folders give their captures.
pub fn expand(paths: &[std::path::PathBuf]) -> Result<Vec<Input>, OpenError> {
    for path in paths {
        if path.as_os_str() != "-"
            && let Err(source) = std::fs::metadata(path)
        {
            return Err(OpenError::Io {
                path: path.clone(),
                source,
            });
        }
    }
    Ok(paths.iter().map(|_| Input).collect())
}
