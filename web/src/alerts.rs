//! Who is told of what, what nobody is told for a while, and what became of each message
//! (`GET /alerts`).

mod rule;

use askama::Template;
use poolwatch_model::alerting::{
    AlertLevel, AlertSettings, ChannelKind, Delivery, DeliveryState, Heartbeat, HostScope,
    Recipient, RuleSetting, Silence, SilenceMatcher,
};

pub use rule::RulePage;

use crate::{HostLink, Shell, assets, figures, links};

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
    /// Silences that go on or are to come, the first to end first.
    pub silences: Vec<SilenceRow>,
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
fn public_address(kind: ChannelKind, address: &str) -> String {
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

fn scope_in_words(scope: &HostScope) -> String {
    match (&scope.group, &scope.pattern) {
        (None, None) => "all hosts".to_owned(),
        (Some(group), None) => format!("group {group}"),
        (None, Some(pattern)) => format!("hosts {pattern}"),
        (Some(group), Some(pattern)) => format!("hosts {pattern} of group {group}"),
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
        let SilenceMatcher { tag, scope, .. } = &self.silence.matcher;
        let tag = tag.map(|tag| format!("tag {tag}"));
        let scope = (!scope.is_all()).then(|| scope_in_words(scope));
        [tag, scope].into_iter().flatten().collect::<Vec<_>>().join(", ")
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
            (0, _) => "Nobody is told of incidents.".to_owned(),
            (_, 0) => "Every message was delivered, or is on its way.".to_owned(),
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
