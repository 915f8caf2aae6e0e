//! What the data of a notification means.

use super::super::ndjson::{Each, Hex, Text};
use super::proposal::AttributeRecord;
use super::{Context, matches};
use crate::wire::ikev1::notification;
use crate::wire::ikev2::{AuthAnnouncement, Meaning3gpp, NotifyMeaning};
use crate::wire::signature;
use serde::Serialize;
use serde::ser::SerializeMap;

/// What the data of a notification means, under the name of its kind. Nothing where the octets of
/// the data say it all.
pub(super) fn meant<M: SerializeMap>(
    map: &mut M,
    meaning: &NotifyMeaning<'_>,
    context: Context<'_>,
) -> Result<(), M::Error> {
    use NotifyMeaning as Meaning;
    // What only counts octets says nothing beside them.
    let is_opaque = matches!(
        meaning,
        Meaning::InvalidSpi(_)
            | Meaning::InvalidSelectors(_)
            | Meaning::NatDetection(_)
            | Meaning::Cookie(_)
            | Meaning::Ticket(_)
            | Meaning::QuickCrashDetection(_)
            | Meaning::KeyExchangeLink(_)
            | Meaning::NoPpkAuth(_)
            | Meaning::Misfit(_)
    );
    if !is_opaque {
        map.serialize_entry("text", &Text(meaning))?;
    }
    match meaning {
        Meaning::InvalidKe(group) => map.serialize_entry("wanted_group", group),
        Meaning::NatDetection(hash) => matches(map, context.matches(hash)),
        Meaning::SignatureHashAlgorithms(hashes) => {
            let hashes = || hashes.iter().map(|hash| hash.0);
            map.serialize_entry("hash_algorithms", &Each(hashes))
        }
        Meaning::AuthLifetime(seconds) | Meaning::TicketLifetime { seconds, .. } => {
            map.serialize_entry("seconds", seconds)
        }
        Meaning::Address(address) => map.serialize_entry("address", address),
        Meaning::Redirect { gateway, .. } => map.serialize_entry("gateway", &Text(gateway)),
        Meaning::WindowSize(size) => map.serialize_entry("window", size),
        // One of another length is no SPI of ESP or AH; its octets stand under `data`.
        Meaning::InvalidSpi(spi @ [_, _, _, _]) => map.serialize_entry(
            "unknown_spi",
            &format_args!("0x{}", crate::wire::text::Hex(spi)),
        ),
        Meaning::UnsupportedCriticalPayload(kind) => map.serialize_entry("payload", &kind.0),
        Meaning::HighestVersion(version) => map.serialize_entry("major_version", version),
        Meaning::InvalidMessageId(id) => map.serialize_entry("invalid_message_id", id),
        Meaning::Ipcomp { cpi, transform } => {
            map.serialize_entry("ipcomp_transform", &transform.0)?;
            map.serialize_entry("cpi", cpi)
        }
        Meaning::MessageIdSync {
            expected_send,
            expected_receive,
        } => {
            map.serialize_entry("expected_send", expected_send)?;
            map.serialize_entry("expected_receive", expected_receive)
        }
        Meaning::LinkId(link) => map.serialize_entry("link_id", &Hex(link)),
        Meaning::Rohc(attributes) => {
            let records = || attributes.iter().map(AttributeRecord::rohc);
            map.serialize_entry("attributes", &Each(records))
        }
        Meaning::ReplayCounterSync(delta) => map.serialize_entry("counter_delta", delta),
        Meaning::SecurePasswordMethods(methods) => {
            let methods = || methods.iter().map(|method| method.0);
            map.serialize_entry("password_methods", &Each(methods))
        }
        Meaning::ResourceInfo(resource) => map.serialize_entry("resource", &Hex(resource)),
        Meaning::Puzzle {
            prf, difficulty, ..
        } => {
            map.serialize_entry("prf", prf)?;
            map.serialize_entry("difficulty", difficulty)
        }
        Meaning::PpkIdentity {
            id_type,
            id,
            confirmation,
        } => {
            map.serialize_entry("ppk_id_type", &id_type.0)?;
            map.serialize_entry("ppk_id", &Hex(id))?;
            match confirmation {
                Some(proof) => map.serialize_entry("ppk_confirmation", &Hex(*proof)),
                None => Ok(()),
            }
        }
        Meaning::UseAggfrag {
            congestion_control,
            dont_fragment,
        } => {
            map.serialize_entry("congestion_control", congestion_control)?;
            map.serialize_entry("dont_fragment", dont_fragment)
        }
        Meaning::SupportedAuthMethods(methods) => map.serialize_entry(
            "auth_methods",
            &Each(|| methods.iter().map(AnnouncementRecord::new)),
        ),
        Meaning::Mobile(meaning) => mobile(map, meaning),
        Meaning::Misfit(_) => map.serialize_entry("fits", &false),
        Meaning::InvalidSpi(_)
        | Meaning::InvalidSelectors(_)
        | Meaning::Cookie(_)
        | Meaning::Ticket(_)
        | Meaning::QuickCrashDetection(_)
        | Meaning::NoPpkAuth(_)
        | Meaning::KeyExchangeLink(_) => Ok(()),
    }
}

