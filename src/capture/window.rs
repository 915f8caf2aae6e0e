//! A window of time.

use crate::units::Timestamp;

/// Which frames are looked at, by the times that the capture gives them. A frame without a time is in every window.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Window {
    /// Frames before this moment are passed over.
    pub since: Option<Timestamp>,
    /// Frames after this moment are passed over.
    pub until: Option<Timestamp>,
}

impl Window {
    #[inline]
    pub(super) fn holds(&self, time: Option<Timestamp>) -> bool {
        let Some(time) = time else { return true };
        self.since.is_none_or(|since| since <= time) && self.until.is_none_or(|until| time <= until)
    }
}
