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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::InnerFlow;

    #[test]
    fn signs_of_life_are_counted_by_kind() {
        let sample =
            crate::testing::model("1 A > B ESP 0xb1 seq 1 inner(10.1.0.1 > 10.2.0.1 UDP 1 > 2)");
        let talk: &InnerFlow = sample.inner.iter().next().unwrap();
        let (mut way, at) = (talk.ways[0].clone(), talk.seen.first);
        let message = |kind| BgpMessage {
            length: 19,
            cut: false,
            kind,
        };
        let told = [BgpKind::Keepalive, BgpKind::Update, BgpKind::Update];
        count(&mut way, at, &told.map(message));
        let bgp = way.bgp.unwrap();
        assert_eq!((bgp.keepalives, bgp.updates, bgp.alive), (1, 2, Some(at)));
    }
}
