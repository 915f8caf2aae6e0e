//! `espial completions`: completions for a shell.

use super::write;
use crate::cli::args::{Args, CompletionsArgs};
use crate::cli::error::Error;
use crate::cli::exit::Exit;
use crate::cli::output::Output;
use clap::CommandFactory;
use std::io::Write;

/// Runs it.
pub fn run(args: &CompletionsArgs) -> Result<Exit, Error> {
    // Made in memory: the generator cannot bear a closed pipe.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Args::command(), "espial", &mut script);
    write(Output::open(None, &[])?, |out| out.write_all(&script))?;
    Ok(Exit::Done)
}
