//! Hands messages to their recipients: what is due is put into words and becomes a delivery for each
//! recipient, in one transaction, unless a silence or a rule holds it.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use poolwatch_detection::alerting::{
    RuledIncident, ScopedHost, Telling, find_silence, find_telling, is_wanted,
};
use poolwatch_model::{
    HostId,
    alerting::{AlertId, AlertLevel, AlertRule, Recipient, RuleSetting, SERVER},
    incident::{Cause, Incident, IncidentChange, IncidentId, IncidentNotice, IncidentState},
};
use poolwatch_store::{
    alert_rules,
    alerts::{self, AlertFilter},
    deliveries,
    incidents::{self, IncidentFilter},
    outbox::{self, DueMessage, MessageWords, WHERE_UNREADABLE},
    recipients, silences,
};
use sqlx::{Connection, PgConnection};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use super::{
    incident::write_message,
    rule_alert,
    silencing::{scope_hosts, scoped_hosts},
};
use crate::{
    app::{App, SharedApp},
    app_error::AppError,
};

/// How often the outbox is looked into.
const EVERY: Duration = Duration::from_secs(1);
/// A message that a rule's threshold keeps back is looked at again after this.
const LOOK_AGAIN: SignedDuration = SignedDuration::from_mins(1);
/// A message that cannot be put into words is tried again after this.
const RETRY: SignedDuration = SignedDuration::from_mins(1);

/// Hands messages over as they fall due, until it is told to stop.
pub async fn run(app: SharedApp, stop: CancellationToken) {
    let mut every = tokio::time::interval(EVERY);
    while stop.run_until_cancelled(every.tick()).await.is_some() {
        loop {
            match dispatch_due(&app, app.clock.now()).await {
                Ok(Some(_)) if !stop.is_cancelled() => {}
                Ok(_) => break,
                Err(error) => {
                    error!(%error, "Could not look into the outbox");
                    break;
                }
            }
        }
    }
}

/// What became of a message that was due.
#[derive(Debug, Clone, PartialEq)]
pub enum Dispatched {
    /// It says this, to so many recipients.
    Sent(MessageWords, usize),
    /// A silence or a rule's threshold holds it.
    Held,
    /// It had nothing to say any more.
    Dropped,
    /// It could not be put into words, and waits.
    Failed,
}

/// Hands over the next message that is due. None when there is none, or nobody to be told.
///
/// # Errors
/// When the database fails.
pub async fn dispatch_due(app: &App, now: Timestamp) -> Result<Option<Dispatched>, AppError> {
    let mut db = app.pool.acquire().await?;
    let mut everybody = app.settings.standing_recipients.clone();
    everybody.extend(recipients::list(&mut db).await?);
    if everybody.is_empty() {
        return Ok(None);
    }
    let mut transaction = db.begin().await?;
    let Some(message) = outbox::lock_due(&mut transaction, now).await? else { return Ok(None) };
    match dispatch(app, &mut transaction, &everybody, &message, now).await {
        Ok(dispatched) => {
            transaction.commit().await?;
            Ok(Some(dispatched))
        }
        Err(error) => {
            transaction.rollback().await?;
            let (id, attempts) = (message.id, message.attempts);
            warn!(message = id, attempts, %error, "Could not put a message into words");
            let not_before = now.saturating_add(RETRY).unwrap_or(now);
            outbox::put_back(&mut db, id, not_before, &error.to_string()).await?;
            Ok(Some(Dispatched::Failed))
        }
    }
}

async fn dispatch(
    app: &App,
    db: &mut PgConnection,
    everybody: &[Recipient],
    message: &DueMessage,
    now: Timestamp,
) -> Result<Dispatched, AppError> {
    if let Some((alert, change)) = message.alert {
        return dispatch_alert(app, db, everybody, message, (alert, change), now).await;
    }
    let is_worded = message.notice.is_none() && message.words.is_some();
    let Some(id) = message.incident.filter(|_| !is_worded) else {
        // One that an earlier version put into words.
        let Some(words) = message.words.clone() else {
            outbox::drop_message(db, message.id).await?;
            return Ok(Dispatched::Dropped);
        };
        let all: Vec<&Recipient> = everybody.iter().collect();
        return hand_over(db, message, words, AlertLevel::Warning, &all, now).await;
    };
    let filter = IncidentFilter { id: Some(id), ..IncidentFilter::default() };
    let incident = incidents::list(db, filter, 1).await?.pop();
    let incident =
        incident.ok_or_else(|| AppError::not_found("The incident or its host is gone"))?;
    let Some(notice) = message.notice.clone().or_else(|| unreadable_notice(&incident)) else {
        outbox::drop_message(db, message.id).await?;
        return Ok(Dispatched::Dropped);
    };
    let notice = &notice;
    if message.was_held && is_stale(&incident, notice) {
        outbox::drop_message(db, message.id).await?;
        return Ok(Dispatched::Dropped);
    }
    let hosts = scoped_hosts(db, &incident, notice.host).await?;
    if is_silenced(db, message, Some((id, &incident.cause)), &hosts, now).await? {
        return Ok(Dispatched::Held);
    }
    let rules = alert_rules::load(db).await?;
    let ruled = RuledIncident {
        cause: &incident.cause,
        verdict: incident.diagnosis.verdict,
        left: incident.diagnosis.time_left,
        is_new_version: is_new_version(db, &rules, &incident.cause).await?,
        hosts: &hosts,
    };
    match find_telling(&rules, &ruled, notice.change) {
        Telling::Now => {}
        Telling::Later => {
            let until = now.saturating_add(LOOK_AGAIN).unwrap_or(now);
            outbox::hold(db, message.id, None, until).await?;
            return Ok(Dispatched::Held);
        }
        Telling::Never => {
            outbox::drop_message(db, message.id).await?;
            return Ok(Dispatched::Dropped);
        }
    }
    let level = AlertLevel::of_verdict(incident.diagnosis.verdict);
    let words = write_message(app, db, id, notice, now).await?;
    let wanted = everybody.iter().filter(|one| is_wanted(one, level, &hosts)).collect::<Vec<_>>();
    hand_over(db, message, words, level, &wanted, now).await
}

