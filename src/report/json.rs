//! JSON: one document, indented.

use serde::Serialize;
use std::io::{self, Write};

/// Writes a view as one document.
pub fn write(out: &mut impl Write, view: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, view)?;
    out.write_all(b"\n")
}
