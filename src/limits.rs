//! Every bound on work and memory, with its reason and what the report says when it is met. In the
//! order of the stages that keep them.
//!
//! Captures come from attackers: whatever grows with the input has its bound here. Meeting one is
//! told in the report's `blind` list, never hidden; where it is told elsewhere, or only costs time,
//! that is said.

use crate::units::Span;

// Memory that is limited by who runs it.

/// The least memory, in octets, that a run may be limited to: [`MEMORY_FIXED`], one thread, and some
/// thousand flows and messages.
pub const MEMORY_LEAST: u64 = 160 << 20;

/// Octets that a run may need whatever it counts: [`REASSEMBLY_OCTETS`], [`STREAM_OCTETS`],
/// [`IKE_FRAGMENT_OCTETS`], and the tables that are small. Keys come on top.
pub const MEMORY_FIXED: u64 = 96 << 20;

/// Octets that each thread may need, with [`LIMITED_CHUNK_OCTETS`] and [`LIMITED_CHUNKS_WAITING`]:
/// what it reads, and the events of its chunks, three times as large in the worst case.
pub const MEMORY_THREAD: u64 = 16 << 20;

/// As [`CHUNK_OCTETS`], where memory is limited.
pub const LIMITED_CHUNK_OCTETS: usize = 1 << 20;

/// As [`CHUNKS_WAITING`], where memory is limited.
pub const LIMITED_CHUNKS_WAITING: usize = 1;

/// As [`ZSTD_WINDOW_LOG`], where memory is limited to [`MEMORY_LEAST`]: as much as the `zstd` program asks
/// for at any level up to 19. More memory allows larger ones.
pub const LIMITED_ZSTD_WINDOW_LOG: u32 = 23;

/// Octets that a flow takes at most, with its tunnel, the findings about it and what is shown: its
/// row, 2 KiB of timeline, and all paths, samples, sizes and odd packets that are kept of one.
pub const FLOW_MEMORY: usize = 8 << 10;

/// Octets that an IKE message takes at most besides its own octets: its row, and if it is the only
/// one of its IKE SA all that is made of that, 5 KiB by measurement, more where findings quote it.
pub const MESSAGE_MEMORY: usize = 8 << 10;

/// Octets that a conversation inside ESP takes at most.
pub const INNER_FLOW_MEMORY: usize = 4 << 10;

/// The bounds that decide how much memory a run takes. Those that are usual are the constants of the
/// same names.
///
/// They depend on the memory alone, not on the threads: so does what is found.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Bounds {
    /// Threads that there is memory for.
    pub threads: usize,
    /// See [`CHUNK_OCTETS`].
    pub chunk_octets: usize,
    /// See [`CHUNKS_WAITING`].
    pub chunks_waiting: usize,
    /// See [`ZSTD_WINDOW_LOG`].
    pub zstd_window_log: u32,
    /// See [`MESSAGE_OCTETS`].
    pub message_octets: usize,
    /// See [`MESSAGES`].
    pub messages: usize,
    /// See [`FLOWS`].
    pub flows: usize,
    /// See [`FLOWS_WITH_ALL_HOLES`].
    pub flows_with_all_holes: usize,
    /// See [`RHYTHM_FLOWS`].
    pub rhythm_flows: usize,
    /// See [`INNER_FLOWS`].
    pub inner_flows: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            threads: usize::MAX,
            chunk_octets: CHUNK_OCTETS,
            chunks_waiting: CHUNKS_WAITING,
            zstd_window_log: ZSTD_WINDOW_LOG,
            message_octets: MESSAGE_OCTETS,
            messages: MESSAGES,
            flows: FLOWS,
            flows_with_all_holes: FLOWS_WITH_ALL_HOLES,
            rhythm_flows: RHYTHM_FLOWS,
            inner_flows: INNER_FLOWS,
        }
    }
}

