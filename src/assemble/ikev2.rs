//! What the exchanges of an IKEv2 SA tell of it: suite, vendors, NAT, state, what it replaces.

use super::exchange::holds_sa;
use super::{Initial, nat};
use crate::model::{
    AuthOutcome, Deleted, Exchange, Flight, IkeSa, IkeSaId, IkeState, IkeSuite, InformationalClass,
    Message, Model, Role,
};
use crate::registry::{ExchangeType, NotifyType, PayloadType, TransformType, vendor_id};
use crate::wire;

/// A message and what stands in it.
type Read<'m> = (&'m Message, wire::Message<'m>);

/// Reads the last `IKE_SA_INIT`: those before it were answered by a cookie or another group.
pub(super) fn describe(model: &Model, id: IkeSaId) -> Option<Initial> {
    let exchange = last_initial(model, &model.ike_sas[id])?;
    // Of the request the offer is not needed, which is most of it.
    let asked = [
        PayloadType::NONCE,
        PayloadType::NOTIFY,
        PayloadType::VENDOR_ID,
    ];
    let [nonce, notify, vendor_id] = asked;
    let answered = [PayloadType::SA, nonce, notify, vendor_id];
    let read = |flight: Option<&Flight>, kinds: &[PayloadType]| {
        let message = &model.messages[flight?.first()?];
        Some((message, message.read_of(kinds)))
    };
    let request = read(exchange.request(), &asked);
    let response = read(exchange.response(), &answered);
    let mut initial = Initial::default();
    for (message, side) in [(&request, 0), (&response, 1)] {
        let Some((_, read)) = message else { continue };
        let accepted = side == 0 || holds_sa(read);
        let support = read
            .notify(NotifyType::IKEV2_FRAGMENTATION_SUPPORTED)
            .is_some();
        if let (true, Some(slot)) = (accepted, initial.fragmentation.get_mut(side)) {
            *slot = Some(support);
        }
        if let Some(slot) = initial.vendors.get_mut(side) {
            *slot = vendors(read);
        }
        if let (Some(nonce), Some(slot)) = (read.nonce(), initial.nonces.get_mut(side)) {
            *slot = u16::try_from(nonce.len()).ok();
        }
        if side == 1 {
            initial.suite = suite(read);
        }
    }
    // Both as one tap has them: addresses may differ at another.
    let tap = request.as_ref().map(|(message, _)| message.vantage);
    let hashes = |read: &Option<Read<'_>>, flight: Option<&Flight>| match read {
        Some((message, read)) => {
            let here = flight
                .zip(tap)
                .and_then(|(flight, tap)| model.seen_at(flight, tap));
            let copies = flight
                .into_iter()
                .flat_map(|flight| nat::copies(model, flight));
            nat::seen(here.unwrap_or(message), read, copies)
        }
        None => nat::Seen::default(),
    };
    initial.nat = nat::verdict(
        hashes(&request, exchange.request()),
        hashes(&response, exchange.response()),
    );
    Some(initial)
}

fn last_initial<'m>(model: &'m Model, row: &IkeSa) -> Option<&'m Exchange> {
    row.exchanges
        .iter()
        .rev()
        .map(|id| &model.exchanges[*id])
        .find(|exchange| exchange.kind == ExchangeType::IKE_SA_INIT)
}

/// The transforms of the one proposal that was chosen (RFC 7296 section 3.3).
pub(super) fn suite(message: &wire::Message<'_>) -> Option<IkeSuite> {
    let mut suite = IkeSuite::default();
    for transform in &message.sa()?.proposals.first()?.transforms {
        match transform.kind {
            TransformType::ENCR => {
                suite.encryption = Some(transform.id);
                suite.key_bits = transform.key_length;
            }
            TransformType::PRF => suite.prf = Some(transform.id),
            // INTEG "NONE" may stand beside an AEAD cipher (RFC 7296 section 3.3.3).
            TransformType::INTEG if transform.id != 0 => suite.integrity = Some(transform.id),
            TransformType::KE => suite.group = Some(transform.id),
            // ADDKE1 to ADDKE7, each of which may be "NONE" (RFC 9370 section 2.2.1).
            TransformType(6..=12) if transform.id != 0 => {
                suite.additional_groups.push(transform.id)
            }
            _ => {}
        }
    }
    Some(suite)
}

/// The products that the Vendor ID payloads name, each once.
pub(super) fn vendors(message: &wire::Message<'_>) -> Vec<String> {
    let mut products = Vec::new();
    for product in message.vendor_ids().filter_map(vendor_id::product) {
        if !products.contains(&product) {
            products.push(product);
        }
    }
    products
}

