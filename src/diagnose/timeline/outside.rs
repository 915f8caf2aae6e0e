//! What is said outside of any IKE SA.

use super::{Event, Kind};
use crate::diagnose::Case;
use crate::language::{Text, count, list};
use crate::model::{Outside, OutsideNotice};
use crate::say;

/// Tells of messages outside of any IKE SA: of those that are alike once, at the first.
pub(super) fn tell(case: &Case<'_>, events: &mut Vec<Event>) {
    for row in case.outside() {
        events.push(Event::new(row.seen.first, Kind::Outside, says(row)));
    }
}

fn says(row: &Outside) -> Text {
    let from = row.path.from.address;
    let says = match row.notices.is_empty() {
        true => say!(
            "{exchange} of {from} stands outside of any IKE SA",
            exchange = row.exchange,
            from
        ),
        false => say!(
            "{from} says outside of any IKE SA: {notices}",
            from,
            notices = list(row.notices.iter().map(notice))
        ),
    };
    let length = row.seen.last.1.since(row.seen.first.1);
    match row.count {
        1 => says,
        times => say!(
            "{says} ({times} in {length})",
            says,
            times = count(times, "time"),
            length
        ),
    }
}

/// A notification, and the SA that it is about.
fn notice(notice: &OutsideNotice) -> Text {
    match notice.spi {
        Some(spi) => say!("{notice} {spi}", notice = notice.name(), spi),
        None => notice.name(),
    }
}
