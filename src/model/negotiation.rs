//! What opened messages say: how a child SA was asked for and answered, what a message deletes,
//! which errors it reports.

use super::child_sa::{ChildSuite, Mode};
use super::exchange::{Exchange, Flight, Role};
use super::ike_sa::IkeSaId;
use super::message::{Message, Plain};
use super::selector::Selector;
use super::{ExchangeId, Model};
use crate::limits;
use crate::registry::ikev1::{
    AhTransform, EncapsulationMode, LifeType, Phase2Attribute, ProtocolV1, esp_as_v2,
    integrity_as_v2,
};
use crate::registry::{ExchangeType, NotifyType, PayloadType, SecurityProtocol, TransformType};
use crate::units::{EspSpi, FrameId, IkeSpi, Timestamp};
use crate::wire::{self, Body, ikev1, ikev2};
use std::net::IpAddr;

/// What was asked for and what was answered, of one child SA or of the rekeying of an IKE SA.
#[derive(Clone, Debug)]
pub struct Negotiation {
    /// Who asked.
    pub by: Role,
    /// The request, if it was opened.
    pub request: Option<Said>,
    /// What accepts or refuses it, if it was opened.
    pub answer: Option<Said>,
}

/// What one message of a negotiation says.
#[derive(Clone, Debug)]
pub struct Said {
    /// The frame that completes it, and its time.
    pub at: (FrameId, Timestamp),
    /// Who says it.
    pub from: IpAddr,
    /// To whom.
    pub to: IpAddr,
    /// Whether it holds a Security Association.
    pub has_sa: bool,
    /// The SPIs of child SAs that its proposals name, with the numbers of the proposals, and
    /// whether of AH. They are for packets towards who says it.
    pub spis: Vec<(u8, bool, EspSpi)>,
    /// The SPIs of IKE SAs that its proposals name.
    pub ike_spis: Vec<IkeSpi>,
    /// The first of its algorithms for ESP or AH: in an answer those that were chosen.
    pub suite: Option<ChildSuite>,
    /// The groups that its proposals name.
    pub groups: Vec<u16>,
    /// Whether it brings a public value, and of which group, where that is told.
    pub public_value: Option<Option<u16>>,
    /// Selectors of the initiator and of the responder of the exchange.
    pub selectors: Option<[Vec<Selector>; 2]>,
    /// How packets shall be carried.
    pub mode: Mode,
    /// The SA whose place the new one shall take (REKEY_SA): the SPI of packets towards the asker.
    pub rekeys: Option<EspSpi>,
    /// Whether it asks for, or gives, an inner address (Configuration payload).
    pub configures: bool,
    /// Whether it says that more selectors could be had with another child SA.
    pub more_possible: bool,
    /// IKEv1: lifetime in seconds of the first proposal.
    pub lifetime_secs: Option<u64>,
    /// IKEv1: lifetime in kilobytes of the first proposal.
    pub lifetime_kilobytes: Option<u64>,
    /// The errors that it reports.
    pub errors: Vec<Told>,
}

/// An error that an opened message reports.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Told {
    /// The number of the notification.
    pub kind: u16,
    /// Its data.
    pub data: Vec<u8>,
}

/// What a Delete payload names.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Deleted {
    /// The IKE SA that the message came under.
    IkeSa,
    /// The SA of packets towards the sender of the message.
    Child {
        /// Whether it is of AH, not ESP.
        ah: bool,
        /// Its SPI.
        spi: EspSpi,
    },
}

/// USE_BEET_MODE, of the private range, as strongSwan and its peers have it.
pub const USE_BEET_MODE: NotifyType = NotifyType(40961);

/// The largest number of an error of IKEv2 (RFC 7296 section 3.10.1), and of IKEv1 without its
/// private range (RFC 2408 section 3.14.1).
const ERRORS: [u16; 2] = [16383, 8191];

impl Negotiation {
    /// What both sides say about the child SA: the request, and an answer that grants it.
    pub fn granted(&self) -> Option<(&Said, &Said)> {
        let (request, answer) = (self.request.as_ref()?, self.answer.as_ref()?);
        (request.has_sa && answer.has_sa).then_some((request, answer))
    }

