//! What experts find by hand beside the rows of the list.

/// A diagnosis that experts make by hand, beyond the vendor's list.
#[derive(Debug)]
pub struct Diagnosis {
    /// Its number.
    pub number: u8,
    /// What is wrong.
    pub what: &'static str,
    /// Slugs of the rules that answer it, the most telling first; none if no rule does.
    pub rules: &'static [&'static str],
    /// What the rules do not tell of it, and why.
    pub open: &'static str,
}

const fn beyond(
    number: u8,
    what: &'static str,
    rules: &'static [&'static str],
    open: &'static str,
) -> Diagnosis {
    Diagnosis {
        number,
        what,
        rules,
        open,
    }
}

/// What experts find beyond the vendor's list.
pub static BEYOND: &[Diagnosis] = &[
    beyond(
        1,
        "Groups of perfect forward secrecy differ, and only the first rekeying shows it",
        &["pfs-mismatch", "rekey-failed"],
        "",
    ),
    beyond(
        2,
        "Both sides rekey at once, and one uses an SA that the other deleted",
        &["rekey-collision", "unknown-spi"],
        "",
    ),
    beyond(
        3,
        "A new SA is used before the response that makes it arrives",
        &["esp-before-response"],
        "",
    ),
    beyond(
        4,
        "Child SAs pile up and are never deleted",
        &["children-pile-up"],
        "",
    ),
    beyond(
        5,
        "After a collision the wrong child SA is deleted",
        &["rekey-collision"],
        "Only opened messages tell which nonce is the lowest and which SA is deleted.",
    ),
    beyond(
        6,
        "Both sides initiate at once",
        &["crossed-initiation"],
        "",
    ),
    beyond(
        7,
        "A large IKE_AUTH is lost with its IP fragments",
        &["ike-fragments-lost", "ike-ip-fragments"],
        "",
    ),
    beyond(
        8,
        "IKE fragments are too large, too small or too many",
        &["ike-fragments-lost"],
        "",
    ),
    beyond(
        9,
        "IKE_INTERMEDIATE is left to IP fragmentation",
        &["ike-ip-fragments", "ike-fragments-lost"],
        "",
    ),
    beyond(
        10,
        "ESP as IP protocol 50 is blocked, UDP passes",
        &["esp-blocked", "esp-one-way"],
        "",
    ),
    beyond(
        11,
        "A NAT maps IKE and ESP of one peer to different ports",
        &["nat-ports-differ", "port-4500-rewritten"],
        "",
    ),
    beyond(
        12,
        "Packets still leave with an old address after it changed",
        &["stale-source-address", "peer-address-changed"],
        "State of a filter shows in no packet: only that one direction died at the change.",
    ),
    beyond(
        13,
        "The peer stays on port 500 after the move to port 4500",
        &["port-not-floated"],
        "",
    ),
    beyond(
        14,
        "ESP travels in UDP on port 500",
        &["esp-on-port-500"],
        "",
    ),
    beyond(
        15,
        "Where the NAT is: at one side, at both, or pretended",
        &["nat-detected"],
        "",
    ),
    beyond(
        16,
        "Keepalives come too seldom for the NAT",
        &["nat-mapping-changed"],
        "",
    ),
    beyond(
        17,
        "A filter forgot IKE while ESP flows; liveness checks do not count ESP",
        &["dpd-despite-traffic", "dpd-timeout"],
        "",
    ),
    beyond(
        18,
        "ESP goes on for an SA that the receiver lost",
        &["unknown-spi", "peer-restarted"],
        "",
    ),
    beyond(
        19,
        "The checksum of SHA2-256 is cut to 96 bits at one side",
        &["esp-suites-differ", "icv-mismatch"],
        "",
    ),
    beyond(
        20,
        "Algorithms of ESP differ by direction",
        &["esp-suites-differ", "icv-mismatch"],
        "",
    ),
    beyond(
        21,
        "The replay window is smaller than the disorder is deep",
        &["esp-reordering"],
        "",
    ),
    beyond(
        22,
        "A restarted peer counts anew on an old SA",
        &["peer-restarted", "esp-replay"],
        "",
    ),
    beyond(
        23,
        "QoS splits one SA into queues, and packets overtake each other",
        &["esp-reordering"],
        "Packets of ESP are counted by DSCP. Where those of each keep their order and pass those of another, it is said so.",
    ),
    beyond(
        24,
        "The path changes DSCP or ECN between two taps",
        &["traffic-class-changed"],
        "It is told of IKE messages, which two taps share octet by octet; ESP takes the same way, but may be marked otherwise.",
    ),
    beyond(
        25,
        "One SA carries everything at the rate of one CPU core",
        &["one-sa-plateau"],
        "",
    ),
    beyond(
        26,
        "Rekeying by volume is too slow for the rate",
        &["rekey-gap", "volume-rekey"],
        "",
    ),
    beyond(
        27,
        "Packets travel in clear while there is no SA",
        &["clear-text-leak"],
        "",
    ),
    beyond(
        28,
        "A packet is sent on the wrong child SA",
        &["inner-outside-ts"],
        "",
    ),
    beyond(
        29,
        "A client wants selectors of one host, and the gateway does not narrow",
        &["ts-unacceptable"],
        "",
    ),
    beyond(
        30,
        "Which product a peer is",
        &["initiator-fingerprint"],
        "",
    ),
    beyond(
        31,
        "Lifetimes differ",
        &["lifetime-differs"],
        "IKEv2 does not negotiate lifetimes: there only who rekeys is seen.",
    ),
    beyond(
        32,
        "An address is asked for again when keys are renewed",
        &["address-asked-at-rekey"],
        "",
    ),
    beyond(
        33,
        "Message 2 or 3 of quick mode is lost, and a child SA stays half open",
        &["child-half-open"],
        "",
    ),
    beyond(
        34,
        "Message IDs disagree after a failover",
        &["message-id-desync"],
        "",
    ),
    beyond(
        35,
        "Cookies are asked for, once or for ever",
        &["cookie-exchange"],
        "",
    ),
    beyond(
        36,
        "Another group is asked for: once is normal, a loop is not",
        &["dh-group-retry", "dh-group-mismatch"],
        "",
    ),
    beyond(
        37,
        "Pre-shared keys of IKEv1 differ",
        &["psk-mismatch", "auth-failed"],
        "",
    ),
    beyond(
        38,
        "Authentication fails without a reason",
        &[
            "auth-failed",
            "psk-mismatch",
            "id-mismatch",
            "cert-expired",
            "cert-untrusted",
        ],
        "",
    ),
    beyond(
        39,
        "IKE is up and the child SA is missing",
        &[
            "child-setup-failed",
            "ts-unacceptable",
            "child-proposal-mismatch",
        ],
        "",
    ),
    beyond(
        40,
        "Only packets of some sizes are lost",
        &["mtu-black-hole"],
        "",
    ),
    beyond(
        41,
        "ICMP that tells the MTU is filtered or ignored",
        &["mtu-exceeded", "mtu-black-hole"],
        "",
    ),
    beyond(
        42,
        "A device chokes on padding of short frames",
        &["esp-one-way"],
        "Frames longer than the packet in them are counted. Where all ESP of a direction that has no answer lies in such frames, it is mentioned. ESP shorter than an Ethernet frame is rare: with encryption and a checksum only empty packets are.",
    ),
    beyond(
        43,
        "Traffic pauses for seconds at every rekeying",
        &["rekey-gap"],
        "",
    ),
    beyond(
        44,
        "A sender that encrypts in parallel numbers packets out of order",
        &["esp-reordering"],
        "",
    ),
    beyond(45, "Sequence numbers run out", &["sequence-exhausted"], ""),
    beyond(
        46,
        "Whether packets are lost before the tap or after it",
        &["packet-loss"],
        "",
    ),
    beyond(
        47,
        "The path changed during an outage",
        &["path-outage", "high-latency"],
        "",
    ),
    beyond(
        48,
        "One side speaks IKEv1, the other IKEv2",
        &["ike-version-mismatch"],
        "",
    ),
    beyond(
        49,
        "A peer reads only the first proposals",
        &["ike-proposal-mismatch", "multi-value-proposal"],
        "",
    ),
    beyond(50, "A traffic selector is no prefix", &["ts-not-cidr"], ""),
    beyond(
        51,
        "One side is policy-based, the other route-based",
        &["ts-narrowed", "ts-narrowed-first-pair", "ts-unacceptable"],
        "",
    ),
    beyond(
        52,
        "Weak algorithms and exposed methods",
        &["weak-crypto"],
        "ENCR_NULL is not called weak: RFC 8221 allows it, and packets that are not encrypted are read.",
    ),
    beyond(
        53,
        "A scan, no outage",
        &["ike-scan"],
        "Attacks that break the order of exchanges, such as CREATE_CHILD_SA before IKE_AUTH, are not looked for.",
    ),
    beyond(
        54,
        "Decrypted packets that the capturing host shows again are no leak",
        &["clear-text-leak"],
        "The rule leaves them out.",
    ),
];
