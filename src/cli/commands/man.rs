//! `espial man`: the manual page.

use super::write;
use crate::cli::args::Args;
use crate::cli::error::Error;
use crate::cli::exit::Exit;
use crate::cli::output::Output;
use clap::CommandFactory;

/// Runs it.
pub fn run() -> Result<Exit, Error> {
    write(Output::open(None, &[])?, |out| {
        clap_mangen::Man::new(Args::command()).render(out)
    })?;
    Ok(Exit::Done)
}
