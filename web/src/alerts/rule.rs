//! A rule (`GET /alerts/rules/{name}`): what it means, how it is set, and what it would have told.

use askama::Template;
use poolwatch_model::alerting::{AlertRule, LEAST_HOSTS, LEFT_HOURS, RuleSetting};

use crate::{Shell, assets, figures};

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
    /// Incidents of the last seven days that it is about, a count.
    pub found: u64,
    /// Those of them that it would tell of as it is set, a count.
    pub told: u64,
}

/// The page of a rule.
pub(super) fn url(rule: &AlertRule) -> String {
    format!("/alerts/rules/{}", rule.as_str())
}

/// A rule in a few words.
pub(super) const fn title(rule: &AlertRule) -> &'static str {
    match rule {
        AlertRule::PoolEmpty => "A pool is empty",
        AlertRule::CommitExhausted => "Commit has run out",
        AlertRule::SilentUnderPressure => "A host fell silent under pressure",
        AlertRule::Leak => "A leak",
        AlertRule::HighUse => "High use",
    }
}

/// When people are told, in words.
pub(super) fn told(setting: &RuleSetting) -> String {
    let hosts = match setting.least_hosts {
        0 | 1 => String::new(),
        hosts => format!(" on {} hosts or more", figures::grouped(hosts.into())),
    };
    let left = match setting.left_h {
        0 => String::new(),
        hours => {
            let left = figures::duration(u64::from(hours) * 3600);
            format!(" that fills a pool within {left}")
        }
    };
    match (setting.is_on, hosts.is_empty() && left.is_empty()) {
        (false, _) => "never".to_owned(),
        (true, true) => "always".to_owned(),
        (true, false) => format!("one{hosts}{left}"),
    }
}

impl RulePage {
    fn url(&self) -> String {
        url(&self.setting.rule)
    }

    const fn meaning(&self) -> &'static str {
        match self.setting.rule {
            AlertRule::PoolEmpty => {
                "A pool was found empty. Windows' Server service logs event 2019 when nonpaged pool \
                 is empty and 2020 when paged pool is, and a host's own counters show it full. \
                 Programs fail now. Each host is told of at once, without waiting for others."
            }
            AlertRule::CommitExhausted => {
                "Commit ran out: Windows logs event 2004 and refuses memory to programs. Pool is \
                 not always the reason; the incident says what took it."
            }
            AlertRule::SilentUnderPressure => {
                "A host stopped reporting while a pool was at 85 % of a measured limit, or was to \
                 run out within a day. It has probably run out. A host that falls silent without \
                 pressure is shown on the Fleet page alone."
            }
            AlertRule::Leak => {
                "A tag, the handles of a program or the allocations of a driver grow and are not \
                 given back. People are told when it is found, when it is worse, when somebody is \
                 named, and when it is over."
            }
            AlertRule::HighUse => {
                "A tag or a host uses far more than hosts like it, and does not grow. Nothing fails \
                 by itself, but less is left for what does grow."
            }
        }
    }

    const fn example(&self) -> &'static str {
        match self.setting.rule {
            AlertRule::PoolEmpty => {
                "FS-02 logs event 2019 at 14:02. A mail goes out at once: CRITICAL FS-02: Nonpaged \
                 pool exhausted: mybadapp.exe (Thre)."
            }
            AlertRule::CommitExhausted => {
                "SQL-07 logs event 2004: CRITICAL SQL-07: Commit exhausted."
            }
            AlertRule::SilentUnderPressure => {
                "WEB-19 reports 97 % of its nonpaged limit at 03:10 and nothing after that: \
                 CRITICAL WEB-19."
            }
            AlertRule::Leak => {
                "foo.sys 5.1 leaks on 41 hosts. With a threshold of 50 hosts nobody is told until \
                 nine more have it; with 24 hours, not before a pool is full within a day."
            }
            AlertRule::HighUse => {
                "12 hosts use three times the MmSt of their peers: NOTE 12 hosts."
            }
        }
    }

    fn title(&self) -> &'static str {
        title(&self.setting.rule)
    }

    fn told_in_words(&self) -> String {
        told(&self.setting)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_is_told_in_words() {
        let rule = RuleSetting::default_of(AlertRule::Leak);
        for (setting, words) in [
            (rule, "always"),
            (RuleSetting { is_on: false, ..rule }, "never"),
            (RuleSetting { least_hosts: 1_200, ..rule }, "one on 1,200 hosts or more"),
            (
                RuleSetting { least_hosts: 3, left_h: 24, ..rule },
                "one on 3 hosts or more that fills a pool within 24 h",
            ),
        ] {
            assert_eq!(told(&setting), words);
        }
    }
}
