//! One payload as JSON: its frame, then the fields of its type as the contract's table has them.

mod certificate;
mod configuration;
mod eap;
mod group;
mod notify;
mod proposal;
mod selector;

use super::ndjson::{Each, Hex, Text, opening};
use crate::net::Path;
use crate::registry::ikev1::Situation;
use crate::registry::{transform, vendor_id};
use crate::session::{Reading, Standing};
use crate::units::IkeSpis;
use crate::wire::address::address;
use crate::wire::certificate::Content;
use crate::wire::ikev1::{self};
use crate::wire::ikev2::{self};
use crate::wire::nat_detection::{self, Match};
use crate::wire::{Body, Payload, Version};
use certificate::{encoded, held};
use configuration::configured;
use eap::authenticated;
use notify::{meant, meant_v1};
use proposal::{ProposalV1, ProposalV2};
use selector::Selector;
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
        if self.context.version.major() == 2 {
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
            encoded(map, cert.encoding, cert.data)?;
            held(map, cert.content(), Content::is_read(cert.encoding))
        }
        Body::CertReq(cert) => {
            encoded(map, cert.encoding, cert.data)?;
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
            encoded(map, cert.encoding, cert.data)?;
            held(map, cert.content(), Content::is_read(cert.encoding))
        }
        Body::CertReq(cert) => {
            encoded(map, cert.encoding, cert.data)?;
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
        Body::Sk(sealed) => {
            map.serialize_entry("first", &sealed.first.0)?;
            map.serialize_entry("first_name", &sealed.first.name())?;
            opening(map, context, false)
        }
        Body::Skf(skf) => {
            map.serialize_entry("fragment", &skf.number)?;
            map.serialize_entry("total", &skf.total)?;
            map.serialize_entry("first", &skf.first.0)?;
            map.serialize_entry("first_name", &skf.first.name())?;
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
