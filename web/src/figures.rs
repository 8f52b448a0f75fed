//! Numbers and times as people read them, with the exact value behind them.
//!
//! Functions take values, references and options alike, for templates hold all three; what is not
//! known shows as a dash. The types display as HTML (`<span title="exact">short</span>`); the functions that return
//! `String` give plain text for sentences and mail.

use std::fmt;

use askama::filters::HtmlSafe;
use jiff::Timestamp;
use poolwatch_model::Bytes;

/// What stands where a value is not known.
pub const UNKNOWN: &str = "<span class=\"none\" title=\"not known\">–</span>";

/// A piece of HTML that holds only numbers and words of this crate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figure(String);

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl HtmlSafe for Figure {}

fn exact(short: &str, exact: &str) -> Figure {
    Figure(format!("<span title=\"{exact}\">{short}</span>"))
}

pub(crate) fn unknown() -> Figure {
    Figure(UNKNOWN.to_owned())
}

/// A value that may be absent, held in whichever way.
pub trait Known<T> {
    /// The value, where it is known.
    fn known(&self) -> Option<T>;
}

impl<T, K: Known<T> + ?Sized> Known<T> for &K {
    fn known(&self) -> Option<T> {
        (**self).known()
    }
}

impl<T, K: Known<T>> Known<T> for Option<K> {
    fn known(&self) -> Option<T> {
        self.as_ref().and_then(Known::known)
    }
}

macro_rules! known {
    ($($from:ty => $to:ty: $convert:expr;)*) => {$(
        impl Known<$to> for $from {
            fn known(&self) -> Option<$to> {
                let convert: fn($from) -> $to = $convert;
                Some(convert(*self))
            }
        }
    )*};
}

known! {
    u64 => Bytes: Bytes;
    Bytes => Bytes: |bytes| bytes;
    i64 => i64: |number| number;
    u32 => u64: u64::from;
    u64 => u64: |number| number;
    usize => u64: |number| number as u64;
    f32 => f64: f64::from;
    f64 => f64: |share| share;
    Timestamp => Timestamp: |at| at;
}

/// An amount of memory.
#[must_use]
pub fn size(bytes: impl Known<Bytes>) -> Figure {
    bytes
        .known()
        .map_or_else(unknown, |bytes| exact(&bytes.to_string(), &format!("{} B", grouped(bytes.0))))
}

/// By how many bytes something changed.
#[must_use]
pub fn size_change(bytes: impl Known<i64>) -> Figure {
    let Some(bytes) = bytes.known() else { return unknown() };
    let (sign, amount) = (sign(bytes), bytes.unsigned_abs());
    match bytes {
        0 => exact("0", "no change"),
        _ => exact(&format!("{sign}{}", Bytes(amount)), &format!("{sign}{} B", grouped(amount))),
    }
}

/// A count.
#[must_use]
pub fn count(count: impl Known<u64>) -> Figure {
    count.known().map_or_else(unknown, |count| Figure(grouped(count)))
}

/// By how much a count changed.
#[must_use]
pub fn count_change(change: impl Known<i64>) -> Figure {
    match change.known() {
        None => unknown(),
        Some(0) => exact("0", "no change"),
        Some(change) => Figure(format!("{}{}", sign(change), grouped(change.unsigned_abs()))),
    }
}

/// A share of one, in percent.
#[must_use]
pub fn percent(share: impl Known<f64>) -> Figure {
    share.known().map_or_else(unknown, |share| {
        exact(&percent_text(share), &format!("{:.2} %", share * 100.0))
    })
}

/// A length of time given in microseconds, in milliseconds.
#[must_use]
pub fn milliseconds(microseconds: impl Known<u64>) -> Figure {
    let Some(microseconds) = microseconds.known() else { return unknown() };
    let short = match microseconds {
        0..10_000 => format!("{:.1} ms", microseconds as f64 / 1e3),
        _ => format!("{} ms", grouped((microseconds + 500) / 1_000)),
    };
    exact(&short, &format!("{} µs", grouped(microseconds)))
}

/// When something happened: relative to `now`, exact on hover. Scripts turn both into the
/// viewer's zone and keep the first current.
#[must_use]
pub fn when(at: impl Known<Timestamp>, now: &Timestamp) -> Figure {
    at.known().map_or_else(unknown, |at| {
        Figure(format!(
            "<time datetime=\"{}\" title=\"{}\">{}</time>",
            at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            utc(at),
            ago(at, *now)
        ))
    })
}

/// How long something has lasted, the moment it began on hover.
#[must_use]
pub fn since(at: impl Known<Timestamp>, now: &Timestamp) -> Figure {
    at.known().map_or_else(unknown, |at| {
        Figure(format!(
            "<time class=\"since\" datetime=\"{}\" title=\"since {}\">{}</time>",
            at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            utc(at),
            duration(seconds_between(at, *now))
        ))
    })
}