impl Bounds {
    /// Bounds that keep a run within so many octets; `None` if that is less than [`MEMORY_LEAST`].
    ///
    /// Three quarters of what is not fixed are for what is counted, the rest for threads and, up to a half
    /// of what the first of these leaves, for the window of a zstd file. Flows and messages have shares of
    /// their own, so that a flood of one hides nothing of the other.
    pub fn within(memory: u64) -> Option<Self> {
        let counted = memory
            .checked_sub(MEMORY_LEAST)?
            .saturating_add(MEMORY_LEAST - MEMORY_FIXED - MEMORY_THREAD)
            / 4
            * 3;
        let reading = (memory - counted).saturating_sub(MEMORY_FIXED);
        let window = (reading.saturating_sub(MEMORY_THREAD) / 2).max(1 << LIMITED_ZSTD_WINDOW_LOG);
        let zstd_window_log = window.ilog2().min(ZSTD_WINDOW_LOG);
        let threads = reading.saturating_sub(1 << zstd_window_log) / MEMORY_THREAD;
        let octets = usize::try_from(counted).unwrap_or(usize::MAX);
        // Rows of this size in so many sixteenths of what there is.
        let rows = |sixteenths: usize, size: usize| octets / 16 * sixteenths / size;
        let usual = Self::default();
        Some(Self {
            threads: usize::try_from(threads).unwrap_or(usize::MAX).max(1),
            chunk_octets: LIMITED_CHUNK_OCTETS,
            chunks_waiting: LIMITED_CHUNKS_WAITING,
            zstd_window_log,
            message_octets: rows(2, 1).min(usual.message_octets),
            messages: rows(6, MESSAGE_MEMORY).min(usual.messages),
            flows: rows(5, FLOW_MEMORY).min(usual.flows),
            // A hole takes 8 octets, and a packet after it.
            flows_with_all_holes: rows(1, FLOW_HOLES * 16).min(usual.flows_with_all_holes),
            // One takes up to two KiB, and as much while it grows.
            rhythm_flows: rows(1, 4 << 10).min(usual.rhythm_flows),
            inner_flows: rows(1, INNER_FLOW_MEMORY).min(usual.inner_flows),
        })
    }
}

// The pipeline.

/// Octets of a chunk of a file at most: the more packets of a flow it holds, the more are counted at
/// once, before memory of another flow has to be fetched. What was read of it does not wait in memory,
/// only its events do, which are a third as large where packets are small.
pub const CHUNK_OCTETS: usize = 16 << 20;

/// Chunks that a file is cut into at least, unless they would be smaller than [`LIMITED_CHUNK_OCTETS`]:
/// enough for every thread to have its share to the end.
pub const CHUNKS_OF_FILE: u64 = 32;

/// Octets of a chunk of a stream at most, which wait in memory.
pub const STREAM_CHUNK_OCTETS: usize = 4 << 20;

/// Chunks that may wait for their turn to be folded, for each thread. Who has one more waits too.
pub const CHUNKS_WAITING: usize = 2;

/// Chunks of a stream that are cut ahead of those who walk them. It is read and decompressed on a
/// thread of its own, which waits beyond that: two keep both sides busy.
pub const CHUNKS_AHEAD: usize = 2;

// Captures.

/// Octets read at a time: large enough that system calls do not count, small enough to stay in a
/// core's second cache together with what is counted. Of 512 KiB, as many have, 1 MiB does not stay.
pub const CAPTURE_READ_OCTETS: usize = 1 << 18;

/// Octets searched at a time for the next record after damage. What is not found in one piece is
/// sought in the next, so this bounds the memory of a stream, not what is found.
pub const CAPTURE_SEARCH_OCTETS: u64 = 4 << 20;

/// Plausible record headers in a row that make a place believed to be the start of a record.
pub const CAPTURE_CHAIN_HEADERS: u32 = 8;

/// As [`CAPTURE_CHAIN_HEADERS`], for a place inside a record that may be sound: more than a
/// capture carried in a packet has, unless the chain leaves the record before.
pub const CAPTURE_INNER_CHAIN_HEADERS: u32 = 256;

/// Octets that a chain of record headers may span: bounds the look-ahead in a stream.
pub const CAPTURE_CHAIN_OCTETS: u64 = 8 << 20;

/// Interfaces of one pcapng section. Packets of further ones are read, their link type is unknown;
/// the report says so in the input's problems.
pub const CAPTURE_INTERFACES: usize = 1 << 16;

/// Problems told of one input; how many octets further ones cost is told in a last line.
pub const CAPTURE_PROBLEMS: usize = 64;

/// Octets of a record that no snapshot length makes implausible: what libpcap and Wireshark allow.
pub const RECORD_OCTETS_USUAL: u32 = 262_144;

/// Octets of the largest record that is read; one that claims more is damage.
pub const RECORD_OCTETS_MAX: u32 = 16 << 20;

