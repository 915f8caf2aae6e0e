//! The commands, one file each.

pub mod completions;
pub mod decrypt;
pub mod diagnose;
pub mod dissect;
pub mod explain;
pub mod keys;
pub mod man;
pub mod schema;
pub mod tunnels;

use super::complain;
use super::error::Error;
use super::exit::Exit;
use super::options::Options;
use super::output::Output;
use crate::model::Input;
use std::io;

/// Tells on standard error what of the inputs could not be read.
fn problems(inputs: &[Input], options: &Options) -> Exit {
    for input in inputs {
        for problem in &input.problems {
            if !options.quiet {
                complain(format!(
                    "{}: at octet {}: {}",
                    input.path, problem.offset, problem.what
                ));
            }
        }
    }
    if inputs.iter().any(|input| !input.problems.is_empty()) {
        Exit::Partial
    } else {
        Exit::Done
    }
}

/// Tells on standard error that no tunnel fits the filter, if there is one.
fn unfit(options: &Options) {
    if let Some(filter) = options.tunnel.as_ref().filter(|_| !options.quiet) {
        complain(format!("no tunnel fits --tunnel {filter}"));
    }
}

/// Writes a whole output.
fn write(mut out: Output, what: impl FnOnce(&mut Output) -> io::Result<()>) -> Result<(), Error> {
    match what(&mut out) {
        Ok(()) => out.finish(),
        Err(error) => Err(out.error(error)),
    }
}
