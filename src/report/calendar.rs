//! Moments as people write them: RFC 3339, in UTC.

use crate::units::Timestamp;
use std::fmt;

const NANOS: i64 = 1_000_000_000;
const DAY_SECS: i64 = 86_400;

/// A moment in UTC, to the millisecond: `2024-02-29 23:59:59.123Z`.
#[derive(Clone, Copy, Debug)]
pub struct Utc(pub Timestamp);

impl fmt::Display for Utc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = civil(day(self.0));
        write!(f, "{year:04}-{month:02}-{day:02} {}Z", Clock(self.0))
    }
}

/// The time of day of a moment in UTC, to the millisecond: `23:59:59.123`.
#[derive(Clone, Copy, Debug)]
pub struct Clock(pub Timestamp);

impl fmt::Display for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let secs = self.0.0.div_euclid(NANOS).rem_euclid(DAY_SECS);
        let millis = self.0.0.rem_euclid(NANOS) / 1_000_000;
        let (hour, minute, second) = (secs / 3600, secs / 60 % 60, secs % 60);
        write!(f, "{hour:02}:{minute:02}:{second:02}.{millis:03}")
    }
}

/// How moments that stand together are written: the time of day says which day only where it is one.
#[derive(Clone, Copy, Debug)]
pub struct Together {
    dated: bool,
}

impl Together {
    /// How these are written.
    pub fn of(moments: impl IntoIterator<Item = Timestamp>) -> Self {
        let mut days = moments.into_iter().map(day);
        let first = days.next();
        Self {
            dated: days.any(|day| Some(day) != first),
        }
    }

    /// One of them: `23:59:59.123`, or `2024-02-29 23:59:59.123Z`.
    pub fn say(self, moment: Timestamp) -> String {
        match self.dated {
            true => Utc(moment).to_string(),
            false => Clock(moment).to_string(),
        }
    }
}

/// The day of a moment, since 1970-01-01.
fn day(moment: Timestamp) -> i64 {
    moment.0.div_euclid(NANOS).div_euclid(DAY_SECS)
}

/// Reads a moment: RFC 3339 (`2024-02-29T23:59:59.5+01:00`, also with a blank for the `T`), or
/// seconds since the Unix epoch with or without a fraction.
///
/// `None` if it is neither, or lies outside the years that 64 bits of nanoseconds reach.
pub fn parse(text: &str) -> Option<Timestamp> {
    parse_epoch(text).or_else(|| parse_rfc3339(text))
}

fn parse_epoch(text: &str) -> Option<Timestamp> {
    let (secs, nanos) = seconds(text)?;
    Some(Timestamp(secs.checked_mul(NANOS)?.checked_add(nanos)?))
}

/// RFC 3339 section 5.6.
fn parse_rfc3339(text: &str) -> Option<Timestamp> {
    let (date, rest) = text.split_once(['T', 't', ' '])?;
    let (clock, offset) = match rest.strip_suffix(['Z', 'z']) {
        Some(clock) => (clock, 0),
        None => {
            let at = rest.rfind(['+', '-'])?;
            let (clock, zone) = rest.split_at_checked(at)?;
            (clock, offset_secs(zone)?)
        }
    };
    let mut date = date.splitn(3, '-');
    let year = digits(date.next()?, 4)?;
    let month = digits(date.next()?, 2).filter(|month| (1..=12).contains(month))?;
    let day = digits(date.next()?, 2).filter(|day| (1..=month_days(year, month)).contains(day))?;
    let mut clock = clock.splitn(3, ':');
    let hour = digits(clock.next()?, 2).filter(|hour| *hour < 24)?;
    let minute = digits(clock.next()?, 2).filter(|minute| *minute < 60)?;
    // A leap second reads as the first second of the next minute.
    let (second, nanos) = seconds(clock.next()?).filter(|(second, _)| *second <= 60)?;
    (days(year, month, day) * DAY_SECS + hour * 3600 + minute * 60 + second - offset)
        .checked_mul(NANOS)?
        .checked_add(nanos)
        .map(Timestamp)
}

