//! The rows of a cloud vendor's list of IPsec-VPN faults: one side is a cloud gateway, the other a device of the customer.

/// What a capture of an outside link shows of a cause.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Sight {
    /// The event itself.
    Event,
    /// What size, time or absence lets one infer.
    Inference,
    /// Nothing more than with fewer keys.
    Nothing,
}

impl Sight {
    /// As one word.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Event => "shown",
            Self::Inference => "inferred",
            Self::Nothing => "–",
        }
    }
}

/// One cause.
#[derive(Debug)]
pub struct Row {
    /// Its number; rows of one symptom follow one another.
    pub number: u8,
    /// What may be the cause.
    pub cause: &'static str,
    /// What is seen without keys, with keys of IKE, with keys of ESP.
    pub sight: [Sight; 3],
    /// Slugs of the rules that answer it, the most telling first.
    pub rules: &'static [&'static str],
    /// What no capture shows of it, and where to look instead; empty if the rules say it all.
    pub elsewhere: &'static str,
}

/// A symptom, and its causes.
#[derive(Debug)]
pub struct Symptom {
    /// What the operator sees.
    pub says: &'static str,
    /// What it may come from.
    pub rows: &'static [Row],
}

use Sight::{Event, Inference, Nothing};

const fn row(
    number: u8,
    cause: &'static str,
    sight: [Sight; 3],
    rules: &'static [&'static str],
    elsewhere: &'static str,
) -> Row {
    Row {
        number,
        cause,
        sight,
        rules,
        elsewhere,
    }
}

