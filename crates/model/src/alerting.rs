//! Who is told of incidents, and what nobody is told for a while.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    HostId, PoolTag,
    diagnosis::Verdict,
    incident::{IncidentChange, IncidentId},
};

mod alert;
mod delivery;
mod rule;
mod scope;
mod settings;
mod window;

pub use alert::{Alert, AlertHost, AlertId, SERVER};
pub use delivery::{Delivery, DeliveryId, DeliveryState};
pub use rule::{
    AlertRule, LEAST_HOSTS, MINUTES, PROGRAM_CHARS, RuleField, RuleSetting, ThresholdBounds,
    ThresholdUnit,
};
pub use scope::{HostScope, RuleScope, ScopeRole};
pub use settings::{AlertSettings, Heartbeat};
pub use window::{DigestEvery, DigestSchedule, RecurringWindow, Weekdays, WindowId};

/// How urgent a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AlertLevel {
    /// Worth knowing; all that is over is one.
    Note,
    /// Will fail if nothing is done.
    Warning,
    /// Fails now, or has failed.
    Critical,
}

impl AlertLevel {
    /// All of them, the mildest first.
    pub const ALL: [Self; 3] = [Self::Note, Self::Warning, Self::Critical];

    /// Its stable name in the database and in forms.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }

    /// The level of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.as_str() == name)
    }

    /// How urgent an incident of this verdict is.
    #[must_use]
    pub const fn of_verdict(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Exhausted | Verdict::CommitExhaustion => Self::Critical,
            Verdict::Leak => Self::Warning,
            Verdict::HighUse | Verdict::InsufficientEvidence | Verdict::NoLeakShown => Self::Note,
        }
    }
}

/// How messages reach a recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChannelKind {
    /// By SMTP.
    Mail,
    /// As JSON of our own, signed.
    Webhook,
    /// As an adaptive card, for a workflow of Microsoft Teams.
    Teams,
    /// As Slack's incoming webhooks take it.
    Slack,
    /// As an event of PagerDuty's Events API, version 2.
    PagerDuty,
    /// As an alert of Opsgenie's Alert API.
    Opsgenie,
    /// As an event of ServiceNow's Event Management.
    ServiceNow,
    /// As a syslog message (RFC 5424), by UDP, TCP or TLS.
    Syslog,
}

impl ChannelKind {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Mail,
        Self::Webhook,
        Self::Teams,
        Self::Slack,
        Self::PagerDuty,
        Self::Opsgenie,
        Self::ServiceNow,
        Self::Syslog,
    ];

    /// Its stable name in the database and in forms.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Mail => "mail",
            Self::Webhook => "webhook",
            Self::Teams => "teams",
            Self::Slack => "slack",
            Self::PagerDuty => "pagerduty",
            Self::Opsgenie => "opsgenie",
            Self::ServiceNow => "servicenow",
            Self::Syslog => "syslog",
        }
    }

    /// The kind of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

/// A recipient, as the server numbers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RecipientId(pub i64);

/// Who is told of incidents, and of which.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// Its number; none of one on the command line.
    pub id: Option<RecipientId>,
    /// How it is reached.
    pub kind: ChannelKind,
    /// Name of the person or team.
    pub name: String,
    /// Mail address or URL.
    pub address: String,
    /// Of which hosts.
    pub scope: HostScope,
    /// From which level on.
    pub least: AlertLevel,
    /// Messages in an hour that are not critical; those beyond wait.
    pub per_hour: u32,
    /// When it gets a digest, if it gets one.
    pub digest: Option<DigestSchedule>,
    /// Who added it.
    pub by: Option<String>,
}

impl Recipient {
    /// Messages in an hour while nobody says otherwise.
    pub const PER_HOUR: u32 = 120;
}

/// A silence, as the server numbers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SilenceId(pub i64);

/// What a silence is about: all that is said has to hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SilenceMatcher {
    /// One incident.
    pub incident: Option<IncidentId>,
    /// One host.
    pub host: Option<HostId>,
    /// Incidents of a main tag.
    pub tag: Option<PoolTag>,
    /// Hosts.
    pub scope: HostScope,
}

impl SilenceMatcher {
    /// Whether it says nothing, and so matches everything.
    #[must_use]
    pub fn matches_everything(&self) -> bool {
        *self == Self::default()
    }
}

/// Nobody is told of what it matches while it lasts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Silence {
    /// Its number.
    pub id: SilenceId,
    /// What it is about.
    pub matcher: SilenceMatcher,
    /// Why.
    pub reason: String,
    /// Who made it.
    pub by: String,
    /// When it begins.
    pub from: Timestamp,
    /// When it ends, or ended.
    pub until: Timestamp,
    /// How bad the incident was, where the silence ends once it is worse than that.
    pub worse_than: Option<IncidentExtent>,
    /// Who ended it early, if somebody did.
    pub ended_by: Option<String>,
}

impl Silence {
    /// Whether it lasts at a time.
    #[must_use]
    pub fn is_active(&self, at: Timestamp) -> bool {
        self.from <= at && at < self.until
    }
}

/// How bad an incident is, to be compared with itself later.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct IncidentExtent {
    /// Growth of all hosts together, bytes per day.
    pub per_day: f64,
    /// Hosts on which it goes on, a count.
    pub hosts: u64,
    /// Whether a pool runs out within a day, or has run out.
    pub is_urgent: bool,
}

/// What a message is about, beside its words: what webhooks tell programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MessageSubject {
    /// The incident; none of an alert of a rule, a test or a sign of life.
    pub incident: Option<IncidentId>,
    /// The alert of a rule, if it is about one.
    pub alert: Option<AlertId>,
    /// What happened to it.
    pub change: Option<IncidentChange>,
    /// How urgent it is.
    pub level: AlertLevel,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_level_and_kind_is_found_by_its_name() {
        for level in AlertLevel::ALL {
            assert_eq!(AlertLevel::from_name(level.as_str()), Some(level));
        }
        for kind in ChannelKind::ALL {
            assert_eq!(ChannelKind::from_name(kind.as_str()), Some(kind));
        }
        assert_eq!((AlertLevel::from_name("loud"), ChannelKind::from_name("fax")), (None, None));
    }
}
