//! The mail about an alert of a rule: what is wrong on hosts or with the server itself.

use askama::Template;
use jiff::Timestamp;
use poolwatch_model::{
    alerting::{AlertLevel, RuleField, RuleSetting},
    incident::IncidentChange,
};

use super::plain;
use crate::{RenderError, figures, words::rules};

/// Hosts that a mail names.
const NAMED: usize = 20;

/// What people are told of an alert of a rule.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleAlertMail {
    /// What happened to it.
    pub change: IncidentChange,
    /// The rule.
    pub rule: RuleSetting,
    /// When it began.
    pub opened: Timestamp,
    /// The hosts on which it goes on, or went on, the worst first: not all where they are many.
    pub hosts: Vec<RuleAlertHost>,
    /// How many they are.
    pub host_count: u64,
    /// Its worst value.
    pub worst: Option<u64>,
    /// Full address of the rule's page.
    pub rule_url: String,
    /// Full address of the console.
    pub console_url: String,
}

/// A host in such a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleAlertHost {
    /// Its name.
    pub name: String,
    /// Full address of its page.
    pub url: String,
    /// What the rule measures on it.
    pub value: u64,
    /// Since when.
    pub since: Timestamp,
}

#[derive(Template)]
#[template(path = "mail/rule_alert/body.txt")]
struct Text<'a> {
    mail: &'a RuleAlertMail,
}

#[derive(Template)]
#[template(path = "mail/rule_alert/body.html")]
struct Html<'a> {
    mail: &'a RuleAlertMail,
}

impl RuleAlertMail {
    /// The subject: one line, whatever hosts call themselves.
    #[must_use]
    pub fn subject(&self) -> String {
        let level = match self.rule.rule.level() {
            _ if self.is_over() => "RESOLVED",
            AlertLevel::Critical => "CRITICAL",
            AlertLevel::Warning => "WARNING",
            AlertLevel::Note => "NOTE",
        };
        let value = match (self.is_over(), self.worst) {
            (false, Some(worst)) => format!(", {}", rules::value(self.rule.rule, worst)),
            _ => String::new(),
        };
        let news = match self.change {
            IncidentChange::Worsened => "worse, ",
            _ => "",
        };
        let (who, name) = (self.who(), rules::name(&self.rule));
        let subject = format!("[Poolwatch] {level} {who}: {news}{name}{value}");
        plain(&subject.replace(['\r', '\n'], " "))
    }

    /// The body as plain text.
    ///
    /// # Errors
    /// As [`Template::render`].
    pub fn text(&self) -> Result<String, RenderError> {
        Ok(plain(&Text { mail: self }.render()?))
    }

    /// The body as HTML.
    ///
    /// # Errors
    /// As [`Template::render`].
    pub fn html(&self) -> Result<String, RenderError> {
        Html { mail: self }.render()
    }

    fn is_over(&self) -> bool {
        self.change == IncidentChange::Resolved
    }

    fn who(&self) -> String {
        match (self.rule.rule.field(), self.host_count, self.hosts.first()) {
            (RuleField::Server, ..) => "Poolwatch".to_owned(),
            (_, 1, Some(host)) => host.name.clone(),
            (_, count, _) => figures::counted(count, "host", "hosts"),
        }
    }

    fn headline(&self) -> String {
        let name = rules::name(&self.rule);
        match self.is_over() {
            true => format!("Over: {name}."),
            false => format!("{name}."),
        }
    }

    fn named(&self) -> &[RuleAlertHost] {
        &self.hosts[..self.hosts.len().min(NAMED)]
    }

    fn unnamed(&self) -> u64 {
        self.host_count.saturating_sub(self.named().len() as u64)
    }

    fn value(&self, value: &u64) -> String {
        rules::value(self.rule.rule, *value)
    }
}
