//! What two taps of one tunnel show together.

use crate::model::{ClockOffset, Lie, Model, TapPair};
use crate::units::Vantage;
use serde::Serialize;

/// Two places that recorded packets of one tunnel.
#[derive(Debug, Serialize)]
pub struct TapsView {
    /// One.
    pub a: TapView,
    /// The other.
    pub b: TapView,
    /// `apart`: one behind the other; `together`: at one place or on one host; `unknown`.
    pub relation: &'static str,
    /// Which is nearer to the first end: `a` or `b`; `null` unless they are apart.
    pub near_first: Option<&'static str>,
    /// How far the clock of `b` is ahead of that of `a`; `null` if nothing tells.
    pub clock_offset_ns: Option<i64>,
    /// How far off that may be.
    pub uncertainty_ns: Option<i64>,
    /// The shortest way from one to the other and back.
    pub round_trip_ns: Option<i64>,
    /// ESP and AH packets that both recorded: towards the second end, towards the first.
    pub crossed: [u64; 2],
    /// Those that left the tap nearer to their sender and never reached the other; `null` unless
    /// the taps are apart.
    pub lost: Option<[u64; 2]>,
    /// Those that only `a` recorded, of the time that both did.
    pub only_a: [u64; 2],
    /// Those that only `b` recorded.
    pub only_b: [u64; 2],
    /// Flows that could not be compared.
    pub uncounted: u64,
}

/// A place where frames were recorded.
#[derive(Debug, Serialize)]
pub struct TapView {
    /// Index of its input, or of the first file of a rotated set, from 0.
    pub input: u16,
    /// Its interface in that input.
    pub interface: u32,
}

impl TapsView {
    pub(super) fn new(pair: &TapPair, model: &Model) -> Self {
        // Told is how the clocks stood, not how they stand since the times of one were shifted.
        let [first, second] = pair.taps.map(|tap| {
            let input = model.inputs.get(usize::from(tap.input));
            input.map_or(0, |input| input.shift.0)
        });
        let ahead =
            |clock: ClockOffset| clock.offset.0.saturating_add(first).saturating_sub(second);
        let [a, b] = pair.taps.map(tap);
        let [to_first, to_second] = &pair.crossings;
        let both = [to_second, to_first];
        let (relation, near_first) = match pair.lie {
            Lie::Apart(0) => ("apart", Some("a")),
            Lie::Apart(_) => ("apart", Some("b")),
            Lie::Together => ("together", None),
            Lie::Unknown => ("unknown", None),
        };
        Self {
            a,
            b,
            relation,
            near_first,
            clock_offset_ns: pair.clock.map(ahead),
            uncertainty_ns: pair.clock.map(|clock| clock.uncertainty.0),
            round_trip_ns: pair.clock.and_then(|clock| Some(clock.round_trip?.0)),
            crossed: both.map(|crossing| crossing.both),
            lost: pair
                .lost(1)
                .zip(pair.lost(0))
                .map(|(forth, back)| [forth, back]),
            only_a: both.map(|crossing| crossing.only[0]),
            only_b: both.map(|crossing| crossing.only[1]),
            uncounted: both.iter().map(|crossing| crossing.uncounted).sum(),
        }
    }
}

fn tap(vantage: Vantage) -> TapView {
    TapView {
        input: vantage.input,
        interface: vantage.interface,
    }
}
