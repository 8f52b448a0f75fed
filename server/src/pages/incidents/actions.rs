//! What people do about an incident: say something, take or give it, close it or open it again, make it
//! part of another.

use axum::{Extension, extract::State, response::Redirect};
use poolwatch_model::incident::IncidentId;
use poolwatch_web::links;
use serde::Deserialize;

use crate::{
    access::people::Person,
    app::SharedApp,
    app_error::AppError,
    fleet::visible::VisibleFleet,
    incident_actions::{self, IncidentSilence},
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
    visible: VisibleFleet,
    Path(id): Path<i64>,
    Form(comment): Form<Comment>,
) -> Result<Redirect, AppError> {
    incident_actions::comment(&app, &visible, IncidentId(id), &comment.text, &person.name).await?;
    Ok(back(IncidentId(id)))
}

/// Gives it to somebody, or to nobody.
pub(in crate::pages) async fn give(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    visible: VisibleFleet,
    Path(id): Path<i64>,
    Form(Owner { owner }): Form<Owner>,
) -> Result<Redirect, AppError> {
    let owner = Some(owner.as_str()).filter(|owner| !owner.is_empty());
    incident_actions::assign(&app, &visible, IncidentId(id), owner, &person.name).await?;
    Ok(back(IncidentId(id)))
}

/// Says that it is over.
pub(in crate::pages) async fn resolve(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    visible: VisibleFleet,
    Path(id): Path<i64>,
) -> Result<Redirect, AppError> {
    incident_actions::resolve(&app, &visible, IncidentId(id), &person.name).await?;
    Ok(back(IncidentId(id)))
}

/// Notes that the person knows of it and is at it.
pub(in crate::pages) async fn acknowledge(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    visible: VisibleFleet,
    Path(id): Path<i64>,
) -> Result<Redirect, AppError> {
    incident_actions::acknowledge(&app, &visible, IncidentId(id), &person.name).await?;
    Ok(back(IncidentId(id)))
}

/// Lets nobody be told of it for a while.
pub(in crate::pages) async fn silence(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    visible: VisibleFleet,
    Path(id): Path<i64>,
    Form(SilenceForm { hours, reason, until_worse }): Form<SilenceForm>,
) -> Result<Redirect, AppError> {
    let id = IncidentId(id);
    let wanted = IncidentSilence { hours, reason, until_worse: until_worse.is_some() };
    incident_actions::silence(&app, &visible, id, &wanted, &person.name).await?;
    Ok(Redirect::to(&links::incident(&id)))
}

/// What `POST /incidents/{id}/merge` takes.
#[derive(Debug, Deserialize)]
pub(in crate::pages) struct Merge {
    /// Number of the incident that it becomes part of.
    into: i64,
}

/// What `POST /incidents/{id}/confirm` takes.
#[derive(Debug, Deserialize)]
pub(in crate::pages) struct Confirm {
    /// `yes` or `no`.
    right: String,
}

/// Says that it is not over.
pub(in crate::pages) async fn reopen(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    visible: VisibleFleet,
    Path(id): Path<i64>,
) -> Result<Redirect, AppError> {
    incident_actions::reopen(&app, &visible, IncidentId(id), &person.name).await?;
    Ok(Redirect::to(&links::incident(&IncidentId(id))))
}

/// Makes it part of another one.
pub(in crate::pages) async fn merge(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    visible: VisibleFleet,
    Path(id): Path<i64>,
    Form(Merge { into }): Form<Merge>,
) -> Result<Redirect, AppError> {
    let into = IncidentId(into);
    incident_actions::merge(&app, &visible, IncidentId(id), into, &person.name).await?;
    Ok(Redirect::to(&links::incident(&into)))
}

/// Notes whether its suspect was the cause.
pub(in crate::pages) async fn confirm(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    visible: VisibleFleet,
    Path(id): Path<i64>,
    Form(Confirm { right }): Form<Confirm>,
) -> Result<Redirect, AppError> {
    let is_right = match right.as_str() {
        "yes" => true,
        "no" => false,
        _ => return Err(AppError::bad_request("`right` is yes or no.")),
    };
    incident_actions::confirm(&app, &visible, IncidentId(id), is_right, &person.name).await?;
    Ok(back(IncidentId(id)))
}

fn back(id: IncidentId) -> Redirect {
    Redirect::to(&format!("{}#history", links::incident(&id)))
}
