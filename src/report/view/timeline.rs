//! What happened to a tunnel, in order.

use super::place::FrameView;
use crate::diagnose;
use crate::language::Language;
use crate::model::{Model, TunnelId};
use serde::Serialize;

/// Something that happened.
#[derive(Debug, Serialize)]
pub struct EventView {
    /// When.
    pub time_ns: i64,
    /// The frame that shows it.
    #[serde(flatten)]
    pub frame: FrameView,
    /// What kind of thing it is: a stable slug.
    pub event: &'static str,
    /// In words.
    pub says: String,
    /// How many events it stands for: 1, unless it is `again`.
    pub count: usize,
}

pub(super) fn timeline(model: &Model, tunnel: TunnelId, language: Language) -> Vec<EventView> {
    diagnose::timeline(model, tunnel)
        .into_iter()
        .map(|event| EventView {
            time_ns: event.at.1.0,
            frame: FrameView::new(event.at.0),
            event: event.kind.slug(),
            says: language.say(&event.says),
            count: event.count,
        })
        .collect()
}
