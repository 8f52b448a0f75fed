//! Maintenance windows that recur: each time that comes near becomes a silence.

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use poolwatch_store::{
    recurring_windows,
    silences::{self, NewSilence},
};
use tracing::{error, info, warn};

use crate::{app::App, app_error::AppError};

/// A time of a window becomes a silence so long before it begins: people see it come.
const AHEAD: SignedDuration = SignedDuration::from_hours(24);

/// Makes silences of the times of windows that are near, each by itself. Returns how many.
///
/// # Errors
/// When the windows cannot be read.
pub async fn make_due(app: &App, now: Timestamp) -> Result<usize, AppError> {
    let mut db = app.pool.acquire().await?;
    let mut made = 0;
    for window in recurring_windows::list(&mut db, now).await? {
        let Ok(zone) = TimeZone::get(&window.zone) else {
            warn!(window = window.id.0, zone = window.zone, "A window is of no time zone");
            continue;
        };
        let Some((from, until)) = window.next_after(&zone, now) else { continue };
        if from.duration_since(now) > AHEAD {
            continue;
        }
        let new = NewSilence {
            matcher: &window.matcher,
            reason: &window.reason,
            by: &window.by,
            from,
            until,
            worse_than: None,
            window: Some(window.id),
        };
        match silences::add(&mut db, &new, now).await {
            Ok(None) => {}
            Ok(Some(silence)) => {
                info!(window = window.id.0, silence = silence.0, %from, %until, "A window comes near");
                made += 1;
            }
            Err(error) => error!(window = window.id.0, %error, "Could not make a window's silence"),
        }
    }
    Ok(made)
}