/// The window of a zstd file, as a power of two: so many octets stay in memory while it is unpacked.
/// The `zstd` program asks for no more unless it is told to (`--long=28`), and then refuses the same
/// when it unpacks. A file that asks for more is told as one that cannot be read.
///
/// Files are unpacked one after the other, so that there is one window at a time.
///
/// How much a compressed file unpacks to has no bound: a capture of one packet again and again shrinks
/// as much as a bomb does. Nothing of it is kept, so that it costs what the plain file would, time in
/// proportion to what it unpacks to.
pub const ZSTD_WINDOW_LOG: u32 = 27;

/// Octets asked of a stream at a time; a pipe gives fewer.
pub const CAPTURE_STREAM_OCTETS: usize = 1 << 18;

/// Octets read of standard input at a time: what a pipe of Linux holds.
pub const PIPE_OCTETS: usize = 1 << 16;

/// Such pieces that are read ahead of those who take them: reading one and taking another keeps both
/// sides busy.
pub const PIPE_PIECES: usize = 1;

/// Headers that a search for the next record may look at in chains. Beyond it the search goes on in
/// the next piece; octets passed over are told as damage.
pub const CAPTURE_SEARCH_STEPS: u64 = 1 << 10;

/// Further ones for each octet that the search passes: so many keep its time linear.
pub const CAPTURE_SEARCH_STEPS_PER_OCTET: u64 = 8;

/// Records looked at for the time of a file's first frame, by which files are ordered: comments and
/// descriptions may stand before it.
pub const CAPTURE_FIRST_RECORDS: usize = 1_000;

/// Packets at the beginning of two files that are compared: files of two taps whose clocks differ have
/// the same ones, files that follow one another have not.
pub const CAPTURE_FIRST_PACKETS: usize = 64;

/// Octets at the head of a pcapng file in which its interfaces are described, as a rule. A guess
/// that misses one costs a second walk.
pub const CAPTURE_CONTEXT_OCTETS: u64 = 1 << 16;

// Frames and IP packets.

/// Layers between the link and IPsec that are peeled: twice what is met in practice. A frame nested
/// deeper is passed over, and told.
pub const ENCAP_LAYERS: usize = 8;

/// Packets that are told of one ESP packet that gathers them (RFC 9347): more than fit in the
/// largest frame in use as bare acknowledgments. The octets of further ones are told as unread.
pub const AGGFRAG_PACKETS: usize = 256;

/// BGP messages that are told of one TCP segment: as many as the shortest ones that fit in an
/// Ethernet frame.
pub const BGP_MESSAGES: usize = 80;

/// IP packets that are put together at one time; meeting it gives up the oldest. Gateways have a
/// handful under way; a flood of lone fragments must not crowd out more than itself.
pub const REASSEMBLY_TRAINS: usize = 1024;

/// Memory of the pieces that wait for others, in octets; meeting it gives up the oldest packet.
pub const REASSEMBLY_OCTETS: usize = 16 << 20;

/// Pieces of one IP packet; more are refused. The largest packet in pieces of 576 octets, the least
/// MTU in practice, makes 119.
pub const REASSEMBLY_PIECES: usize = 256;

/// How long a piece waits for the others: as long as Linux does (`net.ipv4.ipfrag_time`).
pub const REASSEMBLY_AGE: Span = Span::from_secs(30);

/// Octets kept of an IP packet that was given up: enough to tell what it was.
pub const REASSEMBLY_HEAD: usize = 2048;

/// Packets put together that are remembered, so that copies of their pieces are known as such.
pub const REASSEMBLY_REMEMBERED: usize = 64;

/// Pairs of addresses and ports that are learned to carry IPsec on an unusual port. Each may cost a
/// second scan of the chunks under way; whoever moves the port does so for a handful of gateways.
pub const LEARNED_PATHS: usize = 64;

/// TCP connections that are put together at one time; meeting it lets go of the one longest unused.
/// A gateway that takes clients over TCP has some thousands.
pub const STREAM_CONNECTIONS: usize = 4096;

/// Memory of all TCP connections, in octets; meeting it lets go of the one longest unused.
pub const STREAM_OCTETS: usize = 32 << 20;

/// Octets that wait for others in one direction of a TCP connection: more than a usual window. Then
/// what is missing is taken for lost.
pub const STREAM_WAITING_OCTETS: usize = 256 << 10;

/// Segments that wait for others in one direction of a TCP connection.
pub const STREAM_WAITING_SEGMENTS: usize = 256;

