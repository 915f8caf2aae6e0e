//! Listens to a pipe, and when it ends says what was wrong with each tunnel.
//!
//!     cargo run -q --example live_tap < captures/dh-group-refused/capture.pcapng
//!
//! On a gateway: `timeout 600 tcpdump -U -i eth0 -w - 'udp port 500 or udp port 4500 or esp' | live_tap`.
//!
//! Findings come when the pipe ends, not before: most rest on what did *not* come, an answer, a packet
//! or a rekey, and what comes later explains what came earlier. Who must see packets as they come asks
//! `espial::dissect`, as `print_ike.rs` does.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "it is what the example is for"
)]

use espial::{Options, analyze, capture};
use std::error::Error;
use std::io::{IsTerminal, stderr};
use std::sync::Arc;

fn main() -> Result<(), Box<dyn Error>> {
    let watched = stderr().is_terminal();
    let options = Options {
        progress: Some(Arc::new(move |octets, _| {
            if watched {
                eprint!("\r{} KiB heard", octets >> 10);
            }
        })),
        ..Options::default()
    };
    let analysis = analyze(capture::expand(&["-".into()])?, &options)?;
    for finding in &analysis.findings {
        println!(
            "{:?}, {:?}: {}",
            finding.severity, finding.confidence, finding.title
        );
        println!("  {}", finding.says);
    }
    for blind in &analysis.model.blind {
        println!("Not to be seen here: {}: {}", blind.what, blind.why);
    }
    Ok(())
}
