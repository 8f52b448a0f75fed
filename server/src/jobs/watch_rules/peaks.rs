//! What rules measured, by the hour: thresholds are tried on it.

use std::collections::HashMap;

use jiff::Timestamp;
use poolwatch_model::{
    HostId,
    alerting::{AlertRule, RuleSetting},
};
use poolwatch_store::alerts::{self, AlertPeak};
use sqlx::PgConnection;

use crate::app_error::AppError;

/// The worst values of this hour that are worth being written down.
#[derive(Debug, Default)]
pub(super) struct Peaks {
    hour_s: i64,
    /// What was written down.
    kept: HashMap<PeakKey, u64>,
    /// What is worse than that, or was not there.
    new: HashMap<PeakKey, u64>,
}

/// Kind of rule, program where it is about one, and host.
type PeakKey = (AlertRule, String, HostId);

impl Peaks {
    /// Begins with a new hour.
    pub(super) fn begin(&mut self, now: Timestamp) {
        let hour_s = now.as_second().div_euclid(3600) * 3600;
        if self.hour_s != hour_s {
            *self = Self { hour_s, ..Self::default() };
        }
    }

    /// Notes what a rule measured on a host.
    pub(super) fn note(&mut self, rule: &RuleSetting, host: HostId, value: u64) {
        let kind = rule.rule;
        let is_worse = |value, than| if kind.counts_down() { value < than } else { value > than };
        if value != kind.floor() && !is_worse(value, kind.floor()) {
            return;
        }
        let key = (kind, rule.program.clone().unwrap_or_default(), host);
        if self.kept.get(&key).is_none_or(|kept| is_worse(value, *kept)) {
            self.new.insert(key, value);
        }
    }

    /// Writes down what is worse than what was.
    pub(super) async fn keep(&mut self, db: &mut PgConnection) -> Result<(), AppError> {
        if self.new.is_empty() {
            return Ok(());
        }
        let peaks: Vec<AlertPeak<'_>> = self
            .new
            .iter()
            .map(|((rule, program, host), value)| AlertPeak {
                rule: *rule,
                program,
                host: *host,
                value: *value,
            })
            .collect();
        let hour = Timestamp::from_second(self.hour_s).map_err(AppError::internal)?;
        alerts::note_peaks(db, &peaks, hour).await?;
        self.kept.extend(self.new.drain());
        Ok(())
    }
}
