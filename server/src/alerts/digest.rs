//! Digests: what happened in a day or week, told at an hour of the reader's time zone.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use poolwatch_detection::alerting::is_wanted;
use poolwatch_model::{
    HostId,
    alerting::{AlertLevel, DigestSchedule, Recipient, RecipientId, SERVER},
    incident::{Incident, IncidentState},
};
use poolwatch_store::{
    alert_rules,
    alerts::{self, AlertFilter},
    deliveries,
    incidents::{self, IncidentFilter},
    outbox::{self, MessageWords},
    recipients,
};
use poolwatch_web::{
    figures, links,
    mail::{DigestLine, DigestMail},
    words::{self, rules},
};
use sqlx::{Connection, PgConnection};
use tracing::{error, info, warn};

use super::silencing::scope_hosts;
use crate::{app::App, app_error::AppError};

/// Incidents and alerts that a digest looks at, the latest.
const LOOKED_AT: i64 = 2_000;
/// Lines of each part of a digest.
const LINES: usize = 50;

/// Gives the digests that are due, each by itself. Returns how many.
///
/// # Errors
/// When the recipients cannot be read.
pub async fn give_due(app: &App, now: Timestamp) -> Result<usize, AppError> {
    let mut db = app.pool.acquire().await?;
    let mut given = 0;
    for recipient in recipients::list(&mut db).await? {
        let Some((id, schedule)) = recipient.id.zip(recipient.digest.as_ref()) else { continue };
        match give_if_due(app, &mut db, &recipient, (id, schedule), now).await {
            Ok(is_given) => given += usize::from(is_given),
            Err(error) => error!(recipient = id.0, %error, "Could not give a digest"),
        }
    }
    Ok(given)
}

async fn give_if_due(
    app: &App,
    db: &mut PgConnection,
    recipient: &Recipient,
    (id, schedule): (RecipientId, &DigestSchedule),
    now: Timestamp,
) -> Result<bool, AppError> {
    let Ok(zone) = TimeZone::get(&schedule.zone) else {
        warn!(recipient = id.0, zone = schedule.zone, "A digest is of no time zone");
        return Ok(false);
    };
    let Some(due) = schedule.latest_due(&zone, now) else { return Ok(false) };
    let mut transaction = db.begin().await?;
    if !recipients::take_digest(&mut transaction, id, due).await? {
        return Ok(false);
    }
    let words = write_digest(app, &mut transaction, recipient, (schedule, &zone, due)).await?;
    let key = format!("digest/{}/{}", id.0, due.as_second());
    if let Some(message) = outbox::add_words(&mut transaction, &key, &words, now).await? {
        deliveries::add(&mut transaction, message, None, &[recipient], now).await?;
    }
    transaction.commit().await?;
    info!(recipient = id.0, subject = words.subject, "Digest");
    Ok(true)
}

async fn write_digest(
    app: &App,
    db: &mut PgConnection,
    recipient: &Recipient,
    (schedule, zone, due): (&DigestSchedule, &TimeZone, Timestamp),
) -> Result<MessageWords, AppError> {
    let length = SignedDuration::from_hours(schedule.every.days() * 24);
    let since = due.saturating_sub(length).map_err(AppError::internal)?;
    let console_url = app.settings.public_url.clone();
    let filter = IncidentFilter { since: Some(since), ..IncidentFilter::default() };
    let mut parts: BTreeMap<DigestPart, Vec<DigestLine>> = BTreeMap::new();
    for incident in &incidents::list(db, filter, LOOKED_AT).await? {
        let Some(part) = part_of(incident, since) else { continue };
        let lines = parts.entry(part).or_default();
        if lines.len() < LINES && is_of_reader(db, recipient, incident).await? {
            lines.push(incident_line(incident, &console_url));
        }
    }
    let view = app.fleet.view();
    let (reporting, silent) = view.heard(due);
    let mut take = |part| parts.remove(&part).unwrap_or_default();
    let shown = "%Y-%m-%d %H:%M";
    let local = |at: Timestamp| at.to_zoned(zone.clone()).strftime(shown).to_string();
    let mail = DigestMail {
        every: schedule.every,
        period: (local(since), format!("{} {}", local(due), schedule.zone)),
        began: take(DigestPart::Began),
        goes_on: take(DigestPart::GoesOn),
        ended: take(DigestPart::Ended),
        alerts: alert_lines(db, recipient, since, &console_url).await?,
        reporting,
        silent,
        undelivered: deliveries::count_unsent(db).await?.1.unsigned_abs(),
        console_url,
    };
    Ok(MessageWords {
        subject: mail.subject(),
        text: mail.text()?,
        html: mail.html()?,
        chart: None,
    })
}