    /// The answer that refuses what was asked for.
    pub fn refused(&self) -> Option<&Said> {
        let asked = self.request.as_ref().is_none_or(|request| request.has_sa);
        let answer = self.answer.as_ref()?;
        (asked && !answer.has_sa && !answer.errors.is_empty()).then_some(answer)
    }

    /// Whether it is about an IKE SA, not a child SA.
    pub fn is_of_ike(&self) -> bool {
        let of_ike = |said: &Option<Said>| {
            said.as_ref()
                .is_some_and(|said| said.has_sa && !said.ike_spis.is_empty())
        };
        of_ike(&self.request) || of_ike(&self.answer)
    }

    /// The SPIs of the child SA that was made: of packets towards who asked and towards who
    /// answered.
    pub fn spis(&self) -> [Option<EspSpi>; 2] {
        let granted = self.answer.as_ref().filter(|answer| answer.has_sa);
        let Some((number, ah, answered)) = granted.and_then(|answer| answer.spis.first()) else {
            return [None, None];
        };
        let asked = self.request.as_ref().and_then(|request| {
            let fits = request.spis.iter();
            let mut fits = fits.filter(|(other, kind, _)| other == number && kind == ah);
            fits.next().map(|(_, _, spi)| *spi)
        });
        [asked, Some(*answered)]
    }
}

impl Said {
    /// Whether it reports this error.
    pub fn reports(&self, kind: NotifyType) -> bool {
        self.errors.iter().any(|told| told.kind == kind.0)
    }
}

impl Model {
    /// The message of a flight with all that stands in it, if it is whole and was opened.
    pub fn opened(&self, flight: &Flight) -> Option<(&Message, wire::Message<'_>)> {
        if !self.opened_any {
            return None;
        }
        let message = &self.messages[flight.message()?];
        let is_opened = matches!(&message.plain, Plain::Opened(opened) if !opened.is_part);
        (is_opened && flight.is_whole()).then(|| (message, message.open()))
    }

    /// As [`Model::opened`], of what travels in clear too.
    pub fn readable(&self, flight: &Flight) -> Option<(&Message, wire::Message<'_>)> {
        let message = &self.messages[flight.message()?];
        match message.plain {
            Plain::Clear => Some((message, message.open())),
            _ => self.opened(flight),
        }
    }

    /// What was asked for and answered in an exchange that may make a child SA; `None` if it is of
    /// another kind, or neither message was opened. All rounds of `IKE_AUTH` are one negotiation,
    /// whichever of them is asked about.
    pub fn negotiation(&self, id: ExchangeId) -> Option<Negotiation> {
        if !self.opened_any {
            return None;
        }
        let exchange = &self.exchanges[id];
        let (request, answer) = match exchange.kind {
            ExchangeType::IKE_AUTH => {
                let rounds = self.auth_rounds(exchange.ike_sa);
                let mut requests = rounds.iter().filter_map(|round| round.request());
                let asks = |flight: &&Flight| {
                    let read = self.opened(flight);
                    read.is_some_and(|(_, read)| read.sa().is_some())
                };
                let first = requests.clone().next();
                let last = rounds.last().and_then(|round| round.response());
                (requests.find(asks).or(first), last)
            }
            ExchangeType::CREATE_CHILD_SA => (exchange.request(), exchange.response()),
            ExchangeType::QUICK_MODE => {
                let answer = exchange.response().or_else(|| {
                    let refusal = self.quick_refusal(exchange)?;
                    refusal.flights.first()
                });
                (exchange.request(), answer)
            }
            _ => return None,
        };
        let read = |flight: Option<&Flight>, asks: bool| {
            let (message, read) = self.opened(flight?)?;
            Some(said(message, &read, asks))
        };
        let (request, answer) = (read(request, true), read(answer, false));
        (request.is_some() || answer.is_some()).then_some(Negotiation {
            by: exchange.by,
            request,
            answer,
        })
    }

    /// Whether messages that were opened made another IKE SA in place of this one. Of that one nothing may have been
    /// heard yet.
    pub(crate) fn is_rekeyed(&self, ike_sa: IkeSaId) -> bool {
        let exchanges = self.ike_sas[ike_sa].exchanges.iter();
        let mut rekeys = exchanges
            .filter(|id| self.exchanges[**id].kind == ExchangeType::CREATE_CHILD_SA)
            .filter_map(|id| self.negotiation(*id));
        rekeys.any(|told| told.is_of_ike() && told.granted().is_some())
    }

