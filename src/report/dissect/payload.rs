//! One payload as JSON: its frame, then the fields of its type as the contract's table has them.

use super::group;
use super::ndjson::{Each, Hex, Text, opening};
use crate::net::Path;
use crate::registry::ikev1::{self as ikev1_names, LifeType, Phase, Situation};
use crate::registry::{
    EapType, PayloadType, RohcAttribute, TransformAttributeType, transform, vendor_id,
};
use crate::session::{Reading, Standing};
use crate::units::IkeSpis;
use crate::wire::address::address;
use crate::wire::certificate::Content;
use crate::wire::ikev1::{self, Attribute, AttributeValue, attribute, notification};
use crate::wire::ikev2::{
    self, AuthAnnouncement, Configuration, Eap, Meaning3gpp, Method, NotifyMeaning,
};
use crate::wire::nat_detection::{self, Match};
use crate::wire::x509::{self, RevocationList};
use crate::wire::{Body, Payload, Version, signature};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use std::net::IpAddr;

/// What a payload must know of its message: NAT detection hashes are made of it.
#[derive(Clone, Copy)]
pub(super) struct Context<'a> {
    pub(super) spis: IkeSpis,
    pub(super) version: Version,
    pub(super) path: &'a Path,
    pub(super) reading: &'a Reading,
}

impl Context<'_> {
    /// What a hash for NAT detection fits.
    pub(super) fn matches(self, hash: &[u8]) -> Option<Match> {
        nat_detection::matches(hash, self.spis, self.path.from, self.path.to)
    }
}

/// A payload.
pub(super) struct PayloadRecord<'a> {
    pub(super) payload: &'a Payload<'a>,
    pub(super) context: Context<'a>,
}

impl Serialize for PayloadRecord<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Payload {
            kind,
            critical,
            at,
            length,
            body,
        } = self.payload;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("type", &kind.0)?;
        map.serialize_entry("name", &kind.name())?;
        map.serialize_entry("length", length)?;
        if matches!(body, Body::V2(_)) || kind.0 >= PayloadType::SA.0 && kind.0 < 128 {
            map.serialize_entry("critical", critical)?;
        }
        map.serialize_entry("at", at)?;
        match body {
            Body::V1(body) => v1(&mut map, body, self.context)?,
            Body::V2(body) => v2(&mut map, body, self.context)?,
            Body::Opaque(data) => map.serialize_entry("data", &Hex(data))?,
        }
        map.end()
    }
}

