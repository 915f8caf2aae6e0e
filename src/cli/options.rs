//! What is meant by what was typed.

use super::args::{Colour, CommonArgs, Format};
use super::complain;
use super::error::Error;
use super::progress::Progress;
use crate::keys;
use crate::limits::{Bounds, MEMORY_LEAST};
use crate::pipeline;
use crate::report::{Sheet, calendar};
use crate::units::Timestamp;
use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::sync::Arc;

/// Columns below which tables are no use, and above which lines are hard to read.
const WIDTH: std::ops::RangeInclusive<u16> = 60..=110;

/// What is meant.
pub struct Options {
    /// What to read; never empty.
    pub inputs: Vec<PathBuf>,
    /// Form of the output.
    pub format: Format,
    /// Where to write; `None` for standard output.
    pub output: Option<PathBuf>,
    /// Whether what is written appears on a terminal.
    pub on_terminal: bool,
    /// What text is written on.
    pub sheet: Sheet,
    /// Say nothing but why the run failed.
    pub quiet: bool,
    /// Say more.
    pub verbose: bool,
    /// Which tunnels.
    pub tunnel: Option<String>,
    /// How to go about it.
    pub pipeline: pipeline::Options,
}

impl Options {
    /// Makes sense of the arguments, and checks what can be checked before the work begins.
    pub fn new(args: CommonArgs) -> Result<Self, Error> {
        let (keys, problems) = keys::load(&args.keys)?;
        if !args.quiet {
            problems.iter().for_each(complain);
        }
        let since = args.since.as_deref().map(moment).transpose()?;
        let until = args.until.as_deref().map(moment).transpose()?;
        if since.zip(until).is_some_and(|(since, until)| since > until) {
            return Err(Error::Usage("--since is later than --until".to_owned()));
        }
        let output = args.output.filter(|path| path.as_os_str() != "-");
        let on_terminal = output.is_none() && io::stdout().is_terminal();
        let mut pipeline = pipeline::Options {
            threads: args.threads,
            since,
            until,
            keys: Arc::new(keys),
            ..Default::default()
        };
        if let Some(memory) = args.max_memory {
            pipeline.bounds = Bounds::within(memory).ok_or_else(|| {
                Error::Usage(format!(
                    "--max-memory: {}M are the least that a run needs",
                    MEMORY_LEAST >> 20
                ))
            })?;
        }
        if let Some(octets) = args.chunk_size {
            pipeline.chunk_size = Some(octets);
        }
        Ok(Self {
            inputs: inputs(args.inputs)?,
            format: args.format,
            sheet: sheet(args.color, on_terminal),
            output,
            on_terminal,
            quiet: args.quiet,
            verbose: args.verbose,
            tunnel: args.tunnel,
            pipeline,
        })
    }

    /// Shows progress on standard error while the returned value lives, where that is wanted.
    pub fn watch(&mut self) -> Option<Progress> {
        let progress = Progress::new().filter(|_| !self.quiet)?;
        self.pipeline.progress = Some(progress.callback());
        Some(progress)
    }
}

/// No input means a pipe, unless standard input is a terminal: then something was forgotten.
fn inputs(inputs: Vec<PathBuf>) -> Result<Vec<PathBuf>, Error> {
    if !inputs.is_empty() {
        Ok(inputs)
    } else if io::stdin().is_terminal() {
        Err(Error::Usage("no input; see espial --help".to_owned()))
    } else {
        Ok(vec![PathBuf::from("-")])
    }
}

fn moment(text: &str) -> Result<Timestamp, Error> {
    calendar::parse(text).ok_or_else(|| {
        Error::Usage(format!(
            "{text}: not a time; expected such as 2024-02-29T12:00:00Z, or seconds since the epoch"
        ))
    })
}

/// The sheet for standard output.
pub fn sheet(colour: Colour, on_terminal: bool) -> Sheet {
    let fallback = Sheet::default();
    let width = match terminal_size::terminal_size() {
        Some((width, _)) if on_terminal => usize::from(width.0.clamp(*WIDTH.start(), *WIDTH.end())),
        _ => fallback.width,
    };
    let colour = match colour {
        Colour::Always => true,
        Colour::Never => false,
        // Knows NO_COLOR, CLICOLOR and dumb terminals.
        Colour::Auto => {
            on_terminal
                && anstream::AutoStream::choice(&io::stdout()) != anstream::ColorChoice::Never
        }
    };
    Sheet {
        width,
        colour,
        ..fallback
    }
}
