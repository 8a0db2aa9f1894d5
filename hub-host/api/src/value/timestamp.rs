use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::de::{Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::ValueError;

/// The name by which MessagePack's reader and writer know a timestamp.
pub(super) const TOKEN: &str = "$hubplane::Timestamp";

/// A moment in UTC: a `DateTime` of .NET, a `Date` of JavaScript.
///
/// In MessagePack it is the timestamp extension, in JSON ISO 8601 text as the reference writes it, with up to seven
/// digits of a second (reference signalr-core 11.4). Text without an offset is taken as UTC.
///
/// ```
/// let moment: hubplane_hub::Timestamp = "2002-04-01T12:20:15+02:00".parse().unwrap();
/// assert_eq!(moment.to_string(), "2002-04-01T10:20:15Z");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp {
    seconds: i64,
    nanoseconds: u32,
}

/// The years 1 to 9999, in seconds since 1970.
const SECONDS: std::ops::RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;

impl Timestamp {
    /// 1970-01-01T00:00:00Z.
    pub const UNIX_EPOCH: Self = Self {
        seconds: 0,
        nanoseconds: 0,
    };

    /// From seconds since 1970, negative before it, and nanoseconds after that second; `None` outside the years 1 to
    /// 9999 and from a billion nanoseconds.
    pub fn new(seconds: i64, nanoseconds: u32) -> Option<Self> {
        (SECONDS.contains(&seconds) && nanoseconds < 1_000_000_000).then_some(Self {
            seconds,
            nanoseconds,
        })
    }

    /// Whole seconds since 1970, rounded down.
    pub const fn seconds(self) -> i64 {
        self.seconds
    }

    /// Nanoseconds after [`seconds`](Self::seconds).
    pub const fn nanoseconds(self) -> u32 {
        self.nanoseconds
    }

    /// The payload of the extension in its shortest form.
    pub(super) fn to_extension(self) -> ([u8; 12], usize) {
        let mut bytes = [0; 12];
        let seconds = u64::try_from(self.seconds)
            .ok()
            .filter(|seconds| *seconds < 1 << 34);
        let len = match seconds {
            Some(seconds) if self.nanoseconds == 0 && u32::try_from(seconds).is_ok() => {
                bytes[..4]
                    .copy_from_slice(&u32::try_from(seconds).unwrap_or_default().to_be_bytes());
                4
            }
            Some(seconds) => {
                bytes[..8]
                    .copy_from_slice(&(u64::from(self.nanoseconds) << 34 | seconds).to_be_bytes());
                8
            }
            None => {
                bytes[..4].copy_from_slice(&self.nanoseconds.to_be_bytes());
                bytes[4..].copy_from_slice(&self.seconds.to_be_bytes());
                12
            }
        };
        (bytes, len)
    }

    pub(super) fn from_extension(payload: &[u8]) -> Option<Self> {
        let (seconds, nanoseconds) = match payload.len() {
            4 => (i64::from(u32::from_be_bytes(payload.try_into().ok()?)), 0),
            8 => {
                let both = u64::from_be_bytes(payload.try_into().ok()?);
                (
                    i64::try_from(both & ((1 << 34) - 1)).ok()?,
                    u32::try_from(both >> 34).ok()?,
                )
            }
            12 => {
                let (nanoseconds, seconds) = payload.split_at(4);
                (
                    i64::from_be_bytes(seconds.try_into().ok()?),
                    u32::from_be_bytes(nanoseconds.try_into().ok()?),
                )
            }
            _ => return None,
        };
        Self::new(seconds, nanoseconds)
    }
}

impl From<SystemTime> for Timestamp {
    /// What is outside the years 1 to 9999 becomes their first or last second.
    fn from(time: SystemTime) -> Self {
        let (seconds, nanoseconds) = match time.duration_since(UNIX_EPOCH) {
            Ok(after) => (
                i64::try_from(after.as_secs()).unwrap_or(i64::MAX),
                after.subsec_nanos(),
            ),
            Err(before) => {
                let before = before.duration();
                let seconds = -i64::try_from(before.as_secs()).unwrap_or(i64::MAX);
                match before.subsec_nanos() {
                    0 => (seconds, 0),
                    nanoseconds => (seconds.saturating_sub(1), 1_000_000_000 - nanoseconds),
                }
            }
        };
        Self {
            seconds: seconds.clamp(*SECONDS.start(), *SECONDS.end()),
            nanoseconds,
        }
    }
}