fn v1<M: SerializeMap>(
    map: &mut M,
    body: &ikev1::Body<'_>,
    context: Context<'_>,
) -> Result<(), M::Error> {
    use ikev1::Body;
    match body {
        Body::Sa(sa) => {
            map.serialize_entry("doi", &sa.doi)?;
            map.serialize_entry("situation", &sa.situation)?;
            let bits = || {
                Situation::NAMED
                    .iter()
                    .filter(|bit| sa.situation & bit.0.0 != 0)
            };
            map.serialize_entry("situation_names", &Each(|| bits().map(|bit| bit.1)))?;
            map.serialize_entry(
                "proposals",
                &Each(|| sa.proposals.iter().map(ProposalV1::new)),
            )
        }
        Body::GroupSa(sa) => group::sa_v1(map, sa),
        Body::SaKek(kek) => group::kek(map, kek),
        Body::SaTek(tek) => group::tek(map, tek),
        Body::KeyDownload(keys) => group::keys_v1(map, keys),
        Body::SequenceNumber(number) => map.serialize_entry("sequence", number),
        Body::GroupAssociatedPolicy(policy) => group::gap(map, policy),
        Body::Ke(data)
        | Body::Hash(data)
        | Body::Sig(data)
        | Body::Nonce(data)
        | Body::ProofOfPossession(data) => map.serialize_entry("data", &Hex(data)),
        Body::Id(id) => {
            map.serialize_entry("id_type", &id.id_type.0)?;
            map.serialize_entry("id_name", &id.id_type.name_v1())?;
            map.serialize_entry("protocol", &id.protocol)?;
            map.serialize_entry("port", &id.port)?;
            map.serialize_entry("data", &Hex(id.data))?;
            map.serialize_entry("text", &id.text())
        }
        Body::Cert(cert) => {
            map.serialize_entry("encoding", &cert.encoding.0)?;
            map.serialize_entry("encoding_name", &cert.encoding.name())?;
            map.serialize_entry("data", &Hex(cert.data))?;
            held(map, cert.content(), Content::is_read(cert.encoding))
        }
        Body::CertReq(cert) => {
            map.serialize_entry("encoding", &cert.encoding.0)?;
            map.serialize_entry("encoding_name", &cert.encoding.name())?;
            map.serialize_entry("data", &Hex(cert.data))?;
            map.serialize_entry("authority", &cert.authority())
        }
        Body::Notify(notify) => {
            map.serialize_entry("doi", &notify.doi)?;
            map.serialize_entry("protocol", &notify.protocol.0)?;
            map.serialize_entry("protocol_name", &notify.protocol.name_v1())?;
            map.serialize_entry("notify", &notify.kind.0)?;
            map.serialize_entry("notify_name", &notify.kind.name())?;
            map.serialize_entry("spi", &Hex(notify.spi))?;
            map.serialize_entry("data", &Hex(notify.data))?;
            match notify.meaning() {
                Some(meaning) => meant_v1(map, &meaning),
                None => Ok(()),
            }
        }
        Body::Delete(delete) => {
            map.serialize_entry("doi", &delete.doi)?;
            map.serialize_entry("protocol", &delete.protocol.0)?;
            map.serialize_entry("protocol_name", &delete.protocol.name_v1())?;
            map.serialize_entry("spis", &Each(|| delete.spis.iter().map(|spi| Hex(spi))))
        }
        Body::VendorId(data) => vendor(map, data),
        Body::Attributes(configuration) => configured(map, configuration),
        Body::NatD(data) => {
            map.serialize_entry("data", &Hex(data))?;
            matches(map, context.matches(data))
        }
        Body::NatOa(id) => {
            let address = address(id.data);
            map.serialize_entry("id_type", &id.id_type.0)?;
            map.serialize_entry("data", &Hex(id.data))?;
            map.serialize_entry("text", &address)?;
            matches(map, address.map(|address| original(address, context.path)))
        }
        Body::Fragment(fragment) => {
            map.serialize_entry("id", &fragment.id)?;
            map.serialize_entry("number", &fragment.number)?;
            map.serialize_entry("last", &fragment.last)?;
            map.serialize_entry("data", &Hex(fragment.data))?;
            standing(map, context)
        }
    }
}