/// What a mobile network says.
fn mobile<M: SerializeMap>(map: &mut M, meaning: &Meaning3gpp<'_>) -> Result<(), M::Error> {
    match meaning {
        Meaning3gpp::Backoff(seconds) => match seconds {
            Some(seconds) => map.serialize_entry("seconds", seconds),
            None => Ok(()),
        },
        Meaning3gpp::Device { kind, digits } => {
            map.serialize_entry("device_type", kind)?;
            map.serialize_entry("device", digits)
        }
        Meaning3gpp::DeviceWanted(kind) => map.serialize_entry("device_type", kind),
        Meaning3gpp::Port(port) => map.serialize_entry("port", port),
        Meaning3gpp::Qos {
            session,
            flows,
            is_default,
            dscp,
        } => {
            map.serialize_entry("pdu_session", session)?;
            map.serialize_entry("qos_flows", flows)?;
            map.serialize_entry("default_child_sa", is_default)?;
            map.serialize_entry("dscp", dscp)
        }
        Meaning3gpp::Session(session) => map.serialize_entry("pdu_session", session),
        Meaning3gpp::EmergencyNumbers(_) | Meaning3gpp::Slice(_) => Ok(()),
    }
}

/// An authentication method that a peer takes.
#[derive(Serialize)]
struct AnnouncementRecord<'a> {
    method: u8,
    method_name: Option<&'static str>,
    certificate_link: u8,
    algorithm: Hex<'a>,
    algorithm_name: Option<String>,
}

impl<'a> AnnouncementRecord<'a> {
    fn new(announcement: &AuthAnnouncement<'a>) -> Self {
        Self {
            method: announcement.method.0,
            method_name: announcement.method.name(),
            certificate_link: announcement.certificate_link,
            algorithm: Hex(announcement.algorithm),
            algorithm_name: signature::algorithm(announcement.algorithm),
        }
    }
}

/// As [`meant`], for IKEv1.
pub(super) fn meant_v1<M: SerializeMap>(
    map: &mut M,
    meaning: &notification::Meaning<'_>,
) -> Result<(), M::Error> {
    use notification::Meaning;
    match meaning {
        Meaning::Sequence(sequence) => map.serialize_entry("dpd_sequence", sequence),
        Meaning::Lifetime(phase, attributes) => {
            map.serialize_entry("text", &Text(meaning))?;
            map.serialize_entry("attributes", &AttributeRecord::all_v1(*phase, attributes))
        }
        Meaning::ReplayDetection(on) => map.serialize_entry("replay_detection", on),
        Meaning::LoadBalance(address) => map.serialize_entry("address", address),
        Meaning::Misfit(_) => map.serialize_entry("fits", &false),
    }
}
