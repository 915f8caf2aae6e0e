//! BGP inside ESP.

use crate::limits;
use crate::model::InnerWay;
use crate::net::inner::{BgpKind, BgpMessage};
use crate::units::{FrameId, Timestamp};

/// Counts the messages of a segment.
pub(super) fn count(way: &mut InnerWay, at: (FrameId, Timestamp), messages: &[BgpMessage]) {
    if messages.is_empty() {
        return;
    }
    let bgp = way.bgp.get_or_insert_default();
    for message in messages {
        match message.kind {
            BgpKind::Open(open) if bgp.opens.len() < limits::INNER_BGP => {
                bgp.opens.push((at, open));
            }
            BgpKind::Notification(why) if bgp.notifications.len() < limits::INNER_BGP => {
                bgp.notifications.push((at, why));
            }
            BgpKind::Keepalive => {
                bgp.keepalives += 1;
                bgp.alive = Some(at);
            }
            BgpKind::Update => {
                bgp.updates += 1;
                bgp.alive = Some(at);
            }
            _ => {}
        }
    }
}