fn v2<M: SerializeMap>(
    map: &mut M,
    body: &ikev2::Body<'_>,
    context: Context<'_>,
) -> Result<(), M::Error> {
    use ikev2::Body;
    match body {
        Body::Sa(sa) => map.serialize_entry(
            "proposals",
            &Each(|| sa.proposals.iter().map(ProposalV2::new)),
        ),
        Body::Ke(ke) => {
            map.serialize_entry("group", &ke.group)?;
            let name = transform::key_exchange(ke.group).map(|row| row.name);
            map.serialize_entry("group_name", &name)?;
            map.serialize_entry("data", &Hex(ke.data))
        }
        Body::Id(id) => {
            map.serialize_entry("id_type", &id.id_type.0)?;
            map.serialize_entry("id_name", &id.id_type.name())?;
            map.serialize_entry("data", &Hex(id.data))?;
            map.serialize_entry("text", &id.text())
        }
        Body::Cert(cert) => {
            map.serialize_entry("encoding", &cert.encoding.0)?;
            map.serialize_entry("encoding_name", &cert.encoding.name())?;
            map.serialize_entry("data", &Hex(cert.data))?;
            held(map, cert.content(), Content::is_read(cert.encoding))
        }
        Body::CertReq(cert) => {
            map.serialize_entry("encoding", &cert.encoding.0)?;
            map.serialize_entry("encoding_name", &cert.encoding.name())?;
            map.serialize_entry("data", &Hex(cert.data))?;
            let authorities = || cert.authorities().iter().map(|hash| Hex(hash));
            map.serialize_entry("authorities", &Each(authorities))
        }
        Body::Auth(auth) => {
            map.serialize_entry("method", &auth.method.0)?;
            map.serialize_entry("method_name", &auth.method.name())?;
            map.serialize_entry("data", &Hex(auth.data))?;
            if let Some(identifier) = auth.algorithm_identifier() {
                map.serialize_entry("algorithm", &Hex(identifier))?;
                map.serialize_entry("algorithm_name", &auth.algorithm())?;
            }
            map.serialize_entry("proof_octets", &auth.proof().len())
        }
        Body::Nonce(data) | Body::Gspm(data) => map.serialize_entry("data", &Hex(data)),
        Body::Gsa(gsa) => group::gsa(map, gsa),
        Body::Kd(keys) => group::keys_v2(map, keys),
        Body::Ps(solution) => map.serialize_entry("data", &Hex(solution.data)),
        Body::Notify(notify) => {
            map.serialize_entry("protocol", &notify.protocol.0)?;
            map.serialize_entry("protocol_name", &notify.protocol.name())?;
            map.serialize_entry("notify", &notify.kind.0)?;
            map.serialize_entry("notify_name", &notify.kind.name())?;
            map.serialize_entry("spi", &Hex(notify.spi))?;
            map.serialize_entry("data", &Hex(notify.data))?;
            match notify.meaning() {
                Some(meaning) => meant(map, &meaning, context),
                None => Ok(()),
            }
        }
        Body::Delete(delete) => {
            map.serialize_entry("protocol", &delete.protocol.0)?;
            map.serialize_entry("protocol_name", &delete.protocol.name())?;
            map.serialize_entry("spis", &Each(|| delete.spis.iter().map(|spi| Hex(spi))))
        }
        Body::VendorId(data) => vendor(map, data),
        Body::Ts(ts) => {
            map.serialize_entry(
                "selectors",
                &Each(|| ts.selectors.iter().map(Selector::new)),
            )?;
            // A range that is no prefix is told as a range.
            let ranges = || ts.selectors.iter().filter_map(ikev2::Selector::range);
            map.serialize_entry("cidrs", &Each(|| ranges().map(Text)))
        }
        Body::Sk(_) => opening(map, context, false),
        Body::Skf(skf) => {
            map.serialize_entry("fragment", &skf.number)?;
            map.serialize_entry("total", &skf.total)?;
            standing(map, context)?;
            opening(map, context, false)
        }
        Body::Cp(configuration) => configured(map, configuration),
        Body::Eap(eap) => {
            map.serialize_entry("code", &eap.code)?;
            map.serialize_entry("code_name", &eap.code_name())?;
            map.serialize_entry("id", &eap.identifier)?;
            map.serialize_entry("eap_type", &eap.eap_type.map(|kind| kind.0))?;
            map.serialize_entry("eap_name", &eap.eap_type.and_then(|kind| kind.name()))?;
            authenticated(map, eap)
        }
    }
}

/// What a certificate payload holds. `is_read` says whether its encoding is one that we read, so
/// that no content means broken data.
fn held<M: SerializeMap>(
    map: &mut M,
    content: Option<Content<'_>>,
    is_read: bool,
) -> Result<(), M::Error> {
    match content {
        Some(Content::Certificate(certificate)) => certified(map, &certificate),
        Some(Content::Bundle(certificates)) => map.serialize_entry(
            "certificates",
            &Each(|| certificates.iter().map(CertificateRecord)),
        ),
        Some(Content::RevocationList(list)) => revoked(map, &list),
        Some(Content::HashAndUrl { hash, url }) => {
            map.serialize_entry("hash", &Hex(hash))?;
            map.serialize_entry("url", &url)
        }
        Some(Content::PublicKey(key)) => map.serialize_entry("key", &Text(key)),
        Some(Content::OcspResponse(status)) => map.serialize_entry("status", status),
        None if is_read => map.serialize_entry("fits", &false),
        None => Ok(()),
    }
}

/// One of several certificates.
struct CertificateRecord<'a>(&'a x509::Certificate);

impl Serialize for CertificateRecord<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        certified(&mut map, self.0)?;
        map.end()
    }
}

fn certified<M: SerializeMap>(
    map: &mut M,
    certificate: &x509::Certificate,
) -> Result<(), M::Error> {
    map.serialize_entry("subject", &certificate.subject)?;
    map.serialize_entry("issuer", &certificate.issuer)?;
    map.serialize_entry("serial", &certificate.serial)?;
    map.serialize_entry("not_before", &Text(certificate.not_before))?;
    map.serialize_entry("not_after", &Text(certificate.not_after))?;
    let names = || certificate.alternative_names.iter().map(Text);
    map.serialize_entry("san", &Each(names))?;
    map.serialize_entry("key", &Text(&certificate.key))?;
    map.serialize_entry("key_sha1", &Hex(&certificate.key_sha1))?;
    map.serialize_entry("signature_algorithm", &certificate.signature_algorithm)?;
    map.serialize_entry("is_ca", &certificate.is_ca)?;
    map.serialize_entry("key_usage", &certificate.key_usage)?;
    map.serialize_entry("extended_key_usage", &certificate.extended_key_usage)
}

