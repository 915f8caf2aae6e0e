//! NDJSON: one object a line.

use serde::Serialize;
use std::io::{self, Write};

/// Writes every item on a line of its own.
pub fn write<T: Serialize>(
    out: &mut impl Write,
    items: impl IntoIterator<Item = T>,
) -> io::Result<()> {
    for item in items {
        serde_json::to_writer(&mut *out, &item)?;
        out.write_all(b"\n")?;
    }
    Ok(())
}
