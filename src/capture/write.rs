//! Frames to a pcapng file (draft-ietf-opsawg-pcapng), little-endian, with nanoseconds.
//!
//! Four blocks are less than a feature of pcap-parser and another crate with it.

use super::LinkType;
use crate::units::Timestamp;
use std::io::{self, Write};

/// Writes one section of a pcapng file.
#[derive(Debug)]
pub struct Writer<W> {
    out: W,
    interfaces: u32,
}

const SECTION_HEADER: u32 = 0x0a0d_0d0a;
const INTERFACE_DESCRIPTION: u32 = 1;
const INTERFACE_STATISTICS: u32 = 5;
const ENHANCED_PACKET: u32 = 6;

const END_OF_OPTIONS: u16 = 0;
const COMMENT: u16 = 1;
const USER_APPLICATION: u16 = 4;
const IF_NAME: u16 = 2;
const IF_TSRESOL: u16 = 9;

/// `if_tsresol` of nanoseconds.
const NANOSECONDS: u8 = 9;

impl<W: Write> Writer<W> {
    /// Begins a file.
    ///
    /// # Errors
    /// Those of the output.
    pub fn new(mut out: W, application: &str, comment: &str) -> io::Result<Self> {
        let mut body = Vec::new();
        body.extend(0x1a2b_3c4d_u32.to_le_bytes());
        body.extend(1_u16.to_le_bytes());
        body.extend(0_u16.to_le_bytes());
        // The length of the section is not known yet.
        body.extend(u64::MAX.to_le_bytes());
        option(&mut body, COMMENT, comment.as_bytes());
        option(&mut body, USER_APPLICATION, application.as_bytes());
        option(&mut body, END_OF_OPTIONS, &[]);
        block(&mut out, SECTION_HEADER, &body)?;
        Ok(Self { out, interfaces: 0 })
    }

    /// Describes an interface; its number.
    ///
    /// # Errors
    /// Those of the output.
    pub fn interface(&mut self, link: LinkType, name: &str, comment: &str) -> io::Result<u32> {
        let mut body = Vec::new();
        body.extend(link.0.to_le_bytes());
        body.extend(0_u16.to_le_bytes());
        // No snapshot length: frames are as long as they are.
        body.extend(0_u32.to_le_bytes());
        option(&mut body, IF_NAME, name.as_bytes());
        option(&mut body, COMMENT, comment.as_bytes());
        option(&mut body, IF_TSRESOL, &[NANOSECONDS]);
        option(&mut body, END_OF_OPTIONS, &[]);
        block(&mut self.out, INTERFACE_DESCRIPTION, &body)?;
        self.interfaces += 1;
        Ok(self.interfaces - 1)
    }

    /// Writes a packet of an interface. A time before the epoch becomes the epoch, which is the
    /// first that the format knows.
    ///
    /// # Errors
    /// Those of the output.
    pub fn packet(
        &mut self,
        interface: u32,
        time: Timestamp,
        wire_len: u32,
        bytes: &[u8],
    ) -> io::Result<()> {
        let time = u64::try_from(time.0).unwrap_or(0);
        let mut body = Vec::with_capacity(bytes.len() + 24);
        body.extend(interface.to_le_bytes());
        // The upper half comes first, in any byte order.
        body.extend(time.to_le_bytes().into_iter().skip(4));
        body.extend(time.to_le_bytes().into_iter().take(4));
        body.extend(length(bytes)?.to_le_bytes());
        body.extend(wire_len.to_le_bytes());
        body.extend(bytes);
        pad(&mut body);
        block(&mut self.out, ENHANCED_PACKET, &body)
    }

    /// Ends the file with a comment: one on the statistics of the first interface, since nothing
    /// else may stand at the end. A file without interfaces has none.
    ///
    /// # Errors
    /// Those of the output.
    pub fn finish(mut self, time: Timestamp, comment: &str) -> io::Result<W> {
        if self.interfaces > 0 {
            let time = u64::try_from(time.0).unwrap_or(0);
            let mut body = Vec::new();
            body.extend(0_u32.to_le_bytes());
            body.extend(time.to_le_bytes().into_iter().skip(4));
            body.extend(time.to_le_bytes().into_iter().take(4));
            option(&mut body, COMMENT, comment.as_bytes());
            option(&mut body, END_OF_OPTIONS, &[]);
            block(&mut self.out, INTERFACE_STATISTICS, &body)?;
        }
        Ok(self.out)
    }
}

fn block(out: &mut impl Write, kind: u32, body: &[u8]) -> io::Result<()> {
    let total = length(body)?.saturating_add(12).to_le_bytes();
    out.write_all(&kind.to_le_bytes())?;
    out.write_all(&total)?;
    out.write_all(body)?;
    out.write_all(&total)
}

/// Appends an option, padded to words. What is longer than an option can be is cut.
fn option(body: &mut Vec<u8>, code: u16, value: &[u8]) {
    let length = u16::try_from(value.len()).unwrap_or(u16::MAX);
    body.extend(code.to_le_bytes());
    body.extend(length.to_le_bytes());
    body.extend(value.iter().take(length.into()));
    pad(body);
}

fn pad(body: &mut Vec<u8>) {
    body.resize(body.len().next_multiple_of(4), 0);
}

fn length(octets: &[u8]) -> io::Result<u32> {
    u32::try_from(octets.len()).map_err(|_| io::ErrorKind::InvalidInput.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::{Input, Scratch};

    #[test]
    fn what_is_written_is_read_back() {
        let mut writer = Writer::new(Vec::new(), "espial", "of a section").unwrap();
        let first = writer.interface(LinkType::ETHERNET, "one", "").unwrap();
        let second = writer.interface(LinkType::RAW, "two", "words").unwrap();
        let frames = [
            (first, 1_700_000_000_123_456_789, 100, &[1, 2, 3][..]),
            (second, 0, 4, &[4, 5, 6, 7]),
            (first, i64::MAX, 0, &[]),
        ];
        for (interface, time, wire_len, bytes) in frames {
            writer
                .packet(interface, Timestamp(time), wire_len, bytes)
                .unwrap();
        }
        let file = writer.finish(Timestamp(7), "the end").unwrap();
        assert!(file.len().is_multiple_of(4));

        let path = std::env::temp_dir().join(format!("espial-written-{}", std::process::id()));
        std::fs::write(&path, file).unwrap();
        let mut chunks = Input::open(&path, 0).unwrap().chunks(1 << 20);
        let mut read = Vec::new();
        while let Some(chunk) = chunks.next() {
            let walked = chunk.unwrap().walk(&mut Scratch::default(), None, |frame| {
                read.push((
                    frame.vantage.interface,
                    frame.time.unwrap().0,
                    frame.wire_len,
                    frame.link,
                    frame.bytes.to_vec(),
                ));
            });
            assert_eq!(walked.problems.into_vec(), []);
        }
        std::fs::remove_file(&path).unwrap();
        let links = [LinkType::ETHERNET, LinkType::RAW, LinkType::ETHERNET];
        let written: Vec<_> = frames
            .into_iter()
            .zip(links)
            .map(|((interface, time, wire_len, bytes), link)| {
                (interface, time, wire_len, link, bytes.to_vec())
            })
            .collect();
        assert_eq!(read, written);
    }
}
