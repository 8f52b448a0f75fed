//! One's own account (`/account`).

mod second_factor;
mod tokens;

use axum::{
    Extension,
    extract::State,
    http::{HeaderMap, StatusCode, Uri},
    response::{Html, IntoResponse, Redirect, Response},
};
use poolwatch_store::{people::User, second_factors, sessions, tokens as stored_tokens};
use poolwatch_web::{
    Page,
    account::{AccountNotice, AccountPage},
};
use serde::Deserialize;

pub(super) use second_factor::{disable, enable, propose};
pub(super) use tokens::{create, revoke};

use super::{address, sessions as session_pages, settings, shell, views};
use crate::{
    access::{
        audit::{AuditNote, RequestOrigin},
        people::{Person, Proof},
    },
    accounts::{passwords, people},
    app::{App, SharedApp},
    app_error::AppError,
    parameters::{Form, Path},
};

/// Tokens of one person that are shown.
const TOKENS: i64 = 200;

/// What `POST /account/password` takes.
#[derive(Deserialize)]
pub(super) struct PasswordChange {
    old: String,
    new: String,
}

/// The page.
pub(super) async fn page(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    uri: Uri,
) -> Result<Html<String>, AppError> {
    Ok(Html(load(&app, &person, address(&uri), None).await?.render()?))
}

async fn load(
    app: &SharedApp,
    person: &Person,
    url: String,
    notice: Option<AccountNotice>,
) -> Result<AccountPage, AppError> {
    let (user, session) = owner(person)?;
    let mut db = app.pool.acquire().await?;
    let account = people::find(app, &mut db, user).await?;
    let recovery_codes = match account.user.sealed_totp {
        Some(_) => Some(second_factors::recovery_codes_left(&mut db, user).await?),
        None => None,
    };
    let sessions = sessions::of_user(&mut db, user, app.clock.now()).await?;
    let tokens = stored_tokens::list_api(&mut db, Some(user), TOKENS).await?;
    let views = views::all(&mut db, user).await?;
    drop(db);
    Ok(AccountPage {
        shell: shell(app, person, url),
        email: account.user.email,
        recovery_codes,
        sessions: session_pages::rows(sessions, Some(session)),
        tokens: tokens.into_iter().map(settings::tokens::row).collect(),
        views,
        notice,
    })
}

/// Changes the password. The person goes on in a session of its own, and nowhere else.
pub(super) async fn change_password(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    origin: RequestOrigin,
    headers: HeaderMap,
    Form(PasswordChange { old, new }): Form<PasswordChange>,
) -> Result<Response, AppError> {
    let user = find_user(&app, &person).await?;
    match passwords::change(&app, user, old, new).await? {
        Ok(user) => {
            let cookies =
                session_pages::begin_session(&app, &user, &headers, &origin, None).await?;
            let note = AuditNote::new(user.email, "password changed, sessions ended");
            Ok((Extension(note), cookies, Redirect::to("/account")).into_response())
        }
        Err(reason) => refuse(&app, &person, reason).await,
    }
}

/// The page again, with why something was not done.
async fn refuse(app: &SharedApp, person: &Person, reason: String) -> Result<Response, AppError> {
    let notice = Some(AccountNotice::Refused(reason.clone()));
    let page = load(app, person, "/account".to_owned(), notice).await?;
    let note = AuditNote::new("", reason);
    Ok((StatusCode::BAD_REQUEST, Extension(note), Html(page.render()?)).into_response())
}

/// Ends one of one's own sessions.
pub(super) async fn end_session(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    Path(id): Path<i64>,
) -> Result<Redirect, AppError> {
    let (user, _) = owner(&person)?;
    people::end_session(&app, user, id).await?;
    Ok(Redirect::to("/account#sessions"))
}

/// Number of the person and of the session.
fn owner(person: &Person) -> Result<(i32, i64), AppError> {
    match &person.proof {
        Proof::Session { user, session, .. } => Ok((*user, *session)),
        Proof::Token { .. } | Proof::CommandLine => {
            Err(AppError::not_found("A token has no account"))
        }
    }
}

async fn find_user(app: &App, person: &Person) -> Result<User, AppError> {
    let mut db = app.pool.acquire().await?;
    Ok(people::find(app, &mut db, owner(person)?.0).await?.user)
}
