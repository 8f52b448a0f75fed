//! How long data are kept: named on the command line, or set by the console and followed without a restart.

use std::sync::{PoisonError, RwLock};

use jiff::{SignedDuration, Timestamp};
use poolwatch_store::{retention::Retention, settings};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use tracing::error;

/// Name of the setting.
const NAME: &str = "retention";

/// How long each resolution is kept, where somebody says so.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RetentionDays {
    /// Hours of every snapshot.
    pub full_hours: Option<u16>,
    /// Days of points of ten minutes.
    pub ten_minute_days: Option<u16>,
    /// Days of points of an hour.
    pub hourly_days: Option<u16>,
}

impl RetentionDays {
    /// What holds where nobody says so.
    pub const USUAL: Self =
        Self { full_hours: Some(48), ten_minute_days: Some(30), hourly_days: Some(730) };

    /// The longest that can be set: what holds while nobody knows what was set.
    const LONGEST: Self =
        Self { full_hours: Some(9600), ten_minute_days: Some(800), hourly_days: Some(7300) };

    /// This, and the other where it says nothing.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            full_hours: self.full_hours.or(other.full_hours),
            ten_minute_days: self.ten_minute_days.or(other.ten_minute_days),
            hourly_days: self.hourly_days.or(other.hourly_days),
        }
    }

    /// The same as the store takes it.
    ///
    /// # Errors
    /// In words, when a number is out of bounds or a coarser resolution is kept for less time than a
    /// finer one.
    pub fn retention(self) -> Result<Retention, String> {
        let of = self.or(Self::USUAL);
        let within = |value: Option<u16>, what: &str, least: u16, most: u16| {
            let value = value.unwrap_or(least);
            match (least..=most).contains(&value) {
                true => Ok(i64::from(value)),
                false => Err(format!("{what} are kept for {least} to {most}.")),
            }
        };
        let hours = within(of.full_hours, "Hours of every snapshot", 24, 9600)?;
        let ten_minutes = within(of.ten_minute_days, "Days of points of 10 minutes", 8, 800)?;
        let hourly = within(of.hourly_days, "Days of points of an hour", 30, 7300)?;
        let kept = Retention {
            full: SignedDuration::from_hours(hours),
            ten_minutes: SignedDuration::from_hours(ten_minutes * 24),
            hourly: SignedDuration::from_hours(hourly * 24),
        };
        if kept.full > kept.ten_minutes || kept.ten_minutes > kept.hourly {
            return Err(format!(
                "What is coarser has to be kept for as long as what is finer: {hours} hours of every \
                 snapshot, {ten_minutes} days of 10 minutes, {hourly} days of hours."
            ));
        }
        Ok(kept)
    }
}

/// How long data are kept now.
#[derive(Debug)]
pub struct LiveRetention {
    fixed: RetentionDays,
    current: RwLock<Retention>,
}

impl Default for LiveRetention {
    fn default() -> Self {
        Self { fixed: RetentionDays::default(), current: RwLock::new(Retention::DEFAULT) }
    }
}

impl LiveRetention {
    /// What the command line or environment says, and else is usual.
    ///
    /// # Errors
    /// As [`RetentionDays::retention`].
    pub fn new(fixed: RetentionDays) -> Result<Self, String> {
        Ok(Self { fixed, current: RwLock::new(fixed.retention()?) })
    }

    /// What the command line or environment says: the console does not change it.
    #[must_use]
    pub fn fixed(&self) -> RetentionDays {
        self.fixed
    }

    /// How long data are kept now.
    #[must_use]
    pub fn current(&self) -> Retention {
        *self.current.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads what the console set. What cannot be followed is left as it is.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn reload(&self, db: &mut PgConnection) -> anyhow::Result<()> {
        let kept = load(db).await?;
        let wanted = self.fixed.or(kept.unwrap_or_default());
        let wanted = wanted.retention().map_err(|error| anyhow::anyhow!("retention: {error}"))?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = wanted;
        Ok(())
    }

    /// Keeps what the console sets, from now on. Returns why it is not taken, if it is not.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn set(
        &self,
        db: &mut PgConnection,
        wanted: RetentionDays,
        by: &str,
        now: Timestamp,
    ) -> anyhow::Result<Result<Retention, String>> {
        let retention = match self.fixed.or(wanted).retention() {
            Ok(retention) => retention,
            Err(error) => return Ok(Err(error)),
        };
        settings::set(db, NAME, &serde_json::to_value(wanted)?, by, now).await?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = retention;
        Ok(Ok(retention))
    }
}

/// What the console set. Where that cannot be read, nothing is deleted that could have been meant to be
/// kept.
///
/// # Errors
/// When the database fails.
pub async fn load(db: &mut PgConnection) -> anyhow::Result<Option<RetentionDays>> {
    let Some(setting) = settings::get(db, NAME).await? else { return Ok(None) };
    Ok(Some(serde_json::from_value(setting.value).unwrap_or_else(|error| {
        error!(%error, "The retention that was set cannot be read: set it again");
        RetentionDays::LONGEST
    })))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_command_line_says_counts_before_what_the_console_sets() {
        let fixed = RetentionDays { full_hours: Some(72), ..RetentionDays::default() };
        let set =
            RetentionDays { full_hours: Some(24), ten_minute_days: Some(60), hourly_days: None };
        let kept = fixed.or(set).retention().unwrap();
        assert_eq!(kept.full, SignedDuration::from_hours(72));
        assert_eq!(kept.ten_minutes, SignedDuration::from_hours(60 * 24));
        assert_eq!(kept.hourly, Retention::DEFAULT.hourly);
        assert_eq!(RetentionDays::default().retention().unwrap(), Retention::DEFAULT);
    }

    #[test]
    fn what_cannot_be_kept_so_is_refused_in_words() {
        let days = |ten_minute_days, hourly_days| RetentionDays {
            full_hours: None,
            ten_minute_days: Some(ten_minute_days),
            hourly_days: Some(hourly_days),
        };
        assert!(days(7, 730).retention().unwrap_err().contains("8 to 800"));
        assert!(days(400, 100).retention().unwrap_err().contains("coarser"));
    }
}
