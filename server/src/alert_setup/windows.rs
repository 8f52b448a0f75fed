//! Maintenance windows that recur.

use jiff::{
    SignedDuration, Timestamp,
    civil::{Date, Time},
};
use poolwatch_model::alerting::{RecurringWindow, Weekdays, WindowId};
use poolwatch_store::recurring_windows::{self, WINDOWS};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{matcher::MatcherDraft, one_line, read_zone};
use crate::{app::App, app_error::AppError, incident_actions::checked_reason};

/// A window recurs for so long at most: then somebody should look at it again.
const LONGEST: SignedDuration = SignedDuration::from_hours(366 * 24);
/// The days as people type them, Monday first; they are told by their first three letters.
const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// A window as somebody types it.
#[derive(Debug, Deserialize, ToSchema)]
pub struct WindowDraft {
    /// What it is about.
    #[serde(flatten)]
    about: MatcherDraft,
    /// Days of the week, as `Mon Tue`.
    days: String,
    /// Time of day at which it begins, as `22:00`.
    begins: String,
    /// Time of day at which it ends.
    ends: String,
    /// The time zone of both.
    zone: String,
    /// The last day on which it begins, as `2026-12-31`.
    last: String,
    /// Why.
    reason: String,
}

impl WindowDraft {
    /// What the audit log keeps of it.
    #[must_use]
    pub fn describe(&self) -> String {
        let Self { about, days, begins, ends, zone, last, reason } = self;
        let about = about.describe();
        one_line(&format!("{about}, {days} {begins} to {ends} {zone} until {last}: {reason}"))
    }
}

/// Adds a window.
///
/// # Errors
/// 400 for what makes no sense, and where there are too many.
pub async fn add(
    app: &App,
    draft: &WindowDraft,
    by: &str,
    now: Timestamp,
) -> Result<WindowId, AppError> {
    let window = read_window(draft, by.to_owned(), now)?;
    let added = recurring_windows::add(&mut *app.pool.acquire().await?, &window, now).await?;
    added.ok_or_else(|| {
        AppError::bad_request(format!("There are {WINDOWS} windows: remove some first."))
    })
}

/// Takes one away. Its silence that goes on does.
///
/// # Errors
/// 404 when there is none.
pub async fn remove(app: &App, id: WindowId, now: Timestamp) -> Result<(), AppError> {
    match recurring_windows::remove(&mut *app.pool.acquire().await?, id, now).await? {
        true => Ok(()),
        false => Err(AppError::not_found("There is no such window")),
    }
}

fn read_window(
    form: &WindowDraft,
    by: String,
    now: Timestamp,
) -> Result<RecurringWindow, AppError> {
    let refuse = |words: String| AppError::bad_request(words);
    let matcher = form.about.read(None)?;
    let (zone_name, zone) = read_zone(&form.zone)?;
    let minute = |text: &str| {
        let time: Time = text.trim().parse().map_err(|_| {
            refuse(format!("{} is no time of day: write it like 22:00.", text.trim()))
        })?;
        Ok::<u32, AppError>(
            u32::from(time.hour().unsigned_abs()) * 60 + u32::from(time.minute().unsigned_abs()),
        )
    };
    let (begins, ends) = (minute(&form.begins)?, minute(&form.ends)?);
    if begins == ends {
        return Err(refuse(
            "This window would last a whole day, every time: make a silence instead.".into(),
        ));
    }
    let last: Date = form
        .last
        .trim()
        .parse()
        .map_err(|_| refuse("The last day is written like 2026-12-31.".into()))?;
    let last = last.at(23, 59, 59, 0).to_zoned(zone).map_err(AppError::internal)?.timestamp();
    if last < now || last.duration_since(now) > LONGEST {
        return Err(refuse("A window recurs until a day to come, a year ahead at most.".into()));
    }
    Ok(RecurringWindow {
        id: WindowId(0),
        matcher,
        reason: checked_reason(&form.reason)?,
        by,
        zone: zone_name,
        weekdays: read_days(&form.days)?,
        begins,
        ends,
        last,
    })
}

