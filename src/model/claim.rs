//! Who the two sides of an IKE SA say they are, as messages tell that can be read.

use super::{IkeSaId, Model, Role};
use crate::language::Text;
use crate::registry::{AuthMethod, ConfigurationAttributeType, ExchangeType, PayloadType};
use crate::say;
use crate::units::{FrameId, Timestamp};
use crate::wire::{Body, Message, ikev1, ikev2};

/// What one side says of itself and of the other.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Claim {
    /// Who it says it is.
    pub identity: Option<String>,
    /// Whom it wants to speak to (IDr of an IKEv2 request).
    pub expects: Option<String>,
    /// How it proves its identity.
    pub method: Option<AuthMethod>,
    /// Whether the proof is made with the key of EAP, though its method is that of a pre-shared key (RFC 7296
    /// section 2.16).
    pub by_eap: bool,
    /// The name it gives in EAP.
    pub eap_identity: Option<String>,
    /// Whether it sends a certificate.
    pub certificate: bool,
    /// The inner addresses that the other side gave it.
    pub assigned: Vec<String>,
    /// The first message that says any of this.
    pub at: Option<(FrameId, Timestamp)>,
}

impl Claim {
    /// In words: `“a.example”, wanting “b.example”, by pre-shared key`.
    pub fn said(&self) -> Option<Text> {
        let identity = self.identity.as_ref().or(self.eap_identity.as_ref())?;
        let mut says = Text::verbatim(format_args!("“{identity}”"));
        if let Some(expects) = &self.expects {
            let wanted = Text::verbatim(expects);
            says = say!("{says}, wanting “{wanted}”", says, wanted);
        }
        says = match self.method {
            Some(AuthMethod::SHARED_KEY_MIC) if self.by_eap => say!("{says}, by EAP", says),
            Some(AuthMethod::SHARED_KEY_MIC) => say!("{says}, by pre-shared key", says),
            Some(method) => {
                let method = Text::verbatim(method_name(method));
                say!("{says}, by {method}", says, method)
            }
            None => says,
        };
        if self.certificate {
            says = say!("{says} with a certificate", says);
        }
        Some(says)
    }
}

impl Model {
    /// What initiator and responder say of themselves, as far as it was read.
    pub fn claims(&self, ike_sa: IkeSaId) -> [Claim; 2] {
        let mut claims = [Claim::default(), Claim::default()];
        let mut eap = false;
        let exchanges = self.ike_sas[ike_sa].exchanges.iter();
        let flights = exchanges
            .map(|id| &self.exchanges[*id])
            .filter(|exchange| {
                matches!(
                    exchange.kind,
                    ExchangeType::IKE_AUTH
                        | ExchangeType::IDENTITY_PROTECTION
                        | ExchangeType::AGGRESSIVE
                )
            })
            .flat_map(|exchange| &exchange.flights);
        for flight in flights {
            let Some((message, read)) = self.readable(flight) else {
                continue;
            };
            let [initiator, responder] = &mut claims;
            let claim = match flight.by {
                Role::Initiator => &mut *initiator,
                Role::Responder => responder,
            };
            if note(claim, &read, flight.by, eap) {
                claim.at.get_or_insert((message.frame, message.time));
            }
            eap |= read.payload(PayloadType::EAP).is_some();
            if flight.by == Role::Responder {
                initiator.assigned.extend(assigned(&read));
            }
        }
        claims
    }
}

/// The name of a method, or its number.
pub fn method_name(method: AuthMethod) -> String {
    let name = method.name().map(str::to_owned);
    name.unwrap_or_else(|| format!("authentication method {}", method.0))
}

/// Notes what a message says of its sender, after rounds of EAP or without; whether it says anything.
fn note(claim: &mut Claim, read: &Message<'_>, by: Role, eap: bool) -> bool {
    let before = claim.clone();
    for payload in &read.payloads {
        match &payload.body {
            Body::V2(ikev2::Body::Id(id)) => {
                let text = Some(id.text().unwrap_or_else(|| id.to_string()));
                match (by, payload.kind) {
                    (Role::Initiator, PayloadType::IDR) => claim.expects = text,
                    _ => claim.identity = text,
                }
            }
            Body::V1(ikev1::Body::Id(id)) => {
                claim.identity = Some(id.text().unwrap_or_else(|| id.to_string()));
            }
            Body::V2(ikev2::Body::Auth(auth)) => {
                claim.method = Some(auth.method);
                claim.by_eap = eap && auth.method == AuthMethod::SHARED_KEY_MIC;
            }
            Body::V2(ikev2::Body::Cert(_)) | Body::V1(ikev1::Body::Cert(_)) => {
                claim.certificate = true;
            }
            Body::V2(ikev2::Body::Eap(eap)) if eap.code == ikev2::Eap::RESPONSE => {
                claim.eap_identity = claim.eap_identity.take().or(eap.identity());
            }
            _ => {}
        }
    }
    *claim != before
}

/// The inner addresses that a message gives (RFC 7296 section 3.15.1).
fn assigned(read: &Message<'_>) -> Vec<String> {
    let address = [
        ConfigurationAttributeType::INTERNAL_IP4_ADDRESS,
        ConfigurationAttributeType::INTERNAL_IP6_ADDRESS,
    ];
    let attributes = read
        .payloads
        .iter()
        .filter_map(|payload| match &payload.body {
            Body::V2(ikev2::Body::Cp(configuration)) => Some(&configuration.attributes),
            _ => None,
        });
    attributes
        .flatten()
        .filter(|attribute| address.contains(&attribute.kind))
        .filter_map(ikev2::ConfigurationAttribute::text)
        .collect()
}
