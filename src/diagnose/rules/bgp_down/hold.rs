//! The hold time that two routers agreed on.

use crate::model::InnerFlow;
use crate::units::Span;

/// The smaller of what both offer in their OPEN messages; zero is none (RFC 4271 section 4.2).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct HoldTime {
    /// How long; `None` if silence ends no session.
    pub span: Option<Span>,
    /// Whether both OPEN messages were seen, so that it is no guess.
    pub known: bool,
}

impl HoldTime {
    /// Twice what RFC 4271 section 10 suggests, which is what many routers have.
    const USUAL: u16 = 180;

    /// That of a session.
    pub(super) fn of(talk: &InnerFlow) -> Self {
        let offers = talk.ways.each_ref().map(|way| {
            let (_, open) = way.bgp.as_ref()?.opens.last()?;
            Some(open.as_ref()?.hold_time)
        });
        let least = offers.iter().flatten().min().copied();
        let seconds = least.unwrap_or(Self::USUAL);
        Self {
            span: (seconds > 0).then(|| Span::from_secs(i64::from(seconds))),
            known: !offers.contains(&None),
        }
    }
}
