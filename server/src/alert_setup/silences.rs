//! Silences: what nobody is told for a while.

use jiff::{SignedDuration, Timestamp};
use poolwatch_model::{
    HostId, PoolTag,
    alerting::{HostScope, Silence, SilenceId, SilenceMatcher},
    incident::IncidentId,
};
use poolwatch_store::silences::{self, NewSilence};
use serde::Deserialize;
use sqlx::PgConnection;
use utoipa::ToSchema;

use super::{one_line, time_span::TimeSpan};
use crate::{
    app::App,
    app_error::AppError,
    fleet::visible::VisibleFleet,
    incident_actions::{checked_reason, too_many_silences},
};

/// What somebody types to silence everything.
const EVERYTHING: &str = "silence everything";

/// A silence as somebody types it.
#[derive(Debug, Deserialize, ToSchema)]
pub struct SilenceDraft {
    /// Hosts of such a name.
    #[serde(default)]
    pattern: String,
    /// Hosts of a group.
    #[serde(default)]
    group: String,
    /// Incidents of a main tag.
    #[serde(default)]
    tag: String,
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
    /// Where nothing is named: `silence everything`.
    #[serde(default)]
    confirm: String,
}

impl SilenceDraft {
    /// What the audit log keeps of it.
    #[must_use]
    pub fn describe(&self) -> String {
        let Self { pattern, group, tag, incident, from, until, zone, reason, .. } = self;
        one_line(&format!(
            "hosts {pattern:?}, group {group:?}, tag {tag:?}, incident {incident:?}, {from} to {until} \
             {zone}: {reason}"
        ))
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
    let matcher = read_matcher(draft)?;
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

/// Whether a silence is of hosts and incidents that are shown.
#[must_use]
pub fn is_shown(visible: &VisibleFleet, silence: &Silence) -> bool {
    let has_incident = |id| visible.is_whole() || visible.view.incident(id).is_some();
    silence.matcher.host.is_none_or(|host| visible.shows(host))
        && silence.matcher.incident.is_none_or(has_incident)
}

fn read_matcher(form: &SilenceDraft) -> Result<SilenceMatcher, AppError> {
    let incident = one_line(&form.incident);
    let incident = match incident.as_str() {
        "" => None,
        number => Some(IncidentId(number.parse().map_err(|_| {
            AppError::bad_request("An incident is named by its number, as in its address.")
        })?)),
    };
    let scope = HostScope::from_typed(&one_line(&form.group), &one_line(&form.pattern));
    let matcher = SilenceMatcher { incident, host: None, tag: read_tag(&form.tag)?, scope };
    confirm(&matcher, &form.confirm)?;
    Ok(matcher)
}

/// A tag as somebody typed it, if they did.
pub(super) fn read_tag(typed: &str) -> Result<Option<PoolTag>, AppError> {
    match one_line(typed).as_str() {
        "" => Ok(None),
        tag => tag
            .parse()
            .map(Some)
            .map_err(|_| AppError::bad_request("A tag has one to four characters.")),
    }
}

/// Refuses what matches everything, unless the words for it are there.
pub(super) fn confirm(matcher: &SilenceMatcher, typed: &str) -> Result<(), AppError> {
    if matcher.matches_everything() && typed.trim() != EVERYTHING {
        return Err(AppError::bad_request(format!(
            "This matches everything: nobody would be told of anything. Name hosts, a group, a tag \
             or an incident, or type \"{EVERYTHING}\" to confirm."
        )));
    }
    Ok(())
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

#[cfg(test)]
mod tests {
    use super::*;

    fn form(pattern: &str, tag: &str, confirm: &str) -> SilenceDraft {
        SilenceDraft {
            pattern: pattern.into(),
            group: String::new(),
            tag: tag.into(),
            incident: String::new(),
            from: String::new(),
            until: String::new(),
            zone: String::new(),
            reason: String::new(),
            confirm: confirm.into(),
        }
    }

    #[test]
    fn what_matches_everything_takes_the_words_for_it() {
        for pattern in ["", "*", "**"] {
            let refused = read_matcher(&form(pattern, "", "yes")).unwrap_err();
            assert!(refused.detail.contains("matches everything"), "{}", refused.detail);
            assert!(read_matcher(&form(pattern, "", "silence everything")).is_ok());
        }
        assert!(read_matcher(&form("FS-*", "", "")).is_ok());
        assert!(read_matcher(&form("", "Fooo", "")).is_ok());
        assert!(read_matcher(&form("", "longer", "")).is_err());
    }
}
