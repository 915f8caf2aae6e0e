//! Counts for each SPI how many ESP packets came and how many were lost before the tap.
//!
//!     cargo run -q --example esp_loss -- captures/packet-loss/capture.pcapng
#![allow(clippy::print_stdout, reason = "it is what the example is for")]

use espial::{Options, analyze, capture};
use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let inputs: Vec<_> = std::env::args_os().skip(1).map(Into::into).collect();
    let analysis = analyze(capture::expand(&inputs)?, &Options::default())?;
    println!("SPI         to               came  lost");
    for flow in analysis.model.flows.iter() {
        let tally = &flow.sequence;
        // What came too late to be told from a repeat makes the count a guess, and it says so.
        let about = if tally.exact { "" } else { " or so" };
        println!(
            "{}  {:15} {:5} {:5}{about}",
            flow.key.spi,
            flow.key.to.to_string(),
            flow.packets,
            tally.missing,
        );
    }
    Ok(())
}
