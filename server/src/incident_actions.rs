//! What people and scripts do about an incident: say something, take or give it, close it, open it
//! again, make it part of another, say whether its suspect was the cause, silence it.

use jiff::{SignedDuration, Timestamp};
use poolwatch_model::{
    alerting::SilenceMatcher,
    incident::{Incident, IncidentId, Noted},
};
use poolwatch_store::{
    incidents, people,
    silences::{self, NewSilence, REASON_CHARS, SILENCES},
};
use poolwatch_web::words;
use sqlx::{Connection, PgConnection};

use crate::{
    alerts::silencing, app::App, app_error::AppError, fleet::visible::VisibleFleet, judging,
};

/// People whom an incident can be given to.
pub const PEOPLE: i64 = 500;
/// Hours of a silence of one incident, at most.
const MOST_HOURS: i64 = 720;

/// A silence of one incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IncidentSilence {
    /// How long it lasts.
    pub hours: i64,
    /// Why; empty where nobody says so.
    pub reason: String,
    /// Whether it ends once the incident is worse.
    pub until_worse: bool,
}

/// Keeps what somebody says.
///
/// # Errors
/// 400 for what is no comment, 404 for an incident that is not shown.
pub async fn comment(
    app: &App,
    visible: &VisibleFleet,
    id: IncidentId,
    text: &str,
    by: &str,
) -> Result<Incident, AppError> {
    let text = plain(text);
    if text.is_empty() || text.chars().count() > incidents::COMMENT_CHARS {
        return Err(AppError::bad_request(format!(
            "A comment has 1 to {} characters.",
            incidents::COMMENT_CHARS
        )));
    }
    let mut db = app.pool.acquire().await?;
    let incident = visible.incident(&mut db, id).await?;
    if !incidents::comment(&mut db, incident.id, &text, by, app.clock.now()).await? {
        return Err(AppError::bad_request("This incident has as many comments as are kept."));
    }
    Ok(incident)
}

/// Gives it to somebody, or to nobody.
///
/// # Errors
/// 400 for who may not sign in, 404 for an incident that is not shown.
pub async fn assign(
    app: &App,
    visible: &VisibleFleet,
    id: IncidentId,
    owner: Option<&str>,
    by: &str,
) -> Result<Incident, AppError> {
    let mut db = app.pool.acquire().await?;
    let incident = visible.incident(&mut db, id).await?;
    if let Some(owner) = owner.filter(|owner| *owner != by)
        && !people::names(&mut db, PEOPLE).await?.iter().any(|name| name == owner)
    {
        return Err(AppError::bad_request("Nobody of that name may sign in."));
    }
    incidents::give_to(&mut db, incident.id, owner, by, app.clock.now()).await?;
    Ok(incident)
}

/// Says that it is over.
///
/// # Errors
/// 404 for an incident that is not shown, 403 when it is on hosts that are not.
pub async fn resolve(
    app: &App,
    visible: &VisibleFleet,
    id: IncidentId,
    by: &str,
) -> Result<(), AppError> {
    let mut db = app.pool.acquire().await?;
    require_whole(&mut db, visible, id).await?;
    let mut transaction = db.begin().await?;
    if !judging::close::close(&mut transaction, id, Some(by), app.clock.now()).await? {
        return Err(AppError::not_found("There is no such incident"));
    }
    transaction.commit().await?;
    Ok(())
}

/// Says that it is not over.
///
/// # Errors
/// 400 when it is not over or part of another, 404 and 403 as [`resolve`].
pub async fn reopen(
    app: &App,
    visible: &VisibleFleet,
    id: IncidentId,
    by: &str,
) -> Result<(), AppError> {
    let mut db = app.pool.acquire().await?;
    require_whole(&mut db, visible, id).await?;
    let mut transaction = db.begin().await?;
    if !judging::close::reopen(&mut transaction, id, by, app.clock.now()).await? {
        return Err(AppError::bad_request(
            "Only an incident that is over, and is part of no other, can be opened again.",
        ));
    }
    transaction.commit().await?;
    Ok(())
}

/// Makes it part of another one, which is the same cause.
///
/// # Errors
/// 400 when the other is the same, over, or part of a third, 404 and 403 as [`resolve`].
pub async fn merge(
    app: &App,
    visible: &VisibleFleet,
    id: IncidentId,
    into: IncidentId,
    by: &str,
) -> Result<(), AppError> {
    let mut db = app.pool.acquire().await?;
    require_whole(&mut db, visible, id).await?;
    require_whole(&mut db, visible, into).await?;
    let mut transaction = db.begin().await?;
    if !judging::close::merge(&mut transaction, id, into, by, app.clock.now()).await? {
        return Err(AppError::bad_request(
            "An incident becomes part of another one that is not over and part of no third.",
        ));
    }
    transaction.commit().await?;
    Ok(())
}

