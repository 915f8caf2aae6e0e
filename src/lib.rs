//! Reads packet captures and tells what is wrong with an IPsec VPN.
//!
//! This is the library behind the program `espial`: a parser of IKE, ESP and AH that may be given
//! hostile octets, and what puts a whole capture together. What follows takes ten minutes.
//!
//! # Octets to an IKE message, and back
//!
//! What a UDP payload holds is told by its octets ([`wire::natt`]). A message is read without copying
//! and without fail: what cannot be read is a fault beside what can.
//!
//! ```
//! use espial::registry::{ExchangeType, NotifyType, PayloadType};
//! use espial::wire::{Message, natt::Content};
//!
//! let payload = b"\0\0\0\0\
//!     \x4a\x1b\x09\xc1\x5e\x88\x72\x3d\0\0\0\0\0\0\0\0\x29\x20\x22\x20\0\0\0\0\0\0\0\x24\
//!     \0\0\0\x08\0\0\0\x0e";
//! let on_port_4500 = true;
//! let Content::Ike(octets) = Content::of(payload, on_port_4500) else {
//!     panic!("there is a non-ESP marker before it");
//! };
//!
//! let message = Message::read(octets);
//! assert_eq!(message.header.exchange, ExchangeType::IKE_SA_INIT);
//! for payload in &message.payloads {
//!     println!("{} at octet {}: {:?}", payload.kind, payload.at, payload.body);
//! }
//! // Names are IANA's; a number without a name stays a number.
//! let notify = message.notify(NotifyType::NO_PROPOSAL_CHOSEN).expect("it is refused");
//! assert_eq!(notify.kind.to_string(), "NO_PROPOSAL_CHOSEN");
//! assert!(message.faults.is_empty());
//! assert_eq!(message.emit(), octets);
//!
//! // Half of it is still a message.
//! let cut = Message::read(&octets[..30]);
//! assert_eq!(cut.header, message.header);
//! for fault in &cut.faults {
//!     println!("{fault}");
//! }
//! # assert!(!cut.faults.is_empty());
//! ```
//!
//! Where no message is needed whole, [`wire::Chain`] walks the payloads and allocates nothing.
//!
//! # A capture, datagram by datagram, and opened
//!
//! [`capture::expand`] opens files of several formats, folders and `-`. [`dissect`] calls a function
//! for every datagram with IPsec, in the order of the frames, with fragments put together. Keys come
//! from files of several programs ([`keys`]); what they open comes along.
//!
//! ```
//! use espial::{Options, capture, dissect, keys, model::Plain, net::Body, wire::Faults};
//! use std::{ops::ControlFlow, sync::Arc};
//!
//! let (keys, _) = keys::load(&["captures/healthy-ikev2-psk/keys".into()])?;
//! let options = Options { keys: Arc::new(keys), ..Options::default() };
//! let inputs = capture::expand(&["captures/healthy-ikev2-psk/capture.pcapng".into()])?;
//! let mut opened = 0;
//! dissect(inputs, &options, &mut |datagram, _time, reading| {
//!     if let (Body::Ike(octets), Plain::Opened(inside)) = (&datagram.body, &reading.plain) {
//!         let version = espial::wire::Message::read(octets).header.version;
//!         for payload in inside.payloads(version, &mut Faults::default()) {
//!             println!("frame {}: {}", datagram.stamp.frame, payload.kind);
//!         }
//!         opened += 1;
//!     }
//!     ControlFlow::Continue(())
//! })?;
//! assert!(opened >= 2);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Who has octets and keys of their own, and no capture, asks [`crypto`]; who takes frames from
//! elsewhere, [`net::peel`] and [`session::Session`].
//!
//! # What is wrong
//!
//! [`analyze`] reads everything and gives an [`Analysis`]: the [`model::Model`], which is what was found,
//! in flat tables, and the [`diagnose::Finding`]s, which are what it means, each with the frames that
//! show it.
//!
//! ```
//! use espial::{Options, analyze, capture};
//!
//! let inputs = capture::expand(&["captures/esp-one-way/capture.pcapng".into()])?;
//! let analysis = analyze(inputs, &Options::default())?;
//! for finding in &analysis.findings {
//!     println!("{:?} {}: {}", finding.severity, finding.rule.slug, finding.title);
//! }
//! assert_eq!(analysis.model.tunnels.len(), 1);
//! assert_eq!(analysis.findings[0].rule.slug, "esp-one-way");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`report`] writes it as text or JSON. What was not seen is `None`; what a capture cannot show is
//! listed in [`model::Model::blind`].
//!
//! # A rule of one's own
//!
//! A [`diagnose::Rule`] looks at one tunnel, its [`diagnose::Case`], and returns findings. It runs beside
//! ours or alone. A packet's absence proves nothing where the capture could not have seen it: ask
//! [`diagnose::Case::tap`] first.
//!
//! ```
//! use espial::diagnose::{Case, Confidence, Finding, Rule, Severity, Signs, run};
//! use espial::{Options, analyze, capture, say};
//!
//! static OLD: Rule = Rule {
//!     slug: "old-ike",
//!     code: "OWN001",
//!     severity: Severity::Warning,
//!     summary: "A tunnel still uses IKEv1",
//!     document: "",
//!     explains: &[],
//!     needs: Signs::V1,
//!     check: |case: &Case<'_>| {
//!         let old = case.ike_sas().find(|sa| sa.version.major() == 1);
//!         let finding = old.map(|sa| {
//!             let initiator = sa.paths[0].from;
//!             Finding::new(&OLD, Confidence::Certain, case.id, sa.seen.first, "the first message")
//!                 .says(say!("{initiator} asks for IKEv1 (RFC 9395 retires it).", initiator))
//!         });
//!         finding.into_iter().collect()
//!     },
//! };
//!
//! let inputs = capture::expand(&["captures/healthy-ikev1/capture.pcapng".into()])?;
//! let model = analyze(inputs, &Options::default())?.model;
//! assert_eq!(run(&model, &[&OLD]).len(), 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The folder `examples/` has four small programs that go on from here.
//!
//! # What is promised
//!
//! - Captures and key files are taken for hostile: nothing panics on them, and work and memory have
//!   bounds ([`limits`]); meeting one is told.
//! - Unknown numbers keep their number: a registry is open, no `enum`.
//! - The same octets give the same result on any machine, with any number of threads.
//! - Signatures name no other crate's types but those of `bytes`. What is not documented is not part
//!   of the API. `tests/public-api.txt` lists all that is, and a change of it decides the version.
//!
//! # Features
//!
//! | feature | brings |
//! |---|---|
//! | none | [`wire`], [`registry`], [`units`], [`limits`]: no `std`, `alloc` alone |
//! | `std` | all that is described here; certificates are read too |
//! | `cli` (default) | the program and its crates |
#![cfg_attr(not(feature = "std"), no_std)]
#![cfg_attr(
    not(feature = "std"),
    allow(
        dead_code,
        rustdoc::broken_intra_doc_links,
        reason = "some of it is there for the modules above, and tells of them"
    )
)]
#![cfg_attr(test, allow(clippy::unwrap_used))]
#![deny(missing_docs)]

