//! Rules in words: what each means, how it is set, and what its values say.

use poolwatch_model::alerting::{
    AlertRule, HostScope, RuleField, RuleScope, RuleSetting, ScopeRole, ThresholdUnit,
};

use crate::figures;

/// The page of a rule.
#[must_use]
pub fn url(rule: &str) -> String {
    format!("/alerts/rules/{rule}")
}

/// A kind of rule in a few words.
#[must_use]
pub const fn title(rule: AlertRule) -> &'static str {
    match rule {
        AlertRule::PoolEmpty => "A pool is empty",
        AlertRule::CommitExhausted => "Commit has run out",
        AlertRule::SilentUnderPressure => "A host fell silent under pressure",
        AlertRule::Leak => "A leak",
        AlertRule::HighUse => "High use",
        AlertRule::RunsOutSoon => "A pool runs out soon",
        AlertRule::Spreads => "An incident spreads",
        AlertRule::NewDriverVersion => "A driver leaks in another version",
        AlertRule::LowHeadroom => "A pool is nearly full",
        AlertRule::LowCommit => "Commit is nearly used up",
        AlertRule::ManyHandles => "A process takes more and more handles",
        AlertRule::ProgramHandles => "A named program has many handles",
        AlertRule::PoolLimit => "The Server service reached its own limit",
        AlertRule::PoolFailures => "The Server service could not allocate from a pool",
        AlertRule::HostSilent => "A host is silent",
        AlertRule::DataLate => "Data arrives late",
        AlertRule::ServerDisk => "The server's disk is filling up",
        AlertRule::ServerDatabase => "The server's database is slow",
        AlertRule::ServerBacklog => "Messages do not go out",
        AlertRule::ServerHosts => "The server refuses or cuts off hosts",
        AlertRule::ServerCertificate => "The server's certificate expires",
    }
}

/// A rule's name: its kind, with the program where it is about one.
#[must_use]
pub fn name(setting: &RuleSetting) -> String {
    match &setting.program {
        Some(program) => format!("{program} has many handles"),
        None => title(setting.rule).to_owned(),
    }
}