/// Whether an incident is of a reader's hosts: of those on which it goes on, or went on. A digest tells
/// of what is not urgent as well.
async fn is_of_reader(
    db: &mut PgConnection,
    recipient: &Recipient,
    incident: &Incident,
) -> Result<bool, AppError> {
    let ids = match incident.hosts.is_empty() {
        _ if recipient.scope.is_all() => Vec::new(),
        true => incidents::details(db, incident.id).await?.seen_on,
        false => incident.hosts.clone(),
    };
    Ok(is_wanted(recipient, AlertLevel::Critical, &scope_hosts(db, &ids).await?))
}

/// Where an incident stands in a digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum DigestPart {
    Began,
    GoesOn,
    Ended,
}

fn part_of(incident: &Incident, since: Timestamp) -> Option<DigestPart> {
    match incident.state {
        IncidentState::Resolved => (incident.last_seen >= since).then_some(DigestPart::Ended),
        IncidentState::Regressed => Some(DigestPart::Began),
        _ if incident.opened >= since => Some(DigestPart::Began),
        _ => Some(DigestPart::GoesOn),
    }
}

fn incident_line(incident: &Incident, console_url: &str) -> DigestLine {
    let hosts = match incident.hosts.len() as u64 {
        0 => "on no host any more".to_owned(),
        hosts => figures::counted(hosts, "host", "hosts"),
    };
    let left = incident.diagnosis.left_s().filter(|left_s| *left_s > 0);
    let left = left.filter(|_| incident.state.is_active());
    let left = left.map(|left_s| format!("; first full in about {}", figures::duration(left_s)));
    DigestLine {
        title: words::title(&incident.diagnosis),
        detail: hosts + &left.unwrap_or_default(),
        url: format!("{console_url}{}", links::incident(&incident.id)),
        at: incident.opened,
    }
}

async fn alert_lines(
    db: &mut PgConnection,
    recipient: &Recipient,
    since: Timestamp,
    console_url: &str,
) -> Result<Vec<DigestLine>, AppError> {
    let rules_set = alert_rules::load(db).await?;
    let filter = AlertFilter { since: Some(since), ..AlertFilter::default() };
    let mut lines = Vec::new();
    for alert in alerts::list(db, filter, LOOKED_AT).await? {
        let Some(rule) = rules_set.iter().find(|rule| rule.name == alert.rule) else { continue };
        let ids: Vec<HostId> =
            alert.hosts.iter().map(|one| one.host).filter(|host| *host != SERVER).collect();
        let hosts = scope_hosts(db, &ids).await?;
        if lines.len() == LINES || !is_wanted(recipient, AlertLevel::Critical, &hosts) {
            continue;
        }
        let count = match hosts.is_empty() {
            true => "Poolwatch itself".to_owned(),
            false => figures::counted(u64::from(alert.host_count.max(1)), "host", "hosts"),
        };
        let state = if alert.ended.is_some() { "over" } else { "goes on" };
        lines.push(DigestLine {
            title: rules::name(rule),
            detail: format!("{count}; {state}"),
            url: format!("{console_url}{}", rules::url(&rule.name)),
            at: alert.opened,
        });
    }
    Ok(lines)
}
