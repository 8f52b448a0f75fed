//! Silences: what nobody is told for a while.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use poolwatch_model::{
    HostId,
    alerting::{Silence, SilenceId, SilenceMatcher},
    incident::IncidentId,
};
use poolwatch_store::silences::{self, NewSilence};
use serde::Deserialize;
use sqlx::PgConnection;
use utoipa::ToSchema;

use super::{matcher::MatcherDraft, one_line, time_span::TimeSpan};
use crate::{
    app::App,
    app_error::AppError,
    fleet::{view::HostSummary, visible::VisibleFleet},
    incident_actions::{checked_reason, too_many_silences},
    scoped_host::group_names,
};

/// A silence as somebody types it.
#[derive(Debug, Deserialize, ToSchema)]
pub struct SilenceDraft {
    /// What it is about, beside an incident.
    #[serde(flatten)]
    about: MatcherDraft,
    /// One incident, by its number.
    #[serde(default)]
    incident: String,
    /// When it begins, in the zone, as `2026-03-29 22:00`; empty for now.
    #[serde(default)]
    from: String,
    /// When it ends.
    until: String,
    /// The time zone of both.
    zone: String,
    /// Why.
    reason: String,
}

impl SilenceDraft {
    /// What the audit log keeps of it.
    #[must_use]
    pub fn describe(&self) -> String {
        let Self { about, incident, from, until, zone, reason } = self;
        let about = about.describe();
        one_line(&format!("{about}, incident {incident:?}, {from} to {until} {zone}: {reason}"))
    }
}

/// Makes a silence.
///
/// # Errors
/// 400 for what makes no sense, and where there are too many.
pub async fn add(
    app: &App,
    draft: &SilenceDraft,
    by: &str,
    now: Timestamp,
) -> Result<SilenceId, AppError> {
    let matcher = draft.about.read(read_incident(&draft.incident)?)?;
    let span = TimeSpan::read(&draft.from, &draft.until, &draft.zone, now)
        .map_err(|error| AppError::bad_request(error.to_string()))?;
    let reason = checked_reason(&draft.reason)?;
    let new = NewSilence {
        matcher: &matcher,
        reason: &reason,
        by,
        from: span.from,
        until: span.until,
        worse_than: None,
        window: None,
    };
    let mut db = app.pool.acquire().await?;
    silences::add(&mut db, &new, now).await?.ok_or_else(too_many_silences)
}

/// Hours of a silence of hosts that somebody selected, at most.
const MOST_HOURS: i64 = 24 * 30;

/// Silences hosts from now on, each by a silence of its own; all of them, or none.
///
/// # Errors
/// 400 for a time or reason that makes no sense, and where there are too many; 404 for a host that is
/// not shown.
pub async fn add_for_hosts(
    app: &App,
    visible: &VisibleFleet,
    hosts: &[HostId],
    (hours, reason): (i64, &str),
    by: &str,
) -> Result<(), AppError> {
    if !(1..=MOST_HOURS).contains(&hours) {
        return Err(AppError::bad_request(format!("A silence lasts 1 to {MOST_HOURS} hours.")));
    }
    let reason = checked_reason(reason)?;
    let now = app.clock.now();
    let until = now.saturating_add(SignedDuration::from_hours(hours)).unwrap_or(Timestamp::MAX);
    let mut transaction = app.pool.begin().await?;
    for host in hosts {
        visible.require_host(*host)?;
        let matcher = SilenceMatcher { host: Some(*host), ..SilenceMatcher::default() };
        let new = NewSilence {
            matcher: &matcher,
            reason: &reason,
            by,
            from: now,
            until,
            worse_than: None,
            window: None,
        };
        silences::add(&mut transaction, &new, now).await?.ok_or_else(too_many_silences)?;
    }
    Ok(transaction.commit().await?)
}

/// Ends a silence: what it held goes out.
///
/// # Errors
/// 404 when there is none, 403 when it is about hosts that are not shown.
pub async fn end(
    app: &App,
    visible: &VisibleFleet,
    id: SilenceId,
    by: &str,
    now: Timestamp,
) -> Result<(), AppError> {
    let mut db = app.pool.acquire().await?;
    require_own(&mut db, visible, id, now).await?;
    silences::end(&mut db, id, Some(by), now).await?;
    Ok(())
}

/// Whether a silence is about any of the hosts, incidents and tags that are shown: others name what is
/// not.
#[must_use]
pub fn is_shown(visible: &VisibleFleet, silence: &Silence) -> bool {
    let (view, SilenceMatcher { incident, host, tag, scope }) = (&visible.view, &silence.matcher);
    let covers = |one: &Arc<HostSummary>| {
        let groups = group_names(&one.host.facts, &view.groups, &one.groups);
        scope.covers(&one.host.name, groups)
    };
    visible.is_whole()
        || host.is_none_or(|host| visible.shows(host))
            && incident.is_none_or(|id| view.incident(id).is_some())
            && tag.is_none_or(|tag| view.tags.lines().iter().any(|line| line.tag == tag))
            && (scope.is_all() || view.hosts.iter().any(covers))
}

fn read_incident(typed: &str) -> Result<Option<IncidentId>, AppError> {
    match one_line(typed).as_str() {
        "" => Ok(None),
        number => number.parse().map(|number| Some(IncidentId(number))).map_err(|_| {
            AppError::bad_request("An incident is named by its number, as in its address.")
        }),
    }
}

/// Who sees a part of the fleet ends silences of incidents that are wholly in it.
async fn require_own(
    db: &mut PgConnection,
    visible: &VisibleFleet,
    id: SilenceId,
    now: Timestamp,
) -> Result<(), AppError> {
    if visible.is_whole() {
        return Ok(());
    }
    let all = silences::ending_after(db, now).await?;
    let silence = all.into_iter().find(|silence| silence.id == id);
    let silence = silence.ok_or_else(|| AppError::not_found("There is no such silence"))?;
    match silence.matcher.incident {
        Some(incident) => visible.require_all_of(db, incident).await,
        None => visible.require_whole(),
    }
}