fn revoked<M: SerializeMap>(map: &mut M, list: &RevocationList) -> Result<(), M::Error> {
    map.serialize_entry("issuer", &list.issuer)?;
    map.serialize_entry("this_update", &Text(list.this_update))?;
    map.serialize_entry("next_update", &list.next_update.map(Text))?;
    map.serialize_entry("revoked", &list.revoked)
}

/// The data of an EAP packet and what it means. A password shows only its size.
fn authenticated<M: SerializeMap>(map: &mut M, eap: &Eap<'_>) -> Result<(), M::Error> {
    if eap.is_secret() {
        return map.serialize_entry("masked_octets", &eap.data.len());
    }
    map.serialize_entry("data", &Hex(eap.data))?;
    let Some(method) = eap.method() else {
        return Ok(());
    };
    map.serialize_entry("text", &Text(&method))?;
    match method {
        Method::Identity(identity) => map.serialize_entry("identity", &identity),
        Method::Notification(_) | Method::Prompt(_) => Ok(()),
        Method::Nak(kinds) => {
            map.serialize_entry("wanted_methods", &Each(|| kinds.iter().map(|kind| kind.0)))
        }
        Method::Expanded { vendor, kind, .. } => {
            map.serialize_entry("vendor", &vendor)?;
            map.serialize_entry("vendor_type", &kind)?;
            // RFC 3748 section 5.7: the methods of the IETF keep their numbers.
            let own = u8::try_from(kind).ok().filter(|_| vendor == 0);
            let name = own.and_then(|kind| EapType(kind).name());
            map.serialize_entry("vendor_type_name", &name)
        }
        Method::Mschap { opcode, text } => {
            map.serialize_entry("opcode", &opcode.0)?;
            map.serialize_entry("opcode_name", &opcode.name())?;
            map.serialize_entry("message", &text)
        }
        Method::Tls {
            start,
            more,
            version,
            total,
            data,
        } => {
            map.serialize_entry("start", &start)?;
            map.serialize_entry("more", &more)?;
            map.serialize_entry("method_version", &version)?;
            map.serialize_entry("tls_total", &total)?;
            map.serialize_entry("tls_octets", &data.len())
        }
        Method::Aka {
            subtype,
            attributes,
        } => {
            map.serialize_entry("subtype", &subtype.0)?;
            map.serialize_entry("subtype_name", &subtype.name())?;
            let records = || {
                attributes.iter().map(|one| ConfigurationRecord {
                    kind: one.kind.0.into(),
                    name: one.kind.name(),
                    value: Some(Hex(one.value)),
                    text: one.text(),
                    masked_octets: None,
                })
            };
            map.serialize_entry("attributes", &Each(records))
        }
    }
}