/// How far in octets a segment may lie from the one expected, beyond the largest window (RFC 7323
/// section 2.2 allows 1 GiB, nobody uses it): what lies farther belongs to another connection.
pub const STREAM_REACH: i32 = 16 << 20;

/// Frames that are kept of a message in TCP, to be cited.
pub const STREAM_FRAMES: usize = 64;

/// TCP connections with TLS inside that are told one by one; all are counted.
pub const STREAM_TLS: usize = 16;

// IKE messages. What is not read of one is a fault of that message.

/// Payloads of one message that are read: no exchange comes near it.
pub const PAYLOADS: usize = 256;

/// Proposals of an IKEv1 SA, and transforms of a proposal, that are read: their numbers are one
/// octet.
pub const CHAIN_V1: usize = 256;

/// Faults that are kept of one message: a hostile one could hold thousands.
pub const FAULTS: usize = 64;

/// Octets of a certificate or revocation list that is read: as many as a payload can hold. What is
/// longer is told as not readable.
pub const CERTIFICATE_OCTETS: usize = 1 << 16;

// Key files. What is left out is told as a problem of the file.

/// Octets of a key file, 256 MiB: a day's log of a busy gateway at the level that prints keys. A
/// larger one is refused.
pub const KEY_FILE_OCTETS: u64 = 256 << 20;

/// Files that are read, folders taken together.
pub const KEY_FILES: usize = 1 << 12;

/// Folders within folders that are looked into.
pub const KEY_FOLDERS: usize = 8;

/// Octets at the head of a file in which its format must show itself: a log may begin with the
/// words of other programs.
pub const KEY_HEAD_OCTETS: usize = 4 << 20;

/// Rows of each kind. A row takes about 500 octets.
pub const KEY_ROWS: usize = 1 << 16;

/// Octets of one key: the longest in use are 64, what keys are made of is no longer than the
/// output of a PRF.
pub const KEY_OCTETS: usize = 512;

/// Problems that are told of one key file; how many more there are is told in a last one.
pub const KEY_PROBLEMS: usize = 64;

/// Threads and IKE SAs of a daemon's log that are kept apart at one time. Meeting it forgets those
/// that were begun.
pub const KEY_LOG_STATES: usize = 1 << 16;

/// Key blocks of a log that may belong to the SA at hand: each is offered.
pub const KEY_LOG_CHOICES: usize = 4;

/// Equal keys that are compared for being one row told twice.
pub const KEY_EQUALS: usize = 16;

// The session.

/// Sets of IKE fragments that are kept at one time, complete ones included, which tell copies;
/// meeting it gives up the one that waited longest. A gateway negotiates few at a time.
pub const IKE_FRAGMENT_SETS: usize = 256;

/// Memory of IKE fragments that wait for others, in octets; meeting it gives up the oldest.
pub const IKE_FRAGMENT_OCTETS: usize = 8 << 20;

/// How long a set waits for its next fragment: senders give a message up after 165 seconds
/// (strongSwan's retransmissions), and send all its fragments each time.
pub const IKE_FRAGMENT_AGE: Span = Span::from_secs(180);

/// IKE SAs that are followed with keys, of each version. Messages of further ones say so.
pub const SESSION_SAS: usize = 1 << 14;

/// Keys with algorithms that are tried on one IKE SA: all that a key log without SPIs gives. A
/// message that none of so many opens says that there were more.
pub const SESSION_CHOICES: usize = 256;

/// As [`SESSION_CHOICES`], of all IKE SAs together: each takes up to two KiB. Messages of further SAs
/// say so.
pub const SESSION_CHOICES_ALL: usize = 1 << 17;

/// Suites that are kept of one IKE SA: the one that was accepted, unless its SPIs were used again, or
/// those that were offered. Under a further one messages do not open, and say so.
pub const SESSION_SUITES: usize = 64;

/// Exchanges of one IKE SA that are followed at one time; the oldest is given up. A later message of
/// it then opens no more (IKEv1), or gives no keys of child SAs, whose packets stay sealed.
pub const SESSION_REQUESTS: usize = 256;

/// Proposals that are kept of a negotiation until it is answered: a further one that is chosen gives
/// no keys, and its packets stay sealed.
pub const SESSION_PROPOSALS: usize = 64;

/// IKEv1: last blocks of messages of one exchange that the next may follow from. A message that
/// follows from an older one does not open, and says so.
pub const SESSION_BLOCKS: usize = 16;