extern crate alloc;

pub mod limits;
pub mod registry;
pub mod units;
pub mod wire;

#[cfg(feature = "std")]
pub mod capture;
#[cfg(feature = "std")]
pub mod crypto;
#[cfg(feature = "std")]
pub mod diagnose;
#[cfg(feature = "std")]
pub mod keys;
#[cfg(feature = "std")]
pub mod language;
#[cfg(feature = "std")]
pub mod model;
#[cfg(feature = "std")]
pub mod net;
#[cfg(feature = "std")]
pub mod report;
#[cfg(feature = "std")]
pub mod session;

#[cfg(feature = "std")]
mod assemble;
#[cfg(feature = "std")]
mod each;
#[cfg(feature = "std")]
mod pipeline;

#[cfg(feature = "std")]
pub use pipeline::{Analysis, Error, Options, Progress, Told, Visit, analyze, decrypt, dissect};

// What follows can be named and is no part of the API: it changes without a word.

/// The program: its interface is its arguments. Public since `main.rs` runs it.
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod cli;

/// The laws that the fuzzers in `fuzz/` hold the library to.
#[cfg(feature = "std")]
#[doc(hidden)]
pub mod fuzzing;

/// Conversations in text, for the tests in `tests/`.
#[cfg(feature = "std")]
#[doc(hidden)]
pub mod testing;

// The stages between a capture and its model, for `benches/stages.rs`, which measures each alone.
#[cfg(feature = "std")]
#[doc(hidden)]
pub mod census;
#[cfg(feature = "std")]
#[doc(hidden)]
pub mod fold;
#[cfg(feature = "std")]
#[doc(hidden)]
pub mod sadb;
#[cfg(feature = "std")]
#[doc(hidden)]
pub mod scan;
