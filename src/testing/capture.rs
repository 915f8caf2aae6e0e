//! Writes captures for tests: pcap of IPv4 packets without a link, one millisecond between two
//! unless there is a pause.

use std::net::SocketAddrV4;

/// A capture that grows packet by packet.
#[derive(Clone, Debug)]
pub struct Emitter {
    octets: Vec<u8>,
    /// Microseconds from the beginning to the next packet, less one millisecond.
    micros: i64,
    snaplen: usize,
}

/// What a TCP header says beside its ports.
#[derive(Clone, Copy, Debug, Default)]
pub struct Segment {
    /// Sequence number.
    pub sequence: u32,
    /// Acknowledgment number; the ACK bit is set with it.
    pub acknowledgment: Option<u32>,
    /// The SYN bit.
    pub syn: bool,
    /// The FIN bit.
    pub fin: bool,
    /// The RST bit.
    pub rst: bool,
}

const UDP: u8 = 17;
const TCP: u8 = 6;

impl Default for Emitter {
    fn default() -> Self {
        Self::new(65535)
    }
}

impl Emitter {
    /// A capture without packets, of each of which it keeps so many octets.
    pub fn new(snaplen: u16) -> Self {
        const RAW: u32 = 101;
        let head: [&[u8]; 5] = [
            &0xa1b2_c3d4_u32.to_be_bytes(),
            &[0, 2, 0, 4],
            &[0; 8],
            &u32::from(snaplen).to_be_bytes(),
            &RAW.to_be_bytes(),
        ];
        Self {
            octets: head.concat(),
            micros: 0,
            snaplen: snaplen.into(),
        }
    }

    /// The file so far.
    pub fn octets(&self) -> &[u8] {
        &self.octets
    }

    /// Adds a UDP datagram.
    pub fn udp(&mut self, from: SocketAddrV4, to: SocketAddrV4, data: &[u8]) -> &mut Self {
        self.ip(from, to, UDP, 0, &udp(from, to, data))
    }

    /// Adds a UDP datagram in two IP fragments, the first with `first` octets after the IP header.
    pub fn udp_in_two(
        &mut self,
        from: SocketAddrV4,
        to: SocketAddrV4,
        data: &[u8],
        first: u16,
    ) -> &mut Self {
        const MORE: u16 = 0x2000;
        let whole = udp(from, to, data);
        let (head, tail) = whole
            .split_at_checked(first.into())
            .unwrap_or((&whole, &[]));
        self.ip(from, to, UDP, MORE, head);
        self.ip(from, to, UDP, first / 8, tail)
    }

    /// Adds a TCP segment.
    pub fn tcp(
        &mut self,
        from: SocketAddrV4,
        to: SocketAddrV4,
        segment: Segment,
        data: &[u8],
    ) -> &mut Self {
        let flags = u8::from(segment.fin)
            | u8::from(segment.syn) << 1
            | u8::from(segment.rst) << 2
            | u8::from(segment.acknowledgment.is_some()) << 4;
        let parts: [&[u8]; 7] = [
            &from.port().to_be_bytes(),
            &to.port().to_be_bytes(),
            &segment.sequence.to_be_bytes(),
            &segment.acknowledgment.unwrap_or(0).to_be_bytes(),
            &[0x50, flags, 0xff, 0xff],
            &[0; 4],
            data,
        ];
        self.ip(from, to, TCP, 0, &parts.concat())
    }

    /// Lets time pass before the next packet; a negative pause sets the clock back.
    pub fn pause(&mut self, micros: i64) -> &mut Self {
        self.micros = self.micros.saturating_add(micros);
        self
    }

    /// Adds an IPv4 packet or a piece of one: `fragment` holds its flags and its offset in units of
    /// eight octets. The ports of the ends count for nothing.
    pub fn ip(
        &mut self,
        from: SocketAddrV4,
        to: SocketAddrV4,
        protocol: u8,
        fragment: u16,
        payload: &[u8],
    ) -> &mut Self {
        let length = u16::try_from(20 + payload.len()).unwrap_or(u16::MAX);
        let parts: [&[u8]; 8] = [
            &[0x45, 0],
            &length.to_be_bytes(),
            &[0x12, 0x34],
            &fragment.to_be_bytes(),
            &[64, protocol, 0, 0],
            &from.ip().octets(),
            &to.ip().octets(),
            payload,
        ];
        let packet = parts.concat();
        let kept = packet.get(..self.snaplen).unwrap_or(&packet);
        self.pause(1000);
        let count = |octets: &[u8]| u32::try_from(octets.len()).unwrap_or(u32::MAX);
        let seconds = self
            .micros
            .div_euclid(1_000_000)
            .saturating_add(1_700_000_000);
        let micros = self.micros.rem_euclid(1_000_000);
        for word in [
            u32::try_from(seconds).unwrap_or_default(),
            u32::try_from(micros).unwrap_or_default(),
            count(kept),
            count(&packet),
        ] {
            self.octets.extend(word.to_be_bytes());
        }
        self.octets.extend(kept);
        self
    }
}

fn udp(from: SocketAddrV4, to: SocketAddrV4, data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(8 + data.len()).unwrap_or(u16::MAX);
    let parts: [&[u8]; 5] = [
        &from.port().to_be_bytes(),
        &to.port().to_be_bytes(),
        &length.to_be_bytes(),
        &[0, 0],
        data,
    ];
    parts.concat()
}
