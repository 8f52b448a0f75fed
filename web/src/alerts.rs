//! Who is told of what, what nobody is told for a while, and what became of each message
//! (`GET /alerts`).

mod rule;

use askama::Template;
use poolwatch_model::alerting::{
    AlertLevel, AlertRule, AlertSettings, ChannelKind, Delivery, DeliveryState, DigestEvery,
    Heartbeat, LEAST_HOSTS, MINUTES, PROGRAM_CHARS, Recipient, RecurringWindow, RuleField,
    RuleSetting, ScopeRole, Silence, SilenceMatcher,
};

pub use rule::{RuleAlertRow, RulePage, RulePast};

use crate::{HostLink, Shell, assets, figures, links, words::rules};

/// Alerts.
#[derive(Debug, Clone, Template)]
#[template(path = "alerts.html")]
pub struct AlertsPage {
    /// What surrounds the page.
    pub shell: Shell,
    /// Whether who looks may silence and send again.
    pub may_operate: bool,
    /// Whether who looks may change who is told, and how.
    pub may_administer: bool,
    /// What people are told for, the most urgent first.
    pub rules: Vec<RuleSetting>,
    /// Names of the rules whose alerts go on.
    pub alerting: Vec<String>,
    /// Silences that go on or are to come, the first to end first.
    pub silences: Vec<SilenceRow>,
    /// Windows that recur.
    pub windows: Vec<RecurringWindow>,
    /// Who is told: those on the command line first.
    pub recipients: Vec<RecipientRow>,
    /// Groups that there are.
    pub groups: Vec<String>,
    /// Messages on their way, latest first.
    pub deliveries: Vec<DeliveryRow>,
    /// How many deliveries wait.
    pub waiting: u64,
    /// How many could not be made.
    pub given_up: u64,
    /// How alerting is set up.
    pub settings: AlertSettings,
}

/// A silence in a table.
#[derive(Debug, Clone, PartialEq)]
pub struct SilenceRow {
    /// The silence.
    pub silence: Silence,
    /// The host that it is about, if it is about one.
    pub host: Option<HostLink>,
}

/// A recipient in a table.
#[derive(Debug, Clone, PartialEq)]
pub struct RecipientRow {
    /// The recipient.
    pub recipient: Recipient,
    /// The latest message to it.
    pub last: Option<Delivery>,
}

/// A delivery in a table.
#[derive(Debug, Clone, PartialEq)]
pub struct DeliveryRow {
    /// The delivery.
    pub delivery: Delivery,
    /// Who gets it, without what is a secret of its address.
    pub to: String,
    /// Whether who looks may send again.
    pub may_operate: bool,
}

impl DeliveryRow {
    /// A row of a delivery.
    #[must_use]
    pub fn new(delivery: Delivery, may_operate: bool) -> Self {
        let to = public_address(delivery.kind, &delivery.address);
        Self { delivery, to, may_operate }
    }

    pub(crate) fn may_resend(&self) -> bool {
        self.may_operate && !matches!(self.delivery.state, DeliveryState::Sent(_))
    }
}

/// An address as everybody may see it: who knows the whole URL of a webhook may post to it.
#[must_use]
pub fn public_address(kind: ChannelKind, address: &str) -> String {
    let scheme = match kind {
        ChannelKind::Mail => None,
        _ => address.split_once("://"),
    };
    match scheme {
        Some((scheme, rest)) => {
            let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
            let host = authority.rsplit('@').next().unwrap_or_default();
            format!("{scheme}://{host}/…")
        }
        None => address.to_owned(),
    }
}

/// How a recipient is reached, in words.
const fn kind_in_words(kind: &ChannelKind) -> &'static str {
    match kind {
        ChannelKind::Mail => "Mail",
        ChannelKind::Webhook => "Webhook (JSON)",
        ChannelKind::Teams => "Microsoft Teams",
        ChannelKind::Slack => "Slack",
        ChannelKind::PagerDuty => "PagerDuty",
        ChannelKind::Opsgenie => "Opsgenie",
        ChannelKind::ServiceNow => "ServiceNow",
        ChannelKind::Syslog => "Syslog",
    }
}

/// From which level on somebody is told, in words.
const fn least_in_words(level: &AlertLevel) -> &'static str {
    match level {
        AlertLevel::Note => "everything",
        AlertLevel::Warning => "warnings and critical",
        AlertLevel::Critical => "critical only",
    }
}