    /// The rounds of `IKE_AUTH` in order.
    pub fn auth_rounds(&self, ike_sa: IkeSaId) -> Vec<&Exchange> {
        let mut rounds: Vec<&Exchange> = self.ike_sas[ike_sa]
            .exchanges
            .iter()
            .map(|id| &self.exchanges[*id])
            .filter(|exchange| exchange.kind == ExchangeType::IKE_AUTH)
            .collect();
        rounds.sort_by_key(|exchange| exchange.message_id);
        rounds
    }

    /// What a message deletes; empty if it was not opened.
    pub fn deletes(&self, flight: &Flight) -> Vec<Deleted> {
        self.opened(flight)
            .map_or_else(Vec::new, |(_, read)| deletes(&read))
    }
}

/// What the Delete payloads of a message name.
pub(super) fn deletes(read: &wire::Message<'_>) -> Vec<Deleted> {
    let mut deleted = Vec::new();
    for payload in &read.payloads {
        let (protocol, spis) = match &payload.body {
            Body::V2(ikev2::Body::Delete(delete)) => (delete.protocol, &delete.spis),
            Body::V1(ikev1::Body::Delete(delete)) => (delete.protocol, &delete.spis),
            _ => continue,
        };
        match protocol {
            SecurityProtocol::IKE => deleted.push(Deleted::IkeSa),
            SecurityProtocol::AH | SecurityProtocol::ESP => {
                deleted.extend(spis.iter().filter_map(|spi| {
                    Some(Deleted::Child {
                        ah: protocol == SecurityProtocol::AH,
                        spi: esp_spi(spi)?,
                    })
                }));
            }
            _ => {}
        }
    }
    deleted
}

/// IKEv1: whether a notification speaks of an SA for ESP or AH, which is asked for when both sides have
/// proved who they are.
pub fn is_of_phase_2(read: &wire::Message<'_>) -> bool {
    read.payloads.iter().any(|payload| {
        matches!(&payload.body, Body::V1(ikev1::Body::Notify(notify))
            if [SecurityProtocol::AH, SecurityProtocol::ESP].contains(&notify.protocol))
    })
}

/// IKEv2: whether an error in `IKE_AUTH` is about the child SA or an address and leaves open whether the
/// other side is believed (RFC 7296 sections 1.2 and 2.21.2).
pub fn is_of_child(error: u16) -> bool {
    [
        NotifyType::NO_PROPOSAL_CHOSEN,
        NotifyType::INVALID_KE_PAYLOAD,
        NotifyType::SINGLE_PAIR_REQUIRED,
        NotifyType::NO_ADDITIONAL_SAS,
        NotifyType::INTERNAL_ADDRESS_FAILURE,
        NotifyType::FAILED_CP_REQUIRED,
        NotifyType::TS_UNACCEPTABLE,
        NotifyType::TEMPORARY_FAILURE,
    ]
    .contains(&NotifyType(error))
}

/// The errors that a message reports.
pub fn errors(read: &wire::Message<'_>) -> Vec<Told> {
    /// Who refuses gives one reason, or a few.
    const KEPT: usize = 4;
    let [v2, v1] = ERRORS;
    let errors = read.payloads.iter().filter_map(|payload| {
        let (kind, data, last) = match &payload.body {
            Body::V2(ikev2::Body::Notify(notify)) => (notify.kind.0, notify.data, v2),
            Body::V1(ikev1::Body::Notify(notify)) => (notify.kind.0, notify.data, v1),
            _ => return None,
        };
        (kind <= last).then(|| Told {
            kind,
            data: data.to_vec(),
        })
    });
    errors.take(KEPT).collect()
}

/// Reads one message of a negotiation; `asks` says whether it is the request.
fn said(message: &Message, read: &wire::Message<'_>, asks: bool) -> Said {
    let mut said = Said {
        at: (message.frame, message.time),
        from: message.path.from().address,
        to: message.path.to().address,
        has_sa: false,
        spis: Vec::new(),
        ike_spis: Vec::new(),
        suite: None,
        groups: Vec::new(),
        public_value: None,
        selectors: None,
        mode: Mode::Tunnel,
        rekeys: None,
        configures: false,
        more_possible: false,
        lifetime_secs: None,
        lifetime_kilobytes: None,
        errors: errors(read),
    };
    match message.header.version.major() {
        1 => said_in_v1(&mut said, read, asks),
        _ => said_in_v2(&mut said, read),
    }
    said
}