/// IKEv1: public values that are kept of one SA: two, unless its cookie was used again. Without
/// those of an SA its phase 1 does not open, and says so.
pub const SESSION_PUBLIC: usize = 4;

/// Rows of the key ring after that of an IKE SA that may hold what a post-quantum preshared key made of
/// its SK_d: logs tell it at once, though several IKE SAs may begin together. Beyond these it is not
/// found, and the report says that a preshared key is mixed in.
pub const SESSION_MIXED: usize = 32;

/// Keys of child SAs that are derived.
pub const SESSION_DERIVED: usize = 1 << 14;

/// Keys derived before that are looked through for the same ones: a retransmission comes soon, and
/// what is kept twice costs only room.
pub const SESSION_DERIVED_ALIKE: usize = 256;

// The Security Association Database.

/// SAs with keys that packets of one SPI, or of any, may be tried with. SPIs are chosen at random,
/// so that few are ever met twice; the SAs of further ones are told.
pub const SADB_CANDIDATES: usize = 64;

/// SAs of AH with keys: each packet of AH is held against all of them. Further ones are told.
pub const SADB_AH: usize = 1 << 10;

/// The highest high half of an extended sequence number that is tried (RFC 4304). It is not sent,
/// and the checksum of each costs time: this one is reached after 70,000,000,000 packets.
pub const ESN_HIGH: u32 = 15;

// The census.

/// Octets of IKE messages that are kept whole, what was opened and put together of them included,
/// 256 MiB: enough for 600,000 messages of 400 octets. Of those that are sealed and that no key opens
/// none are kept. Later messages keep their first [`MESSAGE_STUB`] octets.
pub const MESSAGE_OCTETS: usize = 256 << 20;

/// Octets that are kept of a message once [`MESSAGE_OCTETS`] is spent: header and first payloads.
pub const MESSAGE_STUB: usize = 64;

/// IKE messages that are kept at all; later ones are only counted. A row takes about 140 octets, and
/// nearly as much again for its part in an exchange: a gateway of 100,000 tunnels sends so many in
/// some hours.
pub const MESSAGES: usize = 1 << 22;

/// ESP and AH flows that are counted one by one; packets of later ones are only counted together.
/// A row takes about 600 octets.
pub const FLOWS: usize = 1 << 20;

/// Paths that are kept of a flow: NAT rebinding and MOBIKE make a few, a spoofer makes many.
pub const FLOW_PATHS: usize = 16;

/// Odd packets that are kept of a flow, to be cited; all are counted.
pub const FLOW_ANOMALIES: usize = 16;

/// Holes in the numbers of a flow that are kept, by which two taps are compared: those of a loss of
/// one percent in 400,000 packets. A hole takes 8 octets, and a packet after it. Beyond that the
/// flow is not compared, and the pair of taps says so.
pub const FLOW_HOLES: usize = 1 << 12;

/// Flows that may have as many holes as [`FLOW_HOLES`], the first that come: 16 MiB.
pub const FLOWS_WITH_ALL_HOLES: usize = 1 << 9;

/// Holes of further flows. They have a bound of their own, so that what is kept of a flow does not
/// depend on others.
pub const FURTHER_FLOW_HOLES: usize = 1 << 4;

/// Packets of a flow that are kept by their numbers: enough to cite what another tap lacks, and to
/// compare clocks. One takes 32 octets.
pub const FLOW_SAMPLES: usize = 32;

/// Taps of one tunnel that are compared, each with each: two gateways inside and outside.
pub const TAPS: usize = 4;

/// Interfaces of which the ESP of one tunnel is judged: recordings have a handful, a file may claim tens
/// of thousands. What further ones have is told as not judged.
pub const VANTAGES: usize = 1 << 8;

/// Runs of lost numbers that are kept of a direction between two taps, to be cited.
pub const TAP_MISSED: usize = 4;

/// Keys that are named of a flow: one, unless an SPI was used again.
pub const FLOW_KEYS: usize = 4;

/// Places where the clock was set back that are kept; one shows what there is to know.
pub const CLOCK_STEPS: usize = 16;

/// Silences that are kept of a flow.
pub const FLOW_SILENCES: usize = 4;

/// Conversations inside opened ESP that are followed one by one; packets of later ones are only
/// counted together. A row takes about one KiB, as much again with its ends and ways in use.
pub const INNER_FLOWS: usize = 1 << 14;

