//! Reading IKE messages: the header and the chain of payloads alone, and everything in them.
//!
//! The messages are those of the captures that the project ships, so the mix is one of real daemons.
#![allow(
    clippy::expect_used,
    reason = "a benchmark that meets the unexpected should stop"
)]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use espial::net::Body;
use espial::wire::{Chain, Header, Message};
use std::hint::black_box;
use std::ops::ControlFlow;

/// The IKE messages of a shipped capture.
fn messages(case: &str) -> Vec<Vec<u8>> {
    let path = format!(
        "{}/captures/{case}/capture.pcapng",
        env!("CARGO_MANIFEST_DIR")
    );
    let inputs = espial::capture::expand(&[path.into()]).expect("the capture can be read");
    let mut messages = Vec::new();
    let mut visit = |datagram: &espial::net::Datagram<'_>, _, _: &espial::session::Reading| {
        if let Body::Ike(octets) = datagram.body {
            messages.push(octets.to_vec());
        }
        ControlFlow::Continue(())
    };
    espial::dissect(inputs, &espial::Options::default(), &mut visit).expect("threads start");
    messages
}

fn message(criterion: &mut Criterion) {
    for case in ["healthy-ikev1", "healthy-ikev2-psk"] {
        let messages = messages(case);
        let mut group = criterion.benchmark_group(case);
        group.throughput(Throughput::Elements(messages.len() as u64));
        group.bench_function("walk", |bencher| {
            bencher.iter(|| {
                for octets in &messages {
                    let header = Header::read(black_box(octets));
                    for link in header.iter().flat_map(|header| Chain::new(header, octets)) {
                        black_box(link);
                    }
                }
            });
        });
        group.bench_function("read", |bencher| {
            bencher.iter(|| {
                for octets in &messages {
                    black_box(Message::read(black_box(octets)));
                }
            });
        });
        group.finish();
    }
}

criterion_group!(benches, message);
criterion_main!(benches);