/// What the data of a notification means, under the name of its kind. Nothing where the octets of
/// the data say it all.
fn meant<M: SerializeMap>(
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
fn meant_v1<M: SerializeMap>(
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

/// How an IKE fragment stands to its set.
fn standing<M: SerializeMap>(map: &mut M, context: Context<'_>) -> Result<(), M::Error> {
    match &context.reading.standing {
        Some(standing) => map.serialize_entry("set", &SetRecord::new(standing)),
        None => Ok(()),
    }
}

#[derive(Serialize)]
struct SetRecord {
    /// What the fragment is to the set.
    place: &'static str,
    /// Different fragments that have come, this one included.
    seen: u16,
    /// Those that the set has, as far as it is known.
    total: Option<u16>,
    /// If the fragment completes the set: the frames that carry it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    frames: Vec<u64>,
}

impl SetRecord {
    fn new(standing: &Standing) -> Self {
        Self {
            place: standing.place.word(),
            seen: standing.seen,
            total: standing.total,
            frames: standing.frames.iter().map(|frame| frame.number).collect(),
        }
    }
}

/// Absent where it cannot be told.
fn matches<M: SerializeMap>(map: &mut M, fits: Option<Match>) -> Result<(), M::Error> {
    match fits {
        Some(Match::Source) => map.serialize_entry("matches", "source"),
        Some(Match::Destination) => map.serialize_entry("matches", "destination"),
        Some(Match::Neither) => map.serialize_entry("matches", "none"),
        None => Ok(()),
    }
}

/// Whether an original address is that of an end, so untranslated.
fn original(address: IpAddr, path: &Path) -> Match {
    if address == path.from.address {
        Match::Source
    } else if address == path.to.address {
        Match::Destination
    } else {
        Match::Neither
    }
}

fn vendor<M: SerializeMap>(map: &mut M, data: &[u8]) -> Result<(), M::Error> {
    map.serialize_entry("data", &Hex(data))?;
    map.serialize_entry("product", &vendor_id::product(data))
}

fn configured<M: SerializeMap>(
    map: &mut M,
    configuration: &Configuration<'_>,
) -> Result<(), M::Error> {
    map.serialize_entry("cfg_type", &configuration.cfg_type.0)?;
    map.serialize_entry("cfg_name", &configuration.cfg_type.name())?;
    if let Some(identifier) = configuration.identifier {
        map.serialize_entry("identifier", &identifier)?;
    }
    let attributes = || {
        configuration.attributes.iter().map(|attribute| {
            let is_secret = attribute.is_secret();
            ConfigurationRecord {
                kind: attribute.kind.0,
                name: attribute.kind.name(),
                value: (!is_secret).then_some(Hex(attribute.value)),
                text: attribute.text(),
                masked_octets: is_secret.then_some(attribute.value.len()),
            }
        })
    };
    map.serialize_entry("attributes", &Each(attributes))
}

/// An attribute of a configuration, or of EAP-SIM and its like. The value of a secret is null, and
/// only its size is told.
#[derive(Serialize)]
struct ConfigurationRecord<'a> {
    #[serde(rename = "type")]
    kind: u16,
    name: Option<&'static str>,
    value: Option<Hex<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    masked_octets: Option<usize>,
}

#[derive(Serialize)]
struct ProposalV1<'a> {
    number: u8,
    protocol: u8,
    protocol_name: Option<&'static str>,
    spi: Hex<'a>,
    transforms: Vec<TransformV1<'a>>,
}

impl<'a> ProposalV1<'a> {
    fn new(proposal: &'a ikev1::Proposal<'a>) -> Self {
        let protocol = proposal.protocol;
        let phase = Phase::of(protocol);
        Self {
            number: proposal.number,
            protocol: protocol.0,
            protocol_name: protocol.name_v1(),
            spi: Hex(proposal.spi),
            transforms: proposal
                .transforms
                .iter()
                .map(|transform| TransformV1 {
                    number: transform.number,
                    id: transform.id,
                    name: ikev1_names::transform_name(protocol, transform.id),
                    attributes: AttributeRecord::all_v1(phase, &transform.attributes),
                })
                .collect(),
        }
    }
}

#[derive(Serialize)]
struct TransformV1<'a> {
    number: u8,
    id: u8,
    name: Option<&'static str>,
    attributes: Vec<AttributeRecord<'a>>,
}

#[derive(Serialize)]
struct ProposalV2<'a> {
    number: u8,
    protocol: u8,
    protocol_name: Option<&'static str>,
    spi: Hex<'a>,
    transforms: Vec<TransformV2<'a>>,
}

impl<'a> ProposalV2<'a> {
    fn new(proposal: &'a ikev2::Proposal<'a>) -> Self {
        Self {
            number: proposal.number,
            protocol: proposal.protocol.0,
            protocol_name: proposal.protocol.name(),
            spi: Hex(proposal.spi),
            transforms: proposal.transforms.iter().map(TransformV2::new).collect(),
        }
    }
}

#[derive(Serialize)]
pub(super) struct TransformV2<'a> {
    #[serde(rename = "type")]
    kind: u8,
    id: u16,
    name: Option<&'static str>,
    key_length: Option<u16>,
    attributes: Vec<AttributeRecord<'a>>,
}

impl<'a> TransformV2<'a> {
    pub(super) fn new(transform: &ikev2::Transform<'a>) -> Self {
        Self {
            kind: transform.kind.0,
            id: transform.id,
            name: transform::name(transform.kind, transform.id),
            key_length: transform.key_length,
            attributes: transform
                .attributes
                .iter()
                .map(AttributeRecord::v2)
                .collect(),
        }
    }
}