/// How far an IKE SA came; `replaced` says whether another took its place.
pub(super) fn state(model: &Model, id: IkeSaId, auth: AuthOutcome, replaced: bool) -> IkeState {
    let row = &model.ike_sas[id];
    if is_deleted(model, id, replaced) {
        return IkeState::Deleted;
    }
    if is_turned_down(model, row) {
        return IkeState::AuthRefused;
    }
    // Neither side asks for more child SAs before it has been let in (RFC 7296 section 1.3), whether the answer to
    // IKE_AUTH was recorded or not.
    let stands = || {
        let mut exchanges = row.exchanges.iter().map(|id| &model.exchanges[*id]);
        exchanges.any(|exchange| {
            exchange.kind == ExchangeType::CREATE_CHILD_SA && exchange.request().is_some()
        })
    };
    let Some(initial) = last_initial(model, row) else {
        return match auth {
            AuthOutcome::Refused => IkeState::AuthRefused,
            AuthOutcome::AuthOnly | AuthOutcome::Full => IkeState::Established,
            AuthOutcome::Unanswered | AuthOutcome::Unfinished if stands() => IkeState::Established,
            AuthOutcome::Unanswered | AuthOutcome::Unfinished => IkeState::HalfOpen,
            AuthOutcome::Unclear | AuthOutcome::NotSeen if row.replaces.is_some() => {
                IkeState::Established
            }
            AuthOutcome::Unclear | AuthOutcome::NotSeen => IkeState::AlreadyUp,
        };
    };
    let answered = initial
        .response()
        .and_then(Flight::first)
        .map(|id| model.messages[id].has_sa());
    let went_on = row
        .exchanges
        .iter()
        .any(|id| model.exchanges[*id].kind != ExchangeType::IKE_SA_INIT);
    match (answered, auth) {
        (_, AuthOutcome::Refused) => IkeState::AuthRefused,
        (_, AuthOutcome::AuthOnly | AuthOutcome::Full | AuthOutcome::Unclear) => {
            IkeState::Established
        }
        (_, AuthOutcome::Unanswered | AuthOutcome::Unfinished | AuthOutcome::NotSeen)
            if stands() =>
        {
            IkeState::Established
        }
        (_, AuthOutcome::Unanswered | AuthOutcome::Unfinished) => IkeState::HalfOpen,
        // The answer was not recorded, yet the initiator has it.
        (_, AuthOutcome::NotSeen) if went_on => IkeState::HalfOpen,
        (Some(true), AuthOutcome::NotSeen) => IkeState::HalfOpen,
        (Some(false), AuthOutcome::NotSeen) => IkeState::Refused,
        (None, AuthOutcome::NotSeen) => IkeState::Unanswered,
    }
}

/// Whether the initiator did not accept how the responder authenticates itself, which it can tell only
/// afterwards, in an exchange of its own (RFC 7296 section 2.21.2).
fn is_turned_down(model: &Model, row: &IkeSa) -> bool {
    model.opened_any
        && row
            .exchanges
            .iter()
            .map(|id| &model.exchanges[*id])
            .filter(|exchange| {
                exchange.kind == ExchangeType::INFORMATIONAL && exchange.by == Role::Initiator
            })
            .filter_map(|exchange| model.opened(exchange.request()?))
            .any(|(_, read)| read.notify(NotifyType::AUTHENTICATION_FAILED).is_some())
}

/// Whether the last exchange can only be the deletion: an informational request of that very size
/// after which nothing came, or any small one on an SA that another has replaced (RFC 7296
/// sections 1.4.1 and 2.8).
fn is_deleted(model: &Model, id: IkeSaId, replaced: bool) -> bool {
    let row = &model.ike_sas[id];
    let Some(last) = row.exchanges.last().map(|last| &model.exchanges[*last]) else {
        return false;
    };
    let said = model.opened_any
        && row.exchanges.iter().any(|id| {
            let request = model.exchanges[*id].request();
            request.is_some_and(|request| model.deletes(request).contains(&Deleted::IkeSa))
        });
    if said {
        return true;
    }
    let class = last
        .request()
        .and_then(|request| model.informational_class(id, request));
    last.kind == ExchangeType::INFORMATIONAL
        && match class {
            Some(InformationalClass::DeleteIkeSa) => true,
            Some(InformationalClass::Small) => replaced,
            _ => false,
        }
}

#[cfg(test)]
mod tests {
    use crate::testing::model;

    #[test]
    fn an_additional_key_exchange_that_is_none_is_none() {
        let sa =
            "SA(ENCR_AES_CBC-256 PRF_HMAC_SHA2_256 AUTH_HMAC_SHA2_256_128 DH14 ADDKE1=36 ADDKE2=0)";
        let model = model(&format!(
            "0 A:500 > B:500 IKE_SA_INIT i=1 r=0 id=0 request {sa} KE(14) Nonce
             0.1 B:500 > A:500 IKE_SA_INIT i=1 r=2 id=0 response {sa} KE(14) Nonce"
        ));
        let suite = model.ike_sas.iter().next().and_then(|sa| sa.suite.clone());
        assert_eq!(suite.map(|suite| suite.additional_groups), Some(vec![36]));
    }
}