fn read_days(typed: &str) -> Result<Weekdays, AppError> {
    let mut bits = 0;
    for word in typed.split([' ', ',']).filter(|word| !word.is_empty()) {
        let lower = word.to_lowercase();
        let day = DAYS.iter().position(|day| lower.starts_with(day));
        let day = day.ok_or_else(|| {
            AppError::bad_request(format!("{word} is no day: write Mon Tue Wed Thu Fri Sat Sun."))
        })?;
        bits |= 1 << day;
    }
    Weekdays::from_bits(bits)
        .ok_or_else(|| AppError::bad_request("A window has a day of the week."))
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;

    fn form(days: &str, begins: &str, ends: &str, zone: &str, last: &str) -> WindowDraft {
        WindowDraft {
            about: MatcherDraft { pattern: "fs-*".into(), ..MatcherDraft::default() },
            days: days.into(),
            begins: begins.into(),
            ends: ends.into(),
            zone: zone.into(),
            last: last.into(),
            reason: "patches".into(),
        }
    }

    fn now() -> Timestamp {
        "2026-03-01T00:00:00Z".parse().unwrap()
    }

    #[test]
    fn a_window_recurs_at_local_times_whatever_clocks_do() {
        let berlin = "Europe/Berlin";
        let next = |begins: &str, ends: &str, days: &str, after: &str| {
            let form = form(days, begins, ends, berlin, "2026-12-31");
            let window = read_window(&form, "ana".into(), now()).unwrap();
            let zone = TimeZone::get(berlin).unwrap();
            let (from, until) = window.next_after(&zone, after.parse().unwrap()).unwrap();
            (from.to_string(), until.to_string())
        };
        let times = |from: &str, until: &str| (from.to_owned(), until.to_owned());
        // Over midnight, and while it goes on.
        let winter = times("2026-03-02T21:00:00Z", "2026-03-03T03:00:00Z");
        assert_eq!(next("22:00", "04:00", "Mon", "2026-03-01T00:00:00Z"), winter);
        assert_eq!(next("22:00", "04:00", "monday", "2026-03-03T02:59:59Z"), winter);
        let later = times("2026-03-09T21:00:00Z", "2026-03-10T03:00:00Z");
        assert_eq!(next("22:00", "04:00", "Mon", "2026-03-03T03:00:00Z"), later);
        // The night that loses an hour: 22:00 to 04:00 is five hours.
        let spring = times("2026-03-28T21:00:00Z", "2026-03-29T02:00:00Z");
        assert_eq!(next("22:00", "04:00", "Sat", "2026-03-28T00:00:00Z"), spring);
        // A beginning that is skipped is as much later.
        let skipped = times("2026-03-29T01:30:00Z", "2026-03-29T03:00:00Z");
        assert_eq!(next("02:30", "05:00", "Sun", "2026-03-28T23:00:00Z"), skipped);
        // The night that gains one covers both hours from two to three.
        let autumn = times("2026-10-25T00:00:00Z", "2026-10-25T02:00:00Z");
        assert_eq!(next("02:00", "03:00", "Sun", "2026-10-24T23:00:00Z"), autumn);
        let both = times("2026-10-25T00:15:00Z", "2026-10-25T01:45:00Z");
        assert_eq!(next("02:15", "02:45", "Sun", "2026-10-24T23:00:00Z"), both);
    }

    #[test]
    fn a_window_ends_for_good_after_its_last_day() {
        let form = form("Mon", "22:00", "04:00", "UTC", "2026-03-02");
        let window = read_window(&form, "ana".into(), now()).unwrap();
        let next = |after: &str| window.next_after(&TimeZone::UTC, after.parse().unwrap());
        assert!(next("2026-03-02T00:00:00Z").is_some());
        assert_eq!(next("2026-03-03T04:00:00Z"), None);
    }

    #[test]
    fn a_window_that_makes_no_sense_is_refused_in_words() {
        let last = "2026-12-31";
        for (form, words) in [
            (form("Mon", "22:00", "22:00", "UTC", last), "a whole day"),
            (form("Mon", "late", "04:00", "UTC", last), "no time of day"),
            (form("Someday", "22:00", "04:00", "UTC", last), "no day"),
            (form(" , ", "22:00", "04:00", "UTC", last), "has a day"),
            (form("Mon", "22:00", "04:00", "Mars/Base", last), "no time zone"),
            (form("Mon", "22:00", "04:00", "UTC", "2026-02-01"), "a day to come"),
            (form("Mon", "22:00", "04:00", "UTC", "2029-02-01"), "a year ahead"),
            (form("Mon", "22:00", "04:00", "UTC", "soon"), "written like"),
            (
                WindowDraft {
                    about: MatcherDraft { pattern: "*".into(), ..MatcherDraft::default() },
                    ..form("Mon", "22:00", "04:00", "UTC", last)
                },
                "matches everything",
            ),
            (
                WindowDraft { reason: " ".into(), ..form("Mon", "22:00", "04:00", "UTC", last) },
                "Say in",
            ),
        ] {
            let refused = read_window(&form, "ana".into(), now()).unwrap_err();
            assert!(refused.detail.contains(words), "{words}: {}", refused.detail);
        }
    }
}
