//! A file of any octets.

use crate::capture::{Chunk, Frame, Input, Problem, Scratch, Walked};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

/// A file that is gone when it is dropped.
pub(super) struct Scrap(PathBuf);

/// What a walk tells of a file: its frames, its problems, and how many octets it read.
pub(super) type Story = (Vec<String>, Vec<Problem>, u64);

impl Scrap {
    pub(super) fn of(octets: &[u8]) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let name = format!(
            "espial-fuzz-{}-{}",
            std::process::id(),
            NEXT.fetch_add(1, Ordering::Relaxed)
        );
        let path = std::env::temp_dir().join(name);
        let written = std::fs::write(&path, octets);
        assert!(written.is_ok(), "the folder for temporary files takes one");
        Self(path)
    }

    /// The file as an input; `None` if it is no capture.
    pub(super) fn open(&self) -> Option<Input> {
        Input::open(&self.0, 0).ok()
    }

    /// Walks the file in chunks, as [`crate::pipeline`] does; `sizes` gives the octets of each, the
    /// last of them of all that follow. `None` if it is no capture.
    pub(super) fn walk(&self, sizes: &[usize]) -> Option<Story> {
        let mut sizes = sizes.iter().copied();
        let mut chunks = self.open()?.chunks(sizes.next()?);
        let mut story = Vec::new();
        let mut so_far: Option<Walked> = None;
        while let Some(Ok(chunk)) = chunks.next() {
            if let Some(size) = sizes.next() {
                chunks.resize(size);
            }
            let (mut frames, mut walked) = walk(&chunk, None);
            if let Some(before) = &so_far
                && walked.start != before.end
            {
                (frames, walked) = walk(&chunk, Some(before));
            }
            story.extend(frames);
            match &mut so_far {
                Some(so_far) => so_far.append(walked),
                None => so_far = Some(walked),
            }
        }
        let walked = so_far?;
        Some((story, walked.problems.into_vec(), walked.end.offset))
    }
}

impl Drop for Scrap {
    fn drop(&mut self) {
        // Left behind it is a nuisance, no more.
        let _ = std::fs::remove_file(&self.0);
    }
}

fn walk(chunk: &Chunk, before: Option<&Walked>) -> (Vec<String>, Walked) {
    let mut frames = Vec::new();
    let walked = chunk.walk(
        &mut Scratch::default(),
        before.map(|walked| &walked.end),
        |frame| {
            let Frame {
                time,
                vantage,
                link,
                wire_len,
                bytes,
                ..
            } = frame;
            frames.push(format!(
                "{time:?} {vantage:?} {link} {wire_len} {bytes:02x?}"
            ));
        },
    );
    (frames, walked)
}
