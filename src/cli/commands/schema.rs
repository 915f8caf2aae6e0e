//! `espial schema`: the JSON Schemas of the output.

use super::write;
use crate::cli::args::SchemaArgs;
use crate::cli::error::Error;
use crate::cli::exit::Exit;
use crate::cli::output::Output;
use crate::report::schema::SCHEMAS;
use std::io::Write;

/// Runs it.
pub fn run(args: &SchemaArgs) -> Result<Exit, Error> {
    let out = Output::open(None, &[])?;
    match &args.name {
        Some(name) => {
            let Some((_, schema)) = SCHEMAS.iter().find(|(known, _)| known == name) else {
                let known: Vec<&str> = SCHEMAS.iter().map(|(name, _)| *name).collect();
                let known = known.join(", ");
                return Err(Error::Usage(format!(
                    "{name}: no such schema; there are {known}"
                )));
            };
            write(out, |out| out.write_all(schema.as_bytes()))?;
        }
        None => write(out, |out| {
            for (i, (name, schema)) in SCHEMAS.iter().enumerate() {
                let before = if i == 0 { "{" } else { "," };
                write!(out, "{before}\n\"{name}\": {}", schema.trim_end())?;
            }
            writeln!(out, "\n}}")
        })?,
    }
    Ok(Exit::Done)
}
