//! What people do about an incident: say something, take or give it, close it.

use axum::{Extension, extract::State, response::Redirect};
use jiff::SignedDuration;
use poolwatch_model::{alerting::SilenceMatcher, incident::IncidentId};
use poolwatch_store::{
    incidents, people,
    silences::{self, NewSilence},
};
use poolwatch_web::links;
use serde::Deserialize;
use sqlx::Connection;

use super::{PEOPLE, find};
use crate::{
    access::people::Person,
    alerts::silencing,
    app::SharedApp,
    app_error::AppError,
    judging,
    pages::alerts::{read_reason, too_many},
    parameters::{Form, Path},
};

/// What `POST /incidents/{id}/comments` takes.
#[derive(Debug, Deserialize)]
pub(in crate::pages) struct Comment {
    text: String,
}

/// What `POST /incidents/{id}/owner` takes.
#[derive(Debug, Deserialize)]
pub(in crate::pages) struct Owner {
    /// Name of a person; nothing for nobody.
    owner: String,
}

/// Hours of a silence from here, at most.
const MOST_HOURS: i64 = 720;

/// What `POST /incidents/{id}/silence` takes.
#[derive(Debug, Deserialize)]
pub(in crate::pages) struct SilenceForm {
    hours: i64,
    #[serde(default)]
    reason: String,
    /// Sent where it ends once the incident is worse.
    until_worse: Option<String>,
}

/// Keeps what somebody says.
pub(in crate::pages) async fn comment(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    Path(id): Path<i64>,
    Form(comment): Form<Comment>,
) -> Result<Redirect, AppError> {
    let text = plain(&comment.text);
    if text.is_empty() || text.chars().count() > incidents::COMMENT_CHARS {
        return Err(AppError::bad_request(format!(
            "A comment has 1 to {} characters.",
            incidents::COMMENT_CHARS
        )));
    }
    let mut db = app.pool.acquire().await?;
    let incident = find(&mut db, IncidentId(id)).await?;
    if !incidents::comment(&mut db, incident.id, &text, &person.name, app.clock.now()).await? {
        return Err(AppError::bad_request("This incident has as many comments as are kept."));
    }
    Ok(back(incident.id))
}

/// Gives it to somebody, or to nobody.
pub(in crate::pages) async fn give(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    Path(id): Path<i64>,
    Form(Owner { owner }): Form<Owner>,
) -> Result<Redirect, AppError> {
    let mut db = app.pool.acquire().await?;
    let incident = find(&mut db, IncidentId(id)).await?;
    let is_known = owner.is_empty()
        || owner == person.name
        || people::names(&mut db, PEOPLE).await?.contains(&owner);
    if !is_known {
        return Err(AppError::bad_request("Nobody of that name may sign in."));
    }
    let owner = Some(owner.as_str()).filter(|owner| !owner.is_empty());
    incidents::give_to(&mut db, incident.id, owner, &person.name, app.clock.now()).await?;
    Ok(back(incident.id))
}

/// Says that it is over.
pub(in crate::pages) async fn resolve(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    Path(id): Path<i64>,
) -> Result<Redirect, AppError> {
    let id = IncidentId(id);
    let mut db = app.pool.acquire().await?;
    let mut transaction = db.begin().await?;
    if !judging::close::close(&mut transaction, id, Some(&person.name), app.clock.now()).await? {
        return Err(AppError::not_found("There is no such incident"));
    }
    transaction.commit().await?;
    Ok(back(id))
}

/// Notes that the person knows of it and is at it.
pub(in crate::pages) async fn acknowledge(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    Path(id): Path<i64>,
) -> Result<Redirect, AppError> {
    let mut db = app.pool.acquire().await?;
    let incident = find(&mut db, IncidentId(id)).await?;
    incidents::acknowledge(&mut db, incident.id, &person.name, app.clock.now()).await?;
    Ok(back(incident.id))
}

/// Lets nobody be told of it for a while.
pub(in crate::pages) async fn silence(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    Path(id): Path<i64>,
    Form(form): Form<SilenceForm>,
) -> Result<Redirect, AppError> {
    if !(1..=MOST_HOURS).contains(&form.hours) {
        return Err(AppError::bad_request(format!("A silence lasts 1 to {MOST_HOURS} hours.")));
    }
    let is_until_worse = form.until_worse.is_some();
    let reason = match form.reason.trim() {
        "" if is_until_worse => "known, ignored until it gets worse".to_owned(),
        "" => "silenced from its page".to_owned(),
        reason => read_reason(reason)?,
    };
    let (id, now) = (IncidentId(id), app.clock.now());
    let until = now.saturating_add(SignedDuration::from_hours(form.hours)).unwrap_or(now);
    let mut db = app.pool.acquire().await?;
    let mut transaction = db.begin().await?;
    let extent = silencing::extent(&mut transaction, id).await?;
    let extent = extent.ok_or_else(|| AppError::not_found("There is no such incident"))?;
    let new = NewSilence {
        matcher: &SilenceMatcher { incident: Some(id), ..SilenceMatcher::default() },
        reason: &reason,
        by: &person.name,
        from: now,
        until,
        worse_than: is_until_worse.then_some(extent),
        window: None,
    };
    silences::add(&mut transaction, &new, now).await?.ok_or_else(too_many)?;
    transaction.commit().await?;
    Ok(Redirect::to(&links::incident(&id)))
}

fn back(id: IncidentId) -> Redirect {
    Redirect::to(&format!("{}#history", links::incident(&id)))
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
}