/// What a kind of rule means.
#[must_use]
pub const fn meaning(rule: AlertRule) -> &'static str {
    match rule {
        AlertRule::PoolEmpty => {
            "A pool was found empty. Windows' Server service logs event 2019 when nonpaged pool \
             is empty and 2020 when paged pool is, and a host's own counters show it full. \
             Programs fail now. Every host is reported at once, without waiting for others."
        }
        AlertRule::CommitExhausted => {
            "Commit ran out: Windows logs event 2004 and refuses memory to programs. Pool is \
             not always the reason; the incident says what used it up."
        }
        AlertRule::SilentUnderPressure => {
            "A host stopped reporting while a pool was at 85 % of a measured limit, or would \
             have run out within a day, and nobody shut it down. It has probably run out."
        }
        AlertRule::Leak => {
            "A tag, the handles of a program or the allocations of a driver grow and are never \
             given back. People are notified when it is found, when it gets worse, when a suspect is \
             named, and when it is over."
        }
        AlertRule::HighUse => {
            "A tag or a host uses far more than hosts like it, and does not grow. Nothing fails \
             because of it alone, but it leaves less room for what does grow."
        }
        AlertRule::RunsOutSoon => {
            "A leak fills a pool within a time that is well known: even the slowest growth that the \
             data allow takes no more than twice as long. The rule about leaks covers these as well. \
             Use this rule if you narrow that one and still want to hear of what cannot wait."
        }
        AlertRule::Spreads => {
            "An incident affects at least this many hosts. The other rules cover incidents on any \
             number of hosts. Use this rule if you narrow those and still want to hear of what \
             spreads."
        }
        AlertRule::NewDriverVersion => {
            "A driver that caused an incident in one version causes one in another: an update did \
             not fix the leak, or introduced it. The rule about leaks covers this as well."
        }
        AlertRule::LowHeadroom => {
            "A pool has been close to its limit for some time, and no incident explains it yet. The \
             limit is the one measured on the host, or else the documented one, or physical memory \
             if that is less. A host with an open incident is reported by that incident alone."
        }
        AlertRule::LowCommit => {
            "Commit has been close to its limit for some time. Windows will soon refuse memory to \
             programs, pool included."
        }
        AlertRule::ManyHandles => {
            "The process with the most handles on a host gained a tenth more within the last hour \
             or two, and a pool is at 75 % of its limit. A high count alone says little: databases \
             and virtual machines hold many handles for good reason. Both together are the usual way \
             to an empty pool."
        }
        AlertRule::ProgramHandles => {
            "A process of this program has more handles than it should. Use it for programs that are \
             known to leak; an ordinary program needs far fewer than 2,000 handles. Measuring begins \
             when you add the rule."
        }
        AlertRule::PoolLimit => {
            "The Server service logs event 2017 or 2018 when it reaches the limit that is configured \
             for its nonpaged or paged pool. It refuses clients, although the pool itself may not be \
             empty."
        }
        AlertRule::PoolFailures => {
            "The Server service counts its own allocations from nonpaged and paged pool that failed. The \
             counts also rise on hosts that log no event 2019 or 2020, such as those without SMB 1. They \
             begin at 0 when the service starts; that is no rise. A host with an open incident of a pool \
             is reported by that incident alone."
        }
        AlertRule::HostSilent => {
            "A host has not reported for this long. A host that somebody shut down or restarted \
             (event 1074 shortly before) is left out for a day, and one that fell silent under pressure \
             is an incident. While Poolwatch itself was down, no host counts as silent."
        }
        AlertRule::DataLate => {
            "A host reports, but its newest data is this old: the agent is sending what it kept \
             while it could not reach the server, or its clock is wrong. What happens there now is not \
             known yet."
        }
        AlertRule::ServerDisk => {
            "The disk with Poolwatch's data folder is filling up. Once it is full, nothing is stored, \
             and agents keep what they measure for as long as they can."
        }
        AlertRule::ServerDatabase => {
            "Poolwatch's database takes this long to answer a trivial query. A database that is down \
             cannot be reported this way: use the sign of life for that."
        }
        AlertRule::ServerBacklog => {
            "A message has waited this long for its recipient: a mail server or webhook does not \
             accept it. Recipients on other channels are notified."
        }
        AlertRule::ServerHosts => {
            "A host reports more tags or names than one host may have, its stored data cannot be \
             read, or the first enrolments in an hour were refused."
        }
        AlertRule::ServerCertificate => {
            "The server's certificate expires within this many days. After that, agents refuse the \
             server. A certificate that Poolwatch made itself is renewed 60 days before."
        }
    }
}