/// Kinds of ICMP errors inside opened ESP that are told apart; more are only counted.
pub const INNER_ERRORS: usize = 1 << 10;

/// ESP flows that are named of each way of a conversation: a rekey a day makes few. Packets of
/// further ones count in the conversation.
pub const INNER_CARRIERS: usize = 8;

/// Packets of one kind in a conversation that are kept to be cited; all are counted.
pub const INNER_PLACES: usize = 8;

/// Round trips that are kept of each way of a conversation; neighbours become one, the shortest.
pub const INNER_RTTS: usize = 32;

/// Echo requests that wait for their replies at one time: as many seconds at the usual pace. Beyond
/// it the oldest counts as unanswered until its reply comes.
pub const INNER_WAITING: usize = 32;

/// Lengths of echo requests that are told apart in a conversation: who looks for an MTU tries a few.
/// Others count in the conversation only.
pub const INNER_ECHO_SIZES: usize = 12;

/// Rows of echo requests without an answer that are kept of a conversation.
pub const INNER_RUNS: usize = 8;

/// TCP segments that wait for their acknowledgment in one direction: nearly those of an initial
/// window doubled twice. What is sent beyond it is not judged for its size.
pub const INNER_UNACKED: usize = 32;

/// Segments sent again and never acknowledged that are kept of one direction.
pub const INNER_STUCK: usize = 4;

/// Sizes of acknowledged packets of one way of a connection inside ESP of which times are kept, first ones and last ones.
pub const INNER_PASSED: usize = 8;

/// BGP messages of each kind that are kept of one direction.
pub const INNER_BGP: usize = 8;

/// Kinds of ICMP error that are told apart; more are only counted.
pub const ICMP_KINDS: usize = 1 << 12;

/// Kinds of message outside of any IKE SA that are told apart; more are only counted.
pub const OUTSIDE_KINDS: usize = 1 << 12;

/// Paths whose NAT keepalives are counted.
pub const KEEPALIVE_PATHS: usize = 1 << 12;

/// Pairs of addresses whose packets in clear are counted.
pub const CLEAR_FLOWS: usize = 1 << 12;

/// Pairs of addresses whose IP fragments are counted.
pub const FRAGMENT_TRAINS: usize = 1 << 12;

/// Frames of incomplete packets that are kept of a pair, to be cited.
pub const INCOMPLETE_FRAMES: usize = 16;

/// Steps of the timeline of a flow; the steps grow longer instead.
pub const TIMELINE_STEPS: usize = 256;

/// Events that are told of a tunnel; those in the middle are told as one, with how many of which kind
/// they are. What repeats is folded before, so that only a hostile capture comes near it.
pub const TIMELINE_EVENTS: usize = 64;

/// Packets of a flow before the times of its sizes are noted, then those of the first ones too: most SAs of a crowded
/// capture carry fewer, and cost nothing. They are among the first [`FLOW_SAMPLES`].
pub const RHYTHM_AFTER: u64 = 8;

/// Flows whose sizes are timed, the first that come. The [`FLOW_SIZES`] of one take up to 2.5 KiB,
/// all of them 40 MiB.
pub const RHYTHM_FLOWS: usize = 1 << 14;

/// Distinct packet sizes of a flow that are counted one by one; the first that come. Others are
/// counted together.
pub const FLOW_SIZES: usize = 32;

// What is made of it. Each keeps the work for a hostile capture linear; an honest one stays far
// below, and beyond it nothing is claimed.

/// Exchanges or child SAs that may fit, that are compared; IKE SAs with the SPI of one initiator.
pub const LINK_CHOICES: usize = 16;

/// Flows of ESP that packets in clear are held against, which may be copies of what they carry. Beyond, they are
/// taken for copies and not told, as where ESP accompanies them.
pub const COPY_FLOWS: usize = 1 << 12;

/// Selectors that packets in clear are held against, of all tunnels. What passes in clear is told of
/// some tunnel of its link where none of these takes it.
pub const CLEAR_SELECTORS: usize = 1 << 12;

/// Tunnels of a link, or of a gateway there, of which one without ESP is sought for packets in clear.
pub const CLEAR_TUNNELS: usize = 1 << 6;

/// Flows of one pair of gateways that are compared each with each.
pub const LINK_CROWD: usize = 64;

