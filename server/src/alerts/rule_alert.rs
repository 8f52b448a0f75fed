//! What people are told of alerts of rules, put into words when it is sent.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use poolwatch_detection::alerting::ScopedHost;
use poolwatch_model::{
    HostId,
    alerting::{Alert, AlertId, RuleSetting},
    incident::IncidentChange,
};
use poolwatch_store::outbox::{self, MessageWords};
use poolwatch_web::{
    links,
    mail::{RuleAlertHost, RuleAlertMail},
    words::rules,
};
use sqlx::PgConnection;

use crate::{app::App, app_error::AppError};

/// A first message waits so long for further hosts.
const WAITS: SignedDuration = SignedDuration::from_secs(60);

/// Puts a message into the outbox, in the transaction of what it tells of.
///
/// # Errors
/// When the database fails: what it tells of has not happened then.
pub async fn enqueue(
    db: &mut PgConnection,
    alert: AlertId,
    change: IncidentChange,
    now: Timestamp,
) -> Result<(), AppError> {
    let not_before = match change {
        IncidentChange::Opened => now.saturating_add(WAITS).unwrap_or(now),
        _ => now,
    };
    outbox::enqueue_alert(db, alert, change, not_before, now).await?;
    Ok(())
}

/// Puts a message into words: on which hosts it goes on now.
///
/// # Errors
/// When it cannot be rendered.
pub fn write_message(
    app: &App,
    alert: &Alert,
    rule: &RuleSetting,
    hosts: &[ScopedHost],
    change: IncidentChange,
    now: Timestamp,
) -> Result<MessageWords, AppError> {
    let console_url = app.settings.public_url.clone();
    let names: HashMap<HostId, &str> =
        hosts.iter().map(|host| (host.id, host.name.as_str())).collect();
    let named = alert.hosts.iter().filter_map(|one| {
        Some(RuleAlertHost {
            name: (*names.get(&one.host)?).to_owned(),
            url: format!("{console_url}{}", links::host(one.host)),
            value: one.value,
            since: one.since.min(now),
        })
    });
    let mail = RuleAlertMail {
        change,
        opened: alert.opened,
        hosts: named.collect(),
        host_count: alert.host_count.into(),
        worst: alert.hosts.first().map(|one| one.value),
        rule_url: format!("{console_url}{}", rules::url(&rule.name)),
        rule: rule.clone(),
        console_url,
    };
    Ok(MessageWords {
        subject: mail.subject(),
        text: mail.text()?,
        html: mail.html()?,
        chart: None,
    })
}
