//! Why a run could not go on.

use super::exit::Exit;
use crate::capture::OpenError;
use crate::keys::LoadError;
use crate::pipeline;
use std::io;

/// Why a run could not go on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What was asked for makes no sense.
    #[error("{0}")]
    Usage(String),
    /// A file that was named, other than an input, cannot be used.
    #[error("{path}: {source}")]
    File {
        /// Its path.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// Keys that were named cannot be had.
    #[error(transparent)]
    Keys(#[from] LoadError),
    /// Standard output cannot be written.
    #[error("standard output: {0}")]
    Stdout(#[source] io::Error),
    /// An input could not be read.
    #[error(transparent)]
    Pipeline(#[from] pipeline::Error),
    /// An input could not be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
}

impl Error {
    /// The exit code that tells it.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Usage(_) | Self::File { .. } | Self::Keys(_) | Self::Stdout(_) => Exit::Usage,
            Self::Pipeline(_) => Exit::Unreadable,
            Self::Open(error) => match error {
                OpenError::NotFound { .. } | OpenError::TooMany { .. } => Exit::Usage,
                _ => Exit::Unreadable,
            },
        }
    }

    /// Whether the reader of standard output has gone, as `head` does: that is no failure.
    pub fn is_closed_pipe(&self) -> bool {
        matches!(self, Self::Stdout(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }
}