/// Every symptom, in the vendor's order.
pub static FAQ: &[Symptom] = &[
    Symptom {
        says: "Phase 1 does not come up",
        rows: &[
            row(
                1,
                "The peer gateway does not work",
                [Inference, Nothing, Nothing],
                &["ike-no-response", "path-outage"],
                "A dead device and a filter are both silent: capture at its outside port to tell them apart.",
            ),
            row(
                2,
                "The peer has no configuration for this connection",
                [Event, Nothing, Nothing],
                &[
                    "peer-address-unknown",
                    "ike-port-unreachable",
                    "ike-refused",
                    "ike-version-mismatch",
                    "ike-no-response",
                ],
                "",
            ),
            row(
                3,
                "A filter of the peer blocks UDP 500 or UDP 4500",
                [Event, Nothing, Nothing],
                &[
                    "port-4500-blocked",
                    "ike-admin-prohibited",
                    "ike-no-response",
                    "ike-one-way",
                    "esp-blocked",
                ],
                "",
            ),
            row(
                4,
                "The peer negotiates only when there is traffic",
                [Inference, Nothing, Nothing],
                &["no-initiator", "clear-text-leak"],
                "",
            ),
        ],
    },
    Symptom {
        says: "Phase 2 was up and then fails for good",
        rows: &[
            row(
                5,
                "The cloud gateway is in arrears and was stopped",
                [Nothing, Nothing, Nothing],
                &["ike-no-response", "dpd-timeout", "outside-well"],
                "No packet tells the reason: look at billing and instance state in the cloud's console. The capture \
                 rules out proposals, identities and selectors, for nothing is negotiated.",
            ),
            row(
                6,
                "The peer device broke down",
                [Inference, Nothing, Nothing],
                &[
                    "peer-restarted",
                    "dpd-timeout",
                    "path-outage",
                    "ike-no-response",
                ],
                "Whether the device or its path failed shows at its console.",
            ),
            row(
                7,
                "The peer's policy no longer lets the inner networks talk",
                [Inference, Nothing, Event],
                &["inner-no-reply", "esp-one-way"],
                "",
            ),
            row(
                8,
                "The peer's IPsec configuration was deleted",
                [Event, Event, Nothing],
                &["tunnel-deleted", "peer-address-unknown"],
                "",
            ),
            row(
                9,
                "The peer's parameters were changed",
                [Event, Event, Nothing],
                &[
                    "ike-proposal-mismatch",
                    "dh-group-mismatch",
                    "child-proposal-mismatch",
                    "auth-failed",
                    "psk-mismatch",
                    "id-mismatch",
                    "pfs-mismatch",
                    "child-setup-failed",
                ],
                "",
            ),
            row(
                10,
                "A parameter of the peer has several values",
                [Event, Event, Nothing],
                &["multi-value-proposal"],
                "",
            ),
            row(
                11,
                "The cloud's parameters were changed",
                [Event, Event, Nothing],
                &["ike-proposal-mismatch", "child-proposal-mismatch"],
                "",
            ),
            row(
                12,
                "A new gateway or network ACL stands in the cloud's network",
                [Nothing, Nothing, Inference],
                &["outside-well", "inner-no-reply"],
                "Look at the network's route tables, its ACLs and security groups.",
            ),
            row(
                13,
                "The peer's address changed",
                [Event, Event, Nothing],
                &[
                    "peer-address-changed",
                    "peer-address-unknown",
                    "mobike-move",
                    "ike-host-unreachable",
                    "ike-port-unreachable",
                ],
                "",
            ),
            row(
                14,
                "The peer has several addresses and uses another one",
                [Event, Event, Nothing],
                &[
                    "response-from-other-address",
                    "peer-address-changed",
                    "id-mismatch",
                ],
                "Where the peer lives at both addresses and begins from the other one, two tunnels are shown; compare their identities.",
            ),
            row(
                15,
                "The peer's address is dynamic",
                [Event, Event, Nothing],
                &["peer-address-changed", "mobike-move"],
                "",
            ),
        ],
    },
    Symptom {
        says: "Phase 2 is up and fails from time to time",
        rows: &[
            row(
                16,
                "The groups of perfect forward secrecy differ",
                [Inference, Event, Nothing],
                &["pfs-mismatch", "rekey-failed"],
                "",
            ),
            row(
                17,
                "A parameter has several values",
                [Event, Event, Nothing],
                &["multi-value-proposal", "ike-proposal-mismatch"],
                "",
            ),
            row(
                18,
                "The peer's SAs end after an amount of traffic",
                [Inference, Event, Nothing],
                &["volume-rekey"],
                "",
            ),
            row(
                19,
                "The path loses packets until the tunnel is given up",
                [Event, Nothing, Nothing],
                &[
                    "packet-loss",
                    "dpd-timeout",
                    "dpd-despite-traffic",
                    "tunnel-flapping",
                ],
                "",
            ),
            row(
                20,
                "The peer starts only when there is traffic",
                [Inference, Nothing, Nothing],
                &["no-initiator", "sa-expired"],
                "",
            ),
            row(
                21,
                "Two tunnels carry the same selectors, and the peer holds one at a time",
                [Inference, Event, Nothing],
                &["duplicate-tunnel", "single-child-peer"],
                "Whether the selectors of the two are equal stands in the table of child SAs, with the keys of IKE.",
            ),
        ],
    },
    Symptom {
        says: "BGP is down although phase 2 is up",
        rows: &[
            row(
                22,
                "The peer's BGP address is wrong",
                [Inference, Inference, Event],
                &["bgp-down"],
                "",
            ),
            row(
                23,
                "The peer's BGP packets do not arrive",
                [Inference, Nothing, Event],
                &["esp-one-way", "bgp-down"],
                "",
            ),
            row(
                24,
                "The tunnel was interrupted",
                [Event, Event, Nothing],
                &["tunnel-flapping", "dpd-timeout", "bgp-down"],
                "",
            ),
        ],
    },
    Symptom {
        says: "The health check fails although phase 2 is up",
        rows: &[
            row(
                25,
                "Its target cannot be reached",
                [Inference, Nothing, Event],
                &["health-check-unanswered", "inner-no-reply"],
                "",
            ),
            row(
                26,
                "Its target is broken or slow",
                [Inference, Nothing, Event],
                &["health-check-unanswered", "high-latency"],
                "Without ESP keys look at the target itself.",
            ),
            row(
                27,
                "Its target's routes or firewall changed",
                [Nothing, Nothing, Event],
                &["health-check-unanswered", "outside-well"],
                "Without ESP keys look at the target's firewall and routes; a capture there decides.",
            ),
            row(
                28,
                "The answer takes another way back",
                [Inference, Inference, Event],
                &["asymmetric-return", "health-check-unanswered"],
                "",
            ),
            row(
                29,
                "The tunnel was interrupted, maybe by the failed check itself",
                [Event, Event, Nothing],
                &["health-check-reset", "tunnel-flapping", "tunnel-deleted"],
                "Without the keys of ESP a failed check is not known as one: the deletion is told, not its reason, which the log of that side has.",
            ),
        ],
    },
    Symptom {
        says: "Phase 2 is up and traffic does not pass",
        rows: &[
            row(
                30,
                "Hosts in the cloud do not reach servers of the peer",
                [Inference, Inference, Event],
                &[
                    "inner-no-reply",
                    "esp-one-way",
                    "clear-text-leak",
                    "outside-well",
                ],
                "Without ESP keys the silent half is told; look at routes and policy of that half.",
            ),
            row(
                31,
                "Servers of the peer do not reach hosts in the cloud",
                [Inference, Inference, Event],
                &[
                    "inner-no-reply",
                    "esp-one-way",
                    "clear-text-leak",
                    "outside-well",
                ],
                "Without ESP keys the silent half is told; look at routes and policy of that half.",
            ),
            row(
                32,
                "Of several subnets one works: one SA for all against one SA a pair",
                [Inference, Event, Event],
                &[
                    "ts-narrowed-first-pair",
                    "single-child-peer",
                    "inner-outside-ts",
                ],
                "",
            ),
            row(
                33,
                "The peer translates addresses before it looks for a tunnel",
                [Inference, Inference, Event],
                &["inner-nat-misses-ts", "esp-one-way", "inner-outside-ts"],
                "",
            ),
            row(
                34,
                "Ping works and some services do not",
                [Inference, Nothing, Event],
                &["inner-port-unanswered", "mtu-black-hole", "outside-well"],
                "Without ESP keys look at security groups and host firewalls.",
            ),
        ],
    },
    Symptom {
        says: "Packets are lost or late",
        rows: &[
            row(
                35,
                "Bursts exceed the gateway's bandwidth",
                [Inference, Nothing, Inference],
                &["rate-limited", "packet-loss"],
                "A limit behind the tap loses nothing before it: capture on its far side too. Bursts shorter than a second are not told apart.",
            ),
            row(
                36,
                "The tunnel is negotiated again and again",
                [Event, Event, Nothing],
                &["tunnel-flapping", "duplicate-tunnel"],
                "",
            ),
            row(
                37,
                "An old gateway drops packets above some size",
                [Inference, Nothing, Inference],
                &["mtu-black-hole"],
                "The age of a gateway stands in the console.",
            ),
            row(
                38,
                "Packets exceed the path's MTU and come in fragments",
                [Event, Nothing, Event],
                &[
                    "mtu-exceeded",
                    "mtu-black-hole",
                    "esp-fragmented",
                    "esp-fragments-lost",
                ],
                "Packets that were cut before encryption pass as whole packets of ESP, and are not told.",
            ),
            row(
                39,
                "Bursts above the bandwidth make packets late",
                [Inference, Nothing, Inference],
                &["rate-limited", "high-latency"],
                "Round trips are compared by their shortest, which load hardly touches: what bursts alone make late shows in pings at a busy hour.",
            ),
            row(
                40,
                "The path is slow",
                [Event, Nothing, Event],
                &["high-latency", "path-outage"],
                "",
            ),
        ],
    },
    Symptom {
        says: "Selectors differ",
        rows: &[
            row(
                41,
                "One side's selectors contain the other's, and connections overlap",
                [Inference, Event, Event],
                &["ts-narrowed", "overlapping-selectors", "asymmetric-return"],
                "",
            ),
            row(
                42,
                "The peer does not accept selectors within its own",
                [Inference, Event, Nothing],
                &["ts-unacceptable", "child-setup-failed"],
                "",
            ),
            row(
                43,
                "IKEv1 wants equal selectors",
                [Inference, Event, Nothing],
                &["ts-unacceptable", "child-setup-failed"],
                "",
            ),
        ],
    },
];
