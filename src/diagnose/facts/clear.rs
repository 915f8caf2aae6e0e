//! Notifications in clear: what peers say before they have keys.

use super::asked::is_v1;
use crate::diagnose::Cite;
use crate::model::{ExchangeId, IkeSa, Model, Plain, Role};
use crate::registry::{ExchangeType, NotifyType, NotifyV1};
use crate::wire::{self, ikev1, ikev2};
use std::net::IpAddr;

/// A notification in clear.
#[derive(Clone, Debug)]
pub struct Notice {
    /// The exchange that it came in.
    pub exchange: ExchangeId,
    /// Its type.
    pub exchange_kind: ExchangeType,
    /// Whether it is of IKEv1.
    pub v1: bool,
    /// Who says it.
    pub by: Role,
    /// The address it came from.
    pub from: IpAddr,
    /// The number of the notification; IKEv1 and IKEv2 share the numbers of those that both have.
    pub kind: u16,
    /// Its data.
    pub data: Vec<u8>,
    /// Where it was seen.
    pub at: Cite,
}

impl Notice {
    /// Its name.
    pub fn name(&self) -> String {
        let name = if self.v1 {
            NotifyV1(self.kind).name()
        } else {
            NotifyType(self.kind).name()
        };
        name.map_or_else(|| format!("notification {}", self.kind), str::to_string)
    }

    /// Whether it reports an error: IKEv2 below 16384, IKEv1 from 1 to 8191 (RFC 2408 section
    /// 3.14.1), without the private range.
    pub fn is_error(&self) -> bool {
        self.kind < if self.v1 { 8192 } else { 16384 }
    }
}

/// The notifications in clear of an IKE SA, in order; copies are not counted.
pub fn notices(model: &Model, sa: &IkeSa) -> Vec<Notice> {
    let mut notices = Vec::new();
    for id in &sa.exchanges {
        let exchange = &model.exchanges[*id];
        for flight in &exchange.flights {
            for part in &flight.parts {
                let message = &model.messages[*part];
                if message.plain != Plain::Clear {
                    continue;
                }
                for payload in message.read().payloads {
                    let (kind, data) = match &payload.body {
                        wire::Body::V2(ikev2::Body::Notify(notify)) => (notify.kind.0, notify.data),
                        wire::Body::V1(ikev1::Body::Notify(notify)) => (notify.kind.0, notify.data),
                        _ => continue,
                    };
                    notices.push(Notice {
                        exchange: *id,
                        exchange_kind: exchange.kind,
                        v1: is_v1(exchange.kind),
                        by: flight.by,
                        from: message.path.from.address,
                        kind,
                        data: data.to_vec(),
                        at: (message.frame, message.time),
                    });
                }
            }
        }
    }
    notices
}

/// The notifications of this kind that answer the first message of an IKE SA.
pub fn refusals(model: &Model, sa: &IkeSa, kind: NotifyType) -> Vec<Notice> {
    notices(model, sa)
        .into_iter()
        .filter(|notice| notice.kind == kind.0)
        .collect()
}
