//! The questions that operators of a VPN ask first, and which rule answers each.
//!
//! The rows of [`FAQ`] are those of a cloud vendor's list of IPsec-VPN faults: one side is a cloud
//! gateway, the other a device of the customer. [`BEYOND`] is what experts find by hand beside them.
//! `docs/faq.md` and its translations are what [`write()`] gives.

use crate::diagnose::Rule;
use crate::language::{Language, Text, list};
use crate::say;
use std::io::{self, Write};

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
    fn word(self) -> &'static str {
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

/// What is said before the list.
const ABOUT: &str = "\
The causes are those that a cloud vendor names for faults of an IPsec VPN, F1 to F43. *Shown* means that a
capture of the outside link holds the event itself; *inferred*, that sizes, times or an absence let one
conclude it, never as a fact. Every rule is explained by `espial explain RULE`.";

/// The page of the list in a language.
pub fn page(language: Language) -> String {
    match language {
        Language::English => "faq.md".to_owned(),
        other => format!("faq.{}.md", other.tag()),
    }
}

/// Writes the whole list as Markdown.
pub fn write(out: &mut impl Write, rules: &[&Rule], language: Language) -> io::Result<()> {
    let word = |word| language.word(word);
    writeln!(out, "# {}\n", word("Which rule answers which question"))?;
    writeln!(out, "{}\n", word(ABOUT))?;
    let others = Language::ALL.into_iter().filter(|other| *other != language);
    let others = others.map(|other| format!("[{}]({})", other.name(), page(other)));
    let others: Vec<String> = others.collect();
    writeln!(
        out,
        "{}",
        language.say(&say!(
            "This page is written by `espial explain --faq`. In other languages: {links}.",
            links = list(others.into_iter().map(Text::verbatim))
        ))
    )?;
    for symptom in FAQ {
        writeln!(out, "\n## {}\n", word(symptom.says))?;
        let head = [
            "",
            "cause",
            "without keys",
            "with IKE keys",
            "with ESP keys",
        ];
        table_head(out, &head, language)?;
        for row in symptom.rows {
            let [sealed, ike, esp] = row.sight.map(|sight| word(sight.word()));
            let (number, cause) = (row.number, word(row.cause));
            writeln!(out, "| F{number} | {cause} | {sealed} | {ike} | {esp} |")?;
        }
        for row in symptom.rows {
            write_row(out, row, rules, language)?;
        }
    }
    write_beyond(out, rules, language)
}

/// Writes which rules answer for a cause.
fn write_row(
    out: &mut impl Write,
    row: &Row,
    rules: &[&Rule],
    language: Language,
) -> io::Result<()> {
    let title = say!(
        "**F{number}. {cause}.** It says:",
        number = row.number,
        cause = row.cause
    );
    writeln!(out, "\n{}\n", language.say(&title))?;
    for slug in row.rules {
        if let Some(rule) = rules.iter().find(|rule| rule.slug == *slug) {
            let line = say!(
                "- `{slug}` ({code}): {summary}.",
                slug = Text::verbatim(rule.slug),
                code = Text::verbatim(rule.code),
                summary = rule.summary
            );
            writeln!(out, "{}", language.say(&line))?;
        }
    }
    if !row.elsewhere.is_empty() {
        writeln!(out, "\n{}", language.word(row.elsewhere))?;
    }
    Ok(())
}

/// Writes what experts find beyond the vendor's list.
fn write_beyond(out: &mut impl Write, rules: &[&Rule], language: Language) -> io::Result<()> {
    let word = |word| language.word(word);
    writeln!(out, "\n## {}\n", word("Beyond the FAQ"))?;
    writeln!(
        out,
        "{}\n",
        word("What experts find by hand in captures, and which rule looks for it.")
    )?;
    let head = ["", "diagnosis", "rules", "what stays open"];
    table_head(out, &head, language)?;
    for row in BEYOND {
        let named = row
            .rules
            .iter()
            .filter_map(|slug| rules.iter().find(|rule| rule.slug == *slug))
            .map(|rule| {
                say!(
                    "`{rule}` ({code})",
                    rule = Text::verbatim(rule.slug),
                    code = Text::verbatim(rule.code)
                )
            });
        let named = list(named);
        let named = match named.is_empty() {
            true => "–".to_owned(),
            false => language.say(&named),
        };
        let (number, what, open) = (row.number, word(row.what), word(row.open));
        writeln!(out, "| c{number} | {what} | {named} | {open} |")?;
    }
    Ok(())
}

/// Writes the first two lines of a table.
fn table_head(out: &mut impl Write, head: &[&'static str], language: Language) -> io::Result<()> {
    let titles = head.iter().map(|title| match *title {
        "" => " |".to_owned(),
        title => format!(" {} |", language.column(title)),
    });
    writeln!(out, "|{}", titles.collect::<String>())?;
    writeln!(out, "|{}", "---|".repeat(head.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnose::rules::RULES;

    fn rows() -> impl Iterator<Item = &'static Row> {
        FAQ.iter().flat_map(|symptom| symptom.rows)
    }

    #[test]
    fn the_rows_are_numbered_in_order_and_none_is_missing() {
        let numbers: Vec<u8> = rows().map(|row| row.number).collect();
        assert_eq!(numbers, (1..=43).collect::<Vec<u8>>());
    }

    #[test]
    fn every_row_is_answered_by_rules_that_exist() {
        for row in rows() {
            assert!(!row.rules.is_empty(), "F{}", row.number);
            for slug in row.rules {
                let known = RULES.iter().any(|rule| rule.slug == *slug);
                assert!(known, "F{}: {slug} is no rule", row.number);
            }
        }
    }

    #[test]
    fn the_rows_beyond_are_numbered_in_order_and_answered_or_left_open_with_a_reason() {
        let numbers: Vec<u8> = BEYOND.iter().map(|row| row.number).collect();
        assert_eq!(numbers, (1..=54).collect::<Vec<u8>>());
        for row in BEYOND {
            let answered = !row.rules.is_empty() || !row.open.is_empty();
            assert!(answered, "c{}", row.number);
            for slug in row.rules {
                let known = RULES.iter().any(|rule| rule.slug == *slug);
                assert!(known, "c{}: {slug} is no rule", row.number);
            }
        }
    }

    #[test]
    fn every_rule_answers_a_question() {
        let asked: Vec<&str> = rows()
            .flat_map(|row| row.rules)
            .chain(BEYOND.iter().flat_map(|row| row.rules))
            .copied()
            .collect();
        for rule in RULES {
            assert!(
                asked.contains(&rule.slug) || OTHERS.contains(&rule.slug),
                "{} answers nothing",
                rule.slug
            );
        }
    }

    /// Rules that tell what is normal, or what neither list asks about.
    const OTHERS: &[&str] = &[
        "address-assignment-failed",
        "eap-failed",
        "esp-dropped-locally",
        "ike-auth-no-response",
        "ike-damaged",
        "ike-retransmits",
        "peer-internal-error",
        "redirected",
        "undecided",
    ];

    #[test]
    fn what_no_capture_shows_says_where_to_look() {
        for row in rows().filter(|row| row.sight == [Nothing; 3]) {
            assert!(!row.elsewhere.is_empty(), "F{}", row.number);
        }
    }
}