/// Notes whether its suspect was the cause.
///
/// # Errors
/// 400 when it names no suspect, 404 for an incident that is not shown.
pub async fn confirm(
    app: &App,
    visible: &VisibleFleet,
    id: IncidentId,
    is_right: bool,
    by: &str,
) -> Result<Incident, AppError> {
    let mut db = app.pool.acquire().await?;
    let incident = visible.incident(&mut db, id).await?;
    let suspect = words::leading_suspect(&incident.diagnosis).map(words::suspect_name);
    let suspect = suspect.ok_or_else(|| AppError::bad_request("This incident suspects nobody."))?;
    let what = if is_right { Noted::Confirmed(suspect) } else { Noted::Refuted(suspect) };
    incidents::note(&mut db, incident.id, &what, by, app.clock.now()).await?;
    Ok(incident)
}

/// Notes that somebody knows of it and is at it.
///
/// # Errors
/// 404 for an incident that is not shown.
pub async fn acknowledge(
    app: &App,
    visible: &VisibleFleet,
    id: IncidentId,
    by: &str,
) -> Result<Incident, AppError> {
    let mut db = app.pool.acquire().await?;
    let incident = visible.incident(&mut db, id).await?;
    incidents::acknowledge(&mut db, incident.id, by, app.clock.now()).await?;
    Ok(incident)
}

/// Lets nobody be told of it for a while.
///
/// # Errors
/// 400 for too long, 404 for an incident that is not shown, 403 when it is on hosts that are not.
pub async fn silence(
    app: &App,
    visible: &VisibleFleet,
    id: IncidentId,
    wanted: &IncidentSilence,
    by: &str,
) -> Result<(), AppError> {
    if !(1..=MOST_HOURS).contains(&wanted.hours) {
        return Err(AppError::bad_request(format!("A silence lasts 1 to {MOST_HOURS} hours.")));
    }
    let reason = match wanted.reason.trim() {
        "" if wanted.until_worse => "known, ignored until it gets worse".to_owned(),
        "" => "silenced from its page".to_owned(),
        reason => checked_reason(reason)?,
    };
    let now = app.clock.now();
    let until =
        now.saturating_add(SignedDuration::from_hours(wanted.hours)).unwrap_or(Timestamp::MAX);
    let mut db = app.pool.acquire().await?;
    require_whole(&mut db, visible, id).await?;
    let mut transaction = db.begin().await?;
    let extent = silencing::extent(&mut transaction, id).await?;
    let extent = extent.ok_or_else(|| AppError::not_found("There is no such incident"))?;
    let new = NewSilence {
        matcher: &SilenceMatcher { incident: Some(id), ..SilenceMatcher::default() },
        reason: &reason,
        by,
        from: now,
        until,
        worse_than: wanted.until_worse.then_some(extent),
        window: None,
    };
    silences::add(&mut transaction, &new, now).await?.ok_or_else(too_many_silences)?;
    transaction.commit().await?;
    Ok(())
}

async fn require_whole(
    db: &mut PgConnection,
    visible: &VisibleFleet,
    id: IncidentId,
) -> Result<(), AppError> {
    visible.incident(db, id).await?;
    visible.require_all_of(db, id).await
}

/// Why somebody silences something.
///
/// # Errors
/// 400 when nobody says so, or says too much.
pub fn checked_reason(typed: &str) -> Result<String, AppError> {
    let reason: String = typed.chars().filter(|letter| !letter.is_control()).collect();
    let reason = reason.trim();
    match reason.chars().count() {
        1..=REASON_CHARS => Ok(reason.to_owned()),
        _ => Err(AppError::bad_request(format!(
            "Say in 1 to {REASON_CHARS} characters why: others will ask."
        ))),
    }
}

/// 400: no further silence is kept.
#[must_use]
pub fn too_many_silences() -> AppError {
    AppError::bad_request(format!("There are {SILENCES} silences: end some first."))
}

/// A text with its lines, without what is not text.
fn plain(text: &str) -> String {
    let text = text.replace("\r\n", "\n");
    let kept: String = text.chars().filter(|c| *c == '\n' || !c.is_control()).collect();
    kept.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_keeps_its_lines_and_nothing_that_is_no_text() {
        assert_eq!(plain(" a\r\n\u{1b}[2Jb\0\n"), "a\n[2Jb");
        assert_eq!(plain(" \r\n\t"), "");
    }

    #[test]
    fn a_silence_has_a_reason() {
        assert!(checked_reason(" \r\n").is_err() && checked_reason(&"x".repeat(501)).is_err());
        assert_eq!(checked_reason(" patch\n night ").unwrap(), "patch night");
    }
}
