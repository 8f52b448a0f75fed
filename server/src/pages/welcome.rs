//! What one-time links open (`/welcome`). The secret is in the query, which no log holds.

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{Html, IntoResponse, Redirect, Response},
};
use poolwatch_store::{
    one_time_links::{self, LinkPurpose},
    people::User,
};
use poolwatch_web::{Page, welcome::WelcomePage};
use serde::Deserialize;

use super::{login::signed_in, sessions::begin_session};
use crate::{
    access::audit::{Attempt, RequestOrigin},
    accounts::passwords::{self, LinkUse},
    app::{App, SharedApp},
    app_error::AppError,
    auth::{passwords::MIN_CHARACTERS, secrets},
    parameters::{Form, Query},
};

/// What `GET /welcome` takes.
#[derive(Deserialize)]
pub(super) struct Opened {
    link: String,
}

/// What `POST /welcome` takes.
#[derive(Deserialize)]
pub(super) struct Typed {
    link: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    email: String,
    password: String,
}

/// The form.
pub(super) async fn form(
    State(app): State<SharedApp>,
    Query(Opened { link }): Query<Opened>,
) -> Result<Html<String>, AppError> {
    let page = page(&app, link, (String::new(), String::new()), None).await?;
    Ok(Html(page.render()?))
}

/// Sets the password and signs in. Who has a second factor signs in by it.
pub(super) async fn set(
    State(app): State<SharedApp>,
    origin: RequestOrigin,
    headers: HeaderMap,
    Form(Typed { link, name, email, password }): Form<Typed>,
) -> Result<Response, AppError> {
    let entry = |user: &User| {
        let actor = format!("{} ({})", user.name, user.email);
        Attempt::new(actor, "set password by link", &user.email, &origin).done(&app, "")
    };
    match passwords::set_by_link(&app, &link, (&name, &email), password, entry).await? {
        LinkUse::Over => Err(over()),
        LinkUse::Refused(reason) => {
            let page = page(&app, link, (name, email), Some(reason)).await?;
            Ok((StatusCode::BAD_REQUEST, Html(page.render()?)).into_response())
        }
        LinkUse::Done(user) => {
            if user.sealed_totp.is_some() {
                return Ok(Redirect::to("/login").into_response());
            }
            let entry = signed_in(&app, &user, &origin, "by link");
            let cookies = begin_session(&app, &user, &headers, &origin, Some(&entry)).await?;
            Ok((cookies, Redirect::to("/")).into_response())
        }
    }
}

async fn page(
    app: &App,
    link: String,
    typed: (String, String),
    error: Option<String>,
) -> Result<WelcomePage, AppError> {
    let mut db = app.pool.acquire().await?;
    let found = one_time_links::find(&mut db, &secrets::hash(&link), app.clock.now()).await?;
    let email = match found.ok_or_else(over)? {
        LinkPurpose::FirstAdministrator => None,
        LinkPurpose::Password(user) => Some(user.email),
    };
    Ok(WelcomePage { link, email, typed, min_characters: MIN_CHARACTERS, error })
}

fn over() -> AppError {
    AppError::new(
        StatusCode::GONE,
        "link-over",
        "This link is used up or too old",
        "A link sets one password, within three days. An administrator makes another one under \
         Settings, People; the server prints the one for the first administrator when it starts.",
    )
}
