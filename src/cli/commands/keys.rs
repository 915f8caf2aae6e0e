//! `espial keys`: what keys there are, and the same keys in another format.

use super::write;
use crate::cli::args::{KeyFormatArg, KeysArgs};
use crate::cli::complain;
use crate::cli::error::Error;
use crate::cli::exit::Exit;
use crate::cli::options::sheet;
use crate::cli::output::Output;
use crate::crypto::Secret;
use crate::keys::{self, KEY_FORMATS, KeyRing};
use crate::report;
use std::fs;
use std::io::{self, IsTerminal, Write};
use std::path::Path;

/// Runs it. What could not be used of the files, or not be said in the other format, is told on
/// standard error and by the exit code.
pub fn run(args: &KeysArgs) -> Result<Exit, Error> {
    if args.table.is_some() && args.to != Some(KeyFormatArg::Wireshark) {
        return Err(Error::Usage("--table goes with --to wireshark".to_owned()));
    }
    let (ring, problems) = keys::load(&args.files)?;
    let path = args
        .output
        .as_deref()
        .filter(|path| path.as_os_str() != "-");
    let mut told: Vec<String> = problems.iter().map(ToString::to_string).collect();
    let mut whole = problems.iter().all(|problem| problem.line.is_none());
    match args.to {
        None => {
            let sheet = sheet(args.color, path.is_none() && io::stdout().is_terminal());
            let out = Output::open(path, &args.files)?;
            write(out, |out| report::keys::write(out, &ring, sheet))?;
        }
        Some(to) => {
            let left_out = convert(&ring, to, args, path)?;
            whole &= left_out.is_empty();
            told.extend(left_out);
        }
    }
    if !args.quiet {
        told.iter().for_each(complain);
    }
    Ok(if whole { Exit::Done } else { Exit::Partial })
}

/// Writes the keys in another format; what it cannot say.
fn convert(
    ring: &KeyRing,
    to: KeyFormatArg,
    args: &KeysArgs,
    path: Option<&Path>,
) -> Result<Vec<String>, Error> {
    let format = KEY_FORMATS.iter().find(|format| format.name == to.name());
    let written = format.and_then(|format| format.write(ring));
    let Some(written) = written else {
        return Err(Error::Usage(format!("{} is only read", to.name())));
    };
    let table = args.table.map(|table| table.file());
    let files: Vec<&(&str, Secret)> = written
        .files
        .iter()
        .filter(|(name, _)| table.is_none_or(|table| table == *name))
        .collect();
    match path {
        Some(folder) if files.len() > 1 => {
            let error = |source| Error::File {
                path: folder.display().to_string(),
                source,
            };
            fs::create_dir_all(folder).map_err(error)?;
            for (name, text) in files.iter().filter(|(_, text)| !text.is_empty()) {
                let mut out = Output::open(Some(&folder.join(name)), &args.files)?;
                out.keep_private();
                write(out, |out| out.write_all(text.expose()))?;
            }
        }
        path => {
            let mut out = Output::open(path, &args.files)?;
            out.keep_private();
            write(out, |out| {
                for (name, text) in files.iter().filter(|(_, text)| !text.is_empty()) {
                    // Wireshark, like espial, passes over such a line.
                    if files.len() > 1 {
                        writeln!(out, "# {name}")?;
                    }
                    out.write_all(text.expose())?;
                }
                Ok(())
            })?;
        }
    }
    let left_out = written.left_out.iter();
    Ok(left_out
        .map(|(origin, why)| format!("{origin}: left out: {why}"))
        .collect())
}