/// What silences and windows are about beside incidents and hosts.
fn rest_of_matcher(matcher: &SilenceMatcher) -> String {
    let tag = matcher.tag.map(|tag| format!("tag {tag}"));
    let scope = (!matcher.scope.is_all()).then(|| rules::host_scope(&matcher.scope));
    let rest = [tag, scope].into_iter().flatten().collect::<Vec<_>>().join(", ");
    if matcher.matches_everything() { "everything".to_owned() } else { rest }
}

/// When a window recurs: `Mon, Thu 22:00 to 04:00 Europe/Berlin`.
fn window_in_words(window: &RecurringWindow) -> String {
    const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    let bits = window.weekdays.bits();
    let days: Vec<&str> = DAYS
        .iter()
        .enumerate()
        .filter(|(at, _)| bits & (1 << at) != 0)
        .map(|(_, day)| *day)
        .collect();
    let days = if days.len() == DAYS.len() { "every day".to_owned() } else { days.join(", ") };
    let time = |minute: u32| format!("{:02}:{:02}", minute / 60, minute % 60);
    format!("{days} {} to {} {}", time(window.begins), time(window.ends), window.zone)
}

/// When somebody gets a digest, in words.
fn digest_in_words(recipient: &Recipient) -> String {
    recipient.digest.as_ref().map_or_else(String::new, |digest| {
        let every = digest.every.as_str();
        format!("{every} digest at {:02}:00 {}", digest.hour, digest.zone)
    })
}

/// What a rule looks at, as a heading.
const fn field_in_words(field: RuleField) -> &'static str {
    match field {
        RuleField::Incidents => "Incidents",
        RuleField::Hosts => "Hosts",
        RuleField::Server => "Poolwatch itself",
    }
}

impl RecipientRow {
    fn address(&self) -> String {
        public_address(self.recipient.kind, &self.recipient.address)
    }
}

impl SilenceRow {
    /// What it is about beside an incident and a host, which are links.
    fn rest(&self) -> String {
        rest_of_matcher(&self.silence.matcher)
    }
}

impl AlertsPage {
    fn headline(&self) -> String {
        let silences = self.silences.iter().filter(|row| row.silence.is_active(self.shell.now));
        let silences = match silences.count() as u64 {
            0 => String::new(),
            count => {
                format!(" {} in force.", figures::counted(count, "silence is", "silences are"))
            }
        };
        let messages = match (self.recipients.len(), self.given_up) {
            (0, _) => "Nobody is notified of incidents.".to_owned(),
            (_, 0) => "Every message was delivered or is on its way.".to_owned(),
            (_, count) => format!(
                "{} could not be delivered.",
                figures::counted(count, "message", "messages")
            ),
        };
        messages + &silences
    }

    /// Hours between two signs of life.
    fn heartbeat_hours(&self) -> i64 {
        (self.settings.heartbeat_every.as_secs() / 3600).max(1)
    }

    /// Rules by what they look at.
    fn rules_by_field(&self) -> Vec<(&'static str, Vec<&RuleSetting>)> {
        let of_field = |field: RuleField| {
            let rules = self.rules.iter().filter(move |rule| rule.rule.field() == field);
            (field_in_words(field), rules.filter(|rule| self.is_listed(rule)).collect())
        };
        [RuleField::Incidents, RuleField::Hosts, RuleField::Server].map(of_field).into()
    }

    /// One that needs a program is listed once it has one.
    fn is_listed(&self, rule: &RuleSetting) -> bool {
        !rule.rule.is_about_a_program() || rule.program.is_some()
    }

    /// The kinds of rules that can be added.
    fn addable(&self) -> Vec<AlertRule> {
        AlertRule::ALL.into_iter().filter(|rule| rule.field() != RuleField::Server).collect()
    }

    /// A rule that is not there yet, for its form.
    fn new_rule(&self) -> RuleSetting {
        RuleSetting { threshold: 2_000, ..RuleSetting::default_of(AlertRule::ProgramHandles) }
    }

    fn is_alerting(&self, rule: &RuleSetting) -> bool {
        self.alerting.contains(&rule.name)
    }

    fn heartbeat_url(&self) -> &str {
        match &self.settings.heartbeat {
            Heartbeat::Url(url) => url,
            Heartbeat::Off | Heartbeat::Mail => "",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_secret_of_a_webhook_is_not_shown() {
        let shown = |kind, address| public_address(kind, address);
        let webhook = "https://hooks.slack.com/services/T0/B0/secret?x=1";
        assert_eq!(shown(ChannelKind::Slack, webhook), "https://hooks.slack.com/…");
        let with_password = "https://user:password@example.com:8443?key=1";
        assert_eq!(shown(ChannelKind::Webhook, with_password), "https://example.com:8443/…");
        assert_eq!(shown(ChannelKind::Mail, "ops@example.com"), "ops@example.com");
    }
}