#[derive(Serialize)]
pub(super) struct AttributeRecord<'a> {
    #[serde(rename = "type")]
    kind: u16,
    name: Option<&'static str>,
    value: ValueRecord<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value_name: Option<&'static str>,
    /// Of a lifetime, as the attribute before it says.
    #[serde(skip_serializing_if = "Option::is_none")]
    unit: Option<&'static str>,
}

/// A number up to eight octets, else hex.
#[derive(Serialize)]
#[serde(untagged)]
enum ValueRecord<'a> {
    Number(u64),
    Octets(Hex<'a>),
}

impl<'a> ValueRecord<'a> {
    fn new(value: AttributeValue<'a>) -> Self {
        match (value.number(), value) {
            (Some(number), _) => Self::Number(number),
            (None, AttributeValue::Long(octets)) => Self::Octets(Hex(octets)),
            (None, AttributeValue::Short(number)) => Self::Number(u64::from(number)),
        }
    }
}

impl<'a> AttributeRecord<'a> {
    pub(super) fn v1(phase: Phase, attribute: &Attribute<'a>) -> Self {
        Self::named(
            attribute,
            |kind| ikev1_names::attribute_name(phase, kind),
            |kind, value| ikev1_names::attribute_value_name(phase, kind, value),
        )
    }

    /// An attribute with the names that its place gives to its type and its value.
    pub(super) fn named(
        attribute: &Attribute<'a>,
        name: impl Fn(u16) -> Option<&'static str>,
        value_name: impl Fn(u16, u64) -> Option<&'static str>,
    ) -> Self {
        let number = attribute.value.number();
        Self {
            kind: attribute.kind,
            name: name(attribute.kind),
            value: ValueRecord::new(attribute.value),
            value_name: number.and_then(|value| value_name(attribute.kind, value)),
            unit: None,
        }
    }

    /// The attributes of a transform of IKEv1: the type of a lifetime stands before its duration.
    fn all_v1(phase: Phase, attributes: &[Attribute<'a>]) -> Vec<Self> {
        let mut unit = None;
        let record = |attribute: &Attribute<'a>| {
            let (kind, number) = (attribute.kind, attribute.value.number());
            let value_name =
                number.and_then(|value| ikev1_names::attribute_value_name(phase, kind, value));
            if attribute::is_life_type(phase, kind) {
                unit = number
                    .and_then(|number| u16::try_from(number).ok())
                    .and_then(|number| LifeType(number).name());
            }
            Self {
                kind,
                name: ikev1_names::attribute_name(phase, kind),
                value: ValueRecord::new(attribute.value),
                value_name,
                unit: unit.filter(|_| attribute::is_life_duration(phase, kind)),
            }
        };
        attributes.iter().map(record).collect()
    }

    fn rohc(attribute: &Attribute<'a>) -> Self {
        Self {
            name: RohcAttribute(attribute.kind).name(),
            ..Self::v2(attribute)
        }
    }

    fn v2(attribute: &Attribute<'a>) -> Self {
        Self {
            kind: attribute.kind,
            name: TransformAttributeType(attribute.kind).name(),
            value: ValueRecord::new(attribute.value),
            value_name: None,
            unit: None,
        }
    }
}

#[derive(Serialize)]
pub(super) struct Selector<'a> {
    #[serde(rename = "type")]
    kind: u8,
    name: Option<&'static str>,
    protocol: u8,
    protocol_name: String,
    start_port: u16,
    end_port: u16,
    ports: String,
    start: AddressRecord<'a>,
    end: AddressRecord<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<String>,
}

/// An address, or the octets in place of one.
#[derive(Serialize)]
#[serde(untagged)]
enum AddressRecord<'a> {
    Address(IpAddr),
    Octets(Hex<'a>),
}

impl<'a> AddressRecord<'a> {
    fn new(octets: &'a [u8]) -> Self {
        address(octets).map_or(Self::Octets(Hex(octets)), Self::Address)
    }
}

impl<'a> Selector<'a> {
    pub(super) fn new(selector: &ikev2::Selector<'a>) -> Self {
        Self {
            kind: selector.ts_type.0,
            name: selector.ts_type.name(),
            protocol: selector.protocol,
            protocol_name: selector.protocol_name(),
            start_port: selector.start_port,
            end_port: selector.end_port,
            ports: selector.ports(),
            start: AddressRecord::new(selector.start),
            end: AddressRecord::new(selector.end),
            label: selector.label(),
        }
    }
}
