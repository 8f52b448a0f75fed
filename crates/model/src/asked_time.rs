//! Times that somebody asks for.

use std::str::FromStr;

use jiff::Timestamp;
use serde::Deserialize;

/// 1970-01-01 and 3000-01-01, seconds.
const YEARS: std::ops::Range<i64> = 0..32_503_680_000;

/// A time of 1970 to 2999: one that the database can hold and that a period can be added to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct AskedTime(Timestamp);

/// Why a text is no time to ask for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AskedTimeError {
    /// It is not written as one.
    #[error("a time is written like 2026-03-29T22:00:00Z")]
    Unreadable,
    /// It is of another age.
    #[error("a time lies between the years 1970 and 2999")]
    OutOfRange,
}

impl AskedTime {
    /// The time.
    #[must_use]
    pub const fn get(self) -> Timestamp {
        self.0
    }
}

impl TryFrom<String> for AskedTime {
    type Error = AskedTimeError;

    fn try_from(text: String) -> Result<Self, AskedTimeError> {
        text.parse()
    }
}

impl FromStr for AskedTime {
    type Err = AskedTimeError;

    fn from_str(text: &str) -> Result<Self, AskedTimeError> {
        let at: Timestamp = text.parse().map_err(|_| AskedTimeError::Unreadable)?;
        YEARS.contains(&at.as_second()).then_some(Self(at)).ok_or(AskedTimeError::OutOfRange)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_times_that_anything_can_be_of_are_asked_for() {
        for good in ["1970-01-01T00:00:00Z", "2026-03-29T22:00:00+02:00", "2999-12-31T23:59:59Z"] {
            assert_eq!(good.parse::<AskedTime>().unwrap().get(), good.parse().unwrap());
        }
        for (bad, why) in [
            ("-004800-01-01T00:00:00Z", AskedTimeError::OutOfRange),
            ("1969-12-31T23:59:59Z", AskedTimeError::OutOfRange),
            ("3000-01-01T00:00:00Z", AskedTimeError::OutOfRange),
            ("yesterday", AskedTimeError::Unreadable),
            ("", AskedTimeError::Unreadable),
        ] {
            assert_eq!(bad.parse::<AskedTime>(), Err(why), "{bad}");
        }
    }
}