/// IKE SAs between the same ends that are looked back at for the one that a new one replaces.
pub const SUCCESSION_LOOK_BACK: usize = 8;

/// Exchanges, such as deletes and liveness checks, that may follow the one that rekeys an IKE SA.
pub const SUCCESSION_AFTERWARDS: usize = 32;

/// Rekeys of an IKE SA that are followed back to the suite that was seen in clear.
pub const REKEY_GENERATIONS: usize = 64;

/// Exchanges that may have begun between a quick mode and the message that refuses it.
pub const QUICK_MODE_NEXT: usize = 8;

/// Tunnels for which usual private addresses are tried as the one behind a NAT: some thousand hashes
/// each, which in a capture of many tunnels would take longer than reading it. The address is told as
/// a detail, so nothing is said of those beyond.
pub const NAT_GUESS_TUNNELS: usize = 16;

/// Exchanges of an IKE SA that are searched for the hash of that address: those that a cookie or
/// another group ask for come first.
pub const NAT_GUESS_EXCHANGES: usize = 8;

/// Conversations inside the ESP of one tunnel that the report lists, and kinds of errors; how many
/// more there are is told beside them.
pub const INNER_SHOWN: usize = 64;

// The capture that `decrypt` writes.

/// Interfaces of the file: one for each direction of an SA. Packets of further ones stay sealed in
/// their frames, which the closing line counts.
pub const DECRYPTED_INTERFACES: usize = 1 << 16;

// The lines of `dissect`.

/// Flows of ESP, AH and keepalives that one train of packets may fold into a line each. A packet of
/// one more begins a new train, so nothing is lost.
pub const TRAIN_FLOWS: usize = 64;

/// IKE SAs whose last key share is remembered, so that a line can say instead of which group another
/// is asked for. For older ones the line leaves it out.
pub const KEY_SHARES: usize = 64;

/// Messages that are remembered, so that a line can say which one it repeats. Copies of older ones
/// are shown in full.
pub const COPIES_KNOWN: usize = 64;

/// Selectors of one Traffic Selector payload that are compared: their number is one octet (RFC 7296
/// section 3.13).
pub const TRAFFIC_SELECTORS: usize = 255;

/// Attempts at child SAs of one tunnel whose messages are compared with each other. A tunnel that
/// rekeys every minute makes no more in most of a day.
pub const CHILD_ATTEMPTS: usize = 1024;

/// Pairs of networks of one request that are looked for in other child SAs.
pub const SELECTOR_PAIRS: usize = 256;

/// Different ways of narrowing that are told of one tunnel: more than people read.
pub const NARROWINGS: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_grow_with_the_memory_up_to_the_usual_ones() {
        assert_eq!(Bounds::within(MEMORY_LEAST - 1), None);
        let mut before = Bounds::within(MEMORY_LEAST).unwrap();
        assert_eq!(
            (before.threads, before.zstd_window_log),
            (1, LIMITED_ZSTD_WINDOW_LOG)
        );
        assert!(before.flows > 1_000 && before.messages > 1_000);
        assert!(before.message_octets >= 1 << 20 && before.inner_flows > 0);
        for bits in 28..=63 {
            let next = Bounds::within(1 << bits).unwrap();
            assert!(next.threads >= before.threads && next.flows >= before.flows);
            assert!(next.messages >= before.messages && next.inner_flows >= before.inner_flows);
            assert!(next.zstd_window_log >= before.zstd_window_log);
            before = next;
        }
        let usual = Bounds::default();
        assert_eq!(
            (before.flows, before.messages, before.zstd_window_log),
            (usual.flows, usual.messages, usual.zstd_window_log)
        );
    }

    #[test]
    fn all_that_bounds_allow_is_within_the_memory() {
        for memory in [MEMORY_LEAST, 200 << 20, 512 << 20, 2 << 30, 16 << 30] {
            let bounds = Bounds::within(memory).unwrap();
            let counted = bounds.message_octets
                + bounds.messages * MESSAGE_MEMORY
                + bounds.flows * FLOW_MEMORY
                + bounds.flows_with_all_holes * FLOW_HOLES * 16
                + bounds.rhythm_flows * (4 << 10)
                + bounds.inner_flows * INNER_FLOW_MEMORY;
            let threads = bounds.threads as u64 * MEMORY_THREAD;
            let window = 1 << bounds.zstd_window_log;
            assert!(counted as u64 + threads + window + MEMORY_FIXED <= memory);
        }
    }
}