fn said_in_v2(said: &mut Said, read: &wire::Message<'_>) {
    let mut sides = [None, None];
    for payload in &read.payloads {
        let Body::V2(body) = &payload.body else {
            continue;
        };
        match body {
            ikev2::Body::Sa(sa) => {
                said.has_sa = true;
                sa.proposals.iter().for_each(|one| proposal_v2(said, one));
            }
            ikev2::Body::Ke(ke) => said.public_value = Some(Some(ke.group)),
            ikev2::Body::Cp(_) => said.configures = true,
            ikev2::Body::Ts(ts) => {
                let side = usize::from(payload.kind == PayloadType::TSR);
                let list = ts.selectors.iter().take(limits::TRAFFIC_SELECTORS);
                let list = list.filter_map(Selector::of).collect();
                if let Some(slot) = sides.get_mut(side) {
                    *slot = Some(list);
                }
            }
            ikev2::Body::Notify(notify) => match notify.kind {
                NotifyType::USE_TRANSPORT_MODE => said.mode = Mode::Transport,
                USE_BEET_MODE => said.mode = Mode::Beet,
                NotifyType::ADDITIONAL_TS_POSSIBLE => said.more_possible = true,
                NotifyType::REKEY_SA => said.rekeys = esp_spi(notify.spi),
                _ => {}
            },
            _ => {}
        }
    }
    if let [Some(initiator), Some(responder)] = sides {
        said.selectors = Some([initiator, responder]);
    }
}

fn proposal_v2(said: &mut Said, proposal: &ikev2::Proposal<'_>) {
    for group in proposal.of(TransformType::KE) {
        if !said.groups.contains(&group.id) {
            said.groups.push(group.id);
        }
    }
    if proposal.protocol == SecurityProtocol::IKE {
        let spi = <[u8; 8]>::try_from(proposal.spi).map(u64::from_be_bytes);
        said.ike_spis.extend(spi.ok().map(IkeSpi));
        return;
    }
    let ah = proposal.protocol == SecurityProtocol::AH;
    if !ah && proposal.protocol != SecurityProtocol::ESP {
        return;
    }
    if let Some(spi) = esp_spi(proposal.spi) {
        said.spis.push((proposal.number, ah, spi));
    }
    let first = |kind| proposal.of(kind).next();
    let encryption = first(TransformType::ENCR);
    // "NONE" may stand for no integrity beside an AEAD cipher, and for no key exchange of its own
    // (RFC 7296 section 3.3.2).
    let id = |kind| first(kind).map(|one| one.id).filter(|id| *id != 0);
    said.suite.get_or_insert(ChildSuite {
        encryption: encryption.map(|one| one.id),
        key_bits: encryption.and_then(|one| one.key_length),
        integrity: id(TransformType::INTEG),
        group: id(TransformType::KE),
        // ADDKE1 to ADDKE7, each of which may be "NONE" (RFC 9370 section 2.2.1).
        additional_groups: (TransformType::ADDKE1.0..=TransformType::ADDKE7.0)
            .filter_map(|number| id(TransformType(number)))
            .collect(),
        esn: first(TransformType::ESN).map(|one| one.id == 1),
    });
}

fn said_in_v1(said: &mut Said, read: &wire::Message<'_>, asks: bool) {
    let mut ids = Vec::new();
    let mut is_quick = false;
    for payload in &read.payloads {
        let Body::V1(body) = &payload.body else {
            continue;
        };
        match body {
            ikev1::Body::Sa(sa) => {
                said.has_sa = true;
                is_quick = true;
                sa.proposals.iter().for_each(|one| proposal_v1(said, one));
            }
            ikev1::Body::Ke(_) => {
                said.public_value = Some(said.groups.first().copied());
            }
            ikev1::Body::Id(id) => ids.push(Selector::of_v1(id)),
            ikev1::Body::Attributes(_) => said.configures = true,
            _ => {}
        }
    }
    // RFC 2409 section 5.5: IDci before IDcr; without them the SA is for the addresses of the peers
    // themselves.
    said.selectors = match ids.as_slice() {
        [Some(initiator), Some(responder), ..] => Some([vec![*initiator], vec![*responder]]),
        [] if is_quick => {
            let (from, to) = (Selector::host(said.from), Selector::host(said.to));
            Some(if asks {
                [vec![from], vec![to]]
            } else {
                [vec![to], vec![from]]
            })
        }
        _ => None,
    };
}

