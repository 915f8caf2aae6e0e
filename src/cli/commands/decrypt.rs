//! `espial decrypt`: the capture with what ESP carries in clear.

use super::{open, problems};
use crate::cli::args::{DecryptArgs, Format};
use crate::cli::complain;
use crate::cli::error::Error;
use crate::cli::exit::Exit;
use crate::cli::options::Options;
use crate::pipeline::{self, Told};
use crate::report::Decrypted;
use std::ops::ControlFlow;

/// SPIs that are told whose keys fit none of their packets.
const WRONG_KEYS_SHOWN: usize = 32;

/// Runs it. What became of the frames is told on standard error.
pub fn run(args: DecryptArgs) -> Result<Exit, Error> {
    if args.common.keys.is_empty() {
        return Err(Error::Usage("decrypt needs keys: --keys".to_owned()));
    }
    if args.common.format != Format::Text || args.common.tunnel.is_some() {
        let why = "decrypt writes pcapng, whole: no --format, no --tunnel";
        return Err(Error::Usage(why.to_owned()));
    }
    let mut options = Options::new(args.common)?;
    if options.on_terminal {
        let why = "decrypt writes pcapng, which is not for a terminal: --output";
        return Err(Error::Usage(why.to_owned()));
    }
    let (mut out, inputs) = open(&options)?;
    out.keep_private();
    let progress = options.watch();
    let mut decrypted = match Decrypted::new(&mut out) {
        Ok(decrypted) => decrypted,
        Err(error) => return Err(out.error(error)),
    };
    let mut failed = None;
    let read = pipeline::decrypt(inputs, &options.pipeline, &mut |told| {
        let written = match told {
            Told::Frame(frame, time) => decrypted.frame(frame, time),
            Told::Datagram(datagram) => {
                decrypted.datagram(datagram);
                Ok(())
            }
            Told::Key(id, key) => {
                decrypted.key(id, key);
                Ok(())
            }
        };
        match written {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                failed = Some(error);
                ControlFlow::Break(())
            }
        }
    });
    drop(progress);
    let finished = match failed {
        Some(error) => Err(error),
        None => decrypted.finish(),
    };
    let read = read?;
    let (tally, wrong_keys) = match finished {
        Ok((_, tally, wrong_keys)) => (tally, wrong_keys),
        Err(error) => return Err(out.error(error)),
    };
    out.finish()?;
    let exit = problems(&read, &options);
    if !options.quiet {
        wrong_keys.iter().take(WRONG_KEYS_SHOWN).for_each(complain);
        if let more @ 1.. = wrong_keys.len().saturating_sub(WRONG_KEYS_SHOWN) {
            complain(format!("and so of {more} more SPIs"));
        }
        complain(tally);
    }
    Ok(exit)
}
