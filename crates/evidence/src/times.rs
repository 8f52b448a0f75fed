//! Moments as people write them: dates, times of day and durations.

use crate::quantities;

const DAY_S: u64 = 86_400;

/// Seconds since boot or midnight. A time of day earlier than `before` is of the next day.
pub(crate) fn seconds(cell: &str, before: Option<u64>) -> Option<u64> {
    if let Some(moment) = date_and_time(cell).or_else(|| since_1970(cell)) {
        return Some(moment);
    }
    let Some(time) = time_of_day(cell) else { return duration(cell) };
    let Some(before) = before else { return Some(time) };
    let days = before.saturating_sub(time).div_ceil(DAY_S);
    Some(time + days * DAY_S)
}

/// Seconds, milliseconds or nanoseconds since 1970, as monitoring systems (`1772323200`) and PowerShell
/// (`/Date(1772323200000)/`) write moments, on the clock of [`date_and_time`].
pub(crate) fn since_1970(text: &str) -> Option<u64> {
    const DAYS_BEFORE: u64 = 25_567;
    let number = text.trim().trim_start_matches("/Date(").trim_end_matches(")/");
    let per_s = match number.len() {
        10 => 1,
        13 => 1_000,
        19 => 1_000_000_000,
        _ => return None,
    };
    let is_number = number.bytes().all(|b| b.is_ascii_digit());
    let passed: u64 = number.parse().ok().filter(|_| is_number)?;
    Some(passed / per_s + DAYS_BEFORE * DAY_S)
}

/// A line that is a date and time alone, perhaps after the name of a day, as scripts print it before
/// each capture.
pub(crate) fn stamp(line: &str) -> Option<u64> {
    const LONGEST: usize = 40;
    let line = line.trim().trim_matches(['-', '=', '#', ' ']);
    if line.len() > LONGEST || !line.contains(':') {
        return None;
    }
    date_and_time(line).or_else(|| {
        let (day, rest) = line.split_once(' ')?;
        let is_day = (2..=4).contains(&day.chars().count()) && day.chars().all(char::is_alphabetic);
        date_and_time(rest).filter(|_| is_day)
    })
}

/// How long a header says that something took: `delta over 4.91 days`, `growth in 24h`.
pub(crate) fn span(header: &str) -> Option<u64> {
    let words: Vec<_> = header.split([' ', '(', ')']).filter(|word| !word.is_empty()).collect();
    (0..words.len()).find_map(|at| {
        let word = words[at];
        let digits = word.find(|c: char| !c.is_ascii_digit() && c != '.' && c != ',');
        let (number, unit) = match digits {
            Some(0) => return None,
            Some(end) => word.split_at(end),
            None => (word, *words.get(at + 1)?),
        };
        let number: f64 = number.replace(',', ".").parse().ok()?;
        let seconds = number * unit_s(unit)? as f64;
        (seconds.is_finite() && (1.0..1e10).contains(&seconds)).then_some(seconds.round() as u64)
    })
}

/// Seconds of a unit.
pub(crate) fn unit_s(unit: &str) -> Option<u64> {
    Some(match unit.to_lowercase().as_str() {
        "s" | "sec" | "second" | "seconds" | "sekunde" | "sekunden" | "seconde" | "secondes"
        | "segundo" | "segundos" => 1,
        "m" | "min" | "mins" | "minute" | "minutes" | "minuten" | "minutos" => 60,
        "h" | "hr" | "hrs" | "hour" | "hours" | "std" | "stunde" | "stunden" | "heure"
        | "heures" | "hora" | "horas" | "ora" | "ore" | "час" => 3600,
        "d" | "day" | "days" | "tag" | "tage" | "tagen" | "jour" | "jours" | "día" | "días"
        | "dia" | "dias" | "giorno" | "giorni" | "день" | "сутки" => DAY_S,
        "w" | "week" | "weeks" | "woche" | "wochen" | "semaine" | "semaines" | "semana"
        | "settimana" | "неделю" => 7 * DAY_S,
        _ => return None,
    })
}

/// A date and a time of day in one of the usual orders, in seconds since a fixed day: by the year
/// first, by dots with the day first, by slashes with the month first unless it can be none.
pub(crate) fn date_and_time(text: &str) -> Option<u64> {
    let text = text.trim().trim_end_matches('Z');
    let (date, time) = text.split_once([' ', 'T'])?;
    let number = |part: &str| -> Option<u32> {
        let fits = (1..=4).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
        fits.then(|| part.parse().ok())?
    };
    let sign = date.chars().find(|c| !c.is_ascii_digit()).filter(|c| "-./".contains(*c))?;
    let parts: Vec<u32> = date.split(sign).map(number).collect::<Option<_>>()?;
    let (year, month, day) = match (parts.as_slice(), sign) {
        (&[year, month, day], _) if year > 31 => (year, month, day),
        (&[day, month, year], '.' | '-') => (year, month, day),
        (&[first, second, year], _) if first > 12 => (year, second, first),
        (&[month, day, year], _) => (year, month, day),
        _ => return None,
    };
    let time = time.trim();
    let (time, half) = match time.rsplit_once(' ') {
        Some((time, "AM" | "am")) => (time, Some(0)),
        Some((time, "PM" | "pm")) => (time, Some(12)),
        Some(_) => return None,
        None => (time, None),
    };
    let time = time_of_day(time.split(['.', ',']).next()?)?;
    let time = match half {
        Some(half) => (time / 3600 % 12 + half) * 3600 + time % 3600,
        None => time,
    };
    let date = jiff::civil::Date::new(
        i16::try_from(year).ok()?,
        i8::try_from(month).ok()?,
        i8::try_from(day).ok()?,
    );
    let days = (date.ok()? - jiff::civil::date(1900, 1, 1)).get_days();
    Some(u64::try_from(days).ok()? * DAY_S + time)
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
        let (number, after) = quantities::leading(rest)?;
        let after = after.trim_start();
        let end = after.find(|c: char| !c.is_alphabetic()).unwrap_or(after.len());
        let unit = unit_s(&after[..end])?;
        total = total.checked_add(number.checked_mul(unit)?)?;
        rest = after[end..].trim_start_matches([' ', ',']);
    }
    (!cell.trim().is_empty()).then_some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_may_tell_a_span() {
        for (header, expected) in [
            ("delta over 4.91 days", Some(424_224)),
            ("growth (24h)", Some(86_400)),
            ("Zuwachs in 1,5 Stunden", Some(5400)),
            ("delta", None),
            ("delta of 3 tags", None),
            ("change in 1e400 days", None),
        ] {
            assert_eq!(span(header), expected, "{header}");
        }
    }

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
            ("2024-03-01 10:20:30", None, Some(45_350 * DAY_S + 37_230)),
            ("01.03.2024 10:20", None, Some(45_350 * DAY_S + 37_200)),
            ("3/1/2024 10:20:30 PM", None, Some(45_350 * DAY_S + 80_430)),
            ("15/3/2024 10:20", None, Some(45_364 * DAY_S + 37_200)),
            ("1709288430", None, Some(45_350 * DAY_S + 37_230)),
            ("/Date(1709288430000)/", None, Some(45_350 * DAY_S + 37_230)),
            ("2024-13-01 10:20", None, None),
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