/// A message about the alert of a rule.
async fn dispatch_alert(
    app: &App,
    db: &mut PgConnection,
    everybody: &[Recipient],
    message: &DueMessage,
    (id, change): (AlertId, IncidentChange),
    now: Timestamp,
) -> Result<Dispatched, AppError> {
    let filter = AlertFilter { id: Some(id), ..AlertFilter::default() };
    let alert = alerts::list(db, filter, 1).await?.pop();
    let rules = alert_rules::load(db).await?;
    let rule = alert
        .as_ref()
        .and_then(|alert| rules.iter().find(|rule| rule.is_on && rule.name == alert.rule));
    let is_stale = |ended: Option<Timestamp>| ended.is_some() && change != IncidentChange::Resolved;
    let (alert, rule) = match (&alert, rule) {
        (Some(alert), Some(rule)) if !is_stale(alert.ended) => (alert, rule),
        _ => {
            outbox::drop_message(db, message.id).await?;
            return Ok(Dispatched::Dropped);
        }
    };
    let ids: Vec<HostId> =
        alert.hosts.iter().map(|one| one.host).filter(|host| *host != SERVER).collect();
    let hosts = scope_hosts(db, &ids).await?;
    if is_silenced(db, message, None, &hosts, now).await? {
        return Ok(Dispatched::Held);
    }
    let level = rule.rule.level();
    let words = rule_alert::write_message(app, alert, rule, &hosts, change, now)?;
    let wanted = everybody.iter().filter(|one| is_wanted(one, level, &hosts)).collect::<Vec<_>>();
    hand_over(db, message, words, level, &wanted, now).await
}

/// Whether a silence holds a message; it is held then.
async fn is_silenced(
    db: &mut PgConnection,
    message: &DueMessage,
    incident: Option<(IncidentId, &Cause)>,
    hosts: &[ScopedHost],
    now: Timestamp,
) -> Result<bool, AppError> {
    let silences = silences::ending_after(db, now).await?;
    let Some(silence) = find_silence(&silences, incident, hosts, now) else { return Ok(false) };
    info!(message = message.id, silence = silence.id.0, "A silence holds a message");
    outbox::hold(db, message.id, Some(silence.id), silence.until).await?;
    Ok(true)
}

/// Whether the driver behind an incident was found in another version, where a rule asks for that.
async fn is_new_version(
    db: &mut PgConnection,
    rules: &[RuleSetting],
    cause: &Cause,
) -> Result<bool, AppError> {
    let is_asked = rules.iter().any(|one| one.is_on && one.rule == AlertRule::NewDriverVersion);
    match cause {
        Cause::Driver { driver, .. } if is_asked => {
            Ok(alert_rules::drivers_of_several_versions(db).await?.contains(driver))
        }
        _ => Ok(false),
    }
}

/// What is told of an incident where it cannot be read any more what was to be.
fn unreadable_notice(incident: &Incident) -> Option<IncidentNotice> {
    let host = incident.worst.or(incident.hosts.first().copied())?;
    Some(IncidentNotice { change: WHERE_UNREADABLE, host, event: None })
}

/// Whether a message says of what is over that it began: nobody heard of it while it was silent.
fn is_stale(incident: &Incident, notice: &IncidentNotice) -> bool {
    incident.state == IncidentState::Resolved && notice.change != IncidentChange::Resolved
}

async fn hand_over(
    db: &mut PgConnection,
    message: &DueMessage,
    words: MessageWords,
    level: AlertLevel,
    recipients: &[&Recipient],
    now: Timestamp,
) -> Result<Dispatched, AppError> {
    outbox::hand_over(db, message.id, &words, level, now).await?;
    deliveries::add(db, message.id, message.incident, recipients, now).await?;
    let count = recipients.len();
    info!(message = message.id, recipients = count, subject = words.subject, "Message");
    Ok(Dispatched::Sent(words, count))
}
