//! How long data are kept (`GET /settings/retention`), and what disk that takes.

use askama::Template;
use poolwatch_model::Bytes;

use crate::{Shell, assets, figures};

/// How long data are kept, and what disk that takes.
#[derive(Debug, Clone, Template)]
#[template(path = "settings/retention.html")]
pub struct RetentionPage {
    /// What surrounds the page.
    pub shell: Shell,
    /// The resolutions, finest first.
    pub resolutions: Vec<KeptResolution>,
    /// How long each is kept, to be changed.
    pub fields: Vec<RetentionField>,
    /// Whether the table shows what was typed and not kept yet.
    pub is_tried: bool,
    /// Whether data go by it that are there now.
    pub loses: bool,
    /// What is kept by age beside them.
    pub others: Vec<(&'static str, String)>,
    /// Hosts that the arithmetic is for.
    pub hosts: u64,
    /// The whole database now.
    pub database: Bytes,
}

/// A resolution, how long it is kept, and its disk.
#[derive(Debug, Clone, PartialEq)]
pub struct KeptResolution {
    /// What it holds.
    pub name: &'static str,
    /// `2 d`.
    pub kept: String,
    /// Days that it is kept.
    pub days: f64,
    /// What its tables take now.
    pub now: Bytes,
    /// Days that they hold now.
    pub days_now: f64,
}

/// How long a resolution is kept, to be changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetentionField {
    /// Name of the field.
    pub name: &'static str,
    /// What stands beside it.
    pub label: &'static str,
    /// The option of the command line that sets it.
    pub option: &'static str,
    /// Its value.
    pub value: String,
    /// Whether the command line or environment sets it.
    pub is_fixed: bool,
}

impl KeptResolution {
    /// Bytes of one host and day; unknown while nothing is held.
    fn per_host_day(&self, hosts: u64) -> Option<Bytes> {
        let host_days = hosts as f64 * self.days_now;
        (host_days > 0.0 && self.now.0 > 0).then(|| Bytes((self.now.0 as f64 / host_days) as u64))
    }

    /// What it takes once it is full, at the hosts of today.
    fn when_full(&self, hosts: u64) -> Option<Bytes> {
        let per_day = self.per_host_day(hosts)?;
        Some(Bytes((per_day.0 as f64 * hosts as f64 * self.days) as u64))
    }
}

impl RetentionPage {
    /// What all resolutions take once they are full.
    fn all_when_full(&self) -> Option<Bytes> {
        let full = self.resolutions.iter().filter_map(|one| one.when_full(self.hosts));
        let sum = full.map(|bytes| bytes.0).sum::<u64>();
        (sum > 0).then_some(Bytes(sum))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_disk_of_a_full_resolution_is_what_a_host_takes_in_a_day_times_hosts_and_days() {
        let kept = KeptResolution {
            name: "every snapshot",
            kept: "2 d".into(),
            days: 2.0,
            now: Bytes(10 << 20),
            days_now: 0.5,
        };
        assert_eq!(kept.per_host_day(10), Some(Bytes(2 << 20)));
        assert_eq!(kept.when_full(10), Some(Bytes(40 << 20)));
        assert_eq!(kept.per_host_day(0), None);
    }
}
