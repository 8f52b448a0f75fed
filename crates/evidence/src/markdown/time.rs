//! Moments in cells: times of day and durations.

const DAY_S: u64 = 86_400;

/// Seconds since boot or midnight. A time of day earlier than `before` is of the next day.
pub(super) fn seconds(cell: &str, before: Option<u64>) -> Option<u64> {
    let Some(time) = time_of_day(cell) else { return duration(cell) };
    let Some(before) = before else { return Some(time) };
    let days = before.saturating_sub(time).div_ceil(DAY_S);
    Some(time + days * DAY_S)
}

/// `22:46` or `22:46:10`.
fn time_of_day(cell: &str) -> Option<u64> {
    let mut parts = cell.split(':').map(|part| {
        (part.len() <= 2 && part.bytes().all(|b| b.is_ascii_digit())).then(|| part.parse().ok())?
    });
    let (hours, minutes): (u64, u64) = (parts.next()??, parts.next()??);
    let seconds: u64 = parts.next().unwrap_or(Some(0))?;
    let fits = hours < 24 && minutes < 60 && seconds < 60 && parts.next().is_none();
    fits.then_some(hours * 3600 + minutes * 60 + seconds)
}

/// `1m 15s`, `18h 05m`, `3 d`, `2 days 4 hours`: whole numbers, each with its unit.
fn duration(cell: &str) -> Option<u64> {
    let mut rest = cell.trim();
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let (number, after) = crate::numbers::leading(rest)?;
        let after = after.trim_start();
        let end = after.find(|c: char| !c.is_alphabetic()).unwrap_or(after.len());
        let unit = match after[..end].to_ascii_lowercase().as_str() {
            "s" | "sec" | "second" | "seconds" => 1,
            "m" | "min" | "minute" | "minutes" => 60,
            "h" | "hr" | "hour" | "hours" => 3600,
            "d" | "day" | "days" => DAY_S,
            _ => return None,
        };
        total = total.checked_add(number.checked_mul(unit)?)?;
        rest = after[end..].trim_start_matches([' ', ',']);
    }
    (!cell.trim().is_empty()).then_some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_times_of_day_or_durations() {
        for (cell, before, expected) in [
            ("22:46:10", None, Some(81_970)),
            ("00:01", Some(81_970), Some(86_460)),
            ("00:01", Some(81_970 + DAY_S), Some(86_460 + DAY_S)),
            ("1m 15s", None, Some(75)),
            ("18h 05m", None, Some(65_100)),
            ("2 days, 1 hour", None, Some(176_400)),
            ("25:00", None, None),
            ("4.91 days", None, None),
            ("after the update", None, None),
            ("99999999999999999999 d", None, None),
            ("99999999999999999 d", None, None),
            ("", None, None),
        ] {
            assert_eq!(seconds(cell, before), expected, "{cell}");
        }
    }
}