fn proposal_v1(said: &mut Said, proposal: &ikev1::Proposal<'_>) {
    let ah = match ProtocolV1(proposal.protocol.0) {
        ProtocolV1::PROTO_IPSEC_AH => true,
        ProtocolV1::PROTO_IPSEC_ESP => false,
        _ => return,
    };
    if let Some(spi) = esp_spi(proposal.spi) {
        said.spis.push((proposal.number, ah, spi));
    }
    for transform in &proposal.transforms {
        let values = attributes(transform);
        if let Some(group) = values.group
            && !said.groups.contains(&group)
        {
            said.groups.push(group);
        }
        if said.suite.is_some() {
            continue;
        }
        said.lifetime_secs = values.seconds;
        said.lifetime_kilobytes = values.kilobytes;
        said.mode = values.mode;
        said.suite = Some(ChildSuite {
            encryption: esp_as_v2(transform.id).filter(|_| !ah),
            key_bits: values.key_bits,
            integrity: match ah {
                true => ah_as_v2(AhTransform(transform.id)),
                false => values.integrity.and_then(integrity_as_v2),
            },
            group: values.group,
            additional_groups: Vec::new(),
            // RFC 4304 section 3: extended only if it is said.
            esn: Some(values.esn),
        });
    }
}

/// What the attributes of a phase 2 transform say (RFC 2407 section 4.5).
struct Attributes {
    group: Option<u16>,
    mode: Mode,
    key_bits: Option<u16>,
    integrity: Option<u16>,
    esn: bool,
    seconds: Option<u64>,
    kilobytes: Option<u64>,
}

fn attributes(transform: &ikev1::Transform<'_>) -> Attributes {
    let mut values = Attributes {
        group: None,
        mode: Mode::Tunnel,
        key_bits: None,
        integrity: None,
        esn: false,
        seconds: None,
        kilobytes: None,
    };
    let mut life_type = None;
    for attribute in &transform.attributes {
        let Some(value) = attribute.value.number() else {
            continue;
        };
        let short = u16::try_from(value).ok();
        match Phase2Attribute(attribute.kind) {
            Phase2Attribute::GROUP_DESCRIPTION => values.group = short,
            Phase2Attribute::KEY_LENGTH => values.key_bits = short,
            Phase2Attribute::AUTHENTICATION_ALGORITHM => values.integrity = short,
            Phase2Attribute::EXTENDED_SEQUENCE_NUMBER => values.esn = true,
            Phase2Attribute::ENCAPSULATION_MODE => {
                values.mode = match short.map(EncapsulationMode) {
                    Some(
                        EncapsulationMode::TRANSPORT
                        | EncapsulationMode::UDP_ENCAPSULATED_TRANSPORT
                        | EncapsulationMode::UDP_ENCAPSULATED_TRANSPORT_DRAFT,
                    ) => Mode::Transport,
                    _ => Mode::Tunnel,
                };
            }
            Phase2Attribute::SA_LIFE_TYPE => life_type = short.map(LifeType),
            Phase2Attribute::SA_LIFE_DURATION => match life_type {
                Some(LifeType::SECONDS) => values.seconds = Some(value),
                Some(LifeType::KILOBYTES) => values.kilobytes = Some(value),
                _ => {}
            },
            _ => {}
        }
    }
    values
}

/// An AH transform of IKEv1 in the numbers of IKEv2.
fn ah_as_v2(transform: AhTransform) -> Option<u16> {
    Some(match transform {
        AhTransform::AH_MD5 => 1,
        AhTransform::AH_SHA => 2,
        AhTransform::AH_SHA2_256 => 12,
        AhTransform::AH_SHA2_384 => 13,
        AhTransform::AH_SHA2_512 => 14,
        AhTransform::AH_AES_XCBC_MAC => 5,
        _ => return None,
    })
}

fn esp_spi(octets: &[u8]) -> Option<EspSpi> {
    let octets = <[u8; 4]>::try_from(octets).ok()?;
    Some(EspSpi(u32::from_be_bytes(octets)))
}
