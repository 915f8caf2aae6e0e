//! The command line: parse arguments, run, map the outcome to an exit code.

use clap::Parser;
use espial::cli::{self, Args};
use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run(Args::parse()).into()
}
