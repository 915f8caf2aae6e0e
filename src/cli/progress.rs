//! Progress on standard error, for people who wait.

use crate::pipeline;
use indicatif::{ProgressBar, ProgressStyle};
use std::io::{self, IsTerminal};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

/// Work shorter than this shows nothing.
const PATIENCE: Duration = Duration::from_secs(1);

/// A bar that is removed when dropped.
pub struct Progress {
    bar: Arc<OnceLock<ProgressBar>>,
    start: Instant,
}

impl Progress {
    /// `None` if standard error is no terminal.
    pub fn new() -> Option<Self> {
        io::stderr().is_terminal().then(|| Self {
            bar: Arc::default(),
            start: Instant::now(),
        })
    }

    /// What the pipeline tells how far it is.
    pub fn callback(&self) -> pipeline::Progress {
        let bar = Arc::clone(&self.bar);
        let start = self.start;
        Arc::new(move |done, of| {
            if start.elapsed() >= PATIENCE {
                bar.get_or_init(|| draw(of)).set_position(done);
            }
        })
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = self.bar.get() {
            bar.finish_and_clear();
        }
    }
}

fn draw(of: Option<u64>) -> ProgressBar {
    let (bar, template) = match of {
        Some(of) => (
            ProgressBar::new(of),
            "{bar:30} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left",
        ),
        None => (
            ProgressBar::new_spinner(),
            "{spinner} {bytes}, {bytes_per_sec}",
        ),
    };
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
