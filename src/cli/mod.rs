//! The command line: what was typed, what is meant by it, and the commands.

pub mod args;
pub mod commands;
pub mod error;
pub mod exit;
pub mod options;
pub mod output;
pub mod progress;
#[cfg(unix)]
mod signal;

pub use args::Args;
pub use error::Error;
pub use exit::Exit;

use args::Command;
use std::fmt::Display;
use std::io::{self, Write};

/// Does what was asked for, and tells on standard error what went wrong.
pub fn run(args: Args) -> Exit {
    let outcome = match args.command {
        None => commands::diagnose::run(args.diagnose),
        Some(Command::Diagnose(args)) => commands::diagnose::run(args),
        Some(Command::Dissect(args)) => commands::dissect::run(args),
        Some(Command::Tunnels(args)) => commands::tunnels::run(args),
        Some(Command::Decrypt(args)) => commands::decrypt::run(args),
        Some(Command::Keys(args)) => commands::keys::run(&args),
        Some(Command::Explain(args)) => commands::explain::run(&args),
        Some(Command::Schema(args)) => commands::schema::run(&args),
        Some(Command::Completions(args)) => commands::completions::run(&args),
        Some(Command::Man) => commands::man::run(),
    };
    match outcome {
        Ok(exit) => exit,
        Err(error) if error.is_closed_pipe() => Exit::Done,
        Err(error) => {
            complain(&error);
            error.exit()
        }
    }
}

/// One line on standard error. Nothing can be done if even that fails.
pub(crate) fn complain(what: impl Display) {
    let what = what.to_string();
    let _ = writeln!(io::stderr(), "espial: {}", crate::wire::text::escape(&what));
}
