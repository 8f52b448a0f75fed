//! A rule (`GET /alerts/rules/{name}`): what it means, how it is set, what it would have told, and what
//! it tells of now.

use askama::Template;
use jiff::Timestamp;
use poolwatch_model::alerting::{
    LEAST_HOSTS, MINUTES, PROGRAM_CHARS, RuleField, RuleSetting, ScopeRole, ThresholdBounds,
};

use crate::{HostLink, Shell, assets, figures, words::rules};

/// A rule.
#[derive(Debug, Clone, Template)]
#[template(path = "rule.html")]
pub struct RulePage {
    /// What surrounds the page.
    pub shell: Shell,
    /// The rule, and how it is set.
    pub setting: RuleSetting,
    /// Whether who looks may change it.
    pub may_administer: bool,
    /// Since when it cannot be looked after, if it cannot.
    pub fails_since: Option<Timestamp>,
    /// What it would have told of in the last seven days.
    pub past: RulePast,
    /// Its alerts of the last seven days, latest first.
    pub alerts: Vec<RuleAlertRow>,
    /// Groups that there are.
    pub groups: Vec<String>,
}

/// What a rule would have told of, as it is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RulePast {
    /// Of so many of the incidents that it is about.
    Incidents {
        /// Those that it would have told of.
        told: u64,
        /// All that it is about.
        found: u64,
    },
    /// So often.
    Alerts(u64),
}

/// An alert of a rule in a table.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleAlertRow {
    /// When it began.
    pub opened: Timestamp,
    /// When it ended, if it did.
    pub ended: Option<Timestamp>,
    /// The hosts on which it goes on, or went on, with their values: not all where they are many.
    pub hosts: Vec<(HostLink, u64)>,
    /// How many they are.
    pub host_count: u64,
    /// The worst value.
    pub worst: Option<u64>,
}

/// Hosts of an alert that a page names.
const NAMED: usize = 20;

impl RulePage {
    fn url(&self) -> String {
        rules::url(&self.setting.name)
    }

    fn name(&self) -> String {
        rules::name(&self.setting)
    }

    fn bounds(&self) -> Option<ThresholdBounds> {
        self.setting.rule.threshold()
    }

    fn bounds_in_words(&self) -> String {
        self.bounds().map_or_else(String::new, |bounds| {
            let [start, end] = [*bounds.range.start(), *bounds.range.end()];
            format!("{} to {}", figures::grouped(start.into()), figures::grouped(end.into()))
        })
    }

    fn has_hosts(&self) -> bool {
        self.setting.rule.field() != RuleField::Server
    }

    fn value(&self, value: &u64) -> String {
        rules::value(self.setting.rule, *value)
    }

    fn past_in_words(&self) -> String {
        match self.past {
            RulePast::Incidents { told, .. } => {
                format!(
                    "would have notified of {}",
                    figures::counted(told, "incident", "incidents")
                )
            }
            RulePast::Alerts(count) => {
                format!("would have fired {}", figures::counted(count, "time", "times"))
            }
        }
    }

    fn past_detail(&self) -> String {
        match self.past {
            RulePast::Incidents { found, .. } => format!("of {} found", figures::grouped(found)),
            RulePast::Alerts(_) => "by what was measured each hour".to_owned(),
        }
    }
}

impl RuleAlertRow {
    fn named(&self) -> &[(HostLink, u64)] {
        &self.hosts[..self.hosts.len().min(NAMED)]
    }

    fn unnamed(&self) -> u64 {
        self.host_count.saturating_sub(self.named().len() as u64)
    }
}
