//! What is said outside of any IKE SA.

use super::ike_sa::version;
use super::place::{PathView, SeenView};
use crate::model::Outside;
use crate::registry::{NotifyType, NotifyV1};
use serde::Serialize;

/// Messages outside of any IKE SA that are alike (RFC 7296 section 1.5).
#[derive(Debug, Serialize)]
pub struct OutsideView {
    /// Who sent them to whom.
    #[serde(flatten)]
    pub path: PathView,
    /// `1.0`, `2.0`.
    pub version: String,
    /// Type of the exchange that they name.
    pub exchange: u8,
    /// Its name.
    pub exchange_name: Option<&'static str>,
    /// 16 hex digits, of the first; zeros, or random.
    pub initiator_spi: String,
    /// As `initiator_spi`.
    pub responder_spi: String,
    /// What they notify of.
    pub notices: Vec<OutsideNoticeView>,
    /// How many.
    pub count: u64,
    /// The first and the last.
    #[serde(flatten)]
    pub seen: SeenView,
}

/// A notification.
#[derive(Debug, Serialize)]
pub struct OutsideNoticeView {
    /// Its number.
    pub notify: u16,
    /// Its name.
    pub notify_name: Option<&'static str>,
    /// The SPI of ESP or AH that it is about.
    pub spi: Option<String>,
}

impl OutsideView {
    pub(super) fn new(row: &Outside) -> Self {
        let notices = row.notices.iter().map(|notice| OutsideNoticeView {
            notify: notice.kind,
            notify_name: match notice.v1 {
                true => NotifyV1(notice.kind).name(),
                false => NotifyType(notice.kind).name(),
            },
            spi: notice.spi.map(|spi| spi.to_string()),
        });
        Self {
            path: PathView::new(&row.path),
            version: version(row.version),
            exchange: row.exchange.0,
            exchange_name: row.exchange.name(),
            initiator_spi: row.spis.initiator.to_string(),
            responder_spi: row.spis.responder.to_string(),
            notices: notices.collect(),
            count: row.count,
            seen: SeenView::new(row.seen),
        }
    }
}
