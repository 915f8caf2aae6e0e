//! Prints the IKE messages of a capture, payload by payload, and with keys what is inside.
//!
//!     cargo run -q --example print_ike -- captures/healthy-ikev2-psk/capture.pcapng captures/healthy-ikev2-psk/keys
#![allow(clippy::print_stdout, reason = "it is what the example is for")]

use espial::model::Plain;
use espial::net::Body;
use espial::wire::{self, Faults, Message, Payload};
use espial::{Options, capture, dissect, keys};
use std::error::Error;
use std::ops::ControlFlow;
use std::sync::Arc;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1).map(Into::into);
    let input = arguments.next().ok_or("which capture?")?;
    let (keys, _) = keys::load(&arguments.collect::<Vec<_>>())?;
    let options = Options {
        keys: Arc::new(keys),
        ..Options::default()
    };
    dissect(
        capture::expand(&[input])?,
        &options,
        &mut |datagram, _, reading| {
            let Body::Ike(octets) = datagram.body else {
                return ControlFlow::Continue(());
            };
            let message = Message::read(octets);
            let header = &message.header;
            let (frame, path) = (datagram.stamp.frame, &datagram.path);
            let kind = if header.flags.response() {
                "response"
            } else {
                "request"
            };
            println!("frame {frame}  {} > {}", path.from, path.to);
            println!("  {} {kind} {}", header.exchange, header.message_id);
            print(&message.payloads, "    ");
            if let Plain::Opened(opened) = &reading.plain {
                let mut faults = Faults::default();
                print(&opened.payloads(header.version, &mut faults), "      ");
            }
            for fault in &message.faults {
                println!("    fault: {fault}");
            }
            ControlFlow::Continue(())
        },
    )?;
    Ok(())
}

/// A line for each payload: its type, and what it says.
fn print(payloads: &[Payload<'_>], indent: &str) {
    for payload in payloads {
        match &payload.body {
            wire::Body::V1(body) => println!("{indent}{}: {body}", payload.kind),
            wire::Body::V2(body) => println!("{indent}{}: {body}", payload.kind),
            wire::Body::Opaque(octets) => {
                println!("{indent}{}: {} octets", payload.kind, octets.len())
            }
        }
    }
}