/// `+01:00` in seconds east of UTC.
fn offset_secs(zone: &str) -> Option<i64> {
    let (sign, digits_of) = match zone.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, zone.strip_prefix('+')?),
    };
    let (hours, minutes) = digits_of.split_once(':')?;
    let hours = digits(hours, 2).filter(|hours| *hours < 24)?;
    let minutes = digits(minutes, 2).filter(|minutes| *minutes < 60)?;
    Some(sign * (hours * 3600 + minutes * 60))
}

/// Seconds and nanoseconds of `59` or `59.25`.
fn seconds(text: &str) -> Option<(i64, i64)> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let secs = digits(whole, whole.len())?;
    let nanos: String = fraction
        .chars()
        .chain("000000000".chars())
        .take(9)
        .collect();
    digits(fraction, fraction.len())?;
    Some((secs, digits(&nanos, 9)?))
}

/// A number of exactly `count` decimal digits.
fn digits(text: &str, count: usize) -> Option<i64> {
    let fits = text.len() == count && !text.is_empty() && text.bytes().all(|c| c.is_ascii_digit());
    if fits { text.parse().ok() } else { None }
}

fn month_days(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

// Days are counted in eras of 400 years that begin on 1 March of year 0, so that the leap day is
// the last of its year (after Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms").
const ERA_DAYS: i64 = 146_097;
const EPOCH_DAYS: i64 = 719_468;

/// Days since 1970-01-01 of a date.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * ERA_DAYS + day_of_era - EPOCH_DAYS
}

/// Year, month and day of a count of days since 1970-01-01.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + EPOCH_DAYS;
    let era = days.div_euclid(ERA_DAYS);
    let day_of_era = days.rem_euclid(ERA_DAYS);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_reads_back_as_it_was_written() {
        for text in [
            "1970-01-01 00:00:00.000Z",
            "1969-12-31 23:59:59.999Z",
            "2000-02-29 12:00:00.001Z",
            "2024-12-31 23:59:59.123Z",
            "2100-03-01 00:00:00.000Z",
        ] {
            assert_eq!(Utc(parse(text).unwrap()).to_string(), text);
        }
    }

    #[test]
    fn moments_of_several_days_are_told_with_their_dates() {
        let moments = |texts: [&str; 2]| {
            let moments = texts.map(|text| parse(text).unwrap());
            let together = Together::of(moments);
            moments.map(|moment| together.say(moment)).join(", ")
        };
        assert_eq!(
            moments(["2024-02-29 00:00:00Z", "2024-02-29 23:59:59.9999Z"]),
            "00:00:00.000, 23:59:59.999"
        );
        assert_eq!(
            moments(["2024-02-29 23:59:59.999Z", "2024-03-01 00:00:00Z"]),
            "2024-02-29 23:59:59.999Z, 2024-03-01 00:00:00.000Z"
        );
    }

    #[test]
    fn every_day_of_eight_centuries_counts_on_by_one() {
        for day in -146_097..146_097 {
            let (year, month, date) = civil(day);
            assert_eq!(days(year, month, date), day);
        }
    }

    #[test]
    fn zones_and_seconds_since_the_epoch_are_understood() {
        let moment = Some(Timestamp(1_709_251_199_500_000_000));
        assert_eq!(parse("2024-02-29T23:59:59.5Z"), moment);
        assert_eq!(parse("2024-03-01T00:59:59.5+01:00"), moment);
        assert_eq!(parse("2024-02-29t18:29:59.5-05:30"), moment);
        assert_eq!(parse("1709251199.5"), moment);
    }

    #[test]
    fn what_is_no_moment_is_refused() {
        for text in [
            "",
            "now",
            "2024-02-30T00:00:00Z",
            "2023-02-29T00:00:00Z",
            "2024-13-01T00:00:00Z",
            "2024-01-01T24:00:00Z",
            "2024-01-01T00:00:00",
            "2024-01-01",
            "1.",
            "-5",
            "1e9",
            "99999999999999999999",
            "2024-01-01T00:00:00+1:00",
            "+2024-01-01T00:00:00Z",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
