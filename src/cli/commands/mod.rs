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
use crate::capture;
use crate::model::Input;
use std::io;

/// Opens the output and then the inputs, so that a wrong path costs no time, and tells on standard error
/// which inputs cannot be read.
fn open(options: &Options) -> Result<(Output, Vec<capture::Input>), Error> {
    let out = Output::open(options.output.as_deref(), &options.inputs)?;
    let inputs = capture::expand_within(&options.inputs, &options.pipeline.bounds)?;
    inputs
        .iter()
        .filter_map(capture::Input::refusal)
        .for_each(complain);
    #[cfg(unix)]
    if let Some(pipe) = inputs.iter().find_map(capture::Input::interrupt) {
        // Without a handler the first interrupt ends the program.
        let _ = out.end_first(pipe);
    }
    Ok((out, inputs))
}

/// Tells on standard error what of the inputs could be read in part only, and how the run ended.
fn problems(inputs: &[Input], options: &Options) -> Exit {
    for input in inputs.iter().filter(|input| !input.refused) {
        for problem in &input.problems {
            if !options.quiet {
                complain(format!(
                    "{}: at octet {}: {}",
                    input.path, problem.offset, problem.what
                ));
            }
        }
    }
    let refused = inputs.iter().any(|input| input.refused);
    let partial = inputs.iter().any(|input| !input.problems.is_empty());
    match (refused, partial) {
        (true, _) => Exit::Unreadable,
        (false, true) => Exit::Partial,
        (false, false) => Exit::Done,
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