/// An example of what a kind of rule tells of.
#[must_use]
pub const fn example(rule: AlertRule) -> &'static str {
    match rule {
        AlertRule::PoolEmpty => {
            "FS-02 logs event 2019 at 14:02. A mail goes out at once: CRITICAL FS-02: Nonpaged \
             pool exhausted: mybadapp.exe (Thre)."
        }
        AlertRule::CommitExhausted => "SQL-07 logs event 2004: CRITICAL SQL-07: Commit exhausted.",
        AlertRule::SilentUnderPressure => {
            "WEB-19 reports 97 % of its nonpaged limit at 03:10 and nothing after that: \
             CRITICAL WEB-19."
        }
        AlertRule::Leak => {
            "foo.sys 5.1 leaks on 41 hosts. With a threshold of 50 hosts, nobody is notified until \
             nine more have it; with 24 hours, not before a pool is a day from full."
        }
        AlertRule::HighUse => "12 hosts use three times the MmSt of their peers: NOTE 12 hosts.",
        AlertRule::RunsOutSoon => {
            "The rule about leaks notifies from 50 hosts. foo.sys fills nonpaged pool in 20 hours, 35 \
             at most, but only on SQL-07. With a threshold of 24 hours, this rule notifies."
        }
        AlertRule::Spreads => {
            "The rule about high use is off. When the 10th host uses three times the MmSt of its peers, \
             this rule notifies."
        }
        AlertRule::NewDriverVersion => {
            "foo.sys 5.1 leaked until 5.2 was installed. 5.2 leaks on two hosts: this rule notifies, \
             although the rule about leaks waits for 50 hosts."
        }
        AlertRule::LowHeadroom => {
            "FS-11 has been at 91 % of its paged limit since 09:40. At 09:55: WARNING FS-11: A pool \
             is nearly full, 91 %."
        }
        AlertRule::LowCommit => {
            "Three terminal servers stay above 95 % of their commit limit for 15 minutes: \
             WARNING 3 hosts: Commit is nearly used up, 97 %."
        }
        AlertRule::ManyHandles => {
            "On APP-03 mybadapp.exe has 11,400 handles, 9,900 an hour ago, and nonpaged pool is at \
             78 %: WARNING APP-03: A process takes more and more handles, 11,400 handles."
        }
        AlertRule::ProgramHandles => {
            "The limit for legacy.exe is 2,000 handles. On LOB-01 it has 2,010 for five minutes: \
             WARNING LOB-01: legacy.exe has many handles, 2,010 handles."
        }
        AlertRule::PoolLimit => {
            "FS-02 logs event 2017 twice in an hour: WARNING FS-02: The Server service reached \
             its own limit, 2 events."
        }
        AlertRule::PoolFailures => {
            "On FS-03 the Server service could not allocate 12 times within a minute, and no event was \
             logged: WARNING FS-03: The Server service could not allocate from a pool, 12 failures."
        }
        AlertRule::HostSilent => {
            "A switch fails, and 40 servers do not report for an hour: WARNING 40 hosts: A host is \
             silent, 60 min. When they are back, one message says so."
        }
        AlertRule::DataLate => {
            "BR-07 was offline for a night and sends what it kept. For a while its newest data is hours \
             old: NOTE BR-07: Data arrives late, 410 min."
        }
        AlertRule::ServerDisk => "CRITICAL Poolwatch: The server's disk is filling up, 90 %.",
        AlertRule::ServerDatabase => "CRITICAL Poolwatch: The server's database is slow, 2,400 ms.",
        AlertRule::ServerBacklog => {
            "The mail server has been down for half an hour. Recipients with a webhook get: WARNING \
             Poolwatch: Messages do not go out, 30 min."
        }
        AlertRule::ServerHosts => {
            "A program invents a name for each of its processes: NOTE Poolwatch: The server refuses \
             or cuts off hosts, 1 host."
        }
        AlertRule::ServerCertificate => {
            "WARNING Poolwatch: The server's certificate expires, 14 days left."
        }
    }
}

/// What a threshold counts, after a number.
#[must_use]
pub fn value(rule: AlertRule, value: u64) -> String {
    let Some(bounds) = rule.threshold() else { return String::new() };
    match bounds.unit {
        ThresholdUnit::HoursLeft => format!("{} left", figures::duration(value * 3600)),
        ThresholdUnit::Hosts => figures::counted(value, "host", "hosts"),
        ThresholdUnit::Percent => format!("{value} %"),
        ThresholdUnit::Handles => figures::counted(value, "handle", "handles"),
        ThresholdUnit::Events => figures::counted(value, "event", "events"),
        ThresholdUnit::Failures => figures::counted(value, "failure", "failures"),
        ThresholdUnit::Minutes => format!("{} min", figures::grouped(value)),
        ThresholdUnit::Milliseconds => format!("{} ms", figures::grouped(value)),
        ThresholdUnit::DaysLeft => format!("{} left", figures::counted(value, "day", "days")),
    }
}

/// What the threshold is called in a form.
#[must_use]
pub fn threshold_label(rule: AlertRule) -> &'static str {
    match (rule, rule.threshold().map(|bounds| bounds.unit)) {
        (AlertRule::Leak, _) => "When a pool will be full within this many hours (0: always)",
        (_, Some(ThresholdUnit::HoursLeft)) => "When a pool will be full within this many hours",
        (_, Some(ThresholdUnit::Hosts)) => "At this many hosts or more",
        (AlertRule::LowHeadroom, _) => "At this percentage of the limit or more",
        (_, Some(ThresholdUnit::Percent)) => "At this percentage or more",
        (_, Some(ThresholdUnit::Handles)) => "At this many handles of one process or more",
        (_, Some(ThresholdUnit::Events)) => "At this many events within an hour or more",
        (_, Some(ThresholdUnit::Failures)) => "At this many failures within an hour or more",
        (_, Some(ThresholdUnit::Minutes)) => "After this many minutes",
        (_, Some(ThresholdUnit::Milliseconds)) => "At this many milliseconds or more",
        (_, Some(ThresholdUnit::DaysLeft)) => "This many days before",
        (_, None) => "",
    }
}

