//! A conversation in text becomes a model: how tests of the assembly, of the rules and of what is
//! said of each packet are written.
//!
//! One line is one event, or a train of them: a time in seconds, who sends to whom, what.
//! `#` begins a comment. Lines may stand in any order; frames are numbered by time.
//!
//! ```text
//! 0.0   A:500 > B:500   IKE_SA_INIT i=1 r=0 id=0 request  SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce NATD
//! 0.02  B:500 > A:500   IKE_SA_INIT i=1 r=2 id=0 response SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14) KE(14) Nonce NATD
//! 0.03  A:4500 > B:4500 IKE_AUTH i=1 r=2 id=1 request sealed 256 again=4,11.2
//! 4.0   A > B           ESP 0xc0000001 seq 1..100,102 every 0.01 size 140
//! 5.0   R > A           ICMP 3/4 mtu 1400 quoting A > B ESP 0xc0000001
//! ```
//!
//! **Ends** are one capital letter (`A` is 192.0.2.1, `B` 192.0.2.2, …) or an IP address
//! (an IPv6 address with a port in brackets). A port puts ESP into UDP.
//!
//! **Every line** takes `tap=N` (input recorded by, 0 unless said), `station=N` (which put it on the link; the link
//! does not tell unless said), `ttl=N` (64), `class=N` (DSCP and ECN in one octet, 0), `df`, `padded` (its frame is
//! longer).
//!
//! **IKE lines** name an exchange: `IKE_SA_INIT`, `IKE_INTERMEDIATE`, `IKE_AUTH`, `CREATE_CHILD_SA`,
//! `INFORMATIONAL`, `IKE_FOLLOWUP_KE`, `GSA_AUTH`, `GSA_REKEY`; `MAIN`, `AGGRESSIVE`, `QUICK`,
//! `GROUPKEY_PUSH`, `TRANSACTION`, `INFO_V1`.
//! Then words in any order:
//! - `i=` `r=` SPIs in hex, `id=` message ID (decimal or `0x…`), `request` or `response` (IKEv2);
//! - `by=initiator` or `by=responder` sets the I flag. Unless said, an end keeps the side it had
//!   before under the same `i`; else whoever sends a request is the initiator;
//! - `again=4,11.2` sends the same octets again so many seconds after the line;
//! - `seed=N` makes other octets of the same size; a line written twice gives the same octets;
//! - `pieces=N` says that IP cut the datagram in so many fragments; `cut` that the capture did;
//! - `sealed L` makes the body encrypted and the whole message `L` octets long;
//!   `fragment 2/3 sealed L` makes it an SKF payload (in IKEv1 a Fragment payload in clear);
//!   `L` must be a length that the suite can give, else sizes tell nothing: with AES-CBC and
//!   SHA2-256-128 a multiple of 16 from 80 on (80 a notify, 240 a whole `IKE_AUTH` response, 208 a
//!   `CREATE_CHILD_SA` response), with AES-GCM-16 57 (empty), 65 (a notify), 177 or more (a child);
//! - payloads: `SA(t t t | t t t)` with a bar between proposals; `KE(group)`; `Nonce`, `Nonce(octets)`;
//!   `N(type)`, `N(type hex)` with a name or number for the type; `VID(hex)`; `NATD` for hashes of
//!   the line's own ends, `NATD(A:500 B:500)` for hashes of others (source, destination);
//!   in IKEv1 also `HASH` and `ID`;
//! - `opened` after `sealed L` says that keys opened the message and that the payloads stand inside;
//!   without `sealed` it is as long as a notify. Payloads for it: `SA(ESP spi t t | t)`, `SA(AH spi t)`, `SA(IKE spi t)`,
//!   in IKEv1 `SA(ESP spi encr=12/256 auth=5 group=14 life=3600 kb=0 mode=1 esn=1)`, numbers of RFC 2407;
//!   `TSi(10.1.0.0/16 10.2.0.1-10.2.0.9:6/80)`, `TSr(…)`, `ID(10.1.0.0/16)`; `IDi(name)`, `IDr(name)`,
//!   `AUTH(method)`, `CERT(hex)`, `CERTREQ(hex)`, `EAP(code hex)`, `CP(type)`, `CP(type hex)` with its attributes, `D(IKE)`, `D(ESP spi spi)`, `N(REKEY_SA ESP spi)`.
//! - transforms have their IANA names, with `-bits` for a key length, `DH14` for a group,
//!   `ADDKE1=36` for an additional one and `ESN=1` for sequence numbers. IKEv1 proposals are `encr=7/256 hash=4 auth=1 group=14
//!   life=28800 kb=0`, numbers of RFC 2409 appendix A.
//!
//! **`ESP spi`** and **`AH spi`**: `seq 1..100,102,101` in the order of arrival, `every SECONDS` (0.01),
//! `size 140` or `size 100,140` in turn: octets from the SPI to the end of the checksum (140); `pieces=N` says that IP
//! cut each into so many fragments, which were put together.
//!
//! `inner(…)` says what keys found inside, which stands for each packet of a train, and `spoilt` that
//! the keys are right and the checksum is not. Inside stand `FROM > TO`, then one of
//! - `echo 7/1`, `reply 7/1`: identifier and sequence number, which grows along the train;
//! - `TCP 40000 > 443 SYN,ACK seq 1 ack 2 data 100`, on port 179 also `OPEN as 65001 hold 90`,
//!   `KEEPALIVE`, `NOTIFICATION 2/2`;
//! - `UDP 5000 > 53`; `IP 47`;
//! - `ICMP 3/1 mtu 1400 quoting FROM > TO TCP 40000 > 443`, or a protocol number at the end;
//!
//! and maybe `length N` of the packet (84, or what TCP takes).
//!
//! **`ICMP type/code`**: `mtu N`, `quoting FROM > TO ESP spi`, `… AH spi`, `… IKE i=1 r=0`, `… CLEAR 1`,
//! `length N` of the quoted packet, `every SECONDS`, `count N`.
//!
//! **`KEEPALIVE`**: `every SECONDS` (20), `count N` (1).
//!
//! **`CLEAR protocol`**: `count N` (1), `every SECONDS` (1), `requests N` (0), `size N` (84).
//!
//! **`FRAGMENTS protocol`**: `complete N`, `incomplete N`, `pieces N`, `largest N` (1500).