impl From<Timestamp> for SystemTime {
    fn from(time: Timestamp) -> Self {
        let whole = Duration::from_secs(time.seconds.unsigned_abs());
        let second = if time.seconds < 0 {
            UNIX_EPOCH - whole
        } else {
            UNIX_EPOCH + whole
        };
        second + Duration::from_nanos(time.nanoseconds.into())
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = date_of(self.seconds.div_euclid(86_400));
        let second = self.seconds.rem_euclid(86_400);
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}"
        )?;
        let ticks = self.nanoseconds / 100;
        if ticks != 0 {
            let digits = format!("{ticks:07}");
            write!(f, ".{}", digits.trim_end_matches('0'))?;
        }
        f.write_str("Z")
    }
}

/// The date of a day since 1970, in the proleptic Gregorian calendar: eras of 400 years that begin on 1 March, as in
/// Howard Hinnant's "chrono-compatible low-level date algorithms".
fn date_of(day: i64) -> (i64, i64, i64) {
    let shifted = day + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

/// The day since 1970 of a date.
fn day_of(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month = if month > 2 { month - 3 } else { month + 9 };
    let day_of_year = (153 * month + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

impl FromStr for Timestamp {
    type Err = ValueError;

    /// Reads ISO 8601: a date, or date and time, with `Z`, an offset or neither.
    fn from_str(text: &str) -> Result<Self, ValueError> {
        parse(text).ok_or_else(|| ValueError::new(format!("no date and time: {text:?}")))
    }
}

fn parse(text: &str) -> Option<Timestamp> {
    let mut rest = text;
    let year = number(&mut rest, 4)?;
    let month = after(&mut rest, "-").and_then(|()| number(&mut rest, 2))?;
    let day = after(&mut rest, "-").and_then(|()| number(&mut rest, 2))?;
    let midnight = day_of(year, month, day);
    // Only a date that exists comes back as it was.
    if date_of(midnight) != (year, month, day) {
        return None;
    }
    let mut seconds = midnight * 86_400;
    let mut nanoseconds = 0;
    if !rest.is_empty() {
        after(&mut rest, "T")?;
        let hour = number(&mut rest, 2).filter(|hour| *hour < 24)?;
        let minute = after(&mut rest, ":")
            .and_then(|()| number(&mut rest, 2))
            .filter(|minute| *minute < 60)?;
        seconds += hour * 3600 + minute * 60;
        if after(&mut rest, ":").is_some() {
            seconds += number(&mut rest, 2).filter(|second| *second < 60)?;
            if after(&mut rest, ".").is_some() {
                nanoseconds = fraction(&mut rest)?;
            }
        }
        seconds -= offset(rest)?;
    }
    Timestamp::new(seconds, nanoseconds)
}

fn after(rest: &mut &str, mark: &str) -> Option<()> {
    *rest = rest.strip_prefix(mark)?;
    Some(())
}

fn number(rest: &mut &str, digits: usize) -> Option<i64> {
    let (number, after) = rest.split_at_checked(digits)?;
    *rest = after;
    number
        .bytes()
        .all(|b| b.is_ascii_digit())
        .then(|| number.parse().ok())?
}

/// Nanoseconds; further digits are cut off.
fn fraction(rest: &mut &str) -> Option<u32> {
    let len = rest.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, after) = rest.split_at_checked(len)?;
    *rest = after;
    if digits.is_empty() {
        return None;
    }
    format!("{digits:0<9}").get(..9)?.parse().ok()
}

/// Seconds east of UTC.
fn offset(rest: &str) -> Option<i64> {
    let (sign, mut rest) = match rest.split_at_checked(1) {
        None => return Some(0),
        Some(("Z", "")) => return Some(0),
        Some(("+", rest)) => (1, rest),
        Some(("-", rest)) => (-1, rest),
        Some(_) => return None,
    };
    let hours = number(&mut rest, 2).filter(|hours| *hours <= 14)?;
    let minutes = after(&mut rest, ":")
        .and_then(|()| number(&mut rest, 2))
        .filter(|minutes| *minutes < 60)?;
    rest.is_empty()
        .then_some(sign * (hours * 3600 + minutes * 60))
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            return serializer.collect_str(self);
        }
        let (payload, len) = self.to_extension();
        serializer.serialize_newtype_struct(TOKEN, &Payload(payload.get(..len).unwrap_or_default()))
    }
}

/// What a timestamp is inside its extension.
struct Payload<'a>(&'a [u8]);

impl Serialize for Payload<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            deserializer.deserialize_str(FromText)
        } else {
            deserializer.deserialize_newtype_struct(TOKEN, FromText)
        }
    }
}

struct FromText;

impl Visitor<'_> for FromText {
    type Value = Timestamp;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a date and time")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Timestamp, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_bytes<E: serde::de::Error>(self, payload: &[u8]) -> Result<Timestamp, E> {
        Timestamp::from_extension(payload)
            .ok_or_else(|| E::invalid_value(Unexpected::Bytes(payload), &self))
    }
}
