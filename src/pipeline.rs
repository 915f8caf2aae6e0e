//! From captures to findings: the only file that names threads.

use crate::capture;
use crate::diagnose::Finding;
use crate::model::{self, Model};
use crate::net;
use crate::units::Timestamp;
use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::sync::Arc;

/// Told the octets done, and of how many where that is known.
pub type Progress = Arc<dyn Fn(u64, Option<u64>) + Send + Sync>;

/// How to go about it; none of it changes what is found, but for the time window.
#[derive(Clone, Default)]
pub struct Options {
    /// Threads; `None` for one a core.
    pub threads: Option<NonZeroUsize>,
    /// Octets of a chunk.
    pub chunk_size: usize,
    /// Frames before this are left out.
    pub since: Option<Timestamp>,
    /// Frames after this are left out.
    pub until: Option<Timestamp>,
    /// Told how far the work is.
    pub progress: Option<Progress>,
}

/// What was found, and what it means.
#[derive(Debug, Default)]
pub struct Analysis {
    /// What was found.
    pub model: Model,
    /// What it means, most important first.
    pub findings: Vec<Finding>,
}

/// Why nothing could be done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An input could not be opened.
    #[error(transparent)]
    Open(#[from] capture::OpenError),
}

/// Reads the inputs and judges them.
pub fn analyze(_inputs: Vec<capture::Input>, _options: &Options) -> Result<Analysis, Error> {
    Ok(Analysis::default())
}

/// Calls `visit` for every datagram with IPsec in frame order; returning `Break` ends it early.
pub fn dissect(
    _inputs: Vec<capture::Input>,
    _options: &Options,
    _visit: &mut dyn FnMut(&net::Datagram<'_>, Timestamp) -> ControlFlow<()>,
) -> Result<Vec<model::Input>, Error> {
    Ok(Vec::new())
}