/// When people are told, in words.
#[must_use]
pub fn condition(setting: &RuleSetting) -> String {
    if !setting.is_on {
        return "never".to_owned();
    }
    let mut parts = Vec::new();
    match (setting.rule, setting.threshold) {
        (AlertRule::Leak, 0) => {}
        (AlertRule::Leak | AlertRule::RunsOutSoon, hours) => {
            let left = figures::duration(u64::from(hours) * 3600);
            parts.push(format!("when a pool will be full within {left}"));
        }
        (rule, threshold) if rule.threshold().is_some() => {
            let value = value(rule, threshold.into());
            parts.push(match rule.counts_down() {
                true => format!("at {value} or less"),
                false => format!("at {value} or more"),
            });
        }
        _ => {}
    }
    if setting.minutes > 0 {
        parts.push(format!("for {} min", setting.minutes));
    }
    if setting.least_hosts > 1 {
        parts.push(format!("on {} hosts or more", figures::grouped(setting.least_hosts.into())));
    }
    if !setting.scope.is_all() && setting.rule.field() != RuleField::Server {
        parts.push(format!("among {}", scope(&setting.scope)));
    }
    match parts.is_empty() {
        true => "always".to_owned(),
        false => parts.join(", "),
    }
}

/// Whether a rule is about hosts of a role alone.
#[must_use]
pub fn is_role(setting: &RuleSetting, role: &ScopeRole) -> bool {
    setting.scope.role == Some(*role)
}

/// Hosts by name and group, in words.
#[must_use]
pub fn host_scope(scope: &HostScope) -> String {
    match (&scope.group, &scope.pattern) {
        (None, None) => "all hosts".to_owned(),
        (Some(group), None) => format!("group {group}"),
        (None, Some(pattern)) => format!("hosts {pattern}"),
        (Some(group), Some(pattern)) => format!("hosts {pattern} of group {group}"),
    }
}

/// Hosts of a rule, in words.
#[must_use]
pub fn scope(scope: &RuleScope) -> String {
    let role = match scope.role {
        Some(ScopeRole::Server) => "servers",
        Some(ScopeRole::Workstation) => "workstations",
        None => "hosts",
    };
    let mut words = match scope.hosts.is_all() {
        true => role.to_owned(),
        false if scope.role.is_none() => host_scope(&scope.hosts),
        false => format!("{role} of {}", host_scope(&scope.hosts)),
    };
    if let Some(system) = &scope.system {
        words += &format!(" with Windows {system}");
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_is_told_in_words() {
        let set = |rule, change: fn(&mut RuleSetting)| {
            let mut setting = RuleSetting::default_of(rule);
            setting.is_on = true;
            change(&mut setting);
            condition(&setting)
        };
        assert_eq!(set(AlertRule::Leak, |_| {}), "always");
        assert_eq!(set(AlertRule::Leak, |one| one.is_on = false), "never");
        assert_eq!(set(AlertRule::Leak, |one| one.least_hosts = 1_200), "on 1,200 hosts or more");
        assert_eq!(
            set(AlertRule::Leak, |one| (one.least_hosts, one.threshold) = (3, 24)),
            "when a pool will be full within 24 h, on 3 hosts or more"
        );
        assert_eq!(set(AlertRule::LowHeadroom, |_| {}), "at 90 % or more, for 15 min");
        assert_eq!(set(AlertRule::HostSilent, |_| {}), "at 60 min or more, among servers");
        assert_eq!(set(AlertRule::ServerCertificate, |_| {}), "at 14 days left or less");
        let narrow = set(AlertRule::LowCommit, |one| {
            let role = Some(ScopeRole::Server);
            one.scope = RuleScope::from_typed("Berlin", "fs-*", "*2012*", role);
        });
        assert_eq!(
            narrow,
            "at 95 % or more, for 15 min, among servers of hosts fs-* of group Berlin with Windows *2012*"
        );
    }

    #[test]
    fn every_rule_has_its_own_words() {
        let mut titles: Vec<&str> = AlertRule::ALL.map(title).into();
        titles.sort_unstable();
        titles.dedup();
        assert_eq!(titles.len(), AlertRule::ALL.len());
        for rule in AlertRule::ALL {
            assert!(meaning(rule).ends_with('.') && example(rule).ends_with('.'), "{rule:?}");
            assert_eq!(rule.threshold().is_some(), !threshold_label(rule).is_empty());
        }
    }
}