pub mod capture;
mod fold;
mod inner;
mod line;
mod octets;
mod payload;
mod replay;
mod words;

use crate::diagnose::{self, Case, Finding};
use crate::model::Model;
use crate::net::Datagram;
use crate::units::Timestamp;

/// The assembled model of a conversation.
///
/// # Panics
/// If the text cannot be read: that is a mistake in the test.
#[expect(clippy::panic, reason = "a mistake in a test's own text")]
pub fn model(text: &str) -> Model {
    match census(text) {
        Ok(mut model) => {
            crate::assemble::assemble(&mut model, &crate::each::in_turn);
            model
        }
        Err(what) => panic!("{what}"),
    }
}

/// What is found in a conversation, and what it means.
///
/// # Panics
/// As [`model`] does.
pub fn analysis(text: &str) -> (Model, Vec<Finding>) {
    let mut model = model(text);
    let tunnels = model.tunnels.ids();
    let of_tunnels = tunnels.flat_map(|id| diagnose::blind_of(&Case::of(&model, id)));
    let of_tunnels = of_tunnels.collect();
    model.blind.extend(diagnose::blind(&model, of_tunnels));
    let findings = diagnose::run(&model, diagnose::RULES);
    (model, findings)
}

/// What a census would make of the conversation: messages and flows, nothing assembled.
///
/// # Errors
/// Says which line cannot be read, and why.
pub fn census(text: &str) -> Result<Model, String> {
    Ok(fold::fold(&packets(text)?))
}

/// Shows the datagrams of the conversation in the order of time, as the dissector sees them.
///
/// # Errors
/// Says which line cannot be read, and why.
pub fn replay(text: &str, visit: &mut dyn FnMut(&Datagram<'_>, Timestamp)) -> Result<(), String> {
    replay::replay(&packets(text)?, visit);
    Ok(())
}

/// The packets of the conversation, sorted by time.
fn packets(text: &str) -> Result<Vec<line::Packet>, String> {
    let mut reader = line::Reader::default();
    let mut packets = Vec::new();
    for (number, text) in text.lines().enumerate() {
        let text = text.split('#').next().unwrap_or_default().trim();
        if !text.is_empty() {
            reader
                .read(text, &mut packets)
                .map_err(|what| format!("line {}: {what}: {text}", number + 1))?;
        }
    }
    packets.sort_by_key(|packet| packet.time);
    Ok(packets)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Plain;

    #[test]
    fn a_conversation_is_numbered_by_time_and_counted() {
        let model = census(
            "4.0 A > B ESP 0xc1 seq 1..3,5,4 every 0.01 size 140
             0.0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(DH14) KE(14) Nonce NATD again=1
             2.0 B:4500 > A:4500 INFORMATIONAL i=1 r=2 id=0 request by=responder sealed 80",
        )
        .unwrap();
        let seen: Vec<_> = model
            .messages
            .iter()
            .map(|m| (m.frame.number, m.time.0 / 1_000_000, m.plain.clone()))
            .collect();
        assert_eq!(
            seen,
            [
                (1, 0, Plain::Clear),
                (2, 1000, Plain::Clear),
                (3, 2000, Plain::Sealed)
            ]
        );
        let [flow] = model.flows.iter().as_slice() else {
            panic!("one flow")
        };
        assert_eq!((flow.packets, flow.bytes), (5, 700));
        assert_eq!((flow.sequence.late, flow.sequence.missing), (1, 0));
        assert_eq!(flow.seen.last.0.number, 8);
    }

    #[test]
    fn every_written_message_has_the_length_its_header_says() {
        for line in [
            "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request SA(DH14 | DH15) KE(14) Nonce NATD N(16430) VID(00aa)",
            "0 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request sealed 256",
            "0 A:500 > B:500 IKE_AUTH i=1 r=2 id=1 request fragment 1/2 sealed 500",
            "0 A:500 > B:500 MAIN i=1 r=0 SA(encr=7/256 hash=4 auth=1 group=14 life=28800) VID(0102)",
            "0 A:500 > B:500 QUICK i=1 r=2 id=0x77 sealed 188",
            "0 A:500 > B:500 MAIN i=1 r=2 fragment 1/2 sealed 500",
        ] {
            let model = census(line).unwrap();
            for message in model.messages.iter() {
                assert_eq!(
                    message.header.length as usize,
                    message.bytes.len(),
                    "{line}"
                );
            }
        }
    }

    #[test]
    fn a_line_that_cannot_be_read_is_named() {
        let said = census("0 A > B ESP 0xc1\n1 A > NOWHERE ESP 0xc1").unwrap_err();
        assert!(said.starts_with("line 2: no end"), "{said}");
    }
}
