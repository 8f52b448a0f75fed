//! What people decide about hosts (`POST /hosts/decide`, `/hosts/delete`, `/hosts/{id}/…`).

use axum::{Extension, extract::State, response::Redirect};
use poolwatch_model::{HostId, asked_time::AskedTime};
use poolwatch_web::{
    links,
    list::Choice,
    waiting::{WaitingFilter, WaitingState},
};
use serde::Deserialize;

use super::waiting;
use crate::{
    access::people::Person,
    app::SharedApp,
    app_error::AppError,
    enrolment::decisions::{self, Decision},
    parameters::{Form, Path},
};

/// The form of a list: names may come several times.
type Pairs = Vec<(String, String)>;

/// What `POST /hosts/{id}/merge` takes.
#[derive(Debug, Deserialize)]
pub(in crate::pages) struct Merge {
    into: i32,
}

/// Approves, refuses, archives or restores the selected hosts, or all that match.
pub(in crate::pages) async fn decide(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    Form(form): Form<Pairs>,
) -> Result<Redirect, AppError> {
    let decision = Decision::parse(value(&form, "decision"))?;
    if decision == Decision::Delete {
        return Err(AppError::bad_request("Send this to /hosts/delete."));
    }
    carry_out(&app, &person, &form, decision).await
}

/// Deletes the selected hosts, or all that match.
pub(in crate::pages) async fn delete(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    Form(form): Form<Pairs>,
) -> Result<Redirect, AppError> {
    carry_out(&app, &person, &form, Decision::Delete).await
}

/// Lets the machine of a host that waits go on as a host of the fleet.
pub(in crate::pages) async fn merge(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    Path(id): Path<i32>,
    Form(Merge { into }): Form<Merge>,
) -> Result<Redirect, AppError> {
    decisions::merge(&app, HostId(id), HostId(into), &person.name).await?;
    Ok(Redirect::to(&links::host(HostId(into))))
}

/// Revokes a host's key.
pub(in crate::pages) async fn revoke_key(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    Path(id): Path<i32>,
) -> Result<Redirect, AppError> {
    decisions::revoke_key(&app, HostId(id), &person.name).await?;
    Ok(Redirect::to(&links::host(HostId(id))))
}

/// Remembers that a host is another machine than those of its identity or name.
pub(in crate::pages) async fn keep_apart(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    Path(id): Path<i32>,
) -> Result<Redirect, AppError> {
    decisions::keep_apart(&app, HostId(id), &person.name).await?;
    Ok(Redirect::to(&links::host(HostId(id))))
}

async fn carry_out(
    app: &SharedApp,
    person: &Person,
    form: &Pairs,
    decision: Decision,
) -> Result<Redirect, AppError> {
    let hosts = if value(form, "all") == "yes" {
        let until: AskedTime = value(form, "seen").parse().map_err(|_| {
            AppError::bad_request("`seen` is the time at which the list was shown.")
        })?;
        waiting::matching(app, filter(form)?, until.get()).await?
    } else {
        let ids = form.iter().filter(|(name, _)| name == "host");
        let parsed = ids.map(|(_, id)| id.parse().map(HostId)).collect::<Result<Vec<_>, _>>();
        parsed.map_err(|_| AppError::bad_request("`host` is the number of a host."))?
    };
    if hosts.is_empty() {
        return Err(AppError::bad_request("Select at least one host."));
    }
    decisions::decide(app, &hosts, decision, &person.name).await?;
    Ok(Redirect::to(back(form)))
}

fn filter(form: &Pairs) -> Result<WaitingFilter, AppError> {
    let state = value(form, "state");
    let state = WaitingState::ALL.iter().find(|(_, name, _)| *name == state);
    let (state, ..) =
        state.ok_or_else(|| AppError::bad_request("`state` is waiting, refused or archived."))?;
    Ok(WaitingFilter {
        q: value(form, "q").to_owned(),
        state: *state,
        domain: value(form, "domain").to_owned(),
        token: value(form, "token").to_owned(),
    })
}

/// Where to go back to: a page of this console.
fn back(form: &Pairs) -> &str {
    let back = value(form, "back");
    if back.starts_with("/hosts") && !back.contains(['\\', '\r', '\n']) {
        back
    } else {
        "/hosts/waiting"
    }
}

fn value<'a>(form: &'a Pairs, wanted: &str) -> &'a str {
    form.iter().find(|(name, _)| name == wanted).map_or("", |(_, value)| value)
}
