//! `espial dissect`: every datagram that holds IPsec, frame by frame.

use super::{open, problems};
use crate::cli::args::{DissectArgs, Format};
use crate::cli::error::Error;
use crate::cli::exit::Exit;
use crate::cli::options::Options;
use crate::cli::output::Output;
use crate::net::{Body, Datagram};
use crate::pipeline;
use crate::report::dissect::{Lines, write_ndjson};
use crate::session::Reading;
use crate::units::Timestamp;
use crate::wire::Message;
use std::io::{self, Write};
use std::ops::ControlFlow;

/// Octets that are gathered before they are written.
const BUFFER: usize = 64 * 1024;

/// Runs it.
pub fn run(args: DissectArgs) -> Result<Exit, Error> {
    let mut options = Options::new(args.common)?;
    let (out, inputs) = open(&options)?;
    // A bar would tear the lines apart.
    let progress = if options.on_terminal {
        None
    } else {
        options.watch()
    };
    // Who watches a pipe or a terminal wants each line at once.
    let piped = options.inputs.iter().any(|path| path.as_os_str() == "-");
    let live = options.on_terminal || piped;
    let mut records = Records {
        out,
        buffer: Vec::with_capacity(BUFFER * 2),
        format: options.format,
        lines: Lines::new(options.sheet, options.verbose)
            .wrapped(options.on_terminal)
            .live(piped),
        any: false,
        room: if live { 0 } else { BUFFER },
    };
    if options.format == Format::Json {
        records.buffer.push(b'[');
    }
    let filter = options.tunnel.as_deref().map(str::to_ascii_lowercase);
    let mut failed = None;
    let read = pipeline::dissect(inputs, &options.pipeline, &mut |datagram, time, reading| {
        if filter
            .as_ref()
            .is_some_and(|filter| !fits(datagram, filter))
        {
            return ControlFlow::Continue(());
        }
        match records.write(datagram, time, reading) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                failed = Some(error);
                ControlFlow::Break(())
            }
        }
    });
    drop(progress);
    if let Some(error) = failed {
        return Err(records.out.error(error));
    }
    let read = read?;
    match records.end() {
        Ok(()) => records.out.finish()?,
        Err(error) => return Err(records.out.error(error)),
    }
    Ok(problems(&read, &options))
}

/// Records on their way out.
struct Records {
    out: Output,
    buffer: Vec<u8>,
    format: Format,
    lines: Lines,
    any: bool,
    room: usize,
}

impl Records {
    fn write(
        &mut self,
        datagram: &Datagram<'_>,
        time: Timestamp,
        reading: &Reading,
    ) -> io::Result<()> {
        let start = self.buffer.len();
        match self.format {
            Format::Text => self
                .lines
                .write(&mut self.buffer, datagram, time, reading)?,
            Format::Ndjson => write_ndjson(&mut self.buffer, datagram, time, reading)?,
            Format::Json => {
                write_ndjson(&mut self.buffer, datagram, time, reading)?;
                if self.any && self.buffer.len() > start {
                    self.buffer.insert(start, b',');
                }
            }
        }
        self.any |= self.buffer.len() > start;
        if self.buffer.len() > self.room {
            self.drain()
        } else {
            Ok(())
        }
    }

    /// Writes what is held back, and what ends the format.
    fn end(&mut self) -> io::Result<()> {
        match self.format {
            Format::Text => self.lines.flush(&mut self.buffer)?,
            Format::Json => self.buffer.extend_from_slice(b"]\n"),
            Format::Ndjson => {}
        }
        self.drain()
    }

    fn drain(&mut self) -> io::Result<()> {
        self.out.write_all(&self.buffer)?;
        self.buffer.clear();
        Write::flush(&mut self.out)
    }
}

/// Whether an address or an SPI of the datagram has the filter in it.
fn fits(datagram: &Datagram<'_>, filter: &str) -> bool {
    let path = &datagram.path;
    let spis = match &datagram.body {
        Body::Ike(bytes) => Message::read(bytes).header.spis.to_string(),
        Body::Esp(esp) => esp.header.spi.to_string(),
        Body::Ah(ah) => ah.header.spi.to_string(),
        Body::Icmp(error) => {
            let quoted = &error.quoted;
            let esp = quoted.esp.map_or(String::new(), |spi| spi.to_string());
            format!("{} {} {esp}", quoted.from.address, quoted.to.address)
        }
        _ => String::new(),
    };
    [
        path.from.address.to_string(),
        path.to.address.to_string(),
        spis,
    ]
    .iter()
    .any(|word| word.contains(filter))
}