/// A moment in full: `2026-03-03 14:02:11 UTC`.
#[must_use]
pub fn utc(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// How long ago: `4 s ago`, `20 min ago`, `3 h ago`, `12 d ago`; beyond 60 days the date.
#[must_use]
pub fn ago(at: Timestamp, now: Timestamp) -> String {
    let past = now.as_second() - at.as_second();
    match past {
        i64::MIN..-4 => format!("in {}", duration(past.unsigned_abs())),
        -4..=4 => "now".to_owned(),
        5..5_184_000 => format!("{} ago", duration(past.unsigned_abs())),
        _ => at.strftime("%Y-%m-%d").to_string(),
    }
}

/// A length of time in its largest fitting unit: `38 min`, `5 h`, `12 d`.
#[must_use]
pub fn duration(seconds: u64) -> String {
    match seconds {
        0..90 => format!("{seconds} s"),
        90..5_400 => format!("{} min", (seconds + 30) / 60),
        5_400..172_800 => format!("{} h", (seconds + 1_800) / 3_600),
        _ => format!("{} d", (seconds + 43_200) / 86_400),
    }
}

/// A share of one in whole percent; never rounded to 0 or 100 unless it is.
#[must_use]
pub fn percent_text(share: f64) -> String {
    let percent = share * 100.0;
    if percent > 0.0 && percent < 0.5 {
        "under\u{a0}1\u{a0}%".to_owned()
    } else if (99.5..100.0).contains(&percent) {
        "over\u{a0}99\u{a0}%".to_owned()
    } else {
        format!("{percent:.0}\u{a0}%")
    }
}

/// Digits in groups of three: `120,145`.
#[must_use]
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A count with its noun: `1 host`, `1,204 hosts`.
#[must_use]
pub fn counted(number: impl Known<u64>, one: &str, many: &str) -> String {
    let number = number.known().unwrap_or(0);
    format!("{} {}", grouped(number), if number == 1 { one } else { many })
}

/// Seconds from `from` to `to`, 0 when `to` comes first.
pub(crate) fn seconds_between(from: Timestamp, to: Timestamp) -> u64 {
    u64::try_from(to.as_second() - from.as_second()).unwrap_or(0)
}

fn sign(number: i64) -> &'static str {
    match number {
        1.. => "+",
        0 => "",
        _ => "−",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_short_and_keep_the_exact_value_on_hover() {
        assert_eq!(
            size(Bytes(76_892_800)).to_string(),
            "<span title=\"76,892,800 B\">73 MB</span>"
        );
        assert_eq!(
            size_change(Some(-1_048_576)).to_string(),
            "<span title=\"−1,048,576 B\">−1.0 MB</span>"
        );
        assert_eq!(count_change(Some(480)).to_string(), "+480");
        assert_eq!(size(None::<Bytes>).to_string(), UNKNOWN);
        assert_eq!(size_change(Some(i64::MIN)).to_string().matches('−').count(), 2);
    }

    #[test]
    fn digits_are_grouped_by_three() {
        for (number, text) in [
            (0, "0"),
            (999, "999"),
            (1000, "1,000"),
            (120_145, "120,145"),
            (1_048_576, "1,048,576"),
        ] {
            assert_eq!(grouped(number), text);
        }
    }

    #[test]
    fn a_share_is_called_zero_or_full_only_when_it_is() {
        for (share, text) in [
            (0.0, "0 %"),
            (0.001, "under 1 %"),
            (0.9665, "97 %"),
            (0.998, "over 99 %"),
            (1.0, "100 %"),
            (1.2, "120 %"),
        ] {
            assert_eq!(percent_text(share).replace('\u{a0}', " "), text);
        }
    }

    #[test]
    fn times_are_told_in_the_largest_fitting_unit() {
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let at = |ago_s: i64| Timestamp::from_second(1_800_000_000 - ago_s).unwrap();
        for (ago_s, text) in [
            (0, "now"),
            (12, "12 s ago"),
            (1_200, "20 min ago"),
            (10_800, "3 h ago"),
            (1_036_800, "12 d ago"),
            (-600, "in 10 min"),
            (8_640_000, "2026-10-07"),
        ] {
            assert_eq!(ago(at(ago_s), now), text, "{ago_s}");
        }
        assert_eq!(
            when(at(60), &now).to_string(),
            "<time datetime=\"2027-01-15T07:59:00Z\" title=\"2027-01-15 07:59:00 UTC\">60 s ago</time>"
        );
    }
}
